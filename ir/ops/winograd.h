/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The transforms of F(4x4, 3x3): Lavin and Gray, Fast Algorithms for Convolutional Neural Networks
 * (2016). A tile of 4x4 results comes from 6x6 inputs by 36 products instead of 144:
 * Y = A^T [ (G g G^T) * (B^T d B) ] A. */
#ifndef IR_OPS_WINOGRAD_H
#define IR_OPS_WINOGRAD_H
enum { WINO_TILE = 4, WINO_IN = 6, WINO_POINTS = WINO_IN * WINO_IN };

static const double wino_input[WINO_IN][WINO_IN] = { /* B^T */
						     { 4, 0, -5, 0, 1, 0 },  { 0, -4, -4, 1, 1, 0 },
						     { 0, 4, -4, -1, 1, 0 }, { 0, -2, -1, 2, 1, 0 },
						     { 0, 2, -1, -2, 1, 0 }, { 0, 4, 0, -5, 0, 1 }
};
static const double wino_output[WINO_TILE][WINO_IN] = { /* A^T */
							{ 1, 1, 1, 1, 1, 0 },
							{ 0, 1, -1, 2, -2, 0 },
							{ 0, 1, 1, 4, 4, 0 },
							{ 0, 1, -1, 8, -8, 1 }
};
static const double wino_weight[WINO_IN][3] = { /* G */
						{ 1 / 4., 0, 0 },
						{ -1 / 6., -1 / 6., -1 / 6. },
						{ -1 / 6., 1 / 6., -1 / 6. },
						{ 1 / 24., 1 / 12., 1 / 6. },
						{ 1 / 24., -1 / 12., 1 / 6. },
						{ 0, 0, 1 }
};
#endif
