/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The compile driver: from a typed graph to a program in memory or files on disk. The way down is
 * passes/pipeline.c; here its plans become code, and the prepare plan is run to make the packed
 * weights. */
#ifndef CODEGEN_COMPILE_H
#define CODEGEN_COMPILE_H
#include "codegen/codegen.h"
#include "codegen/cuda/program.h"
#include "include/burin.h"
#include "passes/pass.h"

typedef struct CompileOptions {
	PassOptions pass;         /* the target of the first variant */
	GpuList gpus;             /* for a GPU: architectures that get code */
	bool emulate;             /* for a GPU, in memory: its kernels run in the emulation */
	const char *emu_compiler; /* NULL: found in PATH */
	uint64_t emu_seed;        /* of the order of threads */
	const char *emu_source;   /* for tests: this text of the kernels; or NULL */
	int threads;              /* that compile; 0: one */
	const ObjectCache *cache; /* or NULL */
	int (*progress)(void *user, const char *stage, int64_t done,
			int64_t total); /* or NULL; not 0: stop */
	void *user;
	/* The pages that hold the model's parameters need not stay in memory; or NULL */
	void (*rest)(void *user);
	void *user_rest;
} CompileOptions;

/* What NVRTC is told. */
static inline NvrtcOptions nvrtc_options(const Context *c, const CompileOptions *o)
{
	return (NvrtcOptions){ o->threads, o->cache, c->fp != FP_STRICT };
}

/* A model compiled into memory. Owns its code and weights; the graph may go. */
typedef struct Program Program;
Program *program_compile(Context *c, const Graph *g,
			 const CompileOptions *o); /* NULL: see c->diag */
/* As the public interface has it; on failure the program is destroyed. */
burin_status program_model(Program *p, burin_model **out, burin_error *err);
const BurinProgram *program_table(const Program *p);
const Plan *program_plan(const Program *p);
const char *program_fault(const Program *p);  /* of a run that returned DEVICE; else NULL */
const Graph *program_graph(const Program *p); /* after the graph passes */
void program_destroy(Program *p);             /* accepts NULL */

/* The model once more, built for another batch size; see ArtifactOptions.batch. */
typedef struct BatchGraph {
	const Graph *graph;
	int64_t batch;
} BatchGraph;
enum { BATCHES_JUDGED = 2 };

enum { MAX_TARGETS = 8 }; /* CPUs that one file holds code for */

/* Files. Everything but `path` may be left zero. */
typedef struct ArtifactOptions {
	const char *path;   /* .so .a .o .ll .s */
	const char *header; /* NULL: beside, .h; "": none */
	const char *prefix; /* NULL: made of the graph's name */
	const char *linker;
	const char *source;      /* for the header's comment and the metadata */
	const char *source_hash; /* hexadecimal, or NULL */
	const Target *target;    /* best first */
	int n_target;
	const BatchGraph *batch; /* sizes that m_run(ctx, n, ...) is made of, largest first, 1 last;
				    n_batch 0: the graph as it is, and m_run(ctx, ...) */
	int n_batch;
	BatchGraph judged[BATCHES_JUDGED]; /* with n_batch: the model at sizes that tell whether its
					      items are apart (passes/batch.h) */
	bool weights_beside, weights_embed; /* neither: by size */
	const Graph *train;      /* built for training: the artefact trains too; or NULL */
	int64_t train_batch;     /* rows of a step, when the model leaves them free */
	int64_t seed;            /* of the state's random numbers */
	const char *train_state; /* a checkpoint that the state begins as; or NULL */
	const volatile int *stop;
} ArtifactOptions;

/* What a compilation did, for reports: of each entry (m_run is the first) for the best target. */
typedef struct EntryReport {
	const char *name;
	int kernels, steps;
	int64_t work_bytes, scratch_bytes, weight_bytes;
	double flops;
} EntryReport;
typedef struct CompileReport {
	EntryReport entry[4];
	int n_entry;
	bool weights_beside; /* they went into a file of their own */
} CompileReport;
void report_entry(CompileReport *r, const char *name, const Plan *p);
bool compile_artifact(Context *c, const Graph *g, const CompileOptions *o, const ArtifactOptions *a,
		      CompileReport *report);
#endif
