/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
#include "base/seal.h"
#include <string.h>

_Static_assert(sizeof(Seal) == 64, "a seal fills one step of its alignment");

void seal_make(Seal *s, Sha256 *sum)
{
	*s = (Seal){ .bytes = sum->n };
	memcpy(s->magic, SEAL_MAGIC, sizeof s->magic);
	sha256_final(sum, s->sha256);
}

const char *seal_check(const Seal *s, Sha256 *sum)
{
	Seal wanted;
	seal_make(&wanted, sum);
	if (memcmp(s->magic, wanted.magic, sizeof s->magic) != 0)
		return "no checksum stands behind them";
	return memcmp(s, &wanted, sizeof wanted) == 0 ? NULL
						      : "they do not add up to their checksum";
}
