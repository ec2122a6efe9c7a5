/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Loads and stores.
 *
 * An address is taken apart into a sum over axes and other index values. The factor of the vector
 * axis decides: 1 is a vector access, 0 one element for all lanes, another constant element by
 * element, anything else a gather. The rest becomes a pointer, built from the outermost loop
 * inwards so that each loop's part is computed in its own scope, and the constant becomes the
 * displacement of the instruction: copies made by unrolling differ in it alone. */
#include "codegen/llvm/internal.h"
#include "ir/blob.h"
#include <string.h>

/* --- addresses ------------------------------------------------------------------------------- */

static LLVMValueRef scaled(Emit *e, LLVMValueRef v, int64_t factor)
{
	if (factor == 1)
		return v;
	if (factor > 0 && (factor & (factor - 1)) == 0) {
		v = LLVMBuildShl(e->b, v, index_const(e, __builtin_ctzll((uint64_t)factor)), "");
		LLVMSetNSW(v, true);
		return v;
	}
	return LLVMBuildNSWMul(e->b, v, index_const(e, factor), "");
}

/* Makes room by adding the two innermost terms up. */
static void merge_terms(Emit *e, Affine *a)
{
	Term *x = &a->term[a->n - 2], *y = &a->term[a->n - 1];
	int place = go_to(e, y->depth);
	LLVMValueRef low = scaled(e, x->value, x->factor);
	*x = (Term){ LLVMBuildAdd(e->b, low, scaled(e, y->value, y->factor), ""), 1, y->depth };
	a->n--;
	come_back(e, place);
}

static void term_add(Emit *e, Affine *a, LLVMValueRef v, int64_t factor, int depth)
{
	for (int i = 0; i < a->n; i++)
		if (a->term[i].value == v) {
			a->term[i].factor += factor;
			return;
		}
	if (a->n == MAX_TERMS)
		merge_terms(e, a);
	int i = a->n++;
	while (i > 0 && a->term[i - 1].depth > depth) {
		a->term[i] = a->term[i - 1];
		i--;
	}
	a->term[i] = (Term){ v, factor, depth };
}

static bool const_int(const Node *n, int64_t *v)
{
	if (n->op != OP_const)
		return false;
	*v = blob_i64(ATTR_OF(n, data)->data, 0);
	return true;
}

static void affine_opaque(Emit *e, Affine *a, const Node *x, int64_t factor)
{
	int depth;
	LLVMValueRef v = eval_depth(e, x, &depth);
	if (e->error)
		return;
	if (lanes_of(v) > 1)
		a->scattered = true;
	else if (LLVMIsAConstantInt(v))
		a->constant += factor * (int64_t)LLVMConstIntGetSExtValue(v);
	else
		term_add(e, a, v, factor, depth);
}

void affine_add(Emit *e, Affine *a, const Node *x, int64_t factor)
{
	int64_t c;
	if (const_int(x, &c)) {
		a->constant += factor * c;
	} else if (x->op == OP_axis && e->axis[ATTR_OF(x, index)->index].mode == AXIS_LANES) {
		a->lane += factor;
	} else if (x->op == OP_add || x->op == OP_sub) {
		affine_add(e, a, x->in[0], factor);
		affine_add(e, a, x->in[1], x->op == OP_add ? factor : -factor);
	} else if (x->op == OP_neg) {
		affine_add(e, a, x->in[0], -factor);
	} else if (x->op == OP_mul && const_int(x->in[1], &c)) {
		affine_add(e, a, x->in[0], factor * c);
	} else if (x->op == OP_mul && const_int(x->in[0], &c)) {
		affine_add(e, a, x->in[1], factor * c);
	} else {
		affine_opaque(e, a, x, factor);
	}
}

static Affine address(Emit *e, int buf, Node *const *at)
{
	const Buf *b = &e->k->buf.at[buf];
	Affine a = { 0 };
	for (int i = 0; i < b->rank; i++)
		if (b->stride[i])
			affine_add(e, &a, at[i], b->stride[i]);
	return a;
}

static Pointer *pointer_find(Emit *e, int buf, const Affine *a, int n, int depth)
{
	for (Pointer *p = e->scope.at[depth].pointer; p; p = p->older) {
		bool same = p->buf == buf && p->n == n;
		for (int i = 0; same && i < n; i++)
			same = p->term[i].value == a->term[i].value &&
			       p->term[i].factor == a->term[i].factor;
		if (same)
			return p;
	}
	return NULL;
}

/* p plus terms first .. end - 1, which are all known in the scope of the first of them. */
static LLVMValueRef pointer_step(Emit *e, int buf, const Affine *a, LLVMValueRef p, int first,
				 int end)
{
	int depth = a->term[first].depth;
	Pointer *known = pointer_find(e, buf, a, end, depth);
	if (known)
		return known->value;
	int place = go_to(e, depth);
	int64_t bytes = dtype_info[e->k->buf.at[buf].dtype].bytes;
	LLVMValueRef sum = NULL;
	for (int i = first; i < end; i++) {
		LLVMValueRef v = scaled(e, a->term[i].value, a->term[i].factor * bytes);
		sum = sum ? LLVMBuildAdd(e->b, sum, v, "") : v;
	}
	p = LLVMBuildGEP2(e->b, LLVMInt8TypeInContext(e->lc), p, &sum, 1, "");
	come_back(e, place);
	Pointer *fresh = ARENA_NEW(e->arena, Pointer);
	fresh->buf = buf;
	fresh->n = end;
	memcpy(fresh->term, a->term, sizeof a->term[0] * (size_t)end);
	fresh->value = p;
	fresh->older = e->scope.at[depth].pointer;
	e->scope.at[depth].pointer = fresh;
	return p;
}

/* The address without its constant and lane parts. */
static LLVMValueRef pointer_to(Emit *e, int buf, const Affine *a)
{
	LLVMValueRef p = e->base[buf];
	for (int first = 0, end; first < a->n; first = end) {
		end = first;
		while (end < a->n && a->term[end].depth == a->term[first].depth)
			end++;
		p = pointer_step(e, buf, a, p, first, end);
	}
	return p;
}

static LLVMValueRef displaced(Emit *e, int buf, LLVMValueRef p, int64_t elements)
{
	LLVMValueRef at = index_const(e, elements * dtype_info[e->k->buf.at[buf].dtype].bytes);
	if (elements == 0)
		return p;
	return LLVMBuildGEP2(e->b, LLVMInt8TypeInContext(e->lc), p, &at, 1, "");
}

/* The largest power of two, up to 64, that surely divides the address of element `constant` beyond
 * the pointer. */
static unsigned alignment(const Emit *e, int buf, const Affine *a, int64_t constant)
{
	const Buf *b = &e->k->buf.at[buf];
	int64_t bytes = dtype_info[b->dtype].bytes, bits = 64;
	bits |= b->align > 0 ? b->align : 1;
	if (b->space == BUF_SCRATCH)
		bits |= b->offset;
	for (int i = 0; i < a->n; i++)
		bits |= a->term[i].factor * bytes;
	bits |= constant * bytes;
	return (unsigned)(bits & -bits);
}

/* --- one element ----------------------------------------------------------------------------- */

static LLVMValueRef load_at(Emit *e, LLVMTypeRef t, LLVMValueRef p, unsigned align)
{
	LLVMValueRef v = LLVMBuildLoad2(e->b, t, p, "");
	LLVMSetAlignment(v, align);
	return v;
}

static void store_at(Emit *e, LLVMValueRef v, LLVMValueRef p, unsigned align)
{
	LLVMSetAlignment(LLVMBuildStore(e->b, v, p), align);
}

static LLVMValueRef insert(Emit *e, LLVMValueRef v, LLVMValueRef x, int lane)
{
	LLVMValueRef at = LLVMConstInt(LLVMInt32TypeInContext(e->lc), (unsigned)lane, false);
	return LLVMBuildInsertElement(e->b, v, x, at, "");
}

static LLVMValueRef load_element(Emit *e, int buf, const Affine *a, int64_t constant)
{
	LLVMValueRef p = displaced(e, buf, pointer_to(e, buf, a), constant);
	return load_at(e, memory_type(e, e->k->buf.at[buf].dtype), p,
		       alignment(e, buf, a, constant));
}

/* The element all lanes share, read only when some lane of the mask is set. */
static LLVMValueRef load_element_masked(Emit *e, int buf, const Affine *a, LLVMValueRef mask)
{
	LLVMTypeRef t = memory_type(e, e->k->buf.at[buf].dtype);
	LLVMValueRef any = unary_intrinsic(e, "llvm.vector.reduce.or", mask);
	LLVMValueRef p = displaced(e, buf, pointer_to(e, buf, a), a->constant);
	LLVMBasicBlockRef before = e->block, read = new_block(e, "read");
	LLVMBasicBlockRef after = new_block(e, "after");
	LLVMBuildCondBr(e->b, any, read, after);
	set_block(e, read);
	LLVMValueRef in[2] = { load_at(e, t, p, alignment(e, buf, a, a->constant)),
			       LLVMConstNull(t) };
	LLVMBuildBr(e->b, after);
	set_block(e, after);
	LLVMBasicBlockRef from[2] = { read, before };
	LLVMValueRef v = LLVMBuildPhi(e->b, t, "");
	LLVMAddIncoming(v, in, from, 2);
	return v;
}

/* --- vectors --------------------------------------------------------------------------------- */

static int64_t lanes_active(const Emit *e)
{
	return e->k->axis.at[e->lane_axis].extent;
}

/* Which lanes may be touched: NULL means all. */
static LLVMValueRef active_mask(Emit *e)
{
	int lanes = lanes_open(e);
	LLVMValueRef mask = open_mask(e);
	if (lanes_active(e) == lanes)
		return mask;
	LLVMValueRef prefix = lane_mask(e, lanes, lanes_active(e));
	return mask ? LLVMBuildAnd(e->b, mask, prefix, "") : prefix;
}

/* The vector with `part`, of count lanes, put at lane `first`. */
static LLVMValueRef insert_part(Emit *e, LLVMValueRef v, LLVMValueRef part, int first, int count)
{
	LLVMTypeRef i32 = LLVMInt32TypeInContext(e->lc);
	int lanes = lanes_of(v);
	LLVMValueRef wide[256], blend[256];
	if (count == 1)
		return insert(e, v, part, first);
	for (int i = 0; i < lanes; i++) {
		bool in = i >= first && i < first + count;
		wide[i] = in ? LLVMConstInt(i32, (unsigned)(i - first), false) : LLVMGetPoison(i32);
		blend[i] = LLVMConstInt(i32, (unsigned)(in ? lanes + i : i), false);
	}
	part = LLVMBuildShuffleVector(e->b, part, LLVMGetPoison(LLVMTypeOf(part)),
				      LLVMConstVector(wide, (unsigned)lanes), "");
	return LLVMBuildShuffleVector(e->b, v, part, LLVMConstVector(blend, (unsigned)lanes), "");
}

static int part_size(int64_t left)
{
	int n = 1;
	while (n * 2 <= left)
		n *= 2;
	return n;
}

/* The first lanes in pieces of powers of two: for targets where masked access is slow. */
static LLVMValueRef load_parts(Emit *e, int buf, const Affine *a, LLVMTypeRef t)
{
	LLVMValueRef p = pointer_to(e, buf, a), v = LLVMConstNull(t);
	int64_t active = lanes_active(e);
	for (int i = 0, n; i < active; i += n) {
		n = part_size(active - i);
		LLVMValueRef part = load_at(e, with_lanes(element_of(t), n),
					    displaced(e, buf, p, a->constant + i),
					    alignment(e, buf, a, a->constant + i));
		v = insert_part(e, v, part, i, n);
	}
	return v;
}

static LLVMValueRef load_vector(Emit *e, int buf, const Affine *a, LLVMTypeRef t)
{
	LLVMValueRef mask = active_mask(e);
	if (mask && !open_mask(e) && !e->target->masked)
		return load_parts(e, buf, a, t);
	LLVMValueRef p = displaced(e, buf, pointer_to(e, buf, a), a->constant);
	unsigned align = alignment(e, buf, a, a->constant);
	if (!mask)
		return load_at(e, t, p, align);
	return compat_masked_load(e, t, p, align, mask, LLVMConstNull(t));
}

static LLVMValueRef load_strided(Emit *e, int buf, const Affine *a, LLVMTypeRef t)
{
	LLVMValueRef v = LLVMConstNull(t);
	for (int i = 0; i < lanes_active(e); i++)
		v = insert(e, v, load_element(e, buf, a, a->constant + i * a->lane), i);
	return v;
}

/* The index of every lane, in elements. */
static LLVMValueRef lane_indices(Emit *e, int buf, Node *const *at)
{
	const Buf *b = &e->k->buf.at[buf];
	LLVMTypeRef t = with_lanes(LLVMInt64TypeInContext(e->lc), lanes_open(e));
	LLVMValueRef sum = NULL;
	for (int i = 0; i < b->rank; i++) {
		if (!b->stride[i])
			continue;
		LLVMValueRef x = splat(e, eval(e, at[i]), lanes_open(e));
		if (e->error)
			return LLVMGetUndef(t);
		if (b->stride[i] != 1)
			x = LLVMBuildMul(e->b, x, const_i(e, t, b->stride[i]), "");
		sum = sum ? LLVMBuildAdd(e->b, sum, x, "") : x;
	}
	return sum;
}

static LLVMValueRef load_gather(Emit *e, int buf, LLVMValueRef index, LLVMTypeRef t)
{
	LLVMTypeRef element = element_of(t);
	LLVMValueRef mask = active_mask(e), v = LLVMConstNull(t);
	unsigned align = (unsigned)dtype_info[e->k->buf.at[buf].dtype].bytes;
	if (e->target->masked || open_mask(e)) {
		LLVMValueRef ps = LLVMBuildGEP2(e->b, element, e->base[buf], &index, 1, "");
		if (!mask)
			mask = lane_mask(e, lanes_open(e), lanes_open(e));
		return compat_masked_gather(e, t, ps, align, mask, v);
	}
	for (int i = 0; i < lanes_active(e); i++) {
		LLVMValueRef at = select_prefix(e, index, i, 1);
		LLVMValueRef p = LLVMBuildGEP2(e->b, element, e->base[buf], &at, 1, "");
		v = insert(e, v, load_at(e, element, p, align), i);
	}
	return v;
}

static LLVMValueRef load_value(Emit *e, int buf, Node *const *at)
{
	Affine a = address(e, buf, at);
	LLVMTypeRef element = memory_type(e, e->k->buf.at[buf].dtype);
	LLVMValueRef mask = open_mask(e);
	if (e->error)
		return LLVMGetUndef(element);
	if (a.lane == 0 && !a.scattered)
		return mask ? load_element_masked(e, buf, &a, active_mask(e))
			    : load_element(e, buf, &a, a.constant);
	LLVMTypeRef t = with_lanes(element, lanes_open(e));
	if (lanes_open(e) == 1)
		return load_element(e, buf, &a, a.constant);
	if (a.scattered || (a.lane != 1 && mask)) {
		LLVMValueRef index = lane_indices(e, buf, at);
		return e->error ? LLVMGetUndef(t) : load_gather(e, buf, index, t);
	}
	return a.lane == 1 ? load_vector(e, buf, &a, t) : load_strided(e, buf, &a, t);
}

LLVMValueRef emit_load(Emit *e, const Node *n)
{
	int buf = (int)ATTR_OF(n, index)->index;
	LLVMValueRef v = load_value(e, buf, n->in);
	return e->error ? LLVMGetUndef(scalar_type(e, n->type->dtype))
			: from_memory(e, n->type->dtype, v);
}

/* --- stores ---------------------------------------------------------------------------------- */

static void store_element(Emit *e, int buf, const Affine *a, int64_t constant, LLVMValueRef v)
{
	LLVMValueRef p = displaced(e, buf, pointer_to(e, buf, a), constant);
	store_at(e, v, p, alignment(e, buf, a, constant));
}

static void store_parts(Emit *e, int buf, const Affine *a, LLVMValueRef v)
{
	int64_t active = lanes_active(e);
	for (int i = 0, n; i < active; i += n) {
		n = part_size(active - i);
		store_element(e, buf, a, a->constant + i, select_prefix(e, v, i, n));
	}
}

static void store_vector(Emit *e, int buf, const Affine *a, LLVMValueRef v)
{
	if (lanes_active(e) == lanes_open(e)) {
		store_element(e, buf, a, a->constant, v);
	} else if (!e->target->masked) {
		store_parts(e, buf, a, v);
	} else {
		LLVMValueRef p = displaced(e, buf, pointer_to(e, buf, a), a->constant);
		compat_masked_store(e, v, p, alignment(e, buf, a, a->constant), active_mask(e));
	}
}

static void store_scattered(Emit *e, int buf, LLVMValueRef index, LLVMValueRef v)
{
	unsigned align = (unsigned)dtype_info[e->k->buf.at[buf].dtype].bytes;
	LLVMTypeRef element = element_of(LLVMTypeOf(v));
	for (int i = 0; i < lanes_active(e); i++) {
		LLVMValueRef at = select_prefix(e, index, i, 1);
		LLVMValueRef p = LLVMBuildGEP2(e->b, element, e->base[buf], &at, 1, "");
		store_at(e, select_prefix(e, v, i, 1), p, align);
	}
}

void emit_store(Emit *e, int buf, Node *const *at, LLVMValueRef value)
{
	Affine a = address(e, buf, at);
	if (e->error)
		return;
	LLVMValueRef v = to_memory(e, e->k->buf.at[buf].dtype, value);
	if (a.lane == 0 && !a.scattered) {
		if (lanes_of(v) > 1 && lanes_active(e) > 1) {
			emit_fail(e, "a vector is stored to one element");
			return;
		}
		v = lanes_of(v) > 1 ? select_prefix(e, v, 0, 1) : v;
		store_element(e, buf, &a, a.constant, v);
		return;
	}
	int lanes = lanes_open(e);
	v = splat(e, v, lanes);
	if (lanes == 1) {
		store_element(e, buf, &a, a.constant, v);
	} else if (a.scattered) {
		LLVMValueRef index = lane_indices(e, buf, at);
		if (!e->error)
			store_scattered(e, buf, index, v);
	} else if (a.lane == 1) {
		store_vector(e, buf, &a, v);
	} else {
		for (int i = 0; i < lanes_active(e); i++)
			store_element(e, buf, &a, a.constant + i * a.lane,
				      select_prefix(e, v, i, 1));
	}
}
