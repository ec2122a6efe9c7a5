#include "tools/cli_verify.h"
int onnxruntime_outputs(Verify *v, Arena *a, EvalTensor *out) { (void)v; (void)a; (void)out; return 5; }
