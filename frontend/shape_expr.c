/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Recursive descent over one line of text: sum := product (('+'|'-') product)*, product := unary
 * (('*'|'/'|'%') unary)*. Every operation is checked for overflow. The depth of parentheses and
 * signs is bounded, because the text is a stranger's. */
#include "frontend/shape_expr.h"
#include "base/str.h"
#include <string.h>

enum { MAX_DEPTH = 32 };

typedef struct Parser {
	const char *text;
	size_t n, at;
	int depth;
	SymbolFn *find;
	void *user;
	ShapeExprError *error, unknown; /* unknown.what NULL: every name so far has a value */
	bool malformed;
} Parser;

static bool fail(Parser *p, const char *what, size_t at, size_t len)
{
	*p->error = (ShapeExprError){ .what = what, .at = (int)at, .len = (int)len };
	return false;
}

static bool expected(Parser *p, const char *what)
{
	p->malformed = true;
	return fail(p, what, p->at, 1);
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_name_start(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || (c & 0x80);
}

static bool is_name_part(char c)
{
	return is_name_start(c) || is_digit(c) || c == '.';
}

static char peek(Parser *p)
{
	while (p->at < p->n && is_blank(p->text[p->at]))
		p->at++;
	return p->at < p->n ? p->text[p->at] : '\0';
}

static bool parse_sum(Parser *p, int64_t *out);

/* The sign belongs to the digits: the lowest number has no positive counterpart. */
static bool parse_number(Parser *p, bool negative, int64_t *out)
{
	size_t start = p->at;
	bool fits = true;
	for (*out = 0; p->at < p->n && is_digit(p->text[p->at]); p->at++) {
		int64_t digit = p->text[p->at] - '0';
		fits &= !__builtin_mul_overflow(*out, 10, out) &&
			!__builtin_add_overflow(*out, negative ? -digit : digit, out);
	}
	return fits || fail(p, "the number is too large", start, p->at - start);
}

/* Names may hold dots (block parameters of ONNX symbols such as "batch.1"). */
static bool parse_symbol(Parser *p, int64_t *out)
{
	size_t start = p->at;
	while (p->at < p->n && is_name_part(p->text[p->at]))
		p->at++;
	if (p->find(p->user, p->text + start, p->at - start, out))
		return true;
	if (!p->unknown.what) /* the rest may be malformed, which is said first */
		p->unknown = (ShapeExprError){ .what = "the name has no value",
					       .at = (int)start,
					       .len = (int)(p->at - start),
					       .unknown = true };
	*out = 1;
	return true;
}

static bool parse_unary(Parser *p, int64_t *out)
{
	bool negate = false;
	char c;
	while ((c = peek(p)) == '-' || c == '+') {
		negate ^= c == '-';
		p->at++;
	}
	if (c == '(') {
		if (++p->depth > MAX_DEPTH)
			return fail(p, "too many parentheses", p->at, 1);
		p->at++;
		if (!parse_sum(p, out))
			return false;
		if (peek(p) != ')')
			return expected(p, "expected ')'");
		p->at++;
		p->depth--;
	} else if (is_digit(c)) {
		return parse_number(p, negate, out);
	} else if (is_name_start(c)) {
		if (!parse_symbol(p, out))
			return false;
	} else {
		return expected(p, "expected a number, a name or '('");
	}
	if (negate && __builtin_sub_overflow((int64_t)0, *out, out))
		return fail(p, "the value overflows", 0, p->n);
	return true;
}

/* Rounds down, so that (T - 1) / 2 means the same for every T. */
static bool divide(Parser *p, char op, int64_t x, int64_t y, int64_t *out)
{
	if (y == 0)
		return fail(p, "division by zero", p->at, 1);
	if (x == INT64_MIN && y == -1)
		return fail(p, "the value overflows", 0, p->n);
	int64_t quotient = x / y, rest = x % y;
	if (rest != 0 && (rest < 0) != (y < 0)) {
		quotient--;
		rest += y;
	}
	*out = op == '/' ? quotient : rest;
	return true;
}

static bool parse_product(Parser *p, int64_t *out)
{
	if (!parse_unary(p, out))
		return false;
	for (char op; (op = peek(p)) == '*' || op == '/' || op == '%';) {
		int64_t right;
		p->at++;
		if (!parse_unary(p, &right))
			return false;
		if (op != '*') {
			if (!divide(p, op, *out, right, out))
				return false;
		} else if (__builtin_mul_overflow(*out, right, out)) {
			return fail(p, "the value overflows", 0, p->n);
		}
	}
	return true;
}

static bool parse_sum(Parser *p, int64_t *out)
{
	if (!parse_product(p, out))
		return false;
	for (char op; (op = peek(p)) == '+' || op == '-';) {
		int64_t right;
		p->at++;
		if (!parse_product(p, &right))
			return false;
		if (op == '+' ? __builtin_add_overflow(*out, right, out)
			      : __builtin_sub_overflow(*out, right, out))
			return fail(p, "the value overflows", 0, p->n);
	}
	return true;
}

bool shape_expr_eval(const char *text, size_t n, SymbolFn *find, void *user, int64_t *out,
		     ShapeExprError *error)
{
	Parser p = { .text = text, .n = n, .find = find, .user = user, .error = error };
	bool ok = parse_sum(&p, out);
	if (ok && peek(&p) != '\0')
		ok = expected(&p, "expected an operator");
	if (p.malformed || !p.unknown.what)
		return ok;
	*error = p.unknown;
	return false;
}

void shape_expr_names(const char *text, void (*each)(void *user, const char *name, size_t n),
		      void *user)
{
	while (*text) {
		size_t n = 0;
		while (is_name_part(text[n]))
			n++;
		if (n && is_name_start(*text))
			each(user, text, n);
		text += n ? n : 1;
	}
}

ListCursor list_cursor(const char *text)
{
	size_t n = strlen(text);
	if (n >= 2 && text[0] == '[' && text[n - 1] == ']') { /* as the text form writes lists */
		text++;
		n -= 2;
	}
	return (ListCursor){ .text = text, .n = n, .commas = memchr(text, ',', n) != NULL };
}

bool list_next(ListCursor *l, const char **item, size_t *n)
{
	while (l->at < l->n && is_blank(l->text[l->at]))
		l->at++;
	if (l->at >= l->n && !(l->commas && l->started && l->text[l->n - 1] == ','))
		return false;
	if (l->at > l->n)
		return false;
	size_t start = l->at, end = start;
	while (end < l->n && (l->commas ? l->text[end] != ',' : !is_blank(l->text[end])))
		end++;
	l->at = end + 1; /* beyond n: a trailing comma's empty item was delivered */
	l->started = true;
	while (end > start && is_blank(l->text[end - 1]))
		end--;
	*item = l->text + start;
	*n = end - start;
	return true;
}
