/* Graph passes: each must leave what a graph computes as it is (both graphs are evaluated on random
 * inputs), and bring it into the form that fusion and the templates expect. */
#include "tests/unit/check.h"
#include "ir/eval.h"
#include "ir/text.h"
#include "passes/pass.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

#define ARRAY(...) ((int64_t[]){ __VA_ARGS__ })
#define PERM(...) ((int[]){ __VA_ARGS__ })

typedef struct Fixture {
	Context *c;
	Arena *arena;
	Graph *g;
	Builder *b;
	PassOptions options;
	Pass pass;
	Str explain;
	uint64_t random;
	int names;
} Fixture;

static void start(Fixture *f, uint64_t seed)
{
	*f = (Fixture){ .random = seed * 2654435761u + 1 };
	f->c = context_create();
	f->arena = arena_create();
	f->g = graph_create(f->c, f->arena, "test");
	f->b = builder_create(f->g);
	str_init(&f->explain, f->arena);
	f->options.explain = &f->explain;
	f->pass = (Pass){ .ctx = f->c, .o = &f->options };
}

static void stop(Fixture *f)
{
	context_destroy(f->c);
	arena_destroy(f->arena);
}

static uint32_t next_random(Fixture *f)
{
	f->random = f->random * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(f->random >> 33);
}

static float random_number(Fixture *f)
{
	return (float)(next_random(f) % 2001) / 1000.0f - 1.0f;
}

static const char *fresh(Fixture *f, const char *prefix)
{
	return arena_printf(f->arena, "%s%d", prefix, f->names++);
}

static Node *input(Fixture *f, int rank, const int64_t *dim)
{
	const Type *t = type_get(f->c, DT_f32, rank, dim);
	return emit_input(f->b, t, fresh(f, "x"), f->g->input.n);
}

static const float *random_data(Fixture *f, int64_t n, float offset)
{
	float *data = ARENA_ARRAY(f->arena, float, n);
	for (int64_t i = 0; i < n; i++)
		data[i] = random_number(f) + offset;
	return data;
}

static Node *param_around(Fixture *f, float offset, int rank, const int64_t *dim)
{
	const Type *t = type_get(f->c, DT_f32, rank, dim);
	const char *name = fresh(f, "w");
	const Blob *data = blob_wrap(f->c, t, random_data(f, t->count, offset), name);
	return emit_param(f->b, t, name, true, data);
}

static Node *param(Fixture *f, int rank, const int64_t *dim)
{
	return param_around(f, 0, rank, dim);
}

static void result(Fixture *f, Node *n)
{
	vec_push(f->arena, &f->g->result, n);
	vec_push(f->arena, &f->g->result_name, fresh(f, "y"));
}

/* A layer, by its expansion. */
static Node *layer(Fixture *f, Op op, AttrRecord r, const void *record, Node *const *in, int n_in)
{
	Attr attr = attr_intern(f->c, r, record);
	Node *out[4], *n = append_node(f->b, op, attr, in[0]->type, in, n_in);
	n->name = fresh(f, op_info(op)->name);
	assert_true(op_info(op)->expand(f->b, n, out));
	if (out[0]->n_in && !out[0]->name)
		out[0]->name = n->name;
	return out[0];
}

#define LAYER(f, op, record, attrs, ...) \
	layer((f), OP_##op, ATTR_##record##_RECORD, (attrs), (Node *[]){ __VA_ARGS__ }, \
	      (int)(sizeof((Node *[]){ __VA_ARGS__ }) / sizeof(Node *)))

/* --- comparing
 * ------------------------------------------------------------------------------------------ */

static EvalTensor *random_inputs(Fixture *f)
{
	EvalTensor *in = ARENA_ARRAY(f->arena, EvalTensor, f->g->input.n + 1);
	for (int i = 0; i < f->g->input.n; i++) {
		in[i] = eval_tensor(f->arena, f->g->input.at[i]->type);
		for (int64_t k = 0; k < in[i].type->count; k++)
			if (in[i].f)
				in[i].f[k] = random_number(f);
			else
				in[i].i[k] = next_random(f) % 2;
	}
	return in;
}

static void print_errors(Fixture *f)
{
	Str s;
	str_init(&s, f->arena);
	diag_print(f->c->diag, &s, 0, false);
	if (diag_errors(f->c->diag))
		print_message("%s\n", str_text(&s));
}

static void show(const char *title, const Graph *g)
{
	Arena *a = arena_create();
	Str s;
	str_init(&s, a);
	graph_print(&s, g, (TextOptions){ 0 });
	fprintf(stderr, "--- %s\n%s\n", title, str_text(&s));
	arena_destroy(a);
}

static void compare(Fixture *f, const EvalTensor *want, const EvalTensor *have, const Graph *made)
{
	double largest = 1e-3, worst = 0;
	assert_ptr_equal(want->type, have->type);
	if (!want->f)
		return;
	for (int64_t i = 0; i < want->type->count; i++)
		largest = fmax(largest, fabs(want->f[i]));
	for (int64_t i = 0; i < want->type->count; i++)
		worst = fmax(worst, isnan(want->f[i]) == isnan(have->f[i])
					    ? fabs(want->f[i] - have->f[i])
					    : INFINITY);
	if (worst > 1e-4 * largest) {
		show("before", f->g);
		show("after", made);
		fail_msg("results differ by %g of %g", worst, largest);
	}
}

static void check_same(Fixture *f, const Graph *before, const Graph *after)
{
	EvalTensor *in = random_inputs(f);
	EvalTensor *want = ARENA_ARRAY(f->arena, EvalTensor, before->result.n + 1);
	EvalTensor *have = ARENA_ARRAY(f->arena, EvalTensor, before->result.n + 1);
	assert_int_equal(before->result.n, after->result.n);
	assert_int_equal(before->input.n, after->input.n);
	bool ok = eval_graph(before, f->arena, in, want, (EvalOptions){ 0 }) &&
		  eval_graph(after, f->arena, in, have, (EvalOptions){ 0 });
	print_errors(f);
	assert_true(ok);
	for (int i = 0; i < before->result.n; i++) {
		assert_string_equal(before->result_name.at[i], after->result_name.at[i]);
		compare(f, &want[i], &have[i], after);
	}
}

/* Runs one pass on the fixture's graph (or on what the pass before made of it). */
static Graph *run_pass(Fixture *f, GraphPass *pass, const Graph *g)
{
	Graph *before = graph_prune(g, f->arena);
	Graph *made = pass(&f->pass, before, f->arena);
	print_errors(f);
	assert_non_null(made);
	made = graph_prune(made, f->arena);
	if (!graph_verify(made, LEVEL_T | LEVEL_M)) {
		show("after", made);
		print_errors(f);
		fail_msg("the new graph is not well-formed");
	}
	check_same(f, before, made);
	return made;
}

static GraphPass *const all_passes[] = { pass_attention,  pass_flatten, pass_layout,
					 pass_fold_scale, pass_pad,     pass_pack };

static Graph *run_all(Fixture *f)
{
	Graph *g = f->g;
	for (size_t i = 0; i < sizeof all_passes / sizeof *all_passes; i++)
		g = run_pass(f, all_passes[i], g);
	return g;
}

/* --- what is in a graph
 * --------------------------------------------------------------------------------- */

static int count_op(const Graph *g, Op op)
{
	int n = 0;
	for (int i = 0; i < g->node.n; i++)
		n += g->node.at[i]->op == op;
	return n;
}

static Node *find_op(const Graph *g, Op op)
{
	for (int i = 0; i < g->node.n; i++)
		if (g->node.at[i]->op == op)
			return g->node.at[i];
	fail_msg("there is no %s", op_info(op)->name);
	return NULL;
}

static bool *static_nodes(Fixture *f, const Graph *g)
{
	bool *is_static = ARENA_ARRAY(f->arena, bool, g->node.n + 1);
	for (int i = 0; i < g->node.n; i++) {
		const Node *n = g->node.at[i];
		is_static[i] = n->op != OP_input;
		for (int k = 0; k < n->n_in; k++)
			is_static[i] = is_static[i] && is_static[n->in[k]->id];
	}
	return is_static;
}

/* Nodes of the operator (OP_COUNT: elementwise ones) that depend on the inputs; of the given rank,
 * -1: any. */
static int count_dynamic(Fixture *f, const Graph *g, Op op, int rank)
{
	const bool *is_static = static_nodes(f, g);
	int count = 0;
	for (int i = 0; i < g->node.n; i++) {
		const Node *n = g->node.at[i];
		bool fits = op == OP_COUNT ? (op_info(n->op)->flags & OF_ELEMENTWISE) != 0
					   : n->op == op;
		count += fits && !is_static[i] && (rank < 0 || n->type->rank == rank);
	}
	return count;
}

/* --- flatten
 * -----------------------------------------------------------------------------------------------
 */

static Node *dense(Fixture *f, Node *x, int64_t units)
{
	int64_t features = x->type->dim[x->type->rank - 1];
	Node *w = param(f, 2, ARRAY(features, units));
	Node *y = LAYER(f, product, none, &(Attr_none){ 0 }, x, w);
	return emit_b2(f->b, OP_add, param(f, 1, ARRAY(units)), y);
}

static Node *layer_norm(Fixture *f, Node *x)
{
	int64_t c = x->type->dim[x->type->rank - 1];
	Attr_norm a = { .eps = 1e-5, .axis = -1, .affine = 1, .bias = 1 };
	return LAYER(f, layernorm, norm, &a, x, param_around(f, 1, 1, ARRAY(c)),
		     param(f, 1, ARRAY(c)));
}

static Node *gelu(Fixture *f, Node *x)
{
	return LAYER(f, gelu, gelu, &(Attr_gelu){ .approximate = "none" }, x);
}

static Node *mlp_block(Fixture *f, Node *x, int64_t inner)
{
	int64_t c = x->type->dim[x->type->rank - 1];
	Node *y = dense(f, gelu(f, dense(f, layer_norm(f, x), inner)), c);
	return emit2(f->b, OP_add, x, y);
}

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

/* --- attention
 * ------------------------------------------------------------------------------------------------
 */

typedef enum ScaleAt {
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

/* --- layout
 * ------------------------------------------------------------------------------------------------------
 */

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
	for (int i = 0; i < g->node.n; i++)
		if (g->node.at[i]->op == OP_add)
			assert_true(g->node.at[i]->type->dim[1] == g->node.at[i]->type->dim[2]);
	run_all(&f);
	stop(&f);
}

/* --- fold_scale
 * ------------------------------------------------------------------------------------------------------
 */

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

/* --- pad, pack
 * ----------------------------------------------------------------------------------------------------------
 */

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
	assert_int_equal(count_op(g, OP_pad), 2); /* three readers share one */
	assert_int_equal(find_op(g, OP_pad)->in[0]->op, OP_input);
	for (int i = 0; i < g->node.n; i++) {
		const Node *n = g->node.at[i];
		for (int k = 0; n->op == OP_conv && k < 4; k++)
			assert_int_equal(ATTR_OF(n, conv)->pad.v[k], 0);
	}
	assert_int_equal(ATTR_OF(find_op(g, OP_window_max), window)->pad.v[0], 1);
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

/* --- anything
 * -------------------------------------------------------------------------------------------------------------
 */

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
	for (uint64_t seed = 0; seed < 60; seed++) {
		Fixture f;
		start(&f, 1000 + seed);
		Node *x = input(&f, 4, ARRAY(2, 3, 6, 5)), *other = x;
		if (seed % 3 == 0)
			f.c->emit_rules = false;
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
	(void)state;
	for (uint64_t seed = 0; seed < 60; seed++) {
		Fixture f;
		start(&f, 2000 + seed);
		Node *x = input(&f, 3, ARRAY(2, 3, 6)), *other = x;
		if (seed % 3 == 0)
			f.c->emit_rules = false;
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
		stop(&f);
	}
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
		cmocka_unit_test(test_fold_strict),
		cmocka_unit_test(test_pad),
		cmocka_unit_test(test_pad_leaves_old_order),
		cmocka_unit_test(test_pack),
		cmocka_unit_test(test_pack_leaves),
		cmocka_unit_test(test_random_images),
		cmocka_unit_test(test_random_rows),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
