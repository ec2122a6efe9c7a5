/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Shared by diag.c, which collects, and diag_print.c. */
#ifndef BASE_DIAG_IMPL_H
#define BASE_DIAG_IMPL_H
#include "base/diag.h"
#include "base/vec.h"

enum { DIAG_KEPT = 100, DIAG_KEPT_WARNINGS = 50, DIAG_MESSAGE = 1000 };

typedef struct DiagItem {
	DiagEntry entry;
	Loc head; /* place of the error or warning that a note belongs to, else its own */
	int seq;  /* order of reporting */
} DiagItem;

typedef struct DiagSource {
	const char *file, *text;
	size_t n;
} DiagSource;

struct Diag {
	Arena *arena;
	VEC(DiagItem) item;
	VEC(DiagSource) source;
	int errors, warnings; /* all, also those not kept */
	int kept_warnings, seq;
	int last; /* item of the last error or warning, -1 when it was not kept */
	DiagCode first_error;
};

int diag_compare(const DiagItem *a, const DiagItem *b); /* by place, notes behind their head */
#endif
