/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Finds faces on a photograph with a compiled detector, and draws boxes around them. Uses libpng
 * for the picture and the generated header face.h for the model: nothing of Burin is needed to
 * build or run it.
 *
 *     face photo.png boxed.png */
#include "face.h"
#include <math.h>
#include <png.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WIDTH = 320, HEIGHT = 240, ANCHORS = 4420 };
static const float SCORE = 0.7f, OVERLAP = 0.3f;

typedef struct Image {
	int width, height;
	unsigned char *rgb;
} Image;

typedef struct Box {
	float x0, y0, x1, y1, score; /* shares of width and height */
} Box;

static int read_png(const char *path, Image *im)
{
	png_image png = { .version = PNG_IMAGE_VERSION };
	if (!png_image_begin_read_from_file(&png, path)) {
		fprintf(stderr, "%s: %s\n", path, png.message);
		return 0;
	}
	png.format = PNG_FORMAT_RGB;
	im->width = (int)png.width;
	im->height = (int)png.height;
	im->rgb = malloc(PNG_IMAGE_SIZE(png));
	return im->rgb && png_image_finish_read(&png, NULL, im->rgb, 0, NULL);
}

static int write_png(const char *path, const Image *im)
{
	png_image png = { .version = PNG_IMAGE_VERSION,
			  .width = (png_uint_32)im->width,
			  .height = (png_uint_32)im->height,
			  .format = PNG_FORMAT_RGB };
	return png_image_write_to_file(&png, path, 0, im->rgb, 0, NULL);
}

static float pixel(const Image *im, int x, int y, int c)
{
	x = x < 0 ? 0 : x >= im->width ? im->width - 1 : x;
	y = y < 0 ? 0 : y >= im->height ? im->height - 1 : y;
	return im->rgb[(y * im->width + x) * 3 + c];
}

/* Bilinear resize to the detector's size, (value - 127) / 128, planes R G B. */
static void prepare(const Image *im, float *input)
{
	for (int c = 0; c < 3; c++)
		for (int y = 0; y < HEIGHT; y++)
			for (int x = 0; x < WIDTH; x++) {
				float fx = ((float)x + 0.5f) * (float)im->width / WIDTH - 0.5f;
				float fy = ((float)y + 0.5f) * (float)im->height / HEIGHT - 0.5f;
				int ix = (int)floorf(fx), iy = (int)floorf(fy);
				float ax = fx - (float)ix, ay = fy - (float)iy;
				float top = pixel(im, ix, iy, c) * (1 - ax) +
					    pixel(im, ix + 1, iy, c) * ax;
				float low = pixel(im, ix, iy + 1, c) * (1 - ax) +
					    pixel(im, ix + 1, iy + 1, c) * ax;
				*input++ = (top * (1 - ay) + low * ay - 127) / 128;
			}
}

static float area(const Box *b)
{
	return fmaxf(0, b->x1 - b->x0) * fmaxf(0, b->y1 - b->y0);
}

static float overlap(const Box *a, const Box *b)
{
	Box both = { fmaxf(a->x0, b->x0), fmaxf(a->y0, b->y0), fminf(a->x1, b->x1),
		     fminf(a->y1, b->y1), 0 };
	float shared = area(&both);
	return shared / (area(a) + area(b) - shared);
}

static int by_score(const void *x, const void *y)
{
	float a = ((const Box *)x)->score, b = ((const Box *)y)->score;
	return (a < b) - (a > b);
}

/* Candidates above the threshold; of overlapping ones the best stays. */
static int find_faces(const float *scores, const float *boxes, Box *face)
{
	int found = 0, kept = 0;
	for (int i = 0; i < ANCHORS; i++)
		if (scores[2 * i + 1] > SCORE)
			face[found++] = (Box){ boxes[4 * i], boxes[4 * i + 1], boxes[4 * i + 2],
					       boxes[4 * i + 3], scores[2 * i + 1] };
	qsort(face, (size_t)found, sizeof *face, by_score);
	for (int i = 0; i < found; i++) {
		int fresh = 1;
		for (int k = 0; k < kept; k++)
			fresh = fresh && overlap(&face[i], &face[k]) < OVERLAP;
		if (fresh)
			face[kept++] = face[i];
	}
	return kept;
}

static void paint(Image *im, int x, int y)
{
	static const unsigned char green[3] = { 60, 230, 60 };
	if (x >= 0 && y >= 0 && x < im->width && y < im->height)
		memcpy(&im->rgb[(y * im->width + x) * 3], green, 3);
}

static void draw(Image *im, const Box *b)
{
	int x0 = (int)(b->x0 * (float)im->width), x1 = (int)(b->x1 * (float)im->width);
	int y0 = (int)(b->y0 * (float)im->height), y1 = (int)(b->y1 * (float)im->height);
	for (int t = 0; t < 3; t++) {
		for (int x = x0 - t; x <= x1 + t; x++) {
			paint(im, x, y0 - t);
			paint(im, x, y1 + t);
		}
		for (int y = y0 - t; y <= y1 + t; y++) {
			paint(im, x0 - t, y);
			paint(im, x1 + t, y);
		}
	}
}

int main(int argc, char **argv)
{
	static float input[3 * HEIGHT * WIDTH], scores[2 * ANCHORS], boxes[4 * ANCHORS];
	static Box face[ANCHORS];
	Image im = { 0 };
	if (argc != 3) {
		fprintf(stderr, "usage: face photo.png boxed.png\n");
		return 2;
	}
	if (!read_png(argv[1], &im))
		return 1;
	prepare(&im, input);
	void *work = aligned_alloc(FACE_WORKSPACE_ALIGN, (FACE_WORKSPACE_BYTES + 63) / 64 * 64);
	int status = work ? face_run(NULL, input, scores, boxes, work) : FACE_E_WORKSPACE;
	if (status != FACE_OK) {
		fprintf(stderr, "the detector failed: %d\n", status);
		return 1;
	}
	int n = find_faces(scores, boxes, face);
	for (int i = 0; i < n; i++) {
		printf("face %d: score %.5f at (%.3f, %.3f)-(%.3f, %.3f)\n", i + 1,
		       (double)face[i].score, (double)face[i].x0, (double)face[i].y0,
		       (double)face[i].x1, (double)face[i].y1);
		draw(&im, &face[i]);
	}
	printf("%d face%s, %s\n", n, n == 1 ? "" : "s", argv[2]);
	int ok = write_png(argv[2], &im);
	free(work);
	free(im.rgb);
	return ok ? 0 : 1;
}
