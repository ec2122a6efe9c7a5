/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Winograd: 3x3 convolutions of stride 1 by F(4x4, 3x3) where it pays: a quarter of the products,
 * for four times the weights and some additions. The weights are transformed by a product with the
 * Kronecker square of G: when the model is compiled, or, when they change from run to run (in
 * training), in the run, which pays when a batch has many tiles.
 *
 * The gradient of such a convolution's weights is made the same way, by F(3x3, 4x4) on the same
 * points: tiles of the input and of the result's gradient are transformed (winograd_tiles), a
 * product for each of the 36 points sums over all tiles, and the sums are transformed back.
 *
 * Not under fp=strict: sums are reordered; the error stays near 1e-5 of the largest output. */
#include "ir/ops/winograd.h"
#include "passes/pattern.h"

enum {
	LEAST_CHANNELS = 32, /* fewer: the transforms cost more than the products save */
	LEAST_PIXELS = 144,  /* smaller maps read more weights than they save products */
	LEAST_TILES = 24,    /* of weights that change: fewer do not pay for transforming them */
	MOST_PLAIN = 256,    /* tiles: of weights that change, transformed by the kernel itself */
	LEAST_PRODUCTS = 20, /* of an element of a weights' gradient */
	CACHES_OF_PART = 10, /* times L2: what is written and soon read, by all threads together */
	MOST_PARTS = 8,
	PANEL = 32
};

static bool all_are(Ints v, int64_t want)
{
	for (int i = 0; i < v.n; i++)
		if (v.v[i] != want)
			return false;
	return true;
}

static int64_t tiles_along(int64_t size)
{
	return (size + WINO_TILE - 1) / WINO_TILE;
}

/* Enough tiles for their weights, most of them inside of the result. */
static bool enough_tiles(const Node *n, bool is_static)
{
	int64_t h = n->type->dim[1], w = n->type->dim[2];
	int64_t tiles = tiles_along(h) * tiles_along(w);
	if (is_static)
		return h * w >= LEAST_PIXELS;
	return n->type->dim[0] * tiles >= LEAST_TILES &&
	       3 * h * w >= 2 * tiles * WINO_TILE * WINO_TILE;
}

/* A convolution, or the gradient of its weights, with weights of this type. */
static bool fits(const Rewrite *w, const Node *n, const Type *weights)
{
	const Attr_conv *a = ATTR_OF(n, conv);
	return a->channels_last && a->groups == 1 && !a->panel && n->type->dtype == DT_f32 &&
	       !w->is_static[n->id] && weights->dim[0] == 3 && weights->dim[1] == 3 &&
	       all_are(a->stride, 1) && all_are(a->dilation, 1) && all_are(a->pad, 0);
}

static bool pays(const Rewrite *w, const Node *n)
{
	const Type *k = n->in[1]->type;
	return fits(w, n, k) && k->dim[2] >= LEAST_CHANNELS && k->dim[3] >= LEAST_CHANNELS &&
	       enough_tiles(n, w->is_static[n->in[1]->id]);
}

/* Each element of the transformed operands must be in enough products: of C and O channels and T
 * tiles there are 36 C O T products, and 36 (C T + O T + C O) elements in memory. */
static bool gradient_pays(const Rewrite *w, const Node *n)
{
	const Type *t = n->type, *y = n->in[1]->type;
	if (!fits(w, n, t))
		return false;
	double tiles =
		(double)y->dim[0] * (double)tiles_along(y->dim[1]) * (double)tiles_along(y->dim[2]);
	double pixels = (double)y->dim[0] * (double)y->dim[1] * (double)y->dim[2];
	return 1 / (double)t->dim[2] + 1 / (double)t->dim[3] + 1 / tiles <=
		       1 / (double)LEAST_PRODUCTS &&
	       3 * pixels >= 2 * tiles * WINO_TILE * WINO_TILE;
}

/* G (x) G as a constant [36, 9], or its transpose */
static Node *weight_transform(Builder *b, bool back)
{
	float m[WINO_POINTS * 9];
	int64_t dim[2] = { back ? 9 : WINO_POINTS, back ? WINO_POINTS : 9 };
	for (int i = 0; i < WINO_POINTS * 9; i++) {
		int p = back ? i % WINO_POINTS : i / 9, q = back ? i / WINO_POINTS : i % 9;
		m[i] = (float)(wino_weight[p / WINO_IN][q / 3] * wino_weight[p % WINO_IN][q % 3]);
	}
	return emit_const(b, type_get(b->ctx, DT_f32, 2, dim), m);
}

/* [3,3,C,O] to [ceil(O/P), 36, C, P] */
static Node *transformed_weights(Builder *b, Node *k)
{
	static const int to_panels[4] = { 2, 0, 1, 3 };
	int64_t c = k->type->dim[2], o = k->type->dim[3], panels = (o + PANEL - 1) / PANEL;
	int64_t flat[2] = { 9, c * o }, rows[2] = { WINO_POINTS * c, o };
	int64_t cut[4] = { WINO_POINTS, c, panels, PANEL };
	int64_t low[2] = { 0, 0 }, high[2] = { 0, panels * PANEL - o };
	Node *u = emit_matmul(b, weight_transform(b, false), emit_reshape(b, k, 2, flat), false,
			      false);
	u = emit_reshape(b, u, 2, rows);
	if (high[1])
		u = emit_pad(b, u, emit_scalar(b, DT_f32, 0), low, high, NULL);
	return emit_transpose(b, emit_reshape(b, u, 4, cut), to_panels);
}

/* The operand with its height and width at whole tiles: more of the border it has. */
static Node *whole_tiles(Builder *b, Node *x, const Type *t)
{
	int64_t low[4] = { 0 }, high[4] = { 0 };
	Node *value = emit_scalar(b, DT_f32, 0);
	for (int d = 1; d < 3; d++)
		high[d] = (WINO_TILE - t->dim[d] % WINO_TILE) % WINO_TILE;
	if (!high[1] && !high[2])
		return x;
	if (x->op == OP_pad && !ATTR_OF(x, pad)->interior.n && x->in[1] == value) {
		const Attr_pad *a = ATTR_OF(x, pad);
		for (int d = 0; d < 4; d++) {
			low[d] = a->low.v[d];
			high[d] += a->high.v[d];
		}
		x = x->in[0];
	}
	return emit_pad(b, x, value, low, high, NULL);
}

static Node *convolution(Rewrite *w, const Node *n)
{
	int64_t size[3] = { n->type->dim[1], n->type->dim[2], n->type->dim[3] };
	int64_t tiles = n->type->dim[0] * tiles_along(size[0]) * tiles_along(size[1]);
	bool plain = !w->is_static[n->in[1]->id] && tiles <= MOST_PLAIN;
	Attr_winograd a = { .size = { 3, size }, .plain = plain };
	Node *k = w->map[n->in[1]->id];
	Node *in[2] = { whole_tiles(w->b, w->map[n->in[0]->id], n->type),
			plain ? k : transformed_weights(w->b, k) };
	return emit(w->b, OP_winograd, attr_intern(w->p->ctx, ATTR_winograd_RECORD, &a), in, 2);
}

static Node *tiles_of(Builder *b, Node *x, bool gradient)
{
	Attr_winograd_tiles a = { .gradient = gradient };
	return emit(b, OP_winograd_tiles, attr_intern(b->ctx, ATTR_winograd_tiles_RECORD, &a), &x,
		    1);
}

/* How many of n things, of so many bytes each, go through the cache together. */
static int64_t part_size(const Rewrite *w, int64_t n, int64_t bytes)
{
	int64_t most = CACHES_OF_PART * w->p->o->target.l2_bytes;
	int64_t parts = (n * bytes + most - 1) / most;
	parts = parts > MOST_PARTS ? MOST_PARTS : parts;
	return (n + parts - 1) / parts;
}

/* Images of a part of the batch whose transformed tiles stay in the cache until they are
 * multiplied. */
static int64_t images_of_part(const Rewrite *w, const Type *y, int64_t in, int64_t out)
{
	int64_t tiles = tiles_along(y->dim[1]) * tiles_along(y->dim[2]);
	return part_size(w, y->dim[0], 4 * WINO_POINTS * tiles * (in + out));
}

static Node *some_images(Builder *b, Node *x, int64_t first, int64_t n)
{
	int64_t begin[4] = { first }, step[4] = { 1, 1, 1, 1 };
	int64_t count[4] = { n, x->type->dim[1], x->type->dim[2], x->type->dim[3] };
	return emit_slice(b, x, begin, count, step);
}

/* Sums over all tiles for n of the input's channels, from `first` on: [36, n * O] */
static Node *sums_of_products(Rewrite *w, Node *x, Node *dy, int64_t first, int64_t n)
{
	Builder *b = w->b;
	int64_t left = dy->type->dim[0], out = dy->type->dim[3];
	int64_t each = images_of_part(w, dy->type, x->type->dim[3], out);
	int64_t begin[3] = { 0, 0, first }, step[3] = { 1, 1, 1 };
	int64_t flat[2] = { WINO_POINTS, n * out };
	Node *sum = NULL;
	for (int64_t image = 0; left > 0; image += each, left -= each) {
		int64_t images = left < each ? left : each;
		Node *v = tiles_of(b, some_images(b, x, image, images), false);
		Node *u = tiles_of(b, some_images(b, dy, image, images), true);
		int64_t count[3] = { WINO_POINTS, v->type->dim[1], n };
		Node *part = emit_matmul(b, emit_slice(b, v, begin, count, step), u, true, false);
		sum = sum ? emit2(b, OP_add, part, sum) : part;
	}
	return emit_reshape(b, sum, 2, flat);
}

/* G^T [ sum over tiles (B^T x B) * (A dy A^T) ] G, in parts of the input's channels whose sums stay
 * in the cache until they are transformed back. */
static Node *weight_gradient(Rewrite *w, const Node *n)
{
	Builder *b = w->b;
	const Type *y = n->in[1]->type, *t = n->type;
	int64_t channels = t->dim[2], each = part_size(w, channels, 4 * WINO_POINTS * t->dim[3]);
	Node *x = whole_tiles(b, w->map[n->in[0]->id], y), *part[MOST_PARTS];
	Node *dy = whole_tiles(b, w->map[n->in[1]->id], y);
	int parts = 0;
	for (int64_t first = 0; first < channels; first += each) {
		int64_t some = channels - first < each ? channels - first : each;
		part[parts++] = emit_matmul(b, weight_transform(b, true),
					    sums_of_products(w, x, dy, first, some), false, false);
	}
	return emit_reshape(b, parts > 1 ? emit_concat(b, part, parts, 1) : part[0], 4, t->dim);
}

Graph *pass_winograd(const Pass *p, const Graph *g, Arena *arena)
{
	Rewrite w;
	rewrite_start(&w, p, g, arena);
	for (int i = 0; i < g->node.n; i++) {
		Node *n = g->node.at[i], *y = NULL;
		rewrite_place(&w, n);
		if (p->ctx->fp == FP_STRICT)
			y = NULL;
		else if (n->op == OP_conv && pays(&w, n))
			y = convolution(&w, n);
		else if (n->op == OP_conv_dw && gradient_pays(&w, n))
			y = weight_gradient(&w, n);
		if (y && !is_poison(y))
			y->name = n->name;
		w.map[n->id] = y ? y : rewrite_copy(&w, n);
	}
	return rewrite_finish(&w);
}
