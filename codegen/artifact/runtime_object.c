/* The bytes of runtime/cpu, compiled for artefacts when Burin is built
 * (cmake/runtime_object.cmake). */
#include "codegen/artifact/internal.h"
#include <elf.h>

#ifdef BURIN_RUNTIME_OBJECT
__asm__(".section .rodata.burin_runtime,\"a\",%progbits\n"
	".balign 16\n"
	"burin_runtime_bytes:\n"
	".incbin \"" BURIN_RUNTIME_OBJECT "\"\n"
	"burin_runtime_end:\n"
	".byte 0\n"
	".previous\n");
extern const char burin_runtime_bytes[] __attribute__((visibility("hidden")));
extern const char burin_runtime_end[] __attribute__((visibility("hidden")));
#endif

#if defined(__x86_64__)
enum { HOST = EM_X86_64 };
#elif defined(__aarch64__)
enum { HOST = EM_AARCH64 };
#else
enum { HOST = EM_NONE };
#endif

bool runtime_object(uint16_t machine, ObjectCode *out)
{
#ifdef BURIN_RUNTIME_OBJECT
	if (machine == HOST) {
		*out = (ObjectCode){ .data = burin_runtime_bytes,
				     .bytes = (size_t)(burin_runtime_end - burin_runtime_bytes) };
		return true;
	}
#endif
	(void)machine;
	(void)out;
	return false;
}
