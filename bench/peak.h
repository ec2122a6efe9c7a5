/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The machine's multiply-add peak, measured in the same run as what is compared with it. */
#ifndef BENCH_PEAK_H
#define BENCH_PEAK_H
#include "codegen/codegen.h"

typedef struct Peak {
	JitProgram *jit;
	void *code;
	int lanes, threads;
	double best; /* GFLOP/s of all threads, since it was last set to 0 */
} Peak;
bool peak_open(Peak *p, Context *c); /* p->threads is given */
void peak_measure(Peak *p);
void peak_close(Peak *p);
#endif
