/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* A trial: a graph with its inputs (a Case), how it is compiled and run, and what it comes to. It
 * prints as text that reads back, which is how a failure is replayed and made smaller. */
#ifndef TESTS_RANDOM_TRIAL_H
#define TESTS_RANDOM_TRIAL_H
#include "tests/conform/conform.h"

typedef struct Trial {
	FpMode fp;
	const char *target, *other; /* and NULL, or one that it is compiled for, too */
	bool off[PASS_COUNT];       /* passes that are off */
	bool again[PASS_COUNT];     /* under fp=strict those that are off in a second program, whose
				   results have the same bits */
	int threads;                /* of a second run, with the same bits */
	bool exact;                 /* sums of whole numbers are exact */
	bool rules;                 /* the reference is of the graph simplified by rules */
	bool library;               /* also as a .so that is loaded */
	Op wanted;                  /* when made: this operator is in the graph, if not folded */
} Trial;

typedef enum Verdict {
	RIGHT,
	INVALID, /* no graph, or none that can be evaluated: the generator is wrong */
	REFUSED, /* does not compile */
	FAULT,   /* the run said so, or inputs were written */
	WRONG,   /* outside of the bound */
	THREADS, /* other bits by several threads */
	STRICT,  /* other bits with other passes */
	LIBRARY, /* other bits out of a .so */
	HANGS,   /* beyond the limit of time */
	CRASHES, /* by a signal */
	VERDICTS
} Verdict;
extern const char *const verdict_name[VERDICTS];

/* Number i of the series `seed`. The case is destroyed by the caller. */
Case *trial_make(uint64_t seed, int64_t i, Trial *t);
Verdict trial_judge(Case *c, const Trial *t, Str *what);

void trial_print(Str *s, const Case *c, const Trial *t);
/* NULL when it cannot be read; *why then says so. */
Case *trial_read(const char *text, size_t n, Trial *t, const char **why);

/* --- in a process of its own (child.c) -------------------------------------------------------- */

/* Limits of memory from now on, of time (CPU, and by the clock) from here to the next call; when
 * they are exceeded the process ends with HANGS. */
void child_limits(void);
void child_clock(void);
/* Judges the text (a trial, or a net) in a child. */
Verdict child_judge(const char *text, size_t n, Str *what);
/* The verdict of how a process ended: its exit status, or a signal. */
Verdict child_verdict(int status);

/* --- making smaller (shrink.c) ---------------------------------------------------------------- */

/* The smallest text found that still ends in `verdict`, in `arena`. */
const char *shrink(Arena *arena, const char *text, size_t n, Verdict verdict);
#endif
