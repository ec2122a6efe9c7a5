/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The memory plan: offsets in one workspace for buffers with known lifetimes. Greedy by size: the
 * largest buffer first, each at the lowest offset where no buffer with an overlapping lifetime
 * lies. */
#include "passes/storage.h"
#include <stdlib.h>

typedef struct Item {
	PlanBuffer *b;
} Item;

static int larger_first(const void *x, const void *y)
{
	const PlanBuffer *a = ((const Item *)x)->b, *b = ((const Item *)y)->b;
	if (a->bytes != b->bytes)
		return a->bytes < b->bytes ? 1 : -1;
	return a->first != b->first ? a->first - b->first : (a < b ? -1 : 1);
}

static bool alive_together(const PlanBuffer *a, const PlanBuffer *b)
{
	return a->first <= b->last && b->first <= a->last;
}

/* Buffers start 64 bytes apart in their 4096-byte phase, so that operands of one kernel do not
 * share cache sets. */
static int64_t align_up(int64_t x)
{
	return (x + 63) / 64 * 64;
}

static int64_t lowest_offset(const Item *item, int n, const PlanBuffer *b)
{
	int64_t at = 0;
	bool moved = true;
	while (moved) {
		moved = false;
		for (int i = 0; i < n; i++) {
			const PlanBuffer *o = item[i].b;
			if (!alive_together(o, b) || o->offset >= at + b->bytes ||
			    o->offset + o->bytes <= at)
				continue;
			at = align_up(o->offset + o->bytes) + 64;
			moved = true;
		}
	}
	return at;
}

static bool wants_place(const PlanBuffer *b)
{
	return b->space == SPACE_WORK && b->first >= 0 && !b->placed;
}

int64_t plan_memory(StorageMap *m, Arena *arena)
{
	Item *item = ARENA_ARRAY(arena, Item, m->buffer.n + 1);
	int n = 0;
	int64_t bytes = 0;
	for (int i = 0; i < m->buffer.n; i++)
		if (wants_place(&m->buffer.at[i]))
			item[n++].b = &m->buffer.at[i];
	qsort(item, (size_t)n, sizeof *item, larger_first);
	for (int i = 0; i < n; i++) {
		PlanBuffer *b = item[i].b;
		b->offset = lowest_offset(item, i, b);
		if (b->offset + b->bytes > bytes)
			bytes = b->offset + b->bytes;
	}
	return align_up(bytes);
}
