/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* burin-opt: the test driver. Reads a graph in text form (docs/text-form.md), runs passes on it,
 * prints it; or lowers it and prints the kernels. Reads kernels in text form as well.
 *
 *   burin-opt [--gradient] [--passes=a,b,c] [--simplify] [--target=test]
 *             [--fp=strict|contract|fast] [--locs] [--data] [--explain] [--dump] [--lower] [--run]
 *             [--bf16] [--cuda] [FILE]
 *
 * --cuda prints the CUDA C of the graph's kernels after all passes, for the target or sm_80.
 * Without FILE, or with -, the text comes from standard input. --gradient appends the gradients of
 * the first result, a scalar, for all trainable parameters, and makes them results. What is read
 * and what is printed is verified, and the printed text is read again and printed once more: if
 * that differs, burin-opt fails. --run interprets kernels on made-up numbers and prints what they
 * wrote. Diagnostics go to standard error; the exit code is that of their class. */
#include "base/oom.h"
#include "codegen/cuda/cuda.h"
#include "ir/text.h"
#include "passes/autodiff.h"
#include "tools/opt_kernel.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct Options {
	const char *passes, *file, *target;
	bool gradient, simplify, explain, dump, lower, run, bf16, cuda;
	FpMode fp;
	TextOptions text;
} Options;

static int usage(const char *arg)
{
	fprintf(stderr, "burin-opt: unknown argument '%s'\n", arg);
	fprintf(stderr, "usage: burin-opt [--gradient] [--passes=a,b] [--simplify] "
			"[--target=NAME] [--fp=strict|contract|fast] [--locs] [--data] [--explain] "
			"[--dump] [--lower] [--run] [--bf16] [--cuda] [FILE]\n");
	return 2;
}

static bool read_fp(const char *name, FpMode *out)
{
	static const char *const names[] = {
		[FP_CONTRACT] = "contract", [FP_STRICT] = "strict", [FP_FAST] = "fast"
	};
	for (int i = 0; i < 3; i++)
		if (str_eq(name, names[i])) {
			*out = (FpMode)i;
			return true;
		}
	return false;
}

static bool read_option(Options *o, const char *arg)
{
	const struct {
		const char *name;
		bool *to;
	} flags[] = { { "--gradient", &o->gradient }, { "--simplify", &o->simplify },
		      { "--locs", &o->text.locs },    { "--data", &o->text.data },
		      { "--explain", &o->explain },   { "--dump", &o->dump },
		      { "--lower", &o->lower },       { "--run", &o->run },
		      { "--bf16", &o->bf16 },         { "--cuda", &o->cuda } };
	for (size_t i = 0; i < sizeof flags / sizeof *flags; i++)
		if (str_eq(arg, flags[i].name)) {
			*flags[i].to = true;
			return true;
		}
	if (str_starts(arg, "--passes="))
		o->passes = arg + 9;
	else if (str_starts(arg, "--target="))
		o->target = arg + 9;
	else if (str_starts(arg, "--fp="))
		return read_fp(arg + 5, &o->fp);
	else if (arg[0] != '-' || !arg[1])
		o->file = arg;
	else
		return false;
	return true;
}

static bool read_all(Arena *a, const char *file, Str *out)
{
	FILE *f = str_eq(file, "-") ? stdin : fopen(file, "rb");
	char room[4096];
	str_init(out, a);
	if (!f)
		return false;
	for (size_t n; (n = fread(room, 1, sizeof room, f)) > 0;)
		str_addn(out, room, n);
	bool ok = !ferror(f);
	if (f != stdin)
		fclose(f);
	return ok;
}

static Graph *run_passes(const Pass *p, const Options *o, Graph *g)
{
	if (o->simplify)
		g = graph_simplify(g, p->ctx->arena);
	return g && o->passes ? run_named_passes(p, g, p->ctx->arena, o->passes) : g;
}

/* The graph with one more result for each trainable parameter. */
static Graph *with_gradients(Context *c, const Graph *from)
{
	Graph *g = expand_for_autodiff(from, c->arena);
	if (!g || !g->result.n || g->result.at[0]->type->rank != 0) {
		if (g)
			diag_error(c->diag, (Loc){ 0 }, E5001, "--gradient: no scalar result");
		return NULL;
	}
	Builder *b = builder_create(graph_create(c, c->arena, g->name));
	Node **map = ARENA_ARRAY(c->arena, Node *, g->node.n + 1);
	Node **wrt = ARENA_ARRAY(c->arena, Node *, g->param.n + 1);
	Node **grad = ARENA_ARRAY(c->arena, Node *, g->param.n + 1);
	int n = 0;
	for (int i = 0; i < g->node.n; i++)
		map[i] = copy_node(b, g->node.at[i], map);
	copy_results(b, g, map);
	for (int i = 0; i < g->param.n; i++)
		if (ATTR_OF(g->param.at[i], param)->trainable)
			wrt[n++] = map[g->param.at[i]->id];
	if (!autodiff(b, map[g->result.at[0]->id], wrt, n, grad))
		return NULL;
	for (int i = 0; i < n; i++)
		if (grad[i]) {
			const char *name = ATTR_OF(wrt[i], param)->name;
			vec_push(c->arena, &b->graph->result, grad[i]);
			vec_push(c->arena, &b->graph->result_name,
				 sym(c, arena_printf(c->arena, "d.%s", name)));
		}
	return graph_prune(b->graph, c->arena);
}

/* The text must read back to the same text. */
static bool check_round_trip(Context *c, const Str *text, TextOptions o)
{
	Str again;
	Graph *g = graph_parse(c, c->arena, "printed", str_text(text), text->n);
	str_init(&again, c->arena);
	if (g)
		graph_print(&again, g, o);
	return (g && str_eq(str_text(text), str_text(&again))) ||
	       diag_error(c->diag, (Loc){ 0 }, E7001,
			  "the printed graph reads back as another:\n%s", str_text(&again));
}

static bool print_cuda(const Pass *p, const Graph *g, Str *out)
{
	Context *c = p->ctx;
	PassOptions po = *p->o;
	Pass to = { .ctx = c, .o = &po };
	Compiled compiled;
	if (po.target.kind != TARGET_CUDA && !target_find("sm_80", &po.target))
		return false;
	if (!target_find("test", &po.host) || !compile_plans(&to, g, c->arena, &compiled))
		return false;
	CudaKernel *k = ARENA_ARRAY(c->arena, CudaKernel, compiled.main->kernel.n + 1);
	return cuda_source(c, c->arena, compiled.main, &po.target, k, out);
}

static bool process_graph(const Pass *p, const Options *o, const char *file, const Str *in,
			  Str *out)
{
	Context *c = p->ctx;
	Graph *g = graph_parse(c, c->arena, file, str_text(in), in->n);
	if (!g || !graph_verify(g, LEVEL_T | LEVEL_M))
		return false;
	if (o->cuda)
		return print_cuda(p, g, out);
	if (o->gradient)
		g = with_gradients(c, g);
	g = g ? run_passes(p, o, g) : NULL;
	if (!g || !graph_verify(g, o->lower ? LEVEL_T : LEVEL_T | LEVEL_M))
		return false;
	if (o->lower)
		return opt_lower(p, g, o->run, out);
	Str text;
	str_init(&text, c->arena);
	graph_print(&text, g, o->text);
	str_addn(out, str_text(&text), text.n);
	return check_round_trip(c, &text, o->text);
}

static bool process(Context *c, const Options *o, const Str *in, Str *out)
{
	PassOptions po = { .verify = true,
			   .bf16 = o->bf16,
			   .explain = o->explain ? out : NULL,
			   .dump = o->dump ? out : NULL };
	Pass p = { .ctx = c, .o = &po };
	if (!target_find(o->target, &po.target))
		return diag_error(c->diag, (Loc){ 0 }, E5001, "there is no target '%s'", o->target);
	const char *file = str_eq(o->file, "-") ? "input" : o->file;
	Scan begin = { .p = str_text(in) };
	scan_skip(&begin);
	if (!str_starts(begin.p, "kernel"))
		return process_graph(&p, o, file, in, out);
	Scan t = scan_text(c, file, str_text(in), in->n);
	return diag_errors(c->diag) == 0 && opt_kernels(&p, &t, o->run, out);
}

static int run(const Options *o)
{
	Context *c = context_create();
	Str in, out, errors;
	str_init(&out, c->arena);
	str_init(&errors, c->arena);
	c->fp = o->fp;
	if (!read_all(c->arena, o->file, &in))
		diag_error(c->diag, (Loc){ 0 }, E1001, "cannot read '%s'", o->file);
	else
		process(c, o, &in, &out);
	fputs(str_text(&out), stdout);
	diag_sort(c->diag);
	diag_print(c->diag, &errors, 0, false);
	fputs(str_text(&errors), stderr);
	int rc = diag_exit_code(c->diag);
	context_destroy(c);
	return rc;
}

int main(int argc, char **argv)
{
	Options o = { .file = "-", .target = "test" };
	OomScope scope;
	for (int i = 1; i < argc; i++)
		if (!read_option(&o, argv[i]))
			return usage(argv[i]);
	if (OOM_GUARD(&scope)) {
		int rc = run(&o);
		oom_leave(&scope);
		return rc;
	}
	fputs("burin-opt: out of memory\n", stderr);
	return 5;
}
