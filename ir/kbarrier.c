/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Barriers of kernels whose lanes are the threads of a block (GPUs). Between a store by one thread
 * and a load of the same buffer by another all threads must meet, and again before what was loaded
 * is overwritten. A kernel stores no element twice but after a load, so two stores never conflict.
 *
 * One walk over the statements in the order in which they run, with the buffers stored to and
 * loaded from since the last meeting; a statement that would conflict gets a barrier before it.
 * Bodies of loops are walked a second time with what their end leaves behind. A fold over the
 * threads of several warps is a meeting too. Buffers are looked at as a whole: two of them may lie
 * at one place only where each lane reads what it then overwrites.
 *
 * Most buffers need none of this, because every thread touches elements of its own alone: all that
 * it stores and loads lies at positions that differ by multiples of the number of threads.
 *
 * Threads must meet all or none of them: inside a branch that some lanes take no barrier can be, so
 * it is put before. */
#include "ir/kernel.h"
#include <string.h>

/* --- which values differ from lane to lane ---------------------------------------------------- */

typedef struct Lanes {
	const Kernel *k;
	uint64_t vectors;
	bool *seen, *lane;
} Lanes;

static bool find_lane(Lanes *l, const Node *n)
{
	if (l->seen[n->id])
		return l->lane[n->id];
	bool lane = false, folds = false;
	for (int i = 0; i < n->n_in; i++)
		lane = find_lane(l, n->in[i]) || lane;
	if (n->op == OP_axis)
		lane = l->vectors >> ATTR_OF(n, index)->index & 1;
	if (n->op == OP_var)
		lane = (l->k->var.at[ATTR_OF(n, index)->index].axes & l->vectors) != 0;
	if (op_info(n->op)->attr == ATTR_axes_RECORD) {
		const Ints *axes = &ATTR_OF(n, axes)->axes;
		for (int i = 0; i < axes->n; i++)
			folds = folds || (l->vectors >> axes->v[i] & 1);
	}
	l->seen[n->id] = true;
	l->lane[n->id] = lane && !folds;
	return l->lane[n->id];
}

static void find_lanes(Lanes *l, const Stmt *s)
{
	for (; s; s = s->next) {
		const Node *n[4] = { s->lo, s->hi, s->value, s->cond };
		for (int i = 0; i < 4; i++)
			if (n[i])
				find_lane(l, n[i]);
		for (int i = 0; i < MAX_RANK; i++)
			if (s->at[i])
				find_lane(l, s->at[i]);
		find_lanes(l, s->body);
	}
}

bool *kernel_lanes(const Kernel *k, Arena *a)
{
	Lanes l = { .k = k };
	l.seen = ARENA_ARRAY(a, bool, k->next_id + 1);
	l.lane = ARENA_ARRAY(a, bool, k->next_id + 1);
	for (int i = 0; i < k->axis.n; i++)
		if (k->axis.at[i].kind == AX_VECTOR)
			l.vectors |= (uint64_t)1 << i;
	find_lanes(&l, k->body);
	return l.lane;
}

/* --- buffers of which each thread has its own elements ---------------------------------------- */

/* A position as  lane + task * t + (a multiple of the threads): element p belongs to thread
 * (p - task * t) mod threads. */
typedef struct Owner {
	bool met, no;
	int64_t task;
} Owner;

typedef struct Offset {
	int64_t lane, task, rest; /* factors; rest: 0 or what is not a multiple */
} Offset;

typedef struct Owners {
	const Kernel *k;
	int64_t threads;
	Owner *of;
	bool *seen;
} Owners;

static void add_offset(const Owners *o, const Node *n, int64_t factor, Offset *to)
{
	if (n->op == OP_add) {
		add_offset(o, n->in[0], factor, to);
		add_offset(o, n->in[1], factor, to);
	} else if (n->op == OP_mul && n->in[1]->op == OP_const) {
		int64_t c = blob_i64(ATTR_OF(n->in[1], data)->data, 0);
		add_offset(o, n->in[0], factor * c, to);
	} else if (n->op == OP_const) {
		to->rest |= blob_i64(ATTR_OF(n, data)->data, 0) * factor % o->threads;
	} else if (n->op == OP_axis) {
		AxisKind kind = o->k->axis.at[ATTR_OF(n, index)->index].kind;
		if (kind == AX_VECTOR)
			to->lane += factor;
		else if (kind == AX_TASK)
			to->task += factor;
		else
			to->rest |= factor % o->threads;
	} else {
		to->rest |= factor % o->threads;
	}
}

static void meet_place(Owners *o, int buf, Node *const *at)
{
	const Buf *b = &o->k->buf.at[buf];
	Owner *owner = &o->of[buf];
	Offset at_all = { 0, 0, 0 };
	for (int i = 0; i < b->rank; i++)
		add_offset(o, at[i], b->stride[i], &at_all);
	if (at_all.lane != 1 || at_all.rest || (owner->met && owner->task != at_all.task))
		owner->no = true;
	owner->met = true;
	owner->task = at_all.task;
}

static void meet_loads(Owners *o, const Node *n)
{
	if (!n || o->seen[n->id])
		return;
	o->seen[n->id] = true;
	for (int i = 0; i < n->n_in; i++)
		meet_loads(o, n->in[i]);
	if (n->op == OP_load)
		meet_place(o, (int)ATTR_OF(n, index)->index, n->in);
}

static void meet_places(Owners *o, const Stmt *s)
{
	for (; s; s = s->next) {
		meet_loads(o, s->lo);
		meet_loads(o, s->hi);
		meet_loads(o, s->value);
		meet_loads(o, s->cond);
		for (int i = 0; i < MAX_RANK; i++)
			meet_loads(o, s->at[i]);
		if (s->kind == S_STORE)
			meet_place(o, s->buf, s->at);
		meet_places(o, s->body);
	}
}

/* The number of threads. */
static int64_t find_owned(Kernel *k, Arena *a)
{
	Owners o = { .k = k, .threads = 1 };
	o.of = ARENA_ARRAY(a, Owner, k->buf.n + 1);
	o.seen = ARENA_ARRAY(a, bool, k->next_id + 1);
	for (int i = 0; i < k->axis.n; i++)
		if (k->axis.at[i].kind == AX_VECTOR && k->axis.at[i].lanes > o.threads)
			o.threads = k->axis.at[i].lanes;
	meet_places(&o, k->body);
	for (int i = 0; i < k->buf.n; i++)
		if (o.of[i].met && !o.of[i].no)
			k->buf.at[i].owned = true;
	return o.threads;
}

/* --- what statements touch -------------------------------------------------------------------- */

/* By buffer. */
typedef struct Touched {
	bool *loaded, *stored;
	bool meets; /* a fold over several warps: all threads meet before its value is there */
} Touched;

typedef struct Placer {
	Kernel *k;
	Arena *arena;
	const bool *lane;
	bool *read;       /* buffers that are loaded from anywhere */
	uint64_t vectors; /* vector axes of more than a warp */
	uint32_t *seen;   /* by node: last walk that met it */
	uint32_t walk;
} Placer;

static Touched nothing(Placer *p)
{
	bool *room = ARENA_ARRAY(p->arena, bool, 2 * p->k->buf.n + 1);
	return (Touched){ .loaded = room, .stored = room + p->k->buf.n };
}

static void forget(Placer *p, Touched *t)
{
	memset(t->loaded, 0, 2 * (size_t)p->k->buf.n * sizeof(bool));
}

static void merge(Placer *p, Touched *t, const Touched *more)
{
	for (int i = 0; i < p->k->buf.n; i++) {
		t->loaded[i] = t->loaded[i] || more->loaded[i];
		t->stored[i] = t->stored[i] || more->stored[i];
	}
}

static void add_loads(Placer *p, Touched *t, const Node *n)
{
	if (!n || p->seen[n->id] == p->walk)
		return;
	p->seen[n->id] = p->walk;
	for (int i = 0; i < n->n_in; i++)
		add_loads(p, t, n->in[i]);
	if (n->op == OP_load)
		t->loaded[ATTR_OF(n, index)->index] = true;
	if (op_info(n->op)->attr == ATTR_axes_RECORD) {
		const Ints *axes = &ATTR_OF(n, axes)->axes;
		for (int i = 0; i < axes->n; i++)
			t->meets = t->meets || (p->vectors >> axes->v[i] & 1);
	}
}

/* The statement itself; with its body where `deep`. */
static void add_stmt(Placer *p, Touched *t, const Stmt *s, bool deep)
{
	add_loads(p, t, s->lo);
	add_loads(p, t, s->hi);
	add_loads(p, t, s->value);
	add_loads(p, t, s->cond);
	for (int i = 0; i < MAX_RANK; i++)
		add_loads(p, t, s->at[i]);
	if (s->kind == S_STORE)
		t->stored[s->buf] = true;
	for (const Stmt *b = s->body; deep && b; b = b->next)
		add_stmt(p, t, b, true);
}

static bool conflict(const Placer *p, const Touched *before, const Touched *now)
{
	for (int i = 0; i < p->k->buf.n; i++)
		if (!p->k->buf.at[i].owned && ((before->stored[i] && now->loaded[i]) ||
					       (before->loaded[i] && now->stored[i])))
			return true;
	return false;
}

/* --- placing ---------------------------------------------------------------------------------- */

static void place(Placer *p, Stmt **at, Touched *t);

static void place_in_loop(Placer *p, Stmt *s, Touched *t)
{
	AxisKind kind = p->k->axis.at[s->axis].kind;
	if (kind == AX_VECTOR || kind == AX_TASK) {
		place(p, &s->body, t);
		return;
	}
	Touched end = nothing(p);
	merge(p, &end, t);
	place(p, &s->body, &end);
	merge(p, t, &end);
	place(p, &s->body, t);
	merge(p, t, &end);
}

/* A body that may be skipped. */
static void place_in_branch(Placer *p, Stmt *s, Touched *t)
{
	Touched taken = nothing(p);
	merge(p, &taken, t);
	place(p, &s->body, &taken);
	merge(p, t, &taken);
}

static void place(Placer *p, Stmt **at, Touched *t)
{
	for (; *at; at = &(*at)->next) {
		Stmt *s = *at;
		bool divergent = s->kind == S_IF && p->lane[s->cond->id];
		if (s->kind == S_BARRIER) {
			forget(p, t);
			continue;
		}
		Touched now = nothing(p);
		p->walk++;
		add_stmt(p, &now, s, divergent);
		if (conflict(p, t, &now)) {
			Stmt *b = ARENA_NEW(p->k->arena, Stmt);
			b->kind = S_BARRIER;
			b->axis = b->var = b->buf = -1;
			b->next = s;
			*at = b;
			at = &b->next;
			forget(p, t);
		}
		if (now.meets)
			forget(p, t);
		merge(p, t, &now);
		if (s->kind == S_LOOP)
			place_in_loop(p, s, t);
		else if (s->kind == S_IF && !divergent)
			place_in_branch(p, s, t);
		else if (s->kind == S_BLOCK)
			place(p, &s->body, t);
	}
}

void kernel_place_barriers(Kernel *k)
{
	Arena *a = arena_create();
	Placer p = { .k = k, .arena = a, .lane = kernel_lanes(k, a) };
	int64_t threads = find_owned(k, a);
	p.seen = ARENA_ARRAY(a, uint32_t, k->next_id + 1);
	Touched none = nothing(&p);
	for (int i = 0; i < k->axis.n && threads > 32; i++)
		if (k->axis.at[i].kind == AX_VECTOR)
			p.vectors |= (uint64_t)1 << i;
	place(&p, &k->body, &none);
	arena_destroy(a);
}
