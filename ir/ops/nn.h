/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* What the expansions of macro operators share (ir/ops/nn_*.c). An expansion is written with the
 * builder as a model would be written in core operators; its checks report and make it return
 * false. */
#ifndef IR_OPS_NN_H
#define IR_OPS_NN_H
#include "ir/node.h"
#include "ir/ops/util.h"

/* Input i or NULL when it is left out. */
static inline Node *given_input(const Node *n, int i)
{
	return i < n->n_in ? n->in[i] : NULL;
}

/* The result of an expansion with one: false when something was reported. */
static inline bool expand_done(Builder *b, Node **out, Node *y)
{
	out[0] = y;
	return !b->failed;
}

Node *emit_nums(Builder *b, DType t, int rank, const int64_t *dim, const double *v);
Node *emit_indices(Builder *b, int64_t n, const int64_t *v); /* i64[n] */
Node *emit_mean(Builder *b, Node *x, int n_axes, const int64_t *axes, bool keepdims);
/* the dimensions first.. of a tensor of that rank; their number */
int axes_from(int64_t first, int rank, int64_t axes[MAX_RANK]);
/* --- normalisation: shared by layers and their gradients ------------------------------------- */
Node *emit_centred(Builder *b, Node *x, int n_axes, const int64_t *axes); /* minus its mean */
/* x / size, where size is the root of (the mean of x^2 + eps) */
Node *emit_unit_size(Builder *b, Node *x, int n_axes, const int64_t *axes, double eps, Node **size);
/* x [N,C,...] as [N, groups, rest]; no groups given: each channel is one */
Node *emit_grouped(Builder *b, Node *x, int64_t groups);

/* [C] as [C,1,1...], so that it goes along dimension 1 of a tensor of that rank */
Node *along_channels(Builder *b, Node *v, int rank);
/* v, input i of n, has the one dimension [size] */
bool check_vector(Builder *b, const Node *n, int i, int64_t size);
bool check_min_rank(Builder *b, const Node *n, int i, int rank);
/* the text is one of the given names */
bool check_name(Builder *b, const Node *n, const char *field, const char *text, int count,
		const char *const *names);

/* --- windows over [N,C,H,W] or [N,C,L], as layers state them --------------------------------- */
typedef struct Plane {
	bool line;       /* [N,C,L]: worked on as [N,C,1,L] */
	int64_t size[2]; /* of the input; index 0 height, 1 width */
	int64_t kernel[2], stride[2], dilation[2];
	int64_t pad[4]; /* top, left, bottom, right */
} Plane;
/* The rank of input 0, its sizes, and lists of one or two numbers. An empty list of strides means
 * the kernel. */
bool plane_read(Builder *b, const Node *n, Plane *p, Ints stride, Ints dilation);
/* One or two numbers; for a line the height's is `fallback`, which an empty list gives to both. */
bool plane_pair(Builder *b, const Node *n, const char *field, Ints v, bool line, int64_t fallback,
		int64_t out[2]);
/* 'same', 'same_lower', 'valid' or numbers; needs all else of p. */
bool plane_pad(Builder *b, const Node *n, Plane *p, const char *text);
bool plane_pad_is_same(const char *text);
int64_t plane_extent(const Plane *p, int d);
Node *plane_enter(Builder *b, Node *x, const Plane *p); /* [N,C,L] to [N,C,1,L] */
Node *plane_leave(Builder *b, Node *y, const Plane *p);
Node *emit_window(Builder *b, Op op, Node *x, const Plane *p);
Node *emit_conv(Builder *b, Node *x, Node *w, const Plane *p, int64_t groups);
#endif
