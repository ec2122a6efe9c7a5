/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* See cli_model.h. */
#include "tools/cli_model.h"
#include "codegen/job.h"
#include "passes/expand.h"
#include "runtime/model.h"
#include <stdlib.h>
#include <string.h>
#include <strings.h>

bool is_compiled_file(const char *path)
{
	return str_ends(path, ".so");
}

/* --- binding ---------------------------------------------------------------------------------- */

static bool is_symbol(const char *text, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		char c = text[i];
		bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
		if (!letter && (i == 0 || c < '0' || c > '9'))
			return false;
	}
	return n > 0;
}

static bool is_bound(const ReadOptions *r, const char *name)
{
	for (int i = 0; i < r->bind.n; i++)
		if (str_eq(r->bind.at[i].name, name))
			return true;
	return false;
}

static void bind(burin_graph *g, ReadOptions *r, const char *name, double value)
{
	Binding b = { name, value };
	if (!is_bound(r, name))
		vec_push(g->arena, &r->bind, b);
}

/* The sizes of a tensor that was given decide the symbols in its input's shape. */
static void bind_sizes(burin_graph *g, ReadOptions *r, const char *shape, const Type *t)
{
	const char *item;
	size_t n;
	int d = 0;
	for (ListCursor l = list_cursor(shape); d < t->rank && list_next(&l, &item, &n); d++)
		if (is_symbol(item, n))
			bind(g, r, arena_strndup(g->arena, item, n), (double)t->dim[d]);
}

/* A whole number without dimensions: sizes may depend on it. */
static bool decides_shapes(const Elem *e, const char *shape)
{
	DType t;
	const char *type = elem_text(e, "type", "f32");
	return !*shape && dtype_find(type, &t) && !dtype_is_float(t);
}

static void bind_given(burin_graph *g, ReadOptions *r, GivenList *given)
{
	for (int i = 0; i < g->list->elem.n; i++) {
		const Elem *e = &g->list->elem.at[i];
		Given *v = str_eq(e->op, "input") ? given_find(given, elem_port_name(e)) : NULL;
		const char *shape = elem_text(e, "shape", "");
		if (!v || v->kind == GIVEN_RANDOM)
			continue;
		if (v->kind == GIVEN_TENSOR)
			bind_sizes(g, r, shape, v->tensor->type);
		if (!decides_shapes(e, shape) || is_bound(r, elem_port_name(e)))
			continue;
		double value = v->kind == GIVEN_FILL ? v->fill.f : blob_f64(v->tensor, 0);
		bind(g, r, elem_port_name(e), value);
		v->used = true;
	}
}

/* --- reading ---------------------------------------------------------------------------------- */

/* Whether all went well; *out is made in any case but lack of memory. */
static bool try_reading(Cli *c, const char *path, GivenList *given, burin_graph **out)
{
	ReadOptions r = { 0 };
	burin_graph *g = calloc(1, sizeof *g);
	*out = g;
	if (!g || !model_open(g, path, c->opts, &r))
		return false;
	bind_given(g, &r, given);
	return model_build(g, &r) && !diag_errors(g->ctx->diag);
}

/* Where any size does that fits, and the least one does not. */
static bool try_larger_sizes(Cli *c, const char *path, burin_graph **g)
{
	burin_graph *larger;
	cli_option(c, "size", "64");
	bool ok = try_reading(c, path, NULL, &larger);
	cli_option(c, "size", "1");
	if (ok) {
		burin_graph_free(*g);
		*g = larger;
	} else if (larger) {
		burin_graph_free(larger);
	}
	return ok;
}

int model_read(Cli *c, const char *path, GivenList *given, burin_graph **out)
{
	if (try_reading(c, path, given, out))
		return EXIT_YES;
	if (!*out)
		return cli_error(c, E1008, NULL, "out of memory");
	if (c->any_size && (*out)->list && try_larger_sizes(c, path, out))
		return EXIT_YES;
	return cli_diagnostics(c, (*out)->ctx->diag);
}

/* --- random inputs that make sense ------------------------------------------------------------ */

/* Which nodes hold values of input `at` as they are: through views, casts and choices. */
static void mark_copies(const Graph *g, const Node *input, bool *copy)
{
	copy[input->id] = true;
	for (int i = 0; i < g->node.n; i++) {
		const Node *n = g->node.at[i];
		bool passes =
			op_info(n->op)->flags & OF_VIEW || n->op == OP_cast || n->op == OP_select;
		for (int k = 0; passes && k < n->n_in; k++)
			if (n->in[k] && copy[n->in[k]->id])
				copy[n->id] = true;
	}
}

static int64_t least(int64_t limit, int64_t other)
{
	return limit == 0 || other < limit ? other : limit;
}

/* The smallest size that values of the input index. */
static int64_t index_limit(const Graph *g, const bool *copy)
{
	int64_t limit = 0;
	for (int i = 0; i < g->node.n; i++) {
		const Node *n = g->node.at[i];
		bool gathers = n->op == OP_gather || n->op == OP_gather_elements;
		if (gathers && copy[n->in[1]->id]) {
			int64_t axis = ATTR_OF(n, gather)->axis;
			axis += axis < 0 ? n->in[0]->type->rank : 0;
			limit = least(limit, n->in[0]->type->dim[axis]);
		} else if ((n->op == OP_gather_nd || n->op == OP_scatter_nd) &&
			   copy[n->in[1]->id]) {
			for (int d = 0; d < n->in[0]->type->rank; d++)
				limit = least(limit, n->in[0]->type->dim[d]);
		}
	}
	return limit;
}

static void find_hints(Model *m, Arena *a)
{
	Graph *g = expand_macros(m->compiled, a);
	for (int i = 0; g && i < g->input.n; i++) { /* behind them a state */
		bool *copy = ARENA_ARRAY(a, bool, g->node.n + 1);
		mark_copies(g, g->input.at[i], copy);
		m->hint[i].limit = index_limit(g, copy);
	}
}

static bool is_mask_name(const char *name)
{
	for (; *name; name++)
		if (strncasecmp(name, "mask", 4) == 0)
			return true;
	return false;
}

/* --- ports ------------------------------------------------------------------------------------ */

const Type *port_type(Cli *c, const burin_port *p, int64_t n)
{
	int64_t dim[MAX_RANK];
	for (int t = 0; t < DL_TYPES; t++) {
		if (dl_types[t].code != p->spec.dtype.code ||
		    dl_types[t].bits != p->spec.dtype.bits)
			continue;
		for (int d = 0; d < p->spec.ndim && d < MAX_RANK; d++)
			dim[d] = p->spec.shape[d] < 0 ? n : p->spec.shape[d];
		return p->spec.ndim <= MAX_RANK ? type_get(c->ctx, (DType)t, p->spec.ndim, dim)
						: NULL;
	}
	return NULL;
}

static burin_tensor tensor_arg(Arena *a, const Tensor *t)
{
	const DlType *d = &dl_types[t->type->dtype];
	burin_tensor arg = { .data = t->data, .ndim = t->type->rank };
	arg.device.type = 1;
	arg.dtype.code = d->code;
	arg.dtype.bits = d->bits;
	arg.dtype.lanes = 1;
	arg.shape = arena_copy(a, t->type->dim, sizeof(int64_t) * MAX_RANK);
	return arg;
}

/* The size that a compiled file leaves free: of a tensor given, else --batch, else 1. */
static bool free_size(Cli *c, const burin_port *port, int n, GivenList *given, int64_t *size)
{
	bool leaves_free = false, tells = false;
	*size = 1;
	for (int i = 0; i < n; i++) {
		const Given *v = given_find(given, port[i].name);
		for (int d = 0; d < port[i].spec.ndim; d++) {
			if (port[i].spec.shape[d] >= 0)
				continue;
			leaves_free = true;
			if (!tells && v && v->kind == GIVEN_TENSOR && d < v->tensor->type->rank) {
				*size = v->tensor->type->dim[d];
				tells = true;
			}
		}
	}
	return !leaves_free || tells || opt_int(c, OPT_batch, 1, 1 << 24, size);
}

static int make_ports(Cli *c, Model *m, GivenList *given)
{
	const burin_port *in, *out;
	Arena *a = c->arena;
	m->n_in = (int)burin_inputs(m->model, &in);
	m->n_out = (int)burin_outputs(m->model, &out);
	int64_t n = 1;
	if (!m->graph && !free_size(c, in, m->n_in, given, &n))
		return EXIT_USAGE;
	m->items = n;
	m->in = ARENA_ARRAY(a, Tensor, m->n_in + 1);
	m->out = ARENA_ARRAY(a, Tensor, m->n_out + 1);
	m->in_arg = ARENA_ARRAY(a, burin_tensor, m->n_in + 1);
	m->out_arg = ARENA_ARRAY(a, burin_tensor, m->n_out + 1);
	m->hint = ARENA_ARRAY(a, InputHint, m->n_in + 1);
	for (int i = 0; i < m->n_in + m->n_out; i++) {
		bool input = i < m->n_in;
		int k = input ? i : i - m->n_in;
		const burin_port *p = input ? &in[k] : &out[k];
		const Type *t = port_type(c, p, n);
		if (!t)
			return cli_error(c, E6102, NULL, "'%s': tensor '%s' is of no known type",
					 m->path, p->name);
		Tensor *to = input ? &m->in[k] : &m->out[k];
		*to = tensor_new(a, p->name, t);
		*(input ? &m->in_arg[k] : &m->out_arg[k]) = tensor_arg(a, to);
		if (input)
			m->hint[k].mask = is_mask_name(p->name);
	}
	return EXIT_YES;
}

static int fill_given(Cli *c, const Tensor *t, Given *v, InputHint hint)
{
	v->used = true;
	if (v->kind == GIVEN_RANDOM) {
		tensor_random(t, v->seed, hint);
		return EXIT_YES;
	}
	if (v->kind == GIVEN_FILL) {
		if (!num_is_of(t->type->dtype, v->fill))
			return cli_error(c, E6001, NULL,
					 "input '%s' is of %s, the number given is not", t->name,
					 dtype_info[t->type->dtype].name);
		for (int64_t i = 0; i < t->type->count; i++)
			num_store(t->type->dtype, t->data, i, v->fill);
		return EXIT_YES;
	}
	if (v->tensor->type != t->type) {
		Str got, want;
		str_init(&got, c->arena);
		str_init(&want, c->arena);
		type_print(&got, v->tensor->type);
		type_print(&want, t->type);
		return cli_error(c, E6001, NULL, "input '%s' is %s, the tensor given is %s",
				 t->name, str_text(&want), str_text(&got));
	}
	memcpy(t->data, v->tensor->data, (size_t)type_bytes(t->type));
	return EXIT_YES;
}

static int check_all_used(Cli *c, const Model *m, const GivenList *given)
{
	for (int i = 0; given && i < given->n; i++) {
		if (given->at[i].used)
			continue;
		const char **names = ARENA_ARRAY(c->arena, const char *, m->n_in + 1);
		for (int k = 0; k < m->n_in; k++)
			names[k] = m->in[k].name;
		const char *near = nearest_name(given->at[i].name, names, m->n_in);
		if (!near && m->n_in)
			near = names[0];
		return cli_error(c, E6001,
				 near ? arena_printf(c->arena, "did you mean '%s'?", near) : NULL,
				 "the model has no input '%s'", given->at[i].name);
	}
	return EXIT_YES;
}

int model_fill(Cli *c, Model *m, GivenList *given, uint64_t seed)
{
	for (int i = 0; i < m->n_in; i++) {
		Given *v = given_find(given, m->in[i].name);
		int rc = v ? fill_given(c, &m->in[i], v, m->hint[i]) : EXIT_YES;
		if (rc)
			return rc;
		if (!v)
			tensor_random(&m->in[i], seed, m->hint[i]);
	}
	return check_all_used(c, m, given);
}

/* --- loading ---------------------------------------------------------------------------------- */

burin_model *graph_compile(Cli *c, burin_graph *g, const Graph *graph)
{
	CompileJob job = { .c = g->ctx, .o = c->opts };
	burin_error e = { .size = sizeof e };
	burin_model *m = NULL;
	if (!compile_job_begin(&job, g, NULL))
		return NULL;
	Program *p = program_compile(g->ctx, graph, &job.co);
	compile_job_end(&job);
	if (p && program_model(p, &m, &e) != BURIN_OK)
		diag_error(g->ctx->diag, (Loc){ 0 }, E7001, "%s", e.message);
	return m;
}

static int load_compiled(Cli *c, Model *m)
{
	burin_error e = { .size = sizeof e };
	return burin_load(&m->model, m->path, c->opts, &e) == BURIN_OK ? EXIT_YES
								       : cli_runtime_error(c, &e);
}

static const Graph *inference(Cli *c, burin_graph *g)
{
	(void)c; /* as ModelGraph asks */
	return g->graph;
}

static int compile_file(Cli *c, Model *m, ModelGraph *graph, GivenList *given)
{
	int64_t start = now_ns();
	progress_show(c, "read", 0, 1, "");
	int rc = model_read(c, m->path, given, &m->graph);
	if (rc)
		return rc;
	m->read_s = (double)(now_ns() - start) * 1e-9;
	start = now_ns();
	progress_show(c, "compile", 0, 1, "");
	m->compiled = graph(c, m->graph);
	m->model = m->compiled ? graph_compile(c, m->graph, m->compiled) : NULL;
	m->compile_s = (double)(now_ns() - start) * 1e-9;
	progress_wipe(c);
	rc = cli_diagnostics(c, m->graph->ctx->diag);
	return m->model || rc ? rc : EXIT_BUG;
}

int model_load(Cli *c, const char *path, GivenList *given, Model *m)
{
	return model_load_as(c, path, inference, given, m);
}

int model_load_as(Cli *c, const char *path, ModelGraph *graph, GivenList *given, Model *m)
{
	burin_error e = { .size = sizeof e };
	*m = (Model){ .path = path };
	int rc = is_compiled_file(path) ? load_compiled(c, m) : compile_file(c, m, graph, given);
	if (rc)
		return rc;
	if (burin_exec_new(&m->exec, m->model, NULL, 0, c->opts, &e) != BURIN_OK)
		return cli_runtime_error(c, &e);
	rc = make_ports(c, m, given);
	if (rc == EXIT_YES && m->graph) {
		Arena *scratch = arena_create();
		find_hints(m, scratch);
		arena_destroy(scratch);
	}
	return rc ? rc : model_fill(c, m, given, cli_seed(c));
}

int model_run(Cli *c, Model *m)
{
	burin_error e = { .size = sizeof e };
	burin_status s =
		burin_run(m->exec, m->in_arg, (size_t)m->n_in, m->out_arg, (size_t)m->n_out, &e);
	return s == BURIN_OK ? EXIT_YES : cli_runtime_error(c, &e);
}

void model_close(Model *m)
{
	burin_exec_free(m->exec);
	burin_model_free(m->model);
	burin_graph_free(m->graph);
	*m = (Model){ 0 };
}

void training_start(Cli *c, int64_t seed)
{
	const char *number = arena_printf(c->arena, "%lld", (long long)seed);
	const Texts *names = opt_all(c, OPT_fresh);
	Str fresh;
	str_init(&fresh, c->arena);
	for (int i = 0; i < names->n; i++)
		str_fmt(&fresh, fresh.n ? ",%s" : "%s", names->at[i]);
	if (fresh.n)
		cli_option(c, "fresh", str_text(&fresh));
	cli_option(c, "initial-weights", arena_printf(c->arena, "init:seed=%s", number));
	cli_option(c, "seed", number);
}
