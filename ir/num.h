/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* A number on its way to a data type: of an attribute, of a literal. A whole number keeps its 64
 * bits, any other is a double, so the type rounds it once and no integer is rounded at all. */
#ifndef IR_NUM_H
#define IR_NUM_H
#include "ir/type.h"

/* One number has one form: `i` is the number where it is an integer of 64 bits (and not -0), else
 * 0; `f` is the double next to it. */
typedef struct Num {
	double f;
	int64_t i;
} Num;

Num num_of(double v);
Num num_of_i64(int64_t v);
bool num_is_whole(Num v);
bool num_parse(const char *text, size_t n, Num *out);
void num_print(Str *s, Num v); /* as num_parse reads */
/* Element i of a row-major array of type t. Storing rounds and saturates, as `cast` does. */
Num num_load(DType t, const void *data, int64_t i);
void num_store(DType t, void *data, int64_t i, Num v);
/* Whether a type can stand for it: any number for floats, integers in their range, and -0, for the others. */
bool num_is_of(DType t, Num v);
#endif
