/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Training in memory: burin_trainer_* of the public interface.
 *
 * The state is one block of memory, laid out once by passes/train.h. Programs are compiled when a
 * batch size is first met: the step, which reads and writes the state; and, for judging between
 * steps, the inference of the same model with a preparation that makes its packed weights from the
 * state. All run on one context's threads, in one workspace. */
#include "base/oom.h"
#include "codegen/checkpoint.h"
#include "codegen/job.h"
#include "codegen/prepare.h"
#include "codegen/state.h"
#include "codegen/targets.h"
#include "passes/train.h"
#include "runtime/cpu/rt.h"
#include "runtime/model.h"
#include <stdlib.h>
#include <string.h>

enum { ALIGN = 64, MAX_PORTS = 64 };

/* A plan in memory, with its weights. */
typedef struct Code {
	Compiled k;
	JitProgram *main, *prepare;
	void *weights, *constants; /* of main, of prepare */
} Code;

typedef struct Lesson { /* for one batch size */
	int64_t batch;
	Code step, judge;
	bool has_step, has_judge;
	uint64_t prepared; /* the state that judge's weights are made of, see burin_trainer.version
			    */
	uint64_t *ns,
		runs; /* time of the plan's steps, see burin_trainer_profile; NULL: not timed */
	struct Lesson *next;
} Lesson;

struct burin_trainer {
	Arena *arena;
	burin_graph *g; /* the caller's; only its memory grows */
	CompileJob job;
	StateLayout *layout;
	char *state;
	size_t state_bytes;
	uint64_t version;           /* counts changes of the state, from 1 */
	Lesson *lessons, *profiled; /* the batch size last stepped */
	bool profiling;
	burin_port *input, *metric, *tensor;
	BurinPort *info; /* of the inputs */
	TargetRange *range;
	int n_input, n_metric;
	void *work;
	size_t work_bytes;
	const char *note;
	char ctx[BURIN_CTX_BYTES];
};

/* --- life ------------------------------------------------------------------------------------ */

static void code_free(Code *k)
{
	jit_destroy(k->main);
	jit_destroy(k->prepare);
	weights_free(k->weights);
	weights_free(k->constants);
}

void burin_trainer_free(burin_trainer *t)
{
	if (!t)
		return;
	for (Lesson *l = t->lessons; l; l = l->next) {
		code_free(&l->step);
		code_free(&l->judge);
		free(l->ns);
	}
	compile_job_end(&t->job);
	burin_rt_ctx_done(NULL, t->ctx);
	pages_free(t->work, t->work_bytes);
	pages_free(t->state, t->state_bytes);
	arena_destroy(t->arena);
	free(t);
}

/* Errors of earlier calls are not those of this one. */
static void fresh_errors(burin_trainer *t)
{
	t->g->ctx->diag = diag_create(t->g->ctx->arena);
}

/* --- ports ----------------------------------------------------------------------------------- */

static burin_tensor spec_of(burin_trainer *t, const Type *type)
{
	const DlType *d = &dl_types[type->dtype];
	burin_tensor s = { .device = { .type = 1 },
			   .ndim = type->rank,
			   .dtype = { d->code, d->bits, 1 } };
	s.shape = ARENA_ARRAY(t->arena, int64_t, type->rank + 1);
	for (int i = 0; i < type->rank; i++)
		s.shape[i] = type->dim[i];
	return s;
}

static burin_port port_of(burin_trainer *t, const char *name, const Type *type)
{
	burin_port p = { .size = sizeof p, .name = name, .spec = spec_of(t, type) };
	int64_t *most = ARENA_ARRAY(t->arena, int64_t, type->rank + 1);
	p.min_shape = p.spec.shape;
	p.max_shape = most;
	for (int i = 0; i < type->rank; i++)
		most[i] = type->dim[i];
	return p;
}

/* A size that differs between graphs for two and for three examples is the batch. */
static bool free_sizes(burin_trainer *t, burin_port *p, const Type *two, const Type *three)
{
	int64_t *least = ARENA_ARRAY(t->arena, int64_t, two->rank + 1);
	int64_t *most = ARENA_ARRAY(t->arena, int64_t, two->rank + 1);
	for (int i = 0; i < two->rank; i++) {
		bool batch = two->dim[i] != three->dim[i];
		if (batch && (two->dim[i] != 2 || three->dim[i] != 3))
			return diag_error(t->g->ctx->diag, (Loc){ 0 }, E5112,
					  "input '%s': size %d is a function of the batch's",
					  p->name, i);
		least[i] = batch ? 1 : two->dim[i];
		most[i] = batch ? INT64_MAX : two->dim[i];
		if (batch)
			p->spec.shape[i] = -1;
	}
	p->min_shape = least;
	p->max_shape = most;
	return true;
}

static bool make_inputs(burin_trainer *t, const Graph *two, const Graph *three)
{
	t->n_input = two->input.n;
	t->input = ARENA_ARRAY(t->arena, burin_port, t->n_input + 1);
	t->info = ARENA_ARRAY(t->arena, BurinPort, t->n_input + 1);
	t->range = ARENA_ARRAY(t->arena, TargetRange, t->n_input + 1);
	for (int i = 0; i < t->n_input; i++) {
		const Node *n = two->input.at[i];
		int item = dtype_info[n->type->dtype].bytes;
		t->input[i] = port_of(t, ATTR_OF(n, port)->name, n->type);
		t->info[i] = (BurinPort){ .name = t->input[i].name,
					  .dtype = (int32_t)n->type->dtype,
					  .align = item,
					  .bytes = item };
		if (three && !free_sizes(t, &t->input[i], n->type, three->input.at[i]->type))
			return false;
	}
	return true;
}

static void make_metrics(burin_trainer *t, const Graph *g)
{
	t->n_metric = g->result.n;
	t->metric = ARENA_ARRAY(t->arena, burin_port, t->n_metric + 1);
	for (int i = 0; i < t->n_metric; i++)
		t->metric[i] = port_of(t, g->result_name.at[i], g->result.at[i]->type);
}

/* --- the state ------------------------------------------------------------------------------- */

static bool make_state(burin_trainer *t)
{
	int64_t seed;
	if (!state_seed(t->g->ctx, t->job.o, &seed))
		return false;
	t->state_bytes = (size_t)t->layout->bytes + ALIGN;
	t->state = pages_new(t->state_bytes);
	if (!t->state)
		return diag_error(t->g->ctx->diag, (Loc){ 0 }, E1008,
				  "out of memory: the state needs %zu bytes: the parameters, and "
				  "what the optimiser remembers of each (sgd: nothing)",
				  t->state_bytes);
	t->tensor = ARENA_ARRAY(t->arena, burin_port, t->layout->tensor.n + 1);
	for (int i = 0; i < t->layout->tensor.n; i++) {
		const StateTensor *s = &t->layout->tensor.at[i];
		t->tensor[i] = port_of(t, s->name, s->type);
		t->tensor[i].spec.data = t->state + s->offset;
	}
	t->version = 1;
	return state_fill(t->g->ctx, t->layout, seed, t->state);
}

/* --- compiling ------------------------------------------------------------------------------- */

static Pass pass_of(burin_trainer *t, bool from_state)
{
	return (Pass){
		.ctx = t->g->ctx, .o = &t->job.co.pass, .state = t->layout, .from_state = from_state
	};
}

static JitOptions jit_options(burin_trainer *t)
{
	return (JitOptions){ t->job.co.threads, t->job.co.cache };
}

static Graph *graph_for(burin_trainer *t, int64_t batch)
{
	return t->g->rebuild(t->g, t->g->batch_symbol ? batch : 0, true);
}

static bool compile_step(burin_trainer *t, Lesson *l)
{
	Context *c = t->g->ctx;
	Pass p = pass_of(t, false);
	Target host = target_resolve(t->arena, &t->job.co.pass.target);
	Graph *g = graph_for(t, l->batch);
	Graph *step = g ? train_graph(&p, g, t->arena) : NULL;
	if (!step || !compile_plans(&p, step, t->arena, &l->step.k) ||
	    !prepare_weights(c, &l->step.k, &host, jit_options(t), &l->step.weights))
		return false;
	l->step.k.main->weight = l->step.weights;
	l->step.main = jit_program(c, l->step.k.main, &host, jit_options(t));
	return l->step.main != NULL;
}

static bool compile_judge(burin_trainer *t, Lesson *l)
{
	Context *c = t->g->ctx;
	Code *k = &l->judge;
	Pass p = pass_of(t, true);
	Target host = target_resolve(t->arena, &t->job.co.pass.target);
	Graph *g = graph_for(t, l->batch);
	Graph *judge = g ? judge_graph(&p, g, t->arena) : NULL;
	if (!judge || !compile_plans(&p, judge, t->arena, &k->k))
		return false;
	size_t bytes = ((size_t)k->k.main->weight_bytes + ALIGN) / ALIGN * ALIGN;
	k->weights = aligned_alloc(ALIGN, bytes);
	if (!k->weights)
		oom_raise();
	memset(k->weights, 0, bytes);
	k->k.main->weight = k->weights;
	k->main = jit_program(c, k->k.main, &host, jit_options(t));
	if (!k->main || !k->k.prepare)
		return k->main != NULL;
	if (!constant_weights(c, k->k.split.prepare, k->k.prepare, &k->constants))
		return false;
	k->k.prepare->weight = k->constants;
	k->prepare = jit_program(c, k->k.prepare, &host, jit_options(t));
	return k->prepare != NULL;
}

static Lesson *lesson_for(burin_trainer *t, int64_t batch)
{
	for (Lesson *l = t->lessons; l; l = l->next)
		if (l->batch == batch)
			return l;
	Lesson *l = ARENA_NEW(t->arena, Lesson);
	l->batch = batch;
	l->next = t->lessons;
	t->lessons = l;
	return l;
}

/* --- running --------------------------------------------------------------------------------- */

/* ns: of the plan's steps, added to; or NULL */
static burin_status run_code(burin_trainer *t, const Lesson *l, const JitProgram *j, void **ports,
			     uint64_t *ns, burin_error *err)
{
	const BurinProgram *p = jit_table(j);
	size_t need = burin_rt_workspace_bytes(p, t->ctx);
	if (need > t->work_bytes) {
		pages_free(t->work, t->work_bytes);
		t->work_bytes = 0;
		t->work = pages_new(need);
		if (!t->work)
			return rt_fail(err, BURIN_E_MEMORY, 1008,
				       "out of memory: %lld rows need %zu bytes for the results "
				       "between the layers, besides %zu of the state; smaller "
				       "batches need less",
				       (long long)l->batch, need, t->state_bytes);
		t->work_bytes = need;
	}
	return rt_explain(NULL, burin_rt_run_timed(p, t->ctx, 1, ports, t->work, ns), err);
}

/* The weights of the judge, made of the state as it is now. */
static burin_status prepare_judge(burin_trainer *t, Lesson *l, burin_error *err)
{
	const Graph *main = l->judge.k.split.main;
	if (l->prepared == t->version || !l->judge.prepare)
		return BURIN_OK;
	Arena *a = arena_create();
	const Plan *plan = l->judge.k.prepare;
	void **ports = ARENA_ARRAY(a, void *, plan->input.n + main->param.n + 1);
	int n = 0;
	int64_t at = 0;
	if (plan->state)
		ports[n++] = t->state;
	for (int i = 0; i < main->param.n; i++) {
		ports[n++] = (char *)l->judge.weights + at;
		at += (type_bytes(main->param.at[i]->type) + ALIGN - 1) / ALIGN * ALIGN;
	}
	burin_status s = run_code(t, l, l->judge.prepare, ports, NULL, err);
	if (s == BURIN_OK)
		l->prepared = t->version;
	arena_destroy(a);
	return s;
}

static burin_status take_batch(burin_trainer *t, const burin_tensor *in, size_t n_in, void **ports,
			       int64_t *n, burin_error *err)
{
	*n = -1;
	if (!in || n_in != (size_t)t->n_input)
		return rt_fail(err, BURIN_E_ARG, 6001, "%zu inputs given, %d needed", n_in,
			       t->n_input);
	for (int i = 0; i < t->n_input; i++) {
		burin_status s =
			rt_take_tensor(&t->input[i], &t->info[i], &in[i], &ports[i], n, err);
		if (s == BURIN_OK)
			s = target_check(&t->range[i], t->input[i].name, &in[i], ports[i], err);
		if (s != BURIN_OK)
			return s;
	}
	return *n == 0 ? rt_fail(err, BURIN_E_SHAPE, 6001, "the batch is empty") : BURIN_OK;
}

static burin_status check_metrics(const burin_trainer *t, const double *metrics, size_t n,
				  burin_error *err)
{
	if (!metrics || n == (size_t)t->n_metric)
		return BURIN_OK;
	return rt_fail(err, BURIN_E_ARG, 6001, "room for %zu metrics given, there are %d", n,
		       t->n_metric);
}

/* A program that is not there yet is compiled, with memory that a failure gives back. */
typedef bool CompileFn(burin_trainer *t, Lesson *l);
static burin_status ensure(burin_trainer *t, Lesson *l, bool *has, CompileFn *compile,
			   burin_error *err)
{
	OomScope scope;
	if (*has)
		return BURIN_OK;
	fresh_errors(t);
	if (OOM_GUARD(&scope)) {
		burin_status s = BURIN_OK;
		*has = compile(t, l);
		if (!*has)
			s = diag_status(t->g->ctx->diag, err);
		oom_leave(&scope);
		diag_to_hooks(t->g->ctx->diag, t->job.h);
		return s;
	}
	return rt_fail(err, BURIN_E_MEMORY, 1008, "out of memory");
}

/* Before a step of the lesson: room for its times, from zero where another batch size was timed. */
static bool time_steps(burin_trainer *t, Lesson *l)
{
	if (!t->profiling)
		return true;
	size_t n = burin_rt_variant(jit_table(l->step.main))->n_steps;
	if (!l->ns)
		l->ns = calloc(n + 1, sizeof *l->ns);
	if (!l->ns)
		return false;
	if (t->profiled != l) {
		memset(l->ns, 0, n * sizeof *l->ns);
		l->runs = 0;
	}
	t->profiled = l;
	l->runs++;
	return true;
}

burin_status burin_trainer_profile(burin_trainer *t, burin_profile_fn f, void *user,
				   burin_error *err)
{
	if (!t)
		return rt_fail(err, BURIN_E_ARG, 0, "trainer is NULL");
	if (!f) {
		t->profiling = true;
		t->profiled = NULL;
		return BURIN_OK;
	}
	if (!t->profiled)
		return rt_fail(
			err, BURIN_E_ARG, 0,
			"call burin_trainer_profile(trainer, NULL, ...) and take a step first");
	const Lesson *l = t->profiled;
	const BurinVariant *v = burin_rt_variant(jit_table(l->step.main));
	rt_tell_profile(v, l->ns, l->runs, f, user);
	return BURIN_OK;
}

/* What a call of either kind begins with: the batch as ports, and the program for its size. */
static burin_status begin_step(burin_trainer *t, const burin_tensor *in, size_t n_in,
			       double *metrics, size_t n_metrics, void **ports, Lesson **out,
			       burin_error *err)
{
	int64_t n;
	if (!t)
		return rt_fail(err, BURIN_E_ARG, 0, "trainer is NULL");
	burin_status s = take_batch(t, in, n_in, ports, &n, err);
	if (s == BURIN_OK)
		s = check_metrics(t, metrics, n_metrics, err);
	if (s == BURIN_OK)
		*out = lesson_for(t, n);
	return s;
}

/* ports: n are set; the metrics come behind them. */
static burin_status run_step(burin_trainer *t, const Lesson *l, const JitProgram *j, void **ports,
			     int n, uint64_t *ns, double *metrics, burin_error *err)
{
	float value[MAX_PORTS];
	for (int i = 0; i < t->n_metric; i++)
		ports[n + i] = &value[i];
	burin_status s = run_code(t, l, j, ports, ns, err);
	for (int i = 0; metrics && i < t->n_metric; i++)
		metrics[i] = (double)value[i];
	return s;
}

burin_status burin_train_step(burin_trainer *t, double rate, const burin_tensor *in, size_t n_in,
			      double *metrics, size_t n_metrics, burin_error *err)
{
	void *ports[2 * MAX_PORTS + 2];
	float r = (float)rate;
	Lesson *l = NULL;
	burin_status s = begin_step(t, in, n_in, metrics, n_metrics, ports, &l, err);
	if (s == BURIN_OK)
		s = ensure(t, l, &l->has_step, compile_step, err);
	if (s != BURIN_OK)
		return s;
	ports[t->n_input] = &r;
	ports[t->n_input + 1] = t->state;
	t->version++;
	if (!time_steps(t, l))
		return rt_fail(err, BURIN_E_MEMORY, 1008, "out of memory");
	return run_step(t, l, l->step.main, ports, t->n_input + 2, l->ns, metrics, err);
}

burin_status burin_eval_step(burin_trainer *t, const burin_tensor *in, size_t n_in, double *metrics,
			     size_t n_metrics, burin_error *err)
{
	void *ports[2 * MAX_PORTS + 2];
	Lesson *l = NULL;
	burin_status s = begin_step(t, in, n_in, metrics, n_metrics, ports, &l, err);
	if (s == BURIN_OK)
		s = ensure(t, l, &l->has_judge, compile_judge, err);
	if (s == BURIN_OK)
		s = prepare_judge(t, l, err);
	if (s != BURIN_OK)
		return s;
	return run_step(t, l, l->judge.main, ports, t->n_input, NULL, metrics, err);
}

/* --- making ---------------------------------------------------------------------------------- */

static bool set_up(burin_trainer *t)
{
	Graph *two = graph_for(t, 2), *three = t->g->batch_symbol ? graph_for(t, 3) : NULL;
	Pass p = pass_of(t, false);
	if (!two || (t->g->batch_symbol && !three))
		return false;
	Graph *step = train_graph(&p, two, t->arena), *judge = judge_graph(&p, two, t->arena);
	Graph *judge3 = three ? judge_graph(&p, three, t->arena) : NULL;
	if (!step || !judge || (three && !judge3))
		return false;
	if (judge->input.n > MAX_PORTS || judge->result.n > MAX_PORTS)
		return diag_error(t->g->ctx->diag, (Loc){ 0 }, E5001,
				  "training takes at most %d inputs and metrics", MAX_PORTS);
	t->layout = train_layout(two, step, t->arena);
	make_metrics(t, judge);
	if (!make_inputs(t, judge, judge3))
		return false;
	for (int i = 0; i < t->n_input; i++)
		t->range[i] = target_range(two, t->input[i].name);
	return make_state(t);
}

static burin_status begin(burin_trainer *t, burin_error *err)
{
	int threads;
	burin_status s = opts_threads(t->job.o, &threads, err);
	if (s != BURIN_OK)
		return s;
	fresh_errors(t);
	burin_rt_ctx_init(NULL, t->ctx, threads);
	if (!compile_job_begin(&t->job, t->g, NULL) || !set_up(t))
		s = diag_status(t->g->ctx->diag, err);
	diag_to_hooks(t->g->ctx->diag, t->job.h);
	t->job.o = NULL; /* the caller's options may go */
	return s;
}

burin_status burin_trainer_new(burin_trainer **out, const burin_graph *g, const burin_opts *o,
			       const burin_hooks *h, burin_error *err)
{
	OomScope scope;
	if (!out || !g)
		return rt_fail(err, BURIN_E_ARG, 0, "out or graph is NULL");
	*out = NULL;
	burin_trainer *volatile t = calloc(1, sizeof **out);
	if (t && OOM_GUARD(&scope)) {
		t->arena = arena_create();
		t->g = (burin_graph *)(uintptr_t)g;
		t->job = (CompileJob){ .c = g->ctx, .o = o, .h = h };
		burin_status s = begin(t, err);
		oom_leave(&scope);
		if (s == BURIN_OK)
			*out = t;
		else
			burin_trainer_free(t);
		return s;
	}
	if (t)
		pages_free(t->state, t->state_bytes);
	free(t);
	return rt_fail(err, BURIN_E_MEMORY, 1008, "out of memory");
}

size_t burin_trainer_inputs(const burin_trainer *t, const burin_port **ports)
{
	if (ports)
		*ports = t ? t->input : NULL;
	return t ? (size_t)t->n_input : 0;
}

size_t burin_trainer_metrics(const burin_trainer *t, const burin_port **ports)
{
	if (ports)
		*ports = t ? t->metric : NULL;
	return t ? (size_t)t->n_metric : 0;
}

/* The caller may write there. */
size_t burin_trainer_state(burin_trainer *t, const burin_port **ports)
{
	if (ports)
		*ports = t ? t->tensor : NULL;
	if (!t)
		return 0;
	t->version++;
	return (size_t)t->layout->tensor.n;
}

/* --- files ----------------------------------------------------------------------------------- */

static burin_status save(const burin_trainer *t, const char *path, const char *note, bool hidden,
			 burin_error *err)
{
	OomScope scope;
	if (!t || !path)
		return rt_fail(err, BURIN_E_ARG, 0, "trainer or path is NULL");
	if (OOM_GUARD(&scope)) {
		burin_status s = BURIN_OK;
		fresh_errors((burin_trainer *)(uintptr_t)t);
		if (!checkpoint_save(t->g->ctx, t->layout, t->state, path, note, hidden))
			s = diag_status(t->g->ctx->diag, err);
		oom_leave(&scope);
		return s;
	}
	return rt_fail(err, BURIN_E_MEMORY, 1008, "out of memory");
}

burin_status burin_checkpoint_save(const burin_trainer *t, const char *path, const char *note,
				   burin_error *err)
{
	return save(t, path, note, true, err);
}

burin_status burin_trainer_weights(const burin_trainer *t, const char *path, burin_error *err)
{
	return save(t, path, NULL, false, err);
}

burin_status burin_checkpoint_load(burin_trainer *t, const char *path, const char **note,
				   burin_error *err)
{
	OomScope scope;
	if (!t || !path)
		return rt_fail(err, BURIN_E_ARG, 0, "trainer or path is NULL");
	if (OOM_GUARD(&scope)) {
		burin_status s = BURIN_OK;
		fresh_errors(t);
		if (!checkpoint_load(t->g->ctx, t->layout, t->state, path, t->arena, &t->note))
			s = diag_status(t->g->ctx->diag, err);
		oom_leave(&scope);
		if (s == BURIN_OK)
			t->version++;
		if (s == BURIN_OK && note)
			*note = t->note;
		return s;
	}
	return rt_fail(err, BURIN_E_MEMORY, 1008, "out of memory");
}
