/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* What a cross_entropy allows of a target that is an input of the step. */
#ifndef CODEGEN_TARGETS_H
#define CODEGEN_TARGETS_H
#include "include/burin.h"
#include "ir/node.h"

typedef struct TargetRange {
	int64_t classes; /* 0: the input is not a target */
	int64_t ignored; /* the target that is passed over */
	DType type;
	bool of_loss; /* that cross_entropy is the loss itself */
} TargetRange;

/* g: built for training, macros kept. Of several, the one with the fewest classes. */
TargetRange target_range(const Graph *g, const char *input);
/* The first of n targets that is neither a class nor ignored, or -1. */
int64_t target_outside(const TargetRange *r, const void *data, int64_t n);
/* Of the tensor of that input: an error that names the row. */
burin_status target_check(const TargetRange *r, const char *input, const burin_tensor *t,
			  const void *data, burin_error *err);
#endif
