/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
#ifndef CODEGEN_ARTIFACT_ELF_INTERNAL_H
#define CODEGEN_ARTIFACT_ELF_INTERNAL_H
#include "base/map.h"
#include "base/str.h"
#include "base/vec.h"
#include "codegen/artifact/elf_out.h"
#include <elf.h>

typedef struct Symbol {
	const char *name;
	uint32_t section; /* of the output; 0: undefined */
	uint8_t type, binding, visibility;
	uint64_t value, size;
	uint32_t index; /* in the output's table, by elf_finish; 0: left out */
} Symbol;

typedef struct Section {
	const char *name;
	Elf64_Shdr head; /* sh_link and sh_info already count in the output */
	const void *data;
	Symbol *self;     /* its section symbol, made when first needed */
	Symbol **symbols; /* of the input it came from: for relocations */
	uint32_t n_symbols;
} Section;

struct ElfOut {
	Arena *arena;
	uint16_t machine;
	VEC(Section) section; /* 0: the null section */
	VEC(Symbol *) symbol;
	Map *globals; /* name -> Symbol */
	VEC(const char *) undefined;
	Symbol **ordered; /* by index */
	uint32_t n_ordered, n_locals;
	Str names, section_names;
	uint32_t symtab; /* its section's number */
	uint64_t bytes, table_at;
};
#endif
