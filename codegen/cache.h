/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Compiled kernels kept on disk, from one run of the compiler to the next. A cache that cannot be
 * used, for whatever reason, behaves like an empty one: it never is an error, and cache_reason says
 * why. */
#ifndef CODEGEN_CACHE_H
#define CODEGEN_CACHE_H
#include "codegen/codegen.h"

#define CACHE_LIMIT ((int64_t)512 << 20)

typedef struct Cache Cache;

/* path NULL: $BURIN_CACHE_DIR, else $XDG_CACHE_HOME/burin, else ~/.cache/burin; made when missing.
 * limit: bytes kept, 0: CACHE_LIMIT. */
Cache *cache_open(const char *path, int64_t limit);
void cache_close(Cache *c); /* accepts NULL */

/* The key is everything that the payload depends on; it is stored whole and compared. The payload
 * lives in the arena. */
bool cache_get(Cache *c, const void *key, size_t key_bytes, Arena *a, const void **data,
	       size_t *bytes);
void cache_put(Cache *c, const void *key, size_t key_bytes, const void *data, size_t bytes);
ObjectCache cache_hooks(Cache *c); /* as the code generator wants it */

const char *cache_path(const Cache *c);   /* "" when there is none */
const char *cache_reason(const Cache *c); /* NULL: in use; else why not */
const char *
cache_trouble(const Cache *c); /* the last entry that could not be used or written, or NULL */

typedef struct CacheStats {
	int64_t entries, bytes, limit;
	int64_t hits, misses, stored; /* by this process */
} CacheStats;
CacheStats cache_stats(Cache *c);

typedef struct CacheEntry {
	const char *name; /* hexadecimal */
	int64_t bytes;
	int64_t used; /* nanoseconds since 1970 */
} CacheEntry;
/* Those of the folder, least recently used first; returns how many. */
int cache_list(Cache *c, Arena *a, CacheEntry **out);
int cache_verify(Cache *c); /* removes damaged entries, returns how many */
int cache_clear(Cache *c);  /* removes all, returns how many */
#endif
