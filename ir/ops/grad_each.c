/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Gradients of elementwise operators. Where a function has a kink its gradient there is what
 * PyTorch takes: 0 for relu, abs and sign, half for each side of an equal minimum or maximum. */
#include "ir/hooks.h"
#include "ir/ops/grad.h"
#include "ir/wide.h"
#include <math.h>

/* Steps: their slope is 0 wherever it exists. */
void vjp_zero(Builder *b, const Node *n, Node *dy, Node **dx)
{
	(void)b, (void)n, (void)dy, (void)dx;
}

/* --- arithmetic ------------------------------------------------------------------------------ */

void vjp_add(Builder *b, const Node *n, Node *dy, Node **dx)
{
	(void)b, (void)n;
	dx[0] = dx[1] = dy;
}

void vjp_sub(Builder *b, const Node *n, Node *dy, Node **dx)
{
	(void)n;
	dx[0] = dy;
	dx[1] = emit1(b, OP_neg, dy);
}

void vjp_mul(Builder *b, const Node *n, Node *dy, Node **dx)
{
	dx[0] = emit2(b, OP_mul, dy, n->in[1]);
	dx[1] = emit2(b, OP_mul, dy, n->in[0]);
}

void vjp_div(Builder *b, const Node *n, Node *dy, Node **dx)
{
	Node *part = emit2(b, OP_div, dy, n->in[1]);
	dx[0] = part;
	dx[1] = emit1(b, OP_neg, emit2(b, OP_mul, part, emit2(b, OP_div, n->in[0], n->in[1])));
}

/* Both remainders are x - q y, where q is a whole number. */
void vjp_mod(Builder *b, const Node *n, Node *dy, Node **dx)
{
	Node *q = emit2(b, OP_div, emit2(b, OP_sub, n->in[0], (Node *)n), n->in[1]);
	dx[0] = dy;
	dx[1] = emit1(b, OP_neg, emit2(b, OP_mul, dy, emit1(b, OP_round, q)));
}

/* The chosen operand has it all, equal ones half each. */
static void vjp_extreme(Builder *b, const Node *n, Node *dy, Node **dx, Op wins)
{
	Node *half = emit_c2(b, OP_mul, dy, 0.5), *zero = zeros_like(b, dy);
	Node *equal = emit2(b, OP_eq, n->in[0], n->in[1]);
	for (int i = 0; i < 2; i++) {
		Node *mine = emit2(b, wins, n->in[i], n->in[1 - i]);
		Node *alone = emit3(b, OP_select, mine, dy, zero);
		dx[i] = emit3(b, OP_select, equal, half, alone);
	}
}

void vjp_min(Builder *b, const Node *n, Node *dy, Node **dx)
{
	vjp_extreme(b, n, dy, dx, OP_lt);
}

void vjp_max(Builder *b, const Node *n, Node *dy, Node **dx)
{
	vjp_extreme(b, n, dy, dx, OP_gt);
}

/* y x^(y-1), but 0 for y = 0, where the power may be infinite */
static Node *pow_base(Builder *b, const Node *n, Node *dy)
{
	Node *x = n->in[0], *y = n->in[1];
	double exponent;
	Node *slope = emit2(b, OP_mul, y, emit2(b, OP_pow, x, emit_c2(b, OP_sub, y, 1)));
	slope = emit2(b, OP_mul, dy, slope);
	if (const_scalar(y, &exponent) && exponent != 0)
		return slope;
	return emit3(b, OP_select, emit_c2(b, OP_eq, y, 0), zeros_like(b, dy), slope);
}

/* x^y log x, but 0 for x = 0, where the power is 0, too */
static Node *pow_exponent(Builder *b, const Node *n, Node *dy)
{
	Node *slope = emit2(b, OP_mul, (Node *)n, emit1(b, OP_log, n->in[0]));
	Node *flat =
		emit2(b, OP_and, emit_c2(b, OP_eq, n->in[0], 0), emit_c2(b, OP_ge, n->in[1], 0));
	return emit3(b, OP_select, flat, zeros_like(b, dy), emit2(b, OP_mul, dy, slope));
}

void vjp_pow(Builder *b, const Node *n, Node *dy, Node **dx)
{
	dx[0] = pow_base(b, n, dy);
	if (!is_const(n->in[1]))
		dx[1] = pow_exponent(b, n, dy);
}

void vjp_neg(Builder *b, const Node *n, Node *dy, Node **dx)
{
	(void)n;
	dx[0] = emit1(b, OP_neg, dy);
}

void vjp_abs(Builder *b, const Node *n, Node *dy, Node **dx)
{
	dx[0] = emit2(b, OP_mul, dy, emit1(b, OP_sign, n->in[0]));
}

/* --- functions; the result is read again where that is cheaper than the operand -------------- */

void vjp_relu(Builder *b, const Node *n, Node *dy, Node **dx)
{
	Node *flat = emit_c2(b, OP_le, (Node *)n, 0); /* of NaN not */
	dx[0] = emit3(b, OP_select, flat, zeros_like(b, dy), dy);
}

void vjp_exp(Builder *b, const Node *n, Node *dy, Node **dx)
{
	dx[0] = emit2(b, OP_mul, dy, (Node *)n);
}

void vjp_log(Builder *b, const Node *n, Node *dy, Node **dx)
{
	dx[0] = emit2(b, OP_div, dy, n->in[0]);
}

void vjp_expm1(Builder *b, const Node *n, Node *dy, Node **dx)
{
	dx[0] = emit2(b, OP_mul, dy, emit1(b, OP_exp, n->in[0]));
}

void vjp_log1p(Builder *b, const Node *n, Node *dy, Node **dx)
{
	dx[0] = emit2(b, OP_div, dy, emit_c2(b, OP_add, n->in[0], 1));
}

void vjp_sqrt(Builder *b, const Node *n, Node *dy, Node **dx)
{
	dx[0] = emit2(b, OP_div, emit_c2(b, OP_mul, dy, 0.5), (Node *)n);
}

void vjp_sin(Builder *b, const Node *n, Node *dy, Node **dx)
{
	dx[0] = emit2(b, OP_mul, dy, emit1(b, OP_cos, n->in[0]));
}

void vjp_cos(Builder *b, const Node *n, Node *dy, Node **dx)
{
	dx[0] = emit1(b, OP_neg, emit2(b, OP_mul, dy, emit1(b, OP_sin, n->in[0])));
}

/* 1 - x */
static Node *rest(Builder *b, Node *x)
{
	return emit2(b, OP_sub, emit_full(b, x->type, 1), x);
}

void vjp_tanh(Builder *b, const Node *n, Node *dy, Node **dx)
{
	Node *y = (Node *)n;
	dx[0] = emit2(b, OP_mul, dy, rest(b, emit2(b, OP_mul, y, y)));
}

void vjp_sigmoid(Builder *b, const Node *n, Node *dy, Node **dx)
{
	Node *y = (Node *)n;
	dx[0] = emit2(b, OP_mul, dy, emit2(b, OP_mul, y, rest(b, y)));
}

/* 2 / sqrt(pi) e^(-x^2) */
void vjp_erf(Builder *b, const Node *n, Node *dy, Node **dx)
{
	Node *square = emit2(b, OP_mul, n->in[0], n->in[0]);
	Node *slope = emit1(b, OP_exp, emit1(b, OP_neg, square));
	dx[0] = emit2(b, OP_mul, dy, emit_c2(b, OP_mul, slope, 2 / sqrt(acos(-1))));
}

/* --- choice and conversion ------------------------------------------------------------------- */

void vjp_select(Builder *b, const Node *n, Node *dy, Node **dx)
{
	Node *zero = zeros_like(b, dy);
	dx[1] = emit3(b, OP_select, n->in[0], dy, zero);
	dx[2] = emit3(b, OP_select, n->in[0], zero, dy);
}

/* A gradient of 16-bit floats is a result like others, rounded where those are. */
void vjp_cast(Builder *b, const Node *n, Node *dy, Node **dx)
{
	DType t = n->in[0]->type->dtype;
	if (has_gradient(n->in[0]))
		dx[0] = dtype_is_narrow_float(t) ? emit_rounded(b, dy, t) : emit_cast(b, dy, t);
}
