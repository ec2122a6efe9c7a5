/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
#include "tests/random/net.h"
#include "include/burin.h"
#include "ir/model.h"
#include "passes/expand.h"
#include "passes/train.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { STEPS = 3, PORTS = 4 };
static const double RATE = 0.05;

/* What the first line says. */
typedef struct How {
	const char *fp, *target;
	int threads, batch, seed, free_batch;
	bool off[PASS_COUNT], again[PASS_COUNT];
} How;

typedef struct NetTrial {
	Arena *arena;
	Str *what;
	How how;
	char folder[64];
	const char *path;
	burin_graph *g;
	burin_trainer *t, *threaded, *other; /* other passes are off; or NULL */
	Graph *core;                         /* a step, without macros */
	uint64_t random;
	const burin_port *port;
	int n_port;
	EvalTensor in[PORTS];
	burin_tensor tensor[PORTS];
	int64_t shape[PORTS][MAX_RANK];
} NetTrial;

static Verdict failed(NetTrial *z, Verdict v, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
static Verdict failed(NetTrial *z, Verdict v, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	str_vfmt(z->what, fmt, ap);
	va_end(ap);
	str_char(z->what, '\n');
	return v;
}

/* --- options ---------------------------------------------------------------------------------- */

static void set_pass(bool *off, const char *name)
{
	PassId id;
	if (pass_find(name, &id))
		off[id] = true;
}

static How read_how(Arena *arena, const char *text)
{
	How h = { .fp = "contract", .target = "native", .threads = 2, .batch = 2, .seed = 1 };
	char *line = arena_strndup(arena, text, strcspn(text, "\n")), *save = NULL;
	for (char *p = strtok_r(line, " ", &save); p; p = strtok_r(NULL, " ", &save)) {
		char *value = strchr(p, '=');
		if (!value)
			continue;
		*value++ = '\0';
		if (str_eq(p, "fp"))
			h.fp = value;
		else if (str_eq(p, "target"))
			h.target = value;
		else if (str_eq(p, "threads"))
			h.threads = atoi(value);
		else if (str_eq(p, "batch"))
			h.batch = atoi(value);
		else if (str_eq(p, "seed"))
			h.seed = atoi(value);
		else if (str_eq(p, "free-batch"))
			h.free_batch = atoi(value);
		else if (str_eq(p, "off"))
			set_pass(h.off, value);
		else if (str_eq(p, "again"))
			set_pass(h.again, value);
	}
	return h;
}

static bool set(burin_opts *o, const char *key, const char *value, burin_error *e)
{
	return burin_opts_set(o, key, value, e) == BURIN_OK;
}

static burin_opts *options(NetTrial *z, int threads, const bool *off, burin_error *e)
{
	burin_opts *o = NULL;
	Arena *a = z->arena;
	bool ok = burin_opts_new(&o, e) == BURIN_OK && set(o, "fp", z->how.fp, e) &&
		  set(o, "target.cpu", z->how.target, e) && set(o, "cache", "off", e) &&
		  set(o, "model-weights", arena_printf(a, "init:seed=%d", z->how.seed), e) &&
		  set(o, "threads", arena_printf(a, "%d", threads), e);
	for (int i = 0; ok && i < PASS_COUNT; i++)
		if (off[i])
			ok = set(o, arena_printf(a, "passes.%s", pass_info[i].name), "off", e);
	return ok ? o : NULL;
}

/* --- data ------------------------------------------------------------------------------------- */

static double next_number(NetTrial *z)
{
	z->random = z->random * 6364136223846793005u + 1442695040888963407u;
	return (double)(z->random >> 11) * 0x1p-53;
}

/* New values for every input of the step, `n` rows each. */
static void next_batch(NetTrial *z, int n)
{
	for (int p = 0; p < z->n_port; p++) {
		const burin_tensor *spec = &z->port[p].spec;
		bool whole = spec->dtype.code == 0;
		for (int d = 0; d < spec->ndim; d++)
			z->shape[p][d] = spec->shape[d] < 0 ? n : spec->shape[d];
		const Type *t =
			type_get(z->g->ctx, whole ? DT_i64 : DT_f32, spec->ndim, z->shape[p]);
		z->in[p] = eval_tensor(z->arena, t);
		for (int64_t i = 0; i < t->count; i++)
			if (whole)
				z->in[p].i[i] = (int64_t)(next_number(z) * 3);
			else
				z->in[p].f[i] = (double)(float)(next_number(z) * 4 - 2);
		z->tensor[p] = *spec;
		z->tensor[p].shape = z->shape[p];
		z->tensor[p].data = arena_alloc(z->arena, (size_t)type_bytes(t) + 64);
		eval_to_data(&z->in[p], z->tensor[p].data);
	}
}

/* --- the state -------------------------------------------------------------------------------- */

static bool state_of(NetTrial *z, burin_trainer *t, const Node *param, EvalTensor *out)
{
	const burin_port *p;
	size_t n = burin_trainer_state(t, &p);
	for (size_t i = 0; i < n; i++)
		if (str_eq(p[i].name, ATTR_OF(param, param)->name)) {
			*out = eval_from_data(z->arena, param->type, p[i].spec.data);
			return true;
		}
	return false;
}

static size_t port_bytes(const burin_port *p)
{
	size_t n = p->spec.dtype.bits / 8;
	for (int d = 0; d < p->spec.ndim; d++)
		n *= (size_t)p->spec.shape[d];
	return n;
}

/* The name of a tensor of the state that two trainers have differently; NULL: none. */
static const char *differing(burin_trainer *a, burin_trainer *b)
{
	const burin_port *p, *q;
	size_t n = burin_trainer_state(a, &p), m = burin_trainer_state(b, &q);
	for (size_t i = 0; i < n && i < m; i++) {
		size_t bytes = port_bytes(&p[i]);
		tally()->repeated += (int64_t)(bytes / (p[i].spec.dtype.bits / 8));
		if (memcmp(p[i].spec.data, q[i].spec.data, bytes) != 0)
			return p[i].name;
	}
	return n == m ? NULL : "(their number)";
}

/* --- a step ----------------------------------------------------------------------------------- */

static bool one_step(NetTrial *z, burin_trainer *t, double *loss, burin_error *e)
{
	double metrics[8];
	bool ok =
		burin_train_step(t, RATE, z->tensor, (size_t)z->n_port, metrics, 1, e) == BURIN_OK;
	*loss = ok ? metrics[0] : 0;
	return ok;
}

static int64_t outside(const Bounded *want, const EvalTensor *have)
{
	int64_t unknown = 0, i = bound_outside(want, have, &unknown);
	tally()->elements += have->type->count;
	tally()->unknown += unknown;
	return i;
}

/* The step's loss and next state, from the state before. */
static Verdict follow(NetTrial *z, int step)
{
	Context *c = z->g->ctx;
	const Graph *g = z->core;
	EvalTensor *param = ARENA_ARRAY(z->arena, EvalTensor, g->param.n + 1), in[PORTS + 1], have;
	Bounded *out = ARENA_ARRAY(z->arena, Bounded, g->result.n + 1);
	Bounded *next = ARENA_ARRAY(z->arena, Bounded, g->update.n + 1);
	burin_error e = { .size = sizeof e };
	double loss, other;
	if (g->input.n != z->n_port + 1)
		return failed(z, INVALID, "the step wants %d inputs, not %d", g->input.n,
			      z->n_port + 1);
	for (int i = 0; i < z->n_port; i++)
		in[i] = z->in[i];
	in[z->n_port] = eval_tensor(z->arena, g->input.at[z->n_port]->type);
	in[z->n_port].f[0] = (double)(float)RATE;
	for (int i = 0; i < g->param.n; i++)
		if (!state_of(z, z->t, g->param.at[i], &param[i]))
			return failed(z, FAULT, "the state lacks %s", g->param.at[i]->name);
	BoundOptions o = { .param = param, .next = next };
	if (!bound_graph(g, z->arena, in, out, o))
		return failed(z, INVALID, "no reference: %s",
			      diag_count(c->diag) ? diag_at(c->diag, 0)->message : "");
	if (!one_step(z, z->t, &loss, &e))
		return failed(z, REFUSED, "step %d: %s", step, e.message);
	have = eval_tensor(z->arena, out[0].value.type);
	have.f[0] = loss;
	if (outside(&out[0], &have) >= 0)
		return failed(z, WRONG, "step %d: the loss is %.9g, not %.9g (error %.3g)", step,
			      loss, out[0].value.f[0], out[0].error.f[0]);
	for (int u = 0; u < g->update.n; u++) {
		const Node *n = g->update.at[u].state;
		state_of(z, z->t, n, &have);
		int64_t i = outside(&next[u], &have);
		if (i >= 0 && have.f)
			return failed(z, WRONG, "step %d: %s[%lld] is %.9g, not %.9g (error %.3g)",
				      step, ATTR_OF(n, param)->name, (long long)i, have.f[i],
				      next[u].value.f[i], next[u].error.f[i]);
		if (i >= 0)
			return failed(z, WRONG, "step %d: %s[%lld] is %lld, not %lld", step,
				      ATTR_OF(n, param)->name, (long long)i, (long long)have.i[i],
				      (long long)next[u].value.i[i]);
	}
	if (!one_step(z, z->threaded, &other, &e) ||
	    (z->other && !one_step(z, z->other, &other, &e)))
		return failed(z, REFUSED, "step %d: %s", step, e.message);
	return RIGHT;
}

/* The metrics as inference computes them. */
static Verdict judge_inference(NetTrial *z)
{
	PassOptions plain = { .verify = true };
	Pass p = { .ctx = z->g->ctx, .o = &plain };
	Graph *built = z->g->rebuild(z->g, z->how.batch, true);
	Graph *g = built ? judge_graph(&p, built, z->arena) : NULL;
	burin_error e = { .size = sizeof e };
	double metrics[8];
	Bounded out[8];
	g = g ? expand_macros(g, z->arena) : NULL;
	if (!g || g->result.n > 8 || g->input.n > z->n_port)
		return g ? RIGHT : failed(z, INVALID, "no graph to judge");
	EvalTensor *param = ARENA_ARRAY(z->arena, EvalTensor, g->param.n + 1), have;
	for (int i = 0; i < g->param.n; i++)
		if (!state_of(z, z->t, g->param.at[i], &param[i]))
			return failed(z, FAULT, "the state lacks %s", g->param.at[i]->name);
	if (!bound_graph(g, z->arena, z->in, out, (BoundOptions){ .param = param }))
		return failed(z, INVALID, "no reference for inference");
	if (burin_eval_step(z->t, z->tensor, (size_t)z->n_port, metrics, 1, &e) != BURIN_OK)
		return failed(z, REFUSED, "inference: %s", e.message);
	have = eval_tensor(z->arena, out[0].value.type);
	have.f[0] = metrics[0];
	if (outside(&out[0], &have) >= 0)
		return failed(z, WRONG, "inference: the loss is %.9g, not %.9g (error %.3g)",
			      metrics[0], out[0].value.f[0], out[0].error.f[0]);
	return RIGHT;
}

/* --- one size of batch, any number of rows ---------------------------------------------------- */

/* A file for batches of 1 and any number of rows gives what the model gives for so many; or it is
 * refused, since the model mixes items. */
static Verdict judge_batch(NetTrial *z)
{
	burin_error e = { .size = sizeof e };
	burin_opts *o = options(z, 1, z->how.off, &e);
	burin_graph *g = NULL;
	burin_model *m = NULL;
	burin_exec *x = NULL;
	const char *so = arena_printf(z->arena, "%s/net.so", z->folder);
	Verdict v = INVALID;
	if (!o || !set(o, "batch", "1", &e) || !set(o, "free-batch", "yes", &e) ||
	    burin_read(&g, z->path, o, NULL, &e) != BURIN_OK)
		return failed(z, INVALID, "batch: %s", e.message);
	int n = z->how.batch;
	burin_status s = burin_compile(g, so, NULL, o, NULL, &e);
	if (s != BURIN_OK) {
		v = e.code == 5112 ? RIGHT : failed(z, REFUSED, "batch: %s", e.message);
	} else if (v = FAULT, burin_load(&m, so, NULL, &e) != BURIN_OK ||
				      burin_exec_new(&x, m, NULL, 0, NULL, &e) != BURIN_OK) {
		failed(z, FAULT, "batch: %s", e.message);
	} else {
		Graph *built = g->rebuild(g, n, false);
		const Graph *core = built ? expand_macros(built, z->arena) : NULL;
		Bounded out[2];
		if (core && core->result.n == 1 && core->input.n == 1 &&
		    bound_graph(core, z->arena, z->in, out, (BoundOptions){ 0 })) {
			const Type *t = out[0].value.type;
			int64_t shape[MAX_RANK];
			memcpy(shape, t->dim, sizeof shape);
			burin_tensor y = z->tensor[0];
			y.ndim = t->rank;
			y.shape = shape;
			y.data = arena_alloc(z->arena, (size_t)type_bytes(t) + 64);
			if (burin_run(x, z->tensor, 1, &y, 1, &e) != BURIN_OK) {
				failed(z, FAULT, "batch of %d: %s", n, e.message);
			} else {
				EvalTensor have = eval_from_data(z->arena, t, y.data);
				int64_t i = outside(&out[0], &have);
				v = RIGHT;
				if (i >= 0)
					v = failed(z, WRONG,
						   "batch of %d: element %lld is %.9g, not %.9g", n,
						   (long long)i, have.f[i], out[0].value.f[i]);
			}
		}
	}
	burin_exec_free(x);
	burin_model_free(m);
	burin_graph_free(g);
	burin_opts_free(o);
	unlink(so);
	unlink(arena_printf(z->arena, "%s/net.h", z->folder));
	unlink(arena_printf(z->arena, "%s/net.weights", z->folder));
	return v;
}

/* --- a trial ---------------------------------------------------------------------------------- */

static Verdict begin(NetTrial *z, burin_trainer **t, int threads, const bool *off)
{
	burin_error e = { .size = sizeof e };
	burin_opts *o = options(z, threads, off, &e);
	Verdict v = RIGHT;
	if (!o || !set(o, "size", "1", &e))
		return failed(z, INVALID, "options: %s", e.message);
	if (!z->g && burin_read(&z->g, z->path, o, NULL, &e) != BURIN_OK)
		v = failed(z, INVALID, "%s", e.message);
	else if (burin_trainer_new(t, z->g, o, NULL, &e) != BURIN_OK)
		v = failed(z, REFUSED, "%s", e.message);
	burin_opts_free(o);
	return v;
}

static Verdict train(NetTrial *z)
{
	bool strict = str_eq(z->how.fp, "strict");
	PassOptions plain = { .verify = true };
	Pass p = { .o = &plain };
	Verdict v = begin(z, &z->t, 1, z->how.off);
	v = v ? v : begin(z, &z->threaded, z->how.threads, z->how.off);
	if (!v && strict)
		v = begin(z, &z->other, 1, z->how.again);
	if (v)
		return v;
	p.ctx = z->g->ctx;
	Graph *built = z->g->rebuild(z->g, z->how.batch, true);
	Graph *step = built ? train_graph(&p, built, z->arena) : NULL;
	z->core = step ? expand_macros(step, z->arena) : NULL;
	if (!z->core)
		return failed(z, INVALID, "no graph of a step");
	z->n_port = (int)burin_trainer_inputs(z->t, &z->port);
	if (z->n_port > PORTS)
		return failed(z, INVALID, "too many inputs");
	for (int i = 0; !v && i < STEPS; i++) {
		next_batch(z, z->how.batch);
		v = follow(z, i);
	}
	const char *name = v ? NULL : differing(z->t, z->threaded);
	if (name)
		v = failed(z, THREADS, "%d threads: %s differs", z->how.threads, name);
	name = v || !z->other ? NULL : differing(z->t, z->other);
	if (name)
		v = failed(z, STRICT, "other passes: %s differs", name);
	v = v ? v : judge_inference(z);
	if (!v && z->how.free_batch && str_eq(z->port[0].name, "x"))
		v = judge_batch(z);
	return v;
}

Verdict net_judge(const char *text, Str *what)
{
	NetTrial z = { .arena = arena_create(), .what = what, .random = 7 };
	z.how = read_how(z.arena, text);
	snprintf(z.folder, sizeof z.folder, "/tmp/burin-net-XXXXXX");
	if (!mkdtemp(z.folder))
		return INVALID;
	z.path = arena_printf(z.arena, "%s/net.xml", z.folder);
	FILE *f = fopen(z.path, "w");
	bool written = f && fputs(text, f) >= 0;
	if (f)
		fclose(f);
	Verdict v = written ? train(&z) : INVALID;
	burin_trainer_free(z.t);
	burin_trainer_free(z.threaded);
	burin_trainer_free(z.other);
	burin_graph_free(z.g);
	unlink(z.path);
	rmdir(z.folder);
	arena_destroy(z.arena);
	return v;
}
