/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Elements to graphs: symbols, constants behind "@", branches, parameters and their sources, and
 * what is reported when something is missing. */
#include "frontend/frontend.h"
#include "ir/text.h"
#include "tests/unit/check.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

typedef struct Fixture {
	Context *c;
	Arena *arena;
	ReadOptions o;
	WeightSet *weights;
} Fixture;

static int set_up(void **state)
{
	Fixture *f = calloc(1, sizeof *f);
	f->c = context_create();
	f->arena = arena_create();
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	Fixture *f = *state;
	weights_close(f->weights);
	arena_destroy(f->arena);
	context_destroy(f->c);
	free(f);
	return 0;
}

static void print_all(Fixture *f)
{
	Str text;
	str_init(&text, f->arena);
	diag_print(f->c->diag, &text, 50, false);
	print_error("%s", str_text(&text));
}

static Graph *build(Fixture *f, const char *body)
{
	const char *text = arena_printf(f->arena, "<graph>%s</graph>", body);
	ElemList *l = xml_read(f->c, f->arena, "m.xml", text, strlen(text));
	return l ? build_graph(f->c, f->arena, l, f->weights, &f->o) : NULL;
}

static Graph *build_good(Fixture *f, const char *body)
{
	Graph *g = build(f, body);
	if (!g)
		print_all(f);
	assert_non_null(g);
	assert_true(graph_verify(g, LEVEL_M | LEVEL_T));
	return g;
}

static const DiagEntry *find_code(Fixture *f, DiagCode code)
{
	for (int i = 0; i < diag_count(f->c->diag); i++)
		if (diag_at(f->c->diag, i)->code == code)
			return diag_at(f->c->diag, i);
	print_all(f);
	fail_msg("no %s was reported", diag_code_name(code));
	return NULL;
}

static const DiagEntry *build_bad(Fixture *f, const char *body, DiagCode code)
{
	assert_null(build(f, body));
	return find_code(f, code);
}

static void bind(Fixture *f, const char *name, double value)
{
	Binding b = { .name = name, .value = value };
	vec_push(f->arena, &f->o.bind, b);
}

static void check_type(Fixture *f, const Node *n, const char *wanted)
{
	Str text;
	str_init(&text, f->arena);
	type_print(&text, n->type);
	assert_string_equal(str_text(&text), wanted);
}

static bool has_op(const Graph *g, Op op)
{
	for (int i = 0; i < g->node.n; i++)
		if (g->node.at[i]->op == op)
			return true;
	return false;
}

static const Node *param(const Graph *g, const char *name)
{
	for (int i = 0; i < g->param.n; i++)
		if (str_eq(ATTR_OF(g->param.at[i], param)->name, name))
			return g->param.at[i];
	fail_msg("no parameter '%s'", name);
	return NULL;
}

/* --- sizes ----------------------------------------------------------------------------------- */

static void symbols_are_bound(void **state)
{
	Fixture *f = *state;
	bind(f, "N", 3);
	bind(f, "H", 5);
	Graph *g = build_good(f, "<input id='x' shape='N,2*H'/><reshape shape='N*2, H'/><output/>");
	check_type(f, g->result.at[0], "f32[6,5]");
	assert_int_equal(diag_count(f->c->diag), 0);
}

static void sizes_are_whole_numbers(void **state)
{
	Fixture *f = *state;
	bind(f, "N", 2.5);
	build_bad(f, "<input id='x' shape='N'/><relu/><output/>", E5001);
}

static void faults_in_blocks_name_the_use(void **state)
{
	Fixture *f = *state;
	build_bad(f,
		  "<block name='b' params='k'><reshape id='r' shape='{k}'/></block>\n"
		  "<input id='x' shape='6'/>\n<use block='b' id='good' k='6'/>\n"
		  "<use block='b' id='bad' k='7'/><output/>",
		  E5011);
	const DiagEntry *note = diag_at(f->c->diag, 1);
	assert_int_equal(note->severity, SEV_NOTE);
	assert_int_equal(note->loc.line, 4);
	assert_non_null(strstr(note->message, "'bad.r'"));
}

static void symbols_default(void **state)
{
	Fixture *f = *state;
	f->o.default_size = 4;
	check_type(f, build_good(f, "<input id='x' shape='N,M+1'/><relu/><output/>")->result.at[0],
		   "f32[4,5]");
}

static void unbound_symbols_are_listed(void **state)
{
	Fixture *f = *state;
	const DiagEntry *e = build_bad(
		f, "<input id='x' shape='N,T'/><input id='z' shape='T,U'/><output/>", E2014);
	assert_non_null(strstr(e->message, "N, T, U"));
	assert_non_null(strstr(e->hint, "--bind T=1"));
	assert_int_equal(diag_errors(f->c->diag), 1);
	assert_int_equal(diag_exit_code(f->c->diag), 3);
}

static void unknown_bindings_are_refused(void **state)
{
	Fixture *f = *state;
	bind(f, "batch", 3);
	build_bad(f, "<input id='x' shape='N,S'/><relu/><output/>", E5002);
	assert_string_equal(find_code(f, E5002)->message,
			    "option bind.batch: the model has no size and no input 'batch'");
	assert_string_equal(find_code(f, E5002)->hint, "its sizes are: N, S");
}

static void bound_inputs_become_constants(void **state)
{
	Fixture *f = *state;
	bind(f, "k", 2);
	Graph *g = build_good(f, "<input id='x' shape='2'/><input id='k' type='i64' shape=''/>"
				 "<cast in='k' to='f32'/><mul y='x'/><output/>");
	assert_int_equal(g->input.n, 1);
	assert_string_equal(ATTR_OF(g->input.at[0], port)->name, "x");
}

static void inputs_keep_their_order(void **state)
{
	Fixture *f = *state;
	Graph *g = build_good(
		f, "<input id='a' shape='2'/><input id='never' shape='2'/><input id='c' shape='2'/>"
		   "<output id='first' in='c'/><output id='second' in='a'/>");
	assert_int_equal(g->input.n, 3);
	assert_string_equal(ATTR_OF(g->input.at[1], port)->name, "never");
	assert_string_equal(g->result_name.at[0], "first");
	assert_ptr_equal(g->result.at[0], g->input.at[2]);
}

/* --- constants ------------------------------------------------------------------------------- */

static void numbers_take_the_type_beside_them(void **state)
{
	Fixture *f = *state;
	Graph *g = build_good(
		f, "<input id='x' shape='2' type='i32'/><add in='x 3'/><output in='add#1'/>"
		   "<input id='z' shape='2' type='f64'/><mul in='0.5 z'/><output/>");
	check_type(f, g->result.at[0], "i32[2]");
	check_type(f, g->result.at[1], "f64[2]");
}

static void constants_have_shapes(void **state)
{
	Fixture *f = *state;
	Graph *g = build_good(
		f,
		"<const id='a' value='1'/><const id='b' value='1 2 3'/><const id='c' shape='2,2' "
		"value='7'/>"
		"<const id='d' type='bool' value='true false' /><const id='e' type='i8' shape='1' "
		"value='-128'/>"
		"<output in='a'/><output in='b'/><output in='c'/><output in='d'/><output in='e'/>");
	static const char *const wanted[] = { "f32", "f32[3]", "f32[2,2]", "bool[2]", "i8[1]" };
	for (int i = 0; i < 5; i++)
		check_type(f, g->result.at[i], wanted[i]);
	int64_t v[4];
	assert_int_equal(const_ints(g->result.at[4], v, 4), 1);
	assert_int_equal(v[0], -128);
}

/* shape of x, its first size, twice: all known when compiling */
static void computed_sizes_fold(void **state)
{
	Fixture *f = *state;
	bind(f, "N", 6);
	Graph *g = build_good(
		f,
		"<input id='x' shape='N,4'/><shape id='s'/><const id='zero' type='i64' value='0' "
		"shape='1'/>"
		"<gather id='n' in='s zero'/><div id='half' in='n 2'/><const id='rest' type='i64' "
		"value='-1' shape='1'/>"
		"<concat id='to' in='half rest' axis='0'/><reshape in='x' shape='@to'/><output/>");
	check_type(f, g->result.at[0], "f32[3,8]");
}

static void float_attributes_take_constants(void **state)
{
	Fixture *f = *state;
	Graph *g = build_good(f, "<input id='x' shape='2'/><const id='low' value='-0.25'/><clip "
				 "in='x' min='@low'/><output/>");
	assert_true(ATTR_OF(g->result.at[0], clip)->min.f == -0.25);
}

static void dynamic_values_are_refused(void **state)
{
	Fixture *f = *state;
	const DiagEntry *e =
		build_bad(f,
			  "<input id='x' shape='4'/><input id='s' type='i64' shape=''/>"
			  "<reshape id='r' shape='@s' in='x'/><output/>",
			  E5102);
	assert_non_null(strstr(e->hint, "--bind s=VALUE"));
	assert_int_equal(diag_exit_code(f->c->diag), 4);
}

static void dead_elements_are_not_built(void **state)
{
	Fixture *f = *state;
	Graph *g = build_good(
		f, "<input id='x' shape='4'/><input id='s' type='i64' shape='1'/>"
		   "<reshape id='dead' in='x' shape='@s'/><linear id='dead2' in='x' units='0'/>"
		   "<relu in='x'/><output/>");
	assert_int_equal(g->param.n, 0);
}

/* --- branches -------------------------------------------------------------------------------- */

static const char *const branchy =
	"<input id='x' shape='4'/><input id='k' type='i64' shape=''/><input id='never' type='i64' "
	"shape='1'/>"
	"<eq id='is1' in='k 1'/><eq id='is2' in='k 2'/><neg id='outer' in='x'/>"
	"<reshape id='bad' in='x' shape='@never'/>"
	"<if id='f' in='is1'><then><exp in='outer'/><output/></then>"
	"<else><if id='g' in='is2'><then><linear id='fc' in='outer' units='3'/><output/></then>"
	"<else><output in='bad'/></else></if><output in='g'/></else></if><relu/><output/>";

static void chosen_branches_are_built(void **state)
{
	Fixture *f = *state;
	f->o.weights = "random";
	bind(f, "k", 1);
	Graph *g = build_good(f, branchy);
	assert_true(has_op(g, OP_exp) && has_op(g, OP_neg) && !has_op(g, OP_linear));
	check_type(f, g->result.at[0], "f32[4]");
}

static void nested_branches_are_built(void **state)
{
	Fixture *f = *state;
	f->o.weights = "random";
	bind(f, "k", 2);
	Graph *g = build_good(f, branchy);
	assert_true(has_op(g, OP_linear) && !has_op(g, OP_exp));
	check_type(f, g->result.at[0], "f32[3]");
}

static void a_chosen_branch_may_fail(void **state)
{
	Fixture *f = *state;
	f->o.weights = "random";
	bind(f, "k", 3);
	build_bad(f, branchy, E5102);
}

static void open_branches_are_refused(void **state)
{
	Fixture *f = *state;
	const DiagEntry *e = build_bad(f, branchy, E5103);
	assert_non_null(strstr(e->hint, "--bind k=VALUE"));
	assert_int_equal(diag_exit_code(f->c->diag), 4);
}

static void branches_have_several_results(void **state)
{
	Fixture *f = *state;
	bind(f, "k", 0);
	Graph *g = build_good(
		f, "<input id='x' shape='4'/><input id='k' type='bool' shape=''/><if id='f' in='k'>"
		   "<then><output in='x'/><output in='x'/></then><else><neg id='a' in='x'/><exp "
		   "id='b' in='x'/>"
		   "<output in='a'/><output in='b'/></else></if><output id='p' in='f'/><output "
		   "id='q' in='f.1'/>");
	assert_int_equal(g->result.at[0]->op, OP_neg);
	assert_int_equal(g->result.at[1]->op, OP_exp);
}

/* --- parameters ------------------------------------------------------------------------------ */

static const char *const net = "<input id='x' shape='2,3'/><linear id='a' "
			       "units='4'/><relu/><linear id='b' units='5'/><output/>";

static void layers_make_their_parameters(void **state)
{
	Fixture *f = *state;
	f->o.shapes_only = true;
	Graph *g = build_good(f, net);
	assert_int_equal(g->param.n, 4);
	check_type(f, param(g, "b.weight"), "f32[5,4]");
	check_type(f, param(g, "b.bias"), "f32[5]");
	assert_true(has_op(g, OP_linear)); /* macros stay */
}

static void no_weight_file_is_one_error(void **state)
{
	Fixture *f = *state;
	const DiagEntry *e = build_bad(f, net, E4006);
	assert_non_null(strstr(e->message, "'a.weight' f32[4,3]"));
	assert_int_equal(diag_errors(f->c->diag), 1);
}

static void add_tensor(Fixture *f, const char *name, DType t, int rank, const int64_t *dim)
{
	const Type *type = type_get(f->c, t, rank, dim);
	void *data = arena_alloc(f->arena, (size_t)type_bytes(type));
	for (int64_t i = 0; i < type->count; i++)
		store_f64(t, data, i, (double)i + 0.5);
	if (!f->weights)
		f->weights = weights_create(f->c, f->arena, "w.safetensors");
	assert_true(weights_add(f->weights, name, blob_wrap(f->c, type, data, name)));
}

static void misfits_are_listed_together(void **state)
{
	Fixture *f = *state;
	add_tensor(f, "a.weight", DT_f32, 2, (int64_t[]){ 3, 4 });
	add_tensor(f, "a.bias", DT_f32, 1, (int64_t[]){ 4 });
	add_tensor(f, "b.wieght", DT_f32, 2, (int64_t[]){ 5, 4 });
	add_tensor(f, "b.bias", DT_i32, 1, (int64_t[]){ 5 });
	assert_null(build(f, net));
	assert_non_null(
		strstr(find_code(f, E4003)->message, "'a.weight' is f32[4,3] here, but f32[3,4]"));
	assert_non_null(strstr(find_code(f, E4002)->message, "'b.weight'"));
	assert_non_null(strstr(find_code(f, E4002)->hint, "'b.wieght'"));
	assert_int_equal(diag_errors(f->c->diag), 3);
}

static double value_of(const Graph *g, const char *name, int64_t i)
{
	return blob_f64(ATTR_OF(param(g, name), param)->data, i);
}

/* A layer that says how it starts may be missing from the file, with all its parameters. */
static void init_covers_all_of_a_layer(void **state)
{
	Fixture *f = *state;
	add_tensor(f, "a.weight", DT_f32, 2, (int64_t[]){ 4, 2 });
	add_tensor(f, "a.bias", DT_f32, 1, (int64_t[]){ 4 });
	Graph *g = build_good(f, "<input id='x' shape='1,2'/><linear id='a' units='4'/>"
				 "<batchnorm id='n' init='2'/><linear id='b' units='3' init='7'/>"
				 "<output/>");
	assert_true(value_of(g, "a.bias", 3) == 3.5);
	assert_true(value_of(g, "b.weight", 5) == 7 && value_of(g, "b.bias", 2) == 0);
	assert_true(value_of(g, "n.weight", 0) == 2 && value_of(g, "n.bias", 0) == 0);
	assert_true(value_of(g, "n.running_mean", 0) == 0 && value_of(g, "n.running_var", 0) == 1);
}

/* An id is needed where a parameter is called by it. */
static void layers_without_parameters_need_no_id(void **state)
{
	Fixture *f = *state;
	f->o.weights = "random";
	Graph *g =
		build_good(f, "<input id='x' shape='2,6'/><param id='w' shape='4,6'/>"
			      "<linear in='x' w='w' bias='no'/><layernorm affine='no'/><output/>");
	assert_int_equal(g->param.n, 1);
	const DiagEntry *e = build_bad(f,
				       "<input id='x' shape='2,6'/><param id='w' shape='4,6'/>\n"
				       "<linear in='x' w='w'/><output/>",
				       E2005);
	assert_string_equal(e->message, "<linear> needs the attribute 'id'");
	assert_int_equal(e->loc.line, 2);
	assert_int_equal(diag_errors(f->c->diag), 1);
}

static void fresh_parameters_are_not_read(void **state)
{
	Fixture *f = *state;
	const char *fresh[] = { "b", "a.b*" };
	add_tensor(f, "a.weight", DT_f32, 2, (int64_t[]){ 4, 3 });
	add_tensor(f, "a.bias", DT_f32, 1, (int64_t[]){ 4 });
	add_tensor(f, "b.weight", DT_f32, 2, (int64_t[]){ 9, 4 }); /* of another size */
	vec_push(f->arena, &f->o.fresh, fresh[0]);
	vec_push(f->arena, &f->o.fresh, fresh[1]);
	Graph *g = build_good(f, net);
	assert_true(value_of(g, "a.weight", 2) == 2.5 && value_of(g, "a.bias", 2) == 0);
	double bound = 0.5, first = value_of(g, "b.weight", 0); /* 1 / sqrt(4 features) */
	assert_true(fabs(first) <= bound && value_of(g, "b.bias", 4) == 0);
	f->o.seed = 1;
	assert_true(value_of(build_good(f, net), "b.weight", 0) != first);
	fresh[1] = "bb";
	vec_push(f->arena, &f->o.fresh, fresh[1]);
	const DiagEntry *e = build_bad(f, net, E4008);
	assert_string_equal(e->message, "--fresh: the model has no parameter 'bb'");
	assert_non_null(strstr(e->hint, "did you mean 'b'?"));
}

static void fresh_parameters_need_a_file(void **state)
{
	Fixture *f = *state;
	const char *fresh = "a";
	f->o.weights = "init:seed=1";
	vec_push(f->arena, &f->o.fresh, fresh);
	build_bad(f, net, E4008);
}

/* Two elements that name one tensor say the same of it, or it is an error that shows both. */
static void one_parameter_is_one_thing(void **state)
{
	static const struct {
		const char *first, *second, *message;
	} rows[] = {
		{ "trainable='no'", "", "has trainable yes here, but no in line 2" },
		{ "init='zeros'", "init='ones'", "has init ones here, but zeros in line 2" },
		{ "", "init='ones'", "has init ones here, but none in line 2" },
		{ "", "type='f64'", "is f64[3] here, but f32[3] in line 2" },
	};
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		void *one;
		set_up(&one);
		Fixture *f = one;
		f->o.weights = "random";
		const DiagEntry *e = build_bad(
			f,
			arena_printf(
				f->arena,
				"<input id='x' shape='3'/>\n<param id='p' name='w' shape='3' %s/>\n"
				"<param id='q' name='w' shape='3' %s/><add in='p q'/>"
				"<output/>",
				rows[i].first, rows[i].second),
			E4003);
		assert_string_equal(e->message, arena_printf(f->arena, "the parameter 'w' %s",
							     rows[i].message));
		assert_int_equal(e->loc.line, 3);
		const DiagEntry *note = diag_at(f->c->diag, 1);
		assert_int_equal(note->severity, SEV_NOTE);
		assert_int_equal(note->loc.line, 2);
		tear_down(&one);
	}
}

static void extra_tensors_are_a_warning(void **state)
{
	Fixture *f = *state;
	add_tensor(f, "a.weight", DT_f32, 2, (int64_t[]){ 4, 2 });
	add_tensor(f, "a.bias", DT_f32, 1, (int64_t[]){ 4 });
	add_tensor(f, "other", DT_f32, 1, (int64_t[]){ 4 });
	add_tensor(f, "dead.weight", DT_f32, 1, (int64_t[]){ 4 });
	add_tensor(f, "bn.num_batches_tracked", DT_i64, 0, NULL);
	build_good(f, "<input id='x' shape='1,2'/><linear id='dead' units='1'/><linear id='a' "
		      "in='x' units='4'/><output/>");
	const DiagEntry *e = find_code(f, E4004);
	assert_int_equal(e->severity, SEV_WARNING);
	assert_non_null(strstr(e->message, "1 tensor: 'other'"));
}

static void halves_are_converted(void **state)
{
	Fixture *f = *state;
	add_tensor(f, "a.weight", DT_f16, 2, (int64_t[]){ 4, 2 });
	add_tensor(f, "a.bias", DT_bf16, 1, (int64_t[]){ 4 });
	Graph *g = build_good(f, "<input id='x' shape='1,2'/><linear id='a' units='4'/><output/>");
	const Node *w = param(g, "a.weight");
	assert_int_equal(w->type->dtype, DT_f32);
	assert_true(blob_f64(ATTR_OF(w, param)->data, 7) == 7.5);
	assert_int_equal(find_code(f, E4005)->severity, SEV_WARNING);
	assert_int_equal(diag_count(f->c->diag), 1);
}

static void names_in_the_file_may_differ(void **state)
{
	Fixture *f = *state;
	add_tensor(f, "some tensor", DT_f32, 1, (int64_t[]){ 2 });
	Graph *g = build_good(f, "<input id='x' shape='2'/><param id='p' name='some tensor' "
				 "shape='2' trainable='no'/>"
				 "<add in='x p'/><output/>");
	assert_false(ATTR_OF(param(g, "some tensor"), param)->trainable);
}

static void weights_are_tied_by_name(void **state)
{
	Fixture *f = *state;
	f->o.weights = "random";
	Graph *g =
		build_good(f, "<input id='x' type='i64' shape='7'/><param id='table' shape='10,4'/>"
			      "<embedding id='e' in='x' table='table'/><linear id='out' w='table' "
			      "bias='no'/><output/>");
	assert_int_equal(g->param.n, 1);
	check_type(f, g->result.at[0], "f32[7,10]");
}

static void frozen_layers_are_marked(void **state)
{
	Fixture *f = *state;
	f->o.shapes_only = true;
	Graph *g = build_good(f, "<input id='x' shape='1,3,4,4'/><conv2d id='c' filters='2' "
				 "kernel='3' trainable='no'/>"
				 "<batchnorm id='n'/><output/>");
	assert_false(ATTR_OF(param(g, "c.weight"), param)->trainable);
	assert_false(ATTR_OF(param(g, "c.bias"), param)->trainable);
	assert_true(ATTR_OF(param(g, "n.weight"), param)->trainable);
	assert_false(ATTR_OF(param(g, "n.running_mean"), param)->trainable);
}

static void raw_weights_follow_the_model(void **state)
{
	Fixture *f = *state;
	char *path = arena_printf(f->arena, "%s/test_build.bin", BURIN_BUILD_DIR);
	float data[4 * 2 + 4 + 1] = { 0 };
	for (int i = 0; i < 13; i++)
		data[i] = (float)i;
	FILE *file = fopen(path, "wb");
	assert_int_equal(fwrite(data, sizeof data, 1, file), 1);
	fclose(file);
	f->weights = weights_open(f->c, f->arena, path, (Loc){ 0 });
	unlink(path);
	Graph *g = build_good(f, "<input id='x' shape='1,2'/><linear id='a' units='4'/><output/>");
	assert_true(blob_f64(ATTR_OF(param(g, "a.bias"), param)->data, 1) == 9);
	assert_non_null(strstr(find_code(f, E4004)->message, "48 of 52 bytes"));
	build_bad(f, net, E4002);
}

/* --- made values ----------------------------------------------------------------------------- */

static const float *values(const Graph *g, const char *name)
{
	return ATTR_OF(param(g, name), param)->data->data;
}

static void random_weights_repeat(void **state)
{
	Fixture *f = *state;
	f->o.weights = "random:seed=7";
	Graph *g = build_good(f, net);
	Graph *h = build_good(f, "<input id='x' shape='2,4'/><linear id='b' units='5'/><output/>");
	assert_memory_equal(values(g, "b.weight"), values(h, "b.weight"), 20 * sizeof(float));
	assert_true(values(g, "a.weight")[0] != values(g, "b.weight")[0]);
	f->o.weights = "random:seed=8";
	assert_true(values(build_good(f, net), "b.weight")[0] != values(g, "b.weight")[0]);
}

static void random_weights_keep_activations_in_range(void **state)
{
	Fixture *f = *state;
	f->o.weights = "random";
	Graph *g = build_good(f, "<input id='x' shape='1,64,8,8'/><conv2d id='c' filters='128' "
				 "kernel='3'/><batchnorm id='n'/><output/>");
	const float *w = values(g, "c.weight"), *var = values(g, "n.running_var");
	double sum = 0, square = 0;
	int n = 128 * 64 * 9;
	for (int i = 0; i < n; i++) {
		sum += w[i];
		square += (double)w[i] * w[i];
	}
	assert_true(fabs(sum / n) < 0.001);
	assert_true(fabs(square / n * 64 * 9 / 2 - 1) < 0.02); /* variance 2 / fan-in */
	for (int i = 0; i < 128; i++)
		assert_true(var[i] >= 0.5 && var[i] < 1.5);
}

static void initialisers_are_obeyed(void **state)
{
	Fixture *f = *state;
	f->weights = weights_create(f->c, f->arena, "w.safetensors");
	Graph *g =
		build_good(f, "<input id='x' shape='4'/><param id='a' shape='4' "
			      "init='zeros'/><param id='b' shape='4' init='2.5'/>"
			      "<param id='c' shape='4' init='uniform:0.1'/><param id='d' "
			      "shape='1000' init='normal:2'/>"
			      "<add in='x a'/><add y='b'/><add y='c'/><output/><output in='d'/>");
	assert_true(values(g, "a")[3] == 0 && values(g, "b")[3] == 2.5F &&
		    fabs(values(g, "c")[3]) <= 0.1);
	double square = 0;
	for (int i = 0; i < 1000; i++)
		square += values(g, "d")[i] * values(g, "d")[i];
	assert_true(fabs(sqrt(square / 1000) - 2) < 0.15);
}

static void layers_start_as_they_ask(void **state)
{
	Fixture *f = *state;
	f->o.weights = "init:seed=3";
	Graph *g = build_good(f, "<input id='x' shape='1,16'/><linear id='l' units='8'/><layernorm "
				 "id='n'/><output/>");
	assert_true(values(g, "n.weight")[0] == 1 && values(g, "n.bias")[0] == 0);
	assert_true(fabs(values(g, "l.weight")[0]) <= 0.25);
}

/* Variance and mean of a layer's weights. */
static void check_spread(Fixture *f, const char *body, const char *name, double variance)
{
	f->o.weights = "init:seed=5";
	Graph *g = build_good(f, body);
	const Node *p = param(g, name);
	double sum = 0, square = 0, n = (double)p->type->count;
	for (int i = 0; i < p->type->count; i++) {
		sum += values(g, name)[i];
		square += values(g, name)[i] * values(g, name)[i];
	}
	double deviation = sqrt(variance);
	if (fabs(sum / n) > 5 * deviation / sqrt(n) ||
	    fabs(square / n / variance - 1) > 5 * sqrt(2 / n))
		fail_msg("%s: mean %g, variance %g, not %g", body, sum / n, square / n, variance);
}

/* The fans of a linear layer (features, units), a convolution (channels times window, filters times
 * window) and a recurrent layer (features, gates times hidden). */
static void initialisers_scale_with_the_fans(void **state)
{
	static const struct {
		const char *init;
		double gain;
		bool both;
	} row[] = {
		{ "xavier_uniform", 2, true }, { "xavier_normal", 2, true },
		{ "glorot_uniform", 2, true }, { "glorot_normal", 2, true },
		{ "he_uniform", 2, false },    { "kaiming_uniform", 2, false },
		{ "he_normal", 2, false },     { "kaiming_normal", 2, false },
		{ "lecun_normal", 1, false },  { "uniform_fan_in", 1.0 / 3, false },
	};
	Fixture *f = *state;
	for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
		const char *init = row[i].init;
		check_spread(f,
			     arena_printf(f->arena,
					  "<input id='x' shape='1,80'/><linear id='l' units='200' "
					  "init='%s'/><output/>",
					  init),
			     "l.weight", row[i].gain / (row[i].both ? 280 : 80));
		check_spread(f,
			     arena_printf(f->arena,
					  "<input id='x' shape='1,16,5,5'/><conv2d id='l' "
					  "filters='64' kernel='3' init='%s'/><output/>",
					  init),
			     "l.weight", row[i].gain / (row[i].both ? 9 * 80 : 9 * 16));
		check_spread(f,
			     arena_printf(f->arena,
					  "<input id='x' shape='3,1,40'/><lstm id='l' hidden='50' "
					  "init='%s'/><output/>",
					  init),
			     "l.weight_ih", row[i].gain / (row[i].both ? 240 : 40));
	}
}

static void initialisers_take_numbers(void **state)
{
	static const struct {
		const char *init;
		double low, high, mean;
	} row[] = {
		{ "constant:3", 3, 3, 3 },  { "uniform:0.5", -0.5, 0.5, 0 },
		{ "uniform:2,4", 2, 4, 3 }, { "normal:5,0.01", 4.9, 5.1, 5 },
		{ "normal", -6, 6, 0 },
	};
	Fixture *f = *state;
	f->o.weights = "init:seed=5";
	for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
		Graph *g = build_good(f, arena_printf(f->arena,
						      "<param id='p' shape='4000' init='%s'/>"
						      "<output in='p'/>",
						      row[i].init));
		double sum = 0;
		for (int k = 0; k < 4000; k++) {
			double v = values(g, "p")[k];
			assert_true(v >= row[i].low && v <= row[i].high);
			sum += v;
		}
		assert_true(fabs(sum / 4000 - row[i].mean) < 0.1);
	}
}

static void unknown_initialisers_are_refused(void **state)
{
	Fixture *f = *state;
	f->o.shapes_only = true; /* as `burin check` does */
	const DiagEntry *e = build_bad(f,
				       "<input id='x' shape='1,4'/><linear id='l' units='2' "
				       "init='xavier_uniforn'/><output/>",
				       E2006);
	assert_non_null(strstr(e->hint, "'xavier_uniform'"));
	build_bad(f, "<param id='p' shape='4' init='uniform:1,2,3'/><output in='p'/>", E2006);
	build_bad(f, "<param id='p' shape='4' init='normal:'/><output in='p'/>", E2006);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(symbols_are_bound),
		TEST(sizes_are_whole_numbers),
		TEST(faults_in_blocks_name_the_use),
		TEST(symbols_default),
		TEST(unbound_symbols_are_listed),
		TEST(unknown_bindings_are_refused),
		TEST(bound_inputs_become_constants),
		TEST(inputs_keep_their_order),
		TEST(numbers_take_the_type_beside_them),
		TEST(constants_have_shapes),
		TEST(computed_sizes_fold),
		TEST(float_attributes_take_constants),
		TEST(dynamic_values_are_refused),
		TEST(dead_elements_are_not_built),
		TEST(chosen_branches_are_built),
		TEST(nested_branches_are_built),
		TEST(a_chosen_branch_may_fail),
		TEST(open_branches_are_refused),
		TEST(branches_have_several_results),
		TEST(layers_make_their_parameters),
		TEST(no_weight_file_is_one_error),
		TEST(misfits_are_listed_together),
		TEST(extra_tensors_are_a_warning),
		TEST(halves_are_converted),
		TEST(names_in_the_file_may_differ),
		TEST(weights_are_tied_by_name),
		TEST(frozen_layers_are_marked),
		TEST(raw_weights_follow_the_model),
		TEST(random_weights_repeat),
		TEST(random_weights_keep_activations_in_range),
		TEST(initialisers_are_obeyed),
		TEST(layers_start_as_they_ask),
		TEST(initialisers_scale_with_the_fans),
		TEST(initialisers_take_numbers),
		TEST(unknown_initialisers_are_refused),
		TEST(init_covers_all_of_a_layer),
		TEST(layers_without_parameters_need_no_id),
		TEST(fresh_parameters_are_not_read),
		TEST(fresh_parameters_need_a_file),
		TEST(one_parameter_is_one_thing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
