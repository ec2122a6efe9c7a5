/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The text forms: graphs and kernels. */
#include "tests/unit/kernel_try.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void try_graph(Context *c, const char *text, size_t n)
{
	Str one, two;
	const Graph *g = graph_parse(c, c->arena, "text", text, n);
	must((g == NULL) == (diag_errors(c->diag) > 0));
	if (!g)
		return;
	(void)graph_verify(g, LEVEL_T | LEVEL_M);
	str_init(&one, c->arena);
	str_init(&two, c->arena);
	graph_print(&one, g, (TextOptions){ .data = true });
	g = graph_parse(c, c->arena, "printed", str_text(&one), one.n);
	must(g != NULL);
	graph_print(&two, g, (TextOptions){ .data = true });
	must(str_eq(str_text(&one), str_text(&two)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	Context *c = context_create();
	const char *text = arena_strndup(c->arena, (const char *)data, n);
	Scan begin = { .p = text };
	c->max_bytes = 1 << 24;
	scan_skip(&begin);
	if (str_starts(begin.p, "kernel"))
		kernel_try(c, text, n);
	else
		try_graph(c, text, n);
	context_destroy(c);
	return 0;
}
