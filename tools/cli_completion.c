/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Completion scripts. Each knows the verbs, the options of each verb, and the words that an option
 * takes; everything else is completed as a file. */
#include "tools/cli_help.h"
#include <string.h>

static bool has_words(OptId o)
{
	return strchr(opt_info[o].arg, '|') != NULL;
}

/* "a|b|c" with blanks. */
static const char *words_of(Arena *a, OptId o)
{
	char *text = arena_strdup(a, opt_info[o].arg);
	for (char *p = text; *p; p++)
		*p = *p == '|' ? ' ' : *p;
	return text;
}

/* --- bash ------------------------------------------------------------------------------------- */

static void add_bash_options(Str *s, VerbId v)
{
	str_fmt(s, "\t%s) words=\"", verb_info[v].name);
	for (int o = 0; o < OPT_COUNT; o++)
		if (option_is_for((OptId)o, v))
			str_fmt(s, "--%s ", opt_info[o].name);
	str_add(s, "\" ;;\n");
}

static void add_verb_names(Str *s)
{
	for (int v = 0; v < VERB_COUNT; v++)
		str_fmt(s, v ? " %s" : "%s", verb_info[v].name);
}

static void write_bash(Str *s)
{
	str_add(s, "# bash completion for burin; made by `burin help --completion bash`\n"
		   "_burin()\n{\n"
		   "\tlocal cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} words i "
		   "verb=\n"
		   "\tfor ((i = 1; i < COMP_CWORD; i++)); do\n"
		   "\t\t[[ ${COMP_WORDS[i]} == -* ]] || { verb=${COMP_WORDS[i]}; break; }\n"
		   "\tdone\n"
		   "\tCOMPREPLY=()\n"
		   "\tif [[ $prev == = ]]; then prev=${COMP_WORDS[COMP_CWORD-2]}; fi\n"
		   "\tif [[ $cur == = ]]; then cur=; fi\n"
		   "\tcase $prev in\n");
	for (int o = 0; o < OPT_COUNT; o++)
		if (has_words((OptId)o))
			str_fmt(s,
				"\t--%s) COMPREPLY=($(compgen -W \"%s\" -- \"$cur\")); return ;;\n",
				opt_info[o].name, words_of(s->arena, (OptId)o));
	str_add(s, "\tesac\n\tif [[ -z $verb ]]; then\n\t\tCOMPREPLY=($(compgen -W \"");
	add_verb_names(s);
	str_add(s, "\" -- \"$cur\"))\n\t\treturn\n\tfi\n\tcase $verb in\n");
	for (int v = 0; v < VERB_COUNT; v++)
		add_bash_options(s, (VerbId)v);
	str_add(s, "\tesac\n"
		   "\tif [[ $cur == -* ]]; then\n"
		   "\t\tCOMPREPLY=($(compgen -W \"$words\" -- \"$cur\"))\n"
		   "\telse\n"
		   "\t\tcompopt -o filenames 2>/dev/null\n"
		   "\t\tCOMPREPLY=($(compgen -f -- \"$cur\"))\n"
		   "\tfi\n}\n"
		   "complete -F _burin burin\n");
}

/* --- zsh -------------------------------------------------------------------------------------- */

/* Inside '...' and inside [...] of _arguments. */
static const char *zsh_text(Arena *a, const char *text)
{
	Str s;
	str_init(&s, a);
	for (; *text; text++)
		switch (*text) {
		case '\'': str_add(&s, "'\\''"); break;
		case '[': str_add(&s, "\\["); break;
		case ']': str_add(&s, "\\]"); break;
		case ':': str_add(&s, "\\:"); break;
		default: str_char(&s, *text);
		}
	return str_text(&s);
}

static void add_zsh_option(Str *s, OptId o)
{
	const OptInfo *i = &opt_info[o];
	const char *help = zsh_text(s->arena, i->help);
	const char *value = !*i->arg ? ""
			    : has_words(o)
				    ? arena_printf(s->arena, ":value:(%s)", words_of(s->arena, o))
			    : opt_takes_file(o) ? ":file:_files"
						: ":value:";
	const char *mark = !*i->arg ? "" : *i->arg == '[' ? "=-" : "=";
	str_fmt(s, "\t\t'*--%s%s[%s]%s' \\\n", i->name, mark, help, value);
	if (i->letter)
		str_fmt(s, "\t\t'*-%c%s[%s]%s' \\\n", i->letter, *i->arg ? "+" : "", help, value);
}

static void write_zsh(Str *s)
{
	str_add(s, "#compdef burin\n# made by `burin help --completion zsh`\n"
		   "_burin() {\n\tlocal -a verbs\n\tverbs=(\n");
	for (int v = 0; v < VERB_COUNT; v++)
		str_fmt(s, "\t\t'%s:%s'\n", verb_info[v].name,
			zsh_text(s->arena, verb_info[v].summary));
	str_add(s, "\t)\n\tif (( CURRENT == 2 )); then _describe verb verbs; return; fi\n"
		   "\tlocal verb=$words[2]\n\tshift words; (( CURRENT-- ))\n\tcase $verb in\n");
	for (int v = 0; v < VERB_COUNT; v++) {
		str_fmt(s, "\t%s) _arguments -s \\\n", verb_info[v].name);
		for (int o = 0; o < OPT_COUNT; o++)
			if (option_is_for((OptId)o, (VerbId)v))
				add_zsh_option(s, (OptId)o);
		str_add(s, "\t\t'*:file:_files' ;;\n");
	}
	str_add(s, "\tesac\n}\n_burin \"$@\"\n");
}

/* --- fish ------------------------------------------------------------------------------------- */

static const char *fish_text(Arena *a, const char *text)
{
	Str s;
	str_init(&s, a);
	for (; *text; text++)
		str_fmt(&s, *text == '\'' || *text == '\\' ? "\\%c" : "%c", *text);
	return str_text(&s);
}

static void add_fish_option(Str *s, OptId o)
{
	const OptInfo *i = &opt_info[o];
	str_add(s, "complete -c burin");
	if (!option_is_common(o)) {
		str_add(s, " -n '__fish_seen_subcommand_from");
		for (int v = 0; v < VERB_COUNT; v++)
			if (option_is_for(o, (VerbId)v))
				str_fmt(s, " %s", verb_info[v].name);
		str_char(s, '\'');
	}
	str_fmt(s, " -l %s", i->name);
	if (i->letter)
		str_fmt(s, " -s %c", i->letter);
	if (has_words(o))
		str_fmt(s, " -x -a '%s'", words_of(s->arena, o));
	else if (*i->arg && *i->arg != '[')
		str_add(s, opt_takes_file(o) ? " -r -F" : " -x");
	str_fmt(s, " -d '%s'\n", fish_text(s->arena, i->help));
}

static void write_fish(Str *s)
{
	str_add(s, "# made by `burin help --completion fish`\n");
	for (int v = 0; v < VERB_COUNT; v++)
		str_fmt(s, "complete -c burin -n __fish_use_subcommand -f -a %s -d '%s'\n",
			verb_info[v].name, fish_text(s->arena, verb_info[v].summary));
	for (int o = 0; o < OPT_COUNT; o++)
		add_fish_option(s, (OptId)o);
}

bool completion_write(Str *out, const char *shell)
{
	if (str_eq(shell, "bash"))
		write_bash(out);
	else if (str_eq(shell, "zsh"))
		write_zsh(out);
	else if (str_eq(shell, "fish"))
		write_fish(out);
	else
		return false;
	return true;
}
