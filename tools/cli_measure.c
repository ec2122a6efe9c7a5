/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Measuring: first each model runs until its time is steady (the medians of two windows agree),
 * then the models take turns of some runs each, so that whatever disturbs the machine hits all
 * alike. */
#include "tools/cli_bench.h"
#include <math.h>

static const double window_ns = 50e6, warmup_cap_ns = 5e9, total_cap_s = 60;
enum { LEAST_RUNS = 30, WINDOW_RUNS = 5 };

static int timed_run(Cli *c, Bench *b, double *ns)
{
	int64_t start = now_ns();
	int rc = model_run(c, &b->m);
	*ns = (double)(now_ns() - start);
	return rc;
}

/* Runs until the window is full: its median. */
static int run_window(Cli *c, Bench *b, double *median, double *spent)
{
	VEC(double) at = { 0 };
	ArenaMark mark = arena_mark(c->arena);
	double sum = 0;
	while (at.n < WINDOW_RUNS || sum < window_ns) {
		double ns;
		int rc = timed_run(c, b, &ns);
		if (rc)
			return rc;
		sum += ns;
		vec_push(c->arena, &at, ns);
		if (sum > warmup_cap_ns)
			break;
	}
	*median = median_of(c->arena, at.at, at.n);
	*spent += sum;
	arena_release(c->arena, mark);
	return EXIT_YES;
}

static int warm_up(Cli *c, Bench *b)
{
	double before = 0, spent = 0;
	progress_show(c, "warm-up", 0, 1, "");
	while (!b->steady && spent < warmup_cap_ns) {
		double now;
		int rc = run_window(c, b, &now, &spent);
		if (rc)
			return rc;
		b->steady = before > 0 && fabs(now / before - 1) < 0.01;
		before = now;
	}
	b->warmup_s = spent * 1e-9;
	return EXIT_YES;
}

static bool has_enough(const Bench *b, BenchLimits l)
{
	if (l.runs > 0)
		return b->sample.n >= l.runs;
	return (b->sample.n >= LEAST_RUNS && b->spent_s >= l.seconds) ||
	       (b->sample.n > 0 && b->spent_s >= fmax(total_cap_s, l.seconds));
}

static int take_turn(Cli *c, Bench *b, BenchLimits l)
{
	for (double spent = 0; spent < TURN_NS && !has_enough(b, l);) {
		double ns;
		int rc = timed_run(c, b, &ns);
		if (rc)
			return rc;
		vec_push(c->arena, &b->sample, ns);
		spent += ns;
		b->spent_s += ns * 1e-9;
	}
	return EXIT_YES;
}

static int64_t tenths(const Bench *b, int n, BenchLimits l)
{
	double share = 0;
	for (int i = 0; i < n; i++) {
		double part = l.runs > 0 ? (double)b[i].sample.n / (double)l.runs
					 : b[i].spent_s / l.seconds;
		share += fmin(part, 1) / n;
	}
	return (int64_t)(share * 100);
}

/* Of the first and the last quarter: a machine that gets hot, or another program. */
static double drift_of(Cli *c, const Bench *b)
{
	int quarter = b->sample.n / 4;
	if (quarter < 5)
		return 0;
	double first = median_of(c->arena, b->sample.at, quarter);
	double last = median_of(c->arena, b->sample.at + b->sample.n - quarter, quarter);
	return last / first - 1;
}

static void summarise(Cli *c, Bench *b)
{
	b->samples = samples_of(c->arena, b->sample.at, b->sample.n);
	b->latency = latency_of(c->arena, &b->samples);
	b->drift = drift_of(c, b);
}

int bench_measure(Cli *c, Bench *b, int n, BenchLimits limits)
{
	bool busy = true;
	for (int i = 0; i < n; i++) {
		int rc = warm_up(c, &b[i]);
		if (rc)
			return rc;
	}
	while (busy) {
		busy = false;
		for (int i = 0; i < n; i++) {
			int rc = has_enough(&b[i], limits) ? EXIT_YES : take_turn(c, &b[i], limits);
			if (rc)
				return rc;
			busy |= !has_enough(&b[i], limits);
		}
		progress_show(c, "measuring", tenths(b, n, limits), 100, "%");
	}
	progress_wipe(c);
	for (int i = 0; i < n; i++)
		summarise(c, &b[i]);
	return EXIT_YES;
}
