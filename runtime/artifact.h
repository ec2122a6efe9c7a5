/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* What an artefact (or a program compiled in memory) is made of: plain data with pointers to code.
 * This header is the whole contract between codegen, which emits a BurinProgram and the exported
 * wrappers, and runtime/cpu, which runs it. It depends on nothing. Everything is const and position
 * independent; nothing here is written at run time.
 *
 * The glue object of a model with the prefix m defines, exported (all else is hidden):
 * - m_descriptor: const void *const = &program. The BurinProgram itself is hidden, in .data.rel.ro.
 * - m_run: int (const m_ctx *ctx, [size_t n,] inputs..., outputs..., void *workspace). It packs the
 *   port pointers, inputs then outputs, into an array on the stack and returns
 *   burin_rt_run(&program, ctx, n, array, workspace). `n` is an argument of m_run only where
 *   free_batch is set, else the constant 1.
 * - m_<name> for each row of BURIN_WRAPPERS: calls burin_rt_<name>(&program, its own arguments
 *   unchanged) and returns its value.
 * - where the artefact has further entries (a step of training, the preparation of weights), each
 *   with a BurinProgram of its own: m_<entry>, as m_run, and m_<entry>_workspace_bytes; and with a
 *   state of training m_state_init: int (void *state), of burin_rt_state_init.
 *
 * It refers to, all hidden and defined elsewhere: burin_rt_run and burin_rt_<name> (runtime/cpu),
 * the kernels, and
 * - burin_weights: the first byte of the packed weights of all entries, and of the initial state.
 *   codegen/artifact writes the section; when the weights lie beside the artefact, .weights is NULL
 *   and the symbol is not referred to.
 * - burin_metadata: NUL-terminated JSON, stored once, in section .note.burin.
 * The objects are merged to one in which every hidden symbol is local, so that these names need
 * not be unique between models. */
#ifndef RUNTIME_ARTIFACT_H
#define RUNTIME_ARTIFACT_H
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define BURIN_PROGRAM_VERSION 3

/* BURIN_WRAP(name, result, parameters after the program): 'p' pointer, 'z' size_t, 'i' int, 'v'
 * nothing. */
#define BURIN_WRAPPERS \
	BURIN_WRAP(supported, "i", "")            /* int m_supported(void) */ \
	BURIN_WRAP(workspace_bytes, "z", "p")     /* size_t m_workspace_bytes(const m_ctx *ctx) */ \
	BURIN_WRAP(ctx_init, "i", "pi")           /* int m_ctx_init(m_ctx *ctx, int threads) */ \
	BURIN_WRAP(ctx_set_parallel, "i", "pipp") /* (m_ctx *, int threads, fn, void *user) */ \
	BURIN_WRAP(ctx_set_weights, "i", "ppz")   /* (m_ctx *, const void *file, size_t bytes) */ \
	BURIN_WRAP(ctx_done, "v", "p")            /* void m_ctx_done(m_ctx *ctx) */

/* Of a program for a GPU, with burin_cuda_<name> (runtime/cuda) in the place of burin_rt_<name>;
 * the int of ctx_init is the device's ordinal there. */
#define BURIN_CUDA_WRAPPERS \
	BURIN_WRAPPERS \
	BURIN_WRAP(ctx_error, "p", "p") /* const char *m_ctx_error(const m_ctx *ctx) */

/* Runs tasks begin..end of one step. base[]: inputs, then outputs, then workspace, then weights.
 * `scratch`: scratch_bytes of memory of the calling thread, 64-byte aligned. Offsets of SPACE_WORK
 * and SPACE_WEIGHT count from base[n_in + n_out] and base[n_in + n_out + 1], both 64-byte aligned.
 * Tasks of one step may run in any order and at the same time; a step starts when all before it
 * have ended. */
typedef void BurinStepFn(void *const *base, int64_t begin, int64_t end, void *scratch);

/* The status word of a run: an int32 at this offset from the workspace base, in the header that
 * lies before it. Zeroed when a run starts; a kernel that meets an index out of range stores 1 (a
 * plain store: all write the same) and the run returns INDEX. Any other value: DEVICE. */
enum { BURIN_STATUS_OFFSET = -64, BURIN_HEADER_BYTES = 64 };

typedef struct BurinStep {
	BurinStepFn *run;
	int64_t n_tasks;
	int64_t joins; /* not 0: reads nothing that the steps since the last one with 0 write, and
			  overwrites nothing that they use: threads need not wait before it */
} BurinStep;

/* For profiles and reports: one for each step, in the same order. */
typedef struct BurinStepInfo {
	const char *kernel, *kind, *sources; /* "k_3f9c...", "conv", "conv1 bn1 relu1" */
	double flops, bytes;
} BurinStepInfo;

typedef struct BurinPort {
	const char *name;
	int32_t dtype; /* row of ir/dtypes.def */
	int32_t align; /* bytes the kernels rely on: a power of two, at least 1 */
	int64_t rank;
	const int64_t *dim; /* dim[0] is -1 where free_batch is set */
	int64_t bytes;      /* of the tensor; of one item where free_batch is set */
} BurinPort;

/* Names for reports; what a variant needs is in its `need`. */
enum {
	BURIN_CPU_BASE = 0,
	BURIN_CPU_V2 = 2,
	BURIN_CPU_V3 = 3,
	BURIN_CPU_V4 = 4,
	BURIN_CPU_NATIVE = 100
};

/* One compilation of the model for one CPU level and one batch size. */
typedef struct BurinVariant {
	uint64_t need[2]; /* bits of the rows of runtime/cpu/features.def that the CPU must have;
			     burin_cpu_need() */
	uint32_t cpu;     /* BURIN_CPU_* */
	uint32_t n_steps;
	const BurinStep *step;
	const BurinStepInfo *info;           /* NULL: none kept */
	int64_t work_bytes;                  /* without header and scratch */
	int64_t scratch_bytes;               /* per thread */
	int64_t batch;                       /* items per call; 1 where free_batch is not set */
	const struct BurinCudaProgram *cuda; /* for a GPU (runtime/cuda/program.h): there are no
						steps, and it is the only variant; else NULL */
} BurinVariant;

typedef struct BurinProgram {
	uint32_t version, size;      /* BURIN_PROGRAM_VERSION, sizeof(BurinProgram) */
	const char *name, *metadata; /* metadata: &burin_metadata */
	uint32_t n_in, n_out, n_variant, free_batch;
	const BurinPort *in, *out;
	const BurinVariant *variant; /* best first; with free_batch: of one level, largest batch
					first, batch 1 last */
	const void *weights; /* in burin_weights; NULL when there are none, or the caller gives
				them to his context */
	int64_t weight_bytes;
	uint64_t layout[2]; /* identity of the packed layout, compared with that of a weights file;
			       0: not compared */
} BurinProgram;

/* The state of training: one block of the caller's. */
typedef struct BurinState {
	int64_t bytes;
	const void *initial; /* what it begins with; the rest is zero */
	int64_t initial_bytes;
} BurinState;

/* Layout of a file of packed weights: this head, padded to BURIN_WEIGHTS_AT, then weight_bytes
 * bytes; then, where it is sealed, the seal (base/seal.h) of all that. Those that an artefact itself
 * packs of a state of training are not. The block inside of an artefact always is. */
#define BURIN_WEIGHTS_MAGIC "BURINWT1"
enum { BURIN_WEIGHTS_AT = 4096 };
typedef struct BurinWeightsHead {
	char magic[8];
	int64_t bytes;
	uint64_t layout[2];
	uint64_t sealed; /* 1, or 0 */
} BurinWeightsHead;

/* The weights in such a file, or NULL when it is not of this program. */
static inline const void *burin_weights_in(const BurinProgram *p, const void *file, size_t bytes)
{
	const BurinWeightsHead *head = (const BurinWeightsHead *)file;
	if (bytes < BURIN_WEIGHTS_AT || ((uintptr_t)file & 63) != 0 ||
	    memcmp(head->magic, BURIN_WEIGHTS_MAGIC, sizeof(head->magic)) != 0 ||
	    head->bytes != p->weight_bytes || (int64_t)(bytes - BURIN_WEIGHTS_AT) < head->bytes)
		return NULL;
	if ((p->layout[0] | p->layout[1]) != 0 &&
	    (head->layout[0] != p->layout[0] || head->layout[1] != p->layout[1]))
		return NULL;
	return (const char *)file + BURIN_WEIGHTS_AT;
}

/* Results of burin_rt_*: the values of burin_status in include/burin.h. */
enum {
	BURIN_RT_OK = 0,
	BURIN_RT_ARG = 1,
	BURIN_RT_SHAPE = 5,
	BURIN_RT_CPU = 7,
	BURIN_RT_VERSION = 8,
	BURIN_RT_WORKSPACE = 9,
	BURIN_RT_WEIGHTS = 4,
	BURIN_RT_DEVICE = 10,
	BURIN_RT_INDEX = 12
};

#endif
