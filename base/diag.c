/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Diagnostics: collecting, sorting, and the table of codes. A flood of messages costs bounded
 * memory: a fixed number is kept, each cut to a fixed length, and warnings leave room for the
 * errors that may follow. */
#include "base/diag_impl.h"
#include "include/burin.h"
#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* --- codes ----------------------------------------------------------------------------------- */

static const struct {
	const char *name, *title, *text;
	int exit, status;
} codes[DIAG_CODES] = {
#define DIAG(code, exit_, status_, title_, text_) \
	[code] = { .name = #code, \
		   .title = title_, \
		   .text = text_, \
		   .exit = exit_, \
		   .status = BURIN_E_##status_ },
#include "base/diag.def"
#undef DIAG
};

const char *diag_code_name(DiagCode c)
{
	return codes[c].name;
}

const char *diag_code_title(DiagCode c)
{
	return codes[c].title;
}

const char *diag_code_text(DiagCode c)
{
	return codes[c].text;
}

bool diag_code_find(const char *name, DiagCode *out)
{
	if (name[0] != 'E' && name[0] != 'e')
		return false;
	for (int i = 0; i < DIAG_CODES; i++)
		if (str_eq(name + 1, codes[i].name + 1)) {
			*out = (DiagCode)i;
			return true;
		}
	return false;
}

int diag_code_status(DiagCode c)
{
	return codes[c].status;
}

int diag_exit_code(const Diag *d)
{
	return d->errors ? codes[d->first_error].exit : 0;
}

/* --- collecting ------------------------------------------------------------------------------ */

Diag *diag_create(Arena *arena)
{
	Diag *d = ARENA_NEW(arena, Diag);
	d->arena = arena;
	d->last = -1;
	return d;
}

void diag_source(Diag *d, const char *file, const char *text, size_t n)
{
	DiagSource s = { .file = file, .text = text, .n = n };
	vec_push(d->arena, &d->source, s);
}

static const char *bounded(Diag *d, const char *fmt, va_list ap)
	__attribute__((format(printf, 2, 0)));
static const char *bounded(Diag *d, const char *fmt, va_list ap)
{
	char text[DIAG_MESSAGE];
	int n = format_c(text, sizeof text, fmt, ap);
	if (n < 0)
		return "";
	if (n < DIAG_MESSAGE)
		return arena_strndup(d->arena, text, (size_t)n);
	size_t keep = DIAG_MESSAGE - 4;
	while (keep && (text[keep] & 0xc0) == 0x80)
		keep--;
	memcpy(text + keep, "...", 4);
	return arena_strdup(d->arena, text);
}

static void keep(Diag *d, DiagEntry e, Loc head)
{
	DiagItem item = { .entry = e, .head = head, .seq = d->seq++ };
	vec_push(d->arena, &d->item, item);
}

bool diag_error(Diag *d, Loc loc, DiagCode code, const char *fmt, ...)
{
	if (d->errors++ == 0)
		d->first_error = code;
	d->last = -1;
	if (d->item.n == DIAG_KEPT)
		return false;
	va_list ap;
	va_start(ap, fmt);
	DiagEntry e = { .severity = SEV_ERROR, .code = code, .loc = loc };
	e.message = bounded(d, fmt, ap);
	va_end(ap);
	d->last = d->item.n;
	keep(d, e, loc);
	return false;
}

bool diag_warning(Diag *d, Loc loc, DiagCode code, const char *fmt, ...)
{
	d->warnings++;
	d->last = -1;
	if (d->item.n == DIAG_KEPT || d->kept_warnings == DIAG_KEPT_WARNINGS)
		return false;
	d->kept_warnings++;
	va_list ap;
	va_start(ap, fmt);
	DiagEntry e = { .severity = SEV_WARNING, .code = code, .loc = loc };
	e.message = bounded(d, fmt, ap);
	va_end(ap);
	d->last = d->item.n;
	keep(d, e, loc);
	return false;
}

void diag_hint(Diag *d, const char *fmt, ...)
{
	if (d->last < 0)
		return;
	va_list ap;
	va_start(ap, fmt);
	const char *text = bounded(d, fmt, ap);
	va_end(ap);
	DiagEntry *e = &d->item.at[d->last].entry;
	e->hint = e->hint ? arena_printf(d->arena, "%s; %s", e->hint, text) : text;
}

void diag_note(Diag *d, Loc loc, const char *fmt, ...)
{
	if (d->last < 0 || d->item.n == DIAG_KEPT)
		return;
	va_list ap;
	va_start(ap, fmt);
	const DiagItem *head = &d->item.at[d->last];
	DiagEntry e = { .severity = SEV_NOTE, .code = head->entry.code, .loc = loc };
	e.message = bounded(d, fmt, ap);
	va_end(ap);
	keep(d, e, head->head);
}

/* --- reading --------------------------------------------------------------------------------- */

int diag_errors(const Diag *d)
{
	return d->errors;
}

int diag_count(const Diag *d)
{
	return d->item.n;
}

const DiagEntry *diag_at(const Diag *d, int i)
{
	assert(i >= 0 && i < d->item.n);
	return &d->item.at[i].entry;
}

void diag_reword(Diag *d, int i, const char *message)
{
	d->item.at[i].entry.message = arena_strdup(d->arena, message);
}

/* Messages without a place come last. */
static int compare_places(const Loc *a, const Loc *b)
{
	if (!a->file || !b->file)
		return !a->file - !b->file;
	int order = strcmp(a->file, b->file);
	if (order)
		return order;
	if (a->line != b->line)
		return a->line < b->line ? -1 : 1;
	return (a->col > b->col) - (a->col < b->col);
}

int diag_compare(const DiagItem *a, const DiagItem *b)
{
	int order = compare_places(&a->head, &b->head);
	return order ? order : (a->seq > b->seq) - (a->seq < b->seq);
}

static int compare_items(const void *a, const void *b)
{
	return diag_compare(a, b);
}

void diag_sort(Diag *d)
{
	if (d->item.n)
		qsort(d->item.at, (size_t)d->item.n, sizeof *d->item.at, compare_items);
	d->last = -1; /* it moved; hints and notes belong before sorting */
}
