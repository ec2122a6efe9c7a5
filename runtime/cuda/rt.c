/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The context of a program for GPUs: the driver's table and the program on its device. As in
 * runtime/cpu/ctx.c it knows its own address, so that one that was copied, moved or never
 * initialised is refused. */
#include "runtime/cuda/rt.h"
#include "runtime/cuda/exec.h"

enum { CTX_BYTES = 4608, CTX_ALIGN = 64 }; /* BURIN_CTX_BYTES of runtime/cpu/rt.h */

typedef struct CudaCtx CudaCtx;
struct CudaCtx {
	CudaCtx *self;
	CudaExec *exec; /* NULL: ctx_init failed */
	CudaDriver driver;
	CudaError error;
};
_Static_assert(sizeof(CudaCtx) + CTX_ALIGN <= CTX_BYTES, "contexts have one size");

static CudaCtx *place_of(const void *ctx)
{
	return (CudaCtx *)(((uintptr_t)ctx + CTX_ALIGN - 1) & ~(uintptr_t)(CTX_ALIGN - 1));
}

static CudaCtx *made(const void *ctx)
{
	CudaCtx *c = place_of(ctx);
	return ctx && c->self == c ? c : NULL;
}

static int status(const CudaCtx *c)
{
	return c->error.status ? c->error.status : BURIN_RT_DEVICE;
}

int burin_cuda_supported(const BurinProgram *p)
{
	CudaDriver d;
	CudaError e = { 0 };
	int n = 0;
	(void)p;
	if (!cuda_driver_open(&d, &e))
		return BURIN_RT_DEVICE;
	bool any = d.device_count(&n) == 0 && n > 0;
	cuda_driver_close(&d);
	return any ? BURIN_RT_OK : BURIN_RT_DEVICE;
}

size_t burin_cuda_workspace_bytes(const BurinProgram *p, const void *ctx)
{
	(void)p, (void)ctx;
	return 0;
}

int burin_cuda_ctx_init(const BurinProgram *p, void *ctx, int device)
{
	if (!ctx || (made(ctx) && made(ctx)->exec))
		return BURIN_RT_ARG;
	CudaCtx *c = place_of(ctx);
	memset(c, 0, sizeof *c);
	c->self = c;
	if (!cuda_driver_open(&c->driver, &c->error))
		return status(c);
	CudaExecOptions o = { .device = device };
	c->exec = cuda_exec_new(&c->driver, p, p->weights, o, &c->error);
	if (c->exec)
		return BURIN_RT_OK;
	cuda_driver_close(&c->driver);
	return status(c);
}

/* There are no loops to run on the host's threads. */
int burin_cuda_ctx_set_parallel(const BurinProgram *p, void *ctx, int threads, void *f, void *user)
{
	(void)p, (void)threads, (void)f, (void)user;
	return made(ctx) ? BURIN_RT_OK : BURIN_RT_ARG;
}

int burin_cuda_ctx_set_weights(const BurinProgram *p, void *ctx, const void *file, size_t bytes)
{
	CudaCtx *c = made(ctx);
	if (!c || !c->exec || !file)
		return BURIN_RT_ARG;
	const void *weights = burin_weights_in(p, file, bytes);
	if (!weights)
		return BURIN_RT_WEIGHTS;
	return cuda_exec_set_weights(c->exec, weights, &c->error) ? BURIN_RT_OK : status(c);
}

void burin_cuda_ctx_done(const BurinProgram *p, void *ctx)
{
	CudaCtx *c = made(ctx);
	(void)p;
	if (!c)
		return;
	cuda_exec_free(c->exec);
	cuda_driver_close(&c->driver);
	c->self = NULL;
}

const char *burin_cuda_ctx_error(const BurinProgram *p, const void *ctx)
{
	const CudaCtx *c = made(ctx);
	(void)p;
	return c ? c->error.text : "";
}

int burin_cuda_run(const BurinProgram *p, const void *ctx, int64_t n, void *const *ports,
		   void *workspace)
{
	CudaCtx *c = made(ctx);
	(void)p, (void)n, (void)workspace;
	if (!c || !c->exec)
		return BURIN_RT_ARG;
	int r = cuda_exec_run(c->exec, ports, &c->error);
	return r < 0 ? status(c) : r;
}
