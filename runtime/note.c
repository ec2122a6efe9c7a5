/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Reading the notes of an ELF file. The file may be anything: it is opened without following into
 * devices, read by offset, and every number in it is checked before use. */
#include "runtime/note.h"
#include "base/seal.h"
#include "runtime/artifact.h"
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { NOTE_LIMIT = 64 << 20, SECTION_LIMIT = 0xff00, NAMES_LIMIT = 1 << 24, SUM_PART = 1 << 20 };

typedef struct File {
	int fd;
	uint64_t bytes;
} File;

static bool read_at(const File *f, uint64_t offset, void *to, size_t bytes)
{
	if (offset > f->bytes || bytes > f->bytes - offset)
		return false;
	for (size_t done = 0; done < bytes;) {
		ssize_t n = pread(f->fd, (char *)to + done, bytes - done, (off_t)(offset + done));
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		done += (size_t)n;
	}
	return true;
}

/* With a zero after it, so that texts in it end. */
static char *read_new(const File *f, uint64_t offset, uint64_t bytes, uint64_t limit)
{
	char *memory = bytes <= limit ? malloc(bytes + 1) : NULL;
	if (memory && !read_at(f, offset, memory, bytes)) {
		free(memory);
		memory = NULL;
	}
	if (memory)
		memory[bytes] = 0;
	return memory;
}

static bool read_header(const File *f, Elf64_Ehdr *h)
{
	return read_at(f, 0, h, sizeof(*h)) && memcmp(h->e_ident, ELFMAG, SELFMAG) == 0 &&
	       h->e_ident[EI_CLASS] == ELFCLASS64 && h->e_ident[EI_DATA] == ELFDATA2LSB &&
	       h->e_shentsize == sizeof(Elf64_Shdr) && h->e_shnum > 0 &&
	       h->e_shnum < SECTION_LIMIT && h->e_shstrndx < h->e_shnum;
}

/* The section's place, by its name. */
static const Elf64_Shdr *find_section(const File *f, const Elf64_Ehdr *h, const Elf64_Shdr *table,
				      uint32_t type, const char *name)
{
	const Elf64_Shdr *names_at = &table[h->e_shstrndx], *found = NULL;
	char *names = read_new(f, names_at->sh_offset, names_at->sh_size, NAMES_LIMIT);
	for (int i = 1; names && !found && i < h->e_shnum; i++)
		if (table[i].sh_type == type && table[i].sh_name < names_at->sh_size &&
		    strcmp(names + table[i].sh_name, name) == 0)
			found = &table[i];
	free(names);
	return found;
}

static void take_note(Note *out, const NoteHead *head, const char *text)
{
	if (head->name_bytes != sizeof(NOTE_NAME) ||
	    memcmp(head->name, NOTE_NAME, sizeof(NOTE_NAME)) != 0 || head->text_bytes == 0 ||
	    text[head->text_bytes - 1] != 0)
		return;
	if (head->type == NOTE_PREFIX)
		out->prefix = text;
	else if (head->type == NOTE_METADATA)
		out->metadata = text;
}

static void take_notes(Note *out, size_t bytes)
{
	NoteHead head;
	for (size_t at = 0; bytes - at >= sizeof(head);) {
		memcpy(&head, out->memory + at, sizeof(head));
		at += sizeof(head);
		if (head.text_bytes > bytes - at)
			return;
		take_note(out, &head, out->memory + at);
		size_t padded = ((size_t)head.text_bytes + 3) & ~(size_t)3;
		at = padded > bytes - at ? bytes : at + padded;
	}
}

/* NULL, or what is wrong; then there is nothing to be freed. */
static const char *read_table(const File *f, Elf64_Ehdr *h, Elf64_Shdr **table)
{
	if (!read_header(f, h))
		return "not an ELF file";
	*table = (Elf64_Shdr *)(void *)read_new(f, h->e_shoff,
						(uint64_t)h->e_shnum * sizeof(Elf64_Shdr),
						SECTION_LIMIT * sizeof(Elf64_Shdr));
	return *table ? NULL : "malformed ELF file";
}

static const char *read_notes(const File *f, Note *out)
{
	Elf64_Ehdr h;
	Elf64_Shdr *table;
	const char *wrong = read_table(f, &h, &table);
	if (wrong)
		return wrong;
	const Elf64_Shdr *s = find_section(f, &h, table, SHT_NOTE, NOTE_SECTION);
	if (s)
		out->memory = read_new(f, s->sh_offset, s->sh_size, NOTE_LIMIT);
	if (out->memory)
		take_notes(out, s->sh_size);
	free(table);
	if (out->prefix && out->metadata)
		return NULL;
	free(out->memory);
	return "no Burin model in it";
}

static const char *open_file(const char *path, File *f)
{
	struct stat st;
	f->fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (f->fd < 0)
		return errno == ENOENT ? "no such file" : "cannot be opened";
	if (fstat(f->fd, &st) != 0 || !S_ISREG(st.st_mode)) {
		close(f->fd);
		return "not a regular file";
	}
	f->bytes = (uint64_t)st.st_size;
	return NULL;
}

const char *note_read(const char *path, Note *out)
{
	File f;
	*out = (Note){ .memory = NULL };
	const char *wrong = open_file(path, &f);
	if (wrong)
		return wrong;
	wrong = read_notes(&f, out);
	close(f.fd);
	return wrong;
}

/* --- weights ---------------------------------------------------------------------------------- */

/* Of a shared library, and of objects (codegen/artifact). */
static const char *const weights_sections[] = { ".burin.weights", ".rodata.burin",
						".lrodata.burin" };

/* Read, not mapped: a file that becomes shorter meanwhile must not end the process. */
static const char *check_section(const File *f, uint64_t at, uint64_t bytes)
{
	Seal seal;
	Sha256 sum;
	uint64_t end = bytes - sizeof seal;
	if (bytes < sizeof seal || end % 64 != 0)
		return "no checksum stands behind them";
	char *part = malloc(SUM_PART);
	if (!part)
		return "no memory to check them";
	sha256_init(&sum);
	bool ok = true;
	for (uint64_t done = 0; ok && done < end;) {
		size_t n = end - done < SUM_PART ? (size_t)(end - done) : SUM_PART;
		ok = read_at(f, at + done, part, n);
		sha256_add(&sum, part, ok ? n : 0);
		done += n;
	}
	free(part);
	if (!ok || !read_at(f, at + end, &seal, sizeof seal))
		return "the file is cut off";
	return seal_check(&seal, &sum);
}

const char *note_check_weights(const char *path, bool *any)
{
	Elf64_Ehdr h;
	Elf64_Shdr *table = NULL;
	const Elf64_Shdr *s = NULL;
	File f;
	*any = false;
	const char *wrong = open_file(path, &f);
	if (wrong)
		return wrong;
	wrong = read_table(&f, &h, &table);
	for (size_t i = 0; !wrong && !s && i < sizeof weights_sections / sizeof *weights_sections;
	     i++)
		s = find_section(&f, &h, table, SHT_PROGBITS, weights_sections[i]);
	*any = s != NULL;
	if (s)
		wrong = check_section(&f, s->sh_offset, s->sh_size);
	free(table);
	close(f.fd);
	return wrong;
}

const char *weights_check_file(const void *file, size_t bytes, bool *sealed)
{
	BurinWeightsHead head;
	Sha256 sum;
	*sealed = false;
	if (bytes < BURIN_WEIGHTS_AT)
		return "it is not a file of packed weights";
	memcpy(&head, file, sizeof head);
	if (memcmp(head.magic, BURIN_WEIGHTS_MAGIC, sizeof head.magic) != 0)
		return "it is not a file of packed weights";
	uint64_t end = BURIN_WEIGHTS_AT + (uint64_t)head.bytes;
	if (head.bytes < 0 || head.sealed > 1 || bytes != (head.sealed ? seal_end(end) : end))
		return "it has another length than its weights";
	*sealed = head.sealed;
	if (!head.sealed)
		return NULL;
	sha256_init(&sum);
	sha256_add(&sum, file, (size_t)seal_at(end));
	return seal_check((const Seal *)(const void *)((const char *)file + seal_at(end)), &sum);
}
