/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Loops that the builder makes by itself: over the elements of a tensor's row, and reductions.
 *
 * Vector width is chosen here. A reduction runs by vectors over its last extent with several
 * accumulators (independent sums hide the latency of the addition); the number of accumulators
 * depends on the sizes alone, so the order of additions does too. When the asked element already is
 * a vector (channels last), the reduction is a plain loop over vectors, unrolled when it is a small
 * window.
 *
 * On a GPU lanes are threads, to which index arithmetic is cheap: there loops and reductions over
 * several dimensions run flat over all of them, and a part of a vector is as good as a whole one.
 */
#include "ir/kbuilder_impl.h"
#include <math.h>

enum { UNROLL_WINDOW = 32, ACCUMULATORS = 4 };

static int lanes_on(const Target *target, DType t)
{
	if (target->kind == TARGET_CUDA)
		return target_lanes(target, 4);
	int lanes = target_lanes(target, dtype_info[t].bytes < 4 ? 4 : dtype_info[t].bytes);
	return lanes < 1 ? 1 : lanes;
}

static int lanes_of(const KBuilder *kb, DType t)
{
	return lanes_on(&kb->target, t);
}

static int looped(const int64_t *dim, int n)
{
	int loops = 0;
	for (int i = 0; i < n; i++)
		loops += dim[i] != 1;
	return loops;
}

static bool has_vector(KBuilder *kb, uint64_t axes)
{
	for (int i = 0; i < kb->k->axis.n; i++)
		if ((axes >> i & 1) && kb->k->axis.at[i].kind == AX_VECTOR)
			return true;
	return false;
}

/* Is a vector axis open around the cursor? At most one may be. */
static bool vector_open(KBuilder *kb)
{
	for (const Scope *s = kb->scope; s; s = s->outer)
		if (s->axes != ~(uint64_t)0 && has_vector(kb, s->axes))
			return true;
	return false;
}

/* --- loops over a row ------------------------------------------------------------------------ */

static void vector_part(KBuilder *kb, Node **at, int last, Node *base, int64_t n, int lanes,
			KbBody *body, void *user)
{
	Node *v = kb_axis(kb, "v", AX_VECTOR, n, lanes);
	kb_open(kb, v);
	at[last] = kb_iadd(kb, base, v);
	body(kb, at, user);
	kb_close(kb);
}

static void last_dimension(KBuilder *kb, const Type *t, Node **at, KbBody *body, void *user)
{
	int last = t->rank - 1, lanes = lanes_of(kb, t->dtype);
	int64_t n = t->dim[last], full = n / lanes;
	if (n == 1) {
		at[last] = kb_i(kb, 0);
		body(kb, at, user);
		return;
	}
	if (full > 1) {
		Node *i = kb_axis(kb, "i", AX_LOOP, full, 0);
		kb_open(kb, i);
		vector_part(kb, at, last, kb_imul(kb, i, lanes), lanes, lanes, body, user);
		kb_close(kb);
	} else if (full == 1) {
		vector_part(kb, at, last, kb_i(kb, 0), lanes, lanes, body, user);
	}
	if (n % lanes)
		vector_part(kb, at, last, kb_i(kb, full * lanes), n % lanes, lanes, body, user);
}

/* GPU: the dimensions from `first` on as one, which is turned back into an index of each. */
typedef struct FlatLoops {
	const Type *inner;
	int first;
	Node **at;
	KbBody *body;
	void *user;
} FlatLoops;

static void flat_element(KBuilder *kb, Node **at, void *user)
{
	const FlatLoops *f = user;
	kb_unflat(kb, f->inner, at[0], f->at + f->first);
	f->body(kb, f->at, f->user);
}

static void flat_loops(KBuilder *kb, const Type *t, int first, Node **at, KbBody *body, void *user)
{
	FlatLoops f = { .first = first, .at = at, .body = body, .user = user };
	Node *flat;
	f.inner = type_get(kb->ctx, t->dtype, t->rank - first, t->dim + first);
	last_dimension(kb, type_get(kb->ctx, t->dtype, 1, &f.inner->count), &flat, flat_element,
		       &f);
}

/* Inside of a vector axis: one element after another. */
static void scalar_loops(KBuilder *kb, const Type *t, int first, Node **at, KbBody *body,
			 void *user)
{
	int opened = 0;
	for (int d = first; d < t->rank; d++) {
		at[d] = kb_i(kb, 0);
		if (t->dim[d] == 1)
			continue;
		at[d] = kb_axis(kb, "d", AX_LOOP, t->dim[d], 0);
		kb_open(kb, at[d]);
		opened++;
	}
	body(kb, at, user);
	while (opened--)
		kb_close(kb);
}

void kb_loops(KBuilder *kb, const Type *t, int first, Node **at, KbBody *body, void *user)
{
	int opened = 0;
	if (first >= t->rank) {
		body(kb, at, user);
		return;
	}
	if (kb->target.kind == TARGET_CUDA) {
		(vector_open(kb) ? scalar_loops : flat_loops)(kb, t, first, at, body, user);
		return;
	}
	for (int d = first; d < t->rank - 1; d++) {
		if (t->dim[d] == 1) {
			at[d] = kb_i(kb, 0);
			continue;
		}
		at[d] = kb_axis(kb, "d", AX_LOOP, t->dim[d], 0);
		kb_open(kb, at[d]);
		opened++;
	}
	last_dimension(kb, t, at, body, user);
	while (opened--)
		kb_close(kb);
}

int kb_loops_axes(const Target *target, const Type *t, int first)
{
	enum { OF_ROW = 3 /* i, its v, v of the tail */ };
	if (first >= t->rank)
		return 0;
	int outer = looped(t->dim + first, t->rank - 1 - first);
	if (target->kind == TARGET_CUDA) /* one flat row, or a scalar loop for each dimension */
		return outer + 1 > OF_ROW ? outer + 1 : OF_ROW;
	int64_t n = t->dim[t->rank - 1], lanes = lanes_on(target, t->dtype), full = n / lanes;
	return n == 1 ? outer : outer + (full > 1 ? 2 : (int)full) + (n % lanes != 0);
}

/* --- reductions ------------------------------------------------------------------------------ */

typedef struct Reduction {
	const Node *n;
	Node *const *at;
	int n_r;
	const int64_t *extent;
	Op fold;
	KbElement *element;
	void *user;
	Node *r[MAX_RANK];
} Reduction;

static Node *combine(KBuilder *kb, Op fold, Node *acc, Node *x)
{
	static const struct {
		Op fold, op;
	} row[] = { { OP_fold_sum, OP_add },
		    { OP_fold_prod, OP_mul },
		    { OP_fold_max, OP_max },
		    { OP_fold_min, OP_min } };
	for (int i = 0; i < 4; i++)
		if (row[i].fold == fold)
			return kb_emit2(kb, row[i].op, acc, x);
	return x;
}

static Node *neutral(KBuilder *kb, Op fold, DType t)
{
	int bits = dtype_info[t].bytes * 8;
	double top = dtype_is_float(t) ? INFINITY : 0;
	if (fold == OP_fold_sum)
		return kb_f(kb, t, 0);
	if (fold == OP_fold_prod)
		return kb_f(kb, t, 1);
	if (dtype_is_float(t))
		return kb_f(kb, t, fold == OP_fold_max ? -top : top);
	int64_t most = t == DT_bool ? 1 : t == DT_u8 ? 255 : (int64_t)(~(uint64_t)0 >> (65 - bits));
	int64_t least = t == DT_bool || t == DT_u8 ? 0 : -most - 1;
	uint64_t room = 0;
	store_i64(t, &room, 0, fold == OP_fold_max ? least : most);
	Attr_data a = { .data = blob_intern(kb->ctx, type_scalar(kb->ctx, t), &room) };
	return kb_intern(kb, OP_const, attr_intern(kb->ctx, ATTR_data_RECORD, &a),
			 type_scalar(kb->ctx, t), NULL, 0);
}

static void update(KBuilder *kb, Reduction *rd, Node *acc)
{
	Node *x = rd->element(kb, rd->n, rd->at, rd->r, rd->user);
	kb_set(kb, acc, combine(kb, rd->fold, acc, x));
}

/* Opens loops over the extents 0..n-1, skipping those of size 1; small windows are unrolled.
 * Returns the number opened. */
static int open_extents(KBuilder *kb, Reduction *rd, int n, bool unroll)
{
	int opened = 0;
	for (int i = 0; i < n; i++) {
		if (rd->extent[i] == 1) {
			rd->r[i] = kb_i(kb, 0);
			continue;
		}
		rd->r[i] = kb_axis(kb, "r", unroll ? AX_UNROLL : AX_LOOP, rd->extent[i], 0);
		kb_open(kb, rd->r[i]);
		opened++;
	}
	return opened;
}

static void close_n(KBuilder *kb, int n)
{
	while (n--)
		kb_close(kb);
}

static Node *reduce_plain(KBuilder *kb, Reduction *rd, uint64_t axes)
{
	int64_t total = 1;
	for (int i = 0; i < rd->n_r; i++)
		total *= rd->extent[i];
	DType t = rd->n->type->dtype;
	Node *acc = kb_var(kb, "acc", neutral(kb, rd->fold, t), axes);
	int opened = open_extents(kb, rd, rd->n_r, total <= UNROLL_WINDOW);
	update(kb, rd, acc);
	close_n(kb, opened);
	return acc;
}

/* An accumulator per copy and lane, declared where the cursor is. v or u may be NULL. */
static Node *accumulator(KBuilder *kb, Reduction *rd, uint64_t axes, Node *u, Node *v)
{
	if (u)
		kb_open(kb, u);
	kb_open(kb, v);
	Node *acc = kb_var(kb, "acc", neutral(kb, rd->fold, rd->n->type->dtype),
			   axes | v->axes | (u ? u->axes : 0));
	kb_close(kb);
	if (u)
		kb_close(kb);
	return acc;
}

static void vector_update(KBuilder *kb, Reduction *rd, Node *acc, Node *v, Node *base)
{
	kb_open(kb, v);
	rd->r[rd->n_r - 1] = kb_iadd(kb, base, v);
	update(kb, rd, acc);
	kb_close(kb);
}

/* One part of the last extent: the accumulator, and the loop that feeds it. */
typedef struct Part {
	Node *acc, *u, *v, *loop;
	int64_t first, count; /* elements; vectors in the loop */
	int step;             /* elements per iteration */
} Part;

/* Blocks of several vectors, then single vectors, then the tail: up to three parts. */
static int make_parts(KBuilder *kb, Reduction *rd, uint64_t axes, int lanes, Part *part)
{
	int64_t n = rd->extent[rd->n_r - 1], blocks = n / (lanes * ACCUMULATORS);
	int64_t done = blocks * lanes * ACCUMULATORS, singles = (n - done) / lanes;
	int64_t tail = n % lanes;
	int k = 0;
	if (blocks)
		part[k++] = (Part){ .u = kb_axis(kb, "u", AX_UNROLL, ACCUMULATORS, 0),
				    .v = kb_axis(kb, "v", AX_VECTOR, lanes, lanes),
				    .count = blocks,
				    .step = lanes * ACCUMULATORS };
	if (singles)
		part[k++] = (Part){ .v = kb_axis(kb, "v", AX_VECTOR, lanes, lanes),
				    .first = done,
				    .count = singles,
				    .step = lanes };
	if (tail)
		part[k++] = (Part){ .v = kb_axis(kb, "v", AX_VECTOR, tail, lanes),
				    .first = n - tail,
				    .count = 1 };
	for (int i = 0; i < k; i++) {
		part[i].loop = kb_axis(kb, "b", AX_LOOP, part[i].count, 0);
		part[i].acc = accumulator(kb, rd, axes, part[i].u, part[i].v);
	}
	return k;
}

int kb_reduce_axes(const Target *target, DType t, int n_r, const int64_t *extent)
{
	if (n_r == 0)
		return 0;
	int64_t n = extent[n_r - 1], lanes = lanes_on(target, t);
	int64_t blocks = n / (lanes * ACCUMULATORS);
	int64_t singles = (n - blocks * lanes * ACCUMULATORS) / lanes;
	int vectors = looped(extent, n_r - 1) + 3 * (blocks > 0) + 2 * (singles > 0) +
		      2 * (n % lanes != 0);
	int plain = looped(extent, n_r), by_threads = 2;
	return plain > vectors ? plain : vectors > by_threads ? vectors : by_threads;
}

static void run_part(KBuilder *kb, Reduction *rd, const Part *p, int lanes)
{
	Node *base = kb_i(kb, p->first);
	if (p->count > 1) {
		kb_open(kb, p->loop);
		base = kb_affine(kb, p->loop, p->step, p->first);
	}
	if (p->u) {
		kb_open(kb, p->u);
		base = kb_iadd(kb, base, kb_imul(kb, p->u, lanes));
	}
	vector_update(kb, rd, p->acc, p->v, base);
	if (p->u)
		kb_close(kb);
	if (p->count > 1)
		kb_close(kb);
}

static Node *reduce_vector(KBuilder *kb, Reduction *rd, uint64_t axes, int lanes)
{
	Part part[3];
	int k = make_parts(kb, rd, axes, lanes, part);
	int opened = open_extents(kb, rd, rd->n_r - 1, false);
	for (int i = 0; i < k; i++)
		run_part(kb, rd, &part[i], lanes);
	close_n(kb, opened);
	Node *sum = NULL;
	for (int i = 0; i < k; i++) {
		uint64_t own = part[i].v->axes | (part[i].u ? part[i].u->axes : 0);
		Node *x = kb_fold(kb, rd->fold, part[i].acc, own);
		sum = sum ? combine(kb, rd->fold, sum, x) : x;
	}
	return kb_var(kb, "total", sum, axes);
}

/* GPU: the reduced dimensions as one, shared out to the threads of the block; each adds up what is
 * its own, then all meet once. The last elements, fewer than threads, are a choice of value, not a
 * branch, so that nothing is kept from moving out of it. */
static void by_thread(KBuilder *kb, Reduction *rd, const Type *extents, Node *acc, Node *v,
		      Node *base, int64_t active)
{
	kb_open(kb, v);
	kb_unflat(kb, extents, kb_iadd(kb, base, v), rd->r);
	Node *x = rd->element(kb, rd->n, rd->at, rd->r, rd->user);
	x = combine(kb, rd->fold, acc, x);
	if (active)
		x = kb_guard(kb, kb_emit2(kb, OP_lt, v, kb_i(kb, active)), x, acc);
	kb_set(kb, acc, x);
	kb_close(kb);
}

enum { LEAST_BY_THREADS = 16 };

static Node *reduce_by_threads(KBuilder *kb, Reduction *rd, uint64_t axes, int lanes)
{
	const Type *extents = type_get(kb->ctx, DT_i64, rd->n_r, rd->extent);
	int64_t n = extents->count, full = n / lanes;
	if (n < LEAST_BY_THREADS)
		return reduce_plain(kb, rd, axes);
	Node *v = kb_axis(kb, "v", AX_VECTOR, n < lanes ? n : lanes, lanes), *base = kb_i(kb, 0);
	Node *b = kb_axis(kb, "b", AX_LOOP, full, 0);
	Node *acc = accumulator(kb, rd, axes, NULL, v);
	if (full > 1) {
		kb_open(kb, b);
		base = kb_imul(kb, b, lanes);
	}
	by_thread(kb, rd, extents, acc, v, base, 0);
	if (full > 1)
		kb_close(kb);
	if (full && n % lanes)
		by_thread(kb, rd, extents, acc, v, kb_i(kb, full * lanes), n % lanes);
	return kb_var(kb, "total", kb_fold(kb, rd->fold, acc, v->axes), axes);
}

Node *kb_reduce(KBuilder *kb, const Node *n, Node *const *at, int n_r, const int64_t *extent,
		Op fold, KbElement *element, void *user)
{
	Reduction rd = { n, at, n_r, extent, fold, element, user, { NULL } };
	uint64_t axes = 0;
	for (int i = 0; i < n->type->rank; i++)
		axes |= at[i]->axes;
	Scope *was = kb_move(kb, kb_scope_of(kb, axes));
	int lanes = lanes_of(kb, n->type->dtype);
	bool free = n_r > 0 && lanes > 1 && !has_vector(kb, axes) && !vector_open(kb);
	bool threads = kb->target.kind == TARGET_CUDA;
	Node *v = free && threads                    ? reduce_by_threads(kb, &rd, axes, lanes)
		  : free && extent[n_r - 1] >= lanes ? reduce_vector(kb, &rd, axes, lanes)
						     : reduce_plain(kb, &rd, axes);
	kb_move(kb, was);
	return v;
}
