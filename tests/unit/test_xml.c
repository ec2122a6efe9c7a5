/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The XML reader: places of diagnostics to the column, names, blocks, repeats, limits, and that
 * what is written reads back. */
#include "base/io.h"
#include "frontend/frontend.h"
#include "tests/unit/check.h"
#include <stdlib.h>
#include <time.h>

typedef struct Fixture {
	Context *c;
	Arena *arena;
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
	arena_destroy(f->arena);
	context_destroy(f->c);
	free(f);
	return 0;
}

static ElemList *read_text(Fixture *f, const char *text)
{
	return xml_read(f->c, f->arena, "m.xml", text, strlen(text));
}

static void print_all(Fixture *f)
{
	Str text;
	str_init(&text, f->arena);
	diag_print(f->c->diag, &text, 50, false);
	print_error("%s", str_text(&text));
}

static ElemList *read_good(Fixture *f, const char *text)
{
	ElemList *l = read_text(f, text);
	if (!l)
		print_all(f);
	assert_non_null(l);
	assert_int_equal(diag_errors(f->c->diag), 0);
	return l;
}

/* Exactly one error, of this code and at this place. */
static void check_one(Fixture *f, const char *text, DiagCode code, int line, int col, int len)
{
	assert_null(read_text(f, text));
	if (diag_errors(f->c->diag) != 1)
		print_all(f);
	assert_int_equal(diag_errors(f->c->diag), 1);
	const DiagEntry *e = diag_at(f->c->diag, 0);
	assert_string_equal(diag_code_name(e->code), diag_code_name(code));
	assert_int_equal(e->loc.line, line);
	assert_int_equal(e->loc.col, col);
	assert_int_equal(e->loc.len, len);
}

static const Elem *elem(const ElemList *l, const char *id)
{
	for (int i = 0; i < l->elem.n; i++)
		if (str_eq(l->elem.at[i].id, id) && !str_eq(l->elem.at[i].op, "output"))
			return &l->elem.at[i];
	fail_msg("no element '%s'", id);
	return NULL;
}

static void check_inputs(const ElemList *l, const char *id, const char *wanted)
{
	Str s = { .arena = l->arena };
	const Elem *e = elem(l, id);
	for (int i = 0; i < e->in.n; i++)
		str_fmt(&s, "%s%s", i ? " " : "", e->in.at[i].name ? e->in.at[i].name : "-");
	assert_string_equal(str_text(&s), wanted);
}

/* --- places: they must not depend on the version of libxml2 ---------------------------------- */

static void place_of_attribute_name(void **state)
{
	check_one(*state,
		  "<graph>\n  <input id=\"x\" shape=\"1,4\"/>\n  <linear id=\"l\" unit=\"3\"/>\n"
		  "  <output/>\n</graph>",
		  E2004, 3, 18, 4);
}

static void place_of_value(void **state)
{
	check_one(*state, "<graph><input id='x' shape='2'/>\n<relu in = 'y'/>\n<output/></graph>",
		  E2011, 2, 13, 1);
}

static void place_of_one_reference(void **state)
{
	check_one(*state,
		  "<graph><input id='x' shape='2'/>\n<add in=\"x  nope\"/><output/></graph>", E2011,
		  2, 13, 4);
}

static void place_over_lines(void **state)
{
	check_one(*state,
		  "<graph><input id='x' shape='2'/>\r\n<!-- a\n <relu in='no'/> "
		  "-->\n<relu\n\tid='r'\n\t"
		  "in='zz'/><output/></graph>",
		  E2011, 6, 6, 2);
}

/* A value with a reference is longer in the file than in memory: the whole value is underlined. */
static void place_with_entity(void **state)
{
	check_one(*state,
		  "<graph><input id='&#120;' shape='2'/><relu id='a&amp;'/>\n<tanh in='b&amp;b'/>"
		  "<output/></graph>",
		  E2011, 2, 11, 7);
}

static void place_behind_mark(void **state)
{
	check_one(*state,
		  "\xef\xbb\xbf<graph>\n<input id='x' shape='2'/><relu in='z'/><output/></graph>",
		  E2011, 2, 36, 1);
}

static void place_with_prefix(void **state)
{
	check_one(*state,
		  "<b:graph xmlns:b='urn:burin:graph:1'>\n<b:input id='x' "
		  "shape='2'/><b:relux/><b:output/>"
		  "</b:graph>",
		  E2003, 2, 29, 7);
}

static void place_of_parser_error(void **state)
{
	Fixture *f = *state;
	assert_null(read_text(f, "<graph>\n<relu id=r/>\n</graph>"));
	const DiagEntry *e = diag_at(f->c->diag, 0);
	assert_int_equal(e->code, E2001);
	assert_int_equal(e->loc.line, 2);
}

static void place_of_text(void **state)
{
	check_one(*state, "<graph><input id='x' shape='2'/>\n\n  words\n\n<output/></graph>", E2018,
		  3, 0, 0);
}

/* A comment, CDATA or instruction that looks like a tag must not shift the tags behind it. */
static void tags_are_counted_alike(void **state)
{
	check_one(*state,
		  "<?xml version='1.0'?><!-- <a> --><?pi <b> ?><graph><!-- > <c/> --><input "
		  "shape='2'\n"
		  "id='2>1'/><?p?><output in='q'/></graph>",
		  E2011, 2, 28, 1);
}

/* --- all at once, with advice ---------------------------------------------------------------- */

static void all_errors_are_reported(void **state)
{
	Fixture *f = *state;
	assert_null(read_text(f,
			      "<graph><input id='x' shape='2'/><relux/><add in='x'/><relu in='z'/>"
			      "<linear id='l' units='4 5'/><maxpool2d/></graph>"));
	static const DiagCode wanted[] = { E2003, E2008, E2011, E2006, E2005, E2017 };
	for (size_t k = 0; k < sizeof(wanted) / sizeof(wanted[0]); k++) {
		bool found = false;
		for (int i = 0; i < diag_count(f->c->diag); i++)
			found |= diag_at(f->c->diag, i)->code == wanted[k];
		assert_true(found);
	}
}

static void numbers_out_of_range_are_pointed_at(void **state)
{
	check_one(
		*state,
		"<graph><input id='x' shape='N,3'/>\n<batchnorm id='b' eps='-1'/><output/></graph>",
		E2007, 2, 24, 2);
}

/* What stands in for a size that is not known breaks no range. */
static void sizes_that_are_not_known_are_in_range(void **state)
{
	read_good(*state, "<graph><input id='x' shape='1,1,N,N'/><maxpool2d kernel='N-1'/>"
			  "<output id='y'/></graph>");
}

static void missing_attributes_are_named_together(void **state)
{
	Fixture *f = *state;
	check_one(f, "<graph><input id='x' shape='2'/>\n<slice/><output/></graph>", E2005, 2, 2, 5);
	assert_string_equal(diag_at(f->c->diag, 0)->message,
			    "<slice> needs the attributes 'begin', 'count', 'step'");
}

/* Expressions may hold the sizes that inputs leave open, those of <training> too; a name that
 * nothing declares is an error where it stands, with the nearest. */
static void sizes_are_declared_by_inputs(void **state)
{
	Fixture *f = *state;
	read_good(f, "<graph><input id='x' shape='N,T'/><reshape shape='T,N'/><output/>"
		     "<training loss='l'><input id='t' shape='M'/><reshape in='t' shape='M,1'/>"
		     "<reduce_mean id='l'/><sgd/></training></graph>");
	check_one(f,
		  "<graph><input id='x' shape='Batch,T'/>\n<strided_slice starts='0' ends='Bach'/>"
		  "<output/></graph>",
		  E2014, 2, 33, 4);
	assert_string_equal(diag_at(f->c->diag, 0)->hint, "did you mean 'Batch'?");
}

static void one_fault_of_sizes(Fixture *f, const char *ends, const char *hint)
{
	const char *text = arena_printf(f->arena,
					"<graph><input id='x' shape='N,T'/>\n"
					"<strided_slice starts='0' ends='%s'/><output/></graph>",
					ends);
	check_one(f, text, E2014, 2, 33, (int)strlen(ends));
	assert_string_equal(diag_at(f->c->diag, 0)->hint, hint);
}

static void unknown_sizes_list_the_known(void **state)
{
	one_fault_of_sizes(*state, "2*width+1", "the sizes that inputs leave open: N, T");
}

/* A block has as many parameters as it says. */
static void blocks_have_many_parameters(void **state)
{
	Fixture *f = *state;
	Str s = { .arena = f->arena };
	str_add(&s, "<graph><input id='x' shape='2'/><block name='b' params='");
	for (int i = 0; i < 100; i++)
		str_fmt(&s, "p%d=1 ", i);
	str_add(&s, "'><linear id='l' units='{p99}'/></block><use block='b' id='u' p99='3'/>"
		    "<output/></graph>");
	const ElemList *l = read_good(f, str_text(&s));
	assert_string_equal(elem_text(elem(l, "u.l"), "units", ""), "3");
}

static void check_hint(Fixture *f, const char *text, const char *part)
{
	assert_null(read_text(f, text));
	const DiagEntry *e = diag_at(f->c->diag, 0);
	assert_non_null(e->hint);
	assert_non_null(strstr(e->hint, part));
}

static void hints_name_the_nearest(void **state)
{
	check_hint(*state, "<graph><input id='x' shape='2'/><relux/><output/></graph>", "<relu>");
}

static void hints_name_where(void **state)
{
	check_hint(*state,
		   "<graph><input id='image' shape='2'/>\n<relu in='imag'/><output/></graph>",
		   "'image' (input, line 1)");
}

/* One fault in a block is one report, however often the block is used. */
static void blocks_report_once(void **state)
{
	check_one(*state,
		  "<graph><block name='b'>\n<relu in='z'/></block><input id='x' shape='2'/>"
		  "<use block='b' id='a'/><use block='b' id='c'/><output/></graph>",
		  E2011, 2, 11, 1);
}

static void explanations_have_both_examples(void **state)
{
	(void)state;
	for (int c = 0; c < DIAG_CODES; c++) {
		const char *text = diag_code_text((DiagCode)c);
		if (diag_code_name((DiagCode)c)[1] != '2')
			continue;
		bool good = strstr(text, "Right") || strstr(text, "Mend") ||
			    strstr(text, "sizes") || strstr(text, "value") || strstr(text, "types");
		assert_true(good);
	}
}

/* --- names ----------------------------------------------------------------------------------- */

static void in_defaults_to_the_element_before(void **state)
{
	ElemList *l =
		read_good(*state, "<graph><input id='x' shape='2'/><param id='p' shape='2'/>"
				  "<relu id='r'/><add id='a' y='x'/><output id='y'/></graph>");
	check_inputs(l, "r", "x");
	check_inputs(l, "a", "r x");
	assert_string_equal(l->elem.at[4].in.at[0].name, "a");
}

static void inputs_by_name_leave_holes(void **state)
{
	ElemList *l = read_good(
		*state, "<graph><input id='x' shape='5,1,4'/><input id='h' shape='1,1,8'/>"
			"<lstm id='r' in='x' h0='h' hidden='8'/><output in='r.c'/></graph>");
	check_inputs(l, "r", "x - - - h");
	assert_string_equal(l->elem.at[3].in.at[0].name, "r.2");
}

static void ids_with_dots_win_over_results(void **state)
{
	ElemList *l = read_good(
		*state, "<graph><input id='x' shape='4'/><split id='s' parts='2'/>"
			"<relu id='s.1' in='s.0'/><tanh id='t' in='s.1'/><output/></graph>");
	check_inputs(l, "t", "s.1");
}

/* In a block an id may be a number, as the layers of PyTorch's Sequential are; there it is that
 * element, and in the list of elements, which has no blocks, no id is a number. */
static void numbers_are_names_in_blocks_alone(void **state)
{
	ElemList *l = read_good(*state, "<graph><block name='b' in='x'><relu id='1'/>"
					"<add id='t' in='1 2'/><output/></block>"
					"<input id='x' shape='4'/><use block='b' id='u' in='x'/>"
					"<mul id='m' in='u 1'/><output/></graph>");
	check_inputs(l, "u.t", "u.1 2");
	check_inputs(l, "m", "u.t 1");
}

/* One text never means two things: outside of blocks no id is a number, inside of one a number is
 * no id any more once it was a number; and no parameter is one. */
static void a_number_or_a_name(void **state)
{
	static const struct {
		const char *text;
		DiagCode code;
		int col, len;
		const char *says;
	} bad[] = {
		{ "<graph><input id='0' shape='1'/><output/></graph>", E2010, 19, 1,
		  "in=\"0\" is a number" },
		{ "<graph><input id='x' shape='1'/><relu id='-1e5'/><output/></graph>", E2010, 43,
		  4, "in=\"-1e5\" is a number" },
		{ "<graph><input id='x' shape='1'/><const id='0x10' value='1'/><output in='x'/>"
		  "</graph>",
		  E2010, 44, 4, "is a number" },
		{ "<graph><block name='b'><add in='x 1'/><relu id='1'/></block>"
		  "<input id='x' shape='1'/><use block='b' id='u'/><output/></graph>",
		  E2009, 49, 1, "the id '1' is a number in line 1" },
		{ "<graph><block name='b' params='k 1=2'><relu/></block>"
		  "<input id='x' shape='1'/><output/></graph>",
		  E2010, 32, 5, "'1' cannot name a parameter" },
		{ "<graph><input id='x' shape='1'/><repeat count='2' as='7'><relu/></repeat>"
		  "<output/></graph>",
		  E2010, 55, 1, "'7' cannot name a parameter" },
		{ "<graph><input id='x' shape='1'/><if in='x'><then><output name='a'/></then>"
		  "<else><output/></else></if><output/></graph>",
		  E2004, 58, 4, "has no attribute 'name'" },
	};
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		Fixture *f = *state;
		check_one(f, bad[i].text, bad[i].code, 1, bad[i].col, bad[i].len);
		assert_non_null(strstr(diag_at(f->c->diag, 0)->message, bad[i].says));
		tear_down(state);
		set_up(state);
	}
}

/* --- blocks and repeats ---------------------------------------------------------------------- */

static void blocks_prefix_their_ids(void **state)
{
	ElemList *l = read_good(
		*state,
		"<graph><block name='b' in='x skip' params='n k=3'><linear id='fc' in='x' "
		"units='{n*2}'/>"
		"<add id='s' y='skip'/><output/></block><input id='x' shape='1,4'/>"
		"<use block='b' id='a' in='x x' n='2'/><use block='b' id='c' in='a a' n='{1+1}'/>"
		"<relu id='r' in='c'/><output/></graph>");
	check_inputs(l, "c.fc", "a.s");
	check_inputs(l, "c.s", "c.fc a.s");
	check_inputs(l, "r", "c.s");
	assert_string_equal(elem_text(elem(l, "c.fc"), "units", ""), "4");
}

static void blocks_have_several_results(void **state)
{
	ElemList *l = read_good(
		*state, "<graph><block name='b'><relu id='p'/><tanh id='q' in='x'/>"
			"<output id='first' in='p'/><output id='second' in='q'/></block>"
			"<input id='x' shape='4'/><use block='b' id='u'/><add id='a' in='u u.1'/>"
			"<add id='b' in='u.first u.second'/><output/></graph>");
	check_inputs(l, "a", "u.p u.q");
	check_inputs(l, "b", "u.p u.q");
}

static void blocks_nest(void **state)
{
	ElemList *l = read_good(
		*state, "<graph><block name='a'><relu id='r'/></block><block name='b'>"
			"<use block='a' id='i'/><use block='a'/></block><input id='x' shape='4'/>"
			"<use block='b' id='o'/><output/></graph>");
	check_inputs(l, "o.i.r", "x");
	check_inputs(l, "o.r", "o.i.r");
}

static void repeats_carry(void **state)
{
	ElemList *l = read_good(
		*state,
		"<graph><input id='x' shape='4'/><relu id='start'/>"
		"<repeat count='3' carry='h g' in='start x' id='end'><add id='n.{i}' in='h g'/>"
		"<output in='n.{i}'/><output in='h'/></repeat><mul id='m' in='end n.0'/>"
		"<output/></graph>");
	check_inputs(l, "n.0", "start x");
	check_inputs(l, "n.1", "n.0 start");
	check_inputs(l, "n.2", "n.1 n.0");
	check_inputs(l, "m", "n.2 n.0");
}

static void repeats_nest(void **state)
{
	ElemList *l = read_good(
		*state,
		"<graph><input id='x' shape='4'/><repeat count='2'><repeat count='2' as='j'>"
		"<relu id='r.{i}.{i*2+j}'/></repeat></repeat><output/></graph>");
	check_inputs(l, "r.1.3", "r.1.2");
	check_inputs(l, "r.1.2", "r.0.1");
}

static void a_repeat_of_none_hands_through(void **state)
{
	ElemList *l = read_good(
		*state, "<graph><input id='x' shape='4'/><repeat count='0' id='r'><tanh/></repeat>"
			"<relu id='y' in='r'/><output/></graph>");
	check_inputs(l, "y", "x");
}

static void branches_are_lists(void **state)
{
	ElemList *l = read_good(
		*state, "<graph><input id='x' shape='4'/><const id='k' type='bool' value='1'/>"
			"<if id='f' in='k'><then><relu in='x'/><output/><output in='x'/></then>"
			"<else><output in='x'/><output in='x'/></else></if><add id='a' in='f f.1'/>"
			"<output/></graph>");
	const Elem *e = elem(l, "f");
	assert_int_equal(e->n_results, 2);
	assert_int_equal(e->branch[0]->elem.n, 3);
	check_inputs(l, "a", "f f.1");
}

/* --- writing --------------------------------------------------------------------------------- */

static void check_same(const ElemList *a, const ElemList *b)
{
	assert_int_equal(a->elem.n, b->elem.n);
	for (int i = 0; i < a->elem.n; i++) {
		const Elem *x = &a->elem.at[i], *y = &b->elem.at[i];
		assert_string_equal(x->op, y->op);
		assert_string_equal(x->id, y->id);
		assert_int_equal(x->in.n, y->in.n);
		for (int j = 0; j < x->in.n; j++)
			assert_true(str_eq(x->in.at[j].name, y->in.at[j].name));
		assert_int_equal(x->attr.n, y->attr.n);
		for (int j = 0; j < x->attr.n; j++) {
			assert_string_equal(x->attr.at[j].name, y->attr.at[j].name);
			assert_string_equal(x->attr.at[j].value, y->attr.at[j].value);
		}
		for (int k = 0; k < 2; k++) {
			assert_int_equal(!x->branch[k], !y->branch[k]);
			if (x->branch[k])
				check_same(x->branch[k], y->branch[k]);
		}
	}
}

static void check_round_trip(Fixture *f, ElemList *l)
{
	Str text;
	str_init(&text, f->arena);
	assert_true(xml_write(f->c, l, &text, l->weights));
	check_same(l, read_good(f, str_text(&text)));
}

static void odd_texts_read_back(void **state)
{
	Fixture *f = *state;
	check_round_trip(
		f, read_good(f, "<graph name='g'><input id='a&lt;&amp;&quot;>' shape=' N, 2*H '/>"
				"<const id='k' value='1&#9;2&#10;3'/><relu id='größe' "
				"in='a&lt;&amp;&quot;>'/>"
				"<add in='- größe' x='k'/><if id='f' in='k'><then><output "
				"in='k'/></then><else>"
				"<output in='k'/></else></if><output id='out' in='f'/></graph>"));
}

/* Neither is a number in a name of users. */
static void ports_have_names_of_their_own(void **state)
{
	Fixture *f = *state;
	ElemList *l = read_good(f, "<graph><input id='v0' name='0' shape='1'/><relu id='r'/>"
				   "<output id='y' name='@ 1'/></graph>");
	assert_string_equal(elem_port_name(&l->elem.at[0]), "0");
	assert_string_equal(elem_port_name(&l->elem.at[2]), "@ 1");
	check_round_trip(f, l);
	ReadOptions o = { 0 };
	Graph *g = build_graph(f->c, f->arena, l, NULL, &o);
	assert_non_null(g);
	assert_string_equal(ATTR_OF(g->input.at[0], port)->name, "0");
	assert_string_equal(g->result_name.at[0], "@ 1");
	l = read_good(f, "<graph><input id='a' shape='1'/><input id='b' name='a' shape='1'/>"
			 "<output/></graph>");
	assert_null(build_graph(f->c, f->arena, l, NULL, &o));
	assert_int_equal(diag_at(f->c->diag, 0)->code, E2009);
	assert_int_equal(diag_at(f->c->diag, 0)->loc.col, 53);
	assert_string_equal(diag_at(f->c->diag, 0)->message, "two inputs are called 'a'");
}

static const char *const examples[] = { "lenet",       "resnet18", "resnet50", "unet",
					"mobilenetv2", "bert",     "gpt2",     "lstm" };
enum { N_EXAMPLES = sizeof(examples) / sizeof(examples[0]) };

static char *example_path(Arena *a, int i)
{
	return arena_printf(a, "%s/examples/%s.xml", BURIN_SOURCE_DIR, examples[i]);
}

static void examples_read_back(void **state)
{
	Fixture *f = *state;
	for (int i = 0; i < N_EXAMPLES; i++) {
		ReadOptions o = { .shapes_only = true };
		WeightSet *w;
		ElemList *l = read_elements(f->c, f->arena, example_path(f->arena, i), &o, &w);
		assert_non_null(l);
		assert_string_equal(l->name, examples[i]);
		check_round_trip(f, l);
	}
}

/* --- the schema ------------------------------------------------------------------------------ */

/* What xmllint says of a file: 0 when it fits the schema. */
static int validate(Fixture *f, const char *path)
{
	IoError e;
	Str text;
	str_init(&text, f->arena);
	schema_write(&text);
	const char *schema = BURIN_BUILD_DIR "/test_xml.xsd";
	if (system("command -v xmllint >/dev/null") != 0)
		skip_because("no xmllint (Debian: apt-get install libxml2-utils)");
	assert_true(io_write_file(schema, text.at, text.n, &e));
	return system(arena_printf(
		f->arena, "xmllint --nonet --noout --schema '%s' '%s' 2>/dev/null", schema, path));
}

static void schema_accepts_the_examples(void **state)
{
	Fixture *f = *state;
	for (int i = 0; i < N_EXAMPLES; i++)
		assert_int_equal(validate(f, example_path(f->arena, i)), 0);
}

static void schema_refuses_what_is_wrong(void **state)
{
	static const char *const wrong[] = {
		"<relux/>",
		"<linear id='a' unit='3'/>",
		"<param shape='3'/>",
		"<maxpool2d/>",
		"<linear id='a' bias='maybe'/>",
		"<relu><relu/></relu>",
		"<input id='x' type='f31' shape='2'/>",
		"<repeat><relu/></repeat>",
		"<softmax axis=''/>",
		"<layernorm id='n' eps='small'/>",
	};
	Fixture *f = *state;
	IoError e;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		const char *path = BURIN_BUILD_DIR "/test_xml.xml";
		const char *text = arena_printf(
			f->arena, "<graph xmlns='urn:burin:graph:1'>%s</graph>", wrong[i]);
		assert_true(io_write_file(path, text, strlen(text), &e));
		assert_int_not_equal(validate(f, path), 0);
	}
}

/* --- limits: inputs too large to keep as files ----------------------------------------------- */

static void check_refused(Fixture *f, const Str *text, DiagCode code)
{
	assert_null(xml_read(f->c, f->arena, "m.xml", text->at, text->n));
	bool found = false;
	for (int i = 0; i < diag_count(f->c->diag); i++)
		found |= diag_at(f->c->diag, i)->code == code;
	if (!found)
		print_all(f);
	assert_true(found);
}

static void add_times(Str *s, const char *text, int times)
{
	for (int i = 0; i < times; i++)
		str_add(s, text);
}

static void deep_nesting(void **state)
{
	Fixture *f = *state;
	Str s;
	str_init(&s, f->arena);
	add_times(&s, "<graph>", 1000000);
	check_refused(f, &s, E2015);
}

static void many_attributes(void **state)
{
	Fixture *f = *state;
	Str s;
	str_init(&s, f->arena);
	str_add(&s, "<graph ");
	for (int i = 0; i < 80000; i++)
		str_fmt(&s, "a%d='' ", i);
	str_add(&s, "/>");
	check_refused(f, &s, E2015);
}

static void a_long_value(void **state)
{
	Fixture *f = *state;
	Str s;
	str_init(&s, f->arena);
	str_add(&s, "<graph><const id='k' value='");
	add_times(&s, "1 ", 40000);
	str_add(&s, "'/><output/></graph>");
	check_refused(f, &s, E2015);
}

static void too_many_tags(void **state)
{
	Fixture *f = *state;
	Str s;
	str_init(&s, f->arena);
	str_add(&s, "<graph>");
	add_times(&s, "<a/>", 1000001);
	check_refused(f, &s, E2015);
}

static void too_many_bytes(void **state)
{
	Fixture *f = *state;
	Str s;
	str_init(&s, f->arena);
	add_times(&s, "<!-- a comment of some length, to be skipped -->\n", 400000);
	check_refused(f, &s, E2015);
}

static double seconds_to_read(const char *piece, int times)
{
	Context *c = context_create();
	Arena *a = arena_create();
	Str s;
	str_init(&s, a);
	str_add(&s, "<graph><input id='x' shape='2'/>");
	add_times(&s, piece, times);
	str_add(&s, "<output/></graph>");
	struct timespec t0, t1;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t0);
	xml_read(c, a, "m.xml", s.at, s.n);
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t1);
	arena_destroy(a);
	context_destroy(c);
	return (double)(t1.tv_sec - t0.tv_sec) + 1e-9 * (double)(t1.tv_nsec - t0.tv_nsec);
}

static double best_of_three(const char *piece, int times)
{
	double best = seconds_to_read(piece, times);
	for (int i = 0; i < 2; i++) {
		double t = seconds_to_read(piece, times);
		best = t < best ? t : best;
	}
	return best;
}

/* Four times the input takes about four times as long; 10 leaves room for caches and a busy
 * machine, and quadratic would be 16. */
static void time_is_linear(void **state)
{
	static const char *const family[] = {
		"<relu/>",
		"<relux/>",
		"<relu in='nope'/>",
		"<relu id='same'/>",
		"<linear id='a' unit='3'/>",
		"<add in='x 1'/>",
		"<!-- <relu/> -->",
		"\n",
		"<?pi?>",
		"words ",
		"<const id='x' value='1'/>",
		"<use block='b'/>",
		"<relu in='{n}'/>",
		"<![CDATA[ ]]>",
		"<relu id='&amp;'/>",
		"<if in='x'><then><output/></then><else><output/></else></if>",
	};
	(void)state;
	for (size_t i = 0; i < sizeof(family) / sizeof(family[0]); i++) {
		double small = best_of_three(family[i], 10000),
		       large = best_of_three(family[i], 40000);
		if (large > 10 * (small + 0.005))
			fail_msg("%s: %g s for 10000, %g s for 40000", family[i], small, large);
	}
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(place_of_attribute_name),
		TEST(place_of_value),
		TEST(place_of_one_reference),
		TEST(place_over_lines),
		TEST(place_with_entity),
		TEST(place_behind_mark),
		TEST(place_with_prefix),
		TEST(place_of_parser_error),
		TEST(place_of_text),
		TEST(tags_are_counted_alike),
		TEST(all_errors_are_reported),
		TEST(numbers_out_of_range_are_pointed_at),
		TEST(sizes_that_are_not_known_are_in_range),
		TEST(missing_attributes_are_named_together),
		TEST(blocks_have_many_parameters),
		TEST(sizes_are_declared_by_inputs),
		TEST(unknown_sizes_list_the_known),
		TEST(hints_name_the_nearest),
		TEST(hints_name_where),
		TEST(blocks_report_once),
		TEST(explanations_have_both_examples),
		TEST(in_defaults_to_the_element_before),
		TEST(inputs_by_name_leave_holes),
		TEST(ids_with_dots_win_over_results),
		TEST(numbers_are_names_in_blocks_alone),
		TEST(a_number_or_a_name),
		TEST(ports_have_names_of_their_own),
		TEST(blocks_prefix_their_ids),
		TEST(blocks_have_several_results),
		TEST(blocks_nest),
		TEST(repeats_carry),
		TEST(repeats_nest),
		TEST(a_repeat_of_none_hands_through),
		TEST(branches_are_lists),
		TEST(odd_texts_read_back),
		TEST(examples_read_back),
		TEST(schema_accepts_the_examples),
		TEST(schema_refuses_what_is_wrong),
		TEST(deep_nesting),
		TEST(many_attributes),
		TEST(a_long_value),
		TEST(too_many_tags),
		TEST(too_many_bytes),
		TEST(time_is_linear),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
