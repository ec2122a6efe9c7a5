/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The state that training begins with: the model's parameters, and zeros for what the optimiser
 * remembers. */
#ifndef CODEGEN_STATE_H
#define CODEGEN_STATE_H
#include "base/opts.h"
#include "ir/context.h"
#include "passes/plan.h"

/* Option `seed`, of dropout and other random numbers; 0 when it is not set. */
bool state_seed(Context *c, const burin_opts *o, int64_t *seed);
/* How much of the state is not all zero at first, from its start on: whole lines of 64 bytes. */
int64_t state_initial_bytes(const StateLayout *l, int64_t seed);
/* Writes what is not zero. */
bool state_fill(Context *c, const StateLayout *l, int64_t seed, char *state);
#endif
