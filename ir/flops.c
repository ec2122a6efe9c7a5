/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* See flops.h. Each counts by the direct algorithm. */
#include "ir/flops.h"

static double product_flops(const Node *n)
{
	const Attr_matmul *a = ATTR_OF(n, matmul);
	const Type *x = n->in[0]->type;
	return 2.0 * (double)n->type->count * (double)x->dim[x->rank - (a->trans_x ? 2 : 1)];
}

/* The multiplications of one output are the weights of one output channel. */
static double conv_flops(const Node *n)
{
	const Attr_conv *a = ATTR_OF(n, conv);
	const Type *w = n->in[1]->type;
	int64_t each = a->panel ? w->dim[1] : w->count / w->dim[a->channels_last ? w->rank - 1 : 0];
	return 2.0 * (double)n->type->count * (double)each;
}

static double conv_dw_flops(const Node *n)
{
	return 2.0 * (double)n->in[1]->type->count * (double)n->type->count /
	       (double)ATTR_OF(n, conv)->kernel.v[2];
}

/* Both products. */
static double attention_flops(const Node *n)
{
	double keys = (double)n->in[1]->type->dim[2];
	return 2.0 * keys * ((double)n->type->count + (double)n->in[0]->type->count);
}

double node_flops(const Node *n)
{
	if (n->type->count == 0)
		return 0;
	if (n->op == OP_matmul)
		return product_flops(n);
	if (n->op == OP_conv)
		return conv_flops(n);
	if (n->op == OP_conv_dw)
		return conv_dw_flops(n);
	return n->op == OP_attention ? attention_flops(n) : 0;
}
