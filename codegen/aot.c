/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Ahead of time: for each entry one plan per CPU level over the same weights, all kernels compiled
 * in parallel, glue, metadata, and the artefact. The weights are packed last, straight into their
 * file. */
#include "base/io.h"
#include "base/map.h"
#include "codegen/aot.h"
#include "codegen/aot_cuda.h"
#include "codegen/artifact/artifact.h"
#include "codegen/prepare.h"
#include "ir/text.h"
#include "passes/batch.h"
#include "runtime/cpu/rt.h"
#include <stdlib.h>
#include <string.h>

static bool is_text(const char *path)
{
	return str_ends(path, ".ll") || str_ends(path, ".s");
}

static bool report_progress(const Aot *z, const char *stage, int64_t done, int64_t total)
{
	if (!z->o->progress || z->o->progress(z->o->user, stage, done, total) == 0)
		return true;
	return diag_error(z->c->diag, (Loc){ 0 }, E5213, "interrupted while %s", stage);
}

static uint32_t cpu_level(const Target *t)
{
	static const struct {
		const char *name;
		uint32_t level;
	} row[] = { { "x86-64", BURIN_CPU_BASE },
		    { "x86-64-v2", BURIN_CPU_V2 },
		    { "x86-64-v3", BURIN_CPU_V3 },
		    { "x86-64-v4", BURIN_CPU_V4 } };
	for (size_t i = 0; i < sizeof row / sizeof row[0]; i++)
		if (str_eq(row[i].name, t->name))
			return row[i].level;
	return BURIN_CPU_NATIVE;
}

/* What the code may use: the level's features, and for a named CPU all that LLVM is told it has. */
static void cpu_need(Aot *z, const Target *t, uint64_t need[2])
{
	uint32_t level = cpu_level(t);
	burin_cpu_need(level == BURIN_CPU_NATIVE ? BURIN_CPU_BASE : level, need);
	const char *f = t->features ? t->features : "";
	while (level == BURIN_CPU_NATIVE && *f) {
		size_t n = strcspn(f, ",");
		if (*f == '+')
			burin_cpu_need_add(arena_strndup(z->arena, f + 1, n - 1), need);
		f += n + (f[n] == ',');
	}
}

/* --- plans and code -------------------------------------------------------------------------- */

AotEntry *aot_entry(Aot *z, const char *name, const char *about)
{
	AotEntry *e = &z->entry[z->n_entry];
	z->glue[z->n_entry++] = (GlueEntry){
		.name = name, .about = about, .variant = e->variant, .weights_at = -1
	};
	return e;
}

static Pass pass_of(const Aot *z, const PassOptions *o)
{
	return (Pass){ .ctx = z->c, .o = o, .state = z->layout };
}

bool aot_compile(Aot *z, AotEntry *e, const Graph *g, bool from_state)
{
	PassOptions po = z->o->pass;
	po.target = z->target[0];
	if (e->n_batch > 0)
		po.explain = NULL; /* said once */
	Pass pass = pass_of(z, &po);
	pass.from_state = from_state;
	return compile_plans(&pass, g, z->arena, &e->compiled[e->n_batch++]);
}

static const char *run_about(const Aot *z)
{
	return aot_for_gpu(z)
		       ? "Runs the model on the device of ctx, which is needed; one call at a "
			 "time. Returns\n * $M_OK or one of the errors above. Tensors are dense, "
			 "in C order, in memory of the host:\n"
		       : "Runs the model; returns $M_OK or one of the errors above. Tensors are "
			 "dense, in C order:\n";
}

/* May a batch of any size be computed as a sum of those compiled? */
static bool items_are_apart(Aot *z)
{
	PassOptions po = z->o->pass;
	po.target = z->target[0];
	po.explain = po.dump = NULL;
	Pass pass = pass_of(z, &po);
	for (int i = 0; i < BATCHES_JUDGED; i++) {
		const BatchGraph *b = &z->a->judged[i];
		const Graph *core = run_graph_passes(&pass, b->graph, z->arena);
		if (!core || !batch_is_separable(&pass, core, b->batch))
			return false;
	}
	return true;
}

static bool compile_inference(Aot *z)
{
	AotEntry *e = aot_entry(z, "run", run_about(z));
	if (z->a->n_batch && !items_are_apart(z))
		return false;
	for (int b = 0; b < z->n_batch; b++)
		if (!aot_compile(z, e, z->batch[b].graph, z->layout != NULL))
			return false;
	return true;
}

static const Plan *plan_for(Aot *z, const AotEntry *e, int target, int b)
{
	PassOptions po = z->o->pass;
	po.target = z->target[target];
	po.explain = NULL;
	Pass pass = pass_of(z, &po);
	Plan *p = target == 0 ? e->compiled[b].main
			      : plan_graph(&pass, e->compiled[b].split.main, z->arena);
	if (p && e->finish)
		e->finish(p, e->user);
	return p;
}

static bool make_variants(Aot *z, int entry)
{
	AotEntry *e = &z->entry[entry];
	for (int t = 0; t < z->n_target; t++)
		for (int b = 0; b < e->n_batch; b++) {
			GlueVariant *v = &e->variant[e->n_variant++];
			*v = (GlueVariant){ .plan = plan_for(z, e, t, b),
					    .suffix = arena_printf(z->arena, "_%d", z->n_suffix++),
					    .cpu = cpu_level(&z->target[t]),
					    .batch = entry == 0 ? z->batch[b].batch : 1 };
			if (!v->plan)
				return false;
			if (z->target[t].kind == TARGET_CPU)
				cpu_need(z, &z->target[t], v->need);
		}
	z->glue[entry].n_variant = e->n_variant;
	z->glue[entry].weight_bytes = e->compiled[0].main->weight_bytes;
	return true;
}

static int64_t round_up(int64_t bytes)
{
	return (bytes + 63) / 64 * 64;
}

/* Places in the block of weights, which holds none of inference that is trained. */
static void place_weights(Aot *z)
{
	for (int i = 0; i < z->n_entry; i++) {
		bool there = z->glue[i].weight_bytes > 0 && !(i == 0 && z->layout);
		z->entry[i].block_at = there ? z->block_bytes : -1;
		z->block_bytes += there ? round_up(z->glue[i].weight_bytes) : 0;
	}
	z->state.initial_at = z->block_bytes;
	z->block_bytes += round_up(z->state.initial_bytes);
	if (z->layout)
		z->own.weights_beside = false;
	else if (!z->a->weights_embed &&
		 z->block_bytes > (is_text(z->a->path) ? WEIGHTS_TEXT_LIMIT : WEIGHTS_EMBED_LIMIT))
		z->own.weights_beside = true;
	for (int i = 0; i < z->n_entry; i++)
		z->glue[i].weights_at = z->a->weights_beside ? -1 : z->entry[i].block_at;
}

static bool make_plans(Aot *z)
{
	if ((z->a->train && !aot_train_begin(z)) || !compile_inference(z) ||
	    (z->a->train && !aot_train_entries(z)))
		return false;
	for (int i = 0; i < z->n_entry; i++)
		if (!make_variants(z, i))
			return false;
	z->glue[0].free_batch = z->a->n_batch > 0;
	place_weights(z);
	aot_weights_layout(z, z->glue[0].layout);
	return true;
}

/* No objects: the kernels' images are data of the glue. */
static bool compile_gpu_variant(Aot *z, GlueVariant *v)
{
	BurinCudaProgram *cuda = ARENA_NEW(z->arena, BurinCudaProgram);
	v->cuda = cuda;
	return cuda_compile(z->c, z->arena, v->plan, &z->target[0], z->o->gpus,
			    nvrtc_options(z->c, z->o), cuda);
}

static bool compile_variant(Aot *z, AotEntry *e, int i)
{
	GlueVariant *v = &e->variant[i];
	const Plan *plan = v->plan;
	if (aot_for_gpu(z))
		return compile_gpu_variant(z, v);
	KernelJob *job = ARENA_ARRAY(z->arena, KernelJob, plan->kernel.n);
	for (int k = 0; k < plan->kernel.n; k++) {
		job[k].kernel = plan->kernel.at[k];
		job[k].symbol = arena_printf(z->arena, "%s%s", plan->kernel.at[k]->name, v->suffix);
	}
	const Target *t = &z->target[i / e->n_batch];
	if (!kernels_to_objects(z->c, z->arena, t, job, plan->kernel.n, z->o->threads, z->o->cache))
		return false;
	for (int k = 0; k < plan->kernel.n; k++)
		vec_push(z->arena, &z->object, job[k].out);
	return true;
}

static bool compile_variants(Aot *z)
{
	int done = 0;
	for (int i = 0; i < z->n_entry; i++)
		for (int k = 0; k < z->entry[i].n_variant; k++)
			if (!report_progress(z, "compiling kernels", done++, z->n_suffix) ||
			    !compile_variant(z, &z->entry[i], k))
				return false;
	return true;
}

/* How each packed weight is made of the model's tensors, which stand there by name. Whoever packs
 * by the same text, also from a state of training, makes a block that fits. */
static Str packing_text(const Aot *z)
{
	PassOptions po = z->o->pass;
	Pass pass = pass_of(z, &po);
	Split s;
	Str text;
	str_init(&text, z->arena);
	pass.from_state = true;
	if (split_static(&pass, z->entry[0].compiled[0].graph, z->arena, &s))
		graph_print(&text, s.prepare, (TextOptions){ 0 });
	return text;
}

void aot_weights_layout(const Aot *z, uint64_t layout[2])
{
	Str text = packing_text(z);
	layout[0] = hash_bytes(z->prefix, strlen(z->prefix), 1);
	layout[1] =
		hash_bytes(text.at, text.n, (uint64_t)z->entry[0].compiled[0].main->weight_bytes);
}

static Glue glue_of(Aot *z)
{
	return (Glue){ .prefix = z->prefix,
		       .symbol = "burin_program",
		       .name = z->prefix,
		       .metadata = true,
		       .entry = z->glue,
		       .n_entry = z->n_entry,
		       .state = z->layout ? &z->state : NULL };
}

static bool compile_glue(Aot *z)
{
	Glue g = glue_of(z);
	ObjectCode code;
	Target base = z->target[z->n_target - 1];
	if (aot_for_gpu(z))
		target_find("x86-64-v2", &base);
	if (cpu_level(&base) != BURIN_CPU_NATIVE)
		target_find("x86-64-v2", &base);
	base.cpu = cpu_level(&base) == BURIN_CPU_NATIVE ? base.cpu : "x86-64";
	if (!glue_to_object(z->c, z->arena, &g, &base, &code))
		return false;
	vec_push(z->arena, &z->object, code);
	return true;
}

/* --- .ll and .s: kernels, glue and runtime for one CPU as text --------------------------------- */

static bool add_kernel_text(Aot *z, const GlueVariant *v)
{
	for (int k = 0; k < v->plan->kernel.n; k++) {
		const Kernel *kernel = v->plan->kernel.at[k];
		const char *symbol = arena_printf(z->arena, "%s%s", kernel->name, v->suffix);
		ObjectCode code;
		if (!kernel_to_code(z->c, z->arena, kernel, &z->target[0], symbol, CODE_IR, &code))
			return false;
		vec_push(z->arena, &z->object, code);
	}
	return true;
}

static bool no_text_for_gpu(Aot *z)
{
	diag_error(z->c->diag, (Loc){ 0 }, E5001, "%s: code for a GPU has no text of LLVM's",
		   z->a->path);
	diag_hint(z->c->diag, "give it the suffix .cu, .so, .a or .o");
	return false;
}

static void fill_report(const Aot *z, CompileReport *r)
{
	*r = (CompileReport){ .weights_beside = z->a->weights_beside && z->block_bytes > 0 };
	for (int i = 0; i < z->n_entry; i++)
		report_entry(r, z->glue[i].name, z->glue[i].variant[0].plan);
}

/* --- weights and files ----------------------------------------------------------------------- */

bool aot_weights_differ(Aot *z)
{
	diag_error(z->c->diag, (Loc){ 0 }, E5112, "the weights depend on the batch size");
	diag_hint(z->c->diag, "compile one artefact for each batch size instead");
	return false;
}

typedef struct Filling {
	const Aot *z;
	IoWriter *file; /* or NULL */
} Filling;

static bool rest(void *user)
{
	const Filling *f = user;
	if (f->z->o->rest)
		f->z->o->rest(f->z->o->user_rest);
	if (f->file)
		io_place_rest(f->file);
	return report_progress(f->z, "packing weights", 0, 1);
}

/* Inference for a smaller batch must read the same weights, byte for byte. */
static bool check_batches(Aot *z, const void *weights, const Target *host, JitOptions j)
{
	const GlueEntry *g = &z->glue[0];
	for (int b = 1; b < z->n_batch && g->weight_bytes > 0; b++) {
		const Compiled *k = &z->entry[0].compiled[b];
		void *other = NULL;
		if (!prepare_weights(z->c, k, host, j, &other))
			return false;
		bool same = k->main->weight_bytes == g->weight_bytes &&
			    memcmp(weights, other, (size_t)g->weight_bytes) == 0;
		weights_free(other);
		if (!same)
			return aot_weights_differ(z);
	}
	return true;
}

static bool fill_block(void *user, void *to, IoWriter *file)
{
	Aot *z = user;
	JitOptions j = { z->o->threads, z->o->cache };
	Filling f = { z, file };
	PrepareTo p = { .rest = rest, .user = &f };
	Target host;
	target_find("native", &host);
	host = target_resolve(z->arena, &host);
	for (int i = 0; i < z->n_entry; i++) {
		if (z->entry[i].block_at < 0)
			continue;
		p.block = (char *)to + z->entry[i].block_at;
		if (!rest(&f) || !prepare_into(z->c, &z->entry[i].compiled[0], &host, j, &p) ||
		    !rest(&f))
			return false;
	}
	if (z->layout)
		return aot_train_state(z, (char *)to + z->state.initial_at);
	return check_batches(z, to, &host, j);
}

static ArtifactRequest request(Aot *z)
{
	Str targets;
	str_init(&targets, z->arena);
	for (int i = 0; i < aot_names(z); i++)
		str_fmt(&targets, i ? ", %s" : "%s", aot_name(z, i));
	return (ArtifactRequest){ .path = z->a->path,
				  .header = z->a->header,
				  .prefix = z->prefix,
				  .source = z->a->source,
				  .targets = str_text(&targets),
				  .metadata = z->metadata,
				  .linker = z->a->linker,
				  .object = z->object.at,
				  .n_object = z->object.n,
				  .entry = z->glue,
				  .n_entry = z->n_entry,
				  .state = z->layout ? &z->state : NULL,
				  .train_batch = z->a->train_batch,
				  .fill = fill_block,
				  .user = z,
				  .weight_bytes = z->block_bytes,
				  .beside = z->a->weights_beside,
				  .stop = (const volatile sig_atomic_t *)z->a->stop };
}

static bool write_files(Aot *z)
{
	ArtifactRequest r = request(z);
	return artifact_write(z->c, &r);
}

static bool write_text(Aot *z)
{
	Glue g = glue_of(z);
	ObjectCode code;
	ArtifactRequest r = request(z);
	CodeForm form = str_ends(z->a->path, ".ll") ? CODE_IR : CODE_ASSEMBLY;
	const char *shown = arena_printf(z->arena, "%s_", z->prefix);
	for (int i = 0; i < z->n_entry; i++)
		for (int k = 0; k < z->entry[i].n_variant; k++)
			if (!add_kernel_text(z, &z->entry[i].variant[k]))
				return false;
	if (!glue_to_code(z->c, z->arena, &g, &z->target[0], CODE_IR, &code))
		return false;
	vec_push(z->arena, &z->object, code);
	const char *assembly = artifact_assembly(z->c, &r);
	if (!assembly || !texts_to_code(z->c, z->arena, &z->target[0], z->object.at, z->object.n,
					shown, assembly, form, &code))
		return false;
	r.text = &code;
	return artifact_write(z->c, &r);
}

static bool run(Aot *z)
{
	if (!report_progress(z, "optimising", 0, 1) || !make_plans(z))
		return false;
	z->metadata = aot_metadata(z);
	if (is_text(z->a->path) && aot_for_gpu(z))
		return no_text_for_gpu(z);
	if (is_text(z->a->path))
		return report_progress(z, "compiling kernels", 0, 1) && write_text(z);
	return compile_variants(z) && compile_glue(z) && report_progress(z, "linking", 0, 1) &&
	       write_files(z);
}

bool compile_artifact(Context *c, const Graph *g, const CompileOptions *o, const ArtifactOptions *a,
		      CompileReport *report)
{
	if (o->pass.target.kind == TARGET_CUDA && str_ends(a->path, ".cu"))
		return write_cuda_text(c, g, o, a->path, report);
	if (a->n_target > MAX_TARGETS || a->n_batch > MAX_BATCHES)
		return diag_error(c->diag, (Loc){ 0 }, E7001, "%d targets, %d batch sizes",
				  a->n_target, a->n_batch);
	Arena *arena = arena_create();
	Aot z = { .c = c, .o = o, .own = *a, .arena = arena };
	z.prefix = a->prefix ? a->prefix : artifact_prefix(arena, g->name);
	z.n_target = a->n_target;
	if (is_text(a->path) && z.n_target > 1)
		z.n_target = 1;
	for (int i = 0; i < z.n_target; i++)
		z.target[i] = target_resolve(arena, &a->target[i]);
	z.n_batch = a->n_batch;
	for (int i = 0; i < z.n_batch; i++)
		z.batch[i] = a->batch[i];
	if (z.n_batch == 0)
		z.batch[z.n_batch++] = (BatchGraph){ g, 1 };
	z.a = &z.own;
	bool ok = run(&z);
	if (ok && report)
		fill_report(&z, report);
	arena_destroy(arena);
	return ok;
}
