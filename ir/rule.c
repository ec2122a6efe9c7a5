/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Patterns: parsed to small trees, kept by root operator, matched against candidates of emit. */
#include "ir/rule.h"
#include <assert.h>
#include <math.h>
#include <string.h>

typedef enum PatternKind { P_OP, P_ANY, P_EQUAL_CONST, P_NUMBER } PatternKind;

enum { MAX_OPERANDS = 3, MAX_LETTERS = 26, MAX_DEPTH = 64 };

typedef struct Pattern Pattern;
struct Pattern {
	PatternKind kind;
	Op op;
	int n; /* operands; -1: any */
	Pattern *in[MAX_OPERANDS];
	int letter;
	double value;
};

typedef struct ParsedRule ParsedRule;
struct ParsedRule {
	const Rule *rule;
	char mark; /* 0, '^', '~' */
	Pattern *pattern, *replacement;
	bool folds; /* relies on constants being folded: not without emit.fold */
	ParsedRule *next;
};

struct RuleTable {
	ParsedRule *first[OP_COUNT];
	int depth; /* of rewriting: a rule that undoes another must not hang the compiler */
};

/* --- parsing: the table is ours, so a fault in it is an assertion ---------------------------- */

static void skip(const char **p)
{
	*p += strspn(*p, " ");
}

static Pattern *parse_pattern(Context *c, const char **p);

static void parse_operands(Context *c, const char **p, Pattern *out)
{
	out->n = -1;
	if (**p != '(')
		return;
	out->n = 0;
	do {
		++*p;
		assert(out->n < MAX_OPERANDS);
		out->in[out->n++] = parse_pattern(c, p);
		skip(p);
	} while (**p == ',');
	assert(**p == ')');
	++*p;
}

static bool parse_number(const char **p, double *out)
{
	size_t n = strcspn(*p, ",) ");
	if (!parse_f64(*p, n, out))
		return false;
	*p += n;
	return true;
}

static Pattern *parse_pattern(Context *c, const char **p)
{
	Pattern *out = ARENA_NEW(c->arena, Pattern);
	char name[32] = "";
	skip(p);
	if (parse_number(p, &out->value)) {
		out->kind = P_NUMBER;
		return out;
	}
	if (**p == '#') {
		out->kind = P_EQUAL_CONST;
		++*p;
	} else {
		out->kind = P_ANY;
	}
	size_t n = strspn(*p, "abcdefghijklmnopqrstuvwxyz_");
	assert(n > 0 && n < sizeof name);
	memcpy(name, *p, n);
	*p += n;
	out->letter = name[0] - 'a';
	if (n > 1) {
		out->kind = P_OP;
		bool known = op_find(name, &out->op);
		assert(known);
		(void)known;
		parse_operands(c, p, out);
	}
	return out;
}

static ParsedRule *parse_rule(Context *c, const Rule *r)
{
	ParsedRule *out = ARENA_NEW(c->arena, ParsedRule);
	const char *p = r->pattern;
	out->rule = r;
	out->folds = strchr(p, '#') != NULL;
	if (*p == '^' || *p == '~')
		out->mark = *p++;
	out->pattern = parse_pattern(c, &p);
	assert(!*p && out->pattern->kind == P_OP);
	if (r->replacement) {
		p = r->replacement;
		out->replacement = parse_pattern(c, &p);
		assert(!*p);
	}
	return out;
}

struct RuleTable *rules_create(Context *c)
{
	struct RuleTable *t = ARENA_NEW(c->arena, struct RuleTable);
	ParsedRule **tail[OP_COUNT];
	for (int i = 0; i < OP_COUNT; i++)
		tail[i] = &t->first[i];
	for (const Rule *r = algebra; r->pattern; r++) {
		ParsedRule *parsed = parse_rule(c, r);
		*tail[parsed->pattern->op] = parsed;
		tail[parsed->pattern->op] = &parsed->next;
	}
	return t;
}

/* --- matching -------------------------------------------------------------------------------- */

typedef struct Match {
	Node *letter[MAX_LETTERS];
} Match;

static bool is_number(const Node *n, double value)
{
	double v;
	return const_scalar(n, &v) && v == value && signbit(v) == signbit(value);
}

static bool bind(Match *m, int letter, Node *n)
{
	if (m->letter[letter])
		return m->letter[letter] == n;
	m->letter[letter] = n;
	return true;
}

static bool match(Match *m, const Pattern *p, Node *n);

static bool match_operands(Match *m, const Pattern *p, const Node *n)
{
	Match before = *m;
	bool fits = true;
	for (int i = 0; i < p->n && fits; i++)
		fits = match(m, p->in[i], n->in[i]);
	if (fits || !(op_info(p->op)->flags & OF_COMMUTES))
		return fits;
	*m = before;
	return match(m, p->in[0], n->in[1]) && match(m, p->in[1], n->in[0]);
}

static bool match(Match *m, const Pattern *p, Node *n)
{
	double v;
	switch (p->kind) {
	case P_ANY: return bind(m, p->letter, n);
	case P_EQUAL_CONST: return const_scalar(n, &v) && bind(m, p->letter, n);
	case P_NUMBER: return is_number(n, p->value);
	case P_OP:
		return n->op == p->op && (p->n < 0 || p->n == n->n_in) && match_operands(m, p, n);
	}
	return false;
}

/* --- replacing ------------------------------------------------------------------------------- */

static Node *build(Builder *b, const Match *m, const Pattern *p, const Node *root)
{
	Node *in[MAX_OPERANDS];
	switch (p->kind) {
	case P_ANY:
	case P_EQUAL_CONST: return m->letter[p->letter];
	case P_NUMBER: return emit_full(b, root->type, p->value);
	case P_OP:
		for (int i = 0; i < p->n; i++)
			in[i] = build(b, m, p->in[i], root);
		return emit(b, p->op, NULL, in, p->n);
	}
	return NULL;
}

static bool allowed(const Context *c, const ParsedRule *r)
{
	if (r->folds && !c->emit_fold)
		return false;
	if (r->mark == '~')
		return c->fp == FP_FAST;
	return r->mark == 0 || c->fp != FP_STRICT;
}

static Node *try_rule(Builder *b, const ParsedRule *r, const Node *n)
{
	Match m = { { NULL } };
	const Pattern *p = r->pattern;
	if (!allowed(b->ctx, r) || (p->n >= 0 && p->n != n->n_in))
		return NULL;
	if ((p->n > 0 && !match_operands(&m, p, n)) || (r->rule->when && !r->rule->when(n)))
		return NULL;
	return r->rule->fn ? r->rule->fn(b, n) : build(b, &m, r->replacement, n);
}

Node *rules_apply(Builder *b, const Node *n)
{
	Context *c = b->ctx;
	struct RuleTable *t = c->rules ? c->rules : (c->rules = rules_create(c));
	Node *made = NULL;
	if (t->depth == MAX_DEPTH)
		return NULL;
	t->depth++;
	for (const ParsedRule *r = t->first[n->op]; r && !made; r = r->next)
		made = try_rule(b, r, n);
	t->depth--;
	assert(!made || b->failed || made->type == n->type);
	return made;
}
