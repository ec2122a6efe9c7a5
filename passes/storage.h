/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Where every stored value lives: buffers of the plan, and for each value an affine place in one.
 */
#ifndef PASSES_STORAGE_H
#define PASSES_STORAGE_H
#include "ir/kbuilder.h"
#include "passes/fuse.h"

typedef struct PlanBuffer {
	Space space;
	int index; /* INPUT, OUTPUT, WEIGHT: position */
	int64_t bytes;
	int64_t offset;  /* bytes: WORK, WEIGHT set by the memory plan; INPUT of a state tensor */
	int first, last; /* WORK: steps between which it is in use */
	bool placed;     /* at a fixed offset: not a part of the memory plan */
	struct Piece *piece; /* the memory plan's own */
} PlanBuffer;

typedef struct StorageMap {
	Storage *of; /* by node id; buffer -1: none */
	int64_t *
		*part; /* by node id of a concatenation: where each operand begins along its axis */
	VEC(PlanBuffer) buffer;
} StorageMap;

/* state: NULL when the graph has none. */
StorageMap *assign_storage(const Pass *p, const Fusion *f, const StateLayout *state, Arena *arena);
/* Where operand k of written view n lies inside n's storage; false when it is not an affine part of
 * it. */
bool storage_of_operand(const StorageMap *m, const Node *n, int k, const Storage *whole,
			Storage *part);
/* Was operand k of written view n placed there by its producer, so that nothing need be copied? */
bool operand_embedded(const StorageMap *m, const Fusion *f, const Node *n, int k);
bool storage_contiguous(const Storage *s, const Type *t,
			int from); /* dimensions from.. are dense */
/* Offsets of WORK buffers by lifetime; the bytes of the workspace. */
int64_t plan_memory(StorageMap *m, const Plan *plan);
/* Steps that need no barrier before them; arguments still name buffers of the map. */
void mark_joins(const StorageMap *m, Plan *plan);
#endif
