/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The implicit parameters of layers: one function for each kind of layer, chosen by operator in
 * op_param_type. */
#include "ir/ops/params.h"
#include "ir/ops/util.h"

/* What is asked, and the answer. */
typedef struct Ask {
	Builder *b;
	Op op;
	Attr attr;
	Node *const *in;
	int i;
	const Type *t;
	const char *init;
} Ask;

static bool answer(Ask *q, const char *init, int rank, const int64_t *dim)
{
	q->t = result_type(q->b, q->op, q->in[0]->type->dtype, rank, dim);
	q->init = init;
	return q->t != NULL;
}

static bool answer_vector(Ask *q, const char *init, int64_t n)
{
	return answer(q, init, 1, &n);
}

/* An attribute that must say a size, because no weights are given that would. */
static bool stated(Ask *q, const char *name, int64_t v)
{
	if (v > 0)
		return true;
	builder_error(q->b, E5013, "%s: %s is missing", op_info(q->op)->name, name);
	diag_hint(q->b->diag, "it is needed because the weights are not given as an input");
	return false;
}

static bool ranked(Ask *q, int min)
{
	if (q->in[0]->type->rank >= min)
		return true;
	return builder_error(q->b, E5011, "%s: x needs at least %d dimensions, it is %s",
			     op_info(q->op)->name, min, type_text(q->b, q->in[0]->type));
}

/* --- layers ---------------------------------------------------------------------------------- */

static bool conv_groups(Ask *q, int64_t *groups)
{
	const Attr_conv2d *a = q->attr;
	int64_t c = q->in[0]->type->dim[1];
	*groups = a->groups ? a->groups : c;
	if (*groups >= 1 && c % *groups == 0)
		return true;
	return builder_error(q->b, E5013, "%s: %lld groups do not divide %lld input channels",
			     op_info(q->op)->name, (long long)*groups, (long long)c);
}

/* conv2d [filters, C/groups, KH, KW], transposed [C, filters/groups, KH, KW] */
static bool conv_weight(Ask *q)
{
	const Attr_conv2d *a = q->attr;
	int spatial = q->in[0]->type->rank - 2;
	int64_t c = q->in[0]->type->dim[1], filters = a->filters, groups, dim[MAX_RANK];
	if (!conv_groups(q, &groups))
		return false;
	if (!filters && !a->groups)
		filters = c; /* depthwise */
	if (!stated(q, "filters", filters) ||
	    !stated(q, "kernel", a->kernel.n == 1 || a->kernel.n == spatial ? a->kernel.v[0] : 0))
		return false;
	if (filters % groups)
		return builder_error(q->b, E5013, "%s: %lld groups do not divide %lld filters",
				     op_info(q->op)->name, (long long)groups, (long long)filters);
	bool transposed = q->op == OP_conv_transpose2d;
	dim[0] = transposed ? c : filters;
	dim[1] = (transposed ? filters : c) / groups;
	for (int d = 0; d < spatial; d++)
		dim[2 + d] = a->kernel.v[a->kernel.n == 1 ? 0 : d];
	return answer(q, "uniform_fan_in", 2 + spatial, dim);
}

static bool conv_param(Ask *q)
{
	const Attr_conv2d *a = q->attr;
	int64_t groups;
	if (!ranked(q, 3) || q->i == 1)
		return !q->b->failed && conv_weight(q);
	if (!a->bias)
		return true;
	if (!conv_groups(q, &groups))
		return false;
	const Type *w = q->in[1]->type;
	bool transposed = q->op == OP_conv_transpose2d;
	return answer_vector(q, "zeros", transposed ? w->dim[1] * groups : w->dim[0]);
}

static bool linear_param(Ask *q)
{
	const Attr_linear *a = q->attr;
	const Type *x = q->in[0]->type;
	if (!ranked(q, 1))
		return false;
	if (q->i == 2)
		return !a->bias || answer_vector(q, "zeros", q->in[1]->type->dim[0]);
	int64_t dim[2] = { a->units, x->dim[x->rank - 1] };
	return stated(q, "units", a->units) && answer(q, "uniform_fan_in", 2, dim);
}

static bool batchnorm_param(Ask *q)
{
	bool ones = q->i == 1 || q->i == 4; /* scale, variance */
	return ranked(q, 2) && answer_vector(q, ones ? "ones" : "zeros", q->in[0]->type->dim[1]);
}

static bool norm_param(Ask *q)
{
	const Attr_norm *a = q->attr;
	const Type *x = q->in[0]->type;
	if (!a->affine || (q->i == 2 && !a->bias))
		return true;
	if (!check_axis(q->b, q->op, a->axis, x->rank))
		return false;
	int axis = axis_norm(a->axis, x->rank);
	return answer(q, q->i == 1 ? "ones" : "zeros", x->rank - axis, x->dim + axis);
}

static bool groupnorm_param(Ask *q)
{
	const Attr_groupnorm *a = q->attr;
	if (!a->affine)
		return true;
	return ranked(q, 2) &&
	       answer_vector(q, q->i == 1 ? "ones" : "zeros", q->in[0]->type->dim[1]);
}

static bool embedding_param(Ask *q)
{
	const Attr_embedding *a = q->attr;
	int64_t dim[2] = { a->count, a->units };
	if (!stated(q, "count", a->count) || !stated(q, "units", a->units))
		return false;
	q->t = result_type(q->b, q->op, DT_f32, 2, dim); /* x holds indices */
	q->init = "normal";
	return q->t != NULL;
}

static bool recurrent_param(Ask *q, int64_t gates)
{
	const Attr_rnn *a = q->attr;
	const Type *x = q->in[0]->type;
	int64_t d = str_eq(a->direction, "bidirectional") ? 2 : 1;
	if (!ranked(q, 3) || !stated(q, "hidden", a->hidden))
		return false;
	if (a->hidden > 1 << 24)
		return builder_error(q->b, E5014, "%s: hidden is too large", op_info(q->op)->name);
	int64_t all = gates * a->hidden;
	if (q->i == 1)
		return answer(q, "uniform_hidden", 3, (int64_t[]){ d, all, x->dim[2] });
	if (q->i == 2)
		return answer(q, "uniform_hidden", 3, (int64_t[]){ d, all, a->hidden });
	return !a->bias || answer(q, "uniform_hidden", 2, (int64_t[]){ d, 2 * all });
}

static bool prelu_param(Ask *q)
{
	return ranked(q, 2) && answer_vector(q, "constant:0.25", q->in[0]->type->dim[1]);
}

static bool ask(Ask *q)
{
	if (q->op == OP_conv2d || q->op == OP_conv_transpose2d)
		return conv_param(q);
	if (q->op == OP_linear)
		return linear_param(q);
	if (q->op == OP_batchnorm)
		return batchnorm_param(q);
	if (q->op == OP_layernorm || q->op == OP_rmsnorm)
		return norm_param(q);
	if (q->op == OP_groupnorm)
		return groupnorm_param(q);
	if (q->op == OP_embedding)
		return embedding_param(q);
	if (q->op == OP_prelu)
		return prelu_param(q);
	if (q->op == OP_lstm || q->op == OP_gru || q->op == OP_rnn)
		return recurrent_param(q, q->op == OP_lstm ? 4 : q->op == OP_gru ? 3 : 1);
	return builder_error(q->b, E7001, "%s makes no parameters", op_info(q->op)->name);
}

bool op_param_type(Builder *b, Op op, Attr attr, Node *const *in, int i, const Type **t,
		   const char **init)
{
	Ask q = { .b = b, .op = op, .attr = attr, .in = in, .i = i };
	bool ok = !b->failed && !is_poison(in[0]) && ask(&q);
	*t = q.t;
	*init = q.init ? q.init : "";
	return ok;
}
