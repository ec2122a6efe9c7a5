/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* What the fuzzers of models and weights share: any bytes are refused with a report, or read, and
 * then printing, reading again and checking must work. Aborts where that is not so. */
#ifndef TESTS_FUZZ_BYTES_H
#define TESTS_FUZZ_BYTES_H
#include "frontend/weights.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

void bytes_as_xml(const uint8_t *data, size_t n);
void bytes_as_onnx(const uint8_t *data, size_t n);
void bytes_as_weights(bool (*read)(WeightSet *w, Bytes file), const uint8_t *data, size_t n);
#endif
