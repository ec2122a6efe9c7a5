/* Packed weights: the prepare plan compiled for this machine and run. */
#ifndef CODEGEN_PREPARE_H
#define CODEGEN_PREPARE_H
#include "codegen/codegen.h"
#include "passes/pass.h"

/* *weights: a block of compiled->main->weight_bytes, 64-byte aligned, filled; free with
 * weights_free. */
bool prepare_weights(Context *c, const Compiled *compiled, const Target *host, JitOptions o,
		     void **weights);
void weights_free(void *weights); /* accepts NULL */
#endif
