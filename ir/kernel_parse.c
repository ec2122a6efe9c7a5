/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Reader of the text form of kernels, the inverse of kernel_print.c: statements after the rows of
 * stmt_form, values as they are written, without folding or rules. What is written keeps its place
 * (Stmt.loc, Node.loc) for the verifier, which judges types and scopes; here it is names that are
 * looked up. The first fault ends the reading. */
#include "ir/kernel_parse_impl.h"
#include "ir/text.h"
#include <string.h>

enum { MOST_DEEP = 100, MOST_NAMES = 1 << 16 };

/* --- axes ------------------------------------------------------------------------------------ */

/* a1 4, a vector's a1 7 of 8 */
static bool read_axis_kind(Parser *p, AxisKind kind, int *axis)
{
	int64_t lanes = 0;
	Axis a = { .name = axis_word[kind], .kind = kind };
	scan_skip(p->t);
	Loc loc = scan_loc(p->t);
	if (!kp_read_axis(p, axis) || !kp_read_count(p, "an extent", &a.extent))
		return false;
	if (kind == AX_VECTOR &&
	    (!kp_read_word_is(p, "of") || !kp_read_count(p, "a width", &lanes)))
		return false;
	a.lanes = lanes > INT32_MAX ? INT32_MAX : (int)lanes;
	Axis *was = &p->k->axis.at[*axis];
	if (was->kind != AXIS_KINDS &&
	    (was->kind != kind || was->extent != a.extent || was->lanes != a.lanes))
		return diag_error(p->t->c->diag, loc, E5003,
				  "the axis was another one before: %s of %lld",
				  axis_word[was->kind], (long long)was->extent);
	*was = a;
	return true;
}

static bool all_axes_known(Parser *p)
{
	bool ok = true;
	for (int i = 0; i < p->k->axis.n; i++)
		if (p->k->axis.at[i].kind == AXIS_KINDS)
			ok = diag_error(p->t->c->diag, p->axis_loc.at[i], E5003,
					"no loop and no line 'axis' says what this axis is");
	return ok;
}

/* --- items of statements --------------------------------------------------------------------- */

static bool read_body(Parser *p, Stmt **tail);

/* Its word says the kind. */
static bool item_axis(Parser *p, Stmt *s)
{
	return read_axis_kind(p, p->kind, &s->axis);
}

static bool item_from(Parser *p, Stmt *s)
{
	return !scan_keyword(p->t, "from") || kp_read_operand(p, &s->lo);
}

static bool item_to(Parser *p, Stmt *s)
{
	return !scan_keyword(p->t, "to") || kp_read_operand(p, &s->hi);
}

static bool item_new_var(Parser *p, Stmt *s)
{
	Var v = { .name = "v" };
	int64_t number;
	int axis;
	scan_skip(p->t);
	Loc loc = scan_loc(p->t);
	if (!kp_read_name(p, 'v', "a variable (v0, v1 ...)", &number) ||
	    !kp_read_dtype(p, &v.dtype))
		return false;
	if (map_get(p->var, (uint64_t)number + 1) || p->k->var.n == MOST_NAMES)
		return diag_error(p->t->c->diag, loc, E5003, "v%lld is declared twice",
				  (long long)number);
	for (bool list = scan_accept(p->t, '['); list && !scan_accept(p->t, ']');) {
		if (!kp_read_axis(p, &axis))
			return false;
		v.axes |= (uint64_t)1 << axis;
	}
	s->var = p->k->var.n;
	vec_push(p->kb->arena, &p->k->var, v);
	Node *n;
	if (!kp_make(p, loc, OP_var, kp_index_attr(p, s->var), v.dtype, NULL, 0, &n))
		return false;
	n->axes = v.axes | p->open;
	map_put(p->var, (uint64_t)number + 1, n);
	return true;
}

static bool item_var(Parser *p, Stmt *s)
{
	Node *n;
	scan_skip(p->t);
	if (!kp_read_named(p, p->var, 'v', "a variable (v0, v1 ...)", &n))
		return false;
	s->var = (int)ATTR_OF(n, index)->index;
	return true;
}

static bool item_place(Parser *p, Stmt *s)
{
	return kp_read_place(p, &s->buf, s->at);
}

static bool item_is(Parser *p, Stmt *s)
{
	(void)s;
	return scan_expect(p->t, '=');
}

static bool item_value(Parser *p, Stmt *s)
{
	return kp_read_operand(p, &s->value);
}

static bool item_cond(Parser *p, Stmt *s)
{
	return kp_read_operand(p, &s->cond);
}

static bool item_body(Parser *p, Stmt *s)
{
	int mark = p->named.n;
	uint64_t was = p->open;
	if (++p->depth > MOST_DEEP)
		return diag_error(p->t->c->diag, scan_loc(p->t), E5003,
				  "bodies are nested more than %d deep", MOST_DEEP);
	if (s->kind == S_LOOP)
		p->open |= (uint64_t)1 << s->axis;
	if (!scan_expect(p->t, '{') || !read_body(p, &s->body))
		return false;
	while (p->named.n > mark)
		map_put(p->value, (uint64_t)p->named.at[--p->named.n] + 1, NULL);
	p->open = was;
	p->depth--;
	return true;
}

static bool item_lanes(Parser *p, Stmt *s)
{
	return kp_read_axis(p, &s->axis);
}

static bool item_factors(Parser *p, Stmt *s)
{
	for (int i = 0; i < MMA_OPERANDS; i++)
		if ((i && !scan_expect(p->t, ',')) || !kp_read_operand(p, &s->at[i]))
			return false;
	return true;
}

typedef bool ItemFn(Parser *p, Stmt *s);
static ItemFn *const read_item[STMT_ITEMS] = {
	[ITEM_AXIS] = item_axis,       [ITEM_FROM] = item_from,   [ITEM_TO] = item_to,
	[ITEM_NEW_VAR] = item_new_var, [ITEM_VAR] = item_var,     [ITEM_PLACE] = item_place,
	[ITEM_IS] = item_is,           [ITEM_VALUE] = item_value, [ITEM_COND] = item_cond,
	[ITEM_BODY] = item_body,       [ITEM_LANES] = item_lanes, [ITEM_FACTORS] = item_factors,
};

/* --- statements ------------------------------------------------------------------------------ */

static bool read_word(Parser *p, StmtKind *kind)
{
	for (int i = 0; i < AXIS_KINDS; i++)
		if (scan_keyword(p->t, axis_word[i])) {
			p->kind = (AxisKind)i;
			*kind = S_LOOP;
			return true;
		}
	for (int i = 0; i < STMT_KINDS; i++)
		if (stmt_form[i].word && scan_keyword(p->t, stmt_form[i].word)) {
			*kind = (StmtKind)i;
			return true;
		}
	return kp_fault(p, "a statement or a value");
}

static bool read_stmt(Parser *p, Stmt **out)
{
	Stmt *s = ARENA_NEW(p->kb->arena, Stmt);
	s->loc = scan_loc(p->t);
	s->axis = s->var = s->buf = -1;
	if (!read_word(p, &s->kind))
		return false;
	for (const StmtItem *item = stmt_form[s->kind].item; *item; item++)
		if (!read_item[*item](p, s))
			return false;
	*out = s;
	return true;
}

/* Up to the closing bracket. */
static bool read_body(Parser *p, Stmt **tail)
{
	while (!scan_accept(p->t, '}')) {
		if (*p->t->p == '%') {
			if (!kp_read_value(p))
				return false;
			continue;
		}
		if (!read_stmt(p, tail))
			return false;
		tail = &(*tail)->next;
	}
	return true;
}

/* --- head ------------------------------------------------------------------------------------ */

static bool read_strides(Parser *p, Buf *b)
{
	if (!b->rank)
		return true;
	if (!kp_read_word_is(p, "stride") || !scan_expect(p->t, '['))
		return false;
	for (int i = 0; i < b->rank; i++)
		if ((i && !scan_expect(p->t, ',')) ||
		    !kp_read_integer(p, "a stride", &b->stride[i]))
			return false;
	return scan_expect(p->t, ']');
}

/* buf b0 arg 0 f32[8,16] stride [16,1] align 64 in out aliased */
static bool read_buf_line(Parser *p)
{
	BufLine l = { .number = 0 };
	Buf *b = &l.buf;
	const Type *t;
	int64_t align;
	scan_skip(p->t);
	l.loc = scan_loc(p->t);
	if (!kp_read_name(p, 'b', "a buffer (b0, b1 ...)", &l.number))
		return false;
	b->name = arena_printf(p->kb->arena, "b%lld", (long long)l.number);
	b->space = scan_keyword(p->t, "scratch") ? BUF_SCRATCH : BUF_ARG;
	if ((b->space == BUF_ARG && !kp_read_word_is(p, "arg")) ||
	    !kp_read_count(p, "a position", &l.position) || !parse_type(p->t, &t))
		return false;
	if (t->dtype == DT_tuple)
		return diag_error(p->t->c->diag, l.loc, E5003, "a buffer has no tuple type");
	b->dtype = t->dtype;
	b->rank = t->rank;
	memcpy(b->dim, t->dim, sizeof b->dim);
	b->offset = b->space == BUF_SCRATCH ? l.position : 0;
	if (!read_strides(p, b) || !kp_read_word_is(p, "align") ||
	    !kp_read_count(p, "an alignment", &align))
		return false;
	b->align = align > 1 << 20 ? 1 << 20 : (int)align;
	b->read = scan_keyword(p->t, "in");
	b->written = scan_keyword(p->t, "out");
	b->aliased = scan_keyword(p->t, "aliased");
	vec_push(p->kb->arena, &p->line, l);
	return p->line.n < MOST_NAMES || kp_fault(p, "an end of the buffers");
}

/* A kernel's arguments are in order among its buffers. */
static bool place_bufs(Parser *p)
{
	int args = 0;
	for (int i = 0; i < p->line.n; i++)
		args += p->line.at[i].buf.space == BUF_ARG;
	int *at = ARENA_ARRAY(p->kb->arena, int, p->line.n + 1), next = args;
	for (int i = 0; i < p->line.n; i++) {
		const BufLine *l = &p->line.at[i];
		int64_t to = l->buf.space == BUF_ARG ? l->position : next++;
		if (to >= p->line.n || (l->buf.space == BUF_ARG && to >= args) || at[to])
			return diag_error(p->t->c->diag, l->loc, E5003,
					  "the %d arguments are numbered from 0, each once", args);
		if (kp_look_up(p->buf, l->number) >= 0)
			return diag_error(p->t->c->diag, l->loc, E5003, "the buffer has two lines");
		at[to] = i + 1;
		kp_enter(p->buf, l->number, (int)to);
	}
	for (int i = 0; i < p->line.n; i++) {
		Buf b = p->line.at[at[i] - 1].buf;
		b.read = b.written = false; /* kernel_finish finds them */
		vec_push(p->kb->arena, &p->k->buf, b);
	}
	return true;
}

static bool flags_fit(Parser *p)
{
	bool ok = true;
	for (int i = 0; i < p->line.n; i++) {
		const BufLine *l = &p->line.at[i];
		const Buf *b = &p->k->buf.at[kp_look_up(p->buf, l->number)];
		if (b->read != l->buf.read || b->written != l->buf.written)
			ok = diag_error(p->t->c->diag, l->loc, E5003,
					"the body makes it '%s%s', which the line must say",
					b->read ? "in" : "",
					b->written ? b->read ? " out" : "out"
					: b->read  ? ""
						   : "neither in nor out");
	}
	return ok;
}

static bool read_loose_axis(Parser *p)
{
	int axis;
	for (int i = 0; i < AXIS_KINDS; i++)
		if (scan_keyword(p->t, axis_word[i]))
			return read_axis_kind(p, (AxisKind)i, &axis);
	return kp_fault(p, "the kind of an axis");
}

static bool read_head(Parser *p)
{
	if (!kp_read_word_is(p, "kernel") || !kp_read_word_is(p, "tasks") ||
	    !scan_expect(p->t, '=') || !kp_read_count(p, "a number of tasks", &p->k->n_tasks) ||
	    !kp_read_word_is(p, "scratch") || !scan_expect(p->t, '=') ||
	    !kp_read_count(p, "a number of bytes", &p->k->scratch_bytes) || !scan_expect(p->t, '{'))
		return false;
	while (scan_keyword(p->t, "buf"))
		if (!read_buf_line(p))
			return false;
	if (!place_bufs(p))
		return false;
	while (scan_keyword(p->t, "axis"))
		if (!read_loose_axis(p))
			return false;
	return true;
}

Kernel *kernel_parse(Scan *t, Arena *arena)
{
	int errors = diag_errors(t->c->diag);
	Target none = { 0 };
	Parser p = { .t = t, .kb = kb_create(t->c, arena, &none, "text") };
	p.k = kb_kernel(p.kb);
	p.axis = map_create(arena);
	p.var = map_create(arena);
	p.buf = map_create(arena);
	p.value = map_create(arena);
	scan_skip(t);
	p.k->loc = scan_loc(t);
	if (!read_head(&p) || !read_body(&p, &p.k->body) || !all_axes_known(&p))
		return NULL;
	kernel_finish(p.k);
	return flags_fit(&p) && diag_errors(t->c->diag) == errors ? p.k : NULL;
}
