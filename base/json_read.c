/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The JSON reader: recursive descent over bytes, bounded by JSON_DEPTH. The first error ends it. */
#include "base/json.h"
#include "base/map.h"
#include <limits.h>
#include <string.h>

enum { INDEXED = 8 }; /* objects with more members get a map */

typedef struct Reader {
	Arena *arena;
	const char *text;
	size_t at, n;
	int depth;
	JsonError *error;
} Reader;

static bool fail(Reader *r, size_t offset, const char *message)
{
	*r->error = (JsonError){ .offset = offset, .message = message };
	return false;
}

static int peek(const Reader *r)
{
	return r->at < r->n ? (unsigned char)r->text[r->at] : -1;
}

static bool take(Reader *r, char c)
{
	if (peek(r) != c)
		return false;
	r->at++;
	return true;
}

static void skip_space(Reader *r)
{
	while (r->at < r->n && memchr(" \t\n\r", r->text[r->at], 4))
		r->at++;
}

static bool take_digits(Reader *r)
{
	size_t from = r->at;
	while (peek(r) >= '0' && peek(r) <= '9')
		r->at++;
	return r->at > from;
}

/* The grammar of RFC 8259: no '+', no zero in front, digits on both sides of a point. */
static bool read_number(Reader *r, JsonValue *v)
{
	size_t from = r->at;
	bool whole = true;
	take(r, '-');
	if (!take(r, '0') && !take_digits(r))
		return fail(r, from, "a digit is missing");
	if (take(r, '.')) {
		whole = false;
		if (!take_digits(r))
			return fail(r, r->at, "a digit is missing after the point");
	}
	if (take(r, 'e') || take(r, 'E')) {
		whole = false;
		if (!take(r, '-'))
			take(r, '+');
		if (!take_digits(r))
			return fail(r, r->at, "a digit is missing in the exponent");
	}
	size_t n = r->at - from;
	bool minus_zero = whole && n == 2 && !memcmp(r->text + from, "-0", 2);
	v->kind = JSON_INT;
	if (whole && !minus_zero && parse_i64(r->text + from, n, &v->integer))
		return true;
	v->kind = JSON_REAL;
	return parse_f64(r->text + from, n, &v->real) || fail(r, from, "the number is too large");
}

static bool read_hex4(Reader *r, uint32_t *code)
{
	*code = 0;
	for (int i = 0; i < 4; i++, r->at++) {
		int c = peek(r), low = c | 0x20;
		if (c >= '0' && c <= '9')
			*code = *code << 4 | (uint32_t)(c - '0');
		else if (c > 0 && low >= 'a' && low <= 'f')
			*code = *code << 4 | (uint32_t)(low - 'a' + 10);
		else
			return fail(r, r->at, "four hexadecimal digits belong after \\u");
	}
	return true;
}

static void add_utf8(Str *s, uint32_t c)
{
	if (c < 0x80) {
		str_char(s, (char)c);
		return;
	}
	int more = c < 0x800 ? 1 : c < 0x10000 ? 2 : 3;
	str_char(s, (char)((0xf00 >> (more + 1)) | c >> (6 * more)));
	while (more--)
		str_char(s, (char)(0x80 | (c >> (6 * more) & 0x3f)));
}

static bool read_unicode(Reader *r, size_t from, Str *s)
{
	uint32_t code, low;
	if (!read_hex4(r, &code))
		return false;
	if (code >= 0xd800 && code < 0xdc00) {
		if (!take(r, '\\') || !take(r, 'u'))
			return fail(r, from, "half of a surrogate pair");
		if (!read_hex4(r, &low))
			return false;
		if (low < 0xdc00 || low > 0xdfff)
			return fail(r, from, "half of a surrogate pair");
		code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
	} else if (code >= 0xdc00 && code < 0xe000) {
		return fail(r, from, "half of a surrogate pair");
	}
	if (code == 0)
		return fail(r, from, "NUL in a string");
	add_utf8(s, code);
	return true;
}

static bool read_escape(Reader *r, Str *s)
{
	static const char names[] = "\"\\/bfnrt", values[] = "\"\\/\b\f\n\r\t";
	size_t from = r->at++;
	int c = peek(r);
	if (c == 'u') {
		r->at++;
		return read_unicode(r, from, s);
	}
	const char *name = c > 0 ? strchr(names, c) : NULL;
	if (!name)
		return fail(r, from, "unknown escape");
	str_char(s, values[name - names]);
	r->at++;
	return true;
}

static bool read_string(Reader *r, const char **out)
{
	Str s;
	size_t from = r->at++;
	str_init(&s, r->arena);
	for (;;) {
		int c = peek(r);
		if (c < 0)
			return fail(r, from, "the string does not end");
		if (c == '"')
			break;
		if (c < 0x20)
			return fail(r, r->at, "control character in a string");
		if (c == '\\') {
			if (!read_escape(r, &s))
				return false;
			continue;
		}
		int bytes = utf8_next(r->text + r->at, r->n - r->at, NULL);
		if (!bytes)
			return fail(r, r->at, "not UTF-8");
		str_addn(&s, r->text + r->at, (size_t)bytes);
		r->at += (size_t)bytes;
	}
	r->at++;
	*out = str_text(&s);
	return true;
}

static bool read_value(Reader *r, JsonValue *v);

/* Links the member behind `last` and refuses a key that is there already. */
static bool add_member(Reader *r, JsonValue *parent, JsonValue *last, JsonValue *member)
{
	if (member->key && json_get(parent, member->key))
		return fail(r, member->offset, "the key is there twice");
	if (parent->n == INT_MAX)
		return fail(r, member->offset, "too many members");
	if (last)
		last->next = member;
	else
		parent->first = member;
	parent->n++;
	if (!member->key || parent->n <= INDEXED)
		return true;
	if (parent->index) {
		map_put_str(parent->index, member->key, member);
		return true;
	}
	Map *index = map_create(r->arena);
	JSON_EACH(m, parent)
	map_put_str(index, m->key, (void *)(uintptr_t)m);
	parent->index = index;
	return true;
}

static bool read_key(Reader *r, const char **key)
{
	if (peek(r) != '"')
		return fail(r, r->at, "a key in quotes is missing");
	if (!read_string(r, key))
		return false;
	skip_space(r);
	return take(r, ':') || fail(r, r->at, "':' is missing after the key");
}

static bool read_members(Reader *r, JsonValue *parent)
{
	bool object = parent->kind == JSON_OBJECT;
	char close = object ? '}' : ']';
	JsonValue *last = NULL;
	skip_space(r);
	if (take(r, close))
		return true;
	do {
		JsonValue *member = ARENA_NEW(r->arena, JsonValue);
		skip_space(r);
		member->offset = r->at;
		if (object && !read_key(r, &member->key))
			return false;
		if (!add_member(r, parent, last, member) || !read_value(r, member))
			return false;
		last = member;
		skip_space(r);
	} while (take(r, ','));
	return take(r, close) ||
	       fail(r, r->at, object ? "',' or '}' is missing" : "',' or ']' is missing");
}

static bool read_nested(Reader *r, JsonValue *v, JsonKind kind)
{
	if (r->depth == JSON_DEPTH)
		return fail(r, r->at, "nested too deeply");
	r->depth++;
	r->at++;
	v->kind = kind;
	bool ok = read_members(r, v);
	r->depth--;
	return ok;
}

static bool read_word(Reader *r, const char *word)
{
	size_t n = strlen(word);
	if (r->n - r->at < n || memcmp(r->text + r->at, word, n))
		return fail(r, r->at, "a value is missing");
	r->at += n;
	return true;
}

static bool read_value(Reader *r, JsonValue *v)
{
	skip_space(r);
	v->offset = r->at;
	switch (peek(r)) {
	case '{': return read_nested(r, v, JSON_OBJECT);
	case '[': return read_nested(r, v, JSON_ARRAY);
	case '"': v->kind = JSON_STRING; return read_string(r, &v->text);
	case 't':
		v->kind = JSON_BOOL;
		v->truth = true;
		return read_word(r, "true");
	case 'f': v->kind = JSON_BOOL; return read_word(r, "false");
	case 'n': return read_word(r, "null");
	default: break;
	}
	if (peek(r) == '-' || (peek(r) >= '0' && peek(r) <= '9'))
		return read_number(r, v);
	return fail(r, r->at, "a value is missing");
}

const JsonValue *json_parse(Arena *arena, const char *text, size_t n, JsonError *error)
{
	Reader r = { .arena = arena, .text = text, .n = n, .error = error };
	JsonValue *v = ARENA_NEW(arena, JsonValue);
	if (!read_value(&r, v))
		return NULL;
	skip_space(&r);
	if (r.at < r.n) {
		fail(&r, r.at, "more text after the value");
		return NULL;
	}
	return v;
}

const JsonValue *json_get(const JsonValue *object, const char *key)
{
	if (!object || object->kind != JSON_OBJECT)
		return NULL;
	if (object->index)
		return map_get_str(object->index, key);
	JSON_EACH(m, object)
	if (str_eq(m->key, key))
		return m;
	return NULL;
}

const JsonValue *json_at(const JsonValue *array, int i)
{
	if (!array || array->kind != JSON_ARRAY || i < 0)
		return NULL;
	JSON_EACH(m, array)
	if (i-- == 0)
		return m;
	return NULL;
}

bool json_int(const JsonValue *v, int64_t *out)
{
	if (!v || v->kind != JSON_INT)
		return false;
	*out = v->integer;
	return true;
}

bool json_real(const JsonValue *v, double *out)
{
	if (!v || (v->kind != JSON_REAL && v->kind != JSON_INT))
		return false;
	*out = v->kind == JSON_REAL ? v->real : (double)v->integer;
	return true;
}

bool json_text(const JsonValue *v, const char **out)
{
	if (!v || v->kind != JSON_STRING)
		return false;
	*out = v->text;
	return true;
}

bool json_bool(const JsonValue *v, bool *out)
{
	if (!v || v->kind != JSON_BOOL)
		return false;
	*out = v->truth;
	return true;
}
