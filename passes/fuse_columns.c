/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Column sums: sums over all dimensions but the last, as batch norm in training makes them
 * (channels last), and gradients of biases.
 *
 * Sums that read a tensor in common share one pass over it, and take along the elementwise
 * operators that feed nothing else: these are never stored, nor an epilogue of what they read,
 * where they would be written and read again. A group of elementwise operators that computes the
 * tensor becomes the group of its sums. */
#include "ir/ops/util.h"
#include "passes/fuse_impl.h"

enum {
	LEAST_ROWS = 16,
	GROUPS_BEFORE = 8 /* how many earlier groups are looked at */
};

/* Sums of GPUs have threads for every element already. */
static bool is_column_sum(const Fuser *z, const Node *n)
{
	bool reduced[MAX_RANK];
	if (n->op != OP_reduce_sum || z->p->o->target.kind == TARGET_CUDA)
		return false;
	const Type *t = n->in[0]->type;
	int last = t->rank - 1;
	if (t->rank < 2 || t->dtype != DT_f32 || t->dim[last] < 2 || t->count == 0 ||
	    t->count / t->dim[last] < LEAST_ROWS)
		return false;
	reduce_mask(n, reduced);
	for (int i = 0; i < last; i++)
		if (!reduced[i] && t->dim[i] != 1)
			return false;
	return !reduced[last];
}

static bool feeds_sums_alone(const Fuser *z, const Node *n)
{
	const struct NodeList *users = &z->f->user[n->id];
	uint32_t flags = op_info(n->op)->flags;
	if (!(flags & OF_ELEMENTWISE) || (flags & OF_COSTLY) || z->f->kept[n->id])
		return false;
	for (int i = 0; i < users->n; i++) {
		const Node *u = users->at[i];
		if (!is_column_sum(z, u) &&
		    !(z->for_sums[u->id] && type_same_shape(u->type, n->type)))
			return false;
	}
	return users->n > 0;
}

/* The sum that takes n along: of those that n feeds, the oldest. */
static int first_sum(const Fuser *z, const Node *n, const int *owner)
{
	const struct NodeList *users = &z->f->user[n->id];
	int first = z->g->node.n;
	for (int i = 0; i < users->n; i++) {
		int u = (int)users->at[i]->id, sum = z->for_sums[u] ? owner[u] : u;
		first = sum < first ? sum : first;
	}
	return first;
}

void find_column_terms(Fuser *z)
{
	z->for_sums = ARENA_ARRAY(z->arena, bool, z->g->node.n + 1);
	int *owner = ARENA_ARRAY(z->arena, int, z->g->node.n + 1);
	int *terms = ARENA_ARRAY(z->arena, int, z->g->node.n + 1);
	for (int i = z->g->node.n - 1; i >= 0; i--) {
		const Node *n = z->g->node.at[i];
		if (!feeds_sums_alone(z, n))
			continue;
		owner[i] = first_sum(z, n, owner);
		z->for_sums[i] = ++terms[owner[i]] <= GROUP_MOST_TERMS;
	}
}

/* --- what is taken along --------------------------------------------------------------------- */

typedef struct Terms {
	struct {
		Node **at;
		int n, cap;
	} node,         /* operators without a group that feed the sum, the oldest first */
		source; /* what they read of its shape */
} Terms;

static void add_source(Fuser *z, Terms *t, Node *x, const Type *shape)
{
	if (!type_same_shape(x->type, shape) || !walk_meet(z->f->walk, x))
		return;
	if (z->for_sums[x->id] && !z->f->of[x->id])
		vec_push(z->arena, &t->node, x);
	else
		vec_push(z->arena, &t->source, x);
}

static void sort_by_id(Terms *t)
{
	for (int i = 1; i < t->node.n; i++)
		for (int k = i; k > 0 && t->node.at[k - 1]->id > t->node.at[k]->id; k--) {
			Node *x = t->node.at[k];
			t->node.at[k] = t->node.at[k - 1];
			t->node.at[k - 1] = x;
		}
}

static Terms find_terms(Fuser *z, const Node *sum)
{
	Terms t = { 0 };
	const Type *shape = sum->in[0]->type;
	walk_begin(z->f->walk);
	add_source(z, &t, sum->in[0], shape);
	for (int i = 0; i < t.node.n; i++)
		for (int k = 0; k < t.node.at[i]->n_in; k++)
			add_source(z, &t, t.node.at[i]->in[k], shape);
	sort_by_id(&t);
	return t;
}

/* --- the group that takes it ----------------------------------------------------------------- */

/* Elementwise operators of that shape, or sums of it with room for one more. */
static bool takes_sums(const Group *gr, const Node *sum)
{
	const Type *shape = sum->in[0]->type;
	int sums = 0;
	if (gr->kind == GROUP_COLUMNS) {
		for (int i = 0; i < gr->node.n; i++)
			sums += gr->node.at[i]->op == OP_reduce_sum;
		return sums < COLUMNS_MOST_SUMS &&
		       type_same_shape(gr->anchor->in[0]->type, shape) &&
		       gr->anchor->type == sum->type;
	}
	if (gr->kind != GROUP_ROWS || gr->row_rank >= 0)
		return false;
	for (int i = 0; i < gr->node.n; i++)
		if (!(op_info(gr->node.at[i]->op)->flags & OF_ELEMENTWISE) ||
		    !type_same_shape(gr->node.at[i]->type, shape))
			return false;
	return true;
}

/* n computes terms: of the group it may read terms, not the sums or what is made of them. */
static bool reads_terms(Fuser *z, const Node *n, const Group *gr, const Type *shape)
{
	for (int i = 0; i < n->n_in; i++) {
		const Node *x = n->in[i];
		if (z->f->of[x->id] == gr &&
		    (!type_same_shape(x->type, shape) || !(op_info(x->op)->flags & OF_ELEMENTWISE)))
			return false;
	}
	return reads_directly(z, n, gr);
}

static void leave(Fuser *z, Group *gr, Node *n)
{
	int i = 0;
	while (gr->node.at[i] != n)
		i++;
	for (gr->node.n--; i < gr->node.n; i++)
		gr->node.at[i] = gr->node.at[i + 1];
	z->f->of[n->id] = NULL;
}

/* All terms and the sum, or none of them. */
static bool join_all(Fuser *z, Group *gr, const Terms *t, Node *sum)
{
	const Type *shape = sum->in[0]->type;
	int order = gr->order, n = 0;
	for (; n <= t->node.n; n++) {
		Node *x = n < t->node.n ? t->node.at[n] : sum;
		if (!reads_terms(z, x, gr, shape) || !has_room(z, gr, &x, 1) ||
		    !acyclic(z->f, x, gr))
			break;
		join(z, gr, x);
	}
	if (n > t->node.n)
		return true;
	while (n--)
		leave(z, gr, t->node.at[n]);
	gr->order = order;
	return false;
}

static bool reads_source(const Group *gr, const Terms *t)
{
	for (int i = 0; i < gr->node.n; i++)
		for (int k = 0; k < gr->node.at[i]->n_in; k++)
			for (int s = 0; s < t->source.n; s++)
				if (gr->node.at[i]->in[k] == t->source.at[s])
					return true;
	return false;
}

static Group *join_some(Fuser *z, const Terms *t, Node *sum)
{
	for (int i = 0; i < t->source.n; i++) {
		Group *gr = z->f->of[t->source.at[i]->id];
		if (gr && takes_sums(gr, sum) && join_all(z, gr, t, sum))
			return gr;
	}
	for (int i = z->columns.n - 1; i >= 0 && i >= z->columns.n - GROUPS_BEFORE; i--) {
		Group *gr = z->columns.at[i];
		if (takes_sums(gr, sum) && reads_source(gr, t) && join_all(z, gr, t, sum))
			return gr;
	}
	return NULL;
}

bool join_columns(Fuser *z, Node *n)
{
	if (!is_column_sum(z, n))
		return false;
	Terms t = find_terms(z, n);
	Group *gr = join_some(z, &t, n);
	if (gr && gr->kind == GROUP_COLUMNS)
		return true;
	if (!gr) {
		gr = new_group(z, GROUP_COLUMNS, n);
		for (int i = 0; i < t.node.n; i++)
			join(z, gr, t.node.at[i]);
	}
	gr->kind = GROUP_COLUMNS;
	gr->anchor = n;
	vec_push(z->arena, &z->columns, gr);
	return true;
}
