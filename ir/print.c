/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The text form of graphs, docs/text-form.md. Values are called by their hints where these are
 * names, made unique, else by number; both come out the same when the text is read and printed
 * again. */
#include "base/map.h"
#include "ir/text.h"
#include <string.h>

enum { INLINE_ELEMENTS = 64 };

typedef struct Printer {
	Str *s;
	const Graph *g;
	TextOptions o;
	Arena *scratch;
	const char **label; /* by node id: "%x" */
	Map *taken;
} Printer;

/* --- names ----------------------------------------------------------------------------------- */

static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static bool is_bare(const char *name)
{
	if (!is_letter(*name))
		return false;
	for (; *name; name++)
		if (!is_letter(*name) && !(*name >= '0' && *name <= '9') && !strchr("._-/", *name))
			return false;
	return true;
}

static void print_quoted(Str *s, const char *text)
{
	str_char(s, '"');
	for (const unsigned char *p = (const unsigned char *)text; *p; p++)
		if (*p == '"' || *p == '\\')
			str_fmt(s, "\\%c", *p);
		else if (*p == '\n')
			str_add(s, "\\n");
		else if (*p < ' ' || *p == 0x7f)
			str_fmt(s, "\\x%02x", *p);
		else
			str_char(s, (char)*p);
	str_char(s, '"');
}

static void print_name(Str *s, const char *name)
{
	if (is_bare(name))
		str_add(s, name);
	else
		print_quoted(s, name);
}

/* The hint, with a number behind it when another node has it already. */
static const char *unique_name(Printer *p, const char *name)
{
	const char *unique = name;
	int *used = map_get_str(p->taken, name);
	while (used && map_get_str(p->taken, unique))
		unique = arena_printf(p->scratch, "%s.%d", name, ++*used);
	used = ARENA_NEW(p->scratch, int);
	*used = 1;
	map_put_str(p->taken, unique, used);
	return unique;
}

static void give_label(Printer *p, const Node *n, int *count)
{
	Str s;
	if (p->label[n->id])
		return;
	str_init(&s, p->scratch);
	str_char(&s, '%');
	if (n->name && *n->name)
		print_name(&s, unique_name(p, n->name));
	else
		str_fmt(&s, "%d", (*count)++);
	p->label[n->id] = str_text(&s);
}

static bool is_port(const Node *n)
{
	return n->op == OP_input || n->op == OP_param;
}

/* In the order of the text, so that reading it names and numbers alike. */
static void give_labels(Printer *p)
{
	int count = 0;
	for (int i = 0; i < p->g->input.n; i++)
		give_label(p, p->g->input.at[i], &count);
	for (int i = 0; i < p->g->param.n; i++)
		give_label(p, p->g->param.at[i], &count);
	for (int i = 0; i < p->g->node.n; i++)
		give_label(p, p->g->node.at[i], &count);
}

/* --- attributes ------------------------------------------------------------------------------ */

static void print_blob(Printer *p, const Blob *b)
{
	Str *s = p->s;
	if (!b->data || (b->type->count > INLINE_ELEMENTS && !p->o.data)) {
		str_add(s, "dense(");
		print_quoted(s, b->name ? b->name : "");
		str_fmt(s, ", 0x%016llx)", (unsigned long long)b->hash);
		return;
	}
	if (b->type->rank == 0) {
		blob_print(s, b, 0);
		return;
	}
	str_char(s, '[');
	for (int64_t i = 0; i < b->type->count; i++) {
		str_add(s, i ? ", " : "");
		blob_print(s, b, i);
	}
	str_char(s, ']');
}

static void print_field(Printer *p, const Node *n, AttrRecord r, int i)
{
	const AttrFieldInfo *f = &attr_info[r].field[i];
	const char *at = (const char *)n->attr + f->offset;
	str_fmt(p->s, "%s=", f->name);
	if (f->kind == AK_blob)
		print_blob(p, *(const Blob *const *)at);
	else if (f->kind == AK_str)
		print_quoted(p->s, *(const char *const *)at);
	else if (n->op == OP_fill && f->kind == AK_num && n->type->dtype != DT_f64 &&
		 dtype_is_float(n->type->dtype))
		str_float(p->s, (float)ATTR_OF(n, fill)->value.f);
	else
		attr_field_print(p->s, r, n->attr, i);
}

/* An input's or parameter's name is left out when it is its label, an input's index when it is its
 * position. */
static bool is_understood(Printer *p, const Node *n, AttrRecord r, int field)
{
	const char *name = attr_info[r].field[field].name;
	if (is_port(n) && str_eq(name, "name")) {
		const char *own =
			n->op == OP_input ? ATTR_OF(n, port)->name : ATTR_OF(n, param)->name;
		Str label;
		str_init(&label, p->scratch);
		str_char(&label, '%');
		print_name(&label, own ? own : "");
		return str_eq(p->label[n->id], str_text(&label));
	}
	if (n->op == OP_input && str_eq(name, "index")) {
		int64_t i = ATTR_OF(n, port)->index;
		return i >= 0 && i < p->g->input.n && p->g->input.at[i] == n;
	}
	return attr_field_is_default(p->g->ctx, r, n->attr, field);
}

static void print_attr(Printer *p, const Node *n)
{
	AttrRecord r = op_info(n->op)->attr;
	const char *before = " {";
	for (int i = 0; i < attr_info[r].n_field; i++) {
		if (is_understood(p, n, r, i))
			continue;
		str_add(p->s, before);
		print_field(p, n, r, i);
		before = ", ";
	}
	if (*before == ',')
		str_char(p->s, '}');
}

/* --- graph ----------------------------------------------------------------------------------- */

static void print_loc(Printer *p, const Node *n)
{
	if (!p->o.locs || !n->loc.file)
		return;
	str_add(p->s, " @");
	print_quoted(p->s, n->loc.file);
	str_fmt(p->s, ":%d", n->loc.line);
}

static void print_port(Printer *p, const Node *n)
{
	str_fmt(p->s, "%s: ", p->label[n->id]);
	type_print(p->s, n->type);
	if (n->op == OP_param)
		str_add(p->s, " param");
	print_attr(p, n);
	print_loc(p, n);
}

static void print_head(Printer *p)
{
	const char *before = "";
	str_add(p->s, "graph @");
	print_name(p->s, p->g->name ? p->g->name : "");
	str_char(p->s, '(');
	for (int i = 0; i < p->g->input.n + p->g->param.n; i++) {
		int k = i - p->g->input.n;
		str_add(p->s, before);
		print_port(p, k < 0 ? p->g->input.at[i] : p->g->param.at[k]);
		before = ",\n      ";
	}
	str_add(p->s, ") {\n");
}

static void print_node(Printer *p, const Node *n)
{
	str_fmt(p->s, "  %s = %s", p->label[n->id], op_info(n->op)->name);
	for (int i = 0; i < n->n_in; i++) {
		str_add(p->s, i ? ", " : " ");
		str_add(p->s, n->in[i] ? p->label[n->in[i]->id] : "_");
	}
	print_attr(p, n);
	str_add(p->s, " : ");
	type_print(p->s, n->type);
	print_loc(p, n);
	str_char(p->s, '\n');
}

static void print_results(Printer *p)
{
	const Graph *g = p->g;
	for (int i = 0; i < g->update.n; i++)
		str_fmt(p->s, "  update %s = %s\n", p->label[g->update.at[i].state->id],
			p->label[g->update.at[i].next->id]);
	for (int i = 0; i < g->result.n; i++) {
		const char *name = i < g->result_name.n ? g->result_name.at[i] : NULL;
		str_add(p->s, i ? ", " : "  return ");
		str_add(p->s, p->label[g->result.at[i]->id]);
		if (name) {
			str_add(p->s, " as ");
			print_name(p->s, name);
		}
	}
	str_add(p->s, g->result.n ? "\n}\n" : "}\n");
}

void graph_print(Str *s, const Graph *g, TextOptions o)
{
	Arena *a = arena_create();
	Printer p = { .s = s, .g = g, .o = o, .scratch = a, .taken = map_create(a) };
	p.label = ARENA_ARRAY(a, const char *, g->node.n + 1);
	give_labels(&p);
	print_head(&p);
	for (int i = 0; i < g->node.n; i++)
		if (!is_port(g->node.at[i]))
			print_node(&p, g->node.at[i]);
	print_results(&p);
	arena_destroy(a);
}
