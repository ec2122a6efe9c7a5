/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Elements before the graph: what the XML and the ONNX reader both yield, and what `convert`
 * prints. Untyped: attribute values are text, sizes may be symbols. build.c makes the typed graph
 * of it.
 *
 * An attribute value "@name" stands for the value of another element, which must turn out constant:
 * shape="@s1", pads="@p". So ONNX's tensor-valued parameters keep one spelling in XML. */
#ifndef FRONTEND_ELEMENT_H
#define FRONTEND_ELEMENT_H
#include "base/diag.h"
#include "base/vec.h"
#include "frontend/shape_expr.h"
#include "ir/blob.h"
#include "ir/context.h"
#include "ir/op.h"

typedef struct ElemAttr {
	const char *name, *value;
	Loc name_loc, value_loc;
} ElemAttr;

typedef struct ElemRef {
	const char *name; /* "c1", "split.1"; NULL: an input left out between others ("-" in XML) */
	Loc loc;
} ElemRef;

typedef struct ElemList ElemList;
typedef struct Elem {
	const char *op; /* row name in ops.def, or input, output, param, const, if */
	const char *id; /* result name; several results are id.0, id.1 ... (id alone is id.0) */
	Loc loc, id_loc;
	Loc used_at;   /* inside of a block: its <use>; line 0 else */
	bool nameless; /* the id is not the model's */
	VEC(ElemRef) in;
	VEC(ElemAttr) attr;  /* all but id and in */
	const Blob *data;    /* const, param from ONNX: the tensor itself, NULL else */
	ElemList *branch[2]; /* if: then, else; their results are the <output> elements inside */
	int n_results;       /* if, split: number of results when known, else 0 */
} Elem;

/* <training>: what a graph built for training has besides the model. */
typedef struct ElemTraining {
	Elem head;      /* its attributes */
	ElemList *list; /* inputs, operators, outputs (the metrics) and one optimiser */
} ElemTraining;

struct ElemList {
	Arena *arena;
	Context *ctx;
	const char *name; /* graph name, a C identifier */
	const char *file;
	const char *weights; /* weight file named by the model, relative to it, or NULL */
	Loc loc, weights_loc;
	VEC(Elem) elem;
	ElemTraining *training; /* or NULL */
};

const ElemAttr *elem_attr(const Elem *e, const char *name); /* or NULL */
const char *elem_text(const Elem *e, const char *name, const char *fallback);
/* What users call an input or output: its `name`, or else its id. */
const char *elem_port_name(const Elem *e);

/* Making lists (the ONNX reader, tests): names and texts are interned. */
ElemList *elem_list_create(Context *c, Arena *arena, const char *file);
Elem *elem_add(ElemList *l, const char *op, const char *id,
	       Loc loc);                                  /* valid until the next elem_add */
void elem_add_in(ElemList *l, Elem *e, const char *name); /* name NULL: left out */
void elem_set(ElemList *l, Elem *e, const char *attr, const char *value);

/* What an element name means. */
typedef enum ElemKind {
	EK_unknown,
	EK_op,
	EK_input,
	EK_output,
	EK_param,
	EK_const,
	EK_if,
	EK_optimizer
} ElemKind;
ElemKind elem_kind(const char *name, Op *op); /* op is set for EK_op and EK_optimizer */
int elem_op_names(const char **names); /* every element, at most OP_COUNT + 8 names; their number */
const char *const *elem_special_attrs(ElemKind k, int *n); /* of all kinds but EK_op */
bool op_has_params(Op op); /* an input of it becomes a parameter when left out */
bool elem_reported(Context *c, Loc loc,
		   DiagCode code); /* the same fault at the same place: blocks repeat elements */
bool elem_worth_hint(const Context *c);
/* Whether a text among the inputs is a number. No id may look like one: a text has one meaning. */
bool elem_is_number(const char *text);
/* Reports that it has no id, once; false. */
bool elem_needs_id(Context *c, const Elem *e, bool for_params);
/* "split.1" is result 1 of "split": cuts a trailing ".digits" off, false when there is none. */
bool elem_result_suffix(const char *ref, size_t *base_len, int *k);
const Elem *elem_optimizer(const ElemList *l); /* the first one, or NULL */
/* The sizes that the shapes of a model's inputs leave open, those of its <training> too: the names
 * that expressions may hold. In the order of the model, each once; strings are symbols of ctx. */
typedef VEC(const char *) SizeNames;
void elem_open_sizes(const ElemList *l, SizeNames *out);
/* Checks operators, attribute names and values, and the number of inputs; reports all faults. Names
 * are the reader's matter. */
bool elem_check(Context *c, const ElemList *l);
/* Fills a defaults record from the attributes. `symbol` gives sizes their values (NULL: numbers are
 * wanted) and `value_of` the text that "@name" stands for (NULL: keeps the default). Reports and
 * returns false when a value is not of its kind or out of its range. */
typedef struct ElemRecordHooks {
	SymbolFn *symbol;
	const char *(*value_of)(void *user, const ElemAttr *at, const AttrFieldInfo *field);
	void *user;
	const SizeNames *sizes; /* for hints about an unknown one; or NULL */
	DiagCode code;          /* of a bad value */
	bool *made_up; /* set by `symbol` where its value stands in for one that is not known: no
			  range is held against it; or NULL */
} ElemRecordHooks;
bool elem_record(Context *c, const Elem *e, Op op, void *record, const ElemRecordHooks *h);
/* What <training> and its optimiser say; false after a report. */
bool elem_training(Context *c, const ElemTraining *t, Attr_training *out);
/* The optimiser's record, in c's memory; *op is the optimiser. NULL after a report. */
const void *elem_optimizer_record(Context *c, const ElemTraining *t, Op *op);
double elem_rate(Op optimizer, const void *record); /* its lr */

/* A named tensor set: a weight file opened, or an ONNX model's initialisers. Mapped; stays alive
 * until closed. */
typedef struct WeightSet WeightSet;
const Blob *weights_find(const WeightSet *w, const char *name);
int weights_count(const WeightSet *w);
/* For readers that make a set of their own. The blob's bytes must outlive the set. False: the name
 * is taken. */
WeightSet *weights_create(Context *c, Arena *arena, const char *file);
bool weights_add(WeightSet *w, const char *name, const Blob *blob);
const Blob *weights_raw(const WeightSet *w); /* .bin: all bytes as u8[n], no names; else NULL */
const char *weights_file(const WeightSet *w);
const Blob *weights_at(const WeightSet *w, int i, const char **name);
#endif
