/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Many kernels at once, each thread with machines of its own: one that compiles well, one that
 * compiles fast. */
#include "base/sha256.h"
#include "codegen/code_batch.h"
#include "codegen/llvm/internal.h"
#include <string.h>

typedef struct Kernels {
	const Target *target;
	KernelJob *job;
} Kernels;

typedef struct Machines {
	Machine machine[2]; /* by KernelJob.quick */
} Machines;

static const char *make_kernel(void *user, void *state, int i, Arena *arena)
{
	Kernels *z = user;
	KernelJob *j = &z->job[i];
	Machine *m = &((Machines *)state)->machine[j->quick];
	const char *error = NULL;
	if (!m->tm && !machine_open(m, z->target, j->quick, arena, &error))
		return error;
	kernel_code(m, j->kernel, z->target, j->symbol, CODE_OBJECT, arena, &j->out, &error);
	return error;
}

static void close_machines(void *state)
{
	Machines *m = state;
	machine_close(&m->machine[0]);
	machine_close(&m->machine[1]);
}

static ObjectCode *kernel_out(void *user, int i)
{
	return &((Kernels *)user)->job[i].out;
}

static void kernel_key(void *user, int i, uint8_t key[32])
{
	const Target *t = ((Kernels *)user)->target;
	const KernelJob *j = &((Kernels *)user)->job[i];
	const Kernel *k = j->kernel;
	const char *text[] = { j->symbol,   t->triple,         t->cpu,
			       t->features, codegen_version(), k->kind ? k->kind : "" };
	int32_t number[] = { t->vector_bytes, t->fma, t->masked, (int32_t)k->ctx->fp, j->quick };
	Sha256 s;
	sha256_init(&s);
	sha256_add(&s, k->hash, sizeof k->hash);
	for (size_t n = 0; n < sizeof text / sizeof *text; n++)
		sha256_add(&s, text[n], strlen(text[n]) + 1);
	sha256_add(&s, number, sizeof number);
	sha256_final(&s, key);
}

bool kernels_to_objects(Context *c, Arena *arena, const Target *t, KernelJob *job, int n_job,
			int threads, const ObjectCache *cache)
{
	Target target = target_resolve(arena, t);
	Kernels z = { .target = &target, .job = job };
	CodeBatch b = { .user = &z,
			.n = n_job,
			.threads = threads,
			.cache = cache,
			.out = kernel_out,
			.key = kernel_key,
			.make = make_kernel,
			.close = close_machines,
			.state_bytes = sizeof(Machines) };
	return code_batch(arena, &b) || report_codegen(c, "kernel", job[b.failed].symbol, b.error);
}
