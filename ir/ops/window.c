/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Sliding windows: the common arithmetic of pools and convolutions, and the pools. */
#include "ir/ops/window.h"
#include "ir/hooks.h"
#include "ir/ops/util.h"
#include <math.h>

enum { MAX_STEP = 1 << 20 };

bool check_taps(Builder *b, Op op, const Taps *t)
{
	return check_ints(b, op, "stride", t->stride, 2, 1, MAX_STEP) &&
	       check_ints(b, op, "dilation", t->dilation, 2, 1, MAX_STEP) &&
	       check_ints(b, op, "pad", t->pad, 4, 0, MAX_STEP) &&
	       check_ints(b, op, "kernel", (Ints){ .n = 2, .v = t->kernel }, 2, 1, MAX_STEP);
}

int64_t tap_extent(const Taps *t, int d)
{
	return t->dilation.v[d] * (t->kernel[d] - 1) + 1;
}

bool window_size(Builder *b, Op op, const Taps *t, int d, int64_t in, int64_t *out)
{
	int64_t room = in + t->pad.v[d] + t->pad.v[d + 2] - tap_extent(t, d);
	if (room < 0) {
		builder_error(b, E5011,
			      "%s: the window covers %lld %s, but the padded input has only %lld",
			      op_info(op)->name, (long long)tap_extent(t, d),
			      d ? "columns" : "rows", (long long)(room + tap_extent(t, d)));
		diag_hint(b->diag, "make kernel or dilation smaller, or pad more");
		return false;
	}
	*out = room / t->stride.v[d] + 1;
	return true;
}

/* --- infer ----------------------------------------------------------------------------------- */

static Taps window_taps(const Attr_window *a)
{
	return (Taps){ .stride = a->stride,
		       .pad = a->pad,
		       .dilation = a->dilation,
		       .kernel = { a->kernel.v[0], a->kernel.v[1] } };
}

/* A maximum needs an element in every window. */
static bool check_pads_inside(Builder *b, Op op, const Taps *t)
{
	for (int d = 0; d < 4; d++)
		if (t->pad.v[d] >= tap_extent(t, d % 2))
			return builder_error(b, E5013,
					     "%s: a window would lie in the padding alone: %lld is "
					     "padded, the window covers %lld",
					     op_info(op)->name, (long long)t->pad.v[d],
					     (long long)tap_extent(t, d % 2));
	return true;
}

const Type *infer_window(Builder *b, Op op, Attr attr, Node *const *in, int n_in)
{
	(void)n_in;
	const Attr_window *a = attr;
	const Type *x = in[0]->type;
	int64_t dim[4];
	if (!check_rank(b, op, 0, in, 4) || !check_number_dtype(b, op, 0, in) ||
	    !check_ints(b, op, "kernel", a->kernel, 2, 1, MAX_STEP))
		return NULL;
	Taps t = window_taps(a);
	if (!check_taps(b, op, &t) || (op == OP_window_max && !check_pads_inside(b, op, &t)))
		return NULL;
	int h = a->channels_last ? 1 : 2;
	for (int i = 0; i < 4; i++)
		dim[i] = x->dim[i];
	for (int d = 0; d < 2; d++)
		if (!window_size(b, op, &t, d, x->dim[h + d], &dim[h + d]))
			return NULL;
	return result_type(b, op, x->dtype, 4, dim);
}

/* --- evaluation ------------------------------------------------------------------------------ */

/* The element of the input under tap (kh, kw) of the window at `at`; -1 in the padding. */
static int64_t under_tap(const EvalCall *c, const int64_t *at, int64_t kh, int64_t kw)
{
	const Attr_window *a = ATTR_OF(c->n, window);
	const Type *x = c->in[0]->type;
	int64_t src[4] = { at[0], at[1], at[2], at[3] }, tap[2] = { kh, kw };
	int h = a->channels_last ? 1 : 2;
	for (int d = 0; d < 2; d++) {
		src[h + d] = at[h + d] * a->stride.v[d] + tap[d] * a->dilation.v[d] - a->pad.v[d];
		if (src[h + d] < 0 || src[h + d] >= x->dim[h + d])
			return -1;
	}
	return flat_index(x, src);
}

static void window_max_at(const EvalCall *c, int64_t o, const int64_t *at)
{
	const Attr_window *a = ATTR_OF(c->n, window);
	double f = -HUGE_VAL;
	int64_t best = INT64_MIN;
	for (int64_t kh = 0; kh < a->kernel.v[0]; kh++)
		for (int64_t kw = 0; kw < a->kernel.v[1]; kw++) {
			int64_t j = under_tap(c, at, kh, kw);
			if (j < 0)
				continue;
			if (c->out->f && (isnan(c->in[0]->f[j]) || c->in[0]->f[j] > f))
				f = c->in[0]->f[j];
			else if (c->out->i && c->in[0]->i[j] > best)
				best = c->in[0]->i[j];
		}
	if (c->out->f)
		c->out->f[o] = f;
	else
		c->out->i[o] = best;
}

static void window_sum_at(const EvalCall *c, int64_t o, const int64_t *at)
{
	const Attr_window *a = ATTR_OF(c->n, window);
	for (int64_t kh = 0; kh < a->kernel.v[0]; kh++)
		for (int64_t kw = 0; kw < a->kernel.v[1]; kw++) {
			int64_t j = under_tap(c, at, kh, kw);
			if (j >= 0 && c->out->f)
				c->out->f[o] += c->in[0]->f[j];
			else if (j >= 0)
				c->out->i[o] += c->in[0]->i[j];
		}
}

static void each_window(const EvalCall *c,
			void (*value)(const EvalCall *c, int64_t o, const int64_t *at))
{
	const Type *t = c->out->type;
	int64_t at[MAX_RANK] = { 0 };
	for (int64_t o = 0; o < t->count; o++, index_next(at, t->rank, t->dim))
		value(c, o, at);
}

void eval_window_max(const EvalCall *c)
{
	each_window(c, window_max_at);
}

void eval_window_sum(const EvalCall *c)
{
	each_window(c, window_sum_at);
}
