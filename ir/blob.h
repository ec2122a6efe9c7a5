/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Constant data: bytes of a tensor with their type. Small blobs made by blob_intern are unique by
 * content; large ones (weights, mapped from a file) are compared by address. The bytes belong to
 * the Context's arena or to the weight file that is mapped. */
#ifndef IR_BLOB_H
#define IR_BLOB_H
#include "ir/type.h"

struct Blob {
	const Type *type;
	const void *data; /* row-major; NULL in a graph read without its weights (check, tests of
			     shapes) */
	const char *name; /* name in the weight file or NULL */
	uint64_t hash;    /* of the content; of the name for wrapped ones that have one */
	bool splat;       /* all elements equal: data holds one element */
};
typedef struct Blob Blob;
const Blob *blob_intern(Context *c, const Type *t, const void *data); /* copies */
const Blob *blob_wrap(Context *c, const Type *t, const void *data,
		      const char *name); /* keeps the pointer */
/* Contents made from a hash, as a dump's dense("name", hash) has none; or no data. */
const Blob *blob_from_hash(Context *c, const Type *t, const char *name, uint64_t hash,
			   bool with_data);
double blob_f64(const Blob *b, int64_t i); /* any data type as double */
int64_t blob_i64(const Blob *b, int64_t i);
void blob_print(Str *s, const Blob *b, int64_t i); /* shortest text that reads back to it */
/* element i of a row-major array of type t, to and from double / int64 */
double load_f64(DType t, const void *data, int64_t i);
void store_f64(DType t, void *data, int64_t i, double v); /* rounds as `cast` does */
int64_t load_i64(DType t, const void *data, int64_t i);
void store_i64(DType t, void *data, int64_t i, int64_t v);
float f16_to_f32(uint16_t h);
uint16_t f32_to_f16(float f);
float bf16_to_f32(uint16_t h);
uint16_t f32_to_bf16(float f);
#endif
