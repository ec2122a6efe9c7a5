/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Between the emulator, which is linked to the kernels it runs (emulator.c), and the library that
 * asks for it (codegen/cuda/emu.c). */
#ifndef BURIN_EMU_ABI_H
#define BURIN_EMU_ABI_H

enum { BURIN_EMU_FAULT_BYTES = 600, BURIN_EMU_STATUS_FAULT = 2 };

/* Memory behind a pointer that a kernel gets: bytes [low, high) counted from it. */
typedef struct BurinEmuArg {
	int base; /* position in the array of base pointers */
	int item; /* bytes of an element */
	long long offset, low, high;
	int written;
	int common; /* threads of several blocks may write it, all the same value */
} BurinEmuArg;

typedef struct BurinEmuShared {
	long long bytes;
	int item; /* bytes of an element */
} BurinEmuShared;

typedef void BurinEmuCall(void *const *arg);

typedef struct BurinEmuStep {
	BurinEmuCall *call; /* the kernel, by one thread */
	const char *name, *sources;
	int threads, n_arg, n_shared;
	const BurinEmuArg *arg;
	const BurinEmuShared *shared; /* arrays in shared memory */
	long long blocks, scratch; /* scratch: bytes for each block, the last argument; 0: none */
} BurinEmuStep;

typedef struct BurinEmuProgram {
	const BurinEmuStep *step;
	int work;                /* position of the workspace in the array of base pointers */
	int status;              /* bytes from there to the status word */
	unsigned long long seed; /* of the order of threads */
	char fault[BURIN_EMU_FAULT_BYTES]; /* the first one; "": none */
} BurinEmuProgram;

#endif
