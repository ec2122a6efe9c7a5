/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Inside of the kernel builder, shared by kvalue.c, kbuilder.c and kreduce.c only. */
#ifndef IR_KBUILDER_IMPL_H
#define IR_KBUILDER_IMPL_H
#include "base/map.h"
#include "ir/kbuilder.h"

typedef struct Scope {
	struct Scope *outer;
	Stmt *stmt;    /* the S_LOOP or S_IF this scope is the body of; NULL: the kernel's */
	Stmt **tail;   /* where the next statement goes */
	uint64_t axes; /* the axis opened here, as a bit; all bits for S_IF (nothing moves out of
			  it) */
	Map *memo;     /* (tensor, index) -> value, for values that hold while the scope is open */
	int depth;
} Scope;

/* How the kernel has a tensor. */
typedef struct Tensor {
	const Node *node;
	Role role;
	int buf;         /* OUTSIDE, STAGED once computed: Buf index, else -1 */
	int row_rank;    /* STAGED */
	Storage storage; /* OUTSIDE, or where an output goes */
	bool stored;
} Tensor;

struct KBuilder {
	Context *ctx;
	Arena *arena;
	Kernel *k;
	Target target;
	bool owned;   /* kb_own_all */
	Map *values;  /* hash -> chain of kernel nodes */
	Map *tensors; /* Node * -> Tensor * */
	Scope *scope;
	VEC(int) var_depth;       /* by var: depth of the scope that declares it */
	VEC(const Storage *) arg; /* by Buf: where an argument lies, NULL for scratch */
};

Node *kb_intern(KBuilder *kb, Op op, Attr attr, const Type *t, Node *const *in, int n_in);
Node *kb_blob(KBuilder *kb, const Blob *b); /* its first element */
Tensor *kb_tensor(KBuilder *kb, const Node *n);
/* The innermost open scope whose axis is in `axes`; the kernel's when none is. */
Scope *kb_scope_of(KBuilder *kb, uint64_t axes);
/* Statements go to scope s until the returned scope is given back. */
Scope *kb_move(KBuilder *kb, Scope *s);
/* UNROLL and VECTOR axes among `axes`: what indexes a variable */
uint64_t kb_copies(KBuilder *kb, uint64_t axes);
Node *kb_lower(KBuilder *kb, const Node *n, Node *const *at); /* the lower hook */
#endif
