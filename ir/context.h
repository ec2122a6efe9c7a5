/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* What outlives the modules of one compilation: interned types, symbols, attribute records, and the
 * diagnostics. One thread at a time. */
#ifndef IR_CONTEXT_H
#define IR_CONTEXT_H
#include "base/arena.h"
#include "base/diag.h"
#include "base/intern.h"
#include "ir/cons.h"
#include <stdbool.h>
#include <stdint.h>

typedef enum FpMode { FP_CONTRACT, FP_STRICT, FP_FAST } FpMode; /* docs/numbers.md */

struct Context {
	Arena *arena;
	Interner *symbols;
	Diag *diag;
	FpMode fp;
	/* emit's own switches (--set emit.fold=off ...), on by default */
	bool emit_fold, emit_cse, emit_rules;
	int64_t fold_bytes; /* constants up to this many bytes are folded on emission (64 KiB) */
	int64_t max_bytes;  /* refusal limit for one tensor and for a plan (0: 1 TiB) */
	Cons *types, *attrs, *blobs;
	const void *no_attr;     /* the record of operators without attributes */
	struct RuleTable *rules; /* of algebra.c, parsed when first used */
	uint64_t work; /* nodes visited, made and compared so far by what compiles: a count that
			  grows as the graph does, which tests of growth look at */
};
typedef struct Context Context;
Context *context_create(void); /* with its own arena */
void context_destroy(Context *c);
const char *sym(Context *c, const char *s);
#endif
