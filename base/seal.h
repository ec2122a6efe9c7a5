/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* A seal: the SHA-256 of data, right behind them, so that damage to either shows. It stands at the
 * next multiple of 64 bytes; what lies between is zero and counts as data. */
#ifndef BASE_SEAL_H
#define BASE_SEAL_H
#include "base/sha256.h"
#include <stdint.h>

#define SEAL_MAGIC "BURINSUM"
typedef struct Seal {
	char magic[8];
	uint64_t bytes; /* of the data */
	unsigned char sha256[SHA256_BYTES];
	unsigned char zero[16];
} Seal;

/* Where the seal of so many bytes begins. */
static inline uint64_t seal_at(uint64_t bytes)
{
	return (bytes + 63) / 64 * 64;
}
static inline uint64_t seal_end(uint64_t bytes)
{
	return seal_at(bytes) + sizeof(Seal);
}

/* The seal of what was added to sum, a multiple of 64 bytes. */
void seal_make(Seal *s, Sha256 *sum);
/* NULL, or what is wrong. sum: of all before the seal. */
const char *seal_check(const Seal *s, Sha256 *sum);
#endif
