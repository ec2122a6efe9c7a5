/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The cursor of the kernel builder: scopes, statements, and kb_read. See kbuilder.h. */
#include "ir/kbuilder_impl.h"
#include <string.h>

/* --- life ------------------------------------------------------------------------------------ */

static Scope *scope_push(KBuilder *kb, Stmt *stmt, Stmt **tail, uint64_t axes)
{
	Scope *s = ARENA_NEW(kb->arena, Scope);
	s->outer = kb->scope;
	s->stmt = stmt;
	s->tail = tail;
	s->axes = axes;
	s->memo = map_create(kb->arena);
	s->depth = kb->scope ? kb->scope->depth + 1 : 0;
	kb->scope = s;
	return s;
}

KBuilder *kb_create(Context *c, Arena *arena, const Target *t, const char *kind)
{
	KBuilder *kb = ARENA_NEW(arena, KBuilder);
	kb->ctx = c;
	kb->arena = arena;
	kb->target = *t;
	kb->values = map_create(arena);
	kb->tensors = map_create(arena);
	kb->k = ARENA_NEW(arena, Kernel);
	kb->k->arena = arena;
	kb->k->ctx = c;
	kb->k->kind = kind;
	kb->k->n_tasks = 1;
	scope_push(kb, NULL, &kb->k->body, 0);
	return kb;
}

/* Arguments at the same place: a value overwrites one that it is computed from. */
static void mark_aliases(KBuilder *kb)
{
	for (int i = 0; i < kb->k->buf.n; i++)
		for (int j = 0; j < i; j++) {
			const Storage *x = kb->arg.at[i], *y = kb->arg.at[j];
			if (x && y && x->buffer == y->buffer && x->offset == y->offset)
				kb->k->buf.at[i].aliased = kb->k->buf.at[j].aliased = true;
		}
}

Kernel *kb_finish(KBuilder *kb)
{
	mark_aliases(kb);
	for (int i = 0; kb->owned && i < kb->k->buf.n; i++)
		kb->k->buf.at[i].owned = true;
	if (kb->target.kind == TARGET_CUDA)
		kernel_place_barriers(kb->k);
	kernel_finish(kb->k);
	return kb->k;
}

Kernel *kb_kernel(KBuilder *kb)
{
	return kb->k;
}

const Target *kb_target(const KBuilder *kb)
{
	return &kb->target;
}

void kb_set_lanes(KBuilder *kb, int lanes)
{
	kb->target.vector_bytes = lanes * 4;
}

void kb_own_all(KBuilder *kb)
{
	kb->owned = true;
}

Context *kb_context(const KBuilder *kb)
{
	return kb->ctx;
}

Arena *kb_arena(const KBuilder *kb)
{
	return kb->arena;
}

/* --- statements ------------------------------------------------------------------------------ */

static Stmt *append(KBuilder *kb, StmtKind kind)
{
	Stmt *s = ARENA_NEW(kb->arena, Stmt);
	s->kind = kind;
	s->axis = s->var = s->buf = -1;
	*kb->scope->tail = s;
	kb->scope->tail = &s->next;
	return s;
}

Node *kb_axis(KBuilder *kb, const char *name, AxisKind kind, int64_t extent, int lanes)
{
	Axis a = { .name = name, .kind = kind, .extent = extent, .lanes = lanes };
	Attr_index index = { .index = kb->k->axis.n };
	if (kb->k->axis.n == MAX_AXES) { /* the last one in its place: to be thrown away */
		diag_error(kb->ctx->diag, (Loc){ 0 }, E7001, "a kernel needs more than %d axes",
			   MAX_AXES);
		index.index = MAX_AXES - 1;
	} else {
		vec_push(kb->arena, &kb->k->axis, a);
	}
	Node *n = kb_intern(kb, OP_axis, attr_intern(kb->ctx, ATTR_index_RECORD, &index),
			    type_scalar(kb->ctx, DT_i64), NULL, 0);
	n->axes = (uint64_t)1 << index.index;
	return n;
}

int kb_axis_id(const Node *axis)
{
	return (int)ATTR_OF(axis, index)->index;
}

/* A loop is linked to its parent when it closes, so that what a read inside of it moves out goes
 * before it. */
void kb_open_range(KBuilder *kb, Node *axis, Node *lo, Node *hi)
{
	Stmt *s = ARENA_NEW(kb->arena, Stmt);
	s->kind = S_LOOP;
	s->axis = kb_axis_id(axis);
	s->var = s->buf = -1;
	s->lo = lo;
	s->hi = hi;
	scope_push(kb, s, &s->body, axis->axes);
}

void kb_open(KBuilder *kb, Node *axis)
{
	if (kb->k->axis.at[kb_axis_id(axis)].kind == AX_TASK)
		kb->k->n_tasks = kb->k->axis.at[kb_axis_id(axis)].extent;
	kb_open_range(kb, axis, NULL, NULL);
}

void kb_open_if(KBuilder *kb, Node *cond)
{
	Stmt *s = ARENA_NEW(kb->arena, Stmt);
	s->kind = S_IF;
	s->axis = s->var = s->buf = -1;
	s->cond = cond;
	scope_push(kb, s, &s->body, ~(uint64_t)0);
}

void kb_open_block(KBuilder *kb)
{
	Stmt *s = ARENA_NEW(kb->arena, Stmt);
	s->kind = S_BLOCK;
	s->axis = s->var = s->buf = -1;
	scope_push(kb, s, &s->body, 0);
}

void kb_close(KBuilder *kb)
{
	Stmt *s = kb->scope->stmt;
	kb->scope = kb->scope->outer;
	if (!s->body)
		return;
	*kb->scope->tail = s;
	kb->scope->tail = &s->next;
}

Scope *kb_scope_of(KBuilder *kb, uint64_t axes)
{
	Scope *s = kb->scope;
	while (s->outer && !(s->axes & axes) && s->axes != ~(uint64_t)0)
		s = s->outer;
	return s;
}

Scope *kb_move(KBuilder *kb, Scope *s)
{
	Scope *was = kb->scope;
	kb->scope = s;
	return was;
}

uint64_t kb_copies(KBuilder *kb, uint64_t axes)
{
	uint64_t out = 0;
	for (int i = 0; i < kb->k->axis.n; i++) {
		AxisKind kind = kb->k->axis.at[i].kind;
		if ((axes >> i & 1) && (kind == AX_UNROLL || kind == AX_VECTOR))
			out |= (uint64_t)1 << i;
	}
	return out;
}

/* The axes of all loops open around the cursor. */
static uint64_t open_axes(const KBuilder *kb)
{
	uint64_t axes = 0;
	for (const Scope *s = kb->scope; s; s = s->outer)
		if (s->axes != ~(uint64_t)0)
			axes |= s->axes;
	return axes;
}

Node *kb_var(KBuilder *kb, const char *name, Node *value, uint64_t axes)
{
	Var v = { .name = name, .dtype = value->type->dtype, .axes = kb_copies(kb, axes) };
	Attr_index index = { .index = kb->k->var.n };
	vec_push(kb->arena, &kb->k->var, v);
	vec_push(kb->arena, &kb->var_depth, kb->scope->depth);
	Stmt *s = append(kb, S_VAR);
	s->var = (int)index.index;
	s->value = value;
	Node *n = kb_intern(kb, OP_var, attr_intern(kb->ctx, ATTR_index_RECORD, &index),
			    value->type, NULL, 0);
	/* It changes with every loop around its declaration, and is a copy per index of its own
	 * axes. */
	n->axes = v.axes | open_axes(kb) | value->axes;
	return n;
}

void kb_set(KBuilder *kb, Node *var, Node *value)
{
	Stmt *s = append(kb, S_SET);
	s->var = (int)ATTR_OF(var, index)->index;
	s->value = value;
}

void kb_barrier(KBuilder *kb)
{
	append(kb, S_BARRIER);
}

void kb_mma(KBuilder *kb, Node *c, Node *a, Node *b, MmaShape axes)
{
	Node *at[5] = { a, b, axes.c, axes.a, axes.b };
	Stmt *s = append(kb, S_MMA);
	s->var = (int)ATTR_OF(c, index)->index;
	s->axis = kb_axis_id(axes.lanes);
	memcpy(s->at, at, sizeof at);
}

/* --- buffers --------------------------------------------------------------------------------- */

Tensor *kb_tensor(KBuilder *kb, const Node *n)
{
	return map_get_ptr(kb->tensors, n);
}

static Tensor *tensor_add(KBuilder *kb, const Node *n, Role role)
{
	Tensor *t = kb_tensor(kb, n);
	if (!t) {
		t = ARENA_NEW(kb->arena, Tensor);
		map_put_ptr(kb->tensors, n, t);
	}
	t->node = n;
	t->role = role;
	t->buf = -1;
	return t;
}

static int add_buf(KBuilder *kb, const Buf *b, const Storage *s)
{
	vec_push(kb->arena, &kb->k->buf, *b);
	vec_push(kb->arena, &kb->arg, s);
	return kb->k->buf.n - 1;
}

int kb_arg(KBuilder *kb, const Type *t, const Storage *s)
{
	int bytes = dtype_info[t->dtype].bytes;
	Buf b = { .name = "b", .space = BUF_ARG, .dtype = t->dtype, .rank = t->rank };
	for (int i = 0; i < t->rank; i++) {
		b.dim[i] = t->dim[i];
		b.stride[i] = s->stride[i];
	}
	b.align = s->align ? s->align : bytes;
	if (s->offset * bytes % b.align)
		b.align = bytes;
	return add_buf(kb, &b, arena_copy(kb->arena, s, sizeof *s));
}

void kb_outside(KBuilder *kb, const Node *n, const Storage *s)
{
	Tensor *t = tensor_add(kb, n, ROLE_OUTSIDE);
	t->storage = *s;
}

void kb_inside(KBuilder *kb, const Node *n)
{
	tensor_add(kb, n, ROLE_INSIDE);
}

void kb_staged(KBuilder *kb, const Node *n, int row_rank)
{
	tensor_add(kb, n, ROLE_STAGED)->row_rank = row_rank;
}

void kb_output(KBuilder *kb, const Node *n, const Storage *s)
{
	Tensor *t = kb_tensor(kb, n);
	t->storage = *s;
	t->stored = true;
}

/* Arguments come in the order of first use, so that kernels that differ in nothing else are equal.
 */
int kb_buf_of(KBuilder *kb, const Node *n)
{
	Tensor *t = kb_tensor(kb, n);
	if (t->buf < 0)
		t->buf = kb_arg(kb, n->type, &t->storage);
	return t->buf;
}

const Storage *kb_arg_storage(const KBuilder *kb, int buf)
{
	return kb->arg.at[buf];
}

int kb_scratch(KBuilder *kb, const char *name, DType t, int rank, const int64_t *dim,
	       int64_t pad_stride)
{
	Buf b = { .name = name, .space = BUF_SCRATCH, .dtype = t, .rank = rank, .align = 64 };
	int64_t stride = 1;
	for (int i = rank - 1; i >= 0; i--) {
		b.dim[i] = dim[i];
		b.stride[i] = stride;
		stride *= dim[i];
		if (i == rank - 1)
			stride += pad_stride;
	}
	b.offset = (kb->k->scratch_bytes + 63) / 64 * 64;
	kb->k->scratch_bytes = b.offset + stride * dtype_info[t].bytes;
	return add_buf(kb, &b, NULL);
}

Node *kb_load_buf(KBuilder *kb, int buf, Node *const *at)
{
	Attr_index index = { .index = buf };
	const Buf *b = &kb->k->buf.at[buf];
	return kb_intern(kb, OP_load, attr_intern(kb->ctx, ATTR_index_RECORD, &index),
			 type_scalar(kb->ctx, b->dtype), at, b->rank);
}

/* A staged output is where it belongs already. */
static bool is_there(const KBuilder *kb, int buf, Node *const *at, const Node *value)
{
	if (value->op != OP_load || ATTR_OF(value, index)->index != buf)
		return false;
	for (int i = 0; i < kb->k->buf.at[buf].rank; i++)
		if (value->in[i] != at[i])
			return false;
	return true;
}

void kb_store_buf(KBuilder *kb, int buf, Node *const *at, Node *value)
{
	if (is_there(kb, buf, at, value))
		return;
	Stmt *s = append(kb, S_STORE);
	s->buf = buf;
	s->value = value;
	for (int i = 0; i < kb->k->buf.at[buf].rank; i++) /* at may be NULL for a scalar */
		s->at[i] = at[i];
}

void kb_store(KBuilder *kb, const Node *n, Node *const *at, Node *value)
{
	kb_store_buf(kb, kb_buf_of(kb, n), at, value);
}

/* --- reading --------------------------------------------------------------------------------- */

typedef struct Memo {
	const Node *tensor;
	Node *value;
	struct Memo *next;
	Node *at[];
} Memo;

static uint64_t memo_hash(const Node *n, Node *const *at)
{
	uint64_t h = (uint64_t)(uintptr_t)n;
	for (int i = 0; i < n->type->rank; i++)
		h = hash_mix(h, at[i]->id);
	return h;
}

static Node *memo_find(const KBuilder *kb, const Node *n, Node *const *at)
{
	uint64_t h = memo_hash(n, at);
	size_t size = sizeof(Node *) * (size_t)n->type->rank;
	for (const Scope *s = kb->scope; s; s = s->outer)
		for (const Memo *m = map_get(s->memo, h); m; m = m->next, kb->ctx->work++)
			if (m->tensor == n && (size == 0 || memcmp(m->at, at, size) == 0))
				return m->value;
	return NULL;
}

static void memo_put(KBuilder *kb, Scope *s, const Node *n, Node *const *at, Node *value)
{
	size_t size = sizeof(Node *) * (size_t)n->type->rank;
	Memo *m = arena_alloc(kb->arena, sizeof(Memo) + size);
	uint64_t h = memo_hash(n, at);
	m->tensor = n;
	m->value = value;
	m->next = map_get(s->memo, h);
	if (size)
		memcpy(m->at, at, size);
	map_put(s->memo, h, m);
}

void kb_bind(KBuilder *kb, const Node *n, Node *const *at, Node *value)
{
	memo_put(kb, kb->scope, n, at, value);
}

Node *kb_lower(KBuilder *kb, const Node *n, Node *const *at)
{
	return op_info(n->op)->lower(kb, n, at);
}

typedef struct Staging {
	const Node *n;
	int buf, row_rank;
	bool stored;
} Staging;

static void stage_element(KBuilder *kb, Node **at, void *user)
{
	const Staging *s = user;
	kb_store_buf(kb, s->buf, s->stored ? at : at + s->row_rank, kb_lower(kb, s->n, at));
}

/* Computes the row of n that at[0..row_rank) names, in the scope of that row, unless done there
 * before. */
static void stage_row(KBuilder *kb, Tensor *t, Node *const *at)
{
	const Node *n = t->node;
	Node *key[MAX_RANK], *idx[MAX_RANK];
	uint64_t axes = 0;
	for (int i = 0; i < n->type->rank; i++)
		key[i] = i < t->row_rank ? at[i] : kb_i(kb, -1);
	for (int i = 0; i < t->row_rank; i++)
		axes |= at[i]->axes;
	if (memo_find(kb, n, key))
		return;
	Scope *scope = kb_scope_of(kb, axes), *was = kb_move(kb, scope);
	if (t->stored)
		kb_buf_of(kb, n);
	else if (t->buf < 0)
		t->buf = kb_scratch(kb, "row", n->type->dtype, n->type->rank - t->row_rank,
				    n->type->dim + t->row_rank, 0);
	memcpy(idx, key, sizeof idx);
	Staging s = { n, t->buf, t->row_rank, t->stored };
	kb_loops(kb, n->type, t->row_rank, idx, stage_element, &s);
	memo_put(kb, scope, n, key, kb_i(kb, 1));
	kb_move(kb, was);
}

void kb_stage(KBuilder *kb, const Node *n, Node *const *row)
{
	stage_row(kb, kb_tensor(kb, n), row);
}

static Node *read_staged(KBuilder *kb, Tensor *t, Node *const *at)
{
	stage_row(kb, t, at);
	return kb_load_buf(kb, t->buf, t->stored ? at : at + t->row_rank);
}

/* The scope a value holds in: that of the deepest variable it mentions. */
static Scope *value_scope(KBuilder *kb, const Node *value)
{
	return kb_scope_of(kb, value->axes);
}

static Node *read_inside(KBuilder *kb, const Node *n, Node *const *at)
{
	Node *v = memo_find(kb, n, at);
	if (v)
		return v;
	v = kb_lower(kb, n, at);
	memo_put(kb, value_scope(kb, v), n, at, v);
	return v;
}

bool is_uniform_const(const Node *n)
{
	return n->op == OP_const && (ATTR_OF(n, data)->data->splat || n->type->count == 1);
}

Node *kb_read(KBuilder *kb, const Node *n, Node *const *at)
{
	Tensor *t = kb_tensor(kb, n);
	if (is_uniform_const(n))
		return kb_blob(kb, ATTR_OF(n, data)->data);
	if (!t || t->role == ROLE_INSIDE)
		return read_inside(kb, n, at);
	if (t->role == ROLE_STAGED)
		return read_staged(kb, t, at);
	return kb_load_buf(kb, kb_buf_of(kb, n), at);
}
