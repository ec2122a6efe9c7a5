/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* See spread.h. */
#include "ir/ops/spread.h"

Node *emit_channels_last(Builder *b, Node *x)
{
	return emit_transpose(b, x, (int[]){ 0, 2, 3, 1 });
}

Node *emit_channels_first(Builder *b, Node *x)
{
	return emit_transpose(b, x, (int[]){ 0, 3, 1, 2 });
}

/* --- phases ---------------------------------------------------------------------------------- */

/* The taps that meet elements r, r + stride ...; `window` is what the first of them gets from the
 * first tap, that of element r. False when there are none. */
static bool find_taps(const Plane *p, int d, int64_t r, Phase *ph, int64_t *window)
{
	int64_t s = p->stride[d], at = r + p->pad[d], k = 0, step = 1;
	while (k < s && (at - k * p->dilation[d]) % s)
		k++;
	while (step * p->dilation[d] % s)
		step++;
	if (k >= s || k >= p->kernel[d])
		return false;
	ph->first = k;
	ph->step = step;
	ph->taps = (p->kernel[d] - 1 - k) / step + 1;
	ph->distance = step * p->dilation[d] / s;
	*window = (at - k * p->dilation[d]) / s;
	return true;
}

/* False when the phase gets nothing. */
static bool find_phase(const Plane *p, int d, int64_t r, int64_t values, Phase *ph)
{
	int64_t window;
	if (!find_taps(p, d, r, ph, &window))
		return false;
	int64_t first = window - (ph->taps - 1) * ph->distance, end = window + ph->size;
	ph->from = first > 0 ? first : 0;
	ph->to = end < values ? end : values;
	ph->low = ph->from - first;
	ph->high = end - ph->to;
	return ph->from < ph->to;
}

Node *phase_part(Builder *b, Node *y, const Phase ph[2])
{
	for (int d = 0; d < 2; d++)
		y = emit_slice_axis(b, y, d + 1, ph[d].from, ph[d].to - ph[d].from);
	return y;
}

Node *phase_bordered(Builder *b, Node *y, const Phase ph[2], double border)
{
	int64_t low[4] = { 0, ph[0].low, ph[1].low, 0 }, high[4] = { 0, ph[0].high, ph[1].high, 0 };
	Node *value = emit_scalar(b, y->type->dtype, border);
	return emit_pad(b, phase_part(b, y, ph), value, low, high, NULL);
}

Node *phase_tap(Builder *b, Node *bordered, const Phase ph[2], int64_t t0, int64_t t1)
{
	Node *y =
		emit_slice_axis(b, bordered, 1, (ph[0].taps - 1 - t0) * ph[0].distance, ph[0].size);
	return emit_slice_axis(b, y, 2, (ph[1].taps - 1 - t1) * ph[1].distance, ph[1].size);
}

/* --- the whole ------------------------------------------------------------------------------- */

typedef struct Spread {
	const Type *from, *to;
	const Plane *p;
	SpreadFn *fn;
	void *user;
} Spread;

/* How many elements of each phase are computed: those of the last may lie outside of the image. */
static int64_t phase_size(const Spread *s, int d)
{
	return (s->to->dim[d + 1] + s->p->stride[d] - 1) / s->p->stride[d];
}

static Node *emit_phase(Builder *b, const Spread *s, int64_t r0, int64_t r1)
{
	Phase phase[2] = { { .size = phase_size(s, 0) }, { .size = phase_size(s, 1) } };
	int64_t dim[4] = { s->to->dim[0], phase[0].size, phase[1].size, s->to->dim[3] };
	if (find_phase(s->p, 0, r0, s->from->dim[1], &phase[0]) &&
	    find_phase(s->p, 1, r1, s->from->dim[2], &phase[1]))
		return s->fn(b, phase, s->user);
	return emit_full(b, type_get(b->ctx, s->to->dtype, 4, dim), 0);
}

/* [N,H,W,C] with sizes of 1 behind height and width, where the phases lie side by side. */
static Node *as_tooth(Builder *b, Node *x)
{
	const int64_t *d = x->type->dim;
	return emit_reshape(b, x, 6, (int64_t[]){ d[0], d[1], 1, d[2], 1, d[3] });
}

/* All phases of the columns whose rows have phase r0. */
static Node *row_of_phases(Builder *b, const Spread *s, int64_t r0)
{
	int64_t n = s->p->stride[1];
	Node **tooth = ARENA_ARRAY(b->graph->arena, Node *, n);
	for (int64_t r1 = 0; r1 < n; r1++)
		tooth[r1] = as_tooth(b, emit_phase(b, s, r0, r1));
	return emit_concat(b, tooth, (int)n, 4);
}

Node *emit_spread(Builder *b, const Type *from, const Type *to, const Plane *p, SpreadFn *fn,
		  void *user)
{
	Spread s = { from, to, p, fn, user };
	int64_t n = p->stride[0];
	int64_t dim[4] = { to->dim[0], phase_size(&s, 0) * n, phase_size(&s, 1) * p->stride[1],
			   to->dim[3] };
	if (n * p->stride[1] == 1)
		return emit_phase(b, &s, 0, 0);
	Node **row = ARENA_ARRAY(b->graph->arena, Node *, n);
	for (int64_t r0 = 0; r0 < n; r0++)
		row[r0] = row_of_phases(b, &s, r0);
	Node *x = emit_reshape(b, emit_concat(b, row, (int)n, 2), 4, dim);
	for (int d = 1; d < 3; d++)
		x = emit_slice_axis(b, x, d, 0, to->dim[d]);
	return x;
}

/* --- transposed convolution ------------------------------------------------------------------ */

/* [KH,KW,O/groups,channels]: input and output channels exchanged within each group. */
static Node *exchanged_weights(Builder *b, Node *w, bool last, int64_t groups)
{
	const int64_t *d = w->type->dim;
	int64_t kh = d[last ? 0 : 2], kw = d[last ? 1 : 3];
	int64_t o = d[last ? 3 : 0] / groups, c = d[last ? 2 : 1];
	if (last)
		w = emit_reshape(b, w, 5, (int64_t[]){ kh, kw, c, groups, o });
	else
		w = emit_reshape(b, w, 5, (int64_t[]){ groups, o, c, kh, kw });
	w = last ? emit_transpose(b, w, (int[]){ 0, 1, 4, 3, 2 })
		 : emit_transpose(b, w, (int[]){ 3, 4, 1, 0, 2 });
	return emit_reshape(b, w, 4, (int64_t[]){ kh, kw, o, groups * c });
}

typedef struct ConvSpread {
	Node *y, *w; /* [KH,KW,O/groups,channels] */
	int64_t groups;
} ConvSpread;

static Node *conv_phase(Builder *b, const Phase ph[2], void *user)
{
	static const int64_t one[2] = { 1, 1 };
	const ConvSpread *s = user;
	const int64_t *d = s->w->type->dim;
	int64_t begin[4] = { 0 }, count[4] = { ph[0].taps, ph[1].taps, d[2], d[3] };
	int64_t step[4] = { -ph[0].step, -ph[1].step, 1, 1 };
	for (int i = 0; i < 2; i++)
		begin[i] = ph[i].first + (ph[i].taps - 1) * ph[i].step;
	int64_t pad[4] = { ph[0].low, ph[1].low, ph[0].high, ph[1].high };
	int64_t dilation[2] = { ph[0].distance, ph[1].distance };
	Attr_conv a = { .stride = { 2, one },
			.pad = { 4, pad },
			.dilation = { 2, dilation },
			.groups = s->groups,
			.channels_last = 1 };
	for (int i = 0; i < 2; i++) /* one tap has no distance */
		dilation[i] = ph[i].taps == 1 ? 1 : dilation[i];
	Node *in[2] = { phase_part(b, s->y, ph), emit_slice(b, s->w, begin, count, step) };
	return emit(b, OP_conv, attr_intern(b->ctx, ATTR_conv_RECORD, &a), in, 2);
}

Node *emit_conv_spread(Builder *b, Node *y, Node *w, bool last, const Plane *p, int64_t groups)
{
	ConvSpread s = { y, exchanged_weights(b, w, last, groups), groups };
	int64_t dim[4] = { y->type->dim[0], p->size[0], p->size[1], s.w->type->dim[3] };
	const Type *to = type_get(b->ctx, y->type->dtype, 4, dim);
	if (!to)
		return builder_error(b, E5014, "transposed convolution: the result is too large"),
		       y;
	return emit_spread(b, y->type, to, p, conv_phase, &s);
}
