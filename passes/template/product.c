/* The register tile, see product.h. Per step of the reduction: NV loads of b, R broadcasts of a, R * NV fused multiply-adds. */
#include "passes/template/product.h"

typedef struct Tile {
	Product *p;
	int lanes;
	Node *i[2], *j, *v, *vr; /* rows, whole vectors, their lanes, lanes of the partial vector */
	Node *acc, *acc_rest;
	Node *r[3];
} Tile;

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

static void clear(Tile *t, Node *v, Node *col, Node **acc)
{
	KBuilder *kb = t->p->kb;
	uint64_t axes = t->i[0]->axes | t->i[1]->axes | v->axes | col->axes;
	*acc = kb_var(kb, "acc", kb_f(kb, DT_f32, 0), axes);
}

static void step(Tile *t, Node *v, Node *col, Node **acc)
{
	Product *p = t->p;
	(void)v;
	kb_set(p->kb, *acc, kb_fma(p->kb, p->read_a(p, t->i, t->r), p->read_b(p, t->r, col), *acc));
}

static void finish(Tile *t, Node *v, Node *col, Node **acc)
{
	(void)v;
	t->p->write(t->p, t->i, col, *acc);
}

void emit_product(Product *p)
{
	KBuilder *kb = p->kb;
	Tile t = { .p = p, .lanes = target_lanes(kb_target(kb), 4) };
	t.i[0] = unrolled(kb, "h", p->rows[0]);
	t.i[1] = unrolled(kb, "i", p->rows[1]);
	t.j = unrolled(kb, "j", p->full);
	t.v = kb_axis(kb, "v", AX_VECTOR, t.lanes, t.lanes);
	t.vr = kb_axis(kb, "v", AX_VECTOR, p->rest, t.lanes);
	for (int k = 0; k < p->n_r; k++) {
		AxisKind kind = p->unroll_last && k == p->n_r - 1 ? AX_UNROLL : AX_LOOP;
		t.r[k] = p->extent[k] > 1 ? kb_axis(kb, "k", kind, p->extent[k], 0)
					  : kb_i(kb, 0);
	}
	each_vector(&t, clear);
	for (int k = 0; k < p->n_r; k++)
		open_axis(kb, t.r[k]);
	each_vector(&t, step);
	for (int k = p->n_r - 1; k >= 0; k--)
		close_axis(kb, t.r[k]);
	each_vector(&t, finish);
}
