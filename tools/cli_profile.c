/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The time of each kernel, in a second pass with an exec of its own, so that reading the clock does
 * not disturb the first. */
#include "tools/cli_bench.h"
#include "runtime/cpu/rt.h"
#include "runtime/model.h"
#include <stdlib.h>
#include <string.h>

typedef struct Collect {
	Cli *c;
	Bench *b;
	int at, run, n_runs;
	VEC(double *) ns; /* of each kernel, n_runs long */
} Collect;

static void take_kernel(void *user, const burin_kernel_time *k)
{
	Collect *t = user;
	Arena *a = t->c->arena;
	double calls = k->calls ? (double)k->calls : 1;
	if (t->run == 0) {
		BenchKernel row = { .kernel = arena_strdup(a, k->kernel),
				    .kind = arena_strdup(a, k->kind),
				    .sources = arena_strdup(a, k->source_ids),
				    .flops = (double)k->flops / calls,
				    .bytes = (double)k->bytes / calls };
		vec_push(a, &t->b->kernel, row);
		vec_push(a, &t->ns, ARENA_ARRAY(a, double, t->n_runs));
	}
	t->ns.at[t->at++][t->run] = (double)k->ns;
}

static int profile_runs(Cli *c, Bench *b, burin_exec *exec, Collect *t)
{
	burin_error e = { .size = sizeof e };
	const Model *m = &b->m;
	for (t->run = 0; t->run < t->n_runs; t->run++) {
		t->at = 0;
		if (burin_profile(exec, NULL, NULL, &e) != BURIN_OK ||
		    burin_run(exec, m->in_arg, (size_t)m->n_in, m->out_arg, (size_t)m->n_out, &e) !=
			    BURIN_OK ||
		    burin_profile(exec, take_kernel, t, &e) != BURIN_OK)
			return cli_runtime_error(c, &e);
	}
	return EXIT_YES;
}

int bench_profile(Cli *c, Bench *b)
{
	burin_error e = { .size = sizeof e };
	burin_exec *exec;
	double wanted = 1.5e9 / b->latency.median;
	Collect t = { .c = c, .b = b };
	t.n_runs = wanted < 5 ? 5 : wanted > 200 ? 200 : (int)wanted;
	if (burin_exec_new(&exec, b->m.model, NULL, 0, c->opts, &e) != BURIN_OK)
		return cli_runtime_error(c, &e);
	int rc = profile_runs(c, b, exec, &t);
	for (int i = 0; i < b->kernel.n; i++) {
		b->kernel.at[i].median = median_of(c->arena, t.ns.at[i], t.n_runs);
	}
	b->profiled_runs = t.n_runs;
	burin_exec_free(exec);
	return rc;
}

/* --- reports ---------------------------------------------------------------------------------- */

/* What a kernel reads and writes may lie in the nearest cache that holds it all. */
double roof_share(const BenchKernel *k, const Peaks *p, int threads, bool *compute)
{
	double gflops = peak_gflops(p, threads);
	double read = peak_read(p, level_of(k->bytes, threads), threads);
	double by_flops = gflops > 0 ? k->flops / gflops : 0;
	double by_bytes = read > 0 ? k->bytes / read : 0;
	*compute = by_flops >= by_bytes;
	double least = *compute ? by_flops : by_bytes;
	return k->median > 0 ? least / k->median : 0;
}

static double total_time(const Bench *b)
{
	double sum = 0;
	for (int i = 0; i < b->kernel.n; i++)
		sum += b->kernel.at[i].median;
	return sum > 0 ? sum : 1;
}

static int by_time(const void *a, const void *b)
{
	const BenchKernel *x = *(BenchKernel *const *)a, *y = *(BenchKernel *const *)b;
	return (x->median < y->median) - (x->median > y->median);
}

/* "conv1 +bn1 +relu1" */
static const char *sources_text(Cli *c, const char *ids)
{
	enum { WIDE = 60 };
	Str s;
	str_init(&s, c->arena);
	for (const char *at = ids; *at; at++)
		str_add(&s, *at == ' ' ? " +" : arena_strndup(c->arena, at, 1));
	if (s.n > WIDE && !c->verbose) {
		size_t n = WIDE;
		while (n && (s.at[n] & 0xc0) == 0x80)
			n--;
		return arena_printf(c->arena, "%.*s...", (int)n, s.at);
	}
	return str_text(&s);
}

static void print_kernel(Cli *c, const BenchKernel *k, const Peaks *p, int threads, double total)
{
	bool compute;
	double share = roof_share(k, p, threads, &compute), ns = k->median > 0 ? k->median : 1;
	cli_print(c, "%6.1f %11.1f %8.1f %6.1f %6.0f  %-8s %-10s ", 100 * k->median / total,
		  k->median * 1e-3, k->flops / ns, k->bytes / ns, 100 * share,
		  compute ? "compute" : "memory", k->kind);
	if (c->verbose)
		cli_print(c, "%-14.14s ", k->kernel);
	cli_print(c, "%s\n", sources_text(c, k->sources));
}

void profile_print(Cli *c, const Bench *b, const Peaks *p, int threads, int top)
{
	int n = b->kernel.n;
	const BenchKernel **order = ARENA_ARRAY(c->arena, const BenchKernel *, n + 1);
	double total = total_time(b);
	const BurinProgram *program = b->m.model->program;
	if (program->free_batch && burin_rt_variant(program)->batch > b->m.items) {
		cli_note(c, "note: --profile tells of batches of %lld and more",
			 (long long)burin_rt_variant(program)->batch);
		return;
	}
	for (int i = 0; i < n; i++)
		order[i] = &b->kernel.at[i];
	qsort(order, (size_t)n, sizeof *order, by_time);
	cli_print(
		c,
		"\n time%%   median µs  GFLOP/s   GB/s  roof%%  bound    kind       %ssource ids\n",
		c->verbose ? "kernel         " : "");
	bool beyond_peak = false;
	for (int i = 0; i < n; i++) {
		bool compute;
		beyond_peak |= roof_share(order[i], p, threads, &compute) > 1.02 && compute;
		if (top == 0 || i < top)
			print_kernel(c, order[i], p, threads, total);
	}
	if (top > 0 && n > top)
		cli_print(c, "   ... (%d more; --top 0 for all)\n", n - top);
	if (beyond_peak)
		cli_note(c, "note: more than 100 %% of the arithmetic peak cannot be: the peak was "
			    "measured while the machine was slower; `burin doctor --calibrate` "
			    "measures it again");
}

static void put_ids(Cli *c, const char *ids)
{
	json_key_array(c, "ids");
	while (*ids) {
		size_t n = strcspn(ids, " ");
		if (n)
			json_put_text(&c->json, arena_strndup(c->arena, ids, n));
		ids += n + (ids[n] == ' ');
	}
	json_end(&c->json);
}

void profile_json(Cli *c, const Bench *b, const Peaks *p, int threads)
{
	json_key_array(c, "kernels");
	for (int i = 0; i < b->kernel.n; i++) {
		const BenchKernel *k = &b->kernel.at[i];
		bool compute;
		double share = roof_share(k, p, threads, &compute);
		json_put_object(&c->json);
		json_key_text(c, "name", k->kernel);
		json_key_text(c, "kind", k->kind);
		put_ids(c, k->sources);
		json_key_int(c, "calls", b->profiled_runs);
		json_key_real(c, "median", k->median);
		json_key_real(c, "flops", k->flops);
		json_key_real(c, "bytes", k->bytes);
		json_key_real(c, "roofline", share);
		json_key_text(c, "bound", compute ? "compute" : "memory");
		json_end(&c->json);
	}
	json_end(&c->json);
}
