/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Models for GPUs through the command: every kernel of real models compiled by NVRTC, the artefact
 * and its header, and what is said where something is missing. Without NVRTC the first part is
 * skipped. */
#include "tests/e2e/cli_fixture.h"
#include "codegen/cuda/nvrtc.h"

#define FACE EXAMPLES "/face/rfb-320.onnx"
#define GPUS " --device cuda --gpu sm_75,sm_80,sm_90"

static void need_nvrtc(Cli *c)
{
	const char *version;
	bool knows;
	if (nvrtc_found(c->arena, 80, &version, &knows))
		return;
	skip_because("no NVRTC: %s", version);
}

static void test_models(void **state)
{
	Cli *c = *state;
	need_nvrtc(c);
	expect(c, "compile " FACE GPUS " -o face.so", 0, "", NULL);
	expect(c, "compile " LENET GPUS " -o lenet.so", 0, "", NULL);
	const JsonValue *v = document(c, "inspect face.so", 0);
	assert_non_null(v);
	assert_non_null(strstr(c->out, "sm_75"));
	assert_non_null(strstr(c->out, "sm_90"));
}

static void test_artefact(void **state)
{
	Cli *c = *state;
	need_nvrtc(c);
	expect(c, "compile " LENET GPUS " -o lenet.so", 0, "", NULL);
	assert_int_equal(shell(c, "readelf -d lenet.so"), 0);
	assert_non_null(strstr(c->out, "libc.so.6"));
	assert_null(strstr(c->out, "libcuda"));
	const char *h = read_file(c, "lenet.h");
	assert_non_null(strstr(h, "const char *lenet_ctx_error(const lenet_ctx *ctx);"));
	assert_non_null(strstr(h, "sm_75, sm_80, sm_90"));
}

/* A plain C program with the generated header alone, on a machine without a driver. */
static void test_header(void **state)
{
	Cli *c = *state;
	need_nvrtc(c);
	expect(c, "compile " LENET " --device cuda -o lenet.so", 0, "", NULL);
	write_text(c, "m.c",
		   "#include \"lenet.h\"\n#include <stdio.h>\n"
		   "int main(void)\n{\n\tlenet_ctx x;\n\tint r = lenet_ctx_init(&x, 0);\n"
		   "\tprintf(\"%d %d %s\\n\", r, lenet_supported(), lenet_ctx_error(&x));\n"
		   "\tlenet_ctx_done(&x);\n\treturn 0;\n}\n");
	assert_int_equal(
		shell(c, "cc -std=c99 -Wall -Werror -o m m.c ./lenet.so && LD_LIBRARY_PATH=. ./m"),
		0);
	if (strncmp(c->out, "0 0", 3) != 0)
		assert_non_null(strstr(c->out, "10 10 no CUDA driver here"));
}

static void test_missing(void **state)
{
	Cli *c = *state;
	assert_int_equal(
		shell(c, "BURIN_NVRTC=/nowhere $B compile " LENET " --device cuda -o lenet.so"), 5);
	assert_non_null(strstr(c->err, "E5221"));
	expect(c, "compile " LENET " --device cuda --gpu sm_10 -o lenet.so", 2, NULL,
	       "unknown GPU 'sm_10'");
	expect(c,
	       "compile " EXAMPLES
	       "/lenet.xml --weights random:seed=1 --device cuda --batch 1,8 -o lenet.so",
	       4, NULL, "an artefact for GPUs is of one batch size");
	expect(c,
	       "compile " EXAMPLES "/lenet.xml --weights random:seed=1 --device cuda --batch 1 "
	       "--set free-batch=yes -o lenet.so",
	       4, NULL, "--set free-batch: an artefact for GPUs is of one batch size");
	expect(c, "compile " LENET " --device cuda -o lenet.ll", 2, NULL, ".cu, .so, .a or .o");
	expect(c, "compile " LENET " --device cuda -o lenet.cu", 0, NULL, NULL);
	assert_non_null(strstr(read_file(c, "lenet.cu"), "BURIN_KERNEL"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_models, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_artefact, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_header, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_missing, set_up, tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
