/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Pack: weights of convolutions and products in panels of P output channels, [K,O] to
 * [ceil(O/P),K,P], filled up with zeros, so that the inner loop reads them from one end to the
 * other. P is 32 for every machine, so that all variants of a model share one packing; narrow ones
 * walk half panels. Few outputs take 16. The packing of static weights is static: split has it
 * computed once. Weights that change (in training) are packed in every run for convolutions on
 * CPUs, whose template needs it; products pack what they read by themselves, GPUs read weights as
 * they lie. */
#include "passes/pattern.h"

enum { PANEL = 32, NARROW_PANEL = 16 };

static int64_t panel_for(int64_t outputs)
{
	return outputs <= NARROW_PANEL ? NARROW_PANEL : PANEL;
}

/* w is [K,O] */
static Node *pack_panels(Builder *b, Node *w, int64_t panel)
{
	static const int to_panels[3] = { 1, 0, 2 };
	int64_t k = w->type->dim[0], outputs = w->type->dim[1];
	int64_t n_panels = (outputs + panel - 1) / panel;
	int64_t low[2] = { 0, 0 }, high[2] = { 0, n_panels * panel - outputs };
	int64_t cut[3] = { k, n_panels, panel };
	if (high[1])
		w = emit_pad(b, w, emit_scalar(b, w->type->dtype, 0), low, high, NULL);
	return emit_transpose(b, emit_reshape(b, w, 3, cut), to_panels);
}

static bool packs(const Rewrite *w, const Node *n)
{
	bool changes = !w->is_static[n->in[1]->id];
	if (changes && (n->op != OP_conv || w->p->o->target.kind == TARGET_CUDA))
		return false;
	/* what is static as a whole is computed once: packing would cost more */
	return !w->is_static[n->id] && n->type->dtype == DT_f32 && n->type->count > 0 &&
	       n->in[1]->type->count > 0;
}

static Node *pack_conv(Rewrite *w, const Node *n)
{
	Attr_conv a = *ATTR_OF(n, conv);
	const Type *t = n->in[1]->type; /* [KH,KW,I,O] */
	if (!a.channels_last || a.groups != 1 || a.panel || !packs(w, n))
		return NULL;
	int64_t kernel[3] = { t->dim[0], t->dim[1], t->dim[3] };
	int64_t matrix[2] = { t->dim[0] * t->dim[1] * t->dim[2], t->dim[3] };
	a.panel = panel_for(t->dim[3]);
	a.kernel = (Ints){ 3, kernel };
	Node *weights = emit_reshape(w->b, w->map[n->in[1]->id], 2, matrix);
	Node *in[2] = { w->map[n->in[0]->id], pack_panels(w->b, weights, a.panel) };
	return rewrite_name(
		emit(w->b, OP_conv, attr_intern(w->p->ctx, ATTR_conv_RECORD, &a), in, 2), n);
}

static Node *pack_matmul(Rewrite *w, const Node *n)
{
	Attr_matmul a = *ATTR_OF(n, matmul);
	Node *weights = w->map[n->in[1]->id];
	if (weights->type->rank != 2 || a.panel || !packs(w, n))
		return NULL;
	if (a.trans_w)
		weights = emit_swap_last_two(w->b, weights);
	a.n = weights->type->dim[1];
	a.panel = panel_for(a.n);
	a.trans_w = 0;
	Node *in[2] = { w->map[n->in[0]->id], pack_panels(w->b, weights, a.panel) };
	return rewrite_name(
		emit(w->b, OP_matmul, attr_intern(w->p->ctx, ATTR_matmul_RECORD, &a), in, 2), n);
}

Graph *pass_pack(const Pass *p, const Graph *g, Arena *arena)
{
	Rewrite w;
	rewrite_start(&w, p, g, arena);
	for (int i = 0; i < g->node.n; i++) {
		Node *n = g->node.at[i], *y = NULL;
		rewrite_place(&w, n);
		if (n->op == OP_conv)
			y = pack_conv(&w, n);
		else if (n->op == OP_matmul)
			y = pack_matmul(&w, n);
		w.map[n->id] = y ? y : rewrite_copy(&w, n);
	}
	return rewrite_finish(&w);
}
