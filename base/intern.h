/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Symbols: equal strings are equal pointers. One Interner belongs to one compilation context. */
#ifndef BASE_INTERN_H
#define BASE_INTERN_H
#include "base/arena.h"

typedef struct Interner Interner;
Interner *interner_create(Arena *arena);
const char *intern(Interner *in, const char *s);
const char *intern_n(Interner *in, const char *s, size_t n);
#endif
