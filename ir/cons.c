/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Open addressing with linear probing over pairs (hash, item), at most two thirds full. Equal
 * hashes sit in one run, so a search compares items of equal hash only. */
#include "ir/cons.h"

typedef struct Slot {
	uint64_t hash;
	void *item; /* NULL: free */
} Slot;

struct Cons {
	Arena *arena;
	Slot *slot;
	size_t n, mask;
};

enum { FIRST_SLOTS = 64 };

Cons *cons_create(Arena *arena)
{
	Cons *c = ARENA_NEW(arena, Cons);
	c->arena = arena;
	c->slot = ARENA_ARRAY(arena, Slot, FIRST_SLOTS);
	c->mask = FIRST_SLOTS - 1;
	return c;
}

/* The low bits of an owner's hash need not be good. */
static size_t home(const Cons *c, uint64_t hash)
{
	return (size_t)((hash * 0x9e3779b97f4a7c15u) >> 20) & c->mask;
}

void *cons_find(const Cons *c, uint64_t hash, ConsSame *same, const void *key)
{
	for (size_t i = home(c, hash); c->slot[i].item; i = (i + 1) & c->mask)
		if (c->slot[i].hash == hash && same(c->slot[i].item, key))
			return c->slot[i].item;
	return NULL;
}

static void put(Cons *c, uint64_t hash, void *item)
{
	size_t i = home(c, hash);
	while (c->slot[i].item)
		i = (i + 1) & c->mask;
	c->slot[i] = (Slot){ hash, item };
}

static void grow(Cons *c)
{
	const Slot *old = c->slot;
	size_t n_old = c->mask + 1;
	c->slot = ARENA_ARRAY(c->arena, Slot, n_old * 2);
	c->mask = n_old * 2 - 1;
	for (size_t i = 0; i < n_old; i++)
		if (old[i].item)
			put(c, old[i].hash, old[i].item);
}

void cons_add(Cons *c, uint64_t hash, void *item)
{
	if (++c->n * 3 > (c->mask + 1) * 2)
		grow(c);
	put(c, hash, item);
}
