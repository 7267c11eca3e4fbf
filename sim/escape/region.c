/* Loops that must see NaN, so they are not compiled as kernels are (with -ffast-math), but cloned like them. */
#include "sim/escape/region.h"

#include <math.h>
#include <string.h>

#include "base/kernel.h"

enum { GROUP = SL_REGION_GROUP }; /* lanes a word */

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
        if (set->kind == SL_SET_BEYOND   ? square > limit
            : set->kind == SL_SET_WITHIN ? square < limit
                                         : dot >= set->level)
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
            return sl_fail(err, SL_E_DOMAIN,
                           half ? "set %zu: level = %g must be finite" : "set %zu: radius = %g, need 0 < radius < inf",
                           s, set->level);
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

static const uint64_t bit[GROUP] = {
#define BITS(k) 1ull << (k), 1ull << ((k) + 1), 1ull << ((k) + 2), 1ull << ((k) + 3)
    BITS(0),  BITS(4),  BITS(8),  BITS(12), BITS(16), BITS(20), BITS(24), BITS(28),
    BITS(32), BITS(36), BITS(40), BITS(44), BITS(48), BITS(52), BITS(56), BITS(60),
#undef BITS
};

/* Lanes j + i that are not INSIDE become suspect; what is not a number is inside of nothing. */
#define MARK(INSIDE)                                                                             \
    for (size_t j = 0; j < B; j += GROUP) {                                                      \
        uint64_t outside = 0;                                                                    \
        _Pragma("omp simd reduction(| : outside)") for (size_t i = 0; i < GROUP; i++) outside |= \
            (INSIDE) ? 0 : bit[i];                                                               \
        suspect[j / GROUP] |= outside;                                                           \
    }

/* SQUARE = |x - point|^2 and DOT = point . x of lane j + i. */
#define MARK_SET(SQUARE, DOT)                               \
    const double level = set->level, limit = level * level; \
    if (set->kind == SL_SET_BEYOND) {                       \
        MARK((SQUARE) <= limit)                             \
    } else if (set->kind == SL_SET_WITHIN) {                \
        MARK((SQUARE) >= limit)                             \
    } else {                                                \
        MARK((DOT) < level)                                 \
    }

static SL_KERNEL void mark_line(uint64_t *restrict suspect, const sl_set *set, size_t B, const double *restrict x)
{
    const double p = set->point[0];
    MARK_SET((x[j + i] - p) * (x[j + i] - p), x[j + i] * p)
}

static SL_KERNEL void mark_space(uint64_t *restrict suspect, const sl_set *set, size_t dim, size_t B,
                                 const double *restrict x, double *restrict sum)
{
    memset(sum, 0, B * sizeof *sum);
    for (size_t d = 0; d < dim; d++) {
        const double *restrict xd = x + d * B;
        const double p = set->point[d];
        if (set->kind == SL_SET_HALF) {
#pragma omp simd
            for (size_t i = 0; i < B; i++) sum[i] += xd[i] * p;
        } else {
#pragma omp simd
            for (size_t i = 0; i < B; i++) sum[i] += (xd[i] - p) * (xd[i] - p);
        }
    }
    MARK_SET(sum[j + i], sum[j + i])
}

static SL_KERNEL void mark_far(uint64_t *restrict suspect, double radius, size_t B, const double *restrict x)
{
    MARK(fabs(x[j + i]) <= radius)
}

bool sl_region_suspects(uint64_t *suspect, const sl_region *region, size_t dim, double radius, size_t B,
                        const double *x, double *scratch)
{
    for (size_t j = 0; j < B / GROUP; j++) suspect[j] = 0;
    for (size_t s = 0; s < region->n; s++) {
        if (dim == 1)
            mark_line(suspect, &region->set[s], B, x);
        else
            mark_space(suspect, &region->set[s], dim, B, x, scratch);
    }
    for (size_t d = 0; d < dim && radius < INFINITY; d++) mark_far(suspect, radius, B, x + d * B);
    uint64_t any = 0;
    for (size_t j = 0; j < B / GROUP; j++) any |= suspect[j];
    return any != 0;
}
