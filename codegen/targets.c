/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Targets of cross_entropy are looked at before a step: a compiled step would see a class that does
 * not exist only while it changes the parameters. */
#include "codegen/targets.h"
#include "ir/blob.h"
#include "runtime/model.h"

TargetRange target_range(const Graph *g, const char *input)
{
	TargetRange r = { 0 };
	for (int i = 0; i < g->node.n; i++) {
		const Node *n = g->node.at[i];
		if (n->op != OP_cross_entropy || n->in[1]->op != OP_input ||
		    !str_eq(ATTR_OF(n->in[1], port)->name, input))
			continue;
		const Attr_cross_entropy *a = ATTR_OF(n, cross_entropy);
		const Type *x = n->in[0]->type;
		int64_t classes = x->dim[a->axis < 0 ? a->axis + x->rank : a->axis];
		r.of_loss |= n == g->loss;
		if (r.classes && r.classes <= classes)
			continue;
		r.classes = classes;
		r.ignored = a->ignore_index;
		r.type = n->in[1]->type->dtype;
	}
	return r;
}

int64_t target_outside(const TargetRange *r, const void *data, int64_t n)
{
	for (int64_t i = 0; i < n && r->classes; i++) {
		int64_t v = load_i64(r->type, data, i);
		if (v != r->ignored && (v < 0 || v >= r->classes))
			return i;
	}
	return -1;
}

burin_status target_check(const TargetRange *r, const char *input, const burin_tensor *t,
			  const void *data, burin_error *err)
{
	int64_t rows = t->ndim ? t->shape[0] : 1, n = 1;
	for (int i = 0; i < t->ndim; i++)
		n *= t->shape[i];
	int64_t at = target_outside(r, data, n);
	if (at < 0)
		return BURIN_OK;
	return rt_fail(err, BURIN_E_INDEX, 6105,
		       "input '%s', row %lld (from 0): %lld is none of the classes 0 to %lld",
		       input, (long long)(at / (n / rows)), (long long)load_i64(r->type, data, at),
		       (long long)r->classes - 1);
}
