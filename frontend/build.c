/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Elements become the typed graph. Only what the outputs need is built: first the elements are
 * marked backwards from the outputs, then they are built in the order of the list, so that equal
 * models give equal graphs. An <if> is decided when its turn comes; then the chosen branch is
 * marked and built in the same way, as if it stood in its place. Values of "@name" are constants by
 * then or an error says which input they depend on. Macros stay as they are written, unless all
 * their inputs are constant (emit folds them). A graph for training has the elements of <training>
 * besides, which see the model's as a branch sees those around it. */
#include "frontend/build_impl.h"
#include <stdlib.h>

enum { MAX_IF_DEPTH = 1000 };

typedef VEC(Spot) SpotList;

static bool build_needed(Build *s, SpotList *fresh);

/* --- names ----------------------------------------------------------------------------------- */

static Unit *unit_create(Build *s, Unit *outer, const ElemList *list)
{
	Unit *u = ARENA_NEW(s->arena, Unit);
	u->outer = outer;
	u->list = list;
	u->depth = outer ? outer->depth + 1 : 0;
	u->index = map_create(s->arena);
	u->value = ARENA_ARRAY(s->arena, struct UnitValue, list->elem.n);
	u->need = ARENA_ARRAY(s->arena, bool, list->elem.n);
	for (int i = 0; i < list->elem.n; i++) {
		const Elem *e = &list->elem.at[i];
		if (str_eq(e->op, "output") || !e->id)
			continue;
		if (map_get_str(u->index, e->id))
			s->failed = !diag_error(s->c->diag, e->id_loc, E2009,
						"the id '%.80s' is used twice", e->id);
		map_put_str(u->index, e->id, (void *)(uintptr_t)(i + 1));
	}
	return u;
}

static bool find_id(Unit *u, const char *id, Spot *out)
{
	for (; u; u = u->outer) {
		int at = (int)(uintptr_t)map_get_str(u->index, id);
		if (at) {
			*out = (Spot){ u, at - 1 };
			return true;
		}
	}
	return false;
}

/* "id" or "id.k". False: no such element. */
bool build_find(Build *s, Unit *u, const char *ref, Spot *out, int *k)
{
	size_t base;
	*k = 0;
	if (find_id(u, ref, out))
		return true;
	return elem_result_suffix(ref, &base, k) &&
	       find_id(u, arena_strndup(s->arena, ref, base), out);
}

bool build_is_literal(const char *text, Num *v)
{
	return elem_is_number(text) && num_parse(text, strlen(text), v);
}

/* --- marking --------------------------------------------------------------------------------- */

static void mark(Build *s, Unit *u, const char *ref, SpotList *work)
{
	Spot spot;
	int k;
	if (!ref || !build_find(s, u, ref, &spot, &k) || spot.unit->need[spot.at])
		return;
	spot.unit->need[spot.at] = true;
	vec_push(s->arena, work, spot);
}

/* Marks what work's elements need, all the way; work ends as the list of everything marked. Of an
 * <if> only the condition is needed until it is decided. */
static void mark_all(Build *s, SpotList *work)
{
	for (int i = 0; i < work->n; i++) {
		Spot spot = work->at[i];
		const Elem *e = &spot.unit->list->elem.at[spot.at];
		for (int j = 0; j < e->in.n; j++)
			mark(s, spot.unit, e->in.at[j].name, work);
		for (int j = 0; j < e->attr.n; j++)
			if (e->attr.at[j].value[0] == '@')
				mark(s, spot.unit, e->attr.at[j].value + 1, work);
	}
}

static bool mark_outputs(Build *s, Unit *u)
{
	SpotList fresh = { 0 };
	for (int i = 0; i < u->list->elem.n; i++)
		if (str_eq(u->list->elem.at[i].op, "output"))
			for (int j = 0; j < u->list->elem.at[i].in.n; j++)
				mark(s, u, u->list->elem.at[i].in.at[j].name, &fresh);
	mark_all(s, &fresh);
	return build_needed(s, &fresh);
}

/* --- if -------------------------------------------------------------------------------------- */

static void set_value(Build *s, Unit *u, int at, Node *const *n, int count)
{
	u->value[at].at = arena_copy(s->arena, n, sizeof(*n) * (size_t)count);
	u->value[at].n = count;
}

static bool take_branch(Build *s, Unit *u, int at, const ElemList *branch)
{
	Unit *inner = unit_create(s, u, branch);
	VEC(Node *) out = { 0 };
	bool ok = mark_outputs(s, inner);
	for (int i = 0; i < branch->elem.n; i++) {
		const Elem *e = &branch->elem.at[i];
		for (int j = 0; j < e->in.n && str_eq(e->op, "output"); j++)
			vec_push(s->arena, &out,
				 build_ref(s, inner, e, e->in.at[j].name, e->in.at[j].loc));
	}
	if (!out.n)
		return false;
	set_value(s, u, at, out.at, out.n);
	return ok;
}

static bool build_if(Build *s, Unit *u, int at)
{
	const Elem *e = &u->list->elem.at[at];
	Node *bad = NULL;
	double v;
	if (e->in.n != 1 || !e->in.at[0].name || !e->branch[0] || !e->branch[1])
		return diag_error(s->c->diag, e->loc, E2016,
				  "an <if> holds a condition and two branches");
	Node *cond = build_ref(s, u, e, e->in.at[0].name, e->in.at[0].loc);
	if (!is_poison(cond) && const_scalar(cond, &v)) {
		if (++s->depth > MAX_IF_DEPTH)
			return diag_error(s->c->diag, e->loc, E2015,
					  "branches depend on one another too deeply");
		bool ok = take_branch(s, u, at, e->branch[v != 0 ? 0 : 1]);
		s->depth--;
		return ok;
	}
	if (!is_poison(cond)) {
		diag_error(s->c->diag, e->loc, E5103,
			   "the condition of the <if> '%.80s' is not known when compiling", e->id);
		build_hint_unknown(s, cond);
	}
	bad = build_give_up(s);
	set_value(s, u, at, &bad, 1);
	return false;
}

/* --- the walk -------------------------------------------------------------------------------- */

static void build_any(Build *s, Unit *u, int at)
{
	const Elem *e = &u->list->elem.at[at];
	Op op = OP_COUNT;
	Node *n = NULL;
	if (u->value[at].n) /* inputs come first */
		return;
	s->b->loc = e->loc;
	s->b->name = e->id;
	s->b->failed = false;
	switch (elem_kind(e->op, &op)) {
	case EK_input: n = build_input(s, e); break;
	case EK_param: n = build_param_element(s, e); break;
	case EK_const: n = build_const(s, e); break;
	case EK_op: n = build_op(s, u, e, op); break;
	case EK_if:
		s->failed |= !build_if(s, u, at);
		if (u->value[at].n)
			return;
		n = build_give_up(s);
		break;
	case EK_output: return;
	case EK_optimizer:
		diag_error(s->c->diag, e->loc, E2022, "an optimiser has no result: '%.80s'", e->id);
		n = build_give_up(s);
		break;
	case EK_unknown:
		diag_error(s->c->diag, e->loc, E2003, "there is no element <%s>", e->op);
		n = build_give_up(s);
		break;
	}
	s->failed |= s->b->failed || is_poison(n);
	set_value(s, u, at, &n, 1);
}

/* A fault inside of a block is reported at the block; the note says which use of it. */
static void build_element(Build *s, Unit *u, int at)
{
	const Elem *e = &u->list->elem.at[at];
	int before = diag_errors(s->c->diag);
	build_any(s, u, at);
	if (diag_errors(s->c->diag) > before && e->used_at.line)
		diag_note(s->c->diag, e->used_at, "used here, as '%s'", e->id);
}

static int by_place(const void *a, const void *b)
{
	const Spot *x = a, *y = b;
	if (x->unit->depth != y->unit->depth)
		return x->unit->depth - y->unit->depth;
	return x->at - y->at;
}

/* Outer lists first: a branch may use what nothing outside of it needed. */
static bool build_needed(Build *s, SpotList *fresh)
{
	if (fresh->n)
		qsort(fresh->at, (size_t)fresh->n, sizeof(Spot), by_place);
	for (int i = 0; i < fresh->n; i++)
		build_element(s, fresh->at[i].unit, fresh->at[i].at);
	return !s->failed;
}

/* All inputs exist, used or not, and in the model's order. */
static bool build_all_inputs(Build *s, Unit *top)
{
	for (int i = 0; i < top->list->elem.n; i++)
		if (str_eq(top->list->elem.at[i].op, "input"))
			build_element(s, top, i);
	return build_report_unbound(s) && !s->failed;
}

static void add_result(Build *s, Map *seen, Node *n, const char *name, Loc loc)
{
	if (map_get_str(seen, name))
		s->failed =
			!diag_error(s->c->diag, loc, E2009, "two outputs are called '%.80s'", name);
	map_put_str(seen, name, n);
	vec_push(s->g->arena, &s->g->result, n);
	vec_push(s->g->arena, &s->g->result_name, name);
}

/* A number that training reports, as f32. */
static Node *training_scalar(Build *s, Node *n, const char *what, Loc loc)
{
	if (is_poison(n) || (n->type->dtype != DT_tuple && n->type->rank == 0))
		return n->type->dtype == DT_f32 ? n : emit_cast(s->b, n, DT_f32);
	Str t;
	str_init(&t, s->arena);
	type_print(&t, n->type);
	diag_error(s->c->diag, loc, E2023, "the %s must be a single number, it is %s", what,
		   str_text(&t));
	diag_hint(s->c->diag, "<reduce_mean> without axes takes the mean");
	return build_give_up(s);
}

static void build_outputs(Build *s, Unit *top, Map *seen, bool metrics)
{
	for (int i = 0; i < top->list->elem.n; i++) {
		const Elem *e = &top->list->elem.at[i];
		if (!str_eq(e->op, "output"))
			continue;
		s->b->failed = false;
		s->b->loc = e->loc;
		if (e->in.n != 1 || !e->in.at[0].name) {
			s->failed =
				!diag_error(s->c->diag, e->loc, E2008, "an <output> has one input");
			continue;
		}
		Node *n = build_ref(s, top, e, e->in.at[0].name, e->in.at[0].loc);
		if (metrics)
			n = training_scalar(s, n, "metric", e->loc);
		s->failed |= is_poison(n);
		add_result(s, seen, n, elem_port_name(e), e->id_loc);
	}
}

/* --- training -------------------------------------------------------------------------------- */

static bool training_attrs(Build *s, const ElemTraining *t)
{
	Attr_training a = { 0 };
	Op op = OP_COUNT;
	const void *record = elem_optimizer_record(s->c, t, &op);
	if (!record || !elem_training(s->c, t, &a))
		return false;
	s->g->training = attr_intern(s->c, ATTR_training_RECORD, &a);
	s->g->optimizer = op;
	s->g->optimizer_attr = attr_intern(s->c, op_info(op)->attr, record);
	return true;
}

static Node *build_loss(Build *s, Unit *u, const ElemTraining *t, const ElemAttr *at)
{
	s->b->failed = false;
	s->b->loc = at->value_loc;
	s->b->name = at->value;
	Node *n = build_ref(s, u, &t->head, at->value, at->value_loc);
	if (is_poison(n) || dtype_is_float(n->type->dtype) || n->type->dtype == DT_tuple)
		return training_scalar(s, n, "loss", at->value_loc);
	diag_error(s->c->diag, at->value_loc, E2023,
		   "the loss must be a floating-point number, it is %s",
		   dtype_info[n->type->dtype].name);
	return build_give_up(s);
}

static bool no_training(Build *s, const ElemList *list)
{
	diag_error(s->c->diag, list->loc, E2024, "the model has no <training> section");
	bool onnx = list->loc.file && str_ends(list->loc.file, ".onnx");
	diag_hint(s->c->diag,
		  "%sadd <training loss=\"...\"> with the loss and an optimiser as the "
		  "last element",
		  onnx ? "`burin convert MODEL.onnx -o MODEL.xml` first; there " : "");
	return false;
}

/* The inputs of the section follow the model's, its results too: the loss, then the metrics. */
static bool build_training(Build *s, Unit *top, Map *seen)
{
	const ElemTraining *t = top->list->training;
	Unit *u = unit_create(s, top, t->list);
	const ElemAttr *loss = elem_attr(&t->head, "loss");
	SpotList fresh = { 0 };
	if (!loss || !training_attrs(s, t) || !build_all_inputs(s, u))
		return false;
	mark(s, u, loss->value, &fresh);
	mark_all(s, &fresh);
	build_needed(s, &fresh);
	mark_outputs(s, u);
	s->g->loss = build_loss(s, u, t, loss);
	s->failed |= is_poison(s->g->loss);
	add_result(s, seen, s->g->loss, loss->value, loss->value_loc);
	build_outputs(s, u, seen, true);
	return !s->failed;
}

/* Names of tensors that the model means, also those of elements that no output needs: they are not
 * left over. */
static void note_known(Build *s, const ElemList *l)
{
	for (int i = 0; i < l->elem.n; i++) {
		const Elem *e = &l->elem.at[i];
		Op op;
		ElemKind kind = elem_kind(e->op, &op);
		if (kind == EK_param)
			map_put_str(s->known, elem_text(e, "name", e->id), s->known);
		for (int j = 0; kind == EK_op && j < op_info(op)->max_in; j++) {
			bool optional;
			const char *role = NULL;
			op_input_name(op, j, &optional, &role);
			if (role)
				map_put_str(s->known,
					    sym(s->c, arena_printf(s->arena, "%s.%s", e->id, role)),
					    s->known);
		}
		for (int b = 0; b < 2; b++)
			if (e->branch[b])
				note_known(s, e->branch[b]);
	}
	if (l->training)
		note_known(s, l->training->list);
}

static void add_input_names(const ElemList *l, SizeNames *out)
{
	for (int i = 0; i < l->elem.n; i++)
		if (str_eq(l->elem.at[i].op, "input"))
			vec_push(l->arena, out, elem_port_name(&l->elem.at[i]));
	if (l->training)
		add_input_names(l->training->list, out);
}

static bool unknown_binding(Build *s, const char *name, const SizeNames *sizes,
			    const SizeNames *all)
{
	diag_error(s->c->diag, (Loc){ 0 }, E5002,
		   "option bind.%.80s: the model has no size and no input '%.80s'", name, name);
	const char *near = nearest_name(name, all->at, all->n);
	Str names;
	str_init(&names, s->arena);
	for (int i = 0; i < sizes->n; i++)
		str_fmt(&names, "%s%s", i ? ", " : "", sizes->at[i]);
	if (near)
		diag_hint(s->c->diag, "did you mean '%s'?", near);
	else if (sizes->n)
		diag_hint(s->c->diag, "its sizes are: %s", str_text(&names));
	else
		diag_hint(s->c->diag, "all of its sizes are numbers");
	return false;
}

/* Every binding is of a size or an input that the model has. */
static bool check_bindings(Build *s, const ElemList *list)
{
	SizeNames sizes = { 0 }, all = { 0 };
	bool ok = true;
	if (!s->o->bind.n)
		return true;
	elem_open_sizes(list, &sizes);
	elem_open_sizes(list, &all);
	add_input_names(list, &all);
	for (int i = 0; i < s->o->bind.n; i++) {
		const Binding *b = &s->o->bind.at[i];
		bool known = false;
		for (int k = 0; k < all.n && !known; k++)
			known = str_eq(all.at[k], b->name);
		if (!known)
			ok = unknown_binding(s, b->name, &sizes, &all);
		else if (!(b->value > -9e15 && b->value < 9e15))
			ok = diag_error(s->c->diag, (Loc){ 0 }, E5001,
					"option bind.%.80s: the value is out of range", b->name);
	}
	return ok;
}

static bool build_all(Build *s, const ElemList *list)
{
	Unit *top = unit_create(s, NULL, list);
	s->trains = list->training != NULL;
	build_param_options(s);
	if (s->o->training && !list->training)
		return no_training(s, list);
	if (!check_bindings(s, list) || !build_all_inputs(s, top))
		return false;
	note_known(s, list);
	if (!build_check_fresh(s))
		return false;
	mark_outputs(s, top);
	Map *seen = map_create(s->arena);
	build_outputs(s, top, seen, false);
	if (s->o->training)
		build_training(s, top, seen);
	if (!build_report_unbound(s) || s->failed)
		return false;
	build_param_extra(s);
	return true;
}

Graph *build_graph(Context *c, Arena *arena, const ElemList *list, const WeightSet *weights,
		   const ReadOptions *o)
{
	int before = diag_errors(c->diag);
	Arena *scratch = arena_create();
	Build s = { .c = c, .arena = scratch, .weights = weights, .o = o, .unbound_at = list->loc };
	s.g = graph_create(c, arena, list->name);
	s.b = builder_create(s.g);
	s.param = map_create(scratch);
	s.input = map_create(scratch);
	s.asked = map_create(scratch);
	s.known = map_create(scratch);
	bool ok = build_all(&s, list) && diag_errors(c->diag) == before;
	arena_destroy(scratch);
	return ok ? graph_prune(s.g, arena) : NULL;
}
