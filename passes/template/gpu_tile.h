/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The tile of a block of threads, of which products on GPUs are made: c[rows][cols] in the
 * registers of all threads, fed from two tiles in shared memory, a and b, `depth` steps of the
 * reduction at a time.
 *
 * Lanes of the one vector axis are the block's threads. What threads hand each other goes through
 * scratch between two openings of that axis, so a kernel reads as a sequence of phases, and runs so
 * in the interpreter; the barriers between them are kb_finish's affair.
 *
 * Two arithmetics behind one interface: multiply-adds, each thread having tm by tn elements; or by
 * warps (S_MMA), factors rounded to bf16. */
#ifndef PASSES_TEMPLATE_GPU_TILE_H
#define PASSES_TEMPLATE_GPU_TILE_H
#include "ir/kbuilder.h"

/* How a block's threads share a tile. Multiply-adds: down x (threads / down) of them, with tm x tn
 * elements each. Warps: down x (warps / down), with tm x tn fragments of 16 x 8. */
typedef struct GpuShape {
	int down, tm, tn;
} GpuShape;

typedef struct GpuTile {
	KBuilder *kb;
	DType type; /* of the sums */
	bool mma;
	GpuShape shape;
	int64_t rows, cols, depth;
	Node *v;         /* the thread */
	Node *i, *j, *r; /* elements or fragments of a thread; registers of a fragment */
	Node *ra, *rb;   /* registers of a's and b's fragments */
	Node *acc;
} GpuTile;

/* Sizes alone; gpu_tile_start makes the axes. */
void gpu_tile_sizes(GpuTile *t, int threads);
void gpu_tile_start(GpuTile *t, int threads); /* with t->v, t->i and t->r, where set */
void gpu_tile_clear(GpuTile *t);              /* the sums: zero */

/* Where the thread's elements are: they depend on i, j, r and v. */
Node *gpu_row(const GpuTile *t);
Node *gpu_col(const GpuTile *t);
/* How many have elements of a row, each those of its threads' variables with the axes i, r and v;
 * and which of them the open loops are at. */
int gpu_sharers(const GpuTile *t);
Node *gpu_sharer(const GpuTile *t);
/* Loops over the thread's rows (by warps: each twice), and over its elements; opened and closed. */
void gpu_open_rows(GpuTile *t);
void gpu_close_rows(GpuTile *t);
void gpu_open_elements(GpuTile *t);
void gpu_close_elements(GpuTile *t);

/* Calls fn for every element of the sums, at its row and column of the tile, loops around it open.
 */
typedef void GpuEach(GpuTile *t, Node *row, Node *col, Node *acc, void *user);
void gpu_tile_each(GpuTile *t, GpuEach *fn, void *user);

/* Scratch for one operand: lines are a's rows or b's columns. */
int gpu_operand_scratch(GpuTile *t, const char *name, int64_t lines, int64_t depth);

/* Brings an operand from wherever read() finds it into its scratch: load into registers, store from
 * them. along: neighbouring threads read neighbouring k, not lines. read gives zero outside. */
typedef Node *GpuRead(KBuilder *kb, Node *line, Node *k, void *user);
typedef struct GpuOperand {
	GpuTile *t;
	int buf;
	int64_t lines, depth;
	bool along;
	GpuRead *read;
	void *user;
	Node *u, *held; /* set by gpu_operand_start */
} GpuOperand;
void gpu_operand_start(GpuOperand *o);  /* its registers */
void gpu_load(GpuOperand *o, Node *k0); /* steps k0 .. of the reduction into registers, */
void gpu_keep(GpuOperand *o);           /* from there into scratch */

/* sums += a b over depth steps of what lies in the scratches. */
void gpu_multiply(GpuTile *t, int a, int b, int64_t depth);
/* Element of an operand's scratch (multiply-adds only). */
Node *gpu_operand_at(GpuTile *t, int buf, Node *k, Node *line);
#endif
