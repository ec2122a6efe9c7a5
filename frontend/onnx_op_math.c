/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Elementwise operators and reductions of ONNX as elements. Where Burin has no operator of the same
 * meaning, a few elements say it; numbers among the inputs ("x 2") take the type of the input
 * beside them. */
#include "frontend/onnx_ops.h"
#include <math.h>

/* --- the common case ------------------------------------------------------------------------- */

/* ONNX's default is the float next to Burin's, which is another double. */
static void set_default(OnnxCall *n, Elem *e, const AttrFieldInfo *f)
{
	double v;
	if (f->kind == AK_f64 && parse_f64(f->def, strlen(f->def), &v))
		onnx_set_num(n, e, f->name, (double)(float)v);
}

static void copy_attr(OnnxCall *n, Elem *e, const AttrFieldInfo *f)
{
	if (!onnx_has_attr(n, f->name)) {
		set_default(n, e, f);
		return;
	}
	switch (f->kind) {
	case AK_i64: onnx_set_int(n, e, f->name, onnx_attr_int(n, f->name, 0)); break;
	case AK_flag: onnx_set_flag(n, e, f->name, onnx_attr_int(n, f->name, 0) != 0); break;
	case AK_f64: onnx_set_num(n, e, f->name, onnx_attr_float(n, f->name, 0)); break;
	case AK_ints: onnx_set_ints(n, e, f->name, onnx_attr_ints(n, f->name)); break;
	case AK_str: onnx_set(n, e, f->name, onnx_attr_text(n, f->name, "")); break;
	case AK_num:
	case AK_nums:
	case AK_dtype:
	case AK_blob:
	case AK_graph: break;
	}
}

/* Elementwise operators take a scalar constant as a number, if another input gives it its type. */
static void add_args(OnnxCall *n, Elem *e, Op op)
{
	bool elementwise = op_info(op)->flags & OF_ELEMENTWISE, typed = false;
	int first = op == OP_select;
	for (int i = first; i < n->n_in; i++)
		typed |= onnx_in(n, i) && !onnx_in(n, i)->data;
	for (int i = 0; i < n->n_in; i++) {
		const char *number = elementwise && typed && i >= first
					     ? onnx_scalar_text(n, i, onnx_type(n, i))
					     : NULL;
		if (number)
			onnx_arg_id(n, e, number);
		else
			onnx_arg(n, e, i);
	}
}

/* The second input before operator set 7: it stands for the dimensions of the first from `axis` on,
 * the last ones when that is not given. */
static const char *placed_input(OnnxCall *n)
{
	int rank = onnx_rank(n, 0), own = onnx_rank(n, 1);
	int64_t axis = onnx_attr_int(n, "axis", -1), axes[MAX_RANK];
	int behind = 0;
	if (str_eq(n->row->name, "PRelu")) /* a slope for each channel, or one */
		axis = own == 1 && !(onnx_in(n, 1)->data && onnx_in(n, 1)->data->type->count == 1)
			       ? 1
			       : -1;
	if (axis < 0 || own == 0)
		return onnx_in_id(n, 1);
	for (int64_t i = axis + own; own > 0 && i < rank && behind < MAX_RANK; i++)
		axes[behind++] = i - axis;
	if (own < 0 || rank < 0)
		onnx_no(n, NULL, "with an axis where the sizes are not known");
	if (!behind)
		return onnx_in_id(n, 1);
	Elem e = onnx_elem(n, "unsqueeze");
	onnx_arg(n, &e, 1);
	onnx_set_ints(n, &e, "axes", (Ints){ .n = behind, .v = axes });
	return onnx_step(n, &e, "placed");
}

static Elem named_elem(OnnxCall *n)
{
	Elem e = onnx_elem(n, n->row->target);
	Op op;
	if (!op_find(n->row->target, &op))
		return e;
	bool old = n->opset < 7 && n->n_in == 2 &&
		   (op_info(op)->flags & OF_ELEMENTWISE || op == OP_prelu);
	if (old) {
		onnx_ignore(n, "broadcast");
		const char *y = placed_input(n);
		onnx_arg(n, &e, 0);
		onnx_arg_id(n, &e, y);
		return e;
	}
	add_args(n, &e, op);
	const AttrInfo *info = &attr_info[op_info(op)->attr];
	for (int i = 0; i < info->n_field; i++)
		copy_attr(n, &e, &info->field[i]);
	return e;
}

bool onnx_map_named(OnnxCall *n)
{
	Elem e = named_elem(n);
	return !n->failed && onnx_result(n, &e, onnx_type(n, 0));
}

/* From operator set 7 a slope repeats as numpy does, so one of a single dimension belongs to the
 * last dimension of x. Burin's own stands along the channels; of two dimensions it repeats, too. */
bool onnx_map_prelu(OnnxCall *n)
{
	if (n->opset < 7 || onnx_rank(n, 0) == 2 || onnx_rank(n, 1) == 0 || onnx_rank(n, 1) > 1)
		return onnx_map_named(n);
	if (onnx_rank(n, 1) < 0)
		return onnx_no(n, NULL, "where the rank of the slope is not known");
	Elem row = onnx_elem(n, "unsqueeze");
	onnx_arg(n, &row, 1);
	onnx_set_int(n, &row, "axes", 0);
	const char *slope = onnx_step(n, &row, "slope");
	Elem e = onnx_elem(n, "prelu");
	onnx_arg(n, &e, 0);
	onnx_arg_id(n, &e, slope);
	return onnx_result(n, &e, onnx_type(n, 0));
}

bool onnx_map_compare(OnnxCall *n)
{
	Elem e = named_elem(n);
	return !n->failed && onnx_result(n, &e, DT_bool);
}

bool onnx_map_where(OnnxCall *n)
{
	Elem e = named_elem(n);
	return onnx_result(n, &e, onnx_type(n, 1));
}

/* The last of several elements. */
static bool finish_two(OnnxCall *n, const char *op, const char *x, const char *y, DType type)
{
	Elem e = onnx_elem(n, op);
	onnx_arg_id(n, &e, x);
	onnx_arg_id(n, &e, y);
	return onnx_result(n, &e, type);
}

/* --- several inputs -------------------------------------------------------------------------- */

/* Min, Max, Sum, Mean of any number: one element for each pair. */
bool onnx_map_variadic(OnnxCall *n)
{
	bool mean = str_eq(n->row->name, "Mean");
	if (n->n_in == 1)
		return onnx_alias(n, 0, onnx_in(n, 0));
	const char *sum = onnx_in_id(n, 0);
	for (int i = 1; i < n->n_in; i++) {
		if (!onnx_in(n, i))
			return onnx_no(n, NULL, "with an input left out");
		Elem e = onnx_elem(n, n->row->target);
		onnx_arg_id(n, &e, sum);
		onnx_arg(n, &e, i);
		if (i == n->n_in - 1 && !mean)
			return onnx_result(n, &e, onnx_type(n, 0));
		sum = onnx_step(n, &e, "part");
	}
	Elem e = onnx_elem(n, "div");
	onnx_arg_id(n, &e, sum);
	onnx_arg_id(n, &e, arena_printf(n->o->scratch, "%d", n->n_in));
	return onnx_result(n, &e, onnx_type(n, 0));
}

static const char *cast_id(OnnxCall *n, const char *what, const char *id, DType to)
{
	Elem e = onnx_elem(n, "cast");
	onnx_arg_id(n, &e, id);
	onnx_set(n, &e, "to", dtype_info[to].name);
	return onnx_step(n, &e, what);
}

static bool cast_result(OnnxCall *n, const char *id, DType to)
{
	Elem e = onnx_elem(n, "cast");
	onnx_arg_id(n, &e, id);
	onnx_set(n, &e, "to", dtype_info[to].name);
	return onnx_result(n, &e, to);
}

/* Base and exponent may differ in type; the result has the base's. */
bool onnx_map_pow(OnnxCall *n)
{
	DType base = onnx_type(n, 0), exponent = onnx_type(n, 1);
	if (n->opset < 7)
		return onnx_map_named(n);
	bool known = base != DT_COUNT && exponent != DT_COUNT;
	bool real = known && dtype_is_float(exponent) && !dtype_is_float(base);
	const char *number = onnx_in(n, 0)->data ? NULL : onnx_scalar_text(n, 1, base);
	if (number && known && !real)
		return finish_two(n, "pow", onnx_in_id(n, 0), number, base);
	const char *x = onnx_in_id(n, 0), *y = onnx_in_id(n, 1);
	if (real) { /* a double holds what either type holds, 64-bit integers aside */
		if (exponent != DT_f64)
			y = cast_id(n, "exponent", y, DT_f64);
		x = cast_id(n, "base", x, DT_f64);
		return cast_result(n, onnx_do(n, "power", "pow", x, y), base);
	}
	if (known && base != exponent)
		y = cast_id(n, "exponent", y, base);
	return finish_two(n, "pow", x, y, base);
}

bool onnx_map_mod(OnnxCall *n)
{
	Elem e = onnx_elem(n, onnx_attr_int(n, "fmod", 0) ? "fmod" : "mod");
	onnx_arg(n, &e, 0);
	onnx_arg(n, &e, 1);
	return onnx_result(n, &e, onnx_type(n, 0));
}

/* --- clip ------------------------------------------------------------------------------------ */

/* Bounds that are no constants: min and max say the same. */
static bool clip_by_values(OnnxCall *n)
{
	const char *x = onnx_in_id(n, 0);
	bool low = onnx_in(n, 1), high = onnx_in(n, 2);
	if (low) {
		Elem e = onnx_elem(n, "max");
		onnx_arg_id(n, &e, x);
		onnx_arg(n, &e, 1);
		if (!high)
			return onnx_result(n, &e, onnx_type(n, 0));
		x = onnx_step(n, &e, "low");
	}
	Elem e = onnx_elem(n, "min");
	onnx_arg_id(n, &e, x);
	onnx_arg(n, &e, 2);
	return onnx_result(n, &e, onnx_type(n, 0));
}

bool onnx_map_clip(OnnxCall *n)
{
	double v;
	Elem e = onnx_elem(n, "clip");
	if (n->opset >= 11) {
		for (int i = 1; i < 3; i++)
			if (onnx_in(n, i) && !onnx_known_num(n, i, &v))
				return clip_by_values(n);
		if (n->n_in == 1)
			return onnx_alias(n, 0, onnx_in(n, 0));
		onnx_set_param(n, &e, "min", 1);
		onnx_set_param(n, &e, "max", 2);
	} else {
		if (onnx_has_attr(n, "min"))
			onnx_set_num(n, &e, "min", onnx_attr_float(n, "min", 0));
		if (onnx_has_attr(n, "max"))
			onnx_set_num(n, &e, "max", onnx_attr_float(n, "max", 0));
	}
	onnx_arg(n, &e, 0);
	return onnx_result(n, &e, onnx_type(n, 0));
}

/* --- casts ----------------------------------------------------------------------------------- */

static bool cast_to(OnnxCall *n, DType to)
{
	if (onnx_type(n, 0) == to)
		return onnx_alias(n, 0, onnx_in(n, 0));
	return cast_result(n, onnx_in_id(n, 0), to);
}

bool onnx_map_cast(OnnxCall *n)
{
	onnx_ignore(n, "saturate"); /* of small floats */
	onnx_ignore(n, "round_mode");
	if (!onnx_has_attr(n, "to"))
		return onnx_lacks(n, "to");
	int code = (int)onnx_attr_int(n, "to", 0);
	DType to;
	if (!onnx_dtype(code, &to))
		return onnx_no(n, NULL, "to the type %s", onnx_dtype_name(code));
	return cast_to(n, to);
}

bool onnx_map_cast_like(OnnxCall *n)
{
	onnx_ignore(n, "saturate");
	onnx_ignore(n, "round_mode");
	DType to = onnx_type(n, 1);
	if (to == DT_COUNT)
		return onnx_no(n, NULL, "where the wanted type is not known");
	return cast_to(n, to);
}

/* --- functions made of others ---------------------------------------------------------------- */

bool onnx_map_is_inf(OnnxCall *n)
{
	bool negative = onnx_attr_int(n, "detect_negative", 1) != 0;
	bool positive = onnx_attr_int(n, "detect_positive", 1) != 0;
	const char *x = onnx_in_id(n, 0);
	if (negative && positive)
		return onnx_map_compare(n);
	if (!negative && !positive)
		return onnx_no(n, NULL, "of neither sign");
	const char *any = onnx_do(n, "any", "isinf", x, NULL);
	const char *sign = onnx_do(n, "sign", positive ? "gt" : "lt", x, "0");
	return finish_two(n, "and", any, sign, DT_bool);
}

/* alpha elu(x / alpha) */
bool onnx_map_celu(OnnxCall *n)
{
	double alpha = onnx_attr_float(n, "alpha", 1);
	const char *factor = onnx_num_text(n, alpha), *x = onnx_in_id(n, 0);
	if (alpha == 1) {
		Elem e = onnx_elem(n, "elu");
		onnx_arg_id(n, &e, x);
		return onnx_result(n, &e, onnx_type(n, 0));
	}
	const char *elu = onnx_do(n, "elu", "elu", onnx_do(n, "scaled", "div", x, factor), NULL);
	return finish_two(n, "mul", elu, factor, onnx_type(n, 0));
}

/* x sigmoid(alpha x); QuickGelu has another default */
bool onnx_map_swish(OnnxCall *n)
{
	double alpha = onnx_attr_float(n, "alpha", str_eq(n->row->name, "QuickGelu") ? 1.702 : 1);
	const char *x = onnx_in_id(n, 0);
	if (alpha == 1) {
		Elem e = onnx_elem(n, "silu");
		onnx_arg_id(n, &e, x);
		return onnx_result(n, &e, onnx_type(n, 0));
	}
	const char *scaled = onnx_do(n, "scaled", "mul", x, onnx_num_text(n, alpha));
	return finish_two(n, "mul", x, onnx_do(n, "gate", "sigmoid", scaled, NULL),
			  onnx_type(n, 0));
}

bool onnx_map_bias_gelu(OnnxCall *n)
{
	const char *x = onnx_in_id(n, 0);
	if (onnx_in(n, 1))
		x = onnx_do(n, "sum", "add", x, onnx_in_id(n, 1));
	Elem e = onnx_elem(n, "gelu");
	onnx_arg_id(n, &e, x);
	if (str_eq(n->row->name, "FastGelu"))
		onnx_set(n, &e, "approximate", "tanh");
	return onnx_result(n, &e, onnx_type(n, 0));
}

static bool select_result(OnnxCall *n, const char *cond, const char *x, const char *y)
{
	Elem e = onnx_elem(n, "select");
	onnx_arg_id(n, &e, cond);
	onnx_arg_id(n, &e, x);
	onnx_arg_id(n, &e, y);
	return onnx_result(n, &e, onnx_type(n, 0));
}

bool onnx_map_thresholded_relu(OnnxCall *n)
{
	const char *x = onnx_in_id(n, 0), *alpha = onnx_num_text(n, onnx_attr_float(n, "alpha", 1));
	return select_result(n, onnx_do(n, "above", "gt", x, alpha), x, "0");
}

/* x below -lambd: x + bias; above lambd: x - bias; between: 0 */
bool onnx_map_shrink(OnnxCall *n)
{
	double bias = onnx_attr_float(n, "bias", 0), lambd = onnx_attr_float(n, "lambd", 0.5);
	const char *x = onnx_in_id(n, 0);
	const char *below = onnx_do(n, "below", "lt", x, onnx_num_text(n, -lambd));
	const char *above = onnx_do(n, "above", "gt", x, onnx_num_text(n, lambd));
	const char *more = onnx_do(n, "more", "add", x, onnx_num_text(n, bias));
	const char *less = onnx_do(n, "less", "sub", x, onnx_num_text(n, bias));
	Elem e = onnx_elem(n, "select");
	onnx_arg_id(n, &e, above);
	onnx_arg_id(n, &e, less);
	onnx_arg_id(n, &e, "0");
	return select_result(n, below, more, onnx_step(n, &e, "upper"));
}

bool onnx_map_tan(OnnxCall *n)
{
	const char *x = onnx_in_id(n, 0);
	const char *sin = onnx_do(n, "sin", "sin", x, NULL),
		   *cos = onnx_do(n, "cos", "cos", x, NULL);
	return finish_two(n, "div", sin, cos, onnx_type(n, 0));
}

/* --- reductions ------------------------------------------------------------------------------ */

/* Axes are an attribute, from some operator set on an input. False: nothing is to be reduced. */
static bool reduced_axes(OnnxCall *n, Elem *e, int input_since)
{
	bool none_means_none =
		n->opset >= input_since && onnx_attr_int(n, "noop_with_empty_axes", 0);
	Ints axes;
	if (n->opset >= input_since) {
		bool empty = !onnx_in(n, 1) || (onnx_known_ints(n, 1, &axes) && axes.n == 0);
		if (!empty)
			onnx_set_param(n, e, "axes", 1);
		return !(empty && none_means_none);
	}
	axes = onnx_attr_ints(n, "axes");
	if (axes.n)
		onnx_set_ints(n, e, "axes", axes);
	return true;
}

/* What reducing over nothing leaves of the elements. */
static bool reduce_nothing(OnnxCall *n)
{
	const char *op = str_eq(n->row->name, "ReduceL1") || str_eq(n->row->name, "ReduceL2")
				 ? "abs"
			 : str_eq(n->row->name, "ReduceLogSum") ? "log"
								: NULL;
	if (str_eq(n->row->name, "ReduceSumSquare"))
		return finish_two(n, "mul", onnx_in_id(n, 0), onnx_in_id(n, 0), onnx_type(n, 0));
	if (!op)
		return onnx_alias(n, 0, onnx_in(n, 0));
	Elem e = onnx_elem(n, op);
	onnx_arg(n, &e, 0);
	return onnx_result(n, &e, onnx_type(n, 0));
}

bool onnx_map_reduce(OnnxCall *n)
{
	Elem e = onnx_elem(n, n->row->target);
	bool log = str_eq(n->row->name, "ReduceLogSum");
	int input_since = str_eq(n->row->name, "ReduceSum") ? 13 : 18;
	if (n->opset < input_since && n->n_in > 1)
		return onnx_no(n, NULL, "with axes as an input, which belongs to operator set %d",
			       input_since);
	bool keep = onnx_attr_int(n, "keepdims", 1) != 0;
	if (!reduced_axes(n, &e, input_since))
		return reduce_nothing(n);
	bool truth = onnx_type(n, 0) == DT_bool; /* whether all or any hold: as numbers */
	onnx_arg_id(n, &e,
		    truth ? cast_id(n, "numbers", onnx_in_id(n, 0), DT_u8) : onnx_in_id(n, 0));
	onnx_set_flag(n, &e, "keepdims", keep);
	if (truth)
		return cast_result(n, onnx_step(n, &e, "reduced"), DT_bool);
	if (!log)
		return onnx_result(n, &e, onnx_type(n, 0));
	const char *sum = onnx_step(n, &e, "sum");
	Elem last = onnx_elem(n, "log");
	onnx_arg_id(n, &last, sum);
	return onnx_result(n, &last, onnx_type(n, 0));
}

bool onnx_map_arg(OnnxCall *n)
{
	if (onnx_attr_int(n, "select_last_index", 0))
		return onnx_no(n, NULL, "with select_last_index");
	int64_t axis = onnx_attr_int(n, "axis", 0);
	Elem e = onnx_elem(n, n->row->target);
	onnx_arg(n, &e, 0);
	onnx_set_int(n, &e, "axis", axis);
	if (!onnx_attr_int(n, "keepdims", 1))
		return onnx_result(n, &e, DT_i64);
	const char *index = onnx_step(n, &e, "index");
	Elem keep = onnx_elem(n, "unsqueeze");
	onnx_arg_id(n, &keep, index);
	onnx_set_int(n, &keep, "axes", axis);
	return onnx_result(n, &keep, DT_i64);
}
