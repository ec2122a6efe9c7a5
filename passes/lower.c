/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* From groups to kernels and the plan. For each group: every tensor it touches gets its role
 * (computed here, staged, read from memory), a template builds the loops, equal kernels become one,
 * and a step says with which memory to call it. */
#include "passes/template/template.h"
#include "base/map.h"
#include "ir/flops.h"
#include "ir/ops/util.h"
#include <string.h>

typedef struct Planner {
	const Pass *p;
	const Graph *g;
	Arena *arena;
	Fusion *f;
	StorageMap *m;
	Plan *plan;
	Map *kernels;         /* first 8 bytes of the hash -> Kernel */
	Storage status;       /* the word that says an index was outside */
	const Group *counted; /* the group of the last step: its work is in the plan */
} Planner;

/* --- roles ----------------------------------------------------------------------------------- */

static bool output_of(const Group *gr, const Node *n)
{
	for (int i = 0; i < gr->output.n; i++)
		if (gr->output.at[i] == n)
			return true;
	return false;
}

/* Dear to compute: an expensive operator between it and what is stored or staged. */
static bool is_costly(const Lowering *l, const Node *n)
{
	for (const Node *x = n; l->f->of[x->id] == l->group && x->n_in;) {
		if (op_info(x->op)->flags & OF_COSTLY)
			return true;
		if (!(op_info(x->op)->flags & OF_ELEMENTWISE))
			return false;
		const Node *next = NULL;
		for (int i = 0; i < x->n_in && !next; i++)
			if (l->f->of[x->in[i]->id] == l->group)
				next = x->in[i];
		if (!next)
			return false;
		x = next;
	}
	return false;
}

static int uses_in_group(const Lowering *l, const Node *n)
{
	int uses = 0;
	for (int i = 0; i < l->f->user[n->id].n; i++)
		uses += l->f->of[l->f->user[n->id].at[i]->id] == l->group;
	return uses;
}

/* A full row that several of the group's loops read: kept once instead of computed again. */
static bool wants_staging(const Lowering *l, const Node *n)
{
	if (l->group->row_rank < 0 || (op_info(n->op)->flags & OF_REDUCES))
		return false;
	const Type *t = n->type;
	int64_t width = 1;
	for (int i = l->group->row_rank; i < t->rank; i++)
		width *= t->dim[i];
	int uses = uses_in_group(l, n);
	bool out = output_of(l->group, n);
	if (!out && gpu_row_is_thread(l, width))
		return false;
	return width > 1 && ((out && uses > 0) || (uses > 1 && is_costly(l, n)));
}

static void outside(Lowering *l, const Node *n)
{
	const Storage *s = &l->m->of[n->id];
	kb_outside(l->kb, n, s);
}

/* The strides of a reshape that only adds or drops dimensions of size 1. */
static bool alias_reshape(const Type *from, const Storage *s, const Type *to, Storage *out)
{
	int i = 0;
	*out = *s;
	for (int o = 0; o < to->rank; o++) {
		out->stride[o] = 0;
		if (to->dim[o] == 1)
			continue;
		while (i < from->rank && from->dim[i] == 1)
			i++;
		if (i == from->rank || from->dim[i] != to->dim[o])
			return false;
		out->stride[o] = s->stride[i++];
	}
	return true;
}

/* A slice of something stored is itself stored, at an offset: steps that read different slices of
 * one tensor (time steps, heads) then share a kernel, which an index would tell apart. */
static bool slice_storage(const Lowering *l, const Node *n, Storage *out)
{
	const Node *chain[MAX_RANK];
	int depth = 0;
	bool sliced = false;
	while (l->m->of[n->id].buffer < 0 && depth < MAX_RANK &&
	       (n->op == OP_slice || n->op == OP_reshape)) {
		sliced = sliced || n->op == OP_slice;
		chain[depth++] = n;
		n = n->in[0];
	}
	*out = l->m->of[n->id];
	if (!sliced || out->buffer < 0 || l->f->of[n->id] == l->group)
		return false;
	while (depth--) {
		const Node *view = chain[depth];
		Storage from = *out;
		if (view->op == OP_reshape) {
			if (!alias_reshape(view->in[0]->type, &from, view->type, out))
				return false;
			continue;
		}
		const Attr_slice *a = ATTR_OF(view, slice);
		for (int d = 0; d < view->type->rank; d++) {
			out->offset += a->begin.v[d] * from.stride[d];
			out->stride[d] = a->step.v[d] * from.stride[d];
		}
	}
	return true;
}

/* Gives n its role. Is it computed where it is read, so that what it reads needs one, too? */
static bool give_own_role(Lowering *l, const Node *n)
{
	bool mine = l->group && l->f->of[n->id] == l->group && l->group->kind != GROUP_COPY;
	Storage part;
	if (is_splat(n)) {
		kb_inside(l->kb, n);
		return false;
	}
	if (!mine && l->m->of[n->id].buffer < 0 && slice_storage(l, n, &part)) {
		kb_outside(l->kb, n, &part);
		return false;
	}
	if (mine && wants_staging(l, n))
		kb_staged(l->kb, n, l->group->row_rank);
	else if (mine || l->m->of[n->id].buffer < 0)
		kb_inside(l->kb, n);
	else
		outside(l, n);
	return mine || l->m->of[n->id].buffer < 0;
}

/* Gives n and what is read through it their roles, unless this walk has met them. */
static void add_roles(Lowering *l, const Node *n)
{
	Walk *w = l->f->walk;
	walk_add(w, n);
	for (n = walk_next(w); n; n = walk_next(w))
		if (give_own_role(l, n))
			walk_add_inputs(w, n);
}

/* In a kernel that has no other tensors than n and what is read through it. */
static void give_roles(Lowering *l, const Node *n)
{
	walk_begin(l->f->walk);
	add_roles(l, n);
}

/* --- kernels and steps ----------------------------------------------------------------------- */

static Kernel *share_kernel(Planner *z, Kernel *k)
{
	uint64_t key;
	memcpy(&key, k->hash, sizeof key);
	Kernel *old = map_get(z->kernels, key);
	if (old && memcmp(old->hash, k->hash, sizeof k->hash) == 0)
		return old;
	map_put(z->kernels, key, k);
	vec_push(z->arena, &z->plan->kernel, k);
	if (z->p->o->verify &&
	    !kernel_verify(k, z->p->o->target.kind == TARGET_CUDA, z->p->o->dump))
		diag_note(z->p->ctx->diag, (Loc){ 0 }, "a kernel of template '%s'", k->kind);
	return k;
}

static void use_buffer(Planner *z, int buffer, int step)
{
	PlanBuffer *b = &z->m->buffer.at[buffer];
	if (b->first < 0)
		b->first = step;
	b->last = step;
}

static const char *source_names(Planner *z, const Group *gr)
{
	Str s;
	str_init(&s, z->arena);
	const char *last = NULL;
	for (int i = 0; gr && i < gr->node.n; i++) {
		const char *name = gr->node.at[i]->name;
		if (!name || (last && str_eq(last, name)))
			continue;
		if (last)
			str_char(&s, ' ');
		str_add(&s, name);
		last = name;
	}
	return str_text(&s);
}

static double group_flops(const Group *gr)
{
	double sum = 0;
	for (int i = 0; gr && i < gr->node.n; i++)
		sum += node_flops(gr->node.at[i]);
	return sum;
}

/* Work and traffic are the kernel's own words, else what its values and buffers tell. */
static void add_step(Planner *z, KBuilder *kb, const Group *gr)
{
	Kernel *k = kb_finish(kb);
	Step s = { .n_tasks = k->n_tasks, .flops = k->flops, .kind = k->kind };
	if (s.flops == 0 && gr != z->counted)
		s.flops = group_flops(gr);
	z->counted = gr;
	s.sources = source_names(z, gr);
	s.arg = ARENA_ARRAY(z->arena, PlanArg, k->buf.n);
	for (int i = 0; i < k->buf.n; i++) {
		if (k->buf.at[i].space != BUF_ARG)
			continue;
		const Storage *st = kb_arg_storage(kb, i);
		const PlanBuffer *b = &z->m->buffer.at[st->buffer];
		int64_t bytes = dtype_info[k->buf.at[i].dtype].bytes, count = 1;
		s.arg[s.n_arg++] =
			(PlanArg){ .space = b->space,
				   .index = st->buffer, /* resolved when memory is planned */
				   .offset = st->offset * bytes };
		for (int d = 0; d < k->buf.at[i].rank; d++)
			count *= k->buf.at[i].stride[d] ? k->buf.at[i].dim[d] : 1;
		s.bytes += (double)(count * bytes);
		use_buffer(z, st->buffer, z->plan->step.n);
	}
	if (k->bytes > 0)
		s.bytes = k->bytes;
	if (k->scratch_bytes > z->plan->scratch_bytes)
		z->plan->scratch_bytes = (k->scratch_bytes + 63) / 64 * 64;
	s.kernel = share_kernel(z, k);
	vec_push(z->arena, &z->plan->step, s);
}

static Lowering begin_group(Planner *z, Group *gr, const char *kind)
{
	Lowering l = { .p = z->p, .f = z->f, .m = z->m, .group = gr };
	l.kb = kb_create(z->p->ctx, z->arena, &z->p->o->target, kind);
	return l;
}

static bool is_empty(const Type *t)
{
	return t->count == 0;
}

/* --- indices ---------------------------------------------------------------------------------- */

static void check_index(Planner *z, const Node *index, int64_t size, int64_t component)
{
	if (is_empty(index->type) || !index_may_be_outside(index, size))
		return;
	Lowering l = begin_group(z, NULL, "check");
	give_roles(&l, index);
	template_check(&l, index, size, component, &z->status);
	add_step(z, l.kb, NULL);
}

/* What a group gathers by: in steps of their own, before it. */
static void check_indices(Planner *z, const Group *gr)
{
	for (int i = 0; i < gr->node.n; i++) {
		const Node *n = gr->node.at[i];
		const Type *x = n->n_in ? n->in[0]->type : NULL,
			   *at = n->n_in > 1 ? n->in[1]->type : NULL;
		if (n->op == OP_gather || n->op == OP_gather_elements)
			check_index(z, n->in[1],
				    x->dim[axis_norm(ATTR_OF(n, gather)->axis, x->rank)], -1);
		if (n->op == OP_gather_nd || n->op == OP_scatter_nd)
			for (int64_t d = 0; d < at->dim[at->rank - 1]; d++)
				check_index(z, n->in[1], x->dim[d], d);
	}
}

/* With a role for every tensor. */
static Lowering begin_computing(Planner *z, Group *gr, const char *kind)
{
	Lowering l = begin_group(z, gr, kind);
	walk_begin(z->f->walk);
	for (int i = 0; i < gr->output.n; i++) {
		const Storage *to = &z->m->of[gr->output.at[i]->id];
		add_roles(&l, gr->output.at[i]);
		kb_output(l.kb, gr->output.at[i], to);
	}
	l.flat = group_is_flat(&l);
	return l;
}

/* A kernel; or one that leaves partial sums in memory of their own, and one that adds them. */
static void lower_in_parts(Planner *z, Group *gr, Lowering *l, SumsType *sums_type,
			   SumsTemplate *make, AddTemplate *add)
{
	const Type *type = sums_type(l);
	if (!type) {
		make(l, NULL);
		return;
	}
	PlanBuffer b = { .space = SPACE_WORK, .bytes = type_bytes(type), .first = -1, .last = -1 };
	Storage sums = { .buffer = z->m->buffer.n, .align = 64 };
	type_strides(type, sums.stride);
	vec_push(z->arena, &z->m->buffer, b);
	make(l, &sums);
	add_step(z, l->kb, gr);
	*l = begin_computing(z, gr, "sums");
	add(l, type, &sums);
}

/* Both operands have what is summed over outside. */
static bool is_outer_product(const Node *n)
{
	const Attr_matmul *a = n->op == OP_matmul ? ATTR_OF(n, matmul) : NULL;
	return n->op == OP_conv_dw ||
	       (a && a->trans_x && !a->trans_w && !a->panel && n->type->rank == 2);
}

static void lower_computing(Planner *z, Group *gr)
{
	static const char *const kind[] = { [GROUP_ROWS] = "rows",
					    [GROUP_PULL] = "pull",
					    [GROUP_CONTRACT] = "contract",
					    [GROUP_COLUMNS] = "columns",
					    [GROUP_COPY] = "copy" };
	if (gr->output.n == 0 || is_empty(gr->output.at[0]->type))
		return;
	bool named = gr->anchor && gr->kind != GROUP_COLUMNS;
	Lowering l = begin_computing(z, gr, named ? op_info(gr->anchor->op)->name : kind[gr->kind]);
	if (gr->kind == GROUP_ROWS)
		template_rows(&l);
	else if (gr->kind == GROUP_PULL && gr->anchor->op == OP_cumsum)
		template_cumsum(&l);
	else if (gr->kind == GROUP_PULL && gr->anchor->op == OP_topk_index)
		template_topk(&l);
	else if (gr->kind == GROUP_PULL)
		template_pull(&l);
	else if (gr->kind == GROUP_COLUMNS)
		lower_in_parts(z, gr, &l, column_sums, template_columns, template_add_columns);
	else if (on_gpu(&l) && gr->anchor->op == OP_attention)
		template_gpu_attention(&l);
	else if (on_gpu(&l))
		lower_in_parts(z, gr, &l, gpu_contract_sums, template_gpu_contract,
			       template_add_parts);
	else if (gr->anchor->op == OP_winograd)
		template_winograd(&l);
	else if (gr->anchor->op == OP_winograd_tiles)
		template_winograd_tiles(&l);
	else if (gr->anchor->op == OP_attention)
		template_attention(&l);
	else if (is_outer_product(gr->anchor))
		lower_in_parts(z, gr, &l, outer_sums, template_outer, template_add_parts);
	else
		template_contract(&l);
	add_step(z, l.kb, gr);
}

static void copy_value(Planner *z, Group *gr, const Node *value, const Type *shape,
		       const Storage *to)
{
	if (is_empty(shape))
		return;
	Lowering l = begin_group(z, gr, "copy");
	give_roles(&l, value);
	template_copy(&l, value, shape, to);
	add_step(z, l.kb, gr);
}

/* The tensor copied, then the updates over it. */
static void lower_scatter(Planner *z, Group *gr)
{
	const Node *n = gr->anchor;
	const Storage *to = &z->m->of[n->id];
	copy_value(z, gr, n->in[0], n->type, to);
	if (is_empty(n->in[2]->type))
		return;
	Lowering l = begin_group(z, gr, "scatter");
	give_roles(&l, n->in[1]);
	add_roles(&l, n->in[2]);
	template_scatter(&l, n, to);
	add_step(z, l.kb, gr);
}

/* A view computed element by element into its own storage. */
static void copy_view(Planner *z, Group *gr, const Storage *to)
{
	Node *n = gr->node.at[0];
	Lowering l = begin_group(z, gr, "copy");
	kb_inside(l.kb, n);
	walk_begin(z->f->walk);
	for (int i = 0; i < n->n_in; i++)
		add_roles(&l, n->in[i]);
	template_copy(&l, n, n->type, to);
	add_step(z, l.kb, gr);
}

/* A written view: what its producers did not place is copied, and a padding gets its border. */
static void lower_copy(Planner *z, Group *gr)
{
	const Node *n = gr->node.at[0];
	const Storage *whole = &z->m->of[n->id];
	Storage part;
	if (is_empty(n->type))
		return;
	if (n->op != OP_concat && n->op != OP_pad) {
		if (operand_embedded(z->m, z->f, n, 0))
			return;
		copy_view(z, gr, whole);
		return;
	}
	int parts = n->op == OP_pad ? 1 : n->n_in;
	for (int k = 0; k < parts; k++) {
		if (operand_embedded(z->m, z->f, n, k))
			continue;
		if (!storage_of_operand(z->m, n, k, whole,
					&part)) { /* interior or negative padding */
			copy_view(z, gr, whole);
			return;
		}
		copy_value(z, gr, n->in[k], n->in[k]->type, &part);
	}
	for (int d = 0, until; n->op == OP_pad && d < n->type->rank; d = until) {
		Lowering l = begin_group(z, gr, "border");
		until = border_part(&l, n, d);
		give_roles(&l, n->in[1]);
		template_border(&l, n, whole, d, until);
		add_step(z, l.kb, gr);
	}
}

/* Results that are inputs, parameters, doubles of another, or live inside another buffer. */
static void write_results(Planner *z)
{
	for (int i = 0; i < z->g->result.n; i++) {
		const Node *n = z->g->result.at[i];
		Storage to = { 0 };
		int buffer = z->m->of[n->id].buffer;
		const PlanBuffer *b = buffer >= 0 ? &z->m->buffer.at[buffer] : NULL;
		z->p->ctx->work++;
		if (b && b->space == SPACE_OUTPUT && b->index == i)
			continue;
		PlanBuffer out = { .space = SPACE_OUTPUT,
				   .index = i,
				   .bytes = type_bytes(n->type) };
		type_strides(n->type, to.stride);
		to.buffer = z->m->buffer.n;
		vec_push(z->arena, &z->m->buffer, out);
		copy_value(z, NULL, n, n->type, &to);
	}
}

/* Value copied to another place than its own, from where `from` says it lies (NULL: from its own).
 */
static void copy_state(Planner *z, const Node *value, const Storage *from, const Storage *to)
{
	Lowering l = begin_group(z, NULL, "copy");
	if (from)
		kb_outside(l.kb, value, from);
	else
		give_roles(&l, value);
	template_copy(&l, value, value->type, to);
	add_step(z, l.kb, NULL);
}

/* A place in the workspace for a value that shows a state which another update is to overwrite. */
static bool set_aside(Planner *z, const Node *value, Storage *to)
{
	const Node *shown = behind_views(z->f, (Node *)value);
	if (!is_state(shown))
		return false;
	PlanBuffer b = {
		.space = SPACE_WORK, .bytes = type_bytes(value->type), .first = -1, .last = -1
	};
	*to = (Storage){ .buffer = z->m->buffer.n, .align = 64 };
	type_strides(value->type, to->stride);
	vec_push(z->arena, &z->m->buffer, b);
	copy_state(z, value, NULL, to);
	return true;
}

/* New values of states that are not written in place, when all else is done: all at once, so what
 * shows an old value is set aside first. */
static void write_updates(Planner *z)
{
	const Graph *g = z->g;
	Storage *aside = ARENA_ARRAY(z->arena, Storage, g->update.n + 1);
	bool *is_aside = ARENA_ARRAY(z->arena, bool, g->update.n + 1);
	for (int i = 0; i < g->update.n; i++)
		if (!z->f->in_place[i] && g->update.at[i].next != g->update.at[i].state &&
		    !is_empty(g->update.at[i].next->type))
			is_aside[i] = set_aside(z, g->update.at[i].next, &aside[i]);
	for (int i = 0; i < g->update.n; i++) {
		const struct GraphUpdate *u = &g->update.at[i];
		if (!z->f->in_place[i] && u->next != u->state && !is_empty(u->next->type))
			copy_state(z, u->next, is_aside[i] ? &aside[i] : NULL,
				   &z->m->of[u->state->id]);
	}
}

/* --- the plan -------------------------------------------------------------------------------- */

static void place_weights(Planner *z)
{
	for (int i = 0; i < z->m->buffer.n; i++) {
		PlanBuffer *b = &z->m->buffer.at[i];
		if (b->space != SPACE_WEIGHT)
			continue;
		b->offset = z->plan->weight_bytes;
		z->plan->weight_bytes = (b->offset + b->bytes + 63) / 64 * 64;
	}
}

static void resolve_args(Planner *z)
{
	for (int i = 0; i < z->plan->step.n; i++)
		for (int k = 0; k < z->plan->step.at[i].n_arg; k++) {
			PlanArg *a = &z->plan->step.at[i].arg[k];
			const PlanBuffer *b = &z->m->buffer.at[a->index];
			a->index = b->index;
			a->offset += b->offset;
		}
}

static void find_align(PlanPort *port, int align)
{
	port->align = align > port->align ? align : port->align;
}

/* Arguments name ports by now. */
static void find_port_aligns(const Plan *p)
{
	for (int i = 0; i < p->input.n; i++)
		find_align(&p->input.at[i], p->input.at[i].block ? 64 : 1);
	for (int i = 0; i < p->output.n; i++)
		find_align(&p->output.at[i], 1);
	for (int i = 0; i < p->step.n; i++) {
		const Step *s = &p->step.at[i];
		for (int k = 0, b = 0; k < s->n_arg; k++, b++) {
			while (s->kernel->buf.at[b].space != BUF_ARG)
				b++;
			int align = s->kernel->buf.at[b].align;
			if (s->arg[k].space == SPACE_INPUT)
				find_align(&p->input.at[s->arg[k].index], align);
			if (s->arg[k].space == SPACE_OUTPUT)
				find_align(&p->output.at[s->arg[k].index], align);
		}
	}
}

static void add_ports(Planner *z)
{
	for (int i = 0; i < z->g->input.n; i++) {
		const Node *n = z->g->input.at[i];
		PlanPort port = { .name = ATTR_OF(n, port)->name, .type = n->type };
		vec_push(z->arena, &z->plan->input, port);
	}
	if (z->plan->state) {
		int64_t bytes = z->plan->state->bytes;
		const Type *t = type_get(z->p->ctx, DT_u8, 1, &bytes);
		PlanPort port = { .name = "state", .type = t, .block = true };
		vec_push(z->arena, &z->plan->input, port);
	}
	for (int i = 0; i < z->g->result.n; i++) {
		PlanPort port = { .name = z->g->result_name.at[i],
				  .type = z->g->result.at[i]->type };
		vec_push(z->arena, &z->plan->output, port);
	}
}

static void add_status(Planner *z)
{
	PlanBuffer b = { .space = SPACE_WORK,
			 .bytes = 4,
			 .offset = PLAN_STATUS_OFFSET,
			 .first = -1,
			 .last = -1,
			 .placed = true };
	z->status = (Storage){ .buffer = z->m->buffer.n, .align = 4 };
	vec_push(z->arena, &z->m->buffer, b);
}

static const StateLayout *state_of(const Pass *p, const Graph *g, Arena *arena)
{
	for (int i = 0; i < g->param.n; i++)
		if (is_state(g->param.at[i]))
			return p->state ? p->state : state_layout(g, arena);
	return NULL;
}

Plan *plan_graph(const Pass *p, const Graph *g, Arena *arena)
{
	Planner z = { .p = p, .g = g, .arena = arena };
	z.plan = ARENA_NEW(arena, Plan);
	z.plan->arena = arena;
	z.plan->ctx = p->ctx;
	z.plan->name = g->name;
	z.plan->state = state_of(p, g, arena);
	z.kernels = map_create(arena);
	z.f = fuse(p, g, arena);
	if (!z.f)
		return NULL;
	z.m = assign_storage(p, z.f, z.plan->state, arena);
	if (diag_errors(p->ctx->diag))
		return NULL;
	add_ports(&z);
	add_status(&z);
	for (int i = 0; i < z.f->group.n; i++) {
		Group *gr = z.f->group.at[i];
		if (gr->output.n && !is_empty(gr->output.at[0]->type))
			check_indices(&z, gr);
		if (gr->kind == GROUP_COPY)
			lower_copy(&z, gr);
		else if (gr->anchor && gr->anchor->op == OP_scatter_nd)
			lower_scatter(&z, gr);
		else
			lower_computing(&z, gr);
	}
	write_results(&z);
	write_updates(&z);
	place_weights(&z);
	z.plan->work_bytes = plan_memory(z.m, z.plan);
	mark_joins(z.m, z.plan);
	resolve_args(&z);
	find_port_aligns(z.plan);
	return diag_errors(p->ctx->diag) ? NULL : z.plan;
}
