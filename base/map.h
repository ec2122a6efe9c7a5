/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Hash map from 64-bit keys (or pointers) to pointers, and from strings to pointers; grown in an
 * arena. Insertion-ordered iteration. */
#ifndef BASE_MAP_H
#define BASE_MAP_H
#include "base/arena.h"
#include <stdbool.h>
#include <stdint.h>

typedef struct Map Map;
Map *map_create(Arena *arena);
void *map_get(const Map *m, uint64_t key); /* NULL when absent */
void map_put(Map *m, uint64_t key, void *value);
void *map_get_ptr(const Map *m, const void *key);
void map_put_ptr(Map *m, const void *key, void *value);
void *map_get_str(const Map *m, const char *key); /* by content; not to be mixed with the others */
void map_put_str(Map *m, const char *key, void *value);
int map_count(const Map *m);
/* i-th pair in order of first insertion; key as stored (char pointer for string maps). */
void *map_at(const Map *m, int i, uint64_t *key);

uint64_t hash_bytes(const void *data, size_t n, uint64_t seed);
uint64_t hash_mix(uint64_t a, uint64_t b);
#endif
