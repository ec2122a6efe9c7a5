/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* State in the plan: small graphs with updates are compiled, run several times over one block of
 * state, and compared with the reference. Which updates are written in place shows in the steps. */
#include "tests/unit/bound_check.h"
#include "codegen/codegen.h"
#include "codegen/prepare.h"
#include "ir/eval.h"
#include "ir/text.h"
#include "passes/pass.h"
#include "runtime/cpu/rt.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { RUNS = 3 };

typedef struct Machine {
	Context *c;
	Graph *g;
	Compiled k;     /* for this machine, to run */
	Compiled named; /* for x86-64-v4: what a plan consists of says nothing of where it runs */
	void *weights;
	JitProgram *jit;
	PassOptions options;
	int threads;
} Machine;

static void print_errors(Context *c)
{
	Str s;
	str_init(&s, c->arena);
	diag_print(c->diag, &s, 0, false);
	if (diag_errors(c->diag))
		print_message("%s\n", str_text(&s));
}

static void start(Machine *m, const char *text)
{
	*m = (Machine){ .c = context_create(), .threads = 1 };
	m->g = graph_parse(m->c, m->c->arena, "test", text, strlen(text));
	print_errors(m->c);
	assert_non_null(m->g);
	assert_true(graph_verify(m->g, LEVEL_T | LEVEL_M));
	assert_true(target_find("native", &m->options.target));
	m->options.verify = true;
	m->options.target = target_resolve(m->c->arena, &m->options.target);
}

static void compile(Machine *m)
{
	Pass p = { .ctx = m->c, .o = &m->options };
	const Target *t = &m->options.target;
	bool ok = compile_plans(&p, m->g, m->c->arena, &m->k) &&
		  prepare_weights(m->c, &m->k, t, (JitOptions){ 0 }, &m->weights);
	PassOptions o = m->options;
	assert_true(target_find("x86-64-v4", &o.target));
	p.o = &o;
	ok = ok && compile_plans(&p, m->g, m->c->arena, &m->named);
	print_errors(m->c);
	assert_true(ok);
	m->k.main->weight = m->weights;
	m->jit = jit_program(m->c, m->k.main, t, (JitOptions){ 0 });
	print_errors(m->c);
	assert_non_null(m->jit);
}

static void stop(Machine *m)
{
	jit_destroy(m->jit);
	weights_free(m->weights);
	context_destroy(m->c);
}

/* --- running --------------------------------------------------------------------------------- */

static void fill(EvalTensor *e, uint32_t *seed)
{
	for (int64_t i = 0; i < e->type->count; i++) {
		*seed = *seed * 1664525u + 1013904223u;
		int64_t v = (int64_t)(*seed >> 24) - 128;
		if (e->f)
			e->f[i] = (double)v / 64;
		else
			e->i[i] = v & 7;
	}
}

static void *as_data(Machine *m, const EvalTensor *e)
{
	void *data = arena_alloc(m->c->arena, (size_t)type_bytes(e->type) + 8);
	eval_to_data(e, data);
	return data;
}

static void check_inside(Machine *m, const Bounded *want, const void *have, const char *what,
			 Known *known)
{
	EvalTensor h = eval_from_data(m->c->arena, want->value.type, have);
	assert_bounded(what, want, &h, known);
}

static void *run_once(Machine *m, void **ports)
{
	const BurinProgram *p = jit_table(m->jit);
	char ctx[BURIN_CTX_BYTES];
	burin_rt_ctx_init(p, ctx, m->threads);
	size_t bytes = (burin_rt_workspace_bytes(p, ctx) + 63) / 64 * 64;
	void *work = aligned_alloc(64, bytes);
	memset(work, 0xff, bytes);
	assert_int_equal(burin_rt_run(p, ctx, 1, ports, work), BURIN_RT_OK);
	burin_rt_ctx_done(p, ctx);
	free(work);
	return NULL;
}

/* RUNS runs over one state; every result and every new state as the reference has it for the state
 * that the run met. */
static void check(Machine *m)
{
	const Plan *plan = m->k.main;
	const StateLayout *l = plan->state;
	Arena *a = m->c->arena;
	int n_in = plan->input.n, n_out = plan->output.n;
	uint32_t seed = 5;
	assert_non_null(l);
	assert_string_equal(plan->input.at[n_in - 1].name, "state");
	assert_int_equal(plan->input.at[n_in - 1].type->count, l->bytes);
	char *state = aligned_alloc(64, (size_t)l->bytes + 64);
	EvalTensor *now = ARENA_ARRAY(a, EvalTensor, m->g->param.n + 1);
	Known known = { 0 };
	for (int i = 0; i < m->g->param.n; i++) {
		const Node *n = m->g->param.at[i];
		now[i] = eval_tensor(a, n->type);
		if (ATTR_OF(n, param)->data)
			now[i] = eval_from_data(a, n->type, ATTR_OF(n, param)->data->data);
		else
			fill(&now[i], &seed);
		if (is_state(n))
			eval_to_data(&now[i], state + state_find(l, n->name)->offset);
	}
	for (int r = 0; r < RUNS; r++) {
		void **ports = ARENA_ARRAY(a, void *, n_in + n_out);
		EvalTensor *in = ARENA_ARRAY(a, EvalTensor, n_in);
		Bounded *out = ARENA_ARRAY(a, Bounded, n_out + 1);
		Bounded *next = ARENA_ARRAY(a, Bounded, m->g->update.n + 1);
		for (int i = 0; i < n_in - 1; i++) {
			in[i] = eval_tensor(a, plan->input.at[i].type);
			fill(&in[i], &seed);
			ports[i] = as_data(m, &in[i]);
		}
		ports[n_in - 1] = state;
		for (int i = 0; i < n_out; i++)
			ports[n_in + i] =
				arena_alloc(a, (size_t)type_bytes(plan->output.at[i].type) + 8);
		BoundOptions o = { .param = now, .next = next };
		assert_true(bound_graph(m->g, a, in, out, o));
		run_once(m, ports);
		for (int i = 0; i < n_out; i++)
			check_inside(m, &out[i], ports[n_in + i], plan->output.at[i].name, &known);
		for (int i = 0; i < m->g->param.n; i++) {
			const Node *n = m->g->param.at[i];
			if (!is_state(n))
				continue;
			const char *at = state + state_find(l, n->name)->offset;
			Bounded want = { now[i], eval_tensor(a, n->type) }; /* unless updated */
			for (int u = 0; u < m->g->update.n; u++)
				if (m->g->update.at[u].state == n)
					want = next[u];
			check_inside(m, &want, at, n->name, &known);
			now[i] = eval_from_data(a, n->type, at);
		}
	}
	assert_known(known);
	free(state);
}

/* Does a step write memory of the state at this offset, apart from copies? */
static int writers(const Machine *m, const char *name, bool copies)
{
	const Plan *p = m->named.main;
	int64_t offset = state_find(p->state, name)->offset;
	int n = 0;
	for (int i = 0; i < p->step.n; i++) {
		const Step *s = &p->step.at[i];
		for (int k = 0, b = 0; k < s->n_arg; k++, b++) {
			while (s->kernel->buf.at[b].space != BUF_ARG)
				b++;
			n += s->arg[k].space == SPACE_INPUT && s->arg[k].index == p->input.n - 1 &&
			     s->arg[k].offset == offset && s->kernel->buf.at[b].written &&
			     str_eq(s->kind, "copy") == copies;
		}
	}
	return n;
}

static void in_place(Machine *m, const char *name)
{
	assert_int_equal(writers(m, name, false), 1);
	assert_int_equal(writers(m, name, true), 0);
}

static void copied(Machine *m, const char *name)
{
	assert_int_equal(writers(m, name, false), 0);
	assert_int_equal(writers(m, name, true), 1);
}

static void run_text(Machine *m, const char *text)
{
	start(m, text);
	compile(m);
	check(m);
	m->threads = 3;
	check(m);
}

/* --- tests ----------------------------------------------------------------------------------- */

static void one_update(void **state)
{
	Machine m;
	(void)state;
	run_text(&m, "graph @g(%x: f32[700], %w: f32[700] param {state=yes}) {\n"
		     "  %0 = mul %x, %w : f32[700]\n"
		     "  %1 = sub %w, %0 : f32[700]\n"
		     "  update %w = %1\n"
		     "  return %0\n}\n");
	in_place(&m, "w");
	assert_int_equal(m.named.main->step.n, 1);
	stop(&m);
}

/* Each becomes what the other was. */
static void swap(void **state)
{
	Machine m;
	(void)state;
	run_text(&m, "graph @g(%x: f32[40], %a: f32[40] param {state=yes},\n"
		     "   %b: f32[40] param {state=yes}) {\n"
		     "  %0 = add %a, %x : f32[40]\n"
		     "  update %a = %b\n"
		     "  update %b = %a\n"
		     "  return %0\n}\n");
	assert_int_equal(writers(&m, "a", true), 1);
	assert_int_equal(writers(&m, "b", true), 1);
	stop(&m);
}

/* The same with computing on the way: one at most may be written in place. */
static void computed_swap(void **state)
{
	Machine m;
	(void)state;
	run_text(&m, "graph @g(%x: f32[6,40], %a: f32[6,40] param {state=yes},\n"
		     "   %b: f32[6,40] param {state=yes}) {\n"
		     "  %0 = reduce_sum %a {axes=[0]} : f32[40]\n"
		     "  %1 = broadcast %0 {shape=[6, 40]} : f32[6,40]\n"
		     "  %2 = add %1, %b : f32[6,40]\n"
		     "  %3 = reduce_sum %b {axes=[1]} : f32[6]\n"
		     "  %4 = reshape %3 {shape=[6, 1]} : f32[6,1]\n"
		     "  %5 = broadcast %4 {shape=[6, 40]} : f32[6,40]\n"
		     "  %6 = add %5, %a : f32[6,40]\n"
		     "  %7 = mul %6, %x : f32[6,40]\n"
		     "  update %b = %2\n"
		     "  update %a = %7\n"
		     "  return %7\n}\n");
	stop(&m);
}

/* A cycle of three that no order serves. */
static void rotation(void **state)
{
	Machine m;
	(void)state;
	run_text(&m, "graph @g(%x: f32[5,8], %a: f32[5,8] param {state=yes},\n"
		     "   %b: f32[5,8] param {state=yes}, %c: f32[5,8] param {state=yes}) {\n"
		     "  %0 = transpose %a {perm=[1, 0]} : f32[8,5]\n"
		     "  %1 = matmul %b, %0 : f32[5,5]\n"
		     "  %2 = matmul %1, %b : f32[5,8]\n"
		     "  %3 = matmul %1, %c : f32[5,8]\n"
		     "  %4 = matmul %1, %a : f32[5,8]\n"
		     "  update %a = %2\n"
		     "  update %b = %3\n"
		     "  update %c = %4\n"
		     "  return %1\n}\n");
	stop(&m);
}

/* What reads the old value elsewhere comes first: the product that wants the old weights runs
 * before they change, though it stands behind in the text. */
static void readers_first(void **state)
{
	Machine m;
	(void)state;
	run_text(&m,
		 "graph @g(%x: f32[20,30], %dy: f32[20,17], %w: f32[30,17] param {state=yes}) {\n"
		 "  %g = matmul %x, %dy {trans_x=yes} : f32[30,17]\n"
		 "  %c = fill {shape=[30, 17], value=0.0125} : f32[30,17]\n"
		 "  %s = mul %g, %c : f32[30,17]\n"
		 "  %n = sub %w, %s : f32[30,17]\n"
		 "  %dx = matmul %dy, %w {trans_w=yes} : f32[20,30]\n"
		 "  %r = relu %dx : f32[20,30]\n"
		 "  update %w = %n\n"
		 "  return %r\n}\n");
	in_place(&m, "w");
	assert_int_equal(m.named.main->step.n, 2);
	stop(&m);
}

/* An optimiser with moments is one pass, alone and behind a product. */
#define ADAM \
	"  %b1 = fill {shape=[30, 17], value=0.5} : f32[30,17]\n" \
	"  %b2 = fill {shape=[30, 17], value=0.75} : f32[30,17]\n" \
	"  %e = fill {shape=[30, 17], value=0.25} : f32[30,17]\n" \
	"  %m0 = mul %m, %b1 : f32[30,17]\n" \
	"  %m1 = mul %g, %b1 : f32[30,17]\n" \
	"  %m2 = add %m0, %m1 : f32[30,17]\n" \
	"  %v0 = mul %v, %b2 : f32[30,17]\n" \
	"  %v1 = mul %g, %g : f32[30,17]\n" \
	"  %v2 = mul %v1, %e : f32[30,17]\n" \
	"  %v3 = add %v0, %v2 : f32[30,17]\n" \
	"  %d0 = sqrt %v3 : f32[30,17]\n" \
	"  %d1 = add %d0, %e : f32[30,17]\n" \
	"  %d2 = div %m2, %d1 : f32[30,17]\n" \
	"  %r = broadcast %rate {shape=[30, 17]} : f32[30,17]\n" \
	"  %d3 = mul %d2, %r : f32[30,17]\n" \
	"  %p1 = sub %p, %d3 : f32[30,17]\n" \
	"  update %p = %p1\n" \
	"  update %m = %m2\n" \
	"  update %v = %v3\n"
#define MOMENTS \
	"%p: f32[30,17] param {state=yes}, %m: f32[30,17] param {state=yes},\n" \
	"%v: f32[30,17] param {state=yes, data=dense(\"v\", 0x7)}"

static void keep_positive(Machine *m)
{
	for (int i = 0; i < m->g->param.n; i++) {
		Node *n = m->g->param.at[i];
		Attr_param a = *ATTR_OF(n, param);
		if (!a.data)
			continue;
		float *data = ARENA_ARRAY(m->c->arena, float, n->type->count);
		for (int64_t k = 0; k < n->type->count; k++)
			data[k] = (float)(k % 7) / 4;
		a.data = blob_wrap(m->c, n->type, data, "positive");
		n->attr = attr_intern(m->c, ATTR_param_RECORD, &a);
	}
}

static void check_adam(const char *text, int steps)
{
	Machine m;
	start(&m, text);
	keep_positive(&m);
	compile(&m);
	check(&m);
	in_place(&m, "p");
	in_place(&m, "m");
	in_place(&m, "v");
	assert_int_equal(m.named.main->step.n, steps);
	stop(&m);
}

static void moments(void **state)
{
	(void)state;
	check_adam("graph @g(%g: f32[30,17], %rate: f32, " MOMENTS ") {\n" ADAM "  return %d3\n}\n",
		   1);
	check_adam("graph @g(%x: f32[20,30], %dy: f32[20,17], %rate: f32, " MOMENTS ") {\n"
		   "  %g = matmul %x, %dy {trans_x=yes} : f32[30,17]\n" ADAM "  return %x\n}\n",
		   2);
}

/* Many parameters: their updates wait for nothing of each other's. */
static void joined(void **state)
{
	Machine m;
	Str s;
	Arena *a = arena_create();
	(void)state;
	str_init(&s, a);
	str_add(&s, "graph @g(%x: f32[300]");
	for (int i = 0; i < 20; i++)
		str_fmt(&s, ", %%w%d: f32[300] param {state=yes}", i);
	str_add(&s, ") {\n");
	for (int i = 0; i < 20; i++)
		str_fmt(&s,
			"  %%a%d = mul %%w%d, %%x : f32[300]\n  %%n%d = add %%a%d, %%w%d : "
			"f32[300]\n",
			i, i, i, i, i);
	for (int i = 0; i < 20; i++)
		str_fmt(&s, "  update %%w%d = %%n%d\n", i, i);
	str_add(&s, "  return %x\n}\n");
	run_text(&m, str_text(&s));
	for (int i = 0; i < 20; i++)
		in_place(&m, arena_printf(a, "w%d", i));
	for (int i = 1; i < 20; i++)
		assert_true(m.named.main->step.at[i].joins);
	assert_int_equal(m.named.main->kernel.n, 2); /* and the copy to the result */
	stop(&m);
	arena_destroy(a);
}

/* Views of states, states that are results, a value for two states, scalars, a state that stays,
 * constants, integers. */
static void odd_ones(void **state)
{
	Machine m;
	(void)state;
	run_text(&m, "graph @g(%x: f32[4,6], %a: f32[4,6] param {state=yes},\n"
		     "  %b: f32[24] param {state=yes}, %t: f32[6,4] param {state=yes},\n"
		     "  %n: i64 param {state=yes}, %k: f32[4,6] param {state=yes},\n"
		     "  %z: f32[3] param {state=yes}, %e: f32[4,6] param {state=yes},\n"
		     "  %f: f32[4,6] param {data=dense(\"f\", 0x3)}) {\n"
		     "  %0 = add %a, %x : f32[4,6]\n"
		     "  %1 = reshape %0 {shape=[24]} : f32[24]\n"
		     "  %2 = transpose %k {perm=[1, 0]} : f32[6,4]\n"
		     "  %3 = const {data=1} : i64\n"
		     "  %4 = add %n, %3 : i64\n"
		     "  %5 = fill {shape=[3], value=2} : f32[3]\n"
		     "  %6 = mul %e, %f : f32[4,6]\n"
		     "  %7 = slice %b {begin=[2], count=[5], step=[3]} : f32[5]\n"
		     "  update %a = %0\n"
		     "  update %b = %1\n"
		     "  update %t = %2\n"
		     "  update %n = %4\n"
		     "  update %k = %k\n"
		     "  update %z = %5\n"
		     "  update %e = %6\n"
		     "  return %a, %7, %n as n, %6\n}\n");
	copied(&m, "t");
	stop(&m);
}

/* Through a reshape, as passes leave it. */
static void reshaped(void **state)
{
	Machine m;
	(void)state;
	run_text(&m, "graph @g(%x: f32[40], %w: f32[5,8] param {state=yes}) {\n"
		     "  %0 = reshape %w {shape=[40]} : f32[40]\n"
		     "  %1 = sub %0, %x : f32[40]\n"
		     "  %2 = reshape %1 {shape=[5, 8]} : f32[5,8]\n"
		     "  update %w = %2\n"
		     "  return %x\n}\n");
	in_place(&m, "w");
	stop(&m);
}

/* An element that the same pass reads elsewhere too cannot be overwritten. */
static void read_elsewhere(void **state)
{
	Machine m;
	(void)state;
	run_text(&m, "graph @g(%x: f32[9,9], %w: f32[9,9] param {state=yes}) {\n"
		     "  %0 = transpose %w {perm=[1, 0]} : f32[9,9]\n"
		     "  %1 = mul %0, %x : f32[9,9]\n"
		     "  %2 = add %w, %1 : f32[9,9]\n"
		     "  update %w = %2\n"
		     "  return %1\n}\n");
	copied(&m, "w");
	stop(&m);
}

/* A layout of another graph's making: places are found by name, whatever else there is. */
static void foreign_layout(void **state)
{
	Machine m;
	(void)state;
	start(&m, "graph @g(%x: f32[3], %w: f32[3] param {state=yes}) {\n"
		  "  %0 = add %w, %x : f32[3]\n"
		  "  update %w = %0\n"
		  "  return %x\n}\n");
	StateLayout l = { .bytes = 256 };
	StateTensor other = { "v", m.g->param.at[0]->type, 0, NULL, false };
	StateTensor own = { "w", m.g->param.at[0]->type, 128, NULL, true };
	vec_push(m.c->arena, &l.tensor, other);
	vec_push(m.c->arena, &l.tensor, own);
	Pass p = { .ctx = m.c, .o = &m.options, .state = &l };
	assert_true(compile_plans(&p, m.g, m.c->arena, &m.k));
	m.named = m.k; /* only where things lie is asked of it */
	assert_true(prepare_weights(m.c, &m.k, &m.options.target, (JitOptions){ 0 }, &m.weights));
	m.jit = jit_program(m.c, m.k.main, &m.options.target, (JitOptions){ 0 });
	assert_non_null(m.jit);
	check(&m);
	assert_int_equal(m.k.main->input.at[1].type->count, 256);
	in_place(&m, "w");
	l.tensor.n = 1;
	assert_null(plan_graph(&p, m.k.split.main, m.c->arena));
	stop(&m);
}

/* A new value goes to its place when what it is made of is there and who reads the old one is done:
 * before the second product, though it stands behind. */
static void soon(void **state)
{
	Machine m;
	(void)state;
	run_text(&m, "graph @g(%x: f32[20,30], %dy: f32[20,17], %v: f32[30,9],\n"
		     "   %w: f32[30,17] param {state=yes}) {\n"
		     "  %g = matmul %x, %dy {trans_x=yes} : f32[30,17]\n"
		     "  %m = reduce_max %g {axes=[0]} : f32[17]\n"
		     "  %dx = matmul %dy, %w {trans_w=yes} : f32[20,30]\n"
		     "  %dv = matmul %dx, %v : f32[20,9]\n"
		     "  %b = broadcast %m {shape=[30, 17]} : f32[30,17]\n"
		     "  %s = sub %g, %b : f32[30,17]\n"
		     "  %n = add %w, %s : f32[30,17]\n"
		     "  update %w = %n\n"
		     "  return %dv\n}\n");
	in_place(&m, "w");
	assert_int_equal(m.named.main->step.n, 5);
	assert_string_equal(m.named.main->step.at[3].kind, "rows");
	stop(&m);
}

/* What is stored over the old value is summed in the same pass, which then must not read it. */
static void summed(void **state)
{
	Machine m;
	(void)state;
	run_text(&m, "graph @g(%x: f32[20,17], %w: f32[20,17] param {state=yes}) {\n"
		     "  %n = add %w, %x : f32[20,17]\n"
		     "  %q = mul %n, %n : f32[20,17]\n"
		     "  %s = reduce_sum %q {axes=[0]} : f32[17]\n"
		     "  update %w = %n\n"
		     "  return %s\n}\n");
	in_place(&m, "w");
	assert_int_equal(m.named.main->step.n, 1);
	stop(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_update),     cmocka_unit_test(swap),
		cmocka_unit_test(computed_swap),  cmocka_unit_test(rotation),
		cmocka_unit_test(readers_first),  cmocka_unit_test(moments),
		cmocka_unit_test(joined),         cmocka_unit_test(odd_ones),
		cmocka_unit_test(reshaped),       cmocka_unit_test(read_elsewhere),
		cmocka_unit_test(foreign_layout), cmocka_unit_test(soon),
		cmocka_unit_test(summed),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
