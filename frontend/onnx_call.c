/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* One node under conversion: what the rules in onnx_op_*.c ask of it and how they make elements. An
 * element is built aside and joins the list when it is complete, because asking for an input may
 * itself put a constant's element into the list. */
#include "frontend/onnx_impl.h"
#include <math.h>
#include <stdarg.h>

/* What the message about an unsupported form begins with. */
static const char *form_text(OnnxCall *n, const char *what)
{
	return arena_printf(n->o->scratch, "%s (%s %lld) %s", n->node->op,
			    n->node->domain[0] ? n->node->domain : "ai.onnx", (long long)n->opset,
			    what);
}

bool onnx_no(OnnxCall *n, const char *hint, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	Str s;
	str_init(&s, n->o->scratch);
	str_vfmt(&s, fmt, ap);
	va_end(ap);
	n->failed = true;
	return onnx_refuse(n->o, n->loc, E3102, hint, "%s", form_text(n, str_text(&s)));
}

bool onnx_bad(OnnxCall *n, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	Str s;
	str_init(&s, n->o->scratch);
	str_vfmt(&s, fmt, ap);
	va_end(ap);
	n->failed = true;
	return onnx_fault(n->o, n->loc, "%s %s", n->node->op, str_text(&s));
}

bool onnx_lacks(OnnxCall *n, const char *attr)
{
	return onnx_bad(n, "lacks its attribute '%s'", attr);
}

/* --- begin and end --------------------------------------------------------------------------- */

static bool find_inputs(OnnxCall *n)
{
	for (int i = 0; i < n->n_in; i++) {
		const char *name = n->node->in.at[i];
		if (!name[0])
			continue;
		n->in[i] = onnx_find(n->scope, name);
		if (n->in[i] && n->in[i]->unread)
			n->failed = !onnx_refuse(n->o, n->loc, E3102, NULL, "%s", n->in[i]->unread);
		if (n->in[i])
			continue;
		onnx_bad(n, "uses '%.80s', which nothing before it makes", name);
		diag_hint(n->o->c->diag, "every value is made before it is used; nodes in another "
					 "order have to be sorted");
	}
	return !n->failed;
}

static bool check_counts(OnnxCall *n)
{
	const OnnxRow *r = n->row;
	if (r->max_in >= 0 && n->n_in > r->max_in)
		return onnx_bad(n, "has %d inputs, but takes %d at most", n->n_in, r->max_in);
	for (int i = 0; i < r->min_in; i++)
		if (!onnx_in(n, i))
			return onnx_bad(n, "lacks its input %d", i + 1);
	if (r->max_out >= 0 && n->node->out.n > r->max_out)
		return onnx_bad(n, "has %d outputs, but %d at most are possible", n->node->out.n,
				r->max_out);
	return true;
}

bool onnx_call_begin(OnnxCall *n)
{
	n->n_in = n->node->in.n;
	while (n->n_in > 0 && !n->node->in.at[n->n_in - 1][0])
		n->n_in--;
	n->in = ARENA_ARRAY(n->o->scratch, OnnxValue *, n->n_in ? n->n_in : 1);
	return find_inputs(n) && check_counts(n);
}

bool onnx_call_end(OnnxCall *n)
{
	for (int i = 0; i < n->node->attr.n && i < 64 && !n->failed; i++)
		if (!(n->attr_used >> i & 1))
			onnx_bad(n, "has no attribute '%.80s' in operator set %lld",
				 n->node->attr.at[i].name, (long long)n->opset);
	return !n->failed;
}

/* --- attributes ------------------------------------------------------------------------------ */

static const OnnxAttr *find_attr(const OnnxNode *node, const char *name, int *at)
{
	for (int i = 0; i < node->attr.n; i++)
		if (str_eq(node->attr.at[i].name, name)) {
			*at = i;
			return &node->attr.at[i];
		}
	return NULL;
}

static const OnnxAttr *default_attr(const OnnxFunction *f, const char *name)
{
	for (int i = 0; f && i < f->attr.n; i++)
		if (str_eq(f->attr.at[i].name, name) && f->attr.at[i].kind != OA_none)
			return &f->attr.at[i];
	return NULL;
}

/* Inside of a function an attribute may stand for one of the call, which may again be in a
 * function. */
static const OnnxAttr *follow_refs(const OnnxScope *s, const OnnxAttr *a)
{
	int at;
	while (a && a->ref) {
		if (!s || !s->call)
			return NULL;
		const OnnxAttr *given = find_attr(s->call->node, a->ref, &at);
		a = given ? given : default_attr(s->function, a->ref);
		s = s->call->scope;
	}
	return a;
}

bool onnx_has_attr(const OnnxCall *n, const char *name)
{
	int at;
	return follow_refs(n->scope, find_attr(n->node, name, &at)) != NULL;
}

void onnx_ignore(OnnxCall *n, const char *name)
{
	int at;
	if (find_attr(n->node, name, &at) && at < 64)
		n->attr_used |= (uint64_t)1 << at;
}

const OnnxAttr *onnx_attr(OnnxCall *n, const char *name, OnnxAttrKind kind)
{
	int at = 0;
	const OnnxAttr *a = find_attr(n->node, name, &at);
	if (!a)
		return NULL;
	if (at < 64)
		n->attr_used |= (uint64_t)1 << at;
	a = follow_refs(n->scope, a);
	if (!a || a->kind == kind)
		return a;
	/* a list without members has lost its kind in some files */
	bool list = kind == OA_ints || kind == OA_floats || kind == OA_texts;
	if (!(list && a->kind == OA_none))
		onnx_bad(n, "has an attribute '%s' of a wrong kind", name);
	return NULL;
}

int64_t onnx_attr_int(OnnxCall *n, const char *name, int64_t fallback)
{
	const OnnxAttr *a = onnx_attr(n, name, OA_int);
	return a ? a->i : fallback;
}

double onnx_attr_float(OnnxCall *n, const char *name, double fallback)
{
	const OnnxAttr *a = onnx_attr(n, name, OA_float);
	return a ? a->f : fallback;
}

const char *onnx_attr_text(OnnxCall *n, const char *name, const char *fallback)
{
	const OnnxAttr *a = onnx_attr(n, name, OA_text);
	return a ? a->text : fallback;
}

Ints onnx_attr_ints(OnnxCall *n, const char *name)
{
	const OnnxAttr *a = onnx_attr(n, name, OA_ints);
	return a ? (Ints){ .n = a->ints.n, .v = a->ints.at } : (Ints){ .n = 0 };
}

/* --- inputs ---------------------------------------------------------------------------------- */

OnnxValue *onnx_in(const OnnxCall *n, int i)
{
	return i < n->n_in ? n->in[i] : NULL;
}

bool onnx_has_out(const OnnxCall *n, int k)
{
	return k < n->node->out.n && n->node->out.at[k][0];
}

DType onnx_type(const OnnxCall *n, int i)
{
	const OnnxValue *v = onnx_in(n, i);
	return v ? v->type : DT_COUNT;
}

int onnx_rank(const OnnxCall *n, int i)
{
	const OnnxValue *v = onnx_in(n, i);
	return v ? v->rank : -1;
}

int onnx_out_rank(const OnnxCall *n, int k)
{
	const OnnxValueInfo *v =
		onnx_has_out(n, k) ? onnx_told(n->scope, n->node->out.at[k]) : NULL;
	return v && v->has_shape ? v->dim.n : -1;
}

bool onnx_known_ints(const OnnxCall *n, int i, Ints *out)
{
	const OnnxValue *v = onnx_in(n, i);
	enum { MANY = 4096 };
	if (!v || !v->data || dtype_is_float(v->type) || v->data->type->count > MANY)
		return false;
	int count = (int)v->data->type->count;
	int64_t *list = ARENA_ARRAY(n->o->scratch, int64_t, count ? count : 1);
	for (int k = 0; k < count; k++)
		list[k] = blob_i64(v->data, k);
	*out = (Ints){ .n = count, .v = list };
	return true;
}

bool onnx_known_num(const OnnxCall *n, int i, double *out)
{
	const OnnxValue *v = onnx_in(n, i);
	if (!v || !v->data || v->data->type->count != 1)
		return false;
	*out = blob_f64(v->data, 0);
	return true;
}

const char *onnx_in_id(OnnxCall *n, int i)
{
	OnnxValue *v = onnx_in(n, i);
	return v ? onnx_value_id(n->o, v) : NULL;
}

const char *onnx_param(OnnxCall *n, int i)
{
	OnnxValue *v = onnx_in(n, i);
	if (!v)
		return NULL;
	if (v->data && v->data->type->count <= ONNX_MAX_INLINE)
		return onnx_numbers_text(n->o->scratch, v->data);
	return arena_printf(n->o->scratch, "@%s", onnx_value_id(n->o, v));
}

static const char *double_text(OnnxCall *n, double v)
{
	Str s;
	str_init(&s, n->o->scratch);
	str_double(&s, v);
	return str_text(&s);
}

const char *onnx_scalar_text(OnnxCall *n, int i, DType t)
{
	const OnnxValue *v = onnx_in(n, i);
	if (!v || !v->data || v->data->type->rank > 0 || v->type == DT_bool ||
	    !isfinite(blob_f64(v->data, 0)))
		return NULL;
	if (dtype_is_float(v->type) && v->type != t)
		return double_text(n, blob_f64(v->data, 0));
	return onnx_number_text(n->o->scratch, v->data, 0);
}

/* --- texts ----------------------------------------------------------------------------------- */

const char *onnx_ints_text(OnnxCall *n, Ints v)
{
	Str s;
	str_init(&s, n->o->scratch);
	for (int i = 0; i < v.n; i++) {
		if (i)
			str_char(&s, ',');
		str_fmt(&s, "%lld", (long long)v.v[i]);
	}
	return str_text(&s);
}

static bool is_narrow(DType t)
{
	return t == DT_f32 || t == DT_f16 || t == DT_bf16;
}

/* For elements of at most 32 bits 0.1, and not 0.10000000149011612: both mean the same float. To a
 * double they are two numbers. */
const char *onnx_num_text(OnnxCall *n, double v)
{
	Str s;
	if ((double)(float)v != v || !is_narrow(onnx_type(n, 0)))
		return double_text(n, v);
	str_init(&s, n->o->scratch);
	str_float(&s, (float)v);
	return str_text(&s);
}

/* --- elements -------------------------------------------------------------------------------- */

Elem onnx_elem(OnnxCall *n, const char *op)
{
	return (Elem){ .op = sym(n->o->c, op), .loc = n->loc, .id_loc = n->loc };
}

void onnx_arg_id(OnnxCall *n, Elem *e, const char *id)
{
	elem_add_in(n->o->aside, e, id);
}

void onnx_arg(OnnxCall *n, Elem *e, int input)
{
	onnx_arg_id(n, e, onnx_in_id(n, input));
}

void onnx_set(OnnxCall *n, Elem *e, const char *attr, const char *text)
{
	if (text)
		elem_set(n->o->aside, e, attr, text);
}

void onnx_set_int(OnnxCall *n, Elem *e, const char *attr, int64_t v)
{
	onnx_set(n, e, attr, arena_printf(n->o->scratch, "%lld", (long long)v));
}

void onnx_set_num(OnnxCall *n, Elem *e, const char *attr, double v)
{
	onnx_set(n, e, attr, onnx_num_text(n, v));
}

void onnx_set_flag(OnnxCall *n, Elem *e, const char *attr, bool v)
{
	onnx_set(n, e, attr, v ? "yes" : "no");
}

void onnx_set_ints(OnnxCall *n, Elem *e, const char *attr, Ints v)
{
	onnx_set(n, e, attr, onnx_ints_text(n, v));
}

void onnx_set_param(OnnxCall *n, Elem *e, const char *attr, int input)
{
	onnx_set(n, e, attr, onnx_param(n, input));
}

/* The name that result k should have as an id. */
static const char *wish(const OnnxCall *n, int k)
{
	const char *name = onnx_has_out(n, k) ? n->node->out.at[k] : "";
	const char *other = n->scope->wish ? map_get_str(n->scope->wish, name) : NULL;
	if (other)
		return other;
	if (!name[0])
		name = n->node->name[0] ? n->node->name : n->node->op;
	if (!n->scope->prefix[0])
		return name;
	return arena_printf(n->o->scratch, "%s%s", n->scope->prefix, name);
}

static bool is_default(const AttrFieldInfo *f, const char *value)
{
	Num v, usual;
	if (f->kind != AK_f64 && f->kind != AK_num)
		return str_eq(f->def, value);
	return num_parse(value, strlen(value), &v) && num_parse(f->def, strlen(f->def), &usual) &&
	       memcmp(&v, &usual, sizeof v) == 0;
}

/* What an attribute says by default needs not be said. */
static void drop_defaults(Elem *e)
{
	Op op;
	int kept = 0;
	if (!op_find(e->op, &op))
		return;
	AttrRecord r = op_info(op)->attr;
	for (int i = 0; i < e->attr.n; i++) {
		int field = attr_find(r, e->attr.at[i].name);
		if (field < 0 || !is_default(&attr_info[r].field[field], e->attr.at[i].value))
			e->attr.at[kept++] = e->attr.at[i];
	}
	e->attr.n = kept;
}

static const char *finish(OnnxCall *n, Elem *e, const char *id)
{
	drop_defaults(e);
	while (e->in.n > 0 && !e->in.at[e->in.n - 1].name)
		e->in.n--; /* inputs left out at the end need no mark */
	e->id = id;
	onnx_push(n->o, n->scope->list, e);
	return id;
}

const char *onnx_step_results(OnnxCall *n, Elem *e, const char *what, int count)
{
	const char *name = arena_printf(n->o->scratch, "%s.%s", wish(n, 0), what);
	return finish(n, e, onnx_id(n->o, name, count));
}

const char *onnx_step(OnnxCall *n, Elem *e, const char *what)
{
	return onnx_step_results(n, e, what, 0);
}

bool onnx_alias(OnnxCall *n, int k, OnnxValue *v)
{
	return !onnx_has_out(n, k) || onnx_define(n->scope, n->o, n->loc, n->node->out.at[k], v);
}

bool onnx_bind(OnnxCall *n, int k, const char *id, DType type)
{
	if (!onnx_has_out(n, k))
		return true;
	const OnnxValueInfo *told = onnx_told(n->scope, n->node->out.at[k]);
	OnnxValue *v = ARENA_NEW(n->o->arena, OnnxValue);
	*v = (OnnxValue){ .name = n->node->out.at[k], .id = id, .type = type };
	v->rank = onnx_out_rank(n, k);
	if (type == DT_COUNT && told && told->is_tensor)
		onnx_dtype(told->type, &v->type);
	return onnx_alias(n, k, v);
}

bool onnx_leave_out(OnnxCall *n, int k, const char *what)
{
	OnnxValue *v = ARENA_NEW(n->o->arena, OnnxValue);
	*v = (OnnxValue){ .name = "", .id = sym(n->o->c, "unread"), .type = DT_COUNT, .rank = -1 };
	v->unread = sym(n->o->c, form_text(n, what));
	return onnx_alias(n, k, v);
}

bool onnx_result(OnnxCall *n, Elem *e, DType type)
{
	return onnx_bind(n, 0, finish(n, e, onnx_id(n->o, wish(n, 0), 0)), type);
}

bool onnx_results(OnnxCall *n, Elem *e, int count, const DType *type)
{
	const char *name =
		n->node->name[0] && !n->scope->wish
			? arena_printf(n->o->scratch, "%s%s", n->scope->prefix, n->node->name)
			: wish(n, 0);
	const char *id = finish(n, e, onnx_id(n->o, name, count));
	for (int k = 0; k < count && k < n->node->out.n; k++)
		if (!onnx_bind(n, k, sym(n->o->c, arena_printf(n->o->scratch, "%s.%d", id, k)),
			       type[k]))
			return false;
	return true;
}

const char *onnx_do(OnnxCall *n, const char *what, const char *op, const char *x, const char *y)
{
	Elem e = onnx_elem(n, op);
	onnx_arg_id(n, &e, x);
	if (y)
		onnx_arg_id(n, &e, y);
	return onnx_step(n, &e, what);
}
