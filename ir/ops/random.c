/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Random numbers in a graph are a function of seed, step, stream and position: a run that is
 * repeated, cut into other tasks or resumed draws the same ones.
 *
 * Word i of a tensor is word i % 4 of the block with the counter (i / 4, stream, step) and the seed
 * as key. In kernels words are held in i64, and a product of two of them wraps there; its high word
 * is what remains when the low one is taken off, divided exactly. */
#include "ir/ops/random.h"
#include "ir/hooks.h"
#include "ir/kbuilder.h"
#include "ir/ops/nn.h"
#include <math.h>

static const int64_t WORD = (int64_t)1 << 32;

/* --- reference ------------------------------------------------------------------------------- */

void philox4x32(const uint32_t counter[4], const uint32_t key[2], uint32_t out[4])
{
	uint32_t c[4] = { counter[0], counter[1], counter[2], counter[3] };
	uint32_t k[2] = { key[0], key[1] };
	for (int i = 0; i < PHILOX_ROUNDS; i++) {
		uint64_t x = (uint64_t)PHILOX_FACTOR_0 * c[0];
		uint64_t y = (uint64_t)PHILOX_FACTOR_1 * c[2];
		uint32_t next[4] = { (uint32_t)(y >> 32) ^ c[1] ^ k[0], (uint32_t)y,
				     (uint32_t)(x >> 32) ^ c[3] ^ k[1], (uint32_t)x };
		for (int w = 0; w < 4; w++)
			c[w] = next[w];
		k[0] += PHILOX_KEY_0;
		k[1] += PHILOX_KEY_1;
	}
	for (int w = 0; w < 4; w++)
		out[w] = c[w];
}

const Type *infer_random_bits(Builder *b, Op op, Attr attr, Node *const *in, int n_in)
{
	const Attr_random *a = attr;
	(void)n_in;
	for (int i = 0; i < 2; i++)
		if (in[i]->type->rank != 0 || in[i]->type->dtype != DT_i64)
			return builder_error(b, E5012, "random_bits: %s must be a scalar of i64",
					     i ? "step" : "seed");
	if (!check_ints(b, op, "shape", a->shape, a->shape.n, 0, MAX_ELEMENTS))
		return NULL;
	return result_type(b, op, DT_i64, a->shape.n, a->shape.v);
}

void eval_random_bits(const EvalCall *c)
{
	uint64_t seed = (uint64_t)c->in[0]->i[0], step = (uint64_t)c->in[1]->i[0];
	uint32_t key[2] = { (uint32_t)seed, (uint32_t)(seed >> 32) }, word[4] = { 0 };
	for (int64_t i = 0; i < c->out->type->count; i++) {
		uint32_t counter[4] = { (uint32_t)(i / 4), (uint32_t)(i / 4 / WORD),
					(uint32_t)ATTR_OF(c->n, random)->stream, (uint32_t)step };
		if (i % 4 == 0)
			philox4x32(counter, key, word);
		c->out->i[i] = word[i % 4];
	}
}

/* --- in kernels ------------------------------------------------------------------------------ */

static Node *low_word(KBuilder *kb, Node *x)
{
	return kb_emit2(kb, OP_and, x, kb_i(kb, WORD - 1));
}

static Node *high_word(KBuilder *kb, Node *x, Node *low)
{
	Node *high = kb_emit2(kb, OP_div, kb_emit2(kb, OP_sub, x, low), kb_i(kb, WORD));
	return low_word(kb, high);
}

typedef struct Wide {
	Node *high, *low;
} Wide;

static Wide multiply(KBuilder *kb, Node *x, uint32_t factor)
{
	Node *product = kb_emit2(kb, OP_mul, x, kb_i(kb, factor));
	Node *low = low_word(kb, product);
	return (Wide){ high_word(kb, product, low), low };
}

static Node *mix(KBuilder *kb, Node *x, Node *y, Node *z)
{
	return kb_emit2(kb, OP_xor, kb_emit2(kb, OP_xor, x, y), z);
}

static void philox_rounds(KBuilder *kb, Node *c[4], Node *k[2])
{
	for (int i = 0; i < PHILOX_ROUNDS; i++) {
		Wide x = multiply(kb, c[0], PHILOX_FACTOR_0);
		Wide y = multiply(kb, c[2], PHILOX_FACTOR_1);
		c[0] = mix(kb, y.high, c[1], k[0]);
		c[1] = y.low;
		c[2] = mix(kb, x.high, c[3], k[1]);
		c[3] = x.low;
		k[0] = low_word(kb, kb_emit2(kb, OP_add, k[0], kb_i(kb, PHILOX_KEY_0)));
		k[1] = low_word(kb, kb_emit2(kb, OP_add, k[1], kb_i(kb, PHILOX_KEY_1)));
	}
}

Node *lower_random_bits(KBuilder *kb, const Node *n, Node *const *at)
{
	Node *seed = kb_read(kb, n->in[0], NULL), *step = kb_read(kb, n->in[1], NULL);
	Node *i = kb_flat(kb, n->type, at), *block = kb_idiv(kb, i, 4), *word = kb_imod(kb, i, 4);
	Node *low = low_word(kb, seed), *key[2] = { low, high_word(kb, seed, low) };
	Node *c[4] = { low_word(kb, block), kb_idiv(kb, block, WORD),
		       kb_i(kb, ATTR_OF(n, random)->stream & (WORD - 1)), low_word(kb, step) };
	philox_rounds(kb, c, key);
	Node *y = c[3];
	for (int w = 2; w >= 0; w--)
		y = kb_emit3(kb, OP_select, kb_emit2(kb, OP_eq, word, kb_i(kb, w)), c[w], y);
	return y;
}

/* --- dropout --------------------------------------------------------------------------------- */

/* An element is kept when its word is not below p; what is kept grows, so that the mean stays. */
bool expand_dropout_train(Builder *b, const Node *n, Node **out)
{
	const Attr_dropout_train *a = ATTR_OF(n, dropout_train);
	Node *x = n->in[0];
	if (!check_float_dtype(b, n->op, 0, n->in))
		return false;
	if (a->p == 0)
		return expand_done(b, out, x);
	Attr_random r = { .shape = { x->type->rank, x->type->dim }, .stream = a->stream };
	Node *in[2] = { n->in[1], n->in[2] };
	Node *bits = emit(b, OP_random_bits, attr_intern(b->ctx, ATTR_random_RECORD, &r), in, 2);
	Node *least = emit_scalar_i64(b, DT_i64, (int64_t)floor(a->p * (double)WORD));
	Node *keep = emit_b2(b, OP_ge, bits, least);
	Node *grown = emit_c2(b, OP_mul, x, a->p < 1 ? 1 / (1 - a->p) : 0);
	return expand_done(b, out, emit3(b, OP_select, keep, grown, emit_full(b, x->type, 0)));
}
