/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Broken files: every file of tests/hostile is read, and must give the error that its name begins
 * with, or be read when it is called ok-... A crash, a hang or a sanitizer's report fails the test
 * by itself. */
#include "base/io.h"
#include "frontend/frontend.h"
#include "tests/unit/check.h"
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

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

static bool check_file(const char *folder, const char *name, ReadFn *read)
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
	arena_destroy(k.arena);
	context_destroy(k.c);
	return good;
}

static void check_folder(const char *folder, int at_least, ReadFn *read)
{
	Arena *arena = arena_create();
	VEC(char *) names = { 0 };
	DIR *d = opendir(folder);
	assert_non_null(d);
	for (struct dirent *e; (e = readdir(d));)
		if (e->d_name[0] != '.')
			vec_push(arena, &names, arena_strdup(arena, e->d_name));
	closedir(d);
	qsort(names.at, (size_t)names.n, sizeof(char *), by_name);
	int wrong = 0;
	for (int i = 0; i < names.n; i++)
		wrong += !check_file(folder, names.at[i], read);
	assert_true(names.n >= at_least);
	arena_destroy(arena);
	assert_int_equal(wrong, 0);
}

static void hostile_xml(void **state)
{
	(void)state;
	check_folder(BURIN_SOURCE_DIR "/tests/hostile/xml", 280, read_model);
}

static void hostile_onnx(void **state)
{
	(void)state;
	check_folder(BURIN_SOURCE_DIR "/tests/hostile/onnx", 220, read_model);
}

static void hostile_weights(void **state)
{
	(void)state;
	check_folder(BURIN_SOURCE_DIR "/tests/hostile/weights", 160, read_weights);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hostile_xml),
		cmocka_unit_test(hostile_onnx),
		cmocka_unit_test(hostile_weights),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
