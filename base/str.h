/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* String builder in an arena, string helpers without locale. */
#ifndef BASE_STR_H
#define BASE_STR_H
#include "base/arena.h"
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct Str {
	Arena *arena;
	char *at; /* always NUL-terminated once anything was added */
	size_t n, cap;
} Str;

void str_init(Str *s, Arena *arena);
void str_add(Str *s, const char *text);
void str_addn(Str *s, const char *text, size_t n);
void str_char(Str *s, char c);
void str_fmt(Str *s, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void str_vfmt(Str *s, const char *fmt, va_list ap) __attribute__((format(printf, 2, 0)));
void str_double(Str *s, double v);  /* shortest text that reads back to the same double */
void str_float(Str *s, float v);    /* the same for float */
const char *str_text(const Str *s); /* "" when empty */

bool str_eq(const char *a, const char *b);
bool str_starts(const char *s, const char *prefix);
bool str_ends(const char *s, const char *suffix);

/* vsnprintf in the C locale, whatever the host has set. */
int format_c(char *out, size_t n, const char *fmt, va_list ap)
	__attribute__((format(printf, 3, 0)));

/* Bytes of the UTF-8 character at `at` (n left, n > 0), 0 when it is not valid; *code may be NULL.
 */
int utf8_next(const char *at, size_t n, uint32_t *code);
bool utf8_valid(const char *text, size_t n);

/* Strict and locale-free: the whole text must be one number. */
bool parse_i64(const char *text, size_t n, int64_t *out);
/* decimal, hex float, inf, -inf, nan; at most 1000 bytes; false when it overflows */
bool parse_f64(const char *text, size_t n, double *out);

/* Nearest of n names within a third of its length, or NULL: for "did you mean". */
const char *nearest_name(const char *name, const char *const *names, int n);
#endif
