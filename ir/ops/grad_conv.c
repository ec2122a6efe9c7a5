/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Gradients of convolution and of the pools. What a window has seen gets its share of the window's
 * gradient: spread.h. All of it is worked out channels last; where the model says otherwise there
 * are transpositions around, which the layout pass removes. */
#include "ir/hooks.h"
#include "ir/ops/spread.h"
#include <math.h>

static Node *enter(Builder *b, Node *x, bool last)
{
	return last ? x : emit_channels_last(b, x);
}

static Node *leave(Builder *b, Node *x, bool last)
{
	return last ? x : emit_channels_first(b, x);
}

static Plane make_plane(const Type *x, bool last, Ints stride, Ints dilation, Ints pad)
{
	Plane p = { 0 };
	for (int d = 0; d < 2; d++) {
		p.size[d] = x->dim[last ? 1 + d : 2 + d];
		p.stride[d] = stride.v[d];
		p.dilation[d] = dilation.v[d];
		p.pad[d] = pad.v[d];
		p.pad[d + 2] = pad.v[d + 2];
	}
	return p;
}

/* --- convolution ----------------------------------------------------------------------------- */

void vjp_conv(Builder *b, const Node *n, Node *dy, Node **dx)
{
	Attr_conv a = *ATTR_OF(n, conv);
	const Type *x = n->in[0]->type, *w = n->in[1]->type;
	bool last = a.channels_last;
	Plane p = make_plane(x, last, a.stride, a.dilation, a.pad);
	if (a.panel) {
		builder_error(b, E7001, "a convolution with packed weights has no gradient");
		return;
	}
	for (int d = 0; d < 2; d++)
		p.kernel[d] = w->dim[last ? d : 2 + d];
	dx[0] = leave(b, emit_conv_spread(b, enter(b, dy, last), n->in[1], last, &p, a.groups),
		      last);
	int64_t kernel[3] = { p.kernel[0], p.kernel[1], w->dim[last ? 3 : 0] };
	a.kernel = (Ints){ 3, kernel };
	Node *in[2] = { n->in[0], dy };
	dx[1] = emit(b, OP_conv_dw, attr_intern(b->ctx, ATTR_conv_RECORD, &a), in, 2);
}

/* --- sums of windows ------------------------------------------------------------------------- */

static Plane window_plane(const Node *n)
{
	const Attr_window *a = ATTR_OF(n, window);
	Plane p = make_plane(n->in[0]->type, a->channels_last, a->stride, a->dilation, a->pad);
	p.kernel[0] = a->kernel.v[0];
	p.kernel[1] = a->kernel.v[1];
	return p;
}

static Node *sum_phase(Builder *b, const Phase ph[2], void *user)
{
	static const int64_t one[2] = { 1, 1 };
	int64_t kernel[2] = { ph[0].taps, ph[1].taps };
	int64_t pad[4] = { ph[0].low, ph[1].low, ph[0].high, ph[1].high };
	int64_t dilation[2] = { ph[0].distance, ph[1].distance };
	Node *y = phase_part(b, user, ph);
	Attr_window a = { .kernel = { 2, kernel },
			  .stride = { 2, one },
			  .pad = { 4, pad },
			  .dilation = { 2, dilation },
			  .channels_last = 1 };
	for (int d = 0; d < 2; d++) /* one tap has no distance */
		dilation[d] = ph[d].taps == 1 ? 1 : dilation[d];
	if (kernel[0] * kernel[1] == 1)
		return phase_bordered(b, user, ph, 0);
	return emit(b, OP_window_sum, attr_intern(b->ctx, ATTR_window_RECORD, &a), &y, 1);
}

void vjp_window_sum(Builder *b, const Node *n, Node *dy, Node **dx)
{
	bool last = ATTR_OF(n, window)->channels_last;
	Plane p = window_plane(n);
	Node *x = enter(b, n->in[0], last), *y = enter(b, dy, last);
	dx[0] = leave(b, emit_spread(b, y->type, x->type, &p, sum_phase, y), last);
}

/* --- maxima of windows ----------------------------------------------------------------------- */

typedef struct Winners {
	Plane p;
	Node *tap; /* i32: which tap of each window saw its maximum */
	Node *dy;
} Winners;

/* What the tap sees of x, for every window. */
static Node *seen_by(Builder *b, Node *bordered, const Winners *z, int64_t kh, int64_t kw)
{
	const Type *y = z->dy->type;
	const Plane *p = &z->p;
	int64_t begin[4] = { 0, kh * p->dilation[0], kw * p->dilation[1], 0 };
	int64_t step[4] = { 1, p->stride[0], p->stride[1], 1 };
	return emit_slice(b, bordered, begin, y->dim, step);
}

/* From the last tap to the first: where several see the maximum, the first one wins. */
static Node *winning_taps(Builder *b, Node *x, Node *y, const Winners *z)
{
	const Plane *p = &z->p;
	const Type *t = type_get(b->ctx, DT_i32, 4, y->type->dim);
	int64_t low[4] = { 0, p->pad[0], p->pad[1], 0 }, high[4] = { 0, p->pad[2], p->pad[3], 0 };
	Node *least = emit_scalar(b, x->type->dtype, -HUGE_VAL), *tap = emit_full(b, t, -1);
	x = emit_pad(b, x, least, low, high, NULL);
	for (int64_t k = p->kernel[0] * p->kernel[1] - 1; k >= 0; k--) {
		Node *seen = seen_by(b, x, z, k / p->kernel[1], k % p->kernel[1]);
		Node *wins = emit2(b, OP_eq, seen, y);
		tap = emit3(b, OP_select, wins, emit_full(b, t, (double)k), tap);
	}
	return tap;
}

static Node *max_phase(Builder *b, const Phase ph[2], void *user)
{
	const Winners *z = user;
	Node *tap = phase_bordered(b, z->tap, ph, -1), *dy = phase_bordered(b, z->dy, ph, 0);
	Node *sum = NULL;
	for (int64_t i = 0; i < ph[0].taps * ph[1].taps; i++) {
		int64_t t0 = i / ph[1].taps, t1 = i % ph[1].taps;
		int64_t k = (ph[0].first + t0 * ph[0].step) * z->p.kernel[1] + ph[1].first +
			    t1 * ph[1].step;
		Node *which = phase_tap(b, tap, ph, t0, t1), *given = phase_tap(b, dy, ph, t0, t1);
		Node *wins = emit2(b, OP_eq, which, emit_full(b, which->type, (double)k));
		given = emit3(b, OP_select, wins, given, emit_full(b, given->type, 0));
		sum = sum ? emit2(b, OP_add, sum, given) : given;
	}
	return sum;
}

void vjp_window_max(Builder *b, const Node *n, Node *dy, Node **dx)
{
	bool last = ATTR_OF(n, window)->channels_last;
	Winners z = { .p = window_plane(n), .dy = enter(b, dy, last) };
	Node *x = enter(b, n->in[0], last), *y = enter(b, (Node *)n, last);
	z.tap = winning_taps(b, x, y, &z);
	dx[0] = leave(b, emit_spread(b, y->type, x->type, &z.p, max_phase, &z), last);
}
