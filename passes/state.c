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

/* --- readers of the old value ---------------------------------------------------------------- */

/* A value on the way from a state to what reads it: views that are read through, one behind the
 * other. */
typedef struct Shown {
	const Node *value;
	int user;  /* the next to look at */
	bool same; /* the elements lie in the state's order */
} Shown;

typedef struct Chooser {
	Fusion *f;
	Arena *arena;
	VEC(Group *) readers;
	VEC(Shown) shown;
	bool *is_result, *is_next, *taken; /* by node id */
} Chooser;

/* Kept as it is: copied when all else is done. */
static bool read_at_end(const Chooser *z, const Node *n)
{
	return z->is_next[n->id] || (z->is_result[n->id] && !z->f->of[n->id]);
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

static bool overwrites_in_passing(const Fusion *f, const Node *user, const Type *type,
				  const Group *writer)
{
	return (op_info(user->op)->flags & OF_ELEMENTWISE) && user->type->count == type->count &&
	       by_element(f, writer);
}

static void show(Chooser *z, const Node *value, bool same)
{
	Shown s = { value, 0, same };
	if (walk_meet(z->f->walk, value))
		vec_push(z->arena, &z->shown, s);
}

/* Collects the groups that read the state, through views too. False when a reader stands in the
 * way: writer itself reads at another place, or the value is copied at the end. */
static bool collect_readers(Chooser *z, const Node *state, const Group *writer)
{
	const Fusion *f = z->f;
	walk_begin(f->walk);
	z->readers.n = z->shown.n = 0;
	show(z, state, true);
	while (z->shown.n) {
		Shown *s = &z->shown.at[z->shown.n - 1];
		if (s->user == 0 && read_at_end(z, s->value))
			return false;
		if (s->user == f->user[s->value->id].n) {
			z->shown.n--;
			continue;
		}
		const Node *u = f->user[s->value->id].at[s->user++];
		Group *gr = f->of[u->id];
		if (!gr && is_view(u))
			show(z, u, s->same && u->op == OP_reshape);
		else if (gr == writer &&
			 (!s->same || !overwrites_in_passing(f, u, state->type, writer)))
			return false;
		else if (gr && gr != writer)
			vec_push(z->arena, &z->readers, gr);
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

/* Every reader of the old value comes before the group that overwrites it, which a group that waits
 * for that one cannot. */
static bool put_behind_readers(Chooser *z, Group *writer)
{
	int had = writer->after.n;
	for (int k = 0; k < z->readers.n; k++) {
		if (!acyclic_after(z->f, writer, z->readers.at[k])) {
			writer->after.n = had;
			return false;
		}
		vec_push(z->arena, &writer->after, z->readers.at[k]);
	}
	return true;
}

static void choose(Chooser *z, int i)
{
	Fusion *f = z->f;
	const struct GraphUpdate *u = &f->g->update.at[i];
	Node *value = computed(f, u->next);
	if (!value || value->type->count == 0 || z->is_result[value->id] || z->taken[value->id])
		return;
	Group *writer = f->of[value->id];
	if (!collect_readers(z, u->state, writer) || !put_behind_readers(z, writer))
		return;
	f->in_place[i] = value;
	z->taken[value->id] = true;
}

void choose_in_place(Fusion *f, Arena *arena)
{
	Chooser z = { .f = f, .arena = arena };
	z.is_result = ARENA_ARRAY(arena, bool, f->g->node.n + 1);
	z.is_next = ARENA_ARRAY(arena, bool, f->g->node.n + 1);
	z.taken = ARENA_ARRAY(arena, bool, f->g->node.n + 1);
	for (int i = 0; i < f->g->result.n; i++)
		z.is_result[f->g->result.at[i]->id] = true;
	for (int i = 0; i < f->g->update.n; i++)
		z.is_next[f->g->update.at[i].next->id] = true;
	for (int i = 0; i < f->g->update.n; i++)
		choose(&z, i);
}
