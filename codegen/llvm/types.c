/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Types and constants of LLVM for our data types; the way of values between memory and registers.
 *
 * A truth value is i1 in a register and a byte in memory. f16 and bf16 live in registers as float,
 * always holding a value that the narrow type has. Kernels hardly compute with them: they load,
 * cast to f32, and cast back what they store (ir/wide.h). bf16 is converted by integer arithmetic (LLVM would call a library of the compiler), f16 by
 * F16C instructions where the target has them. */
#include "codegen/llvm/internal.h"
#include <math.h>
#include <string.h>

LLVMTypeRef scalar_type(Emit *e, DType t)
{
	switch (t) {
	case DT_f32:
	case DT_f16:
	case DT_bf16: return LLVMFloatTypeInContext(e->lc);
	case DT_f64: return LLVMDoubleTypeInContext(e->lc);
	case DT_bool: return LLVMInt1TypeInContext(e->lc);
	case DT_i8:
	case DT_u8: return LLVMInt8TypeInContext(e->lc);
	case DT_i16: return LLVMInt16TypeInContext(e->lc);
	case DT_i32: return LLVMInt32TypeInContext(e->lc);
	case DT_i64: return LLVMInt64TypeInContext(e->lc);
	case DT_COUNT: break;
	}
	emit_fail(e, "a value has no scalar type");
	return LLVMInt64TypeInContext(e->lc);
}

static bool has_f16c(const Emit *e)
{
	return e->target->vector_bytes >= 32; /* x86-64-v3 and up */
}

LLVMTypeRef memory_type(Emit *e, DType t)
{
	if (t == DT_bool)
		return LLVMInt8TypeInContext(e->lc);
	if (t == DT_bf16 || t == DT_f16)
		return LLVMInt16TypeInContext(e->lc);
	return scalar_type(e, t);
}

LLVMTypeRef with_lanes(LLVMTypeRef scalar, int lanes)
{
	return lanes == 1 ? scalar : LLVMVectorType(scalar, (unsigned)lanes);
}

static int type_lanes(LLVMTypeRef t)
{
	return LLVMGetTypeKind(t) == LLVMVectorTypeKind ? (int)LLVMGetVectorSize(t) : 1;
}

int lanes_of(LLVMValueRef v)
{
	return type_lanes(LLVMTypeOf(v));
}

LLVMTypeRef element_of(LLVMTypeRef t)
{
	return LLVMGetTypeKind(t) == LLVMVectorTypeKind ? LLVMGetElementType(t) : t;
}

static LLVMValueRef const_splat(LLVMValueRef c, int lanes)
{
	LLVMValueRef v[256];
	if (lanes == 1)
		return c;
	for (int i = 0; i < lanes; i++)
		v[i] = c;
	return LLVMConstVector(v, (unsigned)lanes);
}

LLVMValueRef splat(Emit *e, LLVMValueRef v, int lanes)
{
	if (lanes == 1 || lanes_of(v) == lanes)
		return v;
	if (LLVMIsConstant(v))
		return const_splat(v, lanes);
	LLVMTypeRef i32 = LLVMInt32TypeInContext(e->lc);
	LLVMTypeRef t = with_lanes(LLVMTypeOf(v), lanes);
	LLVMValueRef one =
		LLVMBuildInsertElement(e->b, LLVMGetPoison(t), v, LLVMConstInt(i32, 0, false), "");
	return LLVMBuildShuffleVector(e->b, one, LLVMGetPoison(t),
				      LLVMConstNull(with_lanes(i32, lanes)), "");
}

/* LLVM moves constants of vectors in front of all loops and then lacks their registers: a product's
 * accumulators went to memory in its innermost loop for the sake of the polynomial behind it. What
 * is volatile stays where it is. */
LLVMValueRef reloaded(Emit *e, LLVMValueRef v)
{
	LLVMTypeRef t = LLVMTypeOf(v);
	if (!e->blocks || lanes_of(v) == 1 || !LLVMIsConstant(v) || LLVMIsNull(v))
		return v;
	LLVMTypeRef scalar = element_of(t);
	LLVMValueRef home = LLVMAddGlobal(e->module, scalar, "constant");
	LLVMSetInitializer(home, LLVMGetAggregateElement(v, 0)); /* all constants are splats */
	LLVMSetGlobalConstant(home, true);
	LLVMSetLinkage(home, LLVMPrivateLinkage);
	LLVMSetUnnamedAddress(home, LLVMGlobalUnnamedAddr);
	LLVMValueRef x = LLVMBuildLoad2(e->b, scalar, home, "");
	LLVMSetVolatile(x, true);
	return splat(e, x, type_lanes(t));
}

LLVMValueRef const_f(Emit *e, LLVMTypeRef t, double v)
{
	return reloaded(e, const_splat(LLVMConstReal(element_of(t), v), type_lanes(t)));
}

LLVMValueRef const_i(Emit *e, LLVMTypeRef t, int64_t v)
{
	(void)e;
	return const_splat(LLVMConstInt(element_of(t), (unsigned long long)v, true), type_lanes(t));
}

LLVMValueRef index_const(Emit *e, int64_t v)
{
	return LLVMConstInt(LLVMInt64TypeInContext(e->lc), (unsigned long long)v, true);
}

LLVMValueRef lane_mask(Emit *e, int lanes, int64_t extent)
{
	LLVMValueRef bit[256];
	for (int i = 0; i < lanes; i++)
		bit[i] = LLVMConstInt(LLVMInt1TypeInContext(e->lc), i < extent, false);
	return LLVMConstVector(bit, (unsigned)lanes);
}

LLVMValueRef select_prefix(Emit *e, LLVMValueRef v, int first, int count)
{
	LLVMValueRef at[256];
	LLVMTypeRef i32 = LLVMInt32TypeInContext(e->lc);
	if (count == 1)
		return LLVMBuildExtractElement(e->b, v, LLVMConstInt(i32, (unsigned)first, false),
					       "");
	for (int i = 0; i < count; i++)
		at[i] = LLVMConstInt(i32, (unsigned)(first + i), false);
	return LLVMBuildShuffleVector(e->b, v, LLVMGetPoison(LLVMTypeOf(v)),
				      LLVMConstVector(at, (unsigned)count), "");
}

/* --- intrinsics ------------------------------------------------------------------------------ */

LLVMValueRef call_intrinsic(Emit *e, const char *name, LLVMTypeRef *types, int n_types,
			    LLVMValueRef *args, int n)
{
	unsigned id = LLVMLookupIntrinsicID(name, strlen(name));
	if (!id)
		return emit_fail(e, arena_printf(e->arena, "LLVM lacks %s", name));
	LLVMValueRef f = LLVMGetIntrinsicDeclaration(e->module, id, types, (size_t)n_types);
	LLVMTypeRef t = LLVMIntrinsicGetType(e->lc, id, types, (size_t)n_types);
	return LLVMBuildCall2(e->b, t, f, args, (unsigned)n, "");
}

LLVMValueRef unary_intrinsic(Emit *e, const char *name, LLVMValueRef x)
{
	LLVMTypeRef t = LLVMTypeOf(x);
	return call_intrinsic(e, name, &t, 1, &x, 1);
}

LLVMValueRef binary_intrinsic(Emit *e, const char *name, LLVMValueRef x, LLVMValueRef y)
{
	LLVMTypeRef t = LLVMTypeOf(x);
	LLVMValueRef in[2] = { x, y };
	return call_intrinsic(e, name, &t, 1, in, 2);
}

/* --- narrow floats --------------------------------------------------------------------------- */

static LLVMTypeRef bits_type(Emit *e, LLVMValueRef v, unsigned bits)
{
	return with_lanes(LLVMIntTypeInContext(e->lc, bits), lanes_of(v));
}

static LLVMTypeRef float_like(Emit *e, LLVMValueRef v)
{
	return with_lanes(LLVMFloatTypeInContext(e->lc), lanes_of(v));
}

/* Rounds to nearest even by adding half of the last kept bit; a NaN stays one. */
static LLVMValueRef bf16_from_float(Emit *e, LLVMValueRef x)
{
	LLVMBuilderRef b = e->b;
	LLVMTypeRef t = bits_type(e, x, 32);
	LLVMValueRef u = LLVMBuildBitCast(b, x, t, "");
	LLVMValueRef sixteen = const_i(e, t, 16);
	LLVMValueRef odd = LLVMBuildAnd(b, LLVMBuildLShr(b, u, sixteen, ""), const_i(e, t, 1), "");
	LLVMValueRef r = LLVMBuildAdd(b, u, LLVMBuildAdd(b, odd, const_i(e, t, 0x7fff), ""), "");
	LLVMValueRef nan = LLVMBuildFCmp(b, LLVMRealUNO, x, x, "");
	r = LLVMBuildSelect(b, nan, LLVMBuildOr(b, u, const_i(e, t, 0x400000), ""), r, "");
	return LLVMBuildTrunc(b, LLVMBuildLShr(b, r, sixteen, ""), bits_type(e, x, 16), "");
}

static LLVMValueRef float_from_bf16(Emit *e, LLVMValueRef h)
{
	LLVMTypeRef t = bits_type(e, h, 32);
	LLVMValueRef u = LLVMBuildZExt(e->b, h, t, "");
	u = LLVMBuildShl(e->b, u, const_i(e, t, 16), "");
	return LLVMBuildBitCast(e->b, u, float_like(e, h), "");
}

/* Large values become infinity, small ones are rounded by an addition of floats whose last bit is
 * that of a subnormal half, the others by adding half of the last kept bit. */
static LLVMValueRef f16_soft(Emit *e, LLVMValueRef x)
{
	LLVMBuilderRef b = e->b;
	LLVMTypeRef t = bits_type(e, x, 32), ft = LLVMTypeOf(x);
	LLVMValueRef u = LLVMBuildBitCast(b, x, t, "");
	LLVMValueRef a = LLVMBuildAnd(b, u, const_i(e, t, 0x7fffffff), "");
	LLVMValueRef sign = LLVMBuildAnd(b, LLVMBuildLShr(b, u, const_i(e, t, 16), ""),
					 const_i(e, t, 0x8000), "");
	LLVMValueRef small =
		LLVMBuildFAdd(b, LLVMBuildBitCast(b, a, ft, ""), const_f(e, ft, 0.5), "");
	small = LLVMBuildSub(b, LLVMBuildBitCast(b, small, t, ""), const_i(e, t, 126 << 23), "");
	LLVMValueRef odd =
		LLVMBuildAnd(b, LLVMBuildLShr(b, a, const_i(e, t, 13), ""), const_i(e, t, 1), "");
	LLVMValueRef mid = LLVMBuildAdd(b, a, const_i(e, t, 0xfff - (112 << 23)), "");
	mid = LLVMBuildLShr(b, LLVMBuildAdd(b, mid, odd, ""), const_i(e, t, 13), "");
	LLVMValueRef big =
		LLVMBuildSelect(b, LLVMBuildICmp(b, LLVMIntUGT, a, const_i(e, t, 0x7f800000), ""),
				const_i(e, t, 0x7e00), const_i(e, t, 0x7c00), "");
	LLVMValueRef r = LLVMBuildSelect(
		b, LLVMBuildICmp(b, LLVMIntULT, a, const_i(e, t, 0x38800000), ""), small, mid, "");
	r = LLVMBuildSelect(b, LLVMBuildICmp(b, LLVMIntUGE, a, const_i(e, t, 0x47800000), ""), big,
			    r, "");
	return LLVMBuildTrunc(b, LLVMBuildOr(b, r, sign, ""), bits_type(e, x, 16), "");
}

static LLVMValueRef float_from_f16_soft(Emit *e, LLVMValueRef h)
{
	LLVMBuilderRef b = e->b;
	LLVMTypeRef t = bits_type(e, h, 32), ft = float_like(e, h);
	LLVMValueRef u = LLVMBuildZExt(b, h, t, "");
	LLVMValueRef a = LLVMBuildShl(b, LLVMBuildAnd(b, u, const_i(e, t, 0x7fff), ""),
				      const_i(e, t, 13), "");
	LLVMValueRef sign = LLVMBuildShl(b, LLVMBuildAnd(b, u, const_i(e, t, 0x8000), ""),
					 const_i(e, t, 16), "");
	LLVMValueRef mid = LLVMBuildAdd(b, a, const_i(e, t, 112 << 23), "");
	LLVMValueRef big = LLVMBuildAdd(b, mid, const_i(e, t, 112 << 23), "");
	LLVMValueRef small = LLVMBuildAdd(b, a, const_i(e, t, 113 << 23), "");
	small = LLVMBuildFSub(b, LLVMBuildBitCast(b, small, ft, ""), const_f(e, ft, 0x1p-14), "");
	small = LLVMBuildBitCast(b, small, t, "");
	LLVMValueRef r = LLVMBuildSelect(
		b, LLVMBuildICmp(b, LLVMIntUGE, a, const_i(e, t, 0x7c00 << 13), ""), big, mid, "");
	r = LLVMBuildSelect(b, LLVMBuildICmp(b, LLVMIntULT, a, const_i(e, t, 0x400 << 13), ""),
			    small, r, "");
	return LLVMBuildBitCast(b, LLVMBuildOr(b, r, sign, ""), ft, "");
}

static LLVMTypeRef half_like(Emit *e, LLVMValueRef v)
{
	return with_lanes(LLVMHalfTypeInContext(e->lc), lanes_of(v));
}

static LLVMValueRef operand_of(LLVMValueRef v, LLVMOpcode opcode)
{
	bool is = v && LLVMIsAInstruction(v) && LLVMGetInstructionOpcode(v) == opcode;
	return is ? LLVMGetOperand(v, 0) : NULL;
}

/* The 16 bits that v was made of by from_memory; NULL: of none. */
static LLVMValueRef already_narrow(Emit *e, DType t, LLVMValueRef v)
{
	LLVMValueRef h = t == DT_f16 ? operand_of(v, LLVMFPExt)
				     : operand_of(operand_of(v, LLVMBitCast), LLVMShl);
	if (t == DT_bf16)
		return operand_of(h, LLVMZExt);
	if (!h || LLVMGetTypeKind(element_of(LLVMTypeOf(h))) != LLVMHalfTypeKind)
		return NULL;
	return LLVMBuildBitCast(e->b, h, bits_type(e, h, 16), "");
}

LLVMValueRef to_memory(Emit *e, DType t, LLVMValueRef v)
{
	if (t == DT_bool)
		return LLVMBuildZExt(e->b, v, bits_type(e, v, 8), "");
	if (t == DT_f16 || t == DT_bf16) {
		LLVMValueRef narrow = already_narrow(e, t, v);
		if (narrow)
			return narrow;
	}
	if (t == DT_bf16)
		return bf16_from_float(e, v);
	if (t != DT_f16)
		return v;
	if (!has_f16c(e))
		return f16_soft(e, v);
	v = LLVMBuildFPTrunc(e->b, v, half_like(e, v), "");
	return LLVMBuildBitCast(e->b, v, bits_type(e, v, 16), "");
}

LLVMValueRef from_memory(Emit *e, DType t, LLVMValueRef v)
{
	if (t == DT_bool)
		return LLVMBuildICmp(e->b, LLVMIntNE, v, LLVMConstNull(LLVMTypeOf(v)), "");
	if (t == DT_bf16)
		return float_from_bf16(e, v);
	if (t != DT_f16)
		return v;
	if (!has_f16c(e))
		return float_from_f16_soft(e, v);
	v = LLVMBuildBitCast(e->b, v, half_like(e, v), "");
	return LLVMBuildFPExt(e->b, v, float_like(e, v), "");
}

LLVMValueRef round_to(Emit *e, DType t, LLVMValueRef v)
{
	return t == DT_f16 || t == DT_bf16 ? from_memory(e, t, to_memory(e, t, v)) : v;
}
