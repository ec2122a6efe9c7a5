/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The operator table, expanded. One row of ops.def is an operator everywhere: XML, text form, docs,
 * tests, lowering. */
#ifndef IR_OP_H
#define IR_OP_H
#include "ir/num.h"
#include "ir/type.h"

typedef enum Op {
#define OP(name, ...) OP_##name,
#define MACRO(name, ...) OP_##name,
#include "ir/ops.def"
#undef OP
#undef MACRO
	OP_COUNT
} Op;

typedef enum AttrRecord {
#define R(name) ATTR_##name##_RECORD,
#include "ir/attrs.def"
	ATTR_RECORDS(R)
#undef R
		ATTR_RECORD_COUNT
} AttrRecord;

typedef struct Ints {
	int n;
	const int64_t *v;
} Ints;
typedef struct Nums {
	int n;
	const double *v;
} Nums;
typedef struct Blob Blob; /* constant data: ir/blob.h */
typedef struct Graph Graph;

typedef int64_t AttrField_i64;
typedef double AttrField_f64;
typedef Num AttrField_num;
typedef int64_t AttrField_flag;
typedef Ints AttrField_ints;
typedef Nums AttrField_nums;
typedef const char *AttrField_str; /* interned */
typedef DType AttrField_dtype;
typedef const Blob *AttrField_blob; /* interned by content when small */
typedef const Graph *AttrField_graph;

typedef enum AttrKind {
	AK_i64,
	AK_f64,
	AK_num,
	AK_flag,
	AK_ints,
	AK_nums,
	AK_str,
	AK_dtype,
	AK_blob,
	AK_graph
} AttrKind;

#define F(kind, field, def, range, doc) AttrField_##kind field;
#define R(name) \
	typedef struct Attr_##name { \
		char none; \
		ATTR_##name(F) \
	} Attr_##name;
ATTR_RECORDS(R)
#undef R
#undef F

typedef const void *Attr; /* interned Attr_<record>: equal records are equal pointers */

typedef struct AttrFieldInfo {
	const char *name;
	AttrKind kind;
	size_t offset;
	const char *def;   /* "?": must be given */
	const char *range; /* "[0,1)": of each number; "": any */
	const char *doc;
} AttrFieldInfo;
typedef struct AttrInfo {
	const char *name;
	size_t size;
	int n_field;
	const AttrFieldInfo *field;
} AttrInfo;
extern const AttrInfo attr_info[ATTR_RECORD_COUNT];
/* Interns *record (a filled Attr_<r>; lists and strings are copied). */
Attr attr_intern(Context *c, AttrRecord r, const void *record);
/* A record filled with its defaults ("?" fields stay zero). */
void attr_defaults(Context *c, AttrRecord r, void *record);
/* Sets one field from text as XML and the text form write it. False when the text is not of the
 * field's kind. */
bool attr_set_text(Context *c, AttrRecord r, void *record, int field, const char *text);
int attr_find(AttrRecord r, const char *field); /* index or -1 */
/* Whether the field's numbers lie in its range, and that range in words: "0 or more". */
bool attr_in_range(AttrRecord r, const void *record, int field);
const char *attr_range_text(Arena *a, const AttrFieldInfo *f);
bool attr_field_is_default(Context *c, AttrRecord r, const void *record, int field);
void attr_field_print(Str *s, AttrRecord r, const void *record,
		      int field); /* as attr_set_text reads */

/* Levels, a bit set */
enum { LEVEL_M = 1, LEVEL_T = 2, LEVEL_K = 4 };
/* Flags */
enum {
	OF_ELEMENTWISE = 1, /* result element i depends on input elements i alone; equal shapes */
	OF_COMMUTES = 2,
	OF_VIEW = 4,           /* moves elements, computes nothing: exact, and its lowering is index
				  arithmetic */
	OF_REDUCES = 8,        /* combines many elements: a possible kernel boundary */
	OF_CONTRACTS = 16,     /* has a template: conv, matmul, attention */
	OF_LEAF = 32,          /* input, param, const, iota ... : no inputs */
	OF_COSTLY = 64,        /* scalar cost of exp and friends: not to be recomputed */
	OF_IMPURE_SHAPE = 128, /* only the shape of the input matters (shape op) */
	OF_BOOL = 256          /* elementwise with boolean result */
};

typedef struct Node Node;
typedef struct Builder Builder;
typedef struct KBuilder KBuilder;
typedef struct EvalCall EvalCall;
/* Result type (a tuple for several results), or NULL after builder_error(). */
typedef const Type *InferFn(Builder *b, Op op, Attr attr, Node *const *in, int n_in);
/* The scalar expression of element at[] of n. */
typedef Node *LowerFn(KBuilder *kb, const Node *n, Node *const *at);
/* Naive loops in double precision: ir/eval.h. */
typedef void EvalFn(const EvalCall *c);
/* Gradients of the inputs given the result's, NULL where none: for autodiff. n and dy are nodes of
 * b's graph; dx[] has one entry per input, all NULL at first. */
typedef void VjpFn(Builder *b, const Node *n, Node *dy, Node **dx);
/* A macro's meaning in other operators; out[] has one node per result and room for MAX_RESULTS.
 * n->type is NULL when it is the type that is asked for (infer_expanded). False after
 * builder_error(). */
enum { MAX_RESULTS = 1024 };
typedef bool ExpandFn(Builder *b, const Node *n, Node **out);

typedef struct OpInfo {
	const char *name;
	const char *inputs; /* names as written in ops.def: "x w=weight b=bias?" */
	int levels;
	AttrRecord attr;
	int flags;
	InferFn *infer;
	LowerFn *lower;
	EvalFn *eval;
	VjpFn *vjp;
	ExpandFn *expand;
	const char *results; /* "y", or names of several: "values indices" */
	const char *doc;
	/* derived */
	int min_in, max_in;
	int n_results; /* 0: their number varies, the type is a tuple in any case ("y*") */
	bool variadic; /* inputs end in "*" */
} OpInfo;
const OpInfo *op_info(Op op); /* OP_COUNT is the poison of node.h */
bool op_find(const char *name, Op *out);
/* i-th input's name, whether it may be left out, and the parameter it becomes when absent (NULL:
 * none). */
const char *op_input_name(Op op, int i, bool *optional, const char **param);
/* One step of an optimiser: a row whose inputs begin with "p g". */
bool op_is_optimizer(Op op);
#endif
