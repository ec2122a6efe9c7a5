/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The CUDA driver as a table of functions: libcuda.so.1 by dlopen, or what a test puts in its
 * place. No CUDA header is needed; the types below are those of its binary interface. */
#ifndef RUNTIME_CUDA_DRIVER_H
#define RUNTIME_CUDA_DRIVER_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef int CudaResult, CudaDevice;
typedef unsigned long long CudaPointer;
typedef struct CUctx_st *CudaContext;
typedef struct CUstream_st *CudaStream;
typedef struct CUmod_st *CudaModule;
typedef struct CUfunc_st *CudaFunction;
typedef struct CUgraph_st *CudaGraph;
typedef struct CUgraphExec_st *CudaGraphRun;

/* Values of the driver's enums that are used. */
enum {
	CUDA_COMPUTE_MAJOR = 75, /* CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR */
	CUDA_COMPUTE_MINOR = 76,
	CUDA_SHARED_PER_BLOCK_OPTIN = 97,
	CUDA_FUNCTION_DYNAMIC_SHARED = 8, /* CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES */
	CUDA_CAPTURE_THREAD = 1,          /* CU_STREAM_CAPTURE_MODE_THREAD_LOCAL */
	CUDA_STREAM_OWN = 1,              /* CU_STREAM_NON_BLOCKING */
	CUDA_NO_DEVICE = 100,
	CUDA_LEAST_DRIVER = 11040
};

typedef struct CudaDriver {
#define CUDA_FN(name, symbol, parameters) CudaResult(*name) parameters;
#include "runtime/cuda/symbols.def"
#undef CUDA_FN
	void *library; /* of dlopen, or NULL */
} CudaDriver;

/* A failure, told in words. `status` is one of burin_status in include/burin.h. */
typedef struct CudaError {
	int status;
	char text[512];
} CudaError;

/* Opens libcuda.so.1 and checks that it is new enough. */
bool cuda_driver_open(CudaDriver *d, CudaError *e);
void cuda_driver_close(CudaDriver *d);
/* Notes why (once: the first failure stays); false. */
bool cuda_fail(CudaError *e, int status, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* True when r is 0; else notes what was being done and what the driver says. */
bool cuda_check(const CudaDriver *d, CudaResult r, CudaError *e, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
#endif
