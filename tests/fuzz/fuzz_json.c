/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Any bytes as JSON: refused, or read, written and read again with the same result. */
#include "base/json.h"
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void copy(JsonWriter *w, const JsonValue *v)
{
	if (v->key)
		json_put_key(w, v->key);
	switch (v->kind) {
	case JSON_NULL: json_put_null(w); return;
	case JSON_BOOL: json_put_bool(w, v->truth); return;
	case JSON_INT: json_put_int(w, v->integer); return;
	case JSON_REAL: json_put_real(w, v->real); return;
	case JSON_STRING: json_put_text(w, v->text); return;
	case JSON_ARRAY: json_put_array(w); break;
	case JSON_OBJECT: json_put_object(w); break;
	}
	JSON_EACH(item, v)
	copy(w, item);
	json_end(w);
}

static const char *text_of(Arena *arena, const JsonValue *v)
{
	Str s;
	JsonWriter w;
	str_init(&s, arena);
	json_write(&w, &s, false);
	copy(&w, v);
	if (!json_done(&w))
		abort();
	return str_text(&s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	Arena *arena = arena_create();
	JsonError e = { .offset = 0 };
	const JsonValue *v = json_parse(arena, (const char *)data, n, &e);
	if (v) {
		const char *once = text_of(arena, v);
		const JsonValue *again = json_parse(arena, once, strlen(once), &e);
		if (!again || strcmp(once, text_of(arena, again)) != 0)
			abort();
	} else if (e.offset > n || !e.message) {
		abort();
	}
	arena_destroy(arena);
	return 0;
}
