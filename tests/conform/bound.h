/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The numeric oracle of the tests: a graph evaluated in double precision, with a bound for the
 * rounding of each element. */
#ifndef TESTS_CONFORM_BOUND_H
#define TESTS_CONFORM_BOUND_H
#include "ir/eval.h"

/* A value and how far a compiled one may be from it before it is rounded to its type. Of whole
 * numbers and truth values the error is 0 or 1: 1 means that nothing is known. Infinite: nothing is
 * known. */
typedef struct Bounded {
	EvalTensor value, error;
} Bounded;

typedef struct BoundOptions {
	bool exact; /* sums of whole numbers must be exact (else products may have been rearranged)
		     */
	bool fast;  /* fp=fast: rules may round what lies between once more, or add in another order
		     */
	bool bf16;  /* products of f32 may round their factors to bf16 */
	const EvalTensor *param; /* values of g->param, in its order; NULL: their own data (of a
				    state without: zeros) */
	Bounded *next;           /* or NULL: gets the new value of each update */
} BoundOptions;

/* g without macros. out[] one per result. */
bool bound_graph(const Graph *g, Arena *arena, const EvalTensor *in, Bounded *out, BoundOptions o);
/* Is x, of the type, what element i allows? */
bool bound_admits(const Bounded *b, int64_t i, double x, int64_t whole);
bool bound_known(const Bounded *b, int64_t i);
/* The first element of `have`, rounded to its type, that is not what b allows; -1: there is none.
 * *unknown, unless NULL, gets the number of those of which nothing is known. */
int64_t bound_outside(const Bounded *b, const EvalTensor *have, int64_t *unknown);
#endif
