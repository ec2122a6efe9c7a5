/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Pad: what lies around the operand of a convolution (or of its weights' gradient) or window
 * (zeros, or for a maximum what never wins one) becomes a padding of its own, so that whoever makes
 * the operand writes it into the middle of a buffer that has the border already (passes/storage.c),
 * and the inner loop has none. Readers with the same border share one padding. Maxima of integers
 * keep their border: it is clamped where it is read.
 *
 * The operand of the first convolution is a transposed graph input. It is padded before the
 * transposition: the rows of the input are copied whole, and the convolution reads single elements
 * anyway. */
#include "passes/pattern.h"
#include "ir/ops/util.h"
#include <math.h>

static Node *emit_border(Builder *b, Node *x, double value, const int64_t low[4],
			 const int64_t high[4])
{
	return emit_pad(b, x, emit_scalar(b, x->type->dtype, value), low, high, NULL);
}

/* pad: top, left, bottom, right, around [N,H,W,C] */
static Node *pad_image(Builder *b, Node *x, double value, const int64_t *pad)
{
	int64_t low[4] = { 0, pad[0], pad[1], 0 }, high[4] = { 0, pad[2], pad[3], 0 };
	if (x->op != OP_transpose || x->in[0]->op != OP_input)
		return emit_border(b, x, value, low, high);
	int64_t source_low[4], source_high[4];
	int perm[MAX_RANK];
	transpose_perm(x, perm);
	for (int i = 0; i < 4; i++) {
		source_low[perm[i]] = low[i];
		source_high[perm[i]] = high[i];
	}
	return emit_transpose(b, emit_border(b, x->in[0], value, source_low, source_high), perm);
}

static Node *pad_conv(Rewrite *w, const Node *n)
{
	static const int64_t none[4];
	Attr_conv a = *ATTR_OF(n, conv);
	if (!a.channels_last || !any_border(a.pad))
		return NULL;
	Node *x = pad_image(w->b, w->map[n->in[0]->id], 0, a.pad.v);
	Node *in[2] = { x, w->map[n->in[1]->id] };
	a.pad = (Ints){ 4, none };
	return rewrite_name(emit(w->b, n->op, attr_intern(w->p->ctx, ATTR_conv_RECORD, &a), in, 2),
			    n);
}

static Node *pad_window(Rewrite *w, const Node *n)
{
	static const int64_t none[4];
	Attr_window a = *ATTR_OF(n, window);
	bool largest = n->op == OP_window_max;
	if (!a.channels_last || !any_border(a.pad) || (largest && !dtype_is_float(n->type->dtype)))
		return NULL;
	Node *x = pad_image(w->b, w->map[n->in[0]->id], largest ? -HUGE_VAL : 0, a.pad.v);
	a.pad = (Ints){ 4, none };
	return rewrite_name(
		emit(w->b, n->op, attr_intern(w->p->ctx, ATTR_window_RECORD, &a), &x, 1), n);
}

Graph *pass_pad(const Pass *p, const Graph *g, Arena *arena)
{
	bool gpu = p->o->target.kind == TARGET_CUDA;
	Rewrite w;
	rewrite_start(&w, p, g, arena);
	for (int i = 0; i < g->node.n; i++) {
		Node *n = g->node.at[i], *y = NULL;
		rewrite_place(&w, n);
		if (gpu) /* a thread's check costs less than the border's memory */
			y = NULL;
		else if (n->op == OP_conv || n->op == OP_conv_dw)
			y = pad_conv(&w, n);
		else if (n->op == OP_window_sum || n->op == OP_window_max)
			y = pad_window(&w, n);
		w.map[n->id] = y ? y : rewrite_copy(&w, n);
	}
	return rewrite_finish(&w);
}
