/* nets/data/digits_kernel.h - the loops over pixels of digits.c; private to it. */
#ifndef SL_NETS_DATA_DIGITS_KERNEL_H
#define SL_NETS_DATA_DIGITS_KERNEL_H

#include <stddef.h>
#include <stdint.h>

#include "nets/data/glyphs.h"

/* One wave of a displacement field: (dx, dy) sin(kx i + ky j + phase) at column i, row j. */
typedef struct {
    float dx, dy, kx, ky, phase;
} sl_wave;

/* An inverse affine map from the picture to the glyph: (x, y) = m (i - ci, j - cj) + 50, applied after the waves. */
typedef struct {
    float xx, xy, yx, yy, ci, cj;
} sl_affine;

/* x, y [side * side]: where in the glyph's box each pixel lies. */
void sl_digit_warp(float *x, float *y, size_t side, const sl_affine *m, const sl_wave *waves, size_t n_waves);

/* d2[i] = min(d2[i], squared distance of (x[i], y[i]) from the segment). */
void sl_digit_distance(float *d2, const float *x, const float *y, size_t n, const sl_segment *s);

/* ink[i] = max(ink[i], strength * c), c = 1 within half_width of the stroke and falling to 0 over the next soft. */
void sl_digit_ink(float *ink, const float *d2, size_t n, float half_width, float soft, float strength);

/* out[i] = 255 clamp(ink[i] + noise[i], 0, 1), rounded. */
void sl_digit_expose(uint8_t *out, const float *ink, const float *noise, size_t n);

#endif
