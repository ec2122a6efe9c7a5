/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Compiled models that train, as files: what they need and export, the header, any CPU, linked into
 * one program that is traced while it trains, the example; and what cannot be compiled. */
#include "tests/promises/school.h"

/* --- files ----------------------------------------------------------------------------------- */

static void test_file(void **state)
{
	Shop *s = *state;
	school(s, "school.so", 1, "");
	assert_file(s, "school.so", "school", 13);
	shell(s, "mkdir a b");
	for (int i = 0; i < 2; i++) {
		const char *threads = i ? "compile-threads=1" : "compile-threads=3";
		school(s, i ? "b/m.so" : "a/m.so", 3, threads);
		school(s, i ? "b/m.a" : "a/m.a", 3, threads);
		school(s, i ? "b/m.o" : "a/m.o", 3, threads);
	}
	shell(s, "for f in m.so m.a m.o m.h; do cmp a/$f b/$f || exit 1; done");
	school(s, "m.ll", 3, "");
	shell(s, "grep 'define i32 @school_train_step(' m.ll && grep @school_state_init m.ll");
}

/* Names that C cannot tell apart get numbers; a state may be called as an input is, and an input as
 * a type, a macro or a keyword. */
static const char names_text[] =
	"<graph name=\"names\"><input id=\"state\" shape=\"4,8\"/><linear id=\"q.a\" units=\"4\"/>"
	"<linear id=\"Q_A\" units=\"4\"/><output id=\"packed\"/><training loss=\"loss\">"
	"<input id=\"rate\" shape=\"4,4\"/><input id=\"int64_t\" shape=\"4\"/>"
	"<input id=\"label\" type=\"i64\" shape=\"4\"/>"
	"<cross_entropy id=\"ce\" in=\"Q_A label\"/><mse id=\"mse\" in=\"Q_A rate\"/>"
	"<reduce_mean id=\"mean\" in=\"int64_t\"/>"
	"<add in=\"ce mse\"/><add id=\"loss\" y=\"mean\"/>"
	"<output id=\"char16_t\" in=\"ce\"/><output id=\"SIZE_MAX\" in=\"ce\"/>"
	"<output id=\"NAMES_OK\" in=\"mse\"/><output id=\"NAMES_STATE_BYTES\" in=\"mse\"/>"
	"<sgd/></training></graph>";

static void test_header(void **state)
{
	static const char *const compilers[] = { "cc -std=c99", "cc -std=c11 -Wconversion",
						 "c++ -x c++ -std=c++17" };
	Shop *s = *state;
	IoError e;
	const char *names = in_folder(s, "names.xml");
	assert_true(io_write_file(names, names_text, strlen(names_text), &e));
	compile_to(names, in_folder(s, "names.so"),
		   "train=yes model-weights=init target.cpu=native");
	school(s, "school.so", 1, "");
	shell(s, "printf '#include \"names.h\"\\n#include \"school.h\"\\nint n[SCHOOL_TRAIN_BATCH "
		 "+ SCHOOL_AT_FC_BIAS + "
		 "SCHOOL_AT_M_FC_WEIGHT + SCHOOL_AT_STEP + "
		 "NAMES_AT_Q_A_WEIGHT + NAMES_AT_Q_A_WEIGHT_2 + NAMES_STATE_BYTES];\\n' >x.c");
	for (size_t i = 0; i < sizeof compilers / sizeof compilers[0]; i++)
		shell(s, arena_printf(s->arena,
				      "%s -Wall -Wextra -Wpedantic -Werror -fsyntax-only x.c",
				      compilers[i]));
}

/* --- CPUs, other models, the system ---------------------------------------------------------- */

static void test_levels(void **state)
{
	static const char *const list[] = { "x86-64-v2", "x86-64-v4,x86-64-v3,x86-64-v2" };
	Shop *s = *state;
	float report[2][2];
	for (int i = 0; i < 2; i++) {
		const char *path =
			school(s, arena_printf(s->arena, "school%d.so", i), 5,
			       arena_printf(s->arena, "prefix=school multiversion=%s", list[i]));
		School k = school_open(path, "school", 1);
		for (int n = 0; n < 5; n++)
			do_step(&k, NULL, n, report[i]);
		school_close(&k);
	}
	assert_near(report[0], report[1], 2);
}

static void test_quiet(void **state)
{
	Shop *s = *state;
	IoText text;
	IoError e;
	float *loss;
	need_strace();
	school(s, "one.a", 1, "prefix=one");
	school(s, "two.o", 2, "prefix=two");
	copy_source(s, "counted.h");
	copy_source(s, "train.c");
	shell(s, "cc -O1 -D_GNU_SOURCE -fno-builtin -Wall -Werror train.c one.a two.o -lm -o train "
		 "&& strace -f -o trace ./train >losses");
	assert_quiet(s, 1);
	assert_true(io_read(in_folder(s, "losses"), s->arena, 1 << 20, &text, &e));
	assert_int_equal(text.n, 2 * 20 * sizeof *loss);
	loss = (float *)(void *)text.at;
	for (int i = 0; i < 2; i++)
		assert_true(loss[i * 20 + 19] < loss[i * 20]);
	assert_true(loss[0] < loss[20] || loss[20] < loss[0]);
}

/* The example learns to read digits, with a C compiler's warnings as errors. */
static void test_example(void **state)
{
	Shop *s = *state;
	compile_to(BURIN_SOURCE_DIR "/examples/digits.xml", in_folder(s, "digits.so"),
		   "train=yes model-weights=init:seed=7 seed=7 target.cpu=native");
	shell(s, "cc -std=c11 -O2 -Wall -Wextra -Werror -I. " BURIN_SOURCE_DIR
		 "/examples/digits_train.c digits.so -lm -Wl,-rpath,. -o learn && "
		 "./learn " BURIN_SOURCE_DIR "/examples/digits.npz");
}

/* --- what cannot be compiled ----------------------------------------------------------------- */

static void refuse(Shop *s, const char *model, const char *options, uint32_t code, const char *hint)
{
	burin_graph *g = NULL;
	burin_opts *o = NULL;
	burin_error e = { .size = sizeof e };
	assert_int_equal(burin_opts_new(&o, &e), BURIN_OK);
	set_options(o, options);
	assert_int_equal(burin_read(&g, model, o, NULL, &e), BURIN_OK);
	assert_int_not_equal(burin_compile(g, in_folder(s, "m.so"), NULL, o, NULL, &e), BURIN_OK);
	assert_int_equal(e.code, code);
	if (!strstr(e.hint, hint))
		fail_msg("%s", e.hint);
	burin_graph_free(g);
	burin_opts_free(o);
}

static void test_errors(void **state)
{
	Shop *s = *state;
	const char *model = write_model(s);
	refuse(s, LENET, "train=yes model-weights=random", 2024, "<training loss");
	refuse(s, FACE, "train=yes", 2024, "burin convert");
	refuse(s, model, "train=0 model-weights=init", 5001, "");
	refuse(s, model, "train=some model-weights=init", 5001, "");
	refuse(s, model, "train=1 model-weights=init device=cuda", 5101, "--device");
	refuse(s, model, "train=2 model-weights=init weights=beside", 5101, "--weights");
	refuse(s, model, "train=2 size=1 check-only=on", 4002, "");
	refuse(s, model, "train=2 model-weights=init train-state=/nonexistent", 1001, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_file),  TEST(test_header),  TEST(test_levels),
		TEST(test_quiet), TEST(test_example), TEST(test_errors),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
