/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Constant folding by the reference evaluation. Three ways, the cheapest first: operators on
 * constants whose elements are all equal compute one element, whatever their size; others are
 * evaluated when nothing is larger than the context's limit; macros are expanded in a graph aside,
 * and when their result is a constant there, it is taken over. */
#include "ir/fold.h"
#include "ir/eval.h"
#include "ir/hooks.h"
#include "ir/wide.h"
#include <math.h>
#include <string.h>

/* --- one spelling for each constant ---------------------------------------------------------- */

static Node *leaf(Builder *b, Op op, Attr attr, const Type *t)
{
	return append_node(b, op, attr, t, NULL, 0);
}

/* A leaf by attribute, found again when it is there. */
static Node *leaf_again(Builder *b, Op op, AttrRecord r, const void *record)
{
	return emit(b, op, attr_intern(b->ctx, r, record), NULL, 0);
}

static Node *const_node(Builder *b, const Type *t, const void *data)
{
	Attr_data a = { .data = blob_intern(b->ctx, t, data) };
	return leaf_again(b, OP_const, ATTR_data_RECORD, &a);
}

static Node *fill_of(Builder *b, const Type *t, Num v)
{
	Attr_fill a = { .shape = { t->rank, t->dim }, .value = v, .type = t->dtype };
	return leaf_again(b, OP_fill, ATTR_fill_RECORD, &a);
}

/* Whether a fill's value can be exactly this element. */
static bool is_num(DType t, const void *element, Num *v)
{
	uint64_t back = 0;
	*v = num_load(t, element, 0);
	num_store(t, &back, 0, *v);
	return v->f != v->f || memcmp(&back, element, (size_t)dtype_info[t].bytes) == 0;
}

/* One element's bytes, everywhere: a fill where that is exact; NULL when it is not and t is large.
 */
static Node *uniform(Builder *b, const Type *t, const void *element)
{
	int64_t size = dtype_info[t->dtype].bytes;
	Num v;
	if (t->count > 1 && is_num(t->dtype, element, &v))
		return fill_of(b, t, v);
	if (type_bytes(t) > b->ctx->fold_bytes)
		return NULL;
	char *data = arena_alloc(b->graph->arena, (size_t)type_bytes(t));
	for (int64_t i = 0; i < t->count; i++)
		memcpy(data + i * size, element, (size_t)size);
	return const_node(b, t, data);
}

static bool all_equal(const Blob *blob)
{
	int64_t size = dtype_info[blob->type->dtype].bytes;
	const char *p = blob->data;
	if (!p || blob->type->count < 2)
		return false;
	return blob->splat || memcmp(p, p + size, (size_t)(size * (blob->type->count - 1))) == 0;
}

static Node *spell_const(Builder *b, Attr attr, const Type *t)
{
	const Blob *blob = ((const Attr_data *)attr)->data;
	Num v;
	if (all_equal(blob) && is_num(t->dtype, blob->data, &v))
		return fill_of(b, t, v);
	return leaf(b, OP_const, attr, t);
}

static Node *spell_fill(Builder *b, Attr attr, const Type *t)
{
	Num v = ((const Attr_fill *)attr)->value, exact;
	uint64_t element = 0;
	num_store(t->dtype, &element, 0, v);
	bool fits = is_num(t->dtype, &element, &exact);
	Node *n = NULL;
	if (t->count <= 1 || !fits || (v.f == v.f && memcmp(&exact, &v, sizeof v) != 0))
		n = uniform(b, t, &element);
	return n ? n : leaf(b, OP_fill, attr, t);
}

static bool counts_to_one(Attr attr, const Type *t)
{
	int64_t axis = ((const Attr_iota *)attr)->axis;
	return t->count <= 1 || t->dim[axis < 0 ? axis + t->rank : axis] == 1;
}

Node *fold_leaf(Builder *b, Op op, Attr attr, const Type *t)
{
	if (op == OP_const)
		return spell_const(b, attr, t);
	if (op == OP_fill)
		return spell_fill(b, attr, t);
	if (op == OP_iota && counts_to_one(attr, t))
		return fill_of(b, t, num_of_i64(0));
	return leaf(b, op, attr, t);
}

/* --- equal elements -------------------------------------------------------------------------- */

/* The bytes of the element that a constant has everywhere. */
static bool element_of(const Node *n, uint64_t *out)
{
	*out = 0;
	if (n->op == OP_fill) {
		num_store(n->type->dtype, out, 0, ATTR_OF(n, fill)->value);
		return true;
	}
	if (n->op != OP_const || !n->type->count)
		return false;
	const Blob *blob = ATTR_OF(n, data)->data;
	if (!blob->data || (n->type->count > 1 && !blob->splat))
		return false;
	memcpy(out, blob->data, (size_t)dtype_info[n->type->dtype].bytes);
	return true;
}

static bool all_uniform(const Node *n, uint64_t *element)
{
	for (int i = 0; i < n->n_in; i++)
		if (!element_of(n->in[i], &element[i]))
			return false;
	return true;
}

enum { MAX_UNIFORM = 8 }; /* elementwise operators have at most three inputs */

/* Computes one element for all. */
static Node *fold_each(Builder *b, const Node *n)
{
	uint64_t element[MAX_UNIFORM], result = 0;
	EvalTensor in[MAX_UNIFORM], out;
	const EvalTensor *ptr[MAX_UNIFORM];
	if (!all_uniform(n, element))
		return NULL;
	Arena *a = arena_create();
	for (int i = 0; i < n->n_in; i++) {
		in[i] = eval_from_data(a, type_scalar(b->ctx, n->in[i]->type->dtype), &element[i]);
		ptr[i] = &in[i];
	}
	Node *scalar = arena_copy(a, n, sizeof(Node) + sizeof(Node *) * (size_t)n->n_in);
	scalar->type = type_scalar(b->ctx, n->type->dtype);
	out = eval_tensor(a, scalar->type);
	bool ok = eval_node(a, scalar, ptr, &out);
	if (ok)
		eval_to_data(&out, &result);
	arena_destroy(a);
	return ok ? uniform(b, n->type, &result) : NULL;
}

/* Moving equal elements about gives equal elements. */
static Node *fold_view(Builder *b, const Node *n)
{
	uint64_t first, other;
	if (!n->n_in || !element_of(n->in[0], &first))
		return NULL;
	for (int i = 1; i < n->n_in; i++)
		if (!element_of(n->in[i], &other) || other != first)
			return NULL;
	return uniform(b, n->type, &first);
}

/* --- small constants ------------------------------------------------------------------------- */

static bool is_small(const Builder *b, const Type *t)
{
	return t->dtype != DT_tuple && type_bytes(t) <= b->ctx->fold_bytes;
}

static bool has_data(const Node *n)
{
	return is_const(n) && (n->op != OP_const || ATTR_OF(n, data)->data->data);
}

static bool all_const(const Builder *b, const Node *n)
{
	for (int i = 0; i < n->n_in; i++)
		if (n->in[i] && (!has_data(n->in[i]) || !is_small(b, n->in[i]->type)))
			return false;
	return n->n_in > 0;
}

static Node *fold_small(Builder *b, const Node *n)
{
	Arena *a = arena_create();
	EvalTensor *in = ARENA_ARRAY(a, EvalTensor, n->n_in), out = eval_tensor(a, n->type);
	const EvalTensor **ptr = ARENA_ARRAY(a, const EvalTensor *, n->n_in);
	void *data = arena_alloc(a, (size_t)type_bytes(n->type) + 1);
	bool ok = true;
	for (int i = 0; i < n->n_in && ok; i++) {
		if (!n->in[i])
			continue;
		in[i] = eval_tensor(a, n->in[i]->type);
		ptr[i] = &in[i];
		ok = eval_node(a, n->in[i], NULL, &in[i]);
	}
	ok = ok && eval_node(a, n, ptr, &out);
	Node *made = NULL;
	if (ok) {
		eval_to_data(&out, data);
		made = const_node(b, n->type, data);
	}
	arena_destroy(a);
	return made;
}

/* Repeating a constant makes it larger: that is done only where the result is about as small as the
 * indices of a shape. */
static bool worth_folding(const Node *n)
{
	enum { FEW = 64 };
	return n->op != OP_broadcast || n->type->count <= FEW;
}

/* What elementwise operators do to constants that are repeated in the same way is done to them
 * before. */
static Node *fold_repeated(Builder *b, const Node *n)
{
	Node *in[MAX_UNIFORM];
	const Type *from = NULL;
	uint64_t element;
	for (int i = 0; i < n->n_in; i++) {
		in[i] = n->in[i];
		if (element_of(in[i], &element))
			continue;
		in[i] = in[i]->op == OP_broadcast ? in[i]->in[0] : NULL;
		if (!in[i] || !has_data(in[i]) || !is_small(b, in[i]->type) ||
		    (from && !type_same_shape(from, in[i]->type)))
			return NULL;
		from = in[i]->type;
	}
	for (int i = 0; from && i < n->n_in; i++)
		if (element_of(n->in[i], &element))
			in[i] = uniform(b, type_with_dtype(b->ctx, from, n->in[i]->type->dtype),
					&element);
	if (!from)
		return NULL;
	Node *once = emit(b, n->op, n->attr, in, n->n_in);
	return emit_broadcast(b, once, n->type->rank, n->type->dim);
}

/* --- macros ---------------------------------------------------------------------------------- */

/* Constants keep their values aside, because some expansions need them; anything else is an input
 * of its type. */
static Node *stand_in(Builder *aside, const Node *x)
{
	if (!x)
		return NULL;
	return append_node(aside, is_const(x) ? x->op : OP_input, is_const(x) ? x->attr : NULL,
			   x->type, NULL, 0);
}

int expand_aside(Builder *b, const Node *n, Arena *a, Node **out)
{
	const OpInfo *info = op_info(n->op);
	Builder *aside = builder_create(graph_create(b->ctx, a, info->name));
	Node *copy = arena_alloc(a, sizeof(Node) + sizeof(Node *) * (size_t)n->n_in);
	int count = 0;
	*copy = *n;
	copy->type = NULL;
	aside->loc = b->loc;
	for (int i = 0; i < n->n_in; i++)
		copy->in[i] = stand_in(aside, n->in[i]);
	memset(out, 0, sizeof(Node *) * MAX_RESULTS);
	bool ok = info->expand(aside, copy, out);
	while (ok && count < MAX_RESULTS && out[count])
		count++;
	if (aside->failed) /* it has reported */
		b->failed = true;
	else if (!count || (info->n_results && count != info->n_results))
		builder_error(b, E7001, "the expansion of %s gives %d results", info->name, count);
	return b->failed ? 0 : count;
}

/* Result i of a macro, when it is constant. */
static Node *fold_macro(Builder *b, const Node *n, int64_t i)
{
	Node *out[MAX_RESULTS], *made = NULL;
	Arena *a = arena_create();
	int count = expand_aside(b, n, a, out);
	if (i < count && is_const(out[i]))
		made = emit(b, out[i]->op, out[i]->attr, NULL, 0);
	arena_destroy(a);
	return made;
}

const Type *infer_expanded(Builder *b, Op op, Attr attr, Node *const *in, int n_in)
{
	Node *out[MAX_RESULTS];
	const Type *type[MAX_RESULTS], *result = NULL;
	Arena *a = arena_create();
	Node *n = arena_alloc(a, sizeof(Node) + sizeof(Node *) * (size_t)n_in);
	n->op = op;
	n->attr = attr;
	n->loc = b->loc;
	n->n_in = n_in;
	for (int i = 0; i < n_in; i++)
		n->in[i] = in[i];
	int count = expand_aside(b, n, a, out);
	for (int i = 0; i < count; i++)
		type[i] = out[i]->type;
	if (count)
		result = op_info(op)->n_results == 1 ? type[0] : type_tuple(b->ctx, count, type);
	arena_destroy(a);
	return result;
}

/* --- all together ---------------------------------------------------------------------------- */

static bool is_macro(const Node *n)
{
	return op_info(n->op)->levels == LEVEL_M;
}

/* A macro of 16-bit floats means one of f32 whose result is rounded. */
static Node *fold_narrow_macro(Builder *b, const Node *n)
{
	bool got = n->op == OP_get;
	Node *made = emit_wide(b, got ? n->in[0] : n);
	if (got)
		made = emit_rounded(b, emit_get(b, made, (int)ATTR_OF(n, index)->index),
				    n->type->dtype);
	return is_const(made) ? made : NULL;
}

static Node *fold_any_macro(Builder *b, const Node *n)
{
	const Node *macro = n->op == OP_get ? n->in[0] : n;
	if (is_macro(macro) && computes_narrow(macro))
		return all_const(b, macro) ? fold_narrow_macro(b, n) : NULL;
	if (n->op == OP_get && is_macro(n->in[0]) && all_const(b, n->in[0]))
		return fold_macro(b, n->in[0], ATTR_OF(n, index)->index);
	if (!is_macro(n) || op_info(n->op)->n_results != 1 || !is_small(b, n->type))
		return NULL;
	/* the value of `shape` and of operators without inputs is always known */
	return n->op == OP_shape || n->n_in == 0 || all_const(b, n) ? fold_macro(b, n, 0) : NULL;
}

Node *fold_node(Builder *b, const Node *n)
{
	const OpInfo *info = op_info(n->op);
	Node *made = NULL;
	if (is_macro(n) || n->op == OP_get)
		return fold_any_macro(b, n);
	if (info->eval == eval_none || (info->flags & OF_LEAF))
		return NULL;
	if (n->type->count == 0)
		return const_node(b, n->type, "");
	if (info->flags & OF_ELEMENTWISE) {
		made = fold_each(b, n);
		made = made ? made : fold_repeated(b, n);
	}
	if (!made && (info->flags & OF_VIEW))
		made = fold_view(b, n);
	if (!made && is_small(b, n->type) && worth_folding(n) && all_const(b, n))
		made = fold_small(b, n);
	return made;
}
