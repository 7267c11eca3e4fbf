/* optim/regime_kernel.h - the loops of optim/regime_vector.c, and what is left to vector functions of libm; cloned
 * per processor (see base/kernel.h). Private to optim/regime*.c.
 *
 * _f: n floats of one replica, sums returned in double. _d: one coordinate of n replicas, sums added to; with B, all n
 * coordinates of B replicas, [n][B], sums returned. Arrays are distinct. */
#ifndef SL_OPTIM_REGIME_KERNEL_H
#define SL_OPTIM_REGIME_KERNEL_H

#include <stddef.h>

/* s = x - x0, y = g - g0 */
void sl_regime_secant_f(size_t n, const float *x, const float *x0, const float *g, const float *g0, double *ss,
                        double *sy, double *yy, double *sg);
void sl_regime_secant_d(size_t n, size_t B, const double *x, const double *x0, const double *g, const double *g0,
                        double *ss, double *sy, double *yy, double *sg);
/* g'g, and the sum of |g| */
void sl_regime_norms_f(size_t n, const float *g, double *gg, double *g1);
void sl_regime_squares_d(size_t n, size_t B, const double *x, double *xx);
void sl_regime_sizes_d(size_t n, size_t B, const double *x, double *x1);
/* s's, s = x - x0, and x'x */
void sl_regime_length_f(size_t n, const float *x, const float *x0, double *ss, double *xx);
void sl_regime_length_d(size_t n, size_t B, const double *x, const double *x0, double *ss, double *xx);

/* x = exp(x) by */
void sl_regime_times_exp_d(size_t n, double *x, const double *by);

/* a += beta (g - a);  g += w x;  p = x + d g */
void sl_regime_mix_f(size_t n, float *a, const float *g, float beta);
void sl_regime_mix_d(size_t n, double *a, const double *g, double beta);
void sl_regime_decay_f(size_t n, float *g, const float *x, float w);
void sl_regime_decay_d(size_t n, double *g, const double *x, double w);
void sl_regime_away_f(size_t n, float *p, const float *x, const float *g, float d);
void sl_regime_away_d(size_t n, double *p, const double *x, const double *g, const double *d);

/* p = x + c (p - x) */
void sl_regime_stretch_f(size_t n, float *p, const float *x, float c);
void sl_regime_stretch_d(size_t n, double *p, const double *x, const double *c);

/* to = mask ? from : to */
void sl_regime_select_d(size_t n, double *to, const double *from, const double *mask);

/* The metric of optim/regime_family.h: learns with the scale u, then measures; e = 1/n of all coordinates. g0p: g0,
 * becomes p. x = x0 + p (x - x0). */
void sl_regime_metric_f(size_t n, const float *x, const float *x0, const float *g, float *g0p, float *a, float *b,
                        float scale, float beta, float h, float q, float e, double *ss, double *sy, double *yy,
                        double *g1, double *sum_p);
void sl_regime_metric_d(size_t n, const double *x, const double *x0, const double *g, double *g0p, double *a,
                        double *b, const double *scale, const double *beta, const double *h, double q, double e,
                        double *ss, double *sy, double *yy, double *g1, double *sum_p);
void sl_regime_scale_f(size_t n, float *x, const float *x0, const float *p);
void sl_regime_scale_d(size_t n, double *x, const double *x0, const double *p);

#endif
