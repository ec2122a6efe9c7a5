/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* From a model with a loss and an optimiser to one step of training. */
#ifndef PASSES_TRAIN_H
#define PASSES_TRAIN_H
#include "passes/pass.h"

/* Of a graph built for training (Graph.loss, macros kept): the graph of a step. Its inputs are
 * those that the loss and the metrics need, and `rate`, the last; its results the loss and the
 * metrics; its parameters are states, whose updates are the optimiser's. NULL: see p->ctx->diag. */
Graph *train_graph(const Pass *p, const Graph *g, Arena *arena);
/* The same model for judging it between steps: inference, with the loss and the metrics as its only
 * results. */
Graph *judge_graph(const Pass *p, const Graph *g, Arena *arena);
/* Places for all parameters of the model g, in their order, then for what the step's graph adds. */
StateLayout *train_layout(const Graph *g, const Graph *step, Arena *arena);
#endif
