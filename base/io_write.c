/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Writing files: to a temporary name in the same folder, to the disk, then over the name, then the
 * folder to the disk. So a reader sees the old file or the new one, and a save that was
 * acknowledged survives a power cut. An error is kept until io_commit. */
#include "base/io.h"
#include "base/io_error.h"
#include "base/oom.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BUFFER = 1 << 16, TRIES = 100, TEMPORARY_EXTRA = 32, PLACE_ALIGN = 64 };

struct IoWriter {
	OomOwned owned; /* first */
	int fd;
	int error;       /* errno of the first failure, 0 */
	char *path;      /* the final name */
	char *temporary; /* NULL: written directly, nothing to rename */
	bool scratch;    /* not synced */
	void *place;     /* what io_place gave out and is not written yet; NULL: nothing */
	size_t place_bytes;
	bool place_is_file; /* it shows pages of the file */
	size_t held;
	char buffer[BUFFER];
};

static void free_place(IoWriter *w)
{
	if (w->place && w->place_is_file)
		munmap(w->place, w->place_bytes);
	else
		free(w->place);
	w->place = NULL;
}

static void destroy_writer(OomOwned *self)
{
	IoWriter *w = (IoWriter *)self;
	free_place(w);
	if (w->fd >= 0)
		close(w->fd);
	if (w->temporary)
		unlink(w->temporary);
	free(w->temporary);
	free(w->path);
	free(w);
}

void io_abort(IoWriter *w)
{
	if (!w)
		return;
	oom_disown(&w->owned);
	destroy_writer(&w->owned);
}

static int open_again(const char *path, int flags)
{
	int fd;
	do
		fd = open(path, flags | O_CLOEXEC | O_NOCTTY, 0666);
	while (fd < 0 && errno == EINTR);
	return fd;
}

/* "a/.b.xml.1f2e3d4c5b6a7988.tmp" for "a/b.xml". A name nobody has: an old temporary of a crash
 * stays as it is. */
static bool open_temporary(IoWriter *w)
{
	const char *base = path_base(w->path);
	int folder = (int)(base - w->path), most = 200; /* of the base: names end at 255 bytes */
	size_t room = strlen(w->path) + TEMPORARY_EXTRA;
	char *name = mem_alloc(room);
	w->temporary = name;
	for (int i = 0; i < TRIES; i++) {
		uint64_t random;
		if (getrandom(&random, sizeof random, 0) != (ssize_t)sizeof random)
			continue;
		snprintf(name, room, "%.*s.%.*s.%016llx.tmp", folder, w->path, most, base,
			 (unsigned long long)random);
		w->fd = open_again(name, O_RDWR | O_CREAT | O_EXCL);
		if (w->fd >= 0)
			return true;
		if (errno != EEXIST)
			break;
	}
	int error = errno;
	free(name);
	w->temporary = NULL; /* not ours to unlink */
	errno = error;
	return false;
}

static bool open_target(IoWriter *w)
{
	struct stat st;
	if (stat(w->path, &st) == 0 && !S_ISREG(st.st_mode)) {
		w->fd = open_again(w->path, O_WRONLY);
		return w->fd >= 0;
	}
	return open_temporary(w);
}

IoWriter *io_create(const char *path, IoError *e)
{
	IoWriter *w = mem_alloc(sizeof *w);
	w->fd = -1;
	oom_own(&w->owned, destroy_writer);
	w->path = mem_alloc(strlen(path) + 1);
	strcpy(w->path, path);
	if (open_target(w))
		return w;
	io_fail_errno(e, E1003, errno);
	io_abort(w);
	return NULL;
}

void io_scratch(IoWriter *w)
{
	w->scratch = true;
}

void io_runnable(IoWriter *w)
{
	struct stat st;
	if (w->temporary && fstat(w->fd, &st) == 0)
		fchmod(w->fd, (st.st_mode & 0777) | (st.st_mode & 0444) >> 2);
}

static void write_out(IoWriter *w, const char *at, size_t n)
{
	while (n && !w->error) {
		ssize_t done = write(w->fd, at, n);
		if (done < 0 && errno == EINTR)
			continue;
		if (done <= 0) {
			w->error = done < 0 ? errno : EIO;
			return;
		}
		at += done;
		n -= (size_t)done;
	}
}

static void flush(IoWriter *w)
{
	write_out(w, w->buffer, w->held);
	w->held = 0;
}

/* What was written into the memory that io_place gave out. */
static void end_place(IoWriter *w)
{
	if (w->place && !w->place_is_file) {
		flush(w);
		write_out(w, w->place, w->place_bytes);
	}
	free_place(w);
}

/* Pages of the file, with space on the disk for all of them: a full disk would be a signal later.
 * False: not here, or (w->error) not at all. */
static bool place_in_file(IoWriter *w, size_t n)
{
	off_t at = w->temporary ? lseek(w->fd, 0, SEEK_CUR) : -1;
	if (at < 0 || at % sysconf(_SC_PAGESIZE) != 0)
		return false;
	w->error = posix_fallocate(w->fd, at, (off_t)n);
	if (w->error)
		return false;
	void *p = mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_SHARED, w->fd, at);
	if (p == MAP_FAILED)
		return false; /* a file system that cannot do so */
	w->place = p;
	w->place_is_file = true;
	if (lseek(w->fd, (off_t)n, SEEK_CUR) < 0)
		w->error = errno;
	return !w->error;
}

static void *place_in_memory(size_t n)
{
	void *p = n <= PTRDIFF_MAX ? aligned_alloc(PLACE_ALIGN, (n + PLACE_ALIGN - 1) /
									PLACE_ALIGN * PLACE_ALIGN)
				   : NULL;
	if (!p)
		oom_raise();
	return memset(p, 0, n);
}

void *io_place(IoWriter *w, size_t n)
{
	end_place(w);
	flush(w);
	if (n == 0 || w->error)
		return NULL;
	w->place_bytes = n;
	w->place_is_file = false;
	if (!place_in_file(w, n) && !w->error)
		w->place = place_in_memory(n);
	return w->error ? NULL : w->place;
}

void io_place_rest(IoWriter *w)
{
	if (w->place && w->place_is_file)
		madvise(w->place, w->place_bytes, MADV_DONTNEED);
}

void io_write(IoWriter *w, const void *data, size_t n)
{
	end_place(w);
	if (n > BUFFER - w->held)
		flush(w);
	if (n > BUFFER) {
		write_out(w, data, n);
	} else if (n) {
		memcpy(w->buffer + w->held, data, n);
		w->held += n;
	}
}

static void note_error(IoWriter *w, int result)
{
	if (result != 0 && !w->error)
		w->error = errno;
}

/* The folder's entry. File systems that cannot do so say EINVAL; they need it not. */
static void sync_folder(IoWriter *w)
{
	const char *base = path_base(w->path);
	size_t n = (size_t)(base - w->path);
	char *folder = mem_alloc(n + 2);
	memcpy(folder, n ? w->path : ".", n ? n : 1);
	int fd = open_again(folder, O_RDONLY | O_DIRECTORY);
	free(folder);
	note_error(w, fd < 0 ? -1 : 0);
	if (fd < 0)
		return;
	if (fsync(fd) != 0 && errno != EINVAL)
		note_error(w, -1);
	close(fd);
}

static void close_file(IoWriter *w)
{
	int fd = w->fd;
	w->fd = -1;
	if (close(fd) != 0 && errno != EINTR)
		note_error(w, -1);
}

bool io_commit(IoWriter *w, IoError *e)
{
	end_place(w);
	flush(w);
	if (w->temporary && !w->error && !w->scratch)
		note_error(w, fsync(w->fd));
	close_file(w);
	if (w->temporary && !w->error) {
		note_error(w, rename(w->temporary, w->path));
		if (!w->error) {
			free(w->temporary);
			w->temporary = NULL;
			if (!w->scratch)
				sync_folder(w);
		}
	}
	int error = w->error;
	io_abort(w);
	return error ? io_fail_errno(e, E1003, error) : true;
}

bool io_write_file(const char *path, const void *data, size_t n, IoError *e)
{
	IoWriter *w = io_create(path, e);
	if (!w)
		return false;
	io_write(w, data, n);
	return io_commit(w, e);
}
