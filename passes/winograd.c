/* Winograd: 3x3 convolutions of stride 1 by F(4x4, 3x3) where it pays: a quarter of the products,
 * for four times the weights and some additions. The weights are transformed by a product with the
 * Kronecker square of G: when the model is compiled, or, when they change from run to run (in
 * training), in the run, which pays when a batch has many tiles. Not under fp=strict: sums are
 * reordered; the error stays near 1e-5 of the largest output. */
#include "ir/ops/winograd.h"
#include "passes/pattern.h"

enum {
	LEAST_CHANNELS = 32, /* fewer: the transforms cost more than the products save */
	LEAST_PIXELS = 144,  /* smaller maps read more weights than they save products */
	LEAST_TILES = 96,    /* of weights that change: fewer do not pay for transforming them */
	PANEL = 32
};

static bool all_are(Ints v, int64_t want)
{
	for (int i = 0; i < v.n; i++)
		if (v.v[i] != want)
			return false;
	return true;
}

/* Enough tiles for their weights, most of them inside of the result. */
static bool enough_tiles(const Node *n, bool is_static)
{
	int64_t h = n->type->dim[1], w = n->type->dim[2];
	int64_t tiles = ((h + WINO_TILE - 1) / WINO_TILE) * ((w + WINO_TILE - 1) / WINO_TILE);
	if (is_static)
		return h * w >= LEAST_PIXELS;
	return n->type->dim[0] * tiles >= LEAST_TILES &&
	       3 * h * w >= 2 * tiles * WINO_TILE * WINO_TILE;
}

static bool pays(const Rewrite *w, const Node *n)
{
	const Attr_conv *a = ATTR_OF(n, conv);
	const Type *k = n->in[1]->type, *t = n->type;
	if (!a->channels_last || a->groups != 1 || a->panel || t->dtype != DT_f32 ||
	    w->is_static[n->id] || k->dim[0] != 3 || k->dim[1] != 3)
		return false;
	return all_are(a->stride, 1) && all_are(a->dilation, 1) && all_are(a->pad, 0) &&
	       k->dim[2] >= LEAST_CHANNELS && k->dim[3] >= LEAST_CHANNELS &&
	       enough_tiles(n, w->is_static[n->in[1]->id]);
}

/* G (x) G as a constant [36, 9] */
static Node *weight_transform(Builder *b)
{
	float m[WINO_POINTS][9];
	int64_t dim[2] = { WINO_POINTS, 9 };
	for (int p = 0; p < WINO_POINTS; p++)
		for (int q = 0; q < 9; q++)
			m[p][q] = (float)(wino_weight[p / WINO_IN][q / 3] *
					  wino_weight[p % WINO_IN][q % 3]);
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
	Node *u = emit_matmul(b, weight_transform(b), emit_reshape(b, k, 2, flat), false, false);
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

Graph *pass_winograd(const Pass *p, const Graph *g, Arena *arena)
{
	Rewrite w;
	rewrite_start(&w, p, g, arena);
	for (int i = 0; i < g->node.n; i++) {
		Node *n = g->node.at[i], *y = NULL;
		rewrite_place(&w, n);
		if (n->op == OP_conv && p->ctx->fp != FP_STRICT && pays(&w, n)) {
			int64_t size[3] = { n->type->dim[1], n->type->dim[2], n->type->dim[3] };
			Attr_winograd a = { .size = { 3, size } };
			Node *in[2] = { whole_tiles(w.b, w.map[n->in[0]->id], n->type),
					transformed_weights(w.b, w.map[n->in[1]->id]) };
			y = emit(w.b, OP_winograd, attr_intern(p->ctx, ATTR_winograd_RECORD, &a),
				 in, 2);
			if (!is_poison(y))
				y->name = n->name;
		}
		w.map[n->id] = y ? y : rewrite_copy(&w, n);
	}
	return rewrite_finish(&w);
}
