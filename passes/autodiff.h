/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Reverse-mode differentiation of graphs. */
#ifndef PASSES_AUTODIFF_H
#define PASSES_AUTODIFF_H
#include "ir/node.h"

/* Has the operator a gradient (a macro: its own or through its expansion)? */
bool op_has_gradient(Op op);
/* A copy of g in which macros are expanded, but not those that have gradients of their own. NULL
 * after errors. */
Graph *expand_for_autodiff(const Graph *g, Arena *arena);
/* Appends the gradient of the scalar `loss` to b's graph, which holds nothing but the forward graph
 * (as expand_for_autodiff leaves it). grad[i] has the type of wrt[i]; NULL: the loss does not
 * depend on it. False after errors: an operator without gradient stands between some wrt[i] and the
 * loss. */
bool autodiff(Builder *b, Node *loss, Node *const *wrt, int n, Node **grad);
#endif
