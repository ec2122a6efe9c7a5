/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Pooling layers over [N,C,H,W] or [N,C,L]. The mean is a sum of the window over a divisor: one
 * number when every window counts as many elements, else a constant with one count for each place.
 */
#include "ir/hooks.h"
#include "ir/ops/nn.h"

static bool read_pool(Builder *b, const Node *n, Plane *p)
{
	const Attr_pool2d *a = ATTR_OF(n, pool2d);
	return plane_read(b, n, p, a->stride.n ? a->stride : a->kernel, a->dilation) &&
	       plane_pair(b, n, "kernel", a->kernel, p->line, 1, p->kernel) &&
	       plane_pad(b, n, p, a->pad);
}

static int64_t places(const Plane *p, int d)
{
	int64_t room = p->size[d] + p->pad[d] + p->pad[d + 2] - plane_extent(p, d);
	return room < 0 ? 0 : room / p->stride[d] + 1;
}

/* One more window where the last is not complete, unless it would begin in the padding at the end;
 * more padding makes it fit. */
static void round_up(Plane *p)
{
	for (int d = 0; d < 2; d++) {
		int64_t room = p->size[d] + p->pad[d] + p->pad[d + 2] - plane_extent(p, d);
		if (room < 0 || room % p->stride[d] == 0)
			continue;
		int64_t begin = (room / p->stride[d] + 1) * p->stride[d];
		if (begin < p->size[d] + p->pad[d])
			p->pad[d + 2] = begin + plane_extent(p, d) - p->size[d] - p->pad[d];
	}
}

bool expand_maxpool2d(Builder *b, const Node *n, Node **out)
{
	Plane p;
	if (!read_pool(b, n, &p))
		return false;
	if (ATTR_OF(n, pool2d)->ceil)
		round_up(&p);
	Node *y = emit_window(b, OP_window_max, plane_enter(b, n->in[0], &p), &p);
	return expand_done(b, out, plane_leave(b, y, &p));
}

/* --- mean ------------------------------------------------------------------------------------ */

/* How many elements of the input, and of the stated padding when that counts, each window has along
 * one dimension. */
static double *count_taps(Builder *b, const Plane *p, int d, int64_t low, int64_t high)
{
	int64_t n = places(p, d);
	double *count = ARENA_ARRAY(b->graph->arena, double, n + 1);
	for (int64_t o = 0; o < n; o++)
		for (int64_t k = 0; k < p->kernel[d]; k++) {
			int64_t at = o * p->stride[d] + k * p->dilation[d] - p->pad[d];
			count[o] += at >= low && at < high;
		}
	return count;
}

static Node *divide_by_counts(Builder *b, Node *sum, const double *rows, const double *columns)
{
	const Type *t = sum->type;
	int64_t n = t->dim[2] * t->dim[3];
	bool equal = true;
	double *both = ARENA_ARRAY(b->graph->arena, double, n + 1);
	for (int64_t i = 0; i < n; i++) {
		both[i] = rows[i / t->dim[3]] * columns[i % t->dim[3]];
		equal = equal && both[i] == both[0];
	}
	if (equal)
		return emit_c2(b, OP_div, sum, both[0]);
	Node *counts = emit_nums(b, t->dtype, 4, (int64_t[]){ 1, 1, t->dim[2], t->dim[3] }, both);
	return emit_b2(b, OP_div, sum, counts);
}

bool expand_avgpool2d(Builder *b, const Node *n, Node **out)
{
	const Attr_pool2d *a = ATTR_OF(n, pool2d);
	Plane p;
	double *count[2];
	if (!check_float_dtype(b, n->op, 0, n->in) || !read_pool(b, n, &p))
		return false;
	Plane stated = p;
	if (a->ceil)
		round_up(&p);
	Node *sum = emit_window(b, OP_window_sum, plane_enter(b, n->in[0], &p), &p);
	if (b->failed)
		return false;
	for (int d = 0; d < 2; d++)
		count[d] = count_taps(b, &p, d, a->count_pad ? -stated.pad[d] : 0,
				      p.size[d] + (a->count_pad ? stated.pad[d + 2] : 0));
	Node *y = divide_by_counts(b, sum, count[0], count[1]);
	return expand_done(b, out, plane_leave(b, y, &p));
}

/* --- over everything ------------------------------------------------------------------------- */

static bool spatial_axes(Builder *b, const Node *n, int *count, int64_t axes[MAX_RANK])
{
	if (!check_min_rank(b, n, 0, 3))
		return false;
	*count = 0;
	for (int i = 2; i < n->in[0]->type->rank; i++)
		axes[(*count)++] = i;
	return true;
}

bool expand_global_avgpool(Builder *b, const Node *n, Node **out)
{
	int count;
	int64_t axes[MAX_RANK];
	if (!check_float_dtype(b, n->op, 0, n->in) || !spatial_axes(b, n, &count, axes))
		return false;
	return expand_done(b, out, emit_mean(b, n->in[0], count, axes, true));
}

bool expand_global_maxpool(Builder *b, const Node *n, Node **out)
{
	int count;
	int64_t axes[MAX_RANK];
	if (!spatial_axes(b, n, &count, axes))
		return false;
	return expand_done(b, out, emit_reduce(b, OP_reduce_max, n->in[0], count, axes, true));
}
