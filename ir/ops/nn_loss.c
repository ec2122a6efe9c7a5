/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Losses: a scalar, the mean over the batch. */
#include "ir/hooks.h"
#include "ir/ops/grad.h"

/* --- cross entropy --------------------------------------------------------------------------- */

/* What the loss and its gradient are made of. Of the C scores of an example z is the score minus
 * the largest of them: then log softmax is z - log(sum of e^z), and nothing overflows. */
typedef struct Entropy {
	int axis;
	double smoothing;
	int64_t classes;
	Node *target;  /* i64, with a dimension of size 1 for the classes; 0 where it does not count
			*/
	Node *counts;  /* whether the example counts */
	Node *counted; /* how many do, at least 1: a scalar */
} Entropy;

static bool check_target(Builder *b, const Node *n, int axis)
{
	const Type *x = n->in[0]->type, *t = n->in[1]->type;
	bool fits = t->rank == x->rank - 1;
	for (int i = 0; fits && i < t->rank; i++)
		fits = t->dim[i] == x->dim[i + (i >= axis)];
	if (!fits) {
		builder_error(b, E5011, "cross_entropy: target, %s, does not fit x, %s",
			      type_text(b, t), type_text(b, x));
		diag_hint(b->diag, "it has all dimensions of x but that of the classes, %d", axis);
	}
	return fits;
}

static bool check_cross_entropy(Builder *b, const Node *n)
{
	const Attr_cross_entropy *a = ATTR_OF(n, cross_entropy);
	int rank = n->in[0]->type->rank;
	if (!check_float_dtype(b, n->op, 0, n->in) || !check_index_dtype(b, n->op, 1, n->in) ||
	    !check_axis(b, n->op, a->axis, rank))
		return false;
	return check_target(b, n, axis_norm(a->axis, rank));
}

static Entropy entropy_of(Builder *b, const Node *n)
{
	const Attr_cross_entropy *a = ATTR_OF(n, cross_entropy);
	const Type *x = n->in[0]->type;
	int64_t dim[MAX_RANK];
	Entropy e = { .axis = axis_norm(a->axis, x->rank), .smoothing = a->label_smoothing };
	for (int i = 0; i < x->rank; i++)
		dim[i] = i == e.axis ? 1 : x->dim[i];
	e.classes = x->dim[e.axis];
	e.target = emit_reshape(b, emit_cast(b, n->in[1], DT_i64), x->rank, dim);
	Node *ignored =
		emit_broadcast(b, emit_scalar_i64(b, DT_i64, a->ignore_index), x->rank, dim);
	e.counts = emit2(b, OP_ne, e.target, ignored);
	/* a gather would count a negative index from the end: no class may be found that way */
	Node *beyond = emit_broadcast(b, emit_scalar_i64(b, DT_i64, e.classes), x->rank, dim);
	Node *below = emit2(b, OP_lt, e.target, zeros_like(b, e.target));
	e.target = emit3(b, OP_select, below, beyond, e.target);
	e.target = emit3(b, OP_select, e.counts, e.target, zeros_like(b, e.target));
	Node *sum = emit_reduce(b, OP_reduce_sum, emit_cast(b, e.counts, x->dtype), 0, NULL, false);
	e.counted = emit_c2(b, OP_max, sum, 1);
	return e;
}

/* log(sum of e^z) - (1 - smoothing) z[target] - smoothing (mean of z), for each example */
static Node *surprise(Builder *b, const Entropy *e, Node *x)
{
	int64_t axis = e->axis;
	Attr_gather at = { .axis = axis };
	Node *max = emit_reduce(b, OP_reduce_max, x, 1, &axis, true);
	Node *z = emit_b2(b, OP_sub, x, max);
	Node *sum = emit_reduce(b, OP_reduce_sum, emit1(b, OP_exp, z), 1, &axis, true);
	Node *in[2] = { x, e->target };
	Node *hit =
		emit(b, OP_gather_elements, attr_intern(b->ctx, ATTR_gather_RECORD, &at), in, 2);
	hit = emit_c2(b, OP_mul, emit2(b, OP_sub, hit, max), 1 - e->smoothing);
	Node *loss = emit2(b, OP_sub, emit1(b, OP_log, sum), hit);
	if (e->smoothing == 0)
		return loss;
	Node *even = emit_c2(b, OP_mul, emit_mean(b, z, 1, &axis, true), e->smoothing);
	return emit2(b, OP_sub, loss, even);
}

bool expand_cross_entropy(Builder *b, const Node *n, Node **out)
{
	if (!check_cross_entropy(b, n))
		return false;
	Entropy e = entropy_of(b, n);
	Node *loss = surprise(b, &e, n->in[0]);
	loss = emit3(b, OP_select, e.counts, loss, zeros_like(b, loss));
	loss = emit_reduce(b, OP_reduce_sum, loss, 0, NULL, false);
	return expand_done(b, out, emit2(b, OP_div, loss, e.counted));
}

/* softmax(x) minus what it should be, divided by the number of examples */
void vjp_cross_entropy(Builder *b, const Node *n, Node *dy, Node **dx)
{
	Node *x = n->in[0];
	const Type *t = x->type;
	Entropy e = entropy_of(b, n);
	Attr_softmax a = { .axis = e.axis };
	Node *p = emit(b, OP_softmax, attr_intern(b->ctx, ATTR_softmax_RECORD, &a), &x, 1);
	Node *class = emit_iota(b, DT_i64, t->rank, t->dim, e.axis);
	Node *hit = emit2(b, OP_eq, class, emit_broadcast(b, e.target, t->rank, t->dim));
	double even = e.classes ? e.smoothing / (double)e.classes : 0;
	Node *want = emit3(b, OP_select, hit, emit_full(b, t, 1 - e.smoothing + even),
			   emit_full(b, t, even));
	Node *each = emit_b2(b, OP_div, dy, e.counted);
	each = emit_broadcast(b, each, t->rank, e.counts->type->dim);
	each = emit3(b, OP_select, e.counts, each, zeros_like(b, each));
	dx[0] = emit_b2(b, OP_mul, emit2(b, OP_sub, p, want), each);
}

/* --- squared error --------------------------------------------------------------------------- */

bool expand_mse(Builder *b, const Node *n, Node **out)
{
	if (!check_float_dtype(b, n->op, 0, n->in) || !check_same_dtype(b, n->op, 0, 1, n->in))
		return false;
	if (!type_same_shape(n->in[0]->type, n->in[1]->type))
		return builder_error(b, E5011, "mse: x is %s, but target is %s",
				     type_text(b, n->in[0]->type), type_text(b, n->in[1]->type));
	Node *d = emit2(b, OP_sub, n->in[0], n->in[1]);
	return expand_done(b, out, emit_mean(b, emit2(b, OP_mul, d, d), 0, NULL, false));
}
