/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* What is written in C for kernels and their emulation (codegen/cuda/device), as bytes that the
 * library carries (cmake/cuda_device.cmake). */
#include "codegen/cuda/text.h"
#include "codegen/cuda/cuda.h"

#define CARRIED(name, file) \
	__asm__(".section .rodata.burin_text,\"a\",%progbits\n" \
		".balign 16\n" \
		"burin_text_" #name ":\n" \
		".incbin \"" file "\"\n" \
		"burin_text_" #name "_end:\n" \
		".byte 0\n" \
		".previous\n"); \
	extern const char burin_text_##name[] __attribute__((visibility("hidden"))); \
	extern const char burin_text_##name##_end[] __attribute__((visibility("hidden")))

CARRIED(prelude, BURIN_CUDA_PRELUDE);
CARRIED(emulator, BURIN_CUDA_EMULATOR);

const char *cuda_prelude(void)
{
	return burin_text_prelude;
}

ObjectCode emulator_object(void)
{
	return (ObjectCode){ burin_text_emulator,
			     (size_t)(burin_text_emulator_end - burin_text_emulator) };
}
