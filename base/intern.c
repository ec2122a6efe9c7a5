/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Symbols: a table of pointers to the strings, each behind its hash and length; linear probing, at
 * most half full. */
#include "base/intern.h"
#include "base/map.h"
#include "base/oom.h"
#include <stdint.h>
#include <string.h>

typedef struct Symbol {
	uint64_t hash;
	size_t n;
	char text[];
} Symbol;

struct Interner {
	Arena *arena;
	Symbol **slot;
	size_t n, slots;
	uint64_t seed; /* an address: see base/map.c */
};

Interner *interner_create(Arena *arena)
{
	Interner *in = ARENA_NEW(arena, Interner);
	in->arena = arena;
	in->seed = (uint64_t)(uintptr_t)in;
	in->slots = 64;
	in->slot = ARENA_ARRAY(arena, Symbol *, in->slots);
	return in;
}

static Symbol **slot_of(const Interner *in, const char *s, size_t n, uint64_t hash)
{
	size_t mask = in->slots - 1, i = (size_t)hash & mask;
	for (; in->slot[i]; i = (i + 1) & mask) {
		const Symbol *x = in->slot[i];
		if (x->hash == hash && x->n == n && !memcmp(x->text, s, n))
			break;
	}
	return &in->slot[i];
}

static void grow(Interner *in)
{
	Symbol **old = in->slot;
	size_t n = in->slots;
	in->slot = ARENA_ARRAY(in->arena, Symbol *, n * 2);
	in->slots = n * 2;
	for (size_t i = 0; i < n; i++)
		if (old[i])
			*slot_of(in, old[i]->text, old[i]->n, old[i]->hash) = old[i];
}

const char *intern_n(Interner *in, const char *s, size_t n)
{
	if (n > PTRDIFF_MAX / 2)
		oom_raise();
	uint64_t hash = hash_bytes(s, n, in->seed);
	Symbol **slot = slot_of(in, s, n, hash);
	if (*slot)
		return (*slot)->text;
	if (in->n * 2 >= in->slots) {
		grow(in);
		slot = slot_of(in, s, n, hash);
	}
	Symbol *x = arena_alloc(in->arena, sizeof *x + n + 1);
	x->hash = hash;
	x->n = n;
	if (n)
		memcpy(x->text, s, n);
	*slot = x;
	in->n++;
	return x->text;
}

const char *intern(Interner *in, const char *s)
{
	return intern_n(in, s, strlen(s));
}
