/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Any bytes as an ONNX model. */
#include "tests/fuzz/bytes.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	bytes_as_onnx(data, n);
	return 0;
}
