/* 30 steps of training against PyTorch: the same weights and batches, losses within 1e-3. The
 * reference is made by bench/make_train_reference.py. */
#include "base/io.h"
#include "frontend/frontend.h"
#include "include/burin.h"
#include "runtime/model.h"
#include "tests/unit/check.h"
#include <math.h>
#include <stdio.h>

#define DATA BURIN_SOURCE_DIR "/tests/data/train/"
enum { STEPS = 30, BATCHES = 4, BATCH = 16 };

typedef struct Run {
	burin_opts *o;
	burin_graph *g;
	burin_trainer *t;
	Context *c;
	WeightSet *data;
	double want[STEPS];
} Run;

static void check_status(burin_status s, const burin_error *e)
{
	if (s != BURIN_OK)
		fail_msg("%s (%s)", e->message, e->hint);
}

static void read_losses(Run *r, const char *name)
{
	IoText text;
	IoError e;
	const char *path = arena_printf(r->c->arena, DATA "%s.losses", name);
	assert_true(io_read(path, r->c->arena, 1 << 16, &text, &e));
	const char *at = text.at;
	for (int i = 0; i < STEPS; i++) {
		size_t n = strcspn(at, "\n");
		assert_true(parse_f64(at, n, &r->want[i]));
		at += n + 1;
	}
}

static void begin(Run *r, const char *name, const char *threads)
{
	burin_error e = { .size = sizeof e };
	r->c = context_create();
	const char *model = arena_printf(r->c->arena, DATA "%s.xml", name);
	const char *data = arena_printf(r->c->arena, DATA "%s.npz", name);
	assert_int_equal(burin_opts_new(&r->o, NULL), BURIN_OK);
	assert_int_equal(burin_opts_set(r->o, "bind.N", "16", NULL), BURIN_OK);
	assert_int_equal(burin_opts_set(r->o, "threads", threads, NULL), BURIN_OK);
	check_status(burin_read(&r->g, model, r->o, NULL, &e), &e);
	check_status(burin_trainer_new(&r->t, r->g, r->o, NULL, &e), &e);
	r->data = weights_open(r->c, r->c->arena, data, (Loc){ 0 });
	assert_non_null(r->data);
	read_losses(r, name);
}

static void end(Run *r)
{
	weights_close(r->data);
	burin_trainer_free(r->t);
	burin_graph_free(r->g);
	burin_opts_free(r->o);
	context_destroy(r->c);
}

/* Batch k of each input of the step. */
static size_t fill(Run *r, int k, burin_tensor in[4], int64_t shape[4][MAX_RANK])
{
	const burin_port *port;
	size_t n = burin_trainer_inputs(r->t, &port);
	assert_true(n <= 4);
	for (size_t i = 0; i < n; i++) {
		const Blob *b = weights_find(r->data, port[i].name);
		assert_non_null(b);
		const Type *t = b->type;
		size_t batch = (size_t)(type_bytes(t) / BATCHES);
		memcpy(shape[i], t->dim, sizeof *shape);
		shape[i][0] = BATCH;
		in[i] = (burin_tensor){ .data = (char *)(uintptr_t)b->data + (size_t)k * batch,
					.device = { .type = 1 },
					.ndim = t->rank,
					.dtype = { dl_types[t->dtype].code, dl_types[t->dtype].bits,
						   1 },
					.shape = shape[i] };
	}
	return n;
}

static void follow(const char *name, const char *threads, double rate)
{
	Run r = { 0 };
	double worst = 0, loss;
	burin_error e = { .size = sizeof e };
	begin(&r, name, threads);
	for (int i = 0; i < STEPS; i++) {
		burin_tensor in[4];
		int64_t shape[4][MAX_RANK];
		size_t n = fill(&r, i % BATCHES, in, shape);
		check_status(burin_train_step(r.t, rate, in, n, &loss, 1, &e), &e);
		worst = fmax(worst, fabs(loss - r.want[i]));
		if (!(fabs(loss - r.want[i]) <= 1e-3))
			fail_msg("%s, step %d: loss %.9g, PyTorch has %.9g", name, i, loss,
				 r.want[i]);
	}
	print_message("%s, %s threads: within %.2g of PyTorch\n", name, threads, worst);
	end(&r);
}

static void mlp_with_adamw(void **state)
{
	(void)state;
	follow("mlp", "1", 0.01);
	follow("mlp", "3", 0.01);
}

static void cnn_with_momentum(void **state)
{
	(void)state;
	follow("cnn", "1", 0.05);
	follow("cnn", "2", 0.05);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(mlp_with_adamw),
		cmocka_unit_test(cnn_with_momentum),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
