/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* What is known of index values: intervals, and sums of axes. */
#include "ir/kernel.h"

static const int64_t FAR = KERNEL_FAR;

bool index_value(const Node *n, int64_t *v)
{
	if (n->op != OP_const || dtype_is_float(n->type->dtype))
		return false;
	*v = blob_i64(ATTR_OF(n, data)->data, 0);
	return true;
}

static Range clamp_range(__int128 min, __int128 max)
{
	Range r = { min < -FAR ? -FAR : (int64_t)min, max > FAR ? FAR : (int64_t)max };
	return r;
}

static Range range_mul(Range a, Range b)
{
	__int128 p[4] = { (__int128)a.min * b.min, (__int128)a.min * b.max, (__int128)a.max * b.min,
			  (__int128)a.max * b.max };
	__int128 lo = p[0], hi = p[0];
	for (int i = 1; i < 4; i++) {
		lo = p[i] < lo ? p[i] : lo;
		hi = p[i] > hi ? p[i] : hi;
	}
	return clamp_range(lo, hi);
}

/* An expression may use its parts many times over; beyond so many steps nothing is known. */
enum { MOST_STEPS = 10000 };

static Range range_of(const Kernel *k, const Node *n, int *steps)
{
	Range wide = { -FAR, FAR }, a, b;
	int64_t v;
	if (++*steps > MOST_STEPS)
		return wide;
	if (index_value(n, &v))
		return (Range){ v, v };
	if (n->op == OP_axis) {
		const Axis *ax = &k->axis.at[ATTR_OF(n, index)->index];
		return (Range){ 0, ax->extent > 0 ? ax->extent - 1 : 0 };
	}
	if (n->n_in != 2 || n->type->dtype != DT_i64)
		return wide;
	a = range_of(k, n->in[0], steps);
	b = range_of(k, n->in[1], steps);
	if (n->op == OP_add)
		return clamp_range((__int128)a.min + b.min, (__int128)a.max + b.max);
	if (n->op == OP_mul)
		return range_mul(a, b);
	if (n->op == OP_div && a.min >= 0 && b.min == b.max && b.min > 0)
		return (Range){ a.min / b.min, a.max / b.min };
	if (n->op == OP_mod && b.min == b.max && b.min > 0)
		return (Range){ 0, b.min - 1 < a.max || a.min < 0 ? b.min - 1 : a.max };
	if (n->op == OP_min)
		return (Range){ a.min < b.min ? a.min : b.min, a.max < b.max ? a.max : b.max };
	if (n->op == OP_max)
		return (Range){ a.min > b.min ? a.min : b.min, a.max > b.max ? a.max : b.max };
	return wide;
}

Range kernel_range(const Kernel *k, const Node *n)
{
	int steps = 0;
	return range_of(k, n, &steps);
}

static bool affine(const Node *n, int64_t scale, int64_t coef[MAX_AXES], int64_t *c0, int *steps)
{
	int64_t v;
	if (++*steps > MOST_STEPS)
		return false;
	if (index_value(n, &v))
		return !__builtin_mul_overflow(v, scale, &v) && !__builtin_add_overflow(*c0, v, c0);
	if (n->op == OP_axis) {
		int64_t *c = &coef[ATTR_OF(n, index)->index];
		return !__builtin_add_overflow(*c, scale, c);
	}
	if (n->op == OP_add && n->type->dtype == DT_i64)
		return affine(n->in[0], scale, coef, c0, steps) &&
		       affine(n->in[1], scale, coef, c0, steps);
	if (n->op == OP_mul && n->type->dtype == DT_i64 && index_value(n->in[1], &v))
		return !__builtin_mul_overflow(v, scale, &v) &&
		       affine(n->in[0], v, coef, c0, steps);
	return false;
}

bool kernel_affine(const Node *n, int64_t scale, int64_t coef[MAX_AXES], int64_t *c0)
{
	int steps = 0;
	return affine(n, scale, coef, c0, &steps);
}
