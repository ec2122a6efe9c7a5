/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The tables of runtime/artifact.h for a plan, in memory; and what both these and the glue that
 * LLVM compiles are made of. */
#ifndef CODEGEN_TABLE_H
#define CODEGEN_TABLE_H
#include "codegen/codegen.h"
#include "runtime/cuda/program.h"

/* Position in base[]: inputs, outputs, workspace, weights. */
int plan_base_index(const Plan *p, const PlanArg *a);
/* The port (inputs, then outputs) that is the i-th argument of an entry's function. */
int entry_port(const GlueEntry *e, int i);
/* A program whose steps are run[], each as one task, on any CPU; or with run NULL the launches of
 * `cuda`. Weights are the plan's; all else but *cuda is copied into the arena. */
const BurinProgram *plan_table(Arena *a, const Plan *p, BurinStepFn *const *run,
			       const BurinCudaProgram *cuda);
#endif
