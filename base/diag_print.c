/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Printing diagnostics: place and message, the source line, a caret under the place with the hint
 * behind it. What a file's author wrote goes through cell(): control characters, invalid UTF-8 and
 * characters that reorder text are shown escaped, so that no model can fake a message or drive the
 * terminal. Columns are counted in cells of the screen. */
#include "base/diag_impl.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TAB = 8, WIDEST = 100, BEFORE_CARET = 40, LOOKED_AT = 400 };

typedef struct Cell {
	char text[12];
	int bytes, width; /* of the input; of the screen */
} Cell;

static bool in_ranges(uint32_t code, const uint32_t (*range)[2], int n)
{
	for (int i = 0; i < n; i++)
		if (code >= range[i][0] && code <= range[i][1])
			return true;
	return false;
}

#define IN(code, table) in_ranges((code), (table), (int)(sizeof(table) / sizeof *(table)))
static const uint32_t unprintable[][2] = { { 0x80, 0x9f },     { 0xad, 0xad },
					   { 0x200b, 0x200f }, { 0x2028, 0x202e },
					   { 0x2060, 0x206f }, { 0xfeff, 0xfeff },
					   { 0xfff9, 0xfffb }, { 0xe0000, 0xe0fff } };
static const uint32_t combining[][2] = { { 0x300, 0x36f },   { 0x483, 0x489 },   { 0x591, 0x5bd },
					 { 0x610, 0x61a },   { 0x64b, 0x65f },   { 0x1ab0, 0x1aff },
					 { 0x1dc0, 0x1dff }, { 0x20d0, 0x20ff }, { 0xfe00, 0xfe0f },
					 { 0xfe20, 0xfe2f } };
static const uint32_t wide[][2] = { { 0x1100, 0x115f },  { 0x2e80, 0xa4cf },   { 0xac00, 0xd7a3 },
				    { 0xf900, 0xfaff },  { 0xfe30, 0xfe6f },   { 0xff00, 0xff60 },
				    { 0xffe0, 0xffe6 },  { 0x1f300, 0x1f64f }, { 0x1f900, 0x1f9ff },
				    { 0x20000, 0x3fffd } };

/* The character at `at` as it is shown. */
static Cell cell(const char *at, size_t n)
{
	uint32_t code = 0;
	Cell c = { .bytes = utf8_next(at, n, &code), .width = 1 };
	if (!c.bytes || code < 0x20 || code == 0x7f) {
		c.bytes = 1;
		c.width = snprintf(c.text, sizeof c.text, "\\x%02x", (unsigned char)*at);
	} else if (IN(code, unprintable)) {
		c.width = snprintf(c.text, sizeof c.text, "\\u%04x", code);
	} else {
		memcpy(c.text, at, (size_t)c.bytes);
		c.width = IN(code, combining) ? 0 : IN(code, wide) ? 2 : 1;
	}
	return c;
}

/* The same in an excerpt, where tabs reach to the next multiple of TAB. */
static Cell cell_in_line(const char *at, size_t n, int column)
{
	Cell c = { .bytes = 1, .width = TAB - column % TAB };
	if (*at != '\t')
		return cell(at, n);
	memset(c.text, ' ', (size_t)c.width);
	return c;
}

static void add_escaped(Str *out, const char *text)
{
	size_t n = strlen(text);
	for (size_t i = 0; i < n;) {
		Cell c = cell(text + i, n - i);
		str_add(out, c.text);
		i += (size_t)c.bytes;
	}
}

static void add_times(Str *out, char c, int n)
{
	for (int i = 0; i < n; i++)
		str_char(out, c);
}

/* --- excerpt --------------------------------------------------------------------------------- */

typedef struct Line {
	const char *at;
	size_t n;
} Line;

static bool find_line(const Diag *d, const Loc *loc, Line *out)
{
	const DiagSource *s = NULL;
	for (int i = 0; i < d->source.n && !s && loc->file && loc->line > 0; i++)
		if (str_eq(d->source.at[i].file, loc->file))
			s = &d->source.at[i];
	if (!s || !s->n)
		return false;
	const char *at = s->text, *end = s->text + s->n;
	for (int line = 1; line < loc->line; line++) {
		at = memchr(at, '\n', (size_t)(end - at));
		if (!at || ++at == end)
			return false;
	}
	const char *stop = memchr(at, '\n', (size_t)(end - at));
	stop = stop ? stop : end;
	if (stop > at && stop[-1] == '\r')
		stop--;
	*out = (Line){ .at = at, .n = (size_t)(stop - at) };
	return true;
}

/* The part of a line that is shown: bytes from..to of it were measured, screen columns left..right
 * of those are printed, the carets stand under columns caret..caret_end. */
typedef struct View {
	size_t from, to;
	int left, right, width, caret, caret_end;
} View;

static bool is_inside_character(const Line *l, size_t i)
{
	return i < l->n && (l->at[i] & 0xc0) == 0x80;
}

static View measure(const Line *l, size_t at, size_t len)
{
	View v = { .from = at > LOOKED_AT ? at - LOOKED_AT : 0,
		   .to = l->n - at > LOOKED_AT ? at + LOOKED_AT : l->n };
	while (v.from < at && is_inside_character(l, v.from))
		v.from++;
	while (is_inside_character(l, v.to))
		v.to++;
	v.caret = -1;
	for (size_t i = v.from; i < v.to;) {
		Cell c = cell_in_line(l->at + i, v.to - i, v.width);
		i += (size_t)c.bytes;
		if (v.caret < 0 && i > at)
			v.caret = v.width;
		v.width += c.width;
		if (i <= at + len)
			v.caret_end = v.width;
	}
	if (v.caret < 0)
		v.caret = v.width; /* behind the last character */
	v.right = v.width;
	if (v.width > WIDEST) {
		v.left = v.caret > BEFORE_CARET ? v.caret - BEFORE_CARET : 0;
		if (v.left > v.width - WIDEST)
			v.left = v.width - WIDEST;
		v.right = v.left + WIDEST;
	}
	if (v.caret_end > v.right)
		v.caret_end = v.right;
	if (v.caret_end <= v.caret)
		v.caret_end = v.caret + 1;
	return v;
}

static void add_view(Str *out, const Line *l, const View *v)
{
	int column = 0;
	for (size_t i = v->from; i < v->to;) {
		Cell c = cell_in_line(l->at + i, v->to - i, column);
		i += (size_t)c.bytes;
		int end = column + c.width;
		if (column >= v->left && end <= v->right)
			str_add(out, c.text);
		else if (column < v->left && end > v->left)
			add_times(out, ' ', end - v->left);
		column = end;
	}
}

typedef struct Printer {
	const Diag *d;
	Str *out;
	bool colour;
} Printer;

static void paint(Printer *p, const char *sgr)
{
	if (p->colour)
		str_fmt(p->out, "\033[%sm", sgr);
}

static void add_gutter(Printer *p, int width)
{
	add_times(p->out, ' ', width);
	str_add(p->out, " | ");
}

static void add_hint(Printer *p, const char *hint)
{
	if (hint)
		add_escaped(p->out, hint);
	str_char(p->out, '\n');
}

static bool add_excerpt(Printer *p, const DiagEntry *e)
{
	Line l;
	if (!find_line(p->d, &e->loc, &l))
		return false;
	size_t at = e->loc.col > 0 ? (size_t)e->loc.col - 1 : 0;
	at = at < l.n ? at : l.n;
	View v = measure(&l, at, e->loc.len > 0 ? (size_t)e->loc.len : 1);
	bool cut_left = v.from > 0 || v.left > 0, cut_right = v.to < l.n || v.right < v.width;
	char number[16];
	int gutter = snprintf(number, sizeof number, "%4d", e->loc.line);
	str_fmt(p->out, "%s | %s", number, cut_left ? "..." : "");
	add_view(p->out, &l, &v);
	str_add(p->out, cut_right ? "...\n" : "\n");
	if (e->loc.col <= 0 && !e->hint)
		return true;
	add_gutter(p, gutter);
	if (e->loc.col > 0) {
		add_times(p->out, ' ', v.caret - v.left + (cut_left ? 3 : 0));
		paint(p, "32;1");
		add_times(p->out, '^', v.caret_end - v.caret);
		paint(p, "0");
		str_add(p->out, e->hint ? " " : "");
	}
	add_hint(p, e->hint);
	return true;
}

/* --- entries --------------------------------------------------------------------------------- */

static void add_place(Printer *p, const Loc *loc)
{
	if (!loc->file)
		return;
	paint(p, "1");
	add_escaped(p->out, loc->file);
	if (loc->line > 0)
		str_fmt(p->out, ":%d", loc->line);
	if (loc->line > 0 && loc->col > 0)
		str_fmt(p->out, ":%d", loc->col);
	str_add(p->out, ": ");
	paint(p, "0");
}

static void add_severity(Printer *p, const DiagEntry *e)
{
	static const struct {
		const char *word, *sgr;
	} look[] = {
		[SEV_ERROR] = { .word = "error", .sgr = "31;1" },
		[SEV_WARNING] = { .word = "warning", .sgr = "35;1" },
		[SEV_NOTE] = { .word = "note", .sgr = "36;1" },
	};
	paint(p, look[e->severity].sgr);
	str_add(p->out, look[e->severity].word);
	if (e->severity != SEV_NOTE)
		str_fmt(p->out, "[%s]", diag_code_name(e->code));
	paint(p, "0");
	str_add(p->out, ": ");
}

/* Where there is no line: the name of the element or node. */
static void add_element(Printer *p, const Loc *loc)
{
	if (loc->line > 0 || (!loc->element && loc->col <= 0))
		return;
	str_add(p->out, " [");
	if (loc->col > 0)
		str_fmt(p->out, "node %d%s", loc->col, loc->element ? " " : "");
	if (loc->element) {
		str_char(p->out, '\'');
		add_escaped(p->out, loc->element);
		str_char(p->out, '\'');
	}
	str_char(p->out, ']');
}

static void add_entry(Printer *p, const DiagEntry *e)
{
	add_place(p, &e->loc);
	add_severity(p, e);
	add_escaped(p->out, e->message);
	add_element(p, &e->loc);
	str_char(p->out, '\n');
	if (!add_excerpt(p, e) && e->hint) {
		add_gutter(p, 4);
		add_hint(p, e->hint);
	}
}

static void add_count(Str *out, int n, const char *what)
{
	if (n)
		str_fmt(out, "%s%d %s%s", out->n && out->at[out->n - 1] != '\n' ? ", " : "", n,
			what, n == 1 ? "" : "s");
}

static int compare_pointers(const void *a, const void *b)
{
	return diag_compare(*(const DiagItem *const *)a, *(const DiagItem *const *)b);
}

void diag_print(const Diag *d, Str *out, int max, bool colour)
{
	Printer p = { .d = d, .out = out, .colour = colour };
	const DiagItem *order[DIAG_KEPT];
	for (int i = 0; i < d->item.n; i++)
		order[i] = &d->item.at[i];
	qsort(order, (size_t)d->item.n, sizeof *order, compare_pointers);
	int shown = 0, all = d->errors + d->warnings;
	const DiagEntry *explained = NULL;
	for (int i = 0; i < d->item.n; i++) {
		const DiagEntry *e = &order[i]->entry;
		if (e->severity != SEV_NOTE && max > 0 && shown == max)
			break;
		shown += e->severity != SEV_NOTE;
		if (!explained || e->severity == SEV_ERROR)
			explained = e;
		add_entry(&p, e);
	}
	if (!all)
		return;
	if (shown < all)
		str_fmt(out, "... and %d more\n", all - shown);
	add_count(out, d->errors, "error");
	add_count(out, d->warnings, "warning");
	str_fmt(out, ". `burin help %s` explains.\n", diag_code_name(explained->code));
}
