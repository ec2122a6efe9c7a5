/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* One output element at a time: windows, depthwise convolution, gathers, reductions over leading
 * dimensions.
 *
 * Vectors run over the last dimension. The dimension before it (the image row, channels last) is
 * unrolled: neighbouring windows share what they read, and independent accumulators hide latency.
 */
#include "passes/template/template.h"

enum { ROW_UNROLL = 7 };

static bool shares_reads(const Node *anchor)
{
	return anchor->op == OP_window_max || anchor->op == OP_window_sum || anchor->op == OP_conv;
}

/* Columns of one image row, for the vector of channels at[last]. */
static void columns(Lowering *l, const Node *root, Node **at, int w, int64_t most)
{
	KBuilder *kb = l->kb;
	int64_t n = root->type->dim[w];
	EvenSplit e = even_split(n, most);
	for (int big = 1; big >= 0; big--) {
		int64_t size = big ? e.big : e.big - 1, count = big ? e.n_big : e.parts - e.n_big;
		if (!count || !size)
			continue;
		Node *b = kb_axis(kb, "b", AX_LOOP, count, 0);
		Node *u = kb_axis(kb, "u", AX_UNROLL, size, 0);
		if (count > 1)
			kb_open(kb, b);
		else
			b = kb_i(kb, 0);
		if (size > 1)
			kb_open(kb, u);
		else
			u = kb_i(kb, 0);
		int64_t first = big ? 0 : e.n_big * e.big;
		at[w] = kb_iadd(kb, kb_affine(kb, b, size, first), u);
		store_outputs(l, at);
		if (size > 1)
			kb_close(kb);
		if (count > 1)
			kb_close(kb);
	}
}

/* at[0 .. w) are set: channels by vectors outside, columns inside, so that the weights of a vector
 * of channels stay in registers */
static void channels(Lowering *l, const Node *root, Node **at, int w, int64_t unroll)
{
	KBuilder *kb = l->kb;
	const Type *t = root->type;
	int last = t->rank - 1, lanes = target_lanes(kb_target(kb), 4);
	int64_t full = t->dim[last] / lanes, rest = t->dim[last] % lanes;
	for (int part = 0; part < 2; part++) {
		if (part ? !rest : !full)
			continue;
		bool loop = !part && full > 1;
		Node *base = kb_i(kb, part ? full * lanes : 0);
		if (loop) {
			Node *c = kb_axis(kb, "c", AX_LOOP, full, 0);
			kb_open(kb, c);
			base = kb_imul(kb, c, lanes);
		}
		Node *v = kb_axis(kb, "v", AX_VECTOR, part ? rest : lanes, lanes);
		kb_open(kb, v);
		at[last] = kb_iadd(kb, base, v);
		columns(l, root, at, w, unroll);
		kb_close(kb);
		if (loop)
			kb_close(kb);
	}
}

static void image_rows(Lowering *l, const Node *root)
{
	KBuilder *kb = l->kb;
	const Type *t = root->type;
	Node *at[MAX_RANK];
	int w = t->rank - 2;
	int64_t rows = 1;
	for (int i = 0; i < w; i++)
		rows *= t->dim[i];
	Node *task = kb_axis(kb, "t", AX_TASK, rows, 0), *flat = task;
	kb_open(kb, task);
	for (int i = w - 1; i >= 0; i--) {
		at[i] = i == 0 ? flat : kb_imod(kb, flat, t->dim[i]);
		flat = kb_idiv(kb, flat, t->dim[i]);
	}
	channels(l, root, at, w, ROW_UNROLL);
	kb_close(kb);
}

/* Without neighbours to share with: tasks over blocks of the last dimension and all others. */
static void single_elements(Lowering *l, const Node *root)
{
	KBuilder *kb = l->kb;
	const Type *t = root->type;
	Node *at[MAX_RANK];
	int last = t->rank - 1, lanes = target_lanes(kb_target(kb), 4);
	if (t->rank == 0) {
		kb_open(kb, kb_axis(kb, "t", AX_TASK, 1, 0));
		store_outputs(l, at);
		kb_close(kb);
		return;
	}
	int64_t blocks = (t->dim[last] + lanes - 1) / lanes, full = t->dim[last] / lanes;
	int64_t rows = t->count / t->dim[last], rest = t->dim[last] % lanes;
	Node *task = kb_axis(kb, "t", AX_TASK, rows * blocks, 0);
	kb_open(kb, task);
	Node *flat = kb_idiv(kb, task, blocks), *c = kb_imod(kb, task, blocks);
	for (int i = last - 1; i >= 0; i--) {
		at[i] = i == 0 ? flat : kb_imod(kb, flat, t->dim[i]);
		flat = kb_idiv(kb, flat, t->dim[i]);
	}
	for (int part = 0; part < 2; part++) {
		if (part ? !rest : !full)
			continue;
		Node *is_full = kb_emit2(kb, OP_lt, c, kb_i(kb, full));
		bool choose = rest && full;
		if (choose)
			kb_open_if(kb, part ? kb_emit1(kb, OP_not, is_full) : is_full);
		int64_t n = part ? rest : lanes;
		Node *v = kb_axis(kb, "v", AX_VECTOR, n, lanes);
		if (n > 1)
			kb_open(kb, v);
		at[last] = n > 1 ? kb_iadd(kb, kb_imul(kb, c, lanes), v) : kb_imul(kb, c, lanes);
		store_outputs(l, at);
		if (n > 1)
			kb_close(kb);
		if (choose)
			kb_close(kb);
	}
	kb_close(kb);
}

void template_pull(Lowering *l)
{
	const Node *root = l->group->output.at[0];
	if (on_gpu(l))
		gpu_pull(l);
	else if (root->type->rank >= 3 && shares_reads(l->group->anchor))
		image_rows(l, root);
	else
		single_elements(l, root);
}
