/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Shared by the parts of build.c: build_leaf.c (inputs, constants), build_op.c (operators),
 * build_param.c (parameters and where their data comes from). */
#ifndef FRONTEND_BUILD_IMPL_H
#define FRONTEND_BUILD_IMPL_H
#include "base/map.h"
#include "frontend/frontend.h"

/* A list under construction: the model's, or the branch of an <if> that was chosen. */
typedef struct Unit {
	struct Unit *outer;
	const ElemList *list;
	Map *index; /* id -> position + 1 */
	struct UnitValue {
		Node **at;
		int n;
	} * value; /* results of each element once built */
	bool *need;
	int depth;
} Unit;

typedef struct Build {
	Context *c;
	Arena *arena;
	Builder *b;
	Graph *g;
	const WeightSet *weights;
	const ReadOptions *o;
	VEC(const char *) unbound; /* symbols without a value, in order of appearance */
	Loc unbound_at;
	Map *param;  /* tensor name -> OP_param node */
	Map *asked;  /* tensor name -> the ParamAsk that it was first asked for with */
	Map *input;  /* names of inputs; ids are unique by the reader's care, names are not */
	Map *known;  /* tensor names that the model means, built or not */
	bool trains; /* the model has a <training> */
	bool random, made, no_file_reported, converted_reported, failed;
	uint64_t seed;
	int64_t raw_at; /* next element of a .bin */
	int depth;
} Build;

typedef struct Spot {
	Unit *unit;
	int at;
} Spot;
/* "id" or "id.k", in this list or one around it. False: no such element. */
bool build_find(Build *s, Unit *u, const char *ref, Spot *out, int *k);
bool build_is_literal(const char *text, Num *v); /* a number among the inputs */

/* Reports have been made: the poison that stands for the element. */
Node *build_give_up(Build *s);
/* The value of a size symbol (a SymbolFn); 1 when nothing binds it, which build_report_unbound
 * reports. */
bool build_symbol(void *user, const char *name, size_t n, int64_t *out);
bool build_report_unbound(Build *s);
bool build_flag(const char *text);
Node *build_input(Build *s, const Elem *e);
Node *build_param_element(Build *s, const Elem *e);
Node *build_const(Build *s, const Elem *e);

/* The node that a reference of e stands for. */
Node *build_ref(Build *s, Unit *u, const Elem *e, const char *ref, Loc loc);
Node *build_op(Build *s, Unit *u, const Elem *e, Op op);
/* A hint why n is not constant. */
void build_hint_unknown(Build *s, const Node *n);

typedef struct ParamAsk {
	const char *name; /* in the weight file */
	const char *role; /* weight, bias, running_var ...; NULL for <param> */
	const Type *type;
	bool trainable;
	const char *init;     /* asked for in the model, or NULL */
	const char *own_init; /* what the layer starts training from, or NULL */
	bool may_lack;        /* the model says how it starts: a weight file need not hold it */
	const Blob *data;     /* from an ONNX file, or NULL */
	Loc loc;
} ParamAsk;
/* The parameter's node; a poison after a report. Asking twice for one name gives the same node:
 * tied weights. */
Node *build_param(Build *s, const ParamAsk *ask);
/* Whether parameters are made instead of read: --weights random:seed=N, init:seed=N. */
void build_param_options(Build *s);
/* Reports names of ReadOptions.fresh that mean nothing. */
bool build_check_fresh(Build *s);
/* Reports what the weight file has and the model has not. */
void build_param_extra(Build *s);

/* frontend/init.c: fills data as `init` says: zeros, ones, constant:V or a number, uniform:A,
 * uniform:LOW,HIGH, normal, normal:DEVIATION, normal:MEAN,DEVIATION, or by size; NULL: by role.
 * Every element depends on the seed, the name and its index alone. False: no such initialiser. */
bool init_tensor(const Type *t, void *data, const char *init, const char *role, const char *name,
		 uint64_t seed);
bool init_is_known(const Type *t, const char *init);
enum { MAX_INIT_NAMES = 24 };
int init_names(const char **names); /* their number */
#endif
