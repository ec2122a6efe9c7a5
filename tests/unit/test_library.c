/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* libburin_rt as it is built: small, needs libc alone, exports the API alone, and what the header
 * declares. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#define LIBRARY BURIN_BUILD_DIR "/libburin_rt.so"
#define HEADER BURIN_SOURCE_DIR "/include/burin.h"
enum { BUDGET = 200000 };

/* A library with a sanitizer in it says nothing. */
#if defined(__has_feature)
#define HAS(f) __has_feature(f)
#else
#define HAS(f) 0
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || HAS(address_sanitizer) || \
	HAS(thread_sanitizer) || HAS(memory_sanitizer)
enum { SANITIZED = 1 };
#else
enum { SANITIZED = 0 };
#endif

static void output(const char *command, char *text, size_t size)
{
	FILE *f = popen(command, "r");
	assert_non_null(f);
	text[fread(text, 1, size - 1, f)] = 0;
	assert_int_equal(pclose(f), 0);
}

static int need_library(void **state)
{
	(void)state;
	return access(LIBRARY, R_OK);
}

static void test_size(void **state)
{
	char text[64];
	(void)state;
	output("t=$(mktemp) && strip -o $t " LIBRARY " && stat -c %s $t && rm $t", text,
	       sizeof(text));
	assert_in_range(atoi(text), 1000, BUDGET);
}

static void test_needs(void **state)
{
	char text[4096], *line = text;
	(void)state;
	output("readelf -d " LIBRARY " | sed -n 's/.*NEEDED.*\\[\\(.*\\)\\]/\\1/p'", text,
	       sizeof(text));
	for (char *name; (name = strsep(&line, "\n")) != NULL;)
		if (*name &&
		    !strstr("libc.so.6 libm.so.6 ld-linux-x86-64.so.2 ld-linux-aarch64.so.1", name))
			fail_msg("libburin_rt needs %s", name);
}

/* Each exported name is in the header. */
static void test_exports(void **state)
{
	char text[8192], *line = text;
	int n = 0;
	(void)state;
	output("nm -D --defined-only " LIBRARY " | cut -d' ' -f3", text, sizeof(text));
	for (char *name; (name = strsep(&line, "\n")) != NULL;) {
		char command[300];
		if (!*name)
			continue;
		snprintf(command, sizeof(command), "grep -qw '%.64s' " HEADER, name);
		if (system(command) != 0)
			fail_msg("%s is exported, but not in burin.h", name);
		n++;
	}
	assert_int_equal(n, 18);
}

static void test_header(void **state)
{
	static const char *const compilers[] = { "cc -std=c99 -x c", "cc -std=c11 -x c",
						 "cc -std=c17 -x c", "c++ -std=c++17 -x c++" };
	(void)state;
	for (size_t i = 0; i < sizeof(compilers) / sizeof(compilers[0]); i++) {
		char command[300];
		snprintf(command, sizeof(command),
			 "echo '#include \"" HEADER
			 "\"' | %s -Wall -Wextra -Wpedantic -Werror -fsyntax-only -",
			 compilers[i]);
		if (system(command) != 0)
			fail_msg("%s", command);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_size),
		cmocka_unit_test(test_needs),
		cmocka_unit_test(test_exports),
		cmocka_unit_test(test_header),
	};
	if (SANITIZED)
		return 0;
	if (need_library(NULL) != 0) {
		fprintf(stderr, "no %s\n", LIBRARY);
		return 1;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
