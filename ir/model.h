/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* A model as read: what burin_read makes and burin_compile takes. */
#ifndef IR_MODEL_H
#define IR_MODEL_H
#include "include/burin.h"
#include "ir/node.h"

struct ElemList;
struct WeightSet;

enum { MAX_BATCHES = 8 };

struct burin_graph {
	Context *ctx;
	Arena *arena;
	const char *path;
	const struct ElemList *list; /* as in the file, symbols kept */
	struct WeightSet *weights;   /* or NULL */
	Graph *graph;                /* typed, macros kept */
	char sha256[65];             /* of the model file, hexadecimal */
	int64_t batch
		[MAX_BATCHES]; /* sizes of option `batch`, largest first; graph is the last's */
	int n_batch;
	/* The graph once more: for another batch size (0: as it was read), and with or without the
	 * elements of <training>. NULL: see ctx->diag. Its nodes are in g->arena. */
	Graph *(*rebuild)(struct burin_graph *g, int64_t batch, bool training);
	const char *batch_symbol; /* the first in the first input's shape: what a batch size binds;
				     or NULL */
	bool batch_leads;         /* no number stands before it: rows lie one after the other */
	const void *read_options; /* frontend's, for rebuild */
	/* The pages of its weight files need not stay in memory; they come back. NULL: it has none.
	 */
	void (*rest)(const struct burin_graph *g);
	void (*close)(struct burin_graph *g);
};

/* The status for what stands in d, filling err with the first error. */
burin_status diag_status(const Diag *d, burin_error *err);
/* Every entry of d to the hook, which may be NULL. */
void diag_to_hooks(const Diag *d, const burin_hooks *h);
#endif
