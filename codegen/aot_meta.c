/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* What an artefact says about itself, in its note: the model, what it was compiled for, and for
 * each entry its ports and its needs. */
#include "base/json.h"
#include "codegen/aot.h"

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

static void put_tensor(JsonWriter *w, const char *name, const Type *t)
{
	put_text(w, "name", name);
	put_text(w, "type", dtype_info[t->dtype].name);
	json_put_key(w, "shape");
	json_put_array(w);
	for (int d = 0; d < t->rank; d++)
		json_put_int(w, t->dim[d]);
	json_end(w);
}

static void put_ports(JsonWriter *w, const char *key, const PlanPort *port, int n)
{
	json_put_key(w, key);
	json_put_array(w);
	for (int i = 0; i < n; i++) {
		json_put_object(w);
		put_tensor(w, port[i].name, port[i].type);
		json_end(w);
	}
	json_end(w);
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

int aot_names(const Aot *z)
{
	return aot_for_gpu(z) ? z->o->gpus.n : z->n_target;
}

const char *aot_name(const Aot *z, int i)
{
	return aot_for_gpu(z) ? arena_printf(z->arena, "sm_%d", z->o->gpus.arch[i])
			      : z->target[i].name;
}

/* Of the best target. */
static void put_entry(JsonWriter *w, const GlueEntry *e)
{
	const Plan *p = e->variant[0].plan;
	put_ports(w, "inputs", p->input.at, p->input.n);
	put_ports(w, "outputs", p->output.at, p->output.n);
	put_int(w, "kernels", p->kernel.n);
	put_int(w, "steps", p->step.n);
	put_int(w, "workspace_bytes", p->work_bytes);
	put_int(w, "scratch_bytes_per_thread", p->scratch_bytes);
	put_int(w, "weight_bytes", p->weight_bytes);
}

static void put_further(JsonWriter *w, const Aot *z)
{
	json_put_key(w, "entries");
	json_put_array(w);
	for (int i = 1; i < z->n_entry; i++) {
		json_put_object(w);
		put_text(w, "name", z->glue[i].name);
		put_entry(w, &z->glue[i]);
		json_end(w);
	}
	json_end(w);
}

static void put_state(JsonWriter *w, const StateLayout *l)
{
	put_int(w, "state_bytes", l->bytes);
	json_put_key(w, "state");
	json_put_array(w);
	for (int i = 0; i < l->tensor.n; i++) {
		json_put_object(w);
		put_tensor(w, l->tensor.at[i].name, l->tensor.at[i].type);
		put_int(w, "offset", l->tensor.at[i].offset);
		json_end(w);
	}
	json_end(w);
}

const char *aot_metadata(Aot *z)
{
	static const char *const fp[] = {
		[FP_CONTRACT] = "contract", [FP_STRICT] = "strict", [FP_FAST] = "fast"
	};
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
	for (int i = 0; i < aot_names(z); i++)
		json_put_text(&w, aot_name(z, i));
	json_end(&w);
	put_passes(&w, &z->o->pass);
	put_entry(&w, &z->glue[0]);
	if (z->n_entry > 1)
		put_further(&w, z);
	if (z->layout)
		put_state(&w, z->layout);
	json_end(&w);
	return str_text(&s);
}
