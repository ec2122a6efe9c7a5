/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* From diagnostics to the statuses of the public interface. */
#include "ir/model.h"
#include <string.h>

static void copy_text(char *to, size_t room, const char *text)
{
	size_t n = text ? strlen(text) : 0;
	if (n >= room)
		n = room - 1;
	if (n)
		memcpy(to, text, n);
	to[n] = 0;
}

static int code_number(DiagCode c)
{
	const char *name = diag_code_name(c);
	int n = 0;
	for (const char *p = name + 1; *p >= '0' && *p <= '9'; p++)
		n = n * 10 + (*p - '0');
	return n;
}

static void fill_error(burin_error *err, const DiagEntry *e)
{
	uint32_t size = err->size;
	memset(err, 0, sizeof *err);
	err->size = size;
	err->code = (uint32_t)code_number(e->code);
	err->status = diag_code_status(e->code);
	err->line = e->loc.line;
	err->column = e->loc.col;
	copy_text(err->file, sizeof err->file, e->loc.file);
	copy_text(err->message, sizeof err->message, e->message);
	copy_text(err->hint, sizeof err->hint, e->hint);
}

burin_status diag_status(const Diag *d, burin_error *err)
{
	for (int i = 0; i < diag_count(d); i++) {
		const DiagEntry *e = diag_at(d, i);
		if (e->severity != SEV_ERROR)
			continue;
		if (err && (err->size == 0 || err->size >= sizeof *err))
			fill_error(err, e);
		return (burin_status)diag_code_status(e->code);
	}
	return diag_errors(d) ? BURIN_E_INTERNAL : BURIN_OK;
}

void diag_to_hooks(const Diag *d, const burin_hooks *h)
{
	for (int i = 0; h && h->diag && i < diag_count(d); i++) {
		const DiagEntry *e = diag_at(d, i);
		burin_diag out = { .size = sizeof out, .severity = (int32_t)e->severity };
		fill_error(&out.e, e);
		out.end_line = e->loc.line;
		out.end_column = e->loc.col + (e->loc.len > 0 ? e->loc.len : 1);
		h->diag(h->user, &out);
	}
}
