/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* One entry of the cache as a file: head, key, payload (at a multiple of 64). */
#ifndef CODEGEN_CACHE_ENTRY_H
#define CODEGEN_CACHE_ENTRY_H
#include "base/arena.h"
#include "base/sha256.h"
#include <stdbool.h>

enum { ENTRY_NAME = SHA256_HEX, ENTRY_VERSION = 1, ENTRY_KEY_LIMIT = 1 << 16 };
#define ENTRY_LIMIT ((int64_t)1 << 30)

/* Of a key: the name of its file. */
void entry_name(const void *key, size_t key_bytes, char name[ENTRY_NAME]);
bool entry_is_name(const char *name);

typedef struct Entry {
	const void *key, *data;
	size_t key_bytes, bytes;
} Entry;
/* NULL, or why it is not to be used. A folder's fd; the entry lives in the arena. */
const char *entry_read(int folder, const char *name, Arena *a, Entry *out);
/* NULL, or why it could not be written. All or nothing. */
const char *entry_write(int folder, const char *name, const Entry *e);
#endif
