/* Loops that must see NaN, so they are not compiled as kernels are (with -ffast-math), but cloned like them. */
#include "sim/escape/region.h"

#include <math.h>
#include <string.h>

#include "base/kernel.h"

enum { GROUP = SL_REGION_GROUP };

unsigned sl_region_which(const sl_region *region, size_t dim, const double *x)
{
    for (size_t s = 0; s < region->n; s++) {
        const sl_set *set = &region->set[s];
        double square = 0, dot = 0;
        for (size_t d = 0; d < dim; d++) {
            const double u = x[d] - set->point[d];
            square += u * u, dot += x[d] * set->point[d];
        }
        const double limit = set->level * set->level;
        if (set->kind == SL_SET_BEYOND ? square > limit : set->kind == SL_SET_WITHIN ? square < limit : dot >= set->level)
            return (unsigned)s;
    }
    return SL_EXIT_CENSORED;
}

void sl_region_ball(sl_region *region, const double *centre, size_t dim, double radius)
{
    *region = (sl_region){.n = 1, .set[0] = {.kind = SL_SET_BEYOND, .level = radius}};
    for (size_t d = 0; d < dim; d++) region->set[0].point[d] = centre[d];
}

sl_status sl_region_check(const sl_region *region, size_t dim, sl_err *err)
{
    if (!(region->n >= 1 && region->n <= SL_REGION_SETS))
        return sl_fail(err, SL_E_DOMAIN, "a region of %zu sets, need 1 to %d", region->n, SL_REGION_SETS);
    for (size_t s = 0; s < region->n; s++) {
        const sl_set *set = &region->set[s];
        const bool half = set->kind == SL_SET_HALF;
        if (!half && set->kind != SL_SET_BEYOND && set->kind != SL_SET_WITHIN)
            return sl_fail(err, SL_E_DOMAIN, "set %zu: kind = %d, need beyond, within or half", s, (int)set->kind);
        if (!(isfinite(set->level) && (half || set->level > 0)))
            return sl_fail(err, SL_E_DOMAIN, half ? "set %zu: level = %g must be finite"
                                                  : "set %zu: radius = %g, need 0 < radius < inf", s, set->level);
        bool zero = true;
        for (size_t d = 0; d < dim; d++) {
            if (!isfinite(set->point[d]))
                return sl_fail(err, SL_E_DOMAIN, "set %zu: point[%zu] = %g must be finite", s, d, set->point[d]);
            zero = zero && set->point[d] == 0;
        }
        if (half && zero) return sl_fail(err, SL_E_DOMAIN, "set %zu: a half-space with a normal of length 0", s);
    }
    return SL_OK;
}

double sl_region_radius(const sl_region *region, double radius, bool default_radius)
{
    if (!default_radius) return radius;
    for (size_t s = 0; s < region->n; s++)
        if (region->set[s].kind == SL_SET_BEYOND) return INFINITY;
    return radius;
}

/* sum[i] = |x - point|^2, or point . x, of 64 lanes. */
static inline __attribute__((always_inline)) void sums(double *restrict sum, const sl_set *set, size_t dim, size_t B,
                                                       const double *restrict x)
{
    for (size_t d = 0; d < dim; d++) {
        const double p = set->point[d];
        const double *restrict xd = x + d * B;
        if (set->kind == SL_SET_HALF) {
#pragma omp simd
            for (int i = 0; i < GROUP; i++) sum[i] = (d > 0 ? sum[i] : 0) + xd[i] * p;
        } else {
#pragma omp simd
            for (int i = 0; i < GROUP; i++) {
                const double u = xd[i] - p;
                sum[i] = (d > 0 ? sum[i] : 0) + u * u;
            }
        }
    }
}

/* Written as !(inside), so that what is not a number is suspect. */
static inline __attribute__((always_inline)) void mark(uint64_t *restrict bad, const double *restrict sum,
                                                       const sl_set *set)
{
    const double level = set->level, limit = level * level;
    if (set->kind == SL_SET_BEYOND) {
#pragma omp simd
        for (int i = 0; i < GROUP; i++) bad[i] |= sum[i] <= limit ? 0 : 1;
    } else if (set->kind == SL_SET_WITHIN) {
#pragma omp simd
        for (int i = 0; i < GROUP; i++) bad[i] |= sum[i] >= limit ? 0 : 1;
    } else {
#pragma omp simd
        for (int i = 0; i < GROUP; i++) bad[i] |= sum[i] < level ? 0 : 1;
    }
}

static inline __attribute__((always_inline)) void suspects(uint64_t *restrict bad, const sl_region *region, size_t dim,
                                                           double radius, size_t B, const double *restrict x)
{
    double sum[GROUP];
    for (size_t s = 0; s < region->n; s++) {
        sums(sum, &region->set[s], dim, B, x);
        mark(bad, sum, &region->set[s]);
    }
    if (radius == INFINITY) return;
    for (size_t d = 0; d < dim; d++) {
        const double *restrict xd = x + d * B;
#pragma omp simd
        for (int i = 0; i < GROUP; i++) bad[i] |= fabs(xd[i]) <= radius ? 0 : 1;
    }
}

SL_KERNEL uint64_t sl_region_groups(const sl_region *region, size_t dim, double radius, size_t B, const double *x)
{
    uint64_t groups = 0;
    for (size_t j = 0; j < B / GROUP; j++) {
        uint64_t bad[GROUP] = {0}, any = 0;
        suspects(bad, region, dim, radius, B, x + j * GROUP);
#pragma omp simd reduction(| : any)
        for (int i = 0; i < GROUP; i++) any |= bad[i];
        groups |= (uint64_t)(any != 0) << j;
    }
    return groups;
}

SL_KERNEL void sl_region_suspects(uint8_t *suspect, const sl_region *region, size_t dim, double radius, size_t B,
                                  const double *x, size_t group)
{
    uint64_t bad[GROUP] = {0};
    suspects(bad, region, dim, radius, B, x + group * GROUP);
    for (int i = 0; i < GROUP; i++) suspect[i] = bad[i] != 0;
}
