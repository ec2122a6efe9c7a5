/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The command line against the tables: one walk collects verb, options and arguments, then what was
 * collected is checked against the verb's row. Options may stand anywhere; "--" ends them. */
#include "tools/cli_help.h"
#include "base/oom.h"
#include <stdlib.h>
#include <string.h>

const VerbInfo verb_info[VERB_COUNT] = {
#define VERB(name, least, most, args, summary, text) \
	[VERB_##name] = { #name, args, summary, text, verb_##name, least, most },
#include "tools/verbs.def"
#undef VERB
};

const OptInfo opt_info[OPT_COUNT] = {
#define OPTION(id, name, letter, arg, key, def, verbs, help) \
	[OPT_##id] = { name, letter, arg, key, def, verbs, help },
#include "tools/options.def"
#undef OPTION
};

/* --- names ------------------------------------------------------------------------------------ */

bool verb_find(const char *name, VerbId *out)
{
	for (int i = 0; i < VERB_COUNT; i++)
		if (str_eq(name, verb_info[i].name)) {
			*out = (VerbId)i;
			return true;
		}
	return false;
}

const char *verb_nearest(const char *name)
{
	const char *names[VERB_COUNT];
	for (int i = 0; i < VERB_COUNT; i++)
		names[i] = verb_info[i].name;
	return nearest_name(name, names, VERB_COUNT);
}

static bool find_long(const char *name, size_t n, OptId *out)
{
	for (int i = 0; i < OPT_COUNT; i++)
		if (strlen(opt_info[i].name) == n && memcmp(opt_info[i].name, name, n) == 0) {
			*out = (OptId)i;
			return true;
		}
	return false;
}

static bool find_letter(char letter, OptId *out)
{
	for (int i = 0; i < OPT_COUNT; i++)
		if (letter && opt_info[i].letter == letter) {
			*out = (OptId)i;
			return true;
		}
	return false;
}

static bool is_for(OptId o, int verb)
{
	return verb < 0 || (opt_info[o].verbs >> verb & 1) != 0;
}

/* Nearest among the options of the verb, when there is one. */
static const char *nearest_option(Cli *c, const char *name, int verb)
{
	const char *names[OPT_COUNT];
	int n = 0;
	for (int i = 0; i < OPT_COUNT; i++)
		if (is_for((OptId)i, verb))
			names[n++] = opt_info[i].name;
	const char *near = nearest_name(name, names, n);
	return near ? arena_printf(c->arena, "did you mean '--%s'?", near) : NULL;
}

bool opt_takes_file(OptId o)
{
	return strstr(opt_info[o].arg, "FILE") != NULL || o == OPT_weights || o == OPT_linker;
}

/* --- the walk --------------------------------------------------------------------------------- */

typedef struct Walk {
	Cli *c;
	char **arg;
	int n, at;
	const char *verb;
	VEC(const char *) used; /* options as written, for the check against the verb */
	VEC(OptId) used_id;
} Walk;

static void add_value(Walk *w, OptId o, const char *as_written, const char *value)
{
	vec_push(w->c->arena, &w->c->value[o], value);
	vec_push(w->c->arena, &w->used, as_written);
	vec_push(w->c->arena, &w->used_id, o);
}

static bool lacks_value(Walk *w, const char *name, OptId o)
{
	cli_usage(w->c, NULL, "%s needs a value: %s", name, opt_info[o].arg);
	return false;
}

static bool take_long(Walk *w, const char *arg)
{
	Arena *a = w->c->arena;
	const char *name = arg + 2, *value = strchr(name, '=');
	size_t n = value ? (size_t)(value++ - name) : strlen(name);
	const char *written = arena_printf(a, "--%.*s", (int)n, name);
	OptId o;
	if (!find_long(name, n, &o)) {
		VerbId verb;
		bool known = w->verb && verb_find(w->verb, &verb);
		cli_usage(w->c,
			  nearest_option(w->c, arena_strndup(a, name, n), known ? (int)verb : -1),
			  "unknown option '%.80s'", written);
		return false;
	}
	const char *wants = opt_info[o].arg;
	if (!*wants && value) {
		cli_usage(w->c, NULL, "%s takes no value", written);
		return false;
	}
	if (*wants && *wants != '[' && !value) {
		if (w->at + 1 >= w->n)
			return lacks_value(w, written, o);
		value = w->arg[++w->at];
	}
	add_value(w, o, written, value ? value : "");
	return true;
}

/* -v, -vv, -oFILE, -o FILE */
static bool take_letters(Walk *w, const char *arg)
{
	for (const char *p = arg + 1; *p; p++) {
		OptId o;
		const char *written = arena_printf(w->c->arena, "-%c", *p);
		if (!find_letter(*p, &o)) {
			cli_usage(w->c, "long options begin with two dashes",
				  "unknown option '%.80s'", arg);
			return false;
		}
		if (!*opt_info[o].arg) {
			add_value(w, o, written, "");
			continue;
		}
		const char *value = p[1] ? p + 1 : w->at + 1 < w->n ? w->arg[++w->at] : NULL;
		if (!value)
			return lacks_value(w, written, o);
		add_value(w, o, written, value);
		return true;
	}
	return true;
}

static bool walk(Walk *w)
{
	bool options = true;
	for (w->at = 1; w->at < w->n; w->at++) {
		const char *arg = w->arg[w->at];
		if (options && str_eq(arg, "--")) {
			options = false;
		} else if (options && str_starts(arg, "--")) {
			if (!take_long(w, arg))
				return false;
		} else if (options && arg[0] == '-' && arg[1]) {
			if (!take_letters(w, arg))
				return false;
		} else if (!w->verb) {
			w->verb = arg;
		} else {
			vec_push(w->c->arena, &w->c->arg, arg);
		}
	}
	return true;
}

/* --- checks ----------------------------------------------------------------------------------- */

static bool choose_verb(Walk *w)
{
	Cli *c = w->c;
	if (!w->verb && opt_given(c, OPT_version)) {
		c->verb = VERB_version;
		return true;
	}
	if (!w->verb && opt_given(c, OPT_help)) {
		c->verb = VERB_help;
		c->value[OPT_help].n = 0;
		return true;
	}
	if (!w->verb) {
		cli_usage(c, "`burin help` lists the verbs", "a verb is missing");
		return false;
	}
	if (verb_find(w->verb, &c->verb))
		return true;
	const char *near = verb_nearest(w->verb);
	cli_usage(c,
		  near ? arena_printf(c->arena, "did you mean '%s'?", near)
		       : "`burin help` lists the verbs",
		  "there is no verb '%.80s'", w->verb);
	return false;
}

static bool check_for_verb(Walk *w)
{
	Cli *c = w->c;
	const VerbInfo *v = &verb_info[c->verb];
	for (int i = 0; i < w->used.n; i++)
		if (!is_for(w->used_id.at[i], (int)c->verb)) {
			cli_usage(c,
				  arena_printf(c->arena, "`burin help %s` lists its options",
					       v->name),
				  "%s is not an option of '%s'", w->used.at[i], v->name);
			return false;
		}
	if (opt_given(c, OPT_help))
		return true;
	bool many = v->max_args >= 0 && c->arg.n > v->max_args;
	if (c->arg.n >= v->min_args && !many)
		return true;
	cli_usage(c, arena_printf(c->arena, "usage: burin %s %s", v->name, v->args),
		  many ? "too many arguments: '%s'" : "'%s' lacks an argument",
		  many ? c->arg.at[v->max_args] : v->name);
	return false;
}

/* NAME=VALUE of --set and --bind; where the value goes is the key's beginning. */
static bool set_pair(Cli *c, OptId o, const char *prefix, const char *pair)
{
	const char *equals = strchr(pair, '=');
	burin_error e = { .size = sizeof e };
	if (!equals || equals == pair) {
		cli_usage(c, NULL, "--%s %.80s: NAME=VALUE is wanted", opt_info[o].name, pair);
		return false;
	}
	const char *key = arena_printf(c->arena, "%s%.*s", prefix, (int)(equals - pair), pair);
	GivenSetting given = { .key = key, .by = o };
	given.written = o == OPT_bind || o == OPT_set
				? arena_printf(c->arena, "--%s %.*s", opt_info[o].name,
					       (int)(equals - pair), pair)
				: arena_printf(c->arena, "--%s", opt_info[o].name);
	vec_push(c->arena, &c->given, given);
	burin_status s = burin_opts_set(c->opts, key, equals + 1, &e);
	if (s == BURIN_E_MEMORY)
		oom_raise();
	if (s == BURIN_OK)
		return true;
	cli_usage(c, *e.hint ? e.hint : NULL, "%s", e.message);
	return false;
}

void cli_option(Cli *c, const char *key, const char *value)
{
	burin_error e = { .size = sizeof e };
	burin_status s = burin_opts_set(c->opts, key, value, &e);
	if (s == BURIN_E_MEMORY)
		oom_raise();
	if (s != BURIN_OK) /* too long, made of many */
		exit(cli_usage(c, NULL, "%s", e.message));
}

/* One option, two meanings: a file, or where the packed weights of an artefact go. */
static bool set_weights(Cli *c, const char *value)
{
	bool place = str_eq(value, "embed") || str_eq(value, "beside");
	if (place && c->verb != VERB_compile) {
		cli_usage(c, NULL, "--weights=%s is for 'compile'", value);
		return false;
	}
	return set_pair(
		c, OPT_weights, "",
		arena_printf(c->arena, "%s=%s", place ? "weights" : "model-weights", value));
}

static bool check_key(Cli *c, const char *pair)
{
	const char *key = arena_strndup(c->arena, pair, strcspn(pair, "="));
	const char *wrong = setting_error(c->arena, key);
	if (wrong)
		cli_usage(c, wrong, "--set: there is no option '%.80s'", key);
	return !wrong;
}

static const char *last_value(const Cli *c, OptId o)
{
	return c->value[o].n ? c->value[o].at[c->value[o].n - 1] : NULL;
}

static bool set_library_options(Cli *c)
{
	for (int i = 0; i < c->value[OPT_weights].n; i++)
		if (!set_weights(c, c->value[OPT_weights].at[i]))
			return false;
	if (opt_given(c, OPT_fresh) && c->verb != VERB_train && !opt_given(c, OPT_train)) {
		cli_usage(c, NULL, "--fresh has no effect without --train");
		return false;
	}
	for (int o = 0; o < OPT_COUNT; o++) {
		const char *value = last_value(c, (OptId)o);
		if (opt_info[o].key && value &&
		    !set_pair(c, (OptId)o, "",
			      arena_printf(c->arena, "%s=%s", opt_info[o].key, value)))
			return false;
	}
	for (int i = 0; i < c->value[OPT_bind].n; i++)
		if (!set_pair(c, OPT_bind, "bind.", c->value[OPT_bind].at[i]))
			return false;
	for (int i = 0; i < c->value[OPT_set].n; i++)
		if (!check_key(c, c->value[OPT_set].at[i]) ||
		    !set_pair(c, OPT_set, "", c->value[OPT_set].at[i]))
			return false;
	return true;
}

/* "auto|line|plain": the value must be one of the words. */
static bool check_choices(Cli *c)
{
	for (int o = 0; o < OPT_COUNT; o++) {
		const char *value = last_value(c, (OptId)o), *at = opt_info[o].arg;
		bool found = !value || !strchr(at, '|');
		while (!found && *at) {
			size_t n = strcspn(at, "|");
			found = strlen(value) == n && memcmp(at, value, n) == 0;
			at += n + (at[n] == '|');
		}
		if (!found) {
			cli_usage(c, arena_printf(c->arena, "one of %s", opt_info[o].arg),
				  "--%s: '%.80s' is not a choice", opt_info[o].name, value);
			return false;
		}
	}
	return true;
}

bool cli_parse(Cli *c, int argc, char **argv)
{
	Walk w = { .c = c, .arg = argv, .n = argc };
	int64_t seed = 7;
	c->asked = ARENA_ARRAY(c->arena, bool, OPT_COUNT);
	if (!walk(&w) || !choose_verb(&w) || !check_for_verb(&w) || !check_choices(c) ||
	    !set_library_options(c) || !opt_int(c, OPT_seed, 0, INT64_MAX, &seed))
		return false;
	c->seed = (uint64_t)seed;
	c->asked[OPT_seed] = false;
	return true;
}

/* --- values ----------------------------------------------------------------------------------- */

const Texts *opt_all(const Cli *c, OptId o)
{
	c->asked[o] = true;
	return &c->value[o];
}

bool opt_given(const Cli *c, OptId o)
{
	return opt_all(c, o)->n > 0;
}

const char *opt_text(const Cli *c, OptId o)
{
	opt_all(c, o);
	return last_value(c, o);
}

uint64_t cli_seed(const Cli *c)
{
	opt_all(c, OPT_seed);
	return c->seed;
}

bool opt_int(Cli *c, OptId o, int64_t least, int64_t most, int64_t *out)
{
	const char *text = opt_text(c, o);
	int64_t v;
	if (!text)
		return true;
	if (parse_i64(text, strlen(text), &v) && v >= least && v <= most) {
		*out = v;
		return true;
	}
	cli_usage(c, NULL, "--%s: '%.40s' is not a whole number from %lld on", opt_info[o].name,
		  text, (long long)least);
	return false;
}

bool opt_real(Cli *c, OptId o, double *out)
{
	const char *text = opt_text(c, o);
	double v;
	if (!text)
		return true;
	size_t n = strlen(text);
	bool percent = n > 1 && text[n - 1] == '%';
	if (parse_f64(text, n - percent, &v) && v >= 0 && v < 1e300) {
		*out = percent ? v / 100 : v;
		return true;
	}
	cli_usage(c, NULL, "--%s: '%.40s' is not a number from 0 on", opt_info[o].name, text);
	return false;
}
