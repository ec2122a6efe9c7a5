/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The rules of emit. Requirements on each:
 *
 *  1. The replacement has the root's type and shape.
 *  2. It costs less: fewer nodes, a cheaper operator, or a form nearer to the canonical one. No two
 * rules undo each other.
 *  3. Its mark tells the truth about bits (ir/rule.h). An unmarked rule holds for every data type
 * its condition admits: for floats this includes NaN, infinities and the sign of zero. So x + 0
 * stays (it turns -0 into 0), while x + -0 and x - 0 go. The sign of max(0, -0), which the operator
 * leaves open, is the only freedom taken.
 *  4. Conditions look at the candidate and its inputs, never at who uses them.
 *
 * tests/unit/test_rules.c instantiates every textual rule with random values, special ones among
 * them, and compares both sides. */
#include "ir/rule.h"
#include "ir/scalar.h"
#include <math.h>

static bool floats(const Node *n)
{
	return dtype_is_float(n->in[0]->type->dtype);
}

static bool truths(const Node *n)
{
	return n->in[0]->type->dtype == DT_bool;
}

static bool not_floats(const Node *n)
{
	return !floats(n);
}

static bool integers(const Node *n)
{
	return !floats(n) && !truths(n);
}

static bool numbers(const Node *n)
{
	return !truths(n);
}

static bool has_sign(const Node *n)
{
	char kind = dtype_info[n->in[0]->type->dtype].kind;
	return kind == 'f' || kind == 'i';
}

/* The root is not itself about to be folded: what is left of a chain of constants would be turned
 * round and round. */
static bool open(const Node *n)
{
	return !is_const(n->in[0]);
}

static bool open_floats(const Node *n)
{
	return floats(n) && open(n);
}

static bool open_integers(const Node *n)
{
	return integers(n) && open(n);
}

/* Division by 2^k, where 2^-k is a normal number: multiplying rounds the same real number. */
static bool by_power_of_two(const Node *n)
{
	static const int range[DT_COUNT] = {
		[DT_f32] = 126, [DT_f64] = 1022, [DT_f16] = 14, [DT_bf16] = 126
	};
	double c;
	int e;
	if (!open_floats(n) || !const_scalar(n->in[1], &c) || fabs(frexp(c, &e)) != 0.5)
		return false;
	return e - 1 <= range[n->type->dtype] && e - 1 >= -range[n->type->dtype];
}

static bool is_normal(DType t, double v)
{
	static const double least[DT_COUNT] = {
		[DT_f32] = 0x1p-126, [DT_f64] = 0x1p-1022, [DT_f16] = 0x1p-14, [DT_bf16] = 0x1p-126
	};
	v = fabs(float_round(t, v));
	return v >= least[t] && isfinite(v);
}

/* x a b, where a b neither overflows nor loses digits that the steps keep. */
static bool normal_product(const Node *n)
{
	double a, b;
	return open_floats(n) && const_scalar(n->in[1], &b) && const_scalar(n->in[0]->in[1], &a) &&
	       (a == 0 || b == 0 || is_normal(n->type->dtype, a * b));
}

static bool normal_reciprocal(const Node *n)
{
	double c;
	return open_floats(n) && const_scalar(n->in[1], &c) && is_normal(n->type->dtype, 1 / c);
}

#define RULE(p, r) \
	{ \
		.pattern = p, .replacement = r \
	}
#define RULE_IF(p, condition, r) \
	{ \
		.pattern = p, .replacement = r, .when = condition \
	}
#define RULE_FN(p, function) \
	{ \
		.pattern = p, .fn = function \
	}

const Rule algebra[] = {
	/* neutral operands */
	RULE("add(x, -0)", "x"),
	RULE_IF("add(x, 0)", integers, "x"),
	RULE_IF("~add(x, 0)", floats, "x"),
	RULE("sub(x, 0)", "x"),
	RULE("mul(x, 1)", "x"),
	RULE("div(x, 1)", "x"),
	RULE_IF("mul(x, 0)", integers, "0"),
	RULE_IF("~mul(x, 0)", floats, "0"),
	RULE("max(x, -inf)", "x"),
	RULE("min(x, inf)", "x"),
	RULE("max(x, x)", "x"),
	RULE("min(x, x)", "x"),
	RULE_IF("sub(x, x)", integers, "0"),
	RULE_IF("~sub(x, x)", floats, "0"),
	RULE_IF("~div(x, x)", floats, "1"),

	/* signs */
	RULE("neg(neg(x))", "x"),
	RULE("mul(x, -1)", "neg(x)"),
	RULE("div(x, -1)", "neg(x)"),
	RULE("sub(x, neg(y))", "add(x, y)"),
	RULE("add(x, neg(y))", "sub(x, y)"),
	RULE("mul(neg(x), neg(y))", "mul(x, y)"),
	RULE_IF("div(neg(x), neg(y))", floats, "div(x, y)"),
	RULE_IF("mul(neg(x), #c)", open, "mul(x, neg(c))"),
	RULE_IF("div(neg(x), #c)", open_floats, "div(x, neg(c))"),
	RULE_IF("sub(0, x)", integers, "neg(x)"),
	RULE("sub(-0, x)", "neg(x)"),
	RULE_IF("~sub(0, x)", floats, "neg(x)"),
	RULE_IF("neg(sub(x, y))", integers, "sub(y, x)"),
	RULE_IF("~neg(sub(x, y))", floats, "sub(y, x)"),
	RULE_IF("abs(neg(x))", has_sign, "abs(x)"),
	RULE("abs(abs(x))", "abs(x)"),
	RULE_IF("mul(abs(x), abs(x))", floats, "mul(x, x)"),

	/* chains of constants */
	RULE_IF("add(add(x, #a), #b)", open_integers, "add(x, add(a, b))"),
	RULE_IF("~add(add(x, #a), #b)", open_floats, "add(x, add(a, b))"),
	RULE_IF("add(sub(x, #a), #b)", open_integers, "add(x, sub(b, a))"),
	RULE_IF("~add(sub(x, #a), #b)", open_floats, "add(x, sub(b, a))"),
	RULE_IF("mul(mul(x, #a), #b)", open_integers, "mul(x, mul(a, b))"),
	RULE_IF("~mul(mul(x, #a), #b)", normal_product, "mul(x, mul(a, b))"),
	RULE_IF("min(min(x, #a), #b)", open, "min(x, min(a, b))"),
	RULE_IF("max(max(x, #a), #b)", open, "max(x, max(a, b))"),
	RULE_IF("div(x, #c)", by_power_of_two, "mul(x, div(1, c))"),
	RULE_IF("~div(x, #c)", normal_reciprocal, "mul(x, div(1, c))"),

	/* powers and elementary functions */
	RULE("pow(x, 1)", "x"),
	RULE("pow(x, 0)", "1"),
	RULE_IF("pow(x, 2)", integers, "mul(x, x)"),
	RULE_IF("^pow(x, 2)", floats, "mul(x, x)"),
	RULE_IF("^pow(x, 3)", floats, "mul(mul(x, x), x)"),
	RULE_IF("^pow(x, -1)", floats, "div(1, x)"),
	RULE_IF("~pow(x, 0.5)", floats, "sqrt(x)"),
	RULE_IF("~pow(x, -0.5)", floats, "div(1, sqrt(x))"),
	RULE("~exp(log(x))", "x"),
	RULE("~log(exp(x))", "x"),
	RULE("~sqrt(mul(x, x))", "abs(x)"),
	RULE("~div(x, div(y, z))", "div(mul(x, z), y)"),

	/* rectifiers */
	RULE("relu(relu(x))", "relu(x)"),
	RULE_IF("max(x, 0)", numbers, "relu(x)"),
	RULE_IF("relu(abs(x))", floats, "abs(x)"),
	RULE("relu(exp(x))", "exp(x)"),
	RULE("relu(sigmoid(x))", "sigmoid(x)"),
	RULE_IF("abs(relu(x))", integers, "relu(x)"),
	RULE_IF("~abs(relu(x))", floats, "relu(x)"),

	/* rounding */
	RULE("floor(floor(x))", "floor(x)"),
	RULE("ceil(ceil(x))", "ceil(x)"),
	RULE("round(round(x))", "round(x)"),

	/* truth values and bits */
	RULE("not(not(x))", "x"),
	RULE("and(x, x)", "x"),
	RULE("or(x, x)", "x"),
	RULE_IF("xor(x, x)", not_floats, "0"),
	RULE("and(x, 0)", "0"),
	RULE("or(x, 0)", "x"),
	RULE("xor(x, 0)", "x"),
	RULE_IF("and(x, 1)", truths, "x"),
	RULE_IF("or(x, 1)", truths, "1"),
	RULE_IF("xor(x, 1)", truths, "not(x)"),
	RULE("not(eq(x, y))", "ne(x, y)"),
	RULE("not(ne(x, y))", "eq(x, y)"),
	RULE("lt(x, x)", "0"),
	RULE("gt(x, x)", "0"),
	RULE_IF("le(x, x)", not_floats, "1"),
	RULE_IF("ge(x, x)", not_floats, "1"),
	RULE_IF("eq(x, x)", not_floats, "1"),
	RULE_IF("ne(x, x)", not_floats, "0"),
	RULE_IF("ne(x, x)", floats, "isnan(x)"),
	RULE_IF("eq(x, 1)", truths, "x"),
	RULE_IF("ne(x, 0)", truths, "x"),
	RULE_IF("eq(x, 0)", truths, "not(x)"),
	RULE_IF("ne(x, 1)", truths, "not(x)"),
	RULE("select(c, x, x)", "x"),
	RULE("select(1, x, y)", "x"),
	RULE("select(0, x, y)", "y"),
	RULE("select(not(c), x, y)", "select(c, y, x)"),

	/* moving elements: attributes are computed with */
	RULE_FN("cast(x)", simplify_cast),
	RULE_FN("broadcast(x)", simplify_broadcast),
	RULE_FN("reshape(x)", simplify_reshape),
	RULE_FN("transpose(x)", simplify_transpose),
	RULE_FN("slice(x)", simplify_slice),
	RULE_FN("pad(x, y)", simplify_pad),
	RULE_FN("concat", simplify_concat),
	RULE_FN("gather(cast(x), i)", gather_before_cast),
	RULE_FN("gather(x, #i)", simplify_gather),
	RULE_FN("gather(x, const)", simplify_gather),
	RULE_FN("gather(x, iota)", simplify_gather),
	RULE_FN("reduce_sum(x)", simplify_reduce),
	RULE_FN("reduce_prod(x)", simplify_reduce),
	RULE_FN("reduce_max(x)", simplify_reduce),
	RULE_FN("reduce_min(x)", simplify_reduce),
	RULE_FN("matmul(transpose(x), y)", simplify_matmul),
	RULE_FN("matmul(x, transpose(y))", simplify_matmul),
	{ .pattern = NULL },
};
