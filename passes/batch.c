/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Separability of the batch: for every value, the dimension whose outermost factor counts the
 * items, or none when the value is the same for all. An operator keeps items apart when that
 * dimension passes through it untouched. What is not known to do so is refused. */
#include "ir/kbuilder.h"
#include "ir/ops/util.h"
#include "passes/batch.h"

enum { NONE = -1, MIXES = -2 };

typedef struct Items {
	const Graph *g;
	int64_t batch;
	int *at; /* by node id: dimension, NONE or MIXES */
} Items;

static int of(const Items *z, const Node *n)
{
	return z->at[n->id];
}

/* Dimensions before d have size 1: items are the outermost thing. */
static bool leads(const Type *t, int d)
{
	for (int i = 0; i < d; i++)
		if (t->dim[i] != 1)
			return false;
	return true;
}

/* n, which has no items, repeats one value along dimension d. */
static bool uniform_along(const Node *n, int d)
{
	if (n->op == OP_fill || is_uniform_const(n) || n->type->dim[d] == 1)
		return true;
	int from = n->op == OP_broadcast ? d - (n->type->rank - n->in[0]->type->rank) : 0;
	return n->op == OP_broadcast && (from < 0 || n->in[0]->type->dim[from] == 1);
}

/* Items at one dimension in all inputs that have any; the others must not vary along it. */
static int elementwise(const Items *z, const Node *n)
{
	int d = NONE;
	for (int i = 0; i < n->n_in; i++) {
		int k = of(z, n->in[i]);
		if (k == NONE)
			continue;
		if (d != NONE && d != k)
			return MIXES;
		d = k;
	}
	for (int i = 0; d != NONE && i < n->n_in; i++)
		if (of(z, n->in[i]) == NONE && !uniform_along(n->in[i], d))
			return MIXES;
	return d;
}

/* A value repeated over a leading dimension of the batch's size is the same for every item. */
static int broadcast(const Items *z, const Node *n)
{
	const Type *from = n->in[0]->type;
	int d = of(z, n->in[0]), shift = n->type->rank - from->rank;
	if (d != NONE)
		return from->dim[d] == n->type->dim[d + shift] ? d + shift : MIXES;
	bool repeated = n->type->rank > 0 && n->type->dim[0] == z->batch &&
			(shift > 0 || from->dim[0] == 1);
	return repeated ? 0 : NONE;
}

static int reshape(const Items *z, const Node *n)
{
	int d = of(z, n->in[0]), to = 0;
	if (d == NONE)
		return NONE;
	if (!leads(n->in[0]->type, d))
		return MIXES;
	while (to < n->type->rank && n->type->dim[to] == 1)
		to++;
	return to < n->type->rank && n->type->dim[to] % z->batch == 0 ? to : MIXES;
}

static int transpose(const Items *z, const Node *n)
{
	int d = of(z, n->in[0]), perm[MAX_RANK];
	transpose_perm(n, perm);
	for (int i = 0; d != NONE && i < n->type->rank; i++)
		if (perm[i] == d)
			return i;
	return d;
}

static int slice(const Items *z, const Node *n)
{
	const Attr_slice *a = ATTR_OF(n, slice);
	int d = of(z, n->in[0]);
	if (d == NONE ||
	    (a->begin.v[d] == 0 && a->step.v[d] == 1 && a->count.v[d] == n->in[0]->type->dim[d]))
		return d;
	return MIXES;
}

static int pad(const Items *z, const Node *n)
{
	const Attr_pad *a = ATTR_OF(n, pad);
	int d = of(z, n->in[0]);
	bool touched =
		d != NONE && (a->low.v[d] || a->high.v[d] || (a->interior.n && a->interior.v[d]));
	return touched || of(z, n->in[1]) != NONE ? MIXES : d;
}

static int concat(const Items *z, const Node *n)
{
	int d = elementwise(z, n);
	return d != NONE && d == axis_norm(ATTR_OF(n, axis)->axis, n->type->rank) ? MIXES : d;
}

static int gather(const Items *z, const Node *n)
{
	int x = of(z, n->in[0]), index = of(z, n->in[1]);
	int axis = axis_norm(ATTR_OF(n, gather)->axis, n->in[0]->type->rank);
	if (x == NONE)
		return index == NONE ? NONE : axis + index;
	if (index != NONE || x == axis)
		return MIXES;
	return x < axis ? x : x - 1 + n->in[1]->type->rank;
}

static int reduce(const Items *z, const Node *n)
{
	bool reduced[MAX_RANK];
	int d = of(z, n->in[0]), to = 0;
	if (d == NONE)
		return NONE;
	reduce_mask(n, reduced);
	for (int i = 0; i < d; i++)
		to += !reduced[i] || ATTR_OF(n, reduce)->keepdims;
	return reduced[d] ? MIXES : to;
}

/* Along one dimension, which the result drops (`drops`) or keeps. */
static int along_axis(const Items *z, const Node *n, int64_t axis_attr, bool drops)
{
	int d = of(z, n->in[0]), axis = axis_norm(axis_attr, n->in[0]->type->rank);
	if (d == NONE || d != axis)
		return d > axis && drops ? d - 1 : d;
	return MIXES;
}

static int matmul(const Items *z, const Node *n)
{
	int x = of(z, n->in[0]), w = of(z, n->in[1]), lead = n->type->rank - 2;
	if (x == NONE && w == NONE)
		return NONE;
	if (x != NONE && x < lead)
		return x == w ? x : MIXES;
	int rows = ATTR_OF(n, matmul)->trans_x ? lead + 1 : lead;
	return w == NONE && x == rows ? lead : MIXES;
}

/* The image dimension of convolutions and windows, the leading ones of attention. */
static int leading(const Items *z, const Node *n, int inputs, int most)
{
	int d = of(z, n->in[0]);
	for (int i = 1; i < inputs; i++)
		if (of(z, n->in[i]) != d)
			return MIXES;
	return d < most ? d : MIXES;
}

static int attention(const Items *z, const Node *n)
{
	int d = leading(z, n, 3, 2);
	if (d < 0 || n->n_in < 4)
		return d;
	const Type *m = n->in[3]->type;
	int shift = n->type->rank - m->rank, mask = of(z, n->in[3]);
	if (mask != NONE)
		return mask + shift == d ? d : MIXES;
	return d < shift || m->dim[d - shift] == 1 ? d : MIXES;
}

static int items_of(const Items *z, const Node *n)
{
	switch (n->op) {
	case OP_input: return n->type->rank && n->type->dim[0] == z->batch ? 0 : MIXES;
	case OP_broadcast: return broadcast(z, n);
	case OP_reshape: return reshape(z, n);
	case OP_transpose: return transpose(z, n);
	case OP_slice: return slice(z, n);
	case OP_pad: return pad(z, n);
	case OP_concat: return concat(z, n);
	case OP_gather: return gather(z, n);
	case OP_reduce_sum:
	case OP_reduce_prod:
	case OP_reduce_max:
	case OP_reduce_min: return reduce(z, n);
	case OP_argmax:
	case OP_argmin: return along_axis(z, n, ATTR_OF(n, axis)->axis, true);
	case OP_cumsum: return along_axis(z, n, ATTR_OF(n, cumsum)->axis, false);
	case OP_topk_index: return along_axis(z, n, ATTR_OF(n, topk)->axis, false);
	case OP_matmul: return matmul(z, n);
	case OP_winograd:
	case OP_conv: return of(z, n->in[1]) == NONE ? leading(z, n, 1, 1) : MIXES;
	case OP_window_max:
	case OP_window_sum: return leading(z, n, 1, 1);
	case OP_attention: return attention(z, n);
	default: break;
	}
	if (op_info(n->op)->flags & OF_ELEMENTWISE)
		return elementwise(z, n);
	for (int i = 0; i < n->n_in; i++)
		if (of(z, n->in[i]) != NONE)
			return MIXES;
	return NONE;
}

static bool refuse(const Pass *p, const Node *n, const char *what)
{
	diag_error(p->ctx->diag, n->loc, E5112, "%s '%s' %s", op_info(n->op)->name,
		   n->name ? n->name : "?", what);
	diag_hint(p->ctx->diag, "compile one artefact for each batch size instead");
	return false;
}

bool batch_is_separable(const Pass *p, const Graph *g, int64_t batch)
{
	Arena *a = arena_create();
	Items z = { g, batch, ARENA_ARRAY(a, int, g->node.n + 1) };
	bool ok = true;
	for (int i = 0; ok && i < g->node.n; i++) {
		const Node *n = g->node.at[i];
		z.at[n->id] = items_of(&z, n);
		if (z.at[n->id] == MIXES)
			ok = refuse(p, n, "mixes the items of a batch");
	}
	for (int i = 0; ok && i < g->result.n; i++) {
		const Node *n = g->result.at[i];
		if (of(&z, n) != 0 || n->type->dim[0] != batch)
			ok = refuse(p, n, "is a result that does not lead with the batch");
	}
	arena_destroy(a);
	return ok;
}
