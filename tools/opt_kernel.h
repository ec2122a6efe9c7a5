/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Kernels in burin-opt: as text, lowered from a graph, run by the interpreter. */
#ifndef TOOLS_OPT_KERNEL_H
#define TOOLS_OPT_KERNEL_H
#include "ir/text.h"
#include "passes/pass.h"

/* Reads kernels up to the end of the text, verifies each, prints it; runs it when asked. False
 * after errors in the context's diag. */
bool opt_kernels(const Pass *p, Scan *t, bool run, Str *out);
/* Lowers a graph without macros and prints its kernels, each after a comment with its steps. */
bool opt_lower(const Pass *p, const Graph *g, bool run, Str *out);
#endif
