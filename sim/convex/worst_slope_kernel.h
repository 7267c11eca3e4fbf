/* sim/convex/worst_slope_kernel.h - the loop of the worst-slope experiment. Private to sim/convex. */
#ifndef SL_SIM_CONVEX_WORST_SLOPE_KERNEL_H
#define SL_SIM_CONVEX_WORST_SLOPE_KERNEL_H

#include <stddef.h>

enum { SL_SLOPE_LANES = 64 }; /* replicas that advance together */

/* steps updates x' = clip(x - factor rate[k] (slope sign(x) + sigma noise[k])) onto [least, D]. x[SL_SLOPE_LANES];
 * noise[steps][SL_SLOPE_LANES], standard normals; rate[steps]; all aligned to 64 bytes and distinct. */
void sl_slope_steps(size_t steps, double *x, const double *noise, const double *rate, double factor, double slope,
                    double sigma, double least, double D);

/* The same, and sum += x' after each. */
void sl_slope_steps_sum(size_t steps, double *x, double *sum, const double *noise, const double *rate, double factor,
                        double slope, double sigma, double least, double D);

#endif
