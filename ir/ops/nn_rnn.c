/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Recurrent layers over [time, batch, features], unrolled: one product for the inputs of all steps,
 * then for each step a product with the state and the gates. Weights lie as in ONNX: w [directions,
 * gates * hidden, features], r [directions, gates * hidden, hidden], b [directions, 2 * gates *
 * hidden] (of w, then of r). */
#include "ir/hooks.h"
#include "ir/ops/nn.h"

typedef struct Rnn {
	Builder *b;
	const Attr_rnn *a;
	int gates, directions;
	int64_t steps, batch, features, hidden;
} Rnn;

/* One direction of the layer while it is built. */
typedef struct Cell {
	const Rnn *z;
	Node *r;      /* [gates * hidden, hidden] */
	Node *r_bias; /* GRU: bias of the state's part of the candidate, [hidden], or NULL */
	Node *h, *c;  /* state, [batch, hidden] */
} Cell;

/* One step: x is [batch, gates * hidden], the input's part of all gates with biases. Replaces the
 * state. */
typedef void StepFn(Cell *cell, Node *x);

/* --- reading --------------------------------------------------------------------------------- */

static bool check_dims(Builder *b, const Node *n, int i, int rank, const int64_t *dim)
{
	const Type *want = result_type(b, n->op, n->in[0]->type->dtype, rank, dim);
	if (!given_input(n, i) || n->in[i]->type == want)
		return want != NULL;
	return builder_error(b, E5011, "%s: %s must be %s, it is %s", op_info(n->op)->name,
			     input_name(n->op, i), type_text(b, want),
			     type_text(b, n->in[i]->type));
}

static bool check_inputs(Builder *b, const Node *n, const Rnn *z)
{
	int64_t d = z->directions, g = z->gates * z->hidden, first = z->batch, second = d;
	if (!z->a->batch_first)
		first = d, second = z->batch;
	for (int i = 4; i < n->n_in; i++)
		if (!check_dims(b, n, i, 3, (int64_t[]){ first, second, z->hidden }))
			return false;
	return check_dims(b, n, 1, 3, (int64_t[]){ d, g, z->features }) &&
	       check_dims(b, n, 2, 3, (int64_t[]){ d, g, z->hidden }) &&
	       check_dims(b, n, 3, 2, (int64_t[]){ d, 2 * g });
}

static bool read_rnn(Builder *b, const Node *n, int gates, Rnn *z)
{
	static const char *const names[] = { "forward", "reverse", "bidirectional" };
	const Attr_rnn *a = ATTR_OF(n, rnn);
	const int64_t *d = n->in[0]->type->dim;
	*z = (Rnn){ .b = b, .a = a, .gates = gates, .hidden = a->hidden };
	if (!check_rank(b, n->op, 0, n->in, 3) || !check_float_dtype(b, n->op, 0, n->in) ||
	    !check_name(b, n, "direction", a->direction, 3, names))
		return false;
	z->directions = str_eq(a->direction, "bidirectional") ? 2 : 1;
	z->steps = d[a->batch_first ? 1 : 0];
	z->batch = d[a->batch_first ? 0 : 1];
	z->features = d[2];
	if (z->steps < 1 || z->steps > 1 << 16)
		return builder_error(b, E5011, "%s: x, %s, has %lld time steps",
				     op_info(n->op)->name, type_text(b, n->in[0]->type),
				     (long long)z->steps);
	return check_inputs(b, n, z);
}

/* --- parts of weights ------------------------------------------------------------------------ */

/* x[d] along the first dimension, which is dropped */
static Node *part(Builder *b, Node *x, int64_t d)
{
	x = emit_slice_axis(b, x, 0, d, 1);
	return emit_reshape(b, x, x->type->rank - 1, x->type->dim + 1);
}

/* What is added to the input's part of all gates. For GRU with the reset behind the product, the
 * candidate's bias of r stays out. */
static Node *input_bias(const Rnn *z, Node *bias, bool keep_candidate_apart)
{
	Builder *b = z->b;
	int64_t h = z->hidden, all = z->gates * h;
	Node *of_w = emit_slice_axis(b, bias, 0, 0, all);
	Node *of_r = emit_slice_axis(b, bias, 0, all, all);
	if (!keep_candidate_apart)
		return emit2(b, OP_add, of_w, of_r);
	Node *gates = emit2(b, OP_add, emit_slice_axis(b, of_w, 0, 0, 2 * h),
			    emit_slice_axis(b, of_r, 0, 0, 2 * h));
	Node *both[2] = { gates, emit_slice_axis(b, of_w, 0, 2 * h, h) };
	return emit_concat(b, both, 2, 0);
}

/* [steps, batch, gates * hidden] */
static Node *project_input(const Rnn *z, Node *x, Node *w, Node *bias)
{
	Builder *b = z->b;
	int64_t all = z->gates * z->hidden;
	x = emit_reshape(b, x, 2, (int64_t[]){ z->steps * z->batch, z->features });
	Node *y = emit_matmul(b, x, w, false, true);
	if (bias)
		y = emit_b2(b, OP_add, y, bias);
	return emit_reshape(b, y, 3, (int64_t[]){ z->steps, z->batch, all });
}

static Node *initial(const Rnn *z, Node *given, int direction)
{
	Builder *b = z->b;
	if (!given)
		return NULL;
	if (z->a->batch_first)
		given = emit_transpose(b, given, (int[]){ 1, 0, 2 });
	return part(b, given, direction);
}

/* --- cells ----------------------------------------------------------------------------------- */

static Node *gate(const Cell *cell, Node *x, int i)
{
	return emit_slice_axis(cell->z->b, x, 1, i * cell->z->hidden, cell->z->hidden);
}

static Node *times_r(const Cell *cell, Node *h)
{
	return emit_matmul(cell->z->b, h, cell->r, false, true);
}

static void rnn_step(Cell *cell, Node *x)
{
	Builder *b = cell->z->b;
	cell->h = emit1(b, OP_tanh, emit2(b, OP_add, x, times_r(cell, cell->h)));
}

static void lstm_step(Cell *cell, Node *x)
{
	Builder *b = cell->z->b;
	Node *all = emit2(b, OP_add, x, times_r(cell, cell->h));
	Node *in = emit1(b, OP_sigmoid, gate(cell, all, 0));
	Node *out = emit1(b, OP_sigmoid, gate(cell, all, 1));
	Node *forget = emit1(b, OP_sigmoid, gate(cell, all, 2));
	Node *fresh = emit1(b, OP_tanh, gate(cell, all, 3));
	cell->c = emit2(b, OP_add, emit2(b, OP_mul, forget, cell->c), emit2(b, OP_mul, in, fresh));
	cell->h = emit2(b, OP_mul, out, emit1(b, OP_tanh, cell->c));
}

/* (1 - z) candidate + z h */
static Node *gru_blend(Builder *b, Node *update, Node *candidate, Node *h)
{
	Node *kept = emit2(b, OP_mul, update, h);
	Node *rest = emit2(b, OP_sub, emit_full(b, update->type, 1), update);
	return emit2(b, OP_add, emit2(b, OP_mul, rest, candidate), kept);
}

/* The reset gate scales the product of state and r. */
static void gru_step_after(Cell *cell, Node *x)
{
	Builder *b = cell->z->b;
	Node *rh = times_r(cell, cell->h);
	Node *update = emit2(b, OP_add, gate(cell, x, 0), gate(cell, rh, 0));
	Node *reset = emit2(b, OP_add, gate(cell, x, 1), gate(cell, rh, 1));
	Node *state = gate(cell, rh, 2);
	if (cell->r_bias)
		state = emit_b2(b, OP_add, state, cell->r_bias);
	state = emit2(b, OP_mul, emit1(b, OP_sigmoid, reset), state);
	Node *candidate = emit1(b, OP_tanh, emit2(b, OP_add, gate(cell, x, 2), state));
	cell->h = gru_blend(b, emit1(b, OP_sigmoid, update), candidate, cell->h);
}

/* The reset gate scales the state before the product with r. */
static void gru_step_before(Cell *cell, Node *x)
{
	Builder *b = cell->z->b;
	int64_t h = cell->z->hidden;
	Node *r_gates = emit_slice_axis(b, cell->r, 0, 0, 2 * h);
	Node *r_candidate = emit_slice_axis(b, cell->r, 0, 2 * h, h);
	Node *rh = emit_matmul(b, cell->h, r_gates, false, true);
	Node *update = emit2(b, OP_add, gate(cell, x, 0), gate(cell, rh, 0));
	Node *reset = emit2(b, OP_add, gate(cell, x, 1), gate(cell, rh, 1));
	Node *kept = emit2(b, OP_mul, emit1(b, OP_sigmoid, reset), cell->h);
	Node *state = emit_matmul(b, kept, r_candidate, false, true);
	Node *candidate = emit1(b, OP_tanh, emit2(b, OP_add, gate(cell, x, 2), state));
	cell->h = gru_blend(b, emit1(b, OP_sigmoid, update), candidate, cell->h);
}

/* --- the layer ------------------------------------------------------------------------------- */

/* All steps of one direction; y[t] is the state after step t. */
static void run_steps(Cell *cell, Node *x, bool backwards, StepFn *step, Node **y)
{
	const Rnn *z = cell->z;
	for (int64_t i = 0; i < z->steps && !z->b->failed; i++) {
		int64_t t = backwards ? z->steps - 1 - i : i;
		step(cell, part(z->b, x, t));
		y[t] = cell->h;
	}
}

/* [steps, 1, batch, hidden] */
static Node *stack_steps(const Rnn *z, Node **y)
{
	Builder *b = z->b;
	for (int64_t t = 0; t < z->steps; t++)
		y[t] = emit_reshape(b, y[t], 4, (int64_t[]){ 1, 1, z->batch, z->hidden });
	return emit_concat(b, y, (int)z->steps, 0);
}

static Node *as_direction(const Rnn *z, Node *state)
{
	return emit_reshape(z->b, state, 3, (int64_t[]){ 1, z->batch, z->hidden });
}

static Cell start_cell(const Rnn *z, const Node *n, int d)
{
	Builder *b = z->b;
	const Type *state =
		type_get(b->ctx, n->in[0]->type->dtype, 2, (int64_t[]){ z->batch, z->hidden });
	Cell cell = { .z = z, .r = part(b, n->in[2], d) };
	cell.h = initial(z, given_input(n, 4), d);
	cell.c = initial(z, given_input(n, 5), d);
	if (!cell.h)
		cell.h = emit_full(b, state, 0);
	if (!cell.c)
		cell.c = emit_full(b, state, 0);
	return cell;
}

static Node *run_direction(const Rnn *z, const Node *n, Node *x, int d, StepFn *step, Cell *cell)
{
	Builder *b = z->b;
	bool apart = step == gru_step_after;
	Node *bias = given_input(n, 3) ? part(b, n->in[3], d) : NULL;
	Node **y = ARENA_ARRAY(b->graph->arena, Node *, z->steps);
	*cell = start_cell(z, n, d);
	if (bias && apart)
		cell->r_bias = emit_slice_axis(b, bias, 0, 5 * z->hidden, z->hidden);
	x = project_input(z, x, part(b, n->in[1], d), bias ? input_bias(z, bias, apart) : NULL);
	run_steps(cell, x, d == 1 || str_eq(z->a->direction, "reverse"), step, y);
	return b->failed ? x : stack_steps(z, y);
}

static bool expand_recurrent(Builder *b, const Node *n, Node **out, int gates, StepFn *step)
{
	Rnn z;
	Node *y[2], *h[2], *c[2];
	if (!read_rnn(b, n, gates, &z))
		return false;
	Node *x = n->in[0];
	if (z.a->batch_first)
		x = emit_transpose(b, x, (int[]){ 1, 0, 2 });
	for (int d = 0; d < z.directions; d++) {
		Cell cell;
		y[d] = run_direction(&z, n, x, d, step, &cell);
		h[d] = as_direction(&z, cell.h);
		c[d] = as_direction(&z, cell.c);
	}
	out[0] = emit_concat(b, y, z.directions, 1);
	out[1] = emit_concat(b, h, z.directions, 0);
	if (n->op == OP_lstm)
		out[2] = emit_concat(b, c, z.directions, 0);
	if (b->failed || !z.a->batch_first)
		return !b->failed;
	out[0] = emit_transpose(b, out[0], (int[]){ 2, 0, 1, 3 });
	for (int i = 1; i < op_info(n->op)->n_results; i++)
		out[i] = emit_transpose(b, out[i], (int[]){ 1, 0, 2 });
	return !b->failed;
}

bool expand_lstm(Builder *b, const Node *n, Node **out)
{
	return expand_recurrent(b, n, out, 4, lstm_step);
}

bool expand_gru(Builder *b, const Node *n, Node **out)
{
	bool after = ATTR_OF(n, rnn)->linear_before_reset;
	return expand_recurrent(b, n, out, 3, after ? gru_step_after : gru_step_before);
}

bool expand_rnn(Builder *b, const Node *n, Node **out)
{
	return expand_recurrent(b, n, out, 1, rnn_step);
}
