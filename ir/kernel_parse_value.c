/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Names, operands and values of kernel text. */
#include "ir/kernel_parse_impl.h"
#include <string.h>

enum { MOST_NESTED = 4000 };

bool kp_fault(Parser *p, const char *expected)
{
	scan_skip(p->t);
	return diag_error(p->t->c->diag, scan_loc(p->t), E5003, "%s is expected, not %s", expected,
			  scan_seen(p->t));
}

/* --- words and numbers ----------------------------------------------------------------------- */

bool kp_read_integer(Parser *p, const char *what, int64_t *out)
{
	scan_skip(p->t);
	size_t n = scan_word_length(p->t->p);
	if (!parse_i64(p->t->p, n, out))
		return kp_fault(p, what);
	p->t->p += n;
	return true;
}

bool kp_read_count(Parser *p, const char *what, int64_t *out)
{
	Loc loc;
	scan_skip(p->t);
	loc = scan_loc(p->t);
	return kp_read_integer(p, what, out) &&
	       ((*out >= 0 && *out <= MAX_ELEMENTS) ||
		diag_error(p->t->c->diag, loc, E5003, "%s is from 0 to 2^40", what));
}

/* a12 for the letter a: 12 */
bool kp_read_name(Parser *p, char letter, const char *what, int64_t *out)
{
	scan_skip(p->t);
	size_t n = scan_word_length(p->t->p);
	if (*p->t->p != letter || n < 2 || n > 8 || !parse_i64(p->t->p + 1, n - 1, out) || *out < 0)
		return kp_fault(p, what);
	p->t->p += n;
	return true;
}

bool kp_read_word_is(Parser *p, const char *word)
{
	return scan_keyword(p->t, word) || kp_fault(p, arena_printf(p->t->c->arena, "'%s'", word));
}

bool kp_read_dtype(Parser *p, DType *out)
{
	scan_skip(p->t);
	size_t n = scan_word_length(p->t->p);
	if (!dtype_find(arena_strndup(p->t->c->arena, p->t->p, n), out))
		return kp_fault(p, "a data type such as f32");
	p->t->p += n;
	return true;
}

/* --- axes, variables, buffers ---------------------------------------------------------------- */

int kp_look_up(const Map *m, int64_t number)
{
	return (int)(intptr_t)map_get(m, (uint64_t)number + 1) - 1;
}

void kp_enter(Map *m, int64_t number, int index)
{
	map_put(m, (uint64_t)number + 1, (void *)(intptr_t)(index + 1));
}

/* An axis may be mentioned before the loop that says what it is. */
bool kp_read_axis(Parser *p, int *out)
{
	int64_t number;
	scan_skip(p->t);
	Loc loc = scan_loc(p->t);
	if (!kp_read_name(p, 'a', "an axis (a0, a1 ...)", &number))
		return false;
	*out = kp_look_up(p->axis, number);
	if (*out >= 0)
		return true;
	if (p->k->axis.n == MAX_AXES)
		return diag_error(p->t->c->diag, loc, E5003, "a kernel has at most %d axes",
				  MAX_AXES);
	*out = p->k->axis.n;
	kp_enter(p->axis, number, *out);
	vec_push(p->kb->arena, &p->k->axis, ((Axis){ .kind = AXIS_KINDS }));
	vec_push(p->kb->arena, &p->axis_loc, loc);
	return true;
}

static bool read_buf(Parser *p, int *out)
{
	int64_t number;
	scan_skip(p->t);
	Loc loc = scan_loc(p->t);
	if (!kp_read_name(p, 'b', "a buffer (b0, b1 ...)", &number))
		return false;
	*out = kp_look_up(p->buf, number);
	return *out >= 0 ||
	       diag_error(p->t->c->diag, loc, E5003, "there is no buffer b%lld", (long long)number);
}

/* --- operands -------------------------------------------------------------------------------- */

static int *nesting_of(Parser *p, const Node *n)
{
	while (p->nesting.n <= (int)n->id)
		vec_push(p->kb->arena, &p->nesting, 0);
	return &p->nesting.at[n->id];
}

bool kp_make(Parser *p, Loc loc, Op op, Attr attr, DType type, Node *const *in, int n_in,
	     Node **out)
{
	int deep = 1;
	for (int i = 0; i < n_in; i++)
		deep = *nesting_of(p, in[i]) >= deep ? *nesting_of(p, in[i]) + 1 : deep;
	if (deep > MOST_NESTED)
		return diag_error(p->t->c->diag, loc, E5003, "the expression is too deep");
	*out = kb_intern(p->kb, op, attr, type_scalar(p->t->c, type), in, n_in);
	*nesting_of(p, *out) = deep;
	if (!(*out)->loc.line)
		(*out)->loc = loc;
	return true;
}

Attr kp_index_attr(Parser *p, int index)
{
	Attr_index a = { .index = index };
	return attr_intern(p->t->c, ATTR_index_RECORD, &a);
}

static bool read_const(Parser *p, DType type, Node **out)
{
	uint64_t room = 0;
	Loc loc = scan_loc(p->t);
	if (!parse_element(p->t, type, &room, 0))
		return false;
	Attr_data a = { .data = blob_intern(p->t->c, type_scalar(p->t->c, type), &room) };
	Attr attr = attr_intern(p->t->c, ATTR_data_RECORD, &a);
	return kp_make(p, loc, OP_const, attr, type, NULL, 0, out);
}

static bool read_axis_index(Parser *p, Node **out)
{
	int axis;
	Loc loc = scan_loc(p->t);
	if (!kp_read_axis(p, &axis) ||
	    !kp_make(p, loc, OP_axis, kp_index_attr(p, axis), DT_i64, NULL, 0, out))
		return false;
	(*out)->axes = (uint64_t)1 << axis;
	return true;
}

bool kp_read_named(Parser *p, const Map *m, char letter, const char *what, Node **out)
{
	int64_t number;
	Loc loc = scan_loc(p->t);
	if (!kp_read_name(p, letter, what, &number))
		return false;
	*out = map_get(m, (uint64_t)number + 1);
	return *out || diag_error(p->t->c->diag, loc, E5003, "%c%lld is not defined here", letter,
				  (long long)number);
}

bool kp_read_operand(Parser *p, Node **out)
{
	DType type;
	scan_skip(p->t);
	const char *at = p->t->p;
	size_t n = scan_word_length(at);
	if (*at == '%') {
		p->t->p++;
		int64_t number;
		Loc loc = scan_loc(p->t);
		n = scan_word_length(p->t->p);
		if (n > 8 || !parse_i64(p->t->p, n, &number) || number < 0)
			return kp_fault(p, "the number of a value");
		p->t->p += n;
		*out = map_get(p->value, (uint64_t)number + 1);
		return *out || diag_error(p->t->c->diag, loc, E5003, "%%%lld is not defined here",
					  (long long)number);
	}
	if (at[n] == '(' && dtype_find(arena_strndup(p->t->c->arena, at, n), &type)) {
		p->t->p += n + 1;
		return read_const(p, type, out) && scan_expect(p->t, ')');
	}
	if ((*at >= '0' && *at <= '9') || *at == '-')
		return read_const(p, DT_i64, out);
	if (*at == 'a')
		return read_axis_index(p, out);
	if (*at == 'v')
		return kp_read_named(p, p->var, 'v', "a variable", out);
	return kp_fault(p, "an operand (%0, a0, v0, 12, f32(0.5))");
}

/* b0[a0, %1]; b0 for a scalar */
bool kp_read_place(Parser *p, int *buf, Node **at)
{
	scan_skip(p->t);
	Loc loc = scan_loc(p->t);
	if (!read_buf(p, buf))
		return false;
	int rank = p->k->buf.at[*buf].rank, n = 0;
	if (scan_accept(p->t, '[')) {
		do {
			Node *one;
			if (!kp_read_operand(p, &one))
				return false;
			if (n < MAX_RANK)
				at[n] = one;
			n++;
		} while (scan_accept(p->t, ','));
		if (!scan_expect(p->t, ']'))
			return false;
	}
	return n == rank || diag_error(p->t->c->diag, loc, E5003,
				       "the buffer has %d dimensions, not %d", rank, n);
}

/* --- values ---------------------------------------------------------------------------------- */

static bool read_op(Parser *p, Op *op)
{
	const char *name, *names[OP_COUNT];
	int n = 0;
	scan_skip(p->t);
	Loc loc = scan_loc(p->t);
	if (!scan_word(p->t, "an operator", &name))
		return false;
	if (op_find(name, op) && (op_info(*op)->levels & LEVEL_K) && *op != OP_axis &&
	    *op != OP_var)
		return true;
	diag_error(p->t->c->diag, loc, E5003, "there is no operator '%s' in kernels", name);
	for (int i = 0; i < OP_COUNT; i++)
		if (op_info((Op)i)->levels & LEVEL_K)
			names[n++] = op_info((Op)i)->name;
	const char *near = nearest_name(name, names, n);
	if (near)
		diag_hint(p->t->c->diag, "did you mean '%s'?", near);
	return false;
}

static bool read_load(Parser *p, Attr *attr, Node **in, int *n_in)
{
	int buf;
	if (!kp_read_place(p, &buf, in))
		return false;
	*attr = kp_index_attr(p, buf);
	*n_in = p->k->buf.at[buf].rank;
	return true;
}

/* a1 a2 of %3 */
static bool read_fold(Parser *p, Attr *attr, Node **in, int *n_in)
{
	int64_t list[MAX_AXES];
	Attr_axes a = { .axes = { 0, list } };
	while (!scan_keyword(p->t, "of")) {
		int axis;
		if (a.axes.n == MAX_AXES)
			return kp_fault(p, "'of'");
		if (!kp_read_axis(p, &axis))
			return false;
		list[a.axes.n++] = axis;
	}
	*attr = attr_intern(p->t->c, ATTR_axes_RECORD, &a);
	*n_in = 1;
	return kp_read_operand(p, in);
}

static bool read_operator(Parser *p, Op op, Attr *attr, Node **in, int *n_in)
{
	_Alignas(max_align_t) char record[256];
	Scan ignored = { .p = NULL };
	uint64_t given = 0;
	Loc loc = scan_loc(p->t);
	int want = op_info(op)->min_in;
	for (*n_in = 0; *n_in < want; ++*n_in)
		if ((*n_in && !scan_expect(p->t, ',')) || !kp_read_operand(p, &in[*n_in]))
			return false;
	if (!parse_attr(p->t, op, record, &given, &ignored) || !has_required(p->t, loc, op, given))
		return false;
	*attr = attr_intern(p->t->c, op_info(op)->attr, record);
	return true;
}

/* %3 = add %1, %2 : f32 */
bool kp_read_value(Parser *p)
{
	Node *in[MAX_RANK] = { NULL }, *n;
	Attr attr = NULL;
	DType type;
	int64_t number;
	int n_in = 0;
	Op op;
	Loc loc = scan_loc(p->t);
	p->t->p++;
	if (!kp_read_integer(p, "the number of a value", &number) || !scan_expect(p->t, '='))
		return false;
	if (number < 0 || number > 9999999 || map_get(p->value, (uint64_t)number + 1))
		return diag_error(p->t->c->diag, loc, E5003,
				  "%%%lld is not a new number of at most 7 digits",
				  (long long)number);
	if (!read_op(p, &op))
		return false;
	bool fold = op_info(op)->attr == ATTR_axes_RECORD;
	if (!(op == OP_load ? read_load(p, &attr, in, &n_in)
	      : fold        ? read_fold(p, &attr, in, &n_in)
			    : read_operator(p, op, &attr, in, &n_in)))
		return false;
	if (!scan_expect(p->t, ':') || !kp_read_dtype(p, &type) ||
	    !kp_make(p, loc, op, attr, type, in, n_in, &n))
		return false;
	const Ints *over = fold ? &ATTR_OF(n, axes)->axes : NULL;
	for (int i = 0; over && i < over->n; i++)
		n->axes &= ~((uint64_t)1 << over->v[i]);
	map_put(p->value, (uint64_t)number + 1, n);
	vec_push(p->kb->arena, &p->named, number);
	return true;
}
