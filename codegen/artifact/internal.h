/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Between the parts of codegen/artifact. */
#ifndef CODEGEN_ARTIFACT_INTERNAL_H
#define CODEGEN_ARTIFACT_INTERNAL_H
#include "codegen/artifact/artifact.h"
#include "base/io.h"
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

/* The object, or an archive of it; path's file appears complete or not at all. */
bool object_write(const ElfOut *e, const char *path, bool scratch, IoError *error);
bool archive_write(const ElfOut *e, const char *path, Exports exports, IoError *error);

/* The weights, as the next bytes of a file under way. */
bool weights_write(const ArtifactRequest *r, IoWriter *w);
/* Links the object to r->path. */
bool link_shared(Context *c, const ArtifactRequest *r, const ElfOut *e, Exports exports);

/* The runtime that is linked into artefacts: runtime/cpu or runtime/cuda. False: none for this
 * machine. */
bool runtime_object(uint16_t machine, bool cuda, ObjectCode *out);
/* Is it a model for a GPU? */
static inline bool for_cuda(const ArtifactRequest *r)
{
	return r->entry[0].variant[0].cuda != NULL;
}
#endif
