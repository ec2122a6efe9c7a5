/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* See random_graph.h. A pool of values grows by one operator at a time, most often on the youngest
 * value. */
#include "tests/conform/random_graph.h"
#include <math.h>

enum { MOST_ELEMENTS = 6000 };

/* As often as it stands here. */
static GrowFn *const step[] = {
	grow_unary,     grow_unary,          grow_unary,     grow_unary,
	grow_binary,    grow_binary,         grow_binary,    grow_bias,
	grow_bias,      grow_constant,       grow_constant,  grow_select,
	grow_cast,      grow_residual,       grow_residual,  grow_residual,
	grow_reshape,   grow_reshape,        grow_transpose, grow_transpose,
	grow_slice,     grow_slice,          grow_pad,       grow_concat,
	grow_concat,    grow_broadcast,      grow_split,     grow_gather,
	grow_matmul,    grow_matmul,         grow_product,   grow_linear,
	grow_linear,    grow_conv,           grow_conv,      grow_conv,
	grow_depthwise, grow_conv_transpose, grow_pool,      grow_reduce,
	grow_reduce,    grow_mean,           grow_softmax,   grow_norm,
	grow_norm,      grow_batchnorm,      grow_attention, grow_order,
	grow_resize,
};

Node *pool_like(Case *c, const Pool *p, const Node *x)
{
	int from = (int)pick(c, 0, p->n - 1);
	for (int i = 0; i < p->n; i++) {
		Node *n = p->at[(from + i) % p->n];
		if (n->type == x->type)
			return n;
	}
	return p->at[0];
}

/* So that sums of so many products stay near 1. */
Node *scaled_param(Case *c, int rank, const int64_t *dim, int64_t terms)
{
	double top = 1.7 / sqrt((double)(terms > 1 ? terms : 1));
	if (c->values == VALUES_WHOLE)
		return case_operand(c, DT_f32, rank, dim, (Domain){ true, true, -1, 1 });
	return case_operand(c, DT_f32, rank, dim, between(-top, top));
}

static int64_t most_elements(const Case *c)
{
	return c->most ? c->most : MOST_ELEMENTS;
}

Node *grow_usual(Case *c, Pool *p, Node *x)
{
	return step[pick(c, 0, (int64_t)(sizeof step / sizeof *step) - 1)](c, p, x);
}

static void start_pool(Case *c, Pool *p)
{
	int n = (int)pick(c, 1, 2), rank = (int)pick(c, 1, 4);
	int64_t dim[MAX_RANK], side = c->most > MOST_ELEMENTS ? 40 : 9;
	if (chance(c, 35)) { /* an image */
		rank = 4;
		dim[0] = pick(c, 1, 2);
		dim[1] = some_size(c);
		dim[2] = pick(c, side / 9, side);
		dim[3] = pick(c, side / 9, side);
	} else {
		some_dims(c, rank, most_elements(c) / 4, false, dim);
	}
	for (int i = 0; i < n; i++)
		p->at[p->n++] = case_input(c, DT_f32, rank, dim, any);
}

static Node *choose(Case *c, const Pool *p)
{
	return chance(c, 65) ? p->at[p->n - 1] : p->at[pick(c, 0, p->n - 1)];
}

static bool usable(const Case *c, const Node *n)
{
	return n && !c->b->failed && !is_poison(n) && n->type->dtype == DT_f32 &&
	       n->type->count > 0 && n->type->count <= most_elements(c) && n->type->rank <= 5;
}

static void choose_results(Case *c, const Pool *p)
{
	case_result(c, p->at[p->n - 1]);
	for (int more = (int)pick(c, -1, 3); more > 0; more--)
		case_result(c, p->at[pick(c, 0, p->n - 1)]);
}

void random_graph(Case *c, int n)
{
	Pool p = { .n = 0 };
	start_pool(c, &p);
	for (int tries = 0; n > 0 && tries < 200 && p.n < 90; tries++) {
		if (c->g->input.n > CASE_PORTS - 4)
			break;
		Node *made = grow_usual(c, &p, choose(c, &p));
		if (c->b->failed)
			break;
		if (!usable(c, made))
			continue;
		p.at[p.n++] = made;
		n--;
	}
	choose_results(c, &p);
}
