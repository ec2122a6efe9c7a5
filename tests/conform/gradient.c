/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Gradients of a case's graph, and difference quotients to compare them with. */
#include "tests/conform/gradient.h"
#include "passes/autodiff.h"
#include "passes/expand.h"
#include <math.h>
#include <string.h>

enum { ELEMENTS = 4, DIRECTIONS = 2 };
static const double STEP = 1e-6, RELATIVE = 1e-5, ABSOLUTE = 1e-7;

/* --- the loss and its gradients -------------------------------------------------------------- */

static bool is_float(const Node *n)
{
	return dtype_is_float(n->type->dtype);
}

/* The case's graph again, made for differentiation, as the case's own. */
static bool copy_forward(GradCase *g)
{
	Case *c = g->c;
	const Graph *from = expand_for_autodiff(c->g, c->arena);
	if (!from)
		return false;
	c->g = graph_create(c->ctx, c->arena, "conform");
	c->b = builder_create(c->g);
	Node **map = ARENA_ARRAY(c->arena, Node *, from->node.n + 1);
	for (int i = 0; i < from->node.n; i++)
		map[i] = copy_node(c->b, from->node.at[i], map);
	copy_results(c->b, from, map);
	return !c->b->failed;
}

/* Sum of y r over all results, in double precision so that sums lose nothing. */
static Node *weighted_loss(GradCase *g)
{
	Case *c = g->c;
	Node *loss = emit_scalar(c->b, DT_f64, 0);
	for (int i = 0; i < c->g->result.n; i++) {
		Node *y = c->g->result.at[i];
		if (!is_float(y))
			continue;
		Domain d = g->plain ? between(1, 1) : any;
		Node *r = case_input(c, y->type->dtype, y->type->rank, y->type->dim, d);
		Node *term = emit_cast(c->b, emit2(c->b, OP_mul, y, r), DT_f64);
		term = emit_reduce(c->b, OP_reduce_sum, term, 0, NULL, false);
		loss = emit2(c->b, OP_add, loss, term);
	}
	return loss;
}

/* The gradients of all float inputs, as the only results. */
static bool differentiate(GradCase *g)
{
	Case *c = g->c;
	Node *wrt[CASE_PORTS], *grad[CASE_PORTS];
	int n = 0;
	Node *loss = weighted_loss(g);
	for (int i = 0; i < g->n_in; i++)
		if (is_float(c->g->input.at[i])) {
			g->wanted[i] = true;
			wrt[n++] = c->g->input.at[i];
		}
	if (!autodiff(c->b, loss, wrt, n, grad))
		return false;
	c->g->result.n = c->g->result_name.n = 0;
	for (int i = 0, k = 0; i < g->n_in; i++)
		if (g->wanted[i] && (g->grad[i] = grad[k++]) != NULL)
			case_result(c, g->grad[i]);
	return true;
}

bool case_differentiate(GradCase *g)
{
	g->n_in = g->c->g->input.n;
	g->forward = expand_macros(g->c->g, g->c->arena);
	if (g->forward && copy_forward(g) && differentiate(g))
		return true;
	case_fail(g->c, "cannot be differentiated");
	return false;
}

/* --- differences ----------------------------------------------------------------------------- */

/* Sum of r (y at x + step u - y at x), element by element so that little cancels. */
typedef struct Probe {
	GradCase *g;
	int input;
	const double *u; /* direction, as long as the input */
	EvalTensor *base;
} Probe;

static double weight_at(const GradCase *g, int result, int64_t i)
{
	int k = g->n_in;
	for (int r = 0; r < result; r++)
		k += is_float(g->forward->result.at[r]);
	return g->c->in[k].f[i];
}

static bool evaluate(GradCase *g, Arena *arena, const EvalTensor *in, EvalTensor *out)
{
	return eval_graph(g->forward, arena, in, out, (EvalOptions){ 0 });
}

static double change(const Probe *p, double step)
{
	GradCase *g = p->g;
	Arena *arena = arena_create();
	EvalTensor in[CASE_PORTS], *x = &in[p->input];
	EvalTensor *out = ARENA_ARRAY(arena, EvalTensor, g->forward->result.n + 1);
	double sum = 0;
	memcpy(in, g->c->in, sizeof in);
	*x = eval_tensor(arena, x->type);
	for (int64_t i = 0; i < x->type->count; i++)
		x->f[i] = g->c->in[p->input].f[i] + step * p->u[i];
	if (!evaluate(g, arena, in, out))
		sum = NAN;
	for (int r = 0; r < g->forward->result.n; r++)
		for (int64_t i = 0; out[r].f && i < out[r].type->count; i++)
			sum += weight_at(g, r, i) * (out[r].f[i] - p->base[r].f[i]);
	arena_destroy(arena);
	return sum;
}

/* What the gradient says of the direction. */
static double slope(const GradCase *g, int input, const EvalTensor *grad, const double *u)
{
	double sum = 0;
	for (int64_t i = 0; grad && i < g->c->in[input].type->count; i++)
		sum += u[i] != 0 ? grad->f[i] * u[i] : 0;
	return sum;
}

static bool check_direction(const Probe *p, const EvalTensor *grad)
{
	double have = slope(p->g, p->input, grad, p->u);
	double up = change(p, STEP) / STEP, down = -change(p, -STEP) / STEP;
	double want = (up + down) / 2;
	if (isnan(want) || fabs(up - down) > 1e-3 * (1 + fabs(want)))
		return true; /* a kink is near */
	p->g->checked++;
	if (fabs(have - want) <= ABSOLUTE + RELATIVE * fabs(want))
		return true;
	case_fail(p->g->c, "gradient of input %d is %.12g, the difference quotient %.12g", p->input,
		  have, want);
	return false;
}

static bool check_input(GradCase *g, int input, const EvalTensor *grad, EvalTensor *base)
{
	Case *c = g->c;
	int64_t n = c->in[input].type->count;
	bool ok = true;
	for (int k = 0; ok && n && k < ELEMENTS + DIRECTIONS; k++) {
		double *u = ARENA_ARRAY(c->arena, double, n);
		u[pick(c, 0, n - 1)] = 1;
		for (int64_t i = 0; k >= ELEMENTS && i < n; i++)
			u[i] = chance(c, 50) ? 1 : -1;
		ok = check_direction(&(Probe){ g, input, u, base }, grad);
	}
	return ok;
}

bool case_check_differences(GradCase *g)
{
	Case *c = g->c;
	const Graph *backward = expand_macros(c->g, c->arena);
	EvalTensor *grad = ARENA_ARRAY(c->arena, EvalTensor, c->g->result.n + 1);
	EvalTensor *base = ARENA_ARRAY(c->arena, EvalTensor, g->forward->result.n + 1);
	bool ok = backward && evaluate(g, c->arena, c->in, base) &&
		  eval_graph(backward, c->arena, c->in, grad, (EvalOptions){ 0 });
	if (!ok)
		case_fail(c, "cannot be evaluated");
	for (int i = 0, k = 0; ok && i < g->n_in; i++)
		if (g->wanted[i])
			ok = check_input(g, i, g->grad[i] ? &grad[k++] : NULL, base);
	return ok;
}
