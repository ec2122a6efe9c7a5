/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The reference with its error bound: a running error analysis over the graph, in double precision.
 *
 * Every value v has an error e: compiled code, whichever way it computes, comes to something
 * between v - e and v + e before the result is rounded to its type. Inputs have none. Elementwise
 * operators are evaluated at the corners of their operands' intervals, so that steps (comparisons,
 * floor) need no rules of their own; data movement moves errors; a sum adds what docs/numbers.md
 * admits of the sum of its absolute terms, unless all terms are whole numbers and every partial sum
 * is exact. After each operator the interval is widened to what rounding to the data type makes of
 * its ends; a result's is not, since it is rounded when it is judged. Where nothing is known (a
 * comparison that may go either way), the error is infinite and the element is not compared.
 *
 * The graph is the expanded one, in which 16-bit floats are computed with in f32 (ir/wide.h). Its
 * casts to them are where results are rounded; a loose one may be left out. */
#include "tests/conform/bound.h"
#include "tests/ulps.h"
#include "ir/ops/util.h"
#include "ir/ops/winograd.h"
#include "ir/scalar.h"
#include <math.h>
#include <string.h>

/* Of two factors rounded to bf16, relative: 2^-8 each, and both. */
#define BF16_PRODUCT (0x1p-7 + 0x1p-16)

typedef struct Bounder {
	Arena *arena;
	bool exact, fast, bf16;
	const EvalTensor *param; /* of a BoundOptions */
	Bounded *of;             /* by node id */
	EvalTensor *raw;         /* by node id: the errors before the ends are rounded */
	bool *never_negative;    /* by node id: in exact arithmetic, whatever the inputs are */
} Bounder;

/* --- tensors ---------------------------------------------------------------------------------- */

static EvalTensor zeros(Bounder *z, const Type *t)
{
	return eval_tensor(z->arena, t);
}

static bool unknown(const EvalTensor *error, int64_t i)
{
	return error->f ? !(error->f[i] < INFINITY) : error->i[i] != 0;
}

static void make_unknown(EvalTensor *error, int64_t i)
{
	if (error->f)
		error->f[i] = INFINITY;
	else
		error->i[i] = 1;
}

static bool has_error(const EvalTensor *error)
{
	for (int64_t i = 0; i < error->type->count; i++)
		if (error->f ? error->f[i] != 0 : error->i[i] != 0)
			return true;
	return false;
}

/* |x| + e of floats. Infinities and NaN count as 0: what they make of a sum the reference says, and
 * the rest tells whether it may overflow besides. */
static EvalTensor magnitude(Bounder *z, const EvalTensor *x, const EvalTensor *e)
{
	EvalTensor m = zeros(z, x->type);
	for (int64_t i = 0; i < x->type->count; i++)
		m.f[i] = (isfinite(x->f[i]) ? fabs(x->f[i]) : 0) + (e ? e->f[i] : 0);
	return m;
}

static EvalTensor apply(Bounder *z, const Node *n, const EvalTensor *const *in)
{
	EvalTensor out = zeros(z, n->type);
	eval_node(z->arena, n, in, &out);
	return out;
}

static EvalTensor apply1(Bounder *z, const Node *n, const EvalTensor *x)
{
	const EvalTensor *in[1] = { x };
	return apply(z, n, in);
}

/* --- precision of types ----------------------------------------------------------------------- */

/* Digits of the type that t is computed in. */
static int digits_of(DType t)
{
	return t == DT_f64 ? 53 : 24;
}

/* One unit in the last place of v as the machine computes the type. */
static double machine_ulp(DType t, double v)
{
	int exponent, digits = digits_of(t), least = t == DT_f64 ? -1074 : -149;
	frexp(v, &exponent);
	exponent -= digits;
	return ldexp(1, exponent < least ? least : exponent);
}

/* What a sum of so many terms may lose, relative to the sum of their absolute values, in whatever
 * order they are added: half a unit in the last place for each addition and each product, and a few
 * for factors that were folded in (docs/numbers.md). The reference itself rounds to f64. */
static double sum_loss(DType t, int64_t terms)
{
	enum { FOLDED = 4 };
	double n = (double)(terms + FOLDED) * (t == DT_f64 ? 2 : 1);
	return n * ldexp(1, -digits_of(t));
}

/* --- elementwise ------------------------------------------------------------------------------ */

static double distance(double a, double b)
{
	if (isnan(a) || isnan(b))
		return isnan(a) && isnan(b) ? 0 : INFINITY;
	return a == b ? 0 : fabs(a - b);
}

/* Operand x, the value of node n, at one end of its interval; what has no ends stays. Sums of
 * squares are computed so that none is below 0. */
static EvalTensor corner(Bounder *z, const Node *n, const Bounded *x, bool high)
{
	EvalTensor c = zeros(z, x->value.type);
	bool flips = c.type->dtype == DT_bool, floor_0 = z->never_negative[n->id];
	for (int64_t i = 0; i < c.type->count; i++)
		if (c.f) {
			double v = x->value.f[i] + (high ? x->error.f[i] : -x->error.f[i]);
			c.f[i] = floor_0 && v < 0 ? 0 : v;
		} else
			c.i[i] = flips && high && x->error.i[i] ? !x->value.i[i] : x->value.i[i];
	return c;
}

static void widen_to(Bounded *out, const EvalTensor *v)
{
	for (int64_t i = 0; i < v->type->count; i++)
		if (v->f) {
			double d = distance(v->f[i], out->value.f[i]);
			out->error.f[i] = fmax(out->error.f[i], d);
		} else {
			out->error.i[i] |= v->i[i] != out->value.i[i];
		}
}

/* Whole numbers have no corners: of an unknown one nothing is known. */
static void spread_unknown(Bounded *out, const Bounded *x)
{
	for (int64_t i = 0; i < x->value.type->count; i++)
		if (x->value.type->dtype != DT_bool && unknown(&x->error, i))
			make_unknown(&out->error, i);
}

/* x / c becomes x (1 / c), x + a + b becomes x + (a + b): a few roundings of the operands' size in
 * sums, of the result's in products. */
static void add_fast_rounding(const Node *n, const Bounded *const *x, Bounded *out)
{
	bool sum = n->op == OP_add || n->op == OP_sub;
	if (!sum && n->op != OP_mul && n->op != OP_div)
		return;
	for (int64_t i = 0; i < n->type->count; i++) {
		double size = fabs(out->value.f[i]);
		if (sum)
			size = fmax(size, fmax(fabs(x[0]->value.f[i]), fabs(x[1]->value.f[i])));
		if (isfinite(size))
			out->error.f[i] += 2 * machine_ulp(n->type->dtype, size);
	}
}

/* A remainder falls from |y| to 0 somewhere between the ends, where they are not in one step. */
static void bound_steps(const Node *n, const Bounded *const *x, Bounded *out)
{
	for (int64_t i = 0; i < n->type->count; i++) {
		double v = x[0]->value.f[i], w = x[1]->value.f[i], e = x[0]->error.f[i],
		       d = x[1]->error.f[i], size = fabs(w) + d;
		double least = INFINITY, most = -INFINITY;
		for (int ends = 0; ends < 4; ends++) {
			double q = (ends & 1 ? v + e : v - e) / (ends & 2 ? w + d : w - d);
			least = fmin(least, floor(q));
			most = fmax(most, floor(q));
		}
		if (!(least == most) || fabs(w) <= d)
			out->error.f[i] = fmax(out->error.f[i], 2 * size);
	}
}

static void bound_each(Bounder *z, const Node *n, const Bounded *const *x, Bounded *out)
{
	const EvalTensor *in[3];
	int loose = 0;
	for (int k = 0; k < n->n_in; k++)
		loose |= has_error(&x[k]->error) << k;
	bool square = n->n_in == 2 && n->in[0] == n->in[1]; /* both at the same end */
	for (int ends = 0; loose && ends < 1 << n->n_in; ends += square ? 3 : 1) {
		EvalTensor c[3];
		for (int k = 0; k < n->n_in; k++) {
			c[k] = corner(z, n->in[k], x[k], ends >> k & 1);
			in[k] = &c[k];
		}
		EvalTensor v = apply(z, n, in);
		widen_to(out, &v);
	}
	for (int k = 0; k < n->n_in; k++)
		if (n->op != OP_select || k == 0)
			spread_unknown(out, x[k]);
	/* Between the ends of a wide interval these have their extremes; their slope is 1 at most. */
	if (n->op == OP_sin || n->op == OP_cos)
		for (int64_t i = 0; i < n->type->count; i++)
			out->error.f[i] = fmax(out->error.f[i], fmin(x[0]->error.f[i], 2));
	if (loose && (n->op == OP_mod || n->op == OP_fmod) && out->value.f)
		bound_steps(n, x, out);
	if (z->fast && dtype_is_float(n->type->dtype))
		add_fast_rounding(n, x, out);
	double ulps = function_ulps(n->op);
	if (loose && n->type->dtype == DT_f64) /* the corners are rounded, too */
		ulps += 1;
	for (int64_t i = 0; out->value.f && ulps && i < n->type->count; i++)
		if (isfinite(out->value.f[i]))
			out->error.f[i] += ulps * machine_ulp(n->type->dtype, out->value.f[i]);
}

static bool is_leaf_not_negative(const EvalTensor *x)
{
	for (int64_t i = 0; x->f && i < x->type->count; i++)
		if (!(x->f[i] >= 0))
			return false;
	return x->f != NULL;
}

/* Rounding does not change it: sums and products of what is not negative round to no less than 0.
 */
static bool never_negative(const Bounder *z, const Node *n, const Bounded *out)
{
	bool all = n->n_in > 0;
	for (int k = 0; k < n->n_in; k++)
		all = all && n->in[k] && z->never_negative[n->in[k]->id];
	switch ((int)n->op) {
	case OP_abs:
	case OP_exp:
	case OP_sqrt:
	case OP_relu:
	case OP_sigmoid: return true;
	case OP_mul:
		if (n->in[0] == n->in[1])
			return true;
		return all;
	case OP_add:
	case OP_div:
	case OP_min:
	case OP_max:
	case OP_reduce_sum:
	case OP_reduce_prod:
	case OP_reduce_max:
	case OP_reduce_min:
	case OP_cumsum:
	case OP_window_sum:
	case OP_broadcast:
	case OP_reshape:
	case OP_transpose:
	case OP_slice:
	case OP_concat:
	case OP_cast: return all && dtype_is_float(n->type->dtype);
	}
	return (op_info(n->op)->flags & OF_LEAF) && is_leaf_not_negative(&out->value);
}

/* select: of the sides only the chosen one counts, unless the choice is open. */
static void bound_select(Bounder *z, const Node *n, const Bounded *const *x, Bounded *out)
{
	(void)z;
	for (int64_t i = 0; i < n->type->count; i++) {
		const Bounded *side = x[x[0]->value.i[i] ? 1 : 2],
			      *other = x[x[0]->value.i[i] ? 2 : 1];
		bool open = unknown(&x[0]->error, i);
		if (!out->value.f) {
			bool differ = side->value.i[i] != other->value.i[i] || other->error.i[i];
			out->error.i[i] = side->error.i[i] | (open && differ);
			continue;
		}
		double e = side->error.f[i];
		if (open)
			e = fmax(e,
				 distance(side->value.f[i], other->value.f[i]) + other->error.f[i]);
		out->error.f[i] = e;
	}
}

/* --- data movement ---------------------------------------------------------------------------- */

static bool is_index(Op op, int k)
{
	return k == 1 && (op == OP_gather || op == OP_gather_elements || op == OP_gather_nd ||
			  op == OP_scatter_nd);
}

static bool moves(Op op)
{
	return op == OP_broadcast || op == OP_reshape || op == OP_transpose || op == OP_slice ||
	       op == OP_pad || op == OP_concat || op == OP_gather || op == OP_gather_elements ||
	       op == OP_gather_nd || op == OP_scatter_nd;
}

static void all_unknown(Bounded *out)
{
	for (int64_t i = 0; i < out->error.type->count; i++)
		make_unknown(&out->error, i);
}

static void bound_move(Bounder *z, const Node *n, const Bounded *const *x, Bounded *out)
{
	const EvalTensor **in = ARENA_ARRAY(z->arena, const EvalTensor *, n->n_in + 1);
	bool lost = false;
	for (int k = 0; k < n->n_in; k++) {
		in[k] = is_index(n->op, k) ? &x[k]->value : &x[k]->error;
		lost = lost || (is_index(n->op, k) && has_error(&x[k]->error));
	}
	out->error = apply(z, n, in);
	if (lost)
		all_unknown(out);
}

/* --- sums, products, extremes ----------------------------------------------------------------- */

/* The least k, up to 12, for which all x 2^k are whole; -1: none. */
static int granularity(const EvalTensor *x)
{
	int k = 0;
	for (int64_t i = 0; i < x->type->count; i++) {
		while (k <= 12 && ldexp(x->f[i], k) != floor(ldexp(x->f[i], k)))
			k++;
		if (k > 12 || !isfinite(x->f[i]))
			return -1;
	}
	return k;
}

static double largest(const EvalTensor *x)
{
	double most = 0;
	for (int64_t i = 0; i < x->type->count; i++)
		most = x->f[i] > most || isnan(x->f[i]) ? x->f[i] : most;
	return most;
}

/* Are all partial sums exact, in whatever order? */
static bool sums_exactly(Bounder *z, const Node *n, const Bounded *const *x, int n_x,
			 const EvalTensor *terms)
{
	int digits = 0;
	for (int k = 0; k < n_x; k++) {
		int g = granularity(&x[k]->value);
		if (g < 0 || has_error(&x[k]->error))
			return false;
		digits += g;
	}
	return z->exact && ldexp(largest(terms), digits) <= ldexp(1, digits_of(n->type->dtype));
}

/* Result i, whose finite terms come to `terms` in all. NaN comes of a term and stays; an infinity
 * stays unless the others overflow, and if they can, or of a factor nothing is known (times 0 it
 * may be NaN), nothing is known. */
static void judge_extremes(const Node *n, int64_t i, double terms, Bounded *out)
{
	double v = out->value.f[i], most = n->type->dtype == DT_f64 ? 0x1p1023 : 0x1p127;
	if (n->n_in > 1 && !(out->error.f[i] < INFINITY))
		make_unknown(&out->error, i);
	else if (isnan(v) || (isinf(v) && terms < most))
		out->error.f[i] = 0;
	else if (!(terms < most))
		make_unknown(&out->error, i);
}

/* Adds what is lost when `terms` (sums of absolute values) are summed. */
static void add_loss(const Node *n, const EvalTensor *terms, int64_t n_terms, Bounded *out)
{
	double loss = sum_loss(n->type->dtype, n_terms);
	for (int64_t i = 0; i < n->type->count; i++) {
		out->error.f[i] += loss * terms->f[i];
		judge_extremes(n, i, terms->f[i], out);
	}
}

/* The terms of each sum. */
static int64_t summed(const Node *n)
{
	const Type *x = n->in[0]->type;
	if (n->op == OP_cumsum)
		return x->dim[axis_norm(ATTR_OF(n, cumsum)->axis, x->rank)];
	if (n->op == OP_window_sum)
		return ATTR_OF(n, window)->kernel.v[0] * ATTR_OF(n, window)->kernel.v[1];
	return n->type->count ? x->count / n->type->count : 0;
}

static void bound_sum(Bounder *z, const Node *n, const Bounded *const *x, Bounded *out)
{
	EvalTensor m = magnitude(z, &x[0]->value, NULL), terms = apply1(z, n, &m);
	int64_t each = summed(n);
	out->error = apply1(z, n, &x[0]->error);
	if (!sums_exactly(z, n, x, 1, &terms))
		add_loss(n, &terms, each, out);
}

/* A scatter that adds: errors add up as values do, and an element is a sum of absolute terms. */
static void bound_scatter(Bounder *z, const Node *n, const Bounded *const *x, Bounded *out)
{
	const Bounded *summed[2] = { x[0], x[2] };
	EvalTensor m[2];
	bound_move(z, n, x, out);
	if (!ATTR_OF(n, scatter)->add || !out->value.f)
		return;
	for (int k = 0; k < 2; k++)
		m[k] = magnitude(z, &summed[k]->value, NULL);
	const EvalTensor *in[3] = { &m[0], &x[1]->value, &m[1] };
	EvalTensor terms = apply(z, n, in);
	if (!sums_exactly(z, n, summed, 2, &terms))
		add_loss(n, &terms, n->in[2]->type->count, out);
}

static void bound_prod(Bounder *z, const Node *n, const Bounded *const *x, Bounded *out)
{
	EvalTensor m = magnitude(z, &x[0]->value, NULL), low = magnitude(z, &x[0]->value, NULL);
	EvalTensor wide = magnitude(z, &x[0]->value, &x[0]->error);
	EvalTensor plain = apply1(z, n, &m), most = apply1(z, n, &wide);
	int64_t each = n->type->count ? x[0]->value.type->count / n->type->count : 0;
	double least = n->type->dtype == DT_f64 ? 0x1p-1021 : 0x1p-125;
	for (int64_t i = 0; i < m.type->count; i++) {
		low.f[i] = m.f[i] == 0 ? 1 : fmin(m.f[i], 1);
		m.f[i] = fmax(m.f[i], 1);
	}
	EvalTensor partial = apply1(z, n, &m), smallest = apply1(z, n, &low);
	if (sums_exactly(z, n, x, 1, &partial) && granularity(&x[0]->value) == 0)
		return;
	for (int64_t i = 0; i < n->type->count; i++)
		out->error.f[i] = most.f[i] - plain.f[i];
	add_loss(n, &plain, each, out);
	for (int64_t i = 0; i < n->type->count; i++) /* by the way an infinity, or 0 */
		if (!isnan(out->value.f[i]) && (!(partial.f[i] < 0x1p127) || smallest.f[i] < least))
			make_unknown(&out->error, i);
}

/* An extreme moves by no more than its elements do. */
static void bound_extreme(Bounder *z, const Node *n, const Bounded *const *x, Bounded *out)
{
	Node *largest_error = arena_copy(z->arena, n, sizeof(Node) + sizeof(Node *));
	if (n->op == OP_reduce_min)
		largest_error->op = OP_reduce_max;
	out->error = apply1(z, largest_error, &x[0]->error);
	for (int64_t i = 0; i < n->type->count; i++)
		out->error.f[i] = fmax(out->error.f[i], 0); /* of nothing: minus infinity */
}

static int64_t contracted(const Node *n)
{
	const Type *x = n->in[0]->type, *w = n->in[1]->type;
	int64_t out = n->type->dim[n->type->rank - 1];
	if (n->op == OP_matmul)
		return x->dim[x->rank - (ATTR_OF(n, matmul)->trans_x ? 2 : 1)];
	if (n->op == OP_conv_dw)
		out = ATTR_OF(n, conv)->kernel.v[2];
	return w->count / (out ? out : 1);
}

/* A factor that may be rounded to bf16, exactly so or not at all. */
static Bounded round_factor(Bounder *z, const Bounded *x)
{
	Bounded r = { x->value, zeros(z, x->error.type) };
	for (int64_t i = 0; i < x->value.type->count; i++) {
		double v = x->value.f[i], e = x->error.f[i];
		r.error.f[i] =
			e == 0 ? distance(float_round(DT_bf16, v), v) : e + ldexp(fabs(v) + e, -8);
	}
	return r;
}

/* Beyond the border is nothing, or zeros that are multiplied: of weights (of conv_dw: gradients) that
 * are not finite either comes out, and of results that may meet one nothing is known. */
static void forget_borders(const Node *n, const EvalTensor *w, Bounded *out)
{
	const Attr_conv *a = n->op == OP_matmul ? NULL : ATTR_OF(n, conv);
	bool border = false, finite = true;
	for (int i = 0; a && i < a->pad.n; i++)
		border = border || a->pad.v[i] != 0;
	for (int64_t k = 0; border && k < w->type->count; k++)
		finite = finite && isfinite(w->f[k]);
	if (!finite)
		all_unknown(out);
}

/* Bilinear: |x| |w| gives the terms, and the errors' part is what (|x| + ex) (|w| + ew) has more.
 */
static void bound_contract(Bounder *z, const Node *n, const Bounded *const *x, Bounded *out)
{
	EvalTensor m[4];
	Bounded rounded[2];
	const Bounded *narrow[2] = { &rounded[0], &rounded[1] };
	if (z->bf16 && n->type->dtype == DT_f32) {
		for (int k = 0; k < 2; k++)
			rounded[k] = round_factor(z, x[k]);
		x = narrow;
	}
	for (int k = 0; k < 2; k++) {
		m[k] = magnitude(z, &x[k]->value, NULL);
		m[k + 2] = magnitude(z, &x[k]->value, &x[k]->error);
	}
	const EvalTensor *plain[2] = { &m[0], &m[1] }, *wide[2] = { &m[2], &m[3] };
	EvalTensor terms = apply(z, n, plain), most = apply(z, n, wide);
	for (int64_t i = 0; i < n->type->count; i++)
		out->error.f[i] = most.f[i] - terms.f[i];
	if (!sums_exactly(z, n, x, 2, &terms))
		add_loss(n, &terms, contracted(n), out);
	forget_borders(n, &x[1]->value, out);
}

/* |m| |in| |m|^T for an m of rows x WINO_IN */
static void wino_magnitude(int rows, const double (*m)[WINO_IN], const double *in, double *out)
{
	for (int i = 0; i < rows; i++)
		for (int j = 0; j < rows; j++) {
			double sum = 0;
			for (int k = 0; k < WINO_POINTS; k++)
				sum += fabs(m[i][k / WINO_IN] * m[j][k % WINO_IN]) * in[k];
			out[i * rows + j] = sum;
		}
}

/* Point p of the weights, each term by its size. */
static double wino_weight_size(bool plain, const EvalTensor *w, int p, int64_t c, int64_t o)
{
	int64_t panel = w->type->dim[3], at[4] = { o / panel, p, c, o % panel };
	if (!plain)
		return fabs(w->f[flat_index(w->type, at)]);
	double sum = 0;
	for (int q = 0; q < 9; q++) {
		int64_t tap[4] = { q / 3, q % 3, c, o };
		sum += fabs(wino_weight[p / WINO_IN][q / 3] * wino_weight[p % WINO_IN][q % 3] *
			    w->f[flat_index(w->type, tap)]);
	}
	return sum;
}

/* v[channel][point]: what the products of a tile multiply, each term by its size. */
static void wino_inputs(const EvalTensor *x, const int64_t *tile, double *v)
{
	for (int64_t k = 0; k < x->type->dim[3]; k++) {
		double d[WINO_POINTS];
		for (int p = 0; p < WINO_POINTS; p++) {
			int64_t at[4] = { tile[0], tile[1] + p / WINO_IN, tile[2] + p % WINO_IN,
					  k };
			d[p] = fabs(x->f[flat_index(x->type, at)]);
		}
		wino_magnitude(WINO_IN, wino_input, d, v + k * WINO_POINTS);
	}
}

/* The bound of one tile's results: the terms of all channels, which grow through both transforms.
 */
static void bound_wino_tile(const Node *n, const int64_t *tile, const double *v, const double *u,
			    double loss, Bounded *out)
{
	const Type *t = n->type;
	int64_t channels = n->in[0]->type->dim[3];
	for (int64_t o = 0; o < t->dim[3]; o++) {
		double point[WINO_POINTS] = { 0 }, terms[WINO_TILE * WINO_TILE];
		for (int64_t k = 0; k < channels; k++)
			for (int p = 0; p < WINO_POINTS; p++)
				point[p] += v[k * WINO_POINTS + p] *
					    u[(p * channels + k) * t->dim[3] + o];
		wino_magnitude(WINO_TILE, wino_output, point, terms);
		for (int i = 0; i < WINO_TILE * WINO_TILE; i++) {
			int64_t at[4] = { tile[0], tile[1] + i / WINO_TILE, tile[2] + i % WINO_TILE,
					  o };
			if (at[1] < t->dim[1] && at[2] < t->dim[2])
				out->error.f[flat_index(t, at)] += loss * terms[i];
		}
	}
}

static void bound_winograd(Bounder *z, const Node *n, const Bounded *const *x, Bounded *out)
{
	const Type *t = n->type;
	bool plain = ATTR_OF(n, winograd)->plain;
	int64_t c = n->in[1]->type->dim[2], n_o = t->dim[3], tile[3];
	double loss = sum_loss(t->dtype, c + (plain ? 3 : 2) * WINO_POINTS);
	double *u = ARENA_ARRAY(z->arena, double, WINO_POINTS *c *n_o + 1);
	double *v = ARENA_ARRAY(z->arena, double, WINO_POINTS *c + 1);
	for (int64_t i = 0; i < WINO_POINTS * c * n_o; i++)
		u[i] = wino_weight_size(plain, &x[1]->value, (int)(i / n_o / c), i / n_o % c,
					i % n_o);
	for (int64_t i = 0; i < t->count && has_error(&x[0]->error); i++)
		out->error.f[i] = INFINITY;
	for (tile[0] = 0; tile[0] < t->dim[0]; tile[0]++)
		for (tile[1] = 0; tile[1] < t->dim[1]; tile[1] += WINO_TILE)
			for (tile[2] = 0; tile[2] < t->dim[2]; tile[2] += WINO_TILE) {
				wino_inputs(&x[0]->value, tile, v);
				bound_wino_tile(n, tile, v, u, loss, out);
			}
}

/* What point p of a tile is made of, each term by its size. */
static double wino_tile_terms(const Node *n, const EvalTensor *x, int64_t tile, int64_t c, int p)
{
	bool gradient = ATTR_OF(n, winograd_tiles)->gradient;
	int size = gradient ? WINO_TILE : WINO_IN;
	const int64_t *d = x->type->dim, border = gradient ? 0 : 2;
	int64_t th = (d[1] - border) / WINO_TILE, tw = (d[2] - border) / WINO_TILE;
	double sum = 0;
	for (int i = 0; i < size * size; i++) {
		int64_t at[4] = { tile / tw / th, tile / tw % th * WINO_TILE + i / size,
				  tile % tw * WINO_TILE + i % size, c };
		double down = gradient ? wino_output[i / size][p / WINO_IN]
				       : wino_input[p / WINO_IN][i / size];
		double across = gradient ? wino_output[i % size][p % WINO_IN]
					 : wino_input[p % WINO_IN][i % size];
		sum += fabs(down * across * x->f[flat_index(x->type, at)]);
	}
	return sum;
}

static void bound_winograd_tiles(Bounder *z, const Node *n, const Bounded *const *x, Bounded *out)
{
	const Type *t = n->type;
	double loss = sum_loss(t->dtype, WINO_POINTS);
	(void)z;
	for (int64_t i = 0; i < t->count; i++) {
		int64_t c = i % t->dim[2], tile = i / t->dim[2] % t->dim[1];
		int p = (int)(i / t->dim[2] / t->dim[1]);
		out->error.f[i] = loss * wino_tile_terms(n, &x[0]->value, tile, c, p);
		if (has_error(&x[0]->error))
			out->error.f[i] += wino_tile_terms(n, &x[0]->error, tile, c, p);
	}
}

/* Scores differ by E at most, so weights by a factor of e^2E. With factors rounded to bf16, by 2^-8
 * of each, scores are made of such, and results of such weights and values. */
static void bound_attention(Bounder *z, const Node *n, const Bounded *const *x, Bounded *out)
{
	const Attr_attention *a = ATTR_OF(n, attention);
	const Type *q = n->in[0]->type;
	int64_t d = q->dim[3];
	double scale = fabs(a->scale != 0 ? a->scale : 1 / sqrt((double)(d ? d : 1)));
	double qs = 0, ks = 0, qe = 0, ke = 0, me = 0;
	EvalTensor m[2] = { magnitude(z, &x[0]->value, NULL), magnitude(z, &x[1]->value, NULL) };
	qs = largest(&m[0]);
	ks = largest(&m[1]);
	qe = largest(&x[0]->error);
	ke = largest(&x[1]->error);
	if (n->n_in > 3 && x[3]->error.f)
		me = largest(&x[3]->error);
	else if (n->n_in > 3 && has_error(&x[3]->error))
		me = INFINITY;
	bool narrow = z->bf16 && q->dtype == DT_f32;
	double loss = sum_loss(q->dtype, d) + (narrow ? BF16_PRODUCT : 0);
	double e = scale * (double)d * (qs * ke + ks * qe + qe * ke + loss * qs * ks) + me;
	EvalTensor v = magnitude(z, &x[2]->value, NULL);
	const EvalTensor *in[4] = { &x[0]->value, &x[1]->value, &v, NULL };
	if (n->n_in > 3)
		in[3] = &x[3]->value;
	EvalTensor terms = apply(z, n, in);
	in[2] = &x[2]->error;
	EvalTensor moved = apply(z, n, in);
	double factor = expm1(2 * e) + 4 * sum_loss(q->dtype, n->in[1]->type->dim[2]);
	factor += narrow ? (1 + factor) * BF16_PRODUCT : 0;
	for (int64_t i = 0; i < n->type->count; i++) {
		out->error.f[i] =
			isnan(terms.f[i]) ? 0 : terms.f[i] * factor + moved.f[i] * (1 + factor);
		/* whether a small weight is 0, which an infinity makes NaN, is open; weights are
		 * divided by their sum, at most the number of keys, at the end */
		double most = q->dtype == DT_f64 ? 0x1p1023 : 0x1p127;
		bool overflows = terms.f[i] * (double)n->in[1]->type->dim[2] >= most;
		if (isinf(out->value.f[i]) || (overflows && !isnan(out->value.f[i])))
			make_unknown(&out->error, i);
	}
}

/* Indices by order: unknown when any two elements might change places. */
static void bound_order(Bounder *z, const Node *n, const Bounded *const *x, Bounded *out)
{
	const EvalTensor *v = &x[0]->value, *e = &x[0]->error;
	(void)z, (void)n;
	if (!has_error(e))
		return;
	for (int64_t i = 0; i < v->type->count; i++)
		for (int64_t j = 0; j < i; j++)
			if (!v->f || !(fabs(v->f[i] - v->f[j]) > e->f[i] + e->f[j])) {
				all_unknown(out);
				return;
			}
}

static void bound_whole(Bounder *z, const Node *n, const Bounded *const *x, Bounded *out)
{
	(void)z;
	for (int k = 0; k < n->n_in; k++)
		if (x[k] && has_error(&x[k]->error))
			all_unknown(out);
}

/* --- a graph ---------------------------------------------------------------------------------- */

typedef void BoundFn(Bounder *z, const Node *n, const Bounded *const *x, Bounded *out);

static BoundFn *bound_of(const Node *n)
{
	if (n->op == OP_select)
		return bound_select;
	if (op_info(n->op)->flags & OF_ELEMENTWISE)
		return bound_each;
	if (n->op == OP_scatter_nd)
		return bound_scatter;
	if (moves(n->op))
		return bound_move;
	if (n->op == OP_argmax || n->op == OP_argmin || n->op == OP_topk_index)
		return bound_order;
	if (!dtype_is_float(n->type->dtype))
		return bound_whole;
	switch ((int)n->op) {
	case OP_reduce_sum:
	case OP_cumsum:
	case OP_window_sum: return bound_sum;
	case OP_reduce_prod: return bound_prod;
	case OP_reduce_max:
	case OP_reduce_min:
	case OP_window_max: return bound_extreme;
	case OP_matmul:
	case OP_conv:
	case OP_conv_dw: return bound_contract;
	case OP_winograd: return bound_winograd;
	case OP_winograd_tiles: return bound_winograd_tiles;
	case OP_attention: return bound_attention;
	}
	return NULL;
}

/* A product of f64 is rounded here, but not where it is fused with an addition. */
static void add_hidden_rounding(Bounded *b)
{
	for (int64_t i = 0; i < b->value.type->count; i++)
		if (isfinite(b->value.f[i]))
			b->error.f[i] += machine_ulp(DT_f64, b->value.f[i]);
}

static void round_ends(Bounded *b)
{
	DType t = b->value.type->dtype;
	for (int64_t i = 0; b->value.f && i < b->value.type->count; i++) {
		double v = b->value.f[i], e = b->error.f[i];
		if (!(e < INFINITY)) {
			b->error.f[i] = INFINITY;
		} else if (isfinite(v)) {
			e = fmax(e, distance(float_round(t, v + e), v));
			b->error.f[i] = fmax(e, distance(float_round(t, v - e), v));
		}
	}
}

/* Constants are what their type makes of them. */
static void round_leaf(Bounded *b)
{
	for (int64_t i = 0; b->value.f && i < b->value.type->count; i++)
		b->value.f[i] = float_round(b->value.type->dtype, b->value.f[i]);
}

/* The value of a parameter: given, its own data, or (a state without) zeros. */
static void bound_param(Bounder *z, const Graph *g, const Node *n, Bounded *out)
{
	const Blob *data = ATTR_OF(n, param)->data;
	out->value = zeros(z, n->type);
	for (int i = 0; z->param && i < g->param.n; i++)
		if (g->param.at[i] == n)
			out->value = z->param[i];
	for (int64_t i = 0; !z->param && data && i < n->type->count; i++)
		if (out->value.f)
			out->value.f[i] = blob_f64(data, i);
		else
			out->value.i[i] = blob_i64(data, i);
}

static bool bound_leaf(Bounder *z, const Graph *g, const Node *n, const EvalTensor *in,
		       Bounded *out)
{
	if (n->op == OP_input) {
		for (int i = 0; i < g->input.n; i++)
			if (g->input.at[i] == n)
				out->value = in[i];
	} else if (n->op == OP_param) {
		bound_param(z, g, n, out);
	} else if (!eval_node(z->arena, n, NULL, &out->value)) {
		return false;
	}
	round_leaf(out);
	return true;
}

static EvalTensor copy_errors(Bounder *z, const EvalTensor *e)
{
	EvalTensor copy = zeros(z, e->type);
	size_t n = (size_t)e->type->count;
	if (e->f)
		memcpy(copy.f, e->f, n * sizeof *e->f);
	else
		memcpy(copy.i, e->i, n * sizeof *e->i);
	return copy;
}

static bool bound_node(Bounder *z, const Graph *g, const Node *n, const EvalTensor *in)
{
	Bounded *out = &z->of[n->id];
	out->error = zeros(z, n->type);
	if (op_info(n->op)->flags & OF_LEAF) {
		bool ok = bound_leaf(z, g, n, in, out);
		z->never_negative[n->id] = ok && never_negative(z, n, out);
		z->raw[n->id] = out->error;
		return ok;
	}
	const Bounded **x = ARENA_ARRAY(z->arena, const Bounded *, n->n_in + 1);
	const EvalTensor **v = ARENA_ARRAY(z->arena, const EvalTensor *, n->n_in + 1);
	for (int k = 0; k < n->n_in; k++) {
		x[k] = n->in[k] ? &z->of[n->in[k]->id] : NULL;
		v[k] = x[k] ? &x[k]->value : NULL;
	}
	BoundFn *bound = bound_of(n);
	if (!bound || !eval_node(z->arena, n, v, &out->value))
		return diag_error(g->ctx->diag, n->loc, E5111, "no bound for operator '%s'",
				  op_info(n->op)->name);
	bound(z, n, x, out);
	if (n->op == OP_mul && n->type->dtype == DT_f64)
		add_hidden_rounding(out);
	z->raw[n->id] = copy_errors(z, &out->error);
	round_ends(out);
	z->never_negative[n->id] = never_negative(z, n, out);
	return true;
}

static Bounded unrounded(const Bounder *z, const Node *n)
{
	return (Bounded){ z->of[n->id].value, z->raw[n->id] };
}

bool bound_graph(const Graph *g, Arena *arena, const EvalTensor *in, Bounded *out, BoundOptions o)
{
	Bounder z = {
		.arena = arena, .exact = o.exact, .fast = o.fast, .bf16 = o.bf16, .param = o.param
	};
	z.of = ARENA_ARRAY(arena, Bounded, g->node.n + 1);
	z.raw = ARENA_ARRAY(arena, EvalTensor, g->node.n + 1);
	z.never_negative = ARENA_ARRAY(arena, bool, g->node.n + 1);
	for (int i = 0; i < g->node.n; i++)
		if (!bound_node(&z, g, g->node.at[i], in))
			return false;
	for (int i = 0; i < g->result.n; i++)
		out[i] = unrounded(&z, g->result.at[i]);
	for (int i = 0; o.next && i < g->update.n; i++)
		o.next[i] = unrounded(&z, g->update.at[i].next);
	return true;
}

/* --- judging ---------------------------------------------------------------------------------- */

bool bound_known(const Bounded *b, int64_t i)
{
	return !unknown(&b->error, i);
}

bool bound_admits(const Bounded *b, int64_t i, double x, int64_t whole)
{
	if (unknown(&b->error, i))
		return true;
	if (!b->value.f)
		return whole == b->value.i[i];
	DType t = b->value.type->dtype;
	double v = b->value.f[i], e = b->error.f[i];
	if (isnan(v) || isnan(x))
		return isnan(v) && isnan(x);
	return isinf(v) ? x == v : x >= float_round(t, v - e) && x <= float_round(t, v + e);
}

int64_t bound_outside(const Bounded *b, const EvalTensor *have, int64_t *unknown)
{
	const Type *t = b->value.type;
	for (int64_t i = 0; i < t->count; i++) {
		double x = have->f ? float_round(t->dtype, have->f[i]) : 0;
		if (unknown)
			*unknown += !bound_known(b, i);
		if (!bound_admits(b, i, x, have->f ? 0 : have->i[i]))
			return i;
	}
	return -1;
}
