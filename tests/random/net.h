/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Trials of training: models as XML, whose first line is a comment that says how they are tried. */
#ifndef TESTS_RANDOM_NET_H
#define TESTS_RANDOM_NET_H
#include "tests/random/trial.h"

const char *net_make(Arena *arena, uint64_t seed, int64_t i);
/* Some steps of training from the state that the trainer has, each against the reference with its
 * bound; by several threads and, under fp=strict, with other passes to the same bits. */
Verdict net_judge(const char *text, Str *what);
/* As shrink(). */
const char *net_shrink(Arena *arena, const char *text, Verdict verdict);
static inline bool is_net(const char *text)
{
	return text[0] == '<';
}
#endif
