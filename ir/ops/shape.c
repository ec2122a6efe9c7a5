/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Data movement: broadcast, reshape, transpose, slice, pad, concat. All but the last two are a walk
 * over the input with other strides, which is how they are evaluated. */
#include "ir/hooks.h"
#include "ir/ops/util.h"
#include <string.h>

/* out[at] = in[start + sum of at[i] * stride[i]] */
static void copy_strided(const EvalCall *c, int64_t start, const int64_t *stride)
{
	const Type *t = c->out->type;
	int64_t at[MAX_RANK] = { 0 };
	for (int64_t o = 0; o < t->count; o++, index_next(at, t->rank, t->dim)) {
		int64_t from = start;
		for (int i = 0; i < t->rank; i++)
			from += at[i] * stride[i];
		copy_element(c->out, o, c->in[0], from);
	}
}

/* --- broadcast ------------------------------------------------------------------------------- */

const Type *infer_broadcast(Builder *b, Op op, Attr attr, Node *const *in, int n_in)
{
	(void)n_in;
	const Attr_shape *a = attr;
	const Type *x = in[0]->type;
	if (!check_ints(b, op, "shape", a->shape, a->shape.n, 0, MAX_ELEMENTS))
		return NULL;
	const Type *t = result_type(b, op, x->dtype, a->shape.n, a->shape.v);
	if (!t)
		return NULL;
	bool fits = x->rank <= t->rank;
	for (int i = 1; fits && i <= x->rank; i++)
		fits = x->dim[x->rank - i] == 1 || x->dim[x->rank - i] == t->dim[t->rank - i];
	if (fits)
		return t;
	builder_error(b, E5011, "broadcast: %s does not repeat to %s", type_text(b, x),
		      type_text(b, t));
	diag_hint(b->diag, "counted from the last dimension, sizes must be equal or 1");
	return NULL;
}

void eval_broadcast(const EvalCall *c)
{
	const Type *x = c->in[0]->type, *t = c->out->type;
	int64_t own[MAX_RANK], stride[MAX_RANK] = { 0 };
	int shift = t->rank - x->rank;
	type_strides(x, own);
	for (int i = 0; i < x->rank; i++)
		stride[i + shift] = x->dim[i] == 1 ? 0 : own[i];
	copy_strided(c, 0, stride);
}

/* --- reshape --------------------------------------------------------------------------------- */

/* Replaces 0 by the input's size and finds the one that is left open. */
static bool reshape_dims(Builder *b, const Type *x, Ints shape, int64_t *dim)
{
	int open = -1;
	int64_t known = 1;
	for (int i = 0; i < shape.n; i++) {
		dim[i] = shape.v[i];
		if (dim[i] == 0 && i < x->rank)
			dim[i] = x->dim[i];
		if (dim[i] == -1 && open >= 0)
			return builder_error(b, E5013,
					     "reshape: shape leaves more than one size open (-1)");
		if (dim[i] == -1)
			open = i;
		else
			known *= dim[i];
	}
	if (open >= 0)
		dim[open] = known ? x->count / known : 0;
	return true;
}

static const char *ints_text(Builder *b, Ints v)
{
	Str s;
	str_init(&s, b->ctx->arena);
	for (int i = 0; i < v.n; i++)
		str_fmt(&s, "%s%lld", i ? "," : "", (long long)v.v[i]);
	return str_text(&s);
}

const Type *infer_reshape(Builder *b, Op op, Attr attr, Node *const *in, int n_in)
{
	(void)n_in;
	const Attr_shape *a = attr;
	const Type *x = in[0]->type;
	int64_t dim[MAX_RANK] = { 0 }, product = 1;
	if (a->shape.n > MAX_RANK)
		return result_type(b, op, x->dtype, a->shape.n, a->shape.v);
	/* each size within the limit first: then the product of known sizes is checked as it grows
	 */
	if (!check_ints(b, op, "shape", a->shape, a->shape.n, -1, MAX_ELEMENTS))
		return NULL;
	for (int i = 0; i < a->shape.n; i++) {
		int64_t d = a->shape.v[i];
		if (d > 0 && product > MAX_ELEMENTS / d)
			return result_type(b, op, x->dtype, a->shape.n, a->shape.v);
		product *= d > 0 ? d : 1;
	}
	if (!reshape_dims(b, x, a->shape, dim))
		return NULL;
	const Type *t = type_get(b->ctx, x->dtype, a->shape.n, dim);
	if (t && t->count == x->count)
		return t;
	builder_error(b, E5011, "reshape: %s has %lld elements, which do not fill [%s]",
		      type_text(b, x), (long long)x->count, ints_text(b, a->shape));
	diag_hint(b->diag, "the product of the sizes must stay the same; one size may be -1");
	return NULL;
}

void eval_reshape(const EvalCall *c)
{
	size_t n = (size_t)c->out->type->count;
	if (c->out->f)
		memcpy(c->out->f, c->in[0]->f, n * sizeof(double));
	else
		memcpy(c->out->i, c->in[0]->i, n * sizeof(int64_t));
}

/* --- transpose ------------------------------------------------------------------------------- */

const Type *infer_transpose(Builder *b, Op op, Attr attr, Node *const *in, int n_in)
{
	(void)n_in;
	Ints perm = ((const Attr_perm *)attr)->perm;
	const Type *x = in[0]->type;
	int64_t dim[MAX_RANK];
	bool seen[MAX_RANK] = { false };
	if (perm.n && !check_ints(b, op, "perm", perm, x->rank, -x->rank, x->rank - 1))
		return NULL;
	for (int i = 0; i < x->rank; i++) {
		int from = perm.n ? axis_norm(perm.v[i], x->rank) : x->rank - 1 - i;
		if (seen[from])
			return builder_error(b, E5013, "transpose: perm names dimension %d twice",
					     from);
		seen[from] = true;
		dim[i] = x->dim[from];
	}
	return result_type(b, op, x->dtype, x->rank, dim);
}

void eval_transpose(const EvalCall *c)
{
	int64_t own[MAX_RANK], stride[MAX_RANK];
	int perm[MAX_RANK];
	transpose_perm(c->n, perm);
	type_strides(c->in[0]->type, own);
	for (int i = 0; i < c->out->type->rank; i++)
		stride[i] = own[perm[i]];
	copy_strided(c, 0, stride);
}

/* --- slice ----------------------------------------------------------------------------------- */

static bool slice_inside(const Attr_slice *a, int i, int64_t size)
{
	int64_t first = a->begin.v[i], n = a->count.v[i], step = a->step.v[i];
	if (n == 0)
		return first >= 0 && first <= size;
	return first >= 0 && first < size && first + (n - 1) * step >= 0 &&
	       first + (n - 1) * step < size;
}

const Type *infer_slice(Builder *b, Op op, Attr attr, Node *const *in, int n_in)
{
	(void)n_in;
	const Attr_slice *a = attr;
	const Type *x = in[0]->type;
	enum { LIMIT = 1 << 20 };
	if (!check_ints(b, op, "begin", a->begin, x->rank, -MAX_ELEMENTS, MAX_ELEMENTS) ||
	    !check_ints(b, op, "count", a->count, x->rank, 0, MAX_ELEMENTS) ||
	    !check_ints(b, op, "step", a->step, x->rank, -LIMIT, LIMIT))
		return NULL;
	for (int i = 0; i < x->rank; i++) {
		if (a->step.v[i] == 0)
			return builder_error(b, E5013, "slice: the step of dimension %d is 0", i);
		if (!slice_inside(a, i, x->dim[i]))
			return builder_error(b, E5013,
					     "slice: dimension %d of %s: %lld indices from %lld by "
					     "steps of %lld leave the tensor",
					     i, type_text(b, x), (long long)a->count.v[i],
					     (long long)a->begin.v[i], (long long)a->step.v[i]);
	}
	return result_type(b, op, x->dtype, x->rank, a->count.v);
}

void eval_slice(const EvalCall *c)
{
	const Attr_slice *a = ATTR_OF(c->n, slice);
	int64_t own[MAX_RANK], stride[MAX_RANK], start = 0;
	type_strides(c->in[0]->type, own);
	for (int i = 0; i < c->out->type->rank; i++) {
		start += own[i] * a->begin.v[i];
		stride[i] = own[i] * a->step.v[i];
	}
	copy_strided(c, start, stride);
}

/* --- pad ------------------------------------------------------------------------------------- */

static bool check_pad_attr(Builder *b, Op op, const Attr_pad *a, int rank)
{
	return check_ints(b, op, "low", a->low, rank, -MAX_ELEMENTS, MAX_ELEMENTS) &&
	       check_ints(b, op, "high", a->high, rank, -MAX_ELEMENTS, MAX_ELEMENTS) &&
	       (!a->interior.n || check_ints(b, op, "interior", a->interior, rank, 0, 1 << 20));
}

const Type *infer_pad(Builder *b, Op op, Attr attr, Node *const *in, int n_in)
{
	(void)n_in;
	const Attr_pad *a = attr;
	const Type *x = in[0]->type;
	int64_t dim[MAX_RANK];
	if (!check_same_dtype(b, op, 0, 1, in) || !check_rank(b, op, 1, in, 0) ||
	    !check_pad_attr(b, op, a, x->rank))
		return NULL;
	for (int i = 0; i < x->rank; i++) {
		int64_t between = a->interior.n && x->dim[i] ? a->interior.v[i] : 0;
		if (between && x->dim[i] > MAX_ELEMENTS / between)
			return builder_error(b, E5014, "pad: the result is too large");
		dim[i] = x->dim[i] + (x->dim[i] - 1) * between + a->low.v[i] + a->high.v[i];
		if (dim[i] < 0)
			return builder_error(
				b, E5013, "pad: dimension %d of %s is cropped by more than it has",
				i, type_text(b, x));
	}
	return result_type(b, op, x->dtype, x->rank, dim);
}

/* Where output index o of dimension i comes from; -1: padding. */
static int64_t pad_source(const Attr_pad *a, int i, int64_t o, int64_t size)
{
	int64_t step = 1 + (a->interior.n ? a->interior.v[i] : 0), at = o - a->low.v[i];
	if (at < 0 || at % step || at / step >= size)
		return -1;
	return at / step;
}

void eval_pad(const EvalCall *c)
{
	const Attr_pad *a = ATTR_OF(c->n, pad);
	const Type *t = c->out->type, *x = c->in[0]->type;
	int64_t at[MAX_RANK] = { 0 }, stride[MAX_RANK];
	type_strides(x, stride);
	for (int64_t o = 0; o < t->count; o++, index_next(at, t->rank, t->dim)) {
		int64_t from = 0;
		bool inside = true;
		for (int i = 0; inside && i < t->rank; i++) {
			int64_t s = pad_source(a, i, at[i], x->dim[i]);
			inside = s >= 0;
			from += s * stride[i];
		}
		copy_element(c->out, o, c->in[inside ? 0 : 1], inside ? from : 0);
	}
}

/* --- concat ---------------------------------------------------------------------------------- */

static bool check_part(Builder *b, Op op, const Type *first, const Type *part, int i, int axis)
{
	bool fits = first->rank == part->rank;
	for (int d = 0; fits && d < first->rank; d++)
		fits = d == axis || first->dim[d] == part->dim[d];
	if (!fits) {
		builder_error(b, E5011, "%s: part 0 is %s, but part %d is %s", op_info(op)->name,
			      type_text(b, first), i, type_text(b, part));
		diag_hint(b->diag, "all sizes but that of dimension %d must be equal", axis);
	}
	return fits;
}

const Type *infer_concat(Builder *b, Op op, Attr attr, Node *const *in, int n_in)
{
	const Type *x = in[0]->type;
	int64_t dim[MAX_RANK] = { 0 };
	if (!check_axis(b, op, ((const Attr_axis *)attr)->axis, x->rank))
		return NULL;
	int axis = axis_norm(((const Attr_axis *)attr)->axis, x->rank);
	for (int d = 0; d < x->rank; d++)
		dim[d] = d == axis ? 0 : x->dim[d];
	for (int i = 0; i < n_in; i++) {
		if (!check_part(b, op, x, in[i]->type, i, axis))
			return NULL;
		if (!check_same_dtype(b, op, 0, i, in))
			return NULL;
		dim[axis] += in[i]->type->dim[axis];
	}
	return result_type(b, op, x->dtype, x->rank, dim);
}

void concat_parts(const EvalTensor *out, const EvalTensor *const *in, int n, int axis)
{
	int64_t outer = dims_product(out->type, 0, axis);
	int64_t o = 0;
	for (int64_t row = 0; row < outer; row++)
		for (int k = 0; k < n; k++) {
			int64_t len = dims_product(in[k]->type, axis, in[k]->type->rank);
			for (int64_t i = 0; i < len; i++)
				copy_element(out, o++, in[k], row * len + i);
		}
}

void eval_concat(const EvalCall *c)
{
	concat_parts(c->out, c->in, c->n->n_in,
		     axis_norm(ATTR_OF(c->n, axis)->axis, c->out->type->rank));
}
