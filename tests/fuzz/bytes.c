/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
#include "tests/fuzz/bytes.h"
#include <stdlib.h>
#include <string.h>

enum { TENSOR_LIMIT = 1 << 24 };

typedef struct Reader {
	Context *c;
	Arena *arena;
	WeightSet *weights;
} Reader;

static Reader reader_create(void)
{
	Reader r = { .c = context_create(), .arena = arena_create() };
	r.c->max_bytes = TENSOR_LIMIT;
	return r;
}

static void reader_destroy(Reader *r)
{
	Str text;
	str_init(&text, r->arena);
	diag_sort(r->c->diag);
	diag_print(r->c->diag, &text, 0, false);
	weights_close(r->weights);
	arena_destroy(r->arena);
	context_destroy(r->c);
}

/* Read with an error, or refused without one. */
static void must_agree(const Reader *r, const void *result)
{
	if (!result == !diag_errors(r->c->diag))
		abort();
}

static const char *written(Reader *r, const ElemList *list, const char *weights)
{
	Str text;
	str_init(&text, r->arena);
	must_agree(r, xml_write(r->c, list, &text, weights) ? list : NULL);
	return str_text(&text);
}

/* What is written is read, and written alike. */
static void write_and_read(const char *text, const char *weights)
{
	Reader r = reader_create();
	ElemList *list = xml_read(r.c, r.arena, "/nowhere/again.xml", text, strlen(text));
	must_agree(&r, list);
	if (!list || strcmp(written(&r, list, weights), text) != 0)
		abort();
	reader_destroy(&r);
}

static void build(Reader *r, const ElemList *list, bool shapes_only)
{
	ReadOptions o = { .default_size = 2, .shapes_only = shapes_only };
	must_agree(r, build_graph(r->c, r->arena, list, r->weights, &o));
}

void bytes_as_xml(const uint8_t *data, size_t n)
{
	Reader r = reader_create();
	ElemList *list = xml_read(r.c, r.arena, "/nowhere/model.xml", (const char *)data, n);
	must_agree(&r, list);
	if (list) {
		write_and_read(written(&r, list, list->weights), list->weights);
		build(&r, list, true);
	}
	reader_destroy(&r);
}

void bytes_as_onnx(const uint8_t *data, size_t n)
{
	Reader r = reader_create();
	ElemList *list = onnx_read(r.c, r.arena, "/nowhere/model.onnx", data, n, &r.weights);
	must_agree(&r, list);
	if (list) {
		write_and_read(written(&r, list, NULL), NULL);
		build(&r, list, false);
	}
	reader_destroy(&r);
}

/* Every byte that a tensor claims is there. */
static void touch(const WeightSet *w)
{
	const char *name;
	volatile unsigned sum = 0;
	for (int i = 0; i < weights_count(w); i++) {
		const Blob *b = weights_at(w, i, &name);
		for (int64_t k = 0; k < type_bytes(b->type); k++)
			sum += ((const unsigned char *)b->data)[k];
		if (weights_find(w, name) != b)
			abort();
	}
}

void bytes_as_weights(bool (*read)(WeightSet *w, Bytes file), const uint8_t *data, size_t n)
{
	Reader r = reader_create();
	WeightSet *w = weights_create(r.c, r.arena, "/nowhere/model.weights");
	bool ok = read(w, (Bytes){ .at = data, .n = n });
	must_agree(&r, ok ? w : NULL);
	if (ok)
		touch(w);
	reader_destroy(&r);
}
