/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* A model compiled for GPUs, from the command to a plain C program that runs it, on a machine
 * without a GPU: with a library in the place of NVRTC that keeps the kernels' text, and one in the
 * place of the driver that writes down what is asked of it and runs that text in the emulation
 * (tests/cuda/fake_*.c). So numbers come out at the end, and every call can be made to fail. */
#include "tests/e2e/cli_fixture.h"
#include <math.h>

#define FAKE BURIN_BUILD_DIR "/tests/fake"
#define DRIVER "LD_LIBRARY_PATH=" FAKE " FAKE_CUDA_LOG=log "
#define NVRTC "BURIN_NVRTC=" FAKE "/libnvrtc.so"

static const char model[] =
	"<graph name=\"small\" xmlns=\"urn:burin:graph:1\">\n"
	"  <input id=\"x\" type=\"f32\" shape=\"2,3,8,8\"/>\n"
	"  <conv2d id=\"conv\" filters=\"6\" kernel=\"3\" pad=\"1\"/> <relu id=\"act\"/>\n"
	"  <maxpool2d id=\"pool\" kernel=\"2\"/> <flatten id=\"flat\"/>\n"
	"  <linear id=\"fc\" units=\"10\"/> <softmax id=\"soft\" axis=\"-1\"/>\n"
	"  <output id=\"y\" in=\"soft\"/>\n"
	"</graph>\n";

/* For both: FIRST is the number of threads of a model for CPUs, of the device of one for GPUs. */
static const char program[] =
	"#include \"small.h\"\n#include <stdio.h>\n#include <stdlib.h>\n#include <string.h>\n"
	"int main(void)\n{\n"
	"\tstatic float x[2 * 3 * 8 * 8], y[20];\n"
	"\tsmall_ctx *c = malloc(sizeof *c);\n"
	"\tint r = small_ctx_init(c, FIRST);\n"
	"\tvoid *work = r ? NULL : aligned_alloc(64, small_workspace_bytes(c) / 64 * 64 + 64);\n"
	"\tfor (int i = 0; i < 384; i++)\n\t\tx[i] = (float)(i * 7919 % 1000) / 500 - 1;\n"
	"\tfor (int k = 0; k < 3 && r == 0; k++) {\n"
	"\t\tmemset(y, 0xff, sizeof y);\n\t\tx[5] = (float)k;\n"
	"\t\tr = small_run(c, x, y, work);\n"
	"\t\tfor (int i = 0; i < 20 && r == 0; i++)\n\t\t\tprintf(\"%.9g \", y[i]);\n\t}\n"
	"\tprintf(\"= %d %s\\n\", r, ERROR);\n"
	"\tsmall_ctx_done(c);\n\tfree(c);\n\tfree(work);\n\treturn 0;\n}\n";

#define CC "cc -std=c11 -O0 -g -Wall "
#define FOR_CPU "-Icpu -DFIRST=1 '-DERROR=\"\"' main.c -o on_cpu ./cpu/small.so -Wl,-rpath,$PWD/cpu"
#define FOR_GPU \
	"-Igpu -DFIRST=0 '-DERROR=small_ctx_error(c)' main.c -o on_gpu ./gpu/small.so " \
	"-Wl,-rpath,$PWD/gpu"

/* Once: the model and the program, compiled for both. */
static int begin(void **state)
{
	static const char command[] =
		"mkdir cpu gpu && $B compile small.xml --weights random:seed=1 -o cpu/small.so -q "
		"&& " NVRTC " $B compile small.xml --weights random:seed=1 --device cuda "
		"--gpu sm_80,sm_90 -o gpu/small.so -q --cache off "
		"&& " CC FOR_CPU " && " CC FOR_GPU;
	if (set_up(state))
		return -1;
	Cli *c = *state;
	write_text(c, "small.xml", model);
	write_text(c, "main.c", program);
	int status = shell(c, command);
	if (status)
		print_message("%s%s", c->out, c->err);
	return status;
}

/* The program with a fresh log. */
static int run(Cli *c, const char *environment)
{
	return shell(c, arena_printf(c->arena, "rm -f log; %s ./on_gpu", environment));
}

/* Lines of the log that begin with a word. */
static int count(Cli *c, const char *word)
{
	int n = 0;
	for (const char *at = read_file(c, "log"); at && *at; at = strchr(at, '\n')) {
		at += *at == '\n';
		n += str_starts(at, word);
	}
	return n;
}

/* --- all goes well ---------------------------------------------------------------------------- */

static void compare_numbers(Cli *c, const char *cpu, const char *gpu)
{
	char *at[2] = { arena_strdup(c->arena, cpu), arena_strdup(c->arena, gpu) };
	for (int i = 0; i < 60; i++) {
		double want = strtod(at[0], &at[0]), have = strtod(at[1], &at[1]);
		if (!(fabs(have - want) < 1e-6))
			fail_msg("number %d is %g, not %g", i, have, want);
	}
	assert_string_equal(at[1], " = 0 \n");
}

static void computes(void **state)
{
	static const char *const arch[] = { "80", "86", "90", "120" };
	static const char *const image[] = { "sm_80", "sm_80", "sm_90", "compute_90" };
	Cli *c = *state;
	assert_int_equal(shell(c, "./on_cpu"), 0);
	const char *cpu = c->out;
	for (int i = 0; i < 4; i++) {
		if (run(c, arena_printf(c->arena, DRIVER "FAKE_CUDA_RUN=. FAKE_CUDA_ARCH=%s",
					arch[i])))
			fail_msg("%s", c->err);
		compare_numbers(c, cpu, c->out);
		assert_true(count(c, "module_load ") > 2);
		assert_int_equal(count(c, arena_printf(c->arena, "module_load %s\n", image[i])),
				 count(c, "module_load "));
	}
}

/* The command's own runtime, which loads what another has compiled. */
static void runs_by_the_command(void **state)
{
	Cli *c = *state;
	const char *name = "";
	const JsonValue *v = document(c, "inspect gpu/small.so", 0);
	assert_true(json_text(json_at(json_get(json_get(v, "metadata"), "targets"), 1), &name));
	assert_string_equal(name, "sm_90");
	expect(c, "run cpu/small.so --input x=random:seed=3 --output y=@y.npy", 0, NULL, NULL);
	assert_int_equal(shell(c, "rm -f log; " DRIVER "FAKE_CUDA_RUN=. $B run gpu/small.so "
				  "--input x=random:seed=3 --expect y=@y.npy"),
			 0);
	assert_int_equal(count(c, "live 0"), 1);
}

/* Made once; launched one by one, then captured, then repeated as a graph; given back. */
static void asks_for(void **state)
{
	Cli *c = *state;
	assert_int_equal(run(c, DRIVER), 0);
	int kernels = count(c, "module_load "), launches = 0, captured = 0;
	const char *log = read_file(c, "log");
	for (const char *at = log; (at = strstr(at, "\nlaunch ")); at++) {
		const char *end = strchr(at + 1, '\n');
		bool is_captured = memcmp(end - 10, "(captured)", 10) == 0;
		launches += !is_captured;
		captured += is_captured;
	}
	assert_true(kernels > 2);
	assert_int_equal(count(c, "module_function k_"), kernels);
	assert_true(launches >= kernels);
	assert_int_equal(captured, launches);
	assert_int_equal(count(c, "memory_new"), 2); /* tensors; weights */
	assert_int_equal(count(c, "capture_begin"), 1);
	assert_int_equal(count(c, "graph_make"), 1);
	assert_int_equal(count(c, "graph_launch"), 2);
	assert_int_equal(count(c, "copy_in"), 1 + 3);
	assert_int_equal(count(c, "copy_out"), 2 * 3); /* result and status */
	assert_int_equal(count(c, "memory_free"), 2);
	assert_int_equal(count(c, "module_free"), kernels);
	assert_int_equal(count(c, "graph_run_free"), 1);
	assert_int_equal(count(c, "stream_free"), 1);
	assert_int_equal(count(c, "context_release"), 1);
	assert_int_equal(count(c, "live 0"), 1);
	assert_non_null(strstr(log, "init\ndriver_version\n"));
	assert_non_null(strstr(log, "context_push\ncopy_in\ngraph_launch\ncopy_out\ncopy_out\n"
				    "stream_wait\n"));
}

/* --- what goes wrong -------------------------------------------------------------------------- */

static void says(Cli *c, const char *environment, int status, const char *text)
{
	if (run(c, environment) || !strstr(c->out, arena_printf(c->arena, "= %d ", status)) ||
	    !strstr(c->out, text))
		fail_msg("%s: '%s' instead of %d and '%s'\n%s", environment, c->out, status, text,
			 c->err);
}

enum { E_TARGET = 7, E_DEVICE = 10 };

static void explains(void **state)
{
	Cli *c = *state;
	if (shell(c, "ldconfig -p | grep -q libcuda.so.1"))
		says(c, "", E_DEVICE, "no CUDA driver here: libcuda.so.1 cannot be opened");
	says(c, DRIVER "FAKE_CUDA_NONE=1", E_DEVICE, "the CUDA driver finds no device");
	says(c, DRIVER "FAKE_CUDA_VERSION=11020", E_DEVICE,
	     "the CUDA driver is too old: it is of CUDA 11.2, 11.4 is needed");
	says(c, "LD_LIBRARY_PATH=" FAKE "_old", E_DEVICE,
	     "the CUDA driver is too old: it has no cuStreamBeginCapture_v2");
	says(c, DRIVER "FAKE_CUDA_ARCH=75", E_TARGET,
	     "no code for this GPU (sm_75): compile it with --gpu sm_75");
}

/* A kernel's failure is told when the run is waited for; with its elements when that is asked for.
 */
static void explains_kernels(void **state)
{
	Cli *c = *state;
	says(c, DRIVER "FAKE_CUDA_FAULT=2", E_DEVICE, "CUDA_LAUNCH_BLOCKING=1");
	assert_int_equal(count(c, "live 0"), 1);
	says(c, DRIVER "FAKE_CUDA_FAULT=1 CUDA_LAUNCH_BLOCKING=1", E_DEVICE, "conv");
	says(c, DRIVER "FAKE_CUDA_FAULT=4 CUDA_LAUNCH_BLOCKING=1", E_DEVICE, ": fc");
	assert_int_equal(count(c, "live 0"), 1);
}

/* Each call of a whole life fails once: an error with a text, or (a graph that cannot be recorded)
 * no difference; nothing is left, on the device or on the host. */
static void every_call_fails(void **state)
{
	Cli *c = *state;
	assert_int_equal(shell(c, CC "-fsanitize=address " FOR_GPU), 0);
	assert_int_equal(run(c, DRIVER), 0);
	int calls = 0, failed = 0;
	for (const char *at = read_file(c, "log"); (at = strchr(at, '\n')); at++)
		calls++;
	for (int i = 1; i <= calls; i++) {
		int status = run(c, arena_printf(c->arena, DRIVER "FAKE_CUDA_FAIL=%d", i));
		const char *end = strstr(c->out, "= ");
		if (status || !end)
			fail_msg("call %d: %s%s", i, c->out, c->err);
		assert_int_equal(count(c, "live 0"), 1);
		if (end && str_starts(end, "= 0 \n"))
			continue;
		failed++;
		if (!end || !str_starts(end, "= 10 ") || !strstr(end, "unspecified launch failure"))
			fail_msg("call %d: %s", i, c->out);
	}
	assert_true(failed > 20);
}

/* --- compiling -------------------------------------------------------------------------------- */

static void explains_nvrtc(void **state)
{
	static const struct {
		const char *environment, *gpu, *says;
	} row[] = { { "BURIN_NVRTC=/nowhere.so", "sm_80", "libnvrtc.so was not found" },
		    { "BURIN_NVRTC=" FAKE "_old/libnvrtc.so", "sm_80",
		      "too old (11.2 or later is needed)" },
		    { NVRTC, "sm_75", "NVRTC 99.1 does not compile for sm_75" } };
	Cli *c = *state;
	for (int i = 0; i < 3; i++) {
		const char *line = arena_printf(c->arena,
						"%s $B compile small.xml --weights random:seed=1 "
						"--device cuda --gpu %s -o m.so --cache off",
						row[i].environment, row[i].gpu);
		int status = shell(c, line);
		if (status == 0 || status == 70 || !strstr(c->err, row[i].says))
			fail_msg("%s: %d %s", line, status, c->err);
		assert_int_not_equal(access(arena_printf(c->arena, "%s/m.so", c->folder), F_OK), 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(computes),         cmocka_unit_test(runs_by_the_command),
		cmocka_unit_test(asks_for),         cmocka_unit_test(explains),
		cmocka_unit_test(explains_kernels), cmocka_unit_test(every_call_fails),
		cmocka_unit_test(explains_nvrtc),
	};
	return cmocka_run_group_tests(tests, begin, tear_down);
}
