/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Contractions of training steps. Sums of outer products (weights' gradients), compiled for
 * machines with so small a cache that the pixels are summed in chunks of images, of rows, of
 * pixels: against the evaluation, and the same bits for any number of threads. */
#include "tests/unit/program_run.h"
#include "tests/unit/bound_check.h"
#include <string.h>

typedef struct Shape {
	int64_t n, size, in, out, kernel, stride; /* size 0: a product over n rows */
	int64_t l2;
} Shape;

/* The last four have more pixels than one part: 5, 16 (uneven) and 3 parts of the images. */
static const Shape shapes[] = {
	{ 5, 8, 33, 40, 3, 1, 8 << 10 },    { 5, 8, 33, 40, 3, 1, 64 << 10 },
	{ 5, 8, 33, 40, 3, 1, 2 << 10 },    { 4, 9, 3, 35, 3, 2, 8 << 10 },
	{ 4, 9, 3, 35, 7, 2, 2 << 10 },     { 3, 6, 1, 16, 3, 1, 512 },
	{ 2, 6, 20, 7, 1, 1, 1 << 10 },     { 2, 12, 70, 33, 2, 3, 16 << 10 },
	{ 1, 20, 5, 17, 3, 1, 512 },        { 100, 0, 50, 70, 1, 1, 2 << 10 },
	{ 100, 0, 50, 70, 1, 1, 64 << 10 }, { 7, 0, 3, 5, 1, 1, 64 << 10 },
	{ 5, 34, 8, 16, 3, 1, 64 << 10 },   { 19, 18, 3, 20, 3, 1, 1 << 20 },
	{ 19, 18, 3, 20, 3, 1, 1 << 10 },   { 3, 40, 15, 33, 2, 2, 32 << 10 },
};
enum { SHAPES = sizeof shapes / sizeof *shapes, PORTS = 3 };

static Node *input(Fixture *f, int rank, const int64_t *dim)
{
	return emit_input(f->b, type_get(f->c, DT_f32, rank, dim), "x", f->g->input.n);
}

static void make_graph(Fixture *f, const Shape *s)
{
	int64_t to = s->size ? (s->size - s->kernel) / s->stride + 1 : 0;
	int64_t x[4] = { s->n, s->size, s->size, s->in }, dy[4] = { s->n, to, to, s->out };
	int64_t kernel[3] = { s->kernel, s->kernel, s->out }, stride[2] = { s->stride, s->stride };
	Attr_conv a;
	Node *y, *in[2];
	attr_defaults(f->c, ATTR_conv_RECORD, &a);
	a.stride = (Ints){ 2, stride };
	a.kernel = (Ints){ 3, kernel };
	a.channels_last = 1;
	if (s->size) {
		in[0] = input(f, 4, x);
		in[1] = input(f, 4, dy);
		y = emit(f->b, OP_conv_dw, attr_intern(f->c, ATTR_conv_RECORD, &a), in, 2);
	} else {
		in[0] = input(f, 2, (int64_t[]){ s->n, s->in });
		in[1] = input(f, 2, (int64_t[]){ s->n, s->out });
		y = emit_matmul(f->b, in[0], in[1], true, false);
	}
	assert_false(f->b->failed);
	y = emit1(f->b, OP_relu, y);
	vec_push(f->c->arena, &f->g->result, y);
	vec_push(f->c->arena, &f->g->result_name, (const char *)"y");
}

static void check_shape(const Shape *s)
{
	Fixture *f;
	setup((void **)&f);
	make_graph(f, s);
	CompileOptions o = { .threads = 1 };
	assert_true(target_find("native", &o.pass.target));
	o.pass.target.l2_bytes = s->l2;
	EvalTensor in[2], want;
	void *ports[PORTS];
	uint64_t seed = 3;
	for (int i = 0; i < 2; i++) {
		const Type *t = f->g->input.at[i]->type;
		float *x = ports[i] = room(f, (size_t)type_bytes(t));
		for (int64_t k = 0; k < t->count; k++)
			x[k] = (float)(pick(&seed, 9) - 4); /* sums are exact */
		in[i] = eval_from_data(f->c->arena, t, x);
	}
	assert_true(eval_graph(f->g, f->c->arena, in, &want, (EvalOptions){ 0 }));
	Program *p = program_compile(f->c, f->g, &o);
	assert_non_null(p);
	for (int threads = 1; threads <= 3; threads++) {
		float *y = ports[2] = room(f, (size_t)type_bytes(want.type));
		run(f, p, threads, ports);
		for (int64_t i = 0; i < want.type->count; i++)
			if ((double)y[i] != want.f[i])
				fail_msg("shape %d: element %lld is %g, not %g", (int)(s - shapes),
					 (long long)i, (double)y[i], want.f[i]);
	}
	program_destroy(p);
	teardown((void **)&f);
}

static void test_chunks(void **state)
{
	(void)state;
	for (int i = 0; i < SHAPES; i++)
		check_shape(&shapes[i]);
}

/* Sums that are rounded: by one, two and three threads the same. */
static void test_same_bits(void **state)
{
	Fixture *f = *state;
	Shape s = { 6, 26, 24, 48, 3, 1, 64 << 10 };
	float *first = NULL;
	uint64_t seed = 9;
	void *ports[PORTS];
	make_graph(f, &s);
	CompileOptions o = { .threads = 1 };
	assert_true(target_find("native", &o.pass.target));
	o.pass.target.l2_bytes = s.l2;
	for (int i = 0; i < 2; i++) {
		const Type *t = f->g->input.at[i]->type;
		float *x = ports[i] = room(f, (size_t)type_bytes(t));
		for (int64_t k = 0; k < t->count; k++)
			x[k] = (float)pick(&seed, 1000) * 0.37f;
	}
	Program *p = program_compile(f->c, f->g, &o);
	assert_non_null(p);
	size_t bytes = (size_t)type_bytes(f->g->result.at[0]->type);
	for (int threads = 1; threads <= 3; threads++) {
		ports[2] = room(f, bytes);
		run(f, p, threads, ports);
		if (first)
			assert_memory_equal(first, ports[2], bytes);
		first = ports[2];
	}
	program_destroy(p);
}

static const char *kinds_of(Fixture *f, const Plan *p)
{
	Str s;
	str_init(&s, f->c->arena);
	for (int i = 0; i < p->step.n; i++)
		str_fmt(&s, "%s%s", i ? " " : "", p->step.at[i].kind);
	return str_text(&s);
}

/* Weights that come with the run, packed or transformed (Winograd) in it: by the convolution's
 * kernel itself, or before. */
static void check_changing(Fixture *f, const int64_t x[4], int64_t out_c, const char *kinds)
{
	int64_t w[4] = { 3, 3, x[3], out_c };
	Node *in[2] = { input(f, 4, x), input(f, 4, w) };
	CompileOptions o = { .threads = 1 };
	EvalTensor value[2];
	Bounded want;
	void *ports[PORTS];
	uint64_t seed = 3;
	Attr_conv a;
	attr_defaults(f->c, ATTR_conv_RECORD, &a);
	a.channels_last = 1;
	Node *y = emit(f->b, OP_conv, attr_intern(f->c, ATTR_conv_RECORD, &a), in, 2);
	vec_push(f->c->arena, &f->g->result, y);
	vec_push(f->c->arena, &f->g->result_name, (const char *)"y");
	for (int i = 0; i < 2; i++) {
		float *p = ports[i] = room(f, (size_t)type_bytes(in[i]->type));
		for (int64_t k = 0; k < in[i]->type->count; k++)
			p[k] = (float)(pick(&seed, 201) - 100) * 0.01f;
		value[i] = eval_from_data(f->c->arena, in[i]->type, p);
	}
	assert_true(bound_graph(f->g, f->c->arena, value, &want, (BoundOptions){ 0 }));
	assert_true(target_find("native", &o.pass.target));
	Program *p = program_compile(f->c, f->g, &o);
	assert_non_null(p);
	assert_string_equal(kinds_of(f, plan_for(f, "x86-64-v4", 0)), kinds);
	ports[2] = room(f, (size_t)type_bytes(y->type));
	run(f, p, 2, ports);
	EvalTensor have = eval_from_data(f->c->arena, y->type, ports[2]);
	Known known = { 0 };
	assert_bounded("convolution", &want, &have, &known);
	assert_known(known);
	program_destroy(p);
}

/* Weights' gradients through transformed tiles: near the exact sums, and the same bits for any
 * number of threads; under fp=strict another way. */
static void check_transformed(Fixture *f, const Shape *s, FpMode fp, int transforms)
{
	float *first = NULL;
	void *ports[PORTS];
	uint64_t seed = 5;
	EvalTensor in[2];
	Bounded want;
	f->c->fp = fp;
	make_graph(f, s);
	for (int i = 0; i < 2; i++) {
		const Type *t = f->g->input.at[i]->type;
		float *x = ports[i] = room(f, (size_t)type_bytes(t));
		for (int64_t k = 0; k < t->count; k++)
			x[k] = (float)(pick(&seed, 2001) - 1000) * 0.001f;
		in[i] = eval_from_data(f->c->arena, t, x);
	}
	assert_true(bound_graph(f->g, f->c->arena, in, &want, (BoundOptions){ 0 }));
	CompileOptions o = { .threads = 1 };
	assert_true(target_find("native", &o.pass.target));
	o.pass.target.l2_bytes = s->l2;
	Program *p = program_compile(f->c, f->g, &o);
	assert_non_null(p);
	const Plan *named = plan_for(f, "x86-64-v4", s->l2);
	int found = 0;
	for (int i = 0; i < named->step.n; i++)
		found += strcmp(named->step.at[i].kind, "winograd_tiles") == 0;
	assert_int_equal(found, transforms);
	size_t bytes = (size_t)type_bytes(want.value.type);
	Known known = { 0 };
	for (int threads = 1; threads <= 3; threads++) {
		float *y = ports[2] = room(f, bytes);
		run(f, p, threads, ports);
		EvalTensor have = eval_from_data(f->c->arena, want.value.type, y);
		assert_bounded("gradient", &want, &have, &known);
		if (first)
			assert_memory_equal(first, y, bytes);
		first = y;
	}
	assert_known(known);
	program_destroy(p);
}

/* Whole tiles; columns and rows beyond the image. */
static void test_transformed_gradient(void **state)
{
	check_transformed(*state, &(Shape){ 8, 18, 64, 48, 3, 1, 1 << 20 }, FP_CONTRACT, 2);
}

static void test_transformed_gradient_partial(void **state)
{
	check_transformed(*state, &(Shape){ 8, 17, 50, 70, 3, 1, 1 << 20 }, FP_CONTRACT, 2);
}

/* Parts of images (3, 3, 1) and of channels (6 of 11, the last one of 9). */
static void test_transformed_gradient_parts(void **state)
{
	check_transformed(*state, &(Shape){ 7, 18, 64, 48, 3, 1, 76 << 10 }, FP_CONTRACT, 6);
}

static void test_transformed_gradient_channels(void **state)
{
	check_transformed(*state, &(Shape){ 14, 10, 64, 70, 3, 1, 11 << 10 }, FP_CONTRACT, 14);
}

static void test_strict_gradient(void **state)
{
	check_transformed(*state, &(Shape){ 8, 18, 64, 48, 3, 1, 1 << 20 }, FP_STRICT, 0);
}

/* Under fp=strict the template adds in the order in which the operator alone is computed, where the
 * border is not written out. */
static void test_strict_order(void **state)
{
	Fixture *f = *state;
	int64_t x[4] = { 19, 18, 18, 3 }, dy[4] = { 19, 18, 18, 20 };
	int64_t kernel[3] = { 3, 3, 20 }, pad[4] = { 1, 1, 1, 1 };
	Node *in[2] = { input(f, 4, x), input(f, 4, dy) };
	uint64_t seed = 5;
	void *ports[PORTS];
	float *first = NULL;
	Attr_conv a;
	f->c->fp = FP_STRICT;
	attr_defaults(f->c, ATTR_conv_RECORD, &a);
	a.kernel = (Ints){ 3, kernel };
	a.pad = (Ints){ 4, pad };
	a.channels_last = 1;
	Node *y = emit(f->b, OP_conv_dw, attr_intern(f->c, ATTR_conv_RECORD, &a), in, 2);
	vec_push(f->c->arena, &f->g->result, y);
	vec_push(f->c->arena, &f->g->result_name, (const char *)"y");
	for (int i = 0; i < 2; i++) {
		float *v = ports[i] = room(f, (size_t)type_bytes(in[i]->type));
		for (int64_t k = 0; k < in[i]->type->count; k++)
			v[k] = (float)(pick(&seed, 2001) - 1000) * 0.001f;
	}
	assert_int_equal(plan_for(f, "x86-64-v4", 0)->step.n, 3);
	for (int off = 0; off < 2; off++) {
		CompileOptions o = { .threads = 1 };
		assert_true(target_find("native", &o.pass.target));
		o.pass.off[PASS_pad] = off;
		Program *p = program_compile(f->c, f->g, &o);
		assert_non_null(p);
		float *got = ports[2] = room(f, (size_t)type_bytes(y->type));
		run(f, p, 2, ports);
		if (first)
			assert_memory_equal(first, got, (size_t)type_bytes(y->type));
		first = got;
		program_destroy(p);
	}
}

static void test_changing_weights_packed(void **state)
{
	check_changing(*state, (int64_t[]){ 1, 18, 18, 32 }, 40, "copy conv");
}

static void test_changing_weights_transformed(void **state)
{
	check_changing(*state, (int64_t[]){ 20, 18, 18, 32 }, 40, "matmul copy winograd");
}

/* Several chunks of channels, the last one not whole. */
static void test_changing_weights_inside(void **state)
{
	check_changing(*state, (int64_t[]){ 2, 18, 18, 150 }, 40, "winograd");
}

/* Two sizes of blocks of tiles, a last block of columns with a last vector, and several chunks: the
 * most loops that a kernel of it has. */
static void test_changing_weights_odd(void **state)
{
	check_changing(*state, (int64_t[]){ 7, 18, 22, 71 }, 41, "winograd");
}

static void test_changing_weights_transformed_odd(void **state)
{
	check_changing(*state, (int64_t[]){ 20, 18, 22, 131 }, 45, "matmul copy winograd");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_chunks),
		FIXTURE_TEST(test_same_bits),
		FIXTURE_TEST(test_transformed_gradient),
		FIXTURE_TEST(test_transformed_gradient_partial),
		FIXTURE_TEST(test_transformed_gradient_parts),
		FIXTURE_TEST(test_transformed_gradient_channels),
		FIXTURE_TEST(test_strict_gradient),
		FIXTURE_TEST(test_strict_order),
		FIXTURE_TEST(test_changing_weights_packed),
		FIXTURE_TEST(test_changing_weights_transformed),
		FIXTURE_TEST(test_changing_weights_inside),
		FIXTURE_TEST(test_changing_weights_odd),
		FIXTURE_TEST(test_changing_weights_transformed_odd),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
