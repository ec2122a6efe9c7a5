/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The cache: a folder of the user's own, opened once and used by its descriptor, so that nobody can
 * swap it. It must belong to the user, not be a link and not be writable by others; a process with
 * raised rights uses none. Entries are files named by the hash of their key. When more than the
 * limit was stored, the least recently used go. */
#include "codegen/cache.h"
#include "codegen/cache_entry.h"
#include "base/io.h"
#include "base/oom.h"
#include "base/str.h"
#include "base/vec.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { STALE_SECONDS = 3600, CHECK_PART = 16 };

struct Cache {
	OomOwned owned; /* first */
	int fd;         /* of the folder, -1: none */
	int64_t limit, since_check;
	CacheStats stats;
	const char *reason;
	char trouble[160];
	char path[PATH_MAX];
};

/* --- the folder ------------------------------------------------------------------------------- */

static const char *find_path(Cache *c, const char *wanted)
{
	static const struct {
		const char *variable, *below;
	} places[] = { { "BURIN_CACHE_DIR", "" },
		       { "XDG_CACHE_HOME", "/burin" },
		       { "HOME", "/.cache/burin" } };
	const char *root = wanted, *below = "";
	for (size_t i = 0; !root && i < sizeof(places) / sizeof(places[0]); i++) {
		root = getenv(places[i].variable);
		below = places[i].below;
		if (root && !*root)
			root = NULL;
	}
	if (!root)
		return "no folder: neither BURIN_CACHE_DIR nor XDG_CACHE_HOME nor HOME is set";
	if (*root != '/')
		return "the folder's path is not absolute";
	if (snprintf(c->path, sizeof(c->path), "%s%s", root, below) >= (int)sizeof(c->path))
		return "the folder's path is too long";
	return NULL;
}

/* With the folders above it. What fails shows when it is opened. */
static void make_folder(const char *path)
{
	char part[PATH_MAX];
	size_t n = strlen(path);
	memcpy(part, path, n + 1);
	for (size_t i = 1; i <= n; i++) {
		if (path[i] != '/' && path[i] != 0)
			continue;
		part[i] = 0;
		mkdir(part, 0700);
		part[i] = path[i];
	}
}

static const char *open_folder(Cache *c)
{
	struct stat st;
	make_folder(c->path);
	c->fd = open(c->path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (c->fd < 0 && (errno == ELOOP || errno == ENOTDIR))
		return "the folder is a symbolic link, or no folder";
	if (c->fd < 0)
		return "the folder cannot be made or opened";
	if (fstat(c->fd, &st) != 0)
		return "the folder cannot be examined";
	if (st.st_uid != geteuid())
		return "the folder belongs to another user";
	if ((st.st_mode & (S_IWGRP | S_IWOTH)) != 0)
		return "others may write to the folder";
	return NULL;
}

static const char *open_checked(Cache *c, const char *path)
{
	if (getauxval(AT_SECURE) != 0 || geteuid() != getuid() || getegid() != getgid())
		return "the process runs with the rights of another user";
	const char *wrong = find_path(c, path);
	return wrong ? wrong : open_folder(c);
}

static void destroy(OomOwned *self)
{
	Cache *c = (Cache *)self;
	if (c->fd >= 0)
		close(c->fd);
	free(c);
}

Cache *cache_open(const char *path, int64_t limit)
{
	int kept = errno;
	Cache *c = mem_alloc(sizeof(*c));
	c->fd = -1;
	oom_own(&c->owned, destroy);
	c->limit = limit > 0 ? limit : CACHE_LIMIT;
	c->reason = open_checked(c, path);
	if (c->reason && c->fd >= 0) {
		close(c->fd);
		c->fd = -1;
	}
	errno = kept;
	return c;
}

/* --- listing and eviction --------------------------------------------------------------------- */

/* A stream over the folder; its descriptor is its own. */
static DIR *open_list(const Cache *c)
{
	int fd = c->fd < 0 ? -1 : openat(c->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	if (!dir && fd >= 0)
		close(fd);
	return dir;
}

/* What a process that was killed left behind. */
static void remove_stale(const Cache *c, const char *name, const struct stat *st)
{
	if (str_starts(name, "tmp-") && st->st_mtime < time(NULL) - STALE_SECONDS)
		unlinkat(c->fd, name, 0);
}

static int64_t nanoseconds(const struct timespec *t)
{
	return (int64_t)t->tv_sec * 1000000000 + t->tv_nsec;
}

static int by_use(const void *a, const void *b)
{
	const CacheEntry *x = a, *y = b;
	if (x->used != y->used)
		return x->used < y->used ? -1 : 1;
	return strcmp(x->name, y->name);
}

int cache_list(Cache *c, Arena *a, CacheEntry **out)
{
	VEC(CacheEntry) list = { .at = NULL };
	DIR *dir = open_list(c);
	struct stat st;
	for (struct dirent *d; dir && (d = readdir(dir)) != NULL;) {
		if (fstatat(c->fd, d->d_name, &st, AT_SYMLINK_NOFOLLOW) != 0)
			continue;
		if (entry_is_name(d->d_name))
			vec_push(a, &list,
				 ((CacheEntry){ .name = arena_strdup(a, d->d_name),
						.bytes = st.st_size,
						.used = nanoseconds(&st.st_mtim) }));
		else
			remove_stale(c, d->d_name, &st);
	}
	if (dir)
		closedir(dir);
	if (list.n > 1)
		qsort(list.at, (size_t)list.n, sizeof(*list.at), by_use);
	*out = list.at;
	return list.n;
}

static int64_t total(const CacheEntry *list, int n)
{
	int64_t bytes = 0;
	for (int i = 0; i < n; i++)
		bytes += list[i].bytes;
	return bytes;
}

/* Down to three quarters, so that it is not done again at once. */
static void evict(Cache *c)
{
	Arena *a = arena_create();
	CacheEntry *list;
	int n = cache_list(c, a, &list);
	int64_t bytes = total(list, n), wanted = bytes > c->limit ? c->limit / 4 * 3 : bytes;
	for (int i = 0; bytes > wanted && i < n; i++) {
		unlinkat(c->fd, list[i].name, 0);
		bytes -= list[i].bytes;
	}
	arena_destroy(a);
}

void cache_close(Cache *c)
{
	if (!c)
		return;
	if (c->fd >= 0 && c->since_check > 0)
		evict(c);
	oom_disown(&c->owned);
	destroy(&c->owned);
}

/* --- entries ---------------------------------------------------------------------------------- */

static void note_trouble(Cache *c, const char *name, const char *what)
{
	snprintf(c->trouble, sizeof(c->trouble), "%.16s...: %s", name, what);
}

static const char *get_entry(Cache *c, const char *name, const void *key, size_t key_bytes,
			     Arena *a, Entry *e)
{
	const char *wrong = entry_read(c->fd, name, a, e);
	if (!wrong && (e->key_bytes != key_bytes || memcmp(e->key, key, key_bytes) != 0))
		return "of another key";
	return wrong;
}

bool cache_get(Cache *c, const void *key, size_t key_bytes, Arena *a, const void **data,
	       size_t *bytes)
{
	char name[ENTRY_NAME];
	Entry e;
	int kept = errno;
	if (!c || c->fd < 0)
		return false;
	entry_name(key, key_bytes, name);
	const char *wrong = get_entry(c, name, key, key_bytes, a, &e);
	if (wrong && !str_eq(wrong, "absent")) {
		note_trouble(c, name, wrong);
		unlinkat(c->fd, name, 0); /* it would be in the way of a good one for ever */
	}
	errno = kept;
	c->stats.hits += !wrong;
	c->stats.misses += wrong != NULL;
	if (wrong)
		return false;
	*data = e.data;
	*bytes = e.bytes;
	return true;
}

void cache_put(Cache *c, const void *key, size_t key_bytes, const void *data, size_t bytes)
{
	char name[ENTRY_NAME];
	int kept = errno;
	if (!c || c->fd < 0)
		return;
	entry_name(key, key_bytes, name);
	const char *wrong = entry_write(
		c->fd, name,
		&(Entry){ .key = key, .key_bytes = key_bytes, .data = data, .bytes = bytes });
	if (wrong)
		note_trouble(c, name, wrong);
	c->stats.stored += !wrong;
	c->since_check += (int64_t)bytes;
	if (c->since_check > c->limit / CHECK_PART) {
		evict(c);
		c->since_check = 0;
	}
	errno = kept;
}

static bool hook_get(void *user, const uint8_t key[32], Arena *arena, ObjectCode *out)
{
	return cache_get(user, key, 32, arena, &out->data, &out->bytes);
}

static void hook_put(void *user, const uint8_t key[32], const ObjectCode *code)
{
	cache_put(user, key, 32, code->data, code->bytes);
}

ObjectCache cache_hooks(Cache *c)
{
	return (ObjectCache){ .user = c, .get = hook_get, .put = hook_put };
}

/* --- for reports ------------------------------------------------------------------------------ */

const char *cache_path(const Cache *c)
{
	return c->path;
}

const char *cache_reason(const Cache *c)
{
	return c->reason;
}

const char *cache_trouble(const Cache *c)
{
	return *c->trouble ? c->trouble : NULL;
}

CacheStats cache_stats(Cache *c)
{
	Arena *a = arena_create();
	CacheEntry *list;
	CacheStats s = c->stats;
	s.entries = cache_list(c, a, &list);
	s.bytes = total(list, (int)s.entries);
	s.limit = c->limit;
	arena_destroy(a);
	return s;
}

static bool is_damaged(Cache *c, const char *name)
{
	char wanted[ENTRY_NAME];
	Arena *a = arena_create();
	Entry e;
	const char *wrong = entry_read(c->fd, name, a, &e);
	if (!wrong) {
		entry_name(e.key, e.key_bytes, wanted);
		wrong = str_eq(wanted, name) ? NULL : "of another key";
	}
	if (wrong)
		note_trouble(c, name, wrong);
	arena_destroy(a);
	return wrong != NULL;
}

static int remove_entries(Cache *c, bool (*which)(Cache *c, const char *name))
{
	Arena *a = arena_create();
	CacheEntry *list;
	int n = cache_list(c, a, &list), removed = 0;
	for (int i = 0; i < n; i++)
		if (!which || which(c, list[i].name))
			removed += unlinkat(c->fd, list[i].name, 0) == 0;
	arena_destroy(a);
	return removed;
}

int cache_verify(Cache *c)
{
	return remove_entries(c, is_damaged);
}

int cache_clear(Cache *c)
{
	return remove_entries(c, NULL);
}
