/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
#include "tests/random/trial.h"
#include "ir/text.h"
#include "tests/conform/random_graph.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const char *const verdict_name[VERDICTS] = {
	[RIGHT] = "right",
	[INVALID] = "not a graph that can be evaluated",
	[REFUSED] = "refused",
	[FAULT] = "the run fails",
	[WRONG] = "wrong result",
	[THREADS] = "other bits by several threads",
	[STRICT] = "other bits under fp=strict with other passes",
	[LIBRARY] = "other bits out of a .so",
	[HANGS] = "does not end, or takes too much memory",
	[CRASHES] = "crash",
};

static const char *const fp_name[] = {
	[FP_STRICT] = "strict", [FP_CONTRACT] = "contract", [FP_FAST] = "fast"
};
enum { FP_MODES = sizeof fp_name / sizeof *fp_name };

/* --- making ----------------------------------------------------------------------------------- */

static const char *some_target(Case *c)
{
	static const char *const all[] = { "native", "x86-64-v2", "x86-64-v3", "x86-64-v4",
					   "test" };
	const char *name = chance(c, 40) ? "native" : all[pick(c, 0, 4)];
	return host_has(name) ? name : "native";
}

static void some_passes(Case *c, bool *off)
{
	int percent = (int)pick(c, 0, 2) * 30;
	for (int i = 0; i < PASS_COUNT; i++)
		off[i] = i != PASS_expand && chance(c, percent);
}

Case *trial_make(uint64_t seed, int64_t i, Trial *t)
{
	static const FpMode mode[] = { FP_STRICT, FP_CONTRACT, FP_STRICT, FP_CONTRACT, FP_FAST };
	*t = (Trial){ .fp = FP_CONTRACT, .wanted = (Op)(i % OP_COUNT) };
	Case *c = case_create(seed * 0x100000001b3u + (uint64_t)i, FP_CONTRACT);
	t->fp = c->ctx->fp = mode[pick(c, 0, 4)];
	t->target = some_target(c);
	t->other = t->fp != FP_STRICT && chance(c, 15) ? some_target(c) : NULL;
	t->threads = (int)pick(c, 2, 3);
	t->rules = t->fp == FP_FAST || chance(c, 50);
	t->library = chance(c, 1);
	some_passes(c, t->off);
	if (t->fp == FP_STRICT)
		some_passes(c, t->again);
	int kind = (int)pick(c, 0, 9);
	c->values = kind < 3 ? VALUES_WHOLE : kind < 9 ? VALUES_NORMAL : VALUES_SPECIAL;
	if (c->values == VALUES_SPECIAL && t->fp == FP_FAST)
		c->values = VALUES_NORMAL; /* NaN is not promised there */
	c->single = t->exact = c->values == VALUES_WHOLE && t->fp == FP_STRICT;
	c->no_params = chance(c, 30);
	c->ctx->emit_rules = t->rules;
	random_graph_of_all(c, (int)pick(c, 1, chance(c, 20) ? 20 : 8), t->wanted);
	for (int k = 0; k < c->g->node.n; k++) /* the exception of docs/numbers.md */
		if (c->g->node.at[k]->op == OP_conv_dw)
			t->again[PASS_layout] = t->off[PASS_layout];
	return c;
}

/* --- judging ---------------------------------------------------------------------------------- */

/* Compiled without those passes, run by so many threads; NULL bytes after a report. */
static bool results(Case *c, const char *target, const bool *off, void **out, void **threaded,
		    int threads, Verdict *v)
{
	Setup s = { .target = target };
	memcpy(s.off, off, sizeof s.off);
	*v = REFUSED;
	Program *p = case_compile(c, &s);
	if (!p)
		return false;
	*v = FAULT;
	bool ok = case_run(c, p, (Placement){ .fill = ~0u }, out);
	if (ok) {
		*v = WRONG;
		ok = case_compare(c, target, out);
	}
	if (ok && threaded) {
		*v = FAULT;
		ok = case_run(c, p, (Placement){ .threads = threads, .low = true }, threaded);
		*v = ok ? THREADS : *v;
		ok = ok && case_same(c, "threads", out, threaded);
	}
	program_destroy(p);
	return ok;
}

/* The tensor of a port for the public interface; dims are the type's own. */
static burin_tensor tensor_of(const Type *t, void *data)
{
	static const uint8_t code[DT_COUNT] = {
		[DT_f16] = 2, [DT_bf16] = 4, [DT_f32] = 2, [DT_f64] = 2,
		[DT_u8] = 1,  [DT_bool] = 6, [DT_i8] = 0
	};
	burin_tensor b = { .data = data, .device = { 1, 0 }, .ndim = t->rank };
	b.dtype.code = code[t->dtype];
	b.dtype.bits = (uint8_t)(dtype_info[t->dtype].bytes * 8);
	b.dtype.lanes = 1;
	b.shape = (int64_t *)(uintptr_t)t->dim;
	return b;
}

static bool run_library(Case *c, const char *path, void **out, burin_error *e)
{
	burin_model *m = NULL;
	burin_exec *x = NULL;
	burin_tensor in[CASE_PORTS], to[CASE_PORTS];
	for (int i = 0; i < c->g->input.n; i++) {
		const Type *t = c->in[i].type;
		void *data = arena_alloc(c->arena, (size_t)type_bytes(t) + 64);
		eval_to_data(&c->in[i], data);
		in[i] = tensor_of(t, data);
	}
	for (int i = 0; i < c->g->result.n; i++) {
		const Type *t = c->g->result.at[i]->type;
		out[i] = arena_alloc(c->arena, (size_t)type_bytes(t) + 64);
		to[i] = tensor_of(t, out[i]);
	}
	bool ok =
		burin_load(&m, path, NULL, e) == BURIN_OK &&
		burin_exec_new(&x, m, NULL, 0, NULL, e) == BURIN_OK &&
		burin_run(x, in, (size_t)c->g->input.n, to, (size_t)c->g->result.n, e) == BURIN_OK;
	burin_exec_free(x);
	burin_model_free(m);
	return ok;
}

static Verdict judge_library(Case *c, const Trial *t, void **want)
{
	char folder[] = "/tmp/burin-random-XXXXXX";
	void **out = ARENA_ARRAY(c->arena, void *, c->g->result.n + 1);
	CompileOptions o = { .threads = 1 };
	ArtifactOptions a = { .header = "" };
	burin_error e = { .size = sizeof e };
	Verdict v = REFUSED;
	if (!mkdtemp(folder))
		return RIGHT;
	const char *path = arena_printf(c->arena, "%s/g.so", folder);
	memcpy(o.pass.off, t->off, sizeof o.pass.off);
	if (!target_find(t->target, &o.pass.target))
		return REFUSED;
	a.path = path;
	a.target = &o.pass.target;
	a.n_target = 1;
	if (!compile_artifact(c->ctx, c->g, &o, &a, NULL))
		case_fail(c, "does not compile to a file");
	else if (v = FAULT, !run_library(c, path, out, &e))
		case_fail(c, "the file does not run: %s", e.message);
	else
		v = case_same(c, "the file", want, out) ? RIGHT : LIBRARY;
	unlink(path);
	unlink(arena_printf(c->arena, "%s/g.weights", folder));
	rmdir(folder);
	return v;
}

Verdict trial_judge(Case *c, const Trial *t, Str *what)
{
	void **out = ARENA_ARRAY(c->arena, void *, c->g->result.n + 1);
	void **more = ARENA_ARRAY(c->arena, void *, c->g->result.n + 1);
	Verdict v = INVALID;
	case_capture(what);
	c->ctx->emit_rules = t->rules;
	if (c->b->failed)
		case_fail(c, "the graph is wrong");
	bool ok = !c->b->failed && case_reference(c);
	c->ctx->emit_rules = true;
	ok = ok && results(c, t->target, t->off, out, more, t->threads, &v);
	if (ok && t->fp == FP_STRICT) {
		ok = results(c, t->target, t->again, more, NULL, 0, &v);
		v = ok ? STRICT : v;
		ok = ok && case_same(c, "strict", out, more);
	}
	if (ok && t->other)
		ok = results(c, t->other, t->off, more, NULL, 0, &v);
	if (ok && t->library) {
		v = judge_library(c, t, out);
		ok = v == RIGHT;
	}
	case_capture(NULL);
	return ok ? RIGHT : v;
}

/* --- as text ---------------------------------------------------------------------------------- */

static void print_passes(Str *s, const char *name, const bool *off)
{
	int n = 0;
	for (int i = 0; i < PASS_COUNT; i++)
		if (off[i])
			str_fmt(s, "%s%s", n++ ? "," : name, pass_info[i].name);
	str_add(s, n ? "\n" : "");
}

static void print_tensor(Str *s, const EvalTensor *x)
{
	str_add(s, "in ");
	type_print(s, x->type);
	for (int64_t i = 0; i < x->type->count; i++)
		if (x->f)
			str_fmt(s, " %.17g", x->f[i]);
		else
			str_fmt(s, " %lld", (long long)x->i[i]);
	str_char(s, '\n');
}

void trial_print(Str *s, const Case *c, const Trial *t)
{
	str_fmt(s, "fp %s\ntarget %s\nthreads %d\nexact %d\nrules %d\nlibrary %d\n", fp_name[t->fp],
		t->target, t->threads, t->exact, t->rules, t->library);
	if (t->other)
		str_fmt(s, "other %s\n", t->other);
	print_passes(s, "off ", t->off);
	print_passes(s, "again ", t->again);
	graph_print(s, c->g, (TextOptions){ .data = true });
	for (int i = 0; i < c->g->input.n; i++)
		print_tensor(s, &c->in[i]);
}

static const char *read_passes(const char *p, bool *off)
{
	while (*p && *p != '\n') {
		size_t n = strcspn(p, ",\n");
		for (int i = 0; i < PASS_COUNT; i++)
			if (strlen(pass_info[i].name) == n && memcmp(pass_info[i].name, p, n) == 0)
				off[i] = true;
		p += n + (p[n] == ',');
	}
	return p;
}

/* "name value" up to the graph. */
static const char *read_options(Arena *a, const char *p, Trial *t)
{
	while (*p && !str_starts(p, "graph ")) {
		size_t line = strcspn(p, "\n"), name = strcspn(p, " \n");
		const char *value = p + name + (p[name] == ' ');
		const char *word = arena_strndup(a, value, strcspn(value, "\n"));
		if (str_starts(p, "fp "))
			for (int i = 0; i < FP_MODES; i++)
				t->fp = str_eq(word, fp_name[i]) ? (FpMode)i : t->fp;
		if (str_starts(p, "target "))
			t->target = word;
		if (str_starts(p, "other "))
			t->other = word;
		if (str_starts(p, "threads "))
			t->threads = atoi(word);
		if (str_starts(p, "exact "))
			t->exact = atoi(word) != 0;
		if (str_starts(p, "rules "))
			t->rules = atoi(word) != 0;
		if (str_starts(p, "library "))
			t->library = atoi(word) != 0;
		if (str_starts(p, "off "))
			read_passes(value, t->off);
		if (str_starts(p, "again "))
			read_passes(value, t->again);
		p += line + (p[line] == '\n');
	}
	return p;
}

static const char *read_tensor(Case *c, const char *p, EvalTensor *out)
{
	const Type *t;
	if (!str_starts(p, "in ") || (p += 3, !type_parse(c->ctx, &p, &t)))
		return NULL;
	*out = eval_tensor(c->arena, t);
	for (int64_t i = 0; i < t->count; i++) {
		p += strspn(p, " ");
		size_t n = strcspn(p, " \n");
		if (!(out->f ? parse_f64(p, n, &out->f[i]) : parse_i64(p, n, &out->i[i])))
			return NULL;
		p += n;
	}
	p += strspn(p, " ");
	return *p == '\n' ? p + 1 : p;
}

Case *trial_read(const char *text, size_t n, Trial *t, const char **why)
{
	Case *c = case_create(1, FP_CONTRACT);
	*t = (Trial){ .fp = FP_CONTRACT, .target = "native", .threads = 2 };
	text = arena_strndup(c->arena, text, n);
	const char *p = read_options(c->arena, text, t), *end = strstr(p, "\n}");
	*why = "there is no graph";
	c->ctx->fp = t->fp;
	c->single = t->exact;
	if (!end)
		goto fail;
	c->g = graph_parse(c->ctx, c->arena, "graph", p, (size_t)(end + 2 - p));
	*why = "the graph is refused";
	if (!c->g || c->g->input.n > CASE_PORTS || !graph_verify(c->g, LEVEL_T | LEVEL_M))
		goto fail;
	c->b = builder_create(c->g);
	p = end + 2 + strspn(end + 2, "\n");
	*why = "an input is missing, or not of the graph's type";
	for (int i = 0; i < c->g->input.n; i++) {
		p = read_tensor(c, p, &c->in[i]);
		if (!p || c->in[i].type != c->g->input.at[i]->type)
			goto fail;
	}
	return c;
fail:
	case_destroy(c);
	return NULL;
}
