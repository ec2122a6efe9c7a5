/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The bootstrap of a median needs no resampling: the median of n draws from n sorted samples is
 * the sample at rank n U, where U is the median of n uniform numbers, which has a beta
 * distribution. So a thousand draws cost the same for thirty samples and for a million. Draws
 * start from a fixed seed: the same samples give the same interval. */
#include "tools/cli_stats.h"
#include <math.h>
#include <stdlib.h>

enum { DRAWS = 4000 };

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

/* Marsaglia and Tsang, for shape >= 1. */
static double gamma_draw(Random *r, double shape)
{
	double d = shape - 1.0 / 3, k = 1 / sqrt(9 * d);
	for (;;) {
		double x = normal(r), v = 1 + k * x;
		if (v <= 0)
			continue;
		v = v * v * v;
		if (log(uniform(r)) < 0.5 * x * x + d - d * v + d * log(v))
			return d * v;
	}
}

static double resampled_median(Random *r, const double *sorted, int n)
{
	double shape = (n + 1) / 2.0;
	double x = gamma_draw(r, shape), y = gamma_draw(r, shape);
	int rank = (int)(n * (x / (x + y)));
	return sorted[rank < n ? rank : n - 1];
}

static int ascending(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

void sort_samples(double *at, int n)
{
	if (n > 1)
		qsort(at, (size_t)n, sizeof *at, ascending);
}

double quantile(const double *sorted, int n, double q)
{
	double at = q * (n - 1);
	int i = (int)at;
	if (i + 1 >= n)
		return sorted[n - 1];
	return sorted[i] + (at - i) * (sorted[i + 1] - sorted[i]);
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

static void interval(const double *draw, double *low, double *high)
{
	*low = quantile(draw, DRAWS, 0.025);
	*high = quantile(draw, DRAWS, 0.975);
}

Latency latency_of(const double *sorted, int n)
{
	double draw[DRAWS], sum = 0, squares = 0;
	Random r = { 1 };
	Latency l = { .min = sorted[0], .median = quantile(sorted, n, 0.5), .n = n };
	for (int i = 0; i < DRAWS; i++)
		draw[i] = resampled_median(&r, sorted, n);
	sort_samples(draw, DRAWS);
	interval(draw, &l.low, &l.high);
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

Ratio ratio_of_medians(const double *sorted_a, int n_a, const double *sorted_b, int n_b)
{
	double draw[DRAWS];
	Random r = { 1 };
	Ratio q = { .ratio = quantile(sorted_b, n_b, 0.5) / quantile(sorted_a, n_a, 0.5) };
	for (int i = 0; i < DRAWS; i++)
		draw[i] = resampled_median(&r, sorted_b, n_b) / resampled_median(&r, sorted_a, n_a);
	sort_samples(draw, DRAWS);
	interval(draw, &q.low, &q.high);
	return q;
}
