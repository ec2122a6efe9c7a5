/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* A context with an empty graph, and helpers, for tests of the IR. */
#ifndef TESTS_IR_FIXTURE_H
#define TESTS_IR_FIXTURE_H
#include "tests/unit/check.h"
#include "ir/text.h"
#include <stdlib.h>

typedef struct Fixture {
	Context *c;
	Graph *g;
	Builder *b;
} Fixture;

static inline int setup(void **state)
{
	Fixture *f = calloc(1, sizeof *f);
	f->c = context_create();
	f->g = graph_create(f->c, f->c->arena, "test");
	f->b = builder_create(f->g);
	*state = f;
	return 0;
}

static inline int teardown(void **state)
{
	Fixture *f = *state;
	context_destroy(f->c);
	free(f);
	return 0;
}

static inline const Type *type_of(Fixture *f, const char *text)
{
	const Type *t = NULL;
	assert_true(type_parse(f->c, &text, &t) && !*text);
	return t;
}

static inline const char *messages(Context *c)
{
	Str s;
	str_init(&s, c->arena);
	diag_print(c->diag, &s, 0, false);
	return str_text(&s);
}

static inline const char *printed(const Graph *g)
{
	Str s;
	str_init(&s, g->ctx->arena);
	graph_print(&s, g, (TextOptions){ 0 });
	return str_text(&s);
}

static inline uint64_t random_bits(uint64_t *seed)
{
	*seed += 0x9e3779b97f4a7c15u;
	uint64_t z = *seed;
	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

static inline int pick(uint64_t *seed, int n)
{
	return (int)(random_bits(seed) % (uint64_t)n);
}

#define FIXTURE_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
#endif
