/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Attention: matmul(softmax(scores), v), where scores are a product q k^T with factors and masks,
 * becomes one operator whose template keeps the scores of a block of queries in the cache.
 *
 * The match goes down from the product with v: the softmax is known by its pieces (the row's
 * maximum, exponential, sum, division), then the scores are unwrapped, operator by operator, down
 * to q k^T. What is added on the way becomes the mask, factors by one number become the scale,
 * wherever they stand: on the scores, on q, on k^T. Leading dimensions may be regrouped between,
 * [B,H,...] to [B*H,...]. A mask that is known now and hides the future becomes the causal flag. */
#include "passes/pattern.h"
#include "ir/eval.h"
#include "ir/ops/util.h"
#include <math.h>

enum { MAX_MASKS = 4, MAX_FACTORS = 4, MAX_STEPS = 32 };
static const double hidden = -1e4; /* scores this low have no weight: exp(-1e4) is 0 */
static const double lowest = -3.4028234663852886e38;
#define CONSTANT_ELEMENTS_MAX ((int64_t)1 << 24) /* evaluated to judge a mask, in all */

typedef enum MaskKind { MASK_ANY, MASK_NOTHING, MASK_FUTURE } MaskKind;

/* The mask judged last: all layers have the same. */
typedef struct Judged {
	const Node *mask;
	double hidden; /* as in Match */
	MaskKind kind;
} Judged;

typedef struct Mask {
	Node *added;      /* old nodes: what is added to the scores, or */
	Node *keep;       /* which scores are kept, */
	bool drop;        /* or not kept */
	double instead;   /* and what stands in place of the others */
	double factor;    /* of all this */
	const Type *type; /* of the scores where the mask meets them */
} Mask;

typedef struct Match {
	Rewrite *w;
	Judged *judged;
	Node *value;   /* the product with v */
	Node *softmax; /* the probabilities */
	Node *scores;  /* q k^T */
	double scale;
	Node *factor[MAX_FACTORS]; /* old products and quotients by a parameter */
	int n_factors;
	Mask mask[MAX_MASKS];
	int n_masks;
	int64_t batch, heads;
	double hidden;    /* what a mask of truth values puts in place of a score */
	const char *miss; /* why it is not an attention */
} Match;

/* --- softmax --------------------------------------------------------------------------------- */

/* What x repeats along the last dimension, behind reshapes, which keep the rows' order. */
static Node *per_row(Node *x)
{
	const Type *t = x->type;
	if (x->op == OP_broadcast) {
		Node *rows = x->in[0];
		for (int i = 0; i < t->rank; i++) {
			int64_t d = aligned_dim(rows->type, t, i);
			if (i < t->rank - 1 ? d != t->dim[i] : d != 1 && t->dim[i] != 1)
				return NULL;
		}
		x = rows;
	} else if (t->rank == 0 || t->dim[t->rank - 1] != 1) {
		return NULL;
	}
	while (x->op == OP_reshape)
		x = x->in[0];
	return x;
}

/* The operand of a reduction of the last dimension that x repeats along it. */
static Node *row_reduction(Node *x, Op op)
{
	bool reduced[MAX_RANK];
	Node *r = per_row(x);
	if (!r || r->op != op)
		return NULL;
	int rank = r->in[0]->type->rank;
	reduce_mask(r, reduced);
	for (int i = 0; i < rank; i++)
		if (reduced[i] != (i == rank - 1))
			return NULL;
	return r->in[0];
}

/* The row sum's operand when x is 1 / sum along rows. */
static Node *inverse_row_sum(Node *x)
{
	double one;
	Node *quotient = per_row(x);
	if (!quotient || quotient->op != OP_div || !splat_value(quotient->in[0], &one) || one != 1)
		return NULL;
	Node *sum = quotient->in[1];
	bool reduced[MAX_RANK];
	while (sum->op == OP_reshape || sum->op == OP_broadcast)
		sum = sum->in[0];
	if (sum->op != OP_reduce_sum || sum->type->count != quotient->type->count)
		return NULL;
	reduce_mask(sum, reduced);
	int rank = sum->in[0]->type->rank;
	for (int i = 0; i < rank; i++)
		if (reduced[i] != (i == rank - 1))
			return NULL;
	return sum->in[0];
}

static Node *softmax_exponential(Node *p)
{
	if (p->op == OP_div && row_reduction(p->in[1], OP_reduce_sum) == p->in[0])
		return p->in[0];
	for (int i = 0; p->op == OP_mul && i < 2; i++)
		if (inverse_row_sum(p->in[1 - i]) == p->in[i])
			return p->in[i];
	return NULL;
}

/* The softmax's operand; NULL when p is no softmax along the last dimension. */
static Node *softmax_operand(const Rewrite *w, Node *p, const char **miss)
{
	if (p->op == OP_softmax &&
	    axis_norm(ATTR_OF(p, softmax)->axis, p->type->rank) == p->type->rank - 1) {
		if (w->uses[p->id] != 1 || w->uses[p->in[0]->id] != 1)
			*miss = "the probabilities or the scores are used elsewhere too";
		return p->in[0]; /* still a macro, before differentiation */
	}
	Node *e = softmax_exponential(p);
	if (!e || e->op != OP_exp || e->in[0]->op != OP_sub)
		return NULL;
	Node *shifted = e->in[0], *x = shifted->in[0];
	if (row_reduction(shifted->in[1], OP_reduce_max) != x)
		return NULL;
	if (w->uses[p->id] != 1 || w->uses[e->id] != 2 || w->uses[shifted->id] != 1)
		*miss = "the probabilities are used elsewhere too";
	else if (w->uses[x->id] != 2)
		*miss = "the scores are used elsewhere too";
	return x;
}

/* --- scores ---------------------------------------------------------------------------------- */

/* One number for all scores: known, or a parameter of one element. */
static bool is_number(const Match *m, Node *x)
{
	double ignored;
	PerChannel c;
	if (splat_value(x, &ignored))
		return true;
	return m->w->is_static[x->id] && per_channel(x, &c) && c.axis < 0;
}

/* The operand that x multiplies or divides by a number. */
static Node *scaled_operand(const Match *m, Node *x, Node **number)
{
	if (x->op != OP_mul && x->op != OP_div)
		return NULL;
	for (int i = 1; i >= (x->op == OP_div); i--) {
		*number = x->in[i];
		if (is_number(m, x->in[i]))
			return x->in[1 - i];
	}
	return NULL;
}

/* Takes a factor off: into the scale, or on the list of those that q is multiplied by. */
static bool take_factor(Match *m, Node *x, Node **rest)
{
	double c;
	Node *number;
	*rest = scaled_operand(m, x, &number);
	if (!*rest)
		return false;
	if (splat_value(number, &c) && (x->op == OP_mul || c != 0)) {
		m->scale = x->op == OP_mul ? m->scale * c : m->scale / c;
		return true;
	}
	if (m->n_factors == MAX_FACTORS)
		return false;
	m->factor[m->n_factors++] = x;
	return true;
}

static bool add_mask(Match *m, Mask mask, const Type *t)
{
	if (m->n_masks == MAX_MASKS || m->n_factors) {
		m->miss =
			m->n_factors ? "a mask under a factor that is not known" : "too many masks";
		return false;
	}
	mask.factor = m->scale;
	mask.type = t;
	m->mask[m->n_masks++] = mask;
	return true;
}

/* Does q k^T lie behind x, through the operators that unwrap() knows? */
static bool leads_to_product(const Match *m, Node *x)
{
	for (int steps = 0; steps < MAX_STEPS; steps++) {
		Node *number, *rest = scaled_operand(m, x, &number);
		if (x->op == OP_matmul)
			return true;
		if (rest) {
			x = rest;
		} else if (keeps_last(x, 2)) {
			x = x->in[0];
		} else if (x->op == OP_add || x->op == OP_sub) {
			x = x->in[0]->op == OP_broadcast ? x->in[1] : x->in[0];
		} else if (x->op == OP_select) {
			double ignore;
			x = x->in[splat_value(x->in[1], &ignore) ? 2 : 1];
		} else {
			return false;
		}
	}
	return false;
}

/* select(c, scores, -inf), or the other way round */
static bool unwrap_select(Match *m, Node *x, Node **rest)
{
	double instead;
	bool drop = splat_value(x->in[1], &instead);
	if (!drop && !splat_value(x->in[2], &instead)) {
		m->miss = "a choice between scores and something computed";
		return false;
	}
	if (!(instead * m->scale <= hidden)) {
		m->miss = "masked scores are not low enough";
		return false;
	}
	*rest = x->in[drop ? 2 : 1];
	return add_mask(m, (Mask){ .keep = x->in[0], .drop = drop, .instead = instead }, x->type);
}

static bool unwrap_sum(Match *m, Node *x, Node **rest)
{
	int scores = leads_to_product(m, x->in[0]) ? 0 : 1;
	if (x->op == OP_sub && scores != 0) {
		m->miss = "the scores are subtracted";
		return false;
	}
	*rest = x->in[scores];
	if (!add_mask(m, (Mask){ .added = x->in[1 - scores] }, x->type))
		return false;
	if (x->op == OP_sub)
		m->mask[m->n_masks - 1].factor *= -1;
	return true;
}

/* One operator less around the scores. */
static bool unwrap(Match *m, Node *x, Node **rest)
{
	if (take_factor(m, x, rest))
		return true;
	if (keeps_last(x, 2)) {
		*rest = x->in[0];
		return true;
	}
	if (x->op == OP_add || x->op == OP_sub)
		return unwrap_sum(m, x, rest);
	if (x->op == OP_select)
		return unwrap_select(m, x, rest);
	m->miss = "the scores are no product of two values";
	return false;
}

static bool find_product(Match *m, Node *x)
{
	for (int steps = 0; x->op != OP_matmul; steps++) {
		Node *rest = NULL;
		if (steps == MAX_STEPS || !unwrap(m, x, &rest))
			return false;
		x = rest;
		if (m->w->uses[x->id] != 1) {
			m->miss = "the scores are used elsewhere too";
			return false;
		}
	}
	m->scores = x;
	return true;
}

/* --- operands -------------------------------------------------------------------------------- */

/* x behind factors, regrouped leading dimensions and transpositions of the last two, which are
 * counted: an old node. */
static Node *peel(Match *m, Node *x, bool *swapped)
{
	for (int steps = 0; steps < MAX_STEPS; steps++) {
		Node *rest;
		if (take_factor(m, x, &rest)) {
			x = rest;
		} else if (keeps_last(x, 2)) {
			x = x->in[0];
		} else if (swaps_last_two(x)) {
			*swapped = !*swapped;
			x = x->in[0];
		} else {
			break;
		}
	}
	return x;
}

static Node *in_four_dims(Match *m, Node *x)
{
	const Type *t = x->type;
	int64_t dim[4] = { m->batch, m->heads, t->dim[t->rank - 2], t->dim[t->rank - 1] };
	return emit_reshape(m->w->b, x, 4, dim);
}

/* Operand of the new operator: old node x as [B,H,rows,columns]. */
static Node *operand(Match *m, Node *x, bool swapped)
{
	Node *rows = in_four_dims(m, m->w->map[x->id]);
	return swapped ? emit_swap_last_two(m->w->b, rows) : rows;
}

/* x op number, done before x is reshaped and transposed: there it may join what computes x. */
static Node *scale_behind_views(Builder *b, Op op, Node *x, Node *number)
{
	Node *view[MAX_STEPS];
	int n = 0;
	for (; n < MAX_STEPS && (x->op == OP_reshape || x->op == OP_transpose); x = x->in[0])
		view[n++] = x;
	x = emit_b2(b, op, x, number);
	while (n-- > 0)
		x = emit(b, view[n]->op, view[n]->attr, &x, 1);
	return x;
}

/* Parameters among the factors: q takes them all, as the operator's scale is a number. */
static Node *apply_factors(Match *m, Node *q)
{
	for (int i = 0; i < m->n_factors; i++) {
		Node *number, *f = m->factor[i];
		scaled_operand(m, f, &number);
		if (number->op == OP_broadcast)
			number = number->in[0];
		number = emit_reshape(m->w->b, m->w->map[number->id], 0, NULL);
		q = scale_behind_views(m->w->b, f->op, q, number);
	}
	return q;
}

/* Batch and heads: as any four-dimensional value on the way has them, else all leading dimensions
 * are heads. */
static void choose_heads(Match *m, const Node *q)
{
	const Type *candidate[3 + MAX_MASKS];
	int n = 0;
	candidate[n++] = m->value->type;
	for (int i = 0; i < m->n_masks; i++)
		candidate[n++] = m->mask[i].type;
	candidate[n++] = m->scores->type;
	candidate[n++] = q->type;
	const Type *t = m->value->type;
	m->batch = 1;
	m->heads = dims_product(t, 0, t->rank - 2);
	for (int i = 0; i < n; i++) {
		int rank = candidate[i]->rank;
		if (rank < 4)
			continue;
		m->heads = candidate[i]->dim[rank - 3];
		m->batch = dims_product(candidate[i], 0, rank - 3);
		return;
	}
}

/* --- masks ----------------------------------------------------------------------------------- */

/* How the leading dimensions of x (sizes aligned to t) group into batch and heads: 1 or all of
 * each. */
static bool mask_leading(const Match *m, const Type *x, const Type *t, int64_t dim[2])
{
	bool none[2] = { true, true }, all[2] = { true, true };
	int64_t whole[2] = { m->batch, m->heads };
	bool flat = t->rank < 4;
	if (!flat && t->dim[t->rank - 3] != m->heads)
		return false;
	for (int i = 0; i < t->rank - 2; i++) {
		int group = !flat && i == t->rank - 3;
		none[group] = none[group] && aligned_dim(x, t, i) == 1;
		all[group] = all[group] && aligned_dim(x, t, i) == t->dim[i];
	}
	for (int i = 0; i < 2; i++)
		dim[i] = none[i] ? 1 : whole[i];
	if (flat) { /* batch and heads in one */
		dim[1] = none[0] ? 1 : m->heads;
		return none[0] || all[0];
	}
	return (none[0] || all[0]) && (none[1] || all[1]);
}

/* The mask's values as [1 or B, 1 or H, 1 or S, 1 or T]; NULL when they do not group so. */
static Node *mask_values(Match *m, Node *old, const Type *t)
{
	Node *x = m->w->map[old->id];
	if (x->op == OP_broadcast)
		x = x->in[0];
	int64_t dim[4];
	if (x->type->rank > t->rank || !mask_leading(m, x->type, t, dim)) {
		m->miss = "the mask differs within a batch or head";
		return NULL;
	}
	dim[2] = aligned_dim(x->type, t, t->rank - 2);
	dim[3] = aligned_dim(x->type, t, t->rank - 1);
	return emit_reshape(m->w->b, x, 4, dim);
}

/* What one mask adds to the scores. A row whose scores are all masked by a finite number is left
 * with equal ones, as before. */
static Node *mask_term(Match *m, const Mask *mask)
{
	Builder *b = m->w->b;
	Node *x = mask_values(m, mask->added ? mask->added : mask->keep, mask->type);
	DType t = m->scores->type->dtype;
	if (!x)
		return NULL;
	if (mask->added)
		return mask->factor == 1 ? x : emit_c2(b, OP_mul, x, mask->factor);
	const Type *shape = type_with_dtype(m->w->p->ctx, x->type, t);
	Node *zero = emit_full(b, shape, 0);
	Node *low = emit_full(b, shape, isinf(mask->instead) ? mask->instead : lowest);
	return mask->drop ? emit3(b, OP_select, x, low, zero) : emit3(b, OP_select, x, zero, low);
}

/* Do all masks choose, between the score and numbers that are alike? */
static bool all_choose(const Match *m)
{
	for (int i = 0; i < m->n_masks; i++)
		if (m->mask[i].added || isinf(m->mask[i].instead) != isinf(m->mask[0].instead))
			return false;
	return m->n_masks > 0;
}

/* The keys that all masks keep: scores are chosen, so that a NaN behind the mask stays there. */
static bool build_choice(Match *m, Node **mask)
{
	Builder *b = m->w->b;
	for (int i = 0; i < m->n_masks; i++) {
		Node *x = mask_values(m, m->mask[i].keep, m->mask[i].type);
		if (!x)
			return false;
		if (m->mask[i].drop)
			x = emit1(b, OP_not, x);
		*mask = *mask ? emit_b2(b, OP_and, *mask, x) : x;
	}
	m->hidden = isinf(m->mask[0].instead) ? m->mask[0].instead : lowest;
	return true;
}

static bool build_mask(Match *m, Node **mask)
{
	bool several = false;
	*mask = NULL;
	if (all_choose(m))
		return build_choice(m, mask);
	for (int i = 0; i < m->n_masks; i++) {
		Node *term = mask_term(m, &m->mask[i]);
		if (!term)
			return false;
		*mask = *mask ? emit_b2(m->w->b, OP_add, *mask, term) : term;
		several = several ||
			  (m->n_masks > 1 && isfinite(m->mask[i].instead) && !m->mask[i].added);
	}
	if (several) /* twice `lowest` would be infinite */
		*mask = emit_c2(m->w->b, OP_max, *mask, lowest);
	return true;
}

/* Marks what x needs; false when that is not known now, or is much. */
static bool needs_constants_alone(const Graph *g, const Node *x, bool *needed)
{
	int64_t elements = 0;
	needed[x->id] = true;
	for (int i = (int)x->id; i >= 0; i--) {
		const Node *n = g->node.at[i];
		if (!needed[i])
			continue;
		elements += n->type->count;
		if (n->op == OP_input || n->op == OP_param || elements > CONSTANT_ELEMENTS_MAX)
			return false;
		for (int k = 0; k < n->n_in; k++)
			needed[n->in[k]->id] = true;
	}
	return true;
}

static bool evaluate(const Graph *g, const bool *needed, const Node *x, Arena *scratch,
		     EvalTensor *of)
{
	for (int i = 0; i <= (int)x->id; i++) {
		const Node *n = g->node.at[i];
		if (!needed[i])
			continue;
		const EvalTensor **in = ARENA_ARRAY(scratch, const EvalTensor *, n->n_in + 1);
		for (int k = 0; k < n->n_in; k++)
			in[k] = &of[n->in[k]->id];
		of[i] = eval_tensor(scratch, n->type);
		if (!eval_node(scratch, n, in, &of[i]))
			return false;
	}
	return true;
}

/* What element i does to a score: adds to it, or puts `instead` in its place. */
static double effect(const EvalTensor *e, int64_t i, double instead)
{
	return e->f ? e->f[i] : e->i[i] ? 0 : instead;
}

/* Rows against columns of a mask for `queries` by `keys` scores, of which it has all or one. Where
 * queries are more than keys the first see none, which the causal form takes for NaN: a finite mask
 * leaves them with equal scores. */
static MaskKind judge_mask(const Match *m, const EvalTensor *e, int64_t queries, int64_t keys)
{
	const int64_t *dim = e->type->dim;
	bool nothing = true, future = dim[2] == queries && dim[3] == keys;
	double low = queries > keys ? -HUGE_VAL : hidden;
	for (int64_t i = 0; i < e->type->count && (nothing || future); i++) {
		int64_t row = i / dim[3] % dim[2], column = i % dim[3];
		bool ahead = column > row + (keys - queries);
		double v = effect(e, i, m->hidden);
		nothing = nothing && v == 0;
		future = future && (ahead ? v <= low : v == 0);
	}
	return nothing ? MASK_NOTHING : future ? MASK_FUTURE : MASK_ANY;
}

static MaskKind evaluated_kind(const Match *m, const Node *mask, int64_t queries, int64_t keys)
{
	const Graph *g = m->w->b->graph;
	Arena *scratch = arena_create();
	bool *needed = ARENA_ARRAY(scratch, bool, mask->id + 1);
	MaskKind kind = MASK_ANY;
	if (needs_constants_alone(g, mask, needed)) {
		EvalTensor *of = ARENA_ARRAY(scratch, EvalTensor, mask->id + 1);
		if (evaluate(g, needed, mask, scratch, of))
			kind = judge_mask(m, &of[mask->id], queries, keys);
	}
	arena_destroy(scratch);
	return kind;
}

static MaskKind mask_kind(const Match *m, const Node *mask, int64_t queries, int64_t keys)
{
	if (m->judged->mask != mask || m->judged->hidden != m->hidden)
		*m->judged = (Judged){ mask, m->hidden, evaluated_kind(m, mask, queries, keys) };
	return m->judged->kind;
}

/* --- the whole ------------------------------------------------------------------------------- */

static Node *emit_attention(Match *m)
{
	Rewrite *w = m->w;
	const Attr_matmul *qk = ATTR_OF(m->scores, matmul), *pv = ATTR_OF(m->value, matmul);
	bool turned_q = qk->trans_x, turned_k = !qk->trans_w;
	Node *in[4], *mask;
	Node *q = peel(m, m->scores->in[0], &turned_q);
	Node *k = peel(m, m->scores->in[1], &turned_k);
	choose_heads(m, q);
	if (!build_mask(m, &mask))
		return NULL;
	in[0] = operand(m, q, turned_q);
	in[1] = operand(m, k, turned_k);
	in[2] = operand(m, m->value->in[1], pv->trans_w);
	in[0] = apply_factors(m, in[0]);
	int64_t queries = in[0]->type->dim[2], keys = in[1]->type->dim[2];
	MaskKind kind = mask ? mask_kind(m, mask, queries, keys) : MASK_NOTHING;
	in[3] = kind == MASK_ANY ? mask : NULL;
	Attr_attention a = { .scale = m->scale,
			     .causal = kind == MASK_FUTURE,
			     .hidden = m->hidden };
	pass_explain(w->p, "attention: '%s': %lld x %lld heads, %lld queries, %lld keys%s",
		     node_label(m->value), (long long)m->batch, (long long)m->heads,
		     (long long)queries, (long long)keys,
		     in[3]                 ? ", masked"
		     : kind == MASK_FUTURE ? ", causal"
					   : "");
	Node *y =
		emit(w->b, OP_attention, attr_intern(w->p->ctx, ATTR_attention_RECORD, &a), in, 4);
	y->name = m->value->name;
	return emit_reshape(w->b, y, m->value->type->rank, m->value->type->dim);
}

static void miss(const Match *m)
{
	pass_explain(m->w->p, "near miss: softmax '%s' and product '%s' are no attention: %s",
		     node_label(m->softmax), node_label(m->value), m->miss);
}

/* The new node for product n when n ends an attention, else NULL. */
static Node *match(Rewrite *w, Judged *judged, Node *n)
{
	Match m = { .w = w, .judged = judged, .value = n, .scale = 1, .hidden = -HUGE_VAL };
	rewrite_place(w, n);
	if (n->op != OP_matmul || n->type->rank < 3 || ATTR_OF(n, matmul)->trans_x ||
	    ATTR_OF(n, matmul)->panel)
		return NULL;
	m.softmax = n->in[0];
	while (keeps_last(m.softmax, 2) && w->uses[m.softmax->id] == 1)
		m.softmax = m.softmax->in[0];
	Node *x = softmax_operand(w, m.softmax, &m.miss);
	if (!x)
		return NULL;
	if (n->type->dtype != DT_f32)
		m.miss = "only f32 has a template";
	Node *y = NULL;
	if (!m.miss && find_product(&m, x)) {
		if (m.scale == 0)
			m.miss = "the scale is 0";
		else if (m.scores->type->rank < 3 || ATTR_OF(m.scores, matmul)->panel)
			m.miss = "the scores are one matrix";
		else
			y = emit_attention(&m);
	}
	if (!y)
		miss(&m);
	return y;
}

Graph *pass_attention(const Pass *p, const Graph *g, Arena *arena)
{
	Rewrite w;
	Judged judged = { NULL, 0, MASK_ANY };
	rewrite_start(&w, p, g, arena);
	bool exact = p->ctx->fp == FP_STRICT; /* sums in another order */
	for (int i = 0; i < g->node.n; i++) {
		Node *n = g->node.at[i], *y = exact ? NULL : match(&w, &judged, n);
		w.map[n->id] = y ? y : rewrite_copy(&w, n);
	}
	return rewrite_finish(&w);
}
