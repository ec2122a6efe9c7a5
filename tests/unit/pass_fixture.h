/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* For the tests of graph passes: each must leave what a graph computes as it is (both graphs are
 * evaluated on random inputs), and bring it into the form that fusion and the templates expect. */
#ifndef TESTS_PASS_FIXTURE_H
#define TESTS_PASS_FIXTURE_H
#include "tests/unit/bound_check.h"
#include "ir/eval.h"
#include "ir/text.h"
#include "passes/pass.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

#define ARRAY(...) ((int64_t[]){ __VA_ARGS__ })
#define PERM(...) ((int[]){ __VA_ARGS__ })

typedef struct Fixture {
	Context *c;
	Arena *arena;
	Graph *g;
	Builder *b;
	PassOptions options;
	Pass pass;
	Str explain;
	uint64_t random;
	int names;
	Known known;
} Fixture;

static inline void start(Fixture *f, uint64_t seed)
{
	*f = (Fixture){ .random = seed * 2654435761u + 1 };
	f->c = context_create();
	f->arena = arena_create();
	f->g = graph_create(f->c, f->arena, "test");
	f->b = builder_create(f->g);
	str_init(&f->explain, f->arena);
	f->options.explain = &f->explain;
	f->pass = (Pass){ .ctx = f->c, .o = &f->options };
}

static inline void stop(Fixture *f)
{
	assert_known(f->known);
	context_destroy(f->c);
	arena_destroy(f->arena);
}

static inline uint32_t next_random(Fixture *f)
{
	f->random = f->random * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(f->random >> 33);
}

static inline float random_number(Fixture *f)
{
	return (float)(next_random(f) % 2001) / 1000.0f - 1.0f;
}

static inline const char *fresh(Fixture *f, const char *prefix)
{
	return arena_printf(f->arena, "%s%d", prefix, f->names++);
}

static inline Node *input(Fixture *f, int rank, const int64_t *dim)
{
	const Type *t = type_get(f->c, DT_f32, rank, dim);
	return emit_input(f->b, t, fresh(f, "x"), f->g->input.n);
}

static inline const float *random_data(Fixture *f, int64_t n, float offset)
{
	float *data = ARENA_ARRAY(f->arena, float, n);
	for (int64_t i = 0; i < n; i++)
		data[i] = random_number(f) + offset;
	return data;
}

static inline Node *param_around(Fixture *f, float offset, int rank, const int64_t *dim)
{
	const Type *t = type_get(f->c, DT_f32, rank, dim);
	const char *name = fresh(f, "w");
	const Blob *data = blob_wrap(f->c, t, random_data(f, t->count, offset), name);
	return emit_param(f->b, t, name, true, data);
}

static inline Node *param(Fixture *f, int rank, const int64_t *dim)
{
	return param_around(f, 0, rank, dim);
}

static inline void result(Fixture *f, Node *n)
{
	vec_push(f->arena, &f->g->result, n);
	vec_push(f->arena, &f->g->result_name, fresh(f, "y"));
}

/* A layer, by its expansion. */
static inline Node *layer(Fixture *f, Op op, AttrRecord r, const void *record, Node *const *in,
			  int n_in)
{
	Attr attr = attr_intern(f->c, r, record);
	Node *out[4], *n = append_node(f->b, op, attr, in[0]->type, in, n_in);
	n->name = fresh(f, op_info(op)->name);
	assert_true(op_info(op)->expand(f->b, n, out));
	if (out[0]->n_in && !out[0]->name)
		out[0]->name = n->name;
	return out[0];
}

#define LAYER(f, op, record, attrs, ...) \
	layer((f), OP_##op, ATTR_##record##_RECORD, (attrs), (Node *[]){ __VA_ARGS__ }, \
	      (int)(sizeof((Node *[]){ __VA_ARGS__ }) / sizeof(Node *)))

/* --- comparing ------------------------------------------------------------------------------- */

static inline EvalTensor *random_inputs(Fixture *f)
{
	EvalTensor *in = ARENA_ARRAY(f->arena, EvalTensor, f->g->input.n + 1);
	for (int i = 0; i < f->g->input.n; i++) {
		in[i] = eval_tensor(f->arena, f->g->input.at[i]->type);
		for (int64_t k = 0; k < in[i].type->count; k++)
			if (in[i].f)
				in[i].f[k] = random_number(f);
			else
				in[i].i[k] = next_random(f) % 2;
	}
	return in;
}

static inline void print_errors(Fixture *f)
{
	Str s;
	str_init(&s, f->arena);
	diag_print(f->c->diag, &s, 0, false);
	if (diag_errors(f->c->diag))
		print_message("%s\n", str_text(&s));
}

static inline void show(const char *title, const Graph *g)
{
	Arena *a = arena_create();
	Str s;
	str_init(&s, a);
	graph_print(&s, g, (TextOptions){ 0 });
	fprintf(stderr, "--- %s\n%s\n", title, str_text(&s));
	arena_destroy(a);
}

/* After the passes `have` must be what `want`, before them, allows. */
static inline void compare(Fixture *f, const Bounded *want, const EvalTensor *have,
			   const Graph *made, const char *name)
{
	if (bound_outside(want, have, NULL) >= 0) {
		show("before", f->g);
		show("after", made);
	}
	assert_bounded(name, want, have, &f->known);
}

static inline void check_same(Fixture *f, const Graph *before, const Graph *after)
{
	EvalTensor *in = random_inputs(f);
	Bounded *want = ARENA_ARRAY(f->arena, Bounded, before->result.n + 1);
	EvalTensor *have = ARENA_ARRAY(f->arena, EvalTensor, before->result.n + 1);
	assert_int_equal(before->result.n, after->result.n);
	assert_int_equal(before->input.n, after->input.n);
	bool ok = bound_graph(before, f->arena, in, want, (BoundOptions){ 0 }) &&
		  eval_graph(after, f->arena, in, have, (EvalOptions){ 0 });
	print_errors(f);
	assert_true(ok);
	for (int i = 0; i < before->result.n; i++) {
		assert_string_equal(before->result_name.at[i], after->result_name.at[i]);
		compare(f, &want[i], &have[i], after, after->result_name.at[i]);
	}
}

/* Runs one pass on the fixture's graph (or on what the pass before made of it). */
static inline Graph *run_pass(Fixture *f, GraphPass *pass, const Graph *g)
{
	Graph *before = graph_prune(g, f->arena);
	Graph *made = pass(&f->pass, before, f->arena);
	print_errors(f);
	assert_non_null(made);
	made = graph_prune(made, f->arena);
	if (!graph_verify(made, LEVEL_T | LEVEL_M)) {
		show("after", made);
		print_errors(f);
		fail_msg("the new graph is not well-formed");
	}
	check_same(f, before, made);
	return made;
}

static GraphPass *const all_passes[] = { pass_attention,  pass_flatten, pass_layout,
					 pass_fold_scale, pass_pad,     pass_pack };

static inline Graph *run_all(Fixture *f)
{
	Graph *g = f->g;
	for (size_t i = 0; i < sizeof all_passes / sizeof *all_passes; i++)
		g = run_pass(f, all_passes[i], g);
	return g;
}

/* --- what is in a graph ---------------------------------------------------------------------- */

static inline int count_op(const Graph *g, Op op)
{
	int n = 0;
	for (int i = 0; i < g->node.n; i++)
		n += g->node.at[i]->op == op;
	return n;
}

static inline Node *find_op(const Graph *g, Op op)
{
	for (int i = 0; i < g->node.n; i++)
		if (g->node.at[i]->op == op)
			return g->node.at[i];
	fail_msg("there is no %s", op_info(op)->name);
	return NULL;
}

static inline bool *static_nodes(Fixture *f, const Graph *g)
{
	bool *is_static = ARENA_ARRAY(f->arena, bool, g->node.n + 1);
	for (int i = 0; i < g->node.n; i++) {
		const Node *n = g->node.at[i];
		is_static[i] = n->op != OP_input;
		for (int k = 0; k < n->n_in; k++)
			is_static[i] = is_static[i] && is_static[n->in[k]->id];
	}
	return is_static;
}

/* Nodes of the operator (OP_COUNT: elementwise ones) that depend on the inputs; of the given rank,
 * -1: any. */
static inline int count_dynamic(Fixture *f, const Graph *g, Op op, int rank)
{
	const bool *is_static = static_nodes(f, g);
	int count = 0;
	for (int i = 0; i < g->node.n; i++) {
		const Node *n = g->node.at[i];
		bool fits = op == OP_COUNT ? (op_info(n->op)->flags & OF_ELEMENTWISE) != 0
					   : n->op == op;
		count += fits && !is_static[i] && (rank < 0 || n->type->rank == rank);
	}
	return count;
}

/* --- layers ---------------------------------------------------------------------------------- */

static inline Node *dense(Fixture *f, Node *x, int64_t units)
{
	int64_t features = x->type->dim[x->type->rank - 1];
	Node *w = param(f, 2, ARRAY(features, units));
	Node *y = LAYER(f, product, none, &(Attr_none){ 0 }, x, w);
	return emit_b2(f->b, OP_add, param(f, 1, ARRAY(units)), y);
}

static inline Node *layer_norm(Fixture *f, Node *x)
{
	int64_t c = x->type->dim[x->type->rank - 1];
	Attr_norm a = { .eps = 1e-5, .axis = -1, .affine = 1, .bias = 1 };
	return LAYER(f, layernorm, norm, &a, x, param_around(f, 1, 1, ARRAY(c)),
		     param(f, 1, ARRAY(c)));
}

static inline Node *gelu(Fixture *f, Node *x)
{
	return LAYER(f, gelu, gelu, &(Attr_gelu){ .approximate = "none" }, x);
}

static inline Node *mlp_block(Fixture *f, Node *x, int64_t inner)
{
	int64_t c = x->type->dim[x->type->rank - 1];
	Node *y = dense(f, gelu(f, dense(f, layer_norm(f, x), inner)), c);
	return emit2(f->b, OP_add, x, y);
}

#endif
