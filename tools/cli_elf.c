/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* What a shared library needs, read from its dynamic section. */
#include "tools/cli.h"
#include "base/io.h"
#include <elf.h>
#include <string.h>

typedef struct File {
	const char *at;
	size_t n;
} File;

static const void *part(const File *f, uint64_t offset, uint64_t bytes)
{
	return offset <= f->n && bytes <= f->n - offset ? f->at + offset : NULL;
}

static const Elf64_Shdr *find_section(const File *f, uint32_t type, const Elf64_Shdr **table)
{
	const Elf64_Ehdr *h = part(f, 0, sizeof *h);
	if (!h || memcmp(h->e_ident, ELFMAG, SELFMAG) != 0 || h->e_shentsize != sizeof **table ||
	    h->e_shoff % 8 != 0)
		return NULL;
	*table = part(f, h->e_shoff, (uint64_t)h->e_shnum * sizeof **table);
	for (int i = 0; *table && i < h->e_shnum; i++)
		if ((*table)[i].sh_type == type && (*table)[i].sh_link < h->e_shnum &&
		    (*table)[i].sh_offset % 8 == 0)
			return &(*table)[i];
	return NULL;
}

static void add_needed(const File *f, Str *out)
{
	const Elf64_Shdr *table, *dynamic = find_section(f, SHT_DYNAMIC, &table);
	if (!dynamic)
		return;
	const Elf64_Shdr *names = &table[dynamic->sh_link];
	const Elf64_Dyn *d = part(f, dynamic->sh_offset, dynamic->sh_size);
	const char *text = part(f, names->sh_offset, names->sh_size);
	for (uint64_t i = 0; d && text && i < dynamic->sh_size / sizeof *d; i++) {
		uint64_t at = d[i].d_un.d_val;
		if (d[i].d_tag != DT_NEEDED || at >= names->sh_size)
			continue;
		str_add(out, out->n ? " " : "");
		str_addn(out, text + at, strnlen(text + at, names->sh_size - at));
	}
}

const char *needed_libraries(Arena *a, const char *path)
{
	IoError e;
	Str s;
	IoMap *m = io_map(path, &e);
	str_init(&s, a);
	if (!m)
		return "";
	File f = { io_map_data(m), io_map_size(m) };
	add_needed(&f, &s);
	io_unmap(m);
	return str_text(&s);
}
