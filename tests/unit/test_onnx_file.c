/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* How an ONNX file comes into memory: whatever is in it, memory shows the file's bytes; its large
 * tensors are mapped, all else is not; and constants outlive a replaced set of weights. */
#include "base/io.h"
#include "frontend/onnx_proto.h"
#include "tests/unit/check.h"
#include "tests/unit/onnx_make.h"
#include "tests/unit/weight_file.h"
#include <stdio.h>
#include <unistd.h>

enum { LARGE = 100000, TAIL = 20000 }; /* numbers */

typedef struct Fixture {
	Context *c;
	Arena *arena;
	const char *path, *weights;
	float *number;
} Fixture;

static int set_up(void **state)
{
	Fixture *f = calloc(1, sizeof *f);
	f->c = context_create();
	f->arena = arena_create();
	f->path = arena_printf(f->arena, "%s/test_onnx_file.%d.onnx", BURIN_BUILD_DIR, getpid());
	f->weights = arena_printf(f->arena, "%s/test_onnx_file.%d.safetensors", BURIN_BUILD_DIR,
				  getpid());
	f->number = ARENA_ARRAY(f->arena, float, LARGE);
	for (int i = 0; i < LARGE; i++)
		f->number[i] = (float)i / 7;
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	Fixture *f = *state;
	unlink(f->path);
	unlink(f->weights);
	arena_destroy(f->arena);
	context_destroy(f->c);
	free(f);
	return 0;
}

static void put_file(const char *path, const void *data, size_t n)
{
	FILE *file = fopen(path, "wb");
	assert_int_equal(fwrite(data, 1, n, file), n);
	fclose(file);
}

/* A tensor with its numbers in field 9 (bytes) or 4 (floats). */
static Str tensor(Fixture *f, const char *name, int n, uint32_t field)
{
	Str s;
	str_init(&s, f->arena);
	pb_put_varint(&s, 1, (uint64_t)n);
	pb_put_varint(&s, 2, 1);
	pb_put_bytes(&s, field, f->number, (size_t)n * sizeof(float));
	pb_put_text(&s, 8, name);
	return s;
}

/* y = x + w + v + k + b, with k the constant of a node. */
static Str model(Fixture *f)
{
	Arena *a = f->arena;
	Str node, attr, graph, out, import;
	str_init(&node, a), str_init(&attr, a), str_init(&graph, a), str_init(&out, a);
	str_init(&import, a);
	Str w = tensor(f, "w", LARGE, 9), v = tensor(f, "v", LARGE, 4);
	Str k = tensor(f, "", LARGE, 9), b = tensor(f, "b", TAIL, 9);
	pb_put_text(&attr, 1, "value");
	pb_put_message(&attr, 5, &k);
	pb_put_varint(&attr, 20, 4);
	pb_put_text(&node, 4, "Constant");
	pb_put_text(&node, 2, "k");
	pb_put_message(&node, 5, &attr);
	pb_put_message(&graph, 5, &w);
	pb_put_message(&graph, 1, &node);
	pb_put_message(&graph, 5, &v);
	put_items(a, &graph, "Add x w -> s;Add s v -> t;Add t k -> y;Add z b -> u", put_node);
	pb_put_message(&graph, 5, &b);
	put_items(a, &graph, "x:f32[1,100000];z:f32[1,20000]", put_input);
	put_items(a, &graph, "y;u", put_output);
	pb_put_varint(&import, 2, 17);
	pb_put_varint(&out, 1, 8);
	pb_put_message(&out, 8, &import);
	pb_put_message(&out, 7, &graph);
	return out;
}

static int mapped_files(const char *path)
{
	FILE *maps = fopen("/proc/self/maps", "r");
	char line[4096];
	int n = 0;
	while (fgets(line, sizeof line, maps))
		n += strstr(line, path_base(path)) != NULL;
	fclose(maps);
	return n;
}

static void test_large_tensors_are_mapped(void **state)
{
	Fixture *f = *state;
	IoError e;
	Str m = model(f);
	put_file(f->path, m.at, m.n);
	IoMap *map = onnx_open(f->path, &e);
	assert_non_null(map);
	assert_int_equal(mapped_files(f->path), 3);
	io_map_rest(map);
	assert_int_equal(io_map_size(map), m.n);
	assert_memory_equal(io_map_data(map), m.at, m.n);
	io_unmap(map);
	assert_int_equal(mapped_files(f->path), 0);
	assert_null(onnx_open("/nowhere/m.onnx", &e));
	assert_int_equal(e.code, E1001);
}

/* Cut off, or with wrong lengths: the walk may go wrong, the bytes may not. */
static void test_any_bytes(void **state)
{
	Fixture *f = *state;
	Str m = model(f);
	uint32_t random = 5;
	size_t tensor_bytes = LARGE * sizeof(float),
	       heads[] = { 0, tensor_bytes, 2 * tensor_bytes, 3 * tensor_bytes };
	for (int k = 0; k < 300; k++) {
		IoError e;
		char *copy = malloc(m.n);
		memcpy(copy, m.at, m.n);
		for (int i = 0; i <= k % 3; i++) {
			random = random * 1664525 + 1013904223;
			copy[heads[k % 4] + (random >> 8) % 200] = (char)(random >> 3);
		}
		size_t n = k % 5 == 0 ? (size_t)(random >> 4) % m.n : m.n;
		put_file(f->path, copy, n);
		IoMap *map = onnx_open(f->path, &e);
		assert_non_null(map);
		assert_int_equal(io_map_size(map), n);
		assert_memory_equal(io_map_data(map), copy, n);
		io_unmap(map);
		free(copy);
	}
}

/* Messages within messages, deeper than anybody goes. */
static void test_deep(void **state)
{
	Fixture *f = *state;
	IoError e;
	Str m = tensor(f, "w", LARGE, 9);
	for (int depth = 0; depth < 240; depth++) {
		Str outer;
		str_init(&outer, f->arena);
		static const uint32_t fields[] = { 5, 6, 5, 1 }; /* node, attribute, graph */
		pb_put_message(&outer, depth == 239 ? 7 : fields[depth % 3 + 1], &m);
		m = outer;
		if (depth % 20 != 19)
			continue;
		put_file(f->path, m.at, m.n);
		IoMap *map = onnx_open(f->path, &e);
		assert_memory_equal(io_map_data(map), m.at, m.n);
		io_unmap(map);
	}
}

static void test_constants_outlive_weights(void **state)
{
	Fixture *f = *state;
	Str m = model(f);
	put_file(f->path, m.at, m.n);
	float *zeros = ARENA_ARRAY(f->arena, float, LARGE);
	const Type *large = type_get(f->c, DT_f32, 1, (int64_t[]){ LARGE });
	const Type *small = type_get(f->c, DT_f32, 1, (int64_t[]){ TAIL });
	const char *const names[] = { "w", "v", "b" };
	const Blob *const blobs[] = { blob_wrap(f->c, large, zeros, "w"),
				      blob_wrap(f->c, large, zeros, "v"),
				      blob_wrap(f->c, small, zeros, "b") };
	assert_true(safetensors_write(f->c, f->weights, 3, names, blobs));
	ReadOptions o = { .weights = f->weights };
	WeightSet *weights;
	ElemList *l = read_elements(f->c, f->arena, f->path, &o, &weights);
	assert_non_null(l);
	weights_rest(weights);
	Graph *g = build_graph(f->c, f->arena, l, weights, &o);
	assert_non_null(g);
	assert_int_equal(g->param.n, 4);
	for (int i = 0; i < 4; i++) {
		const Node *n = g->param.at[i];
		const Blob *b = ATTR_OF(n, param)->data;
		bool constant = str_eq(n->name, "k");
		assert_int_equal(ATTR_OF(n, param)->trainable, !constant);
		for (int64_t j = 0; j < n->type->count; j += 99)
			assert_true(blob_f64(b, j) == (constant ? (double)f->number[j] : 0));
	}
	weights_close(weights);
	assert_int_equal(mapped_files(f->path) + mapped_files(f->weights), 0);
}

int main(void)
{
#define TEST(t) cmocka_unit_test_setup_teardown(t, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_large_tensors_are_mapped),
		TEST(test_any_bytes),
		TEST(test_deep),
		TEST(test_constants_outlive_weights),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
