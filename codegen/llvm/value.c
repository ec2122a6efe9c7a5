/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Expressions: evaluated on demand, once per scope and copy.
 *
 * Every node is emitted in the outermost scope in which its axes are open, unless it is *pinned*
 * (reads memory or a variable): then where it is asked for. A memo keeps what was emitted, by node
 * and by the indices of the UNROLL axes it depends on; an entry ends with its scope, or when a
 * variable or buffer that it read has changed since. */
#include "codegen/llvm/internal.h"
#include "ir/blob.h"

/* --- places ---------------------------------------------------------------------------------- */

static int depth_of_axes(const Emit *e, uint64_t axes)
{
	int d = scope_top(e);
	while (d > 0 && !(e->scope.at[d].axes & axes))
		d--;
	return d;
}

static void stand(Emit *e)
{
	int d = e->place + 1;
	while (d < e->scope.n && !e->scope.at[d].before)
		d++;
	if (d < e->scope.n)
		LLVMPositionBuilderBefore(e->b, LLVMGetBasicBlockTerminator(e->scope.at[d].before));
	else
		LLVMPositionBuilderAtEnd(e->b, e->block);
}

int go_to(Emit *e, int depth)
{
	int was = e->place;
	if (depth != was) {
		e->place = depth;
		stand(e);
	}
	return was;
}

void come_back(Emit *e, int place)
{
	if (place != e->place) {
		e->place = place;
		stand(e);
	}
}

/* --- memo ------------------------------------------------------------------------------------ */

static uint64_t memo_key(Emit *e, const Node *n)
{
	uint64_t copy = 0;
	for (uint64_t set = n->axes; set; set &= set - 1) {
		int a = __builtin_ctzll(set);
		const Axis *axis = &e->k->axis.at[a];
		if (axis->kind == AX_UNROLL)
			copy = copy * (uint64_t)axis->extent + (uint64_t)e->axis[a].index;
	}
	return (uint64_t)n->id << 32 | (copy & 0xffffffff);
}

static bool memo_fresh(const Emit *e, const Memo *m, const NodeFact *fact)
{
	for (uint64_t set = fact->vars; set; set &= set - 1)
		if (e->var_time[__builtin_ctzll(set)] > m->time)
			return false;
	for (uint64_t set = fact->bufs; set; set &= set - 1)
		if (e->buf_time[__builtin_ctzll(set)] > m->time)
			return false;
	return true;
}

static Memo *memo_find(Emit *e, uint64_t key, const NodeFact *fact)
{
	for (Memo *m = *memo_bucket(e, key); m; m = m->chain)
		if (m->key == key && memo_fresh(e, m, fact))
			return m;
	return NULL;
}

static void memo_put(Emit *e, uint64_t key, int depth, LLVMValueRef v)
{
	Memo *m = ARENA_NEW(e->arena, Memo);
	Memo **bucket = memo_bucket(e, key);
	Scope *s = &e->scope.at[depth];
	*m = (Memo){ key, v, e->time, depth, *bucket, s->memo };
	*bucket = m;
	s->memo = m;
}

/* --- leaves ---------------------------------------------------------------------------------- */

static LLVMValueRef eval_const(Emit *e, const Node *n)
{
	const Blob *blob = ATTR_OF(n, data)->data;
	LLVMTypeRef t = scalar_type(e, n->type->dtype);
	if (dtype_is_float(n->type->dtype))
		return const_f(e, t, blob_f64(blob, 0));
	return const_i(e, t, blob_i64(blob, 0));
}

static LLVMValueRef eval_axis(Emit *e, const Node *n, int *depth)
{
	int a = (int)ATTR_OF(n, index)->index;
	const AxisState *s = &e->axis[a];
	LLVMTypeRef i64 = LLVMInt64TypeInContext(e->lc);
	LLVMValueRef lane[256];
	*depth = s->depth;
	switch (s->mode) {
	case AXIS_CONSTANT: return index_const(e, s->index);
	case AXIS_VALUE: return s->value;
	case AXIS_LANES:
		for (int i = 0; i < e->k->axis.at[a].lanes; i++)
			lane[i] = LLVMConstInt(i64, (unsigned)i, false);
		if (e->k->axis.at[a].lanes == 1)
			return lane[0];
		return LLVMConstVector(lane, (unsigned)e->k->axis.at[a].lanes);
	case AXIS_CLOSED: break;
	}
	return emit_fail(e, "an axis is used outside of its loop");
}

static LLVMValueRef eval_var(Emit *e, const Node *n)
{
	int var = (int)ATTR_OF(n, index)->index, i = var_copy(e, var);
	LLVMValueRef v = e->var[var].copy[i];
	return v ? v : emit_fail(e, "a variable is read before it is declared");
}

/* --- choice ---------------------------------------------------------------------------------- */

/* Would evaluating n now touch memory that the other side of a choice must not touch? */
static bool needs_guard(Emit *e, const Node *n)
{
	const NodeFact *fact = &e->fact[n->id];
	return fact->loads && !memo_find(e, memo_key(e, n), fact);
}

static LLVMValueRef select_value(Emit *e, LLVMValueRef c, LLVMValueRef x, LLVMValueRef y)
{
	int lanes = lanes_of(c);
	lanes = lanes_of(x) > lanes ? lanes_of(x) : lanes;
	lanes = lanes_of(y) > lanes ? lanes_of(y) : lanes;
	return LLVMBuildSelect(e->b, c, splat(e, x, lanes), splat(e, y, lanes), "");
}

/* One side in a block of its own, which ends in a jump to `after`; *end is where it ends. */
static LLVMValueRef branch_side(Emit *e, const Node *n, LLVMBasicBlockRef block,
				LLVMBasicBlockRef before, LLVMBasicBlockRef *end)
{
	set_block(e, block);
	scope_push(e, 0, before, NULL);
	LLVMValueRef v = eval(e, n);
	scope_pop(e);
	*end = e->block;
	return v;
}

static LLVMValueRef branch_choice(Emit *e, LLVMValueRef c, const Node *x, const Node *y)
{
	LLVMBasicBlockRef before = e->block, after = new_block(e, "chosen");
	LLVMBasicBlockRef block[2] = { new_block(e, "yes"), new_block(e, "no") }, end[2];
	LLVMBuildCondBr(e->b, c, block[0], block[1]);
	LLVMValueRef in[2];
	in[0] = branch_side(e, x, block[0], before, &end[0]);
	in[1] = branch_side(e, y, block[1], before, &end[1]);
	if (e->error)
		return in[0];
	int lanes = lanes_of(in[0]) > lanes_of(in[1]) ? lanes_of(in[0]) : lanes_of(in[1]);
	for (int i = 0; i < 2; i++) {
		LLVMPositionBuilderAtEnd(e->b, end[i]);
		in[i] = splat(e, in[i], lanes);
		LLVMBuildBr(e->b, after);
	}
	set_block(e, after);
	LLVMValueRef v = LLVMBuildPhi(e->b, LLVMTypeOf(in[0]), "");
	LLVMAddIncoming(v, in, end, 2);
	return v;
}

static LLVMValueRef masked_side(Emit *e, const Node *n, LLVMValueRef mask)
{
	if (!needs_guard(e, n))
		return eval(e, n);
	LLVMValueRef outer = open_mask(e);
	if (outer)
		mask = LLVMBuildAnd(e->b, outer, mask, "");
	scope_push(e, 0, NULL, mask);
	LLVMValueRef v = eval(e, n);
	scope_pop(e);
	return v;
}

static LLVMValueRef eval_select(Emit *e, const Node *n)
{
	LLVMValueRef c = eval(e, n->in[0]);
	if (e->error)
		return c;
	if (LLVMIsAConstantInt(c))
		return eval(e, n->in[LLVMConstIntGetZExtValue(c) ? 1 : 2]);
	bool guard = needs_guard(e, n->in[1]) || needs_guard(e, n->in[2]);
	if (guard && lanes_of(c) == 1)
		return branch_choice(e, c, n->in[1], n->in[2]);
	LLVMValueRef x = guard ? masked_side(e, n->in[1], c) : eval(e, n->in[1]);
	LLVMValueRef y;
	if (guard && needs_guard(e, n->in[2]))
		y = masked_side(e, n->in[2], LLVMBuildNot(e->b, c, ""));
	else
		y = eval(e, n->in[2]);
	return e->error ? x : select_value(e, c, x, y);
}

/* --- folds ----------------------------------------------------------------------------------- */

static Op fold_op(Op fold)
{
	if (fold == OP_fold_sum)
		return OP_add;
	if (fold == OP_fold_prod)
		return OP_mul;
	return fold == OP_fold_max ? OP_max : OP_min;
}

static LLVMValueRef neutral(Emit *e, Op fold, DType dtype, LLVMTypeRef t)
{
	bool max = fold == OP_fold_max;
	int bits = dtype_info[dtype].bytes * 8;
	if (dtype_is_float(dtype)) {
		double far = max ? -__builtin_inf() : __builtin_inf();
		double v = fold == OP_fold_sum ? -0.0 : fold == OP_fold_prod ? 1 : far;
		return const_f(e, t, v);
	}
	if (fold == OP_fold_sum || fold == OP_fold_prod)
		return const_i(e, t, fold == OP_fold_prod);
	if (dtype_info[dtype].kind != 'i')
		return const_i(e, t, max ? 0 : -1);
	int64_t least = (int64_t)((uint64_t)-1 << (bits - 1));
	return const_i(e, t, max ? least : ~least);
}

/* The lanes in a fixed tree: halves are combined until one is left. */
static LLVMValueRef fold_lanes(Emit *e, const Node *n, LLVMValueRef v, const Axis *axis)
{
	DType t = n->type->dtype;
	int lanes = lanes_of(v), half = 1;
	if (lanes == 1 || e->error)
		return v;
	LLVMValueRef none = neutral(e, n->op, t, LLVMTypeOf(v));
	if (axis->extent < lanes)
		v = LLVMBuildSelect(e->b, lane_mask(e, lanes, axis->extent), v, none, "");
	while (half * 2 < lanes)
		half *= 2;
	if (half * 2 != lanes)
		return emit_fail(e, "the width of a vector axis is not a power of two");
	for (; half >= 1; half /= 2) {
		LLVMValueRef low = select_prefix(e, v, 0, half);
		LLVMValueRef high = select_prefix(e, v, half, half);
		v = combine(e, fold_op(n->op), t, low, high);
	}
	return v;
}

static LLVMValueRef fold_copies(Emit *e, const Node *n, Ints axes, LLVMValueRef sum);

/* The value under the axes that are fixed now, or, while `axes` are left, combined over the first
 * of them. */
static LLVMValueRef fold_axis(Emit *e, const Node *n, Ints axes, LLVMValueRef sum)
{
	int64_t a = axes.v[0];
	AxisState *s = &e->axis[a], was = *s;
	for (int64_t i = 0; i < e->k->axis.at[a].extent && !e->error; i++) {
		*s = (AxisState){ .mode = AXIS_CONSTANT, .index = i };
		sum = fold_copies(e, n, (Ints){ axes.n - 1, axes.v + 1 }, sum);
	}
	*s = was;
	return sum;
}

static LLVMValueRef fold_copies(Emit *e, const Node *n, Ints axes, LLVMValueRef sum)
{
	if (axes.n)
		return fold_axis(e, n, axes, sum);
	LLVMValueRef x = eval(e, n->in[0]);
	if (!sum || e->error)
		return x;
	int lanes = lanes_of(x) > lanes_of(sum) ? lanes_of(x) : lanes_of(sum);
	return combine(e, fold_op(n->op), n->type->dtype, splat(e, sum, lanes), splat(e, x, lanes));
}

static LLVMValueRef eval_fold(Emit *e, const Node *n)
{
	Ints list = ATTR_OF(n, axes)->axes;
	int64_t unrolled[MAX_AXES];
	Ints copies = { 0, unrolled };
	int vector = -1, lane_axis = e->lane_axis;
	for (int i = 0; i < list.n; i++) {
		AxisKind kind = e->k->axis.at[list.v[i]].kind;
		if (kind == AX_UNROLL)
			unrolled[copies.n++] = list.v[i];
		else if (kind == AX_VECTOR)
			vector = (int)list.v[i];
		else
			return emit_fail(e, "a fold over a loop");
	}
	if (vector < 0)
		return fold_copies(e, n, copies, NULL);
	if (open_mask(e) && e->fact[n->id].loads && vector != lane_axis)
		return emit_fail(e, "a fold reads memory under the mask of another axis");
	const Axis *axis = &e->k->axis.at[vector];
	AxisState was = e->axis[vector];
	e->axis[vector] = (AxisState){ .mode = AXIS_LANES };
	e->lane_axis = vector;
	LLVMValueRef v = fold_copies(e, n, copies, NULL);
	e->lane_axis = lane_axis;
	e->axis[vector] = was;
	return fold_lanes(e, n, splat(e, v, axis->lanes), axis);
}

/* --- operators ------------------------------------------------------------------------------- */

/* x * y + z for an addition of a product that nothing else needs; NULL when n is no such. */
static LLVMValueRef eval_contracted(Emit *e, const Node *n)
{
	if (!e->fma || (n->op != OP_add && n->op != OP_sub) ||
	    (n->type->dtype != DT_f32 && n->type->dtype != DT_f64))
		return NULL;
	int p = n->in[0]->op == OP_mul && e->fact[n->in[0]->id].uses == 1   ? 0
		: n->in[1]->op == OP_mul && e->fact[n->in[1]->id].uses == 1 ? 1
									    : -1;
	if (p < 0)
		return NULL;
	LLVMValueRef in[3] = { eval(e, n->in[p]->in[0]), eval(e, n->in[p]->in[1]),
			       eval(e, n->in[1 - p]) };
	if (e->error)
		return in[0];
	int lanes = 1;
	for (int i = 0; i < 3; i++)
		lanes = lanes_of(in[i]) > lanes ? lanes_of(in[i]) : lanes;
	for (int i = 0; i < 3; i++)
		in[i] = reloaded(e, splat(e, in[i], lanes));
	if (n->op == OP_sub && p == 0)
		in[2] = LLVMBuildFNeg(e->b, in[2], "");
	if (n->op == OP_sub && p == 1)
		in[0] = LLVMBuildFNeg(e->b, in[0], "");
	return emit_fma(e, in[0], in[1], in[2]);
}

static LLVMValueRef eval_operator(Emit *e, const Node *n)
{
	LLVMValueRef in[3];
	int lanes = 1;
	LLVMValueRef v = eval_contracted(e, n);
	if (v)
		return v;
	if (n->n_in > 3)
		return emit_fail(e, "an operator of the graph is left in a kernel");
	for (int i = 0; i < n->n_in; i++) {
		in[i] = eval(e, n->in[i]);
		lanes = lanes_of(in[i]) > lanes ? lanes_of(in[i]) : lanes;
	}
	bool arithmetic = n->op == OP_add || n->op == OP_sub || n->op == OP_mul || n->op == OP_div;
	for (int i = 0; i < n->n_in; i++) {
		in[i] = splat(e, in[i], lanes);
		in[i] = arithmetic && dtype_is_float(n->type->dtype) ? reloaded(e, in[i]) : in[i];
	}
	return e->error ? in[0] : emit_op(e, n, in);
}

/* Must be evaluated where it is asked for: reads a variable or memory, or needs blocks of its own.
 */
static bool is_pinned(const NodeFact *f)
{
	return f->vars || f->loads || f->branches;
}

static LLVMValueRef eval_node(Emit *e, const Node *n)
{
	switch ((int)n->op) {
	case OP_load: return emit_load(e, n);
	case OP_select: return eval_select(e, n);
	case OP_fold_sum:
	case OP_fold_prod:
	case OP_fold_max:
	case OP_fold_min: return eval_fold(e, n);
	}
	return eval_operator(e, n);
}

LLVMValueRef eval_depth(Emit *e, const Node *n, int *depth)
{
	*depth = 0;
	if (e->error)
		return LLVMGetUndef(scalar_type(e, n->type->dtype));
	if (n->op == OP_const)
		return eval_const(e, n);
	if (n->op == OP_axis)
		return eval_axis(e, n, depth);
	*depth = scope_top(e);
	if (n->op == OP_var)
		return eval_var(e, n);
	const NodeFact *fact = &e->fact[n->id];
	uint64_t key = memo_key(e, n);
	Memo *m = memo_find(e, key, fact);
	if (m) {
		*depth = m->depth;
		return m->value;
	}
	if (!is_pinned(fact))
		*depth = depth_of_axes(e, n->axes);
	int place = go_to(e, *depth);
	LLVMValueRef v = eval_node(e, n);
	come_back(e, place);
	memo_put(e, key, *depth, v);
	return v;
}

LLVMValueRef eval(Emit *e, const Node *n)
{
	int depth;
	return eval_depth(e, n, &depth);
}
