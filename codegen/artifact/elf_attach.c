/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* See elf_attach.h. The data's section is writable for the linker alone, because linkers put
 * writable space behind all else, where the program can be cut in two. Its segment needs a program
 * header; where the linker has not already given it one, it takes that of a note that is in the
 * object for nothing else (aligned unlike other notes, it has a header of its own). The file is
 * what a linker just wrote; its numbers are checked all the same, since linkers differ. */
#include "codegen/artifact/elf_attach.h"
#include "base/str.h"
#include <elf.h>
#include <string.h>

#define DATA_SECTION ".burin.weights"
#define ROOM_SECTION ".note.burin.room"
enum { ROOM_NOTE = 3, ROOM_ALIGN = 8, MAX_SEGMENTS = 64 };

/* The largest page of the machine: a segment begins at one. */
static uint64_t page_bytes(uint16_t machine)
{
	return machine == EM_AARCH64 ? 1 << 16 : 1 << 12;
}

uint32_t elf_reserve(ElfOut *e, uint16_t machine, uint64_t bytes)
{
	static const struct {
		uint32_t name_bytes, text_bytes, type;
		char name[12];
	} note = { .name_bytes = 6, .type = ROOM_NOTE, .name = "Burin" };
	elf_section(e, ROOM_SECTION, SHT_NOTE, SHF_ALLOC, ROOM_ALIGN, &note, sizeof(note));
	return elf_section(e, DATA_SECTION, SHT_NOBITS, SHF_ALLOC | SHF_WRITE, page_bytes(machine),
			   NULL, bytes);
}

typedef struct Linked {
	unsigned char *file;
	size_t bytes;
	Elf64_Ehdr head;
	Elf64_Phdr segment[MAX_SEGMENTS];
	Elf64_Shdr data, room;
	uint32_t data_number;
	uint64_t end_before; /* of what lies before the data in its segment */
	int load;            /* the segment that holds the data */
} Linked;

static bool inside(const Linked *l, uint64_t offset, uint64_t bytes)
{
	return offset <= l->bytes && bytes <= l->bytes - offset;
}

static Elf64_Shdr section_at(const Linked *l, uint32_t i)
{
	Elf64_Shdr s;
	memcpy(&s, l->file + l->head.e_shoff + i * sizeof(s), sizeof(s));
	return s;
}

static bool is_called(const Linked *l, const Elf64_Shdr *names, const Elf64_Shdr *s,
		      const char *name)
{
	size_t n = strlen(name) + 1;
	return s->sh_name <= names->sh_size && n <= names->sh_size - s->sh_name &&
	       memcmp(l->file + names->sh_offset + s->sh_name, name, n) == 0;
}

static const char *open_linked(Linked *l)
{
	Elf64_Ehdr *h = &l->head;
	if (l->bytes < sizeof(*h))
		return "not an ELF file";
	memcpy(h, l->file, sizeof(*h));
	if (memcmp(h->e_ident, ELFMAG, SELFMAG) != 0 || h->e_ident[EI_CLASS] != ELFCLASS64 ||
	    h->e_ident[EI_DATA] != ELFDATA2LSB || h->e_type != ET_DYN)
		return "not a shared library";
	if (h->e_phentsize != sizeof(Elf64_Phdr) || h->e_phnum > MAX_SEGMENTS ||
	    !inside(l, h->e_phoff, h->e_phnum * sizeof(Elf64_Phdr)) ||
	    h->e_shentsize != sizeof(Elf64_Shdr) || h->e_shstrndx >= h->e_shnum ||
	    !inside(l, h->e_shoff, h->e_shnum * sizeof(Elf64_Shdr)))
		return "malformed tables";
	memcpy(l->segment, l->file + h->e_phoff, h->e_phnum * sizeof(Elf64_Phdr));
	return NULL;
}

static const char *find_sections(Linked *l)
{
	Elf64_Shdr names = section_at(l, l->head.e_shstrndx);
	if (!inside(l, names.sh_offset, names.sh_size))
		return "malformed section names";
	for (uint32_t i = 1; i < l->head.e_shnum; i++) {
		Elf64_Shdr s = section_at(l, i);
		if (s.sh_type == SHT_NOBITS && is_called(l, &names, &s, DATA_SECTION)) {
			l->data = s;
			l->data_number = i;
		} else if (s.sh_type == SHT_NOTE && is_called(l, &names, &s, ROOM_SECTION)) {
			l->room = s;
		}
	}
	return l->data_number ? NULL : "the space for the weights is not there";
}

/* The segment that holds the data, which must end it, and where what comes before ends. */
static const char *find_load(Linked *l)
{
	uint64_t begin = l->data.sh_addr, end = begin + l->data.sh_size;
	l->load = -1;
	for (int i = 0; i < l->head.e_phnum; i++) {
		const Elf64_Phdr *p = &l->segment[i];
		if (p->p_type == PT_LOAD && p->p_vaddr <= begin && end <= p->p_vaddr + p->p_memsz &&
		    p->p_vaddr + p->p_filesz <= begin)
			l->load = i;
	}
	if (l->load < 0 || begin % page_bytes(l->head.e_machine) != 0)
		return "the space for the weights lies in no segment of memory";
	const Elf64_Phdr *load = &l->segment[l->load];
	l->end_before = load->p_vaddr + load->p_filesz;
	for (uint32_t i = 1; i < l->head.e_shnum; i++) {
		Elf64_Shdr s = section_at(l, i);
		uint64_t s_end = s.sh_addr + s.sh_size;
		if (!(s.sh_flags & SHF_ALLOC) || s.sh_flags & SHF_TLS || i == l->data_number)
			continue;
		if (s_end > begin)
			return "the space for the weights is not the last";
		if (s.sh_addr >= load->p_vaddr && s_end > l->end_before)
			l->end_before = s_end;
	}
	return NULL;
}

/* The header of the note goes; the others move up or down, up to the place behind the load. */
static const char *take_room(Linked *l)
{
	int spare = -1, n = l->head.e_phnum, at = l->load + 1;
	for (int i = 0; i < n; i++)
		if (l->segment[i].p_type == PT_NOTE && l->segment[i].p_vaddr == l->room.sh_addr &&
		    l->segment[i].p_filesz == l->room.sh_size)
			spare = i;
	if (spare < 0 || l->room.sh_size == 0)
		return "there is no room for a program header";
	Elf64_Phdr *s = l->segment;
	if (spare >= at) {
		memmove(&s[at + 1], &s[at], (size_t)(spare - at) * sizeof(*s));
	} else {
		memmove(&s[spare], &s[spare + 1], (size_t)(at - 1 - spare) * sizeof(*s));
		at--;
	}
	s[at - 1].p_memsz = l->end_before - s[at - 1].p_vaddr;
	l->load = at;
	return NULL;
}

static void put_segment(Linked *l, uint64_t at)
{
	l->segment[l->load] = (Elf64_Phdr){ .p_type = PT_LOAD,
					    .p_flags = PF_R,
					    .p_offset = at,
					    .p_vaddr = l->data.sh_addr,
					    .p_paddr = l->data.sh_addr,
					    .p_filesz = l->data.sh_size,
					    .p_memsz = l->data.sh_size,
					    .p_align = page_bytes(l->head.e_machine) };
	l->data.sh_type = SHT_PROGBITS;
	l->data.sh_flags = SHF_ALLOC;
	l->data.sh_offset = at;
	memcpy(l->file + l->head.e_phoff, l->segment, l->head.e_phnum * sizeof(Elf64_Phdr));
	memcpy(l->file + l->head.e_shoff + l->data_number * sizeof(Elf64_Shdr), &l->data,
	       sizeof(l->data));
}

const char *elf_attach(void *file, size_t file_bytes, uint64_t *at)
{
	Linked l = { .file = file, .bytes = file_bytes };
	const char *wrong = open_linked(&l);
	if (!wrong)
		wrong = find_sections(&l);
	if (!wrong)
		wrong = find_load(&l);
	if (!wrong && l.segment[l.load].p_vaddr != l.data.sh_addr)
		wrong = take_room(&l);
	if (wrong)
		return wrong;
	uint64_t page = page_bytes(l.head.e_machine);
	*at = (file_bytes + page - 1) / page * page;
	put_segment(&l, *at);
	return NULL;
}
