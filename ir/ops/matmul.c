/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Matrix product, batched over equal leading sizes. */
#include "ir/hooks.h"
#include "ir/ops/util.h"

typedef struct MatmulSizes {
	int64_t m, k, n;
	int64_t w_k; /* rows the weights have */
} MatmulSizes;

static MatmulSizes matmul_sizes(const Attr_matmul *a, const Type *x, const Type *w)
{
	const int64_t *xd = x->dim + x->rank - 2, *wd = w->dim + w->rank - 2;
	MatmulSizes s = { .m = xd[a->trans_x ? 1 : 0], .k = xd[a->trans_x ? 0 : 1] };
	if (a->panel) {
		s.w_k = w->dim[1];
		s.n = a->n;
	} else {
		s.w_k = wd[a->trans_w ? 1 : 0];
		s.n = wd[a->trans_w ? 0 : 1];
	}
	return s;
}

static bool check_packed(Builder *b, const Attr_matmul *a, const Type *w)
{
	if (a->panel > 0 && a->n > 0 && !a->trans_w && w->rank == 3 && w->dim[2] == a->panel &&
	    w->dim[0] == (a->n + a->panel - 1) / a->panel)
		return true;
	return builder_error(
		b, E5011,
		"matmul: packed weights are %s, they do not fit %lld columns in panels "
		"of %lld",
		type_text(b, w), (long long)a->n, (long long)a->panel);
}

static bool check_batches(Builder *b, const Type *x, const Type *w)
{
	bool fits = x->rank == w->rank && x->rank >= 2;
	for (int i = 0; fits && i < x->rank - 2; i++)
		fits = x->dim[i] == w->dim[i];
	if (fits)
		return true;
	builder_error(b, E5011, "matmul: %s by %s: both need the same leading sizes",
		      type_text(b, x), type_text(b, w));
	diag_hint(b->diag, "the operator 'product' repeats leading sizes where needed");
	return false;
}

const Type *infer_matmul(Builder *b, Op op, Attr attr, Node *const *in, int n_in)
{
	(void)n_in;
	const Attr_matmul *a = attr;
	const Type *x = in[0]->type, *w = in[1]->type;
	int64_t dim[MAX_RANK];
	if (!check_number_dtype(b, op, 0, in) || !check_same_dtype(b, op, 0, 1, in))
		return NULL;
	if (a->panel && !check_rank(b, op, 0, in, 2))
		return NULL;
	if (a->panel ? !check_packed(b, a, w) : !check_batches(b, x, w))
		return NULL;
	MatmulSizes s = matmul_sizes(a, x, w);
	if (s.k != s.w_k)
		return builder_error(
			b, E5011, "matmul: %s%s by %s%s: rows of %lld meet columns of %lld",
			type_text(b, x), a->trans_x ? " (transposed)" : "", type_text(b, w),
			a->trans_w ? " (transposed)" : "", (long long)s.k, (long long)s.w_k);
	for (int i = 0; i < x->rank - 2; i++)
		dim[i] = x->dim[i];
	dim[x->rank - 2] = s.m;
	dim[x->rank - 1] = s.n;
	return result_type(b, op, x->dtype, x->rank, dim);
}

/* --- evaluation ------------------------------------------------------------------------------ */

/* The weights of one batch as [K, N]. */
static void plain_weights(const EvalCall *c, const MatmulSizes *s, int64_t batch,
			  const EvalTensor *to)
{
	const Attr_matmul *a = ATTR_OF(c->n, matmul);
	int64_t first = batch * s->k * s->n;
	for (int64_t k = 0; k < s->k; k++)
		for (int64_t n = 0; n < s->n; n++) {
			int64_t from = first + (a->trans_w ? n * s->k + k : k * s->n + n);
			if (a->panel)
				from = (n / a->panel * s->k + k) * a->panel + n % a->panel;
			copy_element(to, k * s->n + n, c->in[1], from);
		}
}

static void row_f(double *restrict y, const double *restrict w, int64_t n, double x)
{
	for (int64_t j = 0; j < n; j++)
		y[j] += x * w[j];
}

static void row_i(int64_t *restrict y, const int64_t *restrict w, int64_t n, int64_t x)
{
	for (int64_t j = 0; j < n; j++)
		y[j] = (int64_t)((uint64_t)y[j] + (uint64_t)x * (uint64_t)w[j]);
}

void eval_matmul(const EvalCall *c)
{
	const Attr_matmul *a = ATTR_OF(c->n, matmul);
	const Type *t = c->out->type;
	MatmulSizes s = matmul_sizes(a, c->in[0]->type, c->in[1]->type);
	Type plain = { .dtype = t->dtype, .rank = 2, .dim = { s.k, s.n }, .count = s.k * s.n };
	EvalTensor w = eval_tensor(c->arena, &plain);
	for (int64_t batch = 0; batch < dims_product(t, 0, t->rank - 2); batch++) {
		plain_weights(c, &s, batch, &w);
		for (int64_t m = 0; m < s.m; m++)
			for (int64_t k = 0; k < s.k; k++) {
				int64_t x = batch * s.m * s.k;
				int64_t y = (batch * s.m + m) * s.n;
				x += a->trans_x ? k * s.m + m : m * s.k + k;
				if (c->out->f)
					row_f(c->out->f + y, w.f + k * s.n, s.n, c->in[0]->f[x]);
				else
					row_i(c->out->i + y, w.i + k * s.n, s.n, c->in[0]->i[x]);
			}
	}
}
