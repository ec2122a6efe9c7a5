/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Shared by the graph passes: see pattern.h. */
#include "passes/pattern.h"
#include "ir/ops/util.h"

static void find_static(Rewrite *w)
{
	for (int i = 0; i < w->g->node.n; i++) {
		const Node *n = w->g->node.at[i];
		bool all = n->op != OP_input && !is_state(n);
		for (int k = 0; k < n->n_in; k++)
			all = all && (!n->in[k] || w->is_static[n->in[k]->id]);
		w->is_static[n->id] = all;
	}
}

static void find_readers(Rewrite *w)
{
	const Graph *g = w->g;
	for (int i = 0; i < g->node.n; i++) {
		Node *n = g->node.at[i];
		for (int k = 0; k < n->n_in; k++) {
			if (!n->in[k])
				continue;
			vec_push(w->arena, &w->readers[n->in[k]->id], n);
			w->uses[n->in[k]->id]++;
		}
	}
	for (int i = 0; i < g->result.n; i++)
		w->uses[g->result.at[i]->id]++;
	for (int i = 0; i < g->update.n; i++)
		w->uses[g->update.at[i].next->id]++;
}

void rewrite_start(Rewrite *w, const Pass *p, const Graph *g, Arena *arena)
{
	int n = g->node.n + 1;
	*w = (Rewrite){ .p = p, .g = g, .arena = arena };
	w->b = builder_create(graph_create(p->ctx, arena, g->name));
	w->map = ARENA_ARRAY(arena, Node *, n);
	w->readers = ARENA_ARRAY(arena, Readers, n);
	w->uses = ARENA_ARRAY(arena, int, n);
	w->is_static = ARENA_ARRAY(arena, bool, n);
	find_static(w);
	find_readers(w);
}

void rewrite_place(Rewrite *w, const Node *n)
{
	w->b->loc = n->loc;
	w->b->name = NULL;
}

Node *rewrite_name(Node *y, const Node *n)
{
	if (!y->name && y->op == n->op)
		y->name = n->name;
	return y;
}

Node *rewrite_copy(Rewrite *w, const Node *n)
{
	rewrite_place(w, n);
	return copy_node(w->b, n, w->map);
}

Graph *rewrite_finish(Rewrite *w)
{
	copy_results(w->b, w->g, w->map);
	return w->b->failed ? NULL : w->b->graph;
}

const char *node_label(const Node *n)
{
	if (n->name)
		return n->name;
	return n->loc.element ? n->loc.element : op_info(n->op)->name;
}

bool splat_value(const Node *n, double *out)
{
	while ((n->op == OP_broadcast || n->op == OP_reshape || n->op == OP_transpose) &&
	       n->type->count > 0)
		n = n->in[0];
	if (n->op == OP_param && n->type->count == 1 && !ATTR_OF(n, param)->trainable &&
	    !is_state(n)) {
		const Blob *data = ATTR_OF(n, param)->data;
		if (!data || !data->data)
			return false;
		*out = blob_f64(data, 0);
		return true;
	}
	return const_scalar(n, out);
}

int64_t aligned_dim(const Type *x, const Type *t, int i)
{
	int missing = t->rank - x->rank;
	return i < missing ? 1 : x->dim[i - missing];
}

bool keeps_last(const Node *n, int keep)
{
	if (n->op != OP_reshape)
		return false;
	const Type *from = n->in[0]->type, *to = n->type;
	if (from->rank < keep || to->rank < keep)
		return false;
	for (int i = 1; i <= keep; i++)
		if (from->dim[from->rank - i] != to->dim[to->rank - i])
			return false;
	return true;
}

bool swaps_last_two(const Node *n)
{
	int perm[MAX_RANK], rank = n->type->rank;
	if (n->op != OP_transpose || rank < 2)
		return false;
	transpose_perm(n, perm);
	for (int i = 0; i < rank - 2; i++)
		if (perm[i] != i)
			return false;
	return perm[rank - 1] == rank - 2;
}

Node *emit_swap_last_two(Builder *b, Node *x)
{
	int perm[MAX_RANK], rank = x->type->rank;
	for (int i = 0; i < rank; i++)
		perm[i] = i;
	perm[rank - 1] = rank - 2;
	perm[rank - 2] = rank - 1;
	return emit_transpose(b, x, perm);
}

Node *emit_without_leading_ones(Builder *b, Node *x)
{
	int ones = 0;
	while (ones < x->type->rank && x->type->dim[ones] == 1)
		ones++;
	return emit_reshape(b, x, x->type->rank - ones, x->type->dim + ones);
}

bool any_border(Ints pad)
{
	bool any = false;
	for (int i = 0; i < pad.n; i++)
		any = any || pad.v[i] != 0;
	return any;
}

bool per_channel(Node *n, PerChannel *out)
{
	Node *source = n->op == OP_broadcast ? n->in[0] : n;
	*out = (PerChannel){ .source = source, .axis = -1 };
	for (int i = 0; i < n->type->rank; i++) {
		if (aligned_dim(source->type, n->type, i) == 1)
			continue;
		if (out->axis >= 0)
			return false;
		out->axis = i;
	}
	return true;
}
