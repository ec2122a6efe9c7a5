/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Kernels: one placed loop program each, the common end of every way down from the graph
 * (docs/ir.md). Both backends walk it.
 *
 * A kernel is called as  k(buf 0, buf 1, ..., begin, end, scratch): one pointer per Buf of space
 * ARG, the range of its task axis, and scratch_bytes of memory of the calling thread (64-byte
 * aligned).
 *
 * Values are Nodes at kernel level: OP_axis (index of a loop, i64), OP_var (a variable), OP_load
 * (an element of a buffer; inputs are the index of each dimension), elementwise operators, OP_const
 * scalars, OP_fold_* (over UNROLL and VECTOR axes only, of values that depend on them). A Node's
 * `axes` is the set of axes it depends on.
 * - An AX_UNROLL axis means copies: a value that depends on it exists once per index.
 * - An AX_VECTOR axis means lanes: a value that depends on it is a vector of `lanes`, of which the
 * first `extent` are active. Loads and stores touch active lanes only; S_SET keeps the old value of
 * inactive lanes. At most one vector axis is open at a time.
 * - On a GPU lanes are the threads of a block, tasks are blocks, scratch is shared memory
 * (docs/cuda.md); there the condition of S_IF may depend on the lane.
 * - An axis may be opened by several loops one after another; a variable indexed by it (Var.axes)
 * keeps its copies and lanes between.
 *
 * S_MMA multiplies matrices by warps, the 32 lanes 32w .. 32w + 31 of a vector axis that is not
 * open: c[16][8] += a[16][16] b[16][8] in f32, of factors rounded to bf16 (GPUs only). Each lane
 * holds its share of the three in variables with an axis of registers: c in four f32, a in four and
 * b in two i32 of two numbers each (OP_pack_bf16, smaller k in the low half). Lane l of a warp,
 * with g = l / 4 and t = l % 4, has
 *
 *   c register r:          row g + 8 (r / 2),  column 2 t + r % 2
 *   a register r, half h:  row g + 8 (r % 2),  k = 2 t + 8 (r / 2) + h
 *   b register r, half h:  k = 2 t + 8 r + h,  column g
 *
 * as mma.sync.m16n8k16 does. All of a warp's lanes must have set a and b before.
 * A variable has the same axis of registers in every S_MMA; backends lay them side by side.
 */
#ifndef IR_KERNEL_H
#define IR_KERNEL_H
#include "ir/node.h"

enum { MAX_AXES = 64 };

typedef enum AxisKind { AX_LOOP, AX_TASK, AX_UNROLL, AX_VECTOR, AXIS_KINDS } AxisKind;
typedef struct Axis {
	const char *name;
	AxisKind kind;
	int64_t extent; /* LOOP: largest number of iterations (for range analysis: 0 <= index <
			   extent) */
	int lanes;      /* VECTOR: width; extent <= lanes */
} Axis;

typedef enum BufSpace { BUF_ARG, BUF_SCRATCH } BufSpace;
typedef struct Buf {
	const char *name;
	BufSpace space;
	DType dtype;
	int rank;
	int64_t dim[MAX_RANK];
	int64_t stride[MAX_RANK]; /* in elements; 0 for a repeated dimension */
	int64_t offset;           /* SCRATCH: bytes from the start of scratch */
	int align;                /* bytes guaranteed for element 0 */
	bool written, read;
	bool aliased; /* may share memory with another buffer: no `noalias` */
	bool owned; /* each lane reads and overwrites only what it wrote itself: needs no barrier */
} Buf;

typedef struct Var {
	const char *name;
	DType dtype;
	uint64_t axes; /* UNROLL and VECTOR axes that index it */
} Var;

typedef enum StmtKind {
	S_LOOP,    /* axis runs over lo <= axis < hi (LOOP), the task range (TASK), or 0 .. extent
		      (UNROLL, VECTOR) around body */
	S_VAR,     /* var := value, a new variable visible to the end of the enclosing body */
	S_SET,     /* var := value, which may mention var; inside loops this is the carried value */
	S_STORE,   /* buf[at...] := value */
	S_IF,      /* body when cond, a scalar truth value; it depends on no vector axis, unless its
		      lanes are threads of a GPU */
	S_BLOCK,   /* body: a stage of its own, whose constants had better not occupy registers in
		      the loops around and beside it */
	S_BARRIER, /* all threads of a block meet (GPU); nothing on the CPU */
	S_MMA,     /* var += a b by each warp, a 32nd of the lanes: see above */
	STMT_KINDS
} StmtKind;

typedef struct Stmt Stmt;
struct Stmt {
	StmtKind kind;
	int axis, var, buf; /* S_MMA: axis of the lanes, variable c */
	Node *lo, *hi;      /* i64; NULL: 0 and the axis's extent */
	Node *value;        /* S_VAR, S_SET, S_STORE */
	Node *cond;         /* S_IF */
	Node *at[MAX_RANK]; /* S_STORE; S_MMA: variables a and b; axes of the registers of c, a, b
			     */
	Stmt *body, *next;
	Loc loc; /* in the text it was read from */
};

typedef struct Kernel {
	Arena *arena;
	Context *ctx;
	char name[40]; /* k_<hash>, set by kernel_finish */
	VEC(Buf) buf;
	VEC(Axis) axis;
	VEC(Var) var;
	Stmt *body;
	int64_t n_tasks; /* the task axis runs over 0 .. n_tasks */
	int64_t scratch_bytes;
	double flops, bytes; /* executed and moved in one call over all tasks: for reports */
	uint8_t hash[32];    /* SHA-256 of the canonical text: identity, cache key */
	int next_id;         /* dense node ids */
	const char *kind;    /* template that made it: "gemm", "conv", "rows" ...: for reports */
	Loc loc;             /* of the text it was read from */
} Kernel;

/* The operands of a statement, in the order of its text; their number. */
enum { MAX_OPERANDS = MAX_RANK + 4, MMA_OPERANDS = 5 };
int stmt_operands(const Kernel *k, const Stmt *s, Node *out[MAX_OPERANDS]);

/* Index values. A range is what interval arithmetic knows. kernel_affine writes n as c0 + sum of
 * coef[i] * axis i, all times scale, added to what is there; false when it is no such sum. */
typedef struct Range {
	int64_t min, max;
} Range;
#define KERNEL_FAR ((int64_t)1 << 60) /* beyond, nothing is known */
Range kernel_range(const Kernel *k, const Node *n);
bool kernel_affine(const Node *n, int64_t scale, int64_t coef[MAX_AXES], int64_t *c0);
bool index_value(const Node *n, int64_t *v); /* the value of an integer constant */
/* The elements a buffer has, as positions relative to its first argument's; false when they cannot
 * be counted. max < min: none. */
bool buf_span(const Buf *b, Range *out);

/* What is known of a value before code is made of it. */
typedef struct NodeFact {
	bool known;
	bool loads;    /* memory is read beneath */
	bool branches; /* an operator is beneath that is computed by branches: sin, cos */
	bool meets;    /* a fold over a vector axis is beneath */
	int uses;      /* parents and statements that mention it */
	uint64_t vars; /* variables read beneath, by id modulo 64 */
	uint64_t bufs; /* buffers read beneath that the kernel also writes, by kernel_buf_bit */
} NodeFact;
uint64_t kernel_buf_bit(const Kernel *k, int buf); /* all aliased ones have the same */
/* By node id; *written: the buffers that are stored to. */
NodeFact *kernel_facts(const Kernel *k, Arena *a, uint64_t *written);

/* By node id: whether the value differs between the lanes of a vector axis. */
bool *kernel_lanes(const Kernel *k, Arena *a);

/* Adds the S_BARRIERs that a kernel whose lanes are threads needs: between a store by one thread
 * and a load or store of the same buffer by another. */
void kernel_place_barriers(Kernel *k);

/* Text (docs/text-form.md), canonical: names are renumbered. kernel_parse (ir/text.h) reads it. */
void kernel_print(Str *s, const Kernel *k);
typedef struct KernelNote {
	const Stmt *at; /* NULL: the kernel as a whole */
	const char *text;
	int line; /* of the statement in the text without notes */
} KernelNote;
/* The same with notes as comments behind the lines they concern; sets their lines. */
void kernel_print_notes(Str *s, const Kernel *k, KernelNote *note, int n);
void kernel_finish(Kernel *k); /* computes hash and name; read/written flags of buffers */
/* What every kernel must hold, whoever made it: types, scopes of axes and variables, accesses
 * inside the buffers as far as that can be proven, one vector axis open at a time, folds over
 * UNROLL and VECTOR axes. Reports every fault (E7001) with its line of the text; the text with the
 * faults goes to `dump`, if any. */
bool kernel_verify(const Kernel *k, bool threads /* lanes are threads of a GPU */, Str *dump);
/* Interprets the kernel over tasks begin..end in double / int64 on real memory: slow, obvious,
 * needs no backend. NULL, or what went wrong: an access outside of a buffer, or more than `steps`
 * values and iterations (0: any number). */
const char *kernel_run(const Kernel *k, void *const *args, int64_t begin, int64_t end,
		       void *scratch, int64_t steps);
bool kernel_eval(const Kernel *k, void *const *args, int64_t begin, int64_t end, void *scratch);
#endif
