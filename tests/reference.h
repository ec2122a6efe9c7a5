/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Results of other frameworks, as files of tests/data have them: a list of cases
 *
 *   case NAME
 *   graph @t(...) { ... }     in the text form
 *   in TYPE VALUES            one line for each input of the graph, row-major
 *   out TYPE VALUES           one line for each result
 *
 * made by the programs bench/make_*_reference.py. A malformed file ends the test program. */
#ifndef TESTS_REFERENCE_H
#define TESTS_REFERENCE_H
#include "base/str.h"
#include "ir/eval.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { REFERENCE_PORTS = 80 };

typedef struct Reference {
	Context *ctx;
	Arena *arena;
	const char *name; /* of the file, without folder and suffix */
	const char *at;   /* the next case */
} Reference;

typedef struct ReferenceCase {
	const char *name, *graph;
	size_t graph_n;
	int n_in, n_out;
	EvalTensor in[REFERENCE_PORTS], out[REFERENCE_PORTS];
} ReferenceCase;

static inline void reference_malformed(const Reference *r, const char *at)
{
	fprintf(stderr, "%s: not understood: '%.60s'\n", r->name, at);
	abort();
}

/* tests/data/<folder>/<name>.txt; false when there is no such file. */
static inline bool reference_open(Reference *r, Context *ctx, Arena *arena, const char *folder,
				  const char *name)
{
	char *path = arena_printf(arena, "%s/tests/data/%s/%s.txt", BURIN_SOURCE_DIR, folder, name);
	FILE *f = fopen(path, "rb");
	*r = (Reference){ .ctx = ctx, .arena = arena, .name = name };
	if (!f)
		return false;
	size_t room = 1 << 22;
	char *text = arena_alloc(arena, room); /* zeros */
	size_t n = fread(text, 1, room - 1, f);
	fclose(f);
	r->at = text;
	return n > 0;
}

static inline const char *reference_line_end(const char *p)
{
	const char *end = strchr(p, '\n');
	return end ? end : p + strlen(p);
}

/* TYPE VALUES to the end of the line */
static inline EvalTensor reference_tensor(Reference *r, const char *p)
{
	const Type *t;
	if (!type_parse(r->ctx, &p, &t))
		reference_malformed(r, p);
	EvalTensor e = eval_tensor(r->arena, t);
	for (int64_t i = 0; i < t->count; i++) {
		p += strspn(p, " ");
		size_t n = strcspn(p, " \n");
		if (!(e.f ? parse_f64(p, n, &e.f[i]) : parse_i64(p, n, &e.i[i])))
			reference_malformed(r, p);
		p += n;
	}
	return e;
}

/* False at the end of the file. */
static inline bool reference_next(Reference *r, ReferenceCase *c)
{
	const char *p = r->at;
	if (!str_starts(p, "case "))
		return false;
	const char *end = reference_line_end(p);
	*c = (ReferenceCase){ .name = arena_strndup(r->arena, p + 5, (size_t)(end - p - 5)) };
	c->graph = end + 1;
	p = strstr(c->graph, "\n}\n") + 3;
	c->graph_n = (size_t)(p - c->graph);
	for (; *p && !str_starts(p, "case "); p = reference_line_end(p) + 1) {
		if (str_starts(p, "in ") && c->n_in < REFERENCE_PORTS)
			c->in[c->n_in++] = reference_tensor(r, p + 3);
		else if (str_starts(p, "out ") && c->n_out < REFERENCE_PORTS)
			c->out[c->n_out++] = reference_tensor(r, p + 4);
		else
			reference_malformed(r, p);
	}
	r->at = p;
	return true;
}

/* --- comparing ------------------------------------------------------------------------------- */

static inline double reference_largest(const EvalTensor *e)
{
	double max = 0;
	for (int64_t i = 0; e->f && i < e->type->count; i++)
		if (isfinite(e->f[i]) && fabs(e->f[i]) > max)
			max = fabs(e->f[i]);
	return max;
}

static inline bool reference_near(double got, double want, double room)
{
	if (isnan(want) || isinf(want))
		return isnan(want) ? isnan(got) : got == want;
	return fabs(got - want) <= room;
}

/* The first element that differs by more than `tolerance` of the largest; -1: none does. */
static inline int64_t reference_differs(const EvalTensor *got, const EvalTensor *want,
					double tolerance)
{
	double room = tolerance * reference_largest(want);
	for (int64_t i = 0; i < want->type->count; i++)
		if (want->f ? !reference_near(got->f[i], want->f[i], room)
			    : got->i[i] != want->i[i])
			return i;
	return -1;
}
#endif
