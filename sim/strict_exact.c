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
    } else if (strcmp(name, "monkey-saddle") == 0 && area->radius > 0 && area->centre[0] == 0 && area->centre[1] == 0) {
        /* Both are largest along the x axis: 6 r + 3 q r^2, and 6 + 6 q r. */
        const double q = loss->data[0], r = area->radius;
        *s = (sl_smoothness){6 * r + 3 * q * r * r, 6 + 6 * q * r};
    } else {
        return sl_fail(err, SL_E_DOMAIN, "the constants of loss '%s' on this area are not known in closed form", name);
    }
    return SL_OK;
}
