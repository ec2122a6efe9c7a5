/* Text form of graphs (architecture: docs/text-form.md): prints and parses back to the same text.
 */
#ifndef IR_TEXT_H
#define IR_TEXT_H
#include "ir/node.h"
typedef struct TextOptions {
	bool locs; /* append @"file":line */
	bool data; /* print constants above 64 elements in full (else dense<hash>, which parses as
		      data made from the hash) */
} TextOptions;
void graph_print(Str *s, const Graph *g, TextOptions o);
/* NULL after errors in c->diag. */
Graph *graph_parse(Context *c, Arena *arena, const char *file, const char *text, size_t n);
/* Types, levels, order, attributes re-inferred; reports E7xxx into g->ctx->diag, false on a fault.
 */
bool graph_verify(const Graph *g, int levels /* allowed LEVEL_ bits */);
#endif
