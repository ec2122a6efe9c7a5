/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Finishing and writing the output: symbols in the order the format asks for (local ones first),
 * places of all sections, then one pass that streams header, sections and section table to a sink;
 * large sections go straight from where they are. The bytes depend on the input alone. */
#include "codegen/artifact/elf_internal.h"

ElfOut *elf_create(Arena *arena, uint16_t machine)
{
	ElfOut *e = ARENA_NEW(arena, ElfOut);
	e->arena = arena;
	e->machine = machine;
	e->globals = map_create(arena);
	vec_push(arena, &e->section, (Section){ .name = "" });
	str_init(&e->names, arena);
	str_char(&e->names, 0);
	str_init(&e->section_names, arena);
	str_char(&e->section_names, 0);
	return e;
}

uint32_t elf_section(ElfOut *e, const char *name, uint32_t type, uint64_t flags, uint64_t align,
		     const void *data, size_t bytes)
{
	Section s = { .name = name, .data = data };
	s.head.sh_type = type;
	s.head.sh_flags = flags;
	s.head.sh_addralign = align;
	s.head.sh_size = bytes;
	vec_push(e->arena, &e->section, s);
	return (uint32_t)e->section.n - 1;
}

static bool is_one_of(const char *name, const char *const *names, int n)
{
	for (int i = 0; i < n; i++)
		if (str_eq(name, names[i]))
			return true;
	return false;
}

/* Only names of the model's interface stay visible; where its definition or a reference said
 * hidden, they stay hidden. */
static void restrict_symbols(ElfOut *e, const char *const *exported, int n)
{
	for (int i = 0; i < e->symbol.n; i++) {
		Symbol *s = e->symbol.at[i];
		if (s->section != 0 && s->binding != STB_LOCAL) {
			s->binding = is_one_of(s->name, exported, n) ? STB_GLOBAL : STB_LOCAL;
			s->visibility = STV_DEFAULT;
		} else if (s->section == 0) {
			vec_push(e->arena, &e->undefined, s->name);
		}
	}
}

static void append_symbols(ElfOut *e, bool locals)
{
	for (int i = 0; i < e->symbol.n; i++) {
		Symbol *s = e->symbol.at[i];
		if ((s->binding == STB_LOCAL) == locals) {
			s->index = e->n_ordered;
			e->ordered[e->n_ordered++] = s;
		}
	}
}

static void order_symbols(ElfOut *e)
{
	e->ordered = ARENA_ARRAY(e->arena, Symbol *, e->symbol.n + 1);
	e->n_ordered = 1;
	append_symbols(e, true);
	e->n_locals = e->n_ordered;
	append_symbols(e, false);
}

static uint32_t add_name(Str *table, const char *name)
{
	if (!*name)
		return 0;
	uint32_t at = (uint32_t)table->n;
	str_addn(table, name, strlen(name) + 1);
	return at;
}

static void add_symbol_table(ElfOut *e)
{
	Elf64_Sym *table = ARENA_ARRAY(e->arena, Elf64_Sym, e->n_ordered);
	for (uint32_t i = 1; i < e->n_ordered; i++) {
		const Symbol *s = e->ordered[i];
		table[i] = (Elf64_Sym){ .st_name = add_name(&e->names, s->name),
					.st_info = ELF64_ST_INFO(s->binding, s->type),
					.st_other = s->visibility,
					.st_shndx = (uint16_t)s->section,
					.st_value = s->value,
					.st_size = s->size };
	}
	e->symtab =
		elf_section(e, ".symtab", SHT_SYMTAB, 0, 8, table, e->n_ordered * sizeof(*table));
	uint32_t strings = elf_section(e, ".strtab", SHT_STRTAB, 0, 1, e->names.at, e->names.n);
	Elf64_Shdr *h = &e->section.at[e->symtab].head;
	h->sh_link = strings;
	h->sh_info = e->n_locals;
	h->sh_entsize = sizeof(Elf64_Sym);
}

static const char *rewrite_relocations(ElfOut *e, Section *s)
{
	uint64_t n = s->head.sh_size / sizeof(Elf64_Rela);
	Elf64_Rela *list = arena_copy(e->arena, s->data, n * sizeof(*list));
	for (uint64_t i = 0; i < n; i++) {
		uint64_t from = ELF64_R_SYM(list[i].r_info);
		if (from >= s->n_symbols || (from != 0 && !s->symbols[from]))
			return "relocation against an unknown symbol";
		uint64_t to = from == 0 ? 0 : s->symbols[from]->index;
		list[i].r_info = ELF64_R_INFO(to, ELF64_R_TYPE(list[i].r_info));
	}
	s->data = list;
	s->head.sh_link = e->symtab;
	return NULL;
}

static void place_sections(ElfOut *e)
{
	uint32_t names = elf_section(e, ".shstrtab", SHT_STRTAB, 0, 1, NULL, 0);
	uint64_t at = sizeof(Elf64_Ehdr);
	for (int i = 1; i < e->section.n; i++)
		e->section.at[i].head.sh_name = add_name(&e->section_names, e->section.at[i].name);
	e->section.at[names].data = e->section_names.at;
	e->section.at[names].head.sh_size = e->section_names.n;
	for (int i = 1; i < e->section.n; i++) {
		Elf64_Shdr *h = &e->section.at[i].head;
		uint64_t align = h->sh_addralign > 1 ? h->sh_addralign : 1;
		at = (at + align - 1) & ~(align - 1);
		h->sh_offset = at;
		if (h->sh_type == SHT_NULL)
			*h = (Elf64_Shdr){ .sh_name = 0 };
		else if (h->sh_type != SHT_NOBITS)
			at += h->sh_size;
	}
	e->table_at = (at + 7) & ~(uint64_t)7;
	e->bytes = e->table_at + (uint64_t)e->section.n * sizeof(Elf64_Shdr);
}

static bool alignments_fit(const ElfOut *e)
{
	for (int i = 1; i < e->section.n; i++) {
		uint64_t align = e->section.at[i].head.sh_addralign;
		if ((align & (align - 1)) != 0 || align > 1 << 20)
			return false;
	}
	return true;
}

const char *elf_finish(ElfOut *e, const char *const *exported, int n_exported)
{
	if (!alignments_fit(e))
		return "malformed section alignment";
	elf_section(e, ".note.GNU-stack", SHT_PROGBITS, 0, 1, NULL, 0);
	restrict_symbols(e, exported, n_exported);
	order_symbols(e);
	add_symbol_table(e);
	for (int i = 1; i < e->section.n; i++) {
		if (e->section.at[i].head.sh_type != SHT_RELA)
			continue;
		const char *wrong = rewrite_relocations(e, &e->section.at[i]);
		if (wrong)
			return wrong;
	}
	place_sections(e);
	return e->section.n < SHN_LORESERVE ? NULL : "too many sections";
}

uint64_t elf_bytes(const ElfOut *e)
{
	return e->bytes;
}

int elf_undefined(const ElfOut *e, const char *const **names)
{
	*names = (const char *const *)e->undefined.at;
	return e->undefined.n;
}

typedef struct Writer {
	ElfSink *sink;
	void *user;
	uint64_t at;
	bool ok;
} Writer;

static void put(Writer *w, const void *data, size_t bytes)
{
	if (w->ok && bytes > 0)
		w->ok = w->sink(w->user, data, bytes);
	w->at += bytes;
}

static void pad_to(Writer *w, uint64_t at)
{
	static const char zeros[4096];
	while (w->at < at) {
		uint64_t n = at - w->at;
		put(w, zeros, n < sizeof(zeros) ? n : sizeof(zeros));
	}
}

bool elf_write(const ElfOut *e, ElfSink *sink, void *user)
{
	Writer w = { .sink = sink, .user = user, .ok = true };
	Elf64_Ehdr h = { .e_ident = { ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB,
				      EV_CURRENT },
			 .e_type = ET_REL,
			 .e_machine = e->machine,
			 .e_version = EV_CURRENT,
			 .e_shoff = e->table_at,
			 .e_ehsize = sizeof(h),
			 .e_shentsize = sizeof(Elf64_Shdr),
			 .e_shnum = (uint16_t)e->section.n,
			 .e_shstrndx = (uint16_t)(e->section.n - 1) };
	put(&w, &h, sizeof(h));
	for (int i = 1; i < e->section.n; i++) {
		const Section *s = &e->section.at[i];
		if (s->head.sh_type == SHT_NULL || s->head.sh_type == SHT_NOBITS)
			continue;
		pad_to(&w, s->head.sh_offset);
		put(&w, s->data, s->head.sh_size);
	}
	pad_to(&w, e->table_at);
	for (int i = 0; i < e->section.n; i++)
		put(&w, &e->section.at[i].head, sizeof(Elf64_Shdr));
	return w.ok;
}
