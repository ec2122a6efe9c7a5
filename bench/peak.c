/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* See peak.h: a loop with 16 accumulators at the widest vector. */
#include "bench/peak.h"
#include "ir/kbuilder.h"
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

enum { ACCUMULATORS = 16, PEAK_STEPS = 200000, MOST_THREADS = 64 };
typedef void PeakCode(void *, int64_t, int64_t, void *);

static double now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* acc[u][v] = acc * x + y, PEAK_STEPS times, for 16 independent accumulators. */
static Kernel *peak_kernel(Context *c, Arena *arena, const Target *t)
{
	KBuilder *kb = kb_create(c, arena, t, "peak");
	int lanes = target_lanes(t, 4);
	int64_t dim[2] = { ACCUMULATORS, lanes };
	Storage s = { .align = 64, .stride = { lanes, 1 } };
	int buf = kb_arg(kb, type_get(c, DT_f32, 2, dim), &s);
	Node *u = kb_axis(kb, "u", AX_UNROLL, ACCUMULATORS, 0);
	Node *v = kb_axis(kb, "v", AX_VECTOR, lanes, lanes);
	Node *k = kb_axis(kb, "k", AX_LOOP, PEAK_STEPS, 0);
	kb_open(kb, kb_axis(kb, "t", AX_TASK, 1, 0));
	Node *at[2] = { u, v };
	kb_open(kb, u);
	kb_open(kb, v);
	Node *acc = kb_var(kb, "acc", kb_load_buf(kb, buf, at), u->axes | v->axes);
	kb_close(kb);
	kb_close(kb);
	Node *x = kb_f(kb, DT_f32, 0.999), *y = kb_f(kb, DT_f32, 0.001);
	kb_open(kb, k);
	kb_open(kb, u);
	kb_open(kb, v);
	kb_set(kb, acc, kb_fma(kb, acc, x, y));
	kb_close(kb);
	kb_close(kb);
	kb_close(kb);
	kb_open(kb, u);
	kb_open(kb, v);
	kb_store_buf(kb, buf, at, acc);
	kb_close(kb);
	kb_close(kb);
	kb_close(kb);
	return kb_finish(kb);
}

typedef struct PeakThread {
	const Peak *peak;
	int *arrived; /* all start together: each measures its own rate */
	double rate;
} PeakThread;

static void *peak_thread(void *user)
{
	PeakThread *t = user;
	_Alignas(64) float data[ACCUMULATORS * 16] = { 0 };
	((PeakCode *)t->peak->code)(data, 0, 1, NULL);
	__atomic_add_fetch(t->arrived, 1, __ATOMIC_ACQ_REL);
	while (__atomic_load_n(t->arrived, __ATOMIC_ACQUIRE) < t->peak->threads)
		;
	double start = now();
	((PeakCode *)t->peak->code)(data, 0, 1, NULL);
	t->rate = 2e-9 * ACCUMULATORS * t->peak->lanes * PEAK_STEPS / (now() - start);
	return NULL;
}

void peak_measure(Peak *p)
{
	pthread_t id[MOST_THREADS];
	PeakThread thread[MOST_THREADS];
	int arrived = 0;
	double rate = 0;
	for (int i = p->threads - 1; i >= 0; i--) {
		thread[i] = (PeakThread){ p, &arrived, 0 };
		if (i > 0)
			pthread_create(&id[i], NULL, peak_thread, &thread[i]);
	}
	peak_thread(&thread[0]);
	for (int i = 1; i < p->threads; i++)
		pthread_join(id[i], NULL);
	for (int i = 0; i < p->threads; i++)
		rate += thread[i].rate;
	p->best = rate > p->best ? rate : p->best;
}

bool peak_open(Peak *p, Context *c)
{
	Target t;
	target_find("native", &t);
	Kernel *k = peak_kernel(c, c->arena, &t);
	p->jit = jit_kernel(c, k, &t);
	p->lanes = target_lanes(&t, 4);
	p->code = p->jit ? jit_symbol(p->jit, k->name) : NULL;
	return p->code && p->threads >= 1 && p->threads <= MOST_THREADS;
}

void peak_close(Peak *p)
{
	jit_destroy(p->jit);
}
