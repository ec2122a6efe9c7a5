/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The table of generators, by operator. */
#include "tests/conform/generate.h"

#define ROW(op, make, group) [OP_##op] = { make_##make, group }
static const GenerateRow row[OP_COUNT] = {
	ROW(cast, cast, "each"),
	ROW(select, select, "each"),
	ROW(identity, activation, "each"),
	ROW(dropout, activation, "each"),
	ROW(gelu, activation, "each"),
	ROW(silu, activation, "each"),
	ROW(mish, activation, "each"),
	ROW(hard_sigmoid, activation, "each"),
	ROW(hard_swish, activation, "each"),
	ROW(leaky_relu, activation, "each"),
	ROW(prelu, prelu, "each"),
	ROW(elu, activation, "each"),
	ROW(selu, activation, "each"),
	ROW(sinh, activation, "each"),
	ROW(cosh, activation, "each"),
	ROW(softplus, activation, "each"),
	ROW(softsign, activation, "each"),
	ROW(clip, activation, "each"),
	ROW(reciprocal, activation, "each"),
	ROW(random_bits, random, "each"),
	ROW(dropout_train, dropout_train, "each"),
	ROW(sgd, optimizer, "each"),
	ROW(momentum, optimizer, "each"),
	ROW(adam, optimizer, "each"),
	ROW(adamw, optimizer, "each"),
	ROW(broadcast, broadcast, "move"),
	ROW(reshape, reshape, "move"),
	ROW(transpose, transpose, "move"),
	ROW(slice, slice, "move"),
	ROW(pad, pad, "move"),
	ROW(concat, concat, "move"),
	ROW(gather, gather, "move"),
	ROW(gather_elements, gather_elements, "move"),
	ROW(gather_nd, gather_nd, "move"),
	ROW(scatter_nd, scatter_nd, "move"),
	ROW(get, get, "move"),
	ROW(shape, shape, "move"),
	ROW(squeeze, squeeze, "move"),
	ROW(unsqueeze, unsqueeze, "move"),
	ROW(flatten, flatten, "move"),
	ROW(expand, expand, "move"),
	ROW(tile, tile, "move"),
	ROW(split, split, "move"),
	ROW(strided_slice, strided_slice, "move"),
	ROW(padding, padding, "move"),
	ROW(range, range, "move"),
	ROW(depth_to_space, depth_to_space, "move"),
	ROW(space_to_depth, space_to_depth, "move"),
	ROW(trilu, trilu, "move"),
	ROW(onehot, onehot, "move"),
	ROW(embedding, embedding, "move"),
	ROW(reduce_sum, reduce, "reduce"),
	ROW(reduce_prod, reduce, "reduce"),
	ROW(reduce_max, reduce, "reduce"),
	ROW(reduce_min, reduce, "reduce"),
	ROW(reduce_mean, reduce, "reduce"),
	ROW(reduce_l1, reduce, "reduce"),
	ROW(reduce_l2, reduce, "reduce"),
	ROW(reduce_sumsq, reduce, "reduce"),
	ROW(reduce_logsumexp, reduce, "reduce"),
	ROW(argmax, arg, "reduce"),
	ROW(argmin, arg, "reduce"),
	ROW(cumsum, cumsum, "reduce"),
	ROW(window_max, window, "reduce"),
	ROW(window_sum, window, "reduce"),
	ROW(topk_index, topk, "reduce"),
	ROW(topk, topk, "reduce"),
	ROW(softmax, softmax, "reduce"),
	ROW(log_softmax, softmax, "reduce"),
	ROW(cross_entropy, cross_entropy, "reduce"),
	ROW(mse, mse, "reduce"),
	ROW(maxpool2d, pool, "reduce"),
	ROW(avgpool2d, pool, "reduce"),
	ROW(global_avgpool, global_pool, "reduce"),
	ROW(global_maxpool, global_pool, "reduce"),
	ROW(batchnorm, batchnorm, "reduce"),
	ROW(batchnorm_train, batchnorm, "reduce"),
	ROW(layernorm, norm, "reduce"),
	ROW(rmsnorm, norm, "reduce"),
	ROW(groupnorm, groupnorm, "reduce"),
	ROW(lrn, lrn, "reduce"),
	ROW(matmul, matmul, "contract"),
	ROW(conv, conv, "contract"),
	ROW(conv_dw, conv_dw, "contract"),
	ROW(attention, attention, "contract"),
	ROW(winograd, winograd, "contract"),
	ROW(winograd_tiles, winograd_tiles, "contract"),
	ROW(conv2d, conv2d, "contract"),
	ROW(conv_transpose2d, conv_transpose2d, "contract"),
	ROW(linear, linear, "contract"),
	ROW(product, product, "contract"),
	ROW(gemm, gemm, "contract"),
	ROW(einsum, einsum, "contract"),
	ROW(resize, resize, "contract"),
	ROW(lstm, rnn, "contract"),
	ROW(gru, rnn, "contract"),
	ROW(rnn, rnn, "contract"),
};
#undef ROW

GenerateRow generate_row(Op op)
{
	const OpInfo *info = op_info(op);
	bool each = (info->flags & OF_ELEMENTWISE) && (info->levels & LEVEL_T);
	if (!row[op].make && each)
		return (GenerateRow){ make_each, "each" };
	return row[op];
}

const char *list(Case *c, int n, const int64_t *v)
{
	Str s;
	str_init(&s, c->arena);
	for (int i = 0; i < n; i++)
		str_fmt(&s, i ? ",%lld" : "%lld", (long long)v[i]);
	return str_text(&s);
}
