/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The verifier: what every graph must hold, whoever made it. Reports all faults, each with its
 * node. */
#include "ir/text.h"

typedef struct Verifier {
	const Graph *g;
	Builder *b; /* of a graph aside, for inference */
	int levels;
	bool ok;
} Verifier;

static void fault(Verifier *v, const Node *n, const char *what)
{
	Arena *a = v->b->graph->arena;
	const char *label = n->name ? n->name : arena_printf(a, "%u", n->id);
	diag_error(v->g->ctx->diag, n->loc, E7001, "graph '%s', node %%%s (%s): %s",
		   v->g->name ? v->g->name : "", label,
		   n->op <= OP_COUNT ? op_info(n->op)->name : "?", what);
	v->ok = false;
}

/* n belongs to the graph. */
static bool is_member(const Verifier *v, const Node *n)
{
	return n && n->id < (uint32_t)v->g->node.n && v->g->node.at[n->id] == n;
}

static bool check_inputs(Verifier *v, const Node *n)
{
	for (int i = 0; i < n->n_in; i++) {
		if (!n->in[i])
			continue;
		if (!is_member(v, n->in[i])) {
			fault(v, n, "an input is not a node of the graph");
			return false;
		}
		if (n->in[i]->id >= n->id) {
			fault(v, n, "an input comes after its user");
			return false;
		}
	}
	return true;
}

/* Inference reports by itself, under the operator's own codes; the fault says which node it was. */
static void check_type(Verifier *v, const Node *n)
{
	if (n->op == OP_input || n->op == OP_param) {
		if (n->type->dtype == DT_tuple || n->n_in)
			fault(v, n, "an input of the graph is one tensor");
		return;
	}
	v->b->failed = false;
	v->b->loc = n->loc;
	const Type *t = infer_node(v->b, n->op, n->attr, n->in, n->n_in);
	if (!t) {
		fault(v, n, "it is ill-typed");
	} else if (t != n->type) {
		Str s;
		str_init(&s, v->b->graph->arena);
		str_add(&s, "its type is ");
		type_print(&s, n->type);
		str_add(&s, ", inferred is ");
		type_print(&s, t);
		fault(v, n, str_text(&s));
	}
}

static void check_node(Verifier *v, const Node *n, int i)
{
	if (n->id != (uint32_t)i)
		fault(v, n, "its id is not its position");
	else if (n->op >= OP_COUNT)
		fault(v, n, "it is a poison");
	else if (!(op_info(n->op)->levels & v->levels))
		fault(v, n, "the operator is not allowed at this stage");
	else if (!n->type || !n->attr)
		fault(v, n, "it has no type or no attributes");
	else if (n->attr != attr_intern(v->g->ctx, op_info(n->op)->attr, n->attr))
		fault(v, n, "its attributes are not interned");
	else if (check_inputs(v, n))
		check_type(v, n);
}

static void check_member(Verifier *v, const Node *n, const char *what)
{
	if (!is_member(v, n)) {
		diag_error(v->g->ctx->diag, (Loc){ 0 }, E7001, "graph '%s': %s is not a node of it",
			   v->g->name ? v->g->name : "", what);
		v->ok = false;
	}
}

static void check_update(Verifier *v, int i)
{
	const struct GraphUpdate *u = &v->g->update.at[i];
	check_member(v, u->state, "an updated state");
	check_member(v, u->next, "a state's next value");
	if (!v->ok)
		return;
	if (!is_state(u->state))
		fault(v, u->state, "it is updated and no parameter with the attribute 'state'");
	if (u->state->type != u->next->type)
		fault(v, u->next, "it has not the type of the state it updates");
	for (int k = 0; k < i; k++)
		if (v->g->update.at[k].state == u->state)
			fault(v, u->state, "it is updated twice");
}

static void check_ends(Verifier *v)
{
	const Graph *g = v->g;
	for (int i = 0; i < g->input.n; i++)
		check_member(v, g->input.at[i], "an input");
	for (int i = 0; i < g->param.n; i++)
		check_member(v, g->param.at[i], "a parameter");
	for (int i = 0; i < g->result.n; i++)
		check_member(v, g->result.at[i], "a result");
	for (int i = 0; i < g->update.n; i++)
		check_update(v, i);
	if (g->loss)
		check_member(v, g->loss, "the loss");
}

bool graph_verify(const Graph *g, int levels)
{
	Arena *a = arena_create();
	Verifier v = { .g = g,
		       .b = builder_create(graph_create(g->ctx, a, "verify")),
		       .levels = levels,
		       .ok = true };
	for (int i = 0; i < g->node.n; i++)
		check_node(&v, g->node.at[i], i);
	check_ends(&v);
	arena_destroy(a);
	return v.ok;
}
