/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The compiling half of the public interface: burin_compile. */
#include "base/oom.h"
#include "base/opts.h"
#include "codegen/artifact/artifact.h"
#include "codegen/job.h"
#include "codegen/state.h"
#include "ir/model.h"
#include "passes/settings.h"
#include "runtime/model.h"
#include <stdlib.h>
#include <string.h>

/* Names beside those of passes/settings.h:
 *   multiversion = x86-64-v4,x86-64-v3
 *   compile-threads = N
 *   cache = off
 *   linker, prefix, header, source = text
 *   weights = embed | beside
 *   train = yes | N
 *   seed = N */
enum { MOST_THREADS = 64 };

static bool read_threads(CompileJob *j)
{
	const char *v = opts_get(j->o, "compile-threads");
	int64_t n;
	if (v && (!parse_i64(v, strlen(v), &n) || n < 1 || n > MOST_THREADS))
		return diag_error(j->c->diag, (Loc){ 0 }, E5001,
				  "option compile-threads: '%s' is not 1 to %d", v, MOST_THREADS);
	Target host;
	target_find("native", &host);
	int cores = host.cores < MOST_THREADS ? host.cores : MOST_THREADS;
	j->co.threads = v ? (int)n : cores > 0 ? cores : 1;
	return true;
}

static int progress(void *user, const char *stage, int64_t done, int64_t total)
{
	const burin_hooks *h = user;
	return h->progress(h->user, stage, (uint64_t)done, (uint64_t)total);
}

static bool is_listed(const CompileJob *j, const Target *t)
{
	for (int i = 0; i < j->ao.n_target; i++)
		if (str_eq(j->target[i].name, t->name))
			return true;
	return false;
}

/* A comma list; the best first, whatever order was given. */
static bool read_targets(CompileJob *j)
{
	const char *list = opts_get(j->o, "multiversion"), *one = opts_get(j->o, "target.cpu");
	if (j->co.pass.target.kind == TARGET_CUDA) {
		j->target[j->ao.n_target++] = j->co.pass.target;
		return true;
	}
	const char *text = list ? list : one ? one : "x86-64-v4,x86-64-v3";
	if (list && one)
		return diag_error(j->c->diag, (Loc){ 0 }, E5001,
				  "option multiversion: option target.cpu names the CPU as well");
	for (bool more = true; more;) {
		size_t n = strcspn(text, ",");
		char *name = arena_strndup(j->c->arena, text, n);
		Target t;
		if (!target_find(name, &t)) {
			diag_error(j->c->diag, (Loc){ 0 }, E5001, "unknown CPU '%s'", name);
			diag_hint(j->c->diag, "one of native, x86-64-v2, x86-64-v3, x86-64-v4");
			return false;
		}
		if (is_listed(j, &t))
			return diag_error(j->c->diag, (Loc){ 0 }, E5001,
					  "option multiversion: '%s' is named twice", name);
		if (j->ao.n_target == MAX_TARGETS)
			return diag_error(j->c->diag, (Loc){ 0 }, E5001,
					  "option multiversion: more than %d CPUs", MAX_TARGETS);
		int at = j->ao.n_target++;
		for (; at > 0 && j->target[at - 1].vector_bytes <= t.vector_bytes &&
		       strcmp(j->target[at - 1].name, t.name) < 0;
		     at--)
			j->target[at] = j->target[at - 1];
		j->target[at] = t;
		more = text[n] == ',';
		text += n + more;
	}
	bool is_text = str_ends(j->ao.path, ".ll") || str_ends(j->ao.path, ".s");
	if (is_text && list && j->ao.n_target > 1)
		return diag_error(j->c->diag, (Loc){ 0 }, E5001,
				  "option multiversion: a text is for one CPU, name one");
	return true;
}

/* Unlikely sizes of anything else in a model, and without a common factor: at one size alone the
 * batch may look like another dimension, at 1 like one that is repeated. */
static const int64_t batch_judged[BATCHES_JUDGED] = { 11, 13 };

/* The graphs of option `batch`. A single size needs no size argument: the graph is bound to it. */
static bool read_batches(CompileJob *j, const burin_graph *g)
{
	bool any = false;
	if (g->n_batch == 1 && !settings_switch(j->c, j->o, "free-batch", &any))
		return false;
	if (g->n_batch < 2 && !any)
		return true;
	if (j->co.pass.target.kind == TARGET_CUDA) {
		diag_error(j->c->diag, (Loc){ 0 }, E5101,
			   "option %s: an artefact for GPUs is of one batch size",
			   g->n_batch > 1 ? "batch" : "free-batch");
		diag_hint(j->c->diag, "compile one for each size: --batch %lld",
			  (long long)g->batch[0]);
		return false;
	}
	BatchGraph *list = ARENA_ARRAY(j->c->arena, BatchGraph, g->n_batch);
	for (int i = 0; i < g->n_batch; i++) {
		bool own = i == g->n_batch - 1; /* already built */
		list[i].graph = own ? g->graph : g->rebuild((burin_graph *)g, g->batch[i], false);
		list[i].batch = g->batch[i];
		if (!list[i].graph)
			return false;
	}
	for (int i = 0; i < BATCHES_JUDGED; i++) {
		int64_t n = batch_judged[i];
		j->ao.judged[i] = (BatchGraph){ g->rebuild((burin_graph *)g, n, false), n };
		if (!j->ao.judged[i].graph) {
			diag_note(j->c->diag, (Loc){ 0 },
				  "with a batch of %d, which a file for any batch has to take",
				  (int)n);
			return false;
		}
	}
	j->ao.batch = list;
	j->ao.n_batch = g->n_batch;
	if (g->batch[g->n_batch - 1] == 1)
		return true;
	diag_error(j->c->diag, (Loc){ 0 }, E5112, "option batch: 1 must be among the sizes");
	diag_hint(j->c->diag, "other sizes are made as sums of those given");
	return false;
}

static void rest(void *graph)
{
	const burin_graph *g = graph;
	g->rest(g);
}

static bool cannot_train(CompileJob *j, const char *what, const char *hint)
{
	diag_error(j->c->diag, (Loc){ 0 }, E5101, "option train: %s", what);
	diag_hint(j->c->diag, "%s", hint);
	return false;
}

/* The graph of option `train`, with the batch that it or the model says. */
static bool read_training(CompileJob *j, const burin_graph *g)
{
	const char *rows = opts_get(j->o, "train");
	int64_t n = 0;
	if (!rows || str_eq(rows, "no"))
		return true;
	if (*rows && !str_eq(rows, "yes") && (!parse_i64(rows, strlen(rows), &n) || n < 1))
		return diag_error(j->c->diag, (Loc){ 0 }, E5001,
				  "option train: '%s' is not yes, no or the rows of a step", rows);
	if (j->co.pass.target.kind == TARGET_CUDA)
		return cannot_train(j, "not for GPUs ahead of time",
				    "leave --device away: the step is for CPUs");
	if (j->ao.weights_beside)
		return cannot_train(j, "weights that are trained do not lie beside the artefact",
				    "leave --weights beside away");
	Graph *t = g->rebuild((burin_graph *)g, n, true);
	if (t && n == 0 && g->batch_symbol) {
		n = ((const Attr_training *)t->training)->batch;
		t = g->rebuild((burin_graph *)g, n, true);
	}
	j->ao.train = t;
	j->ao.train_state = opts_get(j->o, "train-state");
	j->ao.train_batch = n;
	return t && state_seed(j->c, j->o, &j->ao.seed);
}

/* Names that settings_read has checked. */
static bool read_gpus(CompileJob *j)
{
	bool on_gpu = j->co.pass.target.kind == TARGET_CUDA;
	const char *names = on_gpu ? opts_get(j->o, "gpu") : NULL;
	GpuList *g = &j->co.gpus;
	for (names = names ? names : "sm_80"; *names;) {
		size_t n = strcspn(names, ",");
		int arch = atoi(names + strlen("sm_"));
		for (int i = 0; i < g->n; i++)
			if (g->arch[i] == arch)
				return diag_error(j->c->diag, (Loc){ 0 }, E5001,
						  "option gpu: 'sm_%d' is named twice", arch);
		if (g->n == MAX_GPUS)
			return diag_error(j->c->diag, (Loc){ 0 }, E5001,
					  "option gpu: more than %d GPUs", MAX_GPUS);
		g->arch[g->n++] = arch;
		names += n + (names[n] == ',');
	}
	return true;
}

static bool read_emulation(CompileJob *j)
{
	const char *device = opts_get(j->o, "device");
	int64_t n = 1;
	j->co.emulate = device && str_eq(device, "cuda-emu");
	if (!j->co.emulate)
		return true;
	const char *seed = opts_get(j->o, "emu.seed");
	j->co.emu_compiler = opts_get(j->o, "emu.cc");
	if (seed && !parse_i64(seed, strlen(seed), &n))
		return diag_error(j->c->diag, (Loc){ 0 }, E5001,
				  "option emu.seed: '%s' is not a whole number", seed);
	j->co.emu_seed = (uint64_t)n;
	return true;
}

/* What is for files alone. Text and objects are not linked, text has no header. */
static bool read_file_options(CompileJob *j, const burin_graph *g, const char *path)
{
	const char *weights = opts_get(j->o, "weights");
	bool object = str_ends(path, ".so") || str_ends(path, ".a") || str_ends(path, ".o");
	if (weights && !str_eq(weights, "beside") && !str_eq(weights, "embed"))
		return diag_error(j->c->diag, (Loc){ 0 }, E5001,
				  "option weights: '%s' is neither embed nor beside", weights);
	j->ao.path = path;
	j->ao.prefix = opts_get(j->o, "prefix");
	j->ao.linker = str_ends(path, ".so") ? opts_get(j->o, "linker") : NULL;
	j->ao.header = object ? opts_get(j->o, "header") : NULL;
	j->ao.source = opts_get(j->o, "source");
	j->ao.source_hash = g->sha256[0] ? g->sha256 : NULL;
	j->ao.weights_beside = weights && str_eq(weights, "beside");
	j->ao.weights_embed = weights && str_eq(weights, "embed");
	j->ao.target = j->target;
	const char *wrong = j->ao.prefix ? artifact_prefix_error(j->ao.prefix) : NULL;
	return !wrong || diag_error(j->c->diag, (Loc){ 0 }, E5001, "option prefix: '%s': %s",
				    j->ao.prefix, wrong);
}

static bool read_job(CompileJob *j, const burin_graph *g, const char *path)
{
	if (!read_threads(j))
		return false;
	if (j->h && j->h->progress) {
		j->co.progress = progress;
		j->co.user = (void *)j->h;
	}
	if (g->rest) {
		j->co.rest = rest;
		j->co.user_rest = (void *)(uintptr_t)g;
	}
	if (path && !read_file_options(j, g, path))
		return false;
	if (!settings_read(j->c, j->o, &j->co.pass) || !read_emulation(j) || !read_gpus(j))
		return false;
	return !path || (read_targets(j) && read_batches(j, g) && read_training(j, g));
}

static burin_status compile_jit(CompileJob *j, const Graph *g, burin_model **out, burin_error *err)
{
	Program *p = program_compile(j->c, g, &j->co);
	return p ? program_model(p, out, err) : diag_status(j->c->diag, err);
}

bool compile_job_begin(CompileJob *j, const burin_graph *g, const char *path)
{
	bool use = true;
	if (!settings_switch(j->c, j->o, "cache", &use) || !read_job(j, g, path))
		return false;
	j->cache = use ? cache_open(NULL, 0) : NULL;
	j->hooks = cache_hooks(j->cache);
	j->co.cache = j->cache ? &j->hooks : NULL;
	return true;
}

void compile_job_end(CompileJob *j)
{
	cache_close(j->cache);
	j->cache = NULL;
}

static burin_status compile(CompileJob *j, const burin_graph *g, const char *path,
			    burin_model **jit, burin_error *err)
{
	burin_status s = BURIN_OK;
	if (!compile_job_begin(j, g, path))
		return diag_status(j->c->diag, err);
	if (path && !compile_artifact(j->c, g->graph, &j->co, &j->ao, NULL))
		s = diag_status(j->c->diag, err);
	if (s == BURIN_OK && jit)
		s = compile_jit(j, g->graph, jit, err);
	compile_job_end(j);
	diag_to_hooks(j->c->diag, j->h);
	return s;
}

burin_status burin_compile(const burin_graph *g, const char *out_path, burin_model **jit,
			   const burin_opts *o, const burin_hooks *h, burin_error *err)
{
	OomScope scope;
	if (!g || (!out_path && !jit))
		return rt_fail(err, BURIN_E_ARG, 0,
			       "a graph, and a path or a place for the model are needed");
	if (jit)
		*jit = NULL;
	if (OOM_GUARD(&scope)) {
		CompileJob j = { .c = g->ctx, .o = o, .h = h };
		burin_status s = compile(&j, g, out_path, jit, err);
		oom_leave(&scope);
		return s;
	}
	return rt_fail(err, BURIN_E_MEMORY, 1008, "out of memory");
}
