/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Order along a dimension: the indices of the k largest or smallest elements. */
#include "ir/hooks.h"
#include "ir/ops/util.h"
#include <math.h>

const Type *infer_topk_index(Builder *b, Op op, Attr attr, Node *const *in, int n_in)
{
	(void)n_in;
	const Attr_topk *a = attr;
	const Type *x = in[0]->type;
	int64_t dim[MAX_RANK];
	if (!check_number_dtype(b, op, 0, in) || !check_axis(b, op, a->axis, x->rank))
		return NULL;
	int axis = axis_norm(a->axis, x->rank);
	if (a->k < 0 || a->k > x->dim[axis])
		return builder_error(b, E5013,
				     "%s: k is %lld, dimension %d of %s has %lld elements",
				     op_info(op)->name, (long long)a->k, axis, type_text(b, x),
				     (long long)x->dim[axis]);
	for (int i = 0; i < x->rank; i++)
		dim[i] = i == axis ? a->k : x->dim[i];
	return result_type(b, op, DT_i64, x->rank, dim);
}

/* Does element j come before element i? Equal ones keep their order; NaN counts as largest. */
static bool before(const EvalTensor *x, int64_t j, int64_t i, bool largest)
{
	if (!x->f)
		return largest ? x->i[j] > x->i[i] : x->i[j] < x->i[i];
	if (isnan(x->f[j]) || isnan(x->f[i]))
		return largest ? !isnan(x->f[i]) : !isnan(x->f[j]);
	return largest ? x->f[j] > x->f[i] : x->f[j] < x->f[i];
}

/* Insertion into the k best so far. */
static void topk_line(const EvalCall *c, int64_t from, int64_t to, int64_t n, int64_t step)
{
	const Attr_topk *a = ATTR_OF(c->n, topk);
	int64_t kept = 0;
	for (int64_t i = 0; i < n; i++) {
		int64_t p = kept;
		while (p > 0 && before(c->in[0], from + i * step,
				       from + c->out->i[to + (p - 1) * step] * step, a->largest))
			p--;
		if (p >= a->k)
			continue;
		kept += kept < a->k;
		for (int64_t q = kept - 1; q > p; q--)
			c->out->i[to + q * step] = c->out->i[to + (q - 1) * step];
		c->out->i[to + p * step] = i;
	}
}

void eval_topk_index(const EvalCall *c)
{
	const Attr_topk *a = ATTR_OF(c->n, topk);
	const Type *x = c->in[0]->type;
	int axis = axis_norm(a->axis, x->rank);
	int64_t outer = dims_product(x, 0, axis), inner = dims_product(x, axis + 1, x->rank);
	int64_t n = x->dim[axis];
	for (int64_t row = 0; row < outer; row++)
		for (int64_t i = 0; i < inner; i++)
			topk_line(c, row * n * inner + i, row * a->k * inner + i, n, inner);
}
