/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Ahead of time with training: beside inference, whose weights are then packed from the state at
 * run time, an entry that is one step of the optimiser and one that packs. All three share one
 * layout of the state. */
#include "codegen/aot.h"
#include "codegen/checkpoint.h"
#include "codegen/state.h"
#include "ir/blob.h"
#include "ir/text.h"
#include "passes/train.h"
#include <string.h>

enum { ALIGN = 64 };

static Pass pass_for(const Aot *z, PassOptions *o)
{
	*o = z->o->pass;
	o->target = z->target[0];
	o->explain = NULL;
	return (Pass){ .ctx = z->c, .o = o, .state = z->layout };
}

static bool load_checkpoint(Aot *z)
{
	const char *note;
	if (!z->a->train_state)
		return true;
	z->checkpoint = ARENA_ARRAY(z->arena, char, z->layout->bytes);
	z->state.initial_bytes = z->layout->bytes;
	return checkpoint_load(z->c, z->layout, z->checkpoint, z->a->train_state, z->arena, &note);
}

bool aot_train_begin(Aot *z)
{
	PassOptions po;
	Pass p = pass_for(z, &po);
	z->step = train_graph(&p, z->a->train, z->arena);
	if (!z->step)
		return false;
	z->layout = train_layout(z->a->train, z->step, z->arena);
	z->state = (GlueState){ .layout = z->layout,
				.initial_bytes = state_initial_bytes(z->layout, z->a->seed) };
	return load_checkpoint(z);
}

bool aot_train_state(Aot *z, void *to)
{
	if (z->checkpoint) {
		memcpy(to, z->checkpoint, (size_t)z->layout->bytes);
		return true;
	}
	memset(to, 0, (size_t)z->state.initial_bytes);
	return state_fill(z->c, z->layout, z->a->seed, to);
}

/* --- packing --------------------------------------------------------------------------------- */

/* What packing writes: a file of weights, as one output. */
typedef struct Packed {
	const Type *type;
	int64_t *at; /* of each result of the plan */
} Packed;

static Packed *packed_places(Aot *z, const Graph *main)
{
	Packed *p = ARENA_NEW(z->arena, Packed);
	int64_t bytes = BURIN_WEIGHTS_AT;
	p->at = ARENA_ARRAY(z->arena, int64_t, main->param.n + 1);
	for (int i = 0; i < main->param.n; i++) { /* after the head */
		p->at[i + 1] = bytes;
		bytes += (type_bytes(main->param.at[i]->type) + ALIGN - 1) / ALIGN * ALIGN;
	}
	p->type = type_get(z->c, DT_u8, 1, &bytes);
	return p;
}

static void join_outputs(Plan *p, const void *user)
{
	const Packed *k = user;
	PlanPort port = { .name = "packed", .type = k->type, .block = true, .align = 64 };
	for (int i = 0; i < p->step.n; i++)
		for (int j = 0; j < p->step.at[i].n_arg; j++) {
			PlanArg *a = &p->step.at[i].arg[j];
			if (a->space != SPACE_OUTPUT)
				continue;
			a->offset += k->at[a->index];
			a->index = 0;
		}
	p->output.n = 0;
	vec_push(p->arena, &p->output, port);
}

static const Blob *weights_head(Aot *z)
{
	char bytes[BURIN_WEIGHTS_AT] = { 0 };
	int64_t n = sizeof bytes;
	BurinWeightsHead head = { .bytes = z->entry[0].compiled[0].main->weight_bytes };
	memcpy(head.magic, BURIN_WEIGHTS_MAGIC, sizeof head.magic);
	aot_weights_layout(z, head.layout);
	memcpy(bytes, &head, sizeof head);
	return blob_intern(z->c, type_get(z->c, DT_u8, 1, &n), bytes);
}

/* The preparation with the head of the file as its first result: a constant like others. */
static Graph *packing_graph(Aot *z, const Graph *prepare)
{
	Graph *g = graph_create(z->c, z->arena, "prepare");
	Builder *b = builder_create(g);
	Node **map = ARENA_ARRAY(z->arena, Node *, prepare->node.n + 1);
	const Blob *head = weights_head(z);
	vec_push(z->arena, &g->result, emit_param(b, head->type, "head", false, head));
	vec_push(z->arena, &g->result_name, "packed");
	for (int i = 0; i < prepare->node.n; i++)
		map[i] = copy_node(b, prepare->node.at[i], map);
	copy_results(b, prepare, map);
	return b->failed ? NULL : g;
}

/* Inference for another batch must be made of the same weights. */
static bool same_weights(Aot *z, const Compiled *one, const Compiled *other)
{
	Str a, b;
	str_init(&a, z->arena);
	str_init(&b, z->arena);
	graph_print(&a, one->split.prepare, (TextOptions){ 0 });
	graph_print(&b, other->split.prepare, (TextOptions){ 0 });
	return str_eq(str_text(&a), str_text(&b)) || aot_weights_differ(z);
}

/* --- entries --------------------------------------------------------------------------------- */

static const char step_about[] =
	"One step of the optimiser on a batch, at the learning rate given: updates the state. What "
	"it\n"
	" * reports is of the parameters before it. Returns $M_OK or one of the errors above; the "
	"state\n"
	" * is then as it was, but void after $M_E_INDEX.\n";

static const char prepare_about[] =
	"Packs the parameters of the state as $m_run reads them, with batch norm folded and the "
	"like:\n"
	" * for $m_ctx_set_weights. The block is a whole .weights file.\n";

static bool add_step(Aot *z)
{
	AotEntry *e = aot_entry(z, "train_step", step_about);
	z->glue[z->n_entry - 1].writes_state = true;
	return aot_compile(z, e, z->step, false);
}

static bool add_preparation(Aot *z)
{
	AotEntry *e = aot_entry(z, "prepare", prepare_about);
	const Split *s = &z->entry[0].compiled[0].split;
	Graph *g = packing_graph(z, s->prepare);
	PassOptions po;
	Pass p = pass_for(z, &po);
	e->finish = join_outputs;
	e->user = packed_places(z, s->main);
	e->n_batch = 1;
	e->compiled[0].graph = e->compiled[0].split.main = g;
	e->compiled[0].main = g ? plan_graph(&p, g, z->arena) : NULL;
	return e->compiled[0].main != NULL;
}

bool aot_train_entries(Aot *z)
{
	const AotEntry *run = &z->entry[0];
	for (int b = 1; b < run->n_batch; b++)
		if (!same_weights(z, &run->compiled[0], &run->compiled[b]))
			return false;
	return add_step(z) && add_preparation(z);
}
