/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Hash maps and symbols. */
#include "tests/unit/check.h"
#include "base/intern.h"
#include "base/map.h"
#include "base/str.h"
#include <stdio.h>
#include <string.h>

static void test_words(void **state)
{
	(void)state;
	Arena *a = arena_create();
	Map *m = map_create(a);
	int values[3];
	assert_null(map_get(m, 0));
	map_put(m, 0, &values[0]);
	map_put(m, UINT64_MAX, &values[1]);
	assert_ptr_equal(map_get(m, 0), &values[0]);
	assert_ptr_equal(map_get(m, UINT64_MAX), &values[1]);
	assert_null(map_get(m, 1));
	map_put(m, 0, &values[2]); /* replaces */
	assert_ptr_equal(map_get(m, 0), &values[2]);
	assert_int_equal(map_count(m), 2);
	map_put_ptr(m, values, values);
	assert_ptr_equal(map_get_ptr(m, values), values);
	arena_destroy(a);
}

static void test_many_in_order(void **state)
{
	(void)state;
	enum { N = 20000 };
	Arena *a = arena_create();
	Map *m = map_create(a);
	for (uintptr_t i = 0; i < N; i++)
		map_put(m, (uint64_t)i << 40, (void *)(i + 1)); /* low bits all equal */
	assert_int_equal(map_count(m), N);
	for (uintptr_t i = 0; i < N; i++) {
		uint64_t key;
		assert_ptr_equal(map_get(m, (uint64_t)i << 40), (void *)(i + 1));
		assert_ptr_equal(map_at(m, (int)i, &key), (void *)(i + 1));
		assert_true(key == (uint64_t)i << 40);
		assert_null(map_get(m, ((uint64_t)i << 40) + 1));
	}
	arena_destroy(a);
}

static void test_strings(void **state)
{
	(void)state;
	Arena *a = arena_create();
	Map *m = map_create(a);
	char key[32];
	for (uintptr_t i = 0; i < 1000; i++) {
		snprintf(key, sizeof key, "name%d", (int)i);
		map_put_str(m, key, (void *)(i + 1)); /* the key is copied */
	}
	map_put_str(m, "", a);
	for (uintptr_t i = 0; i < 1000; i++) {
		snprintf(key, sizeof key, "name%d", (int)i);
		assert_ptr_equal(map_get_str(m, key), (void *)(i + 1));
	}
	assert_ptr_equal(map_get_str(m, ""), a);
	assert_null(map_get_str(m, "name1000"));
	uint64_t stored;
	map_at(m, 3, &stored);
	assert_string_equal((const char *)(uintptr_t)stored, "name3");
	arena_destroy(a);
}

/* Every input bit must reach every part of the hash, and lengths count. */
static void test_hash(void **state)
{
	(void)state;
	char zeros[40] = { 0 };
	for (size_t n = 0; n < 40; n++)
		for (size_t k = 0; k < n; k++)
			assert_true(hash_bytes(zeros, n, 1) != hash_bytes(zeros, k, 1));
	int least = 64;
	for (int bit = 0; bit < 8 * 19; bit++) {
		char text[19] = { 0 };
		text[bit / 8] = (char)(1 << bit % 8);
		uint64_t changed = hash_bytes(text, 19, 7) ^ hash_bytes(zeros, 19, 7);
		int bits = __builtin_popcountll(changed);
		least = bits < least ? bits : least;
	}
	assert_true(least >= 12);
	assert_true(hash_bytes("a", 1, 0) == hash_bytes("a", 1, 0));
	assert_true(hash_bytes("a", 1, 0) != hash_bytes("a", 1, 1));
	assert_true(hash_mix(1, 2) != hash_mix(2, 1));
}

static void test_intern(void **state)
{
	(void)state;
	Arena *a = arena_create();
	Interner *in = interner_create(a);
	char text[32];
	const char *first[500];
	for (int i = 0; i < 500; i++) {
		snprintf(text, sizeof text, "s%d", i);
		first[i] = intern(in, text);
		assert_string_equal(first[i], text);
	}
	for (int i = 0; i < 500; i++) {
		snprintf(text, sizeof text, "s%d", i);
		assert_ptr_equal(intern(in, text), first[i]);
	}
	assert_ptr_equal(intern_n(in, "s1xyz", 2), first[1]);
	assert_ptr_equal(intern_n(in, "", 0), intern(in, ""));
	assert_ptr_not_equal(intern(in, "s"), intern(in, "S"));
	Interner *other = interner_create(a);
	assert_ptr_not_equal(intern(other, "s1"), first[1]);
	arena_destroy(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_words),   cmocka_unit_test(test_many_in_order),
		cmocka_unit_test(test_strings), cmocka_unit_test(test_hash),
		cmocka_unit_test(test_intern),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
