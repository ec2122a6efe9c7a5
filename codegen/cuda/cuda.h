/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* CUDA C of kernels: text that NVRTC compiles for a GPU, and the system's C compiler for the
 * emulation (emu.h). It includes nothing and uses no names but those of its prelude, which gives
 * each of them two bodies (device/prelude.h). */
#ifndef CODEGEN_CUDA_CUDA_H
#define CODEGEN_CUDA_CUDA_H
#include "codegen/codegen.h"

typedef struct CudaKernel {
	const Kernel *kernel;
	const char *text; /* of the function, without the prelude */
	int threads;      /* of a block: lanes of the widest vector axis, whole warps */
	int64_t blocks;   /* of the grid: one for each task, fewer where global_scratch */
	int64_t shared;   /* bytes of static shared memory */
	int n_shared;     /* arrays in it: scratch of the kernel in its order, then the room where
			     threads meet, of 8-byte elements */
	bool meets;       /* has that room */
	int64_t scratch;  /* bytes of global memory for each block: what does not fit into shared
			     memory; its address is the last argument. 0: no such argument */
} CudaKernel;
/* The text lives in `arena`. False: E5206 in c->diag. */
bool cuda_print(Context *c, Arena *arena, const Kernel *k, const Target *t, CudaKernel *out);
const char *cuda_prelude(void);
int64_t cuda_elements(const Buf *b); /* of a scratch buffer */
enum { CUDA_ROOM_WORDS = 32 };
/* All kernels of a plan, in its order, and what to put around them: prelude, then these. */
bool cuda_source(Context *c, Arena *arena, const Plan *p, const Target *t, CudaKernel *kernel,
		 Str *out);
/* The same with comments, as a file. */
bool cuda_write_source(Context *c, const Plan *p, const Target *t, const char *path);
#endif
