/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Elementwise evaluation: scalar.def expanded into loops over arrays, and the `each` hook that runs
 * them on tensors. */
#include "ir/scalar.h"
#include "ir/eval.h"
#include "ir/hooks.h"
#include <math.h>

/* --- integers: defined for all values -------------------------------------------------------- */

static int64_t wrap_add(int64_t x, int64_t y)
{
	return (int64_t)((uint64_t)x + (uint64_t)y);
}

static int64_t wrap_sub(int64_t x, int64_t y)
{
	return (int64_t)((uint64_t)x - (uint64_t)y);
}

static int64_t wrap_mul(int64_t x, int64_t y)
{
	return (int64_t)((uint64_t)x * (uint64_t)y);
}

static int64_t int_div(int64_t x, int64_t y)
{
	if (y == 0)
		return 0;
	return y == -1 ? wrap_sub(0, x) : x / y;
}

static int64_t int_rem(int64_t x, int64_t y)
{
	return y == 0 || y == -1 ? 0 : x % y;
}

static int64_t int_mod(int64_t x, int64_t y)
{
	int64_t r = int_rem(x, y);
	return r != 0 && (r < 0) != (y < 0) ? r + y : r;
}

static int64_t int_pow(int64_t x, int64_t y)
{
	int64_t p = 1;
	if (y < 0)
		return x == 1 ? 1 : x == -1 ? (y & 1 ? -1 : 1) : 0;
	for (; y; y >>= 1, x = wrap_mul(x, x))
		if (y & 1)
			p = wrap_mul(p, x);
	return p;
}

int64_t int_wrap(DType t, int64_t v)
{
	uint64_t room = 0;
	store_i64(t, &room, 0, v);
	return load_i64(t, &room, 0);
}

/* --- floats ---------------------------------------------------------------------------------- */

static double float_mod(double x, double y)
{
	double r = fmod(x, y);
	return r != 0 && (r < 0) != (y < 0) ? r + y : r;
}

/* Independent of the rounding mode. */
static double round_even(double x)
{
	double f = floor(x), rest = x - f;
	if (rest == 0.5)
		f = 2 * floor(x / 2 + 0.5);
	else if (rest > 0.5)
		f += 1;
	return copysign(f, x);
}

double float_round(DType t, double v)
{
	uint64_t room = 0;
	if (t == DT_f64)
		return v;
	if (t == DT_f32)
		return (double)(float)v;
	store_f64(t, &room, 0, v);
	return load_f64(t, &room, 0);
}

/* Rounds once. */
static double int_to_float(DType t, int64_t v)
{
	uint64_t room = 0;
	store_i64(t, &room, 0, v);
	return load_f64(t, &room, 0);
}

int64_t float_to_int(DType t, double v)
{
	uint64_t room = 0;
	store_f64(t, &room, 0, v);
	return load_i64(t, &room, 0);
}

/* --- the rows as loops ----------------------------------------------------------------------- */

#define LOOP(name, In, Out, expr) \
	static void name(int64_t n, const In *const *in, Out *out) \
	{ \
		for (int64_t k = 0; k < n; k++) { \
			In x = in[0][k], y = in[1][k], z = in[2][k]; \
			(void)x, (void)y, (void)z; \
			out[k] = expr; \
		} \
	}
#define FLOAT_ONLY 0
#define SCALAR(op, floats, integers) \
	LOOP(float_##op##_loop, double, double, floats) \
	LOOP(int_##op##_loop, int64_t, int64_t, integers)
#define TEST(op, expr) \
	LOOP(test_##op##_loop, double, int64_t, expr) \
	LOOP(int_##op##_loop, int64_t, int64_t, expr)
#include "ir/scalar.def"
#undef SCALAR
#undef TEST
#undef FLOAT_ONLY
#undef LOOP

static const struct ScalarRow {
	ScalarFloat *f;
	ScalarInt *i;
	ScalarTest *t;
} row[OP_COUNT] = {
#define SCALAR(op, floats, integers) [OP_##op] = { .f = float_##op##_loop, .i = int_##op##_loop },
#define TEST(op, expr) [OP_##op] = { .t = test_##op##_loop, .i = int_##op##_loop },
#include "ir/scalar.def"
#undef SCALAR
#undef TEST
};

ScalarFloat *scalar_float(Op op)
{
	return row[op].f;
}

ScalarInt *scalar_int(Op op)
{
	return row[op].i;
}

ScalarTest *scalar_test(Op op)
{
	return row[op].t;
}

/* --- tensors --------------------------------------------------------------------------------- */

static void each_select(const EvalCall *c)
{
	const int64_t *cond = c->in[0]->i;
	bool floats = dtype_is_float(c->out->type->dtype);
	for (int64_t k = 0; k < c->out->type->count; k++) {
		const EvalTensor *from = c->in[cond[k] ? 1 : 2];
		if (floats)
			c->out->f[k] = from->f[k];
		else
			c->out->i[k] = from->i[k];
	}
}

/* Narrowing rounds in every mode of evaluation, that is what the operator is for; but not where the
 * rounding is that of another operator's result. */
static void each_cast(const EvalCall *c)
{
	DType from = c->in[0]->type->dtype, to = c->out->type->dtype;
	const double *f = c->in[0]->f;
	const int64_t *i = c->in[0]->i;
	int64_t n = c->out->type->count;
	bool from_float = dtype_is_float(from);
	if (ATTR_OF(c->n, cast)->loose && from_float && dtype_is_float(to))
		to = DT_f64;
	if (dtype_is_float(to))
		for (int64_t k = 0; k < n; k++)
			c->out->f[k] = from_float ? float_round(to, f[k]) : int_to_float(to, i[k]);
	else
		for (int64_t k = 0; k < n; k++)
			c->out->i[k] = from_float ? float_to_int(to, f[k]) : int_wrap(to, i[k]);
}

static void each_float(const EvalCall *c)
{
	const double *in[3];
	int64_t n = c->out->type->count;
	for (int k = 0; k < 3; k++)
		in[k] = c->in[k < c->n->n_in ? k : 0]->f;
	if (dtype_is_float(c->out->type->dtype))
		scalar_float(c->n->op)(n, in, c->out->f);
	else
		scalar_test(c->n->op)(n, in, c->out->i);
}

static void each_int(const EvalCall *c)
{
	const int64_t *in[3];
	int64_t n = c->out->type->count;
	DType t = c->out->type->dtype;
	for (int k = 0; k < 3; k++)
		in[k] = c->in[k < c->n->n_in ? k : 0]->i;
	scalar_int(c->n->op)(n, in, c->out->i);
	if (c->n->op == OP_not && t == DT_bool) /* ~0 and ~1 are both true */
		for (int64_t k = 0; k < n; k++)
			c->out->i[k] = !in[0][k];
	else if (t != DT_i64)
		for (int64_t k = 0; k < n; k++)
			c->out->i[k] = int_wrap(t, c->out->i[k]);
}

void eval_each(const EvalCall *c)
{
	if (c->n->op == OP_select)
		each_select(c);
	else if (c->n->op == OP_cast)
		each_cast(c);
	else if (dtype_is_float(c->in[0]->type->dtype))
		each_float(c);
	else
		each_int(c);
}
