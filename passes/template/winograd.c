/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Convolution by F(4x4, 3x3), its three parts fused so that nothing but input and output leaves the
 * cache. A task takes a block of tiles and a group of output channels: it transforms the tiles'
 * inputs into scratch V[point][tile][channel]; then for every block of output columns it multiplies
 * per point with the register tile into M[point][tile][column], transforms back, and runs the
 * group's epilogue on the 4x4 results. Strides between points are kept off powers of two. */
#include "ir/ops/winograd.h"
#include "passes/template/product.h"
#include "passes/template/template.h"

enum {
	SCRATCH_BYTES = 600 * 1024, /* V of one task: stays in the L2 cache */
	TILES_OF_PLAIN = 64,
	CHANNELS_OF_CHUNK = 64, /* of plain weights: those of a block of columns stay in L2 */
	WANTED_TASKS = 8,
	SHARED_AXES = 32
};

typedef struct Wino {
	Lowering *l;
	KBuilder *kb;
	const Node *anchor, *x, *w, *root;
	int64_t images, th, tw; /* tiles down and across */
	int64_t c, cols, oh, ow, panel;
	int lanes;
	int64_t width;             /* columns of a block */
	EvenSplit tiles;           /* blocks of tiles */
	int64_t groups, per_group; /* column blocks of a task */
	int v, m, t, y;            /* scratch: inputs, products, half a transform, results */
	int u;                     /* scratch: weights of a block of columns; -1: w has them */
	int64_t chunk;             /* channels whose weights u holds */
	Node *c0;                  /* first one of them */
	Node *t0;                  /* first tile of the task */
	Node *cb;                  /* column block */
	Node *point;
	int64_t rows;  /* tiles of the block */
	bool gradient; /* the tiles are 4x4 of the result's gradient, not 6x6 of the input */
	Node *shared[SHARED_AXES];
	int n_shared;
} Wino;

/* Loops one behind the other share their axes: there is code for two sizes of blocks of tiles, for
 * whole blocks of columns and the last one, for the first chunk and the others, and a kernel has no
 * axes for all of it. Loops inside of one another have other names. */
static Node *axis(Wino *z, const char *name, AxisKind kind, int64_t extent, int lanes)
{
	for (int i = 0; i < z->n_shared; i++) {
		const Axis *a = &kb_kernel(z->kb)->axis.at[kb_axis_id(z->shared[i])];
		if (str_eq(a->name, name) && a->kind == kind && a->extent == extent &&
		    a->lanes == lanes)
			return z->shared[i];
	}
	Node *n = kb_axis(z->kb, name, kind, extent, lanes);
	if (z->n_shared < SHARED_AXES)
		z->shared[z->n_shared++] = n;
	return n;
}

/* sum of n coef[j] * in[j], zeros left out */
static Node *combine(KBuilder *kb, int n, const double *coef, Node *const *in)
{
	Node *sum = NULL;
	for (int j = 0; j < n; j++) {
		if (coef[j] == 0)
			continue;
		Node *k = kb_f(kb, DT_f32, coef[j]);
		if (!sum)
			sum = coef[j] == 1 ? in[j] : kb_emit2(kb, OP_mul, in[j], k);
		else if (coef[j] == 1 || coef[j] == -1)
			sum = kb_emit2(kb, coef[j] == 1 ? OP_add : OP_sub, sum, in[j]);
		else
			sum = kb_fma(kb, in[j], k, sum);
	}
	return sum;
}

/* image, first row and column of tile i */
static void tile_place(Wino *z, Node *i, Node *at[3])
{
	KBuilder *kb = z->kb;
	Node *rest = kb_idiv(kb, i, z->tw);
	at[2] = kb_imul(kb, kb_imod(kb, i, z->tw), WINO_TILE);
	at[1] = kb_imul(kb, kb_imod(kb, rest, z->th), WINO_TILE);
	at[0] = z->images > 1 ? kb_idiv(kb, rest, z->th) : kb_i(kb, 0);
}

/* fn for the vectors of n channels: whole ones in a loop, then the rest */
typedef void VectorFn(Wino *z, Node *channel, Node *tile);
static void over_vectors(Wino *z, int64_t n, Node *tile, VectorFn *fn)
{
	KBuilder *kb = z->kb;
	int64_t full = n / z->lanes, rest = n % z->lanes;
	for (int part = 0; part < 2; part++) {
		if (part ? !rest : !full)
			continue;
		bool loop = !part && full > 1;
		Node *i = loop ? axis(z, "c", AX_LOOP, full, 0) : NULL;
		Node *v = axis(z, "v", AX_VECTOR, part ? rest : z->lanes, z->lanes);
		if (loop)
			kb_open(kb, i);
		kb_open(kb, v);
		Node *base = part   ? kb_i(kb, full * z->lanes)
			     : loop ? kb_imul(kb, i, z->lanes)
				    : kb_i(kb, 0);
		fn(z, kb_iadd(kb, base, v), tile);
		kb_close(kb);
		if (loop)
			kb_close(kb);
	}
}

/* --- inputs ---------------------------------------------------------------------------------- */

/* Point p of the tile, for the block's scratch or as the result of this kernel. */
static void put_input(Wino *z, int p, Node *tile, Node *channel, Node *value)
{
	KBuilder *kb = z->kb;
	Node *at[3] = { kb_i(kb, p), tile, channel };
	if (z->v >= 0) {
		kb_store_buf(kb, z->v, at, value);
		return;
	}
	at[1] = kb_iadd(kb, z->t0, tile);
	kb_bind(kb, z->anchor, at, value);
	store_outputs(z->l, at);
}

/* The value of point i of `n` elements along a dimension. */
static Node *input_point(const Wino *z, int n, int i, Node *const *in)
{
	double coef[WINO_IN];
	for (int j = 0; j < n; j++)
		coef[j] = z->gradient ? wino_output[j][i] : wino_input[i][j];
	return combine(z->kb, n, coef, in);
}

/* Columns first, through scratch, then rows: 36 values at once do not fit the registers. */
static void input_vector(Wino *z, Node *channel, Node *tile)
{
	KBuilder *kb = z->kb;
	int n = z->gradient ? WINO_TILE : WINO_IN;
	Node *place[3], *lane = kb_imod(kb, channel, z->lanes), *in[WINO_IN];
	tile_place(z, kb_iadd(kb, z->t0, tile), place);
	for (int j = 0; j < n; j++) {
		for (int i = 0; i < n; i++) {
			Node *at[4] = { place[0], kb_affine(kb, place[1], 1, i),
					kb_affine(kb, place[2], 1, j), channel };
			in[i] = kb_read(kb, z->x, at);
		}
		for (int i = 0; i < WINO_IN; i++) {
			Node *to[2] = { kb_i(kb, i * WINO_IN + j), lane };
			kb_store_buf(kb, z->t, to, input_point(z, n, i, in));
		}
	}
	for (int i = 0; i < WINO_IN; i++) {
		for (int j = 0; j < n; j++) {
			Node *from[2] = { kb_i(kb, i * WINO_IN + j), lane };
			in[j] = kb_load_buf(kb, z->t, from);
			in[j] = kb_var(kb, "d", in[j], in[j]->axes);
		}
		for (int j = 0; j < WINO_IN; j++)
			put_input(z, i * WINO_IN + j, tile, channel, input_point(z, n, j, in));
	}
}

static void transform_inputs(Wino *z)
{
	KBuilder *kb = z->kb;
	Node *tile = z->rows > 1 ? axis(z, "tile", AX_LOOP, z->rows, 0) : kb_i(kb, 0);
	if (z->rows > 1)
		kb_open(kb, tile);
	over_vectors(z, z->c, tile, input_vector);
	if (z->rows > 1)
		kb_close(kb);
}

/* --- weights --------------------------------------------------------------------------------- */

/* Rows lie close together, to be read from one end to the other. */
static Node *weight_place(Wino *z, Node *c, Node *col)
{
	return kb_iadd(z->kb, kb_imul(z->kb, c, z->width), col);
}

/* G g G^T of a vector of output channels `col` for input channel c. */
static void weight_vector(Wino *z, Node *col, Node *c)
{
	KBuilder *kb = z->kb;
	Node *half[WINO_IN][3], *in[3];
	for (int j = 0; j < 3; j++) {
		for (int i = 0; i < 3; i++) {
			Node *at[4] = { kb_i(kb, i), kb_i(kb, j), kb_iadd(kb, z->c0, c),
					kb_iadd(kb, kb_imul(kb, z->cb, z->width), col) };
			in[i] = kb_read(kb, z->w, at);
			in[i] = kb_var(kb, "g", in[i], in[i]->axes);
		}
		for (int i = 0; i < WINO_IN; i++) {
			half[i][j] = combine(kb, 3, wino_weight[i], in);
			half[i][j] = kb_var(kb, "h", half[i][j], half[i][j]->axes);
		}
	}
	for (int i = 0; i < WINO_IN; i++)
		for (int j = 0; j < WINO_IN; j++) {
			Node *to[2] = { kb_i(kb, i * WINO_IN + j), weight_place(z, c, col) };
			kb_store_buf(kb, z->u, to, combine(kb, 3, wino_weight[j], half[i]));
		}
}

/* The end of the chunk's channels; NULL: it is a whole one. */
static Node *chunk_end(Wino *z)
{
	KBuilder *kb = z->kb;
	if (z->c % z->chunk == 0)
		return NULL;
	return kb_emit2(kb, OP_min, kb_i(kb, z->chunk), kb_affine(kb, z->c0, -1, z->c));
}

/* The block's `cols` first columns; what lies beyond is multiplied, and the results not looked at.
 */
static void transform_weights(Wino *z, int64_t cols)
{
	KBuilder *kb = z->kb;
	Node *c = axis(z, "k", AX_LOOP, z->chunk, 0);
	kb_open_range(kb, c, NULL, chunk_end(z));
	over_vectors(z, cols, c, weight_vector);
	kb_close(kb);
}

/* --- products -------------------------------------------------------------------------------- */

static Node *read_v(Product *p, Node *const *i, Node *const *r)
{
	Wino *z = p->user;
	Node *c = kb_iadd(z->kb, z->c0, r[0]);
	Node *at[3] = { z->point, kb_iadd(z->kb, p->first, i[1]), c };
	return kb_load_buf(z->kb, z->v, at);
}

static Node *read_u(Product *p, Node *const *r, Node *col)
{
	Wino *z = p->user;
	KBuilder *kb = z->kb;
	if (z->u >= 0)
		return kb_load_buf(kb, z->u, (Node *[]){ z->point, weight_place(z, r[0], col) });
	Node *n = kb_iadd(kb, kb_imul(kb, z->cb, z->width), col);
	Node *at[4] = { kb_idiv(kb, n, z->panel), z->point, r[0], kb_imod(kb, n, z->panel) };
	return kb_read(kb, z->w, at);
}

static void write_m(Product *p, Node *const *i, Node *col, Node *acc)
{
	Wino *z = p->user;
	Node *at[3] = { z->point, kb_iadd(z->kb, p->first, i[1]), col };
	kb_store_buf(z->kb, z->m, at, acc);
}

/* All tiles of the block for one point; more than the registers hold in even parts. `more`: adds to
 * the products of the channels before. */
static void multiply(Wino *z, bool more)
{
	KBuilder *kb = z->kb;
	int nv = (int)(z->width / z->lanes);
	EvenSplit e = even_split(z->rows, product_rows(kb_target(kb), nv));
	z->point = axis(z, "p", AX_LOOP, WINO_POINTS, 0);
	kb_open(kb, z->point);
	int64_t first = 0;
	for (int big = 1; big >= 0; big--) {
		int64_t size = big ? e.big : e.big - 1, count = big ? e.n_big : e.parts - e.n_big;
		if (!count || !size)
			continue;
		Node *b = count > 1 ? axis(z, "b", AX_LOOP, count, 0) : NULL;
		if (b)
			kb_open(kb, b);
		Product p = { .kb = kb,
			      .user = z,
			      .rows = { 1, size },
			      .full = nv,
			      .n_r = 1,
			      .extent = { z->chunk },
			      .hi = { chunk_end(z) },
			      .slot = more ? z->point : NULL,
			      .carry = z->m,
			      .tile = -1,
			      .first = b ? kb_affine(kb, b, size, first) : kb_i(kb, first),
			      .read_a = read_v,
			      .read_b = read_u,
			      .write = write_m };
		emit_product(&p);
		if (b)
			kb_close(kb);
		first += size * count;
	}
	kb_close(kb);
}

/* --- results --------------------------------------------------------------------------------- */

static void output_vector(Wino *z, Node *col, Node *tile)
{
	KBuilder *kb = z->kb;
	Node *in[WINO_IN], *lane = kb_imod(kb, col, z->lanes);
	for (int j = 0; j < WINO_IN; j++) {
		for (int i = 0; i < WINO_IN; i++) {
			Node *at[3] = { kb_i(kb, i * WINO_IN + j), tile, col };
			in[i] = kb_load_buf(kb, z->m, at);
		}
		for (int i = 0; i < WINO_TILE; i++) {
			Node *to[2] = { kb_i(kb, i * WINO_IN + j), lane };
			kb_store_buf(kb, z->t, to, combine(kb, WINO_IN, wino_output[i], in));
		}
	}
	for (int i = 0; i < WINO_TILE; i++) {
		for (int j = 0; j < WINO_IN; j++) {
			Node *from[2] = { kb_i(kb, i * WINO_IN + j), lane };
			in[j] = kb_load_buf(kb, z->t, from);
			in[j] = kb_var(kb, "h", in[j], in[j]->axes);
		}
		for (int j = 0; j < WINO_TILE; j++) {
			Node *to[4] = { tile, kb_i(kb, i), kb_i(kb, j), col };
			kb_store_buf(kb, z->y, to, combine(kb, WINO_IN, wino_output[j], in));
		}
	}
}

/* Rows or columns of the tile inside the result. */
static Node *inside(Wino *z, Node *first, int64_t size)
{
	KBuilder *kb = z->kb;
	if (size % WINO_TILE == 0)
		return NULL;
	return kb_emit2(kb, OP_min, kb_i(kb, WINO_TILE), kb_affine(kb, first, -1, size));
}

static void finish_vector(Wino *z, Node *col, Node *tile)
{
	KBuilder *kb = z->kb;
	Node *place[3], *i = axis(z, "i", AX_LOOP, WINO_TILE, 0);
	Node *j = axis(z, "j", AX_LOOP, WINO_TILE, 0);
	tile_place(z, kb_iadd(kb, z->t0, tile), place);
	kb_open_range(kb, i, NULL, inside(z, place[1], z->oh));
	kb_open_range(kb, j, NULL, inside(z, place[2], z->ow));
	Node *from[4] = { tile, i, j, col };
	Node *at[4] = { place[0], kb_iadd(kb, place[1], i), kb_iadd(kb, place[2], j),
			kb_iadd(kb, kb_imul(kb, z->cb, z->width), col) };
	kb_bind(kb, z->anchor, at, kb_load_buf(kb, z->y, from));
	store_outputs(z->l, at);
	kb_close(kb);
	kb_close(kb);
}

/* Whole blocks of columns, or the `cols` first of the last one. */
static void transform_outputs(Wino *z, int64_t cols)
{
	KBuilder *kb = z->kb;
	Node *tile = z->rows > 1 ? axis(z, "tile", AX_LOOP, z->rows, 0) : kb_i(kb, 0);
	if (z->rows > 1)
		kb_open(kb, tile);
	over_vectors(z, z->width, tile, output_vector);
	over_vectors(z, cols, tile, finish_vector);
	if (z->rows > 1)
		kb_close(kb);
}

/* --- tasks ----------------------------------------------------------------------------------- */

typedef void ColumnsFn(Wino *z, int64_t cols);

/* fn with the columns of the block: those of whole ones and of the last one in code of their own.
 */
static void by_columns(Wino *z, ColumnsFn *fn)
{
	KBuilder *kb = z->kb;
	int64_t full = z->cols / z->width, rest = z->cols % z->width;
	for (int part = 0; part < 2; part++) {
		if (part ? !rest : !full)
			continue;
		if (full && rest)
			kb_open_if(kb, kb_emit2(kb, part ? OP_ge : OP_lt, z->cb, kb_i(kb, full)));
		fn(z, part ? rest : z->width);
		if (full && rest)
			kb_close(kb);
	}
}

static void add_chunk(Wino *z, Node *c0, bool more)
{
	z->c0 = c0;
	if (z->u >= 0)
		by_columns(z, transform_weights);
	multiply(z, more);
}

static void run_columns(Wino *z, Node *lo, Node *hi)
{
	KBuilder *kb = z->kb;
	z->cb = axis(z, "n", AX_LOOP, (z->cols + z->width - 1) / z->width, 0);
	kb_open_range(kb, z->cb, lo, hi);
	add_chunk(z, kb_i(kb, 0), false);
	if (z->chunk < z->c) {
		Node *q = axis(z, "q", AX_LOOP, (z->c - 1) / z->chunk, 0);
		kb_open(kb, q);
		add_chunk(z, kb_affine(kb, q, z->chunk, z->chunk), true);
		kb_close(kb);
	}
	by_columns(z, transform_outputs);
	kb_close(kb);
}

static void run_tasks(Wino *z)
{
	KBuilder *kb = z->kb;
	int64_t blocks = (z->cols + z->width - 1) / z->width;
	Node *task = kb_axis(kb, "t", AX_TASK, z->tiles.parts * z->groups, 0);
	kb_open(kb, task);
	Node *group = kb_imod(kb, task, z->groups), *block = kb_idiv(kb, task, z->groups);
	Node *lo = kb_imul(kb, group, z->per_group), *hi = kb_affine(kb, lo, 1, z->per_group);
	if (blocks % z->per_group)
		hi = kb_emit2(kb, OP_min, hi, kb_i(kb, blocks));
	for (int big = 1; big >= 0; big--) {
		EvenSplit e = z->tiles;
		z->rows = big ? e.big : e.big - 1;
		if (!(big ? e.n_big : e.parts - e.n_big) || !z->rows)
			continue;
		bool choose = e.n_big < e.parts;
		if (choose)
			kb_open_if(kb, kb_emit2(kb, big ? OP_lt : OP_ge, block, kb_i(kb, e.n_big)));
		z->t0 = even_start(kb, e, block, big);
		transform_inputs(z);
		run_columns(z, z->groups > 1 ? lo : NULL, z->groups > 1 ? hi : NULL);
		if (choose)
			kb_close(kb);
	}
	kb_close(kb);
}

static void make_scratch(Wino *z)
{
	int64_t v[3] = { WINO_POINTS, z->tiles.big, z->c };
	int64_t m[3] = { WINO_POINTS, z->tiles.big, z->width };
	int64_t t[2] = { WINO_POINTS, z->lanes };
	int64_t y[4] = { z->tiles.big, WINO_TILE, WINO_TILE, z->width };
	int64_t u[2] = { WINO_POINTS, z->chunk * z->width };
	z->v = kb_scratch(z->kb, "inputs", DT_f32, 3, v, 16);
	z->m = kb_scratch(z->kb, "products", DT_f32, 3, m, 16);
	z->t = kb_scratch(z->kb, "half", DT_f32, 2, t, 0);
	z->y = kb_scratch(z->kb, "results", DT_f32, 4, y, 0);
	z->u = -1;
	if (ATTR_OF(z->anchor, winograd)->plain)
		z->u = kb_scratch(z->kb, "weights", DT_f32, 2, u, 16);
}

/* Blocks of tiles that keep V in the cache; where there are few, the columns are cut as well and
 * every group transforms the inputs again. Plain weights are transformed again for every block:
 * larger ones, which go through the next cache. */
static void cut(Wino *z)
{
	int64_t n = z->images * z->th * z->tw, most = SCRATCH_BYTES / (WINO_POINTS * z->c * 4);
	int64_t blocks = (z->cols + z->width - 1) / z->width;
	most = most < 4 ? 4 : most > 28 ? 28 : most;
	if (ATTR_OF(z->anchor, winograd)->plain)
		most = TILES_OF_PLAIN;
	z->tiles = even_split(n, most);
	z->groups = 1;
	while (z->tiles.parts * z->groups < WANTED_TASKS && z->groups < blocks)
		z->groups *= 2;
	z->per_group = (blocks + z->groups - 1) / z->groups;
	z->groups = (blocks + z->per_group - 1) / z->per_group;
}

void template_winograd(Lowering *l)
{
	Wino z = { .l = l, .kb = l->kb, .anchor = l->group->anchor };
	const Type *t = z.anchor->type;
	z.x = z.anchor->in[0];
	z.w = z.anchor->in[1];
	z.images = t->dim[0];
	z.oh = t->dim[1];
	z.ow = t->dim[2];
	z.cols = t->dim[3];
	z.th = (z.oh + WINO_TILE - 1) / WINO_TILE;
	z.tw = (z.ow + WINO_TILE - 1) / WINO_TILE;
	z.c = z.x->type->dim[3];
	z.panel = z.w->type->dim[3];
	z.lanes = target_lanes(kb_target(l->kb), 4);
	z.width = z.panel < 2 * z.lanes ? z.panel : 2 * z.lanes;
	if (ATTR_OF(z.anchor, winograd)->plain)
		z.width = z.cols <= z.lanes ? z.lanes : 2 * z.lanes;
	z.chunk = z.c;
	if (ATTR_OF(z.anchor, winograd)->plain && z.c > CHANNELS_OF_CHUNK)
		z.chunk = CHANNELS_OF_CHUNK;
	cut(&z);
	make_scratch(&z);
	run_tasks(&z);
	double tiles = (double)(z.images * z.th * z.tw);
	kb_kernel(l->kb)->flops = 2.0 * WINO_POINTS * tiles * (double)z.c * (double)z.cols;
}

/* --- tiles alone ----------------------------------------------------------------------------- */

enum { TILES_OF_TASK = 8 };

/* What the products of the weights' gradient multiply, in memory: of all points all tiles. */
void template_winograd_tiles(Lowering *l)
{
	Wino z = { .l = l, .kb = l->kb, .anchor = l->group->anchor, .v = -1 };
	KBuilder *kb = l->kb;
	z.x = z.anchor->in[0];
	z.gradient = ATTR_OF(z.anchor, winograd_tiles)->gradient;
	const int64_t *x = z.x->type->dim;
	int64_t n = z.anchor->type->dim[1], each = n / 32, border = z.gradient ? 0 : 2;
	z.images = x[0];
	z.th = (x[1] - border) / WINO_TILE;
	z.tw = (x[2] - border) / WINO_TILE;
	z.c = x[3];
	z.lanes = target_lanes(kb_target(kb), 4);
	int64_t t[2] = { WINO_POINTS, z.lanes };
	z.t = kb_scratch(kb, "half", DT_f32, 2, t, 0);
	each = each < 1 ? 1 : each > TILES_OF_TASK ? TILES_OF_TASK : each;
	Node *task = kb_axis(kb, "t", AX_TASK, (n + each - 1) / each, 0);
	kb_open(kb, task);
	z.t0 = kb_imul(kb, task, each);
	Node *tile = kb_axis(kb, "i", AX_LOOP, each, 0);
	Node *left = kb_emit2(kb, OP_min, kb_i(kb, each), kb_affine(kb, z.t0, -1, n));
	kb_open_range(kb, tile, NULL, n % each ? left : NULL);
	over_vectors(&z, z.c, tile, input_vector);
	kb_close(kb);
	kb_close(kb);
}
