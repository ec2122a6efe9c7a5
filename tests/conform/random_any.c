/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Random graphs of every operator: those of the table of generators (generate.c) are added to a
 * pool of values, their operands made of it by views, broadcasts and casts. Between them stand the
 * steps of random_graph.c, and shapes that compilers find hard: values that meet themselves again
 * and again, rows that are normalised many times. */
#include "tests/conform/generate.h"
#include "tests/conform/random_graph.h"
#include <string.h>

enum { MOST = 4000, ROOM = 90 };

/* --- operands of what there is ---------------------------------------------------------------- */

/* The elements of x, repeated or cut, in another shape. */
static Node *reshaped(Case *c, Node *x, const Type *t)
{
	int64_t n = x->type->count, dim[MAX_RANK];
	if (x->type->rank <= t->rank && broadcast_shape(x->type, t, dim) == t->rank &&
	    memcmp(dim, t->dim, (size_t)t->rank * sizeof *dim) == 0 && chance(c, 70))
		return emit_broadcast(c->b, x, t->rank, t->dim);
	if (n != t->count) {
		int64_t times = (t->count + n - 1) / n, all = n * times;
		x = emit_reshape(c->b, x, 1, &n);
		if (times > 1) {
			x = emit_broadcast(c->b, x, 2, DIMS(times, n));
			x = emit_reshape(c->b, x, 1, &all);
		}
		if (all > t->count)
			x = emit_slice_axis(c->b, x, 0, pick(c, 0, all - t->count), t->count);
	}
	return emit_reshape(c->b, x, t->rank, t->dim);
}

/* Between low and high, whatever x is. */
static Node *within(Case *c, Node *x, Domain d)
{
	x = emit1(c->b, OP_sigmoid, x);
	x = emit_c2(c->b, OP_mul, x, d.high - d.low);
	return emit_c2(c->b, OP_add, x, d.low);
}

Node *pool_operand(Case *c, const Type *t, Domain d)
{
	Pool *p = c->pool;
	bool real = dtype_is_float(t->dtype);
	if (t->count == 0 || (d.given && (!real || d.whole || c->values != VALUES_NORMAL)) ||
	    chance(c, 25))
		return NULL;
	Node *x = NULL;
	int from = (int)pick(c, 0, p->n - 1);
	for (int i = 0; i < p->n; i++) { /* the type, then as many elements, then the data type */
		Node *n = p->at[(from + i) % p->n];
		bool fits = n->type->dtype == t->dtype && n->type->count > 0;
		if (fits && (!x || n->type == t ||
			     (n->type->count == t->count && x->type->count != t->count)))
			x = n;
		if (n->type == t)
			break;
	}
	if (!x && chance(c, 30))
		x = p->at[from];
	if (!x || x->type->count == 0 || (!real && dtype_is_float(x->type->dtype) && chance(c, 80)))
		return NULL;
	x = reshaped(c, x, t);
	if (x->type->dtype != t->dtype)
		x = emit_cast(c->b, x, t->dtype);
	return d.given ? within(c, x, d) : x;
}

static void join(Case *c, Node *n)
{
	if (c->pool->n < ROOM && n->type->count <= MOST && n->type->rank <= 5)
		c->pool->at[c->pool->n++] = n;
}

void pool_results(Case *c, Node *n)
{
	if (n->type->dtype != DT_tuple)
		join(c, n);
	for (int i = 0; n->type->dtype == DT_tuple && i < n->type->n_elem; i++)
		join(c, emit_get(c->b, n, i));
}

/* --- shapes that are hard --------------------------------------------------------------------- */

/* x op f(x), again and again. */
Node *grow_repeated(Case *c, Pool *p, Node *x)
{
	static const Op f[] = { OP_sin, OP_tanh, OP_sigmoid, OP_neg, OP_relu, OP_abs };
	Op op = c->values == VALUES_WHOLE ? f[pick(c, 3, 5)] : f[pick(c, 0, 5)];
	int times = (int)pick(c, 3, 9);
	(void)p;
	for (int i = 0; i < times; i++) {
		Node *y = chance(c, 85) ? emit1(c->b, op, x) : x;
		x = emit2(c->b, chance(c, 60) ? OP_add : chance(c, 50) ? OP_max : OP_sub, x, y);
		if (chance(c, 50))
			x = emit_c2(c->b, OP_mul, x, 0.5);
	}
	return x;
}

/* Rows that are normalised and joined many times. */
Node *grow_rows(Case *c, Pool *p, Node *x)
{
	int times = (int)pick(c, 2, 8);
	(void)p;
	if (x->type->rank < 1 || c->values == VALUES_WHOLE)
		return NULL;
	for (int i = 0; i < times; i++) {
		bool softmax = x->type->rank < 2 || chance(c, 60);
		Node *y = softmax ? case_emit(c, OP_softmax, &x, 1, "axis=-1")
				  : case_emit(c, OP_layernorm, &x, 1,
					      "axis=-1;affine=0;bias=0;eps=0.1");
		if (chance(c, 30))
			y = case_emit(c, OP_gelu, &y, 1, "%s", "");
		x = chance(c, 70) ? emit2(c->b, OP_add, x, y) : y;
	}
	return x;
}

/* --- a graph ---------------------------------------------------------------------------------- */

static bool drawn(Op op)
{
	const OpInfo *info = op_info(op);
	return !(info->flags & OF_LEAF) && (info->levels & (LEVEL_T | LEVEL_M)) &&
	       generate_row(op).make;
}

static Op any_operator(Case *c)
{
	Op op;
	do
		op = (Op)pick(c, 0, OP_COUNT - 1);
	while (!drawn(op));
	return op;
}

/* The youngest value that the usual steps take, or any of them. */
static Node *usual_value(Case *c, const Pool *p)
{
	Node *found = NULL;
	for (int i = p->n - 1; i >= 0; i--) {
		const Type *t = p->at[i]->type;
		if (t->dtype != DT_f32 || t->count == 0)
			continue;
		found = p->at[i];
		if (chance(c, 60))
			break;
	}
	return found;
}

static void usual_step(Case *c, Pool *p)
{
	Node *x = usual_value(c, p), *made = NULL;
	Pool usual = { .n = 0 };
	for (int i = 0; i < p->n; i++)
		if (p->at[i]->type->dtype == DT_f32 && p->at[i]->type->count > 0)
			usual.at[usual.n++] = p->at[i];
	if (!x || c->g->input.n > CASE_PORTS - 4)
		return;
	int64_t kind = pick(c, 0, 9);
	made = kind == 0   ? grow_repeated(c, &usual, x)
	       : kind == 1 ? grow_rows(c, &usual, x)
			   : grow_usual(c, &usual, x);
	if (!made || c->b->failed || is_poison(made))
		return;
	c->pool = p;
	pool_results(c, made);
	c->pool = NULL;
}

void random_graph_of_all(Case *c, int n, Op wanted)
{
	Pool p = { .n = 0 };
	int64_t dim[MAX_RANK];
	int rank = (int)pick(c, 1, 4), at = (int)pick(c, 0, n - 1);
	c->pool = &p;
	some_dims(c, rank, MOST / 4, false, dim);
	c->pool = NULL;
	p.at[p.n++] = case_input(c, DT_f32, rank, dim, any);
	for (int i = 0; i < n && p.n < ROOM && !c->b->failed; i++) {
		if (i != at && chance(c, 55)) {
			usual_step(c, &p);
			continue;
		}
		Op op = i == at && drawn(wanted) ? wanted : any_operator(c);
		c->pool = &p;
		generate_row(op).make(c, op);
		c->pool = NULL;
	}
	case_result(c, p.at[p.n - 1]);
	for (int more = (int)pick(c, 0, 3); more > 0; more--)
		case_result(c, p.at[pick(c, 0, p.n - 1)]);
}
