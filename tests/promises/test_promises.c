/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* What every compiled model promises to the program that loads it: it needs libc and libm alone,
 * exports its own names alone, bears other models beside it, leaves the host's numbers as they are,
 * runs on the CPUs it says, gives the same bits with any threads, and is the same file each time.
 */
#include "base/json.h"
#include "codegen/compile.h"
#include "ir/model.h"
#include "runtime/note.h"
#include "tests/promises/promise.h"
#include <fenv.h>
#include <pthread.h>
#include <sys/wait.h>
#ifdef __x86_64__
#include <xmmintrin.h>
#endif

/* --- the file -------------------------------------------------------------------------------- */

static void test_file(void **state)
{
	Shop *s = *state;
	lenet(s, "lenet.so", 1, "");
	face(s, "face.so", "");
	compile_to(BURIN_SOURCE_DIR "/examples/lstm.xml", in_folder(s, "lstm.so"),
		   "model-weights=random size=4 prefix=lstm");
	assert_file(s, "lenet.so", "lenet", 8);
	assert_file(s, "face.so", "face", 8);
	assert_file(s, "lstm.so", "lstm", 8);
}

/* What the file says of itself without being loaded is what the loaded model says. */
static void test_metadata(void **state)
{
	Shop *s = *state;
	const char *path = lenet(s, "lenet.so", 1, "");
	burin_model *m = NULL;
	burin_error e = { .size = sizeof e };
	JsonError wrong;
	Note note;
	if (burin_load(&m, path, NULL, &e) != BURIN_OK)
		fail_msg("%s", e.message);
	assert_null(note_read(path, &note));
	assert_string_equal(note.prefix, "lenet");
	assert_string_equal(note.metadata, burin_metadata_json(m));
	const JsonValue *v = json_parse(s->arena, note.metadata, strlen(note.metadata), &wrong);
	assert_non_null(v);
	assert_string_equal(json_get(v, "schema")->text, "burin.artifact/1");
	assert_string_equal(json_get(json_at(json_get(v, "inputs"), 0), "name")->text, "x");
	free(note.memory);
	burin_model_free(m);
}

/* --- several models in one process ----------------------------------------------------------- */

static Answer *alone(const char *path, const char *prefix)
{
	Lib l = lib_open(path, prefix, RTLD_LOCAL);
	Answer *a = lib_answer(&l, NULL);
	dlclose(l.handle);
	return a;
}

/* Files of the same name with the same prefix in two folders, the worst case, and a third model. */
static void test_together(void **state)
{
	static const int flags[] = { RTLD_LOCAL, RTLD_GLOBAL };
	static const int order[][3] = { { 0, 1, 2 }, { 2, 1, 0 }, { 1, 0, 2 } };
	static const char *const prefix[] = { "lenet", "lenet", "face" };
	Shop *s = *state;
	shell(s, "mkdir a b");
	const char *path[] = { lenet(s, "a/lenet.so", 1, ""), lenet(s, "b/lenet.so", 2, ""),
			       face(s, "face.so", "") };
	Answer *wanted[3];
	for (int i = 0; i < 3; i++)
		wanted[i] = alone(path[i], prefix[i]);
	assert_memory_not_equal(wanted[0], wanted[1], sizeof *wanted[0]);
	for (int k = 0; k < 6; k++) {
		Lib l[3];
		for (int i = 0; i < 3; i++) {
			int m = order[k % 3][i];
			l[m] = lib_open(path[m], prefix[m], flags[k / 3]);
		}
		for (int i = 0; i < 3; i++)
			assert_answer(&l[i], NULL, wanted[i]);
		for (int i = 0; i < 3; i++)
			dlclose(l[i].handle);
	}
	for (int i = 0; i < 3; i++)
		free(wanted[i]);
}

/* --- CPUs ------------------------------------------------------------------------------------ */

static void assert_close(const float *a, const float *b, int n)
{
	float most = 0, apart = 0;
	for (int i = 0; i < n; i++) {
		float d = a[i] > b[i] ? a[i] - b[i] : b[i] - a[i];
		float v = a[i] > 0 ? a[i] : -a[i];
		apart = d > apart || d != d ? d : apart;
		most = v > most ? v : most;
	}
	assert_true(most > 0);
	if (!(apart <= 1e-5f * most))
		fail_msg("%g apart, the largest is %g", (double)apart, (double)most);
}

/* Each level forced, and what is chosen when both are there. */
static void test_levels(void **state)
{
	static const char *const list[] = { "x86-64-v2", "x86-64-v3", "x86-64-v4",
					    "x86-64-v4,x86-64-v3" };
	Shop *s = *state;
	Answer *first = NULL;
	int ran = 0;
	for (int i = 0; i < 4; i++) {
		const char *file = arena_printf(s->arena, "face%d.so", i);
		const char *o = arena_printf(s->arena, "multiversion=%s", list[i]);
		Lib l = lib_open(face(s, file, o), "face", RTLD_LOCAL);
		if (l.supported() == 0) {
			Answer *a = lib_answer(&l, NULL);
			if (first) {
				assert_close(first->y, a->y, RESULTS);
				assert_close(first->z, a->z, RESULTS);
			}
			free(first);
			first = a;
			ran++;
		}
		dlclose(l.handle);
	}
	assert_true(ran >= 2);
	free(first);
}

#ifdef __x86_64__
/* Made for a CPU with instructions that no CPU has had since 2017: an error, no SIGILL. */
static void test_missing_cpu(void **state)
{
	Shop *s = *state;
	burin_graph *g = NULL;
	burin_opts *o = NULL;
	burin_model *m = NULL;
	burin_error e = { .size = sizeof e };
	uint64_t need[2] = { 0 };
	Target t;
	assert_true(burin_cpu_need_add("xop", need) && burin_cpu_need_add("fma4", need));
	if (burin_cpu_has(need))
		skip_because("this CPU has all that the model needs");
	assert_int_equal(burin_opts_new(&o, NULL), BURIN_OK);
	set_options(o, "bind.N=1 model-weights=random");
	assert_int_equal(burin_read(&g, LENET, o, NULL, &e), BURIN_OK);
	assert_true(target_find("x86-64-v3", &t));
	t.name = "bulldozer";
	t.features = "+avx2,+fma,+xop,+fma4";
	const char *path = in_folder(s, "lenet.so");
	CompileOptions co = { .pass.target = t };
	ArtifactOptions ao = { .path = path, .target = &t, .n_target = 1 };
	if (!compile_artifact(g->ctx, g->graph, &co, &ao, NULL))
		fail_msg("%s", diag_at(g->ctx->diag, 0)->message);
	Lib l = lib_open(path, "lenet", RTLD_LOCAL);
	Answer *a = calloc(1, sizeof *a);
	char ctx[BURIN_CTX_BYTES];
	assert_int_equal(l.supported(), BURIN_RT_CPU);
	assert_int_equal(l.ctx_init(ctx, 2), 0);
	void *w = aligned_alloc(64, 1 << 20);
	assert_int_equal(lib_call(&l, NULL, a, w), BURIN_RT_CPU);
	assert_int_equal(lib_call(&l, ctx, a, w), BURIN_RT_CPU);
	l.ctx_done(ctx);
	dlclose(l.handle);
	assert_int_equal(burin_load(&m, path, NULL, &e), BURIN_E_TARGET);
	assert_non_null(strstr(e.message, "CPU"));
	free(w);
	free(a);
	burin_graph_free(g);
	burin_opts_free(o);
}

/* --- the host's numbers ---------------------------------------------------------------------- */

static const unsigned modes[] = {
	0x1f80,          /* as a process starts */
	0x1f80 | 0x4000, /* upward */
	0x1f80 | 0x8040, /* flush to zero, denormals are zero */
	0x1f80 & ~0x80u, /* invalid operations trap */
};

static void assert_numbers_kept(const char *path, unsigned mode)
{
	unsigned before = _mm_getcsr();
	unsigned short x87, now;
	_mm_setcsr(mode);
	__asm__ volatile("fnstcw %0" : "=m"(x87));
	Lib l = lib_open(path, "lenet", RTLD_LOCAL);
	unsigned loaded = _mm_getcsr();
	Answer *a = lib_answer(&l, NULL);
	unsigned ran = _mm_getcsr();
	__asm__ volatile("fnstcw %0" : "=m"(now));
	dlclose(l.handle);
	_mm_setcsr(before);
	/* flags of what happened may be raised, control bits not */
	assert_int_equal(loaded & ~0x3fu, mode & ~0x3fu);
	assert_int_equal(ran & ~0x3fu, mode & ~0x3fu);
	assert_int_equal(x87, now);
	free(a);
}

static void test_numbers(void **state)
{
	static const char *const fp[] = { "fp=contract", "fp=strict", "fp=fast" };
	Shop *s = *state;
	for (int i = 0; i < 3; i++) {
		const char *path = lenet(s, "lenet.so", 1, fp[i]);
		for (size_t k = 0; k < sizeof modes / sizeof modes[0]; k++)
			assert_numbers_kept(path, modes[k]);
	}
}
#endif

/* --- threads and memory ---------------------------------------------------------------------- */

typedef struct Share {
	uint32_t begin, end;
	BurinTaskFn *fn;
	void *task;
} Share;

static void *do_share(void *p)
{
	Share *s = p;
	for (uint32_t i = s->begin; i < s->end; i++)
		s->fn(s->task, i);
	return NULL;
}

static void two_threads(void *user, uint32_t count, BurinTaskFn *fn, void *task)
{
	pthread_t other;
	Share first = { 0, count / 2, fn, task }, second = { count / 2, count, fn, task };
	*(int *)user += 1;
	assert_int_equal(pthread_create(&other, NULL, do_share, &first), 0);
	do_share(&second);
	pthread_join(other, NULL);
}

/* One, two, three threads, the host's own in two ways: the same bits. */
static void test_threads(void **state)
{
	Shop *s = *state;
	const char *path[] = { lenet(s, "lenet.so", 1, ""), face(s, "face.so", "") };
	for (int i = 0; i < 2; i++) {
		Lib l = lib_open(path[i], i ? "face" : "lenet", RTLD_LOCAL);
		Answer *wanted = lib_answer(&l, NULL);
		static char ctx[BURIN_CTX_BYTES];
		for (int threads = 1; threads <= 3; threads++) {
			assert_int_equal(l.ctx_init(ctx, threads), 0);
			for (int k = 0; k < 3; k++)
				assert_answer(&l, ctx, wanted);
			l.ctx_done(ctx);
		}
		int calls = 0;
		assert_int_equal(l.ctx_init(ctx, 1), 0);
		assert_int_equal(l.ctx_set_parallel(ctx, 3, backwards, &calls), 0);
		assert_answer(&l, ctx, wanted);
		assert_int_equal(l.ctx_set_parallel(ctx, 2, two_threads, &calls), 0);
		assert_answer(&l, ctx, wanted);
		assert_true(calls > 2);
		l.ctx_done(ctx);
		free(wanted);
		dlclose(l.handle);
	}
}

/* Nothing is touched but the tensors and the workspace of the size that was said, whatever the
 * workspace holds. */
static void test_memory(void **state)
{
	Shop *s = *state;
	const char *path = lenet(s, "lenet.so", 1, "");
	Lib l = lib_open(path, "lenet", RTLD_LOCAL);
	Answer *wanted = lib_answer(&l, NULL);
	size_t in = 28 * 28 * 4, out = 10 * 4, work = (l.workspace_bytes(NULL) + 63) & ~(size_t)63;
	size_t all[3];
	float *x = (float *)(void *)fenced(in, &all[0]), *y = (float *)(void *)fenced(out, &all[1]);
	char *w = fenced(work, &all[2]);
	int (*run)(const void *, const float *, float *, void *) =
		(int (*)(const void *, const float *, float *, void *))(uintptr_t)l.run;
	memcpy(x, picture(), in);
	for (int fill = 0; fill < 2; fill++) {
		memset(w, fill ? 0xff : 0, work);
		memset(y, 0, out);
		assert_int_equal(run(NULL, x, y, w), 0);
		assert_memory_equal(y, wanted->y, out);
		assert_memory_equal(x, picture(), in);
	}
	assert_int_equal(run(NULL, x, y, w + 1), BURIN_RT_WORKSPACE);
	assert_int_equal(run(NULL, x, y, NULL), BURIN_RT_WORKSPACE);
	assert_int_equal(run(NULL, NULL, y, w), BURIN_RT_ARG);
	unfence((char *)x, in, all[0]);
	unfence((char *)y, out, all[1]);
	unfence(w, work, all[2]);
	free(wanted);
	dlclose(l.handle);
}

/* --- the same file --------------------------------------------------------------------------- */

/* In a process of its own, in another folder, with another environment and number of threads. */
static void compile_elsewhere(Shop *s, int which)
{
	static const char *const files[] = { "m.so", "m.a", "m.o" };
	pid_t pid = fork();
	if (pid == 0) {
		setenv("TZ", which ? "Asia/Tokyo" : "UTC", 1);
		setenv("HOME", which ? "/nonexistent" : "/", 1);
		setenv("SOME_VARIABLE", which ? "that is rather long" : "", 1);
		if (chdir(which ? "/" : s->folder) != 0)
			_exit(1);
		for (int i = 0; i < 3; i++)
			face(s, arena_printf(s->arena, "%s/%s", which ? "b b" : "a", files[i]),
			     which ? "compile-threads=1" : "compile-threads=3");
		_exit(0);
	}
	int status = 1;
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static void test_same_file(void **state)
{
	Shop *s = *state;
	shell(s, "mkdir a 'b b'");
	compile_elsewhere(s, 0);
	compile_elsewhere(s, 1);
	shell(s, "for f in m.so m.a m.o m.h; do cmp a/$f 'b b'/$f || exit 1; done");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_file),        TEST(test_metadata), TEST(test_together),
		TEST(test_levels),
#ifdef __x86_64__
		TEST(test_missing_cpu), TEST(test_numbers),
#endif
		TEST(test_threads),     TEST(test_memory),   TEST(test_same_file),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
