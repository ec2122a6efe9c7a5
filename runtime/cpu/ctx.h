/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* What lies in the caller's memory for a context. */
#ifndef RUNTIME_CPU_CTX_H
#define RUNTIME_CPU_CTX_H
#include "runtime/cpu/pool.h"

typedef struct Ctx Ctx;
struct Ctx {
	Ctx *self;           /* its own address while initialised */
	const void *weights; /* of this program; NULL: the embedded ones */
	const BurinProgram *weights_of;
	BurinParallelFn *parallel;
	void *user;
	int threads; /* of the pool, or that the host says its parallel_for uses */
	Pool pool;
};

/* Those to run p with; NULL: none. */
static inline const void *ctx_weights(const Ctx *c, const BurinProgram *p)
{
	return c && c->weights_of == p ? c->weights : p->weights;
}
Ctx *ctx_of(const void *ctx); /* NULL: none given, or not initialised */
#endif
