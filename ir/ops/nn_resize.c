/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Interpolation, one dimension after the other: each result index reads one element (nearest), two
 * (linear) or four (cubic) along the dimension, through constant index lists, and sums them with
 * constant weights. Coordinates are computed in single precision as ONNX Runtime and PyTorch do, so
 * that what lies on or near an index falls the same way; ties of rounding are told apart from what
 * single precision makes of them. */
#include "ir/hooks.h"
#include "ir/ops/nn.h"
#include <math.h>

enum { MAX_TAPS = 4 };

/* One dimension. */
typedef struct ResizeAxis {
	int64_t in, out;
	float scale;  /* out / in, or as stated */
	bool by_size; /* the scale is a quotient of two sizes */
} ResizeAxis;

/* --- coordinates ----------------------------------------------------------------------------- */

/* Where result index i lies in the input. */
static float coordinate(const char *mode, const ResizeAxis *x, int64_t i)
{
	float at = (float)i, scale = x->scale;
	if (str_eq(mode, "asymmetric"))
		return at / scale;
	if (str_eq(mode, "align_corners"))
		return x->out == 1 ? 0 : at * (float)(x->in - 1) / (float)(x->out - 1);
	if (str_eq(mode, "pytorch_half_pixel") && x->out == 1)
		return 0;
	float half = (at + 0.5f) / scale - 0.5f;
	if (!str_eq(mode, "half_pixel_symmetric"))
		return half;
	float adjust = (float)x->out / (scale * (float)x->in), centre = (float)x->in / 2;
	return half + centre * (1 - adjust);
}

/* The same where halves matter. A coordinate made of sizes is exact on a half; one made of a stated
 * scale, which is seldom the number it stands for, is on a half when it is as near as ONNX Runtime
 * asks. */
static double coordinate_for_rounding(const char *mode, const ResizeAxis *x, int64_t i)
{
	float at = coordinate(mode, x, i);
	double in = (double)x->in, out = (double)x->out, half = floor((double)at) + 0.5;
	if (!x->by_size)
		return fabs((double)at - half) < 1e-6 ? half : (double)at;
	if (str_eq(mode, "asymmetric"))
		return (double)i * in / out;
	if (str_eq(mode, "half_pixel") || (str_eq(mode, "pytorch_half_pixel") && x->out > 1))
		return ((double)i + 0.5) * in / out - 0.5;
	return (double)at;
}

static int64_t nearest(const Attr_resize *a, const ResizeAxis *x, int64_t i)
{
	if (str_eq(a->nearest, "floor"))
		return (int64_t)floorf(coordinate(a->coordinates, x, i));
	if (str_eq(a->nearest, "ceil"))
		return (int64_t)ceilf(coordinate(a->coordinates, x, i));
	double at = coordinate_for_rounding(a->coordinates, x, i);
	return (int64_t)(str_eq(a->nearest, "round_prefer_ceil") ? floor(at + 0.5)
								 : ceil(at - 0.5));
}

/* The cubic weight at distance d, of 0 to 2. */
static double cubic(double d, double a)
{
	if (d <= 1)
		return ((a + 2) * d - (a + 3)) * d * d + 1;
	return a * (((d - 5) * d + 8) * d - 4);
}

/* The elements that result index i reads and their weights; how many. */
static int taps_of(const Attr_resize *a, const ResizeAxis *x, int64_t i, int64_t *index,
		   double *weight)
{
	float at = coordinate(a->coordinates, x, i);
	if (str_eq(a->mode, "nearest")) {
		index[0] = nearest(a, x, i);
		weight[0] = 1;
		return 1;
	}
	if (str_eq(a->mode, "linear")) {
		float inside = at < 0 ? 0 : at > (float)(x->in - 1) ? (float)(x->in - 1) : at;
		index[0] = (int64_t)floorf(inside);
		index[1] = index[0] + 1;
		weight[1] = inside - floorf(inside);
		weight[0] = 1 - weight[1];
		return 2;
	}
	for (int k = 0; k < 4; k++) {
		index[k] = (int64_t)floorf(at) - 1 + k;
		weight[k] = cubic(fabs((double)at - (double)index[k]), a->cubic);
	}
	return 4;
}

/* --- one dimension --------------------------------------------------------------------------- */

typedef struct TapLists {
	int n;
	int64_t *index[MAX_TAPS];
	double *weight[MAX_TAPS];
} TapLists;

static TapLists make_taps(Builder *b, const Attr_resize *a, const ResizeAxis *x)
{
	TapLists t = { 0 };
	for (int k = 0; k < MAX_TAPS; k++) {
		t.index[k] = ARENA_ARRAY(b->graph->arena, int64_t, x->out + 1);
		t.weight[k] = ARENA_ARRAY(b->graph->arena, double, x->out + 1);
	}
	for (int64_t i = 0; i < x->out; i++) {
		int64_t index[MAX_TAPS];
		double weight[MAX_TAPS];
		t.n = taps_of(a, x, i, index, weight);
		for (int k = 0; k < t.n; k++) {
			int64_t j = index[k];
			t.index[k][i] = j < 0 ? 0 : j >= x->in ? x->in - 1 : j;
			t.weight[k][i] = weight[k];
		}
	}
	return t;
}

static bool all_equal(const double *v, int64_t n, double to)
{
	for (int64_t i = 0; i < n; i++)
		if (v[i] != to)
			return false;
	return true;
}

static Node *resize_axis(Builder *b, Node *x, int axis, const Attr_resize *a, const ResizeAxis *z)
{
	TapLists t = make_taps(b, a, z);
	int64_t dim[MAX_RANK] = { z->out, 1, 1, 1, 1, 1, 1, 1 };
	Node *sum = NULL;
	for (int k = 0; k < t.n; k++) {
		if (all_equal(t.weight[k], z->out, 0))
			continue;
		Node *part = emit_gather(b, x, emit_indices(b, z->out, t.index[k]), axis);
		if (!all_equal(t.weight[k], z->out, 1)) {
			Node *w = emit_nums(b, x->type->dtype, x->type->rank - axis, dim,
					    t.weight[k]);
			part = emit_b2(b, OP_mul, part, w);
		}
		sum = sum ? emit2(b, OP_add, sum, part) : part;
	}
	return sum ? sum : x;
}

/* --- the macro ------------------------------------------------------------------------------- */

static bool check_modes(Builder *b, const Node *n)
{
	static const char *const modes[] = { "nearest", "linear", "cubic" };
	static const char *const coordinates[] = { "half_pixel", "pytorch_half_pixel",
						   "align_corners", "asymmetric",
						   "half_pixel_symmetric" };
	static const char *const roundings[] = { "round_prefer_floor", "round_prefer_ceil", "floor",
						 "ceil" };
	const Attr_resize *a = ATTR_OF(n, resize);
	return check_name(b, n, "mode", a->mode, 3, modes) &&
	       check_name(b, n, "coordinates", a->coordinates, 5, coordinates) &&
	       check_name(b, n, "nearest", a->nearest, 4, roundings) &&
	       (str_eq(a->mode, "nearest") || check_float_dtype(b, n->op, 0, n->in));
}

/* Sizes or factors are given for all dimensions, or for those behind the first two. */
static bool first_dim(Builder *b, const Node *n, int *first)
{
	const Attr_resize *a = ATTR_OF(n, resize);
	int count = a->size.n ? a->size.n : a->scale.n, rank = n->in[0]->type->rank;
	if (a->size.n && a->scale.n)
		return builder_error(b, E5013, "resize: size and scale are given, one is wanted");
	*first = rank - count;
	if (count && (*first == 0 || *first == 2))
		return true;
	builder_error(b, E5013, "resize: %d sizes or factors do not fit x, %s", count,
		      type_text(b, n->in[0]->type));
	diag_hint(b->diag, "give one for each dimension behind the first two, or for all");
	return false;
}

static bool read_axis(Builder *b, const Node *n, int i, int64_t in, ResizeAxis *x)
{
	const Attr_resize *a = ATTR_OF(n, resize);
	x->in = in;
	x->by_size = a->size.n > 0;
	if (x->by_size) {
		x->out = a->size.v[i];
		x->scale = (float)x->out / (float)in;
	} else {
		x->scale = (float)a->scale.v[i];
		/* the product in single precision, as ONNX Runtime has it: 10 by 1.3 is 13, though
		 * the float next to 1.3 is smaller */
		double out = floor((double)((float)in * x->scale));
		x->out = out >= 0 && out < (double)MAX_ELEMENTS / 64 ? (int64_t)out : -1;
	}
	if (x->out > 0 && in > 0 && x->out < MAX_ELEMENTS / 64)
		return true;
	return builder_error(b, E5013, "resize: dimension of %lld cannot become %lld",
			     (long long)in, (long long)x->out);
}

bool expand_resize(Builder *b, const Node *n, Node **out)
{
	const Attr_resize *a = ATTR_OF(n, resize);
	Node *x = n->in[0];
	int first = 0;
	if (!check_modes(b, n) || !first_dim(b, n, &first))
		return false;
	for (int d = first; d < n->in[0]->type->rank && !b->failed; d++) {
		ResizeAxis z;
		if (!read_axis(b, n, d - first, n->in[0]->type->dim[d], &z))
			return false;
		if (z.out != z.in || z.scale != 1)
			x = resize_axis(b, x, d, a, &z);
	}
	return expand_done(b, out, x);
}
