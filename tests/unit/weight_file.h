/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* A weight file for a test. */
#ifndef TESTS_WEIGHT_FILE_H
#define TESTS_WEIGHT_FILE_H
#include "frontend/frontend.h"

static inline bool safetensors_write(Context *c, const char *path, int n, const char *const *name,
				     const Blob *const *blob)
{
	IoError e;
	IoWriter *w = safetensors_create(c, path, n, name, blob);
	return w && io_commit(w, &e);
}
#endif
