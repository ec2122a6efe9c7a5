/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* A list of elements as XML, one element a line, in columns. What is written reads back as the same
 * list. Small constants stand in the text; larger ones become parameters of the weight file, whose
 * tensors elem_tensors collects. */
#include "frontend/frontend.h"

enum { MAX_INLINE_INTS = 1024, MAX_INLINE_FLOATS = 64, MAX_PAD = 24 };

static bool stands_in_text(const Elem *e)
{
	if (!str_eq(e->op, "const") || !e->data->data)
		return false;
	const Type *t = e->data->type;
	return t->count <= (dtype_is_float(t->dtype) ? MAX_INLINE_FLOATS : MAX_INLINE_INTS);
}

void elem_tensors(const ElemList *l, TensorList *out)
{
	for (int i = 0; i < l->elem.n; i++) {
		const Elem *e = &l->elem.at[i];
		if (e->data && !stands_in_text(e)) {
			vec_push(l->arena, &out->name, elem_text(e, "name", e->id));
			vec_push(l->arena, &out->blob, e->data);
		}
		for (int b = 0; b < 2; b++)
			if (e->branch[b])
				elem_tensors(e->branch[b], out);
	}
	if (l->training)
		elem_tensors(l->training->list, out);
}

static void add_escaped(Str *s, const char *text)
{
	for (const unsigned char *p = (const unsigned char *)text; *p; p++) {
		if (*p == '&')
			str_add(s, "&amp;");
		else if (*p == '<')
			str_add(s, "&lt;");
		else if (*p == '"')
			str_add(s, "&quot;");
		else if (*p < ' ' || *p == 0x7f)
			str_fmt(s, "&#%d;", *p);
		else
			str_char(s, (char)*p);
	}
}

static void add_attr(Str *s, const char *name, const char *value)
{
	str_fmt(s, " %s=\"", name);
	add_escaped(s, value);
	str_char(s, '"');
}

static void pad_to(Str *s, size_t start, int width)
{
	while (s->n - start < (size_t)width)
		str_char(s, ' ');
}

/* --- constants ------------------------------------------------------------------------------- */

static void add_number(Str *s, const Blob *b, int64_t i)
{
	if (i)
		str_char(s, ' ');
	if (b->splat)
		i = 0;
	if (b->type->dtype == DT_f64)
		str_double(s, blob_f64(b, i));
	else if (dtype_is_float(b->type->dtype))
		str_float(s, (float)blob_f64(b, i));
	else
		str_fmt(s, "%lld", (long long)blob_i64(b, i));
}

static void add_type(Str *s, const Type *t)
{
	add_attr(s, "type", dtype_info[t->dtype].name);
	str_add(s, " shape=\"");
	for (int i = 0; i < t->rank; i++)
		str_fmt(s, i ? ",%lld" : "%lld", (long long)t->dim[i]);
	str_char(s, '"');
}

static void add_data(Str *s, const Elem *e)
{
	const Blob *b = e->data;
	add_type(s, b->type);
	if (!stands_in_text(e)) {
		if (str_eq(e->op, "const"))
			add_attr(s, "trainable", "no");
		return;
	}
	str_add(s, " value=\"");
	for (int64_t i = 0; i < (b->splat ? 1 : b->type->count); i++)
		add_number(s, b, i);
	str_char(s, '"');
}

/* --- elements -------------------------------------------------------------------------------- */

static const char *written_op(const Elem *e)
{
	bool moved = e->data && str_eq(e->op, "const") && !stands_in_text(e);
	return moved ? "param" : e->op;
}

static void add_inputs(Str *s, const Elem *e)
{
	if (!e->in.n)
		return;
	str_add(s, " in=\"");
	for (int i = 0; i < e->in.n; i++) {
		if (i)
			str_char(s, ' ');
		add_escaped(s, e->in.at[i].name ? e->in.at[i].name : "-");
	}
	str_char(s, '"');
}

static bool is_written(const Elem *e, const ElemAttr *a)
{
	return !e->data || (!str_eq(a->name, "type") && !str_eq(a->name, "shape"));
}

static void add_list(Str *s, const ElemList *l, int indent);

static void add_branches(Str *s, const Elem *e, int indent)
{
	static const char *const tag[] = { "then", "else" };
	str_add(s, ">\n");
	for (int b = 0; b < 2; b++) {
		str_fmt(s, "%*s<%s>\n", indent + 2, "", tag[b]);
		if (e->branch[b])
			add_list(s, e->branch[b], indent + 4);
		str_fmt(s, "%*s</%s>\n", indent + 2, "", tag[b]);
	}
	str_fmt(s, "%*s</if>\n", indent, "");
}

static void add_elem(Str *s, const Elem *e, int indent, int op_width, int id_width)
{
	size_t start = s->n + (size_t)indent;
	str_fmt(s, "%*s<%s", indent, "", written_op(e));
	pad_to(s, start, op_width + 1);
	start = s->n;
	if (e->id)
		add_attr(s, "id", e->id);
	pad_to(s, start, id_width + (int)strlen(" id=\"\""));
	add_inputs(s, e);
	if (e->data)
		add_data(s, e);
	for (int i = 0; i < e->attr.n; i++)
		if (is_written(e, &e->attr.at[i]))
			add_attr(s, e->attr.at[i].name, e->attr.at[i].value);
	if (str_eq(e->op, "if")) {
		add_branches(s, e, indent);
		return;
	}
	while (s->at[s->n - 1] == ' ')
		s->at[--s->n] = '\0';
	str_add(s, "/>\n");
}

static int at_most(int a, int b)
{
	return a < b ? a : b;
}

static void add_list(Str *s, const ElemList *l, int indent)
{
	int op_width = 0, id_width = 0;
	for (int i = 0; i < l->elem.n; i++) {
		const Elem *e = &l->elem.at[i];
		int op = at_most((int)strlen(written_op(e)), MAX_PAD);
		int id = at_most(e->id ? (int)strlen(e->id) : 0, MAX_PAD);
		op_width = op > op_width ? op : op_width;
		id_width = id > id_width ? id : id_width;
	}
	for (int i = 0; i < l->elem.n; i++)
		add_elem(s, &l->elem.at[i], indent, op_width, id_width);
}

static void add_training(Str *s, const ElemTraining *t)
{
	str_add(s, "  <training");
	for (int i = 0; i < t->head.attr.n; i++)
		add_attr(s, t->head.attr.at[i].name, t->head.attr.at[i].value);
	str_add(s, ">\n");
	add_list(s, t->list, 4);
	str_add(s, "  </training>\n");
}

bool xml_write(Context *c, const ElemList *list, Str *out, const char *weights_file)
{
	(void)c;
	str_add(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
		     "<?xml-model href=\"burin-graph-1.xsd\"?>\n"
		     "<graph xmlns=\"urn:burin:graph:1\"");
	add_attr(out, "name", list->name);
	if (weights_file)
		add_attr(out, "weights", weights_file);
	str_add(out, ">\n");
	add_list(out, list, 2);
	if (list->training)
		add_training(out, list->training);
	str_add(out, "</graph>\n");
	return true;
}
