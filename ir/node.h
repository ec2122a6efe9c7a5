/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Nodes and graphs. A node is one pure value: an operator, an interned type, an interned attribute
 * record, inputs. The same struct serves the tensor graph and the scalar expressions of kernels
 * (there `axes` says on which loops a value depends). Graphs are immutable once built: a pass
 * builds a new one. emit() folds constants, applies algebra, reuses an equal node. */
#ifndef IR_NODE_H
#define IR_NODE_H
#include "base/diag.h"
#include "base/vec.h"
#include "ir/blob.h"
#include "ir/context.h"
#include "ir/op.h"
#include "ir/type.h"

struct Node {
	Op op;
	uint32_t id; /* dense in its graph or kernel; inputs have smaller ids */
	const Type *type;
	Attr attr;        /* Attr_<record of op>, interned */
	uint64_t axes;    /* kernel level: bit i set when the value depends on axis i */
	Loc loc;          /* the element it came from */
	const char *name; /* hint for dumps and reports: the element's id, or NULL */
	int n_in;
	Node *in[]; /* NULL: an optional input left out before a given one (lstm without bias but
		       with h0) */
};

struct Graph {
	Arena *arena; /* owns the nodes */
	Context *ctx;
	const char *name;
	VEC(Node *) node;  /* creation order is a topological order */
	VEC(Node *) input; /* OP_input, in the model's order */
	VEC(Node *) param; /* OP_param */
	VEC(Node *) result;
	VEC(const char *) result_name;
	/* training: `state`, an OP_param with attribute `state`, becomes `next` when a run ends */
	VEC(struct GraphUpdate { Node *state, *next; }) update;
	/* A graph built for training: the loss (also among the results), and the optimiser's row
	 * with its attributes. loss NULL: none was asked for. */
	Node *loss;
	Op optimizer;
	Attr optimizer_attr;
	Attr training; /* Attr_training: how long, which schedule; NULL: the model says nothing */
};

Graph *graph_create(Context *c, Arena *arena, const char *name);
/* A copy without dead nodes and with dense ids, in `arena`. Inputs stay. */
Graph *graph_prune(const Graph *g, Arena *arena);
/* A copy made by emitting every node again (folds, rules, reuse), pruned. NULL after errors. */
Graph *graph_simplify(const Graph *g, Arena *arena);

/* attribute records: ATTR_OF(n, conv)->stride.v[0] */
#define ATTR_OF(n, record) ((const Attr_##record *)(n)->attr)

/* --- building -------------------------------------------------------------------------------- */
struct Builder {
	Graph *graph;
	Context *ctx;
	Diag *diag;
	Loc loc;          /* given to new nodes; set it before each element */
	const char *name; /* hint given to the next node */
	struct Cse *cse;
	bool failed; /* sticky; then every emit returns poison */
};
Builder *builder_create(Graph *g);

/* The one way to make a node. An ill-typed request reports once at b->loc and gives a poison node,
 * which all later emits pass on. */
Node *emit(Builder *b, Op op, Attr attr, Node *const *in, int n_in);
Node *emit1(Builder *b, Op op, Node *x); /* operators without attributes */
Node *emit2(Builder *b, Op op, Node *x, Node *y);
Node *emit3(Builder *b, Op op, Node *x, Node *y, Node *z);
bool is_poison(const Node *n);
/* A parameter in the training state: what it holds changes from run to run. */
bool is_state(const Node *n);
/* Checks the inputs' number and infers the type; NULL after builder_error(). */
const Type *infer_node(Builder *b, Op op, Attr attr, Node *const *in, int n_in);
/* A new node just so, without inference, folding or rules: for the parser and for leaves whose type
 * is not in their attributes. */
Node *append_node(Builder *b, Op op, Attr attr, const Type *t, Node *const *in, int n_in);
/* Reports E50xx at b->loc and marks the builder failed; returns NULL (usable as `return
 * builder_error(...)` in InferFn). */
const Type *builder_error(Builder *b, DiagCode code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* Conveniences with shape checks (ir/build.c). Lists are copied. */
Node *emit_input(Builder *b, const Type *t, const char *name, int index);
Node *emit_param(Builder *b, const Type *t, const char *name, bool trainable, const Blob *data);
Node *emit_state(Builder *b, const Type *t, const char *name, bool trainable,
		 const Blob *initial /* NULL: zeros */);
Node *emit_const(Builder *b, const Type *t, const void *data);
Node *emit_blob(Builder *b, const Blob *blob);
Node *emit_scalar(Builder *b, DType t, double v); /* rank 0 */
Node *emit_scalar_i64(Builder *b, DType t, int64_t v);
Node *emit_full(Builder *b, const Type *t, double v); /* fill */
Node *emit_num(Builder *b, const Type *t, Num v);     /* fill */
Node *emit_iota(Builder *b, DType t, int rank, const int64_t *dim, int axis);
Node *emit_broadcast(Builder *b, Node *x, int rank, const int64_t *dim); /* returns x when equal */
Node *emit_reshape(Builder *b, Node *x, int rank, const int64_t *dim);   /* sizes concrete */
Node *emit_transpose(Builder *b, Node *x, const int *perm);
Node *emit_slice(Builder *b, Node *x, const int64_t *begin, const int64_t *count,
		 const int64_t *step /* NULL: 1 */);
Node *emit_slice_axis(Builder *b, Node *x, int axis, int64_t begin, int64_t count);
Node *emit_pad(Builder *b, Node *x, Node *value, const int64_t *low, const int64_t *high,
	       const int64_t *interior /* NULL: 0 */);
Node *emit_concat(Builder *b, Node *const *x, int n, int axis);
Node *emit_reduce(Builder *b, Op op, Node *x, int n_axes, const int64_t *axes, bool keepdims);
Node *emit_gather(Builder *b, Node *x, Node *index, int axis);
Node *emit_matmul(Builder *b, Node *x, Node *w, bool trans_x, bool trans_w);
Node *emit_cast(Builder *b, Node *x, DType t);
Node *emit_get(Builder *b, Node *tuple, int i);
/* Elementwise with numpy broadcasting of both sides. */
Node *emit_b2(Builder *b, Op op, Node *x, Node *y);
Node *emit_b3(Builder *b, Op op, Node *x, Node *y, Node *z);
/* x op constant, of x's type and shape */
Node *emit_c2(Builder *b, Op op, Node *x, double c);
Node *emit_num2(Builder *b, Op op, Node *x, Num c);
/* The numpy broadcast of two shapes into dim[], rank returned; -1 when they do not fit. */
int broadcast_shape(const Type *a, const Type *b, int64_t dim[MAX_RANK]);
/* The value of a small constant node (const, fill, iota or anything folded): fills out[] with up to
 * max; count or -1 when not constant. */
int const_ints(const Node *n, int64_t *out, int max);
bool const_scalar(const Node *n, double *out); /* splats count */
bool is_const(const Node *n);                  /* OP_const, OP_fill or OP_iota */

/* The graph's nodes mapped one by one into another graph: used by passes that change few operators.
 * map[n->id] is the new node; copy_node emits n with mapped inputs. */
Node *copy_node(Builder *b, const Node *n, Node *const *map);
/* Results and updates of g, mapped likewise, become those of b's graph. */
void copy_results(Builder *b, const Graph *g, Node *const *map);
#endif
