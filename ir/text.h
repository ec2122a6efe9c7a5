/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Text form of graphs and kernels (docs/text-form.md): prints and parses back to the same text. */
#ifndef IR_TEXT_H
#define IR_TEXT_H
#include "ir/kernel.h"
#include "ir/scan.h"
typedef struct TextOptions {
	bool locs; /* append @"file":line */
	bool data; /* print constants above 64 elements in full (else dense<hash>, which parses as
		      data made from the hash) */
} TextOptions;
void graph_print(Str *s, const Graph *g, TextOptions o);
/* NULL after errors in c->diag. */
Graph *graph_parse(Context *c, Arena *arena, const char *file, const char *text, size_t n);
/* Reads one kernel where the scanner stands, finished; NULL after errors. kernel_print is its
 * inverse. */
Kernel *kernel_parse(Scan *t, Arena *arena);
/* Types, levels, order, attributes re-inferred; reports E7xxx into g->ctx->diag, false on a fault.
 */
bool graph_verify(const Graph *g, int levels /* allowed LEVEL_ bits */);
#endif
