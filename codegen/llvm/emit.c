/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Kernel -> LLVM IR, the statements. The result is final SSA: no memory for variables, a phi per
 * carried value, unrolled copies written out, vectors as vectors; LLVM's code generator alone makes
 * peak code of it, without optimisation passes.
 *
 * Terms: a *scope* is a region of code (the function, a loop's body, a branch). A value belongs to
 * the outermost scope in which all it needs is known, and is emitted there: so what a loop need not
 * repeat goes to the block before it. A *copy* of a variable is its value for one combination of
 * the UNROLL axes that index it. */
#include "codegen/llvm/internal.h"
#include <string.h>

LLVMValueRef emit_fail(Emit *e, const char *what)
{
	if (!e->error)
		e->error = what;
	return index_const(e, 0);
}

/* --- blocks and scopes ----------------------------------------------------------------------- */

LLVMBasicBlockRef new_block(Emit *e, const char *name)
{
	return LLVMAppendBasicBlockInContext(e->lc, e->fn, name);
}

void set_block(Emit *e, LLVMBasicBlockRef b)
{
	e->block = b;
	LLVMPositionBuilderAtEnd(e->b, b);
}

void scope_push(Emit *e, uint64_t axes, LLVMBasicBlockRef before, LLVMValueRef mask)
{
	Scope s = { .axes = axes, .before = before, .mask = mask };
	if (!mask && e->scope.n)
		s.mask = open_mask(e);
	vec_push(e->arena, &e->scope, s);
	e->place = scope_top(e);
}

static void memo_drop(Emit *e, Memo *m)
{
	for (; m; m = m->older) {
		Memo **at = memo_bucket(e, m->key);
		while (*at != m)
			at = &(*at)->chain;
		*at = m->chain;
	}
}

void scope_pop(Emit *e)
{
	memo_drop(e, e->scope.at[scope_top(e)].memo);
	e->scope.n--;
	e->place = scope_top(e);
}

/* --- axes and variables ---------------------------------------------------------------------- */

int lanes_open(const Emit *e)
{
	return e->lane_axis < 0 ? 1 : e->k->axis.at[e->lane_axis].lanes;
}

int var_copy(Emit *e, int var)
{
	int64_t i = 0;
	for (uint64_t set = e->k->var.at[var].axes; set; set &= set - 1) {
		int a = __builtin_ctzll(set);
		const Axis *axis = &e->k->axis.at[a];
		if (axis->kind != AX_UNROLL)
			continue;
		if (e->axis[a].mode != AXIS_CONSTANT) {
			emit_fail(e, "a variable is used outside of an axis that indexes it");
			return 0;
		}
		i = i * axis->extent + e->axis[a].index;
	}
	return (int)i;
}

static void var_init(Emit *e, int var)
{
	VarState *v = &e->var[var];
	int64_t n = 1;
	v->lanes = 1;
	for (uint64_t set = e->k->var.at[var].axes; set; set &= set - 1) {
		const Axis *axis = &e->k->axis.at[__builtin_ctzll(set)];
		if (axis->kind == AX_UNROLL)
			n *= axis->extent;
		if (axis->kind == AX_VECTOR)
			v->lanes = axis->lanes;
	}
	if (n > 1 << 16) {
		emit_fail(e, "a variable has too many copies");
		n = 1;
	}
	v->n_copy = (int)n;
	v->copy = ARENA_ARRAY(e->arena, LLVMValueRef, n);
}

static void var_changed(Emit *e, int var)
{
	e->var_time[var % 64] = ++e->time;
}

static void bufs_changed(Emit *e, uint64_t bits)
{
	++e->time;
	for (; bits; bits &= bits - 1)
		e->buf_time[__builtin_ctzll(bits)] = e->time;
}

/* What a body assigns without declaring it, what it declares, and the buffers it stores to. */
typedef struct Changes {
	bool *var, *declared;
	uint64_t bufs;
} Changes;

static void changes_of(Emit *e, const Stmt *s, Changes *c)
{
	for (; s; s = s->next) {
		if (s->kind == S_VAR)
			c->declared[s->var] = true;
		if (s->kind == S_SET && !c->declared[s->var])
			c->var[s->var] = true;
		if (s->kind == S_STORE)
			c->bufs |= kernel_buf_bit(e->k, s->buf);
		changes_of(e, s->body, c);
	}
}

static Changes changes(Emit *e, const Stmt *body)
{
	Changes c = { ARENA_ARRAY(e->arena, bool, e->k->var.n + 1),
		      ARENA_ARRAY(e->arena, bool, e->k->var.n + 1), 0 };
	changes_of(e, body, &c);
	return c;
}

/* After the body: what it declared is gone, and its values must not be met again when the same body
 * is emitted once more. */
static void forget_declared(Emit *e, const Changes *c)
{
	for (int v = 0; v < e->k->var.n; v++)
		for (int i = 0; c->declared[v] && i < e->var[v].n_copy; i++)
			e->var[v].copy[i] = NULL;
}

/* The copies that changed variables have now, one after another. */
typedef struct Carried {
	LLVMValueRef **at; /* the places */
	LLVMValueRef *was;
	LLVMValueRef *phi;
	int n;
} Carried;

static Carried carried(Emit *e, const Changes *c)
{
	Carried l = { 0 };
	int n = 0;
	for (int v = 0; v < e->k->var.n; v++)
		n += c->var[v] ? e->var[v].n_copy : 0;
	l.at = ARENA_ARRAY(e->arena, LLVMValueRef *, n + 1);
	l.was = ARENA_ARRAY(e->arena, LLVMValueRef, n + 1);
	l.phi = ARENA_ARRAY(e->arena, LLVMValueRef, n + 1);
	for (int v = 0; v < e->k->var.n; v++)
		for (int i = 0; c->var[v] && i < e->var[v].n_copy; i++) {
			if (!e->var[v].copy[i])
				continue;
			l.at[l.n] = &e->var[v].copy[i];
			l.was[l.n++] = e->var[v].copy[i];
		}
	return l;
}

static void note_changes(Emit *e, const Changes *c)
{
	for (int v = 0; v < e->k->var.n; v++)
		if (c->var[v])
			var_changed(e, v);
	bufs_changed(e, c->bufs);
}

/* The copies after a region that may have been skipped: joins the values from `skipped` and `done`.
 */
static void join_carried(Emit *e, Carried *l, LLVMBasicBlockRef skipped, LLVMBasicBlockRef done)
{
	LLVMBasicBlockRef from[2] = { skipped, done };
	for (int i = 0; i < l->n; i++) {
		LLVMValueRef in[2] = { l->was[i], *l->at[i] };
		if (in[0] == in[1])
			continue;
		*l->at[i] = LLVMBuildPhi(e->b, LLVMTypeOf(in[0]), "");
		LLVMAddIncoming(*l->at[i], in, from, 2);
	}
}

/* --- statements ------------------------------------------------------------------------------ */

static void emit_body(Emit *e, const Stmt *s);

static void emit_unrolled(Emit *e, const Stmt *s)
{
	AxisState *a = &e->axis[s->axis], was = *a;
	for (int64_t i = 0; i < e->k->axis.at[s->axis].extent && !e->error; i++) {
		*a = (AxisState){ .mode = AXIS_CONSTANT, .index = i };
		emit_body(e, s->body);
	}
	*a = was;
}

static void emit_lanes(Emit *e, const Stmt *s)
{
	AxisState *a = &e->axis[s->axis], was = *a;
	if (e->lane_axis >= 0) {
		emit_fail(e, "two vector axes are open at once");
		return;
	}
	*a = (AxisState){ .mode = AXIS_LANES };
	e->lane_axis = s->axis;
	emit_body(e, s->body);
	e->lane_axis = -1;
	*a = was;
}

static void emit_once(Emit *e, const Stmt *s, int64_t index)
{
	AxisState *a = &e->axis[s->axis], was = *a;
	Changes change = changes(e, s->body);
	scope_push(e, (uint64_t)1 << s->axis, NULL, NULL);
	*a = (AxisState){ .mode = AXIS_CONSTANT, .index = index, .depth = scope_top(e) };
	emit_body(e, s->body);
	scope_pop(e);
	forget_declared(e, &change);
	*a = was;
}

/* before: [if lo < hi] body: axis = phi, ...; axis + 1 < hi ? body : after */
static void emit_counted(Emit *e, const Stmt *s, LLVMValueRef lo, LLVMValueRef hi, bool runs)
{
	const char *name = e->k->axis.at[s->axis].name;
	LLVMTypeRef i64 = LLVMInt64TypeInContext(e->lc);
	LLVMBasicBlockRef before = e->block, body = new_block(e, name ? name : "loop");
	LLVMBasicBlockRef after = new_block(e, "after");
	Changes change = changes(e, s->body);
	Carried l = carried(e, &change);
	AxisState *a = &e->axis[s->axis], was = *a;
	if (runs)
		LLVMBuildBr(e->b, body);
	else
		LLVMBuildCondBr(e->b, LLVMBuildICmp(e->b, LLVMIntSLT, lo, hi, ""), body, after);
	set_block(e, body);
	LLVMValueRef i = LLVMBuildPhi(e->b, i64, name ? name : "");
	for (int j = 0; j < l.n; j++) {
		l.phi[j] = LLVMBuildPhi(e->b, LLVMTypeOf(l.was[j]), "");
		*l.at[j] = l.phi[j];
	}
	scope_push(e, (uint64_t)1 << s->axis, before, NULL);
	*a = (AxisState){ .mode = AXIS_VALUE, .value = i, .depth = scope_top(e) };
	note_changes(e, &change);
	emit_body(e, s->body);
	scope_pop(e);
	forget_declared(e, &change);
	*a = was;
	LLVMBasicBlockRef latch = e->block;
	LLVMValueRef next = LLVMBuildAdd(e->b, i, index_const(e, 1), "");
	LLVMSetNSW(next, true);
	LLVMBuildCondBr(e->b, LLVMBuildICmp(e->b, LLVMIntSLT, next, hi, ""), body, after);
	LLVMBasicBlockRef from[2] = { before, latch };
	LLVMValueRef index_in[2] = { lo, next };
	LLVMAddIncoming(i, index_in, from, 2);
	for (int j = 0; j < l.n; j++) {
		LLVMValueRef in[2] = { l.was[j], *l.at[j] };
		LLVMAddIncoming(l.phi[j], in, from, 2);
	}
	set_block(e, after);
	if (!runs)
		join_carried(e, &l, before, latch);
	note_changes(e, &change);
}

static bool const_index(LLVMValueRef v, int64_t *out)
{
	if (!LLVMIsAConstantInt(v))
		return false;
	*out = (int64_t)LLVMConstIntGetSExtValue(v);
	return true;
}

static void emit_loop(Emit *e, const Stmt *s)
{
	const Axis *axis = &e->k->axis.at[s->axis];
	int64_t from, to;
	if (axis->kind == AX_UNROLL || axis->kind == AX_VECTOR) {
		(axis->kind == AX_UNROLL ? emit_unrolled : emit_lanes)(e, s);
		return;
	}
	if (axis->kind == AX_TASK) {
		unsigned n = LLVMCountParams(e->fn);
		emit_counted(e, s, LLVMGetParam(e->fn, n - 3), LLVMGetParam(e->fn, n - 2), false);
		return;
	}
	LLVMValueRef lo = s->lo ? eval(e, s->lo) : index_const(e, 0);
	LLVMValueRef hi = s->hi ? eval(e, s->hi) : index_const(e, axis->extent);
	if (e->error)
		return;
	if (!const_index(lo, &from) || !const_index(hi, &to))
		emit_counted(e, s, lo, hi, false);
	else if (to - from == 1)
		emit_once(e, s, from);
	else if (to > from)
		emit_counted(e, s, lo, hi, true);
}

static void emit_if(Emit *e, const Stmt *s)
{
	LLVMValueRef cond = eval(e, s->cond);
	if (e->error)
		return;
	if (LLVMIsAConstantInt(cond)) {
		if (LLVMConstIntGetZExtValue(cond))
			emit_body(e, s->body);
		return;
	}
	if (lanes_of(cond) != 1) {
		emit_fail(e, "the condition of a statement depends on a vector axis");
		return;
	}
	LLVMBasicBlockRef before = e->block, then = new_block(e, "then");
	LLVMBasicBlockRef after = new_block(e, "after");
	Changes change = changes(e, s->body);
	Carried l = carried(e, &change);
	LLVMBuildCondBr(e->b, cond, then, after);
	set_block(e, then);
	scope_push(e, 0, before, NULL);
	emit_body(e, s->body);
	scope_pop(e);
	forget_declared(e, &change);
	LLVMBasicBlockRef done = e->block;
	LLVMBuildBr(e->b, after);
	set_block(e, after);
	join_carried(e, &l, before, done);
	note_changes(e, &change);
}

static void emit_assign(Emit *e, const Stmt *s)
{
	VarState *v = &e->var[s->var];
	LLVMValueRef x = eval(e, s->value);
	if (e->error)
		return;
	if (lanes_of(x) > v->lanes) {
		emit_fail(e, "a variable is set to a vector but has no vector axis");
		return;
	}
	int i = var_copy(e, s->var);
	if (e->error)
		return;
	if (s->kind == S_SET && !v->copy[i]) {
		emit_fail(e, "a variable is set before it is declared");
		return;
	}
	v->copy[i] = splat(e, x, v->lanes);
	var_changed(e, s->var);
}

static void emit_stored(Emit *e, const Stmt *s)
{
	LLVMValueRef v = eval(e, s->value);
	if (!e->error)
		emit_store(e, s->buf, s->at, v);
	bufs_changed(e, kernel_buf_bit(e->k, s->buf));
}

static void emit_stmt(Emit *e, const Stmt *s)
{
	switch (s->kind) {
	case S_LOOP: emit_loop(e, s); return;
	case S_VAR:
	case S_SET: emit_assign(e, s); return;
	case S_STORE: emit_stored(e, s); return;
	case S_IF: emit_if(e, s); return;
	case S_BLOCK:
		e->blocks++;
		emit_body(e, s->body);
		e->blocks--;
		return;
	case S_MMA: /* of GPUs */
	case S_BARRIER: return;
	case STMT_KINDS: break;
	}
	emit_fail(e, "unknown statement");
}

static void emit_body(Emit *e, const Stmt *s)
{
	for (; s && !e->error; s = s->next)
		emit_stmt(e, s);
}

/* --- the function ---------------------------------------------------------------------------- */

static LLVMAttributeRef enum_attribute(Emit *e, const char *name, uint64_t value)
{
	unsigned kind = LLVMGetEnumAttributeKindForName(name, strlen(name));
	return LLVMCreateEnumAttribute(e->lc, kind, value);
}

static void string_attribute(Emit *e, const char *name, const char *value)
{
	LLVMAttributeRef a = LLVMCreateStringAttribute(e->lc, name, (unsigned)strlen(name), value,
						       (unsigned)strlen(value));
	LLVMAddAttributeAtIndex(e->fn, LLVMAttributeFunctionIndex, a);
}

static void pointer_attributes(Emit *e, unsigned param, const Buf *buf, bool written)
{
	LLVMAttributeIndex at = param + 1;
	if (!buf || !buf->aliased)
		LLVMAddAttributeAtIndex(e->fn, at, enum_attribute(e, "noalias", 0));
	if (buf && !written)
		LLVMAddAttributeAtIndex(e->fn, at, enum_attribute(e, "readonly", 0));
	uint64_t align = buf ? (uint64_t)(buf->align > 0 ? buf->align : 1) : 64;
	LLVMAddAttributeAtIndex(e->fn, at, enum_attribute(e, "align", align));
}

static void make_function(Emit *e, const char *symbol)
{
	LLVMTypeRef ptr = LLVMPointerTypeInContext(e->lc, 0), i64 = LLVMInt64TypeInContext(e->lc);
	LLVMTypeRef *param = ARENA_ARRAY(e->arena, LLVMTypeRef, e->k->buf.n + 3);
	unsigned n = 0;
	for (int i = 0; i < e->k->buf.n; i++)
		if (e->k->buf.at[i].space == BUF_ARG)
			param[n++] = ptr;
	param[n++] = i64;
	param[n++] = i64;
	param[n++] = ptr;
	e->fn = LLVMAddFunction(e->module, symbol,
				LLVMFunctionType(LLVMVoidTypeInContext(e->lc), param, n, false));
	LLVMAddAttributeAtIndex(e->fn, LLVMAttributeFunctionIndex,
				enum_attribute(e, "nounwind", 0));
	string_attribute(e, "no-builtins", "");
	string_attribute(e, "target-cpu", e->target->cpu);
	if (e->target->vector_bytes == 64)
		string_attribute(e, "prefer-vector-width", "512");
	n = 0;
	for (int i = 0; i < e->k->buf.n; i++) {
		const Buf *buf = &e->k->buf.at[i];
		if (buf->space != BUF_ARG)
			continue;
		pointer_attributes(e, n, buf, e->written & kernel_buf_bit(e->k, i));
		e->base[i] = LLVMGetParam(e->fn, n++);
		if (buf->name)
			LLVMSetValueName2(e->base[i], buf->name, strlen(buf->name));
	}
	LLVMSetValueName2(LLVMGetParam(e->fn, n), "begin", 5);
	LLVMSetValueName2(LLVMGetParam(e->fn, n + 1), "end", 3);
	LLVMSetValueName2(LLVMGetParam(e->fn, n + 2), "scratch", 7);
	pointer_attributes(e, n + 2, NULL, true);
}

static void place_scratch(Emit *e)
{
	LLVMTypeRef i8 = LLVMInt8TypeInContext(e->lc);
	LLVMValueRef scratch = LLVMGetParam(e->fn, LLVMCountParams(e->fn) - 1);
	for (int i = 0; i < e->k->buf.n; i++) {
		const Buf *buf = &e->k->buf.at[i];
		LLVMValueRef at = index_const(e, buf->offset);
		if (buf->space == BUF_SCRATCH)
			e->base[i] = buf->offset ? LLVMBuildGEP2(e->b, i8, scratch, &at, 1,
								 buf->name ? buf->name : "")
						 : scratch;
	}
}

static bool fits(Emit *e)
{
	for (int i = 0; i < e->k->axis.n; i++) {
		const Axis *a = &e->k->axis.at[i];
		bool vector = a->kind == AX_VECTOR;
		if (vector && (a->lanes < 1 || a->lanes > 256 || a->extent > a->lanes))
			emit_fail(e, "a vector axis has no usable width");
	}
	return e->error == NULL;
}

bool emit_kernel(const Kernel *k, const Target *t, LLVMModuleRef m, const char *symbol,
		 Arena *arena, const char **error)
{
	Emit *e = ARENA_NEW(arena, Emit);
	e->k = k;
	e->target = t;
	e->arena = arena;
	e->module = m;
	e->lc = LLVMGetModuleContext(m);
	e->strict = k->ctx->fp == FP_STRICT;
	e->fast = k->ctx->fp == FP_FAST;
	e->fma = t->fma && !e->strict;
	e->lane_axis = -1;
	e->axis = ARENA_ARRAY(arena, AxisState, k->axis.n + 1);
	e->var = ARENA_ARRAY(arena, VarState, k->var.n + 1);
	e->base = ARENA_ARRAY(arena, LLVMValueRef, k->buf.n + 1);
	e->b = LLVMCreateBuilderInContext(e->lc);
	for (int i = 0; i < k->var.n; i++)
		var_init(e, i);
	e->fact = kernel_facts(k, arena, &e->written);
	if (fits(e)) {
		make_function(e, symbol);
		set_block(e, new_block(e, "entry"));
		scope_push(e, 0, NULL, NULL);
		place_scratch(e);
		emit_body(e, k->body);
		LLVMBuildRetVoid(e->b);
	}
	LLVMDisposeBuilder(e->b);
	*error = e->error;
	return e->error == NULL;
}
