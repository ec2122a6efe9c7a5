/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Conveniences over emit: attribute records from plain arguments, broadcasting, constants and their
 * values. What cannot be right is left to the operators' own checks; a poison passes through. */
#include "ir/context.h"
#include "ir/node.h"
#include <string.h>

/* --- leaves ---------------------------------------------------------------------------------- */

static Node *named_leaf(Builder *b, Op op, Attr attr, const Type *t, const char *name)
{
	Node *n = append_node(b, op, attr, t, NULL, 0);
	n->name = name ? sym(b->ctx, name) : NULL;
	b->name = NULL;
	return n;
}

Node *emit_input(Builder *b, const Type *t, const char *name, int index)
{
	Attr_port a = { .name = name ? name : "", .index = index };
	return named_leaf(b, OP_input, attr_intern(b->ctx, ATTR_port_RECORD, &a), t, name);
}

Node *emit_param(Builder *b, const Type *t, const char *name, bool trainable, const Blob *data)
{
	Attr_param a = { .name = name, .trainable = trainable, .init = "", .data = data };
	return named_leaf(b, OP_param, attr_intern(b->ctx, ATTR_param_RECORD, &a), t, name);
}

Node *emit_state(Builder *b, const Type *t, const char *name, bool trainable, const Blob *initial)
{
	Attr_param a = {
		.name = name, .trainable = trainable, .state = 1, .init = "", .data = initial
	};
	return named_leaf(b, OP_param, attr_intern(b->ctx, ATTR_param_RECORD, &a), t, name);
}

bool is_state(const Node *n)
{
	return n->op == OP_param && ATTR_OF(n, param)->state;
}

Node *emit_blob(Builder *b, const Blob *blob)
{
	Attr_data a = { .data = blob };
	return emit(b, OP_const, attr_intern(b->ctx, ATTR_data_RECORD, &a), NULL, 0);
}

Node *emit_const(Builder *b, const Type *t, const void *data)
{
	return emit_blob(b, blob_intern(b->ctx, t, data));
}

Node *emit_scalar(Builder *b, DType t, double v)
{
	uint64_t room = 0;
	store_f64(t, &room, 0, v);
	return emit_const(b, type_scalar(b->ctx, t), &room);
}

Node *emit_scalar_i64(Builder *b, DType t, int64_t v)
{
	uint64_t room = 0;
	store_i64(t, &room, 0, v);
	return emit_const(b, type_scalar(b->ctx, t), &room);
}

Node *emit_full(Builder *b, const Type *t, double v)
{
	return emit_num(b, t, num_of(v));
}

Node *emit_num(Builder *b, const Type *t, Num v)
{
	Attr_fill a = { .shape = { t->rank, t->dim }, .value = v, .type = t->dtype };
	return emit(b, OP_fill, attr_intern(b->ctx, ATTR_fill_RECORD, &a), NULL, 0);
}

Node *emit_iota(Builder *b, DType t, int rank, const int64_t *dim, int axis)
{
	Attr_iota a = { .shape = { rank, dim }, .axis = axis, .type = t };
	return emit(b, OP_iota, attr_intern(b->ctx, ATTR_iota_RECORD, &a), NULL, 0);
}

/* --- data movement --------------------------------------------------------------------------- */

static bool has_dims(const Node *x, int rank, const int64_t *dim)
{
	if (x->type->rank != rank)
		return false;
	for (int i = 0; i < rank; i++)
		if (x->type->dim[i] != dim[i])
			return false;
	return true;
}

static Node *emit_shaped(Builder *b, Op op, Node *x, int rank, const int64_t *dim)
{
	Attr_shape a = { .shape = { rank, dim } };
	if (!is_poison(x) && has_dims(x, rank, dim))
		return x;
	return emit(b, op, attr_intern(b->ctx, ATTR_shape_RECORD, &a), &x, 1);
}

Node *emit_broadcast(Builder *b, Node *x, int rank, const int64_t *dim)
{
	return emit_shaped(b, OP_broadcast, x, rank, dim);
}

/* In the attribute 0 keeps the input's size and -1 is computed; here sizes are sizes, so what has
 * no elements goes another way. */
Node *emit_reshape(Builder *b, Node *x, int rank, const int64_t *dim)
{
	const Type *t = type_get(b->ctx, x->type->dtype, rank, dim);
	if (!is_poison(x) && t && t->count == 0 && x->type->count == 0)
		return emit_full(b, t, 0);
	return emit_shaped(b, OP_reshape, x, rank, dim);
}

Node *emit_transpose(Builder *b, Node *x, const int *perm)
{
	int64_t p[MAX_RANK];
	Attr_perm a = { .perm = { x->type->rank, p } };
	for (int i = 0; i < x->type->rank; i++)
		p[i] = perm[i];
	return emit(b, OP_transpose, attr_intern(b->ctx, ATTR_perm_RECORD, &a), &x, 1);
}

Node *emit_slice(Builder *b, Node *x, const int64_t *begin, const int64_t *count,
		 const int64_t *step)
{
	int rank = x->type->rank;
	int64_t ones[MAX_RANK] = { 1, 1, 1, 1, 1, 1, 1, 1 };
	Attr_slice a = { .begin = { rank, begin },
			 .count = { rank, count },
			 .step = { rank, step ? step : ones } };
	return emit(b, OP_slice, attr_intern(b->ctx, ATTR_slice_RECORD, &a), &x, 1);
}

Node *emit_slice_axis(Builder *b, Node *x, int axis, int64_t begin, int64_t count)
{
	int64_t from[MAX_RANK] = { 0 }, n[MAX_RANK];
	memcpy(n, x->type->dim, sizeof n);
	if (axis < 0)
		axis += x->type->rank;
	if (is_poison(x) || axis < 0 || axis >= x->type->rank) {
		if (!is_poison(x))
			builder_error(b, E5013, "slice along dimension %d of %d", axis,
				      x->type->rank);
		return emit1(b, OP_slice, x);
	}
	from[axis] = begin;
	n[axis] = count;
	return emit_slice(b, x, from, n, NULL);
}

Node *emit_pad(Builder *b, Node *x, Node *value, const int64_t *low, const int64_t *high,
	       const int64_t *interior)
{
	int rank = x->type->rank;
	Attr_pad a = { .low = { rank, low },
		       .high = { rank, high },
		       .interior = { interior ? rank : 0, interior } };
	Node *in[2] = { x, value };
	return emit(b, OP_pad, attr_intern(b->ctx, ATTR_pad_RECORD, &a), in, 2);
}

Node *emit_concat(Builder *b, Node *const *x, int n, int axis)
{
	Attr_axis a = { .axis = axis };
	return emit(b, OP_concat, attr_intern(b->ctx, ATTR_axis_RECORD, &a), x, n);
}

/* --- computing ------------------------------------------------------------------------------- */

Node *emit_reduce(Builder *b, Op op, Node *x, int n_axes, const int64_t *axes, bool keepdims)
{
	Attr_reduce a = { .axes = { n_axes, axes }, .keepdims = keepdims };
	return emit(b, op, attr_intern(b->ctx, ATTR_reduce_RECORD, &a), &x, 1);
}

Node *emit_gather(Builder *b, Node *x, Node *index, int axis)
{
	Attr_gather a = { .axis = axis };
	Node *in[2] = { x, index };
	return emit(b, OP_gather, attr_intern(b->ctx, ATTR_gather_RECORD, &a), in, 2);
}

Node *emit_matmul(Builder *b, Node *x, Node *w, bool trans_x, bool trans_w)
{
	Attr_matmul a = { .trans_x = trans_x, .trans_w = trans_w };
	Node *in[2] = { x, w };
	return emit(b, OP_matmul, attr_intern(b->ctx, ATTR_matmul_RECORD, &a), in, 2);
}

Node *emit_cast(Builder *b, Node *x, DType t)
{
	Attr_cast a = { .to = t };
	if (!is_poison(x) && x->type->dtype == t)
		return x;
	return emit(b, OP_cast, attr_intern(b->ctx, ATTR_cast_RECORD, &a), &x, 1);
}

Node *emit_get(Builder *b, Node *tuple, int i)
{
	Attr_index a = { .index = i };
	return emit(b, OP_get, attr_intern(b->ctx, ATTR_index_RECORD, &a), &tuple, 1);
}

/* --- broadcasting ---------------------------------------------------------------------------- */

int broadcast_shape(const Type *a, const Type *b, int64_t dim[MAX_RANK])
{
	int rank = a->rank > b->rank ? a->rank : b->rank;
	for (int i = 0; i < rank; i++) {
		int ia = i - (rank - a->rank), ib = i - (rank - b->rank);
		int64_t da = ia < 0 ? 1 : a->dim[ia], db = ib < 0 ? 1 : b->dim[ib];
		if (da != db && da != 1 && db != 1)
			return -1;
		dim[i] = da == 1 ? db : da;
	}
	return rank;
}

static const char *shown(Builder *b, const Type *t)
{
	Str s;
	str_init(&s, b->graph->arena);
	type_print(&s, t);
	return str_text(&s);
}

static Node *emit_together(Builder *b, Op op, Node **x, int n)
{
	const Type *all = x[0]->type;
	int64_t dim[MAX_RANK];
	const char *name = b->name;
	b->name = NULL; /* for the last node, not for broadcasts */
	for (int i = 1; i < n && !b->failed; i++) {
		int rank = broadcast_shape(all, x[i]->type, dim);
		const Type *t = rank < 0 ? NULL : type_get(b->ctx, DT_f32, rank, dim);
		if (!t)
			builder_error(b, E5011, "%s: sizes of %s and %s do not go together",
				      op_info(op)->name, shown(b, x[i - 1]->type),
				      shown(b, x[i]->type));
		else
			all = t;
	}
	for (int i = 0; i < n; i++)
		x[i] = emit_broadcast(b, x[i], all->rank, all->dim);
	b->name = name;
	return emit(b, op, NULL, x, n);
}

Node *emit_b2(Builder *b, Op op, Node *x, Node *y)
{
	return emit_together(b, op, (Node *[]){ x, y }, 2);
}

Node *emit_b3(Builder *b, Op op, Node *x, Node *y, Node *z)
{
	return emit_together(b, op, (Node *[]){ x, y, z }, 3);
}

Node *emit_c2(Builder *b, Op op, Node *x, double c)
{
	return emit_num2(b, op, x, num_of(c));
}

Node *emit_num2(Builder *b, Op op, Node *x, Num c)
{
	const char *name = b->name;
	b->name = NULL;
	Node *y = is_poison(x) ? x : emit_num(b, x->type, c);
	b->name = name;
	return emit2(b, op, x, y);
}

/* --- constants' values ----------------------------------------------------------------------- */

bool is_const(const Node *n)
{
	return n->op == OP_const || n->op == OP_fill || n->op == OP_iota;
}

/* Index along the axis of element i. */
static int64_t iota_value(const Node *n, int64_t i)
{
	int64_t axis = ATTR_OF(n, iota)->axis, stride[MAX_RANK];
	axis += axis < 0 ? n->type->rank : 0;
	type_strides(n->type, stride);
	return i / stride[axis] % n->type->dim[axis];
}

int const_ints(const Node *n, int64_t *out, int max)
{
	if (!is_const(n) || n->type->count > max ||
	    (n->op == OP_const && !ATTR_OF(n, data)->data->data))
		return -1;
	for (int64_t i = 0; i < n->type->count; i++) {
		uint64_t room = 0;
		if (n->op == OP_const) {
			out[i] = blob_i64(ATTR_OF(n, data)->data, i);
		} else if (n->op == OP_iota) {
			out[i] = iota_value(n, i);
		} else {
			num_store(n->type->dtype, &room, 0, ATTR_OF(n, fill)->value);
			out[i] = load_i64(n->type->dtype, &room, 0);
		}
	}
	return (int)n->type->count;
}

bool const_scalar(const Node *n, double *out)
{
	uint64_t room = 0;
	if (n->op == OP_fill) {
		num_store(n->type->dtype, &room, 0, ATTR_OF(n, fill)->value);
		*out = load_f64(n->type->dtype, &room, 0);
		return true;
	}
	if (n->op != OP_const)
		return false;
	const Blob *b = ATTR_OF(n, data)->data;
	if (!b->data || !n->type->count || (n->type->count > 1 && !b->splat))
		return false;
	*out = blob_f64(b, 0);
	return true;
}
