/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Running a program: the steps of one variant in order, the tasks of each shared out among threads.
 * - One thread: a loop over the steps.
 * - Own pool: one region for the whole run; each thread takes the same share of every step, and all
 * meet between two steps.
 * - The host's parallel_for: one call per step, cut into a few chunks per thread; its tasks may run
 * one after another, so no task ever waits for another. Which thread runs a task never shows in the
 * result: tasks of a step write different memory and are cut by shape, not by threads.
 *
 * The workspace holds the array of base pointers, a header with the status word, the buffers of the
 * plan, and scratch for each thread (or chunk). Nothing else is written but the outputs. */
#include "runtime/cpu/ctx.h"
#include "runtime/cpu/layout.h"
#include <time.h>
#if defined(__x86_64__)
#include <xmmintrin.h>
#endif

enum { CHUNKS_PER_THREAD = 4 };

typedef struct Job {
	const BurinVariant *variant;
	void **base;
	char *scratch;
	int64_t stride;
	uint64_t *ns; /* NULL: not timed */
	unsigned rounding;
	/* for the host's parallel_for: the step under way and its number of chunks */
	uint32_t step, chunks;
} Job;

/* Worker threads compute under the caller's floating-point settings, so that results do not depend
 * on who computes. */
static unsigned rounding_get(void)
{
#if defined(__x86_64__)
	return _mm_getcsr();
#else
	return 0;
#endif
}

static void rounding_set(unsigned r)
{
#if defined(__x86_64__)
	_mm_setcsr(r);
#else
	(void)r;
#endif
}

static uint64_t now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* Part `i` of `n` of a step: low parts get the tasks of a step with few. */
static void run_part(const Job *j, uint32_t step, int64_t i, int64_t n)
{
	const BurinStep *s = &j->variant->step[step];
	int64_t begin = (s->n_tasks * i + n - 1) / n, end = (s->n_tasks * (i + 1) + n - 1) / n;
	if (begin < end)
		s->run(j->base, begin, end, j->scratch + i * j->stride);
}

static void run_alone(const Job *j)
{
	for (uint32_t s = 0; s < j->variant->n_steps; s++) {
		uint64_t start = j->ns ? now() : 0;
		run_part(j, s, 0, 1);
		if (j->ns)
			j->ns[s] += now() - start;
	}
}

/* Nobody waits before a step that is independent of those since the last barrier, nor where thread
 * 0 has run all of them alone and runs the next one too. That barrier is still owed then: the first
 * step that others take part in waits for thread 0, also when it joins the one before it. */
static bool barrier_after(const BurinVariant *v, uint32_t step, bool wide, bool *owed)
{
	if (step + 1 >= v->n_steps)
		return false;
	*owed = *owed || !v->step[step + 1].joins;
	return *owed && (wide || v->step[step + 1].n_tasks > 1);
}

static void run_region(void *arg, Pool *pool, int thread)
{
	const Job *j = arg;
	uint32_t phase = 0;
	bool timed = j->ns && thread == 0,
	     wide = false, /* several threads since the last barrier */
		owed = false;
	if (thread != 0)
		rounding_set(j->rounding);
	for (uint32_t s = 0; s < j->variant->n_steps; s++) {
		uint64_t start = timed ? now() : 0;
		run_part(j, s, thread, pool->n);
		wide = wide || j->variant->step[s].n_tasks > 1;
		if (barrier_after(j->variant, s, wide, &owed)) {
			pool_barrier(pool, &phase);
			wide = owed = false;
		}
		if (timed)
			j->ns[s] += now() - start;
	}
}

static void run_chunk(void *task, uint32_t index)
{
	const Job *j = task;
	run_part(j, j->step, index, j->chunks);
}

static void run_hosted(Job *j, const Ctx *c)
{
	int64_t most = (int64_t)c->threads * CHUNKS_PER_THREAD;
	for (j->step = 0; j->step < j->variant->n_steps; j->step++) {
		int64_t tasks = j->variant->step[j->step].n_tasks;
		uint64_t start = j->ns ? now() : 0;
		j->chunks = (uint32_t)(tasks < most ? tasks : most);
		if (j->chunks == 1)
			run_chunk(j, 0);
		else if (j->chunks > 1)
			c->parallel(c->user, j->chunks, run_chunk, j);
		if (j->ns)
			j->ns[j->step] += now() - start;
	}
}

static void run_job(Job *j, Ctx *c)
{
	if (c && c->parallel) {
		run_hosted(j, c);
	} else if (c && pool_enter(&c->pool)) {
		j->rounding = rounding_get();
		pool_run(&c->pool, run_region, j);
	} else {
		run_alone(j);
	}
}

static size_t workspace_bytes(const BurinProgram *p, int64_t slots)
{
	int64_t most = 0;
	for (uint32_t i = 0; i < p->n_variant; i++) {
		const BurinVariant *v = &p->variant[i];
		int64_t bytes =
			layout_bytes(p->n_in + p->n_out, v->work_bytes, v->scratch_bytes, slots);
		most = bytes > most ? bytes : most;
	}
	return (size_t)most;
}

size_t burin_rt_workspace_bytes(const BurinProgram *p, const void *ctx)
{
	const Ctx *c = ctx_of(ctx);
	int64_t hosted = c ? (int64_t)c->threads * CHUNKS_PER_THREAD : 1;
	return workspace_bytes(p, !c ? 1 : c->parallel ? hosted : c->pool.n);
}

size_t burin_rt_workspace_for(const BurinProgram *p, int threads)
{
	return workspace_bytes(p, threads);
}

static bool ports_fit(const BurinPort *port, uint32_t n, void *const *ports)
{
	for (uint32_t i = 0; i < n; i++)
		if ((!ports[i] && port[i].bytes > 0) ||
		    ((uintptr_t)ports[i] & (uintptr_t)(port[i].align - 1)) != 0)
			return false;
	return true;
}

/* One variant on items from..from+batch. Inputs are not written: the array holds them as void *
 * only to be one array. */
static int run_variant(const BurinProgram *p, const BurinVariant *v, Ctx *c, int64_t from,
		       void *const *ports, char *workspace, uint64_t *ns)
{
	uint32_t n_ports = p->n_in + p->n_out;
	void **base = (void **)(void *)workspace;
	char *work = workspace + layout_head_bytes(n_ports);
	int32_t *status = (int32_t *)(void *)(work + BURIN_STATUS_OFFSET);
	for (uint32_t i = 0; i < n_ports; i++) {
		int64_t bytes = i < p->n_in ? p->in[i].bytes : p->out[i - p->n_in].bytes;
		base[i] = ports[i] && from > 0 ? (char *)ports[i] + from * bytes : ports[i];
	}
	base[n_ports] = work;
	base[n_ports + 1] = (void *)(uintptr_t)ctx_weights(c, p);
	*status = 0;
	Job j = { .variant = v,
		  .base = base,
		  .scratch = work + layout_work_bytes(v->work_bytes),
		  .stride = layout_scratch_stride(v->scratch_bytes),
		  .ns = ns };
	run_job(&j, c);
	return *status == 0 ? BURIN_RT_OK : *status == 1 ? BURIN_RT_INDEX : BURIN_RT_DEVICE;
}

static const BurinVariant *variant_for(const BurinProgram *p, int64_t items)
{
	const BurinVariant *v = burin_rt_variant(p), *end = p->variant + p->n_variant;
	while (v && v < end && (v->batch > items || !burin_cpu_has(v->need)))
		v++;
	return v == end ? NULL : v;
}

int burin_rt_run_timed(const BurinProgram *p, const void *ctx, int64_t n, void *const *ports,
		       void *workspace, uint64_t *ns)
{
	Ctx *c = ctx_of(ctx);
	const BurinVariant *best = burin_rt_variant(p);
	if (!best)
		return BURIN_RT_CPU;
	if ((ctx && !c) || !ports_fit(p->in, p->n_in, ports) ||
	    !ports_fit(p->out, p->n_out, ports + p->n_in))
		return BURIN_RT_ARG;
	if (!workspace || ((uintptr_t)workspace & (LINE - 1)) != 0)
		return BURIN_RT_WORKSPACE;
	if (p->weight_bytes > 0 && !ctx_weights(c, p))
		return BURIN_RT_WEIGHTS;
	if (n < 0)
		return BURIN_RT_SHAPE;
	int result = BURIN_RT_OK;
	for (int64_t from = 0; from < n;) {
		const BurinVariant *v = variant_for(p, n - from);
		if (!v)
			return BURIN_RT_SHAPE;
		int r = run_variant(p, v, c, from, ports, workspace, v == best ? ns : NULL);
		result = r != BURIN_RT_OK ? r : result;
		from += v->batch;
	}
	return result;
}

int burin_rt_run(const BurinProgram *p, const void *ctx, int64_t n, void *const *ports,
		 void *workspace)
{
	return burin_rt_run_timed(p, ctx, n, ports, workspace, NULL);
}
