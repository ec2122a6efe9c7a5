/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* 30 steps of training against PyTorch: the same weights and batches, losses within 1e-3; and 12
 * steps of each optimiser, losses and parameters. The reference is made by
 * bench/make_train_reference.py. */
#include "base/io.h"
#include "frontend/frontend.h"
#include "include/burin.h"
#include "runtime/model.h"
#include "tests/unit/check.h"
#include <math.h>
#include <stdio.h>

#define DATA BURIN_SOURCE_DIR "/tests/data/train/"
enum { STEPS = 30, OPTIMIZER_STEPS = 12, BATCHES = 4, BATCH = 16 };

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

static void begin(Run *r, const char *model, const char *data, const char *threads)
{
	burin_error e = { .size = sizeof e };
	r->c = context_create();
	assert_int_equal(burin_opts_new(&r->o, NULL), BURIN_OK);
	assert_int_equal(burin_opts_set(r->o, "bind.N", "16", NULL), BURIN_OK);
	assert_int_equal(burin_opts_set(r->o, "threads", threads, NULL), BURIN_OK);
	if (!str_starts(model, DATA)) /* else it names them */
		check_status(burin_opts_set(r->o, "model-weights", DATA "mlp.safetensors", &e), &e);
	check_status(burin_read(&r->g, model, r->o, NULL, &e), &e);
	check_status(burin_trainer_new(&r->t, r->g, r->o, NULL, &e), &e);
	r->data = weights_open(r->c, r->c->arena, data, (Loc){ 0 });
	assert_non_null(r->data);
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

/* Those of c1 and b1, where the model says trainable="no". */
static void frozen_parameters_are_kept(Run *r)
{
	const burin_port *port;
	size_t n = burin_trainer_state(r->t, &port);
	bool frozen = str_eq(r->g->graph->name, "frozen");
	for (size_t i = 0; frozen && i < n; i++) {
		const char *name = port[i].name;
		const Blob *start = weights_find(r->g->weights, name);
		if (!start)
			continue;
		size_t bytes = (size_t)type_bytes(start->type);
		bool same = memcmp(port[i].spec.data, start->data, bytes) == 0;
		assert_int_equal(same, str_starts(name, "c1.") || str_starts(name, "b1."));
	}
}

static void follow(const char *name, const char *threads, double rate)
{
	Run r = { 0 };
	double worst = 0, loss;
	burin_error e = { .size = sizeof e };
	char model[256], data[256];
	snprintf(model, sizeof model, DATA "%s.xml", name);
	snprintf(data, sizeof data, DATA "%s.npz", name);
	begin(&r, model, data, threads);
	read_losses(&r, name);
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
	frozen_parameters_are_kept(&r);
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

/* trainable="no" on the first convolution and batchnorm; PyTorch has them in eval() with gradients
 * off. What is frozen keeps every bit. */
static void a_frozen_backbone(void **state)
{
	(void)state;
	follow("frozen", "1", 0.05);
	follow("frozen", "2", 0.05);
}

/* --- every optimiser ------------------------------------------------------------------------- */

typedef struct Optimizer {
	const char *name, *element;
	double rate;
} Optimizer;

static const Optimizer optimizers[] = {
	{ "sgd", "<sgd/>", 0.05 },
	{ "sgd_decay", "<sgd weight_decay='0.1'/>", 0.05 },
	{ "momentum", "<momentum/>", 0.02 },
	{ "momentum_decay", "<momentum momentum='0.8' weight_decay='0.1'/>", 0.02 },
	{ "nesterov", "<momentum nesterov='1'/>", 0.02 },
	{ "nesterov_decay", "<momentum nesterov='1' weight_decay='0.1'/>", 0.02 },
	{ "adam", "<adam/>", 0.01 },
	{ "adam_decay", "<adam beta1='0.8' beta2='0.99' eps='1e-6' weight_decay='0.1'/>", 0.01 },
	{ "adamw", "<adamw weight_decay='0'/>", 0.01 },
	{ "adamw_decay", "<adamw beta1='0.8' beta2='0.99' eps='1e-6' weight_decay='0.2'/>", 0.01 },
};

/* The mlp with another optimiser. */
static void write_model(const char *path, const char *element)
{
	FILE *f = fopen(path, "w");
	assert_non_null(f);
	fprintf(f,
		"<graph name='mlp'><input id='x' shape='N,12'/><linear id='fc1' units='24'/><tanh/>"
		"<linear id='fc2' units='16'/><gelu/><layernorm id='ln'/>"
		"<linear id='fc3' units='3'/><output id='y'/>"
		"<training loss='loss'><input id='target' shape='N,3'/>"
		"<mse id='loss' in='fc3 target'/>%s</training></graph>",
		element);
	assert_int_equal(fclose(f), 0);
}

static const Blob *reference(Run *r, const char *name, const char *of)
{
	const Blob *b = weights_find(r->data, arena_printf(r->c->arena, "%s.%s", name, of));
	if (!b)
		fail_msg("no %s.%s in the reference", name, of);
	return b;
}

/* The largest distance of a trained parameter from PyTorch's. */
static double parameter_distance(Run *r, const char *name)
{
	const burin_port *port;
	double worst = 0;
	size_t n = burin_trainer_state(r->t, &port), compared = 0;
	for (size_t i = 0; i < n; i++) {
		if (port[i].name[0] == '.')
			continue;
		const Blob *want = reference(r, name, port[i].name);
		const float *have = port[i].spec.data;
		for (int64_t k = 0; k < want->type->count; k++)
			worst = fmax(worst, fabs((double)have[k] - blob_f64(want, k)));
		compared++;
	}
	assert_int_equal(compared, 8);
	return worst;
}

static void follow_optimizer(const Optimizer *o, const char *model)
{
	Run r = { 0 };
	double worst = 0, loss;
	burin_error e = { .size = sizeof e };
	begin(&r, model, DATA "optimizers.npz", "1");
	const Blob *want = reference(&r, o->name, "losses");
	for (int i = 0; i < OPTIMIZER_STEPS; i++) {
		burin_tensor in[4];
		int64_t shape[4][MAX_RANK];
		size_t n = fill(&r, i % BATCHES, in, shape);
		check_status(burin_train_step(r.t, o->rate, in, n, &loss, 1, &e), &e);
		worst = fmax(worst, fabs(loss / blob_f64(want, i) - 1));
	}
	double distance = parameter_distance(&r, o->name);
	print_message("%s: losses within %.2g of PyTorch (relative), parameters within %.2g\n",
		      o->name, worst, distance);
	assert_true(worst <= 2e-6);
	assert_true(distance <= 2e-6);
	end(&r);
}

static void every_optimizer(void **state)
{
	const char *model = BURIN_BUILD_DIR "/test_train_reference.xml";
	(void)state;
	for (size_t i = 0; i < sizeof optimizers / sizeof *optimizers; i++) {
		write_model(model, optimizers[i].element);
		follow_optimizer(&optimizers[i], model);
	}
	remove(model);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(mlp_with_adamw),
		cmocka_unit_test(cnn_with_momentum),
		cmocka_unit_test(a_frozen_backbone),
		cmocka_unit_test(every_optimizer),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
