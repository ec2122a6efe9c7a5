/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Where a value that is not finite comes from. The compiled step only tells that its loss is one,
 * or that the parameters after it are. So the state is kept from time to time; from there the steps
 * are taken again, which gives the same bits, up to the first that makes a parameter not finite, or
 * to the loss that was seen. That step is then evaluated by the reference, operator by operator.
 * From the loss, or the parameters, the way leads back through results that are not finite to the
 * first whose operands all are: it names the element. An infinite value that does no harm, such as
 * the e^x in 1 / e^x, does not lie on that way. */
#include "tools/cli_train.h"
#include "ir/eval.h"
#include "passes/expand.h"
#include "passes/train.h"
#include "runtime/model.h"
#include <math.h>
#include <stdlib.h>

enum { KEEP_EVERY = 64 };

/* --- the state -------------------------------------------------------------------------------- */

static size_t tensor_bytes(const burin_tensor *s)
{
	size_t n = s->dtype.bits / 8;
	for (int i = 0; i < s->ndim; i++)
		n *= (size_t)s->shape[i];
	return n;
}

static void copy_state(const Train *t, bool back)
{
	const burin_port *port;
	size_t n = burin_trainer_state(t->trainer, &port), at = 0;
	for (size_t i = 0; i < n; i++) {
		size_t bytes = tensor_bytes(&port[i].spec);
		if (back)
			memcpy(port[i].spec.data, t->kept + at, bytes);
		else
			memcpy(t->kept + at, port[i].spec.data, bytes);
		at += bytes;
	}
}

void blame_begin(Train *t)
{
	const burin_port *port;
	size_t n = burin_trainer_state(t->trainer, &port), bytes = 0;
	for (size_t i = 0; i < n; i++)
		bytes += tensor_bytes(&port[i].spec);
	t->kept = arena_alloc(t->c->arena, bytes + 1);
	t->kept_epoch = -1;
}

void blame_keep(Train *t)
{
	if (t->kept_epoch == t->at.epoch && t->at.batch < t->kept_batch + KEEP_EVERY)
		return;
	copy_state(t, false);
	t->kept_epoch = t->at.epoch;
	t->kept_batch = t->at.batch;
}

static bool is_float(const burin_tensor *s)
{
	return s->dtype.code == dl_types[DT_f32].code && s->dtype.bits == 32;
}

bool blame_finite(const Train *t)
{
	const burin_port *port;
	size_t n = burin_trainer_state(t->trainer, &port);
	for (size_t i = 0; i < n; i++) {
		const float *v = port[i].spec.data;
		size_t count = is_float(&port[i].spec) ? tensor_bytes(&port[i].spec) / 4 : 0;
		float sum = 0;
		for (size_t k = 0; k < count; k++)
			sum += v[k] * 0; /* 0, or NaN once there is one */
		if (sum != 0 || isnan(sum))
			return false;
	}
	return true;
}

/* --- the search ------------------------------------------------------------------------------- */

typedef struct Hunt {
	const Graph *g;
	bool *bad; /* by node */
} Hunt;

static bool holds_bad(const EvalTensor *e)
{
	bool bad = false;
	for (int64_t i = 0; e->f && i < e->type->count; i++)
		bad |= !isfinite(e->f[i]);
	return bad;
}

static bool watch(void *user, const Node *n, const EvalTensor *e)
{
	Hunt *h = user;
	h->bad[n->id] = holds_bad(e);
	return n != h->g->loss || !h->bad[n->id];
}

/* Where a way from what went wrong in the end, back through what is bad, ends first. */
static const Node *origin(const Hunt *h, Arena *a)
{
	const Graph *g = h->g;
	bool *on_way = ARENA_ARRAY(a, bool, g->node.n + 1);
	const Node *first = NULL;
	if (g->loss && h->bad[g->loss->id])
		on_way[g->loss->id] = true;
	else
		for (int i = 0; i < g->update.n; i++)
			on_way[g->update.at[i].next->id] = h->bad[g->update.at[i].next->id];
	for (int i = g->node.n - 1; i >= 0; i--) {
		const Node *n = g->node.at[i];
		bool further = false;
		for (int k = 0; on_way[i] && k < n->n_in; k++)
			if (n->in[k] && h->bad[n->in[k]->id])
				on_way[n->in[k]->id] = further = true;
		if (on_way[i] && !further)
			first = n;
	}
	return first;
}

static const burin_tensor *find_state(const Train *t, const char *name)
{
	const burin_port *port;
	size_t n = burin_trainer_state(t->trainer, &port);
	for (size_t i = 0; i < n; i++)
		if (str_eq(port[i].name, name))
			return &port[i].spec;
	return NULL;
}

/* The first node of g, a step or a judgement, that goes wrong on the batch and the state as they
 * are; NULL when the reference finds none. */
static const Node *hunt(Train *t, const Graph *g, const Batch *b, double rate, Arena *a)
{
	Hunt h = { .g = g, .bad = ARENA_ARRAY(a, bool, g->node.n + 1) };
	EvalTensor *in = ARENA_ARRAY(a, EvalTensor, g->input.n + 1);
	EvalTensor *param = ARENA_ARRAY(a, EvalTensor, g->param.n + 1);
	EvalTensor *out = ARENA_ARRAY(a, EvalTensor, g->result.n + 1);
	float as_float = (float)rate;
	for (int i = 0; i < g->input.n; i++) {
		const Node *n = g->input.at[i];
		/* the rate comes last, whatever the inputs before it are called */
		const void *data = i < b->n ? (const void *)b->data[i] : &as_float;
		in[i] = eval_from_data(a, n->type, data);
	}
	for (int i = 0; i < g->param.n; i++) {
		const Node *n = g->param.at[i];
		const burin_tensor *s = find_state(t, ATTR_OF(n, param)->name);
		param[i] = s ? eval_from_data(a, n->type, s->data) : eval_tensor(a, n->type);
	}
	EvalOptions o = { .round_f32 = true, .param = param, .watch = watch, .user = &h };
	eval_graph(g, a, in, out, o);
	return origin(&h, a);
}

/* --- the report ------------------------------------------------------------------------------- */

static bool leads_to(const Graph *g, const Node *from, const Node *to, Arena *a)
{
	bool *need = ARENA_ARRAY(a, bool, g->node.n + 1);
	need[to->id] = true;
	for (int i = (int)to->id; i >= 0; i--)
		for (int k = 0; need[i] && k < g->node.at[i]->n_in; k++)
			if (g->node.at[i]->in[k])
				need[g->node.at[i]->in[k]->id] = true;
	return need[from->id];
}

static const char *element_of(const Node *n)
{
	return n->loc.element ? n->loc.element : n->name ? n->name : "?";
}

static const char *found_text(Train *t, const Graph *g, const Node *n, Arena *a)
{
	if (!n)
		return "";
	bool forward = g->loss && leads_to(g, n, g->loss, a);
	return arena_printf(t->c->arena, ": the first result that is not finite is %s '%.80s' (%s)",
			    forward ? "that of" : "in the gradients of", element_of(n),
			    op_info(n->op)->name);
}

static int say(Train *t, const Node *n, const char *what)
{
	diag_error(t->diag, n ? n->loc : (Loc){ 0 }, E6404, "%s", what);
	diag_hint(t->diag, "try --lr with a tenth of the rate; `burin help E6404` says more");
	return cli_diagnostics(t->c, t->diag);
}

static const char *kind_of(double loss)
{
	return isnan(loss) ? "NaN" : "infinite";
}

typedef Graph *MakeGraph(const Pass *p, const Graph *g, Arena *arena);

static const Graph *graph_for(Train *t, MakeGraph *make, int64_t rows, Arena *a)
{
	PassOptions o = { 0 };
	Pass p = { .ctx = t->graph->ctx, .o = &o };
	const Graph *g = t->graph->rebuild(t->graph, rows, true);
	g = g ? make(&p, g, a) : NULL;
	return g ? expand_macros(g, a) : NULL;
}

/* Back to where the state was kept and forward again, `steps` times at most, as long as the state
 * stays finite; the number done with a finite state. */
static int64_t go_again(Train *t, Batch *b, const int64_t *order, int64_t steps)
{
	double metrics[MAX_METRICS];
	burin_error e = { .size = sizeof e };
	int64_t first = t->at.step - (t->at.batch - t->kept_batch), k = 0;
	copy_state(t, true);
	for (; k < steps; k++)
		if (train_batch(t, b, order, t->kept_batch + k, first + k, metrics, &e) !=
			    BURIN_OK ||
		    !blame_finite(t))
			break;
	return k;
}

int blame_step(Train *t, Batch *b, const int64_t *order, double loss)
{
	Arena *a = arena_create();
	cli_note(t->c, "a value is not finite: looking for the element that it comes from");
	int64_t done = t->at.batch - t->kept_batch, first = t->at.step - done;
	int64_t good = go_again(t, b, order, done);
	go_again(t, b, order, good);
	int64_t batch = t->kept_batch + good,
		n = t->split.part[PART_TRAIN].n - batch * t->set.batch;
	n = n < t->set.batch ? n : t->set.batch;
	batch_fill(t, b, order + batch * t->set.batch, n);
	const Graph *g = graph_for(t, train_graph, n, a);
	const Node *found = g ? hunt(t, g, b, train_rate(t, first + good), a) : NULL;
	const char *where = g ? found_text(t, g, found, a) : "";
	bool of_loss = good == done && !isfinite(loss);
	int rc = say(t, found,
		     arena_printf(t->c->arena, "step %lld (epoch %lld): %s%s%s",
				  (long long)(first + good + 1), (long long)t->at.epoch + 1,
				  of_loss ? "the loss is "
					  : "the step makes parameters that are not "
					    "finite",
				  of_loss ? kind_of(loss) : "", where));
	arena_destroy(a);
	return rc;
}

int blame_validation(Train *t, const Batch *b, double loss)
{
	Arena *a = arena_create();
	const Graph *g = graph_for(t, judge_graph, b->in[0].shape[t->data.col[0].axis], a);
	const Node *found = g ? hunt(t, g, b, 0, a) : NULL;
	int rc = say(t, found,
		     arena_printf(t->c->arena, "epoch %lld: the loss of validation is %s%s",
				  (long long)t->at.epoch + 1, kind_of(loss),
				  g ? found_text(t, g, found, a) : ""));
	arena_destroy(a);
	return rc;
}
