/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Macro operators that move elements: other spellings of reshape, transpose, slice, broadcast,
 * gather. */
#include "ir/hooks.h"
#include "ir/ops/nn.h"
#include "ir/scalar.h"
#include <math.h>
#include <string.h>

/* Marks the named dimensions of a tensor of this rank; all of them distinct and inside. */
static bool mark_axes(Builder *b, const Node *n, Ints axes, int rank, bool marked[MAX_RANK])
{
	memset(marked, 0, MAX_RANK * sizeof *marked);
	for (int i = 0; i < axes.n; i++) {
		if (!check_axis(b, n->op, axes.v[i], rank))
			return false;
		int axis = axis_norm(axes.v[i], rank);
		if (marked[axis])
			return builder_error(b, E5013, "%s: axes names dimension %d twice",
					     op_info(n->op)->name, axis);
		marked[axis] = true;
	}
	return true;
}

/* --- other sizes for the same elements ------------------------------------------------------- */

bool expand_shape(Builder *b, const Node *n, Node **out)
{
	const Type *x = n->in[0]->type;
	return expand_done(b, out, emit_indices(b, x->rank, x->dim));
}

bool expand_squeeze(Builder *b, const Node *n, Node **out)
{
	Ints axes = ATTR_OF(n, axes)->axes;
	const Type *x = n->in[0]->type;
	bool drop[MAX_RANK];
	int64_t dim[MAX_RANK];
	int rank = 0;
	if (!mark_axes(b, n, axes, x->rank, drop))
		return false;
	for (int i = 0; i < x->rank; i++) {
		if (drop[i] && x->dim[i] != 1)
			return builder_error(b, E5011, "squeeze: dimension %d of %s is not 1", i,
					     type_text(b, x));
		if (axes.n ? !drop[i] : x->dim[i] != 1)
			dim[rank++] = x->dim[i];
	}
	return expand_done(b, out, emit_reshape(b, n->in[0], rank, dim));
}

bool expand_unsqueeze(Builder *b, const Node *n, Node **out)
{
	Ints axes = ATTR_OF(n, axes)->axes;
	const Type *x = n->in[0]->type;
	bool fresh[MAX_RANK];
	int64_t dim[MAX_RANK];
	int rank = x->rank + axes.n, from = 0;
	if (rank > MAX_RANK)
		return builder_error(b, E5014,
				     "unsqueeze: the result has %d dimensions, %d are the "
				     "limit",
				     rank, MAX_RANK);
	if (!mark_axes(b, n, axes, rank, fresh))
		return false;
	for (int i = 0; i < rank; i++)
		dim[i] = fresh[i] ? 1 : x->dim[from++];
	return expand_done(b, out, emit_reshape(b, n->in[0], rank, dim));
}

bool expand_flatten(Builder *b, const Node *n, Node **out)
{
	const Type *x = n->in[0]->type;
	int64_t axis = ATTR_OF(n, flatten)->axis;
	if (axis != x->rank && !check_axis(b, n->op, axis, x->rank))
		return false;
	int cut = axis_norm(axis, x->rank);
	int64_t dim[2] = { dims_product(x, 0, cut), dims_product(x, cut, x->rank) };
	return expand_done(b, out, emit_reshape(b, n->in[0], 2, dim));
}

bool expand_depth_to_space(Builder *b, const Node *n, Node **out)
{
	static const char *const names[] = { "DCR", "CRD" };
	const Attr_depth *a = ATTR_OF(n, depth);
	const int64_t *d = n->in[0]->type->dim, k = a->block;
	if (!check_rank(b, n->op, 0, n->in, 4) || !check_name(b, n, "mode", a->mode, 2, names))
		return false;
	if (d[1] % (k * k))
		return builder_error(b, E5013,
				     "depth_to_space: %lld channels make no blocks of "
				     "%lld by %lld",
				     (long long)d[1], (long long)k, (long long)k);
	int64_t c = d[1] / (k * k);
	bool blocks_first = str_eq(a->mode, "DCR");
	Node *y = blocks_first
			  ? emit_reshape(b, n->in[0], 6, (int64_t[]){ d[0], k, k, c, d[2], d[3] })
			  : emit_reshape(b, n->in[0], 6, (int64_t[]){ d[0], c, k, k, d[2], d[3] });
	y = emit_transpose(
		b, y, blocks_first ? (int[]){ 0, 3, 4, 1, 5, 2 } : (int[]){ 0, 1, 4, 2, 5, 3 });
	return expand_done(b, out,
			   emit_reshape(b, y, 4, (int64_t[]){ d[0], c, d[2] * k, d[3] * k }));
}

bool expand_space_to_depth(Builder *b, const Node *n, Node **out)
{
	const int64_t *d = n->in[0]->type->dim, k = ATTR_OF(n, spaceblock)->block;
	if (!check_rank(b, n->op, 0, n->in, 4))
		return false;
	if (d[2] % k || d[3] % k)
		return builder_error(b, E5013,
				     "space_to_depth: %s is not made of blocks of %lld by "
				     "%lld",
				     type_text(b, n->in[0]->type), (long long)k, (long long)k);
	int64_t h = d[2] / k, w = d[3] / k;
	Node *y = emit_reshape(b, n->in[0], 6, (int64_t[]){ d[0], d[1], h, k, w, k });
	y = emit_transpose(b, y, (int[]){ 0, 3, 5, 1, 2, 4 });
	return expand_done(b, out, emit_reshape(b, y, 4, (int64_t[]){ d[0], d[1] * k * k, h, w }));
}

/* --- repeating ------------------------------------------------------------------------------- */

bool expand_expand(Builder *b, const Node *n, Node **out)
{
	Ints shape = ATTR_OF(n, shape)->shape;
	const Type *x = n->in[0]->type;
	int64_t dim[MAX_RANK];
	if (!check_ints(b, n->op, "shape", shape, shape.n, 0, MAX_ELEMENTS))
		return false;
	const Type *t = result_type(b, n->op, x->dtype, shape.n, shape.v);
	if (!t)
		return false;
	int rank = broadcast_shape(x, t, dim);
	if (rank < 0)
		return builder_error(b, E5011, "expand: %s does not repeat to %s", type_text(b, x),
				     type_text(b, t));
	return expand_done(b, out, emit_broadcast(b, n->in[0], rank, dim));
}

/* One dimension after the other: [before, 1, rest] is repeated to [before, times, rest]. */
static Node *tile_axis(Builder *b, Node *x, int axis, int64_t times)
{
	const Type *t = x->type;
	int64_t dim[MAX_RANK], before = dims_product(t, 0, axis);
	int64_t rest = dims_product(t, axis, t->rank);
	memcpy(dim, t->dim, sizeof dim);
	if (t->count && times > MAX_ELEMENTS / t->count) {
		builder_error(b, E5014, "tile: the result is too large");
		return x;
	}
	dim[axis] *= times;
	Node *y = emit_reshape(b, x, 3, (int64_t[]){ before, 1, rest });
	y = emit_broadcast(b, y, 3, (int64_t[]){ before, times, rest });
	return emit_reshape(b, y, t->rank, dim);
}

bool expand_tile(Builder *b, const Node *n, Node **out)
{
	Ints times = ATTR_OF(n, repeats)->repeats;
	Node *x = n->in[0];
	int rank = x->type->rank;
	if (!check_ints(b, n->op, "repeats", times, rank, 0, MAX_ELEMENTS))
		return false;
	for (int i = 0; i < rank && !b->failed; i++)
		if (times.v[i] != 1)
			x = tile_axis(b, x, i, times.v[i]);
	return expand_done(b, out, x);
}

/* --- parts ----------------------------------------------------------------------------------- */

/* Sizes of the parts, stated or equal; the last of equal ones may be smaller. */
static int split_sizes(Builder *b, const Attr_split *a, int64_t size, int64_t *part)
{
	int n = a->sizes.n;
	int64_t sum = 0;
	if (n == 0 && (a->parts < 1 || a->parts >= MAX_RESULTS)) {
		builder_error(b, E5013, "split: neither sizes nor the number of parts is given");
		diag_hint(b->diag, "sizes=\"2,3\" or parts=\"2\"");
		return 0;
	}
	if (n >= MAX_RESULTS) {
		builder_error(b, E5014, "split: %d parts are more than %d", n, MAX_RESULTS - 1);
		return 0;
	}
	int64_t chunk = n ? 0 : (size + a->parts - 1) / a->parts;
	for (int i = 0; i < (n ? n : a->parts); i++) {
		part[i] = n ? a->sizes.v[i] : (size - sum < chunk ? size - sum : chunk);
		if (part[i] < 0 || part[i] > size - sum)
			sum = size + 1; /* reported below */
		if (sum <= size)
			sum += part[i];
	}
	if (sum == size)
		return n ? n : (int)a->parts;
	builder_error(b, E5013, "split: the sizes do not add up to %lld", (long long)size);
	return 0;
}

bool expand_split(Builder *b, const Node *n, Node **out)
{
	const Attr_split *a = ATTR_OF(n, split);
	const Type *x = n->in[0]->type;
	int64_t part[MAX_RESULTS], begin = 0;
	if (!check_axis(b, n->op, a->axis, x->rank))
		return false;
	int axis = axis_norm(a->axis, x->rank);
	int count = split_sizes(b, a, x->dim[axis], part);
	for (int i = 0; i < count; begin += part[i++])
		out[i] = emit_slice_axis(b, n->in[0], axis, begin, part[i]);
	return !b->failed;
}

/* Python's rules: negative counts from the end, what lies outside is cut. */
static void slice_dim(int64_t size, int64_t start, int64_t end, int64_t step, int64_t *begin,
		      int64_t *count, int64_t *by)
{
	int64_t low = step > 0 ? 0 : -1, high = step > 0 ? size : size - 1;
	start += start < 0 ? size : 0;
	end += end < 0 ? size : 0;
	start = start < low ? low : start > high ? high : start;
	end = end < low ? low : end > high ? high : end;
	int64_t span = step > 0 ? end - start : start - end;
	uint64_t width = step > 0 ? (uint64_t)step : 0 - (uint64_t)step;
	*count = span > 0 ? (int64_t)(((uint64_t)span - 1) / width) + 1 : 0;
	*begin = *count ? start : 0;
	*by = *count > 1 ? step : 1;
}

bool expand_strided_slice(Builder *b, const Node *n, Node **out)
{
	const Attr_slices *a = ATTR_OF(n, slices);
	const Type *x = n->in[0]->type;
	int64_t begin[MAX_RANK] = { 0 }, count[MAX_RANK], step[MAX_RANK];
	bool marked[MAX_RANK];
	if (a->starts.n > x->rank || a->ends.n != a->starts.n ||
	    (a->axes.n && a->axes.n != a->starts.n) || (a->steps.n && a->steps.n != a->starts.n))
		return builder_error(b, E5013,
				     "strided_slice: starts, ends, axes and steps need one entry "
				     "for each dimension meant, of %d",
				     x->rank);
	if (!mark_axes(b, n, a->axes, x->rank, marked))
		return false;
	for (int i = 0; i < x->rank; i++)
		count[i] = x->dim[i], step[i] = 1;
	for (int i = 0; i < a->starts.n; i++) {
		int d = a->axes.n ? axis_norm(a->axes.v[i], x->rank) : i;
		int64_t by = a->steps.n ? a->steps.v[i] : 1;
		if (by == 0)
			return builder_error(b, E5013, "strided_slice: step %d is 0", i);
		slice_dim(x->dim[d], a->starts.v[i], a->ends.v[i], by, &begin[d], &count[d],
			  &step[d]);
	}
	return expand_done(b, out, emit_slice(b, n->in[0], begin, count, step));
}

/* --- triangles, counting --------------------------------------------------------------------- */

bool expand_trilu(Builder *b, const Node *n, Node **out)
{
	const Attr_trilu *a = ATTR_OF(n, trilu);
	const Type *x = n->in[0]->type;
	if (!check_min_rank(b, n, 0, 2))
		return false;
	int64_t dim[2] = { x->dim[x->rank - 2], x->dim[x->rank - 1] };
	Node *row = emit_iota(b, DT_i64, 2, dim, 0), *column = emit_iota(b, DT_i64, 2, dim, 1);
	Node *diagonal = emit2(b, OP_sub, column, row);
	Node *k = emit_broadcast(b, emit_scalar_i64(b, DT_i64, a->k), 2, dim);
	Node *keep = emit2(b, a->upper ? OP_ge : OP_le, diagonal, k);
	keep = emit_broadcast(b, keep, x->rank, x->dim);
	return expand_done(b, out, emit3(b, OP_select, keep, n->in[0], emit_full(b, x, 0)));
}

bool expand_onehot(Builder *b, const Node *n, Node **out)
{
	const Attr_onehot *a = ATTR_OF(n, onehot);
	const Type *x = n->in[0]->type;
	int64_t dim[MAX_RANK + 1] = { 0 }, fresh[MAX_RANK + 1];
	int rank = x->rank + 1, from = 0;
	if (!check_index_dtype(b, n->op, 0, n->in) || !check_axis(b, n->op, a->axis, rank) ||
	    !check_num(b, n->op, "on", a->on, a->type) ||
	    !check_num(b, n->op, "off", a->off, a->type))
		return false;
	int axis = axis_norm(a->axis, rank);
	for (int i = 0; i < rank; i++) {
		dim[i] = i == axis ? a->depth : x->dim[from++];
		fresh[i] = i == axis ? 1 : dim[i];
	}
	const Type *t = result_type(b, n->op, a->type, rank, dim);
	if (!t)
		return false;
	Node *index = emit_cast(b, n->in[0], DT_i64);
	Node *negative = emit_c2(b, OP_lt, index, 0);
	Node *wrapped = emit_c2(b, OP_add, index, (double)a->depth);
	index = emit3(b, OP_select, negative, wrapped, index);
	index = emit_broadcast(b, emit_reshape(b, index, rank, fresh), rank, dim);
	Node *hit = emit2(b, OP_eq, index, emit_iota(b, DT_i64, rank, dim, axis));
	return expand_done(b, out,
			   emit3(b, OP_select, hit, emit_num(b, t, a->on), emit_num(b, t, a->off)));
}

static const char *num_text(Builder *b, Num v)
{
	Str s;
	str_init(&s, b->graph->arena);
	num_print(&s, v);
	return str_text(&s);
}

static Num rounded_to(DType t, Num v)
{
	uint64_t room = 0;
	num_store(t, &room, 0, v);
	return num_load(t, &room, 0);
}

/* How many numbers there are from start on before limit; -1: no end, or too many. */
static int64_t count_whole(int64_t start, int64_t limit, int64_t delta)
{
	if (delta == 0)
		return -1;
	if (delta > 0 ? limit <= start : limit >= start)
		return 0;
	uint64_t span =
		delta > 0 ? (uint64_t)limit - (uint64_t)start : (uint64_t)start - (uint64_t)limit;
	uint64_t step = delta > 0 ? (uint64_t)delta : 0 - (uint64_t)delta;
	uint64_t count = (span - 1) / step + 1;
	return count < (uint64_t)MAX_ELEMENTS ? (int64_t)count : -1;
}

/* As ONNX Runtime counts: the difference is a number of the type, the quotient is not rounded to
 * it. */
static int64_t count_reals(DType t, double start, double limit, double delta)
{
	double span = float_round(t, limit - start) / delta;
	if (!(delta != 0) || !(span < (double)MAX_ELEMENTS))
		return -1;
	return span > 0 ? (int64_t)ceil(span) : 0;
}

/* Between start and limit, so whatever overflows on the way there comes back. */
static Num last_whole(int64_t start, int64_t delta, int64_t count)
{
	uint64_t steps = count > 0 ? (uint64_t)count - 1 : 0;
	return num_of_i64((int64_t)((uint64_t)start + steps * (uint64_t)delta));
}

/* Numbers of the type: 0.1 as f32 is the f32 next to it, and an integer type takes integers. */
bool expand_range(Builder *b, const Node *n, Node **out)
{
	const Attr_range *a = ATTR_OF(n, range);
	Num start = a->start, limit = a->limit, delta = a->delta;
	DType t = a->type;
	int64_t count = -1;
	if (t == DT_bool)
		return builder_error(b, E5012, "range: it counts, and bool is not a number");
	if (dtype_is_float(t)) {
		start = rounded_to(t, start), delta = rounded_to(t, delta);
		count = count_reals(t, start.f, rounded_to(t, limit).f, delta.f);
	} else {
		if (num_is_of(DT_i64, limit) && num_is_of(DT_i64, delta))
			count = count_whole(start.i, limit.i, delta.i);
		Num last = last_whole(start.i, delta.i, count);
		if (!check_num(b, n->op, "start", start, t) ||
		    !check_num(b, n->op, "limit", limit, DT_i64) ||
		    !check_num(b, n->op, "delta", delta, DT_i64) ||
		    !check_num(b, n->op, "the last number", last, t))
			return false;
	}
	if (count < 0)
		return builder_error(b, E5013, "range: %s to %s by %s has no end",
				     num_text(b, start), num_text(b, limit), num_text(b, delta));
	/* u8 can count down, too, though it has no step for it */
	DType work = num_is_of(t, delta) ? t : DT_i64;
	Node *y = emit_iota(b, work, 1, &count, 0);
	if (delta.f != 1)
		y = emit_num2(b, OP_mul, y, delta);
	if (start.f != 0)
		y = emit_num2(b, OP_add, y, start);
	return expand_done(b, out, work == t ? y : emit_cast(b, y, t));
}
