/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The interpreter of kernels: walks the loop program on real memory, one active lane and one
 * unrolled copy at a time, in double (floats) or int64 (all else), rounding what is stored. Slow
 * and obvious: the referee between a template and the code generator. */
#include "base/map.h"
#include "ir/eval.h"
#include "ir/kernel.h"
#include "ir/scalar.h"
#include <string.h>

typedef struct Value {
	double f;
	int64_t i;
} Value;

/* A variable's copies: one per combination of the indices of its axes. */
typedef struct Cell {
	Value *at;
	int64_t n;
} Cell;

typedef struct Machine {
	const Kernel *k;
	Arena *arena;
	void *const *args;
	char *scratch;
	int64_t begin, end;
	int64_t index[MAX_AXES];
	Cell *var;
	Range *span;         /* of each buffer */
	int64_t steps, most; /* values computed; at most, 0: any number */
	const char *wrong;   /* ends the run */
} Machine;

static Value eval(Machine *m, const Node *n);

static bool is_float(const Node *n)
{
	return dtype_is_float(n->type->dtype);
}

/* --- variables: by the position of their axes' indices --------------------------------------- */

static int64_t copies(const Machine *m, const Var *v)
{
	int64_t n = 1;
	for (int i = 0; i < m->k->axis.n; i++)
		if (v->axes >> i & 1)
			n *= m->k->axis.at[i].extent;
	return n;
}

static Value *cell(Machine *m, int var)
{
	const Var *v = &m->k->var.at[var];
	int64_t at = 0;
	for (int i = 0; i < m->k->axis.n; i++)
		if (v->axes >> i & 1)
			at = at * m->k->axis.at[i].extent + m->index[i];
	return &m->var[var].at[at];
}

/* --- memory ---------------------------------------------------------------------------------- */

static int arg_number(const Machine *m, int buf)
{
	int n = 0;
	for (int i = 0; i < buf; i++)
		n += m->k->buf.at[i].space == BUF_ARG;
	return n;
}

static char *buffer(const Machine *m, int buf)
{
	const Buf *b = &m->k->buf.at[buf];
	return b->space == BUF_ARG ? m->args[arg_number(m, buf)] : m->scratch + b->offset;
}

/* False: it lies outside of the buffer, and the run ends. */
static bool address(Machine *m, int buf, Node *const *at, int64_t *a)
{
	const Buf *b = &m->k->buf.at[buf];
	const Range *span = &m->span[buf];
	bool far = false;
	*a = 0;
	for (int i = 0; i < b->rank; i++) {
		int64_t step;
		far = far || __builtin_mul_overflow(eval(m, at[i]).i, b->stride[i], &step) ||
		      __builtin_add_overflow(*a, step, a);
	}
	if ((far || *a < span->min || *a > span->max) && !m->wrong)
		m->wrong = "an access lies outside of its buffer";
	return !m->wrong;
}

static Value load(Machine *m, const Node *n)
{
	int buf = (int)ATTR_OF(n, index)->index;
	DType t = m->k->buf.at[buf].dtype;
	int64_t a;
	if (!address(m, buf, n->in, &a))
		return (Value){ 0 };
	if (dtype_is_float(t))
		return (Value){ .f = load_f64(t, buffer(m, buf), a) };
	return (Value){ .i = load_i64(t, buffer(m, buf), a) };
}

/* --- values ---------------------------------------------------------------------------------- */

static Value constant(const Node *n)
{
	const Blob *b = ATTR_OF(n, data)->data;
	return is_float(n) ? (Value){ .f = blob_f64(b, 0) } : (Value){ .i = blob_i64(b, 0) };
}

static Op fold_op(Op fold)
{
	if (fold == OP_fold_sum)
		return OP_add;
	if (fold == OP_fold_prod)
		return OP_mul;
	return fold == OP_fold_max ? OP_max : OP_min;
}

static Value fold2(const Node *n, Value a, Value b)
{
	Value y = { 0 };
	const double *f[3] = { &a.f, &b.f, &a.f };
	const int64_t *i[3] = { &a.i, &b.i, &a.i };
	if (is_float(n)) {
		scalar_float(fold_op(n->op))(1, f, &y.f);
	} else {
		scalar_int(fold_op(n->op))(1, i, &y.i);
		y.i = int_wrap(n->type->dtype, y.i);
	}
	return y;
}

/* Over all indices of the fold's axes. */
static Value fold(Machine *m, const Node *n)
{
	const Ints *axes = &ATTR_OF(n, axes)->axes;
	int64_t total = 1, saved[MAX_AXES];
	memcpy(saved, m->index, sizeof saved);
	for (int i = 0; i < axes->n; i++)
		total *= m->k->axis.at[axes->v[i]].extent;
	Value sum = { 0 };
	for (int64_t t = 0; t < total && !m->wrong; t++) {
		int64_t rest = t;
		for (int i = axes->n - 1; i >= 0; i--) {
			int64_t extent = m->k->axis.at[axes->v[i]].extent;
			m->index[axes->v[i]] = rest % extent;
			rest /= extent;
		}
		Value x = eval(m, n->in[0]);
		sum = t ? fold2(n, sum, x) : x;
	}
	memcpy(m->index, saved, sizeof saved);
	return sum;
}

/* Elementwise operators through the same rows that constants are folded with. */
static Value elementwise(Machine *m, const Node *n)
{
	EvalTensor in[3], out;
	const EvalTensor *ptr[3];
	Value x[3], y = { 0 };
	for (int i = 0; i < n->n_in; i++) {
		x[i] = eval(m, n->in[i]);
		in[i] = (EvalTensor){ n->in[i]->type, is_float(n->in[i]) ? &x[i].f : NULL,
				      is_float(n->in[i]) ? NULL : &x[i].i };
		ptr[i] = &in[i];
	}
	out = (EvalTensor){ n->type, is_float(n) ? &y.f : NULL, is_float(n) ? NULL : &y.i };
	ArenaMark mark = arena_mark(m->arena);
	if (!eval_node(m->arena, n, ptr, &out) && !m->wrong)
		m->wrong = "an operator cannot be evaluated";
	y = is_float(n) ? (Value){ .f = out.f[0] } : (Value){ .i = out.i[0] };
	arena_release(m->arena, mark);
	return y;
}

static Value pack_bf16(Machine *m, const Node *n)
{
	uint16_t half[2];
	for (int i = 0; i < 2; i++)
		store_f64(DT_bf16, half, i, eval(m, n->in[i]).f);
	return (Value){ .i = (int32_t)(half[0] | (uint32_t)half[1] << 16) };
}

static Value eval(Machine *m, const Node *n)
{
	if (m->wrong || (++m->steps >= m->most && m->most)) {
		m->wrong = m->wrong ? m->wrong : "it takes too many steps";
		return (Value){ 0 };
	}
	switch (n->op) {
	case OP_const: return constant(n);
	case OP_axis: return (Value){ .i = m->index[ATTR_OF(n, index)->index] };
	case OP_var: return *cell(m, (int)ATTR_OF(n, index)->index);
	case OP_load: return load(m, n);
	case OP_fold_sum:
	case OP_fold_prod:
	case OP_fold_max:
	case OP_fold_min: return fold(m, n);
	case OP_fma:
		return (Value){ .f = eval(m, n->in[0]).f * eval(m, n->in[1]).f +
				     eval(m, n->in[2]).f };
	case OP_pack_bf16: return pack_bf16(m, n);
	case OP_select: /* only the chosen side may be read */
		return eval(m, n->in[0]).i ? eval(m, n->in[1]) : eval(m, n->in[2]);
	default: return elementwise(m, n);
	}
}

/* --- statements ------------------------------------------------------------------------------ */

static void run(Machine *m, const Stmt *s);

static void loop(Machine *m, const Stmt *s)
{
	const Axis *a = &m->k->axis.at[s->axis];
	int64_t lo = a->kind == AX_TASK ? m->begin : s->lo ? eval(m, s->lo).i : 0;
	int64_t hi = a->kind == AX_TASK ? m->end : s->hi ? eval(m, s->hi).i : a->extent;
	for (int64_t i = lo; i < hi && !m->wrong; i++) {
		m->steps++;
		m->index[s->axis] = i;
		run(m, s->body);
	}
	m->index[s->axis] = 0;
}

static void declare(Machine *m, const Stmt *s)
{
	Cell *c = &m->var[s->var];
	if (!c->at) {
		c->n = copies(m, &m->k->var.at[s->var]);
		c->at = ARENA_ARRAY(m->arena, Value, c->n);
	}
	Value v = eval(m, s->value);
	*cell(m, s->var) = v;
}

static void store(Machine *m, const Stmt *s)
{
	DType t = m->k->buf.at[s->buf].dtype;
	int64_t a;
	Value v = eval(m, s->value);
	if (!address(m, s->buf, s->at, &a))
		return;
	if (dtype_is_float(t))
		store_f64(t, buffer(m, s->buf), a, v.f);
	else
		store_i64(t, buffer(m, s->buf), a, v.i);
}

/* --- S_MMA: the share of each lane as kernel.h says ------------------------------------------- */

static int axis_number(const Node *axis)
{
	return (int)ATTR_OF(axis, index)->index;
}

/* Half h of register r of the variable in a lane. */
static double fragment(Machine *m, const Node *var, int lanes, int64_t lane, int registers,
		       int64_t r, int h)
{
	m->index[lanes] = lane;
	m->index[registers] = r;
	uint32_t word = (uint32_t)cell(m, (int)ATTR_OF(var, index)->index)->i;
	uint16_t half = (uint16_t)(h ? word >> 16 : word);
	return load_f64(DT_bf16, &half, 0);
}

static void multiply_matrices(Machine *m, const Stmt *s)
{
	int reg[3] = { axis_number(s->at[2]), axis_number(s->at[3]), axis_number(s->at[4]) };
	for (int64_t v = 0; v < m->k->axis.at[s->axis].extent; v++)
		for (int r = 0; r < 4; r++) {
			int64_t warp = v / 32 * 32, g = v % 32 / 4, t = v % 4, col = 2 * t + r % 2;
			double sum = 0;
			for (int k = 0; k < 16; k++) {
				int64_t a_lane = warp + g * 4 + k % 8 / 2;
				int64_t b_lane = warp + col * 4 + k % 8 / 2;
				sum += fragment(m, s->at[0], s->axis, a_lane, reg[1],
						r / 2 + k / 8 * 2, k % 2) *
				       fragment(m, s->at[1], s->axis, b_lane, reg[2], k / 8, k % 2);
			}
			m->index[s->axis] = v;
			m->index[reg[0]] = r;
			cell(m, s->var)->f += sum;
		}
	m->index[s->axis] = m->index[reg[0]] = m->index[reg[1]] = m->index[reg[2]] = 0;
}

static void run(Machine *m, const Stmt *s)
{
	for (; s && !m->wrong; s = s->next) {
		Value v;
		switch (s->kind) {
		case S_LOOP: loop(m, s); break;
		case S_VAR: declare(m, s); break;
		case S_SET:
			v = eval(m, s->value);
			*cell(m, s->var) = v;
			break;
		case S_STORE: store(m, s); break;
		case S_IF:
			if (eval(m, s->cond).i)
				run(m, s->body);
			break;
		case S_BLOCK: run(m, s->body); break;
		case S_MMA: multiply_matrices(m, s); break;
		case S_BARRIER:
		case STMT_KINDS: break;
		}
	}
}

const char *kernel_run(const Kernel *k, void *const *args, int64_t begin, int64_t end,
		       void *scratch, int64_t steps)
{
	Arena *arena = arena_create();
	Machine m = { .k = k,
		      .arena = arena,
		      .args = args,
		      .scratch = scratch,
		      .begin = begin,
		      .end = end,
		      .most = steps };
	m.var = ARENA_ARRAY(arena, Cell, k->var.n + 1);
	m.span = ARENA_ARRAY(arena, Range, k->buf.n + 1);
	for (int i = 0; i < k->buf.n; i++)
		if (!buf_span(&k->buf.at[i], &m.span[i]))
			m.wrong = "a buffer has too many elements";
	run(&m, k->body);
	arena_destroy(arena);
	return m.wrong;
}

bool kernel_eval(const Kernel *k, void *const *args, int64_t begin, int64_t end, void *scratch)
{
	return !kernel_run(k, args, begin, end, scratch, 0);
}
