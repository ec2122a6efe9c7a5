/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Long sums of 16-bit floats: every operator that adds up many elements, or is made of such, over
 * some 4,000 terms of f16 and bf16, by itself and between elementwise operators, under --fp contract
 * and strict, with all passes and without. Each result must be what docs/numbers.md promises: that
 * of f32, rounded once; under strict the same bits either way.
 *
 *   conform_narrow [ROW]      the row by its number */
#include "tests/conform/conform.h"
#include <stdio.h>
#include <stdlib.h>

enum { OPERANDS = 4 };

typedef struct Row {
	Op op;
	const char *attributes;
	Domain domain; /* of all operands */
	int n;
	struct {
		int rank;
		int64_t dim[4];
	} in[OPERANDS];
} Row;

#define ONES \
	{ \
		.given = true, .low = 1, .high = 1 \
	}
#define ABOUT_ONE \
	{ \
		.given = true, .low = 0.5, .high = 1.5 \
	}
#define FAR_FROM_ZERO \
	{ \
		.given = true, .low = 280, .high = 320 \
	}

static const Row rows[] = {
	{ OP_reduce_sum, "axes=1", ONES, 1, { { 2, { 3, 4096 } } } },
	{ OP_reduce_sum, "axes=0", ABOUT_ONE, 1, { { 2, { 4097, 5 } } } },
	{ OP_reduce_sum, "axes=0,1", ABOUT_ONE, 1, { { 3, { 64, 65, 3 } } } },
	{ OP_reduce_prod,
	  "axes=1",
	  { .given = true, .low = 0.99, .high = 1.01 },
	  1,
	  { { 2, { 2, 4096 } } } },
	{ OP_reduce_mean, "axes=1", FAR_FROM_ZERO, 1, { { 2, { 2, 4096 } } } },
	{ OP_reduce_mean, "axes=0", FAR_FROM_ZERO, 1, { { 2, { 4096, 2 } } } },
	{ OP_reduce_l1, "axes=1", ABOUT_ONE, 1, { { 2, { 2, 4096 } } } },
	{ OP_reduce_l2, "axes=1", FAR_FROM_ZERO, 1, { { 2, { 2, 4096 } } } },
	{ OP_reduce_sumsq, "axes=1", ABOUT_ONE, 1, { { 2, { 2, 4096 } } } },
	{ OP_reduce_logsumexp, "axes=1", ABOUT_ONE, 1, { { 2, { 2, 4096 } } } },
	{ OP_cumsum, "axis=0", ONES, 1, { { 1, { 4200 } } } },
	{ OP_cumsum, "axis=1", ABOUT_ONE, 1, { { 2, { 2, 4200 } } } },
	{ OP_window_sum,
	  "kernel=65,65;stride=1,1;pad=0,0,0,0;dilation=1,1",
	  ABOUT_ONE,
	  1,
	  { { 4, { 1, 2, 65, 66 } } } },
	{ OP_avgpool2d, "kernel=80", ONES, 1, { { 4, { 1, 1, 80, 80 } } } },
	{ OP_avgpool2d, "kernel=80", FAR_FROM_ZERO, 1, { { 4, { 1, 2, 80, 80 } } } },
	{ OP_global_avgpool, "", FAR_FROM_ZERO, 1, { { 4, { 1, 3, 64, 64 } } } },
	{ OP_softmax, "axis=1", ABOUT_ONE, 1, { { 2, { 2, 4096 } } } },
	{ OP_log_softmax, "axis=0", ABOUT_ONE, 1, { { 2, { 4096, 2 } } } },
	{ OP_layernorm, "affine=0;bias=0", FAR_FROM_ZERO, 1, { { 2, { 2, 4096 } } } },
	{ OP_rmsnorm, "affine=0", FAR_FROM_ZERO, 1, { { 2, { 2, 4096 } } } },
	{ OP_groupnorm, "groups=2;affine=0", FAR_FROM_ZERO, 1, { { 3, { 1, 4, 2048 } } } },
	{ OP_lrn, "size=4095;alpha=1", ABOUT_ONE, 1, { { 2, { 1, 4096 } } } },
	{ OP_batchnorm_train,
	  "",
	  FAR_FROM_ZERO,
	  3,
	  { { 3, { 64, 2, 64 } }, { 1, { 2 } }, { 1, { 2 } } } },
	{ OP_matmul, "", ONES, 2, { { 2, { 1, 4096 } }, { 2, { 4096, 2 } } } },
	{ OP_matmul, "trans_w=1", ABOUT_ONE, 2, { { 2, { 5, 4096 } }, { 2, { 17, 4096 } } } },
	{ OP_product, "", ABOUT_ONE, 2, { { 3, { 2, 3, 4096 } }, { 3, { 2, 4096, 5 } } } },
	{ OP_linear,
	  "bias=1",
	  ABOUT_ONE,
	  3,
	  { { 2, { 9, 4096 } }, { 2, { 40, 4096 } }, { 1, { 40 } } } },
	{ OP_gemm,
	  "trans_b=1",
	  ABOUT_ONE,
	  3,
	  { { 2, { 8, 4096 } }, { 2, { 7, 4096 } }, { 1, { 7 } } } },
	{ OP_einsum,
	  "equation=ij,jk->ki",
	  ABOUT_ONE,
	  2,
	  { { 2, { 3, 4096 } }, { 2, { 4096, 4 } } } },
	{ OP_conv2d, "bias=0", ONES, 2, { { 4, { 1, 64, 12, 12 } }, { 4, { 4, 64, 7, 7 } } } },
	{ OP_conv2d,
	  "bias=1;pad=1",
	  ABOUT_ONE,
	  3,
	  { { 4, { 1, 512, 8, 8 } }, { 4, { 16, 512, 3, 3 } }, { 1, { 16 } } } },
	{ OP_conv2d,
	  "bias=0;groups=4",
	  ABOUT_ONE,
	  2,
	  { { 4, { 1, 4, 66, 66 } }, { 4, { 4, 1, 65, 65 } } } },
	{ OP_conv_transpose2d,
	  "bias=0",
	  ONES,
	  2,
	  { { 4, { 1, 512, 4, 4 } }, { 4, { 512, 2, 3, 3 } } } },
	{ OP_conv_dw,
	  "kernel=2,2,3;channels_last=1",
	  ABOUT_ONE,
	  2,
	  { { 4, { 1, 65, 65, 2 } }, { 4, { 1, 64, 64, 3 } } } },
	{ OP_attention,
	  "",
	  ABOUT_ONE,
	  3,
	  { { 4, { 1, 1, 3, 8 } }, { 4, { 1, 1, 4096, 8 } }, { 4, { 1, 1, 4096, 4 } } } },
	{ OP_lstm,
	  "hidden=2;bias=0",
	  { .given = true, .low = 0, .high = 0.0004 },
	  3,
	  { { 3, { 2, 1, 4096 } }, { 3, { 1, 8, 4096 } }, { 3, { 1, 8, 2 } } } },
	{ OP_gru,
	  "hidden=2;bias=0",
	  { .given = true, .low = 0, .high = 0.0004 },
	  3,
	  { { 3, { 2, 1, 4096 } }, { 3, { 1, 6, 4096 } }, { 3, { 1, 6, 2 } } } },
	{ OP_rnn,
	  "hidden=2;bias=0",
	  { .given = true, .low = 0, .high = 0.0004 },
	  3,
	  { { 3, { 2, 1, 4096 } }, { 3, { 1, 2, 4096 } }, { 3, { 1, 2, 2 } } } },
	{ OP_mse, "", ABOUT_ONE, 2, { { 2, { 64, 64 } }, { 2, { 64, 64 } } } },
};
enum { N_ROWS = sizeof rows / sizeof *rows };

/* Fused: elementwise operators before and behind. */
static void make_row(Case *c, const Row *r, DType t, bool fused)
{
	Node *in[OPERANDS];
	for (int i = 0; i < r->n; i++) {
		Domain d = r->domain;
		bool params = !c->no_params && i > 0;
		in[i] = params ? case_param(c, t, r->in[i].rank, r->in[i].dim, d)
			       : case_input(c, t, r->in[i].rank, r->in[i].dim, d);
		if (fused && !params)
			in[i] = emit2(c->b, OP_max, in[i], emit_c2(c->b, OP_mul, in[i], 0.5));
	}
	Node *y = case_emit(c, r->op, in, r->n, "%s", r->attributes);
	for (int i = 0; y->type->dtype == DT_tuple && i < 1; i++)
		y = emit_get(c->b, y, 0);
	if (fused)
		y = emit2(c->b, OP_sub, emit_c2(c->b, OP_mul, y, 0.75), emit1(c->b, OP_abs, y));
	case_result(c, y);
}

static void **results(Case *c, const char *target, bool passes)
{
	Setup s = { .target = target };
	void **out = ARENA_ARRAY(c->arena, void *, c->g->result.n + 1);
	for (int i = 0; i < PASS_COUNT; i++)
		s.off[i] = !passes && i != PASS_expand;
	Program *p = case_compile(c, &s);
	bool ok = p && case_run(c, p, (Placement){ .fill = ~0u }, out) &&
		  case_compare(c, passes ? target : "no passes", out);
	program_destroy(p);
	return ok ? out : NULL;
}

static void run_row(int i, DType t, FpMode fp, bool fused)
{
	const Row *r = &rows[i];
	Case *c = case_create((uint64_t)i * 8 + (uint64_t)t, fp);
	c->title = arena_printf(c->arena, "conform_narrow %d: %s of %s, %s%s", i,
				op_info(r->op)->name, dtype_info[t].name,
				fp == FP_STRICT ? "strict" : "contract", fused ? ", fused" : "");
	c->no_params = i % 2 == 0;
	make_row(c, r, t, fused);
	case_enter(c);
	tally()->cases++;
	void **all = case_reference(c) ? results(c, "native", true) : NULL;
	void **none = all ? results(c, "native", false) : NULL;
	if (none && fp == FP_STRICT)
		case_same(c, "strict, passes off", all, none);
	if (none && fp == FP_CONTRACT && t == DT_f16)
		results(c, "test", true);
	if (none && fp == FP_CONTRACT && t == DT_bf16)
		results(c, "sm_80", true);
	case_enter(NULL);
	case_destroy(c);
}

int main(int argc, char **argv)
{
	static const DType types[] = { DT_f16, DT_bf16 };
	double start = seconds();
	const Tally *t = tally();
	for (int i = 0; i < N_ROWS; i++)
		for (int k = 0; (argc < 2 || atoi(argv[1]) == i) && k < 8; k++)
			run_row(i, types[k & 1], k & 2 ? FP_STRICT : FP_CONTRACT, k & 4);
	printf("%lld cases, %lld elements (%lld not known), %d failed, %.1f s\n",
	       (long long)t->cases, (long long)t->elements, (long long)t->unknown, failures(),
	       seconds() - start);
	return failures() || t->unknown;
}
