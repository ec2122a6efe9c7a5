/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Running the command in a folder of its own, for the tests of tools/. */
#ifndef TESTS_E2E_CLI_FIXTURE_H
#define TESTS_E2E_CLI_FIXTURE_H
#include "base/io.h"
#include "base/json.h"
#include "tests/unit/check.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define BURIN BURIN_BUILD_DIR "/burin"
#define EXAMPLES BURIN_SOURCE_DIR "/examples"
#define LENET EXAMPLES "/lenet.xml --bind N=1 --weights random:seed=1"

typedef struct Cli {
	Arena *arena;
	char folder[64];
	const char *out, *err; /* of the last command */
} Cli;

static const char *read_file(Cli *c, const char *name)
{
	IoText t;
	IoError e;
	if (!io_read(path_join(c->arena, c->folder, name), c->arena, 1 << 26, &t, &e))
		return "";
	return t.at;
}

/* A shell command in the folder, with $B for the command under test; its exit status. */
static int shell(Cli *c, const char *command)
{
	const char *line =
		arena_printf(c->arena,
			     "cd '%s' && export BURIN_CACHE_DIR='%s/cache' B='" BURIN
			     "' NO_COLOR= TERM=dumb ASAN_OPTIONS=detect_leaks=1 && { %s ; } >out "
			     "2>err </dev/null",
			     c->folder, c->folder, command);
	int status = system(line);
	c->out = read_file(c, "out");
	c->err = read_file(c, "err");
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static inline int burin(Cli *c, const char *arguments)
{
	return shell(c, arena_printf(c->arena, "$B %s", arguments));
}

static inline void say_failure(Cli *c, const char *arguments)
{
	print_message("burin %s\n--- out\n%s\n--- err\n%s\n", arguments, c->out, c->err);
}

/* Exit status and what must stand on standard output and error (NULL: anything). */
static inline void expect(Cli *c, const char *arguments, int status, const char *out,
			  const char *err)
{
	int got = burin(c, arguments);
	bool ok = got == status && (!out || strstr(c->out, out)) && (!err || strstr(c->err, err));
	if (!ok) {
		say_failure(c, arguments);
		fail_msg("status %d, expected %d with '%s' and '%s'", got, status, out ? out : "",
			 err ? err : "");
	}
}

static inline const JsonValue *parse(Cli *c, const char *text)
{
	JsonError e;
	const JsonValue *v = json_parse(c->arena, text, strlen(text), &e);
	if (!v)
		fail_msg("no JSON at byte %zu: %s\n%.500s", e.offset, e.message, text);
	return v;
}

/* Runs with --json: standard output is one document with the verb's schema and the exit code. */
static inline const JsonValue *document(Cli *c, const char *arguments, int status)
{
	char verb[32] = "";
	const char *schema = "", *line = arena_printf(c->arena, "%s --json", arguments);
	int64_t code = -1;
	sscanf(arguments, "%31s", verb);
	int got = burin(c, line);
	if (got != status) {
		say_failure(c, line);
		fail_msg("status %d, expected %d", got, status);
	}
	const JsonValue *v = parse(c, c->out);
	assert_true(json_text(json_get(v, "schema"), &schema));
	assert_string_equal(schema, arena_printf(c->arena, "burin.%s/1", verb));
	assert_true(json_int(json_get(v, "exit"), &code));
	assert_int_equal(code, status);
	return v;
}

static inline void write_text(Cli *c, const char *name, const char *text)
{
	IoError e;
	assert_true(io_write_file(path_join(c->arena, c->folder, name), text, strlen(text), &e));
}

static int set_up(void **state)
{
	Arena *a = arena_create();
	Cli *c = ARENA_NEW(a, Cli);
	c->arena = a;
	strcpy(c->folder, "/tmp/burin-test-XXXXXX");
	*state = c;
	return mkdtemp(c->folder) ? 0 : -1;
}

static int tear_down(void **state)
{
	Cli *c = *state;
	int status = system(arena_printf(c->arena, "rm -rf '%s'", c->folder));
	arena_destroy(c->arena);
	return status;
}
#endif
