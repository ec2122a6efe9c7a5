/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* An option without effect is refused. Nothing lists which verb reads which option on which kind of
 * file: each option remembers whether it was asked for, and what was given but not asked for is an
 * error. So somebody who times a compiled file with --mcpu hears that the file has its CPU. */
#include "tools/cli_model.h"

static bool had_effect(const Cli *c, const GivenSetting *g)
{
	bool own = g->by != OPT_set && g->by != OPT_bind;
	return opts_was_read(c->opts, g->key) || (own && c->asked[g->by]);
}

static int refuse(Cli *c, const GivenSetting *g, const char *file)
{
	const char *when = setting_find(g->key)->when;
	if (file && is_compiled_file(file))
		return cli_usage(
			c,
			arena_printf(c->arena,
				     "the file is compiled already; the option has an effect "
				     "when %s",
				     when),
			"%s has no effect on '%s'", g->written, file);
	return cli_usage(c, arena_printf(c->arena, "it has an effect when %s", when),
			 "%s has no effect here", g->written);
}

/* An option of the command's own; those with a key are checked as the library's. */
static bool is_own(int o)
{
	return !opt_info[o].key && o != OPT_set && o != OPT_bind && o != OPT_weights;
}

int options_had_effect(Cli *c, const char *file)
{
	for (int i = 0; i < c->given.n; i++)
		if (!had_effect(c, &c->given.at[i]))
			return refuse(c, &c->given.at[i], file);
	for (int o = 0; o < OPT_COUNT; o++)
		if (c->value[o].n && is_own(o) && !c->asked[o])
			return cli_usage(c,
					 arena_printf(c->arena,
						      "`burin help %s` says when it has one",
						      verb_info[c->verb].name),
					 "--%s has no effect here", opt_info[o].name);
	return EXIT_YES;
}
