/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* What a group may hold, in one place: so many operators (each reads three values at most, so that
 * bounds the arguments and the depth of the expressions, too), and no more loops than a kernel has
 * axes. Whatever would make it larger begins a group of its own: a met bound is less fusion, never
 * an error. */
#include "ir/ops/util.h"
#include "passes/fuse_impl.h"

/* Those that the template opens around the rows. */
enum { AXES_AROUND = 4 };

/* Of a row's loops that compute n: at most so many, wherever it turns out to be stored. `inside`:
 * how often the group reads it. */
static int node_axes(const Fuser *z, const Node *n, int row_rank, int inside)
{
	const Target *target = &z->p->o->target;
	bool outside = z->f->kept[n->id] || z->f->user[n->id].n > inside;
	int loops = kb_loops_axes(target, n->type, row_rank);
	int axes = outside ? loops : 0;
	if (inside > 1 || (outside && inside > 0)) /* staged */
		axes += loops;
	if (op_info(n->op)->flags & OF_REDUCES) {
		bool reduced[MAX_RANK];
		int64_t extent[MAX_RANK];
		int n_r = 0;
		reduce_mask(n, reduced);
		for (int i = 0; i < n->in[0]->type->rank; i++)
			if (reduced[i])
				extent[n_r++] = n->in[0]->type->dim[i];
		axes += kb_reduce_axes(target, n->type->dtype, n_r, extent);
	}
	return axes;
}

bool has_room(Fuser *z, const Group *gr, Node *const *more, int n)
{
	z->p->ctx->work += (uint64_t)(gr->node.n + n);
	if (gr->node.n + n > GROUP_MOST_NODES)
		return false;
	if (gr->row_rank < 0)
		return true;
	const Node *member[GROUP_MOST_NODES];
	int members = gr->node.n + n, axes = AXES_AROUND;
	for (int i = 0; i < members; i++) {
		member[i] = i < gr->node.n ? gr->node.at[i] : more[i - gr->node.n];
		z->inside[member[i]->id] = 0;
	}
	for (int i = 0; i < members; i++)
		for (int k = 0; k < member[i]->n_in; k++)
			z->inside[member[i]->in[k]->id]++;
	for (int i = 0; i < members; i++)
		axes += node_axes(z, member[i], gr->row_rank, z->inside[member[i]->id]);
	return axes <= MAX_AXES;
}
