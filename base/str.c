/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Strings. Whatever reads or prints a number does so in the C locale: its locale object is asked
 * for by each call, which costs nothing (the C library hands out a static one), and the host's own
 * locale is never touched. */
#include "base/str.h"
#include "base/oom.h"
#include <errno.h>
#include <float.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static locale_t c_locale(void)
{
	locale_t c = newlocale(LC_ALL_MASK, "C", (locale_t)0);
	if (!c)
		oom_raise();
	return c;
}

int format_c(char *out, size_t n, const char *fmt, va_list ap)
{
	locale_t c = c_locale();
	locale_t host = uselocale(c);
	int written = vsnprintf(out, n, fmt, ap);
	uselocale(host);
	freelocale(c);
	return written;
}

/* --- builder --------------------------------------------------------------------------------- */

void str_init(Str *s, Arena *arena)
{
	*s = (Str){ .arena = arena };
}

/* Room for n more bytes and the final NUL. */
static void reserve(Str *s, size_t n)
{
	if (n > PTRDIFF_MAX / 4 || s->n > PTRDIFF_MAX / 4)
		oom_raise();
	if (s->at && s->cap - s->n > n)
		return;
	size_t cap = s->cap ? s->cap * 2 : 64;
	while (cap <= s->n + n)
		cap *= 2;
	char *fresh = arena_alloc(s->arena, cap);
	if (s->n)
		memcpy(fresh, s->at, s->n);
	s->at = fresh;
	s->cap = cap;
}

void str_addn(Str *s, const char *text, size_t n)
{
	reserve(s, n);
	if (n)
		memcpy(s->at + s->n, text, n);
	s->n += n;
	s->at[s->n] = 0;
}

void str_add(Str *s, const char *text)
{
	str_addn(s, text, strlen(text));
}

void str_char(Str *s, char c)
{
	str_addn(s, &c, 1);
}

void str_vfmt(Str *s, const char *fmt, va_list ap)
{
	va_list again;
	va_copy(again, ap);
	reserve(s, 64);
	size_t room = s->cap - s->n;
	int n = format_c(s->at + s->n, room, fmt, ap);
	if (n >= 0 && (size_t)n >= room) {
		reserve(s, (size_t)n);
		n = format_c(s->at + s->n, (size_t)n + 1, fmt, again);
	}
	va_end(again);
	if (n > 0)
		s->n += (size_t)n;
	s->at[s->n] = 0;
}

void str_fmt(Str *s, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	str_vfmt(s, fmt, ap);
	va_end(ap);
}

const char *str_text(const Str *s)
{
	return s->at ? s->at : "";
}

static void format_digits(char *out, size_t n, int digits, double v)
{
	snprintf(out, n, "%.*g", digits, v); /* under uselocale of the caller */
}

/* Any decimal of `sure` digits survives the way into the type and back, so the shortest text is the
 * one with `sure` digits (%g drops zeros) or the first longer one that reads back. Denormals have
 * fewer digits: from 1. */
static void add_shortest(Str *s, double v, bool single)
{
	if (isnan(v) || isinf(v)) {
		str_add(s, isnan(v) ? "nan" : v < 0 ? "-inf" : "inf");
		return;
	}
	int sure = single ? FLT_DIG : DBL_DIG, most = single ? FLT_DECIMAL_DIG : DBL_DECIMAL_DIG;
	bool denormal = fabs(v) < (single ? (double)FLT_MIN : DBL_MIN);
	char text[40];
	locale_t c = c_locale();
	locale_t host = uselocale(c);
	int saved = errno; /* reading a denormal back sets it */
	for (int digits = denormal ? 1 : sure; digits <= most; digits++) {
		format_digits(text, sizeof text, digits, v);
		if ((single ? (double)strtof(text, NULL) : strtod(text, NULL)) == v)
			break;
	}
	errno = saved;
	uselocale(host);
	freelocale(c);
	str_add(s, text);
}

void str_double(Str *s, double v)
{
	add_shortest(s, v, false);
}

void str_float(Str *s, float v)
{
	add_shortest(s, (double)v, true);
}

/* --- comparing ------------------------------------------------------------------------------- */

bool str_eq(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

bool str_starts(const char *s, const char *prefix)
{
	return strncmp(s, prefix, strlen(prefix)) == 0;
}

bool str_ends(const char *s, const char *suffix)
{
	size_t n = strlen(s), k = strlen(suffix);
	return n >= k && memcmp(s + n - k, suffix, k) == 0;
}

/* --- UTF-8 ----------------------------------------------------------------------------------- */

int utf8_next(const char *at, size_t n, uint32_t *code)
{
	static const uint32_t least[5] = { 0, 0, 0x80, 0x800, 0x10000 };
	const unsigned char *s = (const unsigned char *)at;
	int bytes = s[0] < 0x80   ? 1
		    : s[0] < 0xc2 ? 0
		    : s[0] < 0xe0 ? 2
		    : s[0] < 0xf0 ? 3
		    : s[0] < 0xf5 ? 4
				  : 0;
	if (!bytes || (size_t)bytes > n)
		return 0;
	uint32_t c = bytes == 1 ? s[0] : s[0] & (0xffu >> (bytes + 1));
	for (int i = 1; i < bytes; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (s[i] & 0x3f);
	}
	if (c < least[bytes] || (c >= 0xd800 && c < 0xe000) || c > 0x10ffff)
		return 0;
	if (code)
		*code = c;
	return bytes;
}

bool utf8_valid(const char *text, size_t n)
{
	for (size_t i = 0; i < n;) {
		int bytes = utf8_next(text + i, n - i, NULL);
		if (!bytes)
			return false;
		i += (size_t)bytes;
	}
	return true;
}

/* --- numbers --------------------------------------------------------------------------------- */

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_hex(char c)
{
	return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

bool parse_i64(const char *text, size_t n, int64_t *out)
{
	size_t i = n && (text[0] == '-' || text[0] == '+');
	bool negative = i && text[0] == '-';
	int64_t v = 0;
	if (i == n)
		return false;
	for (; i < n; i++) {
		int digit = text[i] - '0';
		if (!is_digit(text[i]) || __builtin_mul_overflow(v, 10, &v) ||
		    __builtin_add_overflow(v, negative ? -digit : digit, &v))
			return false;
	}
	*out = v;
	return true;
}

/* digits [ . digits ] [ e [sign] digits ], in hexadecimal with p for e; returns whether that is all
 * of the text. */
static bool is_number(const char *at, const char *end)
{
	bool hex = end - at > 2 && at[0] == '0' && (at[1] == 'x' || at[1] == 'X');
	bool (*digit)(char) = hex ? is_hex : is_digit;
	char exponent = hex ? 'p' : 'e';
	int digits = 0;
	if (hex)
		at += 2;
	for (; at < end && digit(*at); at++)
		digits++;
	if (at < end && *at == '.')
		for (at++; at < end && digit(*at); at++)
			digits++;
	if (!digits)
		return false;
	if (at < end && (*at | 0x20) == exponent) {
		at++;
		if (at < end && (*at == '-' || *at == '+'))
			at++;
		if (at == end)
			return false;
		while (at < end && is_digit(*at))
			at++;
	}
	return at == end;
}

bool parse_f64(const char *text, size_t n, double *out)
{
	char copy[1001];
	if (n == 0 || n >= sizeof copy)
		return false;
	size_t sign = text[0] == '-' || text[0] == '+';
	double s = text[0] == '-' ? -1.0 : 1.0;
	const char *body = text + sign;
	if (n - sign == 3 && (!memcmp(body, "inf", 3) || !memcmp(body, "nan", 3))) {
		*out = body[0] == 'i' ? s * (double)INFINITY : (double)NAN;
		return true;
	}
	if (!is_number(body, text + n))
		return false;
	memcpy(copy, text, n);
	copy[n] = 0;
	locale_t c = c_locale();
	int saved = errno;
	double v = strtod_l(copy, NULL, c);
	errno = saved;
	freelocale(c);
	if (isinf(v))
		return false;
	*out = v;
	return true;
}

/* --- did you mean ---------------------------------------------------------------------------- */

enum { LONGEST_NAME = 64 };

static char fold(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
}

static int least_of(int a, int b, int c)
{
	return a < b ? (a < c ? a : c) : (b < c ? b : c);
}

/* Insertions, deletions, replacements and swaps of neighbours between a and b, upper and lower case
 * taken as equal. */
static int edit_distance(const char *a, int n, const char *b, int m)
{
	int row[3][LONGEST_NAME + 1];
	int *before = row[0], *above = row[1], *now = row[2];
	for (int j = 0; j <= m; j++)
		above[j] = j;
	for (int i = 1; i <= n; i++) {
		now[0] = i;
		for (int j = 1; j <= m; j++) {
			char x = fold(a[i - 1]), y = fold(b[j - 1]);
			now[j] = least_of(above[j] + 1, now[j - 1] + 1, above[j - 1] + (x != y));
			if (i > 1 && j > 1 && x == fold(b[j - 2]) && fold(a[i - 2]) == y &&
			    before[j - 2] + 1 < now[j])
				now[j] = before[j - 2] + 1;
		}
		int *reuse = before;
		before = above;
		above = now;
		now = reuse;
	}
	return above[m];
}

const char *nearest_name(const char *name, const char *const *names, int n)
{
	size_t length = strlen(name);
	if (length == 0 || length > LONGEST_NAME)
		return NULL;
	int allowed = (int)length / 3;
	if (allowed == 0 && length > 1)
		allowed = 1;
	const char *best = NULL;
	for (int i = 0; i < n; i++) {
		size_t other = names[i] ? strlen(names[i]) : 0;
		if (other == 0 || other > LONGEST_NAME)
			continue;
		int d = edit_distance(name, (int)length, names[i], (int)other);
		if (d <= allowed) {
			best = names[i];
			allowed = d - 1;
		}
	}
	return best;
}
