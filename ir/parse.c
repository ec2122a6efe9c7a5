/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Reader of the text form (docs/text-form.md): recursive descent over the text itself. Nodes are
 * made just as written, without folding or rules; what the operator's inference says of their types
 * is compared with what is written. The first fault of syntax ends it, faults of types are
 * collected. */
#include "base/map.h"
#include "ir/parse_parts.h"
#include "ir/text.h"
#include <string.h>

static const int64_t MADE_BYTES = 256 << 20; /* of data made from hashes */

typedef struct Parser {
	Scan t;
	Builder *b;
	Map *value; /* by label */
	int64_t made;
} Parser;

/* --- values and types ------------------------------------------------------------------------ */

/* "%name" gives key and name; "%12" a key and no name. Both kinds have keys of their own. */
static bool parse_label(Parser *s, const char **key, const char **name)
{
	if (!scan_accept(&s->t, '%'))
		return diag_error(s->t.c->diag, scan_loc(&s->t), E5003,
				  "a value ('%%...') is expected, not %s", scan_seen(&s->t));
	bool number = *s->t.p >= '0' && *s->t.p <= '9';
	if (!scan_name(&s->t, name))
		return false;
	*key = arena_printf(s->t.c->arena, number ? "#%s" : "%%%s", *name);
	*name = number ? NULL : sym(s->t.c, *name);
	return true;
}

static bool parse_use(Parser *s, Node **out)
{
	const char *key, *name;
	scan_skip(&s->t);
	Loc loc = scan_loc(&s->t);
	if (!parse_label(s, &key, &name))
		return false;
	*out = map_get_str(s->value, key);
	return *out ||
	       diag_error(s->t.c->diag, loc, E5003, "value '%%%s' is not defined before", key + 1);
}

static bool define(Parser *s, Loc loc, const char *key, Node *n)
{
	if (map_get_str(s->value, key))
		return diag_error(s->t.c->diag, loc, E5003, "value '%%%s' is defined twice",
				  key + 1);
	map_put_str(s->value, key, n);
	return true;
}

/* @"file":12 */
static bool parse_loc(Parser *s, Loc *out)
{
	const char *file, *digits;
	int64_t line;
	if (!scan_accept(&s->t, '@'))
		return true;
	scan_skip(&s->t);
	if (*s->t.p != '"')
		return diag_error(s->t.c->diag, scan_loc(&s->t), E5003,
				  "a file name in quotes is expected");
	if (!scan_quoted(&s->t, &file) || !scan_expect(&s->t, ':') ||
	    !scan_word(&s->t, "a line number", &digits))
		return false;
	if (!parse_i64(digits, strlen(digits), &line) || line < 0 || line > INT32_MAX)
		return diag_error(s->t.c->diag, scan_loc(&s->t), E5003,
				  "a line number is expected");
	*out = (Loc){ .file = sym(s->t.c, file), .line = (int)line };
	return true;
}

/* --- constants ------------------------------------------------------------------------------- */

/* dense("name", 0x12) */
static bool parse_dense(Parser *s, const Type *t, const Blob **out)
{
	const char *name, *digits;
	uint64_t hash = 0;
	if (!scan_expect(&s->t, '('))
		return false;
	scan_skip(&s->t);
	if (*s->t.p != '"')
		return diag_error(s->t.c->diag, scan_loc(&s->t), E5003,
				  "a name in quotes is expected");
	if (!scan_quoted(&s->t, &name) || !scan_expect(&s->t, ',') ||
	    !scan_word(&s->t, "a hash", &digits))
		return false;
	size_t n = strlen(digits);
	bool ok = str_starts(digits, "0x") && n > 2 && n <= 18;
	for (size_t i = 2; ok && i < n; i++) {
		ok = scan_hex(digits[i]) >= 0;
		hash = hash << 4 | (uint64_t)(scan_hex(digits[i]) & 15);
	}
	if (!ok)
		return diag_error(s->t.c->diag, scan_loc(&s->t), E5003,
				  "a hash such as 0x12ab is expected");
	s->made += type_bytes(t);
	*out = blob_from_hash(s->t.c, t, *name ? name : NULL, hash, s->made <= MADE_BYTES);
	return scan_expect(&s->t, ')');
}

static bool parse_blob(Parser *s, const Type *t, const Blob **out)
{
	if (t->dtype == DT_tuple)
		return diag_error(s->t.c->diag, scan_loc(&s->t), E5003,
				  "a constant has no tuple type");
	if (scan_keyword(&s->t, "dense"))
		return parse_dense(s, t, out);
	bool list = scan_accept(&s->t, '[');
	/* two characters an element at least: a size without its elements must not take memory */
	if (t->count > 1 && (size_t)t->count > strlen(s->t.p))
		return diag_error(s->t.c->diag, scan_loc(&s->t), E5003,
				  "%lld elements are expected", (long long)t->count);
	void *data = arena_alloc(s->t.c->arena, (size_t)type_bytes(t) + 1);
	for (int64_t i = 0; i < t->count; i++)
		if ((i && !scan_expect(&s->t, ',')) || !parse_element(&s->t, t->dtype, data, i))
			return false;
	*out = blob_intern(s->t.c, t, data);
	return list ? scan_expect(&s->t, ']') : true;
}

/* Reads what stands at `raw`, if anything. */
static bool parse_raw(Parser *s, Scan raw, const Type *t, const Blob **out)
{
	Scan back = s->t;
	*out = NULL;
	if (!raw.p)
		return true;
	s->t = raw;
	bool ok = parse_blob(s, t, out);
	s->t = back;
	return ok;
}

/* --- ports ----------------------------------------------------------------------------------- */

static bool parse_port(Parser *s)
{
	const char *key, *name;
	const Type *t;
	uint64_t given = 0;
	Scan raw = { .p = NULL }; /* where data stands: it is read when its type is known */
	scan_skip(&s->t);
	Loc loc = scan_loc(&s->t);
	if (!parse_label(s, &key, &name) || !scan_expect(&s->t, ':') || !parse_type(&s->t, &t))
		return false;
	if (t->dtype == DT_tuple)
		return diag_error(s->t.c->diag, loc, E5003, "an input has no tuple type");
	Op op = scan_keyword(&s->t, "param") ? OP_param : OP_input;
	Attr_param param;
	Attr_port port;
	void *record = op == OP_param ? (void *)&param : (void *)&port;
	if (!parse_attr(&s->t, op, record, &given, &raw))
		return false;
	bool named = given >> attr_find(op_info(op)->attr, "name") & 1;
	if (op == OP_input && !(given >> attr_find(ATTR_port_RECORD, "index") & 1))
		port.index = s->b->graph->input.n;
	if (op == OP_input && !named && name)
		port.name = name;
	if (op == OP_param && !named && name)
		param.name = name;
	if (op == OP_param && !parse_raw(s, raw, t, &param.data))
		return false;
	s->b->loc = loc;
	if (!parse_loc(s, &s->b->loc))
		return false;
	Node *n = append_node(s->b, op, attr_intern(s->t.c, op_info(op)->attr, record), t, NULL, 0);
	n->name = name;
	return define(s, loc, key, n);
}

static bool parse_head(Parser *s)
{
	const char *name;
	if (!scan_keyword(&s->t, "graph"))
		return diag_error(s->t.c->diag, scan_loc(&s->t), E5003,
				  "'graph' is expected, not %s", scan_seen(&s->t));
	if (!scan_expect(&s->t, '@') || !scan_name(&s->t, &name) || !scan_expect(&s->t, '('))
		return false;
	s->b->graph->name = sym(s->t.c, name);
	if (!scan_accept(&s->t, ')')) {
		do {
			if (!parse_port(s))
				return false;
		} while (scan_accept(&s->t, ','));
		if (!scan_expect(&s->t, ')'))
			return false;
	}
	return scan_expect(&s->t, '{');
}

/* --- nodes ----------------------------------------------------------------------------------- */

static bool parse_op(Parser *s, Op *op)
{
	const char *name, *names[OP_COUNT];
	scan_skip(&s->t);
	Loc loc = scan_loc(&s->t);
	if (!scan_word(&s->t, "an operator", &name))
		return false;
	if (op_find(name, op) && (op_info(*op)->levels & (LEVEL_T | LEVEL_M)) && *op != OP_input &&
	    *op != OP_param)
		return true;
	diag_error(s->t.c->diag, loc, E5003, "there is no operator '%s' in the body of a graph",
		   name);
	for (int i = 0; i < OP_COUNT; i++)
		names[i] = op_info((Op)i)->name;
	const char *near = nearest_name(name, names, OP_COUNT);
	if (near)
		diag_hint(s->t.c->diag, "did you mean '%s'?", near);
	return false;
}

typedef struct Operands {
	VEC(Node *) list;
} Operands;

static bool parse_operands(Parser *s, Operands *out)
{
	Node *n;
	scan_skip(&s->t);
	if (*s->t.p != '%' && *s->t.p != '_')
		return true;
	do {
		n = NULL;
		if (!scan_accept(&s->t, '_') && !parse_use(s, &n))
			return false;
		vec_push(s->t.c->arena, &out->list, n);
	} while (scan_accept(&s->t, ','));
	return true;
}

static const char *type_text(Parser *s, const Type *t)
{
	Str text;
	str_init(&text, s->t.c->arena);
	type_print(&text, t);
	return str_text(&text);
}

/* Reports, and goes on with the written type: what follows is then judged by what its writer meant.
 */
static void check_type(Parser *s, Op op, Attr attr, const Type *written, const Operands *in)
{
	s->b->failed = false;
	const Type *t = infer_node(s->b, op, attr, in->list.at, in->list.n);
	if (t && t != written)
		diag_error(s->t.c->diag, s->b->loc, E5004, "%s gives %s here, not %s",
			   op_info(op)->name, type_text(s, t), type_text(s, written));
	s->b->failed = false;
}

static bool parse_node(Parser *s)
{
	_Alignas(max_align_t) char record[256];
	const char *key, *name;
	Scan raw = { .p = NULL }; /* where data stands: it is read when its type is known */
	Operands in = { { NULL, 0, 0 } };
	uint64_t given = 0;
	const Type *t;
	Op op;
	Loc loc = scan_loc(&s->t);
	if (!parse_label(s, &key, &name) || !scan_expect(&s->t, '='))
		return false;
	scan_skip(&s->t);
	s->b->loc = scan_loc(&s->t);
	if (!parse_op(s, &op) || !parse_operands(s, &in) ||
	    !parse_attr(&s->t, op, record, &given, &raw) || !scan_expect(&s->t, ':') ||
	    !parse_type(&s->t, &t) || !has_required(&s->t, s->b->loc, op, given))
		return false;
	if (op == OP_const && !raw.p)
		return diag_error(s->t.c->diag, s->b->loc, E5003,
				  "const needs the attribute 'data'");
	if (op == OP_const && !parse_raw(s, raw, t, &((Attr_data *)(void *)record)->data))
		return false;
	Attr attr = attr_intern(s->t.c, op_info(op)->attr, record);
	check_type(s, op, attr, t, &in);
	if (!parse_loc(s, &s->b->loc))
		return false;
	Node *n = append_node(s->b, op, attr, t, in.list.at, in.list.n);
	n->name = name;
	return define(s, loc, key, n);
}

static bool parse_update(Parser *s)
{
	struct GraphUpdate u;
	Graph *g = s->b->graph;
	if (!parse_use(s, &u.state) || !scan_expect(&s->t, '=') || !parse_use(s, &u.next))
		return false;
	vec_push(g->arena, &g->update, u);
	return true;
}

static bool parse_return(Parser *s)
{
	Graph *g = s->b->graph;
	Node *n;
	do {
		const char *name = NULL;
		if (!parse_use(s, &n) || (scan_keyword(&s->t, "as") && !scan_name(&s->t, &name)))
			return false;
		vec_push(g->arena, &g->result, n);
		vec_push(g->arena, &g->result_name, name ? sym(s->t.c, name) : NULL);
	} while (scan_accept(&s->t, ','));
	return true;
}

static bool parse_body(Parser *s)
{
	for (;;) {
		scan_skip(&s->t);
		if (scan_accept(&s->t, '}'))
			break;
		if (scan_keyword(&s->t, "return")) {
			if (!parse_return(s) || !scan_expect(&s->t, '}'))
				return false;
			break;
		}
		if (scan_keyword(&s->t, "update") ? !parse_update(s) : !parse_node(s))
			return false;
	}
	scan_skip(&s->t);
	return !*s->t.p || diag_error(s->t.c->diag, scan_loc(&s->t), E5003,
				      "the graph has ended before %s", scan_seen(&s->t));
}

Graph *graph_parse(Context *c, Arena *arena, const char *file, const char *text, size_t n)
{
	int errors = diag_errors(c->diag);
	Graph *g = graph_create(c, arena, "");
	Parser s = { .t = scan_text(c, file, text, n),
		     .b = builder_create(g),
		     .value = map_create(c->arena) };
	return parse_head(&s) && parse_body(&s) && diag_errors(c->diag) == errors ? g : NULL;
}
