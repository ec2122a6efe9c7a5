/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Column sums: any number of sums over all dimensions but the last of one shape, in one pass.
 *
 * A task adds up some of the rows, whole rows at a time as they lie in memory, and leaves its sums
 * in a tensor of parts, [parts, sums, columns]; a second kernel adds the parts in order and
 * computes what follows. Few rows are one part: then tasks are blocks of columns and there is one
 * kernel. How the rows are cut depends on the shape alone. Short chains of additions are exact to
 * more digits than one long one, too. */
#include "passes/template/template.h"

enum {
	BLOCK_VECTORS = 4, /* columns of a block; fewer when there are more sums than registers */
	SUM_VECTORS = 16,
	FEW_ROWS = 256, /* not cut */
	LEAST_ROWS = 32,
	MOST_PARTS = 64
};

typedef enum Mode { WHOLE, PART, ADD } Mode;

typedef struct Columns {
	Lowering *l;
	KBuilder *kb;
	Mode mode;
	const Type *shape; /* what is summed */
	const Node *sum[COLUMNS_MOST_SUMS];
	int n;
	int64_t rows, width, per, parts; /* rows of a part; of ADD: parts are the rows */
	int buf;                         /* PART, ADD: the parts */
	Node *task;
	int lanes;
	int64_t vectors; /* of a block */
} Columns;

static Columns columns_of(Lowering *l)
{
	const Group *gr = l->group;
	Columns z = { .l = l, .kb = l->kb, .shape = gr->anchor->in[0]->type, .buf = -1 };
	for (int i = 0; i < gr->node.n && z.n < COLUMNS_MOST_SUMS; i++)
		if (op_info(gr->node.at[i]->op)->flags & OF_REDUCES)
			z.sum[z.n++] = gr->node.at[i];
	z.width = z.shape->dim[z.shape->rank - 1];
	z.rows = z.shape->count / z.width;
	z.per = (z.rows + MOST_PARTS - 1) / MOST_PARTS;
	z.per = z.rows < FEW_ROWS ? z.rows : z.per < LEAST_ROWS ? LEAST_ROWS : z.per;
	z.parts = (z.rows + z.per - 1) / z.per;
	z.lanes = target_lanes(&l->p->o->target, 4);
	z.vectors = SUM_VECTORS / z.n < BLOCK_VECTORS ? SUM_VECTORS / z.n : BLOCK_VECTORS;
	return z;
}

const Type *column_sums(Lowering *l)
{
	Columns z = columns_of(l);
	int64_t dim[3] = { z.parts, z.n, z.width };
	return z.parts > 1 ? type_get(l->p->ctx, DT_f32, 3, dim) : NULL;
}

/* --- one block of columns -------------------------------------------------------------------- */

typedef struct Block {
	Node *base, *u, *v; /* first column; vector of the block (or NULL), lane */
	Node *acc[COLUMNS_MOST_SUMS];
} Block;

static void open_block(Columns *z, const Block *b)
{
	if (b->u)
		kb_open(z->kb, b->u);
	kb_open(z->kb, b->v);
}

static void close_block(Columns *z, const Block *b)
{
	kb_close(z->kb);
	if (b->u)
		kb_close(z->kb);
}

static Node *column(Columns *z, const Block *b)
{
	Node *c = b->u ? kb_iadd(z->kb, b->base, kb_imul(z->kb, b->u, z->lanes)) : b->base;
	return kb_iadd(z->kb, c, b->v);
}

/* The index of a row's first element; dense tensors have one dimension of rows. */
static void row_place(Columns *z, Node *row, Node **at)
{
	int last = z->shape->rank - 1;
	for (int i = last - 1; i >= 0; i--) {
		bool first = i == 0 || z->l->flat;
		at[i] = !first ? kb_imod(z->kb, row, z->shape->dim[i]) : row;
		if (z->shape->dim[i] == 1 && !first)
			at[i] = kb_i(z->kb, 0);
		row = z->l->flat ? kb_i(z->kb, 0) : kb_idiv(z->kb, row, z->shape->dim[i]);
	}
}

/* One row added to the sums; what is stored of its shape is stored, behind: it may go over what the
 * sums are made of. */
static void add_row(Columns *z, const Block *b, Node *row)
{
	KBuilder *kb = z->kb;
	Node *at[MAX_RANK], *part[3] = { row };
	row_place(z, row, at);
	open_block(z, b);
	at[z->shape->rank - 1] = part[2] = column(z, b);
	for (int k = 0; k < z->n; k++) {
		part[1] = kb_i(kb, k);
		Node *x = z->mode == ADD ? kb_load_buf(kb, z->buf, part)
					 : kb_read(kb, z->sum[k]->in[0], at);
		kb_set(kb, b->acc[k], kb_emit2(kb, OP_add, b->acc[k], x));
	}
	if (z->mode != ADD)
		store_outputs_like(z->l, z->shape, at);
	close_block(z, b);
}

static void add_rows(Columns *z, const Block *b)
{
	KBuilder *kb = z->kb;
	int64_t n = z->mode == ADD ? z->parts : z->per;
	Node *i = kb_axis(kb, "i", AX_LOOP, n, 0), *hi = NULL, *row = i;
	if (z->mode == PART) {
		Node *first = kb_imul(kb, z->task, z->per);
		if (z->rows % z->per)
			hi = kb_emit2(kb, OP_min, kb_i(kb, z->per),
				      kb_emit2(kb, OP_sub, kb_i(kb, z->rows), first));
		row = kb_iadd(kb, first, i);
	}
	kb_open_range(kb, i, NULL, hi);
	add_row(z, b, row);
	kb_close(kb);
}

/* The sums, into the parts or to what follows. */
static void finish_block(Columns *z, const Block *b)
{
	KBuilder *kb = z->kb;
	const Type *t = z->sum[0]->type;
	Node *at[MAX_RANK], *part[3] = { z->task };
	open_block(z, b);
	for (int i = 0; i < t->rank; i++)
		at[i] = kb_i(kb, 0);
	at[t->rank - 1] = part[2] = column(z, b);
	for (int k = 0; k < z->n; k++) {
		part[1] = kb_i(kb, k);
		if (z->mode == PART)
			kb_store_buf(kb, z->buf, part, b->acc[k]);
		else
			kb_bind(kb, z->sum[k], at, b->acc[k]);
	}
	if (z->mode != PART)
		store_outputs_like(z->l, t, at);
	close_block(z, b);
}

static void block(Columns *z, Node *base, int64_t vectors, int64_t active)
{
	KBuilder *kb = z->kb;
	Block b = { .base = base, .v = kb_axis(kb, "v", AX_VECTOR, active, z->lanes) };
	if (vectors > 1)
		b.u = kb_axis(kb, "u", AX_UNROLL, vectors, 0);
	open_block(z, &b);
	for (int k = 0; k < z->n; k++)
		b.acc[k] =
			kb_var(kb, "acc", kb_f(kb, DT_f32, 0), b.v->axes | (b.u ? b.u->axes : 0));
	close_block(z, &b);
	add_rows(z, &b);
	finish_block(z, &b);
}

/* --- all columns ----------------------------------------------------------------------------- */

/* Full blocks, one of what vectors remain, one of what lanes remain. */
static void blocks(Columns *z)
{
	KBuilder *kb = z->kb;
	int64_t wide = z->vectors * z->lanes, full = z->width / wide;
	int64_t vectors = z->width % wide / z->lanes, lanes = z->width % z->lanes;
	int64_t count[3] = { full, vectors > 0, lanes > 0 }, first = 0, total = 0;
	int64_t from[3] = { 0, full * wide, z->width - lanes };
	for (int i = 0; i < 3; i++)
		total += count[i];
	bool by_task = z->mode != PART;
	Node *which =
		by_task ? kb_axis(kb, "t", AX_TASK, total, 0) : kb_axis(kb, "b", AX_LOOP, full, 0);
	if (by_task)
		kb_open(kb, which);
	for (int i = 0; i < 3; first += count[i++]) {
		bool loop = !by_task && count[i] > 1, choose = by_task && count[i] < total;
		if (!count[i])
			continue;
		if (choose)
			kb_open_if(kb, i == 0 ? kb_emit2(kb, OP_lt, which, kb_i(kb, full))
					      : kb_emit2(kb, OP_eq, which, kb_i(kb, first)));
		if (loop)
			kb_open(kb, which);
		bool varies = i == 0 && (by_task ? total > 1 : loop);
		Node *base = varies ? kb_imul(kb, which, wide) : kb_i(kb, from[i]);
		block(z, base,
		      i == 0   ? z->vectors
		      : i == 1 ? vectors
			       : 1,
		      i < 2 ? z->lanes : lanes);
		if (loop || choose)
			kb_close(kb);
	}
	if (by_task)
		kb_close(kb);
}

void template_columns(Lowering *l, const Storage *sums)
{
	Columns z = columns_of(l);
	z.mode = sums ? PART : WHOLE;
	if (!sums) {
		blocks(&z);
		return;
	}
	z.buf = kb_arg(l->kb, column_sums(l), sums);
	z.task = kb_axis(l->kb, "t", AX_TASK, z.parts, 0);
	kb_open(l->kb, z.task);
	blocks(&z);
	kb_close(l->kb);
}

void template_add_columns(Lowering *l, const Type *type, const Storage *sums)
{
	Columns z = columns_of(l);
	z.mode = ADD;
	z.buf = kb_arg(l->kb, type, sums);
	blocks(&z);
}
