/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Bump allocator: everything in an arena dies with it. Memory comes zeroed and 16-byte aligned.
 * arena_alloc never returns NULL: when the host has no memory it calls the arena's out-of-memory
 * handler, which leaves through the public call that is under way (see base/oom.h). */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H
#include <stddef.h>

typedef struct Arena Arena;
typedef struct ArenaMark {
	void *block, *large;
	size_t used;
} ArenaMark;

Arena *arena_create(void);
void arena_destroy(Arena *a); /* accepts NULL */
void *arena_alloc(Arena *a, size_t bytes);
void *arena_copy(Arena *a, const void *data, size_t bytes);
char *arena_strdup(Arena *a, const char *s);
char *arena_strndup(Arena *a, const char *s, size_t n);
char *arena_printf(Arena *a, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
ArenaMark arena_mark(Arena *a);
void arena_release(Arena *a, ArenaMark m); /* frees all that was allocated after the mark */
size_t arena_bytes(const Arena *a);        /* allocated in all, for budgets */

#define ARENA_NEW(a, T) ((T *)arena_alloc((a), sizeof(T)))
#define ARENA_ARRAY(a, T, n) ((T *)arena_alloc_array((a), sizeof(T), (size_t)(n)))
void *arena_alloc_array(Arena *a, size_t size, size_t n); /* checks the product */
#endif
