/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Values of kernels: hash-consed scalar expressions, and index arithmetic that keeps addresses
 * affine.
 *
 * Index values (i64) are normalised as sums  c0 + sum c_i * base_i  where a base is an axis, a
 * quotient, a loaded index ... Sorting the terms makes equal addresses equal nodes, and lets
 * division and remainder cancel: with v < 16, (16 i + v) / 64 is i / 4 and (16 i + v) % 64 is 16 (i
 * % 4) + v, so a reshape read by vectors stays a contiguous read. */
#include "ir/kbuilder_impl.h"
#include "base/map.h"
#include "ir/eval.h"
#include <string.h>

enum { MAX_TERMS = 16 };
typedef struct Affine {
	int n;
	int64_t c0;
	struct {
		Node *base;
		int64_t c;
	} term[MAX_TERMS];
} Affine;

typedef struct Entry {
	Node *node;
	struct Entry *next;
} Entry;

static uint64_t value_hash(Op op, Attr attr, const Type *t, Node *const *in, int n_in)
{
	uint64_t h = hash_mix((uint64_t)op, (uint64_t)(uintptr_t)attr);
	h = hash_mix(h, (uint64_t)(uintptr_t)t);
	for (int i = 0; i < n_in; i++)
		h = hash_mix(h, in[i]->id);
	return h;
}

static bool same_value(const Node *n, Op op, Attr attr, const Type *t, Node *const *in, int n_in)
{
	if (n->op != op || n->attr != attr || n->type != t || n->n_in != n_in)
		return false;
	return n_in == 0 || memcmp(n->in, in, sizeof(Node *) * (size_t)n_in) == 0;
}

Node *kb_intern(KBuilder *kb, Op op, Attr attr, const Type *t, Node *const *in, int n_in)
{
	uint64_t h = value_hash(op, attr, t, in, n_in);
	kb->ctx->work++;
	Entry *bucket = map_get(kb->values, h);
	for (Entry *e = bucket; e; e = e->next)
		if (same_value(e->node, op, attr, t, in, n_in))
			return e->node;
	Node *n = arena_alloc(kb->arena, sizeof(Node) + sizeof(Node *) * (size_t)n_in);
	n->op = op;
	n->id = (uint32_t)kb->k->next_id++;
	n->type = t;
	n->attr = attr;
	n->n_in = n_in;
	for (int i = 0; i < n_in; i++) {
		n->in[i] = in[i];
		n->axes |= in[i]->axes;
	}
	Entry *e = ARENA_NEW(kb->arena, Entry);
	e->node = n;
	e->next = bucket;
	map_put(kb->values, h, e);
	return n;
}

/* --- constants ------------------------------------------------------------------------------- */

static Node *scalar_const(KBuilder *kb, DType t, const void *data)
{
	Attr_data a = { .data = blob_intern(kb->ctx, type_scalar(kb->ctx, t), data) };
	return kb_intern(kb, OP_const, attr_intern(kb->ctx, ATTR_data_RECORD, &a),
			 type_scalar(kb->ctx, t), NULL, 0);
}

Node *kb_f(KBuilder *kb, DType t, double v)
{
	return kb_num(kb, t, num_of(v));
}

Node *kb_num(KBuilder *kb, DType t, Num v)
{
	uint64_t room = 0;
	num_store(t, &room, 0, v);
	return scalar_const(kb, t, &room);
}

Node *kb_blob(KBuilder *kb, const Blob *b)
{
	return scalar_const(kb, b->type->dtype, b->data);
}

Node *kb_i(KBuilder *kb, int64_t v)
{
	return scalar_const(kb, DT_i64, &v);
}

/* --- ranges ---------------------------------------------------------------------------------- */

void kb_range(KBuilder *kb, const Node *x, int64_t *min, int64_t *max)
{
	Range r = kernel_range(kb->k, x);
	*min = r.min;
	*max = r.max;
}

/* --- affine sums ----------------------------------------------------------------------------- */

static bool affine_add_term(Affine *a, Node *base, int64_t c)
{
	int i = 0;
	while (i < a->n && a->term[i].base->id < base->id)
		i++;
	if (i < a->n && a->term[i].base == base) {
		a->term[i].c += c;
		if (a->term[i].c == 0) {
			memmove(&a->term[i], &a->term[i + 1],
				sizeof a->term[0] * (size_t)(a->n - i - 1));
			a->n--;
		}
		return true;
	}
	if (c == 0)
		return true;
	if (a->n == MAX_TERMS)
		return false;
	memmove(&a->term[i + 1], &a->term[i], sizeof a->term[0] * (size_t)(a->n - i));
	a->term[i].base = base;
	a->term[i].c = c;
	a->n++;
	return true;
}

/* Adds c * x to the sum; false when it has too many terms. */
static bool affine_collect(Affine *a, Node *x, int64_t c)
{
	int64_t v;
	if (index_value(x, &v)) {
		a->c0 += c * v;
		return true;
	}
	if (x->op == OP_add)
		return affine_collect(a, x->in[0], c) && affine_collect(a, x->in[1], c);
	if (x->op == OP_mul && index_value(x->in[1], &v))
		return affine_collect(a, x->in[0], c * v);
	return affine_add_term(a, x, c);
}

static const Type *i64_type(KBuilder *kb)
{
	return type_scalar(kb->ctx, DT_i64);
}

static Node *raw2(KBuilder *kb, Op op, Node *x, Node *y)
{
	Attr_none none = { 0 };
	Node *in[2] = { x, y };
	return kb_intern(kb, op, attr_intern(kb->ctx, ATTR_none_RECORD, &none), i64_type(kb), in,
			 2);
}

/* ((c0 + c1 b1) + c2 b2) ...: loop-invariant terms (few axes) first would be as good; the emitter
 * regroups addresses anyway. */
static Node *affine_node(KBuilder *kb, const Affine *a)
{
	Node *sum = NULL;
	for (int i = 0; i < a->n; i++) {
		Node *t = a->term[i].base;
		if (a->term[i].c != 1)
			t = raw2(kb, OP_mul, t, kb_i(kb, a->term[i].c));
		sum = sum ? raw2(kb, OP_add, sum, t) : t;
	}
	if (!sum)
		return kb_i(kb, a->c0);
	return a->c0 ? raw2(kb, OP_add, sum, kb_i(kb, a->c0)) : sum;
}

Node *kb_iadd(KBuilder *kb, Node *x, Node *y)
{
	Affine a = { 0 };
	if (!affine_collect(&a, x, 1) || !affine_collect(&a, y, 1))
		return raw2(kb, OP_add, x, y);
	return affine_node(kb, &a);
}

Node *kb_imul(KBuilder *kb, Node *x, int64_t c)
{
	return kb_affine(kb, x, c, 0);
}

Node *kb_affine(KBuilder *kb, Node *x, int64_t mul, int64_t add)
{
	Affine a = { .c0 = add };
	if (!affine_collect(&a, x, mul))
		return raw2(kb, OP_add, raw2(kb, OP_mul, x, kb_i(kb, mul)), kb_i(kb, add));
	return affine_node(kb, &a);
}

static int64_t gcd(int64_t a, int64_t b)
{
	while (b) {
		int64_t t = a % b;
		a = b;
		b = t;
	}
	return a < 0 ? -a : a;
}

static int64_t floor_div(int64_t a, int64_t b)
{
	return a / b - (a % b < 0);
}

/* Splits a into g * high + low with low in [0, g); false when low's range is larger. */
static bool affine_split(KBuilder *kb, const Affine *a, int64_t g, Affine *high, Affine *low)
{
	*high = (Affine){ .c0 = floor_div(a->c0, g) };
	*low = (Affine){ .c0 = a->c0 - high->c0 * g };
	for (int i = 0; i < a->n; i++) {
		if (a->term[i].c % g == 0)
			affine_add_term(high, a->term[i].base, a->term[i].c / g);
		else
			affine_add_term(low, a->term[i].base, a->term[i].c);
	}
	Range r = kernel_range(kb->k, affine_node(kb, low));
	return r.min >= 0 && r.max < g;
}

/* The largest divisor g of c by which x splits; 1 when none does better. */
static int64_t best_split(KBuilder *kb, const Affine *a, int64_t c)
{
	int64_t best = 1;
	Affine high, low;
	if (affine_split(kb, a, c, &high, &low))
		return c;
	for (int i = 0; i < a->n; i++) {
		int64_t g = gcd(c, a->term[i].c);
		if (g > best && affine_split(kb, a, g, &high, &low))
			best = g;
	}
	return best;
}

static Node *plain_div(KBuilder *kb, Node *x, int64_t c)
{
	Range r = kernel_range(kb->k, x);
	if (r.min >= 0 && r.max < c)
		return kb_i(kb, 0);
	if (r.min >= 0)
		return raw2(kb, OP_div, x, kb_i(kb, c));
	/* floored: shift into the non-negative numbers first */
	int64_t k = -floor_div(r.min, c);
	return kb_affine(kb, raw2(kb, OP_div, kb_affine(kb, x, 1, k * c), kb_i(kb, c)), 1, -k);
}

Node *kb_idiv(KBuilder *kb, Node *x, int64_t c)
{
	Affine a = { 0 }, high, low;
	if (c == 1)
		return x;
	if (!affine_collect(&a, x, 1))
		return plain_div(kb, x, c);
	int64_t g = best_split(kb, &a, c);
	affine_split(kb, &a, g, &high, &low);
	Node *h = affine_node(kb, &high);
	return g == c ? h : plain_div(kb, h, c / g);
}

static Node *plain_mod(KBuilder *kb, Node *x, int64_t c)
{
	Range r = kernel_range(kb->k, x);
	if (r.min >= 0 && r.max < c)
		return x;
	return c == 1 ? kb_i(kb, 0) : raw2(kb, OP_mod, x, kb_i(kb, c));
}

Node *kb_imod(KBuilder *kb, Node *x, int64_t c)
{
	Affine a = { 0 }, high, low;
	if (c == 1)
		return kb_i(kb, 0);
	if (!affine_collect(&a, x, 1))
		return plain_mod(kb, x, c);
	int64_t g = best_split(kb, &a, c);
	affine_split(kb, &a, g, &high, &low);
	Node *l = affine_node(kb, &low);
	if (g == c)
		return l;
	return kb_iadd(kb, kb_imul(kb, plain_mod(kb, affine_node(kb, &high), c / g), g), l);
}

/* --- general values -------------------------------------------------------------------------- */

static Node *fold_compare(KBuilder *kb, Op op, const Node *x, const Node *y)
{
	Range a = kernel_range(kb->k, x), b = kernel_range(kb->k, y);
	bool lt = a.max < b.min, ge = a.min >= b.max;
	bool le = a.max <= b.min, gt = a.min > b.max;
	if (op == OP_lt && (lt || ge))
		return kb_f(kb, DT_bool, lt);
	if (op == OP_ge && (lt || ge))
		return kb_f(kb, DT_bool, ge);
	if (op == OP_le && (le || gt))
		return kb_f(kb, DT_bool, le);
	if (op == OP_gt && (le || gt))
		return kb_f(kb, DT_bool, gt);
	return NULL;
}

static bool is_bool(const Node *n, int64_t want)
{
	int64_t v;
	return n->type->dtype == DT_bool && index_value(n, &v) && (v != 0) == (want != 0);
}

static Node *simplify(KBuilder *kb, Op op, Node *const *in)
{
	if ((op == OP_lt || op == OP_ge || op == OP_le || op == OP_gt) &&
	    in[0]->type->dtype == DT_i64)
		return fold_compare(kb, op, in[0], in[1]);
	if (op == OP_select && in[1] == in[2])
		return in[1];
	if (op == OP_select && in[0]->op == OP_const)
		return is_bool(in[0], 1) ? in[1] : in[2];
	if (op == OP_and && in[0]->type->dtype == DT_bool) {
		if (is_bool(in[0], 1) || is_bool(in[1], 0))
			return in[1];
		if (is_bool(in[1], 1) || is_bool(in[0], 0))
			return in[0];
	}
	if (op == OP_add && in[0]->type->dtype == DT_i64)
		return kb_iadd(kb, in[0], in[1]);
	int64_t c;
	if (op == OP_mul && in[0]->type->dtype == DT_i64) {
		if (index_value(in[1], &c))
			return kb_imul(kb, in[0], c);
		if (index_value(in[0], &c))
			return kb_imul(kb, in[1], c);
	}
	return NULL;
}

static DType result_dtype(Op op, Attr attr, Node *const *in)
{
	if (op_info(op)->flags & OF_BOOL)
		return DT_bool;
	if (op == OP_cast)
		return ((const Attr_cast *)attr)->to;
	if (op == OP_select)
		return in[1]->type->dtype;
	return in[0]->type->dtype;
}

static Node *fold_constant(KBuilder *kb, const Node *n)
{
	EvalTensor in[3], out;
	const EvalTensor *ptr[3];
	uint64_t room[2] = { 0 };
	if (n->n_in == 0 || n->n_in > 3 || !(op_info(n->op)->flags & OF_ELEMENTWISE) ||
	    n->op == OP_fma)
		return NULL;
	for (int i = 0; i < n->n_in; i++) {
		if (n->in[i]->op != OP_const)
			return NULL;
		in[i] = eval_from_data(kb->arena, n->in[i]->type,
				       ATTR_OF(n->in[i], data)->data->data);
		ptr[i] = &in[i];
	}
	out = eval_tensor(kb->arena, n->type);
	if (!eval_node(kb->arena, n, ptr, &out))
		return NULL;
	eval_to_data(&out, room);
	return scalar_const(kb, n->type->dtype, room);
}

Node *kb_emit(KBuilder *kb, Op op, Attr attr, Node *const *in, int n_in)
{
	Node *s = simplify(kb, op, in);
	if (s)
		return s;
	Attr_none none = { 0 };
	if (!attr)
		attr = attr_intern(kb->ctx, ATTR_none_RECORD, &none);
	Node *n =
		kb_intern(kb, op, attr, type_scalar(kb->ctx, result_dtype(op, attr, in)), in, n_in);
	Node *folded = fold_constant(kb, n);
	return folded ? folded : n;
}

Node *kb_emit1(KBuilder *kb, Op op, Node *x)
{
	return kb_emit(kb, op, NULL, &x, 1);
}

Node *kb_emit2(KBuilder *kb, Op op, Node *x, Node *y)
{
	Node *in[2] = { x, y };
	return kb_emit(kb, op, NULL, in, 2);
}

Node *kb_emit3(KBuilder *kb, Op op, Node *x, Node *y, Node *z)
{
	Node *in[3] = { x, y, z };
	return kb_emit(kb, op, NULL, in, 3);
}

Node *kb_fma(KBuilder *kb, Node *x, Node *y, Node *z)
{
	return kb_emit3(kb, OP_fma, x, y, z);
}

Node *kb_cast(KBuilder *kb, Node *x, DType to)
{
	Attr_cast a = { .to = to };
	if (x->type->dtype == to)
		return x;
	return kb_emit(kb, OP_cast, attr_intern(kb->ctx, ATTR_cast_RECORD, &a), &x, 1);
}

Node *kb_pack_bf16(KBuilder *kb, Node *x, Node *y)
{
	Attr_none none = { 0 };
	Node *in[2] = { x, y };
	return kb_intern(kb, OP_pack_bf16, attr_intern(kb->ctx, ATTR_none_RECORD, &none),
			 type_scalar(kb->ctx, DT_i32), in, 2);
}

Node *kb_guard(KBuilder *kb, Node *cond, Node *x, Node *y)
{
	return kb_emit3(kb, OP_select, cond, x, y);
}

Node *kb_fold(KBuilder *kb, Op fold, Node *x, uint64_t axes)
{
	int64_t list[MAX_AXES];
	Attr_axes a = { .axes = { 0, list } };
	axes &= x->axes;
	if (!axes)
		return x;
	for (int i = 0; i < MAX_AXES; i++)
		if (axes >> i & 1)
			list[a.axes.n++] = i;
	Node *n = kb_intern(kb, fold, attr_intern(kb->ctx, ATTR_axes_RECORD, &a), x->type, &x, 1);
	n->axes = x->axes & ~axes;
	return n;
}

/* --- positions ------------------------------------------------------------------------------- */

Node *kb_flat(KBuilder *kb, const Type *t, Node *const *at)
{
	Node *flat = kb_i(kb, 0);
	for (int i = 0; i < t->rank; i++)
		flat = kb_iadd(kb, kb_imul(kb, flat, t->dim[i]), at[i]);
	return flat;
}

void kb_unflat(KBuilder *kb, const Type *t, Node *flat, Node **at)
{
	for (int i = t->rank - 1; i >= 0; i--) {
		at[i] = i == 0 ? flat : kb_imod(kb, flat, t->dim[i]);
		flat = kb_idiv(kb, flat, t->dim[i]);
	}
}
