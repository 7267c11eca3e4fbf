#include "nets/layers/cross_entropy.h"

#include <math.h>

#include "nets/layers/cross_entropy_kernel.h"

enum { BLOCK = 64 }; /* rows at a time: their maxima and sums fit on the stack */

static size_t argmax(const float *z, size_t n)
{
    size_t best = 0;
    for (size_t c = 1; c < n; c++) best = z[c] > z[best] ? c : best;
    return best;
}

/* How far the largest logit lies above the target's mean logit. */
static float smoothed(const float *row, size_t classes, size_t label, double smoothing)
{
    double mean = 0, top = row[0];
    for (size_t c = 0; c < classes; c++) {
        mean += (double)row[c] / (double)classes;
        top = row[c] > top ? row[c] : top;
    }
    return (float)(top - (1 - smoothing) * (double)row[label] - smoothing * mean);
}

double sl_cross_entropy_forward(float *p, size_t *right, const float *z, const uint8_t *label, size_t n, size_t classes,
                                double smoothing)
{
    double loss = 0;
    size_t hits = 0;
    for (size_t start = 0; start < n; start += BLOCK) {
        const size_t rows = n - start < BLOCK ? n - start : BLOCK;
        const float *const zb = z + start * classes;
        float top[BLOCK], below[BLOCK], sum[BLOCK];
        for (size_t i = 0; i < rows; i++) {
            const float *const row = zb + i * classes;
            const size_t best = argmax(row, classes), y = label[start + i];
            top[i] = row[best];
            below[i] = row[best] - row[y]; /* kept now, since p may overwrite z */
            if (smoothing > 0) below[i] = smoothed(row, classes, y, smoothing);
            hits += best == y;
        }
        sl_softmax(p + start * classes, sum, zb, top, rows, classes);
        for (size_t i = 0; i < rows; i++) loss += log((double)sum[i]) + (double)below[i];
    }
    *right = hits;
    return loss;
}

void sl_cross_entropy_backward(float *dz, const float *p, const uint8_t *label, size_t n, size_t classes,
                               double smoothing)
{
    const float scale = 1 / (float)n, rest = (float)(smoothing / (double)classes) * scale,
                main = (float)(1 - smoothing) * scale;
    for (size_t k = 0; k < n * classes; k++) dz[k] = p[k] * scale - rest;
    for (size_t i = 0; i < n; i++) dz[i * classes + label[i]] -= main;
}

void sl_cross_entropy_tangent(float *rdz, const float *p, const float *rz, size_t n, size_t classes)
{
    for (size_t i = 0; i < n; i++) {
        const float *const q = p + i * classes, *const r = rz + i * classes;
        double mean = 0;
        for (size_t c = 0; c < classes; c++) mean += (double)q[c] * (double)r[c];
        for (size_t c = 0; c < classes; c++)
            rdz[i * classes + c] = (float)((double)q[c] * ((double)r[c] - mean) / (double)n);
    }
}
