/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Canonical text of kernels (docs/text-form.md). Names do not matter: axes, buffers, variables and
 * values are numbered in the order in which the body first meets them, so that structurally equal
 * kernels print the same and share one hash.
 *
 * A value is printed as a line of its own before the first statement of a body that needs it; it
 * stays an expression, evaluated wherever it is used. */
#include "base/map.h"
#include "ir/kernel_text.h"
#include <string.h>

typedef struct Printer {
	Str *s;
	const Kernel *k;
	Arena *scratch;
	int *axis, *var, *buf; /* canonical number + 1, 0: not met yet */
	int n_axis, n_var, n_buf, n_value;
	uint64_t looped;         /* axes that a loop opens: it says what they are */
	Map *value;              /* Node -> canonical number + 1, scoped */
	VEC(const Node *) named; /* in order, to forget at the end of a scope */
	int depth, line;
	KernelNote *note;
	int n_note;
	bool with_notes; /* print them; else only note their lines */
} Printer;

static int number(int *table, int64_t i, int *count)
{
	if (!table[i])
		table[i] = ++*count;
	return table[i] - 1;
}

static int axis_number(Printer *p, int64_t i)
{
	return number(p->axis, i, &p->n_axis);
}

static int var_number(Printer *p, int64_t i)
{
	return number(p->var, i, &p->n_var);
}

static int buf_number(Printer *p, int64_t i)
{
	return number(p->buf, i, &p->n_buf);
}

static void indent(Printer *p)
{
	for (int i = 0; i < p->depth; i++)
		str_add(p->s, "  ");
}

static void end_line(Printer *p)
{
	str_char(p->s, '\n');
	p->line++;
}

/* Those of this statement: its line, or the comments after it. */
static void notes_of(Printer *p, const Stmt *s)
{
	for (int i = 0; i < p->n_note; i++) {
		if (p->note[i].at != s)
			continue;
		if (!p->with_notes) {
			p->note[i].line = p->line;
			continue;
		}
		indent(p);
		str_fmt(p->s, "# ^ %s", p->note[i].text);
		end_line(p);
	}
}

/* --- values ---------------------------------------------------------------------------------- */

static void print_const(Printer *p, const Node *n)
{
	const Blob *b = ATTR_OF(n, data)->data;
	bool index = b->type->dtype == DT_i64;
	if (!index)
		str_fmt(p->s, "%s(", dtype_info[b->type->dtype].name);
	blob_print(p->s, b, 0);
	if (!index)
		str_char(p->s, ')');
}

static bool is_leaf(const Node *n)
{
	return n->op == OP_axis || n->op == OP_var || n->op == OP_const;
}

/* A leaf's spelling, or the name of a value printed before. */
static void print_ref(Printer *p, const Node *n)
{
	if (n->op == OP_axis)
		str_fmt(p->s, "a%d", axis_number(p, ATTR_OF(n, index)->index));
	else if (n->op == OP_var)
		str_fmt(p->s, "v%d", var_number(p, ATTR_OF(n, index)->index));
	else if (n->op == OP_const)
		print_const(p, n);
	else
		str_fmt(p->s, "%%%d", (int)(intptr_t)map_get_ptr(p->value, n) - 1);
}

static void print_refs(Printer *p, Node *const *at, int n)
{
	for (int i = 0; i < n; i++) {
		str_add(p->s, i ? ", " : "");
		print_ref(p, at[i]);
	}
}

/* b0[a0, %1] */
static void print_place(Printer *p, int64_t buf, Node *const *at, int n)
{
	str_fmt(p->s, n ? "b%d[" : "b%d", buf_number(p, buf));
	print_refs(p, at, n);
	str_add(p->s, n ? "]" : "");
}

static void print_attr(Printer *p, const Node *n, AttrRecord r)
{
	const char *before = " {";
	for (int i = 0; i < attr_info[r].n_field; i++) {
		if (attr_field_is_default(p->k->ctx, r, n->attr, i))
			continue;
		str_fmt(p->s, "%s%s=", before, attr_info[r].field[i].name);
		attr_field_print(p->s, r, n->attr, i);
		before = ", ";
	}
	if (*before == ',')
		str_char(p->s, '}');
}

static void print_value(Printer *p, const Node *n)
{
	AttrRecord r = op_info(n->op)->attr;
	str_fmt(p->s, "%s ", op_info(n->op)->name);
	if (n->op == OP_load) {
		print_place(p, ATTR_OF(n, index)->index, n->in, n->n_in);
		return;
	}
	const Ints *over = r == ATTR_axes_RECORD ? &ATTR_OF(n, axes)->axes : NULL;
	for (int i = 0; over && i < over->n; i++)
		str_fmt(p->s, "a%d ", axis_number(p, over->v[i]));
	str_add(p->s, over ? "of " : "");
	print_refs(p, n->in, n->n_in);
	if (!over)
		print_attr(p, n, r);
}

/* Prints the definitions value n needs, innermost first, each once per scope. */
static void define(Printer *p, const Node *n)
{
	if (is_leaf(n) || map_get_ptr(p->value, n))
		return;
	for (int i = 0; i < n->n_in; i++)
		define(p, n->in[i]);
	indent(p);
	str_fmt(p->s, "%%%d = ", p->n_value);
	print_value(p, n);
	str_fmt(p->s, " : %s", dtype_info[n->type->dtype].name);
	end_line(p);
	map_put_ptr(p->value, n, (void *)(intptr_t)(++p->n_value));
	vec_push(p->scratch, &p->named, n);
}

/* --- items of statements --------------------------------------------------------------------- */

static void print_body(Printer *p, const Stmt *s);

static void print_axis(Printer *p, int64_t axis)
{
	const Axis *a = &p->k->axis.at[axis];
	str_fmt(p->s, " a%d %lld", axis_number(p, axis), (long long)a->extent);
	if (a->kind == AX_VECTOR)
		str_fmt(p->s, " of %d", a->lanes);
}

static void item_axis(Printer *p, const Stmt *s)
{
	print_axis(p, s->axis);
}

static void item_from(Printer *p, const Stmt *s)
{
	if (!s->lo)
		return;
	str_add(p->s, " from ");
	print_ref(p, s->lo);
}

static void item_to(Printer *p, const Stmt *s)
{
	if (!s->hi)
		return;
	str_add(p->s, " to ");
	print_ref(p, s->hi);
}

static void item_new_var(Printer *p, const Stmt *s)
{
	const Var *v = &p->k->var.at[s->var];
	int by_number[MAX_AXES] = { 0 }, n = 0;
	str_fmt(p->s, " v%d %s", var_number(p, s->var), dtype_info[v->dtype].name);
	for (int i = 0; i < p->k->axis.n; i++)
		if (v->axes >> i & 1)
			by_number[axis_number(p, i)] = 1;
	for (int i = 0; i < MAX_AXES; i++)
		if (by_number[i])
			str_fmt(p->s, n++ ? " a%d" : " [a%d", i);
	str_add(p->s, n ? "]" : "");
}

static void item_var(Printer *p, const Stmt *s)
{
	str_fmt(p->s, " v%d", var_number(p, s->var));
}

static void item_place(Printer *p, const Stmt *s)
{
	str_char(p->s, ' ');
	print_place(p, s->buf, s->at, p->k->buf.at[s->buf].rank);
}

static void item_is(Printer *p, const Stmt *s)
{
	(void)s;
	str_add(p->s, " =");
}

static void item_value(Printer *p, const Stmt *s)
{
	str_char(p->s, ' ');
	print_ref(p, s->value);
}

static void item_cond(Printer *p, const Stmt *s)
{
	str_char(p->s, ' ');
	print_ref(p, s->cond);
}

static void item_body(Printer *p, const Stmt *s)
{
	int mark = p->named.n;
	str_add(p->s, " {");
	end_line(p);
	notes_of(p, s);
	p->depth++;
	print_body(p, s->body);
	p->depth--;
	indent(p);
	str_char(p->s, '}');
	while (p->named.n > mark)
		map_put_ptr(p->value, p->named.at[--p->named.n], NULL);
}

static void item_lanes(Printer *p, const Stmt *s)
{
	str_fmt(p->s, " a%d", axis_number(p, s->axis));
}

static void item_factors(Printer *p, const Stmt *s)
{
	str_char(p->s, ' ');
	print_refs(p, s->at, MMA_OPERANDS);
}

typedef void ItemFn(Printer *p, const Stmt *s);
static ItemFn *const print_item[STMT_ITEMS] = {
	[ITEM_AXIS] = item_axis,       [ITEM_FROM] = item_from,   [ITEM_TO] = item_to,
	[ITEM_NEW_VAR] = item_new_var, [ITEM_VAR] = item_var,     [ITEM_PLACE] = item_place,
	[ITEM_IS] = item_is,           [ITEM_VALUE] = item_value, [ITEM_COND] = item_cond,
	[ITEM_BODY] = item_body,       [ITEM_LANES] = item_lanes, [ITEM_FACTORS] = item_factors,
};

static void print_stmt(Printer *p, const Stmt *s)
{
	const StmtForm *f = &stmt_form[s->kind];
	Node *operand[MAX_OPERANDS];
	for (int i = 0, n = stmt_operands(p->k, s, operand); i < n; i++)
		define(p, operand[i]);
	indent(p);
	str_add(p->s, f->word ? f->word : axis_word[p->k->axis.at[s->axis].kind]);
	bool body = false;
	for (int i = 0; f->item[i]; i++) {
		body = f->item[i] == ITEM_BODY;
		print_item[f->item[i]](p, s);
	}
	end_line(p);
	if (!body)
		notes_of(p, s);
}

static void print_body(Printer *p, const Stmt *s)
{
	for (; s; s = s->next)
		print_stmt(p, s);
}

/* --- head: written when the body has given the numbers, printed before it -------------------- */

static void print_list(Str *s, const int64_t *v, int n)
{
	str_char(s, '[');
	for (int i = 0; i < n; i++)
		str_fmt(s, i ? ",%lld" : "%lld", (long long)v[i]);
	str_char(s, ']');
}

/* Its number among the arguments, or its place in scratch. */
static int64_t buf_position(const Kernel *k, int buf)
{
	int64_t n = 0;
	if (k->buf.at[buf].space == BUF_SCRATCH)
		return k->buf.at[buf].offset;
	for (int i = 0; i < buf; i++)
		n += k->buf.at[i].space == BUF_ARG;
	return n;
}

static void print_buf(Printer *p, int i)
{
	const Buf *b = &p->k->buf.at[i];
	str_fmt(p->s, "  buf b%d %s %lld %s", buf_number(p, i),
		b->space == BUF_ARG ? "arg" : "scratch", (long long)buf_position(p->k, i),
		dtype_info[b->dtype].name);
	if (b->rank) {
		print_list(p->s, b->dim, b->rank);
		str_add(p->s, " stride ");
		print_list(p->s, b->stride, b->rank);
	}
	str_fmt(p->s, " align %d%s%s%s", b->align, b->read ? " in" : "", b->written ? " out" : "",
		b->aliased ? " aliased" : "");
	end_line(p);
}

/* Calls print for 0 .. n-1 in the order of the numbers; what has none gets the next. */
static void by_number(Printer *p, int *table, int n, int *count, void (*print)(Printer *, int))
{
	for (int i = 0; i < n; i++)
		number(table, i, count);
	int *of = ARENA_ARRAY(p->scratch, int, n + 1);
	for (int i = 0; i < n; i++)
		of[table[i] - 1] = i;
	for (int i = 0; i < n; i++)
		print(p, of[i]);
}

/* An axis that no loop opens (folds alone run over it), where something mentions it. */
static void print_loose_axis(Printer *p, int i)
{
	if ((p->looped >> i & 1) || p->axis[i] > p->n_axis)
		return;
	str_fmt(p->s, "  axis %s", axis_word[p->k->axis.at[i].kind]);
	print_axis(p, i);
	end_line(p);
}

static uint64_t looped_axes(const Stmt *s)
{
	uint64_t axes = 0;
	for (; s; s = s->next)
		axes |= looped_axes(s->body) | (s->kind == S_LOOP ? (uint64_t)1 << s->axis : 0);
	return axes;
}

static void print_head(Printer *p)
{
	const Kernel *k = p->k;
	str_fmt(p->s, "kernel tasks=%lld scratch=%lld {", (long long)k->n_tasks,
		(long long)k->scratch_bytes);
	end_line(p);
	notes_of(p, NULL);
	for (int i = 0; i < k->buf.n; i++) /* those that nothing uses: arguments first */
		if (k->buf.at[i].space == BUF_ARG)
			buf_number(p, i);
	by_number(p, p->buf, k->buf.n, &p->n_buf, print_buf);
	int all = p->n_axis;
	by_number(p, p->axis, k->axis.n, &all, print_loose_axis);
}

void kernel_print_notes(Str *s, const Kernel *k, KernelNote *note, int n)
{
	Arena *a = arena_create();
	Str body;
	str_init(&body, a);
	Printer p = { .s = &body, .k = k, .scratch = a, .value = map_create(a), .depth = 1 };
	p.axis = ARENA_ARRAY(a, int, k->axis.n + 1);
	p.var = ARENA_ARRAY(a, int, k->var.n + 1);
	p.buf = ARENA_ARRAY(a, int, k->buf.n + 1);
	p.looped = looped_axes(k->body);
	p.note = note;
	p.n_note = n;
	p.with_notes = n > 0 && note[0].line > 0;
	print_body(&p, k->body);
	p.s = s;
	p.line = 0;
	print_head(&p);
	for (int i = 0; i < n && !p.with_notes; i++)
		note[i].line += note[i].at ? p.line : 0;
	str_addn(s, str_text(&body), body.n);
	str_add(s, "}\n");
	arena_destroy(a);
}

void kernel_print(Str *s, const Kernel *k)
{
	kernel_print_notes(s, k, NULL, 0);
}
