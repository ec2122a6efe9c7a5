/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Compiled models as a C compiler and a linker see them: the header in every language version, .o
 * and .a in one program, programs that are traced while they run, weights beside. */
#include "runtime/artifact.h"
#include "tests/promises/promise.h"

static void test_header(void **state)
{
	static const char *const compilers[] = {
		"cc -std=c99",
		"cc -std=c11 -Wconversion",
		"cc -std=c17",
		"c++ -x c++ -std=c++17",
		"clang-19 -std=c99 -Wstrict-prototypes",
		"clang-19 -std=c11",
		"clang-19 -x c++ -std=c++17",
	};
	Shop *s = *state;
	lenet(s, "lenet.so", 1, "");
	face(s, "face.so", "");
	compile_to(BURIN_SOURCE_DIR "/examples/lstm.xml", in_folder(s, "lstm.so"),
		   "model-weights=random size=4 prefix=lstm");
	shell(s, "printf '#include \"%s.h\"\\n' lenet face lstm lenet >x.c; echo 'typedef int t;' "
		 ">>x.c");
	for (size_t i = 0; i < sizeof compilers / sizeof compilers[0]; i++)
		shell(s, arena_printf(s->arena,
				      "! command -v %.*s || %s -Wall -Wextra -Wpedantic -Werror "
				      "-fsyntax-only x.c",
				      (int)strcspn(compilers[i], " "), compilers[i], compilers[i]));
}

/* --- three models in one program ------------------------------------------------------------- */

typedef struct Three {
	float one[10], two[10], y[4420 * 2], z[4420 * 4];
} Three;

static void read_answers(Shop *s, Three t[2])
{
	IoText text;
	IoError e;
	assert_true(io_read(in_folder(s, "out"), s->arena, 1 << 24, &text, &e));
	assert_int_equal(text.n, 2 * sizeof *t);
	memcpy(t, text.at, text.n);
}

static void test_three(void **state)
{
	static const char *const prefix[] = { "one", "two", "face" };
	static Three t[2];
	Shop *s = *state;
	Answer *wanted[3];
	lenet(s, "one.a", 1, "prefix=one");
	lenet(s, "two.a", 2, "prefix=two");
	face(s, "face.o", "");
	copy_source(s, "three.c");
	shell(s, "cc -O1 -Wall -Werror three.c one.a face.o two.a -lm -o three && ./three >out");
	read_answers(s, t);
	lenet(s, "one.so", 1, "prefix=one");
	lenet(s, "two.so", 2, "prefix=two");
	face(s, "face.so", "");
	for (int i = 0; i < 3; i++) {
		const char *file = arena_printf(s->arena, "%s.so", prefix[i]);
		Lib l = lib_open(in_folder(s, file), prefix[i], RTLD_LOCAL);
		wanted[i] = lib_answer(&l, NULL);
		dlclose(l.handle);
	}
	for (int k = 0; k < 2; k++) {
		assert_memory_equal(t[k].one, wanted[0]->y, sizeof t->one);
		assert_memory_equal(t[k].two, wanted[1]->y, sizeof t->two);
		assert_memory_equal(t[k].y, wanted[2]->y, sizeof t->y);
		assert_memory_equal(t[k].z, wanted[2]->z, sizeof t->z);
	}
	assert_memory_not_equal(t[0].one, t[0].two, sizeof t->one);
	for (int i = 0; i < 3; i++)
		free(wanted[i]);
}

/* Assembly and LLVM's text, with the runtime in them: the same answers, in one program too, and what is
 * to be seen of an artefact. */
static void test_text(void **state)
{
	static const char *const prefix[] = { "one", "two", "face" };
	static Three t[2];
	Shop *s = *state;
	Answer *wanted[3];
	bool clang = system("command -v clang-19 >/dev/null") == 0;
	lenet(s, "one.s", 1, "prefix=one target.cpu=native");
	lenet(s, "two.ll", 2, "prefix=two target.cpu=native");
	lenet(s, "two.s", 2, "prefix=two target.cpu=native");
	face(s, "face.s", "target.cpu=native");
	copy_source(s, "three.c");
	shell(s, "cc -c one.s && cc -c face.s");
	shell(s, clang ? "clang-19 -Wno-override-module -c two.ll" : "cc -c two.s");
	shell(s, "cc -O1 -Wall -Werror three.c one.o face.o two.o -lm -o three && ./three >out");
	read_answers(s, t);
	for (int i = 0; i < 3; i++) {
		const char *file = arena_printf(s->arena, "%s.so", prefix[i]);
		if (i < 2)
			lenet(s, file, i + 1,
			      arena_printf(s->arena, "prefix=%s target.cpu=native", prefix[i]));
		else
			face(s, file, "target.cpu=native");
		Lib l = lib_open(in_folder(s, file), prefix[i], RTLD_LOCAL);
		wanted[i] = lib_answer(&l, NULL);
		dlclose(l.handle);
		shell(s, arena_printf(s->arena, "! nm -g --defined-only %s.o | grep -v ' %s_'",
				      prefix[i], prefix[i]));
		assert_symbols_allowed(in_folder(s, arena_printf(s->arena, "%s.o", prefix[i])));
	}
	for (int k = 0; k < 2; k++) {
		assert_memory_equal(t[k].one, wanted[0]->y, sizeof t->one);
		assert_memory_equal(t[k].two, wanted[1]->y, sizeof t->two);
		assert_memory_equal(t[k].y, wanted[2]->y, sizeof t->y);
		assert_memory_equal(t[k].z, wanted[2]->z, sizeof t->z);
	}
	for (int i = 0; i < 3; i++)
		free(wanted[i]);
	/* weights that are not in it lie beside */
	shell(s, "! test -e one.weights");
	lenet(s, "one.s", 1, "prefix=one target.cpu=native weights=beside");
	shell(s, "test -s one.weights && ! grep -q burin_weights: one.s && cc -c one.s");
}

/* --- quiet ----------------------------------------------------------------------------------- */

static void test_quiet(void **state)
{
	Shop *s = *state;
	need_strace();
	lenet(s, "lenet.a", 1, "");
	copy_source(s, "counted.h");
	copy_source(s, "quiet.c");
	shell(s, "cc -O1 -D_GNU_SOURCE -fno-builtin quiet.c lenet.a -lm -o quiet && "
		 "strace -f -o trace ./quiet");
	assert_quiet(s, 2);
}

static void test_quiet_rt(void **state)
{
	Shop *s = *state;
	if (SANITIZED)
		skip_because("under a sanitizer the program is not quiet");
	need_strace();
	lenet(s, "lenet.so", 1, "");
	copy_source(s, "quiet_rt.c");
	shell(s, "cc -O1 -D_GNU_SOURCE -I" BURIN_SOURCE_DIR "/include quiet_rt.c -L" BURIN_BUILD_DIR
		 " -lburin_rt -Wl,-rpath," BURIN_BUILD_DIR " -o quiet && "
		 "strace -f -o trace ./quiet ./lenet.so");
	assert_quiet(s, 1);
}

/* --- weights beside -------------------------------------------------------------------------- */

static void run_loaded(const char *path, float y[10])
{
	static int64_t in_shape[] = { 1, 1, 28, 28 }, out_shape[] = { 1, 10 };
	burin_tensor in = { .data = (void *)(uintptr_t)picture(),
			    .device = { 1, 0 },
			    .ndim = 4,
			    .dtype = { 2, 32, 1 },
			    .shape = in_shape };
	burin_tensor out = {
		.data = y, .device = { 1, 0 }, .ndim = 2, .dtype = { 2, 32, 1 }, .shape = out_shape
	};
	burin_model *m = NULL;
	burin_exec *x = NULL;
	burin_error e = { .size = sizeof e };
	if (burin_load(&m, path, NULL, &e) || burin_exec_new(&x, m, NULL, 0, NULL, &e) ||
	    burin_run(x, &in, 1, &out, 1, &e))
		fail_msg("%s", e.message);
	burin_exec_free(x);
	burin_model_free(m);
}

/* The same answers as with the weights inside; without them, or with those of another model, an
 * error. */
static void test_beside(void **state)
{
	Shop *s = *state;
	float inside[10], beside[10];
	shell(s, "mkdir in by");
	run_loaded(lenet(s, "in/lenet.so", 1, ""), inside);
	const char *path = lenet(s, "by/lenet.so", 1, "weights=beside");
	shell(s, "test -s by/lenet.weights && ! test -e in/lenet.weights");
	run_loaded(path, beside);
	assert_memory_equal(inside, beside, sizeof inside);

	Lib l = lib_open(path, "lenet", RTLD_LOCAL);
	char ctx[BURIN_CTX_BYTES];
	Answer *a = calloc(1, sizeof *a);
	IoError e;
	IoMap *map = io_map(in_folder(s, "by/lenet.weights"), &e);
	void *w = aligned_alloc(64, 1 << 20);
	assert_non_null(map);
	assert_int_equal(lib_call(&l, NULL, a, w), BURIN_RT_WEIGHTS);
	assert_int_equal(l.ctx_init(ctx, 1), 0);
	assert_int_equal(lib_call(&l, ctx, a, w), BURIN_RT_WEIGHTS);
	assert_int_equal(l.ctx_set_weights(ctx, io_map_data(map), io_map_size(map) - 65),
			 BURIN_RT_WEIGHTS);
	assert_int_equal(l.ctx_set_weights(ctx, io_map_data(map), io_map_size(map)), 0);
	assert_int_equal(lib_call(&l, ctx, a, w), 0);
	assert_memory_equal(a->y, inside, sizeof inside);
	l.ctx_done(ctx);
	dlclose(l.handle);
	io_unmap(map);
	free(w);
	free(a);

	face(s, "by/face.so", "weights=beside");
	shell(s, "mv by/face.weights by/lenet.weights");
	burin_model *m = NULL;
	assert_int_not_equal(burin_load(&m, path, NULL, NULL), BURIN_OK);
}

/* Blocks of the same sizes that hold a matrix one way round and the other. */
static void test_other_packing(void **state)
{
	static const char *const text[2] = {
		"<graph name=\"m\"><input id=\"x\" shape=\"2,64\"/><param id=\"w\" type=\"f32\" "
		"shape=\"64,64\"/><matmul in=\"x w\"/><output id=\"y\"/></graph>",
		"<graph name=\"m\"><input id=\"x\" shape=\"2,64\"/><param id=\"w\" type=\"f32\" "
		"shape=\"64,64\"/><transpose id=\"t\" in=\"w\" perm=\"1,0\"/><matmul in=\"x t\"/>"
		"<output id=\"y\"/></graph>"
	};
	Shop *s = *state;
	burin_model *m = NULL;
	burin_error e = { .size = sizeof e };
	for (int i = 0; i < 2; i++) {
		IoError io;
		const char *xml = in_folder(s, i ? "turned.xml" : "plain.xml");
		assert_true(io_write_file(xml, text[i], strlen(text[i]), &io));
		compile_to(xml, in_folder(s, i ? "turned.so" : "plain.so"),
			   "weights=beside model-weights=random:seed=1 target.cpu=native");
	}
	const char *turned = in_folder(s, "turned.so");
	assert_int_equal(burin_load(&m, turned, NULL, &e), BURIN_OK);
	burin_model_free(m);
	shell(s, "test $(stat -c %s plain.weights) = $(stat -c %s turned.weights) && "
		 "cp plain.weights turned.weights");
	assert_int_not_equal(burin_load(&m, turned, NULL, &e), BURIN_OK);
	assert_int_equal(e.code, 4001);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_header),   TEST(test_three),  TEST(test_text),          TEST(test_quiet),
		TEST(test_quiet_rt), TEST(test_beside), TEST(test_other_packing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
