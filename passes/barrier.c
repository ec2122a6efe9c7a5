/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Which steps may run together with the one before, without a barrier between: the three
 * projections of attention, the border of a padded tensor and the convolution that fills it. */
#include "passes/storage.h"

typedef struct Use {
	const PlanBuffer *buffer;
	bool read, written;
} Use;

/* The k-th argument of a step whose arguments still name buffers of the map. */
static Use use_of(const StorageMap *m, const Step *s, int k)
{
	int arg = 0, i = 0;
	while (s->kernel->buf.at[i].space != BUF_ARG || arg++ < k)
		i++;
	const Buf *b = &s->kernel->buf.at[i];
	return (Use){ &m->buffer.at[s->arg[k].index], b->read, b->written };
}

static bool share_memory(const PlanBuffer *a, const PlanBuffer *b)
{
	if (a->space != b->space)
		return false;
	if (a->space != SPACE_WORK && a->index != b->index)
		return false;
	return a == b || (a->offset < b->offset + b->bytes && b->offset < a->offset + a->bytes);
}

/* Two steps write different parts of one buffer, unless one goes over what the other wrote. */
static bool overwrites(const Step *s)
{
	return str_eq(s->kind, "scatter");
}

static bool conflict(const StorageMap *m, const Step *a, const Step *b)
{
	for (int i = 0; i < a->n_arg; i++)
		for (int k = 0; k < b->n_arg; k++) {
			Use x = use_of(m, a, i), y = use_of(m, b, k);
			if ((!x.written && !y.written) || !share_memory(x.buffer, y.buffer))
				continue;
			bool parts = x.buffer == y.buffer && !x.read && !y.read;
			if (!parts || overwrites(a) || overwrites(b))
				return true;
		}
	return false;
}

void mark_joins(const StorageMap *m, Plan *plan)
{
	int since = 0; /* first step since the last barrier */
	for (int j = 1; j < plan->step.n; j++) {
		Step *s = &plan->step.at[j];
		s->joins = true;
		for (int i = since; i < j && s->joins; i++)
			s->joins = !conflict(m, &plan->step.at[i], s);
		if (!s->joins)
			since = j;
	}
}
