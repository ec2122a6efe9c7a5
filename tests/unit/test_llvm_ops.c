/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Every elementwise operator, compiled for 4, 8 and 16 lanes and for scalars, against the rows of
 * scalar.def: special values, tails, and for elementary functions the error in units of the last
 * place over dense samples. */
#include "tests/ulps.h"
#include "tests/unit/kernel_run.h"
#include "ir/blob.h"
#include "ir/scalar.h"
#include <math.h>

enum { MAX_N = 4096 };

/* --- a kernel that applies one operator ------------------------------------------------------ */

typedef struct OpCase {
	Op op;
	DType in, out;
	int n_in;
	Attr attr;
} OpCase;

static void apply(KBuilder *kb, const OpCase *oc, const int *buf, Node *at)
{
	Node *in[3];
	for (int i = 0; i < oc->n_in; i++)
		in[i] = load1(kb, buf[i], at);
	store1(kb, buf[oc->n_in], at, kb_emit(kb, oc->op, oc->attr, in, oc->n_in));
}

/* lanes 1: a loop of scalars; else vectors and a tail. */
static Kernel *op_kernel(Context *c, const Target *t, const OpCase *oc, int64_t n, int lanes)
{
	KBuilder *kb = start_kernel(c, t, "map");
	int buf[4];
	for (int i = 0; i < oc->n_in; i++)
		buf[i] = arg1(kb, oc->in, n);
	buf[oc->n_in] = arg1(kb, oc->out, n);
	Node *i = kb_axis(kb, "i", AX_LOOP, n / lanes, 0);
	Node *v = kb_axis(kb, "v", AX_VECTOR, lanes, lanes);
	kb_open(kb, i);
	kb_open(kb, v);
	apply(kb, oc, buf, kb_iadd(kb, kb_imul(kb, i, lanes), v));
	kb_close(kb);
	kb_close(kb);
	if (n % lanes) {
		Node *w = kb_axis(kb, "w", AX_VECTOR, n % lanes, lanes);
		kb_open(kb, w);
		apply(kb, oc, buf, kb_affine(kb, w, 1, n / lanes * lanes));
		kb_close(kb);
	}
	return kb_finish(kb);
}

typedef struct Data {
	Fenced in[3], out;
} Data;

static void run_op(Context *c, const Target *t, const OpCase *oc, const Data *d, int64_t n,
		   int lanes)
{
	void *arg[4];
	for (int i = 0; i < oc->n_in; i++)
		arg[i] = d->in[i].data;
	arg[oc->n_in] = d->out.data;
	memset(d->out.data, 0x5a, (size_t)n * (size_t)dtype_info[oc->out].bytes);
	run_kernel(c, op_kernel(c, t, oc, n, lanes), t, arg);
}

/* --- values ---------------------------------------------------------------------------------- */

static const double special[] = { 0,
				  -0.0,
				  1,
				  -1,
				  2,
				  0.5,
				  -0.5,
				  1.5,
				  2.5,
				  -2.5,
				  3,
				  -7,
				  100,
				  -100,
				  88.7,
				  88.8,
				  -87.4,
				  -103.5,
				  -104.5,
				  1e-3,
				  1e-20,
				  -1e-20,
				  1e-40,
				  -1e-42,
				  1e9,
				  -3e9,
				  1e19,
				  -1e19,
				  INFINITY,
				  -INFINITY,
				  NAN,
				  0x1p-126,
				  3.4e38,
				  -3.4e38,
				  127,
				  -128,
				  255,
				  256,
				  32767,
				  -32769,
				  2147483648.0,
				  -2147483648.0,
				  0.499999970197677612,
				  8388609,
				  65520,
				  6e-8,
				  0.1 };
static const int64_t whole[] = { 0,          1,           -1,        2,         3,
				 -3,         7,           -7,        10,        127,
				 -128,       255,         32767,     -32768,    65535,
				 2147483647, -2147483648, INT64_MAX, INT64_MIN, INT64_MIN + 1 };
enum { N_SPECIAL = sizeof special / sizeof *special, N_WHOLE = sizeof whole / sizeof *whole };

/* Pairs of special values (all of the first with all of the second input), then random ones. */
static void fill(const OpCase *oc, const Data *d, int64_t n)
{
	uint32_t seed = 7;
	for (int64_t i = 0; i < n; i++)
		for (int k = 0; k < oc->n_in; k++) {
			int64_t list = dtype_is_float(oc->in) ? N_SPECIAL : N_WHOLE;
			int64_t at = k == 0 ? i % list : i / list;
			bool pick = i < list * list;
			if (dtype_is_float(oc->in))
				store_f64(oc->in, d->in[k].data, i,
					  pick ? special[at % list] : random_float(&seed) * 8);
			else
				store_i64(oc->in, d->in[k].data, i,
					  pick ? whole[at % list]
					       : (int64_t)random_bits(&seed) - INT32_MAX);
		}
}

/* --- comparison ------------------------------------------------------------------------------ */

static double ulp_f32(double want)
{
	int e;
	if (fabs(want) < 0x1p-126)
		return 0x1p-149;
	frexp(want, &e);
	return ldexp(1, e - 24);
}

/* Distance of got from the exact value in units of the last place; results beyond the range count
 * as infinite. */
static double error_f32(float got, double want)
{
	if (isnan(want) || isnan(got))
		return isnan(want) && isnan(got) ? 0 : INFINITY;
	if (isinf(got) || isinf(want))
		return (double)got == want || (float)want == got ? 0 : INFINITY;
	return fabs((double)got - want) / ulp_f32(want);
}

static double tolerance(Op op)
{
	if (op == OP_fma)
		return 0.501; /* the row rounds to double in between */
	return function_ulps(op) > 0 ? function_ulps(op) : 0.5; /* correctly rounded */
}

static void check_float(const OpCase *oc, const Data *d, int64_t n, const Target *t)
{
	for (int64_t i = 0; i < n; i++) {
		double in[3] = { 0 }, want;
		const double *p[3] = { &in[0], &in[1], &in[2] };
		for (int k = 0; k < oc->n_in; k++)
			in[k] = load_f64(oc->in, d->in[k].data, i);
		scalar_float(oc->op)(1, p, &want);
		if (oc->op == OP_sigmoid) /* the row loses tiny values */
			want = in[0] < 0 ? exp(in[0]) / (1 + exp(in[0])) : want;
		if (oc->op == OP_fma && !t->fma)
			want = (double)(float)(in[0] * in[1]) + in[2];
		double got = load_f64(oc->out, d->out.data, i);
		bool good;
		if (oc->out == DT_f32)
			good = error_f32((float)got, want) <= tolerance(oc->op);
		else if (oc->out == DT_f64)
			good = got == want || (isnan(got) && isnan(want));
		else { /* computed in f32, rounded once more */
			double low = float_round(oc->out, (double)(float)want * (1 - 0x1p-21));
			double high = float_round(oc->out, (double)(float)want * (1 + 0x1p-21));
			good = got == low || got == high || (isnan(got) && isnan(want)) ||
			       got == float_round(oc->out, want);
		}
		if (!good)
			print_error("%s %s of %s: %a %a %a gives %a, not %a (%g ulp)\n", t->name,
				    op_info(oc->op)->name, dtype_info[oc->in].name, in[0], in[1],
				    in[2], got, want, error_f32((float)got, want));
		assert_true(good);
	}
}

static void check_int(const OpCase *oc, const Data *d, int64_t n, const char *target)
{
	for (int64_t i = 0; i < n; i++) {
		int64_t in[3] = { 0 }, want;
		double inf[3] = { 0 };
		const int64_t *p[3] = { &in[0], &in[1], &in[2] };
		const double *pf[3] = { &inf[0], &inf[1], &inf[2] };
		for (int k = 0; k < oc->n_in; k++) {
			if (dtype_is_float(oc->in))
				inf[k] = load_f64(oc->in, d->in[k].data, i);
			else
				in[k] = load_i64(oc->in, d->in[k].data, i);
		}
		if (dtype_is_float(oc->in))
			scalar_test(oc->op)(1, pf, &want);
		else
			scalar_int(oc->op)(1, p, &want);
		want = int_wrap(oc->out, want);
		if (oc->in == DT_bool && oc->op == OP_not)
			want = !in[0];
		int64_t got = load_i64(oc->out, d->out.data, i);
		if (got != want)
			print_error("%s %s of %s: %lld %lld (%a %a) gives %lld, not %lld\n", target,
				    op_info(oc->op)->name, dtype_info[oc->in].name,
				    (long long)in[0], (long long)in[1], inf[0], inf[1],
				    (long long)got, (long long)want);
		assert_int_equal(got, want);
	}
}

static void try_op(Context *c, const Target *t, const OpCase *oc, int64_t n, int lanes)
{
	Data d;
	for (int k = 0; k < 3; k++)
		d.in[k] = fenced((size_t)n * (size_t)dtype_info[oc->in].bytes);
	d.out = fenced((size_t)n * (size_t)dtype_info[oc->out].bytes);
	fill(oc, &d, n);
	run_op(c, t, oc, &d, n, lanes);
	if (dtype_is_float(oc->out))
		check_float(oc, &d, n, t);
	else
		check_int(oc, &d, n, t->name);
	for (int k = 0; k < 3; k++)
		fenced_free(&d.in[k]);
	fenced_free(&d.out);
}

static bool bitwise(Op op)
{
	return op == OP_and || op == OP_or || op == OP_xor || op == OP_not;
}

/* Is op defined for t (as emit allows), and worth a test? */
static bool defined(Op op, DType t)
{
	int flags = op_info(op)->flags;
	bool truth = t == DT_bool;
	if (!(flags & OF_ELEMENTWISE) || op == OP_select || op == OP_cast)
		return false;
	if (truth)
		return bitwise(op) || op == OP_eq || op == OP_ne;
	if (dtype_is_float(t))
		return !bitwise(op) && (t == DT_f32 || t == DT_f64 || op < OP_isnan) &&
		       !(t != DT_f32 && (op == OP_fma || op == OP_pow));
	return scalar_int(op) && !(scalar_float(op) && (flags & OF_COSTLY) && op != OP_pow) &&
	       op != OP_sqrt;
}

static void each_operator(DType t, int64_t n)
{
	Context *c = context_create();
	Target target[3];
	int n_target = host_targets(target);
	for (int k = 0; k < n_target; k++)
		for (int op = 0; op < OP_COUNT; op++) {
			if (!(op_info((Op)op)->levels & LEVEL_K) || !defined((Op)op, t))
				continue;
			bool test = op_info((Op)op)->flags & OF_BOOL;
			OpCase oc = { (Op)op, t, test ? DT_bool : t, op_info((Op)op)->max_in,
				      NULL };
			int lanes = target_lanes(&target[k],
						 dtype_info[t].bytes < 4 ? 4 : dtype_info[t].bytes);
			try_op(c, &target[k], &oc, n, lanes);
			if (k == n_target - 1)
				try_op(c, &target[k], &oc, n < 200 ? n : 200, 1);
		}
	context_destroy(c);
}

static void operators_f32(void **state)
{
	(void)state;
	each_operator(DT_f32, 2309);
}

static void operators_f64(void **state)
{
	(void)state;
	each_operator(DT_f64, 2309);
}

static void operators_narrow_floats(void **state)
{
	(void)state;
	each_operator(DT_f16, 2309);
	each_operator(DT_bf16, 2309);
}

static void operators_integers(void **state)
{
	(void)state;
	each_operator(DT_i64, 437);
	each_operator(DT_i32, 437);
	each_operator(DT_i16, 437);
	each_operator(DT_i8, 437);
	each_operator(DT_u8, 437);
	each_operator(DT_bool, 77);
}

/* --- cast ------------------------------------------------------------------------------------ */

static bool cast_agrees(DType from, DType to, const Data *d, int64_t i)
{
	if (dtype_is_float(from)) {
		double x = load_f64(from, d->in[0].data, i);
		if (!dtype_is_float(to))
			return load_i64(to, d->out.data, i) == float_to_int(to, x);
		double got = load_f64(to, d->out.data, i), want = float_round(to, x);
		if (to == DT_f16 || to == DT_bf16) /* by way of f32 */
			want = float_round(to, (double)(float)x);
		return got == want || (isnan(got) && isnan(want));
	}
	int64_t x = load_i64(from, d->in[0].data, i);
	if (!dtype_is_float(to))
		return load_i64(to, d->out.data, i) == int_wrap(to, x);
	double got = load_f64(to, d->out.data, i);
	double want = to == DT_f32 ? (double)(float)x : (double)x;
	if (to == DT_f16 || to == DT_bf16)
		want = float_round(to, (double)(float)x);
	return got == want;
}

static void try_cast(Context *c, const Target *t, DType from, DType to)
{
	Attr_cast attr = { .to = to };
	OpCase oc = { OP_cast, from, to, 1, attr_intern(c, ATTR_cast_RECORD, &attr) };
	int64_t n = 53;
	Data d = { .out = fenced((size_t)n * 8) };
	d.in[0] = fenced((size_t)n * (size_t)dtype_info[from].bytes);
	fenced_free(&d.out);
	d.out = fenced((size_t)n * (size_t)dtype_info[to].bytes);
	fill(&oc, &d, n);
	run_op(c, t, &oc, &d, n, target_lanes(t, 4));
	for (int64_t i = 0; i < n; i++) {
		bool good = cast_agrees(from, to, &d, i);
		if (!good)
			print_error("%s cast %s to %s, element %d: %a gives %a\n", t->name,
				    dtype_info[from].name, dtype_info[to].name, (int)i,
				    load_f64(from, d.in[0].data, i), load_f64(to, d.out.data, i));
		assert_true(good);
	}
	fenced_free(&d.in[0]);
	fenced_free(&d.out);
}

static void casts(void **state)
{
	(void)state;
	Context *c = context_create();
	Target target[3];
	int n_target = host_targets(target);
	for (int k = 0; k < n_target; k++)
		for (int from = 0; from < DT_COUNT; from++)
			for (int to = 0; to < DT_COUNT; to++)
				if (from != to)
					try_cast(c, &target[k], (DType)from, (DType)to);
	context_destroy(c);
}

/* --- elementary functions, dense ------------------------------------------------------------- */

/* Every 997th float, so all exponents and signs with a few thousand mantissas each. */
static void dense(Context *c, const Target *t, Op op)
{
	enum { STEP = 997, BLOCK = 1 << 16 };
	OpCase oc = { op, DT_f32, DT_f32, 1, NULL };
	float *in = aligned_alloc(64, BLOCK * sizeof *in);
	float *out = aligned_alloc(64, BLOCK * sizeof *out);
	void *arg[2] = { in, out };
	const Kernel *k = op_kernel(c, t, &oc, BLOCK, target_lanes(t, 4));
	JitProgram *j = jit_kernel(c, k, t);
	double worst = 0, worst_at = 0;
	for (uint64_t next = 0; next < (uint64_t)1 << 32;) {
		for (int i = 0; i < BLOCK; i++, next += STEP) {
			uint32_t bits = (uint32_t)next;
			memcpy(&in[i], &bits, 4);
		}
		call_kernel(jit_symbol(j, k->name), k, arg, 0, 1);
		for (int i = 0; i < BLOCK; i++) {
			double x = (double)in[i], want;
			const double *p[3] = { &x, &x, &x };
			scalar_float(op)(1, p, &want);
			if (op == OP_sigmoid && x < 0)
				want = exp(x) / (1 + exp(x));
			double error = error_f32(out[i], want);
			if (error > worst) {
				worst = error;
				worst_at = x;
			}
		}
	}
	print_message("%s %s: %.2f ulp at %a\n", t->name, op_info(op)->name, worst, worst_at);
	assert_true(worst <= function_ulps(op));
	jit_destroy(j);
	free(in);
	free(out);
}

static void accuracy(void **state)
{
	(void)state;
	static const Op row[] = { OP_exp,     OP_log, OP_expm1, OP_log1p, OP_tanh,
				  OP_sigmoid, OP_erf, OP_sin,   OP_cos };
	Context *c = context_create();
	Target target[3];
	int n_target = host_targets(target);
	for (int k = 0; k < n_target; k++)
		for (size_t i = 0; i < sizeof row / sizeof *row; i++)
			dense(c, &target[k], row[i]);
	context_destroy(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(operators_f32),
		cmocka_unit_test(operators_f64),
		cmocka_unit_test(operators_narrow_floats),
		cmocka_unit_test(operators_integers),
		cmocka_unit_test(casts),
		cmocka_unit_test(accuracy),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
