/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* NVRTC: machine code and PTX of a text, what is wrong with a text or an architecture, the cache,
 * and a machine without NVRTC. Where there is none all but the last are skipped. */
#include "tests/unit/check.h"
#include "base/arena.h"
#include "codegen/cuda/nvrtc.h"
#include "ir/context.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char text[] = "extern \"C\" __global__ void k_1(const float *x, float *y)\n"
			   "{\n"
			   "	int i = (int)(blockIdx.x * blockDim.x + threadIdx.x);\n"
			   "	y[i] = x[i] * x[i] + 1.0f;\n"
			   "}\n";

static void need_nvrtc(Arena *a)
{
	const char *version;
	bool knows;
	if (nvrtc_found(a, 80, &version, &knows))
		return;
	skip_because("no NVRTC: %s", version);
}

static DiagCode error_of(const Context *c)
{
	assert_true(diag_count(c->diag) > 0);
	return diag_at(c->diag, 0)->code;
}

static void test_code(void **state)
{
	Context *c = context_create();
	(void)state;
	need_nvrtc(c->arena);
	NvrtcJob job[3] = { { .name = "k_1", .text = text, .arch = 80 },
			    { .name = "k_1", .text = text, .arch = 90 },
			    { .name = "k_1", .text = text, .arch = 80, .ptx = true } };
	assert_true(nvrtc_compile(c, c->arena, job, 3, (NvrtcOptions){ .threads = 2 }));
	for (int i = 0; i < 2; i++)
		assert_memory_equal(job[i].out.data, "\177ELF", 4);
	assert_non_null(strstr(job[2].out.data, ".target sm_80"));
	assert_non_null(strstr(job[2].out.data, ".entry k_1"));
	assert_true(((const char *)job[2].out.data)[job[2].out.bytes - 1] == '\0');
	context_destroy(c);
}

/* x * x + 1 is one instruction or two. */
static void test_contraction(void **state)
{
	Context *c = context_create();
	(void)state;
	need_nvrtc(c->arena);
	for (int contract = 0; contract < 2; contract++) {
		NvrtcJob job = { .name = "k_1", .text = text, .arch = 80, .ptx = true };
		assert_true(nvrtc_compile(c, c->arena, &job, 1,
					  (NvrtcOptions){ .contract = contract }));
		assert_int_equal(strstr(job.out.data, "fma.rn.f32") != NULL, contract);
	}
	context_destroy(c);
}

static void test_wrong_text(void **state)
{
	Context *c = context_create();
	(void)state;
	need_nvrtc(c->arena);
	NvrtcJob job[2] = { { .name = "k_1", .text = text, .arch = 80 },
			    { .name = "k_2", .text = "__global__ void f( {", .arch = 80 } };
	assert_false(nvrtc_compile(c, c->arena, job, 2, (NvrtcOptions){ .threads = 2 }));
	assert_int_equal(error_of(c), E5223);
	assert_non_null(strstr(diag_at(c->diag, 0)->message, "kernel k_2 for sm_80: k_2.cu(1)"));
	context_destroy(c);
}

static void test_unknown_arch(void **state)
{
	Context *c = context_create();
	(void)state;
	need_nvrtc(c->arena);
	NvrtcJob job = { .name = "k_1", .text = text, .arch = 12 };
	assert_false(nvrtc_compile(c, c->arena, &job, 1, (NvrtcOptions){ 0 }));
	assert_int_equal(error_of(c), E5222);
	context_destroy(c);
}

typedef struct Store {
	uint8_t key[32];
	ObjectCode code;
	int gets, puts;
} Store;

static bool store_get(void *user, const uint8_t key[32], Arena *arena, ObjectCode *out)
{
	Store *s = user;
	s->gets++;
	if (!s->code.data || memcmp(s->key, key, 32) != 0)
		return false;
	*out = (ObjectCode){ arena_copy(arena, s->code.data, s->code.bytes), s->code.bytes };
	return true;
}

static void store_put(void *user, const uint8_t key[32], const ObjectCode *code)
{
	Store *s = user;
	s->puts++;
	memcpy(s->key, key, 32);
	s->code = *code;
}

static void test_cache(void **state)
{
	Context *c = context_create();
	Store s = { .gets = 0 };
	ObjectCache cache = { &s, store_get, store_put };
	(void)state;
	need_nvrtc(c->arena);
	for (int i = 0; i < 3; i++) { /* stored; found; other options are another key */
		NvrtcJob job = { .name = "k_1", .text = text, .arch = 80 };
		NvrtcOptions o = { .cache = &cache, .contract = i == 2 };
		assert_true(nvrtc_compile(c, c->arena, &job, 1, o));
		assert_memory_equal(job.out.data, "\177ELF", 4);
		assert_int_equal(s.puts, i == 2 ? 2 : 1);
	}
	assert_int_equal(s.gets, 3);
	context_destroy(c);
}

static void test_not_there(void **state)
{
	Context *c = context_create();
	NvrtcJob job = { .name = "k_1", .text = text, .arch = 80 };
	(void)state;
	setenv("BURIN_NVRTC", "/nowhere/libnvrtc.so", 1);
	assert_false(nvrtc_compile(c, c->arena, &job, 1, (NvrtcOptions){ 0 }));
	unsetenv("BURIN_NVRTC");
	assert_int_equal(error_of(c), E5221);
	assert_non_null(diag_at(c->diag, 0)->hint);
	context_destroy(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_code),       cmocka_unit_test(test_contraction),
		cmocka_unit_test(test_wrong_text), cmocka_unit_test(test_unknown_arch),
		cmocka_unit_test(test_cache),      cmocka_unit_test(test_not_there),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
