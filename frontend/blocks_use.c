/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Blocks and repeats: what stands once in the file and several times in the model. */
#include "frontend/xml_scope.h"

typedef struct BlockParam {
	const char *name, *text; /* text NULL: must be given */
} BlockParam;
typedef struct Block {
	const XmlNode *node;
	VEC(const char *) in;
	VEC(BlockParam) param;
} Block;

/* --- blocks ---------------------------------------------------------------------------------- */

void xml_define_block(Expander *x, Scope *s, const XmlNode *n)
{
	static const char *const allowed[] = { "name", "in", "params" };
	xml_check_attrs(x, n, allowed, 3);
	if (s->kind != SCOPE_list || s->outer) {
		xml_misplaced(x, n, "blocks are defined directly in <graph>");
		return;
	}
	const ElemAttr *name = xml_need_attr(x, n, "name"), *in = xml_attr(n, "in"),
		       *params = xml_attr(n, "params");
	Block *b = ARENA_NEW(x->arena, Block);
	b->node = n;
	const char *item;
	size_t len;
	for (ListCursor l = list_cursor(in ? in->value : "x"); list_next(&l, &item, &len);)
		vec_push(x->arena, &b->in, intern_n(x->c->symbols, item, len));
	for (ListCursor l = list_cursor(params ? params->value : ""); list_next(&l, &item, &len);) {
		const char *equals = memchr(item, '=', len);
		size_t name_len = equals ? (size_t)(equals - item) : len;
		BlockParam p = { .name = intern_n(x->c->symbols, item, name_len) };
		if (equals)
			p.text = intern_n(x->c->symbols, equals + 1, len - name_len - 1);
		xml_good_parameter(x, p.name, params->value_loc);
		vec_push(x->arena, &b->param, p);
	}
	if (!name)
		return;
	const Block *old = map_get_str(x->block, name->value);
	if (old)
		diag_error(x->c->diag, name->value_loc, E2009,
			   "the block '%.80s' is defined twice (first in line %d)", name->value,
			   old->node->loc.line);
	else
		map_put_str(x->block, sym(x->c, name->value), b);
}

static const Block *find_block(Expander *x, const ElemAttr *name, const char *text)
{
	const Block *b = map_get_str(x->block, text);
	if (b || elem_reported(x->c, name->value_loc, E2020))
		return b;
	diag_error(x->c->diag, name->value_loc, E2020, "there is no block '%.80s' above", text);
	int n = map_count(x->block);
	const char **names = ARENA_ARRAY(x->arena, const char *, n + 1);
	for (int i = 0; i < n; i++) {
		uint64_t key;
		map_at(x->block, i, &key);
		names[i] = (const char *)(uintptr_t)key;
	}
	const char *near = nearest_name(text, names, n);
	if (near)
		diag_hint(x->c->diag, "did you mean '%s'?", near);
	else
		diag_hint(x->c->diag, "<block name=\"%.40s\" ...> must stand above its use", text);
	return NULL;
}

static bool is_use_attr(const char *name)
{
	return str_eq(name, "block") || str_eq(name, "id") || str_eq(name, "in");
}

/* The block's parameters from the attributes of <use>. */
static void bind_params(Expander *x, const Scope *s, Scope *body, const Block *b, const XmlNode *n)
{
	const char **names = ARENA_ARRAY(x->arena, const char *, b->param.n + 1);
	int count = 0;
	for (int i = 0; i < b->param.n; i++) {
		const BlockParam *p = &b->param.at[i];
		const ElemAttr *given = xml_attr(n, p->name);
		const char *text = given ? scope_text(x, s, given) : p->text;
		if (text)
			map_put_str(body->vars, p->name, (void *)(uintptr_t)sym(x->c, text));
		else if (!elem_reported(x->c, n->loc, E2020))
			diag_error(x->c->diag, n->loc, E2020, "the block needs the parameter '%s'",
				   p->name);
		names[count++] = p->name;
	}
	for (int i = 0; i < n->attr.n; i++) {
		const ElemAttr *a = &n->attr.at[i];
		if (is_use_attr(a->name) || xml_is_one_of(a->name, names, count) ||
		    elem_reported(x->c, a->name_loc, E2020))
			continue;
		diag_error(x->c->diag, a->name_loc, E2020, "the block has no parameter '%s'",
			   a->name);
		const char *near = nearest_name(a->name, names, count);
		if (near)
			diag_hint(x->c->diag, "did you mean '%s'?", near);
	}
}

static void bind_block_inputs(Expander *x, Scope *s, Scope *body, const Block *b, const XmlNode *n)
{
	RefList refs = { 0 };
	const ElemAttr *in = xml_attr(n, "in");
	if (in)
		scope_refs(x, s, in, &refs);
	else if (b->in.n > 0)
		xml_use_last(x, s, n, &refs);
	if (refs.n != b->in.n && !elem_reported(x->c, n->loc, E2008))
		diag_error(x->c->diag, n->loc, E2008, "the block takes %d input%s, not %d", b->in.n,
			   b->in.n == 1 ? "" : "s", refs.n);
	for (int i = 0; i < b->in.n; i++) {
		const char *full = i < refs.n && refs.at[i].name ? refs.at[i].name : "?";
		scope_alias(x, body, b->in.at[i], full, b->node->loc);
	}
	body->last = refs.n ? refs.at[0].name : NULL;
}

static void finish_results(Expander *x, Scope *body)
{
	if (body->result.n || !body->last)
		return;
	ElemRef r = { .name = body->last, .loc = body->node->loc };
	vec_push(x->arena, &body->result, r);
	vec_push(x->arena, &body->result_id, NULL);
}

/* The results of a block or repeat become names: id, id.k and id.name. */
static void name_results(Expander *x, Scope *s, Scope *body, const XmlNode *n)
{
	const ElemAttr *id = xml_attr(n, "id");
	const char *text = id ? scope_text(x, s, id) : NULL;
	Scope *home = scope_home(s);
	for (int i = 0; i < body->result.n; i++) {
		const char *full = body->result.at[i].name, *own = body->result_id.at[i];
		if (!full)
			continue;
		if (i == 0)
			s->last = full;
		if (text && i == 0)
			scope_alias(x, home, text, full, id->value_loc);
		if (text && body->result.n > 1)
			scope_alias(x, home, arena_printf(x->arena, "%s.%d", text, i), full,
				    id->value_loc);
		if (text && own)
			scope_alias(x, home, arena_printf(x->arena, "%s.%s", text, own), full,
				    id->value_loc);
	}
}

bool xml_deeper(Expander *x, const XmlNode *n)
{
	if (x->depth >= EXPAND_MAX_DEPTH) {
		if (!x->exhausted)
			diag_error(x->c->diag, n->loc, E2015, "blocks are nested deeper than %d",
				   EXPAND_MAX_DEPTH);
		x->exhausted = true;
		return false;
	}
	x->depth++;
	return true;
}

void xml_expand_use(Expander *x, Scope *s, const XmlNode *n)
{
	const ElemAttr *name = xml_need_attr(x, n, "block"), *id = xml_attr(n, "id");
	const Block *b = name ? find_block(x, name, scope_text(x, s, name)) : NULL;
	if (!b || !xml_deeper(x, n))
		return;
	Scope body = { .kind = SCOPE_block, .into = s->into, .node = b->node, .prefix = s->prefix };
	body.names = map_create(x->arena);
	body.vars = map_create(x->arena);
	int numbered = 0;
	body.used_at = n->loc;
	body.n_auto = id ? &numbered : scope_home(s)->n_auto;
	if (id)
		body.prefix = arena_printf(x->arena, "%s%s.", s->prefix, scope_text(x, s, id));
	bind_params(x, s, &body, b, n);
	bind_block_inputs(x, s, &body, b, n);
	xml_expand_children(x, &body, b->node);
	finish_results(x, &body);
	name_results(x, s, &body, n);
	if (n->child.n)
		xml_misplaced(x, n->child.at[0], "a <use> holds no elements");
	x->depth--;
}

/* --- repeats --------------------------------------------------------------------------------- */

/* The carried names: at first what in= names, then what the body's <output> names (or its last
 * result). */
static void carry(Expander *x, Scope *body, const RefList *names, const RefList *values,
		  const XmlNode *n)
{
	if (values->n < names->n && !elem_reported(x->c, n->loc, E2008))
		diag_error(x->c->diag, n->loc, E2008,
			   "%d names are carried, but there %s %d value%s", names->n,
			   values->n == 1 ? "is" : "are", values->n, values->n == 1 ? "" : "s");
	for (int i = 0; i < names->n; i++) {
		const char *full = i < values->n ? values->at[i].name : NULL;
		scope_alias(x, body, names->at[i].name, full ? full : "?", names->at[i].loc);
	}
	if (values->n)
		body->last = values->at[0].name;
}

static void carried_names(Expander *x, const ElemAttr *a, RefList *out)
{
	const char *item;
	size_t n;
	for (ListCursor l = list_cursor(a ? a->value : ""); list_next(&l, &item, &n);) {
		ElemRef r = { .name = intern_n(x->c->symbols, item, n), .loc = a->value_loc };
		vec_push(x->arena, out, r);
	}
}

void xml_expand_repeat(Expander *x, Scope *s, const XmlNode *n)
{
	static const char *const allowed[] = { "id", "in", "count", "as", "carry" };
	xml_check_attrs(x, n, allowed, 5);
	const ElemAttr *count = xml_need_attr(x, n, "count"), *as = xml_attr(n, "as"),
		       *in = xml_attr(n, "in");
	int64_t times = 0;
	if (!count || !scope_int(x, s, count, &times) || !xml_deeper(x, n))
		return;
	if (times < 0 || times > EXPAND_MAX_ELEMENTS) {
		diag_error(x->c->diag, count->value_loc, E2015, "a <repeat> counts from 0 to %d",
			   EXPAND_MAX_ELEMENTS);
		times = 0;
	}
	RefList names = { 0 }, values = { 0 };
	carried_names(x, xml_attr(n, "carry"), &names);
	if (in)
		scope_refs(x, s, in, &values);
	else if (s->last)
		xml_use_last(x, s, n, &values);
	const char *var = sym(x->c, as ? as->value : "i");
	if (as)
		xml_good_parameter(x, var, as->value_loc);
	Scope body = { .kind = SCOPE_repeat, .outer = s, .into = s->into, .node = n };
	for (int64_t i = 0; i < times && !x->exhausted; i++) {
		body = (Scope){ .kind = SCOPE_repeat, .outer = s, .into = s->into, .node = n };
		body.prefix = s->prefix;
		body.used_at = n->loc;
		body.names = names.n ? map_create(x->arena) : NULL;
		body.counter = var;
		body.count = arena_printf(x->arena, "%lld", (long long)i);
		carry(x, &body, &names, &values, n);
		xml_expand_children(x, &body, n);
		finish_results(x, &body);
		values.at = body.result.at, values.n = body.result.n, values.cap = body.result.cap;
		x->steps++;
		x->bytes += (int64_t)sizeof(Scope);
	}
	if (times == 0) { /* the value goes through unchanged */
		body.result.at = values.at, body.result.n = values.n, body.result.cap = values.cap;
		for (int i = 0; i < values.n; i++)
			vec_push(x->arena, &body.result_id, NULL);
	}
	name_results(x, s, &body, n);
	x->depth--;
}
