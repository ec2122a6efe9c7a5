/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* One hash map: pairs in an array in order of insertion, and a table of indices into it with linear
 * probing, at most half full. Strings are hashed with a seed that changes from run to run (an
 * address), so that no file can be made of colliding names; the order of iteration does not depend
 * on it. */
#include "base/map.h"
#include "base/oom.h"
#include "base/str.h"
#include <assert.h>
#include <limits.h>
#include <string.h>

typedef struct Pair {
	uint64_t key, hash;
	void *value;
} Pair;

typedef enum KeyKind { KEYS_NONE, KEYS_WORD, KEYS_TEXT } KeyKind;

struct Map {
	Arena *arena;
	Pair *pair;
	int *slot; /* index into pair + 1, 0: free */
	int n, cap, slots;
	KeyKind kind;
	uint64_t seed;
};

uint64_t hash_mix(uint64_t a, uint64_t b)
{
	unsigned __int128 p =
		(unsigned __int128)(a ^ 0x9e3779b97f4a7c15u) * (b ^ 0xe7037ed1a0b428dbu);
	uint64_t h = (uint64_t)p ^ (uint64_t)(p >> 64);
	h = (h ^ (h >> 32)) * 0xd6e8feb86659fd93u; /* the product is weak when a factor is near 0 */
	return h ^ a ^ (h >> 32);
}

uint64_t hash_bytes(const void *data, size_t n, uint64_t seed)
{
	const char *at = data;
	uint64_t h = hash_mix(seed, n), word = 0;
	for (; n >= 8; at += 8, n -= 8) {
		memcpy(&word, at, 8);
		h = hash_mix(h, word);
	}
	if (!n)
		return h;
	word = 0;
	memcpy(&word, at, n);
	return hash_mix(h, word);
}

Map *map_create(Arena *arena)
{
	Map *m = ARENA_NEW(arena, Map);
	m->arena = arena;
	m->seed = (uint64_t)(uintptr_t)m;
	return m;
}

static void place(Map *m, uint64_t hash, int index)
{
	int mask = m->slots - 1, i = (int)(hash & (uint64_t)mask);
	while (m->slot[i])
		i = (i + 1) & mask;
	m->slot[i] = index + 1;
}

static void grow(Map *m)
{
	if (m->cap > INT_MAX / 4)
		oom_raise();
	int cap = m->cap ? m->cap * 2 : 8;
	Pair *pair = ARENA_ARRAY(m->arena, Pair, cap);
	if (m->n)
		memcpy(pair, m->pair, sizeof *pair * (size_t)m->n);
	m->slot = ARENA_ARRAY(m->arena, int, cap * 2);
	m->slots = cap * 2;
	m->pair = pair;
	m->cap = cap;
	for (int i = 0; i < m->n; i++)
		place(m, pair[i].hash, i);
}

static bool same(const Map *m, const Pair *p, uint64_t key, uint64_t hash)
{
	if (p->hash != hash)
		return false;
	if (m->kind == KEYS_TEXT)
		return str_eq((const char *)(uintptr_t)p->key, (const char *)(uintptr_t)key);
	return p->key == key;
}

static Pair *find(const Map *m, uint64_t key, uint64_t hash)
{
	if (!m->n)
		return NULL;
	int mask = m->slots - 1;
	for (int i = (int)(hash & (uint64_t)mask); m->slot[i]; i = (i + 1) & mask) {
		Pair *p = &m->pair[m->slot[i] - 1];
		if (same(m, p, key, hash))
			return p;
	}
	return NULL;
}

static void append(Map *m, uint64_t key, uint64_t hash, void *value)
{
	if (m->n == m->cap)
		grow(m);
	m->pair[m->n] = (Pair){ .key = key, .hash = hash, .value = value };
	place(m, hash, m->n++);
}

void *map_get(const Map *m, uint64_t key)
{
	assert(m->kind != KEYS_TEXT);
	Pair *p = find(m, key, hash_mix(m->seed, key));
	return p ? p->value : NULL;
}

void map_put(Map *m, uint64_t key, void *value)
{
	assert(m->kind != KEYS_TEXT);
	m->kind = KEYS_WORD;
	uint64_t hash = hash_mix(m->seed, key);
	Pair *p = find(m, key, hash);
	if (p)
		p->value = value;
	else
		append(m, key, hash, value);
}

void *map_get_ptr(const Map *m, const void *key)
{
	return map_get(m, (uint64_t)(uintptr_t)key);
}

void map_put_ptr(Map *m, const void *key, void *value)
{
	map_put(m, (uint64_t)(uintptr_t)key, value);
}

void *map_get_str(const Map *m, const char *key)
{
	assert(m->kind != KEYS_WORD);
	Pair *p = find(m, (uint64_t)(uintptr_t)key, hash_bytes(key, strlen(key), m->seed));
	return p ? p->value : NULL;
}

void map_put_str(Map *m, const char *key, void *value)
{
	assert(m->kind != KEYS_WORD);
	m->kind = KEYS_TEXT;
	uint64_t hash = hash_bytes(key, strlen(key), m->seed);
	Pair *p = find(m, (uint64_t)(uintptr_t)key, hash);
	if (p)
		p->value = value;
	else
		append(m, (uint64_t)(uintptr_t)arena_strdup(m->arena, key), hash, value);
}

int map_count(const Map *m)
{
	return m->n;
}

void *map_at(const Map *m, int i, uint64_t *key)
{
	assert(i >= 0 && i < m->n);
	if (key)
		*key = m->pair[i].key;
	return m->pair[i].value;
}
