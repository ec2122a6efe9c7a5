/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Mapped files, in two kinds. A plain mapping is the whole file. A piecewise one is a block of
 * memory as long as the file, into which the caller brings each part by reading or by mapping it,
 * from the front to the back: so it decides by what it has read, and nothing that it has looked at
 * changes under its eyes. Only mapped pages can be given back to the system. */
#include "base/io_error.h"
#include "base/oom.h"
#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

enum { AHEAD = 1 << 16 }; /* bytes read at once */

typedef struct Range {
	char *at;
	size_t n;
} Range;

struct IoMap {
	OomOwned owned; /* first */
	char *at;       /* NULL: empty file */
	size_t n;
	int fd;         /* of a piecewise one under way, else -1 */
	size_t arrived; /* bytes of it that are there */
	Range *mapped;
	size_t n_mapped, room;
};

static void destroy_map(OomOwned *self)
{
	IoMap *m = (IoMap *)self;
	if (m->at)
		munmap(m->at, m->n);
	if (m->fd >= 0)
		close(m->fd);
	free(m->mapped);
	free(m);
}

void io_unmap(IoMap *m)
{
	if (!m)
		return;
	oom_disown(&m->owned);
	destroy_map(&m->owned);
}

/* Owns fd, until io_settle. */
static IoMap *new_map(int fd, IoError *e)
{
	struct stat st;
	fd = io_regular(fd, &st, e);
	if (fd < 0)
		return NULL;
	IoMap *m = calloc(1, sizeof *m);
	if (!m) {
		close(fd);
		oom_raise();
	}
	m->fd = fd;
	m->n = (size_t)st.st_size;
	oom_own(&m->owned, destroy_map);
	if ((uint64_t)st.st_size <= PTRDIFF_MAX)
		return m;
	io_fail(e, E1004, "it does not fit the address space");
	m->n = 0;
	io_unmap(m);
	return NULL;
}

static void note_mapped(IoMap *m, char *at, size_t n)
{
	if (m->n_mapped == m->room) {
		m->room = m->room ? 2 * m->room : 4;
		m->mapped = mem_grow(m->mapped, m->room * sizeof *m->mapped);
	}
	m->mapped[m->n_mapped++] = (Range){ at, n };
}

/* Gives the map its memory, or ends it. */
static IoMap *give_memory(IoMap *m, int flags, int fd, int protection, IoError *e)
{
	if (!m->n)
		return m;
	void *at = mmap(NULL, m->n, protection, MAP_PRIVATE | flags, fd, 0);
	if (at != MAP_FAILED) {
		m->at = at;
		return m;
	}
	io_fail_errno(e, E1002, errno);
	io_unmap(m);
	return NULL;
}

IoMap *io_map_fd(int fd, IoError *e)
{
	IoMap *m = new_map(fd, e);
	if (m)
		m = give_memory(m, 0, m->fd, PROT_READ, e);
	if (!m)
		return NULL;
	note_mapped(m, m->at, m->n);
	io_settle(m);
	return m;
}

IoMap *io_map(const char *path, IoError *e)
{
	int fd = io_open(path, e);
	return fd >= 0 ? io_map_fd(fd, e) : NULL;
}

const void *io_map_data(const IoMap *m)
{
	return m->at ? m->at : "";
}

size_t io_map_size(const IoMap *m)
{
	return m->n;
}

void io_map_rest(const IoMap *m)
{
	for (size_t i = 0; i < m->n_mapped; i++)
		if (m->mapped[i].n)
			madvise(m->mapped[i].at, m->mapped[i].n, MADV_DONTNEED);
}

/* --- piecewise -------------------------------------------------------------------------------- */

IoMap *io_piecewise(int fd, size_t cap, IoError *e)
{
	IoMap *m = new_map(fd, e);
	if (m && m->n > cap) {
		io_too_long(m->n, cap, e);
		m->n = 0;
		io_unmap(m);
		return NULL;
	}
	return m ? give_memory(m, MAP_ANONYMOUS | MAP_NORESERVE, -1, PROT_READ | PROT_WRITE, e)
		 : NULL;
}

bool io_read_to(IoMap *m, size_t end, IoError *e)
{
	if (end <= m->arrived || m->arrived == m->n)
		return true;
	if (end < m->arrived + AHEAD)
		end = m->arrived + AHEAD;
	if (end > m->n)
		end = m->n;
	if (!io_read_at(m->fd, m->arrived, m->at + m->arrived, end - m->arrived, e))
		return false;
	m->arrived = end;
	return true;
}

bool io_map_to(IoMap *m, size_t begin, size_t end, IoError *e)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	size_t first = (begin + page - 1) & ~(page - 1), last = end & ~(page - 1);
	if (end > m->n || begin > end || first >= last || last <= m->arrived)
		return io_read_to(m, end, e);
	if (!io_read_to(m, first, e))
		return false;
	if (mmap(m->at + first, last - first, PROT_READ, MAP_PRIVATE | MAP_FIXED, m->fd,
		 (off_t)first) == MAP_FAILED)
		return io_fail_errno(e, E1002, errno);
	note_mapped(m, m->at + first, last - first);
	m->arrived = m->arrived > last ? m->arrived : last;
	return io_read_to(m, end, e);
}

void io_settle(IoMap *m)
{
	if (m->fd >= 0)
		close(m->fd);
	m->fd = -1;
}
