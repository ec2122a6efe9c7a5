/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Runs a model that is linked in. Between two getppid, which a trace shows, nothing is asked of the
 * system or of the allocator: neither without a context nor with one of one thread. */
#include "counted.h"
#include "lenet.h"
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { RUNS = 1000 };

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
