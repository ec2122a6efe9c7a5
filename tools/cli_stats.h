/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Statistics of measured times. Samples are nanoseconds in the order of the runs.
 *
 * Runs next to each other are not independent: what else a machine does lasts for many of them. So
 * intervals are not over runs but over turns, stretches of 60 ms of which each counts as its
 * median, and are widened by what remains of correlation between neighbouring turns. */
#ifndef TOOLS_CLI_STATS_H
#define TOOLS_CLI_STATS_H
#include "tools/cli.h"

#define TURN_NS 60e6

typedef struct Samples {
	const double *at, *sorted; /* in the order of the runs; ascending */
	int n;
	const double *turn; /* medians */
	int n_turn;
} Samples;
Samples samples_of(Arena *a, const double *at, int n); /* n > 0; copies */

typedef struct Latency {               /* nanoseconds */
	double min, median, low, high; /* low, high: 95 % interval of the median */
	double p90, p95, p99, p999, mean, stddev;
	int n, outliers;
} Latency;
Latency latency_of(Arena *a, const Samples *s);
double quantile(const double *sorted, int n, double q);
double median_of(Arena *a, const double *at, int n); /* in any order */

/* Why the times say more about the machine than about the program, or NULL. */
const char *disturbance(Arena *a, const Samples *s);

typedef enum Verdict { FASTER, SLOWER, NO_DIFFERENCE, INCONCLUSIVE } Verdict;
const char *verdict_name(Verdict v);

/* A difference that counts: as much comes and goes with the addresses at which the same program
 * lies. */
#define LEAST_DIFFERENCE 0.01

/* b over a, by medians, with the 95 % interval. A verdict needs LEAST_TURNS turns; `faster` and
 * `slower` mean that the whole interval, and the fastest tenth of the runs too, differ by more than
 * LEAST_DIFFERENCE, `no difference` that the whole interval lies within it. */
enum { LEAST_TURNS = 6 };
typedef struct Ratio {
	double ratio, low, high;
	Verdict verdict;
} Ratio;
Ratio ratio_in_turns(Arena *a, const Samples *x, const Samples *y); /* measured side by side */
Ratio ratio_apart(Arena *a, const Samples *x, const Samples *y);
/* cli_compare.c: the keys ratio, ratio_ci95, verdict */
void ratio_json(Cli *c, const Ratio *r);
#endif
