/* Fused attention: softmax(scale q k^T + mask) v without the scores in memory.
 *
 * One task is a head and some of its queries. The task packs k^T once, then for each tile of
 * queries: scores by the register tile into scratch, softmax over the row (maximum, exponentials
 * and their sum), and the product with v, divided by the sum on its way out. All of a tile's scores
 * stay in the L1 or L2 cache, so no rescaling while running is needed. */
#include "passes/template/product.h"
#include "passes/template/template.h"
#include <math.h>

typedef struct Attend {
	Lowering *l;
	KBuilder *kb;
	const Node *anchor, *q, *k, *v, *mask;
	int64_t s, t, d, e; /* queries, keys, head size, value size */
	int64_t rank;       /* leading dimensions: 2 */
	int64_t outer[MAX_RANK];
	double scale;
	bool causal;
	DType type; /* that is computed in: f32 for the narrow ones */
	int lanes, nv;
	int64_t rows;
	EvenSplit es;
	int keys, scores, sums; /* scratch: [d][t], [rows][t], [rows] */
	Node *at[MAX_RANK];     /* batch and head */
	Node *s0;               /* first query of the tile */
	Node *c0;               /* first column of the product under way */
} Attend;

/* --- keys ------------------------------------------------------------------------------------ */

static Node *converted(Attend *z, Node *x, DType to)
{
	Attr_cast a = { .to = to };
	if (x->type->dtype == to)
		return x;
	return kb_emit(z->kb, OP_cast, attr_intern(kb_context(z->kb), ATTR_cast_RECORD, &a), &x, 1);
}

static Node *number(Attend *z, double v)
{
	return kb_f(z->kb, z->type, v);
}

static Node *read_at(Attend *z, const Node *n, Node *row, Node *col)
{
	Node *at[MAX_RANK];
	for (int i = 0; i < z->rank; i++)
		at[i] = z->at[i];
	at[z->rank] = row;
	at[z->rank + 1] = col;
	return converted(z, kb_read(z->kb, n, at), z->type);
}

static void pack_keys(Attend *z)
{
	KBuilder *kb = z->kb;
	Node *t = kb_axis(kb, "t", AX_LOOP, z->t, 0), *d = kb_axis(kb, "d", AX_LOOP, z->d, 0);
	kb_open(kb, t);
	kb_open(kb, d);
	Node *to[2] = { d, t };
	kb_store_buf(kb, z->keys, to, read_at(z, z->k, t, d));
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
	return read_at(z, z->q, query(z, i), r[0]);
}

static Node *read_key(Product *p, Node *const *r, Node *col)
{
	Attend *z = p->user;
	Node *at[2] = { r[0], kb_iadd(z->kb, z->c0, col) };
	return kb_load_buf(z->kb, z->keys, at);
}

/* The mask's sizes are 1 or full, aligned at the last dimension. */
static Node *mask_at(Attend *z, Node *row, Node *col)
{
	const Type *t = z->mask->type;
	Node *full[MAX_RANK], *at[MAX_RANK];
	int rank = (int)z->rank + 2;
	for (int i = 0; i < z->rank; i++)
		full[i] = z->at[i];
	full[z->rank] = row;
	full[z->rank + 1] = col;
	for (int i = 0; i < t->rank; i++)
		at[i] = t->dim[i] == 1 ? kb_i(z->kb, 0) : full[i + rank - t->rank];
	return kb_read(z->kb, z->mask, at);
}

static void write_score(Product *p, Node *const *i, Node *col, Node *acc)
{
	Attend *z = p->user;
	KBuilder *kb = z->kb;
	Node *row = query(z, i), *key = kb_iadd(kb, z->c0, col);
	Node *x = kb_emit2(kb, OP_mul, acc, number(z, z->scale));
	if (z->mask && z->mask->type->dtype == DT_bool)
		x = kb_emit3(kb, OP_select, mask_at(z, row, key), x, number(z, -INFINITY));
	else if (z->mask)
		x = kb_emit2(kb, OP_add, x, converted(z, mask_at(z, row, key), z->type));
	if (z->causal) {
		Node *last = kb_affine(kb, row, 1, z->t - z->s);
		x = kb_emit3(kb, OP_select, kb_emit2(kb, OP_le, key, last), x,
			     number(z, -INFINITY));
	}
	Node *at[2] = { i[1], key };
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
			  .type = z->type,
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
	int64_t full = z->t / z->lanes, rest = z->t % z->lanes;
	Node *sum = NULL;
	for (int part = 0; part < 2; part++) {
		if (part ? !rest : !full)
			continue;
		Node *v = kb_axis(kb, "v", AX_VECTOR, part ? rest : z->lanes, z->lanes);
		Node *b = kb_axis(kb, "b", AX_LOOP, full, 0);
		kb_open(kb, v);
		Node *acc = kb_var(kb, "acc", number(z, start), v->axes);
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
	kb_store_buf(kb, z->sums, &i, kb_emit2(kb, OP_div, number(z, 1), sum));
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
	return read_at(z, z->v, r[0], kb_iadd(z->kb, z->c0, col));
}

static void write_value(Product *p, Node *const *i, Node *col, Node *acc)
{
	Attend *z = p->user;
	KBuilder *kb = z->kb;
	Node *at[MAX_RANK], *row = i[1];
	Node *scale = kb_load_buf(kb, z->sums, &row);
	for (int k = 0; k < z->rank; k++)
		at[k] = z->at[k];
	at[z->rank] = query(z, i);
	at[z->rank + 1] = kb_iadd(kb, z->c0, col);
	Node *y = kb_emit2(kb, OP_mul, acc, scale);
	kb_bind(kb, z->anchor, at, converted(z, y, z->anchor->type->dtype));
	store_outputs(z->l, at);
}

/* --- tasks ----------------------------------------------------------------------------------- */

static void run_queries(Attend *z, int64_t rows)
{
	Product p = product_of(z, rows, z->d);
	p.read_a = read_query;
	p.read_b = read_key;
	p.write = write_score;
	column_blocks(z, &p, z->t);
	softmax_rows(z, rows);
	p = product_of(z, rows, z->t);
	p.read_a = read_probability;
	p.read_b = read_value;
	p.write = write_value;
	column_blocks(z, &p, z->e);
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
	int64_t keys[2] = { z->d, z->t }, scores[2] = { z->rows, z->t };
	/* whole vectors are read up to the end of a row: room for them */
	z->keys = kb_scratch(z->kb, "keys", z->type, 2, keys, 16 + (16 - z->t % 16) % 16);
	z->scores = kb_scratch(z->kb, "scores", z->type, 2, scores, 16 + (16 - z->t % 16) % 16);
	z->sums = kb_scratch(z->kb, "sums", z->type, 1, &z->rows, 0);
}

enum { WANTED_TASKS = 8 };

static void run_tasks(Attend *z)
{
	KBuilder *kb = z->kb;
	int64_t outer = 1;
	for (int i = 0; i < z->rank; i++)
		outer *= z->outer[i];
	int64_t chunks = outer >= WANTED_TASKS ? 1 : (WANTED_TASKS + outer - 1) / outer;
	if (chunks > z->es.parts)
		chunks = z->es.parts;
	int64_t per = (z->es.parts + chunks - 1) / chunks;
	chunks = (z->es.parts + per - 1) / per;
	Node *task = kb_axis(kb, "t", AX_TASK, outer * chunks, 0);
	kb_open(kb, task);
	Node *chunk = kb_imod(kb, task, chunks), *rest = kb_idiv(kb, task, chunks);
	for (int64_t i = z->rank - 1; i >= 0; i--) {
		z->at[i] = kb_imod(kb, rest, z->outer[i]);
		rest = kb_idiv(kb, rest, z->outer[i]);
	}
	pack_keys(z);
	Node *hi = kb_affine(kb, chunk, per, per);
	if (z->es.parts % per)
		hi = kb_emit2(kb, OP_min, hi, kb_i(kb, z->es.parts));
	run_tiles(z, chunks > 1 ? kb_imul(kb, chunk, per) : NULL, chunks > 1 ? hi : NULL);
	kb_close(kb);
	double m = (double)outer * (double)z->s * (double)z->t;
	kb_kernel(kb)->flops = 2 * m * (double)(z->d + z->e);
}

void template_attention(Lowering *l)
{
	Attend z = { .l = l, .kb = l->kb, .anchor = l->group->anchor };
	const Attr_attention *a = ATTR_OF(z.anchor, attention);
	z.q = z.anchor->in[0];
	z.k = z.anchor->in[1];
	z.v = z.anchor->in[2];
	z.mask = z.anchor->n_in > 3 ? z.anchor->in[3] : NULL;
	z.rank = z.q->type->rank - 2;
	for (int i = 0; i < z.rank; i++)
		z.outer[i] = z.q->type->dim[i];
	z.s = z.q->type->dim[z.rank];
	z.d = z.q->type->dim[z.rank + 1];
	z.t = z.k->type->dim[z.rank];
	z.e = z.v->type->dim[z.rank + 1];
	z.scale = a->scale != 0 ? a->scale : 1 / sqrt((double)z.d);
	z.causal = a->causal;
	z.type = z.anchor->type->dtype == DT_f64 ? DT_f64 : DT_f32;
	z.lanes = product_lanes(kb_target(z.kb), z.type);
	z.nv = 2;
	z.rows = product_rows(kb_target(z.kb), z.nv);
	z.es = even_split(z.s, z.rows);
	z.rows = z.es.big;
	make_scratch(&z);
	run_tasks(&z);
}
