/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Kernels interpreted: the interpreter (ir/kernel_eval.c) walks the loop programs that templates
 * built. What it comes to must be what the reference allows, the kernels must be well-formed, and
 * their text must read back to the same kernel: so a fault is known to lie above the code
 * generator, or in it.
 *
 *   conform_kernels [FIRST [COUNT]]
 *
 * BURIN_CONFORM_GRAPHS is how many graphs (without it: as many as fit into 15 seconds),
 * BURIN_CONFORM_SEED the first. */
#include "tests/conform/generate.h"
#include "tests/conform/random_graph.h"
#include "ir/text.h"
#include <stdio.h>
#include <stdlib.h>

enum { EVERYDAY_SECONDS = 8 };

/* Well-formed, and the same after printing and reading. */
static void check_kernel(Case *c, const Kernel *k)
{
	Str text, dump;
	str_init(&text, c->arena);
	str_init(&dump, c->arena);
	if (!kernel_verify(k, false, &dump))
		case_fail(c, "kernel %s is not well-formed:\n%s", k->name, str_text(&dump));
	kernel_print(&text, k);
	Scan t = scan_text(c->ctx, k->name, str_text(&text), text.n);
	const Kernel *again = kernel_parse(&t, c->arena);
	if (!again || !str_eq(again->name, k->name))
		case_fail(c, "kernel %s reads back as another", k->name);
	if (again && !kernel_verify(again, false, NULL))
		case_fail(c, "kernel %s is not well-formed when read back", k->name);
}

static void run_case(Case *c, const char *target)
{
	void **out = ARENA_ARRAY(c->arena, void *, c->g->result.n + 1);
	case_enter(c);
	tally()->cases++;
	Program *p = case_reference(c) ? case_compile(c, &(Setup){ .target = target }) : NULL;
	for (int i = 0; p && i < program_plan(p)->kernel.n; i++)
		check_kernel(c, program_plan(p)->kernel.at[i]);
	if (p && case_interpret(c, p, out))
		case_compare(c, "interpreted", out);
	program_destroy(p);
	case_enter(NULL);
	case_destroy(c);
}

static void run_operator(Op op, int i)
{
	Case *c = case_create(((uint64_t)op << 32) + 900u + (uint64_t)i, FP_CONTRACT);
	c->title = arena_printf(c->arena, "conform_kernels: %s %d", op_info(op)->name, i);
	c->values = i % 2 ? VALUES_WHOLE : VALUES_NORMAL;
	c->single = true;
	generate_row(op).make(c, op);
	run_case(c, "native");
}

static void run_graph(uint64_t seed)
{
	Case *c = case_create(seed, FP_CONTRACT);
	c->title = arena_printf(c->arena, "conform_kernels %llu", (unsigned long long)seed);
	c->values = seed % 2 ? VALUES_WHOLE : VALUES_NORMAL;
	c->most = 1000;
	random_graph(c, (int)pick(c, 2, 9));
	run_case(c, seed % 4 == 3 ? "test" : "native");
}

int main(int argc, char **argv)
{
	long long first = argc > 1 ? atoll(argv[1]) : env_number("BURIN_CONFORM_SEED", 1);
	long long count = argc > 2   ? atoll(argv[2])
			  : argc > 1 ? 1
				     : env_number("BURIN_CONFORM_GRAPHS", 0);
	double start = seconds();
	for (int op = 0; argc == 1 && op < OP_COUNT; op++) {
		Tally since = *tally();
		for (int i = 0; generate_row((Op)op).make && i < 2; i++)
			run_operator((Op)op, i);
		check_known_of((Op)op, since);
	}
	for (long long i = 0; count ? i < count : seconds() - start < EVERYDAY_SECONDS; i++)
		run_graph((uint64_t)(first + i));
	if (argc != 2)
		check_known((Tally){ 0 });
	printf("%lld cases, %lld elements (%lld not known), %d failed, %.1f s\n",
	       (long long)tally()->cases, (long long)tally()->elements, (long long)tally()->unknown,
	       failures(), seconds() - start);
	return failures() != 0;
}
