/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The statistics of `burin bench` and `burin compare`. */
#include "tests/unit/check.h"
#include "base/arena.h"
#include <math.h>
#include <stdlib.h>
#include "tools/cli_stats.c"

typedef struct Random {
	uint64_t state;
} Random;

static double uniform(Random *r)
{
	uint64_t z = r->state += 0x9e3779b97f4a7c15u;
	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	return ((double)((z ^ z >> 31) >> 11) + 0.5) * 0x1p-53;
}

static double normal(Random *r)
{
	double radius = sqrt(-2 * log(uniform(r)));
	return radius * cos(6.283185307179586 * uniform(r));
}

static int set_up(void **state)
{
	*state = arena_create();
	return 0;
}

static int tear_down(void **state)
{
	arena_destroy(*state);
	return 0;
}

static void quantiles(void **state)
{
	const double v[] = { 1, 2, 3, 4, 10 };
	(void)state;
	assert_true(quantile(v, 5, 0) == 1);
	assert_true(quantile(v, 5, 0.5) == 3);
	assert_true(quantile(v, 5, 0.25) == 2);
	assert_true(quantile(v, 5, 0.875) == 7);
	assert_true(quantile(v, 5, 1) == 10);
	assert_true(quantile(v, 1, 0.9) == 1);
}

static void one_sample(void **state)
{
	const double v[] = { 5 };
	Samples s = samples_of(*state, v, 1);
	Latency l = latency_of(*state, &s);
	assert_true(l.median == 5 && l.low == 5 && l.high == 5 && l.p999 == 5);
	assert_true(l.mean == 5 && l.stddev == 0 && l.outliers == 0);
	assert_int_equal(s.n_turn, 1);
	assert_int_equal(ratio_in_turns(*state, &s, &s).verdict, INCONCLUSIVE);
}

static void outliers_lie_far_out(void **state)
{
	double v[41];
	for (int i = 0; i < 40; i++)
		v[i] = 100 + i;
	v[40] = 1000;
	Samples s = samples_of(*state, v, 41);
	Latency l = latency_of(*state, &s);
	assert_int_equal(l.outliers, 1);
	assert_true(l.min == 100 && l.median == 120);
}

/* 6 ms a run: ten make a turn; what is left counts from half a turn on. */
static void turns_are_stretches_of_time(void **state)
{
	double v[36];
	for (int i = 0; i < 36; i++)
		v[i] = 6e6 + (i < 10 ? 0 : 1e3);
	Samples s = samples_of(*state, v, 34);
	assert_int_equal(s.n_turn, 3);
	assert_true(s.turn[0] == 6e6 && s.turn[1] == 6e6 + 1e3);
	assert_int_equal(samples_of(*state, v, 36).n_turn, 4);
}

/* Times of a program on a machine where something else comes and goes: level of the turn, spread of
 * the run. `lasting` is how much of a turn's level the next one keeps. */
static Samples measured(Arena *a, Random *r, int turns, double median, double spread,
			double lasting, const double *level)
{
	enum { RUNS = 20 };
	double *v = ARENA_ARRAY(a, double, turns *RUNS), own = normal(r);
	for (int t = 0; t < turns; t++) {
		own = lasting * own + sqrt(1 - lasting * lasting) * normal(r);
		for (int i = 0; i < RUNS; i++)
			v[t * RUNS + i] = TURN_NS / RUNS * 1.02 * median *
					  exp(spread * (level ? level[t] : own)) *
					  exp(0.001 * normal(r));
	}
	return samples_of(a, v, turns * RUNS);
}

/* The interval holds the true median about 95 times in a hundred, also where neighbouring turns
 * are alike. */
static void interval_covers(void **state)
{
	enum { TRIALS = 400 };
	static const double lasting[] = { 0, 0.5 };
	for (int k = 0; k < 2; k++) {
		Random r = { 42 };
		int held = 0;
		for (int t = 0; t < TRIALS; t++) {
			ArenaMark mark = arena_mark(*state);
			Samples s = measured(*state, &r, 50, 1, 0.05, lasting[k], NULL);
			Latency l = latency_of(*state, &s);
			double truth = TURN_NS / 20 * 1.02;
			held += l.low <= truth && truth <= l.high;
			arena_release(*state, mark);
		}
		if (held < TRIALS * 88 / 100)
			fail_msg("holds %d of %d at a correlation of %g", held, TRIALS, lasting[k]);
	}
}

/* The same program twice in turns: of 1000 comparisons none may be called different more often
 * than 5 in 100, whatever the machine does to both or to each. */
static void same_is_not_called_different(void **state)
{
	enum { TRIALS = 1000, TURNS = 20 };
	Random r = { 7 };
	int different = 0, same = 0;
	for (int t = 0; t < TRIALS; t++) {
		ArenaMark mark = arena_mark(*state);
		double level[TURNS], spread = 0.1 * uniform(&r), lasting = 0.9 * uniform(&r);
		bool common = uniform(&r) < 0.5;
		level[0] = normal(&r);
		for (int i = 1; i < TURNS; i++)
			level[i] = lasting * level[i - 1] + (1 - lasting) * normal(&r);
		Samples x = measured(*state, &r, TURNS, 1, spread, lasting, common ? level : NULL);
		Samples y = measured(*state, &r, TURNS, 1, spread, lasting, common ? level : NULL);
		Verdict v = ratio_in_turns(*state, &x, &y).verdict;
		different += v == FASTER || v == SLOWER;
		same += v == NO_DIFFERENCE;
		arena_release(*state, mark);
	}
	assert_in_range(different, 0, TRIALS * 5 / 100);
	assert_true(same > TRIALS / 4);
}

static void differences_are_found(void **state)
{
	Random r = { 3 };
	double level[30];
	for (int i = 0; i < 30; i++)
		level[i] = normal(&r);
	Samples x = measured(*state, &r, 30, 1, 0.03, 0, level);
	Samples y = measured(*state, &r, 30, 1.05, 0.03, 0, level);
	Samples z = measured(*state, &r, 30, 1.005, 0.03, 0, level);
	Ratio q = ratio_in_turns(*state, &x, &y);
	assert_int_equal(q.verdict, SLOWER);
	assert_true(q.low < 1.05 && 1.05 < q.high && q.high - q.low < 0.01);
	assert_int_equal(ratio_in_turns(*state, &y, &x).verdict, FASTER);
	assert_int_equal(ratio_in_turns(*state, &x, &z).verdict, NO_DIFFERENCE);
	/* apart, the machine's changes are not the same for both */
	q = ratio_apart(*state, &x, &y);
	assert_true(q.high - q.low > 0.01);
	y = measured(*state, &r, 30, 1.5, 0.03, 0, level);
	assert_int_equal(ratio_apart(*state, &x, &y).verdict, SLOWER);
}

/* Two levels of speed, one nine times the other, as where another program takes a CPU now and then */
static void disturbed_is_inconclusive(void **state)
{
	double v[200], w[200];
	for (int i = 0; i < 200; i++) {
		v[i] = i % 5 ? 45e6 : 5e6;
		w[i] = 5e6 + i;
	}
	Samples x = samples_of(*state, v, 200), y = samples_of(*state, w, 200);
	assert_non_null(strstr(disturbance(*state, &x), "9.0 times the fastest"));
	assert_null(disturbance(*state, &y));
	assert_int_equal(ratio_apart(*state, &x, &y).verdict, INCONCLUSIVE);
	assert_int_equal(ratio_in_turns(*state, &y, &x).verdict, INCONCLUSIVE);
}

#define STATS_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		STATS_TEST(quantiles),
		STATS_TEST(one_sample),
		STATS_TEST(outliers_lie_far_out),
		STATS_TEST(turns_are_stretches_of_time),
		STATS_TEST(interval_covers),
		STATS_TEST(same_is_not_called_different),
		STATS_TEST(differences_are_found),
		STATS_TEST(disturbed_is_inconclusive),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
