/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Gradients of layers that have their own: where the gradient of the expansion would be slower (the
 * normalisations, softmax), or wrong beside a limit that the expansion takes apart (an infinite
 * exponential that is not chosen, a maximum taken out). */
#include "ir/hooks.h"
#include "ir/ops/grad.h"
#include <math.h>

/* --- normalisations -------------------------------------------------------------------------- */

/* Of y = x / size, where size is the root of the mean of x^2: (g - y mean(g y)) / size; of centred
 * rows minus its mean, too. */
static Node *norm_back(Builder *b, Node *g, Node *y, Node *size, int n_axes, const int64_t *axes,
		       bool centred)
{
	Node *along = emit_mean(b, emit2(b, OP_mul, g, y), n_axes, axes, true);
	Node *rest = emit2(b, OP_sub, g, emit_b2(b, OP_mul, y, along));
	if (centred)
		rest = emit_b2(b, OP_sub, rest, emit_mean(b, g, n_axes, axes, true));
	return emit_b2(b, OP_div, rest, size);
}

static void norm_vjp(Builder *b, const Node *n, Node *dy, Node **dx, bool centred)
{
	const Attr_norm *a = ATTR_OF(n, norm);
	Node *x = n->in[0], *scale = given_input(n, 1), *size;
	int64_t axes[MAX_RANK];
	int count = axes_from(a->axis, x->type->rank, axes);
	x = centred ? emit_centred(b, x, count, axes) : x;
	Node *y = emit_unit_size(b, x, count, axes, a->eps, &size);
	Node *g = scale ? emit_b2(b, OP_mul, dy, scale) : dy;
	dx[0] = norm_back(b, g, y, size, count, axes, centred);
	if (scale)
		dx[1] = sum_to(b, emit2(b, OP_mul, dy, y), scale->type);
	if (given_input(n, 2))
		dx[2] = sum_to(b, dy, n->in[2]->type);
}

void vjp_layernorm(Builder *b, const Node *n, Node *dy, Node **dx)
{
	norm_vjp(b, n, dy, dx, true);
}

void vjp_rmsnorm(Builder *b, const Node *n, Node *dy, Node **dx)
{
	norm_vjp(b, n, dy, dx, false);
}

/* [N,C,...] summed to [C] */
static Node *sum_to_channels(Builder *b, Node *dy)
{
	int64_t axes[MAX_RANK];
	int n = 0;
	for (int i = 0; i < dy->type->rank; i++)
		if (i != 1)
			axes[n++] = i;
	return emit_reduce(b, OP_reduce_sum, dy, n, axes, false);
}

void vjp_groupnorm(Builder *b, const Node *n, Node *dy, Node **dx)
{
	const Attr_groupnorm *a = ATTR_OF(n, groupnorm);
	const Type *t = n->in[0]->type;
	const int64_t last = 2;
	Node *scale = given_input(n, 1), *size;
	Node *rows = emit_centred(b, emit_grouped(b, n->in[0], a->groups), 1, &last);
	Node *y = emit_unit_size(b, rows, 1, &last, a->eps, &size);
	Node *g = scale ? emit_b2(b, OP_mul, dy, along_channels(b, scale, t->rank)) : dy;
	g = norm_back(b, emit_grouped(b, g, a->groups), y, size, 1, &last, true);
	dx[0] = emit_reshape(b, g, t->rank, t->dim);
	y = emit_reshape(b, y, t->rank, t->dim);
	if (scale)
		dx[1] = sum_to_channels(b, emit2(b, OP_mul, dy, y));
	if (given_input(n, 2))
		dx[2] = sum_to_channels(b, dy);
}

/* --- softmax and its kin --------------------------------------------------------------------- */

/* y (dy - sum of dy y) */
void vjp_softmax(Builder *b, const Node *n, Node *dy, Node **dx)
{
	int64_t axis = ATTR_OF(n, softmax)->axis;
	Node *y = (Node *)n;
	Node *dot = emit_reduce(b, OP_reduce_sum, emit2(b, OP_mul, dy, y), 1, &axis, true);
	dx[0] = emit2(b, OP_mul, y, emit_b2(b, OP_sub, dy, dot));
}

/* dy - softmax (sum of dy) */
void vjp_log_softmax(Builder *b, const Node *n, Node *dy, Node **dx)
{
	int64_t axis = ATTR_OF(n, softmax)->axis;
	Node *sum = emit_reduce(b, OP_reduce_sum, dy, 1, &axis, true);
	Node *p = emit1(b, OP_exp, (Node *)n);
	dx[0] = emit2(b, OP_sub, dy, emit_b2(b, OP_mul, p, sum));
}

/* The softmax of what was reduced. */
void vjp_reduce_logsumexp(Builder *b, const Node *n, Node *dy, Node **dx)
{
	Node *below = emit2(b, OP_sub, n->in[0], unreduce(b, n, (Node *)n));
	dx[0] = emit2(b, OP_mul, unreduce(b, n, dy), emit1(b, OP_exp, below));
}

/* x / y; of nothing but zeros 0 */
void vjp_reduce_l2(Builder *b, const Node *n, Node *dy, Node **dx)
{
	Node *y = (Node *)n, *flat = emit_c2(b, OP_eq, y, 0);
	Node *part = emit3(b, OP_select, flat, zeros_like(b, y), emit2(b, OP_div, dy, y));
	dx[0] = emit2(b, OP_mul, n->in[0], unreduce(b, n, part));
}

/* --- activations ----------------------------------------------------------------------------- */

/* alpha e^x up to zero, `right` above; the exponential of what is above is not used, only chosen
 * from: it may be infinite */
static Node *elu_back(Builder *b, Node *x, Node *dy, double left, double right)
{
	Node *slope = emit_c2(b, OP_mul, emit1(b, OP_exp, x), left);
	slope = emit3(b, OP_select, emit_c2(b, OP_le, x, 0), slope, emit_full(b, x->type, right));
	return emit2(b, OP_mul, dy, slope);
}

void vjp_elu(Builder *b, const Node *n, Node *dy, Node **dx)
{
	dx[0] = elu_back(b, n->in[0], dy, ATTR_OF(n, elu)->alpha, 1);
}

void vjp_selu(Builder *b, const Node *n, Node *dy, Node **dx)
{
	const Attr_gamma *a = ATTR_OF(n, gamma);
	dx[0] = elu_back(b, n->in[0], dy, a->alpha * a->gamma, a->gamma);
}

void vjp_softplus(Builder *b, const Node *n, Node *dy, Node **dx)
{
	dx[0] = emit2(b, OP_mul, dy, emit1(b, OP_sigmoid, n->in[0]));
}

/* On the bounds, too. */
void vjp_clip(Builder *b, const Node *n, Node *dy, Node **dx)
{
	const Attr_clip *a = ATTR_OF(n, clip);
	Node *x = n->in[0];
	if (!has_gradient(x))
		return;
	Node *inside =
		emit2(b, OP_and, emit_num2(b, OP_ge, x, a->min), emit_num2(b, OP_le, x, a->max));
	dx[0] = emit3(b, OP_select, inside, dy, zeros_like(b, dy));
}
