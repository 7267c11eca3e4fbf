#include "nets/layers/cross_entropy_kernel.h"

#include <math.h>

#include "base/kernel.h"

/* Rows are short (10 classes), so the exponentials, which take the time, are one loop over all of them. */
SL_KERNEL void sl_softmax(float *p, float *restrict sum, const float *z, const float *restrict top, size_t n,
                          size_t classes)
{
    for (size_t i = 0; i < n; i++)
        for (size_t c = 0; c < classes; c++) p[i * classes + c] = z[i * classes + c] - top[i];
#pragma omp simd
    for (size_t k = 0; k < n * classes; k++) p[k] = expf(p[k]);
    for (size_t i = 0; i < n; i++) {
        float *const row = p + i * classes;
        float s = 0;
        for (size_t c = 0; c < classes; c++) s += row[c];
        sum[i] = s;
        const float scale = 1 / s;
        for (size_t c = 0; c < classes; c++) row[c] *= scale;
    }
}
