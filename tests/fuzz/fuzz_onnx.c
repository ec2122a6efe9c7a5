/* Any bytes as an ONNX model: refused with a report, or read and made a graph. */
#include "frontend/frontend.h"
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	Context *c = context_create();
	Arena *arena = arena_create();
	WeightSet *weights = NULL;
	ReadOptions o = { .default_size = 2 };
	c->max_bytes = 1 << 24;
	ElemList *list = onnx_read(c, arena, "/nowhere/model.onnx", data, n, &weights);
	if (!list == !diag_errors(c->diag))
		abort(); /* read with an error, or refused without one */
	Str text;
	str_init(&text, arena);
	if (list) {
		xml_write(c, list, &text, NULL);
		Graph *g = build_graph(c, arena, list, weights, &o);
		if (!g && !diag_errors(c->diag))
			abort();
	}
	diag_print(c->diag, &text, 0, false);
	weights_close(weights);
	arena_destroy(arena);
	context_destroy(c);
	return 0;
}
