/* base/tails.h - is a sample Gaussian, and how heavy are its tails? */
#ifndef SL_BASE_TAILS_H
#define SL_BASE_TAILS_H

#include "base/stats.h"

/* Excess kurtosis m4/m2^2 - 3 of n independent values (0 for a Gaussian), m_k central moments with 1/n. The standard
 * error is that of the linearised estimator (influence function); where eighth moments are infinite it means nothing.
 * NAN for n < 4 or a sample without spread. */
sl_estimate sl_kurtosis(const double *x, size_t n);

/* Hill's estimate of the exponent a of P(|X| > t) ~ t^-a (Hill 1975) from the k largest of |x|, 1 <= k < n:
 * a = k / sum_{i<=k} log(X_(i) / X_(k+1)), standard error a / sqrt(k), which leaves out the bias where the tail is not
 * a power: any k then gives some number (about 4 to 10 for a Gaussian). sl_hill_k(n): half of n^(2/3), at least 10.
 * NAN outside the range of k, or where the (k+1)-th value is 0 or all are equal. Errors: SL_E_MEMORY. */
SL_CHECKED sl_status sl_hill(sl_estimate *a, const double *x, size_t n, size_t k, sl_err *err);
size_t sl_hill_k(size_t n);

/* Index alpha in (0, 2] of a symmetric alpha-stable law by block sums (Mohammadi, Mohammadpour and Ogata 2015, theorem
 * 2.3; used on gradient noise by Simsekli, Sagun and Gurbuzbalaban 2019): of K = K1 K2 values, K1 = floor(sqrt n), with
 * Y_i the sum of block i, 1/alpha = (mean log|Y| - mean log|X|) / log K1. Standard error over the K2 blocks. Values
 * that are 0 are left out. It is 2 for any law of finite variance only in the limit of large K1: a sample that is
 * merely not Gaussian gives less. NAN if n < 16 or nothing is left. */
sl_estimate sl_stable_index(const double *x, size_t n);

#endif
