/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Other programs: linkers, compilers. */
#ifndef CODEGEN_PROCESS_H
#define CODEGEN_PROCESS_H
#include "base/arena.h"
#include <signal.h>
#include <stdbool.h>

enum { PROCESS_SAID_BYTES = 4096 };
typedef struct Process {
	bool stopped;   /* it was told to end because *stop was set */
	bool signalled; /* ended by a signal: status is its number, else the exit status */
	int status;
	char said[PROCESS_SAID_BYTES]; /* the beginning of what it printed, as one line */
} Process;
/* Runs args[0], ended by NULL, in the folder, and waits. stop may be NULL. An errno when it cannot
 * be started, else 0. */
int process_run(Process *p, const char *folder, char *const *args,
		const volatile sig_atomic_t *stop);
/* The program's path, looked for in PATH; NULL: there is none. */
const char *process_find(Arena *a, const char *name);
#endif
