/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
#include "bench/timed.h"
#include <stdlib.h>
#include <string.h>

static void *room(int64_t bytes)
{
	void *p = aligned_alloc(64, (size_t)((bytes + 127) / 64 * 64));
	memset(p, 0, (size_t)bytes);
	return p;
}

void timed_open(Timed *t, const Program *p, int threads)
{
	int n = 0;
	*t = (Timed){ .program = program_table(p), .plan = program_plan(p) };
	for (int i = 0; i < t->plan->input.n; i++)
		t->ports[n++] = room(type_bytes(t->plan->input.at[i].type));
	t->ports[n] = room(type_bytes(t->plan->output.at[0].type));
	burin_rt_ctx_init(t->program, t->ctx, threads);
	t->work = room((int64_t)burin_rt_workspace_bytes(t->program, t->ctx));
	t->ns = calloc((size_t)t->plan->step.n, sizeof *t->ns);
}

void timed_close(Timed *t)
{
	burin_rt_ctx_done(t->program, t->ctx);
	for (size_t i = 0; i < sizeof t->ports / sizeof *t->ports; i++)
		free(t->ports[i]);
	free(t->work);
	free(t->ns);
}

void timed_run(Timed *t)
{
	memset(t->ns, 0, sizeof *t->ns * (size_t)t->plan->step.n);
	burin_rt_run_timed(t->program, t->ctx, 1, t->ports, t->work, t->ns);
}
