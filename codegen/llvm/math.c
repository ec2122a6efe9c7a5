/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Elementary functions, written out where they are used, for scalars and vectors alike.
 *
 * f32 (and the narrower types, which are computed in it): exp, log, expm1, log1p, tanh, sigmoid, erf by argument
 * reduction and polynomials, within 2 or 3 units in the last place over the whole range, subnormal
 * numbers, infinities and NaN included; sine and cosine in double precision, beyond a million by
 * libm. pow and all of f64 call libm for each lane. */
#include "codegen/llvm/internal.h"
#include <math.h>

#define ROW(name) \
	{ \
#name, (void *)name \
	}
const LibmRow libm_table[] = { ROW(powf), ROW(pow),  ROW(fmodf), ROW(fmod),  ROW(exp),
			       ROW(log),  ROW(sin),  ROW(cos),   ROW(tanh),  ROW(erf),
			       ROW(sinf), ROW(cosf), ROW(expm1), ROW(log1p), { NULL, NULL } };
#undef ROW

/* --- libm, lane by lane ---------------------------------------------------------------------- */

static LLVMValueRef libm_call(Emit *e, const char *name, LLVMValueRef *in, int n)
{
	LLVMTypeRef t = LLVMTypeOf(in[0]), types[2] = { t, t };
	LLVMTypeRef ft = LLVMFunctionType(t, types, (unsigned)n, false);
	LLVMValueRef f = LLVMGetNamedFunction(e->module, name);
	if (!f) {
		unsigned nounwind = LLVMGetEnumAttributeKindForName("nounwind", 8);
		f = LLVMAddFunction(e->module, name, ft);
		LLVMAddAttributeAtIndex(f, LLVMAttributeFunctionIndex,
					LLVMCreateEnumAttribute(e->lc, nounwind, 0));
	}
	return LLVMBuildCall2(e->b, ft, f, in, (unsigned)n, "");
}

static LLVMValueRef libm_lanes(Emit *e, const char *name, LLVMValueRef *in, int n)
{
	int lanes = lanes_of(in[0]);
	if (lanes == 1)
		return libm_call(e, name, in, n);
	LLVMTypeRef i32 = LLVMInt32TypeInContext(e->lc);
	LLVMValueRef v = LLVMGetPoison(LLVMTypeOf(in[0]));
	for (int i = 0; i < lanes; i++) {
		LLVMValueRef at = LLVMConstInt(i32, (unsigned)i, false), one[2];
		for (int j = 0; j < n; j++)
			one[j] = LLVMBuildExtractElement(e->b, in[j], at, "");
		v = LLVMBuildInsertElement(e->b, v, libm_call(e, name, one, n), at, "");
	}
	return v;
}

static bool is_double(LLVMValueRef x)
{
	return LLVMGetTypeKind(element_of(LLVMTypeOf(x))) == LLVMDoubleTypeKind;
}

LLVMValueRef math_binary(Emit *e, const char *f32_name, const char *f64_name, LLVMValueRef x,
			 LLVMValueRef y)
{
	LLVMValueRef in[2] = { x, y };
	return libm_lanes(e, is_double(x) ? f64_name : f32_name, in, 2);
}

/* --- pieces ---------------------------------------------------------------------------------- */

static LLVMValueRef like(Emit *e, LLVMValueRef x, double v)
{
	return const_f(e, LLVMTypeOf(x), v);
}

/* c[0] x^(n-1) + ... + c[n-1] */
static LLVMValueRef polynomial(Emit *e, LLVMValueRef x, const double *c, int n)
{
	LLVMValueRef p = like(e, x, c[0]);
	for (int i = 1; i < n; i++)
		p = emit_fma(e, p, x, like(e, x, c[i]));
	return p;
}

static LLVMValueRef choose_if(Emit *e, LLVMRealPredicate p, LLVMValueRef a, LLVMValueRef b,
			      LLVMValueRef x, LLVMValueRef y)
{
	return LLVMBuildSelect(e->b, LLVMBuildFCmp(e->b, p, a, b, ""), x, y, "");
}

/* min(x, top), where NaN stays */
static LLVMValueRef at_most(Emit *e, LLVMValueRef x, double top)
{
	LLVMValueRef c = like(e, x, top);
	return choose_if(e, LLVMRealOGT, x, c, c, x);
}

static LLVMValueRef at_least(Emit *e, LLVMValueRef x, double bottom)
{
	LLVMValueRef c = like(e, x, bottom);
	return choose_if(e, LLVMRealOLT, x, c, c, x);
}

static LLVMTypeRef int_like(Emit *e, LLVMValueRef x)
{
	return with_lanes(LLVMInt32TypeInContext(e->lc), lanes_of(x));
}

static LLVMValueRef as_int(Emit *e, LLVMValueRef x)
{
	return LLVMBuildBitCast(e->b, x, int_like(e, x), "");
}

static LLVMValueRef as_float(Emit *e, LLVMValueRef x)
{
	LLVMTypeRef t = with_lanes(LLVMFloatTypeInContext(e->lc), lanes_of(x));
	return LLVMBuildBitCast(e->b, x, t, "");
}

static LLVMValueRef two_to(Emit *e, LLVMValueRef n)
{
	LLVMTypeRef t = LLVMTypeOf(n);
	n = LLVMBuildAdd(e->b, n, const_i(e, t, 127), "");
	return as_float(e, LLVMBuildShl(e->b, n, const_i(e, t, 23), ""));
}

/* x 2^n, rounded once; n whole, -252 to 254. In two steps, the first of which is exact, or by the
 * instruction made for it. */
static LLVMValueRef scale(Emit *e, LLVMValueRef x, LLVMValueRef n)
{
	LLVMTypeRef t = int_like(e, x);
	if (e->target->vector_bytes == 64 && lanes_of(x) == 16) {
		LLVMTypeRef i16 = LLVMInt16TypeInContext(e->lc);
		LLVMValueRef in[5] = { x, n, x, LLVMConstAllOnes(i16),
				       LLVMConstInt(LLVMInt32TypeInContext(e->lc), 4, false) };
		return call_intrinsic(e, "llvm.x86.avx512.mask.scalef.ps.512", NULL, 0, in, 5);
	}
	/* of NaN the integer is arbitrary, and the product NaN */
	LLVMValueRef i = LLVMBuildFreeze(e->b, LLVMBuildFPToSI(e->b, n, t, ""), "");
	LLVMValueRef half = LLVMBuildAShr(e->b, i, const_i(e, t, 1), "");
	LLVMValueRef rest = LLVMBuildSub(e->b, i, half, "");
	x = LLVMBuildFMul(e->b, x, two_to(e, half), "");
	return LLVMBuildFMul(e->b, x, two_to(e, rest), "");
}

/* --- f32 ------------------------------------------------------------------------------------- */

/* e^r - 1, where x = n ln 2 + r with n whole and |r| <= ln 2 / 2; ln 2 in two parts, the product
 * with the first of which is exact. */
static LLVMValueRef exp_less_1(Emit *e, LLVMValueRef x, LLVMValueRef *whole)
{
	static const double c[] = { 1.9875691500e-4, 1.3981999507e-3, 8.3334519073e-3,
				    4.1665795894e-2, 1.6666665459e-1, 5.0000001201e-1 };
	LLVMValueRef n = LLVMBuildFMul(e->b, x, like(e, x, 1.44269504), "");
	n = unary_intrinsic(e, "llvm.roundeven", n);
	LLVMValueRef r = emit_fma(e, n, like(e, x, -0.693145752), x);
	r = emit_fma(e, n, like(e, x, -1.42860677e-6), r);
	LLVMValueRef p = polynomial(e, r, c, 6);
	*whole = n;
	return emit_fma(e, p, LLVMBuildFMul(e->b, r, r, ""), r);
}

/* 2^n e^r */
static LLVMValueRef exp_f32(Emit *e, LLVMValueRef x)
{
	LLVMValueRef n, p = exp_less_1(e, at_least(e, at_most(e, x, 89), -104), &n);
	return scale(e, LLVMBuildFAdd(e->b, p, like(e, x, 1), ""), n);
}

/* log x = k ln 2 + log m with m between sqrt 1/2 and sqrt 2 */
static LLVMValueRef log_f32(Emit *e, LLVMValueRef x)
{
	static const double c[] = { 7.0376836292e-2,  -1.1514610310e-1, 1.1676998740e-1,
				    -1.2420140846e-1, 1.4249322787e-1,  -1.6668057665e-1,
				    2.0000714765e-1,  -2.4999993993e-1, 3.3333331174e-1 };
	LLVMBuilderRef b = e->b;
	LLVMTypeRef t = int_like(e, x);
	LLVMValueRef small = LLVMBuildFCmp(b, LLVMRealOLT, x, like(e, x, 0x1p-126), "");
	LLVMValueRef y = LLVMBuildFMul(b, x, like(e, x, 0x1p23), "");
	LLVMValueRef bits = as_int(e, LLVMBuildSelect(b, small, y, x, ""));
	LLVMValueRef k = LLVMBuildSub(b, bits, const_i(e, t, 0x3f3504f3), "");
	k = LLVMBuildAShr(b, k, const_i(e, t, 23), "");
	LLVMValueRef m = LLVMBuildShl(b, k, const_i(e, t, 23), "");
	m = as_float(e, LLVMBuildSub(b, bits, m, ""));
	k = LLVMBuildSIToFP(b, k, LLVMTypeOf(x), "");
	k = LLVMBuildSelect(b, small, LLVMBuildFAdd(b, k, like(e, x, -23), ""), k, "");
	LLVMValueRef f = LLVMBuildFAdd(b, m, like(e, x, -1), "");
	LLVMValueRef z = LLVMBuildFMul(b, f, f, "");
	LLVMValueRef p = polynomial(e, f, c, 9);
	p = LLVMBuildFMul(b, LLVMBuildFMul(b, p, f, ""), z, "");
	p = emit_fma(e, k, like(e, x, -2.12194440e-4), p);
	p = emit_fma(e, z, like(e, x, -0.5), p);
	p = LLVMBuildFAdd(b, f, p, "");
	p = emit_fma(e, k, like(e, x, 0.693359375), p);
	p = choose_if(e, LLVMRealOLT, x, like(e, x, INFINITY), p, x); /* inf, NaN */
	p = choose_if(e, LLVMRealOLT, x, like(e, x, 0), like(e, x, NAN), p);
	return choose_if(e, LLVMRealOEQ, x, like(e, x, 0), like(e, x, -INFINITY), p);
}

/* 2^n (e^r - 1 + 1 - 2^-n): the second difference is exact where it counts. From n = 30 on 2^-n
 * counts no more. */
static LLVMValueRef expm1_f32(Emit *e, LLVMValueRef x)
{
	LLVMBuilderRef b = e->b;
	LLVMTypeRef t = int_like(e, x);
	LLVMValueRef n, p = exp_less_1(e, at_least(e, at_most(e, x, 89), -18), &n);
	LLVMValueRef i = LLVMBuildFreeze(b, LLVMBuildFPToSI(b, n, t, ""), "");
	LLVMValueRef far = LLVMBuildICmp(b, LLVMIntSGT, i, const_i(e, t, 30), "");
	i = LLVMBuildSelect(b, far, const_i(e, t, 30), i, "");
	LLVMValueRef down = two_to(e, LLVMBuildNeg(b, i, ""));
	p = LLVMBuildFAdd(b, p, LLVMBuildFSub(b, like(e, x, 1), down, ""), "");
	p = scale(e, p, n);
	return choose_if(e, LLVMRealOEQ, x, like(e, x, 0), x, p); /* -0 */
}

/* log u + (x - (u - 1)) / u with u = 1 + x rounded: the second part is what rounding lost. */
static LLVMValueRef log1p_f32(Emit *e, LLVMValueRef x)
{
	LLVMBuilderRef b = e->b;
	LLVMValueRef one = like(e, x, 1), u = LLVMBuildFAdd(b, x, one, "");
	LLVMValueRef big = LLVMBuildFSub(b, one, LLVMBuildFSub(b, u, x, ""), "");
	LLVMValueRef small = LLVMBuildFSub(b, x, LLVMBuildFSub(b, u, one, ""), "");
	LLVMValueRef lost = choose_if(e, LLVMRealOGT, x, one, big, small);
	LLVMValueRef p = log_f32(e, u);
	LLVMValueRef sum = LLVMBuildFAdd(b, p, LLVMBuildFDiv(b, lost, u, ""), "");
	LLVMValueRef finite =
		LLVMBuildAnd(b, LLVMBuildFCmp(b, LLVMRealOGT, u, like(e, x, 0), ""),
			     LLVMBuildFCmp(b, LLVMRealOLT, u, like(e, x, INFINITY), ""), "");
	p = LLVMBuildSelect(b, finite, sum, p, "");
	return choose_if(e, LLVMRealOEQ, x, like(e, x, 0), x, p); /* -0 */
}

static LLVMValueRef tanh_f32(Emit *e, LLVMValueRef x)
{
	static const double c[] = { -5.70498872745e-3, 2.06390887954e-2, -5.37397155531e-2,
				    1.33314422036e-1, -3.33332819422e-1 };
	LLVMBuilderRef b = e->b;
	LLVMValueRef a = unary_intrinsic(e, "llvm.fabs", x);
	LLVMValueRef z = LLVMBuildFMul(b, x, x, "");
	LLVMValueRef p = LLVMBuildFMul(b, polynomial(e, z, c, 5), z, "");
	p = emit_fma(e, p, x, x);
	LLVMValueRef q = exp_f32(e, LLVMBuildFAdd(b, a, a, ""));
	q = LLVMBuildFAdd(b, q, like(e, x, 1), "");
	q = LLVMBuildFDiv(b, like(e, x, -2), q, "");
	q = LLVMBuildFAdd(b, q, like(e, x, 1), "");
	q = binary_intrinsic(e, "llvm.copysign", q, x);
	return choose_if(e, LLVMRealOLT, a, like(e, x, 0.625), p, q);
}

/* By e^-|x|, which cannot overflow: exact also where the result is tiny. */
static LLVMValueRef sigmoid_f32(Emit *e, LLVMValueRef x)
{
	LLVMBuilderRef b = e->b;
	LLVMValueRef a = unary_intrinsic(e, "llvm.fabs", x);
	LLVMValueRef q = exp_f32(e, LLVMBuildFNeg(b, a, ""));
	LLVMValueRef one = like(e, x, 1);
	LLVMValueRef top = choose_if(e, LLVMRealOLT, x, like(e, x, 0), q, one);
	return LLVMBuildFDiv(b, top, LLVMBuildFAdd(b, q, one, ""), "");
}

/* Near 0 an odd polynomial; beyond, 1 - e^p with a polynomial p of |x|. */
static LLVMValueRef erf_f32(Emit *e, LLVMValueRef x)
{
	static const double near[] = { -5.96761703e-4, 4.99119423e-3,  -2.67681349e-2,
				       1.12819925e-1,  -3.76125336e-1, 1.28379166e-1 };
	LLVMBuilderRef b = e->b;
	LLVMValueRef t = at_most(e, unary_intrinsic(e, "llvm.fabs", x), 4.5);
	LLVMValueRef s = LLVMBuildFMul(b, x, x, "");
	LLVMValueRef p = emit_fma(e, polynomial(e, s, near, 6), x, x);
	s = LLVMBuildFMul(b, t, t, "");
	LLVMValueRef r = emit_fma(e, like(e, x, -1.72853470e-5), t, like(e, x, 3.83197126e-4));
	LLVMValueRef u = emit_fma(e, like(e, x, -3.88396438e-3), t, like(e, x, 2.42546219e-2));
	r = emit_fma(e, r, s, u);
	r = emit_fma(e, r, t, like(e, x, -1.06777877e-1));
	r = emit_fma(e, r, t, like(e, x, -6.34846687e-1));
	r = emit_fma(e, r, t, like(e, x, -1.28717512e-1));
	r = emit_fma(e, r, t, LLVMBuildFNeg(b, t, ""));
	r = LLVMBuildFSub(b, like(e, x, 1), exp_f32(e, r), "");
	r = binary_intrinsic(e, "llvm.copysign", r, x);
	return choose_if(e, LLVMRealOGT, t, like(e, x, 0.927734375), r, p);
}

/* --- sine and cosine of f32 ------------------------------------------------------------------ */

/* sin(x + shift pi/2) in double precision: x = n pi/2 + r, pi/2 in two parts; n picks one of four
 * forms. |x| up to a million. */
static LLVMValueRef sine_core(Emit *e, LLVMValueRef x, int shift)
{
	static const double s[] = { 2.7557313707070068e-6, -1.9841269829857949e-4,
				    8.3333333333224895e-3, -1.6666666666666632e-1 };
	static const double c[] = { -2.7557314351390663e-7, 2.4801587289476729e-5,
				    -1.3888888888874109e-3, 4.1666666666666595e-2, -0.5 };
	LLVMBuilderRef b = e->b;
	LLVMTypeRef dt = with_lanes(LLVMDoubleTypeInContext(e->lc), lanes_of(x));
	LLVMTypeRef it = int_like(e, x);
	LLVMValueRef d = LLVMBuildFPExt(b, x, dt, "");
	LLVMValueRef n = LLVMBuildFMul(b, d, const_f(e, dt, M_2_PI), "");
	n = unary_intrinsic(e, "llvm.roundeven", n);
	LLVMValueRef r = emit_fma(e, n, const_f(e, dt, -0x1.921fb544p0), d);
	r = emit_fma(e, n, const_f(e, dt, -0x1.0b4611a626331p-34), r);
	LLVMValueRef z = LLVMBuildFMul(b, r, r, "");
	LLVMValueRef sine = LLVMBuildFMul(b, polynomial(e, z, s, 4), z, "");
	sine = emit_fma(e, sine, r, r);
	LLVMValueRef cosine = emit_fma(e, polynomial(e, z, c, 5), z, const_f(e, dt, 1));
	LLVMValueRef q = LLVMBuildAdd(b, LLVMBuildFPToSI(b, n, it, ""), const_i(e, it, shift), "");
	LLVMValueRef one = const_i(e, it, 1), zero = const_i(e, it, 0);
	LLVMValueRef odd = LLVMBuildICmp(b, LLVMIntNE, LLVMBuildAnd(b, q, one, ""), zero, "");
	LLVMValueRef back = LLVMBuildAnd(b, q, const_i(e, it, 2), "");
	LLVMValueRef v = LLVMBuildSelect(b, odd, cosine, sine, "");
	v = LLVMBuildSelect(b, LLVMBuildICmp(b, LLVMIntNE, back, zero, ""), LLVMBuildFNeg(b, v, ""),
			    v, "");
	return LLVMBuildFPTrunc(b, v, LLVMTypeOf(x), "");
}

/* Lanes beyond a million (or infinite, or NaN) go to libm, all together in a block that is seldom
 * entered. */
static LLVMValueRef sine_f32(Emit *e, LLVMValueRef x, int shift)
{
	LLVMValueRef zero = like(e, x, 0);
	LLVMValueRef far = LLVMBuildFCmp(e->b, LLVMRealUGT, unary_intrinsic(e, "llvm.fabs", x),
					 like(e, x, 1e6), "");
	LLVMValueRef near = sine_core(e, LLVMBuildSelect(e->b, far, zero, x, ""), shift);
	near = shift ? near : choose_if(e, LLVMRealOEQ, x, zero, x, near); /* -0 */
	LLVMValueRef any = lanes_of(x) > 1 ? unary_intrinsic(e, "llvm.vector.reduce.or", far) : far;
	LLVMBasicBlockRef before = e->block, large = new_block(e, "large");
	LLVMBasicBlockRef after = new_block(e, "after");
	LLVMBuildCondBr(e->b, any, large, after);
	set_block(e, large);
	LLVMValueRef slow = libm_lanes(e, shift ? "cosf" : "sinf", &x, 1);
	LLVMValueRef in[2] = { near, LLVMBuildSelect(e->b, far, slow, near, "") };
	LLVMBuildBr(e->b, after);
	LLVMBasicBlockRef from[2] = { before, large };
	set_block(e, after);
	LLVMValueRef v = LLVMBuildPhi(e->b, LLVMTypeOf(x), "");
	LLVMAddIncoming(v, in, from, 2);
	return v;
}

/* --- choice ---------------------------------------------------------------------------------- */

static LLVMValueRef math_f32(Emit *e, Op op, LLVMValueRef x)
{
	switch ((int)op) {
	case OP_exp: return exp_f32(e, x);
	case OP_log: return log_f32(e, x);
	case OP_expm1: return expm1_f32(e, x);
	case OP_log1p: return log1p_f32(e, x);
	case OP_tanh: return tanh_f32(e, x);
	case OP_sigmoid: return sigmoid_f32(e, x);
	case OP_erf: return erf_f32(e, x);
	case OP_sin: return sine_f32(e, x, 0);
	case OP_cos: return sine_f32(e, x, 1);
	}
	return emit_fail(e, "unknown function");
}

static LLVMValueRef math_f64(Emit *e, Op op, LLVMValueRef x)
{
	if (op != OP_sigmoid)
		return libm_lanes(e, op_info(op)->name, &x, 1);
	LLVMValueRef q = LLVMBuildFNeg(e->b, unary_intrinsic(e, "llvm.fabs", x), "");
	q = libm_lanes(e, "exp", &q, 1);
	LLVMValueRef one = like(e, x, 1);
	LLVMValueRef top = choose_if(e, LLVMRealOLT, x, like(e, x, 0), q, one);
	return LLVMBuildFDiv(e->b, top, LLVMBuildFAdd(e->b, q, one, ""), "");
}

LLVMValueRef math_function(Emit *e, Op op, DType t, LLVMValueRef x)
{
	if (op == OP_sqrt)
		return unary_intrinsic(e, "llvm.sqrt", x);
	return t == DT_f64 ? math_f64(e, op, x) : math_f32(e, op, x);
}
