/* Every operator's evaluation against results of other frameworks: tests/data/ops/<operator>.txt,
 * made by bench/make_op_reference.py. A case is a graph in the text form, its inputs, and what must
 * come out. Each is evaluated as its expansion gives it, which checks inference, expansion and
 * evaluation together. An operator without a file fails. */
#include "base/str.h"
#include "ir/eval.h"
#include "ir/hooks.h"
#include "ir/text.h"
#include "passes/expand.h"
#include "tests/unit/check.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

enum { MAX_PORTS = 80 };

typedef struct Suite {
	Context *ctx;
	Arena *arena;
	const char *op, *text; /* the file */
	size_t n;
} Suite;

typedef struct Case {
	const char *name, *graph;
	size_t graph_n;
	int n_in, n_out;
	EvalTensor in[MAX_PORTS], out[MAX_PORTS];
} Case;

/* --- reading --------------------------------------------------------------------------------- */

static bool read_file(Suite *s)
{
	char *path = arena_printf(s->arena, "%s/tests/data/ops/%s.txt", BURIN_SOURCE_DIR, s->op);
	FILE *f = fopen(path, "rb");
	if (!f)
		return false;
	size_t room = 1 << 22;
	char *text = arena_alloc(s->arena, room);
	s->n = fread(text, 1, room - 1, f);
	fclose(f);
	s->text = text;
	return s->n > 0;
}

static const char *line_end(const char *p)
{
	const char *end = strchr(p, '\n');
	return end ? end : p + strlen(p);
}

static void read_element(EvalTensor *e, int64_t i, const char *p, size_t n)
{
	bool ok = e->f ? parse_f64(p, n, &e->f[i]) : parse_i64(p, n, &e->i[i]);
	if (!ok)
		fail_msg("'%.*s' is no number", (int)n, p);
}

/* TYPE VALUES to the end of the line */
static EvalTensor read_tensor(Suite *s, const char *p)
{
	const Type *t;
	if (!type_parse(s->ctx, &p, &t))
		fail_msg("%s: no type in '%.40s'", s->op, p);
	EvalTensor e = eval_tensor(s->arena, t);
	for (int64_t i = 0; i < t->count; i++) {
		p += strspn(p, " ");
		size_t n = strcspn(p, " \n");
		read_element(&e, i, p, n);
		p += n;
	}
	return e;
}

/* The next case; false at the end of the file. */
static bool read_case(Suite *s, const char **at, Case *c)
{
	const char *p = *at;
	if (!str_starts(p, "case "))
		return false;
	*c = (Case){ .name = arena_strndup(s->arena, p + 5, (size_t)(line_end(p) - p - 5)) };
	c->graph = line_end(p) + 1;
	p = strstr(c->graph, "\n}\n") + 3;
	c->graph_n = (size_t)(p - c->graph);
	for (; *p && !str_starts(p, "case "); p = line_end(p) + 1) {
		assert_true(c->n_in < MAX_PORTS && c->n_out < MAX_PORTS);
		if (str_starts(p, "in "))
			c->in[c->n_in++] = read_tensor(s, p + 3);
		else if (str_starts(p, "out "))
			c->out[c->n_out++] = read_tensor(s, p + 4);
		else
			fail_msg("%s: '%.40s'", s->op, p);
	}
	*at = p;
	return true;
}

/* --- comparing ------------------------------------------------------------------------------- */

static int failures;

static void complain(const Suite *s, const Case *c, const char *what)
{
	Str text;
	str_init(&text, s->arena);
	diag_print(s->ctx->diag, &text, 0, false);
	fprintf(stderr, "%s, case %s: %s\n%s", s->op, c->name, what, str_text(&text));
	failures++;
}

static double largest(const EvalTensor *e)
{
	double max = 0;
	for (int64_t i = 0; e->f && i < e->type->count; i++)
		if (isfinite(e->f[i]) && fabs(e->f[i]) > max)
			max = fabs(e->f[i]);
	return max;
}

static bool near(double got, double want, double room)
{
	if (isnan(want) || isinf(want))
		return isnan(want) ? isnan(got) : got == want;
	return fabs(got - want) <= room;
}

static void compare(const Suite *s, const Case *c, int k, const EvalTensor *got, double tolerance)
{
	const EvalTensor *want = &c->out[k];
	if (got->type != want->type) {
		complain(s, c, "the type differs");
		return;
	}
	double room = tolerance * largest(want);
	for (int64_t i = 0; i < want->type->count; i++) {
		bool same = want->f ? near(got->f[i], want->f[i], room) : got->i[i] == want->i[i];
		if (same)
			continue;
		complain(s, c,
			 arena_printf(s->arena, "result %d, element %lld: %.9g instead of %.9g", k,
				      (long long)i, want->f ? got->f[i] : (double)got->i[i],
				      want->f ? want->f[i] : (double)want->i[i]));
		return;
	}
}

static void run_case(Suite *s, const Case *c, EvalOptions o, double tolerance)
{
	Graph *g = graph_parse(s->ctx, s->arena, s->op, c->graph, c->graph_n);
	if (!g) {
		complain(s, c, "the graph is refused");
		return;
	}
	Graph *core = expand_macros(g, s->arena);
	EvalTensor got[MAX_PORTS];
	if (!core || !graph_verify(core, LEVEL_T) || core->result.n != c->n_out ||
	    core->input.n != c->n_in) {
		complain(s, c, "no expansion");
		return;
	}
	if (!eval_graph(core, s->arena, c->in, got, o)) {
		complain(s, c, "no evaluation");
		return;
	}
	for (int k = 0; k < c->n_out; k++)
		compare(s, c, k, &got[k], tolerance);
}

static int run_suite(const char *op, bool emit_shortcuts, EvalOptions o, double tolerance)
{
	Context *ctx = context_create();
	Suite s = { .ctx = ctx, .arena = arena_create(), .op = op };
	ctx->emit_fold = ctx->emit_rules = ctx->emit_cse = emit_shortcuts;
	int cases = 0;
	if (read_file(&s)) {
		Case *c = ARENA_NEW(s.arena, Case);
		for (const char *at = s.text; read_case(&s, &at, c); cases++)
			run_case(&s, c, o, tolerance);
	}
	arena_destroy(s.arena);
	context_destroy(ctx);
	return cases;
}

/* --- tests ----------------------------------------------------------------------------------- */

static bool needs_data(Op op)
{
	const OpInfo *info = op_info(op);
	return (info->levels & (LEVEL_T | LEVEL_M)) && !(info->flags & OF_LEAF);
}

static void run_all(bool emit_shortcuts, EvalOptions o, double tolerance)
{
	failures = 0;
	for (int op = 0; op < OP_COUNT; op++) {
		if (!needs_data((Op)op))
			continue;
		if (!run_suite(op_info((Op)op)->name, emit_shortcuts, o, tolerance)) {
			fprintf(stderr, "%s has no reference data\n", op_info((Op)op)->name);
			failures++;
		}
	}
	assert_int_equal(failures, 0);
}

static void test_reference(void **state)
{
	(void)state;
	run_all(true, (EvalOptions){ 0 }, 1e-6);
}

static void test_without_folding_and_rules(void **state)
{
	(void)state;
	run_all(false, (EvalOptions){ 0 }, 1e-6);
}

static void test_rounded_to_single_precision(void **state)
{
	(void)state;
	run_all(true, (EvalOptions){ .round_f32 = true }, 1e-4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reference),
		cmocka_unit_test(test_without_folding_and_rules),
		cmocka_unit_test(test_rounded_to_single_precision),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
