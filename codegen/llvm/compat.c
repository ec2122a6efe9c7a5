/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* What differs between LLVM 18 and 22, and nothing else.
 *
 * LLVM 22 took the alignment out of the operands of masked loads and stores (it became an attribute
 * of the pointer). */
#include "codegen/llvm/internal.h"
#include <string.h>

#if LLVM_VERSION_MAJOR >= 22
static LLVMValueRef masked_call(Emit *e, const char *name, LLVMTypeRef *types, LLVMValueRef *args,
				int n, int pointer, unsigned align)
{
	LLVMValueRef call = call_intrinsic(e, name, types, 2, args, n);
	unsigned kind = LLVMGetEnumAttributeKindForName("align", 5);
	LLVMAddCallSiteAttribute(call, (LLVMAttributeIndex)(pointer + 1),
				 LLVMCreateEnumAttribute(e->lc, kind, align));
	return call;
}

LLVMValueRef compat_masked_load(Emit *e, LLVMTypeRef t, LLVMValueRef p, unsigned align,
				LLVMValueRef mask, LLVMValueRef otherwise)
{
	LLVMTypeRef types[2] = { t, LLVMTypeOf(p) };
	LLVMValueRef args[3] = { p, mask, otherwise };
	return masked_call(e, "llvm.masked.load", types, args, 3, 0, align);
}

void compat_masked_store(Emit *e, LLVMValueRef v, LLVMValueRef p, unsigned align, LLVMValueRef mask)
{
	LLVMTypeRef types[2] = { LLVMTypeOf(v), LLVMTypeOf(p) };
	LLVMValueRef args[3] = { v, p, mask };
	masked_call(e, "llvm.masked.store", types, args, 3, 1, align);
}

LLVMValueRef compat_masked_gather(Emit *e, LLVMTypeRef t, LLVMValueRef ps, unsigned align,
				  LLVMValueRef mask, LLVMValueRef otherwise)
{
	LLVMTypeRef types[2] = { t, LLVMTypeOf(ps) };
	LLVMValueRef args[3] = { ps, mask, otherwise };
	return masked_call(e, "llvm.masked.gather", types, args, 3, 0, align);
}
#else
static LLVMValueRef align_operand(Emit *e, unsigned align)
{
	return LLVMConstInt(LLVMInt32TypeInContext(e->lc), align, false);
}

LLVMValueRef compat_masked_load(Emit *e, LLVMTypeRef t, LLVMValueRef p, unsigned align,
				LLVMValueRef mask, LLVMValueRef otherwise)
{
	LLVMTypeRef types[2] = { t, LLVMTypeOf(p) };
	LLVMValueRef args[4] = { p, align_operand(e, align), mask, otherwise };
	return call_intrinsic(e, "llvm.masked.load", types, 2, args, 4);
}

void compat_masked_store(Emit *e, LLVMValueRef v, LLVMValueRef p, unsigned align, LLVMValueRef mask)
{
	LLVMTypeRef types[2] = { LLVMTypeOf(v), LLVMTypeOf(p) };
	LLVMValueRef args[4] = { v, p, align_operand(e, align), mask };
	call_intrinsic(e, "llvm.masked.store", types, 2, args, 4);
}

LLVMValueRef compat_masked_gather(Emit *e, LLVMTypeRef t, LLVMValueRef ps, unsigned align,
				  LLVMValueRef mask, LLVMValueRef otherwise)
{
	LLVMTypeRef types[2] = { t, LLVMTypeOf(ps) };
	LLVMValueRef args[4] = { ps, align_operand(e, align), mask, otherwise };
	return call_intrinsic(e, "llvm.masked.gather", types, 2, args, 4);
}
#endif
