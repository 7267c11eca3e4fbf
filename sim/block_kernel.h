/* sim/block_kernel.h - from random words and standard normals to what dynamics ask for. Private to sim/block.c.
 * Arrays are [n] and distinct. */
#ifndef SL_SIM_BLOCK_KERNEL_H
#define SL_SIM_BLOCK_KERNEL_H

#include <stddef.h>
#include <stdint.h>

/* out[i] = sigma z[i] */
void sl_block_scale(size_t n, double *out, const float *z, double sigma);

/* out[i] += sigma z[i] */
void sl_block_add_scaled(size_t n, double *out, const float *z, double sigma);

/* out[i] = (words[i] + 1/2) 2^-32 */
void sl_block_unit(size_t n, double *out, const uint32_t *words);

#endif
