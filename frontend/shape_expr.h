/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Integer expressions in attributes: "2*H", "(T+1)/2", "64". One evaluator serves sizes with
 * symbols and the {...} of blocks. */
#ifndef FRONTEND_SHAPE_EXPR_H
#define FRONTEND_SHAPE_EXPR_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The value of a name; false: there is no such name. */
typedef bool SymbolFn(void *user, const char *name, size_t n, int64_t *out);

typedef struct ShapeExprError {
	const char *what; /* "expected a number, a name or '('" and so on */
	int at, len;      /* bytes of the text meant */
	bool unknown;     /* a name without a value */
} ShapeExprError;

/* integers, names, + - * / % and parentheses; division rounds down; overflow is an error. */
bool shape_expr_eval(const char *text, size_t n, SymbolFn *find, void *user, int64_t *out,
		     ShapeExprError *error);

/* Calls each(user, name, n) for every name in the text, in order; it need not be well-formed. */
void shape_expr_names(const char *text, void (*each)(void *user, const char *name, size_t n),
		      void *user);

/* Cuts a list at commas, or at blanks when it has no comma: the next item without surrounding
 * blanks. False at the end. An empty item between commas is returned with length 0. */
typedef struct ListCursor {
	const char *text;
	size_t n, at;
	bool commas, started;
} ListCursor;
ListCursor list_cursor(const char *text);
bool list_next(ListCursor *l, const char **item, size_t *n);
#endif
