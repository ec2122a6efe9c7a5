/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* See state.h. */
#include "codegen/state.h"
#include <string.h>

bool state_seed(Context *c, const burin_opts *o, int64_t *seed)
{
	const char *text = opts_get(o, "seed");
	*seed = 0;
	return !text || parse_i64(text, strlen(text), seed) ||
	       diag_error(c->diag, (Loc){ 0 }, E5001, "option seed: '%s' is not a whole number",
			  text);
}

static bool is_seed(const StateTensor *s)
{
	return str_eq(s->name, ".seed");
}

int64_t state_initial_bytes(const StateLayout *l, int64_t seed)
{
	int64_t end = 0;
	for (int i = 0; i < l->tensor.n; i++) {
		const StateTensor *s = &l->tensor.at[i];
		if (s->initial || (is_seed(s) && seed != 0))
			end = s->offset + type_bytes(s->type);
	}
	return (end + 63) / 64 * 64;
}

static bool fill_tensor(Context *c, const StateTensor *s, char *to)
{
	int64_t item = dtype_info[s->type->dtype].bytes;
	const Blob *b = s->initial;
	if (!b || !b->data)
		return (!b && s->name[0] == '.') ||
		       diag_error(c->diag, (Loc){ 0 }, E4002,
				  "parameter '%s' has no values to start from", s->name);
	for (int64_t i = 0; b->splat && i < s->type->count; i++)
		memcpy(to + i * item, b->data, (size_t)item);
	if (!b->splat && s->type->count)
		memcpy(to, b->data, (size_t)type_bytes(s->type));
	return true;
}

bool state_fill(Context *c, const StateLayout *l, int64_t seed, char *state)
{
	for (int i = 0; i < l->tensor.n; i++) {
		const StateTensor *s = &l->tensor.at[i];
		if (!fill_tensor(c, s, state + s->offset))
			return false;
		if (is_seed(s) && seed != 0)
			memcpy(state + s->offset, &seed, sizeof seed);
	}
	return true;
}
