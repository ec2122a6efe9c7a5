/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Lowering of operators that compare positions: arg reductions, running sums, top-k. */
#include "ir/hooks.h"
#include "ir/kbuilder.h"
#include "ir/kbuilder_impl.h"
#include "ir/ops/util.h"

/* --- arg reductions: value and index carried together ---------------------------------------- */

static Node *lower_arg(KBuilder *kb, const Node *n, Node *const *at, Op beats)
{
	const Type *t = n->in[0]->type;
	int axis = axis_norm(ATTR_OF(n, axis)->axis, t->rank);
	uint64_t axes = 0;
	Node *idx[MAX_RANK];
	for (int i = 0; i < n->type->rank; i++)
		axes |= at[i]->axes;
	for (int i = 0; i < t->rank; i++)
		idx[i] = i < axis ? at[i] : i > axis ? at[i - 1] : kb_i(kb, 0);
	Scope *was = kb_move(kb, kb_scope_of(kb, axes));
	Node *best = kb_var(kb, "best", kb_read(kb, n->in[0], idx), axes);
	Node *where = kb_var(kb, "where", kb_i(kb, 0), axes);
	if (t->dim[axis] > 1) {
		Node *r = kb_axis(kb, "r", AX_LOOP, t->dim[axis] - 1, 0);
		kb_open(kb, r);
		idx[axis] = kb_affine(kb, r, 1, 1);
		Node *x = kb_read(kb, n->in[0], idx);
		Node *wins = kb_emit2(kb, beats, x, best);
		if (dtype_is_float(t->dtype)) /* the first NaN wins and stays */
			wins = kb_emit2(kb, OP_and,
					kb_emit2(kb, OP_or, wins, kb_emit1(kb, OP_isnan, x)),
					kb_emit1(kb, OP_not, kb_emit1(kb, OP_isnan, best)));
		kb_set(kb, where, kb_emit3(kb, OP_select, wins, idx[axis], where));
		kb_set(kb, best, kb_emit3(kb, OP_select, wins, x, best));
		kb_close(kb);
	}
	kb_move(kb, was);
	return where;
}

Node *lower_argmax(KBuilder *kb, const Node *n, Node *const *at)
{
	return lower_arg(kb, n, at, OP_gt);
}

Node *lower_argmin(KBuilder *kb, const Node *n, Node *const *at)
{
	return lower_arg(kb, n, at, OP_lt);
}

/* --- running sums: each element sums its own prefix ------------------------------------------ */

static Node *cumsum_element(KBuilder *kb, const Node *n, Node *const *at, Node *const *r,
			    void *user)
{
	const Attr_cumsum *a = ATTR_OF(n, cumsum);
	int axis = *(const int *)user;
	Node *idx[MAX_RANK];
	for (int i = 0; i < n->type->rank; i++)
		idx[i] = at[i];
	idx[axis] = r[0];
	Op keep = a->reverse ? (a->exclusive ? OP_gt : OP_ge) : (a->exclusive ? OP_lt : OP_le);
	return kb_guard(kb, kb_emit2(kb, keep, r[0], at[axis]), kb_read(kb, n->in[0], idx),
			kb_f(kb, n->type->dtype, 0));
}

Node *lower_cumsum(KBuilder *kb, const Node *n, Node *const *at)
{
	int axis = axis_norm(ATTR_OF(n, cumsum)->axis, n->type->rank);
	return kb_reduce(kb, n, at, 1, &n->type->dim[axis], OP_fold_sum, cumsum_element, &axis);
}

/* --- top k: the element that is beaten by exactly j others is the j-th ----------------------- */

typedef struct TopK {
	int axis;
	Node *i; /* the candidate, in the inner sum */
} TopK;

static Node *element_at(KBuilder *kb, const Node *n, Node *const *at, int axis, Node *i)
{
	Node *idx[MAX_RANK];
	for (int d = 0; d < n->type->rank; d++)
		idx[d] = d == axis ? i : at[d];
	return kb_read(kb, n->in[0], idx);
}

static Node *as_i64(KBuilder *kb, Node *x)
{
	return kb_emit3(kb, OP_select, x, kb_i(kb, 1), kb_i(kb, 0));
}

/* 1 when element r[0] comes before the candidate */
static Node *beats_candidate(KBuilder *kb, const Node *n, Node *const *at, Node *const *r,
			     void *user)
{
	const TopK *k = user;
	Node *x = element_at(kb, n, at, k->axis, k->i), *y = element_at(kb, n, at, k->axis, r[0]);
	Op better = ATTR_OF(n, topk)->largest ? OP_gt : OP_lt;
	Node *tie =
		kb_emit2(kb, OP_and, kb_emit2(kb, OP_eq, y, x), kb_emit2(kb, OP_lt, r[0], k->i));
	return as_i64(kb, kb_emit2(kb, OP_or, kb_emit2(kb, better, y, x), tie));
}

static Node *candidate(KBuilder *kb, const Node *n, Node *const *at, Node *const *r, void *user)
{
	TopK k = { .axis = *(const int *)user, .i = r[0] };
	Node *where[MAX_RANK];
	for (int d = 0; d < n->type->rank; d++)
		where[d] = d == k.axis ? r[0] : at[d];
	Node *rank = kb_reduce(kb, n, where, 1, &n->in[0]->type->dim[k.axis], OP_fold_sum,
			       beats_candidate, &k);
	return kb_emit3(kb, OP_select, kb_emit2(kb, OP_eq, rank, at[k.axis]), r[0], kb_i(kb, 0));
}

Node *lower_topk_index(KBuilder *kb, const Node *n, Node *const *at)
{
	int axis = axis_norm(ATTR_OF(n, topk)->axis, n->type->rank);
	return kb_reduce(kb, n, at, 1, &n->in[0]->type->dim[axis], OP_fold_sum, candidate, &axis);
}

/* --- attention has a template; alone it is never asked element by element -------------------- */

Node *lower_winograd(KBuilder *kb, const Node *n, Node *const *at)
{
	return lower_none(kb, n, at);
}

Node *lower_winograd_tiles(KBuilder *kb, const Node *n, Node *const *at)
{
	return lower_none(kb, n, at);
}

Node *lower_attention(KBuilder *kb, const Node *n, Node *const *at)
{
	return lower_none(kb, n, at);
}
