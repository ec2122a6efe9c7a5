/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Writing the object, alone or as the one member of an ar archive with the index of symbols that
 * linkers want. All dates, owners and modes are constant. */
#include "codegen/artifact/internal.h"
#include <stdio.h>
#include <string.h>

enum { MEMBER_HEAD = 60, MAGIC_BYTES = 8 };
#define MEMBER_LIMIT 9999999999u

static bool sink(void *writer, const void *data, size_t bytes)
{
	io_write(writer, data, bytes); /* an error waits for io_commit */
	return true;
}

IoWriter *object_create(const ElfOut *e, const char *path, IoError *error)
{
	IoWriter *w = io_create(path, error);
	if (w)
		elf_write(e, sink, w);
	return w;
}

static void put_member_head(IoWriter *w, const char *name, uint64_t bytes)
{
	char head[MEMBER_HEAD * 2];
	snprintf(head, sizeof(head), "%-16s%-12d%-6d%-6d%-8o%-10llu`\n", name, 0, 0, 0, 0644u,
		 (unsigned long long)bytes);
	io_write(w, head, MEMBER_HEAD);
}

static void put_big_endian(IoWriter *w, uint32_t v)
{
	const unsigned char b[4] = { (unsigned char)(v >> 24), (unsigned char)(v >> 16),
				     (unsigned char)(v >> 8), (unsigned char)v };
	io_write(w, b, sizeof(b));
}

/* Where the member of each name begins, then the names. */
static void put_index(IoWriter *w, Exports exports)
{
	size_t bytes = 4 + 4 * (size_t)exports.n;
	for (int i = 0; i < exports.n; i++)
		bytes += strlen(exports.name[i]) + 1;
	size_t padded = (bytes + 1) & ~(size_t)1;
	put_member_head(w, "/", padded);
	put_big_endian(w, (uint32_t)exports.n);
	for (int i = 0; i < exports.n; i++)
		put_big_endian(w, (uint32_t)(MAGIC_BYTES + MEMBER_HEAD + padded));
	for (int i = 0; i < exports.n; i++)
		io_write(w, exports.name[i], strlen(exports.name[i]) + 1);
	io_write(w, "", padded - bytes);
}

IoWriter *archive_create(const ElfOut *e, const char *path, Exports exports, IoError *error)
{
	if (elf_bytes(e) > MEMBER_LIMIT) {
		*error = (IoError){ .code = E1003, .text = "more than 10 GB in an archive" };
		return NULL;
	}
	IoWriter *w = io_create(path, error);
	if (!w)
		return NULL;
	io_write(w, "!<arch>\n", MAGIC_BYTES);
	put_index(w, exports);
	put_member_head(w, "model.o/", elf_bytes(e));
	elf_write(e, sink, w);
	io_write(w, "\n", elf_bytes(e) & 1);
	return w;
}
