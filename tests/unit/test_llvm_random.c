/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Random kernels, compiled for 4, 8 and 16 lanes, against the interpreter of kernels: nests of all
 * kinds of loops, conditions, variables with copies and lanes, guarded and gathered loads, folds.
 * All numbers are small and whole, so that results are exact in any order.
 *
 * BURIN_SEED=n runs kernel n alone and prints it; BURIN_COUNT=n runs n kernels instead of the usual
 * few. */
#include "tests/unit/kernel_run.h"
#include "ir/blob.h"
#include <math.h>

enum { ROWS = 5, COLUMNS = 37, INPUTS = 3, MAX_VARS = 40, MAX_OPEN = 6, MAX_OUTPUTS = 10 };

typedef struct RVar {
	Node *node;
	uint64_t axes;
	int level; /* of the loop or condition that declares it */
} RVar;

typedef struct Gen {
	KBuilder *kb;
	uint32_t seed;
	int lanes;
	Node *open[MAX_OPEN]; /* axes, outermost first */
	AxisKind kind[MAX_OPEN];
	int n_open, level;
	RVar var[MAX_VARS];
	int n_var;
	int input[INPUTS], n_output;
	int budget;                     /* statements left */
	Node *unrolled[4], *vectors[3]; /* axes made so far, to be opened again */
	int n_unrolled, n_vectors;
} Gen;

static int pick(Gen *g, int n)
{
	return (int)(random_bits(&g->seed) >> 8) % n;
}

static bool has_open(const Gen *g, AxisKind kind)
{
	for (int i = 0; i < g->n_open; i++)
		if (g->kind[i] == kind)
			return true;
	return false;
}

static uint64_t open_copies(const Gen *g)
{
	uint64_t axes = 0;
	for (int i = 0; i < g->n_open; i++)
		if (g->kind[i] == AX_UNROLL || g->kind[i] == AX_VECTOR)
			axes |= g->open[i]->axes;
	return axes;
}

/* --- indices --------------------------------------------------------------------------------- */

/* A sum over open axes. */
static Node *any_index(Gen *g)
{
	Node *x = kb_i(g->kb, pick(g, 4));
	for (int i = 0; i < g->n_open; i++)
		if (pick(g, 3))
			x = kb_iadd(g->kb, x, kb_imul(g->kb, g->open[i], pick(g, 3) ? 1 : 2));
	if (pick(g, 8) == 0)
		x = kb_idiv(g->kb, x, 3);
	return x;
}

/* Within 0 .. size - 1. */
static Node *index_below(Gen *g, int64_t size)
{
	int64_t min, max;
	Node *x = any_index(g);
	kb_range(g->kb, x, &min, &max);
	return min >= 0 && max < size ? x : kb_imod(g->kb, x, size);
}

static Node *load_at(Gen *g, Node *row, Node *column)
{
	Node *at[2] = { row, column };
	Node *x = kb_load_buf(g->kb, g->input[pick(g, INPUTS)], at);
	Attr_cast attr = { .to = DT_f64 };
	if (x->type->dtype == DT_f64)
		return x;
	return kb_emit(g->kb, OP_cast, attr_intern(kb_context(g->kb), ATTR_cast_RECORD, &attr), &x,
		       1);
}

/* --- values: f64 ----------------------------------------------------------------------------- */

static Node *value(Gen *g, int depth);

static Node *condition(Gen *g, int depth)
{
	static const Op op[] = { OP_lt, OP_le, OP_gt, OP_ge, OP_eq, OP_ne };
	if (pick(g, 2))
		return kb_emit2(g->kb, op[pick(g, 6)], any_index(g), any_index(g));
	return kb_emit2(g->kb, op[pick(g, 6)], value(g, depth - 1), value(g, depth - 1));
}

static Node *guarded(Gen *g, int depth)
{
	Node *column = kb_affine(g->kb, any_index(g), 1, -3);
	Node *low = kb_emit2(g->kb, OP_ge, column, kb_i(g->kb, 0));
	Node *high = kb_emit2(g->kb, OP_lt, column, kb_i(g->kb, COLUMNS));
	Node *inside = kb_emit2(g->kb, OP_and, low, high);
	Node *x = load_at(g, index_below(g, ROWS), column), *y = value(g, depth - 1);
	if (pick(g, 2))
		x = kb_emit2(g->kb, OP_add, x, value(g, depth - 1));
	if (pick(g, 2))
		return kb_guard(g->kb, inside, x, y);
	return kb_guard(g->kb, kb_emit1(g->kb, OP_not, inside), y, x);
}

/* A variable, folded over those of its axes that are not open. */
static Node *variable(Gen *g)
{
	static const Op fold[] = { OP_fold_sum, OP_fold_max, OP_fold_min };
	if (g->n_var == 0)
		return kb_f(g->kb, DT_f64, 3);
	const RVar *v = &g->var[pick(g, g->n_var)];
	uint64_t closed = v->axes & ~open_copies(g);
	Node *x = closed ? kb_fold(g->kb, fold[pick(g, 3)], v->node, closed) : v->node;
	if (closed) /* keeps numbers small */
		x = kb_emit2(g->kb, OP_min, x, kb_f(g->kb, DT_f64, 1000));
	return x;
}

static Node *value(Gen *g, int depth)
{
	static const Op op[] = { OP_add, OP_sub, OP_min, OP_max, OP_add, OP_mul };
	KBuilder *kb = g->kb;
	Attr_cast attr = { .to = DT_f64 };
	Attr cast = attr_intern(kb_context(kb), ATTR_cast_RECORD, &attr);
	if (depth <= 0) {
		Node *x = any_index(g);
		if (pick(g, 3) == 0)
			return kb_emit(kb, OP_cast, cast, &x, 1);
		if (pick(g, 2))
			return variable(g);
		return load_at(g, index_below(g, ROWS), index_below(g, COLUMNS));
	}
	switch (pick(g, 7)) {
	case 0: return guarded(g, depth);
	case 1:
		return kb_emit3(kb, OP_select, condition(g, depth), value(g, depth - 1),
				value(g, depth - 1));
	case 2: return kb_emit1(kb, pick(g, 2) ? OP_neg : OP_relu, value(g, depth - 1));
	case 3: return value(g, 0);
	}
	Node *x = value(g, depth - 1), *y = value(g, depth - 1);
	Op which = op[pick(g, 6)];
	if (which == OP_mul)
		y = kb_f(kb, DT_f64, pick(g, 5) - 2);
	return kb_emit2(kb, which, x, y);
}

/* --- statements ------------------------------------------------------------------------------ */

static void body(Gen *g);

static void declare(Gen *g)
{
	if (g->n_var == MAX_VARS)
		return;
	uint64_t axes = open_copies(g);
	Node *x = value(g, 2);
	RVar v = { kb_var(g->kb, "x", x, axes), axes, g->level };
	g->var[g->n_var++] = v;
}

static uint64_t vector_axes(const Gen *g)
{
	uint64_t axes = 0;
	for (int i = 0; i < g->n_open; i++)
		axes |= g->kind[i] == AX_VECTOR ? g->open[i]->axes : 0;
	return axes;
}

/* A variable is set only where all its axes are open, and under no vector axis but its own. */
static void set(Gen *g)
{
	static const Op op[] = { OP_add, OP_max, OP_min };
	if (g->n_var == 0)
		return;
	const RVar *v = &g->var[pick(g, g->n_var)];
	if ((v->axes & ~open_copies(g)) || (vector_axes(g) & ~v->axes))
		return;
	Node *x = value(g, 2);
	kb_set(g->kb, v->node, pick(g, 3) ? kb_emit2(g->kb, op[pick(g, 3)], v->node, x) : x);
}

/* Every store has a buffer of its own, indexed by all open axes. */
static void store(Gen *g)
{
	int64_t dim[MAX_RANK];
	Node *at[MAX_RANK];
	int n = 0;
	if (g->n_output == MAX_OUTPUTS)
		return;
	for (int i = 0; i < g->n_open; i++) {
		at[n] = g->open[i];
		dim[n] = kb_kernel(g->kb)->axis.at[kb_axis_id(at[n])].extent;
		n++;
	}
	DType t = pick(g, 3) ? DT_f64 : DT_i32;
	Node *x = value(g, 2);
	Attr_cast attr = { .to = DT_i32 };
	if (t == DT_i32)
		x = kb_emit(g->kb, OP_cast, attr_intern(kb_context(g->kb), ATTR_cast_RECORD, &attr),
			    &x, 1);
	if (n == 0) {
		at[n] = kb_i(g->kb, 0);
		dim[n++] = 1;
	}
	kb_store_buf(g->kb, arg_strided(g->kb, t, n, dim, 0), at, x);
	g->n_output++;
}

static void inside(Gen *g, Node *axis, AxisKind kind)
{
	g->open[g->n_open] = axis;
	g->kind[g->n_open++] = kind;
	body(g);
	g->n_open--;
}

static void forget_vars(Gen *g)
{
	while (g->n_var && g->var[g->n_var - 1].level == g->level)
		g->n_var--;
}

static void repeat(Gen *g)
{
	int64_t extent = 1 + pick(g, 6);
	Node *a = kb_axis(g->kb, "l", AX_LOOP, extent, 0), *lo = NULL, *hi = NULL;
	if (pick(g, 2)) { /* bounds known only when it runs */
		Node *limit = kb_i(g->kb, extent);
		hi = kb_emit2(g->kb, OP_min, any_index(g), limit);
		lo = pick(g, 2) ? NULL : kb_emit2(g->kb, OP_min, any_index(g), limit);
		hi = vector_axes(g) & hi->axes ? NULL : hi;
		lo = lo && (vector_axes(g) & lo->axes) ? NULL : lo;
	}
	kb_open_range(g->kb, a, lo, hi);
	g->level++;
	inside(g, a, AX_LOOP);
	forget_vars(g);
	g->level--;
	kb_close(g->kb);
}

static bool is_open(const Gen *g, const Node *axis)
{
	for (int i = 0; i < g->n_open; i++)
		if (g->open[i] == axis)
			return true;
	return false;
}

/* An unrolled or vector loop over an axis, new or one that was open before. */
static void copies(Gen *g, AxisKind kind)
{
	Node **list = kind == AX_UNROLL ? g->unrolled : g->vectors;
	int *n = kind == AX_UNROLL ? &g->n_unrolled : &g->n_vectors;
	int most = kind == AX_UNROLL ? 4 : 3;
	Node *a = *n ? list[pick(g, *n)] : NULL;
	if (*n < most && (!a || pick(g, 3) == 0)) {
		int64_t extent = kind == AX_UNROLL ? 1 + pick(g, 3) : 1 + pick(g, g->lanes);
		if (kind == AX_VECTOR && pick(g, 2))
			extent = g->lanes;
		a = kb_axis(g->kb, kind == AX_UNROLL ? "u" : "v", kind, extent,
			    kind == AX_UNROLL ? 0 : g->lanes);
		list[(*n)++] = a;
	}
	if (is_open(g, a))
		return;
	kb_open(g->kb, a);
	inside(g, a, kind);
	kb_close(g->kb);
}

static void when(Gen *g)
{
	Node *c = condition(g, 1);
	if (vector_axes(g))
		return;
	kb_open_if(g->kb, c);
	g->level++;
	body(g);
	forget_vars(g);
	g->level--;
	kb_close(g->kb);
}

static void statement(Gen *g)
{
	int room = g->n_open < MAX_OPEN - 1;
	switch (pick(g, 10)) {
	case 0:
		if (room)
			repeat(g);
		return;
	case 1:
	case 2:
		if (room && !has_open(g, AX_VECTOR))
			copies(g, AX_VECTOR);
		return;
	case 3:
		if (room)
			copies(g, AX_UNROLL);
		return;
	case 4: when(g); return;
	case 5:
	case 6: declare(g); return;
	case 7:
	case 8: set(g); return;
	case 9: store(g); return;
	}
}

static void body(Gen *g)
{
	for (int n = 1 + pick(g, 4); n > 0 && g->budget > 0; n--) {
		g->budget--;
		statement(g);
	}
	if (g->n_open && pick(g, 2))
		store(g);
}

static Kernel *random_kernel(Context *c, const Target *t, uint32_t seed)
{
	static const DType type[INPUTS] = { DT_f64, DT_i32, DT_f32 };
	int64_t dim[2] = { ROWS, COLUMNS };
	Gen g = { .kb = start_kernel(c, t, seed % 2 ? "map" : "matmul"),
		  .seed = seed * 2654435761u,
		  .lanes = target_lanes(t, 4),
		  .budget = 40 };
	for (int i = 0; i < INPUTS; i++)
		g.input[i] = arg_strided(g.kb, type[i], 2, dim, 0);
	declare(&g);
	while (g.budget > 0 && g.n_output < MAX_OUTPUTS) {
		g.budget--;
		statement(&g);
	}
	store(&g);
	return kb_finish(g.kb);
}

/* --- comparison ------------------------------------------------------------------------------ */

static int64_t buf_bytes(const Buf *b)
{
	int64_t n = dtype_info[b->dtype].bytes;
	for (int i = 0; i < b->rank; i++)
		n *= b->dim[i];
	return n;
}

static Fenced make_buffer(const Buf *b, int number)
{
	Fenced f = fenced((size_t)buf_bytes(b));
	uint32_t seed = (uint32_t)number + 100;
	int64_t n = buf_bytes(b) / dtype_info[b->dtype].bytes;
	for (int64_t i = 0; i < n; i++)
		store_f64(b->dtype, f.data, i, (double)(random_bits(&seed) % 17) - 8);
	return f;
}

static void print_kernel(const Kernel *k)
{
	Str s;
	str_init(&s, k->arena);
	kernel_print(&s, k);
	fputs(str_text(&s), stderr);
}

typedef void Code16(void *, void *, void *, void *, void *, void *, void *, void *, void *, void *,
		    void *, void *, void *, void *, void *, void *, void *);

/* Compiled well, or (a program that runs once and has little to do) fast. */
static JitProgram *compile(Context *c, Kernel *k, const Target *t, bool quick)
{
	Plan p = { .arena = c->arena, .ctx = c, .name = "random" };
	if (!quick)
		return jit_kernel(c, k, t);
	vec_push(c->arena, &p.kernel, k);
	return jit_program_once(c, &p, t, (JitOptions){ 0 });
}

static void run_compiled(Context *c, Kernel *k, const Target *t, Fenced *f, bool quick)
{
	void *p[17] = { 0 };
	JitProgram *j = compile(c, k, t, quick);
	if (!j) {
		print_diag(c);
		print_kernel(k);
	}
	assert_non_null(j);
	assert_true(k->buf.n + 3 <= 17);
	for (int i = 0; i < k->buf.n; i++)
		p[i] = f[i].data;
	p[k->buf.n + 1] = (void *)1;
	Code16 *code = (Code16 *)jit_symbol(j, k->name);
	code(p[0], p[1], p[2], p[3], p[4], p[5], p[6], p[7], p[8], p[9], p[10], p[11], p[12], p[13],
	     p[14], p[15], p[16]);
	jit_destroy(j);
}

static void check_random(Context *c, const Target *t, uint32_t seed, bool show)
{
	Kernel *k = random_kernel(c, t, seed);
	Fenced a[16], b[16];
	void *arg[16];
	if (show)
		print_kernel(k);
	for (int i = 0; i < k->buf.n; i++) {
		a[i] = make_buffer(&k->buf.at[i], i);
		b[i] = make_buffer(&k->buf.at[i], i);
		arg[i] = a[i].data;
	}
	assert_true(kernel_eval(k, arg, 0, 1, NULL));
	run_compiled(c, k, t, b, seed % 4 == 3);
	for (int i = 0; i < k->buf.n; i++) {
		DType type = k->buf.at[i].dtype;
		int64_t n = buf_bytes(&k->buf.at[i]) / dtype_info[type].bytes;
		for (int64_t e = 0; e < n; e++) {
			double want = load_f64(type, a[i].data, e);
			double got = load_f64(type, b[i].data, e);
			if (got != want) {
				print_kernel(k);
				print_error("%s, seed %u: element %d of buffer %d is %g, not %g\n",
					    t->name, seed, (int)e, i, got, want);
			}
			assert_true(got == want);
		}
		fenced_free(&a[i]);
		fenced_free(&b[i]);
	}
}

static void random_kernels(void **state)
{
	(void)state;
	Target target[3];
	int n = host_targets(target);
	const char *only = getenv("BURIN_SEED"), *many = getenv("BURIN_COUNT");
	uint32_t first = only ? (uint32_t)atoi(only) : 0;
	uint32_t count = only ? 1 : many ? (uint32_t)atoi(many) : 80;
	for (uint32_t seed = first; seed < first + count; seed++)
		for (int i = 0; i < n; i++) {
			Context *c = context_create();
			check_random(c, &target[i], seed, only && i == 0);
			context_destroy(c);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(random_kernels) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
