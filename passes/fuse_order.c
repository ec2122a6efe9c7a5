/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The order of groups: each comes after what it reads and after the readers of the states that it
 * overwrites; otherwise as the graph has them, but for new values of states, which go to their
 * places as soon as they can. */
#include "passes/fuse_impl.h"
#include "passes/pattern.h"

typedef enum { NEW, ENTERED, PLACED } Progress;

typedef struct Waiting {
	Group *group;
	VEC(Group *) before; /* what it waits for */
	int next;            /* of `before`: those in front of it are placed */
	Progress progress;
	VEC(int) awaited; /* updates whose groups wait for this one */
} Waiting;

typedef struct Order {
	Fuser *z;
	Arena *arena;
	VEC(Waiting) of;        /* by Group.index */
	VEC(Waiting *) entered; /* each waits for the next */
	int *missing;           /* by update: of its group's `before`, those not placed */
	VEC(int) ready, later;  /* updates that miss nothing, in their order */
	int at;                 /* the update that is being placed; -1: none */
} Order;

static Waiting *waiting(Order *o, const Group *gr)
{
	return &o->of.at[gr->index];
}

static void add_before(Order *o, Waiting *w, Group *gr)
{
	if (gr == w->group || gr->seen == o->z->f->walk->turn)
		return;
	gr->seen = o->z->f->walk->turn;
	vec_push(o->arena, &w->before, gr);
}

/* What gr's operators read, behind views that are not written out: every branch of them. */
static void find_before(Order *o, Waiting *w)
{
	Walk *walk = o->z->f->walk;
	const Group *gr = w->group;
	walk_begin(walk);
	for (int i = 0; i < gr->after.n; i++)
		add_before(o, w, gr->after.at[i]);
	for (int i = 0; i < gr->node.n; i++)
		for (int k = 0; k < gr->node.at[i]->n_in; k++) {
			walk_add(walk, gr->node.at[i]->in[k]);
			for (const Node *x = walk_next(walk); x; x = walk_next(walk)) {
				Group *own = o->z->f->of[x->id];
				if (own)
					add_before(o, w, own);
				else
					walk_add_inputs(walk, x);
			}
		}
}

static void find_all(Order *o)
{
	Fusion *f = o->z->f;
	walk_begin(f->walk);
	for (int i = 0; i < f->g->node.n; i++) {
		Group *gr = f->of[f->g->node.at[i]->id];
		if (!gr || gr->seen == f->walk->turn)
			continue;
		gr->seen = f->walk->turn;
		gr->index = o->of.n;
		vec_push(o->arena, &o->of, ((Waiting){ .group = gr }));
	}
	for (int i = 0; i < o->of.n; i++)
		find_before(o, &o->of.at[i]);
}

static Group *update_group(const Order *o, int i)
{
	const Node *value = o->z->f->in_place[i];
	return value ? o->z->f->of[value->id] : NULL;
}

/* --- new values of states -------------------------------------------------------------------- */

/* One that stands before the update that is being placed waits for the next time. */
static void make_ready(Order *o, int update)
{
	if (update < o->at) {
		vec_push(o->arena, &o->later, update);
		return;
	}
	vec_push(o->arena, &o->ready, update);
	int i = o->ready.n - 1;
	for (; i > 0 && o->ready.at[i - 1] > update; i--)
		o->ready.at[i] = o->ready.at[i - 1];
	o->ready.at[i] = update;
}

static void find_updates(Order *o)
{
	int n = o->z->g->update.n;
	o->missing = ARENA_ARRAY(o->arena, int, n + 1);
	for (int i = 0; i < n; i++) {
		const Group *gr = update_group(o, i);
		Waiting *w = gr ? waiting(o, gr) : NULL;
		if (!w)
			continue;
		o->missing[i] = w->before.n;
		for (int k = 0; k < w->before.n; k++)
			vec_push(o->arena, &waiting(o, w->before.at[k])->awaited, i);
		if (w->before.n == 0)
			make_ready(o, i);
	}
}

static void place(Order *o, Waiting *w)
{
	if (w->progress == PLACED)
		return;
	w->progress = PLACED;
	vec_push(o->arena, &o->z->f->group, w->group);
	for (int i = 0; i < w->awaited.n; i++)
		if (--o->missing[w->awaited.at[i]] == 0)
			make_ready(o, w->awaited.at[i]);
}

/* New values of states go to their places as soon as they can: what they are made of (a gradient)
 * is in the cache then, and its memory is free for what follows. */
static void place_updates(Order *o)
{
	for (int i = 0; i < o->ready.n; i++) {
		o->at = o->ready.at[i];
		place(o, waiting(o, update_group(o, o->at)));
	}
	o->at = -1;
	o->ready.n = 0;
	for (int i = 0; i < o->later.n; i++)
		make_ready(o, o->later.at[i]);
	o->later.n = 0;
}

/* --- all ------------------------------------------------------------------------------------- */

static const char *group_name(const Group *gr)
{
	return node_label(gr->node.at[gr->node.n - 1]);
}

/* Joining never closes a ring (passes/fuse_line.c); this is where it would show. */
static bool report_ring(Order *o, const Waiting *again)
{
	Str s;
	str_init(&s, o->arena);
	int i = o->entered.n - 1;
	while (o->entered.at[i] != again)
		i--;
	for (int named = 0; i < o->entered.n && named < 8; i++, named++)
		str_fmt(&s, "'%s' waits for ", group_name(o->entered.at[i]->group));
	str_fmt(&s, "%s'%s'", i < o->entered.n ? "... " : "", group_name(again->group));
	diag_error(o->z->p->ctx->diag, again->group->node.at[0]->loc, E7004,
		   "groups of operators wait for each other: %s", str_text(&s));
	return false;
}

/* Each in an order in which it comes after what it waits for. */
static bool place_with_sources(Order *o, Waiting *first)
{
	vec_push(o->arena, &o->entered, first);
	first->progress = ENTERED;
	while (o->entered.n) {
		Waiting *w = o->entered.at[o->entered.n - 1];
		if (w->next == w->before.n) {
			o->entered.n--;
			place(o, w);
			continue;
		}
		Waiting *source = waiting(o, w->before.at[w->next]);
		if (source->progress == ENTERED)
			return report_ring(o, source);
		if (source->progress == PLACED) {
			w->next++;
			continue;
		}
		source->progress = ENTERED;
		vec_push(o->arena, &o->entered, source);
	}
	return true;
}

bool order_groups(Fuser *z)
{
	Order o = { .z = z, .arena = z->arena, .at = -1 };
	find_all(&o);
	find_updates(&o);
	for (int i = 0; i < o.of.n; i++) {
		if (o.of.at[i].progress == PLACED)
			continue;
		if (!place_with_sources(&o, &o.of.at[i]))
			return false;
		place_updates(&o);
	}
	return true;
}
