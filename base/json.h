/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* JSON, read strictly and written as a stream. Read: UTF-8 without a byte order mark, nesting to
 * 64, no key twice in an object, no NUL in a string, whole numbers exact when they fit 64 bits.
 * What is read lives in the arena. */
#ifndef BASE_JSON_H
#define BASE_JSON_H
#include "base/arena.h"
#include "base/str.h"
#include <stdbool.h>
#include <stdint.h>

enum { JSON_DEPTH = 64 };

typedef enum JsonKind {
	JSON_NULL,
	JSON_BOOL,
	JSON_INT,
	JSON_REAL,
	JSON_STRING,
	JSON_ARRAY,
	JSON_OBJECT
} JsonKind;

typedef struct JsonValue JsonValue;
struct JsonValue {
	JsonKind kind;
	int n;                 /* ARRAY, OBJECT: members */
	size_t offset;         /* of its first byte in the text */
	const char *key;       /* in an object, else NULL */
	const JsonValue *next; /* of the same array or object */
	union {
		bool truth;
		int64_t integer;
		double real;
		const char *text;
		struct {
			const JsonValue *first;
			struct Map *index; /* of objects with many members */
		};
	};
};

typedef struct JsonError {
	size_t offset;
	const char *message; /* "a comma or ']' is missing" */
} JsonError;

const JsonValue *json_parse(Arena *arena, const char *text, size_t n, JsonError *error);
const JsonValue *json_get(const JsonValue *object, const char *key); /* NULL: none, or no object */
const JsonValue *json_at(const JsonValue *array, int i);
#define JSON_EACH(item, parent) \
	for (const JsonValue *item = (parent)->first; item; item = item->next)

/* The value when it is of the kind, else false and *out as it was; value may be NULL. */
bool json_int(const JsonValue *v, int64_t *out);
bool json_real(const JsonValue *v, double *out); /* INT too */
bool json_text(const JsonValue *v, const char **out);
bool json_bool(const JsonValue *v, bool *out);

/* Writer: calls nest as the text does; json_end closes the innermost array or object. A call out of
 * place writes nothing and makes json_done return false. Values that are no numbers become null,
 * bytes that are no UTF-8 become U+FFFD. */
typedef struct JsonWriter {
	Str *out;
	int depth;
	bool indent, broken, done;
	bool keyed; /* a key was written, its value is next */
	struct {
		bool object, filled;
	} level[JSON_DEPTH + 1];
} JsonWriter;

void json_write(JsonWriter *w, Str *out, bool indent); /* starts */
void json_put_object(JsonWriter *w);
void json_put_array(JsonWriter *w);
void json_end(JsonWriter *w);
void json_put_key(JsonWriter *w, const char *key);
void json_put_text(JsonWriter *w, const char *text); /* NULL: null */
void json_put_int(JsonWriter *w, int64_t v);
void json_put_real(JsonWriter *w, double v);
void json_put_bool(JsonWriter *w, bool v);
void json_put_null(JsonWriter *w);
bool json_done(const JsonWriter *w); /* one complete value was written */
#endif
