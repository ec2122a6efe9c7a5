/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* burin inspect: what lies in a file. Nothing of it is run; compiled models are read as ELF files.
 */
#include "tools/cli_graph.h"
#include "tools/cli_model.h"
#include "base/io.h"
#include "base/map.h"
#include "runtime/note.h"
#include <stdlib.h>
#include <string.h>

/* --- models ----------------------------------------------------------------------------------- */

typedef struct Count {
	const char *name;
	int n;
} Count;

static int by_count(const void *a, const void *b)
{
	const Count *x = a, *y = b;
	return x->n != y->n ? y->n - x->n : strcmp(x->name, y->name);
}

static int count_elements(Cli *c, const ElemList *l, Count **out)
{
	Map *m = map_create(c->arena);
	for (int i = 0; i < l->elem.n; i++) {
		uintptr_t n = (uintptr_t)map_get_str(m, l->elem.at[i].op);
		map_put_str(m, l->elem.at[i].op, (void *)(n + 1));
	}
	int n = map_count(m);
	*out = ARENA_ARRAY(c->arena, Count, n + 1);
	for (int i = 0; i < n; i++) {
		uint64_t key;
		uintptr_t count = (uintptr_t)map_at(m, i, &key);
		(*out)[i] = (Count){ (const char *)(uintptr_t)key, (int)count };
	}
	qsort(*out, (size_t)n, sizeof **out, by_count);
	return n;
}

static void print_ports(Cli *c, const Graph *g)
{
	for (int i = 0; i < g->input.n + g->result.n; i++) {
		bool input = i < g->input.n;
		int k = i - g->input.n;
		const Node *n = input ? g->input.at[i] : g->result.at[k];
		Str s;
		str_init(&s, c->arena);
		type_print(&s, n->type);
		cli_print(c, "%-9s %s %s\n", input ? "input" : "output",
			  input ? n->name : g->result_name.at[k], str_text(&s));
	}
}

static void print_histogram(Cli *c, const ElemList *l)
{
	Count *count;
	Str s;
	int n = count_elements(c, l, &count);
	str_init(&s, c->arena);
	json_key_object(c, "operators");
	for (int i = 0; i < n; i++) {
		str_fmt(&s, "%s%d %s", i ? ", " : "", count[i].n, count[i].name);
		json_key_int(c, count[i].name, count[i].n);
	}
	json_end(&c->json);
	cli_print(c, "elements  %s\n", str_text(&s));
}

static int inspect_training(Cli *c, burin_graph *g)
{
	if (!g->list->training)
		return EXIT_YES;
	const Graph *t = g->rebuild(g, 0, true);
	if (!t)
		return cli_diagnostics(c, g->ctx->diag);
	Str s;
	str_init(&s, c->arena);
	for (int i = g->graph->input.n; i < t->input.n; i++) {
		str_fmt(&s, ", input %s ", t->input.at[i]->name);
		type_print(&s, t->input.at[i]->type);
	}
	for (int i = g->graph->result.n + 1; i < t->result.n; i++)
		str_fmt(&s, ", metric %s", t->result_name.at[i]);
	cli_print(c, "training  %s%s\n", training_text(c->arena, t), str_text(&s));
	graph_training_json(c, g, t);
	return EXIT_YES;
}

static int inspect_model(Cli *c, const char *path)
{
	burin_graph *g;
	int rc = model_read(c, path, NULL, &g);
	if (rc == EXIT_YES) {
		GraphSummary s = graph_summary(c->arena, g);
		Arena *a = c->arena;
		cli_print(c, "%s  model '%s'\n", path, g->graph->name);
		print_histogram(c, g->list);
		cli_print(c, "weights   %s parameters, %s%s%s\n",
			  text_count(a, (double)s.parameters), text_bytes(a, s.parameter_bytes),
			  g->list->weights ? ", from " : "",
			  g->list->weights ? g->list->weights : "");
		cli_print(c, "work      %s in products and convolutions\n", text_flop(a, s.flops));
		print_ports(c, g->graph);
		rc = inspect_training(c, g);
		graph_summary_json(c, g, &s);
		if (rc == EXIT_YES)
			rc = cli_diagnostics(c, g->ctx->diag);
	}
	burin_graph_free(g);
	return rc;
}

/* --- weight files ----------------------------------------------------------------------------- */

static void put_tensor(Cli *c, const char *name, const Type *t)
{
	Str s;
	str_init(&s, c->arena);
	type_print(&s, t);
	cli_print(c, "  %-48s %s\n", name, str_text(&s));
	json_put_object(&c->json);
	json_key_text(c, "name", name);
	json_key_text(c, "type", dtype_info[t->dtype].name);
	json_key_array(c, "shape");
	for (int d = 0; d < t->rank; d++)
		json_put_int(&c->json, t->dim[d]);
	json_end(&c->json);
	json_end(&c->json);
}

static int inspect_weights(Cli *c, const char *path)
{
	int64_t elements = 0, bytes = 0;
	Context *own = c->ctx;
	WeightSet *w = weights_open(own, own->arena, path, (Loc){ .file = path });
	if (!w)
		return cli_diagnostics(c, own->diag);
	json_key_array(c, "tensors");
	for (int i = 0; i < weights_count(w); i++) {
		const char *name;
		const Blob *b = weights_at(w, i, &name);
		elements += b->type->count;
		bytes += type_bytes(b->type);
		put_tensor(c, name, b->type);
	}
	json_end(&c->json);
	json_key_int(c, "elements", elements);
	json_key_int(c, "tensor_bytes", bytes);
	cli_print(c, "%s  %d tensors, %s elements, %s\n", path, weights_count(w),
		  text_count(c->arena, (double)elements), text_bytes(c->arena, bytes));
	weights_close(w);
	return cli_diagnostics(c, own->diag);
}

/* --- compiled models -------------------------------------------------------------------------- */

static void put_json(JsonWriter *w, const JsonValue *v)
{
	if (v->key)
		json_put_key(w, v->key);
	switch (v->kind) {
	case JSON_NULL: json_put_null(w); break;
	case JSON_BOOL: json_put_bool(w, v->truth); break;
	case JSON_INT: json_put_int(w, v->integer); break;
	case JSON_REAL: json_put_real(w, v->real); break;
	case JSON_STRING: json_put_text(w, v->text); break;
	case JSON_ARRAY:
	case JSON_OBJECT:
		if (v->kind == JSON_ARRAY)
			json_put_array(w);
		else
			json_put_object(w);
		JSON_EACH(item, v)
		put_json(w, item);
		json_end(w);
		break;
	}
}

/* "[8,1,8,8]"; nothing for a scalar */
static void add_shape(Str *s, const JsonValue *v)
{
	JSON_EACH(size, v)
	str_fmt(s, size == v->first ? "[%lld" : ",%lld", (long long)size->integer);
	str_add(s, v->n ? "]" : "");
}

/* A list of texts or numbers in one line; of objects their names, types and sizes, as a tensor is
 * written everywhere: "x f32[8,1,8,8]". */
static void add_value(Str *s, const JsonValue *v)
{
	switch (v->kind) {
	case JSON_NULL: str_add(s, "-"); break;
	case JSON_BOOL: str_add(s, v->truth ? "yes" : "no"); break;
	case JSON_INT: str_fmt(s, "%lld", (long long)v->integer); break;
	case JSON_REAL: str_double(s, v->real); break;
	case JSON_STRING: str_add(s, v->text); break;
	case JSON_ARRAY:
	case JSON_OBJECT:
		JSON_EACH(item, v)
		{
			if (item->kind == JSON_ARRAY && item->key && str_eq(item->key, "shape")) {
				add_shape(s, item);
				continue;
			}
			str_add(s, item == v->first ? "" : v->kind == JSON_ARRAY ? ", " : " ");
			str_add(s, item->key && str_eq(item->key, "offset") ? "at " : "");
			add_value(s, item);
		}
		break;
	}
}

static void print_line(Cli *c, int indent, const char *key, const JsonValue *v)
{
	Str s;
	str_init(&s, c->arena);
	add_value(&s, v);
	cli_print(c, "%*s%-*s %s\n", indent, "", 28 - indent, key ? key : "", str_text(&s));
}

/* The functions beside m_run, and the tensors of the state, are lists of their own. */
static void print_value(Cli *c, const JsonValue *v)
{
	bool list = v->kind == JSON_ARRAY;
	bool entries = list && str_eq(v->key, "entries"), state = list && str_eq(v->key, "state");
	if (!entries && !state) {
		print_line(c, 2, v->key, v);
		return;
	}
	JSON_EACH(part, v)
	{
		if (state)
			print_line(c, 2, "", part);
		else if (part->kind == JSON_OBJECT)
			JSON_EACH(item, part)
		print_line(c, item == part->first ? 2 : 4, item->key, item);
	}
}

static int inspect_compiled(Cli *c, const char *path)
{
	Note note;
	JsonError e;
	const char *wrong = note_read(path, &note);
	if (wrong)
		return cli_error(c, E6102, "`burin compile` writes them", "'%s': %s", path, wrong);
	const char *text = arena_strdup(c->arena, note.metadata);
	free(note.memory);
	const JsonValue *v = json_parse(c->arena, text, strlen(text), &e);
	if (!v)
		return cli_error(c, E6102, NULL, "'%s': its metadata is malformed: %s", path,
				 e.message);
	json_put_key(&c->json, "metadata");
	put_json(&c->json, v);
	bool any;
	wrong = note_check_weights(path, &any);
	if (wrong)
		return cli_error(c, E4001,
				 "take another copy of the file, or compile the model again",
				 "the weights in '%s' are damaged: %s", path, wrong);
	const char *needs = needed_libraries(c->arena, path);
	json_key_text(c, "needs", needs);
	if (any)
		json_key_text(c, "checksum", "right");
	cli_print(c, "%s%s%s%s\n", path, any ? "  checksum of the weights: right" : "",
		  *needs ? "  needs: " : "", needs);
	JSON_EACH(item, v)
	print_value(c, item);
	return EXIT_YES;
}

static int inspect_packed(Cli *c, const char *path)
{
	IoError e;
	BurinWeightsHead head;
	bool sealed;
	IoMap *m = io_map(path, &e);
	if (!m)
		return cli_error(c, e.code, NULL, "cannot read '%s': %s", path, e.text);
	const char *wrong = weights_check_file(io_map_data(m), io_map_size(m), &sealed);
	if (!wrong)
		memcpy(&head, io_map_data(m), sizeof head);
	io_unmap(m);
	if (wrong)
		return cli_error(c, E4001,
				 "take another copy of the file, or compile the model again",
				 "the weights in '%s' are damaged: %s", path, wrong);
	json_key_int(c, "weight_bytes", head.bytes);
	json_key_text(c, "checksum", sealed ? "right" : "none");
	cli_print(c, "%s  %s of packed weights, checksum: %s\n", path,
		  text_bytes(c->arena, head.bytes),
		  sealed ? "right" : "none, they were packed from a state of training");
	return EXIT_YES;
}

int verb_inspect(Cli *c)
{
	static const char *const weights[] = { ".safetensors", ".npz", ".npy" };
	const char *path = c->arg.at[0];
	json_key_text(c, "file", path);
	int rc = cli_can_open(c, path);
	if (rc)
		return rc;
	for (size_t i = 0; i < sizeof weights / sizeof *weights; i++)
		if (str_ends(path, weights[i]))
			return inspect_weights(c, path);
	if (str_ends(path, ".so") || str_ends(path, ".o"))
		return inspect_compiled(c, path);
	if (str_ends(path, ".weights"))
		return inspect_packed(c, path);
	if (!str_ends(path, ".xml") && !str_ends(path, ".onnx"))
		return cli_error(
			c, E1007,
			"inspected are .xml .onnx, .so .o .weights, .safetensors .npz .npy",
			"'%.200s' cannot be inspected", path);
	shapes_alone(c);
	return inspect_model(c, path);
}
