/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The text of a program: prelude and kernels, in the plan's order. */
#include "base/io_error.h"
#include "codegen/cuda/cuda.h"

bool cuda_source(Context *c, Arena *arena, const Plan *p, const Target *t, CudaKernel *kernel,
		 Str *out)
{
	for (int i = 0; i < p->kernel.n; i++) {
		if (!cuda_print(c, arena, p->kernel.at[i], t, &kernel[i]))
			return false;
		str_char(out, '\n');
		str_add(out, kernel[i].text);
	}
	return true;
}

/* Which steps call it, as comments before a kernel. */
static void describe(Str *s, const Plan *p, const CudaKernel *k)
{
	str_char(s, '\n');
	for (int i = 0; i < p->step.n; i++)
		if (p->step.at[i].kernel == k->kernel)
			str_fmt(s, "/* step %d, %s: %s */\n", i, p->step.at[i].kind,
				p->step.at[i].sources ? p->step.at[i].sources : "");
	str_fmt(s, "/* %lld blocks of %d threads, %lld bytes of shared memory */\n",
		(long long)k->blocks, k->threads, (long long)k->shared);
	str_add(s, k->text);
}

bool cuda_write_source(Context *c, const Plan *p, const Target *t, const char *path)
{
	Arena *arena = arena_create();
	IoError error;
	Str text;
	bool ok = true;
	str_init(&text, arena);
	str_add(&text, cuda_prelude());
	for (int i = 0; ok && i < p->kernel.n; i++) {
		CudaKernel k;
		ok = cuda_print(c, arena, p->kernel.at[i], t, &k);
		if (ok)
			describe(&text, p, &k);
	}
	if (ok && !io_write_file(path, str_text(&text), text.n, &error))
		ok = io_report(c->diag, (Loc){ .file = path }, path, &error);
	arena_destroy(arena);
	return ok;
}
