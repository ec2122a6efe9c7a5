/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* From kernels and plans to machine code: the one interface of the code generator. Nothing of LLVM
 * shows here. */
#ifndef CODEGEN_CODEGEN_H
#define CODEGEN_CODEGEN_H
#include "ir/target.h"
#include "passes/plan.h"
#include "runtime/artifact.h"

/* Bytes of a relocatable ELF object, or a text (NUL-terminated, not counted). */
typedef struct ObjectCode {
	const void *data;
	size_t bytes;
} ObjectCode;

/* "native" and "" are replaced by what the host is called; all other targets are returned as they
 * are. */
Target target_resolve(Arena *a, const Target *t);
const char *codegen_version(void); /* "LLVM 19.1.7": part of cache keys and reports */

/* What is called, by any thread, when LLVM gets no memory; it must not return. Without it LLVM ends
 * the process by abort(). The process's own: for a program, not for a library. Once. */
void codegen_on_no_memory(void (*f)(void));

typedef enum CodeForm { CODE_OBJECT, CODE_IR, CODE_ASSEMBLY } CodeForm;
/* One kernel as the function `symbol`. False: E5206 in c->diag. The code lives in `arena`. */
bool kernel_to_code(Context *c, Arena *arena, const Kernel *k, const Target *t, const char *symbol,
		    CodeForm form, ObjectCode *out);
static inline bool kernel_to_object(Context *c, Arena *arena, const Kernel *k, const Target *t,
				    const char *symbol, ObjectCode *out)
{
	return kernel_to_code(c, arena, k, t, symbol, CODE_OBJECT, out);
}

/* Compiled kernels, kept from one compilation to the next. Called by one thread. NULL hooks: no
 * cache. */
typedef struct ObjectCache {
	void *user;
	bool (*get)(void *user, const uint8_t key[32], Arena *arena, ObjectCode *out);
	void (*put)(void *user, const uint8_t key[32], const ObjectCode *code);
} ObjectCache;

/* Several kernels at once. symbol: each kernel's function name. out: one object per kernel.
 * quick: compiled fast, not well (a third of the time; for code that runs once on little data) */
typedef struct KernelJob {
	const Kernel *kernel;
	const char *symbol;
	bool quick;
	ObjectCode out;
} KernelJob;
bool kernels_to_objects(Context *c, Arena *arena, const Target *t, KernelJob *job, int n_job,
			int threads, const ObjectCache *cache);

/* The glue of a program: one BurinStepFn per step, which calls kernels by name, and the tables and
 * exported functions that runtime/artifact.h describes. */
typedef struct GlueVariant {
	const Plan *plan;
	const char *suffix; /* kernels are called <kernel name><suffix>; also tells the step
			       functions of variants apart */
	uint32_t cpu;       /* BURIN_CPU_* */
	uint64_t need[2];   /* burin_cpu_need() */
	int64_t batch;      /* items per call; 0 counts as 1 */
	const struct BurinCudaProgram *cuda; /* compiled for a GPU: the only variant; or NULL */
} GlueVariant;
/* A function of the program. The first is the model's own, which the context's functions and the
 * descriptor are about; further ones are exported as <prefix>_<name>, and the size of their
 * workspace by <prefix>_<name>_workspace_bytes. */
typedef struct GlueEntry {
	const char *name;
	const char *about; /* for the header: lines of a comment, $m stands for the prefix */
	const GlueVariant
		*variant; /* as in BurinProgram; the first one's ports are the program's */
	int n_variant;
	bool free_batch;
	bool writes_state; /* its last input, which is written: comes last among the arguments */
	int64_t weight_bytes;
	int64_t weights_at; /* in the block burin_weights; -1: they come from elsewhere */
	uint64_t layout[2];
} GlueEntry;
/* What the state of training is at first: bytes at a place in the block burin_weights, then zeros.
 */
typedef struct GlueState {
	const StateLayout *layout;
	int64_t initial_at, initial_bytes;
} GlueState;
typedef struct Glue {
	const char *prefix; /* of the exported names; NULL: nothing but the table is made, exported
			       as `symbol` */
	const char *symbol;
	const char *name; /* of the model */
	bool metadata;    /* refers to burin_metadata */
	const GlueEntry *entry;
	int n_entry;
	const GlueState *state; /* or NULL */
} Glue;
bool glue_to_code(Context *c, Arena *arena, const Glue *g, const Target *t, CodeForm form,
		  ObjectCode *out);
static inline bool glue_to_object(Context *c, Arena *arena, const Glue *g, const Target *t,
				  ObjectCode *out)
{
	return glue_to_code(c, arena, g, t, CODE_OBJECT, out);
}

/* Modules in CODE_IR form as one, in CODE_IR or CODE_ASSEMBLY form, with assembly that they need. Names
 * stay global that begin with `shown`. */
bool texts_to_code(Context *c, Arena *arena, const Target *t, const ObjectCode *text, int n,
		   const char *shown, const char *assembly, CodeForm form, ObjectCode *out);

/* A plan compiled into memory. The program's names are its own copies; weights are plan->weight. */
typedef struct JitProgram JitProgram;
typedef struct JitOptions {
	int threads;              /* that compile; 0: one */
	const ObjectCache *cache; /* or NULL */
} JitOptions;
JitProgram *jit_program(Context *c, const Plan *p, const Target *t,
			JitOptions o); /* NULL: see c->diag */
/* The same for a plan that is run once: where a kernel has little to do, compiling it fast is worth
 * more. */
JitProgram *jit_program_once(Context *c, const Plan *p, const Target *t, JitOptions o);
const BurinProgram *jit_table(const JitProgram *j);
void *jit_symbol(JitProgram *j, const char *name); /* a kernel's code, by its name; NULL: none */
void jit_destroy(JitProgram *j);                   /* accepts NULL */
/* One kernel alone in memory, for tests and measurements: jit_symbol gives k->name. */
JitProgram *jit_kernel(Context *c, const Kernel *k, const Target *t);
#endif
