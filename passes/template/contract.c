/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Matrix product and convolution: the register-tiled contraction.
 *
 * A tile is R rows (pixels) by NV vectors of output columns (channels), held in R * NV accumulators
 * with R * NV + NV + 1 registers in all: 14 x 32 floats with AVX-512, 6 x 16 with AVX2. Inside, per
 * step of K: NV loads of packed weights, R broadcasts, R * NV fused multiply-adds. K runs to its
 * end in one pass (taps outside, channels inside); then prologue and epilogue of the group are
 * pulled on the registers and the tile is stored. Rows are cut evenly (49 rows into 4 tiles of 12
 * or 13), never into full tiles and a small rest. Convolution is the same kernel with more loops
 * around K; padding lies in the input's buffer (passes/pad.c), so no bounds are checked. */
#include "passes/template/product.h"
#include "passes/template/template.h"

typedef struct Contract {
	Lowering *l;
	KBuilder *kb;
	const Node *anchor, *root, *x, *w;
	bool conv, packed, trans_x, trans_w;
	int n_outer; /* leading dimensions: batch; conv: image */
	int64_t outer[MAX_RANK];
	ConvShape s;
	int64_t panel;
	int lanes, nv;  /* vectors of a column block */
	int64_t th, tw; /* rows of a tile */
	EvenSplit eh, ew;
	int packbuf; /* scratch panel when w is not packed, else -1 */
	int tile;    /* scratch for a long epilogue, else -1 */
	bool flat;   /* pixels run through the last image dimension beyond its size */
} Contract;

/* --- the shape ------------------------------------------------------------------------------- */

static void shape_conv(Contract *z)
{
	const Attr_conv *a = ATTR_OF(z->anchor, conv);
	const Type *t = z->anchor->type;
	z->conv = z->packed = true;
	z->n_outer = 1;
	z->outer[0] = t->dim[0];
	z->s = conv_shape(a, z->x->type, t);
	z->panel = a->panel;
	/* A pointwise convolution over dense tensors is one product of all pixels. */
	if (z->l->flat && z->s.kh * z->s.kw == 1 && z->s.sh * z->s.sw == 1) {
		z->flat = true;
		z->s.ow = z->outer[0] * z->s.oh * z->s.ow;
		z->s.oh = 1;
		z->n_outer = 0;
	}
}

static void shape_matmul(Contract *z)
{
	const Attr_matmul *a = ATTR_OF(z->anchor, matmul);
	const Type *t = z->anchor->type, *x = z->x->type;
	z->n_outer = t->rank - 2;
	for (int i = 0; i < z->n_outer; i++)
		z->outer[i] = t->dim[i];
	z->packed = a->panel != 0;
	z->trans_x = a->trans_x;
	z->trans_w = a->trans_w;
	z->s.oh = 1;
	z->s.ow = t->dim[t->rank - 2];
	z->s.cols = t->dim[t->rank - 1];
	z->s.kh = z->s.kw = z->s.sh = z->s.sw = z->s.dh = z->s.dw = 1;
	z->s.c = x->dim[x->rank - (a->trans_x ? 2 : 1)];
	z->panel = a->panel;
}

/* Registers: R * NV accumulators, NV weights, one broadcast. */
static void choose_tile(Contract *z)
{
	const Target *t = kb_target(z->kb);
	z->lanes = target_lanes(t, 4);
	z->nv = 2;
	int64_t vectors = (z->s.cols + z->lanes - 1) / z->lanes;
	if (vectors < z->nv)
		z->nv = (int)vectors;
	if (z->packed && z->nv * z->lanes > z->panel)
		z->nv = (int)(z->panel / z->lanes);
	int64_t rows = product_rows(t, z->nv);
	z->th = 1;
	z->tw = rows;
	if (z->s.oh > 1 && z->s.ow * 2 <= rows) {
		z->tw = z->s.ow;
		z->th = rows / z->s.ow;
	}
	z->eh = even_split(z->s.oh, z->th);
	z->ew = even_split(z->s.ow, z->tw);
}

/* --- one tile -------------------------------------------------------------------------------- */

typedef struct Place {
	Contract *z;
	Node *outer[MAX_RANK];
	Node *h0, *w0; /* first row */
	Node *block;   /* column block */
	int64_t th, tw;
	int64_t full, rest; /* whole vectors of columns, lanes of a partial one */
} Place;

/* First column of the block. */
static Node *first_col(const Place *t)
{
	return kb_imul(t->z->kb, t->block, (int64_t)t->z->nv * t->z->lanes);
}

static Node *read_x(Product *p, Node *const *i, Node *const *r)
{
	const Place *t = p->user;
	Contract *z = t->z;
	KBuilder *kb = z->kb;
	Node *at[MAX_RANK], *h = kb_iadd(kb, t->h0, i[0]), *w = kb_iadd(kb, t->w0, i[1]);
	int n = z->n_outer;
	if (z->conv) {
		at[0] = n ? t->outer[0] : kb_i(kb, 0);
		at[1] = kb_iadd(kb, kb_imul(kb, h, z->s.sh), kb_imul(kb, r[0], z->s.dh));
		at[2] = kb_iadd(kb, kb_imul(kb, w, z->s.sw), kb_imul(kb, r[1], z->s.dw));
		at[3] = r[2];
		return kb_read(kb, z->x, at);
	}
	for (int k = 0; k < n; k++)
		at[k] = t->outer[k];
	at[n] = z->trans_x ? r[2] : w;
	at[n + 1] = z->trans_x ? w : r[2];
	return kb_read(kb, z->x, at);
}

static Node *read_w(Product *p, Node *const *r, Node *col)
{
	const Place *t = p->user;
	Contract *z = t->z;
	KBuilder *kb = z->kb;
	Node *tap = kb_iadd(kb, kb_imul(kb, r[0], z->s.kw), r[1]);
	Node *k = kb_iadd(kb, kb_imul(kb, tap, z->s.c), r[2]), *at[MAX_RANK];
	if (z->packed) {
		Node *n = kb_iadd(kb, first_col(t), col);
		at[0] = kb_idiv(kb, n, z->panel);
		at[1] = k;
		at[2] = kb_imod(kb, n, z->panel);
		return kb_read(kb, z->w, at);
	}
	if (z->packbuf >= 0) {
		at[0] = k;
		at[1] = col;
		return kb_load_buf(kb, z->packbuf, at);
	}
	for (int i = 0; i < z->n_outer; i++)
		at[i] = t->outer[i];
	at[z->n_outer] = k;
	at[z->n_outer + 1] = kb_iadd(kb, first_col(t), col);
	return kb_read(kb, z->w, at);
}

static void write_tile(Product *p, Node *const *i, Node *col, Node *acc)
{
	const Place *t = p->user;
	Contract *z = t->z;
	KBuilder *kb = z->kb;
	Node *at[MAX_RANK];
	int n = z->root->type->rank;
	for (int k = 0; k < n; k++)
		at[k] = k < z->n_outer ? t->outer[k] : kb_i(kb, 0);
	if (z->conv)
		at[1] = kb_iadd(kb, t->h0, i[0]);
	at[n - 2] = kb_iadd(kb, t->w0, i[1]);
	at[n - 1] = kb_iadd(kb, first_col(t), col);
	kb_bind(kb, z->anchor, at, acc);
	store_outputs(z->l, at);
}

enum { UNROLL_CHANNELS = 4 };

static void run_tile(Contract *z, Place *t)
{
	Product p = { .kb = z->kb,
		      .user = t,
		      .type = z->anchor->type->dtype,
		      .rows = { t->th, t->tw },
		      .full = t->full,
		      .rest = t->rest,
		      .n_r = 3,
		      .extent = { z->s.kh, z->s.kw, z->s.c },
		      .tile = z->tile,
		      .unroll_last = z->s.c <= UNROLL_CHANNELS && z->s.kh * z->s.kw > 1,
		      .read_a = read_x,
		      .read_b = read_w,
		      .write = write_tile };
	emit_product(&p);
}

/* --- blocks of rows -------------------------------------------------------------------------- */

/* Tiles first .. last of the rows, as full or partial column block says. */
static void run_rows(Contract *z, Place *t, Node *lo, Node *hi)
{
	KBuilder *kb = z->kb;
	bool by_h = z->th > 1;
	EvenSplit e = by_h ? z->eh : z->ew;
	Node *b = kb_axis(kb, "b", AX_LOOP, z->eh.parts * z->ew.parts, 0);
	kb_open_range(kb, b, lo, hi);
	Node *h = kb_idiv(kb, b, z->ew.parts), *w = kb_imod(kb, b, z->ew.parts);
	Node *part = by_h ? b : w;
	for (int big = 1; big >= 0; big--) {
		int64_t size = big ? e.big : e.big - 1, count = big ? e.n_big : e.parts - e.n_big;
		if (!count || !size)
			continue;
		bool choose = e.n_big < e.parts;
		if (choose)
			kb_open_if(kb, kb_emit2(kb, big ? OP_lt : OP_ge, part, kb_i(kb, e.n_big)));
		Node *start = even_start(kb, e, part, big);
		t->th = by_h ? size : 1;
		t->tw = by_h ? z->s.ow : size;
		t->h0 = by_h ? start : h;
		t->w0 = by_h ? kb_i(kb, 0) : start;
		run_tile(z, t);
		if (choose)
			kb_close(kb);
	}
	kb_close(kb);
}

/* One vector of columns, from column `first` of the block on. */
static void pack_vector(Contract *z, Place *t, Node *k, Node *first, int64_t lanes)
{
	KBuilder *kb = z->kb;
	Node *v = kb_axis(kb, "v", AX_VECTOR, lanes, z->lanes), *at[MAX_RANK];
	kb_open(kb, v);
	for (int i = 0; i < z->n_outer; i++)
		at[i] = t->outer[i];
	Node *to[2] = { k, kb_iadd(kb, first, v) }, *col = kb_iadd(kb, first_col(t), to[1]);
	at[z->n_outer] = z->trans_w ? col : k;
	at[z->n_outer + 1] = z->trans_w ? k : col;
	kb_store_buf(kb, z->packbuf, to, kb_read(kb, z->w, at));
	kb_close(kb);
}

/* w[.., k, n] of the column block copied into scratch as [K][columns]. */
static void pack_block(Contract *z, Place *t)
{
	KBuilder *kb = z->kb;
	Node *k = kb_axis(kb, "k", AX_LOOP, z->s.c, 0);
	kb_open(kb, k);
	for (int64_t j = 0; j < t->full; j++)
		pack_vector(z, t, k, kb_i(kb, j * z->lanes), z->lanes);
	if (t->rest)
		pack_vector(z, t, k, kb_i(kb, t->full * z->lanes), t->rest);
	kb_close(kb);
}

/* Full column blocks and the last, partial one need code of their own. */
static void run_block(Contract *z, Place *t, Node *lo, Node *hi)
{
	KBuilder *kb = z->kb;
	int64_t width = (int64_t)z->nv * z->lanes, full = z->s.cols / width,
		rest = z->s.cols % width;
	for (int part = 0; part < 2; part++) {
		if (part ? !rest : !full)
			continue;
		bool choose = full && rest;
		if (choose)
			kb_open_if(kb,
				   kb_emit2(kb, part ? OP_ge : OP_lt, t->block, kb_i(kb, full)));
		t->full = part ? rest / z->lanes : z->nv;
		t->rest = part ? rest % z->lanes : 0;
		if (z->packbuf >= 0)
			pack_block(z, t);
		run_rows(z, t, lo, hi);
		if (choose)
			kb_close(kb);
	}
}

/* --- tasks ----------------------------------------------------------------------------------- */

/* The operand with more bytes is cut first: each thread then reads only its part of it. */
static void run_tasks(Contract *z)
{
	KBuilder *kb = z->kb;
	int64_t width = (int64_t)z->nv * z->lanes, blocks = (z->s.cols + width - 1) / width;
	int64_t rows = z->eh.parts * z->ew.parts, outer = 1;
	for (int i = 0; i < z->n_outer; i++)
		outer *= z->outer[i];
	int64_t k = z->s.kh * z->s.kw * z->s.c, m = outer * z->s.oh * z->s.ow;
	bool weights_first = z->s.cols * k >= m * z->s.c && blocks >= 8;
	int64_t want = weights_first ? (16 + blocks * outer - 1) / (blocks * outer)
				     : (32 + outer - 1) / outer;
	int64_t chunks = want < rows ? want : rows;
	if (z->packbuf >= 0 && blocks * outer >= 8)
		chunks = 1;
	int64_t per = (rows + chunks - 1) / chunks;
	chunks = (rows + per - 1) / per;
	Node *task = kb_axis(kb, "t", AX_TASK, outer * chunks * blocks, 0);
	kb_open(kb, task);
	Place t = { .z = z, .th = 1 };
	Node *chunk, *rest;
	if (weights_first || z->packbuf >= 0) { /* outer, block, chunk */
		chunk = kb_imod(kb, task, chunks);
		rest = kb_idiv(kb, task, chunks);
		t.block = kb_imod(kb, rest, blocks);
		rest = kb_idiv(kb, rest, blocks);
	} else { /* outer, chunk, block */
		t.block = kb_imod(kb, task, blocks);
		rest = kb_idiv(kb, task, blocks);
		chunk = kb_imod(kb, rest, chunks);
		rest = kb_idiv(kb, rest, chunks);
	}
	for (int i = z->n_outer - 1; i >= 0; i--) {
		t.outer[i] = kb_imod(kb, rest, z->outer[i]);
		rest = kb_idiv(kb, rest, z->outer[i]);
	}
	Node *lo = kb_imul(kb, chunk, per);
	Node *hi = kb_affine(kb, chunk, per, per);
	if (rows % per)
		hi = kb_emit2(kb, OP_min, hi, kb_i(kb, rows));
	run_block(z, &t, chunks == 1 ? NULL : lo, chunks == 1 ? NULL : hi);
	kb_close(kb);
	kb_kernel(kb)->flops = 2.0 * (double)m * (double)z->s.cols * (double)k;
}

void template_contract(Lowering *l)
{
	Contract z = { .l = l, .kb = l->kb, .anchor = l->group->anchor, .packbuf = -1, .tile = -1 };
	z.root = l->group->output.at[0];
	z.x = z.anchor->in[0];
	z.w = z.anchor->in[1];
	if (z.anchor->op == OP_conv)
		shape_conv(&z);
	else
		shape_matmul(&z);
	choose_tile(&z);
	if (!z.packed) {
		int64_t dim[2] = { z.s.c, (int64_t)z.nv * z.lanes };
		if (z.trans_w || z.n_outer || z.s.ow > 16)
			z.packbuf = kb_scratch(l->kb, "panel", DT_f32, 2, dim, 0);
	}
	if (long_epilogue(l->group)) {
		int64_t dim[2] = { z.th * z.tw, (int64_t)z.nv * z.lanes };
		z.tile = kb_scratch(l->kb, "tile", DT_f32, 2, dim, 0);
	}
	run_tasks(&z);
}
