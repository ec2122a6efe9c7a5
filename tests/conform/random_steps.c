/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Elementwise steps and views of random graphs. */
#include "tests/conform/random_graph.h"
#include "tests/conform/generate.h"
#include <string.h>

static Node *apply1(Case *c, Op op, Node *x)
{
	return emit1(c->b, op, x);
}

/* --- elementwise ------------------------------------------------------------------------------ */

Node *grow_unary(Case *c, Pool *p, Node *x)
{
	static const Op smooth[] = { OP_relu, OP_tanh,       OP_sigmoid,    OP_abs,  OP_neg,
				     OP_erf,  OP_relu,       OP_gelu,       OP_silu, OP_softplus,
				     OP_elu,  OP_hard_swish, OP_leaky_relu, OP_clip, OP_softsign };
	static const Op whole[] = { OP_relu, OP_abs, OP_neg, OP_relu, OP_floor, OP_sign };
	(void)p;
	Op op = c->values == VALUES_WHOLE ? whole[pick(c, 0, 5)] : smooth[pick(c, 0, 14)];
	if (op == OP_clip)
		return case_emit(c, op, &x, 1, "min=-0.75;max=1.5");
	if (c->values != VALUES_WHOLE && chance(c, 8)) /* bounded, so that it does not overflow */
		return apply1(c, OP_exp, apply1(c, OP_tanh, x));
	if (c->values != VALUES_WHOLE && chance(c, 5))
		return apply1(c, OP_sqrt, apply1(c, OP_abs, x));
	return case_emit(c, op, &x, 1, "%s", "");
}

static Op some_binary(Case *c)
{
	static const Op row[] = { OP_add, OP_add, OP_mul, OP_sub, OP_max, OP_min, OP_mul };
	return row[pick(c, 0, 6)];
}

Node *grow_binary(Case *c, Pool *p, Node *x)
{
	int64_t dim[MAX_RANK];
	Node *y = p->at[pick(c, 0, p->n - 1)];
	if (broadcast_shape(x->type, y->type, dim) < 0)
		y = pool_like(c, p, x);
	if (broadcast_shape(x->type, y->type, dim) < 0)
		return NULL;
	return chance(c, 50) ? emit_b2(c->b, some_binary(c), x, y)
			     : emit_b2(c->b, some_binary(c), y, x);
}

/* Along some of the dimensions. */
Node *grow_bias(Case *c, Pool *p, Node *x)
{
	int64_t dim[MAX_RANK];
	const Type *t = x->type;
	int drop = (int)pick(c, 0, t->rank);
	(void)p;
	for (int i = drop; i < t->rank; i++)
		dim[i - drop] = chance(c, 40) ? 1 : t->dim[i];
	Node *v = case_operand(c, DT_f32, t->rank - drop, dim, any);
	return emit_b2(c->b, some_binary(c), x, v);
}

Node *grow_constant(Case *c, Pool *p, Node *x)
{
	static const double row[] = { 0.5, 2, -1, 3, 0.25, -0.5 };
	static const Op op[] = { OP_add, OP_mul, OP_sub, OP_max, OP_div };
	(void)p;
	double v = row[pick(c, 0, 5)];
	if (c->values == VALUES_NORMAL && chance(c, 50))
		v = 0.3;
	return emit_c2(c->b, op[pick(c, 0, 4)], x, v);
}

Node *grow_select(Case *c, Pool *p, Node *x)
{
	static const Op row[] = { OP_lt, OP_le, OP_gt, OP_ge, OP_eq, OP_ne };
	Node *y = pool_like(c, p, x);
	if (y->type != x->type)
		return NULL;
	Node *cond;
	if (chance(c, 40))
		cond = case_input(c, DT_bool, x->type->rank, x->type->dim, any);
	else if (chance(c, 50))
		cond = emit2(c->b, row[pick(c, 0, 3)], x, emit_full(c->b, x->type, 0));
	else
		cond = emit2(c->b, row[pick(c, 0, 5)], y, x);
	if (chance(c, 30))
		cond = apply1(c, OP_not, cond);
	return emit3(c->b, OP_select, cond, x, chance(c, 50) ? y : emit_full(c->b, x->type, 0.5));
}

Node *grow_cast(Case *c, Pool *p, Node *x)
{
	static const DType to[] = { DT_f64, DT_f16, DT_bf16, DT_i32, DT_i64 };
	(void)p;
	Node *y = emit_cast(c->b, x, to[pick(c, 0, c->values == VALUES_WHOLE ? 4 : 2)]);
	if (chance(c, 60) && !is_poison(y))
		y = emit2(c->b, OP_add, y, y);
	return emit_cast(c->b, y, DT_f32);
}

Node *grow_residual(Case *c, Pool *p, Node *x)
{
	Node *y = pool_like(c, p, x);
	return y->type == x->type ? emit2(c->b, chance(c, 70) ? OP_add : OP_mul, x, y) : NULL;
}

/* --- views ------------------------------------------------------------------------------------ */

static Node *merge_two(Case *c, Node *x)
{
	int64_t dim[MAX_RANK];
	const Type *t = x->type;
	int at = (int)pick(c, 0, t->rank - 2), n = 0;
	for (int i = 0; i < t->rank; i++)
		if (i == at + 1)
			dim[n - 1] *= t->dim[i];
		else
			dim[n++] = t->dim[i];
	return emit_reshape(c->b, x, n, dim);
}

static Node *split_one(Case *c, Node *x)
{
	int64_t dim[MAX_RANK];
	const Type *t = x->type;
	int at = (int)pick(c, 0, t->rank - 1), n = 0;
	int64_t d = t->dim[at], by = 1;
	for (int64_t k = 2; k <= 8; k++)
		if (d % k == 0 && (by == 1 || chance(c, 50)))
			by = k;
	for (int i = 0; i < t->rank; i++) {
		dim[n++] = i == at ? by : t->dim[i];
		if (i == at)
			dim[n++] = d / by;
	}
	return emit_reshape(c->b, x, n, dim);
}

Node *grow_reshape(Case *c, Pool *p, Node *x)
{
	(void)p;
	if (x->type->rank > 1 && chance(c, 50))
		return merge_two(c, x);
	if (x->type->rank >= 1 && x->type->rank < 5)
		return split_one(c, x);
	return emit_reshape(c->b, x, 1, &x->type->count);
}

Node *grow_transpose(Case *c, Pool *p, Node *x)
{
	int perm[MAX_RANK], rank = x->type->rank;
	(void)p;
	if (rank < 2)
		return NULL;
	for (int i = 0; i < rank; i++)
		perm[i] = i;
	for (int i = rank - 1; i > 0; i--) {
		int k = (int)pick(c, 0, i), was = perm[i];
		perm[i] = perm[k];
		perm[k] = was;
	}
	return emit_transpose(c->b, x, perm);
}

Node *grow_slice(Case *c, Pool *p, Node *x)
{
	int64_t begin[MAX_RANK], count[MAX_RANK], step[MAX_RANK];
	const Type *t = x->type;
	(void)p;
	for (int i = 0; i < t->rank; i++) {
		bool whole = chance(c, 50);
		step[i] = whole ? 1 : pick(c, 1, 2);
		count[i] = whole ? t->dim[i] : pick(c, 1, (t->dim[i] - 1) / step[i] + 1);
		begin[i] = pick(c, 0, t->dim[i] - 1 - (count[i] - 1) * step[i]);
		if (chance(c, 20)) {
			begin[i] += (count[i] - 1) * step[i];
			step[i] = -step[i];
		}
	}
	return emit_slice(c->b, x, begin, count, step);
}

Node *grow_pad(Case *c, Pool *p, Node *x)
{
	int64_t low[MAX_RANK], high[MAX_RANK], inner[MAX_RANK];
	const Type *t = x->type;
	bool between_ = chance(c, 15), crops = chance(c, 15);
	(void)p;
	for (int i = 0; i < t->rank; i++) {
		low[i] = chance(c, 50) ? 0 : pick(c, crops ? -(t->dim[i] - 1) / 2 : 0, 2);
		high[i] = chance(c, 50) ? 0 : pick(c, crops ? -(t->dim[i] - 1) / 2 : 0, 2);
		inner[i] = between_ ? pick(c, 0, 1) : 0;
	}
	Node *v = emit_scalar(c->b, DT_f32, chance(c, 60) ? 0 : 2);
	return emit_pad(c->b, x, v, low, high, between_ ? inner : NULL);
}

static bool joins(const Type *a, const Type *b, int axis)
{
	bool fits = a->rank == b->rank;
	for (int i = 0; fits && i < a->rank; i++)
		fits = i == axis || a->dim[i] == b->dim[i];
	return fits;
}

Node *grow_concat(Case *c, Pool *p, Node *x)
{
	Node *in[4] = { x };
	int n = 1, axis = (int)pick(c, 0, x->type->rank - 1);
	if (x->type->rank == 0)
		return NULL;
	for (int tries = 0; tries < 8 && n < 4; tries++) {
		Node *y = p->at[pick(c, 0, p->n - 1)];
		if (joins(x->type, y->type, axis))
			in[n++] = y;
	}
	if (n == 1)
		in[n++] = x;
	return emit_concat(c->b, in, n, axis);
}

Node *grow_broadcast(Case *c, Pool *p, Node *x)
{
	int64_t dim[MAX_RANK];
	const Type *t = x->type;
	int more = (int)pick(c, 0, 4 - (t->rank < 4 ? t->rank : 4));
	(void)p;
	for (int i = 0; i < more; i++)
		dim[i] = pick(c, 1, 3);
	for (int i = 0; i < t->rank; i++)
		dim[i + more] = t->dim[i] == 1 ? pick(c, 1, 7) : t->dim[i];
	return emit_broadcast(c->b, x, t->rank + more, dim);
}

Node *grow_split(Case *c, Pool *p, Node *x)
{
	(void)p;
	int axis = (int)pick(c, 0, x->type->rank - 1);
	if (x->type->rank == 0 || x->type->dim[axis] < 2)
		return NULL;
	int64_t cut = pick(c, 1, x->type->dim[axis] - 1);
	Node *low = emit_slice_axis(c->b, x, axis, 0, cut);
	Node *high = emit_slice_axis(c->b, x, axis, cut, x->type->dim[axis] - cut);
	if (low->type == high->type && chance(c, 60)) /* a gate */
		return emit2(c->b, OP_mul, low, apply1(c, OP_relu, high));
	Node *both[2] = { high, low };
	return emit_concat(c->b, both, 2, axis);
}

Node *grow_gather(Case *c, Pool *p, Node *x)
{
	(void)p;
	int axis = (int)pick(c, 0, x->type->rank - 1);
	if (x->type->rank == 0)
		return NULL;
	int64_t n = pick(c, 1, 9);
	Node *index = case_input(c, DT_i64, 1, &n, indices(c, x->type->dim[axis]));
	return emit_gather(c->b, x, index, axis);
}
