/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Packed weights: the prepare plan compiled for this machine and run. */
#ifndef CODEGEN_PREPARE_H
#define CODEGEN_PREPARE_H
#include "codegen/codegen.h"
#include "passes/pass.h"

/* Where the weights go, and how that is done without having all in memory that they are made of and
 * all that is made of them. */
typedef struct PrepareTo {
	void *block; /* compiled->main->weight_bytes, 64-byte aligned; every byte is written */
	/* Called after some megabytes each: what was read and written so far is not needed soon, so
	 * that its pages may leave memory. False: stop, reported. NULL: nobody cares. */
	bool (*rest)(void *user);
	void *user;
} PrepareTo;
bool prepare_into(Context *c, const Compiled *compiled, const Target *host, JitOptions o,
		  const PrepareTo *to);
/* Into memory of its own. *weights: free with weights_free. */
bool prepare_weights(Context *c, const Compiled *compiled, const Target *host, JitOptions o,
		     void **weights);
/* The weights of a plan whose parameters (but the state) all have data: a step's of training, or a
 * preparation's from the state. */
bool constant_weights(Context *c, const Graph *g, const Plan *plan, void **weights);
void weights_free(void *weights); /* accepts NULL */
#endif
