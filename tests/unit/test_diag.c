/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Diagnostics: what is printed, to the byte. */
#include "include/burin.h"
#include "tests/unit/check.h"
#include "base/diag.h"
#include <stdlib.h>
#include <string.h>

static Arena *arena;
static Diag *diag;

static int setup(void **state)
{
	(void)state;
	arena = arena_create();
	diag = diag_create(arena);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	arena_destroy(arena);
	return 0;
}

static const char *printed(int max, bool colour)
{
	Str s;
	str_init(&s, arena);
	diag_print(diag, &s, max, colour);
	return str_text(&s);
}

static void source(const char *text)
{
	diag_source(diag, "m.xml", text, strlen(text));
}

static Loc at(int line, int col, int len)
{
	return (Loc){ .file = "m.xml", .line = line, .col = col, .len = len };
}

static void test_like_the_manual(void **state)
{
	(void)state;
	static const char text[] = "<graph>\n"
				   "  <input     id=\"x\"  shape=\"1,28,28\"/>\n"
				   "\n"
				   "  <relu      id=\"b1\" in=\"x\"/>\n"
				   "  <conv2d    id=\"c1\" in=\"x\"  filters=\"16\" kernl=\"5\" "
				   "pad=\"same\" bias=\"no\"/>\n"
				   "\n"
				   "  <relu      id=\"r1\" in=\"b2\"/>\n"
				   "</graph>\n";
	diag_source(diag, "lenet.xml", text, sizeof text - 1);
	Loc second = { .file = "lenet.xml", .line = 7, .col = 26, .len = 2 };
	Loc first = { .file = "lenet.xml", .line = 5, .col = 43, .len = 5 };
	assert_false(diag_error(diag, second, E2011, "'%s' is not defined", "b2"));
	diag_hint(diag, "nearest: '%s' (batchnorm, line %d)", "b1", 6);
	assert_false(
		diag_error(diag, first, E2004, "<%s> has no attribute '%s'", "conv2d", "kernl"));
	diag_hint(diag, "did you mean '%s'?", "kernel");
	assert_string_equal(
		printed(20, false),
		"lenet.xml:5:43: error[E2004]: <conv2d> has no attribute 'kernl'\n"
		"   5 |   <conv2d    id=\"c1\" in=\"x\"  filters=\"16\" kernl=\"5\" pad=\"same\" "
		"bias=\"no\"/>\n"
		"     |                                           ^^^^^ did you mean 'kernel'?\n"
		"lenet.xml:7:26: error[E2011]: 'b2' is not defined\n"
		"   7 |   <relu      id=\"r1\" in=\"b2\"/>\n"
		"     |                          ^^ nearest: 'b1' (batchnorm, line 6)\n"
		"2 errors. `burin help E2011` explains.\n");
}

static void test_nothing(void **state)
{
	(void)state;
	assert_string_equal(printed(20, false), "");
	assert_int_equal(diag_exit_code(diag), 0);
	diag_hint(diag, "to nothing");
	diag_note(diag, at(1, 1, 1), "to nothing");
	assert_int_equal(diag_count(diag), 0);
}

static void test_without_line(void **state)
{
	(void)state;
	Loc node = { .file = "m.onnx", .col = 12, .element = "Conv_3" };
	diag_error(diag, node, E3101, "unsupported operator 'Foo'");
	diag_hint(diag, "version 17 is read");
	diag_error(diag, (Loc){ .file = "m.onnx" }, E3001, "cut off");
	diag_error(diag, (Loc){ 0 }, E7001, "no place");
	assert_string_equal(printed(0, false),
			    "m.onnx: error[E3001]: cut off\n"
			    "m.onnx: error[E3101]: unsupported operator 'Foo' [node 12 'Conv_3']\n"
			    "     | version 17 is read\n"
			    "error[E7001]: no place\n"
			    "3 errors. `burin help E7001` explains.\n");
}

static void test_notes_stay_with_their_head(void **state)
{
	(void)state;
	source("a\nb\nc\n");
	diag_error(diag, at(3, 1, 1), E2009, "'c' is used twice");
	diag_note(diag, at(1, 1, 1), "first here");
	diag_note(diag, (Loc){ 0 }, "and so on");
	diag_warning(diag, at(2, 1, 1), E2017, "unused");
	assert_string_equal(printed(0, false),
			    "m.xml:2:1: warning[E2017]: unused\n"
			    "   2 | b\n"
			    "     | ^\n"
			    "m.xml:3:1: error[E2009]: 'c' is used twice\n"
			    "   3 | c\n"
			    "     | ^\n"
			    "m.xml:1:1: note: first here\n"
			    "   1 | a\n"
			    "     | ^\n"
			    "note: and so on\n"
			    "1 error, 1 warning. `burin help E2009` explains.\n");
	diag_sort(diag);
	assert_int_equal(diag_at(diag, 0)->severity, SEV_WARNING);
	assert_int_equal(diag_at(diag, 3)->severity, SEV_NOTE);
	assert_int_equal(diag_count(diag), 4);
	assert_int_equal(diag_errors(diag), 1);
}

static const char *excerpt(const char *text, int line, int col, int len)
{
	setup(NULL); /* the old arena goes with its pointers: see teardown_excerpt */
	source(text);
	diag_error(diag, at(line, col, len), E2001, "m");
	const char *p = strchr(printed(0, false), '\n') + 1;
	const char *end = strstr(p, "1 error.");
	return arena_strndup(arena, p, (size_t)(end - p));
}

#define CHECK_EXCERPT(text, line, col, len, want) \
	do { \
		Arena *outer = arena; \
		assert_string_equal(excerpt(text, line, col, len), want); \
		arena_destroy(arena); \
		arena = outer; \
	} while (0)

static void test_excerpts(void **state)
{
	(void)state;
	/* tabs reach to columns of 8, also behind other text */
	CHECK_EXCERPT("\tab\tcd", 1, 5, 2,
		      "   1 |         ab      cd\n"
		      "     |                 ^^\n");
	/* two bytes, one column; three bytes, two columns; a combining mark has none */
	CHECK_EXCERPT("\xc3\xa4\xe6\xbc\xa2"
		      "e\xcc\x81z",
		      1, 9, 1,
		      "   1 | \xc3\xa4\xe6\xbc\xa2"
		      "e\xcc\x81z\n"
		      "     |     ^\n");
	CHECK_EXCERPT("\xe6\xbc\xa2", 1, 1, 3, "   1 | \xe6\xbc\xa2\n     | ^^\n");
	/* the terminal is not driven, text is not reordered, bad bytes are shown */
	CHECK_EXCERPT("a\x1b[31mb", 1, 7, 1, "   1 | a\\x1b[31mb\n     |          ^\n");
	CHECK_EXCERPT("a\xe2\x80\xae"
		      "b",
		      1, 5, 1, "   1 | a\\u202eb\n     |        ^\n");
	CHECK_EXCERPT("\xff\xc3", 1, 2, 1, "   1 | \\xff\\xc3\n     |     ^^^^\n");
	/* line ends of all kinds, and places that are not there */
	CHECK_EXCERPT("a\r\nb\r\n", 2, 1, 9, "   2 | b\n     | ^\n");
	CHECK_EXCERPT("ab", 1, 3, 1, "   1 | ab\n     |   ^\n");
	CHECK_EXCERPT("ab", 1, 99, 5, "   1 | ab\n     |   ^\n");
	CHECK_EXCERPT("ab\n", 2, 1, 1, "");
	CHECK_EXCERPT("ab", 7, 1, 1, "");
	CHECK_EXCERPT("", 1, 1, 1, "");
	CHECK_EXCERPT("ab", 1, 0, 0, "   1 | ab\n");
	CHECK_EXCERPT("\n\nx", 2, 1, 1, "   2 | \n     | ^\n");
}

static void test_wide_line_numbers(void **state)
{
	(void)state;
	char text[12346];
	memset(text, '\n', 12344);
	memcpy(text + 12344, "x", 2);
	CHECK_EXCERPT(text, 12345, 1, 1, "12345 | x\n      | ^\n");
}

/* Lines of any length cost and print about a screen, and the caret is under its place. */
static void test_long_lines(void **state)
{
	(void)state;
	enum { N = 100000 };
	static char text[N + 1];
	for (int place = 1; place <= N; place += place < 300 || place > N - 300 ? 1 : 4999) {
		memset(text, 'a', N);
		text[place - 1] = 'X';
		Arena *outer = arena;
		const char *got = excerpt(text, 1, place, 1);
		const char *second = strchr(got, '\n') + 1;
		assert_true(second - got < 130);
		const char *x = strchr(got, 'X'), *caret = strchr(second, '^');
		assert_non_null(x);
		assert_int_equal(x - got, caret - second);
		assert_int_equal(strncmp(got, "   1 | ...", 10) == 0, place > 41);
		arena_destroy(arena);
		arena = outer;
	}
	/* the cut may fall into characters and tabs */
	for (int place = 1; place < 3000; place += 7) {
		for (int i = 0; i < 3000; i += 3)
			memcpy(text + i, i % 2 ? "\xe2\x82\xac" : "a\tb", 3);
		text[3000] = 0;
		Arena *outer = arena;
		const char *got = excerpt(text, 1, place, 10);
		assert_true(utf8_valid(got, strlen(got)));
		assert_null(strstr(got, "\\x"));
		arena_destroy(arena);
		arena = outer;
	}
}

static void test_messages_are_escaped(void **state)
{
	(void)state;
	Loc loc = { .file = "a\nb.xml", .line = 1 };
	diag_error(diag, loc, E2003, "<%s>", "x\x1b]0;title\x07\n1 error");
	diag_hint(diag, "\t%s", "\xe2\x80\xae");
	assert_string_equal(printed(0, false),
			    "a\\x0ab.xml:1: error[E2003]: <x\\x1b]0;title\\x07\\x0a1 error>\n"
			    "     | \\x09\\u202e\n"
			    "1 error. `burin help E2003` explains.\n");
}

static void test_flood(void **state)
{
	(void)state;
	static char huge[100000];
	memset(huge, 'x', sizeof huge - 1);
	for (int i = 0; i < 60000; i++)
		diag_warning(diag, at(i + 1, 1, 1), E2017, "w%d", i);
	for (int i = 0; i < 40000; i++) {
		diag_error(diag, at(i + 1, 1, 1), i ? E2011 : E5101, "e%d %s", i, huge);
		diag_note(diag, at(1, 1, 1), "n");
		diag_hint(diag, "h");
	}
	assert_int_equal(diag_errors(diag), 40000);
	assert_int_equal(diag_count(diag), 100);
	assert_int_equal(diag_exit_code(diag), 4);
	assert_true(arena_bytes(arena) < 200000);
	const char *text = printed(3, false);
	assert_non_null(strstr(text, "... and 99997 more\n40000 errors, 60000 warnings. `burin"));
	assert_true(strlen(text) < 5000);
	assert_non_null(strstr(text, "xxx...\n"));
}

static void test_max(void **state)
{
	(void)state;
	for (int i = 0; i < 40; i++) {
		diag_error(diag, (Loc){ 0 }, E2011, "e%d", i);
		diag_note(diag, (Loc){ 0 }, "n%d", i);
	}
	assert_string_equal(printed(2, false), "error[E2011]: e0\nnote: n0\n"
					       "error[E2011]: e1\nnote: n1\n"
					       "... and 38 more\n"
					       "40 errors. `burin help E2011` explains.\n");
}

static void test_hints_join(void **state)
{
	(void)state;
	diag_warning(diag, (Loc){ 0 }, E2017, "w");
	diag_note(diag, (Loc){ 0 }, "n");
	diag_hint(diag, "one");
	diag_hint(diag, "two");
	assert_string_equal(printed(0, false), "warning[E2017]: w\n     | one; two\nnote: n\n"
					       "1 warning. `burin help E2017` explains.\n");
	assert_int_equal(diag_exit_code(diag), 0);
}

static void test_colour(void **state)
{
	(void)state;
	source("ab");
	diag_error(diag, at(1, 2, 1), E2001, "m");
	assert_string_equal(printed(0, true),
			    "\033[1mm.xml:1:2: \033[0m\033[31;1merror[E2001]\033[0m: m\n"
			    "   1 | ab\n"
			    "     |  \033[32;1m^\033[0m\n"
			    "1 error. `burin help E2001` explains.\n");
}

static void test_codes(void **state)
{
	(void)state;
	DiagCode c;
	assert_true(diag_code_find("E2004", &c));
	assert_int_equal(c, E2004);
	assert_true(diag_code_find("e2004", &c));
	assert_false(diag_code_find("E9999", &c));
	assert_false(diag_code_find("", &c));
	assert_false(diag_code_find("2004", &c));
	assert_string_equal(diag_code_name(E2011), "E2011");
	for (int i = 0; i < DIAG_CODES; i++) {
		const char *name = diag_code_name((DiagCode)i);
		assert_int_equal(strlen(name), 5);
		assert_true(strlen(diag_code_title((DiagCode)i)) > 3);
		assert_true(strlen(diag_code_text((DiagCode)i)) > 20);
		if (i) /* rows in the order of their code */
			assert_true(strcmp(diag_code_name((DiagCode)(i - 1)), name) < 0);
	}
}

static void test_exit_codes(void **state)
{
	(void)state;
	static const struct {
		DiagCode code;
		int exit, status;
	} rows[] = {
		{ E1001, 5, BURIN_E_IO },      { E1007, 3, BURIN_E_INVALID },
		{ E1008, 5, BURIN_E_MEMORY },  { E2004, 3, BURIN_E_SYNTAX },
		{ E3001, 3, BURIN_E_INVALID }, { E3101, 4, BURIN_E_UNSUPPORTED },
		{ E4001, 3, BURIN_E_INVALID }, { E5001, 2, BURIN_E_ARG },
		{ E5011, 3, BURIN_E_SHAPE },   { E5012, 3, BURIN_E_INVALID },
		{ E5013, 3, BURIN_E_INVALID }, { E5101, 4, BURIN_E_UNSUPPORTED },
		{ E5201, 5, BURIN_E_TARGET },  { E5213, 5, BURIN_E_CANCELLED },
		{ E6001, 3, BURIN_E_ARG },     { E7001, 70, BURIN_E_INTERNAL },
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		Diag *d = diag_create(arena);
		diag_warning(d, (Loc){ 0 }, E1001, "not counted");
		diag_error(d, at(9, 1, 1), rows[i].code, "first");
		diag_error(d, at(1, 1, 1), E2004, "second, but earlier in the file");
		assert_int_equal(diag_exit_code(d), rows[i].exit);
		assert_int_equal(diag_code_status(rows[i].code), rows[i].status);
	}
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_like_the_manual), TEST(test_nothing),
		TEST(test_without_line),    TEST(test_notes_stay_with_their_head),
		TEST(test_excerpts),        TEST(test_wide_line_numbers),
		TEST(test_long_lines),      TEST(test_messages_are_escaped),
		TEST(test_flood),           TEST(test_max),
		TEST(test_hints_join),      TEST(test_colour),
		TEST(test_codes),           TEST(test_exit_codes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
