/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* What the library carries; cuda_prelude() is in cuda.h. */
#ifndef CODEGEN_CUDA_TEXT_H
#define CODEGEN_CUDA_TEXT_H
#include "codegen/codegen.h"

ObjectCode emulator_object(void); /* to be linked to kernels */
#endif
