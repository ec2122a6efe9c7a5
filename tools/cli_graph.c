/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* See cli_graph.h. */
#include "tools/cli_graph.h"
#include "frontend/frontend.h"
#include "ir/flops.h"
#include "passes/expand.h"

void shapes_alone(Cli *c)
{
	cli_option(c, "check-only", "on");
	c->any_size = !opts_get(c->opts, "size");
	if (c->any_size)
		cli_option(c, "size", "1");
}

GraphSummary graph_summary(Arena *a, const burin_graph *g)
{
	GraphSummary s = { .elements = g->list->elem.n };
	Arena *scratch = arena_create();
	(void)a;
	for (int i = 0; i < g->graph->param.n; i++) {
		s.parameters += g->graph->param.at[i]->type->count;
		s.parameter_bytes += type_bytes(g->graph->param.at[i]->type);
	}
	Graph *core = expand_macros(g->graph, scratch);
	for (int i = 0; core && i < core->node.n; i++)
		s.flops += node_flops(core->node.at[i]);
	arena_destroy(scratch);
	return s;
}

static void put_port(Cli *c, const char *name, const Type *t)
{
	json_put_object(&c->json);
	json_key_text(c, "name", name);
	json_key_text(c, "type", dtype_info[t->dtype].name);
	json_key_array(c, "shape");
	for (int d = 0; d < t->rank; d++)
		json_put_int(&c->json, t->dim[d]);
	json_end(&c->json);
	json_end(&c->json);
}

void graph_summary_json(Cli *c, const burin_graph *g, const GraphSummary *s)
{
	const Graph *graph = g->graph;
	json_key_text(c, "name", graph->name);
	json_key_int(c, "elements", s->elements);
	json_key_int(c, "parameters", s->parameters);
	json_key_int(c, "parameter_bytes", s->parameter_bytes);
	json_key_real(c, "flops", s->flops);
	json_key_array(c, "inputs");
	for (int i = 0; i < graph->input.n; i++)
		put_port(c, graph->input.at[i]->name, graph->input.at[i]->type);
	json_end(&c->json);
	json_key_array(c, "outputs");
	for (int i = 0; i < graph->result.n; i++)
		put_port(c, graph->result_name.at[i], graph->result.at[i]->type);
	json_end(&c->json);
}

static void add_port(Str *s, int i, int n, const char *name, const Type *t)
{
	enum { SHOWN = 4 };
	if (i == SHOWN)
		str_fmt(s, ", ... (%d more)", n - SHOWN);
	if (i >= SHOWN)
		return;
	str_fmt(s, "%s%s ", i ? ", " : "", name);
	type_print(s, t);
}

const char *ports_text(Arena *a, const Graph *g)
{
	Str s;
	str_init(&s, a);
	for (int i = 0; i < g->input.n; i++)
		add_port(&s, i, g->input.n, g->input.at[i]->name, g->input.at[i]->type);
	str_add(&s, " -> ");
	for (int i = 0; i < g->result.n; i++)
		add_port(&s, i, g->result.n, g->result_name.at[i], g->result.at[i]->type);
	return str_text(&s);
}

/* --- training --------------------------------------------------------------------------------- */

static void add_fields(Str *s, const Graph *g, AttrRecord r, Attr attr)
{
	for (int i = 0; i < attr_info[r].n_field; i++) {
		const char *name = attr_info[r].field[i].name;
		if (str_eq(name, "loss") || (!str_eq(name, "lr") && !str_eq(name, "batch") &&
					     attr_field_is_default(g->ctx, r, attr, i)))
			continue;
		str_fmt(s, ", %s ", name);
		attr_field_print(s, r, attr, i);
	}
}

const char *training_text(Arena *a, const Graph *g)
{
	Str s;
	str_init(&s, a);
	str_fmt(&s, "minimises %s by %s", ((const Attr_training *)g->training)->loss,
		op_info(g->optimizer)->name);
	add_fields(&s, g, op_info(g->optimizer)->attr, g->optimizer_attr);
	add_fields(&s, g, ATTR_training_RECORD, g->training);
	return str_text(&s);
}

static void put_fields(Cli *c, AttrRecord r, Attr attr)
{
	for (int i = 0; i < attr_info[r].n_field; i++) {
		const AttrFieldInfo *f = &attr_info[r].field[i];
		const void *at = (const char *)attr + f->offset;
		if (f->kind == AK_i64 || f->kind == AK_flag)
			json_key_int(c, f->name, *(const int64_t *)at);
		else if (f->kind == AK_f64)
			json_key_real(c, f->name, *(const double *)at);
		else if (f->kind == AK_str)
			json_key_text(c, f->name, *(const char *const *)at);
	}
}

void graph_training_json(Cli *c, const burin_graph *model, const Graph *g)
{
	int n_in = model->graph->input.n, n_out = model->graph->result.n;
	json_key_object(c, "training");
	put_fields(c, ATTR_training_RECORD, g->training);
	json_key_object(c, "optimizer");
	json_key_text(c, "name", op_info(g->optimizer)->name);
	put_fields(c, op_info(g->optimizer)->attr, g->optimizer_attr);
	json_end(&c->json);
	json_key_array(c, "inputs");
	for (int i = n_in; i < g->input.n; i++)
		put_port(c, g->input.at[i]->name, g->input.at[i]->type);
	json_end(&c->json);
	json_key_array(c, "metrics");
	for (int i = n_out; i < g->result.n; i++)
		json_put_text(&c->json, g->result_name.at[i]);
	json_end(&c->json);
	json_end(&c->json);
}
