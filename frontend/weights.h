/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Inside the weight readers: a set under construction, and the readers by format. */
#ifndef FRONTEND_WEIGHTS_H
#define FRONTEND_WEIGHTS_H
#include "base/io.h"
#include "base/map.h"
#include "frontend/frontend.h"

struct WeightSet {
	Context *c;
	Arena *arena;
	const char *file;
	IoMap *map;        /* the bytes of the blobs, or NULL */
	VEC(IoMap *) kept; /* further files that blobs lie in */
	Map *index;        /* name -> Blob */
	VEC(const char *) name;
	VEC(const Blob *) blob;
	const Blob *raw; /* .bin: all bytes as u8[n] */
};

/* The set closes the mapping with itself. */
void weights_keep(WeightSet *w, IoMap *map);
/* Keeps the files of another set open, whose tensors are still in use but no longer its own. */
void weights_inherit(WeightSet *w, WeightSet *from);

typedef struct Bytes {
	const unsigned char *at;
	size_t n;
} Bytes;

/* Each fills the set from the whole file; false after a report at the file. */
bool safetensors_read(WeightSet *w, Bytes file);
bool npz_read(WeightSet *w, Bytes file);
/* One .npy in memory as a blob; `what` names it in reports. NULL after a report. */
const Blob *npy_parse(Context *c, Arena *arena, Bytes file, const char *what, const char *name);

/* A blob over file bytes; copied when they do not lie as their type wants. NULL: a boolean that is
 * neither 0 nor 1. */
const Blob *weights_blob(Context *c, Arena *arena, const Type *t, const void *data,
			 const char *name);
/* The type, or NULL after a report when the sizes are impossible. */
const Type *weights_type(Context *c, const char *file, const char *name, DType t, int rank,
			 const int64_t *dim);
#endif
