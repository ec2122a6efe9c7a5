/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Passes on and off: the same random graph compiled with every graph pass, without each of them by
 * name, and without all (macros must be expanded). Each result must be what the reference allows;
 * under --fp strict all must have the same bits.
 *
 *   conform_passes [FIRST [COUNT]]
 *
 * BURIN_CONFORM_GRAPHS is how many (without it: as many as fit into 20 seconds), BURIN_CONFORM_SEED
 * the first. */
#include "tests/conform/random_graph.h"
#include <stdio.h>
#include <stdlib.h>

enum { EVERYDAY_SECONDS = 20 };

static Setup setup_without(int pass)
{
	Setup s = { .target = "native" };
	for (int i = 0; i < PASS_COUNT; i++)
		s.off[i] = i != PASS_expand && (i == pass || pass == PASS_COUNT);
	return s;
}

/* Bytes of the results without the pass (PASS_expand: with all of them); NULL after a report. */
static void **results_without(Case *c, int pass)
{
	void **out = ARENA_ARRAY(c->arena, void *, c->g->result.n + 1);
	Setup s = setup_without(pass);
	const char *what = pass == PASS_expand ? "all passes"
			   : pass == PASS_COUNT
				   ? "no passes"
				   : arena_printf(c->arena, "without %s", pass_info[pass].name);
	Program *p = case_compile(c, &s);
	bool ok =
		p && case_run(c, p, (Placement){ .fill = ~0u }, out) && case_compare(c, what, out);
	program_destroy(p);
	return ok ? out : NULL;
}

static void run_graph(uint64_t seed)
{
	bool strict = seed % 2 != 0;
	Case *c = case_create(seed, strict ? FP_STRICT : FP_CONTRACT);
	c->title = arena_printf(c->arena, "conform_passes %llu", (unsigned long long)seed);
	c->values = seed % 4 == 3 ? VALUES_WHOLE : VALUES_NORMAL;
	c->single = c->values == VALUES_WHOLE && strict;
	random_graph(c, (int)pick(c, 3, 12));
	case_enter(c);
	tally()->cases++;
	void **all = case_reference(c) ? results_without(c, PASS_expand) : NULL;
	for (int pass = PASS_expand + 1; all && pass <= PASS_COUNT; pass++) {
		void **out = results_without(c, pass);
		const char *name = pass == PASS_COUNT ? "all" : pass_info[pass].name;
		if (out && strict)
			case_same(c, arena_printf(c->arena, "strict, %s off", name), all, out);
		if (!out)
			break;
	}
	case_enter(NULL);
	case_destroy(c);
}

int main(int argc, char **argv)
{
	long long first = argc > 1 ? atoll(argv[1]) : env_number("BURIN_CONFORM_SEED", 1);
	long long count = argc > 2   ? atoll(argv[2])
			  : argc > 1 ? 1
				     : env_number("BURIN_CONFORM_GRAPHS", 0);
	double start = seconds();
	const Tally *t = tally();
	for (long long i = 0; count ? i < count : seconds() - start < EVERYDAY_SECONDS; i++)
		run_graph((uint64_t)(first + i));
	if (argc != 2)
		check_known((Tally){ 0 });
	printf("%lld graphs from seed %lld, %lld elements (%lld not known), %d failed, %.1f s\n",
	       (long long)t->cases, first, (long long)t->elements, (long long)t->unknown,
	       failures(), seconds() - start);
	return failures() != 0;
}
