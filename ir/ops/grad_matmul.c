/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Gradients of products: products again, of operands that are read transposed. */
#include "ir/hooks.h"
#include "ir/ops/grad.h"
#include <math.h>
#include <string.h>

/* Of y = X W the gradients are dX = dy W^T and dW = X^T dy; a transposed operand wants the
 * transpose of that. */
void vjp_matmul(Builder *b, const Node *n, Node *dy, Node **dx)
{
	const Attr_matmul *a = ATTR_OF(n, matmul);
	Node *x = n->in[0], *w = n->in[1];
	dx[0] = a->trans_x ? emit_matmul(b, w, dy, a->trans_w, true)
			   : emit_matmul(b, dy, w, false, !a->trans_w);
	dx[1] = a->trans_w ? emit_matmul(b, dy, x, true, a->trans_x)
			   : emit_matmul(b, x, dy, !a->trans_x, false);
}

/* --- attention ------------------------------------------------------------------------------- */

/* [B,H,S,T]: true where query i may see key j */
static Node *seen_keys(Builder *b, const Type *scores)
{
	int64_t ahead = scores->dim[3] - scores->dim[2];
	Node *i = emit_iota(b, DT_i64, 2, scores->dim + 2, 0);
	Node *j = emit_iota(b, DT_i64, 2, scores->dim + 2, 1);
	Node *last =
		emit2(b, OP_add, i,
		      emit_broadcast(b, emit_scalar_i64(b, DT_i64, ahead), 2, scores->dim + 2));
	return emit_broadcast(b, emit2(b, OP_le, j, last), 4, scores->dim);
}

static Node *masked(Builder *b, Node *scores, Node *mask, double hidden)
{
	const Type *t = scores->type;
	mask = emit_broadcast(b, mask, 4, t->dim);
	if (mask->type->dtype != DT_bool)
		return emit2(b, OP_add, scores, mask);
	return emit3(b, OP_select, mask, scores, emit_full(b, t, hidden));
}

/* The weights P = softmax(scale q k^T + mask), computed again: they are large. */
static Node *attention_weights(Builder *b, const Node *n, double scale)
{
	Node *scores = emit_matmul(b, n->in[0], n->in[1], false, true);
	scores = emit_c2(b, OP_mul, scores, scale);
	if (given_input(n, 3))
		scores = masked(b, scores, n->in[3], ATTR_OF(n, attention)->hidden);
	if (ATTR_OF(n, attention)->causal)
		scores = emit3(b, OP_select, seen_keys(b, scores->type), scores,
			       emit_full(b, scores->type, -HUGE_VAL));
	return emit1(b, OP_softmax, scores);
}

/* dS = P (dP - sum of dP P), and that sum over keys is the sum of dy y over the values' width. */
void vjp_attention(Builder *b, const Node *n, Node *dy, Node **dx)
{
	const Attr_attention *a = ATTR_OF(n, attention);
	int64_t width = n->in[0]->type->dim[3], last = 3;
	double scale = a->scale != 0 ? a->scale : 1 / sqrt((double)width);
	Node *p = attention_weights(b, n, scale);
	Node *dp = emit_matmul(b, dy, n->in[2], false, true);
	Node *dot = emit_reduce(b, OP_reduce_sum, emit2(b, OP_mul, dy, (Node *)n), 1, &last, true);
	Node *ds = emit2(b, OP_mul, p, emit_b2(b, OP_sub, dp, dot));
	Node *scaled = emit_c2(b, OP_mul, ds, scale);
	dx[0] = emit_matmul(b, scaled, n->in[1], false, false);
	dx[1] = emit_matmul(b, scaled, n->in[0], true, false);
	dx[2] = emit_matmul(b, p, dy, true, false);
	if (has_gradient(given_input(n, 3)))
		dx[3] = sum_to(b, ds, n->in[3]->type);
}
