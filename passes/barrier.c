/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Which steps may run together with the one before, without a barrier between: the three
 * projections of attention, the border of a padded tensor and the convolution that fills it.
 *
 * What the steps since the last barrier read and write is marked in a tree over all memory, which
 * the ends of the buffers cut into pieces: whether a step meets it is found without going through
 * these steps. */
#include "passes/storage.h"
#include <stdlib.h>

/* An address: memory of different spaces, or of different ports, lies apart. */
typedef struct Address {
	int space, index;
	int64_t offset;
} Address;

/* Marks of a place of the tree: the run of steps that read or wrote all of its pieces, or some; or
 * wrote them as two buffers. */
enum { READ, WRITTEN, WRITTEN_AS_TWO, MARKS };
typedef struct Place {
	uint32_t all[MARKS], some[MARKS];
} Place;

typedef struct Joiner {
	Context *ctx;
	Address *end; /* of pieces, sorted */
	int n_end;
	Place *place; /* 1 is the root, size .. 2 size - 1 are the pieces; 2i and 2i + 1 halve i */
	int size;
	uint32_t run;    /* this run of steps without a barrier between, from 1 */
	uint32_t *parts; /* by buffer: the last run that wrote parts of it */
	const StorageMap *m;
} Joiner;

/* --- memory in pieces ------------------------------------------------------------------------ */

static Address address_of(const PlanBuffer *b, int64_t offset)
{
	int index = b->space == SPACE_WORK ? 0 : b->index;
	return (Address){ (int)b->space, index, b->offset + offset };
}

static int by_address(const void *x, const void *y)
{
	const Address *a = x, *b = y;
	if (a->space != b->space)
		return a->space - b->space;
	if (a->index != b->index)
		return a->index < b->index ? -1 : 1;
	return a->offset < b->offset ? -1 : a->offset > b->offset;
}

static void cut_memory(Joiner *z, Arena *arena)
{
	const StorageMap *m = z->m;
	z->end = ARENA_ARRAY(arena, Address, 2 * m->buffer.n + 1);
	for (int i = 0; i < m->buffer.n; i++) {
		z->end[z->n_end++] = address_of(&m->buffer.at[i], 0);
		z->end[z->n_end++] = address_of(&m->buffer.at[i], m->buffer.at[i].bytes);
	}
	qsort(z->end, (size_t)z->n_end, sizeof *z->end, by_address);
	z->size = 1;
	while (z->size < z->n_end)
		z->size *= 2;
	z->place = ARENA_ARRAY(arena, Place, 2 * z->size);
}

/* The first piece that begins there. */
static int piece_at(const Joiner *z, Address a)
{
	int low = 0, high = z->n_end;
	while (low < high) {
		int middle = (low + high) / 2;
		if (by_address(&z->end[middle], &a) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* --- marks ----------------------------------------------------------------------------------- */

typedef struct Use {
	int first, last; /* pieces */
	int buffer;
	bool read, written;
	bool over; /* goes over what others wrote */
} Use;

static bool is_marked(Joiner *z, const Use *u, int kind)
{
	int low = u->first + z->size, high = u->last + z->size;
	z->ctx->work++;
	if (low >= high)
		return false;
	for (int above = low / 2; above; above /= 2)
		if (z->place[above].all[kind] == z->run)
			return true;
	for (int above = (high - 1) / 2; above; above /= 2)
		if (z->place[above].all[kind] == z->run)
			return true;
	for (; low < high; low /= 2, high /= 2) {
		int part[2] = { low % 2 ? low++ : 0, high % 2 ? --high : 0 };
		for (int i = 0; i < 2; i++)
			if (part[i] && (z->place[part[i]].all[kind] == z->run ||
					z->place[part[i]].some[kind] == z->run))
				return true;
	}
	return false;
}

static void mark(Joiner *z, const Use *u, int kind)
{
	int low = u->first + z->size, high = u->last + z->size;
	for (; low < high; low /= 2, high /= 2) {
		int part[2] = { low % 2 ? low++ : 0, high % 2 ? --high : 0 };
		for (int i = 0; i < 2; i++) {
			if (!part[i])
				continue;
			z->place[part[i]].all[kind] = z->run;
			for (int above = part[i] / 2; above; above /= 2)
				z->place[above].some[kind] = z->run;
		}
	}
}

/* --- steps ----------------------------------------------------------------------------------- */

/* Two steps write different parts of one buffer, unless one goes over what the other wrote. */
static bool writes_parts(const Use *u)
{
	return u->written && !u->read && !u->over;
}

/* A buffer that this run has written parts of, and nobody read, does not meet anything else of the
 * run: it was compared when it came, and so was all that came later. */
static bool meets(Joiner *z, const Use *u)
{
	if (writes_parts(u) && z->parts[u->buffer] == z->run && !is_marked(z, u, READ) &&
	    !is_marked(z, u, WRITTEN_AS_TWO))
		return false;
	return ((u->read || u->written) && is_marked(z, u, WRITTEN)) ||
	       (u->written && is_marked(z, u, READ));
}

/* The k-th argument of a step, whose arguments still name buffers of the map, is its i-th buffer. */
static Use use_of(const Joiner *z, const Step *s, int k, int i)
{
	int buffer = s->arg[k].index;
	const PlanBuffer *b = &z->m->buffer.at[buffer];
	return (Use){ .first = piece_at(z, address_of(b, 0)),
		      .last = piece_at(z, address_of(b, b->bytes)),
		      .buffer = buffer,
		      .read = s->kernel->buf.at[i].read,
		      .written = s->kernel->buf.at[i].written,
		      .over = str_eq(s->kind, "scatter") };
}

typedef void UseVisitor(Joiner *z, const Use *u, void *user);

static void visit_uses(Joiner *z, const Step *s, UseVisitor *visit, void *user)
{
	for (int k = 0, i = 0; k < s->n_arg; k++, i++) {
		while (s->kernel->buf.at[i].space != BUF_ARG)
			i++;
		Use u = use_of(z, s, k, i);
		visit(z, &u, user);
	}
}

static void compare_use(Joiner *z, const Use *u, void *user)
{
	bool *conflict = user;
	*conflict = *conflict || meets(z, u);
}

static void mark_use(Joiner *z, const Use *u, void *user)
{
	(void)user;
	if (u->read || u->over)
		mark(z, u, READ);
	if (u->written && z->parts[u->buffer] != z->run && is_marked(z, u, WRITTEN))
		mark(z, u, WRITTEN_AS_TWO);
	if (u->written)
		mark(z, u, WRITTEN);
	if (writes_parts(u))
		z->parts[u->buffer] = z->run;
}

void mark_joins(const StorageMap *m, Plan *plan)
{
	Joiner z = { .ctx = plan->ctx, .m = m, .run = 1 };
	z.parts = ARENA_ARRAY(plan->arena, uint32_t, m->buffer.n + 1);
	cut_memory(&z, plan->arena);
	for (int i = 0; i < plan->step.n; i++) {
		Step *s = &plan->step.at[i];
		bool conflict = false;
		visit_uses(&z, s, compare_use, &conflict);
		s->joins = i > 0 && !conflict;
		z.run += conflict;
		visit_uses(&z, s, mark_use, NULL);
	}
}
