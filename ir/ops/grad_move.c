/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Gradients of data movement: what a view repeated is summed, all else moves back. */
#include "ir/hooks.h"
#include "ir/ops/grad.h"
#include <string.h>

Node *sum_to(Builder *b, Node *dy, const Type *t)
{
	int64_t axes[MAX_RANK];
	int n = 0, shift = dy->type->rank - t->rank;
	for (int i = 0; i < dy->type->rank; i++)
		if (i < shift || t->dim[i - shift] != dy->type->dim[i])
			axes[n++] = i;
	if (n) /* an empty list would mean all */
		dy = emit_reduce(b, OP_reduce_sum, dy, n, axes, false);
	return emit_reshape(b, dy, t->rank, t->dim);
}

void vjp_broadcast(Builder *b, const Node *n, Node *dy, Node **dx)
{
	dx[0] = sum_to(b, dy, n->in[0]->type);
}

void vjp_reshape(Builder *b, const Node *n, Node *dy, Node **dx)
{
	dx[0] = emit_reshape(b, dy, n->in[0]->type->rank, n->in[0]->type->dim);
}

void vjp_transpose(Builder *b, const Node *n, Node *dy, Node **dx)
{
	int perm[MAX_RANK], back[MAX_RANK];
	transpose_perm(n, perm);
	for (int i = 0; i < n->type->rank; i++)
		back[perm[i]] = i;
	dx[0] = emit_transpose(b, dy, back);
}

/* --- slices and borders ---------------------------------------------------------------------- */

/* dy with the dimensions of negative step turned round */
static Node *turned(Builder *b, const Attr_slice *a, Node *dy)
{
	int64_t from[MAX_RANK] = { 0 }, step[MAX_RANK];
	bool any = false;
	for (int i = 0; i < dy->type->rank; i++) {
		bool back = a->step.v[i] < 0;
		from[i] = back ? dy->type->dim[i] - 1 : 0;
		step[i] = back ? -1 : 1;
		any = any || back;
	}
	return any ? emit_slice(b, dy, from, dy->type->dim, step) : dy;
}

void vjp_slice(Builder *b, const Node *n, Node *dy, Node **dx)
{
	const Attr_slice *a = ATTR_OF(n, slice);
	const Type *x = n->in[0]->type;
	int64_t low[MAX_RANK], high[MAX_RANK], between[MAX_RANK];
	if (dy->type->count == 0) {
		dx[0] = zeros_like(b, n->in[0]);
		return;
	}
	for (int i = 0; i < x->rank; i++) {
		int64_t step = a->step.v[i], span = (a->count.v[i] - 1) * step;
		low[i] = a->begin.v[i] + (step < 0 ? span : 0);
		between[i] = (step < 0 ? -step : step) - 1;
		high[i] = x->dim[i] - 1 - low[i] - (step < 0 ? -span : span);
	}
	Node *zero = emit_scalar(b, dy->type->dtype, 0);
	dx[0] = emit_pad(b, turned(b, a, dy), zero, low, high, between);
}

/* What was padded is cut out again; what was cropped away gets zeros. */
static Node *unpadded(Builder *b, const Node *n, Node *dy)
{
	const Attr_pad *a = ATTR_OF(n, pad);
	const Type *x = n->in[0]->type;
	int64_t from[MAX_RANK], count[MAX_RANK], step[MAX_RANK], low[MAX_RANK], high[MAX_RANK];
	for (int i = 0; i < x->rank; i++) {
		step[i] = 1 + (a->interior.n ? a->interior.v[i] : 0);
		/* element j of x stands at low + j step */
		low[i] = a->low.v[i] < 0 ? (step[i] - 1 - a->low.v[i]) / step[i] : 0;
		from[i] = a->low.v[i] + low[i] * step[i];
		int64_t end = n->type->dim[i] > from[i]
				      ? (n->type->dim[i] - 1 - from[i]) / step[i] + 1
				      : 0;
		count[i] = end < x->dim[i] - low[i] ? end : x->dim[i] - low[i];
		if (count[i] <= 0)
			return zeros_like(b, n->in[0]);
		high[i] = x->dim[i] - low[i] - count[i];
	}
	dy = emit_slice(b, dy, from, count, step);
	return emit_pad(b, dy, emit_scalar(b, dy->type->dtype, 0), low, high, NULL);
}

void vjp_pad(Builder *b, const Node *n, Node *dy, Node **dx)
{
	dx[0] = unpadded(b, n, dy);
	if (is_const(n->in[1]))
		return;
	Node *in[2] = { zeros_like(b, n->in[0]), emit_scalar(b, dy->type->dtype, 1) };
	Node *border = emit(b, OP_pad, n->attr, in, 2);
	dx[1] = sum_to(b, emit2(b, OP_mul, dy, border), n->in[1]->type);
}

void vjp_concat(Builder *b, const Node *n, Node *dy, Node **dx)
{
	int axis = axis_norm(ATTR_OF(n, axis)->axis, n->type->rank);
	int64_t at = 0;
	for (int i = 0; i < n->n_in; i++) {
		int64_t size = n->in[i]->type->dim[axis];
		dx[i] = emit_slice_axis(b, dy, axis, at, size);
		at += size;
	}
}
