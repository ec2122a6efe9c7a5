/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Between the parts of bench. */
#ifndef TOOLS_CLI_BENCH_H
#define TOOLS_CLI_BENCH_H
#include "tools/cli_machine.h"
#include "tools/cli_model.h"
#include "tools/cli_stats.h"

typedef struct BenchKernel {
	const char *kernel, *kind, *sources;
	double flops, bytes; /* of one call */
	double median;       /* ns */
} BenchKernel;

typedef struct Bench {
	Model m;
	GivenList given;
	VEC(double) sample; /* ns, in the order of the runs */
	Samples samples;    /* the same, when all are there */
	Latency latency;
	double warmup_s, spent_s;
	bool steady;
	double drift; /* last quarter over the first, less one */
	double flops; /* of one run */
	VEC(BenchKernel) kernel;
	int profiled_runs;
} Bench;

/* cli_measure.c: warm-up and samples of all, in turns. */
typedef struct BenchLimits {
	int64_t runs; /* 0: until both of the others are met */
	double seconds;
} BenchLimits;
int bench_measure(Cli *c, Bench *b, int n, BenchLimits limits);

/* cli_profile.c */
int bench_profile(Cli *c, Bench *b);
double roof_share(const BenchKernel *k, const Peaks *p, int threads, bool *compute);
void profile_print(Cli *c, const Bench *b, const Peaks *p, int threads, int top);
void profile_json(Cli *c, const Bench *b, const Peaks *p, int threads);
#endif
