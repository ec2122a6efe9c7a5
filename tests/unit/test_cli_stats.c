/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The statistics of `burin bench` and `burin compare`. */
#include "tests/unit/check.h"
#include "tools/cli_stats.c"

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
	(void)state;
	Latency l = latency_of(v, 1);
	assert_true(l.median == 5 && l.low == 5 && l.high == 5 && l.p999 == 5);
	assert_true(l.mean == 5 && l.stddev == 0 && l.outliers == 0);
}

static void outliers_lie_far_out(void **state)
{
	double v[41];
	(void)state;
	for (int i = 0; i < 40; i++)
		v[i] = 100 + i;
	v[40] = 1000;
	Latency l = latency_of(v, 41);
	assert_int_equal(l.outliers, 1);
	assert_true(l.min == 100 && l.median == 120);
}

/* The interval holds the true median about 95 times in a hundred. */
static void interval_covers(void **state)
{
	enum { TRIALS = 400, N = 101 };
	Random r = { 42 };
	int held = 0;
	(void)state;
	for (int t = 0; t < TRIALS; t++) {
		double v[N];
		for (int i = 0; i < N; i++)
			v[i] = exp(normal(&r)); /* median 1 */
		sort_samples(v, N);
		Latency l = latency_of(v, N);
		held += l.low <= 1 && 1 <= l.high;
	}
	assert_in_range(held, TRIALS * 90 / 100, TRIALS * 99 / 100);
}

/* What resampling in full gives, for few samples. */
static void draws_are_medians_of_resamples(void **state)
{
	enum { N = 9, DRAWN = 20000 };
	const double v[N] = { 1, 2, 3, 4, 5, 6, 7, 8, 9 };
	int direct[N + 1] = { 0 }, short_cut[N + 1] = { 0 };
	Random r = { 7 };
	(void)state;
	for (int t = 0; t < DRAWN; t++) {
		double w[N];
		for (int i = 0; i < N; i++)
			w[i] = v[(int)(uniform(&r) * N)];
		sort_samples(w, N);
		direct[(int)w[N / 2]]++;
		short_cut[(int)resampled_median(&r, v, N)]++;
	}
	for (int k = 1; k <= N; k++)
		assert_true(fabs((double)(direct[k] - short_cut[k])) < 0.02 * DRAWN);
}

static void ratios(void **state)
{
	double a[100], b[100];
	(void)state;
	for (int i = 0; i < 100; i++) {
		a[i] = 1000 + i;
		b[i] = 1.1 * a[i];
	}
	Ratio q = ratio_of_medians(a, 100, b, 100);
	assert_true(fabs(q.ratio - 1.1) < 1e-9);
	assert_true(q.low > 1.05 && q.low < 1.1 && q.high > 1.1 && q.high < 1.15);
	q = ratio_of_medians(a, 100, a, 100);
	assert_true(q.ratio == 1 && q.low < 1 && q.high > 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(quantiles),
		cmocka_unit_test(one_sample),
		cmocka_unit_test(outliers_lie_far_out),
		cmocka_unit_test(interval_covers),
		cmocka_unit_test(draws_are_medians_of_resamples),
		cmocka_unit_test(ratios),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
