/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* burin ops, schema, version: what is built in, printed from the tables that the compiler uses. */
#include "tools/cli.h"
#include "base/io.h"
#include "codegen/codegen.h"
#include "frontend/onnx_impl.h"
#include "ir/hooks.h"
#include <string.h>

/* --- operators -------------------------------------------------------------------------------- */

/* What a model may use: everything at graph level but what only the compiler makes. */
static bool is_element(Op op)
{
	const OpInfo *info = op_info(op);
	static const Op inner[] = { OP_get, OP_fill, OP_iota };
	for (size_t i = 0; i < sizeof inner / sizeof *inner; i++)
		if (op == inner[i])
			return false;
	return info->levels & (LEVEL_T | LEVEL_M);
}

static bool is_shown(const AttrFieldInfo *f)
{
	return f->kind != AK_blob && f->kind != AK_graph;
}

static const char *kind_name(AttrKind k)
{
	switch (k) {
	case AK_i64: return "integer";
	case AK_f64:
	case AK_num: return "number";
	case AK_flag: return "yes or no";
	case AK_ints: return "integers";
	case AK_nums: return "numbers";
	case AK_str: return "text";
	case AK_dtype: return "data type";
	case AK_blob:
	case AK_graph: return "";
	}
	return "";
}

static const char *default_text(const AttrFieldInfo *f)
{
	if (f->kind == AK_flag)
		return str_eq(f->def, "1") ? "yes" : "no";
	return *f->def ? f->def : "none";
}

/* Whether training can pass the operator. */
static const char *gradient_name(Op op)
{
	VjpFn *vjp = op_info(op)->vjp;
	if (vjp == vjp_none)
		return "none";
	if (vjp == vjp_zero)
		return "zero";
	return vjp == vjp_expanded ? "expansion" : "own";
}

static const char *gradient_meaning(Op op)
{
	VjpFn *vjp = op_info(op)->vjp;
	if (vjp == vjp_none)
		return "training cannot pass it: what lies before it must not need a gradient";
	if (vjp == vjp_zero)
		return "its value is constant almost everywhere";
	return vjp == vjp_expanded ? "that of the operators it is made of" : "a rule of its own";
}

static void put_op(Cli *c, Op op)
{
	const OpInfo *info = op_info(op);
	const AttrInfo *attr = &attr_info[info->attr];
	json_put_object(&c->json);
	json_key_text(c, "name", info->name);
	json_key_text(c, "inputs", info->inputs);
	json_key_text(c, "results", info->results);
	json_key_text(c, "gradient", gradient_name(op));
	json_key_text(c, "doc", info->doc);
	json_key_array(c, "attributes");
	for (int i = 0; i < attr->n_field; i++) {
		const AttrFieldInfo *f = &attr->field[i];
		if (!is_shown(f))
			continue;
		json_put_object(&c->json);
		json_key_text(c, "name", f->name);
		json_key_text(c, "kind", kind_name(f->kind));
		json_key_bool(c, "required", str_eq(f->def, "?"));
		if (!str_eq(f->def, "?"))
			json_key_text(c, "default", default_text(f));
		if (*f->range)
			json_key_text(c, "range", f->range);
		json_key_text(c, "doc", f->doc);
		json_end(&c->json);
	}
	json_end(&c->json);
	json_end(&c->json);
}

static void print_op(Cli *c, Op op)
{
	const OpInfo *info = op_info(op);
	const AttrInfo *attr = &attr_info[info->attr];
	cli_print(c, "<%s>  %s\n", info->name, info->doc);
	cli_print(c, "  inputs   %s\n", *info->inputs ? info->inputs : "none");
	if (!str_eq(info->results, "y"))
		cli_print(c, "  results  %s\n", info->results);
	cli_print(c, "  gradient %s: %s\n", gradient_name(op), gradient_meaning(op));
	for (int i = 0; i < attr->n_field; i++) {
		const AttrFieldInfo *f = &attr->field[i];
		if (!is_shown(f))
			continue;
		cli_print(c, "  %-20s %s (%s", f->name, f->doc, kind_name(f->kind));
		if (*f->range)
			cli_print(c, ", %s", attr_range_text(c->arena, f));
		cli_print(c, str_eq(f->def, "?") ? ", must be given)\n" : ", default %s)\n",
			  default_text(f));
	}
}

/* A '|' would end the cell. */
static const char *cell(Arena *a, const char *text)
{
	Str s;
	str_init(&s, a);
	for (; *text; text++)
		str_fmt(&s, *text == '|' ? "\\%c" : "%c", *text);
	return str_text(&s);
}

static void print_markdown(Cli *c, Op op)
{
	const OpInfo *info = op_info(op);
	const AttrInfo *attr = &attr_info[info->attr];
	Str s;
	str_init(&s, c->arena);
	for (int i = 0; i < attr->n_field; i++) {
		const AttrFieldInfo *f = &attr->field[i];
		if (!is_shown(f))
			continue;
		str_add(&s, s.n ? ", " : "");
		str_fmt(&s, str_eq(f->def, "?") ? "**%s**" : "%s", f->name);
		if (!str_eq(f->def, "?"))
			str_fmt(&s, "=%s", default_text(f));
	}
	cli_print(c, "| `%s` | %s | %s | %s | %s |\n", info->name, cell(c->arena, info->inputs),
		  cell(c->arena, str_text(&s)), gradient_name(op), cell(c->arena, info->doc));
}

static int unknown_op(Cli *c, const char *name)
{
	const char *names[OP_COUNT];
	int n = 0;
	for (int i = 0; i < OP_COUNT; i++)
		if (is_element((Op)i))
			names[n++] = op_info((Op)i)->name;
	const char *near = nearest_name(name, names, n);
	return cli_usage(c,
			 near ? arena_printf(c->arena, "did you mean '%s'?", near)
			      : "`burin ops` lists them",
			 "there is no operator '%.80s'", name);
}

static int print_named(Cli *c)
{
	for (int i = 0; i < c->arg.n; i++) {
		Op op;
		if (!op_find(c->arg.at[i], &op) || !is_element(op))
			return unknown_op(c, c->arg.at[i]);
		put_op(c, op);
		print_op(c, op);
	}
	return EXIT_YES;
}

static void print_all(Cli *c)
{
	bool markdown = opt_given(c, OPT_markdown);
	if (markdown)
		cli_print(c, "| element | inputs | attributes | gradient | meaning |\n"
			     "| --- | --- | --- | --- | --- |\n");
	else
		cli_print(c, "%-20s %-28s %-9s  %s\n", "element", "inputs", "gradient", "meaning");
	for (int i = 0; i < OP_COUNT; i++) {
		if (!is_element((Op)i))
			continue;
		put_op(c, (Op)i);
		if (markdown)
			print_markdown(c, (Op)i);
		else
			cli_print(c, "%-20s %-28s %-9s  %s\n", op_info((Op)i)->name,
				  op_info((Op)i)->inputs, gradient_name((Op)i),
				  op_info((Op)i)->doc);
	}
}

/* --- ONNX ------------------------------------------------------------------------------------- */

static void print_onnx(Cli *c)
{
	Str s;
	const OnnxRow *r;
	json_key_array(c, "onnx");
	for (int i = 0; (r = onnx_row_at(i)); i++) {
		json_put_object(&c->json);
		json_key_text(c, "domain", r->domain);
		json_key_text(c, "name", r->name);
		json_key_bool(c, "supported", r->map != NULL);
		if (r->map) {
			json_key_int(c, "since", r->since);
			json_key_text(c, "becomes", r->target);
		}
		json_key_text(c, "note", r->note);
		json_end(&c->json);
		if (!opt_given(c, OPT_markdown) && r->map)
			cli_print(c, "%s%s%-28s since %2d  <%s>  %s\n", r->domain,
				  *r->domain ? "." : "", r->name, r->since, r->target, r->note);
	}
	json_end(&c->json);
	str_init(&s, c->arena);
	onnx_ops_table(&s);
	if (opt_given(c, OPT_markdown))
		cli_print(c, "%s", str_text(&s));
}

int verb_ops(Cli *c)
{
	if (opt_given(c, OPT_onnx)) {
		if (c->arg.n)
			return cli_usage(c, NULL, "too many arguments: '%.80s' (--onnx lists all)",
					 c->arg.at[0]);
		print_onnx(c);
		return EXIT_YES;
	}
	if (c->arg.n && opt_given(c, OPT_markdown))
		return cli_usage(c, "leave the names out: the page has all of them",
				 "--markdown has no effect on single operators");
	json_key_array(c, "operators");
	int rc = EXIT_YES;
	if (c->arg.n)
		rc = print_named(c);
	else
		print_all(c);
	json_end(&c->json);
	return rc;
}

/* --- schema, version -------------------------------------------------------------------------- */

int verb_schema(Cli *c)
{
	const char *path = opt_text(c, OPT_output_file);
	IoError e;
	Str s;
	str_init(&s, c->arena);
	cli_hold_interrupts();
	schema_write(&s);
	json_key_text(c, "xsd", str_text(&s));
	if (!path)
		cli_print(c, "%s", str_text(&s));
	else if (!io_write_file(path, str_text(&s), s.n, &e))
		return cli_error(c, e.code, NULL, "cannot write '%s': %s", path, e.text);
	return EXIT_YES;
}

int verb_version(Cli *c)
{
	json_key_text(c, "version", burin_version());
	json_key_int(c, "abi", burin_abi());
	json_key_text(c, "codegen", codegen_version());
	cli_print(c, "burin %s (%s)\n", burin_version(), codegen_version());
	return EXIT_YES;
}
