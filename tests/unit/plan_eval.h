/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Plans run by the interpreter of kernels: any target's, without its machine. */
#ifndef TESTS_UNIT_PLAN_EVAL_H
#define TESTS_UNIT_PLAN_EVAL_H
#include "ir/blob.h"
#include "ir/eval.h"
#include "passes/pass.h"
#include <stdlib.h>
#include <string.h>

/* in, out: one pointer per port. Scratch is filled with NaN before each step. */
static inline bool eval_plan(const Plan *p, void *const *in, void *const *out, void *weight)
{
	enum { HEADER = 64, ROOM = 256 };
	size_t bytes = (size_t)p->work_bytes + HEADER, scratch_bytes = (size_t)p->scratch_bytes;
	char *work = malloc(bytes), *scratch = malloc(scratch_bytes + 1);
	void *arg[ROOM];
	bool ok = work && scratch;
	memset(work, 0xff, bytes);
	memset(work + HEADER + PLAN_STATUS_OFFSET, 0, 4);
	for (int i = 0; ok && i < p->step.n; i++) {
		const Step *s = &p->step.at[i];
		for (int k = 0; k < s->n_arg; k++) {
			const PlanArg *a = &s->arg[k];
			char *base[SPACE_COUNT] = {
				[SPACE_WORK] = work + HEADER, [SPACE_WEIGHT] = weight
			};
			if (a->space == SPACE_INPUT)
				base[SPACE_INPUT] = in[a->index];
			if (a->space == SPACE_OUTPUT)
				base[SPACE_OUTPUT] = out[a->index];
			arg[k] = base[a->space] + a->offset;
		}
		memset(scratch, 0xff, scratch_bytes);
		ok = kernel_eval(s->kernel, arg, 0, s->n_tasks, scratch);
	}
	free(work);
	free(scratch);
	return ok;
}

/* Data of the type from a blob that may hold one value for all. */
static inline void copy_repeated(char *to, const Type *t, const Blob *b)
{
	size_t item = (size_t)dtype_info[t->dtype].bytes;
	for (int64_t i = 0; i < t->count; i++)
		memcpy(to + (size_t)i * item,
		       (const char *)b->data + (b->splat ? 0 : (size_t)i * item), item);
}

/* What prepare computes, and parameters as they are, at their places in the weight block, which the
 * caller frees. */
static inline void *eval_weights(const Compiled *k, Arena *a)
{
	char *block = calloc(1, (size_t)k->main->weight_bytes + 64);
	int64_t at = 0;
	int n = 0, n_source = k->split.source.n;
	void **in = ARENA_ARRAY(a, void *, n_source + 1);
	void **out = ARENA_ARRAY(a, void *, k->split.main->param.n + 1);
	for (int i = 0; i < k->split.main->param.n; i++) {
		const Node *w = k->split.main->param.at[i];
		const Blob *b = ATTR_OF(w, param)->data;
		if (b)
			copy_repeated(block + at, w->type, b);
		else
			out[n++] = block + at;
		at = (at + type_bytes(w->type) + 63) / 64 * 64;
	}
	for (int i = 0; i < n_source; i++) {
		const Node *s = k->split.source.at[i];
		in[i] = arena_alloc(a, (size_t)type_bytes(s->type) + 8);
		copy_repeated(in[i], s->type, static_data(s));
	}
	if (k->prepare && !eval_plan(k->prepare, in, out, NULL)) {
		free(block);
		return NULL;
	}
	return block;
}
#endif
