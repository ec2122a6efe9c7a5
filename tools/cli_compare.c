/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* burin compare: two documents of bench. Models are paired by the name of their file without folder
 * and suffix; when each document holds one model, these two are the pair. */
#include "tools/cli_stats.h"
#include "base/io.h"
#include <math.h>
#include <string.h>

typedef struct Entry {
	const char *name;
	Samples samples;
} Entry;
typedef VEC(Entry) EntryList;

/* --- reading ---------------------------------------------------------------------------------- */

static const char *model_name(Cli *c, const JsonValue *result)
{
	const char *file = "model";
	json_text(json_get(json_get(result, "model"), "file"), &file);
	const char *base = path_base(file);
	return arena_strndup(c->arena, base, strlen(base) - strlen(path_suffix(base)));
}

static bool add_entry(Cli *c, EntryList *out, const JsonValue *result)
{
	const JsonValue *samples = json_get(result, "samples");
	if (!samples || samples->kind != JSON_ARRAY || samples->n == 0)
		return false;
	Entry e = { .name = model_name(c, result) };
	double *at = ARENA_ARRAY(c->arena, double, samples->n);
	int n = 0;
	JSON_EACH(v, samples)
	if (!json_real(v, &at[n++]) || !(at[n - 1] > 0))
		return false;
	e.samples = samples_of(c->arena, at, n);
	vec_push(c->arena, out, e);
	return true;
}

static bool add_entries(Cli *c, EntryList *out, const JsonValue *document)
{
	const JsonValue *results = json_get(document, "results");
	if (!results)
		return add_entry(c, out, document);
	JSON_EACH(r, results)
	if (!add_entry(c, out, r))
		return false;
	return out->n > 0;
}

/* What about the machine makes the numbers doubtful. */
static void note_environment(Cli *c, const char *path, const EntryList *list,
			     const JsonValue *document)
{
	const JsonValue *governor = json_get(json_get(document, "env"), "governor");
	const char *what = "performance", *load = "0";
	double busy;
	if (governor && governor->kind == JSON_OBJECT)
		JSON_EACH(g, governor)
		{
			const char *one = "performance";
			json_text(g, &one);
			what = str_eq(one, "performance") ? what : one;
		}
	if (!str_eq(what, "performance"))
		cli_note(c, "note: %s was measured with governor '%s'", path, what);
	for (int i = 0; i < list->n; i++) {
		const char *disturbed = disturbance(c->arena, &list->at[i].samples);
		if (disturbed)
			cli_note(c, "note: %s of %s was disturbed: %s", list->at[i].name, path,
				 disturbed);
		if (list->at[i].samples.n_turn < LEAST_TURNS)
			cli_note(c,
				 "note: %s of %s was measured for less than %d turns of 60 ms, too "
				 "few for a verdict; run longer (--seconds)",
				 list->at[i].name, path, LEAST_TURNS);
	}
	json_text(json_get(json_get(document, "env"), "load"), &load);
	if (parse_f64(load, strcspn(load, " "), &busy) && busy > 0.5)
		cli_note(c, "note: %s was measured on a busy machine (load %.1f)", path, busy);
}

static int read_document(Cli *c, const char *path, EntryList *out, const JsonValue **document)
{
	enum { LARGEST = 256 << 20 };
	IoText text;
	IoError e;
	JsonError je;
	const char *schema = "";
	if (!io_read(path, c->arena, LARGEST, &text, &e))
		return cli_error(c, e.code, NULL, "cannot open '%s': %s", path, e.text);
	const JsonValue *v = json_parse(c->arena, text.at, text.n, &je);
	if (!v)
		return cli_error(c, E6002, "give what `burin bench --json=FILE` wrote",
				 "'%s' is not JSON: %s", path, je.message);
	json_text(json_get(v, "schema"), &schema);
	if (!str_eq(schema, "burin.bench/1"))
		return cli_error(c, E6002, "give what `burin bench --json=FILE` wrote",
				 "'%s' is not a measurement: its schema is '%.40s'", path, schema);
	if (!add_entries(c, out, v))
		return cli_error(c, E6002, NULL, "'%s' holds no samples", path);
	*document = v;
	return EXIT_YES;
}

/* --- comparing -------------------------------------------------------------------------------- */

static const Entry *partner(const Entry *e, const EntryList *a, const EntryList *b)
{
	for (int i = 0; i < b->n; i++)
		if (str_eq(b->at[i].name, e->name))
			return &b->at[i];
	return a->n == 1 && b->n == 1 ? &b->at[0] : NULL;
}

void ratio_json(Cli *c, const Ratio *r)
{
	json_key_real(c, "ratio", r->ratio);
	json_key_array(c, "ratio_ci95");
	json_put_real(&c->json, r->low);
	json_put_real(&c->json, r->high);
	json_end(&c->json);
	json_key_text(c, "verdict", verdict_name(r->verdict));
}

/* What is to be said of the limit: kept, exceeded, or that the times do not tell. */
static int compare_pair(Cli *c, const Entry *a, const Entry *b, double limit)
{
	Ratio r = ratio_apart(c->arena, &a->samples, &b->samples);
	int answer = limit < 0 || r.verdict == FASTER || r.verdict == NO_DIFFERENCE ? EXIT_YES
		     : r.verdict == INCONCLUSIVE                                    ? EXIT_UNDECIDED
		     : r.ratio > 1 + limit                                          ? EXIT_NO
										    : EXIT_YES;
	double old = quantile(a->samples.sorted, a->samples.n, 0.5);
	double new = quantile(b->samples.sorted, b->samples.n, 0.5);
	cli_print(c, "%-24s %11s %11s   %+6.1f %%  [%+.1f, %+.1f]   %s", a->name,
		  text_time(c->arena, old * 1e-9), text_time(c->arena, new * 1e-9),
		  100 * (r.ratio - 1), 100 * (r.low - 1), 100 * (r.high - 1),
		  verdict_name(r.verdict));
	cli_print(c, answer == EXIT_NO ? "   <-- limit %g %%\n" : "\n", 100 * limit);
	json_put_object(&c->json);
	json_key_text(c, "name", a->name);
	json_key_real(c, "old", old);
	json_key_real(c, "new", new);
	ratio_json(c, &r);
	json_key_bool(c, "over_limit", answer == EXIT_NO);
	json_end(&c->json);
	return answer;
}

static int compare_all(Cli *c, const EntryList *a, const EntryList *b, double limit)
{
	int pairs = 0;
	bool over = false, undecided = false;
	cli_print(c, "%-24s %11s %11s   %s\n", "", "old", "new", "change (95 % CI)");
	json_key_array(c, "models");
	for (int i = 0; i < a->n; i++) {
		const Entry *other = partner(&a->at[i], a, b);
		if (!other) {
			cli_note(c, "note: '%s' is in the first file only", a->at[i].name);
			continue;
		}
		pairs++;
		int answer = compare_pair(c, &a->at[i], other, limit);
		over |= answer == EXIT_NO;
		undecided |= answer == EXIT_UNDECIDED;
	}
	json_end(&c->json);
	if (!pairs)
		return cli_error(c, E6002, NULL, "the two files have no model in common");
	return over ? EXIT_NO : undecided ? EXIT_UNDECIDED : EXIT_YES;
}

int verb_compare(Cli *c)
{
	EntryList list[2] = { { 0 }, { 0 } };
	const JsonValue *document[2] = { NULL, NULL };
	double limit = -1;
	if (!opt_real(c, OPT_fail_if_slower, &limit))
		return EXIT_USAGE;
	for (int i = 0; i < 2; i++) {
		int rc = read_document(c, c->arg.at[i], &list[i], &document[i]);
		if (rc)
			return rc;
	}
	int rc = compare_all(c, &list[0], &list[1], limit);
	for (int i = 0; i < 2; i++)
		note_environment(c, c->arg.at[i], &list[i], document[i]);
	return rc;
}
