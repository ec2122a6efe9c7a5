/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Gradients of convolution and pools: the gradient graph, evaluated in double precision, against
 * central differences of the operator's own evaluation, over attributes in all combinations. */
#include "tests/unit/ir_fixture.h"
#include "ir/eval.h"
#include <math.h>
#include <stdio.h>

typedef struct Windows {
	int64_t n, groups, in, out; /* channels of a group */
	int64_t size[2], kernel[2], stride[2], dilation[2], pad[4];
	bool last;
} Windows;

/* Sizes that matter: strides larger than kernels, rows that no window sees, dilation that shares a
 * factor with the stride, padding wider than the window, groups, depthwise. */
static const Windows rows[] = {
	{ 2, 1, 3, 4, { 5, 6 }, { 3, 3 }, { 1, 1 }, { 1, 1 }, { 1, 1, 1, 1 }, false },
	{ 1, 1, 2, 3, { 6, 7 }, { 3, 3 }, { 2, 2 }, { 1, 1 }, { 1, 1, 1, 1 }, false },
	{ 2, 1, 2, 2, { 8, 8 }, { 1, 1 }, { 2, 2 }, { 1, 1 }, { 0, 0, 0, 0 }, false },
	{ 1, 1, 3, 2, { 8, 7 }, { 2, 2 }, { 2, 2 }, { 1, 1 }, { 0, 0, 0, 0 }, true },
	{ 1, 1, 2, 2, { 9, 8 }, { 7, 7 }, { 2, 2 }, { 1, 1 }, { 3, 3, 3, 3 }, false },
	{ 1, 1, 2, 1, { 10, 9 }, { 2, 3 }, { 3, 4 }, { 1, 1 }, { 0, 1, 1, 0 }, true },
	{ 1, 2, 2, 3, { 5, 5 }, { 3, 2 }, { 1, 2 }, { 1, 1 }, { 1, 0, 0, 1 }, false },
	{ 1, 3, 1, 2, { 6, 5 }, { 3, 3 }, { 2, 1 }, { 1, 1 }, { 1, 1, 1, 1 }, true },
	{ 2, 4, 1, 1, { 5, 4 }, { 3, 3 }, { 1, 1 }, { 1, 1 }, { 1, 1, 1, 1 }, false },
	{ 1, 1, 2, 2, { 9, 9 }, { 3, 3 }, { 2, 4 }, { 2, 2 }, { 2, 2, 2, 2 }, false },
	{ 1, 1, 1, 2, { 11, 10 }, { 3, 2 }, { 4, 6 }, { 6, 4 }, { 3, 1, 2, 2 }, true },
	{ 1, 1, 2, 2, { 1, 1 }, { 3, 3 }, { 1, 1 }, { 1, 1 }, { 1, 1, 1, 1 }, false },
	{ 1, 1, 1, 1, { 1, 2 }, { 1, 1 }, { 5, 3 }, { 1, 1 }, { 3, 2, 0, 4 }, false },
	{ 1, 1, 2, 1, { 4, 12 }, { 1, 5 }, { 1, 3 }, { 1, 2 }, { 0, 4, 0, 4 }, true },
	{ 3, 1, 1, 5, { 4, 4 }, { 4, 4 }, { 4, 4 }, { 1, 1 }, { 0, 0, 0, 0 }, false },
	{ 1, 2, 2, 2, { 7, 7 }, { 2, 2 }, { 3, 3 }, { 3, 2 }, { 1, 2, 0, 0 }, true },
};
enum { ROWS = sizeof rows / sizeof *rows, RANDOM_ROWS = 48, MOST = 4096 };

static Windows some_windows(uint64_t *seed)
{
	Windows v = { .n = 1 + pick(seed, 2), .groups = 1, .in = 1 + pick(seed, 3) };
	v.out = 1 + pick(seed, 3);
	v.last = pick(seed, 2);
	if (pick(seed, 3) == 0)
		v.groups = 2 + pick(seed, 2);
	for (int d = 0; d < 2; d++) {
		v.kernel[d] = 1 + pick(seed, 4);
		v.stride[d] = 1 + pick(seed, 5);
		v.dilation[d] = 1 + pick(seed, 4);
		int64_t extent = (v.kernel[d] - 1) * v.dilation[d] + 1;
		v.pad[d] = pick(seed, 4);
		v.pad[d + 2] = pick(seed, 4);
		v.size[d] = 1 + pick(seed, 9);
		if (v.size[d] + v.pad[d] + v.pad[d + 2] < extent)
			v.size[d] = extent;
	}
	return v;
}

/* A pool's windows do not lie in the padding alone, nor do all the taps of one. */
static Windows for_pool(Windows v)
{
	for (int d = 0; d < 2; d++)
		if (v.pad[d] || v.pad[d + 2])
			v.dilation[d] = 1;
	for (int i = 0; i < 4; i++) {
		int64_t extent = (v.kernel[i % 2] - 1) * v.dilation[i % 2] + 1;
		v.pad[i] = v.pad[i] < extent ? v.pad[i] : extent - 1;
	}
	for (int d = 0; d < 2; d++) {
		int64_t extent = (v.kernel[d] - 1) * v.dilation[d] + 1;
		if (v.size[d] + v.pad[d] + v.pad[d + 2] < extent)
			v.size[d] = extent;
	}
	return v;
}

/* --- graphs ---------------------------------------------------------------------------------- */

static const Type *image(Fixture *f, const Windows *v, int64_t channels)
{
	int64_t last[4] = { v->n, v->size[0], v->size[1], channels };
	int64_t first[4] = { v->n, channels, v->size[0], v->size[1] };
	return type_get(f->c, DT_f32, 4, v->last ? last : first);
}

static Node *emit_operator(Fixture *f, Op op, const Windows *v, Node *const *in)
{
	Attr_window w = { .kernel = { 2, v->kernel },
			  .stride = { 2, v->stride },
			  .pad = { 4, v->pad },
			  .dilation = { 2, v->dilation },
			  .channels_last = v->last };
	Attr_conv c = { .stride = { 2, v->stride },
			.pad = { 4, v->pad },
			.dilation = { 2, v->dilation },
			.groups = v->groups,
			.channels_last = v->last };
	if (op == OP_conv)
		return emit(f->b, op, attr_intern(f->c, ATTR_conv_RECORD, &c), in, 2);
	return emit(f->b, op, attr_intern(f->c, ATTR_window_RECORD, &w), in, 1);
}

/* Results: y, then the gradients of the inputs (the last input is dy). */
static int make_graph(Fixture *f, Op op, const Windows *v)
{
	Node *in[2], *dx[2] = { NULL };
	int n_in = op == OP_conv ? 2 : 1;
	int64_t o = v->groups * v->out;
	int64_t last[4] = { v->kernel[0], v->kernel[1], v->in, o };
	int64_t first[4] = { o, v->in, v->kernel[0], v->kernel[1] };
	in[0] = emit_input(f->b, image(f, v, v->groups * v->in), "x", 0);
	if (op == OP_conv)
		in[1] = emit_input(f->b, type_get(f->c, DT_f32, 4, v->last ? last : first), "w", 1);
	Node *y = emit_operator(f, op, v, in);
	Node *dy = emit_input(f->b, y->type, "dy", n_in);
	op_info(op)->vjp(f->b, y, dy, dx);
	if (f->b->failed)
		fail_msg("%s", messages(f->c));
	vec_push(f->c->arena, &f->g->result, y);
	for (int i = 0; i < n_in; i++) {
		assert_ptr_equal(dx[i]->type, in[i]->type);
		vec_push(f->c->arena, &f->g->result, dx[i]);
	}
	return n_in;
}

static void evaluate(Fixture *f, const EvalTensor *in, EvalTensor *out)
{
	if (!eval_graph(f->g, f->c->arena, in, out, (EvalOptions){ 0 }))
		fail_msg("%s", messages(f->c));
}

static EvalTensor random_tensor(Fixture *f, const Type *t, uint64_t *seed)
{
	EvalTensor e = eval_tensor(f->c->arena, t);
	for (int64_t i = 0; i < t->count; i++)
		e.f[i] = (double)(random_bits(seed) >> 12) * 0x1p-51 - 1;
	return e;
}

/* --- differences ----------------------------------------------------------------------------- */

static double weighted_sum(const EvalTensor *y, const EvalTensor *dy)
{
	double sum = 0;
	for (int64_t i = 0; i < y->type->count; i++)
		sum += y->f[i] * dy->f[i];
	return sum;
}

static double difference(Fixture *f, EvalTensor *in, int k, int64_t i, const EvalTensor *dy)
{
	EvalTensor out[3];
	double step = 1e-6, was = in[k].f[i];
	in[k].f[i] = was + step;
	evaluate(f, in, out);
	double above = weighted_sum(&out[0], dy);
	in[k].f[i] = was - step;
	evaluate(f, in, out);
	double below = weighted_sum(&out[0], dy);
	in[k].f[i] = was;
	return (above - below) / (2 * step);
}

static void check(Op op, const Windows *v, uint64_t *seed)
{
	Fixture *f;
	setup((void **)&f);
	int n_in = make_graph(f, op, v);
	EvalTensor in[3], out[3];
	for (int i = 0; i <= n_in; i++)
		in[i] = random_tensor(f, f->g->input.at[i]->type, seed);
	evaluate(f, in, out);
	for (int k = 0; k < n_in; k++)
		for (int64_t i = 0; i < in[k].type->count; i += 1 + i / 24) {
			double want = difference(f, in, k, i, &in[n_in]), got = out[1 + k].f[i];
			if (!(fabs(got - want) <= 1e-7 + 1e-5 * fabs(want)))
				fail_msg("%s: input %d element %lld: %.9g, not %.9g",
					 op_info(op)->name, k, (long long)i, got, want);
		}
	teardown((void **)&f);
}

static void test_gradients(void **state)
{
	static const Op ops[] = { OP_conv, OP_window_sum, OP_window_max };
	uint64_t seed = 5;
	(void)state;
	for (size_t k = 0; k < sizeof ops / sizeof *ops; k++)
		for (int i = 0; i < ROWS + RANDOM_ROWS; i++) {
			Windows v = i < ROWS ? rows[i] : some_windows(&seed);
			if (ops[k] != OP_conv)
				v = for_pool(v);
			check(ops[k], &v, &seed);
		}
}

/* Of equal elements the first wins, as in PyTorch. */
static void test_first_maximum_wins(void **state)
{
	Windows v = { 1, 1, 1, 1, { 3, 3 }, { 2, 2 }, { 1, 1 }, { 1, 1 }, { 0 }, false };
	Fixture *f = *state;
	make_graph(f, OP_window_max, &v);
	EvalTensor in[2], out[2];
	static const double x[9] = { 1, 1, 0, 1, 1, 2, 0, 1, 2 };
	static const double want[9] = { 1, 0, 0, 4, 0, 10, 0, 0, 0 };
	for (int i = 0; i < 2; i++)
		in[i] = eval_tensor(f->c->arena, f->g->input.at[i]->type);
	memcpy(in[0].f, x, sizeof x);
	for (int i = 0; i < 4; i++)
		in[1].f[i] = (double[]){ 1, 2, 4, 8 }[i];
	evaluate(f, in, out);
	for (int i = 0; i < 9; i++)
		assert_float_equal(out[1].f[i], want[i], 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_gradients),
		FIXTURE_TEST(test_first_maximum_wins),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
