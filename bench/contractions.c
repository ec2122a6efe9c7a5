/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* How near do the contraction templates come to the machine? Every distinct convolution of
 * ResNet-50 and every product of BERT-base (128 tokens), batch 1, direct algorithm, compiled
 * through the whole pipeline; the step that holds the contraction is timed, and the multiply-add
 * peak is measured in between (a loop with 16 accumulators at the widest vector, on as many
 * threads).
 *
 *     build/bench-contractions [threads] [repetitions]          (default 1 and 40) */
#include "base/oom.h"
#include "bench/peak.h"
#include "bench/timed.h"
#include "ir/text.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- the shapes ------------------------------------------------------------------------------ */

typedef struct Shape {
	int size, in, out, kernel, stride; /* a convolution of a size x size image */
	int m, n, k;                       /* a product, when m > 0 */
} Shape;

#define CONV(size, in, out, kernel, stride) \
	{ \
		size, in, out, kernel, stride, 0, 0, 0 \
	}
#define PRODUCT(m, n, k) \
	{ \
		0, 0, 0, 0, 0, m, n, k \
	}
static const Shape shapes[] = {
	CONV(56, 64, 64, 1, 1),    CONV(56, 64, 64, 3, 1),     CONV(56, 64, 256, 1, 1),
	CONV(56, 256, 64, 1, 1),   CONV(56, 256, 128, 1, 1),   CONV(56, 128, 128, 3, 2),
	CONV(28, 128, 512, 1, 1),  CONV(56, 256, 512, 1, 2),   CONV(28, 512, 128, 1, 1),
	CONV(28, 128, 128, 3, 1),  CONV(28, 512, 256, 1, 1),   CONV(28, 256, 256, 3, 2),
	CONV(14, 256, 1024, 1, 1), CONV(28, 512, 1024, 1, 2),  CONV(14, 1024, 256, 1, 1),
	CONV(14, 256, 256, 3, 1),  CONV(14, 1024, 512, 1, 1),  CONV(14, 512, 512, 3, 2),
	CONV(7, 512, 2048, 1, 1),  CONV(14, 1024, 2048, 1, 2), CONV(7, 2048, 512, 1, 1),
	CONV(7, 512, 512, 3, 1),   PRODUCT(128, 768, 768),     PRODUCT(128, 3072, 768),
	PRODUCT(128, 768, 3072),
};

static const char *describe(Arena *a, const Shape *s)
{
	if (s->m)
		return arena_printf(a, "product %dx%dx%d", s->m, s->n, s->k);
	return arena_printf(a, "conv %dx%d s%d %4d->%-4d %dx%d", s->kernel, s->kernel, s->stride,
			    s->in, s->out, s->size, s->size);
}

/* As the middle of a model: channels last on both sides, made by a ReLU and followed by one. */
static const char *graph_text(Arena *a, const Shape *s)
{
	if (s->m)
		return arena_printf(a,
				    "graph @g(%%x: f32[%d,%d], %%w: f32[%d,%d] param "
				    "{data=dense(\"w\", 0x12)}) {\n"
				    "  %%r = relu %%x : f32[%d,%d]\n"
				    "  %%0 = matmul %%r, %%w : f32[%d,%d]\n"
				    "  %%1 = relu %%0 : f32[%d,%d]\n  return %%1\n}\n",
				    s->m, s->k, s->k, s->n, s->m, s->k, s->m, s->n, s->m, s->n);
	int pad = s->kernel / 2, to = (s->size + 2 * pad - s->kernel) / s->stride + 1;
	return arena_printf(
		a,
		"graph @g(%%x: f32[1,%d,%d,%d], %%w: f32[%d,%d,%d,%d] param "
		"{data=dense(\"w\", 0x12)}) {\n"
		"  %%r = relu %%x : f32[1,%d,%d,%d]\n"
		"  %%0 = transpose %%r {perm=[0, 3, 1, 2]} : f32[1,%d,%d,%d]\n"
		"  %%1 = conv %%0, %%w {stride=[%d, %d], pad=[%d, %d, %d, %d]} : f32[1,%d,%d,%d]\n"
		"  %%2 = relu %%1 : f32[1,%d,%d,%d]\n"
		"  %%3 = transpose %%2 {perm=[0, 2, 3, 1]} : f32[1,%d,%d,%d]\n  return %%3\n}\n",
		s->size, s->size, s->in, s->out, s->in, s->kernel, s->kernel, s->size, s->size,
		s->in, s->in, s->size, s->size, s->stride, s->stride, pad, pad, pad, pad, s->out,
		to, to, s->out, to, to, to, to, s->out);
}

/* --- one shape ------------------------------------------------------------------------------- */

/* The contraction's step. */
static int step_of(const Plan *plan)
{
	int step = 0;
	for (int i = 0; i < plan->step.n; i++)
		if (plan->step.at[i].flops > 0)
			step = i;
	return step;
}

static double run_once(Timed *t, int step)
{
	timed_run(t);
	return (double)t->ns[step];
}

static int by_value(const void *x, const void *y)
{
	double a = *(const double *)x, b = *(const double *)y;
	return (a > b) - (a < b);
}

/* Returns the share of the peak. */
static double measure(const char *name, Timed *t, Peak *peak, int repetitions)
{
	int step = step_of(t->plan);
	double flops = t->plan->step.at[step].flops;
	double *ns = calloc((size_t)repetitions, sizeof *ns);
	run_once(t, step);
	peak->best = 0;
	for (int i = 0; i < repetitions; i++) {
		if (i % 4 == 0)
			peak_measure(peak);
		ns[i] = run_once(t, step);
	}
	qsort(ns, (size_t)repetitions, sizeof *ns, by_value);
	double least = ns[0], middle = ns[repetitions / 2], share = flops / least / peak->best;
	printf("%-36s %9.1f %9.1f %9.1f %9.1f %6.1f %%\n", name, least * 1e-3, middle * 1e-3,
	       flops / least, peak->best, 100 * share);
	free(ns);
	return share;
}

static double one_shape(const Shape *s, Peak *peak, int repetitions)
{
	Context *c = context_create();
	const char *text = graph_text(c->arena, s), *name = describe(c->arena, s);
	Graph *g = graph_parse(c, c->arena, "shape", text, strlen(text));
	CompileOptions o = { .threads = 2 };
	o.pass.off[PASS_winograd] = true; /* multiplies that are really executed */
	target_find("native", &o.pass.target);
	Program *p = g ? program_compile(c, g, &o) : NULL;
	double share = 0;
	if (p) {
		Timed t;
		timed_open(&t, p, peak->threads);
		share = measure(name, &t, peak, repetitions);
		timed_close(&t);
	}
	program_destroy(p);
	context_destroy(c);
	return share;
}

int main(int argc, char **argv)
{
	Context *c = context_create();
	Peak peak = { .threads = argc > 1 ? atoi(argv[1]) : 1 };
	int repetitions = argc > 2 ? atoi(argv[2]) : 40, n = sizeof shapes / sizeof shapes[0];
	double least = 1;
	if (repetitions < 1 || !peak_open(&peak, c))
		return 2;
	printf("%d thread%s, f32, vectors of %d\n%-36s %9s %9s %9s %9s %8s\n", peak.threads,
	       peak.threads == 1 ? "" : "s", peak.lanes, "shape", "min us", "median us", "GFLOP/s",
	       "peak", "of peak");
	for (int i = 0; i < n; i++) {
		double share = one_shape(&shapes[i], &peak, repetitions);
		least = share < least ? share : least;
	}
	printf("least: %.1f %%\n", 100 * least);
	peak_close(&peak);
	context_destroy(c);
	return 0;
}
