/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Layers of ONNX: convolution, pooling, normalisation, products, dropout, interpolation. */
#include "frontend/onnx_ops.h"
#include <math.h>

/* --- windows --------------------------------------------------------------------------------- */

static const char *no_3d = "one and two spatial dimensions are read";

/* Spatial dimensions, as far as the node tells; 0: not at all. Refuses three of them, reports lists
 * that contradict. */
static bool spatial_rank(OnnxCall *n, bool has_weights, int *rank)
{
	static const struct {
		const char *name;
		int per_dimension;
	} lists[] = { { "kernel_shape", 1 }, { "strides", 1 }, { "dilations", 1 }, { "pads", 2 } };
	int found = has_weights && onnx_rank(n, 1) >= 0 ? onnx_rank(n, 1) - 2 : 0;
	if (!found && onnx_rank(n, 0) >= 0)
		found = onnx_rank(n, 0) - 2;
	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
		int count = onnx_attr_ints(n, lists[i].name).n;
		if (!count)
			continue;
		if (!found)
			found = count / lists[i].per_dimension;
		if (count != found * lists[i].per_dimension)
			return onnx_bad(n, "has %d numbers in '%s' for %d spatial dimensions",
					count, lists[i].name, found);
	}
	*rank = found;
	return found <= 2 || onnx_no(n, no_3d, "over %d spatial dimensions", found);
}

/* One number for a list of equal ones. */
static void set_list(OnnxCall *n, Elem *e, const char *attr, Ints v, int64_t usual)
{
	bool equal = true, is_usual = true;
	for (int i = 0; i < v.n; i++) {
		equal &= v.v[i] == v.v[0];
		is_usual &= v.v[i] == usual;
	}
	if (!is_usual)
		onnx_set_ints(n, e, attr, equal ? (Ints){ .n = 1, .v = v.v } : v);
}

/* [top, left, bottom, right]: two numbers do when opposite sides are equal. */
static void set_pads(OnnxCall *n, Elem *e, Ints p)
{
	bool opposite = p.n == 4 && p.v[0] == p.v[2] && p.v[1] == p.v[3];
	set_list(n, e, "pad", opposite ? (Ints){ .n = 2, .v = p.v } : p, 0);
}

static bool set_window(OnnxCall *n, Elem *e)
{
	const char *mode = onnx_attr_text(n, "auto_pad", "NOTSET");
	Ints pads = onnx_attr_ints(n, "pads");
	if (str_eq(mode, "SAME_UPPER"))
		onnx_set(n, e, "pad", "same");
	else if (str_eq(mode, "SAME_LOWER"))
		onnx_set(n, e, "pad", "same_lower");
	else if (str_eq(mode, "NOTSET") || !mode[0])
		set_pads(n, e, pads);
	else if (!str_eq(mode, "VALID"))
		return onnx_bad(n, "has an unknown auto_pad, '%.40s'", mode);
	set_list(n, e, "dilation", onnx_attr_ints(n, "dilations"), 1);
	return true;
}

static bool convolution(OnnxCall *n, Elem *e)
{
	int rank;
	if (!spatial_rank(n, true, &rank))
		return false;
	for (int i = 0; i < 3; i++)
		onnx_arg(n, e, i);
	set_list(n, e, "kernel", onnx_attr_ints(n, "kernel_shape"), -1);
	set_list(n, e, "stride", onnx_attr_ints(n, "strides"), 1);
	if (onnx_attr_int(n, "group", 1) != 1)
		onnx_set_int(n, e, "groups", onnx_attr_int(n, "group", 1));
	if (onnx_attr_int(n, "group", 1) < 1)
		return onnx_bad(n, "has %lld groups", (long long)onnx_attr_int(n, "group", 1));
	if (!onnx_in(n, 2))
		onnx_set_flag(n, e, "bias", false);
	return set_window(n, e);
}

bool onnx_map_conv(OnnxCall *n)
{
	Elem e = onnx_elem(n, "conv2d");
	return convolution(n, &e) && onnx_result(n, &e, onnx_type(n, 0));
}

bool onnx_map_conv_transpose(OnnxCall *n)
{
	Elem e = onnx_elem(n, "conv_transpose2d");
	if (!convolution(n, &e))
		return false;
	set_list(n, &e, "output_pad", onnx_attr_ints(n, "output_padding"), 0);
	if (onnx_attr_ints(n, "output_shape").n)
		onnx_set_ints(n, &e, "output_shape", onnx_attr_ints(n, "output_shape"));
	return onnx_result(n, &e, onnx_type(n, 0));
}

/* MaxPool and AveragePool. ONNX's step is 1 when it is not given, Burin's is the window. */
bool onnx_map_pool(OnnxCall *n)
{
	int rank;
	bool max = str_eq(n->row->name, "MaxPool");
	Ints stride = onnx_attr_ints(n, "strides"), kernel = onnx_attr_ints(n, "kernel_shape");
	if (!kernel.n)
		return onnx_lacks(n, "kernel_shape");
	onnx_leave_out(n, 1, "with indices as second output");
	if (!spatial_rank(n, false, &rank))
		return false;
	if (max)
		onnx_ignore(n, "storage_order"); /* of the indices */
	Elem e = onnx_elem(n, n->row->target);
	onnx_arg(n, &e, 0);
	set_list(n, &e, "kernel", kernel, -1);
	if (stride.n)
		set_list(n, &e, "stride", stride, -1);
	else
		onnx_set_int(n, &e, "stride", 1);
	if (onnx_attr_int(n, "ceil_mode", 0))
		onnx_set_flag(n, &e, "ceil", true);
	if (!max && onnx_attr_int(n, "count_include_pad", 0))
		onnx_set_flag(n, &e, "count_pad", true);
	return set_window(n, &e) && onnx_result(n, &e, onnx_type(n, 0));
}

/* --- normalisation --------------------------------------------------------------------------- */

static void set_eps(OnnxCall *n, Elem *e)
{
	onnx_set_num(n, e, "eps", onnx_attr_float(n, "epsilon", (double)1e-5f));
}

bool onnx_map_batchnorm(OnnxCall *n)
{
	if (onnx_attr_int(n, "training_mode", 0) || onnx_has_out(n, 1))
		return onnx_no(n, "export after model.eval()", "in its training form");
	if (n->opset < 9 && !onnx_attr_int(n, "spatial", 1))
		return onnx_no(n, NULL, "with spatial=0");
	if (n->opset < 7 && !onnx_attr_int(n, "is_test", 0))
		return onnx_no(n, "export after model.eval()", "in its training form");
	for (int i = 3; i < 5; i++)
		onnx_in(n, i)->fixed = true; /* running averages */
	Elem e = onnx_elem(n, "batchnorm");
	for (int i = 0; i < 5; i++)
		onnx_arg(n, &e, i);
	set_eps(n, &e);
	/* ONNX weighs the old average, Burin the new batch */
	double momentum = 0.9;
	Str text;
	str_init(&text, n->o->scratch);
	str_float(&text, (float)onnx_attr_float(n, "momentum", (double)0.9f));
	parse_f64(str_text(&text), text.n, &momentum); /* 0.99, not the float next to it */
	if (momentum != 0.9)
		onnx_set_num(n, &e, "momentum", (double)(float)(1 - momentum));
	return onnx_result(n, &e, onnx_type(n, 0));
}

bool onnx_map_instancenorm(OnnxCall *n)
{
	Elem e = onnx_elem(n, "groupnorm");
	for (int i = 0; i < 3; i++)
		onnx_arg(n, &e, i);
	onnx_set_int(n, &e, "groups", 0);
	set_eps(n, &e);
	return onnx_result(n, &e, onnx_type(n, 0));
}

/* Before operator set 21 scale and bias have one number a group: normalise [N, groups, rest] and go
 * back. */
static bool groupnorm_by_groups(OnnxCall *n, int64_t groups)
{
	const char *x = onnx_in_id(n, 0), *shape = onnx_do(n, "shape", "shape", x, NULL);
	const char *column[2];
	for (int i = 0; i < 2; i++) {
		const char *vector = onnx_in_id(n, i + 1);
		Elem e = onnx_elem(n, "unsqueeze");
		onnx_arg_id(n, &e, vector);
		onnx_set_int(n, &e, "axes", 1);
		column[i] = onnx_step(n, &e, i ? "shift" : "scale");
	}
	Elem flat = onnx_elem(n, "reshape");
	onnx_arg_id(n, &flat, x);
	onnx_set(n, &flat, "shape", arena_printf(n->o->scratch, "0,%lld,-1", (long long)groups));
	const char *rows = onnx_step(n, &flat, "rows");
	Elem norm = onnx_elem(n, "layernorm");
	onnx_arg_id(n, &norm, rows);
	onnx_set_flag(n, &norm, "affine", false);
	set_eps(n, &norm);
	const char *scaled = onnx_do(n, "scaled", "mul", onnx_step(n, &norm, "normal"), column[0]);
	const char *shifted = onnx_do(n, "shifted", "add", scaled, column[1]);
	Elem back = onnx_elem(n, "reshape");
	onnx_arg_id(n, &back, shifted);
	onnx_set(n, &back, "shape", arena_printf(n->o->scratch, "@%s", shape));
	return onnx_result(n, &back, onnx_type(n, 0));
}

bool onnx_map_groupnorm(OnnxCall *n)
{
	onnx_ignore(n, "stash_type");
	int64_t groups = onnx_attr_int(n, "num_groups", 0);
	if (groups < 1)
		return onnx_lacks(n, "num_groups");
	if (n->opset < 21)
		return groupnorm_by_groups(n, groups);
	Elem e = onnx_elem(n, "groupnorm");
	for (int i = 0; i < 3; i++)
		onnx_arg(n, &e, i);
	onnx_set_int(n, &e, "groups", groups);
	set_eps(n, &e);
	return onnx_result(n, &e, onnx_type(n, 0));
}

static const char *mean_over(OnnxCall *n, const char *x, const char *axes, const char *what)
{
	Elem e = onnx_elem(n, "reduce_mean");
	onnx_arg_id(n, &e, x);
	onnx_set(n, &e, "axes", axes);
	onnx_set_flag(n, &e, "keepdims", true);
	return onnx_step(n, &e, what);
}

/* The second and third result of a layer norm: mean and 1 / deviation of each row. */
static bool row_statistics(OnnxCall *n, int64_t axis)
{
	int rank = onnx_rank(n, 0) >= 0 ? onnx_rank(n, 0) : onnx_out_rank(n, 0);
	if (rank < 0 || axis < -rank || axis >= rank)
		return onnx_no(n, NULL, "with mean or deviation of an input of unknown rank");
	int64_t axes[MAX_RANK];
	int count = 0;
	for (int64_t i = axis < 0 ? axis + rank : axis; i < rank && count < MAX_RANK; i++)
		axes[count++] = i;
	const char *x = onnx_in_id(n, 0),
		   *list = onnx_ints_text(n, (Ints){ .n = count, .v = axes });
	const char *mean = mean_over(n, x, list, "mean");
	const char *centred = onnx_do(n, "centred", "sub", x, mean);
	const char *variance =
		mean_over(n, onnx_do(n, "square", "mul", centred, centred), list, "variance");
	const char *eps = onnx_num_text(n, onnx_attr_float(n, "epsilon", (double)1e-5f));
	const char *deviation =
		onnx_do(n, "deviation", "sqrt", onnx_do(n, "shifted", "add", variance, eps), NULL);
	return onnx_bind(n, 1, mean, onnx_type(n, 0)) &&
	       onnx_bind(n, 2, onnx_do(n, "inverse", "reciprocal", deviation, NULL),
			 onnx_type(n, 0));
}

bool onnx_map_layernorm(OnnxCall *n)
{
	onnx_ignore(n, "stash_type");
	int64_t axis = onnx_attr_int(n, "axis", -1);
	if ((onnx_has_out(n, 1) || onnx_has_out(n, 2)) && !row_statistics(n, axis))
		return false;
	Elem e = onnx_elem(n, "layernorm");
	for (int i = 0; i < 3; i++)
		onnx_arg(n, &e, i);
	onnx_set_int(n, &e, "axis", axis);
	if (!onnx_in(n, 2))
		onnx_set_flag(n, &e, "bias", false);
	set_eps(n, &e);
	return onnx_result(n, &e, onnx_type(n, 0));
}

bool onnx_map_rmsnorm(OnnxCall *n)
{
	onnx_ignore(n, "stash_type");
	Elem e = onnx_elem(n, "rmsnorm");
	onnx_arg(n, &e, 0);
	onnx_arg(n, &e, 1);
	onnx_set_int(n, &e, "axis", onnx_attr_int(n, "axis", -1));
	set_eps(n, &e);
	return onnx_result(n, &e, onnx_type(n, 0));
}

/* (x - mean) / (deviation + 1e-9) */
bool onnx_map_mean_variance(OnnxCall *n)
{
	Ints given = onnx_attr_ints(n, "axes");
	const char *axes = given.n ? onnx_ints_text(n, given) : "0,2,3", *x = onnx_in_id(n, 0);
	const char *centred = onnx_do(n, "centred", "sub", x, mean_over(n, x, axes, "mean"));
	const char *square = onnx_do(n, "square", "mul", centred, centred);
	const char *variance = mean_over(n, square, axes, "variance");
	const char *deviation = onnx_do(n, "deviation", "sqrt", variance, NULL);
	Elem e = onnx_elem(n, "div");
	const char *divisor = onnx_do(n, "divisor", "add", deviation, "1e-9");
	onnx_arg_id(n, &e, centred);
	onnx_arg_id(n, &e, divisor);
	return onnx_result(n, &e, onnx_type(n, 0));
}

bool onnx_map_lp_norm(OnnxCall *n)
{
	int64_t p = onnx_attr_int(n, "p", 2);
	if (p != 1 && p != 2)
		return onnx_bad(n, "has p=%lld", (long long)p);
	const char *x = onnx_in_id(n, 0);
	Elem norm = onnx_elem(n, p == 1 ? "reduce_l1" : "reduce_l2");
	onnx_arg_id(n, &norm, x);
	onnx_set_int(n, &norm, "axes", onnx_attr_int(n, "axis", -1));
	onnx_set_flag(n, &norm, "keepdims", true);
	const char *size = onnx_step(n, &norm, "norm");
	Elem guard = onnx_elem(n, "select"); /* what has no length stays zero */
	const char *zero = onnx_do(n, "zero", "eq", size, "0");
	onnx_arg_id(n, &guard, zero);
	onnx_arg_id(n, &guard, "1");
	onnx_arg_id(n, &guard, size);
	const char *divisor = onnx_step(n, &guard, "divisor");
	Elem e = onnx_elem(n, "div");
	onnx_arg_id(n, &e, x);
	onnx_arg_id(n, &e, divisor);
	return onnx_result(n, &e, onnx_type(n, 0));
}

/* Before operator set 13 softmax runs over all dimensions from `axis` on, as if they were one. */
bool onnx_map_softmax(OnnxCall *n)
{
	int64_t axis = onnx_attr_int(n, "axis", n->opset < 13 ? 1 : -1);
	int rank = onnx_rank(n, 0) >= 0 ? onnx_rank(n, 0) : onnx_out_rank(n, 0);
	Elem e = onnx_elem(n, n->row->target);
	bool last = axis == -1 || (rank >= 0 && axis == rank - 1);
	if (n->opset >= 13 || last) {
		onnx_arg(n, &e, 0);
		onnx_set_int(n, &e, "axis", last ? -1 : axis);
		return onnx_result(n, &e, onnx_type(n, 0));
	}
	const char *x = onnx_in_id(n, 0), *shape = onnx_do(n, "shape", "shape", x, NULL);
	Elem flat = onnx_elem(n, "flatten");
	onnx_arg_id(n, &flat, x);
	onnx_set_int(n, &flat, "axis", axis);
	const char *rows = onnx_step(n, &flat, "rows");
	onnx_arg_id(n, &e, rows);
	onnx_set_int(n, &e, "axis", -1);
	const char *y = onnx_step(n, &e, "softmax");
	Elem back = onnx_elem(n, "reshape");
	onnx_arg_id(n, &back, y);
	onnx_set(n, &back, "shape", arena_printf(n->o->scratch, "@%s", shape));
	return onnx_result(n, &back, onnx_type(n, 0));
}

/* --- products -------------------------------------------------------------------------------- */

/* x W^T + b with constant W and b: a linear layer. */
static bool is_linear(const OnnxCall *n)
{
	const OnnxValue *w = onnx_in(n, 1), *c = onnx_in(n, 2);
	if (!w->data || w->data->type->rank != 2)
		return false;
	return !c || (c->data && c->data->type->rank == 1 &&
		      c->data->type->dim[0] == w->data->type->dim[0]);
}

bool onnx_map_gemm(OnnxCall *n)
{
	double alpha = onnx_attr_float(n, "alpha", 1), beta = onnx_attr_float(n, "beta", 1);
	bool trans_a = onnx_attr_int(n, "transA", 0), trans_b = onnx_attr_int(n, "transB", 0);
	if (n->opset < 7)
		onnx_ignore(n, "broadcast");
	bool plain = alpha == 1 && beta == 1 && !trans_a;
	bool linear = plain && trans_b && is_linear(n);
	Elem e = onnx_elem(n, linear ? "linear" : "gemm");
	for (int i = 0; i < 3; i++)
		onnx_arg(n, &e, i);
	if (linear && !onnx_in(n, 2))
		onnx_set_flag(n, &e, "bias", false);
	if (linear)
		return onnx_result(n, &e, onnx_type(n, 0));
	if (alpha != 1)
		onnx_set_num(n, &e, "alpha", alpha);
	if (beta != 1)
		onnx_set_num(n, &e, "beta", beta);
	if (trans_a)
		onnx_set_flag(n, &e, "trans_a", true);
	if (trans_b)
		onnx_set_flag(n, &e, "trans_b", true);
	return onnx_result(n, &e, onnx_type(n, 0));
}

bool onnx_map_einsum(OnnxCall *n)
{
	const char *equation = onnx_attr_text(n, "equation", "");
	if (!equation[0])
		return onnx_lacks(n, "equation");
	Str s;
	str_init(&s, n->o->scratch);
	for (; *equation; equation++)
		if (*equation != ' ')
			str_char(&s, *equation);
	Elem e = onnx_elem(n, "einsum");
	for (int i = 0; i < n->n_in; i++)
		onnx_arg(n, &e, i);
	onnx_set(n, &e, "equation", str_text(&s));
	return onnx_result(n, &e, onnx_type(n, 0));
}

/* --- dropout --------------------------------------------------------------------------------- */

bool onnx_map_dropout(OnnxCall *n)
{
	double ratio = 0.5, training = 0;
	if (n->opset < 12)
		ratio = onnx_attr_float(n, "ratio", 0.5);
	else
		onnx_known_num(n, 1, &ratio); /* means nothing in inference */
	onnx_ignore(n, "seed");
	if (n->opset < 7)
		onnx_ignore(n, "is_test");
	if (onnx_in(n, 2) && (!onnx_known_num(n, 2, &training) || training != 0))
		return onnx_no(n, "export after model.eval()", "in its training form");
	onnx_leave_out(n, 1, "with a mask as second output");
	Elem e = onnx_elem(n, "dropout");
	onnx_arg(n, &e, 0);
	onnx_set_num(n, &e, "p", ratio);
	return onnx_result(n, &e, onnx_type(n, 0));
}

/* --- resize ---------------------------------------------------------------------------------- */

/* Factors for all dimensions: batch and channels stay, the others are meant. */
static bool set_scale(OnnxCall *n, Elem *e, const Blob *b)
{
	int count = (int)b->type->count;
	if (count < 3 || count > 4 || b->splat)
		return onnx_no(n, no_3d, "with %d factors", count);
	if (blob_f64(b, 0) != 1 || blob_f64(b, 1) != 1)
		return onnx_no(n, NULL, "of batch or channels");
	Str s;
	str_init(&s, n->o->scratch);
	for (int i = 2; i < count; i++)
		str_fmt(&s, "%s%s", i > 2 ? "," : "", onnx_num_text(n, blob_f64(b, i)));
	onnx_set(n, e, "scale", str_text(&s));
	return true;
}

static bool set_scale_input(OnnxCall *n, Elem *e, int i)
{
	const OnnxValue *v = onnx_in(n, i);
	if (v->data)
		return set_scale(n, e, v->data);
	onnx_set_param(n, e, "scale", i);
	return true;
}

static bool is_given(const OnnxCall *n,
		     int i) /* and not the empty tensor that stands for "not given" */
{
	const OnnxValue *v = onnx_in(n, i);
	return v && !(v->data && v->data->type->count == 0);
}

static bool one_of(const char *text, const char *const *names, int n)
{
	for (int i = 0; i < n; i++)
		if (str_eq(text, names[i]))
			return true;
	return false;
}

static bool set_resize_mode(OnnxCall *n, Elem *e)
{
	static const char *const modes[] = { "nearest", "linear", "cubic" };
	static const char *const places[] = { "half_pixel", "pytorch_half_pixel", "align_corners",
					      "asymmetric" };
	const char *mode = onnx_attr_text(n, "mode", "nearest");
	const char *place = "asymmetric", *nearest = "floor";
	if (n->opset >= 11) {
		place = onnx_attr_text(n, "coordinate_transformation_mode", "half_pixel");
		nearest = onnx_attr_text(n, "nearest_mode", "round_prefer_floor");
	}
	if (!one_of(mode, modes, 3))
		return onnx_no(n, NULL, "with mode=\"%.40s\"", mode);
	if (!one_of(place, places, 4))
		return onnx_no(n, NULL, "with coordinate_transformation_mode=\"%.40s\"", place);
	onnx_set(n, e, "mode", mode);
	onnx_set(n, e, "coordinates", place);
	if (str_eq(mode, "nearest"))
		onnx_set(n, e, "nearest", nearest);
	if (str_eq(mode, "cubic"))
		onnx_set_num(n, e, "cubic", onnx_attr_float(n, "cubic_coeff_a", -0.75));
	if (str_eq(mode, "cubic") && onnx_attr_int(n, "exclude_outside", 0))
		return onnx_no(n, NULL, "with exclude_outside");
	return true;
}

static bool resize_form(OnnxCall *n)
{
	static const char *const unused[] = { "cubic_coeff_a", "exclude_outside",
					      "extrapolation_value", "nearest_mode" };
	for (int i = 0; i < 4; i++)
		onnx_ignore(n, unused[i]); /* when the mode has no use for them */
	if (n->opset < 18)
		return true;
	if (onnx_attr_int(n, "antialias", 0))
		return onnx_no(n, NULL, "with antialias");
	const char *policy = onnx_attr_text(n, "keep_aspect_ratio_policy", "stretch");
	if (!str_eq(policy, "stretch"))
		return onnx_no(n, NULL, "with keep_aspect_ratio_policy=\"%.40s\"", policy);
	Ints axes = onnx_attr_ints(n, "axes");
	for (int i = 0; i < axes.n; i++)
		if (axes.v[i] != i + 2)
			return onnx_no(n, "axes 2 and 3 are read",
				       "along other axes than height and width");
	return true;
}

bool onnx_map_resize(OnnxCall *n)
{
	int scales = n->opset < 11 ? 1 : 2, sizes = n->opset < 11 ? -1 : 3;
	Elem e = onnx_elem(n, "resize");
	onnx_arg(n, &e, 0);
	if (!resize_form(n))
		return false;
	bool spatial = n->opset >= 18 && onnx_attr_ints(n, "axes").n;
	if (sizes > 0 && is_given(n, sizes))
		onnx_set_param(n, &e, "size", sizes);
	else if (!is_given(n, scales))
		return onnx_bad(n, "has neither factors nor sizes");
	else if (spatial)
		onnx_set_param(n, &e, "scale", scales);
	else if (!set_scale_input(n, &e, scales))
		return false;
	return set_resize_mode(n, &e) && onnx_result(n, &e, onnx_type(n, 0));
}

bool onnx_map_upsample(OnnxCall *n)
{
	const char *mode = onnx_attr_text(n, "mode", "nearest");
	Elem e = onnx_elem(n, "resize");
	onnx_arg(n, &e, 0);
	if (n->opset >= 10)
		return onnx_no(n, "Resize took its place", "after operator set 9");
	if (n->opset == 9) {
		if (!onnx_in(n, 1))
			return onnx_bad(n, "lacks its input 2");
		if (!set_scale_input(n, &e, 1))
			return false;
	} else {
		const OnnxAttr *a = onnx_attr(n, "scales", OA_floats);
		if (!a)
			return onnx_lacks(n, "scales");
		int64_t count = a->floats.n;
		const Type *t = type_get(n->o->c, DT_f64, 1, &count);
		if (!set_scale(n, &e,
			       blob_intern(n->o->c, t, count ? a->floats.at : &(double){ 0 })))
			return false;
	}
	onnx_set(n, &e, "mode", str_eq(mode, "bilinear") ? "linear" : mode);
	onnx_set(n, &e, "coordinates", "asymmetric");
	if (str_eq(mode, "nearest"))
		onnx_set(n, &e, "nearest", "floor");
	return onnx_result(n, &e, onnx_type(n, 0));
}
