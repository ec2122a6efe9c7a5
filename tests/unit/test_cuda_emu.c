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

/* --- matrices of warps ------------------------------------------------------------------------- */

/* softmax(q k^T / 4) v of one head by multiprocessors so few that a warp has several fragments of
 * the scores, and of the results as many as the values' width asks for. Factors of products are
 * rounded to bf16, by 2^-9 each: a score then is off by at most 2^-8 of the sum of its absolute
 * terms, a probability by twice that of the largest score and its own rounding. */
static void fragments(void **state, int queries, int keys, int width)
{
	enum { DEPTH = 16, MOST = 64 * 128 };
	static float q[MOST], k[MOST], v[MOST], y[MOST];
	Fixture *f = *state;
	Made m = made(f,
		      arena_printf(f->c->arena,
				   "graph @m(%%q: f32[1,1,%d,16], %%k: f32[1,1,%d,16], "
				   "%%v: f32[1,1,%d,%d]) {\n"
				   "  %%y = attention %%q, %%k, %%v {scale=0.25} : f32[1,1,%d,%d]\n"
				   "  return %%y as y\n}\n",
				   queries, keys, keys, width, queries, width));
	char said[700] = "";
	void *ports[4] = { q, k, v, y };
	m.o.pass.bf16 = true;
	m.o.pass.target.cores = 1;
	for (int i = 0; i < MOST; i++) {
		q[i] = input(i);
		k[i] = input(i + 500);
		v[i] = input(3 * i + 77);
	}
	if (run_edited(&m, ports, said, sizeof said) != BURIN_RT_OK)
		fail_msg("%s", said);
	for (int i = 0; i < queries; i++) {
		double score[MOST], top = -INFINITY, sum = 0, off = 0;
		for (int j = 0; j < keys; j++) {
			double terms = 0;
			score[j] = 0;
			for (int d = 0; d < DEPTH; d++) {
				double term = 0.25 * q[i * DEPTH + d] * k[j * DEPTH + d];
				score[j] += term;
				terms += fabs(term);
			}
			top = fmax(top, score[j]);
			off = fmax(off, terms * 0x1p-8);
		}
		for (int j = 0; j < keys; j++)
			sum += score[j] = exp(score[j] - top);
		for (int e = 0; e < width; e++) {
			double want = 0, terms = 0;
			for (int j = 0; j < keys; j++) {
				want += score[j] / sum * v[j * width + e];
				terms += score[j] / sum * fabs(v[j * width + e]);
			}
			if (!(fabs(y[i * width + e] - want) <= terms * (4 * off + 0x1p-7)))
				fail_msg("row %d, column %d of %d: %g, not %g", i, e, width,
					 (double)y[i * width + e], want);
		}
	}
}

static void several_fragments(void **state)
{
	fragments(state, 64, 64, 16);
	fragments(state, 64, 64, 64);
	fragments(state, 50, 40, 100);
	fragments(state, 20, 64, 33);
}

/* --- what it finds ----------------------------------------------------------------------------- */

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
		FIXTURE_TEST(several_fragments),
		FIXTURE_TEST(finds_missing_barrier),
		FIXTURE_TEST(finds_index_outside),
		FIXTURE_TEST(finds_index_before),
		FIXTURE_TEST(finds_divergent_barrier),
		FIXTURE_TEST(finds_race_between_blocks),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
