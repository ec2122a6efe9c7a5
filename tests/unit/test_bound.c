/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The numeric oracle notices: each value that is wrong is one that the bound does not allow. */
#include "tests/unit/bound_check.h"
#include "tests/unit/ir_fixture.h"
#include <math.h>
#include <string.h>

/* The bounds of the graph's first result for these inputs, f32 numbers one after another. */
static Bounded bounds(Fixture *f, const char *text, const double *x)
{
	Context *c = f->c;
	Graph *g = graph_parse(c, c->arena, "test", text, strlen(text));
	EvalTensor in[4];
	Bounded out[2];
	assert_non_null(g);
	for (int i = 0; i < g->input.n; i++) {
		in[i] = eval_tensor(c->arena, g->input.at[i]->type);
		for (int64_t k = 0; k < in[i].type->count; k++, x++)
			if (in[i].f)
				in[i].f[k] = *x;
			else
				in[i].i[k] = (int64_t)*x;
	}
	assert_true(bound_graph(g, c->arena, in, out, (BoundOptions){ 0 }));
	return out[0];
}

/* As it is, and with element i changed. */
static int64_t outside(Fixture *f, const Bounded *b, int64_t i, double x)
{
	EvalTensor have = eval_tensor(f->c->arena, b->value.type);
	for (int64_t k = 0; k < have.type->count; k++)
		if (have.f)
			have.f[k] = k == i ? x : b->value.f[k];
		else
			have.i[k] = k == i ? (int64_t)x : b->value.i[k];
	return bound_outside(b, &have, NULL);
}

static void each_element_is_judged_by_itself(void **state)
{
	Fixture *f = *state;
	Bounded b = bounds(f,
			   "graph @t(%x: f32[3], %y: f32[3]) {\n  %0 = add %x, %y : f32[3]\n"
			   "  return %0\n}\n",
			   (double[]){ 1e6, 1, 1e-6, 1e6, 2, 1e-6 });
	assert_int_equal(outside(f, &b, 0, 2e6), -1);
	assert_int_equal(outside(f, &b, 2, 2e-6), -1);
	assert_int_equal(outside(f, &b, 2, 3e-6), 2); /* far less than 1e-4 of the largest */
	assert_int_equal(outside(f, &b, 1, 3.001), 1);
}

static void infinities_and_nan_have_their_places(void **state)
{
	Fixture *f = *state;
	Bounded b = bounds(f, "graph @t(%x: f32[4]) {\n  %0 = neg %x : f32[4]\n  return %0\n}\n",
			   (double[]){ INFINITY, -INFINITY, NAN, 1 });
	assert_int_equal(outside(f, &b, 3, -1), -1);
	assert_int_equal(outside(f, &b, 3, -2), 3);
	assert_int_equal(outside(f, &b, 0, INFINITY), 0);
	assert_int_equal(outside(f, &b, 1, 3e38), 1);
	assert_int_equal(outside(f, &b, 2, 0), 2);
	assert_int_equal(outside(f, &b, 3, NAN), 3);
}

static void whole_numbers_and_truth_values_are_exact(void **state)
{
	Fixture *f = *state;
	Bounded b = bounds(f, "graph @t(%x: i64[2]) {\n  %0 = neg %x : i64[2]\n  return %0\n}\n",
			   (double[]){ 1000000, 7 });
	assert_int_equal(outside(f, &b, 0, -1000000), -1);
	assert_int_equal(outside(f, &b, 0, -1000001), 0);
	b = bounds(f, "graph @t(%x: bool[2]) {\n  %0 = not %x : bool[2]\n  return %0\n}\n",
		   (double[]){ 1, 0 });
	assert_int_equal(outside(f, &b, 0, 0), -1);
	assert_int_equal(outside(f, &b, 1, 0), 1);
}

/* Root of a sum of squares near 0: computed it is never that of a number below 0. */
static void what_is_never_negative_stays_known(void **state)
{
	Fixture *f = *state;
	Bounded b = bounds(f,
			   "graph @t(%x: f32[3], %y: f32[3]) {\n"
			   "  %0 = mul %x, %y : f32[3]\n"
			   "  %1 = sub %0, %x : f32[3]\n"
			   "  %2 = mul %1, %1 : f32[3]\n"
			   "  %3 = sqrt %2 : f32[3]\n"
			   "  return %3\n}\n",
			   (double[]){ 3, 0.1, 0.7, 1, 1, 1.25 });
	for (int64_t i = 0; i < 3; i++)
		assert_true(bound_known(&b, i));
	assert_int_equal(outside(f, &b, 1, 1), 1);
}

/* An argument of 1.5e11 is known to some thousands: its sine may be anything. */
static void sines_of_wide_intervals_are_not_judged_at_their_ends(void **state)
{
	Fixture *f = *state;
	Bounded b = bounds(f,
			   "graph @t(%x: f32[1], %y: f32[1]) {\n"
			   "  %0 = mul %x, %y : f32[1]\n"
			   "  %1 = mul %0, %y : f32[1]\n"
			   "  %2 = sin %1 : f32[1]\n"
			   "  return %2\n}\n",
			   (double[]){ 1e5 + 0.3, 1234.567 });
	assert_true(b.error.f[0] >= 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		FIXTURE_TEST(each_element_is_judged_by_itself),
		FIXTURE_TEST(infinities_and_nan_have_their_places),
		FIXTURE_TEST(whole_numbers_and_truth_values_are_exact),
		FIXTURE_TEST(what_is_never_negative_stays_known),
		FIXTURE_TEST(sines_of_wide_intervals_are_not_judged_at_their_ends),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
