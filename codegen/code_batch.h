/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Many pieces of code at once: from the cache what is there, the rest by several threads. */
#ifndef CODEGEN_CODE_BATCH_H
#define CODEGEN_CODE_BATCH_H
#include "codegen/codegen.h"

typedef struct CodeBatch {
	void *user;
	int n;
	int threads;              /* 0: one */
	const ObjectCache *cache; /* or NULL; asked by the calling thread alone */
	ObjectCode *(*out)(void *user, int i);
	void (*key)(void *user, int i, uint8_t key[32]);
	/* Makes piece i in `arena`; NULL, or what is wrong. `state`: state_bytes of the thread's
	 * own, zero at first, given back to `close` (or NULL) at the end. */
	const char *(*make)(void *user, void *state, int i, Arena *arena);
	void (*close)(void *state);
	size_t state_bytes;
	/* after a failure: which piece, and why */
	int failed;
	const char *error;
} CodeBatch;
/* The code lives in `arena`. */
bool code_batch(Arena *arena, CodeBatch *b);
#endif
