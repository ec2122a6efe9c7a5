/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The emulation of a GPU: what it computes, and that it tells of kernels that do what they must
 * not. Those are made by editing the text of right ones. */
#include "tests/unit/emu_fixture.h"
#include <math.h>

enum { ROWS = 3, WIDTH = 300 };

/* Exponentials of a row below its maximum, each with its mirror image: what one thread stores to
 * shared memory another loads. */
static const char model[] =
	"graph @m(%x: f32[3,300]) {\n"
	"  %m = reduce_max %x {axes=[1], keepdims=yes} : f32[3,1]\n"
	"  %b = broadcast %m {shape=[3, 300]} : f32[3,300]\n"
	"  %d = sub %x, %b : f32[3,300]\n"
	"  %e = exp %d : f32[3,300]\n"
	"  %r = slice %e {begin=[0, 299], count=[3, 300], step=[1, -1]} : f32[3,300]\n"
	"  %a = add %e, %r : f32[3,300]\n"
	"  %y = mul %a, %e : f32[3,300]\n"
	"  return %y as y\n"
	"}\n";

static float input(int i)
{
	return (float)(i * 7919 % 1000) / 250 - 2;
}

static int run(const Made *m, float *y, char *said, size_t room)
{
	static float x[ROWS * WIDTH];
	void *ports[2] = { x, y };
	for (int i = 0; i < ROWS * WIDTH; i++)
		x[i] = input(i);
	return run_edited(m, ports, said, room);
}

static void computes(void **state)
{
	Made m = made(*state, model);
	float y[ROWS * WIDTH];
	char said[700] = "";
	for (m.o.emu_seed = 1; m.o.emu_seed < 4; m.o.emu_seed++) {
		if (run(&m, y, said, sizeof said) != BURIN_RT_OK)
			fail_msg("%s", said);
		for (int r = 0; r < ROWS; r++) {
			const int first = r * WIDTH, last = first + WIDTH - 1;
			double top = input(first);
			for (int i = first; i <= last; i++)
				top = fmax(top, input(i));
			for (int i = first; i <= last; i++) {
				double e = exp(input(i) - top),
				       mirror = exp(input(first + last - i) - top);
				assert_true(fabs(y[i] - (e + mirror) * e) < 1e-6);
			}
		}
	}
}

static void finds(void **state, const char *what, const char *by, const char *says)
{
	Made m = made(*state, model);
	float y[ROWS * WIDTH];
	char said[700] = "";
	m.o.emu_source = replaced(&m, text_of(&m), what, by);
	int status = run(&m, y, said, sizeof said);
	if (status != BURIN_RT_DEVICE || !strstr(said, says) || strncmp(said, "kernel k_", 9) != 0)
		fail_msg("returned %d and says '%s', not '%s'", status, said, says);
}

static void finds_missing_barrier(void **state)
{
	finds(state, "burin_barrier();", "", "with no barrier between");
}

static void finds_index_outside(void **state)
{
	finds(state, "b0[t1] =", "b0[t1 + 1] =", "element 300 of shared array 0, which has 300");
}

static void finds_index_before(void **state)
{
	finds(state, "a0 * 300 + lane", "a0 * 300 + lane - 1", "element -1 of argument");
}

static void finds_divergent_barrier(void **state)
{
	finds(state, "const i32 a0 = burin_block();",
	      "const i32 a0 = burin_block(); if (lane != 7) burin_barrier(); else return;",
	      "255 of 256 threads wait");
}

static void finds_race_between_blocks(void **state)
{
	finds(state, "const i32 a0 = burin_block();", "const i32 a0 = 0;", "another block");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		FIXTURE_TEST(computes),
		FIXTURE_TEST(finds_missing_barrier),
		FIXTURE_TEST(finds_index_outside),
		FIXTURE_TEST(finds_index_before),
		FIXTURE_TEST(finds_divergent_barrier),
		FIXTURE_TEST(finds_race_between_blocks),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
