/* Loops that the builder makes by itself: over the elements of a tensor's row, and reductions.
 *
 * Vector width is chosen here. A reduction runs by vectors over its last extent with several
 * accumulators (independent sums hide the latency of the addition); the number of accumulators
 * depends on the sizes alone, so the order of additions does too. When the asked element already is
 * a vector (channels last), the reduction is a plain loop over vectors, unrolled when it is a small
 * window. */
#include "ir/kbuilder_impl.h"
#include <math.h>

enum { UNROLL_WINDOW = 32, ACCUMULATORS = 4 };

static int lanes_of(const KBuilder *kb, DType t)
{
	int lanes = target_lanes(&kb->target, dtype_info[t].bytes < 4 ? 4 : dtype_info[t].bytes);
	return lanes < 1 ? 1 : lanes;
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

void kb_loops(KBuilder *kb, const Type *t, int first, Node **at, KbBody *body, void *user)
{
	int opened = 0;
	if (first >= t->rank) {
		body(kb, at, user);
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

Node *kb_reduce(KBuilder *kb, const Node *n, Node *const *at, int n_r, const int64_t *extent,
		Op fold, KbElement *element, void *user)
{
	Reduction rd = { n, at, n_r, extent, fold, element, user, { NULL } };
	uint64_t axes = 0;
	for (int i = 0; i < n->type->rank; i++)
		axes |= at[i]->axes;
	Scope *was = kb_move(kb, kb_scope_of(kb, axes));
	int lanes = lanes_of(kb, n->type->dtype);
	bool by_vectors = n_r > 0 && extent[n_r - 1] >= lanes && lanes > 1 &&
			  !has_vector(kb, axes) && !vector_open(kb);
	Node *v = by_vectors ? reduce_vector(kb, &rd, axes, lanes) : reduce_plain(kb, &rd, axes);
	kb_move(kb, was);
	return v;
}
