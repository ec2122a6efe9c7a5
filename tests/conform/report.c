/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Reports: what failed, with the graph as text that parses again. A crash of compiled code names
 * the case, too. */
#include "tests/conform/conform.h"
#include "ir/text.h"
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { SHOWN = 12, TEXT_BYTES = 1 << 16 };

static int n_failed;
static Tally sums;
static char under_way[TEXT_BYTES];
static size_t under_way_bytes;
static Str *captured;

void case_capture(Str *to)
{
	captured = to;
}

int failures(void)
{
	return n_failed;
}

Tally *tally(void)
{
	return &sums;
}

static void too_little_known(const char *what, Tally since, int64_t most)
{
	int64_t elements = sums.elements - since.elements, unknown = sums.unknown - since.unknown;
	if (elements && unknown <= most)
		return;
	n_failed++;
	fprintf(stderr, "FAILED: too little is known of %s: nothing of %lld of %lld elements\n",
		what, (long long)unknown, (long long)elements);
}

void check_known(Tally since)
{
	too_little_known("the results", since, (sums.elements - since.elements) / 20);
}

void check_known_of(Op op, Tally since)
{
	if (sums.cases > since.cases && sums.elements > since.elements)
		too_little_known(op_info(op)->name, since, sums.elements - since.elements - 1);
}

double seconds(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void add_graph(Str *s, const Case *c)
{
	if (c->g->result.n)
		graph_print(s, c->g, (TextOptions){ .data = true });
}

void case_fail(const Case *c, const char *fmt, ...)
{
	Arena *arena = arena_create();
	Str s;
	va_list ap;
	if (captured) {
		n_failed++;
		va_start(ap, fmt);
		str_vfmt(captured, fmt, ap);
		va_end(ap);
		str_char(captured, '\n');
		if (diag_errors(c->ctx->diag))
			diag_print(c->ctx->diag, captured, 5, false);
		arena_destroy(arena);
		return;
	}
	if (n_failed++ >= SHOWN) {
		arena_destroy(arena);
		return;
	}
	str_init(&s, arena);
	str_fmt(&s, "FAILED %s: ", c->title);
	va_start(ap, fmt);
	str_vfmt(&s, fmt, ap);
	va_end(ap);
	str_char(&s, '\n');
	if (diag_errors(c->ctx->diag))
		diag_print(c->ctx->diag, &s, 5, false);
	add_graph(&s, c);
	fputs(str_text(&s), stderr);
	arena_destroy(arena);
}

static void say(const char *text, size_t n)
{
	ssize_t written = write(STDERR_FILENO, text, n);
	(void)written;
}

static void crashed(int signal_number)
{
	static const char what[] = "FAILED by a signal: ";
	(void)signal_number;
	say(what, sizeof what - 1);
	say(under_way, under_way_bytes);
	_exit(1);
}

void case_enter(const Case *c)
{
	static const int signals[] = { SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT };
	Arena *arena = arena_create();
	Str s;
	str_init(&s, arena);
	if (c) {
		str_fmt(&s, "%s\n", c->title);
		add_graph(&s, c);
	}
	under_way_bytes = strnlen(str_text(&s), TEXT_BYTES - 1);
	memcpy(under_way, str_text(&s), under_way_bytes);
	arena_destroy(arena);
	for (size_t i = 0; i < sizeof signals / sizeof *signals; i++)
		signal(signals[i], crashed);
}

long long env_number(const char *name, long long otherwise)
{
	const char *text = getenv(name);
	return text ? atoll(text) : otherwise;
}
