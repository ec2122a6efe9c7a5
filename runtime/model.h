/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* What the parts of libburin_rt share, and what libburin makes models with. */
#ifndef RUNTIME_MODEL_H
#define RUNTIME_MODEL_H
#include "base/opts.h"
#include "base/status.h"
#include "runtime/artifact.h"
#include <stdbool.h>

burin_status opts_threads(const burin_opts *o, int *threads, burin_error *err);
burin_status opts_flag(const burin_opts *o, const char *key, bool *value, burin_error *err);

/* The data of a tensor that fits the port (and the alignment in info); *n: the free size, -1 until
 * a tensor gives it. */
burin_status rt_take_tensor(const burin_port *port, const BurinPort *info, const burin_tensor *t,
			    void **data, int64_t *n, burin_error *err);

struct burin_model {
	const BurinProgram *program;
	burin_port *port; /* inputs, then outputs */
	int64_t *sizes;   /* of their shapes */
	void *library;    /* of dlopen, or NULL */
	void (*release)(void *owner);
	const char *(*fault)(const void *owner); /* what a run that returned DEVICE met; or NULL */
	void *owner;
	void *weights; /* a mapping to be given to the contexts, or NULL */
	size_t weights_bytes;
};
/* What burin_rt_run returned, as a status and an error. m: whose program ran, or NULL. */
burin_status rt_explain(const burin_model *m, int result, burin_error *err);
/* For a program that lives in memory: release(owner) is called when the model is freed, and here on
 * failure. */
burin_status model_of_program(burin_model **out, const BurinProgram *p,
			      void (*release)(void *owner), void *owner, burin_error *err);

/* Tells f each step of the program, in order: its share of `calls` runs. */
void rt_tell_profile(const BurinVariant *v, const uint64_t *ns, uint64_t calls, burin_profile_fn f,
		     void *user);

/* A row of ir/dtypes.def as DLPack has it. */
typedef struct DlType {
	const char *name;
	uint8_t code, bits;
} DlType;
enum { DL_TYPES = 10 };
extern const DlType dl_types[DL_TYPES];

/* Zeroed memory of whole pages, in 2 MiB pages where the system gives them; NULL: none left. */
void *pages_new(size_t bytes);
void pages_free(void *p, size_t bytes);
#endif
