/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Scales into weights: (conv(x, w) + b) * s + t with static vectors per channel, which is what a
 * batch norm behind a convolution is, becomes conv(x, w * s) + (b * s + t). The new weights and the
 * sum depend on parameters alone, so they are computed once, by split.
 *
 * A value is kept back as base * scale + shift as long as its only reader goes on in the same way;
 * then it is emitted, the scale in the weights when the base is a convolution or product that
 * nobody else reads. Other bases keep their operators, but a chain of them shrinks to one product
 * and one sum. A scale in front of a convolution or product moves into its weights likewise; a
 * shift there becomes a sum behind it, unless the border is padded with zeros, which are not
 * shifted. */
#include "passes/pattern.h"
#include "ir/ops/util.h"
#include <math.h>

/* value = base * scale + shift, for a static scalar or vector along `axis` each */
typedef struct Chain {
	const Node *base;    /* old */
	Node *scale, *shift; /* new, or NULL */
	int axis;            /* of the vectors, -1: none yet */
	int steps;
	bool alone; /* takes no further step */
} Chain;

typedef struct Folder {
	Rewrite w;
	Chain **chain;       /* by id: a value kept back */
	Node *(*operand)[2]; /* by id of a contraction: its new operands, when it can take a scale
			      */
} Folder;

static Node *value(Folder *f, const Node *n);

/* --- static vectors -------------------------------------------------------------------------- */

static Node *combine(Folder *f, Op op, Node *x, Node *y)
{
	return emit_b2(f->w.b, op, x, y);
}

/* The scalar or vector of static operand s; false when it varies along other dimensions than the
 * chain's. */
static bool static_vector(Folder *f, Node *s, int *axis, Node **out)
{
	PerChannel c;
	double number;
	if (splat_value(s, &number)) {
		*out = emit_scalar(f->w.b, s->type->dtype, number);
		return true;
	}
	if (!f->w.is_static[s->id] || !per_channel(s, &c) ||
	    (c.axis >= 0 && *axis >= 0 && c.axis != *axis))
		return false;
	if (c.axis >= 0)
		*axis = c.axis;
	int64_t size = c.source->type->count;
	*out = emit_reshape(f->w.b, value(f, c.source), c.axis >= 0, &size);
	return true;
}

/* A scalar or vector, to fit dimension `axis` of `rank`. */
static Node *along(Folder *f, Node *vector, int axis, int rank)
{
	int64_t dim[MAX_RANK] = { 1, 1, 1, 1, 1, 1, 1, 1 };
	if (vector->type->rank == 0)
		return vector;
	dim[0] = vector->type->count;
	return emit_reshape(f->w.b, vector, rank - axis, dim);
}

/* --- contractions that take scales ----------------------------------------------------------- */

static bool takes_scale(const Folder *f, const Node *n)
{
	if (n->op != OP_conv && n->op != OP_matmul)
		return false;
	int64_t panel = n->op == OP_conv ? ATTR_OF(n, conv)->panel : ATTR_OF(n, matmul)->panel;
	return f->w.is_static[n->in[1]->id] && !f->w.is_static[n->in[0]->id] && !panel;
}

/* Which dimension of result, operand and weights counts output or input channels. */
typedef struct Channels {
	int result, operand, weight_out, weight_in;
} Channels;

static Channels channels_of(const Node *n)
{
	int x = n->in[0]->type->rank - 1, w = n->in[1]->type->rank - 1;
	if (n->op == OP_matmul) {
		const Attr_matmul *a = ATTR_OF(n, matmul);
		return (Channels){ n->type->rank - 1, a->trans_x ? x - 1 : x,
				   a->trans_w ? w - 1 : w, a->trans_w ? w : w - 1 };
	}
	if (ATTR_OF(n, conv)->channels_last)
		return (Channels){ 3, 3, 3, 2 };
	return (Channels){ 1, 1, 0, 1 };
}

static bool has_border(const Node *n)
{
	bool border = false;
	for (int i = 0; n->op == OP_conv && i < ATTR_OF(n, conv)->pad.n; i++)
		border = border || ATTR_OF(n, conv)->pad.v[i] != 0;
	return border;
}

/* What a shift of the operand adds to the result: the shift times the weights, summed over all but
 * the output channels. */
static Node *shift_through(Folder *f, const Node *n, Node *shift)
{
	Channels c = channels_of(n);
	Node *w = f->operand[n->id][1];
	int64_t axes[MAX_RANK];
	int n_axes = 0, rank = w->type->rank;
	for (int i = 0; i < rank; i++)
		if (i != c.weight_out)
			axes[n_axes++] = i;
	Node *product = combine(f, OP_mul, w, along(f, shift, c.weight_in, rank));
	return emit_reduce(f->w.b, OP_reduce_sum, product, n_axes, axes, false);
}

static void fold_operand_scale(Folder *f, const Node *n, Node *scale, bool depthwise)
{
	Channels c = channels_of(n);
	Node **w = &f->operand[n->id][1];
	if (!scale)
		return;
	int axis = depthwise ? c.weight_out : c.weight_in;
	*w = combine(f, OP_mul, *w, along(f, scale, axis, (*w)->type->rank));
}

/* A shift in front costs a sum behind: free when there is one already, and cheap when the result is
 * no wider than the operand. */
static bool shift_pays(const Folder *f, const Node *n)
{
	Channels c = channels_of(n);
	const Readers *r = &f->w.readers[n->id];
	if (r->n == 1 && f->w.uses[n->id] == 1 && r->at[0]->op == OP_add)
		return f->w.is_static[r->at[0]->in[0]->id] || f->w.is_static[r->at[0]->in[1]->id];
	return n->type->dim[c.result] <= n->in[0]->type->dim[c.operand];
}

/* Takes the chain in front of contraction n into it; false when it must be emitted. */
static bool absorb_operand(Folder *f, const Node *n, Chain *made)
{
	const Node *x = n->in[0];
	const Chain *c = f->chain[x->id];
	if (!c || f->w.uses[x->id] != 1 || f->operand[c->base->id][0])
		return false;
	if (c->axis >= 0 && c->axis != channels_of(n).operand)
		return false;
	int64_t groups = n->op == OP_conv ? ATTR_OF(n, conv)->groups : 1;
	const Type *t = n->in[1]->type;
	bool depthwise = groups > 1 && t->dim[channels_of(n).weight_in] == 1 &&
			 t->dim[channels_of(n).weight_out] == groups;
	if (groups > 1 && (!depthwise || c->shift))
		return false;
	if (c->shift &&
	    (has_border(n) || !shift_pays(f, n) || (n->op == OP_matmul && t->rank != 2)))
		return false;
	f->operand[n->id][0] = value(f, c->base);
	if (c->shift) {
		made->shift = shift_through(f, n, c->shift);
		made->axis = channels_of(n).result;
	}
	fold_operand_scale(f, n, c->scale, depthwise);
	pass_explain(f->w.p, "folded: scale of '%s' into '%s'", node_label(x), node_label(n));
	return true;
}

static Chain *start_contraction(Folder *f, const Node *n)
{
	Chain *c = ARENA_NEW(f->w.arena, Chain);
	*c = (Chain){ .base = n, .axis = -1 };
	rewrite_place(&f->w, n);
	f->operand[n->id][1] = value(f, n->in[1]);
	if (!absorb_operand(f, n, c))
		f->operand[n->id][0] = value(f, n->in[0]);
	return c;
}

/* --- chains ---------------------------------------------------------------------------------- */

static void add_shift(Folder *f, Op op, Node *v, Chain *c)
{
	if (c->shift)
		c->shift = combine(f, op, c->shift, v);
	else
		c->shift = op == OP_add ? v : emit1(f->w.b, OP_neg, v);
}

/* A number that may join others and weights: their product is far from both ends of the type. One
 * outside would be folded to infinity, or to 0, where step by step all is finite. */
static bool in_reach(const Node *scale)
{
	double v;
	return !const_scalar(scale, &v) || v == 0 || (fabs(v) >= 0x1p-60 && fabs(v) <= 0x1p60);
}

static bool add_scale(Folder *f, Op op, Node *v, Chain *c)
{
	Node *scale = v;
	if (c->scale)
		scale = combine(f, op, c->scale, v);
	else if (op == OP_div)
		scale = combine(f, OP_div, emit_scalar(f->w.b, v->type->dtype, 1), v);
	if (!in_reach(v) || !in_reach(scale))
		return false;
	if (c->shift)
		c->shift = combine(f, op, c->shift, v);
	c->scale = scale;
	return true;
}

/* One step more. A division by one number does not become a product with its reciprocal, which
 * would round once more, unless that goes into weights: it stays alone until it is known who reads
 * it. */
static bool extend(Folder *f, const Node *n, Node *s, Chain *c)
{
	Node *v;
	bool in_weights = f->operand[c->base->id][0] && !f->w.map[c->base->id];
	rewrite_place(&f->w, n);
	if (c->alone || !static_vector(f, s, &c->axis, &v))
		return false;
	bool alone = n->op == OP_div && v->type->rank == 0 && !in_weights;
	if (alone && c->steps > 0)
		return false;
	c->alone = alone;
	c->steps++;
	if (n->op != OP_add && n->op != OP_sub)
		return add_scale(f, n->op, v, c);
	add_shift(f, n->op, v, c);
	return true;
}

/* The operand that n scales or shifts by the other, static one; NULL when n does neither. */
static Node *moved_operand(const Folder *f, const Node *n, Node **by)
{
	bool commutes = n->op == OP_add || n->op == OP_mul;
	if ((!commutes && n->op != OP_sub && n->op != OP_div) || !dtype_is_float(n->type->dtype) ||
	    dtype_info[n->type->dtype].bytes < 4)
		return NULL;
	for (int i = 0; i < 1 + commutes; i++) {
		*by = n->in[1 - i];
		if (f->w.is_static[(*by)->id] && !f->w.is_static[n->in[i]->id])
			return n->in[i];
	}
	return NULL;
}

static Chain *continue_chain(Folder *f, const Node *n)
{
	Node *by, *x = moved_operand(f, n, &by);
	if (!x)
		return NULL;
	Chain *c = ARENA_NEW(f->w.arena, Chain);
	if (f->chain[x->id] && f->w.uses[x->id] == 1) {
		*c = *f->chain[x->id];
		if (extend(f, n, by, c))
			return c;
	}
	value(f, x);
	*c = (Chain){ .base = x, .axis = -1 };
	return extend(f, n, by, c) ? c : NULL;
}

/* --- emitting -------------------------------------------------------------------------------- */

static Node *repeated(Folder *f, Node *vector, int axis, const Type *t)
{
	return emit_broadcast(f->w.b, along(f, vector, axis, t->rank), t->rank, t->dim);
}

/* The base with the scale in its weights, if it can take it. */
static Node *emit_base(Folder *f, const Chain *c, bool *scaled)
{
	const Node *n = c->base;
	*scaled = false;
	if (f->w.map[n->id] || !f->operand[n->id][0])
		return value(f, n);
	Channels at = channels_of(n);
	Node *in[2] = { f->operand[n->id][0], f->operand[n->id][1] };
	*scaled = c->scale && (c->axis < 0 || c->axis == at.result);
	if (*scaled) {
		Node *s = along(f, c->scale, at.weight_out, in[1]->type->rank);
		rewrite_place(&f->w, n->in[1]);
		in[1] = combine(f, OP_mul, in[1], s);
		pass_explain(f->w.p, "folded: scale behind '%s' into its weights", node_label(n));
	}
	rewrite_place(&f->w, n);
	return rewrite_name(emit(f->w.b, n->op, n->attr, in, 2), n);
}

static Node *copy_with_values(Folder *f, const Node *n)
{
	for (int i = 0; i < n->n_in; i++)
		value(f, n->in[i]);
	return rewrite_copy(&f->w, n);
}

static Node *emit_chain(Folder *f, const Node *n)
{
	const Chain *c = f->chain[n->id];
	bool scaled, kept = f->operand[c->base->id][0] && !f->w.map[c->base->id];
	if (c->steps == 1 && !kept) /* as it was */
		return copy_with_values(f, n);
	Node *y = emit_base(f, c, &scaled);
	rewrite_place(&f->w, n);
	if (c->scale && !scaled)
		y = combine(f, OP_mul, y, repeated(f, c->scale, c->axis, n->type));
	if (c->shift)
		y = combine(f, OP_add, y, repeated(f, c->shift, c->axis, n->type));
	if (!y->name)
		y->name = n->name;
	return y;
}

/* The new node of old node n, now that it is asked for. */
static Node *value(Folder *f, const Node *n)
{
	if (!f->w.map[n->id])
		f->w.map[n->id] = emit_chain(f, n);
	return f->w.map[n->id];
}

static void rewrite_node(Folder *f, Node *n)
{
	if (!f->w.is_static[n->id])
		f->chain[n->id] =
			takes_scale(f, n) ? start_contraction(f, n) : continue_chain(f, n);
	if (!f->chain[n->id])
		f->w.map[n->id] = copy_with_values(f, n);
}

Graph *pass_fold_scale(const Pass *p, const Graph *g, Arena *arena)
{
	Folder f = { 0 };
	if (p->ctx->fp == FP_STRICT)
		return graph_prune(g, arena);
	rewrite_start(&f.w, p, g, arena);
	f.chain = ARENA_ARRAY(arena, Chain *, g->node.n + 1);
	f.operand = arena_alloc_array(arena, sizeof(*f.operand), (size_t)g->node.n + 1);
	for (int i = 0; i < g->node.n; i++)
		rewrite_node(&f, g->node.at[i]);
	for (int i = 0; i < g->result.n; i++)
		value(&f, g->result.at[i]);
	for (int i = 0; i < g->update.n; i++)
		value(&f, g->update.at[i].next);
	return rewrite_finish(&f.w);
}
