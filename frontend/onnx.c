/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* An ONNX model becomes a list of elements. Graphs are walked once, node by node, in the order of
 * the file; every tensor name stands for an OnnxValue. Constants (initialisers, Constant nodes) are
 * values without an element until something uses them, so that parameters such as the shape of a
 * Reshape can be written into attributes. Branches of an If become lists of their own, calls of the
 * model's functions are replaced by their bodies. A node that cannot be read does not end the walk:
 * its results stand as values of unknown type, so that one report tells all that is missing. */
#include "base/io.h"
#include "frontend/onnx_impl.h"
#include "frontend/weights.h"

static bool convert_node(Onnx *o, OnnxScope *s, PbBytes bytes);

static Loc loc_here(const Onnx *o, const OnnxNode *node)
{
	const char *name = node->name[0] ? node->name : node->out.n ? node->out.at[0] : NULL;
	return (Loc){ .file = o->path, .col = o->node, .element = name && name[0] ? name : NULL };
}

static bool decoded(Onnx *o, bool ok)
{
	OnnxDecoder *d = &o->decoder;
	if (ok || !d->fault)
		return ok;
	diag_error(o->c->diag, (Loc){ .file = o->path }, d->too_large ? E3003 : E3001,
		   "%s (at byte %zu)", d->fault, d->fault_at);
	if (!d->too_large)
		diag_hint(o->c->diag, "the file is damaged, cut off, or no ONNX model");
	d->fault = NULL;
	return false;
}

/* --- graphs ---------------------------------------------------------------------------------- */

static OnnxScope *scope_create(Onnx *o, OnnxScope *outer, ElemList *list)
{
	OnnxScope *s = ARENA_NEW(o->scratch, OnnxScope);
	*s = (OnnxScope){ .outer = outer, .list = list, .prefix = "" };
	if (outer) {
		s->import = outer->import;
		s->call = outer->call;
		s->function = outer->function;
		s->prefix = outer->prefix;
		s->depth = outer->depth + 1;
	}
	s->value = map_create(o->arena); /* grows while scratch comes and goes */
	s->info = map_create(o->scratch);
	return s;
}

static void note_types(OnnxScope *s, const OnnxGraph *g)
{
	for (int i = 0; i < g->input.n; i++)
		map_put_str(s->info, g->input.at[i].name, &g->input.at[i]);
	for (int i = 0; i < g->value_info.n; i++)
		map_put_str(s->info, g->value_info.at[i].name, &g->value_info.at[i]);
	for (int i = 0; i < g->output.n; i++)
		map_put_str(s->info, g->output.at[i].name, &g->output.at[i]);
}

static bool add_initializers(Onnx *o, OnnxScope *s, const OnnxGraph *g)
{
	bool ok = true;
	for (int i = 0; i < g->initializer.n; i++) {
		const OnnxTensor *t = &g->initializer.at[i];
		Loc loc = { .file = o->path, .element = t->name };
		OnnxValue *v = ARENA_NEW(o->arena, OnnxValue);
		*v = (OnnxValue){ .name = t->name, .rank = t->dim.n, .initializer = true };
		v->data = onnx_blob(o, t, loc);
		v->type = v->data ? v->data->type->dtype : DT_COUNT;
		ok &= v->data != NULL;
		if (!t->name[0])
			ok = onnx_fault(o, loc, "an initialiser has no name");
		else
			ok &= onnx_define(s, o, loc, t->name, v);
	}
	if (g->n_sparse)
		onnx_refuse(o, (Loc){ .file = o->path }, E3105,
			    "store the weights as dense tensors", "sparse initialisers");
	return ok;
}

/* --- inputs of the model --------------------------------------------------------------------- */

/* A symbol of the file as an identifier: other characters become '_', equal results are told apart
 * by a number. */
static const char *symbol_name(Onnx *o, Map *symbols, const char *symbol)
{
	const char *known = symbol ? map_get_str(symbols, symbol) : NULL;
	if (known)
		return known;
	Str s;
	str_init(&s, o->scratch);
	for (const char *p = symbol ? symbol : "d"; *p && s.n < 64; p++) {
		bool digit = *p >= '0' && *p <= '9';
		bool letter = (*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') || *p == '_';
		if (digit && !s.n)
			str_char(&s, 'd');
		str_char(&s, digit || letter ? *p : '_');
	}
	const char *base = str_text(&s), *name = base;
	Map *taken = o->taken_symbols;
	for (int k = symbol ? 2 : 0; map_get_str(taken, name) || (!symbol && name == base); k++)
		name = arena_printf(o->scratch, "%s%s%d", base, symbol ? "_" : "", k);
	name = sym(o->c, name);
	map_put_str(taken, name, o);
	if (symbol)
		map_put_str(symbols, symbol, (void *)(uintptr_t)name);
	return name;
}

/* Users call a port as the file does; the id beside it is for the references of the list. */
static void set_port_name(Onnx *o, Elem *e, const char *name)
{
	name = onnx_port_name(o, name);
	if (!str_eq(e->id, name))
		elem_set(o->aside, e, "name", name);
}

static void add_input(Onnx *o, OnnxScope *s, Map *symbols, const OnnxValueInfo *in)
{
	Loc loc = { .file = o->path, .element = in->name };
	DType type = DT_COUNT;
	if (!in->is_tensor)
		onnx_refuse(o, loc, E3105, "read are inputs that are tensors",
			    "the input '%s' is a sequence, a map, an optional value or has no type",
			    in->name);
	else if (!onnx_dtype(in->type, &type))
		onnx_refuse(o, loc, E3104, NULL, "tensors of type %s", onnx_dtype_name(in->type));
	else if (!in->has_shape)
		onnx_refuse(o, loc, E3105,
			    "export with the number of dimensions; sizes may be free",
			    "the input '%s' has no shape", in->name);
	OnnxValue *v = ARENA_NEW(o->arena, OnnxValue);
	*v = (OnnxValue){ .name = in->name, .type = type, .rank = in->has_shape ? in->dim.n : -1 };
	v->id = onnx_input_id(o, in->name);
	onnx_define(s, o, loc, in->name, v);
	Elem e = { .op = sym(o->c, "input"), .id = v->id, .loc = loc, .id_loc = loc };
	Str shape;
	str_init(&shape, o->scratch);
	for (int i = 0; i < in->dim.n; i++) {
		if (i)
			str_char(&shape, ',');
		if (in->dim.at[i].known)
			str_fmt(&shape, "%lld", (long long)in->dim.at[i].size);
		else
			str_add(&shape, symbol_name(o, symbols, in->dim.at[i].symbol));
	}
	set_port_name(o, &e, in->name);
	if (type != DT_COUNT && type != DT_f32)
		elem_set(o->aside, &e, "type", dtype_info[type].name);
	elem_set(o->aside, &e, "shape", str_text(&shape));
	onnx_push(o, s->list, &e);
}

/* Before IR version 4 initialisers are listed among the inputs too. */
static void add_inputs(Onnx *o, OnnxScope *s, const OnnxGraph *g)
{
	Map *symbols = map_create(o->scratch);
	for (int i = 0; i < g->input.n; i++) {
		const OnnxValue *v = map_get_str(s->value, g->input.at[i].name);
		if (!v || !v->initializer)
			add_input(o, s, symbols, &g->input.at[i]);
	}
}

/* --- outputs --------------------------------------------------------------------------------- */

static bool add_output(Onnx *o, OnnxScope *s, const char *name, OnnxValue **out)
{
	Loc loc = { .file = o->path, .element = name };
	OnnxValue *v = onnx_find(s, name);
	*out = v;
	if (!v)
		return onnx_fault(o, loc, "nothing makes the output '%.80s'", name);
	if (v->unread)
		return onnx_refuse(o, loc, E3102, NULL, "%s", v->unread);
	const char *from = onnx_value_id(o, v);
	Elem e = { .op = sym(o->c, "output"), .loc = loc, .id_loc = loc };
	e.id = onnx_output_id(o, name);
	if (s->list == o->root)
		set_port_name(o, &e, name);
	elem_add_in(o->aside, &e, from);
	onnx_push(o, s->list, &e);
	return true;
}

static bool read_graph(Onnx *o, OnnxScope *s, PbBytes bytes, bool top, OnnxValue ***out, int *n_out)
{
	OnnxGraph *g = ARENA_NEW(o->scratch, OnnxGraph);
	if (!decoded(o, onnx_decode_graph(&o->decoder, bytes, g)))
		return false;
	if (top)
		o->root->name = onnx_graph_name(o, g->name);
	note_types(s, g);
	bool ok = add_initializers(o, s, g);
	if (top)
		add_inputs(o, s, g);
	else if (g->input.n)
		ok = onnx_fault(o, (Loc){ .file = o->path, .col = o->node },
				"a branch of an If has inputs");
	for (int i = 0; i < g->node.n && !o->full; i++) {
		if (top)
			o->node = i + 1;
		ok &= convert_node(o, s, g->node.at[i]);
	}
	if (g->output.n == 0)
		ok = onnx_fault(o, (Loc){ .file = o->path }, "a graph without outputs");
	OnnxValue **value = ARENA_ARRAY(o->scratch, OnnxValue *, g->output.n ? g->output.n : 1);
	for (int i = 0; i < g->output.n && !o->full; i++)
		ok &= add_output(o, s, g->output.at[i].name, &value[i]);
	*out = value;
	*n_out = g->output.n;
	return ok;
}

bool onnx_read_branch(OnnxCall *n, const OnnxAttr *graph, ElemList **list, OnnxValue ***out,
		      int *n_out)
{
	Onnx *o = n->o;
	if (n->scope->depth >= ONNX_MAX_DEPTH) {
		n->failed = true;
		return diag_error(o->c->diag, n->loc, E3003, "graphs are nested more than %d deep",
				  ONNX_MAX_DEPTH);
	}
	*list = elem_list_create(o->c, o->arena, o->path);
	OnnxScope *s = scope_create(o, n->scope, *list);
	return read_graph(o, s, graph->message, false, out, n_out);
}

/* --- functions ------------------------------------------------------------------------------- */

/* The key of an operator or function; another overload is another function. */
static const char *key_of(Onnx *o, const char *domain, const char *name, const char *overload)
{
	return arena_printf(o->scratch, overload[0] ? "%s:%s:%s" : "%s:%s", domain, name, overload);
}

static void index_functions(Onnx *o)
{
	for (int i = 0; i < o->model.function.n; i++) {
		OnnxFunction *f = &o->model.function.at[i];
		map_put_str(o->function, key_of(o, f->domain, f->name, f->overload), f);
	}
}

/* The results take the names that the caller gives them. */
static OnnxScope *function_scope(OnnxCall *n, const OnnxFunction *f)
{
	Onnx *o = n->o;
	OnnxScope *s = scope_create(o, NULL, n->scope->list);
	s->import = &f->import;
	s->call = n;
	s->function = f;
	s->depth = n->scope->depth + 1;
	const char *name = n->node->name[0] ? n->node->name
			   : n->node->out.n ? n->node->out.at[0]
					    : f->name;
	s->prefix = arena_printf(o->scratch, "%.80s%.60s/", n->scope->prefix, name);
	s->wish = map_create(o->scratch);
	for (int i = 0; i < f->out.n && i < n->node->out.n; i++)
		if (n->node->out.at[i][0])
			map_put_str(s->wish, f->out.at[i], (void *)(uintptr_t)n->node->out.at[i]);
	for (int i = 0; i < f->in.n; i++)
		if (onnx_in(n, i))
			onnx_define(s, o, n->loc, f->in.at[i], onnx_in(n, i));
	return s;
}

static bool inline_function(OnnxCall *n, OnnxFunction *f)
{
	Onnx *o = n->o;
	if (f->open || n->scope->depth >= ONNX_MAX_DEPTH)
		return onnx_refuse(o, n->loc, E3105, NULL,
				   f->open ? "the function '%s' calls itself"
					   : "calls of functions are nested too deeply, at '%s'",
				   f->name);
	OnnxRow row = { .max_in = f->in.n, .max_out = f->out.n };
	n->row = &row;
	if (!onnx_call_begin(n))
		return false;
	bool ok = true;
	OnnxScope *s = function_scope(n, f);
	f->open = true;
	for (int i = 0; i < f->node.n && !o->full; i++)
		ok &= convert_node(o, s, f->node.at[i]);
	f->open = false;
	for (int i = 0; i < f->out.n && i < n->node->out.n && !o->full; i++) {
		OnnxValue *v = map_get_str(s->value, f->out.at[i]);
		if (!v)
			return onnx_fault(
				o, n->loc,
				"nothing makes the output '%.80s' of the function '%.80s'",
				f->out.at[i], f->name);
		ok &= onnx_alias(n, i, v);
	}
	return ok;
}

/* --- nodes ----------------------------------------------------------------------------------- */

static int64_t version_of(const OnnxImports *list, const char *domain)
{
	for (int i = 0; i < list->n; i++)
		if (str_eq(list->at[i].domain, domain))
			return list->at[i].version;
	return 0;
}

/* Stand-ins for the results that could not be made. */
static void bind_unknown(OnnxCall *n)
{
	for (int k = 0; k < n->node->out.n; k++)
		if (onnx_has_out(n, k) && !map_get_str(n->scope->value, n->node->out.at[k]))
			onnx_bind(n, k, sym(n->o->c, "unknown"), DT_COUNT);
}

static bool refuse_operator(OnnxCall *n)
{
	const OnnxNode *node = n->node;
	const char *hint = n->row ? n->row->note : NULL;
	if (!hint && !node->domain[0])
		hint = onnx_nearest_hint(n->o, node->op);
	else if (!hint)
		hint = "operators of other domains are read when the model brings them as "
		       "functions";
	return onnx_refuse(n->o, n->loc, E3101, hint,
			   "the operator '%.80s' (%.80s %lld) is not supported", node->op,
			   node->domain[0] ? node->domain : "ai.onnx", (long long)n->opset);
}

static bool convert(OnnxCall *n)
{
	Onnx *o = n->o;
	const OnnxNode *node = n->node;
	OnnxFunction *f = NULL;
	n->opset = version_of(n->scope->import, node->domain);
	n->row = map_get_str(o->row, key_of(o, node->domain, node->op, ""));
	if (!n->row || !n->row->map)
		f = map_get_str(o->function, key_of(o, node->domain, node->op, node->overload));
	if (f)
		return inline_function(n, f);
	if (!n->row || !n->row->map)
		return refuse_operator(n);
	return onnx_call_begin(n) && n->row->map(n) && onnx_call_end(n);
}

/* A node is decoded when its turn comes, and forgotten when it is done. */
static bool convert_node(Onnx *o, OnnxScope *s, PbBytes bytes)
{
	OnnxNode node;
	ArenaMark mark = arena_mark(o->scratch);
	if (!decoded(o, onnx_decode_node(&o->decoder, bytes, &node)))
		return false;
	OnnxCall n = { .o = o, .scope = s, .node = &node, .loc = loc_here(o, &node) };
	o->full |= ++o->n_nodes > ONNX_MAX_ELEMENTS ||
		   arena_bytes(o->arena) + arena_bytes(o->scratch) > o->budget;
	bool ok = !o->full && convert(&n);
	if (!ok)
		bind_unknown(&n);
	arena_release(o->scratch, mark);
	return ok;
}

/* --- the model ------------------------------------------------------------------------------- */

static bool check_versions(Onnx *o, const OnnxImports *list)
{
	Loc loc = { .file = o->path };
	int64_t v = version_of(list, "");
	if (v >= ONNX_OLDEST && v <= ONNX_NEWEST)
		return true;
	if (list->n == 0)
		return onnx_fault(o, loc, "the model does not tell its version of the operators");
	if (v == 0) /* a model of other operators alone */
		return true;
	diag_error(o->c->diag, loc, E3103,
		   "the model uses version %lld of the operators; read are %d to %d", (long long)v,
		   ONNX_OLDEST, ONNX_NEWEST);
	diag_hint(o->c->diag, "export again with opset_version=17");
	return false;
}

static bool read_model(Onnx *o, PbBytes bytes)
{
	OnnxValue **out;
	int n_out;
	Loc loc = { .file = o->path };
	if (!decoded(o, onnx_decode_model(&o->decoder, bytes, &o->model)))
		return false;
	if (!o->model.has_graph)
		return diag_error(o->c->diag, loc, E3001, "the file holds no ONNX graph");
	bool ok = check_versions(o, &o->model.import);
	for (int i = 0; i < o->model.function.n && ok; i++)
		if (version_of(&o->model.function.at[i].import, "") > 0)
			ok = check_versions(o, &o->model.function.at[i].import);
	if (!ok)
		return false;
	index_functions(o);
	OnnxScope *top = scope_create(o, NULL, o->root);
	top->import = &o->model.import;
	ok = read_graph(o, top, o->model.graph, true, &out, &n_out);
	if (o->full)
		return diag_error(o->c->diag, loc, E3003, "the model has more than %d elements",
				  ONNX_MAX_ELEMENTS);
	return onnx_report_refusals(o) && ok;
}

ElemList *onnx_read(Context *c, Arena *arena, const char *path, const void *data, size_t n,
		    WeightSet **weights)
{
	int before = diag_errors(c->diag);
	Onnx o = { .c = c, .arena = arena, .scratch = arena_create(), .path = sym(c, path) };
	o.budget = arena_bytes(arena) + ONNX_MEMORY + n * ONNX_MEMORY_PER_BYTE;
	o.aside = elem_list_create(c, o.scratch, path);
	o.decoder = (OnnxDecoder){ .c = c, .arena = o.scratch, .start = data };
	o.root = elem_list_create(c, arena, path);
	o.root->loc = (Loc){ .file = o.path };
	o.weights = weights_create(c, arena, path);
	o.taken = map_create(arena);
	o.asked = map_create(arena);
	o.taken_symbols = map_create(arena);
	o.row = onnx_row_index(arena);
	o.function = map_create(arena);
	o.refusal = map_create(arena);
	o.file = map_create(arena);
	bool ok = read_model(&o, (PbBytes){ .at = data, .n = n });
	arena_destroy(o.scratch);
	if (ok && diag_errors(c->diag) == before) {
		*weights = o.weights;
		return o.root;
	}
	weights_close(o.weights);
	*weights = NULL;
	return NULL;
}
