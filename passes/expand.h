/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Macro operators replaced by what they mean. */
#ifndef PASSES_EXPAND_H
#define PASSES_EXPAND_H
#include "ir/node.h"

/* A macro that the caller wants to see whole. */
typedef bool KeepMacro(void *user, const Node *n);
/* A new graph in `arena` without macros, places and names kept; NULL after errors in g->ctx->diag.
 */
Graph *expand_macros(const Graph *g, Arena *arena);
Graph *expand_macros_but(const Graph *g, Arena *arena, KeepMacro *keep, void *user);
#endif
