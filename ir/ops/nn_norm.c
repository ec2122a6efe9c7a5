/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Normalisations. The statistics are written so that algebra can fold them: batch norm in inference
 * is x * s + t with s and t made of parameters alone. */
#include "ir/hooks.h"
#include "ir/ops/nn.h"

/* --- batch norm ------------------------------------------------------------------------------ */

bool expand_batchnorm(Builder *b, const Node *n, Node **out)
{
	Node *x = n->in[0], *scale = n->in[1], *shift = n->in[2], *mean = n->in[3];
	int rank = x->type->rank;
	if (!check_min_rank(b, n, 0, 2) || !check_float_dtype(b, n->op, 0, n->in))
		return false;
	for (int i = 1; i < 5; i++)
		if (!check_vector(b, n, i, x->type->dim[1]) ||
		    !check_same_dtype(b, n->op, 0, i, n->in))
			return false;
	Node *deviation = emit_c2(b, OP_add, n->in[4], ATTR_OF(n, batchnorm)->eps);
	Node *s = emit2(b, OP_div, scale, emit1(b, OP_sqrt, deviation));
	Node *t = emit2(b, OP_sub, shift, emit2(b, OP_mul, mean, s));
	Node *y = emit_b2(b, OP_mul, x, along_channels(b, s, rank));
	return expand_done(b, out, emit_b2(b, OP_add, y, along_channels(b, t, rank)));
}

/* --- statistics of each row ------------------------------------------------------------------ */

Node *emit_unit_size(Builder *b, Node *x, int n_axes, const int64_t *axes, double eps, Node **size)
{
	Node *square = emit_mean(b, emit2(b, OP_mul, x, x), n_axes, axes, true);
	*size = emit1(b, OP_sqrt, emit_c2(b, OP_add, square, eps));
	return emit_b2(b, OP_div, x, *size);
}

Node *emit_centred(Builder *b, Node *x, int n_axes, const int64_t *axes)
{
	return emit_b2(b, OP_sub, x, emit_mean(b, x, n_axes, axes, true));
}

/* mean 0, variance 1 */
static Node *normalised(Builder *b, Node *x, int n_axes, const int64_t *axes, double eps)
{
	Node *size;
	return emit_unit_size(b, emit_centred(b, x, n_axes, axes), n_axes, axes, eps, &size);
}

int axes_from(int64_t first, int rank, int64_t axes[MAX_RANK])
{
	int n = 0;
	for (int i = axis_norm(first, rank); i < rank; i++)
		axes[n++] = i;
	return n;
}

/* scale and shift repeat to the normalised dimensions */
static bool check_affine(Builder *b, const Node *n, int i)
{
	int64_t dim[MAX_RANK];
	const Type *x = n->in[0]->type;
	if (!given_input(n, i))
		return true;
	if (!check_same_dtype(b, n->op, 0, i, n->in))
		return false;
	bool fits = broadcast_shape(x, n->in[i]->type, dim) == x->rank;
	for (int d = 0; fits && d < x->rank; d++)
		fits = dim[d] == x->dim[d];
	if (fits)
		return true;
	builder_error(b, E5011, "%s: %s is %s, it does not repeat to x, %s", op_info(n->op)->name,
		      input_name(n->op, i), type_text(b, n->in[i]->type), type_text(b, x));
	return false;
}

static bool check_norm(Builder *b, const Node *n, int64_t axis)
{
	return check_float_dtype(b, n->op, 0, n->in) && check_min_rank(b, n, 0, 1) &&
	       check_axis(b, n->op, axis, n->in[0]->type->rank) && check_affine(b, n, 1) &&
	       check_affine(b, n, 2);
}

static Node *affine(Builder *b, Node *y, Node *scale, Node *shift)
{
	if (scale)
		y = emit_b2(b, OP_mul, y, scale);
	return shift ? emit_b2(b, OP_add, y, shift) : y;
}

bool expand_layernorm(Builder *b, const Node *n, Node **out)
{
	const Attr_norm *a = ATTR_OF(n, norm);
	int64_t axes[MAX_RANK];
	if (!check_norm(b, n, a->axis))
		return false;
	int count = axes_from(a->axis, n->in[0]->type->rank, axes);
	Node *y = normalised(b, n->in[0], count, axes, a->eps);
	return expand_done(b, out, affine(b, y, given_input(n, 1), given_input(n, 2)));
}

bool expand_rmsnorm(Builder *b, const Node *n, Node **out)
{
	const Attr_norm *a = ATTR_OF(n, norm);
	int64_t axes[MAX_RANK];
	if (!check_norm(b, n, a->axis))
		return false;
	int count = axes_from(a->axis, n->in[0]->type->rank, axes);
	Node *size, *y = emit_unit_size(b, n->in[0], count, axes, a->eps, &size);
	return expand_done(b, out, affine(b, y, given_input(n, 1), NULL));
}

/* --- group norm ------------------------------------------------------------------------------ */

static bool check_groupnorm(Builder *b, const Node *n, int64_t groups)
{
	const Type *x = n->in[0]->type;
	if (groups < 1 || x->dim[1] % groups)
		return builder_error(b, E5013, "groupnorm: %lld groups do not divide %lld channels",
				     (long long)groups, (long long)x->dim[1]);
	for (int i = 1; i < 3; i++)
		if (given_input(n, i) &&
		    (!check_vector(b, n, i, x->dim[1]) || !check_same_dtype(b, n->op, 0, i, n->in)))
			return false;
	return true;
}

Node *emit_grouped(Builder *b, Node *x, int64_t groups)
{
	const Type *t = x->type;
	groups = groups ? groups : t->dim[1];
	int64_t each = t->dim[1] / groups * dims_product(t, 2, t->rank);
	return emit_reshape(b, x, 3, (int64_t[]){ t->dim[0], groups, each });
}

bool expand_groupnorm(Builder *b, const Node *n, Node **out)
{
	const Attr_groupnorm *a = ATTR_OF(n, groupnorm);
	const Type *x = n->in[0]->type;
	Node *scale = given_input(n, 1), *shift = given_input(n, 2);
	if (!check_float_dtype(b, n->op, 0, n->in) || !check_min_rank(b, n, 0, 2))
		return false;
	int64_t groups = a->groups ? a->groups : x->dim[1];
	if (!check_groupnorm(b, n, groups))
		return false;
	Node *y = normalised(b, emit_grouped(b, n->in[0], groups), 1, (int64_t[]){ 2 }, a->eps);
	y = emit_reshape(b, y, x->rank, x->dim);
	return expand_done(b, out,
			   affine(b, y, scale ? along_channels(b, scale, x->rank) : NULL,
				  shift ? along_channels(b, shift, x->rank) : NULL));
}

/* --- local response normalisation ------------------------------------------------------------ */

/* x / (bias + alpha / size * sum of x^2 over nearby channels)^beta; channels become the height of a
 * window sum. */
bool expand_lrn(Builder *b, const Node *n, Node **out)
{
	const Attr_lrn *a = ATTR_OF(n, lrn);
	const Type *x = n->in[0]->type;
	if (!check_float_dtype(b, n->op, 0, n->in) || !check_min_rank(b, n, 0, 2))
		return false;
	Plane p = { .kernel = { a->size, 1 }, .stride = { 1, 1 }, .dilation = { 1, 1 } };
	p.pad[0] = (a->size - 1) / 2;
	p.pad[2] = a->size - 1 - p.pad[0];
	int64_t dim[4] = { x->dim[0], 1, x->dim[1], dims_product(x, 2, x->rank) };
	Node *square = emit2(b, OP_mul, n->in[0], n->in[0]);
	Node *sum = emit_window(b, OP_window_sum, emit_reshape(b, square, 4, dim), &p);
	sum = emit_reshape(b, sum, x->rank, x->dim);
	Node *base = emit_c2(b, OP_mul, sum, a->alpha / (double)a->size);
	base = emit_c2(b, OP_add, base, a->bias);
	return expand_done(b, out, emit2(b, OP_div, n->in[0], emit_c2(b, OP_pow, base, a->beta)));
}
