/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Lowering of leaves, elementwise operators and data movement: index arithmetic alone. */
#include "ir/hooks.h"
#include "ir/kbuilder.h"
#include "ir/ops/util.h"

Node *lower_none(KBuilder *kb, const Node *n, Node *const *at)
{
	(void)at;
	diag_error(kb_context(kb)->diag, n->loc, E7002, "operator '%s' has no elements to lower",
		   op_info(n->op)->name);
	return kb_f(kb, n->type->dtype, 0);
}

Node *lower_load(KBuilder *kb, const Node *n, Node *const *at)
{
	return lower_none(kb, n, at); /* always outside the kernel */
}

Node *lower_const(KBuilder *kb, const Node *n, Node *const *at)
{
	return lower_none(kb, n, at); /* splats are handled by kb_read, others lie outside */
}

Node *lower_fill(KBuilder *kb, const Node *n, Node *const *at)
{
	(void)at;
	return kb_num(kb, n->type->dtype, ATTR_OF(n, fill)->value);
}

/* In a kernel no cast is loose: what could be left out has been. */
Node *lower_cast(KBuilder *kb, const Node *n, Node *const *at)
{
	return kb_cast(kb, kb_read(kb, n->in[0], at), n->type->dtype);
}

Node *lower_iota(KBuilder *kb, const Node *n, Node *const *at)
{
	const Attr_iota *a = ATTR_OF(n, iota);
	return kb_cast(kb, at[axis_norm(a->axis, n->type->rank)], n->type->dtype);
}

Node *lower_each(KBuilder *kb, const Node *n, Node *const *at)
{
	Node *x[3];
	for (int i = 0; i < n->n_in; i++)
		x[i] = kb_read(kb, n->in[i], at);
	return kb_emit(kb, n->op, n->attr, x, n->n_in);
}

Node *lower_broadcast(KBuilder *kb, const Node *n, Node *const *at)
{
	const Type *t = n->in[0]->type;
	Node *idx[MAX_RANK] = { NULL };
	int shift = n->type->rank - t->rank;
	for (int i = 0; i < t->rank; i++)
		idx[i] = t->dim[i] == 1 ? kb_i(kb, 0) : at[i + shift];
	return kb_read(kb, n->in[0], idx);
}

/* Sizes of 1 aside, dimensions that are equal from the front and from the back keep their index;
 * only the middle is flattened. */
Node *lower_reshape(KBuilder *kb, const Node *n, Node *const *at)
{
	Node *idx[MAX_RANK] = { NULL };
	kb_unflat(kb, n->in[0]->type, kb_flat(kb, n->type, at), idx);
	return kb_read(kb, n->in[0], idx);
}

Node *lower_transpose(KBuilder *kb, const Node *n, Node *const *at)
{
	Node *idx[MAX_RANK] = { NULL };
	int perm[MAX_RANK];
	transpose_perm(n, perm);
	for (int i = 0; i < n->type->rank; i++)
		idx[perm[i]] = at[i];
	return kb_read(kb, n->in[0], idx);
}

Node *lower_slice(KBuilder *kb, const Node *n, Node *const *at)
{
	const Attr_slice *a = ATTR_OF(n, slice);
	Node *idx[MAX_RANK] = { NULL };
	for (int i = 0; i < n->type->rank; i++)
		idx[i] = kb_affine(kb, at[i], a->step.v[i], a->begin.v[i]);
	return kb_read(kb, n->in[0], idx);
}

static Node *both(KBuilder *kb, Node *x, Node *y)
{
	return x ? kb_emit2(kb, OP_and, x, y) : y;
}

static bool in_range_always(KBuilder *kb, Node *i, int64_t n)
{
	int64_t lo, hi;
	kb_range(kb, i, &lo, &hi);
	return lo >= 0 && hi < n;
}

/* cond and 0 <= i < n */
static Node *within(KBuilder *kb, Node *cond, Node *i, int64_t n)
{
	if (in_range_always(kb, i, n))
		return cond;
	cond = both(kb, cond, kb_emit2(kb, OP_ge, i, kb_i(kb, 0)));
	return both(kb, cond, kb_emit2(kb, OP_lt, i, kb_i(kb, n)));
}

Node *lower_pad(KBuilder *kb, const Node *n, Node *const *at)
{
	const Attr_pad *a = ATTR_OF(n, pad);
	const Type *t = n->in[0]->type;
	Node *idx[MAX_RANK] = { NULL }, *cond = NULL;
	for (int i = 0; i < t->rank; i++) {
		int64_t step = 1 + (a->interior.n ? a->interior.v[i] : 0);
		Node *j = kb_affine(kb, at[i], 1, -a->low.v[i]);
		idx[i] = j;
		if (step > 1) {
			cond = both(kb, cond,
				    kb_emit2(kb, OP_eq, kb_imod(kb, j, step), kb_i(kb, 0)));
			idx[i] = kb_idiv(kb, j, step);
		}
		cond = within(kb, cond, idx[i], t->dim[i]);
	}
	Node *x = kb_read(kb, n->in[0], idx);
	return cond ? kb_guard(kb, cond, x, kb_read(kb, n->in[1], NULL)) : x;
}

/* A chain of choices; storage avoids it wherever the parts can be written in place. */
Node *lower_concat(KBuilder *kb, const Node *n, Node *const *at)
{
	int axis = axis_norm(ATTR_OF(n, axis)->axis, n->type->rank);
	int64_t begin = n->type->dim[axis];
	Node *value = NULL;
	for (int k = n->n_in - 1; k >= 0; k--) {
		Node *idx[MAX_RANK] = { NULL };
		begin -= n->in[k]->type->dim[axis];
		if (n->in[k]->type->dim[axis] == 0)
			continue;
		for (int i = 0; i < n->type->rank; i++)
			idx[i] = at[i];
		idx[axis] = kb_affine(kb, at[axis], 1, -begin);
		Node *x = kb_read(kb, n->in[k], idx);
		value = value ? kb_guard(kb,
					 kb_emit2(kb, OP_ge, at[axis],
						  kb_i(kb, begin + n->in[k]->type->dim[axis])),
					 value, x)
			      : x;
	}
	return value;
}

/* --- gathers: indices are normalised and clamped, so that no index reads outside ------------- */

Node *safe_index(KBuilder *kb, Node *i, int64_t n)
{
	i = kb_cast(kb, i, DT_i64);
	Node *negative = kb_emit2(kb, OP_lt, i, kb_i(kb, 0));
	i = kb_emit3(kb, OP_select, negative, kb_emit2(kb, OP_add, i, kb_i(kb, n)), i);
	return kb_emit2(kb, OP_min, kb_emit2(kb, OP_max, i, kb_i(kb, 0)), kb_i(kb, n - 1));
}

Node *lower_gather(KBuilder *kb, const Node *n, Node *const *at)
{
	const Type *x = n->in[0]->type, *index = n->in[1]->type;
	int axis = axis_norm(ATTR_OF(n, gather)->axis, x->rank);
	Node *idx[MAX_RANK] = { NULL };
	for (int i = 0; i < x->rank; i++)
		idx[i] = i < axis ? at[i] : i > axis ? at[i - 1 + index->rank] : NULL;
	idx[axis] = safe_index(kb, kb_read(kb, n->in[1], at + axis), x->dim[axis]);
	return kb_read(kb, n->in[0], idx);
}

Node *lower_gather_elements(KBuilder *kb, const Node *n, Node *const *at)
{
	const Type *x = n->in[0]->type;
	int axis = axis_norm(ATTR_OF(n, gather)->axis, x->rank);
	Node *idx[MAX_RANK] = { NULL };
	for (int i = 0; i < x->rank; i++)
		idx[i] = at[i];
	idx[axis] = safe_index(kb, kb_read(kb, n->in[1], at), x->dim[axis]);
	return kb_read(kb, n->in[0], idx);
}

Node *lower_gather_nd(KBuilder *kb, const Node *n, Node *const *at)
{
	const Type *x = n->in[0]->type, *index = n->in[1]->type;
	int lead = index->rank - 1;
	int64_t depth = index->dim[lead];
	Node *idx[MAX_RANK] = { NULL }, *which[MAX_RANK] = { NULL };
	for (int i = 0; i < lead; i++)
		which[i] = at[i];
	for (int i = 0; i < x->rank; i++) {
		which[lead] = kb_i(kb, i);
		idx[i] = i < depth ? safe_index(kb, kb_read(kb, n->in[1], which), x->dim[i])
				   : at[lead + i - depth];
	}
	return kb_read(kb, n->in[0], idx);
}
