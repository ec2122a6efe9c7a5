/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Reference evaluation: every core operator by naive loops in double precision (integers in int64).
 * The oracle of the tests and of `burin verify`; independent of lowering. Float tensors hold
 * doubles, all others int64, row-major. */
#ifndef IR_EVAL_H
#define IR_EVAL_H
#include "ir/node.h"

typedef struct EvalTensor {
	const Type *type;
	double *f;  /* float types */
	int64_t *i; /* integer and boolean types */
} EvalTensor;

struct EvalCall {
	const Node *n;
	const EvalTensor *in[64]; /* variadic operators have at most 64 here; evaluator splits
				     larger concats */
	EvalTensor *out;
	Arena *arena; /* scratch */
};

EvalTensor eval_tensor(Arena *a, const Type *t);
EvalTensor eval_from_data(Arena *a, const Type *t, const void *data);
void eval_to_data(const EvalTensor *e, void *data);
typedef struct EvalOptions {
	bool round_f32; /* round every node's result to its data type (a naive f32 reference)
			   instead of staying double */
	int digits;     /* not 0: every f32 result keeps so many binary digits (24: round_f32) */
	bool bf16;      /* products of f32 round their factors to bf16, as GPUs are allowed to */
	const EvalTensor *param; /* values of g->param, in its order; NULL: their own data (of a
				    state without: zeros) */
	EvalTensor *next;        /* or NULL: gets the new value of each update */
	/* or NULL: is told each result in turn; false ends the evaluation, which then fails */
	bool (*watch)(void *user, const Node *n, const EvalTensor *value);
	void *user;
} EvalOptions;
/* Evaluates the whole graph. in[i] belongs to g->input.at[i]. out[i] is allocated in arena. False:
 * a diagnostic in g->ctx->diag. Macros are expanded first by the caller. Tensors are freed when
 * their last use has passed. */
bool eval_graph(const Graph *g, Arena *arena, const EvalTensor *in, EvalTensor *out, EvalOptions o);
/* One node, used by constant folding. */
bool eval_node(Arena *arena, const Node *n, const EvalTensor *const *in, EvalTensor *out);
#endif
