/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Indices that come with the data: a gather or scatter clamps them where it reads, so that none
 * leads outside, and a kernel of its own says so in the run's status word. It reads the index
 * tensor once, which is small next to what is gathered; indices that are known to lie inside (an
 * arg reduction, top-k, constants) are not looked at. */
#include "ir/ops/util.h"
#include "passes/template/template.h"

typedef struct Check {
	const Node *index;
	int status;        /* buffer of the status word */
	int64_t size;      /* of the dimension that is indexed */
	int64_t component; /* of tuples along the last dimension; -1: every element is an index */
} Check;

static uint64_t vector_axes(KBuilder *kb, uint64_t axes)
{
	const Kernel *k = kb_kernel(kb);
	uint64_t out = 0;
	for (int i = 0; i < k->axis.n; i++)
		if ((axes >> i & 1) && k->axis.at[i].kind == AX_VECTOR)
			out |= (uint64_t)1 << i;
	return out;
}

static void check_element(KBuilder *kb, Node **at, void *user)
{
	const Check *c = user;
	Node *full[MAX_RANK] = { NULL };
	int rank = c->index->type->rank, lead = c->component < 0 ? rank : rank - 1;
	for (int i = 0; i < lead; i++)
		full[i] = at[i];
	if (lead < rank)
		full[lead] = kb_i(kb, c->component);
	Node *i = kb_cast(kb, kb_read(kb, c->index, full), DT_i64);
	Node *outside = kb_emit2(kb, OP_or, kb_emit2(kb, OP_lt, i, kb_i(kb, -c->size)),
				 kb_emit2(kb, OP_ge, i, kb_i(kb, c->size)));
	if (kb_target(kb)->kind == TARGET_CUDA) { /* a thread's own affair: all write the same */
		kb_open_if(kb, outside);
		kb_store_buf(kb, c->status, NULL, kb_f(kb, DT_i32, 1));
		kb_close(kb);
		return;
	}
	Node *bit = kb_emit3(kb, OP_select, outside, kb_i(kb, 1), kb_i(kb, 0));
	Node *some = kb_fold(kb, OP_fold_max, bit, vector_axes(kb, bit->axes));
	kb_open_if(kb, kb_emit2(kb, OP_ne, some, kb_i(kb, 0)));
	kb_store_buf(kb, c->status, NULL, kb_f(kb, DT_i32, 1));
	kb_close(kb);
}

void template_check(Lowering *l, const Node *index, int64_t size, int64_t component,
		    const Storage *status)
{
	const Type *t = index->type;
	int rank = component < 0 ? t->rank : t->rank - 1;
	const Type *looped = type_get(l->p->ctx, t->dtype, rank, t->dim);
	Check c = { index, 0, size, component };
	c.status = kb_arg(l->kb, type_scalar(l->p->ctx, DT_i32), status);
	element_loops(l, looped, check_element, &c);
}

/* --- which need it ---------------------------------------------------------------------------- */

static bool known_inside(const Node *n, int64_t size)
{
	const Blob *b = static_data(n);
	if (n->op == OP_iota)
		return n->type->count <= size;
	if (!b || !b->data || b->splat)
		return b && b->data && blob_i64(b, 0) >= -size && blob_i64(b, 0) < size;
	for (int64_t i = 0; i < n->type->count; i++)
		if (blob_i64(b, i) < -size || blob_i64(b, i) >= size)
			return false;
	return true;
}

static bool keeps_indices(const Node *n)
{
	return n->op == OP_cast && (n->type->dtype == DT_i64 || n->type->dtype == DT_i32);
}

bool index_may_be_outside(const Node *n, int64_t size)
{
	while (n->n_in == 1 && ((op_info(n->op)->flags & OF_VIEW) || keeps_indices(n)))
		n = n->in[0];
	if (n->op == OP_argmax || n->op == OP_argmin) {
		const Type *x = n->in[0]->type;
		return x->dim[axis_norm(ATTR_OF(n, axis)->axis, x->rank)] > size;
	}
	if (n->op == OP_topk_index) {
		const Type *x = n->in[0]->type;
		return x->dim[axis_norm(ATTR_OF(n, topk)->axis, x->rank)] > size;
	}
	return !known_inside(n, size);
}
