/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Reductions over dimensions, arg reductions, running sums. */
#include "ir/hooks.h"
#include "ir/ops/util.h"
#include "ir/scalar.h"
#include <math.h>

/* --- reduce_sum, reduce_prod, reduce_max, reduce_min ----------------------------------------- */

static bool check_axes(Builder *b, Op op, Ints axes, int rank)
{
	bool seen[MAX_RANK] = { false };
	for (int i = 0; i < axes.n; i++) {
		if (!check_axis(b, op, axes.v[i], rank))
			return false;
		int axis = axis_norm(axes.v[i], rank);
		if (seen[axis])
			return builder_error(b, E5013, "%s: axes names dimension %d twice",
					     op_info(op)->name, axis);
		seen[axis] = true;
	}
	return true;
}

const Type *infer_reduce(Builder *b, Op op, Attr attr, Node *const *in, int n_in)
{
	(void)n_in;
	const Attr_reduce *a = attr;
	const Type *x = in[0]->type;
	bool reduced[MAX_RANK];
	int64_t dim[MAX_RANK];
	int rank = 0;
	if (!check_number_dtype(b, op, 0, in) || !check_axes(b, op, a->axes, x->rank))
		return NULL;
	reduced_dims(a, x->rank, reduced);
	for (int i = 0; i < x->rank; i++) {
		if (!reduced[i])
			dim[rank++] = x->dim[i];
		else if (a->keepdims)
			dim[rank++] = 1;
	}
	return result_type(b, op, x->dtype, rank, dim);
}

/* How two values become one. */
typedef double FoldF(double x, double y);
typedef int64_t FoldI(int64_t x, int64_t y);
typedef struct Fold {
	FoldF *f;
	FoldI *i;
	double f_start;
	int64_t i_start;
} Fold;

static double sum_f(double x, double y)
{
	return x + y;
}

static int64_t sum_i(int64_t x, int64_t y)
{
	return (int64_t)((uint64_t)x + (uint64_t)y);
}

static double prod_f(double x, double y)
{
	return x * y;
}

static int64_t prod_i(int64_t x, int64_t y)
{
	return (int64_t)((uint64_t)x * (uint64_t)y);
}

static double max_f(double x, double y)
{
	return isnan(x) || x > y ? x : y;
}

static int64_t max_i(int64_t x, int64_t y)
{
	return x > y ? x : y;
}

static double min_f(double x, double y)
{
	return isnan(x) || x < y ? x : y;
}

static int64_t min_i(int64_t x, int64_t y)
{
	return x < y ? x : y;
}

static void reduce(const EvalCall *c, Fold fold)
{
	const Type *x = c->in[0]->type, *t = c->out->type;
	bool reduced[MAX_RANK];
	int64_t stride[MAX_RANK], run = 1, at[MAX_RANK] = { 0 };
	reduce_mask(c->n, reduced);
	for (int i = x->rank - 1; i >= 0; i--) {
		stride[i] = reduced[i] ? 0 : run;
		run *= reduced[i] ? 1 : x->dim[i];
	}
	for (int64_t o = 0; o < t->count; o++)
		if (c->out->f)
			c->out->f[o] = fold.f_start;
		else
			c->out->i[o] = fold.i_start;
	for (int64_t j = 0; j < x->count; j++, index_next(at, x->rank, x->dim)) {
		int64_t o = 0;
		for (int i = 0; i < x->rank; i++)
			o += at[i] * stride[i];
		if (c->out->f)
			c->out->f[o] = fold.f(c->out->f[o], c->in[0]->f[j]);
		else
			c->out->i[o] = fold.i(c->out->i[o], c->in[0]->i[j]);
	}
}

void eval_reduce_sum(const EvalCall *c)
{
	reduce(c, (Fold){ .f = sum_f, .i = sum_i });
}

void eval_reduce_prod(const EvalCall *c)
{
	reduce(c, (Fold){ .f = prod_f, .i = prod_i, .f_start = 1, .i_start = 1 });
}

/* Of nothing: the least or the largest number of the type. */
static void reduce_extreme(const EvalCall *c, FoldF *f, FoldI *i, double start)
{
	DType t = c->out->type->dtype;
	int64_t whole = dtype_is_float(t) ? 0 : float_to_int(t, start);
	reduce(c, (Fold){ .f = f, .i = i, .f_start = start, .i_start = whole });
}

void eval_reduce_max(const EvalCall *c)
{
	reduce_extreme(c, max_f, max_i, -HUGE_VAL);
}

void eval_reduce_min(const EvalCall *c)
{
	reduce_extreme(c, min_f, min_i, HUGE_VAL);
}

/* --- argmax, argmin -------------------------------------------------------------------------- */

const Type *infer_arg(Builder *b, Op op, Attr attr, Node *const *in, int n_in)
{
	(void)n_in;
	const Type *x = in[0]->type;
	int64_t axis = ((const Attr_axis *)attr)->axis, dim[MAX_RANK];
	int rank = 0;
	if (!check_number_dtype(b, op, 0, in) || !check_axis(b, op, axis, x->rank))
		return NULL;
	axis = axis_norm(axis, x->rank);
	if (x->dim[axis] == 0)
		return builder_error(b, E5011, "%s: dimension %d of %s is empty", op_info(op)->name,
				     (int)axis, type_text(b, x));
	for (int i = 0; i < x->rank; i++)
		if (i != axis)
			dim[rank++] = x->dim[i];
	return result_type(b, op, DT_i64, rank, dim);
}

/* Is x[j] further up (sign 1) or down (sign -1) than x[best]? The first NaN wins. */
static bool beats(const EvalTensor *x, int64_t j, int64_t best, int sign)
{
	if (!x->f)
		return sign > 0 ? x->i[j] > x->i[best] : x->i[j] < x->i[best];
	if (isnan(x->f[best]))
		return false;
	return isnan(x->f[j]) || (sign > 0 ? x->f[j] > x->f[best] : x->f[j] < x->f[best]);
}

static void arg(const EvalCall *c, int sign)
{
	const Type *x = c->in[0]->type;
	int axis = axis_norm(ATTR_OF(c->n, axis)->axis, x->rank);
	int64_t outer = dims_product(x, 0, axis), inner = dims_product(x, axis + 1, x->rank);
	for (int64_t row = 0; row < outer; row++)
		for (int64_t i = 0; i < inner; i++) {
			int64_t first = row * x->dim[axis] * inner + i, best = 0;
			for (int64_t k = 1; k < x->dim[axis]; k++)
				if (beats(c->in[0], first + k * inner, first + best * inner, sign))
					best = k;
			c->out->i[row * inner + i] = best;
		}
}

void eval_argmax(const EvalCall *c)
{
	arg(c, 1);
}

void eval_argmin(const EvalCall *c)
{
	arg(c, -1);
}

/* --- cumsum ---------------------------------------------------------------------------------- */

const Type *infer_cumsum(Builder *b, Op op, Attr attr, Node *const *in, int n_in)
{
	(void)n_in;
	const Type *x = in[0]->type;
	if (!check_number_dtype(b, op, 0, in) ||
	    !check_axis(b, op, ((const Attr_cumsum *)attr)->axis, x->rank))
		return NULL;
	return x;
}

/* One line of n elements, `step` apart. */
static void cumsum_line(const EvalCall *c, int64_t first, int64_t n, int64_t step)
{
	const Attr_cumsum *a = ATTR_OF(c->n, cumsum);
	double f = 0;
	int64_t sum = 0;
	for (int64_t k = 0; k < n; k++) {
		int64_t j = first + (a->reverse ? n - 1 - k : k) * step;
		if (c->out->f) {
			double next = f + c->in[0]->f[j];
			c->out->f[j] = a->exclusive ? f : next;
			f = next;
		} else {
			int64_t next = sum_i(sum, c->in[0]->i[j]);
			c->out->i[j] = a->exclusive ? sum : next;
			sum = next;
		}
	}
}

void eval_cumsum(const EvalCall *c)
{
	const Type *x = c->in[0]->type;
	int axis = axis_norm(ATTR_OF(c->n, cumsum)->axis, x->rank);
	int64_t outer = dims_product(x, 0, axis), inner = dims_product(x, axis + 1, x->rank);
	for (int64_t row = 0; row < outer; row++)
		for (int64_t i = 0; i < inner; i++)
			cumsum_line(c, row * x->dim[axis] * inner + i, x->dim[axis], inner);
}
