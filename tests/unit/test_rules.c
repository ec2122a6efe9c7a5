/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The rules of emit: both sides of each give the same values, each fires, and simplifying random
 * graphs changes no result. */
#include "tests/unit/ir_fixture.h"
#include "ir/eval.h"
#include "ir/rule.h"
#include "ir/scalar.h"
#include <math.h>
#include <string.h>

/* --- rules: both sides give the same values -------------------------------------------------- */

typedef struct Side {
	Fixture *f;
	DType t;
	Node *letter[26];
	EvalTensor value[64]; /* by input */
	uint64_t *seed;
	bool positive;
	bool impossible;    /* the pattern has a number that the type has not */
	const Type *result; /* of the root, for numbers; NULL on the left */
} Side;

enum { SAMPLES = 61 };

static double special(uint64_t *seed, DType t)
{
	static const double f[] = { 0, -0.0, 1,        -1,   INFINITY, -INFINITY, NAN, 0.5,
				    2, 3,    0x1p-149, -7.5, 1e38,     -1e38,     0.1, -2 };
	static const double i[] = { 0,    1, -1,  2,    -2,         127,
				    -128, 3, 100, -100, 2147483647, -2147483648.0 };
	if (t == DT_bool)
		return pick(seed, 2);
	return dtype_is_float(t) ? f[pick(seed, 16)] : i[pick(seed, 12)];
}

static void fill_randomly(Side *s, EvalTensor *e)
{
	for (int64_t k = 0; k < e->type->count; k++) {
		double v = special(s->seed, e->type->dtype);
		if (s->positive)
			v = 0.25 + (double)pick(s->seed, 1000) / 250;
		if (e->f)
			e->f[k] = float_round(e->type->dtype, v);
		else
			e->i[k] = int_wrap(e->type->dtype, (int64_t)v);
	}
}

static Node *input_of(Side *s, DType t)
{
	Graph *g = s->f->b->graph;
	int64_t dim[1] = { SAMPLES };
	const Type *type = type_get(s->f->c, t, 1, dim);
	EvalTensor *e = &s->value[g->input.n];
	*e = eval_tensor(s->f->c->arena, type);
	fill_randomly(s, e);
	return emit_input(s->f->b, type, NULL, g->input.n);
}

static Node *constant_of(Side *s, double v)
{
	int64_t dim[1] = { SAMPLES };
	return emit_full(s->f->b, type_get(s->f->c, s->t, 1, dim), v);
}

static Node *build_side(Side *s, const char **p, DType t);

static Node *build_op(Side *s, const char **p, const char *name)
{
	Op op;
	Node *in[3];
	int n = 0;
	assert_true(op_find(name, &op));
	while (**p == '(' || **p == ',') {
		++*p;
		in[n] = build_side(s, p, op == OP_select && n == 0 ? DT_bool : s->t);
		n++;
	}
	assert_int_equal(*(*p)++, ')');
	return emit(s->f->b, op, NULL, in, n);
}

/* The node of a pattern's text at *p; letters are inputs of random values, #letters random
 * constants. */
static Node *build_side(Side *s, const char **p, DType t)
{
	char name[32] = "";
	double v;
	*p += strspn(*p, " ");
	size_t n = strcspn(*p, "(,) ");
	if (parse_f64(*p, n, &v)) {
		*p += n;
		s->impossible |= !dtype_is_float(t) && (double)float_to_int(t, v) != v;
		if (s->result)
			return emit_full(s->f->b, s->result, v);
		int64_t dim[1] = { SAMPLES };
		return emit_full(s->f->b, type_get(s->f->c, t, 1, dim), v);
	}
	bool constant = **p == '#';
	*p += constant;
	n -= (size_t)constant;
	memcpy(name, *p, n);
	*p += n;
	if (n > 1)
		return build_op(s, p, name);
	Node **letter = &s->letter[name[0] - 'a'];
	if (!*letter && constant) {
		static const double some[] = { 2, 3, -4, 0.1, 0x1p-100, 5, 1, 64 };
		v = some[pick(s->seed, 8)];
		*letter = constant_of(s, dtype_is_float(t) ? v : (double)int_wrap(t, (int64_t)v));
	} else if (!*letter) {
		*letter = input_of(s, t);
	}
	return *letter;
}

/* Equal bits but for NaN's, and the sign of zero where max leaves it open. */
static bool same_value(double a, double b, const Rule *r)
{
	if (a != a || b != b)
		return a != a && b != b;
	if (r->pattern[0] == '^' || r->pattern[0] == '~')
		return a == b || fabs(a - b) <= fabs(a) * 2e-6 + 1e-12;
	bool open_zero = strstr(r->pattern, "max") || strstr(r->pattern, "min");
	return a == b && (open_zero || a != 0 || signbit(a) == signbit(b));
}

static void compare(Side *s, const Rule *r, const char *what)
{
	EvalTensor out[2];
	if (!eval_graph(s->f->b->graph, s->f->c->arena, s->value, out,
			(EvalOptions){ .round_f32 = true }))
		fail_msg("%s: %s", what, messages(s->f->c));
	assert_ptr_equal(out[0].type, out[1].type);
	for (int64_t k = 0; k < out[0].type->count; k++) {
		bool same = out[0].f ? same_value(out[0].f[k], out[1].f[k], r)
				     : out[0].i[k] == out[1].i[k];
		double a = out[0].f ? out[0].f[k] : (double)out[0].i[k];
		double b = out[0].f ? out[1].f[k] : (double)out[1].i[k];
		if (!same)
			fail_msg("rule %s -> %s (%s): element %lld is %g by the pattern, %g by the "
				 "replacement, in\n%s",
				 r->pattern, r->replacement, what, (long long)k, a, b,
				 printed(s->f->b->graph));
	}
}

/* Both sides, unsimplified, in one graph. False when the rule does not hold for this data type. */
static bool instantiate(const Rule *r, DType t, uint64_t *seed)
{
	if ((r->pattern[0] == '~' && t != DT_f64) || (r->pattern[0] == '^' && t == DT_f16))
		return false; /* equal but for rounding: seen best where that is small */
	Fixture f = { .c = context_create() };
	f.g = graph_create(f.c, f.c->arena, "rule");
	f.b = builder_create(f.g);
	f.c->emit_rules = f.c->emit_fold = false;
	char mark = r->pattern[0];
	Side s = { .f = &f, .t = t, .seed = seed, .positive = mark == '~' || mark == '^' };
	const char *p = r->pattern + (mark == '~' || mark == '^');
	Node *left = build_side(&s, &p, t);
	bool holds = !f.b->failed && !s.impossible && (!r->when || r->when(left));
	if (holds) {
		p = r->replacement;
		s.result = left->type;
		Node *right = build_side(&s, &p, t);
		assert_false(f.b->failed);
		vec_push(f.c->arena, &f.g->result, left);
		vec_push(f.c->arena, &f.g->result, right);
		compare(&s, r, dtype_info[t].name);
	}
	context_destroy(f.c);
	return holds;
}

static void rules_keep_values(void **state)
{
	static const DType types[] = { DT_f32, DT_f64, DT_f16, DT_i32, DT_i8, DT_u8, DT_bool };
	(void)state;
	uint64_t seed = 1;
	for (const Rule *r = algebra; r->pattern; r++) {
		int held = 0;
		if (!r->replacement)
			continue;
		for (int round = 0; round < 40; round++)
			for (size_t k = 0; k < sizeof types / sizeof *types; k++)
				held += instantiate(r, types[k], &seed);
		if (!held)
			fail_msg("rule %s holds for no type", r->pattern);
	}
}

/* Under fp=fast every pattern is rewritten into something else. */
static void rules_fire(void **state)
{
	(void)state;
	static const DType types[] = { DT_f32, DT_i32, DT_bool };
	uint64_t seed = 2;
	for (const Rule *r = algebra; r->pattern; r++) {
		bool fired = false;
		for (int k = 0; k < 30 && r->replacement && !fired; k++) {
			Fixture f = { .c = context_create() };
			f.g = graph_create(f.c, f.c->arena, "rule");
			f.b = builder_create(f.g);
			f.c->fp = FP_FAST;
			f.c->emit_rules = f.c->emit_fold = false;
			Side s = { .f = &f, .t = types[k % 3], .seed = &seed };
			const char *p = r->pattern + strspn(r->pattern, "^~");
			Node *left = build_side(&s, &p, s.t);
			f.c->emit_rules = f.c->emit_fold = true;
			if (!f.b->failed && !s.impossible && (!r->when || r->when(left)))
				fired = rules_apply(f.b, left) != NULL;
			context_destroy(f.c);
		}
		if (r->replacement && !fired)
			fail_msg("rule %s never fires", r->pattern);
	}
}

/* --- simplification of random graphs --------------------------------------------------------- */

/* One random operator on one of the last values; wrong ones are refused by inference and tried
 * again. */
static void random_node(Fixture *f, uint64_t *seed)
{
	Graph *g = f->g;
	Node *x = g->node.at[g->node.n - 1 - pick(seed, g->node.n < 4 ? g->node.n : 4)];
	Node *y = g->node.at[pick(seed, g->node.n)];
	const Type *t = x->type;
	int64_t begin[MAX_RANK], count[MAX_RANK], step[MAX_RANK], dim[MAX_RANK + 1];
	int perm[MAX_RANK];
	for (int i = 0; i < t->rank; i++) {
		int64_t d = t->dim[i];
		begin[i] = pick(seed, (int)d);
		step[i] = pick(seed, 3) ? 1 : 1 - 2 * pick(seed, 2);
		count[i] = 1 + pick(seed, (int)(step[i] > 0 ? d - begin[i] : begin[i] + 1));
		if (pick(seed, 2)) {
			begin[i] = 0;
			step[i] = 1;
			count[i] = d;
		}
		dim[i] = d == 1 ? 1 + pick(seed, 2) : d;
		perm[i] = i;
	}
	for (int i = t->rank - 1; i > 0; i--) {
		int k = pick(seed, i + 1), swap = perm[i];
		perm[i] = perm[k];
		perm[k] = swap;
	}
	int64_t flat = t->count, half = flat % 2 ? 1 : 2;
	Node *both[2] = { x, y };
	switch (pick(seed, 12)) {
	case 0: emit_transpose(f->b, x, perm); break;
	case 1: emit_slice(f->b, x, begin, count, step); break;
	case 2: emit_broadcast(f->b, x, t->rank, dim); break;
	case 3: emit_reshape(f->b, x, 2, (int64_t[]){ half, flat / half }); break;
	case 4: emit_reshape(f->b, x, 3, (int64_t[]){ flat / half, 1, half }); break;
	case 5: emit_concat(f->b, both, 2, t->rank ? pick(seed, t->rank) : 0); break;
	case 6: emit_b2(f->b, pick(seed, 2) ? OP_add : OP_max, x, y); break;
	case 7: emit_c2(f->b, OP_mul, x, pick(seed, 4) - 1); break;
	case 8: emit1(f->b, pick(seed, 2) ? OP_neg : OP_relu, x); break;
	case 9: emit_reduce(f->b, OP_reduce_max, x, 1, (int64_t[]){ -1 }, pick(seed, 2)); break;
	case 10: {
		int64_t index[2] = { pick(seed, 3), pick(seed, 3) - 2 };
		Node *at = emit_const(f->b, type_of(f, "i64[2]"), index);
		if (t->rank && t->dim[0] > 2)
			emit_gather(f->b, x, at, 0);
		break;
	}
	case 11: {
		int64_t low[MAX_RANK], high[MAX_RANK];
		for (int i = 0; i < t->rank; i++) {
			low[i] = pick(seed, 2);
			high[i] = pick(seed, 2);
		}
		emit_pad(f->b, x, emit_scalar(f->b, DT_f32, pick(seed, 2)), low, high, NULL);
		break;
	}
	}
	f->b->failed = false;
}

static bool is_wanted(const Node *n)
{
	return n->type->count > 0 && n->type->count < 2000 && n->type->dtype == DT_f32;
}

static void simplification_keeps_values(void **state)
{
	(void)state;
	uint64_t seed = 3;
	int smaller = 0;
	for (int round = 0; round < 1500; round++) {
		Fixture f = { .c = context_create() };
		f.g = graph_create(f.c, f.c->arena, "random");
		f.b = builder_create(f.g);
		f.c->emit_rules = f.c->emit_fold = f.c->emit_cse = false;
		Side s = { .f = &f, .t = DT_f32, .seed = &seed };
		int64_t dim[3] = { 1 + pick(&seed, 4), 1 + pick(&seed, 3), 2 + pick(&seed, 4) };
		s.value[0] = eval_tensor(f.c->arena, type_get(f.c, DT_f32, 3, dim));
		fill_randomly(&s, &s.value[0]);
		emit_input(f.b, s.value[0].type, "x", 0);
		emit_iota(f.b, DT_f32, 3, dim, pick(&seed, 3));
		for (int i = 0; i < 12; i++)
			random_node(&f, &seed);
		Node *last = NULL;
		for (int i = 0; i < f.g->node.n; i++)
			last = is_wanted(f.g->node.at[i]) ? f.g->node.at[i] : last;
		vec_push(f.c->arena, &f.g->result, last);
		Graph *plain = graph_prune(f.g, f.c->arena);
		f.c->emit_rules = f.c->emit_fold = f.c->emit_cse = true;
		Graph *simple = graph_simplify(plain, f.c->arena);
		if (!simple || !graph_verify(simple, LEVEL_T))
			fail_msg("%s\n%s", printed(plain), messages(f.c));
		smaller += simple->node.n < plain->node.n;
		EvalTensor a, b;
		assert_true(eval_graph(plain, f.c->arena, s.value, &a,
				       (EvalOptions){ .round_f32 = true }));
		assert_true(eval_graph(simple, f.c->arena, s.value, &b,
				       (EvalOptions){ .round_f32 = true }));
		assert_ptr_equal(a.type, b.type);
		for (int64_t k = 0; k < a.type->count; k++)
			if (!(a.f[k] == b.f[k] || (a.f[k] != a.f[k] && b.f[k] != b.f[k])))
				fail_msg("element %lld: %g, simplified %g\n%s%s", (long long)k,
					 a.f[k], b.f[k], printed(plain), printed(simple));
		context_destroy(f.c);
	}
	assert_true(smaller > 500);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		FIXTURE_TEST(rules_keep_values),
		FIXTURE_TEST(rules_fire),
		FIXTURE_TEST(simplification_keeps_values),
	};
	return cmocka_run_group_tests_name("rules", tests, NULL, NULL);
}
