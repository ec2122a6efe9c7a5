/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Running CUDA programs without a GPU: their very text, compiled by the system's C compiler
 * together with an emulator (device/emulator.c) that looks at every access to memory. */
#ifndef CODEGEN_CUDA_EMU_H
#define CODEGEN_CUDA_EMU_H
#include "codegen/cuda/cuda.h"

typedef struct EmuOptions {
	const char *compiler; /* NULL: cc, gcc or clang of PATH */
	uint64_t seed;        /* of the order in which threads run */
	const char *source;   /* this text of the kernels instead of the printed one; or NULL */
} EmuOptions;

/* A plan for a GPU as a program for this process. Its text is cuda_source's. NULL: see c->diag. */
typedef struct EmuProgram EmuProgram;
EmuProgram *emu_program(Context *c, const Plan *p, const Target *t, EmuOptions o);
const BurinProgram *emu_table(const EmuProgram *e);
/* What was found wrong in a run: "kernel k_12 (conv1), block 3, thread 17: reads ..."; NULL:
 * nothing. A run that finds something returns BURIN_RT_DEVICE. */
const char *emu_fault(const EmuProgram *e);
void emu_destroy(EmuProgram *e); /* accepts NULL */
#endif
