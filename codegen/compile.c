/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* See compile.h. Memory: everything of one compilation lies in one arena; packed weights in a block
 * of their own, because an artefact maps or copies them and a program in memory keeps them after
 * the compilation's arena. */
#include "codegen/compile.h"
#include "base/oom.h"
#include "codegen/cuda/emu.h"
#include "codegen/prepare.h"
#include "codegen/table.h"
#include "runtime/model.h"
#include <stdlib.h>
#include <string.h>

struct Program {
	Arena *arena;
	Compiled compiled;
	JitProgram *jit; /* one of the three */
	EmuProgram *emu;
	const BurinProgram *cuda;
	void *weights;
};

/* The machine that compiles: where weights are prepared, and where code runs unless on a GPU. */
static bool read_targets(Context *c, Arena *arena, PassOptions *o, Target *host)
{
	bool gpu = o->target.kind == TARGET_CUDA;
	if (gpu && !o->host.name && !target_find("native", &o->host))
		return diag_error(c->diag, (Loc){ 0 }, E5101, "this CPU is not supported");
	*host = target_resolve(arena, gpu ? &o->host : &o->target);
	return true;
}

static const BurinProgram *cuda_table(Context *c, Program *p, const CompileOptions *o)
{
	BurinCudaProgram *made = ARENA_NEW(p->arena, BurinCudaProgram);
	if (!cuda_compile(c, p->arena, p->compiled.main, &o->pass.target, o->gpus,
			  nvrtc_options(c, o), made))
		return NULL;
	return plan_table(p->arena, p->compiled.main, NULL, made);
}

static bool make_code(Context *c, Program *p, const CompileOptions *o, const Target *host,
		      JitOptions j)
{
	EmuOptions emu = { o->emu_compiler, o->emu_seed, o->emu_source };
	if (o->pass.target.kind == TARGET_CUDA && o->emulate)
		p->emu = emu_program(c, p->compiled.main, &o->pass.target, emu);
	else if (o->pass.target.kind == TARGET_CUDA)
		p->cuda = cuda_table(c, p, o);
	else
		p->jit = jit_program(c, p->compiled.main, host, j);
	return p->emu || p->jit || p->cuda;
}

Program *program_compile(Context *c, const Graph *g, const CompileOptions *o)
{
	Arena *arena = arena_create();
	Program *p = ARENA_NEW(arena, Program);
	PassOptions po = o->pass;
	Pass pass = { .ctx = c, .o = &po };
	JitOptions j = { o->threads, o->cache };
	Target host;
	p->arena = arena;
	bool ok = read_targets(c, arena, &po, &host) &&
		  compile_plans(&pass, g, arena, &p->compiled) &&
		  prepare_weights(c, &p->compiled, &host, j, &p->weights);
	if (ok) {
		p->compiled.main->weight = p->weights;
		ok = make_code(c, p, o, &host, j);
	}
	if (ok)
		return p;
	program_destroy(p);
	return NULL;
}

static void release_program(void *p)
{
	program_destroy(p);
}

static const char *fault_of(const void *p)
{
	return program_fault(p);
}

burin_status program_model(Program *p, burin_model **out, burin_error *err)
{
	burin_status s = model_of_program(out, program_table(p), release_program, p, err);
	if (s == BURIN_OK)
		(*out)->fault = fault_of;
	return s;
}

const BurinProgram *program_table(const Program *p)
{
	return p->emu ? emu_table(p->emu) : p->cuda ? p->cuda : jit_table(p->jit);
}

const char *program_fault(const Program *p)
{
	return p->emu ? emu_fault(p->emu) : NULL;
}

const Plan *program_plan(const Program *p)
{
	return p->compiled.main;
}

const Graph *program_graph(const Program *p)
{
	return p->compiled.graph;
}

void program_destroy(Program *p)
{
	if (!p)
		return;
	jit_destroy(p->jit);
	emu_destroy(p->emu);
	weights_free(p->weights);
	arena_destroy(p->arena);
}

void report_entry(CompileReport *r, const char *name, const Plan *p)
{
	EntryReport *e = &r->entry[r->n_entry++];
	*e = (EntryReport){ .name = name,
			    .kernels = p->kernel.n,
			    .steps = p->step.n,
			    .work_bytes = p->work_bytes,
			    .scratch_bytes = p->scratch_bytes,
			    .weight_bytes = p->weight_bytes };
	for (int i = 0; i < p->step.n; i++)
		e->flops += p->step.at[i].flops;
}
