/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The ONNX reader: what each operator becomes (onnx_ops.def), constants, names, branches,
 * functions, data beside the model, reports; and that damaged files end in a report and nothing
 * else. */
#include "base/io.h"
#include "frontend/onnx_impl.h"
#include "tests/unit/check.h"
#include "tests/unit/onnx_make.h"
#include <pthread.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct Case {
	Context *c;
	Arena *arena;
	ElemList *list;
	WeightSet *weights;
} Case;

static Case begin(void)
{
	return (Case){ .c = context_create(), .arena = arena_create() };
}

static void end(Case *k)
{
	weights_close(k->weights);
	arena_destroy(k->arena);
	context_destroy(k->c);
}

static ElemList *read_bytes(Case *k, const char *path, const void *data, size_t n)
{
	k->list = onnx_read(k->c, k->arena, path, data, n, &k->weights);
	assert_int_equal(k->list == NULL, diag_errors(k->c->diag) > 0);
	return k->list;
}

static ElemList *read_text(Case *k, const OnnxText *t)
{
	Str m = onnx_model(k->arena, t);
	return read_bytes(k, "m.onnx", m.at, m.n);
}

static const char *report(Case *k)
{
	Str s;
	str_init(&s, k->arena);
	diag_print(k->c->diag, &s, 0, false);
	return str_text(&s);
}

static const Elem *find_elem(const ElemList *l, const char *id)
{
	for (int i = 0; i < l->elem.n; i++)
		if (str_eq(l->elem.at[i].id, id) && !str_eq(l->elem.at[i].op, "output"))
			return &l->elem.at[i];
	return NULL;
}

/* --- operators -------------------------------------------------------------------------------- */

static bool is_shown(const char *line)
{
	static const char *const hidden[] = { "<?", "<graph", "</", "<input", "<output", "<param" };
	for (size_t i = 0; i < sizeof(hidden) / sizeof(hidden[0]); i++)
		if (str_starts(line, hidden[i]))
			return false;
	return true;
}

/* The list as onnx_ops.def has it: single blanks, ' for ". */
static const char *elements_text(Case *k)
{
	Str xml, out;
	str_init(&xml, k->arena), str_init(&out, k->arena);
	xml_write(k->c, k->list, &xml, NULL);
	for (char *line = strtok(xml.at, "\n"); line; line = strtok(NULL, "\n")) {
		line += strspn(line, " ");
		if (!is_shown(line))
			continue;
		if (out.n)
			str_char(&out, '\n');
		for (; *line; line++)
			if (line[0] != ' ' || line[1] != ' ')
				str_char(&out, *line == '"' ? '\'' : *line);
	}
	return str_text(&out);
}

static void operators(void **state)
{
	(void)state;
	static const struct {
		OnnxText text;
		const char *want;
	} cases[] = {
#define CASE(opset, nodes, inits, inputs, elements) \
	{ { opset, nodes, inits, inputs, NULL }, elements },
#include "tests/unit/onnx_ops.def"
#undef CASE
	};
	int wrong = 0;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		Case k = begin();
		const char *got = read_text(&k, &cases[i].text) ? elements_text(&k) : report(&k);
		bool good = str_eq(got, cases[i].want) && elem_check(k.c, k.list);
		if (!good)
			print_error("%s\n%s\nwanted\n%s\n", cases[i].text.node, got, cases[i].want);
		wrong += !good;
		end(&k);
	}
	assert_int_equal(wrong, 0);
}

/* Every row names an element that exists, and the table prints every row. */
static void table(void **state)
{
	(void)state;
	Case k = begin();
	Str s;
	str_init(&s, k.arena);
	onnx_ops_table(&s);
	const OnnxRow *r;
	int n = 0;
	for (; (r = onnx_row_at(n)); n++) {
		Op op;
		assert_true(!r->map || elem_kind(r->target, &op) != EK_unknown);
		assert_true(!r->map || r->since <= ONNX_NEWEST);
		assert_true(r->map || r->note[0]);
		const char *cell = arena_printf(k.arena, "| %s%s%s |", r->domain,
						r->domain[0] ? "." : "", r->name);
		assert_non_null(strstr(str_text(&s), cell));
	}
	assert_true(n > 150);
	IoText docs;
	IoError e;
	assert_true(io_read(BURIN_SOURCE_DIR "/docs/onnx.md", k.arena, 1 << 20, &docs, &e));
	assert_non_null(
		strstr(docs.at,
		       str_text(&s))); /* `burin ops --onnx` prints the part that is out of date */
	assert_int_equal(map_count(onnx_row_index(k.arena)), n);
	end(&k);
}

/* --- constants -------------------------------------------------------------------------------- */

static void weights(void **state)
{
	(void)state;
	Case k = begin();
	OnnxText t = {
		17,
		"Conv x w b -> c;BatchNormalization c s t m v -> n;Gather n i -> g;"
		"Mul g a.slope -> p;Mul p f -> q;Mul q /a/scale -> y",
		"w:f32[2,3,1,1]=1,2,3,4,5,6;b:f32[2]=1,2;s:f32[2]=1,1;t:f32[2]=0,0;m:f32[2]=0,0;v:"
		"f32[2]=1,1;"
		"i:i64[1]=0;a.slope:f32[1]=2;f:f32[1]=2;/a/scale:f32[1]=2;unused:f32[1]=1",
		NULL, NULL
	};
	assert_non_null(read_text(&k, &t));
	static const char *const trained[] = { "w", "b", "s", "t", "a.slope" };
	static const char *const fixed[] = { "m", "v" };
	for (int i = 0; i < 5; i++) {
		const Elem *e = find_elem(k.list, trained[i]);
		assert_string_equal(e->op, "param");
		assert_string_equal(elem_text(e, "trainable", "yes"), "yes");
		assert_ptr_equal(weights_find(k.weights, trained[i]), e->data);
	}
	for (int i = 0; i < 2; i++)
		assert_string_equal(elem_text(find_elem(k.list, fixed[i]), "trainable", "yes"),
				    "no");
	static const char *const numbers[] = { "i", "f", "a/scale" };
	for (int i = 0; i < 3; i++)
		assert_string_equal(find_elem(k.list, numbers[i])->op, "const");
	assert_null(find_elem(k.list, "unused"));
	assert_int_equal(weights_count(k.weights), 7);
	const Blob *w = find_elem(k.list, "w")->data;
	assert_true(w->type->rank == 4 && w->type->dim[0] == 2 && blob_f64(w, 5) == 6);
	end(&k);
}

/* What a tensor of one type holds, by its raw bytes and by its typed field. */
static void check_typed(DType type, uint32_t field, bool fixed, const int64_t *bits,
			const double *want)
{
	for (int packed = 0; packed < 2; packed++) {
		Case k = begin();
		Str t, list, graph, model, import;
		str_init(&t, k.arena), str_init(&list, k.arena), str_init(&model, k.arena);
		str_init(&import, k.arena);
		pb_put_varint(&t, 1, 3);
		pb_put_varint(&t, 2, (uint64_t)onnx_code(type));
		pb_put_text(&t, 8, "w");
		for (int i = 0; i < 3; i++) {
			uint64_t v = (uint64_t)bits[i];
			if (!packed && !fixed)
				pb_put_varint(&t, field, v);
			else if (!packed && type == DT_f32)
				pb_put_fixed32(&t, field, (uint32_t)v);
			else if (!packed)
				pb_put_fixed64(&t, field, v);
			else if (fixed)
				str_addn(&list, (const char *)&v, type == DT_f32 ? 4 : 8);
		}
		if (packed && fixed)
			pb_put_message(&t, field, &list);
		else if (packed)
			pb_put_packed(&t, field, bits, 3);
		graph = onnx_graph(k.arena, &(OnnxText){ 17, "Identity w -> y", NULL, NULL, NULL });
		pb_put_message(&graph, 5, &t);
		pb_put_varint(&import, 2, 17);
		pb_put_message(&model, 8, &import);
		pb_put_message(&model, 7, &graph);
		assert_non_null(read_bytes(&k, "m.onnx", model.at, model.n));
		const Elem *e = find_elem(k.list, "w");
		assert_int_equal(e->data->type->dtype, type);
		for (int i = 0; i < 3; i++)
			assert_true(blob_f64(e->data, i) == want[i]);
		end(&k);
	}
}

static void typed_data(void **state)
{
	(void)state;
	check_typed(DT_f32, 4, true, (int64_t[]){ 0x3f800000, 0xc0000000, 0 },
		    (double[]){ 1, -2, 0 });
	check_typed(DT_f64, 10, true, (int64_t[]){ 0x3ff0000000000000, 0, 0x4000000000000000 },
		    (double[]){ 1, 0, 2 });
	check_typed(DT_f16, 5, false, (int64_t[]){ 0x3c00, 0xc000, 0 }, (double[]){ 1, -2, 0 });
	check_typed(DT_bf16, 5, false, (int64_t[]){ 0x3f80, 0xc000, 0 }, (double[]){ 1, -2, 0 });
	check_typed(DT_i64, 7, false, (int64_t[]){ 1, -5, (int64_t)1 << 40 },
		    (double[]){ 1, -5, 0x1p40 });
	check_typed(DT_i32, 5, false, (int64_t[]){ 1, -5, 1 << 30 }, (double[]){ 1, -5, 0x1p30 });
	check_typed(DT_i16, 5, false, (int64_t[]){ 1, -5, 300 }, (double[]){ 1, -5, 300 });
	check_typed(DT_i8, 5, false, (int64_t[]){ 1, -5, 100 }, (double[]){ 1, -5, 100 });
	check_typed(DT_u8, 5, false, (int64_t[]){ 1, 200, 100 }, (double[]){ 1, 200, 100 });
	check_typed(DT_bool, 5, false, (int64_t[]){ 1, 0, 1 }, (double[]){ 1, 0, 1 });
}

/* Large data stays where it lies. */
static void no_copies(void **state)
{
	(void)state;
	Case k = begin();
	enum { N = 1000 };
	static float data[N];
	Str t, model = onnx_model(k.arena, &(OnnxText){ 17, "", NULL, NULL, NULL });
	Str graph = onnx_graph(k.arena, &(OnnxText){ 17, "Identity w -> y", NULL, NULL, NULL });
	str_init(&t, k.arena);
	pb_put_varint(&t, 1, N);
	pb_put_varint(&t, 2, 1);
	pb_put_text(&t, 8, "w");
	pb_put_bytes(&t, 9, data, sizeof(data));
	pb_put_message(&graph, 5, &t);
	model.n = 6; /* version and import */
	pb_put_message(&model, 7, &graph);
	assert_non_null(read_bytes(&k, "m.onnx", model.at, model.n));
	const char *at = find_elem(k.list, "w")->data->data;
	assert_true(at > model.at && at + sizeof(data) <= model.at + model.n);
	end(&k);
}

/* --- names ------------------------------------------------------------------------------------ */

static void names(void **state)
{
	(void)state;
	Case k = begin();
	OnnxText t = { 17,
		       "Relu in.1 -> /a/b_0;Relu /a/b_0 -> 5;Relu 5 -> inf;Relu inf -> a_b;Relu "
		       "a_b -> a$b;Split a$b -> s.0 s.1;Neg s.1 -> y",
		       NULL, "in.1:f32[batch size,?,batch,batch_size,3]", NULL };
	t.input = "in.1:f32[batch+1,?,batch,batch_1,3,batch]";
	assert_non_null(read_text(&k, &t));
	const ElemList *l = k.list;
	assert_string_equal(l->elem.at[0].id, "in.1");
	assert_string_equal(elem_text(&l->elem.at[0], "shape", ""),
			    "batch_1,d0,batch,batch_1_2,3,batch");
	static const char *const ids[] = { "a/b_0", "v5", "vinf", "a_b", "a_b_2", "s.0", "y" };
	for (int i = 0; i < 7; i++)
		assert_string_equal(l->elem.at[i + 1].id, ids[i]);
	assert_string_equal(l->elem.at[7].in.at[0].name, "s.0.1");
	assert_string_equal(l->elem.at[8].op, "output");
	end(&k);
}

/* Users call a port as the file does; the id beside it is not a number and fits into a list. */
static void port_names(void **state)
{
	(void)state;
	static const struct {
		const char *name, *id, *port;
	} cases[] = { { "0", "v0", "0" },         { "0.5", "v0.5", "0.5" },
		      { "-1", "v-1", "-1" },      { "1e5", "v1e5", "1e5" },
		      { "0x1", "v0x1", "0x1" },   { "+.5", "v+.5", "+.5" },
		      { "inf", "inf", "inf" },    { "nan", "nan", "nan" },
		      { "true", "true", "true" }, { "@x", "_x", "@x" },
		      { "a,b", "a_b", "a,b" },    { "a{b}", "a_b_", "a_b_" } };
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		Case k = begin();
		OnnxText t = { 17, NULL, NULL, NULL, NULL };
		t.node = arena_printf(k.arena, "Relu %s -> out;Neg out -> 7", cases[i].name);
		t.input = arena_printf(k.arena, "%s:f32[2]", cases[i].name);
		t.output = "7";
		if (!read_text(&k, &t))
			fail_msg("%s: %s", cases[i].name, report(&k));
		const Elem *in = &k.list->elem.at[0], *relu = &k.list->elem.at[1],
			   *out = &k.list->elem.at[3];
		assert_string_equal(in->id, cases[i].id);
		assert_string_equal(elem_port_name(in), cases[i].port);
		assert_string_equal(relu->in.at[0].name, cases[i].id);
		assert_string_equal(elem_port_name(out), "7");
		end(&k);
	}
}

static void graph_names(void **state)
{
	(void)state;
	static const struct {
		const char *path, *want;
	} cases[] = { { "a/resnet-18.onnx", "resnet_18" },
		      { "7up.onnx", "m7up" },
		      { "a/\xc3\xa9.onnx", "__" } };
	for (int i = 0; i < 3; i++) {
		Case k = begin();
		Str m = onnx_model(k.arena, &(OnnxText){ 17, "Relu x -> y", NULL, NULL, NULL });
		assert_non_null(read_bytes(&k, cases[i].path, m.at, m.n));
		assert_string_equal(k.list->name, cases[i].want);
		end(&k);
	}
}

/* --- branches and functions ------------------------------------------------------------------- */

static void put_graph_attr(Arena *a, Str *node, const char *name, const OnnxText *t)
{
	Str graph = onnx_graph(a, t), attr;
	str_init(&attr, a);
	pb_put_text(&attr, 1, name);
	pb_put_message(&attr, 6, &graph);
	pb_put_varint(&attr, 20, 5);
	pb_put_message(node, 5, &attr);
}

static void branches(void **state)
{
	(void)state;
	Case k = begin();
	Arena *a = k.arena;
	OnnxText then = { 0, "Mul x w -> t", "w:f32[4]=1,2,3,4", "", "t" },
		 other = { 0, "", NULL, "", "x" };
	OnnxText whole = { 17, "Relu r -> y", NULL, "c:bool[];x:f32[4]", NULL };
	Str node, graph, model;
	str_init(&node, a), str_init(&graph, a);
	pb_put_text(&node, 4, "If");
	pb_put_text(&node, 1, "c");
	pb_put_text(&node, 2, "r");
	put_graph_attr(a, &node, "then_branch", &then);
	put_graph_attr(a, &node, "else_branch", &other);
	pb_put_message(&graph, 1, &node);
	Str rest = onnx_graph(a, &whole);
	str_addn(&graph, rest.at, rest.n);
	model = onnx_model(a, &whole);
	model.n = 6;
	pb_put_message(&model, 7, &graph);
	assert_non_null(read_bytes(&k, "m.onnx", model.at, model.n));
	const Elem *e = find_elem(k.list, "r");
	assert_string_equal(e->op, "if");
	assert_int_equal(e->n_results, 1);
	assert_non_null(find_elem(k.list, "w")); /* a constant of a branch stands before it */
	assert_string_equal(e->branch[0]->elem.at[0].op, "mul");
	assert_string_equal(e->branch[0]->elem.at[1].op, "output");
	assert_int_equal(e->branch[1]->elem.n, 1);
	assert_string_equal(e->branch[1]->elem.at[0].in.at[0].name, "x");
	assert_string_equal(find_elem(k.list, "y")->in.at[0].name, "r.0");
	end(&k);
}

static void functions(void **state)
{
	(void)state;
	Case k = begin();
	Arena *a = k.arena;
	Str f, model = onnx_model(
		       a, &(OnnxText){ 17, "my.Twice x -> a;my.Twice a -> y", NULL, NULL, NULL });
	Str body = onnx_graph(a, &(OnnxText){ 17, "Add v v -> s;Relu s -> r", NULL, "", "" });
	str_init(&f, a);
	pb_put_text(&f, 1, "Twice");
	pb_put_text(&f, 10, "my");
	pb_put_text(&f, 4, "v");
	pb_put_text(&f, 5, "r");
	PbReader r = pb_reader((PbBytes){ .at = (const uint8_t *)body.at, .n = body.n });
	for (PbField p; pb_next(&r, &p);)
		if (p.number == 1)
			pb_put_bytes(&f, 7, p.bytes.at, p.bytes.n);
	pb_put_bytes(&f, 9, "\x10\x11", 2);
	pb_put_message(&model, 25, &f);
	assert_non_null(read_bytes(&k, "m.onnx", model.at, model.n));
	static const char *const ids[] = { "x", "a/s", "a", "y/s", "y", "y" };
	assert_int_equal(k.list->elem.n, 6);
	for (int i = 0; i < 6; i++)
		assert_string_equal(k.list->elem.at[i].id, ids[i]);
	assert_string_equal(k.list->elem.at[3].in.at[1].name, "a");
	end(&k);
}

/* --- data beside the model -------------------------------------------------------------------- */

static Str external_model(Arena *a, const char *location)
{
	Str t, entry, graph = onnx_graph(a, &(OnnxText){ 17, "Add x w -> y", NULL, NULL, NULL });
	Str model = onnx_model(a, &(OnnxText){ 17, "", NULL, NULL, NULL });
	static const char *const key[] = { "location", "offset", "length" };
	const char *value[] = { location, "4", "8" };
	str_init(&t, a);
	pb_put_varint(&t, 1, 2);
	pb_put_varint(&t, 2, 1);
	pb_put_text(&t, 8, "w");
	pb_put_varint(&t, 14, 1);
	for (int i = 0; i < 3; i++) {
		str_init(&entry, a);
		pb_put_text(&entry, 1, key[i]);
		pb_put_text(&entry, 2, value[i]);
		pb_put_message(&t, 13, &entry);
	}
	pb_put_message(&graph, 5, &t);
	model.n = 6;
	pb_put_message(&model, 7, &graph);
	return model;
}

static void external_data(void **state)
{
	(void)state;
	char folder[] = "/tmp/burin-onnx-XXXXXX";
	static const float data[] = { 9, 1, 2 };
	IoError e;
	assert_non_null(mkdtemp(folder));
	Case k = begin();
	Arena *a = arena_create();
	const char *model = path_join(a, folder, "m.onnx"), *file = path_join(a, folder, "w.bin");
	const char *link_name = path_join(a, folder, "l.bin"),
		   *second = path_join(a, folder, "h.bin");
	assert_true(io_write_file(file, data, sizeof(data), &e));
	Str m = external_model(a, "w.bin");
	assert_non_null(read_bytes(&k, model, m.at, m.n));
	const Blob *w = find_elem(k.list, "w")->data;
	assert_true(blob_f64(w, 0) == 1 && blob_f64(w, 1) == 2);
	end(&k);
	assert_int_equal(symlink("w.bin", link_name), 0);
	static const struct {
		const char *name;
		DiagCode code;
	} refused[] = {
		{ "l.bin", E1005 }, { "none.bin", E1001 }, { "../x", E1005 }, { "h.bin", E1005 }
	};
	for (int i = 0; i < 4; i++) {
		k = begin();
		if (str_eq(refused[i].name, "h.bin"))
			assert_int_equal(link(file, second), 0);
		m = external_model(k.arena, refused[i].name);
		assert_null(read_bytes(&k, model, m.at, m.n));
		assert_int_equal(diag_at(k.c->diag, 0)->code, refused[i].code);
		end(&k);
	}
	unlink(file), unlink(link_name), unlink(second), rmdir(folder);
	arena_destroy(a);
}

/* --- reports ---------------------------------------------------------------------------------- */

/* All that is missing, each once, with its number and first place. */
static void all_at_once(void **state)
{
	(void)state;
	Case k = begin();
	OnnxText t = {
		17,
		"Relu x -> a;Loop - - a -> b;Nothing b -> c;Loop - - c -> d;Cast d -> e to:i=8;"
		"MaxPool b -> f kernel_shape:I=2,2,2;Cast f -> g to:i=8;com.nobody.Op g -> y",
		NULL, NULL, NULL
	};
	assert_null(read_text(&k, &t));
	static const struct {
		int node;
		DiagCode code;
		const char *text;
	} want[] = {
		{ 2, E3101,
		  "the operator 'Loop' (ai.onnx 17) is not supported: 2 times, this is the first" },
		{ 3, E3101, "the operator 'Nothing' (ai.onnx 17) is not supported" },
		{ 5, E3102, "Cast (ai.onnx 17) to the type string: 2 times, this is the first" },
		{ 6, E3102, "MaxPool (ai.onnx 17) over 3 spatial dimensions" },
		{ 8, E3101, "the operator 'Op' (com.nobody 0) is not supported" }
	};
	diag_sort(k.c->diag);
	assert_int_equal(diag_count(k.c->diag), 5);
	for (int i = 0; i < 5; i++) {
		const DiagEntry *d = diag_at(k.c->diag, i);
		assert_int_equal(d->loc.col, want[i].node);
		assert_int_equal(d->code, want[i].code);
		assert_string_equal(d->message, want[i].text);
	}
	assert_int_equal(diag_exit_code(k.c->diag), 4);
	assert_non_null(diag_at(k.c->diag, 0)->hint);
	end(&k);
}

static void flood(void **state)
{
	(void)state;
	Case k = begin();
	Str nodes;
	str_init(&nodes, k.arena);
	for (int i = 0; i < 5000; i++)
		str_fmt(&nodes, "Op%d x -> t%d;", i, i);
	str_add(&nodes, "Relu x -> y");
	assert_null(read_text(&k, &(OnnxText){ 17, str_text(&nodes), NULL, NULL, NULL }));
	assert_int_equal(diag_errors(k.c->diag), 5000);
	assert_true(diag_count(k.c->diag) <= 100);
	end(&k);
}

/* --- damage ----------------------------------------------------------------------------------- */

static const OnnxText sample = {
	17,
	"Conv x w b -> c kernel_shape:I=1,1;Clip c lo hi -> d;Reshape d s -> e;"
	"LayerNormalization e g -> f epsilon:f=1e-5;Split f -> p q axis:i=1;Add p q -> y",
	"w:f32[2,3,1,1]=1,2,3,4,5,6;b:f32[2]=1,2;lo:f32=0;hi:f32=6;s:i64[2]=2,-1;g:f32[32]=1,1,1,1,"
	"1,1,1,1,1,1,1,1,"
	"1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1",
	"x:f32[2,3,4,4]", NULL
};

/* Reads and builds: a graph or a report, never both, never neither. */
static void survives(const char *bytes, size_t n)
{
	Case k = begin();
	ReadOptions o = { .default_size = 1 };
	char *exact = test_malloc(n ? n : 1);
	memcpy(exact, bytes, n);
	if (read_bytes(&k, "m.onnx", exact, n)) {
		Graph *g = build_graph(k.c, k.arena, k.list, k.weights, &o);
		assert_int_equal(g == NULL, diag_errors(k.c->diag) > 0);
	}
	end(&k);
	test_free(exact);
}

static void every_cut(void **state)
{
	(void)state;
	Arena *a = arena_create();
	Str m = onnx_model(a, &sample);
	for (size_t n = 0; n < m.n; n++)
		survives(m.at, n);
	arena_destroy(a);
}

static void every_byte(void **state)
{
	(void)state;
	Arena *a = arena_create();
	Str m = onnx_model(a, &sample);
	static const unsigned char flips[] = { 0x01, 0x80, 0xff, 0x7f };
	for (size_t i = 0; i < m.n; i++)
		for (size_t f = 0; f < sizeof(flips); f++) {
			m.at[i] = (char)((unsigned char)m.at[i] ^ flips[f]);
			survives(m.at, m.n);
			m.at[i] = (char)((unsigned char)m.at[i] ^ flips[f]);
		}
	Case k = begin();
	assert_non_null(read_bytes(&k, "m.onnx", m.at, m.n)); /* unharmed it is read */
	end(&k);
	arena_destroy(a);
}

static void *read_chain(void *result)
{
	Case k = begin();
	Str nodes, graph, model = onnx_model(k.arena, &(OnnxText){ 17, "", NULL, NULL, NULL });
	str_init(&graph, k.arena);
	enum { N = 30000 };
	for (int i = 0; i < N; i++) {
		str_init(&nodes, k.arena);
		str_fmt(&nodes, "Relu %c%d -> %c%d", i ? 't' : 'x', i, 't', i + 1);
		put_node(k.arena, &graph, str_text(&nodes));
	}
	put_input(k.arena, &graph, "x0:f32[2]");
	put_output(k.arena, &graph, "t30000");
	model.n = 6;
	pb_put_message(&model, 7, &graph);
	*(bool *)result = read_bytes(&k, "m.onnx", model.at, model.n) && k.list->elem.n == N + 2;
	end(&k);
	return NULL;
}

/* A long model needs no deep stack. */
static void small_stack(void **state)
{
	(void)state;
	pthread_attr_t attr;
	pthread_t thread;
	bool good = false;
	pthread_attr_init(&attr);
	assert_int_equal(pthread_attr_setstacksize(&attr, 256 << 10), 0);
	assert_int_equal(pthread_create(&thread, &attr, read_chain, &good), 0);
	pthread_join(thread, NULL);
	pthread_attr_destroy(&attr);
	assert_true(good);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(operators),     cmocka_unit_test(table),
		cmocka_unit_test(weights),       cmocka_unit_test(typed_data),
		cmocka_unit_test(no_copies),     cmocka_unit_test(names),
		cmocka_unit_test(port_names),    cmocka_unit_test(graph_names),
		cmocka_unit_test(branches),      cmocka_unit_test(functions),
		cmocka_unit_test(external_data), cmocka_unit_test(all_at_once),
		cmocka_unit_test(flood),         cmocka_unit_test(every_cut),
		cmocka_unit_test(every_byte),    cmocka_unit_test(small_stack),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
