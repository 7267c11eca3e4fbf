/* nets/layers/batch_norm_kernel.h - sweeps over [rows][width] numbers: sums down the columns, and combinations.
 *
 * A row may be several pixels, so that few channels still fill vectors; then every vector of coefficients repeats its
 * channels. n numbers, the last row may be short. Sums are in double: a million rows lose no digit of a float. */
#ifndef SL_NETS_LAYERS_BATCH_NORM_KERNEL_H
#define SL_NETS_LAYERS_BATCH_NORM_KERNEL_H

#include <stdbool.h>
#include <stddef.h>

/* sum = sum of d, square = sum of d^2, with d = x - shift */
void sl_norm_moments(double *sum, double *square, const float *x, const float *shift, size_t n, size_t width);
/* sum = sum of u, product = sum of u (x - shift) */
void sl_norm_products(double *sum, double *product, const float *u, const float *x, const float *shift, size_t n,
                      size_t width);

/* What stands before 1, x - shift, u, w, z in a combination; each [width]. */
typedef struct {
    const float *shift, *one, *x, *u, *w, *z;
} sl_norm_terms;

/* y = one + x (x - shift) */
void sl_norm_combine_1(float *y, const float *x, const sl_norm_terms *k, size_t n, size_t width);
/* y (+)= one + x (x - shift) + u u */
void sl_norm_combine_2(float *y, const float *x, const float *u, const sl_norm_terms *k, size_t n, size_t width,
                       bool accumulate);
/* y (+)= one + x (x - shift) + u u + w w + z z */
void sl_norm_combine_4(float *y, const float *x, const float *u, const float *w, const float *z,
                       const sl_norm_terms *k, size_t n, size_t width, bool accumulate);

#endif
