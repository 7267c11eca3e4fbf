#include "sim/operators/transfer/legendre_kernel.h"

#include "base/kernel.h"

/* The recurrence is linear, so it carries c P_p. So many points at a time that sums over them cost
 * little, and that they stay in registers or the nearest cache for all degrees. */
SL_KERNEL void sl_legendre_sums(double *restrict sum, size_t n, const double *restrict up, const double *restrict down,
                                const double *restrict t, const double *restrict c, size_t count)
{
    enum { LANES = SL_LEGENDRE_LANES };
    for (size_t first = 0; first < count; first += LANES) {
        double before[LANES], now[LANES], at[LANES];
        for (int q = 0; q < LANES; q++) {
            before[q] = 0;
            now[q] = c[first + q];
            at[q] = t[first + q];
        }
        for (size_t p = 0; p < n; p++) {
            const double a = up[p], b = down[p];
            double s = 0;
#pragma omp simd reduction(+ : s)
            for (int q = 0; q < LANES; q++) {
                const double next = a * at[q] * now[q] - b * before[q];
                s += now[q];
                before[q] = now[q];
                now[q] = next;
            }
            sum[p] += s;
        }
    }
}
