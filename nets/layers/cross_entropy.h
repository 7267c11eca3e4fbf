/* nets/layers/cross_entropy.h - softmax and cross-entropy, the loss of a classifier.
 *
 *   p[i][c] = exp(z[i][c]) / sum_k exp(z[i][k])        loss_i = -sum_c t[i][c] log p[i][c]
 *   t[i][c] = (1 - e) [c = label[i]] + e / classes     e: label smoothing, 0 for none
 *
 * z, p, dz: [n][classes], row-major. The largest logit of a row is subtracted first, so no logit overflows. A NaN or an
 * infinity among them makes the loss one too, but for -inf at a class that is not the label's: its p is 0. */
#ifndef SL_NETS_LAYERS_CROSS_ENTROPY_H
#define SL_NETS_LAYERS_CROSS_ENTROPY_H

#include <stddef.h>
#include <stdint.h>

/* Returns the sum (not the mean) of the n losses. Out: p; *right: how many rows have their (first) largest logit at
 * the label. p may be z. */
double sl_cross_entropy_forward(float *p, size_t *right, const float *z, const uint8_t *label, size_t n,
                                size_t classes, double smoothing);

/* Gradient of the mean loss: dz = (p - t) / n. dz may be p. */
void sl_cross_entropy_backward(float *dz, const float *p, const uint8_t *label, size_t n, size_t classes,
                               double smoothing);

/* Its directional derivative along rz: rdz[c] = p[c] (rz[c] - sum_k p[k] rz[k]) / n. rdz may be rz. */
void sl_cross_entropy_tangent(float *rdz, const float *p, const float *rz, size_t n, size_t classes);

#endif
