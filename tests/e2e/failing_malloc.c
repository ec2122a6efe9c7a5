/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* For LD_PRELOAD: allocation number $FAIL_AT fails, and with $FAIL_FOREVER all after it. With
 * $FAIL_COUNT the number of allocations goes to descriptor 2 at the end. */
#define _GNU_SOURCE
#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

void *__libc_malloc(size_t bytes);
void *__libc_calloc(size_t n, size_t bytes);
void *__libc_realloc(void *p, size_t bytes);

static atomic_long count;
static long at = -1;
static bool forever, counting;

__attribute__((constructor)) static void begin(void)
{
	const char *number = getenv("FAIL_AT");
	at = number ? atol(number) : -1;
	forever = getenv("FAIL_FOREVER") != NULL;
	counting = getenv("FAIL_COUNT") != NULL;
	unsetenv("LD_PRELOAD"); /* not for the linker that it runs */
	atomic_store(&count, 0);
}

__attribute__((destructor)) static void end(void)
{
	char text[32];
	int n = snprintf(text, sizeof text, "%ld", atomic_load(&count));
	if (counting && write(2, text, (size_t)n) != n)
		_exit(99);
}

static bool fails(void)
{
	if (at < 0 && !counting)
		return false;
	long c = atomic_fetch_add(&count, 1);
	if (at < 0 || (c != at && !(forever && c > at)))
		return false;
	errno = ENOMEM;
	return true;
}

void *malloc(size_t bytes)
{
	return fails() ? NULL : __libc_malloc(bytes);
}

void *calloc(size_t n, size_t bytes)
{
	return fails() ? NULL : __libc_calloc(n, bytes);
}

void *realloc(void *p, size_t bytes)
{
	return fails() ? NULL : __libc_realloc(p, bytes);
}
