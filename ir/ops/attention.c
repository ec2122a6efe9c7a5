/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Attention: softmax(scale q k^T + mask) v for each batch and head. */
#include "ir/hooks.h"
#include "ir/ops/util.h"
#include <math.h>

static bool mask_fits(const Type *mask, const int64_t *scores)
{
	if (mask->rank > 4)
		return false;
	for (int i = 1; i <= mask->rank; i++)
		if (mask->dim[mask->rank - i] != 1 && mask->dim[mask->rank - i] != scores[4 - i])
			return false;
	return true;
}

static bool check_mask(Builder *b, Op op, Node *const *in)
{
	const Type *q = in[0]->type, *mask = in[3]->type;
	int64_t scores[4] = { q->dim[0], q->dim[1], q->dim[2], in[1]->type->dim[2] };
	if (mask->dtype != DT_bool && !check_same_dtype(b, op, 0, 3, in))
		return false;
	if (mask_fits(mask, scores))
		return true;
	return builder_error(b, E5011,
			     "attention: mask, %s, does not repeat to the scores, "
			     "[%lld,%lld,%lld,%lld]",
			     type_text(b, mask), (long long)scores[0], (long long)scores[1],
			     (long long)scores[2], (long long)scores[3]);
}

const Type *infer_attention(Builder *b, Op op, Attr attr, Node *const *in, int n_in)
{
	(void)attr;
	for (int i = 0; i < 3; i++)
		if (!check_rank(b, op, i, in, 4) || !check_float_dtype(b, op, i, in) ||
		    !check_same_dtype(b, op, 0, i, in))
			return NULL;
	const Type *q = in[0]->type, *k = in[1]->type, *v = in[2]->type;
	if (q->dim[0] != k->dim[0] || q->dim[1] != k->dim[1] || q->dim[3] != k->dim[3] ||
	    k->dim[0] != v->dim[0] || k->dim[1] != v->dim[1] || k->dim[2] != v->dim[2]) {
		builder_error(b, E5011, "attention: q %s, k %s and v %s do not fit",
			      type_text(b, q), type_text(b, k), type_text(b, v));
		diag_hint(b->diag, "q is [B,H,S,D], k is [B,H,T,D], v is [B,H,T,E]");
		return NULL;
	}
	if (k->dim[2] == 0) {
		builder_error(b, E5011, "attention: k, %s, has no keys", type_text(b, k));
		return NULL;
	}
	if (n_in > 3 && in[3] && !check_mask(b, op, in))
		return NULL;
	int64_t dim[4] = { q->dim[0], q->dim[1], q->dim[2], v->dim[3] };
	return result_type(b, op, q->dtype, 4, dim);
}

/* --- evaluation ------------------------------------------------------------------------------ */

/* The score under the mask: a sum, or of truth values a choice, through which a hidden key's NaN
 * does not get. */
static double masked(const EvalCall *c, double score, const int64_t *at)
{
	const EvalTensor *mask = c->in[3];
	int64_t flat = 0;
	const Type *t = mask->type;
	for (int i = 0; i < t->rank; i++)
		flat = flat * t->dim[i] + (t->dim[i] == 1 ? 0 : at[4 - t->rank + i]);
	if (mask->f)
		return score + mask->f[flat];
	return mask->i[flat] ? score : ATTR_OF(c->n, attention)->hidden;
}

/* Scores of one query against all keys. */
static void scores(const EvalCall *c, const int64_t *at, double *score)
{
	const Attr_attention *a = ATTR_OF(c->n, attention);
	const Type *q = c->in[0]->type, *k = c->in[1]->type;
	int64_t width = q->dim[3], keys = k->dim[2];
	double scale = a->scale != 0 ? a->scale : 1 / sqrt((double)width);
	if (q->dtype == DT_f32)
		scale = (double)(float)scale; /* as a constant of that type: gradients have it so */
	const double *query = c->in[0]->f + flat_index(q, (int64_t[]){ at[0], at[1], at[2], 0 });
	const double *key = c->in[1]->f + (at[0] * q->dim[1] + at[1]) * keys * width;
	for (int64_t j = 0; j < keys; j++) {
		double dot = 0;
		for (int64_t d = 0; d < width; d++)
			dot += query[d] * key[j * width + d];
		score[j] = dot * scale;
		if (c->n->n_in > 3 && c->in[3])
			score[j] = masked(c, score[j], (int64_t[]){ at[0], at[1], at[2], j });
		if (a->causal && j > at[2] + keys - q->dim[2])
			score[j] = -HUGE_VAL;
	}
}

static void softmax(double *x, int64_t n)
{
	double max = -HUGE_VAL, sum = 0;
	for (int64_t i = 0; i < n; i++)
		max = x[i] > max || isnan(x[i]) ? x[i] : max;
	for (int64_t i = 0; i < n; i++)
		sum += x[i] = exp(x[i] - max);
	for (int64_t i = 0; i < n; i++)
		x[i] /= sum;
}

void eval_attention(const EvalCall *c)
{
	const Type *t = c->out->type, *v = c->in[2]->type;
	int64_t keys = v->dim[2], width = v->dim[3], at[3] = { 0 };
	double *score = ARENA_ARRAY(c->arena, double, keys);
	double *y = c->out->f;
	if (t->count == 0)
		return;
	do {
		const double *value = c->in[2]->f + (at[0] * t->dim[1] + at[1]) * keys * width;
		scores(c, at, score);
		softmax(score, keys);
		for (int64_t j = 0; j < keys; j++)
			for (int64_t e = 0; e < width; e++)
				y[e] += score[j] * value[j * width + e];
		y += width;
	} while (index_next(at, 3, t->dim));
}
