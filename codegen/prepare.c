/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Weights that are parameters as they are get copied; the others are results of the prepare plan,
 * which runs like any program, with the model's parameters as inputs and places in the weight block
 * as outputs. It is run in groups of steps, as a program of those steps each, so that the memory of
 * one can be given back before the next. */
#include "codegen/prepare.h"
#include "runtime/cpu/rt.h"
#include <stdlib.h>
#include <string.h>

enum { ALIGN = 64, GROUP_BYTES = 16 << 20 }; /* read and written between two rests */

typedef struct Prepare {
	Context *c;
	const Compiled *k;
	const PrepareTo *to;
	int64_t touched; /* since the last rest */
	void **port;
} Prepare;

static int64_t align_up(int64_t n)
{
	return (n + ALIGN - 1) / ALIGN * ALIGN;
}

static bool out_of_memory(Context *c, int64_t bytes)
{
	return diag_error(c->diag, (Loc){ 0 }, E1008, "no memory for %lld bytes of packed weights",
			  (long long)bytes);
}

/* The data of a parameter, repeated when the file holds one value for all. */
static bool copy_blob(Context *c, const Node *param, char *to)
{
	const Blob *b = static_data(param);
	int64_t item = dtype_info[param->type->dtype].bytes;
	if (!b || !b->data)
		return diag_error(c->diag, param->loc, E4001, "parameter '%s' has no data",
				  param->name ? param->name : "?");
	if (!b->splat) {
		memcpy(to, b->data, (size_t)type_bytes(param->type));
		return true;
	}
	for (int64_t i = 0; i < param->type->count; i++)
		memcpy(to + i * item, b->data, (size_t)item);
	return true;
}

/* False: stopped. */
static bool touch(Prepare *p, int64_t bytes)
{
	p->touched += bytes;
	if (p->touched < GROUP_BYTES || !p->to->rest)
		return true;
	p->touched = 0;
	return p->to->rest(p->to->user);
}

/* Places of the weights in the block, in the order of the main plan's parameters; copies what needs
 * no computing. */
static bool fill_direct(Prepare *p)
{
	char *block = p->to->block;
	const Graph *main = p->k->split.main;
	void **result = p->port + p->k->split.source.n;
	int64_t at = 0;
	for (int i = 0; i < main->param.n; i++) {
		const Node *w = main->param.at[i];
		if (is_state(w))
			continue;
		int64_t bytes = type_bytes(w->type), next = align_up(at + bytes);
		if (!ATTR_OF(w, param)->data)
			*result++ = block + at;
		else if (!copy_blob(p->c, w, block + at) || !touch(p, 2 * bytes))
			return false;
		memset(block + at + bytes, 0, (size_t)(next - at - bytes));
		at = next;
	}
	return true;
}

/* The steps begin..end as a program. */
static int run_group(const BurinProgram *whole, uint32_t begin, uint32_t end, void *ctx,
		     void **ports, void *work)
{
	BurinProgram part = *whole;
	BurinVariant v = *burin_rt_variant(whole);
	v.step += begin;
	v.n_steps = end - begin;
	part.variant = &v;
	part.n_variant = 1;
	return burin_rt_run(&part, ctx, 1, ports, work);
}

static bool run_steps(Prepare *p, const BurinProgram *program, void *ctx, void *work)
{
	const Plan *plan = p->k->prepare;
	int begin = 0;
	for (int i = 0; i < plan->step.n; i++) {
		p->touched += (int64_t)plan->step.at[i].bytes;
		if (p->touched < GROUP_BYTES && i + 1 < plan->step.n)
			continue;
		int status =
			run_group(program, (uint32_t)begin, (uint32_t)i + 1, ctx, p->port, work);
		if (status != BURIN_RT_OK)
			return diag_error(p->c->diag, (Loc){ 0 }, E7001,
					  "preparing the weights failed (%d)", status);
		if (!touch(p, 0))
			return false;
		begin = i + 1;
	}
	return true;
}

static bool run_prepare(Prepare *p, const Target *host, JitOptions o)
{
	JitProgram *jit = jit_program_once(p->c, p->k->prepare, host, o);
	if (!jit)
		return false;
	const BurinProgram *program = jit_table(jit);
	unsigned char ctx[BURIN_CTX_BYTES] = { 0 };
	burin_rt_ctx_init(program, ctx, o.threads > 0 ? o.threads : 1);
	size_t bytes = burin_rt_workspace_bytes(program, ctx);
	void *work = aligned_alloc(ALIGN, (size_t)align_up((int64_t)bytes + 1));
	bool ok = work ? run_steps(p, program, ctx, work) : out_of_memory(p->c, (int64_t)bytes);
	burin_rt_ctx_done(program, ctx);
	free(work);
	jit_destroy(jit);
	return ok;
}

/* The parameters prepare reads: bytes in memory each. */
static bool gather_sources(Prepare *p, Arena *a)
{
	for (int i = 0; i < p->k->split.source.n; i++) {
		const Node *s = p->k->split.source.at[i];
		const Blob *b = static_data(s);
		if (b && b->data && !b->splat) {
			p->port[i] = (void *)(uintptr_t)b->data;
			continue;
		}
		p->port[i] = arena_alloc(a, (size_t)type_bytes(s->type));
		if (!b || !copy_blob(p->c, s, p->port[i]))
			return diag_error(p->c->diag, s->loc, E4001, "parameter '%s' has no data",
					  s->name ? s->name : "?");
	}
	return true;
}

bool prepare_into(Context *c, const Compiled *k, const Target *host, JitOptions o,
		  const PrepareTo *to)
{
	Arena *a = arena_create();
	Prepare p = { .c = c, .k = k, .to = to };
	p.port = ARENA_ARRAY(a, void *, k->split.source.n + k->split.main->param.n + 1);
	bool ok = fill_direct(&p);
	if (ok && k->prepare)
		ok = gather_sources(&p, a) && run_prepare(&p, host, o);
	arena_destroy(a);
	return ok;
}

bool prepare_weights(Context *c, const Compiled *k, const Target *host, JitOptions o,
		     void **weights)
{
	int64_t bytes = align_up(k->main->weight_bytes + 1);
	PrepareTo to = { .block = aligned_alloc(ALIGN, (size_t)bytes) };
	bool ok = to.block ? prepare_into(c, k, host, o, &to) : out_of_memory(c, bytes);
	if (!ok) {
		free(to.block);
		to.block = NULL;
	}
	*weights = to.block;
	return ok;
}

bool constant_weights(Context *c, const Graph *g, const Plan *plan, void **weights)
{
	int64_t bytes = align_up(plan->weight_bytes + 1), at = 0;
	char *block = aligned_alloc(ALIGN, (size_t)bytes);
	bool ok = block != NULL || out_of_memory(c, bytes);
	if (ok)
		memset(block, 0, (size_t)bytes);
	for (int i = 0; ok && i < g->param.n; i++)
		if (!is_state(g->param.at[i])) {
			ok = copy_blob(c, g->param.at[i], block + at);
			at = align_up(at + type_bytes(g->param.at[i]->type));
		}
	if (!ok) {
		free(block);
		block = NULL;
	}
	*weights = block;
	return ok;
}

void weights_free(void *weights)
{
	free(weights);
}
