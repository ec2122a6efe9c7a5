/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Parameters that layers make themselves when they are written without weights. */
#ifndef IR_OPS_PARAMS_H
#define IR_OPS_PARAMS_H
#include "ir/node.h"

/* The type of the parameter that stands for the missing input i of a layer, and its initialiser.
 * Inputs before i are in place. *t is NULL when the layer does without (bias="no"). False after a
 * report: a size that neither an attribute nor an input gives. Initialisers: "zeros", "ones",
 * "constant:V", "normal" (deviation 1), "uniform_fan_in" (within 1/sqrt(fan in)),
 * "uniform_hidden" (within 1/sqrt(hidden)). */
bool op_param_type(Builder *b, Op op, Attr attr, Node *const *in, int i, const Type **t,
		   const char **init);
#endif
