/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* What the infer, eval and lower hooks of one operator must agree on: attributes in normal form,
 * walks over indices, and the checks that report. */
#ifndef IR_OPS_UTIL_H
#define IR_OPS_UTIL_H
#include "ir/eval.h"
#include "ir/node.h"

/* --- attributes in normal form, of nodes whose type was inferred ----------------------------- */
int axis_norm(int64_t axis, int rank); /* 0 .. rank-1, negative counts from the last */
void transpose_perm(const Node *n, int perm[MAX_RANK]);
void reduce_mask(const Node *n, bool reduced[MAX_RANK]);
void reduced_dims(const Attr_reduce *a, int rank, bool reduced[MAX_RANK]);

/* --- walks ----------------------------------------------------------------------------------- */
/* The next index of a row-major walk; false after the last. Starts at zeros, of a type that has
 * elements. */
bool index_next(int64_t *at, int rank, const int64_t *dim);
int64_t flat_index(const Type *t, const int64_t *at);
/* product of dim[from .. to-1] */
int64_t dims_product(const Type *t, int from, int to);

/* --- evaluation ------------------------------------------------------------------------------ */
void copy_element(const EvalTensor *to, int64_t i, const EvalTensor *from, int64_t j);
int64_t clamp_index(int64_t i, int64_t n); /* negative counts from the end; then kept inside */
/* concat of any number of parts (EvalCall has room for 64) */
void concat_parts(const EvalTensor *out, const EvalTensor *const *in, int n, int axis);

/* --- lowering -------------------------------------------------------------------------------- */
/* An index as data gives it, made one that reads inside: negative counts from the end, then clamped
 * (ir/ops/lower_move.c). */
Node *safe_index(KBuilder *kb, Node *i, int64_t n);

/* --- checks: false (or NULL) after builder_error --------------------------------------------- */
const char *type_text(Builder *b, const Type *t);
bool check_axis(Builder *b, Op op, int64_t axis, int rank);
bool check_rank(Builder *b, Op op, int i, Node *const *in, int rank);
/* the data types of inputs i and j are equal */
bool check_same_dtype(Builder *b, Op op, int i, int j, Node *const *in);
bool check_index_dtype(Builder *b, Op op, int i, Node *const *in);
bool check_number_dtype(Builder *b, Op op, int i, Node *const *in); /* not a truth value */
bool check_float_dtype(Builder *b, Op op, int i, Node *const *in);
/* a list attribute with n entries, each within min .. max */
/* Whether the type has such a number; a float type has all. */
bool check_num(Builder *b, Op op, const char *name, Num v, DType t);
bool check_ints(Builder *b, Op op, const char *name, Ints v, int n, int64_t min, int64_t max);
const Type *result_type(Builder *b, Op op, DType t, int rank, const int64_t *dim);
const char *input_name(Op op, int i);
#endif
