/* nets/layers/cross_entropy.h - softmax and cross-entropy, the loss of a classifier.
 *
 *   p[i][c] = exp(z[i][c]) / sum_k exp(z[i][k])        loss_i = -log p[i][label[i]]
 *
 * z, p, dz: [n][classes], row-major. The largest logit of a row is subtracted first, so no logit overflows; if one
 * is not finite, the loss is not either. */
#ifndef SL_NETS_LAYERS_CROSS_ENTROPY_H
#define SL_NETS_LAYERS_CROSS_ENTROPY_H

#include <stddef.h>
#include <stdint.h>

/* Returns the sum (not the mean) of the n losses. Out: p; *right: how many rows have their (first) largest logit at
 * the label. p may be z. */
double sl_cross_entropy_forward(float *p, size_t *right, const float *z, const uint8_t *label, size_t n,
                                size_t classes);

/* Gradient of the mean loss: dz = (p - onehot(label)) / n. dz may be p. */
void sl_cross_entropy_backward(float *dz, const float *p, const uint8_t *label, size_t n, size_t classes);

#endif
