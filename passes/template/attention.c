/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Fused attention: softmax(scale q k^T + mask) v without the scores in memory.
 *
 * One task is a head and some of its queries. The task packs k^T once, then for each tile of
 * queries: scores by the register tile into scratch, softmax over the row (maximum, exponentials
 * and their sum), and the product with v, divided by the sum on its way out. All of a tile's scores
 * stay in the L1 or L2 cache, so no rescaling while running is needed. */
#include "passes/template/attend.h"
#include "passes/template/product.h"
#include <math.h>

typedef struct Attend {
	Lowering *l;
	KBuilder *kb;
	AttendOp o;
	int lanes, nv;
	int64_t rows;
	EvenSplit es;
	int keys, scores, sums; /* scratch: [d][t], [rows][t], [rows] */
	Node *at[MAX_RANK];     /* batch and head */
	Node *s0;               /* first query of the tile */
	Node *c0;               /* first column of the product under way */
} Attend;

/* --- keys ------------------------------------------------------------------------------------ */

static Node *read_at(Attend *z, const Node *n, Node *row, Node *col)
{
	return attend_read(&z->o, n, z->at, row, col);
}

static void pack_keys(Attend *z)
{
	KBuilder *kb = z->kb;
	Node *t = kb_axis(kb, "t", AX_LOOP, z->o.t, 0), *d = kb_axis(kb, "d", AX_LOOP, z->o.d, 0);
	kb_open(kb, t);
	kb_open(kb, d);
	Node *to[2] = { d, t };
	kb_store_buf(kb, z->keys, to, read_at(z, z->o.k, t, d));
	kb_close(kb);
	kb_close(kb);
}

/* --- scores ---------------------------------------------------------------------------------- */

static Node *query(Attend *z, Node *const *i)
{
	return kb_iadd(z->kb, z->s0, i[1]);
}

static Node *read_query(Product *p, Node *const *i, Node *const *r)
{
	Attend *z = p->user;
	return read_at(z, z->o.q, query(z, i), r[0]);
}

static Node *read_key(Product *p, Node *const *r, Node *col)
{
	Attend *z = p->user;
	Node *at[2] = { r[0], kb_iadd(z->kb, z->c0, col) };
	return kb_load_buf(z->kb, z->keys, at);
}

static void write_score(Product *p, Node *const *i, Node *col, Node *acc)
{
	Attend *z = p->user;
	KBuilder *kb = z->kb;
	Node *row = query(z, i), *key = kb_iadd(kb, z->c0, col), *at[2] = { i[1], key };
	Node *x = attend_score(&z->o, z->at, acc, row, key), *sees = attend_sees(&z->o, row, key);
	if (sees)
		x = kb_emit3(kb, OP_select, sees, x, attend_number(&z->o, -INFINITY));
	kb_store_buf(kb, z->scores, at, x);
}

/* Column blocks of `width`, then the rest, each by its own loop. */
static void column_blocks(Attend *z, Product *p, int64_t cols)
{
	KBuilder *kb = z->kb;
	int64_t width = (int64_t)z->nv * z->lanes, full = cols / width, rest = cols % width;
	p->full = z->nv;
	p->rest = 0;
	if (full) {
		Node *b = kb_axis(kb, "b", AX_LOOP, full, 0);
		kb_open(kb, b);
		z->c0 = kb_imul(kb, b, width);
		emit_product(p);
		kb_close(kb);
	}
	p->full = rest / z->lanes;
	p->rest = rest % z->lanes;
	z->c0 = kb_i(kb, full * width);
	if (rest)
		emit_product(p);
}

static Product product_of(Attend *z, int64_t rows, int64_t k)
{
	return (Product){ .kb = z->kb,
			  .user = z,
			  .type = z->o.type,
			  .rows = { 1, rows },
			  .n_r = 1,
			  .extent = { k },
			  .tile = -1 };
}

/* --- softmax --------------------------------------------------------------------------------- */

typedef struct RowVectors {
	Attend *z;
	Node *row, *max;
	Node *acc, *acc_rest;
} RowVectors;

static Node *score(Attend *z, Node *row, Node *col)
{
	Node *at[2] = { row, col };
	return kb_load_buf(z->kb, z->scores, at);
}

/* Runs fn over the keys by vectors; the accumulator it updates starts at `start` and is folded. */
typedef Node *RowFn(RowVectors *r, Node *col, Node *acc);
static Node *over_keys(RowVectors *r, RowFn *fn, double start, Op fold, Op combine)
{
	Attend *z = r->z;
	KBuilder *kb = z->kb;
	int64_t full = z->o.t / z->lanes, rest = z->o.t % z->lanes;
	Node *sum = NULL;
	for (int part = 0; part < 2; part++) {
		if (part ? !rest : !full)
			continue;
		Node *v = kb_axis(kb, "v", AX_VECTOR, part ? rest : z->lanes, z->lanes);
		Node *b = kb_axis(kb, "b", AX_LOOP, full, 0);
		kb_open(kb, v);
		Node *acc = kb_var(kb, "acc", attend_number(&z->o, start), v->axes);
		kb_close(kb);
		bool loop = !part && full > 1;
		if (loop)
			kb_open(kb, b);
		kb_open(kb, v);
		Node *base = part   ? kb_i(kb, full * z->lanes)
			     : loop ? kb_imul(kb, b, z->lanes)
				    : kb_i(kb, 0);
		kb_set(kb, acc, fn(r, kb_iadd(kb, base, v), acc));
		kb_close(kb);
		if (loop)
			kb_close(kb);
		Node *x = kb_fold(kb, fold, acc, v->axes);
		sum = sum ? kb_emit2(kb, combine, sum, x) : x;
	}
	return kb_var(kb, "total", sum, 0);
}

static Node *larger(RowVectors *r, Node *col, Node *acc)
{
	return kb_emit2(r->z->kb, OP_max, acc, score(r->z, r->row, col));
}

static Node *exponential(RowVectors *r, Node *col, Node *acc)
{
	KBuilder *kb = r->z->kb;
	Node *at[2] = { r->row, col };
	Node *x = kb_emit1(kb, OP_exp, kb_emit2(kb, OP_sub, score(r->z, r->row, col), r->max));
	x = kb_var(kb, "e", x, x->axes); /* before the store changes what it reads */
	kb_store_buf(kb, r->z->scores, at, x);
	return kb_emit2(kb, OP_add, acc, x);
}

static void softmax_rows(Attend *z, int64_t rows)
{
	KBuilder *kb = z->kb;
	Node *i = kb_axis(kb, "i", AX_LOOP, rows, 0);
	kb_open_block(kb);
	kb_open(kb, i);
	RowVectors r = { .z = z, .row = i };
	r.max = over_keys(&r, larger, -INFINITY, OP_fold_max, OP_max);
	Node *sum = over_keys(&r, exponential, 0, OP_fold_sum, OP_add);
	kb_store_buf(kb, z->sums, &i, kb_emit2(kb, OP_div, attend_number(&z->o, 1), sum));
	kb_close(kb);
	kb_close(kb);
}

/* --- values ---------------------------------------------------------------------------------- */

static Node *read_probability(Product *p, Node *const *i, Node *const *r)
{
	return score(p->user, i[1], r[0]);
}

static Node *read_value(Product *p, Node *const *r, Node *col)
{
	Attend *z = p->user;
	return read_at(z, z->o.v, r[0], kb_iadd(z->kb, z->c0, col));
}

static void write_value(Product *p, Node *const *i, Node *col, Node *acc)
{
	Attend *z = p->user;
	KBuilder *kb = z->kb;
	Node *at[MAX_RANK], *row = i[1];
	Node *scale = kb_load_buf(kb, z->sums, &row);
	for (int k = 0; k < z->o.rank; k++)
		at[k] = z->at[k];
	at[z->o.rank] = query(z, i);
	at[z->o.rank + 1] = kb_iadd(kb, z->c0, col);
	Node *y = kb_emit2(kb, OP_mul, acc, scale);
	kb_bind(kb, z->o.anchor, at, kb_cast(kb, y, z->o.anchor->type->dtype));
	store_outputs(z->l, at);
}

/* --- tasks ----------------------------------------------------------------------------------- */

static void run_queries(Attend *z, int64_t rows)
{
	Product p = product_of(z, rows, z->o.d);
	p.read_a = read_query;
	p.read_b = read_key;
	p.write = write_score;
	column_blocks(z, &p, z->o.t);
	softmax_rows(z, rows);
	p = product_of(z, rows, z->o.t);
	p.read_a = read_probability;
	p.read_b = read_value;
	p.write = write_value;
	column_blocks(z, &p, z->o.e);
}

static void run_tiles(Attend *z, Node *lo, Node *hi)
{
	KBuilder *kb = z->kb;
	Node *b = kb_axis(kb, "q", AX_LOOP, z->es.parts, 0);
	kb_open_range(kb, b, lo, hi);
	for (int big = 1; big >= 0; big--) {
		int64_t size = big ? z->es.big : z->es.big - 1;
		int64_t count = big ? z->es.n_big : z->es.parts - z->es.n_big;
		bool choose = z->es.n_big < z->es.parts;
		if (!count || !size)
			continue;
		if (choose)
			kb_open_if(kb, kb_emit2(kb, big ? OP_lt : OP_ge, b, kb_i(kb, z->es.n_big)));
		z->s0 = even_start(kb, z->es, b, big);
		run_queries(z, size);
		if (choose)
			kb_close(kb);
	}
	kb_close(kb);
}

static void make_scratch(Attend *z)
{
	int64_t keys[2] = { z->o.d, z->o.t }, scores[2] = { z->rows, z->o.t };
	/* whole vectors are read up to the end of a row: room for them */
	z->keys = kb_scratch(z->kb, "keys", z->o.type, 2, keys, 16 + (16 - z->o.t % 16) % 16);
	z->scores = kb_scratch(z->kb, "scores", z->o.type, 2, scores, 16 + (16 - z->o.t % 16) % 16);
	z->sums = kb_scratch(z->kb, "sums", z->o.type, 1, &z->rows, 0);
}

enum { WANTED_TASKS = 8 };

static void run_tasks(Attend *z)
{
	KBuilder *kb = z->kb;
	int64_t outer = 1;
	for (int i = 0; i < z->o.rank; i++)
		outer *= z->o.q->type->dim[i];
	int64_t chunks = outer >= WANTED_TASKS ? 1 : (WANTED_TASKS + outer - 1) / outer;
	if (chunks > z->es.parts)
		chunks = z->es.parts;
	int64_t per = (z->es.parts + chunks - 1) / chunks;
	chunks = (z->es.parts + per - 1) / per;
	Node *task = kb_axis(kb, "t", AX_TASK, outer * chunks, 0);
	kb_open(kb, task);
	Node *chunk = kb_imod(kb, task, chunks), *rest = kb_idiv(kb, task, chunks);
	for (int64_t i = z->o.rank - 1; i >= 0; i--) {
		z->at[i] = kb_imod(kb, rest, z->o.q->type->dim[i]);
		rest = kb_idiv(kb, rest, z->o.q->type->dim[i]);
	}
	pack_keys(z);
	Node *hi = kb_affine(kb, chunk, per, per);
	if (z->es.parts % per)
		hi = kb_emit2(kb, OP_min, hi, kb_i(kb, z->es.parts));
	run_tiles(z, chunks > 1 ? kb_imul(kb, chunk, per) : NULL, chunks > 1 ? hi : NULL);
	kb_close(kb);
	kb_kernel(kb)->flops = attend_flops(&z->o);
}

void template_attention(Lowering *l)
{
	Attend z = { .l = l, .kb = l->kb, .o = attend_op(l) };
	z.lanes = product_lanes(kb_target(z.kb), z.o.type);
	z.nv = 2;
	z.rows = product_rows(kb_target(z.kb), z.nv);
	z.es = even_split(z.o.s, z.rows);
	z.rows = z.es.big;
	make_scratch(&z);
	run_tasks(&z);
}
