/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Elementwise operators on register values, scalars and vectors alike: the one switch over
 * operators of this back end.
 *
 * NaN: comparisons with it are false; max, min and relu keep it. Integers wrap; division by zero
 * gives 0. f16 and bf16 are computed as float and rounded after each operator. */
#include "codegen/llvm/internal.h"

static char kind_of(DType t)
{
	return dtype_info[t].kind;
}

LLVMValueRef emit_fma(Emit *e, LLVMValueRef x, LLVMValueRef y, LLVMValueRef z)
{
	LLVMTypeRef t = LLVMTypeOf(x);
	LLVMValueRef in[3] = { x, y, z };
	if (e->fma)
		return call_intrinsic(e, "llvm.fma", &t, 1, in, 3);
	return LLVMBuildFAdd(e->b, LLVMBuildFMul(e->b, x, y, ""), z, "");
}

static LLVMValueRef choose(Emit *e, LLVMValueRef c, LLVMValueRef x, LLVMValueRef y)
{
	return LLVMBuildSelect(e->b, c, x, y, "");
}

static LLVMValueRef compare_f(Emit *e, LLVMRealPredicate p, LLVMValueRef x, LLVMValueRef y)
{
	return LLVMBuildFCmp(e->b, p, x, y, "");
}

static LLVMValueRef compare_i(Emit *e, LLVMIntPredicate p, LLVMValueRef x, LLVMValueRef y)
{
	return LLVMBuildICmp(e->b, p, x, y, "");
}

static LLVMValueRef zero_like(LLVMValueRef x)
{
	return LLVMConstNull(LLVMTypeOf(x));
}

/* Under --fp fast the code generator may reassociate and divide by multiplying; NaN and infinities
 * stay. What the rules (ir/algebra.c) have left of products and quotients by constants they left
 * for a reason: joined, the constants would overflow or vanish. */
static LLVMValueRef loose(Emit *e, LLVMValueRef v)
{
	if (!e->fast || !LLVMIsAInstruction(v) || !LLVMCanValueUseFastMathFlags(v))
		return v;
	LLVMOpcode op = LLVMGetInstructionOpcode(v);
	if ((op == LLVMFMul || op == LLVMFDiv) &&
	    (LLVMIsConstant(LLVMGetOperand(v, 0)) || LLVMIsConstant(LLVMGetOperand(v, 1))))
		LLVMSetFastMathFlags(v, LLVMFastMathAllowContract);
	else
		LLVMSetFastMathFlags(v, LLVMFastMathAllowReassoc | LLVMFastMathAllowContract |
						LLVMFastMathAllowReciprocal);
	return v;
}

/* --- minimum and maximum --------------------------------------------------------------------- */

static bool constant_number(LLVMValueRef v)
{
	LLVMBool inexact;
	if (!LLVMIsConstant(v))
		return false;
	if (lanes_of(v) > 1)
		v = LLVMGetAggregateElement(v, 0); /* all constants are splats */
	if (!v || !LLVMIsAConstantFP(v))
		return false;
	double d = LLVMConstRealGetDouble(v, &inexact);
	return d == d;
}

/* The machine's own max(x, y) gives y when either is NaN; so only NaN in x needs care, and none
 * when x is a number. */
static LLVMValueRef float_extreme(Emit *e, bool max, LLVMValueRef x, LLVMValueRef y)
{
	if (constant_number(y)) {
		LLVMValueRef swap = x;
		x = y;
		y = swap;
	}
	LLVMValueRef c = compare_f(e, max ? LLVMRealOGT : LLVMRealOLT, x, y);
	LLVMValueRef v = choose(e, c, x, y);
	if (constant_number(x))
		return v;
	return choose(e, compare_f(e, LLVMRealUNO, x, x), x, v);
}

static LLVMValueRef extreme(Emit *e, bool max, DType t, LLVMValueRef x, LLVMValueRef y)
{
	if (dtype_is_float(t))
		return float_extreme(e, max, x, y);
	if (kind_of(t) == 'i')
		return binary_intrinsic(e, max ? "llvm.smax" : "llvm.smin", x, y);
	return binary_intrinsic(e, max ? "llvm.umax" : "llvm.umin", x, y);
}

/* Not rounded yet. */
static LLVMValueRef add_or_multiply(Emit *e, bool add, DType t, LLVMValueRef x, LLVMValueRef y)
{
	bool f = dtype_is_float(t);
	if (kind_of(t) == 'b') /* a truth value saturates */
		return add ? LLVMBuildOr(e->b, x, y, "") : LLVMBuildAnd(e->b, x, y, "");
	if (add)
		return f ? loose(e, LLVMBuildFAdd(e->b, x, y, "")) : LLVMBuildAdd(e->b, x, y, "");
	return f ? loose(e, LLVMBuildFMul(e->b, x, y, "")) : LLVMBuildMul(e->b, x, y, "");
}

LLVMValueRef combine(Emit *e, Op op, DType t, LLVMValueRef x, LLVMValueRef y)
{
	if (e->error)
		return x;
	if (op == OP_max || op == OP_min)
		return extreme(e, op == OP_max, t, x, y);
	return round_to(e, t, add_or_multiply(e, op == OP_add, t, x, y));
}

/* --- integer division ------------------------------------------------------------------------ */

/* A divisor that does not trap: 1 in place of 0, and of -1 under the least dividend (whose negative
 * is itself). */
static LLVMValueRef safe_divisor(Emit *e, DType t, LLVMValueRef x, LLVMValueRef y)
{
	LLVMTypeRef type = LLVMTypeOf(x);
	LLVMValueRef bad = compare_i(e, LLVMIntEQ, y, zero_like(y));
	if (kind_of(t) == 'i') {
		int bits = dtype_info[t].bytes * 8;
		LLVMValueRef least = const_i(e, type, (int64_t)((uint64_t)-1 << (bits - 1)));
		LLVMValueRef over =
			LLVMBuildAnd(e->b, compare_i(e, LLVMIntEQ, y, const_i(e, type, -1)),
				     compare_i(e, LLVMIntEQ, x, least), "");
		bad = LLVMBuildOr(e->b, bad, over, "");
	}
	return choose(e, bad, const_i(e, type, 1), y);
}

/* A constant divisor other than 0 and -1 needs no care. */
static bool plain_divisor(LLVMValueRef y)
{
	if (!LLVMIsAConstantInt(y))
		return false;
	int64_t v = (int64_t)LLVMConstIntGetSExtValue(y);
	return v != 0 && v != -1;
}

typedef enum Division { QUOTIENT, REMAINDER, FLOORED } Division;

static LLVMValueRef int_divide(Emit *e, DType t, Division want, LLVMValueRef x, LLVMValueRef y)
{
	LLVMBuilderRef b = e->b;
	bool is_signed = kind_of(t) == 'i';
	LLVMValueRef d = plain_divisor(y) ? y : safe_divisor(e, t, x, y);
	LLVMValueRef v;
	if (want == QUOTIENT)
		v = is_signed ? LLVMBuildSDiv(b, x, d, "") : LLVMBuildUDiv(b, x, d, "");
	else
		v = is_signed ? LLVMBuildSRem(b, x, d, "") : LLVMBuildURem(b, x, d, "");
	if (want == FLOORED && is_signed) {
		LLVMValueRef zero = zero_like(x);
		LLVMValueRef differ = compare_i(e, LLVMIntSLT, LLVMBuildXor(b, v, d, ""), zero);
		LLVMValueRef off = LLVMBuildAnd(b, differ, compare_i(e, LLVMIntNE, v, zero), "");
		v = choose(e, off, LLVMBuildAdd(b, v, d, ""), v);
	}
	if (d == y)
		return v;
	return choose(e, compare_i(e, LLVMIntEQ, y, zero_like(y)), zero_like(y), v);
}

static LLVMValueRef float_remainder(Emit *e, Division want, LLVMValueRef x, LLVMValueRef y)
{
	LLVMValueRef v = math_binary(e, "fmodf", "fmod", x, y);
	if (want != FLOORED)
		return v;
	LLVMValueRef zero = zero_like(x);
	LLVMValueRef neg_v = compare_f(e, LLVMRealOLT, v, zero);
	LLVMValueRef neg_y = compare_f(e, LLVMRealOLT, y, zero);
	LLVMValueRef off = LLVMBuildAnd(e->b, LLVMBuildXor(e->b, neg_v, neg_y, ""),
					compare_f(e, LLVMRealONE, v, zero), "");
	return choose(e, off, LLVMBuildFAdd(e->b, v, y, ""), v);
}

static LLVMValueRef divide(Emit *e, Op op, DType t, LLVMValueRef x, LLVMValueRef y)
{
	Division want = op == OP_div ? QUOTIENT : op == OP_mod ? FLOORED : REMAINDER;
	if (!dtype_is_float(t))
		return int_divide(e, t, want, x, y);
	if (want == QUOTIENT)
		return loose(e, LLVMBuildFDiv(e->b, x, y, ""));
	return float_remainder(e, want, x, y);
}

/* --- powers ---------------------------------------------------------------------------------- */

/* By squaring, one step per bit of the exponent. A negative exponent leaves 1 / x^|y| rounded
 * toward zero: 0 but for x = 1, -1. */
static LLVMValueRef int_power(Emit *e, DType t, LLVMValueRef x, LLVMValueRef y)
{
	LLVMBuilderRef b = e->b;
	LLVMTypeRef type = LLVMTypeOf(x);
	int bits = dtype_info[t].bytes * 8 - (kind_of(t) == 'i');
	LLVMValueRef one = const_i(e, type, 1), r = one, square = x;
	for (int i = 0; i < bits; i++) {
		LLVMValueRef bit =
			LLVMBuildAnd(b, LLVMBuildLShr(b, y, const_i(e, type, i), ""), one, "");
		LLVMValueRef odd = compare_i(e, LLVMIntNE, bit, zero_like(x));
		r = choose(e, odd, LLVMBuildMul(b, r, square, ""), r);
		square = LLVMBuildMul(b, square, square, "");
	}
	if (kind_of(t) != 'i')
		return r;
	LLVMValueRef minus = const_i(e, type, -1);
	LLVMValueRef odd = compare_i(e, LLVMIntNE, LLVMBuildAnd(b, y, one, ""), zero_like(x));
	LLVMValueRef inverse = choose(e, compare_i(e, LLVMIntEQ, x, one), one, zero_like(x));
	LLVMValueRef sign = choose(e, odd, minus, one);
	inverse = choose(e, compare_i(e, LLVMIntEQ, x, minus), sign, inverse);
	return choose(e, compare_i(e, LLVMIntSLT, y, zero_like(y)), inverse, r);
}

/* --- conversions ----------------------------------------------------------------------------- */

static LLVMValueRef float_to_int(Emit *e, DType to, LLVMValueRef x, LLVMTypeRef type)
{
	LLVMTypeRef types[2] = { type, LLVMTypeOf(x) };
	const char *name = kind_of(to) == 'i' ? "llvm.fptosi.sat" : "llvm.fptoui.sat";
	return call_intrinsic(e, name, types, 2, &x, 1);
}

static LLVMValueRef cast_float(Emit *e, DType from, DType to, LLVMValueRef x, LLVMTypeRef type)
{
	if (kind_of(to) == 'b')
		return compare_f(e, LLVMRealUNE, x, zero_like(x));
	if (!dtype_is_float(to))
		return float_to_int(e, to, x, type);
	if (to == DT_f64 && from != DT_f64)
		return LLVMBuildFPExt(e->b, x, type, "");
	if (from == DT_f64 && to != DT_f64)
		return LLVMBuildFPTrunc(e->b, x, type, "");
	return x;
}

static LLVMValueRef cast_int(Emit *e, DType from, DType to, LLVMValueRef x, LLVMTypeRef type)
{
	bool is_signed = kind_of(from) == 'i';
	int have = kind_of(from) == 'b' ? 0 : dtype_info[from].bytes;
	if (kind_of(to) == 'b')
		return compare_i(e, LLVMIntNE, x, zero_like(x));
	if (dtype_is_float(to))
		return is_signed ? LLVMBuildSIToFP(e->b, x, type, "")
				 : LLVMBuildUIToFP(e->b, x, type, "");
	if (dtype_info[to].bytes == have)
		return x;
	if (dtype_info[to].bytes < have)
		return LLVMBuildTrunc(e->b, x, type, "");
	return is_signed ? LLVMBuildSExt(e->b, x, type, "") : LLVMBuildZExt(e->b, x, type, "");
}

static LLVMValueRef cast(Emit *e, DType from, DType to, LLVMValueRef x)
{
	LLVMTypeRef type = with_lanes(scalar_type(e, to), lanes_of(x));
	if (from == to)
		return x;
	if (dtype_is_float(from))
		return cast_float(e, from, to, x, type);
	return cast_int(e, from, to, x, type);
}

/* --- one input ------------------------------------------------------------------------------- */

static LLVMValueRef sign_of(Emit *e, DType t, LLVMValueRef x)
{
	LLVMValueRef zero = zero_like(x), one, minus, less, more;
	if (dtype_is_float(t)) { /* NaN and zeros stay as they are */
		one = const_f(e, LLVMTypeOf(x), 1);
		minus = const_f(e, LLVMTypeOf(x), -1);
		more = compare_f(e, LLVMRealOGT, x, zero);
		less = compare_f(e, LLVMRealOLT, x, zero);
	} else {
		one = const_i(e, LLVMTypeOf(x), 1);
		minus = const_i(e, LLVMTypeOf(x), -1);
		more = compare_i(e, kind_of(t) == 'i' ? LLVMIntSGT : LLVMIntUGT, x, zero);
		if (kind_of(t) != 'i')
			return choose(e, more, one, zero);
		less = compare_i(e, LLVMIntSLT, x, zero);
	}
	return choose(e, more, one, choose(e, less, minus, x));
}

static LLVMValueRef int_unary(Emit *e, Op op, DType t, LLVMValueRef x)
{
	LLVMTypeRef i1 = LLVMInt1TypeInContext(e->lc);
	if (op == OP_isnan || op == OP_isinf)
		return LLVMConstNull(with_lanes(i1, lanes_of(x)));
	if (op == OP_neg)
		return LLVMBuildNeg(e->b, x, "");
	if (kind_of(t) != 'i' || (op != OP_abs && op != OP_relu))
		return x; /* abs, relu, floor, ceil, round */
	LLVMValueRef negative = compare_i(e, LLVMIntSLT, x, zero_like(x));
	LLVMValueRef v = op == OP_abs ? LLVMBuildNeg(e->b, x, "") : zero_like(x);
	return choose(e, negative, v, x);
}

static LLVMValueRef float_unary(Emit *e, Op op, LLVMValueRef x)
{
	if (op == OP_neg)
		return LLVMBuildFNeg(e->b, x, "");
	if (op == OP_abs)
		return unary_intrinsic(e, "llvm.fabs", x);
	if (op == OP_isnan)
		return compare_f(e, LLVMRealUNO, x, x);
	if (op == OP_isinf)
		return compare_f(e, LLVMRealOEQ, unary_intrinsic(e, "llvm.fabs", x),
				 const_f(e, LLVMTypeOf(x), __builtin_inf()));
	if (op == OP_floor)
		return unary_intrinsic(e, "llvm.floor", x);
	if (op == OP_ceil)
		return unary_intrinsic(e, "llvm.ceil", x);
	if (op == OP_round)
		return unary_intrinsic(e, "llvm.roundeven", x);
	return choose(e, compare_f(e, LLVMRealOLT, x, zero_like(x)), zero_like(x), x); /* relu */
}

/* --- comparisons ----------------------------------------------------------------------------- */

static LLVMValueRef compare(Emit *e, Op op, DType t, LLVMValueRef x, LLVMValueRef y)
{
	static const struct {
		Op op;
		LLVMRealPredicate f;
		LLVMIntPredicate s, u;
	} row[] = { { OP_eq, LLVMRealOEQ, LLVMIntEQ, LLVMIntEQ },
		    { OP_ne, LLVMRealUNE, LLVMIntNE, LLVMIntNE },
		    { OP_lt, LLVMRealOLT, LLVMIntSLT, LLVMIntULT },
		    { OP_le, LLVMRealOLE, LLVMIntSLE, LLVMIntULE },
		    { OP_gt, LLVMRealOGT, LLVMIntSGT, LLVMIntUGT },
		    { OP_ge, LLVMRealOGE, LLVMIntSGE, LLVMIntUGE } };
	for (int i = 0; i < 6; i++) {
		if (row[i].op != op)
			continue;
		if (dtype_is_float(t))
			return compare_f(e, row[i].f, x, y);
		return compare_i(e, kind_of(t) == 'i' ? row[i].s : row[i].u, x, y);
	}
	return emit_fail(e, "unknown comparison");
}

/* Logical on truth values and floats, bit by bit on integers. */
static LLVMValueRef logic(Emit *e, Op op, DType t, LLVMValueRef x, LLVMValueRef y)
{
	LLVMTypeRef type = LLVMTypeOf(x);
	LLVMValueRef v;
	if (dtype_is_float(t)) {
		x = compare_f(e, LLVMRealUNE, x, zero_like(x));
		y = compare_f(e, LLVMRealUNE, y, zero_like(y));
	}
	if (op == OP_not)
		v = LLVMBuildNot(e->b, x, "");
	else if (op == OP_and)
		v = LLVMBuildAnd(e->b, x, y, "");
	else
		v = op == OP_or ? LLVMBuildOr(e->b, x, y, "") : LLVMBuildXor(e->b, x, y, "");
	return dtype_is_float(t) ? LLVMBuildUIToFP(e->b, v, type, "") : v;
}

static LLVMValueRef power(Emit *e, DType t, LLVMValueRef x, LLVMValueRef y)
{
	if (dtype_is_float(t))
		return math_binary(e, "powf", "pow", x, y);
	return int_power(e, t, x, y);
}

/* t: the inputs' type */
static LLVMValueRef operate(Emit *e, const Node *n, DType t, LLVMValueRef *in)
{
	LLVMBuilderRef b = e->b;
	bool f = dtype_is_float(t);
	switch ((int)n->op) {
	case OP_add:
	case OP_mul: return add_or_multiply(e, n->op == OP_add, t, in[0], in[1]);
	case OP_sub:
		return f ? loose(e, LLVMBuildFSub(b, in[0], in[1], ""))
			 : LLVMBuildSub(b, in[0], in[1], "");
	case OP_min:
	case OP_max: return extreme(e, n->op == OP_max, t, in[0], in[1]);
	case OP_div:
	case OP_mod:
	case OP_fmod: return divide(e, n->op, t, in[0], in[1]);
	case OP_pow: return power(e, t, in[0], in[1]);
	case OP_fma:
		if (f)
			return emit_fma(e, in[0], in[1], in[2]);
		return LLVMBuildAdd(b, LLVMBuildMul(b, in[0], in[1], ""), in[2], "");
	case OP_sign: return sign_of(e, t, in[0]);
	case OP_neg:
	case OP_abs:
	case OP_relu:
	case OP_isnan:
	case OP_isinf:
	case OP_floor:
	case OP_ceil:
	case OP_round: return f ? float_unary(e, n->op, in[0]) : int_unary(e, n->op, t, in[0]);
	case OP_eq:
	case OP_ne:
	case OP_lt:
	case OP_le:
	case OP_gt:
	case OP_ge: return compare(e, n->op, t, in[0], in[1]);
	case OP_and:
	case OP_or:
	case OP_xor:
	case OP_not: return logic(e, n->op, t, in[0], in[n->n_in - 1]);
	case OP_cast: return cast(e, t, n->type->dtype, in[0]);
	case OP_exp:
	case OP_log:
	case OP_expm1:
	case OP_log1p:
	case OP_sqrt:
	case OP_sin:
	case OP_cos:
	case OP_tanh:
	case OP_sigmoid:
	case OP_erf: return math_function(e, n->op, t, in[0]);
	}
	return emit_fail(e,
			 arena_printf(e->arena, "operator %s has no code", op_info(n->op)->name));
}

LLVMValueRef emit_op(Emit *e, const Node *n, LLVMValueRef *in)
{
	if (n->n_in < 1)
		return emit_fail(
			e, arena_printf(e->arena, "operator %s has no code", op_info(n->op)->name));
	return round_to(e, n->type->dtype, operate(e, n, n->in[0]->type->dtype, in));
}
