/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Between the parts of verify. */
#ifndef TOOLS_CLI_VERIFY_H
#define TOOLS_CLI_VERIFY_H
#include "passes/pass.h"
#include "tools/cli_model.h"

typedef struct Verify {
	Cli *c;
	Model m;
	GivenList given;
	Graph *reference; /* without macros */
	Tolerance tolerance;
	/* Arithmetic that compiled code is judged by where it is not as exact as `tolerance` asks:
	 * none when a tolerance was given. */
	bool has_coarse;
	EvalOptions coarse;
	double coarse_share; /* Tolerance.coarse_share */
	int64_t sets;
	Tensor *got; /* what is compared: the outputs, then what a step of training changes */
	int n_got;
	uint64_t bad_seed; /* of the inputs that failed */
	int bad_output;    /* the first of got, -1 */
	/* --train */
	const StateLayout *layout;
	EvalTensor *before; /* the state that the step began with */
} Verify;

/* Fills the model's inputs for this seed and runs it. `a` lives as long as the comparison. */
int verify_run(Verify *v, uint64_t seed, Arena *a);
/* The reference's outputs, in the arena; o: how. */
bool reference_outputs(Verify *v, const Graph *g, Arena *a, EvalOptions o, EvalTensor *out);

/* cli_bisect.c: prints the first wrong operator and the pass that causes it. */
int verify_bisect(Verify *v);
/* cli_against.c: outputs of ONNX Runtime for the inputs that stand in v->m. */
int onnxruntime_outputs(Verify *v, Arena *a, EvalTensor *out);

/* cli_verify_train.c: a step of training, in the place of inference. */
void training_defaults(Cli *c);
const Graph *training_step(Cli *c, burin_graph *g);
int training_begin(Verify *v);
void training_fill(Verify *v, uint64_t seed, Arena *a);
bool training_outputs(Verify *v, Arena *a, EvalOptions o, EvalTensor *out);
#endif
