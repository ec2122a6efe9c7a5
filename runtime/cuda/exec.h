/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* A program on one GPU: its code, weights and buffers, and one stream. One thread at a time. */
#ifndef RUNTIME_CUDA_EXEC_H
#define RUNTIME_CUDA_EXEC_H
#include "runtime/artifact.h"
#include "runtime/cuda/driver.h"
#include "runtime/cuda/program.h"

typedef struct CudaExec CudaExec;
typedef struct CudaExecOptions {
	int device;    /* ordinal */
	bool no_graph; /* every run launches its kernels one by one */
	bool wait;     /* wait after each kernel: a failure names the elements it computes; so does
			  CUDA_LAUNCH_BLOCKING=1 in the environment */
} CudaExecOptions;

/* The GPU's part of a program, or NULL when it is for CPUs. */
static inline const BurinCudaProgram *cuda_of(const BurinProgram *p)
{
	return p->n_variant == 1 ? p->variant[0].cuda : NULL;
}
/* Loads the code that fits the device and uploads weights (p->weight_bytes bytes; NULL: later). The
 * driver's table and the program must outlive it. NULL: *e says why. */
CudaExec *cuda_exec_new(const CudaDriver *d, const BurinProgram *p, const void *weights,
			CudaExecOptions o, CudaError *e);
bool cuda_exec_set_weights(CudaExec *x, const void *weights, CudaError *e); /* NULL: none */
/* port[]: inputs, then outputs, in memory of the host. 0, BURIN_RT_INDEX, or -1: *e says why. The
 * first run launches kernel by kernel; then the launches are one CUDA graph. */
int cuda_exec_run(CudaExec *x, void *const *port, CudaError *e);
void cuda_exec_free(CudaExec *x); /* accepts NULL */
#endif
