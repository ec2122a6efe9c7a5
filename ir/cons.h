/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The one hash-consing table: finds what equals a key, by hash and by a comparison of the owner's.
 * Types, attribute records, blobs and nodes are interned by it. Grown in an arena; nothing is ever
 * removed. */
#ifndef IR_CONS_H
#define IR_CONS_H
#include "base/arena.h"
#include <stdbool.h>
#include <stdint.h>

typedef struct Cons Cons;
typedef bool ConsSame(const void *item, const void *key);
Cons *cons_create(Arena *arena);
void *cons_find(const Cons *c, uint64_t hash, ConsSame *same, const void *key); /* or NULL */
void cons_add(Cons *c, uint64_t hash, void *item);
#endif
