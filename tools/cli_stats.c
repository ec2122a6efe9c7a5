/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The interval of a median is read off the order of the values: of n independent ones the median of
 * what they are drawn from lies between those at ranks n/2 -+ 0.98 sqrt n in 95 of 100 cases,
 * whatever the distribution (the sign test; Conover, Practical Nonparametric Statistics, 3.2). Of
 * values whose neighbours correlate by r, n (1 - r) / (1 + r) count (Zieba, Effective number of
 * observations, 2010). */
#include "tools/cli_stats.h"
#include <math.h>
#include <stdlib.h>

static int ascending(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

static double *sorted_copy(Arena *a, const double *at, int n)
{
	double *copy = arena_copy(a, at, sizeof *at * (size_t)n);
	qsort(copy, (size_t)n, sizeof *copy, ascending);
	return copy;
}

double quantile(const double *sorted, int n, double q)
{
	double at = q * (n - 1);
	int i = (int)at;
	if (i + 1 >= n)
		return sorted[n - 1];
	return sorted[i] + (at - i) * (sorted[i + 1] - sorted[i]);
}

double median_of(Arena *a, const double *at, int n)
{
	return quantile(sorted_copy(a, at, n), n, 0.5);
}

Samples samples_of(Arena *a, const double *at, int n)
{
	VEC(double) turn = { 0 };
	Samples s = { .n = n, .at = arena_copy(a, at, sizeof *at * (size_t)n) };
	double spent = 0;
	for (int i = 0, first = 0; i < n; i++) {
		spent += at[i];
		if (spent < TURN_NS && i + 1 < n)
			continue;
		if (spent >= TURN_NS / 2 ||
		    turn.n == 0) /* else what is left is too short to count */
			vec_push(a, &turn, median_of(a, at + first, i + 1 - first));
		first = i + 1;
		spent = 0;
	}
	s.sorted = sorted_copy(a, at, n);
	s.turn = turn.at;
	s.n_turn = turn.n;
	return s;
}

/* Of values and those before them; what falls below 0 promises nothing. */
static double correlation(const double *v, int n)
{
	double mean = 0, own = 0, with_next = 0;
	for (int i = 0; i < n; i++)
		mean += v[i] / n;
	for (int i = 0; i < n; i++) {
		own += (v[i] - mean) * (v[i] - mean);
		if (i + 1 < n)
			with_next += (v[i] - mean) * (v[i + 1] - mean);
	}
	return own > 0 && with_next > 0 ? with_next / own : 0;
}

typedef struct Interval {
	double low, high;
} Interval;

static Interval median_interval(Arena *a, const double *v, int n)
{
	const double *sorted = sorted_copy(a, v, n);
	double r = correlation(v, n), count = n * (1 - r) / (1 + r);
	int low = (int)floor(n * (0.5 - 0.98 / sqrt(count)));
	if (low < 0)
		low = 0;
	return (Interval){ sorted[low], sorted[n - 1 - low] };
}

/* Beyond three quartile distances: disturbances, not the spread of the work itself. */
static int count_outliers(const double *sorted, int n)
{
	double low = quantile(sorted, n, 0.25), high = quantile(sorted, n, 0.75);
	double reach = 3 * (high - low);
	int outliers = 0;
	for (int i = 0; i < n; i++)
		outliers += sorted[i] < low - reach || sorted[i] > high + reach;
	return outliers;
}

Latency latency_of(Arena *a, const Samples *s)
{
	const double *sorted = s->sorted;
	int n = s->n;
	double sum = 0, squares = 0;
	Latency l = { .min = sorted[0], .median = quantile(sorted, n, 0.5), .n = n };
	/* a single turn has no spread of its own: the runs' is the most that can be said */
	Interval ci = s->n_turn > 1 ? median_interval(a, s->turn, s->n_turn)
				    : (Interval){ sorted[0], sorted[n - 1] };
	l.low = fmin(ci.low, l.median);
	l.high = fmax(ci.high, l.median);
	for (int i = 0; i < n; i++)
		sum += sorted[i];
	l.mean = sum / n;
	for (int i = 0; i < n; i++)
		squares += (sorted[i] - l.mean) * (sorted[i] - l.mean);
	l.stddev = n > 1 ? sqrt(squares / (n - 1)) : 0;
	l.p90 = quantile(sorted, n, 0.90);
	l.p95 = quantile(sorted, n, 0.95);
	l.p99 = quantile(sorted, n, 0.99);
	l.p999 = quantile(sorted, n, 0.999);
	l.outliers = count_outliers(sorted, n);
	return l;
}

const char *disturbance(Arena *a, const Samples *s)
{
	const double far_apart = 1.3, most_outliers = 0.05;
	double median = quantile(s->sorted, s->n, 0.5), fast = quantile(s->sorted, s->n, 0.01);
	int outliers = count_outliers(s->sorted, s->n);
	if (median > far_apart * fast)
		return arena_printf(a, "the typical run takes %.1f times the fastest ones",
				    median / fast);
	if (s->n >= 20 && outliers > most_outliers * s->n)
		return arena_printf(a, "%d of %d runs are outliers", outliers, s->n);
	return NULL;
}

/* --- ratios ----------------------------------------------------------------------------------- */

const char *verdict_name(Verdict v)
{
	static const char *const name[] = { [FASTER] = "faster",
					    [SLOWER] = "slower",
					    [NO_DIFFERENCE] = "no difference",
					    [INCONCLUSIVE] = "inconclusive" };
	return name[v];
}

static Verdict judge(Arena *a, const Ratio *r, const Samples *x, const Samples *y)
{
	const double more = 1 + LEAST_DIFFERENCE, less = 1 / more;
	double fast = quantile(y->sorted, y->n, 0.1) / quantile(x->sorted, x->n, 0.1);
	if (x->n_turn < LEAST_TURNS || y->n_turn < LEAST_TURNS || disturbance(a, x) ||
	    disturbance(a, y))
		return INCONCLUSIVE;
	if (r->low > more && fast > more)
		return SLOWER;
	if (r->high < less && fast < less)
		return FASTER;
	return r->low >= less && r->high <= more ? NO_DIFFERENCE : INCONCLUSIVE;
}

static Ratio ratio_with(Arena *a, const Samples *x, const Samples *y, Interval ci)
{
	Ratio r = { .ratio = quantile(y->sorted, y->n, 0.5) / quantile(x->sorted, x->n, 0.5) };
	r.low = fmin(ci.low, r.ratio);
	r.high = fmax(ci.high, r.ratio);
	r.verdict = judge(a, &r, x, y);
	return r;
}

/* A turn of y followed one of x, under the same conditions. */
Ratio ratio_in_turns(Arena *a, const Samples *x, const Samples *y)
{
	int n = x->n_turn < y->n_turn ? x->n_turn : y->n_turn;
	double *ratio = ARENA_ARRAY(a, double, n);
	for (int i = 0; i < n; i++)
		ratio[i] = y->turn[i] / x->turn[i];
	return ratio_with(a, x, y, median_interval(a, ratio, n));
}

Ratio ratio_apart(Arena *a, const Samples *x, const Samples *y)
{
	Interval i = median_interval(a, x->turn, x->n_turn),
		 j = median_interval(a, y->turn, y->n_turn);
	return ratio_with(a, x, y, (Interval){ j.low / i.high, j.high / i.low });
}
