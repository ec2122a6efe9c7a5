/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* A plan for a GPU as the data that runtime/cuda runs: every kernel compiled by NVRTC for each
 * architecture, every step as a launch. */
#ifndef CODEGEN_CUDA_PROGRAM_H
#define CODEGEN_CUDA_PROGRAM_H
#include "codegen/cuda/nvrtc.h"
#include "runtime/cuda/program.h"

enum { MAX_GPUS = 8 };
typedef struct GpuList {
	int arch[MAX_GPUS]; /* 80: sm_80 */
	int n;
} GpuList;

/* For each of gpus machine code, and PTX of the newest for those that come later. *out and all it
 * points to live in `arena`. `t` is the target that the plan was made for. */
bool cuda_compile(Context *c, Arena *arena, const Plan *p, const Target *t, GpuList gpus,
		  NvrtcOptions o, BurinCudaProgram *out);
#endif
