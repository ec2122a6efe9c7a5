/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Fused attention as both of its templates read it from the graph (attention.c, gpu_attention.c).
 */
#ifndef PASSES_TEMPLATE_ATTEND_H
#define PASSES_TEMPLATE_ATTEND_H
#include "passes/template/template.h"

typedef struct AttendOp {
	KBuilder *kb;
	const Node *anchor, *q, *k, *v, *mask; /* mask: or NULL */
	int64_t s, t, d, e;                    /* queries, keys, head size, value size */
	int rank;                              /* leading dimensions: batch and head */
	double scale;
	bool causal;
	double hidden; /* see Attr_attention */
	DType type;    /* that is computed in: f32 for the narrow ones */
} AttendOp;

AttendOp attend_op(Lowering *l);
double attend_flops(const AttendOp *o);
Node *attend_number(const AttendOp *o, double v);
/* n[at.., row, col], in the type that is computed in. */
Node *attend_read(const AttendOp *o, const Node *n, Node *const *at, Node *row, Node *col);
/* The score of a query and a key of batch and head `at`, from their product: scaled and masked. */
Node *attend_score(const AttendOp *o, Node *const *at, Node *product, Node *row, Node *key);
/* Whether the query sees the key; NULL: it sees all. */
Node *attend_sees(const AttendOp *o, Node *row, Node *key);
#endif
