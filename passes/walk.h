/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Walks over a graph: each node is met once, whatever the number of ways to it, and what is still
 * to be looked at waits on the heap. A function that called itself for the inputs of a node would
 * visit a node once for each way to it, which may be 2^n of them, and its depth would be the
 * graph's. One walk at a time: a walk begun ends the one before. */
#ifndef PASSES_WALK_H
#define PASSES_WALK_H
#include "ir/node.h"

typedef struct Walk {
	Context *ctx;
	Arena *arena;
	VEC(const Node *) todo;
	uint32_t *mark; /* by node id: the last walk that met the node */
	uint32_t turn;  /* this walk */
} Walk;

Walk *walk_create(Context *c, Arena *arena, const Graph *g);
void walk_begin(Walk *w);
/* Marks n: was it met for the first time? */
bool walk_meet(Walk *w, const Node *n);
/* n is to be looked at, unless it was met before. */
void walk_add(Walk *w, const Node *n);
void walk_add_inputs(Walk *w, const Node *n);
/* The next node to be looked at, of those met last; NULL: none is left. */
const Node *walk_next(Walk *w);
#endif
