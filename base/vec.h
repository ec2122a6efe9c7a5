/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The one growable array: a pointer, a count and a capacity in the owner's struct, grown in an
 * arena. VEC(Node *) list; vec_push(arena, &list, n); list.at[i]; list.n */
#ifndef BASE_VEC_H
#define BASE_VEC_H
#include "base/arena.h"
#include <string.h>

/* Variadic, because the type may be an anonymous struct with commas in it. */
#define VEC(...) \
	struct { \
		__VA_ARGS__ *at; \
		int n, cap; \
	}
#define vec_push(arena, v, item) \
	(((v)->n == (v)->cap \
		  ? (void)((v)->at = vec_grow((arena), (v)->at, &(v)->cap, sizeof(*(v)->at))) \
		  : (void)0), \
	 (void)((v)->at[(v)->n++] = (item)))

static inline void *vec_grow(Arena *arena, void *at, int *cap, size_t size)
{
	int old = *cap;
	*cap = old ? old * 2 : 8;
	void *fresh = arena_alloc_array(arena, size, (size_t)*cap);
	if (at && old > 0)
		memcpy(fresh, at, size * (size_t)old);
	return fresh;
}
#endif
