/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Between the parts of codegen/artifact. */
#ifndef CODEGEN_ARTIFACT_INTERNAL_H
#define CODEGEN_ARTIFACT_INTERNAL_H
#include "codegen/artifact/artifact.h"
#include "base/io.h"
#include "base/seal.h"
#include "codegen/artifact/elf_out.h"
#include "codegen/folder.h"

typedef struct Exports {
	const char *const *name;
	int n;
} Exports;
Exports artifact_exports(Arena *a, const ArtifactRequest *r);

/* Letters and digits stay; each run of anything else becomes one '_'. */
char *c_identifier(Arena *a, const char *name, size_t limit);
/* A keyword, a macro, or an argument that the functions add themselves. */
bool c_name_is_taken(const char *name);
enum { PREFIX_LIMIT = 64 };

/* Each of these makes a file that is complete but for io_commit. NULL: *error, or reported. */
IoWriter *object_create(const ElfOut *e, const char *path, IoError *error);
IoWriter *archive_create(const ElfOut *e, const char *path, Exports exports, IoError *error);
IoWriter *link_shared(Context *c, const ArtifactRequest *r, const ElfOut *e, Exports exports);

/* The weights and their seal, as the next bytes of a file under way: seal_end(weight_bytes) of them.
 * sum: of what the seal is for besides; or NULL. */
bool weights_write(const ArtifactRequest *r, IoWriter *w, Sha256 *sum);

/* The runtime that is linked into artefacts: runtime/cpu or runtime/cuda. False: none for this
 * machine. */
bool runtime_object(uint16_t machine, bool cuda, ObjectCode *out);
/* The first of them as assembly, NUL-terminated; NULL: none for this machine. */
const char *runtime_text(uint16_t machine);
/* The notes, as the section holds them; *metadata: where its text begins. */
Str artifact_notes(Arena *a, const ArtifactRequest *r, size_t *metadata);
/* to: zeros, seal_end(weight_bytes) of them, which become the weights and their seal. */
bool fill_sealed(const ArtifactRequest *r, char *to, IoWriter *file, Sha256 *sum);
/* Is it a model for a GPU? */
static inline bool for_cuda(const ArtifactRequest *r)
{
	return r->entry[0].variant[0].cuda != NULL;
}
#endif
