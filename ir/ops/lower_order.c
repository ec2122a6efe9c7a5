/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Lowering of arg reductions; of what has a template and is never asked element by element. */
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
