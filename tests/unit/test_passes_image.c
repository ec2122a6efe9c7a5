/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Passes on images: layout, fold_scale, pad and pack, each alone, then all passes on random graphs.
 */
#include "tests/unit/pass_fixture.h"

/* --- layout ---------------------------------------------------------------------------------- */

typedef struct ConvCase {
	int64_t out, kernel, stride, groups;
	const char *pad;
} ConvCase;

static Node *conv(Fixture *f, Node *x, ConvCase t)
{
	int64_t c = x->type->dim[1];
	int64_t groups = t.groups ? t.groups : 1;
	bool line = x->type->rank == 3;
	Attr_conv2d a = { .filters = t.out, .pad = t.pad ? t.pad : "0", .groups = groups };
	a.stride = (Ints){ 1, ARRAY(t.stride ? t.stride : 1) };
	a.dilation = (Ints){ 1, ARRAY(1) };
	Node *w = line ? param(f, 3, ARRAY(t.out, c / groups, t.kernel))
		       : param(f, 4, ARRAY(t.out, c / groups, t.kernel, t.kernel));
	return LAYER(f, conv2d, conv2d, &a, x, w, param(f, 1, ARRAY(t.out)));
}

static Node *batch_norm(Fixture *f, Node *x)
{
	int64_t c = x->type->dim[1];
	Attr_batchnorm a = { .eps = 1e-5 };
	return LAYER(f, batchnorm, batchnorm, &a, x, param_around(f, 2, 1, ARRAY(c)),
		     param(f, 1, ARRAY(c)), param(f, 1, ARRAY(c)), param_around(f, 2, 1, ARRAY(c)));
}

static Node *pool(Fixture *f, Op op, Node *x, int64_t kernel, int64_t stride, const char *pad)
{
	Attr_pool2d a = { .kernel = { 1, &kernel }, .stride = { 1, &stride }, .pad = pad };
	a.dilation = (Ints){ 1, ARRAY(1) };
	return layer(f, op, ATTR_pool2d_RECORD, &a, &x, 1);
}

static Node *global_mean(Fixture *f, Node *x)
{
	return LAYER(f, global_avgpool, none, &(Attr_none){ 0 }, x);
}

static Node *conv_bn_relu(Fixture *f, Node *x, ConvCase t)
{
	return emit1(f->b, OP_relu, batch_norm(f, conv(f, x, t)));
}

static Node *gate(Fixture *f, Node *x)
{
	Node *s = conv(f, global_mean(f, x), (ConvCase){ .out = 2, .kernel = 1 });
	s = conv(f, emit1(f->b, OP_relu, s), (ConvCase){ .out = x->type->dim[1], .kernel = 1 });
	return emit_b2(f->b, OP_mul, x, emit1(f->b, OP_sigmoid, s));
}

static Node *classifier(Fixture *f, Node *x)
{
	x = global_mean(f, x);
	return dense(f, emit_reshape(f->b, x, 2, ARRAY(x->type->dim[0], x->type->dim[1])), 5);
}

static void build_resnet(Fixture *f, int64_t batch)
{
	Node *x = input(f, 4, ARRAY(batch, 3, 9, 9));
	x = emit_b2(f->b, OP_div, emit_b2(f->b, OP_sub, x, param(f, 3, ARRAY(3, 1, 1))),
		    param_around(f, 2, 3, ARRAY(3, 1, 1)));
	x = conv_bn_relu(f, x, (ConvCase){ 8, 3, 2, 1, "1" });
	x = pool(f, OP_maxpool2d, x, 3, 2, "1");
	Node *y = conv_bn_relu(f, x, (ConvCase){ 8, 3, 1, 1, "1" });
	y = batch_norm(f, conv(f, y, (ConvCase){ .out = 8, .kernel = 1 }));
	x = emit1(f->b, OP_relu, emit2(f->b, OP_add, x, y));
	y = conv_bn_relu(f, x, (ConvCase){ 8, 3, 1, 8, "1" });
	x = gate(f, emit_concat(f->b, (Node *[]){ x, y }, 2, 1));
	x = pool(f, OP_avgpool2d, x, 2, 1, "0 1 1 0");
	result(f, classifier(f, x));
}

static void test_layout_resnet(void **state)
{
	(void)state;
	for (int64_t batch = 1; batch < 3; batch++) {
		Fixture f;
		start(&f, 40);
		build_resnet(&f, batch);
		Graph *g = run_pass(&f, pass_layout, f.g);
		assert_int_equal(count_dynamic(&f, g, OP_transpose, -1), 1); /* of the input */
		for (int i = 0; i < g->node.n; i++)
			if (g->node.at[i]->op == OP_conv)
				assert_true(ATTR_OF(g->node.at[i], conv)->channels_last);
		stop(&f);
	}
}

/* Results and flattening want the old order, everything else does not. */
static void test_layout_old_order(void **state)
{
	Fixture f;
	(void)state;
	start(&f, 41);
	Node *x = conv(&f, input(&f, 4, ARRAY(2, 3, 6, 5)), (ConvCase){ .out = 4, .kernel = 3 });
	result(&f, emit1(f.b, OP_relu, x));
	Node *y = emit1(f.b, OP_tanh, x);
	result(&f, dense(&f, emit_reshape(f.b, y, 2, ARRAY(2, 4 * 4 * 3)), 3));
	result(&f, emit_reduce(f.b, OP_reduce_max, y, 1, ARRAY(2), false));
	result(&f, emit_reduce(f.b, OP_reduce_sum, y, 1, ARRAY(1), false));
	result(&f, emit_reduce(f.b, OP_reduce_sum, y, 3, ARRAY(1, 2, 3), true));
	Node *cut = emit_slice(f.b, y, ARRAY(0, 1, 3, 0), ARRAY(2, 2, 2, 2), ARRAY(1, 1, -1, 1));
	Node *framed = emit_pad(f.b, cut, emit_scalar(f.b, DT_f32, 2), ARRAY(0, 1, 2, 0),
				ARRAY(0, 0, 1, 3), ARRAY(0, 0, 1, 0));
	result(&f, conv(&f, framed, (ConvCase){ .out = 2, .kernel = 2 }));
	Node *i = emit_const(f.b, type_get(f.c, DT_i64, 1, ARRAY(5)), (int64_t[]){ 0, 0, 1, 3, 2 });
	Node *bigger = emit_gather(f.b, emit_gather(f.b, y, i, 2), i, 1);
	result(&f, conv(&f, bigger, (ConvCase){ .out = 2, .kernel = 2 }));
	Node *sum = LAYER(&f, softmax, softmax, &(Attr_softmax){ .axis = 1 }, y);
	result(&f, conv(&f, sum, (ConvCase){ .out = 2, .kernel = 2 }));
	run_pass(&f, pass_layout, f.g);
	run_all(&f);
	stop(&f);
}

/* Depthwise, then normalised over the channels and two products on [N,H,W,C], then back: no
 * transposition remains. */
static void test_layout_convnext(void **state)
{
	Fixture f;
	(void)state;
	start(&f, 42);
	Node *x = conv(&f, input(&f, 4, ARRAY(2, 3, 8, 8)), (ConvCase){ 6, 2, 2, 1, "0" });
	Node *y = conv(&f, x, (ConvCase){ 6, 3, 1, 6, "1" });
	y = emit_transpose(f.b, y, PERM(0, 2, 3, 1));
	y = dense(&f, gelu(&f, dense(&f, layer_norm(&f, y), 12)), 6);
	y = emit_b2(f.b, OP_mul, y, param(&f, 1, ARRAY(6)));
	x = emit2(f.b, OP_add, x, emit_transpose(f.b, y, PERM(0, 3, 1, 2)));
	result(&f, classifier(&f, x));
	Graph *g = run_pass(&f, pass_layout, run_pass(&f, pass_flatten, f.g));
	assert_int_equal(count_dynamic(&f, g, OP_transpose, -1), 1);
	run_all(&f);
	stop(&f);
}

static void test_layout_lines(void **state)
{
	Fixture f;
	(void)state;
	start(&f, 43);
	Node *x = gelu(&f, conv(&f, input(&f, 3, ARRAY(2, 4, 12)), (ConvCase){ 6, 3, 1, 1, "1" }));
	x = gelu(&f, conv(&f, x, (ConvCase){ 6, 3, 2, 1, "1" }));
	x = emit_transpose(f.b, x, PERM(0, 2, 1));
	result(&f, mlp_block(&f, emit_b2(f.b, OP_add, x, param(&f, 2, ARRAY(6, 6))), 8));
	Graph *g = run_pass(&f, pass_layout, f.g);
	assert_int_equal(count_dynamic(&f, g, OP_transpose, -1), 1);
	run_all(&f);
	stop(&f);
}

/* Image to patches, tokens back to an image. */
static void test_layout_tokens(void **state)
{
	Fixture f;
	(void)state;
	start(&f, 44);
	Node *x = conv(&f, input(&f, 4, ARRAY(2, 3, 8, 8)), (ConvCase){ 6, 2, 2, 1, "0" });
	x = emit_transpose(f.b, emit_reshape(f.b, x, 3, ARRAY(2, 6, 16)), PERM(0, 2, 1));
	x = mlp_block(&f, x, 8);
	x = emit_reshape(f.b, emit_transpose(f.b, x, PERM(0, 2, 1)), 4, ARRAY(2, 6, 4, 4));
	result(&f, classifier(&f, conv(&f, x, (ConvCase){ 4, 3, 1, 1, "1" })));
	Graph *g = run_pass(&f, pass_layout, f.g);
	assert_int_equal(count_dynamic(&f, g, OP_transpose, -1), 1);
	run_all(&f);
	stop(&f);
}

static Node *upscale(Fixture *f, Node *x, int64_t out)
{
	Attr_conv2d a = { .filters = out, .pad = "0", .groups = 1 };
	a.stride = (Ints){ 1, ARRAY(2) };
	a.dilation = (Ints){ 1, ARRAY(1) };
	a.output_pad = (Ints){ 1, ARRAY(0) };
	Node *w = param(f, 4, ARRAY(x->type->dim[1], out, 2, 2));
	return LAYER(f, conv_transpose2d, conv2d, &a, x, w, param(f, 1, ARRAY(out)));
}

static void test_layout_unet(void **state)
{
	Fixture f;
	(void)state;
	start(&f, 45);
	Node *x = conv_bn_relu(&f, input(&f, 4, ARRAY(1, 3, 8, 8)), (ConvCase){ 4, 3, 1, 1, "1" });
	Node *y = conv_bn_relu(&f, pool(&f, OP_maxpool2d, x, 2, 2, "0"),
			       (ConvCase){ 8, 3, 1, 1, "1" });
	y = emit_concat(f.b, (Node *[]){ upscale(&f, y, 4), x }, 2, 1);
	result(&f, conv(&f, conv_bn_relu(&f, y, (ConvCase){ 4, 3, 1, 1, "1" }),
			(ConvCase){ .out = 2, .kernel = 1 }));
	Graph *g = run_pass(&f, pass_layout, f.g);
	for (int i = 0; i < g->node.n; i++) {
		const Node *n = g->node.at[i];
		if (n->op == OP_add && n->type->rank == 4)
			assert_true(n->type->dim[1] == n->type->dim[2]);
		if (n->op == OP_transpose && n->type->rank == 6) /* pixels move as they are */
			assert_int_equal(n->type->dim[5], 4);
	}
	run_all(&f);
	stop(&f);
}

/* --- fold_scale ------------------------------------------------------------------------------ */

static Graph *fold(Fixture *f)
{
	return run_pass(f, pass_fold_scale, f->g);
}

static void test_fold_batch_norm(void **state)
{
	(void)state;
	for (int last = 0; last < 2; last++)
		for (int64_t groups = 1; groups <= 6; groups += 5) {
			Fixture f;
			start(&f, 60);
			Node *x = input(&f, 4, ARRAY(2, 6, 5, 5));
			x = conv_bn_relu(&f, x, (ConvCase){ 6, 3, 1, groups, "1" });
			x = batch_norm(
				&f,
				batch_norm(&f, conv(&f, x, (ConvCase){ .out = 6, .kernel = 1 })));
			result(&f, x);
			Graph *g =
				last ? run_pass(&f, pass_fold_scale, run_pass(&f, pass_layout, f.g))
				     : fold(&f);
			assert_int_equal(count_dynamic(&f, g, OP_mul, -1), 0);
			assert_int_equal(count_dynamic(&f, g, OP_add, -1), 2);
			stop(&f);
		}
}

static void test_fold_product(void **state)
{
	(void)state;
	for (int turned = 0; turned < 2; turned++) {
		Fixture f;
		start(&f, 61);
		Node *x = input(&f, 2, ARRAY(4, 6));
		Node *y = emit_matmul(f.b, x, param(&f, 2, turned ? ARRAY(5, 6) : ARRAY(6, 5)),
				      false, turned);
		y = emit_b2(f.b, OP_add, y, param(&f, 1, ARRAY(5)));
		y = emit_b2(f.b, OP_div, emit_c2(f.b, OP_mul, y, 0.125),
			    param_around(&f, 3, 1, ARRAY(5)));
		result(&f, emit_b2(f.b, OP_sub, y, param(&f, 2, ARRAY(1, 5))));
		Graph *g = fold(&f);
		assert_int_equal(count_dynamic(&f, g, OP_COUNT, -1), 1);
		stop(&f);
	}
}

/* In front: scale and shift where there is no border, the scale alone where there is one. */
static void test_fold_in_front(void **state)
{
	(void)state;
	for (int last = 0; last < 2; last++) {
		Fixture f;
		start(&f, 62);
		Node *x = emit1(f.b, OP_tanh, input(&f, 4, ARRAY(2, 6, 5, 5)));
		result(&f, conv(&f, batch_norm(&f, x), (ConvCase){ .out = 4, .kernel = 3 }));
		result(&f, conv(&f, batch_norm(&f, x), (ConvCase){ 4, 3, 1, 1, "1" }));
		Node *s = emit_b2(f.b, OP_mul, x, param(&f, 3, ARRAY(6, 1, 1)));
		result(&f, conv(&f, s, (ConvCase){ 6, 3, 1, 6, "1" }));
		result(&f, conv(&f, emit_c2(f.b, OP_mul, x, 3), (ConvCase){ 6, 3, 1, 2, "1" }));
		Node *y = emit1(f.b, OP_tanh, input(&f, 2, ARRAY(4, 6)));
		y = emit_b2(f.b, OP_mul, y, param(&f, 1, ARRAY(6)));
		result(&f, dense(&f, emit_b2(f.b, OP_add, y, param(&f, 1, ARRAY(6))), 3));
		Graph *g = last ? run_pass(&f, pass_fold_scale, run_pass(&f, pass_layout, f.g))
				: fold(&f);
		assert_int_equal(count_dynamic(&f, g, OP_mul, -1),
				 2); /* bordered with a shift; grouped */
		stop(&f);
	}
}

/* What must stay: a product that others read, scales along other dimensions, values that are not
 * static. */
static void test_fold_leaves(void **state)
{
	Fixture f;
	(void)state;
	start(&f, 63);
	Node *x = input(&f, 2, ARRAY(4, 6)),
	     *y = emit_matmul(f.b, x, param(&f, 2, ARRAY(6, 5)), false, false);
	result(&f, emit_b2(f.b, OP_mul, y, param(&f, 1, ARRAY(5))));
	result(&f, emit_b2(f.b, OP_mul, y, input(&f, 1, ARRAY(5))));
	Node *z = emit_matmul(f.b, x, param(&f, 2, ARRAY(6, 5)), false, false);
	z = emit_b2(f.b, OP_mul, z, param(&f, 2, ARRAY(4, 1)));
	result(&f, emit_b2(f.b, OP_mul, z, param(&f, 1, ARRAY(5))));
	result(&f, emit_b2(f.b, OP_add, emit1(f.b, OP_exp, z), param(&f, 2, ARRAY(4, 5))));
	Graph *g = fold(&f);
	assert_int_equal(count_dynamic(&f, g, OP_mul, -1), 4);
	assert_int_equal(count_op(g, OP_matmul), 2);
	stop(&f);
}

static void test_fold_chain(void **state)
{
	Fixture f;
	(void)state;
	start(&f, 64);
	Node *x = emit1(f.b, OP_tanh, input(&f, 4, ARRAY(2, 6, 3, 3)));
	Node *y = batch_norm(&f, batch_norm(&f, x));
	result(&f, emit1(f.b, OP_relu, emit_b2(f.b, OP_add, y, param(&f, 3, ARRAY(6, 1, 1)))));
	Graph *g = fold(&f);
	assert_int_equal(count_dynamic(&f, g, OP_COUNT, -1), 4); /* tanh mul add relu */
	stop(&f);
}

/* A division by one number stays one, unless weights can take it. */
static void test_fold_division(void **state)
{
	Fixture f;
	(void)state;
	start(&f, 66);
	Node *x = emit1(f.b, OP_tanh, input(&f, 4, ARRAY(2, 6, 3, 3)));
	Node *y = emit_c2(f.b, OP_div, x, 6);
	result(&f, emit_b2(f.b, OP_add, y, param(&f, 3, ARRAY(6, 1, 1))));
	y = emit_c2(f.b, OP_div, emit1(f.b, OP_exp, x), 6);
	result(&f, conv(&f, y, (ConvCase){ 4, 3, 1, 1, "1" }));
	Graph *g = fold(&f);
	assert_int_equal(count_dynamic(&f, g, OP_div, -1), 1);
	assert_int_equal(count_dynamic(&f, g, OP_mul, -1), 0);
	stop(&f);
}

static void test_fold_strict(void **state)
{
	Fixture f;
	(void)state;
	start(&f, 65);
	f.c->fp = FP_STRICT;
	result(&f, batch_norm(&f, conv(&f, input(&f, 4, ARRAY(1, 2, 3, 3)),
				       (ConvCase){ .out = 2, .kernel = 1 })));
	assert_int_equal(count_dynamic(&f, fold(&f), OP_mul, -1), 1);
	stop(&f);
}

/* --- pad, pack ------------------------------------------------------------------------------- */

static void test_pad(void **state)
{
	Fixture f;
	(void)state;
	start(&f, 70);
	Node *x = conv(&f, input(&f, 4, ARRAY(2, 3, 7, 6)), (ConvCase){ 4, 3, 1, 1, "1 0 2 3" });
	x = emit1(f.b, OP_tanh, x);
	Node *a = conv(&f, x, (ConvCase){ 4, 3, 1, 4, "1" }),
	     *b = conv(&f, x, (ConvCase){ 4, 3, 1, 1, "1" });
	Node *m = pool(&f, OP_maxpool2d, x, 3, 1, "1"), *s = pool(&f, OP_avgpool2d, x, 3, 1, "1");
	result(&f, emit2(f.b, OP_add, emit2(f.b, OP_add, a, b), emit2(f.b, OP_add, m, s)));
	Graph *g = run_pass(&f, pass_pad, run_pass(&f, pass_layout, f.g));
	assert_int_equal(count_op(g, OP_pad), 3); /* zeros: three readers share one */
	assert_int_equal(find_op(g, OP_pad)->in[0]->op, OP_input);
	for (int i = 0; i < g->node.n; i++) {
		const Node *n = g->node.at[i];
		for (int k = 0; n->op == OP_conv && k < 4; k++)
			assert_int_equal(ATTR_OF(n, conv)->pad.v[k], 0);
	}
	assert_int_equal(ATTR_OF(find_op(g, OP_window_max), window)->pad.v[0], 0);
	stop(&f);
}

static void test_pad_leaves_old_order(void **state)
{
	Fixture f;
	(void)state;
	start(&f, 71);
	result(&f, conv(&f, input(&f, 4, ARRAY(2, 3, 7, 6)), (ConvCase){ 4, 3, 1, 1, "1" }));
	assert_int_equal(count_op(run_pass(&f, pass_pad, f.g), OP_pad), 0);
	stop(&f);
}

static void test_pack(void **state)
{
	static const int64_t outputs[] = { 1, 16, 17, 32, 40, 64 };
	(void)state;
	for (int i = 0; i < 6; i++)
		for (int turned = 0; turned < 2; turned++) {
			int64_t o = outputs[i], panel = o <= 16 ? 16 : 32;
			Fixture f;
			start(&f, 72);
			Node *x = conv(&f, input(&f, 4, ARRAY(2, 3, 5, 5)),
				       (ConvCase){ .out = o, .kernel = 2 });
			result(&f, emit1(f.b, OP_relu, x));
			Node *w = param(&f, 2, turned ? ARRAY(o, 7) : ARRAY(7, o));
			result(&f, emit_matmul(f.b, input(&f, 2, ARRAY(4, 7)), w, false, turned));
			Graph *g = run_pass(&f, pass_pack, run_pass(&f, pass_layout, f.g));
			const Node *c = find_op(g, OP_conv), *m = find_op(g, OP_matmul);
			assert_int_equal(ATTR_OF(c, conv)->panel, panel);
			assert_int_equal(ATTR_OF(c, conv)->kernel.v[2], o);
			assert_int_equal(ATTR_OF(m, matmul)->panel, panel);
			assert_int_equal(ATTR_OF(m, matmul)->n, o);
			assert_int_equal(m->in[1]->type->dim[0], (o + panel - 1) / panel);
			assert_int_equal(m->in[1]->type->dim[1], 7);
			stop(&f);
		}
}

static void test_pack_leaves(void **state)
{
	Fixture f;
	(void)state;
	start(&f, 73);
	Node *x = input(&f, 3, ARRAY(2, 4, 5));
	result(&f, emit_matmul(f.b, x, param(&f, 3, ARRAY(2, 5, 6)), false, false));
	result(&f, emit_matmul(f.b, x, input(&f, 3, ARRAY(2, 4, 6)), true, false));
	result(&f, conv(&f, input(&f, 4, ARRAY(1, 4, 5, 5)), (ConvCase){ 4, 3, 1, 4, "1" }));
	Graph *g = run_pass(&f, pass_pack, run_pass(&f, pass_layout, f.g));
	for (int i = 0; i < g->node.n; i++) {
		if (g->node.at[i]->op == OP_matmul)
			assert_int_equal(ATTR_OF(g->node.at[i], matmul)->panel, 0);
		if (g->node.at[i]->op == OP_conv)
			assert_int_equal(ATTR_OF(g->node.at[i], conv)->panel, 0);
	}
	stop(&f);
}

/* --- anything -------------------------------------------------------------------------------- */

static Node *random_image_op(Fixture *f, Node *x, Node *other)
{
	int64_t c = x->type->dim[1], h = x->type->dim[2], w = x->type->dim[3];
	bool same = type_same_shape(x->type, other->type);
	switch (next_random(f) % 16) {
	case 0:
		return conv(
			f, x,
			(ConvCase){ 1 + next_random(f) % 5, 1 + next_random(f) % 3, 1, 1, "1" });
	case 1: return conv(f, x, (ConvCase){ c, 3, 1, c, "1" });
	case 2: return h > 2 && w > 2 ? conv(f, x, (ConvCase){ 4, 3, 2, 1, "1 0 0 1" }) : x;
	case 3: return batch_norm(f, x);
	case 4: return emit1(f->b, OP_relu, x);
	case 5: return emit1(f->b, OP_tanh, x);
	case 6: return same ? emit2(f->b, OP_add, x, other) : gate(f, x);
	case 7:
		return h == other->type->dim[2] && w == other->type->dim[3] && c < 12
			       ? emit_concat(f->b, (Node *[]){ x, other }, 2, 1)
			       : emit_c2(f->b, OP_mul, x, 0.5);
	case 8: return pool(f, OP_maxpool2d, x, 2, 1, "1");
	case 9: return pool(f, OP_avgpool2d, x, 3, 1, "1");
	case 10:
		return emit_slice_axis(f->b, x, (int)(next_random(f) % 3) + 1, 0,
				       1 + next_random(f) % 2);
	case 11: return upscale(f, x, 3);
	case 12:
		return LAYER(f, softmax, softmax, &(Attr_softmax){ .axis = 1 + next_random(f) % 3 },
			     x);
	case 13:
		x = emit_transpose(f->b, emit_reshape(f->b, x, 3, ARRAY(2, c, h * w)),
				   PERM(0, 2, 1));
		x = mlp_block(f, x, 4);
		return emit_reshape(f->b, emit_transpose(f->b, x, PERM(0, 2, 1)), 4,
				    ARRAY(2, c, h, w));
	case 14: return emit_transpose(f->b, x, PERM(0, 1, 3, 2));
	case 15: return emit_b2(f->b, OP_add, x, input(f, 3, ARRAY(c, 1, w)));
	}
	return x;
}

static bool small(const Node *x)
{
	return x->type->dim[2] <= 12 && x->type->dim[3] <= 12;
}

static bool large_enough(const Node *x)
{
	for (int i = 1; i < 4; i++)
		if (x->type->dim[i] < 2)
			return false;
	return true;
}

static void test_random_images(void **state)
{
	(void)state;
	for (uint64_t seed = 0; seed < 105; seed++) {
		Fixture f;
		start(&f, 1000 + seed);
		Node *x = input(&f, 4, ARRAY(2, 3, 6, 5)), *other = x;
		f.c->emit_rules = seed % 3 != 0;
		f.c->emit_cse = seed % 5 != 0;
		f.c->emit_fold = seed % 7 != 0;
		for (int i = 0; i < 8; i++) {
			Node *y = random_image_op(&f, x, other);
			if (!small(y) || !large_enough(y))
				continue;
			if (next_random(&f) % 2)
				other = x;
			x = y;
		}
		result(&f, x);
		result(&f, classifier(&f, emit1(f.b, OP_tanh, other)));
		run_all(&f);
		stop(&f);
	}
}

/* What the plan tells of its steps: depthwise convolutions count, a border counts no more than its
 * own elements. */
static void test_plan_counts_work(void **state)
{
	(void)state;
	Fixture f;
	start(&f, 1);
	Node *x = input(&f, 4, ARRAY(1, 32, 12, 12));
	x = conv(&f, x, (ConvCase){ .out = 64, .kernel = 1 });
	x = conv(&f, x, (ConvCase){ .out = 64, .kernel = 3, .groups = 64, .pad = "1" });
	result(&f, conv(&f, x, (ConvCase){ .out = 8, .kernel = 1 }));
	PassOptions o = { .verify = true };
	assert_true(target_find("x86-64-v3", &o.target));
	Pass p = { .ctx = f.c, .o = &o };
	Compiled k;
	assert_true(compile_plans(&p, f.g, f.arena, &k));
	double flops = 0, border = 0;
	for (int i = 0; i < k.main->step.n; i++) {
		flops += k.main->step.at[i].flops;
		if (str_eq(k.main->step.at[i].kind, "border"))
			border += k.main->step.at[i].bytes;
	}
	assert_true(flops == 2.0 * 144 * (64 * 32 + 64 * 9 + 8 * 64));
	assert_true(border == 4.0 * 64 * (14 * 14 - 12 * 12));
	stop(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_layout_resnet),
		cmocka_unit_test(test_layout_old_order),
		cmocka_unit_test(test_layout_convnext),
		cmocka_unit_test(test_layout_lines),
		cmocka_unit_test(test_layout_tokens),
		cmocka_unit_test(test_layout_unet),
		cmocka_unit_test(test_fold_batch_norm),
		cmocka_unit_test(test_fold_product),
		cmocka_unit_test(test_fold_in_front),
		cmocka_unit_test(test_fold_leaves),
		cmocka_unit_test(test_fold_chain),
		cmocka_unit_test(test_fold_division),
		cmocka_unit_test(test_fold_strict),
		cmocka_unit_test(test_pad),
		cmocka_unit_test(test_pad_leaves_old_order),
		cmocka_unit_test(test_pack),
		cmocka_unit_test(test_pack_leaves),
		cmocka_unit_test(test_random_images),
		cmocka_unit_test(test_plan_counts_work),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
