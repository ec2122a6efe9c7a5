/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Data movement, indices, other spellings of both. */
#include "tests/conform/generate.h"
#include <string.h>

enum { MOST = 3000 };

/* A tensor of `rank` dimensions, sizes in dim. */
static Node *tensor(Case *c, int rank, bool empty, int64_t *dim)
{
	some_dims(c, rank, MOST, empty, dim);
	return case_operand(c, some_type(c), rank, dim, any);
}

void make_broadcast(Case *c, Op op)
{
	int64_t dim[MAX_RANK], part[MAX_RANK];
	int rank = (int)pick(c, 0, 5), drop = (int)pick(c, 0, rank);
	some_dims(c, rank, MOST, true, dim);
	for (int i = drop; i < rank; i++)
		part[i - drop] = chance(c, 50) ? 1 : dim[i];
	Node *x = case_operand(c, some_type(c), rank - drop, part, any);
	case_result(c, case_emit(c, op, &x, 1, "shape=%s", list(c, rank, dim)));
}

/* Another way to cut the same number of elements into dimensions. */
static int cut_again(Case *c, int64_t count, int64_t *dim)
{
	int rank = 0;
	while (rank < 4 && count > 1) {
		int64_t d = pick(c, 2, 17);
		if (count % d == 0) {
			dim[rank++] = d;
			count /= d;
		} else if (chance(c, 20)) {
			dim[rank++] = 1;
		} else if (chance(c, 20)) {
			break;
		}
	}
	if (count != 1 || chance(c, 30))
		dim[rank++] = count;
	return rank;
}

void make_reshape(Case *c, Op op)
{
	int64_t dim[MAX_RANK], to[MAX_RANK];
	Node *x = tensor(c, (int)pick(c, 0, 4), true, dim);
	if (x->type->count == 0) {
		case_result(c, case_emit(c, op, &x, 1, "shape=%s", list(c, x->type->rank, dim)));
		return;
	}
	int rank = cut_again(c, x->type->count, to);
	if (rank && chance(c, 30))
		to[pick(c, 0, rank - 1)] = -1;
	case_result(c, case_emit(c, op, &x, 1, "shape=%s", list(c, rank, to)));
}

static void shuffle(Case *c, int n, int64_t *v)
{
	for (int i = 0; i < n; i++)
		v[i] = i;
	for (int i = n - 1; i > 0; i--) {
		int64_t k = pick(c, 0, i), w = v[i];
		v[i] = v[k];
		v[k] = w;
	}
}

void make_transpose(Case *c, Op op)
{
	int64_t dim[MAX_RANK], perm[MAX_RANK];
	int rank = (int)pick(c, 0, 5);
	Node *x = tensor(c, rank, true, dim);
	shuffle(c, rank, perm);
	if (chance(c, 15))
		case_result(c, case_emit(c, op, &x, 1, "%s", ""));
	else
		case_result(c, case_emit(c, op, &x, 1, "perm=%s", list(c, rank, perm)));
}

void make_slice(Case *c, Op op)
{
	int64_t dim[MAX_RANK], begin[MAX_RANK], count[MAX_RANK], step[MAX_RANK];
	int rank = (int)pick(c, 1, 4);
	Node *x = tensor(c, rank, false, dim);
	for (int i = 0; i < rank; i++) {
		step[i] = chance(c, 50) ? 1 : pick(c, 1, 3);
		count[i] = pick(c, chance(c, 3) ? 0 : 1, (dim[i] - 1) / step[i] + 1);
		int64_t span = count[i] ? (count[i] - 1) * step[i] : 0;
		begin[i] = pick(c, 0, dim[i] - 1 - span);
		if (chance(c, 30)) {
			begin[i] += span;
			step[i] = -step[i];
		}
	}
	case_result(c, case_emit(c, op, &x, 1, "begin=%s;count=%s;step=%s", list(c, rank, begin),
				 list(c, rank, count), list(c, rank, step)));
}

void make_pad(Case *c, Op op)
{
	int64_t dim[MAX_RANK], low[MAX_RANK], high[MAX_RANK], between_[MAX_RANK];
	int rank = (int)pick(c, 1, 4);
	some_dims(c, rank, 1000, false, dim);
	bool inner = chance(c, 30), crops = chance(c, 30);
	for (int i = 0; i < rank; i++) {
		between_[i] = inner ? pick(c, 0, 2) : 0;
		low[i] = pick(c, crops ? -dim[i] / 2 : 0, 4);
		high[i] = pick(c, crops ? -dim[i] / 2 : 0, 4);
		if (chance(c, 30))
			low[i] = high[i] = 0;
	}
	DType t = some_type(c);
	Node *in[2] = { case_operand(c, t, rank, dim, any) };
	in[1] = chance(c, 50) ? emit_scalar_i64(c->b, t, pick(c, 0, 1))
			      : case_operand(c, t, 0, NULL, any);
	case_result(c, case_emit(c, op, in, 2, "low=%s;high=%s;interior=%s", list(c, rank, low),
				 list(c, rank, high), inner ? list(c, rank, between_) : ""));
}

void make_concat(Case *c, Op op)
{
	int64_t dim[MAX_RANK];
	int rank = (int)pick(c, 1, 4), axis = (int)pick(c, 0, rank - 1), n = (int)pick(c, 1, 5);
	DType t = some_type(c);
	Node *in[5];
	some_dims(c, rank, 500, true, dim);
	for (int i = 0; i < n; i++) {
		dim[axis] = chance(c, 5) ? 0 : some_size(c) / 2 + 1;
		in[i] = i && chance(c, 20) ? in[i - 1] : case_operand(c, t, rank, dim, any);
	}
	int named = chance(c, 30) ? axis - rank : axis;
	case_result(c, case_emit(c, op, in, n, "axis=%d", named));
}

/* --- by index --------------------------------------------------------------------------------- */

static DType index_type(Case *c)
{
	return chance(c, 60) ? DT_i64 : chance(c, 70) ? DT_i32 : DT_i16;
}

/* Indices into a dimension, now and then one that lies outside. */
static Node *index_tensor(Case *c, int rank, const int64_t *dim, int64_t size, bool constant)
{
	Domain d = indices(c, size);
	bool far = !constant && !c->outside && !c->pool && chance(c, 10);
	if (!far)
		return (constant ? case_param : case_input)(c, index_type(c), rank, dim, d);
	d.low -= 5;
	d.high += 5;
	Node *n = case_input(c, DT_i64, rank, dim, d);
	const EvalTensor *e = &c->in[c->g->input.n - 1];
	for (int64_t i = 0; i < e->type->count; i++)
		c->outside = c->outside || e->i[i] < -size || e->i[i] >= size;
	return n;
}

static bool some_constant(Case *c)
{
	return !c->no_params && chance(c, 25);
}

void make_gather(Case *c, Op op)
{
	int64_t dim[MAX_RANK], at[MAX_RANK];
	int rank = (int)pick(c, 1, 4), axis = (int)pick(c, 0, rank - 1);
	int index_rank = (int)pick(c, 0, 3);
	some_dims(c, rank, 500, false, dim);
	some_dims(c, index_rank, 40, true, at);
	Node *in[2] = { case_operand(c, some_type(c), rank, dim, any) };
	in[1] = index_tensor(c, index_rank, at, dim[axis], some_constant(c));
	case_result(c, case_emit(c, op, in, 2, "axis=%d", chance(c, 30) ? axis - rank : axis));
}

void make_gather_elements(Case *c, Op op)
{
	int64_t dim[MAX_RANK], at[MAX_RANK];
	int rank = (int)pick(c, 1, 4), axis = (int)pick(c, 0, rank - 1);
	some_dims(c, rank, 1000, false, dim);
	for (int i = 0; i < rank; i++)
		at[i] = i == axis ? some_size(c) : pick(c, 1, dim[i]);
	Node *in[2] = { case_operand(c, some_type(c), rank, dim, any) };
	in[1] = index_tensor(c, rank, at, dim[axis], some_constant(c));
	case_result(c, case_emit(c, op, in, 2, "axis=%d", axis));
}

/* x, and tuples of `depth` indices into it; all its dimensions have one size, as one domain serves.
 */
static void nd_operands(Case *c, Node **in, int *rank, int *depth, int64_t *dim, int *lead,
			int64_t *at)
{
	int64_t size = some_size(c);
	*rank = (int)pick(c, 1, 3);
	*depth = (int)pick(c, 1, *rank);
	*lead = (int)pick(c, 0, 2);
	size = *rank == 3 && size > 15 ? 7 : size;
	for (int i = 0; i < *rank; i++)
		dim[i] = i < *depth ? size : some_size(c);
	some_dims(c, *lead, 30, true, at);
	at[*lead] = *depth;
	in[0] = case_operand(c, some_type(c), *rank, dim, any);
	in[1] = index_tensor(c, *lead + 1, at, size, some_constant(c));
}

void make_gather_nd(Case *c, Op op)
{
	Node *in[2];
	int rank, depth, lead;
	int64_t dim[MAX_RANK], at[MAX_RANK];
	nd_operands(c, in, &rank, &depth, dim, &lead, at);
	case_result(c, case_emit(c, op, in, 2, "%s", ""));
}

void make_scatter_nd(Case *c, Op op)
{
	Node *in[3];
	int rank, depth, lead;
	int64_t dim[MAX_RANK], at[2 * MAX_RANK];
	nd_operands(c, in, &rank, &depth, dim, &lead, at);
	bool adds = in[0]->type->dtype != DT_bool && chance(c, 50);
	memcpy(at + lead, dim + depth, sizeof *dim * (size_t)(rank - depth));
	in[2] = case_operand(c, in[0]->type->dtype, lead + rank - depth, at, any);
	case_result(c, case_emit(c, op, in, 3, "add=%d", adds));
}

void make_onehot(Case *c, Op op)
{
	int64_t dim[MAX_RANK], depth = some_size(c);
	int rank = (int)pick(c, 0, 3);
	some_dims(c, rank, 60, true, dim);
	Node *x = case_input(c, index_type(c), rank, dim, indices(c, depth));
	case_result(c, case_emit(c, op, &x, 1, "depth=%lld;axis=%lld;on=%g;off=%g",
				 (long long)depth, (long long)pick(c, -1, rank),
				 chance(c, 50) ? 1.0 : 2.5, chance(c, 50) ? 0.0 : -0.5));
}

void make_embedding(Case *c, Op op)
{
	int64_t dim[MAX_RANK], rows = some_size(c);
	int rank = (int)pick(c, 0, 3);
	some_dims(c, rank, 60, true, dim);
	Node *in[2] = { index_tensor(c, rank, dim, rows, false) };
	in[1] = case_operand(c, some_float(c), 2, DIMS(rows, some_size(c)), any);
	case_result(c, case_emit(c, op, in, 2, "%s", ""));
}

/* --- other spellings -------------------------------------------------------------------------- */

void make_shape(Case *c, Op op)
{
	int64_t dim[MAX_RANK];
	Node *x = tensor(c, (int)pick(c, 0, 5), true, dim);
	case_result(c, case_emit(c, op, &x, 1, "%s", ""));
}

void make_squeeze(Case *c, Op op)
{
	int64_t dim[MAX_RANK], axes[MAX_RANK];
	int rank = (int)pick(c, 1, 5), n = 0;
	some_dims(c, rank, 500, false, dim);
	for (int i = 0; i < rank; i++)
		if (chance(c, 40)) {
			dim[i] = 1;
			axes[n++] = chance(c, 30) ? i - rank : i;
		}
	Node *x = case_operand(c, some_type(c), rank, dim, any);
	case_result(c, case_emit(c, op, &x, 1, "axes=%s", chance(c, 30) ? "" : list(c, n, axes)));
}

void make_unsqueeze(Case *c, Op op)
{
	int64_t dim[MAX_RANK], axes[MAX_RANK];
	int rank = (int)pick(c, 0, 4), n = (int)pick(c, 1, 3);
	Node *x = tensor(c, rank, true, dim);
	shuffle(c, rank + n, axes);
	case_result(c, case_emit(c, op, &x, 1, "axes=%s", list(c, n, axes)));
}

void make_flatten(Case *c, Op op)
{
	int64_t dim[MAX_RANK];
	int rank = (int)pick(c, 1, 5);
	Node *x = tensor(c, rank, true, dim);
	case_result(c, case_emit(c, op, &x, 1, "axis=%lld", (long long)pick(c, -rank, rank)));
}

void make_expand(Case *c, Op op)
{
	int64_t dim[MAX_RANK], to[MAX_RANK];
	int rank = (int)pick(c, 1, 4), skip = (int)pick(c, 0, rank);
	some_dims(c, rank, MOST, false, dim);
	for (int i = 0; i < rank; i++)
		to[i] = chance(c, 40) ? 1 : dim[i];
	for (int i = 0; i < rank; i++)
		dim[i] = to[i] != 1 && chance(c, 40) ? 1 : dim[i];
	Node *x = case_operand(c, some_type(c), rank, dim, any);
	case_result(c, case_emit(c, op, &x, 1, "shape=%s", list(c, rank - skip, to + skip)));
}

void make_tile(Case *c, Op op)
{
	int64_t dim[MAX_RANK], times[MAX_RANK];
	int rank = (int)pick(c, 0, 4);
	some_dims(c, rank, 200, false, dim);
	for (int i = 0; i < rank; i++)
		times[i] = chance(c, 3) ? 0 : pick(c, 1, 3);
	Node *x = case_operand(c, some_type(c), rank, dim, any);
	case_result(c, case_emit(c, op, &x, 1, "repeats=%s", list(c, rank, times)));
}

static Node *split_of(Case *c)
{
	int64_t dim[MAX_RANK], sizes[4];
	int rank = (int)pick(c, 1, 4), axis = (int)pick(c, 0, rank - 1), n = (int)pick(c, 1, 4);
	some_dims(c, rank, 1000, false, dim);
	dim[axis] = 0;
	for (int i = 0; i < n; i++)
		dim[axis] += sizes[i] = pick(c, chance(c, 10) ? 0 : 1, 17);
	Node *x = case_operand(c, some_type(c), rank, dim, any);
	if (chance(c, 30) && n <= dim[axis])
		return case_emit(c, OP_split, &x, 1, "axis=%d;parts=%d", axis, n);
	return case_emit(c, OP_split, &x, 1, "axis=%d;sizes=%s", axis, list(c, n, sizes));
}

void make_split(Case *c, Op op)
{
	(void)op;
	case_result(c, split_of(c));
}

void make_get(Case *c, Op op)
{
	(void)op;
	Node *n = split_of(c);
	if (!is_poison(n))
		case_result(c, emit_get(c->b, n, (int)pick(c, 0, n->type->n_elem - 1)));
}

void make_strided_slice(Case *c, Op op)
{
	int64_t dim[MAX_RANK], starts[MAX_RANK], ends[MAX_RANK], steps[MAX_RANK], axes[MAX_RANK];
	int rank = (int)pick(c, 1, 4), n = (int)pick(c, 1, rank);
	Node *x = tensor(c, rank, false, dim);
	shuffle(c, rank, axes);
	for (int i = 0; i < n; i++) {
		int64_t d = dim[axes[i]], from = pick(c, 0, d / 2), to = pick(c, d / 2, d + 2);
		steps[i] = pick(c, 1, 3);
		starts[i] = chance(c, 30) ? from - d : from;
		ends[i] = to;
		if (chance(c, 30)) {
			starts[i] = to;
			ends[i] = from - d - 1;
			steps[i] = -steps[i];
		}
	}
	case_result(c, case_emit(c, op, &x, 1, "starts=%s;ends=%s;axes=%s;steps=%s",
				 list(c, n, starts), list(c, n, ends), list(c, n, axes),
				 list(c, n, steps)));
}

void make_padding(Case *c, Op op)
{
	static const char *const mode[] = { "constant", "reflect", "edge", "wrap" };
	int64_t dim[MAX_RANK], pads[2 * MAX_RANK];
	int rank = (int)pick(c, 1, 4), m = (int)pick(c, 0, 3);
	some_dims(c, rank, 500, false, dim);
	for (int i = 0; i < rank; i++) {
		bool none = chance(c, 40), crops = chance(c, 15);
		pads[i] = none ? 0 : pick(c, crops ? -(dim[i] - 1) / 2 : 0, 4);
		pads[i + rank] = none ? 0 : pick(c, crops ? -(dim[i] - 1) / 2 : 0, 4);
	}
	Node *x = case_operand(c, some_number(c), rank, dim, any);
	case_result(c, case_emit(c, op, &x, 1, "pads=%s;mode=%s;value=%g", list(c, 2 * rank, pads),
				 mode[m], (double)pick(c, 0, 3)));
}

void make_range(Case *c, Op op)
{
	static const DType type[] = { DT_i64, DT_i32, DT_f32, DT_f64, DT_i16 };
	DType t = type[pick(c, 0, 4)];
	double from = (double)pick(c, -20, 20), step = (double)pick(c, 1, 5),
	       n = (double)pick(c, 0, 40);
	if (dtype_is_float(t))
		step /= 4;
	if (chance(c, 30))
		step = -step;
	case_result(c, case_emit(c, op, NULL, 0, "start=%g;limit=%g;delta=%g;type=%s", from,
				 from + step * n, step, dtype_info[t].name));
}

void make_depth_to_space(Case *c, Op op)
{
	int64_t k = pick(c, 1, 3);
	Node *x = case_operand(
		c, some_type(c), 4,
		DIMS(pick(c, 1, 2), k * k * pick(c, 1, 5), pick(c, 1, 7), pick(c, 1, 9)), any);
	case_result(c, case_emit(c, op, &x, 1, "block=%lld;mode=%s", (long long)k,
				 chance(c, 50) ? "DCR" : "CRD"));
}

void make_space_to_depth(Case *c, Op op)
{
	int64_t k = pick(c, 1, 3);
	Node *x = case_operand(
		c, some_type(c), 4,
		DIMS(pick(c, 1, 2), pick(c, 1, 7), k * pick(c, 1, 5), k * pick(c, 1, 9)), any);
	case_result(c, case_emit(c, op, &x, 1, "block=%lld", (long long)k));
}

void make_trilu(Case *c, Op op)
{
	int64_t dim[MAX_RANK];
	Node *x = tensor(c, (int)pick(c, 2, 4), true, dim);
	case_result(c, case_emit(c, op, &x, 1, "k=%lld;upper=%s", (long long)pick(c, -4, 4),
				 chance(c, 50) ? "1" : "0"));
}
