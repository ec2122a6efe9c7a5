/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Trains two models that are linked in, by turns. Between two getppid, which a trace shows, nothing
 * is asked of the system or of the allocator. Writes the losses of both. */
#include "counted.h"
#include "one.h"
#include "two.h"
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { STEPS = 20, ROWS = ONE_TRAIN_BATCH };

#define BLOCK(name, bytes) static char name[bytes] __attribute__((aligned(64)))
BLOCK(state1, ONE_STATE_BYTES);
BLOCK(state2, TWO_STATE_BYTES);
BLOCK(packed, ONE_PACKED_BYTES);
BLOCK(step1, ONE_TRAIN_STEP_WORKSPACE_BYTES);
BLOCK(step2, TWO_TRAIN_STEP_WORKSPACE_BYTES);
BLOCK(prepare1, ONE_PREPARE_WORKSPACE_BYTES);
BLOCK(run1, ONE_WORKSPACE_BYTES);

static float x[ROWS * 64], y[4], loss[2][STEPS];
static int64_t label[ROWS];

static int steps(const one_ctx *one, const two_ctx *two)
{
	float rate = 0.01f, right;
	int wrong = 0;
	for (int i = 0; i < STEPS; i++) {
		wrong |= one_train_step(one, x, label, &rate, &loss[0][i], &right, state1, step1);
		wrong |= two_train_step(two, x, label, &rate, &loss[1][i], &right, state2, step2);
	}
	return wrong;
}

static int learn(const one_ctx *one, const two_ctx *two)
{
	float rate = 0.01f, right, first;
	int wrong = one_state_init(state1) | two_state_init(state2) |
		    one_train_step(one, x, label, &rate, &first, &right, state1, step1) |
		    one_prepare(one, state1, packed, prepare1);
	wrong |= one_state_init(state1);
	counting = 1;
	syscall(SYS_getppid);
	wrong |= steps(one, two) | one_prepare(one, state1, packed, prepare1) |
		 one_run(one, x, y, run1);
	syscall(SYS_getppid);
	counting = 0;
	return wrong;
}

int main(void)
{
	static one_ctx one;
	static two_ctx two;
	for (int i = 0; i < ROWS; i++) {
		for (int k = 0; k < 64; k++)
			x[i * 64 + k] = (float)((i * 7919 + k * 31) % 101) / 101.0f - 0.5f;
		label[i] = i % 4;
	}
	if (one_ctx_init(&one, 1) || two_ctx_init(&two, 1) ||
	    one_ctx_set_weights(&one, packed, sizeof packed) == ONE_OK)
		return 1;
	if (one_state_init(state1) || one_prepare(NULL, state1, packed, prepare1) ||
	    one_ctx_set_weights(&one, packed, sizeof packed))
		return 2;
	if (learn(&one, &two))
		return 3;
	one_ctx_done(&one);
	two_ctx_done(&two);
	fwrite(loss, sizeof loss, 1, stdout);
	return asked ? 4 : fflush(stdout) != 0;
}
