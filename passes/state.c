/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Training state: where its tensors lie in the caller's block, and which new values are written
 * straight over the old ones.
 *
 * All updates of a graph happen at its end, at once. A new value may still take the old one's place
 * when it is computed, if nobody reads the old one later: every other reader is made to come before
 * (Group.after), and the group that computes it reads the old value only at the element that it
 * then overwrites. What cannot be had so (a swap of two states, say) is copied at the end, by
 * passes/lower.c. */
#include "passes/fuse.h"
#include "passes/train.h"

enum { ALIGN = 64 };

/* --- places ---------------------------------------------------------------------------------- */

static void add_tensor(StateLayout *l, const Node *n, Arena *arena)
{
	const Attr_param *a = ATTR_OF(n, param);
	StateTensor t = { a->name, n->type, l->bytes, a->data, a->trainable };
	vec_push(arena, &l->tensor, t);
	l->bytes = (l->bytes + type_bytes(n->type) + ALIGN - 1) / ALIGN * ALIGN;
}

StateLayout *state_layout(const Graph *g, Arena *arena)
{
	StateLayout *l = ARENA_NEW(arena, StateLayout);
	for (int i = 0; i < g->param.n; i++)
		if (is_state(g->param.at[i]))
			add_tensor(l, g->param.at[i], arena);
	return l;
}

StateLayout *train_layout(const Graph *g, const Graph *step, Arena *arena)
{
	StateLayout *l = ARENA_NEW(arena, StateLayout);
	for (int i = 0; i < g->param.n; i++)
		add_tensor(l, g->param.at[i], arena);
	for (int i = 0; i < step->param.n; i++)
		if (!state_find(l, ATTR_OF(step->param.at[i], param)->name))
			add_tensor(l, step->param.at[i], arena);
	return l;
}

const StateTensor *state_find(const StateLayout *l, const char *name)
{
	for (int i = 0; i < l->tensor.n; i++)
		if (str_eq(l->tensor.at[i].name, name))
			return &l->tensor.at[i];
	return NULL;
}

/* --- dependence between groups --------------------------------------------------------------- */

typedef struct Chooser {
	Fusion *f;
	Arena *arena;
	int search;
	struct {
		Group **at;
		int n, cap;
	} stack, readers;
} Chooser;

static void visit(Chooser *z, Group *gr)
{
	if (gr->seen == z->search)
		return;
	gr->seen = z->search;
	vec_push(z->arena, &z->stack, gr);
}

/* The groups that compute x, behind views that are not written out. */
static void visit_source(Chooser *z, Node *x)
{
	Node *few[64];
	int n = 0;
	few[n++] = x;
	while (n) {
		x = few[--n];
		if (z->f->of[x->id])
			visit(z, z->f->of[x->id]);
		else
			for (int k = 0; is_view(x) && k < x->n_in && n < 64; k++)
				few[n++] = x->in[k];
	}
}

/* Must `late` wait for `early`, through whatever lies between? */
static bool waits_for(Chooser *z, Group *late, const Group *early)
{
	z->search++;
	z->stack.n = 0;
	visit(z, late);
	while (z->stack.n) {
		Group *gr = z->stack.at[--z->stack.n];
		if (gr == early)
			return true;
		for (int i = 0; i < gr->after.n; i++)
			visit(z, gr->after.at[i]);
		for (int i = 0; i < gr->node.n; i++)
			for (int k = 0; k < gr->node.at[i]->n_in; k++)
				visit_source(z, gr->node.at[i]->in[k]);
	}
	return false;
}

/* --- readers of the old value ---------------------------------------------------------------- */

/* Kept as it is: copied when all else is done. */
static bool read_at_end(const Fusion *f, const Node *n)
{
	for (int i = 0; i < f->g->result.n; i++)
		if (f->g->result.at[i] == n && f->of[n->id] == NULL)
			return true;
	for (int i = 0; i < f->g->update.n; i++)
		if (f->g->update.at[i].next == n)
			return true;
	return false;
}

/* No member is read by another through a view: each element of a result is made of the same
 * element of what the group reads directly. */
static bool by_element(const Fusion *f, const Group *gr)
{
	for (int i = 0; i < gr->node.n; i++)
		for (int k = 0; k < gr->node.at[i]->n_in; k++) {
			Node *x = gr->node.at[i]->in[k];
			if (is_view(x) && f->of[behind_views(f, x)->id] == gr)
				return false;
		}
	return gr->row_rank < 0;
}

/* Collects the groups that read s (through views; `same` while these keep the order of elements).
 * False when a reader stands in the way: writer itself reads at another place, or the value is
 * copied at the end. */
static bool collect_readers(Chooser *z, const Node *s, const Type *type, bool same, Group *writer)
{
	const Fusion *f = z->f;
	if (read_at_end(f, s))
		return false;
	for (int i = 0; i < f->user[s->id].n; i++) {
		Node *u = f->user[s->id].at[i];
		Group *gr = f->of[u->id];
		if (!gr && is_view(u)) {
			if (!collect_readers(z, u, type, same && u->op == OP_reshape, writer))
				return false;
		} else if (gr == writer) {
			if (!same || !(op_info(u->op)->flags & OF_ELEMENTWISE) ||
			    u->type->count != type->count || !by_element(f, writer))
				return false;
		} else if (gr) {
			vec_push(z->arena, &z->readers, gr);
		}
	}
	return true;
}

/* --- the choice ------------------------------------------------------------------------------ */

/* What next shows, in its order of elements, when a group computes it. */
static Node *computed(const Fusion *f, Node *next)
{
	while (next->op == OP_reshape && !f->of[next->id])
		next = next->in[0];
	const Group *gr = f->of[next->id];
	bool plain = gr && gr->kind != GROUP_COPY && f->stored[next->id] &&
		     !(gr->anchor && is_made_whole(gr->anchor));
	return plain ? next : NULL;
}

static bool is_taken(const Fusion *f, const Node *value, int updates)
{
	for (int i = 0; i < f->g->result.n; i++)
		if (f->g->result.at[i] == value)
			return true;
	for (int i = 0; i < updates; i++)
		if (f->in_place[i] == value)
			return true;
	return false;
}

static bool choose(Chooser *z, int i)
{
	Fusion *f = z->f;
	const struct GraphUpdate *u = &f->g->update.at[i];
	Node *value = computed(f, u->next);
	if (!value || value->type->count == 0 || is_taken(f, value, i))
		return false;
	Group *writer = f->of[value->id];
	z->readers.n = 0;
	if (!collect_readers(z, u->state, u->state->type, true, writer))
		return false;
	for (int k = 0; k < z->readers.n; k++)
		if (waits_for(z, z->readers.at[k], writer))
			return false;
	for (int k = 0; k < z->readers.n; k++)
		vec_push(z->arena, &writer->after, z->readers.at[k]);
	f->in_place[i] = value;
	return true;
}

void choose_in_place(Fusion *f, Arena *arena)
{
	Chooser z = { .f = f, .arena = arena };
	for (int i = 0; i < f->g->update.n; i++)
		choose(&z, i);
}
