/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The tile of a block of threads, see gpu_tile.h.
 *
 * Multiply-adds: scratch is [k][line], and a thread's elements come in runs of four neighbours, so
 * that it reads them by one 16-byte access each and a warp's accesses meet no two in one bank.
 * Warps: scratch is [line][pairs of k], four words longer than the pairs need: the eight lines
 * that a warp reads a fragment from then lie in different banks. */
#include "passes/template/gpu_tile.h"

enum { WARP = 32, RUN = 4, FRAGMENT_ROWS = 16, FRAGMENT_COLS = 8, FRAGMENT_DEPTH = 16 };

void gpu_tile_sizes(GpuTile *t, int threads)
{
	const GpuShape *s = &t->shape;
	int units = t->mma ? threads / WARP : threads;
	t->rows = (int64_t)s->down * s->tm * (t->mma ? FRAGMENT_ROWS : 1);
	t->cols = (int64_t)(units / s->down) * s->tn * (t->mma ? FRAGMENT_COLS : 1);
}

static Node *unrolled(KBuilder *kb, const char *name, int64_t n)
{
	return n > 1 ? kb_axis(kb, name, AX_UNROLL, n, 0) : kb_i(kb, 0);
}

static void open_axis(KBuilder *kb, Node *a)
{
	if (a->op == OP_axis)
		kb_open(kb, a);
}

static void close_axis(KBuilder *kb, const Node *a)
{
	if (a->op == OP_axis)
		kb_close(kb);
}

void gpu_tile_start(GpuTile *t, int threads)
{
	KBuilder *kb = t->kb;
	gpu_tile_sizes(t, threads);
	if (!t->v)
		t->v = kb_axis(kb, "v", AX_VECTOR, threads, threads);
	if (!t->i)
		t->i = unrolled(kb, "i", t->shape.tm);
	t->j = unrolled(kb, "j", t->shape.tn);
	if (!t->r)
		t->r = unrolled(kb, "r", t->mma ? 4 : 1);
	if (t->mma) {
		t->ra = unrolled(kb, "p", 4);
		t->rb = unrolled(kb, "q", 2);
	}
}

/* --- who has what ---------------------------------------------------------------------------- */

static int threads_of(const GpuTile *t)
{
	return kb_kernel(t->kb)->axis.at[kb_axis_id(t->v)].lanes;
}

/* Units side by side. */
static int units_across(const GpuTile *t)
{
	return (t->mma ? threads_of(t) / WARP : threads_of(t)) / t->shape.down;
}

/* Element e of the n that unit u of `units` has in one direction: in runs of neighbours. */
static Node *in_runs(KBuilder *kb, Node *e, int n, Node *u, int units)
{
	int run = n < RUN ? n : RUN;
	Node *first = kb_affine(kb, kb_idiv(kb, e, run), (int64_t)units * run, 0);
	return kb_iadd(kb, kb_iadd(kb, first, kb_imul(kb, u, run)), kb_imod(kb, e, run));
}

/* Where the thread's unit (itself, or its warp) stands, and its lane in a warp. */
static Node *unit_down(const GpuTile *t)
{
	return kb_idiv(t->kb, t->v, units_across(t) * (t->mma ? WARP : 1));
}

static Node *unit_across(const GpuTile *t)
{
	Node *u = t->mma ? kb_idiv(t->kb, t->v, WARP) : t->v;
	return kb_imod(t->kb, u, units_across(t));
}

static Node *fragment_at(const GpuTile *t, Node *unit, int n, Node *e, int64_t size, Node *inner)
{
	Node *f = kb_iadd(t->kb, kb_imul(t->kb, unit, n), e);
	return kb_iadd(t->kb, kb_imul(t->kb, f, size), inner);
}

/* g = lane / 4 and 2 t = 2 (lane % 4) of kernel.h's description of S_MMA */
static Node *group(const GpuTile *t)
{
	return kb_idiv(t->kb, kb_imod(t->kb, t->v, WARP), 4);
}

static Node *in_group(const GpuTile *t)
{
	return kb_imod(t->kb, t->v, 4);
}

Node *gpu_row(const GpuTile *t)
{
	KBuilder *kb = t->kb;
	if (!t->mma)
		return in_runs(kb, t->i, t->shape.tm, unit_down(t), t->shape.down);
	Node *inner = kb_iadd(kb, group(t), kb_imul(kb, kb_idiv(kb, t->r, 2), 8));
	return fragment_at(t, unit_down(t), t->shape.tm, t->i, FRAGMENT_ROWS, inner);
}

Node *gpu_col(const GpuTile *t)
{
	KBuilder *kb = t->kb;
	if (!t->mma)
		return in_runs(kb, t->j, t->shape.tn, unit_across(t), units_across(t));
	Node *inner = kb_iadd(kb, kb_imul(kb, in_group(t), 2), kb_imod(kb, t->r, 2));
	return fragment_at(t, unit_across(t), t->shape.tn, t->j, FRAGMENT_COLS, inner);
}

/* --- sums ------------------------------------------------------------------------------------ */

void gpu_open_elements(GpuTile *t)
{
	open_axis(t->kb, t->i);
	open_axis(t->kb, t->j);
	open_axis(t->kb, t->r);
	kb_open(t->kb, t->v);
}

void gpu_close_elements(GpuTile *t)
{
	kb_close(t->kb);
	close_axis(t->kb, t->r);
	close_axis(t->kb, t->j);
	close_axis(t->kb, t->i);
}

void gpu_open_rows(GpuTile *t)
{
	open_axis(t->kb, t->i);
	open_axis(t->kb, t->r);
	kb_open(t->kb, t->v);
}

void gpu_close_rows(GpuTile *t)
{
	kb_close(t->kb);
	close_axis(t->kb, t->r);
	close_axis(t->kb, t->i);
}

/* By warps: four lanes, of each the even and the odd columns. */
int gpu_sharers(const GpuTile *t)
{
	return units_across(t) * (t->mma ? 8 : 1);
}

Node *gpu_sharer(const GpuTile *t)
{
	KBuilder *kb = t->kb;
	if (!t->mma)
		return unit_across(t);
	Node *lane = kb_iadd(kb, kb_imul(kb, unit_across(t), 4), in_group(t));
	return kb_iadd(kb, kb_imul(kb, lane, 2), kb_imod(kb, t->r, 2));
}

void gpu_tile_clear(GpuTile *t)
{
	gpu_open_elements(t);
	t->acc = kb_var(t->kb, "acc", kb_f(t->kb, t->type, 0),
			t->i->axes | t->j->axes | t->r->axes | t->v->axes);
	gpu_close_elements(t);
}

void gpu_tile_each(GpuTile *t, GpuEach *fn, void *user)
{
	gpu_open_elements(t);
	fn(t, gpu_row(t), gpu_col(t), t->acc, user);
	gpu_close_elements(t);
}

/* --- operands -------------------------------------------------------------------------------- */

int gpu_operand_scratch(GpuTile *t, const char *name, int64_t lines, int64_t depth)
{
	int64_t by_k[2] = { depth, lines }, by_line[2] = { lines, depth / 2 };
	if (t->mma)
		return kb_scratch(t->kb, name, DT_i32, 2, by_line, 4);
	return kb_scratch(t->kb, name, t->type, 2, by_k, 4);
}

Node *gpu_operand_at(GpuTile *t, int buf, Node *k, Node *line)
{
	Node *at[2] = { k, line };
	return kb_load_buf(t->kb, buf, at);
}

static int64_t steps_of(const GpuOperand *o)
{
	return o->t->mma ? o->depth / 2 : o->depth;
}

/* Each of the threads' elements (pairs of k for warps) of the operand: its line and its k. The
 * vector axis is open; a condition too, when not all threads have one. */
static bool open_element(GpuOperand *o, Node **line, Node **k)
{
	GpuTile *t = o->t;
	KBuilder *kb = t->kb;
	int64_t threads = threads_of(t), steps = steps_of(o), all = o->lines * steps;
	open_axis(kb, o->u);
	kb_open(kb, t->v);
	Node *e = kb_iadd(kb, kb_imul(kb, o->u, threads), t->v);
	*line = o->along ? kb_idiv(kb, e, steps) : kb_imod(kb, e, o->lines);
	*k = o->along ? kb_imod(kb, e, steps) : kb_idiv(kb, e, o->lines);
	if (all % threads == 0)
		return false;
	kb_open_if(kb, kb_emit2(kb, OP_lt, e, kb_i(kb, all)));
	return true;
}

static void close_element(GpuOperand *o, bool conditional)
{
	if (conditional)
		kb_close(o->t->kb);
	kb_close(o->t->kb);
	close_axis(o->t->kb, o->u);
}

static Node *read_element(GpuOperand *o, Node *line, Node *k, Node *k0)
{
	KBuilder *kb = o->t->kb;
	if (!o->t->mma)
		return o->read(kb, line, kb_iadd(kb, k0, k), o->user);
	Node *low = kb_iadd(kb, k0, kb_imul(kb, k, 2));
	return kb_pack_bf16(kb, o->read(kb, line, low, o->user),
			    o->read(kb, line, kb_affine(kb, low, 1, 1), o->user));
}

void gpu_operand_start(GpuOperand *o)
{
	GpuTile *t = o->t;
	KBuilder *kb = t->kb;
	int64_t threads = threads_of(t), all = o->lines * steps_of(o);
	o->u = unrolled(kb, "u", (all + threads - 1) / threads);
	open_axis(kb, o->u);
	kb_open(kb, t->v);
	o->held =
		kb_var(kb, "held", kb_f(kb, t->mma ? DT_i32 : t->type, 0), o->u->axes | t->v->axes);
	kb_close(kb);
	close_axis(kb, o->u);
}

void gpu_load(GpuOperand *o, Node *k0)
{
	KBuilder *kb = o->t->kb;
	Node *line, *k;
	bool conditional = open_element(o, &line, &k);
	kb_set(kb, o->held, read_element(o, line, k, k0));
	close_element(o, conditional);
}

void gpu_keep(GpuOperand *o)
{
	Node *line, *k;
	bool conditional = open_element(o, &line, &k);
	Node *by_k[2] = { k, line }, *by_line[2] = { line, k };
	kb_store_buf(o->t->kb, o->buf, o->t->mma ? by_line : by_k, o->held);
	close_element(o, conditional);
}

/* --- products -------------------------------------------------------------------------------- */

static void multiply_add(GpuTile *t, int a, int b, int64_t depth)
{
	KBuilder *kb = t->kb;
	Node *k = depth > 1 ? kb_axis(kb, "k", AX_LOOP, depth, 0) : kb_i(kb, 0);
	open_axis(kb, k);
	open_axis(kb, t->i);
	kb_open(kb, t->v);
	Node *x = kb_var(kb, "a", gpu_operand_at(t, a, k, gpu_row(t)), t->i->axes | t->v->axes);
	kb_close(kb);
	close_axis(kb, t->i);
	open_axis(kb, t->j);
	kb_open(kb, t->v);
	Node *y = kb_var(kb, "b", gpu_operand_at(t, b, k, gpu_col(t)), t->j->axes | t->v->axes);
	kb_close(kb);
	close_axis(kb, t->j);
	gpu_open_elements(t);
	kb_set(kb, t->acc, kb_fma(kb, x, y, t->acc));
	gpu_close_elements(t);
	close_axis(kb, k);
}

/* A fragment's registers, loaded by all lanes. */
static Node *fragments(GpuTile *t, const char *name, int buf, Node *each, Node *reg, Node *line,
		       Node *word)
{
	KBuilder *kb = t->kb;
	Node *at[2] = { line, word };
	open_axis(kb, each);
	kb_open(kb, reg);
	kb_open(kb, t->v);
	Node *x = kb_var(kb, name, kb_load_buf(kb, buf, at), each->axes | reg->axes | t->v->axes);
	kb_close(kb);
	kb_close(kb);
	close_axis(kb, each);
	return x;
}

static void multiply_by_warps(GpuTile *t, int a, int b, int64_t depth)
{
	KBuilder *kb = t->kb;
	int64_t n = depth / FRAGMENT_DEPTH;
	Node *k = n > 1 ? kb_axis(kb, "k", AX_LOOP, n, 0) : kb_i(kb, 0);
	open_axis(kb, k);
	Node *word = kb_iadd(kb, kb_imul(kb, k, FRAGMENT_DEPTH / 2), in_group(t));
	Node *row = fragment_at(t, unit_down(t), t->shape.tm, t->i, FRAGMENT_ROWS,
				kb_iadd(kb, group(t), kb_imul(kb, kb_imod(kb, t->ra, 2), 8)));
	Node *a_word = kb_iadd(kb, word, kb_imul(kb, kb_idiv(kb, t->ra, 2), 4));
	Node *col = fragment_at(t, unit_across(t), t->shape.tn, t->j, FRAGMENT_COLS, group(t));
	Node *b_word = kb_iadd(kb, word, kb_imul(kb, t->rb, 4));
	Node *x = fragments(t, "a", a, t->i, t->ra, row, a_word);
	Node *y = fragments(t, "b", b, t->j, t->rb, col, b_word);
	open_axis(kb, t->i);
	open_axis(kb, t->j);
	kb_mma(kb, t->acc, x, y, (MmaShape){ t->v, t->r, t->ra, t->rb });
	close_axis(kb, t->j);
	close_axis(kb, t->i);
	close_axis(kb, k);
}

void gpu_multiply(GpuTile *t, int a, int b, int64_t depth)
{
	if (t->mma)
		multiply_by_warps(t, a, b, depth);
	else
		multiply_add(t, a, b, depth);
}
