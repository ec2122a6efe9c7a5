/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* JSON: what is read, what is refused and where, and that what is written reads back. */
#include "tests/unit/check.h"
#include "base/json.h"
#include <inttypes.h>
#include <math.h>
#include <string.h>

static Arena *arena;

static int setup(void **state)
{
	(void)state;
	arena = arena_create();
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	arena_destroy(arena);
	return 0;
}

static const JsonValue *parse(const char *text)
{
	JsonError e = { .message = "" };
	const JsonValue *v = json_parse(arena, text, strlen(text), &e);
	if (!v)
		fail_msg("%s at %zu of %s", e.message, e.offset, text);
	return v;
}

static void refused(const char *text, size_t n, size_t offset)
{
	JsonError e = { .offset = SIZE_MAX };
	if (json_parse(arena, text, n, &e))
		fail_msg("accepted: %s", text);
	assert_non_null(e.message);
	if (e.offset != offset)
		fail_msg("%s: \"%s\" at %zu, not %zu", text, e.message, e.offset, offset);
}

static void test_values(void **state)
{
	(void)state;
	int64_t i = 0;
	double r = 0;
	bool b = false;
	const char *s = "";
	assert_int_equal(parse("null")->kind, JSON_NULL);
	assert_true(json_bool(parse(" true "), &b) && b);
	assert_true(json_bool(parse("\tfalse\r\n"), &b) && !b);
	assert_true(json_int(parse("9223372036854775807"), &i) && i == INT64_MAX);
	assert_true(json_int(parse("-9223372036854775808"), &i) && i == INT64_MIN);
	assert_true(json_int(parse("9007199254740993"), &i) && i == 9007199254740993);
	assert_true(json_real(parse("0"), &r) && r == 0 && !signbit(r));
	assert_true(json_real(parse("-0"), &r) && r == 0 && signbit(r));
	assert_int_equal(parse("9223372036854775808")->kind, JSON_REAL);
	assert_true(json_real(parse("-1.5E+2"), &r) && r == -150);
	assert_false(json_int(parse("1.0"), &i));
	assert_false(json_int(parse("\"1\""), &i));
	assert_true(json_text(parse("\"a b\""), &s));
	assert_string_equal(s, "a b");
	assert_false(json_text(NULL, &s));
	assert_true(json_text(parse("\"\""), &s));
	assert_string_equal(s, "");
}

static void test_strings(void **state)
{
	(void)state;
	const char *s = "";
	assert_true(json_text(parse("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\""), &s));
	assert_string_equal(s, "\"\\/\b\f\n\r\t");
	assert_true(json_text(parse("\"\\u0041\\u00e4\\u20AC\\ud83d\\uDE00\""), &s));
	assert_string_equal(s, "A\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80");
	assert_true(json_text(parse("\"\\udbff\\udfff\\ud800\\udc00\""), &s));
	assert_string_equal(s, "\xf4\x8f\xbf\xbf\xf0\x90\x80\x80");
	assert_true(json_text(parse("\"\xc3\xa4\x7f\""), &s));
	assert_string_equal(s, "\xc3\xa4\x7f");
}

static void test_nesting(void **state)
{
	(void)state;
	const JsonValue *v = parse("{\"a\": [1, [2, 3], {\"b\": null}], \"c\": {}}");
	assert_int_equal(v->kind, JSON_OBJECT);
	assert_int_equal(v->n, 2);
	const JsonValue *a = json_get(v, "a");
	assert_int_equal(a->kind, JSON_ARRAY);
	assert_int_equal(a->n, 3);
	assert_int_equal(json_at(json_at(a, 1), 1)->integer, 3);
	assert_int_equal(json_get(json_at(a, 2), "b")->kind, JSON_NULL);
	assert_null(json_at(a, 3));
	assert_null(json_at(a, -1));
	assert_null(json_at(v, 0));
	assert_null(json_get(v, "d"));
	assert_null(json_get(a, "a"));
	assert_null(json_get(NULL, "a"));
	assert_int_equal(json_get(v, "c")->n, 0);
	assert_int_equal(json_at(a, 1)->offset, 10);
	static const size_t offsets[] = { 7, 10, 18 };
	int n = 0;
	JSON_EACH(item, a)
	assert_int_equal(item->offset, offsets[n++]);
	assert_int_equal(n, 3);
}

static void test_many_members(void **state)
{
	(void)state;
	Str s;
	str_init(&s, arena);
	for (int i = 0; i < 5000; i++)
		str_fmt(&s, "%s\"k%d\": %d", i ? ", " : "{", i, i);
	size_t twice = s.n + 2;
	str_add(&s, ", \"k4711\": 0}");
	refused(s.at, s.n, twice);
	s.n = twice - 2;
	s.at[s.n] = 0;
	str_add(&s, "}");
	const JsonValue *v = parse(s.at);
	for (int i = 0; i < 5000; i++)
		assert_int_equal(json_get(v, arena_printf(arena, "k%d", i))->integer, i);
	assert_null(json_get(v, "k5000"));
}

static void test_refused(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		size_t offset;
	} rows[] = {
		{ "", 0 },
		{ " ", 1 },
		{ "nul", 0 },
		{ "nulll", 4 },
		{ "True", 0 },
		{ "1 2", 2 },
		{ "[1,]", 3 },
		{ "[,1]", 1 },
		{ "[1 2]", 3 },
		{ "[1", 2 },
		{ "[", 1 },
		{ "]", 0 },
		{ "{\"a\":1,}", 7 },
		{ "{\"a\" 1}", 5 },
		{ "{\"a\":}", 5 },
		{ "{a:1}", 1 },
		{ "{1:1}", 1 },
		{ "{\"a\":1", 6 },
		{ "{\"a\":1]", 6 },
		{ "{\"a\":1,\"b\":2,\"a\":3}", 13 },
		{ "{\"a\":1,\"\\u0061\":3}", 7 },
		{ "01", 1 },
		{ "-", 0 },
		{ "-a", 0 },
		{ "+1", 0 },
		{ ".5", 0 },
		{ "1.", 2 },
		{ "1.e5", 2 },
		{ "1e", 2 },
		{ "1e+", 3 },
		{ "0x10", 1 },
		{ "1e999", 0 },
		{ "NaN", 0 },
		{ "Infinity", 0 },
		{ "\"abc", 0 },
		{ "\"a\nb\"", 2 },
		{ "\"a\tb\"", 2 },
		{ "\"\\x41\"", 1 },
		{ "\"\\", 1 },
		{ "\"\\u12g4\"", 5 },
		{ "\"\\u0000\"", 1 },
		{ "\"\\ud83d\"", 1 },
		{ "\"\\ud83d\\u0041\"", 1 },
		{ "\"\\ude00\"", 1 },
		{ "\"\xff\"", 1 },
		{ "\"\xc0\x80\"", 1 },
		{ "\"\xed\xa0\x80\"", 1 },
		{ "\xef\xbb\xbf{}", 0 }, /* byte order mark */
		{ "// comment\n1", 0 },
		{ "'a'", 0 },
		{ "\f1", 0 },
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		refused(rows[i].text, strlen(rows[i].text), rows[i].offset);
	refused("1\0", 2, 1); /* NUL is no space */
	refused("\"a\0b\"", 5, 2);
}

static void test_depth(void **state)
{
	(void)state;
	static char text[200001];
	memset(text, '[', 64);
	memset(text + 64, ']', 64);
	parse(text);
	memset(text, '[', 65);
	memset(text + 65, ']', 65);
	refused(text, 130, 64);
	memset(text, '[', 200000);
	refused(text, 200000, 64);
}

/* Cut anywhere, a text is refused and never read beyond (the sanitizer looks: the copy is exact).
 */
static void test_cut_off(void **state)
{
	(void)state;
	static const char text[] =
		"{\"a\\u00e4\xc3\xa4\": [1.5e3, true, null, \"\\ud83d\\ude00\"]}";
	for (size_t n = 0; n < sizeof text - 1; n++) {
		JsonError e;
		assert_null(json_parse(arena, arena_copy(arena, text, n), n, &e));
		assert_true(e.offset <= n);
	}
	parse(text);
}

/* --- writer ---------------------------------------------------------------------------------- */

static void write_all(JsonWriter *w)
{
	json_put_object(w);
	json_put_key(w, "schema");
	json_put_text(w, "burin.bench/1");
	json_put_key(w, "list");
	json_put_array(w);
	json_put_int(w, INT64_MIN);
	json_put_real(w, 0.1);
	json_put_real(w, (double)NAN);
	json_put_bool(w, true);
	json_put_null(w);
	json_put_text(w, NULL);
	json_put_array(w);
	json_end(w);
	json_put_object(w);
	json_end(w);
	json_end(w);
	json_put_key(w, "q\"\\\n\x01\x7f\xc3\xa4\xff");
	json_put_text(w, "\b\f\r\t/");
	json_end(w);
}

static void test_write(void **state)
{
	(void)state;
	JsonWriter w;
	Str s;
	str_init(&s, arena);
	json_write(&w, &s, false);
	assert_false(json_done(&w));
	write_all(&w);
	assert_true(json_done(&w));
	assert_string_equal(
		str_text(&s),
		"{\"schema\":\"burin.bench/1\",\"list\":[-9223372036854775808,0.1,null,"
		"true,null,null,[],{}],\"q\\\"\\\\\\n\\u0001\\u007f\xc3\xa4\xef\xbf\xbd\":"
		"\"\\b\\f\\r\\t/\"}");
	parse(str_text(&s));
}

static void test_write_indented(void **state)
{
	(void)state;
	JsonWriter w;
	Str s;
	str_init(&s, arena);
	json_write(&w, &s, true);
	json_put_object(&w);
	json_put_key(&w, "a");
	json_put_array(&w);
	json_put_int(&w, 1);
	json_put_int(&w, 2);
	json_end(&w);
	json_put_key(&w, "b");
	json_put_object(&w);
	json_end(&w);
	json_end(&w);
	assert_string_equal(str_text(&s), "{\n  \"a\": [\n    1,\n    2\n  ],\n  \"b\": {}\n}");
	assert_true(json_done(&w));
}

static void start(JsonWriter *w, Str *s)
{
	str_init(s, arena);
	json_write(w, s, false);
}

static void test_misuse_is_noticed(void **state)
{
	(void)state;
	JsonWriter w;
	Str s;
	start(&w, &s);
	json_put_int(&w, 1);
	json_put_int(&w, 2); /* a second value */
	assert_false(json_done(&w));
	start(&w, &s);
	json_put_object(&w);
	json_put_int(&w, 1); /* without a key */
	json_end(&w);
	assert_false(json_done(&w));
	start(&w, &s);
	json_put_array(&w);
	json_put_key(&w, "a"); /* in an array */
	json_end(&w);
	assert_false(json_done(&w));
	start(&w, &s);
	json_put_object(&w);
	json_put_key(&w, "a");
	json_end(&w); /* the value is missing */
	assert_false(json_done(&w));
	start(&w, &s);
	json_end(&w);
	assert_false(json_done(&w));
	start(&w, &s);
	json_put_array(&w); /* not closed */
	assert_false(json_done(&w));
	start(&w, &s);
	for (int i = 0; i < 1000; i++)
		json_put_array(&w);
	for (int i = 0; i < 1000; i++)
		json_end(&w);
	assert_false(json_done(&w));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_values),         TEST(test_strings),
		TEST(test_nesting),        TEST(test_many_members),
		TEST(test_refused),        TEST(test_depth),
		TEST(test_cut_off),        TEST(test_write),
		TEST(test_write_indented), TEST(test_misuse_is_noticed),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
