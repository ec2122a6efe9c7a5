/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Valid cases of every operator: one function per operator (or for several that take the same
 * inputs and attributes), chosen by the table in generate.c. Each emits the operator on inputs of
 * its own and makes what comes out the graph's results. */
#ifndef TESTS_CONFORM_GENERATE_H
#define TESTS_CONFORM_GENERATE_H
#include "tests/conform/conform.h"

typedef void Generate(Case *c, Op op);
typedef struct GenerateRow {
	Generate *make; /* NULL: the table lacks the operator */
	const char *group;
} GenerateRow;
GenerateRow generate_row(Op op);

/* generate_each.c */
Generate make_each, make_cast, make_select, make_activation, make_prelu, make_optimizer,
	make_random, make_dropout_train;
/* generate_move.c */
Generate make_broadcast, make_reshape, make_transpose, make_slice, make_pad, make_concat,
	make_gather;
Generate make_gather_elements, make_gather_nd, make_scatter_nd, make_get, make_shape, make_squeeze;
Generate make_unsqueeze, make_flatten, make_expand, make_tile, make_split, make_strided_slice;
Generate make_padding, make_range, make_depth_to_space, make_space_to_depth, make_trilu,
	make_onehot;
Generate make_embedding;
/* generate_reduce.c */
Generate make_cross_entropy, make_mse;
Generate make_reduce, make_arg, make_cumsum, make_window, make_topk, make_softmax, make_pool;
Generate make_global_pool, make_batchnorm, make_norm, make_groupnorm, make_lrn;
/* generate_contract.c */
Generate make_matmul, make_conv, make_conv_dw, make_attention, make_winograd, make_winograd_tiles,
	make_conv2d, make_conv_transpose2d, make_linear;
Generate make_product, make_gemm, make_einsum, make_resize, make_rnn;

/* "2,3" for an attribute */
const char *list(Case *c, int n, const int64_t *v);
#endif
