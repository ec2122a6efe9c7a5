/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Prototypes of all hooks that ops.def names. Rows that share a hook repeat its declaration. */
#ifndef IR_HOOKS_H
#define IR_HOOKS_H
#include "ir/op.h"

#define OP(name, inputs, levels, attr, flags, infer, lower, eval, vjp, doc) \
	InferFn infer_##infer; \
	LowerFn lower_##lower; \
	EvalFn eval_##eval; \
	VjpFn vjp_##vjp;
#define MACRO(name, inputs, results, attr, infer, vjp, doc) \
	InferFn infer_##infer; \
	ExpandFn expand_##name; \
	VjpFn vjp_##vjp;
#include "ir/ops.def"
#undef OP
#undef MACRO
ExpandFn expand_none;
#endif
