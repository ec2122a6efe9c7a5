/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* CUDA C to machine code for GPUs through NVRTC, which is opened with dlopen: nothing of CUDA is
 * needed to build Burin. NVRTC compiles without a GPU and without a driver. */
#ifndef CODEGEN_CUDA_NVRTC_H
#define CODEGEN_CUDA_NVRTC_H
#include "codegen/codegen.h"

/* One text for one architecture. */
typedef struct NvrtcJob {
	const char *name; /* for messages */
	const char *text;
	int arch; /* 90: sm_90, or PTX for compute_90 */
	bool ptx;
	ObjectCode out; /* a cubin; or PTX, with its NUL */
} NvrtcJob;
typedef struct NvrtcOptions {
	int threads;              /* that compile; 0: one */
	const ObjectCache *cache; /* or NULL */
	bool contract;            /* products and sums may become fused multiply-adds */
} NvrtcOptions;
/* False: E5221 to E5223 in c->diag. */
bool nvrtc_compile(Context *c, Arena *arena, NvrtcJob *job, int n_job, NvrtcOptions o);

/* "NVRTC 13.0" and whether it knows the architecture; false: there is none, *version says why. */
bool nvrtc_found(Arena *arena, int arch, const char **version, bool *knows_arch);
#endif
