/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Einstein sums. The equation names each dimension by a letter; "..." stands for dimensions without
 * a name. Operands are taken in from left to right: what no other operand and not the result names
 * is summed at once; then two operands become one by a product (when they share a letter that is
 * summed) or by a multiplication. */
#include "ir/hooks.h"
#include "ir/ops/nn.h"
#include <string.h>

enum { MAX_OPERANDS = 16, MAX_LABELS = 128 };

/* Labels are the letters; 1 .. MAX_RANK are the dimensions of "...", counted from the last. */
typedef struct Term {
	int n;
	unsigned char at[2 * MAX_RANK];
} Term;

typedef struct Operand {
	Node *x;
	Term t;
} Operand;

typedef struct Einsum {
	Builder *b;
	const char *equation;
	int n;
	Operand operand[MAX_OPERANDS];
	Term result;
	int64_t size[MAX_LABELS];
	int count[MAX_LABELS]; /* how often a label occurs in the operands */
	int dots;              /* dimensions of the longest "..." */
} Einsum;

static int term_find(const Term *t, int label)
{
	for (int i = 0; i < t->n; i++)
		if (t->at[i] == label)
			return i;
	return -1;
}

static void term_add(Term *t, int label)
{
	t->at[t->n++] = (unsigned char)label;
}

/* --- reading --------------------------------------------------------------------------------- */

static bool malformed(Einsum *e, const char *why)
{
	builder_error(e->b, E5013, "einsum: equation '%s': %s", e->equation, why);
	diag_hint(e->b->diag, "for example 'bhid,bhjd->bhij'");
	return false;
}

static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* One term from *p to a comma, an arrow or the end; `dots` dimensions stand for "...". */
static bool read_term(Einsum *e, const char **p, Term *t, int dots)
{
	bool seen_dots = false;
	t->n = 0;
	for (; **p && **p != ',' && **p != '-'; ++*p) {
		if (**p == ' ')
			continue;
		if (strncmp(*p, "...", 3) == 0 && !seen_dots) {
			seen_dots = true;
			*p += 2;
			for (int k = dots; k > 0 && t->n < MAX_RANK; k--)
				term_add(t, k);
		} else if (!is_letter(**p)) {
			return malformed(e, "a letter, '...', ',' or '->' was expected");
		} else if (t->n == MAX_RANK) {
			return malformed(e, "a term has more than 8 dimensions");
		} else {
			term_add(t, **p);
		}
	}
	return true;
}

static int letters_in(const char *p, bool *dots)
{
	int n = 0;
	*dots = false;
	for (; *p && *p != ',' && *p != '-'; p++) {
		n += is_letter(*p);
		*dots = *dots || *p == '.';
	}
	return n;
}

static bool read_operand(Einsum *e, const char **p, Operand *o)
{
	bool has_dots;
	int dots = o->x->type->rank - letters_in(*p, &has_dots);
	if (dots < 0 || (dots > 0 && !has_dots))
		return builder_error(e->b, E5011,
				     "einsum: equation '%s' does not name the %d dimensions of "
				     "operand %s",
				     e->equation, o->x->type->rank, type_text(e->b, o->x->type));
	if (dots > e->dots)
		e->dots = dots;
	return read_term(e, p, &o->t, dots);
}

static bool note_sizes(Einsum *e, const Operand *o)
{
	for (int i = 0; i < o->t.n; i++) {
		int label = o->t.at[i];
		int64_t size = o->x->type->dim[i];
		e->count[label]++;
		if (e->size[label] == 0 || e->size[label] == 1)
			e->size[label] = size;
		else if (size != 1 && size != e->size[label])
			return builder_error(e->b, E5011,
					     "einsum: '%c' is %lld in one operand and %lld in "
					     "another",
					     label > MAX_RANK ? label : '.',
					     (long long)e->size[label], (long long)size);
	}
	return true;
}

/* Without an arrow: "..." and then the letters that occur once, in alphabetical order. */
static void implied_result(Einsum *e)
{
	for (int k = e->dots; k > 0; k--)
		term_add(&e->result, k);
	for (int c = 'A'; c <= 'z'; c++)
		if (e->count[c] == 1 && e->result.n < MAX_RANK)
			term_add(&e->result, c);
}

static bool check_result(Einsum *e)
{
	for (int i = 0; i < e->result.n; i++) {
		if (!e->count[e->result.at[i]])
			return malformed(e, "the result names a dimension that no operand has");
		if (term_find(&e->result, e->result.at[i]) != i)
			return malformed(e, "the result names a dimension twice");
	}
	return true;
}

static bool read_equation(Einsum *e)
{
	const char *p = e->equation;
	for (int i = 0; i < e->n; i++) {
		if (i && *p++ != ',')
			return malformed(e, "it has fewer terms than there are operands");
		if (!read_operand(e, &p, &e->operand[i]) || !note_sizes(e, &e->operand[i]))
			return false;
	}
	if (!*p) {
		implied_result(e);
		return true;
	}
	if (strncmp(p, "->", 2) != 0)
		return malformed(e, "it has more terms than there are operands");
	p += 2;
	if (!read_term(e, &p, &e->result, e->dots))
		return false;
	return *p ? malformed(e, "something follows the result") : check_result(e);
}

/* --- one operand ----------------------------------------------------------------------------- */

static void drop(Operand *o, int i)
{
	memmove(o->t.at + i, o->t.at + i + 1, (size_t)(o->t.n - i - 1));
	o->t.n--;
}

/* A letter twice in one operand: only where both indices are equal. */
static void take_diagonals(Einsum *e, Operand *o)
{
	Builder *b = e->b;
	for (int j = o->t.n - 1; j > 0; j--) {
		int i = term_find(&o->t, o->t.at[j]);
		const Type *t = o->x->type;
		if (i == j)
			continue;
		Node *same = emit2(b, OP_eq, emit_iota(b, DT_i64, t->rank, t->dim, i),
				   emit_iota(b, DT_i64, t->rank, t->dim, j));
		Node *x = emit3(b, OP_select, same, o->x, emit_full(b, t, 0));
		o->x = emit_reduce(b, OP_reduce_sum, x, 1, (int64_t[]){ j }, false);
		drop(o, j);
	}
}

/* A size of 1 that is larger in another operand. */
static void repeat_to_sizes(Einsum *e, Operand *o)
{
	int64_t dim[MAX_RANK];
	for (int i = 0; i < o->t.n; i++)
		dim[i] = e->size[o->t.at[i]];
	o->x = emit_broadcast(e->b, o->x, o->t.n, dim);
}

/* Sums over the labels that are not wanted by anybody else. */
static void sum_alone(Einsum *e, Operand *o, const bool *wanted)
{
	int64_t axes[MAX_RANK];
	int n = 0;
	for (int i = 0; i < o->t.n; i++)
		if (!wanted[o->t.at[i]])
			axes[n++] = i;
	if (n)
		o->x = emit_reduce(e->b, OP_reduce_sum, o->x, n, axes, false);
	for (int i = n - 1; i >= 0; i--)
		drop(o, (int)axes[i]);
}

static bool is_in_order(const int *perm, int n)
{
	for (int i = 0; i < n; i++)
		if (perm[i] != i)
			return false;
	return true;
}

/* Dimensions in the order of the term, which names the same labels. */
static Node *ordered(Einsum *e, const Operand *o, const Term *t)
{
	int perm[MAX_RANK];
	for (int i = 0; i < t->n; i++)
		perm[i] = term_find(&o->t, t->at[i]);
	return is_in_order(perm, t->n) ? o->x : emit_transpose(e->b, o->x, perm);
}

/* --- two operands ---------------------------------------------------------------------------- */

typedef struct Roles {
	Term batch, left, right, summed;
} Roles;

static Roles roles_of(const Operand *x, const Operand *w, const bool *wanted)
{
	Roles r = { 0 };
	for (int i = 0; i < x->t.n; i++) {
		int label = x->t.at[i];
		bool shared = term_find(&w->t, label) >= 0;
		term_add(!shared ? &r.left : wanted[label] ? &r.batch : &r.summed, label);
	}
	for (int i = 0; i < w->t.n; i++)
		if (term_find(&x->t, w->t.at[i]) < 0)
			term_add(&r.right, w->t.at[i]);
	return r;
}

static Term joined(const Term *x, const Term *y, const Term *z)
{
	Term t = *x;
	for (int i = 0; i < y->n; i++)
		term_add(&t, y->at[i]);
	for (int i = 0; z && i < z->n; i++)
		term_add(&t, z->at[i]);
	return t;
}

static int64_t extent_of(const Einsum *e, const Term *t)
{
	int64_t n = 1;
	for (int i = 0; i < t->n; i++)
		n *= e->size[t->at[i]];
	return n;
}

/* [batch, rows, columns], the batch left out when there is none */
static Node *as_matrices(Einsum *e, const Operand *o, const Roles *r, const Term *rows,
			 const Term *columns)
{
	Term order = joined(&r->batch, rows, columns);
	int64_t dim[3] = { extent_of(e, &r->batch), extent_of(e, rows), extent_of(e, columns) };
	int skip = r->batch.n ? 0 : 1;
	return emit_reshape(e->b, ordered(e, o, &order), 3 - skip, dim + skip);
}

static Node *by_product(Einsum *e, const Operand *x, const Operand *w, const Roles *r)
{
	Term turned = joined(&r->batch, &r->right, &r->summed);
	bool trans_w = memcmp(turned.at, w->t.at, (size_t)w->t.n) == 0;
	Node *xm = as_matrices(e, x, r, &r->left, &r->summed);
	Node *wm = trans_w ? as_matrices(e, w, r, &r->right, &r->summed)
			   : as_matrices(e, w, r, &r->summed, &r->right);
	return emit_matmul(e->b, xm, wm, false, trans_w);
}

/* [batch, left, 1...] times [batch, 1..., right] */
static Node *by_multiplying(Einsum *e, const Operand *x, const Operand *w, const Roles *r)
{
	Term left = joined(&r->batch, &r->left, NULL), right = joined(&r->batch, &r->right, NULL);
	int64_t xd[2 * MAX_RANK], wd[2 * MAX_RANK];
	int rank = r->batch.n + r->left.n + r->right.n;
	for (int i = 0; i < rank; i++) {
		int behind = i - r->batch.n - r->left.n;
		xd[i] = i < left.n ? e->size[left.at[i]] : 1;
		wd[i] = i < r->batch.n ? e->size[r->batch.at[i]] : 1;
		if (behind >= 0)
			wd[i] = e->size[r->right.at[behind]];
	}
	Node *xn = emit_reshape(e->b, ordered(e, x, &left), rank, xd);
	Node *wn = emit_reshape(e->b, ordered(e, w, &right), rank, wd);
	return emit_b2(e->b, OP_mul, xn, wn);
}

static void combine(Einsum *e, Operand *x, Operand *w, const bool *wanted)
{
	int64_t dim[2 * MAX_RANK];
	Roles r = roles_of(x, w, wanted);
	Term t = joined(&r.batch, &r.left, &r.right);
	if (t.n > MAX_RANK) {
		builder_error(e->b, E5014, "einsum: equation '%s' needs a tensor of %d dimensions",
			      e->equation, t.n);
		return;
	}
	for (int i = 0; i < t.n; i++)
		dim[i] = e->size[t.at[i]];
	x->x = r.summed.n ? by_product(e, x, w, &r) : by_multiplying(e, x, w, &r);
	x->x = emit_reshape(e->b, x->x, t.n, dim);
	x->t = t;
}

/* Labels that the result or operands from `from` on name. */
static void wanted_later(const Einsum *e, int from, bool *wanted)
{
	memset(wanted, 0, MAX_LABELS * sizeof *wanted);
	for (int i = 0; i < e->result.n; i++)
		wanted[e->result.at[i]] = true;
	for (int k = from; k < e->n; k++)
		for (int i = 0; i < e->operand[k].t.n; i++)
			wanted[e->operand[k].t.at[i]] = true;
}

static void mark_term(const Term *t, bool *wanted)
{
	for (int i = 0; i < t->n; i++)
		wanted[t->at[i]] = true;
}

static Node *contract(Einsum *e)
{
	Operand *x = &e->operand[0];
	bool wanted[MAX_LABELS];
	for (int k = 0; k < e->n; k++) {
		take_diagonals(e, &e->operand[k]);
		repeat_to_sizes(e, &e->operand[k]);
	}
	wanted_later(e, 1, wanted);
	sum_alone(e, x, wanted);
	for (int k = 1; k < e->n && !e->b->failed; k++) {
		Operand *w = &e->operand[k];
		wanted_later(e, k + 1, wanted);
		mark_term(&x->t, wanted);
		sum_alone(e, w, wanted);
		wanted_later(e, k + 1, wanted);
		combine(e, x, w, wanted);
	}
	return e->b->failed ? x->x : ordered(e, x, &e->result);
}

bool expand_einsum(Builder *b, const Node *n, Node **out)
{
	Einsum e = { .b = b, .equation = ATTR_OF(n, einsum)->equation, .n = n->n_in };
	if (n->n_in > MAX_OPERANDS)
		return builder_error(b, E5111, "einsum: %d operands, %d are the limit", n->n_in,
				     MAX_OPERANDS);
	for (int i = 0; i < n->n_in; i++) {
		if (!check_number_dtype(b, n->op, i, n->in) ||
		    !check_same_dtype(b, n->op, 0, i, n->in))
			return false;
		e.operand[i].x = n->in[i];
	}
	if (!read_equation(&e))
		return false;
	return expand_done(b, out, contract(&e));
}
