/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Activations and other elementwise compositions. */
#include "ir/hooks.h"
#include "ir/ops/nn.h"
#include <math.h>

/* x > 0 ? x : negative; `negative` is made of x, so NaN stays NaN, and at 0 its slope counts */
static Node *below_zero(Builder *b, Node *x, Node *negative)
{
	return emit3(b, OP_select, emit_c2(b, OP_gt, x, 0), x, negative);
}

static Node *silu(Builder *b, Node *x)
{
	return emit2(b, OP_mul, x, emit1(b, OP_sigmoid, x));
}

/* max(x, 0) + log(1 + e^-|x|) does not overflow, and is e^x where that is tiny */
static Node *softplus(Builder *b, Node *x)
{
	Node *e = emit1(b, OP_exp, emit1(b, OP_neg, emit1(b, OP_abs, x)));
	return emit2(b, OP_add, emit1(b, OP_relu, x), emit1(b, OP_log1p, e));
}

static Node *elu(Builder *b, Node *x, double alpha)
{
	Node *e = emit1(b, OP_expm1, x);
	return below_zero(b, x, alpha == 1 ? e : emit_c2(b, OP_mul, e, alpha));
}

static Node *between(Builder *b, Node *x, double low, double high)
{
	return emit_c2(b, OP_min, emit_c2(b, OP_max, x, low), high);
}

static Node *hard_sigmoid(Builder *b, Node *x, double alpha, double beta)
{
	return between(b, emit_c2(b, OP_add, emit_c2(b, OP_mul, x, alpha), beta), 0, 1);
}

/* x / 2 * (1 + f) */
static Node *half_times(Builder *b, Node *x, Node *f)
{
	return emit2(b, OP_mul, emit_c2(b, OP_mul, x, 0.5), emit_c2(b, OP_add, f, 1));
}

static Node *gelu(Builder *b, Node *x)
{
	return half_times(b, x, emit1(b, OP_erf, emit_c2(b, OP_mul, x, sqrt(0.5))));
}

static Node *gelu_tanh(Builder *b, Node *x)
{
	Node *cube = emit2(b, OP_mul, x, emit2(b, OP_mul, x, x));
	Node *inner = emit2(b, OP_add, x, emit_c2(b, OP_mul, cube, 0.044715));
	return half_times(b, x, emit1(b, OP_tanh, emit_c2(b, OP_mul, inner, sqrt(2 / acos(-1)))));
}

/* --- the macros ------------------------------------------------------------------------------ */

bool expand_identity(Builder *b, const Node *n, Node **out)
{
	return expand_done(b, out, n->in[0]);
}

bool expand_dropout(Builder *b, const Node *n, Node **out)
{
	return expand_done(b, out, n->in[0]);
}

bool expand_gelu(Builder *b, const Node *n, Node **out)
{
	static const char *const names[] = { "none", "tanh" };
	const char *how = ATTR_OF(n, gelu)->approximate;
	if (!check_float_dtype(b, n->op, 0, n->in) ||
	    !check_name(b, n, "approximate", how, 2, names))
		return false;
	bool by_tanh = str_eq(how, "tanh");
	return expand_done(b, out, by_tanh ? gelu_tanh(b, n->in[0]) : gelu(b, n->in[0]));
}

bool expand_silu(Builder *b, const Node *n, Node **out)
{
	return check_float_dtype(b, n->op, 0, n->in) && expand_done(b, out, silu(b, n->in[0]));
}

bool expand_softplus(Builder *b, const Node *n, Node **out)
{
	return check_float_dtype(b, n->op, 0, n->in) && expand_done(b, out, softplus(b, n->in[0]));
}

bool expand_mish(Builder *b, const Node *n, Node **out)
{
	if (!check_float_dtype(b, n->op, 0, n->in))
		return false;
	Node *gate = emit1(b, OP_tanh, emit1(b, OP_softplus, n->in[0]));
	return expand_done(b, out, emit2(b, OP_mul, n->in[0], gate));
}

bool expand_hard_sigmoid(Builder *b, const Node *n, Node **out)
{
	const Attr_hardsig *a = ATTR_OF(n, hardsig);
	return check_float_dtype(b, n->op, 0, n->in) &&
	       expand_done(b, out, hard_sigmoid(b, n->in[0], a->alpha, a->beta));
}

bool expand_hard_swish(Builder *b, const Node *n, Node **out)
{
	Node *x = n->in[0];
	if (!check_float_dtype(b, n->op, 0, n->in))
		return false;
	Node *gate = between(b, emit_c2(b, OP_add, x, 3), 0, 6);
	return expand_done(b, out, emit2(b, OP_mul, x, emit_c2(b, OP_div, gate, 6)));
}

bool expand_leaky_relu(Builder *b, const Node *n, Node **out)
{
	Node *x = n->in[0];
	if (!check_float_dtype(b, n->op, 0, n->in))
		return false;
	Node *negative = emit_c2(b, OP_mul, x, ATTR_OF(n, leaky)->alpha);
	return expand_done(b, out, below_zero(b, x, negative));
}

/* One slope a channel stands along dimension 1, as layers hold it; all else repeats as numpy does.
 */
bool expand_prelu(Builder *b, const Node *n, Node **out)
{
	Node *x = n->in[0], *slope = n->in[1];
	const Type *t = x->type, *s = slope->type;
	int64_t dim[MAX_RANK];
	if (!check_float_dtype(b, n->op, 0, n->in) || !check_same_dtype(b, n->op, 0, 1, n->in))
		return false;
	if (s->rank == 1 && t->rank > 2 && s->dim[0] == t->dim[1])
		slope = along_channels(b, slope, t->rank);
	if (broadcast_shape(t, slope->type, dim) != t->rank)
		return builder_error(b, E5011, "prelu: slope, %s, does not repeat to x, %s",
				     type_text(b, s), type_text(b, t));
	slope = emit_broadcast(b, slope, t->rank, t->dim);
	return expand_done(b, out, below_zero(b, x, emit2(b, OP_mul, x, slope)));
}

bool expand_elu(Builder *b, const Node *n, Node **out)
{
	return check_float_dtype(b, n->op, 0, n->in) &&
	       expand_done(b, out, elu(b, n->in[0], ATTR_OF(n, elu)->alpha));
}

bool expand_selu(Builder *b, const Node *n, Node **out)
{
	const Attr_gamma *a = ATTR_OF(n, gamma);
	if (!check_float_dtype(b, n->op, 0, n->in))
		return false;
	return expand_done(b, out, emit_c2(b, OP_mul, elu(b, n->in[0], a->alpha), a->gamma));
}

/* With t = e^(x/2) - 1 and u = e^(-x/2) - 1: (t - u) (t + u + 2) / 2. Neither factor overflows before
 * the result does, and the first is exact near 0. */
bool expand_sinh(Builder *b, const Node *n, Node **out)
{
	if (!check_float_dtype(b, n->op, 0, n->in))
		return false;
	Node *half = emit_c2(b, OP_mul, n->in[0], 0.5);
	Node *t = emit1(b, OP_expm1, half), *u = emit1(b, OP_expm1, emit1(b, OP_neg, half));
	Node *cosh = emit_c2(b, OP_add, emit2(b, OP_add, t, u), 2);
	Node *sinh = emit_c2(b, OP_mul, emit2(b, OP_sub, t, u), 0.5);
	return expand_done(b, out, emit2(b, OP_mul, sinh, cosh));
}

/* x^2 / 2 */
static Node *half_square(Builder *b, Node *x)
{
	return emit2(b, OP_mul, emit_c2(b, OP_mul, x, 0.5), x);
}

/* By e^(x/2) and e^(-x/2), whose squares overflow only where the result does. */
bool expand_cosh(Builder *b, const Node *n, Node **out)
{
	if (!check_float_dtype(b, n->op, 0, n->in))
		return false;
	Node *half = emit_c2(b, OP_mul, n->in[0], 0.5);
	Node *up = emit1(b, OP_exp, half), *down = emit1(b, OP_exp, emit1(b, OP_neg, half));
	return expand_done(b, out, emit2(b, OP_add, half_square(b, up), half_square(b, down)));
}

bool expand_softsign(Builder *b, const Node *n, Node **out)
{
	Node *x = n->in[0];
	if (!check_float_dtype(b, n->op, 0, n->in))
		return false;
	Node *below = emit_c2(b, OP_add, emit1(b, OP_abs, x), 1);
	return expand_done(b, out, emit2(b, OP_div, x, below));
}

/* A bound beyond the type's range bounds nothing; one between two of its numbers is a mistake. */
static bool check_bound(Builder *b, const Node *n, const char *name, Num v)
{
	bool far = isinf(v.f) || num_is_whole(v) || fabs(v.f) >= 0x1p63;
	return far || check_num(b, n->op, name, v, n->in[0]->type->dtype);
}

bool expand_clip(Builder *b, const Node *n, Node **out)
{
	const Attr_clip *a = ATTR_OF(n, clip);
	Node *x = n->in[0];
	if (!check_bound(b, n, "min", a->min) || !check_bound(b, n, "max", a->max))
		return false;
	if (a->min.f > -HUGE_VAL)
		x = emit_num2(b, OP_max, x, a->min);
	if (a->max.f < HUGE_VAL)
		x = emit_num2(b, OP_min, x, a->max);
	return expand_done(b, out, x);
}

bool expand_reciprocal(Builder *b, const Node *n, Node **out)
{
	Node *x = n->in[0];
	if (!check_float_dtype(b, n->op, 0, n->in))
		return false;
	return expand_done(b, out, emit2(b, OP_div, emit_full(b, x->type, 1), x));
}
