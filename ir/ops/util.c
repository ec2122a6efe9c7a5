/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Shared by the operators' hooks: see util.h. */
#include "ir/ops/util.h"

int axis_norm(int64_t axis, int rank)
{
	return (int)(axis < 0 ? axis + rank : axis);
}

void transpose_perm(const Node *n, int perm[MAX_RANK])
{
	const Attr_perm *a = ATTR_OF(n, perm);
	int rank = n->in[0]->type->rank;
	for (int i = 0; i < rank; i++)
		perm[i] = a->perm.n ? axis_norm(a->perm.v[i], rank) : rank - 1 - i;
}

void reduced_dims(const Attr_reduce *a, int rank, bool reduced[MAX_RANK])
{
	for (int i = 0; i < rank; i++)
		reduced[i] = a->axes.n == 0;
	for (int i = 0; i < a->axes.n; i++)
		reduced[axis_norm(a->axes.v[i], rank)] = true;
}

void reduce_mask(const Node *n, bool reduced[MAX_RANK])
{
	reduced_dims(ATTR_OF(n, reduce), n->in[0]->type->rank, reduced);
}

bool index_next(int64_t *at, int rank, const int64_t *dim)
{
	for (int i = rank - 1; i >= 0; i--) {
		if (++at[i] < dim[i])
			return true;
		at[i] = 0;
	}
	return false;
}

int64_t flat_index(const Type *t, const int64_t *at)
{
	int64_t flat = 0;
	for (int i = 0; i < t->rank; i++)
		flat = flat * t->dim[i] + at[i];
	return flat;
}

int64_t dims_product(const Type *t, int from, int to)
{
	int64_t product = 1;
	for (int i = from; i < to; i++)
		product *= t->dim[i];
	return product;
}

void copy_element(const EvalTensor *to, int64_t i, const EvalTensor *from, int64_t j)
{
	if (to->f)
		to->f[i] = from->f[j];
	else
		to->i[i] = from->i[j];
}

int64_t clamp_index(int64_t i, int64_t n)
{
	if (i < 0)
		i = i < -n ? 0 : i + n;
	return i >= n ? n - 1 : i;
}

/* --- checks ---------------------------------------------------------------------------------- */

const char *type_text(Builder *b, const Type *t)
{
	Str s;
	str_init(&s, b->ctx->arena);
	type_print(&s, t);
	return str_text(&s);
}

const char *input_name(Op op, int i)
{
	bool optional;
	const char *param;
	return op_input_name(op, i, &optional, &param);
}

bool check_axis(Builder *b, Op op, int64_t axis, int rank)
{
	if (axis >= -rank && axis < rank)
		return true;
	return builder_error(b, E5013, "%s: axis %lld is outside of a tensor of rank %d (%d to %d)",
			     op_info(op)->name, (long long)axis, rank, -rank, rank - 1);
}

bool check_rank(Builder *b, Op op, int i, Node *const *in, int rank)
{
	if (in[i]->type->rank == rank)
		return true;
	return builder_error(b, E5011, "%s: %s needs %d dimensions, it is %s", op_info(op)->name,
			     input_name(op, i), rank, type_text(b, in[i]->type));
}

bool check_same_dtype(Builder *b, Op op, int i, int j, Node *const *in)
{
	DType x = in[i]->type->dtype, y = in[j]->type->dtype;
	if (x == y)
		return true;
	builder_error(b, E5012, "%s: %s is %s, %s is %s; one data type is needed",
		      op_info(op)->name, input_name(op, i), type_text(b, in[i]->type),
		      input_name(op, j), type_text(b, in[j]->type));
	diag_hint(b->diag, "convert one of them with a cast");
	return false;
}

bool check_index_dtype(Builder *b, Op op, int i, Node *const *in)
{
	char kind = dtype_info[in[i]->type->dtype].kind;
	if (kind == 'i' || kind == 'u')
		return true;
	builder_error(b, E5012, "%s: %s holds indices and must be of a whole-number type, it is %s",
		      op_info(op)->name, input_name(op, i), type_text(b, in[i]->type));
	diag_hint(b->diag, "convert it with a cast to i64");
	return false;
}

bool check_number_dtype(Builder *b, Op op, int i, Node *const *in)
{
	if (dtype_info[in[i]->type->dtype].kind != 'b')
		return true;
	builder_error(b, E5012, "%s: %s holds truth values, numbers are needed", op_info(op)->name,
		      input_name(op, i));
	diag_hint(b->diag, "convert it with a cast");
	return false;
}

bool check_float_dtype(Builder *b, Op op, int i, Node *const *in)
{
	if (dtype_is_float(in[i]->type->dtype))
		return true;
	builder_error(b, E5012, "%s: %s must be of a floating-point type, it is %s",
		      op_info(op)->name, input_name(op, i), type_text(b, in[i]->type));
	diag_hint(b->diag, "convert it with a cast to f32");
	return false;
}

bool check_num(Builder *b, Op op, const char *name, Num v, DType t)
{
	Str s;
	if (num_is_of(t, v))
		return true;
	str_init(&s, b->graph->arena);
	num_print(&s, v);
	return builder_error(b, E5013, "%s: %s is %s, which is not a number of %s",
			     op_info(op)->name, name, str_text(&s), dtype_info[t].name);
}

bool check_ints(Builder *b, Op op, const char *name, Ints v, int n, int64_t min, int64_t max)
{
	if (v.n != n)
		return builder_error(b, E5013, "%s: %s has %d entries, %d are needed",
				     op_info(op)->name, name, v.n, n);
	for (int i = 0; i < n; i++)
		if (v.v[i] < min || v.v[i] > max)
			return builder_error(b, E5013, "%s: %s holds %lld, allowed is %lld to %lld",
					     op_info(op)->name, name, (long long)v.v[i],
					     (long long)min, (long long)max);
	return true;
}

static const Type *too_large(Builder *b, Op op, int rank, const int64_t *dim)
{
	Str sizes;
	str_init(&sizes, b->graph->arena);
	for (int i = 0; i < rank; i++)
		str_fmt(&sizes, i ? ",%lld" : "%lld", (long long)dim[i]);
	return builder_error(b, E5014, "%s: a result of [%s] is beyond 2^40 elements",
			     op_info(op)->name, str_text(&sizes));
}

const Type *result_type(Builder *b, Op op, DType t, int rank, const int64_t *dim)
{
	if (rank > MAX_RANK)
		return builder_error(b, E5014, "%s: the result has %d dimensions, %d are the limit",
				     op_info(op)->name, rank, MAX_RANK);
	const Type *type = type_get(b->ctx, t, rank, dim);
	return type ? type : too_large(b, op, rank, dim);
}
