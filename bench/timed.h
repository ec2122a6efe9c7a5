/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* A compiled program with memory of its own, run over zeros and timed step by step. */
#ifndef BENCH_TIMED_H
#define BENCH_TIMED_H
#include "codegen/compile.h"
#include "runtime/cpu/rt.h"

typedef struct Timed {
	const BurinProgram *program;
	const Plan *plan;
	void *ports[8], *work;
	unsigned char ctx[BURIN_CTX_BYTES];
	uint64_t *ns; /* of each step of the plan, in the last run */
} Timed;

/* The program must outlive it. It has seven inputs at most and one output. */
void timed_open(Timed *t, const Program *p, int threads);
void timed_close(Timed *t);
void timed_run(Timed *t);
#endif
