/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The register tile: R rows by NV vectors of columns held in accumulators over one pass of the
 * reduction. Used by the contraction and the attention template; they say what is read and where
 * the result goes. */
#ifndef PASSES_TEMPLATE_PRODUCT_H
#define PASSES_TEMPLATE_PRODUCT_H
#include "ir/kbuilder.h"

typedef struct Product Product;
struct Product {
	KBuilder *kb;
	void *user;
	Node *first;        /* where the rows of this tile begin: in `carry`, else the caller's */
	DType type;         /* of the accumulators, as read_a and read_b give it */
	int64_t rows[2];    /* unrolled rows: image rows and columns of a pixel tile, or { 1, R } */
	int64_t full, rest; /* whole vectors of columns; active lanes of a last, partial one */
	int n_r;
	int64_t extent[3];   /* reduction loops, outermost first; size 1 opens none */
	Node *at[3];         /* given: this index instead of a loop */
	Node *lo[3], *hi[3]; /* given: the loop's range, within its extent */
	bool unroll_last;    /* the innermost one, when it is tiny */
	Node *slot; /* given: accumulators stand in scratch `carry`, [slots][rows][columns],
		       before and after, and nothing is written */
	int carry;
	int tile; /* scratch [rows][columns] through which a long epilogue runs as a loop
		     instead of once per register, or -1 */
	/* i: the two row indices; r: reduction indices; col: column within the tile */
	Node *(*read_a)(Product *p, Node *const *i, Node *const *r); /* a scalar */
	Node *(*read_b)(Product *p, Node *const *r, Node *col);      /* a vector */
	void (*write)(Product *p, Node *const *i, Node *col, Node *acc);
};
void emit_product(Product *p);

/* A convolution with channels last as a product of M x K and K x N. A plain product is one of a
 * single row of M pixels: oh = kh = kw = 1, and steps of 1. */
typedef struct ConvShape {
	int64_t oh, ow;    /* M: the pixels of an image */
	int64_t cols;      /* N: output channels */
	int64_t kh, kw, c; /* K = kh * kw * c */
	int64_t sh, sw, dh, dw;
} ConvShape;
/* y: the type of the convolution's result */
ConvShape conv_shape(const Attr_conv *a, const Type *x, const Type *y);

/* Lanes of a vector of the type. */
int product_lanes(const Target *t, DType type);
/* Rows of a tile with nv vectors of columns for this machine: R * NV accumulators, NV columns, one
 * broadcast fit its registers. */
int64_t product_rows(const Target *t, int nv);
#endif
