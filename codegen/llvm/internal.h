/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Inside of the LLVM back end. Emit walks one kernel; every kernel has a module and LLVM context of
 * its own, so that several can be emitted at once by different threads. Nothing here touches the
 * compilation Context. */
#ifndef CODEGEN_LLVM_INTERNAL_H
#define CODEGEN_LLVM_INTERNAL_H
#include "codegen/codegen.h"
#include <llvm-c/Core.h>
#include <llvm-c/TargetMachine.h>

typedef enum AxisMode { AXIS_CLOSED, AXIS_CONSTANT, AXIS_VALUE, AXIS_LANES } AxisMode;
typedef struct AxisState {
	AxisMode mode;
	int64_t index;      /* CONSTANT */
	LLVMValueRef value; /* VALUE */
	int depth;          /* scope that opened it */
} AxisState;

/* A value already emitted. It holds while its scope is open and nothing it reads has changed. */
typedef struct Memo {
	uint64_t key;
	LLVMValueRef value;
	uint64_t time;
	int depth;
	struct Memo *chain; /* same bucket */
	struct Memo *older; /* same scope */
} Memo;

/* Part of an address: value * factor elements. */
typedef struct Term {
	LLVMValueRef value;
	int64_t factor;
	int depth; /* scope in which value is available */
} Term;
enum { MAX_TERMS = 12 };
typedef struct Affine {
	Term term[MAX_TERMS];
	int n;
	int64_t constant;
	int64_t lane;   /* factor of the vector axis */
	bool scattered; /* depends on the lane in another way: not affine */
} Affine;

typedef struct Pointer {
	int buf, n;
	Term term[MAX_TERMS];
	LLVMValueRef value;
	struct Pointer *older;
} Pointer;

/* A region of code: the function, a loop's body, a branch, or code under a mask. */
typedef struct Scope {
	uint64_t axes;            /* the axis it opens, as a bit */
	LLVMBasicBlockRef before; /* ends in the jump into the scope: room for what the scope need
				     not repeat; NULL: none */
	LLVMValueRef mask;        /* lanes whose memory may be touched, or NULL: all */
	Memo *memo;
	Pointer *pointer;
} Scope;

typedef struct VarState {
	LLVMValueRef *copy; /* by the indices of its UNROLL axes; NULL: not declared yet */
	int n_copy, lanes;
} VarState;

enum { MEMO_BUCKETS = 1024 };
typedef struct Emit {
	const Kernel *k;
	const Target *target;
	Arena *arena;
	LLVMContextRef lc;
	LLVMModuleRef module;
	LLVMBuilderRef b;
	LLVMValueRef fn;
	LLVMBasicBlockRef block; /* where the innermost scope goes on */
	bool fma, strict, fast;

	NodeFact *fact;
	AxisState *axis;
	VarState *var;
	LLVMValueRef *base; /* by buffer: pointer to element 0 */
	uint64_t written;   /* buffers the kernel stores to, by kernel_buf_bit */
	uint64_t time, var_time[64], buf_time[64]; /* when last changed */

	VEC(Scope) scope;
	int place;     /* scope at whose end the builder stands; the last one unless something is
			  hoisted */
	int lane_axis; /* the open VECTOR axis, or -1 */
	int blocks;    /* S_BLOCKs that are open */
	Memo *memo[MEMO_BUCKETS];
	const char *error; /* first failure */
} Emit;

/* --- emit.c: statements ---------------------------------------------------------------------- */
/* Adds the function `symbol` to module m. False: *error, in arena. */
bool emit_kernel(const Kernel *k, const Target *t, LLVMModuleRef m, const char *symbol,
		 Arena *arena, const char **error);
LLVMValueRef emit_fail(Emit *e,
		       const char *what); /* notes the first failure; a value to go on with */
LLVMBasicBlockRef new_block(Emit *e, const char *name);
void set_block(Emit *e, LLVMBasicBlockRef b);
void scope_push(Emit *e, uint64_t axes, LLVMBasicBlockRef before,
		LLVMValueRef mask /* NULL: as outside */);
void scope_pop(Emit *e);
static inline int scope_top(const Emit *e)
{
	return e->scope.n - 1;
}
static inline LLVMValueRef open_mask(const Emit *e)
{
	return e->scope.at[e->scope.n - 1].mask;
}
static inline Memo **memo_bucket(Emit *e, uint64_t key)
{
	return &e->memo[(key * 0x9e3779b97f4a7c15) >> 54];
}
int lanes_open(const Emit *e); /* width of the open vector axis, 1 when none */
int var_copy(Emit *e, int var);

/* --- value.c: expressions -------------------------------------------------------------------- */
LLVMValueRef eval(Emit *e, const Node *n);
LLVMValueRef eval_depth(Emit *e, const Node *n, int *depth); /* and the scope it is available in */
/* Moves the builder to the end of scope `depth`; returns the place to give back to come_back. */
int go_to(Emit *e, int depth);
void come_back(Emit *e, int place);

/* --- memory.c -------------------------------------------------------------------------------- */
LLVMValueRef emit_load(Emit *e, const Node *n);
void emit_store(Emit *e, int buf, Node *const *at, LLVMValueRef value);
/* Sum of factor * x, taken apart. */
void affine_add(Emit *e, Affine *a, const Node *x, int64_t factor);
LLVMValueRef lane_mask(Emit *e, int lanes,
		       int64_t extent); /* constant: the first `extent` of `lanes` */

/* --- types.c: register types, constants ------------------------------------------------------ */
/* Values are in registers as: bool i1, f16 and bf16 as float (rounded to the type), all others as
 * in memory. */
LLVMTypeRef scalar_type(Emit *e, DType t);
LLVMTypeRef memory_type(Emit *e, DType t);
LLVMTypeRef with_lanes(LLVMTypeRef scalar, int lanes); /* scalar itself for 1 */
int lanes_of(LLVMValueRef v);
LLVMTypeRef element_of(LLVMTypeRef t);
LLVMValueRef splat(Emit *e, LLVMValueRef v, int lanes); /* vectors pass through */
LLVMValueRef const_f(Emit *e, LLVMTypeRef t, double v); /* t: float, double or a vector of them */
LLVMValueRef const_i(Emit *e, LLVMTypeRef t, int64_t v);
/* The constant v, inside of an S_BLOCK loaded anew at each use; all else passes through. */
LLVMValueRef reloaded(Emit *e, LLVMValueRef v);
LLVMValueRef index_const(Emit *e, int64_t v);
LLVMValueRef to_memory(Emit *e, DType t, LLVMValueRef v);
LLVMValueRef from_memory(Emit *e, DType t, LLVMValueRef v);
LLVMValueRef round_to(Emit *e, DType t,
		      LLVMValueRef v); /* a float to the precision of f16 or bf16 */
LLVMValueRef call_intrinsic(Emit *e, const char *name, LLVMTypeRef *types, int n_types,
			    LLVMValueRef *args, int n);
LLVMValueRef unary_intrinsic(Emit *e, const char *name,
			     LLVMValueRef x); /* overloaded by x's type */
LLVMValueRef binary_intrinsic(Emit *e, const char *name, LLVMValueRef x, LLVMValueRef y);
LLVMValueRef select_prefix(Emit *e, LLVMValueRef v, int first,
			   int count); /* lanes first .. first + count - 1 */

/* --- scalar.c: elementwise operators --------------------------------------------------------- */
/* in[]: register values, all scalar or all of the same width (select's condition may be scalar). */
LLVMValueRef emit_op(Emit *e, const Node *n, LLVMValueRef *in);
LLVMValueRef emit_fma(Emit *e, LLVMValueRef x, LLVMValueRef y, LLVMValueRef z);
/* x + y, x * y, max, min of the type: also what folds combine with */
LLVMValueRef combine(Emit *e, Op op, DType t, LLVMValueRef x, LLVMValueRef y);

/* --- math.c: elementary functions ------------------------------------------------------------ */
LLVMValueRef math_function(Emit *e, Op op, DType t, LLVMValueRef x);
LLVMValueRef math_binary(Emit *e, const char *f32_name, const char *f64_name, LLVMValueRef x,
			 LLVMValueRef y);
/* Functions of libm that code may call, for the JIT: name and address, ended by a NULL name. */
typedef struct LibmRow {
	const char *name;
	void *address;
} LibmRow;
extern const LibmRow libm_table[];

/* --- object.c -------------------------------------------------------------------------------- */
void llvm_start(void); /* before anything that asks for a target; any number of times */
typedef struct Machine {
	LLVMTargetMachineRef tm; /* NULL: not open */
	char *triple, *layout;
	bool quick;
} Machine;
/* False: *error in arena. quick: for glue, compiled fast instead of well. */
bool machine_open(Machine *m, const Target *t, bool quick, Arena *arena, const char **error);
void machine_close(Machine *m);
bool module_to_code(Machine *m, LLVMModuleRef module, CodeForm form, const char *passes,
		    Arena *arena, ObjectCode *out, const char **error);
bool kernel_code(Machine *m, const Kernel *k, const Target *t, const char *symbol, CodeForm form,
		 Arena *arena, ObjectCode *out, const char **error);
bool report_codegen(Context *c, const char *what, const char *name,
		    const char *error); /* E5206; false */

/* --- compat.c: what differs between versions of LLVM ----------------------------------------- */
LLVMValueRef compat_masked_load(Emit *e, LLVMTypeRef t, LLVMValueRef p, unsigned align,
				LLVMValueRef mask, LLVMValueRef otherwise);
void compat_masked_store(Emit *e, LLVMValueRef v, LLVMValueRef p, unsigned align,
			 LLVMValueRef mask);
LLVMValueRef compat_masked_gather(Emit *e, LLVMTypeRef t, LLVMValueRef ps, unsigned align,
				  LLVMValueRef mask, LLVMValueRef otherwise);
#endif
