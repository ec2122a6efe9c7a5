/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Compiling a case, running it on memory between pages that must not be touched, and judging what
 * came out. */
#include "tests/conform/conform.h"
#include "passes/expand.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* --- memory between pages that fault ---------------------------------------------------------- */

typedef struct Fenced {
	char *data, *map;
	size_t bytes, size;
} Fenced;

/* Starts right behind the first page, or ends right before the last. */
static Fenced fence(size_t bytes, bool low)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE), room = (bytes + page - 1) / page * page;
	Fenced f = { .bytes = bytes, .size = room + 2 * page };
	f.map = mmap(NULL, f.size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (f.map == MAP_FAILED || (room && mprotect(f.map + page, room, PROT_READ | PROT_WRITE)))
		abort();
	f.data = f.map + page + (low ? 0 : room - bytes);
	return f;
}

static void fence_free(Fenced *f)
{
	munmap(f->map, f->size);
}

static void fill_with(void *data, size_t bytes, uint32_t pattern)
{
	char *to = data;
	for (size_t i = 0; i < bytes; i++)
		to[i] = (char)(pattern >> i % 4 * 8);
}

/* --- the reference ---------------------------------------------------------------------------- */

bool case_reference(Case *c)
{
	const Graph *g = c->b->failed ? NULL : expand_macros(c->g, c->arena);
	c->want = ARENA_ARRAY(c->arena, Bounded, c->g->result.n + 1);
	if (g && c->g->result.n &&
	    bound_graph(g, c->arena, c->in, c->want,
			(BoundOptions){ .exact = c->single,
					.fast = c->ctx->fp == FP_FAST,
					.bf16 = c->bf16 }))
		return true;
	case_fail(c, "there is no reference");
	return false;
}

/* --- compiling -------------------------------------------------------------------------------- */

bool host_has(const char *target)
{
	Target host, t;
	return target_find("native", &host) && target_find(target, &t) &&
	       t.vector_bytes <= host.vector_bytes;
}

/* BURIN_CONFORM_NVRTC: kernels for a GPU are also compiled by NVRTC. */
static bool takes_nvrtc(Case *c, CompileOptions o)
{
	if (o.pass.target.kind != TARGET_CUDA || !getenv("BURIN_CONFORM_NVRTC"))
		return true;
	o.emulate = false;
	o.gpus = (GpuList){ { o.pass.target.arch }, 1 };
	Program *p = program_compile(c->ctx, c->g, &o);
	program_destroy(p);
	return p != NULL;
}

Program *case_compile(Case *c, const Setup *s)
{
	CompileOptions o = { .threads = 1, .emulate = true };
	o.pass.verify = true;
	memcpy(o.pass.off, s->off, sizeof o.pass.off);
	if (!target_find(s->target ? s->target : "native", &o.pass.target)) {
		case_fail(c, "no target %s", s->target);
		return NULL;
	}
	if (!takes_nvrtc(c, o)) {
		case_fail(c, "NVRTC does not compile it: %s",
			  diag_count(c->ctx->diag) ? diag_at(c->ctx->diag, 0)->message : "");
		return NULL;
	}
	Program *p = program_compile(c->ctx, c->g, &o);
	if (!p)
		case_fail(c, "does not compile for %s", o.pass.target.name);
	return p;
}

/* --- running ---------------------------------------------------------------------------------- */

typedef struct Memory {
	Fenced port[2 * CASE_PORTS + 64], work;
	void *ports[2 * CASE_PORTS + 64];
	int n_port;
} Memory;

static void take_memory(Case *c, size_t work_bytes, Placement how, Memory *m)
{
	for (int i = 0; i < c->g->input.n; i++) {
		Fenced f = fence((size_t)type_bytes(c->in[i].type), how.low);
		eval_to_data(&c->in[i], f.data);
		m->port[m->n_port++] = f;
	}
	for (int i = 0; i < c->g->result.n; i++) {
		Fenced f = fence((size_t)type_bytes(c->g->result.at[i]->type), how.low);
		fill_with(f.data, f.bytes, how.fill);
		m->port[m->n_port++] = f;
	}
	m->work = fence((work_bytes + 63) / 64 * 64, how.low);
	fill_with(m->work.data, m->work.bytes, how.fill);
	for (int i = 0; i < m->n_port; i++)
		m->ports[i] = m->port[i].data;
}

static void keep_results(Case *c, const Memory *m, void **out)
{
	for (int i = 0; i < c->g->result.n; i++) {
		const Fenced *f = &m->port[c->g->input.n + i];
		out[i] = arena_alloc(c->arena, f->bytes + 8);
		memcpy(out[i], f->data, f->bytes);
	}
}

/* Inputs must be as they were. */
static bool inputs_kept(Case *c, const Memory *m)
{
	for (int i = 0; i < c->g->input.n; i++) {
		char *was = arena_alloc(c->arena, m->port[i].bytes + 8);
		eval_to_data(&c->in[i], was);
		if (memcmp(was, m->port[i].data, m->port[i].bytes) != 0) {
			case_fail(c, "input %d was written", i);
			return false;
		}
	}
	return true;
}

static void give_memory_back(Memory *m)
{
	for (int i = 0; i < m->n_port; i++)
		fence_free(&m->port[i]);
	fence_free(&m->work);
}

/* A parallel_for as a host may have it. */
static void last_first(void *user, uint32_t count, BurinTaskFn *fn, void *task)
{
	(void)user;
	while (count--)
		fn(task, count);
}

bool case_run(Case *c, const Program *p, Placement how, void **out)
{
	static unsigned char room[BURIN_CTX_BYTES];
	const BurinProgram *table = program_table(p);
	void *ctx = how.threads ? room : NULL;
	Memory m = { .n_port = 0 };
	if (ctx)
		burin_rt_ctx_init(table, ctx, how.threads);
	if (ctx && how.hosted)
		burin_rt_ctx_set_parallel(table, ctx, how.threads, last_first, NULL);
	take_memory(c, burin_rt_workspace_bytes(table, ctx), how, &m);
	int status = burin_rt_run(table, ctx, 1, m.ports, m.work.data);
	if (ctx)
		burin_rt_ctx_done(table, ctx);
	bool ok = status == (c->outside ? BURIN_RT_INDEX : BURIN_RT_OK);
	if (!ok)
		case_fail(c, "the run returned %d %s", status,
			  program_fault(p) ? program_fault(p) : "");
	ok = inputs_kept(c, &m) && ok;
	keep_results(c, &m, out);
	give_memory_back(&m);
	return ok;
}

/* --- interpreting ----------------------------------------------------------------------------- */

/* The workspace begins with the header that holds the status word. */
static void *argument(Case *c, const Plan *plan, const Memory *m, const PlanArg *a)
{
	char *base = NULL;
	switch (a->space) {
	case SPACE_INPUT: base = m->ports[a->index]; break;
	case SPACE_OUTPUT: base = m->ports[c->g->input.n + a->index]; break;
	case SPACE_WORK: base = m->work.data + BURIN_HEADER_BYTES; break;
	case SPACE_WEIGHT: base = plan->weight; break;
	case SPACE_COUNT: break;
	}
	return base + a->offset;
}

bool case_interpret(Case *c, const Program *p, void **out)
{
	const Plan *plan = program_plan(p);
	Memory m = { .n_port = 0 };
	const char *wrong = NULL;
	take_memory(c, (size_t)(BURIN_HEADER_BYTES + plan->work_bytes), (Placement){ .fill = ~0u },
		    &m);
	Fenced scratch = fence((size_t)(plan->scratch_bytes + 63) / 64 * 64, false);
	for (int i = 0; !wrong && i < plan->step.n; i++) {
		const Step *s = &plan->step.at[i];
		void **arg = ARENA_ARRAY(c->arena, void *, s->n_arg + 1);
		for (int k = 0; k < s->n_arg; k++)
			arg[k] = argument(c, plan, &m, &s->arg[k]);
		wrong = kernel_run(s->kernel, arg, 0, s->n_tasks, scratch.data, 0);
	}
	if (wrong)
		case_fail(c, "the kernels cannot be interpreted: %s", wrong);
	keep_results(c, &m, out);
	fence_free(&scratch);
	give_memory_back(&m);
	return !wrong;
}

/* --- judging ---------------------------------------------------------------------------------- */

static void say_where(Case *c, const char *what, int r, int64_t i, const void *data)
{
	const Bounded *b = &c->want[r];
	const Type *t = b->value.type;
	if (b->value.f)
		case_fail(c, "%s: result %d element %lld is %.17g, not %.17g (error %.3g)", what, r,
			  (long long)i, load_f64(t->dtype, data, i), b->value.f[i], b->error.f[i]);
	else
		case_fail(c, "%s: result %d element %lld is %lld, not %lld", what, r, (long long)i,
			  (long long)load_i64(t->dtype, data, i), (long long)b->value.i[i]);
}

bool case_compare(Case *c, const char *what, void *const *out)
{
	for (int r = 0; r < c->g->result.n; r++) {
		const Bounded *b = &c->want[r];
		const Type *t = b->value.type;
		for (int64_t i = 0; i < t->count; i++) {
			bool f = b->value.f != NULL;
			tally()->elements++;
			tally()->unknown += !bound_known(b, i);
			if (bound_admits(b, i, f ? load_f64(t->dtype, out[r], i) : 0,
					 f ? 0 : load_i64(t->dtype, out[r], i)))
				continue;
			say_where(c, what, r, i, out[r]);
			return false;
		}
	}
	return true;
}

/* NaN equals NaN: which of several the machine makes depends on the order of operands. */
bool case_same(Case *c, const char *what, void *const *a, void *const *b)
{
	for (int r = 0; r < c->g->result.n; r++) {
		const Type *t = c->g->result.at[r]->type;
		int64_t size = dtype_info[t->dtype].bytes;
		tally()->repeated += t->count;
		for (int64_t i = 0; i < t->count; i++) {
			const char *x = (const char *)a[r] + i * size,
				   *y = (const char *)b[r] + i * size;
			if (memcmp(x, y, (size_t)size) == 0)
				continue;
			double u = load_f64(t->dtype, a[r], i), v = load_f64(t->dtype, b[r], i);
			if (dtype_is_float(t->dtype) && isnan(u) && isnan(v))
				continue;
			case_fail(c, "%s: result %d element %lld differs: %.9g and %.9g", what, r,
				  (long long)i, u, v);
			return false;
		}
	}
	return true;
}
