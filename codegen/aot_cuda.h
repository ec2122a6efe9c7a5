/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The text of a model's kernels behind their prelude, as a .cu file to be read. */
#ifndef CODEGEN_AOT_CUDA_H
#define CODEGEN_AOT_CUDA_H
#include "codegen/compile.h"

bool write_cuda_text(Context *c, const Graph *g, const CompileOptions *o, const char *path,
		     CompileReport *report);
#endif
