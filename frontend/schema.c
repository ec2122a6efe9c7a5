/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The XML schema, printed from the operator table: for editors (completion, hover, checking while
 * typing) and for CI. It is wider than our own checks in two respects: any attribute may hold a
 * {parameter} of a block, and no layer needs an id, which those with parameters of their own do. */
#include "frontend/frontend.h"

static const char *const head =
	"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
	"<xs:schema xmlns:xs=\"http://www.w3.org/2001/XMLSchema\" xmlns=\"urn:burin:graph:1\"\n"
	"           targetNamespace=\"urn:burin:graph:1\" elementFormDefault=\"qualified\">\n"
	"  <xs:simpleType name=\"parameter\"><xs:restriction base=\"xs:string\">"
	"<xs:pattern value=\".*\\{.*\\}.*|@.*\"/></xs:restriction></xs:simpleType>\n"
	"  <xs:simpleType name=\"number\"><xs:union memberTypes=\"xs:double "
	"parameter\"><xs:simpleType>"
	"<xs:restriction base=\"xs:string\"><xs:enumeration value=\"inf\"/><xs:enumeration "
	"value=\"-inf\"/>"
	"<xs:enumeration "
	"value=\"nan\"/></xs:restriction></xs:simpleType></xs:union></xs:simpleType>\n"
	"  <xs:simpleType name=\"numbers\"><xs:restriction base=\"xs:string\"/></xs:simpleType>\n"
	"  <xs:simpleType name=\"integer\"><xs:restriction base=\"xs:string\">"
	"<xs:pattern value=\"[^ ,]+.*\"/></xs:restriction></xs:simpleType>\n"
	"  <xs:simpleType name=\"integers\"><xs:restriction base=\"xs:string\"/></xs:simpleType>\n"
	"  <xs:simpleType name=\"names\"><xs:restriction base=\"xs:string\"/></xs:simpleType>\n"
	"  <xs:simpleType name=\"id\"><xs:restriction base=\"xs:string\">"
	"<xs:pattern "
	"value=\"[^\\s,@\\-][^\\s,]*|[@\\-][^\\s,]+\"/></xs:restriction></xs:simpleType>\n"
	"  <xs:simpleType name=\"flag\"><xs:union memberTypes=\"parameter\"><xs:simpleType>"
	"<xs:restriction base=\"xs:string\"><xs:enumeration value=\"yes\"/><xs:enumeration "
	"value=\"no\"/>"
	"<xs:enumeration value=\"true\"/><xs:enumeration value=\"false\"/><xs:enumeration "
	"value=\"1\"/>"
	"<xs:enumeration "
	"value=\"0\"/></xs:restriction></xs:simpleType></xs:union></xs:simpleType>\n";

static void add_text(Str *s, const char *text)
{
	for (; *text; text++)
		switch (*text) {
		case '&': str_add(s, "&amp;"); break;
		case '<': str_add(s, "&lt;"); break;
		case '>': str_add(s, "&gt;"); break;
		case '"': str_add(s, "&quot;"); break;
		default: str_char(s, *text);
		}
}

static void add_doc(Str *s, const char *doc)
{
	str_add(s, "<xs:annotation><xs:documentation>");
	add_text(s, doc);
	str_add(s, "</xs:documentation></xs:annotation>");
}

static void add_attr(Str *s, const char *name, const char *type, const char *def, bool required,
		     const char *doc)
{
	str_fmt(s, "      <xs:attribute name=\"%s\" type=\"%s\"", name, type);
	if (required)
		str_add(s, " use=\"required\"");
	if (def && *def) {
		str_add(s, " default=\"");
		add_text(s, def);
		str_char(s, '"');
	}
	str_char(s, '>');
	add_doc(s, doc);
	str_add(s, "</xs:attribute>\n");
}

static void add_dtypes(Str *s)
{
	str_add(s, "  <xs:simpleType name=\"dtype\"><xs:union "
		   "memberTypes=\"parameter\"><xs:simpleType>"
		   "<xs:restriction base=\"xs:string\">\n");
	for (int i = 0; i < DT_COUNT; i++) {
		str_fmt(s, "    <xs:enumeration value=\"%s\">", dtype_info[i].name);
		add_doc(s, dtype_info[i].doc);
		str_add(s, "</xs:enumeration>\n");
	}
	str_add(s, "  </xs:restriction></xs:simpleType></xs:union></xs:simpleType>\n");
}

static const char *kind_type(AttrKind k)
{
	switch (k) {
	case AK_i64: return "integer";
	case AK_f64:
	case AK_num: return "number";
	case AK_flag: return "flag";
	case AK_ints: return "integers";
	case AK_nums: return "numbers";
	case AK_str: return "xs:string";
	case AK_dtype: return "dtype";
	case AK_blob:
	case AK_graph: return NULL;
	}
	return NULL;
}

static const char *shown_default(const AttrFieldInfo *f)
{
	if (str_eq(f->def, "?"))
		return NULL;
	if (f->kind == AK_flag)
		return str_eq(f->def, "1") ? "yes" : "no";
	return f->def;
}

static void open_element(Str *s, const char *name, const char *doc)
{
	str_fmt(s, "  <xs:element name=\"%s\">", name);
	add_doc(s, doc);
	str_add(s, "\n    <xs:complexType>\n");
}

static void close_element(Str *s)
{
	str_add(s, "    </xs:complexType>\n  </xs:element>\n");
}

/* --- operators ------------------------------------------------------------------------------- */

static void add_input_attrs(Str *s, Op op)
{
	const OpInfo *info = op_info(op);
	Str doc = { .arena = s->arena };
	if ((info->max_in == 0 && !info->variadic) || op_is_optimizer(op))
		return;
	str_fmt(&doc, "inputs: %s; none given: the result of the element before", info->inputs);
	add_attr(s, "in", "names", NULL, false, str_text(&doc));
	for (int i = 0; i < info->max_in && !info->variadic; i++) {
		bool optional;
		const char *param = NULL, *name = op_input_name(op, i, &optional, &param);
		if (attr_find(info->attr, name) < 0)
			add_attr(s, name, "names", NULL, false, "this input by its name");
	}
}

static void add_record(Str *s, AttrRecord r)
{
	for (int i = 0; i < attr_info[r].n_field; i++) {
		const AttrFieldInfo *f = &attr_info[r].field[i];
		const char *type = kind_type(f->kind);
		const char *doc = *f->range ? arena_printf(s->arena, "%s; %s", f->doc,
							   attr_range_text(s->arena, f))
					    : f->doc;
		if (type)
			add_attr(s, f->name, type, shown_default(f), str_eq(f->def, "?"), doc);
	}
}

static void add_op(Str *s, Op op)
{
	const OpInfo *info = op_info(op);
	bool params = op_has_params(op);
	open_element(s, info->name, info->doc);
	add_attr(s, "id", "id", NULL, false,
		 params ? "name of the result, and of its parameters" : "name of the result");
	add_input_attrs(s, op);
	add_record(s, info->attr);
	if (params && attr_find(info->attr, "trainable") < 0)
		add_attr(s, "trainable", "flag", "yes", false,
			 "whether training changes its parameters");
	if (params)
		add_attr(s, "init", "xs:string", NULL, false,
			 "initial weights: zeros, ones, a number, uniform:A, normal:S, he_normal, "
			 "xavier_uniform, lecun_normal ...");
	close_element(s);
}

/* --- what is no operator --------------------------------------------------------------------- */

typedef struct Row {
	const char *element, *name, *type, *doc; /* a row without name opens an element */
	bool required;
} Row;

static const Row rows[] = {
	{ "input", NULL, NULL, "an input of the model", false },
	{ "input", "id", "id", "its name", true },
	{ "input", "name", "xs:string", "what users call it when it is not the id", false },
	{ "input", "type", "dtype", "data type; f32 when not given", false },
	{ "input", "shape", "integers",
	  "sizes: numbers, symbols (N) or expressions (2*H); empty: a scalar", true },
	{ "output", NULL, NULL,
	  "an output of the model, or the result of a block, a repeat or a branch", false },
	{ "output", "id", "id", "its name", false },
	{ "output", "name", "xs:string", "what users of the model call it when it is not the id",
	  false },
	{ "output", "in", "names", "the result; none given: the element before", false },
	{ "param", NULL, NULL, "a parameter by itself; layers make theirs", false },
	{ "param", "id", "id", "its name, also in the weight file", true },
	{ "param", "type", "dtype", "data type; f32 when not given", false },
	{ "param", "shape", "integers", "sizes", true },
	{ "param", "name", "xs:string", "name in the weight file when it is not the id", false },
	{ "param", "trainable", "flag", "whether training changes it", false },
	{ "param", "init", "xs:string", "initialiser when the weight file has no such tensor",
	  false },
	{ "const", NULL, NULL, "a small constant", false },
	{ "const", "id", "id", "its name", true },
	{ "const", "type", "dtype", "data type; f32 when not given", false },
	{ "const", "shape", "integers", "sizes; none given: a scalar or a vector", false },
	{ "const", "value", "numbers", "the elements, or one number for all", true },
	{ "use", NULL, NULL, "puts a block in here; other attributes are its parameters", false },
	{ "use", "block", "xs:string", "the block's name", true },
	{ "use", "id", "id", "name of its result, and prefix of the ids inside", false },
	{ "use", "in", "names", "what its inputs are; none given: the element before", false },
	{ "use", "*", NULL, NULL, false },
	{ "then", "+", NULL, "the branch taken when the condition holds", false },
	{ "else", "+", NULL, "the branch taken when it does not", false },
	{ "block", "+", NULL, "a part to be used several times", false },
	{ "block", "name", "xs:string", "its name", true },
	{ "block", "in", "names", "names of its inputs; x when not given", false },
	{ "block", "params", "xs:string", "parameters, with defaults: filters stride=1", false },
	{ "repeat", "+", NULL, "its elements, several times in a row", false },
	{ "repeat", "count", "integer", "how often", true },
	{ "repeat", "as", "xs:string", "name of the counter, used as {i}; i when not given",
	  false },
	{ "repeat", "carry", "names", "names of the values handed from one round to the next",
	  false },
	{ "repeat", "in", "names", "their first values; none given: the element before", false },
	{ "repeat", "id", "id", "name of the last round's result", false },
};
enum { N_ROWS = sizeof(rows) / sizeof(rows[0]) };

static void add_rows(Str *s)
{
	for (int i = 0; i < N_ROWS; i++) {
		const Row *r = &rows[i];
		if (!r->name || str_eq(r->name, "+")) {
			open_element(s, r->element, r->doc);
			if (r->name)
				str_add(s, "      <xs:group ref=\"elements\"/>\n");
		} else if (str_eq(r->name, "*")) {
			str_add(s, "      <xs:anyAttribute processContents=\"skip\"/>\n");
		} else {
			add_attr(s, r->name, r->type, NULL, r->required, r->doc);
		}
		if (i + 1 == N_ROWS || !str_eq(rows[i + 1].element, r->element))
			close_element(s);
	}
	open_element(s, "if", "one of two branches, decided when the model is compiled");
	str_add(s, "      <xs:all><xs:element ref=\"then\"/><xs:element ref=\"else\"/></xs:all>\n");
	add_attr(s, "id", "id", NULL, false, "name of the result");
	add_attr(s, "in", "names", NULL, true, "the condition");
	close_element(s);
	open_element(s, "training", "what a graph built for training has besides the model");
	str_add(s,
		"      <xs:choice minOccurs=\"0\" maxOccurs=\"unbounded\"><xs:group ref=\"one\"/>"
		"<xs:group ref=\"optimizer\"/></xs:choice>\n");
	add_record(s, ATTR_training_RECORD);
	close_element(s);
	open_element(s, "graph", "a model");
	str_add(s, "      <xs:choice minOccurs=\"0\" maxOccurs=\"unbounded\"><xs:element "
		   "ref=\"block\"/>"
		   "<xs:group ref=\"one\"/><xs:element ref=\"training\"/></xs:choice>\n");
	add_attr(s, "name", "xs:string", NULL, false, "its name, a C identifier");
	add_attr(s, "weights", "xs:string", NULL, false, "weight file, beside the model");
	str_add(s, "      <xs:anyAttribute namespace=\"##other\" processContents=\"skip\"/>\n");
	close_element(s);
}

static bool is_of_kind(Op op, ElemKind k)
{
	Op found;
	return elem_kind(op_info(op)->name, &found) == k;
}

static void add_op_refs(Str *s, ElemKind k)
{
	for (int i = 0; i < OP_COUNT; i++)
		if (is_of_kind((Op)i, k))
			str_fmt(s, "    <xs:element ref=\"%s\"/>\n", op_info((Op)i)->name);
}

static void add_groups(Str *s)
{
	static const char *const others[] = { "input", "output", "param", "const",
					      "use",   "repeat", "if" };
	str_add(s, "  <xs:group name=\"one\"><xs:choice>\n");
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		str_fmt(s, "    <xs:element ref=\"%s\"/>\n", others[i]);
	add_op_refs(s, EK_op);
	str_add(s, "  </xs:choice></xs:group>\n  <xs:group name=\"optimizer\"><xs:choice>\n");
	add_op_refs(s, EK_optimizer);
	str_add(s, "  </xs:choice></xs:group>\n"
		   "  <xs:group name=\"elements\"><xs:choice>\n"
		   "    <xs:choice minOccurs=\"0\" maxOccurs=\"unbounded\"><xs:group "
		   "ref=\"one\"/></xs:choice>\n"
		   "  </xs:choice></xs:group>\n");
}

void schema_write(Str *s)
{
	str_add(s, head);
	add_dtypes(s);
	add_groups(s);
	add_rows(s);
	for (int i = 0; i < OP_COUNT; i++)
		if (is_of_kind((Op)i, EK_op) || is_of_kind((Op)i, EK_optimizer))
			add_op(s, (Op)i);
	str_add(s, "</xs:schema>\n");
}
