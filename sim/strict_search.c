#include "sim/strict_search.h"

#include <float.h>
#include <gsl/gsl_cdf.h>
#include <gsl/gsl_errno.h>
#include <gsl/gsl_multimin.h>
#include <math.h>
#include <string.h>

#include "base/random.h"

enum { LANES = 8, SOBOL = 40, DESCENTS = 500, CREEPS = 4 };

sl_status sl_area_check(const sl_area *area, const sl_loss *loss, sl_err *err)
{
    if (sl_loss_restricted(loss))
        return sl_fail(err, SL_E_DOMAIN, "loss '%s' lives on a subset of space, where its constants are others",
                       loss->kind->entry.name);
    if (!(area->radius >= 0 && isfinite(area->radius)))
        return sl_fail(err, SL_E_DOMAIN, "radius = %g, need 0 < radius < inf (0: a box)", area->radius);
    if (area->radius > 0 ? !area->centre : !(area->lo && area->hi))
        return sl_fail(err, SL_E_DOMAIN, "the area has neither a centre and radius nor a box");
    for (size_t d = 0; d < loss->dim; d++) {
        if (area->radius > 0) {
            if (!isfinite(area->centre[d]))
                return sl_fail(err, SL_E_DOMAIN, "centre: x[%zu] = %g must be finite", d, area->centre[d]);
        } else if (!(area->lo[d] < area->hi[d] && isfinite(area->hi[d] - area->lo[d]))) {
            return sl_fail(err, SL_E_DOMAIN, "box: x[%zu] from %g to %g, need lo < hi, both finite", d, area->lo[d],
                           area->hi[d]);
        }
    }
    return SL_OK;
}

double sl_area_size(const sl_area *area, size_t dim)
{
    if (area->radius > 0) return area->radius;
    double size = 0;
    for (size_t d = 0; d < dim; d++) size = fmax(size, (area->hi[d] - area->lo[d]) / 2);
    return size;
}

static double length(const double *x, size_t n)
{
    double sum = 0;
    for (size_t d = 0; d < n; d++) sum += x[d] * x[d];
    return sqrt(sum);
}

void sl_area_point(double *x, const sl_area *area, size_t dim, const double *y)
{
    if (area->radius > 0) {
        const double r = length(y, dim), factor = r > 0 ? area->radius * sin(r) / r : 0;
        for (size_t d = 0; d < dim; d++) x[d] = area->centre[d] + factor * y[d];
    } else {
        for (size_t d = 0; d < dim; d++)
            x[d] = (area->lo[d] + area->hi[d]) / 2 + (area->hi[d] - area->lo[d]) / 2 * sin(y[d]);
    }
}

void sl_area_unpoint(double *y, const sl_area *area, size_t dim, const double *x)
{
    if (area->radius > 0) {
        for (size_t d = 0; d < dim; d++) y[d] = (x[d] - area->centre[d]) / area->radius;
        const double r = length(y, dim), factor = r > 0 ? asin(fmin(r, 1)) / r : 0;
        for (size_t d = 0; d < dim; d++) y[d] *= factor;
    } else {
        for (size_t d = 0; d < dim; d++)
            y[d] = asin(fmax(-1, fmin(1, (2 * x[d] - area->lo[d] - area->hi[d]) / (area->hi[d] - area->lo[d]))));
    }
}

void sl_area_chain(double *g, const sl_area *area, size_t dim, const double *y, const double *dx)
{
    if (area->radius > 0) {
        const double r = length(y, dim), across = r > 0 ? sin(r) / r : 1;
        double along = 0;
        for (size_t d = 0; d < dim && r > 0; d++) along += dx[d] * y[d] / r;
        for (size_t d = 0; d < dim; d++) {
            const double unit = r > 0 ? y[d] / r : 0;
            g[d] = area->radius * (across * dx[d] + (cos(r) - across) * along * unit);
        }
    } else {
        for (size_t d = 0; d < dim; d++) g[d] = (area->hi[d] - area->lo[d]) / 2 * cos(y[d]) * dx[d];
    }
}

gsl_qrng *sl_area_starts(size_t dim)
{
    const size_t n = 2 * dim + 1;
    return gsl_qrng_alloc(gsl_qrng_sobol, (unsigned)(n < SOBOL ? n : SOBOL));
}

void sl_area_start(double *y, double *v, const sl_area *area, size_t dim, gsl_qrng *q, size_t i)
{
    const size_t n = 2 * dim + 1;
    double u[2 * SL_LOSS_MAX_DIM + 1], x[SL_LOSS_MAX_DIM];
    const sl_draw draw = {.step = i, .purpose = SL_PURPOSE_MEASURE};
    if (n > SOBOL) sl_random_uniforms(u, n, 0, &draw);
    gsl_qrng_get(q, u);
    if (area->radius > 0) {
        for (size_t d = 0; d < dim; d++) x[d] = gsl_cdf_ugaussian_Pinv(u[d]);
        const double r = length(x, dim), R = area->radius * pow(u[2 * dim], 1 / (double)dim);
        for (size_t d = 0; d < dim; d++) x[d] = area->centre[d] + (r > 0 ? R * x[d] / r : 0);
    } else {
        for (size_t d = 0; d < dim; d++) x[d] = area->lo[d] + u[d] * (area->hi[d] - area->lo[d]);
    }
    sl_area_unpoint(y, area, dim, x);
    if (!v) return;
    for (size_t d = 0; d < dim; d++) v[d] = gsl_cdf_ugaussian_Pinv(u[dim + d]);
    const double r = length(v, dim);
    if (r > 0)
        for (size_t d = 0; d < dim; d++) v[d] /= r;
    else
        v[0] = 1;
}

/* Lanes hold x + k step v for these k. */
static const double OFFSET[LANES] = {0, 1, -1, 2, -2, 0, 0, 0};

void sl_along(double *h2, double *h3, double *h4, const sl_loss *loss, const double *x, const double *v, double step)
{
    _Alignas(64) double at[SL_LOSS_MAX_DIM * LANES], u[SL_LOSS_MAX_DIM * LANES], h[SL_LOSS_MAX_DIM * LANES];
    for (size_t d = 0; d < loss->dim; d++)
        for (size_t i = 0; i < LANES; i++) {
            at[d * LANES + i] = x[d] + OFFSET[i] * step * v[d];
            u[d * LANES + i] = v[d];
        }
    const bool products = loss->kind->hessian_vector != NULL;
    if (products)
        loss->kind->hessian_vector(loss, LANES, LANES, at, u, h);
    else
        loss->kind->gradient(loss, LANES, LANES, at, h);
    for (size_t d = 0; d < loss->dim; d++) {
        const double *k = h + d * LANES; /* at x, one step on, one back, two on, two back */
        const double first = (k[1] - k[2]) / (2 * step), second = (k[1] - 2 * k[0] + k[2]) / (step * step);
        const double third = (k[3] - 2 * k[1] + 2 * k[2] - k[4]) / (2 * step * step * step);
        h2[d] = products ? k[0] : first;
        if (h3) h3[d] = products ? first : second;
        if (h4) h4[d] = products ? second : third;
    }
}

/* ---- Descents ---- */

typedef struct {
    sl_minimand f;
    void *ctx;
} target;

/* GSL's line searches do not bear infinities. */
static double tame(double f)
{
    return isfinite(f) ? f : DBL_MAX / 4;
}

static double value_of(const gsl_vector *z, void *t)
{
    const target *q = t;
    return tame(q->f(z->data, NULL, q->ctx));
}

static void both(const gsl_vector *z, void *t, double *f, gsl_vector *g)
{
    const target *q = t;
    *f = tame(q->f(z->data, g->data, q->ctx));
}

static void slope(const gsl_vector *z, void *t, gsl_vector *g)
{
    double f;
    both(z, t, &f, g);
}

double sl_descend(const sl_minimand f, void *ctx, double *z, size_t n, sl_status *st)
{
    target t = {f, ctx};
    gsl_multimin_function_fdf task = {.f = value_of, .df = slope, .fdf = both, .n = n, .params = &t};
    gsl_multimin_fdfminimizer *m = gsl_multimin_fdfminimizer_alloc(gsl_multimin_fdfminimizer_vector_bfgs2, n);
    if (!m) {
        *st = SL_E_MEMORY;
        return INFINITY;
    }
    gsl_vector_view view = gsl_vector_view_array(z, n);
    double least = INFINITY, g[2 * SL_LOSS_MAX_DIM];
    const double at_start = f(z, g, ctx), steepness = length(g, n);
    if (isfinite(at_start) && isfinite(steepness)) {
        least = at_start;
        if (steepness > 0 && gsl_multimin_fdfminimizer_set(m, &task, &view.vector, 0.1, 0.1) == GSL_SUCCESS) {
            for (int i = 0; i < DESCENTS; i++)
                if (gsl_multimin_fdfminimizer_iterate(m) != GSL_SUCCESS) break;
            if (m->f < least) {
                least = m->f;
                memcpy(z, m->x->data, n * sizeof *z);
            }
        }
    }
    gsl_multimin_fdfminimizer_free(m);
    return least;
}

double sl_creep(const sl_minimand f, void *ctx, double *z, size_t n, double step, sl_status *st)
{
    target t = {f, ctx};
    gsl_multimin_function task = {.f = value_of, .n = n, .params = &t};
    gsl_multimin_fminimizer *m = gsl_multimin_fminimizer_alloc(gsl_multimin_fminimizer_nmsimplex2, n);
    gsl_vector *steps = gsl_vector_alloc(n);
    double least = f(z, NULL, ctx);
    if (!m || !steps) *st = SL_E_MEMORY;
    /* A simplex flattens against the border of what is allowed; a fresh one, other way up, goes on along it. */
    for (int k = 0; k < CREEPS && m && steps && isfinite(least); k++) {
        gsl_vector_view view = gsl_vector_view_array(z, n);
        gsl_vector_set_all(steps, k % 2 ? -step : step);
        if (gsl_multimin_fminimizer_set(m, &task, &view.vector, steps) != GSL_SUCCESS) break;
        for (size_t i = 0; i < 200 * n; i++)
            if (gsl_multimin_fminimizer_iterate(m) != GSL_SUCCESS || m->size < 1e-10 * step) break;
        if (!(m->fval < least)) continue;
        least = m->fval;
        memcpy(z, m->x->data, n * sizeof *z);
    }
    gsl_vector_free(steps);
    if (m) gsl_multimin_fminimizer_free(m);
    return least;
}
