/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The machine: what is known of it, what disturbs measurements, what it can do at most. */
#ifndef TOOLS_CLI_MACHINE_H
#define TOOLS_CLI_MACHINE_H
#include "tools/cli.h"
#include <sched.h>

/* A first line of a file in /proc or /sys, or NULL. */
const char *system_text(Arena *a, const char *path);
const char *cpu_name(Arena *a);
const char *cpu_list(Arena *a, const cpu_set_t *set); /* "0-3,6" */
int threads_wanted(const Cli *c);                     /* that a model will run with */
/* The key "env" of the open object; warnings on standard error about what disturbs. */
void environment_json(Cli *c);
void environment_warnings(Cli *c);
bool machine_is_busy(Cli *c); /* with other work */

enum { LEVEL_L2, LEVEL_L3, LEVEL_MEMORY, LEVELS };
typedef struct Peak {
	double one, all; /* of one thread, of Peaks.threads; 0: not known */
} Peak;
typedef struct Peaks {
	Peak fma;          /* GFLOP/s in f32, multiplications and additions counted */
	Peak read[LEVELS]; /* GB/s from each level of memory */
	int threads;
} Peaks;
/* Of the cache folder, for this CPU and this number of CPUs. */
bool peaks_load(Cli *c, Peaks *out);
bool peaks_store(Cli *c, const Peaks *p);
Peaks peaks_measure(Cli *c); /* about two seconds */
double peak_gflops(const Peaks *p, int threads);
double peak_read(const Peaks *p, int level, int threads);
/* The nearest level that can hold so much. */
int level_of(double bytes, int threads);
#endif
