/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Rules on operators that move elements: identities disappear, chains of the same operator become
 * one, and attributes take one spelling. All are exact. */
#include "ir/ops/util.h"
#include "ir/rule.h"
#include "ir/wide.h"
#include <string.h>

/* --- attributes in normal form --------------------------------------------------------------- */

static bool same_ints(const Ints *a, int n, const int64_t *v)
{
	return a->n == n && (n == 0 || memcmp(a->v, v, sizeof(int64_t) * (size_t)n) == 0);
}

static bool all_ints(const Ints *a, int64_t v)
{
	for (int i = 0; i < a->n; i++)
		if (a->v[i] != v)
			return false;
	return true;
}

/* --- broadcast, reshape ---------------------------------------------------------------------- */

/* Whether reshape n only puts sizes of 1 in front, as broadcast does by itself. */
static bool adds_leading_ones(const Node *n)
{
	const Type *from = n->in[0]->type, *to = n->type;
	int more = to->rank - from->rank;
	if (more < 0)
		return false;
	for (int i = 0; i < to->rank; i++)
		if (to->dim[i] != (i < more ? 1 : from->dim[i - more]))
			return false;
	return true;
}

Node *simplify_broadcast(Builder *b, const Node *n)
{
	Node *x = n->in[0];
	if (x->type == n->type)
		return x;
	if (x->op == OP_broadcast || (x->op == OP_reshape && adds_leading_ones(x)))
		return emit_broadcast(b, x->in[0], n->type->rank, n->type->dim);
	if (!same_ints(&ATTR_OF(n, shape)->shape, n->type->rank, n->type->dim))
		return emit_broadcast(b, x, n->type->rank, n->type->dim);
	return NULL;
}

Node *simplify_reshape(Builder *b, const Node *n)
{
	Node *x = n->in[0];
	const Type *t = n->type;
	if (x->type == t)
		return x;
	if (t->count == 0)
		return NULL;
	if (x->op == OP_reshape)
		return emit_reshape(b, x->in[0], t->rank, t->dim);
	if (!same_ints(&ATTR_OF(n, shape)->shape, t->rank, t->dim))
		return emit_reshape(b, x, t->rank, t->dim);
	return NULL;
}

/* --- transpose ------------------------------------------------------------------------------- */

/* Only sizes of 1 change places: the order of the elements stays. */
static bool keeps_order(const Type *from, const int *perm)
{
	int last = -1;
	for (int i = 0; i < from->rank; i++) {
		if (from->dim[perm[i]] == 1)
			continue;
		if (perm[i] < last)
			return false;
		last = perm[i];
	}
	return true;
}

Node *simplify_transpose(Builder *b, const Node *n)
{
	Node *x = n->in[0];
	int perm[MAX_RANK], inner[MAX_RANK], both[MAX_RANK];
	transpose_perm(n, perm);
	if (keeps_order(x->type, perm))
		return emit_reshape(b, x, n->type->rank, n->type->dim);
	if (x->op == OP_transpose) {
		transpose_perm(x, inner);
		for (int i = 0; i < n->type->rank; i++)
			both[i] = inner[perm[i]];
		return emit_transpose(b, x->in[0], both);
	}
	return ATTR_OF(n, perm)->perm.n ? NULL : emit_transpose(b, x, perm);
}

/* --- slice, pad ------------------------------------------------------------------------------ */

typedef struct Slice {
	int64_t begin[MAX_RANK], count[MAX_RANK], step[MAX_RANK];
} Slice;

static Slice get_slice(const Node *n)
{
	const Attr_slice *a = ATTR_OF(n, slice);
	Slice s;
	for (int i = 0; i < n->type->rank; i++) {
		s.begin[i] = a->begin.v[i];
		s.count[i] = a->count.v[i];
		s.step[i] = a->step.v[i];
	}
	return s;
}

static bool is_whole(const Slice *s, const Type *from)
{
	for (int i = 0; i < from->rank; i++)
		if (s->begin[i] != 0 || s->count[i] != from->dim[i] || s->step[i] != 1)
			return false;
	return true;
}

/* A part of one part of a concat, when it lies in one. */
static Node *slice_of_concat(Builder *b, const Node *concat, Slice s)
{
	int axis = axis_norm(ATTR_OF(concat, axis)->axis, concat->type->rank);
	int64_t first = s.begin[axis], last = first + (s.count[axis] - 1) * s.step[axis];
	int64_t low = first < last ? first : last, high = first < last ? last : first, start = 0;
	for (int i = 0; i < concat->n_in; i++) {
		int64_t size = concat->in[i]->type->dim[axis];
		if (low >= start && high < start + size) {
			s.begin[axis] -= start;
			return emit_slice(b, concat->in[i], s.begin, s.count, s.step);
		}
		start += size;
	}
	return NULL;
}

Node *simplify_slice(Builder *b, const Node *n)
{
	Node *x = n->in[0];
	Slice s = get_slice(n);
	bool spelled = true;
	if (n->type->count == 0)
		return NULL;
	for (int i = 0; i < n->type->rank; i++)
		if (s.count[i] == 1 && s.step[i] != 1) {
			s.step[i] = 1;
			spelled = false;
		}
	if (is_whole(&s, x->type))
		return x;
	if (x->op == OP_slice) {
		Slice inner = get_slice(x);
		for (int i = 0; i < n->type->rank; i++) {
			s.begin[i] = inner.begin[i] + s.begin[i] * inner.step[i];
			s.step[i] *= inner.step[i];
		}
		return emit_slice(b, x->in[0], s.begin, s.count, s.step);
	}
	if (x->op == OP_concat)
		return slice_of_concat(b, x, s);
	return spelled ? NULL : emit_slice(b, x, s.begin, s.count, s.step);
}

Node *simplify_pad(Builder *b, const Node *n)
{
	const Attr_pad *a = ATTR_OF(n, pad);
	(void)b;
	return all_ints(&a->low, 0) && all_ints(&a->high, 0) && all_ints(&a->interior, 0) ? n->in[0]
											  : NULL;
}

/* --- concat ---------------------------------------------------------------------------------- */

enum { MAX_PARTS = 64 };

/* The inputs of a concat, nested ones along the same axis taken apart, empty ones left out. False
 * when they are too many. */
static bool get_parts(const Node *n, int axis, Node **part, int *count)
{
	for (int i = 0; i < n->n_in; i++) {
		Node *x = n->in[i];
		bool nested = x->op == OP_concat &&
			      axis_norm(ATTR_OF(x, axis)->axis, x->type->rank) == axis;
		int more = nested ? x->n_in : 1;
		if (x->type->dim[axis] == 0)
			continue;
		if (*count + more > MAX_PARTS)
			return false;
		for (int k = 0; k < more; k++)
			part[(*count)++] = nested ? x->in[k] : x;
	}
	return true;
}

Node *simplify_concat(Builder *b, const Node *n)
{
	Node *part[MAX_PARTS];
	int count = 0, axis = axis_norm(ATTR_OF(n, axis)->axis, n->type->rank);
	if (!get_parts(n, axis, part, &count) || count == 0)
		return NULL;
	if (count == 1)
		return part[0];
	bool same = count == n->n_in && ATTR_OF(n, axis)->axis == axis;
	for (int i = 0; i < count && same; i++)
		same = part[i] == n->in[i];
	return same ? NULL : emit_concat(b, part, count, axis);
}

/* --- gather ---------------------------------------------------------------------------------- */

/* Indices first, first + step, ... inside of the size. */
static bool is_progression(const int64_t *v, int n, int64_t size, int64_t *step)
{
	*step = n > 1 ? v[1] - v[0] : 1;
	if (n < 1 || *step == 0)
		return false;
	for (int i = 0; i < n; i++)
		if (v[i] < 0 || v[i] >= size || v[i] != v[0] + i * *step)
			return false;
	return true;
}

Node *simplify_gather(Builder *b, const Node *n)
{
	enum { MAX_INDICES = 4096 };
	int64_t v[MAX_INDICES], begin[MAX_RANK] = { 0 }, count[MAX_RANK], step[MAX_RANK], by;
	Node *x = n->in[0];
	int rank = x->type->rank, axis = axis_norm(ATTR_OF(n, gather)->axis, rank);
	int n_index = const_ints(n->in[1], v, MAX_INDICES);
	for (int i = 0; i < n_index; i++)
		v[i] += v[i] < 0 ? x->type->dim[axis] : 0;
	if (!is_progression(v, n_index, x->type->dim[axis], &by))
		return NULL;
	for (int i = 0; i < rank; i++) {
		count[i] = x->type->dim[i];
		step[i] = 1;
	}
	begin[axis] = v[0];
	count[axis] = n_index;
	step[axis] = by;
	x = emit_slice(b, x, begin, count, step);
	return emit_reshape(b, x, n->type->rank, n->type->dim);
}

/* Rows of a table of 16-bit floats are taken before they are widened, not the table. */
Node *gather_before_cast(Builder *b, const Node *n)
{
	Node *x = n->in[0];
	DType from = x->in[0]->type->dtype;
	if (!dtype_is_narrow_float(from) || x->type->dtype != DT_f32)
		return NULL;
	Node *in[2] = { x->in[0], n->in[1] };
	return emit_cast(b, emit(b, OP_gather, n->attr, in, 2), DT_f32);
}

/* --- cast ------------------------------------------------------------------------------------ */

/* Bits of the whole numbers a type represents without gap, sign not counted. */
static int whole_bits(DType t)
{
	switch (t) {
	case DT_f32: return 24;
	case DT_f64: return 53;
	case DT_f16: return 11;
	case DT_bf16: return 8;
	case DT_i8: return 7;
	case DT_u8: return 8;
	case DT_i16: return 15;
	case DT_i32: return 31;
	case DT_i64: return 63;
	case DT_bool: return 1;
	case DT_COUNT: break;
	}
	return 0;
}

/* Every value of `from` is one of `to`. */
static bool casts_exactly(DType from, DType to)
{
	char kf = dtype_info[from].kind, kt = dtype_info[to].kind;
	if (from == to)
		return true;
	if (to == DT_bool)
		return false;
	if (kf == 'f')
		return to == DT_f64 || (to == DT_f32 && (from == DT_f16 || from == DT_bf16));
	if (kt == 'u')
		return from == DT_bool;
	if (kt == 'i' || whole_bits(to) > whole_bits(from))
		return whole_bits(to) > whole_bits(from) || (kf == 'u' && kt == 'f');
	/* the least of a signed type is a power of two */
	return kt == 'f' && whole_bits(to) >= whole_bits(from);
}

Node *simplify_cast(Builder *b, const Node *n)
{
	Node *x = n->in[0];
	DType to = n->type->dtype, mid = x->type->dtype;
	if (mid == to)
		return x;
	if (x->op != OP_cast)
		return NULL;
	DType from = x->in[0]->type->dtype;
	if (ATTR_OF(x, cast)->loose && from == to)
		return x->in[0];
	/* from a float an integer is saturated, from an integer it wraps */
	bool by_float = dtype_is_float(mid) && !dtype_is_float(from) && !dtype_is_float(to);
	if (!casts_exactly(from, mid) || (by_float && !casts_exactly(from, to)))
		return NULL;
	return emit_cast(b, x->in[0], to);
}

/* --- reductions, products -------------------------------------------------------------------- */

/* Over sizes of 1 nothing is reduced. */
Node *simplify_reduce(Builder *b, const Node *n)
{
	Node *x = n->in[0];
	if (n->type->dtype != x->type->dtype || n->type->count != x->type->count ||
	    n->type->count == 0)
		return NULL;
	return emit_reshape(b, x, n->type->rank, n->type->dim);
}

/* Exchanges the last two dimensions and nothing else. */
static bool is_matrix_transpose(const Node *n)
{
	int perm[MAX_RANK], rank = n->type->rank;
	if (n->op != OP_transpose || rank < 2)
		return false;
	transpose_perm(n, perm);
	for (int i = 0; i < rank - 2; i++)
		if (perm[i] != i)
			return false;
	return perm[rank - 1] == rank - 2;
}

Node *simplify_matmul(Builder *b, const Node *n)
{
	const Attr_matmul *a = ATTR_OF(n, matmul);
	bool x = is_matrix_transpose(n->in[0]), w = is_matrix_transpose(n->in[1]) && !a->panel;
	if (!x && !w)
		return NULL;
	Attr_matmul turned = *a;
	turned.trans_x ^= x;
	turned.trans_w ^= w;
	Node *in[2] = { x ? n->in[0]->in[0] : n->in[0], w ? n->in[1]->in[0] : n->in[1] };
	return emit(b, OP_matmul, attr_intern(b->ctx, ATTR_matmul_RECORD, &turned), in, 2);
}
