/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Layers and operators that are matrix products, and the table look-up. */
#include "ir/hooks.h"
#include "ir/ops/nn.h"
#include <string.h>

/* [..., K] as [M, K] */
static Node *as_rows(Builder *b, Node *x)
{
	const Type *t = x->type;
	int64_t rows = dims_product(t, 0, t->rank - 1);
	return emit_reshape(b, x, 2, (int64_t[]){ rows, t->dim[t->rank - 1] });
}

/* [M, N] back to the leading sizes of x */
static Node *from_rows(Builder *b, Node *y, const Type *x)
{
	int64_t dim[MAX_RANK];
	memcpy(dim, x->dim, sizeof dim);
	dim[x->rank - 1] = y->type->dim[1];
	return emit_reshape(b, y, x->rank, dim);
}

/* --- linear ---------------------------------------------------------------------------------- */

static bool check_linear(Builder *b, const Node *n)
{
	const Type *x = n->in[0]->type, *w = n->in[1]->type;
	if (!check_min_rank(b, n, 0, 1) || !check_rank(b, n->op, 1, n->in, 2))
		return false;
	if (x->dim[x->rank - 1] != w->dim[1])
		return builder_error(b, E5011,
				     "linear: weights, %s, expect %lld features, x, %s, has %lld",
				     type_text(b, w), (long long)w->dim[1], type_text(b, x),
				     (long long)x->dim[x->rank - 1]);
	return !given_input(n, 2) || check_vector(b, n, 2, w->dim[0]);
}

bool expand_linear(Builder *b, const Node *n, Node **out)
{
	if (!check_linear(b, n))
		return false;
	Node *y = emit_matmul(b, as_rows(b, n->in[0]), n->in[1], false, true);
	if (given_input(n, 2))
		y = emit_b2(b, OP_add, y, n->in[2]);
	return expand_done(b, out, from_rows(b, y, n->in[0]->type));
}

/* --- product --------------------------------------------------------------------------------- */

static bool check_inner(Builder *b, const Type *x, const Type *w)
{
	int64_t k = x->dim[x->rank - 1], k2 = w->dim[w->rank == 1 ? 0 : w->rank - 2];
	if (k == k2)
		return true;
	return builder_error(b, E5011, "product: %s by %s: rows of %lld meet columns of %lld",
			     type_text(b, x), type_text(b, w), (long long)k, (long long)k2);
}

/* The leading sizes of both, repeated where one has 1 or none. */
static bool repeat_leading(Builder *b, Node **x, Node **w)
{
	Type lead[2] = { *(*x)->type, *(*w)->type };
	int64_t dim[MAX_RANK], full[MAX_RANK];
	lead[0].rank -= 2;
	lead[1].rank -= 2;
	int rank = broadcast_shape(&lead[0], &lead[1], dim);
	if (rank < 0)
		return builder_error(b, E5011, "product: the leading sizes of %s and %s do not fit",
				     type_text(b, (*x)->type), type_text(b, (*w)->type));
	Node **side[2] = { x, w };
	for (int i = 0; i < 2; i++) {
		const Type *t = (*side[i])->type;
		memcpy(full, dim, sizeof full);
		full[rank] = t->dim[t->rank - 2];
		full[rank + 1] = t->dim[t->rank - 1];
		*side[i] = emit_broadcast(b, *side[i], rank + 2, full);
	}
	return true;
}

static Node *matrix_product(Builder *b, Node *x, Node *w)
{
	if (w->type->rank == 2 && x->type->rank > 2)
		return from_rows(b, emit_matmul(b, as_rows(b, x), w, false, false), x->type);
	if (!repeat_leading(b, &x, &w))
		return x;
	return emit_matmul(b, x, w, false, false);
}

/* Vectors are matrices for a while: a row on the left, a column on the right. */
bool expand_product(Builder *b, const Node *n, Node **out)
{
	Node *x = n->in[0], *w = n->in[1];
	if (!check_min_rank(b, n, 0, 1) || !check_min_rank(b, n, 1, 1) ||
	    !check_same_dtype(b, n->op, 0, 1, n->in) || !check_inner(b, x->type, w->type))
		return false;
	bool row = x->type->rank == 1, column = w->type->rank == 1;
	if (row)
		x = emit_reshape(b, x, 2, (int64_t[]){ 1, x->type->dim[0] });
	if (column)
		w = emit_reshape(b, w, 2, (int64_t[]){ w->type->dim[0], 1 });
	Node *y = matrix_product(b, x, w);
	if (b->failed)
		return false;
	int64_t dim[MAX_RANK];
	int rank = 0;
	for (int i = 0; i < y->type->rank; i++)
		if (!(row && i == y->type->rank - 2) && !(column && i == y->type->rank - 1))
			dim[rank++] = y->type->dim[i];
	return expand_done(b, out, emit_reshape(b, y, rank, dim));
}

/* --- gemm ------------------------------------------------------------------------------------ */

static Node *scaled(Builder *b, Node *x, double factor)
{
	return factor == 1 ? x : emit_c2(b, OP_mul, x, factor);
}

bool expand_gemm(Builder *b, const Node *n, Node **out)
{
	const Attr_gemm *a = ATTR_OF(n, gemm);
	Node *addend = given_input(n, 2);
	if (!check_rank(b, n->op, 0, n->in, 2) || !check_rank(b, n->op, 1, n->in, 2))
		return false;
	Node *y = emit_matmul(b, n->in[0], n->in[1], a->trans_a, a->trans_b);
	y = scaled(b, y, a->alpha);
	if (b->failed || !addend || a->beta == 0)
		return expand_done(b, out, y);
	int64_t dim[MAX_RANK];
	const Type *t = addend->type;
	if (broadcast_shape(y->type, t, dim) != 2 || dim[0] != y->type->dim[0] ||
	    dim[1] != y->type->dim[1])
		return builder_error(b, E5011, "gemm: c, %s, does not repeat to the product, %s",
				     type_text(b, t), type_text(b, y->type));
	return expand_done(b, out, emit_b2(b, OP_add, y, scaled(b, addend, a->beta)));
}

/* --- embedding ------------------------------------------------------------------------------- */

bool expand_embedding(Builder *b, const Node *n, Node **out)
{
	if (!check_rank(b, n->op, 1, n->in, 2) || !check_index_dtype(b, n->op, 0, n->in))
		return false;
	return expand_done(b, out, emit_gather(b, n->in[1], n->in[0], 0));
}
