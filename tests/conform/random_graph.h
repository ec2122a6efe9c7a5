/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Random graphs of a few operators, put together so that shapes fit: chains after contractions and
 * reductions, branches with several readers, views in between, residuals. */
#ifndef TESTS_CONFORM_RANDOM_GRAPH_H
#define TESTS_CONFORM_RANDOM_GRAPH_H
#include "tests/conform/conform.h"

/* Fills the case's graph with about n operators and chooses its results. */
void random_graph(Case *c, int n);

/* The same with every operator there is: one of them is `wanted`. Values of all types, sizes 0, 1
 * and primes among them. */
void random_graph_of_all(Case *c, int n, Op wanted);
/* A value of the type, made of one of c->pool; NULL: a new input is better. */
Node *pool_operand(Case *c, const Type *t, Domain d);
/* The value (each element of a tuple) joins c->pool. */
void pool_results(Case *c, Node *n);

typedef struct Pool {
	Node *at[96];
	int n;
} Pool;
/* One more operator on x; NULL when it does not apply. */
typedef Node *GrowFn(Case *c, Pool *p, Node *x);

/* random_graph.c */
Node *pool_like(Case *c, const Pool *p, const Node *x); /* another node of x's type, or x */
Node *grow_usual(Case *c, Pool *p, Node *x);            /* one of those below */
Node *scaled_param(Case *c, int rank, const int64_t *dim, int64_t terms);

/* random_steps.c */
GrowFn grow_unary, grow_binary, grow_bias, grow_constant, grow_select, grow_cast, grow_residual;
GrowFn grow_reshape, grow_transpose, grow_slice, grow_pad, grow_concat, grow_broadcast, grow_split;
GrowFn grow_gather;
/* random_layers.c */
GrowFn grow_matmul, grow_product, grow_linear, grow_conv, grow_depthwise, grow_conv_transpose;
GrowFn grow_pool, grow_reduce, grow_mean, grow_softmax, grow_norm, grow_batchnorm, grow_attention;
GrowFn grow_order, grow_resize;
/* random_any.c */
GrowFn grow_repeated, grow_rows;
#endif
