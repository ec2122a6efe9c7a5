/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* libburin_rt: loading artefacts and models that are linked in, running them with checked tensors,
 * options, weights beside, profiles. */
#include "base/seal.h"
#include "include/burin.h"
#include "runtime/artifact.h"
#include "runtime/model.h"
#include "tests/unit/artifact_fixture.h"
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>

/* DLTensor of DLPack 1.x, to compare with. */
typedef struct DLTensor {
	void *data;
	struct {
		int32_t device_type, device_id;
	} device;
	int32_t ndim;
	struct {
		uint8_t code, bits;
		uint16_t lanes;
	} dtype;
	int64_t *shape, *strides;
	uint64_t byte_offset;
} DLTensor;
_Static_assert(sizeof(DLTensor) == sizeof(burin_tensor), "size");
_Static_assert(offsetof(DLTensor, ndim) == offsetof(burin_tensor, ndim), "ndim");
_Static_assert(offsetof(DLTensor, dtype) == offsetof(burin_tensor, dtype), "dtype");
_Static_assert(offsetof(DLTensor, shape) == offsetof(burin_tensor, shape), "shape");
_Static_assert(offsetof(DLTensor, byte_offset) == offsetof(burin_tensor, byte_offset), "offset");

static float x[N], y[N];
static int64_t shape[] = { N };

static burin_tensor tensor(float *data)
{
	return (burin_tensor){
		.data = data, .device = { 1, 0 }, .ndim = 1, .dtype = { 2, 32, 1 }, .shape = shape
	};
}

static burin_model *load(Fixture *f, const burin_opts *o)
{
	burin_model *m = NULL;
	burin_error err = { .size = sizeof(err) };
	if (burin_load(&m, f->r.path, o, &err) != BURIN_OK)
		fail_msg("%s", err.message);
	return m;
}

static void assert_exec_runs(burin_exec *e)
{
	burin_tensor in = tensor(x), out = tensor(y);
	burin_error err;
	err.size = sizeof(err);
	for (int i = 0; i < N; i++)
		x[i] = (float)i;
	memset(y, 0, sizeof(y));
	if (burin_run(e, &in, 1, &out, 1, &err) != BURIN_OK)
		fail_msg("%s", err.message);
	for (int i = 0; i < N; i++)
		assert_true(y[i] == x[i] * weights[i] + 10);
}

static void run_model(const burin_model *m, const burin_opts *o)
{
	burin_exec *e = NULL;
	burin_error err;
	err.size = sizeof(err);
	if (burin_exec_new(&e, m, NULL, 0, o, &err) != BURIN_OK)
		fail_msg("%s", err.message);
	assert_exec_runs(e);
	assert_exec_runs(e);
	burin_exec_free(e);
}

static void test_load(void **state)
{
	Fixture *f = *state;
	const burin_port *port;
	assert_written(f);
	burin_model *m = load(f, NULL);
	assert_int_equal(burin_inputs(m, &port), 1);
	assert_string_equal(port->name, "x");
	assert_int_equal(port->spec.ndim, 1);
	assert_int_equal(port->spec.shape[0], N);
	assert_int_equal(port->min_shape[0], N);
	assert_int_equal(port->spec.dtype.code, 2);
	assert_int_equal(port->spec.dtype.bits, 32);
	assert_int_equal(burin_outputs(m, &port), 1);
	assert_string_equal(port->name, "y");
	assert_string_equal(burin_metadata_json(m), f->r.metadata);
	run_model(m, NULL);
	burin_model_free(m);
}

static void test_types(void **state)
{
	(void)state;
	assert_int_equal(DL_TYPES, DT_COUNT);
	for (int i = 0; i < DT_COUNT; i++) {
		assert_string_equal(dl_types[i].name, dtype_info[i].name);
		assert_int_equal(dl_types[i].bits, dtype_info[i].bytes * 8);
	}
}

static void test_options(void **state)
{
	Fixture *f = *state;
	burin_opts *o;
	burin_error err;
	err.size = sizeof(err);
	assert_int_equal(burin_opts_new(&o, NULL), BURIN_OK);
	assert_int_equal(burin_opts_set(o, "threads", "x", &err), BURIN_E_ARG);
	assert_int_equal(err.code, 5001);
	assert_int_equal(burin_opts_set(o, "threads", "257", &err), BURIN_E_ARG);
	assert_int_equal(burin_opts_set(o, "threads", "", &err), BURIN_E_ARG);
	assert_null(opts_get(o, "threads"));
	assert_int_equal(burin_opts_set(o, "hugepages", "maybe", &err), BURIN_E_ARG);
	assert_int_equal(burin_opts_set(o, "bad key", "1", &err), BURIN_E_ARG);
	assert_int_equal(burin_opts_set(o, "passes.fuse", "off", &err), BURIN_OK);
	assert_int_equal(burin_opts_set(o, "theads", "4", &err), BURIN_E_ARG);
	assert_int_equal(err.code, 5001);
	assert_string_equal(err.message, "there is no option 'theads'");
	assert_string_equal(err.hint, "did you mean 'threads'?");
	assert_int_equal(burin_opts_set(o, "passes.", "off", &err), BURIN_E_ARG);
	const SettingInfo *row;
	for (int i = 0; (row = setting_at(i)); i++)
		if (strcmp(row->key, "threads") != 0) {
			char key[80];
			bool begins = row->key[strlen(row->key) - 1] == '.';
			snprintf(key, sizeof(key), "%s%s", row->key, begins ? "x" : "");
			assert_int_equal(burin_opts_set(o, key, "no", &err), BURIN_OK);
			assert_false(opts_was_read(o, key));
			assert_string_equal(opts_get(o, key), "no");
			assert_true(opts_was_read(o, key));
		}
	assert_string_equal(opts_get(o, "passes.fuse"), "off");
	assert_written(f);
	burin_model *m = load(f, NULL);
	for (int threads = 1; threads < 6; threads++) {
		char text[8] = { (char)('0' + threads) };
		assert_int_equal(burin_opts_set(o, "threads", text, &err), BURIN_OK);
		assert_int_equal(burin_opts_set(o, "threads", "many", &err), BURIN_E_ARG);
		assert_string_equal(opts_get(o, "threads"), text);
		run_model(m, o);
	}
	burin_model_free(m);
	burin_opts_free(o);
	burin_opts_free(NULL);
	burin_model_free(NULL);
	burin_exec_free(NULL);
}

static void test_workspace(void **state)
{
	Fixture *f = *state;
	burin_opts *o;
	burin_exec *e;
	burin_error err;
	size_t bytes, align;
	err.size = sizeof(err);
	assert_written(f);
	burin_model *m = load(f, NULL);
	burin_opts_new(&o, NULL);
	burin_opts_set(o, "threads", "2", NULL);
	assert_int_equal(burin_workspace(m, o, &bytes, &align, &err), BURIN_OK);
	assert_int_equal(align, 64);
	char *w = aligned_alloc(64, (bytes + 127) & ~(size_t)63);
	assert_int_equal(burin_exec_new(&e, m, w, bytes - 1, o, &err), BURIN_E_ARG);
	assert_int_equal(err.code, 6104);
	assert_int_equal(burin_exec_new(&e, m, w + 8, bytes, o, &err), BURIN_E_ARG);
	assert_int_equal(burin_exec_new(&e, m, w, bytes, o, &err), BURIN_OK);
	assert_exec_runs(e);
	burin_exec_free(e);
	free(w);
	burin_model_free(m);
	burin_opts_free(o);
}

static void host_for(void *user, uint32_t count, burin_task_fn fn, void *task)
{
	*(int *)user += 1;
	for (uint32_t i = count; i-- > 0;)
		fn(task, i);
}

static void test_host_threads(void **state)
{
	Fixture *f = *state;
	burin_exec *e;
	int calls = 0;
	assert_written(f);
	burin_model *m = load(f, NULL);
	assert_int_equal(burin_exec_new(&e, m, NULL, 0, NULL, NULL), BURIN_OK);
	assert_int_equal(burin_exec_set_parallel(e, host_for, &calls, NULL), BURIN_OK);
	assert_exec_runs(e);
	assert_int_equal(calls, 2);
	assert_int_equal(burin_exec_set_parallel(e, NULL, NULL, NULL), BURIN_OK);
	assert_exec_runs(e);
	assert_int_equal(calls, 2);
	burin_exec_free(e);
	burin_model_free(m);
}

static void assert_refused(burin_exec *e, burin_tensor in, burin_tensor out, burin_status s,
			   const char *what)
{
	burin_error err;
	err.size = sizeof(err);
	assert_int_equal(burin_run(e, &in, 1, &out, 1, &err), s);
	assert_int_equal(err.status, s);
	if (!strstr(err.message, what))
		fail_msg("'%s' does not say '%s'", err.message, what);
	assert_int_equal(burin_run(e, &in, 1, &out, 1, NULL), s);
}

static void test_tensors(void **state)
{
	Fixture *f = *state;
	burin_exec *e;
	burin_tensor good = tensor(x), bad;
	int64_t seven[] = { 7 }, two[] = { 2 }, one[] = { 1 };
	assert_written(f);
	burin_model *m = load(f, NULL);
	assert_int_equal(burin_exec_new(&e, m, NULL, 0, NULL, NULL), BURIN_OK);
	bad = good, bad.shape = seven;
	assert_refused(e, bad, tensor(y), BURIN_E_SHAPE, "'x': size 0 is 7, not 8");
	assert_refused(e, good, bad, BURIN_E_SHAPE, "'y': size 0 is 7, not 8");
	bad = good, bad.shape = NULL;
	assert_refused(e, bad, tensor(y), BURIN_E_ARG, "'x': shape is NULL");
	assert_refused(e, good, bad, BURIN_E_ARG, "'y': shape is NULL");
	bad.ndim = 0;
	assert_refused(e, bad, tensor(y), BURIN_E_SHAPE, "'x' has 0 dimensions, not 1");
	bad = good, bad.ndim = -1;
	assert_refused(e, bad, tensor(y), BURIN_E_SHAPE, "'x' has -1 dimensions, not 1");
	bad = good, bad.dtype.bits = 64;
	assert_refused(e, bad, tensor(y), BURIN_E_ARG, "'x' is not of type f32");
	bad = good, bad.dtype.lanes = 4;
	assert_refused(e, bad, tensor(y), BURIN_E_ARG, "'x' is not of type f32");
	bad = good, bad.device.type = 2;
	assert_refused(e, bad, tensor(y), BURIN_E_ARG, "'x': not in memory of the CPU");
	bad = good, bad.strides = two;
	assert_refused(e, bad, tensor(y), BURIN_E_SHAPE, "'x': strides");
	bad = good, bad.data = NULL;
	assert_refused(e, bad, tensor(y), BURIN_E_ARG, "'x': data is NULL");
	assert_refused(e, good, bad, BURIN_E_ARG, "'y': data is NULL");
	bad = good, bad.byte_offset = 2;
	assert_refused(e, bad, tensor(y), BURIN_E_ARG, "'x': data is not aligned to 4 bytes");
	float both[2 * N] = { 0 };
	assert_refused(e, tensor(both), tensor(both), BURIN_E_ARG, "output 'y' overlaps input 'x'");
	assert_refused(e, tensor(both), tensor(both + N - 1), BURIN_E_ARG, "overlaps");
	assert_refused(e, tensor(both + N - 1), tensor(both), BURIN_E_ARG, "overlaps");
	bad = tensor(both);
	burin_tensor beside = tensor(both + N);
	assert_int_equal(burin_run(e, &bad, 1, &beside, 1, NULL), BURIN_OK);
	assert_int_equal(burin_run(e, &beside, 1, &bad, 1, NULL), BURIN_OK);
	good.strides = one;
	burin_tensor out = tensor(y);
	assert_int_equal(burin_run(e, &good, 1, &out, 1, NULL), BURIN_OK);
	assert_int_equal(burin_run(e, &good, 1, &out, 0, NULL), BURIN_E_ARG);
	assert_int_equal(burin_run(e, NULL, 1, &out, 1, NULL), BURIN_E_ARG);
	burin_exec_free(e);
	burin_model_free(m);
}

/* An error of an older, shorter layout is not written beyond its end. */
static void test_short_error(void **state)
{
	struct {
		burin_error e;
		char after[16];
	} s;
	(void)state;
	memset(&s, 0x55, sizeof(s));
	s.e.size = offsetof(burin_error, hint);
	burin_model *m;
	assert_int_equal(burin_load(&m, "/nowhere.so", NULL, &s.e), BURIN_E_IO);
	assert_null(m);
	assert_int_equal(s.e.size, offsetof(burin_error, hint));
	assert_int_equal(s.e.hint[0], 0x55);
	assert_non_null(strstr(s.e.message, "no such file"));
}

static void test_not_models(void **state)
{
	Fixture *f = *state;
	static const char *const paths[] = { "/dev/null", "/", "/bin/sh", "/nowhere" };
	burin_model *m = (burin_model *)f;
	burin_error err;
	err.size = sizeof(err);
	for (int i = 0; i < 4; i++) {
		burin_status want = i == 3 ? BURIN_E_IO : BURIN_E_INVALID;
		assert_int_equal(burin_load(&m, paths[i], NULL, &err), want);
		assert_null(m);
	}
	f->r.path = in_folder(f, "m.o"); /* has a note, but is no library */
	assert_written(f);
	assert_int_equal(burin_load(&m, f->r.path, NULL, &err), BURIN_E_INVALID);
	BurinProgram p = { .version = BURIN_PROGRAM_VERSION + 1, .size = sizeof(p) };
	assert_int_equal(burin_load_static(&m, &p, NULL, &err), BURIN_E_VERSION);
	p.version--;
	assert_int_equal(burin_load_static(&m, &p, NULL, &err), BURIN_E_TARGET);
	p.size--;
	assert_int_equal(burin_load_static(&m, &p, NULL, &err), BURIN_E_VERSION);
	assert_int_equal(burin_load_static(&m, NULL, NULL, &err), BURIN_E_ARG);
}

static void test_beside(void **state)
{
	Fixture *f = *state;
	burin_model *m;
	burin_opts *o;
	burin_error err;
	err.size = sizeof(err);
	f->object = compile_glue(f, "m", 10, "0");
	f->r.beside = true;
	f->entry.layout[0] = 7;
	f->entry.layout[1] = 9;
	assert_written(f);
	m = load(f, NULL);
	run_model(m, NULL);
	burin_model_free(m);
	burin_opts_new(&o, NULL);
	burin_opts_set(o, "hugepages", "yes", NULL);
	m = load(f, o);
	run_model(m, NULL);
	burin_model_free(m);
	shell(f, "mv m.weights other");
	assert_int_equal(burin_load(&m, f->r.path, NULL, &err), BURIN_E_IO);
	burin_opts_set(o, "packed-weights", in_folder(f, "other"), NULL);
	m = load(f, o);
	run_model(m, NULL);
	burin_model_free(m);
	shell(f, "printf x | dd of=other bs=1 seek=17 conv=notrunc status=none");
	assert_int_equal(burin_load(&m, f->r.path, o, &err), BURIN_E_INVALID);
	assert_int_equal(err.code, 4001);
	shell(f, ": > other");
	assert_int_equal(burin_load(&m, f->r.path, o, &err), BURIN_E_INVALID);
	burin_opts_free(o);
}

/* --- damage ----------------------------------------------------------------------------------- */

static char *read_whole(Fixture *f, const char *path, size_t *n)
{
	IoText t;
	IoError e;
	assert_true(io_read(path, f->c->arena, 1 << 24, &t, &e));
	*n = t.n;
	return arena_copy(f->c->arena, t.at, t.n);
}

static void write_over(const char *path, const char *bytes, size_t n)
{
	int fd = open(path, O_WRONLY | O_TRUNC);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, n), n);
	close(fd);
}

static void assert_damaged(Fixture *f, const char *file, size_t at)
{
	burin_model *m;
	burin_error err = { .size = sizeof err };
	burin_status s = burin_load(&m, f->r.path, NULL, &err);
	if (s != BURIN_E_INVALID || err.code != 4001 || !strstr(err.message, file))
		fail_msg("byte %zu: %s, %s", at, burin_status_name(s), err.message);
}

/* Every bit of a file of packed weights, and every length of it. */
static void test_damaged_beside(void **state)
{
	Fixture *f = *state;
	size_t n;
	f->object = compile_glue(f, "m", 10, "0");
	f->r.beside = true;
	f->entry.layout[0] = 7;
	f->entry.layout[1] = 9;
	assert_written(f);
	const char *path = in_folder(f, "m.weights");
	char *bytes = read_whole(f, path, &n);
	for (size_t at = 0; at < n; at++) {
		bytes[at] ^= (char)(1 << at % 8);
		write_over(path, bytes, n);
		assert_damaged(f, "m.weights", at);
		bytes[at] ^= (char)(1 << at % 8);
	}
	for (size_t cut = 1; cut < n; cut += cut < 300 ? 1 : 37) {
		write_over(path, bytes, n - cut);
		assert_damaged(f, "m.weights", n - cut);
	}
	write_over(path, bytes, n);
	burin_model_free(load(f, NULL));
}

/* The same of weights in the library, which are its end. */
static void test_damaged_inside(void **state)
{
	Fixture *f = *state;
	size_t n;
	assert_written(f);
	char *bytes = read_whole(f, f->r.path, &n);
	char *begin = memmem(bytes, n, weights, sizeof weights);
	assert_non_null(begin);
	assert_int_equal(bytes + n - begin, seal_end(sizeof weights));
	for (size_t at = (size_t)(begin - bytes); at < n; at++) {
		bytes[at] ^= (char)(1 << at % 8);
		write_over(f->r.path, bytes, n);
		assert_damaged(f, "m.so", at);
		bytes[at] ^= (char)(1 << at % 8);
	}
	write_over(f->r.path, bytes, n);
	burin_model_free(load(f, NULL));
	/* tools that rewrite the file leave them as they are */
	shell(f, "strip m.so && objcopy m.so copy.so && mv copy.so m.so");
	burin_model_free(load(f, NULL));
}

static void count_steps(void *user, const burin_kernel_time *k)
{
	int *n = user;
	assert_int_equal(k->calls, 3);
	(*n)++;
}

static void test_profile(void **state)
{
	Fixture *f = *state;
	burin_exec *e;
	int n = 0;
	assert_written(f);
	burin_model *m = load(f, NULL);
	assert_int_equal(burin_exec_new(&e, m, NULL, 0, NULL, NULL), BURIN_OK);
	assert_int_equal(burin_profile(e, count_steps, &n, NULL), BURIN_E_ARG);
	assert_exec_runs(e);
	assert_int_equal(burin_profile(e, NULL, NULL, NULL), BURIN_OK);
	for (int i = 0; i < 3; i++)
		assert_exec_runs(e);
	assert_int_equal(burin_profile(e, count_steps, &n, NULL), BURIN_OK);
	assert_int_equal(n, 2);
	burin_exec_free(e);
	burin_model_free(m);
}

/* Twenty loaded models, each with its own answer. */
static void test_many(void **state)
{
	Fixture *f = *state;
	burin_model *m[20];
	for (int i = 0; i < 20; i++) {
		f->r.path = in_folder(f, arena_printf(f->c->arena, "m%d.so", i));
		if (i % 5 == 0)
			f->object = compile_glue(f, "m", i, "burin_weights");
		assert_written(f);
		m[i] = load(f, NULL);
	}
	for (int i = 19; i >= 0; i--) {
		burin_exec *e;
		burin_tensor in = tensor(x), out = tensor(y);
		assert_int_equal(burin_exec_new(&e, m[i], NULL, 0, NULL, NULL), BURIN_OK);
		assert_int_equal(burin_run(e, &in, 1, &out, 1, NULL), BURIN_OK);
		assert_true(y[3] == x[3] * weights[3] + (float)(i / 5 * 5));
		burin_exec_free(e);
	}
	for (int i = 0; i < 20; i++)
		burin_model_free(m[i]);
}

int main(void)
{
#define TEST(t) cmocka_unit_test_setup_teardown(t, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_load),           TEST(test_types),          TEST(test_options),
		TEST(test_workspace),      TEST(test_host_threads),   TEST(test_tensors),
		TEST(test_short_error),    TEST(test_not_models),     TEST(test_beside),
		TEST(test_damaged_beside), TEST(test_damaged_inside), TEST(test_profile),
		TEST(test_many),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
