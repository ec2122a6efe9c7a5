/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Several modules, given as LLVM text, as one: for .ll and .s files. Kernels are emitted one by
 * one, each in a context of its own; here they are read back and linked. */
#include "codegen/llvm/internal.h"
#include <llvm-c/IRReader.h>
#include <llvm-c/Linker.h>
#include <string.h>

/* NULL: *error. The module takes the buffer. */
static LLVMModuleRef parse(LLVMContextRef lc, const ObjectCode *text, Arena *arena,
			   const char **error)
{
	char *message = NULL;
	LLVMModuleRef m = NULL;
	LLVMMemoryBufferRef buffer =
		LLVMCreateMemoryBufferWithMemoryRange(text->data, text->bytes, "text", true);
	if (!LLVMParseIRInContext(lc, buffer, &m, &message))
		return m;
	*error = arena_strdup(arena, message ? message : "no reason given");
	LLVMDisposeMessage(message);
	return NULL;
}

static LLVMModuleRef link_all(LLVMContextRef lc, const ObjectCode *text, int n, Arena *arena,
			      const char **error)
{
	LLVMModuleRef all = LLVMModuleCreateWithNameInContext("burin", lc);
	for (int i = 0; i < n && !*error; i++) {
		LLVMModuleRef m = parse(lc, &text[i], arena, error);
		if (m && LLVMLinkModules2(all, m))
			*error = "the modules do not link";
	}
	return all;
}

static bool is_defined(LLVMValueRef v)
{
	return !LLVMIsDeclaration(v) && LLVMGetLinkage(v) != LLVMPrivateLinkage;
}

static void hide(LLVMValueRef v, const char *shown)
{
	size_t n;
	if (is_defined(v) && strncmp(LLVMGetValueName2(v, &n), shown, strlen(shown)) != 0) {
		LLVMSetVisibility(v, LLVMDefaultVisibility);
		LLVMSetLinkage(v, LLVMInternalLinkage);
	}
}

/* Only the model's own names stay global; and each function says for which CPU it is, for who compiles
 * the text. */
static void finish_text(LLVMModuleRef m, const Target *t, const char *shown)
{
	for (LLVMValueRef v = LLVMGetFirstGlobal(m); v; v = LLVMGetNextGlobal(v))
		hide(v, shown);
	for (LLVMValueRef f = LLVMGetFirstFunction(m); f; f = LLVMGetNextFunction(f)) {
		hide(f, shown);
		if (LLVMIsDeclaration(f))
			continue;
		LLVMAddTargetDependentFunctionAttr(f, "target-cpu", t->cpu);
		if (t->features && *t->features)
			LLVMAddTargetDependentFunctionAttr(f, "target-features", t->features);
	}
}

/* Behind the code, or in LLVM's text before it. */
static bool add_assembly(Machine *m, LLVMModuleRef all, CodeForm form, const char *assembly,
			 Arena *arena, ObjectCode *out, const char **error)
{
	if (form == CODE_IR)
		LLVMAppendModuleInlineAsm(all, assembly, strlen(assembly));
	if (!module_to_code(m, all, form, NULL, arena, out, error))
		return false;
	if (form == CODE_IR)
		return true;
	char *both = arena_printf(arena, "%s%s", (const char *)out->data, assembly);
	*out = (ObjectCode){ .data = both, .bytes = strlen(both) };
	return true;
}

bool texts_to_code(Context *c, Arena *arena, const Target *t, const ObjectCode *text, int n,
		   const char *shown, const char *assembly, CodeForm form, ObjectCode *out)
{
	Machine m;
	const char *error = NULL;
	if (!machine_open(&m, t, false, arena, &error))
		return report_codegen(c, "program", "text", error);
	LLVMContextRef lc = LLVMContextCreate();
	LLVMModuleRef all = link_all(lc, text, n, arena, &error);
	Target r = target_resolve(arena, t);
	if (!error)
		finish_text(all, &r, shown);
	bool ok = !error && add_assembly(&m, all, form, assembly, arena, out, &error);
	LLVMDisposeModule(all);
	LLVMContextDispose(lc);
	machine_close(&m);
	return ok || report_codegen(c, "program", "text", error);
}
