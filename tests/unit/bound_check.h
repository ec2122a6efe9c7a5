/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* What is computed must lie within the reference's bound, element by element (conform/bound.h):
 * whole numbers and truth values exactly, NaN and infinities at their places. */
#ifndef TESTS_UNIT_BOUND_CHECK_H
#define TESTS_UNIT_BOUND_CHECK_H
#include "tests/unit/check.h"
#include "tests/conform/bound.h"

typedef struct Known {
	int64_t elements, unknown; /* compared; of which nothing was known */
} Known;

static inline void assert_bounded(const char *what, const Bounded *want, const EvalTensor *have,
				  Known *known)
{
	int64_t i = bound_outside(want, have, &known->unknown);
	known->elements += have->type->count;
	assert_ptr_equal(want->value.type, have->type);
	if (i >= 0 && have->f)
		fail_msg("%s: element %lld is %.9g, not %.9g (error %.3g)", what, (long long)i,
			 have->f[i], want->value.f[i], want->error.f[i]);
	if (i >= 0)
		fail_msg("%s: element %lld is %lld, not %lld", what, (long long)i,
			 (long long)have->i[i], (long long)want->value.i[i]);
}

/* Of a twentieth at most nothing may be known: else the comparison says too little. */
static inline void assert_known(Known k)
{
	if (k.unknown * 20 > k.elements)
		fail_msg("of %lld elements nothing is known of %lld", (long long)k.elements,
			 (long long)k.unknown);
}
#endif
