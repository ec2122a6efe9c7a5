/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* See attend.h. */
#include "passes/template/attend.h"
#include <math.h>

AttendOp attend_op(Lowering *l)
{
	AttendOp o = { .kb = l->kb, .anchor = l->group->anchor };
	const Attr_attention *a = ATTR_OF(o.anchor, attention);
	o.q = o.anchor->in[0];
	o.k = o.anchor->in[1];
	o.v = o.anchor->in[2];
	o.mask = o.anchor->n_in > 3 ? o.anchor->in[3] : NULL;
	o.rank = o.q->type->rank - 2;
	o.s = o.q->type->dim[o.rank];
	o.d = o.q->type->dim[o.rank + 1];
	o.t = o.k->type->dim[o.rank];
	o.e = o.v->type->dim[o.rank + 1];
	o.scale = a->scale != 0 ? a->scale : 1 / sqrt((double)o.d);
	o.causal = a->causal;
	o.hidden = a->hidden;
	o.type = o.anchor->type->dtype == DT_f64 ? DT_f64 : DT_f32;
	return o;
}

double attend_flops(const AttendOp *o)
{
	double m = (double)o->s * (double)o->t;
	for (int i = 0; i < o->rank; i++)
		m *= (double)o->q->type->dim[i];
	return 2 * m * (double)(o->d + o->e);
}

Node *attend_number(const AttendOp *o, double v)
{
	return kb_f(o->kb, o->type, v);
}

Node *attend_read(const AttendOp *o, const Node *n, Node *const *at, Node *row, Node *col)
{
	Node *full[MAX_RANK];
	for (int i = 0; i < o->rank; i++)
		full[i] = at[i];
	full[o->rank] = row;
	full[o->rank + 1] = col;
	return kb_cast(o->kb, kb_read(o->kb, n, full), o->type);
}

/* The mask's sizes are 1 or full, aligned at the last dimension. */
static Node *mask_at(const AttendOp *o, Node *const *outer, Node *row, Node *key)
{
	const Type *t = o->mask->type;
	Node *full[MAX_RANK], *at[MAX_RANK];
	int rank = o->rank + 2;
	for (int i = 0; i < o->rank; i++)
		full[i] = outer[i];
	full[o->rank] = row;
	full[o->rank + 1] = key;
	for (int i = 0; i < t->rank; i++)
		at[i] = t->dim[i] == 1 ? kb_i(o->kb, 0) : full[i + rank - t->rank];
	return kb_read(o->kb, o->mask, at);
}

Node *attend_score(const AttendOp *o, Node *const *at, Node *product, Node *row, Node *key)
{
	KBuilder *kb = o->kb;
	Node *x = kb_emit2(kb, OP_mul, product, attend_number(o, o->scale));
	if (!o->mask)
		return x;
	Node *mask = mask_at(o, at, row, key);
	if (o->mask->type->dtype == DT_bool)
		return kb_emit3(kb, OP_select, mask, x, attend_number(o, o->hidden));
	return kb_emit2(kb, OP_add, x, kb_cast(kb, mask, o->type));
}

Node *attend_sees(const AttendOp *o, Node *row, Node *key)
{
	if (!o->causal)
		return NULL;
	return kb_emit2(o->kb, OP_le, key, kb_affine(o->kb, row, 1, o->t - o->s));
}
