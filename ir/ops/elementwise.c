/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Types of elementwise operators. What they compute is the row in scalar.def (ir/scalar.c evaluates
 * it). */
#include "ir/hooks.h"
#include "ir/ops/util.h"

/* Broadcasting is an operator of its own: here all sizes are equal. */
static bool check_equal_shapes(Builder *b, Op op, Node *const *in, int n_in)
{
	for (int i = 1; i < n_in; i++)
		if (!type_same_shape(in[0]->type, in[i]->type)) {
			builder_error(b, E5011, "%s: %s is %s, but %s is %s", op_info(op)->name,
				      input_name(op, 0), type_text(b, in[0]->type),
				      input_name(op, i), type_text(b, in[i]->type));
			diag_hint(b->diag, "the sizes must be equal; broadcast one of them");
			return false;
		}
	return true;
}

static bool is_logic(Op op)
{
	return op == OP_and || op == OP_or || op == OP_xor || op == OP_not;
}

static bool check_operand(Builder *b, Op op, int i, Node *const *in)
{
	if (!is_logic(op))
		return check_number_dtype(b, op, i, in);
	if (!dtype_is_float(in[i]->type->dtype))
		return true;
	return builder_error(b, E5012,
			     "%s: %s holds floating-point numbers, it needs truth values "
			     "or whole numbers",
			     op_info(op)->name, input_name(op, i));
}

const Type *infer_same(Builder *b, Op op, Attr attr, Node *const *in, int n_in)
{
	(void)attr;
	if (!check_equal_shapes(b, op, in, n_in))
		return NULL;
	for (int i = 0; i < n_in; i++)
		if (!check_same_dtype(b, op, 0, i, in) || !check_operand(b, op, i, in))
			return NULL;
	return in[0]->type;
}

const Type *infer_same_float(Builder *b, Op op, Attr attr, Node *const *in, int n_in)
{
	for (int i = 0; i < n_in; i++)
		if (!check_float_dtype(b, op, i, in))
			return NULL;
	return infer_same(b, op, attr, in, n_in);
}

const Type *infer_compare(Builder *b, Op op, Attr attr, Node *const *in, int n_in)
{
	(void)attr;
	if (!check_equal_shapes(b, op, in, n_in))
		return NULL;
	if (n_in == 2 && !check_same_dtype(b, op, 0, 1, in))
		return NULL;
	if (n_in == 1 && !check_float_dtype(b, op, 0, in))
		return NULL;
	return type_with_dtype(b->ctx, in[0]->type, DT_bool);
}

const Type *infer_select(Builder *b, Op op, Attr attr, Node *const *in, int n_in)
{
	(void)attr;
	if (in[0]->type->dtype != DT_bool) {
		builder_error(b, E5012, "select: c holds truth values, but it is %s",
			      type_text(b, in[0]->type));
		diag_hint(b->diag, "compare it with zero, or cast it to bool");
		return NULL;
	}
	if (!check_equal_shapes(b, op, in, n_in) || !check_same_dtype(b, op, 1, 2, in))
		return NULL;
	return in[1]->type;
}

const Type *infer_cast(Builder *b, Op op, Attr attr, Node *const *in, int n_in)
{
	(void)op, (void)n_in;
	return type_with_dtype(b->ctx, in[0]->type, ((const Attr_cast *)attr)->to);
}
