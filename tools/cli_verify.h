/* Between the parts of verify. */
#ifndef TOOLS_CLI_VERIFY_H
#define TOOLS_CLI_VERIFY_H
#include "tools/cli_model.h"

typedef struct Verify {
	Cli *c;
	Model m;
	GivenList given;
	Graph *reference; /* without macros */
	Tolerance tolerance;
	int64_t sets;
	uint64_t bad_seed; /* of the inputs that failed */
	int bad_output;    /* the first, -1 */
} Verify;

/* Fills the model's inputs for this seed and runs it. */
int verify_run(Verify *v, uint64_t seed);
/* The reference's outputs, in the arena. */
bool reference_outputs(Verify *v, const Graph *g, Arena *a, EvalTensor *out);

/* cli_bisect.c: prints the first wrong operator and the pass that causes it. */
int verify_bisect(Verify *v);
/* cli_against.c: outputs of ONNX Runtime for the inputs that stand in v->m. */
int onnxruntime_outputs(Verify *v, Arena *a, EvalTensor *out);
#endif
