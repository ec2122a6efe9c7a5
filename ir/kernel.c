/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* What is common to all that walk kernels: the operands of statements, the memory of buffers, and
 * finishing: flags and identity. */
#include "base/sha256.h"
#include "ir/kernel_text.h"
#include <string.h>

const char *const axis_word[AXIS_KINDS] = {
	[AX_LOOP] = "loop", [AX_TASK] = "task", [AX_UNROLL] = "unroll", [AX_VECTOR] = "vector"
};

const StmtForm stmt_form[STMT_KINDS] = {
	[S_LOOP] = { NULL, { ITEM_AXIS, ITEM_FROM, ITEM_TO, ITEM_BODY } },
	[S_VAR] = { "var", { ITEM_NEW_VAR, ITEM_IS, ITEM_VALUE } },
	[S_SET] = { "set", { ITEM_VAR, ITEM_IS, ITEM_VALUE } },
	[S_STORE] = { "store", { ITEM_PLACE, ITEM_IS, ITEM_VALUE } },
	[S_IF] = { "if", { ITEM_COND, ITEM_BODY } },
	[S_BLOCK] = { "block", { ITEM_BODY } },
	[S_BARRIER] = { "barrier", { ITEM_NONE } },
	[S_MMA] = { "mma", { ITEM_LANES, ITEM_VAR, ITEM_FACTORS } },
};

int stmt_operands(const Kernel *k, const Stmt *s, Node *out[MAX_OPERANDS])
{
	Node *const fixed[] = { s->lo, s->hi, s->cond };
	int n = 0;
	for (size_t i = 0; i < sizeof fixed / sizeof *fixed; i++)
		if (fixed[i])
			out[n++] = fixed[i];
	int places = s->kind == S_MMA     ? MMA_OPERANDS
		     : s->kind == S_STORE ? k->buf.at[s->buf].rank
					  : 0;
	for (int i = 0; i < places; i++)
		out[n++] = s->at[i];
	if (s->value)
		out[n++] = s->value;
	return n;
}

bool buf_span(const Buf *b, Range *out)
{
	int64_t far, empty = 0;
	*out = (Range){ 0, 0 };
	for (int i = 0; i < b->rank; i++) {
		empty |= b->dim[i] == 0;
		if (b->dim[i] < 0 || __builtin_mul_overflow(b->dim[i] - 1, b->stride[i], &far) ||
		    __builtin_add_overflow(far < 0 ? out->min : out->max, far,
					   far < 0 ? &out->min : &out->max))
			return false;
	}
	if (empty)
		*out = (Range){ 0, -1 };
	return out->max <= MAX_ELEMENTS && out->min >= -MAX_ELEMENTS;
}

/* --- finishing ------------------------------------------------------------------------------- */

static void mark_value(Kernel *k, const Node *n, bool *seen)
{
	if (seen[n->id])
		return;
	seen[n->id] = true;
	if (n->op == OP_load)
		k->buf.at[ATTR_OF(n, index)->index].read = true;
	for (int i = 0; i < n->n_in; i++)
		mark_value(k, n->in[i], seen);
}

static void mark_body(Kernel *k, const Stmt *s, bool *seen)
{
	for (; s; s = s->next) {
		Node *operand[MAX_OPERANDS];
		for (int i = 0, n = stmt_operands(k, s, operand); i < n; i++)
			mark_value(k, operand[i], seen);
		if (s->kind == S_STORE)
			k->buf.at[s->buf].written = true;
		mark_body(k, s->body, seen);
	}
}

void kernel_finish(Kernel *k)
{
	Arena *a = arena_create();
	Str text;
	str_init(&text, a);
	mark_body(k, k->body, ARENA_ARRAY(a, bool, k->next_id + 1));
	kernel_print(&text, k);
	sha256_bytes(str_text(&text), text.n, k->hash);
	str_init(&text, a);
	for (int i = 0; i < 8; i++)
		str_fmt(&text, "%02x", k->hash[i]);
	memcpy(k->name, "k_", 2);
	memcpy(k->name + 2, str_text(&text), 17);
	arena_destroy(a);
}
