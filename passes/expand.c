/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Expansion: every macro operator is replaced by its meaning in other operators, which may be
 * macros again; so the graph is walked until none is left. A macro with several results has no node
 * of its own afterwards: `get` finds the result it chose.
 *
 * Operators on 16-bit floats become operators on f32 first (ir/wide.h), whole macros among them: so
 * that a macro's inner values are f32 and its result is rounded once. */
#include "passes/expand.h"
#include "ir/wide.h"
#include "passes/pass.h"

enum { MAX_ROUNDS = 8 }; /* how deep macros may stand for macros */

typedef struct Round {
	Builder *b;
	Arena *arena;
	Node **map;      /* by node id of the old graph */
	Node ***results; /* of expanded macros with several */
	KeepMacro *keep;
	void *user;
} Round;

static bool is_expandable(const Node *n, KeepMacro *keep, void *user)
{
	return (op_info(n->op)->levels & LEVEL_M) && !(keep && keep(user, n));
}

static bool has_work(const Graph *g, KeepMacro *keep, void *user)
{
	for (int i = 0; i < g->node.n; i++)
		if (is_expandable(g->node.at[i], keep, user) || computes_narrow(g->node.at[i]))
			return true;
	return false;
}

/* The macro with its inputs in the new graph. */
static Node *with_new_inputs(Round *r, const Node *n)
{
	Node *copy = arena_alloc(r->arena, sizeof(Node) + sizeof(Node *) * (size_t)n->n_in);
	*copy = *n;
	for (int i = 0; i < n->n_in; i++)
		copy->in[i] = n->in[i] ? r->map[n->in[i]->id] : NULL;
	return copy;
}

static void expand_node(Round *r, const Node *n)
{
	Node *one[MAX_RESULTS] = { NULL }, **out = one;
	bool tuple = n->type->dtype == DT_tuple;
	if (tuple)
		out = ARENA_ARRAY(r->arena, Node *, MAX_RESULTS);
	r->b->loc = n->loc;
	r->b->name = NULL;
	if (!op_info(n->op)->expand(r->b, with_new_inputs(r, n), out))
		return;
	if (tuple)
		r->results[n->id] = out;
	else
		r->map[n->id] = out[0];
	if (!tuple && !out[0]->name)
		out[0]->name = n->name;
}

static bool has_narrow_input(const Node *n)
{
	for (int i = 0; i < n->n_in; i++)
		if (n->in[i] && dtype_is_narrow_float(n->in[i]->type->dtype))
			return true;
	return false;
}

/* False: n is as good as it is. */
static bool widen_node(Round *r, const Node *n)
{
	if (n->op == OP_get && !r->results[n->in[0]->id]) {
		Node *part = copy_node(r->b, n, r->map);
		r->map[n->id] = emit_rounded(r->b, part, n->type->dtype);
		return true;
	}
	if (!has_narrow_input(n))
		return false;
	const Node *copy = with_new_inputs(r, n);
	if (!computes_narrow(copy))
		return false;
	r->b->loc = n->loc;
	r->b->name = n->name;
	r->map[n->id] = emit_wide(r->b, copy);
	return true;
}

static void map_node(Round *r, const Node *n)
{
	if (widen_node(r, n))
		return;
	if (is_expandable(n, r->keep, r->user))
		expand_node(r, n);
	else if (n->op == OP_get && r->results[n->in[0]->id])
		r->map[n->id] = r->results[n->in[0]->id][ATTR_OF(n, index)->index];
	else
		r->map[n->id] = copy_node(r->b, n, r->map);
}

static Graph *expand_once(const Graph *g, Arena *arena, KeepMacro *keep, void *user)
{
	Round r = { .arena = arena, .keep = keep, .user = user };
	r.b = builder_create(graph_create(g->ctx, arena, g->name));
	r.map = ARENA_ARRAY(arena, Node *, g->node.n + 1);
	r.results = ARENA_ARRAY(arena, Node **, g->node.n + 1);
	for (int i = 0; i < g->node.n && !r.b->failed; i++)
		map_node(&r, g->node.at[i]);
	if (r.b->failed)
		return NULL;
	copy_results(r.b, g, r.map);
	return r.b->graph;
}

Graph *expand_macros_but(const Graph *g, Arena *arena, KeepMacro *keep, void *user)
{
	const Graph *at = g;
	for (int i = 0; i < MAX_ROUNDS && at && (i == 0 || has_work(at, keep, user)); i++)
		at = expand_once(at, arena, keep, user);
	return at ? graph_prune(at, arena) : NULL;
}

Graph *expand_macros(const Graph *g, Arena *arena)
{
	return expand_macros_but(g, arena, NULL, NULL);
}

Graph *pass_expand(const Pass *p, const Graph *g, Arena *arena)
{
	(void)p;
	return expand_macros(g, arena);
}
