/* What lies in the caller's memory for a context. */
#ifndef RUNTIME_CPU_CTX_H
#define RUNTIME_CPU_CTX_H
#include "runtime/cpu/pool.h"

typedef struct Ctx Ctx;
struct Ctx {
	Ctx *self;           /* its own address while initialised */
	const void *weights; /* NULL: the embedded ones */
	BurinParallelFn *parallel;
	void *user;
	int threads; /* of the pool, or that the host says its parallel_for uses */
	Pool pool;
};

Ctx *ctx_of(const void *ctx); /* NULL: none given, or not initialised */
#endif
