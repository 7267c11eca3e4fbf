#include <math.h>
#include <string.h>

#include "sim/strict_search.h"

typedef struct {
    double lo, hi;
} range;

/* Of coordinate d over the area. */
static range of(const sl_area *area, size_t d)
{
    if (area->radius > 0) return (range){area->centre[d] - area->radius, area->centre[d] + area->radius};
    return (range){area->lo[d], area->hi[d]};
}

static double farthest(range r)
{
    return fmax(fabs(r.lo), fabs(r.hi));
}

static double nearest(range r)
{
    return r.lo > 0 ? r.lo : r.hi < 0 ? -r.hi : 0;
}

/* The largest |3 x^2 - 1|, and of |6 x|: x^4/4 - x^2/2. */
static sl_smoothness well(range r)
{
    const double far = farthest(r), near = nearest(r);
    return (sl_smoothness){fmax(fabs(3 * far * far - 1), fabs(3 * near * near - 1)), 6 * far};
}

static bool centred(const sl_area *area, size_t dim)
{
    for (size_t d = 0; d < dim && area->radius > 0; d++)
        if (area->centre[d] != 0) return false;
    return area->radius > 0;
}

/* |U| <= R: the quartic part of the Hessian lies between 0 (at U = 0) and 3 R^2 (one column, along the least eigenvalue
 * of M), and D^3 f[V, V, V] = 6 <U, V V' V>. */
static sl_smoothness factorisation(const sl_loss *loss, double R)
{
    const size_t n = (size_t)loss->data[SL_LOSS_MAX_DIM];
    double least = INFINITY, most = -INFINITY;
    for (size_t k = 0; k < n; k++) {
        least = fmin(least, loss->data[k]);
        most = fmax(most, loss->data[k]);
    }
    return (sl_smoothness){fmax(most, 3 * R * R - least), 6 * R};
}

sl_status sl_strict_exact(sl_smoothness *s, const sl_loss *loss, const sl_area *area, sl_err *err)
{
    SL_TRY(sl_area_check(area, loss, err));
    const char *name = loss->kind->entry.name;
    if (strcmp(name, "quadratic") == 0 || strcmp(name, "quadratic-saddle") == 0) {
        double beta = 0;
        for (size_t d = 0; d < loss->dim; d++) beta = fmax(beta, fabs(loss->data[d]));
        *s = (sl_smoothness){beta, 0};
    } else if (strcmp(name, "double-well") == 0 || strcmp(name, "tilted-double-well") == 0) {
        *s = well(of(area, 0));
    } else if (strcmp(name, "quartic") == 0) {
        const double far = farthest(of(area, 0));
        *s = (sl_smoothness){3 * far * far, 6 * far};
    } else if (strcmp(name, "strict-saddle") == 0) {
        const sl_smoothness y = well(of(area, 1));
        *s = (sl_smoothness){fmax(1, y.beta), y.rho};
    } else if (strcmp(name, "monkey-saddle") == 0 && centred(area, loss->dim)) {
        /* Both are largest along the x axis: 6 r + 3 q r^2, and 6 + 6 q r. */
        const double q = loss->data[0], r = area->radius;
        *s = (sl_smoothness){6 * r + 3 * q * r * r, 6 + 6 * q * r};
    } else if (strcmp(name, "matrix-factorisation") == 0 && centred(area, loss->dim)) {
        *s = factorisation(loss, area->radius);
    } else {
        return sl_fail(err, SL_E_DOMAIN, "the constants of loss '%s' on this area are not known in closed form", name);
    }
    return SL_OK;
}
