/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The end of the plan on data made by hand, which no graph gives in such numbers: places in memory
 * for thousands of lifetimes, and barriers between steps, against the obvious way to find them. */
#include "tests/unit/check.h"
#include "passes/storage.h"
#include <stdio.h>
#include <string.h>

typedef struct Made {
	Context *c;
	Plan plan;
	StorageMap map;
	uint64_t random;
} Made;

static int64_t pick(Made *m, int64_t low, int64_t high)
{
	m->random = m->random * 6364136223846793005u + 1442695040888963407u;
	return low + (int64_t)((m->random >> 33) % (uint64_t)(high - low + 1));
}

static Made begin(uint64_t seed, int steps)
{
	Made m = { .c = context_create(), .random = seed };
	m.plan.arena = m.c->arena;
	m.plan.ctx = m.c;
	for (int i = 0; i < steps; i++)
		vec_push(m.c->arena, &m.plan.step, ((Step){ .kind = "rows" }));
	return m;
}

/* --- memory ---------------------------------------------------------------------------------- */

static void live(Made *m, int first, int last, int64_t bytes)
{
	PlanBuffer b = { .space = SPACE_WORK, .bytes = bytes, .first = first, .last = last };
	vec_push(m->c->arena, &m->map.buffer, b);
}

/* The most that lives at one time. */
static int64_t peak(const Made *m)
{
	int64_t most = 0, *bytes = ARENA_ARRAY(m->c->arena, int64_t, m->plan.step.n + 1);
	for (int i = 0; i < m->map.buffer.n; i++)
		for (int s = m->map.buffer.at[i].first; s <= m->map.buffer.at[i].last; s++) {
			bytes[s] += (m->map.buffer.at[i].bytes + 127) / 64 * 64;
			most = bytes[s] > most ? bytes[s] : most;
		}
	return most;
}

/* Nobody overlaps, and of what is planned not much is lost. */
static void check_memory(Made *m, double waste)
{
	int64_t bytes = plan_memory(&m->map, &m->plan), least = peak(m);
	for (int i = 0; i < m->map.buffer.n; i++)
		for (int k = 0; k < i; k++) {
			const PlanBuffer *a = &m->map.buffer.at[i], *b = &m->map.buffer.at[k];
			bool together = a->first <= b->last && b->first <= a->last;
			assert_false(together && a->offset < b->offset + b->bytes &&
				     b->offset < a->offset + a->bytes);
			assert_true(a->offset >= 0 && a->offset % 64 == 0 &&
				    a->offset + a->bytes <= bytes);
		}
	if ((double)bytes > waste * (double)least)
		fail_msg("%lld bytes are planned, %lld live together", (long long)bytes,
			 (long long)least);
	context_destroy(m->c);
}

static void few_buffers(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed < 50; seed++) {
		Made m = begin(seed, 60);
		for (int i = 0; i < 80; i++) {
			int first = (int)pick(&m, 0, 59);
			live(&m, first, (int)pick(&m, first, 59), pick(&m, 1, 4000));
		}
		check_memory(&m, 1.3);
	}
}

/* Thousands that live together are given memory in another way. */
static void many_buffers(void **state)
{
	enum { STEPS = 3000, WINDOW = 1000 };
	(void)state;
	for (uint64_t seed = 1; seed < 4; seed++) {
		Made all = begin(seed, STEPS), window = begin(seed, STEPS),
		     back = begin(seed, 2 * STEPS);
		for (int i = 0; i < STEPS; i++) {
			int last = i + (int)pick(&window, 0, WINDOW);
			live(&all, 0, STEPS - 1, pick(&all, 1, 400));
			live(&window, i, last < STEPS ? last : STEPS - 1, pick(&window, 1, 4000));
			/* kept for the way back, where each step has a value of its own, too */
			int64_t bytes = pick(&back, 1, 4) * 1000;
			live(&back, i, 2 * STEPS - 1 - i, bytes);
			live(&back, 2 * STEPS - 1 - i, i ? 2 * STEPS - i : 2 * STEPS - 1, bytes);
		}
		check_memory(&all, 1.01);
		check_memory(&window, 1.3);
		check_memory(&back, 1.3);
	}
}

/* --- barriers -------------------------------------------------------------------------------- */

static bool share_memory(const PlanBuffer *a, const PlanBuffer *b)
{
	if (a->space != b->space || (a->space != SPACE_WORK && a->index != b->index))
		return false;
	return a == b || (a->offset < b->offset + b->bytes && b->offset < a->offset + a->bytes);
}

/* Two steps write different parts of one buffer, unless one goes over what the other wrote. */
static bool conflict(const Made *m, const Step *a, const Step *b)
{
	bool over = str_eq(a->kind, "scatter") || str_eq(b->kind, "scatter");
	for (int i = 0; i < a->n_arg; i++)
		for (int k = 0; k < b->n_arg; k++) {
			const Buf *x = &a->kernel->buf.at[i], *y = &b->kernel->buf.at[k];
			const PlanBuffer *p = &m->map.buffer.at[a->arg[i].index];
			const PlanBuffer *q = &m->map.buffer.at[b->arg[k].index];
			bool parts = p == q && !x->read && !y->read && !over;
			if ((x->written || y->written) && share_memory(p, q) && !parts)
				return true;
		}
	return false;
}

static void add_args(Made *m, Step *s)
{
	enum { MOST = 4 };
	s->kernel = ARENA_NEW(m->c->arena, Kernel);
	s->arg = ARENA_ARRAY(m->c->arena, PlanArg, MOST);
	s->n_arg = (int)pick(m, 1, MOST);
	s->kind = pick(m, 0, 9) ? "rows" : "scatter";
	for (int k = 0; k < s->n_arg; k++) {
		int64_t use = pick(m, 0, 9); /* mostly reads */
		Buf b = { .space = BUF_ARG, .read = use<7, .written = use> 5 };
		vec_push(m->c->arena, &s->kernel->buf, b);
		s->arg[k].index = (int)pick(m, 0, m->map.buffer.n - 1);
	}
}

static void barriers(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed < 300; seed++) {
		Made m = begin(seed, 100);
		int buffers = (int)pick(&m, 3, 200), since = 0, joined = 0;
		for (int i = 0; i < buffers; i++) {
			PlanBuffer b = { .space = pick(&m, 0, 3) ? SPACE_WORK : SPACE_INPUT,
					 .index = (int)pick(&m, 0, 2),
					 .bytes = pick(&m, 1, 300),
					 .offset = pick(&m, 0, 60) * 64 };
			vec_push(m.c->arena, &m.map.buffer, b);
		}
		for (int i = 0; i < m.plan.step.n; i++)
			add_args(&m, &m.plan.step.at[i]);
		mark_joins(&m.map, &m.plan);
		for (int i = 1; i < m.plan.step.n; i++) {
			bool joins = true;
			for (int k = since; k < i; k++)
				joins = joins &&
					!conflict(&m, &m.plan.step.at[k], &m.plan.step.at[i]);
			since = joins ? since : i;
			joined += joins;
			if (joins != m.plan.step.at[i].joins)
				fail_msg("seed %d, step %d: joins is %d", (int)seed, i, !joins);
		}
		assert_true(joined < m.plan.step.n - 1);
		context_destroy(m.c);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(few_buffers),
		cmocka_unit_test(many_buffers),
		cmocka_unit_test(barriers),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
