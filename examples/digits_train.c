/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Trains the network of digits.xml from nothing and reads digits with it, in plain C: one library
 * made by `burin compile digits.xml --train -o digits.so` holds the step of the optimiser, the
 * packing of what it has learned, and the inference. All memory is this program's own.
 *
 *     cc digits_train.c digits.so -lm -Wl,-rpath,. -o digits_train && ./digits_train digits.npz */
#include "digits.h"
#include "digits_data.h"
#include <math.h>

enum { BATCH = DIGITS_TRAIN_BATCH, EPOCHS = 20, TEST = DIGITS / 5, TRAIN = DIGITS - TEST };

#define BLOCK(name, bytes) \
	static unsigned char name[bytes] __attribute__((aligned(DIGITS_WORKSPACE_ALIGN)))
BLOCK(state, DIGITS_STATE_BYTES);
BLOCK(packed, DIGITS_PACKED_BYTES);
BLOCK(step_room, DIGITS_TRAIN_STEP_WORKSPACE_BYTES);
BLOCK(prepare_room, DIGITS_PREPARE_WORKSPACE_BYTES);
BLOCK(run_room, DIGITS_WORKSPACE_BYTES);

static void check(int status, const char *what)
{
	if (status == DIGITS_OK)
		return;
	fprintf(stderr, "%s: error %d\n", what, status);
	exit(1);
}

static unsigned below(unsigned n)
{
	static unsigned long long s = 2026;
	s = s * 6364136223846793005u + 1442695040888963407u;
	return (unsigned)(s >> 33) % n;
}

static void shuffle(int *row, int n)
{
	for (int i = n - 1; i > 0; i--) {
		unsigned k = below((unsigned)i + 1);
		int kept = row[i];
		row[i] = row[k];
		row[k] = kept;
	}
}

/* One step on the rows given; returns the loss. */
static float learn(const Digits *d, const int *row, float rate)
{
	static float x[BATCH][PIXELS];
	static int64_t label[BATCH];
	float loss, accuracy;
	for (int i = 0; i < BATCH; i++) {
		digits_to_input(d->image[row[i]], x[i]);
		label[i] = d->label[row[i]];
	}
	check(digits_train_step(NULL, x[0], label, &rate, &loss, &accuracy, state, step_room),
	      "digits_train_step");
	return loss;
}

/* Share of the rows that inference reads right with what has been learned so far. */
static double judge(const Digits *d, const int *row, int n)
{
	static digits_ctx ctx;
	int right = 0;
	check(digits_prepare(NULL, state, packed, prepare_room), "digits_prepare");
	check(digits_ctx_init(&ctx, 1), "digits_ctx_init");
	check(digits_ctx_set_weights(&ctx, packed, sizeof packed), "digits_ctx_set_weights");
	for (int i = 0; i < n; i++) {
		float x[PIXELS], y[10];
		digits_to_input(d->image[row[i]], x);
		check(digits_run(&ctx, x, y, run_room), "digits_run");
		right += digits_answer(y) == d->label[row[i]];
	}
	digits_ctx_done(&ctx);
	return (double)right / n;
}

int main(int argc, char **argv)
{
	static Digits d;
	static int row[DIGITS]; /* those to train, then those to test */
	const int steps = EPOCHS * (TRAIN / BATCH);
	if (argc != 2) {
		fprintf(stderr, "usage: digits_train digits.npz\n");
		return 2;
	}
	if (!digits_read(argv[1], &d))
		return 1;
	for (int i = 0; i < DIGITS; i++)
		row[i] = i;
	shuffle(row, DIGITS);
	check(digits_state_init(state), "digits_state_init");
	for (int epoch = 0, step = 0; epoch < EPOCHS; epoch++) {
		double loss = 0;
		shuffle(row, TRAIN);
		for (int i = 0; i + BATCH <= TRAIN; i += BATCH, step++) {
			double turn = 3.141592653589793 * step / steps;
			loss += (double)learn(&d, row + i, 0.0015f * (float)(1 + cos(turn)));
		}
		if (epoch % 5 == 4)
			printf("epoch %2d  loss %.4f  test accuracy %.2f %%\n", epoch + 1,
			       loss / (TRAIN / BATCH), 100 * judge(&d, row + TRAIN, TEST));
	}
	double share = judge(&d, row + TRAIN, TEST);
	printf("%d images not seen in training: %.2f %% read right\n", TEST, 100 * share);
	return share < 0.97;
}
