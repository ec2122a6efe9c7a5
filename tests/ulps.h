/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* How exact elementary functions are in f32, in units in the last place; all other elementwise
 * operators are rounded correctly. */
#ifndef TESTS_ULPS_H
#define TESTS_ULPS_H
#include "ir/op.h"

static inline double function_ulps(Op op)
{
	switch ((int)op) {
	case OP_exp:
	case OP_log:
	case OP_expm1:
	case OP_log1p: return 2;
	case OP_erf:
	case OP_tanh:
	case OP_sigmoid: return 3;
	case OP_sin:
	case OP_cos:
	case OP_pow: return 1;
	}
	return 0;
}
#endif
