/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Rewriting on emission. A rule's pattern and replacement are written in a small prefix syntax and
 * parsed once per Context:
 *
 *   add(x, 0)      an operator on patterns, whatever its attributes; a letter matches anything, the
 *                  same letter the same node
 *   concat         an operator on any inputs
 *   #c             matches a constant whose elements are all equal; in a replacement, c is that
 *                  constant
 *   0, -1.5, inf   matches a constant all of whose elements are this number (-0 is not 0); in a
 *                  replacement, that number in the root's type and shape
 *
 * A mark before the pattern says when the rule holds:
 *   (none)  always: the same bits
 *   ^       everywhere but under fp=strict: at least as accurate as what docs/numbers.md promises
 *           of the operator replaced
 *   ~       under fp=fast: rounding, signs of zero, NaN or infinities may differ
 *
 * Operands of commutative operators match in both orders. The rules of an operator are tried in the
 * order of the table; the first that fits is applied, and what it emits is rewritten in turn. */
#ifndef IR_RULE_H
#define IR_RULE_H
#include "ir/node.h"

typedef bool RuleCondition(const Node *n); /* of the root, which is not part of the graph yet */
/* The replacement, or NULL when it does not fit after all */
typedef Node *RuleFn(Builder *b, const Node *n);

typedef struct Rule {
	const char *pattern;
	const char *replacement; /* or fn */
	RuleCondition *when;     /* or NULL */
	RuleFn *fn;
} Rule;

extern const Rule algebra[]; /* ends with an empty row */

struct RuleTable *rules_create(Context *c);
/* What to have instead of candidate n (inputs in b's graph, itself not), or NULL. */
Node *rules_apply(Builder *b, const Node *n);

/* The functions in algebra.c's table, on operators that move elements (ir/view.c) */
RuleFn simplify_broadcast, simplify_reshape, simplify_transpose, simplify_slice, simplify_pad;
RuleFn simplify_concat, simplify_gather, simplify_cast, simplify_reduce, simplify_matmul;
RuleFn gather_before_cast;
#endif
