/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
#include "ir/context.h"
#include "ir/op.h"
#include "ir/rule.h"

enum { FOLD_BYTES = 64 << 10 };

Context *context_create(void)
{
	Arena *a = arena_create();
	Context *c = ARENA_NEW(a, Context);
	*c = (Context){ .arena = a,
			.symbols = interner_create(a),
			.diag = diag_create(a),
			.emit_fold = true,
			.emit_cse = true,
			.emit_rules = true,
			.fold_bytes = FOLD_BYTES,
			.types = cons_create(a),
			.attrs = cons_create(a),
			.blobs = cons_create(a) };
	c->no_attr = attr_intern(c, ATTR_none_RECORD, &(Attr_none){ 0 });
	return c;
}

void context_destroy(Context *c)
{
	if (c)
		arena_destroy(c->arena);
}

const char *sym(Context *c, const char *s)
{
	return intern(c->symbols, s);
}
