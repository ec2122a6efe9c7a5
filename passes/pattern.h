/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* What the graph passes share: the walk from an old graph to a new one, and questions about values
 * that several of them ask. */
#ifndef PASSES_PATTERN_H
#define PASSES_PATTERN_H
#include "passes/pass.h"

typedef struct Readers {
	Node **at;
	int n, cap;
} Readers;

/* A pass goes through the old nodes in order and gives each a node of the new graph. */
typedef struct Rewrite {
	const Pass *p;
	const Graph *g; /* the old graph */
	Arena *arena;
	Builder *b;       /* of the new graph */
	Node **map;       /* by id of an old node: the new one that has its value */
	Readers *readers; /* by id, in the old graph; a node that reads twice is there twice */
	int *uses;        /* by id: readers and results */
	bool *is_static;  /* by id: depends on parameters and constants alone */
} Rewrite;

void rewrite_start(Rewrite *w, const Pass *p, const Graph *g, Arena *arena);
/* Nodes that are emitted next come from where n came from. */
void rewrite_place(Rewrite *w, const Node *n);
/* y, made for n, has n's name if it is the same operator and has none yet. Returns y. */
Node *rewrite_name(Node *y, const Node *n);
Node *rewrite_copy(Rewrite *w, const Node *n);
/* Ends the walk: results and updates are mapped. NULL after an error. */
Graph *rewrite_finish(Rewrite *w);

const char *node_label(const Node *n); /* the element's id, else the operator */
static inline bool has_flag(const Node *n, int flag)
{
	return (op_info(n->op)->flags & flag) != 0;
}

/* Are all elements one number known now? Constants, parameters of one element that training does
 * not change, and what repeats them. */
bool splat_value(const Node *n, double *out);
/* x has the rank of t or less: its size in dimension i of t, 1 where it has none */
int64_t aligned_dim(const Type *x, const Type *t, int i);
/* A reshape that leaves the last `keep` sizes as they are. */
bool keeps_last(const Node *n, int keep);
/* A transposition of the last two dimensions alone. */
bool swaps_last_two(const Node *n);
Node *emit_swap_last_two(Builder *b, Node *x);
/* Shape without leading sizes of 1. */
Node *emit_without_leading_ones(Builder *b, Node *x);

/* Does a convolution or window with this padding read beyond its operand? */
bool any_border(Ints pad);

/* A value that is the same everywhere but along one dimension. */
typedef struct PerChannel {
	Node *source; /* with as many elements as the dimension, or 1 */
	int axis;     /* -1: one number everywhere */
} PerChannel;
bool per_channel(Node *n, PerChannel *out);
#endif
