/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* What every unit test includes: cmocka with the headers it needs first. */
#ifndef TESTS_CHECK_H
#define TESTS_CHECK_H
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* Ends the test as skipped; test.sh lists what was, and why. */
#define skip_because(...) \
	do { \
		print_message("skipped: " __VA_ARGS__); \
		print_message("\n"); \
		skip(); \
	} while (0)
#endif
