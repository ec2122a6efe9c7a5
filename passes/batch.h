/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Is the model the same computation for every item of a batch? */
#ifndef PASSES_BATCH_H
#define PASSES_BATCH_H
#include "passes/pass.h"

/* g is a graph of core operators built for `batch` items (2 or more), the leading size of every
 * input. True when every result leads with the batch too and no operator mixes items. When that is
 * so at two sizes, which no other dimension can both be mistaken for, a batch of any size may be
 * computed as a sum of smaller ones. Else reports E5112 at the operator that mixes them. */
bool batch_is_separable(const Pass *p, const Graph *g, int64_t batch);
#endif
