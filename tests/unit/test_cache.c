/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* wrap: write close renameat openat */
/* The kernel cache: keys, damage, planted folders and files, eviction, several processes at once.
 * Whatever is wrong is a miss. */
#include "codegen/cache.h"
#include "codegen/cache_entry.h"
#include "base/io.h"
#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

/* The call numbered `failing`, of the four that storing an entry makes, fails with ENOSPC. */
static int calls, failing;

static bool fails_now(void)
{
	calls++;
	errno = ENOSPC;
	return calls == failing;
}

ssize_t __real_write(int fd, const void *data, size_t n);
ssize_t __wrap_write(int fd, const void *data, size_t n);
ssize_t __wrap_write(int fd, const void *data, size_t n)
{
	return fails_now() ? -1 : __real_write(fd, data, calls % 2 ? n : (n + 1) / 2);
}

int __real_close(int fd);
int __wrap_close(int fd);
int __wrap_close(int fd)
{
	int r = __real_close(fd);
	return fails_now() ? -1 : r;
}

int __real_renameat(int a, const char *from, int b, const char *to);
int __wrap_renameat(int a, const char *from, int b, const char *to);
int __wrap_renameat(int a, const char *from, int b, const char *to)
{
	return fails_now() ? -1 : __real_renameat(a, from, b, to);
}

int __real_openat(int folder, const char *name, int flags, ...);
int __wrap_openat(int folder, const char *name, int flags, mode_t mode);
int __wrap_openat(int folder, const char *name, int flags, mode_t mode)
{
	return fails_now() ? -1 : __real_openat(folder, name, flags, mode);
}

typedef struct Fixture {
	Arena *a;
	char root[64];
	const char *folder; /* in it, not made yet */
} Fixture;

static int setup(void **state)
{
	Fixture *f = calloc(1, sizeof(*f));
	f->a = arena_create();
	strcpy(f->root, "/tmp/burin-cache-XXXXXX");
	assert_non_null(mkdtemp(f->root));
	f->folder = path_join(f->a, f->root, "cache");
	*state = f;
	return 0;
}

static void shell(Fixture *f, const char *command)
{
	if (system(arena_printf(f->a, "cd %s && %s", f->root, command)) != 0)
		fail_msg("%s", command);
}

static int teardown(void **state)
{
	Fixture *f = *state;
	shell(f, "chmod -R u+rwx . && rm -rf \"$PWD\"");
	arena_destroy(f->a);
	free(f);
	return 0;
}

static Cache *open_good(Fixture *f)
{
	Cache *c = cache_open(f->folder, 0);
	if (cache_reason(c))
		fail_msg("%s", cache_reason(c));
	return c;
}

static bool holds(Fixture *f, Cache *c, const char *key, const char *value)
{
	const void *data;
	size_t bytes;
	if (!cache_get(c, key, strlen(key), f->a, &data, &bytes))
		return false;
	assert_int_equal(bytes, strlen(value));
	assert_memory_equal(data, value, bytes);
	return true;
}

static void put(Cache *c, const char *key, const char *value)
{
	cache_put(c, key, strlen(key), value, strlen(value));
}

static void test_store(void **state)
{
	Fixture *f = *state;
	struct stat st;
	Cache *c = open_good(f);
	assert_false(holds(f, c, "k", ""));
	assert_null(cache_trouble(c));
	put(c, "k", "value");
	put(c, "", "no key");
	put(c, "empty", "");
	assert_true(holds(f, c, "k", "value"));
	cache_close(c);
	c = open_good(f);
	assert_true(holds(f, c, "k", "value"));
	assert_true(holds(f, c, "", "no key"));
	assert_true(holds(f, c, "empty", ""));
	assert_false(holds(f, c, "K", ""));
	put(c, "k", "another");
	assert_true(holds(f, c, "k", "another"));
	CacheStats s = cache_stats(c);
	assert_int_equal(s.entries, 3);
	assert_int_equal(s.hits, 4);
	assert_int_equal(s.misses, 1);
	assert_int_equal(s.stored, 1);
	assert_int_equal(stat(f->folder, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0700);
	assert_int_equal(cache_verify(c), 0);
	assert_int_equal(cache_clear(c), 3);
	assert_int_equal(cache_stats(c).entries, 0);
	cache_close(c);
	cache_close(NULL);
}

static void test_places(void **state)
{
	Fixture *f = *state;
	setenv("BURIN_CACHE_DIR", f->folder, 1);
	Cache *c = cache_open(NULL, 0);
	assert_string_equal(cache_path(c), f->folder);
	cache_close(c);
	setenv("BURIN_CACHE_DIR", "", 1);
	setenv("XDG_CACHE_HOME", f->root, 1);
	c = cache_open(NULL, 0);
	assert_string_equal(cache_path(c), path_join(f->a, f->root, "burin"));
	cache_close(c);
	unsetenv("XDG_CACHE_HOME");
	setenv("HOME", f->folder, 1);
	c = cache_open(NULL, 0);
	assert_string_equal(cache_path(c), path_join(f->a, f->folder, ".cache/burin"));
	assert_null(cache_reason(c));
	cache_close(c);
	setenv("BURIN_CACHE_DIR", "relative", 1);
	c = cache_open(NULL, 0);
	assert_non_null(strstr(cache_reason(c), "not absolute"));
	cache_close(c);
	unsetenv("BURIN_CACHE_DIR");
	unsetenv("HOME");
	c = cache_open(NULL, 0);
	assert_non_null(strstr(cache_reason(c), "is set"));
	put(c, "k", "v");
	assert_false(holds(f, c, "k", "v"));
	assert_int_equal(cache_clear(c) + cache_verify(c), 0);
	assert_int_equal(cache_stats(c).entries, 0);
	cache_close(c);
}

/* Folders that somebody else may have prepared: not used, and the reason is told. */
static void test_planted_folders(void **state)
{
	static const struct {
		const char *command, *reason;
	} planted[] = {
		{ "mkdir other && ln -s other cache", "symbolic link" },
		{ "ln -s nowhere cache", "symbolic link" },
		{ ": > cache", "no folder" },
		{ "mkfifo cache", "no folder" },
		{ "mkdir -m 770 cache", "others may write" },
		{ "mkdir -m 702 cache", "others may write" },
		{ "mkdir -m 1777 cache", "others may write" },
	};
	Fixture *f = *state;
	for (size_t i = 0; i < sizeof(planted) / sizeof(planted[0]); i++) {
		shell(f, planted[i].command);
		Cache *c = cache_open(f->folder, 0);
		if (!cache_reason(c) || !strstr(cache_reason(c), planted[i].reason))
			fail_msg("%s: %s", planted[i].command, cache_reason(c));
		put(c, "k", "v");
		assert_false(holds(f, c, "k", "v"));
		cache_close(c);
		shell(f, "test $(ls other 2>/dev/null | wc -l) = 0 && rm -rf cache other");
	}
	if (geteuid() != 0)
		return;
	shell(f, "mkdir -m 700 cache && chown 1:1 cache");
	Cache *c = cache_open(f->folder, 0);
	assert_non_null(strstr(cache_reason(c), "another user"));
	cache_close(c);
}

static const char *only_entry(Fixture *f, Cache *c)
{
	CacheEntry *list;
	assert_int_equal(cache_list(c, f->a, &list), 1);
	return list[0].name;
}

/* Files in a good folder: each is a miss, is named as trouble, and does not stay in the way. */
static void test_planted_files(void **state)
{
	static const struct {
		const char *command, *trouble;
	} planted[] = {
		{ "mv $E real && ln -s real $E", "cannot be opened" },
		{ "ln $E second", "second name" },
		{ "chmod 620 $E", "others may write" },
		{ "chmod 602 $E", "others may write" },
		{ "rm $E && mkfifo $E", "not a regular file" },
		{ ": > $E", "wrong size" },
		{ "truncate -s 63 $E", "wrong size" },
		{ "truncate -s 64 $E", "truncated" },
		{ "truncate -s -1 $E", "truncated" },
		{ "printf x >> $E", "truncated" },
		{ "printf x | dd of=$E bs=1 seek=0 conv=notrunc status=none", "another version" },
		{ "printf x | dd of=$E bs=1 seek=8 conv=notrunc status=none", "another version" },
		{ "printf x | dd of=$E bs=1 seek=12 conv=notrunc status=none", "" },
		{ "printf '\\377\\377\\377\\377' | dd of=$E bs=1 seek=12 conv=notrunc status=none",
		  "truncated" },
		{ "printf x | dd of=$E bs=1 seek=30 conv=notrunc status=none", "wrong checksum" },
		{ "printf x | dd of=$E bs=1 seek=130 conv=notrunc status=none", "wrong checksum" },
		{ "cp $OTHER $E", "another key" },
	};
	Fixture *f = *state;
	Cache *c = open_good(f);
	put(c, "other", "wrong code");
	char *other = arena_strdup(f->a, only_entry(f, c));
	shell(f, arena_printf(f->a, "mv cache/%s .", other));
	for (size_t i = 0; i < sizeof(planted) / sizeof(planted[0]); i++) {
		put(c, "k", "value");
		const char *name = only_entry(f, c);
		shell(f, arena_printf(f->a, "cd cache && E=%s OTHER=../%s && %s", name, other,
				      planted[i].command));
		if (holds(f, c, "k", "value"))
			fail_msg("used: %s", planted[i].command);
		if (!cache_trouble(c) || !strstr(cache_trouble(c), planted[i].trouble))
			fail_msg("%s: %s", planted[i].command, cache_trouble(c));
		assert_int_equal(cache_stats(c).entries, 0);
		shell(f, "rm -f cache/real cache/second");
	}
	cache_close(c);
}

static void test_random_damage(void **state)
{
	Fixture *f = *state;
	Cache *c = open_good(f);
	uint32_t random = 3;
	put(c, "k", "a payload that is long enough to be hit");
	char *name = arena_strdup(f->a, only_entry(f, c));
	const char *path = path_join(f->a, f->folder, name);
	IoText t;
	IoError e;
	assert_true(io_read(path, f->a, 1 << 16, &t, &e));
	char *copy = arena_alloc(f->a, t.n);
	for (int k = 0; k < 10000; k++) {
		ArenaMark mark = arena_mark(f->a);
		random = random * 1664525 + 1013904223;
		size_t at = (random >> 8) % t.n;
		memcpy(copy, t.at, t.n);
		copy[at] = (char)(copy[at] ^ (1 << (random >> 29)));
		int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
		assert_int_equal(write(fd, copy, t.n), t.n);
		close(fd);
		assert_false(holds(f, c, "k", ""));
		arena_release(f->a, mark);
	}
	cache_close(c);
}

static void test_verify(void **state)
{
	Fixture *f = *state;
	Cache *c = open_good(f);
	for (int i = 0; i < 10; i++)
		put(c, arena_printf(f->a, "key %d", i), "value");
	shell(f, "cd cache && for e in $(ls | head -3); do printf x >> $e; done");
	shell(f, "cd cache && : > unrelated.txt");
	assert_int_equal(cache_verify(c), 3);
	assert_int_equal(cache_verify(c), 0);
	assert_int_equal(cache_clear(c), 7);
	shell(f, "test -e cache/unrelated.txt");
	cache_close(c);
}

static void set_age(Fixture *f, const char *name, int seconds)
{
	shell(f, arena_printf(f->a, "touch -d '%d seconds ago' cache/%s", seconds, name));
}

static void test_eviction(void **state)
{
	Fixture *f = *state;
	char *value = arena_alloc(f->a, 1001);
	memset(value, 'v', 1000);
	Cache *c = cache_open(f->folder, 20000);
	for (int i = 0; i < 10; i++) {
		char name[ENTRY_NAME];
		const char *key = arena_printf(f->a, "key %d", i);
		put(c, key, value);
		entry_name(key, strlen(key), name);
		set_age(f, name, 1000 - i);
	}
	assert_true(holds(f, c, "key 0", value)); /* used: young again */
	shell(f,
	      "cd cache && : > tmp-0123456789abcdef && : > tmp-1 && touch -d '2 hours ago' tmp-1");
	for (int i = 10; i < 60; i++) {
		usleep(i == 59 ? 30000 : 0); /* clocks of files are coarse */
		put(c, arena_printf(f->a, "key %d", i), value);
	}
	cache_close(c);
	c = cache_open(f->folder, 20000);
	assert_true(cache_stats(c).bytes <= 20000);
	assert_true(cache_stats(c).entries >= 10);
	assert_false(holds(f, c, "key 1", value));
	assert_true(holds(f, c, "key 59", value));
	shell(f, "test -e cache/tmp-0123456789abcdef && test ! -e cache/tmp-1");
	cache_close(c);
}

static int worker(const char *folder, int number)
{
	Arena *a = arena_create();
	Cache *c = cache_open(folder, 200000);
	int wrong = cache_reason(c) != NULL;
	for (int i = 0; i < 1500; i++) {
		const void *data;
		size_t bytes;
		ArenaMark mark = arena_mark(a);
		int k = (i * 7 + number * 13) % 100;
		char *key = arena_printf(a, "key %d", k);
		size_t n = 100 + (size_t)k * 50;
		unsigned char *want = arena_alloc(a, n);
		memset(want, k, n);
		if (cache_get(c, key, strlen(key), a, &data, &bytes))
			wrong += bytes != n || memcmp(data, want, n) != 0;
		else
			cache_put(c, key, strlen(key), want, n);
		if (i % 500 == 499)
			cache_clear(c);
		arena_release(a, mark);
	}
	wrong += cache_trouble(c) != NULL;
	cache_close(c);
	arena_destroy(a);
	return wrong;
}

static void test_processes(void **state)
{
	Fixture *f = *state;
	for (int i = 0; i < 8; i++)
		if (fork() == 0)
			_exit(worker(f->folder, i) != 0);
	for (int i = 0; i < 8; i++) {
		int status;
		assert_true(wait(&status) > 0);
		assert_int_equal(status, 0);
	}
	shell(f, "test $(ls cache | grep -c tmp) = 0");
}

/* Killed while writing: others see nothing or the whole. */
static void test_killed(void **state)
{
	Fixture *f = *state;
	for (int i = 0; i < 40; i++) {
		pid_t child = fork();
		if (child == 0)
			_exit(worker(f->folder, i));
		usleep(3000);
		kill(child, SIGKILL);
		waitpid(child, NULL, 0);
	}
	Cache *c = open_good(f);
	assert_int_equal(cache_verify(c), 0);
	cache_close(c);
}

static void test_unwritable(void **state)
{
	Fixture *f = *state;
	Cache *c = open_good(f);
	put(c, "k", "value");
	shell(f, "rm -r cache");
	put(c, "k2", "value"); /* the folder is gone */
	assert_non_null(cache_trouble(c));
	assert_false(holds(f, c, "k", "value"));
	cache_close(c);
}

/* The disk is full at every point of storing: a miss, no leftovers, and the old entry stays. */
static void test_disk_full(void **state)
{
	Fixture *f = *state;
	int troubles = 0;
	for (int k = 1; k < 12; k++) {
		Cache *c = open_good(f);
		put(c, "old", "value");
		calls = 0;
		failing = k;
		put(c, "k", "a new value");
		put(c, "old", "value");
		failing = 0;
		troubles += cache_trouble(c) != NULL;
		assert_true(holds(f, c, "old", "value"));
		assert_int_equal(cache_verify(c), 0);
		shell(f, "test $(ls cache | grep -c tmp) = 0");
		cache_clear(c);
		cache_close(c);
	}
	assert_int_equal(troubles, 11);
}

int main(void)
{
#define TEST(t) cmocka_unit_test_setup_teardown(t, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_store),         TEST(test_places),        TEST(test_planted_folders),
		TEST(test_planted_files), TEST(test_random_damage), TEST(test_verify),
		TEST(test_eviction),      TEST(test_processes),     TEST(test_killed),
		TEST(test_unwritable),    TEST(test_disk_full),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
