/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* burin run: one run, with inputs and outputs as files. */
#include "tools/cli_model.h"
#include <math.h>

static const Tensor *find_output(Cli *c, const Model *m, const char *name)
{
	const char **names = ARENA_ARRAY(c->arena, const char *, m->n_out + 1);
	for (int i = 0; i < m->n_out; i++) {
		if (str_eq(m->out[i].name, name))
			return &m->out[i];
		names[i] = m->out[i].name;
	}
	const char *near = nearest_name(name, names, m->n_out);
	if (!near && m->n_out)
		near = names[0];
	cli_error(c, E6001, near ? arena_printf(c->arena, "did you mean '%s'?", near) : NULL,
		  "the model has no output '%s'", name);
	return NULL;
}

static int write_outputs(Cli *c, const Model *m, const Texts *outputs)
{
	cli_hold_interrupts();
	for (int i = 0; i < outputs->n; i++) {
		const char *name, *file;
		if (!named_file(c, OPT_output, outputs->at[i], &name, &file))
			return EXIT_USAGE;
		const Tensor *t = find_output(c, m, name);
		if (!t)
			return EXIT_INPUT;
		if (!npy_write(c->ctx, file, t->type, t->data))
			return cli_diagnostics(c, c->ctx->diag);
		cli_note(c, "wrote     %s", file);
	}
	return EXIT_YES;
}

static int expect_one(Cli *c, const Model *m, const char *text, Tolerance tolerance)
{
	const char *name, *file;
	if (!named_file(c, OPT_expect, text, &name, &file))
		return EXIT_USAGE;
	const Tensor *t = find_output(c, m, name);
	const Blob *want = t ? npy_read(c->ctx, c->ctx->arena, file) : NULL;
	if (!want)
		return t ? cli_diagnostics(c, c->ctx->diag) : EXIT_INPUT;
	if (want->type != t->type) {
		Str s;
		str_init(&s, c->arena);
		type_print(&s, t->type);
		str_add(&s, ", expected ");
		type_print(&s, want->type);
		cli_print(c, "output    '%s'  is %s  FAIL\n", name, str_text(&s));
		json_put_object(&c->json);
		json_key_text(c, "name", name);
		json_key_bool(c, "ok", false);
		json_end(&c->json);
		return EXIT_NO;
	}
	EvalTensor e = eval_from_data(c->arena, want->type, want->data);
	Difference d = tensor_difference(t, &e, tolerance_for(tolerance, t->type->dtype, NULL));
	difference_report(c, "output", name, t, &d);
	return d.bad ? EXIT_NO : EXIT_YES;
}

static int check_expected(Cli *c, const Model *m, Tolerance tolerance)
{
	const Texts *expected = opt_all(c, OPT_expect);
	int rc = EXIT_YES;
	json_key_array(c, "compared");
	for (int i = 0; i < expected->n; i++) {
		int one = expect_one(c, m, expected->at[i], tolerance);
		if (one > EXIT_NO)
			return one;
		rc = rc ? rc : one;
	}
	json_end(&c->json);
	return rc;
}

/* --- what came out ---------------------------------------------------------------------------- */

static double element(const Tensor *t, int64_t i)
{
	return dtype_is_float(t->type->dtype) ? load_f64(t->type->dtype, t->data, i)
					      : (double)load_i64(t->type->dtype, t->data, i);
}

typedef struct Summary {
	double least, most, mean;
	int64_t nan;
} Summary;

static Summary summarise(const Tensor *t)
{
	Summary s = { INFINITY, -INFINITY, 0, 0 };
	double sum = 0;
	for (int64_t i = 0; i < t->type->count; i++) {
		double v = element(t, i);
		s.nan += isnan(v);
		s.least = v < s.least ? v : s.least;
		s.most = v > s.most ? v : s.most;
		sum += v;
	}
	s.mean = t->type->count ? sum / (double)t->type->count : 0;
	return s;
}

static void print_output(Cli *c, const Tensor *t)
{
	enum { SHOWN = 8 };
	Summary s = summarise(t);
	Str text;
	str_init(&text, c->arena);
	str_fmt(&text, "%s ", t->name);
	type_print(&text, t->type);
	str_fmt(&text, "  min %.6g  max %.6g  mean %.6g", s.least, s.most, s.mean);
	if (s.nan)
		str_fmt(&text, "  NaN in %lld", (long long)s.nan);
	str_add(&text, "\n ");
	for (int64_t i = 0; i < t->type->count && i < SHOWN; i++)
		str_fmt(&text, " %s",
			text_element(c->arena, t->type->dtype, num_load(t->type->dtype, t->data, i),
				     6));
	cli_print(c, "%s%s\n", str_text(&text), t->type->count > SHOWN ? " ..." : "");
	json_put_object(&c->json);
	json_key_text(c, "name", t->name);
	json_key_text(c, "type", dtype_info[t->type->dtype].name);
	json_key_text(c, "shape", text_shape(c->arena, t->type->rank, t->type->dim));
	json_key_real(c, "min", s.least);
	json_key_real(c, "max", s.most);
	json_key_real(c, "mean", s.mean);
	json_key_int(c, "nan", s.nan);
	json_end(&c->json);
}

static int run_once(Cli *c, Model *m)
{
	const Texts *outputs = opt_all(c, OPT_output);
	GivenList given = { 0 };
	Tolerance tolerance = { 0 };
	if (opt_given(c, OPT_expect) && !tolerance_read(c, &tolerance))
		return EXIT_USAGE;
	int rc = given_read(c, &given);
	if (rc == EXIT_YES)
		rc = model_load(c, c->arg.at[0], &given, m);
	if (rc == EXIT_YES)
		rc = options_had_effect(c, c->arg.at[0]);
	if (rc == EXIT_YES)
		rc = model_run(c, m);
	if (rc)
		return rc;
	json_key_array(c, "outputs");
	for (int i = 0; i < m->n_out; i++)
		print_output(c, &m->out[i]);
	json_end(&c->json);
	rc = write_outputs(c, m, outputs);
	return rc == EXIT_YES && opt_given(c, OPT_expect) ? check_expected(c, m, tolerance) : rc;
}

int verb_run(Cli *c)
{
	Model m = { 0 };
	json_key_text(c, "file", c->arg.at[0]);
	int rc = run_once(c, &m);
	model_close(&m);
	return rc;
}
