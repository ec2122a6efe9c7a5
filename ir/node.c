/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Making nodes. emit() looks an equal node up first: a type depends on operator, attributes and
 * inputs alone, so what is found needs no further check. Otherwise it infers the type, folds
 * constants, tries the rules, and only then appends. */
#include "ir/node.h"
#include "base/map.h"
#include "ir/fold.h"
#include "ir/hooks.h"
#include "ir/rule.h"
#include <assert.h>
#include <string.h>

struct Cse {
	Cons *node;
	Node *poison;
};

Graph *graph_create(Context *c, Arena *arena, const char *name)
{
	Graph *g = ARENA_NEW(arena, Graph);
	g->arena = arena;
	g->ctx = c;
	g->name = name;
	return g;
}

/* Code that reads a poison's type or attributes before its next emit finds a scalar and empty
 * lists. */
static Node *make_poison(Context *c, Arena *arena)
{
	enum { ATTR_ROOM = 256 };
	Node *n = ARENA_NEW(arena, Node);
	Type *t = arena_copy(arena, type_scalar(c, DT_f32), sizeof *t);
	for (int i = 0; i < MAX_RANK; i++)
		t->dim[i] = 1;
	n->op = OP_COUNT;
	n->type = t;
	n->attr = arena_alloc(arena, ATTR_ROOM);
	return n;
}

Builder *builder_create(Graph *g)
{
	Builder *b = ARENA_NEW(g->arena, Builder);
	*b = (Builder){ .graph = g, .ctx = g->ctx, .diag = g->ctx->diag };
	b->cse = ARENA_NEW(g->arena, struct Cse);
	b->cse->node = cons_create(g->arena);
	b->cse->poison = make_poison(g->ctx, g->arena);
	return b;
}

bool is_poison(const Node *n)
{
	return n->op == OP_COUNT;
}

const Type *builder_error(Builder *b, DiagCode code, const char *fmt, ...)
{
	if (!b->failed) {
		Str s;
		va_list ap;
		str_init(&s, b->graph->arena);
		va_start(ap, fmt);
		str_vfmt(&s, fmt, ap);
		va_end(ap);
		diag_error(b->diag, b->loc, code, "%s", str_text(&s));
	}
	b->failed = true;
	return NULL;
}

/* --- looking up ------------------------------------------------------------------------------ */

typedef struct NodeKey {
	Op op;
	Attr attr;
	Node *const *in;
	int n_in;
} NodeKey;

/* Commuted operands are equal, too. */
static bool commutes(const NodeKey *k)
{
	return (op_info(k->op)->flags & OF_COMMUTES) && k->n_in == 2;
}

static bool same_node(const void *item, const void *key)
{
	const Node *n = item;
	const NodeKey *k = key;
	if (n->op != k->op || n->attr != k->attr || n->n_in != k->n_in)
		return false;
	if (n->n_in == 0 || memcmp(n->in, k->in, sizeof(Node *) * (size_t)n->n_in) == 0)
		return true;
	return commutes(k) && n->in[0] == k->in[1] && n->in[1] == k->in[0];
}

static uint64_t input_hash(const Node *n)
{
	return n ? n->id + (uint64_t)1 : 0;
}

static uint64_t node_hash(const NodeKey *k)
{
	uint64_t h = hash_mix((uint64_t)k->op, (uint64_t)(uintptr_t)k->attr);
	if (commutes(k))
		return hash_mix(h, input_hash(k->in[0]) + input_hash(k->in[1]));
	for (int i = 0; i < k->n_in; i++)
		h = hash_mix(h, input_hash(k->in[i]));
	return h;
}

static Node *find_node(Builder *b, Op op, Attr attr, Node *const *in, int n_in)
{
	NodeKey k = { op, attr, in, n_in };
	return cons_find(b->cse->node, node_hash(&k), same_node, &k);
}

/* --- making ---------------------------------------------------------------------------------- */

static Node *fill_node(Node *n, Builder *b, const NodeKey *k, const Type *t)
{
	n->op = k->op;
	n->attr = k->attr;
	n->type = t;
	n->loc = b->loc;
	n->n_in = k->n_in;
	for (int i = 0; i < k->n_in; i++)
		n->in[i] = k->in[i];
	return n;
}

static Attr default_attr(Context *c, Op op)
{
	_Alignas(max_align_t) char room[256];
	AttrRecord r = op_info(op)->attr;
	if (r == ATTR_none_RECORD)
		return c->no_attr;
	attr_defaults(c, r, room);
	return attr_intern(c, r, room);
}

Node *append_node(Builder *b, Op op, Attr attr, const Type *t, Node *const *in, int n_in)
{
	Graph *g = b->graph;
	b->ctx->work += (uint64_t)n_in + 1;
	NodeKey k = { op, attr ? attr : default_attr(b->ctx, op), in, n_in };
	Node *n = arena_alloc(g->arena, sizeof(Node) + sizeof(Node *) * (size_t)n_in);
	fill_node(n, b, &k, t);
	n->id = (uint32_t)g->node.n;
	vec_push(g->arena, &g->node, n);
	if (op == OP_input)
		vec_push(g->arena, &g->input, n);
	else if (op == OP_param)
		vec_push(g->arena, &g->param, n);
	else if (b->ctx->emit_cse)
		cons_add(b->cse->node, node_hash(&k), n);
	return n;
}

static bool check_inputs(Builder *b, Op op, Node *const *in, int n_in)
{
	const OpInfo *info = op_info(op);
	if (n_in < info->min_in || (!info->variadic && n_in > info->max_in)) {
		builder_error(b, E5015, "%s takes %d%s input%s (%s), not %d", info->name,
			      info->min_in,
			      info->variadic || info->max_in > info->min_in ? " or more" : "",
			      info->max_in == 1 && !info->variadic ? "" : "s", info->inputs, n_in);
		return false;
	}
	for (int i = 0; i < n_in; i++) {
		bool optional = false;
		const char *param, *name = op_input_name(op, i, &optional, &param);
		if (!in[i] && !optional) {
			builder_error(b, E5015, "%s lacks its input '%s'", info->name, name);
			return false;
		}
		if (in[i] && in[i]->type->dtype == DT_tuple && op != OP_get) {
			builder_error(b, E5015, "%s: input '%s' has several results, one is wanted",
				      info->name, name);
			return false;
		}
	}
	return true;
}

static bool check_ranges(Builder *b, Op op, Attr attr)
{
	AttrRecord r = op_info(op)->attr;
	for (int i = 0; i < attr_info[r].n_field; i++) {
		const AttrFieldInfo *f = &attr_info[r].field[i];
		Str value;
		if (attr_in_range(r, attr, i))
			continue;
		str_init(&value, b->graph->arena);
		attr_field_print(&value, r, attr, i);
		return builder_error(b, E5013, "%s: %s is %s, it must be %s", op_info(op)->name,
				     f->name, str_text(&value),
				     attr_range_text(b->graph->arena, f));
	}
	return true;
}

const Type *infer_node(Builder *b, Op op, Attr attr, Node *const *in, int n_in)
{
	if (!check_inputs(b, op, in, n_in) || !check_ranges(b, op, attr))
		return NULL;
	const Type *t = op_info(op)->infer(b, op, attr, in, n_in);
	if (!t && !b->failed)
		builder_error(b, E7001, "%s has no type and no message", op_info(op)->name);
	return b->failed ? NULL : t;
}

/* A node that does not exist yet: folding, rules, then a real one. The candidate lives on the stack
 * while it is looked at. */
static Node *make_node(Builder *b, const NodeKey *k)
{
	enum { FEW = 8 };
	union {
		Node node;
		char room[sizeof(Node) + FEW * sizeof(Node *)];
	} small;
	Context *c = b->ctx;
	Node *made = NULL, *candidate = &small.node;
	const Type *t = infer_node(b, k->op, k->attr, k->in, k->n_in);
	if (!t)
		return b->cse->poison;
	if (k->n_in == 0 && c->emit_fold && (op_info(k->op)->flags & OF_LEAF))
		return fold_leaf(b, k->op, k->attr, t);
	if (k->n_in > FEW)
		candidate = arena_alloc(b->graph->arena,
					sizeof(Node) + sizeof(Node *) * (size_t)k->n_in);
	else
		memset(candidate, 0, sizeof(Node));
	fill_node(candidate, b, k, t);
	if (c->emit_fold)
		made = fold_node(b, candidate);
	if (!made && c->emit_rules && !b->failed)
		made = rules_apply(b, candidate);
	if (!made && !b->failed)
		made = append_node(b, k->op, k->attr, t, k->in, k->n_in);
	return made ? made : b->cse->poison;
}

static bool swaps(const Builder *b, Op op, Node *const *in, int n_in)
{
	return b->ctx->emit_rules && n_in == 2 && in[0] && in[1] &&
	       (op_info(op)->flags & OF_COMMUTES) && is_const(in[0]) && !is_const(in[1]);
}

/* Inputs that were left out at the end do not count. */
static int given(Node *const *in, int n_in)
{
	while (n_in > 0 && !in[n_in - 1])
		n_in--;
	return n_in;
}

Node *emit(Builder *b, Op op, Attr attr, Node *const *in, int n_in)
{
	const char *name = b->name;
	Node *swapped[2], *n = NULL;
	b->name = NULL;
	if (b->failed)
		return b->cse->poison;
	n_in = given(in, n_in);
	for (int i = 0; i < n_in; i++)
		if (in[i] && is_poison(in[i]))
			return b->cse->poison;
	if (swaps(b, op, in, n_in)) { /* constants stand right */
		swapped[0] = in[1];
		swapped[1] = in[0];
		in = swapped;
	}
	if (!attr)
		attr = default_attr(b->ctx, op);
	if (b->ctx->emit_cse)
		n = find_node(b, op, attr, in, n_in);
	if (!n)
		n = make_node(b, &(NodeKey){ op, attr, in, n_in });
	if (name && !n->name && !is_poison(n))
		n->name = name;
	return n;
}

Node *emit1(Builder *b, Op op, Node *x)
{
	return emit(b, op, NULL, &x, 1);
}

Node *emit2(Builder *b, Op op, Node *x, Node *y)
{
	Node *in[2] = { x, y };
	return emit(b, op, NULL, in, 2);
}

Node *emit3(Builder *b, Op op, Node *x, Node *y, Node *z)
{
	Node *in[3] = { x, y, z };
	return emit(b, op, NULL, in, 3);
}
