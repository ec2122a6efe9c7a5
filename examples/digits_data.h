/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The images of digits.npz, for plain C programs. The archive is not compressed: each array lies in
 * it as NumPy's .npy format has it, behind the name of its member. */
#ifndef DIGITS_DATA_H
#define DIGITS_DATA_H
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DIGITS = 1797, PIXELS = 64 };

typedef struct Digits {
	unsigned char image[DIGITS][PIXELS]; /* ink from 0 to 16 */
	unsigned char label[DIGITS];
} Digits;

static const unsigned char *digits_find(const unsigned char *at, size_t n, const char *what,
					size_t len)
{
	for (; n >= len; at++, n--)
		if (memcmp(at, what, len) == 0)
			return at;
	return NULL;
}

/* The array of bytes called `member` ("x.npy"); 0 when it is not there or too short. */
static int digits_array(const unsigned char *file, size_t n, const char *member, void *out,
			size_t bytes)
{
	const unsigned char *end = file + n;
	const unsigned char *name = digits_find(file, n, member, strlen(member));
	const unsigned char *npy =
		name ? digits_find(name, (size_t)(end - name), "\x93NUMPY\x01", 7) : NULL;
	if (!npy || end - npy < 10)
		return 0;
	size_t head = 10 + (size_t)npy[8] + 256 * (size_t)npy[9];
	if ((size_t)(end - npy) < head + bytes)
		return 0;
	memcpy(out, npy + head, bytes);
	return 1;
}

/* 0 after a message. */
static int digits_read(const char *path, Digits *d)
{
	enum { MOST = 1 << 20 };
	unsigned char *file = malloc(MOST);
	FILE *f = fopen(path, "rb");
	size_t n = f && file ? fread(file, 1, MOST, f) : 0;
	int ok = digits_array(file, n, "x.npy", d->image, sizeof d->image) &&
		 digits_array(file, n, "label.npy", d->label, sizeof d->label);
	if (f)
		fclose(f);
	free(file);
	if (!ok)
		fprintf(stderr, "%s: cannot be read\n", path);
	return ok;
}

static void digits_to_input(const unsigned char *image, float *x)
{
	for (int i = 0; i < PIXELS; i++)
		x[i] = image[i];
}

static int digits_answer(const float *score)
{
	int best = 0;
	for (int k = 1; k < 10; k++)
		if (score[k] > score[best])
			best = k;
	return best;
}
#endif
