/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Gradients of whole models: tests/data/grad/<model>.txt, made by bench/make_grad_reference.py.
 * Each model's loss and its gradient for every input, evaluated in double precision and compiled,
 * equal those of PyTorch; and the gradients agree with difference quotients.
 *
 *   conform_models [MODEL ...]       all that are named below by default */
#include "passes/expand.h"
#include "tests/conform/gradient.h"
#include "ir/text.h"
#include "tests/reference.h"
#include <stdio.h>

static const char *const models[] = { "mlp", "transformer", "cnn" };

/* Relative to the largest element of a tensor. */
static const double EXACT = 1e-6, COMPILED = 1e-4;

static Case *read_model(Case *c, const ReferenceCase *r)
{
	c->g = graph_parse(c->ctx, c->arena, r->name, r->graph, r->graph_n);
	if (!c->g || c->g->input.n != r->n_in || c->g->result.n != 1) {
		case_fail(c, "the graph is refused");
		return NULL;
	}
	c->b = builder_create(c->g);
	for (int i = 0; i < r->n_in; i++)
		c->in[i] = r->in[i];
	return c;
}

static void compare(Case *c, const char *what, const ReferenceCase *r, const EvalTensor *got,
		    double tolerance)
{
	if (c->g->result.n != r->n_out - 1) {
		case_fail(c, "%d gradients, not %d", c->g->result.n, r->n_out - 1);
		return;
	}
	for (int k = 0; k < c->g->result.n; k++) {
		const EvalTensor *want = &r->out[k + 1];
		int64_t i =
			got[k].type == want->type ? reference_differs(&got[k], want, tolerance) : 0;
		if (i >= 0)
			case_fail(c, "%s: gradient %d, element %lld is %.9g, not %.9g", what, k,
				  (long long)i, got[k].f[i], want->f[i]);
	}
}

static void check_loss(GradCase *g, const ReferenceCase *r)
{
	EvalTensor loss;
	if (!eval_graph(g->forward, g->c->arena, g->c->in, &loss, (EvalOptions){ 0 }) ||
	    reference_differs(&loss, &r->out[0], EXACT) >= 0)
		case_fail(g->c, "the loss is %.9g, not %.9g", loss.f[0], r->out[0].f[0]);
}

static void check_evaluated(Case *c, const ReferenceCase *r)
{
	EvalTensor got[CASE_PORTS];
	const Graph *core = expand_macros(c->g, c->arena);
	if (core && eval_graph(core, c->arena, c->in, got, (EvalOptions){ 0 }))
		compare(c, "evaluated", r, got, EXACT);
	else
		case_fail(c, "cannot be evaluated");
}

static void check_compiled(Case *c, const ReferenceCase *r)
{
	EvalTensor got[CASE_PORTS];
	void *out[CASE_PORTS];
	Program *p = case_compile(c, &(Setup){ .target = "native" });
	if (p && case_run(c, p, (Placement){ .fill = ~0u, .threads = 2 }, out)) {
		for (int k = 0; k < c->g->result.n; k++)
			got[k] = eval_from_data(c->arena, c->g->result.at[k]->type, out[k]);
		compare(c, "compiled", r, got, COMPILED);
	}
	program_destroy(p);
}

static void run_model(const char *name)
{
	Case *c = case_create(1, FP_CONTRACT);
	GradCase g = { .c = c, .plain = true };
	Reference file;
	ReferenceCase *r = ARENA_NEW(c->arena, ReferenceCase);
	c->title = arena_printf(c->arena, "conform_models %s", name);
	if (!reference_open(&file, c->ctx, c->arena, "grad", name) || !reference_next(&file, r))
		case_fail(c, "there is no reference");
	else if (read_model(c, r) && case_differentiate(&g)) {
		case_enter(c);
		check_loss(&g, r);
		check_evaluated(c, r);
		check_compiled(c, r);
		case_check_differences(&g);
		printf("%s: %d gradients, %d difference quotients\n", name, c->g->result.n,
		       g.checked);
		case_enter(NULL);
	}
	case_destroy(c);
}

int main(int argc, char **argv)
{
	int n = argc > 1 ? argc - 1 : (int)(sizeof models / sizeof *models);
	for (int i = 0; i < n; i++)
		run_model(argc > 1 ? argv[i + 1] : models[i]);
	return failures() != 0;
}
