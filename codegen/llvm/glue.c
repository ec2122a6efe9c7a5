/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The module that makes a program of kernels: a function per step that finds the step's buffers,
 * and the tables of runtime/artifact.h as constants. */
#include "codegen/llvm/internal.h"
#include "codegen/table.h"
#include "ir/blob.h"
#include "runtime/cuda/program.h"
#include <string.h>

_Static_assert((int)PLAN_STATUS_OFFSET == (int)BURIN_STATUS_OFFSET, "plans and programs agree");

_Static_assert(sizeof(BurinCudaImage) == 24 && sizeof(BurinCudaKernel) == 24 &&
		       sizeof(BurinCudaArg) == 16 && sizeof(BurinCudaStep) == 40 &&
		       sizeof(BurinCudaProgram) == 40,
	       "and those of runtime/cuda/program.h");
_Static_assert(sizeof(BurinStep) == 24 && sizeof(BurinStepInfo) == 40 && sizeof(BurinPort) == 40 &&
		       sizeof(BurinVariant) == 72 && sizeof(BurinProgram) == 96 &&
		       sizeof(BurinState) == 24,
	       "the constants below follow the structs of runtime/artifact.h field by field");

typedef struct Gluer {
	const Glue *g;
	Arena *arena;
	LLVMContextRef lc;
	LLVMModuleRef module;
	LLVMBuilderRef b;
	LLVMTypeRef ptr, i32, i64;
} Gluer;

static LLVMValueRef word(Gluer *g, int64_t v)
{
	return LLVMConstInt(g->i32, (unsigned long long)v, true);
}

static LLVMValueRef wide(Gluer *g, int64_t v)
{
	return LLVMConstInt(g->i64, (unsigned long long)v, true);
}

/* A private constant array, as a pointer to its first element. */
static LLVMValueRef table(Gluer *g, const char *name, LLVMTypeRef t, LLVMValueRef *v, int n)
{
	if (n == 0)
		return LLVMConstNull(g->ptr);
	LLVMValueRef array = LLVMConstArray2(t, v, (uint64_t)n);
	LLVMValueRef global = LLVMAddGlobal(g->module, LLVMTypeOf(array), name);
	LLVMSetInitializer(global, array);
	LLVMSetGlobalConstant(global, true);
	LLVMSetLinkage(global, LLVMPrivateLinkage);
	return global;
}

static LLVMValueRef text(Gluer *g, const char *s)
{
	if (!s)
		return LLVMConstNull(g->ptr);
	LLVMValueRef array =
		LLVMConstStringInContext(g->lc, s, (unsigned)strlen(s), false /* with NUL */);
	LLVMValueRef global = LLVMAddGlobal(g->module, LLVMTypeOf(array), "text");
	LLVMSetInitializer(global, array);
	LLVMSetGlobalConstant(global, true);
	LLVMSetLinkage(global, LLVMPrivateLinkage);
	return global;
}

static LLVMValueRef record(Gluer *g, LLVMValueRef *field, unsigned n)
{
	return LLVMConstStructInContext(g->lc, field, n, false);
}

/* --- steps ----------------------------------------------------------------------------------- */

static LLVMValueRef kernel_function(Gluer *g, const char *name, int n_arg, LLVMTypeRef *type)
{
	LLVMTypeRef *param = ARENA_ARRAY(g->arena, LLVMTypeRef, n_arg + 3);
	for (int i = 0; i < n_arg; i++)
		param[i] = g->ptr;
	param[n_arg] = param[n_arg + 1] = g->i64;
	param[n_arg + 2] = g->ptr;
	*type = LLVMFunctionType(LLVMVoidTypeInContext(g->lc), param, (unsigned)n_arg + 3, false);
	LLVMValueRef f = LLVMGetNamedFunction(g->module, name);
	return f ? f : LLVMAddFunction(g->module, name, *type);
}

static LLVMValueRef argument(Gluer *g, LLVMValueRef base, const Plan *p, const PlanArg *a)
{
	LLVMValueRef at = wide(g, plan_base_index(p, a)), offset = wide(g, a->offset);
	LLVMValueRef slot = LLVMBuildGEP2(g->b, g->ptr, base, &at, 1, "");
	LLVMValueRef v = LLVMBuildLoad2(g->b, g->ptr, slot, "");
	if (a->offset == 0)
		return v;
	return LLVMBuildGEP2(g->b, LLVMInt8TypeInContext(g->lc), v, &offset, 1, "");
}

static LLVMValueRef step_function(Gluer *g, const GlueVariant *v, int i)
{
	const Step *s = &v->plan->step.at[i];
	LLVMTypeRef param[4] = { g->ptr, g->i64, g->i64, g->ptr }, kernel_type;
	LLVMTypeRef type = LLVMFunctionType(LLVMVoidTypeInContext(g->lc), param, 4, false);
	const char *name = arena_printf(g->arena, "step%d%s", i, v->suffix);
	LLVMValueRef f = LLVMAddFunction(g->module, name, type);
	LLVMSetLinkage(f, LLVMInternalLinkage);
	unsigned nounwind = LLVMGetEnumAttributeKindForName("nounwind", 8);
	LLVMAddAttributeAtIndex(f, LLVMAttributeFunctionIndex,
				LLVMCreateEnumAttribute(g->lc, nounwind, 0));
	LLVMPositionBuilderAtEnd(g->b, LLVMAppendBasicBlockInContext(g->lc, f, ""));
	const char *callee = arena_printf(g->arena, "%s%s", s->kernel->name, v->suffix);
	LLVMValueRef kernel = kernel_function(g, callee, s->n_arg, &kernel_type);
	LLVMValueRef *arg = ARENA_ARRAY(g->arena, LLVMValueRef, s->n_arg + 3);
	for (int j = 0; j < s->n_arg; j++)
		arg[j] = argument(g, LLVMGetParam(f, 0), v->plan, &s->arg[j]);
	for (int j = 0; j < 3; j++)
		arg[s->n_arg + j] = LLVMGetParam(f, (unsigned)j + 1);
	LLVMValueRef call =
		LLVMBuildCall2(g->b, kernel_type, kernel, arg, (unsigned)s->n_arg + 3, "");
	LLVMSetTailCall(call, true);
	LLVMBuildRetVoid(g->b);
	return f;
}

/* --- tables ---------------------------------------------------------------------------------- */

static LLVMTypeRef step_type(Gluer *g)
{
	LLVMTypeRef field[3] = { g->ptr, g->i64, g->i64 };
	return LLVMStructTypeInContext(g->lc, field, 3, false);
}

static LLVMValueRef records(Gluer *g, const char *name, LLVMValueRef *v, int n)
{
	return n ? table(g, name, LLVMTypeOf(v[0]), v, n) : LLVMConstNull(g->ptr);
}

static LLVMValueRef number(Gluer *g, double v)
{
	return LLVMConstReal(LLVMDoubleTypeInContext(g->lc), v);
}

static LLVMValueRef info_table(Gluer *g, const Plan *p)
{
	LLVMValueRef *info = ARENA_ARRAY(g->arena, LLVMValueRef, p->step.n + 1);
	for (int i = 0; i < p->step.n; i++) {
		const Step *s = &p->step.at[i];
		LLVMValueRef field[5] = { text(g, s->kernel->name), text(g, s->kind),
					  text(g, s->sources), number(g, s->flops),
					  number(g, s->bytes) };
		info[i] = record(g, field, 5);
	}
	return records(g, "info", info, p->step.n);
}

static LLVMValueRef pair(Gluer *g, const uint64_t v[2])
{
	LLVMValueRef word2[2] = { wide(g, (int64_t)v[0]), wide(g, (int64_t)v[1]) };
	return LLVMConstArray2(g->i64, word2, 2);
}

static LLVMValueRef constant(Gluer *g, const char *name, LLVMValueRef value)
{
	LLVMValueRef global = LLVMAddGlobal(g->module, LLVMTypeOf(value), name);
	LLVMSetInitializer(global, value);
	LLVMSetGlobalConstant(global, true);
	LLVMSetAlignment(global, 8);
	return global;
}

/* --- the part for a GPU ---------------------------------------------------------------------- */

static LLVMValueRef cuda_images(Gluer *g, const BurinCudaKernel *k)
{
	LLVMValueRef *v = ARENA_ARRAY(g->arena, LLVMValueRef, k->n_image + 1);
	for (int64_t i = 0; i < k->n_image; i++) {
		const BurinCudaImage *m = &k->image[i];
		LLVMValueRef bytes =
			LLVMConstStringInContext(g->lc, m->data, (unsigned)m->bytes, true);
		LLVMValueRef field[4] = { word(g, m->arch), word(g, m->ptx),
					  constant(g, "image", bytes), wide(g, m->bytes) };
		v[i] = record(g, field, 4);
	}
	return records(g, "images", v, (int)k->n_image);
}

static LLVMValueRef cuda_kernels(Gluer *g, const BurinCudaProgram *c)
{
	LLVMValueRef *v = ARENA_ARRAY(g->arena, LLVMValueRef, c->n_kernel + 1);
	for (int64_t i = 0; i < c->n_kernel; i++) {
		const BurinCudaKernel *k = &c->kernel[i];
		LLVMValueRef field[3] = { text(g, k->name), wide(g, k->n_image),
					  cuda_images(g, k) };
		v[i] = record(g, field, 3);
	}
	return records(g, "kernels", v, (int)c->n_kernel);
}

static LLVMValueRef cuda_args(Gluer *g, const BurinCudaStep *s)
{
	LLVMValueRef *v = ARENA_ARRAY(g->arena, LLVMValueRef, s->n_arg + 1);
	for (int32_t i = 0; i < s->n_arg; i++) {
		LLVMValueRef field[3] = { word(g, s->arg[i].space), word(g, s->arg[i].index),
					  wide(g, s->arg[i].offset) };
		v[i] = record(g, field, 3);
	}
	return records(g, "args", v, s->n_arg);
}

static LLVMValueRef cuda_steps(Gluer *g, const BurinCudaProgram *c)
{
	LLVMValueRef *v = ARENA_ARRAY(g->arena, LLVMValueRef, c->n_step + 1);
	for (int64_t i = 0; i < c->n_step; i++) {
		const BurinCudaStep *s = &c->step[i];
		LLVMValueRef field[8] = { word(g, s->kernel), word(g, s->n_arg),  word(g, s->grid),
					  word(g, s->block),  word(g, s->shared), word(g, 0),
					  cuda_args(g, s),    text(g, s->sources) };
		v[i] = record(g, field, 8);
	}
	return records(g, "launches", v, (int)c->n_step);
}

static LLVMValueRef cuda_program(Gluer *g, const BurinCudaProgram *c)
{
	if (!c)
		return LLVMConstNull(g->ptr);
	LLVMValueRef field[5] = { wide(g, c->n_kernel), wide(g, c->n_step), cuda_kernels(g, c),
				  cuda_steps(g, c), wide(g, c->work_bytes) };
	return constant(g, "cuda", record(g, field, 5));
}

static LLVMValueRef variant_record(Gluer *g, const GlueVariant *v)
{
	const Plan *p = v->plan;
	int n = v->cuda ? 0 : p->step.n;
	LLVMValueRef *step = ARENA_ARRAY(g->arena, LLVMValueRef, n + 1);
	for (int i = 0; i < n; i++) {
		LLVMValueRef field[3] = { step_function(g, v, i), wide(g, p->step.at[i].n_tasks),
					  wide(g, p->step.at[i].joins) };
		step[i] = record(g, field, 3);
	}
	LLVMValueRef field[9] = { pair(g, v->need),
				  word(g, v->cpu),
				  word(g, n),
				  table(g, "steps", step_type(g), step, n),
				  info_table(g, p),
				  wide(g, v->cuda ? 0 : p->work_bytes),
				  wide(g, p->scratch_bytes),
				  wide(g, v->batch ? v->batch : 1),
				  cuda_program(g, v->cuda) };
	return record(g, field, 9);
}

static LLVMValueRef port_record(Gluer *g, const GlueEntry *e, Space space, int index)
{
	const Plan *p = e->variant[0].plan;
	const PlanPort *port = space == SPACE_INPUT ? &p->input.at[index] : &p->output.at[index];
	const Type *t = port->type;
	bool items = e->free_batch && t->rank > 0 && t->dim[0] > 0;
	LLVMValueRef dim[MAX_RANK];
	for (int i = 0; i < t->rank; i++)
		dim[i] = wide(g, items && i == 0 ? -1 : t->dim[i]);
	LLVMValueRef field[6] = { text(g, port->name),
				  word(g, t->dtype),
				  word(g, port->align),
				  wide(g, t->rank),
				  table(g, "dims", g->i64, dim, t->rank),
				  wide(g, type_bytes(t) / (items ? t->dim[0] : 1)) };
	return record(g, field, 6);
}

static LLVMValueRef port_table(Gluer *g, const char *name, const GlueEntry *e, Space space, int n)
{
	LLVMValueRef *v = ARENA_ARRAY(g->arena, LLVMValueRef, n + 1);
	for (int i = 0; i < n; i++)
		v[i] = port_record(g, e, space, i);
	return records(g, name, v, n);
}

/* A symbol defined elsewhere in the artefact. */
static LLVMValueRef outside(Gluer *g, const char *name)
{
	LLVMValueRef v = LLVMGetNamedGlobal(g->module, name);
	if (v)
		return v;
	v = LLVMAddGlobal(g->module, LLVMInt8TypeInContext(g->lc), name);
	LLVMSetVisibility(v, LLVMHiddenVisibility);
	return v;
}

/* A place in the block of weights; NULL when that is not where they are. */
static LLVMValueRef in_weights(Gluer *g, int64_t at, int64_t bytes)
{
	if (at < 0 || bytes == 0)
		return LLVMConstNull(g->ptr);
	LLVMValueRef offset = wide(g, at);
	return LLVMConstGEP2(LLVMInt8TypeInContext(g->lc), outside(g, "burin_weights"), &offset, 1);
}

static LLVMValueRef hidden_constant(Gluer *g, const char *name, LLVMValueRef value)
{
	LLVMValueRef global = constant(g, name, value);
	if (g->g->prefix)
		LLVMSetVisibility(global, LLVMHiddenVisibility);
	return global;
}

static LLVMValueRef program(Gluer *g, const GlueEntry *e, const char *symbol)
{
	const Glue *glue = g->g;
	const Plan *p = e->variant[0].plan;
	LLVMValueRef *v = ARENA_ARRAY(g->arena, LLVMValueRef, e->n_variant + 1);
	for (int i = 0; i < e->n_variant; i++)
		v[i] = variant_record(g, &e->variant[i]);
	LLVMValueRef field[14] = { word(g, BURIN_PROGRAM_VERSION),
				   word(g, sizeof(BurinProgram)),
				   text(g, glue->name),
				   glue->metadata ? outside(g, "burin_metadata")
						  : LLVMConstNull(g->ptr),
				   word(g, p->input.n),
				   word(g, p->output.n),
				   word(g, e->n_variant),
				   word(g, e->free_batch),
				   port_table(g, "inputs", e, SPACE_INPUT, p->input.n),
				   port_table(g, "outputs", e, SPACE_OUTPUT, p->output.n),
				   records(g, "variants", v, e->n_variant),
				   in_weights(g, e->weights_at, e->weight_bytes),
				   wide(g, e->weight_bytes),
				   pair(g, e->layout) };
	return hidden_constant(g, symbol, record(g, field, 14));
}

static LLVMValueRef state_record(Gluer *g)
{
	const GlueState *s = g->g->state;
	LLVMValueRef field[3] = { wide(g, s->layout->bytes),
				  in_weights(g, s->initial_at, s->initial_bytes),
				  wide(g, s->initial_bytes) };
	return hidden_constant(g, "burin_state", record(g, field, 3));
}

/* --- exported functions ---------------------------------------------------------------------- */

static LLVMTypeRef letter_type(Gluer *g, char letter)
{
	if (letter == 'v')
		return LLVMVoidTypeInContext(g->lc);
	return letter == 'p' ? g->ptr : letter == 'z' ? g->i64 : g->i32;
}

static LLVMValueRef runtime_function(Gluer *g, const char *name, LLVMTypeRef type)
{
	bool cuda = g->g->entry[0].variant[0].cuda;
	const char *full = arena_printf(g->arena, "burin_%s_%s", cuda ? "cuda" : "rt", name);
	LLVMValueRef f = LLVMGetNamedFunction(g->module, full);
	if (f)
		return f;
	f = LLVMAddFunction(g->module, full, type);
	LLVMSetVisibility(f, LLVMHiddenVisibility);
	return f;
}

static LLVMValueRef exported_function(Gluer *g, const char *name, LLVMTypeRef type)
{
	const char *full = arena_printf(g->arena, "%s_%s", g->g->prefix, name);
	LLVMValueRef f = LLVMAddFunction(g->module, full, type);
	LLVMPositionBuilderAtEnd(g->b, LLVMAppendBasicBlockInContext(g->lc, f, ""));
	return f;
}

static void return_call(Gluer *g, LLVMTypeRef type, LLVMValueRef f, LLVMValueRef *arg, unsigned n)
{
	LLVMValueRef v = LLVMBuildCall2(g->b, type, f, arg, n, "");
	if (LLVMGetReturnType(type) == LLVMVoidTypeInContext(g->lc))
		LLVMBuildRetVoid(g->b);
	else
		LLVMBuildRet(g->b, v);
}

/* m_<name>: the runtime's function `calls`, told the table. */
static void wrapper(Gluer *g, LLVMValueRef table_at, const char *name, const char *calls,
		    const char *result, const char *params)
{
	LLVMTypeRef type[8] = { g->ptr };
	LLVMValueRef arg[8] = { table_at };
	unsigned n = (unsigned)strlen(params);
	for (unsigned i = 0; i < n; i++)
		type[i + 1] = letter_type(g, params[i]);
	LLVMTypeRef inner = LLVMFunctionType(letter_type(g, *result), type, n + 1, false);
	LLVMTypeRef outer = LLVMFunctionType(letter_type(g, *result), type + 1, n, false);
	LLVMValueRef f = exported_function(g, name, outer);
	for (unsigned i = 0; i < n; i++)
		arg[i + 1] = LLVMGetParam(f, i);
	return_call(g, inner, runtime_function(g, calls, inner), arg, n + 1);
}

/* m_<entry>(ctx, [n,] ports, workspace): the ports go into an array, in the program's order. */
static void run_function(Gluer *g, const GlueEntry *e, LLVMValueRef table_at)
{
	const Plan *p = e->variant[0].plan;
	unsigned ports = (unsigned)(p->input.n + p->output.n), first = e->free_batch ? 2 : 1;
	LLVMTypeRef *type = ARENA_ARRAY(g->arena, LLVMTypeRef, ports + 3);
	for (unsigned i = 0; i < ports + first + 1; i++)
		type[i] = g->ptr;
	if (first == 2)
		type[1] = g->i64;
	LLVMTypeRef outer = LLVMFunctionType(g->i32, type, ports + first + 1, false);
	LLVMValueRef f = exported_function(g, e->name, outer);
	LLVMTypeRef array = LLVMArrayType2(g->ptr, ports ? ports : 1);
	LLVMValueRef list = LLVMBuildAlloca(g->b, array, "ports");
	for (unsigned i = 0; i < ports; i++) {
		LLVMValueRef at = wide(g, entry_port(e, (int)i));
		LLVMValueRef slot = LLVMBuildGEP2(g->b, g->ptr, list, &at, 1, "");
		LLVMBuildStore(g->b, LLVMGetParam(f, first + i), slot);
	}
	LLVMTypeRef inner_type[5] = { g->ptr, g->ptr, g->i64, g->ptr, g->ptr };
	LLVMTypeRef inner = LLVMFunctionType(g->i32, inner_type, 5, false);
	LLVMValueRef arg[5] = { table_at, LLVMGetParam(f, 0),
				first == 2 ? LLVMGetParam(f, 1) : wide(g, 1), list,
				LLVMGetParam(f, first + ports) };
	return_call(g, inner, runtime_function(g, "run", inner), arg, 5);
}

/* What the model's own function comes with. */
static void context_functions(Gluer *g, LLVMValueRef table_at)
{
#define BURIN_WRAP(name, result, params) wrapper(g, table_at, #name, #name, result, params);
	if (g->g->entry[0].variant[0].cuda) {
		BURIN_CUDA_WRAPPERS
	} else {
		BURIN_WRAPPERS
	}
#undef BURIN_WRAP
	constant(g, arena_printf(g->arena, "%s_descriptor", g->g->prefix), table_at);
}

static void further_entry(Gluer *g, const GlueEntry *e)
{
	const char *symbol = arena_printf(g->arena, "%s_%s", g->g->symbol, e->name);
	const char *size = arena_printf(g->arena, "%s_workspace_bytes", e->name);
	LLVMValueRef table_at = program(g, e, symbol);
	run_function(g, e, table_at);
	wrapper(g, table_at, size, "workspace_bytes", "z", "p");
}

static void add_exports(Gluer *g, LLVMValueRef table_at)
{
	run_function(g, &g->g->entry[0], table_at);
	context_functions(g, table_at);
	for (int i = 1; i < g->g->n_entry; i++)
		further_entry(g, &g->g->entry[i]);
	if (g->g->state)
		wrapper(g, state_record(g), "state_init", "state_init", "i", "p");
}

static void gluer_open(Gluer *g)
{
	g->lc = LLVMContextCreate();
	g->module = LLVMModuleCreateWithNameInContext(g->g->symbol, g->lc);
	g->b = LLVMCreateBuilderInContext(g->lc);
	g->ptr = LLVMPointerTypeInContext(g->lc, 0);
	g->i32 = LLVMInt32TypeInContext(g->lc);
	g->i64 = LLVMInt64TypeInContext(g->lc);
}

bool glue_to_code(Context *c, Arena *arena, const Glue *g, const Target *t, CodeForm form,
		  ObjectCode *out)
{
	Machine m;
	const char *error = NULL;
	if (!machine_open(&m, t, true, arena, &error))
		return report_codegen(c, "program", g->symbol, error);
	Gluer gluer = { .g = g, .arena = arena };
	gluer_open(&gluer);
	LLVMValueRef table_at = program(&gluer, &g->entry[0], g->symbol);
	if (g->prefix)
		add_exports(&gluer, table_at);
	bool ok = module_to_code(&m, gluer.module, form, NULL, arena, out, &error);
	LLVMDisposeBuilder(gluer.b);
	LLVMDisposeModule(gluer.module);
	LLVMContextDispose(gluer.lc);
	machine_close(&m);
	return ok || report_codegen(c, "program", g->symbol, error);
}
