/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The memory plan: offsets in one workspace for buffers with known lifetimes. Greedy by size: the
 * largest buffer first, each at the lowest offset where no buffer with an overlapping lifetime
 * lies.
 *
 * Those with an overlapping lifetime are found in a tree over the steps, whose nodes hold the
 * lifetimes that cover all of their steps. That takes time when thousands of buffers live together:
 * then memory is given out and taken back in the order of the steps instead. */
#include "passes/storage.h"
#include <stdlib.h>

enum {
	MOST_COMPARED = 1 << 20, /* buffers looked at by the greedy plan: some milliseconds */
	MOST_HOLES = 64          /* looked at for one buffer */
};

typedef struct Item {
	PlanBuffer *b;
} Item;

/* Steps of one place of the tree: 2i and 2i + 1 are the halves of place i. */
typedef struct Place {
	VEC(int) own;   /* items whose lifetime covers its steps, but not all of its parent's */
	VEC(int) below; /* items in the places below it */
} Place;

typedef struct Planner {
	Context *ctx;
	Arena *arena;
	Item *item;
	Place *place; /* 1 is the root, size .. 2 size - 1 are the single steps */
	int size;
	int *met; /* by item: the search that found it last */
	int search;
	VEC(int) neighbour;
	int compared;
} Planner;

static int larger_first(const void *x, const void *y)
{
	const PlanBuffer *a = ((const Item *)x)->b, *b = ((const Item *)y)->b;
	if (a->bytes != b->bytes)
		return a->bytes < b->bytes ? 1 : -1;
	return a->first != b->first ? a->first - b->first : (a < b ? -1 : 1);
}

/* Buffers start 64 bytes apart in their 4096-byte phase, so that operands of one kernel do not
 * share cache sets. */
static int64_t align_up(int64_t x)
{
	return (x + 63) / 64 * 64;
}

/* --- who lives together ---------------------------------------------------------------------- */

static void add_below(Planner *z, int place, int item)
{
	Place *p = &z->place[place];
	if (p->below.n == 0 || p->below.at[p->below.n - 1] != item)
		vec_push(z->arena, &p->below, item);
}

static void add_lifetime(Planner *z, int item)
{
	int low = z->item[item].b->first + z->size, high = z->item[item].b->last + z->size + 1;
	for (; low < high; low /= 2, high /= 2) {
		int part[2] = { low % 2 ? low++ : 0, high % 2 ? --high : 0 };
		for (int i = 0; i < 2; i++) {
			if (!part[i])
				continue;
			vec_push(z->arena, &z->place[part[i]].own, item);
			for (int above = part[i] / 2; above; above /= 2)
				add_below(z, above, item);
		}
	}
}

static void meet(Planner *z, const int *item, int n)
{
	z->compared += n;
	for (int i = 0; i < n && z->compared <= MOST_COMPARED; i++) {
		if (z->met[item[i]] == z->search)
			continue;
		z->met[item[i]] = z->search;
		vec_push(z->arena, &z->neighbour, item[i]);
	}
}

static int by_number(const void *x, const void *y)
{
	return *(const int *)x - *(const int *)y;
}

/* In the order of the items. */
static void find_neighbours(Planner *z, const PlanBuffer *b)
{
	int low = b->first + z->size, high = b->last + z->size + 1;
	z->search++;
	z->neighbour.n = 0;
	for (int above = low / 2; above; above /= 2)
		meet(z, z->place[above].own.at, z->place[above].own.n);
	for (int above = (high - 1) / 2; above; above /= 2)
		meet(z, z->place[above].own.at, z->place[above].own.n);
	for (; low < high; low /= 2, high /= 2) {
		int part[2] = { low % 2 ? low++ : 0, high % 2 ? --high : 0 };
		for (int i = 0; i < 2; i++) {
			const Place *p = &z->place[part[i]];
			if (!part[i])
				continue;
			meet(z, p->own.at, p->own.n);
			meet(z, p->below.at, p->below.n);
		}
	}
	if (z->neighbour.n > 1)
		qsort(z->neighbour.at, (size_t)z->neighbour.n, sizeof(int), by_number);
}

/* --- greedy by size -------------------------------------------------------------------------- */

static int64_t lowest_offset(Planner *z, const PlanBuffer *b)
{
	int64_t at = 0;
	bool moved = true;
	find_neighbours(z, b);
	while (moved && z->compared <= MOST_COMPARED) {
		moved = false;
		z->compared += z->neighbour.n;
		for (int i = 0; i < z->neighbour.n; i++) {
			const PlanBuffer *o = z->item[z->neighbour.at[i]].b;
			if (o->offset >= at + b->bytes || o->offset + o->bytes <= at)
				continue;
			at = align_up(o->offset + o->bytes) + 64;
			moved = true;
		}
	}
	return at;
}

/* False: that would take long. */
static bool plan_by_size(Planner *z, int n, int steps)
{
	z->size = 1;
	while (z->size < steps)
		z->size *= 2;
	z->met = ARENA_ARRAY(z->arena, int, n + 1);
	z->place = ARENA_ARRAY(z->arena, Place, 2 * z->size);
	qsort(z->item, (size_t)n, sizeof *z->item, larger_first);
	for (int i = 0; i < n && z->compared <= MOST_COMPARED; i++) {
		z->item[i].b->offset = lowest_offset(z, z->item[i].b);
		add_lifetime(z, i);
	}
	z->ctx->work += (uint64_t)z->compared;
	return z->compared <= MOST_COMPARED;
}

/* --- in the order of the steps --------------------------------------------------------------- */

/* A piece of memory, of a buffer or free: a hole. The last one ends where the workspace does. */
typedef struct Piece {
	int64_t offset, bytes;
	struct Piece *below, *above;
	struct Piece *older, *younger; /* hole */
	bool hole;
} Piece;

typedef struct Heap {
	Context *ctx;
	Arena *arena;
	Piece *last, *youngest;
} Heap;

static void add_hole(Heap *h, Piece *p)
{
	p->hole = true;
	p->younger = NULL;
	p->older = h->youngest;
	if (h->youngest)
		h->youngest->younger = p;
	h->youngest = p;
}

static void remove_hole(Heap *h, Piece *p)
{
	p->hole = false;
	if (p->older)
		p->older->younger = p->younger;
	if (p->younger)
		p->younger->older = p->older;
	else
		h->youngest = p->older;
}

static Piece *add_above(Heap *h, Piece *p, int64_t offset, int64_t bytes)
{
	Piece *fresh = ARENA_NEW(h->arena, Piece);
	*fresh = (Piece){ .offset = offset, .bytes = bytes, .below = p };
	fresh->above = p ? p->above : NULL;
	if (fresh->above)
		fresh->above->below = fresh;
	else
		h->last = fresh;
	if (p)
		p->above = fresh;
	return fresh;
}

/* p becomes a part of the piece below it. */
static void join_below(Heap *h, Piece *p)
{
	p->below->bytes += p->bytes;
	p->below->above = p->above;
	if (p->above)
		p->above->below = p->below;
	else
		h->last = p->below;
}

/* Of the holes made last, the smallest that will do. */
static Piece *best_hole(const Heap *h, int64_t bytes)
{
	Piece *best = NULL, *p = h->youngest;
	for (int i = 0; p && i < MOST_HOLES; i++, p = p->older) {
		h->ctx->work++;
		if (p->bytes >= bytes && (!best || p->bytes < best->bytes))
			best = p;
	}
	return best;
}

static Piece *take(Heap *h, int64_t bytes)
{
	Piece *p = best_hole(h, bytes);
	if (!p && h->last && h->last->hole) { /* what it lacks is added */
		p = h->last;
		p->bytes = bytes;
	}
	if (!p)
		return add_above(h, h->last, h->last ? h->last->offset + h->last->bytes : 0, bytes);
	remove_hole(h, p);
	if (p->bytes > bytes) {
		add_hole(h, add_above(h, p, p->offset + bytes, p->bytes - bytes));
		p->bytes = bytes;
	}
	return p;
}

static void give_back(Heap *h, Piece *p)
{
	if (p->above && p->above->hole) {
		remove_hole(h, p->above);
		join_below(h, p->above);
	}
	if (p->below && p->below->hole) {
		remove_hole(h, p->below);
		join_below(h, p);
		p = p->below;
	}
	add_hole(h, p);
}

static int earlier_first(const void *x, const void *y)
{
	const PlanBuffer *a = ((const Item *)x)->b, *b = ((const Item *)y)->b;
	return a->first != b->first ? a->first - b->first : larger_first(x, y);
}

static int earlier_last(const void *x, const void *y)
{
	const PlanBuffer *a = ((const Item *)x)->b, *b = ((const Item *)y)->b;
	return a->last != b->last ? a->last - b->last : larger_first(x, y);
}

static void plan_in_order(Planner *z, int n)
{
	Heap h = { .ctx = z->ctx, .arena = z->arena };
	Item *ends = ARENA_ARRAY(z->arena, Item, n + 1);
	qsort(z->item, (size_t)n, sizeof *z->item, earlier_first);
	for (int i = 0; i < n; i++)
		ends[i] = z->item[i];
	qsort(ends, (size_t)n, sizeof *ends, earlier_last);
	for (int i = 0, ended = 0; i < n; i++) {
		PlanBuffer *b = z->item[i].b;
		for (; ends[ended].b->last < b->first; ended++)
			give_back(&h, ends[ended].b->piece);
		b->piece = take(&h, align_up(b->bytes) + 64);
		b->offset = b->piece->offset;
	}
}

/* --- the plan -------------------------------------------------------------------------------- */

static bool wants_place(const PlanBuffer *b)
{
	return b->space == SPACE_WORK && b->first >= 0 && !b->placed;
}

int64_t plan_memory(StorageMap *m, const Plan *plan)
{
	Planner z = { .ctx = plan->ctx, .arena = plan->arena };
	int n = 0;
	int64_t bytes = 0;
	z.item = ARENA_ARRAY(z.arena, Item, m->buffer.n + 1);
	for (int i = 0; i < m->buffer.n; i++)
		if (wants_place(&m->buffer.at[i]))
			z.item[n++].b = &m->buffer.at[i];
	if (!plan_by_size(&z, n, plan->step.n))
		plan_in_order(&z, n);
	for (int i = 0; i < n; i++) {
		const PlanBuffer *b = z.item[i].b;
		if (b->offset + b->bytes > bytes)
			bytes = b->offset + b->bytes;
	}
	return align_up(bytes);
}
