/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The reading half of the public interface: burin_read, burin_write, burin_graph_free. */
#include "base/io.h"
#include "base/oom.h"
#include "base/opts.h"
#include "base/sha256.h"
#include "base/status.h"
#include "frontend/frontend.h"
#include "ir/model.h"
#include <stdlib.h>
#include <string.h>

/* Names:
 *   bind.NAME = number                      a symbol or a scalar input
 *   size = number                           what free symbols are by default
 *   model-weights = FILE, random:seed=N or init:seed=N
 *   initial-weights = the same, for a model that names none
 *   fresh = NAME,NAME                       parameters that start anew
 *   seed = number                           of parameters that a weight file lacks
 *   fp = contract | strict | fast
 *   emit.fold, emit.cse, emit.rules = on | off
 *   check-only = on                         parameters without data */
static bool bad_value(Context *c, const char *key, const char *value, const char *want)
{
	return diag_error(c->diag, (Loc){ 0 }, E5001, "option %s: '%s' is not %s", key, value,
			  want);
}

/* *out stays when the option is not set. */
static bool read_switch(Context *c, const burin_opts *o, const char *key, bool *out)
{
	const char *v = opts_get(o, key);
	if (!v)
		return true;
	*out = str_eq(v, "on") || str_eq(v, "yes");
	return *out || str_eq(v, "off") || str_eq(v, "no") || bad_value(c, key, v, "on or off");
}

static bool read_fp(Context *c, const burin_opts *o)
{
	const char *v = opts_get(o, "fp");
	if (!v || str_eq(v, "contract"))
		c->fp = FP_CONTRACT;
	else if (str_eq(v, "strict"))
		c->fp = FP_STRICT;
	else if (str_eq(v, "fast"))
		c->fp = FP_FAST;
	else
		return bad_value(c, "fp", v, "strict, contract or fast");
	return true;
}

static bool read_bindings(Context *c, const burin_opts *o, ReadOptions *r)
{
	bool ok = true;
	for (int i = 0; i < opts_count(o); i++) {
		const char *key, *value;
		double v;
		opts_at(o, i, &key, &value);
		if (!str_starts(key, "bind."))
			continue;
		if (!parse_f64(value, strlen(value), &v)) {
			ok = bad_value(c, key, value, "a number");
			continue;
		}
		opts_get(o, key); /* it is read */
		Binding b = { arena_strdup(c->arena, key + 5), v };
		vec_push(c->arena, &r->bind, b);
	}
	return ok;
}

static void read_fresh(Context *c, const char *names, ReadOptions *r)
{
	const char *item;
	size_t n;
	if (!names)
		return;
	for (ListCursor l = list_cursor(names); list_next(&l, &item, &n);) {
		const char *name = arena_strndup(c->arena, item, n);
		vec_push(c->arena, &r->fresh, name);
	}
}

/* NULL where the option is not set. */
static bool read_weights(Context *c, const burin_opts *o, const char *key, const char **out)
{
	const char *v = opts_get(o, key);
	*out = v ? arena_strdup(c->arena, v) : NULL; /* rebuild outlives o */
	return !v || !(str_starts(v, "random:") || str_starts(v, "init:")) || weights_are_made(v) ||
	       bad_value(c, key, v, "random:seed=N with a whole number N");
}

static bool read_options(Context *c, const burin_opts *o, ReadOptions *r)
{
	const char *size = opts_get(o, "size");
	int64_t number;
	c->emit_fold = c->emit_cse = c->emit_rules = true;
	if (!read_switch(c, o, "emit.fold", &c->emit_fold) ||
	    !read_switch(c, o, "emit.cse", &c->emit_cse) ||
	    !read_switch(c, o, "emit.rules", &c->emit_rules) ||
	    !read_switch(c, o, "check-only", &r->shapes_only))
		return false;
	if (!read_weights(c, o, "model-weights", &r->weights) ||
	    !read_weights(c, o, "initial-weights", &r->start))
		return false;
	read_fresh(c, opts_get(o, "fresh"), r);
	const char *seed = opts_get(o, "seed");
	if (seed && !parse_i64(seed, strlen(seed), &number))
		return bad_value(c, "seed", seed, "a whole number");
	r->seed = seed ? (uint64_t)number : 0;
	if (size && (!parse_i64(size, strlen(size), &r->default_size) || r->default_size < 1))
		return bad_value(c, "size", size, "a positive whole number");
	return read_fp(c, o) && read_bindings(c, o, r);
}

static void close_graph(burin_graph *g)
{
	weights_close(g->weights);
	arena_destroy(g->arena);
	context_destroy(g->ctx);
	free(g);
}

static void rest_graph(const burin_graph *g)
{
	weights_rest(g->weights);
}

/* --- batch = 1,8: the symbol that leads the first input -------------------------------------- */

/* The first symbol in the shape of the first input; *leads: before any number. A training's batch
 * may stand behind numbers, "7,N,6" of a recurrent layer: its rows need not be in one piece. */
static const char *batch_symbol(const ElemList *list, Arena *a, bool *leads)
{
	for (int i = 0; i < list->elem.n; i++) {
		const Elem *e = &list->elem.at[i];
		const char *shape = str_eq(e->op, "input") ? elem_text(e, "shape", "") : NULL;
		if (!shape)
			continue;
		const char *item;
		size_t n;
		*leads = true;
		for (ListCursor l = list_cursor(shape); list_next(&l, &item, &n); *leads = false)
			if (n && !(item[0] >= '0' && item[0] <= '9'))
				return arena_strndup(a, item, n);
		return NULL;
	}
	return NULL;
}

static bool read_sizes(burin_graph *g, const char *text)
{
	for (const char *at = text;; at++) {
		size_t n = strcspn(at, ",");
		int64_t size;
		if (!parse_i64(at, n, &size) || size < 1)
			return bad_value(g->ctx, "batch", text,
					 "a list of whole numbers above 0, such as 1,8");
		if (g->n_batch == MAX_BATCHES)
			return diag_error(g->ctx->diag, (Loc){ 0 }, E5001,
					  "option batch: more than %d sizes", MAX_BATCHES);
		int k = g->n_batch++;
		for (; k > 0 && g->batch[k - 1] < size; k--)
			g->batch[k] = g->batch[k - 1];
		if (k > 0 && g->batch[k - 1] == size)
			return diag_error(g->ctx->diag, (Loc){ 0 }, E5001,
					  "option batch: %lld is named twice", (long long)size);
		g->batch[k] = size;
		at += n;
		if (!*at)
			return true;
	}
}

static bool fixed_batch(burin_graph *g, const char *what)
{
	diag_error(g->ctx->diag, g->list->loc, E5112,
		   "%s: the first input does not lead with a symbol", what);
	diag_hint(g->ctx->diag, "write its shape as N,... in place of a number");
	return false;
}

static Graph *rebuild(burin_graph *g, int64_t batch, bool training)
{
	const ReadOptions *read = g->read_options;
	ReadOptions r = *read;
	Binding b = { g->batch_symbol, (double)batch };
	r.training = training;
	if (batch && !g->batch_symbol && !fixed_batch(g, "batch size"))
		return NULL;
	if (batch) {
		memset(&r.bind, 0, sizeof r.bind);
		vec_push(g->arena, &r.bind, b);
	}
	for (int i = 0; batch && i < read->bind.n; i++)
		if (!str_eq(read->bind.at[i].name, b.name))
			vec_push(g->arena, &r.bind, read->bind.at[i]);
	return build_graph(g->ctx, g->arena, g->list, g->weights, &r);
}

/* An artefact that trains has a batch for its steps; inference is of one row unless said else. */
static bool needs_row(const burin_graph *g, const burin_opts *o, const ReadOptions *r)
{
	bool bound = !g->batch_symbol || r->default_size || !opts_get(o, "train");
	for (int i = 0; i < r->bind.n && !bound; i++)
		bound = str_eq(r->bind.at[i].name, g->batch_symbol);
	return !bound;
}

/* Binds the leading symbol to the smallest size; rebuild makes the others. */
static bool read_batch(burin_graph *g, const burin_opts *o, ReadOptions *r)
{
	const char *text = opts_get(o, "batch");
	if (!text && !needs_row(g, o, r))
		return true;
	text = text ? text : "1";
	if (!read_sizes(g, text))
		return false;
	if (!g->batch_symbol ||
	    (!g->batch_leads && (opts_get(o, "batch") || opts_get(o, "free-batch"))))
		return fixed_batch(g, "option batch");
	for (int i = 0; i < r->bind.n; i++)
		if (str_eq(r->bind.at[i].name, g->batch_symbol))
			return diag_error(
				g->ctx->diag, (Loc){ 0 }, E5001,
				"option batch: option bind.%s gives the size '%s' as well",
				g->batch_symbol, g->batch_symbol);
	Binding b = { g->batch_symbol, (double)g->batch[g->n_batch - 1] };
	vec_push(g->arena, &r->bind, b);
	return true;
}

bool model_open(burin_graph *g, const char *path, const burin_opts *o, ReadOptions *r)
{
	WeightSet *w = NULL;
	g->ctx = context_create();
	g->arena = arena_create();
	g->path = arena_strdup(g->arena, path);
	g->close = close_graph;
	g->rest = rest_graph;
	if (!read_options(g->ctx, o, r))
		return false;
	g->list = read_elements(g->ctx, g->arena, g->path, r, &w);
	g->weights = w;
	if (!r->weights && !w)
		r->weights = r->start;
	if (!g->list)
		return false;
	g->batch_symbol = batch_symbol(g->list, g->arena, &g->batch_leads);
	return read_batch(g, o, r);
}

bool model_build(burin_graph *g, const ReadOptions *r)
{
	g->rebuild = rebuild;
	g->read_options = arena_copy(g->arena, r, sizeof *r);
	g->graph = build_graph(g->ctx, g->arena, g->list, g->weights, r);
	return g->graph != NULL;
}

burin_status burin_read(burin_graph **out, const char *path, const burin_opts *o,
			const burin_hooks *h, burin_error *err)
{
	OomScope scope;
	if (out)
		*out = NULL;
	if (!out || !path)
		return rt_fail(err, BURIN_E_ARG, 0, "out or path is NULL");
	burin_graph *volatile g = calloc(1, sizeof **out);
	if (g && OOM_GUARD(&scope)) {
		ReadOptions r = { 0 };
		burin_status s;
		if (model_open(g, path, o, &r))
			model_build(g, &r);
		diag_sort(g->ctx->diag);
		diag_to_hooks(g->ctx->diag, h);
		s = diag_status(g->ctx->diag, err);
		oom_leave(&scope);
		if (s == BURIN_OK)
			*out = g;
		else
			close_graph(g);
		return s;
	}
	free(g);
	return rt_fail(err, BURIN_E_MEMORY, 1008, "out of memory");
}

burin_status burin_write(const burin_graph *g, const char *path, const burin_opts *o,
			 burin_error *err)
{
	OomScope scope;
	(void)o;
	if (!g || !path)
		return rt_fail(err, BURIN_E_ARG, 0, "graph or path is NULL");
	if (OOM_GUARD(&scope)) {
		model_write(g->ctx, g->list, path);
		burin_status s = diag_status(g->ctx->diag, err);
		oom_leave(&scope);
		return s;
	}
	return rt_fail(err, BURIN_E_MEMORY, 1008, "out of memory");
}

void burin_graph_free(burin_graph *g)
{
	if (g)
		g->close(g);
}
