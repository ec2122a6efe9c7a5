/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Running another program: posix_spawn, its output through a pipe. */
#include "codegen/process.h"
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

const char *process_find(Arena *a, const char *name)
{
	const char *at = getenv("PATH");
	while (at && *at) {
		const char *end = strchrnul(at, ':');
		const char *path = arena_printf(a, "%.*s/%s", (int)(end - at), at, name);
		if (end > at && *at == '/' && access(path, X_OK) == 0)
			return path;
		at = *end ? end + 1 : end;
	}
	return NULL;
}

typedef struct Run {
	pid_t pid;
	int out; /* what it says: end of a pipe */
	const volatile sig_atomic_t *stop;
	Process *process;
} Run;

static int spawn(Run *run, const char *folder, char *const *args)
{
	posix_spawn_file_actions_t actions;
	int pipe_ends[2];
	if (pipe2(pipe_ends, O_CLOEXEC) != 0)
		return errno;
	int error = posix_spawn_file_actions_init(&actions);
	if (error == 0) {
		posix_spawn_file_actions_addchdir_np(&actions, folder);
		posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
		posix_spawn_file_actions_adddup2(&actions, pipe_ends[1], 1);
		posix_spawn_file_actions_adddup2(&actions, pipe_ends[1], 2);
		error = posix_spawn(&run->pid, args[0], &actions, NULL, args, environ);
		posix_spawn_file_actions_destroy(&actions);
	}
	close(pipe_ends[1]);
	run->out = pipe_ends[0];
	if (error != 0)
		close(run->out);
	return error;
}

static void check_stop(Run *run)
{
	if (run->stop && *run->stop && !run->process->stopped) {
		run->process->stopped = true;
		kill(run->pid, SIGTERM);
	}
}

static void listen_to(Run *run)
{
	char more[1024], *said = run->process->said;
	size_t kept = 0;
	for (;;) {
		ssize_t n = read(run->out, more, sizeof(more));
		check_stop(run);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		size_t room = PROCESS_SAID_BYTES - 1 - kept,
		       part = (size_t)n < room ? (size_t)n : room;
		memcpy(said + kept, more, part);
		kept += part;
	}
	while (kept > 0 && said[kept - 1] == '\n')
		kept--;
	said[kept] = 0;
	for (char *end = said; (end = strchr(end, '\n')) != NULL;)
		*end = ' ';
	close(run->out);
}

static int wait_for(Run *run)
{
	int status = 0;
	while (waitpid(run->pid, &status, 0) < 0) {
		if (errno != EINTR)
			return -1;
		check_stop(run);
	}
	return status;
}

int process_run(Process *p, const char *folder, char *const *args,
		const volatile sig_atomic_t *stop)
{
	Run run = { .stop = stop, .process = p };
	*p = (Process){ .stopped = false };
	int error = spawn(&run, folder, args);
	if (error != 0)
		return error;
	listen_to(&run);
	int status = wait_for(&run);
	p->signalled = WIFSIGNALED(status);
	p->status = p->signalled ? WTERMSIG(status) : WIFEXITED(status) ? WEXITSTATUS(status) : -1;
	return 0;
}
