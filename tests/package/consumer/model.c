/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* A model that the build system compiled: its header and one call. */
#ifndef DIGITS_IS_HERE
#include "digits.h"
#endif
#include <stdio.h>
#include <stdlib.h>

int main(void)
{
	static float x[28 * 28], y[10];
	void *workspace =
		aligned_alloc(DIGITS_WORKSPACE_ALIGN, (DIGITS_WORKSPACE_BYTES + 63) / 64 * 64);
	for (int i = 0; i < 28 * 28; i++)
		x[i] = (float)(i % 13) / 13;
	if (!workspace || digits_run(NULL, x, y, workspace) != DIGITS_OK)
		return 1;
	for (int i = 0; i < 10; i++)
		printf("%a\n", (double)y[i]);
	free(workspace);
	return 0;
}
