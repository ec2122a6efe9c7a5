/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
#include "tools/opt_kernel.h"
#include <stdlib.h>

enum { RUN_BYTES = 64 << 20, RUN_STEPS = 20 * 1000 * 1000, SHOWN = 64 };

/* --- the text must read back to the same text and identity ----------------------------------- */

static bool check_round_trip(Context *c, const Kernel *k, const Str *text)
{
	Scan t = scan_text(c, "printed", str_text(text), text->n);
	const Kernel *again = kernel_parse(&t, c->arena);
	Str other;
	str_init(&other, c->arena);
	if (again)
		kernel_print(&other, again);
	return (again && str_eq(str_text(text), str_text(&other)) &&
		str_eq(k->name, again->name)) ||
	       diag_error(c->diag, (Loc){ 0 }, E7001,
			  "the printed kernel reads back as another:\n%s", str_text(&other));
}

/* --- running --------------------------------------------------------------------------------- */

typedef struct Memory {
	void **arg;
	void *scratch;
} Memory;

/* Small numbers that differ: -5 to 5, of truth values every second. */
static void fill(const Buf *b, void *data, int64_t count, int arg)
{
	for (int64_t i = 0; i < count; i++) {
		int64_t v = (i * 7 + arg * 3) % 11 - 5;
		if (dtype_is_float(b->dtype))
			store_f64(b->dtype, data, i, (double)v);
		else
			store_i64(b->dtype, data, i, b->dtype == DT_bool ? v & 1 : v);
	}
}

static bool take_memory(Context *c, const Kernel *k, Memory *m)
{
	int64_t total = k->scratch_bytes;
	int n = 0;
	m->arg = ARENA_ARRAY(c->arena, void *, k->buf.n + 1);
	for (int i = 0; i < k->buf.n && total <= RUN_BYTES; i++) {
		const Buf *b = &k->buf.at[i];
		int64_t size = dtype_info[b->dtype].bytes;
		Range span;
		if (b->space != BUF_ARG || !buf_span(b, &span))
			continue;
		int64_t count = span.max - span.min + 1;
		total += count * size;
		if (total > RUN_BYTES)
			break;
		char *data = arena_alloc(c->arena, (size_t)(count * size) + 64);
		fill(b, data, count, n);
		m->arg[n++] = data - span.min * size;
	}
	if (total > RUN_BYTES)
		return diag_error(c->diag, (Loc){ 0 }, E5005,
				  "the kernel needs more than %d MiB to run", RUN_BYTES >> 20);
	m->scratch = arena_alloc(c->arena, (size_t)k->scratch_bytes + 64);
	return true;
}

/* arg 1 = [0, 1, 2.5] */
static void print_results(const Kernel *k, const Memory *m, Str *out)
{
	int n = 0;
	for (int i = 0; i < k->buf.n; i++) {
		const Buf *b = &k->buf.at[i];
		Range span;
		if (b->space != BUF_ARG || !buf_span(b, &span))
			continue;
		const void *data = m->arg[n++];
		if (!b->written)
			continue;
		Type type = { .dtype = b->dtype };
		Blob blob = { .type = &type, .data = data };
		str_fmt(out, "# arg %d = [", n - 1);
		for (int64_t e = span.min; e <= span.max && e < span.min + SHOWN; e++) {
			str_add(out, e == span.min ? "" : ", ");
			blob_print(out, &blob, e);
		}
		str_add(out, span.max - span.min >= SHOWN ? ", ...]\n" : "]\n");
	}
}

static bool run_kernel(Context *c, const Kernel *k, Str *out)
{
	Memory m = { 0 };
	if (!take_memory(c, k, &m))
		return false;
	const char *wrong = kernel_run(k, m.arg, 0, k->n_tasks, m.scratch, RUN_STEPS);
	if (wrong)
		return diag_error(c->diag, (Loc){ 0 }, E5005, "kernel %s: %s", k->name, wrong);
	print_results(k, &m, out);
	return true;
}

/* --- kernels --------------------------------------------------------------------------------- */

static bool show_kernel(const Pass *p, const Kernel *k, bool run, Str *out)
{
	Context *c = p->ctx;
	Str text;
	str_init(&text, c->arena);
	if (!kernel_verify(k, p->o->target.kind == TARGET_CUDA, out))
		return false;
	kernel_print(&text, k);
	str_addn(out, str_text(&text), text.n);
	return check_round_trip(c, k, &text) && (!run || run_kernel(c, k, out));
}

bool opt_kernels(const Pass *p, Scan *t, bool run, Str *out)
{
	bool ok = true;
	for (scan_skip(t); ok && *t->p; scan_skip(t)) {
		const Kernel *k = kernel_parse(t, p->ctx->arena);
		ok = k && show_kernel(p, k, run, out);
	}
	return ok;
}

static void say_steps(const Plan *plan, const Kernel *k, Str *out)
{
	for (int i = 0; i < plan->step.n; i++) {
		const Step *s = &plan->step.at[i];
		if (s->kernel == k)
			str_fmt(out, "# step %d: %s%s%s\n", i, s->kind, *s->sources ? " for " : "",
				s->sources);
	}
}

bool opt_lower(const Pass *p, const Graph *g, bool run, Str *out)
{
	const Plan *plan = plan_graph(p, g, p->ctx->arena);
	bool ok = plan != NULL;
	for (int i = 0; ok && i < plan->kernel.n; i++) {
		say_steps(plan, plan->kernel.at[i], out);
		ok = show_kernel(p, plan->kernel.at[i], run, out);
	}
	return ok;
}
