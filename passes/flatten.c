/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Flatten: a product works on matrices, so its operand and result go through reshapes that merge
 * leading dimensions and split them again. What lies between two products is computed on merged
 * dimensions here, and the reshapes in between cancel: in a transformer the whole residual stream
 * becomes two-dimensional, and an epilogue meets its product with equal shapes.
 *
 * From each reshape beside a product the number of dimensions it merges spreads through all
 * operators that can work on merged dimensions: elementwise ones, reductions and views of trailing
 * dimensions, row lookups. Every one of them is then made once, on merged dimensions, with a
 * reshape to its old shape for whoever still asks; so nothing is ever computed twice. A region that
 * touches a convolution or a pool is left to the layout pass. */
#include "passes/pattern.h"
#include "ir/ops/util.h"
#include <string.h>

typedef struct Flattener {
	Rewrite w;
	int *lead;    /* by id: leading dimensions to merge, 0: none */
	bool *barred; /* by id: in a region that is left alone */
	Node **flat;  /* by id: the new node on merged dimensions */
	VEC(Node *) region;
} Flattener;

/* --- which operators can work on merged dimensions ------------------------------------------- */

static bool same_leading(const Type *a, const Type *b, int k)
{
	if (a->rank < k || b->rank < k)
		return false;
	for (int i = 0; i < k; i++)
		if (a->dim[i] != b->dim[i])
			return false;
	return true;
}

static bool reduces_behind(const Node *n, int k)
{
	bool reduced[MAX_RANK];
	reduce_mask(n, reduced);
	for (int i = 0; i < k && i < n->in[0]->type->rank; i++)
		if (reduced[i])
			return false;
	return n->in[0]->type->rank > k;
}

static bool transposes_behind(const Node *n, int k)
{
	int perm[MAX_RANK];
	transpose_perm(n, perm);
	for (int i = 0; i < k; i++)
		if (perm[i] != i)
			return false;
	return true;
}

static bool slices_behind(const Node *n, int k)
{
	const Attr_slice *a = ATTR_OF(n, slice);
	for (int i = 0; i < k; i++)
		if (a->count.v[i] != n->in[0]->type->dim[i] || a->step.v[i] != 1)
			return false;
	return true;
}

static bool pads_behind(const Node *n, int k)
{
	const Attr_pad *a = ATTR_OF(n, pad);
	for (int i = 0; i < k; i++)
		if (a->low.v[i] || a->high.v[i] || (a->interior.n && a->interior.v[i]))
			return false;
	return true;
}

static bool concats_behind(const Node *n, int k)
{
	return axis_norm(ATTR_OF(n, axis)->axis, n->type->rank) >= k;
}

static bool gathers_rows(const Node *n, int k)
{
	return axis_norm(ATTR_OF(n, gather)->axis, n->in[0]->type->rank) == 0 &&
	       n->in[1]->type->rank >= k;
}

static bool reshapes_behind(const Node *n, int k)
{
	return same_leading(n->type, n->in[0]->type, k);
}

static bool always(const Node *n, int k)
{
	(void)n;
	return k > 0;
}

/* --- making the merged ones ------------------------------------------------------------------ */

static int merge_dims(const int64_t *dim, int rank, int k, int64_t *out)
{
	out[0] = 1;
	for (int i = 0; i < k; i++)
		out[0] *= dim[i];
	memcpy(out + 1, dim + k, sizeof(int64_t) * (size_t)(rank - k));
	return rank - k + 1;
}

static int merged_shape(const Type *t, int k, int64_t *out)
{
	return merge_dims(t->dim, t->rank, k, out);
}

static Node *emit_merged(Flattener *f, Node *x, int k)
{
	int64_t dim[MAX_RANK];
	int rank = merged_shape(x->type, k, dim);
	return emit_reshape(f->w.b, x, rank, dim);
}

/* A broadcast that repeats over all merged dimensions or over none of them stays one; else it is
 * read through a reshape. */
static Node *merge_broadcast(Flattener *f, const Node *n, int k)
{
	const Type *t = n->type;
	Node *x = f->w.map[n->in[0]->id];
	int64_t from[MAX_RANK] = { 0 }, dim[MAX_RANK], to[MAX_RANK];
	bool all = true, none = true;
	for (int i = 0; i < t->rank; i++) {
		from[i] = aligned_dim(x->type, t, i);
		all = all && (i >= k || from[i] == t->dim[i]);
		none = none && (i >= k || from[i] == 1);
	}
	int rank = merged_shape(t, k, to);
	if (!all && !none)
		return emit_merged(f, emit_broadcast(f->w.b, x, t->rank, t->dim), k);
	int from_rank = merge_dims(from, t->rank, k, dim);
	x = emit_reshape(f->w.b, x, from_rank, dim);
	return emit_broadcast(f->w.b, none ? emit_without_leading_ones(f->w.b, x) : x, rank, to);
}

static Node *merged_operand(Flattener *f, const Node *x, int k)
{
	double value;
	if (f->lead[x->id] == k)
		return f->flat[x->id];
	if (x->op == OP_broadcast)
		return merge_broadcast(f, x, k);
	if (dtype_is_float(x->type->dtype) && splat_value(x, &value)) {
		int64_t dim[MAX_RANK];
		int rank = merged_shape(x->type, k, dim);
		return emit_full(f->w.b, type_get(f->w.p->ctx, x->type->dtype, rank, dim), value);
	}
	return emit_merged(f, f->w.map[x->id], k);
}

static Node *merge_elementwise(Flattener *f, const Node *n, int k)
{
	Node **in = ARENA_ARRAY(f->w.arena, Node *, n->n_in);
	for (int i = 0; i < n->n_in; i++)
		in[i] = merged_operand(f, n->in[i], k);
	return emit(f->w.b, n->op, n->attr, in, n->n_in);
}

static Node *merge_reduce(Flattener *f, const Node *n, int k)
{
	int64_t axes[MAX_RANK];
	bool reduced[MAX_RANK];
	int n_axes = 0;
	reduce_mask(n, reduced);
	for (int i = k; i < n->in[0]->type->rank; i++)
		if (reduced[i])
			axes[n_axes++] = i - k + 1;
	return emit_reduce(f->w.b, n->op, merged_operand(f, n->in[0], k), n_axes, axes,
			   ATTR_OF(n, reduce)->keepdims);
}

static Node *merge_transpose(Flattener *f, const Node *n, int k)
{
	int perm[MAX_RANK], merged[MAX_RANK];
	transpose_perm(n, perm);
	merged[0] = 0;
	for (int i = k; i < n->type->rank; i++)
		merged[i - k + 1] = perm[i] - k + 1;
	return emit_transpose(f->w.b, merged_operand(f, n->in[0], k), merged);
}

/* list[0 .. k-1] becomes `first`, the rest moves up */
static void shift_list(const int64_t *list, int rank, int k, int64_t first, int64_t *out)
{
	out[0] = first;
	memcpy(out + 1, list + k, sizeof(int64_t) * (size_t)(rank - k));
}

static Node *merge_slice(Flattener *f, const Node *n, int k)
{
	const Attr_slice *a = ATTR_OF(n, slice);
	int64_t begin[MAX_RANK], count[MAX_RANK], step[MAX_RANK];
	int rank = n->type->rank;
	shift_list(a->begin.v, rank, k, 0, begin);
	shift_list(a->count.v, rank, k, dims_product(n->type, 0, k), count);
	shift_list(a->step.v, rank, k, 1, step);
	return emit_slice(f->w.b, merged_operand(f, n->in[0], k), begin, count, step);
}

static Node *merge_pad(Flattener *f, const Node *n, int k)
{
	const Attr_pad *a = ATTR_OF(n, pad);
	int64_t low[MAX_RANK], high[MAX_RANK], interior[MAX_RANK];
	int rank = n->type->rank;
	shift_list(a->low.v, rank, k, 0, low);
	shift_list(a->high.v, rank, k, 0, high);
	if (a->interior.n)
		shift_list(a->interior.v, rank, k, 0, interior);
	return emit_pad(f->w.b, merged_operand(f, n->in[0], k), f->w.map[n->in[1]->id], low, high,
			a->interior.n ? interior : NULL);
}

static Node *merge_concat(Flattener *f, const Node *n, int k)
{
	Node **in = ARENA_ARRAY(f->w.arena, Node *, n->n_in);
	for (int i = 0; i < n->n_in; i++)
		in[i] = merged_operand(f, n->in[i], k);
	return emit_concat(f->w.b, in, n->n_in,
			   axis_norm(ATTR_OF(n, axis)->axis, n->type->rank) - k + 1);
}

static Node *merge_reshape(Flattener *f, const Node *n, int k)
{
	Node *x = f->w.map[n->in[0]->id];
	int64_t dim[MAX_RANK];
	int rank = merged_shape(n->type, k, dim);
	return emit_reshape(f->w.b, x, rank, dim);
}

static Node *merge_gather(Flattener *f, const Node *n, int k)
{
	Node *index = emit_merged(f, f->w.map[n->in[1]->id], k);
	return emit_gather(f->w.b, f->w.map[n->in[0]->id], index, 0);
}

typedef struct Merger {
	bool (*can)(const Node *n, int k); /* with its first k dimensions merged? */
	Node *(*make)(Flattener *f, const Node *n, int k);
} Merger;

static const Merger merger_of[OP_COUNT] = {
	[OP_reduce_sum] = { reduces_behind, merge_reduce },
	[OP_reduce_prod] = { reduces_behind, merge_reduce },
	[OP_reduce_max] = { reduces_behind, merge_reduce },
	[OP_reduce_min] = { reduces_behind, merge_reduce },
	[OP_broadcast] = { always, merge_broadcast },
	[OP_reshape] = { reshapes_behind, merge_reshape },
	[OP_transpose] = { transposes_behind, merge_transpose },
	[OP_slice] = { slices_behind, merge_slice },
	[OP_pad] = { pads_behind, merge_pad },
	[OP_concat] = { concats_behind, merge_concat },
	[OP_gather] = { gathers_rows, merge_gather },
};

static const Merger *merger(const Node *n)
{
	static const Merger elementwise = { always, merge_elementwise };
	if (has_flag(n, OF_ELEMENTWISE))
		return &elementwise;
	return merger_of[n->op].make ? &merger_of[n->op] : NULL;
}

static bool can_merge(const Node *n, int k)
{
	const Merger *m = merger(n);
	return m && n->type->rank >= k && m->can(n, k);
}

/* --- spreading ------------------------------------------------------------------------------- */

static void want(Flattener *f, Node *n, int k)
{
	if (f->lead[n->id] >= k || f->w.is_static[n->id] || !can_merge(n, k))
		return;
	f->lead[n->id] = k;
	vec_push(f->w.arena, &f->region, n);
}

static bool works_on_images(const Node *n)
{
	return n->op == OP_conv || n->op == OP_conv_dw || n->op == OP_window_max ||
	       n->op == OP_window_sum;
}

/* True when the region touches a convolution or pool, or one that does. */
static bool spread_from(Flattener *f, Node *n)
{
	int k = f->lead[n->id];
	bool barred = f->barred[n->id];
	for (int i = 0; n->op != OP_gather && i < n->n_in; i++) {
		barred = barred || works_on_images(n->in[i]);
		if (same_leading(n->in[i]->type, n->type, k))
			want(f, n->in[i], k);
	}
	for (int i = 0; i < f->w.readers[n->id].n; i++) {
		Node *reader = f->w.readers[n->id].at[i];
		barred = barred || works_on_images(reader);
		if (reader->op != OP_gather && same_leading(reader->type, n->type, k))
			want(f, reader, k);
	}
	return barred;
}

static void spread(Flattener *f, Node *seed, int k)
{
	bool barred = false;
	f->region.n = 0;
	want(f, seed, k);
	for (int i = 0; i < f->region.n; i++)
		barred = spread_from(f, f->region.at[i]) || barred;
	for (int i = 0; barred && i < f->region.n; i++) {
		f->barred[f->region.at[i]->id] = true;
		f->lead[f->region.at[i]->id] = 0;
	}
}

/* Leading dimensions of `wide` that `narrow` has as one, when all others agree; 0: no such pair. */
static int merged_dims(const Type *wide, const Type *narrow)
{
	int k = wide->rank - narrow->rank + 1;
	if (k < 2 || narrow->rank < 2 || narrow->dim[0] != dims_product(wide, 0, k))
		return 0;
	for (int i = 1; i < narrow->rank; i++)
		if (narrow->dim[i] != wide->dim[i + k - 1])
			return 0;
	return k;
}

static bool feeds_product(const Flattener *f, const Node *n)
{
	for (int i = 0; i < f->w.readers[n->id].n; i++) {
		const Node *reader = f->w.readers[n->id].at[i];
		if (reader->op == OP_matmul && reader->in[0] == n)
			return true;
	}
	return false;
}

static void spread_from_products(Flattener *f)
{
	for (int i = 0; i < f->w.g->node.n; i++) {
		Node *n = f->w.g->node.at[i];
		if (n->op != OP_reshape)
			continue;
		Node *x = n->in[0];
		int split = merged_dims(n->type, x->type), merge = merged_dims(x->type, n->type);
		if (merge && feeds_product(f, n))
			spread(f, x, merge);
		for (int u = 0; split && x->op == OP_matmul && u < f->w.readers[n->id].n; u++)
			if (same_leading(f->w.readers[n->id].at[u]->type, n->type, split))
				spread(f, f->w.readers[n->id].at[u], split);
	}
}

/* Repeating a vector over rows: said without the sizes of 1 in front of it. */
static Node *plain_broadcast(Flattener *f, const Node *n)
{
	Node *x = f->w.map[n->in[0]->id];
	if (x->op == OP_reshape)
		x = emit_without_leading_ones(f->w.b, x);
	return emit_broadcast(f->w.b, x, n->type->rank, n->type->dim);
}

static void rewrite_node(Flattener *f, Node *n)
{
	int k = f->lead[n->id];
	rewrite_place(&f->w, n);
	if (k) {
		f->flat[n->id] = rewrite_name(merger(n)->make(f, n, k), n);
		f->w.map[n->id] = emit_reshape(f->w.b, f->flat[n->id], n->type->rank, n->type->dim);
	} else if (n->op == OP_broadcast) {
		f->w.map[n->id] = plain_broadcast(f, n);
	} else {
		f->w.map[n->id] = rewrite_copy(&f->w, n);
	}
}

Graph *pass_flatten(const Pass *p, const Graph *g, Arena *arena)
{
	Flattener f = { 0 };
	rewrite_start(&f.w, p, g, arena);
	f.lead = ARENA_ARRAY(arena, int, g->node.n + 1);
	f.barred = ARENA_ARRAY(arena, bool, g->node.n + 1);
	f.flat = ARENA_ARRAY(arena, Node *, g->node.n + 1);
	spread_from_products(&f);
	for (int i = 0; i < g->node.n; i++)
		rewrite_node(&f, g->node.at[i]);
	return rewrite_finish(&f.w);
}
