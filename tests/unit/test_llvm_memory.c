/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Every kind of memory access, compiled for 4, 8 and 16 lanes and compared with plain loops: tails,
 * strides, gathers, guards. Buffers end at a page that faults, so a read or store beyond the last
 * element ends the test. */
#include "tests/unit/kernel_run.h"
#include "ir/blob.h"

/* --- tails ----------------------------------------------------------------------------------- */

static void check_tail(Context *c, const Target *t, DType type, int lanes, int64_t n)
{
	int64_t bytes = dtype_info[type].bytes;
	KBuilder *kb = start_kernel(c, t, "map");
	int in = arg1(kb, type, n), out = arg1(kb, type, n + 1);
	Node *v = kb_axis(kb, "v", AX_VECTOR, n, lanes);
	kb_open(kb, v);
	Node *x = load1(kb, in, v);
	store1(kb, out, v, type == DT_bool ? kb_emit1(kb, OP_not, x) : kb_emit2(kb, OP_add, x, x));
	kb_close(kb);
	Kernel *k = kb_finish(kb);
	Fenced a = fenced((size_t)(n * bytes)), b = fenced((size_t)((n + 1) * bytes));
	for (int64_t i = 0; i < n; i++)
		store_f64(type, a.data, i, type == DT_bool ? (double)(i % 3 == 1) : (double)i);
	store_f64(type, b.data, n, 1);
	void *arg[2] = { a.data, b.data };
	run_kernel(c, k, t, arg);
	for (int64_t i = 0; i < n; i++)
		assert_true(load_f64(type, b.data, i) ==
			    (type == DT_bool ? (double)(i % 3 != 1) : (double)(2 * i)));
	assert_true(load_f64(type, b.data, n) == 1); /* not touched */
	fenced_free(&a);
	fenced_free(&b);
}

static void tails_on(Context *c, const Target *t)
{
	static const DType type[] = { DT_f32, DT_f64, DT_i8, DT_i64, DT_bool, DT_f16, DT_bf16 };
	for (size_t i = 0; i < sizeof type / sizeof *type; i++) {
		int lanes = target_lanes(t, dtype_info[type[i]].bytes == 8 ? 8 : 4);
		for (int64_t n = 1; n <= lanes; n++)
			check_tail(c, t, type[i], lanes, n);
	}
}

static void tails(void **state)
{
	(void)state;
	for_targets(tails_on);
}

/* --- addresses: strides, reversed, gathered, scattered --------------------------------------- */

typedef Node *IndexOf(KBuilder *kb, Node *v, int64_t n);

static Node *every_third(KBuilder *kb, Node *v, int64_t n)
{
	(void)n;
	return kb_affine(kb, v, 3, 1);
}

static Node *backwards(KBuilder *kb, Node *v, int64_t n)
{
	return kb_affine(kb, v, -1, n - 1);
}

static Node *halves(KBuilder *kb, Node *v, int64_t n)
{
	(void)n;
	return kb_idiv(kb, v, 2);
}

/* Copies n elements between in[index(v)] and out[v], or in[v] and out[index(v)]. */
static void check_access(Context *c, const Target *t, IndexOf *index, bool store, int64_t n,
			 int64_t (*number)(int64_t i, int64_t n))
{
	int lanes = target_lanes(t, 4);
	int64_t far = 3 * n + 1;
	KBuilder *kb = start_kernel(c, t, "map");
	int in = arg1(kb, DT_f32, store ? n : far), out = arg1(kb, DT_f32, store ? far : n);
	Node *v = kb_axis(kb, "v", AX_VECTOR, n, lanes);
	kb_open(kb, v);
	Node *at = index(kb, v, n);
	store1(kb, out, store ? at : v, load1(kb, in, store ? v : at));
	kb_close(kb);
	Fenced a = random_floats(far, 5), b = random_floats(far, 6);
	float *from = floats(&a) + (store ? far - n : 0), *to = floats(&b) + (store ? 0 : far - n);
	void *arg[2] = { from, to };
	run_kernel(c, kb_finish(kb), t, arg);
	for (int64_t i = 0; i < n; i++)
		if (!store)
			assert_true(to[i] == from[number(i, n)]);
	for (int64_t i = n - 1, last = -1; store && i >= 0; i--) {
		if (number(i, n) != last) /* of lanes that meet, the last one stays */
			assert_true(to[number(i, n)] == from[i]);
		last = number(i, n);
	}
	fenced_free(&a);
	fenced_free(&b);
}

static int64_t third_number(int64_t i, int64_t n)
{
	(void)n;
	return 3 * i + 1;
}

static int64_t backwards_number(int64_t i, int64_t n)
{
	return n - 1 - i;
}

static int64_t half_number(int64_t i, int64_t n)
{
	(void)n;
	return i / 2;
}

static void addresses_on(Context *c, const Target *t)
{
	int lanes = target_lanes(t, 4);
	for (int store = 0; store < 2; store++)
		for (int64_t n = lanes - 1; n <= lanes; n++) {
			check_access(c, t, every_third, store, n, third_number);
			check_access(c, t, backwards, store, n, backwards_number);
			check_access(c, t, halves, store, n, half_number);
		}
}

static void addresses(void **state)
{
	(void)state;
	for_targets(addresses_on);
}

/* Rows of an aligned buffer that are not aligned themselves: a claim too much faults. */
static void alignment_on(Context *c, const Target *t)
{
	enum { ROWS = 3 };
	int lanes = target_lanes(t, 4);
	int64_t dim[2] = { ROWS, lanes };
	Storage s = { .align = 64, .stride = { lanes + 1, 1 } };
	KBuilder *kb = start_kernel(c, t, "rows");
	int in = kb_arg(kb, type_get(c, DT_f32, 2, dim), &s);
	int out = kb_arg(kb, type_get(c, DT_f32, 2, dim), &s);
	Node *r = kb_axis(kb, "r", AX_LOOP, ROWS, 0);
	Node *v = kb_axis(kb, "v", AX_VECTOR, lanes, lanes), *at[2] = { r, v };
	kb_open(kb, r);
	kb_open(kb, v);
	kb_store_buf(kb, out, at, kb_load_buf(kb, in, at));
	kb_close(kb);
	kb_close(kb);
	float *a = aligned_alloc(64, 512), *b = aligned_alloc(64, 512);
	for (int i = 0; i < 128; i++) {
		a[i] = (float)i;
		b[i] = -1;
	}
	void *arg[2] = { a, b };
	run_kernel(c, kb_finish(kb), t, arg);
	for (int i = 0; i < ROWS * (lanes + 1); i++)
		assert_true(b[i] == (i % (lanes + 1) < lanes ? (float)i : -1));
	free(a);
	free(b);
}

static void alignment(void **state)
{
	(void)state;
	for_targets(alignment_on);
}

/* More loops in one address than it is taken apart into. */
static void long_addresses_on(Context *c, const Target *t)
{
	enum { DEPTH = 15 };
	KBuilder *kb = start_kernel(c, t, "map");
	int out = arg1(kb, DT_i64, 1 << DEPTH);
	Node *sum = kb_i(kb, 0), *other = kb_i(kb, 0);
	for (int i = 0; i < DEPTH; i++) {
		Node *a = kb_axis(kb, "a", AX_LOOP, 2, 0);
		kb_open(kb, a);
		sum = kb_iadd(kb, sum, kb_imul(kb, a, (int64_t)1 << (i * 7 % DEPTH)));
		other = kb_emit2(kb, OP_xor, other, kb_imul(kb, a, (int64_t)1 << (i * 7 % DEPTH)));
	}
	store1(kb, out, sum, other);
	for (int i = 0; i < DEPTH; i++)
		kb_close(kb);
	int64_t *data = calloc(1 << DEPTH, sizeof *data);
	void *arg[1] = { data };
	run_kernel(c, kb_finish(kb), t, arg);
	for (int i = 0; i < 1 << DEPTH; i++)
		assert_int_equal(data[i], i);
	free(data);
}

static void long_addresses(void **state)
{
	(void)state;
	for_targets(long_addresses_on);
}

/* out[v] = table[index[v]] */
static void gathers_on(Context *c, const Target *t)
{
	int lanes = target_lanes(t, 4);
	int64_t n = lanes - 1;
	KBuilder *kb = start_kernel(c, t, "map");
	int index = arg1(kb, DT_i64, n), table = arg1(kb, DT_f32, 100), out = arg1(kb, DT_f32, n);
	Node *v = kb_axis(kb, "v", AX_VECTOR, n, lanes);
	kb_open(kb, v);
	store1(kb, out, v, load1(kb, table, load1(kb, index, v)));
	kb_close(kb);
	Fenced a = fenced((size_t)n * 8), b = random_floats(100, 9), d = random_floats(n, 9);
	for (int64_t i = 0; i < n; i++)
		((int64_t *)a.data)[i] = 99 - 13 * i % 100;
	void *arg[3] = { a.data, b.data, d.data };
	run_kernel(c, kb_finish(kb), t, arg);
	for (int64_t i = 0; i < n; i++)
		assert_true(floats(&d)[i] == floats(&b)[99 - 13 * i % 100]);
	fenced_free(&a);
	fenced_free(&b);
	fenced_free(&d);
}

static void gathers(void **state)
{
	(void)state;
	for_targets(gathers_on);
}

/* --- guards ---------------------------------------------------------------------------------- */

/* A row of n elements shifted by `by` with zeros (or, other side, ones) where there are none; lanes
 * that may not be read lie in the pages around. */
static void check_shift(Context *c, const Target *t, int64_t by, bool other, bool scalars)
{
	int lanes = scalars ? 1 : target_lanes(t, 4);
	int64_t n = 1024; /* a page: both ends are fenced */
	KBuilder *kb = start_kernel(c, t, "map");
	int in = arg1(kb, DT_f32, n), out = arg1(kb, DT_f32, n);
	Node *i = kb_axis(kb, "i", AX_LOOP, n / lanes, 0);
	Node *v = kb_axis(kb, "v", AX_VECTOR, lanes, lanes);
	kb_open(kb, i);
	if (!scalars)
		kb_open(kb, v);
	Node *at = scalars ? i : kb_iadd(kb, kb_imul(kb, i, lanes), v);
	Node *from = kb_affine(kb, at, 1, by);
	Node *x = load1(kb, in, from);
	Node *c_low = kb_emit2(kb, OP_ge, from, kb_i(kb, 0));
	Node *c_high = kb_emit2(kb, OP_lt, from, kb_i(kb, n));
	Node *cond = kb_emit2(kb, OP_and, c_low, c_high);
	if (other)
		x = kb_guard(kb, kb_emit1(kb, OP_not, cond), kb_f(kb, DT_f32, 0),
			     kb_emit2(kb, OP_mul, x, x));
	else
		x = kb_guard(kb, cond, kb_emit2(kb, OP_mul, x, x), kb_f(kb, DT_f32, 0));
	store1(kb, out, at, x);
	if (!scalars)
		kb_close(kb);
	kb_close(kb);
	Fenced a = random_floats(n, 11), b = random_floats(n, 12);
	void *arg[2] = { a.data, b.data };
	run_kernel(c, kb_finish(kb), t, arg);
	for (int64_t k = 0; k < n; k++) {
		float w = k + by >= 0 && k + by < n ? floats(&a)[k + by] : 0;
		assert_true(floats(&b)[k] == w * w);
	}
	fenced_free(&a);
	fenced_free(&b);
}

static void guards_on(Context *c, const Target *t)
{
	static const int64_t by[] = { 0, 1, -1, 7, -9, 1024, -2000 };
	for (size_t i = 0; i < sizeof by / sizeof *by; i++)
		for (int k = 0; k < 4; k++)
			check_shift(c, t, by[i], k & 1, k & 2);
}

static void guards(void **state)
{
	(void)state;
	for_targets(guards_on);
}

/* Under a mask: an element all lanes share, a stride, a gather; each may be read only when a lane
 * that is set needs it. */
static void masked_kinds_on(Context *c, const Target *t)
{
	int lanes = target_lanes(t, 4);
	KBuilder *kb = start_kernel(c, t, "map");
	int flag = arg1(kb, DT_bool, lanes), in = arg1(kb, DT_f32, 8),
	    out = arg1(kb, DT_f32, lanes);
	Node *v = kb_axis(kb, "v", AX_VECTOR, lanes, lanes);
	kb_open(kb, v);
	Node *shared = load1(kb, in, kb_i(kb, 1000000));
	Node *strided = load1(kb, in, kb_imul(kb, v, 2));
	Node *gathered = load1(kb, in, kb_emit2(kb, OP_min, kb_imul(kb, v, 5), kb_i(kb, 50000)));
	Node *sum = kb_emit2(kb, OP_add, shared, kb_emit2(kb, OP_add, strided, gathered));
	Node *cond = load1(kb, flag, v), *four = kb_emit2(kb, OP_lt, v, kb_i(kb, 2));
	/* the first lane holds here, but the other condition decides about it */
	cond = kb_emit2(kb, OP_or, cond, kb_emit2(kb, OP_lt, v, kb_i(kb, 1)));
	Node *x = kb_guard(kb, cond, sum, kb_f(kb, DT_f32, -1));
	Node *y = kb_guard(kb, four, kb_emit2(kb, OP_add, strided, gathered), x);
	store1(kb, out, v, y);
	kb_close(kb);
	Kernel *k = kb_finish(kb);
	Fenced f = fenced((size_t)lanes), a = random_floats(8, 3), b = random_floats(lanes, 4);
	memset(f.data, 0, (size_t)lanes);
	void *arg[3] = { f.data, a.data, b.data };
	run_kernel(c, k, t, arg);
	for (int i = 0; i < lanes; i++)
		assert_true(floats(&b)[i] == (i < 2 ? floats(&a)[2 * i] + floats(&a)[5 * i] : -1));
	fenced_free(&f);
	fenced_free(&a);
	fenced_free(&b);
}

static void masked_kinds(void **state)
{
	(void)state;
	for_targets(masked_kinds_on);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tails),        cmocka_unit_test(addresses),
		cmocka_unit_test(alignment),    cmocka_unit_test(long_addresses),
		cmocka_unit_test(gathers),      cmocka_unit_test(guards),
		cmocka_unit_test(masked_kinds),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
