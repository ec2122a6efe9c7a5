/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The part of the runtime that every artefact carries: choosing the variant for this CPU, the
 * thread pool, running a program. Compiled twice, into libburin_rt and into the object that is
 * linked into artefacts; uses libc only, allocates nothing, prints nothing, and writes no global
 * but the CPU's features, once, in a constructor. */
#ifndef RUNTIME_CPU_RT_H
#define RUNTIME_CPU_RT_H
#include "runtime/artifact.h"
#include <stdbool.h>

/* The caller's memory for a context; no alignment is asked for. An initialised context must not be
 * copied or moved. */
enum { BURIN_CTX_BYTES = 4608, BURIN_MAX_THREADS = 256 };

typedef void BurinTaskFn(void *task, uint32_t index);
/* Calls fn(task, i) for every i < count, in any order, at the same time or one after another;
 * returns when all have ended. */
typedef void BurinParallelFn(void *user, uint32_t count, BurinTaskFn *fn, void *task);

/* ctx may be NULL everywhere: one thread, embedded weights. */
int burin_rt_run(const BurinProgram *p, const void *ctx, int64_t n, void *const *ports,
		 void *workspace);
/* The same, adding the time of each step of the variant that serves batch items at once to ns[]. */
int burin_rt_run_timed(const BurinProgram *p, const void *ctx, int64_t n, void *const *ports,
		       void *workspace, uint64_t *ns);
int burin_rt_supported(const BurinProgram *p);
size_t burin_rt_workspace_bytes(const BurinProgram *p, const void *ctx);
int burin_rt_ctx_init(const BurinProgram *p, void *ctx, int threads); /* 0: as many as may run */
int burin_rt_ctx_set_parallel(const BurinProgram *p, void *ctx, int threads, BurinParallelFn *f,
			      void *user);
int burin_rt_ctx_set_weights(const BurinProgram *p, void *ctx, const void *file, size_t bytes);
void burin_rt_ctx_done(const BurinProgram *p, void *ctx);
int burin_rt_ctx_threads(const void *ctx);
/* The state as training begins. */
int burin_rt_state_init(const BurinState *s, void *state);

/* What burin_rt_ctx_init makes of a number of threads, and the workspace for so many. */
int burin_rt_threads(int wanted);
size_t burin_rt_workspace_for(const BurinProgram *p, int threads);

/* The first variant that this CPU can run, or NULL; with free_batch the first of its level. */
const BurinVariant *burin_rt_variant(const BurinProgram *p);

/* Features (rows of features.def) of this CPU; of a level; of LLVM's name (false: not in the table,
 * so not to be relied on). */
void burin_cpu_features(uint64_t have[2]);
void burin_cpu_need(uint32_t level, uint64_t need[2]);
bool burin_cpu_need_add(const char *llvm_name, uint64_t need[2]);
bool burin_cpu_has(const uint64_t need[2]);
#endif
