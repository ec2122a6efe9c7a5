/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Several modules, given as LLVM text, as one: for .ll and .s files. Kernels are emitted one by
 * one, each in a context of its own; here they are read back and linked. */
#include "codegen/llvm/internal.h"
#include <llvm-c/IRReader.h>
#include <llvm-c/Linker.h>

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

bool texts_to_code(Context *c, Arena *arena, const Target *t, const ObjectCode *text, int n,
		   CodeForm form, ObjectCode *out)
{
	Machine m;
	const char *error = NULL;
	if (!machine_open(&m, t, false, arena, &error))
		return report_codegen(c, "program", "text", error);
	LLVMContextRef lc = LLVMContextCreate();
	LLVMModuleRef all = link_all(lc, text, n, arena, &error);
	bool ok = !error && module_to_code(&m, all, form, NULL, arena, out, &error);
	LLVMDisposeModule(all);
	LLVMContextDispose(lc);
	machine_close(&m);
	return ok || report_codegen(c, "program", "text", error);
}
