/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The pre-scan: one pass over the bytes before libxml2 sees any of them. It refuses the constructs
 * that are dangerous or slow in a parser (DOCTYPE and with it every entity trick, other encodings,
 * giant tags), and remembers where each line and each start tag begins. The tags it counts are
 * those the parser reports, in the same order, which gives every element and attribute an exact
 * place without relying on the parser's buffers. */
#include "frontend/xml_tree.h"

typedef struct Scan {
	Context *c;
	Arena *arena;
	XmlText *x;
	size_t at;
} Scan;

Loc xml_loc(const XmlText *x, size_t offset, int len)
{
	int low = 0, high = x->line.n - 1;
	while (low < high) {
		int mid = (low + high + 1) / 2;
		if (x->line.at[mid] <= offset)
			low = mid;
		else
			high = mid - 1;
	}
	size_t start = x->line.n ? x->line.at[low] : 0;
	return (Loc){
		.file = x->file, .line = low + 1, .col = (int)(offset - start) + 1, .len = len
	};
}

static bool refuse(Scan *s, size_t at, DiagCode code, const char *what, const char *hint)
{
	diag_error(s->c->diag, xml_loc(s->x, at, 0), code, "%s", what);
	if (hint)
		diag_hint(s->c->diag, "%s", hint);
	return false;
}

/* Length of the UTF-8 sequence at p, 0 when it is none (overlong, surrogate, above U+10FFFF, cut).
 */
static size_t utf8_length(const unsigned char *p, size_t left)
{
	static const struct {
		unsigned char mask, lead, low, high; /* low, high: bounds of the second byte */
		size_t length;
	} row[] = {
		{ 0xff, 0xe0, 0xa0, 0xbf, 3 }, { 0xff, 0xed, 0x80, 0x9f, 3 },
		{ 0xff, 0xf0, 0x90, 0xbf, 4 }, { 0xff, 0xf4, 0x80, 0x8f, 4 },
		{ 0xe0, 0xc0, 0x80, 0xbf, 2 }, { 0xf0, 0xe0, 0x80, 0xbf, 3 },
		{ 0xf8, 0xf0, 0x80, 0xbf, 4 },
	};
	if (p[0] < 0x80)
		return 1;
	if (p[0] < 0xc2 || p[0] > 0xf4)
		return 0;
	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		if ((p[0] & row[i].mask) != row[i].lead)
			continue;
		if (left < row[i].length || p[1] < row[i].low || p[1] > row[i].high)
			return 0;
		for (size_t k = 2; k < row[i].length; k++)
			if ((p[k] & 0xc0) != 0x80)
				return 0;
		return row[i].length;
	}
	return 0;
}

/* Bytes are text, and lines are counted. */
static bool scan_bytes(Scan *s)
{
	XmlText *x = s->x;
	vec_push(s->arena, &x->line, 0);
	for (size_t i = 0; i < x->n;) {
		unsigned char ch = (unsigned char)x->text[i];
		if (ch == 0)
			return refuse(s, i, E2002, "the file holds a zero byte",
				      "is it really XML text in UTF-8?");
		size_t length = utf8_length((const unsigned char *)x->text + i, x->n - i);
		if (length == 0)
			return refuse(s, i, E2002, "these bytes are not UTF-8",
				      "save the file in UTF-8");
		i += length;
		if (ch == '\n')
			vec_push(s->arena, &x->line, (uint32_t)i);
	}
	return true;
}

static bool at_text(const Scan *s, const char *what)
{
	size_t n = strlen(what);
	return s->x->n - s->at >= n && memcmp(s->x->text + s->at, what, n) == 0;
}

/* Moves behind the next `end`; at the end of the file when there is none: the parser will report
 * that. */
static void skip_to(Scan *s, const char *end)
{
	const char *hit = memmem(s->x->text + s->at, s->x->n - s->at, end, strlen(end));
	s->at = hit ? (size_t)(hit - s->x->text) + strlen(end) : s->x->n;
}

/* <?xml ... encoding="..."?> may name UTF-8 or its subset only. */
static bool scan_declaration(Scan *s)
{
	size_t start = s->at;
	skip_to(s, "?>");
	size_t n = s->at - start;
	const char *text = s->x->text + start, *hit = memmem(text, n, "encoding", 8);
	if (!hit)
		return true;
	const char *quote = hit + 8, *end = text + n;
	while (quote < end && *quote != '"' && *quote != '\'')
		quote++;
	static const char *const allowed[] = { "UTF-8", "utf-8", "US-ASCII", "us-ascii" };
	for (size_t i = 0; i < sizeof(allowed) / sizeof(allowed[0]); i++) {
		size_t len = strlen(allowed[i]);
		if ((size_t)(end - quote) > len + 1 && strncmp(quote + 1, allowed[i], len) == 0 &&
		    quote[len + 1] == *quote)
			return true;
	}
	return refuse(s, start + (size_t)(hit - text), E2002, "only UTF-8 is read",
		      "save the file in UTF-8 and say encoding=\"UTF-8\", or nothing");
}

/* From '<' of a tag behind its '>', over quoted values. */
static bool scan_tag(Scan *s)
{
	size_t start = s->at;
	char quote = 0;
	bool closing = at_text(s, "</");
	for (s->at++; s->at < s->x->n; s->at++) {
		char ch = s->x->text[s->at];
		if (s->at - start > XML_MAX_TAG_BYTES)
			return refuse(
				s, start, E2015, "this tag is longer than 64 KiB",
				"large constants belong into the weight file: <param id=\"k\"/>");
		if (quote) {
			if (ch == quote)
				quote = 0;
		} else if (ch == '"' || ch == '\'') {
			quote = ch;
		} else if (ch == '>') {
			break;
		}
	}
	s->at += s->at < s->x->n;
	if (closing)
		return true;
	if (s->x->tag.n >= XML_MAX_TAGS)
		return refuse(s, start, E2015, "the file has more than 1000000 elements", NULL);
	vec_push(s->arena, &s->x->tag, (uint32_t)start);
	return true;
}

static bool scan_markup(Scan *s)
{
	if (at_text(s, "<!--")) {
		s->at += 4;
		skip_to(s, "-->");
	} else if (at_text(s, "<![CDATA[")) {
		skip_to(s, "]]>");
	} else if (at_text(s, "<?xml") && s->x->n - s->at > 5 && s->x->text[s->at + 5] <= ' ') {
		return scan_declaration(s);
	} else if (at_text(s, "<?")) {
		skip_to(s, "?>");
	} else if (at_text(s, "<!")) {
		return refuse(s, s->at, E2002, "document types and entities are not read",
			      "remove the <!DOCTYPE ...>; Burin never expands entities or loads "
			      "other files");
	} else {
		return scan_tag(s);
	}
	return true;
}

bool xml_guard(Context *c, Arena *arena, XmlText *x)
{
	Scan s = { .c = c, .arena = arena, .x = x };
	if (x->n > XML_MAX_BYTES)
		return refuse(&s, 0, E2015, "the file is larger than 16 MiB",
			      "keep tensors in a weight file beside it");
	if (!scan_bytes(&s))
		return false;
	if (x->n >= 3 && memcmp(x->text, "\xef\xbb\xbf", 3) == 0)
		s.at = 3;
	for (;;) {
		const char *hit = s.at < x->n ? memchr(x->text + s.at, '<', x->n - s.at) : NULL;
		if (!hit)
			return true;
		s.at = (size_t)(hit - x->text);
		if (!scan_markup(&s))
			return false;
	}
}
