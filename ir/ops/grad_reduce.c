/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Gradients of reductions and running sums. */
#include "ir/hooks.h"
#include "ir/ops/grad.h"
#include <string.h>

Node *unreduce(Builder *b, const Node *n, Node *y)
{
	const Type *x = n->in[0]->type;
	bool reduced[MAX_RANK];
	int64_t dim[MAX_RANK];
	reduce_mask(n, reduced);
	for (int i = 0; i < x->rank; i++)
		dim[i] = reduced[i] ? 1 : x->dim[i];
	return emit_broadcast(b, emit_reshape(b, y, x->rank, dim), x->rank, x->dim);
}

void vjp_reduce_sum(Builder *b, const Node *n, Node *dy, Node **dx)
{
	dx[0] = unreduce(b, n, dy);
}

/* 1 where the condition holds */
static Node *count_of(Builder *b, const Node *n, Node *cond)
{
	Node *ones = emit_cast(b, cond, n->type->dtype);
	return emit(b, OP_reduce_sum, n->attr, &ones, 1);
}

/* Equal extremes share it. */
static void vjp_reduce_extreme(Builder *b, const Node *n, Node *dy, Node **dx)
{
	Node *is = emit2(b, OP_eq, n->in[0], unreduce(b, n, (Node *)n));
	Node *share = emit2(b, OP_div, dy, count_of(b, n, is));
	Node *zero = zeros_like(b, n->in[0]);
	dx[0] = emit3(b, OP_select, is, unreduce(b, n, share), zero);
}

void vjp_reduce_max(Builder *b, const Node *n, Node *dy, Node **dx)
{
	vjp_reduce_extreme(b, n, dy, dx);
}

void vjp_reduce_min(Builder *b, const Node *n, Node *dy, Node **dx)
{
	vjp_reduce_extreme(b, n, dy, dx);
}

/* The product of the others: the whole divided by the element; where one factor is 0, that one has
 * the product of the rest and all others have 0. */
void vjp_reduce_prod(Builder *b, const Node *n, Node *dy, Node **dx)
{
	Node *x = n->in[0], *ones = emit_full(b, x->type, 1), *none = zeros_like(b, x);
	Node *is_zero = emit_c2(b, OP_eq, x, 0);
	Node *zeros = unreduce(b, n, count_of(b, n, is_zero));
	Node *safe = emit3(b, OP_select, is_zero, ones, x);
	Node *product = emit(b, OP_reduce_prod, n->attr, &safe, 1);
	Node *whole = unreduce(b, n, emit2(b, OP_mul, dy, product));
	Node *others = emit2(b, OP_div, whole, safe);
	/* zeros among the others */
	Node *left = emit2(b, OP_sub, zeros, emit_cast(b, is_zero, x->type->dtype));
	dx[0] = emit3(b, OP_select, emit_c2(b, OP_eq, left, 0), others, none);
}

/* An element counts in all sums after it: the running sum from the other end. */
void vjp_cumsum(Builder *b, const Node *n, Node *dy, Node **dx)
{
	Attr_cumsum a = *ATTR_OF(n, cumsum);
	a.reverse = !a.reverse;
	dx[0] = emit(b, OP_cumsum, attr_intern(b->ctx, ATTR_cumsum_RECORD, &a), &dy, 1);
}
