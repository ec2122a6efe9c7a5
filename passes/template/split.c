/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Shared arithmetic of the templates. */
#include "passes/template/template.h"

/* Several values that may overwrite what others of them are computed from are all had before the
 * first is stored. */
static bool overwrites(const Lowering *l)
{
	const Group *gr = l->group;
	for (int i = 0; i < gr->output.n && gr->output.n > 1; i++) {
		int buffer = l->m->of[gr->output.at[i]->id].buffer;
		if (l->m->buffer.at[buffer].space == SPACE_INPUT)
			return true;
	}
	return false;
}

static bool is_like(const Node *n, const Type *shape)
{
	return !shape || type_same_shape(n->type, shape);
}

void store_outputs_like(Lowering *l, const Type *shape, Node *const *at)
{
	const Group *gr = l->group;
	Node **value = ARENA_ARRAY(kb_arena(l->kb), Node *, gr->output.n);
	bool first = overwrites(l);
	for (int i = 0; first && i < gr->output.n; i++) {
		if (!is_like(gr->output.at[i], shape))
			continue;
		value[i] = kb_read(l->kb, gr->output.at[i], at);
		value[i] = kb_var(l->kb, "next", value[i], value[i]->axes);
	}
	for (int i = 0; i < gr->output.n; i++) {
		const Node *n = gr->output.at[i];
		if (is_like(n, shape))
			kb_store(l->kb, n, at, first ? value[i] : kb_read(l->kb, n, at));
	}
}

void store_outputs(Lowering *l, Node *const *at)
{
	store_outputs_like(l, NULL, at);
}

enum { SHORT_EPILOGUE = 6 };

/* Elementary functions, or many operators: unrolled over all registers the code would be long to
 * compile and to fetch, and would spill anyway. */
bool long_epilogue(const Group *gr)
{
	for (int i = 0; i < gr->node.n; i++)
		if (op_info(gr->node.at[i]->op)->flags & OF_COSTLY)
			return true;
	return gr->node.n > 1 + SHORT_EPILOGUE;
}

EvenSplit even_split(int64_t total, int64_t most)
{
	EvenSplit e = { .parts = (total + most - 1) / most };
	e.big = (total + e.parts - 1) / e.parts;
	e.n_big = total - e.parts * (e.big - 1);
	return e;
}

Node *even_start(KBuilder *kb, EvenSplit e, Node *i, bool in_big)
{
	return in_big ? kb_imul(kb, i, e.big) : kb_affine(kb, i, e.big - 1, e.n_big);
}

enum { TASK_BYTES = 16 * 1024, MOST_TASKS = 64 };

int64_t rows_per_task(int64_t rows, int64_t row_bytes)
{
	int64_t n = TASK_BYTES / (row_bytes < 1 ? 1 : row_bytes);
	if (n < (rows + MOST_TASKS - 1) / MOST_TASKS)
		n = (rows + MOST_TASKS - 1) / MOST_TASKS;
	return n < 1 ? 1 : n > rows ? rows : n;
}
