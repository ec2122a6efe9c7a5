/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Shared by the parts of the ONNX reader:
 *   onnx_file.c   the file's bytes
 *   onnx_proto.c  bytes to messages         onnx.c       model, graphs, functions
 *   onnx_data.c   tensors to blobs          onnx_names.c ids, what is not read
 *   onnx.def      operators, a row each     onnx_call.c  one node: inputs, attributes, elements
 *   onnx_ops.c    the table, printed        onnx_op_*.c  what the rows mean
 */
#ifndef FRONTEND_ONNX_IMPL_H
#define FRONTEND_ONNX_IMPL_H
#include "base/io.h"
#include "base/map.h"
#include "frontend/frontend.h"
#include "frontend/onnx_proto.h"

#ifdef FUZZING_BUILD_MODE_UNSAFE_FOR_PRODUCTION /* as EXPAND_MAX_ELEMENTS of xml_scope.h */
enum { ONNX_MAX_ELEMENTS = 2000 };
#else
enum { ONNX_MAX_ELEMENTS = 1000000 };
#endif
enum {
	ONNX_OLDEST = 6,
	ONNX_NEWEST = 28,
	ONNX_MAX_DEPTH = 32, /* subgraphs and functions within one another */
	ONNX_MEMORY = 128 << 20,
	ONNX_MEMORY_PER_BYTE = 64,
	ONNX_MAX_INLINE = 16, /* numbers of a constant that are written into an attribute */
	ONNX_MAX_INTS = 1024  /* integers that may be sizes or indices: a constant, no parameter */
};

/* A tensor with a name. A constant becomes an element only when an element uses it. */
typedef struct OnnxValue {
	const char *name;   /* for people and for the id */
	const char *id;     /* its element, NULL: none yet */
	DType type;         /* DT_COUNT: not known */
	int rank;           /* -1: not known */
	const Blob *data;   /* of a constant, else NULL */
	bool initializer;   /* constant: a weight, no literal */
	bool fixed;         /* a weight that training leaves alone */
	const char *unread; /* a result that is not made: what to say to who uses it; else NULL */
} OnnxValue;

/* Names of one graph. Branches see those around them, functions do not. */
typedef struct OnnxScope {
	struct OnnxScope *outer;
	Map *value; /* ONNX name -> OnnxValue */
	Map *info;  /* ONNX name -> OnnxValueInfo: what the file tells of types */
	ElemList *list;
	const OnnxImports *import;
	const struct OnnxCall *call; /* of the function that is inlined here, or NULL */
	const OnnxFunction *function;
	const char *prefix; /* of ids in it */
	Map *wish;          /* ONNX name -> the id it should have */
	int depth;
} OnnxScope;

/* What cannot be read, grouped: reported at the end, all at once. */
typedef struct OnnxRefusal {
	DiagCode code;
	const char *what, *hint;
	int count;
	Loc first;
} OnnxRefusal;

typedef struct Onnx {
	Context *c;
	Arena *arena;    /* of what lasts */
	Arena *scratch;  /* of what a node needs; given back when it is done */
	ElemList *aside; /* elements under construction take their memory from here */
	size_t budget;   /* bytes of both */
	const char *path;
	OnnxDecoder decoder;
	OnnxModel model;
	ElemList *root;
	WeightSet *weights;
	Map *taken, *asked;  /* ids; how often each was wished for */
	Map *taken_symbols;  /* of sizes */
	Map *row, *function; /* "domain:name" -> OnnxRow, OnnxFunction */
	Map *refusal;        /* by text -> OnnxRefusal */
	Map *file;           /* external data: location -> OnnxFile */
	int node;            /* of the main graph, from 1: where a fault is */
	int n_elements, n_nodes;
	bool full;
} Onnx;

typedef struct OnnxRow OnnxRow;

/* One node under conversion. */
typedef struct OnnxCall {
	Onnx *o;
	OnnxScope *scope;
	const OnnxNode *node;
	const OnnxRow *row;
	int64_t opset;
	Loc loc;
	int n_in;
	OnnxValue **in; /* NULL: left out */
	uint64_t attr_used;
	bool failed;
} OnnxCall;

/* Converts; false after a report or a refusal. */
typedef bool OnnxMap(OnnxCall *n);
struct OnnxRow {
	const char *domain, *name;
	int since, min_in, max_in, max_out; /* max_in -1: any number */
	OnnxMap *map;                       /* NULL: known, but not read */
	const char *target, *note;
};
Map *onnx_row_index(Arena *arena); /* "domain:name" -> row */
const OnnxRow *onnx_row_at(int i); /* NULL behind the last */

/* --- onnx.c ---------------------------------------------------------------------------------- */

bool onnx_refuse(Onnx *o, Loc loc, DiagCode code, const char *hint, const char *fmt, ...)
	__attribute__((format(printf, 5, 6)));
bool onnx_report_refusals(Onnx *o);
bool onnx_fault(Onnx *o, Loc loc, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
OnnxValue *onnx_find(const OnnxScope *s, const char *name);
/* What the file tells of the type of a name, or NULL. */
const OnnxValueInfo *onnx_told(const OnnxScope *s, const char *name);
/* A name of the list made from one of the file; unique. results: how many id.0, id.1 ... it has. */
const char *onnx_id(Onnx *o, const char *wish, int results);
const char *onnx_port_name(Onnx *o, const char *name);
/* The id of an output: the name in the file as far as an id may look like it. */
const char *onnx_output_id(Onnx *o, const char *name);
const char *onnx_input_id(Onnx *o, const char *name);
const char *onnx_graph_name(Onnx *o, const char *name); /* a C identifier */
const char *onnx_nearest_hint(Onnx *o, const char *op); /* or NULL */
/* The element that holds the value: makes one of a constant. */
const char *onnx_value_id(Onnx *o, OnnxValue *v);
void onnx_push(Onnx *o, ElemList *l, const Elem *e);
bool onnx_define(OnnxScope *s, Onnx *o, Loc loc, const char *name, OnnxValue *v);
bool onnx_dtype(int code, DType *out);
const char *onnx_dtype_name(int code);
/* Reads the graph of a branch into a list of its own; the values of its outputs. */
bool onnx_read_branch(OnnxCall *n, const OnnxAttr *graph, ElemList **list, OnnxValue ***out,
		      int *n_out);
void onnx_ops_table(Str *out); /* Markdown, for the command line */

/* --- onnx_data.c ----------------------------------------------------------------------------- */

const Blob *onnx_blob(Onnx *o, const OnnxTensor *t, Loc loc); /* NULL after a report */
/* Read as numbers of the blob's type, the texts are its elements. */
const char *onnx_number_text(Arena *a, const Blob *b, int64_t i);
const char *onnx_numbers_text(Arena *a, const Blob *b);

/* --- onnx_call.c: asking the node ------------------------------------------------------------ */

bool onnx_call_begin(OnnxCall *n);
bool onnx_call_end(OnnxCall *n); /* attributes nobody asked for are a fault */
bool onnx_no(OnnxCall *n, const char *hint, const char *fmt, ...) /* an unsupported form: E3102 */
	__attribute__((format(printf, 3, 4)));
bool onnx_bad(OnnxCall *n, const char *fmt, ...) /* the node breaks a rule: E3002 */
	__attribute__((format(printf, 2, 3)));
bool onnx_lacks(OnnxCall *n, const char *attr); /* reports that it must be given: E3002 */
const OnnxAttr *onnx_attr(OnnxCall *n, const char *name, OnnxAttrKind kind); /* or NULL */
int64_t onnx_attr_int(OnnxCall *n, const char *name, int64_t fallback);
double onnx_attr_float(OnnxCall *n, const char *name, double fallback);
const char *onnx_attr_text(OnnxCall *n, const char *name, const char *fallback);
Ints onnx_attr_ints(OnnxCall *n, const char *name); /* n = 0 when not given */
bool onnx_has_attr(const OnnxCall *n, const char *name);
void onnx_ignore(OnnxCall *n, const char *name); /* an attribute that changes nothing here */
OnnxValue *onnx_in(const OnnxCall *n, int i);    /* or NULL */
bool onnx_has_out(const OnnxCall *n, int k);
DType onnx_type(const OnnxCall *n, int i); /* DT_COUNT: not known */
int onnx_rank(const OnnxCall *n, int i);   /* -1: not known */
int onnx_out_rank(const OnnxCall *n, int k);
bool onnx_known_ints(const OnnxCall *n, int i,
		     Ints *out); /* input i is a constant list or scalar */
bool onnx_known_num(const OnnxCall *n, int i, double *out);
/* Text for an attribute: the numbers, or "@id"; NULL when the input is left out. */
const char *onnx_param(OnnxCall *n, int i);
/* Of a finite constant without dimensions, to stand beside inputs of type t; else NULL. */
const char *onnx_scalar_text(OnnxCall *n, int i, DType t);
const char *onnx_ints_text(OnnxCall *n, Ints v);
/* Of a float among the attributes, to be used with elements of the first input's type. */
const char *onnx_num_text(OnnxCall *n, double v);

/* --- onnx_call.c: making elements ------------------------------------------------------------ */

Elem onnx_elem(OnnxCall *n, const char *op);
void onnx_arg(OnnxCall *n, Elem *e, int input); /* an input of the node, or left out */
void onnx_arg_id(OnnxCall *n, Elem *e, const char *id);
void onnx_set(OnnxCall *n, Elem *e, const char *attr, const char *text); /* text NULL: not set */
void onnx_set_int(OnnxCall *n, Elem *e, const char *attr, int64_t v);
void onnx_set_num(OnnxCall *n, Elem *e, const char *attr, double v);
void onnx_set_flag(OnnxCall *n, Elem *e, const char *attr, bool v);
void onnx_set_ints(OnnxCall *n, Elem *e, const char *attr, Ints v);
void onnx_set_param(OnnxCall *n, Elem *e, const char *attr, int input);
/* Puts the element into the list: an intermediate one, named after the result and `what`. Returns
 * its id. */
const char *onnx_step(OnnxCall *n, Elem *e, const char *what);
/* An intermediate element with several results, its id. */
const char *onnx_step_results(OnnxCall *n, Elem *e, const char *what, int count);
/* Puts the element into the list as the node's first result. */
bool onnx_result(OnnxCall *n, Elem *e, DType type);
/* The same for an element with several; result k of it is the node's result k. */
bool onnx_results(OnnxCall *n, Elem *e, int count, const DType *type);
/* Lets result k of the node be an element's result, or the value itself. */
bool onnx_bind(OnnxCall *n, int k, const char *id, DType type);
bool onnx_alias(OnnxCall *n, int k, OnnxValue *v);
/* Result k is refused when something uses it: "with a mask as second output". */
bool onnx_leave_out(OnnxCall *n, int k, const char *what);
/* In one line: an operator without attributes. NULL ends the arguments. */
const char *onnx_do(OnnxCall *n, const char *what, const char *op, const char *x, const char *y);
const char *onnx_in_id(OnnxCall *n, int i); /* NULL when left out */
#endif
