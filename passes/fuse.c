/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Fusion: choosing the boundaries between kernels.
 *
 * Every operator starts as a group of its own and joins the group of a producer when that saves a
 * pass over memory and costs no recomputation. Views (reshape, transpose, slice, broadcast) belong
 * to no group: whoever reads them reads through them. Four rules:
 * - epilogue: an elementwise operator joins the contraction or pulled operator whose elements it
 *   reads; what others read of it is stored too;
 * - rows: elementwise operators and reductions of trailing dimensions that share their rows run row
 *   by row: softmax, layer norm;
 * - columns: sums over all dimensions but the last of one tensor, with the elementwise operators
 *   before and after (passes/fuse_columns.c): batch norm in training;
 * - copy: a view is written out when reading through it would be slow: padding, concatenation, an
 *   operand that is no longer affine.
 * Joining must not close a cycle: what else the operator reads may not depend on the group. And a
 * group has a bound (passes/fuse_bound.c): a longer chain is several kernels. */
#include "passes/fuse_impl.h"
#include "passes/pattern.h"
#include "ir/kbuilder.h"
#include "ir/ops/util.h"
#include <string.h>

static bool is_leaf(const Node *n)
{
	return (op_info(n->op)->flags & OF_LEAF) != 0;
}

static bool is_each(const Node *n)
{
	return (op_info(n->op)->flags & OF_ELEMENTWISE) || n->op == OP_random_bits ||
	       n->op == OP_gather || n->op == OP_gather_elements || n->op == OP_gather_nd;
}

Node *behind_views(const Fusion *f, Node *x)
{
	while (is_view(x) && !f->stored[x->id] && x->n_in > 0)
		x = x->in[0];
	return x;
}

/* --- what kind of operator ------------------------------------------------------------------- */

/* Reduces trailing dimensions only: then *rows is how many lead. */
static bool is_row_reduction(const Node *n, int *rows)
{
	bool reduced[MAX_RANK];
	int rank, lead = 0;
	if (n->op != OP_reduce_sum && n->op != OP_reduce_max && n->op != OP_reduce_min &&
	    n->op != OP_reduce_prod)
		return false;
	rank = n->in[0]->type->rank;
	reduce_mask(n, reduced);
	while (lead < rank && !reduced[lead])
		lead++;
	*rows = lead;
	for (int i = lead; i < rank; i++)
		if (!reduced[i] && n->in[0]->type->dim[i] != 1)
			return false;
	return true;
}

/* Those of GPUs check what they read, and read weights however they lie. */
static bool has_gpu_template(const Node *n)
{
	if (n->op == OP_attention)
		return true;
	if (n->op == OP_conv || n->op == OP_conv_dw)
		return n->type->dtype == DT_f32 && ATTR_OF(n, conv)->channels_last &&
		       ATTR_OF(n, conv)->groups == 1;
	return n->op == OP_matmul && n->type->dtype == DT_f32;
}

static bool has_template(const Fuser *z, const Node *n)
{
	if (z->p->o->target.kind == TARGET_CUDA)
		return has_gpu_template(n);
	if (n->op == OP_attention || n->op == OP_winograd || n->op == OP_winograd_tiles)
		return true;
	if (n->op == OP_matmul)
		return n->type->dtype == DT_f32;
	if (n->op == OP_conv)
		return n->type->dtype == DT_f32 && ATTR_OF(n, conv)->panel &&
		       !any_border(ATTR_OF(n, conv)->pad); /* its reads are not checked */
	if (n->op == OP_conv_dw) {
		const Attr_conv *a = ATTR_OF(n, conv);
		return n->type->dtype == DT_f32 && a->channels_last && a->groups == 1 &&
		       !any_border(a->pad);
	}
	return false;
}

Group *new_group(Fuser *z, GroupKind kind, Node *n)
{
	Group *gr = ARENA_NEW(z->arena, Group);
	gr->kind = kind;
	gr->row_rank = -1;
	gr->order = (int)n->id;
	vec_push(z->arena, &gr->node, n);
	z->f->of[n->id] = gr;
	line_append(z->f, gr);
	return gr;
}

static void start_group(Fuser *z, Node *n)
{
	int rows;
	if (has_template(z, n)) {
		new_group(z, GROUP_CONTRACT, n)->anchor = n;
	} else if (is_row_reduction(n, &rows)) {
		new_group(z, GROUP_ROWS, n)->row_rank = rows;
	} else if (is_each(n)) {
		new_group(z, GROUP_ROWS, n);
	} else {
		new_group(z, GROUP_PULL, n)->anchor = n;
	}
}

/* --- joining --------------------------------------------------------------------------------- */

void join(Fuser *z, Group *gr, Node *n)
{
	vec_push(z->arena, &gr->node, n);
	int i = gr->node.n - 1;
	for (; i > 0 && gr->node.at[i - 1]->id > n->id; i--)
		gr->node.at[i] = gr->node.at[i - 1];
	gr->node.at[i] = n;
	if (gr->order < (int)n->id)
		gr->order = (int)n->id;
	z->f->of[n->id] = gr;
}

/* Of the groups around a contraction, a pulled operator or column sums that n reads elements of, at
 * its own index, the youngest. */
static Group *epilogue_host(const Fuser *z, const Node *n)
{
	Group *best = NULL;
	for (int i = 0; i < n->n_in; i++) {
		const Node *s = n->in[i];
		Group *gr = z->f->of[s->id];
		if (!gr || !gr->anchor || is_made_whole(gr->anchor) ||
		    !type_same_shape(s->type, n->type) ||
		    (gr->kind == GROUP_COLUMNS && !type_same_shape(gr->anchor->type, n->type)))
			continue;
		if (!best || gr->order > best->order)
			best = gr;
	}
	return best;
}

/* Elementwise groups and epilogues read the group's own values directly: a view in between changes
 * the index, and another element of a contraction would be computed once more for each element. */
bool reads_directly(Fuser *z, const Node *n, const Group *gr)
{
	for (int i = 0; i < n->n_in; i++) {
		Node *s = behind_views(z->f, n->in[i]);
		if (z->f->of[s->id] == gr && s != n->in[i])
			return false;
	}
	return true;
}

static bool join_epilogue(Fuser *z, Node *n)
{
	Group *gr = is_each(n) && !(op_info(n->op)->flags & OF_VIEW) ? epilogue_host(z, n) : NULL;
	if (!gr || n->op == OP_gather || n->op == OP_gather_elements || n->op == OP_gather_nd)
		return false;
	if (!reads_directly(z, n, gr) || !has_room(z, gr, &n, 1))
		return false;
	if (!acyclic(z->f, n, gr)) {
		pass_explain(
			z->p,
			"near miss: %s '%s' not fused into '%s': what else it reads waits for '%s'",
			op_info(n->op)->name, node_label(n), node_label(gr->anchor),
			node_label(gr->anchor));
		return false;
	}
	join(z, gr, n);
	pass_explain(z->p, "fused: %s '%s' into %s '%s'", op_info(n->op)->name, node_label(n),
		     op_info(gr->anchor->op)->name, node_label(gr->anchor));
	return true;
}

/* --- rows ------------------------------------------------------------------------------------ */

/* The shape whose rows a node has: its own, or its input's for a reduction. */
static const Type *row_shape(const Node *n)
{
	int rows;
	return is_row_reduction(n, &rows) ? n->in[0]->type : n->type;
}

static const Type *group_shape(const Group *gr)
{
	const Type *best = row_shape(gr->node.at[0]);
	for (int i = 1; i < gr->node.n; i++) {
		const Type *t = row_shape(gr->node.at[i]);
		if (t->count > best->count)
			best = t;
	}
	return best;
}

static bool same_rows(const Type *a, const Type *b, int rows)
{
	if (a->rank < rows || b->rank < rows)
		return false;
	for (int i = 0; i < rows; i++)
		if (a->dim[i] != b->dim[i])
			return false;
	return true;
}

/* Reading view x at [i0, i1, ...] reads s at [i0, .. up to rows, anything]: found by asking. */
static bool rows_aligned(Fuser *z, Node *x, const Node *s, int rows)
{
	if (x == s)
		return true;
	KBuilder *kb = kb_create(z->p->ctx, z->arena, &z->p->o->target, "probe");
	Node *at[MAX_RANK];
	Storage st = { .buffer = 0 };
	type_strides(s->type, st.stride);
	kb_outside(kb, s, &st);
	for (int i = 0; i < x->type->rank; i++) {
		at[i] = kb_axis(kb, "p", AX_LOOP, x->type->dim[i], 0);
		if (x->type->dim[i] == 1)
			at[i] = kb_i(kb, 0);
	}
	Node *v = kb_read(kb, x, at);
	if (v->op != OP_load || s->type->rank < rows)
		return false;
	for (int i = 0; i < rows; i++)
		if (v->in[i] != at[i])
			return false;
	return true;
}

enum { ROW_BYTES_MAX = 256 * 1024 };

static bool fits_rows(Fuser *z, Node *n, Group *gr, int *new_rank)
{
	int rows = -1;
	const Type *shape = row_shape(n), *old = group_shape(gr);
	bool reduces = is_row_reduction(n, &rows);
	int rank = gr->row_rank >= 0 ? gr->row_rank : rows;
	if (reduces && gr->row_rank >= 0 && rows != gr->row_rank)
		return false;
	*new_rank = rank;
	if (rank < 0) /* elementwise only: equal shapes */
		return type_same_shape(shape, old);
	if (!same_rows(shape, old, rank))
		return false;
	int64_t row = 1;
	for (int i = rank; i < shape->rank; i++)
		row *= shape->dim[i];
	if (row * 4 > ROW_BYTES_MAX)
		return false;
	for (int i = 0; i < n->n_in; i++) {
		Node *s = behind_views(z->f, n->in[i]);
		if (z->f->of[s->id] == gr && !rows_aligned(z, n->in[i], s, rank))
			return false;
	}
	return true;
}

static bool join_rows(Fuser *z, Node *n)
{
	int rows, rank;
	if (!is_each(n) && !is_row_reduction(n, &rows))
		return false;
	for (int i = n->n_in - 1; i >= 0; i--) {
		Node *s = behind_views(z->f, n->in[i]);
		Group *gr = z->f->of[s->id];
		if (!gr || gr->kind != GROUP_ROWS || !fits_rows(z, n, gr, &rank))
			continue;
		if (rank < 0 && !reads_directly(z, n, gr))
			continue;
		if (n->op == OP_gather || n->op == OP_gather_elements || n->op == OP_gather_nd)
			continue;
		int was = gr->row_rank;
		gr->row_rank = rank; /* which tells what its loops are */
		if (has_room(z, gr, &n, 1) && acyclic(z->f, n, gr)) {
			join(z, gr, n);
			return true;
		}
		gr->row_rank = was;
	}
	return false;
}

/* Is every reader of the group's values in the group, or n? What is kept is stored all the same. */
static bool only_read_by(Fuser *z, const Group *gr, const Node *n)
{
	for (int k = 0; k < gr->node.n; k++) {
		const Node *m = gr->node.at[k];
		for (int u = 0; u < z->f->user[m->id].n; u++) {
			const Node *user = z->f->user[m->id].at[u];
			if (z->f->of[user->id] != gr && user != n)
				return false;
		}
	}
	return true;
}

static void merge_into(Fuser *z, Group *gr, Group *other)
{
	for (int k = 0; k < other->node.n; k++)
		join(z, gr, other->node.at[k]);
	other->node.n = 0;
	line_remove(z->f, other);
}

/* Elementwise operators on whole tensors: an epilogue reads them at its own index, without views
 * but broadcasts. */
static bool fits_epilogue(const Group *gr)
{
	for (int i = 0; i < gr->node.n; i++) {
		const Node *n = gr->node.at[i];
		if (!(op_info(n->op)->flags & OF_ELEMENTWISE))
			return false;
		for (int k = 0; k < n->n_in; k++)
			if (is_view(n->in[k]) && n->in[k]->op != OP_broadcast)
				return false;
	}
	return true;
}

/* Two elementwise groups that meet in n become one when the other is read by nobody else; so does
 * one that an epilogue reads (an optimiser's moments, in the product that computes a gradient). That
 * closes no cycle: what n reads, and all that it waits for, does not wait for n's group. */
static void merge_rows(Fuser *z, Node *n)
{
	Group *gr = z->f->of[n->id];
	if (!gr || (gr->kind == GROUP_ROWS && gr->row_rank >= 0))
		return;
	for (int i = 0; i < n->n_in; i++) {
		Group *other = z->f->of[n->in[i]->id];
		if (!other || other == gr || other->kind != GROUP_ROWS || other->row_rank >= 0 ||
		    (gr->anchor && !fits_epilogue(other)))
			continue;
		if (type_same_shape(group_shape(other), gr->anchor ? n->type : group_shape(gr)) &&
		    only_read_by(z, other, n) && has_room(z, gr, other->node.at, other->node.n))
			merge_into(z, gr, other);
	}
}

/* --- views that are written out -------------------------------------------------------------- */

/* A sum of axes, without quotients and remainders of them. */
static bool is_affine(const Node *index)
{
	int64_t coef[MAX_AXES] = { 0 }, c0 = 0;
	return kernel_affine(index, 1, coef, &c0);
}

/* Is reading x one load with an index that is affine in the axes, for a template's inner loop? */
static bool reads_affinely(Fuser *z, Node *x)
{
	Node *s = behind_views(z->f, x);
	if (s == x)
		return true;
	KBuilder *kb = kb_create(z->p->ctx, z->arena, &z->p->o->target, "probe");
	Node *at[MAX_RANK];
	Storage st = { .buffer = 0 };
	type_strides(s->type, st.stride);
	kb_outside(kb, s, &st);
	for (int i = 0; i < x->type->rank; i++)
		at[i] = x->type->dim[i] == 1 ? kb_i(kb, 0)
					     : kb_axis(kb, "p", AX_LOOP, x->type->dim[i], 0);
	Node *v = kb_read(kb, x, at);
	if (v->op != OP_load)
		return false;
	for (int i = 0; i < v->n_in; i++)
		if (!is_affine(v->in[i]))
			return false;
	return true;
}

static bool wants_plain_operand(const Fuser *z, const Node *user, int input)
{
	if (has_template(z, user))
		return input == 0 || user->op == OP_attention || user->op == OP_conv_dw;
	return user->op == OP_window_max || user->op == OP_window_sum || user->op == OP_conv;
}

/* Weights that are packed in every run: panels are there to be read from one end to the other. */
static bool is_packed_operand(const Node *user, int input)
{
	return input == 1 && ((user->op == OP_conv && ATTR_OF(user, conv)->panel) ||
			      (user->op == OP_matmul && ATTR_OF(user, matmul)->panel) ||
			      (user->op == OP_winograd && !ATTR_OF(user, winograd)->plain));
}

/* A padding or concatenation in the chain from x on: choices in an inner loop. */
static Node *choice_behind(const Fuser *z, Node *x)
{
	for (; is_view(x) && !z->f->stored[x->id] && x->n_in; x = x->in[0])
		if (x->op == OP_pad || x->op == OP_concat)
			return x;
	return NULL;
}

static void write_out(Fuser *z, const Node *x)
{
	if (is_view(x))
		z->f->stored[x->id] = true;
}

static void choose_written_views(Fuser *z)
{
	for (int i = 0; i < z->g->node.n; i++) {
		Node *n = z->g->node.at[i];
		if (n->op == OP_concat)
			write_out(z, n);
		for (int k = 0; k < n->n_in; k++) {
			if (is_packed_operand(n, k))
				write_out(z, n->in[k]);
			if (!wants_plain_operand(z, n, k))
				continue;
			Node *choice = choice_behind(z, n->in[k]);
			if (choice)
				write_out(z, choice);
			if (!reads_affinely(z, n->in[k]))
				write_out(z, n->in[k]);
		}
	}
	for (int i = 0; i < z->g->result.n; i++)
		write_out(z, z->g->result.at[i]);
}

/* Reading through a long chain of views costs time with every reader. */
static void cut_chains_of_views(Fuser *z)
{
	int *behind = ARENA_ARRAY(z->arena, int, z->g->node.n + 1);
	for (int i = 0; i < z->g->node.n; i++) {
		Node *n = z->g->node.at[i];
		if (!is_view(n))
			continue;
		for (int k = 0; k < n->n_in; k++)
			if (behind[n->in[k]->id] > behind[i])
				behind[i] = behind[n->in[k]->id];
		if (++behind[i] >= VIEWS_MOST) {
			write_out(z, n);
			behind[i] = 0;
		}
	}
}

/* --- the whole ------------------------------------------------------------------------------- */

static void find_users(Fuser *z)
{
	for (int i = 0; i < z->g->result.n; i++)
		z->f->kept[z->g->result.at[i]->id] = true;
	for (int i = 0; i < z->g->update.n; i++)
		z->f->kept[z->g->update.at[i].next->id] = true;
	for (int i = 0; i < z->g->node.n; i++) {
		Node *n = z->g->node.at[i];
		for (int k = 0; k < n->n_in; k++)
			vec_push(z->arena, &z->f->user[n->in[k]->id], n);
	}
}

/* A value that only its own group reads, through views, needs no memory. */
static bool read_outside(Fuser *z, const Node *n, const Group *gr)
{
	Walk *w = z->f->walk;
	walk_begin(w);
	walk_add(w, n);
	for (const Node *x = walk_next(w); x; x = walk_next(w)) {
		if (z->f->kept[x->id])
			return true;
		for (int u = 0; u < z->f->user[x->id].n; u++) {
			Node *user = z->f->user[x->id].at[u];
			if (is_view(user) && !z->f->stored[user->id])
				walk_add(w, user);
			else if (z->f->of[user->id] != gr)
				return true;
		}
	}
	return false;
}

static void collect_groups(Fuser *z)
{
	for (int i = 0; i < z->g->node.n; i++) {
		Node *n = z->g->node.at[i];
		Group *gr = z->f->of[n->id];
		if (gr && gr->kind != GROUP_COPY)
			z->f->stored[n->id] = read_outside(z, n, gr);
		if (gr && z->f->stored[n->id])
			vec_push(z->arena, &gr->output, n);
	}
}

Fusion *fuse(const Pass *p, const Graph *g, Arena *arena)
{
	Fuser z = { .p = p, .g = g, .arena = arena, .f = ARENA_NEW(arena, Fusion) };
	z.f->g = g;
	z.f->of = ARENA_ARRAY(arena, Group *, g->node.n + 1);
	z.f->stored = ARENA_ARRAY(arena, bool, g->node.n + 1);
	z.f->user = ARENA_ARRAY(arena, struct NodeList, g->node.n + 1);
	z.f->in_place = ARENA_ARRAY(arena, Node *, g->update.n + 1);
	z.f->kept = ARENA_ARRAY(arena, bool, g->node.n + 1);
	z.f->walk = walk_create(p->ctx, arena, g);
	z.f->arena = arena;
	z.inside = ARENA_ARRAY(arena, int, g->node.n + 1);
	find_users(&z);
	find_column_terms(&z);
	cut_chains_of_views(&z);
	choose_written_views(&z);
	for (int i = 0; i < g->node.n; i++) {
		Node *n = g->node.at[i];
		if (is_view(n) && z.f->stored[n->id])
			new_group(&z, GROUP_COPY, n);
		if (is_leaf(n) || is_view(n) || z.for_sums[n->id] || join_columns(&z, n))
			continue;
		if (join_epilogue(&z, n) || join_rows(&z, n)) {
			merge_rows(&z, n);
			continue;
		}
		start_group(&z, n);
	}
	collect_groups(&z);
	choose_in_place(z.f, arena);
	return order_groups(&z) ? z.f : NULL;
}
