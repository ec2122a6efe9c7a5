/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The register tile, see product.h. Per step of the reduction: NV loads of b, R broadcasts of a, R
 * * NV fused multiply-adds. */
#include "passes/template/product.h"

typedef struct Tile {
	Product *p;
	int lanes;
	Node *i[2], *j, *v, *vr; /* rows, whole vectors, their lanes, lanes of the partial vector */
	Node *acc, *acc_rest;
	Node *r[3];
} Tile;

ConvShape conv_shape(const Attr_conv *a, const Type *x, const Type *y)
{
	return (ConvShape){ .oh = y->dim[1],
			    .ow = y->dim[2],
			    .cols = y->dim[3],
			    .kh = a->kernel.v[0],
			    .kw = a->kernel.v[1],
			    .c = x->dim[3],
			    .sh = a->stride.v[0],
			    .sw = a->stride.v[1],
			    .dh = a->dilation.v[0],
			    .dw = a->dilation.v[1] };
}

int product_lanes(const Target *t, DType type)
{
	return target_lanes(t, dtype_info[type].bytes);
}

int64_t product_rows(const Target *t, int nv)
{
	int64_t rows = (t->vector_registers - 1 - nv) / nv;
	int64_t most = nv > 1 ? 14 : 28; /* beyond, nothing is gained (docs/performance.md) */
	return rows > most ? most : rows;
}

static Node *unrolled(KBuilder *kb, const char *name, int64_t n)
{
	return n > 1 ? kb_axis(kb, name, AX_UNROLL, n, 0) : kb_i(kb, 0);
}

static void open_axis(KBuilder *kb, Node *a)
{
	if (a->op == OP_axis)
		kb_open(kb, a);
}

static void close_axis(KBuilder *kb, const Node *a)
{
	if (a->op == OP_axis)
		kb_close(kb);
}

typedef void VectorFn(Tile *t, Node *v, Node *col, Node **acc);

/* For every accumulator of the tile: rows, then vectors. */
static void each_vector(Tile *t, VectorFn *fn)
{
	KBuilder *kb = t->p->kb;
	open_axis(kb, t->i[0]);
	open_axis(kb, t->i[1]);
	if (t->p->full) {
		open_axis(kb, t->j);
		kb_open(kb, t->v);
		fn(t, t->v, kb_iadd(kb, kb_imul(kb, t->j, t->lanes), t->v), &t->acc);
		kb_close(kb);
		close_axis(kb, t->j);
	}
	if (t->p->rest) {
		kb_open(kb, t->vr);
		fn(t, t->vr, kb_affine(kb, t->vr, 1, t->p->full * t->lanes), &t->acc_rest);
		kb_close(kb);
	}
	close_axis(kb, t->i[1]);
	close_axis(kb, t->i[0]);
}

static Node *tile_row(Tile *t)
{
	KBuilder *kb = t->p->kb;
	return kb_iadd(kb, kb_imul(kb, t->i[0], t->p->rows[1]), t->i[1]);
}

/* The row of scratch `carry`. */
static Node *carried_row(Tile *t)
{
	Node *row = tile_row(t);
	return t->p->first ? kb_iadd(t->p->kb, t->p->first, row) : row;
}

static void begin(Tile *t, Node *v, Node *col, Node **acc)
{
	const Product *p = t->p;
	uint64_t axes = t->i[0]->axes | t->i[1]->axes | v->axes | col->axes;
	Node *at[3] = { p->slot, carried_row(t), col };
	Node *value = p->slot ? kb_load_buf(p->kb, p->carry, at) : kb_f(p->kb, p->type, 0);
	*acc = kb_var(p->kb, "acc", value, axes);
}

static void step(Tile *t, Node *v, Node *col, Node **acc)
{
	Product *p = t->p;
	(void)v;
	kb_set(p->kb, *acc, kb_fma(p->kb, p->read_a(p, t->i, t->r), p->read_b(p, t->r, col), *acc));
}

static void open_reduction(Tile *t, int k)
{
	const Product *p = t->p;
	if (!p->at[k] && t->r[k]->op == OP_axis)
		kb_open_range(p->kb, t->r[k], p->lo[k], p->hi[k]);
}

static bool sums_nothing(const Product *p)
{
	bool empty = false;
	for (int k = 0; k < p->n_r; k++)
		empty = empty || p->extent[k] == 0;
	return empty;
}

static void finish(Tile *t, Node *v, Node *col, Node **acc)
{
	Node *at[3] = { t->p->slot, carried_row(t), col };
	(void)v;
	if (t->p->slot)
		kb_store_buf(t->p->kb, t->p->carry, at, *acc);
	else
		t->p->write(t->p, t->i, col, *acc);
}

/* --- a long epilogue: the accumulators go to scratch, and a loop finishes them there ---------- */

static void spill(Tile *t, Node *v, Node *col, Node **acc)
{
	(void)v;
	Node *at[2] = { tile_row(t), col };
	kb_store_buf(t->p->kb, t->p->tile, at, *acc);
}

static void finish_row(Tile *t, Node *v, Node *col)
{
	KBuilder *kb = t->p->kb;
	kb_open(kb, v);
	Node *at[2] = { tile_row(t), col };
	t->p->write(t->p, t->i, col, kb_load_buf(kb, t->p->tile, at));
	kb_close(kb);
}

static Node *looped(KBuilder *kb, const char *name, int64_t n)
{
	return n > 1 ? kb_axis(kb, name, AX_LOOP, n, 0) : kb_i(kb, 0);
}

static void finish_in_loops(Tile *t)
{
	Product *p = t->p;
	KBuilder *kb = p->kb;
	each_vector(t, spill);
	kb_open_block(kb);
	t->i[0] = looped(kb, "h", p->rows[0]);
	t->i[1] = looped(kb, "i", p->rows[1]);
	open_axis(kb, t->i[0]);
	open_axis(kb, t->i[1]);
	if (p->full) {
		Node *j = looped(kb, "j", p->full);
		Node *v = kb_axis(kb, "v", AX_VECTOR, t->lanes, t->lanes);
		open_axis(kb, j);
		finish_row(t, v, kb_iadd(kb, kb_imul(kb, j, t->lanes), v));
		close_axis(kb, j);
	}
	if (p->rest) {
		Node *v = kb_axis(kb, "v", AX_VECTOR, p->rest, t->lanes);
		finish_row(t, v, kb_affine(kb, v, 1, p->full * t->lanes));
	}
	close_axis(kb, t->i[1]);
	close_axis(kb, t->i[0]);
	kb_close(kb);
}

void emit_product(Product *p)
{
	KBuilder *kb = p->kb;
	Tile t = { .p = p, .lanes = product_lanes(kb_target(kb), p->type) };
	t.i[0] = unrolled(kb, "h", p->rows[0]);
	t.i[1] = unrolled(kb, "i", p->rows[1]);
	t.j = unrolled(kb, "j", p->full);
	t.v = kb_axis(kb, "v", AX_VECTOR, t.lanes, t.lanes);
	t.vr = kb_axis(kb, "v", AX_VECTOR, p->rest, t.lanes);
	for (int k = 0; k < p->n_r; k++) {
		AxisKind kind = p->unroll_last && k == p->n_r - 1 ? AX_UNROLL : AX_LOOP;
		t.r[k] = p->extent[k] > 1 ? kb_axis(kb, "k", kind, p->extent[k], 0) : kb_i(kb, 0);
		t.r[k] = p->at[k] ? p->at[k] : t.r[k];
	}
	each_vector(&t, begin);
	for (int k = 0; k < p->n_r; k++)
		open_reduction(&t, k);
	if (!sums_nothing(p))
		each_vector(&t, step);
	for (int k = p->n_r - 1; k >= 0; k--)
		if (!p->at[k])
			close_axis(kb, t.r[k]);
	if (p->tile >= 0)
		finish_in_loops(&t);
	else
		each_vector(&t, finish);
}
