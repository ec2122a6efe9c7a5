/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The gradient of a convolution's weights: for each tap, input channel and output channel the sum
 * over all windows of what the tap sees times the result's gradient. The attributes are those of
 * the convolution, `kernel` says KH, KW and the output channels. Layouts as there: [N,C,H,W] with
 * [O,C/groups,KH,KW], or channels last, [N,H,W,C] with [KH,KW,C/groups,O]. */
#include "ir/hooks.h"
#include "ir/ops/util.h"
#include "ir/ops/window.h"

/* --- infer ----------------------------------------------------------------------------------- */

static Taps conv_taps(const Attr_conv *a)
{
	return (Taps){ .stride = a->stride,
		       .pad = a->pad,
		       .dilation = a->dilation,
		       .kernel = { a->kernel.v[0], a->kernel.v[1] } };
}

/* dy must have one element for each window of x. */
static bool check_windows(Builder *b, Op op, const Taps *taps, const Type *x, const Type *dy, int h)
{
	for (int d = 0; d < 2; d++) {
		int64_t n;
		if (!window_size(b, op, taps, d, x->dim[h + d], &n))
			return false;
		if (n != dy->dim[h + d])
			return builder_error(
				b, E5011, "conv_dw: x has %lld windows along %s, dy is %s",
				(long long)n, d ? "its width" : "its height", type_text(b, dy));
	}
	return true;
}

static bool check_groups(Builder *b, const Attr_conv *a, int64_t in, int64_t out)
{
	if (a->groups >= 1 && in % a->groups == 0 && out % a->groups == 0)
		return true;
	return builder_error(
		b, E5013, "conv_dw: %lld groups do not divide %lld input and %lld output channels",
		(long long)a->groups, (long long)in, (long long)out);
}

const Type *infer_conv_dw(Builder *b, Op op, Attr attr, Node *const *in, int n_in)
{
	(void)n_in;
	const Attr_conv *a = attr;
	const Type *x = in[0]->type, *dy = in[1]->type;
	int h = a->channels_last ? 1 : 2, c = a->channels_last ? 3 : 1;
	if (!check_rank(b, op, 0, in, 4) || !check_rank(b, op, 1, in, 4) ||
	    !check_float_dtype(b, op, 0, in) || !check_same_dtype(b, op, 0, 1, in) ||
	    !check_ints(b, op, "kernel", a->kernel, 3, 1, MAX_ELEMENTS))
		return NULL;
	Taps taps = conv_taps(a);
	if (!check_taps(b, op, &taps) || !check_windows(b, op, &taps, x, dy, h) ||
	    !check_groups(b, a, x->dim[c], dy->dim[c]))
		return NULL;
	if (a->panel || x->dim[0] != dy->dim[0] || dy->dim[c] != a->kernel.v[2])
		return builder_error(b, E5011,
				     "conv_dw: %s and %s do not belong to one convolution "
				     "with %lld output channels",
				     type_text(b, x), type_text(b, dy), (long long)a->kernel.v[2]);
	int64_t kh = a->kernel.v[0], kw = a->kernel.v[1], i = x->dim[c] / a->groups;
	int64_t last[4] = { kh, kw, i, dy->dim[c] }, first[4] = { dy->dim[c], i, kh, kw };
	return result_type(b, op, x->dtype, 4, a->channels_last ? last : first);
}

/* --- evaluation ------------------------------------------------------------------------------ */

/* The element of x that tap `tap` of the window at `at` (an index of dy) sees, channel c; -1 in the
 * padding. */
static int64_t seen(const EvalCall *call, const int64_t *at, const int64_t *tap, int64_t c)
{
	const Attr_conv *a = ATTR_OF(call->n, conv);
	const Type *x = call->in[0]->type;
	int h = a->channels_last ? 1 : 2;
	int64_t from[4] = { at[0], c, c, c };
	for (int d = 0; d < 2; d++) {
		int64_t i = at[h + d] * a->stride.v[d] + tap[d] * a->dilation.v[d] - a->pad.v[d];
		if (i < 0 || i >= x->dim[h + d])
			return -1;
		from[h + d] = i;
	}
	return flat_index(x, from);
}

/* One element of the result. */
static double weight_gradient(const EvalCall *call, const int64_t *tap, int64_t c, int64_t o)
{
	const Attr_conv *a = ATTR_OF(call->n, conv);
	const Type *dy = call->in[1]->type;
	int channel = a->channels_last ? 3 : 1;
	int64_t at[4] = { 0 }, dim[4] = { dy->dim[0], dy->dim[1], dy->dim[2], dy->dim[3] };
	double sum = 0;
	dim[channel] = 1;
	if (dy->count == 0)
		return 0;
	do {
		int64_t y[4] = { at[0], at[1], at[2], at[3] }, i = seen(call, at, tap, c);
		y[channel] = o;
		if (i >= 0)
			sum += call->in[0]->f[i] * call->in[1]->f[flat_index(dy, y)];
	} while (index_next(at, 4, dim));
	return sum;
}

void eval_conv_dw(const EvalCall *call)
{
	const Attr_conv *a = ATTR_OF(call->n, conv);
	const Type *t = call->out->type;
	int h = a->channels_last ? 0 : 2, in = a->channels_last ? 2 : 1;
	int64_t at[4] = { 0 }, group_in = t->dim[in], group_out = a->kernel.v[2] / a->groups;
	for (int64_t k = 0; k < t->count; k++, index_next(at, 4, t->dim)) {
		int64_t o = at[a->channels_last ? 3 : 0];
		int64_t c = o / group_out * group_in + at[in];
		call->out->f[k] = weight_gradient(call, at + h, c, o);
	}
}
