/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The allocator of a test program, in the place of libc's: counts what is asked of it while
 * `counting` is 1. */
#ifndef TESTS_PROMISES_COUNTED_H
#define TESTS_PROMISES_COUNTED_H
#include <stddef.h>
#include <stdlib.h>

static int counting, asked;

/* Linked before libc's; gives from a block. */
static char heap[1 << 20] __attribute__((aligned(64)));
static size_t used;

void *malloc(size_t n)
{
	asked += counting;
	used = (used + 63) & ~(size_t)63;
	if (n > sizeof heap - used)
		return NULL;
	used += n;
	return heap + used - n;
}

void free(void *p)
{
	asked += counting;
	(void)p;
}

void *calloc(size_t n, size_t size)
{
	return malloc(n * size);
}

void *realloc(void *p, size_t n)
{
	asked += counting;
	(void)p;
	(void)n;
	abort();
}

#endif
