/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Inside fusion: what passes/fuse.c and passes/fuse_columns.c share. */
#ifndef PASSES_FUSE_IMPL_H
#define PASSES_FUSE_IMPL_H
#include "passes/fuse.h"

typedef struct Fuser {
	const Pass *p;
	const Graph *g;
	Arena *arena;
	Fusion *f;
	int *inside;    /* by node id: how often a group reads it, while that is counted */
	bool *for_sums; /* by node id: elementwise, read by column sums alone, which take it along
			 */
	VEC(Group *) columns; /* the groups of column sums, in the order of their making */
} Fuser;

Group *new_group(Fuser *z, GroupKind kind, Node *n);
/* Adds n to the group, whose nodes stay in the order of their ids. */
void join(Fuser *z, Group *gr, Node *n);
/* Does n read what it reads of the group without a view between? */
bool reads_directly(Fuser *z, const Node *n, const Group *gr);

/* Fills f->group; false, with an error: groups wait for each other. */
bool order_groups(Fuser *z);

/* --- what a group may hold: passes/fuse_bound.c ----------------------------------------------- */
enum {
	GROUP_MOST_NODES = 64, /* operators: the code of a kernel takes time to compile that grows
				  faster than its length */
	GROUP_MOST_TERMS = 32, /* of these, what column sums take along */
	VIEWS_MOST = 32        /* views that are read through, one behind the other */
};
/* May the group have n more nodes? Every merge asks. */
bool has_room(Fuser *z, const Group *gr, Node *const *more, int n);

/* Sets for_sums. */
void find_column_terms(Fuser *z);
/* False when n is not a column sum; else it has a group then. */
bool join_columns(Fuser *z, Node *n);
#endif
