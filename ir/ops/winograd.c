/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Convolution by F(4x4, 3x3) on transformed weights, and the transforms of tiles that the gradient
 * of its weights is made of: types, and evaluation tile by tile. */
#include "ir/ops/winograd.h"
#include "ir/hooks.h"
#include "ir/ops/util.h"

static int64_t tiles(int64_t size)
{
	return (size + WINO_TILE - 1) / WINO_TILE;
}

static bool weights_fit(const Attr_winograd *a, const Type *w, int64_t in)
{
	int64_t panel = w->dim[3], out = a->size.v[2];
	if (w->dim[2] != in)
		return false;
	if (a->plain)
		return w->dim[0] == 3 && w->dim[1] == 3 && panel == out;
	return panel >= 1 && w->dim[0] == (out + panel - 1) / panel && w->dim[1] == WINO_POINTS;
}

const Type *infer_winograd(Builder *b, Op op, Attr attr, Node *const *in, int n_in)
{
	(void)n_in;
	const Attr_winograd *a = attr;
	const Type *x = in[0]->type, *w = in[1]->type;
	if (!check_rank(b, op, 0, in, 4) || !check_rank(b, op, 1, in, 4) ||
	    !check_float_dtype(b, op, 0, in) || !check_same_dtype(b, op, 0, 1, in) ||
	    !check_ints(b, op, "size", a->size, 3, 1, MAX_ELEMENTS))
		return NULL;
	int64_t h = a->size.v[0], wd = a->size.v[1], out = a->size.v[2];
	if (!weights_fit(a, w, x->dim[3]))
		return builder_error(b, E5011,
				     "winograd: weights %s do not fit %lld input and "
				     "%lld output channels",
				     type_text(b, w), (long long)x->dim[3], (long long)out);
	if (x->dim[1] != tiles(h) * WINO_TILE + 2 || x->dim[2] != tiles(wd) * WINO_TILE + 2)
		return builder_error(b, E5011, "winograd: the input is not the tiles' %lld x %lld",
				     (long long)(tiles(h) * WINO_TILE + 2),
				     (long long)(tiles(wd) * WINO_TILE + 2));
	int64_t dim[4] = { x->dim[0], h, wd, out };
	return result_type(b, op, x->dtype, 4, dim);
}

/* Tiles along a dimension of x: inputs overlap by the border of 2. */
static int64_t whole_tiles(const Attr_winograd_tiles *a, int64_t size)
{
	return (a->gradient ? size : size - 2) / WINO_TILE;
}

const Type *infer_winograd_tiles(Builder *b, Op op, Attr attr, Node *const *in, int n_in)
{
	(void)n_in;
	const Attr_winograd_tiles *a = attr;
	const Type *x = in[0]->type;
	if (!check_rank(b, op, 0, in, 4) || !check_float_dtype(b, op, 0, in))
		return NULL;
	int64_t th = whole_tiles(a, x->dim[1]), tw = whole_tiles(a, x->dim[2]);
	int64_t border = a->gradient ? 0 : 2;
	if (th < 0 || tw < 0 || x->dim[1] != th * WINO_TILE + border ||
	    x->dim[2] != tw * WINO_TILE + border)
		return builder_error(b, E5011, "winograd_tiles: %s does not consist of whole tiles",
				     type_text(b, x));
	int64_t dim[3] = { WINO_POINTS, x->dim[0] * th * tw, x->dim[3] };
	return result_type(b, op, x->dtype, 3, dim);
}

/* --- evaluation ------------------------------------------------------------------------------ */

/* out = m^T in m: of a tile of the gradient, for the m of the results */
static void transform_back(const double (*m)[WINO_IN], const double *in, double *out)
{
	for (int p = 0; p < WINO_POINTS; p++) {
		out[p] = 0;
		for (int k = 0; k < WINO_TILE * WINO_TILE; k++)
			out[p] += m[k / WINO_TILE][p / WINO_IN] * m[k % WINO_TILE][p % WINO_IN] *
				  in[k];
	}
}

/* out = m in m^T, for an m of rows x WINO_IN */
static void transform(int rows, const double (*m)[WINO_IN], const double *in, double *out)
{
	double half[WINO_IN][WINO_IN];
	for (int i = 0; i < rows; i++)
		for (int j = 0; j < WINO_IN; j++) {
			half[i][j] = 0;
			for (int k = 0; k < WINO_IN; k++)
				half[i][j] += m[i][k] * in[k * WINO_IN + j];
		}
	for (int i = 0; i < rows; i++)
		for (int j = 0; j < rows; j++) {
			out[i * rows + j] = 0;
			for (int k = 0; k < WINO_IN; k++)
				out[i * rows + j] += half[i][k] * m[j][k];
		}
}

/* v[point][channel] of the tile whose first input is x[n][y][z] */
static void tile_input(const EvalCall *c, int64_t n, int64_t y, int64_t z, double *v)
{
	const Type *x = c->in[0]->type;
	int64_t channels = x->dim[3];
	for (int64_t ch = 0; ch < channels; ch++) {
		double d[WINO_POINTS], t[WINO_POINTS];
		for (int i = 0; i < WINO_POINTS; i++) {
			int64_t at[4] = { n, y + i / WINO_IN, z + i % WINO_IN, ch };
			d[i] = c->in[0]->f[flat_index(x, at)];
		}
		transform(WINO_IN, wino_input, d, t);
		for (int p = 0; p < WINO_POINTS; p++)
			v[p * channels + ch] = t[p];
	}
}

/* The transformed weight of point p, input channel ch, output channel o. */
static double weight_at(const EvalCall *c, int p, int64_t ch, int64_t o)
{
	const Type *w = c->in[1]->type;
	int64_t panel = w->dim[3], at[4] = { o / panel, p, ch, o % panel };
	if (!ATTR_OF(c->n, winograd)->plain)
		return c->in[1]->f[flat_index(w, at)];
	double sum = 0;
	for (int q = 0; q < 9; q++) {
		int64_t tap[4] = { q / 3, q % 3, ch, o };
		sum += wino_weight[p / WINO_IN][q / 3] * wino_weight[p % WINO_IN][q % 3] *
		       c->in[1]->f[flat_index(w, tap)];
	}
	return sum;
}

/* All of them: [point][input channel][output channel] */
static double *all_weights(const EvalCall *c)
{
	int64_t in = c->in[1]->type->dim[2], out = c->out->type->dim[3];
	double *u = ARENA_ARRAY(c->arena, double, WINO_POINTS *in *out + 1);
	for (int64_t i = 0; i < WINO_POINTS * in * out; i++)
		u[i] = weight_at(c, (int)(i / out / in), i / out % in, i % out);
	return u;
}

static void tile_output(const EvalCall *c, const double *u, int64_t n, int64_t y, int64_t z,
			int64_t o, const double *v)
{
	const Type *t = c->out->type;
	int64_t channels = c->in[1]->type->dim[2];
	double m[WINO_POINTS], r[WINO_TILE * WINO_TILE];
	for (int p = 0; p < WINO_POINTS; p++) {
		m[p] = 0;
		for (int64_t ch = 0; ch < channels; ch++)
			m[p] += v[p * channels + ch] * u[(p * channels + ch) * t->dim[3] + o];
	}
	transform(WINO_TILE, wino_output, m, r);
	for (int i = 0; i < WINO_TILE * WINO_TILE; i++) {
		int64_t at[4] = { n, y + i / WINO_TILE, z + i % WINO_TILE, o };
		if (at[1] < t->dim[1] && at[2] < t->dim[2])
			c->out->f[flat_index(t, at)] = r[i];
	}
}

void eval_winograd(const EvalCall *c)
{
	const Type *t = c->out->type;
	double *v = ARENA_ARRAY(c->arena, double, WINO_POINTS * c->in[0]->type->dim[3]);
	const double *u = all_weights(c);
	for (int64_t n = 0; n < t->dim[0]; n++)
		for (int64_t y = 0; y < t->dim[1]; y += WINO_TILE)
			for (int64_t z = 0; z < t->dim[2]; z += WINO_TILE) {
				tile_input(c, n, y, z, v);
				for (int64_t o = 0; o < t->dim[3]; o++)
					tile_output(c, u, n, y, z, o, v);
			}
}

static void one_tile(const EvalCall *c, int64_t tile, int64_t channel, double *v)
{
	const Attr_winograd_tiles *a = ATTR_OF(c->n, winograd_tiles);
	const Type *x = c->in[0]->type;
	int64_t th = whole_tiles(a, x->dim[1]), tw = whole_tiles(a, x->dim[2]);
	int size = a->gradient ? WINO_TILE : WINO_IN;
	double d[WINO_POINTS];
	for (int i = 0; i < size * size; i++) {
		int64_t at[4] = { tile / tw / th, tile / tw % th * WINO_TILE + i / size,
				  tile % tw * WINO_TILE + i % size, channel };
		d[i] = c->in[0]->f[flat_index(x, at)];
	}
	if (a->gradient)
		transform_back(wino_output, d, v);
	else
		transform(WINO_IN, wino_input, d, v);
}

void eval_winograd_tiles(const EvalCall *c)
{
	const Type *t = c->out->type;
	for (int64_t i = 0; i < t->dim[1] * t->dim[2]; i++) {
		double v[WINO_POINTS];
		one_tile(c, i / t->dim[2], i % t->dim[2], v);
		for (int p = 0; p < WINO_POINTS; p++)
			c->out->f[p * t->dim[1] * t->dim[2] + i] = v[p];
	}
}
