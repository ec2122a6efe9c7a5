/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Operators of ONNX that move elements or compute with shapes. Their parameters (axes, bounds,
 * sizes) are attributes in old operator sets and inputs in newer ones; both become attributes here:
 * numbers when the input is a small constant, else "@id". */
#include "frontend/onnx_ops.h"
#include <math.h>

/* Sets attr from the attribute of that ONNX name, or from input i where the operator set has it
 * there. False after a fault. */
static bool set_either(OnnxCall *n, Elem *e, const char *attr, const char *onnx, int input_since,
		       int i)
{
	if (n->opset >= input_since) {
		onnx_set_param(n, e, attr, i);
		return true;
	}
	if (n->n_in > i && i > 0)
		return onnx_no(n, NULL, "with '%s' as an input, which belongs to operator set %d",
			       onnx, input_since);
	if (onnx_has_attr(n, onnx))
		onnx_set_ints(n, e, attr, onnx_attr_ints(n, onnx));
	return true;
}

/* --- shapes ---------------------------------------------------------------------------------- */

bool onnx_map_reshape(OnnxCall *n)
{
	Ints shape;
	bool zero_is_zero = n->opset >= 14 && onnx_attr_int(n, "allowzero", 0) != 0;
	if (zero_is_zero && onnx_known_ints(n, 1, &shape))
		for (int i = 0; i < shape.n; i++)
			if (shape.v[i] == 0)
				return onnx_no(n, NULL, "to a tensor without elements");
	Elem e = onnx_elem(n, "reshape");
	onnx_arg(n, &e, 0);
	onnx_set_param(n, &e, "shape", 1);
	return onnx_result(n, &e, onnx_type(n, 0));
}

/* Squeeze and Unsqueeze */
bool onnx_map_axes(OnnxCall *n)
{
	Elem e = onnx_elem(n, n->row->target);
	onnx_arg(n, &e, 0);
	if (!set_either(n, &e, "axes", "axes", 13, 1))
		return false;
	if (str_eq(n->row->target, "unsqueeze") && !elem_attr(&e, "axes"))
		return onnx_lacks(n, "axes");
	return onnx_result(n, &e, onnx_type(n, 0));
}

bool onnx_map_expand(OnnxCall *n)
{
	Elem e = onnx_elem(n, "expand");
	onnx_arg(n, &e, 0);
	onnx_set_param(n, &e, "shape", 1);
	return onnx_result(n, &e, onnx_type(n, 0));
}

bool onnx_map_tile(OnnxCall *n)
{
	Elem e = onnx_elem(n, "tile");
	onnx_arg(n, &e, 0);
	onnx_set_param(n, &e, "repeats", 1);
	return onnx_result(n, &e, onnx_type(n, 0));
}

/* Sizes as numbers, or a range of them. */
bool onnx_map_shape(OnnxCall *n)
{
	Elem e = onnx_elem(n, "shape");
	onnx_arg(n, &e, 0);
	if (!onnx_has_attr(n, "start") && !onnx_has_attr(n, "end"))
		return onnx_result(n, &e, DT_i64);
	const char *all = onnx_step(n, &e, "all");
	Elem part = onnx_elem(n, "strided_slice");
	onnx_arg_id(n, &part, all);
	onnx_set_int(n, &part, "starts", onnx_attr_int(n, "start", 0));
	onnx_set_int(n, &part, "ends", onnx_attr_int(n, "end", INT64_MAX));
	return onnx_result(n, &part, DT_i64);
}

bool onnx_map_size(OnnxCall *n)
{
	const char *shape = onnx_do(n, "shape", "shape", onnx_in_id(n, 0), NULL);
	Elem e = onnx_elem(n, "reduce_prod");
	onnx_arg_id(n, &e, shape);
	return onnx_result(n, &e, DT_i64);
}

/* --- constants ------------------------------------------------------------------------------- */

static const Blob *attr_tensor(OnnxCall *n, const char *name)
{
	const OnnxAttr *a = onnx_attr(n, name, OA_tensor);
	OnnxTensor t;
	if (!a)
		return NULL;
	const Blob *b = NULL;
	if (onnx_decode_tensor(&n->o->decoder, a->message, &t))
		b = onnx_blob(n->o, &t, n->loc);
	else
		diag_error(n->o->c->diag, n->loc, E3001, "the tensor of %s: %s", n->node->op,
			   n->o->decoder.fault);
	n->o->decoder.fault = NULL;
	n->failed |= !b;
	return b;
}

static const Blob *numbers(OnnxCall *n, DType type, int rank, int count, const void *data)
{
	int64_t dim = count;
	return blob_intern(n->o->c, type_get(n->o->c, type, rank, &dim), data);
}

static const Blob *float_list(OnnxCall *n, const OnnxAttr *a)
{
	float *v = ARENA_ARRAY(n->o->scratch, float, a->floats.n + 1);
	for (int i = 0; i < a->floats.n; i++)
		v[i] = (float)a->floats.at[i];
	return numbers(n, DT_f32, 1, a->floats.n, v);
}

/* The one attribute of a Constant, of which there are many forms. */
static const Blob *constant_value(OnnxCall *n)
{
	if (n->node->attr.n != 1) {
		onnx_lacks(n, "value");
		return NULL;
	}
	const char *name = n->node->attr.at[0].name;
	if (str_eq(name, "value"))
		return attr_tensor(n, name);
	const OnnxAttr *a = NULL;
	if (str_eq(name, "value_int") && (a = onnx_attr(n, name, OA_int)))
		return numbers(n, DT_i64, 0, 1, &a->i);
	if (str_eq(name, "value_ints") && (a = onnx_attr(n, name, OA_ints)))
		return numbers(n, DT_i64, 1, a->ints.n, a->ints.n ? a->ints.at : &(int64_t){ 0 });
	if (str_eq(name, "value_float") && (a = onnx_attr(n, name, OA_float)))
		return numbers(n, DT_f32, 0, 1, &(float){ (float)a->f });
	if (str_eq(name, "value_floats") && (a = onnx_attr(n, name, OA_floats)))
		return float_list(n, a);
	if (!n->failed)
		onnx_no(n, NULL, "with the attribute '%.40s'", name);
	return NULL;
}

bool onnx_map_constant(OnnxCall *n)
{
	const Blob *b = constant_value(n);
	if (!b)
		return false;
	OnnxValue *v = ARENA_NEW(n->o->arena, OnnxValue);
	const char *name = onnx_has_out(n, 0) ? n->node->out.at[0] : "constant";
	*v = (OnnxValue){ .data = b, .type = b->type->dtype, .rank = b->type->rank };
	v->name = sym(n->o->c, arena_printf(n->o->scratch, "%s%s", n->scope->prefix, name));
	return onnx_alias(n, 0, v);
}

bool onnx_map_constant_of_shape(OnnxCall *n)
{
	const Blob *b = attr_tensor(n, "value");
	if (n->failed)
		return false;
	if (b && b->type->count != 1)
		return onnx_no(n, NULL, "with a value that is not one number");
	DType type = b ? b->type->dtype : DT_f32;
	Elem e = onnx_elem(n, "fill");
	onnx_set_param(n, &e, "shape", 0);
	onnx_set(n, &e, "value", b ? onnx_numbers_text(n->o->scratch, b) : "0");
	onnx_set(n, &e, "type", dtype_info[type].name);
	return onnx_result(n, &e, type);
}

/* start, limit, delta: constants or "@id" */
bool onnx_map_range(OnnxCall *n)
{
	DType type = onnx_type(n, 0);
	onnx_ignore(n, "stash_type");
	if (type == DT_COUNT)
		return onnx_no(n, NULL, "where the type of the numbers is not known");
	Elem e = onnx_elem(n, "range");
	onnx_set_param(n, &e, "start", 0);
	onnx_set_param(n, &e, "limit", 1);
	onnx_set_param(n, &e, "delta", 2);
	onnx_set(n, &e, "type", dtype_info[type].name);
	return onnx_result(n, &e, type);
}

/* Ones on a diagonal: what two triangles have in common. */
bool onnx_map_eye_like(OnnxCall *n)
{
	DType type = onnx_type(n, 0);
	if (onnx_has_attr(n, "dtype") && !onnx_dtype((int)onnx_attr_int(n, "dtype", 0), &type))
		return onnx_no(n, NULL, "of a type that is not read");
	if (type == DT_COUNT)
		return onnx_no(n, NULL, "where the type is not known");
	int64_t k = onnx_attr_int(n, "k", 0);
	const char *shape = onnx_do(n, "shape", "shape", onnx_in_id(n, 0), NULL);
	Elem ones = onnx_elem(n, "fill");
	onnx_set(n, &ones, "shape", arena_printf(n->o->scratch, "@%s", shape));
	onnx_set(n, &ones, "value", "1");
	onnx_set(n, &ones, "type", dtype_info[type].name);
	const char *all = onnx_step(n, &ones, "ones");
	Elem upper = onnx_elem(n, "trilu");
	onnx_arg_id(n, &upper, all);
	onnx_set_int(n, &upper, "k", k);
	const char *half = onnx_step(n, &upper, "upper");
	Elem lower = onnx_elem(n, "trilu");
	onnx_arg_id(n, &lower, half);
	onnx_set_int(n, &lower, "k", k);
	onnx_set_flag(n, &lower, "upper", false);
	return onnx_result(n, &lower, type);
}

bool onnx_map_identity(OnnxCall *n)
{
	return onnx_alias(n, 0, onnx_in(n, 0));
}

/* --- joining and cutting --------------------------------------------------------------------- */

bool onnx_map_concat(OnnxCall *n)
{
	if (!onnx_has_attr(n, "axis"))
		return onnx_lacks(n, "axis");
	int64_t axis = onnx_attr_int(n, "axis", 0);
	Elem e = onnx_elem(n, "concat");
	for (int i = 0; i < n->n_in; i++) {
		if (!onnx_in(n, i))
			return onnx_no(n, NULL, "with an input left out");
		onnx_arg(n, &e, i);
	}
	onnx_set_int(n, &e, "axis", axis);
	return onnx_result(n, &e, onnx_type(n, 0));
}

bool onnx_map_slice(OnnxCall *n)
{
	Elem e = onnx_elem(n, "strided_slice");
	onnx_arg(n, &e, 0);
	if (!set_either(n, &e, "starts", "starts", 10, 1) ||
	    !set_either(n, &e, "ends", "ends", 10, 2) || !set_either(n, &e, "axes", "axes", 10, 3))
		return false;
	if (n->opset >= 10)
		onnx_set_param(n, &e, "steps", 4);
	if (!elem_attr(&e, "starts") || !elem_attr(&e, "ends"))
		return onnx_lacks(n, "starts");
	return onnx_result(n, &e, onnx_type(n, 0));
}

bool onnx_map_split(OnnxCall *n)
{
	enum { MANY = 4096 };
	int count = n->node->out.n;
	int64_t parts = n->opset >= 18 ? onnx_attr_int(n, "num_outputs", count) : count;
	if (count < 1 || count > MANY || parts != count)
		return onnx_no(n, NULL, "into %lld parts with %d outputs", (long long)parts, count);
	Elem e = onnx_elem(n, "split");
	onnx_arg(n, &e, 0);
	onnx_set_int(n, &e, "axis", onnx_attr_int(n, "axis", 0));
	if (!set_either(n, &e, "sizes", "split", 13, 1))
		return false;
	if (!elem_attr(&e, "sizes"))
		onnx_set_int(n, &e, "parts", count);
	e.n_results = count;
	DType *type = ARENA_ARRAY(n->o->scratch, DType, count);
	for (int k = 0; k < count; k++)
		type[k] = onnx_type(n, 0);
	return onnx_results(n, &e, count, type);
}

bool onnx_map_pad(OnnxCall *n)
{
	const char *mode = onnx_attr_text(n, "mode", "constant");
	static const char *const modes[] = { "constant", "reflect", "edge", "wrap" };
	bool known = false;
	for (int i = 0; i < 4; i++)
		known |= str_eq(modes[i], mode);
	if (!known)
		return onnx_no(n, NULL, "with mode=\"%.40s\"", mode);
	Elem e = onnx_elem(n, "padding");
	onnx_arg(n, &e, 0);
	if (!set_either(n, &e, "pads", "pads", 11, 1))
		return false;
	if (!elem_attr(&e, "pads"))
		return onnx_lacks(n, "pads");
	if (n->opset >= 18)
		onnx_set_param(n, &e, "axes", 3);
	if (!str_eq(mode, "constant"))
		onnx_set(n, &e, "mode", mode);
	else if (n->opset >= 11)
		onnx_set_param(n, &e, "value", 2);
	if (n->opset < 11 && onnx_attr_float(n, "value", 0) != 0)
		onnx_set_num(n, &e, "value", onnx_attr_float(n, "value", 0));
	return onnx_result(n, &e, onnx_type(n, 0));
}

bool onnx_map_depth_to_space(OnnxCall *n)
{
	if (!onnx_has_attr(n, "blocksize"))
		return onnx_lacks(n, "blocksize");
	Elem e = onnx_elem(n, "depth_to_space");
	onnx_arg(n, &e, 0);
	onnx_set_int(n, &e, "block", onnx_attr_int(n, "blocksize", 0));
	const char *mode = n->opset >= 11 ? onnx_attr_text(n, "mode", "DCR") : "DCR";
	if (!str_eq(mode, "DCR"))
		onnx_set(n, &e, "mode", mode);
	return onnx_result(n, &e, onnx_type(n, 0));
}

bool onnx_map_space_to_depth(OnnxCall *n)
{
	if (!onnx_has_attr(n, "blocksize"))
		return onnx_lacks(n, "blocksize");
	if (n->opset >= 28 && !str_eq(onnx_attr_text(n, "mode", "DCR"), "DCR"))
		return onnx_no(n, NULL, "with another mode than DCR");
	Elem e = onnx_elem(n, "space_to_depth");
	onnx_arg(n, &e, 0);
	onnx_set_int(n, &e, "block", onnx_attr_int(n, "blocksize", 0));
	return onnx_result(n, &e, onnx_type(n, 0));
}

/* --- by index -------------------------------------------------------------------------------- */

bool onnx_map_gather_nd(OnnxCall *n)
{
	if (onnx_attr_int(n, "batch_dims", 0))
		return onnx_no(n, NULL, "with batch_dims");
	Elem e = onnx_elem(n, "gather_nd");
	onnx_arg(n, &e, 0);
	onnx_arg(n, &e, 1);
	return onnx_result(n, &e, onnx_type(n, 0));
}

bool onnx_map_scatter_nd(OnnxCall *n)
{
	const char *reduction = onnx_attr_text(n, "reduction", "none");
	bool adds = str_eq(reduction, "add");
	if (!adds && !str_eq(reduction, "none"))
		return onnx_no(n, NULL, "with reduction=\"%.40s\"", reduction);
	Elem e = onnx_elem(n, "scatter_nd");
	if (adds)
		onnx_set(n, &e, "add", "yes");
	for (int i = 0; i < 3; i++)
		onnx_arg(n, &e, i);
	return onnx_result(n, &e, onnx_type(n, 0));
}

/* Two values, "off" and "on", give the result its type. */
bool onnx_map_onehot(OnnxCall *n)
{
	const OnnxValue *values = onnx_in(n, 2);
	if (!values->data || values->data->type->count != 2)
		return onnx_no(n, NULL, "where the two values are not constant");
	DType type = values->type;
	const char *index = onnx_in_id(n, 0);
	if (dtype_is_float(onnx_type(n, 0) == DT_COUNT ? DT_i64 : onnx_type(n, 0))) {
		Elem whole = onnx_elem(n, "cast");
		onnx_arg_id(n, &whole, index);
		onnx_set(n, &whole, "to", "i64");
		index = onnx_step(n, &whole, "index");
	}
	Elem e = onnx_elem(n, "onehot");
	onnx_arg_id(n, &e, index);
	onnx_set_param(n, &e, "depth", 1);
	onnx_set_int(n, &e, "axis", onnx_attr_int(n, "axis", -1));
	onnx_set(n, &e, "on", onnx_number_text(n->o->scratch, values->data, 1));
	onnx_set(n, &e, "off", onnx_number_text(n->o->scratch, values->data, 0));
	onnx_set(n, &e, "type", dtype_info[type].name);
	return onnx_result(n, &e, type);
}

bool onnx_map_topk(OnnxCall *n)
{
	DType type[2] = { onnx_type(n, 0), DT_i64 };
	Elem e = onnx_elem(n, "topk");
	onnx_arg(n, &e, 0);
	if (n->opset >= 10)
		onnx_set_param(n, &e, "k", 1);
	else if (onnx_has_attr(n, "k"))
		onnx_set_int(n, &e, "k", onnx_attr_int(n, "k", 0));
	if (!elem_attr(&e, "k"))
		return onnx_lacks(n, "k");
	onnx_set_int(n, &e, "axis", onnx_attr_int(n, "axis", -1));
	if (n->opset >= 11) {
		onnx_ignore(n, "sorted"); /* sorted also satisfies those who do not ask for it */
		if (!onnx_attr_int(n, "largest", 1))
			onnx_set_flag(n, &e, "largest", false);
	}
	return onnx_results(n, &e, 2, type);
}

bool onnx_map_trilu(OnnxCall *n)
{
	Elem e = onnx_elem(n, "trilu");
	onnx_arg(n, &e, 0);
	onnx_set_param(n, &e, "k", 1);
	if (!onnx_attr_int(n, "upper", 1))
		onnx_set_flag(n, &e, "upper", false);
	return onnx_result(n, &e, onnx_type(n, 0));
}

bool onnx_map_cumsum(OnnxCall *n)
{
	Elem e = onnx_elem(n, "cumsum");
	onnx_arg(n, &e, 0);
	onnx_set_param(n, &e, "axis", 1);
	if (onnx_attr_int(n, "exclusive", 0))
		onnx_set_flag(n, &e, "exclusive", true);
	if (onnx_attr_int(n, "reverse", 0))
		onnx_set_flag(n, &e, "reverse", true);
	return onnx_result(n, &e, onnx_type(n, 0));
}

/* --- branches -------------------------------------------------------------------------------- */

static bool read_branches(OnnxCall *n, Elem *e, OnnxValue **first[2], int count[2])
{
	static const char *const names[2] = { "then_branch", "else_branch" };
	for (int b = 0; b < 2; b++) {
		int at;
		const OnnxAttr *g = onnx_attr(n, names[b], OA_graph);
		if (!g)
			return n->failed ? false : onnx_lacks(n, names[b]);
		for (at = 0; at < n->node->attr.n; at++)
			if (n->node->attr.at[at].ref)
				return onnx_no(n, NULL, "with a branch that a function is given");
		if (!onnx_read_branch(n, g, &e->branch[b], &first[b], &count[b]))
			n->failed = true;
	}
	return !n->failed;
}

bool onnx_map_if(OnnxCall *n)
{
	OnnxValue **out[2] = { NULL, NULL };
	int count[2] = { 0, 0 }, results = n->node->out.n;
	Elem e = onnx_elem(n, "if");
	onnx_arg(n, &e, 0);
	if (!read_branches(n, &e, out, count))
		return false;
	if (count[0] != results || count[1] != results)
		return onnx_bad(n, "has %d outputs, its branches have %d and %d", results, count[0],
				count[1]);
	e.n_results = results;
	DType *type = ARENA_ARRAY(n->o->scratch, DType, results + 1);
	for (int k = 0; k < results; k++) {
		type[k] = out[0][k] ? out[0][k]->type : DT_COUNT;
		if (type[k] == DT_COUNT && out[1][k])
			type[k] = out[1][k]->type;
	}
	return onnx_results(n, &e, results, type);
}
