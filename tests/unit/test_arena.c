/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* wrap: calloc realloc */
/* Arenas, growable arrays, and what happens when the host has no memory. */
#include "tests/unit/check.h"
#include "base/arena.h"
#include "base/oom.h"
#include "base/vec.h"
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* --- failing on demand ----------------------------------------------------------------------- */

static long allowed = -1; /* allocations until one fails, -1: none fails */
static bool forever;
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *p, size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *p, size_t size);

static bool fails_now(void)
{
	if (allowed < 0)
		return false;
	if (allowed > 0) {
		allowed--;
		return false;
	}
	if (!forever)
		allowed = -1;
	return true;
}

void *__wrap_calloc(size_t n, size_t size)
{
	return fails_now() ? NULL : __real_calloc(n, size);
}

void *__wrap_realloc(void *p, size_t size)
{
	return fails_now() ? NULL : __real_realloc(p, size);
}

/* --- arena ----------------------------------------------------------------------------------- */

static bool all_zero(const char *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (p[i])
			return false;
	return true;
}

static void test_alloc_is_zeroed_and_aligned(void **state)
{
	(void)state;
	Arena *a = arena_create();
	for (size_t n = 0; n < 3000; n += 7) {
		char *p = arena_alloc(a, n);
		assert_non_null(p);
		assert_int_equal((uintptr_t)p % 16, 0);
		assert_true(all_zero(p, n));
		memset(p, 0xff, n);
	}
	char *big = arena_alloc(a, 5u << 20);
	assert_true(all_zero(big, 5u << 20));
	assert_true(arena_bytes(a) > 5u << 20);
	arena_destroy(a);
	arena_destroy(NULL);
}

static void test_zero_bytes_are_distinct(void **state)
{
	(void)state;
	Arena *a = arena_create();
	assert_ptr_not_equal(arena_alloc(a, 0), arena_alloc(a, 0));
	assert_non_null(arena_copy(a, NULL, 0));
	arena_destroy(a);
}

static void test_release_frees_and_rezeroes(void **state)
{
	(void)state;
	Arena *a = arena_create();
	char *kept = arena_strdup(a, "kept");
	size_t before = arena_bytes(a);
	for (int round = 0; round < 20; round++) {
		ArenaMark m = arena_mark(a);
		for (int i = 0; i < 100; i++) {
			size_t n = (size_t)(i * 97 % 5000);
			char *p = arena_alloc(a, n);
			assert_true(all_zero(p, n));
			memset(p, 0xaa, n);
		}
		arena_release(a, m);
		assert_int_equal(arena_bytes(a), before);
	}
	assert_string_equal(kept, "kept");
	arena_destroy(a);
}

static void test_release_to_the_beginning(void **state)
{
	(void)state;
	Arena *a = arena_create();
	ArenaMark m = arena_mark(a);
	arena_alloc(a, 10);
	arena_alloc(a, 100000);
	arena_release(a, m);
	assert_int_equal(arena_bytes(a), 0);
	assert_true(all_zero(arena_alloc(a, 100), 100));
	arena_destroy(a);
}

static void test_text(void **state)
{
	(void)state;
	Arena *a = arena_create();
	assert_string_equal(arena_strndup(a, "abcdef", 3), "abc");
	assert_string_equal(arena_strndup(a, "", 0), "");
	assert_string_equal(arena_printf(a, "%s-%d", "x", 7), "x-7");
	assert_string_equal(arena_printf(a, "%s", ""), "");
	char *wide = arena_printf(a, "%4000d", 1);
	assert_int_equal(strlen(wide), 4000);
	arena_destroy(a);
}

static void test_vec(void **state)
{
	(void)state;
	Arena *a = arena_create();
	VEC(int) v = { 0 };
	for (int i = 0; i < 1000; i++)
		vec_push(a, &v, i * 3);
	assert_int_equal(v.n, 1000);
	for (int i = 0; i < 1000; i++)
		assert_int_equal(v.at[i], i * 3);
	arena_destroy(a);
}

/* --- out of memory --------------------------------------------------------------------------- */

static void test_too_large_raises(void **state)
{
	(void)state;
	volatile int raised = 0;
	const size_t sizes[] = { SIZE_MAX, SIZE_MAX - 15, PTRDIFF_MAX, SIZE_MAX / 2 + 1 };
	for (volatile size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
		OomScope s;
		if (OOM_GUARD(&s)) {
			Arena *a = arena_create();
			arena_alloc(a, sizes[i]);
			oom_leave(&s);
		} else {
			raised++;
		}
	}
	OomScope s;
	if (OOM_GUARD(&s)) {
		arena_alloc_array(arena_create(), SIZE_MAX / 4 + 2, 4); /* the product is 4 */
		oom_leave(&s);
	} else {
		raised++;
	}
	assert_int_equal(raised, 5);
}

typedef struct Resource {
	OomOwned owned;
	int *freed;
} Resource;

static void free_resource(OomOwned *self)
{
	++*((Resource *)self)->freed;
}

static void test_scopes_nest(void **state)
{
	(void)state;
	int freed = 0;
	Resource inner = { .freed = &freed }, outer = { .freed = &freed },
		 gone = { .freed = &freed };
	OomScope a, b;
	volatile bool raised = false;
	if (OOM_GUARD(&a)) {
		oom_own(&outer.owned, free_resource);
		if (OOM_GUARD(&b)) {
			oom_own(&inner.owned, free_resource);
			oom_own(&gone.owned, free_resource);
			oom_disown(&gone.owned);
			oom_leave(&b); /* inner passes to a */
		}
		assert_int_equal(freed, 0);
		if (OOM_GUARD(&b)) {
			oom_raise();
		} else {
			assert_int_equal(freed, 0); /* b owned nothing */
		}
		oom_raise();
	} else {
		raised = true;
	}
	assert_true(raised);
	assert_int_equal(freed, 2);
}

static void test_left_scope_keeps(void **state)
{
	(void)state;
	Arena *volatile kept = NULL;
	OomScope s;
	if (OOM_GUARD(&s)) {
		kept = arena_create();
		arena_destroy(arena_create());
		oom_leave(&s);
	}
	assert_string_equal(arena_strdup(kept, "alive"), "alive");
	arena_destroy(kept);
}

typedef struct Buffer {
	OomOwned owned;
	void *at;
} Buffer;

static void free_buffer(OomOwned *self)
{
	free(((Buffer *)self)->at);
}

static void scenario(void)
{
	Arena *a = arena_create(), *b = arena_create();
	VEC(char *) list = { 0 };
	for (int i = 0; i < 200; i++)
		vec_push(a, &list, arena_printf(b, "%0*d", i * 13, i));
	Buffer buffer = { .at = NULL };
	oom_own(&buffer.owned, free_buffer);
	buffer.at = mem_alloc(10);
	buffer.at = mem_grow(buffer.at, 20);
	oom_disown(&buffer.owned);
	free(buffer.at);
	arena_destroy(a);
	arena_destroy(b);
}

/* Each allocation fails once, and again with all that follow; nothing may leak (the sanitizer
 * looks). */
static void test_every_failure_returns(void **state)
{
	(void)state;
	for (volatile int mode = 0; mode < 2; mode++) {
		volatile bool done = false;
		for (volatile long n = 0; !done; n++) {
			OomScope s;
			forever = mode == 1;
			allowed = n;
			if (OOM_GUARD(&s)) {
				scenario();
				oom_leave(&s);
				done = allowed >= 0; /* nothing failed */
				assert_true(done);
			}
			allowed = -1;
			assert_true(n < 10000);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_alloc_is_zeroed_and_aligned),
		cmocka_unit_test(test_zero_bytes_are_distinct),
		cmocka_unit_test(test_release_frees_and_rezeroes),
		cmocka_unit_test(test_release_to_the_beginning),
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_vec),
		cmocka_unit_test(test_too_large_raises),
		cmocka_unit_test(test_scopes_nest),
		cmocka_unit_test(test_left_scope_keeps),
		cmocka_unit_test(test_every_failure_returns),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
