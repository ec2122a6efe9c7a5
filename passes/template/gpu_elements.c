/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Schedules of a GPU for all that has no template of its own. Lanes of the vector axis are the
 * threads of a block, so index arithmetic is cheap per lane and memory wants neighbouring lanes to
 * read neighbouring elements:
 * - elements: a thread for each element of the flat tensor, whatever its shape, which is turned
 *   back into an index of each dimension; nobody shares anything, no barrier is needed;
 * - rows: a block for each row (as many threads as the row has use for), or, where rows are shorter
 *   than a warp, a thread for each row;
 * - long reductions to few elements: a block for each element. */
#include "ir/ops/util.h"
#include "passes/template/template.h"
#include <string.h>

enum {
	WARP = 32,
	MANY_ELEMENTS = 1 << 20, /* from here on a thread makes several */
	PER_THREAD = 4,
	LONG_REDUCTION = 128, /* elements to one: worth a block, */
	FEW_RESULTS = 8192    /* unless there are threads enough without */
};

/* The largest power of two up to n, from a warp to the target's block. */
static int threads_for(const Lowering *l, int64_t n)
{
	int most = target_lanes(&l->p->o->target, 4), lanes = WARP;
	while (lanes * 2 <= most && lanes * 2 <= n)
		lanes *= 2;
	return lanes;
}

/* The index of a flat element, left flat where every tensor is dense and of this shape. (A
 * contraction's epilogue that is called flat may still read a vector of its last dimension.) */
static void spread_index(Lowering *l, const Type *t, Node *flat, Node **at)
{
	bool contract = l->group && l->group->kind == GROUP_CONTRACT;
	if (!l->flat || contract) {
		kb_unflat(l->kb, t, flat, at);
		return;
	}
	for (int i = 0; i < t->rank; i++)
		at[i] = kb_i(l->kb, 0);
	if (t->rank)
		at[t->rank - 1] = flat;
}

void gpu_elements(Lowering *l, const Type *t, KbBody *body, void *user)
{
	KBuilder *kb = l->kb;
	int lanes = threads_for(l, t->count);
	int64_t per = t->count >= MANY_ELEMENTS ? PER_THREAD : 1, chunk = per * lanes;
	Node *at[MAX_RANK] = { NULL };
	Node *task = kb_axis(kb, "t", AX_TASK, (t->count + chunk - 1) / chunk, 0);
	Node *i = kb_axis(kb, "i", AX_LOOP, per, 0), *v = kb_axis(kb, "v", AX_VECTOR, lanes, lanes);
	bool guard = t->count % chunk != 0;
	kb_set_lanes(kb, lanes);
	kb_own_all(kb);
	kb_open(kb, task);
	Node *first = kb_imul(kb, task, chunk);
	if (per > 1) {
		kb_open(kb, i);
		first = kb_iadd(kb, first, kb_imul(kb, i, lanes));
	}
	kb_open(kb, v);
	Node *flat = kb_iadd(kb, first, v);
	if (guard)
		kb_open_if(kb, kb_emit2(kb, OP_lt, flat, kb_i(kb, t->count)));
	spread_index(l, t, flat, at);
	body(kb, at, user);
	for (int close = 2 + guard + (per > 1); close--;)
		kb_close(kb);
}

static void store_all(KBuilder *kb, Node **at, void *user)
{
	(void)kb;
	store_outputs(user, at);
}

/* --- rows ------------------------------------------------------------------------------------ */

static int64_t product(const Type *t, int from, int to)
{
	int64_t p = 1;
	for (int i = from; i < to; i++)
		p *= t->dim[i];
	return p;
}

static void store_output(KBuilder *kb, Node **at, void *user)
{
	const Node *n = user;
	kb_store(kb, n, at, kb_read(kb, n, at));
}

/* Every output's part of the row that `row` names. */
static void store_row(KBuilder *kb, Node **row, void *user)
{
	const Lowering *l = user;
	for (int i = 0; i < l->group->output.n; i++) {
		Node *n = l->group->output.at[i], *at[MAX_RANK];
		memcpy(at, row, sizeof at);
		kb_loops(kb, n->type, l->group->row_rank, at, store_output, n);
	}
}

bool gpu_row_is_thread(const Lowering *l, int64_t width)
{
	return on_gpu(l) && width < WARP;
}

void gpu_rows(Lowering *l, const Type *shape)
{
	KBuilder *kb = l->kb;
	int rank = l->group->row_rank;
	int64_t width = product(shape, rank, shape->rank);
	const Type *rows = type_get(l->p->ctx, shape->dtype, rank, shape->dim);
	Node *row[MAX_RANK] = { NULL };
	if (gpu_row_is_thread(l, width)) {
		l->flat = false;
		gpu_elements(l, rows, store_row, l);
		return;
	}
	Node *task = kb_axis(kb, "t", AX_TASK, rows->count, 0);
	kb_set_lanes(kb, threads_for(l, width));
	kb_open(kb, task);
	kb_unflat(kb, rows, task, row);
	store_row(kb, row, l);
	kb_close(kb);
}

/* --- one result at a time -------------------------------------------------------------------- */

/* How many elements make one of n. */
static int64_t reduced_elements(const Node *n)
{
	bool reduced[MAX_RANK];
	int64_t count = 1;
	if (n->op == OP_matmul) {
		const Type *x = n->in[0]->type;
		return x->dim[x->rank - (ATTR_OF(n, matmul)->trans_x ? 2 : 1)];
	}
	if (n->op != OP_reduce_sum && n->op != OP_reduce_prod && n->op != OP_reduce_max &&
	    n->op != OP_reduce_min)
		return 1;
	reduce_mask(n, reduced);
	for (int i = 0; i < n->in[0]->type->rank; i++)
		count *= reduced[i] ? n->in[0]->type->dim[i] : 1;
	return count;
}

void gpu_pull(Lowering *l)
{
	const Type *t = l->group->output.at[0]->type;
	KBuilder *kb = l->kb;
	int64_t reduced = reduced_elements(l->group->anchor);
	Node *at[MAX_RANK] = { NULL };
	if (reduced < LONG_REDUCTION || t->count > FEW_RESULTS) {
		l->flat = false; /* the reduction wants the index of each dimension */
		gpu_elements(l, t, store_all, l);
		return;
	}
	Node *task = kb_axis(kb, "t", AX_TASK, t->count, 0);
	kb_set_lanes(kb, threads_for(l, reduced));
	kb_open(kb, task);
	kb_unflat(kb, t, task, at);
	store_outputs(l, at);
	kb_close(kb);
}

void gpu_elementwise(Lowering *l, const Type *t)
{
	gpu_elements(l, t, store_all, l);
}
