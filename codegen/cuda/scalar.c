/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Elementwise operators as CUDA C: one table. A pattern holds $0, $1, $2 for the operands, $c for
 * the type that is computed in (f16 and bf16 are computed in f32 and rounded after each operator,
 * as everywhere), $t for the type itself. What is more than an operator of C is a function of the
 * prelude, which defines it for all values: integers wrap, division by zero gives 0, NaN stays. */
#include "codegen/cuda/internal.h"
#include "ir/blob.h"
#include <math.h>
#include <string.h>

const char *cuda_register_type(DType t)
{
	switch (t) {
	case DT_f32:
	case DT_f16:
	case DT_bf16: return "f32";
	case DT_bool: return "i32";
	case DT_f64:
	case DT_i8:
	case DT_u8:
	case DT_i16:
	case DT_i32:
	case DT_i64: return dtype_info[t].name;
	case DT_COUNT: break;
	}
	return "i64";
}

const char *cuda_memory_type(DType t)
{
	if (t == DT_f16 || t == DT_bf16)
		return "u16";
	return t == DT_bool ? "u8" : dtype_info[t].name;
}

bool cuda_narrow(const CudaEmit *e, const Node *n)
{
	Range r = cuda_range(e, n);
	return n->type->dtype == DT_i64 && r.min >= INT32_MIN + 1 && r.max <= INT32_MAX;
}

static bool in_range(const CudaEmit *e, const Node *n)
{
	Range r = cuda_range(e, n);
	return n->type->dtype == DT_i64 && r.min > -KERNEL_FAR && r.max < KERNEL_FAR;
}

/* --- constants ------------------------------------------------------------------------------- */

static void float_const(CudaEmit *e, DType t, double v)
{
	const char *type = cuda_register_type(t);
	Str text;
	if (v != v || isinf(v)) {
		str_fmt(e->s,
			v != v  ? "burin_nan_%s()"
			: v > 0 ? "burin_inf_%s()"
				: "(-burin_inf_%s())",
			type);
		return;
	}
	str_init(&text, e->arena);
	if (t == DT_f64)
		str_double(&text, v);
	else
		str_float(&text, (float)v);
	bool sign = signbit(v);
	bool whole = strcspn(str_text(&text), ".en") == text.n;
	str_fmt(e->s, "%s%s%s%s%s", sign ? "(" : "", str_text(&text), whole ? ".0" : "",
		t == DT_f64 ? "" : "f", sign ? ")" : "");
}

static void int_const(CudaEmit *e, int64_t v)
{
	if (v == INT64_MIN)
		str_add(e->s, "(-9223372036854775807LL - 1)");
	else if (v > INT32_MAX || v < INT32_MIN + 1)
		str_fmt(e->s, v < 0 ? "(%lldLL)" : "%lldLL", (long long)v);
	else
		str_fmt(e->s, v < 0 ? "(%lld)" : "%lld", (long long)v);
}

void cuda_const(CudaEmit *e, const Node *n)
{
	const Blob *b = ATTR_OF(n, data)->data;
	if (dtype_is_float(n->type->dtype))
		float_const(e, n->type->dtype, blob_f64(b, 0));
	else
		int_const(e, blob_i64(b, 0));
}

/* --- the table ------------------------------------------------------------------------------- */

typedef struct Pattern {
	Op op;
	const char *floats, *ints, *truths; /* by the type of the operands */
} Pattern;
#define SAME(text) text, text, text
#define CALL1(name) "burin_" name "_$c($0)"
#define CALL2(name) "burin_" name "_$c($0, $1)"

static const Pattern pattern[] = {
	{ OP_add, "($0 + $1)", CALL2("add"), "($0 | $1)" },
	{ OP_sub, "($0 - $1)", CALL2("sub"), "($0 ^ $1)" },
	{ OP_mul, "($0 * $1)", CALL2("mul"), "($0 & $1)" },
	{ OP_div, "($0 / $1)", CALL2("div"), "($0 & $1)" },
	{ OP_min, CALL2("min"), CALL2("min"), "($0 & $1)" },
	{ OP_max, CALL2("max"), CALL2("max"), "($0 | $1)" },
	{ OP_pow, CALL2("pow"), CALL2("pow"), "($0 | !$1)" },
	{ OP_mod, CALL2("mod"), CALL2("mod"), "0" },
	{ OP_fmod, CALL2("fmod"), CALL2("fmod"), "0" },
	{ OP_neg, "(-$0)", CALL1("neg"), "$0" },
	{ OP_abs, CALL1("abs"), CALL1("abs"), "$0" },
	{ OP_sign, CALL1("sign"), CALL1("sign"), "$0" },
	{ OP_relu, CALL1("relu"), CALL1("relu"), "$0" },
	{ OP_exp, CALL1("exp"), NULL, NULL },
	{ OP_log, CALL1("log"), NULL, NULL },
	{ OP_expm1, CALL1("expm1"), NULL, NULL },
	{ OP_log1p, CALL1("log1p"), NULL, NULL },
	{ OP_sqrt, CALL1("sqrt"), NULL, NULL },
	{ OP_sin, CALL1("sin"), NULL, NULL },
	{ OP_cos, CALL1("cos"), NULL, NULL },
	{ OP_tanh, CALL1("tanh"), NULL, NULL },
	{ OP_sigmoid, CALL1("sigmoid"), NULL, NULL },
	{ OP_erf, CALL1("erf"), NULL, NULL },
	{ OP_floor, CALL1("floor"), "$0", "$0" },
	{ OP_ceil, CALL1("ceil"), "$0", "$0" },
	{ OP_round, CALL1("round"), "$0", "$0" },
	{ OP_isnan, CALL1("isnan"), "0", "0" },
	{ OP_isinf, CALL1("isinf"), "0", "0" },
	{ OP_eq, SAME("($0 == $1)") },
	{ OP_ne, SAME("($0 != $1)") },
	{ OP_lt, SAME("($0 < $1)") },
	{ OP_le, SAME("($0 <= $1)") },
	{ OP_gt, SAME("($0 > $1)") },
	{ OP_ge, SAME("($0 >= $1)") },
	{ OP_and, CALL2("and"), "($t)($0 & $1)", "($0 & $1)" },
	{ OP_or, CALL2("or"), "($t)($0 | $1)", "($0 | $1)" },
	{ OP_xor, CALL2("xor"), "($t)($0 ^ $1)", "($0 ^ $1)" },
	{ OP_not, CALL1("not"), "($t)~$0", "(!$0)" },
	{ OP_pack_bf16, "burin_pack_bf16($0, $1)", NULL, NULL },
	{ OP_fma, "burin_fma_$c($0, $1, $2)", "burin_add_$c(burin_mul_$c($0, $1), $2)", NULL },
};

/* Index arithmetic whose range is known needs no care. */
static const Pattern index_pattern[] = {
	{ .op = OP_add, .ints = "($0 + $1)" }, { .op = OP_sub, .ints = "($0 - $1)" },
	{ .op = OP_mul, .ints = "($0 * $1)" }, { .op = OP_div, .ints = "($0 / $1)" },
	{ .op = OP_mod, .ints = "($0 % $1)" },
};

static const char *find_index_pattern(const CudaEmit *e, const Node *n)
{
	if (n->type->dtype != DT_i64 || n->n_in != 2 || !in_range(e, n))
		return NULL;
	bool divides = n->op == OP_div || n->op == OP_mod;
	if (divides && (cuda_range(e, n->in[0]).min < 0 || cuda_range(e, n->in[1]).min <= 0))
		return NULL;
	for (size_t i = 0; i < sizeof index_pattern / sizeof *index_pattern; i++)
		if (index_pattern[i].op == n->op)
			return index_pattern[i].ints;
	return NULL;
}

static const char *find_pattern(Op op, DType t)
{
	for (size_t i = 0; i < sizeof pattern / sizeof *pattern; i++) {
		const Pattern *p = &pattern[i];
		if (p->op == op)
			return dtype_is_float(t) ? p->floats : t == DT_bool ? p->truths : p->ints;
	}
	return NULL;
}

/* --- printing -------------------------------------------------------------------------------- */

typedef struct Operands {
	const Node *node[3]; /* or texts */
	const char *text[3];
	const char *computed, *type;
	bool widen; /* the first operand */
} Operands;

static void print_pattern(CudaEmit *e, const char *p, const Operands *o)
{
	for (; *p; p++) {
		if (*p != '$') {
			str_char(e->s, *p);
			continue;
		}
		int i = *++p - '0';
		if (*p == 'c' || *p == 't') {
			str_add(e->s, *p == 'c' ? o->computed : o->type);
		} else if (o->node[i]) {
			str_add(e->s, i == 0 && o->widen ? "(i64)" : "");
			cuda_value(e, o->node[i]);
		} else {
			str_add(e->s, o->text[i]);
		}
	}
}

static bool rounds(DType t)
{
	return t == DT_f16 || t == DT_bf16;
}

static bool all_narrow(const CudaEmit *e, const Node *n)
{
	bool narrow = cuda_narrow(e, n);
	for (int i = 0; i < n->n_in; i++)
		narrow = narrow && cuda_narrow(e, n->in[i]);
	return narrow;
}

/* Exact operators leave a rounded value rounded. */
static bool is_exact(Op op)
{
	return op == OP_min || op == OP_max || op == OP_neg || op == OP_abs || op == OP_relu ||
	       op == OP_sign || op == OP_floor || op == OP_ceil || op == OP_round;
}

static void print_cast(CudaEmit *e, const Node *n)
{
	DType from = n->in[0]->type->dtype, to = n->type->dtype;
	const char *pattern_text = "($c)$0";
	Operands o = { .node = { n->in[0] }, .computed = cuda_register_type(to) };
	o.type = cuda_register_type(from);
	if (to == DT_bool)
		pattern_text = from == DT_bool ? "$0" : "($0 != 0)";
	else if (dtype_is_float(from) && !dtype_is_float(to))
		pattern_text = "burin_$c_from_$t($0)";
	else if (str_eq(o.type, o.computed))
		pattern_text = "$0";
	bool round = rounds(to) && from != to;
	if (round)
		str_fmt(e->s, "burin_round_%s(", dtype_info[to].name);
	print_pattern(e, pattern_text, &o);
	str_add(e->s, round ? ")" : "");
}

/* x * y + z for a sum of a product that nothing else needs, as one rounding. */
static bool print_contracted(CudaEmit *e, const Node *n)
{
	bool sub = n->op == OP_sub;
	DType t = n->type->dtype;
	if (!e->fma || (n->op != OP_add && !sub) || (t != DT_f32 && t != DT_f64))
		return false;
	int p = 0;
	while (p < 2 && !(n->in[p]->op == OP_mul && e->fact[n->in[p]->id].uses == 1))
		p++;
	if (p == 2)
		return false;
	Operands o = { .node = { n->in[p]->in[0], n->in[p]->in[1], n->in[1 - p] } };
	o.computed = cuda_register_type(t);
	print_pattern(e,
		      !sub     ? "burin_fma_$c($0, $1, $2)"
		      : p == 0 ? "burin_fma_$c($0, $1, -$2)"
			       : "burin_fma_$c(-$0, $1, $2)",
		      &o);
	return true;
}

void cuda_operator(CudaEmit *e, const Node *n)
{
	DType in = n->n_in ? n->in[0]->type->dtype : n->type->dtype, t = n->type->dtype;
	if (n->op == OP_cast) {
		print_cast(e, n);
		return;
	}
	if (print_contracted(e, n))
		return;
	Operands o = { .computed = cuda_register_type(in), .type = cuda_register_type(t) };
	const char *p = find_index_pattern(e, n);
	bool infix = p != NULL, narrow = in == DT_i64 && t == DT_i64 && all_narrow(e, n);
	if (!p)
		p = find_pattern(n->op, in);
	if (!p || n->n_in > 3) {
		cuda_cannot(
			e, arena_printf(e->arena, "operator %s has no code", op_info(n->op)->name));
		return;
	}
	for (int i = 0; i < n->n_in; i++)
		o.node[i] = n->in[i];
	if (narrow)
		o.computed = "i32";
	o.widen = infix && !narrow;
	bool round = rounds(t) && !is_exact(n->op);
	if (round)
		str_fmt(e->s, "burin_round_%s(", dtype_info[t].name);
	print_pattern(e, p, &o);
	str_add(e->s, round ? ")" : "");
}

/* --- folds ----------------------------------------------------------------------------------- */

static Op fold_op(Op fold)
{
	if (fold == OP_fold_sum)
		return OP_add;
	if (fold == OP_fold_prod)
		return OP_mul;
	return fold == OP_fold_max ? OP_max : OP_min;
}

void cuda_combine(CudaEmit *e, Op fold, DType t, const char *x, const char *y)
{
	Operands o = { .text = { x, y }, .computed = cuda_register_type(t) };
	Op op = fold_op(fold);
	o.type = o.computed;
	bool round = rounds(t) && !is_exact(op);
	if (round)
		str_fmt(e->s, "burin_round_%s(", dtype_info[t].name);
	print_pattern(e, find_pattern(op, t), &o);
	str_add(e->s, round ? ")" : "");
}

void cuda_neutral(CudaEmit *e, Op fold, DType t)
{
	bool max = fold == OP_fold_max;
	int bits = dtype_info[t].bytes * 8;
	if (dtype_is_float(t)) {
		double far = max ? -INFINITY : INFINITY;
		float_const(e, t, fold == OP_fold_sum ? -0.0 : fold == OP_fold_prod ? 1 : far);
	} else if (fold == OP_fold_sum || fold == OP_fold_prod) {
		int_const(e, fold == OP_fold_prod);
	} else if (dtype_info[t].kind != 'i') {
		int_const(e, max ? 0 : t == DT_bool ? 1 : 255);
	} else {
		int64_t least = (int64_t)((uint64_t)-1 << (bits - 1));
		int_const(e, max ? least : ~least);
	}
}
