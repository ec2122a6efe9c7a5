/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Taking an object into the output: each of its sections that matters becomes a section of the
 * output (sections of one name are left side by side, which linkers allow and which keeps
 * --gc-sections fine-grained); local symbols are renumbered, global ones resolved by name.
 * Relocations keep a table from the input's symbols to the output's and are rewritten when the
 * output is. Every number of the input is checked, because compiled kernels come back from a cache
 * on disk. */
#include "codegen/artifact/elf_internal.h"

typedef struct Input {
	const unsigned char *at;
	size_t bytes;
	uint32_t n_sections, n_symbols;
	const Elf64_Shdr *section;
	const char *section_names;
	size_t section_names_bytes;
	const Elf64_Sym *symbol;
	const char *names;
	size_t names_bytes;
	uint32_t *section_map; /* input number -> output number, 0: dropped */
	Symbol **symbol_map;
} Input;

static bool inside(const Input *in, uint64_t offset, uint64_t bytes)
{
	return offset <= in->bytes && bytes <= in->bytes - offset;
}

/* Text inside a string table that ends within it, or NULL. */
static const char *text_at(const char *table, size_t bytes, uint32_t offset)
{
	if (offset >= bytes || !memchr(table + offset, 0, bytes - offset))
		return NULL;
	return table + offset;
}

static bool string_table(const Input *in, uint32_t number, const char **text, size_t *bytes)
{
	if (number == 0 || number >= in->n_sections)
		return false;
	const Elf64_Shdr *s = &in->section[number];
	if (s->sh_type != SHT_STRTAB || !inside(in, s->sh_offset, s->sh_size))
		return false;
	*text = (const char *)in->at + s->sh_offset;
	*bytes = s->sh_size;
	return true;
}

static bool header_fits(const Elf64_Ehdr *h, uint16_t machine)
{
	return memcmp(h->e_ident, ELFMAG, SELFMAG) == 0 && h->e_ident[EI_CLASS] == ELFCLASS64 &&
	       h->e_ident[EI_DATA] == ELFDATA2LSB && h->e_type == ET_REL &&
	       h->e_machine == machine && h->e_shentsize == sizeof(Elf64_Shdr) && h->e_shnum > 0 &&
	       h->e_shnum < SHN_LORESERVE;
}

static const char *open_sections(ElfOut *e, Input *in)
{
	Elf64_Ehdr h;
	if (in->bytes < sizeof(h))
		return "not an ELF object";
	memcpy(&h, in->at, sizeof(h));
	if (!header_fits(&h, e->machine))
		return "not a relocatable ELF object of this machine";
	uint64_t table = (uint64_t)h.e_shnum * sizeof(Elf64_Shdr);
	if (!inside(in, h.e_shoff, table))
		return "section table out of bounds";
	in->n_sections = h.e_shnum;
	/* copied: the input need not be aligned */
	in->section = arena_copy(e->arena, in->at + h.e_shoff, table);
	in->section_map = ARENA_ARRAY(e->arena, uint32_t, h.e_shnum);
	if (!string_table(in, h.e_shstrndx, &in->section_names, &in->section_names_bytes))
		return "no section names";
	return NULL;
}

static const char *open_symbols(ElfOut *e, Input *in)
{
	const Elf64_Shdr *found = NULL;
	for (uint32_t i = 1; i < in->n_sections; i++) {
		if (in->section[i].sh_type == SHT_SYMTAB_SHNDX)
			return "too many sections";
		if (in->section[i].sh_type == SHT_SYMTAB)
			found = &in->section[i];
	}
	if (!found)
		return NULL;
	if (!inside(in, found->sh_offset, found->sh_size) ||
	    !string_table(in, found->sh_link, &in->names, &in->names_bytes))
		return "symbol table out of bounds";
	in->n_symbols = (uint32_t)(found->sh_size / sizeof(Elf64_Sym));
	in->symbol = arena_copy(e->arena, in->at + found->sh_offset, found->sh_size);
	in->symbol_map = ARENA_ARRAY(e->arena, Symbol *, in->n_symbols + 1);
	return NULL;
}

static bool is_dropped(const Elf64_Shdr *s, const char *name)
{
	static const char *const prefixes[] = { ".debug", ".comment", ".note.GNU-stack",
						".note.gnu.property", ".llvm" };
	switch (s->sh_type) {
	case SHT_NULL:
	case SHT_SYMTAB:
	case SHT_STRTAB:
	case SHT_GROUP:
	case 0x6fff4c03: /* LLVM's list of symbols whose address is taken */ return true;
	}
	for (size_t i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++)
		if (str_starts(name, prefixes[i]))
			return true;
	return false;
}

static const char *take_section(ElfOut *e, Input *in, uint32_t i)
{
	const Elf64_Shdr *s = &in->section[i];
	const char *name = text_at(in->section_names, in->section_names_bytes, s->sh_name);
	bool rela = s->sh_type == SHT_RELA;
	if (!name)
		return "section name out of bounds";
	if (is_dropped(s, name))
		return NULL;
	if (s->sh_type == SHT_REL)
		return "relocations without addend";
	if (s->sh_type != SHT_NOBITS && !inside(in, s->sh_offset, s->sh_size))
		return "section out of bounds";
	if (rela && (s->sh_info == 0 || s->sh_info >= in->n_sections))
		return "relocations of no section";
	if (rela && s->sh_size % sizeof(Elf64_Rela) != 0)
		return "half a relocation";
	Section out = { .name = arena_strdup(e->arena, name),
			.head = *s,
			.data = s->sh_type == SHT_NOBITS ? NULL : in->at + s->sh_offset,
			.symbols = rela ? in->symbol_map : NULL,
			.n_symbols = rela ? in->n_symbols : 0 };
	out.head.sh_flags &= ~(uint64_t)SHF_GROUP;
	in->section_map[i] = (uint32_t)e->section.n;
	vec_push(e->arena, &e->section, out);
	return NULL;
}

/* Relocations and ordered sections name other sections, which may come later: numbers are mapped
 * when all have theirs. */
static const char *link_sections(ElfOut *e, Input *in)
{
	for (uint32_t i = 1; i < in->n_sections; i++) {
		if (in->section_map[i] == 0)
			continue;
		Elf64_Shdr *s = &e->section.at[in->section_map[i]].head;
		if (s->sh_type == SHT_RELA) {
			s->sh_info = in->section_map[s->sh_info];
			s->sh_link = 0; /* the symbol table, by elf_finish */
			if (s->sh_info == 0)
				s->sh_type = SHT_NULL; /* of a dropped section: left out */
		} else if (s->sh_flags & SHF_LINK_ORDER) {
			if (s->sh_link >= in->n_sections)
				return "section link out of bounds";
			s->sh_link = in->section_map[s->sh_link];
		}
	}
	return NULL;
}

static Symbol *new_symbol(ElfOut *e, const char *name)
{
	Symbol *s = ARENA_NEW(e->arena, Symbol);
	s->name = name;
	vec_push(e->arena, &e->symbol, s);
	return s;
}

static Symbol *section_symbol(ElfOut *e, uint32_t section)
{
	Section *s = &e->section.at[section];
	if (!s->self) {
		s->self = new_symbol(e, "");
		s->self->section = section;
		s->self->type = STT_SECTION;
		s->self->binding = STB_LOCAL;
	}
	return s->self;
}

static Symbol *global_symbol(ElfOut *e, const char *name)
{
	Symbol *s = map_get_str(e->globals, name);
	if (!s) {
		name = arena_strdup(e->arena, name);
		s = new_symbol(e, name);
		s->binding = STB_WEAK; /* until a strong reference or definition comes */
		map_put_str(e->globals, name, s);
	}
	return s;
}

static void set_definition(Symbol *s, uint32_t section, const Elf64_Sym *from)
{
	s->section = section;
	s->value = from->st_value;
	s->size = from->st_size;
	s->type = ELF64_ST_TYPE(from->st_info);
	s->binding = ELF64_ST_BIND(from->st_info);
	s->visibility = ELF64_ST_VISIBILITY(from->st_other);
}

static const char *take_global(ElfOut *e, Input *in, uint32_t i, uint32_t section, const char *name)
{
	const Elf64_Sym *from = &in->symbol[i];
	bool strong = ELF64_ST_BIND(from->st_info) != STB_WEAK;
	Symbol *s = global_symbol(e, name);
	in->symbol_map[i] = s;
	if (section == 0) {
		if (s->section == 0 && strong)
			s->binding = STB_GLOBAL;
	} else if (s->section == 0 || (strong && s->binding == STB_WEAK)) {
		set_definition(s, section, from);
	} else if (strong) {
		return arena_printf(e->arena, "symbol %s is defined twice", name);
	}
	return NULL;
}

static const char *take_symbol(ElfOut *e, Input *in, uint32_t i)
{
	const Elf64_Sym *from = &in->symbol[i];
	const char *name = text_at(in->names, in->names_bytes, from->st_name);
	uint8_t type = ELF64_ST_TYPE(from->st_info), binding = ELF64_ST_BIND(from->st_info);
	uint32_t section = 0;
	if (!name)
		return "symbol name out of bounds";
	if (type == STT_FILE)
		return NULL;
	if (from->st_shndx == SHN_COMMON || from->st_shndx == SHN_ABS)
		return "common or absolute symbol";
	if (from->st_shndx != SHN_UNDEF) {
		if (from->st_shndx >= in->n_sections)
			return "symbol of no section";
		section = in->section_map[from->st_shndx];
		if (section == 0)
			return NULL; /* in a dropped section */
	}
	if (binding != STB_LOCAL)
		return take_global(e, in, i, section, name);
	if (type == STT_SECTION) {
		in->symbol_map[i] = section_symbol(e, section);
	} else if (section != 0) {
		in->symbol_map[i] = new_symbol(e, arena_strdup(e->arena, name));
		set_definition(in->symbol_map[i], section, from);
	}
	return NULL;
}

const char *elf_merge(ElfOut *e, const void *object, size_t bytes)
{
	Input in = { .at = object, .bytes = bytes };
	const char *wrong = open_sections(e, &in);
	if (!wrong)
		wrong = open_symbols(e, &in);
	for (uint32_t i = 1; !wrong && i < in.n_sections; i++)
		wrong = take_section(e, &in, i);
	if (!wrong)
		wrong = link_sections(e, &in);
	for (uint32_t i = 1; !wrong && i < in.n_symbols; i++)
		wrong = take_symbol(e, &in, i);
	return wrong;
}

const char *elf_define(ElfOut *e, const char *name, uint32_t section, uint64_t value,
		       uint64_t bytes)
{
	Elf64_Sym from = { .st_info = ELF64_ST_INFO(STB_GLOBAL, STT_OBJECT),
			   .st_value = value,
			   .st_size = bytes };
	Symbol *s = global_symbol(e, name);
	if (s->section != 0)
		return arena_printf(e->arena, "symbol %s is defined twice", name);
	set_definition(s, section, &from);
	return NULL;
}

bool elf_defines(const ElfOut *e, const char *name)
{
	const Symbol *s = map_get_str(e->globals, name);
	return s && s->section != 0;
}
