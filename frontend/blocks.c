/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The tree becomes the list of elements: blocks are put in where they are used, repeats are
 * unrolled, every name becomes the full name of an element above it. A block must stand above its
 * use, so it cannot contain itself; how deep and how much is expanded is bounded all the same,
 * because eight lines of XML can ask for billions of elements. */
#include "frontend/xml_scope.h"

bool xml_is_one_of(const char *name, const char *const *allowed, int n)
{
	for (int i = 0; i < n; i++)
		if (str_eq(name, allowed[i]))
			return true;
	return false;
}

void xml_check_attrs(Expander *x, const XmlNode *n, const char *const *allowed, int count)
{
	for (int i = 0; i < n->attr.n; i++) {
		const ElemAttr *a = &n->attr.at[i];
		if (xml_is_one_of(a->name, allowed, count) ||
		    elem_reported(x->c, a->name_loc, E2004))
			continue;
		diag_error(x->c->diag, a->name_loc, E2004, "<%s> has no attribute '%s'", n->tag,
			   a->name);
		const char *near =
			elem_worth_hint(x->c) ? nearest_name(a->name, allowed, count) : NULL;
		if (near)
			diag_hint(x->c->diag, "did you mean '%s'?", near);
	}
}

const ElemAttr *xml_need_attr(Expander *x, const XmlNode *n, const char *name)
{
	const ElemAttr *a = xml_attr(n, name);
	if (!a && !elem_reported(x->c, n->loc, E2005))
		diag_error(x->c->diag, n->loc, E2005, "<%s> needs the attribute '%s'", n->tag,
			   name);
	return a;
}

void xml_misplaced(Expander *x, const XmlNode *n, const char *hint)
{
	if (elem_reported(x->c, n->loc, E2016))
		return;
	diag_error(x->c->diag, n->loc, E2016, "<%s> may not stand here", n->tag);
	diag_hint(x->c->diag, "%s", hint);
}

/* The value in= stands for when it is left out. */
bool xml_use_last(Expander *x, const Scope *s, const XmlNode *n, RefList *in)
{
	if (s->last) { /* exactly one: there are many of these */
		in->at = ARENA_NEW(x->arena, ElemRef);
		in->n = in->cap = 1;
		in->at[0] = (ElemRef){ .name = s->last, .loc = n->loc };
		return true;
	}
	if (elem_reported(x->c, n->loc, E2005))
		return false;
	diag_error(x->c->diag, n->loc, E2005, "<%s> needs the attribute 'in'", n->tag);
	diag_hint(x->c->diag,
		  "without in= an element takes the result of the one before it, and there "
		  "is none");
	return false;
}

/* --- ordinary elements ----------------------------------------------------------------------- */

/* The position of the input that may be given as an attribute of its own name (h0="..."), or -1. */
static int named_input(Op op, const char *attr)
{
	const OpInfo *info = op_info(op);
	bool optional;
	const char *param;
	for (int i = 0; i < info->max_in && !info->variadic; i++)
		if (str_eq(op_input_name(op, i, &optional, &param), attr))
			return attr_find(info->attr, attr) < 0 ? i : -1;
	return -1;
}

static void set_named_input(Expander *x, const Scope *s, Elem *e, int at, const ElemAttr *a)
{
	RefList one = { 0 };
	scope_refs(x, s, a, &one);
	while (e->in.n <= at) {
		ElemRef none = { .loc = e->loc };
		vec_push(x->arena, &e->in, none);
	}
	if (one.n != 1 || e->in.at[at].name)
		diag_error(x->c->diag, a->name_loc, E2008,
			   one.n != 1 ? "'%s' takes one name" : "the input '%s' is given twice",
			   a->name);
	else
		e->in.at[at] = one.at[0];
}

static void add_attr(Expander *x, const Scope *s, Elem *e, const ElemAttr *a)
{
	ElemAttr copy = *a;
	copy.value = scope_text(x, s, a);
	if (copy.value[0] == '@' && !str_eq(a->name, "name")) {
		const char *full = scope_resolve(x, s, sym(x->c, copy.value + 1), a->value_loc);
		if (full)
			copy.value = arena_printf(x->arena, "@%s", full);
	}
	vec_push(x->arena, &e->attr, copy);
}

static void fill_inputs(Expander *x, Scope *s, const XmlNode *n, Elem *e, ElemKind kind, Op op)
{
	const ElemAttr *in = xml_attr(n, "in");
	if (in) {
		RefList refs = { 0 };
		scope_refs(x, s, in, &refs);
		e->in.at = refs.at, e->in.n = refs.n, e->in.cap = refs.cap;
		if (kind != EK_op && kind != EK_unknown && refs.n > 0)
			diag_error(x->c->diag, in->name_loc, E2008, "<%s> takes no input", n->tag);
	}
	bool first_named = false;
	for (int i = 0; i < n->attr.n && kind == EK_op; i++) {
		int at = named_input(op, n->attr.at[i].name);
		if (at >= 0)
			set_named_input(x, s, e, at, &n->attr.at[i]);
		first_named |= at == 0;
	}
	bool takes_input = kind == EK_op && (op_info(op)->max_in > 0 || op_info(op)->variadic);
	if (!in && !first_named && takes_input) {
		RefList refs = { 0 };
		if (xml_use_last(x, s, n, &refs) && e->in.n > 0)
			e->in.at[0] = refs.at[0];
		else
			e->in.at = refs.at, e->in.n = refs.n, e->in.cap = refs.cap;
	}
}

/* Whether an input that becomes a parameter in any case is left out; of others, such as a bias,
 * build_op.c knows. */
static bool makes_params(const Elem *e, Op op)
{
	const OpInfo *info = op_info(op);
	for (int i = 0; i < info->max_in; i++) {
		bool optional, given = i < e->in.n && e->in.at[i].name;
		const char *param = NULL;
		op_input_name(op, i, &optional, &param);
		if (param && !optional && !given)
			return true;
	}
	return false;
}

static void add_element(Expander *x, Scope *s, const XmlNode *n)
{
	Op op = OP_COUNT;
	ElemKind kind = elem_kind(n->tag, &op);
	Elem e = { .op = n->tag, .loc = n->loc, .id_loc = n->loc, .used_at = s->used_at };
	e.attr.at = ARENA_ARRAY(x->arena, ElemAttr,
				n->attr.n); /* exact: a block may stand here often */
	e.attr.cap = n->attr.n;
	fill_inputs(x, s, n, &e, kind, op);
	const ElemAttr *id = xml_attr(n, "id");
	for (int i = 0; i < n->attr.n; i++) {
		const ElemAttr *a = &n->attr.at[i];
		bool is_input = kind == EK_op && named_input(op, a->name) >= 0;
		if (!str_eq(a->name, "id") && !str_eq(a->name, "in") && !is_input)
			add_attr(x, s, &e, a);
	}
	bool leaf = kind == EK_input || kind == EK_param || kind == EK_const;
	e.nameless = !id;
	if (!id && (leaf || (kind == EK_op && makes_params(&e, op))))
		elem_needs_id(x->c, &e, !leaf);
	if (id)
		e.id_loc = id->value_loc;
	x->bytes += e.attr.n * (int64_t)sizeof(ElemAttr);
	e.id = scope_define(x, s, n->tag, id ? scope_text(x, s, id) : NULL, e.id_loc);
	e.loc.element = e.id;
	for (int i = 0; i < e.in.n; i++)
		e.in.at[i].loc.element = e.id;
	vec_push(x->arena, &s->into->list->elem, e);
	if (kind != EK_param && kind != EK_const && kind != EK_optimizer)
		s->last = e.id;
	if (n->child.n)
		xml_misplaced(x, n->child.at[0], "operators hold no elements");
}

/* Outputs of the graph or of a branch are elements; those of a block or a repeat are remembered. */
static void add_output(Expander *x, Scope *s, const XmlNode *n)
{
	static const char *const allowed[] = { "id", "in", "name" };
	bool of_graph = s->kind == SCOPE_list && !s->outer;
	xml_check_attrs(x, n, allowed, of_graph ? 3 : 2);
	RefList refs = { 0 };
	const ElemAttr *in = xml_attr(n, "in"), *id = xml_attr(n, "id"),
		       *port = xml_attr(n, "name");
	if (in)
		scope_refs(x, s, in, &refs);
	else
		xml_use_last(x, s, n, &refs);
	const char *name = id ? sym(x->c, scope_text(x, s, id)) : NULL;
	if (id && refs.n > 1)
		diag_error(x->c->diag, id->value_loc, E2008, "one id cannot name %d outputs",
			   refs.n);
	if (port && refs.n > 1)
		diag_error(x->c->diag, port->value_loc, E2008, "one name cannot call %d outputs",
			   refs.n);
	for (int i = 0; i < refs.n; i++) {
		if (s->kind != SCOPE_list) {
			vec_push(x->arena, &s->result, refs.at[i]);
			vec_push(x->arena, &s->result_id, name);
			continue;
		}
		Elem e = { .op = n->tag, .loc = n->loc, .id_loc = id ? id->value_loc : n->loc };
		e.id = name ? name : refs.at[i].name ? refs.at[i].name : "y";
		e.loc.element = e.id;
		vec_push(x->arena, &e.in, refs.at[i]);
		if (port && of_graph)
			add_attr(x, s, &e, port);
		vec_push(x->arena, &s->into->list->elem, e);
	}
}

/* --- if -------------------------------------------------------------------------------------- */

static ElemList *expand_branch(Expander *x, Scope *s, const XmlNode *n)
{
	xml_check_attrs(x, n, NULL, 0);
	ElemList *list = elem_list_create(x->c, x->arena, x->file);
	list->loc = n->loc;
	ListScope into = { .outer = s->into, .list = list, .full = map_create(x->arena) };
	Scope body = {
		.kind = SCOPE_list, .outer = s, .into = &into, .node = n, .prefix = s->prefix
	};
	body.names = map_create(x->arena);
	body.n_auto = scope_home(s)->n_auto;
	body.last = s->last;
	body.used_at = s->used_at;
	xml_expand_children(x, &body, n);
	return list;
}

static int count_outputs(const ElemList *l)
{
	int n = 0;
	for (int i = 0; l && i < l->elem.n; i++)
		n += str_eq(l->elem.at[i].op, "output");
	return n;
}

static void expand_if(Expander *x, Scope *s, const XmlNode *n)
{
	static const char *const allowed[] = { "id", "in" };
	xml_check_attrs(x, n, allowed, 2);
	const ElemAttr *in = xml_need_attr(x, n, "in"), *id = xml_attr(n, "id");
	Elem e = { .op = n->tag, .loc = n->loc, .id_loc = id ? id->value_loc : n->loc };
	RefList refs = { 0 };
	if (in)
		scope_refs(x, s, in, &refs);
	if (in && refs.n != 1)
		diag_error(x->c->diag, in->value_loc, E2008, "<if> takes one condition");
	e.in.at = refs.at, e.in.n = refs.n, e.in.cap = refs.cap;
	if (!xml_deeper(x, n))
		return;
	for (int i = 0; i < n->child.n; i++) {
		const XmlNode *child = n->child.at[i];
		int b = str_eq(child->tag, "then") ? 0 : str_eq(child->tag, "else") ? 1 : -1;
		if (b < 0 || e.branch[b])
			xml_misplaced(x, child, "an <if> holds one <then> and one <else>");
		else
			e.branch[b] = expand_branch(x, s, child);
	}
	x->depth--;
	e.n_results = count_outputs(e.branch[0]);
	if ((!e.branch[0] || !e.branch[1]) && !elem_reported(x->c, n->loc, E2016))
		diag_error(x->c->diag, n->loc, E2016, "an <if> holds one <then> and one <else>");
	else if (e.branch[0] && count_outputs(e.branch[1]) != e.n_results)
		diag_error(x->c->diag, n->loc, E2008, "the branches have %d and %d outputs",
			   e.n_results, count_outputs(e.branch[1]));
	e.id = scope_define(x, s, n->tag, id ? scope_text(x, s, id) : NULL, e.id_loc);
	e.loc.element = e.id;
	vec_push(x->arena, &s->into->list->elem, e);
	s->last = e.id;
}

/* --- training -------------------------------------------------------------------------------- */

/* The section sees the model, the model does not see the section: it stands last. */
static void expand_training(Expander *x, Scope *s, const XmlNode *n)
{
	if (s->kind != SCOPE_list || s->outer || s->node->child.at[s->node->child.n - 1] != n) {
		xml_misplaced(x, n, "<training> is the last element in <graph>");
		return;
	}
	ElemTraining *t = ARENA_NEW(x->arena, ElemTraining);
	t->head = (Elem){ .op = n->tag, .loc = n->loc, .id_loc = n->loc };
	t->list = elem_list_create(x->c, x->arena, x->file);
	t->list->loc = n->loc;
	ListScope into = { .outer = s->into, .list = t->list, .full = map_create(x->arena) };
	Scope body = { .kind = SCOPE_list, .outer = s, .into = &into, .node = n, .prefix = "" };
	body.names = map_create(x->arena);
	body.n_auto = s->n_auto;
	body.last = s->last;
	xml_expand_children(x, &body, n);
	for (int i = 0; i < n->attr.n; i++) {
		ElemAttr a = n->attr.at[i];
		const char *full =
			str_eq(a.name, "loss")
				? scope_resolve(x, &body, sym(x->c, a.value), a.value_loc)
				: NULL;
		a.value = full ? full : a.value;
		vec_push(x->arena, &t->head.attr, a);
	}
	s->into->list->training = t;
}

/* --- the walk -------------------------------------------------------------------------------- */

static bool within_budget(Expander *x, const XmlNode *n)
{
	if (++x->steps <= EXPAND_MAX_ELEMENTS)
		return !x->exhausted;
	if (!x->exhausted) {
		diag_error(x->c->diag, n->loc, E2015, "the blocks expand to more than %d elements",
			   EXPAND_MAX_ELEMENTS);
		diag_hint(x->c->diag, "the counts of nested <repeat> and <use> multiply");
	}
	x->exhausted = true;
	return false;
}

void xml_expand_children(Expander *x, Scope *s, const XmlNode *parent)
{
	for (int i = 0; i < parent->child.n; i++) {
		const XmlNode *n = parent->child.at[i];
		if (!within_budget(x, n))
			return;
		if (str_eq(n->tag, "block"))
			xml_define_block(x, s, n);
		else if (str_eq(n->tag, "use"))
			xml_expand_use(x, s, n);
		else if (str_eq(n->tag, "repeat"))
			xml_expand_repeat(x, s, n);
		else if (str_eq(n->tag, "if"))
			expand_if(x, s, n);
		else if (str_eq(n->tag, "training"))
			expand_training(x, s, n);
		else if (str_eq(n->tag, "output"))
			add_output(x, s, n);
		else if (str_eq(n->tag, "then") || str_eq(n->tag, "else"))
			xml_misplaced(x, n, "branches stand in an <if>");
		else if (str_eq(n->tag, "graph"))
			xml_misplaced(x, n, "<graph> is the root");
		else
			add_element(x, s, n);
	}
}

static bool is_c_name(const char *s)
{
	size_t n = strlen(s);
	if (n == 0 || n > 64 || (s[0] >= '0' && s[0] <= '9'))
		return false;
	for (size_t i = 0; i < n; i++)
		if (!(s[i] == '_' || (s[i] >= 'a' && s[i] <= 'z') || (s[i] >= 'A' && s[i] <= 'Z') ||
		      (s[i] >= '0' && s[i] <= '9')))
			return false;
	return true;
}

static void read_graph_attrs(Expander *x, const XmlNode *root, ElemList *list)
{
	static const char *const allowed[] = { "name", "weights" };
	xml_check_attrs(x, root, allowed, 2);
	const ElemAttr *name = xml_attr(root, "name"), *weights = xml_attr(root, "weights");
	if (name && !is_c_name(name->value)) {
		diag_error(x->c->diag, name->value_loc, E2010, "'%.80s' cannot name a graph",
			   name->value);
		diag_hint(x->c->diag,
			  "the name becomes part of C identifiers: letters, digits and _, at "
			  "most 64");
	} else if (name) {
		list->name = sym(x->c, name->value);
	}
	if (weights) {
		list->weights = sym(x->c, weights->value);
		list->weights_loc = weights->value_loc;
	}
}

ElemList *xml_expand(Context *c, Arena *arena, const XmlNode *root, const char *file)
{
	Expander x = { .c = c, .arena = arena, .file = file, .block = map_create(arena) };
	ElemList *list = elem_list_create(c, arena, file);
	list->loc = root->loc;
	read_graph_attrs(&x, root, list);
	ListScope into = { .list = list, .full = map_create(arena) };
	Scope top = { .kind = SCOPE_list, .into = &into, .node = root, .prefix = "" };
	int numbered = 0;
	top.names = map_create(arena);
	top.n_auto = &numbered;
	xml_expand_children(&x, &top, root);
	if (!x.exhausted)
		elem_check(c, list);
	return list;
}
