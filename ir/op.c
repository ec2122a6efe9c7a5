/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The operator table. What a row's text says about its inputs and results is worked out once, when
 * the library is loaded; from then on the table does not change. */
#include "ir/op.h"
#include "ir/hooks.h"
#include "ir/node.h"
#include <assert.h>
#include <string.h>

#define T LEVEL_T
#define TK (LEVEL_T | LEVEL_K)
#define K LEVEL_K

static OpInfo op_table[OP_COUNT + 1] = {
#define OP(name_, inputs_, levels_, attr_, flags_, infer_hook, lower_hook, eval_hook, vjp_hook, \
	   doc_) \
	[OP_##name_] = { .name = #name_, \
			 .inputs = inputs_, \
			 .levels = levels_, \
			 .attr = ATTR_##attr_##_RECORD, \
			 .flags = flags_, \
			 .infer = infer_##infer_hook, \
			 .lower = lower_##lower_hook, \
			 .eval = eval_##eval_hook, \
			 .vjp = vjp_##vjp_hook, \
			 .expand = expand_none, \
			 .results = "y", \
			 .doc = doc_ },
#define MACRO(name_, inputs_, results_, attr_, infer_hook, vjp_hook, doc_) \
	[OP_##name_] = { .name = #name_, \
			 .inputs = inputs_, \
			 .levels = LEVEL_M, \
			 .attr = ATTR_##attr_##_RECORD, \
			 .infer = infer_##infer_hook, \
			 .lower = lower_none, \
			 .eval = eval_none, \
			 .vjp = vjp_##vjp_hook, \
			 .expand = expand_##name_, \
			 .results = results_, \
			 .doc = doc_ },
#include "ir/ops.def"
#undef OP
#undef MACRO
	[OP_COUNT] = { .name = "poison",
		       .inputs = "",
		       .infer = infer_none,
		       .lower = lower_none,
		       .eval = eval_none,
		       .vjp = vjp_none,
		       .expand = expand_none,
		       .results = "y",
		       .doc = "what a failed emit gives" },
};
#undef T
#undef TK
#undef K

enum { NAME_ROOM = 256 };
/* names of inputs and parameters, cut out of the rows */
static char name_pool[OP_COUNT * NAME_ROOM];
enum { MAX_NAMED = 8 };
static struct InputName {
	const char *name, *param;
	bool optional;
} input_name[OP_COUNT + 1][MAX_NAMED];

/* Cuts n bytes into the pool. */
static const char *cut(char **pool, const char *at, size_t n)
{
	char *out = *pool;
	memcpy(out, at, n);
	out[n] = '\0';
	*pool = out + n + 1;
	return out;
}

/* "w=weight?" */
static void read_input(OpInfo *info, struct InputName *in, const char *word, size_t n, char **pool)
{
	if (word[n - 1] == '*') {
		info->variadic = true;
		n--;
	} else if (word[n - 1] == '?') {
		in->optional = true;
		n--;
	}
	const char *eq = memchr(word, '=', n);
	size_t name_n = eq ? (size_t)(eq - word) : n;
	in->name = cut(pool, word, name_n);
	if (eq)
		in->param = cut(pool, eq + 1, n - name_n - 1);
}

static void read_inputs(OpInfo *info, struct InputName *in, char *pool)
{
	for (const char *p = info->inputs; *p; p += strspn(p, " ")) {
		size_t n = strcspn(p, " ");
		read_input(info, &in[info->max_in++], p, n, &pool);
		p += n;
	}
	while (info->min_in < info->max_in && !in[info->min_in].optional)
		info->min_in++;
	if (info->variadic)
		info->min_in = info->levels & LEVEL_K ? 0 : 1;
}

static int count_results(const char *results)
{
	int n = 1;
	if (strchr(results, '*'))
		return 0;
	for (; *results; results++)
		n += *results == ' ';
	return n;
}

/* Runs before any thread exists. */
__attribute__((constructor)) static void op_table_finish(void)
{
	for (int i = 0; i <= OP_COUNT; i++) {
		OpInfo *info = &op_table[i];
		info->n_results = count_results(info->results);
		if (i < OP_COUNT)
			read_inputs(info, input_name[i], &name_pool[i * NAME_ROOM]);
	}
}

const OpInfo *op_info(Op op)
{
	return &op_table[op];
}

bool op_find(const char *name, Op *out)
{
	for (int i = 0; i < OP_COUNT; i++)
		if (op_table[i].name[0] == name[0] && str_eq(op_table[i].name, name)) {
			*out = (Op)i;
			return true;
		}
	return false;
}

const char *op_input_name(Op op, int i, bool *optional, const char **param)
{
	const OpInfo *info = &op_table[op];
	if (info->variadic && i >= info->max_in)
		i = info->max_in - 1;
	assert(i >= 0 && i < info->max_in);
	const struct InputName *in = &input_name[op][i];
	*optional = in->optional;
	*param = in->param;
	return in->name;
}

bool op_is_optimizer(Op op)
{
	return strncmp(op_table[op].inputs, "p g ", 4) == 0;
}

/* --- hooks of rows that have none ------------------------------------------------------------ */

const Type *infer_none(Builder *b, Op op, Attr attr, Node *const *in, int n_in)
{
	(void)attr, (void)in, (void)n_in;
	return builder_error(b, E7001, "%s is not an operator of graphs", op_info(op)->name);
}

bool expand_none(Builder *b, const Node *n, Node **out)
{
	(void)out;
	builder_error(b, E7001, "%s is not a macro operator", op_info(n->op)->name);
	return false;
}

void vjp_none(Builder *b, const Node *n, Node *dy, Node **dx)
{
	(void)dy, (void)dx;
	builder_error(b, E7001, "%s has no gradient", op_info(n->op)->name);
}

/* Never called: autodiff sees by the hook that the macro's expansion has the gradient. */
void vjp_expanded(Builder *b, const Node *n, Node *dy, Node **dx)
{
	vjp_none(b, n, dy, dx);
}

/* Nothing to compute: evaluators see by the hook that a node must be expanded first. */
void eval_none(const EvalCall *c)
{
	(void)c;
}
