/* Weights that are parameters as they are get copied; the others are results of the prepare plan,
 * which runs like any program, with the model's parameters as inputs and places in the weight block
 * as outputs. */
#include "codegen/prepare.h"
#include "runtime/cpu/rt.h"
#include <stdlib.h>
#include <string.h>

enum { ALIGN = 64 };

static int64_t align_up(int64_t n)
{
	return (n + ALIGN - 1) / ALIGN * ALIGN;
}

static bool out_of_memory(Context *c, int64_t bytes)
{
	return diag_error(c->diag, (Loc){ 0 }, E5201, "no memory for %lld bytes of packed weights",
			  (long long)bytes);
}

/* The data of a parameter, repeated when the file holds one value for all. */
static bool copy_blob(Context *c, const Node *param, char *to)
{
	const Blob *b = static_data(param);
	int64_t item = dtype_info[b->type->dtype].bytes;
	if (!b->data)
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

/* Places of the weights in the block, in the order of the main plan's parameters; copies what needs
 * no computing. */
static bool fill_direct(Context *c, const Compiled *k, char *block, void **result)
{
	int64_t at = 0;
	int n_result = 0;
	for (int i = 0; i < k->split.main->param.n; i++) {
		const Node *w = k->split.main->param.at[i];
		if (!ATTR_OF(w, param)->data)
			result[n_result++] = block + at;
		else if (!copy_blob(c, w, block + at))
			return false;
		at = align_up(at + type_bytes(w->type));
	}
	return true;
}

static bool run_prepare(Context *c, const Compiled *k, const Target *host, JitOptions o,
			void **ports)
{
	JitProgram *jit = jit_program_once(c, k->prepare, host, o);
	if (!jit)
		return false;
	const BurinProgram *p = jit_table(jit);
	unsigned char ctx[BURIN_CTX_BYTES];
	burin_rt_ctx_init(p, ctx, o.threads > 0 ? o.threads : 1);
	size_t bytes = burin_rt_workspace_bytes(p, ctx);
	void *work = aligned_alloc(ALIGN, (size_t)align_up((int64_t)bytes + 1));
	int status = work ? burin_rt_run(p, ctx, 1, ports, work) : BURIN_RT_WORKSPACE;
	burin_rt_ctx_done(p, ctx);
	free(work);
	jit_destroy(jit);
	if (!work)
		return out_of_memory(c, (int64_t)bytes);
	return status == BURIN_RT_OK ||
	       diag_error(c->diag, (Loc){ 0 }, E7001, "preparing the weights failed (%d)", status);
}

/* The parameters prepare reads: bytes in memory each. */
static bool gather_sources(Context *c, const Compiled *k, Arena *a, void **ports)
{
	for (int i = 0; i < k->split.source.n; i++) {
		const Node *s = k->split.source.at[i];
		const Blob *b = static_data(s);
		if (b && b->data && !b->splat) {
			ports[i] = (void *)(uintptr_t)b->data;
			continue;
		}
		ports[i] = arena_alloc(a, (size_t)type_bytes(s->type));
		if (!b || !copy_blob(c, s, ports[i]))
			return diag_error(c->diag, s->loc, E4001, "parameter '%s' has no data",
					  s->name ? s->name : "?");
	}
	return true;
}

bool prepare_weights(Context *c, const Compiled *k, const Target *host, JitOptions o,
		     void **weights)
{
	int64_t bytes = align_up(k->main->weight_bytes + 1);
	Arena *a = arena_create();
	char *block = aligned_alloc(ALIGN, (size_t)bytes);
	int n_source = k->split.source.n;
	void **ports = ARENA_ARRAY(a, void *, n_source + k->split.main->param.n + 1);
	bool ok = block != NULL || out_of_memory(c, bytes);
	if (ok)
		memset(block, 0, (size_t)bytes);
	ok = ok && fill_direct(c, k, block, ports + n_source);
	if (ok && k->prepare)
		ok = gather_sources(c, k, a, ports) && run_prepare(c, k, host, o, ports);
	arena_destroy(a);
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
