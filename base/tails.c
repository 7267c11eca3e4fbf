#include "base/tails.h"

#include <math.h>
#include <stdlib.h>

static const sl_estimate none = {NAN, NAN, NAN};

sl_estimate sl_kurtosis(const double *x, size_t n)
{
    if (n < 4) return none;
    const double count = (double)n;
    double mean = 0, m2 = 0, m3 = 0, m4 = 0;
    for (size_t i = 0; i < n; i++) mean += x[i] / count;
    for (size_t i = 0; i < n; i++) {
        const double c = x[i] - mean, c2 = c * c;
        m2 += c2 / count;
        m3 += c2 * c / count;
        m4 += c2 * c2 / count;
    }
    if (!(m2 > 1e-28 * mean * mean) || !isfinite(m4)) return none; /* at most rounding */
    sl_welford influence = {0};
    for (size_t i = 0; i < n; i++) {
        const double c = x[i] - mean, c2 = c * c;
        sl_welford_add(&influence, (c2 * c2 - m4 - 4 * m3 * c) / (m2 * m2) - 2 * m4 * (c2 - m2) / (m2 * m2 * m2));
    }
    return (sl_estimate){m4 / (m2 * m2) - 3, sqrt(sl_welford_variance(&influence) / count), INFINITY};
}

static int descending(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x < y) - (x > y);
}

size_t sl_hill_k(size_t n)
{
    const size_t k = (size_t)(0.5 * pow((double)n, 2.0 / 3));
    return k < 10 ? 10 : k;
}

sl_status sl_hill(sl_estimate *a, const double *x, size_t n, size_t k, sl_err *err)
{
    *a = none;
    if (k < 1 || k >= n) return SL_OK;
    double *const size = malloc(n * sizeof *size);
    if (!size) return sl_fail(err, SL_E_MEMORY, "no memory for the tail of %zu values", n);
    for (size_t i = 0; i < n; i++) size[i] = fabs(x[i]);
    qsort(size, n, sizeof *size, descending);
    double sum = 0;
    for (size_t i = 0; i < k; i++) sum += log(size[i] / size[k]);
    if (size[k] > 0 && sum > 0 && isfinite(sum)) {
        const double value = (double)k / sum;
        *a = (sl_estimate){value, value / sqrt((double)k), (double)k};
    }
    free(size);
    return SL_OK;
}

sl_estimate sl_stable_index(const double *x, size_t n)
{
    size_t used = 0;
    for (size_t i = 0; i < n; i++) used += x[i] != 0;
    if (used < 16) return none;
    const size_t k1 = (size_t)sqrt((double)used), k2 = used / k1;
    sl_welford inverse = {0};
    for (size_t block = 0, i = 0; block < k2; block++) {
        double sum = 0, logs = 0;
        for (size_t j = 0; j < k1; i++) {
            if (x[i] == 0) continue;
            sum += x[i];
            logs += log(fabs(x[i]));
            j++;
        }
        sl_welford_add(&inverse, (log(fabs(sum)) - logs / (double)k1) / log((double)k1));
    }
    const sl_estimate e = sl_welford_mean(&inverse);
    if (!(e.value > 0) || !isfinite(e.value)) return none;
    return (sl_estimate){1 / e.value, e.se / (e.value * e.value), e.dof};
}
