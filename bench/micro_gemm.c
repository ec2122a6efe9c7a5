/* How near do generated product kernels come to the machine's multiply-add peak? Builds the plain
 * two-loop driver for several shapes (task: panels of two vectors of columns; blocks of as many
 * rows as registers hold; all of K), compiles it for the host, and prints the share of the peak
 * measured in the same run. Not a test: a disturbed host shows low numbers.
 *
 *     cc -O2 ... bench/micro_gemm.c -lburin_static ... ; ./micro_gemm */
#include "codegen/codegen.h"
#include "ir/kbuilder.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

enum { PANEL_VECTORS = 2, PEAK_ACCUMULATORS = 14 };

typedef struct Shape {
	int64_t m, n, k;
} Shape;

static double now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

typedef void Code3(void *, void *, void *, int64_t, int64_t, void *);
typedef void Code1(void *, int64_t, int64_t, void *);

/* --- kernels --------------------------------------------------------------------------------- */

static int buffer(KBuilder *kb, int rank, const int64_t *dim, int64_t row_stride)
{
	Storage s = { .align = 64 };
	const Type *t = type_get(kb_context(kb), DT_f32, rank, dim);
	type_strides(t, s.stride);
	if (row_stride)
		s.stride[0] = row_stride;
	return kb_arg(kb, t, &s);
}

typedef struct Product {
	KBuilder *kb;
	int a, b, c, lanes;
	int64_t k;
	Node *panel;
} Product;

/* One block of `rows` rows from `first` on: accumulators, the loop over K, stores. */
static void block(const Product *p, Node *first, int64_t rows)
{
	KBuilder *kb = p->kb;
	Node *i = kb_axis(kb, "i", AX_UNROLL, rows, 0);
	Node *j = kb_axis(kb, "j", AX_UNROLL, PANEL_VECTORS, 0);
	Node *v = kb_axis(kb, "v", AX_VECTOR, p->lanes, p->lanes);
	Node *k = kb_axis(kb, "k", AX_LOOP, p->k, 0);
	Node *row = kb_iadd(kb, first, i);
	Node *column = kb_iadd(kb, kb_imul(kb, j, p->lanes), v);
	Node *a_at[2] = { row, k }, *b_at[3] = { p->panel, k, column };
	Node *c_at[2] = { row,
			  kb_iadd(kb, kb_imul(kb, p->panel, PANEL_VECTORS * p->lanes), column) };
	Node *tile[3] = { i, j, v };
	for (int t = 0; t < 3; t++)
		kb_open(kb, tile[t]);
	Node *acc = kb_var(kb, "acc", kb_f(kb, DT_f32, 0), i->axes | j->axes | v->axes);
	for (int t = 0; t < 3; t++)
		kb_close(kb);
	kb_open(kb, k);
	for (int t = 0; t < 3; t++)
		kb_open(kb, tile[t]);
	kb_set(kb, acc, kb_fma(kb, kb_load_buf(kb, p->a, a_at), kb_load_buf(kb, p->b, b_at), acc));
	for (int t = 0; t < 4; t++)
		kb_close(kb);
	for (int t = 0; t < 3; t++)
		kb_open(kb, tile[t]);
	kb_store_buf(kb, p->c, c_at, acc);
	for (int t = 0; t < 3; t++)
		kb_close(kb);
}

/* Rows are split evenly: `many` blocks of `rows`, then blocks of one row less. */
static Kernel *product(Context *c, const Target *t, Shape s, int64_t lda)
{
	Product p = { .kb = kb_create(c, arena_create(), t, "matmul"),
		      .lanes = target_lanes(t, 4) };
	KBuilder *kb = p.kb;
	int64_t most = (t->vector_registers - PANEL_VECTORS - 1) / PANEL_VECTORS;
	int64_t panel = PANEL_VECTORS * p.lanes, parts = (s.m + most - 1) / most;
	int64_t rows = (s.m + parts - 1) / parts, many = s.m - parts * (rows - 1);
	int64_t a_dim[2] = { s.m, s.k }, b_dim[3] = { s.n / panel, s.k, panel };
	int64_t c_dim[2] = { s.m, s.n };
	p.k = s.k;
	p.a = buffer(kb, 2, a_dim, lda);
	p.b = buffer(kb, 3, b_dim, 0);
	p.c = buffer(kb, 2, c_dim, s.n % 1024 == 0 ? s.n + 16 : s.n);
	p.panel = kb_axis(kb, "p", AX_TASK, s.n / panel, 0);
	kb_open(kb, p.panel);
	Node *q = kb_axis(kb, "q", AX_LOOP, many, 0);
	kb_open(kb, q);
	block(&p, kb_imul(kb, q, rows), rows);
	kb_close(kb);
	if (many < parts) {
		Node *r = kb_axis(kb, "r", AX_LOOP, parts - many, 0);
		kb_open(kb, r);
		block(&p, kb_affine(kb, r, rows - 1, many * rows), rows - 1);
		kb_close(kb);
	}
	kb_close(kb);
	return kb_finish(kb);
}

/* Multiply-adds on registers alone. */
static Kernel *peak_kernel(Context *c, const Target *t)
{
	KBuilder *kb = kb_create(c, arena_create(), t, "matmul");
	int lanes = target_lanes(t, 4);
	int64_t dim[2] = { PEAK_ACCUMULATORS, lanes };
	int out = buffer(kb, 2, dim, 0);
	Node *task = kb_axis(kb, "n", AX_TASK, 1 << 20, 0);
	Node *u = kb_axis(kb, "u", AX_UNROLL, PEAK_ACCUMULATORS, 0);
	Node *v = kb_axis(kb, "v", AX_VECTOR, lanes, lanes);
	Node *at[2] = { u, v };
	kb_open(kb, u);
	kb_open(kb, v);
	Node *x = kb_load_buf(kb, out, at);
	Node *acc = kb_var(kb, "acc", x, u->axes | v->axes);
	kb_close(kb);
	kb_close(kb);
	kb_open(kb, v);
	Node *zero_at[2] = { kb_i(kb, 0), v };
	Node *m = kb_var(kb, "m", kb_load_buf(kb, out, zero_at), v->axes);
	kb_close(kb);
	kb_open(kb, task);
	kb_open(kb, u);
	kb_open(kb, v);
	kb_set(kb, acc, kb_fma(kb, m, m, acc));
	kb_close(kb);
	kb_close(kb);
	kb_close(kb);
	kb_open(kb, u);
	kb_open(kb, v);
	kb_store_buf(kb, out, at, acc);
	kb_close(kb);
	kb_close(kb);
	return kb_finish(kb);
}

/* --- measurements ---------------------------------------------------------------------------- */

static void fail(Context *c)
{
	Str s;
	str_init(&s, c->arena);
	diag_print(c->diag, &s, 20, false);
	fputs(str_text(&s), stderr);
	exit(1);
}

static float *numbers(int64_t n)
{
	const size_t page = (size_t)2 << 20; /* as the runtime places weights and workspace */
	size_t bytes = ((size_t)n * sizeof(float) + page) / page * page;
	float *p = aligned_alloc(page, bytes);
	madvise(p, bytes, MADV_HUGEPAGE);
	for (int64_t i = 0; i < n; i++)
		p[i] = (float)(i * 7919 % 1000) * 1e-3f - 0.5f;
	return p;
}

/* GFLOP/s, best of a few */
static double measure_peak(Code1 *run, int lanes)
{
	float *out = numbers(PEAK_ACCUMULATORS * lanes);
	double best = 0;
	memset(out, 0, sizeof *out * (size_t)(PEAK_ACCUMULATORS * lanes));
	for (int i = 0; i < 10; i++) {
		double start = now();
		run(out, 0, 1 << 20, NULL);
		double rate = 2e-9 * PEAK_ACCUMULATORS * lanes * (1 << 20) / (now() - start);
		best = rate > best ? rate : best;
	}
	free(out);
	return best;
}

static void check(const Shape s, const float *a, int64_t lda, const float *b, const float *c,
		  int64_t panel)
{
	int64_t ldc = s.n % 1024 == 0 ? s.n + 16 : s.n;
	for (int64_t t = 0; t < 200; t++) {
		int64_t i = t * 37 % s.m, j = t * 101 % s.n;
		double sum = 0;
		for (int64_t k = 0; k < s.k; k++)
			sum += (double)a[i * lda + k] *
			       (double)b[(j / panel * s.k + k) * panel + j % panel];
		double d = sum - (double)c[i * ldc + j];
		if (d > 1e-3 || d < -1e-3) {
			fprintf(stderr, "wrong at %ld %ld: %g instead of %g\n", (long)i, (long)j,
				(double)c[i * ldc + j], sum);
			exit(1);
		}
	}
}

static void report(Context *ctx, const Target *t, Shape s, Code1 *peak_code)
{
	int64_t lda = s.k + 16, panel = PANEL_VECTORS * target_lanes(t, 4);
	Kernel *k = product(ctx, t, s, lda);
	double start = now();
	JitProgram *j = jit_kernel(ctx, k, t);
	double compile = now() - start;
	Code3 *run = j ? (Code3 *)jit_symbol(j, k->name) : NULL;
	if (!run)
		fail(ctx);
	float *a = numbers(s.m * lda), *b = numbers(s.n * s.k), *c = numbers(s.m * (s.n + 16));
	run(a, b, c, 0, k->n_tasks, NULL);
	check(s, a, lda, b, c, panel);
	double best = 1e9, flops = 2.0 * (double)(s.m * s.n * s.k), peak = 0;
	for (int round = 0; round < 5; round++) {
		double p = measure_peak(peak_code, target_lanes(t, 4));
		peak = p > peak ? p : peak;
		for (int i = 0; i < 12; i++) {
			start = now();
			run(a, b, c, 0, k->n_tasks, NULL);
			double seconds = now() - start;
			best = seconds < best ? seconds : best;
		}
	}
	printf("%5ld x%5ld x%5ld  %7.1f GFLOP/s of %7.1f  %5.1f %%  compiled in %4.1f ms\n",
	       (long)s.m, (long)s.n, (long)s.k, flops / best * 1e-9, peak,
	       100e-9 * flops / best / peak, compile * 1e3);
	free(a);
	free(b);
	free(c);
	jit_destroy(j);
}

int main(int argc, char **argv)
{
	static const Shape shapes[] = { { 128, 768, 768 },  { 128, 3072, 768 }, { 128, 768, 3072 },
					{ 196, 256, 1024 }, { 197, 768, 768 },  { 32, 768, 768 },
					{ 3136, 64, 256 },  { 784, 512, 128 },  { 49, 2048, 512 } };
	Context *c = context_create();
	Target t;
	if (!target_find(argc > 1 ? argv[1] : "native", &t))
		return 1;
	Kernel *k = peak_kernel(c, &t);
	JitProgram *j = jit_kernel(c, k, &t);
	Code1 *peak = j ? (Code1 *)jit_symbol(j, k->name) : NULL;
	if (!peak)
		fail(c);
	if (argc > 2) { /* the assembly of the first shape, to look at */
		ObjectCode text;
		kernel_to_code(c, c->arena, product(c, &t, shapes[0], shapes[0].k + 16), &t,
			       "matmul", argv[2][0] == 'l' ? CODE_IR : CODE_ASSEMBLY, &text);
		fputs(text.data, stdout);
		return 0;
	}
	for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++)
		report(c, &t, shapes[i], peak);
	jit_destroy(j);
	context_destroy(c);
	return 0;
}
