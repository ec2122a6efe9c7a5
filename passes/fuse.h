/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Which values are computed together: the partition of a graph's operators into kernels. */
#ifndef PASSES_FUSE_H
#define PASSES_FUSE_H
#include "ir/kbuilder.h"
#include "passes/pass.h"
#include "passes/walk.h"

typedef enum GroupKind {
	GROUP_ROWS, /* elementwise operators and reductions of trailing dimensions, row by row */
	GROUP_PULL, /* one operator read element by element (window, depthwise, gather ...) and its
		       elementwise epilogue */
	GROUP_CONTRACT, /* a template's contraction and its elementwise epilogue */
	GROUP_COLUMNS, /* sums over all dimensions but the last, elementwise operators of the summed
			  tensor's shape before them and of the sums' shape after */
	GROUP_COPY     /* a view written out: padding, concatenation, transposition */
} GroupKind;

/* Sums of a GROUP_COLUMNS: each needs registers of its own. */
enum { COLUMNS_MOST_SUMS = 4 };

struct Group {
	GroupKind kind;
	VEC(Node *) node;   /* what it computes, in order */
	VEC(Node *) output; /* those among them that others read */
	Node *anchor;       /* PULL, CONTRACT; COLUMNS: the first of the sums */
	int row_rank; /* ROWS with reductions: leading dimensions of a row; -1: no reduction yet */
	int order;    /* id of its last node */
	VEC(Group *) after; /* they read a state that this one overwrites */
	int index;          /* among all groups, while they are ordered */
	uint32_t seen;      /* the last walk that met it */
	/* its place in the line (passes/fuse_line.c) */
	uint64_t rank;
	Group *previous, *next;
};

typedef struct Fusion {
	const Graph *g;
	Group **of; /* by node id: the group that computes it, or NULL (leaves, views that are only
		       read through) */
	bool *stored;       /* by node id: has memory of its own */
	VEC(Group *) group; /* in an order that respects dependence */
	struct NodeList {
		Node **at;
		int n, cap;
	} * user;   /* by node id */
	bool *kept; /* by node id: a result, or the next value of a state */
	Walk *walk; /* over g */
	Arena *arena;
	Group *last;           /* of the line of groups */
	VEC(Group *) to_front; /* of a search: found behind the group that is to wait for them */
	Node **in_place; /* by update: the value that is written over the state, for next to show;
			    NULL: next is copied there at the end */
} Fusion;
static inline bool is_view(const Node *n)
{
	return (op_info(n->op)->flags & OF_VIEW) != 0;
}

/* Made by a template that goes through memory in an order of its own, not element by element: such
 * an operator is a group by itself. */
static inline bool is_made_whole(const Node *n)
{
	return n->op == OP_scatter_nd || n->op == OP_cumsum || n->op == OP_topk_index;
}

Fusion *fuse(const Pass *p, const Graph *g, Arena *arena);
/* The operator behind views: x itself when it is none. */
Node *behind_views(const Fusion *f, Node *x);

/* --- the line of groups: each behind all that it waits for ------------------------------------ */
void line_append(Fusion *f, Group *gr);
void line_remove(Fusion *f, Group *gr);
/* May n join gr, or gr come after `early`? False when that would close a cycle, through whatever lies between; else the line is right for it. */
bool acyclic(Fusion *f, const Node *n, Group *gr);
bool acyclic_after(Fusion *f, Group *gr, const Group *early);

/* Chooses f->in_place, and what must come before: passes/state.c. */
void choose_in_place(Fusion *f, Arena *arena);
#endif
