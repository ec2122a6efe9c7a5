/* Scatter: the updates written one after another over a copy of the tensor. One task, so that of
 * two updates of one element the later wins, whatever the number of threads. */
#include "ir/ops/util.h"
#include "passes/template/template.h"
#include <string.h>

typedef struct Scatter {
	const Node *n;
	int buf, lead, depth; /* leading dimensions of the index, length of a tuple */
} Scatter;

static void scatter_element(KBuilder *kb, Node **at, void *user)
{
	const Scatter *s = user;
	const Node *index = s->n->in[1], *updates = s->n->in[2];
	Node *to[MAX_RANK] = { NULL }, *which[MAX_RANK];
	memcpy(which, at, sizeof which);
	for (int i = 0; i < s->n->type->rank; i++) {
		which[s->lead] = kb_i(kb, i);
		to[i] = i < s->depth ? safe_index(kb, kb_read(kb, index, which), s->n->type->dim[i])
				     : at[s->lead + i - s->depth];
	}
	kb_store_buf(kb, s->buf, to, kb_read(kb, updates, at));
}

void template_scatter(Lowering *l, const Node *n, const Storage *to)
{
	KBuilder *kb = l->kb;
	const Type *index = n->in[1]->type;
	Scatter s = { .n = n, .buf = kb_arg(kb, n->type, to), .lead = index->rank - 1 };
	Node *at[MAX_RANK] = { NULL };
	s.depth = (int)index->dim[s.lead];
	kb_open(kb, kb_axis(kb, "t", AX_TASK, 1, 0));
	for (int i = 0; i < s.lead; i++) {
		at[i] = kb_axis(kb, "j", AX_LOOP, index->dim[i], 0);
		kb_open(kb, at[i]);
	}
	kb_loops(kb, n->in[2]->type, s.lead, at, scatter_element, &s);
	for (int i = 0; i <= s.lead; i++)
		kb_close(kb);
}
