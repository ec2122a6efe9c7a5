/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* wrap: open openat pread write fsync rename close syscall posix_fallocate mmap */
/* Files: saves under every failure of the system, and under kill. */
#include "tests/unit/io_fixture.h"
#include <signal.h>
#include <sys/wait.h>

/* --- writing --------------------------------------------------------------------------------- */

static void check_content(const char *path, const char *want)
{
	IoText t;
	IoError e;
	assert_true(io_read(path, arena, 1 << 24, &t, &e));
	assert_string_equal(t.at, want);
}

static void test_write(void **state)
{
	(void)state;
	IoError e;
	struct stat st;
	const char *path = in_folder("out");
	mode_t mask = umask(027);
	assert_true(io_write_file(path, "one", 3, &e));
	umask(mask);
	check_content(path, "one");
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0640);
	assert_true(io_write_file(path, "", 0, &e));
	check_content(path, "");
	assert_int_equal(files_in_folder(), 1);
	assert_false(io_write_file(in_folder("none/out"), "x", 1, &e));
	assert_int_equal(e.code, E1003);
	assert_string_equal(e.text, "no such file or directory");
	assert_false(io_write_file(folder, "x", 1, &e));
	char longer[300];
	memset(longer, 'n', 255);
	longer[255] = 0;
	assert_true(io_write_file(in_folder(longer), "x", 1, &e)); /* the longest name there is */
}

static void test_write_in_pieces(void **state)
{
	(void)state;
	IoError e;
	Str want;
	str_init(&want, arena);
	const char *path = in_folder("out");
	IoWriter *w = io_create(path, &e);
	for (int i = 0; i < 3000; i++) {
		size_t before = want.n;
		for (int k = 0; k < (i % 500 == 7 ? 20000 : i % 60); k++)
			str_fmt(&want, "%d,", i);
		io_write(w, want.at ? want.at + before : "", want.n - before);
	}
	assert_true(want.n > 300000);
	assert_true(io_commit(w, &e));
	check_content(path, want.at);
}

/* Pieces around the size of the buffer, on top of what it holds. */
static void test_write_around_the_buffer(void **state)
{
	(void)state;
	static char data[3 << 16];
	for (size_t i = 0; i < sizeof data; i++)
		data[i] = (char)('a' + i % 23);
	const char *path = in_folder("out");
	for (size_t held = 0; held < 3; held++)
		for (size_t n = (1 << 16) - 4; n < (1 << 16) + 4; n++) {
			IoError e;
			IoText t;
			IoWriter *w = io_create(path, &e);
			io_write(w, data, held);
			io_write(w, data + held, n);
			io_write(w, data + held + n, 1000);
			assert_true(io_commit(w, &e));
			assert_true(io_read(path, arena, 1 << 20, &t, &e));
			assert_int_equal(t.n, held + n + 1000);
			assert_memory_equal(t.at, data, t.n);
		}
}

static void test_abort(void **state)
{
	(void)state;
	IoError e;
	put("out", "old");
	IoWriter *w = io_create(in_folder("out"), &e);
	io_write(w, "new", 3);
	assert_int_equal(files_in_folder(), 2);
	io_abort(w);
	io_abort(NULL);
	check_content(in_folder("out"), "old");
	assert_int_equal(files_in_folder(), 1);
}

/* What need not survive a power cut is not waited for; a kept file costs write, fsync, close,
 * rename, the folder's three and the close of the lock. */
static void test_scratch(void **state)
{
	(void)state;
	IoError e;
	IoWriter *w = io_create(in_folder("out"), &e);
	io_scratch(w);
	io_write(w, "new", 3);
	system_calls.fault = FAIL;
	assert_true(io_commit(w, &e));
	assert_int_equal(system_calls.calls, 4); /* write, close, rename, close of the lock */
	check_content(in_folder("out"), "new");
	w = io_create(in_folder("out"), &e);
	io_write(w, "newer", 5);
	system_calls.calls = 0;
	assert_true(io_commit(w, &e));
	assert_int_equal(system_calls.calls, 8);
	check_content(in_folder("out"), "newer");
}

/* Several files: all or none, whichever fails and however. */
static void test_set(void **state)
{
	static const char *const name[] = { "one", "two", "three" };
	(void)state;
	for (long k = 0;; k++) {
		IoWriter *w[3];
		IoError e;
		int failed = -1;
		for (int i = 0; i < 3; i++) {
			put(name[i], "old");
			w[i] = io_create(in_folder(name[i]), &e);
			io_write(w[i], "new", 3);
		}
		system_calls.fault = FAIL;
		system_calls.error = ENOSPC;
		system_calls.calls = 0;
		system_calls.countdown = k;
		bool ok = io_commit_all(w, 3, &failed, &e);
		system_calls.fault = NO_FAULT;
		assert_int_equal(files_in_folder(), 3);
		/* until the first has its name: three times write, fsync, close */
		if (k < 9) {
			assert_false(ok);
			assert_int_equal(failed, k / 3);
			assert_string_equal(e.text, "no space left on device");
			for (int i = 0; i < 3; i++)
				check_content(in_folder(name[i]), "old");
		}
		if (system_calls.countdown >= 0) {
			assert_true(ok);
			for (int i = 0; i < 3; i++)
				check_content(in_folder(name[i]), "new");
			break;
		}
	}
	for (int i = 0; i < 3; i++)
		unlink(in_folder(name[i]));
}

/* A name that is a folder's stops all of them. */
static void test_set_with_a_folder(void **state)
{
	IoWriter *w[2];
	IoError e;
	int failed;
	(void)state;
	put("one", "old");
	assert_int_equal(mkdir(in_folder("two"), 0700), 0);
	w[0] = io_create(in_folder("two"), &e);
	if (w[0]) {
		w[1] = io_create(in_folder("one"), &e);
		assert_false(io_commit_all(w, 2, &failed, &e));
		assert_int_equal(failed, 0);
	}
	check_content(in_folder("one"), "old");
	rmdir(in_folder("two"));
	unlink(in_folder("one"));
}

/* Left-overs of processes that are gone are swept, what is in use or not ours stays. */
static void test_sweep(void **state)
{
	static const char *const stays[] = { ".x.0123456789abcdef.tmp",
					     ".x.burin-0123456789abcde.tmp",
					     ".x.burin-0123456789abcdeg.tmp",
					     "x.burin-0123456789abcdef.tmp", ".burin-abc" };
	IoError e;
	(void)state;
	IoWriter *w = io_create(in_folder("busy"), &e);
	io_write(w, "new", 3);
	put(".x.burin-0123456789abcdef.tmp", "gone");
	for (size_t i = 0; i < sizeof stays / sizeof *stays; i++)
		put(stays[i], "");
	assert_int_equal(mkdir(in_folder(".burin-abcdef"), 0700), 0);
	put(".burin-abcdef/m.o", "gone");
	assert_int_equal(mkdir(in_folder(".burin-locked"), 0700), 0);
	put(".burin-locked/m.o", "in use");
	int lock = open(in_folder(".burin-locked"), O_RDONLY | O_DIRECTORY);
	assert_true(io_lock_temporary(lock, in_folder(".burin-locked")));
	io_sweep(in_folder("busy"));
	assert_int_not_equal(access(in_folder(".x.burin-0123456789abcdef.tmp"), F_OK), 0);
	assert_int_not_equal(access(in_folder(".burin-abcdef"), F_OK), 0);
	assert_int_equal(access(in_folder(".burin-locked/m.o"), F_OK), 0);
	for (size_t i = 0; i < sizeof stays / sizeof *stays; i++)
		assert_int_equal(unlink(in_folder(stays[i])), 0);
	assert_true(io_commit(w, &e));
	check_content(in_folder("busy"), "new");
	close(lock);
	io_sweep(in_folder("busy"));
	assert_int_not_equal(access(in_folder(".burin-locked"), F_OK), 0);
	assert_int_equal(files_in_folder(), 1);
	unlink(in_folder("busy"));
	io_sweep("/nowhere/at/all");
}

static void test_write_to_device(void **state)
{
	(void)state;
	IoError e;
	assert_true(io_write_file("/dev/null", "x", 1, &e));
	assert_false(io_write_file("/dev/full", "x", 1, &e));
	assert_string_equal(e.text, "no space left on device");
	struct stat st;
	assert_int_equal(stat("/dev/full", &st), 0);
	assert_true(S_ISCHR(st.st_mode));
}

/* Each call of the system fails once: the error is told, the name has the old content or all of the
 * new, nothing is left over. */
static void test_faults_while_writing(void **state)
{
	(void)state;
	static char fresh[200001];
	memset(fresh, 'n', sizeof fresh - 1);
	const char *path = in_folder("out");
	static const int errors[] = { EIO, ENOSPC };
	for (int f = 0; f < 2; f++)
		for (long k = 0;; k++) {
			IoError e;
			IoText t;
			put("out", "old");
			int before = open_descriptors();
			system_calls.fault = FAIL;
			system_calls.error = errors[f];
			system_calls.calls = 0;
			system_calls.countdown = k;
			bool ok = io_write_file(path, fresh, sizeof fresh - 1, &e);
			system_calls.fault = NO_FAULT;
			bool failed = system_calls.countdown < 0;
			assert_int_equal(open_descriptors(), before);
			assert_int_equal(files_in_folder(), 1);
			assert_true(io_read(path, arena, 1 << 20, &t, &(IoError){ 0 }));
			if (!failed) {
				assert_true(ok && k >= 6);
				assert_string_equal(t.at, fresh);
				break;
			}
			/* only the closing of the folder and of the lock may fail unnoticed: all is
			 * on the disk */
			assert_true(!ok || system_calls.calls <= k + 2);
			if (!ok && strcmp(t.at, "old") != 0)
				assert_string_equal(t.at, fresh);
		}
}

static void test_interrupted_while_writing(void **state)
{
	(void)state;
	static char fresh[200001];
	memset(fresh, 'n', sizeof fresh - 1);
	static const Fault faults[] = { INTERRUPT, SHORT };
	for (int f = 0; f < 2; f++)
		for (long k = f; k < 20; k++) { /* opening is never short */
			IoError e;
			system_calls.fault = faults[f];
			system_calls.countdown = k;
			if (f == 1 && k > 1)
				break;
			assert_true(io_write_file(in_folder("out"), fresh, sizeof fresh - 1, &e));
			system_calls.fault = NO_FAULT;
			check_content(in_folder("out"), fresh);
		}
}

/* --- memory for what comes next --------------------------------------------------------------- */

enum { HEAD = 4096, PLACE = 300001 };

/* Head, a place of PLACE bytes filled in two steps, tail. */
static bool write_with_place(const char *path, size_t head, IoError *e)
{
	static char zeros[HEAD];
	IoWriter *w = io_create(path, e);
	if (!w)
		return false;
	io_write(w, zeros, head);
	unsigned char *p = io_place(w, PLACE);
	for (int i = 0; p && i < PLACE / 2; i++) {
		assert_int_equal(p[i], 0);
		p[i] = (unsigned char)(i % 251);
	}
	io_place_rest(w);
	for (int i = PLACE / 2; p && i < PLACE; i++)
		p[i] = (unsigned char)(i % 251);
	io_write(w, "tail", 4);
	return io_commit(w, e);
}

static void check_place(const char *path, size_t head)
{
	IoText t;
	IoError e;
	assert_true(io_read(path, arena, 1 << 20, &t, &e));
	assert_int_equal(t.n, head + PLACE + 4);
	for (int i = 0; i < PLACE; i++)
		assert_int_equal((unsigned char)t.at[head + (size_t)i], i % 251);
	assert_memory_equal(t.at + head + PLACE, "tail", 4);
}

static void test_place(void **state)
{
	(void)state;
	IoError e;
	const char *path = in_folder("out");
	static const size_t heads[] = { 0, 7, HEAD };
	for (size_t i = 0; i < 3; i++)
		for (int mmap_works = 0; mmap_works < 2; mmap_works++) {
			system_calls.no_mmap = !mmap_works;
			assert_true(write_with_place(path, heads[i], &e));
			check_place(path, heads[i]);
		}
	IoWriter *w = io_create(path, &e);
	assert_null(io_place(w, 0));
	assert_non_null(io_place(w, PLACE));
	io_abort(w);
	check_place(path, HEAD);
	assert_int_equal(files_in_folder(), 1);
}

static void test_place_on_a_device(void **state)
{
	(void)state;
	IoError e;
	assert_true(write_with_place("/dev/null", HEAD, &e));
	assert_false(write_with_place("/dev/full", HEAD, &e));
	assert_string_equal(e.text, "no space left on device");
}

static void test_faults_with_place(void **state)
{
	(void)state;
	const char *path = in_folder("out");
	for (int no_mmap = 0; no_mmap < 2; no_mmap++)
		for (long k = 0;; k++) {
			IoError e;
			int before = open_descriptors();
			put("out", "old");
			system_calls.no_mmap = no_mmap;
			system_calls.fault = FAIL;
			system_calls.error = ENOSPC;
			system_calls.countdown = k;
			bool ok = write_with_place(path, HEAD, &e);
			system_calls.fault = NO_FAULT;
			assert_int_equal(open_descriptors(), before);
			assert_int_equal(files_in_folder(), 1);
			if (system_calls.countdown >= 0) {
				assert_true(ok && k >= 7);
				check_place(path, HEAD);
				break;
			}
			if (!ok)
				assert_string_equal(e.text, "no space left on device");
		}
}

/* A process that saves generation after generation is killed: what it acknowledged, or something
 * later, is there and whole. */
enum { SAVE_INTS = 20000, KILLS = 60 };

static void save_forever(const char *path, int acknowledge)
{
	static int data[SAVE_INTS];
	for (int generation = 1;; generation++) {
		IoError e;
		for (int i = 0; i < SAVE_INTS; i++)
			data[i] = generation;
		if (!io_write_file(path, data, sizeof data, &e))
			_exit(1);
		if (write(acknowledge, &generation, sizeof generation) != sizeof generation)
			_exit(1);
	}
}

static void test_killed_while_saving(void **state)
{
	(void)state;
	char *path = in_folder("checkpoint");
	for (int round = 0; round < KILLS; round++) {
		int ends[2], acknowledged = 0, last = 0;
		unlink(path);
		assert_int_equal(pipe(ends), 0);
		pid_t child = fork();
		if (child == 0)
			save_forever(path, ends[1]);
		close(ends[1]);
		usleep((useconds_t)(round * 397 % 20000));
		kill(child, SIGKILL);
		assert_int_equal(waitpid(child, NULL, 0), child);
		while (read(ends[0], &last, sizeof last) == sizeof last)
			acknowledged = last;
		close(ends[0]);
		IoText t;
		IoError e;
		if (!io_read(path, arena, 1 << 20, &t, &e)) {
			assert_int_equal(acknowledged, 0);
			continue;
		}
		assert_int_equal(t.n, sizeof(int) * SAVE_INTS);
		int first, n = 0;
		memcpy(&first, t.at, sizeof first);
		for (int i = 0; i < SAVE_INTS; i++)
			n += !memcmp(t.at + sizeof first * (size_t)i, &first, sizeof first);
		assert_int_equal(n, SAVE_INTS);
		assert_true(first == acknowledged || first == acknowledged + 1);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_write),
		TEST(test_write_in_pieces),
		TEST(test_write_around_the_buffer),
		TEST(test_abort),
		TEST(test_scratch),
		TEST(test_set),
		TEST(test_set_with_a_folder),
		TEST(test_sweep),
		TEST(test_write_to_device),
		TEST(test_faults_while_writing),
		TEST(test_interrupted_while_writing),
		TEST(test_place),
		TEST(test_place_on_a_device),
		TEST(test_faults_with_place),
		TEST(test_killed_while_saving),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
