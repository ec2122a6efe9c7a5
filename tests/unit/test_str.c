/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Strings, numbers without locale, UTF-8, nearest names. */
#include "tests/unit/check.h"
#include "base/str.h"
#include <float.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
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

static const char *double_text(double v)
{
	Str s;
	str_init(&s, arena);
	str_double(&s, v);
	return str_text(&s);
}

static const char *float_text(float v)
{
	Str s;
	str_init(&s, arena);
	str_float(&s, v);
	return str_text(&s);
}

static void test_builder(void **state)
{
	(void)state;
	Str s;
	str_init(&s, arena);
	assert_string_equal(str_text(&s), "");
	str_addn(&s, "xyz", 0);
	assert_string_equal(str_text(&s), "");
	str_add(&s, "ab");
	str_char(&s, 'c');
	str_fmt(&s, "%d%s", 12, "!");
	assert_string_equal(str_text(&s), "abc12!");
	assert_int_equal(s.n, 6);
	for (int i = 0; i < 1000; i++)
		str_fmt(&s, "%03d", i);
	assert_int_equal(s.n, 3006);
	assert_int_equal(strlen(s.at), 3006);
	assert_string_equal(s.at + 3003, "999");
	str_fmt(&s, "%5000s", "x");
	assert_int_equal(s.n, 8006);
	assert_int_equal(s.at[8005], 'x');
}

static void test_comparing(void **state)
{
	(void)state;
	assert_true(str_eq("a", "a"));
	assert_false(str_eq("a", "b"));
	assert_true(str_eq(NULL, NULL));
	assert_false(str_eq(NULL, ""));
	assert_true(str_starts("conv2d", "conv"));
	assert_true(str_starts("conv2d", ""));
	assert_false(str_starts("con", "conv"));
	assert_true(str_ends("m.xml", ".xml"));
	assert_false(str_ends("xml", ".xml"));
	assert_true(str_ends("", ""));
}

static void test_doubles(void **state)
{
	(void)state;
	assert_string_equal(double_text(0), "0");
	assert_string_equal(double_text(-0.0), "-0");
	assert_string_equal(double_text(0.1), "0.1");
	assert_string_equal(double_text(1.0 / 3), "0.3333333333333333");
	assert_string_equal(double_text(0.1 + 0.2), "0.30000000000000004");
	assert_string_equal(double_text(1e300), "1e+300");
	assert_string_equal(double_text(5e-324), "5e-324");
	assert_string_equal(double_text(DBL_MAX), "1.7976931348623157e+308");
	assert_string_equal(double_text(INFINITY), "inf");
	assert_string_equal(double_text(-INFINITY), "-inf");
	assert_string_equal(double_text(NAN), "nan");
	assert_string_equal(float_text(0.1f), "0.1");
	assert_string_equal(float_text(16777216.0f), "16777216");
	assert_string_equal(float_text(FLT_MAX), "3.4028235e+38");
	assert_string_equal(float_text(1e-45f), "1e-45");
	assert_string_equal(float_text(-INFINITY), "-inf");
}

static uint64_t random_state = 42;

static uint64_t random_bits(void)
{
	random_state += 0x9e3779b97f4a7c15u;
	uint64_t z = random_state;
	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

static void check_round_trip(void)
{
	for (int i = 0; i < 20000; i++) {
		uint64_t bits = random_bits();
		double d, back;
		float f;
		if (i % 8 == 0)
			bits &= 0x800fffffffffffffu; /* denormal */
		memcpy(&d, &bits, sizeof d);
		memcpy(&f, &bits, sizeof f);
		ArenaMark m = arena_mark(arena);
		if (!isnan(d)) {
			const char *text = double_text(d);
			assert_true(parse_f64(text, strlen(text), &back));
			assert_memory_equal(&d, &back, sizeof d);
		}
		if (!isnan(f)) {
			const char *text = float_text(f);
			assert_true(parse_f64(text, strlen(text), &back));
			assert_true((float)back == f);
		}
		arena_release(arena, m);
	}
}

static void test_round_trip(void **state)
{
	(void)state;
	check_round_trip();
}

/* A host that writes 0,1: nothing of ours may. Skipped where no such locale is installed. */
static void test_host_locale(void **state)
{
	(void)state;
	static const char *const names[] = { "de_DE.UTF-8", "de_DE.utf8", "fr_FR.UTF-8",
					     "de_DE@euro", "de_DE" };
	const char *found = NULL;
	for (size_t i = 0; i < sizeof names / sizeof *names && !found; i++)
		found = setlocale(LC_ALL, names[i]);
	if (!found)
		skip_because("no locale with a decimal comma (Debian: apt-get install locales)");
	char host[32];
	snprintf(host, sizeof host, "%.1f", 0.5);
	assert_string_equal(host, "0,5");
	assert_string_equal(double_text(0.5), "0.5");
	assert_string_equal(arena_printf(arena, "%.1f", 0.5), "0.5");
	double v = 0;
	assert_true(parse_f64("0.5", 3, &v) && v == 0.5);
	assert_false(parse_f64("0,5", 3, &v));
	check_round_trip();
	snprintf(host, sizeof host, "%.1f", 0.5);
	assert_string_equal(host, "0,5"); /* and the host's is as before */
	setlocale(LC_ALL, "C");
}

static void test_integers(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		bool ok;
		int64_t value;
	} rows[] = {
		{ "0", true, 0 },
		{ "-0", true, 0 },
		{ "+7", true, 7 },
		{ "007", true, 7 },
		{ "9223372036854775807", true, INT64_MAX },
		{ "-9223372036854775808", true, INT64_MIN },
		{ "9223372036854775808", false, 0 },
		{ "-9223372036854775809", false, 0 },
		{ "99999999999999999999", false, 0 },
		{ "", false, 0 },
		{ "-", false, 0 },
		{ "+", false, 0 },
		{ "+-1", false, 0 },
		{ " 1", false, 0 },
		{ "1 ", false, 0 },
		{ "1.0", false, 0 },
		{ "0x10", false, 0 },
		{ "1e3", false, 0 },
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		int64_t v = 77;
		bool ok = parse_i64(rows[i].text, strlen(rows[i].text), &v);
		if (ok != rows[i].ok)
			fail_msg("parse_i64(\"%s\")", rows[i].text);
		assert_true(v == (ok ? rows[i].value : 77));
	}
	int64_t v;
	assert_true(parse_i64("123456", 3, &v) && v == 123); /* n counts, not the NUL */
}

static void test_floats(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		bool ok;
		double value;
	} rows[] = {
		{ "0", true, 0 },
		{ "1.5", true, 1.5 },
		{ "-.5", true, -0.5 },
		{ "5.", true, 5 },
		{ "+2", true, 2 },
		{ "1e3", true, 1000 },
		{ "1E-3", true, 0.001 },
		{ "0x1p-2", true, 0.25 },
		{ "-0x1.8P+1", true, -3 },
		{ "0x.8", true, 0.5 },
		{ "0xff", true, 255 },
		{ "inf", true, INFINITY },
		{ "-inf", true, -INFINITY },
		{ "5e-324", true, 5e-324 },
		{ "1e-999", true, 0 },
		{ "2.2250738585072011e-308", true, 2.2250738585072011e-308 },
		{ "9007199254740993", true, 9007199254740992.0 },
		{ "1e999", false, 0 },
		{ "0x1p+1024", false, 0 },
		{ "", false, 0 },
		{ "-", false, 0 },
		{ ".", false, 0 },
		{ "e5", false, 0 },
		{ "1e", false, 0 },
		{ "1e+", false, 0 },
		{ "0x", false, 0 },
		{ "0xp1", false, 0 },
		{ "0x1p", false, 0 },
		{ "1,5", false, 0 },
		{ "1 ", false, 0 },
		{ " 1", false, 0 },
		{ "1f", false, 0 },
		{ "INF", false, 0 },
		{ "infinity", false, 0 },
		{ "nan(1)", false, 0 },
		{ "--1", false, 0 },
		{ "1.2.3", false, 0 },
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		double v = 77;
		bool ok = parse_f64(rows[i].text, strlen(rows[i].text), &v);
		if (ok != rows[i].ok)
			fail_msg("parse_f64(\"%s\")", rows[i].text);
		assert_true(v == (ok ? rows[i].value : 77));
	}
	double v;
	assert_true(parse_f64("nan", 3, &v) && isnan(v));
	assert_true(parse_f64("-0", 2, &v) && v == 0 && signbit(v));
	assert_true(parse_f64("12345", 2, &v) && v == 12);
	char text[1500];
	memset(text, '1', sizeof text);
	assert_false(parse_f64(text, 1001, &v));
	assert_true(parse_f64(text, 300, &v));
}

static void test_utf8(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		int bytes;
		uint32_t code;
	} rows[] = {
		{ "a", 1, 'a' },
		{ "\x7f", 1, 0x7f },
		{ "\xc3\xa4", 2, 0xe4 },
		{ "\xe2\x82\xac", 3, 0x20ac },
		{ "\xf0\x9f\x98\x80", 4, 0x1f600 },
		{ "\xf4\x8f\xbf\xbf", 4, 0x10ffff },
		{ "\x80", 0, 0 },
		{ "\xc0\x80", 0, 0 }, /* overlong */
		{ "\xc1\xbf", 0, 0 },
		{ "\xe0\x9f\xbf", 0, 0 },
		{ "\xf0\x8f\xbf\xbf", 0, 0 },
		{ "\xed\xa0\x80", 0, 0 },     /* surrogate */
		{ "\xf4\x90\x80\x80", 0, 0 }, /* beyond 10ffff */
		{ "\xf5\x80\x80\x80", 0, 0 },
		{ "\xff", 0, 0 },
		{ "\xe2\x82", 0, 0 }, /* cut off */
		{ "\xe2\x28\xa1", 0, 0 },
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		uint32_t code = 0;
		size_t n = strlen(rows[i].text);
		assert_int_equal(utf8_next(rows[i].text, n, &code), rows[i].bytes);
		assert_int_equal(code, rows[i].code);
		assert_int_equal(utf8_valid(rows[i].text, n), rows[i].bytes > 0);
	}
	assert_true(utf8_valid("", 0));
	assert_true(utf8_valid("a\xc3\xa4z", 4));
	assert_false(utf8_valid("a\xc3", 2));
}

static void test_nearest(void **state)
{
	(void)state;
	static const char *const names[] = { "kernel", "stride", "pad", "filters", "b1", "relu" };
	const int n = sizeof names / sizeof *names;
	assert_string_equal(nearest_name("kernl", names, n), "kernel");
	assert_string_equal(nearest_name("kerenl", names, n), "kernel"); /* neighbours swapped */
	assert_string_equal(nearest_name("Kernel", names, n), "kernel");
	assert_string_equal(nearest_name("RELU", names, n), "relu");
	assert_string_equal(nearest_name("filter", names, n), "filters");
	assert_string_equal(nearest_name("b2", names, n), "b1");
	assert_string_equal(nearest_name("pads", names, n), "pad");
	assert_null(nearest_name("x", names, n));
	assert_null(nearest_name("dilation", names, n));
	assert_null(nearest_name("", names, n));
	assert_null(nearest_name("kernel", names, 0));
	char longer[200];
	memset(longer, 'k', sizeof longer);
	longer[199] = 0;
	assert_null(nearest_name(longer, names, n));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_builder),     cmocka_unit_test(test_comparing),
		cmocka_unit_test(test_doubles),     cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_integers),    cmocka_unit_test(test_floats),
		cmocka_unit_test(test_utf8),        cmocka_unit_test(test_nearest),
		cmocka_unit_test(test_host_locale),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
