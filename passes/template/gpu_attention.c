/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Fused attention on GPUs: softmax(scale q k^T + mask) v without the scores in memory.
 *
 * A block of threads has some queries of one head and goes over the keys, a tile of them at a time:
 * scores in registers, their exponentials to shared memory, and the product with the tile's values
 * added to sums that stay in registers to the end. The softmax runs along: each row has the maximum
 * of the scores so far; when it grows, sum and results so far shrink by the difference's
 * exponential. What a causal mask hides from all queries of the block is never computed.
 *
 * Heads wider than a step of the reduction are multiplied in steps; results wider than a tile are
 * other blocks' affair, which compute the scores again.
 *
 * By warps (gpu_tile.h) both products round their factors to bf16; scores, exponentials and sums
 * stay in f32. */
#include "passes/template/attend.h"
#include "passes/template/gpu_tile.h"
#include <math.h>

typedef struct GpuAttend {
	Lowering *l;
	KBuilder *kb;
	AttendOp o;
	GpuTile qk;          /* scores: queries x keys */
	GpuTile out;         /* results: queries x value columns */
	int64_t step, steps; /* of the head size */
	int probs, part;     /* scratch: exponentials, an operand of `out`; a number by sharer and
				row */
	Node *at[MAX_RANK];
	Node *q0, *k0, *e0; /* first query, key and column of the tiles */
	Node *max, *sum;    /* by row: so far; the thread's part of the sum */
	Node *shift;        /* by row: subtracted from scores */
	Node *low;          /* by warps: the first of a pair of exponentials */
} GpuAttend;

/* --- operands -------------------------------------------------------------------------------- */

static Node *below(const GpuAttend *z, Node *x, int64_t n)
{
	return kb_emit2(z->kb, OP_lt, x, kb_i(z->kb, n));
}

/* n[batch, head, row, col], zero outside of rows x cols. */
static Node *read_inside(const GpuAttend *z, const Node *n, Node *row, Node *col, int64_t rows,
			 int64_t cols)
{
	KBuilder *kb = z->kb;
	Node *inside = kb_emit2(kb, OP_and, below(z, row, rows), below(z, col, cols));
	return kb_guard(kb, inside, attend_read(&z->o, n, z->at, row, col),
			attend_number(&z->o, 0));
}

static Node *read_q(KBuilder *kb, Node *line, Node *k, void *user)
{
	const GpuAttend *z = user;
	return read_inside(z, z->o.q, kb_iadd(kb, z->q0, line), k, z->o.s, z->o.d);
}

static Node *read_k(KBuilder *kb, Node *line, Node *k, void *user)
{
	const GpuAttend *z = user;
	return read_inside(z, z->o.k, kb_iadd(kb, z->k0, line), k, z->o.t, z->o.d);
}

static Node *read_v(KBuilder *kb, Node *line, Node *k, void *user)
{
	const GpuAttend *z = user;
	return read_inside(z, z->o.v, k, kb_iadd(kb, z->e0, line), z->o.t, z->o.e);
}

static GpuOperand operand(GpuTile *t, const char *name, int64_t lines, int64_t depth, bool along,
			  GpuRead *read, GpuAttend *z)
{
	GpuOperand o = { .t = t, .lines = lines, .depth = depth, .along = along, .read = read };
	o.user = z;
	o.buf = gpu_operand_scratch(t, name, lines, depth);
	return o;
}

/* --- scores ---------------------------------------------------------------------------------- */

/* The score of a query and a key from their product; -inf where it does not count. */
static Node *score(const GpuAttend *z, Node *product, Node *row, Node *key)
{
	KBuilder *kb = z->kb;
	Node *x = attend_score(&z->o, z->at, product, row, key);
	Node *counts = kb_emit2(kb, OP_and, below(z, row, z->o.s), below(z, key, z->o.t));
	Node *sees = attend_sees(&z->o, row, key);
	if (sees)
		counts = kb_emit2(kb, OP_and, counts, sees);
	return kb_guard(kb, counts, x, attend_number(&z->o, -INFINITY));
}

static void make_score(GpuTile *t, Node *row, Node *col, Node *acc, void *user)
{
	GpuAttend *z = user;
	(void)t;
	kb_set(z->kb, acc, score(z, acc, kb_iadd(z->kb, z->q0, row), kb_iadd(z->kb, z->k0, col)));
}

/* The products of the block's queries with the keys from k0 on. */
static void multiply_keys(GpuAttend *z, GpuOperand *q, GpuOperand *k)
{
	KBuilder *kb = z->kb;
	Node *c = kb_axis(kb, "c", AX_LOOP, z->steps, 0), *d0 = kb_i(kb, 0);
	gpu_tile_clear(&z->qk);
	if (z->steps > 1) {
		kb_open(kb, c);
		d0 = kb_imul(kb, c, z->step);
		gpu_load(q, d0);
		gpu_keep(q);
	}
	gpu_load(k, d0);
	gpu_keep(k);
	kb_barrier(kb);
	gpu_multiply(&z->qk, q->buf, k->buf, z->step);
	if (z->steps > 1) {
		kb_barrier(kb);
		kb_close(kb);
	}
	gpu_tile_each(&z->qk, make_score, z);
}

/* --- softmax --------------------------------------------------------------------------------- */

static Node *part_at(const GpuAttend *z, Node *unit, Node *row)
{
	Node *at[2] = { unit, row };
	return kb_load_buf(z->kb, z->part, at);
}

/* A number of each row, from all threads that have elements of it: put down, */
static void share_part(GpuAttend *z, Node *value)
{
	Node *at[2] = { gpu_sharer(&z->qk), gpu_row(&z->qk) };
	gpu_open_rows(&z->qk);
	kb_store_buf(z->kb, z->part, at, value);
	gpu_close_rows(&z->qk);
	kb_barrier(z->kb);
}

/* and combined into var. */
static void combine_parts(GpuAttend *z, Node *var, Op op)
{
	KBuilder *kb = z->kb;
	Node *u = kb_axis(kb, "u", AX_LOOP, gpu_sharers(&z->qk), 0);
	kb_open(kb, u);
	gpu_open_rows(&z->qk);
	kb_set(kb, var, kb_emit2(kb, op, var, part_at(z, u, gpu_row(&z->qk))));
	gpu_close_rows(&z->qk);
	kb_close(kb);
}

static Node *row_var(GpuAttend *z, const char *name, Node *value)
{
	gpu_open_rows(&z->qk);
	Node *x = kb_var(z->kb, name, value, z->qk.i->axes | z->qk.r->axes | z->qk.v->axes);
	gpu_close_rows(&z->qk);
	return x;
}

static void set_rows(GpuAttend *z, Node *var, Node *value)
{
	gpu_open_rows(&z->qk);
	kb_set(z->kb, var, value);
	gpu_close_rows(&z->qk);
}

/* Two neighbours of a row are a word: the first waits in a register for the second. */
static void keep_pair(GpuAttend *z, Node *row, Node *col, Node *x)
{
	KBuilder *kb = z->kb;
	Node *second = kb_imod(kb, z->qk.r, 2), *at[2] = { row, kb_idiv(kb, col, 2) };
	kb_open_if(kb, kb_emit2(kb, OP_eq, second, kb_i(kb, 0)));
	kb_set(kb, z->low, x);
	kb_close(kb);
	kb_open_if(kb, kb_emit2(kb, OP_eq, second, kb_i(kb, 1)));
	kb_store_buf(kb, z->probs, at, kb_pack_bf16(kb, z->low, x));
	kb_close(kb);
}

static void make_probability(GpuTile *t, Node *row, Node *col, Node *acc, void *user)
{
	GpuAttend *z = user;
	KBuilder *kb = z->kb;
	Node *at[2] = { col, row };
	kb_set(kb, acc, kb_emit1(kb, OP_exp, kb_emit2(kb, OP_sub, acc, z->shift)));
	if (t->mma)
		keep_pair(z, row, col, acc);
	else
		kb_store_buf(kb, z->probs, at, acc);
	kb_set(kb, z->sum, kb_emit2(kb, OP_add, z->sum, acc));
}

static void largest_of_row(GpuTile *t, Node *row, Node *col, Node *acc, void *user)
{
	Node *const *max = user;
	(void)row, (void)col;
	kb_set(t->kb, *max, kb_emit2(t->kb, OP_max, *max, acc));
}

static void shrink(GpuTile *t, Node *row, Node *col, Node *acc, void *user)
{
	Node *const *by = user;
	(void)row, (void)col;
	kb_set(t->kb, acc, kb_emit2(t->kb, OP_mul, acc, *by));
}

/* Scores in registers to exponentials in scratch; sums and results so far to the new maximum. A row
 * without any score yet has the maximum -inf, from which nothing can be subtracted. */
static void soften(GpuAttend *z)
{
	KBuilder *kb = z->kb;
	Node *own = row_var(z, "own", attend_number(&z->o, -INFINITY));
	gpu_tile_each(&z->qk, largest_of_row, &own);
	share_part(z, own);
	Node *was = row_var(z, "was", z->max);
	combine_parts(z, z->max, OP_max);
	Node *none = kb_emit2(kb, OP_eq, z->max, attend_number(&z->o, -INFINITY));
	z->shift =
		row_var(z, "shift", kb_emit3(kb, OP_select, none, attend_number(&z->o, 0), z->max));
	Node *less = kb_emit1(kb, OP_exp, kb_emit2(kb, OP_sub, was, z->shift));
	Node *by = row_var(z, "by", less);
	set_rows(z, z->sum, kb_emit2(kb, OP_mul, z->sum, by));
	gpu_tile_each(&z->qk, make_probability, z);
	gpu_tile_each(&z->out, shrink, &by);
	kb_barrier(kb);
}

/* --- a block --------------------------------------------------------------------------------- */

static void write_result(GpuTile *t, Node *row, Node *col, Node *acc, void *user)
{
	GpuAttend *z = user;
	KBuilder *kb = z->kb;
	Node *at[MAX_RANK], *y = acc;
	(void)t;
	for (int i = 0; i < z->o.rank; i++)
		at[i] = z->at[i];
	at[z->o.rank] = kb_iadd(kb, z->q0, row);
	at[z->o.rank + 1] = kb_iadd(kb, z->e0, col);
	Node *inside = kb_emit2(kb, OP_and, below(z, at[z->o.rank], z->o.s),
				below(z, at[z->o.rank + 1], z->o.e));
	bool edge = inside->op != OP_const;
	if (z->o.t > 0)
		y = kb_emit2(kb, OP_mul, acc,
			     kb_emit2(kb, OP_div, attend_number(&z->o, 1), z->sum));
	if (edge)
		kb_open_if(kb, inside);
	kb_bind(kb, z->o.anchor, at, kb_cast(kb, y, z->o.anchor->type->dtype));
	store_outputs(z->l, at);
	if (edge)
		kb_close(kb);
}

/* How many tiles of keys the block's last query sees; NULL: all. */
static Node *seen_tiles(const GpuAttend *z, int64_t tiles)
{
	KBuilder *kb = z->kb;
	int64_t size = z->qk.cols;
	if (!z->o.causal)
		return NULL;
	Node *end = kb_affine(kb, z->q0, 1, z->qk.rows + z->o.t - z->o.s); /* of keys */
	end = kb_emit2(kb, OP_max, end, kb_i(kb, 0));
	return kb_emit2(kb, OP_min, kb_idiv(kb, kb_affine(kb, end, 1, size - 1), size),
			kb_i(kb, tiles));
}

static void run_block(GpuAttend *z)
{
	KBuilder *kb = z->kb;
	GpuTile *t = &z->qk;
	int64_t tiles = (z->o.t + t->cols - 1) / t->cols;
	int64_t part[2] = { gpu_sharers(t), t->rows };
	GpuOperand q = operand(t, "q", t->rows, z->step, true, read_q, z);
	GpuOperand k = operand(t, "k", t->cols, z->step, true, read_k, z);
	GpuOperand v = operand(&z->out, "v", z->out.cols, t->cols, false, read_v, z);
	z->probs = gpu_operand_scratch(&z->out, "probs", t->rows, t->cols);
	z->part = kb_scratch(kb, "part", z->o.type, 2, part, 4);
	z->max = row_var(z, "max", attend_number(&z->o, -INFINITY));
	z->sum = row_var(z, "sum", attend_number(&z->o, 0));
	if (t->mma) {
		kb_open(kb, t->v);
		z->low = kb_var(kb, "low", attend_number(&z->o, 0), t->v->axes);
		kb_close(kb);
	}
	gpu_tile_clear(&z->out);
	gpu_operand_start(&q);
	gpu_operand_start(&k);
	gpu_operand_start(&v);
	if (z->steps == 1) {
		gpu_load(&q, kb_i(kb, 0));
		gpu_keep(&q);
	}
	Node *b = kb_axis(kb, "b", AX_LOOP, tiles, 0);
	kb_open_range(kb, b, NULL, seen_tiles(z, tiles));
	z->k0 = kb_imul(kb, b, t->cols);
	gpu_load(&v, z->k0);
	gpu_keep(&v);
	multiply_keys(z, &q, &k);
	soften(z);
	gpu_multiply(&z->out, z->probs, v.buf, t->cols);
	kb_barrier(kb);
	kb_close(kb);
	share_part(z, z->sum);
	set_rows(z, z->sum, attend_number(&z->o, 0));
	combine_parts(z, z->sum, OP_add);
	gpu_tile_each(&z->out, write_result, z);
}

/* --- sizes ----------------------------------------------------------------------------------- */

enum { DOWN = 16, STEP = 64, MOST_PER_THREAD = 8, WARP = 32, FRAGMENT = 16 };

static int64_t parts(int64_t n, int64_t size)
{
	return (n + size - 1) / size;
}

/* Elements of a thread in one direction, so that `units` of them cover n: a power of two. */
static int covering(int64_t n, int units, int most)
{
	int each = 1;
	while (each < most && (int64_t)each * units < n)
		each *= 2;
	return each;
}

/* By warps: 64 queries or fewer, 16 for each warp that stands below another. */
static void choose_fragments(GpuAttend *z, int64_t outer, int threads)
{
	int warps = threads / WARP, down = 4, cores = kb_target(z->kb)->cores;
	while (down > 1 && (z->o.s <= down / 2 * FRAGMENT ||
			    outer * parts(z->o.s, (int64_t)down * FRAGMENT) < cores))
		down /= 2;
	int half = FRAGMENT / 2 * (warps / down); /* columns of fragments side by side */
	z->qk.shape = (GpuShape){ down, 1, covering(z->o.t, half, down > 1 ? 2 : 1) };
	z->out.shape = (GpuShape){ down, 1, covering(z->o.e, half, 2 * down) };
}

/* 64 queries of a block share what it reads of keys and values; fewer where there are not blocks
 * enough for all multiprocessors, or where wide results take the shared memory. */
static void choose_shapes(GpuAttend *z, int64_t outer, int threads)
{
	int across = threads / DOWN, tm = covering(z->o.s, DOWN, z->o.e > STEP ? 2 : 4);
	int cores = kb_target(z->kb)->cores;
	while (tm > 1 && outer * parts(z->o.s, (int64_t)DOWN * tm) < cores)
		tm /= 2;
	z->qk.shape = (GpuShape){ DOWN, tm, covering(z->o.t, across, 2) };
	z->out.shape =
		(GpuShape){ DOWN, tm, covering(z->o.e, across, tm > 2 ? 4 : MOST_PER_THREAD) };
}

static void choose_tiles(GpuAttend *z, int64_t outer, int threads)
{
	if (z->qk.mma)
		choose_fragments(z, outer, threads);
	else
		choose_shapes(z, outer, threads);
	gpu_tile_sizes(&z->qk, threads);
	gpu_tile_sizes(&z->out, threads);
	z->steps = parts(z->o.d, STEP);
	z->step = z->steps > 1 ? STEP : z->o.d;
	if (z->qk.mma)
		z->step = parts(z->step, FRAGMENT) * FRAGMENT;
}

static void run_tasks(GpuAttend *z, const Type *outer, int threads)
{
	KBuilder *kb = z->kb;
	int64_t down = parts(z->o.s, z->qk.rows), wide = parts(z->o.e, z->out.cols);
	Node *task = kb_axis(kb, "t", AX_TASK, outer->count * down * wide, 0);
	kb_open(kb, task);
	gpu_tile_start(&z->qk, threads);
	z->out.v = z->qk.v;
	z->out.i = z->qk.i;
	z->out.r = z->qk.r;
	gpu_tile_start(&z->out, threads);
	Node *rest = kb_idiv(kb, task, wide);
	z->e0 = kb_imul(kb, kb_imod(kb, task, wide), z->out.cols);
	z->q0 = kb_imul(kb, kb_imod(kb, rest, down), z->qk.rows);
	kb_unflat(kb, outer, kb_idiv(kb, rest, down), z->at);
	run_block(z);
	kb_close(kb);
	kb_kernel(kb)->flops = attend_flops(&z->o);
}

void template_gpu_attention(Lowering *l)
{
	GpuAttend z = { .l = l, .kb = l->kb, .o = attend_op(l) };
	z.qk = z.out = (GpuTile){ .kb = l->kb, .type = z.o.type };
	z.qk.mma = z.out.mma = z.o.type == DT_f32 && gpu_narrow_products(l);
	const Type *outer = type_get(l->p->ctx, DT_i64, z.o.rank, z.o.q->type->dim);
	int threads = target_lanes(kb_target(l->kb), 4);
	choose_tiles(&z, outer->count, threads);
	run_tasks(&z, outer, threads);
}
