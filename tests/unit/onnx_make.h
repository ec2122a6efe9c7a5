/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* ONNX models for tests, written down as text. A node is "Op x w -> y axis:i=1 pads:I=1,1
 * mode:s=edge alpha:f=0.5 value:t=i64[1]=5"; "-" is an input left out. An initialiser is "name:i64[2]=1,2" or,
 * without brackets, a scalar. */
#ifndef TESTS_ONNX_MAKE_H
#define TESTS_ONNX_MAKE_H
#include "frontend/frontend.h"
#include "frontend/protobuf.h"
#include <stdlib.h>

typedef struct Words {
	const char *at;
	char word[256];
} Words;

static inline bool next_word(Words *w)
{
	size_t n = 0;
	while (*w->at == ' ')
		w->at++;
	while (*w->at && *w->at != ' ' && n < sizeof(w->word) - 1)
		w->word[n++] = *w->at++;
	w->word[n] = '\0';
	return n > 0;
}

/* The numbers of "1,2,3". */
static inline int number_list(const char *text, Num *v, int max)
{
	int n = 0;
	while (*text && n < max) {
		size_t len = strcspn(text, ",");
		if (!num_parse(text, len, &v[n++]))
			abort();
		text += len + (text[len] == ',');
	}
	return n;
}

static inline void put_tensor_as(Arena *a, Str *out, uint32_t field, const char *text);

static inline void put_attr(Arena *a, Str *node, char *word)
{
	char *colon = strchr(word, ':'), *value = colon + 3;
	Num v[64];
	Str s;
	str_init(&s, a);
	*colon = '\0';
	pb_put_text(&s, 1, word);
	if (colon[1] == 't') {
		put_tensor_as(a, &s, 5, arena_printf(a, ":%s", value));
		pb_put_varint(&s, 20, 4);
		pb_put_message(node, 5, &s);
		return;
	}
	int n = colon[1] == 's' ? 0 : number_list(value, v, 64);
	switch (colon[1]) {
	case 'i': pb_put_varint(&s, 3, (uint64_t)v[0].i); break;
	case 'f': pb_put_float(&s, 2, (float)v[0].f); break;
	case 's': pb_put_text(&s, 4, value); break;
	case 'I':
		for (int i = 0; i < n; i++)
			pb_put_varint(&s, 8, (uint64_t)v[i].i);
		break;
	case 'F':
		for (int i = 0; i < n; i++)
			pb_put_float(&s, 7, (float)v[i].f);
		break;
	}
	static const char kinds[] = { 'f', 1, 'i', 2, 's', 3, 'F', 6, 'I', 7 };
	for (size_t i = 0; i < sizeof(kinds); i += 2)
		if (kinds[i] == colon[1])
			pb_put_varint(&s, 20, (uint64_t)kinds[i + 1]);
	pb_put_message(node, 5, &s);
}

static inline void put_node(Arena *a, Str *graph, const char *text)
{
	Words w = { .at = text };
	Str s;
	str_init(&s, a);
	next_word(&w);
	char *dot = strrchr(w.word, '.'); /* domain.Op */
	pb_put_text(&s, 4, dot ? dot + 1 : w.word);
	if (dot)
		pb_put_bytes(&s, 7, w.word, (size_t)(dot - w.word));
	for (uint32_t field = 1; next_word(&w);) {
		if (str_eq(w.word, "->"))
			field = 2;
		else if (field == 2 && strchr(w.word, ':') && strchr(w.word, '='))
			put_attr(a, &s, w.word);
		else
			pb_put_text(&s, field, str_eq(w.word, "-") ? "" : w.word);
	}
	pb_put_message(graph, 1, &s);
}

static inline int onnx_code(DType t)
{
	static const int code[DT_COUNT] = {
		[DT_f32] = 1, [DT_f64] = 11, [DT_f16] = 10, [DT_bf16] = 16, [DT_i8] = 3,
		[DT_u8] = 2,  [DT_i16] = 5,  [DT_i32] = 6,  [DT_i64] = 7,   [DT_bool] = 9
	};
	return code[t];
}

static inline void put_tensor_as(Arena *a, Str *out, uint32_t field, const char *text)
{
	Num v[64];
	DType t = DT_f32;
	char *word = arena_strdup(a, text), *colon = strchr(word, ':'), *value = strchr(word, '=');
	char *dims = strchr(colon, '[');
	Str s;
	str_init(&s, a);
	*colon = *value = '\0';
	if (dims) {
		*strchr(dims, ']') = '\0';
		*dims++ = '\0';
	}
	if (!dtype_find(colon + 1, &t))
		abort();
	for (int i = 0, n = dims ? number_list(dims, v, 64) : 0; i < n; i++)
		pb_put_varint(&s, 1, (uint64_t)v[i].i);
	pb_put_varint(&s, 2, (uint64_t)onnx_code(t));
	pb_put_text(&s, 8, word);
	int n = number_list(value + 1, v, 64);
	char data[64 * 8];
	for (int i = 0; i < n; i++)
		num_store(t, data, i, v[i]);
	pb_put_bytes(&s, 9, data, (size_t)(n * dtype_info[t].bytes));
	pb_put_message(out, field, &s);
}

static inline void put_tensor(Arena *a, Str *graph, const char *text)
{
	put_tensor_as(a, graph, 5, text);
}

/* "x:f32[2,N]" as input (field 11) or output (12); without brackets its shape is not told. */
static inline void put_value(Arena *a, Str *graph, uint32_t field, const char *text)
{
	char *word = arena_strdup(a, text), *colon = strchr(word, ':');
	Str s, shape, tensor, type;
	DType t = DT_f32;
	str_init(&s, a), str_init(&shape, a), str_init(&tensor, a), str_init(&type, a);
	char *dims = colon ? strchr(colon, '[') : NULL;
	if (colon)
		*colon = '\0';
	if (dims)
		*dims++ = '\0';
	if (colon && !dtype_find(colon + 1, &t))
		abort();
	pb_put_varint(&tensor, 1, (uint64_t)onnx_code(t));
	for (char *item = dims ? strtok(dims, ",]") : NULL; item; item = strtok(NULL, ",]")) {
		Str dim;
		str_init(&dim, a);
		if (*item >= '0' && *item <= '9')
			pb_put_varint(&dim, 1, (uint64_t)atoi(item));
		else if (*item != '?')
			pb_put_text(&dim, 2, item);
		pb_put_message(&shape, 1, &dim);
	}
	if (dims)
		pb_put_message(&tensor, 2, &shape);
	pb_put_message(&type, 1, &tensor);
	pb_put_text(&s, 1, word);
	pb_put_message(&s, 2, &type);
	pb_put_message(graph, field, &s);
}

/* Every text is a list with ';' between its items. */
typedef struct OnnxText {
	int opset;
	const char *node, *init, *input,
		*output; /* init, input, output may be NULL: none, x:f32[2,3,4,4], y */
} OnnxText;

static inline void put_items(Arena *a, Str *graph, const char *list,
			     void (*put)(Arena *, Str *, const char *))
{
	while (list && *list) {
		size_t n = strcspn(list, ";");
		put(a, graph, arena_strndup(a, list, n));
		list += n + (list[n] == ';');
	}
}

static inline void put_input(Arena *a, Str *graph, const char *text)
{
	put_value(a, graph, 11, text);
}

static inline void put_output(Arena *a, Str *graph, const char *text)
{
	put_value(a, graph, 12, text);
}

static inline Str onnx_graph(Arena *a, const OnnxText *t)
{
	Str graph;
	str_init(&graph, a);
	put_items(a, &graph, t->node, put_node);
	put_items(a, &graph, t->init, put_tensor);
	put_items(a, &graph, t->input ? t->input : "x:f32[2,3,4,4]", put_input);
	put_items(a, &graph, t->output ? t->output : "y", put_output);
	return graph;
}

static inline Str onnx_model(Arena *a, const OnnxText *t)
{
	Str graph = onnx_graph(a, t), model, import;
	str_init(&model, a), str_init(&import, a);
	pb_put_varint(&import, 2, (uint64_t)t->opset);
	pb_put_varint(&model, 1, 8);
	pb_put_message(&model, 8, &import);
	pb_put_message(&model, 7, &graph);
	return model;
}
#endif
