/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The state of training as it is at first: the bytes that the artefact holds, then zeros. */
#include "runtime/cpu/rt.h"
#include <string.h>

int burin_rt_state_init(const BurinState *s, void *state)
{
	if (!state || ((uintptr_t)state & 63) != 0)
		return BURIN_RT_ARG;
	if (s->initial_bytes > 0)
		memcpy(state, s->initial, (size_t)s->initial_bytes);
	memset((char *)state + s->initial_bytes, 0, (size_t)(s->bytes - s->initial_bytes));
	return BURIN_RT_OK;
}
