/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The public interface with each pointer argument NULL in turn: what is needed is refused with
 * BURIN_E_ARG and a message, what may be left out is not missed. Each function of burin.h has a row
 * here; a new one without fails test_complete. */
#include "include/burin.h"
#include "tests/unit/check.h"
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char model_text[] =
	"<graph name=\"m\"><input id=\"x\" shape=\"N,4\"/><linear id=\"l\" units=\"3\"/>"
	"<output id=\"y\"/><training loss=\"loss\" batch=\"2\"><input id=\"t\" shape=\"N,3\"/>"
	"<sub id=\"d\" in=\"l t\"/><mul id=\"s\" in=\"d d\"/><reduce_mean id=\"loss\"/><sgd/>"
	"</training></graph>";

/* What the calls work on; and the call under way, whose argument number `gone` is NULL. */
typedef struct World {
	char folder[32], xml[64], so[64], out[64], note[8];
	burin_opts *opts;
	burin_graph *graph;
	burin_model *model;
	burin_exec *exec;
	burin_trainer *trainer;
	const void *descriptor;
	float x[8], t[6], y[6];
	int64_t x_shape[2], t_shape[2];
	burin_tensor in[2], result[1];
	burin_error err;
	int gone;
} World;
static World w;

/* Argument number i. */
#define P(i, pointer) (w.gone == (i) ? NULL : (pointer))
#define ERR(i) P(i, &w.err)
#define NO_HOOKS NULL

static int on_progress(void *user, const char *stage, uint64_t done, uint64_t total)
{
	(void)user, (void)stage, (void)done, (void)total;
	return 0;
}
static const burin_hooks hooks = { .size = sizeof hooks, .progress = on_progress };

static void on_kernel(void *user, const burin_kernel_time *k)
{
	(void)user, (void)k;
}

static void serial(void *user, uint32_t count, burin_task_fn fn, void *task)
{
	(void)user;
	for (uint32_t i = 0; i < count; i++)
		fn(task, i);
}

/* --- one function each ------------------------------------------------------------------------ */

static burin_status call_opts_new(void)
{
	burin_opts *o = NULL;
	burin_status s = burin_opts_new(P(0, &o), ERR(1));
	burin_opts_free(o);
	return s;
}

static burin_status call_opts_set(void)
{
	return burin_opts_set(P(0, w.opts), P(1, "threads"), P(2, "1"), ERR(3));
}

static burin_status call_load(void)
{
	burin_model *m = NULL;
	burin_status s = burin_load(P(0, &m), P(1, w.so), P(2, w.opts), ERR(3));
	burin_model_free(m);
	return s;
}

static burin_status call_load_static(void)
{
	burin_model *m = NULL;
	burin_status s = burin_load_static(P(0, &m), P(1, w.descriptor), P(2, w.opts), ERR(3));
	burin_model_free(m);
	return s;
}

static burin_status call_inputs(void)
{
	const burin_port *port = (const burin_port *)&w;
	size_t n = burin_inputs(P(0, w.model), P(1, &port));
	return n == 1 && port ? BURIN_OK : n == 0 && !port ? BURIN_E_ARG : BURIN_E_INTERNAL;
}

static burin_status call_outputs(void)
{
	const burin_port *port = (const burin_port *)&w;
	size_t n = burin_outputs(P(0, w.model), P(1, &port));
	return n == 1 && port ? BURIN_OK : n == 0 && !port ? BURIN_E_ARG : BURIN_E_INTERNAL;
}

static burin_status call_metadata(void)
{
	return strlen(burin_metadata_json(P(0, w.model))) > 2 ? BURIN_OK : BURIN_E_ARG;
}

static burin_status call_workspace(void)
{
	size_t bytes, align;
	return burin_workspace(P(0, w.model), P(1, w.opts), P(2, &bytes), P(3, &align), ERR(4));
}

static burin_status call_exec_new(void)
{
	burin_exec *e = NULL;
	_Alignas(64) static char workspace[1 << 16];
	burin_status s = burin_exec_new(P(0, &e), P(1, w.model), P(2, workspace), sizeof workspace,
					P(3, w.opts), ERR(4));
	burin_exec_free(e);
	return s;
}

static burin_status call_run(void)
{
	return burin_run(P(0, w.exec), P(1, w.in), 1, P(2, w.result), 1, ERR(3));
}

static burin_status call_set_parallel(void)
{
	return burin_exec_set_parallel(P(0, w.exec), P(1, serial), P(2, &w), ERR(3));
}

static burin_status call_profile(void)
{
	return burin_profile(P(0, w.exec), P(1, on_kernel), P(2, &w), ERR(3));
}

static burin_status call_read(void)
{
	burin_graph *g = NULL;
	burin_status s = burin_read(P(0, &g), P(1, w.xml), w.opts, P(2, &hooks), ERR(3));
	burin_graph_free(g);
	return s;
}

static burin_status call_write(void)
{
	return burin_write(P(0, w.graph), P(1, w.out), P(2, w.opts), ERR(3));
}

static burin_status call_compile(void)
{
	burin_model *m = NULL;
	burin_status s = burin_compile(P(0, w.graph), P(1, w.so), P(2, &m), P(3, w.opts),
				       P(4, &hooks), ERR(5));
	burin_model_free(m);
	return s;
}

static burin_status call_compile_nothing(void)
{
	return burin_compile(w.graph, NULL, NULL, P(0, w.opts), P(1, &hooks), ERR(2));
}

static burin_status call_trainer_new(void)
{
	burin_trainer *t = NULL;
	burin_status s =
		burin_trainer_new(P(0, &t), P(1, w.graph), P(2, w.opts), P(3, &hooks), ERR(4));
	burin_trainer_free(t);
	return s;
}

static burin_status trainer_ports(size_t (*f)(const burin_trainer *, const burin_port **),
				  size_t wanted)
{
	const burin_port *port = (const burin_port *)&w;
	size_t n = f(P(0, w.trainer), P(1, &port));
	return n == wanted && port ? BURIN_OK : n == 0 && !port ? BURIN_E_ARG : BURIN_E_INTERNAL;
}

static burin_status call_trainer_inputs(void)
{
	return trainer_ports(burin_trainer_inputs, 2);
}

static burin_status call_trainer_metrics(void)
{
	return trainer_ports(burin_trainer_metrics, 1);
}

static burin_status call_trainer_state(void)
{
	const burin_port *port = (const burin_port *)&w;
	size_t n = burin_trainer_state(P(0, w.trainer), P(1, &port));
	return n >= 2 && port ? BURIN_OK : n == 0 && !port ? BURIN_E_ARG : BURIN_E_INTERNAL;
}

static burin_status call_train_step(void)
{
	double loss;
	return burin_train_step(P(0, w.trainer), 0.1, P(1, w.in), 2, P(2, &loss), 1, ERR(3));
}

static burin_status call_eval_step(void)
{
	double loss;
	return burin_eval_step(P(0, w.trainer), P(1, w.in), 2, P(2, &loss), 1, ERR(3));
}

static burin_status call_trainer_profile(void)
{
	double loss;
	if (burin_train_step(w.trainer, 0.1, w.in, 2, &loss, 1, NULL) != BURIN_OK)
		return BURIN_E_INTERNAL;
	return burin_trainer_profile(P(0, w.trainer), P(1, on_kernel), P(2, &w), ERR(3));
}

static burin_status call_checkpoint_save(void)
{
	return burin_checkpoint_save(P(0, w.trainer), P(1, w.out), P(2, w.note), ERR(3));
}

static burin_status call_checkpoint_load(void)
{
	const char *note;
	if (burin_checkpoint_save(w.trainer, w.out, w.note, NULL) != BURIN_OK)
		return BURIN_E_INTERNAL;
	return burin_checkpoint_load(P(0, w.trainer), P(1, w.out), P(2, &note), ERR(3));
}

static burin_status call_trainer_weights(void)
{
	return burin_trainer_weights(P(0, w.trainer), P(1, w.out), ERR(2));
}

static burin_status call_frees(void)
{
	burin_opts_free(NULL);
	burin_model_free(NULL);
	burin_exec_free(NULL);
	burin_graph_free(NULL);
	burin_trainer_free(NULL);
	return BURIN_OK;
}

/* For each pointer argument: n: it is needed; -: it may be NULL. */
static const struct {
	const char *name;
	burin_status (*call)(void);
	const char *arguments;
} row[] = {
	{ "burin_opts_new", call_opts_new, "n-" },
	{ "burin_opts_set", call_opts_set, "nnn-" },
	{ "burin_load", call_load, "nn--" },
	{ "burin_load_static", call_load_static, "nn--" },
	{ "burin_inputs", call_inputs, "n-" },
	{ "burin_outputs", call_outputs, "n-" },
	{ "burin_metadata_json", call_metadata, "n" },
	{ "burin_workspace", call_workspace, "n-nn-" },
	{ "burin_exec_new", call_exec_new, "nn---" },
	{ "burin_run", call_run, "nnn-" },
	{ "burin_exec_set_parallel", call_set_parallel, "n---" },
	{ "burin_profile", call_profile, "n---" },
	{ "burin_read", call_read, "nn--" },
	{ "burin_write", call_write, "nn--" },
	{ "burin_compile", call_compile, "n-----" },
	{ "burin_trainer_new", call_trainer_new, "nn---" },
	{ "burin_trainer_inputs", call_trainer_inputs, "n-" },
	{ "burin_trainer_metrics", call_trainer_metrics, "n-" },
	{ "burin_trainer_state", call_trainer_state, "n-" },
	{ "burin_train_step", call_train_step, "nn--" },
	{ "burin_eval_step", call_eval_step, "nn--" },
	{ "burin_trainer_profile", call_trainer_profile, "n---" },
	{ "burin_checkpoint_save", call_checkpoint_save, "nn--" },
	{ "burin_checkpoint_load", call_checkpoint_load, "nn--" },
	{ "burin_trainer_weights", call_trainer_weights, "nn-" },
	{ "burin_opts_free", call_frees, "" },
	{ "burin_model_free", call_frees, "" },
	{ "burin_exec_free", call_frees, "" },
	{ "burin_graph_free", call_frees, "" },
	{ "burin_trainer_free", call_frees, "" },
};
enum { ROWS = sizeof row / sizeof row[0] };

/* --- tests ------------------------------------------------------------------------------------ */

static burin_status call(int r, int gone)
{
	w.gone = gone;
	memset(&w.err, 0, sizeof w.err);
	w.err.size = sizeof w.err;
	burin_status s = row[r].call();
	/* what this call left behind is as it was */
	w.gone = -1;
	assert_int_equal(burin_exec_set_parallel(w.exec, NULL, NULL, NULL), BURIN_OK);
	return s;
}

/* The functions that tell no status have no error to fill. */
static bool has_error(int r)
{
	return !strstr(row[r].name, "puts") && !strstr(row[r].name, "metadata") &&
	       !strstr(row[r].name, "metrics") && !strstr(row[r].name, "trainer_state");
}

static void test_each(void **state)
{
	(void)state;
	for (int r = 0; r < ROWS; r++) {
		int n = (int)strlen(row[r].arguments);
		burin_status s = call(r, -1);
		if (s != BURIN_OK)
			fail_msg("%s: %s (%s)", row[r].name, burin_status_name(s), w.err.message);
		for (int i = 0; i < n; i++) {
			bool needed = row[r].arguments[i] == 'n';
			s = call(r, i);
			bool same_ports = !has_error(r) && i == 1; /* nothing to tell them to */
			if (!same_ports && s != (needed ? BURIN_E_ARG : BURIN_OK))
				fail_msg("%s without pointer %d: %s", row[r].name, i,
					 burin_status_name(s));
			if (needed && has_error(r) && !w.err.message[0])
				fail_msg("%s without pointer %d says nothing", row[r].name, i);
		}
	}
	w.gone = -1;
	assert_int_equal(call_compile_nothing(), BURIN_E_ARG);
}

/* Needed pointers all gone, and no error to fill. */
static void test_without_error(void **state)
{
	(void)state;
	assert_int_equal(burin_opts_new(NULL, NULL), BURIN_E_ARG);
	assert_int_equal(burin_opts_set(NULL, NULL, NULL, NULL), BURIN_E_ARG);
	burin_status s = burin_load(NULL, NULL, NULL, NULL);
	assert_int_equal(s, BURIN_E_ARG);
	s = burin_load_static(NULL, NULL, NULL, NULL);
	assert_int_equal(s, BURIN_E_ARG);
	assert_int_equal(burin_workspace(NULL, NULL, NULL, NULL, NULL), BURIN_E_ARG);
	s = burin_exec_new(NULL, NULL, NULL, 0, NULL, NULL);
	assert_int_equal(s, BURIN_E_ARG);
	assert_int_equal(burin_run(NULL, NULL, 0, NULL, 0, NULL), BURIN_E_ARG);
	s = burin_read(NULL, NULL, NULL, NULL, NULL);
	assert_int_equal(s, BURIN_E_ARG);
	assert_int_equal(burin_write(NULL, NULL, NULL, NULL), BURIN_E_ARG);
	s = burin_compile(NULL, NULL, NULL, NULL, NULL, NULL);
	assert_int_equal(s, BURIN_E_ARG);
	s = burin_trainer_new(NULL, NULL, NULL, NULL, NULL);
	assert_int_equal(s, BURIN_E_ARG);
	assert_int_equal(burin_train_step(NULL, 0, NULL, 0, NULL, 0, NULL), BURIN_E_ARG);
	assert_int_equal(burin_eval_step(NULL, 0, 0, NULL, 0, NULL), BURIN_E_ARG);
	assert_int_equal(burin_checkpoint_save(NULL, NULL, NULL, NULL), BURIN_E_ARG);
	assert_int_equal(burin_checkpoint_load(NULL, NULL, NULL, NULL), BURIN_E_ARG);
	assert_int_equal(burin_trainer_weights(NULL, NULL, NULL), BURIN_E_ARG);
}

/* The header's functions that take a pointer are the rows. */
static void test_complete(void **state)
{
	char line[4096];
	int found = 0;
	FILE *f = popen("sed -n '/^BURIN_API/,/;/p' " BURIN_SOURCE_DIR "/include/burin.h | "
			"tr '\\n' ' ' | "
			"grep -o 'BURIN_API [^;(]*([^;]*;' | "
			"sed 's/^[^(]*\\b\\(burin_[a-z_]*\\)(\\(.*\\)/\\1 \\2/'",
			"r");
	(void)state;
	assert_non_null(f);
	while (fgets(line, sizeof line, f)) {
		char *end = strchr(line, ' ');
		assert_non_null(end);
		*end++ = 0;
		if (!strchr(end, '*') && !strstr(end, "_fn"))
			continue;
		bool known = false;
		for (int r = 0; r < ROWS; r++)
			known = known || strcmp(row[r].name, line) == 0;
		if (!known)
			fail_msg("%s has no row", line);
		found++;
	}
	pclose(f);
	assert_int_equal(found, ROWS);
}

static void make_tensors(void)
{
	w.x_shape[0] = w.t_shape[0] = 2;
	w.x_shape[1] = 4;
	w.t_shape[1] = 3;
	burin_tensor f32 = { .device = { 1, 0 }, .ndim = 2, .dtype = { 2, 32, 1 } };
	w.in[0] = w.in[1] = w.result[0] = f32;
	w.in[0].data = w.x;
	w.in[0].shape = w.x_shape;
	w.in[1].data = w.t;
	w.in[1].shape = w.result[0].shape = w.t_shape;
	w.result[0].data = w.y;
}

static int open_world(void **state)
{
	burin_error e = { .size = sizeof e };
	double loss;
	(void)state;
	strcpy(w.folder, "/tmp/burin-null-XXXXXX");
	if (!mkdtemp(w.folder))
		return 1;
	snprintf(w.xml, sizeof w.xml, "%s/m.xml", w.folder);
	snprintf(w.so, sizeof w.so, "%s/m.so", w.folder);
	snprintf(w.out, sizeof w.out, "%s/out.xml", w.folder);
	FILE *f = fopen(w.xml, "w");
	if (!f || fputs(model_text, f) < 0 || fclose(f) != 0)
		return 1;
	w.gone = -1;
	make_tensors();
	if (burin_opts_new(&w.opts, &e) || burin_opts_set(w.opts, "bind.N", "2", &e) ||
	    burin_opts_set(w.opts, "cache", "off", &e) ||
	    burin_opts_set(w.opts, "model-weights", "random:seed=1", &e) ||
	    burin_read(&w.graph, w.xml, w.opts, NULL, &e) ||
	    burin_compile(w.graph, w.so, NULL, w.opts, NULL, &e) ||
	    burin_load(&w.model, w.so, w.opts, &e) ||
	    burin_exec_new(&w.exec, w.model, NULL, 0, w.opts, &e) ||
	    burin_profile(w.exec, NULL, NULL, &e) ||
	    burin_trainer_new(&w.trainer, w.graph, w.opts, NULL, &e) ||
	    burin_trainer_profile(w.trainer, NULL, NULL, &e) ||
	    burin_train_step(w.trainer, 0.1, w.in, 2, &loss, 1, &e)) {
		print_error("%s\n", e.message);
		return 1;
	}
	/* the program of a model that is linked in */
	w.descriptor = *(const void *const *)(const void *)w.model;
	return 0;
}

static int close_world(void **state)
{
	char command[80];
	(void)state;
	burin_trainer_free(w.trainer);
	burin_exec_free(w.exec);
	burin_model_free(w.model);
	burin_graph_free(w.graph);
	burin_opts_free(w.opts);
	snprintf(command, sizeof command, "rm -r %s", w.folder);
	return system(command);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each),
		cmocka_unit_test(test_without_error),
		cmocka_unit_test(test_complete),
	};
	return cmocka_run_group_tests(tests, open_world, close_world);
}
