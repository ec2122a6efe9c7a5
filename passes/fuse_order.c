/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The order of groups: each comes after what it reads and after the readers of the states that it
 * overwrites; otherwise as the graph has them, but for new values of states, which go to their
 * places as soon as they can. */
#include "passes/fuse_impl.h"

/* The next group that must come before gr and has not been placed: what its operators read, behind
 * views. NULL: none. */
static Group *missing_source(const Fuser *z, const Group *gr)
{
	for (int i = 0; i < gr->after.n; i++)
		if (!gr->after.at[i]->placed)
			return gr->after.at[i];
	for (int i = 0; i < gr->node.n; i++)
		for (int k = 0; k < gr->node.at[i]->n_in; k++) {
			/* a written view's operands, a view chain's every branch */
			Node *stack[64];
			int n = 0;
			stack[n++] = gr->node.at[i]->in[k];
			while (n) {
				Node *x = stack[--n];
				Group *own = z->f->of[x->id];
				if (own && own != gr && !own->placed)
					return own;
				for (int q = 0; !own && is_view(x) && q < x->n_in && n < 64; q++)
					stack[n++] = x->in[q];
			}
		}
	return NULL;
}

static void place(Fuser *z, Group *gr)
{
	if (!gr->placed)
		vec_push(z->arena, &z->f->group, gr);
	gr->placed = true;
}

/* New values of states go to their places as soon as they can: what they are made of (a gradient)
 * is in the cache then, and its memory is free for what follows. */
static void place_updates(Fuser *z)
{
	for (int i = 0; i < z->g->update.n; i++) {
		Group *gr = z->f->in_place[i] ? z->f->of[z->f->in_place[i]->id] : NULL;
		if (gr && !gr->placed && !missing_source(z, gr))
			place(z, gr);
	}
}

/* Groups in an order in which each comes after what it reads. A stack instead of recursion: graphs
 * are deep. */
void order_groups(Fuser *z)
{
	struct {
		Group **at;
		int n, cap;
	} stack = { 0 };
	for (int i = 0; i < z->g->node.n; i++) {
		Group *first = z->f->of[z->g->node.at[i]->id];
		if (!first || first->placed)
			continue;
		vec_push(z->arena, &stack, first);
		while (stack.n) {
			Group *gr = stack.at[stack.n - 1], *before = missing_source(z, gr);
			if (before) {
				vec_push(z->arena, &stack, before);
				continue;
			}
			stack.n--;
			place(z, gr);
		}
		place_updates(z);
	}
}
