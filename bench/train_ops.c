/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The contractions of training steps: the result, the input's gradient and the weights' gradient of
 * the layers of a ResNet-18 (images of 32x32, batch 32) and of an MLP (batch 128). Each is compiled
 * as the middle of a step: activations and gradients come from an elementwise operator and go to
 * one, weights change from run to run.
 *
 * Two rates: of the steps that multiply, and of all but the elementwise ones around, with whatever
 * is packed and rearranged. Both count the multiplications of the direct algorithm; where Winograd
 * is chosen they may be beyond the peak.
 *
 *     build/bench-train-ops [threads] [repetitions] [shape]     (default 1, 20, all) */
#include "base/oom.h"
#include "bench/peak.h"
#include "bench/timed.h"
#include "ir/node.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct Shape {
	int batch, size, in, out, kernel, stride; /* size 0: a product of batch x in by in x out */
} Shape;

static const Shape shapes[] = {
	{ 32, 32, 3, 64, 3, 1 },    { 32, 32, 64, 64, 3, 1 },   { 32, 32, 64, 128, 3, 2 },
	{ 32, 32, 64, 128, 1, 2 },  { 32, 16, 128, 128, 3, 1 }, { 32, 16, 128, 256, 3, 2 },
	{ 32, 16, 128, 256, 1, 2 }, { 32, 8, 256, 256, 3, 1 },  { 32, 8, 256, 512, 3, 2 },
	{ 32, 8, 256, 512, 1, 2 },  { 32, 4, 512, 512, 3, 1 },  { 128, 0, 784, 512, 0, 0 },
	{ 128, 0, 512, 512, 0, 0 }, { 128, 0, 512, 10, 0, 0 },
};
enum { SHAPES = sizeof shapes / sizeof *shapes };

typedef enum What { FORWARD, INPUT, WEIGHTS, WHATS } What;
static const char *const what_name[] = { "forward", "dx", "dw" };

static const char *describe(Arena *a, const Shape *s)
{
	if (!s->size)
		return arena_printf(a, "product %dx%dx%d", s->batch, s->out, s->in);
	return arena_printf(a, "conv %dx%d s%d %3d->%-3d %dx%d", s->kernel, s->kernel, s->stride,
			    s->in, s->out, s->size, s->size);
}

/* --- graphs ---------------------------------------------------------------------------------- */

/* A value that comes from an elementwise operator, as the layers around have it: channels last. */
static Node *activation(Builder *b, int rank, const int64_t *dim, const char *name)
{
	int index = b->graph->input.n;
	Node *x =
		emit1(b, OP_relu, emit_input(b, type_get(b->ctx, DT_f32, rank, dim), name, index));
	return rank == 4 ? emit_transpose(b, x, (int[]){ 0, 3, 1, 2 }) : x;
}

static Node *weights(Builder *b, int rank, const int64_t *dim)
{
	return emit_input(b, type_get(b->ctx, DT_f32, rank, dim), "w", b->graph->input.n);
}

static void result(Builder *b, Node *y, bool image)
{
	if (image)
		y = emit_transpose(b, y, (int[]){ 0, 2, 3, 1 });
	vec_push(b->graph->arena, &b->graph->result, emit1(b, OP_relu, y));
	vec_push(b->graph->arena, &b->graph->result_name, (const char *)"y");
}

static Graph *make_graph(Context *c, const Shape *s, What what)
{
	Graph *g = graph_create(c, c->arena, "shape");
	Builder *b = builder_create(g);
	int rank = s->size ? 4 : 2, pad = s->kernel / 2;
	int64_t to = s->size ? (s->size + 2 * pad - s->kernel) / s->stride + 1 : 0;
	int64_t x[4] = { s->batch, s->size, s->size, s->in }, y[4] = { s->batch, to, to, s->out };
	int64_t w[4] = { s->out, s->in, s->kernel, s->kernel }; /* as models have them */
	int64_t pads[4] = { pad, pad, pad, pad }, strides[2] = { s->stride, s->stride };
	Attr_conv a;
	attr_defaults(c, ATTR_conv_RECORD, &a);
	a.pad = (Ints){ 4, pads };
	a.stride = (Ints){ 2, strides };
	if (!s->size) {
		x[1] = w[0] = s->in;
		y[1] = w[1] = s->out;
	}
	Node *in[2] = { activation(b, rank, x, "x"), weights(b, rank, w) }, *dx[2] = { NULL };
	Node *n = s->size ? emit(b, OP_conv, attr_intern(c, ATTR_conv_RECORD, &a), in, 2)
			  : emit_matmul(b, in[0], in[1], false, false);
	if (what == FORWARD) {
		result(b, n, s->size);
		return g;
	}
	op_info(n->op)->vjp(b, n, activation(b, rank, y, "dy"), dx);
	result(b, dx[what == WEIGHTS], what == INPUT && s->size);
	return b->failed ? NULL : g;
}

/* --- running --------------------------------------------------------------------------------- */

typedef struct Least {
	double multiplying, all; /* in ns */
} Least;

static void run_once(Timed *t, Least *least)
{
	double multiplying = 0, all = 0;
	timed_run(t);
	for (int i = 0; i < t->plan->step.n; i++) {
		const Step *s = &t->plan->step.at[i];
		if (s->flops > 0)
			multiplying += (double)t->ns[i];
		if (s->flops > 0 || strcmp(s->kind, "rows") != 0)
			all += (double)t->ns[i];
	}
	least->multiplying = multiplying < least->multiplying ? multiplying : least->multiplying;
	least->all = all < least->all ? all : least->all;
}

static void print_steps(const Timed *r)
{
	for (int i = 0; i < r->plan->step.n; i++) {
		const Step *s = &r->plan->step.at[i];
		printf("      %-12s %-40s %6lld tasks %9.1f us %9.3f Mflop %9.3f MB\n", s->kind,
		       s->sources, (long long)s->n_tasks, (double)r->ns[i] * 1e-3, s->flops * 1e-6,
		       s->bytes * 1e-6);
	}
}

static double one_shape(const Shape *s, What what, Peak *peak, int repetitions, bool steps)
{
	Context *c = context_create();
	Graph *g = make_graph(c, s, what);
	CompileOptions o = { .threads = 2 };
	target_find("native", &o.pass.target);
	Program *p = g ? program_compile(c, g, &o) : NULL;
	if (!p)
		abort();
	int64_t to = s->size ? (s->size + s->kernel / 2 * 2 - s->kernel) / s->stride + 1 : 1;
	double flops = 2.0 * s->batch * (double)(to * to) * s->in * s->out;
	flops *= s->size ? s->kernel * s->kernel : 1;
	Timed t;
	Least r = { 1e30, 1e30 };
	timed_open(&t, p, peak->threads);
	run_once(&t, &r);
	peak->best = 0;
	for (int i = 0; i < repetitions; i++) {
		if (i % 4 == 0)
			peak_measure(peak);
		run_once(&t, &r);
	}
	printf("%-28s %-8s %9.1f us %7.1f GFLOP/s %6.1f %%   %9.1f us %7.1f GFLOP/s %6.1f %%\n",
	       describe(c->arena, s), what_name[what], r.multiplying * 1e-3, flops / r.multiplying,
	       100 * flops / r.multiplying / peak->best, r.all * 1e-3, flops / r.all,
	       100 * flops / r.all / peak->best);
	fflush(stdout);
	if (steps)
		print_steps(&t);
	timed_close(&t);
	program_destroy(p);
	context_destroy(c);
	return r.all;
}

int main(int argc, char **argv)
{
	Context *c = context_create();
	Peak peak = { .threads = argc > 1 ? atoi(argv[1]) : 1 };
	int repetitions = argc > 2 ? atoi(argv[2]) : 20, only = argc > 3 ? atoi(argv[3]) : -1;
	if (repetitions < 1 || !peak_open(&peak, c))
		return 2;
	for (int i = 0; i < SHAPES; i++)
		for (int what = 0; what < WHATS; what++)
			if (only < 0 || only == i)
				one_shape(&shapes[i], (What)what, &peak, repetitions, only >= 0);
	printf("peak: %.1f GFLOP/s, %d thread%s\n", peak.best, peak.threads,
	       peak.threads == 1 ? "" : "s");
	peak_close(&peak);
	context_destroy(c);
	return 0;
}
