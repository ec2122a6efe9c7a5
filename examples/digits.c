/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Reads handwritten digits with a network that `burin train` has trained and `burin compile` made a
 * library of. Nothing of Burin is needed to build or run it:
 *
 *     cc digits.c digits.so -o digits && ./digits digits.npz */
#include "digits.h"
#include "digits_data.h"

static float room[DIGITS_WORKSPACE_BYTES / sizeof(float) + 1]
	__attribute__((aligned(DIGITS_WORKSPACE_ALIGN)));

static int read_digit(const unsigned char *image)
{
	float x[PIXELS], y[10];
	digits_to_input(image, x);
	int status = digits_run(NULL, x, y, room);
	if (status) {
		fprintf(stderr, "digits_run: error %d\n", status);
		exit(1);
	}
	return digits_answer(y);
}

/* Some images side by side, and below each what was read. */
static void show(const Digits *d, const int *which, int n)
{
	static const char ink[] = " .:-=+*#%@";
	for (int row = 0; row < 8; row++) {
		for (int i = 0; i < n; i++) {
			const unsigned char *at = d->image[which[i]] + 8 * row;
			for (int k = 0; k < 8; k++)
				printf("%c%c", ink[at[k] * 9 / 16], ink[at[k] * 9 / 16]);
			printf("  ");
		}
		printf("\n");
	}
	for (int i = 0; i < n; i++)
		printf("read %d, is %d      ", read_digit(d->image[which[i]]), d->label[which[i]]);
	printf("\n");
}

int main(int argc, char **argv)
{
	static Digits d;
	static const int some[] = { 7, 123, 404, 1066 };
	int right = 0;
	if (argc != 2) {
		fprintf(stderr, "usage: digits digits.npz\n");
		return 2;
	}
	if (!digits_read(argv[1], &d))
		return 1;
	show(&d, some, 4);
	for (int i = 0; i < DIGITS; i++)
		right += read_digit(d.image[i]) == d.label[i];
	printf("%d of all %d images read right: %.2f %%\n", right, DIGITS, 100.0 * right / DIGITS);
	return right < DIGITS * 98 / 100;
}
