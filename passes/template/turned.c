/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Elementwise operators that read a tensor lying the other way round: an optimiser has its
 * parameter and its moments as [O,I,KH,KW], the gradient comes as [KH,KW,I,O].
 *
 * Element by element either side would be read by strides of whole rows. So a tile of the turned
 * tensor is brought into scratch by vectors along its own rows, then the tile runs by vectors along
 * the rows of all the others, which are dense: the index goes through the last dimension beyond its
 * size. */
#include "passes/template/template.h"

enum { MOST_TURNED = 2, MOST_WIDTH = 160, LEAST_ELEMENTS = 4096 };

typedef struct Turned {
	Lowering *l;
	KBuilder *kb;
	const Type *t;
	const Node *x[MOST_TURNED];
	int buf[MOST_TURNED], n;
	int64_t rows, cols,
		width; /* of a tile: of dimension 0, of dimension 1, elements of a row */
	int lanes;
	Node *row, *col; /* where the tile begins */
	Node *r;         /* row within the tile */
} Turned;

/* --- does it apply? -------------------------------------------------------------------------- */

static bool dense_like(const Turned *z, const Node *n)
{
	const Storage *s = &z->l->m->of[n->id];
	return s->buffer >= 0 && type_same_shape(n->type, z->t) &&
	       storage_contiguous(s, n->type, 0);
}

static const Node *turned_source(const Turned *z, const Node *n)
{
	while (!z->l->f->stored[n->id] &&
	       (n->op == OP_transpose || n->op == OP_reshape || n->op == OP_slice))
		n = n->in[0];
	return n;
}

/* Are neighbours in dimension 0 neighbours in memory? Found by asking. */
static bool lies_turned(const Turned *z, const Node *n)
{
	const Node *s = turned_source(z, n);
	const Storage *st = &z->l->m->of[s->id];
	Node *at[MAX_RANK];
	int64_t coef[MAX_AXES] = { 0 }, c0 = 0;
	if (s == n || st->buffer < 0 || dtype_info[s->type->dtype].bytes != 4 ||
	    !type_same_shape(n->type, z->t))
		return false;
	KBuilder *kb = kb_create(z->l->p->ctx, kb_arena(z->kb), &z->l->p->o->target, "probe");
	kb_outside(kb, s, st);
	for (int i = 0; i < z->t->rank; i++)
		at[i] = kb_axis(kb, "p", AX_LOOP, z->t->dim[i], 0);
	const Node *v = kb_read(kb, n, at);
	if (v->op != OP_load)
		return false;
	for (int i = 0; i < v->n_in; i++)
		if (!kernel_affine(v->in[i], st->stride[i], coef, &c0))
			return false;
	return coef[kb_axis_id(at[0])] == 1;
}

/* One of what the group reads: either it lies as the results do or is the same everywhere, or it
 * lies turned. */
static bool takes_operand(Turned *z, const Node *n)
{
	bool scalar = n->op == OP_broadcast && n->in[0]->type->count == 1;
	if (z->l->f->of[n->id] == z->l->group || scalar || n->op == OP_fill ||
	    is_uniform_const(n) || dense_like(z, n))
		return true;
	for (int i = 0; i < z->n; i++)
		if (z->x[i] == n)
			return true;
	if (z->n == MOST_TURNED || !lies_turned(z, n))
		return false;
	z->x[z->n++] = n;
	return true;
}

static bool takes_group(Turned *z)
{
	const Group *gr = z->l->group;
	for (int i = 0; i < gr->output.n; i++)
		if (!dense_like(z, gr->output.at[i]))
			return false;
	for (int i = 0; i < gr->node.n; i++) {
		const Node *n = gr->node.at[i];
		if (!(op_info(n->op)->flags & OF_ELEMENTWISE))
			return false;
		for (int k = 0; k < n->n_in; k++)
			if (!takes_operand(z, n->in[k]))
				return false;
	}
	return z->n > 0;
}

/* Whole vectors of rows, and as much of dimension 1 as a row of the tile takes. */
static bool choose_tile(Turned *z)
{
	const Type *t = z->t;
	int64_t inner =
		t->rank < 2 || t->count < LEAST_ELEMENTS ? 0 : t->count / (t->dim[0] * t->dim[1]);
	z->lanes = target_lanes(kb_target(z->kb), 4);
	if (!inner || inner > MOST_WIDTH || t->dim[0] % z->lanes)
		return false;
	z->rows = t->dim[0] % (2 * z->lanes) ? z->lanes : 2 * z->lanes;
	z->cols = t->dim[1] < MOST_WIDTH / inner ? t->dim[1] : MOST_WIDTH / inner;
	while (t->dim[1] % z->cols)
		z->cols--;
	z->width = z->cols * inner;
	return z->width >= z->lanes;
}

/* --- a tile ---------------------------------------------------------------------------------- */

static void bring(Turned *z, int k)
{
	KBuilder *kb = z->kb;
	int64_t dim[MAX_RANK], vectors = z->rows / z->lanes;
	Node *at[MAX_RANK], *inner[MAX_RANK], *to[2];
	int opened = 0;
	for (int i = z->t->rank - 1; i > 0; i--) {
		dim[i - 1] = i == 1 ? z->cols : z->t->dim[i];
		inner[i - 1] = kb_i(kb, 0);
		if (dim[i - 1] > 1) {
			inner[i - 1] = kb_axis(kb, "d", AX_LOOP, dim[i - 1], 0);
			kb_open(kb, inner[i - 1]);
			opened++;
		}
		at[i] = i == 1 ? kb_iadd(kb, z->col, inner[0]) : inner[i - 1];
	}
	Node *u = kb_axis(kb, "u", AX_UNROLL, vectors, 0);
	Node *v = kb_axis(kb, "v", AX_VECTOR, z->lanes, z->lanes);
	if (vectors > 1)
		kb_open(kb, u);
	kb_open(kb, v);
	to[0] = vectors > 1 ? kb_iadd(kb, kb_imul(kb, u, z->lanes), v) : v;
	to[1] = kb_flat(kb, type_get(kb_context(kb), DT_f32, z->t->rank - 1, dim), inner);
	at[0] = kb_iadd(kb, z->row, to[0]);
	kb_store_buf(kb, z->buf[k], to, kb_read(kb, z->x[k], at));
	for (opened += 1 + (vectors > 1); opened > 0; opened--)
		kb_close(kb);
}

static void tile_element(KBuilder *kb, Node **m, void *user)
{
	const Turned *z = user;
	Node *at[MAX_RANK], *from[2] = { z->r, m[0] };
	int last = z->t->rank - 1;
	at[0] = kb_iadd(kb, z->row, z->r);
	at[1] = z->col;
	for (int i = 2; i <= last; i++)
		at[i] = kb_i(kb, 0);
	at[last] = kb_iadd(kb, at[last], m[0]);
	for (int k = 0; k < z->n; k++)
		kb_bind(kb, z->x[k], at, kb_load_buf(kb, z->buf[k], from));
	store_outputs(z->l, at);
}

bool template_turned(Lowering *l)
{
	KBuilder *kb = l->kb;
	Turned z = { .l = l, .kb = kb, .t = l->group->output.at[0]->type };
	if (!choose_tile(&z) || !takes_group(&z))
		return false;
	Node *m[1];
	int64_t across = z.t->dim[1] / z.cols, tiles = z.t->dim[0] / z.rows * across;
	int64_t per_task = rows_per_task(tiles, z.rows * z.width * 4),
		size[2] = { z.rows, z.width };
	for (int k = 0; k < z.n; k++)
		z.buf[k] = kb_scratch(kb, "turned", z.x[k]->type->dtype, 2, size, 0);
	Node *tile = open_rows(kb, tiles, per_task);
	z.row = kb_imul(kb, kb_idiv(kb, tile, across), z.rows);
	z.col = kb_imul(kb, kb_imod(kb, tile, across), z.cols);
	for (int k = 0; k < z.n; k++)
		bring(&z, k);
	z.r = kb_axis(kb, "r", AX_LOOP, z.rows, 0);
	kb_open(kb, z.r);
	kb_loops(kb, type_get(kb_context(kb), DT_f32, 1, &z.width), 0, m, tile_element, &z);
	kb_close(kb);
	close_rows(kb, per_task);
	return true;
}
