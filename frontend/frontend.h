/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Reading and writing models. All report into c->diag and return NULL or false after an error;
 * every error of a file is reported, not the first alone. */
#ifndef FRONTEND_FRONTEND_H
#define FRONTEND_FRONTEND_H
#include "base/io.h"
#include "frontend/element.h"
#include "ir/model.h"
#include "ir/node.h"

typedef struct Binding {
	const char *name; /* a symbol (N, T) or a scalar input */
	double value;
} Binding;

typedef struct ReadOptions {
	const char
		*weights; /* overrides the model's weight file; "random:seed=N" makes some that keep
			     activations in range, "init:seed=N" those that training starts from */
	const char *start; /* the same for a model that names no weights itself; or NULL */
	VEC(const char *)
	fresh;         /* parameters, layers or patterns: start anew, though a file may
				    hold them */
	uint64_t seed; /* of what a weight file lacks */
	VEC(Binding) bind;
	int64_t default_size; /* for symbols that nothing binds; 0: an error that lists them */
	bool shapes_only;     /* check: parameters without data */
	bool training;        /* with the elements of <training>: sets Graph.loss and optimizer */
} ReadOptions;

/* By suffix and content: .xml or .onnx. */
ElemList *read_elements(Context *c, Arena *arena, const char *path, const ReadOptions *o,
			WeightSet **weights);
ElemList *xml_read(Context *c, Arena *arena, const char *path, const char *text,
		   size_t n); /* blocks expanded */
/* data stays in use as long as *weights, which are set also where the model has none. */
ElemList *onnx_read(Context *c, Arena *arena, const char *path, const void *data, size_t n,
		    WeightSet **weights);
/* Binds symbols, makes parameters, infers, folds, decides `if`: the typed graph, macros kept. */
Graph *build_graph(Context *c, Arena *arena, const ElemList *list, const WeightSet *weights,
		   const ReadOptions *o);

/* A model in two steps, for who looks at the elements in between: g is zeroed memory of malloc,
 * which burin_graph_free takes in any case. Errors are in g->ctx->diag. Options as in api.c. */
bool model_open(burin_graph *g, const char *path, const burin_opts *o,
		ReadOptions *r);                        /* list, weights */
bool model_build(burin_graph *g, const ReadOptions *r); /* graph */

bool xml_write(Context *c, const ElemList *list, Str *out, const char *weights_file); /* convert */
/* The tensors that the written XML leaves to the weight file, for safetensors_create; lists grow in
 * l->arena. */
typedef struct TensorList {
	VEC(const char *) name;
	VEC(const Blob *) blob;
} TensorList;
void elem_tensors(const ElemList *l, TensorList *out);
/* What `convert` does: the XML at path, and its tensors beside it as .safetensors. */
bool model_write(Context *c, const ElemList *list, const char *path);
void schema_write(Str *out); /* XSD from the op table */

/* weight files: .safetensors .npz .npy (one tensor named like the file) .bin (raw, in the order of
 * the model's parameters) */
WeightSet *weights_open(Context *c, Arena *arena, const char *path,
			Loc asked_at); /* a path of the user */
WeightSet *weights_open_beside(Context *c, Arena *arena, const char *model, const char *name,
			       Loc asked_at); /* named by the model */
void weights_close(WeightSet *w);
/* Pages of its files need not stay in memory; they come back when they are used. Accepts NULL. */
void weights_rest(const WeightSet *w);
bool weights_are_made(const char *weights); /* "random...", "init...": no file */
/* A weight file that is complete but for io_commit; NULL: see c->diag. */
IoWriter *safetensors_create(Context *c, const char *path, int n, const char *const *name,
			     const Blob *const *blob);
/* Whether parameter `name` is among ReadOptions.fresh. */
bool param_is_fresh(const ReadOptions *o, const char *name);
/* one .npy: the tensor and its type; data in arena */
const Blob *npy_read(Context *c, Arena *arena, const char *path);
bool npy_write(Context *c, const char *path, const Type *t, const void *data);
#endif
