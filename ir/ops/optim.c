/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Optimisers: one step of one parameter, as PyTorch computes it. Each is a chain of elementwise
 * operators, so it becomes one pass over the parameter, its gradient and what is remembered of
 * earlier steps. The scalars rate and step come from outside: the schedule is the host's. */
#include "ir/hooks.h"
#include "ir/ops/nn.h"
#include <math.h>

/* All that is remembered looks like the parameter; the scalars are scalars. */
static bool check_step(Builder *b, const Node *n)
{
	if (!check_float_dtype(b, n->op, 0, n->in))
		return false;
	for (int i = 1; i < n->n_in; i++) {
		const Type *want = n->in[0]->type, *t = n->in[i]->type;
		bool scalar = str_eq(input_name(n->op, i), "rate") ||
			      str_eq(input_name(n->op, i), "step");
		if (!check_same_dtype(b, n->op, 0, i, n->in))
			return false;
		if (scalar ? t->rank != 0 : t != want)
			return builder_error(b, E5011, "%s: %s must be %s, it is %s",
					     op_info(n->op)->name, input_name(n->op, i),
					     scalar ? "a scalar" : type_text(b, want),
					     type_text(b, t));
	}
	return true;
}

/* x + c y */
static Node *add_part(Builder *b, Node *x, double c, Node *y)
{
	return c == 0 ? x : emit2(b, OP_add, x, emit_c2(b, OP_mul, y, c));
}

/* keep x + (1 - keep) y */
static Node *running_mean(Builder *b, double keep, Node *x, Node *y)
{
	return emit2(b, OP_add, emit_c2(b, OP_mul, x, keep), emit_c2(b, OP_mul, y, 1 - keep));
}

static Node *descend(Builder *b, Node *p, Node *rate, Node *direction)
{
	return emit2(b, OP_sub, p, emit_b2(b, OP_mul, direction, rate));
}

bool expand_sgd(Builder *b, const Node *n, Node **out)
{
	if (!check_step(b, n))
		return false;
	Node *g = add_part(b, n->in[1], ATTR_OF(n, sgd)->weight_decay, n->in[0]);
	return expand_done(b, out, descend(b, n->in[0], n->in[2], g));
}

bool expand_momentum(Builder *b, const Node *n, Node **out)
{
	const Attr_momentum *a = ATTR_OF(n, momentum);
	if (!check_step(b, n))
		return false;
	Node *g = add_part(b, n->in[1], a->weight_decay, n->in[0]);
	Node *v = add_part(b, g, a->momentum, n->in[2]);
	Node *direction = a->nesterov ? add_part(b, g, a->momentum, v) : v;
	out[0] = descend(b, n->in[0], n->in[3], direction);
	out[1] = v;
	return !b->failed;
}

/* What the running mean has seen since it began at 0: 1 - keep^step, which is 1 - e^-2z for
 * z = -step log(keep) / 2. Near 1 a power would lose all the digits that count; tanh loses none. */
static Node *share_seen(Builder *b, double keep, Node *step)
{
	if (keep == 0)
		return emit_scalar(b, step->type->dtype, 1);
	Node *t = emit1(b, OP_tanh, emit_c2(b, OP_mul, step, -log(keep) / 2));
	return emit2(b, OP_div, emit_c2(b, OP_mul, t, 2), emit_c2(b, OP_add, t, 1));
}

/* p is the parameter less its decay, g the gradient with it. */
static bool adam_step(Builder *b, const Node *n, const Attr_adam *a, Node *p, Node *g, Node **out)
{
	Node *rate = n->in[4], *step = n->in[5];
	Node *m = running_mean(b, a->beta1, n->in[2], g);
	Node *v = running_mean(b, a->beta2, n->in[3], emit2(b, OP_mul, g, g));
	Node *pace = emit2(b, OP_div, rate, share_seen(b, a->beta1, step));
	Node *scale = emit1(b, OP_sqrt, share_seen(b, a->beta2, step));
	Node *root = emit_b2(b, OP_div, emit1(b, OP_sqrt, v), scale);
	Node *direction = emit2(b, OP_div, m, emit_c2(b, OP_add, root, a->eps));
	out[0] = descend(b, p, pace, direction);
	out[1] = m;
	out[2] = v;
	return !b->failed;
}

bool expand_adam(Builder *b, const Node *n, Node **out)
{
	const Attr_adam *a = ATTR_OF(n, adam);
	if (!check_step(b, n))
		return false;
	Node *g = add_part(b, n->in[1], a->weight_decay, n->in[0]);
	return adam_step(b, n, a, n->in[0], g, out);
}

bool expand_adamw(Builder *b, const Node *n, Node **out)
{
	const Attr_adamw *a = ATTR_OF(n, adamw);
	if (!check_step(b, n))
		return false;
	Attr_adam means = { .beta1 = a->beta1, .beta2 = a->beta2, .eps = a->eps };
	Node *p = n->in[0];
	if (a->weight_decay != 0) {
		Node *decay = emit_c2(b, OP_mul, n->in[4], a->weight_decay);
		p = descend(b, p, decay, p);
	}
	return adam_step(b, n, &means, p, n->in[1], out);
}
