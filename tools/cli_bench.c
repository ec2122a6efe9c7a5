/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* burin bench: latency of one call at a time. */
#include "tools/cli_bench.h"
#include "base/io.h"
#include "base/sha256.h"
#include "runtime/cpu/rt.h"
#include "runtime/model.h"
#include <math.h>

static const char *level_name(uint32_t cpu)
{
	switch (cpu) {
	case BURIN_CPU_BASE: return "x86-64";
	case BURIN_CPU_V2: return "x86-64-v2";
	case BURIN_CPU_V3: return "x86-64-v3";
	case BURIN_CPU_V4: return "x86-64-v4";
	}
	return "native";
}

static const char *shape_text(Cli *c, const Model *m)
{
	Str s;
	str_init(&s, c->arena);
	for (int i = 0; i < m->n_in && i < 3; i++)
		str_fmt(&s, "%s%s %s", i ? ", " : "", dtype_info[m->in[i].type->dtype].name,
			text_shape(c->arena, m->in[i].type->rank, m->in[i].type->dim));
	if (m->n_in > 3)
		str_fmt(&s, ", ... (%d more)", m->n_in - 3);
	return str_text(&s);
}

static const char *target_of(Cli *c, const Model *m)
{
	const char *wanted = m->graph ? opts_get(c->opts, "target.cpu") : NULL;
	if (m->graph)
		return wanted ? wanted : "native";
	return level_name(burin_rt_variant(m->model->program)->cpu);
}

/* Of all variants that one call is made of. */
static double call_flops(const Model *m)
{
	const BurinProgram *p = m->model->program;
	const BurinVariant *v = burin_rt_variant(p), *end = p->variant + p->n_variant;
	double sum = 0;
	for (int64_t left = p->free_batch ? m->items : 1; v < end && left > 0;) {
		if (v->batch > left || !burin_cpu_has(v->need)) {
			v++;
			continue;
		}
		for (uint32_t i = 0; v->info && i < v->n_steps; i++)
			sum += v->info[i].flops;
		left -= v->batch;
	}
	return sum;
}

static void print_latency(Cli *c, const Bench *b, const Peaks *p, int threads)
{
	Arena *a = c->arena;
	const Latency *l = &b->latency;
	double half = (l->high - l->low) / 2 / l->median * 100;
	cli_print(c, "warm-up %.1f s (%s) · %d runs in %.1f s · %d outlier%s\n", b->warmup_s,
		  b->steady ? "steady" : "not steady", l->n, b->spent_s, l->outliers,
		  l->outliers == 1 ? "" : "s");
	cli_print(c, "latency   median %s ±%.1f %%   min %s   p90 %s   p99 %s   mean %s ± %s\n",
		  text_time(a, l->median * 1e-9), half, text_time(a, l->min * 1e-9),
		  text_time(a, l->p90 * 1e-9), text_time(a, l->p99 * 1e-9),
		  text_time(a, l->mean * 1e-9), text_time(a, l->stddev * 1e-9));
	cli_print(c, "rate      %.4g /s   %.4g GFLOP/s", 1e9 / l->median, b->flops / l->median);
	double peak = peak_gflops(p, threads);
	if (peak > 0)
		cli_print(c, "   %.0f %% of the peak (%.0f GFLOP/s measured here)",
			  100 * b->flops / l->median / peak, peak);
	cli_print(c, "\n");
}

static void warn(Cli *c, const Bench *b)
{
	if (!b->steady)
		cli_warning(c, "%s: the time did not become steady", b->m.path);
	const char *disturbed = disturbance(c->arena, &b->samples);
	if (disturbed)
		cli_warning(c, "%s: disturbed: %s; close other programs, or run longer (--seconds)",
			    b->m.path, disturbed);
	if (b->drift > 0.03 || b->drift < -0.03)
		cli_warning(c,
			    "%s: the last runs took %.0f %% %s time than the first (throttling, or "
			    "another program?)",
			    b->m.path, 100 * fabs(b->drift), b->drift < 0 ? "less" : "more");
}

/* --- document --------------------------------------------------------------------------------- */

static void put_latency(Cli *c, const Latency *l)
{
	json_key_object(c, "latency");
	json_key_real(c, "min", l->min);
	json_key_real(c, "median", l->median);
	json_key_array(c, "median_ci95");
	json_put_real(&c->json, l->low);
	json_put_real(&c->json, l->high);
	json_end(&c->json);
	json_key_real(c, "p90", l->p90);
	json_key_real(c, "p95", l->p95);
	json_key_real(c, "p99", l->p99);
	json_key_real(c, "p99.9", l->p999);
	json_key_real(c, "mean", l->mean);
	json_key_real(c, "stddev", l->stddev);
	json_key_int(c, "outliers", l->outliers);
	json_end(&c->json);
}

static const char *file_hash(Cli *c, const char *path)
{
	IoError e;
	unsigned char digest[SHA256_BYTES];
	char *hex = arena_alloc(c->arena, SHA256_HEX);
	IoMap *m = io_map(path, &e);
	if (!m)
		return NULL;
	sha256_bytes(io_map_data(m), io_map_size(m), digest);
	sha256_hex(digest, hex);
	io_unmap(m);
	return hex;
}

static void put_model(Cli *c, const Bench *b)
{
	const Model *m = &b->m;
	json_key_object(c, "model");
	json_key_text(c, "file", m->path);
	json_key_text(c, "sha256", file_hash(c, m->path));
	json_key_text(c, "target", target_of(c, m));
	json_key_text(c, "inputs", shape_text(c, m));
	json_key_real(c, "flops", b->flops);
	if (m->graph) {
		json_key_real(c, "read_s", m->read_s);
		json_key_real(c, "compile_s", m->compile_s);
	}
	json_end(&c->json);
}

static void put_result(Cli *c, const Bench *b, const Peaks *p, int threads)
{
	put_model(c, b);
	json_key_real(c, "warmup_s", b->warmup_s);
	json_key_bool(c, "steady", b->steady);
	json_key_int(c, "runs", b->latency.n);
	put_latency(c, &b->latency);
	json_key_text(c, "disturbed", disturbance(c->arena, &b->samples));
	json_key_real(c, "gflops", b->flops / b->latency.median);
	json_key_array(c, "samples");
	for (int i = 0; i < b->sample.n; i++)
		json_put_int(&c->json, (int64_t)b->sample.at[i]);
	json_end(&c->json);
	if (opt_given(c, OPT_profile))
		profile_json(c, b, p, threads);
}

/* One model lies in the document itself, several in "results". */
static void put_results(Cli *c, const Bench *b, int n, const Peaks *p, int threads)
{
	environment_json(c);
	json_key_object(c, "peak");
	json_key_real(c, "fma_gflops", peak_gflops(p, threads));
	json_key_real(c, "read_gb_per_s", peak_read(p, LEVEL_MEMORY, threads));
	json_key_real(c, "l3_gb_per_s", peak_read(p, LEVEL_L3, threads));
	json_key_real(c, "l2_gb_per_s", peak_read(p, LEVEL_L2, threads));
	json_end(&c->json);
	json_key_text(c, "mode", "latency");
	json_key_text(c, "unit", "ns");
	if (n == 1) {
		put_result(c, &b[0], p, threads);
		return;
	}
	json_key_array(c, "results");
	for (int i = 0; i < n; i++) {
		json_put_object(&c->json);
		put_result(c, &b[i], p, threads);
		json_end(&c->json);
	}
	json_end(&c->json);
}

/* --- the work --------------------------------------------------------------------------------- */

static const char *cpus_text(Cli *c)
{
	cpu_set_t set;
	CPU_ZERO(&set);
	sched_getaffinity(0, sizeof set, &set);
	return cpu_list(c->arena, &set);
}

static void report(Cli *c, const Bench *b, const Peaks *p, int threads, int top)
{
	cli_print(c, "%s  %s  %s  %d thread%s on CPU %s\n", b->m.path, shape_text(c, &b->m),
		  target_of(c, &b->m), threads, threads == 1 ? "" : "s", cpus_text(c));
	print_latency(c, b, p, threads);
	warn(c, b);
	if (opt_given(c, OPT_profile))
		profile_print(c, b, p, threads, top);
}

static bool same_ports(const Tensor *x, int n_x, const Tensor *y, int n_y)
{
	bool same = n_x == n_y;
	for (int i = 0; same && i < n_x; i++)
		same = type_same_shape(x[i].type, y[i].type);
	return same;
}

/* Whether one can stand for the other: a ratio of times of unrelated models says nothing. */
static bool comparable(const Model *x, const Model *y)
{
	return same_ports(x->in, x->n_in, y->in, y->n_in) &&
	       same_ports(x->out, x->n_out, y->out, y->n_out);
}

/* Of those that compute the same as the first, as far as their inputs and outputs tell. */
static void report_ratios(Cli *c, const Bench *b, int n)
{
	json_key_array(c, "ratios");
	for (int i = 1; i < n; i++) {
		if (!comparable(&b[0].m, &b[i].m))
			continue;
		Ratio r = ratio_in_turns(c->arena, &b[0].samples, &b[i].samples);
		cli_print(c, "%s takes %.3f [%.3f, %.3f] of the time of %s: %s\n", b[i].m.path,
			  r.ratio, r.low, r.high, b[0].m.path, verdict_name(r.verdict));
		json_put_object(&c->json);
		json_key_text(c, "file", b[i].m.path);
		json_key_text(c, "against", b[0].m.path);
		ratio_json(c, &r);
		json_end(&c->json);
	}
	json_end(&c->json);
}

static int load_all(Cli *c, Bench *b, int n)
{
	for (int i = 0; i < n; i++) {
		int rc = given_read(c, &b[i].given);
		if (rc == EXIT_YES)
			rc = model_load(c, c->arg.at[i], &b[i].given, &b[i].m);
		if (rc)
			return rc;
	}
	return EXIT_YES;
}

static int bench(Cli *c, Bench *b, int n)
{
	BenchLimits limits = { .seconds = 3 };
	int64_t top = 15;
	Peaks peaks;
	if (!opt_int(c, OPT_runs, 1, 100000000, &limits.runs) ||
	    !opt_real(c, OPT_seconds, &limits.seconds) ||
	    (opt_given(c, OPT_profile) && !opt_int(c, OPT_top, 0, 1000000, &top)))
		return EXIT_USAGE;
	int rc = load_all(c, b, n);
	rc = rc ? rc : options_had_effect(c, n == 1 ? b[0].m.path : NULL);
	if (rc)
		return rc;
	if (!peaks_load(c, &peaks)) {
		peaks = peaks_measure(c);
		if (!machine_is_busy(c))
			peaks_store(c, &peaks);
	}
	environment_warnings(c);
	rc = bench_measure(c, b, n, limits);
	for (int i = 0; i < n && rc == EXIT_YES; i++) {
		b[i].flops = call_flops(&b[i].m);
		if (opt_given(c, OPT_profile))
			rc = bench_profile(c, &b[i]);
	}
	if (rc)
		return rc;
	int threads = threads_wanted(c);
	for (int i = 0; i < n; i++)
		report(c, &b[i], &peaks, threads, (int)top);
	if (n > 1)
		report_ratios(c, b, n);
	put_results(c, b, n, &peaks, threads);
	return EXIT_YES;
}

int verb_bench(Cli *c)
{
	int n = c->arg.n;
	Bench *b = ARENA_ARRAY(c->arena, Bench, n);
	int rc = bench(c, b, n);
	for (int i = 0; i < n; i++)
		model_close(&b[i].m);
	return rc;
}
