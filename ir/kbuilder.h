/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Building kernels: by pulling, with a cursor.
 *
 * kb_read(tensor, at) answers: which scalar is element at[] of this tensor? Inside the kernel's
 * group it asks the operator's lower hook, which asks for its inputs in turn; at the group's border
 * it is a load. So fusion is a choice of boundaries, never a code path. A reduction appends
 * statements: a variable, a loop, an update. They go to the innermost open scope on whose axis the
 * asked element depends, that is before any inner loop that is still open: softmax's maximum is
 * computed once per row, by itself. Asking twice for the same element in the same scope gives the
 * same node.
 */
#ifndef IR_KBUILDER_H
#define IR_KBUILDER_H
#include "ir/kernel.h"
#include "ir/target.h"

/* Where a tensor lives: strides into a buffer that may be larger (halo, concat, padded rows). */
typedef struct Storage {
	int buffer;     /* plan buffer; -1: none (computed where it is read) */
	int align;      /* bytes the buffer's start is a multiple of; 0: the size of an element */
	int64_t offset; /* elements */
	int64_t stride[MAX_RANK]; /* elements */
} Storage;

typedef enum Role {
	ROLE_OUTSIDE, /* read from its storage */
	ROLE_INSIDE,  /* computed where it is read */
	ROLE_STAGED   /* computed once per row into scratch (or its own storage), then read */
} Role;

typedef struct Group Group; /* passes/fuse.h */

KBuilder *kb_create(Context *c, Arena *arena, const Target *t, const char *kind);
Kernel *kb_finish(KBuilder *kb); /* closes, hashes */
Kernel *kb_kernel(KBuilder *kb);
const Target *kb_target(const KBuilder *kb);
/* Vectors of this kernel have so many lanes, of whatever data type. GPUs: the threads of a block.
 */
void kb_set_lanes(KBuilder *kb, int lanes);
/* GPUs: no lane of this kernel reads or overwrites what another has written. */
void kb_own_all(KBuilder *kb);
Context *kb_context(const KBuilder *kb);
Arena *kb_arena(const KBuilder *kb);

/* --- what the tensors are -------------------------------------------------------------------- */
/* Says how tensor n is had in this kernel. OUTSIDE needs its storage and gets a Buf argument (one
 * per plan buffer and data type). */
void kb_outside(KBuilder *kb, const Node *n, const Storage *s);
void kb_inside(KBuilder *kb, const Node *n);
void kb_staged(KBuilder *kb, const Node *n,
	       int row_rank); /* first row_rank dimensions are the row's */
/* INSIDE or STAGED n is also stored: kb_store writes there, a STAGED one is computed there instead
 * of into scratch. */
void kb_output(KBuilder *kb, const Node *n, const Storage *s);
/* A STAGED tensor's row is computed now, at the latest. */
void kb_stage(KBuilder *kb, const Node *n, Node *const *row);
/* A buffer argument that no tensor of the graph stands for; its index. */
int kb_arg(KBuilder *kb, const Type *t, const Storage *s);
/* From now on element `at` of n is `value` (a template's accumulator). Ends with the scope. */
void kb_bind(KBuilder *kb, const Node *n, Node *const *at, Node *value);
Node *kb_read(KBuilder *kb, const Node *n, Node *const *at);
bool is_uniform_const(
	const Node *n); /* OP_const with one value for all elements: never read from memory */
int kb_buf_of(KBuilder *kb, const Node *n); /* Buf index of an OUTSIDE tensor */
void kb_store(KBuilder *kb, const Node *n, Node *const *at, Node *value); /* to n's storage */
/* The storage each BUF_ARG stands for, for the plan's argument list; NULL for scratch. */
const Storage *kb_arg_storage(const KBuilder *kb, int buf);

/* --- loops: the cursor ----------------------------------------------------------------------- */
Node *kb_axis(KBuilder *kb, const char *name, AxisKind kind, int64_t extent,
	      int lanes); /* the index value */
int kb_axis_id(const Node *axis);
void kb_open(KBuilder *kb, Node *axis); /* 0 .. extent, or the task range */
void kb_open_range(KBuilder *kb, Node *axis, Node *lo, Node *hi); /* NULL lo: 0 */
void kb_open_if(KBuilder *kb, Node *cond);
void kb_open_block(KBuilder *kb); /* a stage of its own: S_BLOCK */
void kb_close(KBuilder *kb);
Node *kb_var(KBuilder *kb, const char *name, Node *value,
	     uint64_t axes); /* appends S_VAR here; the OP_var node */
void kb_set(KBuilder *kb, Node *var, Node *value);
/* GPUs: all threads of the block meet here. kb_finish adds what is missing, statement by statement;
 * a template that knows its phases says it better. */
void kb_barrier(KBuilder *kb);
/* S_MMA: variables c, a, b; axes of their registers, and of the lanes */
typedef struct MmaShape {
	Node *lanes, *c, *a, *b;
} MmaShape;
void kb_mma(KBuilder *kb, Node *c, Node *a, Node *b, MmaShape axes);
int kb_scratch(KBuilder *kb, const char *name, DType t, int rank, const int64_t *dim,
	       int64_t pad_stride); /* Buf index */
Node *kb_load_buf(KBuilder *kb, int buf, Node *const *at);
void kb_store_buf(KBuilder *kb, int buf, Node *const *at, Node *value);

/* --- values ---------------------------------------------------------------------------------- */
Node *kb_emit(KBuilder *kb, Op op, Attr attr, Node *const *in,
	      int n_in); /* folds constants, simplifies, reuses */
Node *kb_emit1(KBuilder *kb, Op op, Node *x);
Node *kb_emit2(KBuilder *kb, Op op, Node *x, Node *y);
Node *kb_emit3(KBuilder *kb, Op op, Node *x, Node *y, Node *z);
Node *kb_fma(KBuilder *kb, Node *x, Node *y, Node *z);
Node *kb_cast(KBuilder *kb, Node *x, DType to);
Node *kb_pack_bf16(KBuilder *kb, Node *x, Node *y);
Node *kb_f(KBuilder *kb, DType t, double v);
Node *kb_num(KBuilder *kb, DType t, Num v);
Node *kb_i(KBuilder *kb, int64_t v);
/* index arithmetic in i64 with range analysis: (16 i + v) / 64 becomes i / 4 when v < 16 */
Node *kb_iadd(KBuilder *kb, Node *x, Node *y);
Node *kb_imul(KBuilder *kb, Node *x, int64_t c);
Node *kb_idiv(KBuilder *kb, Node *x, int64_t c);
Node *kb_imod(KBuilder *kb, Node *x, int64_t c);
Node *kb_affine(KBuilder *kb, Node *x, int64_t mul, int64_t add); /* x * mul + add */
void kb_range(KBuilder *kb, const Node *x, int64_t *min,
	      int64_t *max); /* bounds of an index value */
/* horizontal over UNROLL/VECTOR axes */
Node *kb_fold(KBuilder *kb, Op fold, Node *x, uint64_t axes);

/* A reduction of n at at[]: op (OP_fold_sum ...) over the given extents; element() gives the value
 * at the reduction indices. Runs scalar loops around, vectorised over the last extent when the
 * reading is contiguous there. */
typedef Node *KbElement(KBuilder *kb, const Node *n, Node *const *at, Node *const *r, void *user);
/* Loops over dimensions first.. of t, the last one by vectors; body gets the full index. */
typedef void KbBody(KBuilder *kb, Node **at, void *user);
void kb_loops(KBuilder *kb, const Type *t, int first, Node **at, KbBody *body, void *user);
/* How many axes kb_loops and kb_reduce make at most: a kernel has MAX_AXES. */
int kb_loops_axes(const Target *target, const Type *t, int first);
int kb_reduce_axes(const Target *target, DType t, int n_r, const int64_t *extent);
Node *kb_reduce(KBuilder *kb, const Node *n, Node *const *at, int n_r, const int64_t *extent,
		Op fold, KbElement *element, void *user);

/* Flattening: the index of a row-major position and back. */
Node *kb_flat(KBuilder *kb, const Type *t, Node *const *at);
void kb_unflat(KBuilder *kb, const Type *t, Node *flat, Node **at);
/* the expression x if cond else y, where x (a load) is evaluated only when cond holds */
Node *kb_guard(KBuilder *kb, Node *cond, Node *x, Node *y);
#endif
