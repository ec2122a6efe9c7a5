/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* What the command says, and where: text or the JSON document on standard output, everything else
 * on standard error. The document is always written along; a verb that fails leaves what it has
 * said so far, and the diagnostics are added at the end. */
#include "tools/cli.h"
#include "base/io.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* --- text ------------------------------------------------------------------------------------- */

static const char *text_of(Cli *c, const char *fmt, va_list ap)
	__attribute__((format(printf, 2, 0)));
static const char *text_of(Cli *c, const char *fmt, va_list ap)
{
	Str s;
	str_init(&s, c->arena);
	str_vfmt(&s, fmt, ap);
	return str_text(&s);
}

void cli_print(Cli *c, const char *fmt, ...)
{
	va_list ap;
	if (c->json_to_stdout)
		return;
	va_start(ap, fmt);
	const char *text = text_of(c, fmt, ap);
	va_end(ap);
	progress_wipe(c);
	fputs(text, stdout);
	fflush(stdout);
}

static void say(Cli *c, const char *text)
{
	progress_wipe(c);
	fputs(text, stderr);
	fputc('\n', stderr);
}

void cli_note(Cli *c, const char *fmt, ...)
{
	va_list ap;
	if (c->quiet)
		return;
	va_start(ap, fmt);
	say(c, text_of(c, fmt, ap));
	va_end(ap);
}

void cli_verbose(Cli *c, const char *fmt, ...)
{
	va_list ap;
	if (!c->verbose)
		return;
	va_start(ap, fmt);
	say(c, text_of(c, fmt, ap));
	va_end(ap);
}

/* --- diagnostics ------------------------------------------------------------------------------ */

static const char *severity_name(Severity s)
{
	switch (s) {
	case SEV_ERROR: return "error";
	case SEV_WARNING: return "warning";
	case SEV_NOTE: return "note";
	}
	return "";
}

static void put_text(JsonWriter *w, const char *key, const char *value)
{
	if (!value)
		return;
	json_put_key(w, key);
	json_put_text(w, value);
}

static void put_place(JsonWriter *w, const char *key, int value)
{
	if (value <= 0)
		return;
	json_put_key(w, key);
	json_put_int(w, value);
}

static void put_entry(JsonWriter *w, const DiagEntry *e)
{
	json_put_object(w);
	put_text(w, "severity", severity_name(e->severity));
	put_text(w, "code", diag_code_name(e->code));
	put_text(w, "message", e->message);
	put_text(w, "hint", e->hint);
	put_text(w, "file", e->loc.file);
	put_place(w, "line", e->loc.line);
	put_place(w, "column", e->loc.col);
	put_place(w, "length", e->loc.len);
	put_text(w, "element", e->loc.element);
	json_end(w);
}

static void keep_entry(Cli *c, const DiagEntry *e)
{
	DiagEntry copy = *e;
	copy.message = arena_strdup(c->arena, e->message);
	copy.hint = e->hint ? arena_strdup(c->arena, e->hint) : NULL;
	copy.loc.file = e->loc.file ? arena_strdup(c->arena, e->loc.file) : NULL;
	copy.loc.element = e->loc.element ? arena_strdup(c->arena, e->loc.element) : NULL;
	vec_push(c->arena, &c->said, copy);
}

static void print_as_json(const Diag *d, Str *out)
{
	for (int i = 0; i < diag_count(d); i++) {
		JsonWriter w;
		json_write(&w, out, false);
		put_entry(&w, diag_at(d, i));
		str_char(out, '\n');
	}
}

/* The library speaks of "option bind.N", the user has written "--bind N". */
static const char *as_written(Cli *c, const char *message)
{
	for (int i = 0; i < c->given.n; i++) {
		const GivenSetting *g = &c->given.at[i];
		const char *key = arena_printf(c->arena, "option %s", g->key);
		const char *at = strstr(message, key), *end = at ? at + strlen(key) : NULL;
		if (at && (*end == ':' || *end == ' '))
			message = arena_printf(c->arena, "%.*s%s%s", (int)(at - message), message,
					       g->written, end);
	}
	return message;
}

int cli_diagnostics(Cli *c, Diag *d)
{
	enum { SHOWN = 20 };
	Str out;
	diag_sort(d);
	for (int i = 0; i < diag_count(d); i++)
		if (strstr(diag_at(d, i)->message, "option "))
			diag_reword(d, i, as_written(c, diag_at(d, i)->message));
	for (int i = 0; i < diag_count(d); i++)
		keep_entry(c, diag_at(d, i));
	str_init(&out, c->arena);
	if (c->diag_json)
		print_as_json(d, &out);
	else
		diag_print(d, &out, c->verbose ? 0 : SHOWN, c->colour);
	progress_wipe(c);
	fputs(str_text(&out), stderr);
	return diag_exit_code(d);
}

static int say_error(Cli *c, DiagCode code, const char *hint, const char *message)
{
	Diag *d = diag_create(c->arena);
	diag_error(d, (Loc){ 0 }, code, "%s", message);
	if (hint)
		diag_hint(d, "%s", hint);
	return cli_diagnostics(c, d);
}

int cli_error(Cli *c, DiagCode code, const char *hint, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	const char *message = text_of(c, fmt, ap);
	va_end(ap);
	return say_error(c, code, hint, message);
}

int cli_usage(Cli *c, const char *hint, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	const char *message = text_of(c, fmt, ap);
	va_end(ap);
	say_error(c, E5001, hint, message);
	return EXIT_USAGE;
}

int cli_can_open(Cli *c, const char *path)
{
	IoError e;
	int fd = io_open(path, &e);
	if (fd < 0)
		return cli_error(c, e.code, NULL, "cannot open '%s': %s", path, e.text);
	close(fd);
	return EXIT_YES;
}

int cli_runtime_error(Cli *c, const burin_error *e)
{
	DiagCode code;
	const char *hint = *e->hint ? e->hint : NULL;
	if (!diag_code_find(arena_printf(c->arena, "E%u", e->code), &code))
		code = E7001;
	return say_error(c, code, hint, e->message);
}

void cli_warning(Cli *c, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	const char *text = text_of(c, fmt, ap);
	va_end(ap);
	if (!c->quiet)
		say(c, arena_printf(c->arena, "warning   %s", text));
}

/* --- the document ----------------------------------------------------------------------------- */

void json_key_text(Cli *c, const char *key, const char *value)
{
	json_put_key(&c->json, key);
	json_put_text(&c->json, value);
}

void json_key_int(Cli *c, const char *key, int64_t value)
{
	json_put_key(&c->json, key);
	json_put_int(&c->json, value);
}

void json_key_real(Cli *c, const char *key, double value)
{
	json_put_key(&c->json, key);
	json_put_real(&c->json, value);
}

void json_key_bool(Cli *c, const char *key, bool value)
{
	json_put_key(&c->json, key);
	json_put_bool(&c->json, value);
}

void json_key_array(Cli *c, const char *key)
{
	json_put_key(&c->json, key);
	json_put_array(&c->json);
}

void json_key_object(Cli *c, const char *key)
{
	json_put_key(&c->json, key);
	json_put_object(&c->json);
}

static bool want_colour(const Cli *c)
{
	const char *when = opt_text(c, OPT_color), *no = getenv("NO_COLOR");
	const char *force = getenv("CLICOLOR_FORCE"), *term = getenv("TERM");
	if (when && !str_eq(when, "auto"))
		return str_eq(when, "always");
	if (no && *no)
		return false;
	if (force && *force && !str_eq(force, "0"))
		return true;
	return isatty(STDERR_FILENO) && term && !str_eq(term, "dumb");
}

void cli_look_ahead(Cli *c, int argc, char **argv)
{
	for (int i = 1; i < argc && !str_eq(argv[i], "--"); i++) {
		if (str_eq(argv[i], "--json"))
			c->json_to_stdout = true;
		else if (str_starts(argv[i], "--json="))
			c->json_file = argv[i] + strlen("--json=");
		else if (str_eq(argv[i], "--diagnostics=json") ||
			 (str_eq(argv[i], "--diagnostics") && i + 1 < argc &&
			  str_eq(argv[i + 1], "json")))
			c->diag_json = true;
	}
}

void cli_begin(Cli *c, const char *verb)
{
	const char *json = opt_text(c, OPT_json), *form = opt_text(c, OPT_diagnostics);
	c->colour = want_colour(c);
	c->diag_json |= form && str_eq(form, "json");
	c->quiet = opt_given(c, OPT_quiet);
	c->verbose = opt_all(c, OPT_verbose)->n;
	if (json) {
		c->json_to_stdout = !*json;
		c->json_file = *json ? json : NULL;
	}
	progress_begin(c);
	str_init(&c->document, c->arena);
	json_write(&c->json, &c->document, true);
	json_put_object(&c->json);
	json_key_text(c, "schema", arena_printf(c->arena, "burin.%s/1", verb));
	json_key_text(c, "tool", burin_version());
}

static void end_document(Cli *c, int exit_code)
{
	JsonWriter *w = &c->json;
	if (w->keyed)
		json_put_null(w);
	while (w->depth > 1)
		json_end(w);
	json_key_array(c, "diagnostics");
	for (int i = 0; i < c->said.n; i++)
		put_entry(w, &c->said.at[i]);
	json_end(w);
	json_key_int(c, "exit", exit_code);
	json_end(w);
	str_char(&c->document, '\n');
}

int cli_finish(Cli *c, int exit_code)
{
	IoError e;
	progress_wipe(c);
	if (!c->json_to_stdout && !c->json_file)
		return exit_code;
	end_document(c, exit_code);
	if (!json_done(&c->json))
		return cli_error(c, E7001, NULL, "the JSON document is broken");
	if (c->json_to_stdout)
		fputs(str_text(&c->document), stdout);
	else if (!io_write_file(c->json_file, str_text(&c->document), c->document.n, &e))
		return cli_error(c, e.code, NULL, "cannot write '%s': %s", c->json_file, e.text);
	return exit_code;
}
