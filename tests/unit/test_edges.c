/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Right values at the edges of the numbers: NaN, infinities, signs of zero, magnitudes near the
 * ends of the type, ties. Each row is evaluated by the reference, compiled for this machine in two
 * modes of --fp, and for a GPU, emulated. The values are those of the ONNX specification and of
 * numpy; where these leave it open, PyTorch's. */
#include "tests/unit/program_run.h"
#include "ir/text.h"
#include "passes/autodiff.h"
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
	/* --- elementary functions near 0, far from it, and beyond the numbers --- */
	{ "expm1", "(%x: f32[8]) { %y = expm1 %x : f32[8] return %y }",
	  "-0 1e-8 -1e-8 -17 -200 -inf 88.7 nan",
	  "-0 1.00000000500e-8 -9.99999995e-9 -0.99999996 -1 -1 3.32597676e38 nan" },
	{ "log1p", "(%x: f32[9]) { %y = log1p %x : f32[9] return %y }",
	  "-0 1e-8 -1e-8 -1 -2 1e38 inf nan 1e-40",
	  "-0 9.99999995e-9 -1.000000005e-8 -inf nan 87.498233535 inf nan 1e-40" },
	{ "softplus and its logarithm",
	  "(%x: f32[8]) { %y = softplus %x : f32[8] %z = log %y : f32[8] return %y, %z }",
	  "-17 -20 -80 100 3e38 inf -inf nan",
	  "4.1399375e-8 2.0611537e-9 1.8048515e-35 100 3e38 inf 0 nan |"
	  "-17 -20 -80 4.60517019 88.5968458 inf -inf nan" },
	{ "elu", "(%x: f32[7]) { %y = elu %x {alpha=2} : f32[7] return %y }",
	  "-1e-6 -0 -100 1e30 inf -inf nan", "-1.9999990e-6 -0 -2 1e30 inf -2 nan" },
	{ "selu", "(%x: f32[5]) { %y = selu %x : f32[5] return %y }", "-1e-6 -100 inf -inf nan",
	  "-1.75809847e-6 -1.75809934 inf -1.75809934 nan" },
	{ "mish", "(%x: f32[4]) { %y = mish %x : f32[4] return %y }", "-30 1e30 inf nan",
	  "-2.8072868906e-12 1e30 inf nan" },
	{ "sinh", "(%x: f32[9]) { %y = sinh %x : f32[9] return %y }",
	  "-0 1e-6 89 -89.4 89.5 100 inf -inf nan",
	  "-0 1e-6 2.2448064e38 -3.34886275e38 inf inf inf -inf nan" },
	{ "cosh", "(%x: f32[7]) { %y = cosh %x : f32[7] return %y }",
	  "-0 89 -89.4 89.5 inf -inf nan", "1 2.2448064e38 3.34886275e38 inf inf inf nan" },
	{ "hard_swish", "(%x: f32[6]) { %y = hard_swish %x : f32[6] return %y }",
	  "2e38 3.4e38 -3.4e38 inf 1.5 nan", "2e38 3.4e38 -0 inf 1.125 nan" },
	{ "hard_sigmoid", "(%x: f32[5]) { %y = hard_sigmoid %x {alpha=2} : f32[5] return %y }",
	  "3e38 -3e38 inf -inf nan", "1 0 1 0 nan" },
	{ "sigmoid and tanh",
	  "(%x: f32[6]) { %y = sigmoid %x : f32[6] %z = tanh %x : f32[6] return %y, %z }",
	  "-80 3e38 -3e38 inf -inf nan", "1.8048515e-35 1 0 1 0 nan | -1 1 -1 1 -1 nan" },
	{ "silu and gelu",
	  "(%x: f32[4]) { %y = silu %x : f32[4] %z = gelu %x : f32[4] return %y, %z }",
	  "3e38 -3e38 inf nan", "3e38 -0 inf nan | 3e38 -0 inf nan" },
	{ "log_softmax and logsumexp",
	  "(%x: f32[3]) { %y = log_softmax %x : f32[3] %z = reduce_logsumexp %x : f32 return %y, "
	  "%z }",
	  "3e38 3e38 -3e38", "-0.693147181 -0.693147181 -inf | 3e38" },
	{ "softmax of a hidden element", "(%x: f32[3]) { %y = softmax %x : f32[3] return %y }",
	  "-inf 1 1", "0 0.5 0.5" },
	/* --- attention: hidden keys --- */
	{ "a NaN in a hidden key and value stays there",
	  "(%q: f32[1,1,2,1], %k: f32[1,1,2,1], %m: bool[2,2]) {"
	  " %v = fill {shape=[1, 1, 2, 1], value=3} : f32[1,1,2,1]"
	  " %y = attention %q, %k, %v, %m : f32[1,1,2,1] return %y }",
	  "1 2 | 1 nan | 1 0 1 0", "3 3" },
	{ "masked scores written out: Where(mask, q k, -1e9)",
	  "(%q: f32[1,2,1], %k: f32[1,1,3], %v: f32[1,3,1], %m: bool[1,2,3]) {"
	  " %s = matmul %q, %k : f32[1,2,3]"
	  " %c = fill {shape=[1, 2, 3], value=-1e9} : f32[1,2,3]"
	  " %t = select %m, %s, %c : f32[1,2,3]"
	  " %p = softmax %t : f32[1,2,3]"
	  " %y = matmul %p, %v : f32[1,2,1] return %y }",
	  "1 2 | 1 nan 1 | 3 9 6 | 1 0 1 0 0 0", "4.5 6" },
	{ "a finite mask that leaves the first of more queries than keys without one",
	  "(%q: f32[1,3,1], %k: f32[1,1,2], %v: f32[1,2,1]) {"
	  " %s = matmul %q, %k : f32[1,3,2]"
	  " %i = iota {shape=[1, 3, 2], axis=1} : i64[1,3,2]"
	  " %j = iota {shape=[1, 3, 2], axis=2} : i64[1,3,2]"
	  " %m = gt %i, %j : bool[1,3,2]"
	  " %c = fill {shape=[1, 3, 2], value=-1e9} : f32[1,3,2]"
	  " %t = select %m, %s, %c : f32[1,3,2]"
	  " %p = softmax %t : f32[1,3,2]"
	  " %y = matmul %p, %v : f32[1,3,1] return %y }",
	  "1 2 0 | 1 5 | 3 9", "6 3 6" },
	{ "the same, hidden by infinity",
	  "(%q: f32[1,3,1], %k: f32[1,1,2], %v: f32[1,2,1]) {"
	  " %s = matmul %q, %k : f32[1,3,2]"
	  " %i = iota {shape=[1, 3, 2], axis=1} : i64[1,3,2]"
	  " %j = iota {shape=[1, 3, 2], axis=2} : i64[1,3,2]"
	  " %m = gt %i, %j : bool[1,3,2]"
	  " %c = fill {shape=[1, 3, 2], value=-inf} : f32[1,3,2]"
	  " %t = select %m, %s, %c : f32[1,3,2]"
	  " %p = softmax %t : f32[1,3,2]"
	  " %y = matmul %p, %v : f32[1,3,1] return %y }",
	  "1 2 0 | 1 5 | 3 9", "nan 3 6" },
	/* --- sums in order --- */
	{ "cumsum", "(%x: f32[5]) { %y = cumsum %x {axis=0} : f32[5] return %y }", "1 inf 2 -inf 3",
	  "1 inf inf nan nan" },
	{ "cumsum, exclusive and reverse",
	  "(%x: f32[2,3]) { %y = cumsum %x {axis=1, exclusive=1, reverse=1} : f32[2,3] return %y }",
	  "nan 1 2 1 nan 3", "3 2 0 nan 3 0" },
	{ "cumsum, i8 wraps", "(%x: i8[3]) { %y = cumsum %x {axis=0} : i8[3] return %y }",
	  "100 100 1", "100 -56 -55" },
};
/* Chains of constants, which rules and folding shorten: in --fp fast, too. */
static const Edge chains[] = {
	{ "scales whose product overflows stay apart",
	  "(%x: f32[2,1], %w: f32[1,1] param {data=[2]}) {"
	  " %p = matmul %x, %w : f32[2,1]"
	  " %c = fill {shape=[2, 1], value=1e25} : f32[2,1]"
	  " %a = mul %p, %c : f32[2,1]"
	  " %y = mul %a, %c : f32[2,1] return %y }",
	  "1e-30 -3e-20", "2e20 -6e30" },
	{ "likewise quotients that vanish",
	  "(%x: f32[2,1], %w: f32[1,1] param {data=[2]}) {"
	  " %p = matmul %x, %w : f32[2,1]"
	  " %c = fill {shape=[2, 1], value=1e25} : f32[2,1]"
	  " %a = div %p, %c : f32[2,1]"
	  " %y = div %a, %c : f32[2,1] return %y }",
	  "1e30 -3e20", "2e-20 -6e-30" },
	{ "a quotient whose reciprocal would be infinite",
	  "(%x: f32[2]) { %c = fill {shape=[2], value=7.346839692639297e-40} : f32[2]"
	  " %y = div %x, %c : f32[2] return %y }",
	  "0x1p-130 -0x1p-120", "1 -1024" },
	{ "products of constants that vanish",
	  "(%x: f32[2]) { %c = fill {shape=[2], value=1e-30} : f32[2]"
	  " %a = mul %x, %c : f32[2] %y = mul %a, %c : f32[2] return %y }",
	  "1e30 -3e35", "1e-30 -3e-25" },
};
enum { CHAINS = sizeof chains / sizeof *chains };

/* Gradients of the sum of the only result by the only input: at kinks the slope that PyTorch takes.
 */
static const Edge slopes[] = {
	{ "slope of softplus", "(%x: f32[6]) { %y = softplus %x : f32[6] return %y }",
	  "-100 -17 0 100 inf -inf", "3.783506e-44 4.1399375e-8 0.5 1 1 0" },
	{ "slope of elu", "(%x: f32[6]) { %y = elu %x {alpha=2} : f32[6] return %y }",
	  "-50 0 1e-6 3e38 inf -inf", "3.8574997e-22 2 1 1 1 0" },
	{ "slope of selu", "(%x: f32[3]) { %y = selu %x : f32[3] return %y }", "0 1e30 -inf",
	  "1.75809934 1.05070099 0" },
	{ "slope of leaky_relu",
	  "(%x: f32[5]) { %y = leaky_relu %x {alpha=0.25} : f32[5] return %y }", "-1 0 1 inf -inf",
	  "0.25 0.25 1 1 0.25" },
	{ "slope of relu", "(%x: f32[3]) { %y = relu %x : f32[3] return %y }", "-1 0 1", "0 0 1" },
	{ "slope of clip", "(%x: f32[5]) { %y = clip %x {min=-1, max=2} : f32[5] return %y }",
	  "-1 2 0 -1.5 inf", "1 1 1 0 0" },
	{ "slope of expm1 and log1p",
	  "(%x: f32[4]) { %t = expm1 %x : f32[4] %y = log1p %t : f32[4] return %y }", "-1e-8 0 1 5",
	  "1 1 1 1" },
	{ "slope of sigmoid", "(%x: f32[4]) { %y = sigmoid %x : f32[4] return %y }",
	  "-80 0 100 -inf", "1.8048515e-35 0.25 0 0" },
};
enum { SLOPES = sizeof slopes / sizeof *slopes };
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

static Graph *with_gradient(const Edge *e, const Graph *from)
{
	Arena *a = from->ctx->arena;
	Graph *g = expand_for_autodiff(from, a);
	Node *grad = NULL;
	assert_non_null(g);
	Builder *b = builder_create(g);
	Node *loss = emit_reduce(b, OP_reduce_sum, g->result.at[0], 0, NULL, false);
	if (!autodiff(b, loss, &g->input.at[0], 1, &grad) || !grad)
		fail_msg("%s: %s", e->what, messages(from->ctx));
	g->result.at[0] = grad;
	return g;
}

static Graph *make(Fixture *f, const Edge *e, bool slope, void **ports)
{
	const char *text = arena_printf(f->c->arena, "graph @edge%s", e->graph), *in = e->in;
	Graph *g = graph_parse(f->c, f->c->arena, e->what, text, strlen(text));
	if (!g)
		fail_msg("%s: %s", e->what, messages(f->c));
	if (slope)
		g = with_gradient(e, g);
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

static void evaluated(const Edge *e, bool slope)
{
	Fixture *f;
	void *ports[MOST_PORTS];
	EvalTensor in[MOST_PORTS], out[MOST_PORTS];
	setup((void **)&f);
	const Graph *g = make(f, e, slope, ports);
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

static void compiled(const Edge *e, bool slope, const char *target, FpMode fp)
{
	Fixture *f;
	void *ports[MOST_PORTS];
	CompileOptions o = { .threads = 1, .emulate = true };
	setup((void **)&f);
	f->c->fp = fp;
	o.pass.verify = true;
	assert_true(target_find(target, &o.pass.target));
	const Graph *g = make(f, e, slope, ports);
	Program *p = program_compile(f->c, g, &o);
	if (!p)
		fail_msg("%s for %s: %s", e->what, target, messages(f->c));
	if (o.pass.target.kind == TARGET_CUDA)
		run_emulated(f, p, ports);
	else
		run(f, p, 1, ports);
	check(e,
	      arena_printf(f->c->arena, "%s%s", target,
			   fp == FP_STRICT ? " strict"
			   : fp == FP_FAST ? " fast"
					   : ""),
	      g, ports + g->input.n);
	program_destroy(p);
	teardown((void **)&f);
}

static void test_reference(void **state)
{
	(void)state;
	for (int i = 0; i < EDGES; i++)
		evaluated(&edges[i], false);
	for (int i = 0; i < CHAINS; i++)
		evaluated(&chains[i], false);
	for (int i = 0; i < SLOPES; i++)
		evaluated(&slopes[i], true);
}

static void all_compiled(const char *target, FpMode fp)
{
	for (int i = 0; i < EDGES; i++)
		compiled(&edges[i], false, target, fp);
	for (int i = 0; i < CHAINS; i++)
		compiled(&chains[i], false, target, fp);
	for (int i = 0; i < SLOPES; i++)
		compiled(&slopes[i], true, target, fp);
}

static void test_compiled(void **state)
{
	(void)state;
	all_compiled("native", FP_CONTRACT);
}

static void test_strict(void **state)
{
	(void)state;
	all_compiled("native", FP_STRICT);
}

static void test_fast(void **state)
{
	(void)state;
	for (int i = 0; i < CHAINS; i++)
		compiled(&chains[i], false, "native", FP_FAST);
}

static void test_gpu(void **state)
{
	(void)state;
	all_compiled("sm_80", FP_CONTRACT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reference), cmocka_unit_test(test_compiled),
		cmocka_unit_test(test_strict),    cmocka_unit_test(test_fast),
		cmocka_unit_test(test_gpu),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
