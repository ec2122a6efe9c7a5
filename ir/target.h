/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Machine facts as plain data. Heuristics read it; nothing in ir/ or passes/ asks the host. */
#ifndef IR_TARGET_H
#define IR_TARGET_H
#include <stdbool.h>
#include <stdint.h>

typedef enum TargetKind { TARGET_CPU, TARGET_CUDA } TargetKind;
typedef struct Target {
	TargetKind kind;
	const char *name;                    /* "x86-64-v4", "native", "test" */
	const char *triple, *cpu, *features; /* as LLVM names them; features may be "" */
	int vector_bytes;                    /* widest vector used for f32: 64, 32, 16; a GPU's are
						the threads of a block */
	int vector_registers;                /* 32 or 16 */
	bool fma;
	bool masked; /* cheap masked loads and stores (AVX-512) */
	int fma_latency, fma_per_cycle;
	int64_t l1_bytes, l2_bytes, l3_bytes;
	int cores;
	int arch;             /* CUDA: 90 for sm_90; else 0 */
	int64_t shared_bytes; /* CUDA: of a block's shared memory that need not be asked for */
} Target;
/* "test" (4 lanes, round numbers), "x86-64-v2", "x86-64-v3", "x86-64-v4", "native"; GPUs: "sm_75",
 * "sm_80", "sm_90". False: unknown name. */
bool target_find(const char *name, Target *out);
static inline int target_lanes(const Target *t, int bytes)
{
	return t->vector_bytes / bytes;
}
#endif
