#include "theory/kramers.h"

#include <gsl/gsl_errno.h>
#include <gsl/gsl_integration.h>
#include <gsl/gsl_min.h>
#include <gsl/gsl_roots.h>
#include <gsl/gsl_sf_zeta.h>
#include <math.h>

#include "base/gsl.h"

static sl_status check_positive(const char *what, double value, sl_err *err)
{
    if (value > 0 && isfinite(value)) return SL_OK;
    return sl_fail(err, SL_E_DOMAIN, "%s = %g, need 0 < %s < inf", what, value, what);
}

/* *unstable: |lambda_-|. *half_log: log sqrt(det H_min / |det H_saddle|), in logs as determinants overflow. */
static sl_status check_barrier(double *unstable, double *half_log, const sl_barrier *b, double T, sl_err *err)
{
    SL_TRY(check_positive("T", T, err));
    SL_TRY(check_positive("height", b->height, err));
    if (b->dim == 0) return sl_fail(err, SL_E_DOMAIN, "a barrier in 0 dimensions, need at least 1");
    double sum = 0, lowest = 0;
    size_t negative = 0;
    for (size_t d = 0; d < b->dim; d++) {
        const double at_minimum = b->minimum[d], at_saddle = b->saddle[d];
        if (!(at_minimum > 0 && isfinite(at_minimum)))
            return sl_fail(err, SL_E_DOMAIN, "curvature %zu at the minimum is %g, need > 0", d, at_minimum);
        if (!(fabs(at_saddle) > 0 && isfinite(at_saddle)))
            return sl_fail(err, SL_E_DOMAIN, "curvature %zu at the saddle is %g, need one that is not 0", d, at_saddle);
        negative += at_saddle < 0;
        lowest = fmin(lowest, at_saddle);
        sum += log(at_minimum) - log(fabs(at_saddle));
    }
    if (negative != 1)
        return sl_fail(err, SL_E_DOMAIN, "the saddle has %zu negative curvatures, need exactly 1", negative);
    *unstable = -lowest;
    *half_log = sum / 2;
    return SL_OK;
}

sl_status sl_rate_eyring_kramers(double *k, const sl_barrier *b, double T, sl_err *err)
{
    double unstable, half_log;
    SL_TRY(check_barrier(&unstable, &half_log, b, T, err));
    *k = unstable / (2 * M_PI) * exp(half_log - b->height / T);
    return SL_OK;
}

/* The relative correction of Laplace's integral over exp(-f/T) at a minimum, per T; d: f'', f''', f''''. */
static double anharmonic(const double d[3])
{
    return 5 * d[1] * d[1] / (24 * d[0] * d[0] * d[0]) - d[2] / (8 * d[0] * d[0]);
}

sl_status sl_time_kramers_corrected(double *tau, const double minimum[3], const double saddle[3], double height,
                                    double T, sl_err *err)
{
    double k;
    SL_TRY(sl_rate_eyring_kramers(&k, &(sl_barrier){1, minimum, saddle, height}, T, err));
    const double upturned[3] = {-saddle[0], -saddle[1], -saddle[2]};
    const double factor = 1 + T * (anharmonic(minimum) + anharmonic(upturned));
    if (!(factor > 0))
        return sl_fail(err, SL_E_NUMERIC, "the correction at T = %g turns the time negative (factor %g): T is too high",
                       T, factor);
    const double time = factor / k;
    if (!isfinite(time))
        return sl_fail(err, SL_E_NUMERIC, "a time of exp(%g) is beyond the range of doubles", height / T);
    *tau = time;
    return SL_OK;
}

sl_status sl_rate_kramers(double *k, const sl_barrier *b, double T, double g, sl_err *err)
{
    double unstable, half_log;
    SL_TRY(check_barrier(&unstable, &half_log, b, T, err));
    SL_TRY(check_positive("friction g", g, err));
    const double z = unstable / (g / 2 + sqrt(g * g / 4 + unstable)); /* without the cancellation of sqrt(..) - g/2 */
    *k = z / (2 * M_PI) * exp(half_log - b->height / T);
    return SL_OK;
}

sl_status sl_rate_low_friction(double *k, double action, double curvature_min, double height, double T, double g,
                               sl_err *err)
{
    SL_TRY(check_positive("action", action, err));
    SL_TRY(check_positive("curvature at the minimum", curvature_min, err));
    SL_TRY(check_positive("height", height, err));
    SL_TRY(check_positive("T", T, err));
    SL_TRY(check_positive("friction g", g, err));
    *k = g * action / T * sqrt(curvature_min) / (2 * M_PI) * exp(-height / T);
    return SL_OK;
}

/* Expanding the logarithm and integrating term by term, log Y = -sum_n erfc(sqrt(n delta)/2) / n, which takes few terms
 * for large delta. Its derivative is Li_{1/2}(exp(-delta/4)) / (2 sqrt(pi delta)); the expansion of the polylogarithm
 * around 1 gives log Y = log delta + sum_k zeta(1/2 - k) (-1/4)^k delta^{k+1/2} / (k! (2k+1) sqrt(pi)), which converges
 * for delta < 8 pi and quickly up to the value where the two meet. */
double sl_depopulation(double delta)
{
    static const double meet = 4;
    if (!(delta >= 0)) return NAN;
    if (delta == 0) return 0;
    double sum = 0;
    if (delta > meet) {
        for (int n = 1; n * delta < 4 * 40.0; n++) sum -= erfc(sqrt(n * delta) / 2) / n; /* erfc(sqrt(40)) ~ 4e-19 */
        return exp(sum);
    }
    double power = sqrt(delta / M_PI); /* (-1/4)^k delta^{k+1/2} / (k! sqrt(pi)) */
    for (int k = 0; k < 30; k++) {
        sum += gsl_sf_zeta(0.5 - k) * power / (2 * k + 1);
        power *= -delta / (4 * (k + 1));
    }
    return delta * exp(sum);
}

sl_status sl_rate_turnover(double *k, const sl_barrier *b, double T, double g, double action_from, double action_to,
                           sl_err *err)
{
    if (b->dim != 1) return sl_fail(err, SL_E_DOMAIN, "the turnover formula is for 1 dimension, not for %zu", b->dim);
    SL_TRY(check_positive("action of the well of departure", action_from, err));
    if (!(action_to > 0))
        return sl_fail(err, SL_E_DOMAIN, "action of the well of arrival = %g, need > 0 (inf for none)", action_to);
    double spatial;
    SL_TRY(sl_rate_kramers(&spatial, b, T, g, err));
    const double from = g * action_from / T, to = g * action_to / T;
    *k = spatial * sl_depopulation(from) * (sl_depopulation(to) / sl_depopulation(from + to));
    return SL_OK;
}

/* The orbit at the energy `top` of a barrier. */
typedef struct {
    sl_function f;
    void *ctx;
    double top, height;
    double turning, inward; /* the turning point, and +-1: from there towards the barrier */
    double above;           /* by how much f has been seen to exceed top                  */
} orbit;

static double below_top(double x, void *params)
{
    const orbit *o = params;
    return o->f(x, o->ctx) - o->top;
}

static double upside_down(double x, void *params)
{
    return -below_top(x, params);
}

/* Where f crosses the top between a (below) and b (above), by Brent's method. */
static sl_status crossing(double *x, orbit *o, double a, double b, sl_err *err)
{
    gsl_root_fsolver *solver = gsl_root_fsolver_alloc(gsl_root_fsolver_brent);
    if (!solver) return sl_fail(err, SL_E_MEMORY, "no memory for a root");
    gsl_function function = {below_top, o};
    int code = gsl_root_fsolver_set(solver, &function, fmin(a, b), fmax(a, b));
    for (int i = 0; i < 200 && code == GSL_SUCCESS; i++) {
        code = gsl_root_fsolver_iterate(solver);
        if (gsl_root_test_interval(gsl_root_fsolver_x_lower(solver), gsl_root_fsolver_x_upper(solver), 0, 1e-15) ==
            GSL_SUCCESS)
            break;
    }
    *x = gsl_root_fsolver_root(solver);
    gsl_root_fsolver_free(solver);
    if (code != GSL_SUCCESS)
        return sl_fail(err, SL_E_NUMERIC, "no turning point in [%g, %g]: %s", a, b, gsl_strerror(code));
    return SL_OK;
}

/* The place of the maximum of f that stands between a and c, b being higher than both. */
static sl_status summit(double *x, orbit *o, double a, double b, double c, sl_err *err)
{
    gsl_min_fminimizer *solver = gsl_min_fminimizer_alloc(gsl_min_fminimizer_brent);
    if (!solver) return sl_fail(err, SL_E_MEMORY, "no memory for a minimum");
    gsl_function function = {upside_down, o};
    int code = gsl_min_fminimizer_set(solver, &function, b, fmin(a, c), fmax(a, c));
    for (int i = 0; i < 200 && code == GSL_SUCCESS; i++) {
        code = gsl_min_fminimizer_iterate(solver);
        if (gsl_min_test_interval(gsl_min_fminimizer_x_lower(solver), gsl_min_fminimizer_x_upper(solver), 0, 1e-12) ==
            GSL_SUCCESS)
            break;
    }
    *x = gsl_min_fminimizer_x_minimum(solver);
    gsl_min_fminimizer_free(solver);
    return SL_OK; /* at worst b itself, which is a summit as far as can be told */
}

/* Walks from the minimum away from the barrier, in growing steps, until f has come up to the barrier's height: by
 * crossing it, or by a summit that reaches it to within the precision at which a height can be known there. */
static sl_status find_turning_point(orbit *o, double minimum, double barrier, sl_err *err)
{
    static const double growth = 1.05, farthest = 1e9, same_height = 1e-10;
    const double away = -o->inward, distance = fabs(barrier - minimum);
    double x[3] = {minimum, minimum, minimum}, f[3] = {-INFINITY, -INFINITY, below_top(minimum, o)};
    for (double step = distance / 64; fabs(x[2] - minimum) < farthest * distance; step *= growth) {
        x[0] = x[1], x[1] = x[2], f[0] = f[1], f[1] = f[2];
        x[2] = x[1] + away * step;
        f[2] = below_top(x[2], o);
        if (isnan(f[2])) break;
        if (f[2] >= 0) return crossing(&o->turning, o, x[1], x[2], err);
        if (!(f[1] > f[0] && f[1] > f[2] && isfinite(f[0]))) continue;
        double top = x[1];
        SL_TRY(summit(&top, o, x[0], x[1], x[2], err));
        const double missing = below_top(top, o);
        if (missing >= same_height * o->height) return crossing(&o->turning, o, x[0], top, err);
        if (missing >= -same_height * o->height) {
            o->turning = top;
            return SL_OK;
        }
    }
    return sl_fail(err, SL_E_UNSTABLE, "f does not come up to the barrier's %g on the other side of the minimum at %g",
                   o->top, minimum);
}

/* 2 p dx with x = turning + s^2 inward, which takes the square root's singularity at the turning point away. */
static double momentum(double s, void *params)
{
    orbit *o = params;
    const double excess = below_top(o->turning + o->inward * s * s, o);
    o->above = fmax(o->above, excess);
    return excess < 0 ? 4 * s * sqrt(-2 * excess) : 0;
}

sl_status sl_action_barrier(double *I_b, sl_function f, void *ctx, double minimum, double barrier, sl_err *err)
{
    enum { LIMIT = 500 };
    static const double precision = 1e-10, above_rounding = 1e-9;
    if (!(isfinite(minimum) && isfinite(barrier) && minimum != barrier))
        return sl_fail(err, SL_E_DOMAIN, "minimum at %g and barrier at %g, need two finite points", minimum, barrier);
    sl_gsl_quiet();
    orbit o = {.f = f, .ctx = ctx, .top = f(barrier, ctx), .inward = barrier > minimum ? 1 : -1};
    o.height = o.top - f(minimum, ctx);
    if (!(o.height > 0 && isfinite(o.height)))
        return sl_fail(err, SL_E_DOMAIN, "the barrier at %g is %g above the minimum at %g, need > 0", barrier, o.height,
                       minimum);
    SL_TRY(find_turning_point(&o, minimum, barrier, err));
    gsl_integration_workspace *work = gsl_integration_workspace_alloc(LIMIT);
    if (!work) return sl_fail(err, SL_E_MEMORY, "no memory for quadrature");
    gsl_function function = {momentum, &o};
    double action = 0, error = 0;
    const int code = gsl_integration_qag(&function, 0, sqrt(fabs(barrier - o.turning)), 0, precision / 10, LIMIT,
                                         GSL_INTEG_GAUSS31, work, &action, &error);
    gsl_integration_workspace_free(work);
    if (o.above > above_rounding * o.height)
        return sl_fail(err, SL_E_DOMAIN, "f rises above the barrier at %g, by %g, on the way from the minimum at %g",
                       barrier, o.above, minimum);
    if (!(error <= precision * action))
        return sl_fail(err, SL_E_NUMERIC, "the action of the barrier at %g is only good to %.1e: %s", barrier,
                       error / action, gsl_strerror(code));
    *I_b = action;
    return SL_OK;
}
