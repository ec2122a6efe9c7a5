/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Copies of graphs. Node order is topological, so marking walks it backwards once and copying
 * forwards once: no recursion. */
#include "ir/node.h"

/* --- without dead nodes ---------------------------------------------------------------------- */

static bool *mark_live(const Graph *g, Arena *scratch)
{
	bool *live = ARENA_ARRAY(scratch, bool, g->node.n + 1);
	for (int i = 0; i < g->result.n; i++)
		live[g->result.at[i]->id] = true;
	for (int i = 0; i < g->update.n; i++)
		live[g->update.at[i].state->id] = live[g->update.at[i].next->id] = true;
	if (g->loss)
		live[g->loss->id] = true;
	for (int i = 0; i < g->input.n; i++)
		live[g->input.at[i]->id] = true;
	for (int i = g->node.n - 1; i >= 0; i--) {
		const Node *n = g->node.at[i];
		for (int k = 0; live[i] && k < n->n_in; k++)
			if (n->in[k])
				live[n->in[k]->id] = true;
	}
	return live;
}

static Node *clone(Graph *to, const Node *n, Node *const *map)
{
	size_t size = sizeof(Node) + sizeof(Node *) * (size_t)n->n_in;
	Node *copy = arena_copy(to->arena, n, size);
	copy->id = (uint32_t)to->node.n;
	for (int i = 0; i < n->n_in; i++)
		copy->in[i] = n->in[i] ? map[n->in[i]->id] : NULL;
	vec_push(to->arena, &to->node, copy);
	return copy;
}

static void map_results(Graph *to, const Graph *g, Node *const *map)
{
	for (int i = 0; i < g->result.n; i++) {
		vec_push(to->arena, &to->result, map[g->result.at[i]->id]);
		vec_push(to->arena, &to->result_name,
			 i < g->result_name.n ? g->result_name.at[i] : NULL);
	}
	for (int i = 0; i < g->update.n; i++) {
		struct GraphUpdate u = { map[g->update.at[i].state->id],
					 map[g->update.at[i].next->id] };
		vec_push(to->arena, &to->update, u);
	}
	to->loss = g->loss ? map[g->loss->id] : NULL;
	to->optimizer = g->optimizer;
	to->optimizer_attr = g->optimizer_attr;
	to->training = g->training;
}

Graph *graph_prune(const Graph *g, Arena *arena)
{
	Arena *scratch = arena_create();
	Graph *to = graph_create(g->ctx, arena, g->name);
	const bool *live = mark_live(g, scratch);
	Node **map = ARENA_ARRAY(scratch, Node *, g->node.n + 1);
	for (int i = 0; i < g->node.n; i++)
		if (live[i])
			map[i] = clone(to, g->node.at[i], map);
	for (int i = 0; i < g->input.n; i++)
		vec_push(arena, &to->input, map[g->input.at[i]->id]);
	for (int i = 0; i < g->param.n; i++)
		if (live[g->param.at[i]->id])
			vec_push(arena, &to->param, map[g->param.at[i]->id]);
	map_results(to, g, map);
	arena_destroy(scratch);
	return to;
}

/* --- through emit ---------------------------------------------------------------------------- */

Node *copy_node(Builder *b, const Node *n, Node *const *map)
{
	enum { FEW = 16 };
	Node *few[FEW], **in = few;
	b->loc = n->loc;
	if (n->op == OP_input || n->op == OP_param) {
		Node *leaf = append_node(b, n->op, n->attr, n->type, NULL, 0);
		leaf->name = n->name;
		return leaf;
	}
	if (n->n_in > FEW)
		in = ARENA_ARRAY(b->graph->arena, Node *, n->n_in);
	for (int i = 0; i < n->n_in; i++)
		in[i] = n->in[i] ? map[n->in[i]->id] : NULL;
	b->name = n->name;
	return emit(b, n->op, n->attr, in, n->n_in);
}

void copy_results(Builder *b, const Graph *g, Node *const *map)
{
	map_results(b->graph, g, map);
}

Graph *graph_simplify(const Graph *g, Arena *arena)
{
	Arena *scratch = arena_create();
	Builder *b = builder_create(graph_create(g->ctx, scratch, g->name));
	Node **map = ARENA_ARRAY(scratch, Node *, g->node.n + 1);
	for (int i = 0; i < g->node.n && !b->failed; i++)
		map[i] = copy_node(b, g->node.at[i], map);
	Graph *to = NULL;
	if (!b->failed) {
		copy_results(b, g, map);
		to = graph_prune(b->graph, arena);
	}
	arena_destroy(scratch);
	return to;
}
