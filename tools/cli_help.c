/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* burin help: everything is printed from the tables. */
#include "tools/cli_help.h"
#include "passes/pass.h"
#include <string.h>

const char *const exit_codes =
	"0 done, or yes; 1 the answer is no (a mismatch, a regression); 2 usage; 3 bad input; "
	"4 unsupported; 5 environment (files, linker, memory); 6 compare: undecided; "
	"70 a fault of burin; 130 interrupted";

/* --- tables ----------------------------------------------------------------------------------- */

static const char *unknown_pass(Arena *a, const char *name)
{
	const char *names[PASS_COUNT];
	PassId id;
	if (pass_find(name, &id))
		return NULL;
	for (int i = 0; i < PASS_COUNT; i++)
		names[i] = pass_info[i].name;
	const char *near = nearest_name(name, names, PASS_COUNT);
	return near ? arena_printf(a, "did you mean 'passes.%s'?", near)
		    : "`burin help passes` lists the passes";
}

const char *setting_error(Arena *a, const char *key)
{
	const SettingInfo *row = setting_find(key);
	if (row)
		return str_eq(row->key, "passes.") ? unknown_pass(a, key + strlen(row->key)) : NULL;
	const char *near = setting_nearest(key);
	return near ? arena_printf(a, "did you mean '%s'?", near)
		    : "`burin help options` lists the keys";
}

bool option_is_for(OptId o, VerbId v)
{
	return opt_info[o].verbs >> v & 1;
}

bool option_is_common(OptId o)
{
	return opt_info[o].verbs == VERBS_ALL;
}

const char *option_synopsis(Arena *a, OptId o)
{
	const OptInfo *i = &opt_info[o];
	const char *arg = i->arg;
	const char *tail = !*arg         ? ""
			   : *arg == '[' ? arena_printf(a, "[=%.*s]", (int)strlen(arg) - 2, arg + 1)
					 : arena_printf(a, " %s", arg);
	return i->letter ? arena_printf(a, "-%c, --%s%s", i->letter, i->name, tail)
			 : arena_printf(a, "--%s%s", i->name, tail);
}

const char *verb_prose(Arena *a, VerbId v)
{
	const char *text = verb_info[v].text, *end = strstr(text, "$ ");
	size_t n = end ? (size_t)(end - text) : strlen(text);
	while (n && text[n - 1] == '\n')
		n--;
	return arena_strndup(a, text, n);
}

const char *verb_example(Arena *a, VerbId v, int i)
{
	const char *at = strstr(verb_info[v].text, "$ ");
	while (at && i-- > 0)
		at = strstr(at + 1, "\n$ ") ? strstr(at + 1, "\n$ ") + 1 : NULL;
	return at ? arena_strndup(a, at + 2, strcspn(at + 2, "\n")) : NULL;
}

/* --- layout ----------------------------------------------------------------------------------- */

static void add_blanks(Str *out, int n)
{
	for (int i = 0; i < n; i++)
		str_char(out, ' ');
}

void add_wrapped(Str *out, const char *text, int indent, int width)
{
	int column = indent;
	bool first = true;
	while (*text) {
		int n = (int)strcspn(text, " \n");
		if (!first && column + 1 + n > width) {
			str_char(out, '\n');
			add_blanks(out, indent);
			column = indent;
		} else if (!first) {
			str_char(out, ' ');
			column++;
		}
		str_addn(out, text, (size_t)n);
		column += n;
		first = false;
		text += n;
		text += strspn(text, " \n");
	}
}

enum { WIDTH = 100, NAME_COLUMN = 26 };

static void add_entry(Str *out, const char *name, const char *text)
{
	str_fmt(out, "  %-*s", NAME_COLUMN - 2, name);
	if ((int)strlen(name) > NAME_COLUMN - 3) {
		str_char(out, '\n');
		add_blanks(out, NAME_COLUMN);
	}
	add_wrapped(out, text, NAME_COLUMN, WIDTH);
	str_char(out, '\n');
}

static void add_option(Str *out, Arena *a, OptId o)
{
	const OptInfo *i = &opt_info[o];
	add_entry(out, option_synopsis(a, o),
		  *i->def ? arena_printf(a, "%s (default: %s)", i->help, i->def) : i->help);
}

static void add_options(Str *out, Arena *a, VerbId v, bool common)
{
	for (int o = 0; o < OPT_COUNT; o++)
		if (option_is_for((OptId)o, v) && option_is_common((OptId)o) == common)
			add_option(out, a, (OptId)o);
}

static void add_overview(Str *out, Arena *a)
{
	str_fmt(out, "burin %s: compiles neural networks to plain C libraries\n\n",
		burin_version());
	str_add(out, "usage: burin VERB [ARGUMENT...] [OPTION...]\n\n");
	for (int v = 0; v < VERB_COUNT; v++)
		add_entry(out, arena_printf(a, "%-9s%s", verb_info[v].name, verb_info[v].args),
			  verb_info[v].summary);
	str_add(out, "\nOptions of every verb:\n");
	add_options(out, a, VERB_help, true);
	str_add(out, "\nExit codes: ");
	add_wrapped(out, exit_codes, 12, WIDTH);
	str_add(out, "\n`burin help VERB` explains a verb.\n");
}

static bool has_own_options(VerbId v)
{
	for (int o = 0; o < OPT_COUNT; o++)
		if (option_is_for((OptId)o, v) && !option_is_common((OptId)o))
			return true;
	return false;
}

static void add_verb(Str *out, Arena *a, VerbId v)
{
	const char *example;
	str_fmt(out, "usage: burin %s %s [OPTION...]\n\n", verb_info[v].name, verb_info[v].args);
	str_fmt(out, "%s: %s\n", verb_info[v].name, verb_info[v].summary);
	add_wrapped(out, verb_prose(a, v), 0, WIDTH);
	if (has_own_options(v)) {
		str_add(out, "\n\nOptions:\n");
		add_options(out, a, v, false);
	} else {
		str_add(out, "\n");
	}
	str_add(out, "\nExamples:\n");
	for (int i = 0; (example = verb_example(a, v, i)); i++)
		str_fmt(out, "  %s\n", example);
	str_add(out, "\nOptions of every verb: `burin help`.\n");
}

static void add_settings(Str *out, Arena *a)
{
	str_add(out, "Keys of --set KEY=VALUE, and of burin_opts_set:\n");
	const SettingInfo *s;
	for (int i = 0; (s = setting_at(i)); i++) {
		const char *name =
			str_ends(s->key, ".") ? arena_printf(a, "%sNAME", s->key) : s->key;
		add_entry(out, name,
			  arena_printf(a, *s->def ? "%s: %s (default: %s)" : "%s: %s", s->values,
				       s->help, s->def));
	}
}

static void add_passes(Str *out)
{
	str_add(out, "Passes over the graph, in order; --set passes.NAME=off leaves one out:\n");
	for (int i = 0; i < PASS_COUNT; i++)
		add_entry(out, pass_info[i].name, pass_info[i].doc);
}

static void add_code(Str *out, DiagCode code)
{
	str_fmt(out, "%s: %s\n\n", diag_code_name(code), diag_code_title(code));
	for (const char *at = diag_code_text(code); *at;) {
		const char *end = strchrnul(at, '\n');
		char line[2000];
		size_t n =
			(size_t)(end - at) < sizeof line - 1 ? (size_t)(end - at) : sizeof line - 1;
		memcpy(line, at, n);
		line[n] = 0;
		add_wrapped(out, line, 0, WIDTH);
		str_char(out, '\n');
		at = *end ? end + 1 : end;
	}
}

/* --- the verb --------------------------------------------------------------------------------- */

static int unknown_topic(Cli *c, const char *topic)
{
	const char *names[VERB_COUNT + 2] = { "options", "passes" };
	for (int i = 0; i < VERB_COUNT; i++)
		names[i + 2] = verb_info[i].name;
	const char *near = nearest_name(topic, names, VERB_COUNT + 2);
	return cli_usage(c,
			 near ? arena_printf(c->arena, "did you mean '%s'?", near)
			      : "a verb, a code such as E2011, options, or passes",
			 "there is no help on '%.80s'", topic);
}

static int add_topic(Cli *c, Str *out, const char *topic)
{
	DiagCode code;
	VerbId verb;
	if (verb_find(topic, &verb))
		add_verb(out, c->arena, verb);
	else if (diag_code_find(topic, &code))
		add_code(out, code);
	else if (str_eq(topic, "options"))
		add_settings(out, c->arena);
	else if (str_eq(topic, "passes"))
		add_passes(out);
	else
		return unknown_topic(c, topic);
	return EXIT_YES;
}

int verb_help(Cli *c)
{
	bool man = opt_given(c, OPT_man);
	const char *shell = man ? NULL : opt_text(c, OPT_completion);
	int rc = EXIT_YES;
	Str out;
	str_init(&out, c->arena);
	if (c->arg.n && (man || shell))
		return cli_usage(c, NULL, "too many arguments: '%.80s'", c->arg.at[0]);
	if (man)
		man_write(&out);
	else if (shell)
		completion_write(&out, shell);
	else if (c->arg.n)
		rc = add_topic(c, &out, c->arg.at[0]);
	else
		add_overview(&out, c->arena);
	json_key_text(c, "text", str_text(&out));
	cli_print(c, "%s", str_text(&out));
	return rc;
}
