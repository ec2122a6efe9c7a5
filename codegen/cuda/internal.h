/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Inside of the printer of CUDA C: print.c walks statements, value.c expressions, scalar.c has the
 * operators. */
#ifndef CODEGEN_CUDA_INTERNAL_H
#define CODEGEN_CUDA_INTERNAL_H
#include "codegen/cuda/cuda.h"

/* A value that has a name. It holds while its scope is open and nothing it reads has changed. */
typedef struct CudaTemp {
	int name; /* + 1; 0: none */
	uint64_t time;
} CudaTemp;

typedef struct CudaEmit {
	Context *ctx;
	const Kernel *k;
	const Target *target;
	Arena *arena;
	Str *s;
	int depth; /* indentation */
	int threads;
	bool fma;
	bool global_scratch;
	const bool *lane;
	NodeFact *fact;
	Range **range; /* by node, where it has been asked for */
	CudaTemp *temp;
	VEC(struct CudaUndo {
		uint32_t node;
		CudaTemp was;
	})
	undo;            /* of the open scopes */
	int *axis, *var; /* canonical number + 1; 0: not met yet */
	int n_axis, n_var, n_temp;
	int *registers; /* of each variable that holds a matrix: the axis + 1 */
	bool *hoisted;  /* variables declared before the loops around their first assignment */
	uint64_t written, time, var_time[64], buf_time[64], axis_time[MAX_AXES];
	int64_t mask;   /* threads of the open vector axis that each statement must ask for; 0: none
			 */
	bool divergent; /* inside of a branch that only some threads take: they cannot meet */
	bool chosen;    /* the same, and thread 0 need not be among them */
	const char *error; /* first failure */
} CudaEmit;

/* --- print.c */
void cuda_cannot(CudaEmit *e, const char *what);
void cuda_line(CudaEmit *e, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void cuda_indent(CudaEmit *e);
int cuda_scope_begin(CudaEmit *e); /* what cuda_scope_end wants */
void cuda_scope_end(CudaEmit *e, int mark);
int cuda_axis_number(CudaEmit *e, int axis);
int cuda_var_number(CudaEmit *e, int var);
void cuda_variable(CudaEmit *e, int var); /* v3[a1] */

/* --- value.c */
Range cuda_range(const CudaEmit *e, const Node *n);
/* Prints what the values need before a statement that mentions them. Meet first: threads must meet
 * outside of branches. */
void cuda_meet(CudaEmit *e, const Node *n);
void cuda_prepare(CudaEmit *e, const Node *n);
void cuda_named(CudaEmit *e, const Node *n);       /* gives it a name, unless it is a constant */
void cuda_value(CudaEmit *e, const Node *n);       /* after cuda_prepare, inside of a line */
const char *cuda_bare(CudaEmit *e, const Node *n); /* without outer parentheses */
void cuda_place(CudaEmit *e, int buf, Node *const *at); /* b0[...] */
const char *cuda_type(CudaEmit *e, const Node *n);      /* of a variable that holds it */

/* --- scalar.c */
const char *cuda_register_type(DType t);
const char *cuda_memory_type(DType t);
bool cuda_narrow(const CudaEmit *e, const Node *n); /* an i64 that fits into an i32 */
void cuda_operator(CudaEmit *e, const Node *n);
/* "fold(x, y)" of texts; the value that changes nothing */
void cuda_combine(CudaEmit *e, Op fold, DType t, const char *x, const char *y);
void cuda_neutral(CudaEmit *e, Op fold, DType t);
void cuda_const(CudaEmit *e, const Node *n);
#endif
