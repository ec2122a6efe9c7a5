/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Large read-only data of a shared library without the linker copying it: the linker is given a
 * section without bytes, of which it makes zeroed memory at the end of the image. Afterwards that
 * memory becomes a segment of its own, filled from bytes that the caller puts behind the file. */
#ifndef CODEGEN_ARTIFACT_ELF_ATTACH_H
#define CODEGEN_ARTIFACT_ELF_ATTACH_H
#include "codegen/artifact/elf_out.h"

/* Into the object: both sections (see elf_attach.c). Returns the number of that of the data. */
uint32_t elf_reserve(ElfOut *e, uint16_t machine, uint64_t bytes);
/* In the linked file, which is changed in place. *at: the offset in the file where the bytes
 * belong. NULL, or what is wrong. */
const char *elf_attach(void *file, size_t file_bytes, uint64_t *at);
#endif
