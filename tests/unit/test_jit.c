/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Programs in memory: a plan of two kernels is compiled (by several threads, with a cache), linked,
 * and run by the runtime. */
#include "tests/unit/kernel_run.h"
#include "ir/blob.h"
#include "runtime/cpu/rt.h"

enum { N = 100 };

/* out[i] = in[i] * factor[i]: the factor is the second or the third argument's element 0. */
static Kernel *scale_kernel(Context *c, const Target *t, bool add)
{
	KBuilder *kb = start_kernel(c, t, "map");
	int x = arg1(kb, DT_f32, N), w = arg1(kb, DT_f32, N), out = arg1(kb, DT_f32, N);
	Node *i = kb_axis(kb, "i", AX_TASK, N, 0);
	kb_open(kb, i);
	store1(kb, out, i, kb_emit2(kb, add ? OP_add : OP_mul, load1(kb, x, i), load1(kb, w, i)));
	kb_close(kb);
	return kb_finish(kb);
}

static Step step(Kernel *k, PlanArg *arg)
{
	return (Step){ .kernel = k,
		       .arg = arg,
		       .n_arg = 3,
		       .n_tasks = N,
		       .kind = "map",
		       .sources = "a b",
		       .flops = N };
}

/* y = (x * weights) + x, z = y * y by way of the workspace at 256 */
static Plan *example(Context *c, const Target *t)
{
	static PlanArg first[3] = { { SPACE_INPUT, 0, 0 },
				    { SPACE_WEIGHT, 0, 64 },
				    { SPACE_WORK, 0, 256 } };
	static PlanArg second[3] = { { SPACE_WORK, 0, 256 },
				     { SPACE_INPUT, 0, 0 },
				     { SPACE_OUTPUT, 0, 0 } };
	static PlanArg third[3] = { { SPACE_OUTPUT, 0, 0 },
				    { SPACE_OUTPUT, 0, 0 },
				    { SPACE_OUTPUT, 1, 0 } };
	static _Alignas(64) float weights[16 + N];
	Plan *p = ARENA_NEW(c->arena, Plan);
	int64_t n = N;
	const Type *type = type_get(c, DT_f32, 1, &n);
	p->arena = c->arena;
	p->ctx = c;
	p->name = "example";
	vec_push(c->arena, &p->input, ((PlanPort){ .name = "x", .type = type, .align = 4 }));
	vec_push(c->arena, &p->output, ((PlanPort){ .name = "y", .type = type, .align = 4 }));
	vec_push(c->arena, &p->output, ((PlanPort){ .name = "z", .type = type, .align = 4 }));
	Kernel *mul = scale_kernel(c, t, false), *add = scale_kernel(c, t, true);
	for (int b = 0; b < 3; b++) /* the third step gives one buffer twice */
		mul->buf.at[b].aliased = true;
	vec_push(c->arena, &p->kernel, mul);
	vec_push(c->arena, &p->kernel, add);
	vec_push(c->arena, &p->step, step(mul, first));
	vec_push(c->arena, &p->step, step(add, second));
	vec_push(c->arena, &p->step, step(mul, third));
	p->work_bytes = 256 + N * 4;
	p->weight_bytes = sizeof weights;
	p->weight = weights;
	for (int i = 0; i < N; i++)
		weights[16 + i] = (float)(i % 5);
	return p;
}

static void check_run(const BurinProgram *program)
{
	float x[N], y[N], z[N];
	void *ports[3] = { x, y, z };
	void *work = aligned_alloc(64, (burin_rt_workspace_bytes(program, NULL) + 63) / 64 * 64);
	for (int i = 0; i < N; i++)
		x[i] = (float)(i - 50);
	assert_int_equal(burin_rt_run(program, NULL, 1, ports, work), BURIN_RT_OK);
	for (int i = 0; i < N; i++) {
		float want = x[i] * (float)(i % 5) + x[i];
		assert_true(y[i] == want && z[i] == want * want);
	}
	free(work);
}

static void check_table(const BurinProgram *p)
{
	assert_int_equal(p->version, BURIN_PROGRAM_VERSION);
	assert_int_equal(p->size, sizeof *p);
	assert_string_equal(p->name, "example");
	assert_int_equal(p->n_in, 1);
	assert_int_equal(p->n_out, 2);
	assert_string_equal(p->out[1].name, "z");
	assert_int_equal(p->in[0].bytes, N * 4);
	assert_int_equal(p->in[0].dim[0], N);
	assert_int_equal(p->in[0].rank, 1);
	assert_int_equal(p->in[0].align, 4);
	assert_int_equal(p->n_variant, 1);
	assert_int_equal(p->variant[0].n_steps, 3);
	assert_int_equal(p->variant[0].step[2].n_tasks, N);
	assert_string_equal(p->variant[0].info[0].sources, "a b");
	assert_true(p->variant[0].info[0].flops == N);
}

/* --- a cache in memory ----------------------------------------------------------------------- */

typedef struct Memory {
	Arena *arena;
	uint8_t key[8][32];
	ObjectCode code[8];
	int n, hits;
} Memory;

static bool memory_get(void *user, const uint8_t key[32], Arena *arena, ObjectCode *out)
{
	Memory *m = user;
	for (int i = 0; i < m->n; i++)
		if (memcmp(m->key[i], key, 32) == 0) {
			m->hits++;
			out->data = arena_copy(arena, m->code[i].data, m->code[i].bytes);
			out->bytes = m->code[i].bytes;
			return true;
		}
	return false;
}

static void memory_put(void *user, const uint8_t key[32], const ObjectCode *code)
{
	Memory *m = user;
	assert_true(m->n < 8);
	memcpy(m->key[m->n], key, 32);
	m->code[m->n].data = arena_copy(m->arena, code->data, code->bytes);
	m->code[m->n++].bytes = code->bytes;
}

static void programs(void **state)
{
	(void)state;
	Context *c = context_create();
	Target t;
	assert_true(target_find("native", &t));
	for (int threads = 0; threads < 4; threads++) {
		JitProgram *j =
			jit_program(c, example(c, &t), &t, (JitOptions){ .threads = threads });
		if (!j)
			print_diag(c);
		assert_non_null(j);
		check_table(jit_table(j));
		check_run(jit_table(j));
		jit_destroy(j);
	}
	JitProgram *once = jit_program_once(c, example(c, &t), &t, (JitOptions){ .threads = 2 });
	assert_non_null(once);
	check_run(jit_table(once));
	jit_destroy(once);
	context_destroy(c);
}

static void cached(void **state)
{
	(void)state;
	Context *c = context_create();
	Target t;
	Memory m = { .arena = c->arena };
	ObjectCache cache = { &m, memory_get, memory_put };
	JitOptions o = { .threads = 2, .cache = &cache };
	assert_true(target_find("native", &t));
	for (int round = 0; round < 3; round++) {
		JitProgram *j = jit_program(c, example(c, &t), &t, o);
		assert_non_null(j);
		check_run(jit_table(j));
		jit_destroy(j);
		assert_int_equal(m.n, 2);
		assert_int_equal(m.hits, 2 * round);
	}
	c->fp = FP_STRICT; /* other code, other key */
	jit_destroy(jit_program(c, example(c, &t), &t, o));
	assert_int_equal(m.n, 4);
	context_destroy(c);
}

/* Two programs at once, one destroyed before the other runs. */
static void independent(void **state)
{
	(void)state;
	Context *c = context_create();
	Target t;
	assert_true(target_find("native", &t));
	Plan *p = example(c, &t);
	JitProgram *a = jit_program(c, p, &t, (JitOptions){ 0 });
	JitProgram *b = jit_program(c, p, &t, (JitOptions){ 0 });
	assert_non_null(a);
	assert_non_null(b);
	jit_destroy(a);
	check_run(jit_table(b));
	assert_null(jit_symbol(b, "nothing"));
	assert_non_null(jit_symbol(b, p->kernel.at[0]->name));
	jit_destroy(b);
	jit_destroy(NULL);
	context_destroy(c);
}

static bool defines(const ObjectCode *text, const char *what)
{
	return strstr(text->data, what) != NULL;
}

/* What an artefact exports and refers to. */
static void artefact_glue(void **state)
{
	(void)state;
	Context *c = context_create();
	Target t;
	ObjectCode text;
	assert_true(target_find("x86-64-v3", &t));
	Plan *p = example(c, &t);
	GlueVariant v[2] = { { .plan = p, .suffix = "_v4", .cpu = BURIN_CPU_V4, .need = { 5, 6 } },
			     { .plan = p, .suffix = "_v3", .cpu = BURIN_CPU_V3 } };
	GlueEntry e[2] = {
		{ .name = "run", .variant = v, .n_variant = 2, .weight_bytes = 464 },
		{ .name = "again", .variant = v + 1, .n_variant = 1, .weights_at = -1 }
	};
	StateLayout layout = { .bytes = 128 };
	GlueState begin = { &layout, 512, 64 };
	Glue g = { .prefix = "m",
		   .symbol = "program",
		   .name = "example",
		   .metadata = true,
		   .entry = e,
		   .n_entry = 1 };
	assert_true(glue_to_code(c, c->arena, &g, &t, CODE_IR, &text));
	assert_true(defines(&text, "define i32 @m_run(ptr %0, ptr %1, ptr %2, ptr %3, ptr %4)"));
	assert_true(defines(&text, "define i64 @m_workspace_bytes(ptr %0)"));
	assert_true(defines(&text, "define void @m_ctx_done(ptr %0)"));
	assert_true(defines(&text, "@m_descriptor = constant ptr @program"));
	assert_true(defines(&text, "@program = hidden constant"));
	assert_true(defines(&text, "@burin_weights = external hidden"));
	assert_true(defines(&text, "@burin_metadata = external hidden"));
	assert_true(defines(&text, "declare hidden i32 @burin_rt_run("));
	assert_true(defines(&text, "_v4("));
	assert_true(defines(&text, "_v3("));
	assert_false(defines(&text, "state_init"));
	e[0].free_batch = true;
	v[1].suffix = "_x";
	g.n_entry = 2;
	g.state = &begin;
	assert_true(glue_to_code(c, c->arena, &g, &t, CODE_IR, &text));
	assert_true(defines(&text,
			    "define i32 @m_run(ptr %0, i64 %1, ptr %2, ptr %3, ptr %4, ptr %5)"));
	assert_true(defines(&text, "define i32 @m_again(ptr %0, ptr %1, ptr %2, ptr %3, ptr %4)"));
	assert_true(defines(&text, "define i64 @m_again_workspace_bytes(ptr %0)"));
	assert_true(defines(&text, "@program_again = hidden constant"));
	assert_true(defines(&text, "define i32 @m_state_init(ptr %0)"));
	assert_true(defines(&text, "(i8, ptr @burin_weights, i64 512)"));
	assert_true(glue_to_object(c, c->arena, &g, &t, &text));
	context_destroy(c);
}

/* A kernel that cannot be compiled is reported with its name, whatever thread met it. */
static void failures(void **state)
{
	(void)state;
	Context *c = context_create();
	Target t;
	assert_true(target_find("native", &t));
	Plan *p = example(c, &t);
	KBuilder *kb = start_kernel(c, &t, "map");
	int buf = arg1(kb, DT_f32, 4);
	store1(kb, buf, kb_axis(kb, "v", AX_VECTOR, 4, 4), kb_f(kb, DT_f32, 1));
	vec_push(c->arena, &p->kernel, kb_finish(kb));
	assert_null(jit_program(c, p, &t, (JitOptions){ .threads = 2 }));
	assert_int_equal(diag_errors(c->diag), 1);
	assert_non_null(strstr(diag_at(c->diag, 0)->message, p->kernel.at[2]->name));
	context_destroy(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(programs),    cmocka_unit_test(cached),
		cmocka_unit_test(independent), cmocka_unit_test(artefact_glue),
		cmocka_unit_test(failures),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
