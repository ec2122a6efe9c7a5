/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Passes and the pipeline. A graph pass makes a new graph of an old one; each is one file, one
 * function, one row of passes.def, and can be switched off by name (--set passes.NAME=off). The way
 * from the graph to the plan is read in pipeline.c, top to bottom. */
#ifndef PASSES_PASS_H
#define PASSES_PASS_H
#include "ir/node.h"
#include "ir/target.h"
#include "passes/plan.h"

typedef enum PassId {
#define PASS(name, doc) PASS_##name,
#include "passes/passes.def"
#undef PASS
	PASS_COUNT
} PassId;

typedef struct PassInfo {
	const char *name, *doc;
} PassInfo;
extern const PassInfo pass_info[PASS_COUNT];
bool pass_find(const char *name, PassId *out);

typedef struct PassOptions {
	Target target;
	Target host; /* where the prepare plan runs when the target is a GPU */
	bool off[PASS_COUNT];
	bool verify;            /* after every pass */
	bool bf16;              /* GPUs: products may round their factors to bf16 */
	Str *explain;           /* what fused, what nearly did and why not; NULL: nobody asks */
	Str *dump;              /* text after each pass; NULL: nobody asks */
	const char *dump_after; /* NULL: all */
} PassOptions;

typedef struct Pass {
	Context *ctx;
	const PassOptions *o;
	bool from_file; /* the graph's inputs lie in a file as they come: at any address */
	const StateLayout *state; /* of the graph's state parameters; NULL: in their order */
	bool from_state; /* inference over trained parameters: prepare reads them from the state and
			    gives all weights of main; its own parameters are constants */
} Pass;

/* One line of --explain. */
void pass_explain(const Pass *p, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* graph passes, in the pipeline's order; all leave p->ctx->diag with an error and return NULL when
 * they fail */
typedef Graph *GraphPass(const Pass *p, const Graph *g, Arena *arena);
#define PASS(name, doc) GraphPass pass_##name;
#include "passes/passes.def"
#undef PASS

/* All graph passes that are on, in order. */
Graph *run_graph_passes(const Pass *p, const Graph *g, Arena *arena);
/* Runs the named passes ("a,b,c"), for burin-opt. */
Graph *run_named_passes(const Pass *p, const Graph *g, Arena *arena, const char *names);

/* What depends on parameters and constants alone is computed once, when compiled: `prepare` has the
 * parameters as inputs and the values that `main` wants as results; main reads them as parameters.
 */
typedef struct Split {
	Graph *prepare; /* NULL: nothing to prepare */
	Graph *main;
	VEC(Node *)
	source; /* OP_param and OP_const of the model, in the order of prepare's inputs */
	VEC(Node *) weight; /* OP_param of main, in the order of prepare's results */
} Split;
const Blob *static_data(const Node *n); /* of OP_param and OP_const, else NULL */
bool split_static(const Pass *p, const Graph *g, Arena *arena, Split *out);

/* Places for a graph's state parameters, in the order of graph->param, which dead ones keep. */
StateLayout *state_layout(const Graph *g, Arena *arena);
const StateTensor *state_find(const StateLayout *l, const char *name); /* NULL: none */

/* The graph as it is, without graph passes, to kernels and plan. weight_offset[i]: bytes of main's
 * i-th parameter in the weight block. */
Plan *plan_graph(const Pass *p, const Graph *g, Arena *arena);

typedef struct Compiled {
	Plan *main;
	Plan *prepare; /* run it to fill main's weights; NULL: the weights are the parameters
			  themselves */
	Split split;
	Graph *graph; /* after the graph passes: for reports */
} Compiled;
bool compile_plans(const Pass *p, const Graph *g, Arena *arena, Compiled *out);
#endif
