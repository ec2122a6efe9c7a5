/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Contractions, reductions, normalisations of random graphs. */
#include "tests/conform/random_graph.h"
#include "tests/conform/generate.h"
#include <string.h>

/* --- contractions ----------------------------------------------------------------------------- */

/* By itself, or by another value that fits, turned as needed. */
Node *grow_matmul(Case *c, Pool *p, Node *x)
{
	const Type *t = x->type;
	int r = t->rank;
	int64_t dim[MAX_RANK];
	if (r < 2 || r > 4)
		return NULL;
	Node *y = pool_like(c, p, x);
	if (y->type == t && chance(c, 60))
		return chance(c, 50) ? emit_matmul(c->b, x, y, false, true)
				     : emit_matmul(c->b, x, y, true, false);
	memcpy(dim, t->dim, sizeof dim);
	bool tw = chance(c, 40);
	int64_t n = some_size(c), k = t->dim[r - 1];
	dim[r - 2] = tw ? n : k;
	dim[r - 1] = tw ? k : n;
	return emit_matmul(c->b, x, scaled_param(c, r, dim, k), false, tw);
}

Node *grow_product(Case *c, Pool *p, Node *x)
{
	const Type *t = x->type;
	(void)p;
	if (t->rank < 1)
		return NULL;
	int64_t k = t->dim[t->rank - 1];
	Node *in[2] = { x, scaled_param(c, 2, DIMS(k, some_size(c)), k) };
	return case_emit(c, OP_product, in, 2, "%s", "");
}

Node *grow_linear(Case *c, Pool *p, Node *x)
{
	const Type *t = x->type;
	(void)p;
	if (t->rank < 1)
		return NULL;
	int64_t k = t->dim[t->rank - 1], n = some_size(c);
	Node *in[3] = { x, scaled_param(c, 2, DIMS(n, k), k), case_operand(c, DT_f32, 1, &n, any) };
	return case_emit(c, OP_linear, in, 3, "%s", "");
}

static Node *conv_of(Case *c, Node *x, int64_t groups, int64_t out)
{
	int64_t in = x->type->dim[1], kernel[2], pad[4], stride[2], dilation[2];
	for (int d = 0; d < 2; d++) {
		kernel[d] = chance(c, 40) ? 1 : pick(c, 1, 3);
		stride[d] = chance(c, 70) ? 1 : pick(c, 1, 4);
		dilation[d] = chance(c, 85) ? 1 : 2;
		pad[d] = pick(c, 0, 2);
		pad[d + 2] = pick(c, 0, 2);
		int64_t extent = (kernel[d] - 1) * dilation[d] + 1;
		while (x->type->dim[d + 2] + pad[d] + pad[d + 2] < extent)
			pad[d]++;
	}
	Node *w = scaled_param(c, 4, DIMS(out, in / groups, kernel[0], kernel[1]),
			       in / groups * kernel[0] * kernel[1]);
	Node *operand[3] = { x, w };
	bool bias = chance(c, 60);
	if (bias)
		operand[2] = case_operand(c, DT_f32, 1, &out, any);
	return case_emit(c, OP_conv2d, operand, bias ? 3 : 2,
			 "stride=%s;pad=%s;dilation=%s;groups=%lld;bias=%d", list(c, 2, stride),
			 list(c, 4, pad), list(c, 2, dilation), (long long)groups, bias);
}

Node *grow_conv(Case *c, Pool *p, Node *x)
{
	(void)p;
	if (x->type->rank != 4)
		return NULL;
	int64_t out = chance(c, 30) ? x->type->dim[1] : some_size(c);
	if (x->type->dim[1] % 2 == 0 && chance(c, 20))
		return conv_of(c, x, 2, 2 * pick(c, 1, 9));
	return conv_of(c, x, 1, out);
}

Node *grow_depthwise(Case *c, Pool *p, Node *x)
{
	(void)p;
	if (x->type->rank != 4)
		return NULL;
	return conv_of(c, x, x->type->dim[1], x->type->dim[1] * pick(c, 1, 2));
}

Node *grow_conv_transpose(Case *c, Pool *p, Node *x)
{
	(void)p;
	if (x->type->rank != 4 || x->type->count > 1500)
		return NULL;
	int64_t in = x->type->dim[1], out = pick(c, 1, 9), k = pick(c, 1, 3),
		stride = pick(c, 1, 2);
	Node *operand[2] = { x, scaled_param(c, 4, DIMS(in, out, k, k), in * k * k) };
	return case_emit(c, OP_conv_transpose2d, operand, 2, "stride=%lld;bias=0",
			 (long long)stride);
}

Node *grow_attention(Case *c, Pool *p, Node *x)
{
	const Type *t = x->type;
	if (t->rank != 4 || t->dim[2] > 33)
		return NULL;
	Node *k = pool_like(c, p, x), *in[4] = { x, k->type == t ? k : x, x };
	bool masked = chance(c, 50);
	if (masked)
		in[3] = case_operand(c, DT_f32, 4,
				     DIMS(1, chance(c, 50) ? t->dim[1] : 1, t->dim[2], t->dim[2]),
				     any);
	if (chance(c, 50))
		return case_emit(c, OP_attention, in, masked ? 4 : 3, "causal=%d",
				 (int)pick(c, 0, 1));
	/* the same by hand, to be recognised */
	Node *scores = emit_matmul(c->b, in[0], in[1], false, true);
	scores = emit_c2(c->b, OP_mul, scores, 0.25);
	if (masked)
		scores = emit_b2(c->b, OP_add, scores, in[3]);
	scores = case_emit(c, OP_softmax, &scores, 1, "axis=-1");
	return emit_matmul(c->b, scores, in[2], false, false);
}

/* --- reductions ------------------------------------------------------------------------------- */

Node *grow_pool(Case *c, Pool *p, Node *x)
{
	(void)p;
	if (x->type->rank != 4)
		return NULL;
	if (chance(c, 25))
		return case_emit(c, chance(c, 50) ? OP_global_avgpool : OP_global_maxpool, &x, 1,
				 "%s", "");
	int64_t k[2] = { pick(c, 1, 3), pick(c, 1, 3) };
	for (int d = 0; d < 2; d++)
		k[d] = k[d] > x->type->dim[d + 2] ? x->type->dim[d + 2] : k[d];
	return case_emit(c, chance(c, 50) ? OP_maxpool2d : OP_avgpool2d, &x, 1,
			 "kernel=%s;stride=%lld,%lld;pad=%s;count_pad=%d", list(c, 2, k),
			 (long long)pick(c, 1, 2), (long long)pick(c, 1, 2),
			 chance(c, 50) ? "same" : "valid", (int)pick(c, 0, 1));
}

static const char *some_axes(Case *c, int rank)
{
	int64_t axes[MAX_RANK];
	int n = 0, form = (int)pick(c, 0, 3);
	if (form == 0)
		axes[n++] = rank - 1;
	else if (form == 1)
		axes[n++] = 0;
	else
		for (int i = 0; i < rank; i++)
			if (chance(c, 50))
				axes[n++] = i;
	return list(c, n, axes);
}

Node *grow_reduce(Case *c, Pool *p, Node *x)
{
	static const Op row[] = { OP_reduce_sum, OP_reduce_max, OP_reduce_min, OP_reduce_sum };
	(void)p;
	if (x->type->rank < 1)
		return NULL;
	Node *y = case_emit(c, row[pick(c, 0, 3)], &x, 1, "axes=%s;keepdims=%d",
			    some_axes(c, x->type->rank), (int)pick(c, 0, 1));
	int64_t dim[MAX_RANK];
	/* often what the reduction gives meets what it was made of */
	if (chance(c, 40) && !is_poison(y) &&
	    broadcast_shape(x->type, y->type, dim) == x->type->rank)
		return emit_b2(c->b, OP_sub, x, y);
	return y;
}

Node *grow_mean(Case *c, Pool *p, Node *x)
{
	static const Op row[] = { OP_reduce_mean, OP_reduce_l1, OP_reduce_l2, OP_reduce_sumsq,
				  OP_reduce_logsumexp };
	(void)p;
	if (x->type->rank < 1)
		return NULL;
	Op op = c->values == VALUES_WHOLE ? OP_reduce_l1 : row[pick(c, 0, 4)];
	return case_emit(c, op, &x, 1, "axes=%s;keepdims=%d", some_axes(c, x->type->rank),
			 (int)pick(c, 0, 1));
}

Node *grow_softmax(Case *c, Pool *p, Node *x)
{
	(void)p;
	if (x->type->rank < 1)
		return NULL;
	return case_emit(c, chance(c, 80) ? OP_softmax : OP_log_softmax, &x, 1, "axis=%lld",
			 (long long)(chance(c, 60) ? -1 : pick(c, 0, x->type->rank - 1)));
}

Node *grow_norm(Case *c, Pool *p, Node *x)
{
	const Type *t = x->type;
	(void)p;
	if (t->rank < 2)
		return NULL;
	if (chance(c, 30)) {
		int64_t groups = t->dim[1] % 2 ? 1 : 2;
		Node *in[3] = { x, case_operand(c, DT_f32, 1, &t->dim[1], any),
				case_operand(c, DT_f32, 1, &t->dim[1], any) };
		return case_emit(c, OP_groupnorm, in, 3, "groups=%lld;eps=0.1", (long long)groups);
	}
	int axis = chance(c, 70) ? t->rank - 1 : (int)pick(c, 1, t->rank - 1);
	Node *in[3] = { x };
	for (int i = 1; i < 3; i++)
		in[i] = case_operand(c, DT_f32, t->rank - axis, t->dim + axis, any);
	bool rms = chance(c, 30);
	return case_emit(c, rms ? OP_rmsnorm : OP_layernorm, in, rms ? 2 : 3, "axis=%d;eps=0.1",
			 axis);
}

Node *grow_batchnorm(Case *c, Pool *p, Node *x)
{
	const Type *t = x->type;
	(void)p;
	if (t->rank < 2)
		return NULL;
	bool was = c->no_params;
	c->no_params = c->no_params || chance(c, 20);
	Node *in[5] = { x };
	for (int i = 1; i < 5; i++)
		in[i] = c->no_params ? case_input(c, DT_f32, 1, &t->dim[1],
						  i == 4 ? between(0.2, 2) : any)
				     : case_param(c, DT_f32, 1, &t->dim[1],
						  i == 4 ? between(0.2, 2) : any);
	c->no_params = was;
	return case_emit(c, OP_batchnorm, in, 5, "%s", "");
}

/* --- order, interpolation --------------------------------------------------------------------- */

Node *grow_order(Case *c, Pool *p, Node *x)
{
	(void)p;
	if (x->type->rank < 1)
		return NULL;
	int axis = (int)pick(c, 0, x->type->rank - 1);
	int64_t n = x->type->dim[axis];
	switch (pick(c, 0, 3)) {
	case 0:
		return case_emit(c, OP_cumsum, &x, 1, "axis=%d;exclusive=%d", axis,
				 (int)pick(c, 0, 1));
	case 1: {
		Node *y = case_emit(c, OP_argmax, &x, 1, "axis=%d", axis);
		return is_poison(y) ? NULL : emit_cast(c->b, y, DT_f32);
	}
	case 2: {
		Node *y = case_emit(c, OP_topk, &x, 1, "k=%lld;axis=%d", (long long)pick(c, 1, n),
				    axis);
		return is_poison(y) ? NULL : emit_get(c->b, y, 0);
	}
	default:
		return x->type->rank < 2
			       ? NULL
			       : case_emit(c, OP_trilu, &x, 1, "k=%lld", (long long)pick(c, -2, 2));
	}
}

Node *grow_resize(Case *c, Pool *p, Node *x)
{
	static const char *const mode[] = { "nearest", "linear" };
	(void)p;
	if (x->type->rank != 4 || x->type->count > 1500)
		return NULL;
	return case_emit(c, OP_resize, &x, 1, "scale=2,2;mode=%s", mode[pick(c, 0, 1)]);
}
