/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Sliding windows turned around: every window gives its value back to the elements it has seen. The
 * gradient of a convolution or pool, and the transposed convolution.
 *
 * With stride s, element i gets something from each tap k whose place fits: from window
 * (i + pad - k dilation) / s where that is whole. So the elements fall into s phases a dimension;
 * each phase meets its own taps only, and is a dense window of stride 1 over the given values. The
 * phases are computed one by one and put together like the teeth of combs. No zeros are inserted
 * and multiplied. */
#ifndef IR_OPS_SPREAD_H
#define IR_OPS_SPREAD_H
#include "ir/ops/nn.h"

/* One dimension of a phase: a dense window over the given values from `from` up to `to`, with `low`
 * and `high` zeros around them. It meets `taps` taps, first, first + step ... of the kernel, in
 * opposite order, `distance` values apart. */
typedef struct Phase {
	int64_t size; /* elements */
	int64_t from, to, low, high;
	int64_t taps, first, step, distance;
} Phase;

/* The elements of one phase, [N, rows, columns, C]. */
typedef Node *SpreadFn(Builder *b, const Phase phase[2], void *user);

/* Values of the type [N,OH,OW,...] given back to an image of the type [N,H,W,C]; p is what the
 * window has (its size is not looked at). */
Node *emit_spread(Builder *b, const Type *from, const Type *to, const Plane *p, SpreadFn *fn,
		  void *user);
/* What a phase reads of y, without and with its border. */
Node *phase_part(Builder *b, Node *y, const Phase phase[2]);
Node *phase_bordered(Builder *b, Node *y, const Phase phase[2], double border);
/* The places of a bordered part that tap (t0, t1) of the phase reads. */
Node *phase_tap(Builder *b, Node *bordered, const Phase phase[2], int64_t t0, int64_t t1);

/* The transposed convolution, channels last, to an image of p->size. w is as a convolution of
 * [N,H,W,channels] has it, [O,channels/groups,KH,KW], or with `last` [KH,KW,channels/groups,O]. */
Node *emit_conv_spread(Builder *b, Node *y, Node *w, bool last, const Plane *p, int64_t groups);

Node *emit_channels_last(Builder *b, Node *x);  /* [N,C,H,W] to [N,H,W,C] */
Node *emit_channels_first(Builder *b, Node *x); /* and back */
#endif
