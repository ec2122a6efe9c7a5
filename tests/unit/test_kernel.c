/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Kernels as text: what is damaged is refused at its place or is another kernel; and the verifier
 * on kernels that no text can make. */
#include "tests/unit/ir_fixture.h"
#include "tests/unit/kernel_try.h"
#include "ir/kbuilder.h"

static const char sample[] = "kernel tasks=2 scratch=64 {\n"
			     "  buf b0 arg 0 f32[2,7] stride [7,1] align 4 in\n"
			     "  buf b1 arg 1 f32[2,7] stride [-7,1] align 64 out\n"
			     "  buf b2 scratch 0 f32[8] stride [1] align 64 in out\n"
			     "  axis unroll a9 2\n"
			     "  task a0 2 {\n"
			     "    vector a1 4 of 4 {\n"
			     "      var v0 f32 [a1] = f32(0)\n"
			     "    }\n"
			     "    loop a2 2 from 0 to 1 {\n"
			     "      vector a1 4 of 4 {\n"
			     "        %0 = load b0[a0, a1] : f32\n"
			     "        %1 = add v0, %0 : f32\n"
			     "        set v0 = %1\n"
			     "        store b2[a1] = v0\n"
			     "      }\n"
			     "    }\n"
			     "    %2 = fold_sum a1 of v0 : f32\n"
			     "    %3 = fold_max a9 of a9 : i64\n"
			     "    %4 = cast %3 {to=f32} : f32\n"
			     "    %5 = fma %2, %4, f32(-0.5) : f32\n"
			     "    %6 = lt a0, %3 : bool\n"
			     "    block {\n"
			     "      if %6 {\n"
			     "        unroll a3 7 {\n"
			     "          %7 = load b2[a3] : f32\n"
			     "          %8 = select %6, %7, %5 : f32\n"
			     "          store b1[a0, a3] = %8\n"
			     "          barrier\n"
			     "        }\n"
			     "      }\n"
			     "    }\n"
			     "  }\n"
			     "}\n";

static void the_sample_is_a_kernel(void **state)
{
	Fixture *f = *state;
	assert_true(kernel_try(f->c, sample, sizeof sample - 1));
	assert_int_equal(diag_errors(f->c->diag), 0);
}

static void damaged_text_is_refused_or_reads_back(void **state)
{
	static const char *const piece[] = { "a0",
					     "a1",
					     "a2",
					     "a3",
					     "a9",
					     "v0",
					     "b0",
					     "b1",
					     "%0",
					     "%2",
					     "%7",
					     "unroll",
					     "vector",
					     "loop",
					     "0",
					     "1",
					     "-1",
					     "7",
					     "9223372036854775807",
					     "f32",
					     "i64",
					     "bool",
					     "{",
					     "}",
					     "fold_sum",
					     "load",
					     "add",
					     "f32(nan)" };
	(void)state;
	uint64_t seed = 7;
	for (int round = 0; round < 6000; round++) {
		Context *c = context_create();
		Str s;
		str_init(&s, c->arena);
		size_t n = sizeof sample - 1;
		for (size_t at = 0; at < n;) {
			size_t word = scan_word_length(sample + at);
			word += word == 0 || sample[at] == '%';
			if (pick(&seed, 160) == 0)
				str_add(&s, piece[pick(&seed, sizeof piece / sizeof *piece)]);
			else if (pick(&seed, 1000) == 0)
				str_char(&s, (char)random_bits(&seed));
			else
				str_addn(&s, sample + at, word);
			at += word;
		}
		if (pick(&seed, 20) == 0)
			s.n = (size_t)pick(&seed, (int)s.n);
		kernel_try(c, str_text(&s), s.n);
		messages(c);
		context_destroy(c);
	}
}

static void deep_text_is_refused(void **state)
{
	Fixture *f = *state;
	Str s;
	str_init(&s, f->c->arena);
	str_add(&s, "kernel tasks=1 scratch=0 {\n%0 = neg f32(1) : f32\n");
	for (int i = 1; i < 6000; i++)
		str_fmt(&s, "%%%d = neg %%%d : f32\n", i, i - 1);
	str_add(&s, "var v0 f32 = %5999\n}\n");
	assert_false(kernel_try(f->c, str_text(&s), s.n));
	str_init(&s, f->c->arena);
	str_add(&s, "kernel tasks=1 scratch=0 {\n");
	for (int i = 0; i < 100000; i++)
		str_add(&s, "block {");
	assert_false(kernel_try(f->c, str_text(&s), s.n));
}

/* A value that uses its parts twice each, sixty deep: steps are counted, not values. */
static void wide_values_end(void **state)
{
	Fixture *f = *state;
	Str s;
	str_init(&s, f->c->arena);
	str_add(&s, "kernel tasks=1 scratch=0 {\nbuf b0 arg 0 f32[4] stride [1] align 4 out\n"
		    "task a0 1 {\n%0 = add a0, a0 : i64\n");
	for (int i = 1; i < 60; i++)
		str_fmt(&s, "%%%d = add %%%d, %%%d : i64\n", i, i - 1, i - 1);
	str_add(&s, "store b0[%59] = f32(1)\n}\n}\n");
	assert_true(kernel_try(f->c, str_text(&s), s.n));
}

/* --- not from a text ------------------------------------------------------------------------- */

static Kernel *built(Fixture *f)
{
	Target t;
	int64_t dim = 4;
	Storage s = { .stride = { 1 } };
	assert_true(target_find("test", &t));
	KBuilder *kb = kb_create(f->c, f->c->arena, &t, "test");
	int buf = kb_arg(kb, type_get(f->c, DT_f32, 1, &dim), &s);
	Node *task = kb_axis(kb, "t", AX_TASK, 4, 0);
	kb_open(kb, task);
	kb_store_buf(kb, buf, &task, kb_f(kb, DT_f32, 1));
	kb_close(kb);
	return kb_finish(kb);
}

static bool finds(Fixture *f, const Kernel *k, const char *what)
{
	Str dump;
	str_init(&dump, f->c->arena);
	bool ok = kernel_verify(k, false, &dump);
	assert_int_equal(ok, diag_errors(f->c->diag) == 0);
	return !ok && strstr(messages(f->c), what) &&
	       (dump.n == 0 || strstr(str_text(&dump), "# ^ "));
}

static void a_built_kernel_is_well_formed(void **state)
{
	Fixture *f = *state;
	assert_true(kernel_verify(built(f), false, NULL));
}

/* More axes than a kernel can have are an error, and the builder stays usable until it is seen. */
static void too_many_axes_are_an_error(void **state)
{
	Fixture *f = *state;
	Target t;
	assert_true(target_find("test", &t));
	KBuilder *kb = kb_create(f->c, f->c->arena, &t, "test");
	for (int i = 0; i < MAX_AXES; i++)
		kb_axis(kb, "i", AX_LOOP, 2, 0);
	assert_int_equal(diag_errors(f->c->diag), 0);
	kb_open(kb, kb_axis(kb, "i", AX_LOOP, 2, 0));
	kb_close(kb);
	assert_int_equal(diag_errors(f->c->diag), 1);
}

static void faults_show_the_line(void **state)
{
	Fixture *f = *state;
	Kernel *k = built(f);
	k->buf.at[0].dtype = DT_i32;
	assert_true(finds(f, k, "the value is f32, not i32"));
	assert_non_null(strstr(messages(f->c), "store b0[a0] = f32(1)"));
}

static void wrong_axes_are_found(void **state)
{
	Fixture *f = *state;
	Kernel *k = built(f);
	k->body->body->at[0]->axes = 0;
	assert_true(finds(f, k, "a value's set of axes is not that of its parts"));
}

static void what_is_not_there_is_found(void **state)
{
	Fixture *f = *state;
	Kernel *k = built(f);
	k->body->body->buf = 7;
	assert_true(finds(f, k, "a statement names what is not there"));
	k->body->body->buf = 0;
	k->body->body->value = NULL;
	assert_true(finds(f, k, "a statement names what is not there"));
}

static void operators_of_graphs_are_found(void **state)
{
	Fixture *f = *state;
	Kernel *k = built(f);
	k->body->body->value = emit_scalar(f->b, DT_f32, 1);
	assert_true(finds(f, k, "a value has the number of another one"));
	k->body->body->value->id = (uint32_t)k->next_id++;
	k->body->body->value->op = OP_reshape;
	assert_true(finds(f, k, "an operator of graphs is left"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		FIXTURE_TEST(the_sample_is_a_kernel),
		FIXTURE_TEST(damaged_text_is_refused_or_reads_back),
		FIXTURE_TEST(deep_text_is_refused),
		FIXTURE_TEST(wide_values_end),
		FIXTURE_TEST(a_built_kernel_is_well_formed),
		FIXTURE_TEST(too_many_axes_are_an_error),
		FIXTURE_TEST(faults_show_the_line),
		FIXTURE_TEST(wrong_axes_are_found),
		FIXTURE_TEST(what_is_not_there_is_found),
		FIXTURE_TEST(operators_of_graphs_are_found),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
