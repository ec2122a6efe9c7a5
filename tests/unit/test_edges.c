/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Right values at the edges of the numbers: NaN, infinities, signs of zero, magnitudes near the
 * ends of the type, ties. Each row is evaluated by the reference, compiled for this machine in two
 * modes of --fp, and for a GPU, emulated. The values are those of the ONNX specification and of
 * numpy; where these leave it open, PyTorch's. */
#include "tests/unit/program_run.h"
#include "ir/text.h"
#include "passes/expand.h"
#include <math.h>
#include <string.h>

typedef struct Edge {
	const char *what;
	const char *graph; /* its text, without the name */
	const char *in;    /* numbers; ports are set apart by | */
	const char *want;
} Edge;

static const Edge edges[] = {
	/* --- order: NaN counts as the largest number, equal ones keep their order --- */
	{ "topk, largest",
	  "(%x: f32[8]) { %t = topk %x {k=5} : (f32[5], i64[5]) %v = get %t {index=0} : f32[5] %i "
	  "= get %t {index=1} : i64[5] return %v, %i }",
	  "1 nan 5 5 3 nan 5 -inf", "nan nan 5 5 5 | 1 5 2 3 6" },
	{ "topk, smallest",
	  "(%x: f32[8]) { %t = topk %x {k=8, largest=0} : (f32[8], i64[8]) %v = get %t {index=0} : "
	  "f32[8] %i = get %t {index=1} : i64[8] return %v, %i }",
	  "1 nan 5 5 3 nan 5 -inf", "-inf 1 3 5 5 5 nan nan | 7 0 4 2 3 6 1 5" },
	{ "topk of one", "(%x: f32[4]) { %t = topk_index %x {k=3} : i64[3] return %t }",
	  "3 nan 1 2", "1 0 3" },
	{ "topk, all NaN", "(%x: f32[4]) { %t = topk_index %x {k=2} : i64[2] return %t }",
	  "nan nan nan nan", "0 1" },
	{ "topk, zeros are equal", "(%x: f32[4]) { %t = topk_index %x {k=3} : i64[3] return %t }",
	  "-0 0 -0 0", "0 1 2" },
	{ "topk along the first dimension",
	  "(%x: f32[4,2]) { %t = topk_index %x {k=2, axis=0} : i64[2,2] return %t }",
	  "1 nan inf 2 nan -inf 7 2", "2 0 1 1" },
	{ "topk of the smallest integers",
	  "(%x: i64[5]) { %t = topk_index %x {k=4} : i64[4] return %t }",
	  "-9223372036854775808 3 9223372036854775807 3 0", "2 1 3 4" },
	{ "topk, f16", "(%x: f16[5]) { %t = topk_index %x {k=4} : i64[4] return %t }",
	  "65504 -inf nan inf 65504", "2 3 0 4" },
	{ "cumsum", "(%x: f32[5]) { %y = cumsum %x {axis=0} : f32[5] return %y }", "1 inf 2 -inf 3",
	  "1 inf inf nan nan" },
	{ "cumsum, exclusive and reverse",
	  "(%x: f32[2,3]) { %y = cumsum %x {axis=1, exclusive=1, reverse=1} : f32[2,3] return %y }",
	  "nan 1 2 1 nan 3", "3 2 0 nan 3 0" },
	{ "cumsum, i8 wraps", "(%x: i8[3]) { %y = cumsum %x {axis=0} : i8[3] return %y }",
	  "100 100 1", "100 -56 -55" },
};
enum { EDGES = sizeof edges / sizeof *edges, MOST_PORTS = 8, MOST_ELEMENTS = 64 };

/* --- values ---------------------------------------------------------------------------------- */

/* The numbers of a port; returns what is behind them. */
static const char *numbers(const char *text, DType t, void *to, int64_t *n)
{
	*n = 0;
	for (;;) {
		char *end;
		double v = strtod(text, &end);
		if (end == text)
			break;
		assert_true(*n < MOST_ELEMENTS);
		if (dtype_is_float(t))
			store_f64(t, to, *n, v);
		else
			store_i64(t, to, *n, strtoll(text, NULL, 10));
		++*n;
		text = end;
	}
	while (*text == ' ' || *text == '|')
		text++;
	return text;
}

static bool is_right(DType t, const void *got, const void *want, int64_t i)
{
	if (!dtype_is_float(t))
		return load_i64(t, got, i) == load_i64(t, want, i);
	double x = load_f64(t, got, i), y = load_f64(t, want, i);
	double few = t == DT_f64 ? 1e-14 : t == DT_f32 ? 1e-6 : t == DT_f16 ? 2e-3 : 1.6e-2;
	if (isnan(y) || isinf(y))
		return isnan(y) ? isnan(x) : x == y;
	if (y == 0)
		return x == 0 && !signbit(x) == !signbit(y);
	return fabs(x - y) <= few * fabs(y);
}

static void check(const Edge *e, const char *how, const Graph *g, void *const *got)
{
	const char *text = e->want;
	for (int r = 0; r < g->result.n; r++) {
		const Type *t = g->result.at[r]->type;
		char want[MOST_ELEMENTS * 8];
		int64_t n;
		text = numbers(text, t->dtype, want, &n);
		assert_int_equal(n, t->count);
		for (int64_t i = 0; i < n; i++)
			if (!is_right(t->dtype, got[r], want, i))
				fail_msg("%s, %s: result %d element %lld is %.9g, not %.9g",
					 e->what, how, r, (long long)i,
					 dtype_is_float(t->dtype)
						 ? load_f64(t->dtype, got[r], i)
						 : (double)load_i64(t->dtype, got[r], i),
					 dtype_is_float(t->dtype)
						 ? load_f64(t->dtype, want, i)
						 : (double)load_i64(t->dtype, want, i));
	}
}

/* --- the ways a graph is computed ------------------------------------------------------------ */

static Graph *make(Fixture *f, const Edge *e, void **ports)
{
	const char *text = arena_printf(f->c->arena, "graph @edge%s", e->graph), *in = e->in;
	Graph *g = graph_parse(f->c, f->c->arena, e->what, text, strlen(text));
	if (!g)
		fail_msg("%s: %s", e->what, messages(f->c));
	assert_true(g->input.n + g->result.n <= MOST_PORTS);
	for (int i = 0; i < g->input.n; i++) {
		const Type *t = g->input.at[i]->type;
		int64_t n;
		ports[i] = room(f, MOST_ELEMENTS * 8);
		in = numbers(in, t->dtype, ports[i], &n);
		assert_int_equal(n, t->count);
	}
	for (int i = 0; i < g->result.n; i++) {
		g->result_name.at[i] = "y";
		ports[g->input.n + i] = room(f, MOST_ELEMENTS * 8);
		memset(ports[g->input.n + i], 0x5a, MOST_ELEMENTS * 8);
	}
	return g;
}

static void evaluated(const Edge *e)
{
	Fixture *f;
	void *ports[MOST_PORTS];
	EvalTensor in[MOST_PORTS], out[MOST_PORTS];
	setup((void **)&f);
	const Graph *g = make(f, e, ports);
	for (int i = 0; i < g->input.n; i++)
		in[i] = eval_from_data(f->c->arena, g->input.at[i]->type, ports[i]);
	const Graph *core = expand_macros(g, f->c->arena);
	assert_non_null(core);
	assert_true(eval_graph(core, f->c->arena, in, out, (EvalOptions){ 0 }));
	for (int i = 0; i < g->result.n; i++)
		eval_to_data(&out[i], ports[g->input.n + i]);
	check(e, "evaluated", g, ports + g->input.n);
	teardown((void **)&f);
}

static void run_emulated(Fixture *f, const Program *p, void **ports)
{
	const BurinProgram *table = program_table(p);
	void *work = room(f, burin_rt_workspace_bytes(table, NULL));
	if (burin_rt_run(table, NULL, 1, ports, work))
		fail_msg("%s", program_fault(p));
}

static void compiled(const Edge *e, const char *target, FpMode fp)
{
	Fixture *f;
	void *ports[MOST_PORTS];
	CompileOptions o = { .threads = 1, .emulate = true };
	setup((void **)&f);
	f->c->fp = fp;
	o.pass.verify = true;
	assert_true(target_find(target, &o.pass.target));
	const Graph *g = make(f, e, ports);
	Program *p = program_compile(f->c, g, &o);
	if (!p)
		fail_msg("%s for %s: %s", e->what, target, messages(f->c));
	if (o.pass.target.kind == TARGET_CUDA)
		run_emulated(f, p, ports);
	else
		run(f, p, 1, ports);
	check(e, arena_printf(f->c->arena, "%s%s", target, fp == FP_STRICT ? " strict" : ""), g,
	      ports + g->input.n);
	program_destroy(p);
	teardown((void **)&f);
}

static void test_reference(void **state)
{
	(void)state;
	for (int i = 0; i < EDGES; i++)
		evaluated(&edges[i]);
}

static void test_compiled(void **state)
{
	(void)state;
	for (int i = 0; i < EDGES; i++)
		compiled(&edges[i], "native", FP_CONTRACT);
}

static void test_strict(void **state)
{
	(void)state;
	for (int i = 0; i < EDGES; i++)
		compiled(&edges[i], "native", FP_STRICT);
}

static void test_gpu(void **state)
{
	(void)state;
	for (int i = 0; i < EDGES; i++)
		compiled(&edges[i], "sm_80", FP_CONTRACT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reference),
		cmocka_unit_test(test_compiled),
		cmocka_unit_test(test_strict),
		cmocka_unit_test(test_gpu),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
