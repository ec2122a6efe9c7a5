/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Inputs, parameters and constants: elements without inputs, whose types are declared. Sizes are
 * expressions of symbols; a symbol that nothing binds is noted and reported once with all others.
 */
#include "frontend/build_impl.h"

/* --- symbols --------------------------------------------------------------------------------- */

bool build_symbol(void *user, const char *name, size_t n, int64_t *out)
{
	Build *s = user;
	for (int i = 0; i < s->o->bind.n; i++) {
		const Binding *b = &s->o->bind.at[i];
		if (strlen(b->name) != n || memcmp(b->name, name, n) != 0)
			continue;
		*out = (int64_t)b->value;
		if (b->value != (double)*out && !s->failed)
			s->failed =
				!diag_error(s->c->diag, (Loc){ .file = NULL }, E5001,
					    "option bind.%.80s: a size is a whole number", b->name);
		return true;
	}
	*out = s->o->default_size > 0 ? s->o->default_size : 1;
	if (s->o->default_size > 0)
		return true;
	name = intern_n(s->c->symbols, name, n);
	for (int i = 0; i < s->unbound.n; i++)
		if (s->unbound.at[i] == name)
			return true;
	vec_push(s->arena, &s->unbound, name);
	return true;
}

bool build_report_unbound(Build *s)
{
	if (!s->unbound.n)
		return true;
	Str names, binds;
	str_init(&names, s->arena);
	str_init(&binds, s->arena);
	for (int i = 0; i < s->unbound.n; i++) {
		str_fmt(&names, "%s%s", i ? ", " : "", s->unbound.at[i]);
		str_fmt(&binds, "%s--bind %s=1", i ? " " : "", s->unbound.at[i]);
	}
	diag_error(s->c->diag, s->unbound_at, E2014, "%s %s no value", str_text(&names),
		   s->unbound.n == 1 ? "has" : "have");
	diag_hint(s->c->diag, "give sizes: %s", str_text(&binds));
	return false;
}

static bool bad_value(Build *s, const Elem *e, const ElemAttr *at, const char *what)
{
	return diag_error(s->c->diag, at->value_loc, E2006, "%s=\"%.80s\" of <%s>: %s", at->name,
			  at->value, e->op, what);
}

/* type= and shape= of an input, parameter or constant. */
static const Type *declared_type(Build *s, const Elem *e, int64_t scalar_or_vector)
{
	const ElemAttr *shape = elem_attr(e, "shape"), *type = elem_attr(e, "type");
	DType dtype = DT_f32;
	if (type && !dtype_find(type->value, &dtype)) {
		bad_value(s, e, type, "there is no such data type");
		return NULL;
	}
	int64_t dim[MAX_RANK] = { scalar_or_vector };
	int rank = !shape && scalar_or_vector != 1;
	const char *item;
	size_t n;
	for (ListCursor l = list_cursor(shape ? shape->value : ""); list_next(&l, &item, &n);) {
		ShapeExprError error;
		if (rank == MAX_RANK) {
			bad_value(s, e, shape, "a tensor has 8 dimensions at most");
			return NULL;
		}
		int before = s->unbound.n;
		if (!shape_expr_eval(item, n, build_symbol, s, &dim[rank++], &error)) {
			bad_value(s, e, shape, error.what);
			return NULL;
		}
		if (before == 0 && s->unbound.n > 0)
			s->unbound_at = shape->value_loc;
	}
	const Type *t = type_get(s->c, dtype, rank, dim);
	if (!t && shape)
		bad_value(s, e, shape,
			  "a size is negative or the tensor has more than 2^40 elements");
	return t;
}

/* --- leaves ---------------------------------------------------------------------------------- */

Node *build_give_up(Build *s)
{
	s->failed = s->b->failed = true;
	return emit_scalar(s->b, DT_f32, 0); /* a poison */
}

static const Binding *bound_input(Build *s, const Elem *e)
{
	for (int i = 0; i < s->o->bind.n; i++)
		if (str_eq(s->o->bind.at[i].name, elem_port_name(e)))
			return &s->o->bind.at[i];
	return NULL;
}

Node *build_input(Build *s, const Elem *e)
{
	const Type *t = declared_type(s, e, 1);
	const char *name = elem_port_name(e);
	if (map_get_str(s->input, name)) {
		const ElemAttr *at = elem_attr(e, "name");
		diag_error(s->c->diag, at ? at->value_loc : e->id_loc, E2009,
			   "two inputs are called '%.80s'", name);
		return build_give_up(s);
	}
	map_put_str(s->input, name, s);
	if (!t)
		return build_give_up(s);
	const Binding *fixed = bound_input(s, e);
	return fixed ? emit_full(s->b, t, fixed->value) : emit_input(s->b, t, name, s->g->input.n);
}

bool build_flag(const char *text)
{
	return str_eq(text, "yes") || str_eq(text, "true") || str_eq(text, "1");
}

Node *build_param_element(Build *s, const Elem *e)
{
	ParamAsk ask = { .name = elem_text(e, "name", e->id),
			 .type = e->data ? e->data->type : declared_type(s, e, 1),
			 .trainable = build_flag(elem_text(e, "trainable", "yes")),
			 .init = elem_text(e, "init", NULL),
			 .may_lack = elem_attr(e, "init") != NULL,
			 .data = e->data,
			 .loc = e->loc };
	return ask.type ? build_param(s, &ask) : build_give_up(s);
}

static bool store_text(DType t, void *data, int64_t i, const char *text, size_t n)
{
	int64_t whole;
	double v;
	if (t == DT_bool && ((n == 4 && memcmp(text, "true", 4) == 0) ||
			     (n == 5 && memcmp(text, "false", 5) == 0))) {
		store_i64(t, data, i, n == 4);
		return true;
	}
	if (!dtype_is_float(t) && parse_i64(text, n, &whole)) {
		store_i64(t, data, i, whole);
		return load_i64(t, data, i) == whole;
	}
	if (!dtype_is_float(t) || !parse_f64(text, n, &v))
		return false;
	store_f64(t, data, i, v);
	return true;
}

/* <const value="1 2 3"/>: one number fills the shape. */
Node *build_const(Build *s, const Elem *e)
{
	if (e->data)
		return emit_blob(s->b, e->data);
	const ElemAttr *value = elem_attr(e, "value");
	if (!value)
		return build_give_up(s);
	int64_t count = 0;
	const char *item;
	size_t n;
	for (ListCursor l = list_cursor(value->value); list_next(&l, &item, &n);)
		count++;
	const Type *t = declared_type(s, e, count);
	if (!t)
		return build_give_up(s);
	if (count != t->count && count != 1) {
		diag_error(s->c->diag, value->value_loc, E2006,
			   "the constant has %lld elements, but %lld values are given",
			   (long long)t->count, (long long)count);
		return build_give_up(s);
	}
	char *data = arena_alloc(s->arena, (size_t)count * 8);
	int64_t i = 0;
	for (ListCursor l = list_cursor(value->value); list_next(&l, &item, &n); i++)
		if (!store_text(t->dtype, data, i, item, n)) {
			diag_error(s->c->diag, value->value_loc, E2006, "'%.*s' is no %s",
				   n > 40 ? 40 : (int)n, item, dtype_info[t->dtype].name);
			return build_give_up(s);
		}
	if (count == t->count)
		return emit_const(s->b, t, data);
	Node *one = emit_const(s->b, type_scalar(s->c, t->dtype), data);
	return emit_broadcast(s->b, one, t->rank, t->dim);
}
