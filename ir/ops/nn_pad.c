/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Padding by mode: a constant is the core operator, the others read the input again through an
 * index list for each dimension. */
#include "ir/hooks.h"
#include "ir/ops/nn.h"

typedef enum PadMode { PAD_constant, PAD_reflect, PAD_edge, PAD_wrap } PadMode;

/* The attribute's pairs as one low and one high number for each dimension. */
static bool read_pads(Builder *b, const Node *n, int64_t low[MAX_RANK], int64_t high[MAX_RANK])
{
	const Attr_pads *a = ATTR_OF(n, pads);
	int rank = n->in[0]->type->rank, named = a->axes.n ? a->axes.n : rank;
	if (!check_ints(b, n->op, "pads", a->pads, 2 * named, -MAX_ELEMENTS, MAX_ELEMENTS))
		return false;
	for (int i = 0; i < MAX_RANK; i++)
		low[i] = high[i] = 0;
	for (int i = 0; i < named; i++) {
		int64_t axis = a->axes.n ? a->axes.v[i] : i;
		if (!check_axis(b, n->op, axis, rank))
			return false;
		low[axis_norm(axis, rank)] = a->pads.v[i];
		high[axis_norm(axis, rank)] = a->pads.v[i + named];
	}
	return true;
}

static int64_t floor_mod(int64_t x, int64_t n)
{
	return (x % n + n) % n;
}

/* Which element stands at index i of a dimension of n, i below 0 or above n - 1 too. */
static int64_t source(PadMode mode, int64_t i, int64_t n)
{
	switch (mode) {
	case PAD_reflect: {
		int64_t period = n > 1 ? 2 * (n - 1) : 1, r = floor_mod(i, period);
		return r < n ? r : period - r;
	}
	case PAD_wrap: return floor_mod(i, n);
	case PAD_constant:
	case PAD_edge: break;
	}
	return i < 0 ? 0 : i >= n ? n - 1 : i;
}

static Node *pad_axis(Builder *b, Node *x, int axis, PadMode mode, int64_t low, int64_t high)
{
	int64_t n = x->type->dim[axis], count = n + low + high;
	if (n == 0 || count > MAX_ELEMENTS / 8) {
		builder_error(b, n ? E5014 : E5013,
			      "padding: dimension %d of %s cannot be continued", axis,
			      type_text(b, x->type));
		return x;
	}
	int64_t *index = ARENA_ARRAY(b->graph->arena, int64_t, count);
	for (int64_t i = 0; i < count; i++)
		index[i] = source(mode, i - low, n);
	return emit_gather(b, x, emit_indices(b, count, index), axis);
}

/* What is negative crops first. */
static Node *crop(Builder *b, Node *x, int64_t *low, int64_t *high)
{
	int64_t from[MAX_RANK] = { 0 }, to[MAX_RANK] = { 0 };
	bool any = false;
	for (int i = 0; i < x->type->rank; i++) {
		from[i] = low[i] < 0 ? low[i] : 0;
		to[i] = high[i] < 0 ? high[i] : 0;
		low[i] -= from[i];
		high[i] -= to[i];
		any = any || from[i] || to[i];
	}
	return any ? emit_pad(b, x, emit_scalar(b, x->type->dtype, 0), from, to, NULL) : x;
}

bool expand_padding(Builder *b, const Node *n, Node **out)
{
	static const char *const names[] = { "constant", "reflect", "edge", "wrap" };
	const Attr_pads *a = ATTR_OF(n, pads);
	int64_t low[MAX_RANK], high[MAX_RANK];
	Node *x = n->in[0];
	if (!check_name(b, n, "mode", a->mode, 4, names) || !read_pads(b, n, low, high))
		return false;
	if (str_eq(a->mode, "constant")) {
		if (!check_num(b, n->op, "value", a->value, x->type->dtype))
			return false;
		Node *value = emit_num(b, type_scalar(b->ctx, x->type->dtype), a->value);
		return expand_done(b, out, emit_pad(b, x, value, low, high, NULL));
	}
	PadMode mode = str_eq(a->mode, "reflect") ? PAD_reflect
		       : str_eq(a->mode, "edge")  ? PAD_edge
						  : PAD_wrap;
	x = crop(b, x, low, high);
	for (int i = 0; i < x->type->rank && !b->failed; i++)
		if (low[i] || high[i])
			x = pad_axis(b, x, i, mode, low[i], high[i]);
	return expand_done(b, out, x);
}
