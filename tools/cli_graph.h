/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* What check and inspect tell of a graph. */
#ifndef TOOLS_CLI_GRAPH_H
#define TOOLS_CLI_GRAPH_H
#include "tools/cli.h"

typedef struct GraphSummary {
	int elements;
	int64_t parameters, parameter_bytes;
	double flops; /* of contractions: multiplications and additions */
} GraphSummary;
GraphSummary graph_summary(Arena *a, const burin_graph *g);
/* Keys of the object that is open: elements, parameters, flops, inputs, outputs. */
void graph_summary_json(Cli *c, const burin_graph *g, const GraphSummary *s);
/* "x f32[1,1,28,28] -> y f32[1,10]", cut when there are many */
const char *ports_text(Arena *a, const Graph *g);
/* "minimises loss by adam, lr 0.01; batch 8, 3 epochs, schedule cosine": what is given, of a graph
 * built for training. */
const char *training_text(Arena *a, const Graph *g);
/* The key `training`: loss, optimizer, attributes, inputs and metrics beyond the model's. */
void graph_training_json(Cli *c, const burin_graph *model, const Graph *g);
/* From here on models are read without weights, and sizes that nothing binds count as 1 (64
 * where 1 does not fit), unless the user says otherwise. */
void shapes_alone(Cli *c);
#endif
