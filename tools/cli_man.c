/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The manual page, in roff. */
#include "tools/cli_help.h"
#include <string.h>

/* A line that begins with a dot or a quote would be a request; '-' is a minus only when escaped. */
static void add_text(Str *s, const char *text)
{
	if (*text == '.' || *text == '\'')
		str_add(s, "\\&");
	for (; *text; text++)
		switch (*text) {
		case '\\': str_add(s, "\\e"); break;
		case '-': str_add(s, "\\-"); break;
		case '\n': str_add(s, *(text + 1) == '.' ? "\n\\&" : "\n"); break;
		default: str_char(s, *text);
		}
}

static void add_item(Str *s, const char *name, const char *text)
{
	str_add(s, ".TP\n.B ");
	add_text(s, name);
	str_char(s, '\n');
	add_text(s, text);
	str_char(s, '\n');
}

static void add_option(Str *s, OptId o)
{
	const OptInfo *i = &opt_info[o];
	add_item(s, option_synopsis(s->arena, o),
		 *i->def ? arena_printf(s->arena, "%s (default: %s)", i->help, i->def) : i->help);
}

static void add_verb(Str *s, VerbId v)
{
	const char *example;
	str_fmt(s, ".SS burin %s ", verb_info[v].name);
	add_text(s, verb_info[v].args);
	str_char(s, '\n');
	add_text(s, verb_prose(s->arena, v));
	str_char(s, '\n');
	for (int o = 0; o < OPT_COUNT; o++)
		if (option_is_for((OptId)o, v) && !option_is_common((OptId)o))
			add_option(s, (OptId)o);
	str_add(s, ".PP\n.nf\n");
	for (int i = 0; (example = verb_example(s->arena, v, i)); i++) {
		add_text(s, example);
		str_char(s, '\n');
	}
	str_add(s, ".fi\n");
}

void man_write(Str *s)
{
	str_fmt(s, ".TH BURIN 1 \"\" \"burin %s\"\n", burin_version());
	str_add(s, ".SH NAME\nburin \\- compiles neural networks to plain C libraries\n");
	str_add(s, ".SH SYNOPSIS\n.B burin\n.I VERB\n[\\fIARGUMENT\\fR...] [\\fIOPTION\\fR...]\n");
	str_add(s, ".SH VERBS\n");
	for (int v = 0; v < VERB_COUNT; v++)
		add_verb(s, (VerbId)v);
	str_add(s, ".SH OPTIONS OF EVERY VERB\n");
	for (int o = 0; o < OPT_COUNT; o++)
		if (option_is_common((OptId)o))
			add_option(s, (OptId)o);
	str_add(s, ".SH KEYS OF \\-\\-set\n");
	for (int i = 0; setting_at(i); i++)
		add_item(s,
			 arena_printf(s->arena, "%s=%s", setting_at(i)->key, setting_at(i)->values),
			 setting_at(i)->help);
	str_add(s, ".SH EXIT STATUS\n");
	add_text(s, exit_codes);
	str_add(s, "\n.SH ENVIRONMENT\n");
	add_item(s, "BURIN_CACHE_DIR",
		 "The folder of compiled kernels; else $XDG_CACHE_HOME/burin, "
		 "else ~/.cache/burin.");
	add_item(s, "BURIN_THREADS, OMP_NUM_THREADS",
		 "Threads that run a model, unless --threads.");
	add_item(s, "BURIN_PYTHON", "The Python that has ONNX Runtime, for verify --against.");
	add_item(s, "NO_COLOR, CLICOLOR_FORCE", "No colour; colour in any case.");
}
