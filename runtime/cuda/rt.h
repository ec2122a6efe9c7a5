/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The runtime that an artefact for GPUs carries, in the place of runtime/cpu: the same functions
 * over a context in the caller's memory. Compiled twice, into libburin_rt and into the object that
 * is linked into artefacts. */
#ifndef RUNTIME_CUDA_RT_H
#define RUNTIME_CUDA_RT_H
#include "runtime/artifact.h"

int burin_cuda_supported(const BurinProgram *p); /* 0, or BURIN_RT_DEVICE: no driver, no device */
/* A device's memory is its own: always 0, and `workspace` below is not looked at. */
size_t burin_cuda_workspace_bytes(const BurinProgram *p, const void *ctx);
/* Opens the driver and the device, loads the code, uploads the embedded weights. */
int burin_cuda_ctx_init(const BurinProgram *p, void *ctx, int device);
int burin_cuda_ctx_set_parallel(const BurinProgram *p, void *ctx, int threads, void *f, void *user);
int burin_cuda_ctx_set_weights(const BurinProgram *p, void *ctx, const void *file, size_t bytes);
void burin_cuda_ctx_done(const BurinProgram *p, void *ctx);
/* What the last call that failed had to say; "" when none has. ctx as given to ctx_init, whether
 * that succeeded or not. */
const char *burin_cuda_ctx_error(const BurinProgram *p, const void *ctx);
int burin_cuda_run(const BurinProgram *p, const void *ctx, int64_t n, void *const *ports,
		   void *workspace);
#endif
