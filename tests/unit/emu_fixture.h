/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Programs of the emulation whose text can be edited before it is compiled. */
#ifndef TESTS_UNIT_EMU_FIXTURE_H
#define TESTS_UNIT_EMU_FIXTURE_H
#include "tests/unit/ir_fixture.h"
#include "codegen/compile.h"
#include "codegen/cuda/cuda.h"
#include "runtime/cpu/rt.h"
#include <string.h>

typedef struct Made {
	Fixture *f;
	Graph *g;
	CompileOptions o;
} Made;

static inline Made made(Fixture *f, const char *text)
{
	Made m = { .f = f, .o = { .threads = 1, .emulate = true } };
	m.g = graph_parse(f->c, f->c->arena, "test", text, strlen(text));
	assert_non_null(m.g);
	assert_true(target_find("sm_80", &m.o.pass.target));
	return m;
}

/* The printed kernels. */
static inline char *text_of(const Made *m)
{
	PassOptions po = m->o.pass;
	Pass p = { .ctx = m->f->c, .o = &po };
	Compiled compiled;
	Str s;
	str_init(&s, m->f->c->arena);
	assert_true(target_find("native", &po.host));
	assert_true(compile_plans(&p, m->g, m->f->c->arena, &compiled));
	CudaKernel *k = ARENA_ARRAY(m->f->c->arena, CudaKernel, compiled.main->kernel.n + 1);
	assert_true(cuda_source(m->f->c, m->f->c->arena, compiled.main, &po.target, k, &s));
	return arena_strdup(m->f->c->arena, str_text(&s));
}

static inline char *replaced(const Made *m, const char *text, const char *what, const char *by)
{
	const char *at = strstr(text, what);
	if (!at)
		fail_msg("the text has no '%s':\n%s", what, text);
	return arena_printf(m->f->c->arena, "%.*s%s%s", (int)(at - text), text, by,
			    at + strlen(what));
}

/* Runs the program: inputs, then outputs. What the runtime returned, and what was found. */
static inline int run_edited(const Made *m, void **ports, char *said, size_t room)
{
	Program *p = program_compile(m->f->c, m->g, &m->o);
	if (!p)
		fail_msg("%s", messages(m->f->c));
	const BurinProgram *t = program_table(p);
	void *work = aligned_alloc(64, (burin_rt_workspace_bytes(t, NULL) + 63) / 64 * 64);
	int status = burin_rt_run(t, NULL, 1, ports, work);
	const char *fault = program_fault(p);
	strncpy(said, fault ? fault : "", room - 1);
	free(work);
	program_destroy(p);
	return status;
}
#endif
