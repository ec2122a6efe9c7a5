/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Elementwise operators and activations. */
#include "tests/conform/generate.h"

enum { MOST = 3000 };

/* The data types the operator is defined for: found by asking its inference. */
static DType type_for(Case *c, Op op)
{
	bool logic = op == OP_and || op == OP_or || op == OP_xor || op == OP_not;
	bool compares = op_info(op)->infer == op_info(OP_eq)->infer;
	if (op == OP_isnan || op == OP_isinf || op_info(op)->infer == op_info(OP_exp)->infer)
		return some_float(c);
	if (compares)
		return some_type(c);
	DType t = some_number(c);
	while (logic && dtype_is_float(t))
		t = chance(c, 40) ? DT_bool : some_number(c);
	return t;
}

/* Logarithms, roots and powers of what is above 0. */
static Domain domain_of(const Case *c, Op op)
{
	bool above = op == OP_log || op == OP_log1p || op == OP_sqrt || op == OP_pow;
	return c->smooth && above ? between(0.3, 2) : any;
}

/* As it is, or made of fewer numbers, or a constant. */
static Node *some_operand(Case *c, DType t, int rank, const int64_t *dim, Domain d)
{
	int64_t part[MAX_RANK];
	if (chance(c, 70))
		return case_operand(c, t, rank, dim, d);
	if (chance(c, 30)) {
		Node *v = t == DT_bool ? emit_scalar_i64(c->b, t, pick(c, 0, 1))
				       : emit_scalar(c->b, t, (double)pick(c, 0, 8) / 4);
		return emit_broadcast(c->b, v, rank, dim);
	}
	int drop = rank ? (int)pick(c, 0, rank) : 0;
	for (int i = drop; i < rank; i++)
		part[i - drop] = chance(c, 40) ? 1 : dim[i];
	Node *x = case_operand(c, t, rank - drop, part, d);
	return emit_broadcast(c->b, x, rank, dim);
}

static int dims_of_case(Case *c, int64_t *dim)
{
	int rank = (int)pick(c, 0, 4);
	some_dims(c, rank, MOST, true, dim);
	return rank;
}

void make_each(Case *c, Op op)
{
	int64_t dim[MAX_RANK];
	int rank = dims_of_case(c, dim);
	DType t = type_for(c, op);
	Node *in[3];
	for (int i = 0; i < op_info(op)->min_in; i++)
		in[i] = some_operand(c, t, rank, dim, domain_of(c, op));
	if (op == OP_pow && !dtype_is_float(t) && chance(c, 50))
		in[1] = emit_broadcast(c->b, emit_scalar_i64(c->b, t, pick(c, 0, 5)), rank, dim);
	case_result(c, case_emit(c, op, in, op_info(op)->min_in, "%s", ""));
}

void make_cast(Case *c, Op op)
{
	int64_t dim[MAX_RANK];
	int rank = dims_of_case(c, dim);
	DType from = (DType)pick(c, 0, DT_COUNT - 1), to = (DType)pick(c, 0, DT_COUNT - 1);
	if (c->smooth) /* others round to steps */
		from = DT_f32, to = chance(c, 50) ? DT_f32 : DT_f64;
	Node *x = case_operand(c, from, rank, dim, any);
	case_result(c, case_emit(c, op, &x, 1, "to=%s", dtype_info[to].name));
}

void make_select(Case *c, Op op)
{
	int64_t dim[MAX_RANK];
	int rank = dims_of_case(c, dim);
	DType t = some_type(c);
	Node *in[3] = { some_operand(c, DT_bool, rank, dim, any),
			some_operand(c, t, rank, dim, any), some_operand(c, t, rank, dim, any) };
	case_result(c, case_emit(c, op, in, 3, "%s", ""));
}

static const char *activation_attributes(Case *c, Op op)
{
	double a = (double)pick(c, -8, 16) / 8, b = (double)pick(c, 0, 16) / 8;
	switch ((int)op) {
	case OP_gelu: return chance(c, 50) ? "approximate=tanh" : "approximate=none";
	case OP_hard_sigmoid: return arena_printf(c->arena, "alpha=%g;beta=%g", b / 4, b / 3);
	case OP_leaky_relu:
	case OP_elu: return arena_printf(c->arena, "alpha=%g", a);
	case OP_clip:
		if (chance(c, 20))
			return arena_printf(c->arena, "min=%g", a);
		return arena_printf(c->arena, "min=%g;max=%g", a, a + b);
	}
	return "";
}

void make_activation(Case *c, Op op)
{
	int64_t dim[MAX_RANK];
	int rank = dims_of_case(c, dim);
	bool whole = op == OP_identity || op == OP_dropout;
	Node *x = case_operand(c, whole ? some_type(c) : some_float(c), rank, dim, any);
	case_result(c, case_emit(c, op, &x, 1, "%s", activation_attributes(c, op)));
}

void make_prelu(Case *c, Op op)
{
	int64_t dim[MAX_RANK];
	int rank = (int)pick(c, 2, 4);
	DType t = some_float(c);
	some_dims(c, rank, MOST, true, dim);
	Node *in[2] = { case_operand(c, t, rank, dim, any) };
	in[1] = case_operand(c, t, 1, DIMS(chance(c, 30) ? 1 : dim[1]), any);
	case_result(c, case_emit(c, op, in, 2, "%s", ""));
}

static const char *optimizer_attributes(Case *c, Op op)
{
	double decay = (double)pick(c, 0, 4) / 16, keep = (double)pick(c, 0, 15) / 16;
	if (op == OP_sgd)
		return arena_printf(c->arena, "weight_decay=%g", decay);
	if (op == OP_momentum)
		return arena_printf(c->arena, "momentum=%g;weight_decay=%g;nesterov=%d", keep,
				    decay, (int)pick(c, 0, 1));
	return arena_printf(c->arena, "beta1=%g;beta2=%g;eps=0.001;weight_decay=%g", keep,
			    (double)pick(c, 8, 15) / 16, decay);
}

/* What is remembered looks like the parameter; a mean of squares is not negative. */
void make_optimizer(Case *c, Op op)
{
	int64_t dim[MAX_RANK];
	int rank = dims_of_case(c, dim), n = op_info(op)->max_in;
	Node *in[6];
	for (int i = 0; i < n; i++) {
		bool optional;
		const char *param, *name = op_input_name(op, i, &optional, &param);
		bool square = op != OP_momentum && str_eq(name, "v");
		if (str_eq(name, "rate"))
			in[i] = case_input(c, DT_f32, 0, NULL, between(0, 1));
		else if (str_eq(name, "step"))
			in[i] = case_input(c, DT_f32, 0, NULL, between(1, 50));
		else
			in[i] = case_input(c, DT_f32, rank, dim, square ? between(0, 4) : any);
	}
	case_result(c, case_emit(c, op, in, n, "%s", optimizer_attributes(c, op)));
}

void make_random(Case *c, Op op)
{
	int64_t dim[MAX_RANK];
	int rank = dims_of_case(c, dim);
	Node *in[2] = { case_operand(c, DT_i64, 0, NULL, any),
			case_input(c, DT_i64, 0, NULL, any) };
	int64_t stream = pick(c, 0, 3);
	case_result(c, case_emit(c, op, in, 2, "shape=%s;stream=%lld", list(c, rank, dim),
				 (long long)stream));
}

void make_dropout_train(Case *c, Op op)
{
	int64_t dim[MAX_RANK];
	int rank = dims_of_case(c, dim);
	Node *in[3] = { case_operand(c, some_float(c), rank, dim, any),
			case_operand(c, DT_i64, 0, NULL, any),
			case_input(c, DT_i64, 0, NULL, any) };
	case_result(c, case_emit(c, op, in, 3, "p=%g;stream=%lld", (double)pick(c, 0, 8) / 8,
				 (long long)pick(c, 0, 3)));
}
