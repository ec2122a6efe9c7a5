/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* S_MMA: which lane holds which elements, as the PTX manual writes it for mma.m16n8k16 with bf16
 * factors: by element i of a fragment, groupID = lane / 4 and threadID_in_group = lane % 4.
 * Products of small whole numbers must be exact. */
#include "tests/unit/check.h"
#include "ir/kbuilder.h"
#include "ir/scalar.h"
#include <string.h>

enum { LANES = 64, ROWS = 16, COLS = 8, DEPTH = 16, WARPS = LANES / 32 };

typedef struct Matrices {
	double a[ROWS][DEPTH], b[DEPTH][COLS], c[ROWS][COLS];
} Matrices;

static void fill(Matrices *m, int seed)
{
	for (int i = 0; i < ROWS; i++)
		for (int k = 0; k < DEPTH; k++)
			m->a[i][k] = (i * 7 + k * 3 + seed) % 11 - 5;
	for (int k = 0; k < DEPTH; k++)
		for (int j = 0; j < COLS; j++)
			m->b[k][j] = (k * 5 + j * 13 + seed) % 17 - 8;
	for (int i = 0; i < ROWS; i++)
		for (int j = 0; j < COLS; j++)
			m->c[i][j] = i - 2 * j;
}

static int row_of_a(int lane, int i)
{
	int group = lane / 4;
	return i < 2 || (i >= 4 && i < 6) ? group : group + 8;
}

static int depth_of_a(int lane, int i)
{
	return lane % 4 * 2 + (i & 1) + (i >= 4 ? 8 : 0);
}

static int depth_of_b(int lane, int i)
{
	return lane % 4 * 2 + (i & 1) + (i >= 2 ? 8 : 0);
}

static int row_of_c(int lane, int i)
{
	return i < 2 ? lane / 4 : lane / 4 + 8;
}

static int col_of_c(int lane, int i)
{
	return lane % 4 * 2 + (i & 1);
}

static uint32_t word(double low, double high)
{
	uint16_t half[2];
	store_f64(DT_bf16, half, 0, low);
	store_f64(DT_bf16, half, 1, high);
	return half[0] | (uint32_t)half[1] << 16;
}

/* --- a kernel that loads fragments, multiplies, and stores them ------------------------------- */

static int argument(KBuilder *kb, DType t, int64_t registers)
{
	int64_t dim[2] = { LANES, registers };
	const Type *type = type_get(kb_context(kb), t, 2, dim);
	Storage s = { 0 };
	type_strides(type, s.stride);
	return kb_arg(kb, type, &s);
}

static Node *load_fragment(KBuilder *kb, int buf, Node *v, Node *r)
{
	Node *at[2] = { v, r };
	kb_open(kb, r);
	kb_open(kb, v);
	Node *x = kb_var(kb, "x", kb_load_buf(kb, buf, at), v->axes | r->axes);
	kb_close(kb);
	kb_close(kb);
	return x;
}

static Kernel *make_kernel(Context *c)
{
	Target t;
	assert_true(target_find("sm_80", &t));
	KBuilder *kb = kb_create(c, c->arena, &t, "mma");
	int a = argument(kb, DT_i32, 4), b = argument(kb, DT_i32, 2), sum = argument(kb, DT_f32, 4);
	kb_open(kb, kb_axis(kb, "t", AX_TASK, 1, 0));
	MmaShape s = { .lanes = kb_axis(kb, "v", AX_VECTOR, LANES, LANES) };
	s.c = kb_axis(kb, "c", AX_UNROLL, 4, 0);
	s.a = kb_axis(kb, "a", AX_UNROLL, 4, 0);
	s.b = kb_axis(kb, "b", AX_UNROLL, 2, 0);
	Node *x = load_fragment(kb, a, s.lanes, s.a), *y = load_fragment(kb, b, s.lanes, s.b);
	Node *acc = load_fragment(kb, sum, s.lanes, s.c), *at[2] = { s.lanes, s.c };
	kb_mma(kb, acc, x, y, s);
	kb_open(kb, s.c);
	kb_open(kb, s.lanes);
	kb_store_buf(kb, sum, at, acc);
	kb_close(kb);
	kb_close(kb);
	kb_close(kb);
	return kb_finish(kb);
}

static void test_fragments(void **state)
{
	Matrices m[WARPS];
	uint32_t a[LANES][4], b[LANES][2];
	float c[LANES][4];
	void *arg[3] = { a, b, c };
	Context *ctx = context_create();
	(void)state;
	for (int w = 0; w < WARPS; w++)
		fill(&m[w], w * 5);
	for (int v = 0; v < LANES; v++) {
		const Matrices *p = &m[v / 32];
		int l = v % 32;
		for (int r = 0; r < 4; r++) {
			a[v][r] = word(p->a[row_of_a(l, 2 * r)][depth_of_a(l, 2 * r)],
				       p->a[row_of_a(l, 2 * r + 1)][depth_of_a(l, 2 * r + 1)]);
			c[v][r] = (float)p->c[row_of_c(l, r)][col_of_c(l, r)];
		}
		for (int r = 0; r < 2; r++)
			b[v][r] = word(p->b[depth_of_b(l, 2 * r)][l / 4],
				       p->b[depth_of_b(l, 2 * r + 1)][l / 4]);
	}
	assert_true(kernel_eval(make_kernel(ctx), arg, 0, 1, NULL));
	for (int v = 0; v < LANES; v++)
		for (int r = 0; r < 4; r++) {
			const Matrices *p = &m[v / 32];
			int i = row_of_c(v % 32, r), j = col_of_c(v % 32, r);
			double want = p->c[i][j];
			for (int k = 0; k < DEPTH; k++)
				want += p->a[i][k] * p->b[k][j];
			if (c[v][r] != want)
				fail_msg("lane %d register %d is %g, not %g", v, r, c[v][r], want);
		}
	context_destroy(ctx);
}

/* The kernel's text names the statement, so that kernels that differ in it are two. */
static void test_text(void **state)
{
	Context *ctx = context_create();
	Str s;
	(void)state;
	str_init(&s, ctx->arena);
	kernel_print(&s, make_kernel(ctx));
	assert_non_null(strstr(str_text(&s), "mma a"));
	context_destroy(ctx);
}

/* --- pack_bf16 ------------------------------------------------------------------------------- */

static void test_pack(void **state)
{
	static const float pair[][2] = { { 1, -2 }, { 1.00390625f, 1.01171875f }, { 0, -0.0f } };
	static const uint32_t want[] = { 0xc0003f80, 0x3f823f80, 0x80000000 };
	(void)state;
	for (size_t i = 0; i < sizeof want / sizeof *want; i++) {
		Context *c = context_create();
		Target t;
		assert_true(target_find("sm_80", &t));
		KBuilder *kb = kb_create(c, c->arena, &t, "pack");
		int64_t one = 1, two = 2;
		Storage s = { .stride = { 1 } };
		int x = kb_arg(kb, type_get(c, DT_f32, 1, &two), &s);
		int y = kb_arg(kb, type_get(c, DT_i32, 1, &one), &s);
		Node *at[2] = { kb_i(kb, 0), kb_i(kb, 1) };
		kb_open(kb, kb_axis(kb, "t", AX_TASK, 1, 0));
		kb_store_buf(kb, y, at,
			     kb_pack_bf16(kb, kb_load_buf(kb, x, at), kb_load_buf(kb, x, at + 1)));
		kb_close(kb);
		uint32_t have = 0;
		void *arg[2] = { (void *)(uintptr_t)pair[i], &have };
		assert_true(kernel_eval(kb_finish(kb), arg, 0, 1, NULL));
		assert_int_equal(have, want[i]);
		context_destroy(c);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fragments),
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_pack),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
