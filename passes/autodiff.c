/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Reverse-mode differentiation. The forward nodes are walked once from the loss back to the first:
 * when a node's turn comes, all its readers have been seen and its gradient is complete; its
 * operator's vjp hook then emits what it adds to the gradients of its inputs. Contributions are
 * added in the order of the walk, which the graph alone determines.
 *
 * A node takes part when it is a float and depends on one of the wrt: whole numbers and truth
 * values carry no gradient, so what lies behind an argmax or a comparison gets none and needs none.
 * The new nodes stand after all forward nodes and are not walked. */
#include "passes/autodiff.h"
#include "ir/hooks.h"
#include "passes/expand.h"

static bool is_macro(Op op)
{
	return op_info(op)->levels & LEVEL_M;
}

bool op_has_gradient(Op op)
{
	return op_info(op)->vjp != vjp_none;
}

static bool has_own_gradient(void *user, const Node *n)
{
	(void)user;
	return is_macro(n->op) && op_info(n->op)->vjp != vjp_expanded;
}

Graph *expand_for_autodiff(const Graph *g, Arena *arena)
{
	return expand_macros_but(g, arena, has_own_gradient, NULL);
}

typedef struct Backward {
	Builder *b;
	int n;        /* forward nodes */
	bool *wanted; /* by node id: a float that depends on a wrt */
	Node **dy;    /* by node id: the gradient so far, NULL: none yet */
} Backward;

static bool carries_gradient(const Node *n)
{
	return n->type->dtype == DT_tuple || dtype_is_float(n->type->dtype);
}

static void find_wanted(Backward *w, Node *const *wrt, int n)
{
	for (int i = 0; i < n; i++)
		w->wanted[wrt[i]->id] = true;
	for (int i = 0; i < w->n; i++) {
		const Node *x = w->b->graph->node.at[i];
		for (int k = 0; k < x->n_in && carries_gradient(x); k++)
			if (x->in[k] && w->wanted[x->in[k]->id])
				w->wanted[i] = true;
	}
}

static void add_to(Backward *w, const Node *x, Node *part)
{
	Node **dy = &w->dy[x->id];
	*dy = *dy ? emit2(w->b, OP_add, *dy, part) : part;
}

static bool no_gradient(Backward *w, const Node *n)
{
	const char *op = op_info(n->op)->name;
	builder_error(w->b, E5105,
		      "'%s': operator '%s' has no gradient, but trained parameters reach the loss "
		      "through it",
		      n->name ? n->name : op, op);
	diag_hint(w->b->diag, "use another operator, or mark the parameters before it "
			      "trainable=\"0\"");
	return false;
}

/* What n adds to the gradients of its inputs. */
static bool step_back(Backward *w, const Node *n)
{
	Node **dx = ARENA_ARRAY(w->b->graph->arena, Node *, n->n_in + 1);
	bool reaches = false;
	for (int k = 0; k < n->n_in; k++)
		reaches = reaches || (n->in[k] && w->wanted[n->in[k]->id]);
	if (!reaches)
		return true;
	w->b->loc = n->loc;
	if (!op_has_gradient(n->op))
		return no_gradient(w, n);
	op_info(n->op)->vjp(w->b, n, w->dy[n->id], dx);
	for (int k = 0; k < n->n_in; k++)
		if (dx[k] && w->wanted[n->in[k]->id])
			add_to(w, n->in[k], dx[k]);
	return !w->b->failed;
}

bool autodiff(Builder *b, Node *loss, Node *const *wrt, int n, Node **grad)
{
	Backward w = { .b = b, .n = b->graph->node.n };
	bool ok = true;
	w.wanted = ARENA_ARRAY(b->graph->arena, bool, w.n + 1);
	w.dy = ARENA_ARRAY(b->graph->arena, Node *, w.n + 1);
	find_wanted(&w, wrt, n);
	b->loc = loss->loc;
	w.dy[loss->id] = emit_full(b, loss->type, 1);
	for (int i = (int)loss->id; ok && i >= 0; i--)
		if (w.dy[i] && w.wanted[i])
			ok = step_back(&w, b->graph->node.at[i]);
	for (int i = 0; i < n; i++)
		grad[i] = w.dy[wrt[i]->id];
	return ok && !b->failed;
}
