/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Data types and interned tensor types. */
#include "ir/type.h"
#include "base/map.h"
#include "ir/cons.h"
#include "ir/context.h"
#include <string.h>

const DTypeInfo dtype_info[DT_COUNT] = {
#define DTYPE(name_, bytes_, kind_, llvm_, doc_) \
	[DT_##name_] = { #name_, bytes_, kind_, llvm_, doc_ },
#include "ir/dtypes.def"
#undef DTYPE
};

bool dtype_find(const char *name, DType *out)
{
	for (int i = 0; i < DT_COUNT; i++)
		if (str_eq(dtype_info[i].name, name)) {
			*out = (DType)i;
			return true;
		}
	return false;
}

static bool same_type(const void *item, const void *key)
{
	const Type *a = item, *b = key;
	if (a->dtype != b->dtype || a->rank != b->rank || a->n_elem != b->n_elem)
		return false;
	for (int i = 0; i < a->rank; i++)
		if (a->dim[i] != b->dim[i])
			return false;
	for (int i = 0; i < a->n_elem; i++)
		if (a->elem[i] != b->elem[i])
			return false;
	return true;
}

static uint64_t type_hash(const Type *t)
{
	uint64_t h = hash_mix((uint64_t)t->dtype, (uint64_t)t->rank);
	for (int i = 0; i < t->rank; i++)
		h = hash_mix(h, (uint64_t)t->dim[i]);
	for (int i = 0; i < t->n_elem; i++)
		h = hash_mix(h, (uint64_t)(uintptr_t)t->elem[i]);
	return h;
}

static const Type *type_intern(Context *c, const Type *t)
{
	uint64_t h = type_hash(t);
	Type *found = cons_find(c->types, h, same_type, t);
	if (found)
		return found;
	found = arena_copy(c->arena, t, sizeof *t);
	if (t->n_elem)
		found->elem = arena_copy(c->arena, t->elem, sizeof(Type *) * (size_t)t->n_elem);
	cons_add(c->types, h, found);
	return found;
}

/* Whether every product of sizes stays representable: a zero does not hide a huge size beside it.
 */
static bool count_elements(Type *t)
{
	int64_t bound = 1;
	t->count = 1;
	for (int i = 0; i < t->rank; i++) {
		int64_t d = t->dim[i];
		if (d < 0 || d > MAX_ELEMENTS || bound > MAX_ELEMENTS / (d ? d : 1))
			return false;
		bound *= d ? d : 1;
		t->count *= d;
	}
	return true;
}

const Type *type_get(Context *c, DType dtype, int rank, const int64_t *dim)
{
	Type t = { .dtype = dtype, .rank = rank };
	if (rank < 0 || rank > MAX_RANK)
		return NULL;
	for (int i = 0; i < rank; i++)
		t.dim[i] = dim[i];
	return count_elements(&t) ? type_intern(c, &t) : NULL;
}

const Type *type_scalar(Context *c, DType dtype)
{
	return type_get(c, dtype, 0, NULL);
}

const Type *type_tuple(Context *c, int n, const Type *const *elem)
{
	Type t = { .dtype = DT_tuple, .n_elem = n, .elem = elem };
	return type_intern(c, &t);
}

const Type *type_with_dtype(Context *c, const Type *t, DType dtype)
{
	return type_get(c, dtype, t->rank, t->dim);
}

int64_t type_bytes(const Type *t)
{
	int64_t bytes = 0;
	if (t->dtype != DT_tuple)
		return t->count * dtype_info[t->dtype].bytes;
	for (int i = 0; i < t->n_elem; i++)
		bytes += type_bytes(t->elem[i]);
	return bytes;
}

bool type_same_shape(const Type *a, const Type *b)
{
	if (a->rank != b->rank || a->n_elem || b->n_elem)
		return false;
	for (int i = 0; i < a->rank; i++)
		if (a->dim[i] != b->dim[i])
			return false;
	return true;
}

void type_strides(const Type *t, int64_t stride[MAX_RANK])
{
	int64_t s = 1;
	for (int i = t->rank - 1; i >= 0; i--) {
		stride[i] = s;
		s *= t->dim[i];
	}
}

/* --- text ------------------------------------------------------------------------------------ */

void type_print(Str *s, const Type *t)
{
	if (t->dtype == DT_tuple) {
		for (int i = 0; i < t->n_elem; i++) {
			str_add(s, i ? ", " : "(");
			type_print(s, t->elem[i]);
		}
		str_add(s, t->n_elem ? ")" : "()");
		return;
	}
	str_add(s, dtype_info[t->dtype].name);
	for (int i = 0; i < t->rank; i++)
		str_fmt(s, i ? ",%lld" : "[%lld", (long long)t->dim[i]);
	if (t->rank)
		str_char(s, ']');
}

static void skip_blanks(const char **p)
{
	while (**p == ' ' || **p == '\t')
		++*p;
}

static bool parse_dim(const char **p, int64_t *out)
{
	skip_blanks(p);
	size_t n = strspn(*p, "0123456789");
	if (!parse_i64(*p, n, out))
		return false;
	*p += n;
	skip_blanks(p);
	return true;
}

static bool parse_tensor(Context *c, const char **p, const Type **out)
{
	char name[8] = "";
	size_t n = strspn(*p, "abcdefghijklmnopqrstuvwxyz0123456789");
	DType d;
	int rank = 0;
	int64_t dim[MAX_RANK];
	if (n >= sizeof name)
		return false;
	memcpy(name, *p, n);
	if (!dtype_find(name, &d))
		return false;
	*p += n;
	if (**p == '[') {
		do {
			++*p;
			if (rank == MAX_RANK || !parse_dim(p, &dim[rank++]))
				return false;
		} while (**p == ',');
		if (**p != ']')
			return false;
		++*p;
	}
	*out = type_get(c, d, rank, dim);
	return *out != NULL;
}

enum { MAX_TUPLE = 1024 };

static bool parse_tuple(Context *c, const char **p, const Type **out)
{
	const Type *elem[MAX_TUPLE];
	int n = 0;
	do {
		++*p;
		skip_blanks(p);
		if (n == 0 && **p == ')')
			break;
		if (n == MAX_TUPLE || !parse_tensor(c, p, &elem[n++]))
			return false;
		skip_blanks(p);
	} while (**p == ',');
	if (**p != ')')
		return false;
	++*p;
	*out = type_tuple(c, n, elem);
	return true;
}

bool type_parse(Context *c, const char **text, const Type **out)
{
	skip_blanks(text);
	return **text == '(' ? parse_tuple(c, text, out) : parse_tensor(c, text, out);
}
