/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Bump allocation in a stack of blocks that double in size; what is large gets a block of its own,
 * so that it neither wastes the rest of the current block nor makes the next ones large. Blocks
 * come from calloc: memory beyond `used` is always zero, which arena_release restores for what it
 * keeps. Under AddressSanitizer unused bytes are poisoned and allocations lie apart. */
#include "base/arena.h"
#include "base/oom.h"
#include "base/str.h"
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#ifndef __has_feature
#define __has_feature(x) 0
#endif
#if defined(__SANITIZE_ADDRESS__) || __has_feature(address_sanitizer)
#include <sanitizer/asan_interface.h>
enum { APART = 16 };
#define FORBID(p, n) __asan_poison_memory_region((p), (n))
#define ALLOW(p, n) __asan_unpoison_memory_region((p), (n))
#else
enum { APART = 0 };
#define FORBID(p, n) ((void)(p), (void)(n))
#define ALLOW(p, n) ((void)(p), (void)(n))
#endif

enum { ALIGN = 16, FIRST_BLOCK = 4096, LARGEST_BLOCK = 1 << 20 };

typedef struct Block {
	struct Block *below;
	size_t size, used; /* of data[] */
	_Alignas(ALIGN) char data[];
} Block;

struct Arena {
	OomOwned owned; /* first: destroyed through it */
	Block *top, *large;
	size_t next_size, bytes;
};

static void free_block(Arena *a, Block *b)
{
	a->bytes -= b->size;
	ALLOW(b->data, b->size);
	free(b);
}

static void destroy(OomOwned *self)
{
	Arena *a = (Arena *)self;
	for (Block *b = a->top, *below; b; b = below) {
		below = b->below;
		free_block(a, b);
	}
	for (Block *b = a->large, *below; b; b = below) {
		below = b->below;
		free_block(a, b);
	}
	free(a);
}

Arena *arena_create(void)
{
	Arena *a = mem_alloc(sizeof *a);
	a->next_size = FIRST_BLOCK;
	oom_own(&a->owned, destroy);
	return a;
}

void arena_destroy(Arena *a)
{
	if (!a)
		return;
	oom_disown(&a->owned);
	destroy(&a->owned);
}

static Block *push_block(Arena *a, Block **list, size_t size)
{
	Block *b = mem_alloc(sizeof *b + size);
	b->size = size;
	b->below = *list;
	*list = b;
	a->bytes += size;
	FORBID(b->data, size);
	return b;
}

static void *take(Block *b, size_t bytes, size_t padded)
{
	char *at = b->data + b->used;
	b->used += padded;
	ALLOW(at, bytes);
	return at;
}

void *arena_alloc(Arena *a, size_t bytes)
{
	if (bytes > PTRDIFF_MAX / 2)
		oom_raise();
	size_t padded = (bytes + !bytes + APART + ALIGN - 1) & ~(size_t)(ALIGN - 1);
	if (a->top && a->top->size - a->top->used >= padded)
		return take(a->top, bytes, padded);
	if (padded > a->next_size / 4)
		return take(push_block(a, &a->large, padded), bytes, padded);
	push_block(a, &a->top, a->next_size);
	if (a->next_size < LARGEST_BLOCK)
		a->next_size *= 2;
	return take(a->top, bytes, padded);
}

void *arena_alloc_array(Arena *a, size_t size, size_t n)
{
	size_t bytes;
	if (__builtin_mul_overflow(size, n, &bytes))
		oom_raise();
	return arena_alloc(a, bytes);
}

void *arena_copy(Arena *a, const void *data, size_t bytes)
{
	void *copy = arena_alloc(a, bytes);
	if (bytes)
		memcpy(copy, data, bytes);
	return copy;
}

char *arena_strndup(Arena *a, const char *s, size_t n)
{
	char *copy = arena_alloc(a, n + 1);
	if (n)
		memcpy(copy, s, n);
	return copy;
}

char *arena_strdup(Arena *a, const char *s)
{
	return arena_strndup(a, s, strlen(s));
}

char *arena_printf(Arena *a, const char *fmt, ...)
{
	Str s;
	va_list ap;
	str_init(&s, a);
	va_start(ap, fmt);
	str_vfmt(&s, fmt, ap);
	va_end(ap);
	return s.at ? s.at : arena_strdup(a, "");
}

ArenaMark arena_mark(Arena *a)
{
	return (ArenaMark){ .block = a->top, .large = a->large, .used = a->top ? a->top->used : 0 };
}

static void pop_to(Arena *a, Block **list, const Block *keep)
{
	while (*list != keep) {
		Block *b = *list;
		*list = b->below;
		free_block(a, b);
	}
}

void arena_release(Arena *a, ArenaMark m)
{
	pop_to(a, &a->large, m.large);
	pop_to(a, &a->top, m.block);
	if (!a->top)
		return;
	char *freed = a->top->data + m.used;
	size_t n = a->top->used - m.used;
	ALLOW(freed, n);
	memset(freed, 0, n);
	FORBID(freed, n);
	a->top->used = m.used;
}

size_t arena_bytes(const Arena *a)
{
	return a->bytes;
}
