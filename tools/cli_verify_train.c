/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* verify --train: one step of training, against the same step evaluated in double precision. Each
 * set of inputs has a state of its own to start from: the parameters as the model has them, and
 * what the optimiser remembers at random, as if some steps had been done, so that no update begins
 * with a division of nothing by nothing. Compared are the loss, the metrics, and every tensor of
 * the state by how the step changed it; with a learning rate of 1 a change is as large as what it
 * is made of. */
#include "tools/cli_verify.h"
#include "codegen/job.h"
#include "ir/blob.h"
#include "passes/train.h"
#include <string.h>

enum { STEPS_DONE = 3 };

const Graph *training_step(Cli *c, burin_graph *g)
{
	CompileJob job = { .c = g->ctx, .o = c->opts };
	Graph *lesson = g->rebuild(g, 0, true), *step = NULL;
	if (!lesson || !compile_job_begin(&job, g, NULL))
		return NULL;
	Pass p = { .ctx = g->ctx, .o = &job.co.pass };
	step = train_graph(&p, lesson, g->arena);
	compile_job_end(&job);
	return step;
}

/* Sizes and weights of a model that nothing has been said about. */
void training_defaults(Cli *c)
{
	training_start(c, (int64_t)cli_seed(c));
	if (!opts_get(c->opts, "size"))
		cli_option(c, "size", "8");
}

/* --- the state ------------------------------------------------------------------------------- */

static char *state_at(const Verify *v, const StateTensor *s)
{
	return (char *)v->m.in[v->m.n_in - 1].data + s->offset;
}

int training_begin(Verify *v)
{
	Arena *a = v->c->arena;
	const StateLayout *l = v->layout = state_layout(v->m.compiled, a);
	const Tensor *port = &v->m.in[v->m.n_in - 1];
	if (type_bytes(port->type) != l->bytes)
		return cli_error(v->c, E7001, NULL, "the state has %lld bytes, not %lld",
				 (long long)type_bytes(port->type), (long long)l->bytes);
	v->got = ARENA_ARRAY(a, Tensor, v->m.n_out + l->tensor.n + 1);
	memcpy(v->got, v->m.out, sizeof *v->got * (size_t)v->m.n_out);
	for (v->n_got = v->m.n_out; v->n_got < v->m.n_out + l->tensor.n; v->n_got++) {
		const StateTensor *s = &l->tensor.at[v->n_got - v->m.n_out];
		v->got[v->n_got] = (Tensor){ s->name, s->type, state_at(v, s) };
	}
	return EXIT_YES;
}

/* Positive, because a mean square's root stands in a denominator, and small, so that the gradient
 * is most of a change. */
static void remember(const StateTensor *s, void *to, uint64_t seed)
{
	Tensor t = { s->name, s->type, to };
	tensor_random(&t, seed, (InputHint){ 0 });
	for (int64_t i = 0; dtype_is_float(s->type->dtype) && i < s->type->count; i++) {
		double x = load_f64(s->type->dtype, to, i);
		store_f64(s->type->dtype, to, i, 1e-3 * (1 + x * x) / (2 + x * x));
	}
}

static void start_from(const StateTensor *s, void *to, uint64_t seed)
{
	DType t = s->type->dtype;
	if (s->initial && s->initial->data)
		for (int64_t i = 0; i < s->type->count; i++)
			if (dtype_is_float(t))
				store_f64(t, to, i, blob_f64(s->initial, i));
			else
				store_i64(t, to, i, blob_i64(s->initial, i));
	else if (str_eq(s->name, ".step"))
		store_f64(t, to, 0, STEPS_DONE);
	else if (str_eq(s->name, ".seed"))
		store_i64(t, to, 0, (int64_t)seed);
	else
		remember(s, to, seed);
}

void training_fill(Verify *v, uint64_t seed, Arena *a)
{
	const StateLayout *l = v->layout;
	for (int i = 0; i < v->m.n_in; i++)
		if (str_eq(v->m.in[i].name, "rate") && !given_find(&v->given, "rate"))
			store_f64(v->m.in[i].type->dtype, v->m.in[i].data, 0, 1);
	v->before = ARENA_ARRAY(a, EvalTensor, l->tensor.n + 1);
	for (int i = 0; i < l->tensor.n; i++) {
		const StateTensor *s = &l->tensor.at[i];
		start_from(s, state_at(v, s), seed);
		v->before[i] = eval_from_data(a, s->type, state_at(v, s));
	}
}

/* --- the reference --------------------------------------------------------------------------- */

static int tensor_of(const Verify *v, const Node *param)
{
	int i = 0;
	while (!str_eq(v->layout->tensor.at[i].name, ATTR_OF(param, param)->name))
		i++;
	return i;
}

bool training_outputs(Verify *v, Arena *a, EvalOptions o, EvalTensor *out)
{
	const Graph *g = v->reference;
	EvalTensor *param = ARENA_ARRAY(a, EvalTensor, g->param.n + 1);
	EvalTensor *next = ARENA_ARRAY(a, EvalTensor, g->update.n + 1);
	o.param = param;
	o.next = next;
	for (int i = 0; i < g->param.n; i++)
		param[i] = v->before[tensor_of(v, g->param.at[i])];
	if (!reference_outputs(v, g, a, o, out))
		return false;
	for (int i = 0; i < v->layout->tensor.n; i++)
		out[v->m.n_out + i] = v->before[i];
	for (int i = 0; i < g->update.n; i++)
		out[v->m.n_out + tensor_of(v, g->update.at[i].state)] = next[i];
	return true;
}
