/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
#ifndef IR_OPS_BATCHNORM_H
#define IR_OPS_BATCHNORM_H
#include "ir/node.h"

/* Mean and variance (divided by the count) of each channel of x, dimension 1, over all others. */
void emit_channel_moments(Builder *b, Node *x, Node **mean, Node **variance);
int64_t channel_count(const Type *t); /* elements of a channel */
/* Whether training computes this batchnorm as inference does: it is not trainable, or neither its
 * scale nor its shift is. */
bool batchnorm_is_frozen(const Node *n);
#endif
