/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Weight files: what is written reads back bit by bit, in every format and data type, and what a
 * file may not do is refused. The broken files themselves are in tests/hostile/weights. */
#include "base/io.h"
#include "frontend/frontend.h"
#include "tests/unit/check.h"
#include "tests/unit/weight_file.h"
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct Fixture {
	Context *c;
	Arena *arena;
	char *folder;
} Fixture;

static int set_up(void **state)
{
	Fixture *f = calloc(1, sizeof *f);
	f->c = context_create();
	f->arena = arena_create();
	f->folder = arena_printf(f->arena, "%s/test_weights.XXXXXX", BURIN_BUILD_DIR);
	assert_non_null(mkdtemp(f->folder));
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	Fixture *f = *state;
	static const char *const names[] = { "w.safetensors",    "a.npy", "r.bin", "m.xml",
					     "link.safetensors", "w.npz" };
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		unlink(path_join(f->arena, f->folder, names[i]));
	rmdir(f->folder);
	arena_destroy(f->arena);
	context_destroy(f->c);
	free(f);
	return 0;
}

static const char *in_folder(Fixture *f, const char *name)
{
	return path_join(f->arena, f->folder, name);
}

static bool has_error(Fixture *f, DiagCode code)
{
	for (int i = 0; i < diag_count(f->c->diag); i++)
		if (diag_at(f->c->diag, i)->code == code)
			return true;
	return false;
}

/* A tensor of each type with bytes that are no round numbers. */
static const Blob *some_blob(Fixture *f, DType t, int64_t rows)
{
	const Type *type = type_get(f->c, t, 2, (int64_t[]){ rows, 3 });
	unsigned char *data = arena_alloc(f->arena, (size_t)type_bytes(type));
	for (int64_t i = 0; i < type_bytes(type); i++)
		data[i] = t == DT_bool ? (unsigned char)(i & 1) : (unsigned char)(i * 37 + 11);
	return blob_wrap(f->c, type, data, "t");
}

static void check_same(const Blob *a, const Blob *b)
{
	assert_non_null(a);
	assert_ptr_equal(a->type, b->type);
	assert_memory_equal(a->data, b->data, (size_t)type_bytes(b->type));
}

static void safetensors_read_back(void **state)
{
	Fixture *f = *state;
	const char *name[DT_COUNT], *path = in_folder(f, "w.safetensors");
	const Blob *blob[DT_COUNT];
	for (int t = 0; t < DT_COUNT; t++) { /* odd sizes, so that later tensors are not aligned */
		name[t] = dtype_info[t].name;
		blob[t] = some_blob(f, (DType)t, t + 1);
	}
	assert_true(safetensors_write(f->c, path, DT_COUNT, name, blob));
	WeightSet *w = weights_open(f->c, f->arena, path, (Loc){ 0 });
	assert_non_null(w);
	assert_int_equal(weights_count(w), DT_COUNT);
	for (int t = 0; t < DT_COUNT; t++)
		check_same(weights_find(w, name[t]), blob[t]);
	assert_null(weights_find(w, "none"));
	weights_close(w);
}

static void safetensors_expand_equal_elements(void **state)
{
	Fixture *f = *state;
	const char *path = in_folder(f, "w.safetensors"), *name = "k";
	float one = 1.5f;
	Blob splat = { .type = type_get(f->c, DT_f32, 1, (int64_t[]){ 5000 }),
		       .data = &one,
		       .splat = true };
	const Blob *blob = &splat;
	assert_true(safetensors_write(f->c, path, 1, &name, &blob));
	WeightSet *w = weights_open(f->c, f->arena, path, (Loc){ 0 });
	const float *read = weights_find(w, "k")->data;
	for (int i = 0; i < 5000; i++)
		assert_true(read[i] == 1.5f);
	weights_close(w);
}

static void safetensors_refuse_a_name_twice(void **state)
{
	Fixture *f = *state;
	const char *name[2] = { "a", "a" };
	const Blob *blob[2] = { some_blob(f, DT_f32, 1), some_blob(f, DT_f32, 1) };
	assert_false(safetensors_write(f->c, in_folder(f, "w.safetensors"), 2, name, blob));
	assert_int_not_equal(access(in_folder(f, "w.safetensors"), F_OK), 0);
}

/* Every prefix of a good file is an error and no crash. */
static void safetensors_cut_anywhere(void **state)
{
	Fixture *f = *state;
	const char *path = in_folder(f, "w.safetensors"), *name[2] = { "a", "b" };
	const Blob *blob[2] = { some_blob(f, DT_f32, 2), some_blob(f, DT_u8, 1) };
	struct stat st;
	assert_true(safetensors_write(f->c, path, 2, name, blob));
	assert_int_equal(stat(path, &st), 0);
	for (off_t n = st.st_size - 1; n >= 0; n--) {
		assert_int_equal(truncate(path, n), 0);
		assert_null(weights_open(f->c, f->arena, path, (Loc){ 0 }));
	}
	assert_true(has_error(f, E4001));
}

/* Any bit changed: read or refused, never a crash; what is read lies inside of the file. */
static void change_bits(Fixture *f, const char *from, const char *to)
{
	IoText all;
	IoError e;
	assert_true(io_read(from, f->arena, 1 << 20, &all, &e));
	assert_true(io_write_file(to, all.at, all.n, &e));
	int fd = open(to, O_RDWR | O_CLOEXEC), read = 0;
	for (size_t i = 0; i < 8 * all.n; i++) {
		char changed = (char)(all.at[i / 8] ^ 1 << i % 8);
		assert_int_equal(pwrite(fd, &changed, 1, (off_t)(i / 8)), 1);
		WeightSet *w = weights_open(f->c, f->arena, to, (Loc){ 0 });
		for (int k = 0; w && k < weights_count(w); k++) {
			const char *which;
			const Blob *b = weights_at(w, k, &which);
			for (int64_t j = 0; j < b->type->count; j++)
				(void)load_i64(b->type->dtype, b->data, j);
		}
		read += w != NULL;
		weights_close(w);
		assert_int_equal(pwrite(fd, &all.at[i / 8], 1, (off_t)(i / 8)), 1);
	}
	close(fd);
	assert_true(read > 0);
}

static void changed_bits_are_survived(void **state)
{
	Fixture *f = *state;
	static const char *const from[] = { "ok-unsorted.safetensors", "ok-plain.npy",
					    "ok-plain.npz", "ok-packed.npz" };
	static const char *const to[] = { "w.safetensors", "a.npy", "w.npz", "w.npz" };
	for (int i = 0; i < 4; i++)
		change_bits(f,
			    arena_printf(f->arena, "%s/tests/hostile/weights/%s", BURIN_SOURCE_DIR,
					 from[i]),
			    in_folder(f, to[i]));
}

static void npy_read_back(void **state)
{
	Fixture *f = *state;
	const char *path = in_folder(f, "a.npy");
	for (int t = 0; t < DT_COUNT; t++) {
		const Blob *b = some_blob(f, (DType)t, 4);
		if (t == DT_bf16) { /* NumPy has none */
			assert_false(npy_write(f->c, path, b->type, b->data));
			continue;
		}
		assert_true(npy_write(f->c, path, b->type, b->data));
		check_same(npy_read(f->c, f->arena, path), b);
		WeightSet *w = weights_open(f->c, f->arena, path, (Loc){ 0 });
		check_same(weights_find(w, "a"), b);
		weights_close(w);
	}
}

static void npy_shapes_read_back(void **state)
{
	Fixture *f = *state;
	float data[24] = { 1, 2, 3 };
	int64_t dim[] = { 2, 3, 4 };
	for (int rank = 0; rank <= 3; rank++) {
		const Type *t = type_get(f->c, DT_f32, rank, dim);
		assert_true(npy_write(f->c, in_folder(f, "a.npy"), t, data));
		assert_ptr_equal(npy_read(f->c, f->arena, in_folder(f, "a.npy"))->type, t);
	}
}

static void raw_bytes_have_no_names(void **state)
{
	Fixture *f = *state;
	IoError e;
	assert_true(io_write_file(in_folder(f, "r.bin"), "0123456789", 10, &e));
	WeightSet *w = weights_open(f->c, f->arena, in_folder(f, "r.bin"), (Loc){ 0 });
	assert_int_equal(weights_raw(w)->type->count, 10);
	assert_int_equal(weights_count(w), 0);
	weights_close(w);
}

/* --- which files may be opened --------------------------------------------------------------- */

static void unknown_suffix_and_missing_file(void **state)
{
	Fixture *f = *state;
	assert_null(weights_open(f->c, f->arena, in_folder(f, "none.safetensors"), (Loc){ 0 }));
	assert_true(has_error(f, E1001));
	IoError e;
	assert_true(io_write_file(in_folder(f, "m.xml"), "<graph/>", 8, &e));
	assert_null(weights_open(f->c, f->arena, in_folder(f, "m.xml"), (Loc){ 0 }));
	assert_true(has_error(f, E1007));
}

static void a_model_stays_in_its_folder(void **state)
{
	static const char *const names[] = {
		"../w.safetensors",
		"/etc/passwd",
		"a/../../w.safetensors",
		"./../w.safetensors",
		"link.safetensors",
		"..",
		"",
		"/dev/zero",
		"/proc/self/mem",
		"../../../etc/hosts",
		"a//..//../w.safetensors",
	};
	Fixture *f = *state;
	const char *model = in_folder(f, "m.xml"), *name = "a";
	const Blob *blob = some_blob(f, DT_f32, 1);
	assert_true(safetensors_write(f->c, in_folder(f, "w.safetensors"), 1, &name, &blob));
	assert_int_equal(symlink("w.safetensors", in_folder(f, "link.safetensors")), 0);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		int before = diag_errors(f->c->diag);
		assert_null(weights_open_beside(f->c, f->arena, model, names[i], (Loc){ 0 }));
		assert_int_equal(diag_errors(f->c->diag), before + 1);
	}
	WeightSet *w = weights_open_beside(f->c, f->arena, model, "w.safetensors", (Loc){ 0 });
	check_same(weights_find(w, "a"), blob);
	weights_close(w);
}

static void npz_members_are_found(void **state)
{
	Fixture *f = *state;
	static const char *const names[] = { "ok-plain.npz", "ok-packed.npz" };
	for (int i = 0; i < 2; i++) {
		const char *path = arena_printf(f->arena, "%s/tests/hostile/weights/%s",
						BURIN_SOURCE_DIR, names[i]);
		WeightSet *w = weights_open(f->c, f->arena, path, (Loc){ 0 });
		const Blob *b = weights_find(w, "a");
		assert_non_null(b);
		assert_int_equal(b->type->dtype, DT_f32);
		assert_int_equal(b->type->count, 2);
		assert_true(blob_f64(b, 1) == 0);
		weights_close(w);
	}
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(safetensors_read_back),
		TEST(safetensors_expand_equal_elements),
		TEST(safetensors_refuse_a_name_twice),
		TEST(safetensors_cut_anywhere),
		TEST(changed_bits_are_survived),
		TEST(npy_read_back),
		TEST(npy_shapes_read_back),
		TEST(raw_bytes_have_no_names),
		TEST(unknown_suffix_and_missing_file),
		TEST(a_model_stays_in_its_folder),
		TEST(npz_members_are_found),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
