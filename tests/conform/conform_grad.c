/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Gradients of every operator that has one. A case of the operator (generate.c) becomes a loss, the
 * sum of its results by random weights, and that is differentiated for all its inputs.
 *
 * 1. The gradients, evaluated in double precision, against difference quotients (gradient.c).
 * 2. The compiled gradients against their evaluation, within its bounds.
 *
 * An operator with a gradient that has no cases fails, and so does one whose cases are not of as
 * many different shapes as there are to be cases: a case counts when its inputs' sizes are new,
 * when some quotient was compared (none may be, where kinks are near), and when its gradients were
 * compiled and compared too.
 *
 *   conform_grad [GROUP | OPERATOR [CASE]]
 *
 * BURIN_CONFORM_CASES is the number of cases of each operator, BURIN_CONFORM_SEED another series.
 */
#include "base/map.h"
#include "passes/autodiff.h"
#include "tests/conform/generate.h"
#include "tests/conform/gradient.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CASES = 12, TRIES = 40 };

/* True when it was done, right or wrong. */
static bool check_compiled(Case *c)
{
	Program *p = case_reference(c) ? case_compile(c, &(Setup){ .target = "native" }) : NULL;
	void **out = ARENA_ARRAY(c->arena, void *, c->g->result.n + 1);
	bool ran = p && case_run(c, p, (Placement){ .fill = ~0u }, out);
	if (ran)
		case_compare(c, "compiled", out);
	program_destroy(p);
	return ran;
}

/* The sizes of all inputs as one number. */
static uint64_t shapes_of(const Case *c)
{
	uint64_t h = 0;
	for (int i = 0; i < c->g->input.n; i++) {
		const Type *t = c->g->input.at[i]->type;
		h = hash_bytes(t->dim, (size_t)t->rank * sizeof *t->dim, hash_mix(h, (uint64_t)i));
	}
	return h;
}

static bool is_float(const Node *n)
{
	return dtype_is_float(n->type->dtype);
}

/* --- cases ----------------------------------------------------------------------------------- */

/* Has the case something to differentiate? */
static bool is_smooth(const Case *c)
{
	bool result = false, input = false;
	for (int i = 0; i < c->g->result.n; i++)
		result = result || is_float(c->g->result.at[i]);
	for (int i = 0; i < c->g->input.n; i++)
		input = input || is_float(c->g->input.at[i]);
	return result && input && !c->outside && !c->b->failed;
}

/* The shapes of the case, or 0: another attempt is needed. */
static uint64_t run_case(Op op, int i, uint64_t series)
{
	Case *c = case_create(((uint64_t)op << 32) + (uint64_t)i + series * 7919, FP_CONTRACT);
	GradCase g = { .c = c };
	c->title = arena_printf(c->arena, "conform_grad %s %d", op_info(op)->name, i);
	c->values = VALUES_NORMAL;
	c->smooth = c->no_params = true;
	generate_row(op).make(c, op);
	uint64_t shapes = shapes_of(c) | 1;
	bool smooth = is_smooth(c), compiled = false;
	if (smooth) {
		case_enter(c);
		tally()->cases++;
		if (case_differentiate(&g) && case_check_differences(&g))
			compiled = c->g->result.n == 0 || check_compiled(c);
		case_enter(NULL);
	}
	case_destroy(c);
	return smooth && g.checked && compiled ? shapes : 0;
}

static bool wanted(Op op, const char *what)
{
	const OpInfo *info = op_info(op);
	GenerateRow r = generate_row(op);
	if ((info->flags & OF_LEAF) || !op_has_gradient(op))
		return false;
	if (!r.make) {
		fprintf(stderr, "FAILED: operator '%s' has a gradient but no cases\n", info->name);
		exit(1);
	}
	return !what || strcmp(what, r.group) == 0 || strcmp(what, info->name) == 0;
}

static int number(const char *name, int otherwise)
{
	const char *text = getenv(name);
	return text ? atoi(text) : otherwise;
}

static bool is_new(const uint64_t *seen, int n, uint64_t shapes)
{
	for (int i = 0; i < n; i++)
		if (seen[i] == shapes)
			return false;
	return shapes != 0;
}

static void run_operator(Op op, uint64_t series)
{
	int cases = number("BURIN_CONFORM_CASES", CASES), done = 0, before = failures();
	Tally since = *tally();
	uint64_t *seen = calloc((size_t)cases + 1, sizeof *seen);
	for (int i = 0; done < cases && i < cases * TRIES; i++) {
		uint64_t shapes = run_case(op, i, series);
		if (is_new(seen, done, shapes))
			seen[done++] = shapes;
	}
	free(seen);
	check_known_of(op, since);
	if (done < cases && failures() == before) {
		fprintf(stderr, "FAILED: %s has cases of %d shapes, not %d\n", op_info(op)->name,
			done, cases);
		exit(1);
	}
	if (failures() > before)
		fprintf(stderr, "%s: %d cases failed\n", op_info(op)->name, failures() - before);
}

int main(int argc, char **argv)
{
	uint64_t series = (uint64_t)number("BURIN_CONFORM_SEED", 0);
	double start = seconds();
	int operators = 0;
	for (int op = 0; op < OP_COUNT; op++) {
		if (!wanted((Op)op, argc > 1 ? argv[1] : NULL))
			continue;
		operators++;
		if (argc > 2)
			run_case((Op)op, atoi(argv[2]), series);
		else
			run_operator((Op)op, series);
	}
	const Tally *t = tally();
	if (argc < 3)
		check_known((Tally){ 0 });
	printf("%d operators, %lld cases, %lld elements (%lld not known), %d failed, %.1f s\n",
	       operators, (long long)t->cases, (long long)t->elements, (long long)t->unknown,
	       failures(), seconds() - start);
	return failures() || !operators;
}
