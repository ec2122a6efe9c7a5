/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Real models compiled to files, for the promises of artefacts: compile, load, call, and commands
 * of the shell in a folder of their own. */
#ifndef TESTS_PROMISE_H
#define TESTS_PROMISE_H
#include "base/io.h"
#include "base/str.h"
#include "include/burin.h"
#include "runtime/cpu/rt.h"
#include "tests/unit/allowed_symbols.h"
#include "tests/unit/check.h"
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#if defined(__has_feature)
#define HAS(f) __has_feature(f)
#else
#define HAS(f) 0
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || HAS(address_sanitizer) || \
	HAS(thread_sanitizer)
enum { SANITIZED = 1 };
#else
enum { SANITIZED = 0 };
#endif

/* Numbers in the largest tensors of the two models. */
enum { IMAGE = 3 * 240 * 320, RESULTS = 4420 * 4 };
#define LENET BURIN_SOURCE_DIR "/examples/lenet.xml"
#define FACE BURIN_SOURCE_DIR "/examples/face/rfb-320.onnx"

typedef struct Shop {
	Arena *arena;
	char folder[64];
} Shop;

static inline const char *in_folder(Shop *s, const char *name)
{
	return path_join(s->arena, s->folder, name);
}

static inline void shell(Shop *s, const char *command)
{
	char *in = arena_printf(s->arena, "cd %s && { %s; } >log 2>&1", s->folder, command);
	if (system(in) == 0)
		return;
	if (system(arena_printf(s->arena, "tail -40 %s/log >&2", s->folder)) != 0)
		print_error("no log\n");
	fail_msg("%s", command);
}

static inline void set_options(burin_opts *o, const char *options)
{
	char *copy = strdup(options), *at = copy;
	for (char *pair; (pair = strsep(&at, " ")) != NULL;) {
		char *value = strchr(pair, '=');
		if (!value)
			continue;
		*value++ = 0;
		assert_int_equal(burin_opts_set(o, pair, value, NULL), BURIN_OK);
	}
	free(copy);
}

/* Options: "key=value key=value". Nothing comes from a cache. */
static inline void compile_to(const char *model, const char *path, const char *options)
{
	burin_graph *g = NULL;
	burin_opts *o = NULL;
	burin_error e = { .size = sizeof e };
	assert_int_equal(burin_opts_new(&o, &e), BURIN_OK);
	set_options(o, "cache=off");
	set_options(o, options);
	if (burin_read(&g, model, o, NULL, &e) != BURIN_OK ||
	    burin_compile(g, path, NULL, o, NULL, &e) != BURIN_OK)
		fail_msg("%s: %s", path, e.message);
	burin_graph_free(g);
	burin_opts_free(o);
}

/* lenet with the parameters of this seed. */
static inline const char *lenet(Shop *s, const char *file, int seed, const char *options)
{
	const char *path = in_folder(s, file);
	compile_to(
		LENET, path,
		arena_printf(s->arena, "bind.N=1 model-weights=random:seed=%d %s", seed, options));
	return path;
}

static inline const char *face(Shop *s, const char *file, const char *options)
{
	const char *path = in_folder(s, file);
	compile_to(FACE, path, arena_printf(s->arena, "prefix=face %s", options));
	return path;
}

typedef struct Lib {
	void *handle;
	void *run;
	size_t (*workspace_bytes)(const void *ctx);
	int (*supported)(void);
	int (*ctx_init)(void *ctx, int threads);
	int (*ctx_set_parallel)(void *ctx, int threads, BurinParallelFn *f, void *user);
	int (*ctx_set_weights)(void *ctx, const void *file, size_t bytes);
	void (*ctx_done)(void *ctx);
	int ports;
} Lib;

static inline void *symbol_of(void *handle, const char *prefix, const char *name)
{
	char full[128];
	snprintf(full, sizeof full, "%s_%s", prefix, name);
	void *p = dlsym(handle, full);
	if (!p)
		fail_msg("no %s", full);
	return p;
}

static inline Lib lib_open(const char *path, const char *prefix, int flags)
{
	void *h = dlopen(path, RTLD_NOW | flags);
	if (!h)
		fail_msg("%s", dlerror());
	Lib l = { .handle = h, .ports = str_eq(prefix, "face") ? 3 : 2 };
	l.run = symbol_of(h, prefix, "run");
	*(void **)&l.workspace_bytes = symbol_of(h, prefix, "workspace_bytes");
	*(void **)&l.supported = symbol_of(h, prefix, "supported");
	*(void **)&l.ctx_init = symbol_of(h, prefix, "ctx_init");
	*(void **)&l.ctx_set_parallel = symbol_of(h, prefix, "ctx_set_parallel");
	*(void **)&l.ctx_set_weights = symbol_of(h, prefix, "ctx_set_weights");
	*(void **)&l.ctx_done = symbol_of(h, prefix, "ctx_done");
	return l;
}

/* All outputs, one after the other. */
typedef struct Answer {
	float y[RESULTS], z[RESULTS];
} Answer;

static inline const float *picture(void)
{
	static _Alignas(64) float x[IMAGE];
	if (x[0] == 0)
		for (int i = 0; i < IMAGE; i++)
			x[i] = (float)((i * 7919 + 13) % 1009) / 1009.0f - 0.5f;
	return x;
}

/* The workspace lies as the caller says. */
static inline int lib_call(const Lib *l, const void *ctx, Answer *a, void *workspace)
{
	int (*two)(const void *, const float *, float *, void *) =
		(int (*)(const void *, const float *, float *, void *))(uintptr_t)l->run;
	int (*three)(const void *, const float *, float *, float *, void *) =
		(int (*)(const void *, const float *, float *, float *, void *))(uintptr_t)l->run;
	return l->ports == 2 ? two(ctx, picture(), a->y, workspace)
			     : three(ctx, picture(), a->y, a->z, workspace);
}

static inline Answer *lib_answer(const Lib *l, const void *ctx)
{
	Answer *a = aligned_alloc(64, sizeof *a);
	void *w = aligned_alloc(64, (l->workspace_bytes(ctx) + 63) & ~(size_t)63);
	memset(a, 0, sizeof *a);
	assert_int_equal(lib_call(l, ctx, a, w), 0);
	free(w);
	return a;
}

static inline void assert_answer(const Lib *l, const void *ctx, const Answer *wanted)
{
	Answer *a = lib_answer(l, ctx);
	assert_memory_equal(a, wanted, sizeof *a);
	free(a);
}

/* It needs libc and libm alone, exports so many names and no other, and tells nothing of here. */
static inline void assert_file(Shop *s, const char *file, const char *prefix, int names)
{
	shell(s, arena_printf(s->arena,
			      "! readelf -dW %s | grep NEEDED | grep -v '\\[libc.so.6\\]\\|"
			      "\\[libm.so.6\\]'",
			      file));
	shell(s,
	      arena_printf(s->arena, "! nm -D --defined-only %s | grep -v ' %s_'", file, prefix));
	shell(s,
	      arena_printf(s->arena, "test $(nm -D --defined-only %s | wc -l) = %d", file, names));
	shell(s,
	      arena_printf(s->arena, "! readelf -dW %s | grep 'TEXTREL\\|RPATH\\|RUNPATH'", file));
	shell(s, arena_printf(s->arena, "readelf -dW %s | grep NOW", file));
	shell(s,
	      arena_printf(s->arena, "! readelf -lW %s | grep 'GNU_STACK.*E\\|LOAD.*RWE'", file));
	shell(s, arena_printf(s->arena, "! strings -a %s | grep -F '%s'", file, s->folder));
	shell(s, arena_printf(s->arena, "! strings -a %s | grep -F '%s'", file, BURIN_SOURCE_DIR));
	assert_symbols_allowed(in_folder(s, file));
}

/* A parallel_for of the host; user counts the calls. */
static inline void backwards(void *user, uint32_t count, BurinTaskFn *fn, void *task)
{
	*(int *)user += 1;
	for (uint32_t i = count; i-- > 0;)
		fn(task, i);
}

/* n bytes that end where memory ends; behind and before them any access faults. */
static inline char *fenced(size_t n, size_t *all)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE), room = (n + page - 1) / page * page;
	*all = room + 2 * page;
	char *p = mmap(NULL, *all, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	assert_ptr_not_equal(p, MAP_FAILED);
	assert_int_equal(mprotect(p + page, room, PROT_READ | PROT_WRITE), 0);
	return p + page + room - n;
}

static inline void unfence(char *p, size_t n, size_t all)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	munmap(p + n + page - all, all);
}

static inline void copy_source(Shop *s, const char *name)
{
	shell(s, arena_printf(s->arena, "cp %s/tests/promises/%s .", BURIN_SOURCE_DIR, name));
}

static inline void need_strace(void)
{
	if (system("strace -o /dev/null true 2>/dev/null") != 0)
		skip_because("strace cannot trace here");
}

/* Each pair of getppid encloses nothing. */
static inline void assert_quiet(Shop *s, int pairs)
{
	shell(s, arena_printf(s->arena, "test $(grep -c getppid trace) = %d", 2 * pairs));
	shell(s, "! awk '/getppid/ { inside = !inside; next } inside' trace | grep .");
}

static inline int shop_open(void **state)
{
	Shop *s = calloc(1, sizeof *s);
	s->arena = arena_create();
	strcpy(s->folder, "/tmp/burin-promise-XXXXXX");
	assert_non_null(mkdtemp(s->folder));
	*state = s;
	return 0;
}

static inline int shop_close(void **state)
{
	Shop *s = *state;
	if (system(arena_printf(s->arena, "rm -rf %s", s->folder)) != 0)
		return 1;
	arena_destroy(s->arena);
	free(s);
	return 0;
}
#define TEST(t) cmocka_unit_test_setup_teardown(t, shop_open, shop_close)
#endif
