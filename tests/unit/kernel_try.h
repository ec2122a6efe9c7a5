/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* What must hold of any text that is read as a kernel: it is refused with a report, or it prints,
 * reads back to the same kernel, can be verified and, when that finds no fault, be interpreted
 * without leaving its memory. */
#ifndef TESTS_UNIT_KERNEL_TRY_H
#define TESTS_UNIT_KERNEL_TRY_H
#include "ir/text.h"
#include <stdlib.h>
#include <string.h>

enum { TRY_BYTES = 1 << 20, TRY_STEPS = 20000 };

static inline void must(bool holds)
{
	if (!holds)
		abort();
}

/* Each argument in memory of its own, exactly as large as it says, so that a sanitizer sees what
 * leaves it. */
static inline void try_run(const Kernel *k)
{
	void **memory = calloc((size_t)k->buf.n + 1, sizeof *memory);
	void **arg = calloc((size_t)k->buf.n + 1, sizeof *arg);
	int64_t total = k->scratch_bytes;
	int n = 0;
	must(memory && arg);
	for (int i = 0; i < k->buf.n && total <= TRY_BYTES; i++) {
		const Buf *b = &k->buf.at[i];
		int64_t size = dtype_info[b->dtype].bytes;
		Range span;
		must(buf_span(b, &span));
		if (b->space != BUF_ARG)
			continue;
		total += (span.max - span.min + 1) * size;
		if (total > TRY_BYTES)
			break;
		memory[n] = calloc((size_t)(span.max - span.min + 1), (size_t)size);
		arg[n] = (char *)memory[n] - span.min * size;
		n++;
	}
	void *scratch = aligned_alloc(
		64, (size_t)(total > TRY_BYTES ? 0 : k->scratch_bytes + 63) / 64 * 64 + 64);
	if (total <= TRY_BYTES)
		(void)kernel_run(k, arg, 0, k->n_tasks, scratch, TRY_STEPS);
	free(scratch);
	while (n--)
		free(memory[n]);
	free(memory);
	free(arg);
}

/* True when the text is a kernel. */
static inline bool kernel_try(Context *c, const char *text, size_t n)
{
	Str one, two;
	Scan t = scan_text(c, "text", text, n);
	const Kernel *k = diag_errors(c->diag) ? NULL : kernel_parse(&t, c->arena);
	must((k == NULL) == (diag_errors(c->diag) > 0));
	if (!k)
		return false;
	str_init(&one, c->arena);
	str_init(&two, c->arena);
	kernel_print(&one, k);
	t = scan_text(c, "printed", str_text(&one), one.n);
	const Kernel *again = kernel_parse(&t, c->arena);
	must(again != NULL);
	kernel_print(&two, again);
	must(str_eq(str_text(&one), str_text(&two)) && memcmp(k->hash, again->hash, 32) == 0);
	bool ok = kernel_verify(k, false, NULL);
	must(ok == (diag_errors(c->diag) == 0));
	if (ok)
		try_run(k);
	return true;
}
#endif
