/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Checkpoints: tensors of the training state in a safetensors file. */
#ifndef CODEGEN_CHECKPOINT_H
#define CODEGEN_CHECKPOINT_H
#include "ir/context.h"
#include "passes/plan.h"

/* The file appears at once and whole; it survives a power cut when true is returned. hidden: also
 * the tensors whose names begin with a dot, and the note (or NULL). */
bool checkpoint_save(Context *c, const StateLayout *l, const char *state, const char *path,
		     const char *note, bool hidden);
/* All or nothing: every tensor of l, no other, of the same types and sizes. *note: in arena, or
 * NULL. */
bool checkpoint_load(Context *c, const StateLayout *l, char *state, const char *path, Arena *arena,
		     const char **note);
#endif
