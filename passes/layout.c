/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Layout: channels last. A convolution or pool of [N,C,H,W] becomes one of [N,H,W,C], and what lies
 * between follows, so that transpositions remain only where a reader needs the old order: a
 * flattening, a result.
 *
 * Each old value has up to two new ones: `map`, in the old order, and `last`, its twin with the
 * channels (dimension 1) moved to the end. A convolution makes a twin; an operator with a twin
 * among its operands makes a twin again, if it can be said in the new order (the table at the end).
 * Whoever asks for the form that is missing gets a transposition, and two of them cancel on
 * emission. A twin is always [N,H,W,C]: that of [N,C,L], from 1-dimensional convolutions or with
 * merged spatial dimensions, has height 1, as the convolution sees it. */
#include "passes/pattern.h"
#include "ir/ops/util.h"
#include <string.h>

typedef struct Layouter {
	Rewrite w;
	Node **last;  /* by id: the twin, or NULL */
	bool *wanted; /* by id: all readers work on twins */
} Layouter;

/* --- the new order ------------------------------------------------------------------ */

enum { TWIN_RANK = 4 };

/* Dimension i of a value of this rank is which of its twin's? */
static int twin_dim(int i, int rank)
{
	static const int of[2][TWIN_RANK] = { { 0, 3, 2 }, { 0, 3, 1, 2 } };
	return of[rank == 4][i];
}

/* A list with an entry for each dimension, for the twin; a height that the old order lacks gets
 * `fill`. */
static void twin_list(const int64_t *list, int rank, int64_t fill, int64_t out[TWIN_RANK])
{
	out[1] = fill;
	for (int i = 0; i < rank; i++)
		out[twin_dim(i, rank)] = list[i];
}

static void twin_shape(const Type *t, int64_t dim[TWIN_RANK])
{
	twin_list(t->dim, t->rank, 1, dim);
}

/* Do both orders have the same elements in memory? One channel, or one pixel. */
static bool same_memory(const Type *t)
{
	return t->dim[1] == 1 || dims_product(t, 2, t->rank) == 1;
}

/* [N,C,...] to [N,...,C] */
static Node *move_channels(Builder *b, Node *x)
{
	int perm[MAX_RANK], rank = x->type->rank;
	for (int i = 1; i < rank - 1; i++)
		perm[i] = i + 1;
	perm[0] = 0;
	perm[rank - 1] = 1;
	return emit_transpose(b, x, perm);
}

static Node *to_twin(Builder *b, Node *x)
{
	int64_t dim[TWIN_RANK];
	twin_shape(x->type, dim);
	if (!same_memory(x->type))
		x = move_channels(b, x);
	return emit_reshape(b, x, TWIN_RANK, dim);
}

static Node *from_twin(Builder *b, Node *x, const Type *old)
{
	static const int back[2][TWIN_RANK] = { { 0, 2, 1 }, { 0, 3, 1, 2 } };
	const int64_t *d = x->type->dim;
	if (same_memory(old))
		return emit_reshape(b, x, old->rank, old->dim);
	if (old->rank == 3)
		x = emit_reshape(b, x, 3, (int64_t[]){ d[0], d[2], d[3] });
	return emit_transpose(b, x, back[old->rank == 4]);
}

static Node *in_old_order(Layouter *l, const Node *n)
{
	if (!l->w.map[n->id])
		l->w.map[n->id] = from_twin(l->w.b, l->last[n->id], n->type);
	return l->w.map[n->id];
}

static Node *with_rank(Builder *b, Node *x, const Type *t)
{
	int64_t dim[MAX_RANK];
	for (int i = 0; i < t->rank; i++)
		dim[i] = aligned_dim(x->type, t, i);
	return emit_reshape(b, x, t->rank, dim);
}

/* Keeps [N,C] and regroups the spatial dimensions. */
static bool regroups_space(const Node *n)
{
	const Type *from = n->in[0]->type, *to = n->type;
	return n->op == OP_reshape && from->rank >= 3 && to->rank >= 3 &&
	       from->dim[0] == to->dim[0] && from->dim[1] == to->dim[1];
}

/* A twin for a value that has none: repeating, filling and counting are said anew, regrouping is
 * done in the new order, the rest is transposed. */
static Node *make_twin(Layouter *l, const Node *n)
{
	Builder *b = l->w.b;
	int64_t dim[TWIN_RANK];
	double value;
	if (n->n_in && regroups_space(n)) {
		twin_shape(n->type, dim);
		return emit_reshape(b, move_channels(b, in_old_order(l, n->in[0])), TWIN_RANK, dim);
	}
	if (n->op == OP_broadcast) {
		Node *x = to_twin(b, with_rank(b, in_old_order(l, n->in[0]), n->type));
		twin_shape(n->type, dim);
		return emit_broadcast(b, emit_without_leading_ones(b, x), TWIN_RANK, dim);
	}
	if (dtype_is_float(n->type->dtype) && splat_value(n, &value)) {
		twin_shape(n->type, dim);
		return emit_full(b, type_get(l->w.p->ctx, n->type->dtype, TWIN_RANK, dim), value);
	}
	if (n->op == OP_iota) {
		int axis = axis_norm(ATTR_OF(n, iota)->axis, n->type->rank);
		twin_shape(n->type, dim);
		return emit_iota(b, n->type->dtype, TWIN_RANK, dim, twin_dim(axis, n->type->rank));
	}
	return to_twin(b, in_old_order(l, n));
}

static Node *channels_last(Layouter *l, const Node *n)
{
	/* not remembered: only what is computed in the new order makes its readers follow */
	return l->last[n->id] ? l->last[n->id] : make_twin(l, n);
}

/* --- operators in the new order -------------------------------------------------------------- */

static bool rank_fits(const Type *t)
{
	return t->rank == 3 || t->rank == 4;
}

/* Each returns the twin of n, or NULL when n stays in the old order. At least one operand has a
 * twin, if the table does not say otherwise. */
typedef Node *TwinFn(Layouter *l, const Node *n);

static Node *twin_elementwise(Layouter *l, const Node *n)
{
	Node *in[4];
	for (int i = 0; i < n->n_in; i++)
		in[i] = channels_last(l, n->in[i]);
	return emit(l->w.b, n->op, n->attr, in, n->n_in);
}

static Node *twin_conv(Layouter *l, const Node *n)
{
	static const int weights[4] = { 2, 3, 1, 0 }; /* [O,I,KH,KW] to [KH,KW,I,O] */
	Attr_conv a = *ATTR_OF(n, conv);
	if (a.channels_last)
		return NULL;
	Node *w = emit_transpose(l->w.b, in_old_order(l, n->in[1]), weights);
	Node *in[2] = { channels_last(l, n->in[0]), w };
	a.channels_last = 1;
	return emit(l->w.b, OP_conv, attr_intern(l->w.p->ctx, ATTR_conv_RECORD, &a), in, 2);
}

/* Weights, and so their gradient, are no images: it is brought to the old order at once. */
static Node *twin_conv_dw(Layouter *l, const Node *n)
{
	static const int weights[4] = { 3, 2, 0, 1 }; /* [KH,KW,I,O] to [O,I,KH,KW] */
	Attr_conv a = *ATTR_OF(n, conv);
	if (a.channels_last)
		return NULL;
	Node *in[2] = { channels_last(l, n->in[0]), channels_last(l, n->in[1]) };
	a.channels_last = 1;
	Node *y = emit(l->w.b, OP_conv_dw, attr_intern(l->w.p->ctx, ATTR_conv_RECORD, &a), in, 2);
	l->w.map[n->id] = emit_transpose(l->w.b, rewrite_name(y, n), weights);
	return NULL;
}

/* Of a transposition. */
static bool permutes(const Node *n, int i, int j, int k, int l)
{
	int perm[MAX_RANK], want[4] = { i, j, k, l };
	transpose_perm(n, perm);
	return n->type->rank == 4 && memcmp(perm, want, sizeof want) == 0;
}

/* A model that itself goes from channels last to channels first: what it comes from is the twin.
 * Gradients do so around what they work out channels last. */
static Node *twin_transpose(Layouter *l, const Node *n)
{
	return permutes(n, 0, 3, 1, 2) ? in_old_order(l, n->in[0]) : NULL;
}

/* With a single channel the old order is the better one: rows are long. */
static Node *twin_window(Layouter *l, const Node *n)
{
	Attr_window a = *ATTR_OF(n, window);
	if (a.channels_last || n->type->dim[1] == 1)
		return NULL;
	Node *x = channels_last(l, n->in[0]);
	a.channels_last = 1;
	return emit(l->w.b, n->op, attr_intern(l->w.p->ctx, ATTR_window_RECORD, &a), &x, 1);
}

static Node *twin_concat(Layouter *l, const Node *n)
{
	Node **in = ARENA_ARRAY(l->w.arena, Node *, n->n_in);
	int rank = n->type->rank;
	for (int i = 0; i < n->n_in; i++)
		in[i] = channels_last(l, n->in[i]);
	return emit_concat(l->w.b, in, n->n_in,
			   twin_dim(axis_norm(ATTR_OF(n, axis)->axis, rank), rank));
}

static Node *twin_slice(Layouter *l, const Node *n)
{
	const Attr_slice *a = ATTR_OF(n, slice);
	int64_t begin[TWIN_RANK], count[TWIN_RANK], step[TWIN_RANK];
	int rank = n->type->rank;
	twin_list(a->begin.v, rank, 0, begin);
	twin_list(a->count.v, rank, 1, count);
	twin_list(a->step.v, rank, 1, step);
	Node *x = channels_last(l, n->in[0]);
	return emit_slice(l->w.b, x, begin, count, step);
}

static Node *twin_pad(Layouter *l, const Node *n)
{
	const Attr_pad *a = ATTR_OF(n, pad);
	int64_t low[TWIN_RANK], high[TWIN_RANK], interior[TWIN_RANK];
	int rank = n->type->rank;
	twin_list(a->low.v, rank, 0, low);
	twin_list(a->high.v, rank, 0, high);
	if (a->interior.n)
		twin_list(a->interior.v, rank, 0, interior);
	Node *x = channels_last(l, n->in[0]), *value = in_old_order(l, n->in[1]);
	return emit_pad(l->w.b, x, value, low, high, a->interior.n ? interior : NULL);
}

/* The dimensions of the old order that remain after reduction n, as they follow each other in the
 * new one, brought back. */
static Node *remaining_in_old_order(Builder *b, const Node *n, Node *y, const bool *reduced)
{
	int old_of[TWIN_RANK], place[MAX_RANK], perm[MAX_RANK], n_left = 0,
								rank = n->in[0]->type->rank;
	for (int i = 0; i < TWIN_RANK; i++)
		old_of[i] = -1;
	for (int i = 0; i < rank; i++)
		if (!reduced[i])
			old_of[twin_dim(i, rank)] = i;
	for (int i = 0; i < TWIN_RANK; i++)
		if (old_of[i] >= 0)
			place[old_of[i]] = n_left++;
	n_left = 0;
	for (int i = 0; i < rank; i++)
		if (!reduced[i])
			perm[n_left++] = place[i];
	return n_left > 1 ? emit_transpose(b, y, perm) : y;
}

/* Under fp=strict the order of additions is that of the model, whatever the layout. */
static bool sums_in_order(const Layouter *l, const Node *n)
{
	return l->w.p->ctx->fp == FP_STRICT && dtype_is_float(n->type->dtype) &&
	       (n->op == OP_reduce_sum || n->op == OP_reduce_prod);
}

/* With the reduced dimensions kept the result has a twin; else it is brought to the old order. */
static Node *twin_reduce(Layouter *l, const Node *n)
{
	bool reduced[MAX_RANK], keep = ATTR_OF(n, reduce)->keepdims;
	int64_t axes[TWIN_RANK];
	int n_axes = 0, rank = n->in[0]->type->rank;
	if (sums_in_order(l, n))
		return NULL;
	reduce_mask(n, reduced);
	for (int i = 0; i < rank; i++)
		if (reduced[i])
			axes[n_axes++] = twin_dim(i, rank);
	if (rank == 3 && !keep)
		axes[n_axes++] = 1;
	Node *x = channels_last(l, n->in[0]);
	Node *y = emit_reduce(l->w.b, n->op, x, n_axes, axes, keep);
	if (keep)
		return y;
	l->w.map[n->id] = remaining_in_old_order(l->w.b, n, y, reduced);
	return NULL;
}

/* Repeating is said anew; only from a value that itself lies in the new order does it make the
 * readers follow. */
static Node *twin_broadcast(Layouter *l, const Node *n)
{
	int64_t dim[TWIN_RANK];
	if (n->in[0]->type->rank != n->type->rank)
		return NULL;
	twin_shape(n->type, dim);
	return emit_broadcast(l->w.b, channels_last(l, n->in[0]), TWIN_RANK, dim);
}

/* A reshape that keeps [N,C] and regroups the spatial dimensions does so before the channels too.
 * Any other is read from the old order, unless that is the same memory. */
static Node *twin_reshape(Layouter *l, const Node *n)
{
	const Type *from = n->in[0]->type, *to = n->type;
	int64_t dim[TWIN_RANK];
	Node *x = channels_last(l, n->in[0]);
	if (rank_fits(to) && regroups_space(n)) {
		twin_shape(to, dim);
		return emit_reshape(l->w.b, x, TWIN_RANK, dim);
	}
	if (same_memory(from))
		l->w.map[n->id] = emit_reshape(l->w.b, x, to->rank, to->dim);
	return NULL;
}

static Node *twin_gather(Layouter *l, const Node *n)
{
	int rank = n->type->rank;
	if (n->in[1]->type->rank != 1)
		return NULL;
	int axis = axis_norm(ATTR_OF(n, gather)->axis, rank);
	Node *x = channels_last(l, n->in[0]), *index = in_old_order(l, n->in[1]);
	return emit_gather(l->w.b, x, index, twin_dim(axis, rank));
}

static const struct Twin {
	TwinFn *fn;
	bool starts; /* also when no operand has a twin */
} twin_of[OP_COUNT] = {
	[OP_conv] = { twin_conv, true },
	[OP_conv_dw] = { twin_conv_dw, true },
	[OP_transpose] = { twin_transpose, true },
	[OP_window_max] = { twin_window, true },
	[OP_window_sum] = { twin_window, true },
	[OP_concat] = { twin_concat, false },
	[OP_slice] = { twin_slice, false },
	[OP_pad] = { twin_pad, false },
	[OP_reduce_sum] = { twin_reduce, false },
	[OP_reduce_prod] = { twin_reduce, false },
	[OP_reduce_max] = { twin_reduce, false },
	[OP_reduce_min] = { twin_reduce, false },
	[OP_broadcast] = { twin_broadcast, false },
	[OP_reshape] = { twin_reshape, false },
	[OP_gather] = { twin_gather, false },
};

static const struct Twin *twin_row(const Node *n)
{
	static const struct Twin elementwise = { twin_elementwise, false };
	if (has_flag(n, OF_ELEMENTWISE))
		return &elementwise;
	return twin_of[n->op].fn ? &twin_of[n->op] : NULL;
}

/* A convolution or window that has the new order already. */
static bool is_channels_last(const Node *n)
{
	if (n->op == OP_conv || n->op == OP_conv_dw)
		return ATTR_OF(n, conv)->channels_last;
	return (n->op == OP_window_max || n->op == OP_window_sum) &&
	       ATTR_OF(n, window)->channels_last;
}

/* Does reader r take n as a twin? */
static bool takes_twin(const Layouter *l, const Node *n, const Node *r)
{
	const struct Twin *row = twin_row(r);
	if (!row || (n->type->rank != r->type->rank && !regroups_space(r)))
		return false;
	if (!row->starts)
		return l->wanted[r->id];
	if (r->op == OP_transpose)
		return permutes(r, 0, 2, 3, 1);
	if (is_channels_last(r))
		return false;
	return r->op == OP_conv_dw || (r->in[0] == n && (r->n_in == 1 || r->in[1] != n));
}

/* From the end: a value is wanted as a twin when it can be one and all who read it want theirs. */
static void find_wanted(Layouter *l)
{
	for (int i = l->w.g->node.n - 1; i >= 0; i--) {
		const Node *n = l->w.g->node.at[i];
		const struct Twin *row = twin_row(n);
		const Readers *readers = &l->w.readers[n->id];
		bool all = row && !row->starts && rank_fits(n->type) && !l->w.is_static[n->id] &&
			   readers->n > 0 && readers->n == l->w.uses[n->id] &&
			   (n->op != OP_reshape || regroups_space(n));
		for (int k = 0; all && k < readers->n; k++)
			all = takes_twin(l, n, readers->at[k]);
		l->wanted[n->id] = all;
	}
}

static bool reads_twin(const Layouter *l, const Node *n)
{
	for (int i = 0; i < n->n_in; i++)
		if (l->last[n->in[i]->id])
			return true;
	return false;
}

static void rewrite_node(Layouter *l, Node *n)
{
	const struct Twin *row = twin_row(n);
	Node *twin = NULL;
	rewrite_place(&l->w, n);
	if (row && n->n_in && rank_fits(n->in[0]->type) &&
	    (row->starts || l->wanted[n->id] || reads_twin(l, n)))
		twin = row->fn(l, n);
	if (twin)
		l->last[n->id] = rewrite_name(twin, n);
	if (l->last[n->id] || l->w.map[n->id])
		return;
	for (int i = 0; i < n->n_in; i++)
		in_old_order(l, n->in[i]);
	l->w.map[n->id] = rewrite_copy(&l->w, n);
}

Graph *pass_layout(const Pass *p, const Graph *g, Arena *arena)
{
	Layouter l = { 0 };
	rewrite_start(&l.w, p, g, arena);
	l.last = ARENA_ARRAY(arena, Node *, g->node.n + 1);
	l.wanted = ARENA_ARRAY(arena, bool, g->node.n + 1);
	find_wanted(&l);
	for (int i = 0; i < g->node.n; i++)
		rewrite_node(&l, g->node.at[i]);
	for (int i = 0; i < g->result.n; i++)
		in_old_order(&l, g->result.at[i]);
	for (int i = 0; i < g->update.n; i++)
		in_old_order(&l, g->update.at[i].next);
	return rewrite_finish(&l.w);
}
