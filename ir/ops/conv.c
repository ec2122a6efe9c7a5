/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Convolution in its three forms: [N,C,H,W], [N,H,W,C], and [N,H,W,C] with weights packed in
 * panels. Evaluation brings the weights to one form, [KH,KW,C/groups,O], and reads the input by
 * strides, so that one loop nest serves all. */
#include "ir/hooks.h"
#include "ir/ops/util.h"
#include "ir/ops/window.h"

/* --- infer ----------------------------------------------------------------------------------- */

typedef struct ConvSizes {
	int h, c;        /* dimensions of height and channels in input and result */
	int64_t in, out; /* channels */
	int64_t w_in;    /* input channels the weights expect, of one group */
	Taps taps;
} ConvSizes;

static ConvSizes conv_sizes(const Attr_conv *a, const Type *x, const Type *w)
{
	ConvSizes s = { .h = a->channels_last ? 1 : 2, .c = a->channels_last ? 3 : 1 };
	s.taps = (Taps){ .stride = a->stride, .pad = a->pad, .dilation = a->dilation };
	s.in = x->dim[s.c];
	if (a->panel) {
		s.taps.kernel[0] = a->kernel.v[0];
		s.taps.kernel[1] = a->kernel.v[1];
		s.out = a->kernel.v[2];
		s.w_in = w->dim[1] / (a->kernel.v[0] * a->kernel.v[1]);
	} else {
		int kh = a->channels_last ? 0 : 2;
		s.taps.kernel[0] = w->dim[kh];
		s.taps.kernel[1] = w->dim[kh + 1];
		s.out = w->dim[a->channels_last ? 3 : 0];
		s.w_in = w->dim[a->channels_last ? 2 : 1];
	}
	return s;
}

/* Panels: [ceil(O/P), KH*KW*C, P] */
static bool check_packed(Builder *b, const Attr_conv *a, const Type *w)
{
	if (!a->channels_last || a->groups != 1)
		return builder_error(b, E5013,
				     "conv: packed weights need channels_last and groups 1");
	if (!check_ints(b, OP_conv, "kernel", a->kernel, 3, 1, MAX_ELEMENTS))
		return false;
	if (a->panel < 0 || w->rank != 3 || w->dim[2] != a->panel ||
	    w->dim[0] != (a->kernel.v[2] + a->panel - 1) / a->panel || a->kernel.v[0] > w->dim[1] ||
	    a->kernel.v[1] > w->dim[1] || w->dim[1] % (a->kernel.v[0] * a->kernel.v[1]))
		return builder_error(b, E5011,
				     "conv: packed weights are %s, they do not fit "
				     "panels of %lld",
				     type_text(b, w), (long long)a->panel);
	return true;
}

static bool check_channels(Builder *b, const Attr_conv *a, const ConvSizes *s)
{
	if (a->groups < 1 || s->in % a->groups || s->out % a->groups) {
		builder_error(b, E5013,
			      "conv: %lld groups do not divide %lld input and %lld output channels",
			      (long long)a->groups, (long long)s->in, (long long)s->out);
		return false;
	}
	if (s->w_in * a->groups == s->in)
		return true;
	builder_error(b, E5011, "conv: weights expect %lld input channels, input has %lld",
		      (long long)(s->w_in * a->groups), (long long)s->in);
	if (s->w_in == s->in)
		diag_hint(b->diag, "with %lld groups the weights hold %lld channels a group",
			  (long long)a->groups, (long long)(s->in / a->groups));
	return false;
}

const Type *infer_conv(Builder *b, Op op, Attr attr, Node *const *in, int n_in)
{
	(void)n_in;
	const Attr_conv *a = attr;
	const Type *x = in[0]->type, *w = in[1]->type;
	int64_t dim[4];
	if (!check_rank(b, op, 0, in, 4) || !check_float_dtype(b, op, 0, in) ||
	    !check_same_dtype(b, op, 0, 1, in))
		return NULL;
	if (a->panel ? !check_packed(b, a, w) : !check_rank(b, op, 1, in, 4))
		return NULL;
	ConvSizes s = conv_sizes(a, x, w);
	if (!check_taps(b, op, &s.taps) || !check_channels(b, a, &s))
		return NULL;
	dim[0] = x->dim[0];
	dim[s.c] = s.out;
	for (int d = 0; d < 2; d++)
		if (!window_size(b, op, &s.taps, d, x->dim[s.h + d], &dim[s.h + d]))
			return NULL;
	return result_type(b, op, x->dtype, 4, dim);
}

/* --- evaluation ------------------------------------------------------------------------------ */

/* Where weight (tap, c, o) lies. */
static int64_t weight_at(const Attr_conv *a, const ConvSizes *s, int64_t tap, int64_t c, int64_t o)
{
	int64_t n_taps = s->taps.kernel[0] * s->taps.kernel[1];
	if (a->panel)
		return ((o / a->panel * n_taps + tap) * s->w_in + c) * a->panel + o % a->panel;
	if (a->channels_last)
		return (tap * s->w_in + c) * s->out + o;
	return (o * s->w_in + c) * n_taps + tap;
}

static double *plain_weights(const EvalCall *c, const ConvSizes *s)
{
	const Attr_conv *a = ATTR_OF(c->n, conv);
	int64_t n_taps = s->taps.kernel[0] * s->taps.kernel[1], k = 0;
	double *w = ARENA_ARRAY(c->arena, double, n_taps * s->w_in * s->out);
	for (int64_t tap = 0; tap < n_taps; tap++)
		for (int64_t i = 0; i < s->w_in; i++)
			for (int64_t o = 0; o < s->out; o++)
				w[k++] = c->in[1]->f[weight_at(a, s, tap, i, o)];
	return w;
}

/* acc[o] += input * weight for one tap and all channels of a group */
static void add_tap(double *restrict acc, const double *restrict w, int64_t n_out, int64_t w_row,
		    const double *x, int64_t n_in, int64_t x_step)
{
	for (int64_t i = 0; i < n_in; i++) {
		double v = x[i * x_step];
		for (int64_t o = 0; o < n_out; o++)
			acc[o] += v * w[i * w_row + o];
	}
}

/* All output channels of group g at one place. */
static void conv_at(const EvalCall *c, const ConvSizes *s, const double *w, int64_t g,
		    const int64_t *at, double *acc)
{
	const Attr_conv *a = ATTR_OF(c->n, conv);
	const Type *x = c->in[0]->type;
	int64_t n_out = s->out / a->groups, src[4] = { at[0], 0, 0, 0 };
	int64_t stride[MAX_RANK];
	type_strides(x, stride);
	src[s->c] = g * s->w_in;
	for (int64_t o = 0; o < n_out; o++)
		acc[o] = 0;
	for (int64_t kh = 0; kh < s->taps.kernel[0]; kh++) {
		src[s->h] = at[s->h] * a->stride.v[0] + kh * a->dilation.v[0] - a->pad.v[0];
		if (src[s->h] < 0 || src[s->h] >= x->dim[s->h])
			continue;
		for (int64_t kw = 0; kw < s->taps.kernel[1]; kw++) {
			int64_t col = at[s->h + 1] * a->stride.v[1] + kw * a->dilation.v[1];
			src[s->h + 1] = col - a->pad.v[1];
			if (src[s->h + 1] < 0 || src[s->h + 1] >= x->dim[s->h + 1])
				continue;
			int64_t tap = kh * s->taps.kernel[1] + kw;
			add_tap(acc, w + tap * s->w_in * s->out + g * n_out, n_out, s->out,
				c->in[0]->f + flat_index(x, src), s->w_in, stride[s->c]);
		}
	}
}

void eval_conv(const EvalCall *c)
{
	const Attr_conv *a = ATTR_OF(c->n, conv);
	const Type *t = c->out->type;
	ConvSizes s = conv_sizes(a, c->in[0]->type, c->in[1]->type);
	const double *w = plain_weights(c, &s);
	int64_t n_out = s.out / a->groups, at[4] = { 0 }, dim[4];
	int64_t stride[MAX_RANK];
	double *acc = ARENA_ARRAY(c->arena, double, n_out);
	type_strides(t, stride);
	for (int i = 0; i < 4; i++)
		dim[i] = i == s.c ? a->groups : t->dim[i];
	if (t->count == 0)
		return;
	do {
		int64_t g = at[s.c];
		conv_at(c, &s, w, g, at, acc);
		int64_t first = 0;
		for (int i = 0; i < 4; i++)
			first += (i == s.c ? g * n_out : at[i]) * stride[i];
		for (int64_t o = 0; o < n_out; o++)
			c->out->f[first + o * stride[s.c]] = acc[o];
	} while (index_next(at, 4, dim));
}
