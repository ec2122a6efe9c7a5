/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* 16-bit floats are stored, not computed with: an operator on f16 or bf16 computes in f32 and its
 * result is rounded once (docs/numbers.md). */
#ifndef IR_WIDE_H
#define IR_WIDE_H
#include "ir/node.h"

static inline bool dtype_is_narrow_float(DType t)
{
	return t == DT_f16 || t == DT_bf16;
}
/* Whether n, as the user wrote it, has 16-bit floats to compute with. */
bool computes_narrow(const Node *n);
/* n, whose inputs are in b's graph, in f32: 16-bit inputs are cast, and so is the result. Of a
 * macro with several results the f32 ones, which `get` casts. */
Node *emit_wide(Builder *b, const Node *n);
/* The rounding of an operator's result to type t. */
Node *emit_rounded(Builder *b, Node *x, DType t);
#endif
