/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* A failing trial made smaller: results, operators, options, sizes and numbers are taken away, and
 * what still fails the same way is kept, until nothing more can go. Each attempt runs in a process
 * of its own. */
#include "tests/random/trial.h"
#include "ir/scalar.h"
#include "ir/text.h"
#include "passes/expand.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_ATTEMPTS = 1500 };
static const double MOST_SECONDS = 240;

typedef struct Shrinker {
	Arena *arena;
	const char *best;
	Verdict verdict;
	int attempts;
	double start;
} Shrinker;

static bool spent(const Shrinker *z)
{
	return z->attempts >= MOST_ATTEMPTS || seconds() - z->start > MOST_SECONDS;
}

/* Is the text another one that fails as wanted? Then it is the best so far. */
static bool attempt(Shrinker *z, const char *text)
{
	if (spent(z) || strcmp(text, z->best) == 0)
		return false;
	z->attempts++;
	if (child_judge(text, strlen(text), NULL) != z->verdict)
		return false;
	z->best = arena_strdup(z->arena, text);
	return true;
}

static Case *read_best(const Shrinker *z, Trial *t)
{
	const char *why;
	return trial_read(z->best, strlen(z->best), t, &why);
}

static bool attempt_case(Shrinker *z, const Case *c, const Trial *t)
{
	Str s;
	str_init(&s, c->arena);
	trial_print(&s, c, t);
	return attempt(z, str_text(&s));
}

/* --- the graph -------------------------------------------------------------------------------- */

/* The value of every node, by its id, rounded to its type; NULL when it cannot be evaluated. Of
 * tuples and those before an error there is none. */
static EvalTensor *values_of(Case *c)
{
	Graph all = *c->g;
	EvalTensor *of = ARENA_ARRAY(c->arena, EvalTensor, all.node.n + 1);
	EvalTensor *out = ARENA_ARRAY(c->arena, EvalTensor, all.node.n + 1);
	memset(&all.result, 0, sizeof all.result);
	memset(&all.result_name, 0, sizeof all.result_name);
	for (int i = 0; i < all.node.n; i++)
		if (all.node.at[i]->type->dtype != DT_tuple) {
			vec_push(c->arena, &all.result, all.node.at[i]);
			vec_push(c->arena, &all.result_name, (const char *)"v");
		}
	const Graph *core = expand_macros(&all, c->arena);
	if (!core || !eval_graph(core, c->arena, c->in, out, (EvalOptions){ 0 }))
		return NULL;
	for (int r = 0; r < all.result.n; r++) {
		const EvalTensor *x = &out[r];
		for (int64_t i = 0; x->f && i < x->type->count; i++)
			x->f[i] = float_round(x->type->dtype, x->f[i]);
		of[all.result.at[r]->id] = *x;
	}
	return of;
}

/* What changes when the graph is copied. */
typedef struct Change {
	int cut;              /* this node becomes an input that holds its value; -1: none */
	int bypass, operand;  /* this node is replaced by its operand */
	int result;           /* the only one that stays; -1: all */
	const EvalTensor *of; /* values by node id, for cut */
} Change;

static void copy_input(Case *to, const Node *n, const EvalTensor *value, Node **map)
{
	int i = to->g->input.n;
	to->in[i] = *value;
	map[n->id] = emit_input(to->b, n->type, arena_printf(to->arena, "x%d", i), i);
}

/* Which nodes do the results that stay need? */
static bool *needed_by(const Case *c, const Change *how)
{
	bool *needed = ARENA_ARRAY(c->arena, bool, c->g->node.n + 1);
	for (int r = 0; r < c->g->result.n; r++)
		if (how->result < 0 || how->result == r)
			needed[c->g->result.at[r]->id] = true;
	for (int i = c->g->node.n - 1; i >= 0; i--) {
		const Node *n = c->g->node.at[i];
		for (int k = 0; needed[i] && i != how->cut && k < n->n_in; k++)
			if (n->in[k] && (i != how->bypass || k == how->operand))
				needed[n->in[k]->id] = true;
	}
	return needed;
}

/* The changed case, in c's arena and context; NULL: it cannot be. */
static Case *changed(Case *c, const Change *how)
{
	const bool *needed = needed_by(c, how);
	Case *to = arena_copy(c->arena, c, sizeof *c);
	Node **map = ARENA_ARRAY(c->arena, Node *, c->g->node.n + 1);
	to->g = graph_create(c->ctx, c->arena, "conform");
	to->b = builder_create(to->g);
	for (int i = 0; i < c->g->node.n; i++) {
		Node *n = c->g->node.at[i];
		const EvalTensor *value = NULL;
		for (int k = 0; k < c->g->input.n; k++)
			if (c->g->input.at[k] == n)
				value = &c->in[k];
		if (i == how->cut)
			value = &how->of[i];
		if (!needed[i])
			continue;
		if (value && to->g->input.n == CASE_PORTS)
			return NULL;
		if (value)
			copy_input(to, n, value, map);
		else if (i == how->bypass)
			map[i] = map[n->in[how->operand]->id];
		else
			map[i] = copy_node(to->b, n, map);
	}
	for (int r = 0; r < c->g->result.n; r++)
		if (how->result < 0 || how->result == r)
			case_result(to, map[c->g->result.at[r]->id]);
	return to->b->failed || !to->g->result.n ? NULL : to;
}

static bool try_change(Shrinker *z, const Change *how)
{
	Trial t;
	Change own = *how;
	Case *c = read_best(z, &t);
	bool better = false;
	if (!c)
		return false;
	c->ctx->emit_rules = c->ctx->emit_fold = c->ctx->emit_cse = false;
	own.of = how->cut >= 0 ? values_of(c) : NULL;
	if (how->cut < 0 || (own.of && own.of[how->cut].type)) {
		Case *to = changed(c, &own);
		better = to && attempt_case(z, to, &t);
	}
	case_destroy(c);
	return better;
}

typedef struct Size {
	int nodes, results;
} Size;

static Size size_of_best(const Shrinker *z)
{
	Trial t;
	Case *c = read_best(z, &t);
	Size s = { c ? c->g->node.n : 0, c ? c->g->result.n : 0 };
	if (c)
		case_destroy(c);
	return s;
}

/* Which operand of node i of the best could stand for it? -1: none from `from` on. */
static int stand_in(const Shrinker *z, int i, int from)
{
	Trial t;
	Case *c = read_best(z, &t);
	int found = -1;
	if (!c)
		return -1;
	const Node *n = c->g->node.at[i];
	for (int k = from; found < 0 && k < n->n_in; k++)
		found = n->in[k] && n->in[k]->type == n->type ? k : -1;
	case_destroy(c);
	return found;
}

static bool fewer_results(Shrinker *z)
{
	Size s = size_of_best(z);
	for (int r = 0; s.results > 1 && r < s.results; r++)
		if (try_change(z, &(Change){ .cut = -1, .bypass = -1, .result = r }))
			return true;
	return false;
}

static bool fewer_nodes(Shrinker *z)
{
	bool better = false;
	for (int i = size_of_best(z).nodes - 1; i >= 0 && !spent(z); i--) {
		if (i >= size_of_best(z).nodes)
			continue;
		if (try_change(z, &(Change){ .cut = i, .bypass = -1, .result = -1 })) {
			better = true;
			continue;
		}
		for (int k = stand_in(z, i, 0); k >= 0; k = stand_in(z, i, k + 1)) {
			Change how = { .cut = -1, .bypass = i, .operand = k, .result = -1 };
			if (try_change(z, &how)) {
				better = true;
				break;
			}
		}
	}
	return better;
}

/* --- options ---------------------------------------------------------------------------------- */

static bool try_trial(Shrinker *z, const Trial *t)
{
	Trial was;
	Case *c = read_best(z, &was);
	bool better = c && attempt_case(z, c, t);
	if (c)
		case_destroy(c);
	return better;
}

static Trial best_trial(const Shrinker *z)
{
	Trial t;
	Case *c = read_best(z, &t);
	/* names lie in the case's arena */
	if (c) {
		t.target = arena_strdup(z->arena, t.target);
		t.other = t.other ? arena_strdup(z->arena, t.other) : NULL;
		case_destroy(c);
	}
	return t;
}

static bool fewer_options(Shrinker *z)
{
	bool better = false;
	for (int i = 0; i < PASS_COUNT; i++)
		for (int which = 0; which < 2; which++) {
			Trial t = best_trial(z);
			bool *off = which ? t.again : t.off;
			if (!off[i])
				continue;
			off[i] = false;
			better = try_trial(z, &t) || better;
		}
	Trial t = best_trial(z);
	if (t.other)
		t.other = NULL, better = try_trial(z, &t) || better;
	t = best_trial(z);
	if (t.library)
		t.library = false, better = try_trial(z, &t) || better;
	t = best_trial(z);
	if (t.fp != FP_CONTRACT && z->verdict != STRICT)
		t.fp = FP_CONTRACT, t.exact = false, better = try_trial(z, &t) || better;
	t = best_trial(z);
	if (!str_eq(t.target, "x86-64-v2"))
		t.target = "x86-64-v2", better = try_trial(z, &t) || better;
	return better;
}

/* --- sizes and numbers ------------------------------------------------------------------------ */

/* In the brackets of the graph's text, every number `was` becomes `size`. */
static void replace_size(Str *s, const char *p, const char *end, long long was, long long size)
{
	int depth = 0;
	while (p < end) {
		size_t digits = strspn(p, "0123456789");
		char before = s->n ? s->at[s->n - 1] : ' ';
		depth += *p == '[' ? 1 : *p == ']' ? -1 : 0;
		if (digits && depth > 0 && strchr("[, ", before) && strchr(",]", p[digits]) &&
		    digits < 10 && atoll(p) == was)
			str_fmt(s, "%lld", size);
		else
			str_addn(s, p, digits ? digits : 1);
		p += digits ? digits : 1;
	}
}

/* The graph with sizes replaced, its inputs filled with what they held, cut or repeated. */
static bool try_size(Shrinker *z, long long was, long long size)
{
	Trial t;
	Case *c = read_best(z, &t);
	const char *graph = strstr(z->best, "graph "), *end = strstr(graph, "\n}");
	bool better = false;
	Str s;
	if (!c)
		return false;
	str_init(&s, c->arena);
	replace_size(&s, graph, end, was, size);
	str_add(&s, "\n}\n");
	Graph *g = graph_parse(c->ctx, c->arena, "smaller", str_text(&s), s.n);
	if (g && g->input.n == c->g->input.n) {
		for (int i = 0; i < g->input.n; i++) {
			EvalTensor old = c->in[i], *to = &c->in[i];
			*to = eval_tensor(c->arena, g->input.at[i]->type);
			for (int64_t k = 0; k < to->type->count && old.type->count; k++)
				if (to->f && old.f)
					to->f[k] = old.f[k % old.type->count];
				else if (to->i && old.i)
					to->i[k] = old.i[k % old.type->count];
		}
		c->g = g;
		better = attempt_case(z, c, &t);
	}
	case_destroy(c);
	return better;
}

static bool smaller_sizes(Shrinker *z)
{
	bool better = false;
	long long size[64];
	int n = 0;
	Trial t;
	Case *c = read_best(z, &t);
	for (int i = 0; c && i < c->g->node.n; i++)
		for (int d = 0; d < c->g->node.at[i]->type->rank && n < 64; d++) {
			bool known = c->g->node.at[i]->type->dim[d] < 2;
			for (int k = 0; k < n; k++)
				known = known || size[k] == c->g->node.at[i]->type->dim[d];
			if (!known)
				size[n++] = c->g->node.at[i]->type->dim[d];
		}
	if (c)
		case_destroy(c);
	for (int k = 0; k < n && !spent(z); k++) {
		long long to[] = { 1, 2, 3, size[k] / 2, size[k] - 1 };
		for (int i = 0; i < 5; i++)
			if (to[i] > 0 && to[i] < size[k] && try_size(z, size[k], to[i])) {
				better = true;
				break;
			}
	}
	return better;
}

/* Inputs of zeros, ones, or few digits. */
static bool simpler_numbers(Shrinker *z)
{
	bool better = false;
	for (int i = 0; i < CASE_PORTS && !spent(z); i++)
		for (int how = 0; how < 3; how++) {
			Trial t;
			bool differs = false;
			Case *c = read_best(z, &t);
			if (!c)
				return better;
			EvalTensor *x = &c->in[i];
			for (int64_t k = 0; i < c->g->input.n && k < x->type->count; k++) {
				double v = x->f ? x->f[k] : (double)x->i[k];
				double to = how == 0 ? 0 : how == 1 ? 1 : round(v * 4) / 4;
				if (!x->f && how == 2)
					to = v;
				differs = differs || to != v;
				if (x->f)
					x->f[k] = to;
				else
					x->i[k] = (int64_t)to;
			}
			bool simpler = differs && attempt_case(z, c, &t);
			case_destroy(c);
			better = better || simpler;
			if (simpler)
				break;
		}
	return better;
}

const char *shrink(Arena *arena, const char *text, size_t n, Verdict verdict)
{
	Shrinker z = { .arena = arena, .verdict = verdict, .start = seconds() };
	z.best = arena_strndup(arena, text, n);
	for (bool better = true; better && !spent(&z);) {
		better = fewer_results(&z);
		better = fewer_nodes(&z) || better;
		better = fewer_options(&z) || better;
		better = smaller_sizes(&z) || better;
	}
	simpler_numbers(&z);
	fprintf(stderr, "%d attempts to make it smaller, %.0f s\n", z.attempts,
		seconds() - z.start);
	return z.best;
}
