/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Sums of outer products: the gradient of weights. Both operands have what is summed over (pixels,
 * rows of a batch) outside and their channels inside, so nothing is transposed: a tile of the
 * result holds R input channels of one tap by NV vectors of output channels in accumulators; a step
 * broadcasts R elements of x and loads NV vectors of dy, and the next step is the next pixel.
 *
 * With few input channels (an image's colours) rows of a tile run through several taps.
 *
 * The pixels are cut into chunks whose part of both operands stays in the L2 cache while all tiles
 * of a task go over it; between chunks the accumulators stand in scratch. Where
 * the result is too small to be shared out, the images are: each part of them leaves a sum of its
 * own, over all weights, and a second kernel adds the parts (template_add_parts). A task is a range
 * of tiles, for one part. All this depends on the shape alone, and every element is summed by one
 * task, in order: the same bits for any number of threads. */
#include "passes/template/product.h"
#include "passes/template/template.h"
#include <string.h>

typedef struct Outer {
	Lowering *l;
	KBuilder *kb;
	const Node *anchor, *x, *dy;
	bool conv;
	int64_t n; /* images, of which the pixels of s are summed; a product has n = 1 */
	ConvShape s;
	int64_t parts; /* of the images, each with a result of its own */
	/* Rows of the result: `runs` runs, each cut into cuts. A run is the channels of a tap; with
	 * few of them those of a row of taps, or of all taps. */
	int64_t runs, run;
	EvenSplit cuts;
	bool merged; /* a run holds several taps: each cut has code of its own */
	int lanes, nv;
	int64_t width, blocks; /* columns of a tile; of these how many */
	int64_t tiles;         /* blocks * cuts * runs, runs inside */
	int64_t task_tiles;    /* most tiles of a task */
	int level;             /* which of the three loops over pixels is cut into chunks */
	int64_t chunk;         /* its indices in one */
	int64_t per_image;     /* chunks of an image; level 0: 1 */
	int64_t chunks;        /* most of a task */
	int carry;             /* scratch for accumulators between chunks, else -1 */
	int long_tile;         /* scratch for a long epilogue, else -1 */
	int sums;              /* buffer of the parts' results, else -1 */
} Outer;

/* --- the shape ------------------------------------------------------------------------------- */

static void shape_conv(Outer *z)
{
	z->conv = true;
	z->n = z->dy->type->dim[0];
	z->s = conv_shape(ATTR_OF(z->anchor, conv), z->x->type, z->dy->type);
}

static void shape_matmul(Outer *z)
{
	z->n = z->s.oh = z->s.kh = z->s.kw = 1;
	z->s.sh = z->s.sw = z->s.dh = z->s.dw = 1;
	z->s.ow = z->x->type->dim[0];
	z->s.c = z->x->type->dim[1];
	z->s.cols = z->dy->type->dim[1];
}

static int64_t divide_up(int64_t a, int64_t b)
{
	return (a + b - 1) / b;
}

enum { MOST_CUTS = 3 }; /* of a run of several taps, each with code of its own */

static void choose_tile(Outer *z)
{
	const Target *t = kb_target(z->kb);
	z->lanes = target_lanes(t, 4);
	z->nv = z->s.cols > z->lanes ? 2 : 1;
	z->width = (int64_t)z->nv * z->lanes;
	z->blocks = divide_up(z->s.cols, z->width);
	int64_t rows = product_rows(t, z->nv);
	z->run = z->s.c;
	z->runs = z->s.kh * z->s.kw;
	z->merged = z->s.c < rows && z->runs > 1;
	if (z->merged && z->s.kh * z->s.kw * z->s.c <= MOST_CUTS * rows) {
		z->run = z->s.kh * z->s.kw * z->s.c;
		z->runs = 1;
	} else if (z->merged && z->s.kw * z->s.c <= MOST_CUTS * rows) {
		z->run = z->s.kw * z->s.c;
		z->runs = z->s.kh;
	} else {
		z->merged = false;
	}
	z->cuts = even_split(z->run, rows);
	z->tiles = z->runs * z->cuts.parts * z->blocks;
}

enum {
	TASKS = 16,
	CARRY_BYTES = 192 * 1024, /* of a task */
	LEAST_PIXELS = 256        /* of a part: fewer do not pay for its result */
};

/* Under fp=strict there is one part: sums in the order in which any other kernel adds. */
static void choose_parts(Outer *z)
{
	int64_t bytes = 4 * z->s.cols * z->s.kh * z->s.kw * z->s.c,
		pieces = divide_up(bytes, CARRY_BYTES);
	int64_t most = z->n * z->s.oh * z->s.ow / LEAST_PIXELS, want = divide_up(TASKS, pieces);
	most = most < z->n ? most : z->n;
	z->parts = want < most ? want : most;
	if (z->parts < 1 || kb_context(z->kb)->fp == FP_STRICT)
		z->parts = 1;
}

/* Enough tasks to be shared out, with no more accumulators each than go well through the cache. */
static void choose_tasks(Outer *z)
{
	int64_t most = CARRY_BYTES / (z->cuts.big * z->width * 4);
	int64_t want = divide_up(z->tiles * z->parts, TASKS);
	z->task_tiles = want < most ? want : most;
	z->task_tiles = divide_up(z->tiles, divide_up(z->tiles, z->task_tiles));
}

/* Bytes of both operands that a task's tiles read of one pixel. */
static int64_t pixel_bytes(const Outer *z)
{
	int64_t column = z->runs * z->cuts.parts; /* tiles of a block */
	int64_t blocks = divide_up(z->task_tiles, column), cuts = z->cuts.parts;
	if (z->task_tiles < column && z->task_tiles / z->runs + 2 < cuts)
		cuts = z->task_tiles / z->runs + 2;
	int64_t rows = z->merged ? z->s.c : cuts * z->cuts.big;
	return 4 * (rows * z->s.sh * z->s.sw + blocks * z->width);
}

/* Images, rows of an image or pixels of a row whose part of both operands fills a quarter of the L2
 * cache. */
static void choose_chunks(Outer *z)
{
	int64_t bytes = kb_target(z->kb)->l2_bytes / 4, images = divide_up(z->n, z->parts);
	int64_t extent[3] = { images, z->s.oh, z->s.ow }, each = pixel_bytes(z) * z->s.oh * z->s.ow;
	z->chunks = 1;
	if (z->n * z->s.oh * z->s.ow == 0) /* nothing is summed */
		return;
	while (z->level < 2 && each > bytes)
		each /= extent[++z->level];
	int64_t fit = bytes / each, all = extent[z->level];
	z->chunk = fit < 1 ? 1 : fit > all ? all : fit;
	z->chunk = divide_up(all, divide_up(all, z->chunk));
	z->chunks = z->per_image = divide_up(all, z->chunk);
	if (z->level == 0)
		z->per_image = 1;
	else
		z->chunks *= images;
	if (z->level == 2) {
		z->per_image *= z->s.oh;
		z->chunks *= z->s.oh;
	}
}

/* --- one tile -------------------------------------------------------------------------------- */

typedef struct Place {
	Outer *z;
	Node *which, *first, *end; /* part of the images, its first, its end */
	Node *block;               /* of columns */
	Node *run, *base;          /* which run, first row in it */
	int64_t rows;
	int64_t full, rest; /* whole vectors of columns, lanes of a partial one */
	Node *slot;         /* of the accumulators in scratch */
	Node *chunk;
} Place;

static Node *column(const Place *t, Node *col)
{
	return kb_iadd(t->z->kb, kb_imul(t->z->kb, t->block, t->z->width), col);
}

/* Tap and channel of row i of the tile. */
static void row_index(const Place *t, Node *i, Node *tap[2], Node **c)
{
	const Outer *z = t->z;
	KBuilder *kb = z->kb;
	Node *row = kb_iadd(kb, t->base, i), *which = t->run;
	if (z->merged) {
		*c = kb_imod(kb, row, z->s.c);
		row = kb_idiv(kb, row, z->s.c);
		which = kb_iadd(kb, kb_imul(kb, t->run, z->run / z->s.c), row);
	} else {
		*c = row;
	}
	tap[0] = kb_idiv(kb, which, z->s.kw);
	tap[1] = kb_imod(kb, which, z->s.kw);
}

static Node *read_x(Product *p, Node *const *i, Node *const *r)
{
	const Place *t = p->user;
	const Outer *z = t->z;
	KBuilder *kb = z->kb;
	Node *tap[2], *at[4];
	if (!z->conv) {
		at[0] = r[2];
		at[1] = kb_iadd(kb, t->base, i[1]);
		return kb_read(kb, z->x, at);
	}
	row_index(t, i[1], tap, &at[3]);
	at[0] = r[0];
	at[1] = kb_iadd(kb, kb_imul(kb, r[1], z->s.sh), kb_imul(kb, tap[0], z->s.dh));
	at[2] = kb_iadd(kb, kb_imul(kb, r[2], z->s.sw), kb_imul(kb, tap[1], z->s.dw));
	return kb_read(kb, z->x, at);
}

static Node *read_dy(Product *p, Node *const *r, Node *col)
{
	const Place *t = p->user;
	Node *image[4] = { r[0], r[1], r[2], column(t, col) };
	return kb_read(t->z->kb, t->z->dy, t->z->conv ? image : image + 2);
}

static void store_element(const Place *t, Node *i, Node *col, Node *value)
{
	const Outer *z = t->z;
	Node *full[5] = { t->which }, **at = full + 1;
	if (z->conv) {
		row_index(t, i, at, &at[2]);
		at[3] = column(t, col);
	} else {
		at[0] = kb_iadd(z->kb, t->base, i);
		at[1] = column(t, col);
	}
	if (z->sums >= 0) {
		kb_store_buf(z->kb, z->sums, full, value);
		return;
	}
	kb_bind(z->kb, z->anchor, at, value);
	store_outputs(z->l, at);
}

static void write_tile(Product *p, Node *const *i, Node *col, Node *acc)
{
	store_element(p->user, i[1], col, acc);
}

/* --- chunks ---------------------------------------------------------------------------------- */

/* The images of the task's part. */
static void part_range(const Place *t, Product *p)
{
	if (t->z->parts > 1) {
		p->lo[0] = t->first;
		p->hi[0] = t->end;
	}
}

/* The pixels of chunk t->chunk. */
static void chunk_range(const Place *t, Product *p)
{
	const Outer *z = t->z;
	KBuilder *kb = z->kb;
	int64_t extent = p->extent[z->level], each = divide_up(extent, z->chunk);
	Node *q = z->level ? kb_imod(kb, t->chunk, each) : t->chunk;
	Node *end = z->level ? kb_i(kb, extent) : t->end, *lo = kb_imul(kb, q, z->chunk);
	lo = z->level ? lo : kb_iadd(kb, t->first, lo);
	p->lo[z->level] = lo;
	p->hi[z->level] = kb_emit2(kb, OP_min, kb_affine(kb, lo, 1, z->chunk), end);
	q = kb_idiv(kb, t->chunk, each);
	if (z->level == 2) {
		p->at[1] = kb_imod(kb, q, z->s.oh);
		q = kb_idiv(kb, q, z->s.oh);
	}
	if (z->level)
		p->at[0] = kb_iadd(kb, t->first, q);
}

static Product tile_product(Place *t)
{
	const Outer *z = t->z;
	return (Product){ .kb = z->kb,
			  .user = t,
			  .type = DT_f32,
			  .rows = { 1, t->rows },
			  .full = t->full,
			  .rest = t->rest,
			  .n_r = 3,
			  .extent = { z->n, z->s.oh, z->s.ow },
			  .tile = -1,
			  .read_a = read_x,
			  .read_b = read_dy,
			  .write = write_tile };
}

typedef void SumFn(Place *t);

/* All pixels in one pass: the accumulators never leave their registers. */
static void whole_tile(Place *t)
{
	Product p = tile_product(t);
	part_range(t, &p);
	p.tile = t->z->long_tile;
	emit_product(&p);
}

static void add_chunk(Place *t)
{
	Product p = tile_product(t);
	p.carry = t->z->carry;
	p.slot = t->slot;
	chunk_range(t, &p);
	emit_product(&p);
}

/* --- between scratch and result -------------------------------------------------------------- */

static void clear_slot(Place *t)
{
	const Outer *z = t->z;
	KBuilder *kb = z->kb;
	Node *i = kb_axis(kb, "i", AX_LOOP, z->cuts.big, 0),
	     *j = kb_axis(kb, "j", AX_LOOP, z->nv, 0);
	Node *v = kb_axis(kb, "v", AX_VECTOR, z->lanes, z->lanes);
	kb_open(kb, i);
	kb_open(kb, j);
	kb_open(kb, v);
	Node *at[3] = { t->slot, i, kb_iadd(kb, kb_imul(kb, j, z->lanes), v) };
	kb_store_buf(kb, z->carry, at, kb_f(kb, DT_f32, 0));
	kb_close(kb);
	kb_close(kb);
	kb_close(kb);
}

/* Row i of the tile, `lanes` columns from `first` on. */
static void finish_vector(Place *t, Node *i, Node *first, int64_t lanes)
{
	KBuilder *kb = t->z->kb;
	Node *v = kb_axis(kb, "v", AX_VECTOR, lanes, t->z->lanes);
	kb_open(kb, v);
	Node *at[3] = { t->slot, i, kb_iadd(kb, first, v) };
	store_element(t, i, at[2], kb_load_buf(kb, t->z->carry, at));
	kb_close(kb);
}

static void finish_columns(Place *t, Node *i)
{
	const Outer *z = t->z;
	KBuilder *kb = z->kb;
	if (t->full) {
		Node *j = kb_axis(kb, "j", AX_LOOP, t->full, 0);
		kb_open(kb, j);
		finish_vector(t, i, kb_imul(kb, j, z->lanes), z->lanes);
		kb_close(kb);
	}
	if (t->rest)
		finish_vector(t, i, kb_i(kb, t->full * z->lanes), t->rest);
}

/* The rows of cut `cut`, whichever it is. */
static void finish_slot(Place *t, Node *cut)
{
	const Outer *z = t->z;
	KBuilder *kb = z->kb;
	EvenSplit e = z->cuts;
	Node *big = kb_i(kb, e.n_big), *first = kb_emit2(kb, OP_min, cut, big);
	Node *more = kb_emit3(kb, OP_select, kb_emit2(kb, OP_lt, cut, big), kb_i(kb, e.big),
			      kb_i(kb, e.big - 1));
	t->base = kb_iadd(kb, kb_imul(kb, cut, e.big - 1), first);
	Node *i = kb_axis(kb, "i", AX_LOOP, e.big, 0);
	kb_open_range(kb, i, NULL, e.n_big < e.parts ? more : NULL);
	finish_columns(t, i);
	kb_close(kb);
}

/* --- tiles ----------------------------------------------------------------------------------- */

/* Cut k of every run: big ones, small ones, or with several taps in a run one after another. */
static void one_cut(Place *t, Node *cut, int k, SumFn *fn)
{
	const Outer *z = t->z;
	KBuilder *kb = z->kb;
	EvenSplit e = z->cuts;
	bool choose = z->merged ? e.parts > 1 : e.n_big < e.parts;
	if (z->merged) {
		t->rows = k < e.n_big ? e.big : e.big - 1;
		t->base = even_start(kb, e, kb_i(kb, k), k < e.n_big);
	} else {
		t->rows = k ? e.big - 1 : e.big;
		t->base = even_start(kb, e, cut, !k);
	}
	if (choose)
		kb_open_if(kb, z->merged ? kb_emit2(kb, OP_eq, cut, kb_i(kb, k))
					 : kb_emit2(kb, k ? OP_ge : OP_lt, cut, kb_i(kb, e.n_big)));
	fn(t);
	if (choose)
		kb_close(kb);
}

/* Cuts of every size in code of their own. */
static void each_cut(Place *t, Node *cut, SumFn *fn)
{
	EvenSplit e = t->z->cuts;
	int codes = t->z->merged ? (int)e.parts : 1 + (e.n_big < e.parts);
	for (int k = 0; k < codes; k++)
		one_cut(t, cut, k, fn);
}

static void whole_tiles(Place *t, Node *cut)
{
	each_cut(t, cut, whole_tile);
}

static void chunk_tiles(Place *t, Node *cut)
{
	each_cut(t, cut, add_chunk);
}

typedef void TileFn(Place *t, Node *cut);

/* Full column blocks and the last, partial one need code of their own. */
static void one_tile(Place *t, Node *tile, TileFn *fn)
{
	const Outer *z = t->z;
	KBuilder *kb = z->kb;
	int64_t full = z->s.cols / z->width, rest = z->s.cols % z->width;
	t->run = kb_imod(kb, tile, z->runs);
	tile = kb_idiv(kb, tile, z->runs);
	t->block = kb_idiv(kb, tile, z->cuts.parts);
	for (int part = 0; part < 2; part++) {
		if (part ? !rest : !full)
			continue;
		bool choose = full && rest;
		if (choose)
			kb_open_if(kb,
				   kb_emit2(kb, part ? OP_ge : OP_lt, t->block, kb_i(kb, full)));
		t->full = part ? rest / z->lanes : z->nv;
		t->rest = part ? rest % z->lanes : 0;
		fn(t, kb_imod(kb, tile, z->cuts.parts));
		if (choose)
			kb_close(kb);
	}
}

/* Tiles lo .. hi. */
static void each_tile(Place *t, Node *lo, Node *hi, TileFn *fn)
{
	const Outer *z = t->z;
	KBuilder *kb = z->kb;
	Node *q = kb_axis(kb, "q", AX_LOOP, z->task_tiles, 0);
	kb_open_range(kb, q, NULL, kb_emit2(kb, OP_sub, hi, lo));
	t->slot = q;
	one_tile(t, kb_iadd(kb, lo, q), fn);
	kb_close(kb);
}

static void run_chunks(Place *t, Node *lo, Node *hi)
{
	const Outer *z = t->z;
	KBuilder *kb = z->kb;
	Node *images = kb_emit2(kb, OP_sub, t->end, t->first);
	t->slot = kb_axis(kb, "q", AX_LOOP, z->task_tiles, 0);
	kb_open(kb, t->slot);
	clear_slot(t);
	kb_close(kb);
	t->chunk = kb_axis(kb, "c", AX_LOOP, z->chunks, 0);
	kb_open_range(kb, t->chunk, NULL,
		      z->level ? kb_imul(kb, images, z->per_image) : kb_i(kb, z->chunks));
	each_tile(t, lo, hi, chunk_tiles);
	kb_close(kb);
	each_tile(t, lo, hi, finish_slot);
}

static void run_tasks(Outer *z)
{
	KBuilder *kb = z->kb;
	int64_t groups = divide_up(z->tiles, z->task_tiles);
	Node *task = kb_axis(kb, "t", AX_TASK, groups * z->parts, 0);
	kb_open(kb, task);
	Node *lo = kb_imul(kb, kb_imod(kb, task, groups), z->task_tiles);
	Node *hi = kb_affine(kb, lo, 1, z->task_tiles);
	if (z->tiles % z->task_tiles)
		hi = kb_emit2(kb, OP_min, hi, kb_i(kb, z->tiles));
	Place t = { .z = z, .which = kb_idiv(kb, task, groups) };
	t.first = kb_idiv(kb, kb_imul(kb, t.which, z->n), z->parts);
	t.end = kb_idiv(kb, kb_affine(kb, t.which, z->n, z->n), z->parts);
	if (z->chunks == 1)
		each_tile(&t, lo, hi, whole_tiles);
	else
		run_chunks(&t, lo, hi);
	kb_close(kb);
}

static Outer describe(Lowering *l)
{
	Outer z = { .l = l, .kb = l->kb, .anchor = l->group->anchor };
	z.carry = z.long_tile = z.sums = -1;
	z.x = z.anchor->in[0];
	z.dy = z.anchor->in[1];
	if (z.anchor->op == OP_conv_dw)
		shape_conv(&z);
	else
		shape_matmul(&z);
	choose_tile(&z);
	choose_parts(&z);
	choose_tasks(&z);
	choose_chunks(&z);
	return z;
}

const Type *outer_sums(Lowering *l)
{
	Outer z = describe(l);
	int64_t dim[MAX_RANK] = { z.parts };
	const Type *t = z.anchor->type;
	memcpy(dim + 1, t->dim, sizeof *dim * (size_t)t->rank);
	return z.parts > 1 ? type_get(l->p->ctx, t->dtype, t->rank + 1, dim) : NULL;
}

void template_outer(Lowering *l, const Storage *sums)
{
	Outer z = describe(l);
	int64_t dim[3] = { z.task_tiles, z.cuts.big, z.width };
	if (sums)
		z.sums = kb_arg(l->kb, outer_sums(l), sums);
	if (z.chunks > 1)
		z.carry = kb_scratch(l->kb, "carry", DT_f32, 3, dim, 0);
	else if (!sums && long_epilogue(l->group))
		z.long_tile = kb_scratch(l->kb, "tile", DT_f32, 2, dim + 1, 0);
	run_tasks(&z);
	kb_kernel(l->kb)->flops = 2.0 * (double)(z.n * z.s.oh * z.s.ow) *
				  (double)(z.s.kh * z.s.kw * z.s.c) * (double)z.s.cols;
}
