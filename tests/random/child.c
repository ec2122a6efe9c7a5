/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Trials in processes of their own: what crashes, hangs or eats memory ends one of them. */
#include "tests/random/net.h"
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

enum { CPU_SECONDS = 30, CLOCK_SECONDS = 600, FIRST = 64 };

static void too_long(int signal_number)
{
	(void)signal_number;
	_exit(FIRST + HANGS);
}

void child_limits(void)
{
	struct rlimit core = { 0, 0 };
	setrlimit(RLIMIT_CORE, &core);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
	const rlim_t most = (rlim_t)3 << 30; /* bytes */
	struct rlimit data = { most, most };
	setrlimit(RLIMIT_DATA, &data);
#endif
	signal(SIGPROF, too_long);
	signal(SIGALRM, too_long);
}

void child_clock(void)
{
	setitimer(ITIMER_PROF, &(struct itimerval){ .it_value.tv_sec = CPU_SECONDS }, NULL);
	alarm(CLOCK_SECONDS);
}

Verdict child_verdict(int status)
{
	if (WIFSIGNALED(status))
		return CRASHES;
	int v = WEXITSTATUS(status) - FIRST;
	return v >= 0 && v < VERDICTS ? (Verdict)v : CRASHES;
}

static void be_child(const char *text, size_t n, int to)
{
	Trial t;
	Str what;
	const char *why;
	Arena *arena = arena_create();
	Verdict v = INVALID;
	child_limits();
	child_clock();
	str_init(&what, arena);
	Case *c = is_net(text) ? NULL : trial_read(text, n, &t, &why);
	if (is_net(text))
		v = net_judge(text, &what);
	else if (c)
		v = trial_judge(c, &t, &what);
	else
		str_fmt(&what, "%s\n", why);
	ssize_t written = write(to, str_text(&what), what.n < 4000 ? what.n : 4000);
	_exit(FIRST + (written < 0 ? CRASHES : v));
}

Verdict child_judge(const char *text, size_t n, Str *what)
{
	int pipe_end[2], status = 0;
	char buffer[4096];
	fflush(NULL);
	if (pipe(pipe_end) != 0)
		return INVALID;
	pid_t pid = fork();
	if (pid == 0) {
		close(pipe_end[0]);
		be_child(text, n, pipe_end[1]);
	}
	close(pipe_end[1]);
	for (ssize_t got; (got = read(pipe_end[0], buffer, sizeof buffer)) > 0;)
		if (what)
			str_addn(what, buffer, (size_t)got);
	close(pipe_end[0]);
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		return INVALID;
	if (what && WIFSIGNALED(status))
		str_fmt(what, "signal %d\n", WTERMSIG(status));
	return child_verdict(status);
}
