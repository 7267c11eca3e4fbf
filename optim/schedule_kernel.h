/* optim/schedule_kernel.h - the loop behind random schedules; cloned per processor (see base/kernel.h). Private to
 * optim/schedule.c. */
#ifndef SL_OPTIM_SCHEDULE_KERNEL_H
#define SL_OPTIM_SCHEDULE_KERNEL_H

#include <stddef.h>
#include <stdint.h>

/* rate[i] = mean + half (2 u[i] - 1), u = (word + 1/2) 2^-32 the uniform of base/random.h; i < n. */
void sl_schedule_spread(double *rate, const uint32_t *words, size_t n, double mean, double half);

#endif
