/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The scanner of the text forms: works on the text itself, there are no tokens in between. */
#include "ir/scan.h"
#include <string.h>

Loc scan_loc(const Scan *s)
{
	return (Loc){ .file = s->file, .line = s->line, .col = (int)(s->p - s->line_start) + 1 };
}

void scan_skip(Scan *s)
{
	for (;; s->p++) {
		if (*s->p == '#')
			s->p += strcspn(s->p, "\n");
		if (*s->p == '\n') {
			s->line++;
			s->line_start = s->p + 1;
		} else if (*s->p != ' ' && *s->p != '\t' && *s->p != '\r') {
			return;
		}
	}
}

bool scan_accept(Scan *s, char c)
{
	scan_skip(s);
	if (*s->p != c)
		return false;
	s->p++;
	return true;
}

const char *scan_seen(Scan *s)
{
	size_t n = strcspn(s->p, " \t\r\n,(){}[]=:");
	if (!*s->p)
		return "the end";
	return arena_printf(s->c->arena, "'%.*s'", n ? n < 40 ? (int)n : 40 : 1, s->p);
}

bool scan_expect(Scan *s, char c)
{
	return scan_accept(s, c) || diag_error(s->c->diag, scan_loc(s), E5003,
					       "'%c' is expected, not %s", c, scan_seen(s));
}

static bool is_word_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       (c && strchr("._-/", c));
}

size_t scan_word_length(const char *p)
{
	size_t n = 0;
	while (is_word_char(p[n]))
		n++;
	return n;
}

bool scan_keyword(Scan *s, const char *word)
{
	scan_skip(s);
	size_t n = scan_word_length(s->p);
	if (n != strlen(word) || memcmp(s->p, word, n) != 0)
		return false;
	s->p += n;
	return true;
}

bool scan_word(Scan *s, const char *what, const char **out)
{
	scan_skip(s);
	size_t n = scan_word_length(s->p);
	if (!n)
		return diag_error(s->c->diag, scan_loc(s), E5003, "%s is expected, not %s", what,
				  scan_seen(s));
	*out = arena_strndup(s->c->arena, s->p, n);
	s->p += n;
	return true;
}

int scan_hex(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* One character behind a backslash; 0 when there is no such escape. */
static char parse_escape(Scan *s)
{
	char c = *s->p++;
	if (c == 'n')
		return '\n';
	if (c == '"' || c == '\\')
		return c;
	if (c != 'x' || scan_hex(s->p[0]) < 0 || scan_hex(s->p[1]) < 0) {
		s->p--;
		return 0;
	}
	c = (char)(scan_hex(s->p[0]) << 4 | scan_hex(s->p[1]));
	s->p += 2;
	return c;
}

bool scan_quoted(Scan *s, const char **out)
{
	Str text;
	str_init(&text, s->c->arena);
	for (s->p++; *s->p != '"';) {
		if (!*s->p || *s->p == '\n')
			return diag_error(s->c->diag, scan_loc(s), E5003,
					  "the text has no end quote");
		char c = *s->p++;
		if (c == '\\' && !(c = parse_escape(s)))
			return diag_error(s->c->diag, scan_loc(s), E5003, "no such escape");
		str_char(&text, c);
	}
	s->p++;
	*out = str_text(&text);
	return true;
}

bool scan_name(Scan *s, const char **out)
{
	scan_skip(s);
	return *s->p == '"' ? scan_quoted(s, out) : scan_word(s, "a name", out);
}

Scan scan_text(Context *c, const char *file, const char *text, size_t n)
{
	const char *copy = arena_strndup(c->arena, text, n);
	Scan s = { .c = c, .p = copy, .line_start = copy, .line = 1, .file = sym(c, file) };
	diag_source(c->diag, s.file, copy, n);
	if (memchr(text, '\0', n))
		diag_error(c->diag, scan_loc(&s), E5003, "the text contains a NUL byte");
	return s;
}
