/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* A model ready to run: read and compiled into memory, or a compiled file that was loaded. */
#ifndef TOOLS_CLI_MODEL_H
#define TOOLS_CLI_MODEL_H
#include "codegen/compile.h"
#include "frontend/frontend.h"
#include "tools/cli_tensor.h"

typedef struct Model {
	const char *path;
	burin_graph *graph;    /* NULL: a compiled file */
	const Graph *compiled; /* of that: what runs; NULL: a compiled file */
	burin_model *model;
	burin_exec *exec;
	Tensor *in, *out; /* memory for each port */
	burin_tensor *in_arg, *out_arg;
	int n_in, n_out;
	int64_t items;   /* the batch, where the compiled file leaves it free; else 1 */
	InputHint *hint; /* of each input */
	double read_s, compile_s;
} Model;
bool is_compiled_file(const char *path);
/* The typed graph. Symbols and scalar inputs that `given` (or NULL) decides are bound. An exit
 * code; what was read is to be freed in any case. Diagnostics are printed after errors only. */
int model_read(Cli *c, const char *path, GivenList *given, burin_graph **out);
/* Model, exec and memory of the ports, inputs filled. model_close in any case. */
int model_load(Cli *c, const char *path, GivenList *given, Model *out);
/* The same for another graph of the model than that of inference; NULL: see g->ctx. */
typedef const Graph *ModelGraph(Cli *c, burin_graph *g);
int model_load_as(Cli *c, const char *path, ModelGraph *graph, GivenList *given, Model *out);
/* Inputs anew from what was given, the others random. */
int model_fill(Cli *c, Model *m, GivenList *given, uint64_t seed);
int model_run(Cli *c, Model *m);
void model_close(Model *m);
/* The port's type, its free sizes being n; NULL: of no known data type. */
const Type *port_type(Cli *c, const burin_port *p, int64_t n);
/* Compiles a graph into memory. NULL after diagnostics in g->ctx. */
burin_model *graph_compile(Cli *c, burin_graph *g, const Graph *graph);
/* What training starts from: the weights of --weights, else the model's own, else initial ones of
 * this seed, as are those of --fresh. Random numbers take the seed too. */
void training_start(Cli *c, int64_t seed);
#endif
