/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* What compiled models that train promise: all that those for inference do, and that a step has the
 * bits of burin_train_step, with any threads, in memory of the caller's alone. */
#include "tests/promises/school.h"

/* --- the trainer in memory ------------------------------------------------------------------- */

typedef struct Diary {
	float loss[STEPS][2]; /* and accuracy */
	float judged[2];
	char *begin, *end; /* states */
	size_t bytes;
} Diary;

static burin_tensor batch_tensor(int which, int64_t shape[4])
{
	int64_t image[4] = { ROWS, 1, 8, 8 };
	memcpy(shape, image, sizeof image);
	return (burin_tensor){ .data = which ? (void *)label : (void *)x,
			       .device = { 1, 0 },
			       .ndim = which ? 1 : 4,
			       .dtype = { which ? 0 : 2, which ? 64 : 32, 1 },
			       .shape = shape };
}

/* In the layout of the artefact: each tensor on the next line of 64 bytes. */
static char *copy_state(burin_trainer *t, size_t *bytes)
{
	const burin_port *port;
	size_t n = burin_trainer_state(t, &port);
	const char *first = port[0].spec.data;
	int64_t last = port[n - 1].spec.dtype.bits / 8;
	for (int d = 0; d < port[n - 1].spec.ndim; d++)
		last *= port[n - 1].spec.shape[d];
	size_t at = (size_t)((const char *)port[n - 1].spec.data - first);
	*bytes = (at + (size_t)last + 63) & ~(size_t)63;
	char *copy = aligned_alloc(64, *bytes);
	memcpy(copy, first, *bytes);
	return copy;
}

static void keep_diary(Shop *s, burin_graph *g, burin_opts *o, Diary *d)
{
	burin_trainer *t = NULL;
	burin_error e = { .size = sizeof e };
	int64_t shape[2][4];
	double report[2];
	if (burin_trainer_new(&t, g, o, NULL, &e) != BURIN_OK)
		fail_msg("%s", e.message);
	d->begin = copy_state(t, &d->bytes);
	burin_tensor in[2] = { batch_tensor(0, shape[0]), batch_tensor(1, shape[1]) };
	for (int i = 0; i < STEPS; i++) {
		make_batch(i);
		assert_int_equal(burin_train_step(t, (double)rate_of(i), in, 2, report, 2, &e), 0);
		d->loss[i][0] = (float)report[0];
		d->loss[i][1] = (float)report[1];
		if (i + 1 == STEPS / 3)
			assert_int_equal(burin_checkpoint_save(t, in_folder(s, "third.safetensors"),
							       NULL, &e),
					 0);
	}
	d->end = copy_state(t, &d->bytes);
	assert_int_equal(burin_eval_step(t, in, 2, report, 2, &e), 0);
	d->judged[0] = (float)report[0];
	d->judged[1] = (float)report[1];
	assert_int_equal(burin_trainer_weights(t, in_folder(s, "learned.safetensors"), &e), 0);
	burin_trainer_free(t);
}

static Diary diary(Shop *s, const char *options)
{
	burin_graph *g = NULL;
	burin_opts *o = NULL;
	burin_error e = { .size = sizeof e };
	Diary d = { .bytes = 0 };
	assert_int_equal(burin_opts_new(&o, &e), BURIN_OK);
	set_options(o, "cache=off threads=1 size=1 model-weights=init:seed=5 seed=5");
	set_options(o, options);
	if (burin_read(&g, write_model(s), o, NULL, &e) != BURIN_OK)
		fail_msg("%s", e.message);
	keep_diary(s, g, o, &d);
	burin_graph_free(g);
	burin_opts_free(o);
	return d;
}

static void diary_free(Diary *d)
{
	free(d->begin);
	free(d->end);
}

/* --- the same bits --------------------------------------------------------------------------- */

static void assert_as_in(const Diary *d, School *k, const void *ctx)
{
	float report[2];
	assert_int_equal(k->state_bytes, d->bytes);
	assert_int_equal(k->begin(k->state), 0);
	assert_memory_equal(k->state, d->begin, d->bytes);
	for (int i = 0; i < STEPS; i++) {
		do_step(k, ctx, i, report);
		assert_memory_equal(report, d->loss[i], sizeof report);
	}
	assert_memory_equal(k->state, d->end, d->bytes);
	assert_memory_not_equal(d->begin, d->end, d->bytes);
}

/* Inference on the batch that was last: what the trainer said of it. */
static void assert_judged(const Diary *d, School *k, void *ctx, float y[ROWS * CLASSES])
{
	int right = 0;
	make_batch(STEPS - 1);
	memset(k->packed, 0xff, k->packed_bytes);
	assert_int_equal(k->run(ctx, x, y, k->run_work), BURIN_RT_WEIGHTS);
	assert_int_equal(k->prepare(ctx, k->state, k->packed, k->prepare_work), 0);
	assert_int_equal(k->ctx_set_weights(ctx, k->packed, k->packed_bytes), 0);
	assert_int_equal(k->run(ctx, x, y, k->run_work), 0);
	for (int i = 0; i < ROWS; i++) {
		int best = 0;
		for (int c = 0; c < CLASSES; c++)
			best = y[i * CLASSES + c] > y[i * CLASSES + best] ? c : best;
		right += best == label[i];
	}
	assert_float_equal((float)right / ROWS, d->judged[1], 1e-6f);
	assert_true(d->judged[1] > 0.5f);
}

/* Another state of the same size is nothing that the context may have kept. */
static void assert_goes_on(const Diary *d, School *k, void *ctx)
{
	assert_as_in(d, k, ctx);
	assert_int_equal(k->prepare(ctx, k->state, k->packed, k->prepare_work), 0);
}

static void test_as_trainer(void **state)
{
	Shop *s = *state;
	char ctx[BURIN_CTX_BYTES];
	float y[3][ROWS * CLASSES];
	int calls = 0;
	Diary d = diary(s, "target.cpu=native");
	School k =
		school_open(school(s, "school.so", 5, "target.cpu=native batch=16"), "school", 3);
	for (int threads = 1; threads <= 3; threads++) {
		assert_int_equal(k.ctx_init(ctx, threads), 0);
		assert_as_in(&d, &k, ctx);
		assert_judged(&d, &k, ctx, y[threads - 1]);
		assert_goes_on(&d, &k, ctx); /* with weights in the context */
		k.ctx_done(ctx);
		assert_memory_equal(y[threads - 1], y[0], sizeof y[0]);
	}
	assert_as_in(&d, &k, NULL);
	assert_int_equal(k.ctx_init(ctx, 1), 0);
	assert_int_equal(k.ctx_set_parallel(ctx, 1, backwards, &calls), 0);
	free(k.step_work);
	k.step_work =
		aligned_alloc(64, asked_bytes(&k, "school", "train_step_workspace_bytes", ctx));
	assert_as_in(&d, &k, ctx);
	assert_true(calls > STEPS);
	k.ctx_done(ctx);
	school_close(&k);
	diary_free(&d);
}

/* From a checkpoint of the trainer. */
static void test_goes_on(void **state)
{
	Shop *s = *state;
	float report[2];
	Diary d = diary(s, "target.cpu=native");
	const char *options = arena_printf(s->arena, "target.cpu=native train-state=%s",
					   in_folder(s, "third.safetensors"));
	School k = school_open(school(s, "school.so", 5, options), "school", 1);
	for (int i = STEPS / 3; i < STEPS; i++) {
		do_step(&k, NULL, i, report);
		assert_memory_equal(report, d.loss[i], sizeof report);
	}
	assert_memory_equal(k.state, d.end, d.bytes);
	school_close(&k);
	diary_free(&d);
}

/* --- inference ------------------------------------------------------------------------------- */

static void run_loaded(const char *path, float y[ROWS * CLASSES])
{
	int64_t shape[4], out_shape[] = { ROWS, CLASSES };
	burin_tensor in = batch_tensor(0, shape), out = in;
	burin_model *m = NULL;
	burin_exec *e = NULL;
	burin_error error = { .size = sizeof error };
	out.data = y;
	out.ndim = 2;
	out.shape = out_shape;
	if (burin_load(&m, path, NULL, &error) || burin_exec_new(&e, m, NULL, 0, NULL, &error) ||
	    burin_run(e, &in, 1, &out, 1, &error))
		fail_msg("%s", error.message);
	burin_exec_free(e);
	burin_model_free(m);
}

/* The packed parameters are those that a compilation of the trained weights would pack; as a file
 * beside the library they are found when it is loaded, or beside one for inference alone. */
static void test_packed(void **state)
{
	Shop *s = *state;
	IoError e;
	char ctx[BURIN_CTX_BYTES];
	float y[3][ROWS * CLASSES];
	Diary d = diary(s, "target.cpu=native");
	const char *path = school(s, "school.so", 5, "target.cpu=native batch=16");
	School k = school_open(path, "school", 1);
	assert_int_equal(k.ctx_init(ctx, 1), 0);
	assert_as_in(&d, &k, ctx);
	assert_judged(&d, &k, ctx, y[0]);
	assert_true(io_write_file(in_folder(s, "school.weights"), k.packed, k.packed_bytes, &e));
	run_loaded(path, y[1]);
	assert_memory_equal(y[0], y[1], sizeof y[0]);
	compile_to(write_model(s), in_folder(s, "plain.so"),
		   "batch=16 target.cpu=native model-weights=init:seed=9 weights=beside");
	shell(s, "cp school.weights plain.weights");
	run_loaded(in_folder(s, "plain.so"), y[1]);
	assert_memory_equal(y[0], y[1], sizeof y[0]);
	compile_to(write_model(s), in_folder(s, "learned.so"),
		   arena_printf(s->arena, "batch=16 target.cpu=native model-weights=%s",
				in_folder(s, "learned.safetensors")));
	run_loaded(in_folder(s, "learned.so"), y[2]);
	assert_near(y[0], y[2], ROWS * CLASSES);
	k.ctx_done(ctx);
	school_close(&k);
	diary_free(&d);
}

/* m_run of several batch sizes. */
static void test_batches(void **state)
{
	Shop *s = *state;
	char ctx[BURIN_CTX_BYTES];
	float one[ROWS * CLASSES], many[ROWS * CLASSES];
	School k = school_open(school(s, "school.so", 5, "batch=1,4"), "school", 1);
	int (*run)(const void *ctx, size_t n, const float *x, float *y, void *work) =
		(int (*)(const void *, size_t, const float *, float *, void *))(uintptr_t)k.run;
	make_batch(1);
	assert_int_equal(k.ctx_init(ctx, 1), 0);
	assert_int_equal(k.prepare(NULL, k.state, k.packed, k.prepare_work), 0);
	assert_int_equal(k.ctx_set_weights(ctx, k.packed, k.packed_bytes), 0);
	assert_int_equal(run(ctx, ROWS - 1, x, many, k.run_work), 0);
	for (int i = 0; i < ROWS - 1; i++)
		assert_int_equal(run(ctx, 1, x + i * PIXELS, one + i * CLASSES, k.run_work), 0);
	assert_near(one, many, (ROWS - 1) * CLASSES);
	k.ctx_done(ctx);
	school_close(&k);
}

/* --- memory ---------------------------------------------------------------------------------- */

/* Blocks that end where memory ends, and hold anything before. */
static void test_memory(void **state)
{
	Shop *s = *state;
	char ctx[BURIN_CTX_BYTES];
	float report[2], wanted[2], y[CLASSES];
	School k = school_open(school(s, "school.so", 5, ""), "school", 1), f = k;
	size_t all[5];
	f.state = fenced(k.state_bytes, &all[0]);
	f.packed = fenced(k.packed_bytes, &all[1]);
	f.step_work = fenced(k.step_bytes, &all[2]);
	f.prepare_work = fenced(k.prepare_bytes, &all[3]);
	f.run_work = fenced(k.run_bytes, &all[4]);
	memset(f.state, 0xff, k.state_bytes);
	memset(f.packed, 0xff, k.packed_bytes);
	memset(f.step_work, 0xff, k.step_bytes);
	memset(f.prepare_work, 0xff, k.prepare_bytes);
	memset(f.run_work, 0xff, k.run_bytes);
	assert_int_equal(f.begin(f.state), 0);
	do_step(&k, NULL, 0, wanted);
	do_step(&f, NULL, 0, report);
	assert_memory_equal(report, wanted, sizeof report);
	assert_memory_equal(f.state, k.state, k.state_bytes);
	assert_int_equal(f.ctx_init(ctx, 1), 0);
	assert_int_equal(f.prepare(NULL, f.state, f.packed, f.prepare_work), 0);
	assert_memory_equal(f.state, k.state, k.state_bytes);
	assert_int_equal(f.ctx_set_weights(ctx, f.packed, f.packed_bytes), 0);
	assert_int_equal(f.run(ctx, x, y, f.run_work), 0);
	f.ctx_done(ctx);
	unfence(f.state, k.state_bytes, all[0]);
	unfence(f.packed, k.packed_bytes, all[1]);
	unfence(f.step_work, k.step_bytes, all[2]);
	unfence(f.prepare_work, k.prepare_bytes, all[3]);
	unfence(f.run_work, k.run_bytes, all[4]);
	school_close(&k);
}

static void test_refused(void **state)
{
	Shop *s = *state;
	char ctx[BURIN_CTX_BYTES];
	float rate = 0.01f, loss, right, y[CLASSES];
	School k = school_open(school(s, "school.so", 5, ""), "school", 1);
	School other = school_open(school(s, "other.so", 5, "prefix=other"), "other", 1);
	make_batch(0);
	assert_int_equal(k.begin(k.state + 8), BURIN_RT_ARG);
	assert_int_equal(k.begin(NULL), BURIN_RT_ARG);
	assert_int_equal(k.step(NULL, x, label, &rate, &loss, &right, k.state + 8, k.step_work),
			 BURIN_RT_ARG);
	assert_int_equal(k.step(NULL, x, label, NULL, &loss, &right, k.state, k.step_work),
			 BURIN_RT_ARG);
	assert_int_equal(k.step(NULL, x, label, &rate, &loss, &right, k.state, k.step_work + 8),
			 BURIN_RT_WORKSPACE);
	assert_int_equal(k.prepare(NULL, k.state, k.packed + 8, k.prepare_work), BURIN_RT_ARG);
	assert_int_equal(k.prepare(NULL, k.state, k.packed, NULL), BURIN_RT_WORKSPACE);
	assert_int_equal(k.run(NULL, x, y, k.run_work), BURIN_RT_WEIGHTS);
	label[3] = CLASSES;
	assert_int_equal(k.step(NULL, x, label, &rate, &loss, &right, k.state, k.step_work),
			 BURIN_RT_INDEX);
	label[3] = -1;
	assert_int_equal(k.step(NULL, x, label, &rate, &loss, &right, k.state, k.step_work),
			 BURIN_RT_INDEX);
	assert_int_equal(other.prepare(NULL, other.state, other.packed, other.prepare_work), 0);
	assert_int_equal(k.ctx_init(ctx, 1), 0);
	assert_int_equal(k.ctx_set_weights(ctx, other.packed, other.packed_bytes),
			 BURIN_RT_WEIGHTS);
	k.ctx_done(ctx);
	school_close(&k);
	school_close(&other);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_as_trainer), TEST(test_goes_on), TEST(test_packed),
		TEST(test_batches),    TEST(test_memory),  TEST(test_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
