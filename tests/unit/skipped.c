/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Linked into every cmocka program before cmocka: a program of which a test was skipped, and none
 * failed, exits with what ctest knows as "Skipped" (SKIP_RETURN_CODE), not as passed. */
#include "tests/unit/check.h"

enum { SKIPPED = 77 };

static int skipped;

extern void __real__skip(const char *file, int line);
extern int __real__cmocka_run_group_tests(const char *name, const struct CMUnitTest *tests,
					  size_t n, CMFixtureFunction setup,
					  CMFixtureFunction teardown);
void __wrap__skip(const char *file, int line);
int __wrap__cmocka_run_group_tests(const char *name, const struct CMUnitTest *tests, size_t n,
				   CMFixtureFunction setup, CMFixtureFunction teardown);

void __wrap__skip(const char *file, int line)
{
	skipped++;
	__real__skip(file, line);
}

int __wrap__cmocka_run_group_tests(const char *name, const struct CMUnitTest *tests, size_t n,
				   CMFixtureFunction setup, CMFixtureFunction teardown)
{
	int failed = __real__cmocka_run_group_tests(name, tests, n, setup, teardown);
	return failed ? failed : skipped ? SKIPPED : 0;
}
