/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Every operator, by itself: compiled code against the reference, on inputs made for it
 * (generate.c). Half of the cases hold small whole numbers, whose sums must be exact; a part holds
 * NaN, infinities, both zeros, ends of the type and ties. An operator without cases fails.
 *
 *   conform_ops [GROUP | OPERATOR [CASE]]
 *
 * BURIN_CONFORM_CASES is the number of cases of each operator, BURIN_CONFORM_SEED another series,
 * BURIN_CONFORM_TARGET the target of all: that of a GPU (sm_80) is emulated, and with
 * BURIN_CONFORM_NVRTC also compiled by NVRTC.
 */
#include "tests/conform/generate.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CASES = 24 };

/* Elementwise operators meet the edges of the numbers in every fourth case, others in every sixth. */
static Values values_of(Op op, int i)
{
	bool each = op_info(op)->flags & OF_ELEMENTWISE;
	if (each ? i % 4 == 3 : i % 6 == 3)
		return VALUES_SPECIAL;
	return i % 2 ? VALUES_NORMAL : VALUES_WHOLE;
}

/* Most for this machine, some for older ones. */
static const char *target_of(int i)
{
	static const char *const older[] = { "x86-64-v3", "x86-64-v2", "test" };
	const char *all = getenv("BURIN_CONFORM_TARGET");
	if (all)
		return all;
	const char *name = i % 6 == 5 ? older[i / 6 % 3] : "native";
	return host_has(name) ? name : "native";
}

static void run_case(Op op, int i, uint64_t series)
{
	Case *c = case_create(((uint64_t)op << 32) + (uint64_t)i + series * 7919, FP_CONTRACT);
	const char *target = target_of(i);
	c->title = arena_printf(c->arena, "conform_ops %s %d (%s)", op_info(op)->name, i, target);
	c->values = values_of(op, i);
	c->single = true;
	c->no_params = i % 3 == 0;
	generate_row(op).make(c, op);
	case_enter(c);
	tally()->cases++;
	Program *p = case_reference(c) ? case_compile(c, &(Setup){ .target = target }) : NULL;
	void **out = ARENA_ARRAY(c->arena, void *, c->g->result.n + 1);
	if (p && case_run(c, p, (Placement){ .fill = ~0u }, out))
		case_compare(c, "compiled", out);
	program_destroy(p);
	case_enter(NULL);
	case_destroy(c);
}

static bool wanted(Op op, const char *what)
{
	const OpInfo *info = op_info(op);
	bool leaf = (info->flags & OF_LEAF) || !(info->levels & (LEVEL_T | LEVEL_M));
	if (leaf)
		return false;
	GenerateRow r = generate_row(op);
	if (!r.make) {
		fprintf(stderr, "FAILED: operator '%s' has no cases\n", info->name);
		exit(1);
	}
	/* Winograd's convolution is an affair of CPUs. */
	if ((op == OP_winograd || op == OP_winograd_tiles) && getenv("BURIN_CONFORM_TARGET"))
		return false;
	return !what || strcmp(what, r.group) == 0 || strcmp(what, info->name) == 0;
}

int main(int argc, char **argv)
{
	int cases = (int)env_number("BURIN_CONFORM_CASES", CASES), before = 0, operators = 0;
	uint64_t series = (uint64_t)env_number("BURIN_CONFORM_SEED", 0);
	double start = seconds();
	for (int op = 0; op < OP_COUNT; op++) {
		if (!wanted((Op)op, argc > 1 ? argv[1] : NULL))
			continue;
		operators++;
		Tally since = *tally();
		for (int i = 0; i < cases; i++)
			if (argc < 3 || atoi(argv[2]) == i)
				run_case((Op)op, argc < 3 ? i : atoi(argv[2]), series);
		if (argc > 2 && atoi(argv[2]) >= cases)
			run_case((Op)op, atoi(argv[2]), series);
		if (argc < 3)
			check_known_of((Op)op, since);
		if (failures() > before)
			fprintf(stderr, "%s: %d of %d cases failed\n", op_info((Op)op)->name,
				failures() - before, cases);
		before = failures();
	}
	const Tally *t = tally();
	if (argc < 3)
		check_known((Tally){ 0 });
	printf("%d operators, %lld cases, %lld elements (%lld not known), %d failed, %.1f s\n",
	       operators, (long long)t->cases, (long long)t->elements, (long long)t->unknown,
	       failures(), seconds() - start);
	return failures() || !operators;
}
