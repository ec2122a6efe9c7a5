/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Storage: a value that is stored gets a buffer of its own, or a place inside the buffer of a
 * written view that reads it: a convolution writes straight into the padded or concatenated tensor
 * its reader wants. Found from the end: when a written view has its storage, the storage of what it
 * shows follows by turning the view around. */
#include "passes/storage.h"
#include "ir/ops/util.h"
#include <string.h>

typedef struct Assigner {
	const Pass *p;
	const Fusion *f;
	Arena *arena;
	StorageMap *m;
	int64_t *row_step; /* by node id: how many rows apart a contraction reads; 0: none does */
	int *result;       /* by node id: which result it is first, from 1; 0: none */
} Assigner;

static int add_buffer(Assigner *a, Space space, int index, int64_t bytes)
{
	PlanBuffer b = { .space = space, .index = index, .bytes = bytes, .first = -1, .last = -1 };
	vec_push(a->arena, &a->m->buffer, b);
	return a->m->buffer.n - 1;
}

bool storage_contiguous(const Storage *s, const Type *t, int from)
{
	int64_t want = 1;
	for (int i = t->rank - 1; i >= from; i--) {
		if (t->dim[i] != 1 && s->stride[i] != want)
			return false;
		want *= t->dim[i];
	}
	return true;
}

/* --- turning views around -------------------------------------------------------------------- */

static void reverse_transpose(const Node *n, const Storage *whole, Storage *part)
{
	int perm[MAX_RANK];
	transpose_perm(n, perm);
	for (int i = 0; i < n->type->rank; i++)
		part->stride[perm[i]] = whole->stride[i];
}

/* Strides of the input of a reshape whose result has the given ones: groups of dimensions with
 * equal products must be dense among themselves in the result. */
static bool reverse_reshape(const Node *n, const Storage *whole, Storage *part)
{
	const Type *in = n->in[0]->type, *out = n->type;
	int i = in->rank - 1, o = out->rank - 1;
	while (i >= 0) {
		if (in->dim[i] == 1) {
			part->stride[i--] = 0;
			continue;
		}
		while (o >= 0 && out->dim[o] == 1)
			o--;
		if (o < 0)
			return false;
		int64_t stride = whole->stride[o], pi = in->dim[i], po = out->dim[o];
		int first_i = i, first_o = o;
		while (pi != po) {
			if (pi < po) {
				if (--i < 0)
					return false;
				pi *= in->dim[i];
			} else {
				if (--o < 0 || (out->dim[o] != 1 &&
						whole->stride[o] != whole->stride[first_o] * po))
					return false;
				po *= out->dim[o];
			}
		}
		for (int k = first_i; k >= i; k--) {
			part->stride[k] = stride;
			stride *= in->dim[k];
		}
		i--;
		o--;
	}
	return true;
}

static bool reverse_pad(const Node *n, const Storage *whole, Storage *part)
{
	const Attr_pad *a = ATTR_OF(n, pad);
	for (int i = 0; i < n->type->rank; i++) {
		if (a->low.v[i] < 0 || a->high.v[i] < 0 || (a->interior.n && a->interior.v[i] != 0))
			return false;
		part->offset += a->low.v[i] * whole->stride[i];
	}
	return true;
}

static int concat_axis(const Node *n)
{
	return axis_norm(ATTR_OF(n, axis)->axis, n->type->rank);
}

static void find_parts(Assigner *a)
{
	const Graph *g = a->f->g;
	a->m->part = ARENA_ARRAY(a->arena, int64_t *, g->node.n + 1);
	for (int i = 0; i < g->node.n; i++) {
		const Node *n = g->node.at[i];
		if (n->op != OP_concat)
			continue;
		int64_t *part = a->m->part[i] = ARENA_ARRAY(a->arena, int64_t, n->n_in + 1);
		for (int k = 0; k < n->n_in; k++)
			part[k + 1] = part[k] + n->in[k]->type->dim[concat_axis(n)];
	}
}

bool storage_of_operand(const StorageMap *m, const Node *n, int k, const Storage *whole,
			Storage *part)
{
	*part = *whole;
	if (n->op == OP_transpose)
		return reverse_transpose(n, whole, part), true;
	if (n->op == OP_reshape)
		return reverse_reshape(n, whole, part);
	if (n->op == OP_pad)
		return k == 0 && reverse_pad(n, whole, part);
	if (n->op != OP_concat)
		return false;
	part->offset += m->part[n->id][k] * whole->stride[concat_axis(n)];
	return true;
}

/* --- placing producers inside ---------------------------------------------------------------- */

/* May its producer write s's elements there at speed? The last dimension must stay dense. */
static bool writes_well(const Node *s, const Storage *part)
{
	const Type *t = s->type;
	return t->rank == 0 || t->dim[t->rank - 1] == 1 || part->stride[t->rank - 1] == 1;
}

static bool placed(const Assigner *a, const Node *n)
{
	return a->m->of[n->id].buffer >= 0;
}

/* A view that is not written and consists of its operand alone: a padding's border would be written
 * by nobody. */
static bool shows_all(const Node *view)
{
	return (op_info(view->op)->flags & OF_VIEW) && view->op != OP_pad;
}

/* The stride of a dimension of size 1 is as good as any other, but a flat loop runs through it: as
 * in a dense tensor. */
static void give_single_strides(const Type *t, Storage *s)
{
	for (int i = t->rank - 1; i >= 0; i--)
		if (t->dim[i] == 1)
			s->stride[i] = i + 1 < t->rank ? s->stride[i + 1] * t->dim[i + 1] : 1;
}

/* Does anybody but `user` see s? A view in the chain that others read too may still be placed; its
 * source is one buffer either way. */
static void embed(Assigner *a, Node *view, int k, const Storage *whole)
{
	Storage part;
	while (storage_of_operand(a->m, view, k, whole, &part)) {
		Node *s = view->in[k];
		if (a->f->stored[s->id] && (a->f->of[s->id] != NULL)) {
			if (!placed(a, s) && writes_well(s, &part)) {
				give_single_strides(s->type, &part);
				a->m->of[s->id] = part;
			}
			return;
		}
		if (!shows_all(s))
			return;
		view = s;
		k = 0;
		static const Storage zero;
		Storage next = zero;
		next = part;
		whole = arena_copy(a->arena, &next, sizeof next);
	}
}

bool operand_embedded(const StorageMap *m, const Fusion *f, const Node *n, int k)
{
	Storage part, whole = m->of[n->id];
	const Node *view = n;
	while (storage_of_operand(m, view, k, &whole, &part)) {
		const Node *s = view->in[k];
		if (f->stored[s->id]) {
			const Storage *have = &m->of[s->id];
			if (!f->of[s->id] || have->buffer != part.buffer ||
			    have->offset != part.offset)
				return false;
			for (int i = 0; i < s->type->rank; i++)
				if (s->type->dim[i] != 1 && have->stride[i] != part.stride[i])
					return false;
			return true;
		}
		if (!shows_all(s))
			return false;
		view = s;
		whole = part;
		k = 0;
	}
	return false;
}

/* --- own buffers ----------------------------------------------------------------------------- */

/* Rows whose distance is a multiple of 2048 bytes fall into one or two sets of the L1 cache: a
 * contraction that reads many rows at once runs at 55 to 87 % of its speed (measured on Zen 4);
 * 64 bytes more repair it. */
static int64_t row_padding(const Assigner *a, const Node *n)
{
	int bytes = dtype_info[n->type->dtype].bytes, r = n->type->rank;
	if (!a->row_step[n->id] || r < 2)
		return 0;
	return n->type->dim[r - 1] * bytes * a->row_step[n->id] % 2048 == 0 ? 64 / bytes : 0;
}

static void own_buffer(Assigner *a, const Node *n, Space space, int index)
{
	Storage *s = &a->m->of[n->id];
	const Type *t = n->type;
	int64_t stride = 1, extra = space == SPACE_WORK ? row_padding(a, n) : 0;
	for (int i = t->rank - 1; i >= 0; i--) {
		s->stride[i] = stride;
		stride *= t->dim[i];
		if (i == t->rank - 1)
			stride += extra;
	}
	s->offset = 0;
	/* the caller's tensors need not be aligned beyond their elements, a weight file's not even
	 * so far */
	bool own = space == SPACE_WORK || space == SPACE_WEIGHT;
	s->align = own ? 64 : space == SPACE_INPUT && a->p->from_file ? 1 : 0;
	s->buffer = add_buffer(a, space, index, stride * dtype_info[t->dtype].bytes);
}

/* A concatenation whose parts a longer one has placed side by side already is a piece of it: the
 * growing lists of a dense block share one buffer. */
static bool adopt_parts(Assigner *a, const Node *n)
{
	const Node *first = n->n_in ? n->in[0] : n;
	if (n->op != OP_concat || !placed(a, first) || !a->f->of[first->id])
		return false;
	a->m->of[n->id] = a->m->of[first->id]; /* the first part lies at the start of the whole */
	for (int k = 0; k < n->n_in; k++)
		if (!operand_embedded(a->m, a->f, n, k)) {
			a->m->of[n->id].buffer = -1;
			return false;
		}
	return true;
}

/* A tensor of the state: its place in the block, which is the input behind the graph's. */
static void state_buffer(Assigner *a, const StateLayout *state, const Node *n)
{
	const StateTensor *t = state_find(state, ATTR_OF(n, param)->name);
	if (!t) {
		diag_error(a->p->ctx->diag, n->loc, E7001, "the state has no tensor '%s'",
			   ATTR_OF(n, param)->name);
		return;
	}
	own_buffer(a, n, SPACE_INPUT, a->f->g->input.n);
	Storage *s = &a->m->of[n->id];
	s->align = 64;
	a->m->buffer.at[s->buffer].offset = t->offset;
}

/* New values that are written over the old ones. */
static void place_updates(Assigner *a)
{
	for (int i = 0; i < a->f->g->update.n; i++) {
		const Node *value = a->f->in_place[i];
		if (!value)
			continue;
		Storage *s = &a->m->of[value->id];
		*s = a->m->of[a->f->g->update.at[i].state->id];
		type_strides(value->type, s->stride);
	}
}

static void find_results(Assigner *a)
{
	const Graph *g = a->f->g;
	a->result = ARENA_ARRAY(a->arena, int, g->node.n + 1);
	for (int i = g->result.n - 1; i >= 0; i--)
		a->result[g->result.at[i]->id] = i + 1;
}

static void find_row_steps(Assigner *a)
{
	for (int i = 0; i < a->f->g->node.n; i++) {
		const Node *n = a->f->g->node.at[i];
		if (!(op_info(n->op)->flags & OF_CONTRACTS))
			continue;
		int64_t step = n->op == OP_conv ? ATTR_OF(n, conv)->stride.v[1] : 1;
		int64_t *have = &a->row_step[behind_views(a->f, n->in[0])->id];
		*have = *have > step ? *have : step;
	}
}

/* --- in place -------------------------------------------------------------------------------- */

/* Only group gr reads s, only at the element it then writes. */
static bool read_in_passing(const Assigner *a, const Node *s, const Group *gr)
{
	for (int i = 0; i < a->f->user[s->id].n; i++) {
		const Node *user = a->f->user[s->id].at[i];
		if (a->f->of[user->id] != gr || !(op_info(user->op)->flags & OF_ELEMENTWISE) ||
		    user->type->count != s->type->count)
			return false;
	}
	return !a->f->kept[s->id];
}

/* n, which has its storage, may overwrite one of the values it is computed from: a residual sum
 * grows in the buffer of its shortcut. */
static void reuse_operand(Assigner *a, const Node *n)
{
	const Group *gr = a->f->of[n->id];
	bool by_element = gr->kind != GROUP_COPY && gr->row_rank < 0 && gr->output.n == 1;
	if (!by_element || a->m->buffer.at[a->m->of[n->id].buffer].space != SPACE_WORK)
		return;
	for (int i = 0; i < gr->node.n; i++)
		for (int k = 0; k < gr->node.at[i]->n_in; k++) {
			const Node *s = gr->node.at[i]->in[k];
			const Group *maker = a->f->of[s->id];
			if (!a->f->stored[s->id] || !maker || maker == gr ||
			    maker->kind == GROUP_COPY || placed(a, s) || s->type != n->type ||
			    !read_in_passing(a, s, gr))
				continue;
			a->m->of[s->id] = a->m->of[n->id];
			return;
		}
}

StorageMap *assign_storage(const Pass *p, const Fusion *f, const StateLayout *state, Arena *arena)
{
	Assigner a = { .p = p, .f = f, .arena = arena, .m = ARENA_NEW(arena, StorageMap) };
	const Graph *g = f->g;
	a.m->of = ARENA_ARRAY(arena, Storage, g->node.n + 1);
	a.row_step = ARENA_ARRAY(arena, int64_t, g->node.n + 1);
	for (int i = 0; i <= g->node.n; i++)
		a.m->of[i].buffer = -1;
	find_row_steps(&a);
	find_results(&a);
	find_parts(&a);
	for (int i = 0; i < g->input.n; i++)
		own_buffer(&a, g->input.at[i], SPACE_INPUT, i);
	for (int i = 0; i < g->param.n; i++)
		if (is_state(g->param.at[i]))
			state_buffer(&a, state, g->param.at[i]);
		else
			own_buffer(&a, g->param.at[i], SPACE_WEIGHT, i);
	place_updates(&a);
	for (int i = g->node.n - 1; i >= 0; i--) {
		Node *n = g->node.at[i];
		if (!f->stored[n->id])
			continue;
		int result = a.result[i] - 1;
		if (!placed(&a, n) && !(result < 0 && adopt_parts(&a, n)))
			own_buffer(&a, n, result >= 0 ? SPACE_OUTPUT : SPACE_WORK,
				   result >= 0 ? result : 0);
		reuse_operand(&a, n);
		for (int k = 0; f->of[n->id]->kind == GROUP_COPY && k < n->n_in; k++) {
			Storage whole = a.m->of[n->id];
			embed(&a, n, k, &whole);
		}
	}
	return a.m;
}
