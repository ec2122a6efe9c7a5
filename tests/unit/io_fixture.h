/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* For tests of files: a folder of their own, and a system whose calls fail on demand. The test
 * names the calls in its first line: wrap: open openat pread write fsync rename
 * close syscall posix_fallocate mmap */
#ifndef TESTS_IO_FIXTURE_H
#define TESTS_IO_FIXTURE_H
#include "tests/unit/check.h"
#include "base/io.h"
#include "base/oom.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static Arena *arena;
static char folder[64]; /* of the test, removed after it */

/* --- a system that fails --------------------------------------------------------------------- */

typedef enum Fault { NO_FAULT, FAIL, INTERRUPT, SHORT } Fault;

static struct {
	Fault fault;
	int error;
	long countdown; /* the call that fails; negative: none */
	long calls;
	bool no_openat2, no_mmap;
} system_calls = { .countdown = -1 };

static inline bool fails_now(void)
{
	if (system_calls.fault == NO_FAULT)
		return false;
	system_calls.calls++;
	if (system_calls.countdown < 0 || system_calls.countdown-- > 0)
		return false;
	errno = system_calls.fault == INTERRUPT ? EINTR : system_calls.error;
	return true;
}

int __real_open(const char *path, int flags, ...);
int __wrap_open(const char *path, int flags, mode_t mode);
int __real_openat(int fd, const char *path, int flags, ...);
int __wrap_openat(int fd, const char *path, int flags, mode_t mode);
ssize_t __real_pread(int fd, void *at, size_t n, off_t from);
ssize_t __wrap_pread(int fd, void *at, size_t n, off_t from);
ssize_t __real_write(int fd, const void *at, size_t n);
ssize_t __wrap_write(int fd, const void *at, size_t n);
int __real_fsync(int fd);
int __wrap_fsync(int fd);
int __real_rename(const char *from, const char *to);
int __wrap_rename(const char *from, const char *to);
int __real_close(int fd);
int __wrap_close(int fd);
int __real_posix_fallocate(int fd, off_t at, off_t n);
int __wrap_posix_fallocate(int fd, off_t at, off_t n);
void *__real_mmap(void *at, size_t n, int protection, int flags, int fd, off_t offset);
void *__wrap_mmap(void *at, size_t n, int protection, int flags, int fd, off_t offset);
long __real_syscall(long number, ...);
long __wrap_syscall(long number, long a, long b, long c, long d);

int __wrap_open(const char *path, int flags, mode_t mode)
{
	return fails_now() ? -1 : __real_open(path, flags, mode);
}

int __wrap_openat(int fd, const char *path, int flags, mode_t mode)
{
	return fails_now() ? -1 : __real_openat(fd, path, flags, mode);
}

ssize_t __wrap_pread(int fd, void *at, size_t n, off_t from)
{
	bool fails = fails_now();
	if (fails && system_calls.fault != SHORT)
		return -1;
	return __real_pread(fd, at, fails && n > 1 ? n / 2 : n, from);
}

ssize_t __wrap_write(int fd, const void *at, size_t n)
{
	if (fails_now())
		return system_calls.fault == SHORT ? __real_write(fd, at, n > 1 ? n / 2 : n) : -1;
	return __real_write(fd, at, n);
}

int __wrap_fsync(int fd)
{
	return fails_now() && system_calls.fault == FAIL ? -1 : __real_fsync(fd);
}

int __wrap_rename(const char *from, const char *to)
{
	return fails_now() && system_calls.fault == FAIL ? -1 : __real_rename(from, to);
}

int __wrap_close(int fd) /* closes in any case, as Linux does */
{
	bool bad = fails_now() && system_calls.fault != SHORT;
	int error = errno;
	int result = __real_close(fd);
	errno = error;
	return bad ? -1 : result;
}

int __wrap_posix_fallocate(int fd, off_t at, off_t n)
{
	bool fails = fails_now() && system_calls.fault == FAIL;
	return fails ? system_calls.error : __real_posix_fallocate(fd, at, n);
}

void *__wrap_mmap(void *at, size_t n, int protection, int flags, int fd, off_t offset)
{
	if (system_calls.no_mmap) {
		errno = ENODEV;
		return MAP_FAILED;
	}
	return __real_mmap(at, n, protection, flags, fd, offset);
}

long __wrap_syscall(long number, long a, long b, long c, long d)
{
	if (number == SYS_openat2 && system_calls.no_openat2) {
		errno = ENOSYS;
		return -1;
	}
	return __real_syscall(number, a, b, c, d);
}

/* --- the folder ------------------------------------------------------------------------------ */

static inline int setup(void **state)
{
	(void)state;
	arena = arena_create();
	const char *top = getenv("TMPDIR");
	snprintf(folder, sizeof folder, "%s/burin-io-XXXXXX",
		 top && strlen(top) < 30 ? top : "/tmp");
	return mkdtemp(folder) ? 0 : -1;
}

static inline int remove_one(const char *path, const struct stat *st, int type, struct FTW *where)
{
	(void)st;
	(void)type;
	(void)where;
	return remove(path);
}

static inline int teardown(void **state)
{
	(void)state;
	memset(&system_calls, 0, sizeof system_calls);
	system_calls.countdown = -1;
	arena_destroy(arena);
	return nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static inline char *in_folder(const char *name)
{
	return path_join(arena, folder, name);
}

static inline void put(const char *name, const char *text)
{
	FILE *f = fopen(in_folder(name), "w");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static inline int files_in_folder(void)
{
	DIR *d = opendir(folder);
	int n = 0;
	for (struct dirent *e; (e = readdir(d));)
		n += e->d_name[0] != '.' || strlen(e->d_name) > 2;
	closedir(d);
	return n;
}

static inline int open_descriptors(void)
{
	DIR *d = opendir("/proc/self/fd");
	int n = 0;
	while (d && readdir(d))
		n++;
	if (d)
		closedir(d);
	return n;
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
#endif
