/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Elementwise operators over tensors that lie the other way round, as optimisers meet the gradients
 * of convolutions' weights: against the evaluation, by one, two and three threads. */
#include "tests/unit/program_run.h"
#include <string.h>

typedef struct Shape {
	int64_t out, in, high, wide;
	int turned; /* the second operand, too; rotated by half a turn */
	bool tiled; /* by template_turned */
} Shape;

static const Shape shapes[] = {
	{ 32, 16, 3, 3, 0, true },  { 64, 300, 1, 1, 0, true }, { 48, 5, 7, 7, 0, true },
	{ 16, 96, 2, 3, 1, true },  { 96, 64, 2, 2, 1, true },  { 32, 33, 3, 3, 1, true },
	{ 20, 64, 3, 3, 0, false }, /* no whole vectors */
	{ 16, 97, 2, 3, 0, false }, /* a prime: tiles would be narrow */
	{ 16, 4, 3, 3, 0, false },  /* small */
};
enum { SHAPES = sizeof shapes / sizeof *shapes, INPUTS = 3 };

static Node *input(Fixture *f, int rank, const int64_t *dim)
{
	return emit_input(f->b, type_get(f->c, DT_f32, rank, dim), "x", f->g->input.n);
}

/* [KH,KW,I,O], computed by another kernel, as [O,I,KH,KW] */
static Node *gradient(Fixture *f, const Shape *s, bool rotated)
{
	int64_t dim[4] = { s->high, s->wide, s->in, s->out };
	int64_t begin[4] = { s->high - 1, s->wide - 1, 0, 0 }, step[4] = { -1, -1, 1, 1 };
	Node *g = emit1(f->b, OP_relu, input(f, 4, dim));
	if (rotated)
		g = emit_slice(f->b, g, begin, dim, step);
	return emit_transpose(f->b, g, (int[]){ 3, 2, 0, 1 });
}

static void make_graph(Fixture *f, const Shape *s)
{
	int64_t dim[4] = { s->out, s->in, s->high, s->wide };
	Node *g = gradient(f, s, false), *p = input(f, 4, dim);
	Node *v = s->turned ? gradient(f, s, true) : input(f, 4, dim);
	v = emit2(f->b, OP_add, emit_c2(f->b, OP_mul, v, 0.5), g);
	p = emit2(f->b, OP_sub, p, v);
	Node *y[2] = { v, p };
	for (int i = 0; i < 2; i++) {
		vec_push(f->c->arena, &f->g->result, y[i]);
		vec_push(f->c->arena, &f->g->result_name, (const char *)"y");
	}
	assert_false(f->b->failed);
}

static void check_shape(const Shape *s)
{
	Fixture *f;
	EvalTensor in[INPUTS], want[2];
	void *ports[INPUTS + 2];
	uint64_t seed = 5;
	setup((void **)&f);
	make_graph(f, s);
	for (int i = 0; i < INPUTS; i++) {
		const Type *t = f->g->input.at[i]->type;
		float *x = ports[i] = room(f, (size_t)type_bytes(t));
		for (int64_t k = 0; k < t->count; k++)
			x[k] = (float)(pick(&seed, 2001) - 1000); /* all is exact */
		in[i] = eval_from_data(f->c->arena, t, x);
	}
	assert_true(eval_graph(f->g, f->c->arena, in, want, (EvalOptions){ 0 }));
	CompileOptions o = { .threads = 1, .pass.verify = true };
	assert_true(target_find("native", &o.pass.target));
	Program *p = program_compile(f->c, f->g, &o);
	assert_non_null(p);
	const Plan *named = plan_for(f, "x86-64-v4", 0);
	if ((named->scratch_bytes > 0) != s->tiled)
		fail_msg("shape %d: %lld bytes of scratch", (int)(s - shapes),
			 (long long)named->scratch_bytes);
	for (int threads = 1; threads <= 3; threads++) {
		for (int r = 0; r < 2; r++)
			ports[INPUTS + r] = room(f, (size_t)type_bytes(want[r].type));
		run(f, p, threads, ports);
		for (int r = 0; r < 2; r++) {
			const float *y = ports[INPUTS + r];
			for (int64_t i = 0; i < want[r].type->count; i++)
				if ((double)y[i] != want[r].f[i])
					fail_msg("shape %d, result %d: element %lld is %g, not %g",
						 (int)(s - shapes), r, (long long)i, (double)y[i],
						 want[r].f[i]);
		}
	}
	program_destroy(p);
	teardown((void **)&f);
}

static void test_shapes(void **state)
{
	(void)state;
	for (int i = 0; i < SHAPES; i++)
		check_shape(&shapes[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_shapes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
