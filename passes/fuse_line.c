/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Do groups wait for each other? While they are made they lie in a line, each behind all that it
 * waits for. A group is ready only as a whole: what one of its nodes reads, all of them wait for.
 *
 * A group that is to read more moves nothing when that lies before it in the line, which is the
 * rule. Else what lies behind it and has to come before is searched, back from what it is to read
 * and no further than its place; when the search meets the group itself, a cycle would be closed,
 * else what was found goes before it, in the same order. So the work is that of the few groups
 * between, whatever the size of the graph. */
#include "passes/fuse.h"
#include <stdlib.h>

enum {
	RANK_STEP_BITS = 40, /* between neighbours in a fresh line */
	SEARCH_MOST = 2048   /* nodes looked at; a search that is longer is given up, and there is
				less fusion */
};

/* --- the line -------------------------------------------------------------------------------- */

void line_append(Fusion *f, Group *gr)
{
	gr->previous = f->last;
	gr->rank = (f->last ? f->last->rank : 0) + ((uint64_t)1 << RANK_STEP_BITS);
	if (f->last)
		f->last->next = gr;
	f->last = gr;
}

void line_remove(Fusion *f, Group *gr)
{
	if (gr->previous)
		gr->previous->next = gr->next;
	if (gr->next)
		gr->next->previous = gr->previous;
	else
		f->last = gr->previous;
	gr->previous = gr->next = NULL;
}

static void renumber(Fusion *f)
{
	uint64_t rank = 0;
	Group *first = f->last;
	while (first->previous)
		first = first->previous;
	for (Group *gr = first; gr; gr = gr->next) {
		f->walk->ctx->work++;
		gr->rank = rank += (uint64_t)1 << RANK_STEP_BITS;
	}
}

/* Just behind what was before `at`: room is left for those that follow it there. */
static void insert_before(Fusion *f, Group *gr, Group *at)
{
	enum { PART = 8 };
	uint64_t low = at->previous ? at->previous->rank : 0;
	if (at->rank - low < 2 * PART) {
		renumber(f);
		low = at->previous ? at->previous->rank : 0;
	}
	gr->rank = low + (at->rank - low) / PART;
	gr->previous = at->previous;
	gr->next = at;
	if (at->previous)
		at->previous->next = gr;
	at->previous = gr;
}

static int by_rank(const void *x, const void *y)
{
	const Group *a = *(Group *const *)x, *b = *(Group *const *)y;
	return a->rank < b->rank ? -1 : a->rank > b->rank;
}

/* --- the search ------------------------------------------------------------------------------ */

static void look_behind(Walk *w, const Group *gr)
{
	for (int i = 0; i < gr->node.n; i++)
		walk_add_inputs(w, gr->node.at[i]);
	for (int i = 0; i < gr->after.n; i++)
		walk_add(w, gr->after.at[i]->node.at[0]);
}

/* What the walk is to look at, and what that waits for, shall lie before gr. */
static bool bring_before(Fusion *f, Group *gr)
{
	Walk *w = f->walk;
	int looked = 0;
	f->to_front.n = 0;
	for (const Node *x = walk_next(w); x; x = walk_next(w)) {
		Group *own = f->of[x->id];
		if (own == gr || ++looked > SEARCH_MOST)
			return false;
		if (!own) {
			walk_add_inputs(w, x);
			continue;
		}
		if (own->seen == w->turn || own->rank < gr->rank)
			continue;
		own->seen = w->turn;
		vec_push(f->arena, &f->to_front, own);
		look_behind(w, own);
	}
	if (f->to_front.n > 1)
		qsort(f->to_front.at, (size_t)f->to_front.n, sizeof *f->to_front.at, by_rank);
	for (int i = 0; i < f->to_front.n; i++) {
		line_remove(f, f->to_front.at[i]);
		insert_before(f, f->to_front.at[i], gr);
	}
	return true;
}

bool acyclic(Fusion *f, const Node *n, Group *gr)
{
	walk_begin(f->walk);
	for (int i = 0; i < n->n_in; i++) {
		Node *s = behind_views(f, n->in[i]);
		if (f->of[s->id] != gr)
			walk_add(f->walk, s);
	}
	return bring_before(f, gr);
}

bool acyclic_after(Fusion *f, Group *gr, const Group *early)
{
	walk_begin(f->walk);
	walk_add(f->walk, early->node.at[0]);
	return bring_before(f, gr);
}
