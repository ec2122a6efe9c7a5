/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Names and reports of the ONNX reader. A file may name a tensor in any way; an element's id has to
 * be writable in XML. What cannot be read is not reported node by node but gathered by reason, so
 * that a user sees at once all that stands between the model and a result. */
#include "base/io.h"
#include "frontend/onnx_impl.h"
#include <stdarg.h>

/* --- what is wrong, what is not read --------------------------------------------------------- */

bool onnx_fault(Onnx *o, Loc loc, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	Str s;
	str_init(&s, o->scratch);
	str_vfmt(&s, fmt, ap);
	va_end(ap);
	return diag_error(o->c->diag, loc, E3002, "%s", str_text(&s));
}

bool onnx_refuse(Onnx *o, Loc loc, DiagCode code, const char *hint, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	Str s;
	str_init(&s, o->scratch);
	str_vfmt(&s, fmt, ap);
	va_end(ap);
	OnnxRefusal *r = map_get_str(o->refusal, str_text(&s));
	if (!r) {
		r = ARENA_NEW(o->arena, OnnxRefusal);
		*r = (OnnxRefusal){ .code = code,
				    .what = arena_strdup(o->arena, str_text(&s)),
				    .hint = hint,
				    .first = loc };
		map_put_str(o->refusal, r->what, r);
	}
	r->count++;
	return false;
}

bool onnx_report_refusals(Onnx *o)
{
	for (int i = 0; i < map_count(o->refusal); i++) {
		const OnnxRefusal *r = map_at(o->refusal, i, NULL);
		if (r->count > 1)
			diag_error(o->c->diag, r->first, r->code, "%s: %d times, this is the first",
				   r->what, r->count);
		else
			diag_error(o->c->diag, r->first, r->code, "%s", r->what);
		if (r->hint)
			diag_hint(o->c->diag, "%s", r->hint);
	}
	return map_count(o->refusal) == 0;
}

/* --- data types ------------------------------------------------------------------------------ */

static const struct {
	const char *name;
	DType type; /* DT_COUNT: not read */
} types[] = {
	{ "undefined", DT_COUNT },
	[ONNX_FLOAT] = { "float", DT_f32 },
	[ONNX_UINT8] = { "uint8", DT_u8 },
	[ONNX_INT8] = { "int8", DT_i8 },
	[4] = { "uint16", DT_COUNT },
	[ONNX_INT16] = { "int16", DT_i16 },
	[ONNX_INT32] = { "int32", DT_i32 },
	[ONNX_INT64] = { "int64", DT_i64 },
	[8] = { "string", DT_COUNT },
	[ONNX_BOOL] = { "bool", DT_bool },
	[ONNX_FLOAT16] = { "float16", DT_f16 },
	[ONNX_DOUBLE] = { "double", DT_f64 },
	[12] = { "uint32", DT_COUNT },
	[13] = { "uint64", DT_COUNT },
	[14] = { "complex64", DT_COUNT },
	[15] = { "complex128", DT_COUNT },
	[ONNX_BFLOAT16] = { "bfloat16", DT_bf16 },
	[17] = { "float8e4m3fn", DT_COUNT },
	[18] = { "float8e4m3fnuz", DT_COUNT },
	[19] = { "float8e5m2", DT_COUNT },
	[20] = { "float8e5m2fnuz", DT_COUNT },
	[21] = { "uint4", DT_COUNT },
	[22] = { "int4", DT_COUNT },
	[23] = { "float4e2m1", DT_COUNT },
};
enum { N_TYPES = sizeof(types) / sizeof(types[0]) };

bool onnx_dtype(int code, DType *out)
{
	*out = code > 0 && code < N_TYPES ? types[code].type : DT_COUNT;
	return *out != DT_COUNT;
}

const char *onnx_dtype_name(int code)
{
	return code > 0 && code < N_TYPES ? types[code].name : "of an unknown code";
}

/* --- ids ------------------------------------------------------------------------------------- */

static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || (c & 0x80);
}

static bool is_id_char(char c)
{
	return is_letter(c) || (c >= '0' && c <= '9') || (c && strchr(".:/-", c));
}

enum { MAX_ID = 112 }; /* of 128: room for a number that makes it unique */

/* Letters, digits and ".:/-_", begins with a letter, is not a number such as "inf". */
static const char *clean(Onnx *o, const char *wish)
{
	while (*wish == '/')
		wish++;
	double number;
	Str s;
	str_init(&s, o->scratch);
	if (!is_letter(*wish) || parse_f64(wish, strlen(wish), &number))
		str_char(&s, 'v');
	for (; *wish && (s.n < MAX_ID || (*wish & 0xc0) == 0x80); wish++)
		str_char(&s, is_id_char(*wish) ? *wish : '_');
	return str_text(&s);
}

static bool is_free(Onnx *o, const char *id, int results)
{
	if (map_get_str(o->taken, id))
		return false;
	for (int k = 0; k < results; k++)
		if (map_get_str(o->taken, arena_printf(o->scratch, "%s.%d", id, k)))
			return false;
	return true;
}

static const char *unique_id(Onnx *o, const char *base, int results)
{
	const char *id = base;
	/* how often this name was asked for: without it, equal names would be tried one by one */
	int *asked = map_get_str(o->asked, base);
	if (!asked) {
		asked = ARENA_NEW(o->arena, int);
		map_put_str(o->asked, sym(o->c, base), asked);
	}
	while (*asked > 0 || !is_free(o, id, results)) {
		id = arena_printf(o->scratch, "%s_%d", base, ++*asked);
		if (is_free(o, id, results))
			break;
	}
	if (*asked == 0)
		*asked = 1;
	id = sym(o->c, id);
	map_put_str(o->taken, id, o);
	for (int k = 0; k < results; k++)
		map_put_str(o->taken, sym(o->c, arena_printf(o->scratch, "%s.%d", id, k)), o);
	return id;
}

const char *onnx_id(Onnx *o, const char *wish, int results)
{
	return unique_id(o, clean(o, wish), results);
}

/* What XML text and its braces cannot hold. */
static bool is_lost(char c)
{
	return (c >= 0 && c < ' ') || c == 0x7f || c == '{' || c == '}';
}

/* Users call inputs and outputs as the file does. */
const char *onnx_port_name(Onnx *o, const char *name)
{
	Str s;
	str_init(&s, o->scratch);
	for (; *name; name++)
		str_char(&s, is_lost(*name) ? '_' : *name);
	return s.n ? str_text(&s) : "port";
}

/* The id of an input or output: the name in the file, but for what cannot stand in XML lists. */
static const char *port_id(Onnx *o, const char *name)
{
	Str s;
	str_init(&s, o->scratch);
	if (elem_is_number(name)) /* among inputs it would be a constant */
		str_char(&s, 'v');
	for (const char *p = name; *p && (s.n < MAX_ID || (*p & 0xc0) == 0x80); p++) {
		bool lost = is_lost(*p) || *p == ' ' || *p == ',' || (p == name && *p == '@');
		str_char(&s, lost ? '_' : *p);
	}
	return s.n == 0 || str_eq(str_text(&s), "-") ? "port" : str_text(&s);
}

const char *onnx_output_id(Onnx *o, const char *name)
{
	return sym(o->c, port_id(o, name)); /* may be that of the element it shows */
}

const char *onnx_input_id(Onnx *o, const char *name)
{
	return unique_id(o, port_id(o, name), 0);
}

/* Exporters call every graph alike; then the file's name says more. */
const char *onnx_graph_name(Onnx *o, const char *name)
{
	static const char *const usual[] = {
		"",      "main_graph", "torch_jit", "torch-jit-export",     "main",
		"graph", "onnx_graph", "tf2onnx",   "mxnet_converted_model"
	};
	for (size_t i = 0; i < sizeof(usual) / sizeof(usual[0]); i++)
		if (str_eq(name, usual[i])) {
			const char *base = path_base(o->path);
			name = arena_strndup(o->scratch, base,
					     strlen(base) - strlen(path_suffix(base)));
			break;
		}
	Str s;
	str_init(&s, o->scratch);
	for (; *name && s.n < 63; name++) {
		bool digit = *name >= '0' && *name <= '9';
		if (digit && !s.n)
			str_char(&s, 'm');
		str_char(&s, digit || (is_letter(*name) && !(*name & 0x80)) ? *name : '_');
	}
	return s.n ? sym(o->c, str_text(&s)) : "model";
}

const char *onnx_nearest_hint(Onnx *o, const char *op)
{
	const char *names[512];
	int n = 0;
	enum { WORTH = 20 }; /* a comparison with every row: not for a flood of wrong names */
	const OnnxRow *r;
	if (map_count(o->refusal) >= WORTH)
		return NULL;
	for (int i = 0; (r = onnx_row_at(i)) && n < 512; i++)
		if (r->map && !r->domain[0])
			names[n++] = r->name;
	const char *near = nearest_name(op, names, n);
	return near ? arena_printf(o->arena, "did you mean '%s'?", near) : NULL;
}

/* --- values ---------------------------------------------------------------------------------- */

OnnxValue *onnx_find(const OnnxScope *s, const char *name)
{
	for (; s; s = s->outer) {
		OnnxValue *v = map_get_str(s->value, name);
		if (v)
			return v;
	}
	return NULL;
}

const OnnxValueInfo *onnx_told(const OnnxScope *s, const char *name)
{
	for (; s; s = s->outer) {
		const OnnxValueInfo *v = map_get_str(s->info, name);
		if (v || map_get_str(s->value, name))
			return v;
	}
	return NULL;
}

bool onnx_define(OnnxScope *s, Onnx *o, Loc loc, const char *name, OnnxValue *v)
{
	if (map_get_str(s->value, name))
		return onnx_fault(o, loc, "two values are named '%.80s'", name);
	map_put_str(s->value, name, v);
	return true;
}

/* The list gets lists of exact length, the ones that grew are scratch. */
void onnx_push(Onnx *o, ElemList *l, const Elem *e)
{
	Elem copy = *e;
	if (o->full || ++o->n_elements > ONNX_MAX_ELEMENTS) {
		o->full = true;
		return;
	}
	copy.in.cap = e->in.n;
	copy.attr.cap = e->attr.n;
	copy.in.at = e->in.n ? arena_copy(l->arena, e->in.at, sizeof(*e->in.at) * (size_t)e->in.n)
			     : NULL;
	copy.attr.at = e->attr.n ? arena_copy(l->arena, e->attr.at,
					      sizeof(*e->attr.at) * (size_t)e->attr.n)
				 : NULL;
	vec_push(l->arena, &l->elem, copy);
}

/* A weight keeps its name in the file, by which weight files know it too. */
static void make_param(Onnx *o, OnnxValue *v, Elem *e)
{
	const char *name = v->name;
	if (!weights_add(o->weights, name, v->data)) {
		name = v->id; /* two branches may use one name */
		weights_add(o->weights, name, v->data);
	}
	if (!str_eq(name, v->id))
		elem_set(o->aside, e, "name", name);
	if (!dtype_is_float(v->type) || v->fixed)
		elem_set(o->aside, e, "trainable", "no");
}

/* Whether training would change a weight of the file. Exporters write numbers of the formula as
 * initialisers of shape [1], too; what is learned and that small (a bias, a slope) is called by
 * the path of its layer. */
static bool is_learned(const OnnxValue *v)
{
	const Type *t = v->data->type;
	if (!v->initializer || !dtype_is_float(t->dtype) || t->rank == 0)
		return false;
	return t->count > 1 || t->rank > 1 || strpbrk(v->name[0] == '/' ? "" : v->name, "./");
}

const char *onnx_value_id(Onnx *o, OnnxValue *v)
{
	if (v->id || !v->data)
		return v->id;
	int most = dtype_is_float(v->type) ? ONNX_MAX_INLINE : ONNX_MAX_INTS;
	bool param = v->data->type->count > most || is_learned(v);
	v->id = onnx_id(o, v->name, 0);
	v->fixed |= !v->initializer;
	Elem e = { .op = sym(o->c, param ? "param" : "const"), .id = v->id, .data = v->data };
	e.loc = e.id_loc = (Loc){ .file = o->path, .element = v->id };
	if (param)
		make_param(o, v, &e);
	onnx_push(o, o->root, &e);
	return v->id;
}
