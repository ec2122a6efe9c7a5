/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Lists of elements: making them, and checking each element against the operator table. What an
 * element may say follows from its row alone (ops.def, attrs.def); only the five that are no
 * operators - input, output, param, const, if - have a table here. */
#include "frontend/element.h"
#include "ir/schedule.h"
#include <math.h>

const ElemAttr *elem_attr(const Elem *e, const char *name)
{
	for (int i = 0; i < e->attr.n; i++)
		if (str_eq(e->attr.at[i].name, name))
			return &e->attr.at[i];
	return NULL;
}

const char *elem_text(const Elem *e, const char *name, const char *fallback)
{
	const ElemAttr *a = elem_attr(e, name);
	return a ? a->value : fallback;
}

const char *elem_port_name(const Elem *e)
{
	return elem_text(e, "name", e->id);
}

ElemList *elem_list_create(Context *c, Arena *arena, const char *file)
{
	ElemList *l = ARENA_NEW(arena, ElemList);
	l->arena = arena;
	l->ctx = c;
	l->file = sym(c, file);
	l->name = "model";
	return l;
}

Elem *elem_add(ElemList *l, const char *op, const char *id, Loc loc)
{
	Elem e = { .op = sym(l->ctx, op), .id = id ? sym(l->ctx, id) : NULL };
	e.loc = e.id_loc = loc;
	vec_push(l->arena, &l->elem, e);
	return &l->elem.at[l->elem.n - 1];
}

void elem_add_in(ElemList *l, Elem *e, const char *name)
{
	ElemRef r = { .name = name ? sym(l->ctx, name) : NULL, .loc = e->loc };
	vec_push(l->arena, &e->in, r);
}

void elem_set(ElemList *l, Elem *e, const char *attr, const char *value)
{
	ElemAttr a = { .name = sym(l->ctx, attr), .value = sym(l->ctx, value) };
	a.name_loc = a.value_loc = e->loc;
	vec_push(l->arena, &e->attr, a);
}

/* --- what an element name means -------------------------------------------------------------- */

static const struct {
	const char *name;
	const char *attrs[6];
} special[] = {
	[EK_input] = { "input", { "type", "shape", "name" } },
	[EK_output] = { "output", { "name" } },
	[EK_param] = { "param", { "type", "shape", "name", "trainable", "init" } },
	[EK_const] = { "const", { "type", "shape", "value" } },
	[EK_if] = { "if", { NULL } },
};
enum { N_SPECIAL = sizeof(special) / sizeof(special[0]) };

ElemKind elem_kind(const char *name, Op *op)
{
	for (int k = EK_input; k < N_SPECIAL; k++)
		if (str_eq(special[k].name, name))
			return (ElemKind)k;
	if (op_find(name, op) && op_info(*op)->levels & (LEVEL_M | LEVEL_T) && *op != OP_get)
		return op_is_optimizer(*op) ? EK_optimizer : EK_op;
	return EK_unknown;
}

int elem_op_names(const char **names)
{
	int n = 0;
	for (int k = EK_input; k < N_SPECIAL; k++)
		names[n++] = special[k].name;
	for (int i = 0; i < OP_COUNT; i++) {
		Op ignored;
		ElemKind k = elem_kind(op_info((Op)i)->name, &ignored);
		if (k == EK_op || k == EK_optimizer)
			names[n++] = op_info((Op)i)->name;
	}
	return n;
}

const char *const *elem_special_attrs(ElemKind k, int *n)
{
	*n = 0;
	while (*n < 6 && special[k].attrs[*n])
		(*n)++;
	return special[k].attrs;
}

bool elem_is_number(const char *text)
{
	double v;
	const char *p = text + (*text == '-' || *text == '+');
	p += *p == '.';
	return *p >= '0' && *p <= '9' && parse_f64(text, strlen(text), &v);
}

bool elem_result_suffix(const char *ref, size_t *base_len, int *k)
{
	size_t n = strlen(ref), digits = n;
	while (digits > 0 && ref[digits - 1] >= '0' && ref[digits - 1] <= '9')
		digits--;
	int64_t v;
	if (digits < 2 || ref[digits - 1] != '.' || !parse_i64(ref + digits, n - digits, &v) ||
	    v > 1 << 20)
		return false;
	*base_len = digits - 1;
	*k = (int)v;
	return true;
}

bool op_has_params(Op op)
{
	const OpInfo *info = op_info(op);
	for (int i = 0; i < info->max_in; i++) {
		bool optional;
		const char *param = NULL;
		op_input_name(op, i, &optional, &param);
		if (param)
			return true;
	}
	return false;
}

bool elem_reported(Context *c, Loc loc, DiagCode code)
{
	for (int i = 0; i < diag_count(c->diag); i++) {
		const DiagEntry *d = diag_at(c->diag, i);
		if (loc.line > 0 && d->code == code && d->loc.line == loc.line &&
		    d->loc.col == loc.col)
			return true;
	}
	return false;
}

/* Searching for near names takes time: not for entries that are counted only. */
bool elem_worth_hint(const Context *c)
{
	return diag_errors(c->diag) <= 100;
}

bool elem_needs_id(Context *c, const Elem *e, bool for_params)
{
	if (elem_reported(c, e->loc, E2005))
		return false;
	diag_error(c->diag, e->loc, E2005, "<%s> needs the attribute 'id'", e->op);
	if (for_params)
		diag_hint(c->diag, "its parameters are called by it: id.weight and so on");
	return false;
}

/* --- attributes ------------------------------------------------------------------------------ */

static bool is_listed(AttrKind k)
{
	return k != AK_blob && k != AK_graph;
}

static bool unknown_attr(Context *c, const Elem *e, const ElemAttr *at, const char *const *names,
			 int n)
{
	if (elem_reported(c, at->name_loc, E2004))
		return false;
	diag_error(c->diag, at->name_loc, E2004, "<%s> has no attribute '%s'", e->op, at->name);
	const char *near = elem_worth_hint(c) ? nearest_name(at->name, names, n) : NULL;
	if (near)
		diag_hint(c->diag, "did you mean '%s'?", near);
	return false;
}

/* What an element's attributes are: fields of a record, and of layers those of their parameters. */
typedef struct Form {
	AttrRecord record;
	bool named, params; /* has id and in; has trainable and init */
} Form;

static Form op_form(Op op)
{
	return (Form){ op_info(op)->attr, true, op_has_params(op) };
}

static bool unknown_field(Context *c, const Elem *e, Form form, const ElemAttr *at)
{
	const char *names[32];
	int n = 0;
	const AttrInfo *info = &attr_info[form.record];
	if (form.named) {
		names[n++] = "id";
		names[n++] = "in";
	}
	for (int i = 0; i < info->n_field && n < 30; i++)
		if (is_listed(info->field[i].kind))
			names[n++] = info->field[i].name;
	if (form.params) {
		names[n++] = "trainable";
		names[n++] = "init";
	}
	return unknown_attr(c, e, at, names, n);
}

static bool bad_value(Context *c, const Elem *e, const ElemAttr *at, DiagCode code,
		      const AttrFieldInfo *f, const char *why)
{
	if (elem_reported(c, at->value_loc, code) || elem_reported(c, at->value_loc, E2019))
		return false;
	diag_error(c->diag, at->value_loc, code, "%s=\"%.80s\" of <%s>: %s", at->name, at->value,
		   e->op, why);
	if (f)
		diag_hint(c->diag, "%s: %s", f->name, f->doc);
	return false;
}

static const char *kind_wanted(AttrKind k)
{
	switch (k) {
	case AK_i64: return "an integer is wanted";
	case AK_f64:
	case AK_num: return "a number is wanted";
	case AK_flag: return "'yes' or 'no' is wanted";
	case AK_ints: return "a list of integers is wanted";
	case AK_nums: return "a list of numbers is wanted";
	case AK_str: return "a text is wanted";
	case AK_dtype: return "a data type is wanted (f32, i64, bool ...)";
	case AK_blob:
	case AK_graph: return "the attribute is not for XML";
	}
	return "";
}

static bool no_symbol(void *user, const char *name, size_t n, int64_t *out)
{
	(void)user, (void)name, (void)n, (void)out;
	return false;
}

static const char *sizes_text(Arena *a, const SizeNames *sizes)
{
	Str s;
	str_init(&s, a);
	for (int i = 0; i < sizes->n; i++)
		str_fmt(&s, "%s%s", i ? ", " : "", sizes->at[i]);
	return str_text(&s);
}

/* A name in an expression that no input's shape declares. */
static void unknown_size(Context *c, const Elem *e, const ElemAttr *at, const char *name, int n,
			 const ElemRecordHooks *h)
{
	const SizeNames *sizes = h->sizes;
	if (elem_reported(c, at->value_loc, E2014))
		return;
	name = arena_strndup(c->arena, name, (size_t)n);
	diag_error(c->diag, at->value_loc, E2014,
		   "%s=\"%.80s\" of <%s>: no input declares the size '%s'", at->name, at->value,
		   e->op, name);
	const char *near =
		sizes && elem_worth_hint(c) ? nearest_name(name, sizes->at, sizes->n) : NULL;
	if (near)
		diag_hint(c->diag, "did you mean '%s'?", near);
	else if (sizes && sizes->n)
		diag_hint(c->diag, "the sizes that inputs leave open: %s",
			  sizes_text(c->arena, sizes));
	else
		diag_hint(c->diag, "the inputs leave no size open: write a number");
}

/* Evaluates the expressions of an integer attribute; the text of plain numbers, or NULL after a
 * report. */
static const char *eval_ints(Context *c, const Elem *e, const ElemAttr *at, const AttrFieldInfo *f,
			     const ElemRecordHooks *h)
{
	Str s;
	str_init(&s, c->arena);
	const char *item;
	size_t n;
	for (ListCursor l = list_cursor(at->value); list_next(&l, &item, &n);) {
		int64_t v;
		ShapeExprError error;
		if (!shape_expr_eval(item, n, h->symbol ? h->symbol : no_symbol, h->user, &v,
				     &error)) {
			if (error.unknown && h->sizes)
				unknown_size(c, e, at, item + error.at, error.len, h);
			else
				bad_value(c, e, at, h->code, f,
					  error.unknown ? "a whole number is wanted" : error.what);
			return NULL;
		}
		str_fmt(&s, s.n ? " %lld" : "%lld", (long long)v);
	}
	return str_text(&s);
}

static bool set_field(Context *c, const Elem *e, AttrRecord r, void *record, const ElemAttr *at,
		      int field, const ElemRecordHooks *h)
{
	const AttrFieldInfo *f = &attr_info[r].field[field];
	const char *text = at->value;
	if (h->made_up)
		*h->made_up = false;
	if (text[0] == '@') {
		text = h->value_of ? h->value_of(h->user, at, f) : NULL;
		if (!text)
			return true;
	} else if (f->kind == AK_i64 || f->kind == AK_ints) {
		text = eval_ints(c, e, at, f, h);
		if (!text)
			return false;
	}
	if (!attr_set_text(c, r, record, field, text))
		return bad_value(c, e, at, h->code, f, kind_wanted(f->kind));
	if ((h->made_up && *h->made_up) || attr_in_range(r, record, field))
		return true;
	const char *range = attr_range_text(c->arena, f);
	return bad_value(c, e, at, E2007, f, arena_printf(c->arena, "it must be %s", range));
}

static bool is_missing(const Elem *e, const AttrFieldInfo *f)
{
	return str_eq(f->def, "?") && !elem_attr(e, f->name);
}

/* All that are missing, in one report. */
static bool has_all_required(Context *c, const Elem *e, AttrRecord r)
{
	const AttrInfo *info = &attr_info[r];
	Str names, docs;
	int missing = 0;
	str_init(&names, c->arena);
	str_init(&docs, c->arena);
	for (int i = 0; i < info->n_field; i++) {
		const AttrFieldInfo *f = &info->field[i];
		if (!is_missing(e, f))
			continue;
		str_fmt(&names, missing ? ", '%s'" : "'%s'", f->name);
		str_fmt(&docs, missing ? "; %s: %s" : "%s: %s", f->name, f->doc);
		missing++;
	}
	if (missing && !elem_reported(c, e->loc, E2005)) {
		diag_error(c->diag, e->loc, E2005, "<%s> needs the attribute%s %s", e->op,
			   missing == 1 ? "" : "s", str_text(&names));
		diag_hint(c->diag, "%s", str_text(&docs));
	}
	return !missing;
}

static bool fill_record(Context *c, const Elem *e, Form form, void *record,
			const ElemRecordHooks *h)
{
	AttrRecord r = form.record;
	bool ok = has_all_required(c, e, r);
	attr_defaults(c, r, record);
	for (int i = 0; i < e->attr.n; i++) {
		const ElemAttr *at = &e->attr.at[i];
		int field = attr_find(r, at->name);
		if (field >= 0 && is_listed(attr_info[r].field[field].kind))
			ok &= set_field(c, e, r, record, at, field, h);
		else if (!form.params ||
			 (!str_eq(at->name, "trainable") && !str_eq(at->name, "init")))
			ok = unknown_field(c, e, form, at);
	}
	return ok;
}

bool elem_record(Context *c, const Elem *e, Op op, void *record, const ElemRecordHooks *h)
{
	return fill_record(c, e, op_form(op), record, h);
}

bool elem_training(Context *c, const ElemTraining *t, Attr_training *out)
{
	ElemRecordHooks h = { .code = E2006 };
	return fill_record(c, &t->head, (Form){ .record = ATTR_training_RECORD }, out, &h);
}

const void *elem_optimizer_record(Context *c, const ElemTraining *t, Op *op)
{
	ElemRecordHooks h = { .code = E2006 };
	const Elem *e = elem_optimizer(t->list);
	if (!e)
		return NULL;
	elem_kind(e->op, op);
	void *record = arena_alloc(c->arena, attr_info[op_info(*op)->attr].size);
	return elem_record(c, e, *op, record, &h) ? record : NULL;
}

/* --- checking -------------------------------------------------------------------------------- */

typedef struct Names {
	const ElemList *list;
	SizeNames *out;
} Names;

static void add_size(void *user, const char *name, size_t n)
{
	Names *s = user;
	name = intern_n(s->list->ctx->symbols, name, n);
	for (int i = 0; i < s->out->n; i++)
		if (s->out->at[i] == name)
			return;
	vec_push(s->list->arena, s->out, name);
}

void elem_open_sizes(const ElemList *l, SizeNames *out)
{
	Names s = { l, out };
	for (int i = 0; i < l->elem.n; i++)
		if (str_eq(l->elem.at[i].op, "input"))
			shape_expr_names(elem_text(&l->elem.at[i], "shape", ""), add_size, &s);
	if (l->training)
		elem_open_sizes(l->training->list, out);
}

/* What checking needs besides the element: the sizes of the model. */
typedef struct Check {
	Context *c;
	const SizeNames *sizes;
	bool made_up; /* see ElemRecordHooks */
} Check;

static bool open_size(void *user, const char *name, size_t n, int64_t *out)
{
	Check *k = user;
	const SizeNames *sizes = k->sizes;
	k->made_up = true;
	*out = 1;
	for (int i = 0; i < sizes->n; i++)
		if (strlen(sizes->at[i]) == n && memcmp(sizes->at[i], name, n) == 0)
			return true;
	return false;
}

static bool check_type_and_shape(Check *k, const Elem *e)
{
	Context *c = k->c;
	const ElemAttr *type = elem_attr(e, "type"), *shape = elem_attr(e, "shape");
	bool ok = true;
	DType t;
	if (type && !dtype_find(type->value, &t)) {
		const char *names[DT_COUNT];
		for (int i = 0; i < DT_COUNT; i++)
			names[i] = dtype_info[i].name;
		ok = bad_value(c, e, type, E2006, NULL, "there is no such data type");
		const char *near = nearest_name(type->value, names, DT_COUNT);
		diag_hint(c->diag, near ? "did you mean '%s'?" : "'%s' is the usual one",
			  near ? near : "f32");
	}
	if (shape) {
		ElemRecordHooks h = { .symbol = open_size,
				      .user = k,
				      .sizes = k->sizes,
				      .code = E2006,
				      .made_up = &k->made_up };
		ok &= eval_ints(c, e, shape, NULL, &h) != NULL;
	}
	return ok;
}

static bool check_special(Check *k, const Elem *e, ElemKind kind)
{
	Context *c = k->c;
	int n;
	const char *const *names = elem_special_attrs(kind, &n);
	bool ok = true;
	for (int i = 0; i < e->attr.n; i++) {
		bool known = false;
		for (int j = 0; j < n; j++)
			known |= str_eq(names[j], e->attr.at[i].name);
		if (!known)
			ok = unknown_attr(c, e, &e->attr.at[i], names, n);
	}
	bool sized = kind == EK_input || (kind == EK_param && !e->data);
	if (sized && !elem_attr(e, "shape")) {
		ok = diag_error(c->diag, e->loc, E2005, "<%s> needs the attribute 'shape'", e->op);
		diag_hint(c->diag, "such as shape=\"N,3,224,224\"; shape=\"\" is a scalar");
	}
	if (kind == EK_const && !e->data && !elem_attr(e, "value")) {
		ok = diag_error(c->diag, e->loc, E2005, "<const> needs the attribute 'value'");
		diag_hint(c->diag, "such as value=\"1 2 3\"");
	}
	return check_type_and_shape(k, e) && ok;
}

static bool check_inputs(Context *c, const Elem *e, Op op)
{
	const OpInfo *info = op_info(op);
	if (!info->variadic && e->in.n > info->max_in) {
		diag_error(c->diag, e->in.at[info->max_in].loc, E2008,
			   "<%s> takes %d input%s, not %d", e->op, info->max_in,
			   info->max_in == 1 ? "" : "s", e->in.n);
		if (info->max_in > 0)
			diag_hint(c->diag, "its inputs are: %s", info->inputs);
		return false;
	}
	int wanted = info->variadic ? info->min_in : info->max_in;
	for (int i = 0; i < wanted; i++) {
		bool optional;
		const char *param = NULL, *name = op_input_name(op, i, &optional, &param);
		bool given = i < e->in.n && e->in.at[i].name;
		if (given || optional || param || elem_reported(c, e->loc, E2008))
			continue;
		diag_error(c->diag, e->loc, E2008, "<%s> lacks its input '%s'", e->op, name);
		diag_hint(c->diag, "its inputs are: %s", info->inputs);
		return false;
	}
	return true;
}

static bool check_unknown(Context *c, const Elem *e)
{
	if (elem_reported(c, e->loc, E2003) || elem_reported(c, e->loc, E2022))
		return false;
	diag_error(c->diag, e->loc, E2003, "there is no element <%s>", e->op);
	if (!elem_worth_hint(c))
		return false;
	const char *names[OP_COUNT + N_SPECIAL];
	int n = elem_op_names(names);
	const char *near = nearest_name(e->op, names, n);
	if (near)
		diag_hint(c->diag, "did you mean <%s>?", near);
	else
		diag_hint(c->diag, "`burin ops` lists the elements");
	return false;
}

static bool check_elem(Check *k, const Elem *e, bool training)
{
	Context *c = k->c;
	Op op;
	ElemKind kind = elem_kind(e->op, &op);
	if (kind == EK_unknown)
		return check_unknown(c, e);
	if (kind != EK_op && kind != EK_optimizer)
		return check_special(k, e, kind);
	if (kind == EK_optimizer && !training) {
		if (!elem_reported(c, e->loc, E2016)) {
			diag_error(c->diag, e->loc, E2016, "<%s> may not stand here", e->op);
			diag_hint(c->diag, "an optimiser stands directly in <training>");
		}
		return false;
	}
	if (kind == EK_optimizer) /* check_training */
		return true;
	void *record = arena_alloc(c->arena, attr_info[op_info(op)->attr].size);
	ElemRecordHooks h = { .symbol = open_size,
			      .user = k,
			      .sizes = k->sizes,
			      .code = E2006,
			      .made_up = &k->made_up };
	bool ok = elem_record(c, e, op, record, &h);
	return check_inputs(c, e, op) && ok;
}

static bool check_list(Check *k, const ElemList *l);

static bool check_all(Check *k, const ElemList *l, bool training)
{
	bool ok = true;
	for (int i = 0; i < l->elem.n; i++) {
		const Elem *e = &l->elem.at[i];
		ok &= check_elem(k, e, training);
		for (int b = 0; b < 2; b++)
			if (e->branch[b])
				ok &= check_list(k, e->branch[b]);
	}
	return ok;
}

/* --- training -------------------------------------------------------------------------------- */

static bool is_optimizer(const Elem *e)
{
	Op op;
	return elem_kind(e->op, &op) == EK_optimizer;
}

const Elem *elem_optimizer(const ElemList *l)
{
	for (int i = 0; i < l->elem.n; i++)
		if (is_optimizer(&l->elem.at[i]))
			return &l->elem.at[i];
	return NULL;
}

/* "<sgd>, <momentum> ..." */
static const char *optimizer_names(Context *c)
{
	Str s;
	str_init(&s, c->arena);
	for (int i = 0; i < OP_COUNT; i++)
		if (op_is_optimizer((Op)i))
			str_fmt(&s, s.n ? ", <%s>" : "<%s>", op_info((Op)i)->name);
	return str_text(&s);
}

/* The last element whose name is not known is where an optimiser was meant. */
static bool no_optimizer(Context *c, const ElemTraining *t)
{
	Op ignored;
	for (int i = t->list->elem.n - 1; i >= 0; i--) {
		const Elem *e = &t->list->elem.at[i];
		if (elem_kind(e->op, &ignored) != EK_unknown)
			continue;
		diag_error(c->diag, e->loc, E2022, "there is no optimiser <%s>", e->op);
		diag_hint(c->diag, "there are %s", optimizer_names(c));
		return false;
	}
	diag_error(c->diag, t->head.loc, E2022, "<training> has no optimiser");
	diag_hint(c->diag, "such as <adamw lr=\"0.001\"/>; there are %s", optimizer_names(c));
	return false;
}

static bool check_one_optimizer(Context *c, const ElemTraining *t)
{
	const Elem *first = elem_optimizer(t->list);
	if (!first)
		return no_optimizer(c, t);
	bool ok = true;
	for (int i = 0; i < t->list->elem.n; i++) {
		const Elem *e = &t->list->elem.at[i];
		if (e == first || !is_optimizer(e))
			continue;
		ok = diag_error(c->diag, e->loc, E2022,
				"<training> has a second optimiser (the first is <%s> in line %d)",
				first->op, first->loc.line);
	}
	return ok;
}

static bool check_schedule(Context *c, const Elem *e, const char *name)
{
	const ElemAttr *at = elem_attr(e, "schedule");
	Schedule ignored;
	if (!at || schedule_find(name, &ignored))
		return true;
	bad_value(c, e, at, E2006, NULL, "there is no such schedule");
	const char *near = nearest_name(name, schedule_name, SCHEDULE_COUNT);
	if (near)
		diag_hint(c->diag, "did you mean '%s'?", near);
	else
		diag_hint(c->diag, "'constant', 'step', 'exponential', 'inverse', 'cosine' or "
				   "'cyclic'");
	return false;
}

double elem_rate(Op optimizer, const void *record)
{
	AttrRecord r = op_info(optimizer)->attr;
	const AttrFieldInfo *lr = &attr_info[r].field[attr_find(r, "lr")];
	return *(const double *)(const void *)((const char *)record + lr->offset);
}

/* A schedule goes down from lr. */
static bool check_least_rate(Context *c, const Elem *e, double least, double lr)
{
	const ElemAttr *at = elem_attr(e, "least_rate");
	if (!at || least <= lr)
		return true;
	return bad_value(c, e, at, E2007, NULL,
			 arena_printf(c->arena, "it must not be above lr, %g", lr));
}

static bool check_training(Check *k, const ElemTraining *t)
{
	Context *c = k->c;
	const Elem *e = &t->head;
	Attr_training a;
	Op op;
	const void *optimizer = elem_optimizer_record(c, t, &op);
	bool ok = elem_training(c, t, &a);
	if (ok)
		ok = check_schedule(c, e, a.schedule);
	if (ok && optimizer)
		ok = check_least_rate(c, e, a.least_rate, elem_rate(op, optimizer));
	ok &= check_one_optimizer(c, t);
	return check_all(k, t->list, true) && ok && optimizer;
}

static bool check_list(Check *k, const ElemList *l)
{
	bool ok = check_all(k, l, false), result = false;
	for (int i = 0; i < l->elem.n; i++)
		result |= str_eq(l->elem.at[i].op, "output");
	if (!result) {
		ok = diag_error(k->c->diag, l->loc, E2017, "the model has no <output>");
		diag_hint(k->c->diag, "add <output id=\"y\" in=\"...\"/> as the last element");
	}
	return l->training ? check_training(k, l->training) && ok : ok;
}

bool elem_check(Context *c, const ElemList *l)
{
	SizeNames sizes = { 0 };
	Check k = { .c = c, .sizes = &sizes };
	elem_open_sizes(l, &sizes);
	return check_list(&k, l);
}
