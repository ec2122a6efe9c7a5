/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The static part: everything that depends on parameters and constants alone is computed when the
 * model is compiled (packed weights, folded batch norms). The main graph reads the values as
 * parameters. Broadcasts stay in the main graph, which reads through them: only what they repeat
 * needs memory. */
#include "ir/kbuilder.h"
#include "passes/pass.h"
#include <string.h>

typedef struct Splitter {
	const Pass *p;
	const Graph *g;
	Arena *arena;
	bool *is_static;
	bool *in_main;   /* needed by the main graph */
	Node **prepared; /* by id: node of the prepare graph */
	Node **copied;   /* by id: node of the main graph */
	Builder *main, *prepare;
	Split *out;
} Splitter;

static void find_static(Splitter *s)
{
	for (int i = 0; i < s->g->node.n; i++) {
		const Node *n = s->g->node.at[i];
		bool all = n->op != OP_input && !is_state(n);
		for (int k = 0; k < n->n_in; k++)
			all = all && s->is_static[n->in[k]->id];
		s->is_static[n->id] = all;
	}
}

/* Shows a broadcast, through other views: memory would hold copies. */
static bool repeats(const Node *n)
{
	while (n->op == OP_reshape || n->op == OP_transpose || n->op == OP_slice)
		n = n->in[0];
	return n->op == OP_broadcast;
}

/* Cheap enough to be made where it is read. */
static bool made_in_place(const Node *n)
{
	if (n->op == OP_const)
		return is_uniform_const(n);
	if (n->op == OP_reshape || n->op == OP_transpose || n->op == OP_slice)
		return repeats(n->in[0]);
	return n->op == OP_fill || n->op == OP_iota || n->op == OP_broadcast;
}

static void mark_main(Splitter *s)
{
	for (int i = 0; i < s->g->result.n; i++)
		s->in_main[s->g->result.at[i]->id] = true;
	for (int i = 0; i < s->g->update.n; i++) {
		s->in_main[s->g->update.at[i].state->id] = true;
		s->in_main[s->g->update.at[i].next->id] = true;
	}
	for (int i = s->g->node.n - 1; i >= 0; i--) {
		const Node *n = s->g->node.at[i];
		if (n->op == OP_input)
			s->in_main[n->id] = true;
		if (!s->in_main[n->id] || (s->is_static[n->id] && !made_in_place(n)))
			continue;
		for (int k = 0; k < n->n_in; k++)
			s->in_main[n->in[k]->id] = true;
	}
}

/* A parameter as a tensor of the state; a constant as a parameter that prepare carries itself. */
static Node *from_state(Splitter *s, const Node *n)
{
	if (n->op == OP_param)
		return emit_state(s->prepare, n->type, ATTR_OF(n, param)->name, false, NULL);
	const char *name = arena_printf(s->arena, "c%d", s->prepare->graph->param.n);
	return emit_param(s->prepare, n->type, name, false, static_data(n));
}

/* The node in the prepare graph, with all it needs: they come earlier in the order. */
static void prepare_up_to(Splitter *s, const bool *wanted)
{
	for (int i = 0; i < s->g->node.n; i++) {
		Node *n = s->g->node.at[i];
		if (!wanted[n->id])
			continue;
		s->prepare->loc = n->loc;
		s->prepare->name = n->name;
		bool given = n->op == OP_param || (n->op == OP_const && !is_uniform_const(n));
		if (given && s->p->from_state) {
			s->prepared[n->id] = from_state(s, n);
		} else if (given) {
			s->prepared[n->id] =
				emit_input(s->prepare, n->type, n->name, s->out->source.n);
			vec_push(s->arena, &s->out->source, n);
		} else {
			s->prepared[n->id] = copy_node(s->prepare, n, s->prepared);
		}
	}
}

/* Marks what the wanted values need. */
static void close_over_inputs(const Splitter *s, bool *wanted)
{
	for (int i = s->g->node.n - 1; i >= 0; i--) {
		const Node *n = s->g->node.at[i];
		for (int k = 0; wanted[n->id] && k < n->n_in; k++)
			wanted[n->in[k]->id] = true;
	}
}

const Blob *static_data(const Node *n)
{
	if (n->op == OP_param)
		return ATTR_OF(n, param)->data;
	return n->op == OP_const ? ATTR_OF(n, data)->data : NULL;
}

static bool computed_weight(const Splitter *s, const Node *n)
{
	bool given = n->op == OP_param || n->op == OP_const;
	return s->in_main[n->id] && s->is_static[n->id] && !made_in_place(n) &&
	       (s->p->from_state || !given);
}

static Node *weight_param(Splitter *s, Node *n)
{
	const char *name = arena_printf(s->arena, "w%d", s->out->weight.n);
	const Blob *data = s->p->from_state ? NULL : static_data(n);
	Node *w = emit_param(s->main, n->type, name, false, data);
	vec_push(s->arena, &s->out->weight, w);
	return w;
}

static void copy_main(Splitter *s)
{
	for (int i = 0; i < s->g->node.n; i++) {
		Node *n = s->g->node.at[i];
		if (!s->in_main[n->id])
			continue;
		s->main->loc = n->loc;
		s->main->name = n->name;
		if (!s->is_static[n->id] || made_in_place(n)) {
			s->copied[n->id] = copy_node(s->main, n, s->copied);
			continue;
		}
		s->copied[n->id] = weight_param(s, n);
		if (computed_weight(s, n))
			vec_push(s->arena, &s->prepare->graph->result, s->prepared[n->id]);
	}
	copy_results(s->main, s->g, s->copied);
}

bool split_static(const Pass *p, const Graph *g, Arena *arena, Split *out)
{
	Splitter s = { .p = p, .g = g, .arena = arena, .out = out };
	int n = g->node.n + 1;
	*out = (Split){ 0 };
	s.is_static = ARENA_ARRAY(arena, bool, n);
	s.in_main = ARENA_ARRAY(arena, bool, n);
	s.prepared = ARENA_ARRAY(arena, Node *, n);
	s.copied = ARENA_ARRAY(arena, Node *, n);
	out->main = graph_create(p->ctx, arena, g->name);
	out->prepare = graph_create(p->ctx, arena, "prepare");
	s.main = builder_create(out->main);
	s.prepare = builder_create(out->prepare);
	find_static(&s);
	mark_main(&s);
	bool *wanted = ARENA_ARRAY(arena, bool, n);
	for (int i = 0; i < g->node.n; i++)
		wanted[g->node.at[i]->id] = computed_weight(&s, g->node.at[i]);
	close_over_inputs(&s, wanted);
	prepare_up_to(&s, wanted);
	copy_main(&s);
	for (int i = 0; i < out->prepare->result.n; i++)
		vec_push(arena, &out->prepare->result_name, "packed");
	return !s.main->failed && !s.prepare->failed;
}
