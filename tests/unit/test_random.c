/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The random graphs' own machinery: texts read back to the same trial, and what fails is found and
 * made smaller. Failures are made by promising what fp=fast does not keep: x - x is 0 there, even
 * where x is NaN. */
#include "tests/unit/check.h"
#include "tests/random/net.h"
#include <string.h>

static const char failing[] = "fp fast\ntarget x86-64-v2\nthreads 2\nexact 0\nrules 0\nlibrary 0\n"
			      "off layout\n"
			      "graph @g(%x: f32[2,4], %y: f32[2,4]) {\n"
			      "  %a = add %x, %y : f32[2,4]\n"
			      "  %b = tanh %a : f32[2,4]\n"
			      "  %c = sub %b, %b : f32[2,4]\n"
			      "  %d = neg %c : f32[2,4]\n"
			      "  %e = exp %y : f32[2,4]\n"
			      "  return %d, %e\n}\n"
			      "in f32[2,4] 1 2 3 nan 5 6 7 8\n"
			      "in f32[2,4] 1 1 1 1 1 1 1 1\n";

static void texts_read_back(void **state)
{
	(void)state;
	for (int64_t i = 0; i < 60; i++) {
		Trial t, u;
		Str one, two;
		const char *why = "";
		Case *c = trial_make(5, i, &t);
		str_init(&one, c->arena);
		str_init(&two, c->arena);
		trial_print(&one, c, &t);
		Case *again = trial_read(str_text(&one), one.n, &u, &why);
		if (!again)
			fail_msg("graph %lld: %s\n%s", (long long)i, why, str_text(&one));
		trial_print(&two, again, &u);
		assert_string_equal(str_text(&one), str_text(&two));
		case_destroy(again);
		case_destroy(c);
	}
}

static void a_wrong_result_is_found_and_made_smaller(void **state)
{
	Arena *arena = arena_create();
	Str what;
	(void)state;
	str_init(&what, arena);
	assert_int_equal(child_judge(failing, sizeof failing - 1, &what), WRONG);
	assert_non_null(strstr(str_text(&what), "element 3 is"));
	const char *small = shrink(arena, failing, sizeof failing - 1, WRONG);
	assert_int_equal(child_judge(small, strlen(small), NULL), WRONG);
	assert_non_null(strstr(small, " = sub "));
	assert_null(strstr(small, " = tanh "));
	assert_null(strstr(small, " = exp "));
	assert_null(strstr(small, "\noff "));
	assert_null(strstr(small, "[2,4]"));
	arena_destroy(arena);
}

static void what_is_right_is_right(void **state)
{
	static const char text[] = "fp contract\ngraph @g(%x: f32[3]) {\n  %0 = neg %x : f32[3]\n"
				   "  return %0\n}\nin f32[3] 1 nan inf\n";
	(void)state;
	assert_int_equal(child_judge(text, sizeof text - 1, NULL), RIGHT);
	assert_int_equal(child_judge(text, sizeof text - 8, NULL), INVALID);
}

static void every_model_to_be_trained_can_be_read(void **state)
{
	Arena *arena = arena_create();
	(void)state;
	for (int64_t i = 0; i < 4; i++) {
		const char *text = net_make(arena, 3, i);
		assert_true(is_net(text));
		assert_int_equal(child_judge(text, strlen(text), NULL), RIGHT);
	}
	arena_destroy(arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(texts_read_back),
		cmocka_unit_test(a_wrong_result_is_found_and_made_smaller),
		cmocka_unit_test(what_is_right_is_right),
		cmocka_unit_test(every_model_to_be_trained_can_be_read),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
