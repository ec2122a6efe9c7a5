/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Memory and threads: a compiled program reads and writes what it was given and nothing else, reads
 * nothing that it has not written, and gives the same bits whoever computes. Inputs, outputs and
 * workspace lie between pages that fault, once ending right before one, once beginning right behind
 * one; what is in workspace and outputs before the run varies; one to five threads, and a host's
 * parallel_for that runs tasks backwards.
 *
 *   conform_memory [ops | graphs] [FIRST [COUNT]]
 *
 * BURIN_CONFORM_GRAPHS is how many graphs (without it: as many as fit into 15 seconds),
 * BURIN_CONFORM_SEED the first. */
#include "tests/conform/generate.h"
#include "tests/conform/random_graph.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { EVERYDAY_SECONDS = 15, LARGE = 60000, SIGNALLING = 0x7fa00000 };

static const struct Way {
	const char *name;
	Placement how;
} way[] = {
	{ "filled with ones, at the end", { .fill = ~0u } },
	{ "signalling NaN, at the beginning", { .fill = SIGNALLING, .low = true } },
	{ "one thread", { .threads = 1 } },
	{ "2 threads", { .threads = 2, .fill = SIGNALLING } },
	{ "3 threads", { .threads = 3, .low = true } },
	{ "5 threads", { .threads = 5, .fill = ~0u } },
	{ "a host's tasks backwards", { .threads = 2, .hosted = true, .fill = ~0u } },
};

/* The graph is there; its reference is not needed. */
static void run_all_ways(Case *c)
{
	void **first = ARENA_ARRAY(c->arena, void *, c->g->result.n + 1);
	void **out = ARENA_ARRAY(c->arena, void *, c->g->result.n + 1);
	case_enter(c);
	tally()->cases++;
	Program *p = c->b->failed ? NULL : case_compile(c, &(Setup){ .target = "native" });
	if (!p && c->b->failed)
		case_fail(c, "the graph is wrong");
	bool ok = p && case_run(c, p, (Placement){ .fill = 0 }, first);
	for (size_t i = 0; ok && i < sizeof way / sizeof *way; i++)
		ok = case_run(c, p, way[i].how, out) && case_same(c, way[i].name, first, out);
	program_destroy(p);
	case_enter(NULL);
	case_destroy(c);
}

static void run_operators(void)
{
	for (int op = 0; op < OP_COUNT; op++)
		for (int i = 0; generate_row((Op)op).make && i < 2; i++) {
			Case *c =
				case_create(((uint64_t)op << 32) + 500u + (uint64_t)i, FP_CONTRACT);
			c->title = arena_printf(c->arena, "conform_memory ops: %s %d",
						op_info((Op)op)->name, i);
			c->values = VALUES_NORMAL;
			c->no_params = i == 0;
			generate_row((Op)op).make(c, (Op)op);
			run_all_ways(c);
		}
}

static void run_graph(uint64_t seed)
{
	Case *c = case_create(seed, FP_CONTRACT);
	c->title = arena_printf(c->arena, "conform_memory graphs %llu", (unsigned long long)seed);
	c->values = VALUES_NORMAL;
	c->most = seed % 2 ? LARGE : 0;
	random_graph(c, (int)pick(c, 2, 12));
	run_all_ways(c);
}

int main(int argc, char **argv)
{
	const char *part = argc > 1 ? argv[1] : "";
	long long first = argc > 2 ? atoll(argv[2]) : env_number("BURIN_CONFORM_SEED", 1);
	long long count = argc > 3   ? atoll(argv[3])
			  : argc > 2 ? 1
				     : env_number("BURIN_CONFORM_GRAPHS", 0);
	double start = seconds();
	if (strcmp(part, "graphs") != 0)
		run_operators();
	for (long long i = 0;
	     strcmp(part, "ops") != 0 && (count ? i < count : seconds() - start < EVERYDAY_SECONDS);
	     i++)
		run_graph((uint64_t)(first + i));
	printf("%lld cases, %lld elements, %d failed, %.1f s\n", (long long)tally()->cases,
	       (long long)tally()->repeated, failures(), seconds() - start);
	return failures() || tally()->repeated == 0;
}
