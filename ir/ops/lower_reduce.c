/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Lowering of reductions: the builder makes the loops (ir/kreduce.c), a hook here says which
 * element is reduced. */
#include "ir/hooks.h"
#include "ir/kbuilder.h"
#include "ir/ops/util.h"
#include <math.h>

/* --- reduce over dimensions ------------------------------------------------------------------ */

static Node *reduce_element(KBuilder *kb, const Node *n, Node *const *at, Node *const *r,
			    void *user)
{
	const bool *reduced = user;
	bool keep = ATTR_OF(n, reduce)->keepdims;
	Node *idx[MAX_RANK];
	int o = 0, k = 0;
	for (int i = 0; i < n->in[0]->type->rank; i++) {
		if (reduced[i]) {
			idx[i] = r[k++];
			o += keep;
		} else {
			idx[i] = at[o++];
		}
	}
	return kb_read(kb, n->in[0], idx);
}

static Node *reduce_dims(KBuilder *kb, const Node *n, Node *const *at, Op fold)
{
	bool reduced[MAX_RANK];
	int64_t extent[MAX_RANK];
	int k = 0;
	reduce_mask(n, reduced);
	for (int i = 0; i < n->in[0]->type->rank; i++)
		if (reduced[i])
			extent[k++] = n->in[0]->type->dim[i];
	return kb_reduce(kb, n, at, k, extent, fold, reduce_element, reduced);
}

Node *lower_reduce_sum(KBuilder *kb, const Node *n, Node *const *at)
{
	return reduce_dims(kb, n, at, OP_fold_sum);
}

Node *lower_reduce_prod(KBuilder *kb, const Node *n, Node *const *at)
{
	return reduce_dims(kb, n, at, OP_fold_prod);
}

Node *lower_reduce_max(KBuilder *kb, const Node *n, Node *const *at)
{
	return reduce_dims(kb, n, at, OP_fold_max);
}

Node *lower_reduce_min(KBuilder *kb, const Node *n, Node *const *at)
{
	return reduce_dims(kb, n, at, OP_fold_min);
}

/* --- windows --------------------------------------------------------------------------------- */

typedef struct Window {
	int h, w; /* dimensions of height and width */
	bool clamp;
} Window;

static int64_t padded_low(const Attr_window *a, int d)
{
	return a->pad.v[d];
}

/* Element (r0, r1) of the window. A maximum reads the nearest element inside instead of padding: it
 * wins nothing that is not in the window already. A sum reads zero. */
static Node *window_element(KBuilder *kb, const Node *n, Node *const *at, Node *const *r,
			    void *user)
{
	const Window *win = user;
	const Attr_window *a = ATTR_OF(n, window);
	const Type *t = n->in[0]->type;
	Node *idx[MAX_RANK], *cond = NULL;
	for (int i = 0; i < t->rank; i++)
		idx[i] = at[i];
	for (int d = 0; d < 2; d++) {
		int dim = d ? win->w : win->h;
		int64_t lo, hi, size = t->dim[dim];
		Node *i = kb_iadd(kb, kb_imul(kb, at[dim], a->stride.v[d]),
				  kb_affine(kb, r[d], a->dilation.v[d], -padded_low(a, d)));
		kb_range(kb, i, &lo, &hi);
		if (lo < 0 && !win->clamp) {
			Node *c = kb_emit2(kb, OP_ge, i, kb_i(kb, 0));
			cond = cond ? kb_emit2(kb, OP_and, cond, c) : c;
		} else if (lo < 0) {
			i = kb_emit2(kb, OP_max, i, kb_i(kb, 0));
		}
		if (hi >= size && !win->clamp) {
			Node *c = kb_emit2(kb, OP_lt, i, kb_i(kb, size));
			cond = cond ? kb_emit2(kb, OP_and, cond, c) : c;
		} else if (hi >= size) {
			i = kb_emit2(kb, OP_min, i, kb_i(kb, size - 1));
		}
		idx[dim] = i;
	}
	Node *x = kb_read(kb, n->in[0], idx);
	return cond ? kb_guard(kb, cond, x, kb_f(kb, t->dtype, 0)) : x;
}

/* Clamping is right only when the clamped element belongs to the window, which dilation can break.
 */
static bool clamp_is_exact(const Attr_window *a)
{
	for (int d = 0; d < 2; d++)
		if (a->dilation.v[d] > 1 && (a->pad.v[d] || a->pad.v[d + 2]))
			return false;
	return true;
}

static Node *max_guarded(KBuilder *kb, const Node *n, Node *const *at, Node *const *r, void *user);

static Node *lower_window(KBuilder *kb, const Node *n, Node *const *at, Op fold)
{
	const Attr_window *a = ATTR_OF(n, window);
	Window win = { .h = a->channels_last ? 1 : 2, .w = a->channels_last ? 2 : 3 };
	win.clamp = fold == OP_fold_max && clamp_is_exact(a);
	KbElement *element = fold == OP_fold_max && !win.clamp ? max_guarded : window_element;
	return kb_reduce(kb, n, at, 2, a->kernel.v, fold, element, &win);
}

static Node *max_guarded(KBuilder *kb, const Node *n, Node *const *at, Node *const *r, void *user)
{
	Node *x = window_element(kb, n, at, r, user);
	if (x->op != OP_select)
		return x;
	return kb_guard(kb, x->in[0], x->in[1], kb_f(kb, n->type->dtype, -HUGE_VAL));
}

Node *lower_window_max(KBuilder *kb, const Node *n, Node *const *at)
{
	return lower_window(kb, n, at, OP_fold_max);
}

Node *lower_window_sum(KBuilder *kb, const Node *n, Node *const *at)
{
	return lower_window(kb, n, at, OP_fold_sum);
}

/* --- contractions without a template: grouped and depthwise convolution, small products ------ */

static Node *matmul_element(KBuilder *kb, const Node *n, Node *const *at, Node *const *r,
			    void *user)
{
	(void)user;
	const Attr_matmul *a = ATTR_OF(n, matmul);
	int rank = n->type->rank;
	Node *x[MAX_RANK], *w[MAX_RANK];
	for (int i = 0; i < rank - 2; i++)
		x[i] = w[i] = at[i];
	x[rank - 2] = a->trans_x ? r[0] : at[rank - 2];
	x[rank - 1] = a->trans_x ? at[rank - 2] : r[0];
	if (a->panel) {
		Node *p[3] = { kb_idiv(kb, at[rank - 1], a->panel), r[0],
			       kb_imod(kb, at[rank - 1], a->panel) };
		return kb_emit2(kb, OP_mul, kb_read(kb, n->in[0], x), kb_read(kb, n->in[1], p));
	}
	w[rank - 2] = a->trans_w ? at[rank - 1] : r[0];
	w[rank - 1] = a->trans_w ? r[0] : at[rank - 1];
	return kb_emit2(kb, OP_mul, kb_read(kb, n->in[0], x), kb_read(kb, n->in[1], w));
}

Node *lower_matmul(KBuilder *kb, const Node *n, Node *const *at)
{
	const Type *x = n->in[0]->type;
	int64_t k = x->dim[x->rank - (ATTR_OF(n, matmul)->trans_x ? 2 : 1)];
	return kb_reduce(kb, n, at, 1, &k, OP_fold_sum, matmul_element, NULL);
}

/* Weight of tap (kh, kw), input channel c of the group, output channel o; at the layout of the row.
 */
static Node *conv_weight(KBuilder *kb, const Node *n, Node *kh, Node *kw, Node *c, Node *o)
{
	const Attr_conv *a = ATTR_OF(n, conv);
	Node *last[4] = { kh, kw, c, o }, *first[4] = { o, c, kh, kw };
	if (a->panel) {
		const Type *x = n->in[0]->type;
		Node *tap = kb_iadd(kb, kb_imul(kb, kh, a->kernel.v[1]), kw);
		Node *k = kb_iadd(kb, kb_imul(kb, tap, x->dim[3]), c);
		Node *p[3] = { kb_idiv(kb, o, a->panel), k, kb_imod(kb, o, a->panel) };
		return kb_read(kb, n->in[1], p);
	}
	return kb_read(kb, n->in[1], a->channels_last ? last : first);
}

/* Where tap k of window `at` looks in dimension d of an image of that size; what keeps it inside is
 * added to *cond, unless it is certain. */
static Node *tap_place(KBuilder *kb, const Attr_conv *a, int d, Node *at, Node *k, int64_t size,
		       Node **cond)
{
	Node *i = kb_iadd(kb, kb_imul(kb, at, a->stride.v[d]),
			  kb_affine(kb, k, a->dilation.v[d], -a->pad.v[d]));
	int64_t lo, hi;
	kb_range(kb, i, &lo, &hi);
	if (lo >= 0 && hi < size)
		return i;
	Node *ge = kb_emit2(kb, OP_ge, i, kb_i(kb, 0));
	Node *inside = kb_emit2(kb, OP_and, ge, kb_emit2(kb, OP_lt, i, kb_i(kb, size)));
	*cond = *cond ? kb_emit2(kb, OP_and, *cond, inside) : inside;
	return i;
}

/* r: kh, kw, channel within the group */
static Node *conv_element(KBuilder *kb, const Node *n, Node *const *at, Node *const *r, void *user)
{
	(void)user;
	const Attr_conv *a = ATTR_OF(n, conv);
	const Type *x = n->in[0]->type;
	int h = a->channels_last ? 1 : 2, c = a->channels_last ? 3 : 1;
	Node *idx[4], *cond = NULL, *o = at[c];
	idx[0] = at[0];
	for (int d = 0; d < 2; d++)
		idx[h + d] = tap_place(kb, a, d, at[h + d], r[d], x->dim[h + d], &cond);
	int64_t group_in = x->dim[c] / a->groups, group_out = n->type->dim[c] / a->groups;
	Node *g = group_out == 1 ? o : kb_idiv(kb, o, group_out);
	idx[c] = kb_iadd(kb, kb_imul(kb, a->groups == 1 ? kb_i(kb, 0) : g, group_in), r[2]);
	Node *v = kb_read(kb, n->in[0], idx);
	if (cond)
		v = kb_guard(kb, cond, v, kb_f(kb, x->dtype, 0));
	return kb_emit2(kb, OP_mul, v, conv_weight(kb, n, r[0], r[1], r[2], o));
}

Node *lower_conv(KBuilder *kb, const Node *n, Node *const *at)
{
	const Attr_conv *a = ATTR_OF(n, conv);
	const Type *x = n->in[0]->type, *w = n->in[1]->type;
	int64_t extent[3];
	extent[0] = a->panel ? a->kernel.v[0] : w->dim[a->channels_last ? 0 : 2];
	extent[1] = a->panel ? a->kernel.v[1] : w->dim[a->channels_last ? 1 : 3];
	extent[2] = x->dim[a->channels_last ? 3 : 1] / a->groups;
	return kb_reduce(kb, n, at, 3, extent, OP_fold_sum, conv_element, NULL);
}

/* r: image, row and column of the window */
static Node *conv_dw_element(KBuilder *kb, const Node *n, Node *const *at, Node *const *r,
			     void *user)
{
	(void)user;
	const Attr_conv *a = ATTR_OF(n, conv);
	const Type *x = n->in[0]->type;
	int h = a->channels_last ? 1 : 2, c = a->channels_last ? 3 : 1,
	    tap = a->channels_last ? 0 : 2;
	Node *o = at[a->channels_last ? 3 : 0], *i = at[a->channels_last ? 2 : 1];
	Node *seen[4] = { r[0] }, *dy[4] = { r[0] }, *cond = NULL;
	int64_t group_in = x->dim[c] / a->groups, group_out = a->kernel.v[2] / a->groups;
	for (int d = 0; d < 2; d++) {
		dy[h + d] = r[1 + d];
		seen[h + d] = tap_place(kb, a, d, r[1 + d], at[tap + d], x->dim[h + d], &cond);
	}
	Node *g = a->groups == 1 ? kb_i(kb, 0) : group_out == 1 ? o : kb_idiv(kb, o, group_out);
	seen[c] = kb_iadd(kb, kb_imul(kb, g, group_in), i);
	dy[c] = o;
	Node *v = kb_read(kb, n->in[0], seen);
	if (cond)
		v = kb_guard(kb, cond, v, kb_f(kb, x->dtype, 0));
	return kb_emit2(kb, OP_mul, v, kb_read(kb, n->in[1], dy));
}

Node *lower_conv_dw(KBuilder *kb, const Node *n, Node *const *at)
{
	const Attr_conv *a = ATTR_OF(n, conv);
	const Type *dy = n->in[1]->type;
	int h = a->channels_last ? 1 : 2;
	int64_t extent[3] = { dy->dim[0], dy->dim[h], dy->dim[h + 1] };
	return kb_reduce(kb, n, at, 3, extent, OP_fold_sum, conv_dw_element, NULL);
}
