/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Scatter: the updates written (or added) one after another over a copy of the tensor. Tuples may
 * repeat, so no two tasks may share them: tasks divide what follows a tuple. Of two updates of one
 * element the later wins, and sums are taken in the order of the updates, whatever the number of
 * threads. */
#include "ir/ops/util.h"
#include "passes/template/template.h"
#include <string.h>

typedef struct Scatter {
	const Node *n;
	int buf, lead, depth; /* leading dimensions of the index, length of a tuple */
	Node *first;          /* of the dimension behind the tuple: where the task begins */
} Scatter;

static void scatter_element(KBuilder *kb, Node **at, void *user)
{
	const Scatter *s = user;
	const Node *index = s->n->in[1], *updates = s->n->in[2];
	Node *to[MAX_RANK] = { NULL }, *which[MAX_RANK], *from[MAX_RANK];
	memcpy(which, at, sizeof which);
	memcpy(from, at, sizeof from);
	if (s->first)
		from[s->lead] = kb_iadd(kb, s->first, at[s->lead]);
	for (int i = 0; i < s->n->type->rank; i++) {
		which[s->lead] = kb_i(kb, i);
		to[i] = i < s->depth ? safe_index(kb, kb_read(kb, index, which), s->n->type->dim[i])
				     : from[s->lead + i - s->depth];
	}
	Node *value = kb_read(kb, updates, from);
	if (ATTR_OF(s->n, scatter)->add)
		value = kb_emit2(kb, OP_add, kb_load_buf(kb, s->buf, to), value);
	kb_store_buf(kb, s->buf, to, value);
}

/* The least divisor of the dimension with which a task has whole vectors to do; 1 task at least. */
static int64_t part_of(const Type *updates, int lead)
{
	enum { LEAST = 64 };
	int64_t n = updates->dim[lead], inner = dims_product(updates, lead + 1, updates->rank);
	int64_t part = 1;
	while (part < n && (n % part || part * inner < LEAST))
		part++;
	return part;
}

void template_scatter(Lowering *l, const Node *n, const Storage *to)
{
	KBuilder *kb = l->kb;
	const Type *index = n->in[1]->type;
	Type part = *n->in[2]->type;
	Scatter s = { .n = n, .buf = kb_arg(kb, n->type, to), .lead = index->rank - 1 };
	Node *at[MAX_RANK] = { NULL };
	int64_t tasks = 1;
	s.depth = (int)index->dim[s.lead];
	if (s.lead < part.rank) {
		part.dim[s.lead] = part_of(n->in[2]->type, s.lead);
		tasks = n->in[2]->type->dim[s.lead] / part.dim[s.lead];
	}
	Node *task = kb_axis(kb, "t", AX_TASK, tasks, 0);
	kb_open(kb, task);
	s.first = tasks > 1 ? kb_imul(kb, task, part.dim[s.lead]) : NULL;
	for (int i = 0; i < s.lead; i++) {
		at[i] = kb_axis(kb, "j", AX_LOOP, index->dim[i], 0);
		kb_open(kb, at[i]);
	}
	kb_loops(kb, &part, s.lead, at, scatter_element, &s);
	for (int i = 0; i <= s.lead; i++)
		kb_close(kb);
}
