/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* A model that fails made smaller: elements are taken away (their readers read their first input),
 * options of the first line and attributes too, numbers become smaller. */
#include "tests/random/net.h"
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_ATTEMPTS = 600 };
static const double MOST_SECONDS = 240;

typedef struct NetShrinker {
	Arena *arena;
	const char *best;
	Verdict verdict;
	int attempts;
	double start;
} NetShrinker;

static bool spent(const NetShrinker *z)
{
	return z->attempts >= MOST_ATTEMPTS || seconds() - z->start > MOST_SECONDS;
}

static bool attempt(NetShrinker *z, const char *text)
{
	if (spent(z) || strcmp(text, z->best) == 0)
		return false;
	z->attempts++;
	if (child_judge(text, strlen(text), NULL) != z->verdict)
		return false;
	z->best = arena_strdup(z->arena, text);
	return true;
}

static const char *next_line(const char *p)
{
	const char *end = strchr(p, '\n');
	return end ? end + 1 : p + strlen(p);
}

/* The first word of an attribute in the line; "": there is none. */
static const char *first_word(Arena *a, const char *line, const char *name)
{
	const char *p = strstr(line, name);
	if (!p || p >= next_line(line))
		return "";
	p += strlen(name);
	return arena_strndup(a, p, strcspn(p, "\" "));
}

/* Every word `was` between quotes or blanks becomes `now`. */
static const char *renamed(Arena *a, const char *text, const char *was, const char *now)
{
	Str s;
	size_t n = strlen(was);
	str_init(&s, a);
	for (const char *p = text; *p;) {
		bool begins = s.n && strchr("\" ", s.at[s.n - 1]);
		if (begins && strncmp(p, was, n) == 0 && strchr("\" .", p[n])) {
			str_add(&s, now);
			p += n;
		} else {
			str_char(&s, *p++);
		}
	}
	return str_text(&s);
}

static bool fewer_elements(NetShrinker *z)
{
	bool better = false;
	for (const char *p = next_line(z->best); *p && !spent(z);) {
		const char *end = next_line(p);
		size_t at = (size_t)(p - z->best);
		const char *id = first_word(z->arena, p, " id=\""),
			   *in = first_word(z->arena, p, " in=\"");
		Str s;
		str_init(&s, z->arena);
		str_addn(&s, z->best, at);
		str_add(&s, end);
		const char *text = str_text(&s);
		if (*id && *in)
			text = renamed(z->arena, text, id, in);
		if (attempt(z, text)) {
			better = true;
			p = z->best + at;
		} else {
			p = z->best + (size_t)(end - z->best);
		}
	}
	return better;
}

/* Words of the form name=... or name="..." taken away. */
static bool fewer_words(NetShrinker *z)
{
	bool better = false;
	for (size_t at = 0; z->best[at] && !spent(z); at++) {
		const char *p = z->best + at, *equals = strpbrk(p + 1, "= \n>");
		if (*p != ' ' || !equals || *equals != '=' || str_starts(p, " id=") ||
		    str_starts(p, " in="))
			continue;
		const char *end = equals[1] == '"' ? strchr(equals + 2, '"') + 1
						   : equals + strcspn(equals, " \n");
		Str s;
		str_init(&s, z->arena);
		str_addn(&s, z->best, at);
		str_add(&s, end);
		if (attempt(z, str_text(&s))) {
			better = true;
			at--;
		}
	}
	return better;
}

static bool smaller_numbers(NetShrinker *z)
{
	bool better = false;
	for (size_t at = 1; z->best[at] && !spent(z); at++) {
		const char *p = z->best + at;
		size_t digits = strspn(p, "0123456789");
		if (!digits || !strchr("\",=", p[-1]) || digits > 6)
			continue;
		long long was = atoll(p), to[] = { 1, 2, was / 2, was - 1 };
		for (int i = 0; i < 4; i++) {
			Str s;
			str_init(&s, z->arena);
			str_addn(&s, z->best, at);
			str_fmt(&s, "%lld%s", to[i], z->best + at + digits);
			if (to[i] > 0 && to[i] < was && attempt(z, str_text(&s))) {
				better = true;
				break;
			}
		}
		at += strspn(z->best + at, "0123456789");
		if (!z->best[at])
			break;
	}
	return better;
}

const char *net_shrink(Arena *arena, const char *text, Verdict verdict)
{
	NetShrinker z = { .arena = arena, .verdict = verdict, .start = seconds() };
	z.best = text;
	for (bool better = true; better && !spent(&z);) {
		better = fewer_elements(&z);
		better = fewer_words(&z) || better;
		better = smaller_numbers(&z) || better;
	}
	fprintf(stderr, "%d attempts to make it smaller, %.0f s\n", z.attempts,
		seconds() - z.start);
	return z.best;
}
