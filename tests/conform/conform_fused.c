/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Random graphs of 2 to 12 operators: what fusion, templates and storage make of them against the
 * reference. Every other one computes under
 * --fp strict on small whole numbers, where sums must be exact.
 *
 *   conform_fused [FIRST [COUNT]]
 *
 * BURIN_CONFORM_GRAPHS is how many (without it: as many as fit into 30 seconds), BURIN_CONFORM_SEED
 * the first. */
#include "tests/conform/random_graph.h"
#include "passes/expand.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { EVERYDAY_SECONDS = 30 };

/* A naive computation in single precision; what is compiled may be off by twice as much, in the
 * mean. */
static void compare_mean(Case *c, void *const *out)
{
	EvalTensor *naive = ARENA_ARRAY(c->arena, EvalTensor, c->g->result.n + 1);
	const Graph *g = expand_macros(c->g, c->arena);
	if (!eval_graph(g, c->arena, c->in, naive, (EvalOptions){ .round_f32 = true }))
		return;
	for (int r = 0; r < c->g->result.n; r++) {
		const Bounded *b = &c->want[r];
		double own = 0, other = 0, size = 0;
		for (int64_t i = 0; b->value.f && i < b->value.type->count; i++) {
			double v = b->value.f[i], x = load_f64(b->value.type->dtype, out[r], i);
			if (!bound_known(b, i) || !isfinite(v) || !isfinite(x) ||
			    !isfinite(naive[r].f[i]))
				continue;
			own += (x - v) * (x - v);
			other += (naive[r].f[i] - v) * (naive[r].f[i] - v);
			size += v * v;
		}
		if (sqrt(own) > 2 * sqrt(other) + 2e-6 * sqrt(size))
			case_fail(
				c,
				"result %d is off by %.3g in the mean, a naive one by %.3g of %.3g",
				r, sqrt(own), sqrt(other), sqrt(size));
	}
}

static void run_graph(uint64_t seed)
{
	bool whole = seed % 2 != 0;
	Case *c = case_create(seed, whole ? FP_STRICT : FP_CONTRACT);
	c->title = arena_printf(c->arena, "conform_fused %llu", (unsigned long long)seed);
	c->values = whole ? VALUES_WHOLE : VALUES_NORMAL;
	c->single = whole;
	c->no_params = chance(c, 20);
	random_graph(c, (int)pick(c, 2, 12));
	case_enter(c);
	tally()->cases++;
	const char *target = seed % 8 == 6 && host_has("x86-64-v3") ? "x86-64-v3"
			     : seed % 8 == 7                        ? "test"
								    : "native";
	Program *p = case_reference(c) ? case_compile(c, &(Setup){ .target = target }) : NULL;
	void **out = ARENA_ARRAY(c->arena, void *, c->g->result.n + 1);
	if (p && case_run(c, p, (Placement){ .fill = ~0u }, out) && case_compare(c, target, out))
		compare_mean(c, out);
	program_destroy(p);
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
