/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Passes on rows: flatten and attention, each alone, then all passes on random graphs. */
#include "tests/unit/pass_fixture.h"

/* --- flatten --------------------------------------------------------------------------------- */

static void test_flatten_mlp(void **state)
{
	Fixture f;
	(void)state;
	start(&f, 1);
	Node *x = mlp_block(&f, input(&f, 3, ARRAY(2, 5, 8)), 16);
	result(&f, layer_norm(&f, mlp_block(&f, x, 12)));
	Graph *g = run_pass(&f, pass_flatten, f.g);
	assert_int_equal(count_dynamic(&f, g, OP_COUNT, 3), 0);
	assert_int_equal(count_dynamic(&f, g, OP_reduce_sum, 3), 0);
	assert_int_equal(count_dynamic(&f, g, OP_reshape, -1), 2); /* in and out */
	stop(&f);
}

static void test_flatten_embedding(void **state)
{
	Fixture f;
	(void)state;
	start(&f, 2);
	const Type *t = type_get(f.c, DT_i64, 2, ARRAY(2, 5));
	Node *ids = emit_input(f.b, t, "ids", 0);
	Node *x = emit_gather(f.b, param(&f, 2, ARRAY(7, 8)), ids, 0);
	x = emit_b2(f.b, OP_add, x,
		    param(&f, 2, ARRAY(5, 8))); /* by position: differs within what is merged */
	result(&f, mlp_block(&f, layer_norm(&f, x), 16));
	Graph *g = run_pass(&f, pass_flatten, f.g);
	assert_int_equal(find_op(g, OP_gather)->type->rank, 2);
	assert_int_equal(count_dynamic(&f, g, OP_COUNT, 3), 0);
	stop(&f);
}

static void test_flatten_gated_and_split(void **state)
{
	Fixture f;
	(void)state;
	start(&f, 3);
	Node *x = input(&f, 3, ARRAY(3, 4, 6));
	Node *y = dense(&f, x, 16);
	Node *a = emit_slice_axis(f.b, y, 2, 0, 8), *g2 = emit_slice_axis(f.b, y, 2, 8, 8);
	Node *gated = emit2(f.b, OP_mul, a, emit1(f.b, OP_sigmoid, g2));
	Node *both = emit_concat(f.b, (Node *[]){ gated, a }, 2, -1);
	Node *p = LAYER(&f, softmax, softmax, &(Attr_softmax){ .axis = -1 }, both);
	Node *zero = emit_scalar(f.b, DT_f32, 0.5);
	p = emit_pad(f.b, p, zero, ARRAY(0, 0, 1), ARRAY(0, 0, 3), NULL);
	Node *z = emit2(f.b, OP_mul, p, emit_full(f.b, p->type, 3));
	Node *shape =
		emit_transpose(f.b, emit_reshape(f.b, z, 4, ARRAY(3, 4, 4, 5)), PERM(0, 1, 3, 2));
	result(&f, emit1(f.b, OP_tanh, shape));
	result(&f, dense(&f, emit_reshape(f.b, shape, 3, ARRAY(3, 4, 20)), 2));
	Graph *g = run_pass(&f, pass_flatten, f.g);
	assert_int_equal(count_dynamic(&f, g, OP_COUNT, 3),
			 1); /* the last: [3,4,5,4] as [12,5,4] */
	assert_int_equal(count_dynamic(&f, g, OP_COUNT, 4), 0);
	assert_int_equal(count_dynamic(&f, g, OP_slice, 3), 0);
	stop(&f);
}

/* Three leading dimensions, reductions without kept dimensions, products over two of them beside.
 */
static void test_flatten_deeper(void **state)
{
	Fixture f;
	(void)state;
	start(&f, 4);
	Node *x = input(&f, 4, ARRAY(2, 3, 4, 6));
	Node *y = layer_norm(&f, dense(&f, x, 6));
	Node *s = emit_reduce(f.b, OP_reduce_max, y, 1, ARRAY(3), false);
	Node *wide =
		emit_broadcast(f.b, emit_reshape(f.b, emit1(f.b, OP_exp, s), 4, ARRAY(2, 3, 4, 1)),
			       4, y->type->dim);
	y = emit2(f.b, OP_add, emit2(f.b, OP_mul, y, wide), x);
	Node *m = emit_reshape(f.b, y, 3, ARRAY(6, 4, 6));
	result(&f, emit_matmul(f.b, m, m, false, true));
	result(&f, dense(&f, y, 3));
	Graph *g = run_pass(&f, pass_flatten, f.g);
	assert_int_equal(count_dynamic(&f, g, OP_COUNT, 4), 0);
	stop(&f);
}

/* An image is not flattened because a product reads it. */
static void test_flatten_leaves_images(void **state)
{
	Fixture f;
	(void)state;
	start(&f, 5);
	Node *x = input(&f, 4, ARRAY(2, 3, 4, 4));
	Attr_conv2d a = { .filters = 4, .pad = "1", .groups = 1 };
	a.stride = (Ints){ 1, ARRAY(1) };
	a.dilation = (Ints){ 1, ARRAY(1) };
	Node *y = LAYER(&f, conv2d, conv2d, &a, x, param(&f, 4, ARRAY(4, 3, 3, 3)),
			param(&f, 1, ARRAY(4)));
	y = emit1(f.b, OP_relu, y);
	result(&f, dense(&f, y, 3));
	Graph *g = run_pass(&f, pass_flatten, f.g);
	assert_int_equal(find_op(g, OP_relu)->type->rank, 4);
	stop(&f);
}

/* --- attention ------------------------------------------------------------------------------- */

typedef enum ScaleAt {
	SCALE_PARAM,
	SCALE_SCORES,
	SCALE_DIVIDED,
	SCALE_Q,
	SCALE_BOTH,
	SCALE_NONE,
	SCALE_AFTER_MASK
} ScaleAt;
typedef enum MaskForm {
	MASK_NONE,
	MASK_KEYS,
	MASK_FULL,
	MASK_SQUARE,
	MASK_SELECT,
	MASK_NOT,
	MASK_CAUSAL,
	MASK_CAUSAL_SELECT,
	MASK_ZERO,
	MASK_TWO
} MaskForm;
typedef enum HeadForm { HEADS_4D, HEADS_3D, HEADS_3D_MASK_4D, HEADS_DYNAMO } HeadForm;

typedef struct AttentionCase {
	const char *what;
	ScaleAt scale;
	MaskForm mask;
	HeadForm heads;
	bool product_form, shared,
		low_mask_missing; /* softmax by 1/sum; probabilities read twice */
	int64_t queries, keys;
	bool fuses, causal, masked;
} AttentionCase;

enum { BATCH = 2, HEADS = 3, SIZE = 4 };

/* [B,S,H*D] to [B,H,S,D] */
static Node *split_heads(Fixture *f, Node *x, int64_t s)
{
	x = emit_reshape(f->b, x, 4, ARRAY(BATCH, s, HEADS, SIZE));
	return emit_transpose(f->b, x, PERM(0, 2, 1, 3));
}

static Node *merge_batch(Fixture *f, Node *x)
{
	const int64_t *d = x->type->dim;
	return emit_reshape(f->b, x, 3, ARRAY(BATCH * HEADS, d[2], d[3]));
}

static Node *transposed_keys(Fixture *f, const AttentionCase *t, Node *k)
{
	if (t->heads == HEADS_DYNAMO) {
		Node *flat = emit_transpose(f->b, merge_batch(f, k), PERM(0, 2, 1));
		return emit_reshape(f->b, flat, 4, ARRAY(BATCH, HEADS, SIZE, t->keys));
	}
	return k->type->rank == 4 ? emit_transpose(f->b, k, PERM(0, 1, 3, 2))
				  : emit_transpose(f->b, k, PERM(0, 2, 1));
}

static Node *lower_triangle(Fixture *f, int64_t queries, int64_t keys)
{
	Node *i = emit_iota(f->b, DT_i64, 2, ARRAY(queries, keys), 0);
	Node *j = emit_iota(f->b, DT_i64, 2, ARRAY(queries, keys), 1);
	return emit2(f->b, OP_le, j, emit_c2(f->b, OP_add, i, (double)(keys - queries)));
}

static Node *causal_mask(Fixture *f, const AttentionCase *t)
{
	Node *keep = lower_triangle(f, t->queries, t->keys);
	const Type *type = type_with_dtype(f->c, keep->type, DT_f32);
	return emit3(f->b, OP_select, keep, emit_full(f->b, type, 0),
		     emit_full(f->b, type, -INFINITY));
}

static Node *truth_input(Fixture *f, int rank, const int64_t *dim)
{
	const Type *t = type_get(f->c, DT_bool, rank, dim);
	return emit_input(f->b, t, fresh(f, "m"), f->g->input.n);
}

static Node *masked(Fixture *f, const AttentionCase *t, Node *x)
{
	int64_t s = t->queries, k = t->keys;
	double low = t->low_mask_missing ? -10 : -3.4028234663852886e38;
	Node *c, *wide;
	switch (t->mask) {
	case MASK_NONE: return x;
	case MASK_KEYS: return emit_b2(f->b, OP_add, x, input(f, 4, ARRAY(BATCH, 1, 1, k)));
	case MASK_FULL: return emit_b2(f->b, OP_add, input(f, 4, ARRAY(BATCH, HEADS, s, k)), x);
	case MASK_SQUARE: return emit_b2(f->b, OP_add, x, input(f, 2, ARRAY(s, k)));
	case MASK_SELECT:
		c = truth_input(f, 4, ARRAY(BATCH, 1, s, k));
		return emit_b3(f->b, OP_select, c, x, emit_full(f->b, x->type, low));
	case MASK_NOT:
		c = truth_input(f, 2, ARRAY(s, k));
		return emit_b3(f->b, OP_select, c, emit_scalar(f->b, DT_f32, low), x);
	case MASK_CAUSAL: return emit_b2(f->b, OP_add, x, causal_mask(f, t));
	case MASK_CAUSAL_SELECT:
		wide = emit_full(f->b, x->type, low);
		return emit_b3(f->b, OP_select, lower_triangle(f, s, k), x, wide);
	case MASK_ZERO:
		return emit_b2(f->b, OP_add, x,
			       emit_full(f->b, type_get(f->c, DT_f32, 2, ARRAY(s, k)), 0));
	case MASK_TWO:
		x = emit_b2(f->b, OP_add, x, input(f, 4, ARRAY(BATCH, 1, 1, k)));
		return emit_b2(f->b, OP_add, x, input(f, 4, ARRAY(1, HEADS, s, k)));
	}
	return x;
}

static Node *softmax_pieces(Fixture *f, const AttentionCase *t, Node *x)
{
	int64_t last = x->type->rank - 1;
	if (!t->product_form)
		return LAYER(f, softmax, softmax, &(Attr_softmax){ .axis = -1 }, x);
	Node *m = emit_reduce(f->b, OP_reduce_max, x, 1, &last, true);
	Node *e = emit1(f->b, OP_exp, emit_b2(f->b, OP_sub, x, m));
	Node *sum = emit_reduce(f->b, OP_reduce_sum, e, 1, &last, false);
	int64_t dim[MAX_RANK];
	memcpy(dim, x->type->dim, sizeof dim);
	dim[last] = 1;
	sum = emit_reshape(f->b, sum, x->type->rank, dim);
	Node *inverse = emit2(f->b, OP_div, emit_full(f->b, sum->type, 1), sum);
	return emit_b2(f->b, OP_mul, e, inverse);
}

static Node *attention_scores(Fixture *f, const AttentionCase *t, Node *q, Node *k)
{
	double root = t->scale == SCALE_BOTH ? 0.8 : 1;
	Node *kt = transposed_keys(f, t, k);
	if (t->scale == SCALE_PARAM) {
		Node *c = param_around(f, 2, 1, ARRAY(1));
		q = emit_b2(f->b, OP_div, q, c);
		kt = emit_b2(f->b, OP_mul, param_around(f, 2, 1, ARRAY(1)), kt);
	}
	if (t->scale == SCALE_Q)
		q = emit_c2(f->b, OP_mul, q, 0.6);
	if (t->scale == SCALE_BOTH) {
		q = emit_c2(f->b, OP_mul, q, root);
		kt = emit_c2(f->b, OP_mul, kt, root);
	}
	Node *x = emit_matmul(f->b, q, kt, false, false);
	if (t->scale == SCALE_SCORES)
		x = emit_c2(f->b, OP_mul, x, 0.7);
	if (t->scale == SCALE_DIVIDED)
		x = emit_c2(f->b, OP_div, x, 3);
	if (t->heads == HEADS_3D_MASK_4D)
		x = emit_reshape(f->b, x, 4, ARRAY(BATCH, HEADS, t->queries, t->keys));
	x = masked(f, t, x);
	return t->scale == SCALE_AFTER_MASK ? emit_c2(f->b, OP_mul, x, 0.5) : x;
}

static void build_attention(Fixture *f, const AttentionCase *t)
{
	int64_t c = HEADS * SIZE;
	Node *x = input(f, 3, ARRAY(BATCH, t->queries, c)),
	     *m = input(f, 3, ARRAY(BATCH, t->keys, c));
	Node *q = split_heads(f, dense(f, x, c), t->queries);
	Node *k = split_heads(f, dense(f, m, c), t->keys),
	     *v = split_heads(f, dense(f, m, c), t->keys);
	bool flat = t->heads == HEADS_3D || t->heads == HEADS_3D_MASK_4D;
	if (flat) {
		q = merge_batch(f, q);
		k = merge_batch(f, k);
		v = merge_batch(f, v);
	}
	Node *s = attention_scores(f, t, q, k);
	if (t->heads == HEADS_3D_MASK_4D && t->mask != MASK_NONE)
		s = emit_reshape(f->b, s, 3, ARRAY(BATCH * HEADS, t->queries, t->keys));
	Node *p = softmax_pieces(f, t, s);
	if (p->type->rank != v->type->rank)
		p = merge_batch(f, p);
	Node *y = emit_matmul(f->b, p, v, false, false);
	y = emit_reshape(f->b, y, 4, ARRAY(BATCH, HEADS, t->queries, SIZE));
	y = emit_reshape(f->b, emit_transpose(f->b, y, PERM(0, 2, 1, 3)), 3,
			 ARRAY(BATCH, t->queries, c));
	result(f, dense(f, y, c));
	if (t->shared)
		result(f, p);
}

static const AttentionCase attention_case[] = {
	{ "plain", SCALE_SCORES, MASK_NONE, HEADS_4D, 0, 0, 0, 5, 5, 1, 0, 0 },
	{ "no scale", SCALE_NONE, MASK_NONE, HEADS_4D, 0, 0, 0, 5, 6, 1, 0, 0 },
	{ "1 / sum", SCALE_DIVIDED, MASK_KEYS, HEADS_4D, 1, 0, 0, 5, 5, 1, 0, 1 },
	{ "scale on q and k", SCALE_BOTH, MASK_FULL, HEADS_4D, 0, 0, 0, 4, 5, 1, 0, 1 },
	{ "dynamo", SCALE_BOTH, MASK_KEYS, HEADS_DYNAMO, 0, 0, 0, 5, 5, 1, 0, 1 },
	{ "scale a parameter", SCALE_PARAM, MASK_KEYS, HEADS_DYNAMO, 0, 0, 0, 5, 5, 1, 0, 1 },
	{ "scale on q", SCALE_Q, MASK_SQUARE, HEADS_4D, 0, 0, 0, 5, 6, 1, 0, 1 },
	{ "mask scaled", SCALE_AFTER_MASK, MASK_KEYS, HEADS_4D, 0, 0, 0, 5, 5, 1, 0, 1 },
	{ "select", SCALE_SCORES, MASK_SELECT, HEADS_4D, 0, 0, 0, 5, 5, 1, 0, 1 },
	{ "select the others", SCALE_SCORES, MASK_NOT, HEADS_4D, 1, 0, 0, 5, 5, 1, 0, 1 },
	{ "causal", SCALE_DIVIDED, MASK_CAUSAL, HEADS_4D, 0, 0, 0, 5, 5, 1, 1, 0 },
	{ "causal with a past", SCALE_DIVIDED, MASK_CAUSAL, HEADS_4D, 0, 0, 0, 3, 5, 1, 1, 0 },
	{ "one query", SCALE_DIVIDED, MASK_CAUSAL, HEADS_4D, 0, 0, 0, 1, 5, 1, 0, 0 },
	{ "causal select", SCALE_SCORES, MASK_CAUSAL_SELECT, HEADS_4D, 0, 0, 0, 5, 5, 1, 1, 0 },
	{ "nothing masked", SCALE_SCORES, MASK_ZERO, HEADS_4D, 0, 0, 0, 5, 5, 1, 0, 0 },
	{ "two masks", SCALE_SCORES, MASK_TWO, HEADS_4D, 0, 0, 0, 5, 5, 1, 0, 1 },
	{ "3-D", SCALE_SCORES, MASK_NONE, HEADS_3D, 0, 0, 0, 5, 5, 1, 0, 0 },
	{ "3-D causal", SCALE_Q, MASK_CAUSAL, HEADS_3D, 1, 0, 0, 5, 5, 1, 1, 0 },
	{ "3-D, mask 4-D", SCALE_Q, MASK_KEYS, HEADS_3D_MASK_4D, 0, 0, 0, 5, 5, 1, 0, 1 },
	{ "3-D, full mask 4-D", SCALE_Q, MASK_FULL, HEADS_3D_MASK_4D, 0, 0, 0, 5, 5, 1, 0, 1 },
	{ "probabilities read", SCALE_Q, MASK_KEYS, HEADS_4D, 0, 1, 0, 5, 5, 0, 0, 0 },
	{ "mask not low", SCALE_Q, MASK_SELECT, HEADS_4D, 0, 0, 1, 5, 5, 0, 0, 0 },
};

static void test_attention(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof attention_case / sizeof *attention_case; i++) {
		const AttentionCase *t = &attention_case[i];
		Fixture f;
		start(&f, 10 + i);
		build_attention(&f, t);
		Graph *g = run_pass(&f, pass_attention, f.g);
		if (count_op(g, OP_attention) != t->fuses) {
			show("after", g);
			fail_msg("%s: %s", t->what, str_text(&f.explain));
		}
		assert_non_null(
			strstr(str_text(&f.explain), t->fuses ? "attention:" : "near miss"));
		if (t->fuses) {
			const Node *n = find_op(g, OP_attention);
			if (n->n_in - 3 != t->masked ||
			    ATTR_OF(n, attention)->causal != t->causal) {
				show("after", g);
				fail_msg("%s: %d inputs", t->what, n->n_in);
			}
			assert_int_equal(n->type->dim[0], BATCH);
			assert_int_equal(count_op(g, OP_exp), 0);
		}
		run_all(&f);
		stop(&f);
	}
}

static void test_attention_strict(void **state)
{
	Fixture f;
	(void)state;
	start(&f, 3);
	build_attention(&f, &attention_case[0]);
	f.c->fp = FP_STRICT;
	assert_int_equal(count_op(run_pass(&f, pass_attention, f.g), OP_attention), 0);
	stop(&f);
}

/* --- anything -------------------------------------------------------------------------------- */

static Node *random_row_op(Fixture *f, Node *x, Node *other)
{
	int64_t b = x->type->dim[0], s = x->type->dim[1], c = x->type->dim[2];
	Node *p;
	switch (next_random(f) % 10) {
	case 0: return dense(f, x, 1 + next_random(f) % 8);
	case 1: return layer_norm(f, x);
	case 2:
		return type_same_shape(x->type, other->type) ? emit2(f->b, OP_mul, x, other)
							     : gelu(f, x);
	case 3: return emit_b2(f->b, OP_add, x, param(f, 1, ARRAY(c)));
	case 4: return emit_b2(f->b, OP_add, x, param(f, 2, ARRAY(s, c)));
	case 5: return emit_b2(f->b, OP_mul, x, input(f, 3, ARRAY(b, 1, 1)));
	case 6: return emit_slice_axis(f->b, x, (int)(next_random(f) % 3), 0, 1);
	case 7: return emit_concat(f->b, (Node *[]){ x, x }, 2, 1 + (int)(next_random(f) % 2));
	case 8: return LAYER(f, softmax, softmax, &(Attr_softmax){ .axis = next_random(f) % 3 }, x);
	case 9:
		p = emit_matmul(f->b, x, x, false, true);
		p = LAYER(f, softmax, softmax, &(Attr_softmax){ .axis = -1 },
			  emit_c2(f->b, OP_mul, p, 0.5));
		return emit_matmul(f->b, p, x, false, false);
	}
	return x;
}

static void test_random_rows(void **state)
{
	Known all = { 0 };
	(void)state;
	for (uint64_t seed = 0; seed < 105; seed++) {
		Fixture f;
		start(&f, 2000 + seed);
		Node *x = input(&f, 3, ARRAY(2, 3, 6)), *other = x;
		f.c->emit_rules = seed % 3 != 0;
		f.c->emit_cse = seed % 5 != 0;
		f.c->emit_fold = seed % 7 != 0;
		for (int i = 0; i < 10; i++) {
			Node *y = random_row_op(&f, x, other);
			if (y->type->count > 400)
				continue;
			if (next_random(&f) % 2)
				other = x;
			x = y;
		}
		result(&f, x);
		result(&f, dense(&f, emit1(f.b, OP_tanh, other), 3));
		run_all(&f);
		all.elements += f.known.elements;
		all.unknown += f.known.unknown;
		f.known = (Known){ 0 }; /* of one graph little may be known */
		stop(&f);
	}
	assert_known(all);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_flatten_mlp),
		cmocka_unit_test(test_flatten_embedding),
		cmocka_unit_test(test_flatten_gated_and_split),
		cmocka_unit_test(test_flatten_deeper),
		cmocka_unit_test(test_flatten_leaves_images),
		cmocka_unit_test(test_attention),
		cmocka_unit_test(test_attention_strict),
		cmocka_unit_test(test_random_rows),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
