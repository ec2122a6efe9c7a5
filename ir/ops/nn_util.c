/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Pieces that several expansions are made of. */
#include "ir/ops/nn.h"
#include <string.h>

Node *emit_nums(Builder *b, DType t, int rank, const int64_t *dim, const double *v)
{
	const Type *type = type_get(b->ctx, t, rank, dim);
	if (!type) {
		builder_error(b, E5014, "a constant is too large");
		return emit_scalar(b, t, 0);
	}
	void *data = arena_alloc(b->graph->arena, (size_t)type_bytes(type));
	for (int64_t i = 0; i < type->count; i++)
		store_f64(t, data, i, v[i]);
	return emit_const(b, type, data);
}

Node *emit_indices(Builder *b, int64_t n, const int64_t *v)
{
	return emit_const(b, type_get(b->ctx, DT_i64, 1, &n), v);
}

Node *emit_mean(Builder *b, Node *x, int n_axes, const int64_t *axes, bool keepdims)
{
	Node *sum = emit_reduce(b, OP_reduce_sum, x, n_axes, axes, keepdims);
	int64_t each = sum->type->count;
	return emit_c2(b, OP_div, sum, each ? (double)(x->type->count / each) : 0);
}

Node *along_channels(Builder *b, Node *v, int rank)
{
	int64_t dim[MAX_RANK] = { v->type->dim[0], 1, 1, 1, 1, 1, 1, 1 };
	return emit_reshape(b, v, rank - 1, dim);
}

bool check_vector(Builder *b, const Node *n, int i, int64_t size)
{
	const Type *t = n->in[i]->type;
	if (t->rank == 1 && t->dim[0] == size)
		return true;
	return builder_error(b, E5011, "%s: %s must be a vector of %lld numbers, it is %s",
			     op_info(n->op)->name, input_name(n->op, i), (long long)size,
			     type_text(b, t));
}

bool check_min_rank(Builder *b, const Node *n, int i, int rank)
{
	if (n->in[i]->type->rank >= rank)
		return true;
	return builder_error(b, E5011, "%s: %s needs at least %d dimension%s, it is %s",
			     op_info(n->op)->name, input_name(n->op, i), rank, rank == 1 ? "" : "s",
			     type_text(b, n->in[i]->type));
}

bool check_name(Builder *b, const Node *n, const char *field, const char *text, int count,
		const char *const *names)
{
	for (int i = 0; i < count; i++)
		if (str_eq(text, names[i]))
			return true;
	builder_error(b, E5013, "%s: %s=\"%s\" is not known", op_info(n->op)->name, field, text);
	Str s;
	str_init(&s, b->graph->arena);
	for (int i = 0; i < count; i++)
		str_fmt(&s, "%s'%s'", i ? ", " : "", names[i]);
	diag_hint(b->diag, "%s is one of %s", field, str_text(&s));
	return false;
}

/* --- planes ---------------------------------------------------------------------------------- */

bool plane_pair(Builder *b, const Node *n, const char *field, Ints v, bool line, int64_t fallback,
		int64_t out[2])
{
	out[0] = out[1] = fallback;
	if (v.n > (line ? 1 : 2))
		return builder_error(b, E5013, "%s: %s has %d entries, %s %s at most",
				     op_info(n->op)->name, field, v.n, type_text(b, n->in[0]->type),
				     line ? "needs one" : "needs two");
	if (v.n)
		out[1] = v.v[v.n - 1];
	if (v.n && !line)
		out[0] = v.v[0];
	for (int d = 0; d < 2; d++)
		if (out[d] < fallback || out[d] > 1 << 20)
			return builder_error(b, E5013, "%s: %s is %lld, it must be %lld or more",
					     op_info(n->op)->name, field, (long long)out[d],
					     (long long)fallback);
	return true;
}

bool plane_read(Builder *b, const Node *n, Plane *p, Ints stride, Ints dilation)
{
	const Type *x = n->in[0]->type;
	if (x->rank == 5) {
		builder_error(b, E5111, "%s: x is %s; three spatial dimensions are not supported",
			      op_info(n->op)->name, type_text(b, x));
		return false;
	}
	if (x->rank != 3 && x->rank != 4)
		return builder_error(b, E5011, "%s: x must be [N,C,H,W] or [N,C,L], it is %s",
				     op_info(n->op)->name, type_text(b, x));
	p->line = x->rank == 3;
	p->size[0] = p->line ? 1 : x->dim[2];
	p->size[1] = x->dim[x->rank - 1];
	return plane_pair(b, n, "stride", stride, p->line, 1, p->stride) &&
	       plane_pair(b, n, "dilation", dilation, p->line, 1, p->dilation);
}

int64_t plane_extent(const Plane *p, int d)
{
	return p->dilation[d] * (p->kernel[d] - 1) + 1;
}

bool plane_pad_is_same(const char *text)
{
	return str_eq(text, "same") || str_eq(text, "same_lower");
}

/* As many results as input elements per stride, rounded up; what is odd goes to the end ('same') or
 * to the start. */
static void pad_same(Plane *p, bool lower)
{
	for (int d = 0; d < 2; d++) {
		int64_t n = (p->size[d] + p->stride[d] - 1) / p->stride[d];
		int64_t all = (n - 1) * p->stride[d] + plane_extent(p, d) - p->size[d];
		if (all < 0)
			all = 0;
		p->pad[d] = lower ? all - all / 2 : all / 2;
		p->pad[d + 2] = all - p->pad[d];
	}
}

/* Whole numbers between blanks or commas; -1 when there are more than max or something else. */
static int read_numbers(const char *text, int64_t *v, int max)
{
	int n = 0;
	for (const char *p = text; *p;) {
		size_t len = strcspn(p, ", \t\n");
		if (len && (n == max || !parse_i64(p, len, &v[n++])))
			return -1;
		p += len;
		p += *p != '\0';
	}
	return n;
}

static bool pad_numbers(Plane *p, const int64_t *v, int n)
{
	int64_t *pad = p->pad;
	if (n == 1)
		pad[0] = pad[1] = pad[2] = pad[3] = v[0];
	else if (n == 2 && p->line)
		pad[1] = v[0], pad[3] = v[1];
	else if (n == 2)
		pad[0] = pad[2] = v[0], pad[1] = pad[3] = v[1];
	else if (n == 4 && !p->line)
		memcpy(pad, v, 4 * sizeof *v);
	else
		return false;
	if (p->line)
		pad[0] = pad[2] = 0;
	for (int i = 0; i < 4; i++)
		if (pad[i] < 0 || pad[i] > 1 << 20)
			return false;
	return true;
}

bool plane_pad(Builder *b, const Node *n, Plane *p, const char *text)
{
	int64_t v[4];
	memset(p->pad, 0, sizeof p->pad);
	if (plane_pad_is_same(text))
		pad_same(p, str_eq(text, "same_lower"));
	if (plane_pad_is_same(text) || str_eq(text, "valid"))
		return true;
	int count = read_numbers(text, v, 4);
	if (pad_numbers(p, v, count))
		return true;
	builder_error(b, E5013, "%s: pad=\"%s\" is not understood", op_info(n->op)->name, text);
	diag_hint(b->diag, "pad is 'same', 'same_lower', 'valid', or zeros around: %s",
		  p->line ? "one number or two (left, right)"
			  : "one number, two (height, width) or four (top left bottom right)");
	return false;
}

Node *plane_enter(Builder *b, Node *x, const Plane *p)
{
	const int64_t *d = x->type->dim;
	return p->line ? emit_reshape(b, x, 4, (int64_t[]){ d[0], d[1], 1, d[2] }) : x;
}

Node *plane_leave(Builder *b, Node *y, const Plane *p)
{
	const int64_t *d = y->type->dim;
	return p->line ? emit_reshape(b, y, 3, (int64_t[]){ d[0], d[1], d[3] }) : y;
}

Node *emit_window(Builder *b, Op op, Node *x, const Plane *p)
{
	Attr_window a = { .kernel = { 2, p->kernel },
			  .stride = { 2, p->stride },
			  .pad = { 4, p->pad },
			  .dilation = { 2, p->dilation } };
	return emit(b, op, attr_intern(b->ctx, ATTR_window_RECORD, &a), &x, 1);
}

Node *emit_conv(Builder *b, Node *x, Node *w, const Plane *p, int64_t groups)
{
	Attr_conv a = { .stride = { 2, p->stride },
			.pad = { 4, p->pad },
			.dilation = { 2, p->dilation },
			.groups = groups };
	Node *in[2] = { x, w };
	return emit(b, OP_conv, attr_intern(b->ctx, ATTR_conv_RECORD, &a), in, 2);
}
