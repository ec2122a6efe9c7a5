/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Matrix product, convolution and its weight gradient on GPUs: one block of threads makes one tile
 * of the result (gpu_tile.h).
 *
 * All three are c[rows][cols] = sum over k of a[row][k] b[k][col]:
 *               rows                  cols               k
 *   matmul      rows of x             columns of w       as it says
 *   conv        pixels of all images  output channels    tap, input channel
 *   conv_dw     tap, input channel    output channels    pixels of all images
 * and differ in where an element is read: nothing is copied into a matrix first (implicit GEMM).
 * What lies outside reads as zero: an image's border, the rest of a last tile, the end of k.
 * While the threads multiply one step of k, the next one is on its way from memory to registers.
 *
 * Where the result has too few tiles for all multiprocessors and k is long, k is cut into parts of
 * a block each: they leave their sums in memory, and a second kernel adds them, in order, and
 * computes what follows. How many parts depends on the shape and the target alone. */
#include "ir/ops/util.h"
#include "passes/template/gpu_tile.h"
#include "passes/template/template.h"

typedef struct GpuContract {
	Lowering *l;
	KBuilder *kb;
	GpuTile t;
	const Node *anchor, *root, *x, *w;
	int n_outer; /* leading dimensions of the result of which a block has one index: a batch */
	const Type *lead; /* those that are rows */
	int64_t outer, rows, cols, k;
	int64_t parts, steps; /* of k; steps of the tile's depth in one part */
	int sums;             /* argument that the parts' sums go to, or -1 */
	Node *part;
	bool flat;                  /* rows run through the last of them beyond its size */
	const Type *taps;           /* conv, conv_dw: [KH,KW,C] */
	const Type *image;          /* conv_dw: [N,OH,OW], pixels of dy */
	Node *batch, *at[MAX_RANK]; /* flat, and of each dimension */
	Node *row0, *col0;          /* first of the tile */
	bool x_along, w_along;      /* neighbours in memory are neighbours in k */
} GpuContract;

/* --- what is read ---------------------------------------------------------------------------- */

static Node *zero(GpuContract *z)
{
	return kb_f(z->kb, z->t.type, 0);
}

static Node *both(KBuilder *kb, Node *x, Node *y)
{
	return kb_emit2(kb, OP_and, x, y);
}

static Node *below(KBuilder *kb, Node *x, int64_t n)
{
	return kb_emit2(kb, OP_lt, x, kb_i(kb, n));
}

static Node *within(KBuilder *kb, Node *x, int64_t n)
{
	return both(kb, kb_emit2(kb, OP_ge, x, kb_i(kb, 0)), below(kb, x, n));
}

/* The image's element that output pixel p[3] meets at tap[3], or zero. */
static Node *pixel(GpuContract *z, Node *inside, Node *const *p, Node *const *tap)
{
	KBuilder *kb = z->kb;
	const Attr_conv *a = ATTR_OF(z->anchor, conv);
	const Type *t = z->x->type;
	Node *at[4] = { p[0], NULL, NULL, tap[2] };
	for (int d = 0; d < 2; d++) {
		at[d + 1] = kb_iadd(kb, kb_affine(kb, p[d + 1], a->stride.v[d], -a->pad.v[d]),
				    kb_imul(kb, tap[d], a->dilation.v[d]));
		inside = both(kb, inside, within(kb, at[d + 1], t->dim[d + 1]));
	}
	return kb_guard(kb, inside, kb_read(kb, z->x, at), zero(z));
}

/* The rows' dimensions of row `row`. */
static void spread_row(GpuContract *z, Node *row, Node **at)
{
	if (!z->flat) {
		kb_unflat(z->kb, z->lead, row, at);
		return;
	}
	for (int i = 0; i < z->lead->rank; i++)
		at[i] = i == z->lead->rank - 1 ? row : kb_i(z->kb, 0);
}

static Node *read_matmul_x(GpuContract *z, Node *inside, Node *row, Node *k)
{
	KBuilder *kb = z->kb;
	Node *at[MAX_RANK];
	int n = z->n_outer;
	for (int i = 0; i < n; i++)
		at[i] = z->at[i];
	spread_row(z, row, at + n);
	n += z->lead->rank;
	at[n] = k;
	if (ATTR_OF(z->anchor, matmul)->trans_x) {
		at[n] = at[n - 1];
		at[n - 1] = k;
	}
	return kb_guard(kb, inside, kb_read(kb, z->x, at), zero(z));
}

static Node *read_a(KBuilder *kb, Node *line, Node *k, void *user)
{
	GpuContract *z = user;
	Node *row = kb_iadd(kb, z->row0, line), *p[3], *tap[3];
	Node *inside = both(kb, below(kb, row, z->rows), below(kb, k, z->k));
	if (z->anchor->op == OP_matmul)
		return read_matmul_x(z, inside, row, k);
	if (z->anchor->op == OP_conv && z->flat) { /* one tap, every pixel: a product */
		Node *at[4];
		spread_row(z, row, at);
		at[3] = k;
		return kb_guard(kb, inside, kb_read(kb, z->x, at), zero(z));
	}
	if (z->anchor->op == OP_conv) {
		kb_unflat(kb, z->lead, row, p);
		kb_unflat(kb, z->taps, k, tap);
	} else {
		kb_unflat(kb, z->image, k, p);
		kb_unflat(kb, z->taps, row, tap);
	}
	return pixel(z, inside, p, tap);
}

static Node *read_b(KBuilder *kb, Node *line, Node *k, void *user)
{
	GpuContract *z = user;
	Node *col = kb_iadd(kb, z->col0, line), *at[MAX_RANK];
	const Type *t = z->w->type;
	int64_t panel = z->anchor->op == OP_matmul ? ATTR_OF(z->anchor, matmul)->panel
			: z->anchor->op == OP_conv ? ATTR_OF(z->anchor, conv)->panel
						   : 0;
	Node *inside = below(kb, k, z->k);
	int n = t->rank;
	if (panel) { /* filled up with zeros */
		at[0] = kb_idiv(kb, col, panel);
		at[1] = k;
		at[2] = kb_imod(kb, col, panel);
		inside = both(kb, inside, below(kb, at[0], t->dim[0]));
		return kb_guard(kb, inside, kb_read(kb, z->w, at), zero(z));
	}
	inside = both(kb, inside, below(kb, col, z->cols));
	at[n - 1] = col;
	if (z->anchor->op == OP_matmul) {
		for (int i = 0; i < z->n_outer; i++)
			at[i] = z->at[i];
		at[n - 2] = k;
		if (z->w_along) {
			at[n - 2] = col;
			at[n - 1] = k;
		}
	} else {
		kb_unflat(kb, z->anchor->op == OP_conv ? z->taps : z->image, k, at);
	}
	return kb_guard(kb, inside, kb_read(kb, z->w, at), zero(z));
}

/* --- the shape ------------------------------------------------------------------------------- */

static void shape_rows(GpuContract *z)
{
	const Type *t = z->root->type;
	int rank = t->rank - 1 - z->n_outer;
	z->lead = type_get(z->l->p->ctx, DT_i64, rank, t->dim + z->n_outer);
	z->rows = z->lead->count;
	z->cols = t->dim[t->rank - 1];
	z->outer = 1;
	for (int i = 0; i < z->n_outer; i++)
		z->outer *= t->dim[i];
}

static void shape_matmul(GpuContract *z)
{
	const Attr_matmul *a = ATTR_OF(z->anchor, matmul);
	const Type *x = z->x->type;
	bool shared = a->panel != 0; /* the same weights for the whole batch */
	z->n_outer = shared && !a->trans_x ? 0 : x->rank - 2;
	z->k = x->dim[x->rank - (a->trans_x ? 2 : 1)];
	z->flat = z->l->flat && z->n_outer == 0;
	z->x_along = !a->trans_x;
	z->w_along = a->trans_w && !a->panel;
	shape_rows(z);
}

/* An image read as it comes, [N,C,H,W], has neighbouring pixels side by side, not channels. */
static bool channels_adjacent(const GpuContract *z)
{
	int perm[MAX_RANK];
	if (z->x->op != OP_transpose || z->l->m->of[z->x->id].buffer >= 0)
		return true;
	transpose_perm(z->x, perm);
	return perm[3] == 3;
}

static void shape_conv(GpuContract *z)
{
	const Attr_conv *a = ATTR_OF(z->anchor, conv);
	bool packed = a->panel != 0 || z->anchor->op == OP_conv_dw;
	const Type *w = z->w->type;
	int64_t taps[3] = { packed ? a->kernel.v[0] : w->dim[0],
			    packed ? a->kernel.v[1] : w->dim[1], z->x->type->dim[3] };
	z->taps = type_get(z->l->p->ctx, DT_i64, 3, taps);
	shape_rows(z);
	z->k = z->taps->count;
	z->x_along = channels_adjacent(z);
	if (z->anchor->op == OP_conv_dw) {
		z->image = type_get(z->l->p->ctx, DT_i64, 3, w->dim);
		z->k = z->image->count;
		z->x_along = !z->x_along;
		return;
	}
	z->flat = z->l->flat && taps[0] * taps[1] == 1 && a->stride.v[0] * a->stride.v[1] == 1 &&
		  z->root->type->count == z->x->type->count / (taps[2] ? taps[2] : 1) * z->cols;
}

/* Tiles to choose from: big ones read the operands less often, small ones occupy more
 * multiprocessors and waste less at the edges; flat ones are for few rows. */
static const GpuShape by_threads[] = { { 16, 8, 8 }, { 16, 8, 4 }, { 16, 4, 8 }, { 16, 4, 4 },
				       { 16, 2, 4 }, { 16, 4, 2 }, { 16, 2, 2 }, { 16, 1, 4 },
				       { 16, 1, 2 }, { 4, 4, 1 },  { 4, 1, 1 },  { 1, 1, 1 } };
static const GpuShape by_warps[] = { { 2, 4, 8 }, { 2, 4, 4 }, { 2, 4, 2 }, { 2, 2, 4 },
				     { 2, 2, 2 }, { 2, 2, 1 }, { 2, 1, 2 }, { 2, 1, 1 },
				     { 1, 1, 2 }, { 1, 1, 1 } };

static int64_t divide_up(int64_t n, int64_t by)
{
	return (n + by - 1) / by;
}

enum { MOST_PARTS = 64, LEAST_STEPS = 4 };

static int64_t blocks_of(const GpuContract *z, const GpuTile *t)
{
	return z->outer * divide_up(z->rows, t->rows) * divide_up(z->cols, t->cols);
}

/* Cuts k into as many parts as occupy all multiprocessors; or not. */
static void cut_k(GpuContract *z, bool cut)
{
	int64_t all = divide_up(z->k, z->t.depth), blocks = blocks_of(z, &z->t);
	int64_t n = cut && blocks ? kb_target(z->kb)->cores / blocks : 1;
	n = n > all / LEAST_STEPS ? all / LEAST_STEPS : n;
	n = n > MOST_PARTS ? MOST_PARTS : n;
	z->steps = divide_up(all, n < 1 ? 1 : n);
	z->parts = z->steps ? divide_up(all, z->steps) : 1;
}

/* What a float to or from memory costs, by one multiprocessor of all, and another kernel, in
 * multiply-adds of all threads of a block. */
#define MEMORY_COST 0.1
#define KERNEL_COST 2000.0

/* How long the product takes with its tile, in multiply-adds of one thread: rounds of blocks over
 * the multiprocessors, each of which multiplies and reads its operands; and the parts' sums. */
static double cost(const GpuContract *z)
{
	const GpuShape *s = &z->t.shape;
	double cores = kb_target(z->kb)->cores, blocks = (double)(blocks_of(z, &z->t) * z->parts);
	double rounds = blocks / cores, sums = (double)(z->outer * z->rows * z->cols * z->parts);
	double each = s->tm * s->tn + 1.0 * (s->tm + s->tn) + 1;
	double time = (rounds < 1 ? 1 : rounds) * each * (double)(z->steps * z->t.depth);
	return z->parts > 1 ? time + 2 * MEMORY_COST * sums / cores + KERNEL_COST : time;
}

static void choose_tile(GpuContract *z, int threads)
{
	const GpuShape *menu = z->t.mma ? by_warps : by_threads;
	size_t n = z->t.mma ? sizeof by_warps / sizeof *by_warps
			    : sizeof by_threads / sizeof *by_threads;
	GpuContract best = *z;
	for (size_t i = 0; i < 2 * n; i++) {
		z->t.shape = menu[i / 2];
		gpu_tile_sizes(&z->t, threads);
		cut_k(z, i % 2);
		if (i == 0 || cost(z) < cost(&best))
			best = *z;
	}
	*z = best;
}

/* --- one tile -------------------------------------------------------------------------------- */

static void write_element(GpuTile *t, Node *row, Node *col, Node *acc, void *user)
{
	GpuContract *z = user;
	KBuilder *kb = z->kb;
	Node *at[MAX_RANK];
	row = kb_iadd(kb, z->row0, row);
	col = kb_iadd(kb, z->col0, col);
	Node *inside = both(kb, below(kb, row, z->rows), below(kb, col, z->cols));
	bool edge = inside->op != OP_const;
	(void)t;
	if (edge)
		kb_open_if(kb, inside);
	for (int i = 0; i < z->n_outer; i++)
		at[i] = z->at[i];
	spread_row(z, row, at + z->n_outer);
	at[z->root->type->rank - 1] = col;
	kb_bind(kb, z->anchor, at, acc);
	store_outputs(z->l, at);
	if (edge)
		kb_close(kb);
}

/* The sum of one part of k. */
static void write_part(GpuTile *t, Node *row, Node *col, Node *acc, void *user)
{
	GpuContract *z = user;
	KBuilder *kb = z->kb;
	Node *at[4] = { z->part, z->batch, kb_iadd(kb, z->row0, row), kb_iadd(kb, z->col0, col) };
	Node *inside = both(kb, below(kb, at[2], z->rows), below(kb, at[3], z->cols));
	bool edge = inside->op != OP_const;
	(void)t;
	if (edge)
		kb_open_if(kb, inside);
	kb_store_buf(kb, z->sums, at, acc);
	if (edge)
		kb_close(kb);
}

static void run_tile(GpuContract *z)
{
	KBuilder *kb = z->kb;
	GpuTile *t = &z->t;
	int64_t n = z->steps, part = n * t->depth;
	GpuOperand a = { t, 0, t->rows, t->depth, z->x_along, read_a, z, NULL, NULL };
	GpuOperand b = { t, 0, t->cols, t->depth, z->w_along, read_b, z, NULL, NULL };
	Node *k0 = kb_imul(kb, z->part, part);
	gpu_tile_clear(t);
	if (n > 0) {
		a.buf = gpu_operand_scratch(t, "a", t->rows, t->depth);
		b.buf = gpu_operand_scratch(t, "b", t->cols, t->depth);
		gpu_operand_start(&a);
		gpu_operand_start(&b);
		gpu_load(&a, k0);
		gpu_load(&b, k0);
		Node *s = kb_axis(kb, "s", AX_LOOP, n, 0);
		if (n > 1)
			kb_open(kb, s);
		gpu_keep(&a);
		gpu_keep(&b);
		kb_barrier(kb);
		if (n > 1) {
			Node *next = kb_iadd(kb, k0, kb_affine(kb, s, t->depth, t->depth));
			gpu_load(&a, next);
			gpu_load(&b, next);
		}
		gpu_multiply(t, a.buf, b.buf, t->depth);
		if (n > 1) {
			kb_barrier(kb);
			kb_close(kb);
		}
	}
	gpu_tile_each(t, z->sums >= 0 ? write_part : write_element, z);
}

enum { DEPTH = 16, DEPTH_OF_WARPS = 32 };

static GpuContract describe(Lowering *l)
{
	GpuContract z = { .l = l, .kb = l->kb, .anchor = l->group->anchor, .sums = -1 };
	z.root = l->group->output.at[0];
	z.x = z.anchor->in[0];
	z.w = z.anchor->in[1];
	z.t = (GpuTile){ .kb = l->kb, .type = z.anchor->type->dtype };
	z.t.mma = gpu_narrow_products(l);
	z.t.depth = z.t.mma ? DEPTH_OF_WARPS : DEPTH;
	if (z.anchor->op == OP_matmul)
		shape_matmul(&z);
	else
		shape_conv(&z);
	choose_tile(&z, target_lanes(kb_target(z.kb), 4));
	return z;
}

void template_gpu_contract(Lowering *l, const Storage *sums)
{
	KBuilder *kb = l->kb;
	GpuContract z = describe(l);
	int64_t down = divide_up(z.rows, z.t.rows), across = divide_up(z.cols, z.t.cols);
	Node *task = kb_axis(kb, "t", AX_TASK, z.parts * z.outer * down * across, 0);
	kb_open(kb, task);
	gpu_tile_start(&z.t, target_lanes(kb_target(kb), 4));
	Node *rest = kb_idiv(kb, task, across);
	z.col0 = kb_imul(kb, kb_imod(kb, task, across), z.t.cols);
	z.row0 = kb_imul(kb, kb_imod(kb, rest, down), z.t.rows);
	rest = kb_idiv(kb, rest, down);
	z.batch = kb_imod(kb, rest, z.outer);
	z.part = z.parts > 1 ? kb_idiv(kb, rest, z.outer) : kb_i(kb, 0);
	kb_unflat(kb, type_get(l->p->ctx, DT_i64, z.n_outer, z.root->type->dim), z.batch, z.at);
	if (sums)
		z.sums = kb_arg(kb, gpu_contract_sums(l), sums);
	run_tile(&z);
	kb_close(kb);
	kb_kernel(kb)->flops =
		2.0 * (double)z.outer * (double)z.rows * (double)z.cols * (double)z.k;
}

const Type *gpu_contract_sums(Lowering *l)
{
	GpuContract z = describe(l);
	int64_t dim[4] = { z.parts, z.outer, z.rows, z.cols };
	return z.parts > 1 ? type_get(l->p->ctx, z.t.type, 4, dim) : NULL;
}
