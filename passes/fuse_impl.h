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
	uint32_t *mark; /* by node id: last search that saw it */
	uint32_t search;
	VEC(Node *) todo; /* of a search */
	bool *for_sums;   /* by node id: elementwise, read by column sums alone, which take it along
			   */
	VEC(Group *) columns; /* the groups of column sums, in the order of their making */
} Fuser;

Group *new_group(Fuser *z, GroupKind kind, Node *n);
/* Adds n to the group, whose nodes stay in the order of their ids. */
void join(Fuser *z, Group *gr, Node *n);
/* May n join gr? Not when another input depends on gr through something outside of it. */
bool acyclic(Fuser *z, const Node *n, const Group *gr);
/* Does n read what it reads of the group without a view between? */
bool reads_directly(Fuser *z, const Node *n, const Group *gr);
/* A result, or the next value of a state: kept when the run ends. */
bool is_kept(const Fuser *z, const Node *n);

/* Fills f->group. */
void order_groups(Fuser *z);
/* Sets for_sums. */
void find_column_terms(Fuser *z);
/* False when n is no column sum; else it has a group then. */
bool join_columns(Fuser *z, Node *n);
#endif
