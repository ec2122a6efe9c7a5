/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Every operator's evaluation against results of other frameworks: tests/data/ops/<operator>.txt,
 * made by bench/make_op_reference.py. A case is a graph in the text form, its inputs, and what must
 * come out. Each is evaluated as its expansion gives it, which checks inference, expansion and
 * evaluation together. An operator without a file fails. */
#include "ir/eval.h"
#include "ir/hooks.h"
#include "ir/text.h"
#include "passes/expand.h"
#include "tests/reference.h"
#include "tests/unit/check.h"

/* --- comparing ------------------------------------------------------------------------------- */

static int failures;

static void complain(const Reference *r, const ReferenceCase *c, const char *what)
{
	Str text;
	str_init(&text, r->arena);
	diag_print(r->ctx->diag, &text, 0, false);
	fprintf(stderr, "%s, case %s: %s\n%s", r->name, c->name, what, str_text(&text));
	failures++;
}

static void compare(const Reference *r, const ReferenceCase *c, int k, const EvalTensor *got,
		    double tolerance)
{
	const EvalTensor *want = &c->out[k];
	if (got->type != want->type) {
		complain(r, c, "the type differs");
		return;
	}
	int64_t i = reference_differs(got, want, tolerance);
	if (i >= 0)
		complain(r, c,
			 arena_printf(r->arena, "result %d, element %lld: %.9g instead of %.9g", k,
				      (long long)i, want->f ? got->f[i] : (double)got->i[i],
				      want->f ? want->f[i] : (double)want->i[i]));
}

static void run_case(Reference *r, const ReferenceCase *c, EvalOptions o, double tolerance)
{
	Graph *g = graph_parse(r->ctx, r->arena, r->name, c->graph, c->graph_n);
	if (!g) {
		complain(r, c, "the graph is refused");
		return;
	}
	Graph *core = expand_macros(g, r->arena);
	EvalTensor got[REFERENCE_PORTS];
	if (!core || !graph_verify(core, LEVEL_T) || core->result.n != c->n_out ||
	    core->input.n != c->n_in) {
		complain(r, c, "no expansion");
		return;
	}
	if (!eval_graph(core, r->arena, c->in, got, o)) {
		complain(r, c, "no evaluation");
		return;
	}
	for (int k = 0; k < c->n_out; k++)
		compare(r, c, k, &got[k], tolerance);
}

static int run_suite(const char *op, bool emit_shortcuts, EvalOptions o, double tolerance)
{
	Context *ctx = context_create();
	Arena *arena = arena_create();
	Reference r;
	ctx->emit_fold = ctx->emit_rules = ctx->emit_cse = emit_shortcuts;
	int cases = 0;
	if (reference_open(&r, ctx, arena, "ops", op)) {
		ReferenceCase *c = ARENA_NEW(arena, ReferenceCase);
		for (; reference_next(&r, c); cases++)
			run_case(&r, c, o, tolerance);
	}
	arena_destroy(arena);
	context_destroy(ctx);
	return cases;
}

/* --- tests ----------------------------------------------------------------------------------- */

static bool needs_data(Op op)
{
	const OpInfo *info = op_info(op);
	return (info->levels & (LEVEL_T | LEVEL_M)) && !(info->flags & OF_LEAF);
}

static void run_all(bool emit_shortcuts, EvalOptions o, double tolerance)
{
	failures = 0;
	for (int op = 0; op < OP_COUNT; op++) {
		if (!needs_data((Op)op))
			continue;
		if (!run_suite(op_info((Op)op)->name, emit_shortcuts, o, tolerance)) {
			fprintf(stderr, "%s has no reference data\n", op_info((Op)op)->name);
			failures++;
		}
	}
	assert_int_equal(failures, 0);
}

static void test_reference(void **state)
{
	(void)state;
	run_all(true, (EvalOptions){ 0 }, 1e-6);
}

static void test_without_folding_and_rules(void **state)
{
	(void)state;
	run_all(false, (EvalOptions){ 0 }, 1e-6);
}

static void test_rounded_to_single_precision(void **state)
{
	(void)state;
	run_all(true, (EvalOptions){ .round_f32 = true }, 1e-4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reference),
		cmocka_unit_test(test_without_folding_and_rules),
		cmocka_unit_test(test_rounded_to_single_precision),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
