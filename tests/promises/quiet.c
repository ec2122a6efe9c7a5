/* Runs a model that is linked in. Between two getppid, which a trace shows, nothing is asked of the
 * system or of the allocator: neither without a context nor with one of one thread. */
#include "lenet.h"
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { RUNS = 1000 };

static int counting, asked;

/* The allocator of this program, linked before that of libc: counts and gives from a block. */
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

static float x[28 * 28], y[10], first[10];
static char workspace[LENET_WORKSPACE_BYTES] __attribute__((aligned(64)));

static int runs(const lenet_ctx *ctx)
{
	int wrong = lenet_run(ctx, x, y, workspace);
	counting = 1;
	syscall(SYS_getppid);
	for (int i = 0; i < RUNS; i++)
		wrong |= lenet_run(ctx, x, y, workspace);
	syscall(SYS_getppid);
	counting = 0;
	return wrong;
}

int main(void)
{
	static lenet_ctx ctx;
	for (int i = 0; i < 28 * 28; i++)
		x[i] = (float)(i % 17);
	if (runs(NULL) || lenet_ctx_init(&ctx, 1))
		return 1;
	for (int i = 0; i < 10; i++)
		first[i] = y[i];
	if (lenet_workspace_bytes(&ctx) > sizeof workspace || runs(&ctx))
		return 2;
	lenet_ctx_done(&ctx);
	for (int i = 0; i < 10; i++)
		if (y[i] != first[i])
			return 3;
	return asked ? 4 : 0;
}
