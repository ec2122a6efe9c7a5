/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Finds speech in a recording with a compiled voice-activity detector, frame by frame with its
 * state carried on. Needs the generated header vad.h and nothing else.
 *
 *     vad recording.wav        (16 kHz, mono, 16 bits) */
#include "vad.h"
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { RATE = 16000, FRAME = 512, CONTEXT = 64, STATE = 2 * 1 * 128 };
static const float SPEECH = 0.5f;

/* The samples of a RIFF file as floats; their number, or -1. */
static long read_wav(const char *path, float **samples)
{
	FILE *f = fopen(path, "rb");
	unsigned char head[12], chunk[8];
	long n = -1;
	if (!f)
		return -1;
	if (fread(head, 1, 12, f) != 12 || memcmp(head, "RIFF", 4) != 0 ||
	    memcmp(head + 8, "WAVE", 4) != 0) {
		fclose(f);
		return -1;
	}
	while (n < 0 && fread(chunk, 1, 8, f) == 8) {
		uint32_t bytes = chunk[4] | (uint32_t)chunk[5] << 8 | (uint32_t)chunk[6] << 16 |
				 (uint32_t)chunk[7] << 24;
		if (memcmp(chunk, "data", 4) != 0) {
			fseek(f, (long)(bytes + (bytes & 1)), SEEK_CUR);
			continue;
		}
		int16_t *raw = malloc(bytes);
		n = raw ? (long)(fread(raw, 1, bytes, f) / 2) : -1;
		*samples = calloc((size_t)(n + FRAME), sizeof(float));
		for (long i = 0; *samples && i < n; i++)
			(*samples)[i] = (float)raw[i] / 32768;
		free(raw);
	}
	fclose(f);
	return *samples ? n : -1;
}

static void report(int *segments, long first, long end)
{
	printf("  speech %6.2f - %6.2f s\n", (double)first * FRAME / RATE,
	       (double)end * FRAME / RATE);
	(*segments)++;
}

int main(int argc, char **argv)
{
	static float input[CONTEXT + FRAME], state[2][STATE];
	float *samples = NULL, p = 0;
	double sum = 0;
	int segments = 0, rate_status = VAD_OK;
	long n = argc == 2 ? read_wav(argv[1], &samples) : -1, first = -1, frames = n / FRAME;
	if (n < 0) {
		fprintf(stderr,
			argc == 2 ? "%s: not a RIFF recording\n" : "usage: vad recording.wav%s\n",
			argc == 2 ? argv[1] : "");
		return 2;
	}
	void *work = aligned_alloc(VAD_WORKSPACE_ALIGN, (VAD_WORKSPACE_BYTES + 63) / 64 * 64);
	for (long i = 0; work && i < frames && rate_status == VAD_OK; i++) {
		memcpy(input + CONTEXT, samples + i * FRAME, FRAME * sizeof(float));
		rate_status = vad_run(NULL, input, state[i % 2], &p, state[(i + 1) % 2], work);
		memcpy(input, input + FRAME, CONTEXT * sizeof(float));
		sum += (double)p;
		if (p >= SPEECH && first < 0)
			first = i;
		if (p < SPEECH && first >= 0) {
			report(&segments, first, i);
			first = -1;
		}
	}
	if (first >= 0)
		report(&segments, first, frames);
	printf("%ld frames, %d segments, probabilities sum to %.2f\n", frames, segments, sum);
	free(work);
	free(samples);
	return rate_status;
}
