/* theory/reshuffling.h - mini-batches drawn with replacement, without, and by reshuffling: what differs in their noise.
 *
 * Numbers a_1 .. a_N of variance S^2 = mean (a_i - a)^2; batches of C. The mean of a batch has the variance
 *   with replacement   S^2 / C
 *   without            S^2 / C (N - C)/(N - 1),
 * and two batches of the same epoch have the covariance -S^2/(N - 1), whatever their sizes: correlation -C/(N - C). So
 * an epoch's noise adds up to nothing, and the excursion after j of its batches has variance
 *   Var(sum of j means) = S^2 j (N - j C) / (C (N - 1)):  a bridge.  (Finite-population sampling: Cochran 1977, ch. 2.)
 * Of SGD's noise: Kuehn and Rosenow 2023 (arXiv 2306.05300). That iterates stay within order rate^2 of the minimum and
 * not rate: Ying, Yuan, Vlaski and Sayed 2018 (arXiv 1803.07964).
 *
 * SGD on least squares is theta' = theta - rate (H_B eta + b_B), eta = theta - theta*, with H_i = x_i x_i',
 * b_i = x_i (x_i'theta* - y_i) averaged over a batch, mean b = 0. A step acts linearly on z = (1, E eta, E eta eta').
 * Independent batches: z' = (w mean_i T_i + (1 - w) T_mean) z, with T_i the step by sample i alone and T_mean that by
 * the full gradient, w = 1/C or (N - C)/(C (N - 1)). Epochs: F(S), the mean of z over all orders in which the samples
 * of S come first, obeys F(S) = mean over last batches B of T_B F(S - B): exact over all N! permutations, in 3^N
 * steps. */
#ifndef SL_THEORY_RESHUFFLING_H
#define SL_THEORY_RESHUFFLING_H

#include "base/status.h"
#include "optim/finite_sum.h"

typedef struct {
    double variance;    /* of a batch's mean, over S^2                                    */
    double covariance;  /* of two batches one after the other in an epoch, over S^2; else 0 */
    double correlation; /* covariance / variance; NAN for a batch that is everything       */
} sl_batch_noise;
/* For 1 <= C and, but for replacement, C <= N; N >= 2. Errors: SL_E_DOMAIN. */
SL_CHECKED sl_status sl_batch_noise_of(sl_batch_noise *b, sl_finite_drawing drawing, size_t n, size_t batch,
                                       sl_err *err);

enum { SL_RESHUFFLING_MAX_DIM = 4, SL_RESHUFFLING_MAX_SAMPLES = 14 };

/* The minimum theta*[d] of s. Errors: SL_E_DOMAIN (also where the x_i do not span); SL_E_MEMORY. */
SL_CHECKED sl_status sl_finite_sum_minimum(double *theta, const sl_finite_sum *s, sl_err *err);

/* The stationary law, exactly: mean[p][d] = E eta and second[p][d][d] = E eta eta' after p batches of an epoch,
 * p < sl_finite_positions(s) (p = 0: between epochs). d <= SL_RESHUFFLING_MAX_DIM; of epochs
 * n <= SL_RESHUFFLING_MAX_SAMPLES. Errors: SL_E_DOMAIN; SL_E_UNSTABLE (message: the spectral radius); SL_E_MEMORY. */
SL_CHECKED sl_status sl_reshuffling_stationary(double *mean, double *second, const sl_finite_sum *s, sl_err *err);

/* The same to leading order in the rate, for any n and batches that divide it, d as above. With H = mean H_i,
 * S = mean b_i b_i', K = mean H_i b_i and q = n/C batches an epoch:
 *   independent batches  E eta = 0,  H V + V H = rate w S: of order rate;
 *   epochs               H E eta = -rate (q - 1)/(2 (N - 1)) K,
 *                        E eta eta' = rate^2 p (N - p C)/(C (N - 1)) S + E eta E eta': of order rate^2.
 * The mean over an epoch's positions of that variance is rate^2 (q^2 - 1)/(6 (N - 1)) S. Our derivation. */
SL_CHECKED sl_status sl_reshuffling_leading(double *mean, double *second, const sl_finite_sum *s, sl_err *err);

#endif
