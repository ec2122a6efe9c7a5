/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* One compilation as options ask for it: what burin_compile and the command share. The names of the
 * options are listed in api.c and passes/settings.c. */
#ifndef CODEGEN_JOB_H
#define CODEGEN_JOB_H
#include "base/opts.h"
#include "codegen/cache.h"
#include "codegen/compile.h"
#include "ir/model.h"

typedef struct CompileJob {
	Context *c; /* these three are the caller's; hooks may be NULL */
	const burin_opts *o;
	const burin_hooks *h;
	CompileOptions co;
	ArtifactOptions ao;
	Target target[MAX_TARGETS];
	Cache *cache; /* NULL: not to be used */
	ObjectCache hooks;
} CompileJob;
/* Reads the options, opens the cache. path NULL: into memory. False: see c->diag; nothing is to be
 * ended. */
bool compile_job_begin(CompileJob *j, const burin_graph *g, const char *path);
void compile_job_end(CompileJob *j);
#endif
