/* Ahead of time for a GPU: the kernels' text. */
#include "codegen/aot_cuda.h"
#include "codegen/cuda/cuda.h"

static void fill_report(const Plan *p, CompileReport *r)
{
	*r = (CompileReport){ .kernels = p->kernel.n,
			      .steps = p->step.n,
			      .work_bytes = p->work_bytes,
			      .weight_bytes = p->weight_bytes };
	for (int i = 0; i < p->step.n; i++)
		r->flops += p->step.at[i].flops;
}

bool write_cuda_text(Context *c, const Graph *g, const CompileOptions *o, const char *path,
		     CompileReport *report)
{
	Arena *arena = arena_create();
	PassOptions po = o->pass;
	Pass pass = { .ctx = c, .o = &po };
	Compiled compiled;
	bool ok = compile_plans(&pass, g, arena, &compiled) &&
		  cuda_write_source(c, compiled.main, &po.target, path);
	if (ok && report)
		fill_report(compiled.main, report);
	arena_destroy(arena);
	return ok;
}
