/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Many threads at once: one model run from eight threads with contexts of their own, in memory and
 * from a file; a context that two threads use at the same time; models compiled in two threads that
 * share a cache. Under ThreadSanitizer (preset tsan) a report of a race fails the test. */
#include "tests/promises/promise.h"
#include <pthread.h>

enum { THREADS = 8, RUNS = 20 };

/* LLVM and compiled models are not instrumented. */
const char *__tsan_default_options(void) __attribute__((visibility("default")));
const char *__tsan_default_options(void)
{
	return "ignore_noninstrumented_modules=1:halt_on_error=1:exitcode=66";
}

/* What LLVM creates on first use is guarded by atomics that are not seen. */
const char *__tsan_default_suppressions(void) __attribute__((visibility("default")));
const char *__tsan_default_suppressions(void)
{
	return "race:libLLVM";
}

typedef struct Job {
	const char *(*fn)(void *arg, int number);
	void *arg;
	int number;
	const char *wrong;
} Job;

static void *do_job(void *p)
{
	Job *j = p;
	j->wrong = j->fn(j->arg, j->number);
	return NULL;
}

/* Eight threads call the same function; all must return NULL. */
static void in_threads(const char *(*fn)(void *arg, int number), void *arg)
{
	pthread_t thread[THREADS];
	Job job[THREADS];
	for (int i = 0; i < THREADS; i++) {
		job[i] = (Job){ fn, arg, i, NULL };
		assert_int_equal(pthread_create(&thread[i], NULL, do_job, &job[i]), 0);
	}
	for (int i = 0; i < THREADS; i++)
		pthread_join(thread[i], NULL);
	for (int i = 0; i < THREADS; i++)
		if (job[i].wrong)
			fail_msg("thread %d: %s", i, job[i].wrong);
}

/* --- one model in memory --------------------------------------------------------------------- */

typedef struct Shared {
	burin_model *model;
	float wanted[10];
} Shared;

static const char *run_model(const Shared *m, burin_exec *e, float y[10])
{
	const burin_port *in, *out;
	if (burin_inputs(m->model, &in) != 1 || burin_outputs(m->model, &out) != 1)
		return "ports";
	burin_tensor tx = in->spec, ty = out->spec;
	tx.data = (void *)(uintptr_t)picture();
	ty.data = y;
	return burin_run(e, &tx, 1, &ty, 1, NULL) ? "run" : NULL;
}

static const char *run_often(void *arg, int number)
{
	const Shared *m = arg;
	burin_opts *o = NULL;
	burin_exec *e = NULL;
	float y[10];
	const char *wrong = NULL, *threads = number % 2 ? "2" : "1";
	if (burin_opts_new(&o, NULL) || burin_opts_set(o, "threads", threads, NULL) ||
	    burin_exec_new(&e, m->model, NULL, 0, o, NULL))
		return "cannot start";
	for (int i = 0; i < RUNS && !wrong; i++) {
		wrong = run_model(m, e, y);
		if (!wrong && memcmp(y, m->wanted, sizeof y) != 0)
			wrong = "another answer";
	}
	burin_exec_free(e);
	burin_opts_free(o);
	return wrong;
}

static burin_model *compile_in_memory(const char *path, const char *options)
{
	burin_graph *g = NULL;
	burin_opts *o = NULL;
	burin_model *m = NULL;
	burin_error e = { .size = sizeof e };
	if (burin_opts_new(&o, NULL) == BURIN_OK) {
		set_options(o, options);
		if (burin_read(&g, path, o, NULL, &e) || burin_compile(g, NULL, &m, o, NULL, &e))
			print_error("%s\n", e.message);
	}
	burin_graph_free(g);
	burin_opts_free(o);
	return m;
}

static void test_one_model(void **state)
{
	(void)state;
	Shared m = { .model = compile_in_memory(LENET, "bind.N=1 model-weights=random cache=off") };
	burin_exec *e = NULL;
	assert_non_null(m.model);
	assert_int_equal(burin_exec_new(&e, m.model, NULL, 0, NULL, NULL), BURIN_OK);
	assert_null(run_model(&m, e, m.wanted));
	burin_exec_free(e);
	in_threads(run_often, &m);
	burin_model_free(m.model);
}

/* --- one library ----------------------------------------------------------------------------- */

typedef struct SharedLib {
	Lib lib;
	Answer *wanted;
	char *ctx; /* used by all, or NULL: each has its own, and some none */
} SharedLib;

static const char *call_often(void *arg, int number)
{
	const SharedLib *m = arg;
	_Alignas(8) char own[BURIN_CTX_BYTES];
	char *ctx = m->ctx ? m->ctx : number % 4 == 0 ? NULL : own;
	if (ctx == own && m->lib.ctx_init(own, 1 + number % 3))
		return "cannot start";
	size_t n = (m->lib.workspace_bytes(ctx) + 63) & ~(size_t)63;
	void *w = aligned_alloc(64, n);
	Answer *a = calloc(1, sizeof *a);
	const char *wrong = NULL;
	for (int i = 0; i < RUNS && !wrong; i++) {
		memset(a, 0, sizeof *a);
		if (lib_call(&m->lib, ctx, a, w))
			wrong = "run";
		else if (memcmp(a, m->wanted, sizeof *a) != 0)
			wrong = "another answer";
	}
	if (ctx == own)
		m->lib.ctx_done(own);
	free(a);
	free(w);
	return wrong;
}

static void test_one_library(void **state)
{
	Shop *s = *state;
	static _Alignas(8) char ctx[BURIN_CTX_BYTES];
	SharedLib m = { .lib = lib_open(lenet(s, "lenet.so", 1, ""), "lenet", RTLD_LOCAL) };
	m.wanted = lib_answer(&m.lib, NULL);
	in_threads(call_often, &m);
	m.ctx = ctx;
	assert_int_equal(m.lib.ctx_init(ctx, 2), 0);
	in_threads(call_often, &m);
	m.lib.ctx_done(ctx);
	free(m.wanted);
	dlclose(m.lib.handle);
}

/* --- compiling ------------------------------------------------------------------------------- */

static const char *compile_often(void *arg, int number)
{
	(void)arg;
	if (number >= 2) /* two are enough: compiling takes time */
		return NULL;
	for (int i = 0; i < 3; i++) {
		const char *path = number ? BURIN_SOURCE_DIR "/examples/lstm.xml" : LENET;
		burin_model *m = compile_in_memory(path, "size=2 model-weights=random cache=on "
							 "compile-threads=2");
		if (!m)
			return "does not compile";
		burin_model_free(m);
	}
	return NULL;
}

static void test_compile(void **state)
{
	Shop *s = *state;
	setenv("BURIN_CACHE_DIR", in_folder(s, "cache"), 1);
	in_threads(compile_often, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = { TEST(test_one_model), TEST(test_one_library),
					    TEST(test_compile) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
