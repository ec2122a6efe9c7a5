/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Damages bytes, the same way for the same random state: bits, runs, numbers, pieces cut, doubled
 * or taken from another file, a file that ends early, and for text swapped words. */
#ifndef TESTS_FUZZ_MUTATE_H
#define TESTS_FUZZ_MUTATE_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct Random {
	uint64_t state;
} Random;
uint64_t random_next(Random *r);
size_t random_below(Random *r, size_t n); /* n > 0 */

typedef struct Piece {
	unsigned char *at; /* of malloc */
	size_t n;
} Piece;
Piece piece_copy(const Piece *from);
/* Once, now and then more often. `other`: where pieces are taken from. */
void mutate(Random *r, Piece *p, const Piece *other, bool text);
#endif
