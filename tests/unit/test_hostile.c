/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Broken files: every file of tests/hostile is read, and must give the error that its name begins
 * with, or be read when it is called ok-... A crash, a hang or a sanitizer's report fails the test
 * by itself.
 *
 * What is said of each file, sentence for sentence and with its place, stands in
 * tests/hostile/messages.txt. `test_hostile --update` writes that file anew: read the difference. */
#include "base/io.h"
#include "frontend/frontend.h"
#include "tests/unit/check.h"
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define MESSAGES "messages.txt"

typedef struct Case {
	Context *c;
	Arena *arena;
	const char *path;
} Case;

/* true: read without an error */
typedef bool ReadFn(Case *k);

static bool read_model(Case *k)
{
	ReadOptions o = { .shapes_only = false, .weights = "random" };
	WeightSet *weights;
	ElemList *list = read_elements(k->c, k->arena, k->path, &o, &weights);
	bool ok = list && build_graph(k->c, k->arena, list, weights, &o);
	weights_close(weights);
	return ok;
}

static bool read_weights(Case *k)
{
	WeightSet *w = weights_open(k->c, k->arena, k->path, (Loc){ .file = k->path });
	weights_close(w);
	return w != NULL;
}

static bool has_code(const Diag *d, const char *code)
{
	for (int i = 0; i < diag_count(d); i++) {
		const DiagEntry *e = diag_at(d, i);
		if (e->severity == SEV_ERROR && str_eq(diag_code_name(e->code), code))
			return true;
	}
	return false;
}

static bool as_expected(Case *k, const char *name, ReadFn *read)
{
	bool ok = read(k);
	const Diag *d = k->c->diag;
	if (str_starts(name, "ok-"))
		return ok && diag_errors(d) == 0;
	char code[6] = { 0 };
	memcpy(code, name, 5);
	return !ok && diag_errors(d) > 0 && has_code(d, code);
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* --- what is said ----------------------------------------------------------------------------- */

/* Bytes that are not printable ASCII as \xNN, so that the file is text whatever a message quotes. */
static void add_plain(Str *s, const char *text)
{
	for (; *text; text++)
		if (*text >= ' ' && *text <= '~')
			str_char(s, *text);
		else
			str_fmt(s, "\\x%02x", (unsigned char)*text);
}

static void add_entry(Str *s, const DiagEntry *e)
{
	static const char *const severity[] = { "error", "warning", "note" };
	str_add(s, "  ");
	if (e->loc.line)
		str_fmt(s, "%d:%d+%d ", e->loc.line, e->loc.col, e->loc.len);
	else if (e->loc.col)
		str_fmt(s, "node %d ", e->loc.col);
	if (e->severity == SEV_NOTE)
		str_add(s, "note: ");
	else
		str_fmt(s, "%s[%s]: ", severity[e->severity], diag_code_name(e->code));
	add_plain(s, e->message);
	str_char(s, '\n');
	if (!e->hint)
		return;
	str_add(s, "      | ");
	add_plain(s, e->hint);
	str_char(s, '\n');
}

static void add_messages(Str *s, const char *path, const Diag *d)
{
	enum { SHOWN = 8 };
	str_fmt(s, "%s\n", path);
	for (int i = 0; i < diag_count(d) && i < SHOWN; i++)
		add_entry(s, diag_at(d, i));
	if (diag_count(d) > SHOWN)
		str_fmt(s, "  ... %d more\n", diag_count(d) - SHOWN);
}

/* --- the files -------------------------------------------------------------------------------- */

static bool check_file(const char *folder, const char *name, ReadFn *read, Str *said)
{
	Case k = { .c = context_create(), .arena = arena_create() };
	k.path = path_join(k.arena, folder, name);
	bool good = as_expected(&k, name, read);
	Str text;
	str_init(&text, k.arena);
	diag_sort(k.c->diag);
	diag_print(k.c->diag, &text, 20, false); /* also must not crash */
	if (!good)
		print_error("%s: not as its name says\n%s", name, str_text(&text));
	add_messages(said, k.path, k.c->diag);
	arena_destroy(k.arena);
	context_destroy(k.c);
	return good;
}

static int check_folder(const char *folder, int at_least, ReadFn *read, Str *said)
{
	VEC(char *) names = { 0 };
	DIR *d = opendir(folder);
	assert_non_null(d);
	for (struct dirent *e; (e = readdir(d));)
		if (e->d_name[0] != '.')
			vec_push(said->arena, &names, arena_strdup(said->arena, e->d_name));
	closedir(d);
	qsort(names.at, (size_t)names.n, sizeof(char *), by_name);
	int wrong = 0;
	for (int i = 0; i < names.n; i++)
		wrong += !check_file(folder, names.at[i], read, said);
	assert_true(names.n >= at_least);
	return wrong;
}

static int read_all(Str *said)
{
	return check_folder("xml", 280, read_model, said) +
	       check_folder("onnx", 220, read_model, said) +
	       check_folder("weights", 160, read_weights, said);
}

static void each_is_refused_with_its_sentence(void **state)
{
	(void)state;
	Arena *arena = arena_create();
	Str said;
	IoText want;
	IoError e;
	str_init(&said, arena);
	assert_int_equal(read_all(&said), 0);
	assert_true(io_read(MESSAGES, arena, 1 << 26, &want, &e));
	if (!str_eq(want.at, str_text(&said))) {
		const char *got = BURIN_BUILD_DIR "/hostile-messages.txt";
		assert_true(io_write_file(got, str_text(&said), said.n, &e));
		if (system("diff -u " MESSAGES " " BURIN_BUILD_DIR "/hostile-messages.txt") == 0)
			print_message("(no difference by diff)\n");
		fail_msg("what is said of these files has changed: read the difference, then "
			 "`test_hostile --update`");
	}
	arena_destroy(arena);
}

static int update(void)
{
	Arena *arena = arena_create();
	Str said;
	IoError e;
	str_init(&said, arena);
	int wrong = read_all(&said);
	bool ok = io_write_file(MESSAGES, str_text(&said), said.n, &e);
	arena_destroy(arena);
	return wrong > 0 || !ok;
}

/* Paths in messages are those given: relative to the folder of the files. */
int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(each_is_refused_with_its_sentence) };
	if (chdir(BURIN_SOURCE_DIR "/tests/hostile") != 0)
		return 2;
	if (argc == 2 && str_eq(argv[1], "--update"))
		return update();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
