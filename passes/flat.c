/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Is one flat loop enough for a group? Then every tensor that it reads or writes is dense and of
 * one shape, and an index may run through the last dimension beyond its size. */
#include "passes/template/template.h"
#include "ir/ops/util.h"

bool is_splat(const Node *n)
{
	return n->op == OP_fill || n->op == OP_iota || is_uniform_const(n);
}

static bool dense(const Lowering *l, const Node *n)
{
	const Storage *s = &l->m->of[n->id];
	return s->buffer >= 0 && storage_contiguous(s, n->type, 0);
}

/* Of n, which the group reads, as its index runs: n has the shape of what reads it. */
static bool lies_flat(const Lowering *l, const Node *n, bool rows)
{
	if (n->op == OP_fill || (n->op == OP_const && is_splat(n)))
		return true;
	if (rows && n->op == OP_broadcast && !l->f->stored[n->id]) {
		const Type *v = n->in[0]->type; /* one value per column: all other sizes are 1 */
		return v->rank > 0 && v->count == v->dim[v->rank - 1] &&
		       l->m->of[n->in[0]->id].buffer >= 0;
	}
	return dense(l, n);
}

/* All tensors of the epilogue (or of an elementwise group) dense and of one shape, from x on back
 * to `stop`; an image's channel dimension may be broadcast when `rows` (pointwise convolution,
 * product): only leading dimensions are merged then. */
static bool reads_flat(const Lowering *l, const Node *x, const Type *shape, bool rows,
		       const Node *stop)
{
	Walk *w = l->f->walk;
	walk_begin(w);
	if (!type_same_shape(x->type, shape))
		return false;
	walk_add(w, x);
	for (const Node *n = walk_next(w); n; n = walk_next(w)) {
		bool single = n->op == OP_broadcast && n->in[0]->type->count == 1;
		if (n == stop)
			continue;
		if (l->f->of[n->id] == l->group) {
			if (!(op_info(n->op)->flags & OF_ELEMENTWISE))
				return false;
			walk_add_inputs(w, n);
		} else if (single && n->in[0]->type->rank > 0 && !dense(l, n->in[0])) {
			walk_add(w, n->in[0]); /* one value, wherever the index is */
		} else if (!single && !lies_flat(l, n, rows)) {
			return false;
		}
	}
	return true;
}

static bool columns_are_flat(const Lowering *l)
{
	const Group *gr = l->group;
	const Type *shape = gr->anchor->in[0]->type;
	for (int i = 0; i < gr->node.n; i++)
		if ((op_info(gr->node.at[i]->op)->flags & OF_REDUCES) &&
		    !reads_flat(l, gr->node.at[i]->in[0], shape, true, NULL))
			return false;
	for (int i = 0; i < gr->output.n; i++)
		if (type_same_shape(gr->output.at[i]->type, shape) &&
		    (!dense(l, gr->output.at[i]) ||
		     !reads_flat(l, gr->output.at[i], shape, true, NULL)))
			return false;
	return true;
}

bool group_is_flat(const Lowering *l)
{
	const Group *gr = l->group;
	if (gr->kind == GROUP_COLUMNS)
		return columns_are_flat(l);
	const Type *shape = gr->output.at[0]->type;
	bool contract = gr->kind == GROUP_CONTRACT;
	for (int i = 0; i < gr->output.n; i++) {
		const Node *o = gr->output.at[i];
		if (!dense(l, o) || !type_same_shape(o->type, shape) ||
		    !reads_flat(l, o, shape, contract, contract ? gr->anchor : NULL))
			return false;
	}
	return !contract || dense(l, gr->anchor->in[0]);
}
