/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* A small network that is compiled with training, and its library as a program sees it. */
#ifndef TESTS_SCHOOL_H
#define TESTS_SCHOOL_H
#include "base/json.h"
#include "runtime/note.h"
#include "tests/promises/promise.h"

enum { ROWS = 16, PIXELS = 64, CLASSES = 4, STEPS = 30 };

static const char model_text[] =
	"<graph name=\"school\" xmlns=\"urn:burin:graph:1\">"
	"<input id=\"x\" type=\"f32\" shape=\"N,1,8,8\"/>"
	"<conv2d id=\"c1\" filters=\"6\" kernel=\"3\" pad=\"1\" bias=\"0\"/> <batchnorm id=\"b1\"/>"
	"<relu/> <maxpool2d kernel=\"2\"/> <flatten/> <dropout p=\"0.25\"/>"
	"<linear id=\"fc\" units=\"4\"/> <output id=\"y\"/>"
	"<training loss=\"loss\" batch=\"16\"> <input id=\"label\" type=\"i64\" shape=\"N\"/>"
	"<cross_entropy id=\"loss\" in=\"fc label\"/>"
	"<argmax in=\"fc\" axis=\"1\"/> <eq y=\"label\"/> <cast to=\"f32\"/> <reduce_mean/>"
	"<output id=\"accuracy\"/> <adamw weight_decay=\"0.01\"/> </training></graph>\n";

typedef struct School {
	void *handle;
	int (*supported)(void);
	int (*step)(const void *ctx, const float *x, const int64_t *label, const float *rate,
		    float *loss, float *accuracy, void *state, void *work);
	int (*prepare)(const void *ctx, const void *state, void *packed, void *work);
	int (*run)(const void *ctx, const float *x, float *y, void *work);
	int (*begin)(void *state);
	int (*ctx_init)(void *ctx, int threads);
	int (*ctx_set_parallel)(void *ctx, int threads, BurinParallelFn *f, void *user);
	int (*ctx_set_weights)(void *ctx, const void *file, size_t bytes);
	void (*ctx_done)(void *ctx);
	size_t state_bytes, packed_bytes, step_bytes, prepare_bytes, run_bytes;
	char *state, *packed, *step_work, *prepare_work, *run_work;
} School;

static float x[ROWS * PIXELS];
static int64_t label[ROWS];

/* What is to be learned: where the largest pixel lies. */
static inline void make_batch(int number)
{
	for (int i = 0; i < ROWS * PIXELS; i++)
		x[i] = (float)((i * 7919 + number * 104729) % 1009) / 1009.0f - 0.5f;
	for (int i = 0; i < ROWS; i++) {
		int best = 0;
		for (int k = 0; k < PIXELS; k++)
			best = x[i * PIXELS + k] > x[i * PIXELS + best] ? k : best;
		label[i] = best / (PIXELS / CLASSES);
	}
}

static inline float rate_of(int step)
{
	return 0.01f / (1.0f + 0.1f * (float)step);
}

static inline const char *write_model(Shop *s)
{
	IoError e;
	const char *path = in_folder(s, "school.xml");
	assert_true(io_write_file(path, model_text, strlen(model_text), &e));
	return path;
}

static inline const char *school(Shop *s, const char *file, int seed, const char *options)
{
	const char *path = in_folder(s, file);
	compile_to(write_model(s), path,
		   arena_printf(s->arena, "train=yes model-weights=init:seed=%d seed=%d %s", seed,
				seed, options));
	return path;
}

/* Sizes as the file says them. */
static inline void read_sizes(School *k, const char *path)
{
	Note note;
	JsonError e;
	Arena *a = arena_create();
	assert_null(note_read(path, &note));
	const JsonValue *v = json_parse(a, note.metadata, strlen(note.metadata), &e);
	assert_non_null(v);
	const JsonValue *prepare = json_at(json_get(v, "entries"), 1);
	assert_string_equal(json_get(prepare, "name")->text, "prepare");
	const JsonValue *packed = json_at(json_get(prepare, "outputs"), 0);
	k->state_bytes = (size_t)json_get(v, "state_bytes")->integer;
	k->packed_bytes = (size_t)json_at(json_get(packed, "shape"), 0)->integer;
	free(note.memory);
	arena_destroy(a);
}

static inline size_t asked_bytes(School *k, const char *prefix, const char *name, const void *ctx)
{
	size_t (*ask)(const void *ctx);
	*(void **)&ask = symbol_of(k->handle, prefix, name);
	return (ask(ctx) + 63) & ~(size_t)63;
}

/* ctx: of so many threads workspaces are made. */
static inline School school_open(const char *path, const char *prefix, int threads)
{
	School k = { .handle = dlopen(path, RTLD_NOW | RTLD_LOCAL) };
	char ctx[BURIN_CTX_BYTES];
	if (!k.handle)
		fail_msg("%s", dlerror());
	*(void **)&k.supported = symbol_of(k.handle, prefix, "supported");
	*(void **)&k.step = symbol_of(k.handle, prefix, "train_step");
	*(void **)&k.prepare = symbol_of(k.handle, prefix, "prepare");
	*(void **)&k.run = symbol_of(k.handle, prefix, "run");
	*(void **)&k.begin = symbol_of(k.handle, prefix, "state_init");
	*(void **)&k.ctx_init = symbol_of(k.handle, prefix, "ctx_init");
	*(void **)&k.ctx_set_parallel = symbol_of(k.handle, prefix, "ctx_set_parallel");
	*(void **)&k.ctx_set_weights = symbol_of(k.handle, prefix, "ctx_set_weights");
	*(void **)&k.ctx_done = symbol_of(k.handle, prefix, "ctx_done");
	read_sizes(&k, path);
	assert_int_equal(k.ctx_init(ctx, threads), 0);
	k.step_bytes = asked_bytes(&k, prefix, "train_step_workspace_bytes", ctx);
	k.prepare_bytes = asked_bytes(&k, prefix, "prepare_workspace_bytes", ctx);
	k.run_bytes = asked_bytes(&k, prefix, "workspace_bytes", ctx);
	k.ctx_done(ctx);
	k.state = aligned_alloc(64, k.state_bytes);
	k.packed = aligned_alloc(64, k.packed_bytes);
	k.step_work = aligned_alloc(64, k.step_bytes);
	k.prepare_work = aligned_alloc(64, k.prepare_bytes);
	k.run_work = aligned_alloc(64, k.run_bytes);
	assert_int_equal(k.begin(k.state), 0);
	return k;
}

static inline void school_close(School *k)
{
	dlclose(k->handle);
	free(k->state);
	free(k->packed);
	free(k->step_work);
	free(k->prepare_work);
	free(k->run_work);
}

static inline void do_step(School *k, const void *ctx, int number, float report[2])
{
	float rate = rate_of(number);
	make_batch(number);
	assert_int_equal(
		k->step(ctx, x, label, &rate, &report[0], &report[1], k->state, k->step_work), 0);
}

static inline void assert_near(const float *a, const float *b, int n)
{
	for (int i = 0; i < n; i++)
		if (!(a[i] - b[i] < 1e-5f && b[i] - a[i] < 1e-5f))
			fail_msg("%d: %g and %g", i, (double)a[i], (double)b[i]);
}
#endif
