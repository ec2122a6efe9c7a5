/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The same with a shared library. */
#include "digits_shared.h"
#define DIGITS_IS_HERE
#include "model.c"
