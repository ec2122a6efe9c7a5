/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Programs in memory: kernels and glue as objects, linked by ORC. Its memory manager writes the
 * pages first and makes them executable after. libm's functions are named one by one; nothing else
 * of the process is offered.
 *
 * Ownership in ORC: an object's buffer belongs to the JIT once it was offered, also when that
 * fails; an LLVMErrorRef must be consumed exactly once (give_up does). */
#include "codegen/llvm/internal.h"
#include "base/oom.h"
#include <llvm-c/Error.h>
#include <llvm-c/LLJIT.h>
#include <llvm-c/Orc.h>
#include <stdlib.h>
#include <string.h>

#define TABLE_SYMBOL "burin_program"

struct JitProgram {
	LLVMOrcLLJITRef jit;
	BurinProgram table;
};

static bool give_up(Context *c, const char *what, LLVMErrorRef error)
{
	if (!error)
		return true;
	char *message = LLVMGetErrorMessage(error);
	diag_error(c->diag, (Loc){ 0 }, E5207, "%s: %s", what, message);
	LLVMDisposeErrorMessage(message);
	return false;
}

static bool offer_libm(Context *c, LLVMOrcLLJITRef jit)
{
	LLVMOrcCSymbolMapPair pair[32];
	size_t n = 0;
	for (const LibmRow *row = libm_table; row->name && n < 32; row++) {
		pair[n].Name = LLVMOrcLLJITMangleAndIntern(jit, row->name);
		pair[n].Sym.Address = (LLVMOrcExecutorAddress)(uintptr_t)row->address;
		pair[n].Sym.Flags.GenericFlags =
			LLVMJITSymbolGenericFlagsExported | LLVMJITSymbolGenericFlagsCallable;
		pair[n++].Sym.Flags.TargetFlags = 0;
	}
	LLVMErrorRef error = LLVMOrcJITDylibDefine(LLVMOrcLLJITGetMainJITDylib(jit),
						   LLVMOrcAbsoluteSymbols(pair, n));
	return give_up(c, "cannot offer libm", error);
}

static bool add_object(Context *c, JitProgram *j, const ObjectCode *o, const char *name)
{
	LLVMMemoryBufferRef copy =
		LLVMCreateMemoryBufferWithMemoryRangeCopy(o->data, o->bytes, name);
	LLVMErrorRef error =
		LLVMOrcLLJITAddObjectFile(j->jit, LLVMOrcLLJITGetMainJITDylib(j->jit), copy);
	return give_up(c, name, error);
}

static JitProgram *jit_create(Context *c)
{
	JitProgram *j = mem_alloc(sizeof *j);
	llvm_start();
	LLVMErrorRef error = LLVMOrcCreateLLJIT(&j->jit, NULL);
	if (!give_up(c, "cannot start the JIT", error) || !offer_libm(c, j->jit)) {
		jit_destroy(j);
		return NULL;
	}
	return j;
}

void jit_destroy(JitProgram *j)
{
	if (!j)
		return;
	if (j->jit)
		LLVMConsumeError(LLVMOrcDisposeLLJIT(j->jit));
	free(j);
}

void *jit_symbol(JitProgram *j, const char *name)
{
	LLVMOrcExecutorAddress at = 0;
	LLVMErrorRef error = LLVMOrcLLJITLookup(j->jit, &at, name);
	if (error)
		LLVMConsumeError(error);
	return error ? NULL : (void *)(uintptr_t)at;
}

const BurinProgram *jit_table(const JitProgram *j)
{
	return &j->table;
}

static bool link_table(Context *c, JitProgram *j, const Plan *p)
{
	LLVMOrcExecutorAddress at = 0;
	LLVMErrorRef error = LLVMOrcLLJITLookup(j->jit, &at, TABLE_SYMBOL);
	if (!give_up(c, "cannot link the program", error))
		return false;
	memcpy(&j->table, (const void *)(uintptr_t)at, sizeof j->table);
	j->table.weights = p->weight;
	return true;
}

/* Below this, compiling well takes longer than it saves when the code runs once. */
enum { LITTLE_BYTES = 2 << 20 };

/* Kernels that move little in all steps of the plan together. */
static void choose_quick(const Plan *p, KernelJob *job)
{
	for (int i = 0; i < p->kernel.n; i++) {
		double bytes = 0;
		for (int s = 0; s < p->step.n; s++)
			if (p->step.at[s].kernel == p->kernel.at[i])
				bytes += p->step.at[s].bytes;
		job[i].quick = bytes < LITTLE_BYTES;
	}
}

typedef struct Request {
	const Plan *plan;
	const Target *target;
	JitOptions options;
	bool once;
} Request;

static bool add_kernels(Context *c, JitProgram *j, Arena *arena, const Request *r)
{
	const Plan *p = r->plan;
	KernelJob *job = ARENA_ARRAY(arena, KernelJob, p->kernel.n + 1);
	for (int i = 0; i < p->kernel.n; i++) {
		job[i].kernel = p->kernel.at[i];
		job[i].symbol = p->kernel.at[i]->name;
	}
	if (r->once)
		choose_quick(p, job);
	if (!kernels_to_objects(c, arena, r->target, job, p->kernel.n, r->options.threads,
				r->options.cache))
		return false;
	for (int i = 0; i < p->kernel.n; i++)
		if (!add_object(c, j, &job[i].out, job[i].symbol))
			return false;
	return true;
}

static bool add_glue(Context *c, JitProgram *j, Arena *arena, const Plan *p, const Target *t)
{
	GlueVariant v = { .plan = p, .suffix = "", .cpu = BURIN_CPU_BASE };
	GlueEntry e = {
		.variant = &v, .n_variant = 1, .weight_bytes = p->weight_bytes, .weights_at = -1
	};
	Glue g = { .symbol = TABLE_SYMBOL,
		   .name = p->name ? p->name : "model",
		   .entry = &e,
		   .n_entry = 1 };
	ObjectCode object;
	return glue_to_object(c, arena, &g, t, &object) && add_object(c, j, &object, TABLE_SYMBOL);
}

static JitProgram *build(Context *c, const Request *r)
{
	Arena *arena = arena_create();
	JitProgram *j = jit_create(c);
	bool ok = j && add_kernels(c, j, arena, r) && add_glue(c, j, arena, r->plan, r->target) &&
		  link_table(c, j, r->plan);
	arena_destroy(arena);
	if (ok)
		return j;
	jit_destroy(j);
	return NULL;
}

JitProgram *jit_program(Context *c, const Plan *p, const Target *t, JitOptions o)
{
	return build(c, &(Request){ p, t, o, false });
}

JitProgram *jit_program_once(Context *c, const Plan *p, const Target *t, JitOptions o)
{
	return build(c, &(Request){ p, t, o, true });
}

JitProgram *jit_kernel(Context *c, const Kernel *k, const Target *t)
{
	Arena *arena = arena_create();
	JitProgram *j = jit_create(c);
	ObjectCode object;
	bool ok = j && kernel_to_object(c, arena, k, t, k->name, &object) &&
		  add_object(c, j, &object, k->name);
	arena_destroy(arena);
	if (ok)
		return j;
	jit_destroy(j);
	return NULL;
}
