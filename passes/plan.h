/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The end of compilation: kernels, and a plan that says which buffers each is called with. Data
 * alone: codegen makes code of the kernels, and an artefact (or a program in memory) of the plan.
 */
#ifndef PASSES_PLAN_H
#define PASSES_PLAN_H
#include "ir/kernel.h"

typedef enum Space { SPACE_INPUT, SPACE_OUTPUT, SPACE_WORK, SPACE_WEIGHT, SPACE_COUNT } Space;
/* Of the status word of a run, in SPACE_WORK: what runtime/artifact.h calls BURIN_STATUS_OFFSET. */
enum { PLAN_STATUS_OFFSET = -64 };
typedef struct PlanArg {
	Space space;
	int index;      /* INPUT, OUTPUT: position; else 0 */
	int64_t offset; /* bytes */
} PlanArg;

typedef struct Step {
	Kernel *kernel; /* shared by steps of equal structure */
	PlanArg *arg;   /* one per BUF_ARG of the kernel, in order */
	int n_arg;
	int64_t n_tasks;
	bool joins; /* independent of the steps since the last one that does not join */
	double flops, bytes;
	const char *sources; /* ids of the elements it computes, "conv1 bn1 relu1", for reports */
	const char *kind;
} Step;

typedef struct PlanPort {
	const char *name;
	const Type *type;
	bool block; /* bytes: several tensors, 64-byte aligned */
	int align;  /* bytes, what kernels rely on for a pointer of the caller */
} PlanPort;

/* The training state: tensors in one block of the caller's, which the plan reads and writes through
 * its last input. The same layout serves all plans of a model (training step, preparation). */
typedef struct StateTensor {
	const char *name; /* of a model's parameter; or of an optimiser's own, which begins with a
			     dot */
	const Type *type;
	int64_t offset;      /* bytes, a multiple of 64 */
	const Blob *initial; /* NULL: zeros */
	bool trainable;
} StateTensor;
typedef struct StateLayout {
	VEC(StateTensor) tensor;
	int64_t bytes;
} StateLayout;

typedef struct Plan {
	Arena *arena;
	Context *ctx;
	const char *name;
	VEC(PlanPort) input; /* with a state: it is the last, u8[state->bytes], 64-byte aligned */
	VEC(PlanPort) output;
	VEC(Kernel *) kernel; /* distinct ones */
	VEC(Step) step;
	int64_t work_bytes;       /* workspace without the scratch of threads */
	int64_t scratch_bytes;    /* per thread */
	const StateLayout *state; /* NULL: none */
	int64_t weight_bytes;
	void *weight; /* packed weights, filled by running the prepare plan; NULL in a prepare plan
		       */
} Plan;
#endif
