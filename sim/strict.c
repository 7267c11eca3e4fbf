#include "sim/strict.h"

#include <math.h>

#include "base/gsl.h"
#include "sim/strict_search.h"

enum { STARTS = 64 };

/* Of the area's size: third derivatives to 1e-6, and 1e-10 of rounding. */
static const double STEP = 1e-3;

/* What is looked for: the largest value of a form of degree k in v, over unit vectors v and points x. */
typedef struct {
    const sl_loss *loss;
    const sl_area *area;
    double sign, step;
    bool third; /* D^3 f[v, v, v] rather than sign v'Hv */
} form;

/* z = (y, w), x = x(y), v = w/|w|: minus the form, and its gradient. */
static double minus_form(const double *z, double *g, void *ctx)
{
    const form *q = ctx;
    const size_t n = q->loss->dim;
    double x[SL_LOSS_MAX_DIM], v[SL_LOSS_MAX_DIM], h2[SL_LOSS_MAX_DIM], h3[SL_LOSS_MAX_DIM], h4[SL_LOSS_MAX_DIM];
    double w = 0, value = 0;
    sl_area_point(x, q->area, n, z);
    for (size_t d = 0; d < n; d++) w += z[n + d] * z[n + d];
    w = sqrt(w);
    if (!(w > 0)) return INFINITY;
    for (size_t d = 0; d < n; d++) v[d] = z[n + d] / w;
    sl_along(h2, h3, h4, q->loss, x, v, q->step);
    const double *to_v = q->third ? h3 : h2, *to_x = q->third ? h4 : h3;
    const double degree = q->third ? 3 : 2, sign = q->third ? 1 : q->sign;
    for (size_t d = 0; d < n; d++) value += v[d] * to_v[d];
    if (g) {
        sl_area_chain(g, q->area, n, z, to_x);
        for (size_t d = 0; d < n; d++) {
            g[d] *= -sign;
            g[n + d] = -sign * degree * (to_v[d] - value * v[d]) / w;
        }
    }
    return -sign * value;
}

static sl_status largest(double *value, form *q, size_t starts, sl_err *err)
{
    const size_t n = q->loss->dim;
    double z[2 * SL_LOSS_MAX_DIM], best = -INFINITY;
    gsl_qrng *random = sl_area_starts(n);
    sl_status st = random ? SL_OK : SL_E_MEMORY;
    for (size_t i = 0; i < starts && st == SL_OK; i++) {
        sl_area_start(z, z + n, q->area, n, random, i);
        best = fmax(best, -sl_descend(minus_form, q, z, 2 * n, &st));
    }
    if (random) gsl_qrng_free(random);
    if (st != SL_OK) return sl_fail(err, st, "no memory for a search in %zu dimensions", n);
    if (!isfinite(best))
        return sl_fail(err, SL_E_DOMAIN, "loss '%s' has no finite Hessian in the area", q->loss->kind->entry.name);
    *value = best;
    return SL_OK;
}

sl_status sl_largest_curvature(double *value, const sl_loss *loss, const sl_area *area, double sign, size_t starts,
                               sl_err *err)
{
    form q = {.loss = loss, .area = area, .sign = sign, .step = STEP * sl_area_size(area, loss->dim)};
    return largest(value, &q, starts, err);
}

sl_status sl_strict_smoothness(sl_smoothness *s, const sl_loss *loss, const sl_area *area, size_t starts, sl_err *err)
{
    sl_gsl_quiet();
    SL_TRY(sl_area_check(area, loss, err));
    if (starts == 0) starts = STARTS;
    double up, down, rho;
    SL_TRY(sl_largest_curvature(&up, loss, area, 1, starts, err));
    SL_TRY(sl_largest_curvature(&down, loss, area, -1, starts, err));
    form q = {.loss = loss, .area = area, .step = STEP * sl_area_size(area, loss->dim), .third = true};
    SL_TRY(largest(&rho, &q, starts, err));
    *s = (sl_smoothness){.beta = fmax(up, down), .rho = fmax(rho, 0)};
    return SL_OK;
}
