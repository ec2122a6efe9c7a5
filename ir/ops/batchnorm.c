/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Batch norm in training: each channel is normalised by the mean and variance of the batch. */
#include "ir/hooks.h"
#include "ir/ops/batchnorm.h"
#include "ir/ops/grad.h"

static int axes_but_channels(const Type *t, int64_t axes[MAX_RANK])
{
	int n = 0;
	for (int i = 0; i < t->rank; i++)
		if (i != 1)
			axes[n++] = i;
	return n;
}

static Node *channel_sum(Builder *b, Node *x)
{
	int64_t axes[MAX_RANK];
	int n = axes_but_channels(x->type, axes);
	return emit_reduce(b, OP_reduce_sum, x, n, axes, false);
}

int64_t channel_count(const Type *t)
{
	return t->dim[1] ? t->count / t->dim[1] : 0;
}

static bool is_fixed(const Node *n)
{
	return n->op == OP_param && !ATTR_OF(n, param)->trainable;
}

bool batchnorm_is_frozen(const Node *n)
{
	return !ATTR_OF(n, batchnorm)->trainable || (is_fixed(n->in[1]) && is_fixed(n->in[2]));
}

static Node *channel_mean(Builder *b, Node *x)
{
	return emit_c2(b, OP_mul, channel_sum(b, x), 1 / (double)channel_count(x->type));
}

/* Both sums in one pass over x; taken of the distance from the channel's first element, they do not
 * cancel when the mean is large. */
void emit_channel_moments(Builder *b, Node *x, Node **mean, Node **variance)
{
	const Type *t = x->type;
	int64_t begin[MAX_RANK] = { 0 }, count[MAX_RANK];
	for (int i = 0; i < t->rank; i++)
		count[i] = i == 1 ? t->dim[1] : 1;
	Node *first = emit_slice(b, x, begin, count, NULL);
	Node *d = emit2(b, OP_sub, x, emit_broadcast(b, first, t->rank, t->dim));
	Node *m = channel_mean(b, d), *square = channel_mean(b, emit2(b, OP_mul, d, d));
	*mean = emit2(b, OP_add, emit_reshape(b, first, 1, &t->dim[1]), m);
	Node *v = emit2(b, OP_sub, square, emit2(b, OP_mul, m, m));
	*variance = emit1(b, OP_relu, v);
}

static Node *deviation(Builder *b, Node *variance, double eps)
{
	return emit1(b, OP_sqrt, emit_c2(b, OP_add, variance, eps));
}

bool expand_batchnorm_train(Builder *b, const Node *n, Node **out)
{
	Node *x = n->in[0], *scale = n->in[1], *shift = n->in[2], *mean, *variance;
	int rank = x->type->rank;
	if (!check_min_rank(b, n, 0, 2) || !check_float_dtype(b, n->op, 0, n->in))
		return false;
	for (int i = 1; i < 3; i++)
		if (!check_vector(b, n, i, x->type->dim[1]) ||
		    !check_same_dtype(b, n->op, 0, i, n->in))
			return false;
	if (channel_count(x->type) < 1)
		return builder_error(b, E5011, "batchnorm: the batch is empty");
	emit_channel_moments(b, x, &mean, &variance);
	Node *s = emit2(b, OP_div, scale, deviation(b, variance, ATTR_OF(n, batchnorm)->eps));
	Node *t = emit2(b, OP_sub, shift, emit2(b, OP_mul, mean, s));
	Node *y = emit_b2(b, OP_mul, x, along_channels(b, s, rank));
	return expand_done(b, out, emit_b2(b, OP_add, y, along_channels(b, t, rank)));
}

/* With u = (x - mean) / deviation and averages over the batch:
 * dx = scale / deviation * (dy - mean(dy) - u mean(dy u)). Both sums come from one pass over x and
 * dy, the result from another: what the result wants of x and dy depends on the sums or is computed
 * again (mean - x), so that between the passes nothing of their size is kept but themselves. */
void vjp_batchnorm_train(Builder *b, const Node *n, Node *dy, Node **dx)
{
	Node *x = n->in[0], *mean, *variance;
	int rank = x->type->rank;
	emit_channel_moments(b, x, &mean, &variance);
	Node *dev = deviation(b, variance, ATTR_OF(n, batchnorm)->eps);
	Node *centred = emit_b2(b, OP_sub, x, along_channels(b, mean, rank));
	Node *sum = channel_sum(b, dy), *sum_u = channel_sum(b, emit2(b, OP_mul, dy, centred));
	dx[2] = sum;
	dx[1] = emit2(b, OP_div, sum_u, dev);
	double share = 1 / (double)channel_count(x->type);
	Node *slope =
		emit2(b, OP_div, emit_c2(b, OP_mul, sum_u, share), emit2(b, OP_mul, dev, dev));
	Node *average = along_channels(b, emit_c2(b, OP_mul, sum, share), rank);
	Node *below = emit_b2(b, OP_sub, along_channels(b, mean, rank), x);
	Node *g = emit_b2(b, OP_mul, below, along_channels(b, slope, rank));
	g = emit2(b, OP_add, emit_b2(b, OP_sub, dy, average), g);
	dx[0] = emit_b2(b, OP_mul, g, along_channels(b, emit2(b, OP_div, n->in[1], dev), rank));
}
