/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The step of training as a graph: what layers do in training (batch norm by the batch's own
 * statistics unless it is frozen, dropout), the gradients of the trained parameters (passes/autodiff.c), the
 * optimiser's operator for each, and the updates: all ordinary operators, so that the passes after
 * it fuse and plan a step as they do inference.
 *
 * States beside the model's parameters have names that begin with a dot: ".m/<parameter>" for what
 * the optimiser remembers under its input m, ".step" for the number of steps done, ".seed". */
#include "passes/train.h"
#include "ir/ops/batchnorm.h"
#include "ir/wide.h"
#include "passes/autodiff.h"

typedef struct Trainee {
	const Pass *p;
	Arena *arena;
	Builder *b;
	Node **map;        /* of the graph under way, by id */
	Node *step, *seed; /* states; NULL: not needed so far */
	bool *fixed;       /* parameters of a frozen layer, by id */
	int streams;
} Trainee;

/* --- what is reported ------------------------------------------------------------------------ */

/* The loss and the metrics are the last results, from the one on that has the loss's name. */
static int first_report(const Graph *g)
{
	const char *name = ((const Attr_training *)g->training)->loss;
	for (int i = g->result.n - 1; i >= 0; i--)
		if (str_eq(g->result_name.at[i], name))
			return i;
	return 0;
}

static bool *needed_nodes(const Graph *g, Arena *arena)
{
	bool *needed = ARENA_ARRAY(arena, bool, g->node.n + 1);
	for (int i = first_report(g); i < g->result.n; i++)
		needed[g->result.at[i]->id] = true;
	for (int i = g->node.n - 1; i >= 0; i--) {
		const Node *n = g->node.at[i];
		for (int k = 0; needed[i] && k < n->n_in; k++)
			if (n->in[k])
				needed[n->in[k]->id] = true;
	}
	return needed;
}

static void report_results(Trainee *z, const Graph *g)
{
	Graph *to = z->b->graph;
	for (int i = first_report(g); i < g->result.n; i++) {
		vec_push(z->arena, &to->result, z->map[g->result.at[i]->id]);
		vec_push(z->arena, &to->result_name, g->result_name.at[i]);
	}
	to->loss = z->map[g->loss->id];
	to->optimizer = g->optimizer;
	to->optimizer_attr = g->optimizer_attr;
	to->training = g->training;
}

static bool has_loss(const Pass *p, const Graph *g)
{
	if (g->loss && g->training)
		return true;
	diag_error(p->ctx->diag, (Loc){ 0 }, E2024, "the model has no <training> section");
	return false;
}

/* --- states ---------------------------------------------------------------------------------- */

static Node *as_state(Trainee *z, const Node *n)
{
	Attr_param a = *ATTR_OF(n, param);
	a.state = 1;
	a.trainable &= !z->fixed[n->id];
	Node *s = append_node(z->b, OP_param, attr_intern(z->p->ctx, ATTR_param_RECORD, &a),
			      n->type, NULL, 0);
	s->name = n->name;
	return s;
}

static void update(Trainee *z, Node *state, Node *next)
{
	struct GraphUpdate u = { state, next };
	vec_push(z->arena, &z->b->graph->update, u);
}

static Node *own_state(Trainee *z, const Type *t, const char *prefix, const char *name)
{
	const char *full = arena_printf(z->arena, ".%s%s", prefix, name);
	return emit_state(z->b, t, sym(z->p->ctx, full), false, NULL);
}

static Node *step_count(Trainee *z)
{
	if (!z->step) {
		z->step = own_state(z, type_scalar(z->p->ctx, DT_i64), "step", "");
		update(z, z->step, emit_c2(z->b, OP_add, z->step, 1));
	}
	return z->step;
}

/* --- layers in training ---------------------------------------------------------------------- */

static Node *train_dropout(Trainee *z, const Node *n)
{
	Attr_dropout_train a = { .p = ATTR_OF(n, dropout)->p, .stream = z->streams++ };
	if (!z->seed)
		z->seed = own_state(z, type_scalar(z->p->ctx, DT_i64), "seed", "");
	Node *in[3] = { z->map[n->in[0]->id], z->seed, step_count(z) };
	z->b->name = n->name;
	return emit(z->b, OP_dropout_train, attr_intern(z->p->ctx, ATTR_dropout_train_RECORD, &a),
		    in, 3);
}

/* state := (1 - part) state + part value; a second layer with the same state goes on from there. */
static void run_average(Trainee *z, Node *state, Node *value, double part)
{
	if (!is_state(state))
		return;
	struct GraphUpdate *u = NULL;
	for (int i = 0; i < z->b->graph->update.n; i++)
		if (z->b->graph->update.at[i].state == state)
			u = &z->b->graph->update.at[i];
	Node *kept = emit_c2(z->b, OP_mul, u ? u->next : state, 1 - part);
	Node *next = emit2(z->b, OP_add, kept, emit_c2(z->b, OP_mul, value, part));
	if (u)
		u->next = next;
	else
		update(z, state, next);
}

static Node *train_batchnorm(Trainee *z, const Node *n)
{
	Node *in[5], *mean, *variance;
	if (batchnorm_is_frozen(n))
		return copy_node(z->b, n, z->map);
	for (int i = 0; i < 5; i++)
		in[i] = z->map[n->in[i]->id];
	int64_t count = channel_count(in[0]->type);
	if (count < 2) {
		builder_error(
			z->b, E5011,
			"batchnorm '%s': training needs more than one value for each channel, "
			"here is %lld",
			n->name ? n->name : "?", (long long)count);
		diag_hint(z->p->ctx->diag,
			  "a batch of more rows; or trainable=\"no\", which normalises by the "
			  "running averages; or layernorm or groupnorm, which need no batch");
		return emit1(z->b, OP_identity, in[0]);
	}
	double part = ATTR_OF(n, batchnorm)->momentum;
	emit_channel_moments(z->b, in[0], &mean, &variance);
	run_average(z, in[3], mean, part);
	double unbiased = (double)count / (double)(count - 1);
	run_average(z, in[4], emit_c2(z->b, OP_mul, variance, unbiased), part);
	z->b->name = n->name;
	return emit(z->b, OP_batchnorm_train, n->attr, in, 3);
}

static Node *copy_input(Trainee *z, const Node *n)
{
	Node *x = emit_input(z->b, n->type, ATTR_OF(n, port)->name, z->b->graph->input.n);
	x->loc = n->loc;
	return x;
}

static Node *train_node(Trainee *z, const Node *n)
{
	z->b->loc = n->loc;
	switch ((int)n->op) {
	case OP_input: return copy_input(z, n);
	case OP_param: return as_state(z, n);
	case OP_dropout: return train_dropout(z, n);
	case OP_batchnorm: return train_batchnorm(z, n);
	}
	return copy_node(z->b, n, z->map);
}

/* A frozen batchnorm keeps all its parameters, also those that have elements of their own: its
 * gradient would reach the averages, too. */
static void fix_params(Trainee *z, const Graph *g)
{
	z->fixed = ARENA_ARRAY(z->arena, bool, g->node.n + 1);
	for (int i = 0; i < g->node.n; i++) {
		const Node *n = g->node.at[i];
		for (int k = 1; k < 5 && n->op == OP_batchnorm && batchnorm_is_frozen(n); k++)
			z->fixed[n->in[k]->id] = true;
	}
}

/* The forward half: macros are kept. */
static Graph *forward_graph(Trainee *z, const Graph *g)
{
	fix_params(z, g);
	const bool *needed = needed_nodes(g, z->arena);
	z->b = builder_create(graph_create(z->p->ctx, z->arena, g->name));
	z->map = ARENA_ARRAY(z->arena, Node *, g->node.n + 1);
	for (int i = 0; i < g->node.n && !z->b->failed; i++)
		if (needed[i])
			z->map[i] = train_node(z, g->node.at[i]);
	if (z->b->failed)
		return NULL;
	report_results(z, g);
	return z->b->graph;
}

Graph *judge_graph(const Pass *p, const Graph *g, Arena *arena)
{
	Trainee z = { .p = p, .arena = arena };
	if (!has_loss(p, g))
		return NULL;
	const bool *needed = needed_nodes(g, arena);
	z.b = builder_create(graph_create(p->ctx, arena, g->name));
	z.map = ARENA_ARRAY(arena, Node *, g->node.n + 1);
	for (int i = 0; i < g->node.n && !z.b->failed; i++)
		if (needed[i])
			z.map[i] = g->node.at[i]->op == OP_input
					   ? copy_input(&z, g->node.at[i])
					   : copy_node(z.b, g->node.at[i], z.map);
	if (z.b->failed)
		return NULL;
	report_results(&z, g);
	return z.b->graph;
}

/* --- the optimiser --------------------------------------------------------------------------- */

/* The optimiser's row says what it wants: p and g, what it remembers, rate, step. Those of 16 bits
 * are read as f32, which rate and step are too: f16 has no rate below 6e-8 and no step past 65504. */
static void optimise(Trainee *z, Node *p, Node *g, Node *rate)
{
	const Graph *graph = z->b->graph;
	Op op = graph->optimizer;
	DType own = p->type->dtype, wide = dtype_is_narrow_float(own) ? DT_f32 : own;
	Node *state[8] = { p, g }, *in[8];
	int n = op_info(op)->max_in, outputs = op_info(op)->n_results;
	for (int i = 0; i < n; i++) {
		bool optional;
		const char *param, *name = op_input_name(op, i, &optional, &param);
		if (str_eq(name, "rate"))
			state[i] = rate;
		else if (str_eq(name, "step"))
			state[i] = emit_c2(z->b, OP_add, step_count(z), 1);
		else if (i > 1)
			state[i] = own_state(z, p->type, arena_printf(z->arena, "%s/", name),
					     ATTR_OF(p, param)->name);
		in[i] = emit_cast(z->b, state[i], wide);
	}
	z->b->name = p->name;
	Node *next = emit(z->b, op, graph->optimizer_attr, in, n);
	for (int i = 0; i < outputs; i++) {
		Node *part = outputs > 1 ? emit_get(z->b, next, i) : next;
		update(z, i ? state[i + 1] : p, emit_rounded(z->b, part, own));
	}
}

static bool add_updates(Trainee *z)
{
	Graph *g = z->b->graph;
	Node **wrt = ARENA_ARRAY(z->arena, Node *, g->param.n + 1);
	Node **grad = ARENA_ARRAY(z->arena, Node *, g->param.n + 1);
	int n = 0, trained = 0;
	for (int i = 0; i < g->param.n; i++) {
		Node *p = g->param.at[i];
		if (ATTR_OF(p, param)->trainable && dtype_is_float(p->type->dtype))
			wrt[n++] = p;
	}
	if (!autodiff(z->b, g->loss, wrt, n, grad))
		return false;
	Node *rate = emit_input(z->b, type_scalar(z->p->ctx, DT_f32), "rate", g->input.n);
	for (int i = 0; i < n; i++)
		if (grad[i]) {
			z->b->loc = wrt[i]->loc;
			optimise(z, wrt[i], grad[i], rate);
			trained++;
		}
	if (trained)
		return !z->b->failed;
	diag_error(z->p->ctx->diag, g->loss->loc, E5106,
		   "there is nothing to train: the loss depends on no trained parameter");
	return false;
}

/* The state with this name, in the graph after a copy. */
static Node *find_state(const Graph *g, const Node *old)
{
	for (int i = 0; old && i < g->param.n; i++)
		if (ATTR_OF(g->param.at[i], param)->name == ATTR_OF(old, param)->name)
			return g->param.at[i];
	return NULL;
}

Graph *train_graph(const Pass *p, const Graph *g, Arena *arena)
{
	Trainee z = { .p = p, .arena = arena };
	if (!has_loss(p, g))
		return NULL;
	const Graph *forward = forward_graph(&z, g);
	forward = forward ? expand_for_autodiff(forward, arena) : NULL;
	if (forward && !p->o->off[PASS_attention])
		forward = pass_attention(p, forward, arena);
	forward = forward ? graph_prune(forward, arena) : NULL;
	if (!forward)
		return NULL;
	z.b = builder_create(graph_create(p->ctx, arena, g->name));
	z.map = ARENA_ARRAY(arena, Node *, forward->node.n + 1);
	for (int i = 0; i < forward->node.n && !z.b->failed; i++)
		z.map[i] = copy_node(z.b, forward->node.at[i], z.map);
	if (z.b->failed)
		return NULL;
	copy_results(z.b, forward, z.map);
	z.step = find_state(z.b->graph, z.step);
	return add_updates(&z) ? z.b->graph : NULL;
}
