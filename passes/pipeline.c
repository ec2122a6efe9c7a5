/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The pipeline, top to bottom. */
#include "ir/text.h"
#include "passes/pass.h"
#include <stdarg.h>
#include <string.h>

const PassInfo pass_info[PASS_COUNT] = {
#define PASS(name, doc) [PASS_##name] = { #name, doc },
#include "passes/passes.def"
#undef PASS
};

static GraphPass *const pass_function[PASS_COUNT] = {
#define PASS(name, doc) [PASS_##name] = pass_##name,
#include "passes/passes.def"
#undef PASS
};

bool pass_find(const char *name, PassId *out)
{
	for (int i = 0; i < PASS_COUNT; i++)
		if (str_eq(pass_info[i].name, name)) {
			*out = (PassId)i;
			return true;
		}
	return false;
}

void pass_explain(const Pass *p, const char *fmt, ...)
{
	va_list ap;
	if (!p->o->explain)
		return;
	va_start(ap, fmt);
	str_vfmt(p->o->explain, fmt, ap);
	va_end(ap);
	str_char(p->o->explain, '\n');
}

static void dump(const Pass *p, const Graph *g, const char *after)
{
	if (!p->o->dump || (p->o->dump_after && !str_eq(p->o->dump_after, after)))
		return;
	str_fmt(p->o->dump, "# after %s\n", after);
	graph_print(p->o->dump, g, (TextOptions){ 0 });
}

static Graph *run_pass(const Pass *p, PassId id, const Graph *g, Arena *arena)
{
	Graph *made = pass_function[id](p, g, arena);
	if (!made || diag_errors(p->ctx->diag))
		return NULL;
	made = graph_prune(made, arena);
	dump(p, made, pass_info[id].name);
	if (p->o->verify && !graph_verify(made, id == PASS_expand ? LEVEL_T : LEVEL_T | LEVEL_M)) {
		diag_note(p->ctx->diag, (Loc){ 0 }, "found after pass '%s'", pass_info[id].name);
		return NULL;
	}
	return made;
}

/* Winograd's convolution has a template for CPUs only. */
static bool applies(const Pass *p, PassId id)
{
	bool gpu = p->o->target.kind == TARGET_CUDA;
	return !p->o->off[id] && !(gpu && id == PASS_winograd);
}

Graph *run_graph_passes(const Pass *p, const Graph *g, Arena *arena)
{
	Graph *at = graph_prune(g, arena);
	for (int id = 0; at && id < PASS_COUNT; id++)
		if (applies(p, (PassId)id))
			at = run_pass(p, (PassId)id, at, arena);
	return at;
}

Graph *run_named_passes(const Pass *p, const Graph *g, Arena *arena, const char *names)
{
	Graph *at = graph_prune(g, arena);
	while (at && *names) {
		size_t n = strcspn(names, ",");
		PassId id;
		if (!pass_find(arena_strndup(arena, names, n), &id)) {
			diag_error(p->ctx->diag, (Loc){ 0 }, E7003, "there is no pass '%.*s'",
				   (int)n, names);
			return NULL;
		}
		at = run_pass(p, id, at, arena);
		names += n + (names[n] == ',');
	}
	return at;
}

bool compile_plans(const Pass *p, const Graph *g, Arena *arena, Compiled *out)
{
	*out = (Compiled){ 0 };
	out->graph = run_graph_passes(p, g, arena);
	if (!out->graph || !split_static(p, out->graph, arena, &out->split))
		return false;
	out->main = plan_graph(p, out->split.main, arena);
	Pass prepare = *p;
	PassOptions on_host = *p->o;
	on_host.target = on_host.host;
	if (p->o->target.kind == TARGET_CUDA)
		prepare.o = &on_host;
	prepare.from_file = !p->from_state;
	if (out->main && out->split.prepare->result.n)
		out->prepare = plan_graph(&prepare, out->split.prepare, arena);
	return out->main && !diag_errors(p->ctx->diag);
}
