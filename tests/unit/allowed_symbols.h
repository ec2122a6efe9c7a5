/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* What an artefact may call. No malloc, no printing, nothing that ends or changes the process,
 * nothing that loads code. */
#ifndef TESTS_ALLOWED_SYMBOLS_H
#define TESTS_ALLOWED_SYMBOLS_H
#include "tests/unit/check.h"
#include <stdio.h>
#include <string.h>

static inline void assert_symbols_allowed(const char *path)
{
	static const char allowed[] =
		" clock_gettime close expf getenv getpid memcmp memcpy memset open"
		" pthread_attr_destroy pthread_attr_init pthread_attr_setstacksize pthread_create"
		" pthread_join pthread_sigmask read sched_getaffinity sched_yield sigfillset"
		" snprintf strchr strrchr strstr syscall __errno_location _GLOBAL_OFFSET_TABLE_ ";
	char command[512], name[256], wanted[260];
	int n = 0;
	snprintf(command, sizeof command, "nm -u %s%s | sed 's/@.*//'",
		 strstr(path, ".so") ? "-D " : "", path);
	FILE *list = popen(command, "r");
	assert_non_null(list);
	while (fscanf(list, " %*c %255s", name) == 1) {
		snprintf(wanted, sizeof wanted, " %s ", name);
		if (!strstr(allowed, wanted))
			fail_msg("an artefact must not need %s", name);
		n++;
	}
	assert_int_equal(pclose(list), 0);
	assert_true(n > 10);
}
#endif
