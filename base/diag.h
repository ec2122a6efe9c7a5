/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Diagnostics: collected, sorted by place, printed with the source line and a caret. Codes and
 * their explanations are the rows of base/diag.def; `burin help E2004` prints one. */
#ifndef BASE_DIAG_H
#define BASE_DIAG_H
#include "base/arena.h"
#include "base/str.h"
#include <stdbool.h>

typedef struct Loc {
	const char *file;    /* NULL: no place */
	int line, col;       /* from 1, col in bytes; 0 unknown. ONNX: line 0, col = node from 1 */
	int len;             /* underlined bytes, 0: one caret */
	const char *element; /* name of the element or ONNX node, for messages without a line */
} Loc;

typedef enum DiagCode {
#define DIAG(code, ...) code,
#include "base/diag.def"
#undef DIAG
	DIAG_CODES
} DiagCode;

typedef enum Severity { SEV_ERROR, SEV_WARNING, SEV_NOTE } Severity;

typedef struct DiagEntry {
	Severity severity;
	DiagCode code;
	Loc loc;
	const char *message;
	const char *hint; /* how to mend it, or NULL */
} DiagEntry;

typedef struct Diag Diag;
Diag *diag_create(Arena *arena);
/* The text of a file, for excerpts; not copied, must outlive the Diag. */
void diag_source(Diag *d, const char *file, const char *text, size_t n);

/* All return false, so that a check reads `return diag_error(...)`. At most 100 entries are kept
 * (messages of 1000 bytes), the count goes on. Messages are copied; the strings of a Loc are not.
 */
bool diag_error(Diag *d, Loc loc, DiagCode code, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
bool diag_warning(Diag *d, Loc loc, DiagCode code, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
/* To the last error or warning. */
void diag_hint(Diag *d, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void diag_note(Diag *d, Loc loc, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

int diag_errors(const Diag *d); /* all, also those not kept */
int diag_count(const Diag *d);  /* entries kept */
const DiagEntry *diag_at(const Diag *d, int i);
void diag_sort(Diag *d);
/* In order of place, at most max errors and warnings (0: all that were kept) with their notes, and
 * a last line with the sums. */
void diag_print(const Diag *d, Str *out, int max, bool colour);

const char *diag_code_name(DiagCode c); /* "E2004" */
const char *diag_code_title(DiagCode c);
const char *diag_code_text(DiagCode c); /* explanation with an example */
bool diag_code_find(const char *name, DiagCode *out);
/* Says entry i in other words. */
void diag_reword(Diag *d, int i, const char *message);
int diag_exit_code(const Diag *d); /* of the first error; 0 when there is none */
int diag_code_status(DiagCode c);  /* a burin_status */
#endif
