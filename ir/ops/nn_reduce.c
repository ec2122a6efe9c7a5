/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Reductions made of others, softmax, top-k with its values. */
#include "ir/hooks.h"
#include "ir/ops/nn.h"

/* --- reductions ------------------------------------------------------------------------------ */

static Node *reduced(Builder *b, const Node *n, Op op, Node *x)
{
	return emit(b, op, n->attr, &x, 1); /* they share one attribute record */
}

static Node *squares(Builder *b, Node *x)
{
	return emit2(b, OP_mul, x, x);
}

/* Of integers in i64: neither their sum nor their number need be a number of a narrow type. */
bool expand_reduce_mean(Builder *b, const Node *n, Node **out)
{
	DType t = n->in[0]->type->dtype;
	bool narrow = !dtype_is_float(t) && t != DT_bool && t != DT_i64;
	Node *x = narrow ? emit_cast(b, n->in[0], DT_i64) : n->in[0];
	Node *sum = reduced(b, n, OP_reduce_sum, x);
	if (b->failed)
		return false;
	int64_t each = sum->type->count;
	double count = each ? (double)(n->in[0]->type->count / each) : 1;
	Node *mean = emit_c2(b, OP_div, sum, count);
	return expand_done(b, out, narrow ? emit_cast(b, mean, t) : mean);
}

bool expand_reduce_l1(Builder *b, const Node *n, Node **out)
{
	return expand_done(b, out, reduced(b, n, OP_reduce_sum, emit1(b, OP_abs, n->in[0])));
}

bool expand_reduce_l2(Builder *b, const Node *n, Node **out)
{
	if (!check_float_dtype(b, n->op, 0, n->in))
		return false;
	Node *sum = reduced(b, n, OP_reduce_sum, squares(b, n->in[0]));
	return expand_done(b, out, emit1(b, OP_sqrt, sum));
}

bool expand_reduce_sumsq(Builder *b, const Node *n, Node **out)
{
	return expand_done(b, out, reduced(b, n, OP_reduce_sum, squares(b, n->in[0])));
}

/* The maximum is taken out first, so that the exponentials do not overflow; an infinite one is left
 * in. */
bool expand_reduce_logsumexp(Builder *b, const Node *n, Node **out)
{
	const Attr_reduce *a = ATTR_OF(n, reduce);
	Node *x = n->in[0];
	if (!check_float_dtype(b, n->op, 0, n->in))
		return false;
	Node *max = emit_reduce(b, OP_reduce_max, x, a->axes.n, a->axes.v, true);
	if (b->failed)
		return false;
	Node *zero = emit_full(b, max->type, 0);
	max = emit3(b, OP_select, emit1(b, OP_isinf, max), zero, max);
	Node *sum = reduced(b, n, OP_reduce_sum, emit1(b, OP_exp, emit_b2(b, OP_sub, x, max)));
	if (b->failed)
		return false;
	max = emit_reshape(b, max, sum->type->rank, sum->type->dim);
	return expand_done(b, out, emit2(b, OP_add, emit1(b, OP_log, sum), max));
}

/* --- softmax --------------------------------------------------------------------------------- */

static bool check_softmax(Builder *b, const Node *n, int64_t *axis)
{
	int rank = n->in[0]->type->rank;
	*axis = ATTR_OF(n, softmax)->axis;
	if (!check_float_dtype(b, n->op, 0, n->in) || !check_axis(b, n->op, *axis, rank))
		return false;
	*axis = axis_norm(*axis, rank);
	return true;
}

/* x minus its largest element along the axis */
static Node *below_max(Builder *b, Node *x, int64_t axis)
{
	return emit_b2(b, OP_sub, x, emit_reduce(b, OP_reduce_max, x, 1, &axis, true));
}

bool expand_softmax(Builder *b, const Node *n, Node **out)
{
	int64_t axis;
	if (!check_softmax(b, n, &axis))
		return false;
	Node *e = emit1(b, OP_exp, below_max(b, n->in[0], axis));
	Node *sum = emit_reduce(b, OP_reduce_sum, e, 1, &axis, true);
	return expand_done(b, out, emit_b2(b, OP_div, e, sum));
}

bool expand_log_softmax(Builder *b, const Node *n, Node **out)
{
	int64_t axis;
	if (!check_softmax(b, n, &axis))
		return false;
	Node *x = below_max(b, n->in[0], axis);
	Node *sum = emit_reduce(b, OP_reduce_sum, emit1(b, OP_exp, x), 1, &axis, true);
	return expand_done(b, out, emit_b2(b, OP_sub, x, emit1(b, OP_log, sum)));
}

/* --- top k ----------------------------------------------------------------------------------- */

bool expand_topk(Builder *b, const Node *n, Node **out)
{
	Attr_gather a = { .axis = ATTR_OF(n, topk)->axis };
	Node *index = emit(b, OP_topk_index, n->attr, n->in, 1);
	Node *in[2] = { n->in[0], index };
	out[0] = emit(b, OP_gather_elements, attr_intern(b->ctx, ATTR_gather_RECORD, &a), in, 2);
	out[1] = index;
	return !b->failed;
}
