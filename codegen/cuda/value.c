/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Expressions of CUDA C. What is mentioned several times gets a name where it is first needed, and
 * keeps it as long as its scope is open and nothing it reads has changed; all else is written where
 * it is used, and the compiler places it.
 *
 * Memory must not be read on the side of a choice that is not taken. C's own ? : does that, as long
 * as no name is needed inside; else the choice becomes a branch. A fold over the vector axis is a
 * meeting of all threads of the block, so it comes before any branch (cuda_meet). */
#include "codegen/cuda/internal.h"

/* --- facts ----------------------------------------------------------------------------------- */

static bool is_fold(const Node *n)
{
	return n->op == OP_fold_sum || n->op == OP_fold_prod || n->op == OP_fold_max ||
	       n->op == OP_fold_min;
}

static bool over_threads(const CudaEmit *e, const Node *n)
{
	const Ints *axes = &ATTR_OF(n, axes)->axes;
	for (int i = 0; i < axes->n; i++)
		if (e->k->axis.at[axes->v[i]].kind == AX_VECTOR)
			return true;
	return false;
}

Range cuda_range(const CudaEmit *e, const Node *n)
{
	Range **r = &e->range[n->id];
	if (!*r) {
		*r = ARENA_NEW(e->arena, Range);
		**r = kernel_range(e->k, n);
	}
	return **r;
}

/* --- names ----------------------------------------------------------------------------------- */

static bool has_name(const CudaEmit *e, const Node *n)
{
	const CudaTemp *t = &e->temp[n->id];
	const NodeFact *fact = &e->fact[n->id];
	if (!t->name)
		return false;
	for (uint64_t set = fact->vars; set; set &= set - 1)
		if (e->var_time[__builtin_ctzll(set)] > t->time)
			return false;
	for (uint64_t set = fact->bufs; set; set &= set - 1)
		if (e->buf_time[__builtin_ctzll(set)] > t->time)
			return false;
	for (uint64_t set = n->axes; set; set &= set - 1)
		if (e->axis_time[__builtin_ctzll(set)] > t->time)
			return false;
	return true;
}

static int give_name(CudaEmit *e, const Node *n)
{
	struct CudaUndo u = { n->id, e->temp[n->id] };
	vec_push(e->arena, &e->undo, u);
	e->temp[n->id] = (CudaTemp){ ++e->n_temp, ++e->time };
	return e->n_temp - 1;
}

const char *cuda_type(CudaEmit *e, const Node *n)
{
	return cuda_narrow(e, n) ? "i32" : cuda_register_type(n->type->dtype);
}

static bool is_leaf(const Node *n)
{
	return n->op == OP_const || n->op == OP_axis || n->op == OP_var;
}

/* --- memory ---------------------------------------------------------------------------------- */

static bool fits_i32(__int128 low, __int128 high)
{
	return low > INT32_MIN && high < INT32_MAX;
}

/* The position as a sum; in 32 bits where it provably fits. */
static void print_offset(CudaEmit *e, const Buf *b, Node *const *at)
{
	__int128 low = 0, high = 0;
	bool any = false, narrow = true;
	for (int i = 0; i < b->rank; i++) {
		Range r = cuda_range(e, at[i]);
		__int128 x = (__int128)r.min * b->stride[i], y = (__int128)r.max * b->stride[i];
		low += x < y ? x : y;
		high += x < y ? y : x;
		narrow = narrow && cuda_narrow(e, at[i]) && fits_i32(low, high);
	}
	for (int i = 0; i < b->rank; i++) {
		Range r = cuda_range(e, at[i]);
		if (b->stride[i] == 0 || (r.min == 0 && r.max == 0))
			continue;
		str_add(e->s, any ? " + " : "");
		str_add(e->s, narrow ? "" : "(i64)");
		any = true;
		cuda_value(e, at[i]);
		if (b->stride[i] != 1)
			str_fmt(e->s, narrow ? " * %lld" : " * %lldLL", (long long)b->stride[i]);
	}
	if (!any)
		str_add(e->s, "0");
}

void cuda_place(CudaEmit *e, int buf, Node *const *at)
{
	str_fmt(e->s, "b%d[", buf);
	print_offset(e, &e->k->buf.at[buf], at);
	str_add(e->s, "]");
}

static void print_load(CudaEmit *e, const Node *n)
{
	int buf = (int)ATTR_OF(n, index)->index;
	DType t = e->k->buf.at[buf].dtype;
	bool narrow = t == DT_f16 || t == DT_bf16;
	if (narrow)
		str_fmt(e->s, "burin_f32_of_%s(", dtype_info[t].name);
	str_add(e->s, t == DT_bool ? "(" : "");
	cuda_place(e, buf, n->in);
	str_add(e->s, t == DT_bool ? " != 0)" : narrow ? ")" : "");
}

/* --- printing inside of a line ---------------------------------------------------------------- */

static void print_var(CudaEmit *e, const Node *n)
{
	cuda_variable(e, (int)ATTR_OF(n, index)->index);
}

static void print_axis(CudaEmit *e, const Node *n)
{
	int a = (int)ATTR_OF(n, index)->index;
	if (e->k->axis.at[a].kind == AX_VECTOR)
		str_add(e->s, "lane");
	else
		str_fmt(e->s, "a%d", cuda_axis_number(e, a));
}

void cuda_value(CudaEmit *e, const Node *n)
{
	if (n->op == OP_const)
		cuda_const(e, n);
	else if (has_name(e, n))
		str_fmt(e->s, "t%d", e->temp[n->id].name - 1);
	else if (n->op == OP_axis)
		print_axis(e, n);
	else if (n->op == OP_var)
		print_var(e, n);
	else if (n->op == OP_load)
		print_load(e, n);
	else if (is_fold(n))
		cuda_cannot(e, "a fold stands where threads cannot meet");
	else if (n->op == OP_select) {
		str_add(e->s, "(");
		for (int i = 0; i < 3; i++) {
			cuda_value(e, n->in[i]);
			str_add(e->s, i == 0 ? " ? " : i == 1 ? " : " : ")");
		}
	} else
		cuda_operator(e, n);
}

/* --- folds ----------------------------------------------------------------------------------- */

/* x combined into the variable `name`, over the UNROLL axes list[0 .. n). */
static void fold_copies(CudaEmit *e, const Node *n, const int64_t *list, int count, int name)
{
	if (count == 0) {
		const char *acc = arena_printf(e->arena, "t%d", name);
		cuda_prepare(e, n->in[0]);
		const char *x = cuda_bare(e, n->in[0]);
		cuda_indent(e);
		str_fmt(e->s, "%s = ", acc);
		cuda_combine(e, n->op, n->type->dtype, acc, arena_printf(e->arena, "(%s)", x));
		str_add(e->s, ";\n");
		return;
	}
	int a = (int)list[0], number = cuda_axis_number(e, a), mark = cuda_scope_begin(e);
	uint64_t was = e->axis_time[a];
	e->axis_time[a] = ++e->time;
	cuda_line(e, "BURIN_UNROLL for (i32 a%d = 0; a%d < %lld; a%d++) {", number, number,
		  (long long)e->k->axis.at[a].extent, number);
	e->depth++;
	fold_copies(e, n, list + 1, count - 1, name);
	e->depth--;
	cuda_line(e, "}");
	e->axis_time[a] = was;
	cuda_scope_end(e, mark);
}

/* Every thread has one value. */
static void fold_at_once(CudaEmit *e, const Node *n)
{
	cuda_prepare(e, n->in[0]);
	const char *x = cuda_bare(e, n->in[0]);
	cuda_line(e, "const %s t%d = burin_%s_%s(%s, %d, room);",
		  cuda_register_type(n->type->dtype), give_name(e, n), op_info(n->op)->name,
		  dtype_info[n->type->dtype].name, x, e->threads / 32);
}

static void fold_value(CudaEmit *e, const Node *n, int64_t active)
{
	Ints all = ATTR_OF(n, axes)->axes;
	int64_t list[MAX_AXES];
	int count = 0;
	for (int i = 0; i < all.n; i++)
		if (e->k->axis.at[all.v[i]].kind == AX_UNROLL)
			list[count++] = all.v[i];
		else if (e->k->axis.at[all.v[i]].kind != AX_VECTOR)
			cuda_cannot(e, "a fold over a loop");
	if (count == 0 && active == e->threads) {
		fold_at_once(e, n);
		return;
	}
	int name = e->n_temp++;
	cuda_indent(e);
	str_fmt(e->s, "%s t%d = ", cuda_register_type(n->type->dtype), name);
	cuda_neutral(e, n->op, n->type->dtype);
	str_add(e->s, ";\n");
	int mark = cuda_scope_begin(e);
	if (active < e->threads)
		cuda_line(e, "if (lane < %lld) {", (long long)active);
	e->depth += active < e->threads;
	fold_copies(e, n, list, count, name);
	e->depth -= active < e->threads;
	if (active < e->threads)
		cuda_line(e, "}");
	cuda_scope_end(e, mark);
	if (over_threads(e, n))
		cuda_line(e, "t%d = burin_%s_%s(t%d, %d, room);", name, op_info(n->op)->name,
			  dtype_info[n->type->dtype].name, name, e->threads / 32);
	struct CudaUndo u = { n->id, e->temp[n->id] };
	vec_push(e->arena, &e->undo, u);
	e->temp[n->id] = (CudaTemp){ name + 1, ++e->time };
}

static void print_fold(CudaEmit *e, const Node *n)
{
	Ints axes = ATTR_OF(n, axes)->axes;
	int64_t active = e->threads;
	for (int i = 0; i < axes.n; i++)
		if (e->k->axis.at[axes.v[i]].kind == AX_VECTOR)
			active = e->k->axis.at[axes.v[i]].extent;
	if (over_threads(e, n) && e->divergent)
		cuda_cannot(e, "threads meet inside of a branch that not all take");
	else
		fold_value(e, n, active);
}

void cuda_meet(CudaEmit *e, const Node *n)
{
	if (is_leaf(n) || !e->fact[n->id].meets || has_name(e, n))
		return;
	for (int i = 0; i < n->n_in; i++)
		cuda_meet(e, n->in[i]);
	if (is_fold(n) && over_threads(e, n))
		print_fold(e, n);
}

/* --- choice ---------------------------------------------------------------------------------- */

/* Can n, which reads memory, be written out inside of ? : */
static bool fits_line(const CudaEmit *e, const Node *n)
{
	if (is_leaf(n) || !e->fact[n->id].loads || has_name(e, n))
		return true;
	if (is_fold(n) || e->fact[n->id].uses > 1)
		return false;
	for (int i = 0; i < n->n_in; i++)
		if (!fits_line(e, n->in[i]))
			return false;
	return true;
}

/* Names for what n needs and can be had without reading memory. */
static void prepare_side(CudaEmit *e, const Node *n)
{
	if (!e->fact[n->id].loads) {
		cuda_prepare(e, n);
		return;
	}
	for (int i = 0; !has_name(e, n) && i < n->n_in; i++)
		prepare_side(e, n->in[i]);
}

static void print_side(CudaEmit *e, const Node *n, int name)
{
	int mark = cuda_scope_begin(e);
	e->depth++;
	cuda_prepare(e, n);
	cuda_indent(e);
	str_fmt(e->s, "t%d = %s;\n", name, cuda_bare(e, n));
	e->depth--;
	cuda_scope_end(e, mark);
}

static void print_branch(CudaEmit *e, const Node *n)
{
	bool was = e->divergent;
	cuda_prepare(e, n->in[0]);
	int name = e->n_temp++;
	cuda_line(e, "%s t%d;", cuda_type(e, n), name);
	cuda_indent(e);
	str_fmt(e->s, "if (%s) {\n", cuda_bare(e, n->in[0]));
	e->divergent = was || e->lane[n->in[0]->id];
	print_side(e, n->in[1], name);
	cuda_line(e, "} else {");
	print_side(e, n->in[2], name);
	cuda_line(e, "}");
	e->divergent = was;
	struct CudaUndo u = { n->id, e->temp[n->id] };
	vec_push(e->arena, &e->undo, u);
	e->temp[n->id] = (CudaTemp){ name + 1, ++e->time };
}

/* Without parentheses around the whole. */
const char *cuda_bare(CudaEmit *e, const Node *n)
{
	Str text, *was = e->s;
	str_init(&text, e->arena);
	e->s = &text;
	cuda_value(e, n);
	e->s = was;
	char *at = arena_strdup(e->arena, str_text(&text));
	int open = 0;
	size_t i = 0;
	for (; at[i]; i++) { /* does the first one close at the end? */
		open += (at[i] == '(') - (at[i] == ')');
		if (open == 0)
			break;
	}
	if (at[0] != '(' || i + 1 != text.n || text.n < 2)
		return at;
	at[i] = 0;
	return at + 1;
}

static void print_named(CudaEmit *e, const Node *n);

void cuda_named(CudaEmit *e, const Node *n)
{
	cuda_meet(e, n);
	cuda_prepare(e, n);
	if (n->op != OP_const && !has_name(e, n))
		print_named(e, n);
}

static void print_named(CudaEmit *e, const Node *n)
{
	const char *text = cuda_bare(e, n);
	cuda_line(e, "const %s t%d = %s;", cuda_type(e, n), give_name(e, n), text);
}

void cuda_prepare(CudaEmit *e, const Node *n)
{
	if (is_leaf(n) || has_name(e, n))
		return;
	if (is_fold(n)) {
		print_fold(e, n);
		return;
	}
	if (n->op == OP_select) {
		if (!fits_line(e, n->in[1]) || !fits_line(e, n->in[2])) {
			print_branch(e, n);
			return;
		}
		cuda_prepare(e, n->in[0]);
		prepare_side(e, n->in[1]);
		prepare_side(e, n->in[2]);
	} else {
		for (int i = 0; i < n->n_in; i++)
			cuda_prepare(e, n->in[i]);
	}
	if (e->fact[n->id].uses > 1)
		print_named(e, n);
}
