/* Ahead of time: one plan per CPU level over the same weights, all kernels compiled in parallel,
 * glue, metadata, and the artefact. The weights are packed last, straight into their file. */
#include "base/io.h"
#include "base/json.h"
#include "base/map.h"
#include "codegen/aot_cuda.h"
#include "codegen/artifact/artifact.h"
#include "codegen/compile.h"
#include "codegen/prepare.h"
#include "passes/batch.h"
#include "runtime/cpu/rt.h"
#include <stdlib.h>
#include <string.h>

enum { MAX_TARGETS = 8, MAX_BATCHES = 8 };

typedef struct Aot {
	Context *c;
	const CompileOptions *o;
	ArtifactOptions own;
	const ArtifactOptions *a; /* &own */
	Arena *arena;
	BatchGraph batch[MAX_BATCHES]; /* largest first */
	Compiled compiled[MAX_BATCHES];
	int n_batch;
	Target target[MAX_TARGETS]; /* best first */
	int n_target;
	GlueVariant variant[MAX_TARGETS * MAX_BATCHES]; /* all batches of the best target first */
	int n_variant;
	VEC(ObjectCode) object;
	const char *prefix, *metadata;
	int64_t weight_bytes;
} Aot;

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

/* --- metadata -------------------------------------------------------------------------------- */

static void put_ports(JsonWriter *w, const char *key, const PlanPort *port, int n)
{
	json_put_key(w, key);
	json_put_array(w);
	for (int i = 0; i < n; i++) {
		json_put_object(w);
		json_put_key(w, "name");
		json_put_text(w, port[i].name);
		json_put_key(w, "type");
		json_put_text(w, dtype_info[port[i].type->dtype].name);
		json_put_key(w, "shape");
		json_put_array(w);
		for (int d = 0; d < port[i].type->rank; d++)
			json_put_int(w, port[i].type->dim[d]);
		json_end(w);
		json_end(w);
	}
	json_end(w);
}

static void put_text(JsonWriter *w, const char *key, const char *text)
{
	json_put_key(w, key);
	json_put_text(w, text);
}

static void put_int(JsonWriter *w, const char *key, int64_t v)
{
	json_put_key(w, key);
	json_put_int(w, v);
}

static void put_passes(JsonWriter *w, const PassOptions *o)
{
	json_put_key(w, "passes");
	json_put_array(w);
	for (int i = 0; i < PASS_COUNT; i++)
		if (!o->off[i])
			json_put_text(w, pass_info[i].name);
	json_end(w);
}

static bool for_gpu(const Aot *z)
{
	return z->target[0].kind == TARGET_CUDA;
}

/* What the code is for: levels of CPUs, or GPUs. */
static int n_names(const Aot *z)
{
	return for_gpu(z) ? z->o->gpus.n : z->n_target;
}

static const char *target_name(const Aot *z, int i)
{
	return for_gpu(z) ? arena_printf(z->arena, "sm_%d", z->o->gpus.arch[i]) : z->target[i].name;
}

static const char *metadata(Aot *z)
{
	static const char *const fp[] = {
		[FP_CONTRACT] = "contract", [FP_STRICT] = "strict", [FP_FAST] = "fast"
	};
	const Plan *p = z->variant[0].plan;
	JsonWriter w;
	Str s;
	str_init(&s, z->arena);
	json_write(&w, &s, false);
	json_put_object(&w);
	put_text(&w, "schema", "burin.artifact/1");
	put_text(&w, "name", z->prefix);
	put_text(&w, "compiler", codegen_version());
	put_text(&w, "source", z->a->source);
	put_text(&w, "source_sha256", z->a->source_hash);
	put_text(&w, "fp", fp[z->c->fp]);
	json_put_key(&w, "targets");
	json_put_array(&w);
	for (int i = 0; i < n_names(z); i++)
		json_put_text(&w, target_name(z, i));
	json_end(&w);
	put_passes(&w, &z->o->pass);
	put_ports(&w, "inputs", p->input.at, p->input.n);
	put_ports(&w, "outputs", p->output.at, p->output.n);
	put_int(&w, "kernels", p->kernel.n);
	put_int(&w, "steps", p->step.n);
	put_int(&w, "workspace_bytes", p->work_bytes);
	put_int(&w, "scratch_bytes_per_thread", p->scratch_bytes);
	put_int(&w, "weight_bytes", p->weight_bytes);
	json_end(&w);
	return str_text(&s);
}

/* --- plans and code -------------------------------------------------------------------------- */

/* The graph passes, which do not depend on the target, and the plan for the best one. */
static bool compile_batch(Aot *z, int b)
{
	PassOptions po = z->o->pass;
	po.target = z->target[0];
	if (b > 0)
		po.explain = NULL; /* said once */
	Pass pass = { .ctx = z->c, .o = &po };
	if (!compile_plans(&pass, z->batch[b].graph, z->arena, &z->compiled[b]))
		return false;
	if (z->a->n_batch && z->batch[b].batch > 1 &&
	    !batch_is_separable(&pass, z->compiled[b].graph, z->batch[b].batch))
		return false;
	return true;
}

static const Plan *plan_for(Aot *z, int target, int b)
{
	PassOptions po = z->o->pass;
	po.target = z->target[target];
	po.explain = NULL;
	Pass pass = { .ctx = z->c, .o = &po };
	return target == 0 ? z->compiled[b].main
			   : plan_graph(&pass, z->compiled[b].split.main, z->arena);
}

static bool make_plans(Aot *z)
{
	for (int b = 0; b < z->n_batch; b++)
		if (!compile_batch(z, b))
			return false;
	for (int t = 0; t < z->n_target; t++)
		for (int b = 0; b < z->n_batch; b++) {
			GlueVariant *v = &z->variant[z->n_variant];
			*v = (GlueVariant){ .plan = plan_for(z, t, b),
					    .suffix = arena_printf(z->arena, "_%d", z->n_variant),
					    .cpu = cpu_level(&z->target[t]),
					    .batch = z->batch[b].batch };
			if (!v->plan)
				return false;
			if (z->target[t].kind == TARGET_CPU)
				cpu_need(z, &z->target[t], v->need);
			z->n_variant++;
		}
	return true;
}

/* No objects: the kernels' images are data of the glue. */
static bool compile_gpu_variant(Aot *z)
{
	BurinCudaProgram *cuda = ARENA_NEW(z->arena, BurinCudaProgram);
	z->variant[0].cuda = cuda;
	return cuda_compile(z->c, z->arena, z->variant[0].plan, &z->target[0], z->o->gpus,
			    nvrtc_options(z->c, z->o), cuda);
}

static bool compile_variant(Aot *z, int i)
{
	const Plan *plan = z->variant[i].plan;
	if (for_gpu(z))
		return compile_gpu_variant(z);
	KernelJob *job = ARENA_ARRAY(z->arena, KernelJob, plan->kernel.n);
	for (int k = 0; k < plan->kernel.n; k++) {
		job[k].kernel = plan->kernel.at[k];
		job[k].symbol = arena_printf(z->arena, "%s%s", plan->kernel.at[k]->name,
					     z->variant[i].suffix);
	}
	const Target *t = &z->target[i / z->n_batch];
	if (!kernels_to_objects(z->c, z->arena, t, job, plan->kernel.n, z->o->threads, z->o->cache))
		return false;
	for (int k = 0; k < plan->kernel.n; k++)
		vec_push(z->arena, &z->object, job[k].out);
	return true;
}

/* Identity of the packed weights: a file of them fits this artefact and no other layout. */
static void weights_layout(const Aot *z, uint64_t layout[2])
{
	const Graph *g = z->compiled[0].split.main;
	layout[0] = hash_bytes(z->prefix, strlen(z->prefix), 1);
	layout[1] = (uint64_t)z->weight_bytes;
	for (int i = 0; i < g->param.n; i++)
		for (int d = 0; !is_state(g->param.at[i]) && d < g->param.at[i]->type->rank; d++)
			layout[1] = hash_mix(layout[1], (uint64_t)g->param.at[i]->type->dim[d]);
}

static Glue glue_of(Aot *z)
{
	Glue g = { .prefix = z->prefix,
		   .symbol = "burin_program",
		   .name = z->prefix,
		   .metadata = true,
		   .weights = z->weight_bytes && !z->a->weights_beside,
		   .variant = z->variant,
		   .n_variant = z->n_variant,
		   .free_batch = z->a->n_batch > 0,
		   .weight_bytes = z->weight_bytes };
	weights_layout(z, g.layout);
	return g;
}

static bool compile_glue(Aot *z)
{
	Glue g = glue_of(z);
	ObjectCode code;
	Target base = z->target[z->n_target - 1];
	if (for_gpu(z))
		target_find("x86-64-v2", &base);
	if (cpu_level(&base) != BURIN_CPU_NATIVE)
		target_find("x86-64-v2", &base);
	base.cpu = cpu_level(&base) == BURIN_CPU_NATIVE ? base.cpu : "x86-64";
	if (!glue_to_object(z->c, z->arena, &g, &base, &code))
		return false;
	vec_push(z->arena, &z->object, code);
	return true;
}

/* --- .ll and .s: kernels and glue of one CPU as text, to be read ---------------------------------
 */

static bool is_text(const char *path)
{
	return str_ends(path, ".ll") || str_ends(path, ".s");
}

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

static bool write_text(Aot *z)
{
	Glue g = glue_of(z);
	ObjectCode code;
	IoError e;
	CodeForm form = str_ends(z->a->path, ".ll") ? CODE_IR : CODE_ASSEMBLY;
	for (int i = 0; i < z->n_variant; i++)
		if (!add_kernel_text(z, &z->variant[i]))
			return false;
	if (!glue_to_code(z->c, z->arena, &g, &z->target[0], CODE_IR, &code))
		return false;
	vec_push(z->arena, &z->object, code);
	if (!texts_to_code(z->c, z->arena, &z->target[0], z->object.at, z->object.n, form, &code))
		return false;
	return io_write_file(z->a->path, code.data, code.bytes, &e) ||
	       io_report(z->c->diag, (Loc){ .file = z->a->path }, z->a->path, &e);
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
	const Plan *p = z->variant[0].plan;
	*r = (CompileReport){ .kernels = p->kernel.n,
			      .steps = p->step.n,
			      .work_bytes = p->work_bytes,
			      .scratch_bytes = p->scratch_bytes,
			      .weight_bytes = p->weight_bytes,
			      .weights_beside = z->a->weights_beside && p->weight_bytes > 0 };
	for (int i = 0; i < p->step.n; i++)
		r->flops += p->step.at[i].flops;
}

/* --- weights and files ----------------------------------------------------------------------- */

static bool weights_differ(Aot *z)
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

/* Those of all batch sizes must be the same, byte for byte. */
static bool fill_weights(void *user, void *to, IoWriter *file)
{
	Aot *z = user;
	JitOptions j = { z->o->threads, z->o->cache };
	Filling f = { z, file };
	PrepareTo p = { .block = to, .rest = rest, .user = &f };
	Target host;
	target_find("native", &host);
	host = target_resolve(z->arena, &host);
	if (!rest(&f) || !prepare_into(z->c, &z->compiled[0], &host, j, &p) || !rest(&f))
		return false;
	for (int b = 1; b < z->n_batch; b++) {
		void *other = NULL;
		if (!prepare_weights(z->c, &z->compiled[b], &host, j, &other))
			return false;
		bool same = z->compiled[b].main->weight_bytes == z->weight_bytes &&
			    memcmp(to, other, (size_t)z->weight_bytes) == 0;
		weights_free(other);
		if (!same)
			return weights_differ(z);
	}
	return true;
}

static bool write_files(Aot *z)
{
	Str targets;
	str_init(&targets, z->arena);
	for (int i = 0; i < n_names(z); i++)
		str_fmt(&targets, i ? ", %s" : "%s", target_name(z, i));
	ArtifactRequest r = { .path = z->a->path,
			      .header = z->a->header,
			      .prefix = z->prefix,
			      .source = z->a->source,
			      .targets = str_text(&targets),
			      .metadata = z->metadata,
			      .linker = z->a->linker,
			      .object = z->object.at,
			      .n_object = z->object.n,
			      .variant = z->variant,
			      .n_variant = z->n_variant,
			      .free_batch = z->a->n_batch > 0,
			      .fill = fill_weights,
			      .user = z,
			      .weight_bytes = z->weight_bytes,
			      .beside = z->a->weights_beside,
			      .stop = (const volatile sig_atomic_t *)z->a->stop };
	weights_layout(z, r.layout);
	return artifact_write(z->c, &r);
}

static bool run(Aot *z)
{
	if (!report_progress(z, "optimising", 0, 1) || !make_plans(z))
		return false;
	z->metadata = metadata(z);
	z->weight_bytes = z->compiled[0].main->weight_bytes;
	if (!z->a->weights_embed && z->weight_bytes > WEIGHTS_EMBED_LIMIT)
		z->own.weights_beside = true;
	if (is_text(z->a->path) && for_gpu(z))
		return no_text_for_gpu(z);
	if (is_text(z->a->path))
		return report_progress(z, "compiling kernels", 0, 1) && write_text(z);
	for (int i = 0; i < z->n_variant; i++)
		if (!report_progress(z, "compiling kernels", i, z->n_variant) ||
		    !compile_variant(z, i))
			return false;
	return compile_glue(z) && report_progress(z, "linking", 0, 1) && write_files(z);
}

bool compile_artifact(Context *c, const Graph *g, const CompileOptions *o, const ArtifactOptions *a,
		      CompileReport *report)
{
	if (o->pass.target.kind == TARGET_CUDA && str_ends(a->path, ".cu"))
		return write_cuda_text(c, g, o, a->path, report);
	Arena *arena = arena_create();
	Aot z = { .c = c, .o = o, .own = *a, .arena = arena };
	z.prefix = a->prefix ? a->prefix : artifact_prefix(arena, g->name);
	z.n_target = a->n_target < MAX_TARGETS ? a->n_target : MAX_TARGETS;
	if (is_text(a->path) && z.n_target > 1)
		z.n_target = 1;
	for (int i = 0; i < z.n_target; i++)
		z.target[i] = target_resolve(arena, &a->target[i]);
	z.n_batch = a->n_batch < MAX_BATCHES ? a->n_batch : MAX_BATCHES;
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
