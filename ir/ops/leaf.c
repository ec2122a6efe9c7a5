/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Leaves, and what is about types alone: constants, get, shape. */
#include "ir/hooks.h"
#include "ir/ops/util.h"
#include "ir/scalar.h"

/* Inputs and parameters carry their type from where they were made; data brings its own. */
const Type *infer_leaf(Builder *b, Op op, Attr attr, Node *const *in, int n_in)
{
	(void)in, (void)n_in;
	const Blob *data = NULL;
	if (op == OP_const)
		data = ((const Attr_data *)attr)->data;
	if (op == OP_param)
		data = ((const Attr_param *)attr)->data;
	if (!data)
		return builder_error(b, E5013, "%s: it has no data that would give its type",
				     op_info(op)->name);
	return data->type;
}

const Type *infer_fill(Builder *b, Op op, Attr attr, Node *const *in, int n_in)
{
	(void)in, (void)n_in;
	const Attr_fill *a = attr;
	if (!check_num(b, op, "value", a->value, a->type) ||
	    !check_ints(b, op, "shape", a->shape, a->shape.n, 0, MAX_ELEMENTS))
		return NULL;
	return result_type(b, op, a->type, a->shape.n, a->shape.v);
}

const Type *infer_iota(Builder *b, Op op, Attr attr, Node *const *in, int n_in)
{
	(void)in, (void)n_in;
	const Attr_iota *a = attr;
	if (!check_ints(b, op, "shape", a->shape, a->shape.n, 0, MAX_ELEMENTS) ||
	    !check_axis(b, op, a->axis, a->shape.n))
		return NULL;
	if (a->type == DT_bool)
		return builder_error(b, E5012, "iota: it counts, and bool is not a number");
	return result_type(b, op, a->type, a->shape.n, a->shape.v);
}

const Type *infer_get(Builder *b, Op op, Attr attr, Node *const *in, int n_in)
{
	(void)op, (void)n_in;
	const Type *t = in[0]->type;
	int64_t i = ((const Attr_index *)attr)->index;
	if (t->dtype != DT_tuple)
		return builder_error(b, E5012, "get: %s has one result, there is nothing to choose",
				     op_info(in[0]->op)->name);
	if (i < 0 || i >= t->n_elem)
		return builder_error(b, E5013, "get: %s has results 0 to %d, not %lld",
				     op_info(in[0]->op)->name, t->n_elem - 1, (long long)i);
	return t->elem[i];
}

const Type *infer_shape(Builder *b, Op op, Attr attr, Node *const *in, int n_in)
{
	(void)attr, (void)n_in;
	int64_t rank = in[0]->type->rank;
	return result_type(b, op, DT_i64, 1, &rank);
}

/* --- evaluation ------------------------------------------------------------------------------ */

void eval_const(const EvalCall *c)
{
	const Blob *data = ATTR_OF(c->n, data)->data;
	for (int64_t i = 0; i < c->out->type->count; i++)
		if (c->out->f)
			c->out->f[i] = blob_f64(data, i);
		else
			c->out->i[i] = blob_i64(data, i);
}

void eval_fill(const EvalCall *c)
{
	DType t = c->out->type->dtype;
	uint64_t element = 0;
	num_store(t, &element, 0, ATTR_OF(c->n, fill)->value);
	for (int64_t i = 0; i < c->out->type->count; i++)
		if (c->out->f)
			c->out->f[i] = load_f64(t, &element, 0);
		else
			c->out->i[i] = load_i64(t, &element, 0);
}

void eval_iota(const EvalCall *c)
{
	const Type *t = c->out->type;
	int axis = axis_norm(ATTR_OF(c->n, iota)->axis, t->rank);
	int64_t at[MAX_RANK] = { 0 };
	for (int64_t i = 0; i < t->count; i++, index_next(at, t->rank, t->dim))
		if (c->out->f)
			c->out->f[i] = (double)at[axis];
		else
			c->out->i[i] = at[axis];
}
