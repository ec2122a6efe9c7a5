/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* burin.h: the public C API. C99 or later, and C++.
 *
 * Two libraries, one header. libburin_rt (sections 1 to 3, needs libc only) runs compiled models;
 * libburin (all sections, adds libxml2 and LLVM) compiles them.
 *
 * Every call that can fail returns a status and fills a burin_error of the caller, which may be
 * NULL. No call prints, exits, installs signal handlers, or changes locale, working directory,
 * floating-point settings or errno. A pointer that is needed and NULL is BURIN_E_ARG (0 ports, "{}"
 * where no status is returned). Freeing NULL is allowed everywhere; what was freed is not to be used
 * or freed again, which nothing checks.
 *
 * Memory that runs out is BURIN_E_MEMORY, with one exception: LLVM, in section 4 and 5, ends the
 * process (abort) when it gets none. Who has to survive that compiles in a process of its own and
 * loads the file. */
#ifndef BURIN_H
#define BURIN_H
#include <stddef.h>
#include <stdint.h>
#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define BURIN_API __attribute__((visibility("default")))
#define BURIN_CHECK __attribute__((warn_unused_result))
#else
#define BURIN_API
#define BURIN_CHECK
#endif

#define BURIN_VERSION "0.1.0"
#define BURIN_ABI 0                 /* soname libburin_rt.so.0, libburin.so.0 */
BURIN_API uint32_t burin_abi(void); /* of the library that is loaded */
BURIN_API const char *burin_version(void);

/* 1. Status and errors: no thread-local state, nothing to free --------------------------------- */

typedef enum burin_status { /* never renumbered */
			    BURIN_OK = 0,
			    BURIN_E_ARG = 1,
			    BURIN_E_IO = 2,
			    BURIN_E_SYNTAX = 3,
			    BURIN_E_INVALID = 4,
			    BURIN_E_SHAPE = 5,
			    BURIN_E_UNSUPPORTED = 6,
			    BURIN_E_TARGET = 7,
			    BURIN_E_VERSION = 8,
			    BURIN_E_MEMORY = 9,
			    BURIN_E_DEVICE = 10,
			    BURIN_E_CANCELLED = 11,
			    BURIN_E_INDEX =
				    12, /* the data holds an index out of range; outputs are void */
			    BURIN_E_INTERNAL = 70
} burin_status;
BURIN_API const char *burin_status_name(burin_status s); /* "BURIN_E_SHAPE" */

typedef struct burin_error {
	uint32_t size; /* sizeof(burin_error), or 0 */
	int32_t status, line, column;
	uint32_t code; /* 2017 for E2017, see `burin help E2017`; 0: none */
	char file[256], message[512], hint[256];
} burin_error;

/* 2. Tensors: the layout of DLTensor of DLPack 1.x, so that a DLTensor * may be passed --------- */

typedef struct burin_tensor {
	void *data;
	struct {
		int32_t type, id; /* 1, 0: memory of the CPU */
	} device;
	int32_t ndim;
	struct {
		uint8_t code, bits; /* 0 signed, 1 unsigned, 2 float, 4 bfloat, 6 bool */
		uint16_t lanes;     /* 1 */
	} dtype;
	int64_t *shape, *strides; /* strides in elements, NULL: dense, in C order */
	uint64_t byte_offset;
} burin_tensor;

typedef struct burin_port {
	uint32_t size;
	const char *name;
	burin_tensor spec;                    /* no data; a size that is left free is -1 */
	const int64_t *min_shape, *max_shape; /* of the sizes that are free */
} burin_port;

/* 3. Runtime. A burin_model is immutable and may be shared by any number of threads; a burin_exec
 *    belongs to one thread at a time. burin_run calls no malloc, and takes no lock at one thread.
 *    A model is code: load none that you would not run as a program. -----------------------------
 */

typedef struct burin_model burin_model;
typedef struct burin_exec burin_exec;
typedef struct burin_opts burin_opts;

/* The names that the command's --set takes, see `burin help options`; burin_opts_set answers
 * BURIN_E_ARG for any other, with the nearest name as the hint. One set serves reading, compiling and
 * running: each call reads the options that are for it. For this section:
 *   threads          1 to 256; 0 (default): $BURIN_THREADS, else $OMP_NUM_THREADS, else the CPUs
 *                    that the affinity mask and the control group allow
 *   packed-weights   path; default: beside the model, with the suffix .weights
 *   hugepages        yes: copy those weights into 2 MiB pages when loading
 *   device           cuda or cuda:N: on which GPU to run a model that was compiled for one
 *   device-wait      yes: wait after each kernel, so that a failure names the elements it computes
 */
BURIN_API burin_status burin_opts_new(burin_opts **out, burin_error *err);
BURIN_API burin_status burin_opts_set(burin_opts *o, const char *key, const char *value,
				      burin_error *err);
BURIN_API void burin_opts_free(burin_opts *o);

/* A .so that burin wrote; or the <name>_descriptor of a model that is linked in. Packed weights, in
 * the library or beside it, are read once as a whole and must add up to their checksum (but for
 * those of a model that is linked in, and those that a library packed of a state of training,
 * which have none). */
BURIN_API BURIN_CHECK burin_status burin_load(burin_model **out, const char *path,
					      const burin_opts *o, burin_error *err);
BURIN_API BURIN_CHECK burin_status burin_load_static(burin_model **out, const void *descriptor,
						     const burin_opts *o, burin_error *err);
BURIN_API void burin_model_free(burin_model *m); /* after all its burin_exec */

BURIN_API size_t burin_inputs(const burin_model *m, const burin_port **ports); /* the model's */
BURIN_API size_t burin_outputs(const burin_model *m, const burin_port **ports);
BURIN_API const char *burin_metadata_json(const burin_model *m); /* hash, target, passes */

/* The size of a workspace of your own. */
BURIN_API burin_status burin_workspace(const burin_model *m, const burin_opts *o, size_t *bytes,
				       size_t *align, burin_error *err);
/* workspace NULL: it makes its own. */
BURIN_API BURIN_CHECK burin_status burin_exec_new(burin_exec **out, const burin_model *m,
						  void *workspace, size_t workspace_bytes,
						  const burin_opts *o, burin_error *err);
/* in[] and out[] in the order of the ports; out[] has data and shapes, as in[]. BURIN_E_SHAPE: sizes
 * or strides that do not fit. BURIN_E_ARG: all else that is wrong with a tensor, and an output that
 * overlaps another tensor. */
BURIN_API burin_status burin_run(burin_exec *e, const burin_tensor *in, size_t n_in,
				 const burin_tensor *out, size_t n_out, burin_error *err);
BURIN_API void burin_exec_free(burin_exec *e);

typedef void (*burin_task_fn)(void *task, uint32_t index);
/* Calls fn(task, i) for every i < count, in any order; returns when all have ended. */
typedef void (*burin_parallel_fn)(void *user, uint32_t count, burin_task_fn fn, void *task);
/* Loops run on the host's threads, of which `threads` (the option) run at once. NULL: own ones. */
BURIN_API burin_status burin_exec_set_parallel(burin_exec *e, burin_parallel_fn f, void *user,
					       burin_error *err);

typedef struct burin_kernel_time {
	uint32_t size;
	const char *kernel, *kind, *source_ids;
	uint64_t calls, ns, flops, bytes; /* flops and bytes: of all calls */
} burin_kernel_time;
typedef void (*burin_profile_fn)(void *user, const burin_kernel_time *k);
/* f NULL: runs from now on are timed, from zero. Else f is told each step, in order. */
BURIN_API burin_status burin_profile(burin_exec *e, burin_profile_fn f, void *user,
				     burin_error *err);

/* 4. Compiler (libburin) ----------------------------------------------------------------------- */

typedef struct burin_diag {
	uint32_t size;
	int32_t severity; /* 0 error, 1 warning, 2 note */
	burin_error e;
	int32_t end_line, end_column;
} burin_diag;

typedef struct burin_hooks {
	uint32_t size;
	void *user;
	void (*diag)(void *user, const burin_diag *d);
	/* Not 0: stop, with BURIN_E_CANCELLED. */
	int (*progress)(void *user, const char *stage, uint64_t done, uint64_t total);
} burin_hooks;

typedef struct burin_graph burin_graph;
BURIN_API BURIN_CHECK burin_status burin_read(burin_graph **out, const char *path,
					      const burin_opts *o, const burin_hooks *h,
					      burin_error *err);
BURIN_API burin_status burin_write(const burin_graph *g, const char *path, const burin_opts *o,
				   burin_error *err);
BURIN_API void burin_graph_free(burin_graph *g);
/* out_path: .so .a .o .s .ll, or NULL; jit: or NULL. With the option train = yes (or the rows of a
 * step; given to burin_read too) the file trains as well: m_train_step and m_prepare, see its
 * header. */
BURIN_API BURIN_CHECK burin_status burin_compile(const burin_graph *g, const char *out_path,
						 burin_model **jit, const burin_opts *o,
						 const burin_hooks *h, burin_error *err);

/* 5. Training (libburin): models whose <training> names a loss and an optimiser ------------------
 */

/* A trainer owns the training state: parameters, running averages, the optimiser's moments, the
 * counter of the random numbers. It belongs to one thread at a time. Options: those of sections 3
 * and 4, and
 *   seed = N    of dropout and other random numbers (default 0)
 * Parameters begin as burin_read got them: from the weight file that the model names, or as its
 * option says, model-weights = FILE or init:seed=N. Its option fresh = NAME,NAME begins some anew
 * ("head.*"), by its option seed.
 * Steps are compiled when a batch size is first met. */
typedef struct burin_trainer burin_trainer;
BURIN_API BURIN_CHECK burin_status burin_trainer_new(burin_trainer **out, const burin_graph *g,
						     const burin_opts *o, const burin_hooks *h,
						     burin_error *err);
/* What a step wants: the inputs that the loss depends on, in the model's order; the size of the
 * batch is -1. */
BURIN_API size_t burin_trainer_inputs(const burin_trainer *t, const burin_port **ports);
/* What a step reports, each a scalar: the loss, then the outputs inside of <training>. */
BURIN_API size_t burin_trainer_metrics(const burin_trainer *t, const burin_port **ports);
/* One step of the optimiser at learning rate `rate` on the batch in[]; metrics[] (or NULL) are of
 * the parameters before it. */
BURIN_API burin_status burin_train_step(burin_trainer *t, double rate, const burin_tensor *in,
					size_t n_in, double *metrics, size_t n_metrics,
					burin_error *err);
/* The same metrics as inference computes the model: running averages, no dropout. */
BURIN_API burin_status burin_eval_step(burin_trainer *t, const burin_tensor *in, size_t n_in,
				       double *metrics, size_t n_metrics, burin_error *err);
/* As burin_profile: f NULL: from now on burin_train_step is timed, from zero. Else f is told each
 * kernel of a step of the last batch size, in order. */
BURIN_API burin_status burin_trainer_profile(burin_trainer *t, burin_profile_fn f, void *user,
					     burin_error *err);
/* The tensors of the state: parameters under their names in the weight file, all else under names
 * that begin with a dot. data points into the trainer; strides are NULL. */
BURIN_API size_t burin_trainer_state(burin_trainer *t, const burin_port **ports);
/* All of the state in one safetensors file, with `note` (JSON, or NULL) in its metadata. The file
 * appears at once and whole (written aside, synced, renamed, folder synced): when the call has
 * returned it survives a crash. */
BURIN_API burin_status burin_checkpoint_save(const burin_trainer *t, const char *path,
					     const char *note, burin_error *err);
/* Continues bit for bit. *note: as it was saved, valid until the trainer's next call; or NULL. */
BURIN_API burin_status burin_checkpoint_load(burin_trainer *t, const char *path, const char **note,
					     burin_error *err);
/* The parameters alone, for inference: a weight file of the model. */
BURIN_API burin_status burin_trainer_weights(const burin_trainer *t, const char *path,
					     burin_error *err);
BURIN_API void burin_trainer_free(burin_trainer *t);

#ifdef __cplusplus
}
#endif
#endif
