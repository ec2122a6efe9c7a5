/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Adding the parts of a contraction whose sums were cut: element by element in order, then the
 * epilogue of the group. */
#include "passes/template/template.h"

typedef struct Adding {
	Lowering *l;
	const Type *type; /* of the sums */
	int buf;
} Adding;

static void add_parts(KBuilder *kb, Node **at, void *user)
{
	const Adding *z = user;
	const Node *anchor = z->l->group->anchor;
	const Type *t = z->type, *each = type_get(kb_context(kb), DT_i64, t->rank - 1, t->dim + 1);
	Node *p = kb_axis(kb, "p", AX_LOOP, t->dim[0], 0), *from[MAX_RANK] = { p };
	kb_unflat(kb, each, kb_flat(kb, anchor->type, at), from + 1);
	uint64_t axes = 0;
	for (int i = 0; i < anchor->type->rank; i++)
		axes |= at[i]->axes;
	Node *sum = kb_var(kb, "sum", kb_f(kb, anchor->type->dtype, 0), axes);
	kb_open(kb, p);
	kb_set(kb, sum, kb_emit2(kb, OP_add, sum, kb_load_buf(kb, z->buf, from)));
	kb_close(kb);
	kb_bind(kb, anchor, at, sum);
	store_outputs(z->l, at);
}

void template_add_parts(Lowering *l, const Type *type, const Storage *sums)
{
	Adding z = { .l = l, .type = type, .buf = kb_arg(l->kb, type, sums) };
	l->flat = false; /* what follows may have one value for each column */
	element_loops(l, l->group->anchor->type, add_parts, &z);
}
