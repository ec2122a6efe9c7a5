/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Attention written as layers is one operator before the gradients are made: the step of a
 * transformer block holds it, its gradient is that of the operator, and the step is the same as
 * without that pass. */
#include "include/burin.h"
#include "ir/eval.h"
#include "ir/model.h"
#include "passes/expand.h"
#include "passes/train.h"
#include "tests/unit/check.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

#define PATH BURIN_BUILD_DIR "/test_train_attention.xml"
enum { BATCH = 3, WORDS = 6, WIDTH = 16, HEADS = 2, MOST = 64 };

static const char model[] =
	"<graph name='block'>"
	"<block name='heads'><reshape shape='0,0,2,8'/><transpose perm='0 2 1 3'/></block>"
	"<input id='x' shape='N,6,16'/>"
	"<linear id='query' in='x' units='16'/><use id='q' block='heads'/>"
	"<linear id='key' in='x' units='16'/><use id='k' block='heads'/>"
	"<linear id='value' in='x' units='16'/><use id='v' block='heads'/>"
	"<transpose id='kt' in='k' perm='0 1 3 2'/>"
	"<product in='q kt'/><mul y='0.35355339'/><softmax id='p'/>"
	"<product in='p v'/><transpose perm='0 2 1 3'/><reshape shape='0,0,16'/>"
	"<linear id='out' units='16'/><add y='x'/><layernorm id='ln1'/>"
	"<linear id='mlp1' units='32'/><gelu/><linear id='mlp2' units='16'/>"
	"<add y='ln1'/><layernorm id='ln2'/><output id='y'/>"
	"<training loss='loss'><input id='target' shape='N,6,16'/>"
	"<mse id='loss' in='ln2 target'/><sgd lr='0.1'/></training></graph>";

typedef struct Class {
	burin_opts *o;
	burin_graph *g;
	float x[BATCH * WORDS * WIDTH], target[BATCH * WORDS * WIDTH];
} Class;

static int set_up(void **state)
{
	static Class k;
	burin_error e = { .size = sizeof e };
	FILE *f = fopen(PATH, "w");
	if (!f || fwrite(model, sizeof model - 1, 1, f) != 1 || fclose(f))
		return -1;
	for (int i = 0; i < BATCH * WORDS * WIDTH; i++) {
		k.x[i] = (float)sin(i * 0.7);
		k.target[i] = (float)cos(i * 1.3);
	}
	*state = &k;
	burin_status s = burin_opts_new(&k.o, &e);
	s = s ? s : burin_opts_set(k.o, "bind.N", "3", &e);
	s = s ? s : burin_opts_set(k.o, "model-weights", "init:seed=5", &e);
	s = s ? s : burin_read(&k.g, PATH, k.o, NULL, &e);
	if (s)
		print_error("%s\n", e.message);
	return (int)s;
}

static int tear_down(void **state)
{
	Class *k = *state;
	burin_graph_free(k->g);
	burin_opts_free(k->o);
	return remove(PATH);
}

static Graph *step_graph(Class *k, bool off)
{
	Context *c = k->g->ctx;
	PassOptions o = { 0 };
	Pass p = { .ctx = c, .o = &o };
	o.off[PASS_attention] = off;
	Graph *step = train_graph(&p, k->g->rebuild(k->g, BATCH, true), c->arena);
	assert_non_null(step);
	return step;
}

static int count(const Graph *g, Op op)
{
	int n = 0;
	for (int i = 0; i < g->node.n; i++)
		n += g->node.at[i]->op == op;
	return n;
}

/* Parameters after a step, in double precision. */
static EvalTensor *after_step(Class *k, const Graph *step)
{
	Arena *a = k->g->ctx->arena;
	const Graph *g = expand_macros(step, a);
	EvalTensor in[3], out[1], *next = ARENA_ARRAY(a, EvalTensor, g->update.n);
	EvalTensor *param = ARENA_ARRAY(a, EvalTensor, g->param.n);
	assert_int_equal(g->input.n, 3);
	in[0] = eval_from_data(a, g->input.at[0]->type, k->x);
	in[1] = eval_from_data(a, g->input.at[1]->type, k->target);
	in[2] = eval_tensor(a, g->input.at[2]->type);
	in[2].f[0] = 0.1;
	for (int i = 0; i < g->param.n; i++) {
		const Blob *b = ATTR_OF(g->param.at[i], param)->data;
		param[i] = eval_tensor(a, g->param.at[i]->type);
		for (int64_t j = 0; j < g->param.at[i]->type->count; j++)
			param[i].f[j] = blob_f64(b, j);
	}
	EvalOptions o = { .param = param, .next = next };
	assert_true(eval_graph(g, a, in, out, o));
	return next;
}

static const char *updated(const Graph *g, int i)
{
	return ATTR_OF(g->update.at[i].state, param)->name;
}

static void the_step_holds_attention(void **state)
{
	Class *k = *state;
	const Graph *on = step_graph(k, false), *off = step_graph(k, true);
	assert_int_equal(count(on, OP_attention), 1);
	assert_int_equal(count(off, OP_attention), 0);
	/* the weights are not kept for the gradient but made again from q and k */
	assert_int_equal(count(on, OP_softmax), 1);
	EvalTensor *fused = after_step(k, on), *plain = after_step(k, off);
	assert_int_equal(on->update.n, 16);
	assert_int_equal(off->update.n, 16);
	for (int i = 0; i < on->update.n; i++) {
		int m = 0;
		while (!str_eq(updated(on, i), updated(off, m)))
			assert_true(++m < off->update.n);
		for (int64_t j = 0; j < fused[i].type->count; j++)
			if (!(fabs(fused[i].f[j] - plain[m].f[j]) <= 1e-12))
				fail_msg("%s[%lld] becomes %.17g, without the pass %.17g",
					 updated(on, i), (long long)j, fused[i].f[j],
					 plain[m].f[j]);
	}
}

static void the_compiled_step_is_the_same(void **state)
{
	Class *k = *state;
	burin_trainer *t;
	const burin_port *port;
	burin_error e = { .size = sizeof e };
	int64_t shape[3] = { BATCH, WORDS, WIDTH };
	double loss;
	assert_int_equal(burin_trainer_new(&t, k->g, k->o, NULL, &e), BURIN_OK);
	burin_tensor in[2] = { { .data = k->x,
				 .device = { 1, 0 },
				 .ndim = 3,
				 .dtype = { 2, 32, 1 },
				 .shape = shape },
			       { .data = k->target,
				 .device = { 1, 0 },
				 .ndim = 3,
				 .dtype = { 2, 32, 1 },
				 .shape = shape } };
	const Graph *off = step_graph(k, true);
	EvalTensor *want = after_step(k, off);
	assert_int_equal(burin_train_step(t, 0.1, in, 2, &loss, 1, &e), BURIN_OK);
	size_t n = burin_trainer_state(t, &port);
	assert_int_equal(n, 16);
	for (size_t i = 0; i < n; i++) {
		int m = 0;
		while (!str_eq(port[i].name, updated(off, m)))
			assert_true(++m < off->update.n);
		for (int64_t j = 0; j < want[m].type->count; j++) {
			double have = (double)((const float *)port[i].spec.data)[j];
			if (!(fabs(have - want[m].f[j]) <= 1e-6))
				fail_msg("%s[%lld] becomes %.9g, not %.9g", port[i].name,
					 (long long)j, have, want[m].f[j]);
		}
	}
	burin_trainer_free(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(the_step_holds_attention, set_up, tear_down),
		cmocka_unit_test_setup_teardown(the_compiled_step_is_the_same, set_up, tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
