/* sim/shuffle_kernel.h - random orders without a state: where element i goes in a permutation named by a key.
 *
 * The swap-or-not shuffle (Hoang, Morris and Rogaway 2012): in each of 24 rounds x is paired with K - x mod N and
 * takes its partner's place or not, by a bit of the pair; K and the bits come from the key by a mixing function of 32
 * bits. It works on any N without walking cycles. Every round halves the distance of one element's law from uniform,
 * so that with true random bits it ends at 6e-8; whole orders of N = 2, ..., 5 are uniform to 1e-5 in total variation
 * (from the exact transition matrix: 3e-8, 4e-8, 8e-6, 4e-6). Covariances of reshuffled mini-batches see one element
 * and pairs only. */
#ifndef SL_SIM_SHUFFLE_KERNEL_H
#define SL_SIM_SHUFFLE_KERNEL_H

#include <stddef.h>
#include <stdint.h>

/* x[i] = where x[i] < N goes in the permutation of 0 .. N - 1 with the key high[i], low[i]; i < n, N >= 1. */
void sl_shuffle(size_t n, uint32_t *x, const uint32_t *high, const uint32_t *low, uint32_t N);

#endif
