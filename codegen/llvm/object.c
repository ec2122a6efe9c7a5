/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* LLVM IR -> object bytes. A Machine belongs to one thread; every kernel gets an LLVM context of
 * its own and so shares nothing.
 *
 * Kernels made of register tiles go to the code generator as they are: the passes would find
 * nothing and cost as much again. Others get a short clean-up; the vectoriser and the unroller
 * never run, since kernels say themselves what is a vector and what is unrolled. */
#include "codegen/llvm/internal.h"
#include <llvm-c/Analysis.h>
#include <llvm-c/Target.h>
#include <llvm-c/Transforms/PassBuilder.h>
#include <pthread.h>
#include <string.h>

#define TEXT_OF(x) #x
#define VERSION_TEXT(a, b, c) "LLVM " TEXT_OF(a) "." TEXT_OF(b) "." TEXT_OF(c)

static const char cleanup[] =
	"function(early-cse,instcombine<no-verify-fixpoint>,loop-mssa(licm),early-cse)";

const char *codegen_version(void)
{
	return VERSION_TEXT(LLVM_VERSION_MAJOR, LLVM_VERSION_MINOR, LLVM_VERSION_PATCH);
}

/* --- machines -------------------------------------------------------------------------------- */

static void register_target(void)
{
	LLVMInitializeX86TargetInfo();
	LLVMInitializeX86Target();
	LLVMInitializeX86TargetMC();
	LLVMInitializeX86AsmPrinter();
}

/* LLVM keeps its list of targets in globals; they are written here alone, once. */
void llvm_start(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	pthread_once(&once, register_target);
}

static const char *take_message(Arena *a, char *message)
{
	const char *copy = arena_strdup(a, message ? message : "no reason given");
	LLVMDisposeMessage(message);
	return copy;
}

Target target_resolve(Arena *a, const Target *t)
{
	Target r = *t;
	if (t->kind != TARGET_CPU)
		return r;
	if (strcmp(t->cpu, "native") == 0)
		r.cpu = take_message(a, LLVMGetHostCPUName());
	if (strcmp(t->features, "native") == 0)
		r.features = take_message(a, LLVMGetHostCPUFeatures());
	return r;
}

bool machine_open(Machine *m, const Target *t, bool quick, Arena *arena, const char **error)
{
	LLVMTargetRef target;
	char *message = NULL;
	Target r = target_resolve(arena, t);
	*m = (Machine){ .quick = quick };
	llvm_start();
	if (LLVMGetTargetFromTriple(r.triple, &target, &message)) {
		*error = take_message(arena, message);
		return false;
	}
	m->tm = LLVMCreateTargetMachine(target, r.triple, r.cpu, r.features,
					quick ? LLVMCodeGenLevelNone : LLVMCodeGenLevelDefault,
					LLVMRelocPIC, LLVMCodeModelSmall);
	LLVMTargetDataRef layout = LLVMCreateTargetDataLayout(m->tm);
	m->layout = LLVMCopyStringRepOfTargetData(layout);
	LLVMDisposeTargetData(layout);
	m->triple = LLVMGetTargetMachineTriple(m->tm);
	return true;
}

void machine_close(Machine *m)
{
	if (!m->tm)
		return;
	LLVMDisposeMessage(m->layout);
	LLVMDisposeMessage(m->triple);
	LLVMDisposeTargetMachine(m->tm);
	*m = (Machine){ 0 };
}

/* --- modules --------------------------------------------------------------------------------- */

static bool run_passes(Machine *m, LLVMModuleRef module, const char *passes, Arena *arena,
		       const char **error)
{
	LLVMPassBuilderOptionsRef o = LLVMCreatePassBuilderOptions();
	LLVMErrorRef failure = LLVMRunPasses(module, passes, m->tm, o);
	LLVMDisposePassBuilderOptions(o);
	if (!failure)
		return true;
	char *message = LLVMGetErrorMessage(failure);
	*error = arena_strdup(arena, message);
	LLVMDisposeErrorMessage(message);
	return false;
}

static bool emit_file(Machine *m, LLVMModuleRef module, CodeForm form, Arena *arena,
		      ObjectCode *out, const char **error)
{
	char *message = NULL;
	LLVMMemoryBufferRef buffer;
	LLVMCodeGenFileType type = form == CODE_OBJECT ? LLVMObjectFile : LLVMAssemblyFile;
	if (LLVMTargetMachineEmitToMemoryBuffer(m->tm, module, type, &message, &buffer)) {
		*error = take_message(arena, message);
		return false;
	}
	out->bytes = LLVMGetBufferSize(buffer);
	char *copy = arena_alloc(arena, out->bytes + 1);
	memcpy(copy, LLVMGetBufferStart(buffer), out->bytes);
	out->data = copy;
	LLVMDisposeMemoryBuffer(buffer);
	return true;
}

bool module_to_code(Machine *m, LLVMModuleRef module, CodeForm form, const char *passes,
		    Arena *arena, ObjectCode *out, const char **error)
{
	char *message = NULL;
	LLVMSetTarget(module, m->triple);
	LLVMSetDataLayout(module, m->layout);
	bool bad = LLVMVerifyModule(module, LLVMReturnStatusAction, &message);
	const char *reason = take_message(arena, message);
	if (bad) {
		*error = reason;
		return false;
	}
	if (passes && !run_passes(m, module, passes, arena, error))
		return false;
	if (form != CODE_IR)
		return emit_file(m, module, form, arena, out, error);
	out->data = take_message(arena, LLVMPrintModuleToString(module));
	out->bytes = strlen(out->data);
	return true;
}

/* --- kernels --------------------------------------------------------------------------------- */

/* Without a handler LLVM prints errors of the code generator and leaves the process. */
typedef struct Complaint {
	Arena *arena;
	const char *error;
} Complaint;

static void note_complaint(LLVMDiagnosticInfoRef info, void *user)
{
	Complaint *c = user;
	if (LLVMGetDiagInfoSeverity(info) != LLVMDSError || c->error)
		return;
	c->error = take_message(c->arena, LLVMGetDiagInfoDescription(info));
}

static const char *passes_for(const Kernel *k)
{
	static const char *const tiles[] = { "matmul", "conv" };
	for (size_t i = 0; k->kind && i < sizeof tiles / sizeof *tiles; i++)
		if (strcmp(k->kind, tiles[i]) == 0)
			return NULL;
	return cleanup;
}

bool kernel_code(Machine *m, const Kernel *k, const Target *t, const char *symbol, CodeForm form,
		 Arena *arena, ObjectCode *out, const char **error)
{
	Complaint complaint = { arena, NULL };
	Arena *scratch = arena_create();
	LLVMContextRef lc = LLVMContextCreate();
	LLVMContextSetDiagnosticHandler(lc, note_complaint, &complaint);
	LLVMModuleRef module = LLVMModuleCreateWithNameInContext(symbol, lc);
	Target r = target_resolve(scratch, t);
	bool ok = emit_kernel(k, &r, module, symbol, scratch, error);
	if (!ok)
		*error = arena_strdup(arena, *error);
	const char *passes = m->quick ? NULL : passes_for(k);
	ok = ok && module_to_code(m, module, form, passes, arena, out, error);
	if (ok && complaint.error) {
		*error = complaint.error;
		ok = false;
	}
	LLVMDisposeModule(module);
	LLVMContextDispose(lc);
	arena_destroy(scratch);
	return ok;
}

bool report_codegen(Context *c, const char *what, const char *name, const char *error)
{
	return diag_error(c->diag, (Loc){ 0 }, E5206, "%s '%s': %s", what, name,
			  error ? error : "no reason given");
}

bool kernel_to_code(Context *c, Arena *arena, const Kernel *k, const Target *t, const char *symbol,
		    CodeForm form, ObjectCode *out)
{
	Machine m;
	const char *error = NULL;
	bool ok = machine_open(&m, t, false, arena, &error) &&
		  kernel_code(&m, k, t, symbol, form, arena, out, &error);
	machine_close(&m);
	return ok || report_codegen(c, "kernel", symbol, error);
}
