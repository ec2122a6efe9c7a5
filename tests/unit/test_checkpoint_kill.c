/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* What was acknowledged survives a kill at any moment. A child saves checkpoints without end and
 * tells the number of each through a pipe once the call has returned; it is killed after a random
 * time. Then the file must hold the state of that number or a later one, whole. The same run
 * against a control that writes in place must find torn files, or it shows nothing. */
#include "include/burin.h"
#include "tests/unit/check.h"
#include <fcntl.h>
#include <stdbool.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { KILLS = 100 };

static const char model[] =
	"<graph><input id='x' shape='N,256'/><linear id='fc' units='512'/><output/>"
	"<training loss='l'><reduce_mean id='l' in='fc'/><adam/></training></graph>";

typedef struct Fixture {
	char folder[64], path[96];
	burin_opts *o;
	burin_graph *g;
	burin_trainer *t;
} Fixture;

static int set_up(void **state)
{
	static Fixture f;
	burin_error e = { .size = sizeof e };
	char xml[96];
	f = (Fixture){ .folder = "/tmp/burin-kill-XXXXXX" };
	*state = &f;
	if (!mkdtemp(f.folder))
		return -1;
	snprintf(f.path, sizeof f.path, "%s/checkpoint.safetensors", f.folder);
	snprintf(xml, sizeof xml, "%s/m.xml", f.folder);
	FILE *file = fopen(xml, "w");
	fputs(model, file);
	fclose(file);
	burin_status s = burin_opts_new(&f.o, &e);
	s = s ? s : burin_opts_set(f.o, "bind.N", "4", &e);
	s = s ? s : burin_opts_set(f.o, "threads", "1", &e);
	s = s ? s : burin_opts_set(f.o, "model-weights", "init:seed=1", &e);
	s = s ? s : burin_read(&f.g, xml, f.o, NULL, &e);
	s = s ? s : burin_trainer_new(&f.t, f.g, f.o, NULL, &e);
	if (s)
		print_error("%s\n", e.message);
	return (int)s;
}

static int tear_down(void **state)
{
	Fixture *f = *state;
	char command[128];
	burin_trainer_free(f->t);
	burin_graph_free(f->g);
	burin_opts_free(f->o);
	snprintf(command, sizeof command, "rm -rf '%s'", f->folder);
	return system(command);
}

static int64_t floats_of(const burin_port *port)
{
	int64_t count = port->spec.dtype.bits == 32;
	for (int d = 0; d < port->spec.ndim; d++)
		count *= port->spec.shape[d];
	return count;
}

/* Every element of the state becomes the number, so that a mixture of two shows. */
static void set_state(Fixture *f, int number)
{
	const burin_port *port;
	size_t n = burin_trainer_state(f->t, &port);
	for (size_t i = 0; i < n; i++)
		for (int64_t k = 0; k < floats_of(&port[i]); k++)
			((float *)port[i].spec.data)[k] = (float)number;
}

static bool state_is(Fixture *f, int number)
{
	const burin_port *port;
	size_t n = burin_trainer_state(f->t, &port);
	for (size_t i = 0; i < n; i++)
		for (int64_t k = 0; k < floats_of(&port[i]); k++)
			if (((float *)port[i].spec.data)[k] != (float)number)
				return false;
	return true;
}

/* The control: the bytes of a good checkpoint, written over the old ones. */
static bool save_in_place(Fixture *f, const char *note)
{
	char aside[128];
	static char bytes[4 << 20];
	snprintf(aside, sizeof aside, "%s/aside", f->folder);
	if (burin_checkpoint_save(f->t, aside, note, NULL) != BURIN_OK)
		return false;
	FILE *file = fopen(aside, "rb");
	size_t n = fread(bytes, 1, sizeof bytes, file);
	fclose(file);
	int fd = open(f->path, O_WRONLY | O_CREAT | O_TRUNC, 0666);
	for (size_t at = 0; at < n; at += 65536)
		if (write(fd, bytes + at, n - at < 65536 ? n - at : 65536) < 0)
			return false;
	return fsync(fd) == 0 && close(fd) == 0;
}

static void save_for_ever(Fixture *f, int number, int pipe_end, bool in_place)
{
	char note[32];
	for (;; number++) {
		set_state(f, number);
		snprintf(note, sizeof note, "{\"number\":%d}", number);
		bool ok = in_place ? save_in_place(f, note)
				   : burin_checkpoint_save(f->t, f->path, note, NULL) == BURIN_OK;
		if (!ok || write(pipe_end, &number, sizeof number) != sizeof number)
			_exit(1);
	}
}

static int64_t now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000ll + t.tv_nsec;
}

/* Up to four times as long as one save takes here. */
static void wait_random(unsigned *random, int64_t save)
{
	*random = *random * 1664525u + 1013904223u;
	int64_t wait = 1000000 + (int64_t)((double)(*random >> 8) / (1 << 24) * 4 * (double)save);
	struct timespec t = { wait / 1000000000, wait % 1000000000 };
	nanosleep(&t, NULL);
}

/* The last number that came through the pipe, or `before`. */
static int last_number(int pipe_end, int before)
{
	int number;
	while (read(pipe_end, &number, sizeof number) == sizeof number)
		before = number;
	return before;
}

/* The number that the file holds; -1: it is torn. */
static int loaded_number(Fixture *f)
{
	const char *note = NULL;
	int number = -1;
	if (burin_checkpoint_load(f->t, f->path, &note, NULL) != BURIN_OK || !note ||
	    sscanf(note, "{\"number\":%d}", &number) != 1)
		return -1;
	return state_is(f, number) ? number : -1;
}

/* How often what was acknowledged was lost. */
static int kill_often(Fixture *f, bool in_place, int *saved)
{
	int lost = 0, last = 0;
	unsigned random = 12345;
	set_state(f, 0);
	int64_t start = now();
	assert_int_equal(burin_checkpoint_save(f->t, f->path, "{\"number\":0}", NULL), BURIN_OK);
	int64_t save = now() - start;
	for (int i = 0; i < KILLS; i++) {
		int ends[2], status;
		assert_int_equal(pipe(ends), 0);
		pid_t child = fork();
		if (child == 0)
			save_for_ever(f, last + 1, ends[1], in_place);
		close(ends[1]);
		wait_random(&random, save);
		kill(child, SIGKILL);
		waitpid(child, &status, 0);
		assert_true(WIFSIGNALED(status));
		last = last_number(ends[0], last);
		close(ends[0]);
		int found = loaded_number(f);
		lost += found < last;
		last = found > last ? found : last;
	}
	*saved = last;
	return lost;
}

static void acknowledged_checkpoints_survive(void **state)
{
	int saved;
	assert_int_equal(kill_often(*state, false, &saved), 0);
	print_message("%d kills, %d checkpoints saved, none lost\n", KILLS, saved);
	assert_true(saved > KILLS / 5);
}

static void writing_in_place_tears(void **state)
{
	int saved, torn = kill_often(*state, true, &saved);
	print_message("in place: %d of %d kills tore the file\n", torn, KILLS);
	assert_true(torn > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(acknowledged_checkpoints_survive, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(writing_in_place_tears, set_up, tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
