/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Convolution layers. The transposed convolution is the convolution turned around (spread.h); where
 * windows do not overlap it is a product and a rearrangement of pixels. */
#include "ir/hooks.h"
#include "ir/ops/spread.h"

/* --- common ---------------------------------------------------------------------------------- */

static bool check_weights(Builder *b, const Node *n)
{
	const Type *x = n->in[0]->type, *w = n->in[1]->type;
	if (w->rank == x->rank && w->count > 0)
		return true;
	return builder_error(b, E5011, "%s: weights need %d dimensions for x, %s, they are %s",
			     op_info(n->op)->name, x->rank, type_text(b, x), type_text(b, w));
}

/* The kernel's sizes come from the weights; where they are stated too, they must agree. */
static bool read_kernel(Builder *b, const Node *n, Plane *p)
{
	const Attr_conv2d *a = ATTR_OF(n, conv2d);
	const Type *w = n->in[1]->type;
	int64_t stated[2];
	p->kernel[0] = p->line ? 1 : w->dim[2];
	p->kernel[1] = w->dim[w->rank - 1];
	if (!a->kernel.n)
		return true;
	if (!plane_pair(b, n, "kernel", a->kernel, p->line, 1, stated))
		return false;
	if (stated[0] == p->kernel[0] && stated[1] == p->kernel[1])
		return true;
	return builder_error(b, E5011, "%s: kernel=\"%lld,%lld\", but the weights are %s",
			     op_info(n->op)->name, (long long)stated[0], (long long)stated[1],
			     type_text(b, w));
}

static Node *enter_weights(Builder *b, Node *w, const Plane *p)
{
	const int64_t *d = w->type->dim;
	return p->line ? emit_reshape(b, w, 4, (int64_t[]){ d[0], d[1], 1, d[2] }) : w;
}

static Node *add_bias(Builder *b, Node *y, Node *bias)
{
	return bias ? emit_b2(b, OP_add, y, along_channels(b, bias, 4)) : y;
}

/* --- conv2d ---------------------------------------------------------------------------------- */

bool expand_conv2d(Builder *b, const Node *n, Node **out)
{
	const Attr_conv2d *a = ATTR_OF(n, conv2d);
	Node *bias = given_input(n, 2);
	Plane p = { 0 };
	if (!plane_read(b, n, &p, a->stride, a->dilation) || !check_weights(b, n) ||
	    !read_kernel(b, n, &p) || !plane_pad(b, n, &p, a->pad))
		return false;
	if (bias && !check_vector(b, n, 2, n->in[1]->type->dim[0]))
		return false;
	int64_t groups = a->groups ? a->groups : n->in[0]->type->dim[1];
	Node *x = plane_enter(b, n->in[0], &p);
	Node *y = emit_conv(b, x, enter_weights(b, n->in[1], &p), &p, groups);
	return expand_done(b, out, plane_leave(b, add_bias(b, y, bias), &p));
}

/* --- conv_transpose2d ------------------------------------------------------------------------ */

typedef struct Transposed {
	Plane p;
	int64_t groups, in, out; /* channels */
	int64_t extra[2];        /* at the end: output_pad, what output_shape wants beyond */
} Transposed;

/* Padding that gives the wanted result: 'same' is the input's size times the stride. A result
 * that the transpose does not quite reach has zeros at its end, as with output_pad: less than a
 * step, or a convolution of it would not give x's size. */
static bool pad_for_shape(Builder *b, const Node *n, Transposed *t, const int64_t *want)
{
	Plane *p = &t->p;
	for (int d = 0; d < 2; d++) {
		int64_t all = (p->size[d] - 1) * p->stride[d] + t->extra[d] + plane_extent(p, d) -
			      want[d];
		int64_t most = all + want[d] - t->extra[d] + p->stride[d] - 1;
		if (want[d] < 1 || want[d] > most)
			return builder_error(b, E5013,
					     "conv_transpose2d: output_shape asks for %lld "
					     "%s, 1 to %lld are possible",
					     (long long)want[d], d ? "columns" : "rows",
					     (long long)most);
		if (all < 0) {
			t->extra[d] -= all;
			all = 0;
		}
		bool end = str_eq(ATTR_OF(n, conv2d)->pad, "same");
		p->pad[d] = end ? all / 2 : all - all / 2;
		p->pad[d + 2] = all - p->pad[d];
	}
	return true;
}

static bool read_transposed_pad(Builder *b, const Node *n, Transposed *t)
{
	const Attr_conv2d *a = ATTR_OF(n, conv2d);
	Plane *p = &t->p;
	int64_t want[2];
	if (a->output_shape.n) {
		if (!plane_pair(b, n, "output_shape", a->output_shape, p->line, 1, want))
			return false;
		return pad_for_shape(b, n, t, want);
	}
	if (!plane_pad_is_same(a->pad))
		return plane_pad(b, n, p, a->pad);
	for (int d = 0; d < 2; d++)
		want[d] = p->size[d] * p->stride[d];
	return pad_for_shape(b, n, t, want);
}

static bool read_transposed_groups(Builder *b, const Node *n, Transposed *t)
{
	t->in = n->in[0]->type->dim[1];
	t->groups = ATTR_OF(n, conv2d)->groups ? ATTR_OF(n, conv2d)->groups : t->in;
	if (t->groups < 1 || t->in % t->groups)
		return builder_error(b, E5013,
				     "conv_transpose2d: %lld groups do not divide %lld channels",
				     (long long)t->groups, (long long)t->in);
	if (n->in[1]->type->dim[0] != t->in)
		return builder_error(b, E5011,
				     "conv_transpose2d: weights expect %lld input channels, input "
				     "has %lld",
				     (long long)n->in[1]->type->dim[0], (long long)t->in);
	t->out = n->in[1]->type->dim[1] * t->groups;
	return true;
}

static bool read_transposed(Builder *b, const Node *n, Transposed *t)
{
	const Attr_conv2d *a = ATTR_OF(n, conv2d);
	return plane_read(b, n, &t->p, a->stride, a->dilation) && check_weights(b, n) &&
	       read_kernel(b, n, &t->p) &&
	       plane_pair(b, n, "output_pad", a->output_pad, t->p.line, 0, t->extra) &&
	       read_transposed_pad(b, n, t) && read_transposed_groups(b, n, t) &&
	       (!given_input(n, 2) || check_vector(b, n, 2, t->out)) &&
	       (n->in[0]->type->dtype == n->in[1]->type->dtype ||
		check_same_dtype(b, n->op, 0, 1, n->in));
}

/* What a convolution with these weights, from the result to x, has as its transpose. */
static Node *transposed_general(Builder *b, Node *x, Node *w, const Transposed *t)
{
	Plane p = t->p;
	for (int d = 0; d < 2; d++)
		p.size[d] = (t->p.size[d] - 1) * p.stride[d] + plane_extent(&p, d) - p.pad[d] -
			    p.pad[d + 2] + t->extra[d];
	for (int d = 0; d < 2; d++)
		if (p.size[d] < 1)
			return builder_error(b, E5013,
					     "conv_transpose2d: the padding leaves nothing of "
					     "the result"),
			       x;
	Node *y = emit_conv_spread(b, emit_channels_last(b, x), w, false, &p, t->groups);
	return emit_channels_first(b, y);
}

static bool is_pixel_shuffle(const Transposed *t)
{
	bool plain = t->groups == 1;
	for (int d = 0; d < 2; d++)
		plain = plain && t->p.stride[d] == t->p.kernel[d] && t->p.dilation[d] == 1 &&
			!t->p.pad[d] && !t->p.pad[d + 2] && !t->extra[d];
	return plain;
}

/* Every input pixel becomes a block of its own: [N*H*W, C] by [C, KH*KW*O]. The output channels run
 * last and the bias is added to the product's columns, so that with channels last the rows of a
 * block are copied as they are. */
static Node *transposed_shuffle(Builder *b, Node *x, Node *w, Node *bias, const Transposed *t)
{
	int64_t n = x->type->dim[0], h = t->p.size[0], width = t->p.size[1], o = t->out;
	int64_t kh = t->p.kernel[0], kw = t->p.kernel[1], cols = kh * kw * o;
	x = emit_transpose(b, x, (int[]){ 0, 2, 3, 1 });
	x = emit_reshape(b, x, 2, (int64_t[]){ n * h * width, t->in });
	w = emit_transpose(b, w, (int[]){ 0, 2, 3, 1 });
	w = emit_reshape(b, w, 2, (int64_t[]){ t->in, cols });
	Node *y = emit_matmul(b, x, w, false, false);
	if (bias) {
		bias = emit_broadcast(b, bias, 2, (int64_t[]){ kh * kw, o });
		y = emit_b2(b, OP_add, y, emit_reshape(b, bias, 1, &cols));
	}
	y = emit_reshape(b, y, 6, (int64_t[]){ n, h, width, kh, kw, o });
	y = emit_transpose(b, y, (int[]){ 0, 5, 1, 3, 2, 4 });
	return emit_reshape(b, y, 4, (int64_t[]){ n, o, h * kh, width * kw });
}

bool expand_conv_transpose2d(Builder *b, const Node *n, Node **out)
{
	Transposed t = { 0 };
	if (!read_transposed(b, n, &t))
		return false;
	Node *x = plane_enter(b, n->in[0], &t.p), *w = enter_weights(b, n->in[1], &t.p);
	Node *bias = given_input(n, 2);
	Node *y = is_pixel_shuffle(&t) ? transposed_shuffle(b, x, w, bias, &t)
				       : add_bias(b, transposed_general(b, x, w, &t), bias);
	return expand_done(b, out, plane_leave(b, y, &t.p));
}
