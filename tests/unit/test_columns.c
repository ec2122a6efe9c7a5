/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Column sums: what shares a pass over memory, and what it computes, against the evaluation, for
 * shapes that are one part and many, whole blocks of columns and rests; the same bits for any
 * number of threads. */
#include "tests/unit/program_run.h"
#include <math.h>
#include <string.h>

typedef struct Shape {
	int rank;
	int64_t dim[4];
} Shape;

static const Shape shapes[] = { { 2, { 16, 2 } },          { 2, { 40, 17 } },
				{ 2, { 255, 64 } },        { 2, { 300, 3 } },
				{ 2, { 2100, 16 } },       { 2, { 256, 150 } },
				{ 4, { 3, 10, 9, 70 } },   { 4, { 2, 5, 4, 130 } },
				{ 4, { 1, 40, 50, 32 } },  { 3, { 64, 64, 200 } },
				{ 3, { 1, 20, 7 } },       { 4, { 33, 1, 31, 65 } },
				{ 4, { 4, 16, 16, 1027 } } };
enum { SHAPES = sizeof shapes / sizeof *shapes, PORTS = 8 };

static Node *input(Fixture *f, int rank, const int64_t *dim)
{
	return emit_input(f->b, type_get(f->c, DT_f32, rank, dim), "x", f->g->input.n);
}

static void result(Fixture *f, Node *y)
{
	vec_push(f->c->arena, &f->g->result, y);
	vec_push(f->c->arena, &f->g->result_name, (const char *)"y");
}

static Node *column_sum(Fixture *f, Node *x, bool keep)
{
	const int64_t axes[3] = { 0, 1, 2 };
	return emit_reduce(f->b, OP_reduce_sum, x, x->type->rank - 1, axes, keep);
}

static Node *along_rows(Fixture *f, Node *v, const Node *x)
{
	return emit_broadcast(f->b, v, x->type->rank, x->type->dim);
}

typedef void MakeGraph(Fixture *f, const Shape *s);

/* One pass, and the addition of its parts where there are several. */
static void moments(Fixture *f, const Shape *s)
{
	Node *x = input(f, s->rank, s->dim), *v = input(f, 1, &s->dim[s->rank - 1]);
	Node *d = emit2(f->b, OP_sub, x, along_rows(f, v, x));
	Node *mean = emit_c2(f->b, OP_mul, column_sum(f, d, false), 0.5);
	Node *square = column_sum(f, emit2(f->b, OP_mul, d, d), false);
	result(f, emit2(f->b, OP_add, mean, v));
	result(f, emit2(f->b, OP_sub, square, mean));
}

/* What is summed is stored, too, and read by what depends on the sums. */
static void backward(Fixture *f, const Shape *s)
{
	Node *x = input(f, s->rank, s->dim), *y = input(f, s->rank, s->dim);
	Node *v = input(f, 1, &s->dim[s->rank - 1]);
	Node *g = emit2(f->b, OP_add, emit1(f->b, OP_relu, x), y);
	Node *sum = column_sum(f, g, false);
	Node *d = emit2(f->b, OP_sub, x, along_rows(f, v, x));
	Node *sum_d = column_sum(f, emit2(f->b, OP_mul, g, d), false);
	Node *dx = emit2(f->b, OP_sub, g, along_rows(f, sum, g));
	result(f, emit2(f->b, OP_add, dx, along_rows(f, sum_d, g)));
	result(f, emit1(f->b, OP_neg, sum));
}

/* Sums of sizes 1 kept; a sum whose terms read another sum of the same tensor: a pass of its own.
 */
static void kept(Fixture *f, const Shape *s)
{
	Node *x = input(f, s->rank, s->dim);
	Node *sum = column_sum(f, x, true);
	Node *rest = emit2(f->b, OP_sub, x, along_rows(f, emit_c2(f->b, OP_mul, sum, 0.5), x));
	result(f, emit1(f->b, OP_abs, sum));
	result(f, column_sum(f, emit1(f->b, OP_relu, rest), true));
}

/* More sums than one pass takes. */
static void many(Fixture *f, const Shape *s)
{
	Node *x = input(f, s->rank, s->dim);
	for (int i = 0; i < 6; i++)
		result(f, column_sum(f, emit_c2(f->b, OP_mul, x, i + 2), i % 2));
}

static Program *compile(Fixture *f)
{
	CompileOptions o = { .threads = 1, .pass.verify = true };
	assert_true(target_find("native", &o.pass.target));
	Program *p = program_compile(f->c, f->g, &o);
	assert_non_null(p);
	return p;
}

static EvalTensor *random_inputs(Fixture *f, void **ports, double scale)
{
	uint64_t seed = 3;
	EvalTensor *in = ARENA_ARRAY(f->c->arena, EvalTensor, f->g->input.n);
	for (int i = 0; i < f->g->input.n; i++) {
		const Type *t = f->g->input.at[i]->type;
		float *x = ports[i] = room(f, (size_t)type_bytes(t));
		for (int64_t k = 0; k < t->count; k++)
			x[k] = (float)((double)(pick(&seed, 9) - 4) * scale);
		in[i] = eval_from_data(f->c->arena, t, x);
	}
	return in;
}

/* Steps that read a tensor of the whole shape: what is one pass stays one. */
static int passes(Fixture *f, int64_t count)
{
	const Plan *plan = plan_for(f, "x86-64-v4", 0);
	int n = 0;
	for (int i = 0; i < plan->step.n; i++)
		n += plan->step.at[i].bytes >= (double)(count * 4);
	return n;
}

static void check_shape(const Shape *s, MakeGraph *make, int most_passes)
{
	Fixture *f;
	void *ports[2 * PORTS];
	EvalTensor want[PORTS];
	setup((void **)&f);
	make(f, s);
	assert_false(f->b->failed);
	EvalTensor *in = random_inputs(f, ports, 1); /* sums are exact */
	assert_true(eval_graph(f->g, f->c->arena, in, want, (EvalOptions){ 0 }));
	Program *p = compile(f);
	if (f->g->input.at[0]->type->count > 4096)
		assert_int_equal(passes(f, f->g->input.at[0]->type->count), most_passes);
	for (int threads = 1; threads <= 3; threads++) {
		for (int r = 0; r < f->g->result.n; r++)
			ports[f->g->input.n + r] = room(f, (size_t)type_bytes(want[r].type));
		run(f, p, threads, ports);
		for (int r = 0; r < f->g->result.n; r++) {
			const float *y = ports[f->g->input.n + r];
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

static void check_all(MakeGraph *make, int most_passes)
{
	for (int i = 0; i < SHAPES; i++)
		check_shape(&shapes[i], make, most_passes);
}

static void test_moments(void **state)
{
	(void)state;
	check_all(moments, 1);
}

static void test_backward(void **state)
{
	(void)state;
	check_all(backward, 2);
}

static void test_kept(void **state)
{
	(void)state;
	check_all(kept, 2);
}

static void test_many(void **state)
{
	(void)state;
	check_all(many, 2);
}

/* Sums that are rounded: by one, two and three threads the same, and near the exact ones. */
static void test_same_bits(void **state)
{
	Fixture *f = *state;
	Shape s = { 4, { 8, 33, 34, 40 } };
	EvalTensor want[2];
	void *ports[PORTS];
	float *first[2] = { NULL };
	moments(f, &s);
	EvalTensor *in = random_inputs(f, ports, 0.37);
	assert_true(eval_graph(f->g, f->c->arena, in, want, (EvalOptions){ 0 }));
	Program *p = compile(f);
	for (int threads = 1; threads <= 3; threads++)
		for (int r = 0; r < 2; r++) {
			size_t bytes = (size_t)type_bytes(want[r].type);
			ports[2] = room(f, (size_t)type_bytes(want[0].type));
			ports[3] = room(f, (size_t)type_bytes(want[1].type));
			run(f, p, threads, ports);
			if (first[r])
				assert_memory_equal(first[r], ports[2 + r], bytes);
			first[r] = ports[2 + r];
			for (int64_t i = 0; i < want[r].type->count; i++)
				assert_true(fabs((double)first[r][i] - want[r].f[i]) <
					    4e-6 * 9000 + 2e-6 * fabs(want[r].f[i]));
		}
	program_destroy(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_moments), cmocka_unit_test(test_backward),
		cmocka_unit_test(test_kept),    cmocka_unit_test(test_many),
		FIXTURE_TEST(test_same_bits),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
