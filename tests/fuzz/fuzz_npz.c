/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Any bytes as a weight file in .npz form. */
#include "tests/fuzz/bytes.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	bytes_as_weights(npz_read, data, n);
	return 0;
}
