/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Any bytes as a weight file in .safetensors form. */
#include "tests/fuzz/bytes.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	bytes_as_weights(safetensors_read, data, n);
	return 0;
}
