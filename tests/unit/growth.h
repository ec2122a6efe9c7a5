/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Models of any size, written as XML: for the tests of what large graphs cost and compute. */
#ifndef TESTS_UNIT_GROWTH_H
#define TESTS_UNIT_GROWTH_H
#include "tests/unit/check.h"
#include "codegen/codegen.h"
#include "codegen/prepare.h"
#include "frontend/frontend.h"
#include "ir/eval.h"
#include "passes/expand.h"
#include "passes/pass.h"
#include "passes/train.h"
#include "runtime/cpu/rt.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct Model {
	Context *c;
	PassOptions options;
	Graph *g; /* core operators; of training: a step */
	Compiled k;
	uint32_t seed;
} Model;

/* Adds the layers of a model that is to have about so many operators: the input is x, of
 * [8,64] unless the writer says otherwise. */
typedef void WriteModel(Str *s, int operators);

static inline void print_errors(const Context *c)
{
	Str s;
	str_init(&s, c->arena);
	diag_print(c->diag, &s, 0, false);
	if (diag_errors(c->diag))
		fail_msg("%s", str_text(&s));
}

static inline Pass pass_of(const Model *m)
{
	return (Pass){ .ctx = m->c, .o = &m->options };
}

/* From the text to the graph that is to be compiled. */
static inline void read_model(Model *m, const char *text, bool training)
{
	*m = (Model){ .c = context_create(), .seed = 5 };
	ReadOptions o = { .default_size = 2, .training = training, .shapes_only = true };
	Arena *a = m->c->arena;
	assert_true(target_find("native", &m->options.target));
	m->options.target = target_resolve(a, &m->options.target);
	ElemList *list = xml_read(m->c, a, "model.xml", text, strlen(text));
	print_errors(m->c);
	Graph *g = build_graph(m->c, a, list, NULL, &o);
	print_errors(m->c);
	Pass p = pass_of(m);
	m->g = training ? train_graph(&p, g, a) : g;
	print_errors(m->c);
}

static inline void write_model(Model *m, WriteModel *write, int operators, bool training)
{
	Arena *a = arena_create();
	Str s;
	str_init(&s, a);
	str_add(&s, "<graph>");
	write(&s, operators);
	str_add(&s, "</graph>");
	read_model(m, str_text(&s), training);
	arena_destroy(a);
}

static inline void compile_model(Model *m)
{
	Pass p = pass_of(m);
	bool ok = compile_plans(&p, m->g, m->c->arena, &m->k);
	print_errors(m->c);
	assert_true(ok);
}

static inline void forget_model(Model *m)
{
	context_destroy(m->c);
}

/* --- values ---------------------------------------------------------------------------------- */

static inline void fill(Model *m, EvalTensor *e)
{
	for (int64_t i = 0; i < e->type->count; i++) {
		m->seed = m->seed * 1664525u + 1013904223u;
		double v = (double)((int64_t)(m->seed >> 24) - 128) / 128;
		if (e->f)
			e->f[i] = v;
		else
			e->i[i] = 0;
	}
}

static inline void *data_of(Model *m, const EvalTensor *e)
{
	void *data = arena_alloc(m->c->arena, (size_t)type_bytes(e->type) + 8);
	eval_to_data(e, data);
	return data;
}

/* An error of a rounding is carried on by all that follows: `bound` is of a value of 1. */
static inline void check_close(const EvalTensor *want, const void *have, const char *name,
			       double bound)
{
	for (int64_t i = 0; want->f && i < want->type->count; i++) {
		double h = load_f64(want->type->dtype, have, i), w = want->f[i];
		if (!(fabs(w - h) <= bound * (1 + fabs(w))))
			fail_msg("%s[%lld] is %g, not %g", name, (long long)i, h, w);
	}
}

static inline void run_program(const JitProgram *jit, void **ports)
{
	const BurinProgram *p = jit_table(jit);
	char ctx[BURIN_CTX_BYTES];
	burin_rt_ctx_init(p, ctx, 1);
	size_t bytes = (burin_rt_workspace_bytes(p, ctx) + 63) / 64 * 64;
	void *work = aligned_alloc(64, bytes);
	memset(work, 0xff, bytes);
	assert_int_equal(burin_rt_run(p, ctx, 1, ports, work), BURIN_RT_OK);
	burin_rt_ctx_done(p, ctx);
	free(work);
}

/* Compiles the model and runs it once on random numbers; every result, and every new value of a
 * state, is as the reference has it. */
static inline void check_model(Model *m, double bound)
{
	Arena *a = m->c->arena;
	void *weights;
	compile_model(m);
	assert_true(prepare_weights(m->c, &m->k, &m->options.target, (JitOptions){ 0 }, &weights));
	m->k.main->weight = weights;
	JitProgram *jit = jit_program(m->c, m->k.main, &m->options.target, (JitOptions){ 0 });
	print_errors(m->c);
	assert_non_null(jit);
	const Graph *core = expand_macros(m->g, a);
	const StateLayout *l = m->k.main->state;
	int n_in = m->k.main->input.n, n_out = m->k.main->output.n;
	void **ports = ARENA_ARRAY(a, void *, n_in + n_out);
	EvalTensor *in = ARENA_ARRAY(a, EvalTensor, n_in + 1);
	EvalTensor *out = ARENA_ARRAY(a, EvalTensor, n_out + 1);
	EvalTensor *now = ARENA_ARRAY(a, EvalTensor, core->param.n + 1);
	EvalTensor *next = ARENA_ARRAY(a, EvalTensor, core->update.n + 1);
	char *state = aligned_alloc(64, l ? (size_t)l->bytes + 64 : 64);
	for (int i = 0; i < core->input.n; i++) {
		in[i] = eval_tensor(a, core->input.at[i]->type);
		fill(m, &in[i]);
		ports[i] = data_of(m, &in[i]);
	}
	for (int i = 0; i < core->param.n; i++) {
		const Node *n = core->param.at[i];
		now[i] = eval_tensor(a, n->type);
		if (n->name[0] != '.') /* what an optimiser remembers begins as zeros */
			fill(m, &now[i]);
		if (is_state(n))
			eval_to_data(&now[i], state + state_find(l, n->name)->offset);
	}
	if (l)
		ports[n_in - 1] = state;
	for (int i = 0; i < n_out; i++)
		ports[n_in + i] =
			arena_alloc(a, (size_t)type_bytes(m->k.main->output.at[i].type) + 8);
	assert_true(eval_graph(core, a, in, out, (EvalOptions){ .param = now, .next = next }));
	run_program(jit, ports);
	for (int i = 0; i < n_out; i++)
		check_close(&out[i], ports[n_in + i], m->k.main->output.at[i].name, bound);
	for (int u = 0; u < core->update.n; u++) {
		const char *name = core->update.at[u].state->name;
		check_close(&next[u], state + state_find(l, name)->offset, name, bound);
	}
	free(state);
	jit_destroy(jit);
	weights_free(weights);
}

static inline void check_written(WriteModel *write, int operators, bool training, double bound)
{
	Model m;
	write_model(&m, write, operators, training);
	check_model(&m, bound);
	forget_model(&m);
}
#endif
