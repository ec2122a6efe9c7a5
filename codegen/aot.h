/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Between the parts of compiling ahead of time. An artefact is a list of entries: functions with a
 * program each, compiled for the same targets. Inference alone is a list of one. */
#ifndef CODEGEN_AOT_H
#define CODEGEN_AOT_H
#include "ir/model.h"
#include "base/vec.h"
#include "codegen/compile.h"

enum { MAX_ENTRIES = 3 };

/* For each batch size its plans for the best target: of the others the graph is planned anew. */
typedef struct AotEntry {
	Compiled compiled[MAX_BATCHES];
	GlueVariant variant[MAX_TARGETS * MAX_BATCHES]; /* all batches of the best target first */
	int n_batch, n_variant;
	int64_t block_at;                          /* of its weights in the block; -1: not there */
	void (*finish)(Plan *p, const void *user); /* what is done to each plan of it; or NULL */
	const void *user;
} AotEntry;

typedef struct Aot {
	Context *c;
	const CompileOptions *o;
	ArtifactOptions own;
	const ArtifactOptions *a; /* &own */
	Arena *arena;
	BatchGraph batch[MAX_BATCHES]; /* of inference; largest first */
	int n_batch;
	Target target[MAX_TARGETS]; /* best first */
	int n_target;
	AotEntry entry[MAX_ENTRIES];
	GlueEntry glue[MAX_ENTRIES]; /* of each entry; the first is m_run */
	int n_entry;
	int n_suffix; /* variants of all entries so far */
	VEC(ObjectCode) object;
	const char *prefix, *metadata;
	const StateLayout *layout; /* of training; NULL: inference alone */
	GlueState state;
	char *checkpoint; /* the whole state as it begins; or NULL */
	Graph *step;
	int64_t block_bytes; /* of burin_weights: packed weights of the entries, initial state */
} Aot;

static inline bool aot_for_gpu(const Aot *z)
{
	return z->target[0].kind == TARGET_CUDA;
}

/* What the code is for: levels of CPUs, or GPUs. */
int aot_names(const Aot *z);
const char *aot_name(const Aot *z, int i);
/* What the artefact says about itself, as JSON. */
const char *aot_metadata(Aot *z);

/* The next entry, without plans. */
AotEntry *aot_entry(Aot *z, const char *name, const char *about);
/* The graph passes, which do not depend on the target, and the plans for the best one. */
bool aot_compile(Aot *z, AotEntry *e, const Graph *g, bool from_state);
/* Identity of the packed weights of m_run: a file of them fits this artefact and no other layout.
 */
void aot_weights_layout(const Aot *z, uint64_t layout[2]);
/* Training: what must be known before inference is compiled, and the entries after it. */
bool aot_train_begin(Aot *z);
bool aot_train_entries(Aot *z);
/* What the state is at first: state.initial_bytes of it. */
bool aot_train_state(Aot *z, void *to);
bool aot_weights_differ(Aot *z); /* false, reported */
#endif
