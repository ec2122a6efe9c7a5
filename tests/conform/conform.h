/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Conformance: what compiled programs must agree with. A case is a small graph and its inputs, made
 * from a seed. Its reference is the graph evaluated in double precision together with a bound for
 * the rounding of each element (bound.c); a compiled result must lie inside.
 *
 * A program of this folder prints what fails as text that can be parsed again, with the seed that
 * makes the case. */
#ifndef TESTS_CONFORM_H
#define TESTS_CONFORM_H
#include "codegen/compile.h"
#include "ir/eval.h"
#include "runtime/cpu/rt.h"
#include "tests/conform/bound.h"

/* --- cases (case.c) --------------------------------------------------------------------------- */

typedef enum Values {
	VALUES_WHOLE,  /* small whole numbers: sums are exact */
	VALUES_NORMAL, /* about the normal distribution */
	VALUES_SPECIAL /* NaN, infinities, zeros, subnormal numbers among others */
} Values;

/* What an input holds: by the case's Values, or numbers between low and high. */
typedef struct Domain {
	bool given, whole;
	double low, high;
} Domain;
static const Domain any = { 0 };

enum { CASE_PORTS = 32 };

typedef struct Case {
	Context *ctx;
	Arena *arena;
	Graph *g;
	Builder *b;
	const char *title; /* how to make it again */
	uint64_t random;
	Values values;
	bool single;    /* one operator: reductions of whole numbers must be exact */
	bool outside;   /* some index lies outside: the run must say so */
	bool no_params; /* all operands are inputs */
	bool bf16;      /* products may round their factors to bf16 */
	bool smooth;    /* to be differentiated: f32, within the operator's domain */
	int64_t most;   /* elements of a tensor in a random graph; 0: a few thousand */
	/* While an operator is added to a random graph: operands are made of what there is, results
	 * join it, and no index lies outside. */
	struct Pool *pool;
	EvalTensor in[CASE_PORTS];
	struct Bounded *want; /* by result */
	int names;
} Case;

Case *case_create(uint64_t seed, FpMode fp);
void case_destroy(Case *c);

uint64_t random_bits(Case *c);
int64_t pick(Case *c, int64_t low, int64_t high); /* both included */
bool chance(Case *c, int percent);
int64_t some_size(Case *c); /* 1, 2, 3, 7, 15, 16, 17, 31, 33 and a few others */
/* Sizes with at most `most` elements; rarely one of 0 where `empty`. */
void some_dims(Case *c, int rank, int64_t most, bool empty, int64_t *dim);
DType some_float(Case *c);  /* f32 most of the time */
DType some_number(Case *c); /* any but bool */
DType some_type(Case *c);

Node *case_input(Case *c, DType t, int rank, const int64_t *dim, Domain d);
Node *case_param(Case *c, DType t, int rank, const int64_t *dim, Domain d);
/* Either. */
Node *case_operand(Case *c, DType t, int rank, const int64_t *dim, Domain d);
void case_result(Case *c, Node *n); /* every element of a tuple */
/* Emits op; attributes as text: "stride=2 2; pad=1 1 0 0". */
Node *case_emit(Case *c, Op op, Node *const *in, int n_in, const char *fmt, ...)
	__attribute__((format(printf, 5, 6)));
Domain between(double low, double high);
Domain indices(Case *c, int64_t size); /* inside; also negative */
#define DIMS(...) ((int64_t[]){ __VA_ARGS__ })

/* --- compiling and running (run.c) ------------------------------------------------------------ */

typedef struct Setup {
	const char *target;
	bool off[PASS_COUNT];
} Setup;

typedef struct Placement {
	bool low; /* memory begins right behind a page that must not be touched, else it ends right
		     before one */
	uint32_t fill; /* pattern of the workspace and the outputs before the run */
	int threads;   /* 0: without a context */
	bool hosted; /* by a parallel_for that runs its tasks one after another, the last one first
		      */
} Placement;

/* The expanded graph is evaluated; false after a report. */
bool case_reference(Case *c);
Program *case_compile(Case *c, const Setup *s); /* NULL after a report */
/* Bytes of each result, in the case's arena; false after a report. */
bool case_run(Case *c, const Program *p, Placement how, void **out);
/* The same by interpreting the kernels. */
bool case_interpret(Case *c, const Program *p, void **out);
bool case_compare(Case *c, const char *what, void *const *out);
/* Two runs gave the same bytes (NaN equals NaN where `values`). */
bool case_same(Case *c, const char *what, void *const *a, void *const *b);
bool host_has(const char *target);

/* --- reports (report.c) ----------------------------------------------------------------------- */

void case_fail(const Case *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* From now on failures are written there, without their graphs; NULL: as usual. */
void case_capture(Str *to);
int failures(void);
/* From now on a crash names the case. NULL: none is under way. */
void case_enter(const Case *c);
typedef struct Tally {
	int64_t cases, elements, unknown; /* elements compared; of which nothing was known */
	int64_t repeated;                 /* compared with those of another run */
} Tally;
Tally *tally(void);
/* A failure when of the elements compared since then nothing was known of more than a twentieth (of
 * one operator: of all), or when none were compared. */
void check_known(Tally since);
void check_known_of(Op op, Tally since);
double seconds(void);
long long env_number(const char *name, long long otherwise); /* an environment variable */
#endif
