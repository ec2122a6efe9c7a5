/* Canonical text of kernels and their identity. Names do not matter: axes, buffers, variables and
 * values are numbered in the order in which the text first meets them, so that structurally equal
 * kernels print the same and share one hash.
 *
 *   kernel tasks=24 scratch=0 {
 *     buf b0 arg f32[128,768] stride [784,1] align 64 in
 *     loop t0 task 24 {
 *       var v0 f32 [a1] = const 0
 *       ...
 */
#include "base/map.h"
#include "base/sha256.h"
#include "ir/kernel.h"
#include <string.h>

typedef struct Printer {
	Str *s;
	const Kernel *k;
	Arena *scratch;
	int *axis, *var, *buf; /* canonical number + 1, 0: not met yet */
	int n_axis, n_var, n_buf, n_value;
	Map *value;              /* Node -> canonical number + 1, scoped */
	VEC(const Node *) named; /* in order, to forget at the end of a scope */
	int depth;
} Printer;

static int number(int *table, int i, int *count)
{
	if (!table[i])
		table[i] = ++*count;
	return table[i] - 1;
}

static void indent(Printer *p)
{
	for (int i = 0; i < p->depth; i++)
		str_add(p->s, "  ");
}

static void print_const(Printer *p, const Node *n)
{
	Str *s = p->s;
	const Blob *b = ATTR_OF(n, data)->data;
	if (dtype_is_float(b->type->dtype))
		str_double(s, blob_f64(b, 0));
	else
		str_fmt(s, "%lld", (long long)blob_i64(b, 0));
	if (b->type->dtype != DT_i64)
		str_fmt(s, ":%s", dtype_info[b->type->dtype].name);
}

/* A leaf's spelling, or the name of a value printed before. */
static void print_ref(Printer *p, const Node *n)
{
	switch (n->op) {
	case OP_axis:
		str_fmt(p->s, "a%d", number(p->axis, (int)ATTR_OF(n, index)->index, &p->n_axis));
		return;
	case OP_var:
		str_fmt(p->s, "v%d", number(p->var, (int)ATTR_OF(n, index)->index, &p->n_var));
		return;
	case OP_const: print_const(p, n); return;
	default: break;
	}
	str_fmt(p->s, "%%%d", (int)(intptr_t)map_get_ptr(p->value, n) - 1);
}

static bool is_leaf(const Node *n)
{
	return n->op == OP_axis || n->op == OP_var || n->op == OP_const;
}

static void print_attr(Printer *p, const Node *n)
{
	AttrRecord r = op_info(n->op)->attr;
	if (n->op == OP_load) {
		str_fmt(p->s, " b%d", number(p->buf, (int)ATTR_OF(n, index)->index, &p->n_buf));
		return;
	}
	if (r == ATTR_axes_RECORD) {
		const Ints *axes = &ATTR_OF(n, axes)->axes;
		for (int i = 0; i < axes->n; i++)
			str_fmt(p->s, " a%d", number(p->axis, (int)axes->v[i], &p->n_axis));
		str_add(p->s, " of");
		return;
	}
	for (int i = 0; i < attr_info[r].n_field; i++) {
		str_fmt(p->s, " %s=", attr_info[r].field[i].name);
		attr_field_print(p->s, r, n->attr, i);
	}
}

/* Prints the definitions value n needs, innermost first, each once per scope. */
static void define(Printer *p, const Node *n)
{
	if (is_leaf(n) || map_get_ptr(p->value, n))
		return;
	for (int i = 0; i < n->n_in; i++)
		define(p, n->in[i]);
	indent(p);
	str_fmt(p->s, "%%%d = %s", p->n_value, op_info(n->op)->name);
	print_attr(p, n);
	for (int i = 0; i < n->n_in; i++) {
		str_add(p->s, i ? ", " : " ");
		print_ref(p, n->in[i]);
	}
	str_fmt(p->s, " : %s\n", dtype_info[n->type->dtype].name);
	map_put_ptr(p->value, n, (void *)(intptr_t)(++p->n_value));
	vec_push(p->scratch, &p->named, n);
}

static void print_body(Printer *p, const Stmt *s);

static void print_block(Printer *p, const Stmt *body)
{
	int mark = p->named.n;
	str_add(p->s, " {\n");
	p->depth++;
	print_body(p, body);
	p->depth--;
	indent(p);
	str_add(p->s, "}\n");
	while (p->named.n > mark)
		map_put_ptr(p->value, p->named.at[--p->named.n], NULL);
}

static const char *const axis_kind_name[] = {
	[AX_LOOP] = "loop", [AX_TASK] = "task", [AX_UNROLL] = "unroll", [AX_VECTOR] = "vector"
};

static void print_loop(Printer *p, const Stmt *s)
{
	const Axis *a = &p->k->axis.at[s->axis];
	if (s->lo)
		define(p, s->lo);
	if (s->hi)
		define(p, s->hi);
	indent(p);
	str_fmt(p->s, "%s a%d %lld", axis_kind_name[a->kind], number(p->axis, s->axis, &p->n_axis),
		(long long)a->extent);
	if (a->kind == AX_VECTOR)
		str_fmt(p->s, " of %d", a->lanes);
	if (s->lo) {
		str_add(p->s, " from ");
		print_ref(p, s->lo);
	}
	if (s->hi) {
		str_add(p->s, " to ");
		print_ref(p, s->hi);
	}
	print_block(p, s->body);
}

static void print_var(Printer *p, const Stmt *s)
{
	const Var *v = &p->k->var.at[s->var];
	str_fmt(p->s, "var v%d %s [", number(p->var, s->var, &p->n_var), dtype_info[v->dtype].name);
	for (int i = 0, first = 1; i < p->k->axis.n; i++)
		if (v->axes >> i & 1) {
			str_fmt(p->s, first ? "a%d" : " a%d", number(p->axis, i, &p->n_axis));
			first = 0;
		}
	str_add(p->s, "] = ");
}

static void print_store(Printer *p, const Stmt *s)
{
	int rank = p->k->buf.at[s->buf].rank;
	for (int i = 0; i < rank; i++)
		define(p, s->at[i]);
	indent(p);
	str_fmt(p->s, "store b%d", number(p->buf, s->buf, &p->n_buf));
	for (int i = 0; i < rank; i++) {
		str_add(p->s, i ? ", " : " [");
		print_ref(p, s->at[i]);
	}
	str_add(p->s, rank ? "] = " : " = ");
	print_ref(p, s->value);
	str_add(p->s, "\n");
}

static void print_mma(Printer *p, const Stmt *s)
{
	indent(p);
	str_fmt(p->s, "mma a%d v%d", number(p->axis, s->axis, &p->n_axis),
		number(p->var, s->var, &p->n_var));
	for (int i = 0; i < 5; i++) {
		str_add(p->s, " ");
		print_ref(p, s->at[i]);
	}
	str_add(p->s, "\n");
}

static void print_stmt(Printer *p, const Stmt *s)
{
	if (s->value)
		define(p, s->value);
	switch (s->kind) {
	case S_LOOP: print_loop(p, s); return;
	case S_VAR:
	case S_SET:
		indent(p);
		if (s->kind == S_VAR)
			print_var(p, s);
		else
			str_fmt(p->s, "set v%d = ", number(p->var, s->var, &p->n_var));
		print_ref(p, s->value);
		str_add(p->s, "\n");
		return;
	case S_STORE: print_store(p, s); return;
	case S_IF:
		define(p, s->cond);
		indent(p);
		str_add(p->s, "if ");
		print_ref(p, s->cond);
		print_block(p, s->body);
		return;
	case S_BLOCK:
		indent(p);
		str_add(p->s, "block");
		print_block(p, s->body);
		return;
	case S_BARRIER:
		indent(p);
		str_add(p->s, "barrier\n");
		return;
	case S_MMA: print_mma(p, s); return;
	}
}

static void print_body(Printer *p, const Stmt *s)
{
	for (; s; s = s->next)
		print_stmt(p, s);
}

/* Buffers come after the body, when their numbers are known. */
static void print_bufs(Printer *p)
{
	const Kernel *k = p->k;
	for (int want = 0; want < k->buf.n; want++) {
		int i = want;
		for (int j = 0; j < k->buf.n; j++)
			if (p->buf[j] == want + 1)
				i = j;
		if (p->buf[i] != want + 1)
			continue;
		const Buf *b = &k->buf.at[i];
		str_fmt(p->s, "  buf b%d %s %d %s[", want, b->space == BUF_ARG ? "arg" : "scratch",
			b->space == BUF_ARG ? i : (int)b->offset, dtype_info[b->dtype].name);
		for (int d = 0; d < b->rank; d++)
			str_fmt(p->s, d ? ",%lld" : "%lld", (long long)b->dim[d]);
		str_add(p->s, "] stride [");
		for (int d = 0; d < b->rank; d++)
			str_fmt(p->s, d ? ",%lld" : "%lld", (long long)b->stride[d]);
		str_fmt(p->s, "] align %d%s%s%s\n", b->align, b->read ? " in" : "",
			b->written ? " out" : "", b->aliased ? " aliased" : "");
	}
}

void kernel_print(Str *s, const Kernel *k)
{
	Arena *a = arena_create();
	Printer p = { .s = s, .k = k, .scratch = a, .value = map_create(a), .depth = 1 };
	p.axis = ARENA_ARRAY(a, int, k->axis.n + 1);
	p.var = ARENA_ARRAY(a, int, k->var.n + 1);
	p.buf = ARENA_ARRAY(a, int, k->buf.n + 1);
	str_fmt(s, "kernel tasks=%lld scratch=%lld {\n", (long long)k->n_tasks,
		(long long)k->scratch_bytes);
	print_body(&p, k->body);
	print_bufs(&p);
	str_add(s, "}\n");
	arena_destroy(a);
}

/* --- finishing ------------------------------------------------------------------------------- */

static void mark_value(Kernel *k, const Node *n, bool *seen)
{
	if (!n || seen[n->id])
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
		mark_value(k, s->lo, seen);
		mark_value(k, s->hi, seen);
		mark_value(k, s->value, seen);
		mark_value(k, s->cond, seen);
		for (int i = 0; i < MAX_RANK; i++)
			mark_value(k, s->at[i], seen);
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
