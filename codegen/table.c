/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* See table.h. */
#include "codegen/table.h"

int plan_base_index(const Plan *p, const PlanArg *a)
{
	int after = p->input.n + p->output.n;
	switch (a->space) {
	case SPACE_INPUT: return a->index;
	case SPACE_OUTPUT: return p->input.n + a->index;
	case SPACE_WORK: return after;
	case SPACE_WEIGHT: return after + 1;
	case SPACE_COUNT: break;
	}
	return after;
}

int entry_port(const GlueEntry *e, int i)
{
	const Plan *p = e->variant[0].plan;
	int state = p->input.n - 1, last = p->input.n + p->output.n - 1;
	if (!e->writes_state || i < state)
		return i;
	return i == last ? state : i + 1;
}

static const BurinPort *ports(Arena *a, const Plan *p, Space space, int n)
{
	BurinPort *port = ARENA_ARRAY(a, BurinPort, n + 1);
	for (int i = 0; i < n; i++) {
		const PlanPort *from = space == SPACE_INPUT ? &p->input.at[i] : &p->output.at[i];
		port[i] =
			(BurinPort){ .name = arena_strdup(a, from->name),
				     .dtype = (int32_t)from->type->dtype,
				     .align = from->align,
				     .rank = from->type->rank,
				     .dim = arena_copy(a, from->type->dim, sizeof from->type->dim),
				     .bytes = type_bytes(from->type) };
	}
	return port;
}

static const BurinVariant *variant(Arena *a, const Plan *p, BurinStepFn *const *run,
				   const BurinCudaProgram *cuda)
{
	BurinVariant *v = ARENA_NEW(a, BurinVariant);
	BurinStep *step = ARENA_ARRAY(a, BurinStep, p->step.n + 1);
	BurinStepInfo *info = ARENA_ARRAY(a, BurinStepInfo, p->step.n + 1);
	for (int i = 0; i < p->step.n; i++) {
		const Step *s = &p->step.at[i];
		if (run)
			step[i] = (BurinStep){ .run = run[i], .n_tasks = 1 };
		info[i] = (BurinStepInfo){ .kernel = arena_strdup(a, s->kernel->name),
					   .kind = arena_strdup(a, s->kind),
					   .sources = arena_strdup(a, s->sources ? s->sources : ""),
					   .flops = s->flops,
					   .bytes = s->bytes };
	}
	*v = (BurinVariant){ .n_steps = run ? (uint32_t)p->step.n : 0,
			     .step = step,
			     .info = info,
			     .work_bytes = run ? p->work_bytes : 0,
			     .batch = 1,
			     .cuda = cuda };
	return v;
}

const BurinProgram *plan_table(Arena *a, const Plan *p, BurinStepFn *const *run,
			       const BurinCudaProgram *cuda)
{
	BurinProgram *t = ARENA_NEW(a, BurinProgram);
	*t = (BurinProgram){ .version = BURIN_PROGRAM_VERSION,
			     .size = sizeof *t,
			     .name = arena_strdup(a, p->name ? p->name : "model"),
			     .n_in = (uint32_t)p->input.n,
			     .n_out = (uint32_t)p->output.n,
			     .n_variant = 1,
			     .in = ports(a, p, SPACE_INPUT, p->input.n),
			     .out = ports(a, p, SPACE_OUTPUT, p->output.n),
			     .variant = variant(a, p, run, cuda),
			     .weights = p->weight,
			     .weight_bytes = p->weight_bytes };
	return t;
}
