/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* burin verify: the compiled model against the reference evaluation (naive loops in double
 * precision, on the graph before any pass), on random inputs. */
#include "tools/cli_verify.h"
#include "passes/expand.h"

int verify_run(Verify *v, uint64_t seed, Arena *a)
{
	int rc = model_fill(v->c, &v->m, &v->given, seed);
	if (rc == EXIT_YES && v->layout)
		training_fill(v, seed, a);
	return rc ? rc : model_run(v->c, &v->m);
}

bool reference_outputs(Verify *v, const Graph *g, Arena *a, EvalOptions o, EvalTensor *out)
{
	EvalTensor *in = ARENA_ARRAY(a, EvalTensor, g->input.n + 1);
	for (int i = 0; i < g->input.n; i++)
		in[i] = eval_from_data(a, g->input.at[i]->type, v->m.in[i].data);
	return eval_graph(g, a, in, out, o);
}

static int evaluate(Verify *v, Arena *a, EvalOptions o, EvalTensor *out)
{
	bool ok = v->layout ? training_outputs(v, a, o, out)
			    : reference_outputs(v, v->reference, a, o, out);
	return ok ? EXIT_YES : cli_diagnostics(v->c, v->m.graph->ctx->diag);
}

static int wanted_outputs(Verify *v, Arena *a, EvalTensor *out)
{
	return opt_given(v->c, OPT_against) ? onnxruntime_outputs(v, a, out)
					    : evaluate(v, a, (EvalOptions){ 0 }, out);
}

/* The worst of all sets, for each output. */
static void keep_worst(Difference *worst, const Difference *d)
{
	bool replaces = worst->first_bad < 0 && d->first_bad >= 0;
	int64_t bad = worst->bad > d->bad ? worst->bad : d->bad;
	bool rounding = worst->rounding | d->rounding;
	double abs = worst->max_abs, ulp = worst->ulp, largest = worst->largest,
	       limit = worst->limit, used = worst->used;
	if (replaces)
		*worst = *d;
	worst->bad = bad;
	worst->rounding = rounding && bad == 0;
	worst->max_abs = d->max_abs <= abs ? abs : d->max_abs;
	worst->ulp = d->ulp <= ulp ? ulp : d->ulp;
	worst->largest = d->largest <= largest ? largest : d->largest;
	worst->limit = d->limit <= limit ? limit : d->limit;
	worst->used = d->used <= used ? used : d->used;
}

/* coarse: the reference in coarser arithmetic, or NULL. True when all are close enough. */
static bool differences(Verify *v, const EvalTensor *want, const EvalTensor *coarse, Difference *d)
{
	bool close = true;
	for (int i = 0; i < v->n_got; i++) {
		Tolerance t = tolerance_for(v->tolerance, v->got[i].type->dtype, v->reference);
		t.from = i < v->m.n_out ? NULL : &v->before[i - v->m.n_out];
		t.coarse = coarse ? &coarse[i] : NULL;
		t.coarse_share = v->coarse_share;
		d[i] = tensor_difference(&v->got[i], &want[i], t);
		close &= d[i].bad == 0;
	}
	return close;
}

/* What was too far off is judged again, by the coarser reference. */
static void excuse(Verify *v, const EvalTensor *want, const EvalTensor *coarse, Difference *d)
{
	Difference *again = ARENA_ARRAY(v->c->arena, Difference, v->n_got + 1);
	differences(v, want, coarse, again);
	for (int i = 0; i < v->n_got; i++) {
		again[i].rounding = d[i].bad && !again[i].bad;
		d[i] = again[i];
	}
}

static void keep_set(Verify *v, uint64_t seed, const Difference *d, Difference *worst)
{
	for (int i = 0; i < v->n_got; i++) {
		if (d[i].bad && v->bad_output < 0) {
			v->bad_output = i;
			v->bad_seed = seed;
		}
		keep_worst(&worst[i], &d[i]);
	}
}

static int compare_set(Verify *v, uint64_t seed, Difference *worst)
{
	Arena *a = arena_create();
	EvalTensor *want = ARENA_ARRAY(a, EvalTensor, v->n_got + 1);
	EvalTensor *coarse = ARENA_ARRAY(a, EvalTensor, v->n_got + 1);
	Difference *d = ARENA_ARRAY(a, Difference, v->n_got + 1);
	int rc = verify_run(v, seed, a);
	if (rc == EXIT_YES)
		rc = wanted_outputs(v, a, want);
	if (rc == EXIT_YES && !differences(v, want, NULL, d) && v->has_coarse) {
		rc = evaluate(v, a, v->coarse, coarse);
		if (rc == EXIT_YES)
			excuse(v, want, coarse, d);
	}
	if (rc == EXIT_YES)
		keep_set(v, seed, d, worst);
	arena_destroy(a);
	return rc;
}

static void report(Verify *v, const Difference *worst)
{
	json_key_array(v->c, "outputs");
	for (int i = 0; i < v->m.n_out; i++)
		difference_report(v->c, "output", v->got[i].name, &v->got[i], &worst[i]);
	json_end(&v->c->json);
}

/* Many tensors: shown are those that are wrong. */
static void report_state(Verify *v, const Difference *worst)
{
	Cli *c = v->c;
	int wrong = 0, rounding = 0, n = v->n_got - v->m.n_out;
	json_key_array(c, "state");
	for (int i = v->m.n_out; i < v->n_got; i++) {
		bool shown = worst[i].bad || opt_given(c, OPT_verbose);
		wrong += worst[i].bad > 0;
		rounding += worst[i].rounding;
		difference_report(c, shown ? "state" : NULL, v->got[i].name, &v->got[i], &worst[i]);
	}
	json_end(&c->json);
	if (!wrong && rounding)
		cli_print(c, "state     %d tensors  ok, %d of them (rounding)\n", n, rounding);
	else
		cli_print(c, "state     %d tensors  %s\n", n, wrong ? "FAIL" : "ok");
}

static int compare_sets(Verify *v)
{
	Cli *c = v->c;
	Difference *worst = ARENA_ARRAY(c->arena, Difference, v->n_got + 1);
	for (int i = 0; i < v->n_got; i++)
		worst[i].first_bad = -1;
	for (int64_t s = 0; s < v->sets; s++) {
		progress_show(c, "verify", s, v->sets, "sets");
		int rc = compare_set(v, cli_seed(c) + (uint64_t)s, worst);
		if (rc)
			return rc;
	}
	cli_print(c, "inputs    %lld random set%s, seed %llu\n", (long long)v->sets,
		  v->sets == 1 ? "" : "s", (unsigned long long)c->seed);
	json_key_int(c, "sets", v->sets);
	json_key_int(c, "seed", (int64_t)c->seed);
	if (v->tolerance.rtol >= 0)
		json_key_real(c, "rtol", v->tolerance.rtol);
	if (v->tolerance.atol >= 0)
		json_key_real(c, "atol", v->tolerance.atol);
	report(v, worst);
	if (v->layout)
		report_state(v, worst);
	return v->bad_output >= 0 ? EXIT_NO : EXIT_YES;
}

/* Products that round their factors to bf16; and a step of training, where two things are less
 * exact than what they are made of: sums that are nothing but rounding become the change of a
 * parameter (a bias before batch norm, say), and a value that rounding moves over the kink of a
 * relu switches a term of a gradient. With 18 binary digits, 6 less than f32 has, the reference
 * meets more of both than compiled code, and all else stays far below the ordinary tolerance. */
static void choose_coarse(Verify *v, bool train)
{
	bool bf16 = tolerance_is_narrow(v->c);
	v->tolerance.rtol = -1;
	v->has_coarse = bf16 || train;
	v->coarse = bf16 ? (EvalOptions){ .bf16 = true } : (EvalOptions){ .digits = 18 };
	v->coarse_share = bf16 ? 0x1p-8 : 0;
}

static int read_options(Verify *v)
{
	Cli *c = v->c;
	if (is_compiled_file(c->arg.at[0]))
		return cli_usage(
			c, "give the model it was compiled from, or `burin run FILE --expect`",
			"verify needs a model, not a compiled file");
	bool train = opt_given(c, OPT_train), bisect = opt_given(c, OPT_bisect);
	bool against = opt_given(c, OPT_against);
	if (train && (bisect || against))
		return cli_usage(c, "leave one of them out",
				 "--train goes neither with --bisect nor with --against");
	if (train && *opt_text(c, OPT_train))
		return cli_usage(c, "--batch N says of how many rows the step is",
				 "verify --train takes no value");
	if (train)
		training_defaults(c);
	if (!tolerance_read(c, &v->tolerance) || !opt_int(c, OPT_inputs, 1, 1000000, &v->sets))
		return EXIT_USAGE;
	if (!opt_given(c, OPT_rtol))
		choose_coarse(v, train);
	return given_read(c, &v->given);
}

static int load(Verify *v)
{
	Cli *c = v->c;
	bool train = opt_given(c, OPT_train);
	int rc = train ? model_load_as(c, c->arg.at[0], training_step, &v->given, &v->m)
		       : model_load(c, c->arg.at[0], &v->given, &v->m);
	if (rc)
		return rc;
	v->got = v->m.out;
	v->n_got = v->m.n_out;
	v->reference = expand_macros(v->m.compiled, v->m.graph->arena);
	if (!v->reference)
		return cli_diagnostics(c, v->m.graph->ctx->diag);
	return train ? training_begin(v) : EXIT_YES;
}

static int verify(Verify *v)
{
	Cli *c = v->c;
	int rc = read_options(v);
	rc = rc ? rc : load(v);
	rc = rc ? rc : options_had_effect(c, NULL);
	rc = rc ? rc : compare_sets(v);
	json_key_bool(c, "ok", rc == EXIT_YES);
	if (rc == EXIT_NO && opt_given(c, OPT_bisect)) {
		int found = verify_bisect(v);
		return found ? found : rc;
	}
	return rc;
}

int verb_verify(Cli *c)
{
	Verify v = { .c = c, .sets = 3, .bad_output = -1 };
	json_key_text(c, "file", c->arg.at[0]);
	int rc = verify(&v);
	model_close(&v.m);
	return rc;
}
