/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The bytes of runtime/cpu and of runtime/cuda, compiled for artefacts when Burin is built
 * (cmake/runtime_object.cmake). */
#include "codegen/artifact/internal.h"
#include <elf.h>

#ifdef BURIN_RUNTIME_OBJECT
#define EMBED(name, file) \
	__asm__(".section .rodata." #name ",\"a\",%progbits\n" \
		".balign 16\n" #name "_bytes:\n" \
		".incbin \"" file "\"\n" #name "_end:\n" \
		".byte 0\n" \
		".previous\n"); \
	extern const char name##_bytes[] __attribute__((visibility("hidden"))); \
	extern const char name##_end[] __attribute__((visibility("hidden")));
EMBED(burin_runtime, BURIN_RUNTIME_OBJECT)
EMBED(burin_runtime_cuda, BURIN_RUNTIME_CUDA_OBJECT)
EMBED(burin_runtime_text, BURIN_RUNTIME_TEXT)
#endif

#if defined(__x86_64__)
enum { HOST = EM_X86_64 };
#elif defined(__aarch64__)
enum { HOST = EM_AARCH64 };
#else
enum { HOST = EM_NONE };
#endif

bool runtime_object(uint16_t machine, bool cuda, ObjectCode *out)
{
#ifdef BURIN_RUNTIME_OBJECT
	const char *bytes = cuda ? burin_runtime_cuda_bytes : burin_runtime_bytes;
	const char *end = cuda ? burin_runtime_cuda_end : burin_runtime_end;
	if (machine == HOST) {
		*out = (ObjectCode){ .data = bytes, .bytes = (size_t)(end - bytes) };
		return true;
	}
#endif
	(void)machine, (void)cuda, (void)out;
	return false;
}

const char *runtime_text(uint16_t machine)
{
#ifdef BURIN_RUNTIME_OBJECT
	if (machine == HOST)
		return burin_runtime_text_bytes;
#endif
	(void)machine;
	return NULL;
}
