/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Windows that slide over height and width: what pools and convolutions share. Index d is 0 for
 * height, 1 for width. */
#ifndef IR_OPS_WINDOW_H
#define IR_OPS_WINDOW_H
#include "ir/node.h"

typedef struct Taps {
	Ints stride, pad, dilation; /* 2, 4 (top left bottom right), 2 numbers */
	int64_t kernel[2];
} Taps;
bool check_taps(Builder *b, Op op, const Taps *t); /* reports */
int64_t tap_extent(const Taps *t, int d);          /* what a window covers, with dilation */
/* how many windows fit; reports when none does */
bool window_size(Builder *b, Op op, const Taps *t, int d, int64_t in, int64_t *out);
#endif
