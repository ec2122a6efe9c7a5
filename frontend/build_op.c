/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Operators: references become nodes, attribute texts become a record, inputs that are left out
 * become parameters. */
#include "frontend/build_impl.h"
#include "ir/ops/params.h"

enum { MAX_CONST_INTS = 65536 };

/* --- references ------------------------------------------------------------------------------ */

static Node *undefined(Build *s, const Elem *e, const char *ref, Loc loc)
{
	diag_error(s->c->diag, loc.line || loc.col ? loc : e->loc, E2011, "'%.80s' is not defined",
		   ref);
	return build_give_up(s);
}

/* The node that a reference stands for. */
Node *build_ref(Build *s, Unit *u, const Elem *e, const char *ref, Loc loc)
{
	Spot spot;
	int k;
	if (!build_find(s, u, ref, &spot, &k))
		return undefined(s, e, ref, loc);
	const struct UnitValue *v = &spot.unit->value[spot.at];
	const Elem *from = &spot.unit->list->elem.at[spot.at];
	if (v->n == 0) {
		diag_error(s->c->diag, loc, E2021, "'%.80s' is used before it is defined", ref);
		return build_give_up(s);
	}
	Node *n = v->at[v->n > 1 ? k < v->n ? k : 0 : 0];
	if (is_poison(n))
		return n;
	bool tuple = v->n == 1 && n->type->dtype == DT_tuple;
	int results = tuple ? n->type->n_elem : v->n;
	if (k >= results) {
		diag_error(s->c->diag, loc, E2011,
			   "'%.80s' is not defined: '%.80s' has %d result%s", ref, from->id,
			   results, results == 1 ? "" : "s");
		return build_give_up(s);
	}
	return tuple ? emit_get(s->b, n, k) : n;
}

/* Why a value is not constant: the first input or parameter that it depends on. */
static const Node *first_unknown(Build *s, const Node *n)
{
	VEC(const Node *) work = { 0 };
	Map *seen = map_create(s->arena);
	vec_push(s->arena, &work, n);
	for (int i = 0; i < work.n; i++) {
		n = work.at[i];
		if (n->op == OP_input || n->op == OP_param)
			return n;
		for (int j = 0; j < n->n_in; j++)
			if (n->in[j] && !map_get_ptr(seen, n->in[j])) {
				map_put_ptr(seen, n->in[j], n->in[j]);
				vec_push(s->arena, &work, (const Node *)n->in[j]);
			}
	}
	return work.at[0];
}

void build_hint_unknown(Build *s, const Node *n)
{
	const Node *root = first_unknown(s, n);
	if (root->op == OP_input)
		diag_hint(s->c->diag,
			  root->type->count == 1
				  ? "it depends on the input '%s': --bind %s=VALUE fixes it"
				  : "it depends on the data of the input '%s'",
			  ATTR_OF(root, port)->name, ATTR_OF(root, port)->name);
	else if (root->name)
		diag_hint(s->c->diag, "it depends on '%s'", root->name);
}

/* The text of a constant for "@name", or NULL. */
static const char *const_text(Build *s, const Node *n, AttrKind kind)
{
	if (!is_const(n) || n->type->count > MAX_CONST_INTS)
		return NULL;
	Str text;
	str_init(&text, s->arena);
	if (dtype_is_float(n->type->dtype)) {
		if (kind != AK_f64 && kind != AK_num && kind != AK_nums)
			return NULL;
		double v;
		const Blob *data = n->op == OP_const ? ATTR_OF(n, data)->data : NULL;
		for (int64_t i = 0; i < n->type->count; i++) {
			if (data)
				v = blob_f64(data, i);
			else if (!const_scalar(n, &v))
				return NULL;
			if (i)
				str_char(&text, ' ');
			str_double(&text, v);
		}
		return str_text(&text);
	}
	int64_t *v = ARENA_ARRAY(s->arena, int64_t, n->type->count + 1);
	int count = const_ints(n, v, (int)n->type->count);
	for (int i = 0; i < count; i++)
		str_fmt(&text, i ? " %lld" : "%lld", (long long)v[i]);
	return count < 0 ? NULL : str_text(&text);
}

typedef struct AttrUser {
	Build *s;
	Unit *u;
	const Elem *e;
	bool ok, made_up;
} AttrUser;

static bool attr_symbol(void *user, const char *name, size_t n, int64_t *out)
{
	AttrUser *a = user;
	int before = a->s->unbound.n;
	build_symbol(a->s, name, n, out);
	if (a->s->unbound.n > before) {
		a->s->unbound_at = a->e->loc;
		a->ok = false;
	}
	a->made_up |= !a->ok;
	return true;
}

static const char *attr_value_of(void *user, const ElemAttr *at, const AttrFieldInfo *field)
{
	AttrUser *a = user;
	Node *n = build_ref(a->s, a->u, a->e, at->value + 1, at->value_loc);
	const char *text = is_poison(n) ? NULL : const_text(a->s, n, field->kind);
	if (text)
		return text;
	a->ok = false;
	if (is_poison(n))
		return NULL;
	diag_error(a->s->c->diag, at->value_loc, E5102,
		   "<%s> '%.80s': the value of %s ('%.80s') is not known when compiling", a->e->op,
		   a->e->id, at->name, at->value + 1);
	build_hint_unknown(a->s, n);
	return NULL;
}

/* --- operators ------------------------------------------------------------------------------- */

/* The parameter that stands for the missing input i, NULL when the layer does without. */
static Node *implicit_param(Build *s, const Elem *e, Op op, Attr attr, Node *const *in, int i,
			    const char *role)
{
	const Type *t = NULL;
	const char *init = NULL;
	if (!op_param_type(s->b, op, attr, in, i, &t, &init))
		return build_give_up(s);
	if (!t)
		return NULL;
	if (e->nameless && !elem_needs_id(s->c, e, true))
		return build_give_up(s);
	bool weight = str_starts(role, "weight");
	ParamAsk ask = { .name = sym(s->c, arena_printf(s->arena, "%s.%s", e->id, role)),
			 .role = role,
			 .type = t,
			 .trainable = build_flag(elem_text(e, "trainable", "yes")) &&
				      !str_starts(role, "running_"),
			 .init = weight ? elem_text(e, "init", NULL) : NULL,
			 .own_init = init,
			 .may_lack = elem_attr(e, "init") != NULL,
			 .loc = e->loc };
	s->b->name = ask.name;
	return build_param(s, &ask);
}

/* A number in the list of inputs takes the type of the inputs beside it. */
static bool build_literals(Build *s, const Elem *e, Op op, Node **in)
{
	DType t = DT_COUNT;
	for (int i = op == OP_select; i < e->in.n && t == DT_COUNT; i++)
		if (in[i] && in[i]->type->dtype != DT_tuple)
			t = in[i]->type->dtype;
	for (int i = 0; i < e->in.n; i++) {
		Num v;
		if (in[i] || !e->in.at[i].name || !build_is_literal(e->in.at[i].name, &v))
			continue;
		DType own = t == DT_COUNT ? DT_f32 : t;
		uint64_t room = 0;
		if (!num_is_of(own, v)) {
			diag_error(s->c->diag, e->in.at[i].loc, E2006,
				   "%.40s is not a number of %s", e->in.at[i].name,
				   dtype_info[own].name);
			return false;
		}
		num_store(own, &room, 0, v);
		in[i] = emit_const(s->b, type_scalar(s->c, own), &room);
	}
	return true;
}

/* The inputs as nodes; NULL where left out. *n_in counts up to the last one that is there. False:
 * one is poison. */
static bool build_inputs(Build *s, Unit *u, const Elem *e, Op op, Attr attr, Node **in, int *n_in)
{
	const OpInfo *info = op_info(op);
	Num number;
	bool ok = true;
	for (int i = 0; i < e->in.n; i++) {
		const ElemRef *r = &e->in.at[i];
		if (!r->name || build_is_literal(r->name, &number))
			continue;
		in[i] = build_ref(s, u, e, r->name, r->loc);
		ok &= !is_poison(in[i]);
	}
	if (!ok || !build_literals(s, e, op, in))
		return false;
	*n_in = e->in.n;
	for (int i = 0; i < info->max_in && !info->variadic; i++) {
		bool optional;
		const char *role = NULL;
		op_input_name(op, i, &optional, &role);
		if (in[i] || !role)
			continue;
		in[i] = implicit_param(s, e, op, attr, in, i, role);
		if (in[i] && is_poison(in[i]))
			return false;
	}
	if (!info->variadic && *n_in < info->max_in)
		*n_in = info->max_in;
	while (*n_in > 0 && !in[*n_in - 1])
		--*n_in;
	return true;
}

static Node *emit_element(Build *s, Op op, Attr attr, Node **in, int n_in)
{
	const OpInfo *info = op_info(op);
	if (info->flags & OF_ELEMENTWISE && n_in == 2 && info->max_in == 2)
		return emit_b2(s->b, op, in[0], in[1]);
	if (info->flags & OF_ELEMENTWISE && n_in == 3 && info->max_in == 3)
		return emit_b3(s->b, op, in[0], in[1], in[2]);
	return emit(s->b, op, attr, in, n_in);
}

Node *build_op(Build *s, Unit *u, const Elem *e, Op op)
{
	const OpInfo *info = op_info(op);
	void *record = arena_alloc(s->arena, attr_info[info->attr].size);
	AttrUser user = { .s = s, .u = u, .e = e, .ok = true };
	ElemRecordHooks hooks = { attr_symbol, attr_value_of, &user, NULL, E2006, &user.made_up };
	if (!elem_record(s->c, e, op, record, &hooks) || !user.ok)
		return build_give_up(s);
	Attr attr = attr_intern(s->c, info->attr, record);
	int room = e->in.n > info->max_in ? e->in.n : info->max_in, n_in = 0;
	Node **in = ARENA_ARRAY(s->arena, Node *, room + 1);
	if (!build_inputs(s, u, e, op, attr, in, &n_in))
		return build_give_up(s);
	s->b->name = e->id;
	return emit_element(s, op, attr, in, n_in);
}
