/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* What a program for a GPU is made of, as plain data beside BurinProgram, which has its ports and
 * weights. Written by codegen, run by exec.c. */
#ifndef RUNTIME_CUDA_PROGRAM_H
#define RUNTIME_CUDA_PROGRAM_H
#include <stdint.h>

/* Machine code for one architecture, or PTX that the driver compiles. */
typedef struct BurinCudaImage {
	int32_t arch; /* 90: sm_90, or PTX for compute_90 */
	int32_t ptx;  /* 1: PTX, NUL-terminated */
	const void *data;
	int64_t bytes;
} BurinCudaImage;

typedef struct BurinCudaKernel {
	const char *name;
	int64_t n_image;
	const BurinCudaImage *image;
} BurinCudaKernel;

typedef enum BurinCudaSpace {
	BURIN_CUDA_INPUT,
	BURIN_CUDA_OUTPUT,
	BURIN_CUDA_WORK, /* offset -64: the status word, as in runtime/artifact.h */
	BURIN_CUDA_WEIGHT
} BurinCudaSpace;

typedef struct BurinCudaArg {
	int32_t space; /* BurinCudaSpace */
	int32_t index; /* INPUT, OUTPUT: which port */
	int64_t offset;
} BurinCudaArg;

/* One launch: grid blocks of `block` threads. The kernel's parameters are the arguments' addresses.
 */
typedef struct BurinCudaStep {
	int32_t kernel, n_arg;
	uint32_t grid, block, shared; /* shared: bytes of dynamic shared memory */
	uint32_t zero;
	const BurinCudaArg *arg;
	const char *sources; /* ids of the elements it computes */
} BurinCudaStep;

typedef struct BurinCudaProgram {
	int64_t n_kernel, n_step;
	const BurinCudaKernel *kernel;
	const BurinCudaStep *step;
	int64_t work_bytes;
} BurinCudaProgram;
#endif
