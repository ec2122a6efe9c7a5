/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* runtime/cpu with hand-written programs: every way of running gives the single thread's bits;
 * barriers order the steps; contexts that were copied, busy, forked or oversubscribed are safe;
 * wrong arguments are refused. */
#include "runtime/cpu/ctx.h"
#include "runtime/cpu/layout.h"
#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>
#if defined(__x86_64__)
#include <xmmintrin.h>
#endif

enum { WIDTH = 257, STEPS = 12 };

/* A stencil over a ring: every task reads its neighbours' results of the step before, so a missing
 * barrier shows. */
static void stencil(const float *from, float *to, int64_t begin, int64_t end, void *scratch)
{
	float *t = scratch;
	for (int64_t i = begin; i < end; i++) {
		t[0] = from[(i + WIDTH - 1) % WIDTH] * 0.3f;
		t[1] = from[(i + 1) % WIDTH] * 0.6f;
		to[i] = t[0] + t[1] + from[i] * 0.1f;
	}
}

/* base: x, y, work, weights. The work buffer holds two rows. */
static void step_in(void *const *base, int64_t begin, int64_t end, void *scratch)
{
	const float *x = base[0], *w = base[3];
	float *row = base[2];
	(void)scratch;
	for (int64_t i = begin; i < end; i++)
		row[i] = x[i] * w[i % 4];
}

static void step_even(void *const *base, int64_t begin, int64_t end, void *scratch)
{
	stencil(base[2], (float *)base[2] + WIDTH, begin, end, scratch);
}

static void step_odd(void *const *base, int64_t begin, int64_t end, void *scratch)
{
	stencil((float *)base[2] + WIDTH, base[2], begin, end, scratch);
}

/* One task: adds all in order, then the next step, also of one task, adds to it. */
static void step_sum(void *const *base, int64_t begin, int64_t end, void *scratch)
{
	float *row = base[2], sum = 0;
	(void)begin;
	(void)end;
	(void)scratch;
	for (int i = 0; i < WIDTH; i++)
		sum += row[i];
	row[WIDTH] = sum;
}

static void step_twice(void *const *base, int64_t begin, int64_t end, void *scratch)
{
	float *row = base[2];
	(void)begin;
	(void)end;
	(void)scratch;
	row[WIDTH] *= 2;
}

static void step_out(void *const *base, int64_t begin, int64_t end, void *scratch)
{
	const float *row = base[2];
	float *y = base[1];
	(void)scratch;
	for (int64_t i = begin; i < end; i++)
		y[i] = row[i] + row[WIDTH];
}

/* One task that takes its time, and one that needs it. */
static void step_slow_sum(void *const *base, int64_t begin, int64_t end, void *scratch)
{
	usleep(300);
	step_sum(base, begin, end, scratch);
}

static void step_mark(void *const *base, int64_t begin, int64_t end, void *scratch)
{
	float *row = base[2];
	(void)begin;
	(void)end;
	(void)scratch;
	row[WIDTH + 1] = row[WIDTH];
}

static void step_none(void *const *base, int64_t begin, int64_t end, void *scratch)
{
	(void)base;
	(void)begin;
	(void)end;
	(void)scratch;
	fail_msg("a step without tasks was run");
}

static void step_bad_index(void *const *base, int64_t begin, int64_t end, void *scratch)
{
	const float *x = base[0];
	(void)scratch;
	for (int64_t i = begin; i < end; i++)
		if (x[i] < 0)
			__atomic_store_n((int32_t *)(void *)((char *)base[2] + BURIN_STATUS_OFFSET),
					 1, __ATOMIC_RELAXED);
}

static const float weights[4] __attribute__((aligned(64))) = { 1, 2, 3, 4 };
static const int64_t dim[] = { WIDTH }, item_dim[] = { -1, WIDTH };
static const BurinPort port_x = { "x", 0, 4, 1, dim, WIDTH * 4 };
static const BurinPort port_y = { "y", 0, 4, 1, dim, WIDTH * 4 };
static const BurinStep steps[] = {
	{ step_in, WIDTH, 0 },   { step_even, WIDTH, 0 }, { step_odd, WIDTH, 0 },
	{ step_even, WIDTH, 0 }, { step_none, 0, 0 },     { step_odd, WIDTH, 0 },
	{ step_sum, 1, 0 },      { step_twice, 1, 0 },    { step_out, WIDTH, 0 },
};
/* The last step is independent of the one that thread 0 runs alone, but not of the one before. */
static const BurinStep late_steps[] = {
	{ step_in, WIDTH, 0 },
	{ step_slow_sum, 1, 0 },
	{ step_mark, 1, 0 },
	{ step_out, WIDTH, 1 },
};
static const BurinStep bad_steps[] = { { step_bad_index, WIDTH, 0 } };
#define VARIANT(s, items) \
	{ \
		.n_steps = sizeof(s) / sizeof((s)[0]), .step = s, .work_bytes = 2 * WIDTH * 4 + 8, \
		.scratch_bytes = 100, .batch = items \
	}
static const BurinVariant variant = VARIANT(steps, 1), bad_variant = VARIANT(bad_steps, 1),
			  late_variant = VARIANT(late_steps, 1);
#define PROGRAM(v, n) \
	{ \
		.version = BURIN_PROGRAM_VERSION, .size = sizeof(BurinProgram), .name = "t", \
		.n_in = 1, .n_out = 1, .n_variant = n, .in = &port_x, .out = &port_y, \
		.variant = v, .weights = weights, .weight_bytes = sizeof(weights) \
	}
static const BurinProgram program = PROGRAM(&variant, 1);
static const BurinProgram late_program = PROGRAM(&late_variant, 1);
static const BurinProgram bad_program = PROGRAM(&bad_variant, 1);

static float input[WIDTH];

static int setup(void **state)
{
	(void)state;
	for (int i = 0; i < WIDTH; i++)
		input[i] = (float)((i * 7919) % 101) * 0.37f - 11;
	return 0;
}

static void *workspace_for(const BurinProgram *p, const void *ctx)
{
	size_t bytes = burin_rt_workspace_bytes(p, ctx);
	void *w = aligned_alloc(64, (bytes + 63) & ~(size_t)63);
	assert_non_null(w);
	memset(w, 0xff, bytes); /* nothing may be taken for zero */
	return w;
}

static int run_program(const BurinProgram *p, float *y, const void *ctx)
{
	void *ports[] = { input, y }, *work = workspace_for(p, ctx);
	int r = burin_rt_run(p, ctx, 1, ports, work);
	free(work);
	return r;
}

static int run_into(float *y, const void *ctx)
{
	return run_program(&program, y, ctx);
}

static void assert_same(const float *y)
{
	float want[WIDTH];
	assert_int_equal(run_into(want, NULL), 0);
	assert_memory_equal(y, want, sizeof(want));
}

static void test_alone(void **state)
{
	float y[WIDTH], a[2][WIDTH], sum = 0;
	(void)state;
	for (int i = 0; i < WIDTH; i++)
		a[0][i] = input[i] * weights[i % 4];
	float scratch[2];
	for (int s = 0; s < 4; s++)
		stencil(a[s % 2], a[1 - s % 2], 0, WIDTH, scratch);
	for (int i = 0; i < WIDTH; i++)
		sum += a[0][i];
	assert_int_equal(run_into(y, NULL), 0);
	for (int i = 0; i < WIDTH; i++)
		assert_true(y[i] == a[0][i] + 2 * sum);
}

typedef struct CtxMemory {
	char unaligned;
	char memory[BURIN_CTX_BYTES];
} CtxMemory;

static void test_pool_same_bits(void **state)
{
	(void)state;
	for (int threads = 1; threads <= 9; threads++) {
		CtxMemory m;
		assert_int_equal(burin_rt_ctx_init(&program, m.memory, threads), 0);
		assert_int_equal(burin_rt_ctx_threads(m.memory), threads);
		for (int i = 0; i < 200; i++) {
			float y[WIDTH];
			assert_int_equal(run_into(y, m.memory), 0);
			assert_same(y);
		}
		burin_rt_ctx_done(&program, m.memory);
		burin_rt_ctx_done(&program, m.memory); /* again: nothing */
	}
}

static void test_pool_late_join(void **state)
{
	CtxMemory m;
	float y[WIDTH], want[WIDTH];
	int wrong = 0;
	(void)state;
	assert_int_equal(run_program(&late_program, want, NULL), 0);
	burin_rt_ctx_init(&late_program, m.memory, 3);
	for (int i = 0; i < 20; i++) {
		wrong += run_program(&late_program, y, m.memory) != 0;
		wrong += memcmp(y, want, sizeof(want)) != 0;
	}
	burin_rt_ctx_done(&late_program, m.memory);
	assert_int_equal(wrong, 0);
}

static void test_pool_wakes(void **state)
{
	CtxMemory m;
	float y[WIDTH];
	(void)state;
	burin_rt_ctx_init(&program, m.memory, 3);
	for (int i = 0; i < 40; i++) {
		usleep(i % 2 ? 3000 : 50); /* workers asleep, or about to be */
		assert_int_equal(run_into(y, m.memory), 0);
		assert_same(y);
	}
	burin_rt_ctx_done(&program, m.memory);
}

/* How often the process's other threads, `count` of them, have gone to sleep so far; -1 while one
 * of them is awake. */
static long long wakes_of_sleepers(int count)
{
	DIR *folder = opendir("/proc/self/task");
	long long sum = 0;
	int asleep = 0;
	assert_non_null(folder);
	for (struct dirent *e; (e = readdir(folder)) != NULL;) {
		char path[300], line[256], state = '?';
		long long n = 0;
		if (e->d_name[0] == '.' || atoi(e->d_name) == (int)getpid())
			continue;
		snprintf(path, sizeof path, "/proc/self/task/%s/status", e->d_name);
		FILE *f = fopen(path, "r");
		while (f && fgets(line, sizeof line, f))
			if (sscanf(line, "State: %c", &state) != 1)
				sscanf(line, "voluntary_ctxt_switches: %lld", &n);
		if (f)
			fclose(f);
		asleep += state == 'S';
		sum += n;
	}
	closedir(folder);
	return asleep == count ? sum : -1;
}

/* Workers without work sleep, and nothing wakes them: two looks find each asleep, and none has been
 * awake in between. */
static void test_pool_parks(void **state)
{
	CtxMemory m;
	float y[WIDTH];
	long long before = 0, now = 1;
	(void)state;
	burin_rt_ctx_init(&program, m.memory, 4);
	run_into(y, m.memory);
	for (int i = 0; i < 200 && now != before; i++) { /* a busy machine takes its time */
		before = now;
		usleep(100000);
		now = wakes_of_sleepers(3);
		now = now < 0 ? -1 - i : now;
	}
	assert_true(now == before);
	burin_rt_ctx_done(&program, m.memory);
}

typedef struct Sharer {
	const void *ctx;
	int failures;
} Sharer;

static void *share(void *arg)
{
	Sharer *s = arg;
	float y[WIDTH], want[WIDTH];
	run_into(want, NULL);
	for (int i = 0; i < 300; i++)
		if (run_into(y, s->ctx) != 0 || memcmp(y, want, sizeof(y)) != 0)
			s->failures++;
	return NULL;
}

/* One context used by several threads at once: one gets the pool, the others run alone. */
static void test_pool_shared(void **state)
{
	CtxMemory m;
	pthread_t thread[4];
	Sharer sharer[4];
	(void)state;
	burin_rt_ctx_init(&program, m.memory, 2);
	for (int i = 0; i < 4; i++) {
		sharer[i] = (Sharer){ .ctx = m.memory };
		assert_int_equal(pthread_create(&thread[i], NULL, share, &sharer[i]), 0);
	}
	for (int i = 0; i < 4; i++) {
		pthread_join(thread[i], NULL);
		assert_int_equal(sharer[i].failures, 0);
	}
	burin_rt_ctx_done(&program, m.memory);
}

static void test_several_contexts(void **state)
{
	static CtxMemory m[8];
	float y[WIDTH];
	(void)state;
	for (int i = 0; i < 8; i++)
		burin_rt_ctx_init(&program, m[i].memory, 2);
	for (int k = 0; k < 10; k++) {
		for (int i = 0; i < 8; i++) {
			assert_int_equal(run_into(y, m[i].memory), 0);
			assert_same(y);
		}
	}
	for (int i = 0; i < 8; i++)
		burin_rt_ctx_done(&program, m[i].memory);
}

static int child_result(const void *ctx)
{
	float y[WIDTH], want[WIDTH];
	if (run_into(y, ctx) != 0 || run_into(want, NULL) != 0 || memcmp(y, want, sizeof(y)) != 0)
		return 1;
	burin_rt_ctx_done(&program, (void *)(uintptr_t)ctx);
	return 0;
}

static void test_fork(void **state)
{
	CtxMemory m;
	float y[WIDTH];
	int status;
	(void)state;
	burin_rt_ctx_init(&program, m.memory, 4);
	run_into(y, m.memory);
	pid_t child = fork();
	if (child == 0)
		_exit(child_result(m.memory));
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	assert_int_equal(run_into(y, m.memory), 0); /* the parent's pool goes on */
	assert_same(y);
	burin_rt_ctx_done(&program, m.memory);
}

typedef struct Host {
	uint32_t calls, tasks;
	bool backwards;
} Host;

static void host_for(void *user, uint32_t count, BurinTaskFn *fn, void *task)
{
	Host *h = user;
	h->calls++;
	h->tasks += count;
	for (uint32_t i = 0; i < count; i++)
		fn(task, h->backwards ? count - 1 - i : i);
}

typedef struct HostTask {
	BurinTaskFn *fn;
	void *task;
	uint32_t count;
	_Atomic uint32_t next;
} HostTask;

static void *host_thread(void *arg)
{
	HostTask *t = arg;
	for (uint32_t i; (i = atomic_fetch_add(&t->next, 1)) < t->count;)
		t->fn(t->task, i);
	return NULL;
}

static void threaded_for(void *user, uint32_t count, BurinTaskFn *fn, void *task)
{
	HostTask t = { .fn = fn, .task = task, .count = count };
	pthread_t thread[3];
	(void)user;
	for (int i = 0; i < 3; i++)
		pthread_create(&thread[i], NULL, host_thread, &t);
	for (int i = 0; i < 3; i++)
		pthread_join(thread[i], NULL);
}

static void test_parallel_for(void **state)
{
	CtxMemory m;
	float y[WIDTH];
	(void)state;
	burin_rt_ctx_init(&program, m.memory, 1);
	for (int threads = 1; threads <= 100; threads += 33) {
		for (int back = 0; back < 2; back++) {
			Host h = { .backwards = back };
			assert_int_equal(burin_rt_ctx_set_parallel(&program, m.memory, threads,
								   host_for, &h),
					 0);
			assert_int_equal(run_into(y, m.memory), 0);
			assert_same(y);
			assert_int_equal(h.calls, 6); /* steps of one task need no host */
			int chunks = threads * 4 < WIDTH ? threads * 4 : WIDTH;
			assert_int_equal(h.tasks, 6 * chunks);
		}
	}
	burin_rt_ctx_set_parallel(&program, m.memory, 3, threaded_for, NULL);
	for (int i = 0; i < 20; i++) {
		assert_int_equal(run_into(y, m.memory), 0);
		assert_same(y);
	}
	burin_rt_ctx_set_parallel(&program, m.memory, 0, NULL, NULL);
	assert_int_equal(run_into(y, m.memory), 0);
	assert_same(y);
	burin_rt_ctx_done(&program, m.memory);
}

static void test_bad_index(void **state)
{
	CtxMemory m;
	float y[WIDTH];
	void *ports[] = { input, y };
	(void)state;
	burin_rt_ctx_init(&bad_program, m.memory, 2);
	void *work = workspace_for(&bad_program, m.memory);
	assert_int_equal(burin_rt_run(&bad_program, m.memory, 1, ports, work), BURIN_RT_INDEX);
	float fine[WIDTH] = { 0 };
	ports[0] = fine;
	assert_int_equal(burin_rt_run(&bad_program, m.memory, 1, ports, work), 0);
	burin_rt_ctx_done(&bad_program, m.memory);
	free(work);
}

static void test_bad_arguments(void **state)
{
	CtxMemory m, copy;
	float y[WIDTH];
	void *ports[] = { input, y }, *work = workspace_for(&program, NULL);
	(void)state;
	memset(&m, 0, sizeof(m));
	assert_int_equal(burin_rt_run(&program, m.memory, 1, ports, work), BURIN_RT_ARG);
	burin_rt_ctx_done(&program, m.memory);
	burin_rt_ctx_done(&program, NULL);
	burin_rt_ctx_init(&program, m.memory, 1);
	memcpy(&copy, &m, sizeof(m));
	assert_int_equal(burin_rt_run(&program, copy.memory, 1, ports, work), BURIN_RT_ARG);
	assert_int_equal(burin_rt_ctx_init(&program, NULL, 1), BURIN_RT_ARG);
	assert_int_equal(burin_rt_ctx_init(&program, copy.memory, -1), BURIN_RT_ARG);
	assert_int_equal(burin_rt_ctx_init(&program, copy.memory, BURIN_MAX_THREADS + 1),
			 BURIN_RT_ARG);
	assert_int_equal(burin_rt_run(&program, NULL, 1, ports, NULL), BURIN_RT_WORKSPACE);
	assert_int_equal(burin_rt_run(&program, NULL, 1, ports, (char *)work + 8),
			 BURIN_RT_WORKSPACE);
	ports[0] = NULL;
	assert_int_equal(burin_rt_run(&program, NULL, 1, ports, work), BURIN_RT_ARG);
	ports[0] = (char *)input + 1;
	assert_int_equal(burin_rt_run(&program, NULL, 1, ports, work), BURIN_RT_ARG);
	BurinProgram bare = program;
	bare.weights = NULL;
	ports[0] = input;
	assert_int_equal(burin_rt_run(&bare, NULL, 1, ports, work), BURIN_RT_WEIGHTS);
	burin_rt_ctx_done(&program, m.memory);
	free(work);
}

/* Its threads wait in its memory, so it is not to be cleared under them. */
static void test_init_twice(void **state)
{
	CtxMemory m;
	float want[WIDTH], y[WIDTH];
	(void)state;
	memset(&m, 0, sizeof m);
	run_into(want, NULL);
	for (int threads = 1; threads < 4; threads++) {
		assert_int_equal(burin_rt_ctx_init(&program, m.memory, threads), 0);
		assert_int_equal(burin_rt_ctx_init(&program, m.memory, 2), BURIN_RT_ARG);
		memset(y, 0, sizeof y);
		assert_int_equal(run_into(y, m.memory), 0);
		assert_memory_equal(y, want, sizeof y);
		burin_rt_ctx_done(&program, m.memory);
	}
}

static void test_weights_file(void **state)
{
	CtxMemory m;
	float y[WIDTH], want[WIDTH];
	BurinProgram p = program;
	(void)state;
	size_t bytes = BURIN_WEIGHTS_AT + sizeof(weights);
	char *file = aligned_alloc(4096, 8192);
	BurinWeightsHead head = { .bytes = sizeof(weights), .layout = { 5, 6 } };
	memcpy(head.magic, BURIN_WEIGHTS_MAGIC, 8);
	memcpy(file, &head, sizeof(head));
	memcpy(file + BURIN_WEIGHTS_AT, weights, sizeof(weights));
	run_into(want, NULL);
	p.weights = NULL;
	p.layout[0] = 5;
	p.layout[1] = 6;
	burin_rt_ctx_init(&p, m.memory, 2);
	void *ports[] = { input, y }, *work = workspace_for(&p, m.memory);
	assert_int_equal(burin_rt_run(&p, m.memory, 1, ports, work), BURIN_RT_WEIGHTS);
	assert_int_equal(burin_rt_ctx_set_weights(&p, m.memory, file, bytes - 1), BURIN_RT_WEIGHTS);
	assert_int_equal(burin_rt_ctx_set_weights(&p, m.memory, file, 10), BURIN_RT_WEIGHTS);
	p.layout[1] = 7;
	assert_int_equal(burin_rt_ctx_set_weights(&p, m.memory, file, bytes), BURIN_RT_WEIGHTS);
	p.layout[1] = 6;
	assert_int_equal(burin_rt_ctx_set_weights(&p, m.memory, file, bytes), 0);
	assert_int_equal(burin_rt_run(&p, m.memory, 1, ports, work), 0);
	assert_memory_equal(y, want, sizeof(want));
	file[0] = 'x';
	assert_int_equal(burin_rt_ctx_set_weights(&p, m.memory, file, bytes), BURIN_RT_WEIGHTS);
	burin_rt_ctx_done(&p, m.memory);
	free(work);
	free(file);
}

static int big_calls, small_calls;
static void step_big(void *const *base, int64_t begin, int64_t end, void *scratch)
{
	(void)scratch;
	(void)begin;
	(void)end;
	big_calls++;
	memcpy(base[1], base[0], (size_t)4 * WIDTH * 4);
}
static void step_small(void *const *base, int64_t begin, int64_t end, void *scratch)
{
	(void)scratch;
	(void)begin;
	(void)end;
	small_calls++;
	memcpy(base[1], base[0], (size_t)WIDTH * 4);
}

static void test_batches(void **state)
{
	static const BurinStep big[] = { { step_big, 1, 0 } }, small[] = { { step_small, 1, 0 } };
	const BurinVariant variants[] = { VARIANT(big, 4), VARIANT(small, 1) };
	const BurinPort in = { "x", 0, 4, 2, item_dim, WIDTH * 4 };
	BurinProgram p = PROGRAM(variants, 2);
	float *x = calloc(11, WIDTH * 4), *y = calloc(11, WIDTH * 4);
	void *ports[] = { x, y }, *work = workspace_for(&p, NULL);
	(void)state;
	p.free_batch = 1;
	p.in = p.out = &in;
	for (int i = 0; i < 11 * WIDTH; i++)
		x[i] = (float)i;
	assert_int_equal(burin_rt_run(&p, NULL, 11, ports, work), 0);
	assert_memory_equal(x, y, 11 * WIDTH * 4);
	assert_int_equal(big_calls, 2);
	assert_int_equal(small_calls, 3);
	assert_int_equal(burin_rt_run(&p, NULL, 0, ports, work), 0);
	assert_int_equal(burin_rt_run(&p, NULL, -1, ports, work), BURIN_RT_SHAPE);
	free(x);
	free(y);
	free(work);
}

static void test_features(void **state)
{
	uint64_t v2[2], v3[2], v4[2], all[2] = { ~(uint64_t)0, ~(uint64_t)0 };
	(void)state;
	burin_cpu_need(BURIN_CPU_V2, v2);
	burin_cpu_need(BURIN_CPU_V3, v3);
	burin_cpu_need(BURIN_CPU_V4, v4);
	assert_true(v2[0] != 0 && (v2[0] & v3[0]) == v2[0] && (v3[0] & v4[0]) == v3[0]);
	assert_true(v2[0] != v3[0] && v3[0] != v4[0]);
	assert_false(burin_cpu_has(all));
	uint64_t need[2] = { 0, 0 };
	assert_true(burin_cpu_has(need));
	assert_true(burin_cpu_need_add("avx2", need));
	assert_true((need[0] & ~v3[0]) == 0 && need[0] != 0);
	assert_false(burin_cpu_need_add("no-such-feature", need));
#if defined(__x86_64__)
	assert_int_equal(burin_cpu_has(v2), __builtin_cpu_supports("sse4.2") != 0);
	assert_int_equal(burin_cpu_has(need), __builtin_cpu_supports("avx2") != 0);
	uint64_t bf16[2] = { 0, 0 };
	burin_cpu_need_add("avx512bf16", bf16);
	assert_int_equal(burin_cpu_has(bf16), __builtin_cpu_supports("avx512bf16") != 0);
#endif
}

static void test_choice(void **state)
{
	BurinVariant variants[2] = { VARIANT(bad_steps, 1), VARIANT(steps, 1) };
	BurinProgram p = PROGRAM(variants, 2);
	(void)state;
	assert_ptr_equal(burin_rt_variant(&p), &variants[0]);
	variants[0].need[1] = (uint64_t)1 << 60;
	assert_ptr_equal(burin_rt_variant(&p), &variants[1]);
	assert_int_equal(burin_rt_supported(&p), 0);
	variants[1].need[1] = (uint64_t)1 << 60;
	assert_null(burin_rt_variant(&p));
	assert_int_equal(burin_rt_supported(&p), BURIN_RT_CPU);
	assert_int_equal(burin_rt_run(&p, NULL, 1, NULL, NULL), BURIN_RT_CPU);
}

static void test_timed(void **state)
{
	CtxMemory m;
	float y[WIDTH];
	uint64_t ns[sizeof(steps) / sizeof(steps[0])] = { 0 };
	(void)state;
	burin_rt_ctx_init(&program, m.memory, 2);
	void *ports[] = { input, y }, *work = workspace_for(&program, m.memory);
	assert_int_equal(burin_rt_run_timed(&program, m.memory, 1, ports, work, ns), 0);
	assert_true(ns[0] > 0);
	burin_rt_ctx_done(&program, m.memory);
	free(work);
}

static void test_threads_of_environment(void **state)
{
	CtxMemory m;
	(void)state;
	setenv("OMP_NUM_THREADS", "3,2", 1);
	burin_rt_ctx_init(&program, m.memory, 0);
	assert_int_equal(burin_rt_ctx_threads(m.memory), 3);
	burin_rt_ctx_done(&program, m.memory);
	setenv("BURIN_THREADS", "2", 1);
	burin_rt_ctx_init(&program, m.memory, 0);
	assert_int_equal(burin_rt_ctx_threads(m.memory), 2);
	burin_rt_ctx_done(&program, m.memory);
	unsetenv("BURIN_THREADS");
	unsetenv("OMP_NUM_THREADS");
	cpu_set_t kept, one;
	sched_getaffinity(0, sizeof(kept), &kept);
	CPU_ZERO(&one);
	for (int i = 0; i < CPU_SETSIZE && CPU_COUNT(&one) == 0; i++)
		if (CPU_ISSET(i, &kept))
			CPU_SET(i, &one);
	sched_setaffinity(0, sizeof(one), &one);
	burin_rt_ctx_init(&program, m.memory, 0);
	sched_setaffinity(0, sizeof(kept), &kept);
	assert_int_equal(burin_rt_ctx_threads(m.memory), 1);
	burin_rt_ctx_done(&program, m.memory);
}

#if defined(__x86_64__)
static void step_rounding(void *const *base, int64_t begin, int64_t end, void *scratch)
{
	(void)scratch;
	for (int64_t i = begin; i < end; i++)
		((uint32_t *)base[1])[i] = _mm_getcsr();
}

/* The host's settings are kept, and every thread computes under them. */
static void test_rounding(void **state)
{
	static const BurinStep list[] = { { step_rounding, WIDTH, 0 } };
	const BurinVariant v = VARIANT(list, 1);
	const BurinProgram p = PROGRAM(&v, 1);
	CtxMemory m;
	uint32_t y[WIDTH], kept = _mm_getcsr();
	(void)state;
	burin_rt_ctx_init(&p, m.memory, 4);
	void *ports[] = { input, y }, *work = workspace_for(&p, m.memory);
	_mm_setcsr(kept | 0x8000);
	int r = burin_rt_run(&p, m.memory, 1, ports, work);
	uint32_t after = _mm_getcsr();
	_mm_setcsr(kept);
	assert_int_equal(r, 0);
	assert_int_equal(after & 0xffc0, (kept | 0x8000) & 0xffc0);
	for (int i = 0; i < WIDTH; i++)
		assert_int_equal(y[i] & 0xffc0, (kept | 0x8000) & 0xffc0);
	burin_rt_ctx_done(&p, m.memory);
	free(work);
}
#else
static void test_rounding(void **state)
{
	(void)state;
}
#endif

static void test_signals_blocked(void **state)
{
	CtxMemory m;
	sigset_t before, after;
	(void)state;
	pthread_sigmask(SIG_SETMASK, NULL, &before);
	burin_rt_ctx_init(&program, m.memory, 4);
	pthread_sigmask(SIG_SETMASK, NULL, &after);
	for (int s = 1; s < 32; s++)
		assert_int_equal(sigismember(&before, s), sigismember(&after, s));
	burin_rt_ctx_done(&program, m.memory);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_alone),
		cmocka_unit_test(test_pool_same_bits),
		cmocka_unit_test(test_pool_late_join),
		cmocka_unit_test(test_pool_wakes),
		cmocka_unit_test(test_pool_parks),
		cmocka_unit_test(test_pool_shared),
		cmocka_unit_test(test_several_contexts),
		cmocka_unit_test(test_fork),
		cmocka_unit_test(test_parallel_for),
		cmocka_unit_test(test_bad_index),
		cmocka_unit_test(test_bad_arguments),
		cmocka_unit_test(test_init_twice),
		cmocka_unit_test(test_weights_file),
		cmocka_unit_test(test_batches),
		cmocka_unit_test(test_features),
		cmocka_unit_test(test_choice),
		cmocka_unit_test(test_timed),
		cmocka_unit_test(test_threads_of_environment),
		cmocka_unit_test(test_rounding),
		cmocka_unit_test(test_signals_blocked),
	};
	return cmocka_run_group_tests(tests, setup, NULL);
}
