/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The reference evaluator: the nodes of a graph in order, each by its operator's eval hook. Every
 * tensor has an arena of its own, which goes when the last node that reads it is done. */
#include "ir/eval.h"
#include "ir/hooks.h"
#include "ir/ops/util.h"
#include "ir/scalar.h"
#include <math.h>
#include <string.h>

EvalTensor eval_tensor(Arena *a, const Type *t)
{
	EvalTensor e = { .type = t };
	if (dtype_is_float(t->dtype))
		e.f = ARENA_ARRAY(a, double, t->count ? t->count : 1);
	else
		e.i = ARENA_ARRAY(a, int64_t, t->count ? t->count : 1);
	return e;
}

EvalTensor eval_from_data(Arena *a, const Type *t, const void *data)
{
	EvalTensor e = eval_tensor(a, t);
	for (int64_t i = 0; i < t->count; i++)
		if (e.f)
			e.f[i] = load_f64(t->dtype, data, i);
		else
			e.i[i] = load_i64(t->dtype, data, i);
	return e;
}

void eval_to_data(const EvalTensor *e, void *data)
{
	for (int64_t i = 0; i < e->type->count; i++)
		if (e->f)
			store_f64(e->type->dtype, data, i, e->f[i]);
		else
			store_i64(e->type->dtype, data, i, e->i[i]);
}

/* --- one node -------------------------------------------------------------------------------- */

/* Integer sums and products of a narrow type wrap as that type does. */
static void wrap_integers(EvalTensor *e)
{
	for (int64_t i = 0; e->i && i < e->type->count; i++)
		e->i[i] = int_wrap(e->type->dtype, e->i[i]);
}

bool eval_node(Arena *arena, const Node *n, const EvalTensor *const *in, EvalTensor *out)
{
	EvalCall c = { .n = n, .out = out, .arena = arena };
	if (op_info(n->op)->eval == eval_none) /* inputs, parameters, macros */
		return false;
	*out = eval_tensor(arena, n->type);
	if (n->op == OP_concat) {
		concat_parts(out, in, n->n_in, axis_norm(ATTR_OF(n, axis)->axis, n->type->rank));
		return true;
	}
	if (n->n_in > (int)(sizeof c.in / sizeof *c.in))
		return false;
	for (int i = 0; i < n->n_in; i++)
		c.in[i] = in[i];
	op_info(n->op)->eval(&c);
	wrap_integers(out);
	return true;
}

/* --- a graph --------------------------------------------------------------------------------- */

typedef struct Value {
	EvalTensor tensor;
	Arena *arena; /* own memory; NULL once freed, and for the inputs of the graph */
	int last_use; /* position of the last reader; results live to the end */
} Value;

typedef struct Run {
	const Graph *g;
	EvalOptions o;
	Value *value; /* by node id */
	const EvalTensor *in;
} Run;

static void find_last_uses(Run *r)
{
	const Graph *g = r->g;
	for (int i = 0; i < g->node.n; i++) {
		const Node *n = g->node.at[i];
		r->value[n->id].last_use = -1;
		for (int k = 0; k < n->n_in; k++)
			if (n->in[k])
				r->value[n->in[k]->id].last_use = i;
	}
	for (int i = 0; i < g->result.n; i++)
		r->value[g->result.at[i]->id].last_use = g->node.n;
	for (int i = 0; r->o.next && i < g->update.n; i++)
		r->value[g->update.at[i].next->id].last_use = g->node.n;
}

static void round_to_type(EvalTensor *e)
{
	for (int64_t i = 0; e->f && i < e->type->count; i++)
		e->f[i] = float_round(e->type->dtype, e->f[i]);
}

static double keep_digits(double x, int digits)
{
	int exponent;
	double part = frexp(x, &exponent);
	return isfinite(x) ? ldexp(rint(ldexp(part, digits)), exponent - digits) : x;
}

static void round_to_digits(EvalTensor *e, int digits)
{
	for (int64_t i = 0; e->type->dtype == DT_f32 && i < e->type->count; i++)
		e->f[i] = keep_digits(e->f[i], digits);
}

static bool eval_input(Run *r, const Node *n)
{
	for (int i = 0; i < r->g->input.n; i++)
		if (r->g->input.at[i] == n) {
			r->value[n->id].tensor = r->in[i];
			return true;
		}
	return diag_error(r->g->ctx->diag, n->loc, E7001, "an input is not in the graph's list");
}

static EvalTensor copy_tensor(Arena *arena, const EvalTensor *e)
{
	EvalTensor c = eval_tensor(arena, e->type);
	size_t n = (size_t)e->type->count;
	if (n && e->f)
		memcpy(c.f, e->f, n * sizeof *c.f);
	else if (n)
		memcpy(c.i, e->i, n * sizeof *c.i);
	return c;
}

static bool eval_param(Run *r, const Node *n, Value *v)
{
	const Attr_param *a = ATTR_OF(n, param);
	for (int i = 0; r->o.param && i < r->g->param.n; i++)
		if (r->g->param.at[i] == n) {
			v->tensor = copy_tensor(v->arena, &r->o.param[i]);
			return true;
		}
	if (a->state && !a->data) {
		v->tensor = eval_tensor(v->arena, n->type);
		return true;
	}
	if (!a->data || !a->data->data)
		return diag_error(r->g->ctx->diag, n->loc, E4002, "parameter '%s' has no values",
				  a->name);
	v->tensor = eval_tensor(v->arena, n->type);
	for (int64_t i = 0; i < n->type->count; i++)
		if (v->tensor.f)
			v->tensor.f[i] = blob_f64(a->data, i);
		else
			v->tensor.i[i] = blob_i64(a->data, i);
	return true;
}

/* How many of the first inputs are factors of products. */
static int factors(const Node *n)
{
	bool product = n->op == OP_matmul || n->op == OP_conv || n->op == OP_conv_dw;
	return n->type->dtype != DT_f32 ? 0 : product ? 2 : n->op == OP_attention ? 3 : 0;
}

static const EvalTensor *rounded_factor(Arena *a, const EvalTensor *x)
{
	EvalTensor *r = ARENA_NEW(a, EvalTensor);
	*r = copy_tensor(a, x);
	for (int64_t i = 0; i < x->type->count; i++)
		r->f[i] = float_round(DT_bf16, r->f[i]);
	return r;
}

static bool eval_operator(Run *r, const Node *n, Value *v)
{
	const EvalTensor **in = ARENA_ARRAY(v->arena, const EvalTensor *, n->n_in + 1);
	for (int i = 0; i < n->n_in; i++)
		in[i] = n->in[i] ? &r->value[n->in[i]->id].tensor : NULL;
	for (int i = 0; r->o.bf16 && i < factors(n); i++)
		in[i] = rounded_factor(v->arena, in[i]);
	if (!eval_node(v->arena, n, in, &v->tensor))
		return diag_error(r->g->ctx->diag, n->loc, E5111,
				  "the reference cannot evaluate operator '%s'",
				  op_info(n->op)->name);
	if (r->o.round_f32)
		round_to_type(&v->tensor);
	if (r->o.digits)
		round_to_digits(&v->tensor, r->o.digits);
	return true;
}

static bool eval_at(Run *r, const Node *n)
{
	Value *v = &r->value[n->id];
	if (n->op == OP_input)
		return eval_input(r, n);
	v->arena = arena_create();
	return n->op == OP_param ? eval_param(r, n, v) : eval_operator(r, n, v);
}

static void free_value(Value *v)
{
	arena_destroy(v->arena);
	v->arena = NULL;
}

static void free_dead_inputs(Run *r, const Node *n, int position)
{
	for (int i = 0; i < n->n_in; i++)
		if (n->in[i] && r->value[n->in[i]->id].last_use == position)
			free_value(&r->value[n->in[i]->id]);
	if (r->value[n->id].last_use < 0)
		free_value(&r->value[n->id]);
}

bool eval_graph(const Graph *g, Arena *arena, const EvalTensor *in, EvalTensor *out, EvalOptions o)
{
	Run r = { .g = g, .o = o, .in = in };
	bool ok = true;
	r.value = ARENA_ARRAY(arena, Value, g->node.n + 1);
	find_last_uses(&r);
	for (int i = 0; ok && i < g->node.n; i++) {
		ok = eval_at(&r, g->node.at[i]);
		if (ok && o.watch)
			ok = o.watch(o.user, g->node.at[i], &r.value[g->node.at[i]->id].tensor);
		free_dead_inputs(&r, g->node.at[i], i);
	}
	for (int i = 0; ok && i < g->result.n; i++)
		out[i] = copy_tensor(arena, &r.value[g->result.at[i]->id].tensor);
	for (int i = 0; ok && o.next && i < g->update.n; i++)
		o.next[i] = copy_tensor(arena, &r.value[g->update.at[i].next->id].tensor);
	for (int i = 0; i < g->node.n; i++)
		free_value(&r.value[g->node.at[i]->id]);
	return ok;
}
