/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Templates of GPUs for contractions: their kernels, interpreted, must compute what the graph does,
 * at sizes that fill tiles and at those that do not. */
#include "tests/unit/pass_fixture.h"
#include "tests/unit/plan_eval.h"
#include "ir/scalar.h"

/* --- running --------------------------------------------------------------------------------- */

typedef struct Ran {
	const char *kind[16]; /* of the kernels, in order */
	int n;
	double flops;
} Ran;

/* Numbers of multiprocessors: few ones want big tiles. */
static const int machines[3] = { 1, 8, 108 };

static void begin(Fixture *f, int cores, uint64_t seed)
{
	start(f, seed);
	assert_true(target_find("sm_80", &f->options.target));
	f->options.target.cores = cores;
	f->options.off[PASS_winograd] = true;
	f->options.verify = true;
}

static void *data_of(Fixture *f, const EvalTensor *t)
{
	void *data = arena_alloc(f->arena, (size_t)type_bytes(t->type) + 8);
	eval_to_data(t, data);
	return data;
}

/* So that products that round their factors to bf16 lose nothing of inputs. */
static void round_inputs(EvalTensor *in, int n)
{
	for (int i = 0; i < n; i++)
		for (int64_t k = 0; in[i].f && k < in[i].type->count; k++)
			in[i].f[k] = float_round(DT_bf16, in[i].f[k]);
}

/* Compiles for the GPU, interprets, compares with the graph's evaluation. */
static Ran check_gpu(Fixture *f)
{
	Compiled k;
	Ran ran = { .n = 0 };
	int n_in = f->g->input.n, n_out = f->g->result.n;
	EvalTensor *in = random_inputs(f);
	Bounded *want = ARENA_ARRAY(f->arena, Bounded, n_out + 1);
	BoundOptions promise = { .bf16 = f->options.bf16 };
	void *port_in[8], *port_out[8];
	if (f->options.bf16)
		round_inputs(in, n_in);
	bool ok = bound_graph(f->g, f->arena, in, want, promise) &&
		  compile_plans(&f->pass, f->g, f->arena, &k);
	print_errors(f);
	assert_true(ok);
	for (int i = 0; i < n_in; i++)
		port_in[i] = data_of(f, &in[i]);
	for (int i = 0; i < n_out; i++)
		port_out[i] = arena_alloc(f->arena, (size_t)type_bytes(want[i].value.type) + 8);
	void *weights = eval_weights(&k, f->arena);
	assert_non_null(weights);
	assert_true(eval_plan(k.main, port_in, port_out, weights));
	free(weights);
	for (int i = 0; i < n_out; i++) {
		EvalTensor have = eval_from_data(f->arena, want[i].value.type, port_out[i]);
		assert_bounded(f->g->result_name.at[i], &want[i], &have, &f->known);
	}
	for (int i = 0; i < k.main->step.n && i < 16; i++) {
		ran.kind[ran.n++] = k.main->step.at[i].kind;
		ran.flops += k.main->step.at[i].flops;
	}
	return ran;
}

/* --- products -------------------------------------------------------------------------------- */

typedef struct ProductCase {
	int64_t batch, m, k, n;
	bool trans_x, trans_w, param;
	bool cut; /* into parts, where there are multiprocessors for them */
} ProductCase;

static Node *product_operand(Fixture *f, bool is_param, int64_t batch, int64_t rows, int64_t cols)
{
	int64_t dim[3] = { batch, rows, cols };
	int skip = batch ? 0 : 1;
	return is_param ? param(f, 3 - skip, dim + skip) : input(f, 3 - skip, dim + skip);
}

static void check_product(const ProductCase *p, int cores, bool bf16, uint64_t seed)
{
	Fixture f;
	begin(&f, cores, seed);
	f.options.bf16 = bf16;
	Node *x = p->trans_x ? product_operand(&f, false, p->batch, p->k, p->m)
			     : product_operand(&f, false, p->batch, p->m, p->k);
	Node *w = p->trans_w ? product_operand(&f, p->param, p->batch, p->n, p->k)
			     : product_operand(&f, p->param, p->batch, p->k, p->n);
	Node *y = emit_matmul(f.b, x, w, p->trans_x, p->trans_w);
	y = emit_b2(f.b, OP_add, y, param(&f, 1, ARRAY(p->n)));
	result(&f, emit1(f.b, OP_relu, y));
	Ran ran = check_gpu(&f);
	assert_int_equal(ran.n, p->cut && cores > 1 ? 2 : 1);
	int64_t all = (p->batch ? p->batch : 1) * p->m * p->k * p->n;
	assert_true(ran.flops == 2 * (double)all); /* adding parts of the sums is none of it */
	assert_string_equal(ran.kind[0], "matmul");
	stop(&f);
}

static void test_products(void **state)
{
	static const ProductCase list[] = {
		{ .m = 16, .k = 16, .n = 16 },
		{ .m = 1, .k = 1, .n = 1 },
		{ .m = 33, .k = 17, .n = 65, .trans_x = true },
		{ .m = 20, .k = 40, .n = 30, .trans_w = true },
		{ .m = 5, .k = 33, .n = 70, .trans_x = true, .trans_w = true },
		{ .m = 7, .k = 31, .n = 33, .param = true },
		{ .m = 1, .k = 50, .n = 300, .param = true, .trans_w = true },
		{ .m = 65, .k = 3, .n = 129, .param = true },
		{ .m = 3, .k = 1100, .n = 5, .trans_x = true, .cut = true },
		{ .batch = 2, .m = 4, .k = 1200, .n = 3, .param = true, .cut = true },
		{ .batch = 3, .m = 9, .k = 18, .n = 20 },
		{ .batch = 2, .m = 17, .k = 5, .n = 4, .trans_x = true, .trans_w = true },
	};
	(void)state;
	for (size_t i = 0; i < sizeof list / sizeof *list; i++)
		for (size_t k = 0; k < 3; k++)
			check_product(&list[i], machines[(i + k) % 3], k == 2, i);
}

/* --- convolutions ---------------------------------------------------------------------------- */

typedef struct ConvCase {
	int64_t n, h, w, c, o, kh, kw;
	int64_t stride[2], pad[4], dilation[2];
	bool dynamic; /* weights are an input */
} ConvCase;

static const ConvCase conv_list[] = {
	{ 1, 6, 6, 3, 20, 3, 3, { 1, 1 }, { 1, 1, 1, 1 }, { 1, 1 }, false },
	{ 2, 7, 9, 16, 33, 3, 3, { 2, 2 }, { 1, 1, 1, 1 }, { 1, 1 }, false },
	{ 2, 5, 5, 20, 17, 1, 1, { 1, 1 }, { 0, 0, 0, 0 }, { 1, 1 }, false },
	{ 1, 9, 8, 5, 16, 3, 2, { 1, 2 }, { 2, 0, 1, 3 }, { 2, 3 }, true },
	{ 3, 4, 4, 32, 8, 1, 1, { 2, 2 }, { 0, 0, 0, 0 }, { 1, 1 }, true },
	{ 1, 12, 12, 3, 40, 7, 7, { 2, 2 }, { 3, 3, 3, 3 }, { 1, 1 }, false },
};

static Attr_conv conv_attr(const ConvCase *k)
{
	return (Attr_conv){ .stride = { 2, k->stride },
			    .pad = { 4, k->pad },
			    .dilation = { 2, k->dilation },
			    .groups = 1 };
}

/* Over [N,C,H,W], with an epilogue: bias, relu, residual sum. */
static void check_conv(const ConvCase *k, int cores, bool bf16, uint64_t seed)
{
	Fixture f;
	Attr_conv a = conv_attr(k);
	begin(&f, cores, seed);
	f.options.bf16 = bf16;
	Node *x = input(&f, 4, ARRAY(k->n, k->c, k->h, k->w));
	Node *w = k->dynamic ? input(&f, 4, ARRAY(k->o, k->c, k->kh, k->kw))
			     : param(&f, 4, ARRAY(k->o, k->c, k->kh, k->kw));
	Node *in[2] = { x, w };
	Node *y = emit(f.b, OP_conv, attr_intern(f.c, ATTR_conv_RECORD, &a), in, 2);
	y = emit_b2(f.b, OP_add, y, param(&f, 3, ARRAY(k->o, 1, 1)));
	Node *other = input(&f, 4, y->type->dim);
	result(&f, emit2(f.b, OP_add, emit1(f.b, OP_relu, y), other));
	Ran ran = check_gpu(&f);
	assert_true(ran.n > 0);
	stop(&f);
}

static void test_convolutions(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof conv_list / sizeof *conv_list; i++)
		for (size_t k = 0; k < 2; k++)
			check_conv(&conv_list[i], machines[(i + k) % 3], k, i);
}

static int64_t windows(const ConvCase *k, int d)
{
	int64_t size = d ? k->w : k->h, taps = d ? k->kw : k->kh;
	return (size + k->pad[d] + k->pad[d + 2] - (taps - 1) * k->dilation[d] - 1) / k->stride[d] +
	       1;
}

static void check_conv_dw(const ConvCase *k, int cores, bool bf16, uint64_t seed)
{
	Fixture f;
	Attr_conv a = conv_attr(k);
	a.kernel = (Ints){ 3, ARRAY(k->kh, k->kw, k->o) };
	begin(&f, cores, seed);
	f.options.bf16 = bf16;
	Node *in[2] = { input(&f, 4, ARRAY(k->n, k->c, k->h, k->w)),
			input(&f, 4, ARRAY(k->n, k->o, windows(k, 0), windows(k, 1))) };
	result(&f, emit(f.b, OP_conv_dw, attr_intern(f.c, ATTR_conv_RECORD, &a), in, 2));
	check_gpu(&f);
	stop(&f);
}

static void test_weight_gradients(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof conv_list / sizeof *conv_list; i++)
		for (size_t k = 0; k < 2; k++)
			check_conv_dw(&conv_list[i], machines[(i + k) % 3], k, i);
}

/* --- attention ------------------------------------------------------------------------------- */

typedef struct AttendCase {
	int64_t b, h, s, t, d, e;
	bool causal;
	int mask; /* 0: none; else its rank; negative: of truth values */
	DType type;
} AttendCase;

static const AttendCase attend_list[] = {
	{ 1, 1, 5, 7, 4, 3, false, 0, DT_f32 },     { 2, 2, 33, 40, 16, 16, false, 4, DT_f32 },
	{ 1, 2, 70, 70, 20, 24, true, 0, DT_f32 },  { 1, 1, 3, 45, 70, 40, true, 2, DT_f32 },
	{ 1, 2, 17, 33, 130, 9, false, 3, DT_f32 }, { 1, 1, 20, 20, 8, 70, false, -2, DT_f32 },
	{ 1, 1, 2, 10, 8, 130, false, 0, DT_f32 },  { 1, 2, 9, 12, 8, 8, true, 1, DT_f64 },
};

static void check_attention(const AttendCase *k, int cores, bool bf16, uint64_t seed)
{
	Fixture f;
	Attr_attention a = { .causal = k->causal };
	int64_t mask[4] = { k->b, 1, k->s, k->t };
	int rank = abs(k->mask);
	begin(&f, cores, seed);
	f.options.bf16 = bf16;
	Node *in[4];
	for (int i = 0; i < 3; i++) {
		int64_t dim[4] = { k->b, k->h, i ? k->t : k->s, i == 2 ? k->e : k->d };
		in[i] = emit_input(f.b, type_get(f.c, k->type, 4, dim), fresh(&f, "q"),
				   f.g->input.n);
	}
	if (rank)
		in[3] = emit_input(
			f.b, type_get(f.c, k->mask < 0 ? DT_bool : k->type, rank, mask + 4 - rank),
			fresh(&f, "mask"), f.g->input.n);
	Node *y = emit(f.b, OP_attention, attr_intern(f.c, ATTR_attention_RECORD, &a), in,
		       rank ? 4 : 3);
	result(&f, emit1(f.b, OP_neg, y));
	Ran ran = check_gpu(&f);
	assert_int_equal(ran.n, 1);
	assert_string_equal(ran.kind[0], "attention");
	stop(&f);
}

static void test_attention(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof attend_list / sizeof *attend_list; i++)
		for (int k = 0; k < 4; k++)
			check_attention(&attend_list[i], machines[(i + (size_t)k) % 3], k == 3, i);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_products),
		cmocka_unit_test(test_convolutions),
		cmocka_unit_test(test_weight_gradients),
		cmocka_unit_test(test_attention),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
