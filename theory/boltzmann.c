#include "theory/boltzmann.h"

#include <float.h>
#include <gsl/gsl_errno.h>
#include <gsl/gsl_integration.h>
#include <math.h>

#include "base/gsl.h"

/* What the header promises of relative errors. */
#define PRECISION 1e-10
/* exp(-745) is the smallest positive double. */
#define DEEPEST 745.0
enum { GRID = 4096, PANELS = 16, LIMIT = 200 };

typedef struct {
    sl_function f, derivative;
    void *ctx;
    sl_function h; /* what OTHER averages */
    void *h_ctx;
    double T, floor; /* floor: the least f seen; all weights are exp(-(f - floor)/T)   */
    double bottom;   /* where that is: panels meet there, so that a corner does no harm */
    int which;       /* which average: an index into the list in integrand()          */
} problem;

enum { ONE, F, F2, X, X2, X4, XG, G2, AVERAGES, OTHER };

static double integrand(double x, void *params)
{
    const problem *p = params;
    const double h = p->f(x, p->ctx) - p->floor;
    const double weight = exp(-h / p->T);
    if (!(weight > 0)) return 0; /* also where f is infinite or not a number: no weight there */
    switch (p->which) {
    case F: return h * weight;
    case F2: return h * h * weight;
    case X: return x * weight;
    case X2: return x * x * weight;
    case X4: return x * x * x * x * weight;
    case XG: return x * p->derivative(x, p->ctx) * weight;
    case G2: {
        const double g = p->derivative(x, p->ctx);
        return g * g * weight;
    }
    case OTHER: return p->h(x, p->h_ctx) * weight;
    default: return weight;
    }
}

/* The integral over [lo, hi] in PANELS panels to the left of the bottom and as many to its right, each by adaptive
 * 31-point Gauss-Kronrod. *error: the estimated error relative to the integral of the modulus (so that an average
 * which vanishes by symmetry does not count as wrong). */
static sl_status integrate(double *value, double *error, problem *p, double lo, double hi,
                           gsl_integration_workspace *work, sl_err *err)
{
    double modulus = 0;
    for (int i = 0; i < GRID; i++) modulus += fabs(integrand(lo + (hi - lo) * (i + 0.5) / GRID, p)) * (hi - lo) / GRID;
    gsl_function function = {integrand, p};
    const double middle = fmin(fmax(p->bottom, lo), hi);
    double sum = 0, worst = 0;
    for (int i = 0; i < 2 * PANELS; i++) {
        const double left = i < PANELS ? lo : middle, width = (i < PANELS ? middle - lo : hi - middle) / PANELS;
        const double a = left + width * (i % PANELS);
        if (!(width > 0)) continue;
        double part = 0, part_error = 0;
        /* A panel without weight needs no relative precision; round-off is judged by the error returned. */
        const int code = gsl_integration_qag(&function, a, a + width, 1e-13 * modulus, 1e-12, LIMIT, GSL_INTEG_GAUSS31,
                                             work, &part, &part_error);
        if (!isfinite(part) || (code != GSL_SUCCESS && code != GSL_EROUND && code != GSL_EMAXITER))
            return sl_fail(err, SL_E_NUMERIC, "quadrature over [%g, %g] at T = %g failed: %s", a, a + width, p->T,
                           gsl_strerror(code));
        sum += part;
        worst += part_error;
    }
    if (!(worst <= PRECISION * modulus + DBL_MIN)) /* below DBL_MIN numbers have few digits to be right in */
        return sl_fail(err, SL_E_NUMERIC, "an average over [%g, %g] at T = %g is only good to %.1e: what is averaged is too "
                       "rough", lo, hi, p->T, worst / modulus);
    *value = sum;
    *error = modulus > 0 ? worst / modulus : 0;
    return SL_OK;
}

/* Sets floor and bottom from a grid over [lo, hi] and a golden-section search around its lowest point; first, last:
 * the outermost grid points where f is within reach of the floor. 0 if f is nowhere finite. */
static int scan(problem *p, double *first, double *last, double lo, double hi)
{
    const double step = (hi - lo) / GRID, reach = DEEPEST * p->T;
    double least = INFINITY, at = lo;
    for (int i = 0; i <= GRID; i++) {
        const double f = p->f(lo + i * step, p->ctx);
        if (f < least) {
            least = f;
            at = lo + i * step;
        }
    }
    if (!isfinite(least)) return 0;
    const double golden = 0.6180339887498949;
    double a = fmax(lo, at - step), b = fmin(hi, at + step);
    for (int k = 0; k < 100 && b - a > 0; k++) {
        const double c = b - golden * (b - a), d = a + golden * (b - a);
        if (p->f(c, p->ctx) < p->f(d, p->ctx))
            b = d;
        else
            a = c;
    }
    p->bottom = p->f(a, p->ctx) < least ? a : at;
    p->floor = least = p->f(p->bottom, p->ctx);
    int from = GRID, to = 0;
    for (int i = 0; i <= GRID; i++) {
        if (!(p->f(lo + i * step, p->ctx) - least < reach)) continue;
        if (i < from) from = i;
        to = i;
    }
    *first = lo + from * step;
    *last = lo + to * step;
    return 1;
}

/* The interval outside which exp(-(f - min f)/T) underflows: the grid doubles until f is out of reach at both ends
 * of the inner and the outer half, then closes in on what is within reach, one grid step wider. */
static sl_status find_interval(problem *p, double *lo, double *hi, sl_err *err)
{
    double first = 0, last = 0;
    double R = 1;
    for (;; R *= 2) {
        if (R > 1e9 || !scan(p, &first, &last, -R, R))
            return sl_fail(err, SL_E_UNSTABLE,
                           "exp(-f/T) at T = %g has no finite integral that could be found: f does "
                           "not rise by %g T on both sides of its minimum within |x| < 1e9",
                           p->T, DEEPEST);
        if (first > -R / 2 && last < R / 2) break;
    }
    *lo = -R;
    *hi = R;
    for (int pass = 0; pass < 60; pass++) {
        const double step = (*hi - *lo) / GRID, width = *hi - *lo;
        *lo = first - step;
        *hi = last + step;
        if (*hi - *lo > 0.9 * width) break;
        if (!scan(p, &first, &last, *lo, *hi)) break;
    }
    if (!(*lo < *hi))
        return sl_fail(err, SL_E_NUMERIC, "T = %g is too low: %d points miss the minimum of f near x = %g by %g T or more",
                       p->T, GRID, p->bottom, DEEPEST);
    return SL_OK;
}

sl_status sl_boltzmann_solve(sl_boltzmann *b, sl_function f, sl_function derivative, void *ctx, double T, double period,
                             sl_err *err)
{
    if (!(T > 0 && isfinite(T))) return sl_fail(err, SL_E_DOMAIN, "temperature T = %g, need 0 < T < inf", T);
    if (!(period >= 0 && isfinite(period)))
        return sl_fail(err, SL_E_DOMAIN, "period %g, need 0 (none) or a finite length", period);
    sl_gsl_quiet();
    problem p = {.f = f, .derivative = derivative, .ctx = ctx, .T = T};
    double lo = -period / 2, hi = period / 2;
    if (period > 0) {
        double first, last;
        if (!scan(&p, &first, &last, lo, hi))
            return sl_fail(err, SL_E_UNSTABLE, "f is not finite on the period [%g, %g]", lo, hi);
    } else {
        SL_TRY(find_interval(&p, &lo, &hi, err));
    }

    gsl_integration_workspace *work = gsl_integration_workspace_alloc(LIMIT);
    if (!work) return sl_fail(err, SL_E_MEMORY, "no memory for quadrature");
    double average[AVERAGES], worst = 0;
    sl_status st = SL_OK;
    for (p.which = 0; p.which < AVERAGES && st == SL_OK; p.which++) {
        double error = 0;
        st = integrate(&average[p.which], &error, &p, lo, hi, work, err);
        worst = fmax(worst, error);
    }
    gsl_integration_workspace_free(work);
    if (st != SL_OK) return st;
    const double Z = average[ONE];
    if (!(Z > 0)) return sl_fail(err, SL_E_NUMERIC, "exp(-f/T) at T = %g has no weight on [%g, %g]", T, lo, hi);
    const double h = average[F] / Z;
    *b = (sl_boltzmann){.log_Z = log(Z) - p.floor / T,
                        .f = p.floor + h,
                        .var_f = average[F2] / Z - h * h,
                        .x = average[X] / Z,
                        .x2 = average[X2] / Z,
                        .x4 = average[X4] / Z,
                        .xg = average[XG] / Z,
                        .g2 = average[G2] / Z,
                        .lo = lo,
                        .hi = hi,
                        .bottom = p.bottom,
                        .error = worst};
    return SL_OK;
}

double sl_boltzmann_density(const sl_boltzmann *b, sl_function f, void *ctx, double T, double x)
{
    return exp(-f(x, ctx) / T - b->log_Z);
}

/* The integral over [lo, hi] of the normalised density (times h, if there is one). */
static sl_status under_density(double *value, const sl_boltzmann *b, sl_function f, void *ctx, double T, sl_function h,
                               void *h_ctx, double lo, double hi, sl_err *err)
{
    if (!(T > 0 && isfinite(T))) return sl_fail(err, SL_E_DOMAIN, "temperature T = %g, need 0 < T < inf", T);
    sl_gsl_quiet();
    gsl_integration_workspace *work = gsl_integration_workspace_alloc(LIMIT);
    if (!work) return sl_fail(err, SL_E_MEMORY, "no memory for quadrature");
    /* floor chosen so that the weight is the density itself. */
    problem p = {.f = f,
                 .ctx = ctx,
                 .h = h,
                 .h_ctx = h_ctx,
                 .T = T,
                 .floor = -T * b->log_Z,
                 .bottom = b->bottom,
                 .which = h ? OTHER : ONE};
    double sum, error;
    const sl_status st = integrate(&sum, &error, &p, lo, hi, work, err);
    gsl_integration_workspace_free(work);
    if (st == SL_OK) *value = sum;
    return st;
}

sl_status sl_boltzmann_average(double *mean, const sl_boltzmann *b, sl_function f, void *ctx, double T, sl_function h,
                               void *h_ctx, sl_err *err)
{
    return under_density(mean, b, f, ctx, T, h, h_ctx, b->lo, b->hi, err);
}

sl_status sl_boltzmann_probability(double *p, const sl_boltzmann *b, sl_function f, void *ctx, double T, double lo,
                                   double hi, sl_err *err)
{
    if (!(lo <= hi)) return sl_fail(err, SL_E_DOMAIN, "bin [%g, %g] is not ordered", lo, hi);
    lo = fmax(lo, b->lo);
    hi = fmin(hi, b->hi);
    if (!(lo < hi)) {
        *p = 0;
        return SL_OK;
    }
    return under_density(p, b, f, ctx, T, NULL, NULL, lo, hi, err);
}
