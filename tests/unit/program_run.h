/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Runs a compiled graph of the fixture in memory of its arena. */
#ifndef TESTS_UNIT_PROGRAM_RUN_H
#define TESTS_UNIT_PROGRAM_RUN_H
#include "tests/unit/ir_fixture.h"
#include "codegen/compile.h"
#include "ir/eval.h"
#include "runtime/cpu/rt.h"

/* The plan for a machine by name: what it consists of says nothing of where the test runs.
 * l2_bytes 0: as the machine has it. */
static inline const Plan *plan_for(Fixture *f, const char *target, int64_t l2_bytes)
{
	PassOptions o = { .verify = true };
	Pass p = { .ctx = f->c, .o = &o };
	Compiled k;
	assert_true(target_find(target, &o.target));
	if (l2_bytes)
		o.target.l2_bytes = l2_bytes;
	assert_true(compile_plans(&p, f->g, f->c->arena, &k));
	return k.main;
}

/* Aligned to 64 bytes. */
static void *room(Fixture *f, size_t bytes)
{
	char *p = arena_alloc(f->c->arena, bytes + 64);
	return p + (64 - (uintptr_t)p % 64);
}

/* ports: inputs, then outputs */
static void run(Fixture *f, const Program *p, int threads, void **ports)
{
	unsigned char *ctx = room(f, BURIN_CTX_BYTES);
	const BurinProgram *table = program_table(p);
	burin_rt_ctx_init(table, ctx, threads);
	void *work = room(f, burin_rt_workspace_bytes(table, ctx));
	assert_int_equal(burin_rt_run(table, ctx, 1, ports, work), 0);
	burin_rt_ctx_done(table, ctx);
}

#endif
