/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Constant folding, a part of emit. */
#ifndef IR_FOLD_H
#define IR_FOLD_H
#include "ir/node.h"

/* The constant that candidate n (inputs in b's graph, itself not) stands for, or NULL. */
Node *fold_node(Builder *b, const Node *n);
/* One spelling for each constant: fill where all elements are equal, const for a single one. The
 * leaf itself when it is right already. */
Node *fold_leaf(Builder *b, Op op, Attr attr, const Type *t);
/* Expands a macro in a graph of its own in `aside`; out has room for MAX_RESULTS. The number of
 * results, 0 after an error in b. */
int expand_aside(Builder *b, const Node *n, Arena *aside, Node **out);
#endif
