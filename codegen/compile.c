/* See compile.h. Memory: everything of one compilation lies in one arena; packed weights in a block
 * of their own, because an artefact maps or copies them and a program in memory keeps them after
 * the compilation's arena. */
#include "codegen/compile.h"
#include "base/oom.h"
#include "codegen/prepare.h"
#include <stdlib.h>
#include <string.h>

struct Program {
	Arena *arena;
	Compiled compiled;
	JitProgram *jit;
	void *weights;
};

Program *program_compile(Context *c, const Graph *g, const CompileOptions *o)
{
	Arena *arena = arena_create();
	Program *p = ARENA_NEW(arena, Program);
	Pass pass = { .ctx = c, .o = &o->pass };
	JitOptions j = { o->threads, o->cache };
	p->arena = arena;
	Target t = target_resolve(arena, &o->pass.target);
	if (compile_plans(&pass, g, arena, &p->compiled) &&
	    prepare_weights(c, &p->compiled, &t, j, &p->weights)) {
		p->compiled.main->weight = p->weights;
		p->jit = jit_program(c, p->compiled.main, &t, j);
	}
	if (p->jit)
		return p;
	program_destroy(p);
	return NULL;
}

const BurinProgram *program_table(const Program *p)
{
	return jit_table(p->jit);
}

const Plan *program_plan(const Program *p)
{
	return p->compiled.main;
}

const Graph *program_graph(const Program *p)
{
	return p->compiled.graph;
}

void program_destroy(Program *p)
{
	if (!p)
		return;
	jit_destroy(p->jit);
	weights_free(p->weights);
	arena_destroy(p->arena);
}
