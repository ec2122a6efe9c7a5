/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Tensors on the command line: what --input says, memory for a model's ports, comparison. */
#ifndef TOOLS_CLI_TENSOR_H
#define TOOLS_CLI_TENSOR_H
#include "ir/eval.h"
#include "tools/cli.h"

typedef enum GivenKind { GIVEN_TENSOR, GIVEN_RANDOM, GIVEN_FILL } GivenKind;
typedef struct Given {
	const char *name;
	GivenKind kind;
	const Blob *tensor; /* of the command's own context */
	const char *file;   /* it came from, or NULL */
	uint64_t seed;
	Num fill;
	bool used;
} Given;
typedef VEC(Given) GivenList;
/* All --input; an exit code. */
int given_read(Cli *c, GivenList *out);
Given *given_find(const GivenList *l, const char *name);
/* NAME=@FILE of --output and --expect. */
bool named_file(Cli *c, OptId o, const char *text, const char **name, const char **file);

typedef struct Tensor {
	const char *name;
	const Type *type;
	void *data; /* 64-byte aligned */
} Tensor;
Tensor tensor_new(Arena *a, const char *name, const Type *t);

/* What random values make sense for an input. */
typedef struct InputHint {
	int64_t limit; /* integers below this; 0: not known */
	bool mask;     /* ones, then zeros, in each row */
} InputHint;
void tensor_random(const Tensor *t, uint64_t seed, InputHint hint);

typedef struct Tolerance {
	double rtol, atol;      /* negative: not given, see tolerance_for */
	const EvalTensor *from; /* or NULL: what `want` is a small change of. The change is judged,
				   and may be off by a unit in the last place of the value */
	const EvalTensor *coarse; /* or NULL: what `want` becomes in coarser arithmetic, and may
				     be off by, see coarse_limit */
	double coarse_share;      /* of the largest value: what one rounding there may be */
} Tolerance;
bool tolerance_is_narrow(Cli *c); /* products round their factors to bf16 */
bool tolerance_read(Cli *c, Tolerance *out);
/* What was not given, for a tensor of this type: by what the reference's graph g computes in and
 * rounds values to. NULL: what is compared with comes from elsewhere. */
Tolerance tolerance_for(Tolerance t, DType type, const Graph *g);

typedef struct Difference {
	double max_abs, largest; /* |got - want|, |want| */
	double limit;            /* of |got - want|, the rounding of 16-bit floats aside */
	double used;             /* largest share of the limit that an element takes */
	double ulp; /* the same in units in the last place of want, where it is not tiny:
		       at least 2^-10 of the largest */
	int64_t bad, first_bad; /* elements out of tolerance; index of the first, -1 */
	Num got, want;          /* there */
	bool rounding;          /* none is bad, but only by Tolerance.coarse */
} Difference;
/* Floats within atol + rtol * the largest |want|, or |want - from|, then rounded to the type; NaN
 * equals NaN; integers are to be equal. */
Difference tensor_difference(const Tensor *got, const EvalTensor *want, Tolerance t);
const char *text_index(Arena *a, const Type *t, int64_t at); /* "[0,3,17]" */
/* An element for people: so many digits of a float, all of an integer. */
const char *text_element(Arena *a, DType t, Num v, int digits);
/* One line for people, which begins with `what` (NULL: none), and one object for the document. */
void difference_report(Cli *c, const char *what, const char *name, const Tensor *got,
		       const Difference *d);
#endif
