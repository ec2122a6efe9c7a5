/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Templates: functions that build a kernel's loops. Each gets a Lowering, a kernel builder in which
 * every tensor of the group already has its role, and pulls prologue and epilogue through kb_read.
 * passes/lower.c chooses. */
#ifndef PASSES_TEMPLATE_TEMPLATE_H
#define PASSES_TEMPLATE_TEMPLATE_H
#include "passes/storage.h"

typedef struct Lowering {
	const Pass *p;
	const Fusion *f;
	const StorageMap *m;
	Group *group;
	KBuilder *kb;
	bool flat; /* every tensor read or written is dense and of the same shape: one flat loop
		      will do */
} Lowering;

bool is_splat(const Node *n); /* made where it is read, of nothing */
bool group_is_flat(const Lowering *l);

void template_rows(Lowering *l); /* elementwise and row reductions */
void template_pull(Lowering *l); /* windows, depthwise convolution, gathers, other reductions: one
				    element at a time */
void template_contract(Lowering *l); /* matmul and convolution */
void template_attention(Lowering *l);
void template_winograd(Lowering *l);
void template_winograd_tiles(Lowering *l);
void template_copy(Lowering *l, const Node *value, const Type *shape,
		   const Storage *to); /* value, read through views, written there */
void template_scatter(Lowering *l, const Node *n,
		      const Storage *to); /* the updates of a scatter, over what is there */
void template_cumsum(Lowering *l);
void template_topk(Lowering *l);
/* The constant around a padded tensor, in dimensions from .. until - 1. */
void template_border(Lowering *l, const Node *pad, const Storage *to, int from, int until);
/* How far a kernel gets that begins with dimension d: it has MAX_AXES. */
int border_part(const Lowering *l, const Node *pad, int d);

/* Stores 1 to the status word when an element of the index (of component d of its tuples, or of all
 * for -1) is outside of `size`. */
void template_check(Lowering *l, const Node *index, int64_t size, int64_t component,
		    const Storage *status);
bool index_may_be_outside(const Node *index, int64_t size);
/* Elementwise, where something read lies turned; false: it does not, nothing was emitted. */
bool template_turned(Lowering *l);
/* Opens the task loop and the loop over the task's rows; the flat row index. */
Node *open_rows(KBuilder *kb, int64_t rows, int64_t per_task);
void close_rows(KBuilder *kb, int64_t per_task);
void element_loops(Lowering *l, const Type *shape, KbBody *body, void *user);

/* --- sums in parts --------------------------------------------------------------------------- */
/* NULL, or the type of a tensor, [parts, ...], that the kernel shall leave partial sums in, for a
 * second one to add: `sums` is where. */
typedef const Type *SumsType(Lowering *l);
typedef void SumsTemplate(Lowering *l, const Storage *sums);
typedef void AddTemplate(Lowering *l, const Type *type, const Storage *sums);
SumsType outer_sums; /* gradients of weights: sums of outer products */
SumsTemplate template_outer;
AddTemplate template_add_parts;
SumsType column_sums; /* sums over all dimensions but the last */
SumsTemplate template_columns;
AddTemplate template_add_columns;

/* --- GPUs: other loops, the same pulling ----------------------------------------------------- */
static inline bool on_gpu(const Lowering *l)
{
	return l->p->o->target.kind == TARGET_CUDA;
}
SumsType gpu_contract_sums; /* matmul, conv, conv_dw */
SumsTemplate template_gpu_contract;
void template_gpu_attention(Lowering *l);
/* Products round their factors to bf16: they are asked to, and the GPU can multiply such. */
static inline bool gpu_narrow_products(const Lowering *l)
{
	return l->p->o->bf16 && l->p->o->target.arch >= 80;
}
void gpu_elements(Lowering *l, const Type *t, KbBody *body,
		  void *user); /* body for each element, by a thread of its own */
void gpu_elementwise(Lowering *l, const Type *t); /* all outputs, so */
void gpu_rows(Lowering *l, const Type *shape);    /* a row reduction's rows */
void gpu_pull(Lowering *l);
/* Rows of this width are a thread's each, which has no scratch of its own. */
bool gpu_row_is_thread(const Lowering *l, int64_t width);

/* Element `at` of every output of the group, stored. */
void store_outputs(Lowering *l, Node *const *at);
/* Of those outputs alone that have this shape. */
void store_outputs_like(Lowering *l, const Type *shape, Node *const *at);

/* Is what the group computes behind its contraction better run as a loop than unrolled over all
 * registers of a tile? */
bool long_epilogue(const Group *gr);

/* total cut into equal parts of at most `most`: n_big parts of size big, then the rest of size big
 * - 1 */
typedef struct EvenSplit {
	int64_t parts, big, n_big;
} EvenSplit;
EvenSplit even_split(int64_t total, int64_t most);
/* first element of part i: exact for i < n_big when in_big, for i >= n_big otherwise */
Node *even_start(KBuilder *kb, EvenSplit e, Node *i, bool in_big);

/* How many rows of `row_bytes` make a task worth its overhead: at least 16 KiB, at most a 64th of
 * all. */
int64_t rows_per_task(int64_t rows, int64_t row_bytes);
#endif
