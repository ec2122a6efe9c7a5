/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* verify --bisect: the graph is cut behind one node after the other, each cut compiled and compared
 * by itself, so that one tensor at a time is in memory. A binary search over the ancestors of the
 * wrong output, in topological order, finds a wrong node behind a right one; as long as one of its
 * inputs is wrong too, the search goes on among the ancestors of that. Then each pass is left out
 * in turn. */
#include "tools/cli_verify.h"

typedef struct Cut {
	Difference d;
	Tensor out;
	bool wrong;
} Cut;

typedef VEC(Node *) NodeList;

static bool is_tested(const Node *n)
{
	return !(op_info(n->op)->flags & OF_LEAF) && n->type->dtype != DT_tuple;
}

/* --- one cut ---------------------------------------------------------------------------------- */

static Graph *cut_behind(Verify *v, const Node *n, Arena *a)
{
	Graph cut = *v->reference;
	Node *result[] = { (Node *)n };
	const char *name[] = { "cut" };
	cut.result.at = result;
	cut.result_name.at = name;
	cut.result.n = cut.result_name.n = 1;
	cut.update.n = 0;
	return graph_prune(&cut, a);
}

static bool run_cut(Verify *v, burin_model *m, const Tensor *out)
{
	burin_error e = { .size = sizeof e };
	burin_exec *exec;
	burin_tensor arg = { .data = out->data, .ndim = out->type->rank };
	const burin_port *port;
	burin_outputs(m, &port);
	arg.device.type = 1;
	arg.dtype = port->spec.dtype;
	arg.shape = port->spec.shape;
	if (burin_exec_new(&exec, m, NULL, 0, v->c->opts, &e) != BURIN_OK)
		return false;
	burin_status s = burin_run(exec, v->m.in_arg, (size_t)v->m.n_in, &arg, 1, &e);
	burin_exec_free(exec);
	return s == BURIN_OK;
}

/* False: it could not be compiled, run or evaluated; see the graph's diagnostics. */
static bool test_cut(Verify *v, const Node *n, Arena *a, Cut *out)
{
	EvalTensor want, coarse;
	Tolerance t = tolerance_for(v->tolerance, n->type->dtype, v->reference);
	Graph *g = cut_behind(v, n, a);
	out->out = tensor_new(a, "cut", n->type);
	if (!reference_outputs(v, g, a, (EvalOptions){ 0 }, &want) ||
	    (v->has_coarse && !reference_outputs(v, g, a, v->coarse, &coarse)))
		return false;
	t.coarse = v->has_coarse ? &coarse : NULL;
	t.coarse_share = v->coarse_share;
	burin_model *m = graph_compile(v->c, v->m.graph, g);
	bool ok = m && run_cut(v, m, &out->out);
	burin_model_free(m);
	if (!ok)
		return false;
	out->d = tensor_difference(&out->out, &want, t);
	out->wrong = out->d.bad > 0;
	return true;
}

static bool is_wrong(Verify *v, const Node *n, bool *wrong)
{
	Cut cut = { 0 };
	*wrong = false;
	if (!is_tested(n))
		return true;
	Arena *a = arena_create();
	bool ok = test_cut(v, n, a, &cut);
	*wrong = cut.wrong;
	arena_destroy(a);
	return ok;
}

/* --- the search ------------------------------------------------------------------------------- */

/* What n depends on and n itself, in order, those that can be tested. */
static NodeList ancestors(Verify *v, const Node *n)
{
	NodeList l = { 0 };
	const Graph *g = v->reference;
	bool *need = ARENA_ARRAY(v->c->arena, bool, g->node.n + 1);
	need[n->id] = true;
	for (int i = (int)n->id; i >= 0; i--)
		for (int k = 0; need[i] && k < g->node.at[i]->n_in; k++)
			if (g->node.at[i]->in[k])
				need[g->node.at[i]->in[k]->id] = true;
	for (int i = 0; i <= (int)n->id; i++)
		if (need[i] && is_tested(g->node.at[i]))
			vec_push(v->c->arena, &l, g->node.at[i]);
	return l;
}

/* n is wrong: a wrong one among its ancestors whose predecessor in the order is right. */
static bool search(Verify *v, const Node *n, const Node **found)
{
	NodeList l = ancestors(v, n);
	int right = -1, wrong = l.n - 1;
	while (wrong - right > 1) {
		int middle = right + (wrong - right) / 2;
		bool bad;
		progress_show(v->c, "bisecting", l.n - (wrong - right), l.n, "nodes");
		if (!is_wrong(v, l.at[middle], &bad))
			return false;
		*(bad ? &wrong : &right) = middle;
	}
	*found = l.at[wrong];
	return true;
}

static bool wrong_input(Verify *v, const Node *n, const Node **found)
{
	*found = NULL;
	for (int k = 0; k < n->n_in && !*found; k++) {
		bool bad;
		if (!n->in[k])
			continue;
		if (!is_wrong(v, n->in[k], &bad))
			return false;
		if (bad)
			*found = n->in[k];
	}
	return true;
}

static bool first_wrong(Verify *v, const Node *last, const Node **found)
{
	for (const Node *at = last; at;) {
		if (!search(v, at, found) || !wrong_input(v, *found, &at))
			return false;
	}
	return true;
}

/* --- the cause -------------------------------------------------------------------------------- */

static void switch_pass(Verify *v, PassId id, const char *value)
{
	cli_option(v->c, arena_printf(v->c->arena, "passes.%s", pass_info[id].name), value);
}

static bool is_off(const Verify *v, PassId id)
{
	const char *value =
		opts_get(v->c->opts, arena_printf(v->c->arena, "passes.%s", pass_info[id].name));
	return value && (str_eq(value, "off") || str_eq(value, "no"));
}

/* The first pass without which n is right, or PASS_COUNT. */
static PassId guilty_pass(Verify *v, const Node *n, Cut *without)
{
	for (int id = 0; id < PASS_COUNT; id++) {
		if (id == PASS_expand || is_off(v, (PassId)id))
			continue;
		Arena *a = arena_create();
		progress_show(v->c, "bisecting", id, PASS_COUNT, "passes");
		switch_pass(v, (PassId)id, "off");
		bool ok = test_cut(v, n, a, without);
		switch_pass(v, (PassId)id, "on");
		arena_destroy(a);
		if (ok && !without->wrong)
			return (PassId)id;
	}
	return PASS_COUNT;
}

/* --- report ----------------------------------------------------------------------------------- */

static const char *node_name(const Node *n)
{
	return n->name ? n->name : n->loc.element ? n->loc.element : "?";
}

static const char *place_of(Cli *c, const Node *n)
{
	if (n->loc.line > 0)
		return arena_printf(c->arena, "%s:%d", n->loc.file, n->loc.line);
	if (n->loc.col > 0)
		return arena_printf(c->arena, "ONNX node %d", n->loc.col);
	return n->loc.file ? n->loc.file : "";
}

static void report_node(Verify *v, const Node *n)
{
	Cli *c = v->c;
	Arena *a = arena_create();
	Cut cut;
	cli_print(c, "bisecting node %u of %d: first divergence at '%s' (%s, %s)\n", n->id + 1,
		  v->reference->node.n, node_name(n), op_info(n->op)->name, place_of(c, n));
	json_key_object(c, "first_wrong");
	json_key_text(c, "node", node_name(n));
	json_key_text(c, "operator", op_info(n->op)->name);
	json_key_text(c, "place", place_of(c, n));
	if (test_cut(v, n, a, &cut)) {
		cli_print(c, "          max abs %.2g of %.4g; first at %s: %s instead of %s\n",
			  cut.d.max_abs, cut.d.largest,
			  cut.d.bad ? text_index(c->arena, n->type, cut.d.first_bad) : "?",
			  text_element(c->arena, n->type->dtype, cut.d.got, 9),
			  text_element(c->arena, n->type->dtype, cut.d.want, 9));
		json_key_real(c, "max_abs", cut.d.max_abs);
	}
	json_end(&c->json);
	arena_destroy(a);
}

static void report_cause(Verify *v, const Node *n)
{
	Cli *c = v->c;
	Cut without = { 0 };
	PassId id = guilty_pass(v, n, &without);
	progress_wipe(c);
	if (id == PASS_COUNT) {
		cli_print(c, "cause     no pass alone: the code of '%s' itself, or the tolerance\n",
			  op_info(n->op)->name);
		json_key_text(c, "cause", NULL);
		return;
	}
	cli_print(c, "cause     pass %s; with --set passes.%s=off: max abs %.2g  ok\n",
		  pass_info[id].name, pass_info[id].name, without.d.max_abs);
	json_key_text(c, "cause", pass_info[id].name);
}

int verify_bisect(Verify *v)
{
	Cli *c = v->c;
	const Node *output = v->reference->result.at[v->bad_output], *found = NULL;
	bool wrong;
	int rc = verify_run(v, v->bad_seed, c->arena);
	if (rc)
		return rc;
	if (!is_wrong(v, output, &wrong) || (wrong && !first_wrong(v, output, &found)))
		return cli_diagnostics(c, v->m.graph->ctx->diag);
	progress_wipe(c);
	if (!wrong) {
		cli_print(c, "bisecting '%s' is right when it is compiled as the only output\n",
			  v->m.out[v->bad_output].name);
		return EXIT_YES;
	}
	report_node(v, found);
	report_cause(v, found);
	return EXIT_YES;
}
