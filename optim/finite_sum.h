/* optim/finite_sum.h - least squares on a fixed set of samples, and the ways to draw mini-batches from it: the system
 * that theory/reshuffling.h predicts and sim/reshuffling.h runs.
 *
 * f = mean over i of (x_i'theta - y_i)^2 / 2;  theta' = theta - rate (mean over the batch of x_i (x_i'theta - y_i)). */
#ifndef SL_OPTIM_FINITE_SUM_H
#define SL_OPTIM_FINITE_SUM_H

#include <stddef.h>

typedef enum {
    SL_FINITE_REPLACEMENT, /* every sample of every batch drawn independently                                   */
    SL_FINITE_SUBSETS,     /* every batch a fresh set of different samples                                      */
    SL_FINITE_EPOCHS       /* random reshuffling: a new permutation each epoch, cut into batches; the last batch
                              may be shorter                                                                    */
} sl_finite_drawing;

typedef struct {
    size_t n, d;     /* samples, coordinates; n >= 2, d >= 1                            */
    const double *x; /* [n][d]                                                          */
    const double *y; /* [n]                                                             */
    double rate;     /* > 0                                                             */
    size_t batch;    /* 1..n; subsets and epochs; replacement: >= 1                     */
    sl_finite_drawing drawing;
} sl_finite_sum;

/* Steps after which the law of the noise repeats: the batches of an epoch, or 1. */
static inline size_t sl_finite_positions(const sl_finite_sum *s)
{
    return s->drawing == SL_FINITE_EPOCHS ? (s->n + s->batch - 1) / s->batch : 1;
}

#endif
