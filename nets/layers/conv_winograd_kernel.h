/* nets/layers/conv_winograd_kernel.h - the transforms of conv_winograd.c, private to it; each for all channels of one
 * tile. */
#ifndef SL_NETS_LAYERS_CONV_WINOGRAD_KERNEL_H
#define SL_NETS_LAYERS_CONV_WINOGRAD_KERNEL_H

#include <stddef.h>

/* Pixel r, q of a tile is n floats at x + r * line + q * pixel. Transformed, number (r, q) is n floats at
 * to + (4 r + q) * plane. */

/* to = B^T x B of a 4 x 4 tile. */
void sl_winograd_input(float *to, size_t plane, const float *x, size_t line, size_t pixel, size_t n);

/* y = bias + A^T m A, 2 x 2, overwritten or added to. */
void sl_winograd_output(float *y, size_t line, size_t pixel, const float *m, size_t plane, const float *bias, size_t n,
                        int accumulate);

/* to = F dy F^T of a 2 x 2 tile. */
void sl_winograd_gradient(float *to, size_t plane, const float *dy, size_t line, size_t pixel, size_t n);

/* to[i] + (4 r + q) * plane = G w[i] G^T for i < n, w being [n][3][3]; flipped: of the kernel turned by 180 degrees. */
void sl_winograd_weight(float *to, size_t plane, const float *w, size_t n, int flipped);

/* to[3 r + q][n] = E^T m E, 3 x 3. */
void sl_winograd_weight_gradient(float *to, const float *m, size_t plane, size_t n);

#endif
