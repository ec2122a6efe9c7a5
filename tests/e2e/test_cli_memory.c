/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The command when allocations fail, each in turn or all from one on (failing_malloc.c): it does its
 * work all the same, or says that memory ran out and ends with 5. It never blames a file, loses an
 * option, or dies of a signal, also inside of libxml2, zlib and LLVM. */
#include "tests/e2e/cli_fixture.h"

#define FAILING "LD_PRELOAD=" BURIN_BUILD_DIR "/tests/libfailing_malloc.so "

static const char model[] =
	"<graph name=\"h\"><input id=\"x\" shape=\"N,3,6,6\"/><conv2d id=\"c\" "
	"filters=\"4\" kernel=\"3\" pad=\"1\"/><batchnorm id=\"b\"/><relu/><maxpool2d "
	"kernel=\"2\"/>"
	"<flatten/><linear id=\"l\" units=\"5\"/><output id=\"y\"/></graph>";

static long allocations(Cli *c, const char *arguments)
{
	int rc = shell(c, arena_printf(c->arena, FAILING "FAIL_COUNT=1 $B %s", arguments));
	if (rc != 0)
		fail_msg("%s: %d, %s", arguments, rc, c->err);
	return atol(c->err);
}

/* The output of the work, when it was done, is what it always is. */
static int with_failure(Cli *c, const char *arguments, long at, bool forever, const char *wanted)
{
	int rc = shell(c, arena_printf(c->arena, FAILING "FAIL_AT=%ld %s $B %s", at,
				       forever ? "FAIL_FOREVER=1" : "", arguments));
	bool said = strstr(c->err, "E1008") || strstr(c->err, "Cannot allocate memory");
	bool good = rc == 0 ? !wanted || strcmp(c->out, wanted) == 0 : rc == 5 && said;
	if (!good || strstr(c->err, "E2001") || strstr(c->err, "terminate") ||
	    strstr(c->err, "LLVM ERROR"))
		fail_msg("%s with allocation %ld%s failing: %d, %s%s", arguments, at,
			 forever ? " and all after it" : "", rc, c->out, c->err);
	return rc;
}

/* The first ones each, then ever fewer. */
static void try_failures(Cli *c, const char *arguments, int each, int ratio)
{
	long n = allocations(c, arguments);
	int failed = 0, tried = 0;
	shell(c, arena_printf(c->arena, "$B %s", arguments));
	const char *wanted = strstr(arguments, " -o ") ? NULL : c->out;
	assert_true(n > 0);
	for (long at = 0; at < n; at += at < each ? 1 : 1 + at / ratio) {
		ArenaMark m = arena_mark(c->arena);
		failed += with_failure(c, arguments, at, false, wanted) != 0;
		failed += with_failure(c, arguments, at, true, wanted) != 0;
		tried += 2;
		arena_release(c->arena, m);
	}
	print_message("%s: %ld allocations, %d failures tried, %d ended it\n", arguments, n, tried,
		      failed);
	assert_true(failed > tried / 4);
}

static void without_llvm(void **state)
{
	Cli *c = *state;
	write_text(c, "p.xml", model);
	try_failures(c, "check p.xml", 60, 8);
	try_failures(c, "check " EXAMPLES "/face/rfb-320.onnx", 8, 4);
}

static void with_llvm(void **state)
{
	Cli *c = *state;
	write_text(c, "m.xml", model);
	try_failures(c, "run m.xml --bind N=1 --weights random:seed=1 --cache off -j 2 -q", 4, 2);
	try_failures(
		c,
		"compile m.xml --bind N=1 --weights random:seed=1 --cache off -q --mcpu native "
		"-o m.so",
		4, 2);
}

/* Its member is deflated. */
static void weights(void **state)
{
	try_failures(*state, "inspect " BURIN_SOURCE_DIR "/tests/hostile/weights/ok-packed.npz", 40,
		     8);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
	return 0;
#endif
	const struct CMUnitTest tests[] = {
		TEST(without_llvm),
		TEST(weights),
		TEST(with_llvm),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
