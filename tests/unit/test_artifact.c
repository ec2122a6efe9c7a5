/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* codegen/artifact with glue compiled from C: shared libraries by every linker there is, archives
 * and objects of several models in one program, the header in C and C++, same bytes twice, weights
 * beside, wrong requests and hostile objects. */
#include "tests/unit/artifact_fixture.h"
#include "tests/unit/allowed_symbols.h"
#include "base/seal.h"
#include "codegen/artifact/elf_out.h"
#include "runtime/cpu/rt.h"
#include "runtime/note.h"
#include <dirent.h>
#include <dlfcn.h>
#include <signal.h>
#include <stdio.h>

/* Nothing but the named files; compile_glue's own are left out. */
static void assert_files(Fixture *f, const char *wanted)
{
	DIR *dir = opendir(f->folder);
	int n = 0;
	for (struct dirent *d; (d = readdir(dir)) != NULL;) {
		if (str_starts(d->d_name, "glue.") || str_eq(d->d_name, "log") ||
		    str_eq(d->d_name, ".") || str_eq(d->d_name, ".."))
			continue;
		if (!strstr(wanted, d->d_name))
			fail_msg("left behind: %s", d->d_name);
		n++;
	}
	closedir(dir);
	assert_int_equal(n == 0, *wanted == 0);
}

typedef int Run(const void *ctx, const float *x, float *y, void *workspace);

static void assert_runs(void *library, const void *ctx, int threads)
{
	Run *run = (Run *)(uintptr_t)dlsym(library, "m_run");
	size_t (*bytes)(const void *) =
		(size_t(*)(const void *))(uintptr_t)dlsym(library, "m_workspace_bytes");
	assert_non_null(run);
	assert_non_null(bytes);
	float x[N], y[N];
	size_t n = (bytes(ctx) + 63) & ~(size_t)63;
	void *workspace = aligned_alloc(64, n);
	(void)threads;
	for (int i = 0; i < N; i++)
		x[i] = (float)i;
	assert_int_equal(run(ctx, x, y, workspace), 0);
	for (int i = 0; i < N; i++)
		assert_true(y[i] == x[i] * weights[i] + 10);
	free(workspace);
}

static void run_library(Fixture *f)
{
	void *library = dlopen(f->r.path, RTLD_NOW | RTLD_LOCAL);
	if (!library)
		fail_msg("%s", dlerror());
	int (*init)(void *, int) = (int (*)(void *, int))(uintptr_t)dlsym(library, "m_ctx_init");
	void (*done)(void *) = (void (*)(void *))(uintptr_t)dlsym(library, "m_ctx_done");
	char ctx[BURIN_CTX_BYTES];
	assert_int_equal(init(ctx, 2), 0);
	assert_runs(library, NULL, 1);
	assert_runs(library, ctx, 2);
	done(ctx);
	assert_null(dlsym(library, "burin_rt_run"));
	assert_null(dlsym(library, "program"));
	assert_null(dlsym(library, "kernel_helper"));
	dlclose(library);
}

static void test_shared(void **state)
{
	Fixture *f = *state;
	Note note;
	assert_written(f);
	assert_files(f, "m.so m.h");
	run_library(f);
	assert_null(note_read(f->r.path, &note));
	assert_string_equal(note.prefix, "m");
	assert_string_equal(note.metadata, f->r.metadata);
	free(note.memory);
	shell(f, "test \"$(readelf -d m.so | grep -c NEEDED)\" = 2");
	shell(f, "readelf -d m.so | grep NEEDED | grep -q 'libm.so.6'");
	shell(f, "readelf -d m.so | grep NEEDED | grep -q 'libc.so.6'");
	shell(f, "readelf -d m.so | grep -Eq 'BIND_NOW|NOW'");
	shell(f, "! readelf -d m.so | grep -Eq 'TEXTREL|RPATH|RUNPATH'");
	shell(f, "readelf -lW m.so | grep -q GNU_RELRO");
	shell(f, "! readelf -lW m.so | grep GNU_STACK | grep -q E");
	shell(f, "! readelf -lW m.so | grep LOAD | grep -q RWE");
	shell(f, "readelf -lW m.so | grep -q NOTE");
	shell(f, "! nm -D --defined-only m.so | grep -v ' m_'");
	shell(f, "! strings m.so | grep -q /tmp/burin-test");
}

/* The only memory of an artefact that is written: what the dynamic linker and the constructor set.
 */
static void test_no_globals(void **state)
{
	Fixture *f = *state;
	f->object = compile_glue(f, "m", 10, "burin_weights");
	assert_written(f);
	shell(f, "test $(nm m.so | grep -c ' [bB] ') -le 2");
}

static void test_linkers(void **state)
{
	static const char *const names[] = { "ld.lld", "ld", "cc", "clang-19" };
	Fixture *f = *state;
	int found = 0;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		f->r.linker = artifact_linker(f->c->arena, names[i]);
		if (!f->r.linker)
			continue;
		assert_written(f);
		run_library(f);
		assert_int_equal(unlink(f->r.path), 0);
		found++;
	}
	assert_true(found > 0);
}

static void assert_same_bytes(Fixture *f, const char *a, const char *b)
{
	IoText t[2];
	IoError e;
	assert_true(io_read(in_folder(f, a), f->c->arena, 1 << 24, &t[0], &e));
	assert_true(io_read(in_folder(f, b), f->c->arena, 1 << 24, &t[1], &e));
	assert_int_equal(t[0].n, t[1].n);
	assert_memory_equal(t[0].at, t[1].at, t[0].n);
}

static void test_same_bytes(void **state)
{
	static const char *const names[] = { "m.so", "m.a", "m.o" };
	Fixture *f = *state;
	shell(f, "mkdir a b,c");
	for (int i = 0; i < 3; i++) {
		const char *a = arena_printf(f->c->arena, "a/%s", names[i]);
		const char *b = arena_printf(f->c->arena, "b,c/%s", names[i]);
		f->r.path = in_folder(f, a);
		assert_written(f);
		f->r.path = in_folder(f, b);
		assert_written(f);
		assert_same_bytes(f, a, b);
	}
}

static const char main_text[] =
	"#include \"m1.h\"\n#include \"m2.h\"\n#include \"m3.h\"\n"
	"#include <stdlib.h>\n"
	"static float x[8] = { 1, 1, 1, 1, 1, 1, 1, 1 }, y[8];\n"
	"int main(void)\n"
	"{\n"
	"	void *w = aligned_alloc(64, 4096);\n"
	"	static m2_ctx ctx;\n"
	"	if (M1_WORKSPACE_BYTES > 4096 || m1_supported() || m1_workspace_bytes(NULL) > "
	"4096)\n"
	"		return 9;\n"
	"	if (m1_run(NULL, x, y, w) != M1_OK || y[0] != 2)\n"
	"		return 1;\n"
	"	if (m2_ctx_init(&ctx, 2) || m2_run(&ctx, x, y, w) || y[1] != 4)\n"
	"		return 2;\n"
	"	m2_ctx_done(&ctx);\n"
	"	if (m3_run(NULL, x, y, w) || y[7] != 11)\n"
	"		return 3;\n"
	"	return m3_run(NULL, x, y, (char *)w + 8) == M3_E_WORKSPACE ? 0 : 4;\n"
	"}\n";

/* Three models, two archives and an object, in one program: each its own answer. */
static void test_static(void **state)
{
	static const char *const names[] = { "m1.a", "m2.o", "m3.a" };
	Fixture *f = *state;
	IoError e;
	for (int i = 0; i < 3; i++) {
		f->r.prefix = arena_strndup(f->c->arena, names[i], 2);
		f->r.path = in_folder(f, names[i]);
		f->object = compile_glue(f, f->r.prefix, i + 1, "burin_weights");
		assert_written(f);
	}
	assert_true(io_write_file(in_folder(f, "main.c"), main_text, strlen(main_text), &e));
	shell(f, "cc -Werror main.c m1.a m2.o m3.a -lm -o main && ./main");
	shell(f, "! nm -g --defined-only m2.o | grep -v ' m2_'");
	shell(f, "cc -static-pie -fPIE main.c m1.a m2.o m3.a -lm -o main 2>/dev/null && ./main || "
		 "true");
}

static void test_undefined(void **state)
{
	Fixture *f = *state;
	f->r.path = in_folder(f, "m.o");
	assert_written(f);
	assert_symbols_allowed(f->r.path);
}

static const char traced_text[] = "#include \"m.h\"\n"
				  "#include <unistd.h>\n"
				  "#include <sys/syscall.h>\n"
				  "static float x[8], y[8];\n"
				  "static char w[4096] __attribute__((aligned(64)));\n"
				  "int main(void)\n"
				  "{\n"
				  "	syscall(SYS_getppid);\n"
				  "	for (int i = 0; i < 1000; i++)\n"
				  "		if (m_run(NULL, x, y, w))\n"
				  "			return 1;\n"
				  "	syscall(SYS_getppid);\n"
				  "	return 0;\n"
				  "}\n";

/* One thread: nothing between the two getppid. */
static void test_no_system_calls(void **state)
{
	Fixture *f = *state;
	IoError e;
	if (system("strace -o /dev/null true 2>/dev/null") != 0)
		skip_because("strace cannot trace here");
	f->r.path = in_folder(f, "m.a");
	assert_written(f);
	assert_true(io_write_file(in_folder(f, "main.c"), traced_text, strlen(traced_text), &e));
	shell(f, "cc -D_GNU_SOURCE main.c m.a -lm -o main && strace -f -o trace ./main");
	shell(f, "test $(grep -c getppid trace) = 2");
	shell(f, "test $(sed -n '/getppid/,/getppid/p' trace | wc -l) = 2");
}

static void test_header(void **state)
{
	static const char *const compilers[] = {
		"cc -std=c99",       "cc -std=c11",
		"cc -std=c17",       "c++ -x c++ -std=c++17",
		"clang-19 -std=c99", "clang-19 -std=c17 -Wstrict-prototypes -Wshadow -Wconversion",
	};
	Fixture *f = *state;
	const Type *t = type_get(f->c, DT_i64, 2, (const int64_t[]){ 1, 5 });
	vec_push(f->c->arena, &f->plan.input, ((PlanPort){ .name = "int", .type = t, .align = 4 }));
	vec_push(f->c->arena, &f->plan.input,
		 ((PlanPort){ .name = "a.b/*c", .type = t, .align = 4 }));
	vec_push(f->c->arena, &f->plan.input,
		 ((PlanPort){ .name = "a_b_c", .type = t, .align = 4 }));
	vec_push(f->c->arena, &f->plan.output, ((PlanPort){ .name = "x", .type = t, .align = 4 }));
	f->r.source = "evil*/ name.xml\n";
	for (int batch = 0; batch < 2; batch++) {
		IoError e;
		f->entry.free_batch = batch;
		const char *text = artifact_header(f->c->arena, &f->r);
		assert_non_null(strstr(text, batch ? "size_t n, const float *x, const int64_t *int_"
						   : "const float *x, const int64_t *int_"));
		assert_non_null(
			strstr(text, "*a_b_c, const int64_t *a_b_c_2, float *y, int64_t *x_2"));
		assert_true(io_write_file(in_folder(f, "m.h"), text, strlen(text), &e));
		shell(f, "printf '#include \"m.h\"\\n#include \"m.h\"\\ntypedef int t;\\n' >x.c");
		for (size_t i = 0; i < sizeof(compilers) / sizeof(compilers[0]); i++)
			shell(f, arena_printf(
					 f->c->arena,
					 "if command -v %s >/dev/null; then %s -fsyntax-only -Wall "
					 "-Wextra -Wpedantic -Werror x.c; fi",
					 compilers[i][1] == 'l' ? "clang-19" : "cc", compilers[i]));
	}
}

static void test_prefix(void **state)
{
	Fixture *f = *state;
	Arena *a = f->c->arena;
	assert_string_equal(artifact_prefix(a, "le-net v1.0"), "le_net_v1_0");
	assert_string_equal(artifact_prefix(a, "1x1"), "m1x1");
	assert_string_equal(artifact_prefix(a, ""), "m");
	assert_null(artifact_prefix_error("lenet_5"));
	assert_non_null(artifact_prefix_error(""));
	assert_non_null(artifact_prefix_error("1a"));
	assert_non_null(artifact_prefix_error("a b"));
	assert_non_null(artifact_prefix_error("burin"));
	f->r.prefix = "a;b";
	assert_false(artifact_write(f->c, &f->r));
	assert_int_equal(diag_at(f->c->diag, 0)->code, E5001);
	assert_files(f, "");
}

static void test_beside(void **state)
{
	Fixture *f = *state;
	IoText t;
	IoError e;
	f->object = compile_glue(f, "m", 10, "0");
	f->r.beside = true;
	f->entry.layout[0] = 7;
	f->entry.layout[1] = 9;
	assert_written(f);
	assert_files(f, "m.so m.h m.weights");
	void *library = dlopen(f->r.path, RTLD_NOW);
	assert_non_null(library);
	int (*init)(void *, int) = (int (*)(void *, int))(uintptr_t)dlsym(library, "m_ctx_init");
	void (*done)(void *) = (void (*)(void *))(uintptr_t)dlsym(library, "m_ctx_done");
	int (*set)(void *, const void *, size_t) = (int (*)(void *, const void *, size_t))(
		uintptr_t)dlsym(library, "m_ctx_set_weights");
	char ctx[BURIN_CTX_BYTES], *aligned = aligned_alloc(64, 8192);
	assert_true(io_read(in_folder(f, "m.weights"), f->c->arena, 1 << 20, &t, &e));
	assert_int_equal(t.n, seal_end(BURIN_WEIGHTS_AT + sizeof(weights)));
	memcpy(aligned, t.at, t.n);
	assert_int_equal(init(ctx, 1), 0);
	assert_int_equal(set(ctx, aligned, BURIN_WEIGHTS_AT + sizeof(weights) - 1),
			 BURIN_RT_WEIGHTS);
	assert_int_equal(set(ctx, aligned, t.n), 0);
	assert_runs(library, ctx, 1);
	done(ctx);
	dlclose(library);
	free(aligned);
}

static void assert_refused(Fixture *f, DiagCode code)
{
	int before = diag_count(f->c->diag);
	assert_false(artifact_write(f->c, &f->r));
	assert_int_equal(diag_count(f->c->diag), before + 1);
	assert_int_equal(diag_at(f->c->diag, before)->code, code);
	unlink(in_folder(f, "m.h"));
	assert_files(f, "");
}

static void test_refused(void **state)
{
	Fixture *f = *state;
	char *path = strdup(getenv("PATH"));
	setenv("PATH", "/nowhere", 1);
	assert_refused(f, E5201);
	setenv("PATH", path, 1);
	free(path);
	f->r.linker = "no-such-linker";
	assert_refused(f, E5201);
	f->r.linker = "false";
	assert_refused(f, E5211);
	f->r.linker = NULL;
	volatile sig_atomic_t stop = 1;
	f->r.stop = &stop;
	assert_refused(f, E5213);
	f->r.stop = NULL;
	f->r.machine = 40;
	assert_refused(f, E5104);
	f->r.machine = 0;
	f->object.bytes = 100;
	assert_refused(f, E7001);
	f->object.bytes = 0;
	f->r.path = "/nowhere/m.so";
	f->r.header = "";
	assert_refused(f, E7001);
	f->r.path = in_folder(f, "m.dll");
	assert_refused(f, E5001);
}

static void test_unwritable(void **state)
{
	Fixture *f = *state;
	f->r.header = "";
	f->r.path = "/nowhere/m.so";
	assert_refused(f, E1003);
	f->r.path = "/nowhere/m.o";
	assert_refused(f, E1003);
	/* a folder of that name: everything works but the last step */
	shell(f, "mkdir m.so");
	f->r.path = in_folder(f, "m.so");
	assert_false(artifact_write(f->c, &f->r));
	assert_files(f, "m.so");
}

static bool ignore(void *user, const void *data, size_t bytes)
{
	uint64_t *sum = user;
	for (size_t i = 0; i < bytes; i += 64)
		*sum += ((const unsigned char *)data)[i];
	return true;
}

/* Damaged objects are refused or merged to something; nothing outside of them is read (under ASan).
 */
static void test_hostile_objects(void **state)
{
	Fixture *f = *state;
	uint32_t random = 1;
	uint64_t sum = 0;
	int refused = 0;
	for (int k = 0; k < 3000; k++) {
		Arena *a = arena_create();
		unsigned char *copy = malloc(f->object.bytes);
		memcpy(copy, f->object.data, f->object.bytes);
		for (int i = 0; i <= k % 4; i++) {
			random = random * 1664525 + 1013904223;
			size_t table = f->object.bytes - 2048; /* most of what matters is there */
			size_t at = k % 2 ? table + (random >> 8) % 2048
					  : (random >> 8) % f->object.bytes;
			copy[at] = k % 3 ? (unsigned char)(random >> 3) : 0xff;
		}
		size_t bytes = k % 16 == 7 ? (random >> 4) % f->object.bytes : f->object.bytes;
		ElfOut *e = elf_create(a, 62);
		const char *wrong = elf_merge(e, copy, bytes);
		if (!wrong)
			wrong = elf_finish(e, NULL, 0);
		if (!wrong)
			assert_true(elf_write(e, ignore, &sum));
		else
			refused++;
		free(copy);
		arena_destroy(a);
	}
	assert_true(refused > 100);
}

static void test_hostile_notes(void **state)
{
	Fixture *f = *state;
	uint32_t random = 7;
	IoText t;
	IoError e;
	Note note;
	f->r.path = in_folder(f, "m.o");
	assert_written(f);
	assert_true(io_read(f->r.path, f->c->arena, 1 << 24, &t, &e));
	char *copy = arena_alloc(f->c->arena, t.n);
	const char *path = in_folder(f, "glue.bad");
	int refused = 0;
	for (int k = 0; k < 1000; k++) {
		memcpy(copy, t.at, t.n);
		for (int i = 0; i < 8; i++) {
			random = random * 1664525 + 1013904223;
			size_t at = i < 2 ? (random >> 8) % 64 : t.n - 1 - (random >> 8) % 4096;
			copy[at] = k % 2 ? (char)(random >> 3) : (char)0xff;
		}
		FILE *file = fopen(path, "wb");
		fwrite(copy, 1, k % 9 == 0 ? (random >> 4) % t.n : t.n, file);
		fclose(file);
		if (note_read(path, &note) == NULL)
			free(note.memory);
		else
			refused++;
	}
	assert_true(refused > 100);
	assert_non_null(note_read("/nowhere", &note));
	assert_non_null(note_read("/dev/null", &note));
	assert_non_null(note_read(f->folder, &note));
}

int main(void)
{
#define TEST(t) cmocka_unit_test_setup_teardown(t, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_shared),          TEST(test_no_globals),    TEST(test_linkers),
		TEST(test_same_bytes),      TEST(test_static),        TEST(test_undefined),
		TEST(test_no_system_calls), TEST(test_header),        TEST(test_prefix),
		TEST(test_beside),          TEST(test_refused),       TEST(test_unwritable),
		TEST(test_hostile_objects), TEST(test_hostile_notes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
