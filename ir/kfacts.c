/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Facts of a kernel's values, found by one walk before a backend makes code of them. */
#include "ir/kernel.h"

typedef struct Facts {
	const Kernel *k;
	NodeFact *of;
	uint64_t written;
} Facts;

uint64_t kernel_buf_bit(const Kernel *k, int buf)
{
	return (uint64_t)1 << (k->buf.at[buf].aliased ? 63 : buf % 63);
}

static bool folds_lanes(const Kernel *k, const Node *n)
{
	if (n->op != OP_fold_sum && n->op != OP_fold_prod && n->op != OP_fold_max &&
	    n->op != OP_fold_min)
		return false;
	const Ints *axes = &ATTR_OF(n, axes)->axes;
	for (int i = 0; i < axes->n; i++)
		if (k->axis.at[axes->v[i]].kind == AX_VECTOR)
			return true;
	return false;
}

static void note_own(Facts *z, const Node *n, NodeFact *f)
{
	int index = n->op == OP_var || n->op == OP_load ? (int)ATTR_OF(n, index)->index : 0;
	if (n->op == OP_var)
		f->vars |= (uint64_t)1 << index % 64;
	if (n->op == OP_load) {
		f->loads = true;
		f->bufs |= kernel_buf_bit(z->k, index) & z->written;
	}
	if (n->op == OP_sin || n->op == OP_cos)
		f->branches = true;
	if (folds_lanes(z->k, n))
		f->meets = true;
}

static void note_node(Facts *z, const Node *n)
{
	NodeFact *f = &z->of[n->id];
	f->uses++;
	if (f->known)
		return;
	f->known = true;
	for (int i = 0; i < n->n_in; i++) {
		note_node(z, n->in[i]);
		const NodeFact *from = &z->of[n->in[i]->id];
		f->loads |= from->loads;
		f->branches |= from->branches;
		f->meets |= from->meets;
		f->vars |= from->vars;
		f->bufs |= from->bufs;
	}
	note_own(z, n, f);
}

static void note_stores(Facts *z, const Stmt *s)
{
	for (; s; s = s->next) {
		if (s->kind == S_STORE)
			z->written |= kernel_buf_bit(z->k, s->buf);
		note_stores(z, s->body);
	}
}

static void note_stmts(Facts *z, const Stmt *s)
{
	for (; s; s = s->next) {
		Node *operand[MAX_OPERANDS];
		for (int i = 0, n = stmt_operands(z->k, s, operand); i < n; i++)
			note_node(z, operand[i]);
		note_stmts(z, s->body);
	}
}

NodeFact *kernel_facts(const Kernel *k, Arena *a, uint64_t *written)
{
	Facts z = { .k = k, .of = ARENA_ARRAY(a, NodeFact, k->next_id + 1) };
	note_stores(&z, k->body);
	note_stmts(&z, k->body);
	*written = z.written;
	return z.of;
}
