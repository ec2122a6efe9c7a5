/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Reductions, windows, orders, and the normalisations made of them. */
#include "tests/conform/generate.h"

enum { MOST = 3000 };

static bool float_only(Op op)
{
	return op == OP_reduce_l2 || op == OP_reduce_logsumexp;
}

void make_reduce(Case *c, Op op)
{
	int64_t dim[MAX_RANK], axes[MAX_RANK];
	int rank = (int)pick(c, 0, 4), n = 0;
	DType t = float_only(op) ? some_float(c) : some_number(c);
	some_dims(c, rank, op == OP_reduce_prod ? 200 : MOST, true, dim);
	int form = (int)pick(c, 0, 4); /* all, the last ones, the first ones, any */
	for (int i = 0; i < rank; i++) {
		bool in = form == 1 ? i >= rank - 1 - rank / 3 : form == 2 ? i == 0 : chance(c, 50);
		if (form && in)
			axes[n++] = chance(c, 20) ? i - rank : i;
	}
	Domain d = op == OP_reduce_prod && dtype_is_float(t) && c->values == VALUES_NORMAL
			   ? between(0.5, 1.6)
			   : any;
	Node *x = case_operand(c, t, rank, dim, d);
	case_result(c, case_emit(c, op, &x, 1, "axes=%s;keepdims=%d", list(c, n, axes),
				 (int)pick(c, 0, 1)));
}

void make_arg(Case *c, Op op)
{
	int64_t dim[MAX_RANK];
	int rank = (int)pick(c, 1, 4);
	some_dims(c, rank, MOST, false, dim);
	Node *x = case_operand(c, some_number(c), rank, dim, any);
	case_result(c, case_emit(c, op, &x, 1, "axis=%lld", (long long)pick(c, -rank, rank - 1)));
}

void make_cumsum(Case *c, Op op)
{
	int64_t dim[MAX_RANK];
	int rank = (int)pick(c, 1, 3);
	some_dims(c, rank, 1000, true, dim);
	Node *x = case_operand(c, some_number(c), rank, dim, any);
	case_result(c, case_emit(c, op, &x, 1, "axis=%lld;exclusive=%d;reverse=%d",
				 (long long)pick(c, -rank, rank - 1), (int)pick(c, 0, 1),
				 (int)pick(c, 0, 1)));
}

void make_topk(Case *c, Op op)
{
	int64_t dim[MAX_RANK];
	int rank = (int)pick(c, 1, 3), axis = (int)pick(c, 0, rank - 1);
	some_dims(c, rank, 500, false, dim);
	Node *x = case_operand(c, some_number(c), rank, dim, any);
	case_result(c, case_emit(c, op, &x, 1, "k=%lld;axis=%d;largest=%d",
				 (long long)pick(c, chance(c, 5) ? 0 : 1, dim[axis]),
				 chance(c, 30) ? axis - rank : axis, (int)pick(c, 0, 1)));
}

void make_softmax(Case *c, Op op)
{
	int64_t dim[MAX_RANK];
	int rank = (int)pick(c, 1, 4);
	some_dims(c, rank, MOST, true, dim);
	Node *x = case_operand(c, some_float(c), rank, dim, any);
	case_result(c, case_emit(c, op, &x, 1, "axis=%lld", (long long)pick(c, -rank, rank - 1)));
}

/* Some targets do not count: those of the last class, or none of the classes. */
void make_cross_entropy(Case *c, Op op)
{
	int64_t dim[MAX_RANK], target[MAX_RANK];
	int rank = (int)pick(c, 1, 4), axis = (int)pick(c, 0, rank - 1), n = 0;
	some_dims(c, rank, MOST, false, dim);
	for (int i = 0; i < rank; i++)
		if (i != axis)
			target[n++] = dim[i];
	bool ignores = chance(c, 40);
	Node *in[2] = { case_operand(c, some_float(c), rank, dim, any) };
	in[1] = case_input(c, chance(c, 70) ? DT_i64 : DT_i32, n, target,
			   (Domain){ .given = true, .whole = true, .high = (double)dim[axis] - 1 });
	case_result(c, case_emit(c, op, in, 2, "axis=%d;ignore_index=%lld;label_smoothing=%g",
				 chance(c, 30) ? axis - rank : axis,
				 ignores ? (long long)dim[axis] - 1 : -100,
				 chance(c, 50) ? 0 : 0.125));
}

void make_mse(Case *c, Op op)
{
	int64_t dim[MAX_RANK];
	int rank = (int)pick(c, 0, 4);
	DType t = some_float(c);
	some_dims(c, rank, MOST, false, dim);
	Node *in[2] = { case_operand(c, t, rank, dim, any), case_operand(c, t, rank, dim, any) };
	case_result(c, case_emit(c, op, in, 2, "%s", ""));
}

/* --- windows ---------------------------------------------------------------------------------- */

void make_window(Case *c, Op op)
{
	bool last = chance(c, 50), max = op == OP_window_max;
	int64_t kernel[2], stride[2], dilation[2], pad[4], size[2];
	int64_t n = pick(c, 1, 2), channels = some_size(c);
	for (int d = 0; d < 2; d++) {
		kernel[d] = pick(c, 1, 4);
		stride[d] = pick(c, 1, 5);
		dilation[d] = chance(c, 70) ? 1 : pick(c, 1, 3);
		int64_t extent = (kernel[d] - 1) * dilation[d] + 1;
		pad[d] = pick(c, 0, max ? extent - 1 : 3);
		pad[d + 2] = pick(c, 0, max ? extent - 1 : 3);
		size[d] = pick(c, 1, 14);
		if (size[d] + pad[d] + pad[d + 2] < extent)
			size[d] = extent;
	}
	DType t = chance(c, 80) ? some_float(c) : DT_i32;
	Node *x = last ? case_operand(c, t, 4, DIMS(n, size[0], size[1], channels), any)
		       : case_operand(c, t, 4, DIMS(n, channels, size[0], size[1]), any);
	case_result(c, case_emit(c, op, &x, 1,
				 "kernel=%s;stride=%s;pad=%s;dilation=%s;channels_last=%d",
				 list(c, 2, kernel), list(c, 2, stride), list(c, 4, pad),
				 list(c, 2, dilation), last));
}

void make_pool(Case *c, Op op)
{
	bool line = chance(c, 20);
	int n = line ? 1 : 2;
	int64_t kernel[2], stride[2], dim[4] = { pick(c, 1, 2), some_size(c) }, pad[4];
	for (int d = 0; d < n; d++) {
		kernel[d] = pick(c, 1, 4);
		stride[d] = pick(c, 1, 4);
		pad[d] = pick(c, 0, kernel[d] - 1);
		pad[d + n] = pick(c, 0, kernel[d] - 1);
		dim[d + 2] = pick(c, 4, 14);
	}
	const char *pads = chance(c, 25) ? "same" : chance(c, 25) ? "valid" : list(c, 2 * n, pad);
	Node *x = case_operand(c, some_float(c), n + 2, dim, any);
	case_result(c, case_emit(c, op, &x, 1, "kernel=%s;stride=%s;pad=%s;ceil=%d;count_pad=%d",
				 list(c, n, kernel), list(c, n, stride), pads, (int)pick(c, 0, 1),
				 (int)pick(c, 0, 1)));
}

void make_global_pool(Case *c, Op op)
{
	int64_t dim[MAX_RANK];
	int rank = (int)pick(c, 3, 5);
	some_dims(c, rank, MOST, false, dim);
	Node *x = case_operand(c, some_float(c), rank, dim, any);
	case_result(c, case_emit(c, op, &x, 1, "%s", ""));
}

/* --- normalisations --------------------------------------------------------------------------- */

void make_batchnorm(Case *c, Op op)
{
	int64_t dim[MAX_RANK];
	int rank = (int)pick(c, 2, 4);
	DType t = some_float(c);
	int n = op_info(op)->max_in;
	some_dims(c, rank, MOST, op == OP_batchnorm, dim);
	Node *in[5] = { case_operand(c, t, rank, dim, any) };
	for (int i = 1; i < n; i++)
		in[i] = case_operand(c, t, 1, &dim[1], i == 4 ? between(0.1, 3) : any);
	case_result(c, case_emit(c, op, in, n, "eps=%g", chance(c, 50) ? 1e-5 : 1e-2));
}

void make_norm(Case *c, Op op)
{
	int64_t dim[MAX_RANK];
	int rank = (int)pick(c, 1, 4), axis = (int)pick(c, 0, rank - 1), n = 1;
	DType t = some_float(c);
	some_dims(c, rank, MOST, false, dim);
	Node *in[3] = { case_operand(c, t, rank, dim, any) };
	int most = op == OP_rmsnorm ? 2 : 3;
	while (n < most && chance(c, 80)) {
		in[n] = case_operand(c, t, rank - axis, dim + axis, any);
		n++;
	}
	case_result(c, case_emit(c, op, in, n, "axis=%d;eps=%g;affine=%d;bias=%d",
				 chance(c, 30) ? axis - rank : axis, chance(c, 50) ? 1e-5 : 1e-1,
				 n > 1, n > 2));
}

void make_groupnorm(Case *c, Op op)
{
	int64_t dim[MAX_RANK], groups = pick(c, 1, 4);
	int rank = (int)pick(c, 2, 4), n = 1;
	DType t = some_float(c);
	some_dims(c, rank, 500, false, dim);
	dim[1] = groups * pick(c, 1, 8);
	Node *in[3] = { case_operand(c, t, rank, dim, any) };
	while (n < 3 && chance(c, 80))
		in[n++] = case_operand(c, t, 1, &dim[1], any);
	case_result(c, case_emit(c, op, in, n, "groups=%lld;eps=%g;affine=%d",
				 (long long)(chance(c, 20) ? 0 : groups),
				 chance(c, 50) ? 1e-5 : 1e-1, n > 1));
}

void make_lrn(Case *c, Op op)
{
	int64_t dim[MAX_RANK];
	int rank = (int)pick(c, 2, 4);
	some_dims(c, rank, 1000, false, dim);
	Node *x = case_operand(c, some_float(c), rank, dim, any);
	case_result(c, case_emit(c, op, &x, 1, "size=%lld;alpha=%g;beta=%g;bias=%g",
				 (long long)pick(c, 1, 6), chance(c, 50) ? 1e-4 : 0.5,
				 chance(c, 50) ? 0.75 : 0.5, chance(c, 50) ? 1.0 : 2.0));
}
