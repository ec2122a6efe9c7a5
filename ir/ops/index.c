/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Gathers and scatter: elements addressed by an index tensor. Negative indices count from the end;
 * what is outside is clamped (the compiled model reports it, the reference only stays inside). */
#include "ir/hooks.h"
#include "ir/ops/util.h"

/* --- gather ---------------------------------------------------------------------------------- */

static bool check_has_elements(Builder *b, Op op, const Type *x, int axis, const Type *index)
{
	if (x->dim[axis] > 0 || index->count == 0)
		return true;
	return builder_error(b, E5011, "%s: dimension %d of %s is empty, no index is inside",
			     op_info(op)->name, axis, type_text(b, x));
}

const Type *infer_gather(Builder *b, Op op, Attr attr, Node *const *in, int n_in)
{
	(void)n_in;
	const Type *x = in[0]->type, *index = in[1]->type;
	int64_t axis = ((const Attr_gather *)attr)->axis, dim[2 * MAX_RANK];
	if (!check_index_dtype(b, op, 1, in) || !check_axis(b, op, axis, x->rank))
		return NULL;
	axis = axis_norm(axis, x->rank);
	if (!check_has_elements(b, op, x, (int)axis, index))
		return NULL;
	int rank = 0;
	for (int i = 0; i < axis; i++)
		dim[rank++] = x->dim[i];
	for (int i = 0; i < index->rank; i++)
		dim[rank++] = index->dim[i];
	for (int i = (int)axis + 1; i < x->rank; i++)
		dim[rank++] = x->dim[i];
	return result_type(b, op, x->dtype, rank, dim);
}

void eval_gather(const EvalCall *c)
{
	const Type *x = c->in[0]->type;
	int axis = axis_norm(ATTR_OF(c->n, gather)->axis, x->rank);
	int64_t outer = dims_product(x, 0, axis), inner = dims_product(x, axis + 1, x->rank);
	int64_t o = 0, size = x->dim[axis];
	for (int64_t row = 0; row < outer; row++)
		for (int64_t k = 0; k < c->in[1]->type->count; k++) {
			int64_t j = clamp_index(c->in[1]->i[k], size);
			for (int64_t i = 0; i < inner; i++)
				copy_element(c->out, o++, c->in[0], (row * size + j) * inner + i);
		}
}

/* --- gather_elements ------------------------------------------------------------------------- */

const Type *infer_gather_elements(Builder *b, Op op, Attr attr, Node *const *in, int n_in)
{
	(void)n_in;
	const Type *x = in[0]->type, *index = in[1]->type;
	int64_t axis = ((const Attr_gather *)attr)->axis;
	if (!check_index_dtype(b, op, 1, in) || !check_axis(b, op, axis, x->rank) ||
	    !check_rank(b, op, 1, in, x->rank))
		return NULL;
	axis = axis_norm(axis, x->rank);
	if (!check_has_elements(b, op, x, (int)axis, index))
		return NULL;
	for (int i = 0; i < x->rank; i++)
		if (i != axis && index->dim[i] > x->dim[i])
			return builder_error(b, E5011,
					     "gather_elements: index is %s, larger than x, %s, in "
					     "dimension %d",
					     type_text(b, index), type_text(b, x), i);
	return result_type(b, op, x->dtype, x->rank, index->dim);
}

void eval_gather_elements(const EvalCall *c)
{
	const Type *x = c->in[0]->type, *t = c->out->type;
	int axis = axis_norm(ATTR_OF(c->n, gather)->axis, x->rank);
	int64_t at[MAX_RANK] = { 0 };
	for (int64_t o = 0; o < t->count; o++, index_next(at, t->rank, t->dim)) {
		int64_t was = at[axis];
		at[axis] = clamp_index(c->in[1]->i[o], x->dim[axis]);
		copy_element(c->out, o, c->in[0], flat_index(x, at));
		at[axis] = was;
	}
}

/* --- gather_nd, scatter_nd ------------------------------------------------------------------- */

/* Sizes of the index tuples but the last, then what is left of x behind a tuple. */
static bool nd_dims(Builder *b, Op op, Node *const *in, int *rank, int64_t *dim)
{
	const Type *x = in[0]->type, *index = in[1]->type;
	if (!check_index_dtype(b, op, 1, in))
		return false;
	int64_t depth = index->rank ? index->dim[index->rank - 1] : 0;
	if (depth < 1 || depth > x->rank)
		return builder_error(
			b, E5011,
			"%s: the last dimension of index, %s, is the length of a tuple "
			"and must be 1 to %d for x, %s",
			op_info(op)->name, type_text(b, index), x->rank, type_text(b, x));
	for (int i = 0; i < depth; i++)
		if (!check_has_elements(b, op, x, i, index))
			return false;
	*rank = 0;
	for (int i = 0; i < index->rank - 1; i++)
		dim[(*rank)++] = index->dim[i];
	for (int i = (int)depth; i < x->rank; i++)
		dim[(*rank)++] = x->dim[i];
	return true;
}

const Type *infer_gather_nd(Builder *b, Op op, Attr attr, Node *const *in, int n_in)
{
	(void)attr, (void)n_in;
	int rank;
	int64_t dim[2 * MAX_RANK];
	if (!nd_dims(b, op, in, &rank, dim))
		return NULL;
	return result_type(b, op, in[0]->type->dtype, rank, dim);
}

/* Element of x where tuple k points, and how many follow it. */
static int64_t nd_start(const EvalCall *c, int64_t k, int64_t *len)
{
	const Type *x = c->in[0]->type, *index = c->in[1]->type;
	int64_t depth = index->dim[index->rank - 1], flat = 0;
	for (int64_t i = 0; i < depth; i++)
		flat = flat * x->dim[i] + clamp_index(c->in[1]->i[k * depth + i], x->dim[i]);
	*len = dims_product(x, (int)depth, x->rank);
	return flat * *len;
}

static int64_t nd_tuples(const EvalCall *c)
{
	return dims_product(c->in[1]->type, 0, c->in[1]->type->rank - 1);
}

void eval_gather_nd(const EvalCall *c)
{
	for (int64_t k = 0; k < nd_tuples(c); k++) {
		int64_t len, start = nd_start(c, k, &len);
		for (int64_t i = 0; i < len; i++)
			copy_element(c->out, k * len + i, c->in[0], start + i);
	}
}

const Type *infer_scatter_nd(Builder *b, Op op, Attr attr, Node *const *in, int n_in)
{
	(void)n_in;
	int rank;
	int64_t dim[2 * MAX_RANK];
	if (!nd_dims(b, op, in, &rank, dim) || !check_same_dtype(b, op, 0, 2, in))
		return NULL;
	if (((const Attr_scatter *)attr)->add && !check_number_dtype(b, op, 0, in))
		return NULL;
	const Type *expected = result_type(b, op, in[0]->type->dtype, rank, dim);
	if (!expected)
		return NULL;
	if (in[2]->type != expected)
		return builder_error(b, E5011,
				     "scatter_nd: updates must be %s for this x and index, "
				     "it is %s",
				     type_text(b, expected), type_text(b, in[2]->type));
	return in[0]->type;
}

static void update_element(const EvalCall *c, int64_t o, int64_t u)
{
	if (!ATTR_OF(c->n, scatter)->add)
		copy_element(c->out, o, c->in[2], u);
	else if (c->out->f)
		c->out->f[o] += c->in[2]->f[u];
	else
		c->out->i[o] = (int64_t)((uint64_t)c->out->i[o] + (uint64_t)c->in[2]->i[u]);
}

void eval_scatter_nd(const EvalCall *c)
{
	for (int64_t i = 0; i < c->out->type->count; i++)
		copy_element(c->out, i, c->in[0], i);
	for (int64_t k = 0; k < nd_tuples(c); k++) {
		int64_t len, start = nd_start(c, k, &len);
		for (int64_t i = 0; i < len; i++)
			update_element(c, start + i, k * len + i);
	}
}
