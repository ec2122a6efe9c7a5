/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Compiled kernels come back from a cache on disk: any bytes as an object to merge. */
#include "codegen/artifact/elf_out.h"
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static bool sum(void *user, const void *data, size_t n)
{
	for (size_t i = 0; i < n; i++)
		*(unsigned *)user += ((const unsigned char *)data)[i];
	return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static const char *const exported[] = { "m_run" };
	unsigned total = 0;
	Arena *a = arena_create();
	ElfOut *e = elf_create(a, 62);
	if (!elf_merge(e, data, n) && !elf_merge(e, data, n) && !elf_finish(e, exported, 1) &&
	    elf_bytes(e) < 1 << 24)
		elf_write(e, sum, &total);
	arena_destroy(a);
	return 0;
}
