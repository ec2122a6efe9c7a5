/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* wrap: open openat pread write fsync rename close syscall posix_fallocate mmap */
/* Files: reading, and names that a model gives with all the ways to misuse them. */
#include "tests/unit/io_fixture.h"
#include <pthread.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <sys/un.h>

/* --- reading --------------------------------------------------------------------------------- */

static void test_read(void **state)
{
	(void)state;
	IoText t;
	IoError e;
	put("a", "hello");
	assert_true(io_read(in_folder("a"), arena, 5, &t, &e));
	assert_int_equal(t.n, 5);
	assert_string_equal(t.at, "hello");
	assert_false(io_read(in_folder("a"), arena, 4, &t, &e));
	assert_int_equal(e.code, E1004);
	assert_string_equal(e.text, "it has 5 bytes, at most 4 are read");
	put("empty", "");
	assert_true(io_read(in_folder("empty"), arena, 0, &t, &e));
	assert_int_equal(t.n, 0);
	assert_string_equal(t.at, "");
}

static void test_read_refused(void **state)
{
	(void)state;
	IoText t;
	IoError e;
	int before = open_descriptors();
	assert_false(io_read(in_folder("none"), arena, 100, &t, &e));
	assert_int_equal(e.code, E1001);
	assert_string_equal(e.text, "no such file or directory");
	assert_false(io_read(folder, arena, 100, &t, &e));
	assert_int_equal(e.code, E1006);
	assert_string_equal(e.text, "is a folder");
	assert_int_equal(mkfifo(in_folder("pipe"), 0600), 0);
	assert_false(io_read(in_folder("pipe"), arena, 100, &t, &e)); /* and does not wait */
	assert_int_equal(e.code, E1006);
	assert_false(io_read("/dev/zero", arena, 100, &t, &e));
	assert_int_equal(e.code, E1006);
	assert_null(io_map("/dev/zero", &e));
	assert_int_equal(e.code, E1006);
	assert_false(io_read("", arena, 100, &t, &e));
	assert_int_equal(e.code, E1001);
	assert_int_equal(open_descriptors(), before);
}

static void test_map(void **state)
{
	(void)state;
	IoError e;
	put("w", "weights");
	IoMap *m = io_map(in_folder("w"), &e);
	assert_non_null(m);
	assert_int_equal(io_map_size(m), 7);
	assert_memory_equal(io_map_data(m), "weights", 7);
	io_unmap(m);
	put("empty", "");
	m = io_map(in_folder("empty"), &e);
	assert_non_null(m);
	assert_int_equal(io_map_size(m), 0);
	assert_non_null(io_map_data(m));
	io_unmap(m);
	io_unmap(NULL);
	assert_null(io_map(in_folder("none"), &e));
	assert_int_equal(e.code, E1001);
}

/* A file of 40 pages: parts read, parts mapped, in all the ways that parts lie on pages. */
static void test_piecewise(void **state)
{
	(void)state;
	enum { PAGES = 40 };
	size_t page = (size_t)sysconf(_SC_PAGESIZE), n = PAGES * page + 77;
	char *content = arena_alloc(arena, n + 1);
	for (size_t i = 0; i < n; i++)
		content[i] = (char)('a' + i % 23);
	put("w", content);
	size_t ends[] = { 0,        1,         page - 1,      page,      page + 1,
			  3 * page, 20 * page, 20 * page + 5, 39 * page, PAGES * page,
			  n };
	enum { N = sizeof ends / sizeof *ends };
	for (size_t from = 0; from < N; from++)
		for (size_t to = from; to < N; to++) {
			IoError e;
			IoMap *m = io_piecewise(io_open(in_folder("w"), &e), n, &e);
			assert_non_null(m);
			assert_true(io_read_to(m, ends[from], &e));
			assert_true(io_map_to(m, ends[from], ends[to], &e));
			assert_memory_equal(io_map_data(m), content, ends[to]);
			assert_true(io_read_to(m, n, &e));
			io_settle(m);
			io_map_rest(m);
			assert_int_equal(io_map_size(m), n);
			assert_memory_equal(io_map_data(m), content, n);
			io_unmap(m);
		}
}

/* What was read stays when the file changes; only what was mapped shows it. */
static void test_piecewise_keeps_what_was_read(void **state)
{
	(void)state;
	IoError e;
	size_t n = 64 << 12;
	char *content = arena_alloc(arena, n + 1);
	memset(content, 'a', n);
	put("w", content);
	IoMap *m = io_piecewise(io_open(in_folder("w"), &e), n, &e);
	assert_true(io_read_to(m, n, &e));
	FILE *f = fopen(in_folder("w"), "r+");
	fputs("changed", f);
	fclose(f);
	io_map_rest(m);
	assert_memory_equal(io_map_data(m), content, n);
	io_unmap(m);
}

static void test_piecewise_refused(void **state)
{
	(void)state;
	IoError e;
	int before = open_descriptors();
	put("w", "0123456789");
	assert_null(io_piecewise(io_open(in_folder("w"), &e), 9, &e));
	assert_int_equal(e.code, E1004);
	assert_string_equal(e.text, "it has 10 bytes, at most 9 are read");
	IoMap *m = io_piecewise(io_open(in_folder("w"), &e), 10, &e);
	put("w", "");
	assert_false(io_read_to(m, 10, &e));
	assert_int_equal(e.code, E1002);
	io_unmap(m);
	m = io_piecewise(io_open(in_folder("w"), &e), 10, &e);
	assert_int_equal(io_map_size(m), 0);
	assert_true(io_read_to(m, 0, &e));
	io_unmap(m);
	assert_int_equal(open_descriptors(), before);
}

/* What is open when memory runs out is closed. */
static void test_out_of_memory(void **state)
{
	(void)state;
	put("w", "weights");
	const char *path = in_folder("w");
	volatile int before = open_descriptors();
	OomScope s;
	volatile bool raised = false;
	if (OOM_GUARD(&s)) {
		IoError e;
		assert_non_null(io_map(path, &e));
		IoWriter *w = io_create(path, &e);
		assert_non_null(w);
		io_write(w, "x", 1);
		oom_raise();
	} else {
		raised = true;
	}
	assert_true(raised);
	assert_int_equal(open_descriptors(), before);
	assert_int_equal(files_in_folder(), 1);
}

static void test_faults_while_reading(void **state)
{
	(void)state;
	static char content[5001];
	memset(content, 'c', sizeof content - 1);
	put("a", content);
	const char *path = in_folder("a");
	static const Fault faults[] = { FAIL, INTERRUPT, SHORT };
	for (int f = 0; f < 3; f++) {
		system_calls.fault = faults[f];
		system_calls.error = EIO;
		for (long k = 0; k < 3; k++) { /* open, read, close */
			IoText t;
			IoError e;
			system_calls.countdown = k;
			int before = open_descriptors();
			bool only_close = k == 2; /* says nothing about what was read */
			if (f == 2 && k == 0)
				continue; /* no short open */
			assert_int_equal(io_read(path, arena, 10000, &t, &e), f > 0 || only_close);
			if (f > 0)
				assert_memory_equal(t.at, content, 5001);
			else if (!only_close)
				assert_string_equal(e.text, "input/output error");
			system_calls.countdown = -1;
			assert_int_equal(open_descriptors(), before);
		}
	}
}

static void test_report(void **state)
{
	(void)state;
	Diag *d = diag_create(arena);
	IoError e;
	assert_int_equal(io_open("/nowhere/m.xml", &e), -1);
	assert_false(io_report(d, (Loc){ 0 }, "/nowhere/m.xml", &e));
	assert_string_equal(diag_at(d, 0)->message,
			    "cannot open '/nowhere/m.xml': no such file or directory");
	assert_int_equal(diag_at(d, 0)->code, E1001);
	assert_int_equal(diag_exit_code(d), 5);
}

/* --- names that a model gives ---------------------------------------------------------------- */

static const char *const planted[] = { "model", "model/sub", "model/sub/deep", "outside" };

static void plant(void)
{
	for (size_t i = 0; i < sizeof planted / sizeof *planted; i++)
		assert_int_equal(mkdir(in_folder(planted[i]), 0755), 0);
	put("model/m.xml", "<graph/>");
	put("model/w.bin", "inside");
	put("model/sub/w.bin", "inside");
	put("model/sub/deep/..w..bin", "inside");
	put("model/hard", "outside");
	put("outside/secret", "outside");
	put("secret", "outside");
	assert_int_equal(symlink("../secret", in_folder("model/link")), 0);
	assert_int_equal(symlink("w.bin", in_folder("model/innocent")), 0);
	assert_int_equal(symlink("../outside", in_folder("model/linked")), 0);
	assert_int_equal(symlink("sub", in_folder("model/sublink")), 0);
	assert_int_equal(symlink("nothing", in_folder("model/dangling")), 0);
	assert_int_equal(symlink("loop", in_folder("model/loop")), 0);
	assert_int_equal(symlink("/proc/self/fd/0", in_folder("model/magic")), 0);
	assert_int_equal(link(in_folder("secret"), in_folder("model/hardlink")), 0);
	assert_int_equal(mkfifo(in_folder("model/pipe"), 0600), 0);
	int s = socket(AF_UNIX, SOCK_STREAM, 0);
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	snprintf(address.sun_path, sizeof address.sun_path, "%s", in_folder("model/socket"));
	assert_int_equal(bind(s, (struct sockaddr *)&address, sizeof address), 0);
	close(s);
}

static void check_beside(const char *name, int code) /* code -1: opens */
{
	IoError e;
	IoText t;
	int before = open_descriptors();
	int fd = io_open_beside(in_folder("model/m.xml"), name, &e);
	if ((fd >= 0) != (code < 0))
		fail_msg("'%s' was %s", name, fd >= 0 ? "opened" : e.text);
	if (fd >= 0) {
		assert_true(io_read_fd(fd, arena, 100, &t, &e));
		assert_string_equal(t.at, "inside");
	} else if ((int)e.code != code) {
		fail_msg("'%s': %s (%s)", name, diag_code_name(e.code), e.text);
	}
	assert_int_equal(open_descriptors(), before);
}

static void check_all_beside(void)
{
	char longer[600];
	memset(longer, 'a', sizeof longer - 1);
	longer[sizeof longer - 1] = 0;
	check_beside("w.bin", -1);
	check_beside("./w.bin", -1);
	check_beside("sub/w.bin", -1);
	check_beside("sub//w.bin", -1);
	check_beside("./sub/./w.bin", -1);
	check_beside("sub/deep/..w..bin", -1);
	check_beside("", E1005);
	check_beside("/etc/passwd", E1005);
	check_beside("//w.bin", E1005);
	check_beside("..", E1005);
	check_beside("../secret", E1005);
	check_beside("sub/../w.bin", E1005);
	check_beside("sub/../../secret", E1005);
	check_beside("./../secret", E1005);
	check_beside("sub/..", E1005);
	check_beside("link", E1005);
	check_beside("innocent", E1005);
	check_beside("linked/secret", E1005);
	check_beside("sublink/w.bin", E1005);
	check_beside("dangling", E1005);
	check_beside("loop", E1005);
	check_beside("magic", E1005);
	check_beside("hardlink", E1005);
	check_beside("pipe", E1006);
	check_beside("sub", E1006);
	check_beside(".", E1006);
	check_beside("sub/", E1006);
	check_beside("socket", E1001);
	check_beside("none", E1001);
	check_beside("w.bin/", E1001);
	check_beside("w.bin/x", E1001);
	check_beside("none/w.bin", E1001);
	check_beside(longer, E1001);
}

static void test_beside(void **state)
{
	(void)state;
	plant();
	check_all_beside();
	system_calls.no_openat2 = true;
	check_all_beside();
	IoError e;
	assert_int_equal(io_open_beside(in_folder("none/m.xml"), "w.bin", &e), -1);
	assert_int_equal(e.code, E1001);
}

static void test_beside_bare_name(void **state)
{
	(void)state;
	IoError e;
	char *before = getcwd(NULL, 0);
	put("w.bin", "inside");
	assert_int_equal(chdir(folder), 0);
	int fd = io_open_beside("m.xml", "w.bin", &e);
	assert_true(fd >= 0);
	close(fd);
	assert_int_equal(chdir(before), 0);
	free(before);
}

/* While one thread swaps the file and a folder against links, no open may reach outside. */
static atomic_bool stop;

static void *swap_for_links(void *unused)
{
	(void)unused;
	char file[128], link_to[128], sub[128], away[128];
	snprintf(file, sizeof file, "%s/model/w.bin", folder);
	snprintf(link_to, sizeof link_to, "%s/model/link", folder);
	snprintf(sub, sizeof sub, "%s/model/sub", folder);
	snprintf(away, sizeof away, "%s/model/linked", folder);
	while (!atomic_load(&stop)) {
		syscall(SYS_renameat2, AT_FDCWD, file, AT_FDCWD, link_to, 2 /* exchange */);
		syscall(SYS_renameat2, AT_FDCWD, sub, AT_FDCWD, away, 2);
	}
	return NULL;
}

static void race(int rounds)
{
	pthread_t thread;
	atomic_store(&stop, false);
	assert_int_equal(pthread_create(&thread, NULL, swap_for_links, NULL), 0);
	const char *model = in_folder("model/m.xml");
	int opened = 0, escaped = 0, all = 0;
	/* longer where the other thread has not had its turn yet */
	for (; all < rounds || ((opened == 0 || opened == all) && all < 100 * rounds); all++) {
		IoError e;
		char text[8] = "";
		int fd = io_open_beside(model, all % 2 ? "w.bin" : "sub/w.bin", &e);
		if (fd < 0)
			continue;
		opened++;
		if (read(fd, text, 7) < 0 || strncmp(text, "inside", 6))
			escaped++;
		close(fd);
	}
	atomic_store(&stop, true);
	pthread_join(thread, NULL);
	assert_int_equal(escaped, 0);
	assert_true(opened > 0 && opened < all);
}

static void test_beside_race(void **state)
{
	(void)state;
	plant();
	put("outside/w.bin", "outside"); /* what sub/w.bin is when sub is the link */
	race(20000);
	system_calls.no_openat2 = true;
	race(20000);
}

/* --- paths ----------------------------------------------------------------------------------- */

static void test_paths(void **state)
{
	(void)state;
	assert_string_equal(path_base("a/b.xml"), "b.xml");
	assert_string_equal(path_base("b"), "b");
	assert_string_equal(path_base("a/"), "");
	assert_string_equal(path_suffix("a.b/c"), "");
	assert_string_equal(path_suffix("a/c.tar.gz"), ".gz");
	assert_string_equal(path_suffix("a/.hidden"), "");
	assert_string_equal(path_folder(arena, "a/b/c"), "a/b");
	assert_string_equal(path_folder(arena, "a//c"), "a");
	assert_string_equal(path_folder(arena, "c"), ".");
	assert_string_equal(path_folder(arena, "/c"), "/");
	assert_string_equal(path_join(arena, "a", "b"), "a/b");
	assert_string_equal(path_join(arena, "a/", "b"), "a/b");
	assert_string_equal(path_join(arena, ".", "b"), "b");
	assert_string_equal(path_join(arena, "a", "/b"), "/b");
	assert_string_equal(path_with_suffix(arena, "a.b/m.xml", ".so"), "a.b/m.so");
	assert_string_equal(path_with_suffix(arena, "a.b/m", ".so"), "a.b/m.so");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_read),
		TEST(test_read_refused),
		TEST(test_map),
		TEST(test_piecewise),
		TEST(test_piecewise_keeps_what_was_read),
		TEST(test_piecewise_refused),
		TEST(test_out_of_memory),
		TEST(test_faults_while_reading),
		TEST(test_report),
		TEST(test_beside),
		TEST(test_beside_bare_name),
		TEST(test_beside_race),
		TEST(test_paths),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
