/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* What operators refuse and how they say it; that no request, however wrong, does harm; implicit
 * parameters; expansion. */
#include "ir/eval.h"
#include "ir/hooks.h"
#include "ir/ops/params.h"
#include "ir/text.h"
#include "passes/expand.h"
#include "tests/unit/check.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

/* --- messages -------------------------------------------------------------------------------- */

static const struct Refused {
	const char *inputs, *body;
	DiagCode code;
	const char *message;
} refused[] = {
	{ "%x: f32[2,3], %y: f32[2,4]", "add %x, %y", E5011,
	  "add: x is f32[2,3], but y is f32[2,4]" },
	{ "%x: f32[2], %y: i64[2]", "mul %x, %y", E5012, "one data type is needed" },
	{ "%x: i64[2]", "exp %x", E5012, "must be of a floating-point type" },
	{ "%x: f32[2]", "not %x", E5012, "holds floating-point numbers" },
	{ "%x: bool[2], %y: bool[2]", "add %x, %y", E5012, "holds truth values" },
	{ "%x: f32[2], %y: f32[2]", "select %x, %x, %y", E5012, "c holds truth values" },
	{ "%x: f32[2,3]", "broadcast %x {shape=[3,3]}", E5011,
	  "f32[2,3] does not repeat to f32[3,3]" },
	{ "%x: f32[2,3]", "reshape %x {shape=[4,2]}", E5011, "do not fill [4,2]" },
	{ "%x: f32[2,3]", "reshape %x {shape=[-1,-1]}", E5013, "more than one size open" },
	{ "%x: f32[2,3]", "transpose %x {perm=[0,0]}", E5013, "names dimension 0 twice" },
	{ "%x: f32[4]", "slice %x {begin=[2], count=[3], step=[1]}", E5013, "leave the tensor" },
	{ "%x: f32[4]", "slice %x {begin=[0], count=[2], step=[0]}", E5013, "is 0" },
	{ "%x: f32[4], %v: f32", "pad %x, %v {low=[-3], high=[-2]}", E5013, "cropped by more" },
	{ "%x: f32[4,2], %y: f32[4,3]", "concat %x, %y {axis=0}", E5011, "part 1 is f32[4,3]" },
	{ "%x: f32[4], %i: f32[2]", "gather %x, %i", E5012, "holds indices" },
	{ "%x: f32[2,3]", "reduce_sum %x {axes=[2]}", E5013,
	  "axis 2 is outside of a tensor of rank 2" },
	{ "%x: f32[2,3]", "reduce_sum %x {axes=[1,-1]}", E5013, "dimension 1 twice" },
	{ "%x: f32[1,32,8,8], %w: f32[8,64,3,3]", "conv %x, %w", E5011,
	  "conv: weights expect 64 input channels, input has 32" },
	{ "%x: f32[1,32,8,8], %w: f32[8,32,3,3]", "conv %x, %w {groups=3}", E5013,
	  "3 groups do not" },
	{ "%x: f32[1,3,2,2], %w: f32[8,3,3,3]", "conv %x, %w", E5011, "covers 3 rows" },
	{ "%x: f32[1,3,8,8], %w: f32[8,3,3,3]", "conv %x, %w {stride=[0,1]}", E5013,
	  "stride is [0, 1], it must be 1 or more" },
	{ "%x: f32[1,3,8,8]", "window_max %x {kernel=[2,2], pad=[2,0,0,0]}", E5013,
	  "padding alone" },
	{ "%x: f32[2,3], %w: f32[4,5]", "matmul %x, %w", E5011, "rows of 3 meet columns of 4" },
	{ "%x: f32[2,2,3], %w: f32[3,5]", "matmul %x, %w", E5011, "same leading sizes" },
	{ "%q: f32[1,2,3,4], %k: f32[1,2,5,3], %v: f32[1,2,5,4]", "attention %q, %k, %v", E5011,
	  "do not fit" },
	{ "%x: f32[3]", "topk_index %x {k=4}", E5013,
	  "k is 4, dimension 0 of f32[3] has 3 elements" },
	{ "%x: f32[1,3,4,4,4], %w: f32[8,3,3,3,3]", "conv2d %x, %w", E5111,
	  "three spatial dimensions" },
	{ "%x: f32[1,3,4,4], %w: f32[8,3,3,3]", "conv2d %x, %w {pad=\"around\"}", E5013,
	  "not understood" },
	{ "%x: f32[1,3,4,4], %w: f32[8,3,3,3]", "conv2d %x, %w {kernel=[5]}", E5011,
	  "kernel=\"5,5\"" },
	{ "%x: f32[1,3,4,4], %w: f32[8,3,3,3], %b: f32[7]", "conv2d %x, %w, %b", E5011,
	  "b must be a vector of 8" },
	{ "%x: f32[2,5], %w: f32[4,6]", "linear %x, %w", E5011,
	  "expect 6 features, x, f32[2,5], has 5" },
	{ "%x: f32[2,5]", "split %x {axis=1, sizes=[2,2]}", E5013, "do not add up to 5" },
	{ "%x: f32[2,5]", "split %x", E5013, "neither sizes nor the number of parts" },
	{ "%x: f32[2,5], %y: f32[5,2]", "einsum %x, %y {equation=\"ij,kj->ik\"}", E5011,
	  "'j' is 5" },
	{ "%x: f32[2,5]", "einsum %x {equation=\"ij->k\"}", E5013, "that no operand has" },
	{ "%x: f32[2,5]", "gelu %x {approximate=\"fast\"}", E5013,
	  "approximate=\"fast\" is not known" },
	{ "%x: f32[1,6,4,4]", "depth_to_space %x {block=2}", E5013, "6 channels make no blocks" },
	{ "%x: f32[2,3]", "tile %x {repeats=[1099511627776, 1]}", E5014, "too large" },
	{ "%x: f32[1,1]", "unsqueeze %x {axes=[0,1,2,3,4,5,6]}", E5014, "9 dimensions" },
	{ "%x: f32[2,4,4]", "resize %x {size=[1,2,3,4]}", E5013, "do not fit x" },
	{ "%x: f32[2], %r: f32", "adam %x, %x, %x, %x, %r, %r {beta2=1}", E5013,
	  "adam: beta2 is 1, it must be at least 0 and less than 1" },
	{ "%x: f32[2], %r: f32", "adamw %x, %x, %x, %x, %r, %r {beta1=-0.1}", E5013,
	  "beta1 is -0.1, it must be at least 0" },
	{ "%x: f32[2], %r: f32", "adam %x, %x, %x, %x, %r, %r {eps=0}", E5013,
	  "eps is 0, it must be more than 0" },
	{ "%x: f32[2,3], %s: f32[3]", "batchnorm %x, %s, %s, %s, %s {eps=-1}", E5013,
	  "batchnorm: eps is -1, it must be 0 or more" },
	{ "%q: f32[1,1,2,4], %k: f32[1,1,0,4]", "attention %q, %k, %k", E5011,
	  "k, f32[1,1,0,4], has no keys" },
	{ "%x: f32[2,3]", "dropout %x {p=1.5}", E5013, "p is 1.5, it must be from 0 to 1" },
	{ "%x: f32[2,3]", "clip %x {min=nan}", E5013, "min is nan, it must be a number, not NaN" },
	{ "%x: f32[2,3,4], %w: f32[1,20,4], %r: f32[1,20,5]", "lstm %x, %w, %r {hidden=0}", E5013,
	  "lstm: hidden is 0, it must be from 1 to 16777216" },
};

static bool reports(const Context *c, DiagCode code, const char *message)
{
	for (int i = 0; i < diag_count(c->diag); i++)
		if (diag_at(c->diag, i)->code == code &&
		    strstr(diag_at(c->diag, i)->message, message))
			return true;
	return false;
}

static void test_messages(void **state)
{
	(void)state;
	int wrong = 0;
	for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
		const struct Refused *r = &refused[i];
		Context *c = context_create();
		Arena *a = arena_create();
		char *text = arena_printf(a, "graph @t(%s) {\n %%r = %s : f32\n return %%r\n}\n",
					  r->inputs, r->body);
		graph_parse(c, a, "test", text, strlen(text));
		if (!reports(c, r->code, r->message)) {
			Str shown;
			str_init(&shown, a);
			diag_print(c->diag, &shown, 0, false);
			fprintf(stderr, "%s: wanted '%s'\n%s", r->body, r->message,
				str_text(&shown));
			wrong++;
		}
		arena_destroy(a);
		context_destroy(c);
	}
	assert_int_equal(wrong, 0);
}

/* --- ranges ----------------------------------------------------------------------------------- */

/* Sets the field and says whether that is in its range. */
static bool holds(Context *c, AttrRecord r, int field, const char *text)
{
	_Alignas(max_align_t) char record[256];
	attr_defaults(c, r, record);
	assert_true(attr_set_text(c, r, record, field, text));
	return attr_in_range(r, record, field);
}

static void test_ranges(void **state)
{
	(void)state;
	Context *c = context_create();
	int n = 0;
	for (int r = 0; r < ATTR_RECORD_COUNT; r++)
		for (int i = 0; i < attr_info[r].n_field; i++) {
			const AttrFieldInfo *f = &attr_info[r].field[i];
			if (!*f->range)
				continue;
			bool real = f->kind == AK_f64 || f->kind == AK_num || f->kind == AK_nums;
			n++;
			assert_true(real || f->kind == AK_i64 || f->kind == AK_ints);
			if (!str_eq(f->def, "?"))
				assert_true(holds(c, (AttrRecord)r, i, f->def));
			assert_false(holds(c, (AttrRecord)r, i, real ? "nan" : "-1"));
			assert_true(strlen(attr_range_text(c->arena, f)) > 0);
		}
	assert_true(n > 60);
	AttrRecord adam = ATTR_adam_RECORD, conv = ATTR_conv2d_RECORD;
	int beta = attr_find(adam, "beta1"), eps = attr_find(adam, "eps"),
	    lr = attr_find(adam, "lr");
	assert_true(holds(c, adam, beta, "0") && holds(c, adam, beta, "0.99"));
	assert_false(holds(c, adam, beta, "1") || holds(c, adam, beta, "-1e-300"));
	assert_false(holds(c, adam, eps, "0") || holds(c, adam, eps, "inf"));
	assert_true(holds(c, adam, eps, "1e-300") && holds(c, adam, lr, "0"));
	assert_false(holds(c, adam, lr, "inf") || holds(c, adam, lr, "-1"));
	int p = attr_find(ATTR_dropout_RECORD, "p"), kernel = attr_find(conv, "kernel");
	assert_true(holds(c, ATTR_dropout_RECORD, p, "0") && holds(c, ATTR_dropout_RECORD, p, "1"));
	assert_true(holds(c, conv, kernel, "3 1"));
	assert_false(holds(c, conv, kernel, "3 0"));
	context_destroy(c);
}

/* --- requests at random ---------------------------------------------------------------------- */

static uint64_t random_state;

static int64_t pick(int64_t n)
{
	random_state = random_state * 6364136223846793005u + 1442695040888963407u;
	return (int64_t)((random_state >> 33) % (uint64_t)n);
}

static int64_t any_number(void)
{
	static const int64_t far[] = { INT64_MAX, INT64_MIN, 1 << 21, -(1 << 21), MAX_ELEMENTS };
	return pick(50) ? pick(8) - 2 : far[pick(5)];
}

static double any_real(void)
{
	static const double v[] = { 0, 1, -1, 0.5, 2, 1e-5, 1e300, HUGE_VAL, NAN };
	return v[pick(9)];
}

static const char *any_text(void)
{
	static const char *const v[] = { "same",      "valid",         "same_lower", "1",
					 "1,0",       "0 1 1 0",       "linear",     "cubic",
					 "reverse",   "bidirectional", "reflect",    "wrap",
					 "ij,jk->ik", "ij->",          "...i",       "->",
					 "ii",        "CRD",           "tanh" };
	return v[pick(19)];
}

static void fill_field(Arena *a, const AttrFieldInfo *f, void *record)
{
	void *at = (char *)record + f->offset;
	int n = (int)pick(5);
	int64_t *v = ARENA_ARRAY(a, int64_t, 8);
	double *d = ARENA_ARRAY(a, double, 8);
	for (int i = 0; i < 8; i++)
		v[i] = any_number(), d[i] = any_real();
	switch (f->kind) {
	case AK_i64: *(int64_t *)at = any_number(); break;
	case AK_f64: *(double *)at = any_real(); break;
	case AK_num: *(Num *)at = pick(2) ? num_of(any_real()) : num_of_i64(any_number()); break;
	case AK_flag: *(int64_t *)at = pick(2); break;
	case AK_ints: *(Ints *)at = (Ints){ n, v }; break;
	case AK_nums: *(Nums *)at = (Nums){ n, d }; break;
	case AK_str: *(const char **)at = any_text(); break;
	case AK_dtype: *(DType *)at = (DType)pick(DT_COUNT); break;
	case AK_blob:
	case AK_graph: break;
	}
}

static Attr any_attr(Context *c, Arena *a, AttrRecord r)
{
	_Alignas(max_align_t) char record[256];
	attr_defaults(c, r, record);
	for (int i = 0; i < attr_info[r].n_field; i++)
		if (pick(2) || str_eq(attr_info[r].field[i].def, "?"))
			fill_field(a, &attr_info[r].field[i], record);
	return attr_intern(c, r, record);
}

/* Mostly f32, mostly one shape, so that much is accepted. */
static const Type *any_type(Context *c, const Type *like)
{
	int64_t dim[MAX_RANK];
	DType t = pick(6) ? DT_f32 : (DType)pick(DT_COUNT);
	if (like && pick(3))
		return pick(8) ? like : type_with_dtype(c, like, t);
	int rank = (int)pick(6);
	for (int i = 0; i < rank; i++)
		dim[i] = pick(20) ? 1 + pick(4) : 0;
	return type_get(c, t, rank, dim);
}

static bool is_small(const Type *t)
{
	if (t->dtype != DT_tuple)
		return t->count <= 4096;
	for (int i = 0; i < t->n_elem; i++)
		if (t->elem[i]->count > 4096)
			return false;
	return true;
}

/* The accepted node is evaluated; what comes out has the inferred types. */
static void evaluate(Builder *b, Arena *a, Node *n)
{
	EvalTensor in[8], out[MAX_RESULTS];
	const Graph *g = b->graph;
	bool tuple = n->type->dtype == DT_tuple;
	int count = tuple ? n->type->n_elem : 1;
	for (int i = 0; i < count; i++) {
		vec_push(a, &b->graph->result, tuple ? emit_get(b, n, i) : n);
		vec_push(a, &b->graph->result_name, NULL);
	}
	const Graph *core = expand_macros(g, a);
	assert_non_null(core);
	assert_true(graph_verify(core, LEVEL_T));
	for (int i = 0; i < core->node.n; i++)
		if (!is_small(core->node.at[i]->type))
			return;
	for (int i = 0; i < g->input.n; i++) {
		in[i] = eval_tensor(a, g->input.at[i]->type);
		for (int64_t k = 0; k < in[i].type->count; k++)
			if (in[i].f)
				in[i].f[k] = any_real();
			else
				in[i].i[k] = in[i].type->dtype == DT_bool ? pick(2) : any_number();
	}
	assert_true(eval_graph(core, a, in, out, (EvalOptions){ 0 }));
	for (int i = 0; i < count; i++)
		assert_ptr_equal(out[i].type, tuple ? n->type->elem[i] : n->type);
}

static bool try_operator(Op op)
{
	Context *c = context_create();
	Arena *a = arena_create();
	Builder *b = builder_create(graph_create(c, a, "t"));
	const OpInfo *info = op_info(op);
	int n_in = info->min_in + (int)pick(info->max_in - info->min_in + 1);
	n_in += info->variadic ? (int)pick(3) : 0;
	Node *in[8];
	const Type *t = NULL;
	for (int i = 0; i < n_in; i++) {
		t = any_type(c, t);
		in[i] = emit_input(b, t, NULL, i);
	}
	Node *n = emit(b, op, any_attr(c, a, info->attr), in, n_in);
	bool accepted = !is_poison(n);
	assert_int_equal(accepted, diag_errors(c->diag) == 0);
	if (accepted && is_small(n->type))
		evaluate(b, a, n);
	arena_destroy(a);
	context_destroy(c);
	return accepted;
}

static void test_random_requests(void **state)
{
	(void)state;
	int accepted = 0;
	for (int op = 0; op < OP_COUNT; op++) {
		bool leaf = op == OP_input || op == OP_param || op == OP_const;
		if (leaf || !(op_info((Op)op)->levels & (LEVEL_T | LEVEL_M)))
			continue;
		for (int i = 0; i < 100; i++) {
			random_state = (uint64_t)op * 1000 + (uint64_t)i;
			accepted += try_operator((Op)op);
		}
	}
	assert_true(accepted > 1000);
}

/* --- parameters ------------------------------------------------------------------------------ */

static const char *param_of(Context *c, Builder *b, Op op, const char *attrs, Node *const *in,
			    int i)
{
	_Alignas(max_align_t) char record[256];
	AttrRecord r = op_info(op)->attr;
	const Type *t;
	const char *init;
	char name[32], value[32];
	int used;
	attr_defaults(c, r, record);
	for (; sscanf(attrs, "%31[a-z_]=%31s %n", name, value, &used) == 2; attrs += used)
		assert_true(attr_set_text(c, r, record, attr_find(r, name), value));
	if (!op_param_type(b, op, attr_intern(c, r, record), in, i, &t, &init))
		return "error";
	if (!t)
		return "none";
	Str s;
	str_init(&s, b->graph->arena);
	type_print(&s, t);
	str_fmt(&s, " %s", init);
	return str_text(&s);
}

static void test_parameters(void **state)
{
	(void)state;
	Context *c = context_create();
	Arena *a = arena_create();
	Builder *b = builder_create(graph_create(c, a, "t"));
	Node *image = emit_input(b, type_get(c, DT_f32, 4, (int64_t[]){ 1, 8, 9, 9 }), "x", 0);
	Node *line = emit_input(b, type_get(c, DT_f32, 3, (int64_t[]){ 5, 2, 6 }), "y", 1);
	Node *w = emit_input(b, type_get(c, DT_f32, 4, (int64_t[]){ 4, 8, 3, 3 }), "w", 2);
	Node *im[2] = { image, w }, *ln[2] = { line, w };
#define SAYS(text, op, attrs, in, i) \
	assert_string_equal(param_of(c, b, OP_##op, attrs, in, i), text)
	SAYS("f32[4,8,3,5] uniform_fan_in", conv2d, "filters=4 kernel=3,5", im, 1);
	SAYS("f32[4,2,3,3] uniform_fan_in", conv2d, "filters=4 kernel=3 groups=4", im, 1);
	SAYS("f32[8,1,3,3] uniform_fan_in", conv2d, "kernel=3 groups=0", im, 1);
	SAYS("f32[4] zeros", conv2d, "", im, 2);
	SAYS("none", conv2d, "bias=no", im, 2);
	SAYS("f32[8,2,2,2] uniform_fan_in", conv_transpose2d, "filters=4 kernel=2 groups=2", im, 1);
	SAYS("f32[3,6] uniform_fan_in", linear, "units=3", ln, 1);
	SAYS("f32[8] ones", batchnorm, "", im, 1);
	SAYS("f32[8] zeros", batchnorm, "", im, 3);
	SAYS("f32[2,6] ones", layernorm, "axis=1", ln, 1);
	SAYS("none", layernorm, "bias=no", ln, 2);
	SAYS("f32[8] zeros", groupnorm, "groups=2", im, 2);
	SAYS("none", groupnorm, "affine=no", im, 1);
	SAYS("f32[10,3] normal", embedding, "count=10 units=3", im, 1);
	SAYS("f32[2,28,6] uniform_hidden", lstm, "hidden=7 direction=bidirectional", ln, 1);
	SAYS("f32[1,21,7] uniform_hidden", gru, "hidden=7", ln, 2);
	SAYS("f32[1,14] uniform_hidden", rnn, "hidden=7", ln, 3);
	SAYS("error", linear, "", ln, 1);
	assert_true(reports(c, E5013, "linear: units is missing"));
#undef SAYS
	arena_destroy(a);
	context_destroy(c);
}

/* Every row whose inputs become parameters has an answer for them. */
static void test_every_layer_has_parameters(void **state)
{
	(void)state;
	for (int op = 0; op < OP_COUNT; op++)
		for (int i = 0; i < op_info((Op)op)->max_in; i++) {
			bool optional;
			const char *param, *init;
			const Type *t;
			op_input_name((Op)op, i, &optional, &param);
			if (!param)
				continue;
			Context *c = context_create();
			Arena *a = arena_create();
			Builder *b = builder_create(graph_create(c, a, "t"));
			Node *x = emit_input(b, type_get(c, DT_f32, 4, (int64_t[]){ 1, 8, 9, 9 }),
					     "x", 0);
			Node *in[5] = { x, x, x, x, x };
			_Alignas(max_align_t) char record[256];
			attr_defaults(c, op_info((Op)op)->attr, record);
			Attr attr = attr_intern(c, op_info((Op)op)->attr, record);
			op_param_type(b, (Op)op, attr, in, i, &t, &init);
			assert_false(reports(c, E7001, ""));
			arena_destroy(a);
			context_destroy(c);
		}
}

/* --- expansion ------------------------------------------------------------------------------- */

static bool keep_softmax(void *user, const Node *n)
{
	(void)user;
	return n->op == OP_softmax;
}

static bool has_op(const Graph *g, Op op)
{
	for (int i = 0; i < g->node.n; i++)
		if (g->node.at[i]->op == op)
			return true;
	return false;
}

static void test_expansion(void **state)
{
	(void)state;
	static const char text[] = "graph @t(%x: f32[2,4]) {\n"
				   "  %t = split %x {axis=1, sizes=[1, 3]} : (f32[2,1], f32[2,3])\n"
				   "  %p = get %t {index=1} : f32[2,3]\n"
				   "  %s = softmax %p : f32[2,3] @\"m.xml\":7\n"
				   "  %g = gelu %s : f32[2,3]\n"
				   "  return %g as y\n}\n";
	Context *c = context_create();
	Arena *a = arena_create();
	Graph *g = graph_parse(c, a, "test", text, sizeof text - 1);
	assert_non_null(g);
	Graph *all = expand_macros(g, a), *but = expand_macros_but(g, a, keep_softmax, NULL);
	assert_non_null(all);
	assert_non_null(but);
	assert_true(graph_verify(all, LEVEL_T));
	assert_false(has_op(all, OP_softmax));
	assert_true(has_op(but, OP_softmax));
	assert_false(has_op(but, OP_split));
	assert_string_equal(all->result_name.at[0], "y");
	assert_string_equal(all->result.at[0]->name, "g");
	for (int i = 0; i < all->node.n; i++)
		if (all->node.at[i]->op == OP_reduce_max)
			assert_int_equal(all->node.at[i]->loc.line, 7);
	arena_destroy(a);
	context_destroy(c);
}

/* A parameter without values is reported, not read. */
static void test_evaluation_without_weights(void **state)
{
	(void)state;
	static const char text[] = "graph @t(%w: f32[2] param {data=dense(\"w\", 0x1)}) {\n"
				   "  %r = relu %w : f32[2]\n  return %r\n}\n";
	Context *c = context_create();
	Arena *a = arena_create();
	Graph *g = graph_parse(c, a, "test", text, sizeof text - 1);
	EvalTensor out;
	assert_non_null(g);
	assert_true(eval_graph(g, a, NULL, &out, (EvalOptions){ 0 }));
	Attr_param none = *ATTR_OF(g->param.at[0], param);
	none.data = NULL;
	g->param.at[0]->attr = attr_intern(c, ATTR_param_RECORD, &none);
	assert_false(eval_graph(g, a, NULL, &out, (EvalOptions){ 0 }));
	assert_true(reports(c, E4002, "parameter 'w' has no values"));
	arena_destroy(a);
	context_destroy(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_messages),
		cmocka_unit_test(test_ranges),
		cmocka_unit_test(test_random_requests),
		cmocka_unit_test(test_parameters),
		cmocka_unit_test(test_every_layer_has_parameters),
		cmocka_unit_test(test_expansion),
		cmocka_unit_test(test_evaluation_without_weights),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
