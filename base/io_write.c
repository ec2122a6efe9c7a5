/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Writing files: to a temporary name in the same folder, to the disk, then over the name, then the
 * folder to the disk. So a reader sees the old file or the new one, and a save that was
 * acknowledged survives a power cut. An error is kept until io_commit. */
#include "base/io.h"
#include "base/io_error.h"
#include "base/oom.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BUFFER = 1 << 16, TRIES = 100, TEMPORARY_EXTRA = 32, PLACE_ALIGN = 64 };

struct IoWriter {
	OomOwned owned;  /* first */
	int fd, lock;    /* of the same file; lock stays open until it has its name */
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
	if (w->lock >= 0)
		close(w->lock);
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

/* "a/.b.xml.burin-1f2e3d4c5b6a7988.tmp" for "a/b.xml", a name nobody has. */
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
		snprintf(name, room, "%.*s.%.*s.burin-%016llx.tmp", folder, w->path, most, base,
			 (unsigned long long)random);
		w->fd = open_again(name, O_RDWR | O_CREAT | O_EXCL);
		if (w->fd >= 0 && io_lock_temporary(w->fd, name)) {
			w->lock = fcntl(w->fd, F_DUPFD_CLOEXEC, 0);
			return true;
		}
		if (w->fd >= 0)
			close(w->fd);
		else if (errno != EEXIST)
			break;
		w->fd = -1;
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
	w->fd = w->lock = -1;
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

/* All that may fail but for the name. */
static void complete(IoWriter *w)
{
	struct stat st;
	end_place(w);
	flush(w);
	if (w->temporary && !w->error && !w->scratch)
		note_error(w, fsync(w->fd));
	close_file(w); /* some file systems report a full disk only now */
	if (w->temporary && !w->error && lstat(w->path, &st) == 0 && S_ISDIR(st.st_mode))
		w->error = EISDIR;
}

static void take_name(IoWriter *w)
{
	if (!w->temporary)
		return;
	note_error(w, rename(w->temporary, w->path));
	if (w->error)
		return;
	free(w->temporary);
	w->temporary = NULL;
	if (!w->scratch)
		sync_folder(w);
}

bool io_commit_all(IoWriter *const *w, int n, int *failed, IoError *e)
{
	int error = 0;
	for (int i = 0; i < n && !error; i++) {
		complete(w[i]);
		error = w[i]->error;
		*failed = i;
	}
	for (int i = n - 1; i >= 0 && !error; i--) {
		take_name(w[i]);
		error = w[i]->error;
		*failed = i;
	}
	for (int i = 0; i < n; i++)
		io_abort(w[i]);
	return error ? io_fail_errno(e, E1003, error) : true;
}

bool io_commit(IoWriter *w, IoError *e)
{
	int failed;
	return io_commit_all(&w, 1, &failed, e);
}

bool io_write_file(const char *path, const void *data, size_t n, IoError *e)
{
	IoWriter *w = io_create(path, e);
	if (!w)
		return false;
	io_write(w, data, n);
	return io_commit(w, e);
}

/* --- what killed processes leave ------------------------------------------------------------- */

bool io_lock_temporary(int fd, const char *name)
{
	struct stat made, there;
	int kept = errno;
	/* where the file system has no locks nothing is swept either */
	while (flock(fd, LOCK_EX) != 0 && errno == EINTR)
		;
	bool ours = fstat(fd, &made) == 0 && lstat(name, &there) == 0 &&
		    made.st_dev == there.st_dev && made.st_ino == there.st_ino;
	errno = kept;
	return ours;
}

/* ".NAME.burin-0123456789abcdef.tmp" or ".burin-XXXXXX", as they are made here and in
 * codegen/folder.c */
static bool is_temporary(const char *name)
{
	static const char mark[] = ".burin-";
	enum { DIGITS = 16, LETTERS = 6 };
	size_t n = strlen(name), tail = DIGITS + strlen(".tmp");
	if (strncmp(name, mark, strlen(mark)) == 0 && n == strlen(mark) + LETTERS)
		return true;
	if (name[0] != '.' || n < tail + strlen(mark) + 1)
		return false;
	const char *end = name + n - tail;
	return strncmp(end - strlen(mark), mark, strlen(mark)) == 0 &&
	       strspn(end, "0123456789abcdef") == DIGITS && strcmp(end + DIGITS, ".tmp") == 0;
}

static void empty_folder(int fd)
{
	int own = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = own >= 0 ? fdopendir(own) : NULL;
	if (!dir && own >= 0)
		close(own);
	for (struct dirent *d; dir && (d = readdir(dir)) != NULL;)
		unlinkat(fd, d->d_name, 0); /* fails for . and .. */
	if (dir)
		closedir(dir);
}

static void remove_left_over(int folder, const char *name)
{
	struct stat st;
	int fd = openat(folder, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return;
	if (fstat(fd, &st) == 0 && st.st_uid == geteuid() && flock(fd, LOCK_EX | LOCK_NB) == 0) {
		if (S_ISDIR(st.st_mode)) {
			empty_folder(fd);
			unlinkat(folder, name, AT_REMOVEDIR);
		} else if (S_ISREG(st.st_mode)) {
			unlinkat(folder, name, 0);
		}
	}
	close(fd);
}

void io_sweep(const char *path)
{
	int kept = errno, n = (int)(path_base(path) - path);
	char folder[PATH_MAX];
	if (snprintf(folder, sizeof folder, "%.*s", n, n ? path : "") >= (int)sizeof folder)
		return;
	DIR *dir = opendir(n ? folder : ".");
	for (struct dirent *d; dir && (d = readdir(dir)) != NULL;)
		if (is_temporary(d->d_name))
			remove_left_over(dirfd(dir), d->d_name);
	if (dir)
		closedir(dir);
	errno = kept;
}
