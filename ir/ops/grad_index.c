/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Gradients of what is addressed by indices: a gather adds up where it read, a scatter reads where
 * it wrote. The sums are taken in the order of the indices (passes/template/scatter.c). */
#include "ir/hooks.h"
#include "ir/ops/grad.h"

/* zeros of type t with dy added at index tuples */
static Node *scattered(Builder *b, const Type *t, Node *index, Node *dy)
{
	Attr_scatter a = { .add = true };
	Node *in[3] = { emit_full(b, t, 0), index, dy };
	return emit(b, OP_scatter_nd, attr_intern(b->ctx, ATTR_scatter_RECORD, &a), in, 3);
}

static const Type *like(Builder *b, const Type *t, int rank, const int64_t *dim)
{
	return type_get(b->ctx, t->dtype, rank, dim);
}

/* The indexed dimension goes first: rows of the rest are added to rows. */
void vjp_gather(Builder *b, const Node *n, Node *dy, Node **dx)
{
	const Type *x = n->in[0]->type, *index = n->in[1]->type;
	int axis = axis_norm(ATTR_OF(n, gather)->axis, x->rank);
	int64_t outer = dims_product(x, 0, axis), inner = dims_product(x, axis + 1, x->rank);
	int64_t size = x->dim[axis], count = index->count;
	static const int swap[3] = { 1, 0, 2 };
	Node *tuples = emit_reshape(b, n->in[1], 2, (int64_t[]){ count, 1 });
	Node *rows = emit_reshape(b, dy, 3, (int64_t[]){ outer, count, inner });
	rows = emit_reshape(b, emit_transpose(b, rows, swap), 2,
			    (int64_t[]){ count, outer * inner });
	const Type *sums = like(b, x, 2, (int64_t[]){ size, outer * inner });
	Node *sum = scattered(b, sums, tuples, rows);
	sum = emit_reshape(b, sum, 3, (int64_t[]){ size, outer, inner });
	dx[0] = emit_reshape(b, emit_transpose(b, sum, swap), x->rank, x->dim);
}

static Node *all_of(Builder *b, const Type *t, int64_t v)
{
	return emit_broadcast(b, emit_scalar_i64(b, DT_i64, v), t->rank, t->dim);
}

/* As gathers read it: negative counts from the end, then kept inside. */
static Node *inside_index(Builder *b, Node *i, int64_t size)
{
	const Type *t = i->type;
	i = emit_cast(b, i, DT_i64);
	Node *from_end = emit2(b, OP_add, i, all_of(b, t, size));
	i = emit3(b, OP_select, emit2(b, OP_lt, i, all_of(b, t, 0)), from_end, i);
	return emit2(b, OP_min, emit2(b, OP_max, i, all_of(b, t, 0)), all_of(b, t, size - 1));
}

/* Each element has its place in x as a row of numbers. */
void vjp_gather_elements(Builder *b, const Node *n, Node *dy, Node **dx)
{
	const Type *x = n->in[0]->type, *t = n->type;
	int axis = axis_norm(ATTR_OF(n, gather)->axis, x->rank);
	int64_t stride[MAX_RANK];
	Node *place = all_of(b, t, 0);
	type_strides(x, stride);
	for (int i = 0; i < x->rank; i++) {
		Node *at = i == axis ? inside_index(b, n->in[1], x->dim[i])
				     : emit_iota(b, DT_i64, t->rank, t->dim, i);
		at = emit2(b, OP_mul, at, all_of(b, t, stride[i]));
		place = emit2(b, OP_add, place, at);
	}
	Node *tuples = emit_reshape(b, place, 2, (int64_t[]){ t->count, 1 });
	Node *sum =
		scattered(b, like(b, x, 1, &x->count), tuples, emit_reshape(b, dy, 1, &t->count));
	dx[0] = emit_reshape(b, sum, x->rank, x->dim);
}

void vjp_gather_nd(Builder *b, const Node *n, Node *dy, Node **dx)
{
	dx[0] = scattered(b, n->in[0]->type, n->in[1], dy);
}

/* Which tuples are the last to name their place: 1 for their updates, else 0. */
static Node *last_writers(Builder *b, const Node *n, const Type *updates)
{
	const Type *x = n->in[0]->type, *index = n->in[1]->type;
	int lead = index->rank - 1, depth = (int)index->dim[lead];
	int64_t count = dims_product(index, 0, lead), dim[MAX_RANK] = { 0 };
	Node *turn = emit_iota(b, DT_i64, 1, &count, 0);
	turn = emit_reshape(b, turn, lead, index->dim);
	Node *write[3] = { emit_full(b, type_get(b->ctx, DT_i64, depth, x->dim), 0), n->in[1],
			   turn };
	Node *read[2] = { emit(b, OP_scatter_nd, n->attr, write, 3), n->in[1] };
	Node *last = emit2(b, OP_eq, emit(b, OP_gather_nd, NULL, read, 2), turn);
	for (int i = 0; i < updates->rank; i++)
		dim[i] = i < lead ? updates->dim[i] : 1;
	last = emit_reshape(b, last, updates->rank, dim);
	return emit_broadcast(b, emit_cast(b, last, updates->dtype), updates->rank, updates->dim);
}

/* What was replaced has no gradient: neither an element nor an update that another one followed. */
void vjp_scatter_nd(Builder *b, const Node *n, Node *dy, Node **dx)
{
	Node *read[2] = { dy, n->in[1] };
	Node *write[3] = { dy, n->in[1], zeros_like(b, n->in[2]) };
	Node *updates = emit(b, OP_gather_nd, NULL, read, 2);
	if (ATTR_OF(n, scatter)->add) {
		dx[0] = dy;
		dx[2] = updates;
		return;
	}
	dx[0] = emit(b, OP_scatter_nd, n->attr, write, 3);
	dx[2] = emit2(b, OP_mul, updates, last_writers(b, n, updates->type));
}
