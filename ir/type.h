/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Tensor types: data type and concrete sizes. Interned in the Context: equal types are equal
 * pointers. Rank 0 is a scalar. A tuple type belongs to a node with several results. */
#ifndef IR_TYPE_H
#define IR_TYPE_H
#include "base/str.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { MAX_RANK = 8 };
#define MAX_ELEMENTS ((int64_t)1 << 40)

typedef enum DType {
#define DTYPE(name, bytes, kind, llvm, doc) DT_##name,
#include "ir/dtypes.def"
#undef DTYPE
	DT_COUNT,
	DT_tuple = DT_COUNT
} DType;

typedef struct DTypeInfo {
	const char *name;
	int bytes;
	char kind;
	const char *llvm, *doc;
} DTypeInfo;
extern const DTypeInfo dtype_info[DT_COUNT];
bool dtype_find(const char *name, DType *out);
static inline bool dtype_is_float(DType t)
{
	return dtype_info[t].kind == 'f';
}

typedef struct Type Type;
struct Type {
	DType dtype;
	int rank;
	int64_t dim[MAX_RANK];
	int64_t count; /* elements: product of dim, 1 for a scalar */
	int n_elem;    /* tuple only */
	const Type *const *elem;
};

typedef struct Context Context; /* interned types, symbols and attributes; see ir/context.h */

/* NULL when a size is negative, the rank above MAX_RANK or the count above MAX_ELEMENTS. */
const Type *type_get(Context *c, DType dtype, int rank, const int64_t *dim);
const Type *type_scalar(Context *c, DType dtype);
const Type *type_tuple(Context *c, int n, const Type *const *elem);
const Type *type_with_dtype(Context *c, const Type *t, DType dtype);
int64_t type_bytes(const Type *t);
bool type_same_shape(const Type *a, const Type *b);
void type_print(Str *s,
		const Type *t); /* f32[2,3], f32 for a scalar, (f32[2], i64[3]) for a tuple */
bool type_parse(Context *c, const char **text, const Type **out); /* inverse; advances *text */
/* row-major strides in elements */
void type_strides(const Type *t, int64_t stride[MAX_RANK]);
#endif
