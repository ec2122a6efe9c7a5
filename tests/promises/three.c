/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Three models linked into one program: an archive, an object, and a third that shares the kernels
 * of the first with other weights. Writes the answers of each as floats: the caller knows them. */
#include "face.h"
#include "one.h"
#include "two.h"
#include <stdio.h>
#include <stdlib.h>

enum { IMAGE = 3 * 240 * 320 };

static float x[IMAGE], y[4420 * 4], z[4420 * 4];

static void *workspace(size_t n)
{
	return aligned_alloc(64, (n + 63) & ~(size_t)63);
}

int main(void)
{
	for (int i = 0; i < IMAGE; i++)
		x[i] = (float)((i * 7919 + 13) % 1009) / 1009.0f - 0.5f;
	for (int k = 0; k < 2; k++) {
		if (one_run(NULL, x, y, workspace(ONE_WORKSPACE_BYTES)))
			return 1;
		fwrite(y, 4, 10, stdout);
		if (two_run(NULL, x, y, workspace(TWO_WORKSPACE_BYTES)))
			return 2;
		fwrite(y, 4, 10, stdout);
		if (face_run(NULL, x, y, z, workspace(FACE_WORKSPACE_BYTES)))
			return 3;
		fwrite(y, 4, 4420 * 2, stdout);
		fwrite(z, 4, 4420 * 4, stdout);
	}
	return fflush(stdout) != 0;
}
