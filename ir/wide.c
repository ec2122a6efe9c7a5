/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* See wide.h. The one place that says how 16-bit floats are computed with: neither macros, nor
 * lowering, nor the backends know of it.
 *
 * The cast that rounds a result is loose unless fp=strict: where another operator reads it in f32,
 * the value goes on as it is (simplify_cast). */
#include "ir/wide.h"
#include "ir/ops/util.h"

static bool is_loose(const Node *n)
{
	return n->op == OP_cast && ATTR_OF(n, cast)->loose;
}

/* Elements that are only moved stay as they are, unless they have just been computed. */
static bool moves_narrow(const Node *n)
{
	bool moves = (op_info(n->op)->flags & OF_VIEW) || n->op == OP_gather ||
		     n->op == OP_gather_elements || n->op == OP_gather_nd ||
		     (n->op == OP_scatter_nd && !ATTR_OF(n, scatter)->add);
	for (int i = 0; moves && i < n->n_in; i++)
		if (is_loose(n->in[i]))
			return false;
	return moves;
}

bool computes_narrow(const Node *n)
{
	if ((op_info(n->op)->flags & OF_LEAF) || n->op == OP_cast || n->op == OP_get)
		return false;
	for (int i = 0; i < n->n_in; i++)
		if (n->in[i] && dtype_is_narrow_float(n->in[i]->type->dtype))
			return !moves_narrow(n);
	return false;
}

Node *emit_rounded(Builder *b, Node *x, DType t)
{
	Attr_cast a = { .to = t, .loose = b->ctx->fp != FP_STRICT };
	if (is_poison(x) || x->type->dtype == t)
		return x;
	return emit(b, OP_cast, attr_intern(b->ctx, ATTR_cast_RECORD, &a), &x, 1);
}

static Node *widened(Builder *b, Node *x)
{
	return x && dtype_is_narrow_float(x->type->dtype) ? emit_cast(b, x, DT_f32) : x;
}

Node *emit_wide(Builder *b, const Node *n)
{
	Node **in = ARENA_ARRAY(b->graph->arena, Node *, n->n_in + 1);
	const char *name = b->name;
	b->name = NULL; /* for the result, not for what is cast */
	for (int i = 0; i < n->n_in; i++)
		in[i] = widened(b, n->in[i]);
	b->name = name;
	Node *y = emit(b, n->op, n->attr, in, n->n_in);
	return dtype_is_narrow_float(n->type->dtype) ? emit_rounded(b, y, n->type->dtype) : y;
}
