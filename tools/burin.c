/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* burin: the command. Parses, runs the verb, ends the JSON document; what the verbs do is in
 * cli_<verb>.c. */
#include "base/oom.h"
#include "codegen/codegen.h"
#include "tools/cli.h"
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* "0,2-5" into a set. */
static bool read_cpu_list(const char *text, cpu_set_t *set)
{
	CPU_ZERO(set);
	while (*text) {
		size_t n = strcspn(text, ","), dash = strcspn(text, "-,");
		int64_t first, last;
		if (!parse_i64(text, dash, &first))
			return false;
		last = first;
		if (dash < n && !parse_i64(text + dash + 1, n - dash - 1, &last))
			return false;
		if (first < 0 || last < first || last >= CPU_SETSIZE)
			return false;
		for (int64_t i = first; i <= last; i++)
			CPU_SET((size_t)i, set);
		text += n;
		if (*text && !*++text)
			return false;
	}
	return CPU_COUNT(set) > 0;
}

static int choose_cpus(Cli *c)
{
	const char *list = opt_text(c, OPT_cpus);
	cpu_set_t wanted, allowed, both;
	if (!list)
		return EXIT_YES;
	if (!read_cpu_list(list, &wanted))
		return cli_usage(c, "such as 0,2-5", "--cpus: '%.80s' is not a list of CPUs", list);
	sched_getaffinity(0, sizeof allowed, &allowed);
	CPU_AND(&both, &wanted, &allowed);
	if (!CPU_EQUAL(&both, &wanted))
		return cli_usage(c, "`burin doctor` lists the CPUs allowed",
				 "--cpus %.80s: not all of them may be used here", list);
	if (sched_setaffinity(0, sizeof wanted, &wanted) != 0)
		return cli_error(c, E1002, NULL, "--cpus %.80s: %s", list, strerror(errno));
	return EXIT_YES;
}

static int run_verb(Cli *c)
{
	if (opt_given(c, OPT_help)) {
		c->arg.n = 0;
		vec_push(c->arena, &c->arg, verb_info[c->verb].name);
		c->verb = VERB_help;
	}
	cli_begin(c, verb_info[c->verb].name);
	int rc = choose_cpus(c);
	if (rc == EXIT_YES)
		rc = verb_info[c->verb].run(c);
	if (rc == EXIT_YES && !opt_given(c, OPT_help))
		rc = options_had_effect(c, c->arg.n ? c->arg.at[0] : NULL);
	if (cli_interrupted())
		rc = EXIT_INTERRUPTED;
	return cli_finish(c, rc);
}

/* The document of a command line that says nothing to do is of no verb. */
static int usage_error(Cli *c)
{
	cli_begin(c, "usage");
	return cli_finish(c, EXIT_USAGE);
}

static int run(int argc, char **argv)
{
	Arena *arena = arena_create();
	Cli *c = ARENA_NEW(arena, Cli);
	int rc;
	c->arena = arena;
	c->ctx = context_create();
	cli_look_ahead(c, argc, argv);
	if (burin_opts_new(&c->opts, NULL) != BURIN_OK)
		oom_raise();
	rc = cli_parse(c, argc, argv) ? run_verb(c) : usage_error(c);
	burin_opts_free(c->opts);
	context_destroy(c->ctx);
	arena_destroy(arena);
	return rc;
}

/* A reader that went away, or a full disk, must not look like success. */
static int flush_output(int rc)
{
	bool bad = ferror(stdout) || fflush(stdout) != 0;
	return bad && rc == EXIT_YES ? EXIT_ENVIRONMENT : rc;
}

static const char no_memory_text[] = "burin: error[E1008]: out of memory\n";

/* In the middle of LLVM, from where there is no way back. Temporary files stay for the next
 * compilation to remove. */
static _Noreturn void leave(void)
{
	ssize_t n = write(STDERR_FILENO, no_memory_text, sizeof no_memory_text - 1);
	(void)n;
	_exit(EXIT_ENVIRONMENT);
}

int main(int argc, char **argv)
{
	OomScope scope;
	cli_signals();
	codegen_on_no_memory(leave);
	if (OOM_GUARD(&scope)) {
		int rc = run(argc, argv);
		oom_leave(&scope);
		return flush_output(rc);
	}
	fputs(no_memory_text, stderr);
	return EXIT_ENVIRONMENT;
}
