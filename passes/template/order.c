/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Results whose elements depend on all of a line along one dimension, in an order: running sums,
 * and the indices of the k first. Tasks (threads of a GPU) share out the lines; a line is done by
 * one alone, from its beginning to its end, so its bits do not depend on how many there are. */
#include "ir/ops/util.h"
#include "passes/template/template.h"
#include <string.h>

typedef struct Line {
	const Node *n; /* what is made, of n->in[0] */
	int axis;
	int64_t length; /* of the input's line */
	/* the k first: */
	int heap; /* buffer of the result */
	Node *const *at;
	uint64_t axes; /* that the line depends on */
} Line;

/* The shape of all lines: that of x without the dimension they lie along. */
static const Type *lines_of(Lowering *l, const Type *x, int axis)
{
	int64_t dim[MAX_RANK];
	for (int i = 0; i < x->rank - 1; i++)
		dim[i] = x->dim[i < axis ? i : i + 1];
	return type_get(l->p->ctx, x->dtype, x->rank - 1, dim);
}

/* Element i of the line `at`. */
static void element_index(const Line *z, Node *const *at, Node *i, Node **full)
{
	for (int d = 0; d < z->n->type->rank; d++)
		full[d] = d < z->axis ? at[d] : d == z->axis ? i : at[d - 1];
}

/* body for every line, by itself: no vectors on the CPU. */
static void scalar_lines(Lowering *l, const Type *lines, int64_t row_bytes, KbBody *body,
			 void *user)
{
	Node *at[MAX_RANK] = { NULL };
	if (on_gpu(l)) {
		l->flat = false;
		gpu_elements(l, lines, body, user);
		return;
	}
	int64_t per_task = rows_per_task(lines->count, row_bytes);
	kb_unflat(l->kb, lines, open_rows(l->kb, lines->count, per_task), at);
	body(l->kb, at, user);
	close_rows(l->kb, per_task);
}

/* --- running sums ---------------------------------------------------------------------------- */

static void sum_line(KBuilder *kb, Node **at, void *user)
{
	const Line *z = user;
	const Attr_cumsum *a = ATTR_OF(z->n, cumsum);
	DType dtype = z->n->type->dtype;
	Node *full[MAX_RANK];
	uint64_t axes = 0;
	for (int i = 0; i < z->n->type->rank - 1; i++)
		axes |= at[i]->axes;
	bool narrow = dtype_is_float(dtype) && dtype_info[dtype].bytes < 4;
	Node *sum = kb_var(kb, "sum", kb_f(kb, narrow ? DT_f32 : dtype, 0), axes);
	Node *i = kb_axis(kb, "i", AX_LOOP, z->length, 0);
	kb_open(kb, i);
	element_index(z, at, a->reverse ? kb_affine(kb, i, -1, z->length - 1) : i, full);
	Node *x = kb_cast(kb, kb_read(kb, z->n->in[0], full), sum->type->dtype);
	if (a->exclusive)
		kb_store(kb, z->n, full, kb_cast(kb, sum, dtype));
	kb_set(kb, sum, kb_emit2(kb, OP_add, sum, x));
	if (!a->exclusive)
		kb_store(kb, z->n, full, kb_cast(kb, sum, dtype));
	kb_close(kb);
}

/* Lines that lie side by side are summed by vectors. */
void template_cumsum(Lowering *l)
{
	const Node *n = l->group->anchor;
	Line z = { .n = n, .axis = axis_norm(ATTR_OF(n, cumsum)->axis, n->type->rank) };
	z.length = n->type->dim[z.axis];
	const Type *lines = lines_of(l, n->type, z.axis);
	if (z.axis < n->type->rank - 1 && !on_gpu(l))
		element_loops(l, lines, sum_line, &z);
	else
		scalar_lines(l, lines, z.length * 4, sum_line, &z);
}

/* --- the k first ----------------------------------------------------------------------------- */

/* A heap of indices in the result's own memory, with the last of those kept at its root, so that
 * one look tells whether an element is among the k first so far: n log k comparisons at most. Then
 * the heap is taken apart from its root, from the end of the result to its beginning. */
typedef struct Element {
	Node *index, *value;
} Element;

static Node *heap_index(KBuilder *kb, const Line *z, Node *place)
{
	Node *full[MAX_RANK];
	element_index(z, z->at, place, full);
	return kb_load_buf(kb, z->heap, full);
}

static void set_heap(KBuilder *kb, const Line *z, Node *place, Node *index)
{
	Node *full[MAX_RANK];
	element_index(z, z->at, place, full);
	kb_store_buf(kb, z->heap, full, index);
}

static Element element(KBuilder *kb, const Line *z, Node *index)
{
	Node *full[MAX_RANK];
	Node *kept = kb_var(kb, "index", index, z->axes);
	/* That it lies inside, as all that the heap holds, the ranges of a reshaped input's
	 * indices must be told. */
	Node *inside = kb_emit2(kb, OP_max, kept, kb_i(kb, 0));
	inside = kb_emit2(kb, OP_min, inside, kb_i(kb, z->length - 1));
	element_index(z, z->at, inside, full);
	return (Element){ kept, kb_var(kb, "value", kb_read(kb, z->n->in[0], full), z->axes) };
}

/* Does x come before y for its value? NaN counts as the largest number. */
static Node *value_before(KBuilder *kb, const Line *z, Node *x, Node *y)
{
	bool largest = ATTR_OF(z->n, topk)->largest;
	Node *before = kb_emit2(kb, largest ? OP_gt : OP_lt, x, y);
	if (!dtype_is_float(x->type->dtype))
		return before;
	Node *first = kb_emit1(kb, OP_isnan, largest ? x : y);
	Node *other = kb_emit1(kb, OP_not, kb_emit1(kb, OP_isnan, largest ? y : x));
	return kb_emit2(kb, OP_or, before, kb_emit2(kb, OP_and, first, other));
}

/* Equal ones keep their order. */
static Node *before(KBuilder *kb, const Line *z, Element x, Element y)
{
	Node *tie = kb_emit2(kb, OP_and, kb_emit2(kb, OP_lt, x.index, y.index),
			     kb_emit1(kb, OP_not, value_before(kb, z, y.value, x.value)));
	return kb_emit2(kb, OP_or, value_before(kb, z, x.value, y.value), tie);
}

/* Puts e into the heap of `size` places, of which `place` is free and those below it are in order:
 * what comes after e moves up. */
static void sift(KBuilder *kb, const Line *z, Node *place, Element e, Node *size)
{
	int64_t k = ATTR_OF(z->n, topk)->k, depth = 0;
	for (int64_t i = k; i > 1; i /= 2)
		depth++;
	Node *hole = kb_var(kb, "hole", place, z->axes);
	Node *next = kb_var(kb, "next", kb_affine(kb, hole, 2, 1), z->axes);
	Node *level = kb_axis(kb, "level", AX_LOOP, depth, 0);
	if (depth > 0) {
		kb_open(kb, level);
		kb_open_if(kb, kb_emit2(kb, OP_lt, next, size));
		Node *child = kb_var(kb, "child", next, z->axes);
		Element c = element(kb, z, heap_index(kb, z, child));
		Node *beside = kb_var(kb, "beside", kb_affine(kb, child, 1, 1), z->axes);
		kb_open_if(kb, kb_emit2(kb, OP_lt, beside, size));
		Element other = element(kb, z, heap_index(kb, z, beside));
		Node *later = kb_var(kb, "later", before(kb, z, c, other), z->axes);
		kb_set(kb, child, kb_emit3(kb, OP_select, later, beside, child));
		kb_set(kb, c.index, kb_emit3(kb, OP_select, later, other.index, c.index));
		kb_set(kb, c.value, kb_emit3(kb, OP_select, later, other.value, c.value));
		kb_close(kb);
		kb_set(kb, next, size); /* the end, unless it goes on */
		kb_open_if(kb, before(kb, z, e, c));
		set_heap(kb, z, hole, c.index);
		kb_set(kb, hole, child);
		kb_set(kb, next, kb_affine(kb, child, 2, 1));
		kb_close(kb);
		kb_close(kb);
		kb_close(kb);
	}
	set_heap(kb, z, hole, e.index);
}

static void first_of_line(KBuilder *kb, Node **at, void *user)
{
	Line line = *(Line *)user, *z = &line;
	int64_t k = ATTR_OF(z->n, topk)->k;
	Node *all = kb_i(kb, k), *root = kb_i(kb, 0);
	z->at = at;
	for (int i = 0; i < z->n->type->rank - 1; i++)
		z->axes |= at[i]->axes;

	/* the first k */
	Node *i = kb_axis(kb, "i", AX_LOOP, k, 0);
	kb_open(kb, i);
	set_heap(kb, z, i, i);
	kb_close(kb);
	if (k > 1) {
		Node *p = kb_axis(kb, "p", AX_LOOP, k / 2, 0);
		kb_open(kb, p);
		Node *place = kb_affine(kb, p, -1, k / 2 - 1);
		sift(kb, z, place, element(kb, z, heap_index(kb, z, place)), all);
		kb_close(kb);
	}
	/* the others, in their order: an equal one comes after those kept */
	if (z->length > k) {
		Element last = element(kb, z, heap_index(kb, z, root));
		Node *r = kb_axis(kb, "r", AX_LOOP, z->length - k, 0);
		kb_open(kb, r);
		Element e = element(kb, z, kb_affine(kb, r, 1, k));
		kb_open_if(kb, value_before(kb, z, e.value, last.value));
		sift(kb, z, root, e, all);
		kb_set(kb, last.value, element(kb, z, heap_index(kb, z, root)).value);
		kb_close(kb);
		kb_close(kb);
	}
	/* from the last to the first */
	if (k > 1) {
		Node *m = kb_axis(kb, "m", AX_LOOP, k - 1, 0);
		kb_open(kb, m);
		Node *end = kb_affine(kb, m, -1, k - 1);
		Element e = element(kb, z, heap_index(kb, z, end));
		set_heap(kb, z, end, heap_index(kb, z, root));
		sift(kb, z, root, e, end);
		kb_close(kb);
	}
}

void template_topk(Lowering *l)
{
	const Node *n = l->group->anchor;
	const Type *x = n->in[0]->type;
	Line z = { .n = n, .axis = axis_norm(ATTR_OF(n, topk)->axis, x->rank) };
	z.length = x->dim[z.axis];
	z.heap = kb_buf_of(l->kb, n);
	scalar_lines(l, lines_of(l, x, z.axis), z.length * 16, first_of_line, &z);
}
