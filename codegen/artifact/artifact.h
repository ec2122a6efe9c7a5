/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Writing a compiled model to disk: shared library, archive or object, its C header, and packed
 * weights beside it. */
#ifndef CODEGEN_ARTIFACT_ARTIFACT_H
#define CODEGEN_ARTIFACT_ARTIFACT_H
#include "base/io.h"
#include "codegen/codegen.h"
#include "ir/context.h"
#include <signal.h>

/* Above, they lie beside unless it is said; as text they take three times the bytes. */
enum { WEIGHTS_EMBED_LIMIT = 256 << 20, WEIGHTS_TEXT_LIMIT = 16 << 20 };

typedef struct ArtifactRequest {
	const char *path;   /* the suffix says what: .so .a .o */
	const char *header; /* NULL: path with the suffix .h; "": none */
	const char *prefix; /* of all exported names: artifact_prefix() of the model's name, or the
			       user's */
	const char *source; /* for the header's first line: "lenet.xml (sha256 3f9c...)", or NULL */
	const char *targets;  /* "x86-64-v4, x86-64-v3", or NULL */
	const char *metadata; /* JSON, kept in section .note.burin */
	const char *linker;   /* path or name; NULL: looked for */
	uint16_t machine;     /* ELF number; 0: EM_X86_64 */

	const ObjectCode *object; /* kernels of all variants and the glue */
	int n_object;
	const GlueEntry *entry; /* as given to the glue */
	int n_entry;
	const GlueState *state; /* likewise */
	int64_t train_batch;    /* rows of a step of training, for the header; 0: unknown */

	/* Writes the block burin_weights, weight_bytes of them, to `to`, which is 64-byte aligned;
	 * called once, when the code is linked. file: whose io_place `to` is, or NULL. False:
	 * reported. */
	bool (*fill)(void *user, void *to, IoWriter *file);
	void *user;
	int64_t weight_bytes;
	bool beside; /* into <path without suffix>.weights instead of the artefact */

	const ObjectCode *text; /* the code as assembly or LLVM IR, in which artifact_assembly is;
				   NULL: it is made of the objects */

	const volatile sig_atomic_t *stop; /* or NULL; once set (by a signal handler), the linker is
					      ended and all is removed */
} ArtifactRequest;

/* All files appear, each complete, when all are (by rename), or none does and those of before stay
 * as they are. False: see c->diag. */
bool artifact_write(Context *c, const ArtifactRequest *r);

/* What kernels and glue need besides, as assembly: runtime, metadata, embedded weights, none of whose
 * names is seen from outside. NULL: see c->diag. */
const char *artifact_assembly(Context *c, const ArtifactRequest *r);

/* A C identifier made of a model's name. */
const char *artifact_prefix(Arena *a, const char *name);
/* NULL, or why names that start with it would not work. */
const char *artifact_prefix_error(const char *prefix);

/* The header alone, as text. */
const char *artifact_header(Arena *a, const ArtifactRequest *r);
/* What the linker found is called, for reports; NULL: none found. */
const char *artifact_linker(Arena *a, const char *wanted);
#endif
