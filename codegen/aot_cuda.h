/* Files for a GPU, by the suffix of the path: .cu is the text of the kernels behind their prelude.
 */
#ifndef CODEGEN_AOT_CUDA_H
#define CODEGEN_AOT_CUDA_H
#include "codegen/compile.h"

bool compile_cuda(Context *c, const Graph *g, const CompileOptions *o, const char *path,
		  CompileReport *report);
#endif
