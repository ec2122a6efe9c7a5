/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The JSON writer: a stack of one bit pair per level is all it remembers. */
#include "base/json.h"
#include <inttypes.h>
#include <math.h>
#include <string.h>

void json_write(JsonWriter *w, Str *out, bool indent)
{
	*w = (JsonWriter){ .out = out, .indent = indent };
}

static void new_line(JsonWriter *w)
{
	if (!w->indent)
		return;
	str_char(w->out, '\n');
	for (int i = 0; i < w->depth; i++)
		str_add(w->out, "  ");
}

static void separate(JsonWriter *w)
{
	if (w->level[w->depth].filled)
		str_char(w->out, ',');
	w->level[w->depth].filled = true;
	new_line(w);
}

/* Before each value: is it allowed here, and what stands in front of it. */
static bool begin_value(JsonWriter *w)
{
	bool in_object = w->depth && w->level[w->depth].object;
	if (w->broken || w->done || in_object != w->keyed) {
		w->broken = true;
		return false;
	}
	if (w->depth && !in_object)
		separate(w);
	w->keyed = false;
	w->done = w->depth == 0;
	return true;
}

static void begin_nested(JsonWriter *w, bool object)
{
	if (!begin_value(w))
		return;
	if (w->depth == JSON_DEPTH) {
		w->broken = true;
		return;
	}
	str_char(w->out, object ? '{' : '[');
	w->done = false;
	w->depth++;
	w->level[w->depth].object = object;
	w->level[w->depth].filled = false;
}

void json_put_object(JsonWriter *w)
{
	begin_nested(w, true);
}

void json_put_array(JsonWriter *w)
{
	begin_nested(w, false);
}

void json_end(JsonWriter *w)
{
	if (w->broken || w->depth == 0 || w->keyed) {
		w->broken = true;
		return;
	}
	bool object = w->level[w->depth].object, filled = w->level[w->depth].filled;
	w->depth--;
	if (filled)
		new_line(w);
	str_char(w->out, object ? '}' : ']');
	w->done = w->depth == 0;
}

static void put_quoted(Str *out, const char *text)
{
	static const char special[] = "\"\\\b\f\n\r\t", name[] = "\"\\bfnrt";
	size_t n = strlen(text);
	str_char(out, '"');
	for (size_t i = 0; i < n;) {
		int bytes = utf8_next(text + i, n - i, NULL);
		const char *at = bytes == 1 ? strchr(special, text[i]) : NULL;
		if (at) {
			str_char(out, '\\');
			str_char(out, name[at - special]);
		} else if (bytes == 1 && ((unsigned char)text[i] < 0x20 || text[i] == 0x7f)) {
			str_fmt(out, "\\u%04x", (unsigned)text[i]);
		} else {
			str_addn(out, bytes ? text + i : "\xef\xbf\xbd", bytes ? (size_t)bytes : 3);
		}
		i += bytes ? (size_t)bytes : 1;
	}
	str_char(out, '"');
}

void json_put_key(JsonWriter *w, const char *key)
{
	if (w->broken || !w->depth || !w->level[w->depth].object || w->keyed) {
		w->broken = true;
		return;
	}
	separate(w);
	put_quoted(w->out, key);
	str_add(w->out, w->indent ? ": " : ":");
	w->keyed = true;
}

void json_put_text(JsonWriter *w, const char *text)
{
	if (!begin_value(w))
		return;
	if (text)
		put_quoted(w->out, text);
	else
		str_add(w->out, "null");
}

void json_put_int(JsonWriter *w, int64_t v)
{
	if (begin_value(w))
		str_fmt(w->out, "%" PRId64, v);
}

void json_put_real(JsonWriter *w, double v)
{
	if (!begin_value(w))
		return;
	if (isfinite(v))
		str_double(w->out, v);
	else
		str_add(w->out, "null");
}

void json_put_bool(JsonWriter *w, bool v)
{
	if (begin_value(w))
		str_add(w->out, v ? "true" : "false");
}

void json_put_null(JsonWriter *w)
{
	if (begin_value(w))
		str_add(w->out, "null");
}

bool json_done(const JsonWriter *w)
{
	return w->done && !w->broken;
}
