/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* <training> in models: what it may hold, where it may stand, and the graph that is built with it.
 */
#include "base/opts.h"
#include "frontend/frontend.h"
#include "ir/text.h"
#include "tests/unit/check.h"
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

typedef struct Fixture {
	Context *c;
	Arena *arena;
	ReadOptions o;
} Fixture;

static int set_up(void **state)
{
	Fixture *f = calloc(1, sizeof *f);
	f->c = context_create();
	f->arena = arena_create();
	f->o.weights = "init:seed=1";
	f->o.default_size = 6;
	f->o.training = true;
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	Fixture *f = *state;
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

static const char *const model = "<graph name='m'>\n<input id='x' shape='N,4'/>\n"
				 "<linear id='fc' units='3'/>\n<output id='y'/>\n%s</graph>";
static const char *const body = "<input id='target' shape='N,3'/><sub id='d' in='fc target'/>\n"
				"<mul id='square' in='d d'/><reduce_mean id='loss'/>\n"
				"<abs id='e' in='d'/><reduce_max id='worst'/><output/>\n";

static ElemList *read_section(Fixture *f, const char *section)
{
	Str s;
	str_init(&s, f->arena);
	const char *at = strstr(model, "%s");
	str_addn(&s, model, (size_t)(at - model));
	str_add(&s, section);
	str_add(&s, at + 2);
	return xml_read(f->c, f->arena, "m.xml", str_text(&s), s.n);
}

static Graph *build(Fixture *f, const char *section)
{
	ElemList *l = read_section(f, section);
	return l ? build_graph(f->c, f->arena, l, NULL, &f->o) : NULL;
}

static Graph *build_good(Fixture *f, const char *attrs, const char *inside)
{
	Graph *g = build(f, arena_printf(f->arena, "<training loss='loss'%s>%s%s</training>", attrs,
					 body, inside));
	if (!g)
		print_all(f);
	assert_non_null(g);
	assert_true(graph_verify(g, LEVEL_M | LEVEL_T));
	return g;
}

/* One error, of this code and at this place. */
static const char *bad(Fixture *f, const char *section, DiagCode code, int line, int col)
{
	assert_null(build(f, section));
	if (diag_errors(f->c->diag) != 1)
		print_all(f);
	assert_int_equal(diag_errors(f->c->diag), 1);
	const DiagEntry *e = diag_at(f->c->diag, 0);
	assert_string_equal(diag_code_name(e->code), diag_code_name(code));
	assert_int_equal(e->loc.line, line);
	assert_int_equal(e->loc.col, col);
	return e->hint ? e->hint : "";
}

static const char *section(Fixture *f, const char *attrs, const char *inside)
{
	return arena_printf(f->arena, "<training %s>%s%s</training>", attrs, body, inside);
}

/* --- good ------------------------------------------------------------------------------------ */

static void one_file_two_graphs(void **state)
{
	Fixture *f = *state;
	ElemList *l = read_section(f, section(f, "loss='loss'", "<adam lr='0.01'/>"));
	f->o.training = false;
	Graph *g = build_graph(f->c, f->arena, l, NULL, &f->o);
	assert_int_equal(g->input.n, 1);
	assert_int_equal(g->result.n, 1);
	assert_null(g->loss);
	assert_null(g->training);
	f->o.training = true;
	g = build_graph(f->c, f->arena, l, NULL, &f->o);
	assert_int_equal(g->input.n, 2);
	assert_string_equal(g->input.at[1]->name, "target");
	assert_int_equal(g->result.n, 3);
	assert_string_equal(g->result_name.at[0], "y");
	assert_string_equal(g->result_name.at[1], "loss");
	assert_string_equal(g->result_name.at[2], "worst");
	assert_ptr_equal(g->loss, g->result.at[1]);
	assert_int_equal(g->loss->type->rank, 0);
}

static void optimiser_and_attributes_are_kept(void **state)
{
	Fixture *f = *state;
	Graph *g = build_good(f, " batch='8' schedule='cosine' warmup='0.5'",
			      "<momentum lr='0.3' nesterov='yes'/>");
	assert_int_equal(g->optimizer, OP_momentum);
	const Attr_momentum *o = g->optimizer_attr;
	assert_true(o->lr == 0.3 && o->nesterov && o->momentum == 0.9);
	const Attr_training *t = g->training;
	assert_int_equal(t->batch, 8);
	assert_int_equal(t->epochs, 10);
	assert_string_equal(t->schedule, "cosine");
	assert_true(t->warmup == 0.5);
	g = graph_simplify(g, f->arena); /* passes keep all of it */
	assert_ptr_equal(g->loss, g->result.at[1]);
	assert_int_equal(g->optimizer, OP_momentum);
	assert_ptr_equal(g->training, t);
}

/* The loss may need what no output of the model does. */
static void the_section_sees_the_model(void **state)
{
	Fixture *f = *state;
	Graph *g = build(f, "<training loss='l'><linear id='extra' in='x' units='2'/>"
			    "<reduce_mean id='l'/><sgd/></training>");
	if (!g)
		print_all(f);
	assert_non_null(g);
	assert_int_equal(g->param.n, 4);
}

static void metrics_become_f32(void **state)
{
	Fixture *f = *state;
	Graph *g = build_good(f, "",
			      "<argmax id='a' in='fc' axis='1'/><reduce_max id='b'/>"
			      "<output id='top'/><sgd/>");
	assert_string_equal(g->result_name.at[3], "top");
	assert_int_equal(g->result.at[3]->type->dtype, DT_f32);
}

static void written_and_read_again(void **state)
{
	Fixture *f = *state;
	ElemList *l = read_section(f, section(f, "loss='loss' epochs='3'", "<adamw lr='0.1'/>"));
	Str text, again;
	str_init(&text, f->arena);
	str_init(&again, f->arena);
	assert_true(xml_write(f->c, l, &text, NULL));
	ElemList *second = xml_read(f->c, f->arena, "m.xml", str_text(&text), text.n);
	assert_non_null(second);
	assert_true(xml_write(f->c, second, &again, NULL));
	assert_string_equal(str_text(&text), str_text(&again));
	assert_non_null(strstr(str_text(&text), "<training loss=\"loss\" epochs=\"3\">"));
}

static void rebuilt_for_batches(void **state)
{
	static const char text[] =
		"<graph><input id='x' shape='N,4'/><linear id='fc' units='3'/><output id='y'/>"
		"<training loss='loss'><input id='t' shape='N,3'/><sub in='fc t'/><mul y='fc'/>"
		"<reduce_mean id='loss'/><sgd/></training></graph>";
	(void)state;
	burin_opts *o;
	burin_graph *g;
	char path[] = "/tmp/burin-training-XXXXXX.xml";
	FILE *file = fdopen(mkstemps(path, 4), "w");
	fputs(text, file);
	fclose(file);
	assert_int_equal(burin_opts_new(&o, NULL), BURIN_OK);
	(void)burin_opts_set(o, "bind.N", "5", NULL);
	(void)burin_opts_set(o, "model-weights", "init:seed=1", NULL);
	assert_int_equal(burin_read(&g, path, o, NULL, NULL), BURIN_OK);
	unlink(path);
	assert_string_equal(g->batch_symbol, "N");
	Graph *as_read = g->rebuild(g, 0, true), *large = g->rebuild(g, 32, true);
	assert_int_equal(as_read->input.at[1]->type->dim[0], 5);
	assert_int_equal(large->input.at[0]->type->dim[0], 32);
	assert_int_equal(large->input.at[1]->type->dim[0], 32);
	assert_null(g->rebuild(g, 7, false)->loss);
	assert_int_equal(diag_count(g->ctx->diag), 0);
	burin_graph_free(g);
	burin_opts_free(o);
}

/* --- bad ------------------------------------------------------------------------------------- */

static void loss_must_be_named(void **state)
{
	Fixture *f = *state;
	bad(f, section(f, "", "<sgd/>"), E2005, 5, 2);
}

static void loss_must_exist(void **state)
{
	Fixture *f = *state;
	const char *hint = bad(f, section(f, "loss='los'", "<sgd/>"), E2011, 5, 17);
	assert_non_null(strstr(hint, "'loss'"));
}

static void loss_must_be_scalar(void **state)
{
	Fixture *f = *state;
	bad(f, section(f, "loss='square'", "<sgd/>"), E2023, 5, 17);
}

static void loss_must_be_a_float(void **state)
{
	Fixture *f = *state;
	bad(f, section(f, "loss='most'", "<argmax in='d' axis='1'/><reduce_max id='most'/><sgd/>"),
	    E2023, 5, 17);
}

static void metrics_must_be_scalar(void **state)
{
	Fixture *f = *state;
	bad(f, section(f, "loss='loss'", "<output in='e'/><sgd/>"), E2023, 8, 2);
}

static void an_optimiser_is_needed(void **state)
{
	Fixture *f = *state;
	bad(f, section(f, "loss='loss'", ""), E2022, 5, 2);
}

static void one_optimiser_is_enough(void **state)
{
	Fixture *f = *state;
	bad(f, section(f, "loss='loss'", "<sgd/><adam/>"), E2022, 8, 8);
}

static void optimisers_stand_in_training(void **state)
{
	Fixture *f = *state;
	bad(f, "<adam/>", E2016, 5, 2);
}

static void optimisers_take_no_input(void **state)
{
	Fixture *f = *state;
	bad(f, section(f, "loss='loss'", "<sgd in='fc'/>"), E2008, 8, 6);
}

static void optimisers_have_no_rate(void **state)
{
	Fixture *f = *state;
	bad(f, section(f, "loss='loss'", "<sgd rate='1'/>"), E2004, 8, 6);
}

static void optimisers_have_no_result(void **state)
{
	Fixture *f = *state;
	bad(f, section(f, "loss='loss'", "<sgd id='o'/><output in='o'/>"), E2022, 8, 2);
}

static void training_is_last(void **state)
{
	Fixture *f = *state;
	bad(f, "<training loss='y'><sgd/></training><relu in='fc'/>", E2016, 5, 2);
}

static void training_comes_once(void **state)
{
	Fixture *f = *state;
	const char *t = section(f, "loss='loss'", "<sgd/>");
	bad(f, arena_printf(f->arena, "%s%s", t, t), E2016, 5, 2);
}

static void outputs_are_no_elements(void **state)
{
	Fixture *f = *state;
	bad(f, "<training loss='y'><sgd/></training>", E2011, 5, 17);
}

static void attributes_are_checked(void **state)
{
	Fixture *f = *state;
	const char *hint = bad(f, section(f, "loss='loss' epoch='3'", "<sgd/>"), E2004, 5, 23);
	assert_non_null(strstr(hint, "'epochs'"));
}

static void schedules_are_checked(void **state)
{
	Fixture *f = *state;
	const char *hint =
		bad(f, section(f, "loss='loss' schedule='cosinus'", "<sgd/>"), E2006, 5, 33);
	assert_non_null(strstr(hint, "'cosine'"));
}

static void ranges_are_checked(void **state)
{
	Fixture *f = *state;
	bad(f, section(f, "loss='loss' batch='0'", "<sgd/>"), E2007, 5, 30);
}

/* The place is that of the value. */
static void every_number_has_a_range(void **state)
{
	(void)state;
	static const struct {
		const char *attrs, *optimizer;
		DiagCode code;
		int line, col;
		const char *message;
	} rows[] = {
		{ "loss='loss' epochs='five'", "<sgd/>", E2006, 5, 31, "a whole number is wanted" },
		{ "loss='loss' patience='-1'", "<sgd/>", E2007, 5, 33, "it must be 0 or more" },
		{ "loss='loss' warmup='-1'", "<sgd/>", E2007, 5, 31, "it must be 0 or more" },
		{ "loss='loss' gamma='0'", "<sgd/>", E2007, 5, 30, "it must be more than 0" },
		{ "loss='loss' least_rate='9'", "<sgd/>", E2007, 5, 35, "not be above lr, 0.01" },
		{ "loss='loss'", "<sgd lr='-1'/>", E2007, 8, 10, "lr=\"-1\" of <sgd>" },
		{ "loss='loss'", "<sgd lr='inf'/>", E2007, 8, 10, "it must be 0 or more" },
		{ "loss='loss'", "<momentum momentum='1'/>", E2007, 8, 21, "less than 1" },
		{ "loss='loss'", "<adam beta2='1'/>", E2007, 8, 14, "less than 1" },
		{ "loss='loss'", "<adamw eps='0'/>", E2007, 8, 13, "more than 0" },
		{ "loss='loss'", "<adamw weight_decay='-1'/>", E2007, 8, 22, "0 or more" },
		{ "loss='loss'", "<rmsprop/>", E2022, 8, 2, "there is no optimiser <rmsprop>" },
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		void *one;
		set_up(&one);
		Fixture *f = one;
		bad(f, section(f, rows[i].attrs, rows[i].optimizer), rows[i].code, rows[i].line,
		    rows[i].col);
		const char *message = diag_at(f->c->diag, 0)->message;
		if (!strstr(message, rows[i].message))
			fail_msg("'%s' does not say '%s'", message, rows[i].message);
		tear_down(&one);
	}
}

static void unknown_optimisers_are_told_which_there_are(void **state)
{
	Fixture *f = *state;
	const char *hint = bad(f, section(f, "loss='loss'", "<rmsprop lr='0.1'/>"), E2022, 8, 2);
	assert_string_equal(hint, "there are <sgd>, <momentum>, <adam>, <adamw>");
}

static void names_differ_from_outputs(void **state)
{
	Fixture *f = *state;
	bad(f, section(f, "loss='loss'", "<output id='y' in='loss'/><sgd/>"), E2009, 8, 13);
}

static void models_without_a_section(void **state)
{
	Fixture *f = *state;
	bad(f, "", E2024, 1, 2);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(one_file_two_graphs),
		TEST(optimiser_and_attributes_are_kept),
		TEST(the_section_sees_the_model),
		TEST(metrics_become_f32),
		TEST(written_and_read_again),
		cmocka_unit_test(rebuilt_for_batches),
		TEST(loss_must_be_named),
		TEST(loss_must_exist),
		TEST(loss_must_be_scalar),
		TEST(loss_must_be_a_float),
		TEST(metrics_must_be_scalar),
		TEST(an_optimiser_is_needed),
		TEST(one_optimiser_is_enough),
		TEST(optimisers_stand_in_training),
		TEST(optimisers_take_no_input),
		TEST(optimisers_have_no_rate),
		TEST(optimisers_have_no_result),
		TEST(training_is_last),
		TEST(training_comes_once),
		TEST(outputs_are_no_elements),
		TEST(attributes_are_checked),
		TEST(schedules_are_checked),
		TEST(ranges_are_checked),
		TEST(names_differ_from_outputs),
		TEST(models_without_a_section),
		TEST(every_number_has_a_range),
		TEST(unknown_optimisers_are_told_which_there_are),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
