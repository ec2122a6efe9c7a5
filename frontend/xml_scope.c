/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Names are looked up from the innermost scope outwards; a block sees its inputs and its own
 * elements only. Elements of a <repeat> belong to the scope around it, so that they can be used
 * after it. Parameters are text; inside {...} they are integers unless the braces hold nothing but
 * the name. */
#include "frontend/xml_scope.h"

/* --- parameters ------------------------------------------------------------------------------ */

static const char *find_var(const Scope *s, const char *name)
{
	for (; s; s = s->outer) {
		const char *text = s->vars ? map_get_str(s->vars, name) : NULL;
		if (!text && s->counter && str_eq(s->counter, name))
			text = s->count;
		if (text)
			return text;
	}
	return NULL;
}

typedef struct VarUser {
	Expander *x;
	const Scope *s;
	const char *no_integer; /* a parameter that was found but holds text */
} VarUser;

static bool var_value(void *user, const char *name, size_t n, int64_t *out)
{
	VarUser *u = user;
	const char *text = find_var(u->s, intern_n(u->x->c->symbols, name, n));
	if (!text)
		return false;
	if (parse_i64(text, strlen(text), out))
		return true;
	u->no_integer = text;
	return false;
}

static bool expression_error(Expander *x, const ElemAttr *a, const char *expr, size_t n,
			     const ShapeExprError *e, const VarUser *u)
{
	if (elem_reported(x->c, a->value_loc, E2019))
		return false;
	if (u->no_integer)
		return diag_error(x->c->diag, a->value_loc, E2019,
				  "'%.*s' computes with \"%.40s\", which is not an integer",
				  n > 80 ? 80 : (int)n, expr, u->no_integer);
	diag_error(x->c->diag, a->value_loc, E2019, "'%.*s': %s", n > 80 ? 80 : (int)n, expr,
		   e->unknown ? "there is no such parameter here" : e->what);
	if (e->unknown)
		diag_hint(x->c->diag, "braces hold parameters of the <block> or the counter of the "
				      "<repeat> around; sizes such as N stand without braces");
	return false;
}

/* What braces could mean: "{1}" is a number, whatever a parameter is called. */
bool xml_good_parameter(Expander *x, const char *name, Loc loc)
{
	unsigned char c = (unsigned char)name[0];
	if (c == '_' || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c >= 0x80)
		return true;
	if (!elem_reported(x->c, loc, E2010))
		diag_error(x->c->diag, loc, E2010,
			   "'%.80s' cannot name a parameter: names begin with a letter or _", name);
	return false;
}

static bool is_plain_name(const char *text, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!(text[i] == '_' || (text[i] >= 'a' && text[i] <= 'z') ||
		      (text[i] >= 'A' && text[i] <= 'Z') ||
		      (i > 0 && text[i] >= '0' && text[i] <= '9')))
			return false;
	return n > 0;
}

static bool add_expression(Expander *x, const Scope *s, const ElemAttr *a, const char *expr,
			   size_t n, Str *out)
{
	const char *text =
		is_plain_name(expr, n) ? find_var(s, intern_n(x->c->symbols, expr, n)) : NULL;
	if (text) {
		str_add(out, text);
		return true;
	}
	int64_t v;
	ShapeExprError error;
	VarUser user = { .x = x, .s = s };
	if (!shape_expr_eval(expr, n, var_value, &user, &v, &error))
		return expression_error(x, a, expr, n, &error, &user);
	str_fmt(out, "%lld", (long long)v);
	return true;
}

/* Text grows when blocks hand parameters to blocks: each value and the sum are bounded. */
static const char *charge(Expander *x, const ElemAttr *a, const char *text, size_t n)
{
	x->bytes += (int64_t)n;
	if ((x->bytes > EXPAND_MAX_BYTES || n > EXPAND_MAX_TEXT) && !x->exhausted) {
		x->exhausted = true;
		diag_error(x->c->diag, a->value_loc, E2015, "the expanded blocks are too large");
	}
	return n > EXPAND_MAX_TEXT ? a->value : text;
}

const char *scope_text(Expander *x, const Scope *s, const ElemAttr *a)
{
	if (!strpbrk(a->value, "{}"))
		return a->value;
	Str out;
	str_init(&out, x->arena);
	for (const char *p = a->value; *p;) {
		size_t n = strcspn(p, "{}");
		str_addn(&out, p, n);
		p += n;
		if (!*p)
			break;
		const char *end = *p == '{' ? strchr(p, '}') : NULL;
		if (!end) {
			if (!elem_reported(x->c, a->value_loc, E2019))
				diag_error(x->c->diag, a->value_loc, E2019,
					   "a brace has no partner");
			return a->value;
		}
		if (!add_expression(x, s, a, p + 1, (size_t)(end - p - 1), &out))
			return a->value;
		p = end + 1;
	}
	return charge(x, a, str_text(&out), out.n);
}

bool scope_int(Expander *x, const Scope *s, const ElemAttr *a, int64_t *out)
{
	const char *text = scope_text(x, s, a);
	ShapeExprError error;
	VarUser user = { .x = x, .s = s };
	if (shape_expr_eval(text, strlen(text), var_value, &user, out, &error))
		return true;
	return expression_error(x, a, text, strlen(text), &error, &user);
}

/* --- names ----------------------------------------------------------------------------------- */

static const Name *find_name(const Scope *s, const char *written)
{
	for (; s; s = s->outer) {
		const Name *n = s->names ? map_get_str(s->names, written) : NULL;
		if (n)
			return n;
	}
	return NULL;
}

/* "lstm.h" or "split.1": the element before the last dot, and which of its results. */
static const char *find_result(Expander *x, const Scope *s, const char *written)
{
	const char *dot = strrchr(written, '.');
	Op op;
	if (!dot || dot == written || !dot[1])
		return NULL;
	const Name *base = find_name(s, intern_n(x->c->symbols, written, (size_t)(dot - written)));
	if (!base || !base->op)
		return NULL;
	ElemKind kind = elem_kind(base->op, &op);
	size_t len;
	int k;
	if (elem_result_suffix(written, &len, &k)) {
		bool fits = kind == EK_if || (kind == EK_op && (k < op_info(op)->n_results ||
								strchr(op_info(op)->results, '*')));
		return fits ? sym(x->c, arena_printf(x->arena, "%s.%d", base->full, k)) : NULL;
	}
	if (kind != EK_op)
		return NULL;
	const char *item;
	size_t n;
	k = 0;
	for (ListCursor l = list_cursor(op_info(op)->results); list_next(&l, &item, &n); k++)
		if (n == strlen(dot + 1) && memcmp(item, dot + 1, n) == 0)
			return sym(x->c, arena_printf(x->arena, "%s.%d", base->full, k));
	return NULL;
}

/* An element further down with this id: used before it is defined. */
static const XmlNode *find_below(const Scope *s, const char *written)
{
	for (; s; s = s->outer)
		for (int i = 0; i < s->node->child.n; i++) {
			const ElemAttr *id = xml_attr(s->node->child.at[i], "id");
			if (id && str_eq(id->value, written))
				return s->node->child.at[i];
		}
	return NULL;
}

static void hint_nearest(Expander *x, const Scope *s, const char *written)
{
	if (!elem_worth_hint(x->c))
		return;
	VEC(const char *) names = { 0 };
	for (const Scope *o = s; o; o = o->outer)
		for (int i = 0; o->names && i < map_count(o->names) && names.n < 10000; i++) {
			uint64_t key;
			map_at(o->names, i, &key);
			vec_push(x->arena, &names, (const char *)(uintptr_t)key);
		}
	const char *near = nearest_name(written, names.at, names.n);
	const Name *n = near ? find_name(s, near) : NULL;
	if (n && n->op)
		diag_hint(x->c->diag, "nearest: '%s' (%s, line %d)", near, n->op, n->loc.line);
	else if (near)
		diag_hint(x->c->diag, "nearest: '%s'", near);
	else if (s->outer == NULL && s->kind == SCOPE_block)
		diag_hint(x->c->diag, "a block sees only its own inputs and elements");
}

static const char *undefined(Expander *x, const Scope *s, const char *written, Loc loc)
{
	if (elem_reported(x->c, loc, E2011) || elem_reported(x->c, loc, E2021))
		return NULL;
	const XmlNode *below = elem_worth_hint(x->c) ? find_below(s, written) : NULL;
	if (below && str_eq(below->tag, "output")) {
		diag_error(x->c->diag, loc, E2011, "'%.80s' names an output, not an element",
			   written);
		diag_hint(x->c->diag, "use the element that the <output> of line %d takes",
			  below->loc.line);
		return NULL;
	}
	if (below) {
		diag_error(x->c->diag, loc, E2021, "'%.80s' is used before it is defined (line %d)",
			   written, below->loc.line);
		diag_hint(x->c->diag,
			  "an element may use only what stands above it; a graph has no "
			  "cycles");
		return NULL;
	}
	diag_error(x->c->diag, loc, E2011, "'%.80s' is not defined", written);
	hint_nearest(x, s, written);
	return NULL;
}

/* From here on the text is a number wherever these names are seen: no id below may be it. */
static void note_number(Expander *x, const Scope *s, const char *written, Loc loc)
{
	Name *n = ARENA_NEW(x->arena, Name);
	*n = (Name){ .loc = loc };
	for (; s; s = s->outer)
		if (s->names)
			map_put_str(s->names, written, n);
}

const char *scope_resolve(Expander *x, const Scope *s, const char *written, Loc loc)
{
	const Name *n = find_name(s, written);
	if (n)
		return n->full ? n->full : written;
	const char *result = find_result(x, s, written);
	if (result)
		return result;
	if (!elem_is_number(written))
		return undefined(x, s, written, loc);
	note_number(x, s, written, loc);
	return written;
}

void scope_refs(Expander *x, const Scope *s, const ElemAttr *a, RefList *out)
{
	const char *text = scope_text(x, s, a), *item;
	bool literal = text == a->value;
	size_t n;
	int count = 0;
	for (ListCursor l = list_cursor(text); list_next(&l, &item, &n);)
		count++;
	if (!out->n) {
		out->at = ARENA_ARRAY(x->arena, ElemRef, count);
		out->cap = count;
	}
	for (ListCursor l = list_cursor(text); list_next(&l, &item, &n);) {
		Loc loc = a->value_loc;
		if (literal &&
		    loc.len == (int)strlen(text)) { /* no entity inside: places are exact */
			loc.col += (int)(item - text);
			loc.len = (int)n;
		}
		const char *written = intern_n(x->c->symbols, item, n);
		ElemRef r = { .loc = loc };
		if (!str_eq(written, "-")) {
			r.name = scope_resolve(x, s, written, loc);
			if (!r.name)
				r.name = written;
		}
		vec_push(x->arena, out, r);
	}
}

static bool good_id(Expander *x, const char *id, Loc loc)
{
	const char *what = NULL;
	size_t n = strlen(id);
	if (n == 0)
		what = "an id may not be empty";
	else if (n > XML_MAX_NAME)
		what = "an id may have 128 bytes at most";
	else if (str_eq(id, "-") || id[0] == '@')
		what = "an id may not be '-' or begin with '@'";
	for (size_t i = 0; i < n && !what; i++)
		if ((unsigned char)id[i] <= ' ' || id[i] == 0x7f || strchr("{},", id[i]))
			what = "an id may not hold blanks, commas, braces or control characters";
	if (!what || elem_reported(x->c, loc, E2010))
		return !what;
	return diag_error(x->c->diag, loc, E2010, "%s", what);
}

/* The whole name is an id too: in messages, as a parameter's name, in the file that is written. */
static void report_long(Expander *x, const char *full, Loc loc)
{
	if (elem_reported(x->c, loc, E2010))
		return;
	diag_error(x->c->diag, loc, E2010,
		   "with the ids of the blocks around it, '%.40s...' has %zu bytes: at most %d",
		   full, strlen(full), XML_MAX_NAME);
	diag_hint(x->c->diag, "give the <use> elements around it shorter ids");
}

/* In a block it may be one: there the whole name has the block's before it. */
static void report_number(Expander *x, const Scope *s, const char *tag, const char *full, Loc loc)
{
	if (elem_reported(x->c, loc, E2010))
		return;
	diag_error(x->c->diag, loc, E2010, "'%.80s' cannot be an id: in=\"%.80s\" is a number",
		   full, full);
	if (s->used_at.line)
		diag_hint(x->c->diag, "an id of the <use> would come before it");
	else if (str_eq(tag, "input"))
		diag_hint(x->c->diag, "id=\"v%.40s\" name=\"%.40s\" keeps the name for users", full,
			  full);
}

static void report_duplicate(Expander *x, const Scope *s, const char *id, Loc loc, const Name *old)
{
	if (elem_reported(x->c, loc, E2009))
		return;
	if (!old->full) {
		diag_error(x->c->diag, loc, E2009, "the id '%.80s' is a number in line %d", id,
			   old->loc.line);
		diag_hint(x->c->diag, "a text among inputs is either a name or a number");
		return;
	}
	diag_error(x->c->diag, loc, E2009, "the id '%.80s' is used twice (first in line %d)", id,
		   old->loc.line);
	if (s->kind == SCOPE_repeat)
		diag_hint(x->c->diag,
			  "elements of a <repeat> need its counter in their ids, such as "
			  "id=\"%.40s.{i}\"",
			  id);
	else
		diag_hint(x->c->diag, "ids name results: each needs its own");
}

static const Name *find_full(const ListScope *l, const char *full)
{
	for (; l; l = l->outer) {
		const Name *n = map_get_str(l->full, full);
		if (n)
			return n;
	}
	return NULL;
}

Scope *scope_home(Scope *s)
{
	while (s->kind == SCOPE_repeat)
		s = s->outer;
	return s;
}

const char *scope_define(Expander *x, Scope *s, const char *tag, const char *id, Loc loc)
{
	Scope *home = scope_home(s);
	if (!id)
		id = arena_printf(x->arena, "%s#%d", tag, ++*home->n_auto);
	else
		good_id(x, id, loc);
	id = sym(x->c, id);
	const char *full = sym(x->c, arena_printf(x->arena, "%s%s", home->prefix, id));
	if (strlen(id) <= XML_MAX_NAME && strlen(full) > XML_MAX_NAME)
		report_long(x, full, loc);
	if (elem_is_number(full))
		report_number(x, s, tag, full, loc);
	const Name *old = map_get_str(home->names, id);
	if (!old)
		old = find_full(s->into, full);
	if (old) {
		report_duplicate(x, s, id, loc, old);
		return full;
	}
	Name *n = ARENA_NEW(x->arena, Name);
	*n = (Name){ .full = full, .op = sym(x->c, tag), .loc = loc };
	map_put_str(home->names, id, n);
	map_put_str(s->into->full, full, n);
	return full;
}

void scope_alias(Expander *x, Scope *s, const char *written, const char *full, Loc loc)
{
	good_id(x, written, loc);
	Name *n = ARENA_NEW(x->arena, Name);
	*n = (Name){ .full = full, .loc = loc };
	const Name *old = map_get_str(s->names, written);
	if (old)
		report_duplicate(x, s, written, loc, old);
	else
		map_put_str(s->names, sym(x->c, written), n);
}
