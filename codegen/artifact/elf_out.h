/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* One relocatable ELF object, put together from objects in memory, sections of our own (packed
 * weights, metadata) and symbols. It does what a linker's -r does and makes every symbol local that
 * is not exported, so that any number of models link into one program. */
#ifndef CODEGEN_ARTIFACT_ELF_OUT_H
#define CODEGEN_ARTIFACT_ELF_OUT_H
#include "base/arena.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct ElfOut ElfOut;
/* Takes bytes in order; false when it could not. */
typedef bool ElfSink(void *user, const void *data, size_t bytes);

ElfOut *elf_create(Arena *arena, uint16_t machine);
/* Objects' bytes are not copied and must live until elf_write. NULL, or what is wrong with the
 * object. */
const char *elf_merge(ElfOut *e, const void *object, size_t bytes);
/* A read-only section of our own; data is not copied. Returns its number. */
uint32_t elf_section(ElfOut *e, const char *name, uint32_t type, uint64_t flags, uint64_t align,
		     const void *data, size_t bytes);
/* NULL, or what is wrong: defined twice. */
const char *elf_define(ElfOut *e, const char *name, uint32_t section, uint64_t value,
		       uint64_t bytes);
bool elf_defines(const ElfOut *e, const char *name);
/* Assigns places; the names that stay global. NULL, or what is wrong. */
const char *elf_finish(ElfOut *e, const char *const *exported, int n_exported);
uint64_t elf_bytes(const ElfOut *e); /* after elf_finish */
bool elf_write(const ElfOut *e, ElfSink *sink, void *user);
/* Names that are used and not defined here, after elf_finish. */
int elf_undefined(const ElfOut *e, const char *const **names);
#endif
