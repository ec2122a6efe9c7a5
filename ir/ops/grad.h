/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* What gradients share (the vjp hooks in ir/ops/grad_*.c). A hook is written with the builder, as
 * an expansion is: given a node and the gradient of its result it emits the gradient of each input
 * that has one. Inputs of whole numbers and truth values have none. A hook need not ask which
 * gradients are wanted: what nobody reads is pruned. */
#ifndef IR_OPS_GRAD_H
#define IR_OPS_GRAD_H
#include "ir/ops/nn.h"

static inline bool has_gradient(const Node *x)
{
	return x && dtype_is_float(x->type->dtype);
}

static inline Node *zeros_like(Builder *b, const Node *x)
{
	return emit_full(b, x->type, 0);
}

/* The reverse of broadcasting: dy summed over the dimensions along which a tensor of type t was
 * repeated to become like it. */
Node *sum_to(Builder *b, Node *dy, const Type *t);
/* y, the result of reducing x (n is the reduction), repeated along what was reduced. */
Node *unreduce(Builder *b, const Node *n, Node *y);
#endif
