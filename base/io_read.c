/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Reading files. Opened without blocking, so that a pipe in place of a file is refused and not
 * waited for; what was opened is looked at, not what the name stands for. The step-by-step way of
 * io_open_beside opens one folder after the other, each relative to the one before and never
 * through a link, which is what openat2 does in one call. */
#include "base/io.h"
#include "base/io_error.h"
#include "base/oom.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum {
	OPEN_FILE = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY,
	OPEN_FOLDER = O_PATH | O_DIRECTORY | O_CLOEXEC
};
enum { LONGEST_STEP = 255, TRIES = 16 };

static int close_and_fail(int fd)
{
	if (fd >= 0)
		close(fd);
	return -1;
}

static int open_again(int folder, const char *name, int flags)
{
	int fd;
	do
		fd = openat(folder, name, flags);
	while (fd < 0 && errno == EINTR);
	return fd;
}

int io_regular(int fd, struct stat *st, IoError *e)
{
	if (fd < 0 || fstat(fd, st) != 0) {
		io_fail_errno(e, E1001, errno);
		return close_and_fail(fd);
	}
	if (S_ISREG(st->st_mode))
		return fd;
	io_fail(e, E1006, S_ISDIR(st->st_mode) ? "is a folder" : "is not a regular file");
	return close_and_fail(fd);
}

int io_open(const char *path, IoError *e)
{
	struct stat st;
	return io_regular(open_again(AT_FDCWD, path, OPEN_FILE), &st, e);
}

/* --- beside a model -------------------------------------------------------------------------- */

static bool is_dots(const char *step, size_t n)
{
	return n == 2 && step[0] == '.' && step[1] == '.';
}

/* What the text alone shows; the kernel's answer would be less clear. */
static bool name_is_inside(const char *name, IoError *e)
{
	if (!name[0])
		return io_fail(e, E1005, "the name is empty");
	if (name[0] == '/')
		return io_fail(e, E1005, "the name is an absolute path");
	for (const char *at = name; *at;) {
		size_t n = strcspn(at, "/");
		if (is_dots(at, n))
			return io_fail(e, E1005, "the name leads out of the model's folder ('..')");
		at += n + (at[n] == '/');
	}
	return true;
}

static int beneath_failed(int error, IoError *e)
{
	if (error == ELOOP)
		io_fail(e, E1005, "symbolic links are not followed in names that a model gives");
	else if (error == EXDEV)
		io_fail(e, E1005, "the name leads out of the model's folder");
	else
		io_fail_errno(e, E1001, error);
	return -1;
}

/* A second hard link may be a file from elsewhere. */
static int only_link(int fd, IoError *e)
{
	struct stat st;
	fd = io_regular(fd, &st, e);
	if (fd < 0 || st.st_nlink == 1)
		return fd;
	io_fail(e, E1005, "the file has a second hard link");
	return close_and_fail(fd);
}

/* Leaves errno as it was. */
static bool is_link(int folder, const char *step)
{
	struct stat st;
	int saved = errno;
	bool link = fstatat(folder, step, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISLNK(st.st_mode);
	errno = saved;
	return link;
}

int io_walk_beneath(int folder, const char *name, IoError *e)
{
	if (!name_is_inside(name, e))
		return -1;
	int at = open_again(folder, ".", OPEN_FOLDER);
	while (at >= 0) {
		char step[LONGEST_STEP + 1];
		size_t n = strcspn(name, "/");
		if (n > LONGEST_STEP) {
			close(at);
			return beneath_failed(ENAMETOOLONG, e);
		}
		memcpy(step, name, n);
		step[n] = 0;
		bool last = !name[n];
		name += n + !last;
		if (n == 0 && !last)
			continue; /* "a//b" */
		int next = open_again(at, n ? step : ".",
				      (last ? OPEN_FILE : OPEN_FOLDER) | O_NOFOLLOW);
		int error = next < 0 && is_link(at, step) ? ELOOP : errno;
		close(at);
		if (next < 0)
			return beneath_failed(error, e);
		if (last)
			return only_link(next, e);
		at = next;
	}
	return beneath_failed(errno, e);
}

/* Whether an error says that the call itself is not to be had: an old kernel, or a sandbox. */
static bool is_no_call(int error)
{
	return error == ENOSYS || error == EPERM || error == EINVAL || error == E2BIG ||
	       error == EAGAIN;
}

int io_open_beneath(int folder, const char *name, IoError *e)
{
	if (!name_is_inside(name, e))
		return -1;
	struct open_how how = { .flags = OPEN_FILE | O_NOFOLLOW,
				.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS |
					   RESOLVE_NO_MAGICLINKS };
	long fd;
	int tries = 0;
	do
		fd = syscall(SYS_openat2, folder, name, &how, sizeof how);
	while (fd < 0 && (errno == EINTR || errno == EAGAIN) && ++tries < TRIES);
	if (fd < 0 && is_no_call(errno))
		return io_walk_beneath(folder, name, e);
	return fd < 0 ? beneath_failed(errno, e) : only_link((int)fd, e);
}

int io_open_beside(const char *model_path, const char *name, IoError *e)
{
	const char *base = path_base(model_path);
	size_t n = (size_t)(base - model_path);
	char *folder_name = mem_alloc(n + 2);
	memcpy(folder_name, n ? model_path : ".", n ? n : 1);
	int folder = open_again(AT_FDCWD, folder_name, OPEN_FOLDER);
	int error = errno;
	free(folder_name);
	if (folder < 0)
		return beneath_failed(error, e);
	int fd = io_open_beneath(folder, name, e);
	close(folder);
	return fd;
}

/* --- whole files ----------------------------------------------------------------------------- */

/* A descriptor that is closed when memory runs out in between. */
typedef struct OwnedFd {
	OomOwned owned;
	int fd;
} OwnedFd;

static void close_owned(OomOwned *self)
{
	close(((OwnedFd *)self)->fd);
}

bool io_read_at(int fd, size_t from, char *at, size_t n, IoError *e)
{
	while (n) {
		ssize_t got = pread(fd, at, n, (off_t)from);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return io_fail_errno(e, E1002, errno);
		if (got == 0)
			return io_fail(e, E1002, "the file became shorter while it was read");
		at += got;
		from += (size_t)got;
		n -= (size_t)got;
	}
	return true;
}

bool io_too_long(uint64_t size, size_t cap, IoError *e)
{
	char text[sizeof e->text];
	snprintf(text, sizeof text, "it has %llu bytes, at most %zu are read",
		 (unsigned long long)size, cap);
	return io_fail(e, E1004, text);
}

bool io_read_fd(int fd, Arena *arena, size_t cap, IoText *out, IoError *e)
{
	struct stat st;
	fd = io_regular(fd, &st, e);
	if (fd < 0)
		return false;
	OwnedFd owner = { .fd = fd };
	oom_own(&owner.owned, close_owned);
	bool ok = (uint64_t)st.st_size <= cap;
	if (ok) {
		size_t n = (size_t)st.st_size;
		char *at = arena_alloc(arena, n + 1);
		ok = io_read_at(fd, 0, at, n, e);
		*out = (IoText){ .at = at, .n = n };
	} else {
		io_too_long((uint64_t)st.st_size, cap, e);
	}
	oom_disown(&owner.owned);
	close(fd);
	return ok;
}

bool io_read(const char *path, Arena *arena, size_t cap, IoText *out, IoError *e)
{
	int fd = io_open(path, e);
	return fd >= 0 && io_read_fd(fd, arena, cap, out, e);
}
