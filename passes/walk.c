/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
#include "passes/walk.h"

Walk *walk_create(Context *c, Arena *arena, const Graph *g)
{
	Walk *w = ARENA_NEW(arena, Walk);
	w->ctx = c;
	w->arena = arena;
	w->mark = ARENA_ARRAY(arena, uint32_t, g->node.n + 1);
	return w;
}

void walk_begin(Walk *w)
{
	w->turn++;
	w->todo.n = 0;
}

bool walk_meet(Walk *w, const Node *n)
{
	w->ctx->work++;
	if (w->mark[n->id] == w->turn)
		return false;
	w->mark[n->id] = w->turn;
	return true;
}

void walk_add(Walk *w, const Node *n)
{
	if (walk_meet(w, n))
		vec_push(w->arena, &w->todo, n);
}

void walk_add_inputs(Walk *w, const Node *n)
{
	for (int i = 0; i < n->n_in; i++)
		walk_add(w, n->in[i]);
}

const Node *walk_next(Walk *w)
{
	return w->todo.n > 0 ? w->todo.at[--w->todo.n] : NULL;
}
