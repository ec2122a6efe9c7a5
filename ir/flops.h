/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* What computing a value takes, for reports: twice the multiplications of the operators that have
 * any to speak of, 0 for the others. */
#ifndef IR_FLOPS_H
#define IR_FLOPS_H
#include "ir/node.h"

double node_flops(const Node *n);
#endif
