/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Ctrl-C: ends the command at once with 130, unless files are being written; then it asks for the
 * end, and who writes stops and removes what is unfinished. One that comes a second later or more
 * does not wait; those before may be the same one, sent to the process and to its group. */
#include "tools/cli.h"
#include <signal.h>
#include <time.h>
#include <unistd.h>

static volatile int stop, held;
static volatile time_t stop_time;

static time_t seconds(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec;
}

static void on_interrupt(int number)
{
	(void)number;
	if (!held || (stop && seconds() - stop_time > 1))
		_exit(EXIT_INTERRUPTED);
	if (!stop)
		stop_time = seconds();
	stop = 1;
}

void cli_signals(void)
{
	struct sigaction a = { .sa_handler = on_interrupt };
	struct sigaction ignored;
	sigemptyset(&a.sa_mask);
	/* one that the parent ignores (nohup, background jobs of a script) stays ignored */
	if (sigaction(SIGINT, NULL, &ignored) == 0 && ignored.sa_handler != SIG_IGN)
		sigaction(SIGINT, &a, NULL);
	if (sigaction(SIGTERM, NULL, &ignored) == 0 && ignored.sa_handler != SIG_IGN)
		sigaction(SIGTERM, &a, NULL);
}

void cli_hold_interrupts(void)
{
	held = 1;
}

bool cli_interrupted(void)
{
	return stop;
}

const volatile int *cli_stop_flag(void)
{
	return &stop;
}
