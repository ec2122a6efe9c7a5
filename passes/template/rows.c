/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Elementwise operators and row reductions: tasks over rows, the row inside by vectors.
 *
 * With reductions a row is what is reduced over; values that several loops of a row need and that
 * are dear to compute are staged in scratch (softmax keeps its exponentials). Without reductions,
 * dense tensors of one shape run as one flat array. */
#include "passes/template/template.h"
#include <string.h>

Node *open_rows(KBuilder *kb, int64_t rows, int64_t per_task)
{
	int64_t tasks = (rows + per_task - 1) / per_task;
	Node *t = kb_axis(kb, "t", AX_TASK, tasks, 0);
	kb_open(kb, t);
	if (per_task == 1)
		return t;
	Node *i = kb_axis(kb, "i", AX_LOOP, per_task, 0);
	Node *left = kb_emit2(kb, OP_sub, kb_i(kb, rows), kb_imul(kb, t, per_task));
	Node *hi = rows % per_task ? kb_emit2(kb, OP_min, kb_i(kb, per_task), left) : NULL;
	kb_open_range(kb, i, NULL, hi);
	return kb_iadd(kb, kb_imul(kb, t, per_task), i);
}

void close_rows(KBuilder *kb, int64_t per_task)
{
	kb_close(kb);
	if (per_task > 1)
		kb_close(kb);
}

/* The row's position in its leading dimensions. */
static void row_index(KBuilder *kb, const Type *t, int rank, Node *flat, Node **at)
{
	for (int i = rank - 1; i >= 0; i--) {
		at[i] = i == 0 ? flat : kb_imod(kb, flat, t->dim[i]);
		if (t->dim[i] == 1)
			at[i] = kb_i(kb, 0);
		flat = kb_idiv(kb, flat, t->dim[i]);
	}
}

static int64_t product(const Type *t, int from, int to)
{
	int64_t p = 1;
	for (int i = from; i < to; i++)
		p *= t->dim[i];
	return p;
}

/* --- with reductions ------------------------------------------------------------------------- */

static void store_output(KBuilder *kb, Node **at, void *user)
{
	const Node *n = user;
	kb_store(kb, n, at, kb_read(kb, n, at));
}

/* the shape whose rows all members have */
static const Type *widest(const Group *gr)
{
	const Type *best = NULL;
	for (int i = 0; i < gr->node.n; i++) {
		const Node *n = gr->node.at[i];
		const Type *t = op_info(n->op)->flags & OF_REDUCES ? n->in[0]->type : n->type;
		if (!best || t->count > best->count)
			best = t;
	}
	return best;
}

static void reduced_rows(Lowering *l)
{
	KBuilder *kb = l->kb;
	const Type *shape = widest(l->group);
	int rank = l->group->row_rank;
	if (on_gpu(l)) {
		gpu_rows(l, shape);
		return;
	}
	int64_t rows = product(shape, 0, rank), width = product(shape, rank, shape->rank);
	int64_t per_task = rows_per_task(rows, width * 4);
	Node *at[MAX_RANK], *row[MAX_RANK];
	row_index(kb, shape, rank, open_rows(kb, rows, per_task), row);
	for (int i = 0; i < l->group->output.n; i++) {
		Node *n = l->group->output.at[i];
		memcpy(at, row, sizeof at);
		kb_loops(kb, n->type, rank, at, store_output, n);
	}
	close_rows(kb, per_task);
}

/* --- elementwise ----------------------------------------------------------------------------- */

static void store_all(KBuilder *kb, Node **at, void *user)
{
	(void)kb;
	store_outputs(user, at);
}

enum { FLAT_CHUNK = 4096 };

/* Elements of one task: `count` of them from element `base` on, by vectors. */
static void flat_part(Lowering *l, Node **at, int last, Node *base, int64_t count)
{
	KBuilder *kb = l->kb;
	int lanes = target_lanes(kb_target(kb), 4);
	int64_t full = count / lanes, rest = count % lanes;
	for (int part = 0; part < 2; part++) {
		if (part ? !rest : !full)
			continue;
		Node *i = kb_axis(kb, "i", AX_LOOP, part ? 1 : full, 0);
		Node *v = kb_axis(kb, "v", AX_VECTOR, part ? rest : lanes, lanes);
		Node *first = part ? kb_i(kb, full * lanes) : kb_imul(kb, i, lanes);
		if (!part)
			kb_open(kb, i);
		kb_open(kb, v);
		at[last] = kb_iadd(kb, base, kb_iadd(kb, first, v));
		store_outputs(l, at);
		kb_close(kb);
		if (!part)
			kb_close(kb);
	}
}

/* One array: the index goes through the last dimension beyond its size, which dense storage allows.
 */
static void flat_elements(Lowering *l, const Type *t)
{
	KBuilder *kb = l->kb;
	Node *at[MAX_RANK];
	for (int i = 0; i < t->rank; i++)
		at[i] = kb_i(kb, 0);
	int64_t chunk = t->count < FLAT_CHUNK ? t->count : FLAT_CHUNK;
	int64_t full = t->count / chunk, rest = t->count % chunk;
	Node *task = kb_axis(kb, "t", AX_TASK, full + (rest != 0), 0);
	Node *is_full = kb_emit2(kb, OP_lt, task, kb_i(kb, full)), *base = kb_imul(kb, task, chunk);
	kb_open(kb, task);
	if (rest)
		kb_open_if(kb, is_full);
	flat_part(l, at, t->rank - 1, base, chunk);
	if (rest) {
		kb_close(kb);
		kb_open_if(kb, kb_emit1(kb, OP_not, is_full));
		flat_part(l, at, t->rank - 1, base, rest);
		kb_close(kb);
	}
	kb_close(kb);
}

static void element_rows(Lowering *l, const Type *t)
{
	KBuilder *kb = l->kb;
	Node *at[MAX_RANK];
	int inner = t->rank ? 1 : 0;
	/* tiny last dimensions: take more of them into the row */
	while (inner < t->rank - 1 && product(t, t->rank - inner, t->rank) < 64)
		inner++;
	int rank = t->rank - inner;
	int64_t rows = product(t, 0, rank), width = product(t, rank, t->rank);
	int64_t per_task = rows_per_task(rows, width * 4);
	row_index(kb, t, rank, open_rows(kb, rows, per_task), at);
	kb_loops(kb, t, rank, at, store_all, l);
	close_rows(kb, per_task);
}

void template_rows(Lowering *l)
{
	const Type *t = l->group->output.at[0]->type;
	if (l->group->row_rank >= 0)
		reduced_rows(l);
	else if (on_gpu(l))
		gpu_elementwise(l, t);
	else if (l->flat && t->rank > 0)
		flat_elements(l, t);
	else if (!template_turned(l))
		element_rows(l, t);
}

/* --- copies ---------------------------------------------------------------------------------- */

typedef struct Copy {
	const Node *value;
	int buf;
} Copy;

static void copy_element(KBuilder *kb, Node **at, void *user)
{
	const Copy *c = user;
	kb_store_buf(kb, c->buf, at, kb_read(kb, c->value, at));
}

/* Each element of the shape, the rows of all but the last dimension shared out to tasks. */
void element_loops(Lowering *l, const Type *shape, KbBody *body, void *user)
{
	KBuilder *kb = l->kb;
	Node *at[MAX_RANK];
	int rank = shape->rank > 1 ? shape->rank - 1 : 0;
	if (on_gpu(l)) {
		gpu_elements(l, shape, body, user);
		return;
	}
	int64_t rows = product(shape, 0, rank), width = product(shape, rank, shape->rank);
	int64_t per_task = rows_per_task(rows, width * 4);
	row_index(kb, shape, rank, open_rows(kb, rows, per_task), at);
	kb_loops(kb, shape, rank, at, body, user);
	close_rows(kb, per_task);
}

void template_copy(Lowering *l, const Node *value, const Type *shape, const Storage *to)
{
	Copy c = { value, kb_arg(l->kb, shape, to) };
	element_loops(l, shape, copy_element, &c);
}

/* --- borders --------------------------------------------------------------------------------- */

typedef struct Fill {
	Node *value;
	int buf;
	int dim;
	int64_t shift; /* first index in the padded dimension */
	const int64_t *low;
} Fill;

static void fill_element(KBuilder *kb, Node **at, void *user)
{
	const Fill *f = user;
	Node *idx[MAX_RANK];
	int rank = kb_kernel(kb)->buf.at[f->buf].rank;
	for (int i = 0; i < rank; i++)
		idx[i] = i < f->dim ? kb_affine(kb, at[i], 1, f->low[i]) : at[i];
	idx[f->dim] = kb_affine(kb, at[f->dim], 1, f->shift);
	kb_store_buf(kb, f->buf, idx, f->value);
}

/* What lies before (side 0) or after dimension d: the inner part of the dimensions before it, the
 * whole of those behind. NULL: nothing. */
static const Type *border_side(const Lowering *l, const Node *pad, int d, int side)
{
	const Attr_pad *a = ATTR_OF(pad, pad);
	const Type *t = pad->type, *in = pad->in[0]->type;
	int64_t dim[MAX_RANK], n = side ? a->high.v[d] : a->low.v[d];
	if (n == 0)
		return NULL;
	for (int i = 0; i < t->rank; i++)
		dim[i] = i < d ? in->dim[i] : t->dim[i];
	dim[d] = n;
	return type_get(l->p->ctx, t->dtype, t->rank, dim);
}

/* Of images one after another, if no image is border alone. */
static int border_rows(const Node *pad)
{
	const Attr_pad *a = ATTR_OF(pad, pad);
	return pad->type->rank > 1 && a->low.v[0] == 0 && a->high.v[0] == 0;
}

int border_part(const Lowering *l, const Node *pad, int d)
{
	int axes = 2; /* of the rows */
	for (; d < pad->type->rank; d++) {
		for (int side = 0; side < 2; side++) {
			const Type *t = border_side(l, pad, d, side);
			axes += t ? kb_loops_axes(&l->p->o->target, t, border_rows(pad)) : 0;
		}
		if (axes > MAX_AXES)
			return d;
	}
	return d;
}

void template_border(Lowering *l, const Node *pad, const Storage *to, int from, int until)
{
	KBuilder *kb = l->kb;
	const Attr_pad *a = ATTR_OF(pad, pad);
	const Type *t = pad->type;
	int64_t count = 0;
	int first = border_rows(pad);
	for (int d = from; d < until; d++)
		for (int side = 0; side < 2; side++) {
			const Type *part = border_side(l, pad, d, side);
			count += part ? part->count : 0;
		}
	int64_t bytes = count * dtype_info[t->dtype].bytes;
	int64_t rows = first ? t->dim[0] : 1, per_task = rows_per_task(rows, bytes / rows);
	Node *at[MAX_RANK] = { open_rows(kb, rows, per_task) };
	Fill f = { .buf = kb_arg(kb, t, to), .low = a->low.v };
	f.value = kb_read(kb, pad->in[1], NULL);
	for (int d = from > first ? from : first; d < until; d++)
		for (int side = 0; side < 2; side++) {
			const Type *part = border_side(l, pad, d, side);
			if (!part)
				continue;
			f.dim = d;
			f.shift = side ? t->dim[d] - part->dim[d] : 0;
			kb_loops(kb, part, first, at, fill_element, &f);
		}
	kb_kernel(kb)->bytes = (double)bytes;
	close_rows(kb, per_task);
}
