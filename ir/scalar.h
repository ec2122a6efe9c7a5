/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Elementwise operators on numbers: the rows of scalar.def as functions. One element, or arrays of
 * n of them. */
#ifndef IR_SCALAR_H
#define IR_SCALAR_H
#include "ir/op.h"

/* in[] has three arrays; those beyond the operator's inputs are ignored but must be readable
 * (repeat the first). */
typedef void ScalarFloat(int64_t n, const double *const *in, double *out);
typedef void ScalarInt(int64_t n, const int64_t *const *in, int64_t *out);
typedef void ScalarTest(int64_t n, const double *const *in, int64_t *out);

/* NULL where scalar.def has no such row. */
ScalarFloat *scalar_float(Op op); /* float to float */
ScalarInt *scalar_int(Op op);     /* integer to integer, tests of integers too; before wrapping */
ScalarTest *scalar_test(Op op);   /* float to truth value */

int64_t int_wrap(DType t, int64_t v);    /* to the range of t, as C converts; bool: v != 0 */
double float_round(DType t, double v);   /* to the precision of t */
int64_t float_to_int(DType t, double v); /* truncates and saturates, NaN gives 0 */
#endif
