/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* burin compile: a model to a file, with a line for each stage. */
#include "base/io.h"
#include "base/oom.h"
#include "base/sha256.h"
#include "codegen/artifact/artifact.h"
#include "codegen/job.h"
#include "tools/cli_graph.h"
#include "tools/cli_model.h"
#include <pthread.h>
#include <stdlib.h>
#include <sys/stat.h>

typedef struct Work {
	Cli *c;
	burin_graph *g;
	CompileJob job;
	CompileReport report;
	const char *out;
	const char *stage;
	int64_t stage_start;
	Str explain;
	Texts wrote;
	double read_s, optimise_s, codegen_s, link_s, weights_s;
} Work;

/* --- progress --------------------------------------------------------------------------------- */

static double *stage_seconds(Work *w, const char *stage)
{
	if (str_eq(stage, "linking"))
		return &w->link_s;
	if (str_eq(stage, "packing weights"))
		return &w->weights_s;
	return str_eq(stage, "compiling kernels") ? &w->codegen_s : &w->optimise_s;
}

static void end_stage(Work *w)
{
	int64_t now = now_ns();
	if (w->stage)
		*stage_seconds(w, w->stage) += (double)(now - w->stage_start) * 1e-9;
	w->stage_start = now;
}

static int on_progress(void *user, const char *stage, int64_t done, int64_t total)
{
	Work *w = user;
	if (!w->stage || !str_eq(stage, w->stage))
		end_stage(w);
	w->stage = stage;
	progress_show(w->c, stage, done, total, "");
	return cli_interrupted();
}

/* --- report ----------------------------------------------------------------------------------- */

static int64_t file_bytes(const char *path)
{
	struct stat st;
	return stat(path, &st) == 0 ? st.st_size : 0;
}

static bool is_text(const char *path)
{
	return str_ends(path, ".ll") || str_ends(path, ".s") || str_ends(path, ".cu");
}

/* Text is made for the best alone. */
static int n_targets(const Work *w)
{
	return is_text(w->out) ? 1 : w->job.ao.n_target;
}

static void list_files(Work *w)
{
	Arena *a = w->c->arena;
	const char *header = opts_get(w->c->opts, "header");
	vec_push(a, &w->wrote, w->out);
	if (str_ends(w->out, ".cu"))
		return;
	header = header ? header : path_with_suffix(a, w->out, ".h");
	if (*header)
		vec_push(a, &w->wrote, header);
	if (w->report.weights_beside)
		vec_push(a, &w->wrote, path_with_suffix(a, w->out, ".weights"));
}

static void put_stage(Work *w, const char *name, double seconds)
{
	json_key_real(w->c, name, seconds);
}

static void entry_json(Cli *c, const EntryReport *e)
{
	json_key_int(c, "kernels", e->kernels);
	json_key_int(c, "steps", e->steps);
	json_key_int(c, "workspace_bytes", e->work_bytes);
	json_key_int(c, "scratch_bytes_per_thread", e->scratch_bytes);
	json_key_int(c, "weight_bytes", e->weight_bytes);
	json_key_real(c, "planned_flops", e->flops);
}

static void report_json(Work *w, const GraphSummary *s)
{
	Cli *c = w->c;
	const CompileReport *r = &w->report;
	json_key_text(c, "file", c->arg.at[0]);
	json_key_array(c, "wrote");
	for (int i = 0; i < w->wrote.n; i++)
		json_put_text(&c->json, w->wrote.at[i]);
	json_end(&c->json);
	json_key_int(c, "bytes", file_bytes(w->out));
	json_key_text(c, "source_sha256", w->g->sha256);
	graph_summary_json(c, w->g, s);
	entry_json(c, &r->entry[0]);
	for (int i = 1; i < r->n_entry; i++) {
		json_key_object(c, r->entry[i].name);
		entry_json(c, &r->entry[i]);
		json_end(&c->json);
	}
	json_key_array(c, "targets");
	for (int i = 0; i < n_targets(w); i++)
		json_put_text(&c->json, w->job.target[i].name);
	json_end(&c->json);
	json_key_object(c, "seconds");
	put_stage(w, "read", w->read_s);
	put_stage(w, "optimise", w->optimise_s);
	put_stage(w, "codegen", w->codegen_s);
	put_stage(w, "link", w->link_s);
	put_stage(w, "weights", w->weights_s);
	json_end(&c->json);
	if (opt_given(c, OPT_explain))
		json_key_text(c, "explain", str_text(&w->explain));
}

/* seconds < 0: in the time of another line */
static void line(Work *w, const char *stage, double seconds, const char *text)
{
	if (seconds < 0)
		cli_print(w->c, "%-9s %s\n", stage, text);
	else
		cli_print(w->c, "%-9s %-60s %s\n", stage, text, text_time(w->c->arena, seconds));
}

static const char *target_names(Work *w)
{
	Str s;
	str_init(&s, w->c->arena);
	for (int i = 0; i < n_targets(w); i++)
		str_fmt(&s, "%s%s", i ? ", " : "", w->job.target[i].name);
	return str_text(&s);
}

static void print_explain(Work *w)
{
	const char *at = str_text(&w->explain);
	while (*at) {
		const char *end = strchrnul(at, '\n');
		cli_print(w->c, "          %.*s\n", (int)(end - at), at);
		at = *end ? end + 1 : end;
	}
}

/* Beside the model's own function the others are named. */
static void entry_text(Work *w, const EntryReport *e, double seconds)
{
	Arena *a = w->c->arena;
	bool many = w->report.n_entry > 1;
	const char *name = many ? arena_printf(a, "%s: ", e->name) : "";
	line(w, "optimise", seconds,
	     arena_printf(a, "%s%d steps, %d kernels, %s", name, e->steps, e->kernels,
			  text_flop(a, e->flops)));
	cli_print(w->c, "%-9s %sworkspace %s, scratch %s per thread\n", "plan", name,
		  text_bytes(a, e->work_bytes), text_bytes(a, e->scratch_bytes));
}

static void report_text(Work *w, const GraphSummary *s)
{
	Cli *c = w->c;
	Arena *a = c->arena;
	const CompileReport *r = &w->report;
	line(w, "read", w->read_s,
	     arena_printf(a, "%s  %d elements, %s parameters", c->arg.at[0], s->elements,
			  text_count(a, (double)s->parameters)));
	for (int i = 0; i < r->n_entry; i++)
		entry_text(w, &r->entry[i], i == 0 ? w->optimise_s : -1);
	print_explain(w);
	line(w, "codegen", w->codegen_s, arena_printf(a, "for %s", target_names(w)));
	if (str_ends(w->out, ".so"))
		line(w, "link", w->link_s,
		     arena_printf(a, "%s %s  needs: %s", w->out, text_bytes(a, file_bytes(w->out)),
				  needed_libraries(a, w->out)));
	if (r->entry[0].weight_bytes && !is_text(w->out))
		line(w, "weights", w->weights_s,
		     arena_printf(a, "%s packed", text_bytes(a, r->entry[0].weight_bytes)));
	Str files;
	str_init(&files, a);
	for (int i = 0; i < w->wrote.n; i++)
		str_fmt(&files, i ? " %s" : "%s", w->wrote.at[i]);
	line(w, "wrote", w->read_s + w->optimise_s + w->codegen_s + w->link_s + w->weights_s,
	     str_text(&files));
}

/* --- the work --------------------------------------------------------------------------------- */

/* The identity of the model file, for the artefact's metadata: found while the model is read, by a
 * thread that may outlive the reading when memory runs out. */
typedef struct Hashing {
	const char *path;
	char hex[SHA256_HEX]; /* "": the file cannot be read */
	pthread_t thread;
	bool started, no_memory;
} Hashing;

static void hash_file(Hashing *h)
{
	IoError e;
	unsigned char digest[SHA256_BYTES];
	IoMap *m = io_map(h->path, &e);
	if (!m)
		return;
	sha256_bytes(io_map_data(m), io_map_size(m), digest);
	sha256_hex(digest, h->hex);
	io_unmap(m);
}

static void *hash_source(void *user)
{
	Hashing *h = user;
	OomScope scope;
	if (OOM_GUARD(&scope)) {
		hash_file(h);
		oom_leave(&scope);
	} else {
		h->no_memory = true;
	}
	return NULL;
}

static void hashing_end(Hashing *h, char hex[SHA256_HEX])
{
	if (h->started)
		pthread_join(h->thread, NULL);
	else
		hash_source(h);
	bool no_memory = h->no_memory;
	memcpy(hex, h->hex, sizeof h->hex);
	free(h);
	if (no_memory)
		oom_raise();
}

static int read_source(Work *w)
{
	int64_t start = now_ns();
	progress_show(w->c, "read", 0, 1, "");
	Hashing *h = mem_alloc(sizeof *h);
	char hex[SHA256_HEX];
	h->path = w->c->arg.at[0];
	h->started = pthread_create(&h->thread, NULL, hash_source, h) == 0;
	int rc = model_read(w->c, h->path, NULL, &w->g);
	hashing_end(h, hex);
	if (rc)
		return rc;
	memcpy(w->g->sha256, hex, sizeof hex);
	w->read_s = (double)(now_ns() - start) * 1e-9;
	return EXIT_YES;
}

static int compile_source(Work *w)
{
	Cli *c = w->c;
	w->job = (CompileJob){ .c = w->g->ctx, .o = c->opts };
	if (!compile_job_begin(&w->job, w->g, w->out))
		return cli_diagnostics(c, w->g->ctx->diag);
	str_init(&w->explain, c->arena);
	w->job.co.pass.explain = opt_given(c, OPT_explain) ? &w->explain : NULL;
	int rc = options_had_effect(c, NULL);
	if (rc) {
		compile_job_end(&w->job);
		return rc;
	}
	w->job.co.progress = on_progress;
	w->job.co.user = w;
	if (!w->job.ao.source)
		w->job.ao.source = path_base(c->arg.at[0]);
	w->job.ao.stop = cli_stop_flag();
	cli_hold_interrupts();
	bool ok = compile_artifact(w->g->ctx, w->g->graph, &w->job.co, &w->job.ao, &w->report);
	end_stage(w);
	CacheStats s = w->job.cache ? cache_stats(w->job.cache) : (CacheStats){ 0 };
	compile_job_end(&w->job);
	progress_wipe(c);
	if (cli_interrupted())
		return EXIT_INTERRUPTED;
	cli_verbose(c, "cache     %lld hits, %lld misses", (long long)s.hits, (long long)s.misses);
	rc = cli_diagnostics(c, w->g->ctx->diag);
	return ok || rc ? rc : EXIT_BUG;
}

int verb_compile(Cli *c)
{
	Work w = { .c = c, .out = opt_text(c, OPT_output_file) };
	if (!w.out)
		return cli_usage(c, "-o OUT.so says what is written, and where", "no output file");
	if (opt_given(c, OPT_train))
		training_start(c, (int64_t)cli_seed(c));
	int rc = read_source(&w);
	if (rc == EXIT_YES)
		rc = compile_source(&w);
	if (rc == EXIT_YES) {
		list_files(&w);
		GraphSummary s = graph_summary(c->arena, w.g);
		if (!c->quiet)
			report_text(&w, &s);
		report_json(&w, &s);
	}
	burin_graph_free(w.g);
	return rc;
}
