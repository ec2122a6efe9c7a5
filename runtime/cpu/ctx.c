/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Contexts: the threads, host callback and weights that one caller uses. A context lies in memory
 * of the caller, which is only as aligned as the caller likes: the first multiple of 64 in it is
 * where it starts. It knows its own address, so that one that was copied, moved or never
 * initialised is refused. */
#include "runtime/cpu/ctx.h"
#include <stdlib.h>
#include <string.h>

_Static_assert(sizeof(Ctx) + LINE <= BURIN_CTX_BYTES, "grow BURIN_CTX_BYTES");

static Ctx *ctx_at(const void *ctx)
{
	return (Ctx *)(((uintptr_t)ctx + LINE - 1) & ~(uintptr_t)(LINE - 1));
}

Ctx *ctx_of(const void *ctx)
{
	Ctx *c = ctx_at(ctx);
	return ctx && c->self == c ? c : NULL;
}

static int threads_of_environment(const char *name)
{
	const char *text = getenv(name);
	int n = 0;
	for (; text && *text >= '0' && *text <= '9' && n < BURIN_MAX_THREADS; text++)
		n = n * 10 + (*text - '0');
	return n;
}

static int default_threads(void)
{
	int n = threads_of_environment("BURIN_THREADS");
	if (n == 0)
		n = threads_of_environment("OMP_NUM_THREADS");
	return n > 0 ? n : cpus_allowed();
}

static int clamp_threads(int n)
{
	return n < 1 ? 1 : n > BURIN_MAX_THREADS ? BURIN_MAX_THREADS : n;
}

int burin_rt_threads(int wanted)
{
	return clamp_threads(wanted == 0 ? default_threads() : wanted);
}

int burin_rt_ctx_init(const BurinProgram *p, void *ctx, int threads)
{
	(void)p;
	/* one that is initialised has threads that wait in its memory */
	if (!ctx || ctx_of(ctx) || threads < 0 || threads > BURIN_MAX_THREADS)
		return BURIN_RT_ARG;
	Ctx *c = ctx_at(ctx);
	memset(c, 0, sizeof(*c));
	pool_start(&c->pool, burin_rt_threads(threads));
	c->threads = c->pool.n;
	c->self = c;
	return BURIN_RT_OK;
}

int burin_rt_ctx_set_parallel(const BurinProgram *p, void *ctx, int threads, BurinParallelFn *f,
			      void *user)
{
	Ctx *c = ctx_of(ctx);
	(void)p;
	if (!c || threads < 0 || (f && threads == 0))
		return BURIN_RT_ARG;
	c->parallel = f;
	c->user = user;
	c->threads = f ? clamp_threads(threads) : c->pool.n;
	return BURIN_RT_OK;
}

int burin_rt_ctx_set_weights(const BurinProgram *p, void *ctx, const void *file, size_t bytes)
{
	Ctx *c = ctx_of(ctx);
	if (!c || !file)
		return BURIN_RT_ARG;
	const void *weights = burin_weights_in(p, file, bytes);
	if (!weights)
		return BURIN_RT_WEIGHTS;
	c->weights = weights;
	c->weights_of = p;
	return BURIN_RT_OK;
}

void burin_rt_ctx_done(const BurinProgram *p, void *ctx)
{
	Ctx *c = ctx_of(ctx);
	(void)p;
	if (!c)
		return;
	pool_stop(&c->pool);
	c->self = NULL;
}

int burin_rt_ctx_threads(const void *ctx)
{
	Ctx *c = ctx_of(ctx);
	return c ? c->threads : 1;
}
