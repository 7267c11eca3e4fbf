#include <math.h>

#include "base/kernel.h"
#include "sim/losses/losses.h"

static inline __attribute__((always_inline)) void onto_box(size_t n, size_t B, size_t stride, double *restrict x,
                                                           double box)
{
    for (size_t d = 0; d < n; d++) {
        double *restrict xd = x + d * stride;
#pragma omp simd
        for (size_t i = 0; i < B; i++) xd[i] = xd[i] > box ? box : xd[i] < -box ? -box : xd[i];
    }
}

/* 8 lanes at a time, so that their norms stay in registers. */
static inline __attribute__((always_inline)) void onto_ball(size_t n, size_t B, size_t stride, double *restrict x,
                                                            double radius)
{
    enum { LANES = 8 };
    for (size_t first = 0; first < B; first += LANES) {
        double factor[LANES] = {0};
        for (size_t d = 0; d < n; d++)
#pragma omp simd
            for (size_t i = 0; i < LANES; i++) factor[i] += x[d * stride + first + i] * x[d * stride + first + i];
#pragma omp simd
        for (size_t i = 0; i < LANES; i++)
            factor[i] = factor[i] > radius * radius ? radius / sqrt(factor[i]) : 1;
        for (size_t d = 0; d < n; d++)
#pragma omp simd
            for (size_t i = 0; i < LANES; i++) x[d * stride + first + i] *= factor[i];
    }
}

SL_KERNEL void sl_domain_project(const sl_loss *loss, size_t B, size_t stride, double *restrict x)
{
    const double radius = loss->data[SL_DOMAIN_RADIUS], box = loss->data[SL_DOMAIN_BOX];
    if (box > 0) onto_box(loss->dim, B, stride, x, box);
    if (radius > 0 && loss->dim == 1) onto_box(1, B, stride, x, radius);
    if (radius > 0 && loss->dim > 1) onto_ball(loss->dim, B, stride, x, radius);
}
