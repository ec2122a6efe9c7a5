/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Every kind of statement, compiled for 4, 8 and 16 lanes and compared with plain loops; and what
 * the code itself must look like. */
#include "tests/unit/kernel_run.h"
#include "ir/blob.h"
#include <math.h>

static void near(float got, double want, double scale)
{
	if (!(fabs((double)got - want) <= 1e-5 * scale))
		print_error("%a instead of %a\n", (double)got, want);
	assert_true(fabs((double)got - want) <= 1e-5 * scale);
}

/* --- products: unrolled copies, vectors, carried variables, a task range --------------------- */

typedef struct Tile {
	int64_t m, n, k, rows, columns;
} Tile;

/* task: blocks of rows; acc[i, j, v] over k; the last vector of a row has n % lanes columns when
 * they do not divide. */
static Kernel *product(Context *c, const Target *t, const Tile *s, int lanes)
{
	KBuilder *kb = start_kernel(c, t, "matmul");
	int64_t a_dim[2] = { s->m, s->k }, b_dim[2] = { s->k, s->n }, c_dim[2] = { s->m, s->n };
	int a = arg_strided(kb, DT_f32, 2, a_dim, 0), b = arg_strided(kb, DT_f32, 2, b_dim, 0);
	int out = arg_strided(kb, DT_f32, 2, c_dim, 0);
	Node *p = kb_axis(kb, "p", AX_TASK, s->m / s->rows, 0);
	Node *i = kb_axis(kb, "i", AX_UNROLL, s->rows, 0);
	Node *k = kb_axis(kb, "k", AX_LOOP, s->k, 0);
	kb_open(kb, p);
	for (int64_t from = 0; from < s->n;) {
		int64_t left = s->n - from, copies = left / lanes ? left / lanes : 1;
		Node *j = kb_axis(kb, "j", AX_UNROLL, copies, 0);
		Node *v = kb_axis(kb, "v", AX_VECTOR, left < lanes ? left : lanes, lanes);
		Node *row = kb_iadd(kb, kb_imul(kb, p, s->rows), i);
		Node *column = kb_affine(kb, kb_iadd(kb, kb_imul(kb, j, lanes), v), 1, from);
		Node *tile[3] = { i, j, v }, *a_at[2] = { row, k }, *b_at[2] = { k, column };
		Node *c_at[2] = { row, column };
		for (int x = 0; x < 3; x++)
			kb_open(kb, tile[x]);
		Node *acc = kb_var(kb, "acc", kb_f(kb, DT_f32, 0), i->axes | j->axes | v->axes);
		for (int x = 0; x < 3; x++)
			kb_close(kb);
		kb_open(kb, k);
		for (int x = 0; x < 3; x++)
			kb_open(kb, tile[x]);
		kb_set(kb, acc,
		       kb_fma(kb, kb_load_buf(kb, a, a_at), kb_load_buf(kb, b, b_at), acc));
		for (int x = 0; x < 4; x++)
			kb_close(kb);
		for (int x = 0; x < 3; x++)
			kb_open(kb, tile[x]);
		kb_store_buf(kb, out, c_at, acc);
		for (int x = 0; x < 3; x++)
			kb_close(kb);
		from += left < lanes ? left : copies * lanes;
	}
	kb_close(kb);
	return kb_finish(kb);
}

static void check_product(Context *c, const Target *t, const Tile *s)
{
	Fenced a = random_floats(s->m * s->k, 1), b = random_floats(s->k * s->n, 2);
	Fenced out = random_floats(s->m * s->n, 3);
	void *arg[3] = { a.data, b.data, out.data };
	run_kernel(c, product(c, t, s, target_lanes(t, 4)), t, arg);
	for (int64_t i = 0; i < s->m; i++)
		for (int64_t j = 0; j < s->n; j++) {
			double sum = 0;
			for (int64_t k = 0; k < s->k; k++)
				sum += (double)floats(&a)[i * s->k + k] *
				       (double)floats(&b)[k * s->n + j];
			near(floats(&out)[i * s->n + j], sum, 10);
		}
	fenced_free(&a);
	fenced_free(&b);
	fenced_free(&out);
}

static void products_on(Context *c, const Target *t)
{
	static const Tile tile[] = {
		{ 12, 32, 17, 6, 0 }, { 6, 21, 9, 3, 0 }, { 4, 3, 2, 1, 0 }, { 2, 16, 1, 2, 0 }
	};
	for (size_t i = 0; i < sizeof tile / sizeof *tile; i++)
		check_product(c, t, &tile[i]);
}

static void products(void **state)
{
	(void)state;
	for_targets(products_on);
}

static void task_range_on(Context *c, const Target *t)
{
	KBuilder *kb = start_kernel(c, t, "map");
	int out = arg1(kb, DT_i64, 10);
	Node *p = kb_axis(kb, "p", AX_TASK, 10, 0);
	kb_open(kb, p);
	store1(kb, out, p, kb_imul(kb, p, 3));
	kb_close(kb);
	Kernel *k = kb_finish(kb);
	int64_t data[10] = { 0 };
	void *arg[1] = { data };
	JitProgram *j = jit_kernel(c, k, t);
	assert_non_null(j);
	call_kernel(jit_symbol(j, k->name), k, arg, 3, 6);
	call_kernel(jit_symbol(j, k->name), k, arg, 8, 8);
	for (int i = 0; i < 10; i++)
		assert_int_equal(data[i], i >= 3 && i < 6 ? 3 * i : 0);
	jit_destroy(j);
}

static void task_range(void **state)
{
	(void)state;
	for_targets(task_range_on);
}

/* --- folds ----------------------------------------------------------------------------------- */

static double fold_step(Op fold, double a, double b)
{
	if (fold == OP_fold_sum)
		return a + b;
	if (fold == OP_fold_prod)
		return a * b;
	if (isnan(a) || isnan(b))
		return NAN;
	return fold == OP_fold_max ? (a > b ? a : b) : (a < b ? a : b);
}

/* Folds x[u, v] over u and v, in one go, for n active lanes; the source is smaller than copies *
 * lanes. */
static void check_fold(Context *c, const Target *t, Op fold, DType type, int64_t n, int nan_at)
{
	enum { COPIES = 3 };
	int lanes = target_lanes(t, dtype_info[type].bytes == 8 ? 8 : 4);
	int64_t dim[2] = { COPIES, n };
	KBuilder *kb = start_kernel(c, t, "rows");
	int in = arg_strided(kb, type, 2, dim, 0), out = arg1(kb, type, 1);
	Node *u = kb_axis(kb, "u", AX_UNROLL, COPIES, 0);
	Node *v = kb_axis(kb, "v", AX_VECTOR, n, lanes);
	Node *at[2] = { u, v };
	kb_open(kb, u);
	kb_open(kb, v);
	Node *x = kb_var(kb, "x", kb_load_buf(kb, in, at), u->axes | v->axes);
	kb_close(kb);
	kb_close(kb);
	store1(kb, out, kb_i(kb, 0), kb_fold(kb, fold, x, u->axes | v->axes));
	Kernel *k = kb_finish(kb);
	int64_t bytes = dtype_info[type].bytes;
	Fenced a = fenced((size_t)(COPIES * n * bytes)), b = fenced((size_t)bytes);
	double want = 0;
	for (int64_t i = 0; i < COPIES * n; i++) {
		double value = (double)(i * 7 % 5 - 3) + (fold == OP_fold_prod ? 3.5 : 0);
		store_f64(type, a.data, i, i == nan_at ? NAN : value);
		value = load_f64(type, a.data, i);
		want = i ? fold_step(fold, want, value) : value;
	}
	void *arg[2] = { a.data, b.data };
	run_kernel(c, k, t, arg);
	double got = load_f64(type, b.data, 0);
	assert_true(isnan(want) ? isnan(got) : fabs(got - want) <= 1e-5 * fabs(want));
	fenced_free(&a);
	fenced_free(&b);
}

static void folds_on(Context *c, const Target *t)
{
	static const Op fold[] = { OP_fold_sum, OP_fold_prod, OP_fold_max, OP_fold_min };
	int lanes = target_lanes(t, 4);
	for (int i = 0; i < 4; i++)
		for (int64_t n = 1; n <= lanes; n += n < 3 ? 1 : lanes - 4 > 0 ? lanes - 4 : 1) {
			check_fold(c, t, fold[i], DT_f32, n, -1);
			check_fold(c, t, fold[i], DT_f32, n, (int)n);
			if (n <= target_lanes(t, 8) && fold[i] != OP_fold_prod) {
				check_fold(c, t, fold[i], DT_i64, n, -1);
				check_fold(c, t, fold[i], DT_f64, n, 0);
			}
			if (fold[i] != OP_fold_prod)
				check_fold(c, t, fold[i], DT_i32, n, -1);
		}
}

static void folds(void **state)
{
	(void)state;
	for_targets(folds_on);
}

/* --- loops, conditions, scratch -------------------------------------------------------------- */

/* out[r] = sum of x[r, c] for lo[r] <= c < hi[r]: bounds known when it runs, none of them, one,
 * many. */
static void ranges_on(Context *c, const Target *t)
{
	enum { ROWS = 6, COLUMNS = 9 };
	static const int64_t lo[ROWS] = { 0, 3, 5, 8, 9, 7 }, hi[ROWS] = { 9, 5, 5, 9, 9, 2 };
	int64_t dim[2] = { ROWS, COLUMNS };
	KBuilder *kb = start_kernel(c, t, "rows");
	int x = arg_strided(kb, DT_f32, 2, dim, 0), from = arg1(kb, DT_i64, ROWS);
	int to = arg1(kb, DT_i64, ROWS), out = arg1(kb, DT_f32, ROWS);
	Node *r = kb_axis(kb, "r", AX_LOOP, ROWS, 0), *i = kb_axis(kb, "i", AX_LOOP, COLUMNS, 0);
	Node *at[2] = { r, i };
	kb_open(kb, r);
	Node *sum = kb_var(kb, "sum", kb_f(kb, DT_f32, 0), 0);
	kb_open_range(kb, i, load1(kb, from, r), load1(kb, to, r));
	kb_set(kb, sum, kb_emit2(kb, OP_add, sum, kb_load_buf(kb, x, at)));
	kb_close(kb);
	store1(kb, out, r, sum);
	kb_close(kb);
	Kernel *k = kb_finish(kb);
	Fenced a = random_floats(ROWS * COLUMNS, 1);
	float got[ROWS];
	void *arg[4] = { a.data, (void *)(uintptr_t)lo, (void *)(uintptr_t)hi, got };
	run_kernel(c, k, t, arg);
	for (int row = 0; row < ROWS; row++) {
		double want = 0;
		for (int64_t j = lo[row]; j < hi[row]; j++)
			want += (double)floats(&a)[row * COLUMNS + j];
		near(got[row], want, 1);
	}
	fenced_free(&a);
}

static void ranges(void **state)
{
	(void)state;
	for_targets(ranges_on);
}

/* The largest of each row and how often it changed, by S_IF. */
static void conditions_on(Context *c, const Target *t)
{
	enum { N = 40 };
	KBuilder *kb = start_kernel(c, t, "rows");
	int x = arg1(kb, DT_f32, N), out = arg1(kb, DT_f32, 2);
	Node *best = kb_var(kb, "best", kb_f(kb, DT_f32, -100), 0);
	Node *count = kb_var(kb, "count", kb_f(kb, DT_f32, 0), 0);
	Node *i = kb_axis(kb, "i", AX_LOOP, N, 0);
	kb_open(kb, i);
	Node *value = load1(kb, x, i);
	kb_open_if(kb, kb_emit2(kb, OP_gt, value, best));
	kb_set(kb, best, value);
	kb_set(kb, count, kb_emit2(kb, OP_add, count, kb_f(kb, DT_f32, 1)));
	kb_close(kb);
	kb_close(kb);
	store1(kb, out, kb_i(kb, 0), best);
	store1(kb, out, kb_i(kb, 1), count);
	Kernel *k = kb_finish(kb);
	Fenced a = random_floats(N, 77);
	float got[2], want[2] = { -100, 0 };
	void *arg[2] = { a.data, got };
	run_kernel(c, k, t, arg);
	for (int j = 0; j < N; j++)
		if (floats(&a)[j] > want[0]) {
			want[0] = floats(&a)[j];
			want[1]++;
		}
	assert_true(got[0] == want[0] && got[1] == want[1]);
	fenced_free(&a);
}

static void conditions(void **state)
{
	(void)state;
	for_targets(conditions_on);
}

/* Fibonacci numbers: two carried variables; the second reads the first before it changes, by a
 * third. */
static void recurrence_on(Context *c, const Target *t)
{
	KBuilder *kb = start_kernel(c, t, "rows");
	int out = arg1(kb, DT_i64, 50);
	Node *x = kb_var(kb, "x", kb_i(kb, 0), 0), *y = kb_var(kb, "y", kb_i(kb, 1), 0);
	Node *i = kb_axis(kb, "i", AX_LOOP, 50, 0);
	kb_open(kb, i);
	store1(kb, out, i, x);
	Node *sum = kb_var(kb, "sum", kb_emit2(kb, OP_add, x, y), 0);
	kb_set(kb, x, y);
	kb_set(kb, y, sum);
	kb_close(kb);
	int64_t got[50], a = 0, b = 1;
	void *arg[1] = { got };
	run_kernel(c, kb_finish(kb), t, arg);
	for (int j = 0; j < 50; j++) {
		assert_int_equal(got[j], a);
		int64_t next = a + b;
		a = b;
		b = next;
	}
}

static void recurrence(void **state)
{
	(void)state;
	for_targets(recurrence_on);
}

/* The same element read before and after a store to it, and an expression of a variable before and
 * after it is set. */
static void changes_on(Context *c, const Target *t)
{
	KBuilder *kb = start_kernel(c, t, "rows");
	int out = arg1(kb, DT_f32, 4);
	int64_t dim[1] = { 3 };
	int scratch = kb_scratch(kb, "s", DT_f32, 1, dim, 0);
	Node *zero = kb_i(kb, 0), *element = load1(kb, scratch, zero);
	store1(kb, scratch, zero, kb_f(kb, DT_f32, 2));
	Node *twice = kb_emit2(kb, OP_add, element, element);
	store1(kb, out, zero, twice);
	store1(kb, scratch, zero, kb_f(kb, DT_f32, 5));
	store1(kb, out, kb_i(kb, 1), twice);
	Node *x = kb_var(kb, "x", kb_f(kb, DT_f32, 1), 0);
	Node *square = kb_emit2(kb, OP_mul, x, x);
	Node *cube = kb_emit2(kb, OP_mul, square, x);
	store1(kb, out, kb_i(kb, 2), cube);
	kb_set(kb, x, kb_f(kb, DT_f32, 3));
	store1(kb, out, kb_i(kb, 3), cube);
	float got[4];
	void *arg[1] = { got };
	run_kernel(c, kb_finish(kb), t, arg);
	assert_true(got[0] == 4 && got[1] == 10 && got[2] == 1 && got[3] == 27);
}

static void changes(void **state)
{
	(void)state;
	for_targets(changes_on);
}

/* Softmax of rows by way of scratch: maximum, exponentials, sum, quotient, each a loop of vectors.
 */
static void softmax_on(Context *c, const Target *t)
{
	enum { ROWS = 3 };
	int lanes = target_lanes(t, 4);
	int64_t n = 5 * lanes, dim[2] = { ROWS, n };
	KBuilder *kb = start_kernel(c, t, "rows");
	int in = arg_strided(kb, DT_f32, 2, dim, 0), out = arg_strided(kb, DT_f32, 2, dim, 0);
	int row = kb_scratch(kb, "row", DT_f32, 1, &n, 0);
	Node *r = kb_axis(kb, "r", AX_TASK, ROWS, 0), *i = kb_axis(kb, "i", AX_LOOP, 5, 0);
	Node *v = kb_axis(kb, "v", AX_VECTOR, lanes, lanes);
	Node *j = kb_iadd(kb, kb_imul(kb, i, lanes), v), *at[2] = { r, j };
	kb_open(kb, r);
	kb_open(kb, v);
	Node *most = kb_var(kb, "most", kb_f(kb, DT_f32, -INFINITY), v->axes);
	Node *sum = kb_var(kb, "sum", kb_f(kb, DT_f32, 0), v->axes);
	kb_close(kb);
	kb_open(kb, i);
	kb_open(kb, v);
	kb_set(kb, most, kb_emit2(kb, OP_max, most, kb_load_buf(kb, in, at)));
	kb_close(kb);
	kb_close(kb);
	Node *top = kb_var(kb, "top", kb_fold(kb, OP_fold_max, most, v->axes), 0);
	kb_open(kb, i);
	kb_open(kb, v);
	Node *x = kb_emit1(kb, OP_exp, kb_emit2(kb, OP_sub, kb_load_buf(kb, in, at), top));
	store1(kb, row, j, x);
	kb_set(kb, sum, kb_emit2(kb, OP_add, sum, x));
	kb_close(kb);
	kb_close(kb);
	Node *total = kb_var(kb, "total", kb_fold(kb, OP_fold_sum, sum, v->axes), 0);
	kb_open(kb, i);
	kb_open(kb, v);
	kb_store_buf(kb, out, at, kb_emit2(kb, OP_div, load1(kb, row, j), total));
	kb_close(kb);
	kb_close(kb);
	kb_close(kb);
	Fenced a = random_floats(ROWS * n, 21), b = random_floats(ROWS * n, 22);
	void *arg[2] = { a.data, b.data };
	run_kernel(c, kb_finish(kb), t, arg);
	for (int64_t k = 0; k < ROWS; k++) {
		double all = 0;
		for (int64_t q = 0; q < n; q++)
			all += exp((double)floats(&a)[k * n + q]);
		for (int64_t q = 0; q < n; q++)
			near(floats(&b)[k * n + q], exp((double)floats(&a)[k * n + q]) / all, 0.1);
	}
	fenced_free(&a);
	fenced_free(&b);
}

static void softmax(void **state)
{
	(void)state;
	for_targets(softmax_on);
}

/* --- the code itself ------------------------------------------------------------------------- */

static const char *code_text(Context *c, const Kernel *k, const Target *t, CodeForm form)
{
	ObjectCode out;
	bool ok = kernel_to_code(c, c->arena, k, t, "f", form, &out);
	if (!ok)
		print_diag(c);
	assert_true(ok);
	return out.data;
}

static int count(const char *text, const char *what)
{
	int n = 0;
	for (const char *at = text; (at = strstr(at, what)); at += strlen(what))
		n++;
	return n;
}

/* The tile of 14 rows by two vectors stays in registers: no vector goes to or comes from the stack.
 */
static void no_spills(void **state)
{
	(void)state;
	Context *c = context_create();
	static const Tile tile = { 14, 32, 768, 14, 0 };
	Target t;
	assert_true(target_find("x86-64-v4", &t));
	const char *text = code_text(c, product(c, &t, &tile, 16), &t, CODE_ASSEMBLY);
	assert_true(count(text, "vfmadd") >= 28);
	for (const char *line = text; line; line = strchr(line + 1, '\n')) {
		const char *end = strchr(line + 1, '\n'), *zmm = strstr(line, "zmm");
		const char *stack = strstr(line, "(%rsp");
		assert_false(end && zmm && stack && zmm < end && stack < end);
	}
	context_destroy(c);
}

static Kernel *sum_of_products(Context *c, const Target *t)
{
	KBuilder *kb = start_kernel(c, t, "map");
	int a = arg1(kb, DT_f32, 64), b = arg1(kb, DT_f32, 64), out = arg1(kb, DT_f32, 64);
	Node *i = kb_axis(kb, "i", AX_LOOP, 64 / target_lanes(t, 4), 0);
	Node *v = kb_axis(kb, "v", AX_VECTOR, target_lanes(t, 4), target_lanes(t, 4));
	kb_open(kb, i);
	kb_open(kb, v);
	Node *at = kb_iadd(kb, kb_imul(kb, i, target_lanes(t, 4)), v);
	Node *x = kb_emit2(kb, OP_mul, load1(kb, a, at), load1(kb, b, at));
	store1(kb, out, at, kb_emit2(kb, OP_add, x, load1(kb, out, at)));
	kb_close(kb);
	kb_close(kb);
	return kb_finish(kb);
}

static Kernel *divided(Context *c, const Target *t)
{
	KBuilder *kb = start_kernel(c, t, "map");
	int a = arg1(kb, DT_f32, 2);
	Node *at = kb_i(kb, 0), *y = load1(kb, a, kb_i(kb, 1));
	store1(kb, a, at, kb_emit2(kb, OP_div, load1(kb, a, at), y));
	return kb_finish(kb);
}

static void contraction(void **state)
{
	(void)state;
	Context *c = context_create();
	Target t;
	assert_true(target_find("x86-64-v3", &t));
	Kernel *k = sum_of_products(c, &t);
	assert_true(count(code_text(c, k, &t, CODE_IR), "call <8 x float> @llvm.fma") == 1);
	c->fp = FP_STRICT;
	assert_true(count(code_text(c, k, &t, CODE_IR), "@llvm.fma") == 0);
	assert_true(count(code_text(c, k, &t, CODE_IR), "fmul <") == 1);
	c->fp = FP_FAST;
	assert_true(count(code_text(c, divided(c, &t), &t, CODE_IR), "fdiv reassoc arcp") == 1);
	context_destroy(c);
}

/* min(max(x, 0), 6) keeps NaN, with one instruction each. */
static void clipping(void **state)
{
	(void)state;
	Context *c = context_create();
	Target t[3];
	float x[4] = { NAN, -1, 3, 9 }, y[4];
	void *arg[2] = { x, y };
	int n = host_targets(t);
	KBuilder *kb = start_kernel(c, &t[n - 1], "map");
	int in = arg1(kb, DT_f32, 4), out = arg1(kb, DT_f32, 4);
	Node *v = kb_axis(kb, "v", AX_VECTOR, 4, 4), *zero = kb_f(kb, DT_f32, 0);
	kb_open(kb, v);
	Node *value = kb_emit2(kb, OP_max, load1(kb, in, v), zero);
	store1(kb, out, v, kb_emit2(kb, OP_min, kb_f(kb, DT_f32, 6), value));
	kb_close(kb);
	Kernel *k = kb_finish(kb);
	run_kernel(c, k, &t[n - 1], arg);
	assert_true(isnan(y[0]) && y[1] == 0 && y[2] == 3 && y[3] == 6);
	const char *text = code_text(c, k, &t[n - 1], CODE_ASSEMBLY);
	assert_true(count(text, "maxps") == 1 && count(text, "minps") == 1);
	assert_true(count(text, "unord") == 0);
	context_destroy(c);
}

static void same_bytes_twice(void **state)
{
	(void)state;
	Context *c = context_create();
	Target t;
	ObjectCode x, y;
	assert_true(target_find("native", &t));
	Kernel *k = sum_of_products(c, &t);
	assert_true(kernel_to_object(c, c->arena, k, &t, "f", &x));
	assert_true(kernel_to_object(c, c->arena, k, &t, "f", &y));
	assert_true(x.bytes == y.bytes && memcmp(x.data, y.data, x.bytes) == 0);
	context_destroy(c);
}

static bool refused(Context *c, KBuilder *kb, const Target *t)
{
	ObjectCode out;
	int before = diag_errors(c->diag);
	bool ok = kernel_to_object(c, c->arena, kb_finish(kb), t, "f", &out);
	return !ok && diag_errors(c->diag) == before + 1;
}

/* Ill-formed kernels and unknown machines are reported, never a crash. */
static void refusals(void **state)
{
	(void)state;
	Context *c = context_create();
	Target t;
	assert_true(target_find("test", &t));
	KBuilder *kb = start_kernel(c, &t, "map");
	Node *v = kb_axis(kb, "v", AX_VECTOR, 4, 4);
	int buf = arg1(kb, DT_f32, 4);
	store1(kb, buf, v, kb_f(kb, DT_f32, 1)); /* the axis is not open */
	assert_true(refused(c, kb, &t));
	kb = start_kernel(c, &t, "map");
	v = kb_axis(kb, "v", AX_VECTOR, 4, 4);
	buf = arg1(kb, DT_f32, 4);
	Node *x = kb_var(kb, "x", kb_f(kb, DT_f32, 0), 0);
	kb_open(kb, v);
	kb_set(kb, x, load1(kb, buf, v)); /* a vector into a scalar */
	store1(kb, buf, kb_i(kb, 0), load1(kb, buf, v));
	kb_close(kb);
	assert_true(refused(c, kb, &t));
	Kernel *k = sum_of_products(c, &t);
	ObjectCode out;
	t.triple = "nowhere-unknown-none";
	assert_false(kernel_to_object(c, c->arena, k, &t, "f", &out));
	context_destroy(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(products),   cmocka_unit_test(task_range),
		cmocka_unit_test(folds),      cmocka_unit_test(ranges),
		cmocka_unit_test(conditions), cmocka_unit_test(recurrence),
		cmocka_unit_test(changes),    cmocka_unit_test(softmax),
		cmocka_unit_test(no_spills),  cmocka_unit_test(contraction),
		cmocka_unit_test(clipping),   cmocka_unit_test(same_bytes_twice),
		cmocka_unit_test(refusals),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
