/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Statistics of measured times. */
#ifndef TOOLS_CLI_STATS_H
#define TOOLS_CLI_STATS_H
#include "tools/cli.h"

typedef struct Latency {               /* nanoseconds */
	double min, median, low, high; /* low, high: 95 % interval of the median */
	double p90, p95, p99, p999, mean, stddev;
	int n, outliers;
} Latency;
/* sorted: ascending, n > 0 */
Latency latency_of(const double *sorted, int n);
void sort_samples(double *at, int n);
double quantile(const double *sorted, int n, double q);

/* Ratio of the medians of b and a, with its 95 % interval. */
typedef struct Ratio {
	double ratio, low, high;
} Ratio;
Ratio ratio_of_medians(const double *sorted_a, int n_a, const double *sorted_b, int n_b);
#endif
