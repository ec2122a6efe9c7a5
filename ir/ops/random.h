/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Random numbers by counting: Philox4x32-10 of Salmon, Moraes, Dror and Shaw (2011). */
#ifndef IR_OPS_RANDOM_H
#define IR_OPS_RANDOM_H
#include <stdint.h>

enum { PHILOX_ROUNDS = 10 };
#define PHILOX_FACTOR_0 0xD2511F53u
#define PHILOX_FACTOR_1 0xCD9E8D57u
#define PHILOX_KEY_0 0x9E3779B9u
#define PHILOX_KEY_1 0xBB67AE85u

void philox4x32(const uint32_t counter[4], const uint32_t key[2], uint32_t out[4]);
#endif
