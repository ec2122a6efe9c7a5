/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Ahead of time for a GPU: the kernels' text. */
#include "codegen/aot_cuda.h"
#include "codegen/cuda/cuda.h"

bool write_cuda_text(Context *c, const Graph *g, const CompileOptions *o, const char *path,
		     CompileReport *report)
{
	Arena *arena = arena_create();
	PassOptions po = o->pass;
	Pass pass = { .ctx = c, .o = &po };
	Compiled compiled;
	bool ok = compile_plans(&pass, g, arena, &compiled) &&
		  cuda_write_source(c, compiled.main, &po.target, path);
	if (ok && report) {
		*report = (CompileReport){ 0 };
		report_entry(report, "run", compiled.main);
	}
	arena_destroy(arena);
	return ok;
}
